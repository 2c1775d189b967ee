"""What of a memtable comes into its sstable: from memory and, as a worker does it, from the log."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import pytest

from kvdb.env.env import Env
from kvdb.lsm.engine import Engine, WriteBatch
from kvdb.lsm.internal_key import KeyVersion
from kvdb.options import EngineOptions
from kvdb.testing import MemFileSystem, sim_env
from tests.support.engines import content, put

Open = Callable[..., Engine]


@pytest.fixture(params=["from memory", "from the log"])
def open_engine(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Open:
    def opened(**changes: int) -> Engine:
        if request.param == "from memory":
            return Engine.open("db", sim_env(MemFileSystem()), EngineOptions(**changes))  # type: ignore[arg-type]
        # No memtable is too small to be read from its log; no work is worth a process of its own.
        env = Env.system(offload_bytes_min=1 << 30)
        request.addfinalizer(env.jobs.close)
        options = EngineOptions(offload_bytes_min=0, **changes)  # type: ignore[arg-type]
        return Engine.open(str(tmp_path / "db"), env, options)

    return opened


def stored(engine: Engine, key: bytes) -> list[KeyVersion]:
    """The versions of a key in all sstables."""
    state = engine._versions.state
    assert not state.frozen
    readers = [engine._readers.open(meta) for meta in state.version.files_of(key)]
    return [version for reader in readers for version in reader.versions(key)]


def test_what_nobody_may_read_is_not_stored(open_engine: Open) -> None:
    engine = open_engine()
    for number in range(50):
        put(engine, b"a", b"%d" % number)
        engine.write(WriteBatch().put(b"gone", b"x").echo(b"p", 0))
    engine.write(WriteBatch().delete(b"gone"))
    engine.write(WriteBatch().delete_range(b"p", b"q"))
    engine.flush()
    assert [value for _, value in stored(engine, b"a")] == [b"49"]
    assert [value for _, value in stored(engine, b"gone")] == [None]
    (meta,) = engine._versions.state.version.files()
    assert (meta.entries, meta.range_tombstones, meta.seqno_max) == (2, 1, engine.last_seqno)
    assert content(engine) == {b"a": b"49"}
    engine.close()


def test_what_a_snapshot_reads_is_stored(open_engine: Open) -> None:
    engine = open_engine()
    put(engine, b"a", b"0")
    put(engine, b"a", b"1")
    snapshot = engine.snapshot()
    put(engine, b"a", b"2")
    put(engine, b"a", b"3")
    engine.write(WriteBatch().delete_range(b"a", b"b"))
    engine.flush()
    assert stored(engine, b"a") == [(2, b"1")]
    assert (engine.get(b"a", snapshot), engine.get(b"a")) == (b"1", None)
    snapshot.release()
    engine.close()


def test_history_that_is_kept_is_stored(open_engine: Open) -> None:
    engine = open_engine(history_retention_ms=60_000)
    for number in range(5):
        put(engine, b"a", b"%d" % number)
    engine.flush()
    assert [value for _, value in stored(engine, b"a")] == [b"4", b"3", b"2", b"1", b"0"]
    with engine.snapshot_at(seqno=3) as snapshot:
        assert engine.get(b"a", snapshot) == b"2"
    engine.close()


def test_a_delete_that_hides_what_lies_deeper_is_stored(open_engine: Open) -> None:
    engine = open_engine()
    put(engine, b"a", b"0")
    engine.flush()
    put(engine, b"a", b"1")
    engine.write(WriteBatch().delete(b"a"))
    engine.flush()
    assert stored(engine, b"a")[0] == (3, None)
    assert engine.get(b"a") is None
    engine.close()
