"""Which versions of a key may be dropped: the one place that decides.

A version must stay if it is the newest, or if a live snapshot sees it: the snapshot is at or
after it, and before the next newer version. A tombstone that stays only as the newest may go
when nothing older lies below (``is_bottom``) and every snapshot is at or after it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from kvdb.lsm.internal_key import SEQNO_MAX, Entry


def retained(entries: Iterable[Entry], snapshots: Sequence[int], *, is_bottom: bool) -> Iterator[Entry]:
    """The entries that must stay, of ``entries`` in internal-key order; ``snapshots`` oldest first."""
    last: bytes | None = None
    newer = 0
    for entry in entries:
        key, rank, value = entry
        seqno = SEQNO_MAX - rank
        if key != last:
            last = key
            if value is not None or not is_bottom or not _all_after(seqno, snapshots):
                yield entry
        elif _sees(seqno, newer, snapshots):
            yield entry
        newer = seqno


def _all_after(seqno: int, snapshots: Sequence[int]) -> bool:
    return not snapshots or snapshots[0] >= seqno


def _sees(seqno: int, newer: int, snapshots: Sequence[int]) -> bool:
    """Whether a snapshot ``s`` has ``seqno <= s < newer``."""
    place = bisect_left(snapshots, seqno)
    return place < len(snapshots) and snapshots[place] < newer
