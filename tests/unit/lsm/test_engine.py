from __future__ import annotations

import errno
import random
import threading

import pytest

from kvdb.env.env import Env
from kvdb.env.worker import Plain, Task, WorkerDied, WorkFunction
from kvdb.errors import (
    ClosedError,
    CorruptionError,
    DatabaseLocked,
    DiskError,
    DiskFull,
    FormatTooNew,
    KvdbError,
    NotADatabase,
    ReadOnlyDegraded,
    ServiceUnavailable,
    ValidationError,
)
from kvdb.lsm.compaction.picker import LAST, compaction_of
from kvdb.lsm.engine import Engine, WriteBatch
from kvdb.options import EngineOptions
from kvdb.testing import Fault, FaultyFileSystem, MemFileSystem, sim_env
from tests.support.engines import content, names, open_engine, put, small_options


def test_a_batch_is_visible_whole_and_reads_its_latest_operation() -> None:
    engine, _ = open_engine(MemFileSystem())
    seqno = engine.write(WriteBatch().put(b"a", b"1").put(b"b", b"2").delete(b"a"))
    assert (seqno, content(engine)) == (3, {b"b": b"2"})


def test_an_empty_batch_is_no_write() -> None:
    engine, _ = open_engine(MemFileSystem())
    put(engine, b"a", b"1")
    assert engine.write(WriteBatch()) == 1


def test_a_snapshot_sees_its_moment_through_flush_and_compaction() -> None:
    engine, _ = open_engine(MemFileSystem())
    put(engine, b"k", b"old")
    put(engine, b"gone", b"x")
    with engine.snapshot() as snapshot:
        put(engine, b"k", b"new")
        engine.write(WriteBatch().delete(b"gone"))
        engine.compact()
        put(engine, b"k", b"newest")
        engine.compact()
        assert engine.get(b"k", at=snapshot) == b"old"
        assert dict(engine.scan(b"", b"", at=snapshot)) == {b"k": b"old", b"gone": b"x"}
        assert content(engine) == {b"k": b"newest"}


def test_a_released_snapshot_is_refused() -> None:
    engine, _ = open_engine(MemFileSystem())
    snapshot = engine.snapshot()
    snapshot.release()
    with pytest.raises(ClosedError):
        engine.get(b"k", at=snapshot)


def test_compaction_drops_what_nobody_sees() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs)
    for i in range(50):
        put(engine, b"k", b"%d" % i)
        engine.write(WriteBatch().delete(b"d%d" % i))
    engine.compact()
    assert content(engine) == {b"k": b"49"}
    assert len(names(fs, ".sst")) == 1
    assert len(names(fs, ".log")) == 1


def test_many_writes_reach_deeper_levels_in_the_background() -> None:
    fs = MemFileSystem()
    engine, env = open_engine(fs)
    model = {}
    for i in range(400):
        key = b"%03d" % (i * 37 % 211)
        model[key] = b"v%d" % i
        put(engine, key, model[key])
    env.jobs.run_until_idle()  # type: ignore[attr-defined]
    assert content(engine) == model
    assert env.metrics.read()["lsm_level0_sstables"] < 2
    engine.close()
    again, _ = open_engine(fs, seed=1)
    assert content(again) == model


def test_a_scan_under_way_keeps_its_view_and_its_files() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs)
    for i in range(60):
        put(engine, b"%02d" % i, b"old" * 20)
    engine.compact()
    scan = engine.scan(b"", b"")
    first = next(scan)
    for i in range(60):
        put(engine, b"%02d" % i, b"new")
    engine.compact()
    assert [first, *scan] == [(b"%02d" % i, b"old" * 20) for i in range(60)]
    put(engine, b"z", b"")
    engine.compact()
    assert set(names(fs, ".sst")) == {
        f"{meta.number:06d}.sst" for meta in engine._versions.state.version.files()
    }


def test_use_after_close_is_refused_and_closing_twice_is_fine() -> None:
    engine, _ = open_engine(MemFileSystem())
    put(engine, b"a", b"1")
    scan = engine.scan(b"", b"")
    engine.close()
    engine.close()
    for use in (
        lambda: engine.get(b"a"),
        lambda: put(engine, b"a", b"2"),
        engine.snapshot,
        lambda: next(scan),
    ):
        with pytest.raises(ClosedError):
            use()


