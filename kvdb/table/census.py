"""The census: how many items a table and its indexes hold, and of how many bytes, counted now and then.

Writes pay nothing for it: a job walks the rows, a bounded chunk a step, and tells the catalog when it
has come to the end. What is described is therefore

- at most as old as ``DUTY`` times what the last count took, at least ``PAUSE_MS_MIN`` and at most
  ``PAUSE_MS_MAX`` (the service says "approximately every six hours"): counting takes at most a
  hundredth of one core, and a table of a few thousand items is never more than some ten seconds old;
- not of one moment: items that come and go during the count may or may not be in it.

Nothing is counted while nothing is written. What was counted last is stored, so that a database that
was opened again has something to tell at once.

Sizes are published sizes (``item/size``), of an index those of what it keeps of the items.
Source: API Reference, TableDescription, ItemCount and TableSizeBytes.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from itertools import islice

from kvdb.env.clock import Clock
from kvdb.errors import CorruptionError, DiskError, DiskFull, ServiceUnavailable, StorageError
from kvdb.lsm.engine import Engine
from kvdb.table import row
from kvdb.table.catalog import Catalog, Table
from kvdb.table.description import Size
from kvdb.table.keys import TABLE_NUMBER, RowSpace

_log = logging.getLogger("kvdb.table")


class Census:
    """Job: count the tables one after the other, each when it is due."""

    name = "census"

    ROWS_PER_STEP = 2_000
    DUTY = 100
    """A count that took one second is repeated after this many."""
    PAUSE_MS_MIN = 10_000
    PAUSE_MS_MAX = 6 * 60 * 60 * 1000
    _PACE_MS = 1
    """Between two chunks, so that writers get their turn."""

    def __init__(self, catalog: Catalog, engine: Engine, clock: Clock) -> None:
        self._catalog = catalog
        self._engine = engine
        self._clock = clock
        self._work: Iterator[None] | None = None
        self._table_id = 0
        """Of the table that is being counted."""
        self._due_ms: dict[int, int] = {}
        """When each table is to be counted next, by its id; those that were never counted are not here."""
        self._counted_to: dict[int, int] = {}
        """The newest seqno when each table's last count began."""
        self._busy_ns = 0
        """What the present count has taken so far."""

    def step(self, now_ms: int) -> int | None:
        """Count a chunk. Sleeps until a table is due, or until woken when there are none."""
        if self._work is None:
            wait_ms = self._find_work(now_ms)
            if self._work is None:
                return wait_ms
        try:
            is_over = self._go_on(self._work)
        except (DiskError, DiskFull, ServiceUnavailable, CorruptionError) as error:
            _log.warning("a table was not counted reason=%s", error)
            is_over = True
        except StorageError as error:
            _log.error("tables are counted no more reason=%s", error)
            self._work = None
            return None
        if is_over:
            self._work = None
            pause_ms = self.DUTY * self._busy_ns // 1_000_000
            # Also after a failure: a table with a damaged block must not be counted in a circle.
            self._due_ms[self._table_id] = now_ms + min(max(pause_ms, self.PAUSE_MS_MIN), self.PAUSE_MS_MAX)
        return self._PACE_MS

    def _go_on(self, work: Iterator[None]) -> bool:
        """A chunk of the present count, and what it took; gives whether that was the last."""
        started_ns = self._clock.monotonic_ns()
        try:
            next(work)
        except StopIteration:
            return True
        finally:
            self._busy_ns += self._clock.monotonic_ns() - started_ns
        return False

    def _find_work(self, now_ms: int) -> int | None:
        """Take up the first table that is due; else how long until one is; ``None``: there are none."""
        tables = self._catalog.all_tables()
        ids = {table.descriptor.table_id for table in tables}
        for gone in self._due_ms.keys() - ids:
            del self._due_ms[gone], self._counted_to[gone]
        wait_ms = self.PAUSE_MS_MIN if tables else None
        for table in tables:
            table_id = table.descriptor.table_id
            if now_ms < self._due_ms.get(table_id, 0):
                wait_ms = min(wait_ms or 0, self._due_ms[table_id] - now_ms)
            elif self._engine.last_seqno > self._counted_to.get(table_id, -1):
                self._table_id, self._busy_ns = table_id, 0
                self._counted_to[table_id] = self._engine.last_seqno
                self._work = self._count(table)
                return 0
        return wait_ms

    def _count(self, table: Table) -> Iterator[None]:
        spaces: dict[int, RowSpace] = {TABLE_NUMBER: table.keys}
        spaces.update((index.descriptor.number, index.keys) for index in table.indexes.maintained)
        sizes: dict[int, Size] = {}
        for number, space in spaces.items():
            sizes[number] = yield from self._count_rows(space)
        self._catalog.record_census(table, sizes)

    def _count_rows(self, space: RowSpace) -> Generator[None, None, Size]:
        rows = space.all_rows()
        size_bytes = items = 0
        while True:
            count = 0
            for key, stored in islice(self._engine.scan(*rows), self.ROWS_PER_STEP):
                count += 1
                size_bytes += row.size_of(stored)
                last = key
            items += count
            if count < self.ROWS_PER_STEP:
                return Size(size_bytes, items)
            rows = rows.after(last)
            yield
