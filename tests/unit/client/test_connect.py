"""The ways in, and what they refuse."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

import kvdb
from kvdb.client import connect as connect_module
from kvdb.options import DatabaseOptions, EngineOptions


def test_a_directory_is_opened_closed_and_opened_again(tmp_path: Path) -> None:
    path = str(tmp_path / "data")
    with kvdb.open(path) as db:
        db.create_table("log", key=("id", "N")).put({"id": 1})
        with pytest.raises(kvdb.DatabaseLocked):
            kvdb.open(path)
    with kvdb.open(path, sync="none") as db:
        assert db.table("log").get({"id": 1}) == {"id": 1}


def test_a_database_in_memory_is_nobody_elses() -> None:
    with kvdb.open(":memory:") as first, kvdb.open(":memory:") as second:
        first.create_table("log", key=("id", "N"))
        assert second.tables() == []


def test_the_async_twin_opens_the_same_directory(tmp_path: Path) -> None:
    async def use() -> object:
        async with await kvdb.open_async(str(tmp_path / "data")) as db:
            table = await db.create_table("log", key=("id", "N"))
            await table.put({"id": 1})
            return await table.get({"id": 1})

    assert asyncio.run(use()) == {"id": 1}


@pytest.mark.parametrize("sync", ["commit", "group", "interval", "none"])
def test_every_sync_mode_opens(sync: str) -> None:
    with kvdb.open(":memory:", sync=sync) as db:
        db.create_table("log", key=("id", "N")).put({"id": 1})


def test_what_is_given_beside_the_options_goes_before_them() -> None:
    options = DatabaseOptions(engine=EngineOptions(sync="none", block_size_bytes=1000), region=3)

    def chosen(*given: object) -> DatabaseOptions:
        return connect_module._database_options(*given, read_only=False)  # type: ignore[arg-type]

    assert chosen(options, None, None, None) == options
    assert chosen(None, None, None, None) == DatabaseOptions()
    assert chosen(options, "group", "open", 1.5) == DatabaseOptions(
        engine=EngineOptions(sync="group", block_size_bytes=1000, history_retention_ms=1_500),
        region=3,
        limits="open",
    )
    assert chosen(None, None, None, timedelta(hours=1)).engine.history_retention_ms == 3_600_000


@pytest.mark.parametrize("retention", [-1, float("nan"), float("inf"), "1h", True])
def test_a_history_retention_that_is_no_time_is_refused(retention: object) -> None:
    with pytest.raises(kvdb.ValidationError, match="history_retention must be"):
        kvdb.open(":memory:", history_retention=retention)  # type: ignore[arg-type]


def test_an_unknown_sync_mode_is_refused() -> None:
    with pytest.raises(kvdb.ValidationError, match="sync must be one of commit, group"):
        kvdb.open(":memory:", sync="always")


@pytest.mark.parametrize(
    "target",
    [
        "localhost:7400",
        "http://localhost:7400",
        "grpc://localhost",
        "grpc://:7400",
        "grpc://localhost:port",
        "grpc://localhost:70000",
        "grpc://localhost:7400/path",
        "grpc://localhost:7400?x=1",
        "grpc://me@localhost:7400",
        "grpc://[::1:7400",
        "",
        None,
        5,
    ],
)
def test_a_target_of_another_form_is_refused(target: object) -> None:
    with pytest.raises(kvdb.ValidationError, match="target must be grpc://HOST:PORT"):
        kvdb.connect(target)
    with pytest.raises(kvdb.ValidationError, match="target must be grpc://HOST:PORT"):
        asyncio.run(kvdb.connect_async(target))


@pytest.mark.parametrize("address", ["localhost:7400", "127.0.0.1:1", "[::1]:7400"])
def test_a_target_names_an_address(address: str) -> None:
    assert connect_module._address(f"grpc://{address}") == address


def test_without_grpc_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "grpc", None)
    monkeypatch.delitem(sys.modules, "kvdb.client.grpc_transport", raising=False)
    monkeypatch.delattr(sys.modules["kvdb.client"], "grpc_transport", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r"needs grpc: pip install 'kvdb\[client\]'"):
        kvdb.connect("grpc://localhost:7400")


def test_nobody_pays_for_grpc_who_does_not_ask_for_it() -> None:
    code = (
        "import sys, kvdb; kvdb.open(':memory:').close();"
        "print([name for name in sys.modules if name.startswith(('grpc', 'google.protobuf'))])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
