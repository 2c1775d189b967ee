"""The operations of continuous backups in JSON: their requests and results as tables of fields.

What the service nests (``PointInTimeRecoverySpecification``, ``PointInTimeRecoveryDescription``) the
contract keeps flat.
"""

from __future__ import annotations

from typing import NamedTuple

from kvdb.api import archive as api
from kvdb.item.dynamo_json import JsonObject
from kvdb.server.http_shapes import BOOLEAN, INTEGER, SECONDS, STRING, Field, struct, wrapped

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
