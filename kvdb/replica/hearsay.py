"""What this region has heard of the regions that share its tables, from themselves or by way of others.

A greeting tells, for each table, how long ago who greets heard of each region that has it. So the time at
which a region was last heard of by somebody travels as far as there are ways, and only ever comes to be
known better: a region that is gone is heard of by nobody, and grows old everywhere. It tells who may be
waited for, and decides nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Final, NamedTuple

from kvdb.limits import REGIONS_MAX, REPLICATED_TABLES_MAX
from kvdb.replica.messages import Report

FRESH_MS: Final = 15_000
"""A region that was heard of since is there. Greetings come every two seconds, from each on the way."""
_PLACES_MAX: Final = REPLICATED_TABLES_MAX * REGIONS_MAX


class Heard(NamedTuple):
    """The last that was heard of a region's part in a table."""

    at_ms: int
    """By this region's monotonic clock."""
    is_ready: bool
    """Whether the region has taken in what it shall have."""
    via: str
    """The peer who told; the region itself, if it is one."""


class Hearsay:
    """Of all tables and regions. Thread-safe."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._heard: dict[tuple[str, str], Heard] = {}

    def note(self, table: str, peer: str, reports: Iterable[Report], *, now_ms: int) -> None:
        """What a peer told of a table, itself included."""
        with self._guard:
            for report in reports:
                place = (table, report.region)
                known = self._heard.get(place)
                at_ms = now_ms - report.age_ms
                if known is None or at_ms >= known.at_ms:
                    self._heard[place] = Heard(at_ms, bool(report.is_ready), peer)
            while len(self._heard) > _PLACES_MAX:
                del self._heard[min(self._heard, key=lambda place: self._heard[place].at_ms)]

    def of(self, table: str, region: str) -> Heard | None:
        with self._guard:
            return self._heard.get((table, region))

    def reports(self, table: str, regions: Iterable[str], *, now_ms: int) -> tuple[Report, ...]:
        """What is told of a table to whoever asks."""
        heard = ((region, self.of(table, region)) for region in regions)
        return tuple(
            Report(region, max(0, now_ms - known.at_ms), int(known.is_ready))
            for region, known in heard
            if known is not None
        )
