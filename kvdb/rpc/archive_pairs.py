"""The messages of ``archive.proto``, a pair each."""

from __future__ import annotations

from kvdb.api import archive
from kvdb.rpc import fields
from kvdb.rpc.fields import Pair
from kvdb.rpc.gen import archive_pb2
from kvdb.rpc.table_pairs import INDEX_SPECIFICATION, ON_DEMAND, PROVISIONED, TABLE_DESCRIPTION

_ON_OFF = ("ENABLED", "DISABLED")
_STATES = ("starting", "ok", "behind", "gap", "fenced", "stopped")

_CONTINUOUS_BACKUPS = fields.message(
    "continuous_backups",
    Pair(
        archive.ContinuousBackupsDescription,
        archive_pb2.ContinuousBackupsDescription,
        fields.enum("continuous_backups_status", "ON_OFF_", *_ON_OFF),
        fields.enum("point_in_time_recovery_status", "ON_OFF_", *_ON_OFF),
        *map(fields.optional, ("recovery_period_days", "earliest_restorable_ms", "latest_restorable_ms")),
    ),
)
UPDATE_CONTINUOUS_BACKUPS = Pair(
    archive.UpdateContinuousBackups,
    archive_pb2.UpdateContinuousBackupsRequest,
    fields.scalar("table_name"),
    fields.flag("enabled"),
    fields.optional("recovery_period_days"),
)
UPDATE_CONTINUOUS_BACKUPS_RESULT = Pair(
    archive.UpdateContinuousBackupsResult, archive_pb2.UpdateContinuousBackupsResponse, _CONTINUOUS_BACKUPS
)
DESCRIBE_CONTINUOUS_BACKUPS = Pair(
    archive.DescribeContinuousBackups,
    archive_pb2.DescribeContinuousBackupsRequest,
    fields.scalar("table_name"),
)
DESCRIBE_CONTINUOUS_BACKUPS_RESULT = Pair(
    archive.DescribeContinuousBackupsResult,
    archive_pb2.DescribeContinuousBackupsResponse,
    _CONTINUOUS_BACKUPS,
)
_INDEXES = fields.messages("values", INDEX_SPECIFICATION)
RESTORE_TABLE_TO_POINT_IN_TIME = Pair(
    archive.RestoreTableToPointInTime,
    archive_pb2.RestoreTableToPointInTimeRequest,
    fields.scalar("target_table_name"),
    fields.optional("source_table_name"),
    fields.optional_flag("use_latest_restorable_time"),
    fields.optional("restore_date_time_ms"),
    fields.enum("billing_mode_override", "BILLING_MODE_", "PROVISIONED", "PAY_PER_REQUEST"),
    fields.wrapped("global_secondary_index_override", _INDEXES),
    fields.wrapped("local_secondary_index_override", _INDEXES),
    fields.optional_message("provisioned_throughput_override", PROVISIONED),
    fields.optional_message("on_demand_throughput_override", ON_DEMAND),
    fields.optional("seqno"),
    fields.optional("label"),
    fields.flag("in_place"),
)
RESTORE_TABLE_TO_POINT_IN_TIME_RESULT = Pair(
    archive.RestoreTableToPointInTimeResult,
    archive_pb2.RestoreTableToPointInTimeResponse,
    fields.message("table_description", TABLE_DESCRIPTION),
    fields.scalar("job_id"),
)
DESCRIBE_ARCHIVE = Pair(archive.DescribeArchive, archive_pb2.DescribeArchiveRequest)
DESCRIBE_ARCHIVE_RESULT = Pair(
    archive.DescribeArchiveResult,
    archive_pb2.DescribeArchiveResponse,
    fields.optional_message(
        "archive",
        Pair(
            archive.ArchiveDescription,
            archive_pb2.ArchiveDescription,
            fields.scalar("url"),
            fields.scalar("database_id"),
            fields.enum("state", "ARCHIVE_STATE_", *_STATES),
            fields.scalar("reason"),
            *map(
                fields.scalar,
                ("seqno", "last_seqno", "complete_ms", "lag_ms", "held_bytes", "gaps", "window_days"),
            ),
            *map(fields.optional, ("epoch", "earliest_ms", "base_seqno")),
        ),
    ),
)
LABEL_ARCHIVE = Pair(archive.LabelArchive, archive_pb2.LabelArchiveRequest, fields.scalar("label"))
LABEL_ARCHIVE_RESULT = Pair(
    archive.LabelArchiveResult,
    archive_pb2.LabelArchiveResponse,
    *map(fields.scalar, ("label", "seqno", "wall_ms")),
)
