"""With whom a table is shared, as an ``UpdateTable`` asks for it. Pure."""

from __future__ import annotations

from dataclasses import replace

from kvdb import limits
from kvdb.api.tables import ConflictResolution, CreateReplica, DeleteReplica, UpdateTable
from kvdb.env.hlc import Stamp
from kvdb.errors import LimitExceeded, ValidationError
from kvdb.table.descriptor import ReplicationSetting, TableDescriptor
from kvdb.table.settings import with_override

_LOCAL = (
    "Cannot add or delete the local region through ReplicaUpdates. Use CreateTable, DeleteTable, or "
    "UpdateTable as required."
)


def shared(table: TableDescriptor, request: UpdateTable, *, region: str, stamp: Stamp) -> TableDescriptor:
    """The table with the regions and the conflict resolution a request asks for.

    A region may take itself out, which the service has another request for. Source of the messages: the
    catalogue that ack-api-quirks recorded from the service in October 2026.

    Raises:
        LimitExceeded: too many regions.
        ValidationError: the table cannot be shared, or not from here; a region has it already, or not.
    """
    present = table.replication
    if present is not None and region not in present.regions:
        raise ValidationError(
            f"region {region} was taken out of the regions of this table: "
            "delete it here, and add the region again in one that has the table"
        )
    regions = [region] if present is None else list(present.regions)
    for update in request.replica_updates or ():
        name = update.region_name
        if isinstance(update, CreateReplica):
            if name == region:
                raise ValidationError(_LOCAL)
            if name in regions:
                raise ValidationError(
                    f"Failed to create a the new replica of table with name: '{table.name}' because one or "
                    "more replicas already existed as tables."
                )
            regions.append(name)
            table = with_override(table, update, stamp)
        elif name not in regions:
            raise ValidationError(
                "Update global table operation failed because one or more replicas were not part of the "
                f"global table. Please retry the request without these replicas: [{name}]."
            )
        elif isinstance(update, DeleteReplica):
            regions.remove(name)
        else:
            if update.provisioned_throughput_override is not None and table.billing.mode != "PROVISIONED":
                raise ValidationError(
                    "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
                    "PAY_PER_REQUEST"
                )
            table = with_override(table, update, stamp)
    if len(regions) > limits.REGIONS_MAX:
        raise LimitExceeded(f"a table can be in {limits.REGIONS_MAX} regions")
    if any(index.is_unique for index in table.indexes):
        raise ValidationError("a table with a unique index cannot be shared: no region can keep it alone")
    changed = (stamp.wall_ms, stamp.counter, stamp.region)
    if present is not None:
        # The clock may be behind that of the region whose change this one follows.
        changed = max(changed, (present.changed[0], present.changed[1] + 1, stamp.region))
    setting = ReplicationSetting(tuple(sorted(regions)), changed, region)
    resolution = request.conflict_resolution
    if resolution is not None:
        setting = _resolving(setting, resolution, table)
    elif present is not None:
        setting = replace(present, regions=setting.regions, changed=setting.changed)
    return replace(table, replication=setting)


def _resolving(
    setting: ReplicationSetting, asked: ConflictResolution, table: TableDescriptor
) -> ReplicationSetting:
    keys = {key.name for key in table.keys}
    for name in (*asked.counters, *asked.sets):
        if name in keys:
            raise ValidationError(f"a key attribute cannot be merged: {name}")
    return replace(
        setting,
        resolver=asked.resolver,
        counters=tuple(sorted(asked.counters)),
        sets=tuple(sorted(asked.sets)),
        relays=asked.relays,
        function=asked.function,
    )


def resolution_of(setting: ReplicationSetting) -> ConflictResolution:
    """As it is described."""
    return ConflictResolution(
        setting.resolver, setting.counters, setting.sets, setting.relays, setting.function
    )
