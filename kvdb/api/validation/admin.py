"""Checks of what operators ask for."""

from __future__ import annotations

from kvdb.api.admin import DescribeCheck, StartCheck
from kvdb.api.validation.fields import check_bool


def check_start_check(request: StartCheck) -> None:
    check_bool("deep", request.deep)


def check_describe_check(request: DescribeCheck) -> None:
    """It asks for nothing in particular."""
