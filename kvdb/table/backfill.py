"""Backfill: give a new index the rows of items that were there before it, while writes go on.

``UpdateTable`` has put the index into the table's descriptor as CREATING; from then on writes keep
it, and see nothing of this job. In order:

1. wait for the writes that began before they could see the index: whoever held a latch of the
   table when this job first looked;
2. store that the backfill has begun (``IndexDescriptor.backfill``);
3. walk the table's rows in key order, a bounded chunk a step: latch the chunk's items, read them
   as they are under the latch, write their index rows together with how far the walk has come;
4. store that the index is ACTIVE.

A row is looked at after step 1, so either its last write kept the index, or that write was over
before and the walk finds what it left. A crash loses at most a chunk, which is then done again.
Items whose key attributes may not stand in the index are left out, as the service leaves them out.

A unique index under which two items meet cannot be made: the job drops it and says so in the log.

Sources: developer guide, "Managing Global Secondary Indexes" (phases), "Detecting and correcting
index key violations".
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import replace

from kvdb.errors import (
    DiskError,
    DiskFull,
    ResourceNotFound,
    ServiceUnavailable,
    StorageError,
    UniqueViolation,
)
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.table import keys, mutation, row
from kvdb.table.catalog import Catalog, Table, not_found
from kvdb.table.claims import Claims
from kvdb.table.descriptor import Backfill, IndexDescriptor, TableDescriptor
from kvdb.table.index import Index, Indexes
from kvdb.table.latches import Grant, Latches
from kvdb.table.mutation import Change

_log = logging.getLogger("kvdb.table")


class IndexBuilder:
    """Job: the backfill of every index that is CREATING, one after the other."""

    name = "index-builder"

    ROWS_PER_STEP = 128
    BYTES_PER_STEP = 1024 * 1024
    """Of rows; the last may pass it."""
    _LATCH_PAUSE_MS = 2
    _DISK_PAUSE_MS = 5_000

    def __init__(
        self, catalog: Catalog, engine: Engine, latches: Latches, on_dropped: Callable[[], None]
    ) -> None:
        """``on_dropped``: an index was dropped; wake whoever removes its rows."""
        self._catalog = catalog
        self._engine = engine
        self._latches = latches
        self._on_dropped = on_dropped
        self._work: Generator[int, None, None] | None = None
        """One index being built; yields how many milliseconds to wait before it goes on."""

    def step(self, now_ms: int) -> int | None:
        """Go on with one index for a chunk. Sleeps when there is none to build."""
        if self._work is None:
            found = self._catalog.first_creating()
            if found is None:
                return None
            table, descriptor = found
            if now_ms < descriptor.settles_ms:
                return descriptor.settles_ms - now_ms
            self._work = self._build(table, Index(descriptor, table.descriptor, table.keys))
        try:
            return next(self._work)
        except StopIteration:
            self._work = None
            return 0
        except (DiskError, DiskFull, ServiceUnavailable) as error:
            _log.warning("an index is not built further for now reason=%s", error)
            self._work = None
            return self._DISK_PAUSE_MS
        except StorageError as error:
            # Nothing can be written, or not everything read, before an operator has been here;
            # recovery goes on when the database is opened again.
            _log.error("an index cannot be built reason=%s", error)
            self._work = None
            return None

    def _build(self, table: Table, index: Index) -> Generator[int, None, None]:
        facts = f"table={table.descriptor.name} index={index.name}"
        try:
            earlier = self._latches.holders(keys.table_prefix(table.descriptor.table_id))
            while any(not grant.is_given_back for grant in earlier):
                yield self._LATCH_PAUSE_MS
            progress = index.descriptor.backfill
            if progress is None:
                progress = Backfill()
                self._store(table, index, progress)
            while (chunk := self._chunk(table, progress)) is not None:
                yield from self._fill(table, index, *chunk)
                progress = chunk[1]
                yield 0
            self._finish(table, index)
            _log.info("index is complete %s rows=%d", facts, progress.rows)
        except UniqueViolation as violation:
            _log.error("index could not be made unique and was dropped %s reason=%s", facts, violation)
            self._drop(table, index)
        except ResourceNotFound:
            _log.info("index was dropped while it was built %s", facts)

    def _chunk(self, table: Table, progress: Backfill) -> tuple[tuple[bytes, ...], Backfill] | None:
        """The next rows' keys, and the progress when they are done; ``None``: there are no more."""
        rows = table.keys.all_rows()
        if progress.cursor:
            rows = rows.after(progress.cursor)
        chunk: list[bytes] = []
        size = 0
        for key, stored in self._engine.scan(*rows):
            chunk.append(key)
            size += len(stored)
            if len(chunk) == self.ROWS_PER_STEP or size >= self.BYTES_PER_STEP:
                break
        return (tuple(chunk), Backfill(chunk[-1], progress.rows + len(chunk))) if chunk else None

    def _fill(
        self, table: Table, index: Index, chunk: tuple[bytes, ...], done: Backfill
    ) -> Generator[int, None, None]:
        """Write the index rows of a chunk, and that this is done, in one batch."""
        items = self._latches.request(chunk)
        claimed: Grant | None = None
        try:
            while not items.is_complete:
                yield self._LATCH_PAUSE_MS
            changes = [(change, stored) for key in chunk for change, stored in self._now(table, index, key)]
            claims = Claims([change for change, _ in changes])
            claimed = self._latches.request(claims.keys)
            while not claimed.is_complete:
                yield self._LATCH_PAUSE_MS
            batch = WriteBatch()
            claims.settle(self._engine, batch)
            for change, stored in changes:
                mutation.add_index_rows(batch, change, stored, row.stamp_of(stored))
            self._store(table, index, done, batch)
        finally:
            if claimed is not None:
                self._latches.give_back(claimed)
            self._latches.give_back(items)

    def _now(self, table: Table, index: Index, key: bytes) -> Iterator[tuple[Change, bytes]]:
        """The item at ``key``, if it is still there, as if it had just come; and its row."""
        stored = self._engine.get(key)
        if stored is not None:
            item, size = row.item_of(stored), row.size_of(stored)
            yield Change(table, Indexes([index]), key, None, item, new_size=size), stored

    # What is stored in the descriptor. ``ResourceNotFound``: table or index were dropped meanwhile.

    def _store(self, table: Table, index: Index, progress: Backfill, batch: WriteBatch | None = None) -> None:
        self._catalog.change(
            table,
            lambda stored: stored.with_index(replace(_creating(stored, index), backfill=progress)),
            batch,
        )

    def _finish(self, table: Table, index: Index) -> None:
        # Every index row that was missing is committed by now, and every write since keeps the index.
        since_seqno = self._engine.last_seqno
        self._catalog.change(
            table,
            lambda stored: stored.with_index(
                replace(
                    _creating(stored, index),
                    status="ACTIVE",
                    settles_ms=0,
                    backfill=None,
                    since_seqno=since_seqno,
                )
            ),
        )

    def _drop(self, table: Table, index: Index) -> None:
        with suppress(ResourceNotFound):
            self._catalog.change(table, lambda stored: stored.without_index(_creating(stored, index).number))
            self._on_dropped()


def _creating(table: TableDescriptor, index: Index) -> IndexDescriptor:
    for stored in table.indexes:
        if stored.number == index.descriptor.number and stored.status == "CREATING":
            return stored
    raise not_found()
