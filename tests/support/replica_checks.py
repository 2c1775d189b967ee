"""What follows from the items of a shared table in each region: its indexes, its stream's records."""

from __future__ import annotations

from kvdb.api.streams import Subscribe
from kvdb.database.database import Database
from kvdb.item.value import Item
from kvdb.lsm.batch import WriteBatch
from kvdb.replica.topology import named
from kvdb.table import row
from kvdb.table.catalog import Table
from kvdb.table.mutation import Change, add_index_rows


def check_followers(database: Database, table_name: str) -> int:
    """Raises ``AssertionError``; gives how many records there are."""
    table = named(database._floor.catalog, table_name)
    assert table is not None
    check_indexes(database, table)
    return check_stream(database, table)


def check_indexes(database: Database, table: Table) -> None:
    """Every index is as one that is made of the rows now."""
    engine = database._floor.engine
    rebuilt = WriteBatch()
    for key, stored in engine.scan(*table.keys.all_rows()):
        item = row.item_of(stored)
        change = Change(table, table.indexes, key, None, item, new_size=row.size_of(stored))
        add_index_rows(rebuilt, change, stored, row.stamp_of(stored))
    wanted = _items(zip(rebuilt.operations[::2], rebuilt.operations[1::2], strict=True))
    found: dict[object, Item] = {}
    for index in table.indexes.maintained:
        found |= _items(engine.scan(*index.keys.all_rows()))
    assert found == wanted, "an index is not what the items say"


def _items(pairs: object) -> dict[object, Item]:
    return {key: row.item_of(value) for key, value in pairs}  # type: ignore[attr-defined]


def check_stream(database: Database, table: Table) -> int:
    """The records, one after the other, lead from nothing to the items, each from where the last left off."""
    feed = database._floor.streams.feed(Subscribe(table.descriptor.name, start="START"))
    items: dict[object, Item] = {}
    count = 0
    stream = ""
    while (page := feed.read()) is not None:
        for record in page.records:
            count += 1
            if record.event_source_arn != stream:
                # That of the table which has begun anew.
                stream = record.event_source_arn
                items.clear()
            change = record.dynamodb
            key = change.keys["id"]
            before = items.pop(key, None)
            assert change.old_image == before, "a record begins where none has ended"
            assert change.new_image != before, "a record of nothing"
            kind = "INSERT" if before is None else "REMOVE" if change.new_image is None else "MODIFY"
            assert record.event_name == kind
            if change.new_image is not None:
                items[key] = change.new_image
    rows = (row.item_of(stored) for _, stored in database._floor.engine.scan(*table.keys.all_rows()))
    assert items == {item["id"]: item for item in rows}, "the records do not lead to the items"
    return count
