"""Point get and iteration over one sstable.

Opening reads the footer, the index and the filter and keeps them; data blocks are read when
needed and shared through the ``BlockCache``. Every block is verified whenever it comes from
disk. The file is closed when the last user of the reader lets go of it.
"""

from __future__ import annotations

import contextlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final, NamedTuple, cast

from kvdb.env.fs import File, FileSystem, join
from kvdb.errors import CorruptionError
from kvdb.lsm.block_cache import BlockCache
from kvdb.lsm.coding import unpack
from kvdb.lsm.filenames import sstable_name
from kvdb.lsm.internal_key import MISSING, Entry, Found, KeyVersion, successor
from kvdb.lsm.iterator import Chunk, Pair, visible
from kvdb.lsm.range_tombstone import NO_RANGES, RangeTombstones
from kvdb.lsm.sstable.block import Block
from kvdb.lsm.sstable.bloom import BloomFilter
from kvdb.lsm.sstable.format import (
    FOOTER_BYTES,
    BlockHandle,
    Footer,
    Properties,
    decoded_footer,
    opened_block,
)
from kvdb.metrics import Counter


class Stated(NamedTuple):
    """What an sstable file says of itself, where no manifest says it."""

    unique_id: int
    size: int


def stated_by(fs: FileSystem, directory: str, number: int) -> Stated:
    """The id in the footer of file ``number``, and its size: for a file without its manifest.

    Raises:
        CorruptionError, FormatTooNew: as ``SstableReader``.
    """
    file = fs.open_read(join(directory, sstable_name(number)))
    try:
        size = file.size()
        offset = max(0, size - FOOTER_BYTES)
        data = file.read_at(offset, FOOTER_BYTES)
    finally:
        file.close()
    footer = decoded_footer(data, file=sstable_name(number), offset=offset)
    return Stated(footer.unique_id, size)


_READER_BYTES: Final = 2_000
_INDEX_ENTRY_BYTES: Final = 33 + 8 + 12 + 8
"""A bytes object, its place in the list, offset and length, and the slot of the block."""
_RANGE_BYTES: Final = 250
_STORED_CHUNK_ENTRIES: Final = 128


