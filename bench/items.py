"""Writes with conditions and indexes, reads with filters: kvdb through its requests, beside SQLite.

SQLite holds the same items as JSON in one column, beside the two key columns; it finds them by their
primary key, has its indexes on what ``json_extract`` gives, and makes each write a transaction of its
own; a transaction is ``BEGIN IMMEDIATE`` to ``COMMIT``. The promise is that of sync mode ``none``: the
system writes to the disk when it likes (``journal_mode=WAL``, ``synchronous=OFF``).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Protocol

from bench import sample_items
from bench.child import Figures
from bench.stopwatch import seconds, us_each
from kvdb.api.items import Page, PutItem, Query, Scan, TransactWriteItems, UpdateItem
from kvdb.api.tables import (
    AttributeDefinition,
    CreateTable,
    IndexSpecification,
    KeySchemaElement,
    Projection,
)
from kvdb.client.embedded_transport import EmbeddedTransport
from kvdb.client.sync import Client
from kvdb.database.database import Database
from kvdb.options import DatabaseOptions, EngineOptions

Item = sample_items.Item

TRANSACTION_ITEMS = 10


class _Store(Protocol):
    def put(self, table: str, item: Item) -> None: ...

    def update(self, key: Item) -> None: ...

    def transact(self, keys: Sequence[Item]) -> None:
        """``update`` of all of them, or of none."""
        ...

    def read_and_write(self, keys: Sequence[Item]) -> None:
        """Read all, change them here, write all back, as if alone."""
        ...

    def query(self, partition: str) -> int: ...

    def scan(self) -> int: ...

    def close(self) -> None: ...


def kvdb_operations(directory: str, count: int, updates: int, queries: int) -> Figures:
    return _measured(_Kvdb(directory), count, updates, queries)


def sqlite_operations(directory: str, count: int, updates: int, queries: int) -> Figures:
    return _measured(_Sqlite(directory), count, updates, queries)


def _measured(store: _Store, count: int, updates: int, queries: int) -> Figures:
    keys = [sample_items.key(number, count) for number in sample_items.random_numbers(count, updates)]
    tens = [keys[first : first + TRANSACTION_ITEMS] for first in range(0, updates, TRANSACTION_ITEMS)]
    # One transaction writes no item twice.
    tens = [list({str(key): key for key in ten}.values()) for ten in tens]
    partitions = sample_items.random_numbers(count // sample_items.PARTITION_ITEMS, queries)

    def query(partition: str) -> None:
        assert 0 < store.query(partition) <= sample_items.PARTITION_ITEMS

    def scan() -> None:
        assert 0 < store.scan() < count

    figures = {
        "put": us_each(lambda item: store.put("plain", item), sample_items.items(count)),
        "put with 3 indexes": us_each(lambda item: store.put("indexed", item), sample_items.items(count)),
        "conditional update": us_each(store.update, keys),
        f"transaction of {TRANSACTION_ITEMS} conditional updates": us_each(store.transact, tens),
        f"transaction that reads and writes {TRANSACTION_ITEMS}": us_each(store.read_and_write, tens),
        "query of 100 with filter": us_each(query, map(sample_items.partition, partitions)),
        "scan with filter, an item": seconds(scan) * 1e6 / count,
    }
    store.close()
    return figures


class _Kvdb:
    def __init__(self, directory: str) -> None:
        self._db = Database.open(directory, DatabaseOptions(engine=EngineOptions(sync="none")))
        self._client = Client(EmbeddedTransport(self._db))
        for name in ("plain", "indexed"):
            self._db.call(_table(name))

    def put(self, table: str, item: Item) -> None:
        self._db.call(PutItem(table, item))

    def update(self, key: Item) -> None:
        self._db.call(_update(key))

    def transact(self, keys: Sequence[Item]) -> None:
        self._db.call(TransactWriteItems([_update(key) for key in keys]))

    def read_and_write(self, keys: Sequence[Item]) -> None:
        with self._client.transaction() as tx:
            for key in keys:
                item = tx.get("plain", key)
                assert item is not None
                item["is_paid"] = not item["is_paid"]
                tx.put("plain", item)

    def query(self, partition: str) -> int:
        request = Query(
            "plain",
            "customer = :customer",
            "#total > :least AND is_paid = :paid AND begins_with(note, :note)",
            expression_attribute_names={"#total": "total"},
            expression_attribute_values={":customer": partition, **_FILTER},
        )
        return sum(page.count for page in self._pages(request))

    def scan(self) -> int:
        request = Scan(
            "plain",
            "#total > :least AND is_paid = :paid AND begins_with(note, :note)",
            expression_attribute_names={"#total": "total"},
            expression_attribute_values=_FILTER,
        )
        return sum(page.count for page in self._pages(request))

    def close(self) -> None:
        self._db.close()

    def _pages(self, request: Query | Scan) -> Iterator[Page]:
        while True:
            page = self._db.call(request)
            assert isinstance(page, Page)
            yield page
            if page.last_evaluated_key is None:
                return
            request.exclusive_start_key = page.last_evaluated_key


def _update(key: Item) -> UpdateItem:
    return UpdateItem(
        "plain",
        key,
        "SET is_paid = :paid, #total = #total + :one",
        "attribute_exists(customer) AND #total < :most",
        {"#total": "total"},
        {":paid": True, ":one": 1, ":most": 1_000_000},
    )


_FILTER: Item = {":least": 1_000, ":paid": False, ":note": "leave at"}


def _table(name: str) -> CreateTable:
    schema = [KeySchemaElement("customer", "HASH"), KeySchemaElement("order", "RANGE")]
    definitions = [AttributeDefinition("customer", "S"), AttributeDefinition("order", "S")]
    if name == "plain":
        return CreateTable(name, schema, definitions)
    definitions += [AttributeDefinition("currency", "S"), AttributeDefinition("total", "N")]
    return CreateTable(
        name,
        schema,
        definitions,
        global_secondary_indexes=[
            _index("by-currency", "ALL", "currency", "total"),
            _index("by-total", "KEYS_ONLY", "total"),
            _index("by-order", "INCLUDE", "order", "currency"),
        ],
    )


def _index(name: str, projection: str, *key: str) -> IndexSpecification:
    """HASH, then RANGE attribute."""
    kinds = zip(key, ("HASH", "RANGE"), strict=False)
    kept = ("note",) if projection == "INCLUDE" else None
    return IndexSpecification(
        name,
        tuple(KeySchemaElement(attribute, kind) for attribute, kind in kinds),  # type: ignore[arg-type]
        Projection(projection, kept),  # type: ignore[arg-type]
    )


class _Sqlite:
    def __init__(self, directory: str) -> None:
        self._db = sqlite3.connect(f"{directory}/sqlite.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        for name in ("plain", "indexed"):
            self._db.execute(
                f"CREATE TABLE {name} (customer TEXT, ord TEXT, item TEXT, PRIMARY KEY (customer, ord)) "
                "WITHOUT ROWID"
            )
        total, currency = (f"json_extract(item, '$.{name}')" for name in ("total", "currency"))
        self._db.execute(f"CREATE INDEX by_currency ON indexed ({currency}, {total})")
        self._db.execute(f"CREATE INDEX by_total ON indexed ({total})")
        self._db.execute(f"CREATE INDEX by_order ON indexed (ord, {currency})")

    def put(self, table: str, item: Item) -> None:
        values = (item["customer"], item["order"], json.dumps(item))
        self._db.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", values)

    def update(self, key: Item) -> None:
        changed = self._db.execute(
            "UPDATE plain SET item = json_set(item, '$.is_paid', json('true'), "
            "'$.total', json_extract(item, '$.total') + ?) "
            "WHERE customer = ? AND ord = ? AND json_extract(item, '$.total') < ?",
            (1, key["customer"], key["order"], 1_000_000),
        )
        assert changed.rowcount == 1

    def transact(self, keys: Sequence[Item]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        for key in keys:
            self.update(key)
        self._db.execute("COMMIT")

    def read_and_write(self, keys: Sequence[Item]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        for key in keys:
            place = (key["customer"], key["order"])
            found = self._db.execute(
                "SELECT item FROM plain WHERE customer = ? AND ord = ?", place
            ).fetchone()
            item = json.loads(found[0])
            item["is_paid"] = not item["is_paid"]
            self.put("plain", item)
        self._db.execute("COMMIT")

    def query(self, partition: str) -> int:
        rows = self._db.execute(
            f"SELECT item FROM plain WHERE customer = ? AND {_SQLITE_FILTER} ORDER BY ord",
            (partition, 1_000, False, "leave at*"),
        )
        return len([json.loads(item) for (item,) in rows])

    def scan(self) -> int:
        rows = self._db.execute(f"SELECT item FROM plain WHERE {_SQLITE_FILTER}", (1_000, False, "leave at*"))
        return len([json.loads(item) for (item,) in rows])

    def close(self) -> None:
        self._db.close()


_SQLITE_FILTER = (
    "json_extract(item, '$.total') > ? AND json_extract(item, '$.is_paid') = ? "
    "AND json_extract(item, '$.note') GLOB ?"
)
