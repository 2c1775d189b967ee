"""``kvdb replica status | add | detach | promote | reseed | conflicts``: tables shared between regions."""

from __future__ import annotations

from typing import cast

import click

from kvdb.api.replicas import (
    ConflictDescription,
    DescribeReplicas,
    DescribeReplicasResult,
    ListConflicts,
    ListConflictsResult,
    ReseedTable,
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
from kvdb.cli.json_options import json_option
from kvdb.cli.output import iso_time, show_line, show_rows
from kvdb.cli.target import open_target, target_options
from kvdb.client.sync import Client

_COLUMNS = ("peer", "table", "status", "latency_ms", "pending", "conflicts", "fault")
_CONFLICT_COLUMNS = ("sequence", "decided", "from", "stands", "key", "stored", "incoming")
_PAGE = 1_000


@click.group()
def replica() -> None:
    """Share tables with other regions, see how far they are, and what conflicted."""


@replica.command()
@json_option
@target_options
def status(as_json: bool, endpoint: str | None, data_dir: str | None) -> None:
    """Print the peers of the region that is asked, and how far each table is."""
    with open_target(endpoint, data_dir) as db:
        described = _described(db)
    rows: list[dict[str, object]] = []
    for peer in described.peers:
        fault = peer.fault or ("" if peer.is_connected else "no answer")
        if not peer.links or fault:
            rows.append(
                {"peer": peer.region_name, "status": "UNREACHABLE" if fault else "OK", "fault": fault}
            )
        rows += [
            {
                "peer": peer.region_name,
                "table": link.table_name,
                "status": link.status,
                "latency_ms": link.replication_latency_ms,
                "pending": link.pending_replication_count,
                "conflicts": link.conflicts,
                "fault": link.fault,
            }
            for link in peer.links
        ]
    show_rows(rows, _COLUMNS, as_json=as_json)


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
@click.option("--relay", is_flag=True, help="Send on what came from another region.")
@target_options
def add(
    table: str,
    regions: tuple[str, ...],
    resolver: ResolverKind | None,
    counters: tuple[str, ...],
    sets: tuple[str, ...],
    relay: bool,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Share TABLE with REGIONS, which must be peers of the region that is asked."""
    if resolver is None and (counters or sets or relay):
        resolver = "attributes" if counters or sets else "last_writer"
    with open_target(endpoint, data_dir) as db:
        if resolver is not None:
            # First: nothing is shared yet that could conflict.
            resolution = ConflictResolution(resolver, counters, sets, relay)
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
@click.option("--after", default=0, metavar="SEQUENCE", help="Only those after this one.")
@json_option
@target_options
def conflicts(table: str, after: int, as_json: bool, endpoint: str | None, data_dir: str | None) -> None:
    """Print the conflicts of TABLE that were decided in the region that is asked, oldest first."""
    with open_target(endpoint, data_dir) as db:
        found = db.call(ListConflicts(table, after, _PAGE))
    rows = [_conflict_row(each) for each in cast(ListConflictsResult, found).conflicts]
    show_rows(rows, _CONFLICT_COLUMNS, as_json=as_json)


def _conflict_row(conflict: ConflictDescription) -> dict[str, object]:
    return {
        "sequence": conflict.sequence_number,
        "decided": iso_time(conflict.decided_ms),
        "from": conflict.region_name,
        "stands": conflict.outcome,
        "key": to_json(conflict.key),
        "stored": "deleted" if conflict.stored_item is None else to_json(conflict.stored_item),
        "incoming": "deleted" if conflict.incoming_item is None else to_json(conflict.incoming_item),
    }


def _described(db: Client) -> DescribeReplicasResult:
    return cast(DescribeReplicasResult, db.call(DescribeReplicas()))


def _shared(db: Client) -> list[str]:
    return [name for name in db.tables() if db.table(name).describe().replicas]
