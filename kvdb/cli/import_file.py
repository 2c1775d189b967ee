"""``kvdb import``: files of items, or a whole export, into a table.

Items are put in batches; an item whose key is there already is replaced. A line that is no
item, or that the table refuses, ends the import by its line number (everything before it is
in the table); with ``--skip-bad`` it is reported, counted and passed over, and with ``--errors``
written to a file. With ``--checkpoint`` an import that was cut off goes on from where it was.

    checkpoint file  one JSON object: the counts of ``transfer/load.LoadState``, "source", and "objects", a
                     digest of the names of the files
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedIOBase
from os.path import basename, dirname
from typing import IO, NamedTuple, cast

import click

from kvdb.api.items import DeleteRequest, PutRequest
from kvdb.api.tables import TableDescription
from kvdb.backup.places import open_store
from kvdb.backup.store import CHUNK_BYTES, scheme_of
from kvdb.backup.transfer.compression import COMPRESSIONS, Compression, compression_of
from kvdb.backup.transfer.csv_records import CELL_TYPES, DELIMITERS, CellType, CsvOptions
from kvdb.backup.transfer.layout import SUMMARY, is_object_name
from kvdb.backup.transfer.load import Entry, ImportTarget, Load, LoadState
from kvdb.backup.transfer.objects import (
    ImportInput,
    InputFormat,
    InputObject,
    ObjectSource,
    export_input,
    find_input,
)
from kvdb.backup.transfer.records import BadHeader
from kvdb.cli.exits import Exit
from kvdb.cli.lines import FORMATS, TRANSFER_FORMATS, Format, format_of, reader
from kvdb.cli.table_options import key_option
from kvdb.cli.target import open_target, target_options
from kvdb.client.sync import Client
from kvdb.client.sync_table import Table
from kvdb.client.table_requests import KeyAttribute
from kvdb.env.clock import SystemClock
from kvdb.env.env import Env
from kvdb.env.fs import read_all, write_atomic
from kvdb.errors import RequestError, ResourceNotFound
from kvdb.limits import BATCH_WRITE_REQUESTS_MAX

SHOWN_FAULTS_MAX = 20
"""With ``--skip-bad`` so many lines are named; the others are only counted."""
ERRORS_MAX = 10_000
"""Lines of an ``--errors`` file."""


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


def _delimiter(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    names = {"tab": "\t", "space": " "}
    given = None if text is None else names.get(text, text)
    if given is not None and (len(given) != 1 or given not in DELIMITERS):
        raise click.BadParameter("one of  , ; : | tab space")
    return given


@click.command("import")
@click.argument("file", metavar="SOURCE")
@click.option("--table", required=True, metavar="TABLE", help="The table.")
@key_option("--key", help="Make the table, if there is none, with this partition key: country:S.")
@key_option("--sort", help="With --key: its sort key: icao:S.")
@click.option("--format", type=click.Choice(FORMATS), help="Guessed from .csv, .jsonl, .ndjson and .cbor.")
@click.option(
    "--compression",
    type=click.Choice(COMPRESSIONS, case_sensitive=False),
    help="Guessed from .gz and .zst; else none.",
)
@click.option(
    "--types",
    callback=_types,
    metavar="NAME:TYPE,...",
    help="CSV columns that are not S: 'elevation:N,open:BOOL'.",
)
@click.option(
    "--typed-header", is_flag=True, help="The first line of CSV is NAME:TYPE,... as exports have it."
)
@click.option("--delimiter", callback=_delimiter, metavar="CHAR", help="Of CSV: , ; : | tab space.")
@click.option(
    "--header", metavar="NAME,...", help="The columns of CSV files that have no first line for them."
)
@click.option("--skip-bad", is_flag=True, help="Report and count bad lines instead of stopping at the first.")
@click.option("--errors", metavar="FILE", help="Write what is skipped to FILE: source, line and reason.")
@click.option("--checkpoint", metavar="FILE", help="Keep in FILE how far it has come, and go on from there.")
@click.option("--dry-run", is_flag=True, help="Read and check everything, write nothing.")
@target_options
def import_(
    file: str,
    table: str,
    key: KeyAttribute | None,
    sort: KeyAttribute | None,
    format: Format | None,
    compression: Compression | None,
    types: dict[str, CellType],
    typed_header: bool,
    delimiter: str | None,
    header: str | None,
    skip_bad: bool,
    errors: str | None,
    checkpoint: str | None,
    dry_run: bool,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Put every item of SOURCE into a table.

    SOURCE is a file, - for standard input, an export (its directory, s3://BUCKET/PREFIX, or its
    manifest-summary.json), or a directory or URL of files of one format.

    \b
    csv            the first line names the attributes; cells are S, key attributes what the
                   table says, others as --types says; an empty cell leaves the attribute out
    jsonl          one item a line: {"icao": "BIKF", "elevation": 171}
    dynamodb-json  one item a line: {"Item": {"icao": {"S": "BIKF"}, ...}}
    cbor           a CBOR sequence of maps (RFC 8742)

    An incremental export deletes the items that it says were deleted. Files are checked against
    the manifest of an export before anything of them is put. Stops at the first bad line, by its
    number; the lines before it are in the table by then.
    """
    if not skip_bad and errors is not None:
        raise click.UsageError("--errors goes with --skip-bad")
    if key is None and sort is not None:
        raise click.UsageError("--sort goes with --key")
    env = Env.system()
    source = _Source(env, file, format, compression)
    csv_options = {
        "--types": types,
        "--typed-header": typed_header,
        "--delimiter": delimiter,
        "--header": header,
    }
    for option, given in csv_options.items():
        if given and source.format != "csv":
            raise click.UsageError(f"{option} is for CSV only")
    with open_target(endpoint, data_dir) as db:
        # Also finds out whether there is such a table before the first line is read.
        handle, key_types = _table(db, table, key, sort)
        csv = CsvOptions(
            delimiter or ",",
            header.split(",") if header else None,
            {**types, **key_types},
            typed_header,
            frozenset(types),
        )
        store, found = source.opened(csv)
        bad = _BadLines(file, errors, skip_bad=skip_bad)
        target: ImportTarget = _DryRun() if dry_run else ClientTarget(db, handle)
        keeper = _Checkpoint(env, checkpoint, file, found.digest().hex())
        load = Load(store, found, target, bad.refuse, keeper.state())
        with _summary(load, "checked" if dry_run else "imported"), _progress(source.name, found) as advance:
            _run(load, keeper, bad, advance)


