"""The ways in, and what they refuse."""

from __future__ import annotations

import asyncio
import subprocess
import sys
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


def test_sync_goes_before_the_options() -> None:
    options = DatabaseOptions(engine=EngineOptions(sync="none", block_size_bytes=1000), region=3)
    chosen = connect_module._database_options("group", options)
    assert chosen == DatabaseOptions(engine=EngineOptions(sync="group", block_size_bytes=1000), region=3)
    assert connect_module._database_options(None, options) == options
    assert connect_module._database_options(None, None).engine.sync == "commit"


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
