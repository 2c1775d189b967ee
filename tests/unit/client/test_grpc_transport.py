"""What a call over gRPC does when the server is busy, gone, slow, or ends a stream half-way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import grpc
import pytest

from kvdb.api.items import (
    BatchWriteItem,
    CommitTransaction,
    GetItem,
    Page,
    PutItem,
    PutItemResult,
    PutRequest,
    Query,
    Scan,
    TransactWriteItems,
    TransactWriteItemsResult,
    UpdateItem,
)
from kvdb.api.operations import Request
from kvdb.api.terms import Terms
from kvdb.client.grpc_transport import AsyncGrpcTransport, GrpcTransport
from kvdb.client.retry import RetryPolicy
from kvdb.env.entropy import SystemEntropy
from kvdb.errors import (
    CancellationReason,
    ClosedError,
    ConditionalCheckFailed,
    DeadlineExceeded,
    KvdbError,
    MessageTooLarge,
    ReplicaBehind,
    RequestLimitExceeded,
    ServiceUnavailable,
    TransactionCanceled,
    TransactionConflict,
    UnknownOperation,
    ValidationError,
)
from kvdb.options import ClientOptions
from kvdb.rpc import status
from kvdb.rpc.codec import STREAM_BY_REQUEST, UNARY_BY_REQUEST
from kvdb.testing import ManualClock
from tests.support.scripted_server import Handle, scripted_server

PUT = PutItem("t", {"id": 1})
GET = GetItem("t", {"id": 1})
PUT_ANSWER = UNARY_BY_REQUEST[PutItem].result.encode(PutItemResult())
DONE = [Page([{"id": n}], 1, 1, {"id": n} if n < 3 else None) for n in range(4)]


def policy(**options: int) -> RetryPolicy:
    """Pauses cost no time: the clock that sleeps is moved by hand."""
    return RetryPolicy(ClientOptions(**{"backoff_ms": 1, **options}), ManualClock(), SystemEntropy(0))


def refuse(context: grpc.ServicerContext, error: KvdbError) -> None:
    detail = ((status.DETAIL_KEY, status.encode_detail(error)),)
    context.set_trailing_metadata(detail)
    context.abort(status.status_of(error), error.message)


def send(address: str, request: Request, terms: Terms | None = None, **options: int) -> object:
    transport = GrpcTransport(address, policy(**options))
    try:
        return transport.send(request) if terms is None else transport.send_under(request, terms)
    finally:
        transport.close()


def send_async(address: str, request: Request, terms: Terms | None = None, **options: int) -> object:
    async def use() -> object:
        transport = AsyncGrpcTransport(address, policy(**options))
        try:
            if terms is not None:
                return await transport.send_under(request, terms)
            return await transport.send(request)
        finally:
            await transport.close()

    return asyncio.run(use())


def pages(address: str, request: Query | Scan, **options: int) -> list[Page]:
    transport = GrpcTransport(address, policy(**options))
    try:
        return list(transport.stream(request))
    finally:
        transport.close()


def pages_async(address: str, request: Query | Scan, **options: int) -> list[Page]:
    async def use() -> list[Page]:
        transport = AsyncGrpcTransport(address, policy(**options))
        try:
            return [page async for page in transport.stream(request)]
        finally:
            await transport.close()

    return asyncio.run(use())


both_send = pytest.mark.parametrize("send", [send, send_async], ids=["sync", "async"])
both_pages = pytest.mark.parametrize("pages", [pages, pages_async], ids=["sync", "async"])
Send = Callable[..., object]
Pages = Callable[..., list[Page]]


def refusing(error: KvdbError, times: int, calls: list[str]) -> Handle:
    """A server that refuses the first ``times`` calls."""

    def handle(name: str, payload: bytes, context: grpc.ServicerContext) -> bytes:
        calls.append(name)
        if len(calls) <= times:
            refuse(context, error)
        return PUT_ANSWER

    return handle


@both_send
def test_a_read_is_sent_again_until_it_is_served(send: Send) -> None:
    calls: list[str] = []
    with scripted_server(refusing(ServiceUnavailable("busy"), 2, calls)) as address:
        send(address, GET)
    assert calls == ["GetItem"] * 3


@both_send
def test_a_write_of_unknown_outcome_is_sent_once(send: Send) -> None:
    calls: list[str] = []
    with (
        scripted_server(refusing(ServiceUnavailable("busy"), 1, calls)) as address,
        pytest.raises(ServiceUnavailable, match="busy"),
    ):
        send(address, PUT)
    assert calls == ["PutItem"]


@both_send
def test_a_write_that_was_not_begun_is_sent_again(send: Send) -> None:
    calls: list[str] = []
    with scripted_server(refusing(RequestLimitExceeded("too many"), 1, calls)) as address:
        assert send(address, PUT) == PutItemResult()
    assert calls == ["PutItem"] * 2


@both_send
def test_a_server_that_knows_no_sessions_is_named_and_nothing_is_taken_for_promised(send: Send) -> None:
    for terms in (Terms(session="new"), Terms(replicate_to=1)):
        with (
            scripted_server(lambda name, payload, context: PUT_ANSWER) as address,
            pytest.raises(UnknownOperation, match="knows no sessions and no replicate_to: endpoint=grpc://"),
        ):
            send(address, PUT, terms=terms)


@both_send
def test_a_region_that_is_behind_is_not_asked_again(send: Send) -> None:
    calls: list[str] = []
    with (
        scripted_server(refusing(ReplicaBehind("region b has not"), 2, calls)) as address,
        pytest.raises(ReplicaBehind, match="region b has not"),
    ):
        send(address, GET, terms=Terms(session="new"))
    assert calls == ["GetItem"]


TRANSACTION_ANSWER = UNARY_BY_REQUEST[TransactWriteItems].result.encode(TransactWriteItemsResult())


@both_send
def test_a_transaction_is_given_a_token_and_sent_again_with_it(send: Send) -> None:
    tokens: list[str] = []

    def handle(name: str, payload: bytes, context: grpc.ServicerContext) -> bytes:
        tokens.append(UNARY_BY_REQUEST[TransactWriteItems].request.decode(payload).client_request_token)
        if len(tokens) == 1:
            refuse(context, DeadlineExceeded("slow"))
        return TRANSACTION_ANSWER

    request = TransactWriteItems([PUT])
    with scripted_server(handle) as address:
        send(address, request)
        send(address, TransactWriteItems([PUT], "mine"))
        send(address, request, attempts_max=1)
    assert tokens[0] == tokens[1]
    assert len(tokens[0]) == 36
    assert tokens[2:] == ["mine", None]
    assert request.client_request_token is None


@both_send
def test_a_conflict_ends_a_native_transaction(send: Send) -> None:
    calls: list[str] = []
    with (
        scripted_server(refusing(TransactionConflict(), 9, calls)) as address,
        pytest.raises(TransactionConflict),
    ):
        send(address, CommitTransaction("s1", [], []))
    assert calls == ["CommitTransaction"]


@both_send
def test_attempts_are_bounded(send: Send) -> None:
    calls: list[str] = []
    with (
        scripted_server(refusing(RequestLimitExceeded("too many"), 99, calls)) as address,
        pytest.raises(RequestLimitExceeded),
    ):
        send(address, PUT, attempts_max=3)
    assert len(calls) == 3


@both_send
def test_a_server_that_is_not_there_is_unavailable(send: Send) -> None:
    with scripted_server(refusing(ServiceUnavailable(""), 0, [])) as address:
        pass
    with pytest.raises(ServiceUnavailable):
        send(address, GET, attempts_max=2)


@both_send
def test_a_server_that_does_not_answer_runs_into_the_deadline(send: Send) -> None:
    def handle(name: str, payload: bytes, context: grpc.ServicerContext) -> bytes:
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait(60)
        return b""

    with scripted_server(handle) as address, pytest.raises(DeadlineExceeded):
        send(address, PUT, deadline_ms=50)


def test_a_closed_client_says_so() -> None:
    transport = GrpcTransport("127.0.0.1:1", policy())
    transport.close()
    transport.close()
    with pytest.raises(ClosedError, match="the client is closed"):
        transport.send(GET)
    with pytest.raises(ClosedError):
        next(transport.stream(Scan("t")))


def test_a_closed_async_client_says_so() -> None:
    async def use() -> None:
        transport = AsyncGrpcTransport("127.0.0.1:1", policy())
        await transport.close()
        await transport.close()
        with pytest.raises(ClosedError, match="the client is closed"):
            await transport.send(GET)

    asyncio.run(use())


def test_larger_details_are_asked_for_only_with_old_items() -> None:
    asked: list[bool] = []

    def handle(name: str, payload: bytes, context: grpc.ServicerContext) -> bytes:
        asked.append(any(key == status.BYTES_MAX_KEY for key, _ in context.invocation_metadata()))
        return PUT_ANSWER

    with scripted_server(handle) as address:
        send(address, PUT)
        send(address, UpdateItem("t", {}))
        send(address, PutItem("t", {}, return_values_on_condition_check_failure="ALL_OLD"))
        send(address, UpdateItem("t", {}, return_values_on_condition_check_failure="ALL_OLD"))
        send(address, TransactWriteItems([]))
    assert asked == [False, False, True, True, True]


def test_an_error_with_a_large_item_arrives() -> None:
    item = {"x": ["y"] * 100_000}

    def handle(name: str, payload: bytes, context: grpc.ServicerContext) -> bytes:
        error = ConditionalCheckFailed(item=item)
        detail = status.encode_detail(error, bytes_max=status.DETAIL_BYTES_MAX)
        context.set_trailing_metadata(((status.DETAIL_KEY, detail),))
        context.abort(status.status_of(error), error.message)

    with scripted_server(handle) as address, pytest.raises(ConditionalCheckFailed) as raised:
        send(address, PUT)
    assert raised.value.item == item


@both_send
def test_the_items_of_a_cancelled_transaction_arrive(send: Send) -> None:
    reasons = [CancellationReason("ConditionalCheckFailed", "no", {"x": "y" * 399_000})] * 12
    error = TransactionCanceled(reasons)

    def handle(name: str, payload: bytes, context: grpc.ServicerContext) -> bytes:
        detail = status.encode_detail(error, bytes_max=status.DETAIL_BYTES_MAX)
        context.set_trailing_metadata(((status.DETAIL_KEY, detail),))
        context.abort(status.status_of(error), status.clipped(error.message))

    with scripted_server(handle) as address, pytest.raises(TransactionCanceled) as raised:
        send(address, TransactWriteItems([]))
    # Ten of them fill the bound on metadata.
    assert raised.value.reasons == tuple(reasons[:10] + [reasons[10]._replace(item=None)] * 2)


def test_an_oversized_request_is_not_sent() -> None:
    large = {"id": 1, "x": "x" * 500_000}
    whole = {"id": 1, "x": "x" * 300_000}
    with pytest.raises(ValidationError, match="Item size has exceeded"):
        send("127.0.0.1:1", PutItem("t", large), message_bytes_max=100_000)
    with pytest.raises(ValidationError, match="Item size has exceeded"):
        send("127.0.0.1:1", BatchWriteItem({"t": [PutRequest(large)]}), message_bytes_max=100_000)
    with pytest.raises(MessageTooLarge, match="bytes=300"):
        send("127.0.0.1:1", PutItem("t", whole), message_bytes_max=100_000)
    with pytest.raises(MessageTooLarge):
        send("127.0.0.1:1", GetItem("t", whole), message_bytes_max=100_000)


def stream_of(legs: list[list[Page]], asked: list[object], error: KvdbError) -> Handle:
    """A server whose n-th stream gives the pages of ``legs[n]`` and then fails with ``error``."""

    def handle(name: str, payload: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        method = STREAM_BY_REQUEST[Scan]
        asked.append(method.request.decode(payload).exclusive_start_key)
        leg = legs[len(asked) - 1] if len(asked) <= len(legs) else []
        for page in leg:
            yield method.result.encode(page)
        if not leg or leg[-1].last_evaluated_key is not None:
            refuse(context, error)

    return handle


@both_pages
def test_a_broken_stream_is_taken_up_after_its_last_page(pages: Pages) -> None:
    asked: list[object] = []
    legs = [DONE[:1], [], DONE[1:3], DONE[3:]]
    with scripted_server(stream_of(legs, asked, ServiceUnavailable("gone"))) as address:
        assert pages(address, Scan("t")) == DONE
    assert asked == [None, {"id": 0}, {"id": 0}, {"id": 2}]


@both_pages
def test_a_stream_that_gets_no_further_ends_with_its_error(pages: Pages) -> None:
    asked: list[object] = []
    with (
        scripted_server(stream_of([DONE[:1]], asked, ServiceUnavailable("gone"))) as address,
        pytest.raises(ServiceUnavailable, match="gone"),
    ):
        pages(address, Scan("t"), attempts_max=3)
    # The first leg got further, so it does not count.
    assert len(asked) == 3


@both_pages
def test_a_stream_refused_for_good_is_not_repeated(pages: Pages) -> None:
    asked: list[object] = []
    with (
        scripted_server(stream_of([], asked, ValidationError("no"))) as address,
        pytest.raises(ValidationError, match="no"),
    ):
        pages(address, Scan("t"))
    assert len(asked) == 1


@both_pages
def test_a_stream_that_ends_before_its_last_page_is_no_short_answer(pages: Pages) -> None:
    def handle(name: str, payload: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        yield STREAM_BY_REQUEST[Query].result.encode(DONE[0])

    with scripted_server(handle) as address, pytest.raises(ServiceUnavailable, match="before the last page"):
        pages(address, Query("t", "k"), attempts_max=1)


def test_a_stream_left_half_way_is_cancelled() -> None:
    ended = threading.Event()

    def handle(name: str, payload: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        context.add_callback(ended.set)
        while True:
            yield STREAM_BY_REQUEST[Scan].result.encode(DONE[0])

    with scripted_server(handle) as address:
        transport = GrpcTransport(address, policy())
        walk = transport.stream(Scan("t"))
        assert next(walk) == DONE[0]
        walk.close()
        assert ended.wait(60)
        transport.close()
