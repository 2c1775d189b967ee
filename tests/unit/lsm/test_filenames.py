from __future__ import annotations

import pytest

from kvdb.lsm.filenames import FileName, log_name, manifest_name, parse, sstable_name


@pytest.mark.parametrize("number", [0, 7, 999_999, 1_000_000, 10**12])
def test_numbered_names_parse_back(number: int) -> None:
    assert parse(log_name(number)) == FileName("log", number)
    assert parse(sstable_name(number)) == FileName("sstable", number)
    assert parse(manifest_name(number)) == FileName("manifest", number)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("CURRENT", "current"), ("IDENTITY", "identity"), ("LOCK", "lock"), ("CURRENT.tmp", "temporary")],
)
def test_fixed_names_are_known(name: str, kind: str) -> None:
    assert parse(name) == FileName(kind, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["", "1.log", "000001.log\n", "000001.sst.bak", "x000001.log", "MANIFEST-", "notes.txt"]
)
def test_a_strangers_name_is_none_of_ours(name: str) -> None:
    assert parse(name) is None
