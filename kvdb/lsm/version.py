"""Version: an immutable set of sstables by level. VersionSet: the current one, and how it changes.

Level 0 holds flushed memtables, newest first, which may overlap. On every deeper level the
files do not overlap and stand in key order. For any key, what a lower-numbered level says is
newer than what a higher-numbered one says; a range delete belongs to the level of its file.
"""

from __future__ import annotations

import errno
import logging
import threading
import weakref
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final, NamedTuple, Protocol

from kvdb.env.fs import FileSystem
from kvdb.errors import CorruptionError
from kvdb.lsm.block_cache import BlockCache
from kvdb.lsm.internal_key import MISSING, Found
from kvdb.lsm.iterator import Chunk, Pair
from kvdb.lsm.manifest import (
    FileMeta,
    ManifestWriter,
    Position,
    VersionEdit,
    make_current,
)
from kvdb.lsm.memtable import Memtable
from kvdb.lsm.range_tombstone import RangeTombstones
from kvdb.lsm.sstable.bloom import key_hash
from kvdb.lsm.sstable.reader import SstableReader
from kvdb.lsm.sstable_cache import SstableCache
from kvdb.lsm.timeline import Tick, Timeline
from kvdb.metrics import Counter

_log = logging.getLogger("kvdb.lsm.version")

LEVELS: Final = 7


class Readers(Protocol):
    """Where a version gets the readers of its files."""

    find: Callable[[int], SstableReader | None]
    """The reader of a file by its number, when it is at hand."""
    looks: Counter
    """Every look of a point get into a file."""

    def open(self, meta: FileMeta) -> SstableReader: ...


class SstableReaders:
    """Opens files on first use, through the table cache; blocks go to the block cache."""

    def __init__(self, fs: FileSystem, directory: str, tables: SstableCache, blocks: BlockCache) -> None:
        self._fs = fs
        self._directory = directory
        self._tables = tables
        self.find = tables.find
        self.looks = tables.looks
        self._blocks = blocks

    def open(self, meta: FileMeta) -> SstableReader:
        """Raises what ``SstableReader`` raises."""
        reader = self.find(meta.number)
        if reader is not None:
            return reader
        fresh = SstableReader(
            self._fs,
            self._directory,
            meta.number,
            unique_id=meta.unique_id,
            size=meta.size,
            cache=self._blocks,
            ingested_seqno=meta.ingested_seqno,
        )
        return self._tables.admit(meta.number, fresh)


class FilesScan(NamedTuple):
    """Files that follow one another in key order, as a source of a scan."""

    files: tuple[FileMeta, ...]
    start: bytes
    end: bytes
    readers: Readers
    reverse: bool

    def chunks(self) -> Iterator[Chunk]:
        for reader in self._in_turn():
            yield from reader.chunks(self.start, self.end, reverse=self.reverse)

    def pages(self, seqno: int) -> Iterator[list[Pair]]:
        for reader in self._in_turn():
            yield from reader.pages(self.start, self.end, seqno, reverse=self.reverse)

    def _in_turn(self) -> Iterator[SstableReader]:
        return map(self.readers.open, reversed(self.files) if self.reverse else self.files)


