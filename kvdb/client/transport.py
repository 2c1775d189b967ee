"""How a request reaches a database: the seam between the faces and what carries them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from typing import Protocol

from kvdb.api.items import Page, Query, Scan
from kvdb.api.operations import Request, Result
from kvdb.api.replicas import ConflictPage, FollowConflicts
from kvdb.api.streams import FeedPage, Subscribe
from kvdb.api.terms import Answer, Terms
from kvdb.client.failover import Verdict


class Transport(Protocol):
    """For threads. Thread-safe."""

    @property
    def endpoint(self) -> str | None:
        """The server that calls go to, as ``grpc://HOST:PORT``; ``None``: a database of this process."""
        ...

    @property
    def endpoint_switches(self) -> int:
        """How often that has changed."""
        ...

    def send(self, request: Request) -> Result:
        """The result of one request.

        Raises:
            KvdbError: what the database said, or why it could not be asked.
        """
        ...

    def send_under(self, request: Request, terms: Terms) -> Answer:
        """As ``send``, with what came of the terms.

        Raises:
            ReplicaBehind: the region has not in time what the session has seen; nothing was done.
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

    def follow_conflicts(self, request: FollowConflicts) -> Generator[ConflictPage, None, None]:
        """As ``subscribe``, of the conflicts of a table."""
        ...

    def pause(self, ms: int) -> None:
        """Let some time pass, by the clock that the transport works with."""
        ...

    def close(self) -> None:
        """No calls after this one; closing twice is fine."""
        ...


class AsyncTransport(Protocol):
    """For one event loop. As ``Transport``."""

    @property
    def endpoint(self) -> str | None: ...

    @property
    def endpoint_switches(self) -> int: ...

    async def send(self, request: Request) -> Result: ...

    async def send_under(self, request: Request, terms: Terms) -> Answer: ...

    def stream(self, request: Query | Scan) -> AsyncGenerator[Page, None]:
        """An async generator: ``aclose`` it when the rest is not wanted."""
        ...

    def subscribe(self, request: Subscribe) -> AsyncGenerator[FeedPage, None]: ...

    def follow_conflicts(self, request: FollowConflicts) -> AsyncGenerator[ConflictPage, None]: ...

    async def pause(self, ms: int) -> None: ...

    async def close(self) -> None: ...


class Endpoint(Transport, Protocol):
    """One of several servers: what a transport over all of them asks of each."""

    @property
    def target(self) -> str:
        """``grpc://HOST:PORT``."""
        ...

    def try_send(self, request: Request, timeout_s: float) -> Result:
        """As ``send``, once."""
        ...

    def try_send_under(self, request: Request, terms: Terms, timeout_s: float) -> Answer:
        """As ``send_under``, once."""
        ...

    def begin_check(self, timeout_s: float) -> Callable[[], Verdict]:
        """Ask whether the server serves; what is given waits for the answer."""
        ...

    def break_feeds(self) -> None:
        """End every feed with ``ServiceUnavailable``: the server does not answer any more."""
        ...


class AsyncEndpoint(AsyncTransport, Protocol):
    """As ``Endpoint``."""

    @property
    def target(self) -> str: ...

    async def try_send(self, request: Request, timeout_s: float) -> Result: ...

    async def try_send_under(self, request: Request, terms: Terms, timeout_s: float) -> Answer: ...

    async def check(self, timeout_s: float) -> Verdict: ...

    def break_feeds(self) -> None: ...
