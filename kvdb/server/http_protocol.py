"""HTTP/1.1 on a bare asyncio protocol: bytes in, ``HttpRequest`` to a handler, answer out; every limit.

    connection: idle -> head -> body -> served -> idle ...      one request is served at a time

Requests that arrive behind one that is being served (pipelining) wait in a queue, and the socket is
not read meanwhile: so the queue holds no more than one read of the socket brought along. Answers go
out in order. Parsing is llhttp's, in its strict mode: it refuses two ``Content-Length``s, one
beside a ``Transfer-Encoding``, bare newlines, folded and malformed headers.

Each phase has a deadline, which ``Connections.sweep`` enforces once a second:

    idle    ``idle_ms``
    head    ``head_ms`` from its first byte
    body    ``head_ms`` more, and the time its bytes take at ``bytes_per_second_min``
    answer  the same, for what the socket has not taken

A refusal of the protocol (not of a request) has no body worth reading and closes the connection.
Bodies are counted against a bound of all connections together before they are read; a body that
declares more than is allowed is refused before its first byte.

Source: RELIABILITY 4.4.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

import httptools

from kvdb.env.clock import Clock
from kvdb.metrics import Registry

_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LINE_OVERHEAD_BYTES = len(": \r\n")
_LINGER_MS = 2_000
_NEVER_NS = 2**63


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Bounds of one listening address."""

    connections_max: int
    connections_per_address_max: int
    body_bytes_max: int
    bodies_bytes_max: int
    """Of all connections together: bodies being read, waiting, or being served."""
    request_line_bytes_max: int = 8 * 1024
    head_bytes_max: int = 64 * 1024
    headers_max: int = 100
    head_ms: int = 10_000
    idle_ms: int = 60_000
    bytes_per_second_min: int = 1024
    """Slowest rate at which a body may come and an answer may be taken."""
    output_bytes_max: int = 256 * 1024
    """While the socket has not taken this much, the connection's next request is not served."""


class HttpRequest:
    """One request, whole. ``headers`` has lower-case names; one given twice keeps its first value."""

    __slots__ = ("body", "headers", "is_kept_alive", "method", "repeated", "url")

    def __init__(self) -> None:
        self.method = b""
        self.url = b""
        self.headers: dict[bytes, bytes] = {}
        self.repeated: set[bytes] = set()
        """Names of headers given more than once."""
        self.body = b""
        self.is_kept_alive = True


Handler = Callable[["HttpConnection", HttpRequest], None]
"""Serves a request: calls ``connection.respond`` once, now or later, on the loop's thread."""


class Connections:
    """All connections of one listening address, and what they share."""

    def __init__(self, limits: HttpLimits, clock: Clock, metrics: Registry, name: str) -> None:
        self.limits = limits
        self._clock = clock
        self._open: set[HttpConnection] = set()
        self._by_address: Counter[str] = Counter()
        self.bodies_bytes = 0
        self.is_stopping = False
        self.all_closed = asyncio.Event()
        self.refused = metrics.counter(f"{name}_connections_refused_total")
        self.cut = metrics.counter(f"{name}_connections_timed_out_total")
        self.malformed = metrics.counter(f"{name}_malformed_requests_total")
        metrics.gauge(f"{name}_connections").read_by(lambda: len(self._open))
        metrics.gauge(f"{name}_bodies_bytes").read_by(lambda: self.bodies_bytes)

    def now_ns(self) -> int:
        return self._clock.monotonic_ns()

    def admit(self, connection: HttpConnection, address: str) -> bool:
        """Count a connection in, if there is room for it."""
        limits = self.limits
        if (
            self.is_stopping
            or len(self._open) >= limits.connections_max
            or self._by_address[address] >= limits.connections_per_address_max
        ):
            self.refused.add()
            return False
        self._open.add(connection)
        self._by_address[address] += 1
        return True

    def dismiss(self, connection: HttpConnection, address: str) -> None:
        self._open.discard(connection)
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
        if self.is_stopping and not self._open:
            self.all_closed.set()

    def hold(self, body_bytes: int) -> bool:
        """Count bytes of a body in; one body alone always fits."""
        if self.bodies_bytes and self.bodies_bytes + body_bytes > self.limits.bodies_bytes_max:
            return False
        self.bodies_bytes += body_bytes
        return True

    def sweep(self) -> None:
        """Cut every connection whose deadline has passed."""
        now_ns = self.now_ns()
        for connection in list(self._open):
            if connection.deadline_ns < now_ns:
                self.cut.add()
                connection.time_out()

    def stop(self) -> None:
        """Close what is idle; the others close behind the answer they wait for."""
        self.is_stopping = True
        if not self._open:
            self.all_closed.set()
        for connection in list(self._open):
            connection.close_when_idle()

    def abort(self) -> None:
        """Cut all that are left."""
        for connection in list(self._open):
            connection.abort()


