"""``kvdb job list | describe | cancel``: backups, restores, exports and imports under way, and their ends."""

from __future__ import annotations

import click

from kvdb.api.jobs import JobDescription
from kvdb.cli.json_options import json_option
from kvdb.cli.output import iso_time, show_facts, show_rows
from kvdb.cli.target import open_target, target_options

_LIST_FACTS = ("job", "kind", "resource", "status", "done", "total", "unit", "started")


@click.group()
def job() -> None:
    """Look at long work that other commands and calls have begun; end it."""


@job.command("list")
@target_options
@click.option("--kind", metavar="KIND", help="backup, restore, export, import or sweep.")
@json_option
def list_(endpoint: str | None, data_dir: str | None, kind: str | None, as_json: bool) -> None:
    """Print the jobs, newest first: those under way, and those that ended lately."""
    with open_target(endpoint, data_dir) as client:
        found = client.jobs(kind)
    rows = ({name: _facts(each)[name] for name in _LIST_FACTS} for each in found)
    show_rows(rows, _LIST_FACTS, as_json=as_json)


@job.command()
@target_options
@click.argument("job_id", metavar="JOB")
@json_option
def describe(endpoint: str | None, data_dir: str | None, job_id: str, as_json: bool) -> None:
    """Print how far a job is, or how it ended; by its id or ARN."""
    with open_target(endpoint, data_dir) as client:
        found = client.job(job_id)
    show_facts(_facts(found), as_json=as_json)


@job.command()
@target_options
@click.argument("job_id", metavar="JOB")
@json_option
def cancel(endpoint: str | None, data_dir: str | None, job_id: str, as_json: bool) -> None:
    """End a job, take away what it has left, and print how that ended."""
    with open_target(endpoint, data_dir) as client:
        client.cancel_job(job_id)
        ended = client.wait_for_job(job_id)
    show_facts(_facts(ended), as_json=as_json)


def _facts(found: JobDescription) -> dict[str, object]:
    facts: dict[str, object] = {
        "job": found.job_id,
        "arn": found.job_arn,
        "kind": found.kind,
        "resource": found.resource_arn.rpartition(":")[2],
        "status": "CANCELLING" if found.is_cancelling else found.status,
        "done": found.done,
        "total": found.total,
        "unit": found.unit,
        "started": iso_time(found.started_ms),
    }
    if found.ended_ms is not None:
        facts["ended"] = iso_time(found.ended_ms)
    if found.failure_code is not None:
        facts["failure"] = f"{found.failure_code}: {found.failure_message or ''}"
    return facts
