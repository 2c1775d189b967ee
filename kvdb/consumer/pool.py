"""A bounded number of threads for any number of tasks.

A ``Task`` does one bounded piece of work a ``step`` and says when it wants the next, as a ``Job``
does, or that it is over. The most overdue task goes first, and none runs twice at once.
"""

from __future__ import annotations

import heapq
import threading
from itertools import count
from typing import Protocol

from kvdb.env.clock import Clock
from kvdb.env.jobs import JobHandle, JobRunner

_NS_PER_MS = 1_000_000


class Task(Protocol):
    def step(self) -> int | None:
        """Work; gives how many milliseconds to wait before the next step, ``None`` when it is over.

        Must not raise: what can go wrong is the task's own to judge.
        """
        ...


class TaskPool:
    """Steps tasks. Threads are started as there are tasks for them."""

    def __init__(self, jobs: JobRunner, clock: Clock, threads_max: int) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._queue: list[tuple[int, int, Task]] = []
        self._order = count()
        self._running = 0
        self._is_stopped = False
        self._handles: list[JobHandle] = [
            jobs.add(_Stepper(self, f"worker-{number}")) for number in range(threads_max)
        ]

    def add(self, task: Task) -> None:
        """Step ``task`` from now on."""
        with self._lock:
            heapq.heappush(self._queue, (self._clock.monotonic_ns(), next(self._order), task))
            tasks = len(self._queue) + self._running
        for handle in self._handles[:tasks]:
            handle.wake()

    def stop(self) -> None:
        """No more steps; returns when running ones have ended."""
        self._is_stopped = True
        for handle in self._handles:
            handle.begin_stop()
        for handle in self._handles:
            handle.stop()

    def run_one(self) -> int | None:
        """Step the most overdue task. Gives the time until there is more to do, ``None`` without tasks."""
        task, pause_ms = self._next()
        if task is None:
            return pause_ms
        try:
            pause_ms = task.step()
        finally:
            with self._lock:
                self._running -= 1
        if pause_ms is not None:
            due_ns = self._clock.monotonic_ns() + pause_ms * _NS_PER_MS
            with self._lock:
                heapq.heappush(self._queue, (due_ns, next(self._order), task))
        return 0

    def _next(self) -> tuple[Task | None, int | None]:
        with self._lock:
            if not self._queue or self._is_stopped:
                return None, None
            now_ns = self._clock.monotonic_ns()
            due_ns = self._queue[0][0]
            if due_ns > now_ns:
                return None, max(-(-(due_ns - now_ns) // _NS_PER_MS), 1)
            self._running += 1
            return heapq.heappop(self._queue)[2], None


class _Stepper:
    """One thread's worth of steps."""

    def __init__(self, pool: TaskPool, name: str) -> None:
        self._pool = pool
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def step(self, now_ms: int) -> int | None:
        return self._pool.run_one()
