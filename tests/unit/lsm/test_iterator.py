from __future__ import annotations

from kvdb.lsm.internal_key import SEQNO_MAX
from kvdb.lsm.iterator import live, merge


def test_the_newest_source_wins_and_tombstones_hide() -> None:
    new = [(b"a", SEQNO_MAX - 9, b"new"), (b"b", SEQNO_MAX - 8, None)]
    old = [(b"a", SEQNO_MAX - 1, b"old"), (b"b", SEQNO_MAX - 2, b"old"), (b"c", SEQNO_MAX - 3, b"c")]
    assert list(live([old, new])) == [(b"a", b"new"), (b"c", b"c")]


def test_reverse_sources_carry_seqnos_and_the_newest_wins_too() -> None:
    new = [(b"b", 8, None), (b"a", 9, b"new")]
    old = [(b"c", 3, b"c"), (b"b", 2, b"old"), (b"a", 1, b"old")]
    assert list(live([old, new], reverse=True)) == [(b"c", b"c"), (b"a", b"new")]


def test_merge_of_nothing_is_nothing() -> None:
    assert list(merge([])) == []
    assert list(live([[], []])) == []
