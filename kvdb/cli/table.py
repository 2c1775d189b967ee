"""``kvdb table create | describe | list | delete``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import click

from kvdb.api.tables import AttributeType, TableDescription
from kvdb.cli.json_options import json_option
from kvdb.cli.output import show_facts, show_names
from kvdb.cli.target import open_target, target_options
from kvdb.client.table_requests import KeyAttribute


@click.group()
def table() -> None:
    """Create, describe, list and delete tables."""


def _key(context: click.Context, parameter: click.Parameter, text: str | None) -> KeyAttribute | None:
    if text is None:
        return None
    name, _, wanted = text.rpartition(":")
    kind = next((kind for kind in get_args(AttributeType) if kind == wanted), None)
    if not name or kind is None:
        raise click.BadParameter("give NAME:S, NAME:N or NAME:B (string, number or bytes)")
    return name, kind


@table.command()
@click.argument("name")
@click.option(
    "--key", required=True, callback=_key, metavar="NAME:TYPE", help="The partition key: country:S."
)
@click.option("--sort", callback=_key, metavar="NAME:TYPE", help="The sort key, if there is one: icao:S.")
@json_option
@target_options
def create(
    name: str,
    key: KeyAttribute,
    sort: KeyAttribute | None,
    as_json: bool,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Create a table and print what it is. TYPE is S (string), N (number) or B (bytes)."""
    with open_target(endpoint, data_dir, may_create=True) as db:
        show_facts(facts_of(db.create_table(name, key=key, sort=sort).describe()), as_json=as_json)


@table.command()
@click.argument("name")
@json_option
@target_options
def describe(name: str, as_json: bool, endpoint: str | None, data_dir: str | None) -> None:
    """Print what a table is."""
    with open_target(endpoint, data_dir) as db:
        show_facts(facts_of(db.table(name).describe()), as_json=as_json)


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


def facts_of(description: TableDescription) -> dict[str, object]:
    """A description by the names the command line shows."""
    types = {d.attribute_name: d.attribute_type for d in description.attribute_definitions}
    roles = {"HASH": "partition_key", "RANGE": "sort_key"}
    keys = {
        roles[element.key_type]: f"{element.attribute_name}:{types[element.attribute_name]}"
        for element in description.key_schema
    }
    created = datetime.fromtimestamp(description.creation_date_time_ms / 1000, UTC)
    return {
        "name": description.table_name,
        "status": description.table_status,
        **keys,
        "created": created.isoformat(timespec="milliseconds"),
        "id": description.table_id,
    }
