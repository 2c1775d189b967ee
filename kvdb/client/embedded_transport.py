"""A database in this process: requests are function calls, and nothing is encoded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from functools import partial
from typing import TypeVar

from kvdb.api.items import DeleteItem, GetItem, Page, PutItem, Query, Scan, UpdateItem
from kvdb.api.operations import Request, Result
from kvdb.api.replicas import ConflictPage, FollowConflicts
from kvdb.api.streams import FeedPage, Subscribe
from kvdb.api.terms import Answer, Terms
from kvdb.client import paginate
from kvdb.database.awaited import settle
from kvdb.database.database import Database
from kvdb.database.subscription import Subscription

_Page = TypeVar("_Page", FeedPage, ConflictPage)
_POINT_OPERATIONS = frozenset((GetItem, PutItem, UpdateItem, DeleteItem))


class EmbeddedTransport:
    """Calls ``Database.call`` on the caller's own thread."""

    __slots__ = ("_database", "send")

    endpoint: None = None
    endpoint_switches = 0

    def __init__(self, database: Database) -> None:
        self._database = database
        # Not a method around it: every put and get of an embedded program passes here.
        self.send = database.call

    def send_under(self, request: Request, terms: Terms) -> Answer:
        return self._database.call_under(request, terms)

    def stream(self, request: Query | Scan) -> Generator[Page, None, None]:
        return paginate.pages(self.send, request)

    def subscribe(self, request: Subscribe) -> Generator[FeedPage, None, None]:
        with self._database.subscribe(request) as subscription:
            yield from subscription.pages()

    def follow_conflicts(self, request: FollowConflicts) -> Generator[ConflictPage, None, None]:
        with self._database.follow_conflicts(request) as subscription:
            yield from subscription.pages()

    def pause(self, ms: int) -> None:
        self._database.env.clock.sleep_ms(ms)

    def close(self) -> None:
        self._database.close()


class AsyncEmbeddedTransport:
    """Point operations on the event loop itself; what reads or writes much, on a thread of the loop's."""

    __slots__ = ("_database",)

    endpoint: None = None
    endpoint_switches = 0

    def __init__(self, database: Database) -> None:
        self._database = database

    async def send(self, request: Request) -> Result:
        if type(request) not in _POINT_OPERATIONS:
            return await asyncio.to_thread(self._database.call, request)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()

        self._database.submit(request, partial(settle, answer), loop.call_soon_threadsafe)
        return await answer

    async def send_under(self, request: Request, terms: Terms) -> Answer:
        promise = self._database.promise(request, terms)
        result, outcome = await promise.run_async(lambda: self.send(request))
        return Answer(result, *outcome)

    def stream(self, request: Query | Scan) -> AsyncGenerator[Page, None]:
        return paginate.pages_async(self.send, request)

    async def subscribe(self, request: Subscribe) -> AsyncGenerator[FeedPage, None]:
        async with aclosing(_followed(await asyncio.to_thread(self._database.subscribe, request))) as pages:
            async for page in pages:
                yield page

    async def follow_conflicts(self, request: FollowConflicts) -> AsyncGenerator[ConflictPage, None]:
        following = await asyncio.to_thread(self._database.follow_conflicts, request)
        async with aclosing(_followed(following)) as pages:
            async for page in pages:
                yield page

    async def pause(self, ms: int) -> None:
        await asyncio.sleep(ms / 1000)

    async def close(self) -> None:
        await asyncio.to_thread(self._database.close)


async def _followed(subscription: Subscription[_Page]) -> AsyncGenerator[_Page, None]:
    """Its pages, read on other threads, until whoever follows has enough."""
    try:
        async with aclosing(subscription.pages_async(asyncio.to_thread)) as pages:
            async for page in pages:
                yield page
    finally:
        subscription.close()
