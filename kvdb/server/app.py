"""The composition root of a served database: options -> database and door; start, serve, stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable

from kvdb.database.database import Database
from kvdb.options import ServerOptions
from kvdb.server.grpc_server import GrpcDoor

_log = logging.getLogger("kvdb.server")


class Server:
    """A database and its door. Belongs to the event loop it is started on."""

    def __init__(self, options: ServerOptions) -> None:
        self._options = options
        self._database: Database | None = None
        self._door: GrpcDoor | None = None

    async def start(self) -> str:
        """Open the database, then the door; gives the bound ``HOST:PORT``.

        Raises:
            StorageError: the directory cannot be opened; see ``Database.open``.
            ValidationError: the address cannot be bound. The database is closed again.
        """
        options = self._options
        database = await asyncio.to_thread(Database.open, options.data_dir, options.database)
        door = GrpcDoor(database, options)
        try:
            address = await door.start()
        except BaseException:
            await asyncio.to_thread(database.close)
            raise
        self._database, self._door = database, door
        _log.info("serving grpc=%s data_dir=%s", address, options.data_dir)
        return address

    async def stop(self, grace_ms: int | None = None) -> None:
        """Close the door, letting calls in flight finish, then the database. Stopping twice is fine."""
        if self._door is not None:
            await self._door.stop(self._options.grace_ms if grace_ms is None else grace_ms)
            self._door = None
        if self._database is not None:
            # Not on this thread: close waits for calls, and their last step runs on the loop.
            await asyncio.to_thread(self._database.close)
            self._database = None
        _log.info("stopped data_dir=%s", self._options.data_dir)


def serve(options: ServerOptions, on_ready: Callable[[str], None]) -> int:
    """Serve until SIGTERM or SIGINT, then drain, close and give the exit code 0.

    ``on_ready(address)`` is called once, when calls are taken. Blocks; from the main thread only,
    because of the signals.

    Raises:
        KvdbError: as ``Server.start``.
    """
    return asyncio.run(_serve(options, on_ready))


async def _serve(options: ServerOptions, on_ready: Callable[[str], None]) -> int:
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop.set)
    server = Server(options)
    address = await server.start()
    try:
        on_ready(address)
        await asked_to_stop.wait()
    finally:
        await server.stop()
    return 0
