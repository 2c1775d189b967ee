"""Whatever other threads defer runs once, in order, on the loop's thread."""

from __future__ import annotations

import asyncio
import threading

from kvdb.server.wakeups import Wakeups


class CountingLoop:
    """As much of an event loop as ``Wakeups`` asks for, run by hand."""

    def __init__(self) -> None:
        self.calls: list[object] = []
        self.errors: list[object] = []

    def call_soon_threadsafe(self, function: object) -> None:
        self.calls.append(function)

    def call_exception_handler(self, context: dict[str, object]) -> None:
        self.errors.append(context["exception"])

    def run(self) -> None:
        calls, self.calls = self.calls, []
        for function in calls:
            function()


def test_many_deferred_functions_take_one_wakeup() -> None:
    loop = CountingLoop()
    wakeups = Wakeups(loop)
    ran: list[int] = []
    for number in range(30):
        wakeups.defer(lambda number=number: ran.append(number))
    assert len(loop.calls) == 1
    loop.run()
    assert ran == list(range(30))


def test_what_is_deferred_later_wakes_the_loop_again() -> None:
    loop = CountingLoop()
    wakeups = Wakeups(loop)
    ran: list[str] = []
    wakeups.defer(lambda: (ran.append("first"), wakeups.defer(lambda: ran.append("second"))))
    loop.run()
    assert ran == ["first"]
    loop.run()
    assert ran == ["first", "second"]


def test_a_function_that_fails_keeps_no_other_from_running() -> None:
    loop = CountingLoop()
    wakeups = Wakeups(loop)
    ran: list[str] = []
    failure = RuntimeError("no")

    def fail() -> None:
        raise failure

    wakeups.defer(fail)
    wakeups.defer(lambda: ran.append("ran"))
    loop.run()
    assert (ran, loop.errors) == (["ran"], [failure])


def test_nothing_deferred_by_many_threads_is_lost() -> None:
    ran: list[tuple[int, int]] = []
    threads_seen: set[int] = set()

    async def use() -> None:
        finished = asyncio.Event()
        wakeups = Wakeups(asyncio.get_running_loop())

        def note(thread: int, number: int) -> None:
            ran.append((thread, number))
            threads_seen.add(threading.get_ident())
            if len(ran) == 4 * 2000:
                finished.set()

        def work(thread: int) -> None:
            for number in range(2000):
                wakeups.defer(lambda: note(thread, number))  # noqa: B023

        await asyncio.gather(*(asyncio.to_thread(work, thread) for thread in range(4)))
        await asyncio.wait_for(finished.wait(), 60)

    asyncio.run(use())
    assert threads_seen == {threading.get_ident()}
