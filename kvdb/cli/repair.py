"""``kvdb repair``: what is provably good of a damaged database, copied into a new one."""

from __future__ import annotations

import click

from kvdb.cli.exits import Exit
from kvdb.cli.json_options import json_option
from kvdb.cli.output import show_facts, show_items
from kvdb.env.env import Env
from kvdb.lsm.repair import Loss, Repair


@click.command()
@click.argument("source", metavar="SOURCE")
@click.option("--out", "target", required=True, metavar="TARGET", help="A new directory for the copy.")
@click.option(
    "--accept-tail-loss",
    is_flag=True,
    help="Go on where the end of the log is damaged, though writes that were acknowledged may be lost.",
)
@json_option
def repair(source: str, target: str, accept_tail_loss: bool, as_json: bool) -> None:
    """Copy what is provably good of the damaged database SOURCE into TARGET. SOURCE is not changed.

    Prints what is lost: file, offset, and the range of keys that stood there. Older values of such
    keys, or deleted ones, may show again in TARGET. Exit code 0 when nothing is lost, 7 when
    TARGET was made with losses, 6 when it was not made.
    """
    with Repair(Env.system(), source) as job:
        show_items(map(_row, job.losses), _COLUMNS, as_json=as_json)
        if job.loses_acknowledged and not accept_tail_loss:
            click.echo(
                "the end of the log is damaged and may have been acknowledged: nothing was copied;"
                " give --accept-tail-loss to go on without what is listed",
                err=True,
            )
            click.get_current_context().exit(Exit.STORAGE)
        done = job.copy_to(target)
        facts: dict[str, object] = {
            "result": "damaged" if job.losses else "whole",
            "losses": len(job.losses),
            "sstables": done.sstables,
            "rewritten": done.rewritten,
            "log_records": done.log_records,
            "bytes": done.bytes_copied,
        }
        show_facts(facts, as_json=as_json)
        click.get_current_context().exit(Exit.DAMAGED if job.losses else Exit.OK)


_COLUMNS = ["file", "offset", "reason", "first_key", "last_key"]


def _row(loss: Loss) -> dict[str, object]:
    row: dict[str, object] = {"file": loss.file, "offset": loss.offset, "reason": loss.reason}
    if loss.start is not None:
        row["first_key"] = loss.start
    if loss.end is not None:
        row["last_key"] = loss.end
    return row
