"""``kvdb archive`` and ``kvdb restore --archive``, on a directory and a store on disk."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

import kvdb
from kvdb.cli.exits import Exit
from tests.support.command_line import Directory, run


def wait_for_base(store: str) -> None:
    """A database that is closed before its archive has a base leaves nothing to restore from."""
    deadline = time.monotonic() + 30
    while not run("archive", "points", "--archive", store, "--json").stdout:
        assert time.monotonic() < deadline, "no base"
        time.sleep(0.02)


@pytest.fixture
def archived(tmp_path: Path) -> tuple[str, int]:
    """A store with the archive of a closed database of ten items; and when five of them were there."""
    store = str(tmp_path / "store")
    with kvdb.open(str(tmp_path / "db"), archive=store) as db:
        table = db.create_table("ttt", key=("k", "N"))
        wait_for_base(store)
        for number in range(5):
            table.put({"k": number})
        five_ms = time.time_ns() // 1_000_000
        while time.time_ns() // 1_000_000 <= five_ms:
            pass
        for number in range(5, 10):
            table.put({"k": number})
    return store, five_ms


def test_the_status_of_an_archive_needs_the_store_alone(archived: tuple[str, int]) -> None:
    result = run("archive", "status", "--archive", archived[0], "--json")
    assert result.exit_code == Exit.OK, result.output
    facts = json.loads(result.stdout)
    assert facts["state"] == "stopped"
    assert facts["is_written"] is False
    assert facts["seqno"] > 10
    assert facts["gaps"] == 0


def test_points_and_their_gaps_are_listed(archived: tuple[str, int]) -> None:
    result = run("archive", "points", "--archive", archived[0], "--json")
    (found,) = map(json.loads, result.stdout.splitlines())
    assert found["from_seqno"] <= found["until_seqno"]


def test_a_point_in_time_is_restored_to_a_directory_and_a_dry_run_makes_none(
    archived: tuple[str, int], tmp_path: Path
) -> None:
    at = datetime.fromtimestamp(archived[1] / 1000, UTC).isoformat(timespec="milliseconds")
    target = tmp_path / "restored"
    arguments = ("restore", "--archive", archived[0], "--at", at, "--to", str(target), "--json")
    dry = run(*arguments, "--dry-run")
    assert dry.exit_code == Exit.OK, dry.output
    assert not target.exists()
    done = run(*arguments)
    assert done.exit_code == Exit.OK, done.output
    assert json.loads(dry.stdout).items() <= json.loads(done.stdout).items()
    with kvdb.open(str(target)) as db:
        assert len(list(db.table("ttt").scan())) == 5
    again = run(*arguments)
    assert again.exit_code == Exit.STORAGE
    assert "there already" in again.stderr


def test_a_seqno_and_the_newest_point_are_restored(archived: tuple[str, int], tmp_path: Path) -> None:
    assert run("restore", "--archive", archived[0], "--to", str(tmp_path / "newest")).exit_code == Exit.OK
    with kvdb.open(str(tmp_path / "newest")) as db:
        assert len(list(db.table("ttt").scan())) == 10
    facts = json.loads(run("archive", "status", "--archive", archived[0], "--json").stdout)
    seqno = str(facts["seqno"] - 1)
    result = run("restore", "--archive", archived[0], "--seqno", seqno, "--to", str(tmp_path / "before"))
    assert result.exit_code == Exit.OK, result.output
    with kvdb.open(str(tmp_path / "before")) as db:
        assert len(list(db.table("ttt").scan())) == 9


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("--at", "2026-11-29"), 2, "a time with its zone"),
        (("--at", "2000-01-01T00:00:00Z", "--seqno", "3"), 2, "one of --at"),
        (("--at", "2000-01-01T00:00:00Z"), 1, "begins later"),
        (("--at", "2100-01-01T00:00:00Z"), 1, "complete up to"),
        (("--seqno", "100000"), 1, "not in the archive yet"),
        (("--label", "none"), 1, "no such label"),
        (("--database", "xyz"), 1, "32 hex digits"),
        (("--database", "00" * 16), 1, "no archive"),
        (("--backup", "20261129000000-00000000"), 2, "not both"),
    ],
)
def test_what_cannot_be_restored_is_refused_and_there_is_no_target(
    archived: tuple[str, int], tmp_path: Path, arguments: tuple[str, ...], code: int, reason: str
) -> None:
    target = tmp_path / "restored"
    result = run("restore", "--archive", archived[0], *arguments, "--to", str(target))
    assert result.exit_code == code, result.output
    assert reason in result.stderr
    assert not target.exists()


def test_a_log_that_is_gone_restores_nothing_and_there_is_no_target(
    archived: tuple[str, int], tmp_path: Path
) -> None:
    for chunk in Path(archived[0], "log").rglob("*.chunk"):
        chunk.unlink()
    target = tmp_path / "restored"
    result = run("restore", "--archive", archived[0], "--seqno", "10", "--to", str(target))
    assert result.exit_code == Exit.REFUSED
    assert "not in the archive" in result.stderr
    assert not target.exists()


def test_a_damaged_chunk_is_named_and_there_is_no_target(archived: tuple[str, int], tmp_path: Path) -> None:
    chunks = sorted(Path(archived[0], "log").rglob("*.chunk"))
    data = bytearray(chunks[-1].read_bytes())
    data[len(data) // 2] ^= 1
    chunks[-1].write_bytes(data)
    target = tmp_path / "restored"
    result = run("restore", "--archive", archived[0], "--to", str(target))
    assert result.exit_code == Exit.STORAGE
    assert chunks[-1].name in result.stderr
    assert not target.exists()


def test_a_store_without_an_archive_says_so(tmp_path: Path) -> None:
    result = run("archive", "status", "--archive", str(tmp_path / "nothing"))
    assert result.exit_code == Exit.REFUSED
    assert "no archive" in result.stderr


def test_restore_of_a_backup_needs_its_store(tmp_path: Path) -> None:
    result = run("restore", "--to", str(tmp_path / "x"), environment={"KVDB_BACKUP_STORE": None})
    assert result.exit_code == 2
    assert "--archive" in result.stderr


def test_serve_refuses_a_window_that_is_none(tmp_path: Path) -> None:
    directory = Directory(tmp_path / "data")
    result = run("serve", "--data-dir", directory.path, "--archive", str(tmp_path), "--archive-days", "36")
    assert result.exit_code == 2
    assert "36" in result.stderr
