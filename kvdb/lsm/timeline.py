"""The log's clock: which seqno was the last at a moment, to the second.

A ``Tick`` is the first seqno of a second in which something was written, and that second. Ticks
are made by commit, rebuilt from log records by recovery, and kept in the manifest once the log
that holds them may go. There are at most ``TICKS_MAX``: past that every other one of the older
half is dropped, so that the newest 8,192 seconds with writes are exact, and a moment before them
is found up to a few ticks too late.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Final, NamedTuple

TICKS_MAX: Final = 16_384
TICK_MS: Final = 1000


class Tick(NamedTuple):
    """From ``seqno`` on, writes were made in the second ``wall_s`` (since 1970) or later."""

    seqno: int
    wall_s: int


class Timeline:
    """Ticks in order. One thread adds at a time, any number look up without a lock."""

    def __init__(self, ticks: Iterable[Tick] = ()) -> None:
        self._columns: tuple[list[int], list[int]] = ([], [])
        """Seqnos and seconds. The seconds are appended first, so that every seqno has its own."""
        for tick in ticks:
            self._add(tick)

    def note(self, seqno: int, wall_ms: int) -> None:
        """A write whose first seqno is ``seqno`` was made at ``wall_ms``. In the order of seqnos."""
        seconds = self._columns[1]
        wall_s = wall_ms // TICK_MS
        if not seconds or wall_s > seconds[-1]:
            self._add(Tick(seqno, wall_s))

    def seqno_at(self, wall_ms: int) -> int | None:
        """The last seqno written by the end of the second of ``wall_ms``; ``None`` when nothing
        later is known, so that it is the newest there is."""
        seqnos, seconds = self._columns
        place = bisect_right(seconds, wall_ms // TICK_MS)
        return seqnos[place] - 1 if place < len(seqnos) else None

    def wall_ms_of(self, seqno: int) -> int | None:
        """When ``seqno`` was written: the beginning of its second. ``None`` before all that is known."""
        seqnos, seconds = self._columns
        place = bisect_right(seqnos, seqno) - 1
        return seconds[place] * TICK_MS if place >= 0 else None

    def ticks(self, after: int, upto: int) -> tuple[Tick, ...]:
        """Those with a seqno above ``after`` and at most ``upto``."""
        seqnos, seconds = self._columns
        first, last = bisect_right(seqnos, after), bisect_right(seqnos, upto)
        return tuple(map(Tick, seqnos[first:last], seconds[first:last]))

    def _add(self, tick: Tick) -> None:
        seqnos, seconds = self._columns
        if seqnos and (tick.seqno <= seqnos[-1] or tick.wall_s <= seconds[-1]):
            return
        seconds.append(tick.wall_s)
        seqnos.append(tick.seqno)
        if len(seqnos) > TICKS_MAX:
            half = bisect_left(seqnos, seqnos[TICKS_MAX // 2])
            self._columns = (seqnos[:half:2] + seqnos[half:], seconds[:half:2] + seconds[half:])
