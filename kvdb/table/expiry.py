"""The sweeper: deletes items whose time to live is over.

For each table that has a time to live, in turn:

1. *walk* once through the rows that were there before it was enabled, and mark them (``table/ttl``),
   after the writes that began before they could see it have ended. How far the walk has come is
   stored with each chunk's marks;
2. follow the marks of the seconds that are over, oldest first, a bounded chunk a step: latch the
   items, look at them as they are now, delete those that have expired and, in the same batch, their
   index rows and all of the chunk's marks.

An item that was changed meanwhile is judged by what it is under the latch, so one that got a later
time, or none, or a value that is no number, stays. So does one that expired more than five years
ago, as at the service. Nothing is consumed of the table's throughput. The marks are all there is to
remember: a crash in between repeats at most a chunk.

An item goes at most ``POLL_MS`` and a few steps after its second; until then it is served like any
other. To look from the oldest mark on means to step over what deleted marks have left behind, until
compaction removes that; so most looks begin where the last sweep ended, and one that begins at the
oldest, which finds items that were put when their second was over already, is made so rarely that
looking takes at most a hundredth of one core.

Sources: developer guide, "Time to Live"; API Reference, UpdateTimeToLive.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from itertools import islice

from kvdb import limits
from kvdb.env.env import Env
from kvdb.errors import DiskError, DiskFull, ResourceNotFound, ServiceUnavailable, StorageError
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.table import keys, row
from kvdb.table.catalog import Catalog, Table, not_found
from kvdb.table.descriptor import TableDescriptor, TtlSetting
from kvdb.table.latches import Latches
from kvdb.table.mutation import Change
from kvdb.table.ttl import Marks
from kvdb.table.writer import Steps, Writer

_log = logging.getLogger("kvdb.table")

_LATE_SECONDS_MAX = limits.TTL_YEARS_MAX * 365 * 24 * 60 * 60


@dataclass(slots=True)
class _Look:
    """Where to look for a table's marks."""

    swept_s: int = 0
    """There were none before this second when they were swept last."""
    full_due_ms: int = 0
    """When to look from the oldest on again."""
    is_full: bool = True
    """Whether the present look does."""


