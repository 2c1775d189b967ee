"""Addresses to listen on."""

from __future__ import annotations

import pytest

from kvdb.errors import ValidationError
from kvdb.server.address import check_is_local, host_and_port


def test_an_address_has_a_host_and_a_port():
    assert host_and_port("127.0.0.1:80") == ("127.0.0.1", 80)
    assert host_and_port("[::1]:0") == ("[::1]", 0)


@pytest.mark.parametrize("address", ["", "host", ":80", "host:", "host:a", "host:65536", "host:-1", "host:²"])
def test_another_form_is_refused(address):
    with pytest.raises(ValidationError, match="HOST:PORT"):
        host_and_port(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "[::1]", "localhost"])
def test_loopback_is_local(host):
    assert check_is_local(f"{host}:0", is_insecure=False) == host


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "10.0.0.1", "example.org", "localhost.example.org"])
def test_anything_else_needs_leave(host):
    with pytest.raises(ValidationError, match="insecure"):
        check_is_local(f"{host}:0", is_insecure=False)
    assert check_is_local(f"{host}:0", is_insecure=True) == host
