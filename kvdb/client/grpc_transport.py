"""A database on a server: requests as messages over one HTTP/2 connection, for threads and asyncio.

Retries are ours and not gRPC's, because only ``retry`` knows which calls may be repeated. A stream
that breaks is taken up again after the last page that arrived, so iterating a large table outlives
a restart of the server and the deadline of a single call.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping
from typing import Final, Generic, NamedTuple, TypeVar

import grpc
from grpc import aio

from kvdb.api import validation
from kvdb.api.items import (
    BatchWriteItem,
    CommitTransaction,
    DeleteItem,
    Page,
    PutItem,
    PutRequest,
    Query,
    Scan,
    TransactGetItems,
    TransactWriteItems,
    UpdateItem,
)
from kvdb.api.operations import Request, Result
from kvdb.api.replicas import ConflictPage, FollowConflicts
from kvdb.api.streams import FeedPage, Subscribe
from kvdb.api.terms import Answer, Terms, outcome_of, texts_of
from kvdb.api.validation.terms import check_terms
from kvdb.client import paginate
from kvdb.client.failover import Verdict
from kvdb.client.retry import Attempts, Repeats, RetryPolicy, recognisable, repeats_of
from kvdb.errors import (
    ClosedError,
    KvdbError,
    MessageTooLarge,
    ServiceUnavailable,
    UnknownOperation,
    ValidationError,
)
from kvdb.item.value import ITEM_TOO_LARGE, normalise_item
from kvdb.limits import ITEM_BYTES_MAX
from kvdb.options import ClientOptions
from kvdb.rpc import status
from kvdb.rpc.codec import (
    FOLLOW_CONFLICTS,
    METHODS,
    STREAM_BY_REQUEST,
    SUBSCRIBE,
    UNARY_BY_REQUEST,
    Method,
    method_of,
)

_ENDED_EARLY = "the stream ended before the last page"
_FEED_ENDED = "the feed ended"
_FEED_BROKEN = "the server of the feed does not answer health checks"
_HEALTH_CHECK = "/grpc.health.v1.Health/Check"
_SERVING = b"\x08\x01"
"""A HealthCheckResponse with ``status = 1``; so short a message needs no generated code."""
_NEVER_SENT = ("failed to connect to all addresses", "DNS resolution failed")
"""How gRPC's message begins when there was no connection to send a call by. A later wording that is
not known here would make writes fail that might have been repeated, and never repeat one."""
_WANTS_LARGE_DETAILS = ((status.BYTES_MAX_KEY, str(status.DETAIL_BYTES_MAX)),)


class _Outgoing(NamedTuple):
    """A request ready to be sent, any number of times."""

    method: Method
    payload: bytes
    metadata: tuple[tuple[str, str], ...] | None


def _outgoing(request: Request, methods: Mapping[type, Method], options: ClientOptions) -> _Outgoing:
    method = method_of(request, methods)
    payload = method.encode_request(request)
    if len(payload) > options.message_bytes_max:
        _refuse_oversized(request, len(payload), options.message_bytes_max)
    return _Outgoing(method, payload, _WANTS_LARGE_DETAILS if _may_fail_at_length(request) else None)


def _metadata_of(request: Request, terms: Terms) -> tuple[tuple[str, str], ...]:
    """The terms, beside what the request itself is sent with."""
    check_terms(request, terms)
    own = _WANTS_LARGE_DETAILS if _may_fail_at_length(request) else ()
    return (*own, *((f"{status.TERMS_PREFIX}{name}", text) for name, text in texts_of(terms).items()))


def _answer(
    result: Result, terms: Terms, metadata: Iterable[tuple[str, str | bytes]] | None, target: str
) -> Answer:
    told = {
        key.removeprefix(status.TERMS_PREFIX): value
        for key, value in metadata or ()
        if key.startswith(status.TERMS_PREFIX) and isinstance(value, str)
    }
    answer = Answer(result, *outcome_of(told, terms))
    if (terms.session is not None and answer.session is None) or (
        terms.replicate_to is not None and answer.replication is None
    ):
        raise UnknownOperation(
            f"the server is of a release that knows no sessions and no replicate_to: endpoint={target}; "
            "what was asked for was done without"
        )
    return answer


def _may_fail_at_length(request: Request) -> bool:
    """Whether the request's error may bring items, or a reason for each of many members."""
    if isinstance(request, (PutItem, UpdateItem, DeleteItem)):
        return request.return_values_on_condition_check_failure == "ALL_OLD"
    return isinstance(request, (TransactWriteItems, TransactGetItems, CommitTransaction))


