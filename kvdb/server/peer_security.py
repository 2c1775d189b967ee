"""How regions know each other: mutual TLS, a secret that all of them hold, or both.

*TLS*: every region has a certificate of one authority (``peer_ca``), in which the region's name stands as a
DNS name (subjectAltName), say ``DNS:berlin``. Who connects to berlin goes on only with a server whose
certificate has that name, whatever the address; who says that it asks for amsterdam must have a certificate
with that name. TLS is 1.2 at least (gRPC's own default). Who connects also takes the common name of a
server's certificate that has no subjectAltName at all, for gRPC does; who answers does not, and no server
starts with such a certificate.

*Tokens*: a file with a secret in each line, up to ``TOKENS_MAX``. The first line is sent with every stream,
as ``authorization: Bearer TOKEN``; any of them is taken. So a secret is replaced without an interruption:
add the new one as the second line everywhere, then make it the first, then remove the old one.

The files are read again when they change, at most once in ``READ_MS``. What cannot be read then is said in
the log, and what was there before stays. Secrets are compared by their digests, in constant time, and are
in no message, log or description.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import ssl
import threading
from collections.abc import Callable
from typing import Final

import grpc
from grpc import aio

from kvdb.env.clock import Clock
from kvdb.env.fs import OsFileSystem, read_all
from kvdb.errors import KvdbError, ValidationError
from kvdb.options import ServerOptions
from kvdb.server.address import host_and_port, is_loopback

READ_MS: Final = 1_000
TOKENS_MAX: Final = 4
TOKEN_LENGTH_MIN, TOKEN_LENGTH_MAX = 32, 1_024
_FILE_BYTES_MAX: Final = 256 * 1024
_HEADER: Final = "authorization"
_BEARER: Final = "Bearer "
_PLAIN, _TLS = "grpc://", "grpcs://"
_TURNS_MAX: Final = 10

_log = logging.getLogger("kvdb.server")


class PeerSecurity:
    """What the peers of one server must show, and what it shows to them. For any number of threads."""

    def __init__(self, options: ServerOptions, clock: Clock) -> None:
        """Raises: ValidationError: a file cannot be read, or does not hold what it should."""
        self._options = options
        self._clock = clock
        self._guard = threading.Lock()
        self._read_ms = self._now_ms()
        self._files = self._read()
        self.revision = 0
        """Counts the changes of the files that were seen."""
        self._failure = ""
        if self.has_tls:
            _rehearse(options)

    @property
    def has_tls(self) -> bool:
        return self._options.peer_cert is not None

    @property
    def is_on(self) -> bool:
        return self.has_tls or self._options.peer_token_file is not None

    def address_of(self, url: str) -> str:
        """The HOST:PORT of a peer's URL.

        Raises:
            ValidationError: it is none, or one that this server may not or cannot connect to.
        """
        address = url.removeprefix(_TLS).removeprefix(_PLAIN)
        try:
            host, port = host_and_port(address)
        except ValidationError:
            host, port = "", 0
        if address == url or not host or not port:
            raise ValidationError(f"a peer's address must be grpc://HOST:PORT or grpcs://HOST:PORT: {url}")
        if self.is_tls(url):
            if not self.has_tls:
                raise ValidationError(
                    f"a peer at grpcs:// needs a certificate, its key and the authority of the peers: {url}"
                )
        elif not self._options.is_insecure and not is_loopback(host):
            raise ValidationError(
                "a peer beyond this machine is not authenticated and nothing encrypted over grpc://: give "
                f"grpcs:// and certificates, or tell the server to be insecure: {url}"
            )
        return address

    def is_tls(self, url: str) -> bool:
        return url.startswith(_TLS)

    # Who asks.

    def channel(self, url: str, region: str, options: list[tuple[str, int]]) -> aio.Channel:
        """To a peer, whose server must prove to be of its region. Made anew when ``revision`` changes."""
        address = self.address_of(url)
        if not self.is_tls(url):
            return aio.insecure_channel(address, options)
        cert, key, ca = self._current()[:3]
        credentials = grpc.ssl_channel_credentials(ca, key, cert)
        # The name that the server's certificate must have: not the address's, the region's.
        return aio.secure_channel(address, credentials, [*options, ("grpc.ssl_target_name_override", region)])

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with every stream to a peer."""
        tokens = self._current()[3]
        return ((_HEADER, _BEARER + tokens[0]),) if tokens else ()

    def has_changed(self, revision: int) -> bool:
        """Whether the files are others than at that revision."""
        self._current()
        return self.revision != revision

    # Who answers.

    def server_credentials(self) -> grpc.ServerCredentials:
        """Of the port that peers connect to; each handshake is made with what the files hold by then."""

        def configuration() -> grpc.ServerCertificateConfiguration:
            cert, key, ca = self._current()[:3]
            return grpc.ssl_server_certificate_configuration([(key, cert)], ca)

        return grpc.dynamic_ssl_server_credentials(
            configuration(), configuration, require_client_authentication=True
        )

    def refusal(self, context: aio.ServicerContext) -> str | None:
        """Why who asks gets no answer; to be asked again while a stream lasts."""
        tokens = self._current()[3]
        if not tokens:
            return None
        given = [value for key, value in context.invocation_metadata() or () if key == _HEADER]
        if not given:
            return "peers need a token here, and there is none"
        shown = _digest(str(given[0]).removeprefix(_BEARER))
        # All of them are compared, so that the time does not tell which.
        matches = [hmac.compare_digest(shown, _digest(token)) for token in tokens]
        return None if any(matches) and len(given) == 1 else "peers need a token here, and this is another"

    def regions_of(self, context: aio.ServicerContext) -> frozenset[str] | None:
        """For which regions who asks may speak: the names in its certificate; ``None``: for any."""
        if not self.has_tls:
            return None
        names = context.auth_context().get("peer_dns", ())
        return frozenset(name.decode("utf-8", "replace") for name in names)

    # The files.

    def _now_ms(self) -> int:
        return self._clock.monotonic_ns() // 1_000_000

    def _current(self) -> tuple[bytes, bytes, bytes, tuple[str, ...]]:
        with self._guard:
            now = self._now_ms()
            if self.is_on and now - self._read_ms >= READ_MS:
                self._read_ms = now
                try:
                    files = self._read()
                    self._failure = ""
                except ValidationError as error:
                    if error.message != self._failure:
                        _log.error("%s; what was read before stays", error.message)
                    self._failure = error.message
                    files = self._files
                if files != self._files:
                    self._files = files
                    self.revision += 1
                    _log.info("certificates or tokens of peers have changed revision=%d", self.revision)
            return self._files

    def _read(self) -> tuple[bytes, bytes, bytes, tuple[str, ...]]:
        options = self._options
        cert, key, ca = (
            b"" if path is None else _content(path)
            for path in (options.peer_cert, options.peer_key, options.peer_ca)
        )
        path = options.peer_token_file
        return cert, key, ca, () if path is None else _tokens(path)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _content(path: str) -> bytes:
    fs = OsFileSystem()
    try:
        if fs.file_size(path) > _FILE_BYTES_MAX:
            raise ValidationError(f"a file of peers is too large max={_FILE_BYTES_MAX} file={path}")
        return read_all(fs, path)
    except (OSError, KvdbError) as error:
        if isinstance(error, ValidationError):
            raise
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ValidationError(f"a file of peers cannot be read file={path} reason={reason}") from error


