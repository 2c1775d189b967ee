from __future__ import annotations

import errno
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvdb.env.env import Env
from kvdb.errors import DiskError, DiskFull, ValidationError
from kvdb.lsm.compaction.picker import LAST, Compaction
from kvdb.lsm.engine import Engine, WriteBatch
from kvdb.lsm.ingest import placed
from kvdb.lsm.manifest import FileMeta, VersionEdit
from kvdb.lsm.version import Version
from kvdb.testing import Fault, FaultyFileSystem, MemFileSystem
from tests.support.engines import content, names, open_engine, put, small_options

PAIRS = [(b"%03d" % i, b"ingested %d" % i) for i in range(300)]


def test_all_pairs_are_there_at_once_with_one_seqno_and_survive_a_power_loss_in_any_mode() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs, small_options("none"))
    put(engine, b"before", b"1")
    seqno = engine.ingest(PAIRS)
    assert (seqno, engine.last_seqno) == (2, 2)
    expected = {b"before": b"1", **dict(PAIRS)}
    assert content(engine) == expected
    assert engine.newest_seqno(b"007") == 2
    assert engine.write(WriteBatch().put(b"after", b"")) == 3
    again, _ = open_engine(fs.after_crash("strict", 0), small_options("none"), seed=1)
    assert content(again) == expected
    assert again.wall_ms_of(2) is not None


def test_it_goes_to_the_last_level_where_nothing_is_in_its_way() -> None:
    engine, _ = open_engine(MemFileSystem())
    put(engine, b"x", b"1")
    engine.compact()
    engine.ingest(PAIRS)
    levels = engine._versions.state.version.levels
    assert [len(level) for level in levels[:LAST]] == [0] * LAST
    assert len(levels[LAST]) > 3


def test_it_replaces_what_was_there_and_is_replaced_by_what_comes() -> None:
    engine, env = open_engine(MemFileSystem())
    for i in range(0, 300, 3):
        put(engine, b"%03d" % i, b"old")
    engine.flush()
    put(engine, b"010", b"in the memtable")
    engine.write(WriteBatch().delete(b"011").delete_range(b"100", b"200"))
    with engine.snapshot() as before:
        old = dict(engine.scan(b"", b"", at=before))
        engine.ingest(PAIRS)
        assert dict(engine.scan(b"", b"", at=before)) == old
        assert content(engine) == dict(PAIRS)
        put(engine, b"020", b"new")
        engine.write(WriteBatch().delete(b"021"))
        expected = {**dict(PAIRS), b"020": b"new"}
        del expected[b"021"]
        for _ in range(2):
            assert content(engine) == expected
            assert dict(engine.scan(b"", b"", at=before)) == old
            env.jobs.run_until_idle()  # type: ignore[attr-defined]
            engine.compact()


def test_nothing_is_no_ingest() -> None:
    engine, _ = open_engine(MemFileSystem())
    put(engine, b"a", b"1")
    assert engine.ingest([]) == 1


@pytest.mark.parametrize("pairs", [[(b"b", b""), (b"a", b"")], [(b"a", b""), (b"a", b"")]])
def test_keys_that_do_not_ascend_are_refused_and_nothing_is_left(pairs: list[tuple[bytes, bytes]]) -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs)
    with pytest.raises(ValidationError, match="ascending"):
        engine.ingest(pairs)
    assert names(fs, ".sst") == []
    assert content(engine) == {}
    assert engine._versions.numbers_in_use() == set()


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_fails_leaves_nothing_and_the_engine_works_on(number: int) -> None:
    fs = MemFileSystem()
    faulty = FaultyFileSystem(fs)
    engine, _ = open_engine(faulty)
    faulty.fail(Fault("sync", "*.sst", nth=2, error=number))
    with pytest.raises((DiskError, DiskFull)):
        engine.ingest(PAIRS)
    faulty.heal()
    assert names(fs, ".sst") == []
    assert content(engine) == {}
    engine.ingest(PAIRS)
    assert content(engine) == dict(PAIRS)


