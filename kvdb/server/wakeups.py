"""One wakeup of the event loop for everything that other threads hand it meanwhile."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class Wakeups:
    """``defer(fn)`` from any thread: ``fn`` runs on the loop's thread, in the order of the calls.

    ``call_soon_threadsafe`` writes to a pipe each time; a commit that acknowledges thirty writes
    would write thirty times. Here only the first one does, until the loop has come round.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_woken = False

    def defer(self, function: Callable[[], None]) -> None:
        # Appended before the flag is read, and the flag is cleared before the queue is emptied:
        # whichever way two threads interleave, a function is never left without a wakeup.
        self._waiting.append(function)
        if not self._is_woken:
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._run)

    def _run(self) -> None:
        self._is_woken = False
        # What is added meanwhile gets a wakeup of its own, so that the loop can serve others.
        for _ in range(len(self._waiting)):
            function = self._waiting.popleft()
            try:
                function()
            except Exception as error:
                # One that fails must not keep the others from being called.
                context = {"message": "deferred call failed", "exception": error}
                self._loop.call_exception_handler(context)
