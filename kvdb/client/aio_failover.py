"""``AsyncFailoverTransport``: several servers, in order of preference, as one. ``failover`` decides.

Written by hand; ``sync_failover`` is generated from it (``python -m tools.gen_sync``).

What happens when the server of a call does not answer any more:

- a read is asked of the next one; a walk over pages goes on there behind the last key it has given,
  and stays there. The other region may not have all writes yet.
- a write goes to the next one if no connection could be made; else it ends with its outcome unknown.
- what reads a snapshot, ends a native transaction or uses a shard iterator fails, naming the server.
- a feed ends with ``ServiceUnavailable``: its cursors mean nothing elsewhere. Begin another from a time.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

from kvdb.api.items import Page, Query, Scan
from kvdb.api.operations import Request, Result
from kvdb.api.replicas import ConflictPage, FollowConflicts
from kvdb.api.streams import FeedPage, Subscribe
from kvdb.api.terms import Answer, Terms
from kvdb.client import paginate
from kvdb.client.failover import Choice, Origins, Route, located, route_of
from kvdb.client.failover_checks import AsyncChecker, OnSwitch
from kvdb.client.retry import RetryPolicy, recognisable, repeats_of
from kvdb.client.transport import AsyncEndpoint
from kvdb.env.fork import on_fork
from kvdb.errors import ClosedError, DeadlineExceeded, KvdbError, ServiceUnavailable
from kvdb.options import FailoverOptions

_Page = TypeVar("_Page")


class AsyncFailoverTransport:
    """Calls go to the first endpoint that is healthy."""

    def __init__(
        self,
        endpoints: Sequence[AsyncEndpoint],
        policy: RetryPolicy,
        options: FailoverOptions,
        on_switch: OnSwitch | None = None,
    ) -> None:
        self._endpoints = endpoints
        self._policy = policy
        self._try_s = options.try_ms / 1000
        self._choice = Choice([endpoint.target for endpoint in endpoints], options)
        self._checker = AsyncChecker(endpoints, self._choice, options, policy.clock, on_switch)
        self._origins = Origins()
        self._is_closed = False
        self._is_forked = False
        on_fork(self)

    @property
    def endpoint(self) -> str | None:
        return self._endpoints[self._choice.current].target

    @property
    def endpoint_switches(self) -> int:
        return self._choice.switches

    def forked(self) -> None:
        # The thread of the checks and the connections are the parent's.
        self._is_forked = True

    async def send(self, request: Request) -> Result:
        answer, _ = await self._send(request, self._choice.order)
        return answer.result

    async def send_under(self, request: Request, terms: Terms) -> Answer:
        answer, _ = await self._send(request, self._choice.order, terms)
        return answer

    async def _send(
        self, request: Request, order: Sequence[int], terms: Terms | None = None
    ) -> tuple[Answer, int]:
        """The answer, and the endpoint that gave it."""
        self._begin()
        origin = self._origins.of(request)
        asked, request = request, recognisable(request, self._policy)
        route = route_of(request, order, origin)
        attempts = self._policy.begin(repeats_of(request))
        while True:
            self._require_open()
            endpoint = self._endpoints[route.index]
            try:
                try_s = min(attempts.remaining_s(), self._try_s)
                if terms is None:
                    answer = Answer(await endpoint.try_send(request, try_s))
                else:
                    answer = await endpoint.try_send_under(request, terms, try_s)
            except KvdbError as failed:
                error = located(failed, endpoint.target, is_origin=origin is not None)
                self._origins.note_sent(asked, error, route.index)
            else:
                self._origins.note_sent(asked, None, route.index)
                self._origins.note(asked, answer.result, route.index)
                return answer, route.index
            if attempts.remaining_s() > 0 and route.moves_after(error):
                continue
            await endpoint.pause(round(attempts.pause_ms(error)))
            route.renew(self._choice.order)

    async def stream(self, request: Query | Scan) -> AsyncGenerator[Page, None]:
        rest: Query | Scan | None = request
        order = self._choice.order
        while rest is not None:
            answer, index = await self._send(rest, order)
            page = answer.result
            assert isinstance(page, Page)
            # The walk stays where it is, also when a better endpoint is back.
            order = (index, *(other for other in self._choice.order if other != index))
            yield page
            rest = paginate.following(rest, page)

    async def subscribe(self, request: Subscribe) -> AsyncGenerator[FeedPage, None]:
        pages = self._follow(lambda each: each.subscribe(request), is_bound=request.cursor is not None)
        async with aclosing(pages):
            async for page in pages:
                yield page

    async def follow_conflicts(self, request: FollowConflicts) -> AsyncGenerator[ConflictPage, None]:
        pages = self._follow(
            lambda each: each.follow_conflicts(request), is_bound=request.after_sequence_number > 0
        )
        async with aclosing(pages):
            async for page in pages:
                yield page

    async def _follow(
        self, begin: Callable[[AsyncEndpoint], AsyncGenerator[_Page, None]], *, is_bound: bool
    ) -> AsyncGenerator[_Page, None]:
        """A feed, ``is_bound`` to the server that it was begun at."""
        self._begin()
        route = Route(self._choice.order, is_read=True, is_bound=is_bound)
        while True:
            endpoint = self._endpoints[route.index]
            has_begun = False
            try:
                async with aclosing(begin(endpoint)) as pages:
                    async for page in pages:
                        has_begun = True
                        yield page
                return
            except (ServiceUnavailable, DeadlineExceeded) as failed:
                self._require_open()
                error = located(failed, endpoint.target, is_origin=has_begun or is_bound)
                if has_begun or not route.moves_after(error):
                    raise error from failed

    async def pause(self, ms: int) -> None:
        await self._endpoints[0].pause(ms)

    async def close(self) -> None:
        self._is_closed = True
        if self._is_forked:
            return
        await self._checker.close()
        for endpoint in self._endpoints:
            await endpoint.close()

    def _begin(self) -> None:
        self._require_open()
        self._checker.begin()

    def _require_open(self) -> None:
        if self._is_forked:
            raise ClosedError(
                "the client was made before this process was forked: connect again in the child"
            )
        if self._is_closed:
            raise ClosedError("the client is closed")
