"""Background work: the only place where a thread or a process is started.

A ``Job`` does one bounded piece of work a ``step`` and says when it wants the next. A
``JobRunner`` gives steps: ``ThreadJobRunner`` from one thread a job, started at its first
wake; ``testing.InlineJobs`` from the caller's own thread, so that a test decides the order.

``offload`` runs a pure function of files to files. Large inputs go to a worker process, so
that the foreground keeps its core (decision 6); small ones run where they are. The function
is named by its module and must take ``(fs, task)`` and give a result, where task and result
are plain values (dict, list, str, bytes, int, float, bool, None): they cross a pipe as msgpack.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final, Protocol

from kvdb.env.clock import Clock
from kvdb.env.fork import on_fork
from kvdb.env.fs import FileSystem, OsFileSystem
from kvdb.env.worker import Plain, Task, WorkerDied, WorkerProcess, WorkFunction
from kvdb.errors import ClosedError

_log = logging.getLogger("kvdb.env.jobs")

WorkerStart = Callable[[], WorkerProcess]

WORKERS_MAX: Final = 2
"""Two, so that a flush, for which writers may wait, does not wait for a long compaction."""


class Job(Protocol):
    """A background worker as a state machine."""

    @property
    def name(self) -> str: ...

    def step(self, now_ms: int) -> int | None:
        """Do one bounded piece of work.

        Returns how many milliseconds to wait before the next step: 0 for more work at
        once, ``None`` to sleep until woken. An exception ends the job for good and is
        kept as its handle's ``error``; what can be retried is the job's own to retry.
        """
        ...


class JobHandle(Protocol):
    """A job as its owner sees it."""

    @property
    def error(self) -> BaseException | None:
        """What ended the job, if something did."""
        ...

    def wake(self) -> None:
        """Ask for a step soon. Cheap; wakes given while a step runs merge into one."""
        ...

    def help(self, timeout_ms: int) -> None:
        """The caller cannot go on before this job has: let it finish a step.

        Runs a step itself (inline runner) or waits for one, up to ``timeout_ms``.
        Returns at once when the job has ended.
        """
        ...

    def begin_stop(self) -> None:
        """No more steps after the one that runs; returns at once."""
        ...

    def stop(self) -> None:
        """No more steps; returns when a running step has ended."""
        ...


class Spawned(Protocol):
    """A running thread."""

    def join(self) -> None: ...


class JobRunner(Protocol):
    """Gives steps to jobs and runs heavy functions elsewhere."""

    def add(self, job: Job) -> JobHandle: ...

    def spawn(self, name: str, target: Callable[[], None]) -> Spawned | None:
        """Run ``target`` in a thread of its own; ``None`` when this runner has no threads."""
        ...

    def offload(self, function: WorkFunction, fs: FileSystem, task: Task, *, input_bytes: int) -> Plain:
        """``function(fs, task)``, perhaps in a worker process. Raises what the function raises.

        Raises:
            WorkerDied: the process ended before it answered; its outputs are worthless.
        """
        ...

    def interrupt(self) -> None:
        """End the worker process for good: an ``offload`` under way, and any later one, raises
        ``WorkerDied``. What runs in the calling thread runs to its end."""
        ...

    def close(self) -> None:
        """Stop every job and end the worker process."""
        ...


class _Thread:
    def __init__(self, name: str, target: Callable[[], None]) -> None:
        self._thread = threading.Thread(target=target, name=name, daemon=True)
        self._thread.start()

    def join(self) -> None:
        if self._thread is not threading.current_thread():
            self._thread.join()


class ThreadedJob:
    """A job and the thread that steps it."""

    def __init__(self, job: Job, clock: Clock) -> None:
        self._job = job
        self._clock = clock
        self._changed = threading.Condition()
        self._thread: _Thread | None = None
        self._is_woken = False
        self._is_stopping = False
        self._pause_s: float | None = None
        self._steps = 0
        self._error: BaseException | None = None

    @property
    def error(self) -> BaseException | None:
        return self._error

    def wake(self) -> None:
        with self._changed:
            if self._is_stopping or self._error is not None:
                return
            self._is_woken = True
            if self._thread is None:
                self._thread = _Thread(f"kvdb-{self._job.name}", self._run)
            self._changed.notify_all()

    def help(self, timeout_ms: int) -> None:
        self.wake()
        with self._changed:
            seen = self._steps
            self._changed.wait_for(
                lambda: self._steps > seen or self._error is not None or self._is_stopping,
                timeout_ms / 1000.0,
            )

    def begin_stop(self) -> None:
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    def stop(self) -> None:
        self.begin_stop()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while self._wait_until_woken():
            try:
                pause_ms = self._job.step(self._clock.wall_ms())
            except BaseException as error:
                _log.exception("job ended job=%s", self._job.name)
                with self._changed:
                    self._error = error
                    self._changed.notify_all()
                return
            with self._changed:
                self._steps += 1
                self._pause_s = None if pause_ms is None else pause_ms / 1000.0
                self._changed.notify_all()

    def _wait_until_woken(self) -> bool:
        with self._changed:
            if not self._is_woken and not self._is_stopping:
                self._changed.wait_for(lambda: self._is_woken or self._is_stopping, self._pause_s)
            self._is_woken = False
            return not self._is_stopping


class ThreadJobRunner:
    """One thread a job, and at most ``WORKERS_MAX`` worker processes, each started when first needed.

    ``offload_bytes_min``: inputs smaller than this are worked on in the calling thread.
    """

    def __init__(
        self, clock: Clock, *, offload_bytes_min: int, start_worker: WorkerStart = WorkerProcess
    ) -> None:
        self._clock = clock
        self._offload_bytes_min = offload_bytes_min
        self._start_worker = start_worker
        self._jobs: list[ThreadedJob] = []
        self._workers: list[WorkerProcess] = []
        self._idle: list[WorkerProcess] = []
        self._workers_changed = threading.Condition()
        self._is_closed = False
        self._is_interrupted = False
        self._is_forked = False
        on_fork(self)

    def add(self, job: Job) -> JobHandle:
        handle = ThreadedJob(job, self._clock)
        self._jobs.append(handle)
        return handle

    def spawn(self, name: str, target: Callable[[], None]) -> Spawned | None:
        return _Thread(f"kvdb-{name}", target)

    def offload(self, function: WorkFunction, fs: FileSystem, task: Task, *, input_bytes: int) -> Plain:
        if input_bytes < self._offload_bytes_min or not isinstance(fs, OsFileSystem):
            return function(fs, task)
        worker = self._take_worker()
        try:
            return worker.run(function, task)
        finally:
            self._give_back(worker)

    def _take_worker(self) -> WorkerProcess:
        """An idle worker, or a new one, or whichever is done first: a worker does one task at a time."""
        with self._workers_changed:
            while True:
                if self._is_closed:
                    raise ClosedError("the job runner is closed")
                # Asked here, where an interrupt either finds the worker or is found by this.
                if self._is_interrupted:
                    raise WorkerDied("background work was interrupted")
                while self._idle:
                    worker = self._idle.pop()
                    if worker.is_alive():
                        return worker
                    self._workers.remove(worker)
                    worker.close()
                if len(self._workers) < WORKERS_MAX:
                    worker = self._start_worker()
                    self._workers.append(worker)
                    return worker
                self._workers_changed.wait()

    def _give_back(self, worker: WorkerProcess) -> None:
        with self._workers_changed:
            if worker.is_alive() and not self._is_closed:
                self._idle.append(worker)
            elif worker in self._workers:
                self._workers.remove(worker)
                worker.close()
            self._workers_changed.notify()

    def forked(self) -> None:
        # The threads are not in this process, and the workers are its parent's.
        self._is_forked = True

    def interrupt(self) -> None:
        if self._is_forked:
            return
        with self._workers_changed:
            self._is_interrupted = True
            for worker in self._workers:
                worker.kill()
            self._workers_changed.notify_all()

    def close(self) -> None:
        if self._is_forked:
            return
        for job in self._jobs:
            job.begin_stop()
        self.interrupt()
        for job in self._jobs:
            job.stop()
        with self._workers_changed:
            self._is_closed = True
            for worker in self._workers:
                worker.close()
            self._workers.clear()
            self._idle.clear()
            self._workers_changed.notify_all()
