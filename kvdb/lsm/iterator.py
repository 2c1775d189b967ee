"""Reading several sorted sources as one, a chunk at a time, so that the merging is done in C.

A ``Chunk`` is a sorted list of entries, not empty; the versions of one key are never split over
two chunks of a source. Chunks of a source follow one another in key order, or against it when the
reading goes backwards; inside, a chunk is sorted forwards either way.

``merged`` takes from all sources what is certainly complete, and sorts it: lists of sorted runs
are what ``list.sort`` is best at. ``visible`` lets the newest entry of each key win, as of a
seqno, and hides what is deleted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

from kvdb.lsm.internal_key import SEQNO_MAX, Entry, successor
from kvdb.lsm.range_tombstone import NO_RANGES, RangeTombstones

Pair = tuple[bytes, bytes]
"""An engine key and its value."""
Chunk: TypeAlias = "list[Entry]"
_Run: TypeAlias = "tuple[Chunk, Iterator[Chunk]]"


class Source(Protocol):
    """One sorted source of a scan, with its bounds and direction. Each call begins anew."""

    def chunks(self) -> Iterator[Chunk]:
        """Every entry that a read may need, tombstones too."""
        ...

    def pages(self, seqno: int) -> Iterator[list[Pair]]:
        """What is ``visible`` of the chunks at ``seqno``, as if there were no range deletes."""
        ...


def merged(sources: Iterable[Iterator[Chunk]], *, reverse: bool = False) -> Iterator[Chunk]:
    """All entries of all sources as one source. No two sources hold the same (key, rank)."""
    return _merged(_begun(sources), reverse)


def _begun(sources: Iterable[Iterator[Chunk]]) -> list[_Run]:
    return [(chunk, source) for source in sources if (chunk := next(source, None)) is not None]


def _merged(runs: list[_Run], reverse: bool) -> Iterator[Chunk]:
    while len(runs) > 1:
        complete: Chunk = []
        left: list[_Run] = []
        # What lies up to the nearest end of a chunk is complete: later chunks lie behind it. Most
        # sources of a large database have nothing there, and are left as they are.
        if reverse:
            edge = max([run[0][0][0] for run in runs])
            for run in runs:
                chunk, source = run
                if chunk[-1][0] < edge:
                    left.append(run)
                    continue
                cut = bisect_left(chunk, (edge,)) if chunk[0][0] != edge else 0
                complete += chunk[cut:]
                _keep_on(chunk[:cut], source, left)
        else:
            edge = min([run[0][-1][0] for run in runs])
            for run in runs:
                chunk, source = run
                if chunk[0][0] > edge:
                    left.append(run)
                    continue
                cut = bisect_left(chunk, (successor(edge),)) if chunk[-1][0] != edge else len(chunk)
                complete += chunk[:cut]
                _keep_on(chunk[cut:], source, left)
        complete.sort()
        yield complete
        runs = left
    for chunk, source in runs:
        yield chunk
        yield from source


def _keep_on(rest: Chunk, source: Iterator[Chunk], runs: list[_Run]) -> None:
    """A source goes on with the rest of its chunk, or with its next one, if it has either."""
    if rest:
        runs.append((rest, source))
    elif (following := next(source, None)) is not None:
        runs.append((following, source))


def visible(
    chunk: Chunk, seqno: int, ranges: RangeTombstones = NO_RANGES, *, reverse: bool = False
) -> list[Pair]:
    """The newest pair of each key of ``chunk`` at ``seqno``; a key that is deleted by then is left out."""
    lowest_rank = SEQNO_MAX - seqno
    last: bytes | None = None
    found: list[Pair] = []
    has_ranges = bool(ranges)
    for key, rank, value in chunk:
        if rank >= lowest_rank and key != last:
            last = key
            if value is not None and not (has_ranges and ranges.covering(key, seqno) > SEQNO_MAX - rank):
                found.append((key, value))
    if reverse:
        found.reverse()
    return found


def live(
    sources: Sequence[Source], ranges: RangeTombstones, seqno: int, *, reverse: bool = False
) -> Iterator[list[Pair]]:
    """What a scan of all sources at ``seqno`` finds, in pages that may be empty."""
    runs: list[_Run] = []
    only: Source | None = None
    for source in sources:
        begun = _begun([source.chunks()])
        if begun:
            only = None if runs else source
            runs += begun
    if only is not None and not ranges:
        return only.pages(seqno)
    return (visible(chunk, seqno, ranges, reverse=reverse) for chunk in _merged(runs, reverse))
