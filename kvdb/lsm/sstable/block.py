"""Data blocks: sorted entries, decoded by one msgpack call, searched by ``bisect``.

    body := msgpack [[key, ...], [seqno, ...], [value | nil, ...]]      nil is a tombstone

Three columns of one length, in internal-key order. Columns, because then the keys are a list
that ``bisect`` can search in C without touching the values.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final

from kvdb.lsm.coding import pack, unpack
from kvdb.lsm.internal_key import MISSING, SEQNO_MAX, Entry, Found, KeyVersion
from kvdb.lsm.iterator import Chunk

_ENTRY_OVERHEAD_BYTES: Final = 120
"""What CPython spends on one decoded entry beside its bytes."""
_UNKNOWN: Final = -1


def block_body(entries: Chunk) -> bytes:
    """The byte form of a block that holds ``entries``."""
    keys, ranks, values = zip(*entries, strict=True)
    return pack([keys, list(map(SEQNO_MAX.__sub__, ranks)), values])


class Block:
    """A decoded block."""

    __slots__ = ("_newest_plain", "charge_bytes", "keys", "seqnos", "values", "was_read")

    def __init__(self, body: bytes) -> None:
        """Decode ``body``; ``ValueError`` when it is not a block."""
        columns = unpack(body)
        if type(columns) is not list or len(columns) != 3:
            raise ValueError("not a data block")
        keys, seqnos, values = columns
        if not type(keys) is type(seqnos) is type(values) is list:
            raise ValueError("a column of a data block is no list")
        if not len(keys) == len(seqnos) == len(values):
            raise ValueError("the columns of a data block differ")
        self.keys: list[bytes] = keys
        self.seqnos: list[int] = seqnos
        self.values: list[bytes | None] = values
        self.charge_bytes = len(body) + _ENTRY_OVERHEAD_BYTES * len(self.keys)
        self.was_read = False
        self._newest_plain = _UNKNOWN

    def get(self, key: bytes, seqno: int) -> Found:
        """The newest value of ``key`` at ``seqno`` in this block."""
        keys = self.keys
        place = bisect_left(keys, key)
        while place < len(keys) and keys[place] == key:
            if self.seqnos[place] <= seqno:
                return self.values[place]
            place += 1
        return MISSING

    def versions(self, key: bytes) -> list[KeyVersion]:
        """Every version of ``key`` in this block, newest first."""
        first, last = bisect_left(self.keys, key), bisect_right(self.keys, key)
        return list(zip(self.seqnos[first:last], self.values[first:last], strict=True))

    def seqnos_in(self, start: bytes, end: bytes) -> list[int]:
        """The seqnos of all entries with keys of ``[start, end)``."""
        last = bisect_left(self.keys, end) if end else len(self.keys)
        return self.seqnos[bisect_left(self.keys, start) : last]

    def is_plain(self, seqno: int) -> bool:
        """Whether every entry is a put, of a key of its own, and visible at ``seqno``."""
        newest = self._newest_plain
        if newest == _UNKNOWN:
            is_plain = None not in self.values and len(set(self.keys)) == len(self.keys)
            self._newest_plain = newest = max(self.seqnos) if is_plain else SEQNO_MAX
        return newest <= seqno

    def chunk(self, low: int, high: int) -> Chunk:
        """The entries between two places, with ranks."""
        ranks = map(SEQNO_MAX.__sub__, self.seqnos[low:high])
        return list(zip(self.keys[low:high], ranks, self.values[low:high], strict=True))

    def all_entries(self) -> Chunk:
        return self.chunk(0, len(self.keys))

    def entries(self) -> Iterator[Entry]:
        """Every version of every key, with ranks."""
        for key, seqno, value in zip(self.keys, self.seqnos, self.values, strict=True):
            yield key, SEQNO_MAX - seqno, value
