"""The backup operations in JSON: their requests and results as tables of fields."""

from __future__ import annotations

from kvdb.api import backups as api
from kvdb.item.dynamo_json import JsonObject
from kvdb.server.http_shapes import INTEGER, LONG, SECONDS, STRING, Field, Kind, list_of, struct, wrapped
from kvdb.server.http_tables import (
    DESCRIPTION,
    GLOBAL_INDEX,
    INDEX_NAME,
    KEY_ELEMENT,
    LOCAL_INDEX,
    ON_DEMAND,
    PROJECTION,
    STREAM,
    THROUGHPUT,
)

_ARN = Field("BackupArn", "backup_arn", STRING, is_required=True)
_TABLE_NAME = Field("TableName", "table_name", STRING)

CREATE_BACKUP = struct(
    "CreateBackupInput",
    api.CreateBackup,
    _TABLE_NAME._replace(is_required=True),
    Field("BackupName", "backup_name", STRING, is_required=True),
)
DESCRIBE_BACKUP = struct("DescribeBackupInput", api.DescribeBackup, _ARN)
DELETE_BACKUP = struct("DeleteBackupInput", api.DeleteBackup, _ARN)
LIST_BACKUPS = struct(
    "ListBackupsInput",
    api.ListBackups,
    _TABLE_NAME,
    Field("Limit", "limit", INTEGER),
    Field("TimeRangeLowerBound", "time_range_lower_bound_ms", SECONDS),
    Field("TimeRangeUpperBound", "time_range_upper_bound_ms", SECONDS),
    Field("ExclusiveStartBackupArn", "exclusive_start_backup_arn", STRING),
    Field("BackupType", "backup_type", STRING),
)

RESTORE_TABLE_FROM_BACKUP = struct(
    "RestoreTableFromBackupInput",
    api.RestoreTableFromBackup,
    Field("TargetTableName", "target_table_name", STRING, is_required=True),
    _ARN,
    Field("BillingModeOverride", "billing_mode_override", STRING),
    Field("GlobalSecondaryIndexOverride", "global_secondary_index_override", list_of(GLOBAL_INDEX)),
    Field("LocalSecondaryIndexOverride", "local_secondary_index_override", list_of(LOCAL_INDEX)),
    Field("ProvisionedThroughputOverride", "provisioned_throughput_override", THROUGHPUT),
    Field("OnDemandThroughputOverride", "on_demand_throughput_override", ON_DEMAND),
)

# Descriptions.

_HEAD = (
    _ARN,
    Field("BackupName", "backup_name", STRING),
    Field("BackupSizeBytes", "backup_size_bytes", LONG),
    Field("BackupStatus", "backup_status", STRING),
    Field("BackupType", "backup_type", STRING),
    Field("BackupCreationDateTime", "backup_creation_date_time_ms", SECONDS),
)
_DETAILS = struct("BackupDetails", api.BackupDetails, *_HEAD)
_KEY_SCHEMA = Field("KeySchema", "key_schema", list_of(KEY_ELEMENT))
_THROUGHPUTS = (
    Field("ProvisionedThroughput", "provisioned_throughput", THROUGHPUT),
    Field("OnDemandThroughput", "on_demand_throughput", ON_DEMAND),
)
_TABLE = struct(
    "SourceTableDetails",
    api.SourceTableDetails,
    _TABLE_NAME,
    Field("TableId", "table_id", STRING),
    Field("TableArn", "table_arn", STRING),
    Field("TableSizeBytes", "table_size_bytes", LONG),
    _KEY_SCHEMA,
    Field("TableCreationDateTime", "table_creation_date_time_ms", SECONDS),
    *_THROUGHPUTS,
    Field("ItemCount", "item_count", LONG),
    Field("BillingMode", "billing_mode", STRING),
)
_INDEX = struct(
    "GlobalSecondaryIndexInfo",
    api.IndexInfo,
    INDEX_NAME,
    _KEY_SCHEMA,
    Field("Projection", "projection", PROJECTION),
    *_THROUGHPUTS,
)


def _write_ttl(attribute: str) -> JsonObject:
    return {"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}


_FEATURES = struct(
    "SourceTableFeatureDetails",
    api.SourceTableFeatureDetails,
    Field("LocalSecondaryIndexes", "local_secondary_indexes", list_of(_INDEX), is_left_out_empty=True),
    Field("GlobalSecondaryIndexes", "global_secondary_indexes", list_of(_INDEX), is_left_out_empty=True),
    Field("StreamDescription", "stream_description", STREAM),
    Field("TimeToLiveDescription", "time_to_live_attribute", Kind("", STRING.read, _write_ttl)),
)
_DESCRIPTION = struct(
    "BackupDescription",
    api.BackupDescription,
    Field("BackupDetails", "backup_details", _DETAILS),
    Field("SourceTableDetails", "source_table_details", _TABLE),
    Field("SourceTableFeatureDetails", "source_table_feature_details", _FEATURES),
)
_SUMMARY = struct(
    "BackupSummary",
    api.BackupSummary,
    _TABLE_NAME,
    Field("TableId", "table_id", STRING),
    Field("TableArn", "table_arn", STRING),
    *_HEAD,
)

# Results.

WRITE_CREATE_BACKUP = wrapped(Field("BackupDetails", "backup_details", _DETAILS))
WRITE_BACKUP_DESCRIPTION = wrapped(Field("BackupDescription", "backup_description", _DESCRIPTION))
"""The result of DescribeBackup and DeleteBackup."""
WRITE_RESTORED = wrapped(Field("TableDescription", "table_description", DESCRIPTION))
WRITE_LIST_BACKUPS = wrapped(
    Field("BackupSummaries", "backup_summaries", list_of(_SUMMARY)),
    Field("LastEvaluatedBackupArn", "last_evaluated_backup_arn", STRING),
)
