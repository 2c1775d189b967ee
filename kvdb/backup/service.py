"""The calls of this room: from a request of ``api`` to what serves it."""

from __future__ import annotations

from typing import Final

from kvdb.api.jobs import (
    CancelJob,
    CancelJobResult,
    DescribeJob,
    DescribeJobResult,
    JobDescription,
    ListJobs,
    ListJobsResult,
)
from kvdb.backup.jobs import JobRecord, Jobs
from kvdb.backup.store import BackupStore
from kvdb.errors import ValidationError
from kvdb.limits import LIST_JOBS_PAGE_MAX

NO_STORE: Final = "this database was opened without a backup store (backup_store, or serve --backup-store)"


class BackupService:
    """Backups, restores and jobs of one database, as calls."""

    def __init__(self, jobs: Jobs, store: BackupStore | None) -> None:
        self.jobs = jobs
        self._store = store

    @property
    def store(self) -> BackupStore:
        """Raises ``ValidationError``: there is none."""
        if self._store is None:
            raise ValidationError(NO_STORE)
        return self._store

    def describe_job(self, request: DescribeJob) -> DescribeJobResult:
        return DescribeJobResult(described_job(self.jobs.get(request.job_id)))

    def list_jobs(self, request: ListJobs) -> ListJobsResult:
        start = request.exclusive_start_job_id
        found = self.jobs.listed(request.kind, request.resource_arn)[::-1]
        if start is not None:
            found = [record for record in found if record.job_id < start]
        limit = request.limit or LIST_JOBS_PAGE_MAX
        page = found[:limit]
        return ListJobsResult(
            [described_job(record) for record in page], page[-1].job_id if limit < len(found) else None
        )

    def cancel_job(self, request: CancelJob) -> CancelJobResult:
        return CancelJobResult(described_job(self.jobs.cancel(request.job_id)))


def described_job(record: JobRecord) -> JobDescription:
    """What the job calls tell of a job."""
    return JobDescription(
        job_id=record.job_id,
        job_arn=record.arn,
        kind=record.kind,
        resource_arn=record.resource,
        status=record.status,
        is_cancelling=not record.is_over and record.ending == "CANCELLED",
        done=record.done,
        total=record.total,
        unit=record.unit,
        started_ms=record.started_ms,
        ended_ms=record.ended_ms,
        failure_code=record.failure_code or None,
        failure_message=record.failure_message or None,
    )
