"""Decoded sstable blocks kept in memory, bounded in bytes.

Each sstable reader has a list with a slot a block; a cached block stands in its slot, so a
hit is one list index and takes no lock. The cache only decides what leaves: it walks its
blocks in the order they came (CLOCK): one that was read since the last round gets another
round, one that was not loses its slot. Blocks of a file that is gone leave the same way.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import NamedTuple, Protocol, TypeVar

from kvdb.metrics import Registry


class Cacheable(Protocol):
    """What the cache keeps: ``charge_bytes`` of memory, and whether it was read of late."""

    charge_bytes: int
    was_read: bool


Kept = TypeVar("Kept", bound=Cacheable)


class _Slots(Protocol):
    def __setitem__(self, place: int, nothing: None, /) -> None: ...


class _Cached(NamedTuple):
    slots: _Slots
    place: int
    block: Cacheable


class BlockCache:
    """At most ``capacity_bytes`` of blocks over all readers; 0 keeps none."""

    def __init__(self, capacity_bytes: int, metrics: Registry) -> None:
        self._capacity_bytes = capacity_bytes
        self._used_bytes = 0
        self._clock: deque[_Cached] = deque()
        self._lock = threading.Lock()
        self.hits = metrics.counter("lsm_block_cache_hits_total")
        """Counted by the readers, for a hit does not pass through here."""
        self._misses = metrics.counter("lsm_block_cache_misses_total")
        metrics.gauge("lsm_block_cache_bytes").read_by(lambda: self._used_bytes)

    @property
    def used_bytes(self) -> int:
        return self._used_bytes

    def admit(self, slots: list[Kept | None], index: int, block: Kept) -> None:
        """Put ``block`` into ``slots[index]`` and make room for it."""
        self._misses.add()
        if block.charge_bytes > self._capacity_bytes:
            return
        with self._lock:
            if slots[index] is not None:
                return
            slots[index] = block
            self._clock.append(_Cached(slots, index, block))
            self._used_bytes += block.charge_bytes
            while self._used_bytes > self._capacity_bytes:
                self._evict_one()

    def _evict_one(self) -> None:
        entry = self._clock.popleft()
        if entry.block.was_read:
            entry.block.was_read = False
            self._clock.append(entry)
        else:
            entry.slots[entry.place] = None
            self._used_bytes -= entry.block.charge_bytes
