"""The threaded job runner. Every wait is for an event, with a bound that only a failure reaches."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kvdb.env.clock import SystemClock
from kvdb.env.fs import FileSystem, OsFileSystem
from kvdb.env.jobs import ThreadJobRunner
from kvdb.env.worker import Task, WorkerDied, WorkerProcess
from kvdb.errors import ClosedError
from kvdb.testing import MemFileSystem, checked_content

BOUND_S = 30.0
BOUND_MS = 30_000


class ScriptedJob:
    """Runs one action a step, and answers with the pause that it returns."""

    name = "scripted"

    def __init__(self, *actions: Callable[[], int | None]) -> None:
        self._actions = list(actions)
        self.steps = 0
        self.stepped = threading.Semaphore(0)

    def step(self, now_ms: int) -> int | None:
        self.steps += 1
        action = self._actions.pop(0) if self._actions else (lambda: None)
        try:
            return action()
        finally:
            self.stepped.release()

    def wait_for_steps(self, count: int) -> None:
        for _ in range(count):
            assert self.stepped.acquire(timeout=BOUND_S)


def no_worker() -> WorkerProcess:
    raise AssertionError("no worker process was wanted")


@pytest.fixture
def runner() -> Iterator[ThreadJobRunner]:
    runner = ThreadJobRunner(SystemClock(), offload_bytes_min=1000, start_worker=no_worker)
    yield runner
    runner.close()


def test_a_job_does_not_run_before_it_is_woken(runner: ThreadJobRunner) -> None:
    job = ScriptedJob()
    threads = threading.active_count()
    runner.add(job)
    assert (job.steps, threading.active_count()) == (0, threads)


def test_a_woken_job_takes_a_step(runner: ThreadJobRunner) -> None:
    job = ScriptedJob()
    runner.add(job).wake()
    job.wait_for_steps(1)
    assert job.steps == 1


def test_a_job_with_more_work_is_stepped_again(runner: ThreadJobRunner) -> None:
    job = ScriptedJob(lambda: 0, lambda: 1, lambda: None)
    runner.add(job).wake()
    job.wait_for_steps(3)


def test_wakes_during_a_step_are_not_lost(runner: ThreadJobRunner) -> None:
    inside, may_go_on = threading.Event(), threading.Event()

    def hold() -> None:
        inside.set()
        assert may_go_on.wait(BOUND_S)

    job = ScriptedJob(hold)
    handle = runner.add(job)
    handle.wake()
    assert inside.wait(BOUND_S)
    for _ in range(5):
        handle.wake()
    may_go_on.set()
    job.wait_for_steps(2)


def test_an_error_ends_the_job_and_is_kept(runner: ThreadJobRunner, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise OSError("disk on fire")

    job = ScriptedJob(fail)
    handle = runner.add(job)
    with caplog.at_level(logging.ERROR, logger="kvdb.env.jobs"):
        handle.help(BOUND_MS)
    handle.wake()
    handle.help(BOUND_MS)
    assert (str(handle.error), job.steps) == ("disk on fire", 1)
    assert "job=scripted" in caplog.text


def test_stop_waits_for_a_running_step(runner: ThreadJobRunner) -> None:
    inside, may_go_on = threading.Event(), threading.Event()
    order: list[str] = []

    def hold() -> None:
        inside.set()
        assert may_go_on.wait(BOUND_S)
        order.append("step ended")

    handle = runner.add(ScriptedJob(hold))
    handle.wake()
    assert inside.wait(BOUND_S)

    def stop() -> None:
        handle.stop()
        order.append("stop returned")

    stopper = threading.Thread(target=stop)
    stopper.start()
    may_go_on.set()
    stopper.join(BOUND_S)
    assert order == ["step ended", "stop returned"]


def test_a_stopped_job_is_not_stepped_again(runner: ThreadJobRunner) -> None:
    job = ScriptedJob(lambda: 0)
    handle = runner.add(job)
    handle.stop()
    handle.wake()
    handle.help(BOUND_MS)
    assert job.steps == 0


def test_stop_does_not_wait_for_a_pause_to_end(runner: ThreadJobRunner) -> None:
    job = ScriptedJob(lambda: 3_600_000)
    handle = runner.add(job)
    handle.wake()
    job.wait_for_steps(1)
    handle.stop()
    assert job.steps == 1


def test_help_returns_when_a_step_is_done(runner: ThreadJobRunner) -> None:
    job = ScriptedJob()
    runner.add(job).help(BOUND_MS)
    assert job.steps == 1


def test_a_spawned_thread_runs_and_is_joined(runner: ThreadJobRunner) -> None:
    names: list[str] = []
    spawned = runner.spawn("commit", lambda: names.append(threading.current_thread().name))
    assert spawned is not None
    spawned.join()
    assert names == ["kvdb-commit"]


def test_small_work_runs_in_the_calling_thread(runner: ThreadJobRunner) -> None:
    def where(fs: FileSystem, task: Task) -> str:
        return threading.current_thread().name

    here = threading.current_thread().name
    assert runner.offload(where, OsFileSystem(), {}, input_bytes=999) == here


def test_work_on_files_in_memory_never_leaves_the_process(runner: ThreadJobRunner) -> None:
    fs = MemFileSystem()

    def is_same(given: FileSystem, task: Task) -> bool:
        return given is fs

    assert runner.offload(is_same, fs, {}, input_bytes=10**9) is True


def test_a_closed_runner_starts_no_worker() -> None:
    runner = ThreadJobRunner(SystemClock(), offload_bytes_min=0, start_worker=no_worker)
    runner.close()
    with pytest.raises(ClosedError):
        runner.offload(lambda fs, task: None, OsFileSystem(), {}, input_bytes=1)


def test_closing_the_runner_stops_its_jobs() -> None:
    runner = ThreadJobRunner(SystemClock(), offload_bytes_min=0, start_worker=no_worker)
    job = ScriptedJob(lambda: 3_600_000)
    handle = runner.add(job)
    handle.wake()
    job.wait_for_steps(1)
    runner.close()
    handle.wake()
    assert job.steps == 1


def test_interrupting_ends_the_task_in_the_worker(tmp_path: Path) -> None:
    # The worker blocks in opening a pipe that nobody writes to.
    os.mkfifo(tmp_path / "pipe")
    runner = ThreadJobRunner(SystemClock(), offload_bytes_min=0)
    ended: list[BaseException] = []

    def offload() -> None:
        try:
            task: Task = {"path": str(tmp_path / "pipe"), "size": 0}
            runner.offload(checked_content, OsFileSystem(), task, input_bytes=1)
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=offload)
    thread.start()
    # Whether the worker is not started yet, is starting, or is at work.
    runner.interrupt()
    thread.join(BOUND_S)
    offload()
    assert [type(error) for error in ended] == [WorkerDied, WorkerDied]
    runner.close()
