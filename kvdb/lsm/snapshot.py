"""Snapshots and history: the read points that hold back compaction from dropping what they can see.

The read points are every live snapshot, and every seqno from ``history_from`` on: the seqno at
which the kept history begins, which is the present when none is kept.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple

from kvdb.errors import ReadPointExpired


class ReadPoints(NamedTuple):
    """At what seqnos somebody may read."""

    snapshots: list[int]
    """Oldest first."""
    history_from: int
    """And at every seqno from this one on."""

    @property
    def oldest(self) -> int:
        return min(self.snapshots[0], self.history_from) if self.snapshots else self.history_from


class Snapshot:
    """A read point: everything committed at or before ``seqno``. A context manager.

    Reading at a released snapshot is an error of the caller's that the engine refuses.
    """

    __slots__ = ("_list", "is_released", "seqno")

    def __init__(self, owner: SnapshotList, seqno: int) -> None:
        self._list = owner
        self.seqno = seqno
        self.is_released = False

    def release(self) -> None:
        """Let compaction drop what only this snapshot could see. Idempotent."""
        if not self.is_released:
            self.is_released = True
            self._list.forget(self.seqno)

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class SnapshotList:
    """The live snapshots of an engine, and how far back its history has been dropped."""

    def __init__(self, dropped_before: int = 0) -> None:
        self.dropped_before = dropped_before
        """Compaction may have dropped what reads at a seqno below this one would need."""
        self._live: Counter[int] = Counter()
        self._lock = threading.Lock()

    def take(self, visible_seqno: Callable[[], int]) -> Snapshot:
        """A snapshot at ``visible_seqno()``, read under the lock.

        Background work takes its read points under the same lock, so a snapshot is either
        among them or at least as new as everything the work reads.
        """
        with self._lock:
            seqno = visible_seqno()
            self._live[seqno] += 1
        return Snapshot(self, seqno)

    def take_at(self, seqno: int, history_from: Callable[[], int]) -> Snapshot:
        """A snapshot of the past.

        Raises:
            ReadPointExpired: ``seqno`` is before the kept history, and no live snapshot is there.
        """
        with self._lock:
            oldest = max(history_from(), self.dropped_before)
            if seqno < oldest and not self._live[seqno]:
                raise ReadPointExpired(f"history is not kept that far back seqno={seqno} oldest={oldest}")
            self._live[seqno] += 1
        return Snapshot(self, seqno)

    def forget(self, seqno: int) -> None:
        with self._lock:
            self._live[seqno] -= 1
            if not self._live[seqno]:
                del self._live[seqno]

    def seqnos(self) -> list[int]:
        """The snapshots in use, oldest first."""
        with self._lock:
            return sorted(self._live)

    def read_points(self, history_from: Callable[[], int]) -> ReadPoints:
        """What a compaction must leave readable. What it drops is dropped for good: later snapshots
        of the past are refused before this ``history_from``."""
        with self._lock:
            oldest = history_from()
            self.dropped_before = max(self.dropped_before, oldest)
            return ReadPoints(sorted(self._live), oldest)

    def is_kept(self, seqno: int, history_from: int) -> bool:
        """Whether nothing written after ``seqno`` can have been dropped without a trace."""
        with self._lock:
            return seqno >= max(history_from, self.dropped_before) or any(
                live <= seqno for live in self._live
            )