def _tokens(path: str) -> tuple[str, ...]:
    lines = _content(path).decode("utf-8", "replace").split("\n")
    tokens = tuple(line.strip() for line in lines if line.strip())
    if not 1 <= len(tokens) <= TOKENS_MAX:
        raise ValidationError(f"a token file needs 1 to {TOKENS_MAX} lines lines={len(tokens)} file={path}")
    for number, token in enumerate(tokens, 1):
        is_plain = token.isascii() and token.isprintable() and " " not in token
        if not is_plain or not TOKEN_LENGTH_MIN <= len(token) <= TOKEN_LENGTH_MAX:
            raise ValidationError(
                f"a token must have {TOKEN_LENGTH_MIN} to {TOKEN_LENGTH_MAX} characters, ASCII and no spaces "
                f"line={number} file={path}"
            )
    return tokens


def _rehearse(options: ServerOptions) -> None:
    """Shake hands with oneself, in memory: what would keep peers away is better told at the start.

    Raises:
        ValidationError: the certificate, its key, the authority and the region's name do not fit.
    """
    region = options.database.region_name
    try:
        server, client = (
            _context(options, ssl.PROTOCOL_TLS_SERVER),
            _context(options, ssl.PROTOCOL_TLS_CLIENT),
        )
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        sides: list[Callable[[], None]] = [
            client.wrap_bio(to_client, to_server, server_hostname=region).do_handshake,
            server.wrap_bio(to_server, to_client, server_side=True).do_handshake,
        ]
        for _ in range(_TURNS_MAX):
            waiting = [side for side in sides if not _is_done(side)]
            if not waiting:
                return
        raise ValidationError("the handshake of this region with itself does not end")
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or str(error)
        raise ValidationError(
            "the certificate for peers does not do: it must be valid, of the key and of the authority given, "
            "and have the region's name as a DNS name "
            f"region={region} file={options.peer_cert} reason={reason}"
        ) from error


def _context(options: ServerOptions, protocol: int) -> ssl.SSLContext:
    assert options.peer_cert is not None
    context = ssl.SSLContext(protocol)
    context.verify_mode = ssl.CERT_REQUIRED
    if protocol == ssl.PROTOCOL_TLS_CLIENT:
        # The subject's common name is no name of a region.
        context.hostname_checks_common_name = False
    # Without an answer of ours it would ask the terminal for the password of an encrypted key.
    context.load_cert_chain(options.peer_cert, options.peer_key, password=lambda: "")
    context.load_verify_locations(options.peer_ca)
    return context


def _is_done(handshake: Callable[[], None]) -> bool:
    try:
        handshake()
    except ssl.SSLWantReadError:
        return False
    return True
