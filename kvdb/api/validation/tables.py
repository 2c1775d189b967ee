"""Table operations: create, update, describe, list, drop.

Sources: dynalite, validations/createTable.js and updateTable.js; dynoxide, create_table.rs; the
catalogue of messages that ack-api-quirks recorded from the service in October 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase, digits
from typing import get_args

from kvdb import limits
from kvdb.api import arn
from kvdb.api.tables import (
    ConflictResolution,
    CreateIndex,
    CreateReplica,
    CreateTable,
    DeleteIndex,
    DeleteReplica,
    DeleteTable,
    DescribeTable,
    DescribeTimeToLive,
    IndexUpdate,
    ListTables,
    OnDemandThroughputOverride,
    ProvisionedThroughputOverride,
    ResolverKind,
    UpdateIndex,
    UpdateReplica,
    UpdateTable,
)
from kvdb.api.validation import indexes, settings
from kvdb.api.validation.fields import (
    check_bool,
    check_int,
    check_list,
    check_table_name,
    constraint,
    invalid,
    name_faults,
    refuse_if,
    wrong_type,
)
from kvdb.errors import ValidationError

_REGION_CHARACTERS = frozenset(ascii_lowercase + digits + "-")
_NOTHING_TO_UPDATE = (
    "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
    "GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, "
    "ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, "
    "WarmThroughput or TableClass is required"
)


# CreateTable.


def check_create_table(request: CreateTable) -> None:
    check_list("attribute_definitions", request.attribute_definitions)
    check_list("key_schema", request.key_schema)
    if not isinstance(request.table_name, str):
        raise wrong_type("table_name", request.table_name, "str")
    if arn.table_arn_parts(request.table_name) is None:
        # A bad name is reported alone. Source: dynoxide, create_table.rs, validate_raw_and_build.
        refuse_if(name_faults(request.table_name, "tableName", chars_min=limits.TABLE_NAME_CHARS_MIN))
    check_bool("deletion_protection_enabled", request.deletion_protection_enabled)
    refuse_if(_create_faults(request))
    is_provisioned = request.billing_mode == "PROVISIONED" or (
        request.billing_mode is None and request.provisioned_throughput is not None
    )
    settings.check_throughput_types(request.on_demand_throughput, request.warm_throughput)
    settings.check_new_billing(request.billing_mode, request.provisioned_throughput)
    settings.check_new_on_demand(request.on_demand_throughput, is_provisioned=is_provisioned)
    _check_keys(request)
    settings.check_index_throughputs(request.global_secondary_indexes or (), is_provisioned=is_provisioned)
    settings.check_new_stream(request.stream_specification)
    settings.check_table_class(request.table_class)
    if request.tags is not None:
        check_list("tags", request.tags)
        settings.check_tags(request.tags)
        if len(request.tags) > limits.TAGS_MAX:
            raise ValidationError(settings.TOO_MANY_TAGS)


def _create_faults(request: CreateTable) -> list[str]:
    return [
        *indexes.definition_faults(request.attribute_definitions),
        *settings.billing_faults(request.billing_mode),
        *settings.provisioned_faults(request.provisioned_throughput, "provisionedThroughput"),
        *indexes.schema_faults(request.key_schema, "keySchema", elements_max=2),
        *indexes.local_index_faults(request.local_secondary_indexes or ()),
        *indexes.global_index_faults(request.global_secondary_indexes or ()),
        *settings.stream_faults(request.stream_specification),
    ]


def _check_keys(request: CreateTable) -> None:
    defined = [definition.attribute_name for definition in request.attribute_definitions]
    schema = request.key_schema
    local, global_ = request.local_secondary_indexes, request.global_secondary_indexes
    every = [*(local or ()), *(global_ or ())]
    indexes.check_table_keys(defined, schema)
    if local is None and global_ is None:
        indexes.check_all_used(defined, schema, ())
    indexes.check_local_indexes(local, schema, defined)
    indexes.check_global_indexes(global_, defined)
    indexes.check_names_differ(every)
    indexes.check_included_sum(sum(len(index.projection.non_key_attributes or ()) for index in every))
    indexes.check_all_used(defined, schema, every)


# UpdateTable.


def check_update_table(request: UpdateTable) -> None:
    check_table_name(request.table_name)
    updates = request.global_secondary_index_updates
    if request.attribute_definitions is not None:
        check_list("attribute_definitions", request.attribute_definitions)
    if updates is not None:
        check_list("global_secondary_index_updates", updates)
    if request.deletion_protection_enabled is not None:
        check_bool("deletion_protection_enabled", request.deletion_protection_enabled)
    refuse_if(
        [
            *indexes.definition_faults(request.attribute_definitions or ()),
            *settings.billing_faults(request.billing_mode),
            *settings.provisioned_faults(request.provisioned_throughput, "provisionedThroughput"),
            *_update_faults(updates or ()),
            *settings.stream_faults(request.stream_specification),
        ]
    )
    settings.check_throughput_types(request.on_demand_throughput, request.warm_throughput)
    _check_something_changes(request)
    _check_alone(request)
    settings.check_table_class(request.table_class)
    settings.check_stream_change(request.stream_specification)
    _check_billing_change(request)
    _check_index_updates(request)
    _check_replica_updates(request)


def _check_replica_updates(request: UpdateTable) -> None:
    updates, resolution = request.replica_updates, request.conflict_resolution
    if updates is not None:
        check_list("replica_updates", updates)
        if not updates:
            raise invalid("List of ReplicaUpdates is empty")
        for update in updates:
            if not isinstance(update, (CreateReplica, UpdateReplica, DeleteReplica)):
                raise wrong_type("replica_updates", update, "a list of Create-, Update- and DeleteReplica")
            check_region_name(update.region_name)
            if not isinstance(update, DeleteReplica):
                _check_overrides(update)
        if len({update.region_name for update in updates}) < len(updates):
            raise invalid("Only one ReplicaUpdate per region is allowed")
    if resolution is not None:
        if not isinstance(resolution, ConflictResolution):
            raise wrong_type("conflict_resolution", resolution, "ConflictResolution")
        if resolution.resolver not in get_args(ResolverKind):
            raise invalid(
                f"resolver must be one of {', '.join(get_args(ResolverKind))}: {resolution.resolver}"
            )
        names = (*resolution.counters, *resolution.sets)
        if names and resolution.resolver != "attributes":
            raise invalid('counters and sets go with the resolver "attributes"')
        if not isinstance(resolution.function, str):
            raise wrong_type("function", resolution.function, "str")
        if resolution.function and resolution.resolver != "callable":
            raise invalid('a function goes with the resolver "callable"')
        if len(set(names)) < len(names):
            raise invalid("an attribute is named twice among counters and sets")


def _check_overrides(update: CreateReplica | UpdateReplica) -> None:
    provisioned, on_demand = update.provisioned_throughput_override, update.on_demand_throughput_override
    settings.check_table_class(update.table_class_override)
    if provisioned is not None:
        if not isinstance(provisioned, ProvisionedThroughputOverride):
            raise wrong_type("provisioned_throughput_override", provisioned, "ProvisionedThroughputOverride")
        _check_units("read_capacity_units", provisioned.read_capacity_units, 1)
    if on_demand is not None:
        if not isinstance(on_demand, OnDemandThroughputOverride):
            raise wrong_type("on_demand_throughput_override", on_demand, "OnDemandThroughputOverride")
        _check_units("max_read_request_units", on_demand.max_read_request_units, -1)
    given = (provisioned, on_demand, update.table_class_override)
    if isinstance(update, UpdateReplica) and given == (None, None, None):
        raise ValidationError("There are no actions specified in the Replica Update Action of the request.")


def _check_units(name: str, units: object, lowest: int) -> None:
    if type(units) is not int:
        raise wrong_type(name, units, "int")
    if not lowest <= units <= limits.CAPACITY_UNITS_MAX or units == 0:
        raise invalid(f"{name} is out of bounds: {units}")


def check_region_name(name: object) -> None:
    if not isinstance(name, str):
        raise wrong_type("region_name", name, "str")
    if not 1 <= len(name) <= 64 or set(name) - _REGION_CHARACTERS:
        raise invalid(f"a region's name has 1 to 64 of a-z, 0-9 and '-': {name[:80]}")


def _update_faults(updates: Sequence[IndexUpdate]) -> list[str]:
    faults: list[str] = []
    for place, update in enumerate(updates, 1):
        at = f"globalSecondaryIndexUpdates.{place}.member"
        if isinstance(update, CreateIndex):
            faults += indexes.new_index_faults(update.index, f"{at}.create")
        elif isinstance(update, UpdateIndex):
            faults += indexes.index_name_faults(update.index_name, f"{at}.update.indexName")
            throughput_at = f"{at}.update.provisionedThroughput"
            faults += settings.provisioned_faults(update.provisioned_throughput, throughput_at)
        elif isinstance(update, DeleteIndex):
            faults += indexes.index_name_faults(update.index_name, f"{at}.delete.indexName")
        else:
            raise wrong_type(
                "global_secondary_index_updates", update, "a list of CreateIndex, UpdateIndex and DeleteIndex"
            )
    return faults


def _check_something_changes(request: UpdateTable) -> None:
    if all(
        given is None
        for given in (
            request.provisioned_throughput,
            request.billing_mode,
            request.stream_specification,
            request.global_secondary_index_updates,
            request.deletion_protection_enabled,
            request.on_demand_throughput,
            request.warm_throughput,
            request.table_class,
            request.replica_updates,
            request.conflict_resolution,
        )
    ):
        raise ValidationError(_NOTHING_TO_UPDATE)
    if request.global_secondary_index_updates == []:
        raise invalid("List of GlobalSecondaryIndexUpdates is empty")


def _check_alone(request: UpdateTable) -> None:
    """The service changes one thing a call; which ones exclude one another, it says by name."""
    changes_throughput = request.provisioned_throughput is not None or request.billing_mode is not None
    changes_stream = request.stream_specification is not None
    updates = request.global_secondary_index_updates or []
    changes_indexes = any(not isinstance(update, UpdateIndex) for update in updates)
    given = [
        changes_throughput,
        changes_stream,
        bool(updates),
        request.deletion_protection_enabled is not None,
        request.on_demand_throughput is not None,
        request.warm_throughput is not None,
        request.table_class is not None,
        request.replica_updates is not None or request.conflict_resolution is not None,
    ]
    for is_given, name in (
        (request.table_class is not None, "TableClass modification"),
        (request.deletion_protection_enabled is not None, "DeletionProtection modification"),
        (request.warm_throughput is not None, "WarmThroughput"),
        (request.replica_updates is not None, "ReplicaUpdates"),
        (request.conflict_resolution is not None, "ConflictResolution"),
    ):
        if is_given and sum(given) > 1:
            raise invalid(f"{name} must be the only operation in the request")
    if request.on_demand_throughput is not None and (changes_stream or updates):
        raise invalid("OnDemandThroughput can only be combined with BillingMode in an UpdateTable request")
    if changes_stream and changes_throughput:
        raise invalid("You cannot modify stream status while updating table IOPS")
    if changes_indexes and changes_throughput:
        raise invalid("You cannot create or delete index while updating table IOPS")
    if changes_indexes and changes_stream:
        raise invalid("You cannot create or delete index while changing stream status")


def _check_billing_change(request: UpdateTable) -> None:
    throughput = request.provisioned_throughput
    if request.billing_mode == "PROVISIONED" and throughput is None:
        raise invalid("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
    if request.billing_mode == "PAY_PER_REQUEST":
        settings.check_new_billing("PAY_PER_REQUEST", throughput)
    settings.check_units_bound(throughput)
    settings.check_on_demand_range(request.on_demand_throughput, None, least=-1)


def _check_index_updates(request: UpdateTable) -> None:
    seen: set[str] = set()
    for update in request.global_secondary_index_updates or ():
        name = update.index.index_name if isinstance(update, CreateIndex) else update.index_name
        if name in seen:
            raise invalid(
                f"Only one global secondary index update per index is allowed simultaneously. Index: {name}"
            )
        seen.add(name)
        if isinstance(update, CreateIndex):
            _check_new_index(update, request)
        elif isinstance(update, UpdateIndex):
            settings.check_throughput_types(update.on_demand_throughput, update.warm_throughput)
            settings.check_units_bound(update.provisioned_throughput)
            settings.check_on_demand_range(update.on_demand_throughput, name, least=-1)


def _check_new_index(update: CreateIndex, request: UpdateTable) -> None:
    """A new index declares its keys again, also those the table knows. Source: dynoxide, update_table.rs."""
    index = update.index
    if request.attribute_definitions is None:
        raise invalid(f"AttributeDefinitions is not specified for index: {index.index_name}")
    indexes.check_global_index(
        index, [definition.attribute_name for definition in request.attribute_definitions]
    )
    settings.check_throughput_types(index.on_demand_throughput, index.warm_throughput)
    settings.check_units_bound(index.provisioned_throughput)
    settings.check_on_demand_range(index.on_demand_throughput, index.index_name, least=1)


# The others.


def check_named_table(request: DescribeTable | DeleteTable | DescribeTimeToLive) -> None:
    check_table_name(request.table_name)


def check_list_tables(request: ListTables) -> None:
    start, limit = request.exclusive_start_table_name, request.limit
    check_int("limit", limit)
    faults: list[str] = []
    if start is not None:
        if not isinstance(start, str):
            raise wrong_type("exclusive_start_table_name", start, "str")
        faults += name_faults(start, "exclusiveStartTableName", chars_min=limits.TABLE_NAME_CHARS_MIN)
    if limit is not None and limit < 1:
        faults.append(constraint(limit, "limit", "have value greater than or equal to 1"))
    if limit is not None and limit > limits.LIST_TABLES_PAGE_MAX:
        rule = f"have value less than or equal to {limits.LIST_TABLES_PAGE_MAX}"
        faults.append(constraint(limit, "limit", rule))
    refuse_if(faults)
