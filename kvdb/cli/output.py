"""Items on standard output: tables and records for people, JSON lines for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
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


def show_rows(rows: Iterable[Mapping[str, object]], first: Sequence[str], *, as_json: bool) -> None:
    """Several things of one kind, their facts in the order of ``first``."""
    show_items(map(dict, rows), first, as_json=as_json)


def show_names(names: Iterable[str], *, as_json: bool) -> None:
    """A list of names, one a line."""
    for name in names:
        _write(to_json({"name": name}) if as_json else name)


def show_total(total: int, *, as_json: bool) -> None:
    """A count."""
    _write(to_json({"count": total}) if as_json else str(total))


def show_absent() -> None:
    """``null`` in the place of an item, for programs that count on the order."""
    _write(to_json(None))


def show_line(text: str) -> None:
    """Something that happened."""
    _write(text)


def show_heading(text: str) -> None:
    """A line above what belongs together."""
    _write(f"── {text} ──")


def iso_time(wall_ms: int) -> str:
    """Milliseconds since 1970 as ``2026-11-29T02:30:00.000+00:00``."""
    return datetime.fromtimestamp(wall_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _write(text: str) -> None:
    # Bytes, so that what is written does not depend on the locale.
    click.echo(text.encode("utf-8"))
