"""The gRPC door: handlers that decode, pass the pipeline, serve and encode; health and reflection.

Three ways to serve a call:

- point operations on the event loop itself, by ``Database.submit``: a hop to a thread would cost
  more than the operation;
- everything else in the pool, decoding and encoding included: a page of 1 MiB takes long enough
  to hold up every other call;
- streams as a page in the pool at a time, each read when gRPC has taken the one before; a feed
  that waits holds no thread.

A call ends at its own deadline (gRPC cancels its handler) or at ``deadline_ms_max``, whichever
comes first.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import NoReturn, TypeVar, cast

import grpc
from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from kvdb.api.items import BatchGetItem, Page, Query, Scan
from kvdb.api.operations import Request, Result
from kvdb.api.replicas import FollowConflicts
from kvdb.api.streams import Subscribe
from kvdb.api.terms import ASKED, terms_of
from kvdb.client.paginate import following
from kvdb.database.awaited import settle
from kvdb.database.database import Database
from kvdb.database.subscription import FollowedPage, Subscription
from kvdb.errors import KvdbError, MessageTooLarge, RequestLimitExceeded, ValidationError
from kvdb.limits import PROFILES
from kvdb.options import ServerOptions
from kvdb.rpc import status
from kvdb.rpc.codec import FEEDS, METHODS, REPLICATION, SERVICES, Method
from kvdb.server.address import check_is_local
from kvdb.server.pipeline import Call, Pipeline
from kvdb.server.replica_door import ReplicaDoor
from kvdb.server.wakeups import Wakeups

_Outcome = TypeVar("_Outcome")
_Handler = Callable[[bytes, aio.ServicerContext], Awaitable[bytes | None]]

_POINT_OPERATIONS = frozenset({"GetItem", "PutItem", "UpdateItem", "DeleteItem"})
_PART_BYTES_MIN = 4 * 1024
"""A batch answered in part is not made any smaller than this, or than its first item."""
_TERMS_PREFIX = status.TERMS_PREFIX
_TERMS = frozenset(f"{_TERMS_PREFIX}{name}" for name in ASKED)
_WAITING_MS = 900
"""Milliseconds of each second of a call's time that it may wait for other regions."""
_METADATA_BYTES_SOFT = 8 * 1024
_METADATA_BYTES_HARD = 16 * 1024
_PING_INTERVAL_MS_MIN = 300_000
_PING_STRIKES_MAX = 2
_KEEPALIVE_MS = 60_000
_KEEPALIVE_TIMEOUT_MS = 20_000
_IDLE_MS_MAX = 1_800_000
_HEALTH_POLL_S = 0.25

_log = logging.getLogger("kvdb.server")


