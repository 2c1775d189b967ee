"""A server in a thread of this process, on a free port of the loopback interface."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kvdb.options import ServerOptions
from kvdb.server.app import Addresses, Server


def in_memory_options(**changes: object) -> ServerOptions:
    return ServerOptions(**{"data_dir": ":memory:", "grpc_address": "127.0.0.1:0", **changes})


@contextmanager
def served(options: ServerOptions | None = None) -> Iterator[str]:
    """The gRPC address of a running server; it is stopped, and its database closed, at the end."""
    with served_doors(options or in_memory_options()) as addresses:
        assert addresses.grpc is not None
        yield addresses.grpc


@contextmanager
def served_doors(options: ServerOptions) -> Iterator[Addresses]:
    """Every address of a running server; ends as ``served``."""
    server = Server(options)
    with event_loop_thread() as run:
        addresses = run(server.start)
        try:
            yield addresses
        finally:
            run(server.stop)


def http_options(**changes: object) -> ServerOptions:
    """The HTTP door alone, in memory."""
    return in_memory_options(**{"grpc_address": None, "http_address": "127.0.0.1:0", **changes})


@contextmanager
def event_loop_thread() -> Iterator[Callable[..., object]]:
    """An event loop in a thread; ``run(async_function)`` calls one there and waits for it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield lambda function: asyncio.run_coroutine_threadsafe(function(), loop).result(timeout=60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