_Begin = TypeVar("_Begin", Subscribe, FollowConflicts)
_Page = TypeVar("_Page", FeedPage, ConflictPage)


@dataclasses.dataclass(frozen=True, slots=True)
class _Feed(Generic[_Begin, _Page]):
    """One kind of feed."""

    method: Method
    page: type[_Page]
    check: Callable[[_Begin], None]
    after: Callable[[_Begin, _Page], _Begin]
    """What to ask for when the connection breaks behind a page."""

    def encoded(self, request: _Begin) -> bytes:
        self.check(request)
        return self.method.encode_request(request)  # type: ignore[arg-type]

    def decoded(self, message: bytes) -> _Page:
        page = self.method.result.decode(message)
        assert isinstance(page, self.page)
        return page


_CHANGES: Final = _Feed(
    SUBSCRIBE,
    FeedPage,
    validation.check_subscribe,
    lambda request, page: dataclasses.replace(request, start="CURSOR", cursor=page.cursor, timestamp_ms=None),
)
_CONFLICTS: Final = _Feed(
    FOLLOW_CONFLICTS,
    ConflictPage,
    validation.check_follow_conflicts,
    lambda request, page: dataclasses.replace(request, after_sequence_number=page.sequence_number),
)


def _refuse_oversized(request: Request, size_bytes: int, bytes_max: int) -> None:
    # What makes a message too large is mostly an item that no database would take; then say that.
    items = []
    if isinstance(request, PutItem):
        items = [request.item]
    elif isinstance(request, BatchWriteItem):
        writes = [write for of_table in request.request_items.values() for write in of_table]
        items = [write.item for write in writes if isinstance(write, PutRequest)]
    for item in items:
        if normalise_item(item)[1] > ITEM_BYTES_MAX:
            raise ValidationError(ITEM_TOO_LARGE)
    raise MessageTooLarge(f"request larger than max bytes={size_bytes} max={bytes_max}")


def _error_of(failed: grpc.RpcError) -> KvdbError:
    error = status.error_from(failed.code(), failed.details(), failed.trailing_metadata())
    if isinstance(error, ServiceUnavailable) and not failed.trailing_metadata():
        # An error that a server of ours has worded brings its detail along.
        error.never_sent = (failed.details() or "").startswith(_NEVER_SENT)
    return error


def _failed_check(failed: grpc.RpcError) -> Verdict:
    return Verdict(False, f"{failed.code().name}: {failed.details()}")


def _verdict_of(answer: bytes) -> Verdict:
    if answer == _SERVING:
        return Verdict(True)
    return Verdict(False, "it says that it does not serve", is_said=True)


def _channel_options(options: ClientOptions) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", options.message_bytes_max),
        ("grpc.max_send_message_length", options.message_bytes_max),
        # An error may bring the old item along.
        ("grpc.max_metadata_size", status.DETAIL_BYTES_MAX),
        ("grpc.absolute_max_metadata_size", status.DETAIL_BYTES_MAX),
        ("grpc.enable_retries", 0),
        # One connection a client, ended when the client is closed.
        ("grpc.use_local_subchannel_pool", 1),
        # A server that restarts is found again within the pauses of the retries.
        ("grpc.initial_reconnect_backoff_ms", options.backoff_ms),
        ("grpc.min_reconnect_backoff_ms", options.backoff_ms_max),
        ("grpc.max_reconnect_backoff_ms", options.backoff_ms_max),
    ]


