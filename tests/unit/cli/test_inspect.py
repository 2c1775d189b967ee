from __future__ import annotations

import json
from pathlib import Path

import pytest

from kvdb.cli.exits import Exit
from kvdb.env.fs import OsFileSystem
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.testing import sim_env
from tests.support.command_line import run
from tests.support.engines import small_options


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A log with three operations, an sstable with a range delete and without what was deleted before it was
    made, a manifest with two edits."""
    path = tmp_path / "db"
    engine = Engine.open(str(path), sim_env(OsFileSystem()), small_options())
    for number in range(8):
        engine.write(WriteBatch().put(b"key-%d" % number, b"v" * 100))
    engine.write(WriteBatch().delete(b"key-3").delete_range(b"key-5", b"key-7"))
    engine.flush()
    engine.write(WriteBatch().put(b"late", b"x").delete(b"key-0").delete_range(b"a", b"b"))
    engine.close()
    return path


def newest(directory: Path, pattern: str) -> Path:
    return sorted(directory.glob(pattern))[-1]


def inspected(kind: str, file: Path, *options: str, code: int = 0) -> list[dict[str, object]]:
    result = run("inspect", kind, str(file), "--json", *options)
    assert result.exit_code == code, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def test_a_log_is_printed_operation_by_operation(directory: Path) -> None:
    rows = inspected("wal", newest(directory, "*.log"))
    assert [(row["seqno"], row["kind"]) for row in rows] == [
        (11, "put"),
        (12, "delete"),
        (13, "delete_range"),
    ]
    assert {row["offset"] for row in rows} == {512}


def test_the_part_of_a_log_before_a_defect_is_printed_and_the_defect_named(directory: Path) -> None:
    path = newest(directory, "*.log")
    flip(path, path.stat().st_size - 3)
    result = run("inspect", "wal", str(path), "--json")
    assert result.exit_code == Exit.DAMAGED
    assert f"file={path.name} offset=512" in result.stderr
    assert result.stdout == ""


def test_a_torn_end_of_a_log_is_told_and_is_no_damage(directory: Path) -> None:
    path = newest(directory, "*.log")
    path.write_bytes(path.read_bytes()[:-3])
    result = run("inspect", "wal", str(path))
    assert result.exit_code == 0
    assert "torn or empty from offset 512" in result.stderr


def test_an_sstable_is_printed_with_properties_and_blocks(directory: Path) -> None:
    facts, *blocks = inspected("sst", newest(directory, "*.sst"))
    assert (facts["entries"], facts["tombstones"], facts["range_tombstones"]) == (6, 1, 1)
    assert sum(int(str(block["entries"])) for block in blocks) == 6
    assert len(blocks) > 1


def test_an_sstable_is_printed_entry_by_entry(directory: Path) -> None:
    rows = inspected("sst", newest(directory, "*.sst"), "--entries")
    assert [row["kind"] for row in rows].count("put") == 5
    assert rows[-1]["kind"] == "delete_range"
    assert (rows[0]["value_bytes"], rows[0]["seqno"]) == (100, 1)


def test_a_bad_block_is_named_and_the_others_are_printed(directory: Path) -> None:
    path = newest(directory, "*.sst")
    whole = inspected("sst", path, "--entries")
    flip(path, 10)
    rows = inspected("sst", path, "--entries", code=Exit.DAMAGED)
    assert 0 < len(rows) < len(whole)
    assert len(inspected("sst", path, code=Exit.DAMAGED)) > 1
    assert f"block checksum mismatch file={path.name} offset=0" in run("inspect", "sst", str(path)).stderr


def test_a_manifest_is_printed_edit_by_edit(directory: Path) -> None:
    rows = inspected("manifest", newest(directory, "MANIFEST-*"))
    assert [row["change"] for row in rows if row["change"] != "tick"] == ["position", "position", "add"]
    (added,) = [row for row in rows if row["change"] == "add"]
    assert (added["level"], added["entries"]) == (0, 6)


def test_a_damaged_manifest_is_printed_up_to_the_defect(directory: Path) -> None:
    path = newest(directory, "MANIFEST-*")
    flip(path, path.stat().st_size - 3)
    rows = inspected("manifest", path, code=Exit.DAMAGED)
    assert [row["change"] for row in rows] == ["position"]


@pytest.mark.parametrize(("kind", "pattern"), [("wal", "*.sst"), ("sst", "CURRENT"), ("manifest", "*.log")])
def test_a_file_of_another_kind_is_refused_by_name(directory: Path, kind: str, pattern: str) -> None:
    result = run("inspect", kind, str(newest(directory, pattern)))
    assert result.exit_code == Exit.USAGE
    assert "is not the name of" in result.stderr


def test_a_file_that_is_no_sstable_at_all_is_refused_in_one_line(directory: Path) -> None:
    path = newest(directory, "*.sst")
    path.write_bytes(b"")
    result = run("inspect", "sst", str(path))
    assert result.exit_code == Exit.STORAGE
    assert result.stderr.count("\n") == 1
