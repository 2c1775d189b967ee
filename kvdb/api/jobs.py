"""Requests and results about jobs: long work that another call has begun. All of it is native.

Backups, restores, exports and imports are jobs; their own calls describe them in the service's shapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

JobStatus = Literal["IN_PROGRESS", "COMPLETED", "FAILED", "CANCELLED"]


@dataclass(frozen=True, slots=True)
class JobDescription:
    """A job: how far it has come, or how it ended."""

    job_id: str
    job_arn: str
    kind: str
    """"backup", "restore", "export", "import"."""
    resource_arn: str
    """What it is about: a table, or the database."""
    status: JobStatus
    is_cancelling: bool
    """IN_PROGRESS, to be CANCELLED once what it left is taken away."""
    done: int
    total: int
    """0 while it is not known."""
    unit: str
    """Of ``done`` and ``total``: "bytes" or "items"."""
    started_ms: int
    ended_ms: int | None = None
    failure_code: str | None = None
    """Why it FAILED, as an error's code."""
    failure_message: str | None = None


@dataclass(frozen=True, slots=True)
class DescribeJob:
    job_id: str
    """Its id or ARN."""


@dataclass(frozen=True, slots=True)
class DescribeJobResult:
    job: JobDescription


@dataclass(frozen=True, slots=True)
class ListJobs:
    """The jobs, newest first: those under way, and the last thousand that are over."""

    kind: str | None = None
    resource_arn: str | None = None
    limit: int | None = None
    """1 to 100, the default."""
    exclusive_start_job_id: str | None = None


@dataclass(frozen=True, slots=True)
class ListJobsResult:
    jobs: list[JobDescription]
    last_evaluated_job_id: str | None = None
    """Where the next page begins; ``None``: there is none."""


@dataclass(frozen=True, slots=True)
class CancelJob:
    """Have a job end before its time, and take away what it has left."""

    job_id: str


@dataclass(frozen=True, slots=True)
class CancelJobResult:
    job: JobDescription


JobRequest: TypeAlias = DescribeJob | ListJobs | CancelJob
JobResult: TypeAlias = DescribeJobResult | ListJobsResult | CancelJobResult
