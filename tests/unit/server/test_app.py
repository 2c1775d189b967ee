"""A server opens its database and its door together, and closes them together."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
from pathlib import Path

import pytest

import kvdb
from kvdb.database.database import Database
from kvdb.options import ServerOptions
from kvdb.server.app import Addresses, Server, serve
from tests.support.served import in_memory_options, served, served_doors


def options_for(path: Path, **changes: object) -> ServerOptions:
    return in_memory_options(data_dir=str(path / "data"), **changes)


def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    with served(options_for(tmp_path)) as address, kvdb.connect(f"grpc://{address}") as db:
        db.create_table("log", key=("id", "N")).put({"id": 1})
    with served(options_for(tmp_path)) as address, kvdb.connect(f"grpc://{address}") as db:
        assert db.table("log").get({"id": 1}) == {"id": 1}


def test_a_database_that_became_read_only_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    options = in_memory_options(grpc_address=None, http_address="127.0.0.1:0", admin_address="127.0.0.1:0")

    def status_of(address: str | None, path: str) -> tuple[int, bytes]:
        host, _, port = str(address).rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    with served_doors(options) as addresses:
        assert status_of(addresses.admin, "/ready")[0] == status_of(addresses.http, "/")[0] == 200
        monkeypatch.setattr(Database, "why_degraded", "log sync failed: no such place")
        assert status_of(addresses.admin, "/ready") == (503, b"not ready: read-only until reopened\n")
        assert status_of(addresses.http, "/") == (503, b"unhealthy: read-only until reopened ")
        assert status_of(addresses.admin, "/health")[0] == 200


def test_a_stopped_server_has_let_go_of_its_directory(tmp_path: Path) -> None:
    with served(options_for(tmp_path)), pytest.raises(kvdb.DatabaseLocked):
        kvdb.open(str(tmp_path / "data"))
    kvdb.open(str(tmp_path / "data")).close()


def test_a_server_that_cannot_listen_has_let_go_too(tmp_path: Path) -> None:
    async def start() -> None:
        with pytest.raises(kvdb.ValidationError, match="address must be"):
            await Server(options_for(tmp_path, grpc_address="nowhere")).start()

    asyncio.run(start())
    kvdb.open(str(tmp_path / "data")).close()


def test_a_directory_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "letter.txt").write_text("mine")

    async def start() -> None:
        with pytest.raises(kvdb.NotADatabase):
            await Server(options_for(tmp_path)).start()

    asyncio.run(start())
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["letter.txt"]


def test_stopping_twice_or_before_the_start_is_fine() -> None:
    async def use() -> None:
        server = Server(in_memory_options())
        await server.stop()
        await server.start()
        await server.stop(grace_ms=10)
        await server.stop()

    asyncio.run(use())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_serving_with_exit_code_0(number: signal.Signals, tmp_path: Path) -> None:
    ready: list[str] = []

    def on_ready(addresses: Addresses) -> None:
        ready.append(str(addresses))
        os.kill(os.getpid(), number)

    assert serve(options_for(tmp_path), on_ready) == 0
    assert ready[0].startswith("grpc=127.0.0.1:")
    kvdb.open(str(tmp_path / "data")).close()
