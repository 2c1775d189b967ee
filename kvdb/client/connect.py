"""The ways in: ``open`` a directory in this process, ``connect`` to a server, and their async twins."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from types import ModuleType
from typing import TypeAlias
from urllib.parse import urlsplit

from kvdb.client.aio import AsyncClient
from kvdb.client.aio_failover import AsyncFailoverTransport
from kvdb.client.embedded_transport import AsyncEmbeddedTransport, EmbeddedTransport
from kvdb.client.failover import ENDPOINTS_MAX, Switch
from kvdb.client.retry import RetryPolicy
from kvdb.client.sync import Client
from kvdb.client.sync_failover import FailoverTransport
from kvdb.database.database import Database
from kvdb.env.clock import SystemClock
from kvdb.env.entropy import SystemEntropy
from kvdb.errors import ValidationError
from kvdb.limits import LimitsName
from kvdb.options import ArchiveOptions, ClientOptions, DatabaseOptions, FailoverOptions, SyncMode
from kvdb.replica.functions import MergeFunction

Resolvers: TypeAlias = Mapping[str, MergeFunction | Mapping[str, MergeFunction]]
"""Table -> its function; or name -> function, of several."""
_SCHEME = "grpc"
_GRPC_PACKAGES = frozenset({"grpc", "google", "google.protobuf"})


def open(
    path: str,
    *,
    sync: SyncMode | None = None,
    read_only: bool = False,
    limits: LimitsName | None = None,
    history_retention: float | timedelta | None = None,
    backup_store: str | None = None,
    archive: str | ArchiveOptions | None = None,
    export_root: str | None = None,
    resolvers: Resolvers | None = None,
    options: DatabaseOptions | None = None,
) -> Client:
    """Open the database in directory ``path`` in this process; it is made when there is none.

    ``":memory:"`` keeps everything in memory and forgets it on close. ``sync`` is when a write is
    acknowledged (``"commit"`` if neither it nor ``options`` says: nothing acknowledged is lost).
    ``read_only`` opens an existing database without writing anything, beside others who do so.
    ``limits="open"`` raises those of items, batches and transactions above the service's.
    ``history_retention``, in seconds or as a ``timedelta``, is how far reads of the past reach.
    ``backup_store`` is where backups lie: a directory, or ``s3://BUCKET/PREFIX``, ``gs://``, ``az://``.
    ``export_root`` is where the buckets of exports and imports are, likewise.
    ``resolvers`` are functions that may resolve conflicts of tables shared with other regions, see
    ``replica/functions``: ``{TABLE: function}``, or ``{TABLE: {NAME: function}}``.
    ``archive`` ships the log to that URL, a directory or an object store, to restore any point from.

    Raises:
        NotADatabase, FormatTooNew, DatabaseLocked: the directory was left untouched.
        CorruptionError: a file is damaged; names file and offset.
    """
    chosen = _database_options(
        options,
        sync,
        limits,
        history_retention,
        read_only=read_only,
        archive=archive,
        backup_store=backup_store,
    )
    if export_root is not None:
        chosen = dataclasses.replace(chosen, export_root=export_root)
    return Client(EmbeddedTransport(_opened(path, chosen, resolvers)))


async def open_async(
    path: str,
    *,
    sync: SyncMode | None = None,
    read_only: bool = False,
    limits: LimitsName | None = None,
    history_retention: float | timedelta | None = None,
    backup_store: str | None = None,
    archive: str | ArchiveOptions | None = None,
    export_root: str | None = None,
    resolvers: Resolvers | None = None,
    options: DatabaseOptions | None = None,
) -> AsyncClient:
    """As ``open``, for asyncio."""
    chosen = _database_options(
        options,
        sync,
        limits,
        history_retention,
        read_only=read_only,
        archive=archive,
        backup_store=backup_store,
    )
    if export_root is not None:
        chosen = dataclasses.replace(chosen, export_root=export_root)
    database = await asyncio.to_thread(_opened, path, chosen, resolvers)
    return AsyncClient(AsyncEmbeddedTransport(database))


def _opened(path: str, options: DatabaseOptions, resolvers: Resolvers | None) -> Database:
    database = Database.open(path, options)
    try:
        for table_name, given in (resolvers or {}).items():
            named = given if isinstance(given, Mapping) else {None: given}
            for name, function in named.items():
                database.regions.resolve_with(table_name, function, name)
    except BaseException:
        database.close()
        raise
    return database


def connect(
    target: str | Sequence[str],
    *,
    options: ClientOptions | None = None,
    failover: FailoverOptions | None = None,
    on_switch: Callable[[Switch], object] | None = None,
) -> Client:
    """A client of the server at ``target``: ``"grpc://HOST:PORT"``.

    Asks nothing yet: a server that cannot be reached makes the first call raise
    ``ServiceUnavailable``. Needs ``kvdb[client]``.

    ``target`` may be a list of at most 16 servers, regions of the same tables, in order of preference:
    calls go to the first that is healthy, as ``failover`` says, and ``db.endpoint`` tells which. Each
    change is logged and, if given, told to ``on_switch``. A read that a server did not answer is asked
    of the next; a write is only when no connection could be made, and else ends as it does with one
    server: whether it was applied is unknown. Reads of a snapshot, native transactions, shard iterators
    and feeds stay with the server they began on, and fail when it does.

    Raises:
        ValidationError: ``target`` has another form.
    """
    if isinstance(target, str):
        return Client(_grpc_transport().GrpcTransport(_address(target), _policy(options)))
    policy = _policy(options)
    endpoints = [_grpc_transport().GrpcTransport(address, policy) for address in _addresses(target)]
    return Client(FailoverTransport(endpoints, policy, failover or FailoverOptions(), on_switch))


async def connect_async(
    target: str | Sequence[str],
    *,
    options: ClientOptions | None = None,
    failover: FailoverOptions | None = None,
    on_switch: Callable[[Switch], object] | None = None,
) -> AsyncClient:
    """As ``connect``, for asyncio; the client belongs to the running event loop."""
    if isinstance(target, str):
        return AsyncClient(_grpc_transport().AsyncGrpcTransport(_address(target), _policy(options)))
    policy = _policy(options)
    endpoints = [_grpc_transport().AsyncGrpcTransport(address, policy) for address in _addresses(target)]
    return AsyncClient(AsyncFailoverTransport(endpoints, policy, failover or FailoverOptions(), on_switch))


def _addresses(targets: Sequence[str]) -> list[str]:
    if not isinstance(targets, (list, tuple)):
        raise ValidationError(f"target must be grpc://HOST:PORT, or a list of such: {targets!r}")
    if not 1 <= len(targets) <= ENDPOINTS_MAX:
        raise ValidationError(f"there must be 1 to {ENDPOINTS_MAX} targets, not {len(targets)}")
    addresses = [_address(target) for target in targets]
    for address in addresses:
        if addresses.count(address) > 1:
            raise ValidationError(f"a target is named twice: grpc://{address}")
    return addresses


def _database_options(
    options: DatabaseOptions | None,
    sync: SyncMode | None,
    limits: LimitsName | None,
    history_retention: float | timedelta | None,
    *,
    read_only: bool,
    archive: str | ArchiveOptions | None = None,
    backup_store: str | None = None,
) -> DatabaseOptions:
    """The options with what was given beside them."""
    options = options or DatabaseOptions()
    engine = options.engine
    if sync is not None:
        engine = dataclasses.replace(engine, sync=sync)
    if read_only:
        engine = dataclasses.replace(engine, read_only=True)
    if history_retention is not None:
        engine = dataclasses.replace(engine, history_retention_ms=_retention_ms(history_retention))
    if backup_store is not None:
        options = dataclasses.replace(options, backup_store=backup_store)
    if limits is not None:
        options = dataclasses.replace(options, limits=limits)
    if archive is not None:
        shipped = archive if isinstance(archive, ArchiveOptions) else ArchiveOptions(archive)
        options = dataclasses.replace(options, archive=shipped)
    return dataclasses.replace(options, engine=engine)


def _retention_ms(retention: float | timedelta) -> int:
    if isinstance(retention, timedelta):
        retention = retention.total_seconds()
    if isinstance(retention, bool) or not isinstance(retention, (int, float)):
        raise ValidationError(
            f"history_retention must be seconds or a timedelta, not {type(retention).__name__}"
        )
    if not 0 <= retention < math.inf:
        raise ValidationError(f"history_retention must be a time of 0 seconds or more: {retention}")
    return round(retention * 1000)


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
