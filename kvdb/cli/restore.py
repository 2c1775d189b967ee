"""``kvdb restore``: a directory, or a table of a database, from a backup or the continuous archive."""

from __future__ import annotations

import click

from kvdb.backup import restore as restoring
from kvdb.backup.manifest import Manifest
from kvdb.backup.places import open_store
from kvdb.cli.archive import Point, moment_of, restore_point
from kvdb.cli.json_options import json_option
from kvdb.cli.output import iso_time, show_facts, show_rows
from kvdb.cli.progress import job_bar, progress_bar
from kvdb.cli.target import open_target, target_options
from kvdb.client import connect
from kvdb.client.sync import Client
from kvdb.env.env import Env
from kvdb.errors import NotADatabase, from_code

_TABLE_FACTS = ("table", "items", "bytes")


@click.command()
@click.option(
    "--store",
    "url",
    envvar="KVDB_BACKUP_STORE",
    show_envvar=True,
    metavar="URL",
    help="Where the backup lies; a server knows its own.",
)
@click.option("--backup", "backup_id", metavar="BACKUP", help="Which one: its id or ARN.")
@click.option("--archive", "archive_url", metavar="URL", help="Where the continuous archive lies.")
@click.option("--database", metavar="ID", help="Whose archive, when there are several in the store.")
@click.option("--at", metavar="TIME", help="Of the archive: the last commit at 2026-11-29T02:30:00.250Z.")
@click.option("--seqno", type=click.IntRange(0), metavar="N", help="Of the archive: the commit of a seqno.")
@click.option("--label", metavar="LABEL", help="Of the archive: a point that was given a name.")
@click.option("--table", "tables", multiple=True, metavar="TABLE", help="This table alone; may be repeated.")
@click.option("--to", "target", metavar="DIR", help="A directory that does not exist yet.")
@click.option("--as", "name", metavar="TABLE", help="Into a database: the name of the new table.")
@click.option(
    "--in-place",
    is_flag=True,
    help="Into a database: the table goes back to what it was; what it is now is kept aside until"
    " `kvdb backup confirm` or `kvdb backup roll-back`.",
)
@click.option("--dry-run", is_flag=True, help="Only print what would be restored.")
@target_options
@json_option
def restore(
    url: str | None,
    backup_id: str | None,
    archive_url: str | None,
    database: str | None,
    at: str | None,
    seqno: int | None,
    label: str | None,
    tables: tuple[str, ...],
    target: str | None,
    name: str | None,
    in_place: bool,
    dry_run: bool,
    endpoint: str | None,
    data_dir: str | None,
    as_json: bool,
) -> None:
    """Restore a backup (--backup), or a continuous archive as of a point (--archive).

    With --to into a new database directory, from the store alone; else a table into a database, that of a
    running server (--endpoint) or a directory (--data-dir), while it is in use. A server that archives also
    restores a --table as of a point of its own archive (--at, --seqno or --label).
    """
    point = Point(at, seqno, label)
    if target is not None and (name is not None or in_place):
        raise click.UsageError("--as and --in-place are for a table of a database, not for --to")
    if archive_url is not None:
        if backup_id is not None:
            raise click.UsageError("give --archive or --backup, not both")
        if target is None:
            raise click.UsageError("an --archive is restored --to a directory")
        restore_point(
            archive_url,
            database,
            target,
            point,
            tables=list(tables) or None,
            dry_run=dry_run,
            as_json=as_json,
        )
        return
    if backup_id is None and target is None and endpoint is not None and point != Point():
        if len(tables) != 1 or database is not None:
            raise click.UsageError("a server restores one --table of its own to a point")
        _point_into_database(
            endpoint,
            tables[0],
            name or tables[0],
            point,
            in_place=in_place,
            dry_run=dry_run,
            as_json=as_json,
        )
        return
    if backup_id is None or database is not None or point != Point():
        raise click.UsageError("give --backup; or --archive with --at, --seqno or --label")
    if target is not None:
        if url is None:
            raise click.UsageError("where does the backup lie? give --store")
        _into_directory(url, backup_id, tables, target, dry_run=dry_run, as_json=as_json)
        return
    if len(tables) > 1:
        raise click.UsageError("one table at a time is restored into a database")
    if data_dir is not None and url is None:
        raise click.UsageError("where does the backup lie? give --store")
    source = tables[0] if tables else None
    with _client(endpoint, data_dir, url) as client:
        _into_database(client, backup_id, source, name, in_place=in_place, dry_run=dry_run, as_json=as_json)


