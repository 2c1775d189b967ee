"""One connection, fed by hand: what is refused, with which status, and when it is cut."""

from __future__ import annotations

import asyncio

import pytest

from kvdb.metrics import Registry
from kvdb.server.http_protocol import Connections, HttpConnection, HttpLimits
from kvdb.testing.manual_clock import ManualClock

LIMITS = HttpLimits(
    connections_max=3, connections_per_address_max=2, body_bytes_max=1_000, bodies_bytes_max=1_500
)


class FakeTransport(asyncio.Transport):
    """Keeps what is written; ``unsent`` plays a socket that takes nothing."""

    def __init__(self, address="10.0.0.1"):
        super().__init__({"peername": (address, 1)})
        self.written = b""
        self.unsent = 0
        self.is_closed = self.is_aborted = self.is_reading_paused = self.is_eof_written = False

    def write(self, data):
        self.written += data

    def close(self):
        self.is_closed = True

    def abort(self):
        self.is_closed = self.is_aborted = True

    def is_closing(self):
        return self.is_closed

    def pause_reading(self):
        assert not self.is_reading_paused
        self.is_reading_paused = True

    def resume_reading(self):
        assert self.is_reading_paused
        self.is_reading_paused = False

    def set_write_buffer_limits(self, high=None, low=None):
        pass

    def get_write_buffer_size(self):
        return self.unsent

    def can_write_eof(self):
        return True

    def write_eof(self):
        self.is_eof_written = True

    @property
    def status(self):
        return int(self.written.split()[1]) if self.written else None


class Wire:
    """A connection on a fake transport; ``served`` collects its requests, unanswered unless told."""

    def __init__(self, shared, *, answers=True, address="10.0.0.1"):
        self.served = []
        self.answers = answers
        self.connection = HttpConnection(shared, self._serve)
        self.transport = FakeTransport(address)
        self.connection.connection_made(self.transport)

    def _serve(self, connection, request):
        self.served.append(request)
        if self.answers:
            self.answer()

    def answer(self):
        self.connection.respond(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", b"ok")

    def feed(self, *chunks):
        for chunk in chunks:
            self.connection.data_received(chunk)
        return self


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def shared(clock):
    return Connections(LIMITS, clock, Registry(), "http")


def post(body=b"", *headers):
    head = [b"POST / HTTP/1.1", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def test_a_request_is_the_same_however_it_is_cut_into_reads(shared):
    whole = post(b"body", b"X-Amz-Target: T", b"x-amz-target: second")
    for size in range(1, len(whole) + 1):
        wire = Wire(shared).feed(*(whole[at : at + size] for at in range(0, len(whole), size)))
        (request,) = wire.served
        assert (request.method, request.url, request.body) == (b"POST", b"/", b"body")
        assert request.headers[b"x-amz-target"] == b"T"
        assert request.repeated == {b"x-amz-target"}
        wire.connection.connection_lost(None)
    assert shared.bodies_bytes == 0


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"POST / HTTP/1.1\nHost: a\n\n", 400),
        (b"POST / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nA : b\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nA: b\x00c\r\n\r\n", 400),
        (b"POST / HTTP/9.9\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1e2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n", 413),
        (
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"a" * 1001 + b"\r\n0\r\n\r\n",
            413,
        ),
        (b"POST / HTTP/1.1\r\nExpect: magic\r\n\r\n", 417),
        (b"POST /" + b"a" * 8_200 + b" HTTP/1.1\r\n\r\n", 414),
        (b"POST /" + b"a" * 100_000, 414),
        (b"POST / HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n", 431),
        (b"POST / HTTP/1.1\r\nA: " + b"b" * 70_000 + b"\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nA: " + b"b" * 80_000, 431),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 101 + b"\r\n", 431),
    ],
    ids=range(26),
)
@pytest.mark.parametrize("size", [1 << 20, 4096])
def test_what_is_no_request_is_refused_and_the_connection_closed(data, status, size, shared):
    wire = Wire(shared).feed(*(data[at : at + size] for at in range(0, len(data), size)))
    assert wire.transport.status == status
    assert b"Connection: close" in wire.transport.written
    assert wire.transport.is_eof_written
    assert wire.served == []
    wire.feed(post(b"smuggled"))
    assert wire.served == []
    wire.connection.connection_lost(None)
    assert shared.bodies_bytes == 0


def test_the_limits_themselves_are_let_through(shared):
    url = b"/" + b"a" * (LIMITS.request_line_bytes_max - 1)
    assert Wire(shared).feed(b"POST " + url + b" HTTP/1.1\r\n" + b"A: b\r\n" * 100 + b"\r\n").served
    assert Wire(shared).feed(post(b"a" * 1000)).served


def test_a_body_too_large_is_refused_before_its_first_byte(shared):
    wire = Wire(shared).feed(b"POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n")
    assert wire.transport.status == 413
    assert shared.bodies_bytes == 0


def test_bodies_of_all_connections_have_a_bound_together(shared):
    first = Wire(shared, answers=False).feed(post(b"a" * 1000))
    second = Wire(shared).feed(b"POST / HTTP/1.1\r\nContent-Length: 501\r\n\r\n")
    assert second.transport.status == 503
    second.connection.connection_lost(None)
    first.answer()
    assert shared.bodies_bytes == 0
    assert Wire(shared).feed(post(b"a" * 501)).served


def test_pipelined_requests_are_answered_in_order_one_at_a_time(shared):
    wire = Wire(shared, answers=False).feed(post(b"1") + post(b"2") + post(b"3"))
    assert [request.body for request in wire.served] == [b"1"]
    assert wire.transport.is_reading_paused
    wire.answer()
    assert [request.body for request in wire.served] == [b"1", b"2"]
    wire.answer()
    assert not wire.transport.is_reading_paused
    wire.answer()
    assert wire.transport.written.count(b"200 OK") == 3


