"""From a table and a checked ``UpdateTable`` to the table as it shall be. Pure.

What is refused here is refused because of what the table *is*; the request itself has passed
``api/validation``. Messages: dynalite, actions/updateTable.js; dynoxide, update_table.rs; the
catalogue that ack-api-quirks recorded from the service in October 2026.

Throughput, billing, streams and table classes are shown as they will be from the start of the
UPDATING on, where the service shows some of them late.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from kvdb import limits
from kvdb.api.tables import (
    AttributeType,
    CreateIndex,
    DeleteIndex,
    IndexUpdate,
    KeySchemaElement,
    OnDemandThroughput,
    ProvisionedThroughput,
    StreamSpecification,
    UpdateIndex,
    UpdateTable,
    WarmThroughput,
)
from kvdb.api.validation.fields import invalid
from kvdb.api.validation.indexes import check_included_sum
from kvdb.env.hlc import Stamp
from kvdb.errors import LimitExceeded, ResourceInUse, ResourceNotFound, ValidationError
from kvdb.limits import LimitsProfile
from kvdb.table import creation, quotas
from kvdb.table.descriptor import Billing, IndexDescriptor, TableDescriptor, Throughput
from kvdb.table.keys import COUNTERS_NUMBER
from kvdb.table.sharing import shared

_INDEX_NUMBER_MAX = COUNTERS_NUMBER - 1


def in_use(fact: str) -> ResourceInUse:
    return ResourceInUse(f"Attempt to change a resource which is still in use: {fact}")


@dataclass(frozen=True, slots=True)
class Moment:
    """When a change is asked for, and under which rules."""

    now_ms: int
    delay_ms: int
    """How long what changes is UPDATING, CREATING or DELETING."""
    profile: LimitsProfile
    region: str = ""
    """The name of this database's."""
    stamp: Stamp | None = None
    """Of the change, for whoever shares the table."""

    @property
    def settles_ms(self) -> int:
        return self.now_ms + self.delay_ms if self.delay_ms else 0


def altered(table: TableDescriptor, request: UpdateTable, moment: Moment) -> TableDescriptor:
    """The table a request asks for.

    Raises:
        ResourceInUse: table or index are in a state that forbids it.
        ResourceNotFound: it names an index that is not there.
        LimitExceeded: too many indexes, index changes, decreases or switches.
        ValidationError: it does not fit the table, or changes nothing.
    """
    _check_status(table, request, moment.now_ms)
    before = table
    if request.billing_mode is not None or request.provisioned_throughput is not None:
        table = _billed(table, request, moment)
    if request.on_demand_throughput is not None:
        table = _bounded(table, request.on_demand_throughput)
    if request.warm_throughput is not None:
        warmed = _warmed(table.throughput, request.warm_throughput, "table")
        table = replace(table, throughput=warmed)
    if request.stream_specification is not None:
        table = _streaming(table, request.stream_specification, moment.now_ms)
    if request.table_class is not None:
        table = replace(table, table_class=request.table_class)
    if request.deletion_protection_enabled is not None:
        table = replace(table, is_protected=request.deletion_protection_enabled)
    if request.global_secondary_index_updates is not None:
        table = _indexed(table, request, moment)
        if table.replication is not None and any(index.is_unique for index in table.indexes):
            raise ValidationError("a shared table cannot have a unique index: no region can keep it alone")
    if request.replica_updates is not None or request.conflict_resolution is not None:
        assert moment.stamp is not None, "the catalog stamps what it changes"
        table = shared(table, request, region=moment.region, stamp=moment.stamp)
    if moment.delay_ms and _takes_time(before, table):
        table = replace(table, status="UPDATING", settles_ms=moment.settles_ms)
    return table


def _check_status(table: TableDescriptor, request: UpdateTable, now_ms: int) -> None:
    status = table.status_at(now_ms)
    if status == "ACTIVE":
        return
    if status != "UPDATING":
        raise in_use(f"Table is being {'created' if status == 'CREATING' else 'deleted'}: {table.name}")
    if request.provisioned_throughput is not None or request.billing_mode is not None:
        raise in_use(f"Table IOPS are currently being updated. Table: {table.name}")
    if request.deletion_protection_enabled is not None:
        raise ResourceInUse("Table needs to be in ACTIVE status to modify deletion protection setting.")
    raise in_use(f"Table: {table.name} is in the process of being updated.")


def _takes_time(before: TableDescriptor, after: TableDescriptor) -> bool:
    """On-demand maxima, warm throughput and deletion protection change at once."""
    same_settings = (before.billing, before.stream, before.table_class) == (
        after.billing,
        after.stream,
        after.table_class,
    )
    same_units = (before.throughput.read_units, before.throughput.write_units) == (
        after.throughput.read_units,
        after.throughput.write_units,
    )
    return not (same_settings and same_units and before.indexes == after.indexes)


