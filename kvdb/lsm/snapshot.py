"""Snapshots: read points that hold back compaction from dropping what they can see."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType


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
    """The live snapshots of an engine."""

    def __init__(self) -> None:
        self._live: Counter[int] = Counter()
        self._lock = threading.Lock()

    def take(self, visible_seqno: Callable[[], int]) -> Snapshot:
        """A snapshot at ``visible_seqno()``, read under the lock.

        Background work takes its list of seqnos under the same lock, so a snapshot is either
        on that list or at least as new as everything the work reads.
        """
        with self._lock:
            seqno = visible_seqno()
            self._live[seqno] += 1
        return Snapshot(self, seqno)

    def forget(self, seqno: int) -> None:
        with self._lock:
            self._live[seqno] -= 1
            if not self._live[seqno]:
                del self._live[seqno]

    def seqnos(self) -> list[int]:
        """The read points in use, oldest first."""
        with self._lock:
            return sorted(self._live)