def test_what_comes_before_a_malformed_request_is_still_answered(shared):
    wire = Wire(shared).feed(post(b"1") + b"nonsense\r\n\r\n")
    assert wire.transport.written.startswith(b"HTTP/1.1 200 OK")
    assert b"400 Bad Request" in wire.transport.written


@pytest.mark.parametrize(
    "request_bytes",
    [
        post(b"", b"Connection: close"),
        b"POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n",
        post(b"", b"Connection: upgrade", b"Upgrade: h2c"),
    ],
)
def test_a_connection_that_is_not_kept_closes_behind_its_answer(request_bytes, shared):
    wire = Wire(shared).feed(request_bytes)
    assert wire.transport.status == 200
    assert b"Connection: close" in wire.transport.written
    assert wire.transport.is_closed


def test_a_client_that_asks_may_go_on_with_its_body(shared):
    wire = Wire(shared).feed(b"POST / HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
    assert wire.transport.written == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert wire.feed(b"a").served


def test_connections_have_a_bound_and_a_bound_an_address(shared):
    kept = [Wire(shared), Wire(shared)]
    assert Wire(shared).transport.status == 503
    kept.append(Wire(shared, address="10.0.0.2"))
    refused = Wire(shared, address="10.0.0.3")
    assert refused.transport.status == 503
    assert refused.transport.is_closed
    refused.connection.connection_lost(None)
    kept[0].connection.connection_lost(None)
    assert Wire(shared).feed(post()).served


def test_an_idle_connection_is_cut_without_a_word(shared, clock):
    wire = Wire(shared).feed(post())
    clock.advance_ms(LIMITS.idle_ms)
    shared.sweep()
    assert not wire.transport.is_closed
    clock.advance_ms(1)
    shared.sweep()
    assert wire.transport.is_aborted
    assert wire.transport.written.count(b"HTTP/1.1") == 1


def test_a_head_that_drips_is_told_that_its_time_is_up(shared, clock):
    wire = Wire(shared).feed(b"POST / HTTP/1.1\r\n")
    for _ in range(10):
        clock.advance_ms(1_001)
        wire.feed(b"A: b\r\n")
    shared.sweep()
    assert wire.transport.status == 408
    clock.advance_ms(2_001)
    shared.sweep()
    assert wire.transport.is_aborted


def test_a_body_has_as_long_as_its_slowest_rate_takes(shared, clock):
    wire = Wire(shared).feed(b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n")
    clock.advance_ms(LIMITS.head_ms)
    wire.feed(b"a" * 512)
    clock.advance_ms(500)
    shared.sweep()
    assert wire.transport.status is None
    clock.advance_ms(1)
    shared.sweep()
    assert wire.transport.status == 408
    wire.connection.connection_lost(None)
    assert shared.bodies_bytes == 0


def test_a_request_being_served_has_no_deadline_here(shared, clock):
    wire = Wire(shared, answers=False).feed(post())
    wire.feed(b"POST / HT")
    clock.advance_ms(3_600_000)
    shared.sweep()
    assert not wire.transport.is_closed
    wire.answer()
    clock.advance_ms(LIMITS.head_ms + 1)
    shared.sweep()
    assert b"408" in wire.transport.written


def test_a_client_that_takes_no_answers_is_served_no_further_and_cut(shared, clock):
    wire = Wire(shared, answers=False).feed(post(b"1"))
    wire.transport.unsent = 10 * LIMITS.bytes_per_second_min
    wire.connection.pause_writing()
    wire.answer()
    wire.feed(post(b"2"))
    assert len(wire.served) == 1
    clock.advance_ms(LIMITS.head_ms + 10_000)
    shared.sweep()
    assert not wire.transport.is_closed
    clock.advance_ms(1)
    shared.sweep()
    assert wire.transport.is_aborted


def test_a_client_that_takes_its_answers_after_all_is_served_on(shared):
    wire = Wire(shared, answers=False).feed(post(b"1"))
    wire.connection.pause_writing()
    wire.answer()
    wire.feed(post(b"2"))
    wire.connection.resume_writing()
    assert [request.body for request in wire.served] == [b"1", b"2"]


def test_a_half_closed_client_gets_the_answers_it_waits_for(shared):
    wire = Wire(shared, answers=False).feed(post(b"1") + post(b"2"))
    assert wire.connection.eof_received()
    wire.answer()
    wire.answer()
    assert wire.transport.written.count(b"200 OK") == 2
    assert wire.transport.is_closed
    assert not Wire(shared).connection.eof_received()


def test_stopping_closes_what_is_idle_and_the_others_behind_their_answers(shared):
    idle, busy = Wire(shared), Wire(shared, answers=False).feed(post())
    shared.stop()
    assert idle.transport.is_closed
    assert not busy.transport.is_closed
    busy.answer()
    assert b"Connection: close" in busy.transport.written
    for wire in (idle, busy):
        wire.connection.connection_lost(None)
    assert shared.all_closed.is_set()
    late = Wire(shared)
    assert late.transport.status == 503


def test_a_client_that_is_gone_costs_no_memory(shared):
    wire = Wire(shared, answers=False).feed(post(b"1" * 100) + post(b"2" * 100) + post(b"3" * 100)[:-50])
    wire.transport.is_closed = True
    wire.connection.connection_lost(None)
    wire.answer()
    assert shared.bodies_bytes == 0
    assert len(wire.served) == 1