# Billing and throughput.


def _billed(table: TableDescriptor, request: UpdateTable, moment: Moment) -> TableDescriptor:
    mode = request.billing_mode or table.billing.mode
    asked = request.provisioned_throughput
    if mode == "PAY_PER_REQUEST":
        if asked is not None:
            raise invalid(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
                "PAY_PER_REQUEST"
            )
        return table if table.billing.mode == mode else _on_demand(table, moment.now_ms)
    assert asked is not None, "validation wants a throughput with PROVISIONED"
    if table.billing.mode == "PROVISIONED":
        changed = _provisioned(table.throughput, asked, moment.now_ms, "table")
        return replace(table, throughput=changed)
    return _from_on_demand(table, request, asked, moment.now_ms)


def _on_demand(table: TableDescriptor, now_ms: int) -> TableDescriptor:
    billing = Billing("PAY_PER_REQUEST", now_ms, quotas.with_switch(table.billing, now_ms))
    indexes = tuple(
        replace(index, throughput=replace(index.throughput, read_units=0, write_units=0))
        for index in table.indexes
    )
    throughput = replace(table.throughput, read_units=0, write_units=0)
    return replace(table, billing=billing, throughput=throughput, indexes=indexes)


def _from_on_demand(
    table: TableDescriptor, request: UpdateTable, asked: ProvisionedThroughput, now_ms: int
) -> TableDescriptor:
    """Every global index needs a throughput of its own; maxima go, for they belong to on demand."""
    given = {
        update.index_name
        for update in request.global_secondary_index_updates or ()
        if isinstance(update, UpdateIndex) and update.provisioned_throughput is not None
    }
    lacking = [index.name for index in table.indexes if index.kind == "GLOBAL" and index.name not in given]
    if lacking:
        raise invalid(f"ProvisionedThroughput must be specified for index: {','.join(lacking)}")
    indexes = tuple(
        replace(index, throughput=replace(index.throughput, max_read_units=None, max_write_units=None))
        for index in table.indexes
    )
    throughput = _provisioned(
        replace(table.throughput, max_read_units=None, max_write_units=None), asked, now_ms, "table"
    )
    billing = replace(table.billing, mode="PROVISIONED")
    return replace(table, billing=billing, throughput=throughput, indexes=indexes)


def _provisioned(current: Throughput, asked: ProvisionedThroughput, now_ms: int, owner: str) -> Throughput:
    """``owner``: "table", or "index " and its name."""
    read, write = asked.read_capacity_units, asked.write_capacity_units
    if (read, write) == (current.read_units, current.write_units):
        raise ValidationError(
            f"The provisioned throughput for the {owner} will not change. The requested value equals the "
            f"current value. Current ReadCapacityUnits provisioned for the {owner}: {current.read_units}. "
            f"Requested ReadCapacityUnits: {read}. Current WriteCapacityUnits provisioned for the {owner}: "
            f"{current.write_units}. Requested WriteCapacityUnits: {write}. "
            "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher "
            "limits."
        )
    changed = replace(current, read_units=read, write_units=write)
    if read > current.read_units or write > current.write_units:
        changed = replace(changed, increased_ms=now_ms)
    if read < current.read_units or write < current.write_units:
        decreases_ms = quotas.with_decrease(current, now_ms)
        changed = replace(changed, decreased_ms=now_ms, decreases_ms=decreases_ms)
    return changed


def _bounded(table: TableDescriptor, asked: OnDemandThroughput) -> TableDescriptor:
    _check_on_demand(table, asked, None)
    return replace(table, throughput=_with_bounds(table.throughput, asked))


def _check_on_demand(table: TableDescriptor, asked: OnDemandThroughput, index_name: str | None) -> None:
    if table.billing.mode == "PAY_PER_REQUEST":
        return
    member = "MaxWriteRequestUnits" if asked.max_read_request_units is None else "MaxReadRequestUnits"
    owner = "" if index_name is None else f" for index : {index_name}"
    raise invalid(
        f"{member} for OnDemandThroughput{owner} cannot be specified when the table BillingMode is "
        "PROVISIONED"
    )


def _with_bounds(current: Throughput, asked: OnDemandThroughput) -> Throughput:
    """Member by member: what is not given stays, -1 goes."""
    if asked.max_read_request_units is not None:
        current = replace(current, max_read_units=creation.bound(asked.max_read_request_units))
    if asked.max_write_request_units is not None:
        current = replace(current, max_write_units=creation.bound(asked.max_write_request_units))
    return current


