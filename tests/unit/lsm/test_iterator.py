from __future__ import annotations

from kvdb.lsm.internal_key import SEQNO_MAX, Entry
from kvdb.lsm.iterator import live, merge
from kvdb.lsm.range_tombstone import NO_RANGES, RangeTombstone, RangeTombstones


def test_the_newest_source_wins_and_tombstones_hide() -> None:
    new = [(b"a", SEQNO_MAX - 9, b"new"), (b"b", SEQNO_MAX - 8, None)]
    old = [(b"a", SEQNO_MAX - 1, b"old"), (b"b", SEQNO_MAX - 2, b"old"), (b"c", SEQNO_MAX - 3, b"c")]
    assert list(live([old, new], NO_RANGES, 9)) == [(b"a", b"new"), (b"c", b"c")]


def test_reverse_sources_carry_seqnos_and_the_newest_wins_too() -> None:
    new = [(b"b", 8, None), (b"a", 9, b"new")]
    old = [(b"c", 3, b"c"), (b"b", 2, b"old"), (b"a", 1, b"old")]
    assert list(live([old, new], NO_RANGES, 9, reverse=True)) == [(b"c", b"c"), (b"a", b"new")]


def test_merge_of_nothing_is_nothing() -> None:
    assert list(merge([])) == []
    assert list(live([[], []], NO_RANGES, 9)) == []


def test_a_range_delete_hides_what_is_older_and_only_at_reads_after_it() -> None:
    ranges = RangeTombstones([RangeTombstone(b"a", b"c", 5)])
    forward: list[Entry] = [(key, SEQNO_MAX - seqno, key) for key, seqno in ((b"a", 4), (b"b", 6), (b"c", 1))]
    backward: list[Entry] = [(key, seqno, key) for key, seqno in ((b"c", 1), (b"b", 6), (b"a", 4))]
    assert list(live([forward], ranges, 9)) == [(b"b", b"b"), (b"c", b"c")]
    assert list(live([backward], ranges, 9, reverse=True)) == [(b"c", b"c"), (b"b", b"b")]
    assert list(live([forward], ranges, 4)) == [(b"a", b"a"), (b"b", b"b"), (b"c", b"c")]
