"""``kvdb inspect wal | sst | manifest``: one file of a database, in readable form.

Read only, and without the database: the file may be damaged, its neighbours missing. A log and a
manifest need IDENTITY beside them, for their checksums are salted with the database's id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os.path import abspath, basename, dirname

import click

from kvdb.cli.exits import Exit, report
from kvdb.cli.json_options import json_option
from kvdb.cli.output import show_facts, show_items
from kvdb.env.fs import OsFileSystem
from kvdb.errors import KvdbError
from kvdb.lsm.filenames import FileKind, parse
from kvdb.lsm.identity import read_identity
from kvdb.lsm.internal_key import SEQNO_MAX
from kvdb.lsm.manifest import ManifestRecord, salvage_manifest
from kvdb.lsm.sstable.reader import SstableReader, stated_by
from kvdb.lsm.wal import LogRecord, salvage_log

Row = dict[str, object]
VALUE_BYTES_SHOWN = 64
"""Of a value; its whole length is shown beside it."""


@click.group()
def inspect() -> None:
    """Print a file of a database in readable form, damaged or not. Writes nothing."""


@inspect.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@json_option
def wal(file: str, as_json: bool) -> None:
    """Every operation of a log (nnnnnn.log), up to its end or its first defect."""
    directory, number = _place(file, "log")
    fs = OsFileSystem()
    log = salvage_log(fs, directory, number, database_id=read_identity(fs, directory))
    show_items(_log_rows(log.records), ["offset", "seqno", "wall_ms", "kind", "key"], as_json=as_json)
    if log.error is None and log.size < log.file_size:
        click.echo(f"torn or empty from offset {log.size} to {log.file_size}", err=True)
    _end(log.error)


@inspect.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--entries", is_flag=True, help="Every entry, not only the blocks.")
@json_option
def sst(file: str, entries: bool, as_json: bool) -> None:
    """The properties and blocks of an sstable (nnnnnn.sst), or all its entries."""
    directory, number = _place(file, "sstable")
    fs = OsFileSystem()
    unique_id, size = stated_by(fs, directory, number)
    reader = SstableReader(fs, directory, number, unique_id=unique_id, size=size, cache=None)
    faults: list[KvdbError] = []
    if entries:
        order = ["offset", "key", "seqno", "kind"]
        show_items(_entry_rows(reader, faults), order, as_json=as_json)
    else:
        properties = {name: getattr(reader.properties, name) for name in reader.properties.__slots__}
        show_facts({"unique_id": unique_id, "size": size, **properties}, as_json=as_json)
        order = ["offset", "bytes", "entries", "first_key", "separator"]
        show_items(_block_rows(reader, faults), order, as_json=as_json)
    for fault in faults[1:]:
        report(fault)
    _end(faults[0] if faults else None)


@inspect.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@json_option
def manifest(file: str, as_json: bool) -> None:
    """Every edit of a manifest (MANIFEST-nnnnnn), up to its end or its first defect."""
    directory, number = _place(file, "manifest")
    fs = OsFileSystem()
    records, fault = salvage_manifest(fs, directory, number, database_id=read_identity(fs, directory))
    show_items(_edit_rows(records), ["offset", "change", "level", "file"], as_json=as_json)
    _end(fault)


def _place(file: str, kind: FileKind) -> tuple[str, int]:
    parsed = parse(basename(file))
    if parsed is None or parsed.kind != kind:
        raise click.BadParameter(f"{basename(file)} is not the name of a {kind} of a database")
    return dirname(abspath(file)), parsed.number


def _end(fault: KvdbError | None) -> None:
    if fault is not None:
        report(fault)
        click.get_current_context().exit(Exit.DAMAGED)


def _log_rows(records: Iterable[LogRecord]) -> Iterator[Row]:
    for record in records:
        pairs = iter(record.operations)
        for count, (key, effect) in enumerate(zip(pairs, pairs, strict=True)):
            row: Row = {
                "offset": record.offset,
                "seqno": record.seqno + count,
                "wall_ms": record.wall_ms,
                "key": key,
            }
            if effect == []:
                row |= {"kind": "ingest"}
            elif isinstance(effect, list):
                row |= {"kind": "delete_range", "end": effect[0]}
            else:
                row |= _effect(effect)
            yield row


def _entry_rows(reader: SstableReader, faults: list[KvdbError]) -> Iterator[Row]:
    for place, (handle, _) in enumerate(reader.places):
        try:
            block = reader.block_at(place)
        except KvdbError as error:
            faults.append(error)
            continue
        for key, rank, value in block.entries():
            yield {"offset": handle.offset, "key": key, "seqno": SEQNO_MAX - rank, **_effect(value)}
    for start, end, seqno in reader.ranges:
        yield {"key": start, "end": end, "seqno": seqno, "kind": "delete_range"}


def _block_rows(reader: SstableReader, faults: list[KvdbError]) -> Iterator[Row]:
    for place, (handle, separator) in enumerate(reader.places):
        row: Row = {"offset": handle.offset, "bytes": handle.length, "separator": separator}
        try:
            block = reader.block_at(place)
            row |= {"entries": len(block.keys), "first_key": block.keys[0]}
        except KvdbError as error:
            faults.append(error)
        yield row


def _edit_rows(records: Iterable[ManifestRecord]) -> Iterator[Row]:
    for offset, edit, position in records:
        yield {"offset": offset, "change": "position", **position._asdict()}
        for level, number in edit.removed:
            yield {"offset": offset, "change": "remove", "level": level, "file": number}
        for level, meta in edit.added:
            facts = {name: value for name, value in meta._asdict().items() if name != "number"}
            yield {"offset": offset, "change": "add", "level": level, "file": meta.number, **facts}
        for tick in edit.ticks:
            yield {"offset": offset, "change": "tick", **tick._asdict()}


def _effect(value: bytes | None) -> Row:
    if value is None:
        return {"kind": "delete"}
    return {"kind": "put", "value_bytes": len(value), "value": value[:VALUE_BYTES_SHOWN]}