def _warmed(current: Throughput, asked: WarmThroughput, owner: str) -> Throughput:
    for member, units, now in (
        ("ReadUnitsPerSecond", asked.read_units_per_second, current.warm_read_units),
        ("WriteUnitsPerSecond", asked.write_units_per_second, current.warm_write_units),
    ):
        if units is not None and units < (now or 1):
            raise invalid(
                f"Requested {member} for WarmThroughput for {owner} is lower than current WarmThroughput, "
                "decreasing WarmThroughput is not supported"
            )
    return replace(
        current,
        warm_read_units=asked.read_units_per_second or current.warm_read_units,
        warm_write_units=asked.write_units_per_second or current.warm_write_units,
    )


def _streaming(table: TableDescriptor, asked: StreamSpecification, now_ms: int) -> TableDescriptor:
    is_enabled = table.stream is not None and table.stream.is_enabled
    if asked.stream_enabled and is_enabled:
        raise ValidationError(f"Table already has an enabled stream: TableName: {table.name}")
    if asked.stream_enabled:
        number = table.next_index_number
        if number > _INDEX_NUMBER_MAX:
            raise LimitExceeded(f"the table has had as many streams as it ever can: {_INDEX_NUMBER_MAX}")
        label = None if table.stream is None else table.stream.label
        stream = creation.new_stream(asked, now_ms, number, label)
        return replace(table, stream=stream, next_index_number=number + 1)
    if table.stream is None or not is_enabled:
        raise ValidationError(f"Table has no stream to disable: TableName: {table.name}")
    return replace(table, stream=replace(table.stream, is_enabled=False))


# Indexes.


def _indexed(table: TableDescriptor, request: UpdateTable, moment: Moment) -> TableDescriptor:
    updates = request.global_secondary_index_updates or []
    _check_concurrency(table, updates, moment)
    defined = {
        defined.attribute_name: defined.attribute_type for defined in request.attribute_definitions or ()
    }
    # What is declared anew and no key of the new index keeps its type. Source: dynoxide, update_table.rs.
    types = {**defined, **_types_of(table)}
    for update in updates:
        if isinstance(update, CreateIndex):
            _check_not_redefined(table, update, defined)
            table = _with_new_index(table, update, types, moment)
        elif isinstance(update, DeleteIndex):
            table = _without_index(table, update, moment)
        else:
            index = _global_index(table, update.index_name, "update")
            table = table.with_index(_updated_index(table, index, update, moment))
    return table


def _types_of(table: TableDescriptor) -> dict[str, AttributeType]:
    """Of every key attribute of the table and its indexes."""
    keys = (key for index in table.indexes for key in (*index.partition, *index.sort))
    return {key.name: key.type for key in (*table.keys, *keys)}


def _check_not_redefined(
    table: TableDescriptor, update: CreateIndex, defined: Mapping[str, AttributeType]
) -> None:
    """Source: ScyllaDB, test_gsi_updatetable.py, where the service's words stand."""
    existing, schema = _types_of(table), update.index.key_schema
    known = [key for key in schema if key.attribute_name in existing]
    if all(defined.get(key.attribute_name) in (None, existing[key.attribute_name]) for key in known):
        return
    raise invalid(
        "Attributes cannot be redefined. Please check that your attribute has the same type as previously "
        f"defined. Existing schema: {_shown_schema(known, existing)} "
        f"New schema: {_shown_schema(schema, defined)}"
    )


def _shown_schema(schema: Iterable[KeySchemaElement], types: Mapping[str, AttributeType]) -> str:
    elements = (
        f"SchemaElement: key{{{key.attribute_name}:{types.get(key.attribute_name)}:{key.key_type}}}"
        for key in schema
    )
    return f"Schema:[{', '.join(elements)}]"


def _check_concurrency(table: TableDescriptor, updates: list[IndexUpdate], moment: Moment) -> None:
    """An index that is being made may be deleted meanwhile, for that is still one index."""
    changed = {
        update.index.index_name if isinstance(update, CreateIndex) else update.index_name
        for update in updates
        if not isinstance(update, UpdateIndex)
    }
    busy = {index.name for index in table.indexes if index.status in ("CREATING", "DELETING")}
    at_once_max = moment.profile.index_changes_max
    if changed and len(changed | busy if at_once_max == 1 else changed) > at_once_max:
        raise LimitExceeded(
            f"Subscriber limit exceeded: Only {at_once_max} online index can be created or deleted "
            "simultaneously per table"
        )