def test_ingests_and_writers_at_once_lose_nothing(tmp_path: object) -> None:
    env = Env.system(offload_bytes_min=1 << 30)
    engine = Engine.open(str(tmp_path), env, small_options("none", memtable_size_bytes=20_000))
    faults: list[BaseException] = []

    def write(worker: int) -> None:
        try:
            for i in range(300):
                put(engine, b"w%d-%03d" % (worker, i), b"%d" % i)
        except BaseException as fault:
            faults.append(fault)

    def ingest() -> None:
        try:
            for n in range(10):
                engine.ingest((b"%s-%d" % (key, n % 3), b"%d" % n) for key, _ in PAIRS)
                engine.compact()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(3)]
    threads.append(threading.Thread(target=ingest))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    expected = {b"w%d-%03d" % (worker, i): b"%d" % i for worker in range(3) for i in range(300)}
    expected |= {b"%s-%d" % (key, n % 3): b"%d" % n for n in range(10) for key, _ in PAIRS}
    assert content(engine) == expected
    engine.close()
    env.jobs.close()


def meta(smallest: bytes, last: bytes) -> FileMeta:
    return FileMeta(9, 9, 100, b"", smallest, last + b"\0", 1, 0, 0, 0, 0)


def test_a_file_keeps_above_what_overlaps_it_and_above_a_compaction_that_may() -> None:
    held = FileMeta(1, 1, 100, b"", b"c", b"d\0", 1, 0, 0, 1, 1)
    version = Version().edited(VersionEdit(((4, held),)))
    inside, beside = meta(b"c", b"c"), meta(b"x", b"y")
    assert [level for level, _ in placed(version, None, [inside, beside], 7)] == [3, LAST]
    assert [(each.seqno_min, each.seqno_max) for _, each in placed(version, None, [inside], 7)] == [(7, 7)]
    wide = FileMeta(2, 2, 100, b"", b"a", b"z", 1, 0, 0, 1, 1)
    for level, expected in ((0, [0, 0]), (3, [2, 2])):
        running = Compaction(level, LAST, (wide,), (), (), is_bottom=True)
        assert [found for found, _ in placed(version, running, [inside, beside], 7)] == expected


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(0, 30)),
            st.tuples(st.just("delete"), st.integers(0, 30)),
            st.tuples(st.just("ingest"), st.sets(st.integers(0, 30), min_size=1, max_size=8)),
            st.tuples(st.sampled_from(["flush", "compact", "jobs", "reopen", "crash"]), st.just(0)),
        ),
        max_size=25,
    )
)
def test_whatever_comes_between_the_engine_equals_a_dict(steps: list[tuple[str, object]]) -> None:
    fs = MemFileSystem()
    engine, env = open_engine(fs)
    model: dict[bytes, bytes] = {}
    for count, (step, what) in enumerate(steps):
        value = b"%d" % count * 9
        if step == "put":
            put(engine, b"%02d" % what, value)  # type: ignore[str-format]
            model[b"%02d" % what] = value  # type: ignore[str-format]
        elif step == "delete":
            engine.write(WriteBatch().delete(b"%02d" % what))  # type: ignore[str-format]
            model.pop(b"%02d" % what, None)  # type: ignore[str-format]
        elif step == "ingest":
            pairs = [(b"%02d" % number, value) for number in sorted(what)]  # type: ignore[call-overload]
            engine.ingest(pairs)
            model |= dict(pairs)
        elif step == "jobs":
            env.jobs.run_until_idle()  # type: ignore[attr-defined]
        elif step in ("flush", "compact"):
            getattr(engine, step)()
        else:
            if step == "reopen":
                engine.close()
            else:
                fs = fs.after_crash("strict", 0)
            engine, env = open_engine(fs, seed=count + 1)
        assert content(engine) == model
    engine.close()
