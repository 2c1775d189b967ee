"""From a changed item to the engine operations that make it so. The only fan-out point."""

from __future__ import annotations

from kvdb.env.hlc import Stamp
from kvdb.item.value import Item
from kvdb.lsm.batch import WriteBatch
from kvdb.table import row


def add_put(batch: WriteBatch, key: bytes, new: Item, *, size_bytes: int, stamp: Stamp) -> None:
    """The row at ``key`` becomes ``new``."""
    batch.put(key, row.encode(new, size_bytes, stamp))


def add_delete(batch: WriteBatch, key: bytes) -> None:
    """The row at ``key`` goes, if it is there."""
    batch.delete(key)
