"""A lease that this worker holds: heartbeats, checkpoints, and the moment it is lost.

Whether it is still held is judged by this process's monotonic clock alone: for ``failover_ms`` from
the last heartbeat that was *sent* and answered, nobody else takes it. Past that, or once a write was
refused, it is lost, and nothing more is begun under it. Wall clocks may jump; nothing here sees them.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from kvdb.api.items import TransactWriteAction
from kvdb.consumer.lease import Attempt, Lease, LeaseTable, Progress, Window, moved
from kvdb.env.clock import Clock
from kvdb.errors import RetryableError, TransactionCanceled

_NS_PER_MS = 1_000_000


class HeldLease:
    """One lease. Thread-safe: its writes go one at a time."""

    def __init__(self, table: LeaseTable, lease: Lease, clock: Clock, failover_ms: int) -> None:
        self._table = table
        self._lease = lease
        self._clock = clock
        self._failover_ns = failover_ms * _NS_PER_MS
        self._lock = threading.Lock()
        self._good_until_ns = clock.monotonic_ns() + self._failover_ns
        self._is_lost = False
        self._is_unsure = False

    @property
    def lease(self) -> Lease:
        """As it was last written here."""
        return self._lease

    @property
    def is_mine(self) -> bool:
        return not self._is_lost and self._clock.monotonic_ns() < self._good_until_ns

    @property
    def is_lost(self) -> bool:
        """For good: a write was refused."""
        return self._is_lost

    def renew(self) -> None:
        """One heartbeat. Errors that may pass leave things as they are."""
        with self._lock:
            sent_ns = self._clock.monotonic_ns()
            try:
                renewed = self._table.renew(self._lease)
            except RetryableError:
                return
            if renewed is None:
                self._is_lost = True
            else:
                self._lease = renewed
                self._good_until_ns = sent_ns + self._failover_ns

    def begin_attempt(self, lane: int, attempt: Attempt) -> bool:
        """Note that a batch of a lane is begun; whether the lease is still held."""
        with self._lock:
            self._is_lost = self._is_lost or not self._table.begin_attempt(self._lease, lane, attempt)
            return not self._is_lost

    def checkpoint(
        self,
        progress: Progress,
        window: Window | None,
        writes: Sequence[TransactWriteAction] = (),
        *,
        lane: int = 0,
    ) -> bool:
        """Get further, together with ``writes``; ``False``: the lease is lost, and nothing was written.

        After a ``RetryableError`` the outcome is unknown: call it again with the same arguments
        before any other checkpoint with writes. It finds out when the first try did it.

        Raises:
            TransactionCanceled: a member of ``writes`` was refused; nothing was written.
        """
        with self._lock:
            if self._is_lost:
                return False
            if self._is_unsure:
                self._look_again()
                if _stands_at(self._lease, progress, window):
                    return True
            lease = self._lease
            self._is_unsure = True
            try:
                is_written = self._table.checkpoint(lease, progress, window, writes, lane=lane)
            except TransactionCanceled:
                self._is_unsure = False
                raise
            self._is_unsure = False
            if is_written or self._was_made(lease, progress, window):
                self._lease = moved(lease, progress, window, lane)
                return True
            self._is_lost = True
            return False

    def release(self) -> None:
        """Give it back, to who asked for it if somebody did. One that is lost stays where it is."""
        with self._lock:
            if not self._is_lost:
                self._table.release(self._lease, self._lease.handover_to)
                self._is_lost = True

    def _look_again(self) -> None:
        """Take the stored lease for what it is, if it is still held here."""
        stored = self._table.stored(self._lease.key)
        if stored is not None and (stored.owner, stored.token) == (self._lease.owner, self._lease.token):
            self._lease = stored
        self._is_unsure = False

    def _was_made(self, lease: Lease, progress: Progress, window: Window | None) -> bool:
        """Whether an earlier try of this very step came through after all."""
        stored = self._table.stored(lease.key)
        return (
            stored is not None
            and (stored.owner, stored.token) == (lease.owner, lease.token)
            and _stands_at(stored, progress, window)
        )


def _stands_at(lease: Lease, progress: Progress, window: Window | None) -> bool:
    start_ms = None if window is None else window.start_ms
    return lease.progress == progress and lease.window_start_ms == start_ms
