"""The worker process: work done elsewhere, errors that keep their class, and deaths on either side."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kvdb.env.clock import SystemClock
from kvdb.env.fs import OsFileSystem
from kvdb.env.jobs import ThreadJobRunner
from kvdb.env.worker import WorkerDied, WorkerProcess
from kvdb.errors import CorruptionError, InternalError
from kvdb.testing import checked_content


@pytest.fixture
def worker() -> Iterator[WorkerProcess]:
    worker = WorkerProcess()
    yield worker
    worker.close()


def test_the_work_is_done_in_the_other_process(worker: WorkerProcess, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\0content")
    answer = worker.run(checked_content, {"path": str(tmp_path / "f"), "size": 8})
    assert answer == b"\0content"
    assert worker.pid != os.getpid()


def test_one_worker_does_many_tasks(worker: WorkerProcess, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 1_000_000)
    task = {"path": str(tmp_path / "f"), "size": 1_000_000}
    assert all(worker.run(checked_content, task) == b"x" * 1_000_000 for _ in range(3))


def test_errors_come_back_as_what_they_were(worker: WorkerProcess, tmp_path: Path) -> None:
    path = str(tmp_path / "f")
    with pytest.raises(FileNotFoundError) as missing:
        worker.run(checked_content, {"path": path, "size": 0})
    assert missing.value.filename == path

    (tmp_path / "f").write_bytes(b"abc")
    with pytest.raises(CorruptionError, match="unexpected size") as corrupt:
        worker.run(checked_content, {"path": path, "size": 4})
    assert (corrupt.value.file, corrupt.value.offset) == (path, 3)

    with pytest.raises(InternalError, match="KeyError"):
        worker.run(checked_content, {"path": path})


def test_a_function_of_another_package_is_refused(worker: WorkerProcess) -> None:
    def foreign(fs: object, task: object) -> None: ...

    foreign.__module__ = "os"
    with pytest.raises(InternalError, match="not a kvdb function"):
        worker.run(foreign, {})


def blocked_worker(
    worker: WorkerProcess, tmp_path: Path
) -> tuple[threading.Thread, list[BaseException], Path]:
    """A worker in the middle of a task that does not end, and the thread that waits for it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    errors: list[BaseException] = []

    def run() -> None:
        try:
            worker.run(checked_content, {"path": str(pipe), "size": 0})
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, errors, pipe


def test_a_killed_worker_is_reported_to_the_waiting_caller(worker: WorkerProcess, tmp_path: Path) -> None:
    thread, errors, _ = blocked_worker(worker, tmp_path)
    os.kill(worker.pid, signal.SIGKILL)
    thread.join(30)
    assert [type(error) for error in errors] == [WorkerDied]
    assert not worker.is_alive()


def test_a_worker_that_does_not_answer_in_time_is_given_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    worker = WorkerProcess(answer_ms_max=1)
    with pytest.raises(WorkerDied):
        worker.run(checked_content, {"path": str(tmp_path / "pipe"), "size": 0})
    assert not worker.is_alive()


def test_the_next_offload_after_a_death_starts_a_new_worker(tmp_path: Path) -> None:
    started: list[WorkerProcess] = []

    def start() -> WorkerProcess:
        started.append(WorkerProcess())
        return started[-1]

    (tmp_path / "f").write_bytes(b"abc")
    task = {"path": str(tmp_path / "f"), "size": 3}
    runner = ThreadJobRunner(SystemClock(), offload_bytes_min=0, start_worker=start)
    runner.offload(checked_content, OsFileSystem(), task, input_bytes=1)
    started[0].close()
    assert runner.offload(checked_content, OsFileSystem(), task, input_bytes=1) == b"abc"
    assert len(started) == 2
    runner.close()
    assert not started[1].is_alive()


def test_a_worker_ends_in_the_middle_of_its_task_when_its_parent_dies(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    script = (
        "import threading\nfrom kvdb.env.worker import WorkerProcess\n"
        "from kvdb.testing import checked_content\n"
        "worker = WorkerProcess()\n"
        f"task = {{'path': {str(tmp_path / 'pipe')!r}, 'size': 0}}\n"
        "threading.Thread(target=worker.run, args=(checked_content, task), daemon=True).start()\n"
        "print(worker.pid, flush=True); input()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        worker_pid = int(parent.stdout.readline())
        # A descriptor of the worker itself: it becomes readable when that process ends, whoever reaps it.
        watch = os.pidfd_open(worker_pid)
        parent.kill()
        parent.wait()
    assert ended(watch, timeout_s=30)


def ended(process: int, *, timeout_s: float) -> bool:
    readable, _, _ = select.select([process], [], [], timeout_s)
    os.close(process)
    return bool(readable)
