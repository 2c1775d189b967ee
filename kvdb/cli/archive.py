"""``kvdb archive``: what the store shows, what a server knows; and ``kvdb restore`` to a point."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, TypeVar

import click

from kvdb.backup import restore as restoring
from kvdb.backup.archive_history import History, archived_databases, read_history, read_labels
from kvdb.backup.archive_objects import SHOWN_STALE_MS
from kvdb.backup.places import open_store
from kvdb.backup.store import BackupStore
from kvdb.cli.json_options import json_option
from kvdb.cli.output import iso_time, show_facts, show_heading, show_rows
from kvdb.cli.progress import progress_bar
from kvdb.cli.target import open_target, target_options
from kvdb.env.env import Env
from kvdb.errors import BackupNotFound, ContinuousBackupsUnavailable, ValidationError

Command = TypeVar("Command", bound=Callable[..., None])


def archive_options(command: Command) -> Command:
    """Add ``--archive`` and ``--database``."""
    add_database = click.option(
        "--database", metavar="ID", help="Whose archive, when there are several in the store."
    )
    add_url = click.option(
        "--archive",
        "url",
        required=True,
        envvar="KVDB_ARCHIVE",
        show_envvar=True,
        metavar="URL",
        help="Where the archive lies: a directory, or s3://BUCKET/PREFIX, gs://..., az://...",
    )
    return add_url(add_database(command))


@click.group()
def archive() -> None:
    """Look at the continuous archive of a database."""


@archive.command()
@archive_options
@json_option
def status(url: str, database: str | None, as_json: bool) -> None:
    """Print how far an archive has come, whatever has become of its database."""
    env = Env.system()
    store = open_store(url, env)
    history = read_history(store, database_of(store, database))
    head = history.head
    heard_ms = 0 if head is None else head.at_ms
    age_ms = env.clock.wall_ms() - heard_ms
    base = max(
        (base for run in history.runs for base in run.bases), key=lambda found: found.seqno, default=None
    )
    ranges = history.ranges()
    facts: dict[str, object] = {
        "database": history.database_id.hex(),
        "state": "unknown" if head is None else head.state,
        "is_written": head is not None
        and age_ms < SHOWN_STALE_MS
        and head.state not in ("stopped", "fenced"),
        "heard": iso_time(heard_ms) if heard_ms else "never",
        "epoch": history.newest.epoch.epoch,
        "seqno": history.last_seqno,
        "complete_until": iso_time(history.complete_ms),
        "lag_ms": max(0, env.clock.wall_ms() - history.complete_ms),
        "earliest": iso_time(ranges[0].first_ms) if ranges else "nothing yet",
        "gaps": len(history.runs) - 1,
        "base_seqno": None if base is None else base.seqno,
        "window_days": 0 if head is None else head.window_days,
    }
    if head is not None and head.reason:
        facts["reason"] = head.reason
    show_facts(facts, as_json=as_json)


@archive.command()
@target_options
@click.argument("name", metavar="NAME")
@json_option
def label(endpoint: str | None, data_dir: str | None, name: str, as_json: bool) -> None:
    """Give the present a name, to be restored by. It is in the archive when this returns."""
    with open_target(endpoint, data_dir) as client:
        made = client.label_archive(name)
    facts = {"label": made.label, "seqno": made.seqno, "at": iso_time(made.wall_ms)}
    show_facts(facts, as_json=as_json)


@archive.command()
@target_options
@json_option
def describe(endpoint: str | None, data_dir: str | None, as_json: bool) -> None:
    """Print how the archive of a running server is doing, as that knows it."""
    with open_target(endpoint, data_dir) as client:
        found = client.archive()
    if found is None:
        raise ContinuousBackupsUnavailable("the database was opened without an archive")
    facts: dict[str, object] = {
        "database": found.database_id,
        "url": found.url,
        "state": found.state,
        "epoch": found.epoch,
        "seqno": found.seqno,
        "last_seqno": found.last_seqno,
        "complete_until": iso_time(found.complete_ms) if found.complete_ms else "nothing yet",
        "lag_ms": found.lag_ms,
        "held_bytes": found.held_bytes,
        "earliest": "nothing yet" if found.earliest_ms is None else iso_time(found.earliest_ms),
        "gaps": found.gaps,
        "base_seqno": found.base_seqno,
        "window_days": found.window_days,
    }
    if found.reason:
        facts["reason"] = found.reason
    show_facts(facts, as_json=as_json)


@archive.command()
@archive_options
@json_option
def points(url: str, database: str | None, as_json: bool) -> None:
    """Print which points can be restored: ranges, with the gaps between them, and labels."""
    store = open_store(url, Env.system())
    history = read_history(store, database_of(store, database))
    rows = (
        {
            "from": iso_time(found.first_ms),
            "from_seqno": found.first_seqno,
            "until": iso_time(found.last_ms),
            "until_seqno": found.last_seqno,
            "begins_because": found.reason,
        }
        for found in history.ranges()
    )
    show_rows(rows, ("from", "from_seqno", "until", "until_seqno", "begins_because"), as_json=as_json)
    labels = read_labels(store, history.database_id)
    if labels and not as_json:
        show_heading("labels")
    shown = ({"label": each.label, "seqno": each.seqno, "at": iso_time(each.wall_ms)} for each in labels)
    show_rows(shown, ("label", "seqno", "at"), as_json=as_json)


class Point(NamedTuple):
    """One of three ways to say which; none of them: the newest."""

    at: str | None = None
    seqno: int | None = None
    label: str | None = None

    def require_one(self) -> None:
        """Raises ``click.UsageError``: several are given."""
        if self.count(None) < 2:
            raise click.UsageError("give one of --at, --seqno and --label, or none for the newest point")


def restore_point(
    url: str,
    database: str | None,
    target: str,
    point: Point,
    *,
    tables: list[str] | None = None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make a new database directory as of a point. The database that was archived is not needed.

    Raises:
        KvdbError: the point cannot be restored; there is no target.
    """
    env = Env.system()
    store = open_store(url, env)
    history = read_history(store, database_of(store, database))
    plan = history.plan(_seqno(history, point))
    facts: dict[str, object] = {
        "database": history.database_id.hex(),
        "seqno": plan.seqno,
        "base": plan.manifest.backup_id,
        "base_seqno": plan.manifest.seqno,
        "tables_of_base": len(plan.manifest.tables),
        "bytes": plan.size_bytes,
        "directory": target,
    }
    if tables is not None:
        facts["tables"] = ", ".join(tables)
    if not dry_run:
        with progress_bar() as on_progress:
            done = restoring.restore(env, plan, target, tables=tables, on_progress=on_progress)
        facts["database_id"] = done.database_id.hex()
    show_facts(facts, as_json=as_json)


def database_of(store: BackupStore, text: str | None) -> bytes:
    """The archive that is meant.

    Raises:
        BackupNotFound: there is none.
        ValidationError: there are several, or ``text`` is no id.
    """
    if text is not None:
        try:
            database_id = bytes.fromhex(text)
        except ValueError:
            database_id = b""
        if len(database_id) != 16:
            raise ValidationError(f"a database id has 32 hex digits: {text!r}")
        return database_id
    found = archived_databases(store)
    if not found:
        raise BackupNotFound(f"there is no archive store={store.url}")
    if len(found) > 1:
        ids = ", ".join(database_id.hex() for database_id in found[:10])
        raise ValidationError(f"there are {len(found)} archives, say which --database: {ids}")
    return found[0]


def _seqno(history: History, point: Point) -> int:
    point.require_one()
    if point.at is not None:
        return history.point_at(round(moment_of(point.at).timestamp() * 1000))
    if point.label is not None:
        return history.point_of_label(point.label)
    return history.last_seqno if point.seqno is None else point.seqno


def moment_of(text: str) -> datetime:
    """A time with its zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise click.UsageError("--at is a time with its zone: 2026-11-29T02:30:00.250Z")
    return moment
