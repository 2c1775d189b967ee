"""Compaction as a job: pick, merge files into files, install the edit; drop files that range
deletes have emptied.

``compact_files`` is a pure function of files to files, run in a worker process when the inputs
are worth it. What a failed or killed run leaves behind is removed; its inputs are untouched
until the edit that replaces them is durable.
"""

from __future__ import annotations

import logging
import threading
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Final, cast

from kvdb.env.env import Env
from kvdb.env.fs import FileSystem, join
from kvdb.env.worker import Plain, Task
from kvdb.errors import KvdbError
from kvdb.lsm.compaction.picker import OVERLAP_FILES_MAX, Compaction, covered, pick, pick_all
from kvdb.lsm.filenames import sstable_name
from kvdb.lsm.flush import file_meta, new_unique_id, remove_outputs
from kvdb.lsm.iterator import Chunk, merged
from kvdb.lsm.manifest import FileMeta, VersionEdit
from kvdb.lsm.range_tombstone import RangeTombstone, clipped, united
from kvdb.lsm.retention import retained, retained_ranges
from kvdb.lsm.snapshot import ReadPoints
from kvdb.lsm.sstable.reader import SstableReader
from kvdb.lsm.sstable.writer import SstableSettings, SstableWriter
from kvdb.lsm.version import Readers, Version, VersionSet
from kvdb.options import EngineOptions

_log = logging.getLogger("kvdb.lsm.compaction")

RETRY_MS: Final = 1000


def compact_files(fs: FileSystem, task: Task) -> Plain:
    """Worker: merge sstables into new ones, dropping what no snapshot sees.

    The task names inputs in groups, each group one sorted source; see ``CompactionJob``. The
    result is a list of ``FileMeta`` as lists. Outputs are synced, their names are not.
    """
    directory = cast(str, task["directory"])
    groups = cast("list[list[list[int]]]", task["groups"])
    points = ReadPoints(cast("list[int]", task["snapshots"]), cast(int, task["history_from"]))
    is_bottom = cast(bool, task["is_bottom"])
    readers = [
        [
            SstableReader(
                fs, directory, number, unique_id=unique_id, size=size, cache=None, ingested_seqno=ingested
            )
            for number, unique_id, size, ingested in group
        ]
        for group in groups
    ]
    ranges = united(reader.ranges for group in readers for reader in group)
    sources = [chain.from_iterable(reader.stored_chunks() for reader in group) for group in readers]
    outputs = _Outputs(fs, task, list(retained_ranges(ranges, points, is_bottom=is_bottom)))
    try:
        for chunk in merged(sources):
            outputs.add(retained(chunk, ranges, points, is_bottom=is_bottom))
        outputs.finish()
    except BaseException:
        outputs.remove()
        raise
    return [list(meta) for meta in outputs.metas]


