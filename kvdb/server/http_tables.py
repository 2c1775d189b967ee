"""The table operations in JSON: their requests and results as tables of fields.

What the service nests and the contract keeps flat (``TimeToLiveSpecification``,
``TableClassSummary``) is laid out here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from kvdb.api import tables as api
from kvdb.errors import ValidationError
from kvdb.item.dynamo_json import JsonObject
from kvdb.server.http_shapes import (
    BOOLEAN,
    INTEGER,
    LONG,
    SECONDS,
    STRING,
    Faults,
    Field,
    Kind,
    list_of,
    one_of,
    struct,
    wrapped,
)

TABLE = Field("TableName", "table_name", STRING, is_required=True)
INDEX_NAME = Field("IndexName", "index_name", STRING, is_required=True)

# Parts that requests and descriptions share.

_DEFINITION = struct(
    "AttributeDefinition",
    api.AttributeDefinition,
    Field("AttributeName", "attribute_name", STRING, is_required=True),
    Field("AttributeType", "attribute_type", STRING, is_required=True),
)
KEY_ELEMENT = struct(
    "KeySchemaElement",
    api.KeySchemaElement,
    Field("AttributeName", "attribute_name", STRING, is_required=True),
    Field("KeyType", "key_type", STRING, is_required=True),
)
PROJECTION = struct(
    "Projection",
    api.Projection,
    Field("ProjectionType", "projection_type", STRING),
    Field("NonKeyAttributes", "non_key_attributes", list_of(STRING, tuple)),
)
THROUGHPUT = struct(
    "ProvisionedThroughput",
    api.ProvisionedThroughput,
    Field("ReadCapacityUnits", "read_capacity_units", LONG, is_required=True),
    Field("WriteCapacityUnits", "write_capacity_units", LONG, is_required=True),
)
ON_DEMAND = struct(
    "OnDemandThroughput",
    api.OnDemandThroughput,
    Field("MaxReadRequestUnits", "max_read_request_units", LONG),
    Field("MaxWriteRequestUnits", "max_write_request_units", LONG),
)
_WARM = struct(
    "WarmThroughput",
    api.WarmThroughput,
    Field("ReadUnitsPerSecond", "read_units_per_second", LONG),
    Field("WriteUnitsPerSecond", "write_units_per_second", LONG),
)
STREAM = struct(
    "StreamSpecification",
    api.StreamSpecification,
    Field("StreamEnabled", "stream_enabled", BOOLEAN, is_required=True),
    Field("StreamViewType", "stream_view_type", STRING),
)
_TAG = struct(
    "Tag",
    api.Tag,
    Field("Key", "key", STRING, is_required=True),
    Field("Value", "value", STRING, is_required=True),
)
KEY_SCHEMA = Field("KeySchema", "key_schema", list_of(KEY_ELEMENT, tuple), is_required=True)
_THROUGHPUTS = (
    Field("ProvisionedThroughput", "provisioned_throughput", THROUGHPUT),
    Field("OnDemandThroughput", "on_demand_throughput", ON_DEMAND),
    Field("WarmThroughput", "warm_throughput", _WARM),
)
_INDEX = (INDEX_NAME, KEY_SCHEMA, Field("Projection", "projection", PROJECTION, is_required=True))
LOCAL_INDEX = struct("LocalSecondaryIndex", api.IndexSpecification, *_INDEX)
GLOBAL_INDEX = struct("GlobalSecondaryIndex", api.IndexSpecification, *_INDEX, *_THROUGHPUTS)
_SETTINGS = (
    Field("BillingMode", "billing_mode", STRING),
    *_THROUGHPUTS,
    Field("StreamSpecification", "stream_specification", STREAM),
    Field("TableClass", "table_class", STRING),
    Field("DeletionProtectionEnabled", "deletion_protection_enabled", BOOLEAN),
)
_DEFINITIONS = Field("AttributeDefinitions", "attribute_definitions", list_of(_DEFINITION))

# Tables.


def _create_table(billing_mode: object = "PROVISIONED", **members: object) -> api.CreateTable:
    """The service's default, which the native doors do not share."""
    return api.CreateTable(billing_mode=billing_mode, **members)  # type: ignore[arg-type]


