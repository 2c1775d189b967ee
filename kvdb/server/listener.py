"""A listening HTTP address: the socket, the sweep of its connections, and the end of both."""

from __future__ import annotations

import asyncio
import logging
import ssl

from kvdb.env.env import Env
from kvdb.errors import ValidationError
from kvdb.options import ServerOptions
from kvdb.server.address import check_is_local, host_and_port
from kvdb.server.http_protocol import Connections, Handler, HttpConnection, HttpLimits

_log = logging.getLogger("kvdb.server")

_BACKLOG = 1024
_SWEEP_S = 1.0
_TLS_HANDSHAKE_S = 10.0


class Listener:
    """One address. Belongs to the event loop it is started on."""

    def __init__(
        self,
        address: str,
        options: ServerOptions,
        env: Env,
        handler: Handler,
        *,
        name: str,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._address = address
        self._is_insecure = options.is_insecure
        self._handler = handler
        self._name = name
        self._tls = tls
        self._limits = HttpLimits(
            connections_max=options.http_connections_max,
            connections_per_address_max=options.http_connections_per_address_max,
            body_bytes_max=options.http_body_bytes_max,
            bodies_bytes_max=options.request_bytes_in_flight_max,
        )
        self._env = env

    async def start(self) -> str:
        """Listen; gives the bound ``HOST:PORT``.

        Raises:
            ValidationError: the address has another form, is not on this machine alone, or
                cannot be bound.
        """
        host = check_is_local(self._address, is_insecure=self._is_insecure)
        if self._is_insecure:
            _log.warning(
                "insecure: callers are not authenticated door=%s address=%s", self._name, self._address
            )
        self._loop = asyncio.get_running_loop()
        self.connections = Connections(self._limits, self._env.clock, self._env.metrics, self._name)
        try:
            self._server = await self._loop.create_server(
                lambda: HttpConnection(self.connections, self._handler),
                host.strip("[]"),
                host_and_port(self._address)[1],
                backlog=_BACKLOG,
                ssl=self._tls,
                ssl_handshake_timeout=None if self._tls is None else _TLS_HANDSHAKE_S,
            )
        except OSError as refused:
            reason = refused.strerror or str(refused)
            raise ValidationError(f"cannot listen address={self._address} reason={reason}") from refused
        self._sweeping = self._loop.call_later(_SWEEP_S, self._sweep)
        port = self._server.sockets[0].getsockname()[1]
        return f"{host}:{port}"

    async def stop(self, grace_ms: int) -> None:
        """Close the socket, let answers under way go out for ``grace_ms``, cut what is left."""
        self._sweeping.cancel()
        self._server.close()
        self.connections.stop()
        try:
            await asyncio.wait_for(self.connections.all_closed.wait(), grace_ms / 1000)
        except TimeoutError:
            self.connections.abort()

    def _sweep(self) -> None:
        self._sweeping = self._loop.call_later(_SWEEP_S, self._sweep)
        self.connections.sweep()
