from __future__ import annotations

from kvdb.env.hlc import Stamp
from kvdb.lsm.batch import WriteBatch
from kvdb.table import mutation, row

STAMP = Stamp(1, 2, 3)


def test_a_put_becomes_one_row():
    batch = WriteBatch()
    mutation.add_put(batch, b"key", {"a": 1}, size_bytes=3, stamp=STAMP)
    assert batch.operations == [b"key", row.encode({"a": 1}, 3, STAMP)]


def test_a_delete_becomes_one_delete():
    batch = WriteBatch()
    mutation.add_delete(batch, b"key")
    assert batch.operations == [b"key", None]
