"""A feed that is followed: waiting for its next page, from a thread or from an event loop.

A ``Subscription`` asks its feed (``stream/feed``) for a page and, when there is nothing new, waits to be
told of the next commit. Its first page comes at once and may be empty: it says where the feed begins, so
that whoever loses the connection knows from where to go on. After that a page comes when there are records,
or when ``heartbeat_ms`` have passed without any.

Each reading of a page is one running call of the database: closing the database waits for it, and ends the
feed with ``ClosedError``.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractContextManager
from typing import Final, TypeAlias

from kvdb import limits
from kvdb.api.streams import FeedPage
from kvdb.env.clock import Clock
from kvdb.errors import ClosedError, LimitExceeded
from kvdb.stream.feed import Feed
from kvdb.table.change import Arrivals

LOOK_MS: Final = 1_000
"""A feed that waits looks by itself this often: a writer that was cut off tells nobody."""
_NS_PER_MS: Final = 1_000_000

InThread: TypeAlias = Callable[[Callable[[], FeedPage | None]], Awaitable[FeedPage | None]]
"""Runs a function where it may take its time."""


class Subscription:
    """One reader's feed. Not for several threads at once; ``close`` may come from any."""

    def __init__(
        self,
        feed: Feed,
        arrivals: Arrivals,
        clock: Clock,
        running_call: Callable[[], AbstractContextManager[None]],
        heartbeat_ms: int,
        on_closed: Callable[[], None],
    ) -> None:
        self._feed = feed
        self._arrivals = arrivals
        self._clock = clock
        self._running_call = running_call
        self._heartbeat_ms = heartbeat_ms
        self._on_closed = on_closed
        self._is_closed = False
        self._is_begun = False
        self._told_ns = clock.monotonic_ns()

    @property
    def cursor(self) -> str:
        """Where to go on after the last page."""
        return self._feed.cursor

    def pages(self) -> Generator[FeedPage, None, None]:
        """Page after page, waiting on the caller's thread, until closed.

        Raises:
            KvdbError: as ``Feed.read``; ``ClosedError``: this or the database was closed.
        """
        while True:
            arrived = threading.Event()
            token = self._arrivals.when_next(arrived.set)
            try:
                page = self._next()
                if page is None:
                    arrived.wait(self._wait_ms() / 1000)
            finally:
                self._arrivals.forget(token)
            if page is not None:
                yield page

    async def pages_async(self, in_thread: InThread) -> AsyncGenerator[FeedPage, None]:
        """As ``pages``, on an event loop; reads are done by ``in_thread``."""
        loop = asyncio.get_running_loop()
        while True:
            arrived = asyncio.Event()
            token = self._arrivals.when_next(lambda arrived=arrived: _tell(loop, arrived))  # type: ignore[misc]
            try:
                page = await in_thread(self._next)
                if page is None:
                    try:
                        async with asyncio.timeout(self._wait_ms() / 1000):
                            await arrived.wait()
                    except TimeoutError:
                        pass
            finally:
                self._arrivals.forget(token)
            if page is not None:
                yield page

    def close(self) -> None:
        """Read no more. Closing twice is fine."""
        if not self._is_closed:
            self._is_closed = True
            self._on_closed()
            self._arrivals.announce()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _next(self) -> FeedPage | None:
        """What can be told now; ``None``: wait."""
        if self._is_closed:
            raise ClosedError("the feed is closed")
        with self._running_call():
            while self._is_begun and (page := self._feed.read()) is not None:
                if page.records:
                    return self._telling(page)
                if self._silence_ms() >= self._heartbeat_ms:
                    break
            if not self._is_begun or self._silence_ms() >= self._heartbeat_ms:
                self._is_begun = True
                return self._telling(self._feed.heartbeat())
        return None

    def _telling(self, page: FeedPage) -> FeedPage:
        self._told_ns = self._clock.monotonic_ns()
        return page

    def _silence_ms(self) -> int:
        return (self._clock.monotonic_ns() - self._told_ns) // _NS_PER_MS

    def _wait_ms(self) -> int:
        return max(1, min(LOOK_MS, self._heartbeat_ms - self._silence_ms()))


def _tell(loop: asyncio.AbstractEventLoop, arrived: asyncio.Event) -> None:
    try:
        loop.call_soon_threadsafe(arrived.set)
    except RuntimeError:
        # The loop is closed, and nobody waits there any more.
        return


class Subscriptions:
    """All that are open in one database, counted."""

    def __init__(
        self,
        arrivals: Arrivals,
        clock: Clock,
        running_call: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._arrivals = arrivals
        self._clock = clock
        self._running_call = running_call
        self._guard = threading.Lock()
        self.count = 0

    def open(self, feed: Feed, heartbeat_ms: int) -> Subscription:
        """Raises: LimitExceeded: as many are open as may be."""
        with self._guard:
            if self.count >= limits.SUBSCRIPTIONS_MAX:
                raise LimitExceeded(f"as many feeds are open as may be: {limits.SUBSCRIPTIONS_MAX}")
            self.count += 1
        return Subscription(
            feed, self._arrivals, self._clock, self._running_call, heartbeat_ms, self._forget_one
        )

    def _forget_one(self) -> None:
        with self._guard:
            self.count -= 1
