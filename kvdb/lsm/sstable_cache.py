"""Open sstable readers, at most N file handles.

A reader that falls out is closed by the last iterator that still uses it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from kvdb.lsm.sstable.reader import SstableReader
from kvdb.metrics import Registry


class SstableCache:
    """Readers by file number, the least recently opened leaving first."""

    def __init__(self, capacity: int, metrics: Registry) -> None:
        self._capacity = capacity
        self._readers: dict[int, SstableReader] = {}
        self._lock = threading.Lock()
        self._opens = metrics.counter("lsm_sstable_opens_total")
        metrics.gauge("lsm_open_sstables").read_by(lambda: len(self._readers))
        self.find: Callable[[int], SstableReader | None] = self._readers.get
        """The reader of a file by its number, when it is at hand. Every point get asks this
        for each file it looks into, so it is the dict's own method."""

    def admit(self, number: int, fresh: SstableReader) -> SstableReader:
        """Keep ``fresh``, unless another thread was quicker: then its reader is the one to use."""
        self._opens.add()
        with self._lock:
            reader = self._readers.setdefault(number, fresh)
            while len(self._readers) > self._capacity:
                del self._readers[next(iter(self._readers))]
        return reader

    def drop(self, number: int) -> None:
        """Let go of a file that is being removed."""
        with self._lock:
            self._readers.pop(number, None)

    def clear(self) -> None:
        with self._lock:
            self._readers.clear()
