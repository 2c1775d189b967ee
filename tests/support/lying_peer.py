"""A server that stands between a region and its peer, and tells what it likes in the peer's name."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TypeAlias

import grpc
from grpc import aio

from kvdb.replica.messages import Message, decode, encode
from kvdb.rpc.codec import REPLICATION
from kvdb.rpc.gen import replicas_pb2
from kvdb.server.replica_link import EXCHANGE

MESSAGE_BYTES_MAX = 64 * 1024 * 1024


@dataclass
class Raw:
    """What goes out as it is, in place of a message of gRPC's."""

    payload: bytes


Lie: TypeAlias = Callable[[Message], Message | bytes | Raw]
"""Of an honest answer: another one, the bytes of a frame, or bytes that are none."""


def honest(message: Message) -> Message:
    return message


class LyingPeer:
    """Set ``upstream`` (HOST:PORT of the peer) and ``lie`` at any time; ``target`` is a peer's URL."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.lie: Lie = honest
        self.dress: Callable[[Message], bytes] = encode
        """How a question arrives at the peer."""
        self.told = 0
        """How often it was asked since the lie was changed last."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.target = f"grpc://127.0.0.1:{self._run(self._start())}"

    def tell(self, lie: Lie) -> None:
        self.lie, self.dress, self.told = lie, encode, 0

    async def _start(self) -> int:
        options = [("grpc.max_send_message_length", MESSAGE_BYTES_MAX)]
        self._server = aio.server(options=options)
        handler = grpc.stream_stream_rpc_method_handler(self._exchange)
        handlers = grpc.method_handlers_generic_handler(REPLICATION, {"Exchange": handler})
        self._server.add_generic_rpc_handlers((handlers,))
        port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return port

    async def _exchange(
        self, frames: AsyncIterator[bytes], context: aio.ServicerContext
    ) -> AsyncIterator[bytes]:
        options = [("grpc.max_receive_message_length", MESSAGE_BYTES_MAX)]
        upstream = self.upstream
        async with aio.insecure_channel(upstream, options) as channel:
            call = channel.stream_stream(EXCHANGE)()
            async for frame in frames:
                if self.upstream != upstream:
                    return
                question = decode(replicas_pb2.ReplicaFrame.FromString(frame).payload)
                payload = self.dress(question)
                await call.write(replicas_pb2.ReplicaFrame(payload=payload).SerializeToString())
                answer = await call.read()
                if not isinstance(answer, bytes):
                    return
                told = self.lie(decode(replicas_pb2.ReplicaFrame.FromString(answer).payload))
                self.told += 1
                if isinstance(told, Raw):
                    yield told.payload
                    continue
                payload = told if isinstance(told, bytes) else encode(told)
                yield replicas_pb2.ReplicaFrame(payload=payload).SerializeToString()

    def close(self) -> None:
        self._run(self._server.stop(None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> LyingPeer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, act):  # type: ignore[no-untyped-def]
        return asyncio.run_coroutine_threadsafe(act, self._loop).result(60)
