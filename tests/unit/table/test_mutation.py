from __future__ import annotations

import pytest

from kvdb.env.hlc import Stamp
from kvdb.item.value import Item
from kvdb.lsm.batch import WriteBatch
from kvdb.table import mutation, row
from kvdb.table.catalog import Table
from kvdb.table.mutation import Change
from tests.support.builders import open_floor

STAMP = Stamp(1, 2, 3)
ITEM = {"country": "IS", "icao": "BIKF"}


@pytest.fixture
def table() -> Table:
    return open_floor().create()


def operations(change: Change) -> list[bytes | None]:
    batch = WriteBatch()
    mutation.add(batch, change, STAMP)
    return batch.operations


def change_of(table: Table, old: Item | None, new: Item | None, **facts: object) -> Change:
    return Change(table, table.indexes, b"key", old, new, **facts)  # type: ignore[arg-type]


def test_a_new_item_becomes_one_row(table):
    change = change_of(table, None, ITEM, new_size=17)
    assert operations(change) == [b"key", row.encode(ITEM, 17, STAMP)]


def test_an_item_that_goes_takes_its_row_along(table):
    assert operations(change_of(table, ITEM, None, old_size=17)) == [b"key", None]


def test_an_item_that_may_have_been_there_is_deleted_all_the_same(table):
    assert operations(change_of(table, None, None, is_old_known=False)) == [b"key", None]


def test_nothing_that_stays_nothing_writes_nothing(table):
    assert operations(change_of(table, None, None)) == []