class GrpcDoor:
    """One listening address. Belongs to the event loop it is started on."""

    def __init__(self, database: Database, options: ServerOptions, pipeline: Pipeline | None = None) -> None:
        """``pipeline`` is the one that other doors of the same server share."""
        assert options.grpc_address is not None
        self._database = database
        self._options = options
        self._address = options.grpc_address
        self._deadline_s_max = options.deadline_ms_max / 1000
        self._pipeline = pipeline or Pipeline.of_server(database.env, options)
        self._pipeline.expect(method.name for method in METHODS)
        self._feeds: set[Subscription[FollowedPage]] = set()
        # Peers that have a port of their own are not answered here.
        self._replicas = ReplicaDoor(database) if options.replication_address is None else None
        database.env.metrics.gauge("server_feeds").read_by(lambda: len(self._feeds))

    async def start(self) -> str:
        """Listen; gives the bound ``HOST:PORT``.

        Raises:
            ValidationError: the address has another form, is not on this machine alone, or
                cannot be bound.
        """
        host = check_is_local(self._address, is_insecure=self._options.is_insecure)
        self._wakeups = Wakeups(asyncio.get_running_loop())
        self._pool = ThreadPoolExecutor(self._options.read_threads, "kvdb-read")
        # Beyond this door's own bound, which refuses with an error of ours, health checks and
        # streams of reflection must fit too.
        self._server = aio.server(
            options=server_options(self._options),
            maximum_concurrent_rpcs=2 * self._options.concurrent_calls_max + self._options.subscriptions_max,
        )
        for service in SERVICES:
            handlers = {method.name: self._handler(method) for method in METHODS if method.service == service}
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        services = SERVICES
        if self._replicas is not None:
            self._server.add_generic_rpc_handlers((self._replicas.handlers(),))
            services = (*SERVICES, REPLICATION)
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection(
            (*services, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server
        )
        try:
            port = self._server.add_insecure_port(self._address)
        except RuntimeError as refused:
            reason = why_not_bound(self._address)
            raise ValidationError(f"cannot listen address={self._address} reason={reason}") from refused
        await self._server.start()
        await self._tell_health(health_pb2.HealthCheckResponse.SERVING)
        self._health_watch = asyncio.create_task(self._watch_health())
        return f"{host}:{port}"

    async def stop(self, grace_ms: int) -> None:
        """Say NOT_SERVING, take no more calls, let those in flight finish for ``grace_ms``, cut the rest."""
        self._health_watch.cancel()
        await self._health.enter_graceful_shutdown()
        for subscription in tuple(self._feeds):
            # A feed has no end to wait for: its reader is told, and goes on elsewhere from its cursor.
            subscription.close()
        if self._replicas is not None:
            self._replicas.end_streams()
        await self._server.stop(grace_ms / 1000)
        if self._replicas is not None:
            self._replicas.stop()
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    async def _tell_health(self, status: health_pb2.HealthCheckResponse.ServingStatus) -> None:
        for name in ("", *SERVICES):
            await self._health.set(name, status)

    async def _watch_health(self) -> None:
        """Say NOT_SERVING once the database refuses writes for good; reads are served all the same."""
        while self._database.why_degraded is None:
            await asyncio.sleep(_HEALTH_POLL_S)
        _log.error("health is NOT_SERVING reason=%s", self._database.why_degraded)
        await self._tell_health(health_pb2.HealthCheckResponse.NOT_SERVING)

    def _handler(self, method: Method) -> grpc.RpcMethodHandler:
        if method in FEEDS:
            return grpc.unary_stream_rpc_method_handler(self._guarded(method, self._subscribe))
        if method.is_stream:
            return grpc.unary_stream_rpc_method_handler(self._guarded(method, self._stream))
        serve = self._serve_point if method.name in _POINT_OPERATIONS else self._serve_pooled
        return grpc.unary_unary_rpc_method_handler(self._guarded(method, serve))

    def _guarded(
        self,
        method: Method,
        serve: Callable[[Method, bytes, aio.ServicerContext, Call], Awaitable[bytes | None]],
    ) -> _Handler:
        """Admission before, and the error's form after, whatever ``serve`` does."""

        async def handle(payload: bytes, context: aio.ServicerContext) -> bytes | None:
            try:
                call = self._pipeline.begin(method.name, len(payload))
            except KvdbError as refused:
                await _abort(context, refused)
            try:
                texts = _terms_texts(context)
                if texts:
                    answer: bytes | None = await self._serve_under(method, payload, context, call, texts)
                else:
                    answer = await serve(method, payload, context, call)
            except Exception as error:
                await _abort(context, call.failed(error))
            call.succeeded()
            return answer

        return handle

    async def _serve_point(
        self, method: Method, payload: bytes, context: aio.ServicerContext, call: Call
    ) -> bytes:
        try:
            request = method.request.decode(payload)
        except BaseException:
            call.release()
            raise
        result = await self._within_deadline(context, self._submitted(request, call))
        return self._checked(method.result.encode(result))

    async def _serve_under(
        self,
        method: Method,
        payload: bytes,
        context: aio.ServicerContext,
        call: Call,
        texts: Mapping[str, str],
    ) -> bytes:
        """A call with terms (``api/terms``): what it waits for, it waits for without a thread."""
        has_begun = False

        async def serve() -> bytes:
            nonlocal has_begun
            has_begun = True
            if method.name in _POINT_OPERATIONS:
                return self._checked(method.result.encode(await self._submitted(request, call)))
            work = self._pool.submit(self._answered, method, request)
            self._release_after(work, call)
            return await asyncio.wrap_future(work)

        try:
            if method.is_stream:
                raise ValidationError("session and replicate_to are for calls that have one answer")
            terms = terms_of(texts)
            request = await asyncio.wrap_future(self._pool.submit(method.request.decode, payload))
            # What is found out in the end is still to be told.
            promise = self._database.promise(
                request, terms, within_ms=int(self._time_s(context) * _WAITING_MS)
            )
            async with asyncio.timeout(self._time_s(context)):
                answer, outcome = await promise.run_async(serve)
        finally:
            if not has_begun:
                call.release()
        told = tuple((f"{_TERMS_PREFIX}{name}", text) for name, text in outcome.texts().items())
        context.set_trailing_metadata(told)
        return answer

    def _submitted(self, request: Request, call: Call) -> asyncio.Future[Result]:
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

        def done(result: Result | None, error: BaseException | None) -> None:
            call.release()
            settle(answer, result, error)

        self._database.submit(request, done, self._wakeups.defer)
        return answer

    async def _serve_pooled(
        self, method: Method, payload: bytes, context: aio.ServicerContext, call: Call
    ) -> bytes:
        work = self._pool.submit(lambda: self._answered(method, method.request.decode(payload)))
        self._release_after(work, call)
        return await self._within_deadline(context, asyncio.wrap_future(work))

    def _answered(self, method: Method, request: Request) -> bytes:
        if isinstance(request, BatchGetItem):
            return self._batch_answer(method, request)
        return self._checked(method.result.encode(self._database.call(request)))

    def _batch_answer(self, method: Method, request: BatchGetItem) -> bytes:
        """A batch is bounded by the published sizes of its items, of which a message may take several
        times as much: then it is answered in part, and the rest of its keys are unprocessed."""
        profile = PROFILES[self._options.database.limits]
        while True:
            answer = method.result.encode(self._database.call(request, profile=profile))
            if len(answer) <= self._options.message_bytes_max or profile.batch_bytes_max < _PART_BYTES_MIN:
                return self._checked(answer)
            profile = replace(profile, batch_bytes_max=profile.batch_bytes_max // 2)

    async def _stream(self, method: Method, payload: bytes, context: aio.ServicerContext, call: Call) -> None:
        work: Future[tuple[bytes, Query | Scan | None]] | None = None

        def read(rest: Query | Scan | None) -> tuple[bytes, Query | Scan | None]:
            request = method.request.decode(payload) if rest is None else rest
            assert isinstance(request, (Query, Scan))
            page = self._database.call(request)
            assert isinstance(page, Page)
            return self._checked(method.result.encode(page)), following(request, page)

        try:
            async with asyncio.timeout(self._time_s(context)):
                rest: Query | Scan | None = None
                while work is None or rest is not None:
                    work = self._pool.submit(partial(read, rest))
                    answer, rest = await asyncio.wrap_future(work)
                    await context.write(answer)
        finally:
            self._release_after(work, call)

    async def _subscribe(
        self, method: Method, payload: bytes, context: aio.ServicerContext, call: Call
    ) -> None:
        """A feed lasts, so it is no call in flight; ``subscriptions_max`` bounds how many there are."""
        call.release()
        if len(self._feeds) >= self._options.subscriptions_max:
            raise RequestLimitExceeded(f"too many feeds at once max={self._options.subscriptions_max}")
        opening = self._pool.submit(self._open_feed, method.request.decode(payload))
        try:
            subscription = await asyncio.wrap_future(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_opened)
            raise
        self._feeds.add(subscription)
        try:
            async with aclosing(subscription.pages_async(self._in_pool)) as pages:
                async for page in pages:
                    await context.write(self._checked(method.result.encode(page)))
        finally:
            self._feeds.discard(subscription)
            subscription.close()

    def _open_feed(self, request: object) -> Subscription[FollowedPage]:
        if isinstance(request, FollowConflicts):
            return cast(Subscription[FollowedPage], self._database.follow_conflicts(request))
        assert isinstance(request, Subscribe), "there are two kinds of feeds"
        return cast(Subscription[FollowedPage], self._database.subscribe(request))

    async def _in_pool(self, read: Callable[[], FollowedPage | None]) -> FollowedPage | None:
        return await asyncio.wrap_future(self._pool.submit(read))

    async def _within_deadline(
        self, context: aio.ServicerContext, answer: asyncio.Future[_Outcome]
    ) -> _Outcome:
        remaining_s = context.time_remaining()
        if answer.done() or (remaining_s is not None and remaining_s <= self._deadline_s_max):
            return await answer
        async with asyncio.timeout(self._deadline_s_max):
            return await answer

    def _time_s(self, context: aio.ServicerContext) -> float:
        remaining_s = context.time_remaining()
        return self._deadline_s_max if remaining_s is None else min(remaining_s, self._deadline_s_max)

    def _release_after(self, work: Future[_Outcome] | None, call: Call) -> None:
        """Count the call out when a thread is done with it, whoever has stopped waiting for that."""
        if work is None or work.done():
            call.release()
        else:
            work.add_done_callback(lambda _: self._wakeups.defer(call.release))

    def _checked(self, answer: bytes) -> bytes:
        if len(answer) > self._options.message_bytes_max:
            raise MessageTooLarge(
                f"answer larger than max bytes={len(answer)} max={self._options.message_bytes_max}"
            )
        return answer


def _close_opened(opening: Future[Subscription[FollowedPage]]) -> None:
    """Whoever asked for it has gone meanwhile."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


async def _abort(context: aio.ServicerContext, error: KvdbError) -> NoReturn:
    bytes_max = status.DETAIL_BYTES_DEFAULT
    if status.carries_items(error):
        bytes_max = _detail_bytes_max(context)
    detail = status.encode_detail(error, bytes_max=bytes_max)
    await context.abort(
        status.status_of(error), status.clipped(error.message), ((status.DETAIL_KEY, detail),)
    )
    raise AssertionError("abort raises")


def _terms_texts(context: aio.ServicerContext) -> dict[str, str]:
    """The terms that came with a call, which most calls have none of."""
    return {
        key[len(_TERMS_PREFIX) :]: value
        for key, value in context.invocation_metadata() or ()
        if key in _TERMS and isinstance(value, str)
    }


def _detail_bytes_max(context: aio.ServicerContext) -> int:
    for key, value in context.invocation_metadata() or ():
        if key == status.BYTES_MAX_KEY and value.isdecimal() and len(value) < 10:
            return min(int(value), status.DETAIL_BYTES_MAX)
    return status.DETAIL_BYTES_DEFAULT


def why_not_bound(address: str) -> str:
    """Bind once more by hand: gRPC tells its log why it could not, but not its caller."""
    host, _, port = address.rpartition(":")
    try:
        for family, kind, protocol, _, place in socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(place)
    except OSError as error:
        return error.strerror or str(error)
    return "refused"


def server_options(options: ServerOptions) -> list[tuple[str, int]]:
    """Bounds of every gRPC port of a server."""
    return [
        # With it, a second server on a taken port would start and get every other connection.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", options.message_bytes_max),
        ("grpc.max_send_message_length", options.message_bytes_max),
        ("grpc.max_concurrent_streams", options.concurrent_streams_per_connection_max),
        ("grpc.max_metadata_size", _METADATA_BYTES_SOFT),
        ("grpc.absolute_max_metadata_size", _METADATA_BYTES_HARD),
        # A peer that pings more often is cut off; one that answers no ping is gone.
        ("grpc.http2.min_ping_interval_without_data_ms", _PING_INTERVAL_MS_MIN),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", _PING_INTERVAL_MS_MIN),
        ("grpc.http2.max_ping_strikes", _PING_STRIKES_MAX),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        ("grpc.max_connection_idle_ms", _IDLE_MS_MAX),
    ]
