from __future__ import annotations

import json
from pathlib import Path

import pytest

import kvdb
from kvdb.cli.exits import Exit
from tests.support.command_line import Directory, run
from tests.support.served import in_memory_options, served


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    made = Directory(tmp_path / "data")
    made.put({"country": "IS", "icao": "BIKF"}, {"country": "IS", "icao": "BIRK"})
    return made


def damage(directory: Directory, pattern: str, offset: int) -> Path:
    path = sorted(Path(directory.path).glob(pattern))[-1]
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("options", [[], ["--deep"]])
def test_a_good_database_is_clean(directory: Directory, options: list[str]) -> None:
    result = directory.run("check", *options, "--json")
    assert result.exit_code == Exit.OK
    facts = json.loads(result.stdout.splitlines()[-1])
    assert facts["result"] == "clean"
    assert facts["sstables"] > 0


def test_damage_is_named_with_file_and_offset(directory: Directory) -> None:
    path = damage(directory, "*.sst", 10)
    result = directory.run("check", "--json")
    assert result.exit_code == Exit.DAMAGED == 7
    found = [json.loads(line) for line in result.stdout.splitlines()[:-1]]
    assert {row["file"] for row in found} == {path.name}
    assert {
        "severity": "damage",
        "file": path.name,
        "offset": 0,
        "message": "block checksum mismatch",
    } in found


def test_a_check_changes_nothing(directory: Directory) -> None:
    def state() -> list[tuple[str, bytes, int]]:
        return [
            (p.name, p.read_bytes(), p.stat().st_mtime_ns) for p in sorted(Path(directory.path).iterdir())
        ]

    before = state()
    directory.run("check", "--deep")
    assert state() == before


def test_an_open_database_is_refused_by_the_command_and_checked_through_its_handle(
    directory: Directory,
) -> None:
    with kvdb.Database.open(directory.path) as database:
        result = directory.run("check")
        assert result.exit_code == Exit.STORAGE
        assert "DatabaseLocked" in result.stderr
        assert database.check(deep=True).is_clean
    with pytest.raises(kvdb.ClosedError):
        database.check()


def test_damage_is_found_beside_calls_that_go_on(directory: Directory) -> None:
    with kvdb.Database.open(directory.path) as database:
        # Not before it is open: opening reads the catalog, whose rows may be in that block too.
        path = damage(directory, "*.sst", 10)
        report = database.check(pause_ms=0.01)
        assert {found.file for found in report.findings} == {path.name}


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    result = run("check", "--data-dir", str(tmp_path))
    assert result.exit_code == Exit.STORAGE
    assert "NotADatabase" in result.stderr


def test_a_running_server_is_checked_by_its_endpoint(directory: Directory) -> None:
    with served(in_memory_options(data_dir=directory.path)) as address:
        endpoint = ("--endpoint", f"grpc://{address}", "--json")
        clean = run("check", "--deep", *endpoint)
        assert clean.exit_code == Exit.OK
        assert json.loads(clean.stdout.splitlines()[-1])["result"] == "clean"
        path = damage(directory, "*.sst", 10)
        damaged = run("check", *endpoint)
        assert damaged.exit_code == Exit.DAMAGED
        *rows, facts = [json.loads(line) for line in damaged.stdout.splitlines()]
        assert {row["file"] for row in rows} == {path.name}
        assert (facts["result"], facts["damaged"]) == ("damaged", len(rows))
        scrubbed = run("scrub", *endpoint)
        assert (scrubbed.exit_code, json.loads(scrubbed.stdout)) == (Exit.OK, {"result": "none yet"})


def test_a_check_needs_a_database() -> None:
    result = run("check")
    assert result.exit_code == 2
    assert "--endpoint grpc://HOST:PORT or --data-dir DIR" in result.stderr
