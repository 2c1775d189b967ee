"""Databases of every released format must open, and read as what was written, for ever."""

from __future__ import annotations

import pathlib
import shutil

import pytest

import kvdb
from kvdb import Key
from kvdb.env.fs import OsFileSystem
from kvdb.lsm.filenames import parse
from kvdb.lsm.verify import verify_directory
from tests.support.command_line import run
from tools.golden import ITEMS

DATABASES = sorted(pathlib.Path(__file__).parent.glob("database_*"))


def test_there_is_a_database_of_each_format() -> None:
    assert [path.name for path in DATABASES] == ["database_1"]


@pytest.mark.parametrize("golden", DATABASES, ids=lambda path: path.name)
def test_it_opens_and_reads_as_it_was_written(golden: pathlib.Path, tmp_path: pathlib.Path) -> None:
    shutil.copytree(golden, tmp_path / "db")
    for _ in range(2):
        with kvdb.open(str(tmp_path / "db")) as db:
            assert db.tables() == ["airports"]
            table = db.table("airports")
            assert sorted(table.scan(), key=lambda item: str(item["icao"])) == ITEMS
            assert [item["icao"] for item in table.query(Key("country").eq("IS"))] == ["BIKF", "BIRK"]
            assert [element.attribute_name for element in table.describe().key_schema] == ["country", "icao"]


def test_it_holds_a_log_with_batches_and_an_sstable() -> None:
    sizes = {path.suffix: path.stat().st_size for path in DATABASES[-1].iterdir()}
    assert sizes[".log"] > 3000
    assert sizes[".sst"] > 500


def test_it_has_a_file_of_every_kind_that_has_a_format() -> None:
    kinds = {parsed.kind for path in DATABASES[-1].iterdir() if (parsed := parse(path.name)) is not None}
    assert kinds == {"identity", "current", "manifest", "log", "sstable"}


@pytest.mark.parametrize("golden", DATABASES, ids=lambda path: path.name)
def test_every_byte_of_it_is_as_it_was_written(golden: pathlib.Path) -> None:
    report = verify_directory(OsFileSystem(), str(golden), deep=True).run()
    assert report.findings == []
    assert report.entries > 5
    assert (report.sstables, report.logs) == (1, 1)


@pytest.mark.parametrize(
    ("kind", "pattern"), [("wal", "*.log"), ("sst", "*.sst"), ("manifest", "MANIFEST-*")]
)
def test_each_of_its_files_is_printed(kind: str, pattern: str) -> None:
    (file,) = DATABASES[-1].glob(pattern)
    result = run("inspect", kind, str(file), "--json")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) >= 2