class GrpcTransport:
    """For threads. Thread-safe; the connection is made by the first call."""

    endpoint_switches = 0

    def __init__(self, address: str, policy: RetryPolicy) -> None:
        self.target = f"grpc://{address}"
        self.endpoint: str | None = self.target
        self._policy = policy
        self._channel = grpc.insecure_channel(address, _channel_options(policy.options))
        self._check = self._channel.unary_unary(_HEALTH_CHECK)
        self._unary = {
            method.name: self._channel.unary_unary(method.path) for method in METHODS if not method.is_stream
        }
        self._streams = {
            method.name: self._channel.unary_stream(method.path) for method in METHODS if method.is_stream
        }
        self._feeds: set[grpc.Call] = set()
        self._broken: set[grpc.Call] = set()
        self._is_closed = False

    def try_send(self, request: Request, timeout_s: float) -> Result:
        method, payload, metadata = _outgoing(request, UNARY_BY_REQUEST, self._policy.options)
        self._require_open()
        try:
            answer = self._unary[method.name](payload, timeout=timeout_s, metadata=metadata)
        except grpc.RpcError as failed:
            raise _error_of(failed) from failed
        except ValueError as closed:
            raise _closed() from closed
        return method.result.decode(answer)

    def try_send_under(self, request: Request, terms: Terms, timeout_s: float) -> Answer:
        method, payload, _ = _outgoing(request, UNARY_BY_REQUEST, self._policy.options)
        metadata = _metadata_of(request, terms)
        self._require_open()
        try:
            answer, call = self._unary[method.name].with_call(payload, timeout=timeout_s, metadata=metadata)
        except grpc.RpcError as failed:
            raise _error_of(failed) from failed
        except ValueError as closed:
            raise _closed() from closed
        return _answer(method.result.decode(answer), terms, call.trailing_metadata(), self.target)

    def send_under(self, request: Request, terms: Terms) -> Answer:
        request = recognisable(request, self._policy)
        attempts = self._policy.begin(repeats_of(request))
        while True:
            try:
                return self.try_send_under(request, terms, attempts.remaining_s())
            except KvdbError as failed:
                self._policy.clock.sleep_ms(attempts.pause_ms(failed))

    def begin_check(self, timeout_s: float) -> Callable[[], Verdict]:
        try:
            answer = self._check.future(b"", timeout=timeout_s)
        except ValueError:
            return lambda: Verdict(False, "the client is closed")

        def wait() -> Verdict:
            try:
                return _verdict_of(answer.result())
            except grpc.RpcError as failed:
                return _failed_check(failed)
            except grpc.FutureCancelledError:
                return Verdict(False, "the client is closed")

        return wait

    def break_feeds(self) -> None:
        for call in tuple(self._feeds):
            self._broken.add(call)
            call.cancel()

    def send(self, request: Request) -> Result:
        request = recognisable(request, self._policy)
        method, payload, metadata = _outgoing(request, UNARY_BY_REQUEST, self._policy.options)
        call = self._unary[method.name]
        attempts = self._policy.begin(repeats_of(request))
        while True:
            self._require_open()
            try:
                answer = call(payload, timeout=attempts.remaining_s(), metadata=metadata)
            except grpc.RpcError as failed:
                error = _error_of(failed)
            except ValueError as closed:
                raise _closed() from closed
            else:
                return method.result.decode(answer)
            self._policy.clock.sleep_ms(attempts.pause_ms(error))

    def stream(self, request: Query | Scan) -> Generator[Page, None, None]:
        attempts = self._policy.begin(Repeats.HARMLESS)
        rest = request
        while True:
            self._require_open()
            method, payload, _ = _outgoing(rest, STREAM_BY_REQUEST, self._policy.options)
            call = self._streams[method.name](payload, timeout=attempts.remaining_s())
            try:
                for message in call:
                    page = method.result.decode(message)
                    assert isinstance(page, Page)
                    yield page
                    following = paginate.following(rest, page)
                    if following is None:
                        return
                    rest = following
                    attempts.renew()
                error: KvdbError = ServiceUnavailable(_ENDED_EARLY)
            except grpc.RpcError as failed:
                error = _error_of(failed)
            finally:
                call.cancel()
            self._policy.clock.sleep_ms(attempts.pause_ms(error))

    def subscribe(self, request: Subscribe) -> Generator[FeedPage, None, None]:
        return self._follow(_CHANGES, request)

    def follow_conflicts(self, request: FollowConflicts) -> Generator[ConflictPage, None, None]:
        return self._follow(_CONFLICTS, request)

    def _follow(self, feed: _Feed[_Begin, _Page], request: _Begin) -> Generator[_Page, None, None]:
        attempts = self._policy.begin(Repeats.HARMLESS)
        while True:
            self._require_open()
            call = self._streams[feed.method.name](feed.encoded(request))
            self._feeds.add(call)
            try:
                for message in call:
                    page = feed.decoded(message)
                    yield page
                    request = feed.after(request, page)
                    attempts.renew()
                error: KvdbError = ServiceUnavailable(_FEED_ENDED)
            except grpc.RpcError as failed:
                error = _error_of(failed)
            except ValueError as closed:
                raise _closed() from closed
            finally:
                is_broken = self._forget(call)
            self._require_open()
            if is_broken:
                raise ServiceUnavailable(_FEED_BROKEN)
            self._policy.clock.sleep_ms(attempts.pause_ms(error))

    def _forget(self, call: grpc.Call) -> bool:
        """End a feed's call. Whether ``break_feeds`` had done so."""
        call.cancel()
        self._feeds.discard(call)
        is_broken = call in self._broken
        self._broken.discard(call)
        return is_broken

    def pause(self, ms: int) -> None:
        self._policy.clock.sleep_ms(ms)

    def close(self) -> None:
        self._is_closed = True
        self._channel.close()

    def _require_open(self) -> None:
        if self._is_closed:
            raise _closed()