def _point_into_database(
    endpoint: str,
    source: str,
    target: str,
    point: Point,
    *,
    in_place: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """From the archive of a running server, which knows where that lies."""
    point.require_one()
    moment = None if point.at is None else moment_of(point.at)
    facts: dict[str, object] = {"from_table": source, "to_table": target, "in_place": in_place}
    facts |= {name: value for name, value in point._asdict().items() if value is not None}
    with open_target(endpoint, None) as client:
        found = client.table(source).continuous_backups()
        for name, time_ms in (
            ("earliest", found.earliest_restorable_ms),
            ("latest", found.latest_restorable_ms),
        ):
            facts[name] = "none" if time_ms is None else iso_time(time_ms)
        if not dry_run:
            client.restore_table_to_point(
                source, target, at=moment, seqno=point.seqno, label=point.label, in_place=in_place
            )
    show_facts(facts, as_json=as_json)


def _client(endpoint: str | None, data_dir: str | None, url: str | None) -> Client:
    if data_dir is None:
        return open_target(endpoint, None)
    # It says what is no database; the store is for the second time.
    open_target(endpoint, data_dir).close()
    return connect.open(data_dir, backup_store=url)


def _into_directory(
    url: str, backup_id: str, tables: tuple[str, ...], target: str, *, dry_run: bool, as_json: bool
) -> None:
    env = Env.system()
    chosen = list(tables) or None
    plan = restoring.plan_backup(open_store(url, env), backup_id.rpartition("/")[2], tables=chosen)
    facts: dict[str, object] = {
        "backup": plan.manifest.backup_id,
        "created": iso_time(plan.manifest.created_ms),
        "seqno": plan.seqno,
        "tables": len(plan.tables),
        "objects": len(plan.manifest.parts),
        "bytes": plan.size_bytes,
        "directory": target,
    }
    if dry_run:
        if env.fs.exists(target):
            raise NotADatabase(f"restore target is there already directory={target}")
        show_facts(facts, as_json=as_json)
        _show_tables(plan.manifest, plan.tables, as_json=as_json)
        return
    with progress_bar() as on_progress:
        done = restoring.restore(env, plan, target, on_progress=on_progress)
    facts["database_id"] = done.database_id.hex()
    show_facts(facts, as_json=as_json)


def _show_tables(manifest: Manifest, names: list[str], *, as_json: bool) -> None:
    found = (manifest.table(name) for name in names)
    rows = ({"table": each.name, "items": each.items, "bytes": each.size_bytes} for each in found)
    show_rows(rows, _TABLE_FACTS, as_json=as_json)


def _into_database(
    client: Client,
    backup_id: str,
    source: str | None,
    name: str | None,
    *,
    in_place: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    described = client.backup(backup_id)
    if source is None and len(described.table_names) == 1:
        source = described.table_names[0]
    if source is None:
        raise click.UsageError(f"which --table? the backup has {', '.join(described.table_names)}")
    name = name or source
    facts: dict[str, object] = {
        "backup": described.backup_details.backup_arn,
        "created": iso_time(described.backup_details.backup_creation_date_time_ms),
        "from_table": source,
        "to_table": name,
        "in_place": in_place,
    }
    if described.source_table_details is not None:
        facts["items"] = described.source_table_details.item_count
    if not dry_run:
        begun = client.begin_restore_table(backup_id, name, source=source, in_place=in_place)
        with job_bar() as on_progress:
            job = client.wait_for_job(begun, on_progress=on_progress)
        if job.status != "COMPLETED":
            raise from_code(job.failure_code or "", job.failure_message or f"the job is {job.status}")
        facts["bytes"] = job.done
        summary = client.table(name).describe().restore_summary
        if summary is not None and summary.aside_table_name is not None:
            facts["kept_aside_as"] = summary.aside_table_name
    show_facts(facts, as_json=as_json)
