"""Snapshots held for peers that take in a whole table: what they are given is the table of one moment.

A hold begins when a peer is given a place to begin at, which is the snapshot's seqno, and every page of the
scan that goes on from that place is read at it. It is let go when the peer goes on to the writes, and when

- the peer has not asked for ``IDLE_MS_MAX``: it is gone, or has begun elsewhere;
- it is older than ``AGE_MS_MAX``, or than half the horizon: what is kept for it costs disk, and a version
  must not be given away so late that its tombstone could have been forgotten (``replica/acks``);
- the table was dropped, or the database is closed. Nothing of it outlives the process.

A scan whose hold is gone goes on with the items as they stand. That is as right: every write after the place
to go on from comes later, and who has an item already that includes it leaves it alone. To begin again would
be as right, too, but a scan that takes longer than a hold may live would never end. So it is for peers beyond
``HOLDS_MAX``, which are given a place and no snapshot.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

from kvdb.env.env import Env
from kvdb.lsm.engine import Engine, Snapshot
from kvdb.table.catalog import Table

HOLDS_MAX: Final = 64
AGE_MS_MAX: Final = 3_600_000
IDLE_MS_MAX: Final = 60_000
AGAIN_MS_MAX: Final = 20_000
"""Who asks again for a place to begin at gets the same for so long: an answer may be lost, or come twice."""


@dataclass(slots=True)
class _Hold:
    table: Table
    uuid: str
    """Of the peer's table."""
    snapshot: Snapshot
    begun_ms: int
    asked_ms: int


class Holds:
    """Of all tables and peers of one database. Any thread may call."""

    def __init__(self, engine: Engine, env: Env, *, horizon_ms: int) -> None:
        self._engine = engine
        self._clock = env.clock
        self.age_ms_max = min(AGE_MS_MAX, horizon_ms // 2)
        self._guard = threading.Lock()
        self._holds: dict[tuple[int, str], _Hold] = {}
        self._is_closed = False
        env.metrics.gauge("replica_snapshots_held").read_by(lambda: len(self._holds))

    def begin(self, table: Table, region: str, uuid: str) -> int:
        """Hold a snapshot for a peer, if there is room; gives the place that its scan goes on from later."""
        place = (table.descriptor.table_id, region)
        self.sweep()
        now = self._now_ms()
        with self._guard:
            hold = self._holds.get(place)
            if hold is not None and hold.uuid == uuid and now - hold.begun_ms <= AGAIN_MS_MAX:
                hold.asked_ms = now
                return hold.snapshot.seqno
            if hold is not None:
                self._holds.pop(place).snapshot.release()
            if len(self._holds) >= HOLDS_MAX or self._is_closed:
                return self._engine.last_seqno
            snapshot = self._engine.snapshot()
            self._holds[place] = _Hold(table, uuid, snapshot, now, now)
            return snapshot.seqno

    def at(self, table: Table, region: str, position: int) -> Snapshot | None:
        """What a peer whose scan goes on from ``position`` is to read at; ``None``: the present."""
        with self._guard:
            hold = self._holds.get((table.descriptor.table_id, region))
            now = self._now_ms()
            if hold is None or hold.snapshot.seqno != position or self._is_over(hold, now):
                return None
            hold.asked_ms = now
            return hold.snapshot

    def end(self, table: Table, region: str) -> None:
        """The peer has taken everything in."""
        place = (table.descriptor.table_id, region)
        if place in self._holds:
            with self._guard:
                hold = self._holds.pop(place, None)
            if hold is not None:
                hold.snapshot.release()

    def sweep(self) -> None:
        """Let go of what is held too long, or for nobody."""
        if not self._holds:
            return
        now = self._now_ms()
        with self._guard:
            for place in [place for place, hold in self._holds.items() if self._is_over(hold, now)]:
                self._holds.pop(place).snapshot.release()

    def close(self) -> None:
        """Let go of everything; no more is held."""
        with self._guard:
            self._is_closed = True
            for hold in self._holds.values():
                hold.snapshot.release()
            self._holds.clear()

    def _is_over(self, hold: _Hold, now: int) -> bool:
        return (
            hold.table.is_dropped
            or now - hold.asked_ms > IDLE_MS_MAX
            or now - hold.begun_ms > self.age_ms_max
        )

    def _now_ms(self) -> int:
        return self._clock.monotonic_ns() // 1_000_000
