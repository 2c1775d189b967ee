"""``kvdb backup verify`` and ``kvdb backup drill``: would a restore give what was backed up?"""

from __future__ import annotations

import os
from typing import cast

import click

from kvdb.backup import shelf, verifications
from kvdb.backup.drill import drill as drilled
from kvdb.backup.names import VerificationName, time_of
from kvdb.backup.places import open_store
from kvdb.backup.store import BackupStore
from kvdb.backup.verifications import LastLooks, Outcome
from kvdb.backup.verify import LEVELS, Level
from kvdb.backup.verify import verify as verified
from kvdb.cli.exits import Exit
from kvdb.cli.json_options import json_option
from kvdb.cli.output import iso_time, show_facts, show_line, show_rows
from kvdb.cli.progress import progress_bar
from kvdb.cli.store_option import Command, store_option
from kvdb.env.env import Env
from kvdb.errors import BackupNotFound

_HISTORY_FACTS = ("at", "backup", "check", "result")


def _scratch_option(command: Command) -> Command:
    return click.option(
        "--scratch",
        metavar="DIR",
        default=lambda: os.environ.get("TMPDIR") or "/var/tmp",  # noqa: S108  # a name of its own inside
        help="Where to put the backup meanwhile; needs room for all of it.  [default: $TMPDIR or /var/tmp]",
    )(command)


@click.command()
@store_option
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    default="files",
    show_default=True,
    help="files: every object's size and digest. structure: also what is in sstables and logs. "
    "data: also every row, index and table.",
)
@_scratch_option
@click.option("--history", is_flag=True, help="Only print what was found before, oldest first.")
@click.argument("backup_id", metavar="[BACKUP]", required=False)
@json_option
def verify(url: str, level: str, scratch: str, history: bool, backup_id: str | None, as_json: bool) -> None:
    """Look at a backup (default: the newest), and say what is damaged. Exit code 7 when something is.

    The result is kept in the store. What is damaged is stored again by the next backup that has it.
    """
    env = Env.system()
    store = open_store(url, env)
    if history:
        show_history(store, backup_id, is_drill=False, as_json=as_json)
        return
    with progress_bar() as on_progress:
        outcome = verified(
            env,
            store,
            backup_id or newest_id(store),
            cast(Level, level),
            scratch_parent=scratch,
            on_progress=on_progress,
        )
    show_outcome(outcome, as_json=as_json)


@click.command()
@store_option
@_scratch_option
@click.option("--history", is_flag=True, help="Only print the drills there were, oldest first.")
@click.argument("backup_id", metavar="[BACKUP]", required=False)
@json_option
def drill(url: str, scratch: str, history: bool, backup_id: str | None, as_json: bool) -> None:
    """Restore a backup (default: the newest) for practice, compare every table, and remove it again.

    It is compared with the last clean "verify --level data", which is done first if there was none. Exit
    code 7 when anything differs or is damaged. The result is kept in the store.
    """
    env = Env.system()
    store = open_store(url, env)
    if history:
        show_history(store, backup_id, is_drill=True, as_json=as_json)
        return
    try:
        with progress_bar() as on_progress:
            outcome = drilled(
                env, store, backup_id or newest_id(store), scratch_parent=scratch, on_progress=on_progress
            )
    finally:
        env.jobs.close()
    show_outcome(outcome, as_json=as_json)


def newest_id(store: BackupStore) -> str:
    """The newest backup, damaged or not. Raises ``BackupNotFound``: there is none."""
    found = shelf.backup_ids(store)
    if not found:
        raise BackupNotFound(f"there is no backup store={store.url}")
    return found[-1]


def show_outcome(outcome: Outcome, *, as_json: bool) -> None:
    """Findings one by one, then the tables, then the sums; ends the command with its exit code."""
    if as_json:
        findings = (finding._asdict() for finding in outcome.findings)
        show_rows(findings, ("severity", "object_name", "message"), as_json=True)
    else:
        # Names of objects are too long for a table.
        for finding in outcome.findings:
            show_line(str(finding))
    show_rows((table._asdict() for table in outcome.tables), ("name", "items", "digest"), as_json=as_json)
    facts: dict[str, object] = {
        "backup": outcome.backup_id,
        "check": outcome.check,
        "result": "clean" if outcome.is_clean else "damaged",
        "damaged": outcome.damaged,
        "objects": outcome.objects,
        "bytes": outcome.size_bytes,
        "entries": outcome.entries,
        "tables": len(outcome.tables),
        "items": outcome.items,
        "took_ms": outcome.ended_ms - outcome.started_ms,
    }
    show_facts(facts, as_json=as_json)
    click.get_current_context().exit(Exit.OK if outcome.is_clean else Exit.DAMAGED)


def show_history(store: BackupStore, backup_id: str | None, *, is_drill: bool, as_json: bool) -> None:
    """What was found before, of one backup or of all."""
    rows = (
        {"at": _at(each), "backup": each.backup_id, "check": each.check, "result": _result(each)}
        for each in verifications.history(store)
        if (each.check == "drill") == is_drill and backup_id in (None, each.backup_id)
    )
    show_rows(rows, _HISTORY_FACTS, as_json=as_json)


def looks_facts(looks: LastLooks | None) -> dict[str, object]:
    """What a list of backups shows of the last verification and drill."""
    verification, drill_ = looks or LastLooks(None, None)
    return {
        "verified": "never"
        if verification is None
        else f"{_result(verification)} {verification.check} {_at(verification)}",
        "drilled": "never" if drill_ is None else f"{_result(drill_)} {_at(drill_)}",
    }


def _at(each: VerificationName) -> str:
    return iso_time(time_of(each.verification_id))


def _result(each: VerificationName) -> str:
    return "clean" if each.is_clean else "damaged"
