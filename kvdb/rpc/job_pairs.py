"""The messages of ``jobs.proto``, a pair each."""

from __future__ import annotations

from kvdb.api import jobs
from kvdb.rpc import fields
from kvdb.rpc.fields import Pair
from kvdb.rpc.gen import jobs_pb2

JOB = Pair(
    jobs.JobDescription,
    jobs_pb2.JobDescription,
    *map(fields.scalar, ("job_id", "job_arn", "kind", "resource_arn")),
    fields.enum("status", "JOB_STATUS_", "IN_PROGRESS", "COMPLETED", "FAILED", "CANCELLED"),
    fields.flag("is_cancelling"),
    *map(fields.scalar, ("done", "total", "unit", "started_ms")),
    *map(fields.optional, ("ended_ms", "failure_code", "failure_message")),
)
DESCRIBE_JOB = Pair(jobs.DescribeJob, jobs_pb2.DescribeJobRequest, fields.scalar("job_id"))
DESCRIBE_JOB_RESULT = Pair(jobs.DescribeJobResult, jobs_pb2.DescribeJobResponse, fields.message("job", JOB))
LIST_JOBS = Pair(
    jobs.ListJobs,
    jobs_pb2.ListJobsRequest,
    *map(fields.optional, ("kind", "resource_arn", "limit", "exclusive_start_job_id")),
)
LIST_JOBS_RESULT = Pair(
    jobs.ListJobsResult,
    jobs_pb2.ListJobsResponse,
    fields.messages("jobs", JOB),
    fields.optional("last_evaluated_job_id"),
)
CANCEL_JOB = Pair(jobs.CancelJob, jobs_pb2.CancelJobRequest, fields.scalar("job_id"))
CANCEL_JOB_RESULT = Pair(jobs.CancelJobResult, jobs_pb2.CancelJobResponse, fields.message("job", JOB))
