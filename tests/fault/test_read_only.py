"""A read-only open writes nothing at all, shows what a writing one would, and keeps writers out."""

from __future__ import annotations

from pathlib import Path

import pytest

import kvdb
from kvdb.errors import (
    ClosedError,
    CorruptionError,
    DatabaseLocked,
    NotADatabase,
    ReadOnlyDatabase,
)
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.options import EngineOptions
from kvdb.testing import FaultyFileSystem, InlineJobs, ManualClock, MemFileSystem, sim_env
from tests.support.crash import DIRECTORY
from tests.support.damage import disk_of, options, sample

SAMPLE = sample()
READ_ONLY = EngineOptions(read_only=True)
READING = {"open_read", "list_dir", "file_size", "read_at", "size", "lock_shared"}


def test_it_makes_no_call_that_changes_anything() -> None:
    disk = disk_of(SAMPLE.files)
    fs = FaultyFileSystem(disk)
    env = sim_env(fs)
    engine = Engine.open(DIRECTORY, env, READ_ONLY)
    assert dict(engine.scan(b"", b"")) == SAMPLE.state
    assert all(engine.get(key) == value for key, value in SAMPLE.state.items())
    assert isinstance(env.jobs, InlineJobs)
    assert isinstance(env.clock, ManualClock)
    env.clock.advance_ms(60_000)
    env.jobs.run_until_idle()
    engine.close()
    assert {call.operation for call in fs.calls} <= READING
    assert disk.calls == disk_of(SAMPLE.files).calls, "the crash model counts every changing call"


def test_a_torn_tail_is_passed_over_and_left_where_it_is() -> None:
    name = SAMPLE.name(".log")
    torn = {**SAMPLE.files, name: SAMPLE.files[name][:-10]}
    disk = disk_of(torn)
    engine = Engine.open(DIRECTORY, sim_env(disk), READ_ONLY)
    assert dict(engine.scan(b"", b"")) == SAMPLE.states[-2]
    engine.close()
    assert not disk.exists(f"{DIRECTORY}/quarantine")
    assert dict(Engine.open(DIRECTORY, sim_env(disk), options()).scan(b"", b"")) == SAMPLE.states[-2]


def test_writes_are_refused_and_background_work_does_nothing() -> None:
    engine = Engine.open(DIRECTORY, sim_env(disk_of(SAMPLE.files)), READ_ONLY)
    for call in (
        lambda: engine.write(WriteBatch().put(b"a", b"1")),
        lambda: engine.write(WriteBatch().delete(b"a")),
        engine.flush,
        engine.compact,
        engine.pin,
    ):
        with pytest.raises(ReadOnlyDatabase):
            call()
    told: list[BaseException | None] = []
    engine.submit(WriteBatch().put(b"a", b"1"), lambda seqno, error: told.append(error))
    assert [type(error) for error in told] == [ReadOnlyDatabase]


def test_a_snapshot_reads_and_a_closed_engine_does_not() -> None:
    engine = Engine.open(DIRECTORY, sim_env(disk_of(SAMPLE.files)), READ_ONLY)
    with engine.snapshot() as snapshot:
        assert dict(engine.scan(b"", b"", at=snapshot)) == SAMPLE.state
    engine.close()
    with pytest.raises(ClosedError):
        engine.get(b"key-001")


def test_readers_go_together_and_keep_writers_out() -> None:
    disk = disk_of(SAMPLE.files)
    first = Engine.open(DIRECTORY, sim_env(disk), READ_ONLY)
    second = Engine.open(DIRECTORY, sim_env(disk), READ_ONLY)
    with pytest.raises(DatabaseLocked):
        Engine.open(DIRECTORY, sim_env(disk), options())
    first.close()
    second.close()
    writer = Engine.open(DIRECTORY, sim_env(disk), options())
    with pytest.raises(DatabaseLocked, match="holder=pid"):
        Engine.open(DIRECTORY, sim_env(disk), READ_ONLY)
    writer.close()
    assert disk.held_locks == 0


def test_a_copy_without_a_lock_file_is_read_too() -> None:
    files = {name: content for name, content in SAMPLE.files.items() if name != "LOCK"}
    disk = disk_of(files)
    engine = Engine.open(DIRECTORY, sim_env(disk), READ_ONLY)
    assert dict(engine.scan(b"", b"")) == SAMPLE.state
    engine.close()
    assert sorted(disk.list_dir(DIRECTORY)) == sorted(files)


def test_what_is_no_database_is_refused_and_not_made() -> None:
    disk = MemFileSystem()
    with pytest.raises(NotADatabase):
        Engine.open(DIRECTORY, sim_env(disk), READ_ONLY)
    assert disk.calls == 0
    disk.make_dir("data")
    disk.make_dir(DIRECTORY)
    with pytest.raises(NotADatabase, match="no database to open read-only"):
        Engine.open(DIRECTORY, sim_env(disk), READ_ONLY)
    assert disk.list_dir(DIRECTORY) == []


@pytest.mark.parametrize("missing", ["CURRENT", ".sst", "MANIFEST"])
def test_damage_is_refused_as_ever(missing: str) -> None:
    name = SAMPLE.name(missing)
    files = {other: content for other, content in SAMPLE.files.items() if other != name}
    disk = disk_of(files)
    with pytest.raises(CorruptionError) as refused:
        Engine.open(DIRECTORY, sim_env(disk), READ_ONLY)
    assert refused.value.file == name
    assert disk.held_locks == 0


def test_the_public_door_opens_read_only(tmp_path: Path) -> None:
    path = str(tmp_path / "db")
    with kvdb.open(path) as db:
        db.create_table("people", key=("name", "S")).put({"name": "Ada"})

    def state() -> list[tuple[str, int, bytes]]:
        return [(p.name, p.stat().st_mtime_ns, p.read_bytes()) for p in sorted((tmp_path / "db").iterdir())]

    before = state()
    with kvdb.open(path, read_only=True) as db, kvdb.open(path, read_only=True) as other:
        assert [item["name"] for item in db.table("people").scan()] == ["Ada"]
        assert other.tables() == ["people"]
        with pytest.raises(kvdb.ReadOnlyDatabase):
            db.table("people").put({"name": "Grace"})
        with pytest.raises(kvdb.ReadOnlyDatabase):
            db.create_table("other", key=("name", "S"))
    assert state() == before
