"""BatchGetItem and BatchWriteItem.

Both check everything (expressions, keys, duplicates, tables) before they read or write anything,
so a refused call has had no effect. A batch write is one engine batch: its items become durable
together, which is more than the service promises (each item on its own) and saves a commit an
item. A table that is asked for too much throughput at the moment gets back what is for it, as
unprocessed; when that is everything, the call is refused. So is what does not fit into the bytes
of one batch, from the first that does not on: of 25 items of 400 KB that is never one.
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
from kvdb.table.capacity import Tally, all_consumed, read_units
from kvdb.table.catalog import Catalog, Table
from kvdb.table.descriptor import Axis
from kvdb.table.keys import TABLE_NUMBER
from kvdb.table.mutation import Change
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
    needs_old = request.return_consumed_capacity != "NONE"
    prepared = {
        name: [_prepared(write, writer.profile, needs_old=needs_old) for write in writes]
        for name, writes in request.request_items.items()
    }
    targets: dict[str, list[Target]] = {}
    for name, writes in prepared.items():
        table = catalog.table(name)
        targets[name] = [_target(table, write, needs_old=needs_old) for write in writes]
    _refuse_duplicates([target.key for some in targets.values() for target in some])
    tables = {name: some[0].table for name, some in targets.items()}
    throttled = _throttled(tables, "write")
    result = BatchWriteItemResult({name: list(request.request_items[name]) for name in throttled})
    taken: list[tuple[str, Target]] = []
    room_bytes = writer.profile.batch_bytes_max
    for name, some in targets.items():
        if name in throttled:
            continue
        for place, target in enumerate(some):
            room_bytes -= target.write.size_bytes if isinstance(target.write, PutWrite) else 0
            if room_bytes < 0 and taken:
                result.unprocessed_items[name] = list(request.request_items[name][place:])
                break
            taken.append((name, target))
    changes = yield from writer.write([target for _, target in taken])
    _tell_costs(
        request, result, writer, [(name, change) for (name, _), change in zip(taken, changes, strict=True)]
    )
    return result


def _tell_costs(
    request: BatchWriteItem,
    result: BatchWriteItemResult,
    writer: Writer,
    changes: Sequence[tuple[str, Change]],
) -> None:
    """What was consumed, and what collections have come to, as far as asked for."""
    if request.return_consumed_capacity != "NONE":
        tallies: dict[str, Tally] = {}
        for name, change in changes:
            tallies.setdefault(name, Tally()).add_write(change)
        result.consumed_capacity = all_consumed(tallies, request.return_consumed_capacity)
    if request.return_item_collection_metrics != "NONE":
        result.item_collection_metrics = writer.collection_metrics(changes)


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


def _prepared(write: WriteRequest, profile: LimitsProfile, *, needs_old: bool) -> WriteRequest | PutWrite:
    """Items are checked before any table is looked up. Source: dynoxide, batch_write_item.rs."""
    if not isinstance(write, PutRequest):
        return write
    return PutWrite(*sized_item(write.item, profile), needs_old=needs_old)


def _target(table: Table, write: WriteRequest | PutWrite, *, needs_old: bool) -> Target:
    if isinstance(write, PutWrite):
        key = table.keys.of_batch_item(write.item)
        table.indexes.check(write.item)
        return Target(table, key, write)
    assert not isinstance(write, PutRequest)
    return Target(table, table.keys.of_key(write.key), DeleteWrite(needs_old=needs_old))


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
    tallies: dict[str, Tally] = {}
    for wanted in wanteds:
        if wanted.name in throttled:
            result.unprocessed_keys[wanted.name] = wanted.request
        else:
            tallies[wanted.name] = Tally()
            room_bytes = _read(engine, wanted, result, room_bytes, tallies[wanted.name])
    # Of a table that the bytes did not reach nothing was read.
    read = {name: tally for name, tally in tallies.items() if tally.total}
    result.consumed_capacity = all_consumed(read, request.return_consumed_capacity)
    return result


def _resolved(
    catalog: Catalog, name: str, wanted: KeysAndAttributes, projection: Projection | None
) -> _Wanted:
    table = catalog.table(name)
    engine_keys = [table.keys.of_key(key) for key in wanted.keys]
    _refuse_duplicates(engine_keys)
    return _Wanted(name, table, wanted, projection, engine_keys)


def _read(engine: Engine, wanted: _Wanted, result: BatchGetItemResult, room_bytes: int, tally: Tally) -> int:
    """Answer what has room; gives the room that is left, below zero once something was turned away."""
    found: list[Item] = result.responses[wanted.name]
    for place, key in enumerate(wanted.engine_keys):
        stored = engine.get(key) if room_bytes >= 0 else None
        if stored is not None:
            room_bytes -= row.size_of(stored)
        if room_bytes < 0:
            result.unprocessed_keys[wanted.name] = _rest_of(wanted.request, place)
            break
        size = 0 if stored is None else row.size_of(stored)
        tally.add_table(read_units(size, is_consistent=wanted.request.consistent_read))
        if stored is not None:
            item = row.item_of(stored)
            found.append(item if wanted.projection is None else wanted.projection.applied_to(item))
    if wanted.table.meter is not None:
        wanted.table.meter.take("read", {TABLE_NUMBER: tally.total})
    return room_bytes


def _rest_of(request: KeysAndAttributes, place: int) -> KeysAndAttributes:
    return KeysAndAttributes(
        list(request.keys[place:]),
        request.projection_expression,
        request.expression_attribute_names,
        request.consistent_read,
        request.attributes_to_get,
    )
