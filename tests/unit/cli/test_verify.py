"""``kvdb backup verify`` and ``drill``, on a directory and a store on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kvdb.cli.exits import Exit
from tests.support.command_line import Directory, run


class _Backed:
    def __init__(self, tmp_path: Path) -> None:
        self.store = str(tmp_path / "store")
        self.directory = Directory(tmp_path / "db")
        self.directory.put({"country": "IS", "icao": "BIKF", "elevation": 171})
        self.scratch = tmp_path / "scratch"
        self.scratch.mkdir()
        self.backup_id = self.create()

    def create(self) -> str:
        result = run("backup", "create", "--store", self.store, "--data-dir", self.directory.path, "--json")
        assert result.exit_code == 0, result.output
        return str(json.loads(result.stdout)["backup"])

    def run(self, command: str, *arguments: str) -> tuple[int, list[dict[str, object]]]:
        result = run(
            *("backup", command, "--store", self.store, "--json"),
            *(
                arguments
                if "--history" in arguments or command == "list"
                else ("--scratch", str(self.scratch), *arguments)
            ),
        )
        return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]

    def damage(self) -> Path:
        path = next(Path(self.store, "objects").glob("*.sst"))
        body = bytearray(path.read_bytes())
        body[30] ^= 1
        path.write_bytes(body)
        return path


@pytest.fixture
def backed(tmp_path: Path) -> _Backed:
    return _Backed(tmp_path)


@pytest.mark.parametrize("level", ["files", "structure", "data"])
def test_a_whole_backup_is_clean(backed: _Backed, level: str) -> None:
    code, lines = backed.run("verify", "--level", level)
    assert code == Exit.OK
    assert lines[-1]["result"] == "clean"
    assert lines[-1]["items"] == (1 if level == "data" else 0)


def test_damage_has_an_exit_code_and_names_the_object_and_is_stored_again(backed: _Backed) -> None:
    path = backed.damage()
    code, lines = backed.run("verify", backed.backup_id)
    assert code == Exit.DAMAGED
    assert lines[0]["object_name"] == f"objects/{path.name}"
    assert backed.run("drill")[0] == Exit.DAMAGED
    assert path.name in run("backup", "verify", "--store", backed.store).stdout
    backed.create()
    code, lines = backed.run("drill")
    assert code == Exit.OK
    assert lines[0]["name"] == "airports"
    assert list(backed.scratch.iterdir()) == []


def test_what_was_found_is_shown_beside_the_backups_and_as_history(backed: _Backed) -> None:
    assert backed.run("list")[1][0]["verified"] == "never"
    backed.run("verify")
    backed.run("drill")
    (listed,) = backed.run("list")[1]
    assert str(listed["verified"]).startswith("clean data 20")
    assert str(listed["drilled"]).startswith("clean 20")
    assert [line["check"] for line in backed.run("verify", "--history")[1]] == ["files", "data"]
    assert [line["backup"] for line in backed.run("drill", "--history")[1]] == [backed.backup_id]


def test_an_empty_store_and_a_wrong_name_are_refused(tmp_path: Path, backed: _Backed) -> None:
    for store, name in ((str(tmp_path / "none"), []), (backed.store, ["01795939494164-5268b968"])):
        result = run("backup", "verify", "--store", store, *name)
        assert result.exit_code == Exit.REFUSED, result.output
        assert "BackupNotFound" in result.stderr


def test_a_list_shows_a_damaged_manifest_and_the_others(backed: _Backed) -> None:
    second = backed.create()
    path = Path(backed.store, "backups", f"{backed.backup_id}.json")
    path.write_bytes(path.read_bytes()[:-30])
    code, lines = backed.run("list")
    assert code == Exit.DAMAGED
    assert [(line["backup"], line["kind"]) for line in lines] == [
        (backed.backup_id, "damaged"),
        (second, "user"),
    ]
