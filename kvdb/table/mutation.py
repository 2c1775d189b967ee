"""From a changed item to the engine operations that make it so. The only fan-out point.

Whatever writes items (single writes, batches, transactions, the sweeper of expired rows, later
import, restore and replication) says what becomes of one item, a ``Change``, and gets its row, its index
rows and its change record into one batch from here.
"""

from __future__ import annotations

from kvdb.env.hlc import Stamp
from kvdb.item.value import Item
from kvdb.lsm.batch import WriteBatch
from kvdb.table import row
from kvdb.table.catalog import Table
from kvdb.table.index import Index, Indexes


class Change:
    """What one write does to one item."""

    __slots__ = (
        "by_service",
        "given",
        "indexes",
        "is_old_known",
        "key",
        "new",
        "new_size",
        "old",
        "old_row",
        "old_size",
        "table",
        "tombstone",
    )

    def __init__(
        self,
        table: Table,
        indexes: Indexes,
        key: bytes,
        old: Item | None,
        new: Item | None,
        *,
        old_size: int = 0,
        new_size: int = 0,
        is_old_known: bool = True,
        old_row: bytes | None = None,
        by_service: bool = False,
        tombstone: bytes | None = None,
        given: bytes | None = None,
    ) -> None:
        self.table = table
        self.indexes = indexes
        """The table's, read once under the latch of the item."""
        self.key = key
        """Engine key of the row."""
        self.old = old
        """``None``: there was no item, or (unless ``is_old_known``) nobody had to look."""
        self.new = new
        """``None``: there is no item any more."""
        self.old_size = old_size
        """Published size in bytes; 0 for no item."""
        self.new_size = new_size
        self.is_old_known = is_old_known
        """Always, where there are indexes to maintain."""
        self.old_row = old_row
        """The row of before as it is stored; always, where there is one and a stream or peers to tell."""
        self.by_service = by_service
        """Nobody asked for it: the item has expired. Its change record names the service as the user."""
        self.tombstone = tombstone
        """What a replicated table keeps of an item that is not there, if it does."""
        self.given = given
        """The row, or tombstone, of a version that was made elsewhere: it is stored as it is."""

    @property
    def table_key(self) -> bytes:
        """What the keys of this item's index rows end with."""
        return self.table.keys.own_part(self.key)


def add(batch: WriteBatch, change: Change, stamp: Stamp) -> None:
    """Everything that must become durable together with this change."""
    new, new_row = change.new, b""
    if (shipper := change.indexes.shipper) is not None:
        new_row = shipper.add(batch, change, stamp)
    elif new is not None:
        new_row = row.encode(new, change.new_size, stamp)
        batch.put(change.key, new_row)
    elif change.old is not None or not change.is_old_known:
        batch.delete(change.key)
    if change.indexes.maintained:
        add_index_rows(batch, change, new_row, stamp if change.given is None else row.stamp_of(change.given))
    if (marks := change.indexes.marks) is not None:
        marks.add(batch, change.key, change.old, new)
    if (recorder := change.indexes.recorder) is not None:
        recorder.add(batch, change.key, change.old_row, new_row or None, stamp, by_service=change.by_service)


def add_index_rows(batch: WriteBatch, change: Change, new_row: bytes, stamp: Stamp) -> None:
    """What becomes of the item's index rows alone; ``new_row`` is the item's row from now on."""
    for index in change.indexes.maintained:
        _add_index_row(batch, index, change, new_row, stamp)


def _add_index_row(batch: WriteBatch, index: Index, change: Change, new_row: bytes, stamp: Stamp) -> None:
    """What becomes of the item's row in one index; nothing when it stays as it is."""
    old, new = change.old, change.new
    if old is not None and new is not None and index.is_untouched(old, new):
        return
    old_key = None if old is None else index.keys.index_key(old)
    new_key = None if new is None else index.keys.index_key(new)
    if old_key is not None and old_key != new_key:
        batch.delete(old_key + change.table_key)
    if new is None or new_key is None:
        return
    if old is None or old_key != new_key or not index.keeps_same(old, new):
        batch.put(new_key + change.table_key, index.row_of(new, new_row, stamp))
