"""The messages of ``backups.proto``, a pair each."""

from __future__ import annotations

from kvdb.api import backups
from kvdb.rpc import fields
from kvdb.rpc.fields import Pair
from kvdb.rpc.gen import backups_pb2
from kvdb.rpc.item_pairs import LIMIT, TABLE_NAME
from kvdb.rpc.table_pairs import (
    BILLING_MODE,
    INDEX_NAME,
    INDEX_SPECIFICATION,
    KEY_SCHEMA,
    ON_DEMAND,
    PROJECTION,
    PROVISIONED,
    STREAM_SPECIFICATION,
    TABLE_DESCRIPTION,
    THROUGHPUT,
)

_ARN = fields.scalar("backup_arn")
_HEAD = (
    _ARN,
    fields.scalar("backup_name"),
    fields.enum("backup_status", "BACKUP_STATUS_", "CREATING", "AVAILABLE", "DELETED"),
    fields.enum("backup_type", "BACKUP_TYPE_", "USER", "SYSTEM", "AWS_BACKUP", "ALL"),
    fields.scalar("backup_creation_date_time_ms"),
    fields.optional("backup_size_bytes"),
)
_DETAILS = Pair(backups.BackupDetails, backups_pb2.BackupDetails, *_HEAD, fields.optional("seqno"))
_TABLE = Pair(
    backups.SourceTableDetails,
    backups_pb2.SourceTableDetails,
    TABLE_NAME,
    fields.scalar("table_id"),
    fields.scalar("table_arn"),
    fields.scalar("table_creation_date_time_ms"),
    KEY_SCHEMA,
    *THROUGHPUT[:2],
    BILLING_MODE,
    fields.scalar("table_size_bytes"),
    fields.scalar("item_count"),
)
_INDEX = Pair(
    backups.IndexInfo, backups_pb2.BackupIndexInfo, INDEX_NAME, KEY_SCHEMA, PROJECTION, *THROUGHPUT[:2]
)
_FEATURES = Pair(
    backups.SourceTableFeatureDetails,
    backups_pb2.SourceTableFeatureDetails,
    fields.messages("local_secondary_indexes", _INDEX, tuple),
    fields.messages("global_secondary_indexes", _INDEX, tuple),
    fields.optional_message("stream_description", STREAM_SPECIFICATION),
    fields.optional("time_to_live_attribute"),
)
_DESCRIPTION = Pair(
    backups.BackupDescription,
    backups_pb2.BackupDescription,
    fields.message("backup_details", _DETAILS),
    fields.optional_message("source_table_details", _TABLE),
    fields.optional_message("source_table_feature_details", _FEATURES),
    fields.texts("table_names", tuple),
)
_SUMMARY = Pair(
    backups.BackupSummary,
    backups_pb2.BackupSummary,
    *_HEAD,
    *map(fields.optional, ("table_name", "table_id", "table_arn")),
)

CREATE_BACKUP = Pair(
    backups.CreateBackup,
    backups_pb2.CreateBackupRequest,
    fields.scalar("backup_name"),
    fields.optional("table_name"),
)
CREATE_BACKUP_RESULT = Pair(
    backups.CreateBackupResult,
    backups_pb2.CreateBackupResponse,
    fields.message("backup_details", _DETAILS),
)
DESCRIBE_BACKUP = Pair(backups.DescribeBackup, backups_pb2.DescribeBackupRequest, _ARN)
DESCRIBE_BACKUP_RESULT = Pair(
    backups.DescribeBackupResult,
    backups_pb2.DescribeBackupResponse,
    fields.message("backup_description", _DESCRIPTION),
)
LIST_BACKUPS = Pair(
    backups.ListBackups,
    backups_pb2.ListBackupsRequest,
    fields.optional("table_name"),
    LIMIT,
    *map(
        fields.optional,
        ("time_range_lower_bound_ms", "time_range_upper_bound_ms", "exclusive_start_backup_arn"),
    ),
    fields.enum("backup_type", "BACKUP_TYPE_", "USER", "SYSTEM", "AWS_BACKUP", "ALL"),
)
LIST_BACKUPS_RESULT = Pair(
    backups.ListBackupsResult,
    backups_pb2.ListBackupsResponse,
    fields.messages("backup_summaries", _SUMMARY),
    fields.optional("last_evaluated_backup_arn"),
)
DELETE_BACKUP = Pair(backups.DeleteBackup, backups_pb2.DeleteBackupRequest, _ARN)
DELETE_BACKUP_RESULT = Pair(
    backups.DeleteBackupResult,
    backups_pb2.DeleteBackupResponse,
    fields.message("backup_description", _DESCRIPTION),
)
_TABLE_DESCRIPTION = fields.message("table_description", TABLE_DESCRIPTION)
_INDEXES = fields.messages("values", INDEX_SPECIFICATION)
RESTORE_TABLE_FROM_BACKUP = Pair(
    backups.RestoreTableFromBackup,
    backups_pb2.RestoreTableFromBackupRequest,
    fields.scalar("target_table_name"),
    _ARN,
    fields.enum("billing_mode_override", "BILLING_MODE_", "PROVISIONED", "PAY_PER_REQUEST"),
    fields.wrapped("global_secondary_index_override", _INDEXES),
    fields.wrapped("local_secondary_index_override", _INDEXES),
    fields.optional_message("provisioned_throughput_override", PROVISIONED),
    fields.optional_message("on_demand_throughput_override", ON_DEMAND),
    fields.optional("source_table_name"),
    fields.flag("in_place"),
)
RESTORE_TABLE_FROM_BACKUP_RESULT = Pair(
    backups.RestoreTableFromBackupResult,
    backups_pb2.RestoreTableFromBackupResponse,
    _TABLE_DESCRIPTION,
    fields.scalar("job_id"),
)
SETTLE_RESTORE = Pair(
    backups.SettleRestore, backups_pb2.SettleRestoreRequest, TABLE_NAME, fields.flag("roll_back")
)
SETTLE_RESTORE_RESULT = Pair(
    backups.SettleRestoreResult, backups_pb2.SettleRestoreResponse, _TABLE_DESCRIPTION
)
