"""A gRPC server that answers from a script: what a client meets when the network misbehaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc

from kvdb.rpc.codec import METHODS, SERVICES

Handle = Callable[[str, bytes, grpc.ServicerContext], bytes | Iterator[bytes]]


@contextmanager
def scripted_server(handle: Handle) -> Iterator[str]:
    """``handle(method name, payload, context)`` answers every call; gives the address."""
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    for service in SERVICES:
        handlers = {}
        for method in METHODS:
            if method.service == service:
                make = (
                    grpc.unary_stream_rpc_method_handler
                    if method.is_stream
                    else grpc.unary_unary_rpc_method_handler
                )
                handlers[method.name] = make(
                    lambda payload, context, name=method.name: handle(name, payload, context)
                )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()
