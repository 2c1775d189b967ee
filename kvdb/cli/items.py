"""``kvdb put | update | delete | get | versions``: one item in, one item out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, get_args

import click

from kvdb.api.items import ItemVersion, ReturnValues
from kvdb.cli.exits import Exit
from kvdb.cli.json_options import (
    COUNT,
    as_of_option,
    expression_options,
    item_argument,
    json_option,
    names_option,
)
from kvdb.cli.output import iso_time, show_item, show_items
from kvdb.cli.session_option import open_in_session, replicate_options, session_option
from kvdb.cli.target import target_options
from kvdb.client.requests import AsOf
from kvdb.client.sync_table import Table
from kvdb.errors import ConditionalCheckFailed
from kvdb.item.value import Item

Command = TypeVar("Command", bound=Callable[..., None])
Names = dict[str, str]


def _condition_options(command: Command) -> Command:
    """What put, update and delete have in common."""
    for add in (
        click.option(
            "--return-old-on-failure", is_flag=True, help="Print the stored item when the condition fails."
        ),
        click.option("--condition", metavar="TEXT", help="Write only if this holds for the stored item."),
    ):
        command = add(command)
    return expression_options(json_option(session_option(replicate_options(target_options(command)))))


def _return_old_option(command: Command) -> Command:
    add = click.option("--return-old", is_flag=True, help="Print the item that was there before.")
    return add(command)


@click.command()
@click.argument("table")
@item_argument("item")
@_return_old_option
@_condition_options
def put(
    table: str,
    item: Item,
    return_old: bool,
    condition: str | None,
    return_old_on_failure: bool,
    names: Names | None,
    values: Item | None,
    as_json: bool,
    replicate_to: int | None,
    replicate_timeout: float | None,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Write a whole item; one with the same key is replaced.

    \b
    kvdb put airports '{"country": "IS", "icao": "BIKF", "elevation": 171}' \\
        --condition 'attribute_not_exists(icao)'

    Numbers keep all their digits. Bytes are {"$bytes": "base64"}, sets {"$set": [...]}.
    """
    with open_in_session(endpoint, data_dir) as db:
        handle = db.table(table)
        with _stored_item_shown(handle, as_json=as_json):
            old = handle.put(
                item,
                condition=condition,
                names=names,
                values=values,
                return_old=return_old,
                return_old_on_failure=return_old_on_failure,
                replicate_to=replicate_to,
                replicate_timeout=replicate_timeout,
            )
        _show_if_any(handle, old, as_json=as_json)


