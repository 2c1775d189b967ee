"""Hybrid logical clock: stamps that follow wall time, never repeat, and never go back.

A ``Stamp`` orders writes of all regions: by wall time, then by a counter for writes of
one millisecond, then by region. It decides two things only: which of two concurrent
writes wins, and which writes a point in time includes.

Source: Kulkarni et al., "Logical Physical Clocks" (2014).
"""

from __future__ import annotations

import threading
from typing import NamedTuple

import google_crc32c

from kvdb.env.clock import Clock

COUNTER_MAX = 0xFFFF


def region_number(name: str) -> int:
    """The number of a region in stamps, 1 to 65,535, which follows from its name."""
    return int(google_crc32c.value(name.encode())) % COUNTER_MAX + 1


class Stamp(NamedTuple):
    """When and where a row was written. Compares in that order."""

    wall_ms: int
    counter: int
    region: int

    def next_in(self, region: int) -> Stamp:
        """The next stamp after this one, in a region."""
        if self.counter < COUNTER_MAX:
            return Stamp(self.wall_ms, self.counter + 1, region)
        return Stamp(self.wall_ms + 1, 0, region)


class HybridClock:
    """Makes stamps for one region. Thread-safe.

    ``tick`` gives a stamp later than every stamp made or merged before; ``merge`` learns
    of a stamp made elsewhere (or before a restart), so that later ticks exceed it.
    """

    def __init__(self, clock: Clock, region: int) -> None:
        self._clock = clock
        self._read_ms = clock.wall_ms
        self._region = region
        self._lock = threading.Lock()
        self._wall_ms = 0
        self._counter = 0

    def tick(self) -> Stamp:
        with self._lock:
            wall_ms = self._clock.wall_ms()
            if wall_ms > self._wall_ms:
                self._wall_ms, self._counter = wall_ms, 0
            elif self._counter < COUNTER_MAX:
                self._counter += 1
            else:
                # A full counter borrows the next millisecond: the clock runs ahead
                # of the wall for a moment, but no stamp is ever given twice.
                self._wall_ms, self._counter = self._wall_ms + 1, 0
            return Stamp(self._wall_ms, self._counter, self._region)

    def wall_ms(self) -> int:
        """Wall time, never behind a stamp already made or merged."""
        wall_ms = self._read_ms()
        return wall_ms if wall_ms > self._wall_ms else self._wall_ms

    def merge(self, seen: Stamp) -> None:
        with self._lock:
            if (seen.wall_ms, seen.counter) > (self._wall_ms, self._counter):
                self._wall_ms, self._counter = seen.wall_ms, seen.counter
