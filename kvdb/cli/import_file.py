"""``kvdb import``: a file of items into a table.

Items are put in batches; an item whose key is there already is replaced. A line that is no
item, or that the table refuses, ends the import by its line number (everything before it is
in the table); with ``--skip-bad`` it is reported, counted and passed over.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from os.path import basename, splitext
from typing import BinaryIO

import click

from kvdb.api.items import PutRequest
from kvdb.api.tables import TableDescription
from kvdb.cli.exits import Exit
from kvdb.cli.lines import CELL_TYPES, FORMATS, SUFFIXES, BadHeader, CellType, Format, Record, read
from kvdb.cli.target import open_target, target_options
from kvdb.client.sync import Client
from kvdb.client.sync_table import Table
from kvdb.env.clock import SystemClock
from kvdb.errors import RequestError
from kvdb.limits import BATCH_WRITE_REQUESTS_MAX

SHOWN_FAULTS_MAX = 20
"""With ``--skip-bad`` so many lines are named; the others are only counted."""


class BadLine(click.ClickException):
    """A line that ends the import."""

    exit_code = Exit.USAGE


def _types(context: click.Context, parameter: click.Parameter, text: str | None) -> dict[str, CellType]:
    types: dict[str, CellType] = {}
    for part in text.split(",") if text else []:
        name, _, wanted = part.rpartition(":")
        kind = next((kind for kind in CELL_TYPES if kind == wanted), None)
        if not name or kind is None or name in types:
            raise click.BadParameter(
                f"give NAME:TYPE,..., each name once, TYPE one of {', '.join(CELL_TYPES)}"
            )
        types[name] = kind
    return types


@click.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--table", required=True, metavar="TABLE", help="The table, which must exist.")
@click.option("--format", type=click.Choice(FORMATS), help="Guessed from .csv, .jsonl and .ndjson.")
@click.option(
    "--types",
    callback=_types,
    metavar="NAME:TYPE,...",
    help="CSV columns that are not S: 'elevation:N,open:BOOL'.",
)
@click.option("--skip-bad", is_flag=True, help="Report and count bad lines instead of stopping at the first.")
@target_options
def import_(
    file: BinaryIO,
    table: str,
    format: Format | None,
    types: dict[str, CellType],
    skip_bad: bool,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Put every item of FILE into a table; FILE may be - for standard input.

    \b
    csv            the first line names the attributes; cells are S, key attributes what the
                   table says, others as --types says; an empty cell leaves the attribute out
    jsonl          one item a line: {"icao": "BIKF", "elevation": 171}
    dynamodb-json  one item a line: {"Item": {"icao": {"S": "BIKF"}, ...}}

    Stops at the first bad line, by its number; the lines before it are in the table by then.
    """
    format = format or SUFFIXES.get(splitext(_name(file))[1].lower())
    if format is None:
        raise click.UsageError(f"cannot tell the format of {_name(file)}: give --format")
    if types and format != "csv":
        raise click.UsageError("--types is for CSV only")
    with open_target(endpoint, data_dir) as db:
        handle = db.table(table)
        # Also finds out whether there is such a table before the first line is read.
        types = {**types, **_key_types(handle.describe())}
        importer = Importer(db, handle, skip_bad=skip_bad)
        with _progress(file) as advance, _summary(importer):
            try:
                importer.run(read(file, format, types), advance)
            except BadHeader as error:
                raise BadLine(f"{_name(file)}: line 1: {error}") from None


class Importer:
    """Puts records in batches and keeps count."""

    def __init__(self, db: Client, table: Table, *, skip_bad: bool) -> None:
        self._db = db
        self._table = table
        self._skip_bad = skip_bad
        self.imported = 0
        """Items that are acknowledged."""
        self.bad = 0
        """Lines passed over."""

    def run(self, records: Iterable[Record], advance: Callable[[int], None]) -> None:
        """Put all of ``records``; ``advance`` is told how far in the file they reach.

        Raises:
            BadLine: a record is no item or was refused, and bad lines are not skipped.
        """
        batch: list[Record] = []
        for record in records:
            if record.fault is None:
                batch.append(record)
            if batch and (record.fault is not None or len(batch) == BATCH_WRITE_REQUESTS_MAX):
                self._put(batch)
                batch = []
            if record.fault is not None:
                self._refuse(record.line, record.fault)
            advance(record.end)
        if batch:
            self._put(batch)
            advance(batch[-1].end)

    def _put(self, batch: list[Record]) -> None:
        try:
            self._db.batch_write({self._table.name: [PutRequest(record.item) for record in batch]})
            self.imported += len(batch)
        except RequestError:
            # One bad item spoils the batch and is not named: each for itself, then.
            self._put_one_by_one(batch)

    def _put_one_by_one(self, batch: list[Record]) -> None:
        for record in batch:
            try:
                self._table.put(record.item)
                self.imported += 1
            except RequestError as error:
                self._refuse(record.line, error.message)

    def _refuse(self, line: int, fault: str) -> None:
        if not self._skip_bad:
            raise BadLine(f"line {line}: {fault}")
        self.bad += 1
        if self.bad <= SHOWN_FAULTS_MAX:
            click.echo(f"line {line}: {fault}", err=True)


def _name(file: BinaryIO) -> str:
    return str(getattr(file, "name", "<stdin>"))


def _key_types(description: TableDescription) -> dict[str, CellType]:
    return {d.attribute_name: d.attribute_type for d in description.attribute_definitions}


@contextmanager
def _progress(file: BinaryIO) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, if that is a terminal and the length of the file can be known."""
    if not (sys.stderr.isatty() and file.seekable()):
        yield lambda end: None
        return
    size = file.seek(0, 2)
    file.seek(0)
    with click.progressbar(length=size, label=basename(_name(file)), file=sys.stderr) as bar:
        yield lambda end: bar.update(end - bar.pos)


@contextmanager
def _summary(importer: Importer) -> Iterator[None]:
    """Say what was done, also when it ended early."""
    clock = SystemClock()
    started_ns = clock.monotonic_ns()
    try:
        yield
    finally:
        seconds = max((clock.monotonic_ns() - started_ns) / 1e9, 1e-9)
        skipped = f", {importer.bad:,} bad lines skipped" if importer.bad else ""
        click.echo(
            f"imported {importer.imported:,} items in {seconds:.1f} s"
            f" ({importer.imported / seconds:,.0f} items/s){skipped}",
            err=True,
        )
