"""The gRPC door under odd callers: too many, too large, too late, malformed, gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps

import grpc
import pytest
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from kvdb.api.items import (
    DeleteItem,
    DeleteItemResult,
    GetItem,
    GetItemResult,
    Page,
    PutItem,
    PutItemResult,
    Query,
    Scan,
    TransactWriteItems,
    UpdateItem,
    UpdateItemResult,
)
from kvdb.api.operations import Request, Result
from kvdb.errors import (
    CancellationReason,
    ConditionalCheckFailed,
    CorruptionError,
    DeadlineExceeded,
    InternalError,
    KvdbError,
    MessageTooLarge,
    RequestLimitExceeded,
    SerializationError,
    TransactionCanceled,
    UnknownOperation,
    ValidationError,
)
from kvdb.rpc import status
from kvdb.rpc.codec import METHODS, SERVICES, STREAM_BY_REQUEST, UNARY_BY_REQUEST, Method
from kvdb.server.grpc_server import GrpcDoor
from tests.support.scripted_database import ScriptedDatabase
from tests.support.served import in_memory_options

GET = GetItem("t", {"id": 1})
PUT = PutItem("t", {"id": 1})
UPDATE = UpdateItem("t", {"id": 1})
FOUND = GetItemResult({"id": 1})


class Served:
    """A door on a scripted database, and a channel to it."""

    def __init__(self, door: GrpcDoor, database: ScriptedDatabase, address: str) -> None:
        self.door = door
        self.database = database
        self.address = address
        self.channel = aio.insecure_channel(address)

    async def call(self, request: Request, **call_options: object) -> Result:
        return await self.raw(UNARY_BY_REQUEST[type(request)], request, **call_options)

    async def raw(self, method: Method, request: Request, **call_options: object) -> Result:
        payload = method.encode_request(request)
        return method.result.decode(await self.bytes(method.path, payload, **call_options))

    async def bytes(self, path: str, payload: bytes, **call_options: object) -> bytes:
        try:
            return await self.channel.unary_unary(path)(payload, **{"timeout": 30, **call_options})
        except aio.AioRpcError as failed:
            raise error_of(failed) from failed

    def stream(self, request: Query | Scan, **call_options: object) -> aio.UnaryStreamCall:
        method = STREAM_BY_REQUEST[type(request)]
        return self.channel.unary_stream(method.path)(method.encode_request(request), **call_options)

    async def idle(self) -> None:
        """Return when no admitted call has work left."""
        while self.database.env.metrics.read()["server_calls_in_flight"]:
            await asyncio.sleep(0)


def error_of(failed: aio.AioRpcError) -> KvdbError:
    return status.error_from(failed.code(), failed.details(), failed.trailing_metadata())


@asynccontextmanager
async def serving(
    serve: Callable[[Request], Result], *, holds: bool = False, **options: object
) -> AsyncIterator[Served]:
    database = ScriptedDatabase(serve, holds=holds)
    door = GrpcDoor(database, in_memory_options(**options))
    served = Served(door, database, await door.start())
    try:
        yield served
    finally:
        database.finish_all()
        await served.channel.close()
        await door.stop(grace_ms=5000)


def on_a_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*arguments: object, **keywords: object) -> None:
        asyncio.run(asyncio.wait_for(test(*arguments, **keywords), 60))

    return run


def answer(request: Request) -> Result:
    results: dict[type, Result] = {
        GetItem: FOUND,
        PutItem: PutItemResult(),
        UpdateItem: UpdateItemResult(),
        DeleteItem: DeleteItemResult(),
    }
    return results[type(request)]


def fail_with(error: BaseException) -> Callable[[Request], Result]:
    def serve(request: Request) -> Result:
        raise error

    return serve


# Who is there.


@on_a_loop
async def test_health_says_serving_for_the_server_and_each_service() -> None:
    async with serving(answer) as served:
        stub = health_pb2_grpc.HealthStub(served.channel)
        for name in ("", *SERVICES):
            said = await stub.Check(health_pb2.HealthCheckRequest(service=name))
            assert said.status == health_pb2.HealthCheckResponse.SERVING


@on_a_loop
async def test_health_says_not_serving_while_calls_drain() -> None:
    async with serving(answer, holds=True) as served:
        watch = health_pb2_grpc.HealthStub(served.channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        call = asyncio.create_task(served.call(PUT))
        await served.database.held(1)
        stopping = asyncio.create_task(served.door.stop(grace_ms=5000))
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()
        served.database.finish_all()
        await call
        await stopping


@on_a_loop
async def test_health_says_not_serving_once_the_database_is_read_only_and_reads_go_on() -> None:
    async with serving(answer) as served:
        watch = health_pb2_grpc.HealthStub(served.channel).Watch(
            health_pb2.HealthCheckRequest(service=SERVICES[0])
        )
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        served.database.why_degraded = "log sync failed"
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert await served.call(GET) == FOUND
        watch.cancel()


@on_a_loop
async def test_reflection_lists_the_services() -> None:
    async with serving(answer) as served:
        stub = reflection_pb2_grpc.ServerReflectionStub(served.channel)
        call = stub.ServerReflectionInfo(
            iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=30
        )
        listed = [service.name async for said in call for service in said.list_services_response.service]
        assert {*SERVICES, "grpc.health.v1.Health"} <= set(listed)


@on_a_loop
async def test_reflection_describes_a_service() -> None:
    async with serving(answer) as served:
        stub = reflection_pb2_grpc.ServerReflectionStub(served.channel)
        asked = reflection_pb2.ServerReflectionRequest(file_containing_symbol="kvdb.v1.Items")
        said = [one async for one in stub.ServerReflectionInfo(iter([asked]), timeout=30)]
        assert said[0].file_descriptor_response.file_descriptor_proto


# What is sent.


@pytest.mark.parametrize(
    "path", ["/kvdb.v1.Items/Nothing", "/kvdb.v1.items/GetItem", "//kvdb.v1.Items/GetItem", "/GetItem"]
)
@on_a_loop
async def test_an_unknown_method_is_an_unknown_operation(path: str) -> None:
    async with serving(answer) as served:
        with pytest.raises(UnknownOperation):
            await served.bytes(path, b"")


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@on_a_loop
async def test_bytes_that_are_no_message_are_refused_by_every_method(method: Method) -> None:
    async with serving(answer) as served:
        if method.is_stream:
            with pytest.raises(aio.AioRpcError) as raised:
                await served.channel.unary_stream(method.path)(b"\xff\xff").read()
            error = error_of(raised.value)
        else:
            with pytest.raises(KvdbError) as failed:
                await served.bytes(method.path, b"\xff\xff")
            error = failed.value
        assert type(error) is SerializationError
        await served.idle()


@on_a_loop
async def test_a_request_of_the_largest_size_is_served_and_a_byte_more_is_not() -> None:
    def request(size: int) -> GetItem:
        return GetItem("t", {"id": "x" * size})

    method = UNARY_BY_REQUEST[GetItem]
    async with serving(answer, message_bytes_max=10_000) as served:
        size = 10_000 - (len(method.encode_request(request(9000))) - 9000)
        assert len(method.encode_request(request(size))) == 10_000
        assert await served.call(request(size)) == FOUND
        with pytest.raises(MessageTooLarge, match="larger than max"):
            await served.call(request(size + 1))


@on_a_loop
async def test_an_answer_larger_than_a_message_is_refused_by_name() -> None:
    async with serving(
        lambda request: GetItemResult({"x": "x" * 20_000}), message_bytes_max=10_000
    ) as served:
        with pytest.raises(MessageTooLarge, match="answer larger than max bytes=20"):
            await served.call(GET)


@on_a_loop
async def test_metadata_over_the_bound_is_refused() -> None:
    async with serving(answer) as served:
        with pytest.raises(RequestLimitExceeded, match="metadata"):
            await served.call(GET, metadata=(("x", "y" * 20_000),))
        assert await served.call(GET) == FOUND


@pytest.mark.parametrize("request_", [GET, PUT, UPDATE, DeleteItem("t", {"id": 1})])
@on_a_loop
async def test_a_point_operation_is_served_on_the_loop_itself(request_: Request) -> None:
    async with serving(answer, holds=True) as served:
        call = asyncio.create_task(served.call(request_))
        await served.database.held(1)
        served.database.finish_all()
        assert await call == answer(request_)


# How many.


@on_a_loop
async def test_one_call_too_many_is_refused_until_another_has_ended() -> None:
    async with serving(answer, holds=True, concurrent_calls_max=2) as served:
        calls = [asyncio.create_task(served.call(PUT)) for _ in range(2)]
        await served.database.held(2)
        with pytest.raises(RequestLimitExceeded, match="too many calls at once max=2"):
            await served.call(PUT)
        served.database.finish_all()
        assert await asyncio.gather(*calls) == [PutItemResult()] * 2
        served.database.holds = False
        assert await served.call(PUT) == PutItemResult()


@on_a_loop
async def test_a_call_whose_caller_is_gone_counts_until_its_work_has_ended() -> None:
    async with serving(answer, holds=True, concurrent_calls_max=1) as served:
        call = asyncio.create_task(served.call(PUT))
        await served.database.held(1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        with pytest.raises(RequestLimitExceeded):
            await served.call(PUT)
        served.database.finish_all()
        await served.idle()
        served.database.holds = False
        assert await served.call(PUT) == PutItemResult()


@on_a_loop
async def test_a_refused_call_leaves_nothing_behind() -> None:
    async with serving(fail_with(ValidationError("no")), concurrent_calls_max=1) as served:
        for request in (GET, PUT, Scan("t")) * 3:
            with pytest.raises(ValidationError, match="no"):
                await served.call(request)
        await served.idle()


# How long.


@pytest.mark.parametrize("request_", [PUT, GET], ids=["put", "get"])
@on_a_loop
async def test_a_callers_deadline_ends_its_call(request_: Request) -> None:
    async with serving(answer, holds=True) as served:
        with pytest.raises(DeadlineExceeded):
            await served.call(request_, timeout=0.05)


@on_a_loop
async def test_a_call_without_a_deadline_gets_the_servers() -> None:
    async with serving(answer, holds=True, deadline_ms_max=50) as served:
        with pytest.raises(DeadlineExceeded, match="the deadline passed"):
            await served.call(PUT, timeout=None)
        with pytest.raises(DeadlineExceeded, match="the deadline passed"):
            await served.call(PUT, timeout=3600)


def endless(request: Request) -> Page:
    """A page of 100 KB that is never the last."""
    assert isinstance(request, Scan)
    number = 0 if request.exclusive_start_key is None else request.exclusive_start_key["n"] + 1
    return Page([{"n": number, "pad": "x" * 100_000}], 1, 1, {"n": number})


@on_a_loop
async def test_a_stream_gives_every_page_in_order() -> None:
    def serve(request: Request) -> Page:
        page = endless(request)
        return page if page.items[0]["n"] < 20 else Page(page.items, 1, 1)

    async with serving(serve) as served:
        decode = STREAM_BY_REQUEST[Scan].result.decode
        pages = [decode(message) async for message in served.stream(Scan("t", limit=1))]
        assert [page.items[0]["n"] for page in pages] == list(range(21))
        await served.idle()


@on_a_loop
async def test_a_stream_reads_no_further_than_its_reader_takes() -> None:
    read: list[Request] = []

    def serve(request: Request) -> Page:
        read.append(request)
        return endless(request)

    async with serving(serve) as served:
        call = served.stream(Scan("t"))
        await call.read()
        call.cancel()
        await served.idle()
        reads = len(read)
        assert reads < 100
        assert await served.bytes("/grpc.health.v1.Health/Check", b"") is not None
        assert len(read) == reads


@on_a_loop
async def test_a_stream_ends_at_the_servers_deadline() -> None:
    async with serving(endless, deadline_ms_max=100) as served:
        with pytest.raises(aio.AioRpcError) as raised:
            async for _ in served.stream(Scan("t")):
                pass
        assert type(error_of(raised.value)) is DeadlineExceeded
        await served.idle()


@on_a_loop
async def test_an_error_in_a_stream_arrives_after_the_pages_before_it() -> None:
    def serve(request: Request) -> Page:
        page = endless(request)
        if page.items[0]["n"] == 2:
            raise CorruptionError("bad block", file="7.sst", offset=4096)
        return page

    async with serving(serve) as served:
        call = served.stream(Scan("t"))
        await call.read()
        await call.read()
        with pytest.raises(aio.AioRpcError) as raised:
            await call.read()
        error = error_of(raised.value)
        assert isinstance(error, CorruptionError)
        assert (raised.value.code(), error.file, error.offset) == (grpc.StatusCode.DATA_LOSS, "7.sst", 4096)


# What goes wrong.


@on_a_loop
async def test_five_hundred_internal_errors_leak_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "kvdb.server")
    secret = "/srv/secret/000012.sst in module kvdb.lsm, Traceback"
    requests = [GET, PUT, Scan("t"), Query("t", "k"), GetItem("u", {})]
    seen: set[str] = set()
    async with serving(fail_with(RuntimeError(secret))) as served:
        for request in requests * 100:
            with pytest.raises(InternalError) as raised:
                await served.call(request)
            cause = raised.value.__cause__
            told = f"{raised.value} {cause.details()} {cause.trailing_metadata()}"
            assert "secret" not in told
            assert "kvdb.lsm" not in told
            assert "Traceback" not in told
            seen.add(raised.value.message)
    assert len(seen) == 500
    assert all(message.startswith("internal server error request_id=") for message in seen)


@on_a_loop
async def test_a_large_old_item_goes_only_to_callers_that_take_it() -> None:
    item = {"x": "y" * 50_000}
    async with serving(fail_with(ConditionalCheckFailed(item=item))) as served:
        with pytest.raises(ConditionalCheckFailed) as refused:
            await served.call(PUT)
        assert refused.value.item is None
        options = [("grpc.max_metadata_size", 1 << 20), ("grpc.absolute_max_metadata_size", 1 << 20)]
        async with aio.insecure_channel(served.address, options=options) as channel:
            served.channel, own = channel, served.channel
            for bound, expected in (("1000000", item), ("40000", None), ("-1", None), ("x", None)):
                with pytest.raises(ConditionalCheckFailed) as refused:
                    await served.call(PUT, metadata=((status.BYTES_MAX_KEY, bound),))
                assert refused.value.item == expected
            served.channel = own


@on_a_loop
async def test_the_reasons_of_a_cancelled_transaction_arrive_without_the_large_items() -> None:
    reasons = [CancellationReason("ConditionalCheckFailed", "no", {"x": "y" * 50_000}), CancellationReason()]
    async with serving(fail_with(TransactionCanceled(reasons))) as served:
        with pytest.raises(TransactionCanceled) as refused:
            await served.call(TransactWriteItems([PUT, UPDATE]))
        assert refused.value.reasons == (reasons[0]._replace(item=None), reasons[1])


# Coming and going.


@on_a_loop
async def test_stopping_lets_calls_in_flight_finish() -> None:
    async with serving(answer, holds=True) as served:
        call = asyncio.create_task(served.call(PUT))
        await served.database.held(1)
        stopping = asyncio.create_task(served.door.stop(grace_ms=30_000))
        while not stopping.done() and served.channel.get_state() != grpc.ChannelConnectivity.IDLE:
            await asyncio.sleep(0)
        assert not call.done()
        served.database.finish_all()
        assert await call == PutItemResult()
        await stopping


@on_a_loop
async def test_stopping_cuts_what_outlives_the_grace() -> None:
    async with serving(answer, holds=True) as served:
        call = asyncio.create_task(served.call(PUT))
        await served.database.held(1)
        await served.door.stop(grace_ms=50)
        with pytest.raises(KvdbError):
            await call


@on_a_loop
async def test_a_taken_port_is_refused_by_name() -> None:
    async with serving(answer) as served:
        second = GrpcDoor(ScriptedDatabase(answer), in_memory_options(grpc_address=served.address))
        with pytest.raises(ValidationError, match=f"address={served.address} reason=Address already in use"):
            await second.start()
        assert await served.call(GET) == FOUND


@pytest.mark.parametrize(
    "address", ["", "localhost", ":7400", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536"]
)
@on_a_loop
async def test_an_address_of_another_form_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="address must be HOST:PORT"):
        await GrpcDoor(ScriptedDatabase(answer), in_memory_options(grpc_address=address)).start()


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.org:0"])
@on_a_loop
async def test_other_machines_are_not_served_unless_told_so(address: str) -> None:
    with pytest.raises(ValidationError, match="only a loopback address"):
        await GrpcDoor(ScriptedDatabase(answer), in_memory_options(grpc_address=address)).start()


@on_a_loop
async def test_an_address_that_is_not_ours_is_refused() -> None:
    door = GrpcDoor(
        ScriptedDatabase(answer), in_memory_options(grpc_address="192.0.2.1:7400", is_insecure=True)
    )
    with pytest.raises(ValidationError, match="cannot listen address=192"):
        await door.start()
