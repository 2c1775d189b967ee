"""``ReplicaLink`` over gRPC: one stream to a peer, on which each frame is answered by one frame.

The link lives on the server's event loop; the puller, a job, sends and receives from a thread of its own. A
frame that cannot be sent, or whose answer does not come, is lost, and the stream with it; the puller asks
again when it has waited long enough. So there is at most one frame under way, and one answer waiting.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

import grpc
from grpc import aio

from kvdb.errors import ValidationError
from kvdb.replica.messages import FRAME_BYTES_MAX, Refusal, encode
from kvdb.replica.puller import ANSWER_MS_MAX
from kvdb.rpc.codec import REPLICATION
from kvdb.rpc.gen import replicas_pb2

EXCHANGE: Final = f"/{REPLICATION}/Exchange"
_SCHEME = "grpc://"
_RECONNECT_MS = (100, 2_000)

_log = logging.getLogger("kvdb.server")


def peer_address(url: str) -> str:
    """The HOST:PORT of a peer's URL.

    Raises:
        ValidationError: it is none of the form grpc://HOST:PORT.
    """
    address = url.removeprefix(_SCHEME)
    host, _, port = address.rpartition(":")
    if address == url or not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ValidationError(f"a peer's address must be grpc://HOST:PORT: {url}")
    return address


class GrpcReplicaLink:
    """To one peer. Made on the loop's thread; ``close`` may come from any."""

    def __init__(self, address: str, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        self._address = address
        self._loop = loop
        self._wake = wake
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue(maxsize=1)
        self._answers: deque[bytes] = deque(maxlen=1)
        self._is_closed = False
        self._task = loop.create_task(self._run())

    def send(self, frame: bytes) -> None:
        if not self._is_closed:
            self._on_loop(lambda: self._put(frame))

    def _put(self, frame: bytes) -> None:
        # The puller gave up on an older frame that has not gone out: it is of no use any more.
        while not self._outgoing.empty():
            self._outgoing.get_nowait()
        self._outgoing.put_nowait(frame)

    def receive(self) -> bytes | None:
        try:
            return self._answers.popleft()
        except IndexError:
            return None

    def close(self) -> None:
        self._is_closed = True
        self._on_loop(self._task.cancel)

    def _on_loop(self, call: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:
            # The loop is closed, and the link with it.
            self._is_closed = True

    async def _run(self) -> None:
        options = [
            ("grpc.max_receive_message_length", FRAME_BYTES_MAX + 1024),
            ("grpc.max_send_message_length", FRAME_BYTES_MAX + 1024),
            ("grpc.initial_reconnect_backoff_ms", _RECONNECT_MS[0]),
            ("grpc.max_reconnect_backoff_ms", _RECONNECT_MS[1]),
        ]
        async with aio.insecure_channel(self._address, options) as channel:
            exchange = channel.stream_stream(
                EXCHANGE,
                request_serializer=replicas_pb2.ReplicaFrame.SerializeToString,
                response_deserializer=replicas_pb2.ReplicaFrame.FromString,
            )
            while True:
                call = exchange()
                try:
                    await self._converse(call)
                except (grpc.RpcError, TimeoutError, asyncio.InvalidStateError) as error:
                    _log.debug("a stream to a peer ended address=%s reason=%r", self._address, error)
                    self._tell_lost()
                finally:
                    call.cancel()

    def _tell_lost(self) -> None:
        """So that the puller asks again sooner than an answer would be given up."""
        self._answers.append(encode(Refusal(0, f"the connection is lost: {self._address}")))
        self._wake()

    async def _converse(self, call: aio.StreamStreamCall[object, object]) -> None:
        while True:
            frame = await self._outgoing.get()
            async with asyncio.timeout(ANSWER_MS_MAX / 1000):
                await call.write(replicas_pb2.ReplicaFrame(payload=frame))
                answer = await call.read()
            if not isinstance(answer, replicas_pb2.ReplicaFrame):
                self._tell_lost()
                return
            self._answers.append(answer.payload)
            self._wake()
