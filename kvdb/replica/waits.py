"""Who waits for peers: a session for what it has seen elsewhere, a write for regions to have it.

Nobody is made to wait here, and no thread is held: whoever waits says what has to hold, and is called once,
where it came to hold, or by this job when the time is over. There are at most ``PROMISES_MAX`` calls that may
wait at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

from kvdb.env.env import Env
from kvdb.errors import RequestLimitExceeded
from kvdb.limits import PROMISES_MAX
from kvdb.table.catalog import Table

_NS_PER_MS = 1_000_000


class Wait:
    """Made by ``Waits.begin``."""

    __slots__ = ("by_ms", "holds", "table_ids", "then")

    def __init__(
        self,
        table_ids: Collection[int],
        holds: Callable[[], bool],
        by_ms: int,
        then: Callable[[bool], None],
    ) -> None:
        self.table_ids = table_ids
        self.holds = holds
        self.by_ms = by_ms
        self.then = then


class Waits:
    """Job: of one database."""

    name = "replica waits"

    def __init__(self, env: Env) -> None:
        self._clock = env.clock
        self._guard = threading.Lock()
        self._waiting: dict[Wait, None] = {}
        self._of_table: dict[int, dict[Wait, None]] = {}
        self._promises = 0
        self._next_ms: int | None = None
        self.is_stopped = False
        self._handle = env.jobs.add(self)
        env.metrics.gauge("replica_waits").read_by(lambda: len(self._waiting))
        self.behind = env.metrics.counter("replica_sessions_behind_total")
        """Calls that were refused because what their session has seen was not here in time."""
        self.late = env.metrics.counter("replica_writes_late_total")
        """Writes that had not come to so many regions in time as they asked for."""

    def now_ms(self) -> int:
        """By the monotonic clock."""
        return self._clock.monotonic_ns() // _NS_PER_MS

    def enter(self) -> None:
        """One more call that may wait; ``leave`` when it has ended.

        Raises:
            RequestLimitExceeded: there are as many as may be.
        """
        with self._guard:
            if self._promises >= PROMISES_MAX:
                raise RequestLimitExceeded(f"too many calls wait for other regions max={PROMISES_MAX}")
            self._promises += 1

    def leave(self) -> None:
        with self._guard:
            self._promises -= 1

    def begin(
        self,
        table_ids: Collection[int],
        holds: Callable[[], bool],
        by_ms: int,
        then: Callable[[bool], None],
    ) -> Wait | None:
        """Call ``then(True)`` once ``holds()``, which is about these tables, or ``then(False)`` at ``by_ms``,
        by the monotonic clock. Both may be called on any thread, must be brief and must not raise.

        ``None``: it has been called already.
        """
        wait = Wait(table_ids, holds, by_ms, then)
        with self._guard:
            is_over = self.is_stopped or by_ms <= self.now_ms()
            if not is_over:
                self._waiting[wait] = None
                for table_id in table_ids:
                    self._of_table.setdefault(table_id, {})[wait] = None
        if is_over:
            then(holds())
            return None
        # Asked when it stands in the line: what comes to hold later is told.
        if holds():
            if self._removed(wait):
                then(True)
            return None
        with self._guard:
            # Only of who stays: the job is not woken for others, and would be taken to know of this time.
            is_first = wait in self._waiting and (self._next_ms is None or by_ms < self._next_ms)
            if is_first:
                self._next_ms = by_ms
        if is_first:
            self._handle.wake()
        return wait

    def forget(self, wait: Wait) -> None:
        """Nobody waits any more; no error when it was called already."""
        self._removed(wait)

    def changed(self, table: Table) -> None:
        """Something of a table has moved on. Costs one look when nobody waits for it."""
        table_id = table.descriptor.table_id
        if table_id not in self._of_table:
            return
        with self._guard:
            waiting = list(self._of_table.get(table_id, ()))
        for wait in waiting:
            if wait.holds() and self._removed(wait):
                wait.then(True)

    def step(self, now_ms: int) -> int | None:
        """Tell those whose time is over."""
        now = self.now_ms()
        with self._guard:
            over = [wait for wait in self._waiting if wait.by_ms <= now]
        for wait in over:
            if self._removed(wait):
                wait.then(wait.holds())
        with self._guard:
            self._next_ms = min((wait.by_ms for wait in self._waiting), default=None)
            return None if self._next_ms is None else max(1, self._next_ms - now)

    def stop(self) -> None:
        """End every wait, and each later one at once."""
        with self._guard:
            self.is_stopped = True
            waiting = list(self._waiting)
        for wait in waiting:
            if self._removed(wait):
                wait.then(False)
        self._handle.stop()

    def _removed(self, wait: Wait) -> bool:
        """Whether it stood in the line: who takes it out has to call."""
        with self._guard:
            if wait not in self._waiting:
                return False
            del self._waiting[wait]
            for table_id in wait.table_ids:
                of_table = self._of_table[table_id]
                of_table.pop(wait, None)
                if not of_table:
                    del self._of_table[table_id]
            return True
