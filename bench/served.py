"""put and get over gRPC, with 1 and with 32 calls in flight: ``kvdb serve`` beside a bare echo.

The echo server is grpcio's asyncio server with a handler that answers as many bytes as kvdb
would; its client sends as many. Both servers are processes of their own; so is each client. What
kvdb costs beyond the echo is its codec, its engine, and for a put the wait for the disk.

    python -m bench.served ANSWER_BYTES        the echo server; prints its port
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Awaitable, Callable
from typing import cast

import grpc

import kvdb
from bench import sample_items
from bench.child import Figures
from kvdb.api.items import GetItem, GetItemResult, PutItem, PutItemResult
from kvdb.api.operations import Request, Result
from kvdb.rpc.codec import UNARY_BY_REQUEST

_ECHO = "/bench.Echo/Call"
_ITEMS = 10_000

Call = Callable[[int], Awaitable[object]]


def kvdb_calls(address: str, in_flight: int, calls: int) -> Figures:
    """Microseconds a call takes from the server's point of view: elapsed time by calls done."""
    return asyncio.run(_kvdb_calls(address, in_flight, calls))


async def _kvdb_calls(address: str, in_flight: int, calls: int) -> Figures:
    async with await kvdb.connect_async(f"grpc://{address}") as db:
        if "orders" not in await db.tables():
            await db.create_table("orders", key=("customer", "S"), sort=("order", "S"))
        table = db.table("orders")
        await _timed(lambda number: table.put(sample_items.item(number, _ITEMS)), 32, _ITEMS)

        def get(number: int) -> Awaitable[object]:
            return table.get(sample_items.key(number * 7 % _ITEMS, _ITEMS))

        return {
            "put": await _timed(
                lambda number: table.put(sample_items.item(number, _ITEMS)), in_flight, calls
            ),
            "get": await _timed(get, in_flight, calls),
        }


def echo_calls(put_address: str, get_address: str, in_flight: int, calls: int) -> Figures:
    """The same with as many bytes each way and nothing done with them."""
    put, get = message_sizes()
    return {
        "put": asyncio.run(_echo_calls(put_address, put[0], in_flight, calls)),
        "get": asyncio.run(_echo_calls(get_address, get[0], in_flight, calls)),
    }


async def _echo_calls(address: str, request_bytes: int, in_flight: int, calls: int) -> float:
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.unary_unary(_ECHO)
        request = bytes(request_bytes)
        # Once before the clock starts, so that the connection stands.
        await call(request, wait_for_ready=True)
        return await _timed(lambda number: call(request), in_flight, calls)


async def _timed(call: Call, in_flight: int, calls: int) -> float:
    """Elapsed microseconds by call, ``in_flight`` of them always under way."""
    numbers = iter(range(calls))

    async def work() -> None:
        for number in numbers:
            await call(number)

    gc.collect()
    start = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    return (time.perf_counter() - start) * 1e6 / calls


def message_sizes() -> tuple[tuple[int, int], tuple[int, int]]:
    """Bytes of request and answer, of a put and of a get, as kvdb sends them."""
    item, key = sample_items.item(1, _ITEMS), sample_items.key(1, _ITEMS)
    return (
        _sizes(PutItem("orders", item), PutItemResult()),
        _sizes(GetItem("orders", key), GetItemResult(item)),
    )


def _sizes(request: Request, result: Result) -> tuple[int, int]:
    method = UNARY_BY_REQUEST[type(request)]
    return len(method.encode_request(request)), len(method.result.encode(result))


class _EchoHandler(grpc.GenericRpcHandler):
    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(self._call)

    async def _call(self, request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        return self._answer


async def _serve_echo(answer_bytes: int) -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_EchoHandler(bytes(answer_bytes)),))
    port = cast(int, server.add_insecure_port("127.0.0.1:0"))
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(_serve_echo(int(sys.argv[1])))