class Sweeper:
    """Job: marks what is not marked yet and deletes what has expired, table by table."""

    name = "sweeper"

    ITEMS_PER_STEP = 100
    ROWS_PER_STEP = 512
    """Of the walk."""
    POLL_MS = 10_000
    """How often it looks for items that were given an earlier time than it knew of."""
    _PACE_MS = 2
    """Between two chunks, so that writers get their turn."""
    DUTY = 100
    """A look from the oldest mark that took one second is repeated after this many."""
    _DISK_PAUSE_MS = 5_000

    def __init__(self, catalog: Catalog, engine: Engine, latches: Latches, writer: Writer, env: Env) -> None:
        self._clock = env.clock
        self._catalog = catalog
        self._engine = engine
        self._latches = latches
        self._writer = writer
        self._deleted = env.metrics.counter("table_ttl_deleted_items_total")
        self._work: Generator[int, None, None] | None = None
        """What is being done for one table; yields how many milliseconds to wait before it goes on."""
        self._turn = 0
        """Which table comes next, so that a busy one does not keep the others waiting."""
        self._looks: dict[bytes, _Look] = {}
        """By the prefix of a table's marks; those of tables that are gone go with the next look."""

    def step(self, now_ms: int) -> int | None:
        """Go on for a chunk. Sleeps until the next item expires, or while no table has a time to live."""
        try:
            if self._work is None:
                wait_ms = self._find_work(now_ms)
                if self._work is None:
                    return wait_ms
            return next(self._work)
        except StopIteration:
            self._work = None
            return 0
        except ResourceNotFound:
            # The table was dropped, or its time to live disabled.
            self._work = None
            return 0
        except (DiskError, DiskFull, ServiceUnavailable) as error:
            _log.warning("expired items are not deleted for now reason=%s", error)
            self._work = None
            return self._DISK_PAUSE_MS
        except StorageError as error:
            # Nothing can be written, or not everything read, before an operator has been here.
            _log.error("expired items cannot be deleted reason=%s", error)
            self._work = None
            return None

    def _find_work(self, now_ms: int) -> int | None:
        """Take up the next table that has work; else how long until one may have; ``None``: never."""
        tables = self._catalog.expiring_tables()
        prefixes = {table.indexes.marks.prefix for table in tables if table.indexes.marks is not None}
        self._looks = {prefix: self._looks.get(prefix) or _Look() for prefix in prefixes}
        if not tables:
            return None
        wait_ms = self.POLL_MS
        for offset in range(len(tables)):
            self._turn = (self._turn + 1) % len(tables)
            table = tables[(self._turn + offset) % len(tables)]
            ttl = table.descriptor.ttl
            marks = table.indexes.marks
            if ttl is None or marks is None:
                continue
            if now_ms < ttl.settles_ms:
                wait_ms = min(wait_ms, ttl.settles_ms - now_ms)
            elif ttl.walk is not None:
                self._work = self._walk(table, marks, ttl)
                return 0
            elif (due_ms := self._due_in_ms(marks, now_ms)) == 0:
                self._work = self._sweep(table, marks, now_ms)
                return 0
            else:
                wait_ms = min(wait_ms, due_ms)
        return wait_ms

    def _due_in_ms(self, marks: Marks, now_ms: int) -> int:
        """When the first mark is over; ``POLL_MS`` if that is later."""
        look = self._looks[marks.prefix]
        look.is_full = now_ms >= look.full_due_ms
        last_s = (now_ms + self.POLL_MS) // 1000
        started_ns = self._clock.monotonic_ns()
        first = next(self._engine.scan(*self._over(marks, now_ms, last_s)), None)
        if look.is_full:
            took_ms = (self._clock.monotonic_ns() - started_ns) // 1_000_000
            look.full_due_ms = now_ms + max(self.POLL_MS, self.DUTY * took_ms)
        due_ms = self.POLL_MS if first is None else (keys.marked_second(first[0]) + 1) * 1000 - now_ms
        if due_ms > 0:
            look.swept_s = now_ms // 1000
        return max(0, due_ms)

    def _over(self, marks: Marks, now_ms: int, end_s: int) -> keys.KeyRange:
        """The marks before second ``end_s``, but for those that are too late by now, or were swept."""
        look = self._looks[marks.prefix]
        start_s = max(0, now_ms // 1000 - _LATE_SECONDS_MAX)
        return keys.marks_between(
            marks.prefix, start_s if look.is_full else max(start_s, look.swept_s), end_s
        )

    # Marking what was there before.

    def _walk(self, table: Table, marks: Marks, ttl: TtlSetting) -> Generator[int, None, None]:
        earlier = self._latches.holders(keys.table_prefix(table.descriptor.table_id))
        while any(not grant.is_given_back for grant in earlier):
            yield self._PACE_MS
        cursor = ttl.walk
        while cursor is not None:
            rows = table.keys.all_rows()
            if cursor:
                rows = rows.after(cursor)
            chunk = list(islice(self._engine.scan(*rows), self.ROWS_PER_STEP))
            batch = WriteBatch()
            for key, stored in chunk:
                marks.add(batch, key, None, row.item_of(stored))
            cursor = chunk[-1][0] if chunk else None
            self._store(table, replace(ttl, walk=cursor), batch)
            yield self._PACE_MS
        _log.info("every row has its time to live marked table=%s", table.descriptor.name)

    def _store(self, table: Table, ttl: TtlSetting, batch: WriteBatch) -> None:
        def changed(stored: TableDescriptor) -> TableDescriptor:
            if stored.ttl is None or stored.ttl.number != ttl.number:
                raise not_found()
            return replace(stored, ttl=ttl)

        self._catalog.change(table, changed, batch)

    # Following the marks.

    def _sweep(self, table: Table, marks: Marks, now_ms: int) -> Generator[int, None, None]:
        now_s = now_ms // 1000
        look = self._looks[marks.prefix]
        rest = self._over(marks, now_ms, now_s)
        while chunk := [mark for mark, _ in islice(self._engine.scan(*rest), self.ITEMS_PER_STEP)]:
            yield from self._drive(self._expire(table, marks, chunk, now_s))
            # Behind what is done, for a look from the beginning would step over all tombstones so far;
            # marks that come there meanwhile are found by the next sweep.
            rest = rest.after(chunk[-1])
            yield self._PACE_MS
        look.swept_s = now_s

    def _drive(self, steps: Steps[int]) -> Generator[int, None, None]:
        """Run a write without ever blocking: where it waits for a latch, so does this job."""
        try:
            effect = next(steps)
            while True:
                seqno = 0
                if isinstance(effect, WriteBatch):
                    seqno = self._engine.write(effect)
                else:
                    while not effect.is_complete:
                        yield self._PACE_MS
                effect = steps.send(seqno)
        except StopIteration as stop:
            self._deleted.add(stop.value)
        finally:
            steps.close()

    def _expire(self, table: Table, marks: Marks, chunk: Iterable[bytes], now_s: int) -> Steps[int]:
        """Delete the marks of a chunk, and the items that have expired; gives the number of items."""
        chunk = list(chunk)
        row_keys = sorted({keys.marked_row_key(mark) for mark in chunk})
        grant = self._latches.request(tuple(row_keys))
        try:
            if not grant.is_complete:
                yield grant
            indexes = table.indexes
            if table.is_dropped or indexes.marks is None or indexes.marks.prefix != marks.prefix:
                raise not_found()
            changes = [
                change for key in row_keys if (change := self._expired(table, key, marks, now_s)) is not None
            ]
            batch = WriteBatch()
            for mark in chunk:
                batch.delete(mark)
            yield from self._writer.commit(changes, batch)
            return len(changes)
        finally:
            self._latches.give_back(grant)

    def _expired(self, table: Table, key: bytes, marks: Marks, now_s: int) -> Change | None:
        """What becomes of the item at ``key``, under its latch, if it has expired."""
        stored = self._engine.get(key)
        if stored is None:
            return None
        item = row.item_of(stored)
        second = marks.second_of(item)
        if second is None or not now_s - _LATE_SECONDS_MAX <= second < now_s:
            return None
        size = row.size_of(stored)
        return Change(table, table.indexes, key, item, None, old_size=size, old_row=stored, by_service=True)
