"""``kvdb check``: is every byte of a database what was written?"""

from __future__ import annotations

import click

from kvdb.cli.exits import Exit
from kvdb.cli.json_options import json_option
from kvdb.cli.output import show_facts, show_items
from kvdb.env.fs import OsFileSystem
from kvdb.lsm.verify import FINDINGS_MAX, Report, verify_directory


@click.command()
@click.option("--data-dir", required=True, metavar="DIR", help="The database directory.")
@click.option("--deep", is_flag=True, help="Look at every key: filters, and the order of versions.")
@json_option
def check(data_dir: str, deep: bool, as_json: bool) -> None:
    """Read a closed database to its last byte, and say what is damaged. Writes nothing.

    Every checksum, whole-file digest, key order, bounds, the manifest and the logs. Exit code 7
    when something is damaged; a note (a torn log tail, a file left over) is no damage. A database
    that is open is checked by whoever has it open: `Database.check(deep=True)`.
    """
    report = verify_directory(OsFileSystem(), data_dir, deep=deep).run()
    show_report(report, as_json=as_json)
    click.get_current_context().exit(Exit.OK if report.is_clean else Exit.DAMAGED)


def show_report(report: Report, *, as_json: bool) -> None:
    """Findings one by one, then the sums on standard error (as the last line of JSON)."""
    rows = [
        {"severity": found.severity, "file": found.file, "offset": found.offset, "message": found.message}
        for found in report.findings
    ]
    show_items(rows, ["severity", "file", "offset", "message"], as_json=as_json)
    facts: dict[str, object] = {
        "result": "clean" if report.is_clean else "damaged",
        "damaged": report.damaged,
        "sstables": report.sstables,
        "logs": report.logs,
        "blocks": report.blocks,
        "entries": report.entries,
        "bytes": report.bytes_read,
    }
    show_facts(facts, as_json=as_json)
    if len(report.findings) == FINDINGS_MAX:
        click.echo(f"only the first {FINDINGS_MAX} findings are shown", err=True)