@click.command()
@click.argument("table")
@item_argument("key")
@click.argument("expression", metavar="UPDATE")
@click.option(
    "--return-values",
    type=click.Choice(get_args(ReturnValues), case_sensitive=False),
    default="NONE",
    metavar="WHICH",
    help="Print ALL_OLD or ALL_NEW: the item before or after; UPDATED_OLD or UPDATED_NEW: what changed.",
)
@_condition_options
def update(
    table: str,
    key: Item,
    expression: str,
    return_values: ReturnValues,
    condition: str | None,
    return_old_on_failure: bool,
    names: Names | None,
    values: Item | None,
    as_json: bool,
    replicate_to: int | None,
    replicate_timeout: float | None,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Change some attributes of an item, which is made when there is none.

    \b
    kvdb update airports '{"country": "IS", "icao": "BIKF"}' \\
        'SET elevation = elevation + :n, tower = :t REMOVE draft' \\
        --values '{":n": 1, ":t": true}' --return-values UPDATED_NEW
    """
    with open_in_session(endpoint, data_dir) as db:
        handle = db.table(table)
        with _stored_item_shown(handle, as_json=as_json):
            attributes = handle.update(
                key,
                expression,
                condition=condition,
                names=names,
                values=values,
                return_values=return_values,
                return_old_on_failure=return_old_on_failure,
                replicate_to=replicate_to,
                replicate_timeout=replicate_timeout,
            )
        _show_if_any(handle, attributes, as_json=as_json)


@click.command()
@click.argument("table")
@item_argument("key")
@_return_old_option
@_condition_options
def delete(
    table: str,
    key: Item,
    return_old: bool,
    condition: str | None,
    return_old_on_failure: bool,
    names: Names | None,
    values: Item | None,
    as_json: bool,
    replicate_to: int | None,
    replicate_timeout: float | None,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Delete an item. No error when there is none, unless a condition asks for it."""
    with open_in_session(endpoint, data_dir) as db:
        handle = db.table(table)
        with _stored_item_shown(handle, as_json=as_json):
            old = handle.delete(
                key,
                condition=condition,
                names=names,
                values=values,
                return_old=return_old,
                return_old_on_failure=return_old_on_failure,
                replicate_to=replicate_to,
                replicate_timeout=replicate_timeout,
            )
        _show_if_any(handle, old, as_json=as_json)


@click.command()
@click.argument("table")
@item_argument("key")
@click.option("--projection", metavar="TEXT", help="Attributes to print: 'icao, #n, runways[0]'.")
@click.option("--consistent", is_flag=True, help="Ask for a strongly consistent read.")
@as_of_option
@names_option
@json_option
@session_option
@target_options
def get(
    table: str,
    key: Item,
    projection: str | None,
    consistent: bool,
    as_of: AsOf | None,
    names: Names | None,
    as_json: bool,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Print the item with a key; exit code 3 when there is none."""
    with open_in_session(endpoint, data_dir) as db:
        handle = db.table(table)
        item = handle.get(key, projection=projection, names=names, consistent=consistent, as_of=as_of)
        if item is None:
            _say_no_item()
        else:
            show_item(item, key_names(handle, as_json=as_json), as_json=as_json)


@click.command()
@click.argument("table")
@item_argument("key")
@click.option("--limit", type=COUNT, help="Stop after so many versions.")
@json_option
@session_option
@target_options
def versions(
    table: str, key: Item, limit: int | None, as_json: bool, endpoint: str | None, data_dir: str | None
) -> None:
    """Print what an item was, newest first, as far back as the kept history reaches.

    The history is what `--history-retention` of `kvdb serve` keeps. A deletion is a version without
    an item. The seqno of a version, or a time, is what `--as-of` of get, query and scan takes.
    """
    with open_in_session(endpoint, data_dir) as db:
        handle = db.table(table)
        written = handle.versions(key, limit=limit)
        if as_json:
            count = show_items(map(_version_facts, written), (), as_json=True)
        else:
            first = (_SEQNO, _WRITTEN, _DELETED, *key_names(handle, as_json=False))
            count = show_items(map(_version_row, written), first, as_json=False)
        if not count:
            _say_no_item()


# Parentheses, so that no attribute of an item is likely to have the name.
_SEQNO, _WRITTEN, _DELETED = "(seqno)", "(written)", "(deleted)"


def _version_facts(version: ItemVersion) -> Item:
    return {"seqno": version.seqno, "written": iso_time(version.wall_ms), "item": version.item}


def _version_row(version: ItemVersion) -> Item:
    facts: Item = {_SEQNO: version.seqno, _WRITTEN: iso_time(version.wall_ms)}
    return {**facts, _DELETED: True} if version.item is None else {**version.item, **facts}


def key_names(table: Table, *, as_json: bool) -> list[str]:
    """What a person wants to see first; a program does not care, so it does not wait for it."""
    return [] if as_json else [element.attribute_name for element in table.describe().key_schema]


def _show_if_any(table: Table, item: Item | None, *, as_json: bool) -> None:
    if item is not None:
        show_item(item, key_names(table, as_json=as_json), as_json=as_json)


@contextmanager
def _stored_item_shown(table: Table, *, as_json: bool) -> Iterator[None]:
    """Print the item that a failed condition brings with it, and let the error go on."""
    try:
        yield
    except ConditionalCheckFailed as error:
        if error.item is not None:
            _show_if_any(table, dict(error.item), as_json=as_json)
        raise


def _say_no_item() -> None:
    click.echo("no such item", err=True)
    click.get_current_context().exit(Exit.NO_ITEM)
