"""``kvdb query | scan``: many items out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import click

from kvdb.cli.items import Names, key_names
from kvdb.cli.json_options import COUNT, as_of_option, expression_options, json_option
from kvdb.cli.output import show_items, show_total
from kvdb.cli.session_option import open_in_session, session_option
from kvdb.cli.target import target_options
from kvdb.client.requests import AsOf
from kvdb.client.sync_table import Table
from kvdb.item.value import Item

Command = TypeVar("Command", bound=Callable[..., None])


def _page_options(command: Command) -> Command:
    """What query and scan have in common."""
    for add in (
        as_of_option,
        click.option("--snapshot", is_flag=True, help="See one moment over all pages."),
        click.option("--consistent", is_flag=True, help="Ask for a strongly consistent read."),
        click.option("--count", "only_count", is_flag=True, help="Print how many items there are, not them."),
        click.option("--page-size", type=COUNT, help="Items examined by one request."),
        click.option("--limit", type=COUNT, help="Stop after so many items."),
        click.option("--projection", metavar="TEXT", help="Attributes to print: 'icao, #n, runways[0]'."),
        click.option("--filter", "filter_", metavar="TEXT", help="Print only items for which this holds."),
        click.option("--index", metavar="NAME", help="Read this index instead of the table."),
    ):
        command = add(command)
    return expression_options(json_option(session_option(target_options(command))))


@click.command()
@click.argument("table")
@click.option("--key-condition", required=True, metavar="TEXT", help="'country = :c AND icao > :i'.")
@click.option("--reverse", is_flag=True, help="From the last sort key to the first.")
@_page_options
def query(
    table: str,
    key_condition: str,
    reverse: bool,
    index: str | None,
    filter_: str | None,
    projection: str | None,
    limit: int | None,
    page_size: int | None,
    only_count: bool,
    consistent: bool,
    snapshot: bool,
    as_of: AsOf | None,
    names: Names | None,
    values: Item | None,
    as_json: bool,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Print the items of one partition, of the table or an index, in sort-key order.

    \b
    kvdb query airports --key-condition 'country = :c' --filter 'elevation > :e' \\
        --values '{":c": "IS", ":e": 100}'
    """
    _require_whole(only_count, projection, limit, page_size)
    with open_in_session(endpoint, data_dir) as db:
        handle = db.table(table)
        if only_count:
            total = handle.count(
                key_condition,
                index=index,
                filter=filter_,
                names=names,
                values=values,
                consistent=consistent,
                as_of=as_of,
                snapshot=snapshot,
            )
            show_total(total, as_json=as_json)
            return
        found = handle.query(
            key_condition,
            index=index,
            filter=filter_,
            projection=projection,
            names=names,
            values=values,
            reverse=reverse,
            limit=limit,
            page_size=page_size,
            consistent=consistent,
            as_of=as_of,
            snapshot=snapshot,
        )
        _show_all(handle, found, as_json=as_json)


@click.command()
@click.argument("table")
@click.option("--segment", type=int, metavar="N", help="Read this slice of the table, 0 to M-1.")
@click.option("--total-segments", type=int, metavar="M", help="How many slices there are.")
@_page_options
def scan(
    table: str,
    segment: int | None,
    total_segments: int | None,
    index: str | None,
    filter_: str | None,
    projection: str | None,
    limit: int | None,
    page_size: int | None,
    only_count: bool,
    consistent: bool,
    snapshot: bool,
    as_of: AsOf | None,
    names: Names | None,
    values: Item | None,
    as_json: bool,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Print the items of a whole table or index, in no order that means anything."""
    _require_whole(only_count, projection, limit, page_size)
    if only_count and (segment, total_segments) != (None, None):
        raise click.UsageError("--count counts the whole table, not a slice of it")
    with open_in_session(endpoint, data_dir) as db:
        handle = db.table(table)
        if only_count:
            total = handle.count(
                index=index,
                filter=filter_,
                names=names,
                values=values,
                consistent=consistent,
                as_of=as_of,
                snapshot=snapshot,
            )
            show_total(total, as_json=as_json)
            return
        found = handle.scan(
            index=index,
            filter=filter_,
            projection=projection,
            names=names,
            values=values,
            limit=limit,
            page_size=page_size,
            segment=segment,
            total_segments=total_segments,
            consistent=consistent,
            as_of=as_of,
            snapshot=snapshot,
        )
        _show_all(handle, found, as_json=as_json)


def _require_whole(
    only_count: bool, projection: str | None, limit: int | None, page_size: int | None
) -> None:
    if only_count and (projection, limit, page_size) != (None, None, None):
        raise click.UsageError("--count takes no --projection, --limit or --page-size")


def _show_all(table: Table, items: Iterable[Item], *, as_json: bool) -> None:
    count = show_items(items, key_names(table, as_json=as_json), as_json=as_json)
    if not as_json:
        click.echo(f"{count} item{'' if count == 1 else 's'}", err=True)
