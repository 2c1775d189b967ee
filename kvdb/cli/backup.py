"""``kvdb backup create | list | describe | delete | prune``, and ``kvdb restore``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from kvdb.backup import on_demand, shelf
from kvdb.backup import restore as restoring
from kvdb.backup.manifest import Manifest, read_manifest
from kvdb.backup.places import open_store
from kvdb.backup.retention import Retention
from kvdb.cli.archive import restore_point
from kvdb.cli.json_options import json_option
from kvdb.cli.output import iso_time, show_facts, show_line, show_rows
from kvdb.cli.progress import progress_bar
from kvdb.env.env import Env
from kvdb.lsm.engine import Engine

Command = TypeVar("Command", bound=Callable[..., None])

_LIST_FACTS = ("backup", "kind", "created", "seqno", "tables", "bytes", "stored_bytes")


def store_option(command: Command) -> Command:
    """Add ``--store``, which every command here needs."""
    return click.option(
        "--store",
        "url",
        required=True,
        envvar="KVDB_BACKUP_STORE",
        show_envvar=True,
        metavar="URL",
        help="Where backups lie: a directory, or s3://BUCKET/PREFIX, gs://..., az://...",
    )(command)


@click.group()
def backup() -> None:
    """Make, list, describe, delete and prune backups."""


@backup.command()
@store_option
@click.option("--data-dir", required=True, metavar="DIR", help="A database directory that nobody has open.")
@json_option
def create(url: str, data_dir: str, as_json: bool) -> None:
    """Back up a database. What the store has already is not stored again."""
    env = Env.system()
    store = open_store(url, env)
    engine = Engine.open(data_dir, env)
    try:
        with progress_bar() as on_progress:
            made = on_demand.create(env, engine, store, on_progress=on_progress)
    finally:
        engine.close()
        env.jobs.close()
    show_facts(_facts(made), as_json=as_json)


@backup.command("list")
@store_option
@json_option
def list_(url: str, as_json: bool) -> None:
    """Print the backups in a store, oldest first."""
    store = open_store(url, Env.system())
    rows = ({name: _facts(found)[name] for name in _LIST_FACTS} for found in shelf.backups(store))
    show_rows(rows, _LIST_FACTS, as_json=as_json)


@backup.command()
@store_option
@click.argument("backup_id", metavar="BACKUP")
@json_option
def describe(url: str, backup_id: str, as_json: bool) -> None:
    """Print what a backup is, and the tables in it."""
    manifest, digest = read_manifest(open_store(url, Env.system()), backup_id)
    facts = {**_facts(manifest), "manifest_sha256": digest.hex()}
    if manifest.previous is not None:
        facts["previous"] = manifest.previous.backup_id
    show_facts(facts, as_json=as_json)
    rows = ({"table": each.name, "id": each.table_id, "uuid": each.uuid} for each in manifest.tables)
    show_rows(rows, ("table", "id", "uuid"), as_json=as_json)


@backup.command()
@store_option
@click.argument("backup_id", metavar="BACKUP")
def delete(url: str, backup_id: str) -> None:
    """Delete a backup, and the objects that no other backup has."""
    env = Env.system()
    _show_swept(shelf.delete(env, open_store(url, env), backup_id))


@backup.command()
@store_option
@click.option("--keep-last", default=0, type=click.IntRange(0), metavar="N", help="The newest N.")
@click.option("--keep-daily", default=0, type=click.IntRange(0), metavar="N", help="One of each of N days.")
@click.option("--keep-weekly", default=0, type=click.IntRange(0), metavar="N", help="One of each of N weeks.")
@click.option(
    "--keep-monthly", default=0, type=click.IntRange(0), metavar="N", help="One of each of N months."
)
@click.option("--dry-run", is_flag=True, help="Only print what would be deleted.")
def prune(
    url: str, keep_last: int, keep_daily: int, keep_weekly: int, keep_monthly: int, dry_run: bool
) -> None:
    """Delete the backups that no --keep option keeps, each database's for itself."""
    env = Env.system()
    policy = Retention(keep_last, keep_daily, keep_weekly, keep_monthly)
    deleted, swept = shelf.prune(env, open_store(url, env), policy, dry_run=dry_run)
    for backup_id in deleted:
        show_line(f"{'would delete' if dry_run else 'deleted'} {backup_id}")
    if not dry_run:
        _show_swept(swept)


@click.command()
@click.option(
    "--store",
    "url",
    envvar="KVDB_BACKUP_STORE",
    show_envvar=True,
    metavar="URL",
    help="Where the backup lies; with --backup.",
)
@click.option("--backup", "backup_id", metavar="BACKUP", help="Which one.")
@click.option("--archive", "archive_url", metavar="URL", help="Where the continuous archive lies.")
@click.option("--database", metavar="ID", help="Whose archive, when there are several in the store.")
@click.option("--at", metavar="TIME", help="Of the archive: the last commit at 2026-11-29T02:30:00.250Z.")
@click.option("--seqno", type=click.IntRange(0), metavar="N", help="Of the archive: the commit of a seqno.")
@click.option("--label", metavar="LABEL", help="Of the archive: a point that was given a name.")
@click.option("--to", "target", required=True, metavar="DIR", help="A directory that does not exist yet.")
@click.option("--dry-run", is_flag=True, help="Only print what would be restored.")
@json_option
def restore(
    url: str | None,
    backup_id: str | None,
    archive_url: str | None,
    database: str | None,
    at: str | None,
    seqno: int | None,
    label: str | None,
    target: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make a new database directory from a backup (--store and --backup), or from a continuous archive
    as of a point (--archive). The database that it was made of is not needed."""
    if archive_url is not None:
        if backup_id is not None:
            raise click.UsageError("give --archive or --backup, not both")
        restore_point(
            archive_url,
            database,
            target,
            at=at,
            seqno=seqno,
            label=label,
            dry_run=dry_run,
            as_json=as_json,
        )
        return
    if url is None or backup_id is None or any(each is not None for each in (at, seqno, label, database)):
        raise click.UsageError("give --store and --backup; or --archive with --at, --seqno or --label")
    env = Env.system()
    plan = restoring.plan_backup(open_store(url, env), backup_id)
    facts: dict[str, object] = {
        "backup": plan.manifest.backup_id,
        "seqno": plan.seqno,
        "tables": len(plan.manifest.tables),
        "bytes": plan.size_bytes,
        "directory": target,
    }
    if not dry_run:
        with progress_bar() as on_progress:
            done = restoring.restore(env, plan, target, on_progress=on_progress)
        facts["database_id"] = done.database_id.hex()
    show_facts(facts, as_json=as_json)


def _facts(manifest: Manifest) -> dict[str, object]:
    return {
        "backup": manifest.backup_id,
        "kind": manifest.kind,
        "created": iso_time(manifest.created_ms),
        "database_id": manifest.image.database_id.hex(),
        "seqno": manifest.seqno,
        "whole": manifest.is_whole,
        "tables": len(manifest.tables),
        "files": len(manifest.parts),
        "bytes": manifest.size_bytes,
        "stored_bytes": manifest.stored_bytes,
    }


def _show_swept(swept: shelf.Swept) -> None:
    if swept.is_deferred:
        show_line("a backup is under way: a later delete or prune takes the objects away")
    else:
        show_line(f"removed {swept.objects} objects of {swept.size_bytes} bytes")
