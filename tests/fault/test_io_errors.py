"""Every file call may fail, once or for ever: the error is said, nothing acknowledged is lost."""

from __future__ import annotations

import errno

import pytest

from kvdb.errors import DiskFull, ReadOnlyDegraded, ServiceUnavailable
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.options import EngineOptions
from kvdb.testing import Fault, FaultyFileSystem, InlineJobs, ManualClock, MemFileSystem, ProcessExit, sim_env
from tests.support.crash import DIRECTORY, Workload
from tests.support.io_faults import FaultRun

WORKLOADS = [Workload(seed=41, steps=30), Workload(seed=42, sync="group", steps=30)]
WORKLOAD = WORKLOADS[0]
DISK_FULL = errno.ENOSPC


def calls_of(workload: Workload, operation: str = "*") -> int:
    """How many calls of a kind the workload makes on a disk that refuses none."""
    run = FaultRun(workload, Fault("no such operation"))
    run.run()
    assert run.errors == []
    counter = FaultyFileSystem(MemFileSystem())
    counter.fail(fault := Fault(operation, for_ever=True))
    hits = [counter.fault_at(call.operation, call.path) for call in run.fs.calls]
    return hits.count(fault)


def sweep(workload: Workload, operation: str, *, every: int = 1, **settings: object) -> int:
    """Fail every so-manieth call of a kind, one a run; returns how many runs were hit."""
    hit = 0
    for nth in range(1, calls_of(workload, operation) + 1, every):
        fault = Fault(operation, nth=nth, **settings)  # type: ignore[arg-type]  # fields of Fault
        run = FaultRun(workload, fault)
        try:
            run.run()
        except Exception as error:
            raise AssertionError(f"{fault} on {workload}: {type(error).__name__}: {error}") from error
        hit += run.was_hit
    return hit


any_workload = pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: f"seed-{workload.seed}")


@any_workload
def test_any_call_may_fail_once(workload: Workload) -> None:
    assert sweep(workload, "*", every=2) >= 110


@any_workload
def test_any_call_may_fail_and_all_later_ones_of_its_run_too(workload: Workload) -> None:
    assert sweep(workload, "*", every=5, for_ever=True) >= 45


@any_workload
def test_the_disk_may_fill_up_at_any_append(workload: Workload) -> None:
    assert sweep(workload, "append", error=DISK_FULL, kind="short_write") >= 40
    assert sweep(workload, "append", every=2, error=DISK_FULL, for_ever=True) >= 20


@any_workload
def test_no_new_file_may_be_had_at_any_moment(workload: Workload) -> None:
    assert sweep(workload, "create", error=errno.EMFILE) >= 10
    assert sweep(workload, "open_*", error=errno.EMFILE) >= 10


@any_workload
def test_any_sync_may_fail_and_lose_its_pages(workload: Workload) -> None:
    assert sweep(workload, "sync*", kind="error") >= 40
    assert sweep(workload, "sync_data", kind="drop_pages") >= 15
    assert sweep(workload, "sync", kind="drop_pages") >= 15


def test_a_file_whose_sync_failed_is_never_synced_again() -> None:
    hit = 0
    for nth in range(1, calls_of(WORKLOAD, "sync") + calls_of(WORKLOAD, "sync_data") + 1):
        # No glob says "sync or sync_data and not sync_dir": the path of a file has a name in it.
        run = FaultRun(WORKLOAD, Fault("sync*", f"{DIRECTORY}/*", nth=nth))
        run.run()
        run.require_no_second_sync()
        hit += run.was_hit
    assert hit >= 40


OPTIONS = EngineOptions()


def opened(fs: FaultyFileSystem | MemFileSystem) -> Engine:
    return Engine.open(DIRECTORY, sim_env(fs), OPTIONS)


def engine_with_a_failed_sync() -> tuple[Engine, FaultyFileSystem, MemFileSystem]:
    """``a`` is acknowledged; the sync of the write of ``b`` has failed and lost its pages."""
    disk = MemFileSystem()
    fs = FaultyFileSystem(disk)
    engine = opened(fs)
    engine.write(WriteBatch().put(b"a", b"1"))
    fs.fail(Fault("sync_data", "*.log", kind="drop_pages"))
    with pytest.raises(ReadOnlyDegraded, match="log sync failed"):
        engine.write(WriteBatch().put(b"b", b"2"))
    return engine, fs, disk


def test_after_a_failed_sync_every_write_is_refused() -> None:
    engine, _, _ = engine_with_a_failed_sync()
    for _ in range(3):
        with pytest.raises(ReadOnlyDegraded):
            engine.write(WriteBatch().put(b"c", b"3"))


def test_after_a_failed_sync_reads_go_on_and_see_only_what_is_durable() -> None:
    engine, _, _ = engine_with_a_failed_sync()
    assert dict(engine.scan(b"", b"")) == {b"a": b"1"}
    assert engine.get(b"b") is None


