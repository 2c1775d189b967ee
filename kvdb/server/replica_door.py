"""Where peers ask: the ``Replication`` service of the gRPC door.

A frame that finds nothing new waits for the next write, up to ``NEWS_MS``, before it is answered, so that a
peer that keeps up hears of a write at once, and one that has nothing to hear of asks seldom; one that has
nothing to ask for waits so for a change of what is shared. Each stream has one frame under way; there are at
most as many streams as a region may have peers, twice over.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import grpc
from grpc import aio

from kvdb.database.database import Database
from kvdb.limits import REGIONS_MAX
from kvdb.replica.messages import encode
from kvdb.replica.puller import HELLO_MS
from kvdb.rpc.codec import REPLICATION
from kvdb.rpc.gen import replicas_pb2
from kvdb.server.peer_security import PeerSecurity

NEWS_MS: Final = 500
FIRST_FRAME_MS: Final = 10_000
"""Who opens a stream and asks nothing for so long is sent away; it has not shown yet who it is."""
_STREAMS_MAX: Final = 2 * REGIONS_MAX


class ReplicaDoor:
    """The handlers of one server."""

    def __init__(self, database: Database, security: PeerSecurity | None = None) -> None:
        self._database = database
        self._security = security
        self._refused = database.env.metrics.counter("server_peers_refused_total")
        # Its own threads: a peer that catches up must not hold up scans, nor they a peer.
        self._pool = ThreadPoolExecutor(2, "kvdb-replica")
        self._streams: set[asyncio.Task[object]] = set()
        self._is_ending = False

    def handlers(self) -> grpc.GenericRpcHandler:
        handler = grpc.stream_stream_rpc_method_handler(
            self._exchange,
            request_deserializer=replicas_pb2.ReplicaFrame.FromString,
            response_serializer=replicas_pb2.ReplicaFrame.SerializeToString,
        )
        return grpc.method_handlers_generic_handler(REPLICATION, {"Exchange": handler})

    async def _exchange(
        self, frames: AsyncIterator[replicas_pb2.ReplicaFrame], context: aio.ServicerContext
    ) -> AsyncIterator[replicas_pb2.ReplicaFrame]:
        # After the first question: a caller whose stream has ended before learns nothing of why.
        try:
            async with asyncio.timeout(FIRST_FRAME_MS / 1000):
                first = await anext(frames, None)
        except TimeoutError:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "no question came")
        if first is None:
            return
        await self._admit(context)
        regions = None if self._security is None else self._security.regions_of(context)
        if len(self._streams) >= _STREAMS_MAX:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"too many peers max={_STREAMS_MAX}")
        stream = asyncio.current_task()
        assert stream is not None, "a handler runs in a task"
        self._streams.add(stream)
        try:
            yield replicas_pb2.ReplicaFrame(payload=await self._answer(first.payload, regions))
            async for frame in frames:
                await self._admit(context)
                yield replicas_pb2.ReplicaFrame(payload=await self._answer(frame.payload, regions))
        except asyncio.CancelledError:
            if not self._is_ending:
                raise
            # Without a status the call would stay open, and the server wait for it.
            stream.uncancel()
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the server stops")
        finally:
            self._streams.discard(stream)

    async def _admit(self, context: aio.ServicerContext) -> None:
        """Also for every frame: a secret that was withdrawn opens nothing from then on."""
        refusal = None if self._security is None else self._security.refusal(context)
        if refusal is not None:
            self._refused.add()
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, refusal)

    async def _answer(self, frame: bytes, regions: frozenset[str] | None) -> bytes:
        loop = asyncio.get_running_loop()
        shares = self._database.regions
        written, shared = asyncio.Event(), asyncio.Event()
        tokens = (
            self._database.when_written(lambda: _tell(loop, written)),
            shares.shared.when_next(lambda: _tell(loop, written, shared)),
        )
        try:
            answer, news = await loop.run_in_executor(
                self._pool, shares.source.answer_and_news, frame, regions
            )
            if news != "any":
                event, wait_ms = (written, NEWS_MS) if news == "writes" else (shared, HELLO_MS)
                try:
                    async with asyncio.timeout(wait_ms / 1000):
                        await event.wait()
                except TimeoutError:
                    pass
                answer = await loop.run_in_executor(self._pool, shares.source.answer, frame, regions)
        finally:
            self._database.forget_written(tokens[0])
            shares.shared.forget(tokens[1])
        return await loop.run_in_executor(self._pool, encode, answer)

    def end_streams(self) -> None:
        """They have no end to wait for, and peers nothing to finish: what is cut off is asked for again."""
        self._is_ending = True
        for stream in tuple(self._streams):
            stream.cancel()

    def stop(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def _tell(loop: asyncio.AbstractEventLoop, *arrived: asyncio.Event) -> None:
    try:
        for event in arrived:
            loop.call_soon_threadsafe(event.set)
    except RuntimeError:
        # The loop is closed, and nobody waits there any more.
        return
