"""Arguments and options that several commands take: items and expressions as JSON, moments, counts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import click

from kvdb.cli.json_form import item_from_json
from kvdb.item.value import Item

Command = TypeVar("Command", bound=Callable[..., None])

COUNT = click.IntRange(1, 2**31 - 1)


def item_argument(name: str) -> Callable[[Command], Command]:
    """An argument that is one JSON object; ``-`` reads it from standard input."""
    return click.argument(name, metavar=f"{name.upper()}_JSON", callback=_item)


def item_option(name: str, help: str) -> Callable[[Command], Command]:
    """An option that is one JSON object."""
    return click.option(name, metavar="JSON", callback=_item, help=help)


def expression_options(command: Command) -> Command:
    """Add ``--names`` and ``--values``, which say what ``#name`` and ``:value`` stand for."""
    add_values = click.option(
        "--values", metavar="JSON", callback=_item, help='What :values stand for: \'{":c": "IS"}\'.'
    )
    return names_option(add_values(command))


def names_option(command: Command) -> Command:
    """Add ``--names`` alone."""
    add = click.option(
        "--names", metavar="JSON", callback=_names, help='What #names stand for: \'{"#c": "country"}\'.'
    )
    return add(command)


def json_option(command: Command) -> Command:
    """Add ``--json``."""
    add = click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with all digits.")
    return add(command)


def as_of_option(command: Command) -> Command:
    """Add ``--as-of``: a commit's seqno, or a time with its zone."""
    add = click.option(
        "--as-of",
        metavar="SEQNO|TIME",
        callback=_moment,
        help="Read the past: at a commit (its seqno) or a time ('2026-11-29T02:30:00Z').",
    )
    return add(command)


def text_of_json(text: str) -> str:
    """An argument as it stands, or standard input when it is ``-``."""
    if text != "-":
        return text
    return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")


def moment_of(text: str) -> datetime | None:
    """A time with its zone; ``None``: the text is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment


def _moment(context: click.Context, parameter: click.Parameter, text: str | None) -> int | datetime | None:
    if text is None:
        return None
    if text.isascii() and text.isdecimal():
        return int(text)
    moment = moment_of(text)
    if moment is None:
        raise click.BadParameter("give a seqno, or a time with its zone: 2026-11-29T02:30:00Z")
    return moment


def _item(context: click.Context, parameter: click.Parameter, text: str | None) -> Item | None:
    if text is None:
        return None
    try:
        return item_from_json(text_of_json(text))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _names(context: click.Context, parameter: click.Parameter, text: str | None) -> dict[str, str] | None:
    members = _item(context, parameter, text)
    if members is None:
        return None
    names = {name: value for name, value in members.items() if isinstance(value, str)}
    if len(names) != len(members):
        raise click.BadParameter("every name must stand for a string")
    return names
