from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvdb.env.hlc import Stamp
from kvdb.errors import CorruptionError
from kvdb.table import row
from tests.support.strategies import attribute_names, attribute_values

STAMP = Stamp(1_700_000_000_000, 0xFFFE, 3)
ROW = row.encode({"a": 1}, 3, STAMP)


@given(st.dictionaries(attribute_names(), attribute_values(), max_size=4), st.integers(0, 2**32 - 1))
def test_a_row_gives_back_item_size_and_stamp(item, size):
    stored = row.encode(item, size, STAMP)
    assert row.item_of(stored) == item
    assert row.size_of(stored) == size
    assert row.stamp_of(stored) == STAMP


def test_format_1_is_what_it_was():
    assert ROW[:18].hex() == "0100" + "0000018bcfe56800" + "fffe" + "0003" + "00000003"


@pytest.mark.parametrize("damaged", [b"", ROW[:17], b"\x02" + ROW[1:], b"\x00" + ROW[1:]])
def test_what_is_no_row_of_format_1_is_corruption(damaged):
    for read in (row.item_of, row.size_of, row.stamp_of):
        with pytest.raises(CorruptionError, match="row has an unknown format"):
            read(damaged)


def test_an_unknown_flag_is_corruption():
    with pytest.raises(CorruptionError, match="head=0101"):
        row.item_of(b"\x01\x01" + ROW[2:])


def test_a_truncated_item_is_corruption():
    for length in range(18, len(ROW)):
        with pytest.raises(CorruptionError):
            row.item_of(ROW[:length])


def test_a_plain_row_is_one_of_this_region_without_lineage():
    assert row.is_plain(ROW, 3)
    assert row.is_plain(row.encode({"a": 1}, 0, STAMP, is_tombstone=True), 3)
    assert not row.is_plain(ROW, 2)
    assert not row.is_plain(row.encode({"a": 1}, 3, STAMP, b"lineage"), 3)
    with pytest.raises(CorruptionError, match="row has an unknown format"):
        row.is_plain(b"\x02" + ROW[1:], 3)
