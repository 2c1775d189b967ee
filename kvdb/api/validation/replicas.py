"""Calls about peers."""

from __future__ import annotations

from typing import get_args

from kvdb import limits
from kvdb.api.replicas import DescribeReplicas, FollowConflicts, ListConflicts, Outcome, ReseedTable
from kvdb.api.validation.fields import (
    check_bool,
    check_int,
    check_long,
    check_mapping,
    check_table_name,
    enum_faults,
    invalid,
    refuse_if,
    wrong_type,
)

_OUTCOMES: tuple[str, ...] = get_args(Outcome)


def check_describe_replicas(request: DescribeReplicas) -> None:
    """There is nothing to check."""


def check_reseed_table(request: ReseedTable) -> None:
    check_table_name(request.table_name)


def check_list_conflicts(request: ListConflicts) -> None:
    check_table_name(request.table_name)
    _check_conflicts(request)
    check_bool("newest_first", request.newest_first)
    if request.before_sequence_number is not None:
        check_long("before_sequence_number", request.before_sequence_number)
        if request.before_sequence_number < 1:
            raise invalid(f"before_sequence_number must be positive: {request.before_sequence_number}")
    if request.limit is not None:
        check_int("limit", request.limit)
        if not 1 <= request.limit <= limits.CONFLICTS_PAGE_MAX:
            raise invalid(f"limit must be 1 to {limits.CONFLICTS_PAGE_MAX}: {request.limit}")


def check_follow_conflicts(request: FollowConflicts) -> None:
    check_table_name(request.table_name)
    _check_conflicts(request)
    check_long("heartbeat_ms", request.heartbeat_ms)
    if not limits.HEARTBEAT_MS_MIN <= request.heartbeat_ms <= limits.HEARTBEAT_MS_MAX:
        raise invalid(
            f"heartbeat_ms must be between {limits.HEARTBEAT_MS_MIN} and {limits.HEARTBEAT_MS_MAX}: "
            f"{request.heartbeat_ms}"
        )


def _check_conflicts(request: ListConflicts | FollowConflicts) -> None:
    check_long("after_sequence_number", request.after_sequence_number)
    if request.after_sequence_number < 0:
        raise invalid(f"after_sequence_number is negative: {request.after_sequence_number}")
    if request.key is not None:
        check_mapping("key", request.key)
    if request.outcome is not None:
        refuse_if([*enum_faults(request.outcome, "outcome", _OUTCOMES)])
    if request.region_name is not None and not isinstance(request.region_name, str):
        raise wrong_type("region_name", request.region_name, "str")
    if request.since_ms is not None:
        check_long("since_ms", request.since_ms)
        if request.since_ms < 0:
            raise invalid(f"since_ms is negative: {request.since_ms}")