def test_a_closed_engine_gives_up_its_lock_and_an_open_one_does_not() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs)
    with pytest.raises(DatabaseLocked, match="directory=db"):
        open_engine(fs)
    engine.close()
    open_engine(fs)[0].close()


def test_a_strangers_directory_is_refused_and_left_alone() -> None:
    fs = MemFileSystem()
    fs.make_dir("db")
    fs.create("db/thesis.txt").append(b"precious")
    with pytest.raises(NotADatabase, match=r"thesis\.txt"):
        open_engine(fs)
    assert fs.list_dir("db") == ["thesis.txt"]


def test_a_file_in_place_of_the_directory_is_refused() -> None:
    fs = MemFileSystem()
    fs.create("db").append(b"precious")
    with pytest.raises(NotADatabase):
        open_engine(fs)


def test_a_newer_database_is_refused_by_name_and_left_alone() -> None:
    fs = MemFileSystem()
    open_engine(fs)[0].close()
    text = fs.open_read("db/IDENTITY").read_at(0, 1000)
    fs.remove("db/IDENTITY")
    fs.create("db/IDENTITY").append(text.replace(b"format_version 1", b"format_version 9"))
    before = {name: fs.file_size(f"db/{name}") for name in fs.list_dir("db")}
    with pytest.raises(FormatTooNew, match="format 9"):
        open_engine(fs)
    assert {name: fs.file_size(f"db/{name}") for name in fs.list_dir("db")} == before


def test_a_database_without_its_current_is_refused() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs)
    put(engine, b"a", b"1")
    engine.close()
    fs.remove("db/CURRENT")
    with pytest.raises(CorruptionError, match="CURRENT"):
        open_engine(fs)


def test_unknown_files_beside_ours_are_left_alone() -> None:
    fs = MemFileSystem()
    open_engine(fs)[0].close()
    fs.create("db/notes.txt").append(b"x")
    open_engine(fs)[0].close()
    assert fs.exists("db/notes.txt")


def test_a_batch_over_the_bound_is_refused() -> None:
    engine, _ = open_engine(MemFileSystem(), small_options(batch_bytes_max=1000))
    with pytest.raises(ValidationError, match="max=1000"):
        engine.write(WriteBatch().put(b"k", bytes(1000)))


def failing(sync: str = "commit") -> tuple[Engine, FaultyFileSystem, MemFileSystem]:
    fs = MemFileSystem()
    faulty = FaultyFileSystem(fs)
    engine, _ = open_engine(faulty, EngineOptions(sync=sync))  # type: ignore[arg-type]
    put(engine, b"a", b"1")
    return engine, faulty, fs


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, DiskFull), (errno.EIO, DiskError)])
def test_a_failed_append_is_undone_and_writing_goes_on_when_it_can(
    number: int, error: type[KvdbError]
) -> None:
    engine, faulty, fs = failing()
    faulty.fail(Fault("append", "*.log", error=number))
    with pytest.raises(error, match=r"file=.*\.log"):
        put(engine, b"b", b"2")
    faulty.heal()
    put(engine, b"c", b"3")
    engine.close()
    assert content(open_engine(fs)[0]) == {b"a": b"1", b"c": b"3"}


def test_a_failed_sync_stops_writing_but_not_reading() -> None:
    engine, faulty, _ = failing()
    assert engine.why_degraded is None
    faulty.fail(Fault("sync_data", "*.log", error=errno.EIO))
    with pytest.raises(ReadOnlyDegraded):
        put(engine, b"b", b"2")
    faulty.heal()
    assert engine.why_degraded is not None
    assert "log sync failed" in engine.why_degraded
    with pytest.raises(ReadOnlyDegraded):
        put(engine, b"c", b"3")
    assert content(engine) == {b"a": b"1"}
    engine.close()


def test_a_log_that_cannot_be_made_refuses_writes_until_it_can() -> None:
    engine, faulty, fs = failing()
    faulty.fail(Fault("create", "*.log", for_ever=True, error=errno.ENOSPC))
    with pytest.raises(DiskFull):
        engine.flush()
    with pytest.raises(DiskFull):
        put(engine, b"b", b"2")
    faulty.heal()
    put(engine, b"c", b"3")
    engine.close()
    assert content(open_engine(fs)[0]) == {b"a": b"1", b"c": b"3"}


