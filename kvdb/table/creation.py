"""From a checked ``CreateTable`` to the descriptor of a new table. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from kvdb import limits
from kvdb.api.tables import (
    AttributeType,
    CreateTable,
    IndexKind,
    IndexSpecification,
    OnDemandThroughput,
    ProvisionedThroughput,
    StreamSpecification,
    WarmThroughput,
)
from kvdb.table.descriptor import (
    FIRST_INDEX_NUMBER,
    Billing,
    IndexDescriptor,
    KeyAttribute,
    ReplicationSetting,
    StreamSetting,
    TableDescriptor,
    Throughput,
)


def created(
    request: CreateTable, *, name: str, table_id: int, uuid: str, now_ms: int, delay_ms: int = 0
) -> TableDescriptor:
    """The table a request asks for. It is CREATING for ``delay_ms``."""
    types = types_of(request)
    keys = [KeyAttribute(key.attribute_name, types[key.attribute_name]) for key in request.key_schema]
    local = [("LOCAL", asked) for asked in request.local_secondary_indexes or ()]
    asked_for = [*local, *(("GLOBAL", asked) for asked in request.global_secondary_indexes or ())]
    numbers = range(FIRST_INDEX_NUMBER, FIRST_INDEX_NUMBER + len(asked_for))
    indexes = tuple(
        new_index(asked, types, number=number, kind="LOCAL" if kind == "LOCAL" else "GLOBAL")
        for number, (kind, asked) in zip(numbers, asked_for, strict=True)
    )
    stream = request.stream_specification
    has_stream = stream is not None and stream.stream_enabled
    return TableDescriptor(
        table_id,
        name,
        uuid,
        now_ms,
        keys[0],
        keys[1] if len(keys) == 2 else None,
        indexes,
        numbers.stop + has_stream,
        _billing(request, now_ms),
        new_throughput(request.provisioned_throughput, request.on_demand_throughput, request.warm_throughput),
        status="CREATING" if delay_ms else "ACTIVE",
        settles_ms=now_ms + delay_ms if delay_ms else 0,
        table_class=request.table_class,
        is_protected=request.deletion_protection_enabled,
        stream=None if stream is None or not has_stream else new_stream(stream, now_ms, numbers.stop),
        tags=tuple(request.tags or ()),
    )


def types_of(request: CreateTable) -> dict[str, AttributeType]:
    """The attribute types a request defines, by name."""
    return {defined.attribute_name: defined.attribute_type for defined in request.attribute_definitions}


def _billing(request: CreateTable, now_ms: int) -> Billing:
    """Without a mode, a throughput says that the table is provisioned."""
    if request.billing_mode == "PROVISIONED" or (
        request.billing_mode is None and request.provisioned_throughput is not None
    ):
        return Billing("PROVISIONED")
    return Billing("PAY_PER_REQUEST", now_ms)


def new_index(
    asked: IndexSpecification, types: dict[str, AttributeType], *, number: int, kind: IndexKind
) -> IndexDescriptor:
    """An index that holds all it should, as one of an empty table does."""
    elements = asked.key_schema
    projection = asked.projection
    assert projection.projection_type is not None, "validation lets no index pass without one"
    return IndexDescriptor(
        number,
        kind,
        asked.index_name,
        tuple(
            KeyAttribute(key.attribute_name, types[key.attribute_name])
            for key in elements
            if key.key_type == "HASH"
        ),
        tuple(
            KeyAttribute(key.attribute_name, types[key.attribute_name])
            for key in elements
            if key.key_type == "RANGE"
        ),
        projection.projection_type,
        tuple(projection.non_key_attributes or ()),
        asked.is_unique,
        new_throughput(asked.provisioned_throughput, asked.on_demand_throughput, asked.warm_throughput),
    )


def new_throughput(
    provisioned: ProvisionedThroughput | None,
    on_demand: OnDemandThroughput | None,
    warm: WarmThroughput | None,
) -> Throughput:
    on_demand = on_demand or OnDemandThroughput()
    warm = warm or WarmThroughput()
    return Throughput(
        read_units=0 if provisioned is None else provisioned.read_capacity_units,
        write_units=0 if provisioned is None else provisioned.write_capacity_units,
        max_read_units=bound(on_demand.max_read_request_units),
        max_write_units=bound(on_demand.max_write_request_units),
        warm_read_units=warm.read_units_per_second,
        warm_write_units=warm.write_units_per_second,
    )


def bound(max_units: int | None) -> int | None:
    """-1 is the service's way to say "none"."""
    return None if max_units == -1 else max_units


def new_stream(
    asked: StreamSpecification, now_ms: int, number: int, label: str | None = None
) -> StreamSetting:
    """An enabled stream; its label is the time it was enabled, in UTC, as the service writes it.

    ``label`` is that of the stream of before, which must not come again within one millisecond.
    """
    enabled = datetime.fromtimestamp(now_ms / 1000, UTC)
    new_label = f"{enabled:%Y-%m-%dT%H:%M:%S}.{now_ms % 1000:03}"
    if label is not None and new_label <= label:
        return new_stream(asked, now_ms + 1, number, label)
    retention_ms = limits.STREAM_RETENTION_MS if asked.retention_ms is None else asked.retention_ms
    return StreamSetting(True, asked.stream_view_type, new_label, number, retention_ms)


def replica_of(
    like: TableDescriptor, setting: ReplicationSetting, *, table_id: int, uuid: str, now_ms: int
) -> TableDescriptor:
    """An empty table with the keys, indexes and settings that another region's has.

    Protection and tags are each region's own; so is where a table was restored from.
    """
    stream, ttl = like.stream, like.ttl
    if stream is not None:
        asked = StreamSpecification(True, stream.view_type, stream.retention_ms)
        stream = new_stream(asked, now_ms, stream.number) if stream.is_enabled else None
    return replace(
        like,
        table_id=table_id,
        uuid=uuid,
        created_ms=now_ms,
        indexes=tuple(
            replace(index, status="ACTIVE", settles_ms=0, backfill=None, since_seqno=0)
            for index in like.indexes
            if index.status != "DELETING"
        ),
        status="ACTIVE",
        settles_ms=0,
        stream=stream,
        is_protected=False,
        tags=(),
        ttl=None if ttl is None else replace(ttl, settles_ms=0, walk=None),
        replication=setting,
        restore=None,
        joined=(),
    )
