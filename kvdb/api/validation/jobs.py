"""Checks of the calls about jobs."""

from __future__ import annotations

from kvdb.api.jobs import CancelJob, DescribeJob, ListJobs
from kvdb.api.validation.fields import check_int, wrong_type
from kvdb.errors import ValidationError
from kvdb.limits import LIST_JOBS_PAGE_MAX

_TEXT_CHARS_MAX = 1024


def check_named_job(request: DescribeJob | CancelJob) -> None:
    _check_text("job_id", request.job_id)


def check_list_jobs(request: ListJobs) -> None:
    for field in ("kind", "resource_arn", "exclusive_start_job_id"):
        value = getattr(request, field)
        if value is not None:
            _check_text(field, value)
    check_int("limit", request.limit)
    if request.limit is not None and not 1 <= request.limit <= LIST_JOBS_PAGE_MAX:
        raise ValidationError(f"limit must be 1 to {LIST_JOBS_PAGE_MAX}: {request.limit}")


def _check_text(field: str, value: object) -> None:
    if not isinstance(value, str):
        raise wrong_type(field, value, "str")
    if not 1 <= len(value) <= _TEXT_CHARS_MAX:
        raise ValidationError(f"{field} must have 1 to {_TEXT_CHARS_MAX} characters")