class SstableReader:
    """One open sstable. Any number of threads may read it at once."""

    def __init__(
        self,
        fs: FileSystem,
        directory: str,
        number: int,
        *,
        unique_id: int,
        size: int,
        cache: BlockCache | None,
        only_data: bool = False,
        ingested_seqno: int = 0,
    ) -> None:
        """Open file ``number``, which the manifest says has this size and id.

        ``only_data`` reads no filter and no properties: repair does without them.

        Raises:
            CorruptionError: missing, wrong size, wrong id, or a damaged part.
            FormatTooNew: written by a later kvdb.
        """
        self.name = sstable_name(number)
        self._unique_id = unique_id
        self._ingested_seqno = ingested_seqno
        self._cache = cache
        self._slots: list[Block | None] = []
        self._hits = cache.hits if cache is not None else Counter()
        self._file = self._open(fs, directory)
        try:
            footer = self._read_footer(size)
            self._separators, self._offsets, self._lengths = self._read_index(footer.block_index)
            if not only_data:
                self.properties = self._read_properties(footer.properties)
            self._filter = None if only_data else self._read_filter(footer.filter)
            self.ranges = self._read_ranges(footer.ranges)
        except BaseException:
            self._file.close()
            raise
        self._slots = [None] * len(self._offsets)
        self.charge_bytes = self._memory()
        """What the index, the filter and the range deletes take in memory, and some for the handle."""

    def __del__(self) -> None:
        # Iterators and readers in other threads may still hold this object when the table
        # cache lets go of it or compaction drops the file; the last of them closes it.
        file = getattr(self, "_file", None)
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()

    def may_contain(self, hashed: int) -> bool:
        """Whether an entry whose key has this ``bloom.key_hash`` may be here."""
        return self._filter is None or self._filter.may_contain(hashed)

    def get(self, key: bytes, seqno: int, hashed: int) -> Found:
        """The newest value of ``key`` at ``seqno``, range deletes apart; ``hashed`` is its ``key_hash``.

        Cost: nothing where the filter knows better, else one block, seldom two.
        """
        bloom = self._filter
        if bloom is not None and not bloom.may_contain(hashed):
            return MISSING
        separators = self._separators
        place = bisect_left(separators, key)
        if place == len(separators):
            return MISSING
        # The common case, spelled out: a get of the engine spends half its time here.
        block = self._slots[place]
        if block is None:
            block = self._block(place)
        else:
            block.was_read = True
            self._hits.value += 1
        keys = block.keys
        index = bisect_left(keys, key)
        if index < len(keys) and keys[index] == key and block.seqnos[index] <= seqno:
            return block.values[index]
        return self._get_older(key, seqno, place)

    def _get_older(self, key: bytes, seqno: int, place: int) -> Found:
        separators = self._separators
        while place < len(separators):
            found = self._block(place).get(key, seqno)
            # Older versions of the key go on in the next block only if this block's
            # separator is the key itself.
            if found is not MISSING or separators[place] != key:
                return found
            place += 1
        return MISSING

    def versions(self, key: bytes) -> list[KeyVersion]:
        """Every version of ``key`` that an operation of its own made, newest first."""
        found: list[KeyVersion] = []
        for place in range(bisect_left(self._separators, key), len(self._separators)):
            found += self._block(place).versions(key)
            if self._separators[place] != key:
                break
        return found

    def has_newer(self, start: bytes, end: bytes, seqno: int) -> bool:
        """Whether a key of ``[start, end)`` has a version newer than ``seqno``, range deletes apart."""
        for place in range(bisect_left(self._separators, start), len(self._separators)):
            block = self._block(place)
            if max(block.seqnos_in(start, end), default=0) > seqno:
                return True
            if end and block.keys[-1] >= end:
                break
        return False

    def chunks(self, start: bytes, end: bytes, *, reverse: bool = False) -> Iterator[Chunk]:
        """Every version of every key in ``[start, end)``, tombstones too."""
        held: Chunk = []
        for place, low, high in self._slices(start, end, reverse):
            chunk, held = self._joined(place, low, high, held, reverse)
            if chunk:
                yield chunk
        if held:
            yield held

    def pages(self, start: bytes, end: bytes, seqno: int, *, reverse: bool = False) -> Iterator[list[Pair]]:
        """What is visible at ``seqno`` in ``[start, end)``, range deletes apart."""
        held: Chunk = []
        for place, low, high in self._slices(start, end, reverse):
            block = self._block(place)
            if not held and block.is_plain(seqno) and not self._is_split(place, block.keys):
                page = cast(
                    "list[Pair]", list(zip(block.keys[low:high], block.values[low:high], strict=True))
                )
                if reverse:
                    page.reverse()
                yield page
            else:
                chunk, held = self._joined(place, low, high, held, reverse)
                yield visible(chunk, seqno, reverse=reverse)
        if held:
            yield visible(held, seqno, reverse=reverse)

    @property
    def places(self) -> list[tuple[BlockHandle, bytes]]:
        """Each data block's handle and separator, in order: for checks."""
        handles = map(BlockHandle, self._offsets, self._lengths)
        return list(zip(handles, self._separators, strict=True))

    def block_at(self, place: int) -> Block:
        """A data block, read from disk whatever is cached.

        Raises:
            CorruptionError: it is damaged; names file and offset.
        """
        return self._read_block(place)

    @property
    def has_filter(self) -> bool:
        return self._filter is not None

    def entries(self) -> Iterator[Entry]:
        """Every version of every key, past the cache: for compaction and checks."""
        for place in range(len(self._offsets)):
            yield from self._read_block(place).entries()

    def stored_chunks(self) -> Iterator[Chunk]:
        """All of the file in chunks of some blocks, past the cache: for compaction."""
        held: Chunk = []
        last_place = len(self._separators) - 1
        for place, separator in enumerate(self._separators):
            chunk = held + self._read_block(place).all_entries()
            if len(chunk) < _STORED_CHUNK_ENTRIES and place < last_place:
                held = chunk
                continue
            last = chunk[-1][0]
            cut = bisect_left(chunk, (last,)) if separator == last else len(chunk)
            held = chunk[cut:]
            if cut:
                yield chunk[:cut]
        if held:
            yield held

    def _slices(self, start: bytes, end: bytes, reverse: bool) -> Iterator[tuple[int, int, int]]:
        """Each block with something in ``[start, end)``, and between which places of it that is."""
        separators = self._separators
        first = bisect_left(separators, start)
        last = bisect_left(separators, end) if end else len(separators) - 1
        last = min(last, len(separators) - 1)
        for place in range(last, first - 1, -1) if reverse else range(first, last + 1):
            keys = self._block(place).keys
            low = bisect_left(keys, start) if keys[0] < start else 0
            high = bisect_left(keys, end) if end and keys[-1] >= end else len(keys)
            if low < high:
                yield place, low, high

    def _is_split(self, place: int, keys: list[bytes]) -> bool:
        """Whether versions of the first or the last key may stand in the blocks beside this one."""
        separators = self._separators
        return separators[place] == keys[-1] or (place > 0 and separators[place - 1] == keys[0])

    def _joined(self, place: int, low: int, high: int, held: Chunk, reverse: bool) -> tuple[Chunk, Chunk]:
        """A part of a block as a chunk, together with what was held back from the block before;
        and what is held back now, for the next block may have more versions of its key."""
        block = self._block(place)
        part = block.chunk(low, high)
        keys = block.keys
        if reverse:
            chunk = part + held if held else part
            if low == 0 and place > 0 and self._separators[place - 1] == keys[0]:
                cut = bisect_left(chunk, (successor(keys[0]),))
                return chunk[cut:], chunk[:cut]
            return chunk, []
        chunk = held + part if held else part
        if high == len(keys) and self._separators[place] == keys[-1]:
            cut = bisect_left(chunk, (keys[-1],))
            return chunk[:cut], chunk[cut:]
        return chunk, []

    def _block(self, place: int) -> Block:
        block = self._slots[place]
        if block is not None:
            block.was_read = True
            self._hits.value += 1
            return block
        fresh = self._read_block(place)
        if self._cache is not None:
            self._cache.admit(self._slots, place, fresh)
        return fresh

    def _read_block(self, place: int) -> Block:
        offset = self._offsets[place]
        body = self._read_body(offset, self._lengths[place])
        try:
            block = Block(body)
        except ValueError as error:
            raise self._corrupt(str(error), offset) from error
        if not block.keys:
            raise self._corrupt("empty data block", offset)
        if self._ingested_seqno:
            block.seqnos = [self._ingested_seqno] * len(block.keys)
        return block

    def _read_body(self, offset: int, length: int) -> bytes:
        data = self._file.read_at(offset, length)
        if len(data) != length:
            raise self._corrupt("block runs past the end of the file", offset)
        return opened_block(data, unique_id=self._unique_id, offset=offset, file=self.name)

    def _open(self, fs: FileSystem, directory: str) -> File:
        try:
            return fs.open_read(join(directory, self.name))
        except FileNotFoundError as error:
            raise CorruptionError("sstable is missing", file=self.name) from error

    def _read_footer(self, size: int) -> Footer:
        found = self._file.size()
        if found != size:
            raise CorruptionError(f"sstable has the wrong size found={found} expected={size}", file=self.name)
        offset = max(0, size - FOOTER_BYTES)
        footer = decoded_footer(self._file.read_at(offset, FOOTER_BYTES), file=self.name, offset=offset)
        if footer.unique_id != self._unique_id:
            raise CorruptionError("sstable is another file of the same size", file=self.name, offset=offset)
        return footer

    def _memory(self) -> int:
        index = sum(map(len, self._separators)) + _INDEX_ENTRY_BYTES * len(self._separators)
        filter_bytes = self._filter.size_bytes if self._filter is not None else 0
        return _READER_BYTES + index + filter_bytes + _RANGE_BYTES * sum(1 for _ in self.ranges)

    def _read_index(self, handle: BlockHandle) -> tuple[list[bytes], array[int], array[int]]:
        try:
            columns = unpack(self._read_body(*handle))
            if not isinstance(columns, list) or len(columns) != 3:
                raise ValueError("not an index block")
            separators, offsets, lengths = columns
            if not len(separators) == len(offsets) == len(lengths):
                raise ValueError("index columns of different lengths")
            return separators, array("Q", offsets), array("I", lengths)
        except (ValueError, TypeError, OverflowError) as error:
            raise self._corrupt(str(error), handle.offset) from error

    def _read_properties(self, handle: BlockHandle) -> Properties:
        try:
            return Properties.decoded(self._read_body(*handle))
        except (ValueError, TypeError) as error:
            raise self._corrupt(str(error), handle.offset) from error

    def _read_ranges(self, handle: BlockHandle) -> RangeTombstones:
        if not handle.length:
            return NO_RANGES
        try:
            return RangeTombstones.decoded(self._read_body(*handle))
        except (ValueError, TypeError) as error:
            raise self._corrupt(str(error), handle.offset) from error

    def _read_filter(self, handle: BlockHandle) -> BloomFilter | None:
        if not handle.length:
            return None
        try:
            return BloomFilter.decoded(self._read_body(*handle))
        except ValueError as error:
            raise self._corrupt(str(error), handle.offset) from error

    def _corrupt(self, message: str, offset: int) -> CorruptionError:
        return CorruptionError(message, file=self.name, offset=offset)
