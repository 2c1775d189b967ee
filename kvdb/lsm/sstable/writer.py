"""Sorted entries -> one sstable file.

Steps, in this order: 1. data blocks as entries come; 2. filter, index, properties, footer;
3. sync the file. The *name* becomes durable only when the caller has synced the directory,
which it must before a manifest edit refers to the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from kvdb.env.fs import File
from kvdb.lsm.coding import pack
from kvdb.lsm.internal_key import SEQNO_MAX, Entry, successor
from kvdb.lsm.range_tombstone import RangeTombstone, RangeTombstones
from kvdb.lsm.sstable.block import BlockBuilder
from kvdb.lsm.sstable.bloom import BloomFilter, key_hash
from kvdb.lsm.sstable.format import BlockHandle, Footer, Properties, encoded_footer, sealed_block
from kvdb.options import Compression, EngineOptions

DIGEST_BYTES: Final = 16
_WRITE_BYTES: Final = 256 * 1024


class SstableInfo(NamedTuple):
    """What the manifest needs to know of a finished file."""

    size: int
    digest: bytes
    """BLAKE2b-128 of the whole file."""
    properties: Properties


class SstableSettings(NamedTuple):
    """How a file is built; plain values, for they cross to the worker process."""

    block_size_bytes: int
    bloom_bits_per_key: int
    compression: Compression

    @classmethod
    def of(cls, options: EngineOptions) -> SstableSettings:
        return cls(options.block_size_bytes, options.bloom_bits_per_key, options.compression)


def file_digest() -> hashlib.blake2b:
    """The hash that whole-file digests are made with."""
    return hashlib.blake2b(digest_size=DIGEST_BYTES)


def separator(last: bytes, following: bytes) -> bytes:
    """A short key ``s`` with ``last < s < following`` where there is one, else ``last``: that versions
    of ``last`` may follow in the next block is then all but certain."""
    length = min(len(last), len(following))
    common = 0
    while common < length and last[common] == following[common]:
        common += 1
    if common < length - 1 and last[common] + 1 < following[common]:
        return last[:common] + bytes([last[common] + 1])
    return successor(last) if successor(last) < following else last


class SstableWriter:
    """Builds one file. ``add`` entries in internal-key order, then ``finish``."""

    def __init__(self, file: File, settings: SstableSettings, *, unique_id: int) -> None:
        self._file = file
        self._unique_id = unique_id
        self._block_size_bytes = settings.block_size_bytes
        self._bloom_bits_per_key = settings.bloom_bits_per_key
        self._compression = settings.compression
        self._digest = file_digest()
        self._offset = 0
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._block = BlockBuilder()
        self._last: bytes | None = None
        self._smallest: bytes | None = None
        self._limit = b""
        self._ranges: list[RangeTombstone] = []
        self._hashes: list[int] = []
        self._entries = 0
        self._tombstones = 0
        self._seqno_min = SEQNO_MAX
        self._seqno_max = 0
        self._separators: list[bytes] = []
        self._handles: list[BlockHandle] = []
        self._pending: BlockHandle | None = None
        self._pending_last = b""

    @property
    def size_bytes(self) -> int:
        """How large the file is so far, the open block included."""
        return self._offset + self._block.size_bytes

    @property
    def last_key(self) -> bytes | None:
        """The key added last."""
        return self._last

    def add(self, key: bytes, seqno: int, value: bytes | None) -> None:
        """The next entry. Its internal key must be above the last one's."""
        if key != self._last:
            self._begin_key(key)
        self._block.add(key, seqno, value)
        self._entries += 1
        self._tombstones += value is None
        self._note_seqno(seqno)
        if self._block.size_bytes >= self._block_size_bytes:
            self._end_block()

    def add_range(self, tombstone: RangeTombstone) -> None:
        """A range delete; its keys need not be those of entries. In any order, at any time."""
        self._ranges.append(tombstone)
        self._widen(tombstone.start, tombstone.end)
        self._note_seqno(tombstone.seqno)

    def finish(self, *, wall_ms: int) -> SstableInfo:
        """Write what is left and make the content durable.

        Raises:
            OSError: the file is worthless.
        """
        assert self._smallest is not None, "an sstable has at least one entry or range delete"
        if self._last is not None:
            if len(self._block):
                self._end_block()
            self._index_pending_block(self._last)
            self._widen(self._last, successor(self._last))
        properties = Properties(
            entries=self._entries,
            tombstones=self._tombstones,
            range_tombstones=len(self._ranges),
            smallest=self._smallest,
            limit=self._limit,
            seqno_min=self._seqno_min,
            seqno_max=self._seqno_max,
            wall_ms=wall_ms,
        )
        footer = Footer(
            unique_id=self._unique_id,
            ranges=self._write_ranges(),
            filter=self._write_filter(),
            block_index=self._write_block(self._index_body()),
            properties=self._write_block(properties.encoded()),
        )
        self._write(encoded_footer(footer))
        self._write_through()
        self._file.sync()
        return SstableInfo(self._offset, self._digest.digest(), properties)

    def close(self) -> None:
        """Close the file, finished or not."""
        self._file.close()

    def _begin_key(self, key: bytes) -> None:
        if self._last is None:
            self._widen(key, successor(key))
        else:
            assert key > self._last, "keys out of order"
        # The separator of the block before can be chosen only when this key is known. A
        # block that ends in the middle of a key's versions keeps that key as its separator.
        if self._pending is not None and not len(self._block):
            self._index_pending_block(separator(self._pending_last, key))
        self._last = key
        if self._bloom_bits_per_key:
            self._hashes.append(key_hash(key))

    def _widen(self, start: bytes, end: bytes) -> None:
        self._smallest = start if self._smallest is None else min(self._smallest, start)
        self._limit = max(self._limit, end)

    def _note_seqno(self, seqno: int) -> None:
        self._seqno_min = min(self._seqno_min, seqno)
        self._seqno_max = max(self._seqno_max, seqno)

    def _end_block(self) -> None:
        assert self._last is not None
        if self._pending is not None:
            self._index_pending_block(self._pending_last)
        self._pending = self._write_block(self._block.body())
        self._pending_last = self._last
        self._block = BlockBuilder()

    def _index_pending_block(self, key: bytes) -> None:
        assert self._pending is not None
        self._separators.append(key)
        self._handles.append(self._pending)
        self._pending = None

    def _index_body(self) -> bytes:
        offsets = [handle.offset for handle in self._handles]
        lengths = [handle.length for handle in self._handles]
        return pack([self._separators, offsets, lengths])

    def _write_ranges(self) -> BlockHandle:
        if not self._ranges:
            return BlockHandle(0, 0)
        return self._write_block(RangeTombstones(self._ranges).encoded())

    def _write_filter(self) -> BlockHandle:
        if not self._bloom_bits_per_key or not self._hashes:
            return BlockHandle(0, 0)
        bloom = BloomFilter.build(self._hashes, len(self._hashes), bits_per_key=self._bloom_bits_per_key)
        return self._write_block(bloom.encoded(), compression="none")

    def _write_block(self, body: bytes, compression: Compression | None = None) -> BlockHandle:
        data = sealed_block(
            body,
            unique_id=self._unique_id,
            offset=self._offset,
            compression=compression or self._compression,
        )
        handle = BlockHandle(self._offset, len(data))
        self._write(data)
        return handle

    def _write(self, data: bytes) -> None:
        self._offset += len(data)
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._waiting_bytes >= _WRITE_BYTES:
            self._write_through()

    def _write_through(self) -> None:
        data = b"".join(self._waiting)
        self._digest.update(data)
        self._file.append(data)
        self._waiting.clear()
        self._waiting_bytes = 0


def write_sstable(
    create: Callable[[], File],
    entries: Iterable[Entry],
    ranges: Iterable[RangeTombstone],
    settings: SstableSettings,
    *,
    unique_id: int,
    wall_ms: int,
) -> SstableInfo:
    """All of ``entries`` and range deletes into one new file, synced and closed."""
    file = create()
    try:
        writer = SstableWriter(file, settings, unique_id=unique_id)
        for key, rank, value in entries:
            writer.add(key, SEQNO_MAX - rank, value)
        for tombstone in ranges:
            writer.add_range(tombstone)
        return writer.finish(wall_ms=wall_ms)
    finally:
        writer.close()
