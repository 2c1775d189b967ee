"""``kvdb check``: is every byte of a database what was written? ``kvdb scrub``: what its own checks found."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click

from kvdb.api.admin import CheckDescription, CheckFinding, DescribeCheck, DescribeCheckResult
from kvdb.cli.exits import Exit
from kvdb.cli.json_options import json_option
from kvdb.cli.output import show_facts, show_items
from kvdb.cli.target import open_target, target_options
from kvdb.env.fs import OsFileSystem
from kvdb.errors import InternalError
from kvdb.lsm.verify import FINDINGS_MAX, Finding, Report, verify_directory


@click.command()
@target_options
@click.option("--deep", is_flag=True, help="Look at every key: filters, and the order of versions.")
@json_option
def check(endpoint: str | None, data_dir: str | None, deep: bool, as_json: bool) -> None:
    """Read a database to its last byte, and say what is damaged. Writes and repairs nothing.

    With --data-dir a closed database: every checksum, whole-file digest, key order, bounds, the
    manifest and the logs. With --endpoint that of a running server, its sstables, while calls go on.
    Exit code 7 when something is damaged; a note (a torn log tail, a file left over) is no damage.
    """
    if data_dir is not None:
        report = verify_directory(OsFileSystem(), data_dir, deep=deep).run()
        show_report(report, as_json=as_json)
        click.get_current_context().exit(Exit.OK if report.is_clean else Exit.DAMAGED)
    with open_target(endpoint, data_dir) as client, _progress() as advance:
        found = client.check(deep=deep, on_progress=advance)
    _show(found.findings, _facts_of(found), as_json=as_json)
    if found.status == "FAILED":
        raise InternalError(f"the check did not come to its end: {found.error}")
    click.get_current_context().exit(Exit.OK if found.status == "CLEAN" else Exit.DAMAGED)


@click.command()
@target_options
@json_option
def scrub(endpoint: str | None, data_dir: str | None, as_json: bool) -> None:
    """What the scrub of a running server, which reads every sstable now and then, has found.

    Exit code 7 when something was damaged.
    """
    with open_target(endpoint, data_dir) as client:
        described = client.call(DescribeCheck())
    assert isinstance(described, DescribeCheckResult)
    found = described.scrub
    if found is None:
        show_facts({"result": "none yet"}, as_json=as_json)
        return
    _show(found.findings, _facts_of(found), as_json=as_json)
    click.get_current_context().exit(Exit.DAMAGED if found.damaged else Exit.OK)


def show_report(report: Report, *, as_json: bool) -> None:
    """Findings one by one, then the sums (as the last line of JSON)."""
    facts: dict[str, object] = {
        "result": "clean" if report.is_clean else "damaged",
        "damaged": report.damaged,
        "sstables": report.sstables,
        "logs": report.logs,
        "blocks": report.blocks,
        "entries": report.entries,
        "bytes": report.bytes_read,
    }
    _show(report.findings, facts, as_json=as_json)


def _facts_of(found: CheckDescription) -> dict[str, object]:
    return {
        "result": found.status.lower(),
        "damaged": found.damaged,
        "sstables": found.sstables,
        "blocks": found.blocks,
        "entries": found.entries,
        "bytes": found.bytes_read,
        "bytes_total": found.bytes_total,
        "started_ms": found.started_ms,
        "ended_ms": found.ended_ms,
    }


def _show(
    findings: Sequence[Finding] | Sequence[CheckFinding], facts: dict[str, object], *, as_json: bool
) -> None:
    rows = [
        {"severity": found.severity, "file": found.file, "offset": found.offset, "message": found.message}
        for found in findings
    ]
    show_items(rows, ["severity", "file", "offset", "message"], as_json=as_json)
    show_facts(facts, as_json=as_json)
    if len(findings) == FINDINGS_MAX:
        click.echo(f"only the first {FINDINGS_MAX} findings are shown", err=True)


@contextmanager
def _progress() -> Iterator[Callable[[CheckDescription], None]]:
    """A bar on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda found: None
        return
    with click.progressbar(length=1000, label="checking", file=sys.stderr) as bar:

        def advance(found: CheckDescription) -> None:
            bar.update(found.bytes_read * 1000 // max(1, found.bytes_total) - bar.pos)

        yield advance
