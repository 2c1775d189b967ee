"""Calls about peers."""

from __future__ import annotations

from kvdb import limits
from kvdb.api.replicas import DescribeReplicas, ListConflicts, ReseedTable
from kvdb.api.validation.fields import check_int, check_long, check_table_name, invalid


def check_describe_replicas(request: DescribeReplicas) -> None:
    """There is nothing to check."""


def check_reseed_table(request: ReseedTable) -> None:
    check_table_name(request.table_name)


def check_list_conflicts(request: ListConflicts) -> None:
    check_table_name(request.table_name)
    check_long("after_sequence_number", request.after_sequence_number)
    if request.after_sequence_number < 0:
        raise invalid(f"after_sequence_number is negative: {request.after_sequence_number}")
    if request.limit is not None:
        check_int("limit", request.limit)
        if not 1 <= request.limit <= limits.CONFLICTS_PAGE_MAX:
            raise invalid(f"limit must be 1 to {limits.CONFLICTS_PAGE_MAX}: {request.limit}")
