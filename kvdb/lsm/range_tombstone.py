"""Range tombstones: deletes of every key in ``[start, end)``, each with a seqno.

They are stored as they were written (or as compaction cut them), and fragmented when they are
read: the key space is cut at every start and end, and each piece knows the seqnos that cover it,
newest first. A look-up is then one ``bisect``.

Byte form (a block of an sstable):

    ranges := msgpack [[start, ...], [end, ...], [seqno, ...]]
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from kvdb.lsm.coding import pack, unpack


class RangeTombstone(NamedTuple):
    """Every key of ``[start, end)`` written before ``seqno`` is deleted."""

    start: bytes
    end: bytes
    seqno: int


class RangeTombstones:
    """An immutable set of range tombstones, fragmented."""

    __slots__ = ("_bounds", "_seqnos")

    def __init__(self, tombstones: Iterable[RangeTombstone] = ()) -> None:
        self._bounds: list[bytes] = []
        self._seqnos: list[tuple[int, ...]] = []
        """Of the piece that begins at the bound of the same place, newest first."""
        self._fragment(list(tombstones))

    def _fragment(self, tombstones: list[RangeTombstone]) -> None:
        starts: dict[bytes, list[int]] = {}
        ends: dict[bytes, list[int]] = {}
        for start, end, seqno in tombstones:
            starts.setdefault(start, []).append(seqno)
            ends.setdefault(end, []).append(seqno)
        alive: list[int] = []
        for bound in sorted(starts.keys() | ends.keys()):
            for seqno in ends.get(bound, ()):
                alive.remove(seqno)
            alive += starts.get(bound, ())
            alive.sort(reverse=True)
            seqnos = tuple(dict.fromkeys(alive))
            if not self._seqnos or self._seqnos[-1] != seqnos:
                self._bounds.append(bound)
                self._seqnos.append(seqnos)

    def __bool__(self) -> bool:
        return bool(self._bounds)

    def __iter__(self) -> Iterator[RangeTombstone]:
        """The fragments: in key order, each piece's newest first."""
        for place, seqnos in enumerate(self._seqnos):
            for seqno in seqnos:
                yield RangeTombstone(self._bounds[place], self._bounds[place + 1], seqno)

    def covering(self, key: bytes, seqno: int) -> int:
        """The newest seqno, at most ``seqno``, of a tombstone that covers ``key``; 0 for none."""
        place = bisect_right(self._bounds, key) - 1
        if place < 0:
            return 0
        return next((covering for covering in self._seqnos[place] if covering <= seqno), 0)

    def seqnos_of(self, key: bytes) -> tuple[int, ...]:
        """Every seqno that covers ``key``, newest first."""
        place = bisect_right(self._bounds, key) - 1
        return self._seqnos[place] if place >= 0 else ()

    def newest_in(self, start: bytes, end: bytes) -> int:
        """The newest seqno that covers a key of ``[start, end)``; 0 for none. ``end=b""``: no bound."""
        first = max(0, bisect_right(self._bounds, start) - 1)
        last = bisect_left(self._bounds, end) if end else len(self._bounds)
        return max((seqnos[0] for seqnos in self._seqnos[first:last] if seqnos), default=0)

    def covers(self, start: bytes, end: bytes, *, above: int, upto: int) -> bool:
        """Whether every key of ``[start, end)`` is covered by a seqno ``s`` with ``above < s <= upto``."""
        first = bisect_right(self._bounds, start) - 1
        last = bisect_left(self._bounds, end)
        return first >= 0 and all(
            any(above < seqno <= upto for seqno in seqnos) for seqnos in self._seqnos[first:last]
        )

    def encoded(self) -> bytes:
        fragments = list(self)
        return pack(
            [
                [fragment.start for fragment in fragments],
                [fragment.end for fragment in fragments],
                [fragment.seqno for fragment in fragments],
            ]
        )

    @classmethod
    def decoded(cls, body: bytes) -> RangeTombstones:
        """Raises ``ValueError`` when ``body`` is not a block of range tombstones."""
        columns = unpack(body)
        if not isinstance(columns, list) or len(columns) != 3:
            raise ValueError("not a block of range tombstones")
        tombstones = [RangeTombstone(*fields) for fields in zip(*columns, strict=True)]
        if any(tombstone.start >= tombstone.end for tombstone in tombstones):
            raise ValueError("an empty range tombstone")
        return cls(tombstones)


NO_RANGES: Final = RangeTombstones()


def united(sets: Iterable[RangeTombstones]) -> RangeTombstones:
    """All tombstones of several sets as one."""
    filled = [each for each in sets if each]
    if len(filled) <= 1:
        return filled[0] if filled else NO_RANGES
    return RangeTombstones(tombstone for each in filled for tombstone in each)


def clipped(tombstones: Iterable[RangeTombstone], start: bytes, end: bytes) -> Iterator[RangeTombstone]:
    """What lies in ``[start, end)``; ``end=b""`` means no upper bound."""
    for tombstone in tombstones:
        low = max(tombstone.start, start)
        high = min(tombstone.end, end) if end else tombstone.end
        if low < high:
            yield RangeTombstone(low, high, tombstone.seqno)
