from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kvdb.lsm.sstable.writer import separator


@given(st.binary(max_size=6), st.binary(max_size=6))
def test_a_separator_is_at_least_the_last_key_and_below_the_next(left: bytes, right: bytes) -> None:
    last, following = min(left, right), max(left, right)
    found = separator(last, following)
    assert last <= found
    assert found < following or last == following
    assert len(found) <= len(last) + 1
