"""``kvdb tag | untag | tags``: the tags of a table."""

from __future__ import annotations

import click

from kvdb.cli.json_options import json_option
from kvdb.cli.output import show_facts, show_rows
from kvdb.cli.table_options import mapping_of
from kvdb.cli.target import open_target, target_options


def _tags(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    return mapping_of(texts)


@click.command()
@click.argument("table")
@click.argument("tags", nargs=-1, required=True, callback=_tags, metavar="KEY=VALUE...")
@target_options
def tag(table: str, tags: dict[str, str], endpoint: str | None, data_dir: str | None) -> None:
    """Set tags of a table, besides those that are there."""
    with open_target(endpoint, data_dir) as db:
        db.table(table).tag(tags)


@click.command()
@click.argument("table")
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@target_options
def untag(table: str, keys: tuple[str, ...], endpoint: str | None, data_dir: str | None) -> None:
    """Take tags off a table. No error when there are none of the name."""
    with open_target(endpoint, data_dir) as db:
        db.table(table).untag(*keys)


@click.command()
@click.argument("table")
@json_option
@target_options
def tags(table: str, as_json: bool, endpoint: str | None, data_dir: str | None) -> None:
    """Print the tags of a table."""
    with open_target(endpoint, data_dir) as db:
        found = db.table(table).tags()
    if as_json:
        show_facts(found, as_json=True)
    elif found:
        pairs = ({"key": key, "value": value} for key, value in sorted(found.items()))
        show_rows(pairs, ("key", "value"), as_json=False)
