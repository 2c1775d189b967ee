"""Log holds: sealed logs that stay on disk because somebody reads them later than the engine does.

A hold is named, and says below which log its holder needs nothing more. It lives in the process; after
a restart its holder knows from its own store how far it has read. So that nothing goes before it could
say so, a database that is opened with ``log_hold_bytes`` keeps every log it finds, and begins with one
hold on them.

Bound: once the sealed logs that only a hold keeps are more than ``bytes_max``, the hold is dropped: its
logs go, its holder finds ``why_dropped`` and has a gap. Writes never wait for a holder.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from kvdb.env.fs import FileSystem, join
from kvdb.lsm.filenames import parse
from kvdb.metrics import Registry

_log = logging.getLogger("kvdb.lsm.log_hold")

HOLDS_MAX: Final = 16


class LogHold:
    """One holder's claim on the logs from ``number`` on."""

    def __init__(self, owner: LogHolds, name: str, number: int, bytes_max: int) -> None:
        self.name = name
        self.number = number
        self.bytes_max = bytes_max
        self.why_dropped: str | None = None
        """Set once logs may be gone that were held."""
        self.on_sealed: Callable[[], None] | None = None
        """Called by the commit leader when a log has ended; must be quick."""
        self._owner = owner

    def advance(self, number: int) -> None:
        """The holder needs no log below ``number`` any more. A hold never goes back."""
        if number > self.number:
            self.number = number
            self._owner.changed()

    @property
    def held_bytes(self) -> int:
        """The sealed logs that the holder still needs, the engine's own among them."""
        return self._owner.bytes_from(self.number)

    def release(self) -> None:
        """Hold nothing. Idempotent."""
        self._owner.forget(self)


class LogHolds:
    """The holds on the logs of an open engine, and the sizes of its sealed logs."""

    def __init__(
        self, fs: FileSystem, directory: str, metrics: Registry, *, on_released: Callable[[], None]
    ) -> None:
        self._fs = fs
        self._directory = directory
        self._on_released = on_released
        self._lock = threading.Lock()
        self._holds: list[LogHold] = []
        self._sizes: dict[int, int] = {}
        """Sealed logs that may be on disk."""
        self._dropped = metrics.counter("lsm_log_holds_dropped_total")
        metrics.gauge("lsm_held_log_bytes").read_by(
            lambda: max([0, *(hold.held_bytes for hold in list(self._holds))])
        )

    def take(self, name: str, *, bytes_max: int) -> LogHold:
        """Hold every log that is on disk, and every one to come."""
        with self._lock:
            assert len(self._holds) < HOLDS_MAX, "holds are a few, by name"
            hold = LogHold(self, name, min(self._sizes, default=0), bytes_max)
            self._holds.append(hold)
        return hold

    def take_at_open(self, bytes_max: int) -> LogHold | None:
        """The hold of a database with ``log_hold_bytes``: of every log that was found. ``None``: 0.

        Raises:
            OSError: the directory cannot be read.
        """
        if not bytes_max:
            return None
        for name in self._fs.list_dir(self._directory):
            parsed = parse(name)
            if parsed is not None and parsed.kind == "log":
                self._sizes[parsed.number] = self._fs.file_size(join(self._directory, name))
        return self.take("archive", bytes_max=bytes_max)

    def sealed(self, number: int, size: int) -> None:
        """Log ``number`` has ended; the commit leader's."""
        self._sizes[number] = size
        for hold in list(self._holds):
            if hold.on_sealed is not None:
                hold.on_sealed()

    def lowest_log(self, needed: int, *, is_room_low: bool) -> int:
        """The lowest log that is held, or needed by the engine, whose own is ``needed``.

        Drops a hold that keeps more than it may, and every hold that keeps anything while there is too
        little room on the disk for writes.
        """
        with self._lock:
            for hold in list(self._holds):
                held = sum(
                    size for number, size in list(self._sizes.items()) if hold.number <= number < needed
                )
                if held > hold.bytes_max:
                    self._drop(hold, f"it kept {held} bytes of log, more than {hold.bytes_max}")
                elif held and is_room_low:
                    self._drop(hold, f"the disk is nearly full, and it kept {held} bytes of log")
            lowest = min([needed, *(hold.number for hold in self._holds)])
            for number in [number for number in list(self._sizes) if number < lowest]:
                del self._sizes[number]
        return lowest

    def bytes_from(self, number: int) -> int:
        """The sealed logs from ``number`` on."""
        return sum(size for sealed, size in list(self._sizes.items()) if sealed >= number)

    def changed(self) -> None:
        """A hold has let something go."""
        self._on_released()

    def forget(self, hold: LogHold) -> None:
        with self._lock:
            if hold not in self._holds:
                return
            self._holds.remove(hold)
        self._on_released()

    def _drop(self, hold: LogHold, reason: str) -> None:
        hold.why_dropped = reason
        self._holds.remove(hold)
        self._dropped.add()
        _log.error("log hold dropped, its holder will miss a part of it name=%s reason=%s", hold.name, reason)
