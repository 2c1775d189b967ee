"""``kvdb replica status | add | detach | promote | reseed | conflicts``: tables shared between regions."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from itertools import islice
from typing import cast, get_args

import click

from kvdb.api.replicas import (
    ConflictDescription,
    DescribeReplicas,
    DescribeReplicasResult,
    Outcome,
    PeerDescription,
    ReplicaLinkDescription,
    ReseedTable,
    WriteStamp,
)
from kvdb.api.tables import (
    ConflictResolution,
    CreateReplica,
    DeleteReplica,
    ReplicaUpdate,
    ResolverKind,
    UpdateTable,
)
from kvdb.cli.json_form import to_json
from kvdb.cli.json_options import COUNT, item_option, json_option, moment_of
from kvdb.cli.output import iso_time, show_item, show_line, show_rows
from kvdb.cli.target import open_target, target_options
from kvdb.client.sync import Client
from kvdb.item.value import Item

_COLUMNS = ("peer", "via", "table", "status", "latency_ms", "pending", "conflicts", "fault")
_CONFLICT_COLUMNS = (
    *("sequence", "decided", "from", "stands", "key", "winner"),
    *("stored_stamp", "incoming_stamp", "stored", "incoming"),
)


def _moment(context: click.Context, parameter: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = moment_of(text)
    if moment is None:
        raise click.BadParameter(f"give a time with its zone, as 2026-11-29T02:30:00Z: {text}")
    return moment


@click.group()
def replica() -> None:
    """Share tables with other regions, see how far they are, and what conflicted."""


@replica.command()
@json_option
@target_options
def status(as_json: bool, endpoint: str | None, data_dir: str | None) -> None:
    """Print the peers of the region that is asked, and how far each table is.

    Regions that are no peers but share a table that relays are there, too, by way of whom they were heard of.
    """
    with open_target(endpoint, data_dir) as db:
        described = _described(db)
    rows: list[dict[str, object]] = []
    for peer in described.peers:
        fault = peer.fault or ("" if peer.is_connected else "no answer")
        if not peer.links or fault:
            said: dict[str, object] = {"peer": peer.region_name, "status": "UNREACHABLE" if fault else "OK"}
            rows.append({**said, **({"via": peer.via} if peer.via else {}), "fault": fault})
        rows += [_link_row(peer, link) for link in peer.links]
    show_rows(rows, _COLUMNS, as_json=as_json)


def _link_row(peer: PeerDescription, link: ReplicaLinkDescription) -> dict[str, object]:
    row: dict[str, object] = {"peer": peer.region_name, "table": link.table_name, "status": link.status}
    if peer.via:
        # How far such a region is only those know who exchange with it.
        return {**row, "via": peer.via, "fault": link.fault}
    return {
        **row,
        "latency_ms": link.replication_latency_ms,
        "pending": link.pending_replication_count,
        "conflicts": link.conflicts,
        "fault": link.fault,
    }


@replica.command()
@click.argument("table")
@click.argument("regions", nargs=-1, required=True)
@click.option(
    "--resolver",
    type=click.Choice(["last_writer", "attributes", "callable"]),
    help="What becomes of versions of an item that regions wrote without knowing of each other.",
)
@click.option("--counter", "counters", multiple=True, metavar="NAME", help="With attributes: a sum.")
@click.option("--set", "sets", multiple=True, metavar="NAME", help="With attributes: merged by element.")
@click.option("--function", metavar="NAME", help="With callable: which, if the server was given several.")
@click.option("--relay", is_flag=True, help="Send on what came from another region.")
@target_options
def add(
    table: str,
    regions: tuple[str, ...],
    resolver: ResolverKind | None,
    counters: tuple[str, ...],
    sets: tuple[str, ...],
    function: str | None,
    relay: bool,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Share TABLE with REGIONS: peers of the region that is asked, or, if the table relays, of others."""
    if resolver is None and (counters or sets or function or relay):
        resolver = "attributes" if counters or sets else "callable" if function else "last_writer"
    with open_target(endpoint, data_dir) as db:
        if resolver is not None:
            # First: nothing is shared yet that could conflict.
            resolution = ConflictResolution(resolver, counters, sets, relay, function or "")
            db.call(UpdateTable(table, conflict_resolution=resolution))
        creations: list[ReplicaUpdate] = [CreateReplica(region) for region in regions]
        db.call(UpdateTable(table, replica_updates=creations))
    show_line(f"shared {table} with {', '.join(regions)}")


