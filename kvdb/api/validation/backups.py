"""Checks of the calls about backups."""

from __future__ import annotations

from collections.abc import Sequence

from kvdb import limits
from kvdb.api import arn
from kvdb.api.archive import RestoreTableToPointInTime
from kvdb.api.backups import (
    CreateBackup,
    DeleteBackup,
    DescribeBackup,
    ListBackups,
    RestoreTableFromBackup,
    SettleRestore,
)
from kvdb.api.validation.fields import (
    check_bool,
    check_int,
    check_list,
    check_long,
    check_table_name,
    constraint,
    enum_faults,
    invalid,
    name_faults,
    refuse_if,
    table_name_faults,
    wrong_type,
)
from kvdb.errors import ValidationError

_TYPES = ("ALL", "USER", "SYSTEM", "AWS_BACKUP")


def check_create_backup(request: CreateBackup) -> None:
    _check_text("backup_name", request.backup_name)
    faults = list(name_faults(request.backup_name, "backupName", chars_min=limits.BACKUP_NAME_CHARS_MIN))
    if request.table_name is not None:
        faults += table_name_faults(request.table_name)
    refuse_if(faults)


def check_named_backup(request: DescribeBackup | DeleteBackup) -> None:
    refuse_if(arn_faults(request.backup_arn, "backupArn"))


def check_list_backups(request: ListBackups) -> None:
    check_int("limit", request.limit)
    check_long("time_range_lower_bound_ms", request.time_range_lower_bound_ms)
    check_long("time_range_upper_bound_ms", request.time_range_upper_bound_ms)
    faults: list[str] = []
    if request.table_name is not None:
        faults += table_name_faults(request.table_name)
    if request.limit is not None and request.limit < 1:
        faults.append(constraint(request.limit, "limit", "have value greater than or equal to 1"))
    if request.limit is not None and request.limit > limits.LIST_BACKUPS_PAGE_MAX:
        rule = f"have value less than or equal to {limits.LIST_BACKUPS_PAGE_MAX}"
        faults.append(constraint(request.limit, "limit", rule))
    if request.exclusive_start_backup_arn is not None:
        faults += arn_faults(request.exclusive_start_backup_arn, "exclusiveStartBackupArn")
    if request.backup_type is not None:
        faults += enum_faults(request.backup_type, "backupType", _TYPES)
    refuse_if(faults)
    lower_ms, upper_ms = request.time_range_lower_bound_ms, request.time_range_upper_bound_ms
    if lower_ms is not None and upper_ms is not None and lower_ms > upper_ms:
        raise ValidationError("TimeRangeLowerBound must not be above TimeRangeUpperBound")


def check_restore_table_from_backup(request: RestoreTableFromBackup) -> None:
    _check_text("target_table_name", request.target_table_name)
    check_bool("in_place", request.in_place)
    faults = list(name_faults(request.target_table_name, "targetTableName", chars_min=3))
    faults += arn_faults(request.backup_arn, "backupArn")
    if request.billing_mode_override is not None:
        faults += enum_faults(
            request.billing_mode_override, "billingModeOverride", ("PROVISIONED", "PAY_PER_REQUEST")
        )
    if request.source_table_name is not None:
        faults += table_name_faults(request.source_table_name)
    refuse_if(faults)
    check_overrides(request)


def check_overrides(request: RestoreTableFromBackup | RestoreTableToPointInTime) -> None:
    """What a restored table is to have otherwise than its source."""
    if request.billing_mode_override is not None:
        modes = ("PROVISIONED", "PAY_PER_REQUEST")
        refuse_if(list(enum_faults(request.billing_mode_override, "billingModeOverride", modes)))
    provisioned = request.provisioned_throughput_override
    for field in ("global_secondary_index_override", "local_secondary_index_override"):
        if (given := getattr(request, field)) is not None:
            check_list(field, given)
    if request.billing_mode_override == "PROVISIONED" and provisioned is None:
        raise invalid("ProvisionedThroughputOverride must be given with BillingModeOverride PROVISIONED")
    if request.billing_mode_override == "PAY_PER_REQUEST" and provisioned is not None:
        raise invalid("ProvisionedThroughputOverride does not go with BillingModeOverride PAY_PER_REQUEST")
    if provisioned is not None and min(provisioned.read_capacity_units, provisioned.write_capacity_units) < 1:
        raise invalid("ProvisionedThroughputOverride must have 1 unit or more")


def check_settle_restore(request: SettleRestore) -> None:
    check_table_name(request.table_name)
    check_bool("roll_back", request.roll_back)


def arn_faults(backup_arn: object, place: str) -> Sequence[str]:
    """An ARN, or (native) the id that it ends with."""
    _check_text(place, backup_arn)
    assert isinstance(backup_arn, str)
    faults = []
    if len(backup_arn) < limits.BACKUP_ARN_CHARS_MIN and not arn.is_backup_id(backup_arn):
        rule = f"have length greater than or equal to {limits.BACKUP_ARN_CHARS_MIN}"
        faults.append(constraint(backup_arn, place, rule))
    if len(backup_arn) > limits.BACKUP_ARN_CHARS_MAX:
        rule = f"have length less than or equal to {limits.BACKUP_ARN_CHARS_MAX}"
        faults.append(constraint(backup_arn[:40], place, rule))
    return faults


def _check_text(field: str, value: object) -> None:
    if not isinstance(value, str):
        raise wrong_type(field, value, "str")
