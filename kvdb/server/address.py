"""Addresses to listen on: their form, and whether other machines can reach them."""

from __future__ import annotations

import ipaddress

from kvdb.errors import ValidationError


def host_and_port(address: str) -> tuple[str, int]:
    """The parts of ``HOST:PORT``; an IPv6 host stands in brackets, which stay.

    Raises:
        ValidationError: the address has another form.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not host or not (port.isdecimal() and port.isascii() and int(port) < 65_536):
        raise ValidationError(f"address must be HOST:PORT: {address!r}")
    return host, int(port)


def check_is_local(address: str, *, is_insecure: bool) -> str:
    """The host of an address that may be served without knowing who calls.

    Raises:
        ValidationError: it can be reached from elsewhere, and nobody said that it may.
    """
    host, _ = host_and_port(address)
    if not is_insecure and not is_loopback(host):
        raise ValidationError(
            "calls are not authenticated: only a loopback address is served "
            f"unless the server is told to be insecure address={address}"
        )
    return host


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
