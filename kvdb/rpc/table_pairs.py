"""The messages of ``tables.proto``, a pair each."""

from __future__ import annotations

from typing import get_args

from kvdb.api import tables
from kvdb.rpc import fields
from kvdb.rpc.fields import Choice, Pair
from kvdb.rpc.gen import tables_pb2
from kvdb.rpc.item_pairs import LIMIT, TABLE_NAME

# Parts of requests and descriptions.

INDEX_NAME = fields.scalar("index_name")
_ATTRIBUTE_NAME = fields.scalar("attribute_name")
_UNITS = (fields.scalar("read_capacity_units"), fields.scalar("write_capacity_units"))

_KEY_SCHEMA_ELEMENT = Pair(
    tables.KeySchemaElement,
    tables_pb2.KeySchemaElement,
    _ATTRIBUTE_NAME,
    fields.enum("key_type", "KEY_TYPE_", "HASH", "RANGE", absent=""),
)
_ATTRIBUTE_DEFINITION = Pair(
    tables.AttributeDefinition,
    tables_pb2.AttributeDefinition,
    _ATTRIBUTE_NAME,
    fields.enum("attribute_type", "ATTRIBUTE_TYPE_", "S", "N", "B", absent=""),
)
KEY_SCHEMA = fields.messages("key_schema", _KEY_SCHEMA_ELEMENT, tuple)
PROJECTION = fields.message(
    "projection",
    Pair(
        tables.Projection,
        tables_pb2.Projection,
        fields.enum("projection_type", "PROJECTION_TYPE_", "ALL", "KEYS_ONLY", "INCLUDE"),
        fields.wrapped("non_key_attributes", fields.texts("values", tuple)),
    ),
)
PROVISIONED = Pair(tables.ProvisionedThroughput, tables_pb2.ProvisionedThroughput, *_UNITS)
ON_DEMAND = Pair(
    tables.OnDemandThroughput,
    tables_pb2.OnDemandThroughput,
    fields.optional("max_read_request_units"),
    fields.optional("max_write_request_units"),
)
THROUGHPUT = (
    fields.optional_message("provisioned_throughput", PROVISIONED),
    fields.optional_message("on_demand_throughput", ON_DEMAND),
    fields.optional_message(
        "warm_throughput",
        Pair(
            tables.WarmThroughput,
            tables_pb2.WarmThroughput,
            fields.optional("read_units_per_second"),
            fields.optional("write_units_per_second"),
        ),
    ),
)
_PROVISIONED_DESCRIPTION = Pair(
    tables.ProvisionedThroughputDescription,
    tables_pb2.ProvisionedThroughputDescription,
    *_UNITS,
    fields.scalar("number_of_decreases_today"),
    fields.optional("last_increase_date_time_ms"),
    fields.optional("last_decrease_date_time_ms"),
)
BILLING_MODE = fields.enum("billing_mode", "BILLING_MODE_", "PROVISIONED", "PAY_PER_REQUEST")
VIEW_TYPES = ("STREAM_VIEW_TYPE_", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY")
STREAM_SPECIFICATION = Pair(
    tables.StreamSpecification,
    tables_pb2.StreamSpecification,
    fields.flag("stream_enabled"),
    fields.enum("stream_view_type", *VIEW_TYPES),
    fields.optional("retention_ms"),
)
STREAM = fields.optional_message("stream_specification", STREAM_SPECIFICATION)
_TABLE_CLASS = fields.enum("table_class", "TABLE_CLASS_", "STANDARD", "STANDARD_INFREQUENT_ACCESS")
_TAG = Pair(tables.Tag, tables_pb2.Tag, fields.scalar("key"), fields.scalar("value"))
INDEX_SPECIFICATION = Pair(
    tables.IndexSpecification,
    tables_pb2.IndexSpecification,
    INDEX_NAME,
    KEY_SCHEMA,
    PROJECTION,
    *THROUGHPUT,
    fields.flag("is_unique"),
)
_INDEX_DESCRIPTION = Pair(
    tables.IndexDescription,
    tables_pb2.IndexDescription,
    fields.enum("kind", "INDEX_KIND_", "LOCAL", "GLOBAL", absent=""),
    INDEX_NAME,
    KEY_SCHEMA,
    PROJECTION,
    fields.scalar("index_arn"),
    fields.scalar("index_size_bytes"),
    fields.scalar("item_count"),
    fields.enum("index_status", "INDEX_STATUS_", "CREATING", "UPDATING", "ACTIVE", "DELETING"),
    fields.optional_flag("is_backfilling"),
    fields.optional_message("provisioned_throughput", _PROVISIONED_DESCRIPTION),
    *THROUGHPUT[1:],
    fields.flag("is_unique"),
    fields.optional("backfilled_count"),
)
_REGION_NAME = fields.scalar("region_name")
_OVERRIDES = (
    fields.optional_message(
        "provisioned_throughput_override",
        Pair(
            tables.ProvisionedThroughputOverride,
            tables_pb2.ProvisionedThroughputOverride,
            fields.optional("read_capacity_units"),
        ),
    ),
    fields.optional_message(
        "on_demand_throughput_override",
        Pair(
            tables.OnDemandThroughputOverride,
            tables_pb2.OnDemandThroughputOverride,
            fields.optional("max_read_request_units"),
        ),
    ),
    fields.enum("table_class_override", "TABLE_CLASS_", "STANDARD", "STANDARD_INFREQUENT_ACCESS"),
)
_REPLICA_DESCRIPTION = Pair(
    tables.ReplicaDescription,
    tables_pb2.ReplicaDescription,
    _REGION_NAME,
    fields.enum("replica_status", "REPLICA_STATUS_", *get_args(tables.ReplicaStatus), absent=""),
    fields.optional("replica_status_description"),
    fields.optional("replica_inaccessible_date_time_ms"),
    *_OVERRIDES,
)
_CONFLICT_RESOLUTION = fields.optional_message(
    "conflict_resolution",
    Pair(
        tables.ConflictResolution,
        tables_pb2.ConflictResolution,
        fields.enum("resolver", "RESOLVER_", *get_args(tables.ResolverKind), absent="last_writer"),
        fields.texts("counters", tuple),
        fields.texts("sets", tuple),
        fields.flag("relays"),
        fields.scalar("function"),
    ),
)
_REPLICA_UPDATE = Choice[object](
    "update",
    create_replica=Pair(tables.CreateReplica, tables_pb2.CreateReplica, _REGION_NAME, *_OVERRIDES),
    update_replica=Pair(tables.UpdateReplica, tables_pb2.UpdateReplica, _REGION_NAME, *_OVERRIDES),
    delete_replica=Pair(tables.DeleteReplica, tables_pb2.DeleteReplica, _REGION_NAME),
)
TABLE_DESCRIPTION = Pair(
    tables.TableDescription,
    tables_pb2.TableDescription,
    TABLE_NAME,
    fields.enum("table_status", "TABLE_STATUS_", "CREATING", "UPDATING", "ACTIVE", "DELETING"),
    fields.scalar("table_id"),
    fields.scalar("creation_date_time_ms"),
    KEY_SCHEMA,
    fields.messages("attribute_definitions", _ATTRIBUTE_DEFINITION, tuple),
    fields.scalar("table_arn"),
    fields.scalar("table_size_bytes"),
    fields.scalar("item_count"),
    fields.messages("local_secondary_indexes", _INDEX_DESCRIPTION, tuple),
    fields.messages("global_secondary_indexes", _INDEX_DESCRIPTION, tuple),
    fields.optional_message(
        "billing_mode_summary",
        Pair(
            tables.BillingModeSummary,
            tables_pb2.BillingModeSummary,
            BILLING_MODE,
            fields.optional("last_update_to_pay_per_request_date_time_ms"),
        ),
    ),
    fields.message("provisioned_throughput", _PROVISIONED_DESCRIPTION),
    *THROUGHPUT[1:],
    STREAM,
    fields.optional("latest_stream_label"),
    fields.optional("latest_stream_arn"),
    _TABLE_CLASS,
    fields.flag("deletion_protection_enabled"),
    fields.messages("replicas", _REPLICA_DESCRIPTION, tuple),
    _CONFLICT_RESOLUTION,
    fields.optional_message(
        "restore_summary",
        Pair(
            tables.RestoreSummary,
            tables_pb2.RestoreSummary,
            fields.scalar("restore_date_time_ms"),
            fields.flag("restore_in_progress"),
            *map(fields.optional, ("source_backup_arn", "source_table_arn", "aside_table_name")),
        ),
    ),
)
_DESCRIBED = fields.message("table_description", TABLE_DESCRIPTION)


# Tables.

CREATE_TABLE = Pair(
    tables.CreateTable,
    tables_pb2.CreateTableRequest,
    TABLE_NAME,
    fields.messages("key_schema", _KEY_SCHEMA_ELEMENT),
    fields.messages("attribute_definitions", _ATTRIBUTE_DEFINITION),
    fields.wrapped("local_secondary_indexes", fields.messages("values", INDEX_SPECIFICATION)),
    fields.wrapped("global_secondary_indexes", fields.messages("values", INDEX_SPECIFICATION)),
    BILLING_MODE,
    *THROUGHPUT,
    STREAM,
    fields.wrapped("tags", fields.messages("values", _TAG)),
    _TABLE_CLASS,
    fields.flag("deletion_protection_enabled"),
)
CREATE_TABLE_RESULT = Pair(tables.CreateTableResult, tables_pb2.CreateTableResponse, _DESCRIBED)
DESCRIBE_TABLE = Pair(tables.DescribeTable, tables_pb2.DescribeTableRequest, TABLE_NAME)
DESCRIBE_TABLE_RESULT = Pair(
    tables.DescribeTableResult, tables_pb2.DescribeTableResponse, fields.message("table", TABLE_DESCRIPTION)
)
_INDEX_UPDATE = Choice[object](
    "update",
    create_index=Pair(
        tables.CreateIndex, tables_pb2.CreateIndex, fields.message("index", INDEX_SPECIFICATION)
    ),
    update_index=Pair(tables.UpdateIndex, tables_pb2.UpdateIndex, INDEX_NAME, *THROUGHPUT),
    delete_index=Pair(tables.DeleteIndex, tables_pb2.DeleteIndex, INDEX_NAME),
)
UPDATE_TABLE = Pair(
    tables.UpdateTable,
    tables_pb2.UpdateTableRequest,
    TABLE_NAME,
    fields.wrapped("attribute_definitions", fields.messages("values", _ATTRIBUTE_DEFINITION)),
    BILLING_MODE,
    *THROUGHPUT,
    fields.wrapped("global_secondary_index_updates", fields.messages("values", _INDEX_UPDATE)),
    STREAM,
    _TABLE_CLASS,
    fields.optional_flag("deletion_protection_enabled"),
    fields.wrapped("replica_updates", fields.messages("values", _REPLICA_UPDATE)),
    _CONFLICT_RESOLUTION,
)
UPDATE_TABLE_RESULT = Pair(tables.UpdateTableResult, tables_pb2.UpdateTableResponse, _DESCRIBED)
LIST_TABLES = Pair(
    tables.ListTables, tables_pb2.ListTablesRequest, fields.optional("exclusive_start_table_name"), LIMIT
)
LIST_TABLES_RESULT = Pair(
    tables.ListTablesResult,
    tables_pb2.ListTablesResponse,
    fields.texts("table_names"),
    fields.optional("last_evaluated_table_name"),
)
DELETE_TABLE = Pair(tables.DeleteTable, tables_pb2.DeleteTableRequest, TABLE_NAME)
DELETE_TABLE_RESULT = Pair(tables.DeleteTableResult, tables_pb2.DeleteTableResponse, _DESCRIBED)


# Time to live, tags, limits.

_TTL_SETTING = (_ATTRIBUTE_NAME, fields.flag("enabled"))
UPDATE_TIME_TO_LIVE = Pair(
    tables.UpdateTimeToLive, tables_pb2.UpdateTimeToLiveRequest, TABLE_NAME, *_TTL_SETTING
)
UPDATE_TIME_TO_LIVE_RESULT = Pair(
    tables.UpdateTimeToLiveResult, tables_pb2.UpdateTimeToLiveResponse, *_TTL_SETTING
)
DESCRIBE_TIME_TO_LIVE = Pair(tables.DescribeTimeToLive, tables_pb2.DescribeTimeToLiveRequest, TABLE_NAME)
DESCRIBE_TIME_TO_LIVE_RESULT = Pair(
    tables.DescribeTimeToLiveResult,
    tables_pb2.DescribeTimeToLiveResponse,
    fields.enum(
        "time_to_live_status", "TIME_TO_LIVE_STATUS_", *("ENABLING", "DISABLING", "ENABLED", "DISABLED")
    ),
    fields.optional("attribute_name"),
)
_RESOURCE_ARN = fields.scalar("resource_arn")
_TAGS = fields.messages("tags", _TAG)
_NEXT_TOKEN = fields.optional("next_token")
TAG_RESOURCE = Pair(tables.TagResource, tables_pb2.TagResourceRequest, _RESOURCE_ARN, _TAGS)
TAG_RESOURCE_RESULT = Pair(tables.TagResourceResult, tables_pb2.TagResourceResponse)
UNTAG_RESOURCE = Pair(
    tables.UntagResource, tables_pb2.UntagResourceRequest, _RESOURCE_ARN, fields.texts("tag_keys")
)
UNTAG_RESOURCE_RESULT = Pair(tables.UntagResourceResult, tables_pb2.UntagResourceResponse)
LIST_TAGS = Pair(tables.ListTagsOfResource, tables_pb2.ListTagsOfResourceRequest, _RESOURCE_ARN, _NEXT_TOKEN)
LIST_TAGS_RESULT = Pair(
    tables.ListTagsOfResourceResult, tables_pb2.ListTagsOfResourceResponse, _TAGS, _NEXT_TOKEN
)
DESCRIBE_LIMITS = Pair(tables.DescribeLimits, tables_pb2.DescribeLimitsRequest)
DESCRIBE_LIMITS_RESULT = Pair(
    tables.DescribeLimitsResult,
    tables_pb2.DescribeLimitsResponse,
    *map(
        fields.scalar,
        (
            "account_max_read_capacity_units",
            "account_max_write_capacity_units",
            "table_max_read_capacity_units",
            "table_max_write_capacity_units",
        ),
    ),
)
