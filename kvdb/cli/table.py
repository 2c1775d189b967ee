"""``kvdb table create | describe | update | list | delete``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar, cast

import click

from kvdb.api.tables import IndexDescription, KeySchemaElement, StreamViewType, TableDescription
from kvdb.cli.json_options import json_option
from kvdb.cli.output import iso_time, show_facts, show_names, show_rows
from kvdb.cli.stream import VIEWS
from kvdb.cli.table_options import (
    billing_options,
    global_index_options,
    key_option,
    local_index_option,
    recovery_option,
    tag_option,
)
from kvdb.cli.target import open_target, target_options
from kvdb.client.sync_table import WAIT_MS_MAX, Table
from kvdb.client.table_requests import Billing, GlobalIndex, KeyAttribute, LocalIndex, Projected

_Index = TypeVar("_Index", LocalIndex, GlobalIndex)
_INDEX_FACTS = ("index", "kind", "status", "partition_key", "sort_key", "projection", "items", "bytes")


@click.group()
def table() -> None:
    """Create, describe, change, list and delete tables."""


@table.command()
@click.argument("name")
@key_option("--key", required=True, help="The partition key: country:S.")
@key_option("--sort", help="The sort key, if there is one: icao:S.")
@local_index_option
@global_index_options
@billing_options
@click.option("--ttl", metavar="ATTRIBUTE", help="Items go when the time in it, seconds since 1970, is over.")
@tag_option
@click.option("--stream", type=VIEWS, help="Record every change, with these images.")
@click.option("--stream-hours", type=click.IntRange(1, 8760), help="For how long; 24 unless given.")
@click.option("--deletion-protection", is_flag=True, help="Refuse to delete the table.")
@recovery_option
@json_option
@target_options
def create(
    name: str,
    key: KeyAttribute,
    sort: KeyAttribute | None,
    local_indexes: tuple[LocalIndex, ...],
    global_indexes: tuple[GlobalIndex, ...],
    unique_indexes: tuple[GlobalIndex, ...],
    projections: Mapping[str, Projected],
    billing: Billing | None,
    index_billing: Mapping[str, Billing],
    ttl: str | None,
    tags: dict[str, str],
    stream: str | None,
    stream_hours: int | None,
    deletion_protection: bool,
    point_in_time_recovery: str | None,
    as_json: bool,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Create a table and print what it is. TYPE is S (string), N (number) or B (bytes).

    \b
    kvdb table create airports --key country:S --sort icao:S \\
        --local-index by-height=elevation:N --global-index by-city=city:S/name:S \\
        --project by-city=KEYS_ONLY --billing provisioned:100/50 --tag team=maps
    """
    global_indexes = (*global_indexes, *unique_indexes)
    _require_known("--project", projections, [*local_indexes, *global_indexes])
    _require_known("--index-billing", index_billing, global_indexes)
    indexes: list[LocalIndex | GlobalIndex] = [
        *_projected(local_indexes, projections),
        *(
            replace(index, billing=index_billing.get(index.name))
            for index in _projected(global_indexes, projections)
        ),
    ]
    with open_target(endpoint, data_dir, may_create=True) as db:
        made = db.create_table(
            name,
            key=key,
            sort=sort,
            indexes=indexes,
            billing=billing,
            ttl=ttl,
            tags=tags or None,
            deletion_protection=deletion_protection,
            stream=cast("StreamViewType | None", stream),
            stream_retention_ms=None if stream_hours is None else stream_hours * 3_600_000,
        )
        _set_recovery(made, point_in_time_recovery)
        _show(made.describe(), ttl, as_json=as_json)


@table.command()
@click.argument("name")
@json_option
@target_options
def describe(name: str, as_json: bool, endpoint: str | None, data_dir: str | None) -> None:
    """Print what a table is."""
    with open_target(endpoint, data_dir) as db:
        handle = db.table(name)
        _show(handle.describe(), handle.ttl(), as_json=as_json)


