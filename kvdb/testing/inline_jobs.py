"""A job runner without threads: jobs run when a test says so, in an order that never varies."""

from __future__ import annotations

from collections.abc import Callable

from kvdb.env.clock import Clock
from kvdb.env.fs import FileSystem
from kvdb.env.jobs import Job, JobHandle, Spawned
from kvdb.env.worker import Plain, Task, WorkFunction


class InlineJob:
    """A job that is stepped by its caller's thread."""

    def __init__(self, job: Job, clock: Clock) -> None:
        self._job = job
        self._clock = clock
        self._is_woken = False
        self._is_running = False
        self._is_stopped = False
        self._due_ns: int | None = None
        self._error: BaseException | None = None

    @property
    def error(self) -> BaseException | None:
        return self._error

    @property
    def is_due(self) -> bool:
        """Woken, or asked for a step at a time that has come."""
        if self._is_stopped or self._is_running or self._error is not None:
            return False
        return self._is_woken or (self._due_ns is not None and self._clock.monotonic_ns() >= self._due_ns)

    def wake(self) -> None:
        self._is_woken = True

    def help(self, timeout_ms: int) -> None:
        self._is_woken = True
        if self.is_due:
            self.step()

    def begin_stop(self) -> None:
        self._is_stopped = True

    def stop(self) -> None:
        self._is_stopped = True

    def step(self) -> None:
        """One step. An ``Exception`` ends the job and is kept, as a thread would keep it; any other
        (a power loss) is kept and goes on up, because the test wants it."""
        self._is_woken = False
        self._due_ns = None
        self._is_running = True
        try:
            pause_ms = self._job.step(self._clock.wall_ms())
            if pause_ms is not None:
                self._due_ns = self._clock.monotonic_ns() + pause_ms * 1_000_000
        except Exception as error:
            self._error = error
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._is_running = False


class InlineJobs:
    """The ``JobRunner`` of tests: no thread, no process; time is the given clock's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: list[InlineJob] = []

    @property
    def errors(self) -> list[BaseException]:
        """What ended jobs, in the order the jobs were added."""
        return [job.error for job in self._jobs if job.error is not None]

    def add(self, job: Job) -> JobHandle:
        handle = InlineJob(job, self._clock)
        self._jobs.append(handle)
        return handle

    def spawn(self, name: str, target: Callable[[], None]) -> Spawned | None:
        return None

    def offload(self, function: WorkFunction, fs: FileSystem, task: Task, *, input_bytes: int) -> Plain:
        return function(fs, task)

    def interrupt(self) -> None:
        """There is no worker: what is offloaded runs to its end where it is."""

    def close(self) -> None:
        for job in self._jobs:
            job.stop()

    def run_until_idle(self, max_steps: int = 10_000) -> int:
        """Step the jobs that are due, in the order they were added and in turn, until none is.

        Returns the number of steps. A job that pauses for a time is not due before the clock
        has been moved past it; one that ended with an error is never due again.

        Raises:
            AssertionError: jobs still ask for steps after ``max_steps``: they never finish.
        """
        steps = 0
        while due := [job for job in self._jobs if job.is_due]:
            for job in due:
                if job.is_due:
                    assert steps < max_steps, f"jobs are not idle after {max_steps} steps"
                    job.step()
                    steps += 1
        return steps
