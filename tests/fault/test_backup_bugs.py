"""No flipped bit of a backup goes unnoticed; and known bugs, planted one at a time, turn a check red."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kvdb.backup import manifest, on_demand, restore, shelf, verify
from kvdb.backup.manifest import Part
from kvdb.backup.store import BackupStore, DirectoryStore, ObjectNotFound
from kvdb.errors import CorruptionError
from kvdb.lsm.rebuild import Rebuild
from kvdb.testing import MemFileSystem, PowerLoss, sim_env
from tests.support.backup_flips import SilentFlip, flip_many, small_backup
from tests.support.backups import fill, flip, make_table, restored_content, store_of
from tests.support.engines import content, open_engine

Plant = Callable[[pytest.MonkeyPatch], None]


class Red(AssertionError):
    """A check that found something."""


# The checks.


def flips() -> None:
    flip_many(40, 400)


def missing_objects() -> None:
    fs, env, store, made = small_backup(3)
    for number, part in enumerate(made.parts):
        body = fs._inode(f"store/{part.object_name}").content[:]
        fs.remove(f"store/{part.object_name}")
        with contextlib.suppress(CorruptionError):
            restore.restore(env, restore.plan_backup(store, made.backup_id), f"target-{number}")
            raise Red(f"restored without {part.object_name}")
        file = fs.create(f"store/{part.object_name}")
        file.append(bytes(body))
        file.close()


def torn_objects() -> None:
    """The power goes at each call of a backup; what is left in the store is not taken for whole later."""
    call = 0
    while True:
        call += 3
        fs = MemFileSystem()
        engine, env = open_engine(fs)
        make_table(engine, "one", 1)
        fill(engine, random.Random(2), 40)
        engine.flush()
        model = content(engine)
        fs.power_off_before(fs.calls + call)
        try:
            on_demand.create(env, engine, store_of(env))
        except PowerLoss:
            pass
        else:
            return
        for mode in ("strict", "all"):
            after = fs.after_crash(mode, seed=call)  # type: ignore[arg-type]
            env = sim_env(after, seed=call)
            store = store_of(env)
            again, env = open_engine(after, seed=call + 1)
            on_demand.create(env, again, store)
            for number, backup_id in enumerate(shelf.backup_ids(store)):
                try:
                    restore.restore(env, restore.plan_backup(store, backup_id), f"target-{number}")
                except CorruptionError as error:
                    raise Red(f"half a backup was taken for whole after call {call}: {error}") from error
                if restored_content(after, f"target-{number}") != model:
                    raise Red("a backup of something else")


def rotted_objects() -> None:
    fs, _, _, made = small_backup(4)
    fs = fs.after_crash("all", seed=1)
    engine, env = open_engine(fs, seed=77)
    store = store_of(env)
    flip(fs, f"store/{made.parts[0].object_name}", 30)
    fs.make_dir("scratch")
    verify.verify(env, store, made.backup_id, "files", scratch_parent="scratch")
    on_demand.create(env, engine, store)
    if not verify.verify(env, store, made.backup_id, "files", scratch_parent="scratch").is_clean:
        raise Red("what rotted was not stored again")


# The bugs.


def digest_not_compared(patch: pytest.MonkeyPatch) -> None:
    def careless(store: BackupStore, part: Part) -> Iterator[bytes]:
        try:
            data = b"".join(store.get(part.object_name))
        except ObjectNotFound as error:
            raise CorruptionError("object is missing", file=part.object_name) from error
        if len(data) != part.size:
            raise CorruptionError("size", file=part.object_name)
        yield data

    patch.setattr(restore, "checked", careless)


def digest_not_compared_by_verify(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(verify, "checked", lambda store, part: store.get(part.object_name))


def manifest_digest_ignored(patch: pytest.MonkeyPatch) -> None:
    def careless(data: bytes, name: str) -> dict[str, Any]:
        try:
            fields = json.loads(data.split(b"\n")[0])
        except ValueError as error:
            raise CorruptionError("not readable", file=name) from error
        if not isinstance(fields, dict):
            raise CorruptionError("not an object", file=name)
        return fields

    patch.setattr(manifest, "opened", careless)


def missing_object_skipped(patch: pytest.MonkeyPatch) -> None:
    checked = restore.checked

    def forgiving(store: BackupStore, part: Part) -> Iterator[bytes]:
        if store.exists(part.object_name):
            yield from checked(store, part)

    patch.setattr(restore, "checked", forgiving)
    patch.setattr(Rebuild, "end_image", lambda rebuild: setattr(rebuild, "_expected", rebuild.last_seqno + 1))


def object_written_in_place_and_taken_by_name(patch: pytest.MonkeyPatch) -> None:
    """Torn by a crash, and of whatever size it is: it has the right name."""

    def in_place(store: DirectoryStore, name: str, chunks: Any, *, replace: bool = False) -> None:
        folder, last = store._place(name)
        store._make(folder)
        path = f"{folder}/{last}"
        if store._fs.exists(path):
            store._fs.remove(path)
        file = store._fs.create(path)
        for chunk in chunks:
            for start in range(0, len(chunk), 300):
                file.append(chunk[start : start + 300])
        file.sync()
        file.close()
        store._fs.sync_dir(folder)

    stored = on_demand._Making._stored

    def by_name(making: Any, *args: Any) -> Any:
        put = making._put
        making._put = lambda pin, file, part: (
            None if making._store.exists(part.object_name) else put(pin, file, part)
        )
        return stored(making, *args)

    patch.setattr(DirectoryStore, "put", in_place)
    patch.setattr(on_demand._Making, "_stored", by_name)


def manifest_before_objects(patch: pytest.MonkeyPatch) -> None:
    """An object that fails to be written does not stop the backup."""
    patch.setattr(on_demand._Making, "_put", lambda making, pin, file, part: None)


def marks_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(shelf, "damaged_objects", lambda store: set())


BUGS: list[tuple[Plant, Callable[[], None]]] = [
    (digest_not_compared, flips),
    (digest_not_compared_by_verify, flips),
    (manifest_digest_ignored, flips),
    (missing_object_skipped, missing_objects),
    (object_written_in_place_and_taken_by_name, torn_objects),
    (manifest_before_objects, torn_objects),
    (marks_ignored, rotted_objects),
]


@pytest.mark.parametrize("check", sorted({check for _, check in BUGS}, key=lambda each: each.__name__))
def test_a_check_is_green_without_a_bug(check: Callable[[], None]) -> None:
    check()


@pytest.mark.parametrize(("plant", "check"), BUGS, ids=lambda each: each.__name__)
def test_a_planted_bug_turns_its_check_red(
    plant: Plant, check: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises((Red, SilentFlip)):
        check()


def test_a_thousand_flips_are_refused_by_name() -> None:
    assert flip_many(1, 1_000) == 1


def test_the_digest_of_an_object_is_the_sha256_of_its_content() -> None:
    fs, _, _, made = small_backup(1)
    for part in made.parts:
        assert hashlib.sha256(bytes(fs._inode(f"store/{part.object_name}").content)).digest() == part.sha256
