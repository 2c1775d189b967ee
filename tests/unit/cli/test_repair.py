from __future__ import annotations

import json
from pathlib import Path

import pytest

from kvdb.cli.exits import Exit
from tests.support.command_line import Directory, run
from tests.unit.cli.test_check import damage


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    made = Directory(tmp_path / "data")
    made.put({"country": "IS", "icao": "BIKF"}, {"country": "IS", "icao": "BIRK"})
    return made


def repaired(directory: Directory, *options: str) -> tuple[int, list[dict[str, object]], Path]:
    target = Path(directory.path).parent / "out"
    result = run("repair", directory.path, "--out", str(target), "--json", *options)
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()], target


def items(path: Path) -> set[str]:
    result = run("scan", "airports", "--data-dir", str(path), "--json")
    assert result.exit_code == 0, result.output
    return {json.loads(line)["icao"] for line in result.stdout.splitlines()}


def test_nothing_lost_is_exit_code_0(directory: Directory) -> None:
    code, lines, target = repaired(directory)
    assert code == Exit.OK
    assert lines[-1]["result"] == "whole"
    assert items(target) == items(Path(directory.path)) == {"BIKF", "BIRK"}


def test_what_is_lost_is_printed_with_file_offset_and_keys(directory: Directory) -> None:
    path = damage(directory, "*.sst", 10)
    code, lines, target = repaired(directory)
    assert code == Exit.DAMAGED
    assert (lines[0]["file"], lines[0]["offset"]) == (path.name, 0)
    assert "first_key" in lines[0]
    assert lines[-1] == {**lines[-1], "result": "damaged", "losses": 1}
    assert run("check", "--data-dir", str(target), "--deep").exit_code == Exit.OK


def test_losing_the_end_of_the_log_has_to_be_accepted(directory: Directory) -> None:
    path = sorted(Path(directory.path).glob("*.log"))[-1]
    # In the record of the second item; a count of the table may have been stored behind it.
    damage(directory, path.name, path.read_bytes().rindex(b"BIRK"))
    before = path.read_bytes()
    code, lines, target = repaired(directory)
    assert code == Exit.STORAGE
    assert lines[0]["file"] == path.name
    assert not target.exists()
    code, lines, target = repaired(directory, "--accept-tail-loss")
    assert code == Exit.DAMAGED
    assert items(target) == {"BIKF"}
    assert path.read_bytes() == before


def test_the_source_may_be_no_database(tmp_path: Path) -> None:
    result = run("repair", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out"))
    assert result.exit_code == Exit.STORAGE
    assert not (tmp_path / "out").exists()
