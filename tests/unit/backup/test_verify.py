"""A verification finds whatever is damaged, names it, goes on, and keeps what it has found."""

from __future__ import annotations

import random
from typing import Any

import pytest

from kvdb.backup import names, on_demand, restore, shelf, verifications
from kvdb.backup.manifest import Manifest
from kvdb.backup.store import BackupStore
from kvdb.backup.verifications import Outcome
from kvdb.backup.verify import LEVELS, Level, verify
from kvdb.env.env import Env
from kvdb.errors import BackupNotFound, DiskFull
from kvdb.lsm.engine import Engine
from kvdb.testing import Fault, FaultyFileSystem, MemFileSystem
from tests.support.backups import created_while_written, fill, flip, make_table, restored_content, store_of
from tests.support.engines import content, open_engine, put
from tests.support.forged import forge, replace_part, tree


def _backed_up() -> tuple[MemFileSystem, Engine, Env, BackupStore, Manifest]:
    fs = MemFileSystem()
    engine, env = open_engine(fs)
    make_table(engine, "one", 1)
    fill(engine, random.Random(4), 60)
    store = store_of(env)
    made = created_while_written(env, engine, store, key=b"\0\0\0\0\x7fz")
    fs.make_dir("scratch")
    return fs, engine, env, store, made


def _verify(env: Env, store: BackupStore, made: Manifest, level: Level = "files") -> Outcome:
    return verify(env, store, made.backup_id, level, scratch_parent="scratch")


def _damaged_objects(outcome: Outcome) -> list[str]:
    return [each.object_name for each in outcome.findings if each.severity == "damage"]


@pytest.mark.parametrize("level", ["files", "structure"])
def test_a_whole_backup_is_clean_and_nothing_is_left_of_the_look(level: Level) -> None:
    fs, _, env, store, made = _backed_up()
    before = tree(fs)
    outcome = _verify(env, store, made, level)
    assert outcome.is_clean and not outcome.findings
    assert outcome.objects == 1 + len(made.parts)
    assert outcome.size_bytes == made.size_bytes
    assert (outcome.entries > 60) == (level == "structure")
    (kept,) = verifications.history(store)
    assert tree(fs).keys() - before.keys() == {f"store/{kept.name}"}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("what", ["missing", "short", "long", "empty", "flipped"])
def test_every_damaged_object_is_named_and_the_others_are_looked_at(what: str, level: Level) -> None:
    fs, _, env, store, made = _backed_up()
    bad = {made.parts[place].object_name for place in (0, len(made.parts) - 1)}
    for name in bad:
        body = fs._inode(f"store/{name}").content
        if what == "missing":
            fs.remove(f"store/{name}")
        elif what == "short":
            del body[-1:]
        elif what == "long":
            body += b"x"
        elif what == "empty":
            del body[:]
        else:
            flip(fs, f"store/{name}", len(body) // 2)
    outcome = _verify(env, store, made, level)
    assert set(_damaged_objects(outcome)) == bad
    assert outcome.objects == 1 + len(made.parts)
    assert fs.list_dir("scratch") == []


@pytest.mark.parametrize("level", LEVELS)
def test_a_damaged_manifest_is_a_finding(level: Level) -> None:
    fs, _, env, store, made = _backed_up()
    name = names.manifest_name(made.backup_id)
    flip(fs, f"store/{name}", 40)
    assert _damaged_objects(_verify(env, store, made, level)) == [name]


def test_a_backup_that_is_not_there_is_refused() -> None:
    _, _, env, store, made = _backed_up()
    store.delete(names.manifest_name(made.backup_id))
    with pytest.raises(BackupNotFound):
        _verify(env, store, made)


def test_a_backup_that_is_deleted_meanwhile_is_no_damage() -> None:
    _, _, env, store, made = _backed_up()

    def delete(progress: on_demand.Progress) -> None:
        if store.exists(names.manifest_name(made.backup_id)):
            shelf.delete(env, store, made.backup_id)

    with pytest.raises(BackupNotFound):
        verify(env, store, made.backup_id, "files", scratch_parent="scratch", on_progress=delete)
    assert verifications.history(store) == []


def test_another_backup_in_the_place_of_the_one_before_is_found() -> None:
    fs, engine, env, store, first = _backed_up()
    second = on_demand.create(env, engine, store)

    def rename(fields: dict[str, Any], image: list[Any]) -> None:
        fields["stored_bytes"] += 1

    forge(fs, first.backup_id, rename)
    assert _damaged_objects(_verify(env, store, second)) == [names.manifest_name(first.backup_id)]
    assert _verify(env, store, first).is_clean
    shelf.delete(env, store, first.backup_id)
    outcome = _verify(env, store, second)
    assert outcome.is_clean
    assert [finding.severity for finding in outcome.findings] == ["note"]


@pytest.mark.parametrize("kind", ["sst", "log"])
def test_nonsense_with_the_right_digest_is_found_by_its_structure(kind: str) -> None:
    fs, _, env, store, made = _backed_up()
    place = next(number for number, part in enumerate(made.parts) if part.file.endswith(kind))
    body = bytes(fs._inode(f"store/{made.parts[place].object_name}").content)
    for other in (b"", b"nonsense", body[:-1], body + b"\0", body[:20] + bytes([body[20] ^ 1]) + body[21:]):
        name = replace_part(fs, made, place, other)
        assert _verify(env, store, made, "files").is_clean
        outcome = _verify(env, store, made, "structure")
        assert set(_damaged_objects(outcome)) == {name}, (other[:30], outcome.findings)


def test_two_sstables_of_one_backup_that_were_swapped_are_found_by_their_structure() -> None:
    fs, _, env, store, made = _backed_up()
    one, other = (bytes(fs._inode(f"store/{part.object_name}").content) for part in made.parts[:2])
    replace_part(fs, made, 0, other)
    replace_part(fs, made, 1, one)
    assert _verify(env, store, made, "files").is_clean
    assert not _verify(env, store, made, "structure").is_clean


def test_a_missing_log_record_is_found() -> None:
    fs, _, env, store, made = _backed_up()
    last = len(made.parts) - 1
    body = bytes(fs._inode(f"store/{made.parts[last].object_name}").content)
    found = 0
    for size in range(1, len(body)):
        name = replace_part(fs, made, last, body[:size])
        found += set(_damaged_objects(_verify(env, store, made, "structure"))) == {name}
    assert found == len(body) - 1


def test_a_store_that_may_only_be_read_keeps_no_result_and_says_so() -> None:
    fs = FaultyFileSystem(MemFileSystem())
    engine, env = open_engine(fs)
    fill(engine, random.Random(4), 30)
    store = store_of(env)
    made = on_demand.create(env, engine, store)
    fs.fail(Fault("create", "store/*", error=30, for_ever=True))
    outcome = _verify(env, store, made)
    assert outcome.is_clean
    assert "could not be kept" in outcome.findings[0].message


def test_a_scratch_directory_without_room_is_an_error_and_goes() -> None:
    fs, _, env, store, made = _backed_up()
    fs.capacity_bytes = sum(map(len, tree(fs).values())) + 2_000
    with pytest.raises(DiskFull):
        _verify(env, store, made, "structure")
    assert fs.list_dir("scratch") == []


def test_results_are_kept_and_read_again_and_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifications, "KEPT_MAX", 3)
    fs, _, env, store, made = _backed_up()
    outcomes = [_verify(env, store, made) for _ in range(4)]
    flip(fs, f"store/{made.parts[0].object_name}", 5)
    outcomes.append(_verify(env, store, made))
    kept = verifications.history(store)
    assert {each.verification_id for each in kept} <= {each.verification_id for each in outcomes}
    assert len(kept) == 3
    by_id = {each.verification_id: each for each in outcomes}
    assert all(verifications.read(store, each) == by_id[each.verification_id] for each in kept)
    assert [each.is_clean for each in kept].count(False) == 1