CREATE_TABLE = struct(
    "CreateTableInput",
    _create_table,
    _DEFINITIONS._replace(is_required=True),
    TABLE,
    KEY_SCHEMA._replace(kind=list_of(KEY_ELEMENT)),
    Field("LocalSecondaryIndexes", "local_secondary_indexes", list_of(LOCAL_INDEX)),
    Field("GlobalSecondaryIndexes", "global_secondary_indexes", list_of(GLOBAL_INDEX)),
    *_SETTINGS,
    Field("Tags", "tags", list_of(_TAG)),
)
TABLE_CREATION_PARAMETERS = struct(
    "TableCreationParameters",
    _create_table,
    TABLE,
    _DEFINITIONS._replace(is_required=True),
    KEY_SCHEMA._replace(kind=list_of(KEY_ELEMENT)),
    Field("BillingMode", "billing_mode", STRING),
    *_THROUGHPUTS[:2],
    Field("GlobalSecondaryIndexes", "global_secondary_indexes", list_of(GLOBAL_INDEX)),
)
"""The new table of an import."""
DESCRIBE_TABLE = struct("DescribeTableInput", api.DescribeTable, TABLE)
DELETE_TABLE = struct("DeleteTableInput", api.DeleteTable, TABLE)
LIST_TABLES = struct(
    "ListTablesInput",
    api.ListTables,
    Field("ExclusiveStartTableName", "exclusive_start_table_name", STRING),
    Field("Limit", "limit", INTEGER),
)


def _create_index(**members: object) -> api.CreateIndex:
    return api.CreateIndex(api.IndexSpecification(**members))  # type: ignore[arg-type]


# Source: dynalite, validations/updateTable.js.
_ONE_INDEX_UPDATE = (
    "One or more parameter values were invalid: "
    "Only one of Create, Update, or Delete may be specified for each GlobalSecondaryIndexUpdate"
)
_NO_INDEX_UPDATE = (
    "One or more parameter values were invalid: "
    "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
    "GlobalSecondaryIndexUpdate.Delete must not be null"
)
_INDEX_UPDATE = one_of(
    "GlobalSecondaryIndexUpdate",
    (
        (
            "Update",
            api.UpdateIndex,
            struct("UpdateGlobalSecondaryIndexAction", api.UpdateIndex, INDEX_NAME, *_THROUGHPUTS),
        ),
        (
            "Create",
            api.CreateIndex,
            struct("CreateGlobalSecondaryIndexAction", _create_index, *_INDEX, *_THROUGHPUTS),
        ),
        (
            "Delete",
            api.DeleteIndex,
            struct("DeleteGlobalSecondaryIndexAction", api.DeleteIndex, INDEX_NAME),
        ),
    ),
    many=_ONE_INDEX_UPDATE,
    none=_NO_INDEX_UPDATE,
)
_REGION_NAME = Field("RegionName", "region_name", STRING, is_required=True)


def _read_no_indexes(content: object, faults: Faults) -> None:
    faults.of_shape.append(
        ValidationError("kvdb keeps no settings of a replica's GlobalSecondaryIndexes: they have the table's")
    )


_OVERRIDES = (
    Field(
        "ProvisionedThroughputOverride",
        "provisioned_throughput_override",
        struct(
            "ProvisionedThroughputOverride",
            api.ProvisionedThroughputOverride,
            Field("ReadCapacityUnits", "read_capacity_units", LONG),
        ),
    ),
    Field(
        "OnDemandThroughputOverride",
        "on_demand_throughput_override",
        struct(
            "OnDemandThroughputOverride",
            api.OnDemandThroughputOverride,
            Field("MaxReadRequestUnits", "max_read_request_units", LONG),
        ),
    ),
)
_ASKED_OVERRIDES = (
    *_OVERRIDES,
    Field("TableClassOverride", "table_class_override", STRING),
)


def _replica_action(name: str, made: Callable[..., object]) -> Kind:
    fields = (_REGION_NAME, *_ASKED_OVERRIDES)
    unkept = Field("GlobalSecondaryIndexes", "unkept", Kind("", _read_no_indexes, str))

    def make(unkept: None = None, **members: object) -> object:
        return made(**members)

    return struct(name, made, *fields)._replace(read=struct(name, make, *fields, unkept).read)


_REPLICA_UPDATE = one_of(
    "ReplicationGroupUpdate",
    (
        (
            "Create",
            api.CreateReplica,
            _replica_action("CreateReplicationGroupMemberAction", api.CreateReplica),
        ),
        (
            "Update",
            api.UpdateReplica,
            _replica_action("UpdateReplicationGroupMemberAction", api.UpdateReplica),
        ),
        (
            "Delete",
            api.DeleteReplica,
            struct("DeleteReplicationGroupMemberAction", api.DeleteReplica, _REGION_NAME),
        ),
    ),
    many="Update table operation with more than one type of replica actions not allowed.",
    none="There are no actions specified in the Replica Update Action of the request.",
)
UPDATE_TABLE = struct(
    "UpdateTableInput",
    api.UpdateTable,
    _DEFINITIONS,
    TABLE,
    *_SETTINGS,
    Field("GlobalSecondaryIndexUpdates", "global_secondary_index_updates", list_of(_INDEX_UPDATE)),
    Field("ReplicaUpdates", "replica_updates", list_of(_REPLICA_UPDATE)),
)

# Time to live.


