"""``kvdb stream list | describe | update | tail``: change streams."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from itertools import islice
from typing import cast

import click

from kvdb.api.streams import Shard, StreamDescription
from kvdb.api.tables import StreamViewType
from kvdb.cli.json_form import to_json
from kvdb.cli.json_options import COUNT, expression_options, json_option
from kvdb.cli.output import iso_time, show_facts, show_heading, show_item, show_line, show_rows
from kvdb.cli.target import open_target, target_options
from kvdb.client.changes import Change
from kvdb.client.sync import Client
from kvdb.errors import ResourceNotFound
from kvdb.item.value import Item

VIEWS = click.Choice(["NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY"])
_MS_PER_HOUR = 60 * 60 * 1000
_SHARD_FACTS = ("shard", "status", "from", "to", "hashes", "parents")


@click.group()
def stream() -> None:
    """List, describe, divide and follow change streams."""


@stream.command("list")
@click.option("--table", help="Only those of this table.")
@json_option
@target_options
def list_(table: str | None, as_json: bool, endpoint: str | None, data_dir: str | None) -> None:
    """Print the streams there are: enabled ones, and ended ones that are still kept."""
    with open_target(endpoint, data_dir) as db:
        rows = [
            {"table": each.table_name, "label": each.stream_label, "arn": each.stream_arn}
            for each in db.streams(table)
        ]
    show_rows(rows, ("table", "label", "arn"), as_json=as_json)


@stream.command()
@click.argument("stream_", metavar="TABLE|ARN")
@json_option
@target_options
def describe(stream_: str, as_json: bool, endpoint: str | None, data_dir: str | None) -> None:
    """Print what a stream is and its shards. TABLE stands for its latest stream."""
    with open_target(endpoint, data_dir) as db:
        _show(db.describe_stream(_arn(db, stream_)), as_json=as_json)


@stream.command()
@click.argument("stream_", metavar="TABLE|ARN")
@click.option("--retention-hours", type=click.IntRange(1, 8760), help="Keep records for so long.")
@click.option("--split", metavar="SHARD", help="Halve this open shard.")
@click.option("--merge", nargs=2, metavar="SHARD SHARD", help="Make two adjacent open shards one.")
@click.option("--rotate", is_flag=True, help="End every open shard and begin its like.")
@json_option
@target_options
def update(
    stream_: str,
    retention_hours: int | None,
    split: str | None,
    merge: tuple[str, str] | None,
    rotate: bool,
    as_json: bool,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Change how long a stream keeps records, or how it is divided, and print what it is then."""
    if sum(given is not None for given in (retention_hours, split, merge, rotate or None)) != 1:
        raise click.UsageError("give one of --retention-hours, --split, --merge and --rotate")
    with open_target(endpoint, data_dir) as db:
        arn = _arn(db, stream_)
        db.update_stream(
            arn,
            retention_ms=None if retention_hours is None else retention_hours * _MS_PER_HOUR,
            split=split,
            merge=merge,
            rotate=rotate,
        )
        _show(db.describe_stream(arn), as_json=as_json)


def _begin(context: click.Context, parameter: click.Parameter, text: str) -> str | datetime:
    if text in ("now", "start"):
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if moment.tzinfo is None:
        raise click.BadParameter(f"a time needs its zone, as 2026-11-29T02:30:00Z: {text}")
    return moment


@stream.command()
@click.option("--table", help="Only the changes of this table; of all that have a stream, if not given.")
@click.option(
    "--from",
    "from_",
    default="now",
    show_default=True,
    callback=_begin,
    metavar="now|start|TIME|CURSOR",
    help="Where to begin: TIME is 2026-11-29T02:30:00Z, CURSOR one that --json has printed.",
)
@click.option("--filter", metavar="EXPRESSION", help="Only what it holds for: 'NewImage.elevation > :e'.")
@expression_options
@click.option("--pattern", "patterns", multiple=True, metavar="JSON", help="A filter pattern of Lambda's.")
@click.option("--view", type=VIEWS, help="Leave out images.")
@click.option("--count", type=COUNT, help="End after so many changes.")
@json_option
@target_options
def tail(
    table: str | None,
    from_: str | datetime,
    filter: str | None,
    names: dict[str, str] | None,
    values: Item | None,
    patterns: tuple[str, ...],
    view: str | None,
    count: int | None,
    as_json: bool,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Print changes as they happen, in commit order, until Ctrl-C.

    \b
    kvdb stream tail --table airports --from start
    kvdb stream tail --json --filter 'eventName = :r' --values '{":r": "REMOVE"}'
    """
    with open_target(endpoint, data_dir) as db:
        source = db if table is None else db.table(table)
        feed = source.changes(
            from_,
            filter=filter,
            names=names,
            values=values,
            patterns=patterns or None,
            view=cast("StreamViewType | None", view),
        )
        with closing(feed) as changes:
            for change in islice(changes, count):
                _show_change(change, as_json=as_json)


def _arn(db: Client, stream_: str) -> str:
    if stream_.startswith("arn:"):
        return stream_
    arn = db.table(stream_).describe().latest_stream_arn
    if arn is None:
        raise ResourceNotFound(f"the table has never had a stream: {stream_}")
    return arn


def _show(described: StreamDescription, *, as_json: bool) -> None:
    facts: dict[str, object] = {
        "arn": described.stream_arn,
        "table": described.table_name,
        "status": described.stream_status,
        "view": described.stream_view_type,
        "created": iso_time(described.creation_request_date_time_ms),
        "retention_hours": described.retention_ms // _MS_PER_HOUR,
    }
    shards = [_shard_facts(shard) for shard in described.shards]
    if as_json:
        show_item(cast(Item, {**facts, "shards": shards}), list(facts), as_json=True)
        return
    show_facts(facts, as_json=False)
    show_heading("shards")
    show_rows(shards, _SHARD_FACTS, as_json=False)


def _shard_facts(shard: Shard) -> dict[str, object]:
    return {
        "shard": shard.shard_id,
        "status": "OPEN" if shard.ending_sequence_number is None else "ENDED",
        "from": shard.starting_sequence_number,
        "to": shard.ending_sequence_number,
        "hashes": f"{shard.hash_start:04x}-{shard.hash_end - 1:04x}",
        "parents": list(shard.parent_shard_ids),
    }


def _show_change(change: Change, *, as_json: bool) -> None:
    facts: Item = {
        "time": iso_time(change.created_ms),
        "kind": change.kind,
        "table": change.table,
        "keys": change.keys,
        "new": change.new,
        "old": change.old,
        "by_service": change.by_service,
        "commit": change.commit_number,
        "sequence_number": change.sequence_number,
        "cursor": change.cursor,
    }
    if as_json:
        show_item(facts, list(facts), as_json=True)
        return
    image = change.new if change.new is not None else change.old
    shown = to_json(change.keys if image is None else image)
    show_line(f"{facts['time']}  {change.kind:<6}  {change.table}  {shown}")
