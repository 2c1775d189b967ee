"""What a restore makes is whole or not there; what is damaged or hostile is refused before."""

from __future__ import annotations

import base64
import json
import random
from contextlib import suppress

import msgpack
import pytest

from kvdb.backup import restore
from kvdb.backup.manifest import Manifest, opened, sealed
from kvdb.backup.restore import begin_stage, clear_stage
from kvdb.backup.store import BackupStore
from kvdb.env.env import Env
from kvdb.errors import BackupNotFound, CorruptionError, FormatTooNew, KvdbError, NotADatabase, StorageError
from kvdb.lsm.engine import Engine
from kvdb.testing import MemFileSystem, PowerLoss, sim_env
from tests.support.backups import (
    Content,
    created_while_written,
    fill,
    flip,
    make_table,
    restored_content,
    store_of,
)
from tests.support.engines import content, open_engine, put, small_options
from tests.support.forged import HOSTILE


def _backed_up() -> tuple[MemFileSystem, Env, BackupStore, Manifest, Content]:
    fs = MemFileSystem()
    engine, env = open_engine(fs)
    make_table(engine, "one", 1)
    fill(engine, random.Random(4), 60)
    store = store_of(env)
    made = created_while_written(env, engine, store, key=b"\0\0\0\1zz")
    return fs, env, store, made, content(engine)


def test_a_target_that_is_there_is_refused() -> None:
    fs, env, store, made, _ = _backed_up()
    fs.make_dir("target")
    with pytest.raises(NotADatabase, match="there already"):
        restore.restore(env, restore.plan_backup(store, made.backup_id), "target")


def test_a_restore_of_chosen_tables_warns_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    _, env, store, made, _ = _backed_up()
    restore.restore(env, restore.plan_backup(store, made.backup_id), "target", tables=["one"])
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == []


def test_a_stage_that_no_restore_made_is_left_alone() -> None:
    fs, env, store, made, _ = _backed_up()
    fs.make_dir("target.restoring")
    fs.create("target.restoring/mine").close()
    with pytest.raises(NotADatabase, match="mine"):
        restore.restore(env, restore.plan_backup(store, made.backup_id), "target")
    assert fs.list_dir("target.restoring") == ["mine"]


def test_a_restored_database_has_an_id_of_its_own_and_takes_writes() -> None:
    fs, env, store, made, model = _backed_up()
    done = restore.restore(env, restore.plan_backup(store, made.backup_id), "target")
    assert done.database_id != made.image.database_id
    assert "RESTORING" not in fs.list_dir("target")
    engine = Engine.open("target", sim_env(fs, seed=3), small_options())
    assert engine.last_seqno == made.seqno
    put(engine, b"later", b"v")
    assert content(engine) == {**model, b"later": b"v"}


@pytest.mark.parametrize("what", ["missing", "short", "long", "empty", "swapped"])
def test_an_object_that_is_not_what_was_stored_is_named_and_there_is_no_target(what: str) -> None:
    for place in range(len(_backed_up()[3].parts)):
        fs, env, store, made, _ = _backed_up()
        part = made.parts[place]
        path = f"store/{part.object_name}"
        body = fs._inode(path).content
        if what == "missing":
            fs.remove(path)
        elif what == "short":
            del body[-1:]
        elif what == "long":
            body += b"x"
        elif what == "empty":
            del body[:]
        else:
            other = made.parts[(place + 1) % len(made.parts)]
            body[:] = fs._inode(f"store/{other.object_name}").content
        with pytest.raises(CorruptionError, match=part.object_name):
            restore.restore(env, restore.plan_backup(store, made.backup_id), "target")
        assert not fs.exists("target")
        with pytest.raises(StorageError):
            Engine.open("target.restoring", sim_env(fs, seed=8), small_options())


def test_every_flipped_bit_of_a_sample_is_found_before_there_is_a_target() -> None:
    fs, env, store, made, _ = _backed_up()
    chance = random.Random(11)
    paths = [f"store/{part.object_name}" for part in made.parts] + [f"store/backups/{made.backup_id}.json"]
    for number in range(500):
        path = chance.choice(paths)
        place, bit = chance.randrange(fs.file_size(path)), chance.randrange(8)
        flip(fs, path, place, bit)
        with pytest.raises((CorruptionError, FormatTooNew)):
            restore.restore(env, restore.plan_backup(store, made.backup_id), f"target-{number}")
        assert not fs.exists(f"target-{number}")
        flip(fs, path, place, bit)
    restore.restore(env, restore.plan_backup(store, made.backup_id), "target")


