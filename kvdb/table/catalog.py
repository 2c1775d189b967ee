"""The tables there are: create, describe, list, drop, and remove the rows of what was dropped.

The catalog is rows of the engine's own keyspace (``table/keys``), loaded once at open into one
dict that readers look into without a lock. Changes are made under one lock, are durable before
they are visible, and replace the dict instead of changing it.

Dropping a table, in order:

1. one batch removes the descriptor and records the table id as dropped;
2. the dict no longer has the name: it is free, and its next holder gets a new table id, whose
   rows lie elsewhere;
3. ``Table.is_dropped`` is set: a writer that resolved the table earlier is refused when it comes
   to hold its latch;
4. ``RowRemover`` deletes the rows and the record in one batch, whatever their number: the rows by
   one range delete. A crash before that finds the record at the next open and goes on.

Invariant: no row is written after the remover's last look. A row is written only under its item's
latch, by a writer who saw under that latch that the table was not dropped. The remover starts
after step 3 and waits for a moment in which no latch of the table is held; whoever takes one
after that moment sees step 3.
"""

from __future__ import annotations

import logging
import threading
from bisect import bisect_right
from collections.abc import Mapping

from kvdb import limits
from kvdb.api.tables import CreateTable, ListTables, ListTablesResult, TableDescription
from kvdb.env.env import Env
from kvdb.errors import (
    DiskError,
    LimitExceeded,
    ReadOnlyDegraded,
    ResourceInUse,
    ResourceNotFound,
    ServiceUnavailable,
)
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.table import keys
from kvdb.table.descriptor import TableDescriptor, decode_descriptor
from kvdb.table.keys import TableKeys
from kvdb.table.latches import Latches

_log = logging.getLogger("kvdb.table")


class Table:
    """One table in use."""

    __slots__ = ("descriptor", "is_dropped", "keys")

    def __init__(self, descriptor: TableDescriptor) -> None:
        self.descriptor = descriptor
        self.keys = TableKeys(descriptor)
        self.is_dropped = False
        """Set once, for ever. A writer looks at it under the latch of the item it writes."""

    @property
    def needs_old(self) -> bool:
        """Whether every write has to know the item it replaces, because something follows from both."""
        return False


class Catalog:
    """All tables of one database."""

    def __init__(self, engine: Engine, env: Env) -> None:
        """Load what the engine holds."""
        self._engine = engine
        self._env = env
        self._guard = threading.Lock()
        tables = [Table(decode_descriptor(value)) for _, value in engine.scan(*keys.descriptor_range())]
        self._tables: Mapping[str, Table] = {table.descriptor.name: table for table in tables}
        stored = engine.get(keys.NEXT_TABLE_ID_KEY)
        self._next_table_id = keys.FIRST_TABLE_ID if stored is None else keys.next_table_id_of(stored)
        self._dropped_ids = [keys.dropped_table_id(key) for key, _ in engine.scan(*keys.dropped_range())]

    def table(self, name: str) -> Table:
        """The table an item operation names.

        Raises:
            ResourceNotFound: there is none; in the words of the item operations.
        """
        table = self._tables.get(name)
        if table is None:
            raise not_found()
        return table

    def described(self, name: str) -> TableDescription:
        """Source: API Reference, DescribeTable."""
        return self._named(name).descriptor.described("ACTIVE")

    def listed(self, request: ListTables) -> ListTablesResult:
        """Source: API Reference, ListTables: names in byte order, up to 100 a page."""
        names = sorted(self._tables)
        start = bisect_right(names, request.exclusive_start_table_name or "")
        limit = request.limit or limits.LIST_TABLES_PAGE_MAX
        page = names[start : start + limit]
        return ListTablesResult(page, page[-1] if start + limit < len(names) else None)

    def create(self, request: CreateTable) -> TableDescription:
        """Make a table; it is ready when this returns.

        Raises:
            ResourceInUse: the name is taken. Of several creators of one name exactly one wins.
            LimitExceeded: there are 2,500 tables.
        """
        name = request.table_name
        with self._guard:
            if name in self._tables:
                raise ResourceInUse(f"Table already exists: {name}")
            if len(self._tables) >= limits.TABLES_MAX:
                raise LimitExceeded(
                    "Subscriber limit exceeded: "
                    f"There is a limit of {limits.TABLES_MAX} tables per subscriber"
                )
            descriptor = TableDescriptor.of_request(
                request,
                table_id=self._next_table_id,
                uuid=self._env.entropy.uuid(),
                created_ms=self._env.clock.wall_ms(),
            )
            following = keys.next_table_id_value(descriptor.table_id + 1)
            self._engine.write(
                WriteBatch()
                .put(keys.descriptor_key(name), descriptor.encoded())
                .put(keys.NEXT_TABLE_ID_KEY, following)
            )
            self._next_table_id += 1
            self._tables = {**self._tables, name: Table(descriptor)}
        return descriptor.described("ACTIVE")

    def drop(self, name: str) -> TableDescription:
        """Steps 1 to 3 of dropping a table; the rows go when the remover is woken.

        Raises:
            ResourceNotFound: there is no such table.
        """
        with self._guard:
            table = self._named(name)
            table_id = table.descriptor.table_id
            self._engine.write(
                WriteBatch().delete(keys.descriptor_key(name)).put(keys.dropped_key(table_id), name.encode())
            )
            self._tables = {other: kept for other, kept in self._tables.items() if other != name}
            table.is_dropped = True
            self._dropped_ids.append(table_id)
        return table.descriptor.described("DELETING")

    def first_dropped_id(self) -> int | None:
        """A dropped table whose rows are still to be removed."""
        with self._guard:
            return self._dropped_ids[0] if self._dropped_ids else None

    def forget_dropped(self, table_id: int) -> None:
        """The rows of a dropped table are gone, and so is the record that said they were to go."""
        with self._guard:
            self._dropped_ids.remove(table_id)

    def _named(self, name: str) -> Table:
        table = self._tables.get(name)
        if table is None:
            # Source: dynalite, test/describeTable.js; dynoxide, describe_table.rs.
            raise ResourceNotFound(f"Requested resource not found: Table: {name} not found")
        return table


def not_found() -> ResourceNotFound:
    """What an item operation answers for a table that is not there. Source: dynoxide, helpers.rs."""
    return ResourceNotFound("Requested resource not found")


class RowRemover:
    """Job: delete the rows of dropped tables, one table a step (step 4 above)."""

    name = "row-remover"

    _LATCH_PAUSE_MS = 5
    _DISK_PAUSE_MS = 5_000

    def __init__(self, catalog: Catalog, engine: Engine, latches: Latches) -> None:
        self._catalog = catalog
        self._engine = engine
        self._latches = latches

    def step(self, now_ms: int) -> int | None:
        """One table. Sleeps when there is none, tries again after a refused write."""
        table_id = self._catalog.first_dropped_id()
        if table_id is None:
            return None
        if self._latches.any_held(keys.table_prefix(table_id)):
            return self._LATCH_PAUSE_MS
        try:
            self._remove(table_id)
        except (DiskError, ServiceUnavailable) as error:
            _log.warning("rows of a dropped table not removed yet table_id=%d reason=%s", table_id, error)
            return self._DISK_PAUSE_MS
        except ReadOnlyDegraded:
            # Nothing can be written before the database is opened again; recovery goes on then.
            return None
        self._catalog.forget_dropped(table_id)
        return 0

    def _remove(self, table_id: int) -> None:
        rows = keys.prefix_range(keys.table_prefix(table_id))
        batch = WriteBatch().delete_range(rows.start, rows.end).delete(keys.dropped_key(table_id))
        self._engine.write(batch)