@dataclass(frozen=True, eq=False)
class Version:
    """The files of every level. Held by readers; files leave the disk when no version has them."""

    levels: tuple[tuple[FileMeta, ...], ...] = ((),) * LEVELS

    @cached_property
    def limits(self) -> tuple[list[bytes], ...]:
        """For each level, where its files end: what ``bisect`` searches."""
        return tuple([meta.limit for meta in level] for level in self.levels)

    @cached_property
    def sorted_levels(self) -> tuple[int, ...]:
        """The levels below level 0 that hold something."""
        return tuple(level for level in range(1, LEVELS) if self.levels[level])

    @cached_property
    def has_ranges(self) -> bool:
        """Whether any file holds a range delete."""
        return any(meta.range_tombstones for meta in self.files())

    def files(self) -> Iterator[FileMeta]:
        for level in self.levels:
            yield from level

    def get(self, key: bytes, seqno: int, readers: Readers) -> Found:
        """The newest value of ``key`` at ``seqno`` in any file."""
        # Not before a file may have it: while all is in memory, none does.
        hashed = 0
        find, looks = readers.find, readers.looks
        for meta in self.levels[0]:
            if meta.smallest <= key < meta.limit:
                hashed = hashed or key_hash(key)
                looks.value += 1
                reader = find(meta.number) or readers.open(meta)
                get = _get if meta.range_tombstones else SstableReader.get
                found = get(reader, key, seqno, hashed)
                if found is not MISSING:
                    return found
        for level in self.sorted_levels:
            place = bisect_right(self.limits[level], key)
            files = self.levels[level]
            if place < len(files) and files[place].smallest <= key:
                meta = files[place]
                hashed = hashed or key_hash(key)
                looks.value += 1
                reader = find(meta.number) or readers.open(meta)
                get = _get if meta.range_tombstones else SstableReader.get
                found = get(reader, key, seqno, hashed)
                if found is not MISSING:
                    return found
        return MISSING

    def files_of(self, key: bytes) -> Iterator[FileMeta]:
        """The files whose range has ``key``, those with newer versions first."""
        for meta in self.levels[0]:
            if meta.smallest <= key < meta.limit:
                yield meta
        for level in self.sorted_levels:
            place = bisect_right(self.limits[level], key)
            files = self.levels[level]
            if place < len(files) and files[place].smallest <= key:
                yield files[place]

    def files_in(self, start: bytes, end: bytes) -> Iterator[FileMeta]:
        """The files that may hold something of ``[start, end)``; ``end=b""`` means no upper bound."""
        for level in range(LEVELS):
            yield from self.overlapping(level, start, end)

    def sources(self, start: bytes, end: bytes, readers: Readers, *, reverse: bool) -> list[FilesScan]:
        """One sorted source a level-0 file, and one a deeper level, that has keys of the range."""
        groups: list[tuple[FileMeta, ...]] = [(meta,) for meta in self.levels[0] if meta.overlaps(start, end)]
        for level in self.sorted_levels:
            files = self.in_range(level, start, end)
            if files:
                groups.append(files)
        return [FilesScan(files, start, end, readers, reverse) for files in groups]

    def ranges_in(self, start: bytes, end: bytes, readers: Readers) -> list[RangeTombstones]:
        """The range deletes of the files that have any in ``[start, end)``."""
        if not self.has_ranges:
            return []
        return [readers.open(meta).ranges for meta in self.files_in(start, end) if meta.range_tombstones]

    def in_range(self, level: int, start: bytes, end: bytes) -> tuple[FileMeta, ...]:
        """The files of a sorted level that may hold keys of ``[start, end)``, in key order."""
        files = self.levels[level]
        first = bisect_right(self.limits[level], start)
        last = first
        while last < len(files) and (not end or files[last].smallest < end):
            last += 1
        return files[first:last]

    def overlapping(self, level: int, start: bytes, end: bytes) -> tuple[FileMeta, ...]:
        """The files of ``level`` that may hold keys of ``[start, end)``; ``end=b""``: no upper bound."""
        if level:
            return self.in_range(level, start, end)
        return tuple(meta for meta in self.levels[0] if meta.overlaps(start, end))

    def edited(self, edit: VersionEdit) -> Version:
        """The version after ``edit``.

        Raises:
            CorruptionError: the edit removes a file that is not there, or makes files of a
                sorted level overlap.
        """
        levels = [list(level) for level in self.levels]
        for level, number in edit.removed:
            kept = [meta for meta in levels[level] if meta.number != number]
            if len(kept) != len(levels[level]) - 1:
                raise CorruptionError(f"edit removes an unknown sstable level={level} number={number}")
            levels[level] = kept
        for level, meta in edit.added:
            levels[level].append(meta)
        levels[0].sort(key=lambda meta: -meta.seqno_max)
        for level in range(1, LEVELS):
            levels[level].sort(key=lambda meta: meta.smallest)
            _require_apart(level, levels[level])
        return Version(tuple(tuple(files) for files in levels))


def _get(reader: SstableReader, key: bytes, seqno: int, hashed: int) -> Found:
    """``SstableReader.get``, and what the file's range deletes say."""
    covered = reader.ranges.covering(key, seqno)
    if not covered:
        return reader.get(key, seqno, hashed)
    for written, value in reader.versions(key):
        if covered < written <= seqno:
            return value
    # What lies deeper is older than the range delete.
    return None


def _require_apart(level: int, files: list[FileMeta]) -> None:
    for left, right in pairwise(files):
        if left.limit > right.smallest:
            raise CorruptionError(f"sstables overlap level={level} numbers={left.number},{right.number}")


class ReadState(NamedTuple):
    """All that a read needs, as one value that a single attribute read takes: no lock."""

    memtable: Memtable
    frozen: tuple[Memtable, ...]
    """Waiting to be flushed, newest first."""
    version: Version


