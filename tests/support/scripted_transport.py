"""A transport that answers from a script and keeps what it was sent."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator

from kvdb.api.items import Page, Query, Scan
from kvdb.api.operations import Request, Result
from kvdb.api.replicas import ConflictPage, FollowConflicts
from kvdb.api.streams import FeedPage, Subscribe
from kvdb.client import paginate

Serve = Callable[[Request], Result]


class ScriptedTransport:
    """``serve(request)`` gives each answer; ``sent`` has the requests, ``is_closed`` the end."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.sent: list[Request] = []
        self.paused_ms: list[int] = []
        self.is_closed = False

    def send(self, request: Request) -> Result:
        self.sent.append(request)
        return self._serve(request)

    def stream(self, request: Query | Scan) -> Generator[Page, None, None]:
        return paginate.pages(self.send, request)

    def subscribe(self, request: Subscribe) -> Generator[FeedPage, None, None]:
        raise AssertionError("this transport has no feeds")

    def follow_conflicts(self, request: FollowConflicts) -> Generator[ConflictPage, None, None]:
        raise AssertionError("this transport has no feeds")

    def pause(self, ms: int) -> None:
        self.paused_ms.append(ms)

    def close(self) -> None:
        self.is_closed = True


class AsyncScriptedTransport:
    """The same for the async face."""

    def __init__(self, serve: Serve) -> None:
        self._inner = ScriptedTransport(serve)
        self.sent = self._inner.sent

    async def send(self, request: Request) -> Result:
        return self._inner.send(request)

    def stream(self, request: Query | Scan) -> AsyncGenerator[Page, None]:
        return paginate.pages_async(self.send, request)

    def subscribe(self, request: Subscribe) -> AsyncGenerator[FeedPage, None]:
        raise AssertionError("this transport has no feeds")

    def follow_conflicts(self, request: FollowConflicts) -> AsyncGenerator[ConflictPage, None]:
        raise AssertionError("this transport has no feeds")

    async def pause(self, ms: int) -> None:
        self._inner.pause(ms)

    async def close(self) -> None:
        self._inner.close()
