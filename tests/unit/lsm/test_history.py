from __future__ import annotations

import pytest

from kvdb.errors import ReadPointExpired, ValidationError
from kvdb.lsm.engine import Engine, WriteBatch
from kvdb.testing import ManualClock, MemFileSystem, sim_env
from tests.support.engines import content, names, open_engine, put, small_options

HOUR_MS = 3_600_000


def test_the_past_is_read_by_seqno_and_by_time_through_flush_compaction_and_reopen() -> None:
    fs = MemFileSystem()
    options = small_options(history_retention_ms=HOUR_MS)
    engine, env = open_engine(fs, options)
    assert isinstance(env.clock, ManualClock)
    put(engine, b"k", b"old")
    then_ms = env.clock.wall_ms()
    env.clock.advance_ms(60_000)
    engine.write(WriteBatch().delete_range(b"a", b"z"))
    put(engine, b"k", b"new")
    engine.compact()
    engine.close()
    again, _ = open_engine(fs, options, seed=1)
    for past in (again.snapshot_at(seqno=1), again.snapshot_at(wall_ms=then_ms)):
        assert again.get(b"k", at=past) == b"old"
    assert content(again) == {b"k": b"new"}
    assert list(again.versions(b"k")) == [(3, b"new"), (2, None), (1, b"old")]


def test_without_history_only_the_present_and_live_snapshots_are_read() -> None:
    engine, _ = open_engine(MemFileSystem())
    put(engine, b"k", b"1")
    held = engine.snapshot()
    put(engine, b"k", b"2")
    put(engine, b"k", b"3")
    assert engine.get(b"k", at=engine.snapshot_at(seqno=3)) == b"3"
    assert engine.get(b"k", at=engine.snapshot_at(seqno=1)) == b"1"
    with pytest.raises(ReadPointExpired, match="seqno=2 oldest=3"):
        engine.snapshot_at(seqno=2)
    held.release()


def test_the_future_and_two_read_points_are_refused() -> None:
    engine, env = open_engine(MemFileSystem())
    with pytest.raises(ValidationError, match="future seqno=1 last=0"):
        engine.snapshot_at(seqno=1)
    with pytest.raises(ValidationError, match="future wall_ms="):
        engine.snapshot_at(wall_ms=env.clock.wall_ms() + 1)
    for both in ({}, {"seqno": 0, "wall_ms": 0}):
        with pytest.raises(ValidationError, match="one of"):
            engine.snapshot_at(**both)


def test_history_that_was_dropped_does_not_come_back_with_a_longer_retention() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs)
    for i in range(3):
        put(engine, b"k", b"%d" % i)
    engine.compact()
    engine.close()
    again, _ = open_engine(fs, small_options(history_retention_ms=HOUR_MS), seed=1)
    with pytest.raises(ReadPointExpired):
        again.snapshot_at(seqno=1)
    assert again.get(b"k", at=again.snapshot_at(seqno=3)) == b"2"
    assert list(again.versions(b"k")) == [(3, b"2")]


def test_a_change_is_seen_by_those_who_hold_a_snapshot_and_suspected_by_others() -> None:
    engine, _ = open_engine(MemFileSystem())
    put(engine, b"a", b"1")
    with engine.snapshot():
        put(engine, b"b", b"2")
        engine.write(WriteBatch().delete(b"a"))
        engine.compact()
        assert engine.changed_since(b"a", b"a\0", 1)
        assert engine.changed_since(b"a", b"", 2)
        assert not engine.changed_since(b"c", b"", 1)
        assert not engine.changed_since(b"b", b"c", 2)
        assert engine.any_changed_since([(b"b", b"c"), (b"a", b"b")], 2)
        assert not engine.any_changed_since([(b"b", b"c"), (b"x", b"x\0")], 2)
        assert not engine.any_changed_since([], 2)
    put(engine, b"z", b"")
    engine.compact()
    assert engine.changed_since(b"c", b"d", 1)
    assert not engine.changed_since(b"c", b"d", 4)


def test_newest_seqno_knows_puts_deletes_and_range_deletes() -> None:
    engine, _ = open_engine(MemFileSystem())
    put(engine, b"a", b"")
    engine.write(WriteBatch().put(b"b", b"").delete(b"b"))
    for _ in range(2):
        assert [engine.newest_seqno(key) for key in (b"a", b"b", b"c")] == [1, 3, None]
        engine.flush()
    engine.write(WriteBatch().delete_range(b"a", b"b"))
    for _ in range(2):
        assert [engine.newest_seqno(key) for key in (b"a", b"aa", b"b", b"c")] == [4, 4, 3, None]
        engine.flush()


def test_a_range_delete_frees_whole_files_without_reading_them() -> None:
    fs = MemFileSystem()
    engine, env = open_engine(fs)
    for i in range(200):
        put(engine, b"t1-%03d" % i, bytes(50))
    put(engine, b"t2", b"kept")
    engine.compact()
    assert len(names(fs, ".sst")) > 5
    before = engine.last_seqno
    assert engine.write(WriteBatch().delete_range(b"t1", b"t2")) == before + 1
    engine.flush()
    env.jobs.run_until_idle()  # type: ignore[attr-defined]
    assert content(engine) == {b"t2": b"kept"}
    assert len(names(fs, ".sst")) <= 2


def test_a_range_delete_frees_nothing_that_a_snapshot_sees() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs)
    for i in range(200):
        put(engine, b"%03d" % i, bytes(50))
    engine.compact()
    with engine.snapshot() as snapshot:
        engine.write(WriteBatch().delete_range(b"0", b"9"))
        engine.compact()
        assert content(engine) == {}
        assert len(list(engine.scan(b"", b"", at=snapshot))) == 200


def test_many_range_deletes_fill_a_memtable() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs, small_options(memtable_size_bytes=1 << 30))
    for i in range(600):
        engine.write(WriteBatch().delete_range(b"%03d" % i, b"%03d" % (i + 1)))
    assert len(names(fs, ".sst")) >= 1


@pytest.mark.parametrize(("start", "end"), [(b"b", b"a"), (b"a", b"a"), (b"a", b"")])
def test_an_empty_or_endless_range_delete_is_refused(start: bytes, end: bytes) -> None:
    with pytest.raises(ValidationError, match="start < end"):
        WriteBatch().delete_range(start, end)


def test_the_clock_of_the_log_survives_the_removal_of_logs_and_never_goes_back() -> None:
    fs = MemFileSystem()
    env = sim_env(fs)
    assert isinstance(env.clock, ManualClock)
    engine = Engine.open("db", env, small_options())
    start_ms = env.clock.wall_ms()
    for _ in range(5):
        put(engine, b"k", b"")
        env.clock.advance_ms(2_000)
        engine.flush()
    env.clock.set_wall_ms(start_ms)
    put(engine, b"k", b"")
    engine.close()
    again, _ = open_engine(fs, seed=1)
    assert [again.wall_ms_of(seqno) for seqno in range(1, 7)] == [
        start_ms, start_ms + 2_000, start_ms + 4_000, start_ms + 6_000, start_ms + 8_000, start_ms + 8_000,
    ]  # fmt: skip
    assert [again.seqno_at(start_ms + elapsed_ms) for elapsed_ms in (-1, 0, 1_999, 2_000)] == [0, 1, 1, 2]
