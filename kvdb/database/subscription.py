"""A feed that is followed: waiting for its next page, from a thread or from an event loop.

A ``Subscription`` asks its feed (``stream/feed``, ``replica/conflict_log``) for a page and, when there is
nothing new, waits to be told of some. Its first page comes at once and may be empty: it says where the feed
begins, so that whoever loses the connection knows from where to go on. After that a page comes when there is
news,
or when ``heartbeat_ms`` have passed without any.

Each reading of a page is one running call of the database: closing the database waits for it, and ends the
feed with ``ClosedError``.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractContextManager
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

from kvdb import limits
from kvdb.env.clock import Clock
from kvdb.errors import ClosedError, LimitExceeded
from kvdb.table.change import Arrivals

LOOK_MS: Final = 1_000
"""A feed that waits looks by itself this often: a writer that was cut off tells nobody."""
_NS_PER_MS: Final = 1_000_000


class FollowedPage(Protocol):
    """What a feed gives."""

    @property
    def is_heartbeat(self) -> bool:
        """Whether it tells nothing but how far the feed has come."""
        ...


_Page = TypeVar("_Page", bound=FollowedPage)
_PageOut = TypeVar("_PageOut", bound=FollowedPage, covariant=True)

InThread: TypeAlias = Callable[[Callable[[], _Page | None]], Awaitable[_Page | None]]
"""Runs a function where it may take its time."""


class FollowedFeed(Protocol[_PageOut]):
    """A reader's place in what happens."""

    def read(self) -> _PageOut | None:
        """The next page, without waiting; ``None``: there is none yet."""
        ...

    def heartbeat(self) -> _PageOut:
        """How far the feed has come."""
        ...


class Subscription(Generic[_Page]):
    """One reader's feed. Not for several threads at once; ``close`` may come from any."""

    def __init__(
        self,
        feed: FollowedFeed[_Page],
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

    def pages(self) -> Generator[_Page, None, None]:
        """Page after page, waiting on the caller's thread, until closed.

        Raises:
            KvdbError: as the feed's ``read``; ``ClosedError``: this or the database was closed.
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

    async def pages_async(self, in_thread: InThread[_Page]) -> AsyncGenerator[_Page, None]:
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

    def __enter__(self) -> Subscription[_Page]:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _next(self) -> _Page | None:
        """What can be told now; ``None``: wait."""
        if self._is_closed:
            raise ClosedError("the feed is closed")
        with self._running_call():
            while self._is_begun and (page := self._feed.read()) is not None:
                if not page.is_heartbeat:
                    return self._telling(page)
                if self._silence_ms() >= self._heartbeat_ms:
                    break
            if not self._is_begun or self._silence_ms() >= self._heartbeat_ms:
                self._is_begun = True
                return self._telling(self._feed.heartbeat())
        return None

    def _telling(self, page: _Page) -> _Page:
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

    def __init__(self, clock: Clock, running_call: Callable[[], AbstractContextManager[None]]) -> None:
        self._clock = clock
        self._running_call = running_call
        self._guard = threading.Lock()
        self.count = 0

    def open(self, feed: FollowedFeed[_Page], heartbeat_ms: int, arrivals: Arrivals) -> Subscription[_Page]:
        """``arrivals`` tell of what the feed may have to read.

        Raises:
            LimitExceeded: as many are open as may be.
        """
        with self._guard:
            if self.count >= limits.SUBSCRIPTIONS_MAX:
                raise LimitExceeded(f"as many feeds are open as may be: {limits.SUBSCRIPTIONS_MAX}")
            self.count += 1
        return Subscription(feed, arrivals, self._clock, self._running_call, heartbeat_ms, self._forget_one)

    def _forget_one(self) -> None:
        with self._guard:
            self.count -= 1
