"""Reading several sorted sources as one.

A source yields at most one entry a key, already the newest visible at the read's seqno.
``live`` merges sources, lets the newest entry of each key win, and hides tombstones.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence

from kvdb.lsm.internal_key import Entry

Pair = tuple[bytes, bytes]
"""An engine key and its value."""


def merge(sources: Sequence[Iterable[Entry]], *, reverse: bool = False) -> Iterator[Entry]:
    """All entries of all sources, in the order of internal keys (see ``internal_key``)."""
    if len(sources) == 1:
        return iter(sources[0])
    # Two sources never hold the same (key, rank), so the values are not compared
    # and a tombstone's None does no harm.
    return heapq.merge(*sources, reverse=reverse)


def live(sources: Sequence[Iterable[Entry]], *, reverse: bool = False) -> Iterator[Pair]:
    """The newest pair of each key; a key whose newest entry is a tombstone is left out."""
    last: bytes | None = None
    for key, _, value in merge(sources, reverse=reverse):
        if key != last:
            last = key
            if value is not None:
                yield key, value
