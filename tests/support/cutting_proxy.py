"""A TCP proxy on loopback that breaks as networks do: cut, black hole, delay, slow line; and heals.

What a black hole holds back is not lost: it arrives after ``heal``, as what TCP had to send again.
Each direction of each connection holds at most ``CHUNKS_MAX`` chunks; then its sender waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

CHUNK_BYTES = 16 * 1024
CHUNKS_MAX = 64
CONNECTIONS_MAX = 256
_RESET = struct.pack("ii", 1, 0)

_Outcome = TypeVar("_Outcome")


class CuttingProxy:
    """Passes ``address`` on to ``upstream``, both HOST:PORT. A context manager."""

    def __init__(self, upstream: str | None = None) -> None:
        self.upstream = upstream
        """May be set to another server; connections that exist stay with the old one. ``None``: none yet."""
        self.connections_made = 0
        self._is_cut = False
        self._delay_s = 0.0
        self._bytes_per_s: float | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._run(self._start)

    async def _start(self) -> None:
        self._open_to_server, self._open_to_client = asyncio.Event(), asyncio.Event()
        self._open_to_server.set()
        self._open_to_client.set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.address = "{}:{}".format(*self._server.sockets[0].getsockname())

    @property
    def target(self) -> str:
        """What ``kvdb.connect`` takes."""
        return f"grpc://{self.address}"

    def cut(self) -> None:
        """Reset every connection, and each new one at once."""

        async def act() -> None:
            self._is_cut = True
            self._reset_all()

        self._run(act)

    def black_hole(self, *, to_server: bool = True, to_client: bool = True) -> None:
        """Pass on nothing in these directions; connections are still taken, and none is ended."""

        async def act() -> None:
            (self._open_to_server.clear if to_server else self._open_to_server.set)()
            (self._open_to_client.clear if to_client else self._open_to_client.set)()

        self._run(act)

    def delay(self, ms: float) -> None:
        """Pass on each chunk so much later, in both directions."""
        self._delay_s = ms / 1000

    def throttle(self, bytes_per_s: float | None) -> None:
        """At most so many bytes each second, for each direction of each connection."""
        self._bytes_per_s = bytes_per_s

    def heal(self) -> None:
        """Be a perfect line from now on. What was reset stays so."""

        async def act() -> None:
            self._is_cut = False
            self._delay_s, self._bytes_per_s = 0.0, None
            self._open_to_server.set()
            self._open_to_client.set()

        self._run(act)

    def close(self) -> None:
        """Reset what there is, and listen no more."""

        async def act() -> None:
            self._server.close()
            self._reset_all()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

        self._run(act)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> CuttingProxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, act: Callable[[], object]) -> None:
        asyncio.run_coroutine_threadsafe(act(), self._loop).result(30)  # type: ignore[arg-type]

    def _reset_all(self) -> None:
        for writer in tuple(self._writers):
            _reset(writer)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = self.upstream
        if self._is_cut or upstream is None or len(self._writers) >= 2 * CONNECTIONS_MAX:
            _reset(writer)
            return
        self.connections_made += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        other: asyncio.StreamWriter | None = None
        try:
            host, port = upstream.split(":")
            other_reader, other = await asyncio.open_connection(host, int(port))
            if self._is_cut:
                return
            self._writers.add(other)
            await asyncio.gather(
                self._pass_on(reader, other, self._open_to_server),
                self._pass_on(other_reader, writer, self._open_to_client),
            )
            # Both sides have ended; what is on its way still has to arrive.
            for end in (writer, other):
                end.close()
                await end.wait_closed()
        except (OSError, asyncio.CancelledError):
            # A reset of either side is one of both; cancelled is closed.
            pass
        finally:
            for end in (writer, other):
                if end is not None:
                    _reset(end)
                    self._writers.discard(end)
            self._tasks.discard(task)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event
    ) -> None:
        chunks: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(CHUNKS_MAX)
        sending = asyncio.create_task(self._send(chunks, writer, gate))
        reading = asyncio.create_task(self._read(reader, chunks))
        try:
            await asyncio.gather(reading, sending)
        finally:
            reading.cancel()
            sending.cancel()

    async def _read(self, reader: asyncio.StreamReader, chunks: asyncio.Queue[tuple[float, bytes]]) -> None:
        while True:
            data = await reader.read(CHUNK_BYTES)
            await chunks.put((self._loop.time() + self._delay_s, data))
            if not data:
                return

    async def _send(
        self,
        chunks: asyncio.Queue[tuple[float, bytes]],
        writer: asyncio.StreamWriter,
        gate: asyncio.Event,
    ) -> None:
        while True:
            due, data = await chunks.get()
            await asyncio.sleep(max(due - self._loop.time(), 0))
            await gate.wait()
            if not data:
                writer.write_eof()
                return
            if self._bytes_per_s is not None:
                await asyncio.sleep(len(data) / self._bytes_per_s)
            writer.write(data)
            await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            # Closed without lingering, a socket sends a reset and no end of stream.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