def _with_new_index(
    table: TableDescriptor, update: CreateIndex, types: dict[str, AttributeType], moment: Moment
) -> TableDescriptor:
    asked = update.index
    if table.index(asked.index_name) is not None:
        raise ValidationError("Attempting to create an index which already exists")
    if sum(index.kind == "GLOBAL" for index in table.indexes) >= limits.GLOBAL_INDEXES_MAX:
        raise LimitExceeded(
            "Subscriber limit exceeded: Number of global secondary indexes exceeds per-table limit of "
            f"{limits.GLOBAL_INDEXES_MAX}"
        )
    if table.next_index_number > _INDEX_NUMBER_MAX:
        raise LimitExceeded(f"the table has had as many indexes as it ever can: {_INDEX_NUMBER_MAX}")
    is_provisioned = table.billing.mode == "PROVISIONED"
    if is_provisioned and asked.provisioned_throughput is None:
        raise invalid(f"ProvisionedThroughput must be specified for index: {asked.index_name}")
    if not is_provisioned and asked.provisioned_throughput is not None:
        raise _no_units_on_demand(asked.index_name)
    if asked.on_demand_throughput is not None:
        _check_on_demand(table, asked.on_demand_throughput, asked.index_name)
    number = table.next_index_number
    index = replace(
        creation.new_index(asked, types, number=number, kind="GLOBAL"),
        status="CREATING",
        settles_ms=moment.settles_ms,
    )
    check_included_sum(sum(len(each.non_key_attributes) for each in (*table.indexes, index)))
    return replace(table, indexes=(*table.indexes, index), next_index_number=number + 1)


def _no_units_on_demand(index_name: str) -> ValidationError:
    return invalid(
        f"Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: {index_name} when "
        "BillingMode is PAY_PER_REQUEST"
    )


def _without_index(table: TableDescriptor, update: DeleteIndex, moment: Moment) -> TableDescriptor:
    index = _global_index(table, update.index_name, "delete")
    where = f"Table: {table.name} Index: {index.name}"
    if index.status == "DELETING":
        raise in_use(f"Index is being deleted. {where}")
    if index.status == "CREATING" and moment.now_ms < index.settles_ms:
        raise in_use(
            "Index creation is in resource allocation phase. Retry deletion during backfilling phase or "
            f"when the index is active. {where}"
        )
    if not moment.delay_ms:
        return table.without_index(index.number)
    deleting = replace(index, status="DELETING", settles_ms=moment.settles_ms, backfill=None)
    return table.with_index(deleting)


def _global_index(table: TableDescriptor, name: str, verb: str) -> IndexDescriptor:
    index = table.index(name)
    if index is None:
        raise ResourceNotFound(f"Requested resource not found: Index {name} for table {table.name}")
    if index.kind != "GLOBAL":
        raise ValidationError(f"Cannot {verb} an index that is not a GlobalSecondaryIndex: {name}")
    return index


def _updated_index(
    table: TableDescriptor, index: IndexDescriptor, update: UpdateIndex, moment: Moment
) -> IndexDescriptor:
    _check_index_status(table, index, moment.now_ms)
    throughput = index.throughput
    asked = update.provisioned_throughput
    if asked is not None:
        if table.billing.mode == "PAY_PER_REQUEST":
            raise _no_units_on_demand(index.name)
        throughput = _provisioned(throughput, asked, moment.now_ms, f"index {index.name}")
    if update.on_demand_throughput is not None:
        _check_on_demand(table, update.on_demand_throughput, index.name)
        throughput = _with_bounds(throughput, update.on_demand_throughput)
    if update.warm_throughput is not None:
        throughput = _warmed(throughput, update.warm_throughput, f"index {index.name}")
    if asked is None and update.on_demand_throughput is None and update.warm_throughput is None:
        if table.billing.mode == "PAY_PER_REQUEST":
            raise invalid(
                f"The only Updates for index: {index.name} when TableThroughputMode is PAY_PER_REQUEST can "
                "be to OnDemandThroughput, WarmThroughput"
            )
        raise invalid(
            f"Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: {index.name}"
        )
    if moment.delay_ms and asked is not None:
        return replace(index, throughput=throughput, status="UPDATING", settles_ms=moment.settles_ms)
    return replace(index, throughput=throughput)


def _check_index_status(table: TableDescriptor, index: IndexDescriptor, now_ms: int) -> None:
    where = f"Table: {table.name} Index: {index.name}"
    if index.status == "UPDATING" and now_ms < index.settles_ms:
        raise in_use(f"Index is being updated. {where}")
    if index.status in ("CREATING", "DELETING"):
        raise in_use(f"Index is being {'created' if index.status == 'CREATING' else 'deleted'}. {where}")