def test_what_is_damaged_is_stored_again_by_the_next_backup() -> None:
    fs, engine, env, store, made = _backed_up()
    model = content(engine)
    for part in made.parts[:2]:
        flip(fs, f"store/{part.object_name}", 30)
    unaware = on_demand.create(env, engine, store)
    assert unaware.stored_bytes < made.parts[0].size, "unread, and so unknown"
    assert not _verify(env, store, made).is_clean
    assert shelf.damaged_objects(store) == {part.object_name for part in made.parts[:2]}
    healing = on_demand.create(env, engine, store)
    assert healing.stored_bytes >= made.parts[0].size + made.parts[1].size
    assert shelf.damaged_objects(store) == set()
    for number, backup in enumerate((made, unaware, healing)):
        assert _verify(env, store, backup).is_clean
        restore.restore(env, restore.plan_backup(store, backup.backup_id), f"target-{number}")
        assert restored_content(fs, f"target-{number}") == model


def test_a_damaged_object_that_cannot_be_stored_again_stays_marked_until_it_goes() -> None:
    fs, engine, env, store, made = _backed_up()
    for number in range(300):
        put(engine, b"\0\0\0\0\x7f%03d" % number, b"x" * 50)
    engine.compact()
    flip(fs, f"store/{made.parts[0].object_name}", 30)
    _verify(env, store, made)
    later = on_demand.create(env, engine, store)
    assert shelf.damaged_objects(store) == {made.parts[0].object_name}
    assert _verify(env, store, later).is_clean
    shelf.delete(env, store, made.backup_id)
    assert shelf.damaged_objects(store) == set()


def test_a_backup_that_fails_while_it_stores_an_object_again_leaves_the_mark() -> None:
    nth = 0
    while True:
        nth += 1
        fs = FaultyFileSystem(MemFileSystem())
        engine, env = open_engine(fs)
        make_table(engine, "one", 1)
        fill(engine, random.Random(8), 40)
        store = store_of(env)
        made = on_demand.create(env, engine, store)
        part = made.parts[0]
        flip(fs._fs, f"store/{part.object_name}", 30)  # type: ignore[arg-type]
        _verify(env, store, made)
        fs.fail(Fault("*", "store/*", nth=nth, error=28, for_ever=True))
        try:
            on_demand.create(env, engine, store)
        except DiskFull:
            fs.heal()
            is_marked = part.object_name in shelf.damaged_objects(store)
            assert is_marked or _verify(env, store, made).is_clean
            on_demand.create(env, engine, store)
        else:
            break
        assert _verify(env, store, made).is_clean
    assert nth > 10
