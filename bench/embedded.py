"""put, get and query of 100 in this process: kvdb through its everyday face, beside RocksDB.

The peer is rocksdict with the same keys, the items packed with msgpack, and the same promise:
``commit`` syncs its log before each put returns, ``none`` leaves that to the system.
"""

from __future__ import annotations

from collections.abc import Callable

import msgpack
from rocksdict import Options, Rdict, ReadOptions, WriteOptions

import kvdb
from bench import sample_items
from bench.child import Figures
from bench.stopwatch import seconds, us_each
from kvdb import Key


def kvdb_operations(directory: str, sync: str, count: int, reads: int, queries: int) -> Figures:
    with kvdb.open(directory, sync=sync) as db:
        table = db.create_table("orders", key=("customer", "S"), sort=("order", "S"))

        def query(partition: str) -> None:
            assert len(list(table.query(Key("customer").eq(partition)))) == sample_items.PARTITION_ITEMS

        return _measured(count, reads, queries, table.put, table.get, query)


class _Rocks:
    """RocksDB with the calls that are compared."""

    def __init__(self, directory: str, sync: str) -> None:
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        self._db = Rdict(directory, options)
        write_options = WriteOptions()
        write_options.sync = sync == "commit"
        self._db.set_write_options(write_options)

    def put(self, item: sample_items.Item) -> None:
        self._db[_rocks_key(item)] = msgpack.packb(item)

    def get(self, key: dict[str, object]) -> sample_items.Item:
        found: sample_items.Item = msgpack.unpackb(self._db[_rocks_key(key)])
        return found

    def query(self, partition: str) -> list[sample_items.Item]:
        start = f"{partition}\0".encode()
        options = ReadOptions()
        options.set_iterate_upper_bound(f"{partition}\1".encode())
        return [msgpack.unpackb(value) for value in self._db.values(from_key=start, read_opt=options)]

    def close(self) -> None:
        self._db.close()


def rocksdb_operations(directory: str, sync: str, count: int, reads: int, queries: int) -> Figures:
    db = _Rocks(directory, sync)

    def query(partition: str) -> None:
        assert len(db.query(partition)) == sample_items.PARTITION_ITEMS

    figures = _measured(count, reads, queries, db.put, db.get, query)
    db.close()
    return figures


def _rocks_key(item: sample_items.Item) -> bytes:
    return f"{item['customer']}\0{item['order']}".encode()


def _measured(
    count: int,
    reads: int,
    queries: int,
    put: Callable[[sample_items.Item], object],
    get: Callable[[dict[str, object]], object],
    query: Callable[[str], object],
) -> Figures:
    keys = [sample_items.key(number, count) for number in sample_items.random_numbers(count, reads)]
    partitions = sample_items.random_numbers(count // sample_items.PARTITION_ITEMS, queries)
    return {
        "put": us_each(put, sample_items.items(count)),
        "get": us_each(get, keys),
        "query of 100": us_each(query, map(sample_items.partition, partitions)),
    }


def kvdb_load(directory: str, count: int) -> Figures:
    """Fill a database, as fast as one thread can, and leave it as a clean close does."""
    with kvdb.open(directory, sync="none") as db:
        table = db.create_table("orders", key=("customer", "S"), sort=("order", "S"))
        return {"load": _load_seconds(count, table.put)}


def rocksdb_load(directory: str, count: int) -> Figures:
    db = _Rocks(directory, "none")
    figures = {"load": _load_seconds(count, db.put)}
    db.close()
    return figures


def _load_seconds(count: int, put: Callable[[sample_items.Item], object]) -> float:
    def load() -> None:
        for item in sample_items.items(count):
            put(item)

    return seconds(load)


def kvdb_reopen(directory: str, count: int) -> Figures:
    """From nothing to the first item read, and closed again; then the same without a log to replay."""

    def open_and_read() -> None:
        with kvdb.open(directory) as db:
            assert db.table("orders").get(sample_items.key(count // 2, count)) is not None

    return {"with a log to replay": seconds(open_and_read), "once more": seconds(open_and_read)}


def rocksdb_reopen(directory: str, count: int) -> Figures:
    def open_and_read() -> None:
        db = _Rocks(directory, "none")
        assert db.get(sample_items.key(count // 2, count))
        db.close()

    return {"with a log to replay": seconds(open_and_read), "once more": seconds(open_and_read)}
