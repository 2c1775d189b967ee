"""The operations of continuous backups in JSON: their requests and results as tables of fields.

What the service nests (``PointInTimeRecoverySpecification``, ``PointInTimeRecoveryDescription``) the
contract keeps flat.
"""

from __future__ import annotations

from typing import NamedTuple

from kvdb.api import archive as api
from kvdb.item.dynamo_json import JsonObject
from kvdb.server.http_shapes import BOOLEAN, INTEGER, SECONDS, STRING, Field, list_of, struct, wrapped
from kvdb.server.http_tables import DESCRIPTION, GLOBAL_INDEX, LOCAL_INDEX, ON_DEMAND, THROUGHPUT

_TABLE = Field("TableName", "table_name", STRING, is_required=True)


class _Specification(NamedTuple):
    enabled: object
    recovery_period_days: object = None


def _update(table_name: object, specification: _Specification | None) -> api.UpdateContinuousBackups:
    enabled, days = specification or (None, None)
    return api.UpdateContinuousBackups(table_name, enabled, days)  # type: ignore[arg-type]


UPDATE_CONTINUOUS_BACKUPS = struct(
    "UpdateContinuousBackupsInput",
    _update,
    _TABLE,
    Field(
        "PointInTimeRecoverySpecification",
        "specification",
        struct(
            "PointInTimeRecoverySpecification",
            _Specification,
            Field("PointInTimeRecoveryEnabled", "enabled", BOOLEAN, is_required=True),
            Field("RecoveryPeriodInDays", "recovery_period_days", INTEGER),
        ),
        is_required=True,
    ),
)
DESCRIBE_CONTINUOUS_BACKUPS = struct("DescribeContinuousBackupsInput", api.DescribeContinuousBackups, _TABLE)


def _restore(
    target_table_name: object,
    source_table_name: object = None,
    source_table_arn: object = None,
    use_latest_restorable_time: object = None,
    restore_date_time_ms: object = None,
    **overrides: object,
) -> api.RestoreTableToPointInTime:
    return api.RestoreTableToPointInTime(
        target_table_name,  # type: ignore[arg-type]
        source_table_arn if source_table_name is None else source_table_name,  # type: ignore[arg-type]
        use_latest_restorable_time,  # type: ignore[arg-type]
        restore_date_time_ms,  # type: ignore[arg-type]
        **overrides,  # type: ignore[arg-type]
    )


RESTORE_TABLE_TO_POINT_IN_TIME = struct(
    "RestoreTableToPointInTimeInput",
    _restore,
    Field("TargetTableName", "target_table_name", STRING, is_required=True),
    Field("SourceTableName", "source_table_name", STRING),
    Field("SourceTableArn", "source_table_arn", STRING),
    Field("UseLatestRestorableTime", "use_latest_restorable_time", BOOLEAN),
    Field("RestoreDateTime", "restore_date_time_ms", SECONDS),
    Field("BillingModeOverride", "billing_mode_override", STRING),
    Field("GlobalSecondaryIndexOverride", "global_secondary_index_override", list_of(GLOBAL_INDEX)),
    Field("LocalSecondaryIndexOverride", "local_secondary_index_override", list_of(LOCAL_INDEX)),
    Field("ProvisionedThroughputOverride", "provisioned_throughput_override", THROUGHPUT),
    Field("OnDemandThroughputOverride", "on_demand_throughput_override", ON_DEMAND),
)
WRITE_RESTORED = wrapped(Field("TableDescription", "table_description", DESCRIPTION))

_WRITE_POINT_IN_TIME = wrapped(
    Field("PointInTimeRecoveryStatus", "point_in_time_recovery_status", STRING),
    Field("RecoveryPeriodInDays", "recovery_period_days", INTEGER),
    Field("EarliestRestorableDateTime", "earliest_restorable_ms", SECONDS),
    Field("LatestRestorableDateTime", "latest_restorable_ms", SECONDS),
)


def write_continuous_backups(
    result: api.UpdateContinuousBackupsResult | api.DescribeContinuousBackupsResult,
) -> JsonObject:
    """The answer of both calls."""
    described = result.continuous_backups
    return {
        "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": described.continuous_backups_status,
            "PointInTimeRecoveryDescription": _WRITE_POINT_IN_TIME(described),
        }
    }