def test_a_flush_that_keeps_failing_refuses_writes_with_its_reason() -> None:
    fs = MemFileSystem()
    faulty = FaultyFileSystem(fs)
    engine, env = open_engine(faulty)
    faulty.fail(Fault("create", "*.sst", for_ever=True, error=errno.ENOSPC))
    with pytest.raises(ServiceUnavailable, match="behind"):
        for i in range(200):
            put(engine, b"%d" % i, bytes(100))
    kept = content(engine)
    faulty.heal()
    put(engine, b"z", b"")
    env.jobs.run_until_idle()  # type: ignore[attr-defined]
    engine.close()
    assert content(open_engine(fs)[0]) == {**kept, b"z": b""}


def test_a_damaged_block_is_an_error_and_not_an_absent_key() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs)
    for i in range(20):
        put(engine, b"%02d" % i, b"v" * 50)
    engine.compact()
    engine.close()
    name = names(fs, ".sst")[0]
    data = fs.open_read(f"db/{name}").read_at(0, 10**6)
    fs.remove(f"db/{name}")
    fs.create(f"db/{name}").append(data[:10] + bytes([data[10] ^ 1]) + data[11:])
    engine, _ = open_engine(fs)
    with pytest.raises(CorruptionError, match=name):
        engine.get(b"00")
    assert engine.get(b"19") == b"v" * 50


def system_engine(path: str, **changes: int) -> tuple[Engine, Env]:
    env = Env.system(offload_bytes_min=0)
    return Engine.open(path, env, small_options("none", offload_bytes_min=0, **changes)), env


def test_flush_and_compaction_run_in_a_worker_process_too(tmp_path: object) -> None:
    engine, env = system_engine(f"{tmp_path}/a/b")
    model = {}
    for i in range(300):
        key = b"%03d" % (i * 37 % 101)
        model[key] = b"v%d" % i
        put(engine, key, model[key])
    engine.compact()
    assert content(engine) == model
    assert env.jobs._workers  # type: ignore[attr-defined]
    engine.close()
    env.jobs.close()


def test_eight_threads_lose_nothing_and_share_syncs(tmp_path: object) -> None:
    env = Env.system()
    engine = Engine.open(str(tmp_path), env, EngineOptions())

    def write(worker: int) -> None:
        for i in range(100):
            put(engine, b"%d-%03d" % (worker, i), b"%d" % i)
            assert engine.get(b"%d-%03d" % (worker, i)) == b"%d" % i

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    metrics = env.metrics.read()
    assert len(content(engine)) == 800
    assert metrics["lsm_log_syncs_total"] < 800
    engine.close()
    env.jobs.close()


@pytest.mark.parametrize("sync", ["commit", "group", "interval", "none"])
def test_submitted_batches_are_answered_once_each_in_every_mode(tmp_path: object, sync: str) -> None:
    env = Env.system()
    engine = Engine.open(str(tmp_path), env, EngineOptions(sync=sync))  # type: ignore[arg-type]
    answers: list[tuple[int, BaseException | None]] = []
    all_answered = threading.Event()

    def done(seqno: int, error: BaseException | None) -> None:
        answers.append((seqno, error))
        if len(answers) == 50:
            all_answered.set()

    for i in range(50):
        engine.submit(WriteBatch().put(b"%d" % i, b"v"), done)
    assert all_answered.wait(30)
    assert sorted(answers) == [(seqno, None) for seqno in range(1, 51)]
    assert len(content(engine)) == 50
    engine.close()
    env.jobs.close()


def test_without_threads_a_submitted_batch_is_answered_at_once() -> None:
    engine = Engine.open("db", sim_env(), EngineOptions())
    answers: list[int] = []
    engine.submit(WriteBatch().put(b"k", b"v"), lambda seqno, error: answers.append(seqno))
    assert answers == [1]


def test_a_close_does_not_wait_for_a_compaction_but_drops_it(tmp_path: object) -> None:
    env = Env.system(offload_bytes_min=0)
    changes = {"offload_bytes_min": 0, "level0_tables_max": 3, "level0_tables_stall": 9}
    engine = Engine.open(str(tmp_path), env, small_options("none", **changes, memtable_size_bytes=200_000))
    for i in range(1500):
        put(engine, b"%05d" % i, bytes(300))
    engine.close()
    assert [error for error in (engine._flush_handle.error, engine._compaction_handle.error) if error] == []
    env.jobs.close()
    env = Env.system()
    again = Engine.open(str(tmp_path), env, small_options())
    assert len(content(again)) == 1500
    again.close()
    env.jobs.close()


