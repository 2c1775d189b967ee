"""Scrub: every sstable is read again now and then, beside the database in use.

What rots on a disk where nobody reads would else be found on the day it is needed. Two passes may
be under way, each a ``Verification``:

- the *scrub* begins ``scrub_period_ms`` after the one before (the first one an hour after the
  database was opened, or one period if that is less), and takes at most a fiftieth of one core. It goes
  from file to file and holds none but the one it reads, so compaction frees its space as ever;
- a *check* that somebody asks for begins at once and goes on at full speed, the scrub waiting
  meanwhile. It is of one moment, whose files it holds to its end.

Damage is logged, counted and marked with its file, and stands in the report of the pass. Nothing is
repaired: reads of other blocks and files go on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final, NamedTuple

from kvdb.env.env import Env
from kvdb.lsm.verify import Finding, Report, Verification

_log = logging.getLogger("kvdb.lsm.scrub")

FIRST_MS: Final = 60 * 60 * 1000
DUTY: Final = 50
"""A slice of the scrub that took one millisecond is followed by a pause of this many."""
_SLICE_NS: Final = 2_000_000
_SLICE_STEPS_MAX: Final = 64
_FINDINGS_LOGGED_MAX: Final = 20
"""Of one pass; its report has the others."""


class PassStatus(NamedTuple):
    """How far a pass has come, or how it ended."""

    number: int
    """Counted from 1 since the database was opened."""
    is_running: bool
    is_deep: bool
    started_ms: int
    """Wall time, as ``ended_ms``."""
    ended_ms: int | None
    bytes_total: int
    """What the files held when it began."""
    report: Report
    """Of what was read so far."""
    error: str | None
    """Why it could not go on to its end."""


class _Pass:
    """One pass from its beginning to its end, and then what it found."""

    def __init__(
        self, number: int, verification: Verification, *, deep: bool, now_ms: int, size: int
    ) -> None:
        self.verification = verification
        self.is_deep = deep
        self.ended_ms: int | None = None
        self.error: str | None = None
        self._number = number
        self._started_ms = now_ms
        self._bytes_total = size

    @property
    def status(self) -> PassStatus:
        return PassStatus(
            self._number,
            self.ended_ms is None,
            self.is_deep,
            self._started_ms,
            self.ended_ms,
            self._bytes_total,
            self.verification.report,
            self.error,
        )


class Scrub:
    """Job: the passes over one database."""

    name = "scrub"

    def __init__(
        self,
        env: Env,
        *,
        period_ms: int,
        check: Callable[[bool], Verification],
        in_turn: Callable[[], Verification],
        bytes_total: Callable[[], int],
        on_damage: Callable[[Finding], None],
        on_end: Callable[[], None],
    ) -> None:
        """``check(deep)`` begins a check of this moment, ``in_turn`` one from file to file. A period of 0:
        nothing is scrubbed. ``on_end``: a pass has let go of its files."""
        self._clock = env.clock
        self._period_ms = period_ms
        self._new_check = check
        self._new_scrub = in_turn
        self._bytes_total = bytes_total
        self._on_damage = on_damage
        self._on_end = on_end
        self._lock = threading.Lock()
        """Over which passes there are; not held while one is at work."""
        self._check: _Pass | None = None
        self._scrub: _Pass | None = None
        self._checks = 0
        self._scrubs = 0
        self._due_ms: int | None = None
        self._passes = env.metrics.counter("lsm_scrub_passes_total")
        self._bytes = env.metrics.counter("lsm_scrub_bytes_total")
        self._damage = env.metrics.counter("lsm_scrub_damage_total")

    @property
    def check(self) -> PassStatus | None:
        """The last check that was asked for."""
        with self._lock:
            return None if self._check is None else self._check.status

    @property
    def scrub(self) -> PassStatus | None:
        """The last scrub."""
        with self._lock:
            return None if self._scrub is None else self._scrub.status

    def start_check(self, *, deep: bool) -> PassStatus:
        """Begin a check at the next step, unless one is under way that looks at as much already."""
        with self._lock:
            running = self._check
            if running is None or running.ended_ms is not None or (deep and not running.is_deep):
                self._checks += 1
                running = self._check = self._begun(self._checks, self._new_check(deep), deep=deep)
            return running.status

    def step(self, now_ms: int) -> int | None:
        """A slice of the check, or else of the scrub. Sleeps until a scrub is due."""
        running, wait_ms = self._next_pass(now_ms)
        if running is None:
            return wait_ms
        started_ns = self._clock.monotonic_ns()
        try:
            self._go_on(running)
        except Exception as error:
            # A mistake of ours, or no memory: whoever waits for this pass must hear of it.
            _log.exception("a pass over the sstables ended")
            running.error = f"{type(error).__name__}: {error}"
            running.ended_ms = self._clock.wall_ms()
        if running.ended_ms is not None:
            self._on_end()
        took_ms = (self._clock.monotonic_ns() - started_ns) // 1_000_000
        return 0 if running is self._check else DUTY * max(1, took_ms)

    def _next_pass(self, now_ms: int) -> tuple[_Pass | None, int | None]:
        with self._lock:
            if self._check is not None and self._check.ended_ms is None:
                return self._check, None
            if self._scrub is not None and self._scrub.ended_ms is None:
                return self._scrub, None
            if not self._period_ms:
                return None, None
            if self._due_ms is None:
                self._due_ms = now_ms + min(FIRST_MS, self._period_ms)
            if now_ms < self._due_ms:
                return None, self._due_ms - now_ms
            self._due_ms = now_ms + self._period_ms
            self._scrubs += 1
            self._scrub = self._begun(self._scrubs, self._new_scrub(), deep=False)
            return self._scrub, None

    def _begun(self, number: int, verification: Verification, *, deep: bool) -> _Pass:
        return _Pass(number, verification, deep=deep, now_ms=self._clock.wall_ms(), size=self._bytes_total())

    def _go_on(self, running: _Pass) -> None:
        report = running.verification.report
        read, found = report.bytes_read, len(report.findings)
        end_ns = self._clock.monotonic_ns() + _SLICE_NS
        for _ in range(_SLICE_STEPS_MAX):
            if running.verification.step() is None:
                running.ended_ms = self._clock.wall_ms()
                break
            if self._clock.monotonic_ns() >= end_ns:
                break
        self._bytes.add(report.bytes_read - read)
        for place, finding in enumerate(report.findings[found:], start=found):
            if finding.severity == "damage":
                self._damage.add()
                self._on_damage(finding)
                if place < _FINDINGS_LOGGED_MAX:
                    _log.error("%s", finding)
        if running.ended_ms is not None:
            self._passes.add()
            _log.info("every sstable was read damaged=%d bytes=%d", report.damaged, report.bytes_read)
