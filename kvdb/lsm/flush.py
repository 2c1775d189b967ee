"""Flush: a frozen memtable becomes one level-0 sstable, and its log is no longer needed.

Versions that were replaced in the same memtable, and that nobody may read (``retention``), do not come
that far: an item that is written over and over is stored once a flush.

A large memtable is not read by the flush at all: the worker process makes the sstable from
the sealed log file, which holds the same batches (decision 6). A small one, or one in a file
system that no other process sees, is written from memory.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, cast

from kvdb.env.env import Env
from kvdb.env.fs import FileSystem, OsFileSystem, join
from kvdb.env.worker import Plain, Task
from kvdb.errors import CorruptionError, KvdbError, is_no_room
from kvdb.lsm.filenames import log_name, sstable_name
from kvdb.lsm.internal_key import SEQNO_MAX, Entry
from kvdb.lsm.manifest import FileMeta, VersionEdit
from kvdb.lsm.memtable import Memtable
from kvdb.lsm.range_tombstone import RangeTombstone, RangeTombstones
from kvdb.lsm.retention import retained
from kvdb.lsm.snapshot import ReadPoints
from kvdb.lsm.sstable.writer import SstableInfo, SstableSettings, write_sstable
from kvdb.lsm.version import VersionSet
from kvdb.lsm.wal import LogRecord, read_log
from kvdb.options import EngineOptions

_log = logging.getLogger("kvdb.lsm.flush")

RETRY_MS: Final = 1000


def new_unique_id(env: Env) -> int:
    """64 random bits that tell one sstable from every other."""
    return int.from_bytes(env.entropy.bytes(8), "little")


def file_meta(number: int, unique_id: int, info: SstableInfo) -> FileMeta:
    """What the manifest keeps of a finished file."""
    properties = info.properties
    return FileMeta(
        number=number,
        unique_id=unique_id,
        size=info.size,
        digest=info.digest,
        smallest=properties.smallest,
        limit=properties.limit,
        entries=properties.entries,
        tombstones=properties.tombstones,
        range_tombstones=properties.range_tombstones,
        seqno_min=properties.seqno_min,
        seqno_max=properties.seqno_max,
    )


def remove_outputs(fs: FileSystem, directory: str, numbers: Iterable[int]) -> None:
    """Take away sstables that no edit has added; what cannot be removed is swept at the next open."""
    for number in numbers:
        with contextlib.suppress(OSError):
            fs.remove(join(directory, sstable_name(number)))


def write_level0(
    fs: FileSystem,
    directory: str,
    entries: Iterable[Entry],
    ranges: Iterable[RangeTombstone],
    *,
    number: int,
    unique_id: int,
    settings: SstableSettings,
    wall_ms: int,
) -> FileMeta:
    """The content of a memtable as sstable ``number``.

    Raises:
        OSError: the file, if there is one, is worthless.
    """
    info = write_sstable(
        lambda: fs.create(join(directory, sstable_name(number))),
        entries,
        ranges,
        settings,
        unique_id=unique_id,
        wall_ms=wall_ms,
    )
    return file_meta(number, unique_id, info)


def flush_log(fs: FileSystem, task: Task) -> Plain:
    """Worker: the sstable of one sealed log. Files to files; see ``Flush`` for the task."""
    directory, log_number = cast(str, task["directory"]), cast(int, task["log_number"])
    content = read_log(
        fs, directory, log_number, database_id=cast(bytes, task["database_id"]), is_newest=False
    )
    if content is None:
        raise CorruptionError("log has no opening record", file=log_name(log_number))
    entries, ranges = sorted_entries(content.records)
    points = ReadPoints(cast("list[int]", task["snapshots"]), cast(int, task["history_from"]))
    meta = write_level0(
        fs,
        directory,
        _readable(entries, RangeTombstones(ranges), points),
        ranges,
        number=cast(int, task["number"]),
        unique_id=cast(int, task["unique_id"]),
        settings=SstableSettings._make(cast(list[object], task["settings"])),
        wall_ms=max((record.wall_ms for record in content.records), default=0),
    )
    return list(meta)


def sorted_entries(records: Iterable[LogRecord]) -> tuple[list[Entry], list[RangeTombstone]]:
    """What a memtable would hold of ``records``: all versions in internal-key order, and range deletes."""
    entries: list[Entry] = []
    ranges: list[RangeTombstone] = []
    for seqno, _, operations, _ in records:
        for place in range(0, len(operations), 2):
            key, effect = operations[place], operations[place + 1]
            if TYPE_CHECKING:
                assert isinstance(key, bytes)
            if not isinstance(effect, list):
                entries.append((key, SEQNO_MAX - seqno - (place >> 1), effect))
            elif effect:
                ranges.append(RangeTombstone(key, effect[0], seqno + (place >> 1)))
    entries.sort()
    return entries, ranges


def _readable(entries: list[Entry], ranges: RangeTombstones, points: ReadPoints) -> list[Entry]:
    """Those of the entries of a memtable, in order, that somebody may read, and all that hide older ones."""
    return retained(entries, ranges, points, is_bottom=False)


class Flush:
    """Job: flush the oldest frozen memtable, one a step."""

    name = "flush"

    def __init__(
        self,
        env: Env,
        directory: str,
        options: EngineOptions,
        versions: VersionSet,
        read_points: Callable[[], ReadPoints],
        *,
        database_id: bytes,
        on_flushed: Callable[[], None],
        on_manifest_lost: Callable[[str], None],
        on_no_room: Callable[[], bool],
    ) -> None:
        self._env = env
        self._directory = directory
        self._options = options
        self._versions = versions
        self._read_points = read_points
        self._database_id = database_id
        self._on_flushed = on_flushed
        self._on_manifest_lost = on_manifest_lost
        self._on_no_room = on_no_room
        self.is_out_of_room = False
        """The last try failed because the disk is full."""
        self.last_error: str | None = None
        """Why the last try failed; ``None`` after one that did not."""
        self.is_closing = False
        """The worker is about to be ended: a failure is then no news."""

    def step(self, now_ms: int) -> int | None:
        frozen = self._versions.state.frozen
        if not frozen or self._versions.is_lost:
            return None
        try:
            self._flush(frozen[-1])
        except (OSError, KvdbError) as error:
            # The memtable stays where it is and its log stays on disk: nothing is lost,
            # and writers are refused once too many memtables wait.
            if not self.is_closing:
                _log.error("flush failed error=%s", error)
            self.last_error = str(error)
            self.is_out_of_room = is_no_room(error)
            if self._versions.is_lost:
                self._on_manifest_lost(f"manifest write failed: {error}")
            return 0 if self.is_out_of_room and self._on_no_room() else RETRY_MS
        self.last_error = None
        self.is_out_of_room = False
        self._on_flushed()
        return 0

    def _flush(self, memtable: Memtable) -> None:
        number = self._versions.take_numbers()
        # Of a frozen memtable: who takes a snapshot after this reads what is newest in it.
        points = self._read_points()
        try:
            meta = self._build(memtable, number, points)
            self._versions.apply(
                VersionEdit(added=((0, meta),)),
                flushed=memtable,
                wall_ms=self._env.hlc.wall_ms(),
                history_from=min(points.history_from, memtable.last_seqno),
            )
        except BaseException:
            # A lost edit may be on disk after all: then the file is live.
            if not self._versions.is_lost:
                remove_outputs(self._env.fs, self._directory, [number])
            raise
        finally:
            self._versions.give_up(number)

    def _build(self, memtable: Memtable, number: int, points: ReadPoints) -> FileMeta:
        unique_id = new_unique_id(self._env)
        fs = self._env.fs
        if isinstance(fs, OsFileSystem) and memtable.size_bytes >= self._options.offload_bytes_min:
            task: Task = {
                "directory": self._directory,
                "log_number": memtable.log_number,
                "database_id": self._database_id,
                "number": number,
                "unique_id": unique_id,
                "settings": list(SstableSettings.of(self._options)),
                "snapshots": list(points.snapshots),
                "history_from": points.history_from,
            }
            fields = self._env.jobs.offload(flush_log, fs, task, input_bytes=memtable.size_bytes)
            return FileMeta._make(cast(list[object], fields))
        return write_level0(
            fs,
            self._directory,
            _readable(list(memtable.entries()), memtable.ranges, points),
            memtable.ranges,
            number=number,
            unique_id=unique_id,
            settings=SstableSettings.of(self._options),
            wall_ms=self._env.hlc.wall_ms(),
        )
