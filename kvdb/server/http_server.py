"""The HTTP door: DynamoDB's JSON 1.0 protocol on ``http_protocol``, for every SDK as it is.

A request is judged in the service's observed order (RELIABILITY 4.1): method and content type, is
the body JSON, target, ``Authorization``, empty body, types, values. One deviation: the body of a
request that fails at target or authorisation is parsed only if it is short, to tell which of the
two answers is due.

Point operations run on the loop by ``Database.submit``, and so does a query as long as it is brief:
a thread costs more than ten rows do. Everything else, large bodies included, runs in the pool. A call
that takes longer than ``deadline_ms_max`` is answered with an error, and its work goes on to its end,
counted until then.

Signatures are not verified, so the door opens on loopback alone unless told otherwise. There a web
page in a browser of this machine is the stranger to keep out, and is: no CORS header is ever sent,
what makes a request needs headers that a page may not set without leave, and while the door is on
loopback the ``Host`` must be an address or ``localhost``, so that a name which an attacker points
here does not help.

Answers carry ``x-amzn-RequestId`` (the log's id of the call) and ``x-amz-crc32`` over the body's
bytes as sent; ``http_coding`` compresses them for who asks for it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from functools import lru_cache, partial
from http import HTTPStatus

from kvdb.api.items import Query
from kvdb.api.operations import Request, Result
from kvdb.api.terms import ASKED, Outcome, terms_of
from kvdb.database.awaited import settle
from kvdb.database.database import Database
from kvdb.errors import DeadlineExceeded, KvdbError, SerializationError, UnknownOperation
from kvdb.limits import AWS
from kvdb.options import ServerOptions
from kvdb.server.auth import header
from kvdb.server.http_codec import BY_TARGET, Route, read_json
from kvdb.server.http_coding import Coding, coding_for, packed, unpacked
from kvdb.server.http_errors import status_and_body
from kvdb.server.http_protocol import HttpConnection, HttpRequest
from kvdb.server.listener import Listener
from kvdb.server.pipeline import Call, Pipeline
from kvdb.server.wakeups import Wakeups

_POINT_OPERATIONS = frozenset({"GetItem", "PutItem", "UpdateItem", "DeleteItem"})
_QUERY = "Query"
_SHORT_BODY_BYTES_MAX = 64 * 1024
"""A longer body takes the loop too long to decode."""
_PROBED_BODY_BYTES_MAX = 64 * 1024
_JSON_1_0 = b"application/x-amz-json-1.0"
_JSON = b"application/json"
_TERMS = {b"x-kvdb-" + name.encode(): name for name in ASKED}
"""Headers with terms of a call (``api/terms``)."""
_WAITING_MS = 900
"""Milliseconds of each second of a call's time that it may wait for other regions."""
_HEALTHY = b"healthy: %s "
_UNHEALTHY = b"unhealthy: read-only until reopened "
_SHOWN_HOST_BYTES_MAX = 255
_NO_OPERATION = b"<UnknownOperationException/>\n"
_STATUS_LINES: Mapping[int, bytes] = {
    status.value: b"HTTP/1.1 %d %s\r\nServer: kvdb\r\n" % (status.value, status.phrase.encode())
    for status in HTTPStatus
}


