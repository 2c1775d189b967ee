from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kvdb.lsm.internal_key import SEQNO_MAX, Entry
from kvdb.lsm.iterator import visible
from kvdb.lsm.range_tombstone import NO_RANGES, RangeTombstone, RangeTombstones
from kvdb.lsm.retention import retained, retained_ranges
from kvdb.lsm.snapshot import ReadPoints

Versions = dict[tuple[bytes, int], bytes | None]
KEYS = st.sampled_from([b"a", b"b", b"c"])
VERSIONS = st.dictionaries(st.tuples(KEYS, st.integers(1, 15)), st.sampled_from([None, b"v"]), max_size=12)
RANGES = st.lists(
    st.tuples(KEYS, st.sampled_from([b"b", b"bb", b"c", b"d"]), st.integers(1, 15)), max_size=4
).map(lambda found: RangeTombstones(RangeTombstone(*each) for each in found if each[0] < each[1]))
POINTS = st.builds(
    ReadPoints, st.lists(st.integers(0, 16), max_size=4, unique=True).map(sorted), st.integers(0, 16)
)
PRESENT = ReadPoints([], SEQNO_MAX - 1)


def entries(versions: Versions) -> list[Entry]:
    return sorted((key, SEQNO_MAX - seqno, value) for (key, seqno), value in versions.items())


def seen(found: list[Entry], ranges: RangeTombstones, at: int) -> dict[bytes, bytes]:
    return dict(visible(found, at, ranges))


@given(VERSIONS, RANGES, POINTS, st.booleans())
def test_every_read_point_sees_what_it_saw(
    versions: Versions, ranges: RangeTombstones, points: ReadPoints, is_bottom: bool
) -> None:
    before = entries({key: value for key, value in versions.items() if not _has_seqno(ranges, key[1])})
    after = list(retained(before, ranges, points, is_bottom=is_bottom))
    ranges_after = RangeTombstones(retained_ranges(ranges, points, is_bottom=is_bottom))
    for at in (*points.snapshots, *range(points.history_from, 18)):
        assert seen(after, ranges_after, at) == seen(before, ranges, at)


def _has_seqno(ranges: RangeTombstones, seqno: int) -> bool:
    """Two operations never share a seqno."""
    return any(tombstone.seqno == seqno for tombstone in ranges)


@given(VERSIONS, st.booleans())
def test_without_snapshots_or_history_only_the_newest_of_each_key_stays(
    versions: Versions, is_bottom: bool
) -> None:
    kept = [
        (key, SEQNO_MAX - rank, value)
        for key, rank, value in retained(entries(versions), NO_RANGES, PRESENT, is_bottom=is_bottom)
    ]
    newest = dict(sorted(versions))
    expected = [(key, seqno, versions[key, seqno]) for key, seqno in newest.items()]
    assert kept == [entry for entry in expected if entry[2] is not None or not is_bottom]


@given(VERSIONS, st.booleans())
def test_what_a_range_delete_covers_goes_and_with_it_at_the_bottom_the_range_delete(
    versions: Versions, is_bottom: bool
) -> None:
    ranges = RangeTombstones([RangeTombstone(b"a", b"z", 16)])
    assert list(retained(entries(versions), ranges, PRESENT, is_bottom=is_bottom)) == [] or not is_bottom
    assert list(retained_ranges(ranges, PRESENT, is_bottom=is_bottom)) == ([] if is_bottom else list(ranges))


def test_a_tombstone_above_older_levels_stays() -> None:
    tombstone: list[Entry] = [(b"a", SEQNO_MAX - 5, None)]
    assert list(retained(tombstone, NO_RANGES, PRESENT, is_bottom=False)) == tombstone
    for points in (ReadPoints([3], 9), ReadPoints([], 4)):
        assert list(retained(tombstone, NO_RANGES, points, is_bottom=True)) == tombstone
    assert list(retained(tombstone, NO_RANGES, ReadPoints([5], 5), is_bottom=True)) == []
