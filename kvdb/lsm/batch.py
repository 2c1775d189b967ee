"""WriteBatch: operations that become durable and visible together, or not at all.

Byte form, which is the payload of one log record:

    payload   := msgpack [operation ...]
    operation := key, value                 put
               | key, nil                   delete
               | prefix, at                 the echo of the operation before, a put or a delete (``echo``)
               | start, [end]               delete every key of [start, end)
               | "", []                     nothing: the mark of an ingest, which takes a seqno

The operation at place i has the seqno ``first + i``; of two operations on one key the later
one stands. A stamped put has no form of its own: commit fills its key before it is encoded.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, cast

from kvdb.errors import ValidationError
from kvdb.lsm.coding import pack, unpack
from kvdb.lsm.echo import echo_key
from kvdb.options import SyncMode

Effect: TypeAlias = "bytes | list[bytes] | None"
"""What an operation does: a value puts, ``None`` deletes, ``[end]`` deletes a range."""
Operations: TypeAlias = "list[Effect]"
"""Flat: key, effect, key, effect, ... A key is bytes."""
BatchOperations: TypeAlias = "Sequence[Effect | int]"
"""The same as they stand in a batch and in the log: a number echoes."""
_Hole: TypeAlias = tuple[int, bytes, bytes]
"""A stamped put: its place in the operations, and the key around the seqno."""

INGEST_MARK: Final[Operations] = [b"", []]

_STAMP = struct.Struct(">Q")
_pack_stamp: Final = _STAMP.pack
STAMP_BYTES = _STAMP.size
"""Bytes of the seqno in the key of a stamped put, big-endian: seqno order is key order."""


class WriteBatch:
    """Collects operations; hand it to ``Engine.write`` once.

    ``guard`` is called by the commit leader when every earlier batch is applied and visible and
    no later one is. What it raises refuses this batch alone: nothing of it is written, and its
    writer gets that error. It may read the engine; it must not write, and must be quick, for
    every writer waits. A guarded batch begins a commit group, so guarded writers share no sync.

    ``sync`` asks for a stronger promise than the database's mode: ``commit`` or ``group`` in a
    database of mode interval or none syncs the log, and so all that came before, before the write
    is acknowledged. (``interval`` in mode none does so too.) A weaker one has no effect in mode
    interval, and is refused in modes commit and group, whose reads never see what is not durable.
    """

    # What few batches have stands in the class: a batch is made for every write.
    guard: Callable[[], None] | None = None
    sync: SyncMode | None = None
    holes: list[_Hole] | None = None
    """Stamped puts, whose keys commit fills."""
    traces = 0
    """Plain puts that do no more than record a delete of this batch."""

    def __init__(self) -> None:
        self.operations: list[Effect | int] = []
        self.size_bytes = 0
        """Bytes of keys and values, without their framing."""

    def put(self, key: bytes, value: bytes) -> WriteBatch:
        """Set ``key`` to ``value``."""
        operations = self.operations
        operations.append(key)
        operations.append(value)
        self.size_bytes += len(key) + len(value)
        return self

    def delete(self, key: bytes) -> WriteBatch:
        """Remove ``key``; no error when it is absent."""
        self.operations += (key, None)
        self.size_bytes += len(key)
        return self

    @property
    def only_deletes(self) -> bool:
        """Whether it deletes and puts nothing, stamped puts and traces apart: they record what is done
        to others. Such a batch is taken on a disk that is nearly full."""
        puts = sum(isinstance(effect, bytes) for effect in self.operations[1::2])
        return 2 * (puts - len(self.holes or ()) - self.traces) == 0 < len(self.operations) - 2 * puts

    def delete_range(self, start: bytes, end: bytes) -> WriteBatch:
        """Remove every key of ``[start, end)``, however many there are, at the cost of one entry.

        Raises:
            ValidationError: the range is empty, or has no end.
        """
        if start >= end:
            raise ValidationError(f"a range delete needs start < end start={start!r} end={end!r}")
        self.operations += (start, [end])
        self.size_bytes += len(start) + len(end)
        return self

    def put_stamped(self, prefix: bytes, suffix: bytes, value: bytes) -> WriteBatch:
        """Set ``prefix``, the 8-byte big-endian seqno of this operation, ``suffix`` to ``value``."""
        operations = self.operations
        hole = (len(operations), prefix, suffix)
        if self.holes is None:
            self.holes = [hole]
        else:
            self.holes.append(hole)
        # The key to be stands there when commit has filled it.
        operations.append(prefix)
        operations.append(value)
        self.size_bytes += len(prefix) + STAMP_BYTES + len(suffix) + len(value)
        return self

    def echo(self, prefix: bytes, at: int) -> WriteBatch:
        """Put, with no value, the key ``prefix``, 8-byte big-endian seqno of this operation, key of the
        operation before, which puts or deletes, from ``at`` on. Cheaper than ``put_stamped``: ``echo``."""
        operations = self.operations
        operations.append(prefix)
        operations.append(at)
        self.size_bytes += len(prefix) + STAMP_BYTES
        return self

    def put_echoed(self, key: bytes, value: bytes, prefix: bytes, at: int) -> WriteBatch:
        """``put`` and ``echo`` in one."""
        self.operations += (key, value, prefix, at)
        self.size_bytes += len(key) + len(value) + len(prefix) + STAMP_BYTES
        return self

    def stamp(self, seqno: int) -> None:
        """Fill the keys of stamped puts, the first operation having ``seqno``. The commit leader's."""
        operations = self.operations
        for place, prefix, suffix in self.holes or ():
            operations[place] = prefix + _pack_stamp(seqno + (place >> 1)) + suffix

    def __len__(self) -> int:
        return len(self.operations) >> 1

    def encoded(self) -> bytes:
        """The byte form."""
        return pack(self.operations)


def without_echoes(operations: BatchOperations, seqno: int) -> Operations:
    """The same with every echo as the put that it stands for; the first operation has ``seqno``."""
    if len(operations) == 2:
        return cast(Operations, operations)
    plain: list[Effect | int] = list(operations)
    for place in range(2, len(plain), 2):
        effect = plain[place + 1]
        if type(effect) is int:
            prefix, key = plain[place], plain[place - 2]
            assert isinstance(prefix, bytes) and isinstance(key, bytes)
            plain[place : place + 2] = echo_key(prefix, seqno + (place >> 1), key, effect), b""
    return cast(Operations, plain)


def decode_operations(payload: bytes) -> BatchOperations:
    """The operations of a byte form, echoes as they stand there.

    Raises:
        ValueError: ``payload`` is not a batch.
    """
    operations = unpack(payload)
    if (
        type(operations) is list
        and len(operations) == 2
        and type(operations[0]) is type(operations[1]) is bytes
    ):
        # One put, which most batches are.
        return cast(BatchOperations, operations)
    if not isinstance(operations, list) or len(operations) % 2:
        raise ValueError("not a write batch")
    if not all(isinstance(key, bytes) for key in operations[0::2]):
        raise ValueError("a key of the batch is not bytes")
    can_echo = False
    for start, effect in zip(operations[0::2], operations[1::2], strict=True):
        if can_echo and type(effect) is int and effect >= 0:
            can_echo = False
            continue
        can_echo = effect is None or isinstance(effect, bytes)
        if can_echo:
            continue
        if effect == [] and start == b"":
            continue
        if not isinstance(effect, list) or len(effect) != 1 or not isinstance(effect[0], bytes):
            raise ValueError("a value of the batch is not bytes")
        if start >= effect[0]:
            raise ValueError("a range of the batch is empty")
    return cast(BatchOperations, operations)
