"""Which versions of a key may be dropped: the one place that decides.

A version is read at the seqnos from its own up to that of what replaced it: the next newer version
of its key, or a range delete over it. It must stay if nothing replaced it, or if somebody may
read at one of those seqnos (``ReadPoints``). A tombstone may go, too, when nothing older lies
deeper (``is_bottom``) and every read point is at or after it. Range deletes go by the same rules.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from kvdb.lsm.internal_key import SEQNO_MAX
from kvdb.lsm.iterator import Chunk
from kvdb.lsm.range_tombstone import RangeTombstone, RangeTombstones
from kvdb.lsm.snapshot import ReadPoints


def retained(chunk: Chunk, ranges: RangeTombstones, points: ReadPoints, *, is_bottom: bool) -> Chunk:
    """The entries that must stay, of a chunk that has all versions of its keys, with ``ranges`` over them."""
    is_newest_only = not ranges and len({entry[0] for entry in chunk}) == len(chunk)
    if is_newest_only and not (is_bottom and None in [entry[2] for entry in chunk]):
        # Nothing has replaced any of them, and there is no tombstone that might go.
        return chunk
    oldest = points.oldest
    kept: Chunk = []
    last: bytes | None = None
    newer = SEQNO_MAX
    for entry in chunk:
        key, rank, value = entry
        seqno = SEQNO_MAX - rank
        if key != last:
            last = key
            newer = SEQNO_MAX
        replaced = min(newer, _next_above(ranges.seqnos_of(key), seqno)) if ranges else newer
        newer = seqno
        if value is None and is_bottom and seqno <= oldest:
            continue
        if replaced == SEQNO_MAX or _is_read(seqno, replaced, points):
            kept.append(entry)
    return kept


def retained_ranges(
    ranges: RangeTombstones, points: ReadPoints, *, is_bottom: bool
) -> Iterator[RangeTombstone]:
    """The range deletes that must stay, as fragments in key order."""
    oldest = points.oldest
    piece = b""
    newer = SEQNO_MAX
    for tombstone in ranges:
        if tombstone.start != piece:
            piece, newer = tombstone.start, SEQNO_MAX
        replaced, newer = newer, tombstone.seqno
        if is_bottom and tombstone.seqno <= oldest:
            continue
        if replaced == SEQNO_MAX or _is_read(tombstone.seqno, replaced, points):
            yield tombstone


def _next_above(seqnos: Sequence[int], seqno: int) -> int:
    """The least of ``seqnos`` (newest first) above ``seqno``; ``SEQNO_MAX`` for none."""
    return min((each for each in seqnos if each > seqno), default=SEQNO_MAX)


def _is_read(seqno: int, replaced: int, points: ReadPoints) -> bool:
    """Whether there is a read point ``s`` with ``seqno <= s < replaced``."""
    if replaced > points.history_from:
        return True
    snapshots = points.snapshots
    place = bisect_left(snapshots, seqno)
    return place < len(snapshots) and snapshots[place] < replaced