class _Outputs:
    """New sstables of bounded size, and of bounded overlap with the level below, cut between keys;
    range deletes are cut where the files are."""

    def __init__(self, fs: FileSystem, task: Task, ranges: list[RangeTombstone]) -> None:
        self._ranges = ranges
        self._start = b""
        """Where the range of the file that is being written begins: all behind the files before."""
        self.metas: list[FileMeta] = []
        self._fs = fs
        self._directory = cast(str, task["directory"])
        self._places = list(
            zip(cast("list[int]", task["numbers"]), cast("list[int]", task["ids"]), strict=True)
        )
        self._size_max = cast(int, task["sstable_size_bytes"])
        self._settings = SstableSettings._make(cast("list[object]", task["settings"]))
        self._wall_ms = cast(int, task["wall_ms"])
        self._below = cast("list[tuple[bytes, int]]", task["below"])
        self._below_place = 0
        self._below_bytes = 0
        """Of the files below that the file being written has passed."""
        self._begun = 0
        self._writer: SstableWriter | None = None

    def add(self, chunk: Chunk) -> None:
        """The next entries. All versions of a key are in one chunk, so a file may end before each."""
        while chunk:
            key = chunk[0][0]
            writer = self._writer
            if writer is None:
                writer = self._begin()
            self._pass_below(key)
            if self._is_full(writer):
                self._end_file(writer, key)
                writer = self._begin()
            # Up to where the file below ends, for it may be one too many.
            is_last = self._below_place == len(self._below)
            cut = len(chunk) if is_last else bisect_left(chunk, (self._below[self._below_place][0],))
            writer.add(chunk[:cut])
            chunk = chunk[cut:]

    def finish(self) -> None:
        """End the last file; range deletes alone make one, too."""
        if self._writer is not None or self._ranges:
            self._end_file(self._writer or self._begin(), b"")

    def _end_file(self, writer: SstableWriter, end: bytes) -> None:
        number, unique_id = self._places[self._begun - 1]
        try:
            for tombstone in clipped(self._ranges, self._start, end):
                writer.add_range(tombstone)
            info = writer.finish(wall_ms=self._wall_ms)
        finally:
            self._writer = None
            writer.close()
        self._start = end
        self._below_bytes = 0
        self.metas.append(file_meta(number, unique_id, info))

    def remove(self) -> None:
        """Take away everything that was begun."""
        if self._writer is not None:
            self._writer.close()
        remove_outputs(self._fs, self._directory, [number for number, _ in self._places[: self._begun]])

    def _pass_below(self, key: bytes) -> None:
        while self._below_place < len(self._below) and self._below[self._below_place][0] <= key:
            self._below_bytes += self._below[self._below_place][1]
            self._below_place += 1

    def _is_full(self, writer: SstableWriter) -> bool:
        if writer.size_bytes < self._size_max and self._below_bytes <= OVERLAP_FILES_MAX * self._size_max:
            return False
        # The last number takes all that is left, should the estimate have been short.
        return self._begun < len(self._places) and writer.size_bytes > 0

    def _begin(self) -> SstableWriter:
        number, unique_id = self._places[self._begun]
        file = self._fs.create(join(self._directory, sstable_name(number)))
        self._begun += 1
        self._writer = SstableWriter(file, self._settings, unique_id=unique_id)
        return self._writer