class AsyncGrpcTransport:
    """For one event loop: the one it was made on. As ``GrpcTransport``."""

    endpoint_switches = 0

    def __init__(self, address: str, policy: RetryPolicy) -> None:
        self.target = f"grpc://{address}"
        self.endpoint: str | None = self.target
        self._policy = policy
        self._channel = aio.insecure_channel(address, _channel_options(policy.options))
        self._check = self._channel.unary_unary(_HEALTH_CHECK)
        self._unary = {
            method.name: self._channel.unary_unary(method.path) for method in METHODS if not method.is_stream
        }
        self._streams = {
            method.name: self._channel.unary_stream(method.path) for method in METHODS if method.is_stream
        }
        self._feeds: set[aio.Call] = set()
        self._broken: set[aio.Call] = set()
        self._is_closed = False

    async def try_send(self, request: Request, timeout_s: float) -> Result:
        method, payload, metadata = _outgoing(request, UNARY_BY_REQUEST, self._policy.options)
        self._require_open()
        try:
            answer = await self._unary[method.name](payload, timeout=timeout_s, metadata=metadata)
        except grpc.RpcError as failed:
            raise _error_of(failed) from failed
        return method.result.decode(answer)

    async def try_send_under(self, request: Request, terms: Terms, timeout_s: float) -> Answer:
        method, payload, _ = _outgoing(request, UNARY_BY_REQUEST, self._policy.options)
        metadata = _metadata_of(request, terms)
        self._require_open()
        call = self._unary[method.name](payload, timeout=timeout_s, metadata=metadata)
        try:
            answer = await call
        except grpc.RpcError as failed:
            raise _error_of(failed) from failed
        return _answer(method.result.decode(answer), terms, await call.trailing_metadata(), self.target)

    async def send_under(self, request: Request, terms: Terms) -> Answer:
        request = recognisable(request, self._policy)
        attempts = self._policy.begin(repeats_of(request))
        while True:
            try:
                return await self.try_send_under(request, terms, attempts.remaining_s())
            except KvdbError as failed:
                await _pause(attempts, failed)

    async def check(self, timeout_s: float) -> Verdict:
        try:
            return _verdict_of(await self._check(b"", timeout=timeout_s))
        except grpc.RpcError as failed:
            return _failed_check(failed)

    def break_feeds(self) -> None:
        for call in tuple(self._feeds):
            self._broken.add(call)
            call.cancel()

    async def send(self, request: Request) -> Result:
        request = recognisable(request, self._policy)
        method, payload, metadata = _outgoing(request, UNARY_BY_REQUEST, self._policy.options)
        call = self._unary[method.name]
        attempts = self._policy.begin(repeats_of(request))
        while True:
            self._require_open()
            try:
                answer = await call(payload, timeout=attempts.remaining_s(), metadata=metadata)
            except grpc.RpcError as failed:
                error = _error_of(failed)
            else:
                return method.result.decode(answer)
            await _pause(attempts, error)

    async def stream(self, request: Query | Scan) -> AsyncGenerator[Page, None]:
        attempts = self._policy.begin(Repeats.HARMLESS)
        rest = request
        while True:
            self._require_open()
            method, payload, _ = _outgoing(rest, STREAM_BY_REQUEST, self._policy.options)
            call = self._streams[method.name](payload, timeout=attempts.remaining_s())
            try:
                async for message in call:
                    page = method.result.decode(message)
                    assert isinstance(page, Page)
                    yield page
                    following = paginate.following(rest, page)
                    if following is None:
                        return
                    rest = following
                    attempts.renew()
                error: KvdbError = ServiceUnavailable(_ENDED_EARLY)
            except grpc.RpcError as failed:
                error = _error_of(failed)
            finally:
                call.cancel()
            await _pause(attempts, error)

    def subscribe(self, request: Subscribe) -> AsyncGenerator[FeedPage, None]:
        return self._follow(_CHANGES, request)

    def follow_conflicts(self, request: FollowConflicts) -> AsyncGenerator[ConflictPage, None]:
        return self._follow(_CONFLICTS, request)

    async def _follow(self, feed: _Feed[_Begin, _Page], request: _Begin) -> AsyncGenerator[_Page, None]:
        attempts = self._policy.begin(Repeats.HARMLESS)
        while True:
            self._require_open()
            call = self._streams[feed.method.name](feed.encoded(request))
            self._feeds.add(call)
            try:
                async for message in call:
                    page = feed.decoded(message)
                    yield page
                    request = feed.after(request, page)
                    attempts.renew()
                error: KvdbError = ServiceUnavailable(_FEED_ENDED)
            except grpc.RpcError as failed:
                error = _error_of(failed)
            except asyncio.CancelledError:
                # That is how a call ends that was cancelled here, too.
                if call not in self._broken or _is_cancelling():
                    raise
            finally:
                is_broken = self._forget(call)
            self._require_open()
            if is_broken:
                raise ServiceUnavailable(_FEED_BROKEN)
            await _pause(attempts, error)

    def _forget(self, call: aio.Call) -> bool:
        call.cancel()
        self._feeds.discard(call)
        is_broken = call in self._broken
        self._broken.discard(call)
        return is_broken

    async def pause(self, ms: int) -> None:
        await asyncio.sleep(ms / 1000)

    async def close(self) -> None:
        self._is_closed = True
        await self._channel.close()

    def _require_open(self) -> None:
        if self._is_closed:
            raise _closed()


async def _pause(attempts: Attempts, error: KvdbError) -> None:
    await asyncio.sleep(attempts.pause_ms(error) / 1000)


def _is_cancelling() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _closed() -> ClosedError:
    return ClosedError("the client is closed")
