"""Memtable: the newest writes in memory, fed by exactly one log file.

A point read is one ``dict`` look-up and a walk down the versions of that key, newest first.
Sorting is put off until somebody reads in order: a put only notes that a key is new, and the
first ordered read merges the noted keys into a ``SortedList`` at C speed. A load without
scans therefore sorts once, at flush.

    versions := (seqno, value | None, versions | None)      newest first; None deletes

Echoes stand aside, too (``echo``): those of each prefix are a sorted run by nature.
Range deletes stand aside, as one immutable set that each new one replaces; a memtable with
``RANGES_MAX`` of them counts as full, for each read has to look through them.

Threads: one writer at a time (the commit leader), any number of readers. A version chain is
an immutable tuple that one dict assignment swaps in, so point reads take no lock; the sorted
index is guarded by the memtable's own lock, held for one chunk of keys at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from heapq import merge
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from sortedcontainers import SortedList

from kvdb.lsm.batch import BatchOperations, Effect
from kvdb.lsm.echo import ECHO_BYTES, EchoRun, EchoScan, echo_key
from kvdb.lsm.internal_key import MISSING, SEQNO_MAX, Entry, Found, KeyVersion
from kvdb.lsm.iterator import Chunk, Pair, Source, visible
from kvdb.lsm.range_tombstone import NO_RANGES, RangeTombstone, RangeTombstones

Versions: TypeAlias = "tuple[int, bytes | None, Versions | None]"

ENTRY_OVERHEAD_BYTES: Final = 250
"""What CPython spends on one entry beside its bytes: tuple, objects, dict slot, index."""
_FIRST_CHUNK_KEYS: Final = 32
_CHUNK_KEYS_MAX: Final = 256
RANGES_MAX: Final = 256


class Memtable:
    """Sorted, versioned entries of one log.

    ``size_bytes`` estimates the memory in use; ``last_seqno`` is 0 while it is empty.
    """

    def __init__(self, log_number: int) -> None:
        self.log_number = log_number
        self.size_bytes = 0
        self.last_seqno = 0
        self.ranges = NO_RANGES
        self.range_count = 0
        self._table: dict[bytes, Versions] = {}
        # Replaced as a whole when there is one more.
        self._runs: dict[bytes, EchoRun] = {}
        self._runs_end = b""
        self._unsorted: list[bytes] = []
        self._sorted: SortedList[bytes] = SortedList()
        self._index_lock = threading.Lock()

    def __len__(self) -> int:
        """How many keys and range deletes it holds."""
        return len(self._table) + self.range_count + sum(map(len, self._runs.values()))

    def apply(self, operations: BatchOperations, seqno: int) -> None:
        """Add a batch whose first operation has ``seqno``."""
        apply_one = self.apply_one
        for place in range(0, len(operations), 2):
            effect = operations[place + 1]
            if type(effect) is int:
                self._add_echo(operations[place], effect, operations[place - 2], seqno)
            else:
                apply_one(operations[place], effect, seqno)
            seqno += 1

    def apply_echoed(self, operations: BatchOperations, seqno: int) -> None:
        """``apply`` of one put and its echo, spelled out: most writes of a table whose writes are told."""
        key, value, prefix, at = operations
        if TYPE_CHECKING:
            assert isinstance(key, bytes) and isinstance(value, bytes) and isinstance(prefix, bytes)
        run = self._runs.get(prefix)
        if run is None or run.at != at:
            self.apply(operations, seqno)
            return
        table = self._table
        older = table.get(key)
        table[key] = (seqno, value, older)
        if older is None:
            self._unsorted.append(key)
        self.size_bytes += 2 * len(key) + len(value) + (ENTRY_OVERHEAD_BYTES + ECHO_BYTES)
        self.last_seqno = seqno + 1
        run.keys.append(key)
        run.seqnos.append(seqno + 1)

    def apply_one(self, key: Effect | int, effect: Effect | int, seqno: int) -> None:
        """Add one operation, as it stands in a batch, that is no echo."""
        if TYPE_CHECKING:
            assert isinstance(key, bytes)
            assert not isinstance(effect, int)
        if effect is None:
            self.size_bytes += len(key) + ENTRY_OVERHEAD_BYTES
        elif type(effect) is not list:
            self.size_bytes += len(key) + len(effect) + ENTRY_OVERHEAD_BYTES
        else:
            if effect:
                self._add_range(key, effect[0], seqno)
            self.last_seqno = seqno
            return
        table = self._table
        older = table.get(key)
        # The table first: a scan looks up every key that the index names.
        table[key] = (seqno, effect, older)  # type: ignore[assignment]
        if older is None:
            self._unsorted.append(key)
        self.last_seqno = seqno

    def get(self, key: bytes, seqno: int) -> Found:
        """The newest value of ``key`` at ``seqno``; ``None`` when it is deleted, else ``MISSING``."""
        versions = self._table.get(key)
        while versions is not None:
            if versions[0] <= seqno:
                if self.range_count and self.ranges.covering(key, seqno) > versions[0]:
                    return None
                return versions[1]
            versions = versions[2]
        covered = self.ranges.covering(key, seqno) if self.range_count else 0
        if key < self._runs_end and covered < self._echoed(key) <= seqno:
            return b""
        return None if covered else MISSING

    def versions(self, key: bytes) -> Iterator[KeyVersion]:
        """Every version of ``key`` that an operation of its own made, newest first."""
        versions = self._table.get(key)
        while versions is not None:
            yield versions[0], versions[1]
            versions = versions[2]
        if echoed := self._echoed(key):
            yield echoed, b""

    def newest(self, key: bytes) -> int:
        """The seqno of the newest version of ``key``, made by an operation of its own; 0 for none."""
        versions = self._table.get(key)
        return versions[0] if versions is not None else self._echoed(key)

    def overlaps(self, start: bytes, end: bytes) -> bool:
        """Whether it says anything of a key of ``[start, end)``."""
        return (
            bool(self.ranges.newest_in(start, end))
            or next(self._keys(start, end), None) is not None
            or any(run.newest_in(start, end) for run in self._runs.values())
        )

    def has_newer(self, start: bytes, end: bytes, seqno: int) -> bool:
        """Whether a key of ``[start, end)`` has a version newer than ``seqno``, range deletes apart."""
        if self.last_seqno <= seqno:
            return False
        return any(run.newest_in(start, end) > seqno for run in self._runs.values()) or any(
            self._table[key][0] > seqno for key in self._keys(start, end)
        )

    def sources(self, start: bytes, end: bytes, seqno: int, *, reverse: bool) -> list[Source]:
        """What a scan of ``[start, end)`` at ``seqno`` has to merge: ``chunks``, and the echoes."""
        found: list[Source] = [MemtableScan(self, start, end, seqno, reverse)]
        if start < self._runs_end:
            found += [
                EchoScan(run, start, end, seqno, reverse)
                for run in self._runs.values()
                if start < run.end and (not end or run.prefix < end)
            ]
        return found

    def chunks(self, start: bytes, end: bytes, seqno: int, *, reverse: bool = False) -> Iterator[Chunk]:
        """The newest entry at ``seqno`` of each key in ``[start, end)``, tombstones too; no echoes."""
        table = self._table
        for keys in self._key_lists(start, end, reverse):
            chunk: Chunk = []
            for key in keys:
                versions: Versions | None = table[key]
                while versions is not None:
                    if versions[0] <= seqno:
                        chunk.append((key, SEQNO_MAX - versions[0], versions[1]))
                        break
                    versions = versions[2]
            if chunk:
                yield chunk[::-1] if reverse else chunk

    def entries(self) -> Iterator[Entry]:
        """Every version of every key, in the order of internal keys."""
        if not self._runs:
            return self._put_entries()
        return merge(self._put_entries(), *(run.entries() for run in self._runs.values()))

    def _put_entries(self) -> Iterator[Entry]:
        table = self._table
        for key in self._keys(b"", b""):
            versions: Versions | None = table[key]
            while versions is not None:
                yield (key, SEQNO_MAX - versions[0], versions[1])
                versions = versions[2]

    def _add_echo(self, prefix: Effect | int, at: int, key: Effect | int, seqno: int) -> None:
        if TYPE_CHECKING:
            assert isinstance(prefix, bytes) and isinstance(key, bytes)
        run = self._runs.get(prefix)
        if run is None:
            run = EchoRun(prefix, at)
            self._runs = {**self._runs, prefix: run}
            self._runs_end = max(self._runs_end, run.end)
        if run.at == at:
            run.add(key, seqno)
            self.size_bytes += len(key) + ECHO_BYTES
            self.last_seqno = seqno
        else:
            self.apply_one(echo_key(prefix, seqno, key, at), b"", seqno)

    def _echoed(self, key: bytes) -> int:
        """The seqno of the echo that stands for ``key``; 0 for none."""
        return next((seqno for run in self._runs.values() if (seqno := run.seqno_of(key))), 0)

    def _add_range(self, start: bytes, end: bytes, seqno: int) -> None:
        self.ranges = RangeTombstones([*self.ranges, RangeTombstone(start, end, seqno)])
        self.range_count += 1
        self.size_bytes += len(start) + len(end) + ENTRY_OVERHEAD_BYTES

    def _keys(self, start: bytes, end: bytes) -> Iterator[bytes]:
        return chain.from_iterable(self._key_lists(start, end, reverse=False))

    def _key_lists(self, start: bytes, end: bytes, reverse: bool) -> Iterator[list[bytes]]:
        """Keys in order, read a chunk at a time: the writer may add keys between chunks."""
        lower, upper = start, end or None
        inclusive = (True, False)
        count = _FIRST_CHUNK_KEYS
        while True:
            with self._index_lock:
                self._sort()
                found = self._sorted.irange(lower, upper, inclusive=inclusive, reverse=reverse)
                chunk = list(islice(found, count))
            if chunk:
                yield chunk
            if len(chunk) < count:
                return
            count = min(2 * count, _CHUNK_KEYS_MAX)
            if reverse:
                upper = chunk[-1]
            else:
                lower, inclusive = chunk[-1], (False, False)

    def _sort(self) -> None:
        if self._unsorted:
            # The writer only ever appends: take what is there, leave what comes meanwhile.
            count = len(self._unsorted)
            self._sorted.update(self._unsorted[:count])
            del self._unsorted[:count]


class MemtableScan(NamedTuple):
    """A memtable, its echoes apart, as a source of a scan."""

    memtable: Memtable
    start: bytes
    end: bytes
    seqno: int
    reverse: bool

    def chunks(self) -> Iterator[Chunk]:
        return self.memtable.chunks(self.start, self.end, self.seqno, reverse=self.reverse)

    def pages(self, seqno: int) -> Iterator[list[Pair]]:
        return (visible(chunk, seqno, reverse=self.reverse) for chunk in self.chunks())