@replica.command()
@click.argument("tables", nargs=-1)
@target_options
def detach(tables: tuple[str, ...], endpoint: str | None, data_dir: str | None) -> None:
    """Take the region that is asked out of TABLES, or of all: here they go on alone, with all items."""
    with open_target(endpoint, data_dir) as db:
        region = _described(db).region_name
        for table in tables or _shared(db):
            db.call(UpdateTable(table, replica_updates=[DeleteReplica(region)]))
            show_line(f"detached {table} from its regions: it goes on alone in {region}")


@replica.command()
@click.argument("lost", nargs=-1, required=True)
@target_options
def promote(lost: tuple[str, ...], endpoint: str | None, data_dir: str | None) -> None:
    """Go on without the LOST regions: take them out of every table. What they had not sent is gone."""
    with open_target(endpoint, data_dir) as db:
        for table in _shared(db):
            present = {each.region_name for each in db.table(table).describe().replicas}
            deletions: list[ReplicaUpdate] = [DeleteReplica(name) for name in lost if name in present]
            if deletions:
                db.call(UpdateTable(table, replica_updates=deletions))
                show_line(f"{table} goes on without {', '.join(each.region_name for each in deletions)}")


@replica.command()
@click.argument("table")
@click.option("--yes", is_flag=True, help="Do not ask.")
@target_options
def reseed(table: str, yes: bool, endpoint: str | None, data_dir: str | None) -> None:
    """Throw away this region's copy of TABLE and take in the peers'. What they do not have is lost."""
    if not yes:
        click.confirm(f"drop the copy of {table} here?", abort=True, err=True)
    with open_target(endpoint, data_dir) as db:
        db.call(ReseedTable(table))
    show_line(f"{table} begins anew from its peers")


@replica.command()
@click.argument("table")
@click.option("--follow", is_flag=True, help="Then print each as it is decided, until Ctrl-C.")
@click.option("--after", default=0, metavar="SEQUENCE", help="Only those after this one.")
@click.option(
    "--since", callback=_moment, metavar="TIME", help="Only those decided since 2026-11-29T02:30:00Z."
)
@item_option("--key", "Only those of the item with this key.")
@click.option("--outcome", type=click.Choice(get_args(Outcome)), help="Only those with this outcome.")
@click.option("--from", "region", metavar="REGION", help="Only those whose incoming version is from there.")
@click.option("--newest-first", is_flag=True, help="The newest first, instead of the oldest.")
@click.option("--count", type=COUNT, help="End after so many.")
@json_option
@target_options
def conflicts(
    table: str,
    follow: bool,
    after: int,
    since: datetime | None,
    key: Item | None,
    outcome: Outcome | None,
    region: str | None,
    newest_first: bool,
    count: int | None,
    as_json: bool,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Print the conflicts of TABLE that were decided in the region that is asked, oldest first.

    The newest ten thousand are kept. A stamp is TIME+COUNTER@REGION; of two, the later one is of the winner.
    """
    with open_target(endpoint, data_dir) as db:
        found = db.table(table).conflicts(
            follow=follow,
            after=after,
            newest_first=newest_first,
            key=key,
            outcome=outcome,
            region=region,
            since=since,
        )
        with closing(found):
            rows = (_conflict_row(each) for each in islice(found, count))
            if follow:
                for row in rows:
                    show_item(row, _CONFLICT_COLUMNS, as_json=as_json)
            else:
                show_rows(rows, _CONFLICT_COLUMNS, as_json=as_json)


def _conflict_row(conflict: ConflictDescription) -> Item:
    return {
        "sequence": conflict.sequence_number,
        "decided": iso_time(conflict.decided_ms),
        "from": conflict.region_name,
        "stands": conflict.outcome,
        "key": to_json(conflict.key),
        "winner": _stamp(conflict.winner),
        "stored_stamp": _stamp(conflict.stored_stamp),
        "incoming_stamp": _stamp(conflict.incoming_stamp),
        "stored": _version(conflict.stored_item),
        "incoming": _version(conflict.incoming_item),
        **({"merged": _version(conflict.merged_item)} if conflict.outcome == "MERGED" else {}),
    }


def _version(item: Item | None) -> str:
    return "deleted" if item is None else to_json(item)


def _stamp(stamp: WriteStamp | None) -> str:
    if stamp is None:
        return ""
    region = stamp.region_name or f"region number {stamp.region_number}"
    return f"{iso_time(stamp.wall_ms)}+{stamp.counter}@{region}"


def _described(db: Client) -> DescribeReplicasResult:
    return cast(DescribeReplicasResult, db.call(DescribeReplicas()))


def _shared(db: Client) -> list[str]:
    return [name for name in db.tables() if db.table(name).describe().replicas]