class HttpConnection(asyncio.Protocol):
    """One connection. Every method belongs to the loop's thread."""

    def __init__(self, shared: Connections, handler: Handler) -> None:
        self._shared = shared
        self._limits = shared.limits
        self._handler = handler
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._address = ""
        self._is_counted = False
        self._queue: deque[tuple[HttpRequest, int]] = deque()
        self._serving: HttpRequest | None = None
        self._serving_bytes = 0
        self._is_pumping = False
        self._is_write_paused = False
        self._is_read_paused = False
        self._is_closing = False
        self._refusal: HTTPStatus | None = None
        self.deadline_ns = 0
        # The message being read.
        self._request = HttpRequest()
        self._head_bytes = self._head_bytes_fed = self._headers = 0
        self._chunks: list[bytes] = []
        self._body_bytes = self._held_bytes = 0
        self._body_started_ns = 0
        self._is_in_message = self._is_head_read = False

    # The transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do what the class asks without being of it.
        self._transport = transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if isinstance(peer, tuple) else ""
        self._is_counted = self._shared.admit(self, self._address)
        if not self._is_counted:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        transport.set_write_buffer_limits(self._limits.output_bytes_max)
        self._set_deadline(self._limits.idle_ms)

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_closing = True
        if self._is_counted:
            self._is_counted = False
            self._shared.dismiss(self, self._address)
        for _, held_bytes in self._queue:
            self._shared.bodies_bytes -= held_bytes
        self._queue.clear()
        self._shared.bodies_bytes -= self._held_bytes
        self._held_bytes = 0

    def eof_received(self) -> bool:
        # A half-closed client still gets its answers; nothing further is read.
        is_waiting = self._serving is not None or bool(self._queue)
        self._is_closing = True
        # Over TLS there is no half-closed state.
        return is_waiting and self._transport is not None and self._transport.can_write_eof()

    def data_received(self, data: bytes) -> None:
        if self._is_closing or self._refusal is not None:
            return
        if not self._is_in_message:
            self._is_in_message = True
            self._set_phase_deadline()
        if not self._is_head_read:
            self._head_bytes_fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Whatever protocol that would be is not spoken: the request is served, then the
            # connection closed, since the parser reads no further.
            self._is_closing = True
        except httptools.HttpParserError:
            # A callback that refused has said why.
            self._refusal = self._refusal or HTTPStatus.BAD_REQUEST
        if not self._refusal and self._is_in_message and not self._is_head_read:
            # What the parser still holds back has no callback to count it in.
            head_bytes_max = self._limits.head_bytes_max + self._limits.request_line_bytes_max
            if self._head_bytes_fed > head_bytes_max:
                self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        self._pump()

    def pause_writing(self) -> None:
        self._is_write_paused = True

    def resume_writing(self) -> None:
        self._is_write_paused = False
        self._set_phase_deadline()
        self._pump()

    # The parser's callbacks. What they refuse stops it by an exception, which it passes on.

    def _begin(self) -> None:
        self._request = HttpRequest()
        self._head_bytes = self._head_bytes_fed = self._headers = 0
        self._chunks = []
        self._body_bytes = self._held_bytes = 0
        self._is_in_message = self._is_head_read = False

    def on_message_begin(self) -> None:
        self._is_in_message = True

    def on_url(self, url: bytes) -> None:
        request = self._request
        request.url += url
        if len(request.url) > self._limits.request_line_bytes_max:
            self._stop(HTTPStatus.REQUEST_URI_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers behind a chunked body come here, too: counted, and otherwise ignored.
        self._headers += 1
        self._head_bytes += len(name) + len(value) + _LINE_OVERHEAD_BYTES
        if self._headers > self._limits.headers_max or self._head_bytes > self._limits.head_bytes_max:
            self._stop(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if not self._is_head_read:
            name = name.lower()
            if name in self._request.headers:
                self._request.repeated.add(name)
            else:
                self._request.headers[name] = value

    def on_headers_complete(self) -> None:
        request = self._request
        request.method = self._parser.get_method()
        self._is_head_read = True
        declared = request.headers.get(b"content-length")
        if declared is not None:
            length = int(declared)
            if length > self._limits.body_bytes_max:
                self._stop(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            self._hold(length)
        if b"expect" in request.headers:
            if request.headers[b"expect"].lower() != b"100-continue":
                self._stop(HTTPStatus.EXPECTATION_FAILED)
            if self._transport is not None and self._serving is None and not self._queue:
                self._transport.write(_CONTINUE)
        self._body_started_ns = self._shared.now_ns()
        self._set_phase_deadline()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self._limits.body_bytes_max:
            self._stop(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if self._body_bytes > self._held_bytes:
            self._hold(self._body_bytes - self._held_bytes)
        self._chunks.append(body)
        self._set_phase_deadline()

    def on_message_complete(self) -> None:
        request = self._request
        request.body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        request.is_kept_alive = self._parser.should_keep_alive()
        self._queue.append((request, self._held_bytes))
        self._begin()

    def _hold(self, body_bytes: int) -> None:
        if not self._shared.hold(body_bytes):
            self._stop(HTTPStatus.SERVICE_UNAVAILABLE)
        self._held_bytes += body_bytes

    def _stop(self, refusal: HTTPStatus) -> None:
        self._refusal = refusal
        raise _RefusedError

    # Serving.

    def _pump(self) -> None:
        """Serve what waits, one at a time; an answer that is there at once lets the next one begin."""
        if self._is_pumping:
            return
        self._is_pumping = True
        try:
            while self._queue and self._serving is None and not self._is_write_paused:
                request, held_bytes = self._queue.popleft()
                if self._transport is None or self._transport.is_closing():
                    self._shared.bodies_bytes -= held_bytes
                    continue
                self._serving, self._serving_bytes = request, held_bytes
                # The handler sees to it that it answers.
                self.deadline_ns = _NEVER_NS
                self._handler(self, request)
        finally:
            self._is_pumping = False
        if self._refusal is not None and self._serving is None and not self._queue and not self._is_closing:
            self._refuse(self._refusal)
        self._set_reading()

    def respond(self, head: bytes, body: bytes) -> None:
        """Answer the request being served: ``head`` is everything up to the empty line."""
        request, transport = self._serving, self._transport
        assert request is not None
        assert transport is not None
        self._serving = None
        self._shared.bodies_bytes -= self._serving_bytes
        if transport.is_closing():
            return
        is_last = not request.is_kept_alive or self._shared.is_stopping
        if is_last or (self._is_closing and not self._queue):
            transport.write(head + b"Connection: close\r\n\r\n" + body)
            self._is_closing = True
            self._set_write_deadline()
            transport.close()
            return
        transport.write(head + b"\r\n" + body)
        self._set_phase_deadline()
        self._pump()

    def _set_reading(self) -> None:
        """Read the socket only while nothing waits: what waits is then bounded by one read."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        should_pause = bool(self._queue) or self._is_write_paused
        if should_pause and not self._is_read_paused:
            transport.pause_reading()
        elif not should_pause and self._is_read_paused:
            transport.resume_reading()
        self._is_read_paused = should_pause

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer what is no request, and close."""
        self._is_closing = True
        transport = self._transport
        if status is HTTPStatus.BAD_REQUEST:
            self._shared.malformed.add()
        if transport is None or transport.is_closing():
            return
        transport.write(
            b"HTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            % (status.value, status.phrase.encode())
        )
        if self._is_counted and transport.can_write_eof():
            # Closed with bytes unread, the socket would answer them with a reset, and that can
            # overtake the answer. So what still comes is read and dropped, for a moment.
            transport.write_eof()
            self._set_deadline(_LINGER_MS)
        else:
            transport.close()

    def close_when_idle(self) -> None:
        if self._serving is None and not self._queue and self._transport is not None:
            self._is_closing = True
            self._transport.close()

    def time_out(self) -> None:
        """The deadline has passed: a request under way is told so, as far as it will listen."""
        if self._is_in_message and not self._is_closing and not self._is_write_paused:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.abort()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # Deadlines.

    def _set_deadline(self, after_ms: int) -> None:
        self.deadline_ns = self._shared.now_ns() + after_ms * _NS_PER_MS

    def _set_phase_deadline(self) -> None:
        """By when the phase the connection is in must have ended; none while a request is served."""
        limits = self._limits
        if self._serving is not None:
            return
        if self._is_write_paused:
            self._set_write_deadline()
        elif not self._is_in_message:
            self._set_deadline(limits.idle_ms)
        elif not self._is_head_read:
            self._set_deadline(limits.head_ms)
        else:
            time_ns = self._body_bytes * _NS_PER_S // limits.bytes_per_second_min
            self.deadline_ns = self._body_started_ns + limits.head_ms * _NS_PER_MS + time_ns

    def _set_write_deadline(self) -> None:
        assert self._transport is not None
        waiting_bytes = self._transport.get_write_buffer_size()
        self._set_deadline(self._limits.head_ms + waiting_bytes * 1000 // self._limits.bytes_per_second_min)


class _RefusedError(Exception):
    """Stops the parser; the connection knows why."""
