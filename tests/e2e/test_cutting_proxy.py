"""The proxy of the fail-over tests breaks as it says, and heals."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.cutting_proxy import CuttingProxy


@contextmanager
def echo_server() -> Iterator[tuple[str, list[bytes]]]:
    """Answers every chunk with itself; gives its address, and what it has read."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen: list[bytes] = []
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65536):
                    seen.append(data)
                    connection.sendall(data)
            except OSError:
                pass

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(connection,)))
            threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield "{}:{}".format(*listener.getsockname()), seen
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for thread in threads:
            thread.join()


@contextmanager
def dialled(proxy: CuttingProxy) -> Iterator[socket.socket]:
    host, port = proxy.address.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        yield connection


def exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        assert part, "the connection has ended"
        data += part
    return data


def is_silent(connection: socket.socket) -> bool:
    connection.settimeout(0.1)
    try:
        connection.recv(1)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(30)
    return False


def test_it_passes_on_both_ways_and_the_end_of_the_stream() -> None:
    data = bytes(range(256)) * 4000
    with echo_server() as (address, _), CuttingProxy(address) as proxy, dialled(proxy) as connection:
        writing = threading.Thread(target=lambda: (connection.sendall(data), connection.shutdown(1)))
        writing.start()
        assert exactly(connection, len(data)) == data
        assert connection.recv(1) == b""
        writing.join()
        assert proxy.connections_made == 1


def test_a_cut_resets_what_there_is_and_what_comes_until_it_heals() -> None:
    with echo_server() as (address, _), CuttingProxy(address) as proxy:
        with dialled(proxy) as connection:
            connection.sendall(b"a")
            assert exactly(connection, 1) == b"a"
            proxy.cut()
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
        with pytest.raises(ConnectionError), dialled(proxy) as connection:
            if connection.recv(1) == b"":
                raise ConnectionAbortedError
        proxy.heal()
        with dialled(proxy) as connection:
            connection.sendall(b"b")
            assert exactly(connection, 1) == b"b"


def test_a_black_hole_passes_on_nothing_and_what_it_held_comes_after() -> None:
    with echo_server() as (address, seen), CuttingProxy(address) as proxy, dialled(proxy) as connection:
        proxy.black_hole()
        connection.sendall(b"held")
        assert is_silent(connection)
        assert seen == []
        proxy.heal()
        assert exactly(connection, 4) == b"held"


def test_one_way_the_server_hears_and_its_answer_is_held() -> None:
    with echo_server() as (address, seen), CuttingProxy(address) as proxy, dialled(proxy) as connection:
        proxy.black_hole(to_server=False)
        connection.sendall(b"x")
        assert is_silent(connection)
        assert seen == [b"x"]
        proxy.heal()
        assert exactly(connection, 1) == b"x"


def test_delay_and_a_slow_line_hold_back_and_keep_the_order() -> None:
    with echo_server() as (address, _), CuttingProxy(address) as proxy, dialled(proxy) as connection:
        proxy.delay(30)
        proxy.throttle(1_000_000)
        begun = time.monotonic()
        connection.sendall(bytes(range(200)) * 100)
        assert exactly(connection, 20_000) == bytes(range(200)) * 100
        # There and back: at least twice the delay, which is no bound on how fast anything is.
        assert time.monotonic() - begun >= 0.06


def test_it_can_be_pointed_at_another_server() -> None:
    with echo_server() as (first, _), echo_server() as (second, seen), CuttingProxy(first) as proxy:
        proxy.upstream = second
        with dialled(proxy) as connection:
            connection.sendall(b"z")
            assert exactly(connection, 1) == b"z"
        assert seen == [b"z"]


def test_a_server_that_is_gone_is_a_reset() -> None:
    with echo_server() as (address, _):
        pass
    with (
        CuttingProxy(address) as proxy,
        dialled(proxy) as connection,
        pytest.raises(ConnectionResetError),
    ):
        connection.recv(1)
