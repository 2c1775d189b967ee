"""The ways in: ``open`` a directory in this process, ``connect`` to a server, and their async twins."""

from __future__ import annotations

import asyncio
import dataclasses
from types import ModuleType
from urllib.parse import urlsplit

from kvdb.client.aio import AsyncClient
from kvdb.client.embedded_transport import AsyncEmbeddedTransport, EmbeddedTransport
from kvdb.client.retry import RetryPolicy
from kvdb.client.sync import Client
from kvdb.database.database import Database
from kvdb.env.clock import SystemClock
from kvdb.env.entropy import SystemEntropy
from kvdb.errors import ValidationError
from kvdb.options import ClientOptions, DatabaseOptions, SyncMode

_SCHEME = "grpc"
_GRPC_PACKAGES = frozenset({"grpc", "google", "google.protobuf"})


def open(
    path: str,
    *,
    sync: SyncMode | None = None,
    read_only: bool = False,
    options: DatabaseOptions | None = None,
) -> Client:
    """Open the database in directory ``path`` in this process; it is made when there is none.

    ``":memory:"`` keeps everything in memory and forgets it on close. ``sync`` is when a write is
    acknowledged (``"commit"`` if neither it nor ``options`` says: nothing acknowledged is lost).
    ``read_only`` opens an existing database without writing anything, beside others who do so.

    Raises:
        NotADatabase, FormatTooNew, DatabaseLocked: the directory was left untouched.
        CorruptionError: a file is damaged; names file and offset.
    """
    return Client(
        EmbeddedTransport(Database.open(path, _database_options(sync, options, read_only=read_only)))
    )


async def open_async(
    path: str,
    *,
    sync: SyncMode | None = None,
    read_only: bool = False,
    options: DatabaseOptions | None = None,
) -> AsyncClient:
    """As ``open``, for asyncio."""
    database = await asyncio.to_thread(
        Database.open, path, _database_options(sync, options, read_only=read_only)
    )
    return AsyncClient(AsyncEmbeddedTransport(database))


def connect(target: str, *, options: ClientOptions | None = None) -> Client:
    """A client of the server at ``target``: ``"grpc://HOST:PORT"``.

    Asks nothing yet: a server that cannot be reached makes the first call raise
    ``ServiceUnavailable``. Needs ``kvdb[client]``.

    Raises:
        ValidationError: ``target`` has another form.
    """
    address = _address(target)
    return Client(_grpc_transport().GrpcTransport(address, _policy(options)))


async def connect_async(target: str, *, options: ClientOptions | None = None) -> AsyncClient:
    """As ``connect``, for asyncio; the client belongs to the running event loop."""
    address = _address(target)
    return AsyncClient(_grpc_transport().AsyncGrpcTransport(address, _policy(options)))


def _database_options(
    sync: SyncMode | None, options: DatabaseOptions | None, *, read_only: bool = False
) -> DatabaseOptions:
    options = options or DatabaseOptions()
    engine = options.engine
    if sync is not None:
        engine = dataclasses.replace(engine, sync=sync)
    if read_only:
        engine = dataclasses.replace(engine, read_only=True)
    return dataclasses.replace(options, engine=engine)


def _policy(options: ClientOptions | None) -> RetryPolicy:
    return RetryPolicy(options or ClientOptions(), SystemClock(), SystemEntropy())


def _address(target: str) -> str:
    try:
        parts = urlsplit(target)
        is_address = parts.scheme == _SCHEME and bool(parts.hostname) and parts.port is not None
    except (ValueError, AttributeError, TypeError):
        is_address = False
    if not is_address or parts.geturl() != f"{_SCHEME}://{parts.netloc}" or "@" in parts.netloc:
        raise ValidationError(f"target must be grpc://HOST:PORT: {target!r}")
    return parts.netloc


def _grpc_transport() -> ModuleType:
    """Imported when asked for: an embedded program needs no gRPC."""
    try:
        from kvdb.client import grpc_transport
    except ModuleNotFoundError as missing:
        if missing.name in _GRPC_PACKAGES:
            raise ModuleNotFoundError(
                f"connecting to a server needs {missing.name}: pip install 'kvdb[client]'", name=missing.name
            ) from missing
        raise
    return grpc_transport
