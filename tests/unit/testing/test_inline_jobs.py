"""The inline runner: jobs run when told, in an order that never varies."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kvdb.env.jobs import JobHandle
from kvdb.testing import InlineJobs, ManualClock, MemFileSystem, PowerLoss


class CountingJob:
    """Appends its name to a trace, then does what its script says."""

    def __init__(self, name: str, trace: list[str], *script: Callable[[], int | None]) -> None:
        self.name = name
        self._trace = trace
        self._script = list(script)

    def step(self, now_ms: int) -> int | None:
        self._trace.append(self.name)
        return self._script.pop(0)() if self._script else None


def runner() -> tuple[InlineJobs, ManualClock, list[str]]:
    clock = ManualClock()
    return InlineJobs(clock), clock, []


def test_waking_does_not_run_a_job() -> None:
    jobs, _, trace = runner()
    jobs.add(CountingJob("a", trace)).wake()
    assert trace == []


def test_woken_jobs_take_turns_in_the_order_they_were_added() -> None:
    jobs, _, trace = runner()
    handles = [
        jobs.add(CountingJob("a", trace, lambda: 0, lambda: None)),
        jobs.add(CountingJob("b", trace, lambda: 0, lambda: None)),
        jobs.add(CountingJob("c", trace)),
    ]
    for handle in reversed(handles):
        handle.wake()
    assert jobs.run_until_idle() == 5
    assert trace == ["a", "b", "c", "a", "b"]


def test_a_job_that_was_not_woken_does_not_run() -> None:
    jobs, _, trace = runner()
    jobs.add(CountingJob("a", trace))
    assert (jobs.run_until_idle(), trace) == (0, [])


def test_a_pause_ends_when_the_clock_says_so() -> None:
    jobs, clock, trace = runner()
    jobs.add(CountingJob("a", trace, lambda: 100)).wake()
    jobs.run_until_idle()
    clock.advance_ms(99)
    assert jobs.run_until_idle() == 0
    clock.advance_ms(1)
    assert jobs.run_until_idle() == 1


def test_help_runs_a_step_at_once() -> None:
    jobs, _, trace = runner()
    jobs.add(CountingJob("a", trace)).help(1000)
    assert trace == ["a"]


def test_a_job_that_is_helped_from_its_own_step_is_not_entered_again() -> None:
    jobs, _, trace = runner()
    handles: list[JobHandle] = []
    handles.append(jobs.add(CountingJob("a", trace, lambda: handles[0].help(1000))))
    handles[0].help(1000)
    assert trace == ["a"]


def test_an_error_ends_the_job_and_is_kept() -> None:
    jobs, _, trace = runner()

    def fail() -> None:
        raise OSError("disk on fire")

    handle = jobs.add(CountingJob("a", trace, fail))
    handle.help(1000)
    handle.help(1000)
    assert (str(handle.error), trace) == ("disk on fire", ["a"])
    assert jobs.errors == [handle.error]


def test_a_power_loss_goes_up_to_the_test() -> None:
    jobs, _, trace = runner()

    def fail() -> None:
        raise PowerLoss

    handle = jobs.add(CountingJob("a", trace, fail))
    with pytest.raises(PowerLoss):
        handle.help(1000)
    assert isinstance(handle.error, PowerLoss)


def test_jobs_that_never_finish_are_reported() -> None:
    jobs, _, trace = runner()
    jobs.add(CountingJob("a", trace, *[lambda: 0] * 100)).wake()
    with pytest.raises(AssertionError, match="not idle after 50 steps"):
        jobs.run_until_idle(max_steps=50)


def test_a_stopped_job_does_not_run() -> None:
    jobs, _, trace = runner()
    handle = jobs.add(CountingJob("a", trace))
    handle.wake()
    jobs.close()
    handle.help(1000)
    assert (jobs.run_until_idle(), trace) == (0, [])


def test_there_are_no_threads() -> None:
    jobs, _, trace = runner()
    assert jobs.spawn("thread", lambda: trace.append("ran")) is None
    assert trace == []


def test_offloaded_work_runs_here() -> None:
    jobs, _, _ = runner()
    fs = MemFileSystem()
    assert jobs.offload(lambda given, task: given is fs, fs, {}, input_bytes=10**9) is True
