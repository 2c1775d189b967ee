"""Checks of the calls about the continuous archive."""

from __future__ import annotations

from kvdb import limits
from kvdb.api.archive import (
    DescribeArchive,
    DescribeContinuousBackups,
    LabelArchive,
    RestoreTableToPointInTime,
    UpdateContinuousBackups,
)
from kvdb.api.validation.backups import check_overrides
from kvdb.api.validation.fields import (
    check_bool,
    check_int,
    check_long,
    check_table_name,
    constraint,
    invalid,
    name_faults,
    refuse_if,
    wrong_type,
)

_PERIOD = "pointInTimeRecoverySpecification.recoveryPeriodInDays"


def check_update_continuous_backups(request: UpdateContinuousBackups) -> None:
    check_bool("enabled", request.enabled)
    days = request.recovery_period_days
    check_int("recovery_period_days", days)
    faults: list[str] = []
    if days is not None and days < limits.RECOVERY_PERIOD_DAYS_MIN:
        faults.append(
            constraint(
                days, _PERIOD, f"have value greater than or equal to {limits.RECOVERY_PERIOD_DAYS_MIN}"
            )
        )
    if days is not None and days > limits.RECOVERY_PERIOD_DAYS_MAX:
        faults.append(
            constraint(days, _PERIOD, f"have value less than or equal to {limits.RECOVERY_PERIOD_DAYS_MAX}")
        )
    refuse_if(faults)
    check_table_name(request.table_name)


def check_describe_continuous_backups(request: DescribeContinuousBackups) -> None:
    check_table_name(request.table_name)


def check_restore_table_to_point_in_time(request: RestoreTableToPointInTime) -> None:
    if not isinstance(request.target_table_name, str):
        raise wrong_type("target_table_name", request.target_table_name, "str")
    if request.source_table_name is None:
        raise invalid("SourceTableName or SourceTableArn must be given")
    check_table_name(request.source_table_name)
    check_bool("in_place", request.in_place)
    if request.use_latest_restorable_time is not None:
        check_bool("use_latest_restorable_time", request.use_latest_restorable_time)
    check_long("restore_date_time_ms", request.restore_date_time_ms)
    check_long("seqno", request.seqno)
    if request.label is not None and not isinstance(request.label, str):
        raise wrong_type("label", request.label, "str")
    refuse_if(list(name_faults(request.target_table_name, "targetTableName", chars_min=3)))
    check_overrides(request)
    points = (request.restore_date_time_ms, request.seqno, request.label)
    given = sum(point is not None for point in points) + bool(request.use_latest_restorable_time)
    if given != 1:
        raise invalid("one of UseLatestRestorableTime and RestoreDateTime must be given")


def check_describe_archive(request: DescribeArchive) -> None:
    """There is nothing in it."""


def check_label_archive(request: LabelArchive) -> None:
    # What a label may be is the archive's to say.
    if not isinstance(request.label, str):
        raise wrong_type("label", request.label, "str")
