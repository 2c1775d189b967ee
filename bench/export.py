"""Exports and imports of one table: ``python -m bench.export [--items N] [--rounds N] [--json FILE]``.

A table of items of about 200 bytes in a directory on disk, exported to a directory in each format and
imported from there into a new table; then what of that is reading the table, making the records, and
compressing them, or unpacking them, reading the records, and putting the items. Each figure is the median
of the rounds; a machine's other work moves them, the ratios less.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import zlib
from collections import deque
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from tabulate import tabulate

from bench.sample_items import items
from bench.stopwatch import seconds
from kvdb.api.tables import AttributeDefinition, CreateTable, KeySchemaElement
from kvdb.backup.places import open_store
from kvdb.backup.store import BackupStore
from kvdb.backup.transfer import cbor_records, json_records
from kvdb.backup.transfer.compression import GZIP_LEVEL, stream_of, unpacked
from kvdb.backup.transfer.export import Export
from kvdb.backup.transfer.layout import ExportFacts, is_object_name
from kvdb.backup.transfer.load import Entry, Load
from kvdb.backup.transfer.objects import InputFormat, find_input
from kvdb.backup.transfer.records import EXPORT_FORMATS, ExportFormat
from kvdb.backup.transfer.source import ExportFilter, TableSource
from kvdb.backup.transfer.table_target import TableTarget
from kvdb.env.env import Env
from kvdb.item.value import normalise_item
from kvdb.lsm.engine import Engine
from kvdb.table.catalog import Catalog
from kvdb.table.latches import Latches
from kvdb.table.writer import Writer

OUT = Path("bench/out")


class Floor:
    """A table floor on a directory, and one table of items in it."""

    def __init__(self, directory: Path) -> None:
        self.env = Env.system()
        self.engine = Engine.open(str(directory), self.env)
        self.catalog = Catalog(self.engine, self.env)
        self.latches = Latches()
        self.writer = Writer(self.catalog, self.engine, self.latches, self.env.hlc)
        self._made = 0

    def new_target(self) -> TableTarget:
        """An empty table to import into."""
        self._made += 1
        name = f"table-{self._made}"
        self.catalog.create(
            CreateTable(
                name,
                [KeySchemaElement("customer", "HASH"), KeySchemaElement("order", "RANGE")],
                [AttributeDefinition("customer", "S"), AttributeDefinition("order", "S")],
            )
        )
        return TableTarget(self.catalog.table(name), self.writer, self.engine, self.latches)

    def close(self) -> None:
        self.engine.close()
        self.env.jobs.close()


def facts(format: ExportFormat) -> ExportFacts:
    name = f"01700000000000-{EXPORT_FORMATS.index(format):08x}"
    return ExportFacts(name, "arn", "arn", "id", "bucket", format.lower(), format, 0)


def filled(floor: Floor, count: int) -> TableSource:
    """The first table, with items, and what reads it."""
    target = floor.new_target()
    batch: list[Entry] = []
    for item in items(count):
        batch.append(Entry(0, *normalise_item(item), False))
        if len(batch) == target.batch_max:
            target.put(batch)
            batch = []
    target.put(batch)
    floor.engine.flush()
    return TableSource(floor.engine, floor.catalog.table("table-1"), floor.engine.snapshot(), ExportFilter())


def to_its_end(run: Export | Load) -> None:
    while not run.step():
        pass


def load_of(store: BackupStore, floor: Floor, format: ExportFormat) -> Load:
    """An import of an export into a table of its own."""

    def refuse(name: str, line: int, reason: str) -> None:
        raise AssertionError(f"{name}:{line}: {reason}")

    found = find_input(store, f"{format.lower()}/", InputFormat())
    return Load(store, found, floor.new_target(), refuse)


def parts(store: BackupStore, source: TableSource) -> dict[str, float]:
    """What the steps take by themselves, in DynamoDB JSON and CBOR."""
    found = [sourced.content for sourced in source.records(None)]
    measured = {"read the table": seconds(partial(drained, source.records(None)))}
    for name, make, read in (
        ("JSON", json_records.item_line, json_records.read_dynamo_json),
        ("CBOR", cbor_records.item_bytes, cbor_records.read_items),
    ):
        measured[f"make {name}"] = seconds(partial(drained, map(make, found)))  # type: ignore[arg-type]
        raw = b"".join(map(make, found))  # type: ignore[arg-type]
        measured[f"compress {name}"] = seconds(partial(zlib.compress, raw, GZIP_LEVEL, 31))
        packed = [zlib.compress(raw, GZIP_LEVEL, 31)]
        measured[f"unpack {name}"] = seconds(partial(drained, unpacked(packed, "GZIP", "")))
        measured[f"read {name}"] = seconds(partial(drained, read(stream_of(iter([raw])))))
    return measured


def drained(found: Iterable[object]) -> None:
    """Everything, and nothing kept of it."""
    deque(found, maxlen=0)


def measure(count: int, rounds: int) -> dict[str, Any]:
    directory = Path(tempfile.mkdtemp(prefix="kvdb-bench-"))
    floor = Floor(directory / "data")
    try:
        source = filled(floor, count)
        store = open_store(str(directory / "store"), floor.env, is_name=is_object_name)
        times: dict[str, list[float]] = {}
        sizes: dict[str, dict[str, int]] = {}
        for _ in range(rounds):
            for format in EXPORT_FORMATS:
                run = Export(store, floor.env.clock, facts(format), source)
                times.setdefault(f"export {format}", []).append(seconds(partial(to_its_end, run)))
                packed = sum(found.size for found in store.listed(f"{format.lower()}/"))
                sizes[format] = {"raw": run.state.raw_bytes, "packed": packed}
                assert run.state.item_count == count
                load = load_of(store, floor, format)
                times.setdefault(f"import {format}", []).append(seconds(partial(to_its_end, load)))
                assert load.state.imported == count
            for name, taken in parts(store, source).items():
                times.setdefault(name, []).append(taken)
        medians = {name: statistics.median(taken) for name, taken in times.items()}
        return {"items": count, "rounds": rounds, "seconds": medians, "bytes": sizes}
    finally:
        floor.close()
        shutil.rmtree(directory)


def table_of(result: dict[str, Any]) -> str:
    count, base = result["items"], result["seconds"]["read the table"]
    rows = []
    for name, taken in result["seconds"].items():
        verb, _, format = name.partition(" ")
        is_whole = verb in ("export", "import")
        rate = f"{result['bytes'][format]['raw'] / taken / 1e6:.0f}" if is_whole else ""
        rows.append(
            (name, f"{taken / count * 1e6:.2f}", f"{count / taken:,.0f}", rate, f"{taken / base:.1f}")
        )
    return tabulate(
        rows, ("", "us an item", "items/s", "MB/s", "by reading the table"), disable_numparse=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, default=OUT / "export.json")
    options = parser.parse_args()
    result = measure(options.items, options.rounds)
    print(table_of(result))
    for format, sizes in result["bytes"].items():
        print(f"{format}: {sizes['raw']:,} bytes, compressed {sizes['packed']:,}")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
