"""Echoes: entries that repeat the key of another operation of their batch under a prefix and their seqno.

    operation  := prefix, at               right after an operation on ``key``
    stands for    prefix · u64:seqno · key[at:], with an empty value

They tell in what order keys were written, at a fraction of what a put costs: in the log such an operation
is the prefix and a small number, in memory a reference to a key that is there already, at the end of a list:
echoes of one prefix come in the order of their keys. Sstables hold them as the entries they stand for.

Invariant: nobody else puts a key that an echo may have; deleting them is free to all.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple

from kvdb.lsm.internal_key import SEQNO_MAX, Entry
from kvdb.lsm.iterator import Chunk, Pair, visible

_pack_seqno: Final = struct.Struct(">Q").pack
SEQNO_BYTES: Final = 8
ECHO_BYTES: Final = 130
"""What CPython spends on one echo: two places in lists, a number, and a key where that is a copy."""
_FIRST_CHUNK_ECHOES: Final = 32
_CHUNK_ECHOES_MAX: Final = 256


def echo_key(prefix: bytes, seqno: int, key: bytes, at: int) -> bytes:
    """The key that an echo stands for."""
    return prefix + _pack_seqno(seqno) + key[at:]


class EchoRun:
    """The echoes of one prefix in one memtable, in order. One writer, any number of readers."""

    __slots__ = ("at", "end", "keys", "prefix", "seqnos")

    def __init__(self, prefix: bytes, at: int) -> None:
        self.prefix = prefix
        self.at = at
        # No seqno has its first byte set.
        self.end = prefix + b"\x01"
        """Above all its keys."""
        # Added to by ``add``, or by who spells it out.
        self.keys: list[bytes] = []
        self.seqnos: list[int] = []

    def __len__(self) -> int:
        return len(self.seqnos)

    def add(self, key: bytes, seqno: int) -> None:
        """``seqno`` is above all that are there."""
        # The key first: who finds the seqno looks for the key.
        self.keys.append(key)
        self.seqnos.append(seqno)

    def seqno_of(self, key: bytes) -> int:
        """The seqno of the echo that stands for ``key``; 0 for none."""
        if not key.startswith(self.prefix):
            return 0
        place = self._place(key)
        return self.seqnos[place] if place < len(self) and self._key_at(place) == key else 0

    def newest_in(self, start: bytes, end: bytes) -> int:
        """The seqno of the newest one of ``[start, end)``; 0 for none."""
        first, last = self._places(start, end)
        return self.seqnos[last - 1] if first < last else 0

    def entries(self) -> Iterator[Entry]:
        """All of them, in order."""
        for chunk in self.chunks(b"", b"", SEQNO_MAX, reverse=False):
            yield from chunk

    def chunks(self, start: bytes, end: bytes, seqno: int, *, reverse: bool) -> Iterator[Chunk]:
        """Those of ``[start, end)`` up to ``seqno``."""
        first, last = self._places(start, end)
        last = min(last, bisect_right(self.seqnos, seqno))
        count = _FIRST_CHUNK_ECHOES
        while first < last:
            if reverse:
                last, place = max(first, last - count), last
                yield self._chunk(last, place)
            else:
                first, place = min(last, first + count), first
                yield self._chunk(place, first)
            count = min(2 * count, _CHUNK_ECHOES_MAX)

    def _chunk(self, first: int, last: int) -> Chunk:
        prefix, at = self.prefix, self.at
        return [
            (prefix + _pack_seqno(seqno) + key[at:], SEQNO_MAX - seqno, b"")
            for seqno, key in zip(self.seqnos[first:last], self.keys[first:last], strict=True)
        ]

    def _places(self, start: bytes, end: bytes) -> tuple[int, int]:
        return self._place(start), self._place(end) if end else len(self)

    def _place(self, bound: bytes) -> int:
        """Of the first one whose key is not below ``bound``."""
        if not bound.startswith(self.prefix):
            return 0 if bound < self.prefix else len(self)
        begin = len(self.prefix)
        seqno = int.from_bytes(bound[begin : begin + SEQNO_BYTES].ljust(SEQNO_BYTES, b"\0"), "big")
        place = bisect_left(self.seqnos, seqno)
        return place + 1 if place < len(self) and self._key_at(place) < bound else place

    def _key_at(self, place: int) -> bytes:
        return echo_key(self.prefix, self.seqnos[place], self.keys[place], self.at)


class EchoScan(NamedTuple):
    """A run as a source of a scan."""

    run: EchoRun
    start: bytes
    end: bytes
    seqno: int
    reverse: bool

    def chunks(self) -> Iterator[Chunk]:
        return self.run.chunks(self.start, self.end, self.seqno, reverse=self.reverse)

    def pages(self, seqno: int) -> Iterator[list[Pair]]:
        return (visible(chunk, seqno, reverse=self.reverse) for chunk in self.chunks())