class _TimeToLive(NamedTuple):
    attribute_name: object
    enabled: object


_TIME_TO_LIVE = struct(
    "TimeToLiveSpecification",
    _TimeToLive,
    Field("Enabled", "enabled", BOOLEAN, is_required=True),
    Field("AttributeName", "attribute_name", STRING, is_required=True),
)


def _update_time_to_live(table_name: object, specification: _TimeToLive | None) -> api.UpdateTimeToLive:
    attribute_name, enabled = specification or (None, None)
    return api.UpdateTimeToLive(table_name, attribute_name, enabled)  # type: ignore[arg-type]


UPDATE_TIME_TO_LIVE = struct(
    "UpdateTimeToLiveInput",
    _update_time_to_live,
    TABLE,
    Field("TimeToLiveSpecification", "specification", _TIME_TO_LIVE, is_required=True),
)
DESCRIBE_TIME_TO_LIVE = struct("DescribeTimeToLiveInput", api.DescribeTimeToLive, TABLE)

# Tags and limits.

_ARN = Field("ResourceArn", "resource_arn", STRING, is_required=True)
TAG_RESOURCE = struct(
    "TagResourceInput", api.TagResource, _ARN, Field("Tags", "tags", list_of(_TAG), is_required=True)
)
UNTAG_RESOURCE = struct(
    "UntagResourceInput",
    api.UntagResource,
    _ARN,
    Field("TagKeys", "tag_keys", list_of(STRING), is_required=True),
)
LIST_TAGS = struct(
    "ListTagsOfResourceInput", api.ListTagsOfResource, _ARN, Field("NextToken", "next_token", STRING)
)
DESCRIBE_LIMITS = struct("DescribeLimitsInput", api.DescribeLimits)

# Descriptions.

_DESCRIBED_THROUGHPUT = struct(
    "ProvisionedThroughputDescription",
    api.ProvisionedThroughputDescription,
    Field("LastIncreaseDateTime", "last_increase_date_time_ms", SECONDS),
    Field("LastDecreaseDateTime", "last_decrease_date_time_ms", SECONDS),
    Field("NumberOfDecreasesToday", "number_of_decreases_today", LONG),
    Field("ReadCapacityUnits", "read_capacity_units", LONG),
    Field("WriteCapacityUnits", "write_capacity_units", LONG),
)
_BILLING = struct(
    "BillingModeSummary",
    api.BillingModeSummary,
    Field("BillingMode", "billing_mode", STRING),
    Field("LastUpdateToPayPerRequestDateTime", "last_update_to_pay_per_request_date_time_ms", SECONDS),
)


def _write_warm(warm: api.WarmThroughput) -> JsonObject:
    return {**_WRITE_WARM_UNITS(warm), "Status": "ACTIVE"}


_WRITE_WARM_UNITS = wrapped(
    Field("ReadUnitsPerSecond", "read_units_per_second", LONG),
    Field("WriteUnitsPerSecond", "write_units_per_second", LONG),
)
_DESCRIBED_THROUGHPUTS = (
    Field("ProvisionedThroughput", "provisioned_throughput", _DESCRIBED_THROUGHPUT),
    Field("OnDemandThroughput", "on_demand_throughput", ON_DEMAND),
    Field("WarmThroughput", "warm_throughput", _WARM._replace(write=_write_warm)),
)
_DESCRIBED_INDEX = struct(
    "GlobalSecondaryIndexDescription",
    api.IndexDescription,
    Field("IndexName", "index_name", STRING),
    Field("KeySchema", "key_schema", list_of(KEY_ELEMENT)),
    Field("Projection", "projection", PROJECTION),
    Field("IndexStatus", "index_status", STRING),
    Field("Backfilling", "is_backfilling", BOOLEAN),
    *_DESCRIBED_THROUGHPUTS,
    Field("IndexSizeBytes", "index_size_bytes", LONG),
    Field("ItemCount", "item_count", LONG),
    Field("IndexArn", "index_arn", STRING),
)


def _write_table_class(table_class: str) -> JsonObject:
    return {"TableClass": table_class}


