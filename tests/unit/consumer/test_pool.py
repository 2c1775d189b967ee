"""Tasks share threads; the most overdue goes first, and none runs twice at once."""

from __future__ import annotations

from kvdb.consumer.pool import TaskPool
from kvdb.testing.inline_jobs import InlineJobs
from kvdb.testing.manual_clock import ManualClock


class Scripted:
    """Waits as it is told, then is over."""

    def __init__(self, name: str, log: list[str], *pauses: int) -> None:
        self._name = name
        self._log = log
        self._pauses = list(pauses)

    def step(self) -> int | None:
        self._log.append(self._name)
        return self._pauses.pop(0) if self._pauses else None


def test_tasks_run_when_they_are_due_in_any_number() -> None:
    clock = ManualClock()
    jobs = InlineJobs(clock)
    pool = TaskPool(jobs, clock, threads_max=2)
    log: list[str] = []
    pool.add(Scripted("a", log, 0, 100))
    pool.add(Scripted("b", log, 50))
    pool.add(Scripted("c", log))
    jobs.run_until_idle()
    assert sorted(log) == ["a", "a", "b", "c"]
    log.clear()
    clock.advance_ms(50)
    jobs.run_until_idle()
    assert log == ["b"]
    clock.advance_ms(50)
    jobs.run_until_idle()
    assert log == ["b", "a"]
    clock.advance_ms(1_000)
    jobs.run_until_idle()
    assert log == ["b", "a"]
    pool.add(Scripted("d", log))
    jobs.run_until_idle()
    assert log == ["b", "a", "d"]


def test_the_most_overdue_goes_first() -> None:
    clock = ManualClock()
    jobs = InlineJobs(clock)
    pool = TaskPool(jobs, clock, threads_max=1)
    log: list[str] = []
    pool.add(Scripted("late", log, 100))
    pool.add(Scripted("early", log, 50))
    jobs.run_until_idle()
    clock.advance_ms(500)
    jobs.run_until_idle()
    assert log[2:] == ["early", "late"]


def test_a_stopped_pool_steps_nothing() -> None:
    clock = ManualClock()
    jobs = InlineJobs(clock)
    pool = TaskPool(jobs, clock, threads_max=1)
    log: list[str] = []
    pool.add(Scripted("a", log, 0, 0))
    pool.stop()
    jobs.run_until_idle()
    assert log == []
    assert pool.run_one() is None
