"""A port for peers alone, so that the clients' port needs no certificates of clients, and answers no peer.

The certificates of a connection are looked at when it is made; so a connection lasts an hour at most.
"""

from __future__ import annotations

import logging
from typing import Final

from grpc import aio

from kvdb.database.database import Database
from kvdb.errors import ValidationError
from kvdb.limits import REGIONS_MAX
from kvdb.options import ServerOptions
from kvdb.replica.messages import FRAME_BYTES_MAX
from kvdb.server.address import check_is_local
from kvdb.server.grpc_server import server_options, why_not_bound
from kvdb.server.peer_security import PeerSecurity
from kvdb.server.replica_door import ReplicaDoor

_CONNECTION_MS_MAX: Final = 3_600_000
_CONNECTION_GRACE_MS: Final = 30_000
_CALLS_MAX: Final = 4 * REGIONS_MAX

_log = logging.getLogger("kvdb.server")


class ReplicaPort:
    """One listening address. Belongs to the event loop it is started on."""

    def __init__(self, database: Database, options: ServerOptions, security: PeerSecurity) -> None:
        assert options.replication_address is not None
        self._database = database
        self._options = options
        self._address = options.replication_address
        self._security = security

    async def start(self) -> str:
        """Listen; gives the bound ``HOST:PORT``.

        Raises:
            ValidationError: the address has another form, can be reached from elsewhere without TLS, or
                cannot be bound.
        """
        is_open = self._options.is_insecure or self._security.has_tls
        host = check_is_local(self._address, is_insecure=is_open)
        if not self._security.has_tls and self._options.is_insecure:
            _log.warning("insecure: nothing is encrypted door=replication address=%s", self._address)
        options = {
            **dict(server_options(self._options)),
            "grpc.max_receive_message_length": FRAME_BYTES_MAX + 1024,
            "grpc.max_send_message_length": FRAME_BYTES_MAX + 1024,
            "grpc.max_connection_age_ms": _CONNECTION_MS_MAX,
            "grpc.max_connection_age_grace_ms": _CONNECTION_GRACE_MS,
        }
        self._server = aio.server(options=list(options.items()), maximum_concurrent_rpcs=_CALLS_MAX)
        self._door = ReplicaDoor(self._database, self._security)
        self._server.add_generic_rpc_handlers((self._door.handlers(),))
        try:
            if self._security.has_tls:
                port = self._server.add_secure_port(self._address, self._security.server_credentials())
            else:
                port = self._server.add_insecure_port(self._address)
        except RuntimeError as refused:
            reason = why_not_bound(self._address)
            raise ValidationError(f"cannot listen address={self._address} reason={reason}") from refused
        await self._server.start()
        return f"{host}:{port}"

    async def stop(self, grace_ms: int) -> None:
        """Peers have nothing to finish: what is cut off is asked for again."""
        await self._server.stop(0)
        self._door.stop()
