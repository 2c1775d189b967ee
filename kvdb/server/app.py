"""The composition root of a served database: options -> database and doors; start, serve, stop."""

from __future__ import annotations

import asyncio
import importlib
import logging
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from kvdb.api.tables import ListTables
from kvdb.database.database import Database
from kvdb.errors import KvdbError
from kvdb.options import ServerOptions
from kvdb.server.pipeline import Pipeline
from kvdb.server.resolvers import give_resolvers

if TYPE_CHECKING:
    from kvdb.server.peer_security import PeerSecurity

try:
    import uvloop
except ModuleNotFoundError:  # not made for every platform; the standard loop serves as well, slower
    _new_loop: Callable[[], asyncio.AbstractEventLoop] | None = None
else:
    _new_loop = uvloop.new_event_loop

_log = logging.getLogger("kvdb.server")


class Door(Protocol):
    """One way in."""

    async def start(self) -> str:
        """Listen; gives the bound ``HOST:PORT``."""
        ...

    async def stop(self, grace_ms: int) -> None:
        """Take no more calls, let those in flight finish for ``grace_ms``, cut the rest."""
        ...


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a server listens, as ``HOST:PORT``; ``None``: no such door."""

    grpc: str | None = None
    replication: str | None = None
    http: str | None = None
    admin: str | None = None

    def __str__(self) -> str:
        named = {
            "grpc": self.grpc,
            "replication": self.replication,
            "http": self.http,
            "admin": self.admin,
        }
        return " ".join(f"{name}={address}" for name, address in named.items() if address is not None)


class Server:
    """A database and its doors. Belongs to the event loop it is started on."""

    def __init__(self, options: ServerOptions) -> None:
        self._options = options
        self._database: Database | None = None
        self._doors: list[Door] = []
        self._is_open = False
        self._security: PeerSecurity | None = None

    async def start(self) -> Addresses:
        """Open the database, then the doors; gives the bound addresses.

        Raises:
            StorageError: the directory cannot be opened; see ``Database.open``.
            ValidationError: an address cannot be bound. The database is closed again.
        """
        options = self._options
        self._database = await asyncio.to_thread(Database.open, options.data_dir, options.database)
        self._pool = ThreadPoolExecutor(options.read_threads, "kvdb-http")
        bound: dict[str, str] = {}
        try:
            give_resolvers(self._database, self._options.resolvers)
            self._security = _security_of(options, self._database)
            self._connect_peers(self._database)
            for name, door in self._made_doors(self._database):
                bound[name] = await door.start()
                self._doors.append(door)
        except BaseException:
            await self.stop(0)
            raise
        self._is_open = True
        addresses = Addresses(**bound)
        _log.info("serving %s data_dir=%s", addresses, options.data_dir)
        return addresses

    async def stop(self, grace_ms: int | None = None) -> None:
        """Close the doors, letting calls in flight finish, then the database. Stopping twice is fine."""
        self._is_open = False
        grace_ms = self._options.grace_ms if grace_ms is None else grace_ms
        # All at once: the grace is the server's, not each door's in turn.
        doors, self._doors = self._doors, []
        await asyncio.gather(*(door.stop(grace_ms) for door in doors))
        if self._database is not None:
            await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)
            # Not on this thread: close waits for calls, and their last step runs on the loop.
            await asyncio.to_thread(self._database.close)
            self._database = None
        _log.info("stopped data_dir=%s", self._options.data_dir)

    def _connect_peers(self, database: Database) -> None:
        if self._security is None:
            return
        from kvdb.server.replica_link import GrpcReplicaLink

        loop, security = asyncio.get_running_loop(), self._security
        for name, url in self._options.peers:
            database.regions.connect(
                name,
                partial(GrpcReplicaLink, name, url, security, loop),
                bytes_per_s_max=self._options.peer_bytes_per_s_max,
            )

    def _made_doors(self, database: Database) -> list[tuple[str, Door]]:
        options = self._options
        pipeline = Pipeline.of_server(database.env, options)
        doors: list[tuple[str, Door]] = []
        if options.grpc_address is not None:
            # gRPC takes longer to load, and more memory, than all the rest: only who asks pays for it.
            from kvdb.server.grpc_server import GrpcDoor

            doors.append(("grpc", GrpcDoor(database, options, pipeline)))
        if options.replication_address is not None:
            from kvdb.server.replica_port import ReplicaPort

            assert self._security is not None, "the port needs it"
            doors.append(("replication", ReplicaPort(database, options, self._security)))
        if options.http_address is not None:
            from kvdb.server.http_server import HttpDoor

            doors.append(("http", HttpDoor(database, options, pipeline, self._pool)))
        if options.admin_address is not None:
            from kvdb.server.admin_http import AdminDoor

            doors.append(("admin", AdminDoor(options, database.env, self._why_not_ready)))
        return doors

    def _why_not_ready(self) -> str | None:
        if not self._is_open or self._database is None:
            return "starting or stopping"
        try:
            self._database.call(ListTables(limit=1))
        except KvdbError as error:
            return error.code
        if self._database.why_degraded is not None:
            # The reason, which may name files, is for the log.
            return "read-only until reopened"
        return None


def _security_of(options: ServerOptions, database: Database) -> PeerSecurity | None:
    """``None``: there are no peers to know."""
    if not options.peers and options.replication_address is None:
        return None
    # As gRPC: only who asks for it pays for it.
    from kvdb.server.peer_security import PeerSecurity

    return PeerSecurity(options, database.env.clock)


def load_doors(options: ServerOptions) -> None:
    """Import what the doors asked for need.

    Raises:
        ModuleNotFoundError: a package they need is not installed.
    """
    if options.grpc_address is not None or options.replication_address is not None or options.peers:
        importlib.import_module("kvdb.server.grpc_server")
    if options.http_address is not None:
        importlib.import_module("kvdb.server.http_server")


def serve(options: ServerOptions, on_ready: Callable[[Addresses], None]) -> int:
    """Serve until SIGTERM or SIGINT, then drain, close and give the exit code 0.

    ``on_ready(addresses)`` is called once, when calls are taken. Blocks; from the main thread only,
    because of the signals.

    Raises:
        KvdbError: as ``Server.start``.
    """
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        return runner.run(_serve(options, on_ready))


async def _serve(options: ServerOptions, on_ready: Callable[[Addresses], None]) -> int:
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop.set)
    server = Server(options)
    addresses = await server.start()
    try:
        on_ready(addresses)
        await asked_to_stop.wait()
    finally:
        await server.stop()
    return 0
