"""Open sstable readers: at most so many file handles, and so many bytes of indexes and filters.

A reader that falls out is closed by the last iterator that still uses it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from kvdb.lsm.sstable.reader import SstableReader
from kvdb.metrics import Registry


class SstableCache:
    """Readers by file number, the least recently opened leaving first."""

    def __init__(self, capacity: int, capacity_bytes: int, metrics: Registry) -> None:
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._used_bytes = 0
        self._readers: dict[int, SstableReader] = {}
        self._lock = threading.Lock()
        self.looks = metrics.counter("lsm_sstable_looks_total")
        """How often a point get looked into a file; ``lsm_sstable_opens_total`` of them had to open it."""
        self._opens = metrics.counter("lsm_sstable_opens_total")
        metrics.gauge("lsm_open_sstables").read_by(lambda: len(self._readers))
        metrics.gauge("lsm_open_sstables_bytes").read_by(lambda: self._used_bytes)
        self.find: Callable[[int], SstableReader | None] = self._readers.get
        """The reader of a file by its number, when it is at hand. Every point get asks this
        for each file it looks into, so it is the dict's own method."""

    def admit(self, number: int, fresh: SstableReader) -> SstableReader:
        """Keep ``fresh``, unless another thread was quicker: then its reader is the one to use."""
        self._opens.add()
        with self._lock:
            reader = self._readers.setdefault(number, fresh)
            if reader is fresh:
                self._used_bytes += fresh.charge_bytes
            # The one that was asked for stays, however large it is.
            while len(self._readers) > 1 and (
                len(self._readers) > self._capacity or self._used_bytes > self._capacity_bytes
            ):
                self._remove(next(iter(self._readers)))
        return reader

    def drop(self, number: int) -> None:
        """Let go of a file that is being removed."""
        with self._lock:
            self._remove(number)

    def clear(self) -> None:
        with self._lock:
            self._readers.clear()
            self._used_bytes = 0

    def _remove(self, number: int) -> None:
        reader = self._readers.pop(number, None)
        if reader is not None:
            self._used_bytes -= reader.charge_bytes
