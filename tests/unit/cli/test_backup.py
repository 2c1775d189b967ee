from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kvdb.options import DatabaseOptions
from tests.support.command_line import Directory, run
from tests.support.served import in_memory_options, served


def made(directory: Directory, store: Path, *arguments: str) -> dict[str, Any]:
    result = directory.run("backup", "create", "--store", str(store), *arguments, "--json")
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


@pytest.fixture
def airports(tmp_path: Path) -> Directory:
    directory = Directory(tmp_path / "data")
    directory.put({"country": "IS", "icao": "BIKF"})
    return directory


def test_a_backup_is_made_listed_described_and_deleted(airports: Directory, tmp_path: Path) -> None:
    store = tmp_path / "store"
    first = made(airports, store, "--name", "nightly")
    assert (first["name"], first["whole"], first["tables"]) == ("nightly", True, 1)
    second = made(airports, store)
    # The new log alone; it begins with what the database notes when it is opened.
    log_bytes = int(str(second["stored_bytes"]))
    assert log_bytes < int(str(first["stored_bytes"]))
    listed = run("backup", "list", "--store", str(store), "--json").stdout.splitlines()
    assert [json.loads(line)["backup"] for line in listed] == [first["backup"], second["backup"]]
    shown = run("backup", "describe", str(first["backup"]), "--store", str(store))
    assert "airports" in shown.stdout and "nightly" in shown.stdout
    gone = run("backup", "delete", str(first["backup"]), "--store", str(store))
    assert gone.exit_code == 0 and gone.stdout.startswith("removed 1 objects of ")
    again = run("backup", "delete", str(first["backup"]), "--store", str(store))
    assert again.exit_code == 1 and "Backup not found" in again.stderr


def test_chosen_tables_are_backed_up(airports: Directory, tmp_path: Path) -> None:
    airports.run("table", "create", "other", "--key", "id:S")
    facts = made(airports, tmp_path / "store", "--table", "airports")
    assert (facts["whole"], facts["tables"]) == (False, 1)
    refused = airports.run("backup", "create", "--store", str(tmp_path / "store"), "--table", "absent")
    assert refused.exit_code == 1 and "absent not found" in refused.stderr


def test_prune_keeps_what_it_is_told(airports: Directory, tmp_path: Path) -> None:
    store = tmp_path / "store"
    ids = [made(airports, store)["backup"] for _ in range(3)]
    dry = run("backup", "prune", "--store", str(store), "--keep-last", "1", "--dry-run")
    assert dry.stdout.splitlines() == [f"would delete {backup_id}" for backup_id in ids[:2]]
    done = run("backup", "prune", "--store", str(store), "--keep-last", "1")
    assert done.stdout.splitlines()[:2] == [f"deleted {backup_id}" for backup_id in ids[:2]]
    assert run("backup", "prune", "--store", str(store)).exit_code == 1


def test_a_server_makes_a_backup_in_its_own_store(tmp_path: Path) -> None:
    options = in_memory_options(database=DatabaseOptions(backup_store=str(tmp_path / "store")))
    with served(options) as address:
        endpoint = ("--endpoint", f"grpc://{address}")
        run("table", "create", "airports", "--key", "icao:S", *endpoint)
        run("put", "airports", '{"icao": "BIKF"}', *endpoint)
        result = run("backup", "create", "--name", "nightly", "--table", "airports", *endpoint, "--json")
        assert result.exit_code == 0, result.output
        facts = json.loads(result.stdout)
        assert facts["tables"] == 1
        refused = run("backup", "create", "--table", "absent", *endpoint)
        assert refused.exit_code == 1 and "Table not found: absent" in refused.stderr
    listed = run("backup", "list", "--store", str(tmp_path / "store"), "--json").stdout
    assert json.loads(listed)["backup"] == facts["backup"]


def test_a_server_without_a_store_says_so() -> None:
    with served() as address:
        result = run("backup", "create", "--endpoint", f"grpc://{address}")
    assert result.exit_code == 1 and "without a backup store" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("create",), "which database?"),
        (("create", "--data-dir", "absent", "--store", "s"), "no such directory"),
        (("list",), "Missing option '--store'"),
        (("describe", "nonsense", "--store", "s"), "not a backup id"),
        (("list", "--store", "ftp://x/y"), "unknown kind of backup store"),
    ],
)
def test_what_is_not_understood_is_named(arguments: tuple[str, ...], fault: str) -> None:
    result = run("backup", *arguments)
    assert result.exit_code != 0
    assert fault in result.stderr


def test_a_directory_needs_a_store(airports: Directory) -> None:
    result = airports.run("backup", "create")
    assert result.exit_code == 2 and "give --store" in result.stderr
