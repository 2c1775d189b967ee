from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvdb.lsm.coding import pack
from kvdb.lsm.range_tombstone import RangeTombstone, RangeTombstones, clipped, united

KEYS = [b"a", b"aa", b"b", b"c", b"d"]
ONE = st.tuples(st.sampled_from(KEYS), st.sampled_from(KEYS), st.integers(1, 20)).filter(
    lambda each: each[0] < each[1]
)
TOMBSTONES = st.lists(ONE.map(lambda each: RangeTombstone(*each)), max_size=6)


def covering(tombstones: list[RangeTombstone], key: bytes) -> list[int]:
    return sorted({each.seqno for each in tombstones if each.start <= key < each.end}, reverse=True)


@given(TOMBSTONES, st.integers(0, 21))
def test_a_look_up_equals_looking_at_every_tombstone(tombstones: list[RangeTombstone], seqno: int) -> None:
    found = RangeTombstones(tombstones)
    for key in (b"", *KEYS, b"ab", b"e"):
        expected = covering(tombstones, key)
        assert list(found.seqnos_of(key)) == expected
        assert found.covering(key, seqno) == max((each for each in expected if each <= seqno), default=0)
    assert bool(found) == bool(tombstones)


@given(TOMBSTONES)
def test_the_byte_form_and_the_fragments_say_the_same(tombstones: list[RangeTombstone]) -> None:
    found = RangeTombstones(tombstones)
    for again in (RangeTombstones.decoded(found.encoded()), RangeTombstones(found), united([found])):
        assert list(again) == list(found)
        for key in KEYS:
            assert list(again.seqnos_of(key)) == covering(tombstones, key)


@given(TOMBSTONES, st.sampled_from(KEYS), st.sampled_from([*KEYS, b""]))
def test_the_newest_in_a_range_is_that_of_its_pieces(
    tombstones: list[RangeTombstone], start: bytes, end: bytes
) -> None:
    if end and start >= end:
        return
    inside = list(clipped(tombstones, start, end))
    assert RangeTombstones(tombstones).newest_in(start, end) == max(
        (each.seqno for each in inside), default=0
    )


@given(TOMBSTONES, st.sampled_from(KEYS), st.sampled_from(KEYS), st.integers(0, 20), st.integers(0, 20))
def test_a_range_is_covered_when_every_key_of_it_is(
    tombstones: list[RangeTombstone], start: bytes, end: bytes, above: int, upto: int
) -> None:
    if start >= end:
        return
    inside = [key for key in KEYS if start <= key < end]
    expected = all(any(above < seqno <= upto for seqno in covering(tombstones, key)) for key in inside)
    assert RangeTombstones(tombstones).covers(start, end, above=above, upto=upto) == expected


@pytest.mark.parametrize("body", [b"", pack([]), pack([[b"b"], [b"a"], [1]]), pack([[b"a"], [b"b"], []])])
def test_what_is_not_a_block_of_range_tombstones_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        RangeTombstones.decoded(body)
