"""Whatever the items, an export that is imported gives the same items, in every format."""

from __future__ import annotations

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvdb.backup.transfer.csv_records import CsvOptions
from kvdb.backup.transfer.objects import reader_of
from kvdb.backup.transfer.records import EXPORT_FORMATS, BadHeader, ExportFormat, ItemChange
from kvdb.errors import CorruptionError, ValidationError
from kvdb.item.value import Item, equals
from kvdb.testing import MemFileSystem, sim_env
from tests.support.backups import flip
from tests.support.strategies import items
from tests.support.transfers import exported, facts, imported, numbered, transfer_store


def tables() -> st.SearchStrategy[list[Item]]:
    return st.lists(items(), max_size=6).map(
        lambda found: [{**item, "id": f"i{place}"} for place, item in enumerate(found)]
    )


@pytest.mark.parametrize("format", EXPORT_FORMATS)
@given(contents=tables())
def test_a_full_export_comes_back(format: ExportFormat, contents: list[Item]) -> None:
    back = imported(exported(sim_env(), contents, facts(format), file_bytes=200))

    assert len(back) == len(contents)
    assert all(equals(back[str(item["id"])], item) for item in contents)


@pytest.mark.parametrize("format", ["DYNAMODB_JSON", "CBOR"])
@given(contents=tables())
def test_the_new_images_of_an_incremental_export_come_back(
    format: ExportFormat, contents: list[Item]
) -> None:
    changes = [ItemChange(1, {"id": item["id"]}, item, item) for item in contents]

    back = imported(exported(sim_env(), changes, facts(format, from_ms=1), file_bytes=200))

    assert len(back) == len(contents)
    assert all(equals(back[str(item["id"])], item) for item in contents)


@pytest.mark.parametrize("format", EXPORT_FORMATS)
@pytest.mark.parametrize("has_changes", [False, True])
@given(data=st.binary(max_size=60) | st.text('{"}:,[]SNa1\\\n\r', max_size=60).map(str.encode))
def test_whatever_the_bytes_a_reader_tells_records_and_faults(
    format: ExportFormat, has_changes: bool, data: bytes
) -> None:
    for is_typed in (False, True):
        read = reader_of(format, CsvOptions(is_typed=is_typed), has_changes=has_changes)
        with contextlib.suppress(BadHeader):
            for record in read(io.BytesIO(data)):
                assert record.fault is None or not record.item


@pytest.mark.parametrize("format", EXPORT_FORMATS)
def test_no_flipped_bit_of_an_export_goes_unnoticed(format: ExportFormat) -> None:
    contents = numbered(30)
    fs = MemFileSystem()
    store = exported(sim_env(fs), contents, facts(format), file_bytes=500)
    whole = imported(store)
    flips = 0
    for stored in list(store.listed("AWSDynamoDB/")):
        path = f"place/{stored.name}"
        for place in range(0, stored.size, 2):
            flip(fs, path, place, place // 2 % 8)
            try:
                found = imported(transfer_store(sim_env(fs)))
                # Only what says nothing may differ: the blanks around a checksum.
                assert found == whole
                assert stored.name.endswith(".md5")
            except (CorruptionError, ValidationError):
                pass
            flip(fs, path, place, place // 2 % 8)
            flips += 1
    assert flips > 400
    assert imported(store) == whole
