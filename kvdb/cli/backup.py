"""``kvdb backup create | list | describe | verify | drill | delete | prune | confirm | roll-back``."""

from __future__ import annotations

from collections.abc import Iterator

import click

from kvdb.backup import on_demand, shelf, verifications
from kvdb.backup.manifest import Manifest, read_manifest
from kvdb.backup.places import open_store
from kvdb.backup.retention import Retention
from kvdb.cli.exits import Exit
from kvdb.cli.json_options import json_option
from kvdb.cli.output import iso_time, show_facts, show_line, show_rows
from kvdb.cli.progress import job_bar, progress_bar
from kvdb.cli.store_option import store_option
from kvdb.cli.target import open_target, target_options
from kvdb.cli.verify import drill, looks_facts, verify
from kvdb.client.sync import Client
from kvdb.env.env import Env
from kvdb.errors import BackupNotFound, CorruptionError, FormatTooNew, from_code
from kvdb.lsm.engine import Engine

_LIST_FACTS = ("backup", "kind", "created", "seqno", "tables", "bytes", "stored_bytes", "verified", "drilled")


@click.group()
def backup() -> None:
    """Make, list, describe, verify, drill, delete and prune backups."""


backup.add_command(verify)
backup.add_command(drill)


@backup.command()
@click.option(
    "--store",
    "url",
    envvar="KVDB_BACKUP_STORE",
    show_envvar=True,
    metavar="URL",
    help="Where backups lie; a server knows its own.",
)
@target_options
@click.option("--table", "tables", multiple=True, metavar="TABLE", help="This table alone; may be repeated.")
@click.option("--name", default="backup", show_default=True, metavar="NAME", help="What to call it.")
@json_option
def create(
    url: str | None,
    endpoint: str | None,
    data_dir: str | None,
    tables: tuple[str, ...],
    name: str,
    as_json: bool,
) -> None:
    """Back up a database: that of a running server, or a directory that nobody has open.

    What the store has already is not stored again.
    """
    if data_dir is None:
        if len(tables) > 1:
            raise click.UsageError("a server backs up one table at a time, or the whole database")
        with open_target(endpoint, data_dir) as client:
            _create_there(client, name, tables[0] if tables else None, as_json=as_json)
        return
    if url is None:
        raise click.UsageError("where do backups lie? give --store")
    open_target(endpoint, data_dir).close()
    env = Env.system()
    store = open_store(url, env)
    engine = Engine.open(data_dir, env)
    try:
        with progress_bar() as on_progress:
            made = on_demand.create(
                env, engine, store, tables=list(tables) or None, name=name, on_progress=on_progress
            )
    finally:
        engine.close()
        env.jobs.close()
    show_facts(_facts(made), as_json=as_json)


def _create_there(client: Client, name: str, table: str | None, *, as_json: bool) -> None:
    backup_arn = client.create_backup(name, table, wait=False)
    with job_bar() as on_progress:
        job = client.wait_for_job(backup_arn, on_progress=on_progress)
    if job.status != "COMPLETED":
        raise from_code(job.failure_code or "", job.failure_message or f"the job is {job.status}")
    described = client.backup(backup_arn)
    details = described.backup_details
    facts: dict[str, object] = {
        "backup": backup_arn.rpartition("/")[2],
        "backup_arn": backup_arn,
        "created": iso_time(details.backup_creation_date_time_ms),
        "seqno": details.seqno,
        "tables": len(described.table_names),
        "bytes": details.backup_size_bytes,
    }
    show_facts(facts, as_json=as_json)


@backup.command("list")
@store_option
@json_option
def list_(url: str, as_json: bool) -> None:
    """Print the backups in a store, oldest first. Exit code 7 when a manifest is damaged."""
    store = open_store(url, Env.system())
    looks = verifications.last_looks(verifications.history(store))
    damaged: list[str] = []

    def rows() -> Iterator[dict[str, object]]:
        for backup_id in shelf.backup_ids(store):
            facts: dict[str, object] = {"backup": backup_id, "kind": "damaged"}
            try:
                facts = _facts(read_manifest(store, backup_id)[0])
            except BackupNotFound:
                continue
            except (CorruptionError, FormatTooNew) as error:
                damaged.append(str(error))
            facts |= looks_facts(looks.get(backup_id))
            yield {name: facts[name] for name in _LIST_FACTS if name in facts}

    show_rows(rows(), _LIST_FACTS, as_json=as_json)
    for reason in damaged:
        click.echo(f"kvdb: {reason}", err=True)
    click.get_current_context().exit(Exit.DAMAGED if damaged else Exit.OK)


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


@backup.command()
@target_options
@click.argument("table", metavar="TABLE")
def confirm(endpoint: str | None, data_dir: str | None, table: str) -> None:
    """A restore in place is as wanted: drop what was kept aside."""
    with open_target(endpoint, data_dir) as client:
        client.confirm_restore(table)


@backup.command("roll-back")
@target_options
@click.argument("table", metavar="TABLE")
def roll_back(endpoint: str | None, data_dir: str | None, table: str) -> None:
    """A restore in place is not wanted: what was kept aside takes its place again."""
    with open_target(endpoint, data_dir) as client:
        client.roll_back_restore(table)


def _facts(manifest: Manifest) -> dict[str, object]:
    return {
        "backup": manifest.backup_id,
        "name": manifest.name,
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
