"""How a request reaches a database: the seam between the faces and what carries them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Protocol

from kvdb.api.items import Page, Query, Scan
from kvdb.api.operations import Request, Result
from kvdb.api.streams import FeedPage, Subscribe


class Transport(Protocol):
    """For threads. Thread-safe."""

    def send(self, request: Request) -> Result:
        """The result of one request.

        Raises:
            KvdbError: what the database said, or why it could not be asked.
        """
        ...

    def stream(self, request: Query | Scan) -> Generator[Page, None, None]:
        """Every page from the request's start key on, read as it is asked for.

        A generator: ``close`` it when the rest is not wanted.
        """
        ...

    def subscribe(self, request: Subscribe) -> Generator[FeedPage, None, None]:
        """The pages of a feed, as they come; the first at once. ``close`` it when no more are wanted."""
        ...

    def pause(self, ms: int) -> None:
        """Let some time pass, by the clock that the transport works with."""
        ...

    def close(self) -> None:
        """No calls after this one; closing twice is fine."""
        ...


class AsyncTransport(Protocol):
    """For one event loop. As ``Transport``."""

    async def send(self, request: Request) -> Result: ...

    def stream(self, request: Query | Scan) -> AsyncGenerator[Page, None]:
        """An async generator: ``aclose`` it when the rest is not wanted."""
        ...

    def subscribe(self, request: Subscribe) -> AsyncGenerator[FeedPage, None]: ...

    async def pause(self, ms: int) -> None: ...

    async def close(self) -> None: ...
