from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, pairwise
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from kvdb.lsm.internal_key import SEQNO_MAX, Entry
from kvdb.lsm.iterator import Chunk, Pair, live, merged, visible
from kvdb.lsm.range_tombstone import NO_RANGES, RangeTombstone, RangeTombstones


class Given(NamedTuple):
    """A source of given chunks, in key order."""

    found: list[Chunk]
    reverse: bool = False

    def chunks(self) -> Iterator[Chunk]:
        return iter(self.found[::-1] if self.reverse else self.found)

    def pages(self, seqno: int) -> Iterator[list[Pair]]:
        return (visible(chunk, seqno, reverse=self.reverse) for chunk in self.chunks())


def entry(key: bytes, seqno: int, value: bytes | None) -> Entry:
    return key, SEQNO_MAX - seqno, value


def scanned(
    *sources: list[Chunk], ranges: RangeTombstones = NO_RANGES, seqno: int = 9, reverse: bool = False
) -> list[Pair]:
    given = [Given(found, reverse) for found in sources]
    return list(chain.from_iterable(live(given, ranges, seqno, reverse=reverse)))


NEW = [[entry(b"a", 9, b"new"), entry(b"b", 8, None)]]
OLD = [[entry(b"a", 1, b"old"), entry(b"b", 2, b"old")], [entry(b"c", 3, b"c")]]


def test_the_newest_source_wins_and_tombstones_hide() -> None:
    assert scanned(OLD, NEW) == [(b"a", b"new"), (b"c", b"c")]
    assert scanned(OLD, NEW, reverse=True) == [(b"c", b"c"), (b"a", b"new")]


def test_nothing_of_nothing() -> None:
    assert list(merged([])) == []
    assert scanned([], []) == []


def test_a_range_delete_hides_what_is_older_and_only_at_reads_after_it() -> None:
    ranges = RangeTombstones([RangeTombstone(b"a", b"c", 5)])
    source = [[entry(b"a", 4, b"a"), entry(b"b", 6, b"b"), entry(b"c", 1, b"c")]]
    assert scanned(source, ranges=ranges) == [(b"b", b"b"), (b"c", b"c")]
    assert scanned(source, ranges=ranges, reverse=True) == [(b"c", b"c"), (b"b", b"b")]
    assert scanned(source, ranges=ranges, seqno=4) == [(b"a", b"a"), (b"c", b"c")]


VERSIONS = st.dictionaries(
    st.tuples(st.binary(max_size=2), st.integers(1, 20)), st.none() | st.binary(max_size=2), max_size=30
)


@given(VERSIONS, st.integers(1, 4), st.integers(1, 5), st.integers(0, 21), st.booleans())
def test_merging_any_sources_equals_sorting_all_entries(
    versions: dict[tuple[bytes, int], bytes | None], sources: int, keys: int, seqno: int, reverse: bool
) -> None:
    everything = sorted(entry(key, written, value) for (key, written), value in versions.items())
    given = [Given(chunked(everything[place::sources], keys), reverse) for place in range(sources)]
    found = list(merged([source.chunks() for source in given], reverse=reverse))
    assert all(found)
    in_order = found[::-1] if reverse else found
    assert [each for chunk in in_order for each in chunk] == everything
    assert all(before[-1][0] < after[0][0] for before, after in pairwise(in_order))
    pairs = [pair for page in live(given, NO_RANGES, seqno, reverse=reverse) for pair in page]
    assert pairs == visible(everything, seqno, reverse=reverse)


def chunked(found: list[Entry], keys: int) -> list[Chunk]:
    """Chunks of so many keys, none of them split."""
    chunks: list[Chunk] = []
    names = sorted({key for key, _, _ in found})
    for first in range(0, len(names), keys):
        inside = names[first : first + keys]
        chunks.append([each for each in found if each[0] in inside])
    return chunks
