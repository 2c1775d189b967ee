from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from click.testing import Result

import kvdb
from kvdb.options import DatabaseOptions
from tests.support.command_line import Directory, run
from tests.support.served import in_memory_options, served


class Backed:
    """A directory with two tables, and a backup of both."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = str(root / "store")
        self.source = Directory(root / "data")
        self.source.put({"country": "IS", "icao": "BIKF"}, {"country": "FR", "icao": "LFPG"})
        self.source.run("table", "create", "other", "--key", "id:S")
        self.source.run("put", "other", '{"id": "secret"}')
        made = self.source.run("backup", "create", "--store", self.store, "--json")
        self.backup = json.loads(made.stdout)["backup"]

    def restore(self, *arguments: str) -> Result:
        return run("restore", "--store", self.store, "--backup", self.backup, *arguments)


@pytest.fixture
def backed(tmp_path: Path) -> Backed:
    return Backed(tmp_path)


def tables_of(data_dir: str) -> list[str]:
    return run("table", "list", "--data-dir", data_dir).stdout.split()


def icaos(data_dir: str, table: str = "airports") -> list[str]:
    lines = run("scan", table, "--data-dir", data_dir, "--json").stdout.splitlines()
    return sorted(json.loads(line)["icao"] for line in lines)


def test_a_dry_run_says_what_would_be_restored_and_makes_nothing(backed: Backed) -> None:
    target = backed.root / "again"
    result = backed.restore("--to", str(target), "--dry-run", "--json")
    facts, *rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert facts["tables"] == 2
    assert facts["bytes"] == sum(path.stat().st_size for path in Path(backed.store, "objects").iterdir())
    assert [row["table"] for row in rows] == ["airports", "other"]
    assert not target.exists()
    target.mkdir()
    refused = backed.restore("--to", str(target), "--dry-run")
    assert refused.exit_code == 6 and "is there already" in refused.stderr


def test_a_directory_is_restored_from_the_store_alone(backed: Backed) -> None:
    target = str(backed.root / "again")
    assert backed.restore("--to", target).exit_code == 0
    assert tables_of(target) == ["airports", "other"]
    assert icaos(target) == ["BIKF", "LFPG"]


def test_a_chosen_table_comes_without_a_trace_of_the_others(backed: Backed) -> None:
    target = str(backed.root / "again")
    result = backed.restore("--to", target, "--table", "airports", "--json")
    assert json.loads(result.stdout)["tables"] == 1
    assert tables_of(target) == ["airports"]
    assert icaos(target) == ["BIKF", "LFPG"]
    run("table", "create", "other", "--key", "id:S", "--data-dir", target)
    assert run("scan", "other", "--data-dir", target, "--json").stdout == ""
    for path in Path(target).iterdir():
        assert b"secret" not in path.read_bytes()


def test_a_backup_of_chosen_tables_restores_those(backed: Backed) -> None:
    made = backed.source.run("backup", "create", "--store", backed.store, "--table", "other", "--json")
    backed.backup = json.loads(made.stdout)["backup"]
    target = str(backed.root / "again")
    assert backed.restore("--to", target).exit_code == 0
    assert tables_of(target) == ["other"]


def test_a_table_is_restored_into_a_directory_in_use_by_nobody(backed: Backed) -> None:
    result = backed.restore("--table", "airports", "--as", "copy", "--data-dir", backed.source.path, "--json")
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert (facts["from_table"], facts["to_table"]) == ("airports", "copy")
    assert icaos(backed.source.path, "copy") == ["BIKF", "LFPG"]
    taken = backed.restore("--table", "airports", "--as", "other", "--data-dir", backed.source.path)
    assert taken.exit_code == 1 and "Table already exists: other" in taken.stderr


@pytest.mark.parametrize(("command", "after"), [("confirm", ["BIKF", "LFPG"]), ("roll-back", ["EGLL"])])
def test_a_table_goes_back_in_place(backed: Backed, command: str, after: list[str]) -> None:
    where = ("--data-dir", backed.source.path)
    for country, icao in (("IS", "BIKF"), ("FR", "LFPG")):
        run("delete", "airports", json.dumps({"country": country, "icao": icao}), *where)
    backed.source.put({"country": "GB", "icao": "EGLL"})
    result = backed.restore("--table", "airports", "--in-place", *where, "--json")
    assert result.exit_code == 0, result.output
    aside = json.loads(result.stdout)["kept_aside_as"]
    assert icaos(backed.source.path) == ["BIKF", "LFPG"]
    assert icaos(backed.source.path, aside) == ["EGLL"]
    assert run("backup", command, "airports", *where).exit_code == 0
    assert icaos(backed.source.path) == after
    assert aside not in tables_of(backed.source.path)


def test_a_table_is_restored_into_a_running_server(backed: Backed) -> None:
    options = in_memory_options(database=DatabaseOptions(backup_store=backed.store))
    with served(options) as address:
        endpoint = ("--endpoint", f"grpc://{address}")
        dry = run("restore", "--backup", backed.backup, "--table", "airports", "--dry-run", *endpoint)
        assert dry.exit_code == 0 and "to_table" in dry.stdout
        assert run("table", "list", *endpoint).stdout == ""
        done = run("restore", "--backup", backed.backup, "--table", "airports", *endpoint)
        assert done.exit_code == 0, done.output
        lines = run("scan", "airports", "--json", *endpoint).stdout.splitlines()
        assert len(lines) == 2


def test_what_is_not_in_the_backup_makes_nothing(backed: Backed) -> None:
    target = backed.root / "again"
    result = backed.restore("--to", str(target), "--table", "absent")
    assert result.exit_code == 1 and "table is not in the backup table=absent" in result.stderr
    assert not target.exists()
    assert not Path(f"{target}.restoring").exists()


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("--to", "d"), "give --backup"),
        (("--backup", "b", "--to", "d"), "give --store"),
        (("--backup", "b", "--to", "d", "--store", "s", "--as", "t"), "not for --to"),
        (("--backup", "b", "--to", "d", "--store", "s", "--seqno", "1"), "give --backup"),
        (("--archive", "a", "--backup", "b", "--to", "d"), "not both"),
        (("--archive", "a"), "restored --to a directory"),
        (("--backup", "b"), "which database?"),
        (("--backup", "b", "--table", "t", "--table", "u"), "one table at a time"),
        (("--backup", "b", "--data-dir", "d"), "give --store"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments: tuple[str, ...], fault: str) -> None:
    result = run("restore", *arguments, environment={"KVDB_BACKUP_STORE": None})
    assert result.exit_code == 2
    assert fault in result.stderr


def test_chosen_tables_are_restored_as_of_a_point_of_the_archive(tmp_path: Path) -> None:
    archive = str(tmp_path / "archive")
    with kvdb.open(str(tmp_path / "data"), archive=archive) as db:
        db.create_table("other", key=("id", "S")).put({"id": "1"})
        while not run("archive", "points", "--archive", archive, "--json").stdout:
            time.sleep(0.02)
        db.create_table("airports", key=("icao", "S")).put({"icao": "BIKF"})
        point = db.label_archive("before")
        db.table("airports").put({"icao": "LFPG"})
    target = str(tmp_path / "then")
    at = ("--seqno", str(point.seqno))
    done = run("restore", "--archive", archive, *at, "--to", target, "--table", "airports")
    assert done.exit_code == 0, done.output
    assert tables_of(target) == ["airports"]
    assert icaos(target) == ["BIKF"]
    absent = run("restore", "--archive", archive, "--to", f"{target}2", "--table", "absent")
    assert absent.exit_code == 1 and "table is not in the backup table=absent" in absent.stderr
    assert not Path(f"{target}2").exists()
