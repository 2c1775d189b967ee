"""What tables and indexes are made of, as the command line writes it.

    key         NAME:TYPE                           country:S; TYPE is S, N or B
    local       NAME=SORT                           by-height=elevation:N
    global      NAME=KEY[,KEY...][/SORT[,SORT...]]  by-city=city:S/name:S
    projection  NAME=ALL | NAME=KEYS_ONLY | NAME=ATTRIBUTE[,ATTRIBUTE...]
    billing     on-demand | on-demand:READS/WRITES | provisioned:READS/WRITES
    tag         KEY=VALUE

READS and WRITES are units a second; of an on-demand maximum either may be left out (``on-demand:/50``)
and ``-1`` takes it away. An attribute with a comma, slash or equals sign in its name is for the API.
What is against the rules of the database, as an index without a name, is the database's to refuse.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeVar, get_args

import click

from kvdb.api.tables import AttributeType
from kvdb.client.table_requests import (
    Billing,
    GlobalIndex,
    KeyAttribute,
    LocalIndex,
    OnDemand,
    Projected,
    Provisioned,
)

Command = TypeVar("Command", bound=Callable[..., None])

_BILLING = re.compile(r"(on-demand|provisioned)(?::(-?[0-9]*)/(-?[0-9]*))?", re.ASCII)
_WHOLE = ("ALL", "KEYS_ONLY")


def key_attribute(text: str) -> KeyAttribute:
    """``country:S``. Raises: click.BadParameter."""
    name, _, wanted = text.rpartition(":")
    kind = next((kind for kind in get_args(AttributeType) if kind == wanted), None)
    if not name or kind is None:
        raise click.BadParameter("give NAME:S, NAME:N or NAME:B (string, number or bytes)")
    return name, kind


def billing_of(text: str) -> Billing:
    """``provisioned:10/5``. Raises: click.BadParameter."""
    found = _BILLING.fullmatch(text)
    if found is None:
        raise click.BadParameter("give on-demand, on-demand:READS/WRITES or provisioned:READS/WRITES")
    mode, reads, writes = found.groups()
    try:
        if mode == "provisioned":
            return Provisioned(int(reads or ""), int(writes or ""))
        return OnDemand(int(reads) if reads else None, int(writes) if writes else None)
    except ValueError:
        raise click.BadParameter("give numbers of units: provisioned:10/5") from None


def local_index(text: str) -> LocalIndex:
    """``by-height=elevation:N``. Raises: click.BadParameter."""
    name, sort = pair(text)
    return LocalIndex(name, key_attribute(sort))


def global_index(text: str, *, unique: bool = False) -> GlobalIndex:
    """``by-city=city:S/name:S``. Raises: click.BadParameter."""
    name, key = pair(text)
    hashes, slash, ranges = key.partition("/")
    if "/" in ranges:
        raise click.BadParameter("give one / at most, between partition and sort attributes")
    sort = [key_attribute(part) for part in ranges.split(",")] if slash else None
    return GlobalIndex(name, [key_attribute(part) for part in hashes.split(",")], sort, unique=unique)


def pair(text: str) -> tuple[str, str]:
    """``NAME=REST``. Raises: click.BadParameter."""
    name, equals, rest = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"give NAME=..., not {text!r}")
    return name, rest


def mapping_of(texts: Iterable[str]) -> dict[str, str]:
    """``NAME=REST`` each, every name once. Raises: click.BadParameter."""
    found: dict[str, str] = {}
    for text in texts:
        name, rest = pair(text)
        if name in found:
            raise click.BadParameter(f"given twice: {name}")
        found[name] = rest
    return found


def projected(text: str) -> Projected:
    """What stands behind the ``=`` of ``--project``."""
    return text if text in _WHOLE else tuple(text.split(","))


def _each(convert: Callable[[str], object]) -> Callable[[click.Context, click.Parameter, object], object]:
    """A callback: one text, a tuple of them or none -> what they mean."""

    def converted(context: click.Context, parameter: click.Parameter, given: object) -> object:
        if isinstance(given, tuple):
            return tuple(map(convert, given))
        return convert(given) if isinstance(given, str) else None

    return converted


def _mapped(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    return mapping_of(texts)


def _index_billing(
    context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]
) -> dict[str, Billing]:
    return {name: billing_of(rest) for name, rest in mapping_of(texts).items()}


def _projections(
    context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]
) -> dict[str, Projected]:
    return {name: projected(rest) for name, rest in mapping_of(texts).items()}


def key_option(name: str, *, required: bool = False, help: str) -> Callable[[Command], Command]:
    """``--key`` or ``--sort``."""
    return click.option(
        name, required=required, callback=_each(key_attribute), metavar="NAME:TYPE", help=help
    )


def local_index_option(command: Command) -> Command:
    """Add ``--local-index``."""
    add = click.option(
        "--local-index",
        "local_indexes",
        multiple=True,
        callback=_each(local_index),
        metavar="NAME=SORT",
        help="Another order of each partition: by-height=elevation:N. May be given again.",
    )
    return add(command)


def global_index_options(command: Command) -> Command:
    """Add ``--global-index``, ``--unique-index`` and ``--project``."""
    for add in (
        click.option(
            "--project",
            "projections",
            multiple=True,
            callback=_projections,
            metavar="NAME=WHAT",
            help="What an index holds: NAME=KEYS_ONLY, or attributes: NAME=a,b. By default everything.",
        ),
        click.option(
            "--unique-index",
            "unique_indexes",
            multiple=True,
            callback=_each(lambda text: global_index(text, unique=True)),
            metavar="NAME=KEY[/SORT]",
            help="The same, but no two items may have one key in it.",
        ),
        click.option(
            "--global-index",
            "global_indexes",
            multiple=True,
            callback=_each(global_index),
            metavar="NAME=KEY[/SORT]",
            help="A key of its own: by-city=city:S/name:S; up to four attributes each, with commas.",
        ),
    ):
        command = add(command)
    return command


def billing_options(command: Command) -> Command:
    """Add ``--billing`` and ``--index-billing``."""
    for add in (
        click.option(
            "--index-billing",
            multiple=True,
            callback=_index_billing,
            metavar="NAME=BILLING",
            help="The same of a global index.",
        ),
        click.option(
            "--billing",
            callback=_each(billing_of),
            metavar="BILLING",
            help="on-demand, on-demand:READS/WRITES or provisioned:READS/WRITES, units a second.",
        ),
    ):
        command = add(command)
    return command


def recovery_option(command: Command) -> Command:
    """Add ``--point-in-time-recovery``."""
    add = click.option(
        "--point-in-time-recovery",
        type=click.Choice(["on", "off"]),
        help="Let the table be restored to any second; needs a database with an archive.",
    )
    return add(command)


def tag_option(command: Command) -> Command:
    """Add ``--tag``."""
    add = click.option(
        "--tag", "tags", multiple=True, callback=_mapped, metavar="KEY=VALUE", help="May be given again."
    )
    return add(command)
