"""Read points: the moments of the past that a read may ask for.

    nothing given     the present
    as_of_seqno       after this commit
    as_of_ms          after the last commit of the second of this wall time
    snapshot_id       a snapshot that was opened, the same for every call until it is released

The first two of the past reach as far back as ``history_retention_ms``. Open snapshots hold back
compaction from dropping what they see, so they are bounded: there are at most 1,000, and each is
released when nobody has read at it for a minute, or a day after it was opened (``limits``). A read
under way holds its snapshot.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kvdb import limits
from kvdb.api.items import GetItem, OpenSnapshotResult, Query, Scan
from kvdb.env.env import Env
from kvdb.errors import ReadPointExpired, RequestLimitExceeded
from kvdb.lsm.engine import Engine, Snapshot

_NS_PER_MS = 1_000_000


@dataclass(slots=True)
class _Held:
    """An open snapshot: when it was used last, and by how many reads it is in use."""

    snapshot: Snapshot
    opened_ns: int
    used_ns: int
    readers: int = 0
    is_released: bool = False


class Snapshots:
    """The snapshots that clients of one database hold open. Thread-safe."""

    def __init__(self, engine: Engine, env: Env) -> None:
        self._engine = engine
        self._clock = env.clock
        # Ids are told apart from those of another run, in which they would stand for other moments.
        self._run = env.entropy.bytes(8).hex()
        self._opened = 0
        self._guard = threading.Lock()
        self._held: dict[str, _Held] = {}
        self.on_first: Callable[[], None] | None = None
        """Told of a snapshot that is opened when there were none: it may have to be released in a while."""
        env.metrics.gauge("table_open_snapshots").read_by(lambda: len(self._held))

    def open(self) -> OpenSnapshotResult:
        """Hold the present moment.

        Raises:
            RequestLimitExceeded: as many as may be open are open.
        """
        with self._guard:
            if len(self._held) >= limits.SNAPSHOTS_MAX:
                raise RequestLimitExceeded(f"too many open snapshots max={limits.SNAPSHOTS_MAX}")
            self._opened += 1
            snapshot_id = f"{self._run}-{self._opened:x}"
            snapshot = self._engine.snapshot()
            now_ns = self._clock.monotonic_ns()
            self._held[snapshot_id] = _Held(snapshot, now_ns, now_ns)
            is_first = len(self._held) == 1
        if is_first and self.on_first is not None:
            self.on_first()
        return OpenSnapshotResult(snapshot_id, snapshot.seqno)

    def release(self, snapshot_id: str) -> None:
        """Let go of a snapshot; one that is gone already is no error."""
        with self._guard:
            held = self._held.pop(snapshot_id, None)
            if held is not None:
                self._let_go(held)

    def release_idle(self) -> int | None:
        """Release what was left unused or open for too long; gives when the next may be, in milliseconds."""
        with self._guard:
            now_ns = self._clock.monotonic_ns()
            wait_ms = limits.SNAPSHOT_IDLE_MS
            for snapshot_id, held in list(self._held.items()):
                life_ms = limits.SNAPSHOT_LIFE_MS_MAX - (now_ns - held.opened_ns) // _NS_PER_MS
                idle_ms = limits.SNAPSHOT_IDLE_MS - (now_ns - held.used_ns) // _NS_PER_MS
                left_ms = life_ms if held.readers else min(life_ms, idle_ms)
                if left_ms <= 0:
                    del self._held[snapshot_id]
                    self._let_go(held)
                else:
                    wait_ms = min(wait_ms, left_ms)
            return wait_ms if self._held else None

    @contextmanager
    def held(self, snapshot_id: str) -> Iterator[Snapshot]:
        """The snapshot of this id, kept while the block runs.

        Raises:
            ReadPointExpired: there is none, or not any more.
        """
        with self._guard:
            held = self._held.get(snapshot_id)
            if held is None:
                raise ReadPointExpired(
                    "no such snapshot: it was released, left unused for "
                    f"{limits.SNAPSHOT_IDLE_MS // 1000} seconds, or open for a day id={snapshot_id[:64]}"
                )
            held.readers += 1
            held.used_ns = self._clock.monotonic_ns()
        try:
            yield held.snapshot
        finally:
            with self._guard:
                held.readers -= 1
                held.used_ns = self._clock.monotonic_ns()
                if held.is_released and not held.readers:
                    held.snapshot.release()

    @contextmanager
    def at(self, request: GetItem | Query | Scan) -> Iterator[Snapshot | None]:
        """The read point a request asks for; ``None``: the present.

        Raises:
            ReadPointExpired: it lies before the kept history, or its snapshot is gone.
            ValidationError: it lies in the future.
        """
        if request.snapshot_id is not None:
            with self.held(request.snapshot_id) as snapshot:
                yield snapshot
        elif request.as_of_seqno is None and request.as_of_ms is None:
            yield None
        else:
            with self._engine.snapshot_at(seqno=request.as_of_seqno, wall_ms=request.as_of_ms) as snapshot:
                yield snapshot

    def _let_go(self, held: _Held) -> None:
        """Under the lock: release it now, or when its last read ends."""
        held.is_released = True
        if not held.readers:
            held.snapshot.release()


class SnapshotKeeper:
    """Job: releases snapshots that were left unused."""

    name = "snapshot-keeper"

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots

    def step(self, now_ms: int) -> int | None:
        """Release what is due; sleeps until the next may be, or while none is open."""
        return self._snapshots.release_idle()