def test_a_restore_cut_off_at_any_call_never_opens_and_begins_again() -> None:
    """Power is lost before each change of the disk in turn; what is left opens only if it is whole."""
    call, whole = 0, 0
    while True:
        call += 1
        fs, env, store, made, model = _backed_up()
        fs.power_off_before(fs.calls + call)
        plan = restore.plan_backup(store, made.backup_id)
        try:
            restore.restore(env, plan, "target")
        except PowerLoss:
            for mode in ("strict", "all"):
                after = fs.after_crash(mode, seed=call)  # type: ignore[arg-type]
                for name in ("target.restoring", "target"):
                    whole += _opens_only_whole(after, name, model)
        else:
            break
    assert call > 20
    assert whole, "some crash came after the last step that matters"


def _opens_only_whole(fs: MemFileSystem, name: str, model: Content) -> bool:
    """And the restore goes through when it is asked for again."""
    env = sim_env(fs, seed=6)
    is_whole = False
    if fs.exists(name) and fs.list_dir(name):
        try:
            engine = Engine.open(name, env, small_options())
        except StorageError:
            pass
        else:
            assert name == "target" or content(engine) == model
            is_whole = content(engine) == model
            assert is_whole
            engine.close()
    if name == "target.restoring" and not is_whole and not fs.exists("target"):
        store = store_of(env)
        backup_id = next(iter(store.listed("backups/"))).name[8:-5]
        restore.restore(env, restore.plan_backup(store, backup_id), "target")
        assert restored_content(fs, "target") == model
        fs.remove("target/CURRENT")
        return False
    return is_whole


def test_hostile_manifests_are_refused_and_nothing_is_written() -> None:
    assert len(HOSTILE) >= 40
    fs, env, store, made, _ = _backed_up()
    name = f"store/backups/{made.backup_id}.json"
    line = bytes(fs._inode(name).content).split(b"\n")[0]
    for number, change in enumerate(HOSTILE):
        fields = json.loads(line)
        image = msgpack.unpackb(base64.b64decode(fields["image"]))
        change(fields, image)
        if fields["image"] == json.loads(line)["image"]:
            fields["image"] = base64.b64encode(msgpack.packb(image)).decode()
        fs._inode(name).content[:] = sealed(json.dumps(fields).encode())
        before = fs.list_dir("")
        with pytest.raises(KvdbError) as caught:
            restore.restore(env, restore.plan_backup(store, made.backup_id), "target")
        assert isinstance(caught.value, CorruptionError), (number, caught.value)
        assert not fs.exists("target")
        assert set(fs.list_dir("")) - set(before) <= {"target.restoring"}


def test_a_manifest_of_a_later_kvdb_is_refused_by_name() -> None:
    fs, _, store, made, _ = _backed_up()
    name = f"store/backups/{made.backup_id}.json"
    fields = json.loads(bytes(fs._inode(name).content).split(b"\n")[0])
    fields["format_version"] = 3
    fs._inode(name).content[:] = sealed(json.dumps(fields).encode())
    with pytest.raises(FormatTooNew, match="newer"):
        restore.plan_backup(store, made.backup_id)


@pytest.mark.parametrize("body", [b"", b"\n", b"{}\n", b"[" * 100_000, b"\xff" * 50, b"null\nnull\n"])
def test_bytes_that_are_no_manifest_are_refused(body: bytes) -> None:
    fs, _, store, made, _ = _backed_up()
    for content_ in (body, sealed(body)):
        fs._inode(f"store/backups/{made.backup_id}.json").content[:] = content_
        with pytest.raises(CorruptionError):
            restore.plan_backup(store, made.backup_id)


@pytest.mark.parametrize("value", [b"[]", b"{}", b"0", b'""', b"[[]]"])
def test_a_manifest_that_would_take_many_times_its_size_is_refused_before_it_is_read(value: bytes) -> None:
    body = b'{"format_version":2,"parts":[' + b",".join([value] * 300_000) + b"]}"
    with pytest.raises(CorruptionError, match="too many values for its size"):
        opened(sealed(body), "backups/x.json")


def test_a_backup_that_is_not_there_is_refused() -> None:
    _, _, store, _, _ = _backed_up()
    with pytest.raises(BackupNotFound):
        restore.plan_backup(store, "00000000000001-00000000")


def test_what_a_restore_left_is_cleared_away_after_any_crash_of_clearing_it() -> None:
    for call in range(12):
        for seed in range(8):
            fs = MemFileSystem()
            begin_stage(fs, "stage")
            for number in range(1, 4):
                fs.create(f"stage/{number:06}.sst").sync()
            fs.sync_dir("stage")
            fs.power_off_before(fs.calls + 1 + call)
            with suppress(PowerLoss):
                clear_stage(fs, "stage")
            # Names are removed in an order of the disk's own unless they are synced.
            image = fs.after_crash("random", seed)
            clear_stage(image, "stage")
            assert not image.exists("stage")
