"""What a database holds, table by table: how many items, a digest of them, and whether all of it agrees.

The digest of a table is the sha256 over its items in key order, each as

    u32 length · the row's engine key from its hash on · u32 length · the item's bytes (``item/codec``)

so it says the same of two copies of a table whatever their table ids, files and history are.

``audit`` looks at more than it needs for that:

    a row      is readable; its key is that of its item; its size is the item's
    an index   has the rows that follow from the table's, no other ones, with what they keep
    a mark     of expiry is there for every item that has a time to live
    a record   of a change is readable
    a key      belongs to the catalog, or to a table and an index that the catalog has

Rows of table and index are compared by sums of their hashes, so in one pass and without memory; only
where the sums differ each row is looked up. What is left out: the counters of item collections, and what
the catalog keeps of censuses, tokens, jobs and regions.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol, TypeAlias

from kvdb.errors import CorruptionError, ValidationError
from kvdb.item import value
from kvdb.item.size import item_size
from kvdb.item.value import Item
from kvdb.lsm.iterator import Pair
from kvdb.table import keys, row, stream_keys
from kvdb.table.change import decode_record
from kvdb.table.descriptor import TableDescriptor, decode_descriptor
from kvdb.table.index import Index
from kvdb.table.keys import TableKeys
from kvdb.table.ttl import Marks

_TICK_ROWS: Final = 4096
_LENGTH: Final = struct.Struct(">I")
_SUM_MASK: Final = (1 << 256) - 1
_TABLE_ID_MAX: Final = (1 << 32) - 1


class Rows(Protocol):
    """What can be read: an engine, or an image that none was made of."""

    def get(self, key: bytes) -> bytes | None: ...

    def scan(self, start: bytes, end: bytes) -> Iterator[Pair]: ...


class TableContents(NamedTuple):
    """What a table holds."""

    name: str
    items: int
    digest: str
    """In hex."""


OnDamage: TypeAlias = Callable[[str], None]
OnRows: TypeAlias = Callable[[int], None]
"""Told now and then how many more rows were looked at."""


def descriptors(rows: Rows) -> list[TableDescriptor]:
    """The tables of the catalog, by name."""
    return [decode_descriptor(stored) for _, stored in rows.scan(*keys.descriptor_range())]


def contents_of(rows: Rows, table: TableDescriptor, on_rows: OnRows) -> TableContents:
    """Count and digest of one table.

    Raises:
        CorruptionError: something cannot be read.
    """
    tally = _Tally(on_rows)
    for key, stored in rows.scan(*TableKeys(table).all_rows()):
        tally.add(key, stored)
    return tally.contents(table.name)


class _Tally:
    """Count and digest of the rows of one table, in key order."""

    def __init__(self, on_rows: OnRows) -> None:
        self._digest = hashlib.sha256()
        self._items = 0
        self._on_rows = on_rows

    def add(self, key: bytes, stored: bytes) -> None:
        part, item = key[len(keys.index_prefix(0, 0)) :], row.item_bytes(stored)
        self._digest.update(b"".join((_LENGTH.pack(len(part)), part, _LENGTH.pack(len(item)), item)))
        self._items += 1
        if self._items % _TICK_ROWS == 0:
            self._on_rows(_TICK_ROWS)

    def contents(self, name: str) -> TableContents:
        self._on_rows(self._items % _TICK_ROWS)
        return TableContents(name, self._items, self._digest.hexdigest())


def audit(
    rows: Rows,
    expected: Sequence[tuple[str, int, str]],
    *,
    is_whole: bool,
    on_damage: OnDamage,
    on_rows: OnRows,
) -> list[TableContents]:
    """Look at everything; what the tables hold that could be read to their ends.

    ``expected`` has the name, id and uuid of each table that there must be; with ``is_whole`` there is
    nothing else, without it what else there is does not count.
    """
    try:
        found = descriptors(rows)
    except CorruptionError as error:
        on_damage(f"catalog cannot be read: {error}")
        return []
    _check_catalog(rows, found, expected, is_whole, on_damage)
    names = {name for name, _, _ in expected}
    contents = []
    for table in found:
        if table.name in names:
            audited = _TableAudit(rows, table, on_damage, on_rows).run()
            if audited is not None:
                contents.append(audited)
    if is_whole:
        _check_strays(rows, found, on_damage)
        _check_streams(rows, on_damage)
    return contents


def _check_catalog(
    rows: Rows,
    found: list[TableDescriptor],
    expected: Sequence[tuple[str, int, str]],
    is_whole: bool,
    on_damage: OnDamage,
) -> None:
    have = {(table.name, table.table_id, table.uuid) for table in found}
    for name, table_id, _ in sorted(set(expected) - have):
        on_damage(f"catalog lacks a table name={name} id={table_id}")
    if is_whole:
        for name, table_id, _ in sorted(have - set(expected)):
            on_damage(f"catalog has a table that the backup does not name name={name} id={table_id}")
    ids = [table.table_id for table in found]
    if len(set(ids)) != len(ids):
        on_damage("two tables of the catalog have one id")
    for key, stored in rows.scan(*keys.descriptor_range()):
        if key != keys.descriptor_key(decode_descriptor(stored).name):
            on_damage(f"descriptor stands under another name key={key.hex()}")
    following = rows.get(keys.NEXT_TABLE_ID_KEY)
    try:
        next_id = keys.FIRST_TABLE_ID if following is None else keys.next_table_id_of(following)
    except struct.error:
        on_damage("next table id cannot be read")
    else:
        if max(ids, default=0) >= next_id:
            on_damage(f"next table id is in use id={next_id}")


def _check_strays(rows: Rows, found: list[TableDescriptor], on_damage: OnDamage) -> None:
    """Keys of tables that the catalog does not have, and is not removing."""
    known = {table.table_id for table in found} | {keys.CATALOG_ID}
    known |= {keys.table_id_of(keys.table_prefix_of(prefix)) for prefix in _dropped(rows)}
    first = 0
    for table_id in [*sorted(known), None]:
        start = keys.table_prefix(first)
        end = b"" if table_id is None else keys.table_prefix(table_id)
        stray = next(rows.scan(start, end), None) if start != end else None
        if stray is not None:
            on_damage(f"keys of a table that the catalog does not have key={stray[0][:12].hex()}")
        if table_id == _TABLE_ID_MAX:
            return
        first = 0 if table_id is None else table_id + 1


def _check_streams(rows: Rows, on_damage: OnDamage) -> None:
    try:
        for key, _ in rows.scan(*stream_keys.stream_range()):
            of = stream_keys.stream_id_of(key)
            for change_key, stored in rows.scan(*stream_keys.changes_range(of, 0, stream_keys.SEQNO_MAX)):
                decode_record(stored)
                stream_keys.change_hash(change_key)
    except (CorruptionError, struct.error) as error:
        on_damage(f"change stream cannot be read: {error}")


def _dropped(rows: Rows) -> list[bytes]:
    return [keys.dropped_prefix(key) for key, _ in rows.scan(*keys.dropped_range())]


class _Side:
    """The rows that an index should have, or has: how many, and the sum of their hashes."""

    def __init__(self) -> None:
        self.count = 0
        self.sum = 0

    def add(self, key: bytes, item: bytes) -> None:
        hashed = hashlib.sha256(_LENGTH.pack(len(key)) + key + item).digest()
        self.count += 1
        self.sum = (self.sum + int.from_bytes(hashed)) & _SUM_MASK

    def equals(self, other: _Side) -> bool:
        return (self.count, self.sum) == (other.count, other.sum)


class _TableAudit:
    """One table, whole."""

    def __init__(self, rows: Rows, table: TableDescriptor, on_damage: OnDamage, on_rows: OnRows) -> None:
        self._rows = rows
        self._table = table
        self._keys = TableKeys(table)
        self._on_damage = on_damage
        self._on_rows = on_rows
        self._indexes = [
            Index(each, table, self._keys)
            for each in table.indexes
            if each.is_maintained and each.is_complete
        ]
        self._marks = Marks.of(table) if table.ttl is not None and table.ttl.walk is None else None

    def run(self) -> TableContents | None:
        """``None``: it could not be read to its end."""
        try:
            contents, expected = self._walk_table()
            for index, side in zip(self._indexes, expected, strict=True):
                if not self._walk_index(index).equals(side):
                    self._find_difference(index)
            self._check_numbers()
        except CorruptionError as error:
            self._damage(f"cannot be read: {error}")
            return None
        return contents

    def _walk_table(self) -> tuple[TableContents, list[_Side]]:
        tally = _Tally(self._on_rows)
        sides = [_Side() for _ in self._indexes]
        for key, stored in self._rows.scan(*self._keys.all_rows()):
            item = self._checked(key, stored)
            tally.add(key, stored)
            own_part = self._keys.own_part(key)
            for index, side in zip(self._indexes, sides, strict=True):
                index_key = index.keys.index_key(item)
                if index_key is not None:
                    kept = index.row_of(item, stored, row.stamp_of(stored))
                    side.add(index_key + own_part, row.item_bytes(kept))
            if self._marks is not None:
                self._check_mark(self._marks, key, item)
        return tally.contents(self._table.name), sides

    def _checked(self, key: bytes, stored: bytes) -> Item:
        item, size = row.opened(stored)
        if row.is_tombstone(stored):
            self._damage(f"a tombstone stands among the rows key={key.hex()}")
        if item_size(item) != size:
            self._damage(f"a row states another size than its item's stated={size} key={key.hex()}")
        try:
            is_own = self._keys.of_item(item) == key
        except ValidationError:
            is_own = False
        if not is_own:
            self._damage(f"a row stands under another key than its item's key={key.hex()}")
        return item

    def _check_mark(self, marks: Marks, key: bytes, item: Item) -> None:
        second = marks.second_of(item)
        if second is not None and self._rows.get(keys.mark_key(marks.prefix, second, key)) is None:
            self._damage(f"an item that expires has no mark key={key.hex()}")

    def _walk_index(self, index: Index) -> _Side:
        side = _Side()
        for key, stored in self._rows.scan(*index.keys.all_rows()):
            row.item_of(stored)
            side.add(key, row.item_bytes(stored))
            if side.count % _TICK_ROWS == 0:
                self._on_rows(_TICK_ROWS)
        self._on_rows(side.count % _TICK_ROWS)
        return side

    def _find_difference(self, index: Index) -> None:
        """Sums differ too where the same content has another form: attributes in another order."""
        for key, stored in self._rows.scan(*self._keys.all_rows()):
            item = row.item_of(stored)
            index_key = index.keys.index_key(item)
            if index_key is None:
                continue
            kept = self._rows.get(index_key + self._keys.own_part(key))
            if kept is None:
                self._damage(f"index lacks an item index={index.name} key={key.hex()}")
            elif not value.equals(row.item_of(kept), index.part_of(item)):
                self._damage(f"index has another item than the table index={index.name} key={key.hex()}")
        for key, stored in self._rows.scan(*index.keys.all_rows()):
            if not self._follows(index, key, row.item_of(stored)):
                self._damage(f"index has a row that no item has index={index.name} key={key.hex()}")

    def _follows(self, index: Index, key: bytes, kept: Item) -> bool:
        """Whether the table has the item of an index row, and that item this index row."""
        try:
            row_key = self._keys.of_item(kept)
        except ValidationError:
            return False
        stored = self._rows.get(row_key)
        if stored is None:
            return False
        index_key = index.keys.index_key(row.item_of(stored))
        return index_key is not None and index_key + self._keys.own_part(row_key) == key

    def _check_numbers(self) -> None:
        """No key of the table stands under a number that nothing has."""
        table_id = self._table.table_id
        prefix = keys.table_prefix(table_id)
        if prefix in (dropped := _dropped(self._rows)):
            return
        known = {keys.TABLE_NUMBER, keys.COUNTERS_NUMBER, *self._table.numbers}
        first = keys.TABLE_NUMBER
        for number in sorted(known):
            for key, _ in self._rows.scan(
                keys.index_prefix(table_id, first), keys.index_prefix(table_id, number)
            ):
                if not any(key.startswith(each) for each in dropped):
                    self._damage(f"a key stands under no index of the table key={key.hex()}")
                    break
            first = number + 1

    def _damage(self, message: str) -> None:
        self._on_damage(f"table {self._table.name}: {message}")


def differences(one: Sequence[TableContents], other: Sequence[TableContents]) -> list[str]:
    """In what two databases differ, table by table."""
    ones, others = ({each.name: each for each in side} for side in (one, other))
    found = [f"table {name} is not there" for name in sorted(ones.keys() - others.keys())]
    found += [f"table {name} should not be there" for name in sorted(others.keys() - ones.keys())]
    for name in sorted(ones.keys() & others.keys()):
        if ones[name] != others[name]:
            found.append(
                f"table {name} holds something else items={others[name].items} digest={others[name].digest}"
                f" expected items={ones[name].items} digest={ones[name].digest}"
            )
    return found