@table.command()
@click.argument("name")
@global_index_options
@click.option("--drop-index", "drop_indexes", multiple=True, metavar="NAME", help="Delete this global index.")
@billing_options
@click.option("--ttl", metavar="ATTRIBUTE", help="Items go when the time in it is over.")
@click.option("--no-ttl", is_flag=True, help="Items stay.")
@click.option("--stream", type=VIEWS, help="Record every change from now on, with these images.")
@click.option("--no-stream", is_flag=True, help="Record no more changes.")
@click.option("--deletion-protection/--no-deletion-protection", default=None, help="Refuse to delete it.")
@recovery_option
@click.option("--no-wait", is_flag=True, help="Do not wait until new indexes are built.")
@json_option
@target_options
def update(
    name: str,
    global_indexes: tuple[GlobalIndex, ...],
    unique_indexes: tuple[GlobalIndex, ...],
    projections: Mapping[str, Projected],
    drop_indexes: tuple[str, ...],
    billing: Billing | None,
    index_billing: dict[str, Billing],
    ttl: str | None,
    no_ttl: bool,
    stream: str | None,
    no_stream: bool,
    deletion_protection: bool | None,
    point_in_time_recovery: str | None,
    no_wait: bool,
    as_json: bool,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Change a table, wait until that is done and print what it is.

    What is not named stays as it is. A new index is built from the items that are there, while
    writes go on. Under the service's limits one call makes or deletes one index.

    \b
    kvdb table update airports --global-index by-city=city:S
    kvdb table update airports --drop-index by-city --billing on-demand --ttl expires_at
    """
    global_indexes = (*global_indexes, *unique_indexes)
    _require_known("--project", projections, global_indexes)
    if ttl is not None and no_ttl:
        raise click.UsageError("give --ttl or --no-ttl, not both")
    added = {index.name for index in global_indexes}
    indexes = [
        replace(index, billing=index_billing.get(index.name))
        for index in _projected(global_indexes, projections)
    ]
    changed = {index: new for index, new in index_billing.items() if index not in added}
    changes_table = bool(indexes or drop_indexes or changed or billing or deletion_protection is not None)
    if stream is not None and no_stream:
        raise click.UsageError("give --stream or --no-stream, not both")
    others = (ttl, stream, point_in_time_recovery, no_ttl or None, no_stream or None)
    if not changes_table and all(each is None for each in others):
        raise click.UsageError("what should change? see kvdb table update --help")
    with open_target(endpoint, data_dir) as db:
        handle = db.table(name)
        if changes_table:
            handle.update_table(
                billing=billing,
                index_billing=changed,
                add_indexes=indexes,
                drop_indexes=drop_indexes,
                deletion_protection=deletion_protection,
                wait_ms_max=0 if no_wait else WAIT_MS_MAX,
            )
        if ttl is not None:
            handle.enable_ttl(ttl)
        if no_ttl:
            handle.disable_ttl()
        if stream is not None:
            handle.enable_stream(cast(StreamViewType, stream))
        if no_stream:
            handle.disable_stream()
        _set_recovery(handle, point_in_time_recovery)
        _show(handle.describe(), handle.ttl(), as_json=as_json)


@table.command("list")
@json_option
@target_options
def list_(as_json: bool, endpoint: str | None, data_dir: str | None) -> None:
    """Print the names of all tables."""
    with open_target(endpoint, data_dir) as db:
        show_names(db.tables(), as_json=as_json)


@table.command()
@click.argument("name")
@target_options
def delete(name: str, endpoint: str | None, data_dir: str | None) -> None:
    """Delete a table and everything in it."""
    with open_target(endpoint, data_dir) as db:
        db.delete_table(name)
    click.echo(f"deleted table {name}", err=True)


def _set_recovery(handle: Table, wanted: str | None) -> None:
    if wanted == "on":
        handle.enable_point_in_time_recovery()
    elif wanted == "off":
        handle.disable_point_in_time_recovery()


def _require_known(option: str, named: Iterable[str], indexes: Iterable[LocalIndex | GlobalIndex]) -> None:
    known = {index.name for index in indexes}
    for name in named:
        if name not in known:
            raise click.UsageError(f"{option} names an index that is not made here: {name}")


def _projected(indexes: Iterable[_Index], projections: Mapping[str, Projected]) -> list[_Index]:
    return [replace(index, projection=projections.get(index.name, index.projection)) for index in indexes]


def _show(description: TableDescription, ttl: str | None, *, as_json: bool) -> None:
    """All of it as one object for programs; for people the table first and its indexes below."""
    facts = facts_of(description)
    if ttl is not None:
        facts["ttl"] = ttl
    indexes = [_index_facts(description, index) for index in _indexes(description)]
    if as_json:
        show_facts({**facts, **({"indexes": indexes} if indexes else {})}, as_json=True)
        return
    show_facts(facts, as_json=False)
    if indexes:
        click.echo()
        show_rows(indexes, _INDEX_FACTS, as_json=False)


def facts_of(description: TableDescription) -> dict[str, object]:
    """A description, without its indexes, by the names the command line shows."""
    facts: dict[str, object] = {
        "name": description.table_name,
        "status": description.table_status,
        "partition_key": _keys(description, description.key_schema, "HASH"),
    }
    if sort := _keys(description, description.key_schema, "RANGE"):
        facts["sort_key"] = sort
    facts |= {"items": description.item_count, "bytes": description.table_size_bytes}
    facts["billing"] = _billing(description)
    if description.stream_specification is not None:
        facts["stream"] = description.stream_specification.stream_view_type
    if description.deletion_protection_enabled:
        facts["deletion_protection"] = True
    return {
        **facts,
        "created": iso_time(description.creation_date_time_ms),
        "id": description.table_id,
        "arn": description.table_arn,
    }


def _indexes(description: TableDescription) -> list[IndexDescription]:
    return [*description.local_secondary_indexes, *description.global_secondary_indexes]


def _index_facts(description: TableDescription, index: IndexDescription) -> dict[str, object]:
    facts: dict[str, object] = {
        "index": index.index_name,
        "kind": "unique" if index.is_unique else index.kind.lower(),
        "status": index.index_status or description.table_status,
        "partition_key": _keys(description, index.key_schema, "HASH"),
        "projection": ", ".join(index.projection.non_key_attributes or ())
        or index.projection.projection_type,
        "items": index.item_count,
        "bytes": index.index_size_bytes,
    }
    if sort := _keys(description, index.key_schema, "RANGE"):
        facts["sort_key"] = sort
    if index.backfilled_count is not None:
        facts["rows_looked_at"] = index.backfilled_count
    return facts


def _keys(description: TableDescription, schema: Iterable[KeySchemaElement], role: str) -> str:
    types = {d.attribute_name: d.attribute_type for d in description.attribute_definitions}
    names = (element.attribute_name for element in schema if element.key_type == role)
    return ", ".join(f"{name}:{types[name]}" for name in names)


def _billing(description: TableDescription) -> str:
    """As ``--billing`` takes it."""
    summary, bounds = description.billing_mode_summary, description.on_demand_throughput
    if summary is not None and summary.billing_mode == "PAY_PER_REQUEST":
        if bounds is None:
            return "on-demand"
        reads, writes = bounds.max_read_request_units, bounds.max_write_request_units
        return f"on-demand:{'' if reads is None else reads}/{'' if writes is None else writes}"
    throughput = description.provisioned_throughput
    return f"provisioned:{throughput.read_capacity_units}/{throughput.write_capacity_units}"