def test_after_a_failed_sync_closing_does_not_sync_again() -> None:
    engine, fs, _ = engine_with_a_failed_sync()
    before = [call for call in fs.calls if call.operation.startswith("sync")]
    engine.close()
    assert [call for call in fs.calls if call.operation.startswith("sync")] == before


def test_reopening_after_a_failed_sync_takes_writes_again() -> None:
    engine, _, disk = engine_with_a_failed_sync()
    engine.close()
    again = opened(disk)
    assert again.get(b"a") == b"1"
    again.write(WriteBatch().put(b"c", b"3"))
    assert again.get(b"c") == b"3"


def test_what_a_reopening_shows_after_lost_pages_is_durable() -> None:
    # The page cache still shows ``b`` though the disk has zeros there: recovery must not build on it.
    engine, _, disk = engine_with_a_failed_sync()
    engine.close()
    shown = dict(opened(disk).scan(b"", b""))
    assert dict(opened(disk.after_crash("strict")).scan(b"", b"")) == shown


def test_an_append_on_a_full_disk_is_undone_and_writing_resumes_when_there_is_room() -> None:
    disk = MemFileSystem()
    fs = FaultyFileSystem(disk)
    engine = opened(fs)
    engine.write(WriteBatch().put(b"a", b"1"))
    fs.fail(Fault("append", "*.log", error=DISK_FULL, kind="short_write"))
    with pytest.raises(DiskFull, match="No space left"):
        engine.write(WriteBatch().put(b"b", b"2" * 100))
    engine.write(WriteBatch().put(b"c", b"3"))
    found = dict(opened(disk.after_crash("strict")).scan(b"", b""))
    assert found == {b"a": b"1", b"c": b"3"}


def test_an_append_that_cannot_be_undone_stops_writing() -> None:
    fs = FaultyFileSystem(MemFileSystem())
    engine = opened(fs)
    fs.fail(Fault("append", "*.log", error=DISK_FULL, kind="short_write"))
    fs.fail(Fault("truncate", "*.log"))
    with pytest.raises(ReadOnlyDegraded, match="could not be undone"):
        engine.write(WriteBatch().put(b"b", b"2" * 100))
    with pytest.raises(ReadOnlyDegraded):
        engine.write(WriteBatch().put(b"c", b"3"))


def test_an_error_names_the_file_that_was_refused() -> None:
    fs = FaultyFileSystem(MemFileSystem())
    fs.fail(Fault("create", "*.log", error=DISK_FULL))
    with pytest.raises(DiskFull, match=r"No space left on device file=.*\.log"):
        opened(fs)


def test_where_the_process_is_to_end_a_failed_sync_ends_it_before_anybody_is_told() -> None:
    disk = MemFileSystem()
    fs = FaultyFileSystem(disk)
    options = EngineOptions(on_fsync_error="exit")
    engine = Engine.open(DIRECTORY, sim_env(fs), options)
    engine.write(WriteBatch().put(b"a", b"1"))
    fs.fail(Fault("sync_data", "*.log", kind="drop_pages"))
    with pytest.raises(ProcessExit) as ended:
        engine.write(WriteBatch().put(b"b", b"2"))
    assert ended.value.code == 74
    disk.kill_processes()
    again = Engine.open(DIRECTORY, sim_env(disk.after_crash("all"), seed=2), options)
    assert dict(again.scan(b"", b"")) == {b"a": b"1"}


def test_a_syncer_that_dies_stops_the_writes_it_was_to_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    env = sim_env(MemFileSystem())
    engine = Engine.open(DIRECTORY, env, EngineOptions(sync="interval"))
    engine.write(WriteBatch().put(b"a", b"1"))

    def broken() -> None:
        raise MemoryError

    monkeypatch.setattr(engine._commit, "sync", broken)
    assert isinstance(env.jobs, InlineJobs)
    assert isinstance(env.clock, ManualClock)
    env.clock.advance_ms(1_000)
    env.jobs.run_until_idle()
    with pytest.raises(ReadOnlyDegraded, match="background sync died: MemoryError"):
        engine.write(WriteBatch().put(b"b", b"2"))
    assert engine.get(b"a") == b"1"


@pytest.mark.parametrize("job", ["_flush", "_compaction"])
def test_a_background_job_that_dies_fails_writes_and_does_not_hang_them(
    job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = sim_env(MemFileSystem())
    engine = Engine.open(
        DIRECTORY,
        env,
        EngineOptions(memtable_size_bytes=2_000, level0_tables_max=2, level0_tables_stall=4),
    )

    def broken(now_ms: int) -> int | None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(getattr(engine, job), "step", broken)
    assert isinstance(env.jobs, InlineJobs)
    written: dict[bytes, bytes] = {}
    with pytest.raises((ServiceUnavailable, ReadOnlyDegraded), match="a mistake of ours"):
        for number in range(1_000):
            engine.write(WriteBatch().put(b"%d" % number, bytes(200)))
            written[b"%d" % number] = bytes(200)
            env.jobs.run_until_idle()
    assert dict(engine.scan(b"", b"")) == written