class CompactionJob:
    """Job: one compaction a step, the most urgent first."""

    name = "compaction"

    def __init__(
        self,
        env: Env,
        directory: str,
        options: EngineOptions,
        versions: VersionSet,
        readers: Readers,
        read_points: Callable[[], ReadPoints],
        *,
        on_compacted: Callable[[], None],
        on_manifest_lost: Callable[[str], None],
    ) -> None:
        self._env = env
        self._directory = directory
        self._options = options
        self._versions = versions
        self._readers = readers
        self._read_points = read_points
        self._on_compacted = on_compacted
        self._on_manifest_lost = on_manifest_lost
        self._one_at_a_time = threading.Lock()
        self.choosing = threading.Lock()
        """Held while a compaction is chosen; whoever holds it may rely on ``running``."""
        self.running: Compaction | None = None
        self.last_error: str | None = None
        """Why the last try failed; ``None`` after one that did not."""
        self.is_closing = False
        """The worker is about to be ended: a failure is then no news."""

    def step(self, now_ms: int) -> int | None:
        try:
            return 0 if self._drop_covered() or self._run_one(pick) else None
        except (OSError, KvdbError) as error:
            if not self.is_closing:
                _log.error("compaction failed error=%s", error)
            self.last_error = str(error)
            return RETRY_MS

    def compact_all(self) -> None:
        """Merge everything into one sorted level, in the calling thread.

        Raises:
            OSError, KvdbError: what was done so far stays done; it may be tried again.
        """
        while self._drop_covered() or self._run_one(pick_all):
            pass

    def _run_one(self, choose: Callable[[Version, EngineOptions, int], Compaction | None]) -> bool:
        # The job's thread and a caller of compact_all must not pick the same files.
        with self._one_at_a_time:
            if self._versions.is_lost:
                return False
            points = self._read_points()
            # Known before the choice is made, so that an ingest sees it or is seen by it.
            with self.choosing:
                self.running = choose(self._versions.state.version, self._options, points.oldest)
            try:
                if self.running is not None:
                    self._run(self.running, points)
                return self.running is not None
            finally:
                self.running = None

    def _drop_covered(self) -> bool:
        """Take away files of which range deletes have left nothing that anybody may read.

        Only range deletes in sstables count: those are durable, as the removal will be.
        """
        with self._one_at_a_time:
            if self._versions.is_lost or not self._versions.state.version.has_ranges:
                return False
            points = self._read_points()
            gone = self._covered_files(points.oldest)
            if gone:
                self._apply(VersionEdit(removed=tuple((level, meta.number) for level, meta in gone)), points)
            return bool(gone)

    def _covered_files(self, upto: int) -> list[tuple[int, FileMeta]]:
        # The version is let go of here: whoever holds it keeps its files on disk.
        version = self._versions.state.version
        holders = [meta for meta in version.files() if meta.range_tombstones]
        return covered(version, united(self._readers.open(meta).ranges for meta in holders), upto)

    def _run(self, compaction: Compaction, points: ReadPoints) -> None:
        if compaction.is_move:
            self._install(compaction, compaction.upper, ReadPoints([], 0))
            return
        count = self._outputs_max(compaction)
        first = self._versions.take_numbers(count)
        try:
            result = self._env.jobs.offload(
                compact_files,
                self._env.fs,
                self._task(compaction, points, first, count),
                input_bytes=compaction.decoded_bytes,
            )
            metas = [FileMeta._make(cast("list[object]", fields)) for fields in cast("list[Plain]", result)]
            self._install(compaction, metas, points)
        except BaseException:
            # A lost edit may be on disk after all: then the files are live.
            if not self._versions.is_lost:
                remove_outputs(self._env.fs, self._directory, range(first, first + count))
            raise
        finally:
            self._versions.give_up(first, count)

    def _outputs_max(self, compaction: Compaction) -> int:
        size = self._options.sstable_size_bytes
        below_bytes = sum(meta.size for meta in compaction.below)
        return compaction.input_bytes // size + below_bytes // (OVERLAP_FILES_MAX * size) + 2

    def _task(self, compaction: Compaction, points: ReadPoints, first: int, count: int) -> Task:
        # A level-0 file is a sorted source of its own; files of one deeper level follow one another.
        groups: list[tuple[FileMeta, ...]] = [compaction.upper]
        if compaction.level == 0:
            groups = [(meta,) for meta in compaction.upper]
        if compaction.lower:
            groups.append(compaction.lower)
        return {
            "directory": self._directory,
            "groups": [
                [[meta.number, meta.unique_id, meta.size, meta.ingested_seqno] for meta in group]
                for group in groups
            ],
            "snapshots": list(points.snapshots),
            "history_from": points.history_from,
            "is_bottom": compaction.is_bottom,
            "numbers": list(range(first, first + count)),
            "ids": [new_unique_id(self._env) for _ in range(count)],
            "below": [[meta.limit, meta.size] for meta in compaction.below],
            "sstable_size_bytes": self._options.sstable_size_bytes,
            "settings": list(SstableSettings.of(self._options)),
            "wall_ms": self._env.hlc.wall_ms(),
        }

    def _install(self, compaction: Compaction, metas: Sequence[FileMeta], points: ReadPoints) -> None:
        removed = [(compaction.level, meta.number) for meta in compaction.upper]
        removed += [(compaction.output_level, meta.number) for meta in compaction.lower]
        added = tuple((compaction.output_level, meta) for meta in metas)
        self._apply(VersionEdit(added, tuple(removed)), points)

    def _apply(self, edit: VersionEdit, points: ReadPoints) -> None:
        try:
            self._versions.apply(edit, history_from=points.history_from)
        except OSError as error:
            if self._versions.is_lost:
                self._on_manifest_lost(f"manifest write failed: {error}")
            raise
        self.last_error = None
        self._on_compacted()