class HttpDoor:
    """One listening address. Belongs to the event loop it is started on."""

    def __init__(
        self, database: Database, options: ServerOptions, pipeline: Pipeline, pool: ThreadPoolExecutor
    ) -> None:
        assert options.http_address is not None
        self._database = database
        self._pipeline = pipeline
        self._pool = pool
        self._clock = database.env.clock
        self._deadline_s = options.deadline_ms_max / 1000
        self._checks_host = not options.is_insecure
        self._takes_packed = options.http_packed_requests
        self._body_bytes_max = options.http_body_bytes_max
        self._listener = Listener(
            options.http_address,
            options,
            database.env,
            self._serve,
            name="http",
            tls=_tls_of(options),
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._date_second = -1
        self._date = b""

    async def start(self) -> str:
        """Listen; gives the bound ``HOST:PORT``.

        Raises:
            ValidationError: as ``Listener.start``.
        """
        self._loop = asyncio.get_running_loop()
        self._wakeups = Wakeups(self._loop)
        return await self._listener.start()

    async def stop(self, grace_ms: int) -> None:
        """Take no more requests, let those being served finish for ``grace_ms``, cut the rest."""
        await self._listener.stop(grace_ms)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Judging a request.

    def _serve(self, connection: HttpConnection, request: HttpRequest) -> None:
        try:
            if request.method != b"POST":
                self._serve_other(connection, request)
                return
            media_type = request.headers.get(b"content-type", b"")
            if media_type != _JSON_1_0:
                media_type = media_type.partition(b";")[0].strip().lower()
            if media_type not in (_JSON_1_0, _JSON) and (request.body or media_type):
                self._answer_bare(connection, HTTPStatus.NOT_FOUND, _NO_OPERATION)
                return
            if self._checks_host and not _is_local_host(request.headers.get(b"host")):
                self._answer_bare(connection, HTTPStatus.MISDIRECTED_REQUEST, b"")
                return
            if b"content-encoding" in request.headers and not self._takes_packed:
                self._answer_bare(connection, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, b"")
                return
            exchange = _Exchange(self, connection, request, media_type or _JSON)
            try:
                route = _route_of(request)
            except KvdbError as refused:
                exchange.fail(refused, self._pipeline.new_request_id())
                return
            self._serve_route(route, exchange)
        except Exception as error:
            # Whatever it is, the client gets an answer and the connection stays in step.
            told = self._pipeline.told_outside_call(error)
            status, body = status_and_body(told)
            self._answer_bare(connection, HTTPStatus(status), body)

    def _serve_other(self, connection: HttpConnection, request: HttpRequest) -> None:
        if request.method in (b"GET", b"HEAD") and request.url == b"/":
            is_head = request.method == b"HEAD"
            if self._database.why_degraded is not None:
                self._answer_bare(
                    connection, HTTPStatus.SERVICE_UNAVAILABLE, _UNHEALTHY, is_head_only=is_head
                )
                return
            # As the service does: with the name it was called by.
            body = _HEALTHY % request.headers.get(b"host", b"kvdb")[:_SHOWN_HOST_BYTES_MAX]
            self._answer_bare(connection, HTTPStatus.OK, body, is_head_only=is_head)
        else:
            self._answer_bare(connection, HTTPStatus.NOT_FOUND, _NO_OPERATION)

    def _serve_route(self, route: Route, exchange: _Exchange) -> None:
        try:
            # The bytes are counted by the connection, from before they were read.
            call = self._pipeline.begin(route.name, 0)
        except KvdbError as refused:
            exchange.fail(refused, self._pipeline.new_request_id())
            return
        request = exchange.request
        if not request.headers.keys().isdisjoint(_TERMS):
            task = self._loop.create_task(self._serve_under(route, call, exchange))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif len(request.body) > _SHORT_BODY_BYTES_MAX or b"content-encoding" in request.headers:
            self._serve_pooled(route, call, exchange)
        elif route.name in _POINT_OPERATIONS:
            self._serve_point(route, call, exchange)
        elif route.name == _QUERY:
            self._serve_query(route, call, exchange)
        else:
            self._serve_pooled(route, call, exchange)

    # Serving it.

    def _serve_point(self, route: Route, call: Call, exchange: _Exchange) -> None:
        try:
            request = route.decode(exchange.request.body)
        except Exception as error:
            call.release()
            exchange.fail(call.failed(error), call.request_id)
            return
        deadline: asyncio.TimerHandle | None = None

        def done(result: Result | None, error: BaseException | None) -> None:
            call.release()
            if deadline is not None:
                deadline.cancel()
            if exchange.is_answered:
                return
            if result is None:
                assert error is not None
                exchange.fail(call.failed(error), call.request_id)
                return
            try:
                body = route.encode(request, result)
            except Exception as mistake:
                exchange.fail(call.failed(mistake), call.request_id)
                return
            call.succeeded()
            exchange.succeed(body, call.request_id)

        self._database.submit(request, done, self._wakeups.defer, profile=AWS)
        if not exchange.is_answered:
            deadline = self._loop.call_later(self._deadline_s, self._time_out, call, exchange)

    def _serve_query(self, route: Route, call: Call, exchange: _Exchange) -> None:
        """A query that turns out to be long begins anew in the pool."""
        try:
            request = route.decode(exchange.request.body)
            assert isinstance(request, Query)
            page = self._database.call_briefly(request, profile=AWS)
            body = None if page is None else route.encode(request, page)
        except Exception as error:
            call.release()
            exchange.fail(call.failed(error), call.request_id)
            return
        if body is None:
            self._serve_pooled(route, call, exchange)
            return
        call.release()
        call.succeeded()
        exchange.succeed(body, call.request_id)

    def _serve_pooled(self, route: Route, call: Call, exchange: _Exchange) -> None:
        deadline = self._loop.call_later(self._deadline_s, self._time_out, call, exchange)

        def finish(work: Callable[[], None]) -> None:
            call.release()
            deadline.cancel()
            if not exchange.is_answered:
                work()

        def succeed(body: bytes, coding: Coding | None) -> None:
            call.succeeded()
            exchange.answer(body, coding, call.request_id)

        def fail(error: Exception) -> None:
            exchange.fail(call.failed(error), call.request_id)

        def work() -> None:
            try:
                request = route.decode(self._body_of(exchange.request))
                answer = packed(self._call_and_encode(route, request), exchange.coding)
            except Exception as error:
                self._wakeups.defer(partial(finish, partial(fail, error)))
            else:
                self._wakeups.defer(partial(finish, partial(succeed, *answer)))

        self._pool.submit(work)

    async def _serve_under(self, route: Route, call: Call, exchange: _Exchange) -> None:
        """A call with terms: what it waits for, it waits for without a thread."""
        headers = exchange.request.headers
        has_begun = False

        async def serve() -> tuple[bytes, Coding | None]:
            nonlocal has_begun
            has_begun = True
            if route.name in _POINT_OPERATIONS:
                return packed(route.encode(request, await self._submitted(request, call)), exchange.coding)
            work = self._loop.run_in_executor(self._pool, self._call_and_encode, route, request)
            work.add_done_callback(lambda _: call.release())
            return packed(await asyncio.shield(work), exchange.coding)

        try:
            texts = {name: headers[key].decode("latin-1") for key, name in _TERMS.items() if key in headers}
            terms = terms_of(texts)
            async with asyncio.timeout(self._deadline_s):
                body = await self._loop.run_in_executor(self._pool, self._body_of, exchange.request)
                request = await self._loop.run_in_executor(self._pool, route.decode, body)
                promise = self._database.promise(
                    request, terms, within_ms=int(self._deadline_s * _WAITING_MS)
                )
                answer, outcome = await promise.run_async(serve)
        except Exception as error:
            exchange.fail(call.failed(error), call.request_id)
        else:
            call.succeeded()
            exchange.answer(*answer, call.request_id, _told(outcome))
        finally:
            if not has_begun:
                call.release()

    def _submitted(self, request: Request, call: Call) -> asyncio.Future[Result]:
        answer: asyncio.Future[Result] = self._loop.create_future()

        def done(result: Result | None, error: BaseException | None) -> None:
            call.release()
            settle(answer, result, error)

        self._database.submit(request, done, self._wakeups.defer, profile=AWS)
        return answer

    def _body_of(self, request: HttpRequest) -> bytes:
        coding = request.headers.get(b"content-encoding")
        return request.body if coding is None else unpacked(request.body, coding, self._body_bytes_max)

    def _call_and_encode(self, route: Route, request: Request) -> bytes:
        return route.encode(request, self._database.call(request, profile=AWS))

    def _time_out(self, call: Call, exchange: _Exchange) -> None:
        if not exchange.is_answered:
            exchange.fail(call.failed(DeadlineExceeded("the deadline passed")), call.request_id)

    # Answering.

    def answer(
        self,
        connection: HttpConnection,
        status: int,
        media_type: bytes,
        body: bytes,
        request_id: str,
        coding: Coding | None,
        told: bytes = b"",
    ) -> None:
        head = (
            b"%sDate: %s\r\nContent-Type: %s\r\n%sContent-Length: %d\r\n"
            b"x-amzn-RequestId: %s\r\nx-amz-crc32: %d\r\n%s"
            % (
                _STATUS_LINES[status],
                self._date_line(),
                media_type,
                b"" if coding is None else b"Content-Encoding: %s\r\n" % coding,
                len(body),
                request_id.encode("ascii"),
                zlib.crc32(body),
                told,
            )
        )
        connection.respond(head, body)

    def _answer_bare(
        self, connection: HttpConnection, status: HTTPStatus, body: bytes, *, is_head_only: bool = False
    ) -> None:
        head = b"%sDate: %s\r\nContent-Length: %d\r\nx-amzn-RequestId: %s\r\nx-amz-crc32: %d\r\n" % (
            _STATUS_LINES[status.value],
            self._date_line(),
            len(body),
            self._pipeline.new_request_id().encode("ascii"),
            zlib.crc32(body),
        )
        connection.respond(head, b"" if is_head_only else body)

    def _date_line(self) -> bytes:
        """SDKs correct their clocks by it. Written once a second."""
        second = self._clock.wall_ms() // 1000
        if second != self._date_second:
            self._date_second = second
            self._date = formatdate(second, usegmt=True).encode("ascii")
        return self._date


class _Exchange:
    """A request that has reached its operation, and the one answer it gets."""

    __slots__ = ("_connection", "_door", "_media_type", "coding", "is_answered", "request")

    def __init__(
        self, door: HttpDoor, connection: HttpConnection, request: HttpRequest, media_type: bytes
    ) -> None:
        self._door = door
        self._connection = connection
        self._media_type = media_type
        self.request = request
        accepted = request.headers.get(b"accept-encoding")
        self.coding = coding_for(accepted) if accepted else None
        self.is_answered = False

    def succeed(self, body: bytes, request_id: str) -> None:
        self.answer(*packed(body, self.coding), request_id)

    def answer(self, body: bytes, coding: Coding | None, request_id: str, told: bytes = b"") -> None:
        """With a body that is packed already, if it is to be; ``told``: more headers."""
        self.is_answered = True
        self._door.answer(self._connection, 200, self._media_type, body, request_id, coding, told)

    def fail(self, error: KvdbError, request_id: str) -> None:
        status, body = status_and_body(error)
        self.is_answered = True
        self._door.answer(self._connection, status, self._media_type, body, request_id, None)


def _told(outcome: Outcome) -> bytes:
    texts = outcome.texts().items()
    return b"".join(b"x-kvdb-%s: %s\r\n" % (name.encode(), text.encode()) for name, text in texts)


def _route_of(request: HttpRequest) -> Route:
    """The operation asked for.

    Raises:
        KvdbError: in the service's order; see the module.
    """
    body = request.body
    try:
        route = BY_TARGET.get(request.headers.get(b"x-amz-target", b""))
        if route is None:
            raise UnknownOperation("")
        header.claim_of(request.url, request.headers)
    except KvdbError:
        if body and len(body) <= _PROBED_BODY_BYTES_MAX and b"content-encoding" not in request.headers:
            read_json(body)
        raise
    if not body:
        raise SerializationError("")
    return route


@lru_cache(maxsize=64)
def _is_local_host(host: bytes | None) -> bool:
    """Whether a ``Host`` names an address, this machine, or (HTTP/1.0) nothing."""
    if host is None:
        return True
    text = host.decode("latin-1").strip().lower()
    name = text[1:].partition("]")[0] if text.startswith("[") else text.partition(":")[0]
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _tls_of(options: ServerOptions) -> ssl.SSLContext | None:
    if options.tls_cert is None or options.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(options.tls_cert, options.tls_key)
    return context