def _table(
    db: Client, name: str, key: KeyAttribute | None, sort: KeyAttribute | None
) -> tuple[Table, dict[str, CellType]]:
    """The table, made if it is to be, and the types of its key attributes."""
    handle = db.table(name)
    try:
        return handle, _key_types(handle.describe())
    except ResourceNotFound:
        if key is None:
            raise
    handle = db.create_table(name, key, sort)
    return handle, _key_types(handle.describe())


def _run(load: Load, keeper: _Checkpoint, bad: _BadLines, advance: Callable[[int], None]) -> None:
    try:
        while not load.step():
            keeper.keep(load.state)
            advance(load.bytes_done)
    except BadHeader as error:
        raise BadLine(str(error)) from None
    finally:
        bad.close()
    advance(load.bytes_done)
    keeper.done()


class ClientTarget:
    """A table behind a client. A batch that is refused is put one by one, up to the first that is."""

    batch_max = BATCH_WRITE_REQUESTS_MAX

    def __init__(self, db: Client, table: Table) -> None:
        self._db = db
        self._table = table

    def put(self, entries: Sequence[Entry]) -> list[str | None]:
        try:
            self._db.batch_write({self._table.name: [_request(entry) for entry in entries]})
        except RequestError:
            # One bad item spoils the batch and is not named.
            return self._put_one_by_one(entries)
        return [None] * len(entries)

    def _put_one_by_one(self, entries: Sequence[Entry]) -> list[str | None]:
        done: list[str | None] = []
        for entry in entries:
            try:
                if entry.is_delete:
                    self._table.delete(entry.item)
                else:
                    self._table.put(entry.item)
            except RequestError as error:
                return [*done, error.message]
            done.append(None)
        return done


def _request(entry: Entry) -> PutRequest | DeleteRequest:
    return DeleteRequest(entry.item) if entry.is_delete else PutRequest(entry.item)


class _DryRun:
    """Takes everything that is an item. What only the table could refuse is not found out."""

    batch_max = BATCH_WRITE_REQUESTS_MAX

    def put(self, entries: Sequence[Entry]) -> list[str | None]:
        return [None] * len(entries)


class _Stream(NamedTuple):
    """Standard input as a store of one object."""

    stream: BufferedIOBase

    def get(self, name: str) -> Iterator[bytes]:
        # What has come, and not a whole block: whoever writes line by line is served line by line.
        while chunk := self.stream.read1(CHUNK_BYTES):
            yield chunk


