"""Items on standard output: tables and records for people, JSON lines for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

import click

from kvdb.cli.json_form import to_json
from kvdb.cli.render import columns_of, record, render, terminal_width
from kvdb.item.value import Item

# A table is laid out by what is in it, so it is laid out in pieces: memory stays bounded
# and the first lines come at once.
ROWS_PER_TABLE = 500


def show_item(item: Item, key: Sequence[str], *, as_json: bool) -> None:
    """One item."""
    _write(to_json(item) if as_json else record(item, columns_of([item], key), terminal_width()))


def show_items(items: Iterable[Item], key: Sequence[str], *, as_json: bool) -> int:
    """Any number of items, as they come. Returns how many."""
    count = 0
    iterator = iter(items)
    while rows := list(islice(iterator, ROWS_PER_TABLE)):
        if as_json:
            _write("\n".join(map(to_json, rows)))
        else:
            _write(("\n" if count else "") + render(rows, key, terminal_width()))
        count += len(rows)
    return count


def show_facts(facts: Mapping[str, object], *, as_json: bool) -> None:
    """What is known of one thing, such as a table."""
    show_item(dict(facts), list(facts), as_json=as_json)


def show_names(names: Iterable[str], *, as_json: bool) -> None:
    """A list of names, one a line."""
    for name in names:
        _write(to_json({"name": name}) if as_json else name)


def _write(text: str) -> None:
    # Bytes, so that what is written does not depend on the locale.
    click.echo(text.encode("utf-8"))
