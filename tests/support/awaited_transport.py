"""A transport of threads over one of an event loop: what a test of the sync face sends is awaited."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, TypeVar

from kvdb.api.items import Page, Query, Scan
from kvdb.api.operations import Request, Result
from kvdb.api.replicas import ConflictPage, FollowConflicts
from kvdb.api.streams import FeedPage, Subscribe
from kvdb.client.transport import AsyncTransport

_Page = TypeVar("_Page", Page, FeedPage, ConflictPage)


class AwaitedTransport:
    """``run`` calls an async function on the event loop and waits for what it gives."""

    def __init__(self, inner: AsyncTransport, run: Callable[..., Any]) -> None:
        self._inner = inner
        self._run = run

    def send(self, request: Request) -> Result:
        return self._run(lambda: self._inner.send(request))

    def stream(self, request: Query | Scan) -> Generator[Page, None, None]:
        return self._pages(lambda: self._inner.stream(request))

    def subscribe(self, request: Subscribe) -> Generator[FeedPage, None, None]:
        return self._pages(lambda: self._inner.subscribe(request))

    def follow_conflicts(self, request: FollowConflicts) -> Generator[ConflictPage, None, None]:
        return self._pages(lambda: self._inner.follow_conflicts(request))

    def _pages(self, begin: Callable[[], AsyncGenerator[_Page, None]]) -> Generator[_Page, None, None]:
        async def begun() -> AsyncGenerator[_Page, None]:
            return begin()

        pages = self._run(begun)
        try:
            while (page := self._run(lambda: _next(pages))) is not None:
                yield page
        finally:
            self._run(pages.aclose)

    def pause(self, ms: int) -> None:
        self._run(lambda: self._inner.pause(ms))

    def close(self) -> None:
        self._run(self._inner.close)


async def _next(pages: AsyncGenerator[_Page, None]) -> _Page | None:
    return await anext(pages, None)
