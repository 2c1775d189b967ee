"""``kvdb put | get | delete | query | scan``: items in, items out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import click

from kvdb.cli.exits import Exit
from kvdb.cli.json_options import expression_options, item_argument, json_option, names_option
from kvdb.cli.output import show_item, show_items
from kvdb.cli.target import open_target, target_options
from kvdb.client.sync_table import Table
from kvdb.item.value import Item

Command = TypeVar("Command", bound=Callable[..., None])
Names = dict[str, str]
COUNT = click.IntRange(1, 2**31 - 1)


def _write_options(command: Command) -> Command:
    """What put and delete have in common."""
    add_condition = click.option(
        "--condition", metavar="TEXT", help="Write only if this holds for the stored item."
    )
    add_return = click.option("--return-old", is_flag=True, help="Print the item that was there before.")
    return add_condition(add_return(expression_options(json_option(target_options(command)))))


def _page_options(command: Command) -> Command:
    """What query and scan have in common."""
    for add in (
        click.option("--consistent", is_flag=True, help="Ask for a strongly consistent read."),
        click.option("--page-size", type=COUNT, help="Items examined by one request."),
        click.option("--limit", type=COUNT, help="Stop after so many items."),
        click.option("--projection", metavar="TEXT", help="Attributes to print: 'icao, #n, runways[0]'."),
        click.option("--filter", "filter_", metavar="TEXT", help="Print only items for which this holds."),
    ):
        command = add(command)
    return expression_options(json_option(target_options(command)))


@click.command()
@click.argument("table")
@item_argument("item")
@_write_options
def put(
    table: str,
    item: Item,
    condition: str | None,
    return_old: bool,
    names: Names | None,
    values: Item | None,
    as_json: bool,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Write a whole item; one with the same key is replaced.

    \b
    kvdb put airports '{"country": "IS", "icao": "BIKF", "elevation": 171}' \\
        --condition 'attribute_not_exists(icao)'

    Numbers keep all their digits. Bytes are {"$bytes": "base64"}, sets {"$set": [...]}.
    """
    with open_target(endpoint, data_dir) as db:
        handle = db.table(table)
        old = handle.put(item, condition=condition, names=names, values=values, return_old=return_old)
        _show_old(handle, old, as_json=as_json)


@click.command()
@click.argument("table")
@item_argument("key")
@_write_options
def delete(
    table: str,
    key: Item,
    condition: str | None,
    return_old: bool,
    names: Names | None,
    values: Item | None,
    as_json: bool,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Delete an item. No error when there is none, unless a condition asks for it."""
    with open_target(endpoint, data_dir) as db:
        handle = db.table(table)
        old = handle.delete(key, condition=condition, names=names, values=values, return_old=return_old)
        _show_old(handle, old, as_json=as_json)


@click.command()
@click.argument("table")
@item_argument("key")
@click.option("--projection", metavar="TEXT", help="Attributes to print: 'icao, #n, runways[0]'.")
@click.option("--consistent", is_flag=True, help="Ask for a strongly consistent read.")
@names_option
@json_option
@target_options
def get(
    table: str,
    key: Item,
    projection: str | None,
    consistent: bool,
    names: Names | None,
    as_json: bool,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Print the item with a key; exit code 3 when there is none."""
    with open_target(endpoint, data_dir) as db:
        handle = db.table(table)
        item = handle.get(key, projection=projection, names=names, consistent=consistent)
        if item is None:
            click.echo("no such item", err=True)
            click.get_current_context().exit(Exit.NO_ITEM)
        show_item(item, _key_names(handle, as_json=as_json), as_json=as_json)


@click.command()
@click.argument("table")
@click.option("--key-condition", required=True, metavar="TEXT", help="'country = :c AND icao > :i'.")
@click.option("--reverse", is_flag=True, help="From the last sort key to the first.")
@_page_options
def query(
    table: str,
    key_condition: str,
    reverse: bool,
    filter_: str | None,
    projection: str | None,
    limit: int | None,
    page_size: int | None,
    consistent: bool,
    names: Names | None,
    values: Item | None,
    as_json: bool,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Print the items of one partition in sort-key order.

    \b
    kvdb query airports --key-condition 'country = :c' --filter 'elevation > :e' \\
        --values '{":c": "IS", ":e": 100}'
    """
    with open_target(endpoint, data_dir) as db:
        handle = db.table(table)
        found = handle.query(
            key_condition,
            filter=filter_,
            projection=projection,
            names=names,
            values=values,
            reverse=reverse,
            limit=limit,
            page_size=page_size,
            consistent=consistent,
        )
        _show_all(handle, found, as_json=as_json)


@click.command()
@click.argument("table")
@_page_options
def scan(
    table: str,
    filter_: str | None,
    projection: str | None,
    limit: int | None,
    page_size: int | None,
    consistent: bool,
    names: Names | None,
    values: Item | None,
    as_json: bool,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Print the items of a whole table, in no order that means anything."""
    with open_target(endpoint, data_dir) as db:
        handle = db.table(table)
        found = handle.scan(
            filter=filter_,
            projection=projection,
            names=names,
            values=values,
            limit=limit,
            page_size=page_size,
            consistent=consistent,
        )
        _show_all(handle, found, as_json=as_json)


def _show_all(table: Table, items: Iterable[Item], *, as_json: bool) -> None:
    count = show_items(items, _key_names(table, as_json=as_json), as_json=as_json)
    if not as_json:
        click.echo(f"{count} item{'' if count == 1 else 's'}", err=True)


def _show_old(table: Table, old: Item | None, *, as_json: bool) -> None:
    if old is not None:
        show_item(old, _key_names(table, as_json=as_json), as_json=as_json)


def _key_names(table: Table, *, as_json: bool) -> list[str]:
    """What a person wants to see first; a program does not care, so it does not wait for it."""
    return [] if as_json else [element.attribute_name for element in table.describe().key_schema]


COMMANDS = (put, get, delete, query, scan)