_REPLICA = struct(
    "ReplicaDescription",
    api.ReplicaDescription,
    Field("RegionName", "region_name", STRING),
    Field("ReplicaStatus", "replica_status", STRING),
    Field("ReplicaStatusDescription", "replica_status_description", STRING),
    Field("ReplicaInaccessibleDateTime", "replica_inaccessible_date_time_ms", SECONDS),
    *_OVERRIDES,
    Field("ReplicaTableClassSummary", "table_class_override", Kind("", STRING.read, _write_table_class)),
)
_RESTORE = struct(
    "RestoreSummary",
    api.RestoreSummary,
    Field("SourceBackupArn", "source_backup_arn", STRING),
    Field("SourceTableArn", "source_table_arn", STRING),
    Field("RestoreDateTime", "restore_date_time_ms", SECONDS),
    Field("RestoreInProgress", "restore_in_progress", BOOLEAN),
)
_WHOLE_DESCRIPTION = struct(
    "TableDescription",
    api.TableDescription,
    _DEFINITIONS,
    Field("TableName", "table_name", STRING),
    Field("KeySchema", "key_schema", list_of(KEY_ELEMENT)),
    Field("TableStatus", "table_status", STRING),
    Field("CreationDateTime", "creation_date_time_ms", SECONDS),
    *_DESCRIBED_THROUGHPUTS,
    Field("TableSizeBytes", "table_size_bytes", LONG),
    Field("ItemCount", "item_count", LONG),
    Field("TableArn", "table_arn", STRING, is_left_out_empty=True),
    Field("TableId", "table_id", STRING),
    Field("BillingModeSummary", "billing_mode_summary", _BILLING),
    Field(
        "LocalSecondaryIndexes",
        "local_secondary_indexes",
        list_of(_DESCRIBED_INDEX),
        is_left_out_empty=True,
    ),
    Field(
        "GlobalSecondaryIndexes",
        "global_secondary_indexes",
        list_of(_DESCRIBED_INDEX),
        is_left_out_empty=True,
    ),
    Field("StreamSpecification", "stream_specification", STREAM),
    Field("LatestStreamLabel", "latest_stream_label", STRING),
    Field("LatestStreamArn", "latest_stream_arn", STRING),
    Field("TableClassSummary", "table_class", Kind("", STRING.read, _write_table_class)),
    Field("DeletionProtectionEnabled", "deletion_protection_enabled", BOOLEAN),
    Field("Replicas", "replicas", list_of(_REPLICA), is_left_out_empty=True),
    Field("GlobalTableVersion", "global_table_version", STRING),
    Field("MultiRegionConsistency", "multi_region_consistency", STRING),
    Field("RestoreSummary", "restore_summary", _RESTORE),
)


def _write_description(description: api.TableDescription) -> JsonObject:
    """Without the region that is asked among the replicas: the service tells of the other ones."""
    described = _WHOLE_DESCRIPTION.write(description)
    assert isinstance(described, dict)
    if description.replicas:
        region = description.table_arn.split(":")[3]
        others = [each for each in description.replicas if each.region_name != region]
        described["Replicas"] = [_REPLICA.write(each) for each in others]
    return described


DESCRIPTION = Kind("TableDescription", _WHOLE_DESCRIPTION.read, _write_description)

# Results.

WRITE_TABLE_DESCRIPTION = wrapped(Field("TableDescription", "table_description", DESCRIPTION))
"""The result of CreateTable and UpdateTable."""


def write_deleted(result: api.DeleteTableResult) -> JsonObject:
    """Without what the table was made of. Source: ScyllaDB, test_table.py, run against the service."""
    described = DESCRIPTION.write(result.table_description)
    assert isinstance(described, dict)
    return {"TableDescription": {name: described[name] for name in described if name not in _NOT_OF_DELETED}}


_NOT_OF_DELETED = frozenset(
    {
        "AttributeDefinitions",
        "KeySchema",
        "CreationDateTime",
        "LocalSecondaryIndexes",
        "GlobalSecondaryIndexes",
    }
)
WRITE_DESCRIBE_TABLE = wrapped(Field("Table", "table", DESCRIPTION))
WRITE_LIST_TABLES = wrapped(
    Field("TableNames", "table_names", list_of(STRING)),
    Field("LastEvaluatedTableName", "last_evaluated_table_name", STRING),
)
WRITE_TAGS = wrapped(Field("Tags", "tags", list_of(_TAG)), Field("NextToken", "next_token", STRING))
WRITE_LIMITS = wrapped(
    Field("AccountMaxReadCapacityUnits", "account_max_read_capacity_units", LONG),
    Field("AccountMaxWriteCapacityUnits", "account_max_write_capacity_units", LONG),
    Field("TableMaxReadCapacityUnits", "table_max_read_capacity_units", LONG),
    Field("TableMaxWriteCapacityUnits", "table_max_write_capacity_units", LONG),
)


def _inside(name: str, write: Callable[[object], JsonObject]) -> Callable[[object], JsonObject]:
    return lambda value: {name: write(value)}


WRITE_UPDATE_TIME_TO_LIVE = _inside(
    "TimeToLiveSpecification",
    wrapped(Field("Enabled", "enabled", BOOLEAN), Field("AttributeName", "attribute_name", STRING)),
)
WRITE_DESCRIBE_TIME_TO_LIVE = _inside(
    "TimeToLiveDescription",
    wrapped(
        Field("TimeToLiveStatus", "time_to_live_status", STRING),
        Field("AttributeName", "attribute_name", STRING),
    ),
)
