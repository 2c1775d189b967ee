"""BatchGetItem and BatchWriteItem.

Both check everything (expressions, keys, duplicates, tables) before they read or write anything,
so a refused call has had no effect. A batch write is one engine batch: its items become durable
together, which is more than the service promises (each item on its own) and saves a commit an
item. A table that is asked for too much throughput at the moment gets back what is for it, as
unprocessed; when that is everything, the call is refused. The 16 MB bound of a batch write needs
no check here: 25 items of 400 KB are less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kvdb.api.items import (
    BatchGetItem,
    BatchGetItemResult,
    BatchWriteItem,
    BatchWriteItemResult,
    KeysAndAttributes,
    PutRequest,
    WriteRequest,
)
from kvdb.errors import ValidationError
from kvdb.expr.compiler import Projection
from kvdb.item.value import Item
from kvdb.limits import AWS, LimitsProfile
from kvdb.lsm.engine import Engine
from kvdb.table import row
from kvdb.table.capacity import read_units
from kvdb.table.catalog import Catalog, Table
from kvdb.table.descriptor import Axis
from kvdb.table.keys import TABLE_NUMBER
from kvdb.table.reader import projection_of
from kvdb.table.writer import Steps, Target, Writer
from kvdb.table.writes import DeleteWrite, PutWrite, sized_item


def write_items(catalog: Catalog, writer: Writer, request: BatchWriteItem) -> Steps[BatchWriteItemResult]:
    """Source: API Reference, BatchWriteItem.

    Raises:
        ResourceNotFound: one of the tables does not exist; nothing was written.
        ValidationError: an item or key is bad, or named twice; nothing was written.
        ThroughputExceeded, Throttled: all tables are asked for too much; nothing was written.
    """
    prepared = {
        name: [_prepared(write, writer.profile) for write in writes]
        for name, writes in request.request_items.items()
    }
    targets: dict[str, list[Target]] = {}
    for name, writes in prepared.items():
        table = catalog.table(name)
        targets[name] = [_target(table, write) for write in writes]
    _refuse_duplicates([target.key for some in targets.values() for target in some])
    tables = {name: some[0].table for name, some in targets.items()}
    throttled = _throttled(tables, "write")
    yield from writer.write(
        [target for name, some in targets.items() if name not in throttled for target in some]
    )
    return BatchWriteItemResult({name: list(request.request_items[name]) for name in throttled})


def _throttled(tables: Mapping[str, Table], axis: Axis) -> set[str]:
    """The tables that let nothing through now. A write may be for any of a table's indexes, so it has
    to wait for all.

    Raises:
        ThroughputExceeded, Throttled: these are all tables.
    """
    numbers = None if axis == "write" else (TABLE_NUMBER,)
    refusals = {
        name: refusal
        for name, table in tables.items()
        if table.meter is not None and (refusal := table.meter.refusal(axis, numbers)) is not None
    }
    if len(refusals) == len(tables):
        raise next(iter(refusals.values()))
    return set(refusals)


def _prepared(write: WriteRequest, profile: LimitsProfile) -> WriteRequest | PutWrite:
    """Items are checked before any table is looked up. Source: dynoxide, batch_write_item.rs."""
    return PutWrite(*sized_item(write.item, profile)) if isinstance(write, PutRequest) else write


def _target(table: Table, write: WriteRequest | PutWrite) -> Target:
    if isinstance(write, PutWrite):
        key = table.keys.of_batch_item(write.item)
        table.indexes.check(write.item)
        return Target(table, key, write)
    assert not isinstance(write, PutRequest)
    return Target(table, table.keys.of_key(write.key), DeleteWrite())


def _refuse_duplicates(keys: Sequence[bytes]) -> None:
    if len(set(keys)) != len(keys):
        raise ValidationError("Provided list of item keys contains duplicates")


class _Wanted(NamedTuple):
    """What to read from one table."""

    name: str
    table: Table
    request: KeysAndAttributes
    projection: Projection | None
    engine_keys: list[bytes]


def get_items(
    catalog: Catalog, engine: Engine, request: BatchGetItem, *, profile: LimitsProfile = AWS
) -> BatchGetItemResult:
    """Source: API Reference, BatchGetItem.

    Items are answered until their sizes, before the projection, would pass 16 MB; the keys from
    there on are unprocessed. The first item always fits, so repeating the rest comes to an end.

    Raises:
        ResourceNotFound: one of the tables does not exist.
        ValidationError: a malformed projection, a bad key, or one named twice.
        ThroughputExceeded, Throttled: all tables are asked for too much.
    """
    projections = {
        name: projection_of(
            wanted.projection_expression, wanted.expression_attribute_names, wanted.attributes_to_get
        )
        for name, wanted in request.request_items.items()
    }
    wanteds = [
        _resolved(catalog, name, wanted, projections[name]) for name, wanted in request.request_items.items()
    ]
    result = BatchGetItemResult({name: [] for name in request.request_items})
    throttled = _throttled({wanted.name: wanted.table for wanted in wanteds}, "read")
    room_bytes = profile.batch_bytes_max
    for wanted in wanteds:
        if wanted.name in throttled:
            result.unprocessed_keys[wanted.name] = wanted.request
        else:
            room_bytes = _read(engine, wanted, result, room_bytes)
    return result


def _resolved(
    catalog: Catalog, name: str, wanted: KeysAndAttributes, projection: Projection | None
) -> _Wanted:
    table = catalog.table(name)
    engine_keys = [table.keys.of_key(key) for key in wanted.keys]
    _refuse_duplicates(engine_keys)
    return _Wanted(name, table, wanted, projection, engine_keys)


def _read(engine: Engine, wanted: _Wanted, result: BatchGetItemResult, room_bytes: int) -> int:
    """Answer what has room; gives the room that is left, below zero once something was turned away."""
    found: list[Item] = result.responses[wanted.name]
    units = 0.0
    for place, key in enumerate(wanted.engine_keys):
        stored = engine.get(key) if room_bytes >= 0 else None
        if stored is not None:
            room_bytes -= row.size_of(stored)
        if room_bytes < 0:
            result.unprocessed_keys[wanted.name] = _rest_of(wanted.request, place)
            break
        size = 0 if stored is None else row.size_of(stored)
        units += read_units(size, is_consistent=wanted.request.consistent_read)
        if stored is not None:
            item = row.item_of(stored)
            found.append(item if wanted.projection is None else wanted.projection.applied_to(item))
    if wanted.table.meter is not None:
        wanted.table.meter.take("read", {TABLE_NUMBER: units})
    return room_bytes


def _rest_of(request: KeysAndAttributes, place: int) -> KeysAndAttributes:
    return KeysAndAttributes(
        list(request.keys[place:]),
        request.projection_expression,
        request.expression_attribute_names,
        request.consistent_read,
        request.attributes_to_get,
    )
