"""The door where peers ask: when it answers, and when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps

import grpc
import pytest
from grpc import aio

from kvdb.api.tables import (
    AttributeDefinition,
    CreateReplica,
    CreateTable,
    KeySchemaElement,
    UpdateTable,
)
from kvdb.database.database import Database
from kvdb.env.hlc import region_number
from kvdb.options import DatabaseOptions
from kvdb.replica.messages import Greeting, Hello, Message, decode, encode
from kvdb.rpc.gen import replicas_pb2
from kvdb.server import replica_door
from kvdb.server.grpc_server import GrpcDoor
from kvdb.server.replica_link import EXCHANGE
from tests.support.served import in_memory_options

FOR_EVER_MS = 10_000_000
BERLIN = region_number("berlin")


def on_a_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*arguments: object, **keywords: object) -> None:
        asyncio.run(asyncio.wait_for(test(*arguments, **keywords), 60))

    return run


class Peer:
    """A stream to a door."""

    def __init__(self, database: Database, door: GrpcDoor, channel: aio.Channel) -> None:
        self.database = database
        self.door = door
        self._call = channel.stream_stream(
            EXCHANGE,
            request_serializer=replicas_pb2.ReplicaFrame.SerializeToString,
            response_deserializer=replicas_pb2.ReplicaFrame.FromString,
        )()

    async def ask(self, message: Message) -> None:
        await self._call.write(replicas_pb2.ReplicaFrame(payload=encode(message)))

    async def hear(self) -> Message:
        return decode((await self._call.read()).payload)


@asynccontextmanager
async def peer() -> AsyncIterator[Peer]:
    options = DatabaseOptions(region=region_number("amsterdam"), region_name="amsterdam")
    with Database.open(":memory:", options) as database:
        database.regions.connect("berlin", lambda wake: Nobody())
        door = GrpcDoor(database, in_memory_options())
        address = await door.start()
        async with aio.insecure_channel(address) as channel:
            yield Peer(database, door, channel)
            await door.stop(FOR_EVER_MS)


class Nobody:
    """A link to a peer that says nothing."""

    def send(self, frame: bytes) -> None: ...

    def receive(self) -> bytes | None:
        return None

    def close(self) -> None: ...


@on_a_loop
async def test_who_waits_for_something_to_be_shared_hears_of_it_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replica_door, "HELLO_MS", FOR_EVER_MS)
    async with peer() as berlin:
        await berlin.ask(Hello(1, "berlin", BERLIN))
        greeting = await berlin.hear()
        assert isinstance(greeting, Greeting) and not greeting.tables
        await berlin.ask(Hello(2, "berlin", BERLIN, known=greeting.topology))
        hearing = asyncio.create_task(berlin.hear())
        call = berlin.database.call
        schema, types = [KeySchemaElement("id", "HASH")], [AttributeDefinition("id", "S")]
        await asyncio.to_thread(call, CreateTable("orders", schema, types))
        await asyncio.to_thread(call, UpdateTable("orders", replica_updates=[CreateReplica("berlin")]))
        greeting = await hearing
        assert isinstance(greeting, Greeting)
        assert [table.name for table in greeting.tables] == ["orders"]


@on_a_loop
async def test_a_door_that_stops_does_not_wait_for_the_end_of_streams(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replica_door, "HELLO_MS", FOR_EVER_MS)
    async with peer() as berlin:
        await berlin.ask(Hello(1, "berlin", BERLIN))
        greeting = await berlin.hear()
        assert isinstance(greeting, Greeting)
        await berlin.ask(Hello(2, "berlin", BERLIN, known=greeting.topology))
        await berlin.door.stop(FOR_EVER_MS)
        with pytest.raises((aio.AioRpcError, asyncio.CancelledError)) as ended:
            await berlin.hear()
        if isinstance(ended.value, aio.AioRpcError):
            assert ended.value.code() in (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE)
