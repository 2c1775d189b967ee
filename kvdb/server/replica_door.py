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
from typing import Final, TypeVar

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
_T = TypeVar("_T")


class ReplicaDoor:
    """The handlers of one server."""

    def __init__(self, database: Database, security: PeerSecurity | None = None) -> None:
        self._database = database
        self._security = security
        self._refused = database.env.metrics.counter("server_peers_refused_total")
        # Its own threads: a peer that catches up must not hold up scans, nor they a peer.
        self._pool = ThreadPoolExecutor(2, "kvdb-replica")
        self._streams = 0
        self._ending = asyncio.Event()

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
        first = await self._next(frames, FIRST_FRAME_MS)
        if first is None:
            await self._abort_if_ending(context)
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "no question came")
            return
        await self._admit(context)
        regions = None if self._security is None else self._security.regions_of(context)
        if self._streams >= _STREAMS_MAX:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"too many peers max={_STREAMS_MAX}")
        self._streams += 1
        try:
            frame: replicas_pb2.ReplicaFrame | None = first
            while frame is not None:
                answer = await self._answer(frame.payload, regions)
                await self._abort_if_ending(context)
                yield replicas_pb2.ReplicaFrame(payload=answer)
                frame = await self._next(frames)
                if frame is not None:
                    await self._admit(context)
            await self._abort_if_ending(context)
        finally:
            self._streams -= 1

    async def _next(
        self, frames: AsyncIterator[replicas_pb2.ReplicaFrame], wait_ms: int | None = None
    ) -> replicas_pb2.ReplicaFrame | None:
        """The next question; ``None``: there is none in time, or none any more."""
        reading = asyncio.ensure_future(anext(frames, None))
        try:
            await self._wait_for(reading, wait_ms)
            return reading.result() if reading.done() else None
        finally:
            reading.cancel()

    async def _wait_for(self, awaited: asyncio.Future[_T], wait_ms: int | None) -> None:
        """Until it is done, or the door ends, or the time is over. Whoever calls looks which."""
        ending = asyncio.ensure_future(self._ending.wait())
        try:
            timeout_s = None if wait_ms is None else wait_ms / 1000
            await asyncio.wait((awaited, ending), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()

    async def _abort_if_ending(self, context: aio.ServicerContext) -> None:
        if self._ending.is_set():
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the server stops")

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
                news_came = asyncio.ensure_future(event.wait())
                try:
                    await self._wait_for(news_came, wait_ms)
                finally:
                    news_came.cancel()
                answer = await loop.run_in_executor(self._pool, shares.source.answer, frame, regions)
        finally:
            self._database.forget_written(tokens[0])
            shares.shared.forget(tokens[1])
        return await loop.run_in_executor(self._pool, encode, answer)

    def end_streams(self) -> None:
        """They have no end to wait for, and peers nothing to finish: what is cut off is asked for again."""
        self._ending.set()

    def stop(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def _tell(loop: asyncio.AbstractEventLoop, *arrived: asyncio.Event) -> None:
    try:
        for event in arrived:
            loop.call_soon_threadsafe(event.set)
    except RuntimeError:
        # The loop is closed, and nobody waits there any more.
        return
