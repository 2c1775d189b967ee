from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kvdb.lsm.compaction.retention import retained
from kvdb.lsm.internal_key import SEQNO_MAX, Entry

Versions = dict[tuple[bytes, int], bytes | None]
VERSIONS = st.dictionaries(
    st.tuples(st.sampled_from([b"a", b"b"]), st.integers(1, 15)), st.sampled_from([None, b"v"]), max_size=12
)


def entries(versions: Versions) -> list[Entry]:
    return sorted((key, SEQNO_MAX - seqno, value) for (key, seqno), value in versions.items())


def seen(found: list[Entry], at: int) -> dict[bytes, tuple[int, bytes]]:
    view: dict[bytes, tuple[int, bytes | None]] = {}
    for key, rank, value in reversed(found):
        if SEQNO_MAX - rank <= at:
            view[key] = (SEQNO_MAX - rank, value)
    return {key: (seqno, value) for key, (seqno, value) in view.items() if value is not None}


@given(VERSIONS, st.lists(st.integers(0, 16), max_size=4).map(sorted), st.booleans())
def test_every_snapshot_and_the_present_see_what_they_saw(
    versions: Versions, snapshots: list[int], is_bottom: bool
) -> None:
    before = entries(versions)
    after = list(retained(before, snapshots, is_bottom=is_bottom))
    for at in (*snapshots, 99):
        assert seen(after, at) == seen(before, at)


@given(VERSIONS, st.booleans())
def test_without_snapshots_only_the_newest_of_each_key_stays(versions: Versions, is_bottom: bool) -> None:
    kept = [
        (key, SEQNO_MAX - rank, value)
        for key, rank, value in retained(entries(versions), [], is_bottom=is_bottom)
    ]
    newest = dict(sorted(versions))
    expected = [(key, seqno, versions[key, seqno]) for key, seqno in newest.items()]
    assert kept == [entry for entry in expected if entry[2] is not None or not is_bottom]


def test_a_tombstone_above_older_levels_stays() -> None:
    tombstone: list[Entry] = [(b"a", SEQNO_MAX - 5, None)]
    assert list(retained(tombstone, [], is_bottom=False)) == tombstone
    assert list(retained(tombstone, [3], is_bottom=True)) == tombstone
    assert list(retained(tombstone, [5], is_bottom=True)) == []
