"""From a changed item to the engine operations that make it so. The only fan-out point.

Whatever writes items (single writes, batches, transactions, the sweeper of expired rows, later
import, restore and replication) says what becomes of one item, a ``Change``, and gets its row and
its index rows into one batch from here.
"""

from __future__ import annotations

from kvdb.env.hlc import Stamp
from kvdb.item.value import Item
from kvdb.lsm.batch import WriteBatch
from kvdb.table import row
from kvdb.table.catalog import Table


class Change:
    """What one write does to one item."""

    __slots__ = ("is_old_known", "key", "new", "new_size", "old", "old_size", "table")

    def __init__(
        self,
        table: Table,
        key: bytes,
        old: Item | None,
        new: Item | None,
        *,
        old_size: int = 0,
        new_size: int = 0,
        is_old_known: bool = True,
    ) -> None:
        self.table = table
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
        """Always, where ``Table.needs_old``."""


def add(batch: WriteBatch, change: Change, stamp: Stamp) -> None:
    """Everything that must become durable together with this change."""
    new = change.new
    if new is not None:
        batch.put(change.key, row.encode(new, change.new_size, stamp))
    elif change.old is not None or not change.is_old_known:
        batch.delete(change.key)
