"""Databases of every released format must open, and read as what was written, for ever."""

from __future__ import annotations

import pathlib
import shutil

import pytest

import kvdb
from kvdb import Key
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
