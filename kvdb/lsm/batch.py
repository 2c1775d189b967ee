"""WriteBatch: puts and deletes that become durable and visible together, or not at all.

Byte form, which is the payload of one log record:

    payload := msgpack [key, value | nil, key, value | nil, ...]        nil deletes

The operation at place i has the seqno ``first + i``; of two operations on one key the later
one stands.
"""

from __future__ import annotations

from typing import cast

from kvdb.lsm.coding import pack, unpack

Operations = list["bytes | None"]
"""Flat: key, value or ``None``, key, value or ``None``, ..."""


class WriteBatch:
    """Collects operations; hand it to ``Engine.write`` once."""

    __slots__ = ("operations", "size_bytes")

    def __init__(self) -> None:
        self.operations: Operations = []
        self.size_bytes = 0
        """Bytes of keys and values, without their framing."""

    def put(self, key: bytes, value: bytes) -> WriteBatch:
        """Set ``key`` to ``value``."""
        self.operations += (key, value)
        self.size_bytes += len(key) + len(value)
        return self

    def delete(self, key: bytes) -> WriteBatch:
        """Remove ``key``; no error when it is absent."""
        self.operations += (key, None)
        self.size_bytes += len(key)
        return self

    @property
    def only_deletes(self) -> bool:
        """Whether nothing is put: such a batch is taken on a disk that is nearly full."""
        return not any(value is not None for value in self.operations[1::2])

    def __len__(self) -> int:
        return len(self.operations) >> 1

    def encoded(self) -> bytes:
        """The byte form."""
        return pack(self.operations)


def decode_operations(payload: bytes) -> Operations:
    """The operations of a byte form.

    Raises:
        ValueError: ``payload`` is not a batch.
    """
    operations = unpack(payload)
    if not isinstance(operations, list) or len(operations) % 2:
        raise ValueError("not a write batch")
    if not all(isinstance(key, bytes) for key in operations[0::2]):
        raise ValueError("a key of the batch is not bytes")
    if not all(value is None or isinstance(value, bytes) for value in operations[1::2]):
        raise ValueError("a value of the batch is not bytes")
    return cast(Operations, operations)