class _Source:
    """What the command's argument names."""

    def __init__(self, env: Env, text: str, format: Format | None, compression: Compression | None) -> None:
        self._env = env
        self._text = text
        self._is_tree = bool(scheme_of(text)) or env.fs.is_dir(text) or basename(text) == SUMMARY
        self.name = "<stdin>" if text == "-" else text
        self.format = format or format_of(text)
        self._compression = compression or compression_of(text)
        if self.format is None and not self._is_tree:
            raise click.UsageError(f"cannot tell the format of {self.name}: give --format")
        if text != "-" and not scheme_of(text) and not env.fs.exists(text):
            raise click.UsageError(f"No such file or directory: {text}")

    def opened(self, csv: CsvOptions) -> tuple[ObjectSource, ImportInput]:
        """The files, and where they are read from."""
        text = self._text
        if text == "-":
            return _Stream(cast(BufferedIOBase, sys.stdin.buffer)), self._single("<stdin>", 0, csv)
        root = text if self._is_tree else dirname(text) or "."
        if basename(text) == SUMMARY:
            root = text.rpartition("/")[0] or "."
        store = open_store(root, self._env, is_name=is_object_name)
        if not self._is_tree:
            size = self._env.fs.file_size(text)
            return store, self._single(basename(text), size, csv)
        if basename(text) == SUMMARY:
            return store, export_input(store, SUMMARY)
        asked = InputFormat(
            TRANSFER_FORMATS.get(self.format or "dynamodb-json", "DYNAMODB_JSON"), self._compression, csv
        )
        found = find_input(store, "", asked)
        return store, found if self.format != "jsonl" else found._replace(read=reader("jsonl", csv))

    def _single(self, name: str, size: int, csv: CsvOptions) -> ImportInput:
        assert self.format is not None
        return ImportInput((InputObject(name, size),), self._compression, reader(self.format, csv))


class _BadLines:
    """What is done with a bad line: the end, or a report."""

    def __init__(self, source: str, path: str | None, *, skip_bad: bool) -> None:
        self._skip_bad = skip_bad
        self._count = 0
        self._file: IO[str] | None = None
        if path is not None:
            self._file = click.open_file(path, "w", encoding="utf-8", errors="backslashreplace")

    def refuse(self, name: str, line: int, reason: str) -> None:
        if not self._skip_bad:
            raise BadLine(f"{name}: line {line}: {reason}")
        self._count += 1
        if self._count <= SHOWN_FAULTS_MAX:
            click.echo(f"{name}: line {line}: {reason}", err=True)
        if self._file is not None and self._count <= ERRORS_MAX:
            self._file.write(json.dumps({"source": name, "line": line, "reason": reason}) + "\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class _Checkpoint:
    """The file of ``--checkpoint``, if there is to be one."""

    def __init__(self, env: Env, path: str | None, source: str, objects: str) -> None:
        self._env = env
        self._path = path
        self._source = {"source": source, "objects": objects}

    def state(self) -> LoadState | None:
        if self._path is None or not self._env.fs.exists(self._path):
            return None
        try:
            kept = json.loads(read_all(self._env.fs, self._path))
            source = {name: kept.pop(name) for name in self._source}
            state = LoadState(**kept)
            is_sound = all(type(value) is int and value >= 0 for value in kept.values())
        except (ValueError, TypeError, KeyError, AttributeError):
            is_sound = False
        if not is_sound:
            raise click.UsageError(f"not a checkpoint of an import: {self._path}")
        if source != self._source:
            raise click.UsageError(f"the checkpoint is of another import: {source['source']}")
        return state

    def keep(self, state: LoadState) -> None:
        if self._path is not None:
            content = json.dumps({**dataclasses.asdict(state), **self._source}).encode()
            write_atomic(self._env.fs, dirname(self._path) or ".", basename(self._path), content)

    def done(self) -> None:
        if self._path is not None and self._env.fs.exists(self._path):
            self._env.fs.remove(self._path)


def _key_types(description: TableDescription) -> dict[str, CellType]:
    return {d.attribute_name: d.attribute_type for d in description.attribute_definitions}


@contextmanager
def _progress(name: str, found: ImportInput) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, if that is a terminal and the sizes of the files are known."""
    if not (sys.stderr.isatty() and found.size_bytes):
        yield lambda done: None
        return
    with click.progressbar(length=found.size_bytes, label=basename(name), file=sys.stderr) as bar:
        yield lambda done: bar.update(done - bar.pos)


@contextmanager
def _summary(load: Load, verb: str) -> Iterator[None]:
    """Say what was done, also when it ended early."""
    clock = SystemClock()
    started_ns = clock.monotonic_ns()
    already = load.state.imported
    try:
        yield
    finally:
        state = load.state
        seconds = max((clock.monotonic_ns() - started_ns) / 1e9, 1e-9)
        skipped = f", {state.errors:,} bad lines skipped" if state.errors else ""
        before = f", {already:,} of them before" if already else ""
        click.echo(
            f"{verb} {state.imported:,} items in {seconds:.1f} s"
            f" ({(state.imported - already) / seconds:,.0f} items/s){before}{skipped}",
            err=True,
        )
