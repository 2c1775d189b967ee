from __future__ import annotations

import pytest

from kvdb.options import SYNC_MODES
from tests.support.command_line import run


def test_a_server_needs_a_directory() -> None:
    result = run("serve")

    assert result.exit_code == 2
    assert "Missing option '--data-dir'" in result.stderr


def test_a_sync_mode_is_one_of_those_there_are() -> None:
    result = run("serve", "--data-dir", "unused", "--sync", "sometimes")

    assert result.exit_code == 2
    assert all(mode in result.stderr for mode in SYNC_MODES)


@pytest.mark.parametrize("address", ["nonsense", "localhost", "localhost:http", ":", "localhost:70000"])
def test_an_address_that_is_none_is_refused_by_name(address: str, tmp_path: object) -> None:
    result = run("serve", "--data-dir", f"{tmp_path}/data", "--grpc", address)

    assert (result.exit_code, result.stdout) == (1, "")
    assert address in result.stderr
