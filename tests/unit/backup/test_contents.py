"""What an audit of a database finds, and what it does not mind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kvdb.backup import contents, on_demand
from kvdb.backup.contents import TableContents
from kvdb.backup.verify import verify
from kvdb.env.hlc import Stamp
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.table import keys, row, stream_keys
from kvdb.table.descriptor import TableDescriptor
from kvdb.table.index import Index
from kvdb.table.keys import TableKeys
from kvdb.testing import MemFileSystem
from tests.support.backups import rich_database, store_of

Damage = Callable[[Engine, TableDescriptor], WriteBatch]
_STAMP = Stamp(1, 0, 0)


def _found(engine: Engine, *, is_whole: bool = True) -> tuple[list[TableContents], list[str]]:
    messages: list[str] = []
    expected = [(each.name, each.table_id, each.uuid) for each in contents.descriptors(engine)]
    tables = contents.audit(
        engine, expected, is_whole=is_whole, on_damage=messages.append, on_rows=lambda count: None
    )
    return tables, messages


def _orders(engine: Engine) -> TableDescriptor:
    return next(table for table in contents.descriptors(engine) if table.name == "orders")


def _first(engine: Engine, prefix: bytes) -> tuple[bytes, bytes]:
    return next(engine.scan(*keys.prefix_range(prefix)))


def _index_of(table: TableDescriptor, name: str) -> bytes:
    index = table.index(name)
    assert index is not None
    return keys.index_prefix(table.table_id, index.number)


def _without_index_row(engine: Engine, table: TableDescriptor) -> WriteBatch:
    return WriteBatch().delete(_first(engine, _index_of(table, "by_city"))[0])


def _with_index_row_of_nobody(engine: Engine, table: TableDescriptor) -> WriteBatch:
    (descriptor,) = [each for each in table.indexes if each.name == "by_state"]
    index = Index(descriptor, table, TableKeys(table))
    item = {"customer": "nobody", "order": "1", "state": "x"}
    index_key = index.keys.index_key(item)
    assert index_key is not None
    own = TableKeys(table).own_part(TableKeys(table).of_item(item))
    return WriteBatch().put(index_key + own, row.encode(item, 30, _STAMP))


def _with_other_index_row(engine: Engine, table: TableDescriptor) -> WriteBatch:
    key, stored = _first(engine, _index_of(table, "by_city"))
    item, size = row.opened(stored)
    return WriteBatch().put(key, row.encode({**item, "tags": {"other"}}, size, _STAMP))


def _row_under_another_key(engine: Engine, table: TableDescriptor) -> WriteBatch:
    key, stored = _first(engine, keys.index_prefix(table.table_id, 0))
    return WriteBatch().put(key + b"x", stored)


def _row_of_another_size(engine: Engine, table: TableDescriptor) -> WriteBatch:
    key, stored = _first(engine, keys.index_prefix(table.table_id, 0))
    item, size = row.opened(stored)
    return WriteBatch().put(key, row.encode(item, size + 1, _STAMP))


def _unreadable_row(engine: Engine, table: TableDescriptor) -> WriteBatch:
    key, stored = _first(engine, keys.index_prefix(table.table_id, 0))
    return WriteBatch().put(key, stored[:-1])


def _tombstone_among_rows(engine: Engine, table: TableDescriptor) -> WriteBatch:
    key, stored = _first(engine, keys.index_prefix(table.table_id, 0))
    item, size = row.opened(stored)
    return WriteBatch().put(key, row.encode(item, size, _STAMP, is_tombstone=True))


def _without_mark(engine: Engine, table: TableDescriptor) -> WriteBatch:
    assert table.ttl is not None
    return WriteBatch().delete(_first(engine, keys.index_prefix(table.table_id, table.ttl.number))[0])


def _key_of_no_index(engine: Engine, table: TableDescriptor) -> WriteBatch:
    return WriteBatch().put(keys.index_prefix(table.table_id, 900) + b"x", b"")


def _key_of_no_table(engine: Engine, table: TableDescriptor) -> WriteBatch:
    return WriteBatch().put(keys.index_prefix(77, 0) + b"x", b"")


def _unreadable_change(engine: Engine, table: TableDescriptor) -> WriteBatch:
    assert table.stream is not None
    prefix = stream_keys.changes_prefix(stream_keys.stream_id(table.table_id, table.stream.number))
    return WriteBatch().put(_first(engine, prefix)[0], b"\x01nonsense")


def _table_id_in_use(engine: Engine, table: TableDescriptor) -> WriteBatch:
    return WriteBatch().put(keys.NEXT_TABLE_ID_KEY, keys.next_table_id_value(2))


def _short_table_id(engine: Engine, table: TableDescriptor) -> WriteBatch:
    return WriteBatch().put(keys.NEXT_TABLE_ID_KEY, b"\0")


def _descriptor_under_another_name(engine: Engine, table: TableDescriptor) -> WriteBatch:
    return WriteBatch().put(keys.descriptor_key("other"), table.encoded())


def _unreadable_descriptor(engine: Engine, table: TableDescriptor) -> WriteBatch:
    return WriteBatch().put(keys.descriptor_key("other"), b"nonsense")


DAMAGES: list[tuple[Damage, str]] = [
    (_without_index_row, "index lacks an item"),
    (_with_index_row_of_nobody, "index has a row that no item has"),
    (_with_other_index_row, "index has another item"),
    (_row_under_another_key, "stands under another key"),
    (_row_of_another_size, "another size"),
    (_unreadable_row, "cannot be read"),
    (_tombstone_among_rows, "a tombstone"),
    (_without_mark, "has no mark"),
    (_key_of_no_index, "under no index"),
    (_key_of_no_table, "a table that the catalog does not have"),
    (_unreadable_change, "change stream cannot be read"),
    (_table_id_in_use, "next table id is in use"),
    (_short_table_id, "next table id cannot be read"),
    (_descriptor_under_another_name, "under another name"),
    (_unreadable_descriptor, "catalog cannot be read"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGES)
def test_what_does_not_agree_is_found_and_only_at_level_data(damage: Damage, message: str) -> None:
    fs = MemFileSystem()
    client, engine, env = rich_database(fs)
    assert _found(engine)[1] == []
    table = _orders(engine)
    engine.write(damage(engine, table))
    if damage not in (_unreadable_descriptor, _descriptor_under_another_name):
        assert any(message in found for found in _found(engine)[1]), _found(engine)[1]
        store = store_of(env)
        made = on_demand.create(env, engine, store)
        fs.make_dir("scratch")
        assert verify(env, store, made.backup_id, "structure", scratch_parent="scratch").is_clean
        outcome = verify(env, store, made.backup_id, "data", scratch_parent="scratch")
        assert any(message in finding.message for finding in outcome.findings), outcome.findings
    else:
        found: list[str] = []
        contents.audit(engine, [], is_whole=True, on_damage=found.append, on_rows=lambda count: None)
        assert any(message in each for each in found)
    client.close()


def test_a_table_that_the_backup_names_and_the_catalog_lacks_is_found() -> None:
    _, engine, _ = rich_database(MemFileSystem(), items=3)
    for is_whole in (True, False):
        messages: list[str] = []
        expected = [("orders", 1, _orders(engine).uuid), ("gone", 9, "u")]
        contents.audit(
            engine, expected, is_whole=is_whole, on_damage=messages.append, on_rows=lambda count: None
        )
        assert any("lacks a table name=gone" in message for message in messages)
        assert any("does not name name=plain" in message for message in messages) == is_whole


def test_an_index_row_with_attributes_in_another_order_is_no_damage() -> None:
    client, engine, _ = rich_database(MemFileSystem())
    table = client.table("orders")
    item = dict(next(each for each in table.scan() if "state" in each))
    table.put(dict(reversed(item.items())))
    tables, messages = _found(engine)
    assert messages == []
    assert {each.name: each.items for each in tables}["orders"] == sum(1 for _ in table.scan())


def test_the_digest_is_of_the_items_and_of_nothing_else() -> None:
    client, engine, _ = rich_database(MemFileSystem(), seed=3)
    before = _found(engine)[0]
    engine.compact()
    client.table("plain").put({"k": 1, "v": "other"})
    client.table("plain").put({"k": 1, "v": 112})  # as it was: the last of those that are 1 modulo 37
    assert _found(engine)[0] == before
    client.table("plain").put({"k": 1, "v": -1})
    (difference,) = contents.differences(before, _found(engine)[0])
    assert "table plain holds something else" in difference
    assert contents.differences(before, before[:1]) == ["table plain is not there"]
    assert contents.differences(before[:1], before) == ["table plain should not be there"]
