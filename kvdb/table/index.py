"""A secondary index: which items stand in it, under which key, and what it keeps of them.

An item stands in an index when it has all of the index's key attributes, each of the declared type,
not empty and not too long; else it is left out (*sparse*). Its index row lies under
``table/keys.IndexKeys`` and is a row like any other (``table/row``): what the projection keeps of
the item, its published size, and the stamp of the write that changed it last. With projection ALL
the index row is the table's row, byte for byte.

Index rows are written in the batch of the row they follow from, so they are never behind it.
Sources: developer guide, "Global secondary indexes", "Local secondary indexes".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from operator import is_

from kvdb.env.hlc import Stamp
from kvdb.item.path import MISSING
from kvdb.item.size import item_size
from kvdb.item.value import Item, equals
from kvdb.table import row
from kvdb.table.change import Recorder
from kvdb.table.descriptor import IndexDescriptor, TableDescriptor
from kvdb.table.keys import IndexKeys, TableKeys
from kvdb.table.shipping import Shipper
from kvdb.table.tombstones import Tombstones
from kvdb.table.ttl import Marks


class Index:
    """One secondary index in use. Immutable."""

    __slots__ = ("_included", "_kept", "descriptor", "is_local", "keys", "name")

    def __init__(self, descriptor: IndexDescriptor, table: TableDescriptor, table_keys: TableKeys) -> None:
        self.descriptor = descriptor
        self.name = descriptor.name
        self.is_local = descriptor.kind == "LOCAL"
        self.keys = IndexKeys(descriptor, table_keys, table.table_id)
        self._included = descriptor.non_key_attributes
        self._kept = (*self.keys.start_names, *self._included)

    @property
    def keeps_all(self) -> bool:
        """Whether it has the whole item."""
        return self.descriptor.projection_type == "ALL"

    def unprojected(self, names: Iterable[str]) -> list[str]:
        """Those of ``names`` that it does not keep, in the order given."""
        return [] if self.keeps_all else [name for name in names if name not in self._kept]

    def keeps_same(self, old: Item, new: Item) -> bool:
        """Whether two items that have the same key in it have the same index row."""
        if self.keeps_all:
            return old == new and equals(old, new)
        return all(_same(old.get(name, MISSING), new.get(name, MISSING)) for name in self._included)

    def is_untouched(self, old: Item, new: Item) -> bool:
        """A quick way to see that two items have the same index row, or none: ``True`` is certain."""
        if self.keeps_all:
            return old is new
        missing, kept = repeat(MISSING), self._kept
        return all(map(is_, map(old.get, kept, missing), map(new.get, kept, missing)))

    def part_of(self, item: Item) -> Item:
        """What it keeps of an item."""
        return item if self.keeps_all else {name: item[name] for name in self._kept if name in item}

    def size_of(self, item: Item, size: int) -> int:
        """The published size of what it keeps of an item of ``size`` bytes."""
        return size if self.keeps_all else item_size(self.part_of(item))

    def row_of(self, item: Item, item_row: bytes, stamp: Stamp) -> bytes:
        """The index row of an item whose row is ``item_row``."""
        if self.keeps_all:
            return item_row
        part = self.part_of(item)
        return row.encode(part, item_size(part), stamp)


class Indexes:
    """The secondary indexes of one table, its marks of expiry and its stream, as they are at one moment.
    Immutable: what a writer has read once, under the latch of its item, holds for the whole write."""

    __slots__ = ("by_name", "local", "maintained", "make_claims", "marks", "recorder", "shipper", "unique")

    def __init__(
        self,
        indexes: Sequence[Index],
        marks: Marks | None = None,
        recorder: Recorder | None = None,
        shipper: Shipper | None = None,
    ) -> None:
        self.by_name: Mapping[str, Index] = {index.name: index for index in indexes}
        self.maintained = tuple(index for index in indexes if index.descriptor.is_maintained)
        """Those that every write keeps."""
        self.unique = tuple(index for index in self.maintained if index.descriptor.is_unique)
        self.local = tuple(index for index in self.maintained if index.is_local)
        self.make_claims = bool(self.unique or self.local)
        """Whether writes may have to hold more than their items (``table/claims``)."""
        self.marks = marks
        """Of the items that expire, if the table has a time to live."""
        self.recorder = recorder
        """Of changes, if the table has an enabled stream."""
        self.shipper = shipper
        """Of writes, if the table is replicated."""

    @classmethod
    def of(cls, table: TableDescriptor, table_keys: TableKeys, tombstones: Tombstones) -> Indexes:
        indexes = [Index(descriptor, table, table_keys) for descriptor in table.indexes]
        return cls(indexes, Marks.of(table), Recorder.of(table), Shipper.of(table, tombstones))

    def check(self, item: Item, names: frozenset[str] | None = None) -> None:
        """Refuse an item that has a value no index key may have; see ``IndexKeys.check``."""
        for index in self.maintained:
            index.keys.check(item, names)


def _same(one: object, other: object) -> bool:
    return one is other or (one is not MISSING and other is not MISSING and equals(one, other))
