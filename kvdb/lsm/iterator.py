"""Reading several sorted sources as one.

A source yields at most one entry a key, already the newest visible at the read's seqno.
``live`` merges sources, lets the newest entry of each key win, and hides what is deleted.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence

from kvdb.lsm.internal_key import SEQNO_MAX, Entry
from kvdb.lsm.range_tombstone import RangeTombstones

Pair = tuple[bytes, bytes]
"""An engine key and its value."""


def merge(sources: Sequence[Iterable[Entry]], *, reverse: bool = False) -> Iterator[Entry]:
    """All entries of all sources, in the order of internal keys (see ``internal_key``)."""
    if len(sources) == 1:
        return iter(sources[0])
    # Two sources never hold the same (key, rank), so the values are not compared
    # and a tombstone's None does no harm.
    return heapq.merge(*sources, reverse=reverse)


def live(
    sources: Sequence[Iterable[Entry]], ranges: RangeTombstones, seqno: int, *, reverse: bool = False
) -> Iterator[Pair]:
    """The newest pair of each key at ``seqno``; a key that is deleted by then is left out."""
    last: bytes | None = None
    for key, rank, value in merge(sources, reverse=reverse):
        if key != last:
            last = key
            if value is not None:
                if ranges:
                    written = rank if reverse else SEQNO_MAX - rank
                    if ranges.covering(key, seqno) > written:
                        continue
                yield key, value
