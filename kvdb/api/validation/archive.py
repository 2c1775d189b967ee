"""Checks of the calls about the continuous archive."""

from __future__ import annotations

from kvdb import limits
from kvdb.api.archive import DescribeArchive, DescribeContinuousBackups, LabelArchive, UpdateContinuousBackups
from kvdb.api.validation.fields import (
    check_bool,
    check_int,
    check_table_name,
    constraint,
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


def check_describe_archive(request: DescribeArchive) -> None:
    """There is nothing in it."""


def check_label_archive(request: LabelArchive) -> None:
    # What a label may be is the archive's to say.
    if not isinstance(request.label, str):
        raise wrong_type("label", request.label, "str")
