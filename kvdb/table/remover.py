"""The remover: deletes the rows of dropped tables and indexes, each by one range delete.

Invariant: no row is written after the remover has deleted. A row is written only under its item's
latch, by a writer who saw under that latch that the table was not dropped, or which indexes it
had. The remover starts when the catalog says otherwise, and waits for everybody who holds a latch
of the table at its first look; whoever takes one after that sees what the catalog says.
"""

from __future__ import annotations

import logging

from kvdb.errors import DiskError, DiskFull, ReadOnlyDegraded, ServiceUnavailable
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.table import keys, replica_keys
from kvdb.table.catalog import Catalog
from kvdb.table.latches import Grant, Latches

_log = logging.getLogger("kvdb.table")


class RowRemover:
    """Job: delete the rows of what was dropped (step 4 of ``table/catalog``), one table or index a step."""

    name = "row-remover"

    _LATCH_PAUSE_MS = 5
    _DISK_PAUSE_MS = 5_000

    def __init__(self, catalog: Catalog, engine: Engine, latches: Latches) -> None:
        self._catalog = catalog
        self._engine = engine
        self._latches = latches
        self._prefix: bytes | None = None
        self._earlier_writers: list[Grant] = []

    def step(self, now_ms: int) -> int | None:
        """One table or index. Sleeps when there is none, tries again after a refused write."""
        prefix = self._catalog.first_dropped_prefix()
        if prefix is None:
            return None
        if prefix != self._prefix:
            self._prefix = prefix
            self._earlier_writers = self._latches.holders(keys.table_prefix_of(prefix))
        self._earlier_writers = [grant for grant in self._earlier_writers if not grant.is_given_back]
        if self._earlier_writers:
            return self._LATCH_PAUSE_MS
        rows = keys.prefix_range(prefix)
        try:
            batch = WriteBatch().delete_range(*rows).delete(keys.dropped_key(prefix))
            if prefix == keys.table_prefix_of(prefix):
                for kept in replica_keys.all_of(keys.table_id_of(prefix)):
                    # Few tables are replicated, and memory holds only so many deletes of ranges.
                    if next(self._engine.scan(*kept), None) is not None:
                        batch.delete_range(*kept)
            self._engine.write(batch)
        except (DiskError, DiskFull, ServiceUnavailable) as error:
            _log.warning("dropped rows not removed yet prefix=%s reason=%s", prefix.hex(), error)
            return self._DISK_PAUSE_MS
        except ReadOnlyDegraded:
            # Nothing can be written before the database is opened again; recovery goes on then.
            return None
        self._catalog.forget_dropped(prefix)
        return 0