class VersionSet:
    """The current read state, and the only way to change the set of files.

    A version is in use as long as somebody holds it: readers take a plain reference, and the
    garbage collector tells when the last one is gone.

    One lock orders the changes; it is held while a manifest record is synced.
    """

    def __init__(
        self,
        fs: FileSystem,
        directory: str,
        *,
        database_id: bytes,
        version: Version,
        manifest: ManifestWriter,
        position: Position,
        memtable: Memtable,
        timeline: Timeline,
    ) -> None:
        self.timeline = timeline
        self.state = ReadState(memtable, (), version)
        self._fs = fs
        self._directory = directory
        self._database_id = database_id
        self._manifest = manifest
        self._position = position
        self._in_use: weakref.WeakSet[Version] = weakref.WeakSet([version])
        self._in_making: set[int] = set()
        self._lock = threading.Lock()

    @property
    def is_lost(self) -> bool:
        """Whether a failed edit may or may not be on disk: no more edits, only reads."""
        return self._manifest.is_lost

    @property
    def position(self) -> Position:
        return self._position

    @property
    def manifest_number(self) -> int:
        return self._manifest.number

    def take_numbers(self, count: int = 1) -> int:
        """The first of ``count`` file numbers that nobody else gets.

        Files by these numbers are safe from deletion until an edit adds them or
        ``give_up`` is told.
        """
        with self._lock:
            first = self._position.next_number
            self._position = self._position._replace(next_number=first + count)
            self._in_making.update(range(first, first + count))
            return first

    def give_up(self, first: int, count: int = 1) -> None:
        """The numbers from ``first`` on that no edit has added will not be used."""
        with self._lock:
            self._in_making.difference_update(range(first, first + count))

    def freeze(self, fresh: Memtable) -> None:
        """Make ``fresh`` the memtable that is written to; the one before waits for its flush."""
        with self._lock:
            state = self.state
            self.state = ReadState(fresh, (state.memtable, *state.frozen), state.version)

    def apply(
        self,
        edit: VersionEdit,
        *,
        flushed: Memtable | None = None,
        wall_ms: int = 0,
        history_from: int = 0,
        last_seqno: int = 0,
    ) -> None:
        """Make an edit durable, then visible. ``flushed`` is the frozen memtable it replaces;
        ``history_from`` the oldest seqno at which reads miss nothing that the edit dropped;
        ``last_seqno`` the newest in the files that it adds, when no memtable was flushed.

        Steps: 1. the names of new files become durable; 2. the manifest record does;
        3. readers see the new version. Only then may anybody delete what the edit removed.

        Raises:
            OSError: nothing has changed; with ``is_lost`` set, the edit may be on disk all the same.
        """
        with self._lock:
            if self.is_lost:
                raise OSError(errno.EROFS, "the manifest is lost until the database is reopened")
            state = self.state
            version = state.version.edited(edit)
            position = self._position
            position = position._replace(history_from=max(position.history_from, history_from))
            frozen = state.frozen
            if flushed is not None:
                frozen = tuple(memtable for memtable in frozen if memtable is not flushed)
                oldest = frozen[-1] if frozen else state.memtable
                position = position._replace(log_number=oldest.log_number)
                last_seqno = flushed.last_seqno
            if last_seqno > position.last_seqno:
                edit = edit._replace(ticks=self.timeline.ticks(position.last_seqno, last_seqno))
                position = position._replace(last_seqno=last_seqno)
            position = position._replace(wall_ms=max(position.wall_ms, wall_ms))
            if edit.added:
                self._fs.sync_dir(self._directory)
            self._manifest.append(edit, position)
            self._position = position
            self._in_making.difference_update(meta.number for _, meta in edit.added)
            self._in_use.add(version)
            self.state = ReadState(state.memtable, frozen, version)
            if self._manifest.is_full:
                self._roll(version)

    def settled(self) -> tuple[ReadState, Position]:
        """The read state and the position that goes with it, with no edit under way."""
        with self._lock:
            return self.state, self._position

    def numbers_in_use(self) -> set[int]:
        """Every sstable that is being made, or that the reader of some version may open."""
        with self._lock:
            making = set(self._in_making)
            return making.union(meta.number for version in list(self._in_use) for meta in version.files())

    def close(self) -> None:
        self._manifest.close()

    def _roll(self, version: Version) -> None:
        """Go on in a new manifest. If it cannot be made, go on in this one: the edit is safe there."""
        number = self._position.next_number
        position = self._position._replace(next_number=number + 1)
        self._position = position
        try:
            ticks = self.timeline.ticks(0, position.last_seqno)
            writer = write_manifest(
                self._fs, self._directory, number, version, position, self._database_id, ticks
            )
        except OSError as error:
            _log.warning("manifest not rolled error=%s", error)
            return
        self._manifest.close()
        # From here on the new one may be in force already, whatever error comes.
        self._manifest = writer
        writer.is_lost = True
        make_current(self._fs, self._directory, writer, self._database_id)
        writer.is_lost = False


def write_manifest(
    fs: FileSystem,
    directory: str,
    number: int,
    version: Version,
    position: Position,
    database_id: bytes,
    ticks: tuple[Tick, ...] = (),
) -> ManifestWriter:
    """A new manifest whose first record is ``version``; durable, but not yet in force."""
    writer = ManifestWriter(fs, directory, number, database_id=database_id)
    try:
        everything = tuple((level, meta) for level, files in enumerate(version.levels) for meta in files)
        writer.append(VersionEdit(everything, ticks=ticks), position)
    except BaseException:
        writer.close()
        raise
    return writer


def start_manifest(
    fs: FileSystem,
    directory: str,
    number: int,
    version: Version,
    position: Position,
    database_id: bytes,
    ticks: tuple[Tick, ...] = (),
) -> ManifestWriter:
    """A new manifest that holds ``version`` and is in force when this returns."""
    writer = write_manifest(fs, directory, number, version, position, database_id, ticks)
    try:
        make_current(fs, directory, writer, database_id)
    except BaseException:
        writer.close()
        raise
    return writer


def key_range(files: Iterable[FileMeta]) -> tuple[bytes, bytes]:
    """The range ``[smallest, limit)`` of all ``files``, of which there is at least one."""
    present = list(files)
    return min(meta.smallest for meta in present), max(meta.limit for meta in present)