def test_a_worker_that_dies_in_a_compaction_leaves_nothing_and_the_compaction_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fs = MemFileSystem()
    engine, env = open_engine(fs)
    offload, deaths = env.jobs.offload, []

    def die_once(function: WorkFunction, fs: MemFileSystem, task: Task, *, input_bytes: int) -> Plain:
        result = offload(function, fs, task, input_bytes=input_bytes)
        if not deaths and function.__name__ == "compact_files":
            deaths.append(result)
            raise WorkerDied("worker process ended task=compact_files")
        return result

    monkeypatch.setattr(env.jobs, "offload", die_once)
    model = {b"%03d" % (i % 50): b"%d" % i for i in range(150)}
    for i in range(150):
        put(engine, b"%03d" % (i % 50), b"%d" % i)
    env.jobs.run_until_idle()  # type: ignore[attr-defined]
    assert deaths
    live = {f"{meta.number:06d}.sst" for meta in engine._versions.state.version.files()}
    assert set(names(fs, ".sst")) == live
    env.clock.advance_ms(1_000)  # type: ignore[attr-defined]
    env.jobs.run_until_idle()  # type: ignore[attr-defined]
    assert engine._compaction.last_error is None
    assert env.metrics.read()["lsm_level0_sstables"] < 2
    assert content(engine) == model


@pytest.mark.parametrize("job", ["_flush", "_compaction"])
def test_a_job_that_is_dead_makes_writes_fail_clearly_and_reads_go_on(
    job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, _ = open_engine(MemFileSystem())
    put(engine, b"first", b"1")

    def die(now_ms: int) -> int | None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(getattr(engine, job), "step", die)
    with pytest.raises(ServiceUnavailable, match="background work is behind: a bug"):
        for i in range(1_000):
            put(engine, b"%d" % i, bytes(100))
    assert engine.get(b"first") == b"1"
    assert engine.why_degraded is not None
    assert "job died: RuntimeError: a bug" in engine.why_degraded


def test_outputs_of_a_compaction_end_where_they_overlap_too_much_below() -> None:
    engine, _ = open_engine(MemFileSystem(), small_options(sstable_size_bytes=1_000))
    options = engine._options
    chance = random.Random(1)
    for i in range(800):
        put(engine, b"%04d" % i, chance.randbytes(100))
    engine.compact()
    below = engine._versions.state.version.levels[LAST]
    assert len(below) > 20
    for i in range(0, 800, 8):
        put(engine, b"%04d" % i, b"")
    engine.flush()
    version = engine._versions.state.version
    compaction = compaction_of(version, options, 0, version.levels[0], LAST - 1)
    below_bytes = sum(meta.size for meta in compaction.below)
    assert below_bytes > 20 * options.sstable_size_bytes
    with engine._compaction._one_at_a_time:
        engine._compaction._run(compaction, engine._snapshots.read_points(engine._history_from))
    outputs = engine._versions.state.version.levels[LAST - 1]
    assert len(outputs) > 1
    for meta in outputs:
        overlapped = engine._versions.state.version.overlapping(LAST, meta.smallest, meta.limit)
        assert sum(each.size for each in overlapped) <= 12 * options.sstable_size_bytes


def test_the_hit_rates_of_blocks_and_open_files_are_counted() -> None:
    engine, env = open_engine(MemFileSystem(), small_options(open_sstables_max=1))
    for i in range(60):
        put(engine, b"%03d" % i, bytes(100))
    engine.compact()
    assert len(engine._versions.state.version.levels[LAST]) > 1
    before = env.metrics.read()

    def grown(name: str) -> float:
        return env.metrics.read()[name] - before[name]

    for _ in range(3):
        engine.get(b"000")
    assert (grown("lsm_sstable_looks_total"), grown("lsm_sstable_opens_total")) == (3, 1)
    assert (grown("lsm_block_cache_misses_total"), grown("lsm_block_cache_hits_total")) == (1, 2)
    engine.get(b"059")
    engine.get(b"000")
    assert (grown("lsm_sstable_looks_total"), grown("lsm_sstable_opens_total")) == (5, 3)
    assert env.metrics.read()["lsm_open_sstables"] == 1
