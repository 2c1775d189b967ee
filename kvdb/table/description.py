"""How a table is described: from its descriptor, the time and its last census.

What the service shows and where it is silent: a provisioned table has no billing summary unless
it once was on demand; indexes that are local have no status of their own; the numbers of an
on-demand table's provisioned throughput are 0. Sources: API Reference, TableDescription; dynalite,
actions/createTable.js and updateTable.js; dynoxide, actions/create_table.rs.

Stored form of what a census found, the value of a census entry (see ``table/keys``), msgpack:

    sizes := [1, [[index number, bytes, items] ...]]          0 is the table itself
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast

import msgpack

from kvdb.api import arn
from kvdb.api.tables import (
    AttributeDefinition,
    BillingModeSummary,
    IndexDescription,
    IndexStatus,
    KeySchemaElement,
    OnDemandThroughput,
    Projection,
    ProvisionedThroughputDescription,
    RestoreSummary,
    StreamSpecification,
    TableDescription,
    WarmThroughput,
)
from kvdb.errors import CorruptionError
from kvdb.table import quotas
from kvdb.table.descriptor import (
    IndexDescriptor,
    KeyAttribute,
    RestoreSetting,
    TableDescriptor,
    Throughput,
)
from kvdb.table.sharing import resolution_of


class Size(NamedTuple):
    """What a table or index held when it was last counted."""

    size_bytes: int = 0
    items: int = 0


Sizes = Mapping[int, Size]
"""By index number; 0 is the table itself."""

_UNCOUNTED = Size()
_FORMAT_VERSION = 1


def encode_sizes(sizes: Sizes) -> bytes:
    """The stored form."""
    return cast(bytes, msgpack.packb([_FORMAT_VERSION, [[number, *size] for number, size in sizes.items()]]))


def decode_sizes(data: bytes) -> Sizes:
    """The sizes of a stored form.

    Raises:
        CorruptionError: ``data`` is not one, or of a format this kvdb does not know.
    """
    try:
        format_version, sizes = msgpack.unpackb(data)
        if format_version != _FORMAT_VERSION:
            raise CorruptionError(f"table sizes have an unknown format version={format_version}")
        return {number: Size(size_bytes, items) for number, size_bytes, items in sizes}
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise CorruptionError("table sizes are not readable") from error


def described(descriptor: TableDescriptor, *, arn_prefix: str, now_ms: int, sizes: Sizes) -> TableDescription:
    """What ``DescribeTable`` tells at ``now_ms``."""
    table_arn = arn_prefix + descriptor.name
    size = sizes.get(0, _UNCOUNTED)
    indexes = [
        _described_index(index, descriptor, table_arn=table_arn, now_ms=now_ms, sizes=sizes)
        for index in descriptor.indexes
    ]
    stream = descriptor.stream
    return TableDescription(
        table_name=descriptor.name,
        table_status=descriptor.status_at(now_ms),
        table_id=descriptor.uuid,
        creation_date_time_ms=descriptor.created_ms,
        key_schema=_key_schema(descriptor.keys[:1], descriptor.keys[1:]),
        attribute_definitions=tuple(_attribute_definitions(descriptor)),
        table_arn=table_arn,
        table_size_bytes=size.size_bytes,
        item_count=size.items,
        local_secondary_indexes=tuple(index for index in indexes if index.kind == "LOCAL"),
        global_secondary_indexes=tuple(index for index in indexes if index.kind == "GLOBAL"),
        billing_mode_summary=_billing_summary(descriptor),
        provisioned_throughput=_provisioned(descriptor.throughput, now_ms),
        on_demand_throughput=_on_demand(descriptor.throughput),
        warm_throughput=_warm(descriptor.throughput),
        stream_specification=(
            StreamSpecification(True, stream.view_type) if stream is not None and stream.is_enabled else None
        ),
        latest_stream_label=None if stream is None else stream.label,
        latest_stream_arn=None if stream is None else arn.stream_arn(table_arn, stream.label),
        table_class=descriptor.table_class,
        deletion_protection_enabled=descriptor.is_protected,
        conflict_resolution=(
            None if descriptor.replication is None else resolution_of(descriptor.replication)
        ),
        restore_summary=None if descriptor.restore is None else _restore_summary(descriptor.restore),
    )


def _restore_summary(restore: RestoreSetting) -> RestoreSummary:
    return RestoreSummary(
        restore.restored_ms,
        restore.is_in_progress,
        restore.backup or None,
        restore.source or None,
        restore.aside or None,
    )


def _attribute_definitions(descriptor: TableDescriptor) -> Iterator[AttributeDefinition]:
    """Every key attribute of the table and its indexes, once."""
    seen: set[str] = set()
    for keys in (descriptor.keys, *((*index.partition, *index.sort) for index in descriptor.indexes)):
        for key in keys:
            if key.name not in seen:
                seen.add(key.name)
                yield AttributeDefinition(key.name, key.type)


def _key_schema(
    partition: tuple[KeyAttribute, ...], sort: tuple[KeyAttribute, ...]
) -> tuple[KeySchemaElement, ...]:
    return (
        *(KeySchemaElement(key.name, "HASH") for key in partition),
        *(KeySchemaElement(key.name, "RANGE") for key in sort),
    )


def _described_index(
    index: IndexDescriptor, descriptor: TableDescriptor, *, table_arn: str, now_ms: int, sizes: Sizes
) -> IndexDescription:
    size = sizes.get(index.number, _UNCOUNTED)
    is_global = index.kind == "GLOBAL"
    is_created = index.status == "CREATING"
    return IndexDescription(
        kind=index.kind,
        index_name=index.name,
        key_schema=_key_schema(index.partition, index.sort),
        projection=Projection(
            index.projection_type,
            index.non_key_attributes if index.projection_type == "INCLUDE" else None,
        ),
        index_arn=arn.index_arn(table_arn, index.name),
        index_size_bytes=size.size_bytes,
        item_count=size.items,
        index_status=_index_status(index, descriptor, now_ms) if is_global else None,
        is_backfilling=now_ms >= index.settles_ms if is_created else None,
        provisioned_throughput=_provisioned(index.throughput, now_ms) if is_global else None,
        on_demand_throughput=_on_demand(index.throughput) if is_global else None,
        warm_throughput=_warm(index.throughput) if is_global else None,
        is_unique=index.is_unique,
        backfilled_count=index.backfill.rows if index.backfill is not None else None,
    )


def _index_status(index: IndexDescriptor, descriptor: TableDescriptor, now_ms: int) -> IndexStatus:
    table_status = descriptor.status_at(now_ms)
    if table_status in ("CREATING", "DELETING"):
        return table_status
    if index.status == "UPDATING" and now_ms >= index.settles_ms:
        return "ACTIVE"
    return index.status


def _billing_summary(descriptor: TableDescriptor) -> BillingModeSummary | None:
    billing = descriptor.billing
    if billing.mode == "PROVISIONED" and billing.on_demand_since_ms is None:
        return None
    return BillingModeSummary(billing.mode, billing.on_demand_since_ms)


def _provisioned(throughput: Throughput, now_ms: int) -> ProvisionedThroughputDescription:
    return ProvisionedThroughputDescription(
        throughput.read_units,
        throughput.write_units,
        len(quotas.decreases_today(throughput, now_ms)),
        throughput.increased_ms,
        throughput.decreased_ms,
    )


def _on_demand(throughput: Throughput) -> OnDemandThroughput | None:
    if throughput.max_read_units is None and throughput.max_write_units is None:
        return None
    return OnDemandThroughput(throughput.max_read_units, throughput.max_write_units)


def _warm(throughput: Throughput) -> WarmThroughput | None:
    if throughput.warm_read_units is None and throughput.warm_write_units is None:
        return None
    return WarmThroughput(throughput.warm_read_units, throughput.warm_write_units)
