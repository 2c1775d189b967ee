"""Job of mode interval: bounds how long an acknowledged write may stay unsynced."""

from __future__ import annotations

from kvdb.errors import ReadOnlyDegraded
from kvdb.lsm.commit import Commit


class SyncJob:
    """Syncs the log every ``interval_ms``."""

    name = "sync"

    def __init__(self, commit: Commit, interval_ms: int) -> None:
        self._commit = commit
        self._interval_ms = interval_ms

    def step(self, now_ms: int) -> int | None:
        try:
            self._commit.sync()
        except ReadOnlyDegraded:
            return None
        except Exception as error:
            # Writes that go on without a syncer would lose more than the mode allows.
            self._commit.degrade(f"the background sync died: {type(error).__name__}: {error}")
            raise
        return self._interval_ms
