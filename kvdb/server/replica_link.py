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
from typing import Final, TypeAlias

import grpc
from grpc import aio

from kvdb.replica.messages import FRAME_BYTES_MAX, Refusal, encode
from kvdb.replica.puller import ANSWER_MS_MAX
from kvdb.rpc.codec import REPLICATION
from kvdb.rpc.gen import replicas_pb2
from kvdb.server.peer_security import PeerSecurity

EXCHANGE: Final = f"/{REPLICATION}/Exchange"
_RECONNECT_MS = (100, 2_000)
_REASON_LENGTH_MAX = 300
_REASON_S = 0.5

_log = logging.getLogger("kvdb.server")


_Stream: TypeAlias = aio.StreamStreamCall[object, object]


class GrpcReplicaLink:
    """To one peer. Made on the loop's thread; ``close`` may come from any."""

    def __init__(
        self,
        region: str,
        url: str,
        security: PeerSecurity,
        loop: asyncio.AbstractEventLoop,
        wake: Callable[[], None],
    ) -> None:
        """Raises: ValidationError: this server may not connect to the URL."""
        self._region = region
        self._url = url
        self._security = security
        security.address_of(url)
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
            # Not the connection of the channel before, which may be dead.
            ("grpc.use_local_subchannel_pool", 1),
        ]
        while True:
            revision = self._security.revision
            async with self._security.channel(self._url, self._region, options) as channel:
                exchange = channel.stream_stream(
                    EXCHANGE,
                    request_serializer=replicas_pb2.ReplicaFrame.SerializeToString,
                    response_deserializer=replicas_pb2.ReplicaFrame.FromString,
                )
                is_silent = False
                while not is_silent and not self._security.has_changed(revision):
                    # Only then: a peer closes a stream on which no question comes.
                    frame = await self._outgoing.get()
                    call = exchange(metadata=self._security.metadata())
                    try:
                        await self._converse(call, frame, revision)
                    except (grpc.RpcError, TimeoutError, asyncio.InvalidStateError) as error:
                        # Packets may vanish, and TCP then waits longer with every try, for minutes in
                        # the end: another connection learns within seconds that there is a way again.
                        is_silent = isinstance(error, TimeoutError)
                        is_tls = self._security.is_tls(self._url)
                        self._tell_lost(await _why(call, error, is_tls=is_tls))
                    finally:
                        call.cancel()

    def _tell_lost(self, reason: str) -> None:
        """So that the puller asks again sooner than an answer would be given up."""
        _log.debug("a stream to a peer ended address=%s reason=%s", self._url, reason)
        self._answers.append(encode(Refusal(0, f"the connection is lost: {self._url}: {reason}")))
        self._wake()

    async def _converse(self, call: _Stream, frame: bytes, revision: int) -> None:
        """Until the peer ends the stream, or what one shows to it has changed."""
        while True:
            async with asyncio.timeout(ANSWER_MS_MAX / 1000):
                await call.write(replicas_pb2.ReplicaFrame(payload=frame))
                answer = await call.read()
            if not isinstance(answer, replicas_pb2.ReplicaFrame):
                is_end = answer is aio.EOF
                self._tell_lost(
                    "the peer has ended the stream" if is_end else "an answer that cannot be read"
                )
                return
            self._answers.append(answer.payload)
            self._wake()
            if self._security.has_changed(revision):
                return
            frame = await self._outgoing.get()


async def _why(call: _Stream, error: Exception, *, is_tls: bool) -> str:
    """What is known of why a stream ended."""
    try:
        # What the peer said may come a little later than the failure.
        async with asyncio.timeout(_REASON_S):
            code, details = await call.code(), await call.details()
    except TimeoutError:
        return "no answer" if isinstance(error, TimeoutError) else repr(error)[:_REASON_LENGTH_MAX]
    if code is grpc.StatusCode.INTERNAL:
        # What gRPC makes of a stream that ends before the first question has gone out.
        return "the peer has ended the stream at once: does it answer peers at this address?"
    reason = f"{code.name} {details}"[:_REASON_LENGTH_MAX]
    if is_tls and any(sign in reason for sign in ("Socket closed", "reset by peer")):
        # A server that refuses a certificate closes the connection, and says why in its own log only.
        reason += ": does the peer accept the certificate of this region?"
    return reason
