"""Sorted entries -> one sstable file. Entries come in chunks, so that most of the work is done in C.

Steps, in this order: 1. data blocks as entries come; 2. filter, index, properties, footer;
3. sync the file. The *name* becomes durable only when the caller has synced the directory,
which it must before a manifest edit refers to the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from itertools import islice
from operator import lt
from typing import Final, NamedTuple

from kvdb.env.fs import File
from kvdb.lsm.coding import pack
from kvdb.lsm.internal_key import SEQNO_MAX, Entry, successor
from kvdb.lsm.iterator import Chunk
from kvdb.lsm.range_tombstone import RangeTombstone, RangeTombstones
from kvdb.lsm.sstable.block import block_body
from kvdb.lsm.sstable.bloom import BloomFilter, key_hashes
from kvdb.lsm.sstable.format import BlockHandle, Footer, Properties, encoded_footer, sealed_block
from kvdb.options import Compression, EngineOptions

DIGEST_BYTES: Final = 16
_WRITE_BYTES: Final = 256 * 1024
_CHUNK_ENTRIES: Final = 1024


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
    """Builds one file. ``add`` chunks in internal-key order, then ``finish``."""

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
        self._open: Chunk = []
        """The entries of the block that is not full yet."""
        self._open_bytes = 0
        self._last_entry: Entry | None = None
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
        return self._offset + self._open_bytes

    def add(self, chunk: Chunk) -> None:
        """The next entries, at least one. Each internal key must be above the one before it."""
        assert self._last_entry is None or chunk[0] > self._last_entry, "entries out of order"
        assert all(map(lt, chunk, islice(chunk, 1, None))), "entries out of order"
        self._note_keys([entry[0] for entry in chunk])
        self._last_entry = chunk[-1]
        first_new = len(self._open)
        entries = self._open + chunk
        start, size, size_max = 0, self._open_bytes, self._block_size_bytes
        for place in range(first_new, len(entries)):
            key, _, value = entries[place]
            size += len(key) + 8 + (0 if value is None else len(value))
            if size >= size_max:
                self._end_block(entries[start : place + 1])
                start, size = place + 1, 0
        self._open, self._open_bytes = entries[start:], size

    def add_range(self, tombstone: RangeTombstone) -> None:
        """A range delete; its keys need not be those of entries. In any order, at any time."""
        self._ranges.append(tombstone)
        self._widen(tombstone.start, tombstone.end)
        self._note_seqnos(tombstone.seqno, tombstone.seqno)

    def finish(self, *, wall_ms: int) -> SstableInfo:
        """Write what is left and make the content durable.

        Raises:
            OSError: the file is worthless.
        """
        assert self._smallest is not None, "an sstable has at least one entry or range delete"
        if self._last_entry is not None:
            last = self._last_entry[0]
            if self._open:
                self._end_block(self._open)
            self._index_pending_block(last)
            self._widen(last, successor(last))
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

    def _note_keys(self, keys: list[bytes]) -> None:
        last = self._last_entry
        if last is None:
            self._widen(keys[0], successor(keys[0]))
        if self._bloom_bits_per_key:
            fresh: Iterable[bytes] = keys if len(set(keys)) == len(keys) else dict.fromkeys(keys)
            hashes = key_hashes(fresh)
            self._hashes += hashes[1:] if last is not None and keys[0] == last[0] else hashes

    def _widen(self, start: bytes, end: bytes) -> None:
        self._smallest = start if self._smallest is None else min(self._smallest, start)
        self._limit = max(self._limit, end)

    def _note_seqnos(self, lowest: int, highest: int) -> None:
        self._seqno_min = min(self._seqno_min, lowest)
        self._seqno_max = max(self._seqno_max, highest)

    def _end_block(self, entries: Chunk) -> None:
        # The separator of the block before can be chosen only when this key is known. A
        # block that ends in the middle of a key's versions keeps that key as its separator.
        if self._pending is not None:
            self._index_pending_block(separator(self._pending_last, entries[0][0]))
        self._pending = self._write_block(block_body(entries))
        self._pending_last = entries[-1][0]
        ranks = [entry[1] for entry in entries]
        self._note_seqnos(SEQNO_MAX - max(ranks), SEQNO_MAX - min(ranks))
        self._entries += len(entries)
        self._tombstones += [entry[2] for entry in entries].count(None)

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
        source = iter(entries)
        while chunk := list(islice(source, _CHUNK_ENTRIES)):
            writer.add(chunk)
        for tombstone in ranges:
            writer.add_range(tombstone)
        return writer.finish(wall_ms=wall_ms)
    finally:
        writer.close()
