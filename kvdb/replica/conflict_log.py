"""The conflicts of a table, as the region that decided them noted them, newest ten thousand at most.

Form of a noted conflict, under its key (``table/replica_keys``), msgpack:

    [1, region it came from, decided_ms, outcome, stored version, incoming version]

Versions are rows or tombstones (``table/row``). Whoever asks again after the last one he got follows them.
"""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple, cast

import msgpack

from kvdb.api.replicas import ConflictDescription, ListConflicts, ListConflictsResult, Outcome
from kvdb.errors import CorruptionError
from kvdb.item.value import Item
from kvdb.lsm.engine import Engine
from kvdb.table import replica_keys, row
from kvdb.table.catalog import Catalog, Table

_FORMAT_VERSION = 1
_PAGE = 100


class Conflict(NamedTuple):
    """A conflict as it is kept."""

    region: str
    decided_ms: int
    outcome: Outcome
    stored: bytes
    incoming: bytes

    def encoded(self) -> bytes:
        return cast(bytes, msgpack.packb([_FORMAT_VERSION, *self]))


def list_conflicts(catalog: Catalog, engine: Engine, request: ListConflicts) -> ListConflictsResult:
    """The next conflicts of a table.

    Raises:
        ResourceNotFound: there is no such table.
    """
    table = catalog.table(request.table_name)
    rows = replica_keys.conflicts_range(
        table.descriptor.table_id, request.after_sequence_number, replica_keys.SEQNO_MAX
    )
    page = islice(engine.scan(*rows), request.limit or _PAGE)
    return ListConflictsResult(tuple(_described(table, key, value) for key, value in page))


def _described(table: Table, key: bytes, value: bytes) -> ConflictDescription:
    conflict = _decoded(value)
    item = row.item_of(conflict.stored)
    return ConflictDescription(
        replica_keys.seqno_of(key),
        conflict.region,
        conflict.decided_ms,
        conflict.outcome,
        {name.name: item[name.name] for name in table.descriptor.keys},
        row.stamp_of(conflict.stored).wall_ms,
        row.stamp_of(conflict.incoming).wall_ms,
        _item_of(conflict.stored),
        _item_of(conflict.incoming),
    )


def _item_of(version: bytes) -> Item | None:
    return None if row.is_tombstone(version) else row.item_of(version)


def _decoded(value: bytes) -> Conflict:
    try:
        version, *fields = msgpack.unpackb(value)
        if version != _FORMAT_VERSION:
            raise ValueError(f"format {version}")
        return Conflict(*fields)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise CorruptionError("a noted conflict is not readable") from error
