"""Bulk ingest: sorted pairs straight to sstables, which one manifest edit makes visible at once.

Steps, of which only 3 and 4 hold up other writers:

    1. the pairs become sstables of the usual size; their entries have no seqno yet
    2. memtables that hold keys of their range are flushed
    3. between two commit groups: what was written to the range meanwhile is flushed; the log takes a
       mark, which has the seqno of the ingest, and is synced
    4. an edit adds the files, with that seqno for all their entries, each on the deepest level above
       which nothing overlaps it; then reads see them

A crash before the edit leaves files that nobody refers to, which the next open deletes. The mark
is durable before the edit, and with it all that was written before: an ingest is never there
without what came before it, in any sync mode.

What is ingested is not in the log. A database whose log is held for an archive loads through the log
instead (``logged_batches``): else the archive would have no way over the mark.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice, pairwise
from typing import Final

from kvdb.env.env import Env
from kvdb.env.fs import join
from kvdb.errors import ValidationError
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.compaction.picker import Compaction
from kvdb.lsm.filenames import sstable_name
from kvdb.lsm.flush import file_meta, new_unique_id, remove_outputs
from kvdb.lsm.internal_key import SEQNO_MAX
from kvdb.lsm.iterator import Pair
from kvdb.lsm.manifest import FileMeta
from kvdb.lsm.sstable.writer import SstableSettings, SstableWriter
from kvdb.lsm.version import LEVELS, Version, VersionSet, key_range
from kvdb.options import EngineOptions

NO_SEQNO: Final = 0
"""Of entries whose seqno only the manifest knows."""
BATCH_BYTES: Final = 8 * 1024 * 1024
"""Of what is loaded through the log."""
_CHUNK_PAIRS: Final = 16


def logged_batches(pairs: Iterable[Pair]) -> list[WriteBatch]:
    """``pairs`` as batches of about ``BATCH_BYTES``, which are durable once they are written.

    Raises:
        ValidationError: a key is not above the one before it.
    """
    batches: list[WriteBatch] = []
    last: bytes | None = None
    for key, value in pairs:
        _require_ascending(last, [key])
        last = key
        if not batches or batches[-1].size_bytes >= BATCH_BYTES:
            batches.append(WriteBatch())
            batches[-1].sync = "commit"
        batches[-1].put(key, value)
    return batches


class Ingest:
    """Step 1, and what it made. Memory: some blocks, and the hashes of one file's keys."""

    def __init__(self, env: Env, directory: str, options: EngineOptions, versions: VersionSet) -> None:
        self.metas: list[FileMeta] = []
        self._env = env
        self._directory = directory
        self._options = options
        self._versions = versions
        self._numbers: list[int] = []

    @property
    def range(self) -> tuple[bytes, bytes]:
        return key_range(self.metas)

    def write(self, pairs: Iterable[Pair]) -> None:
        """Files of all ``pairs``.

        Raises:
            ValidationError: a key is not above the one before it.
            OSError: what was made is worthless.
        """
        last: bytes | None = None
        writer: SstableWriter | None = None
        source = iter(pairs)
        try:
            while chunk := list(islice(source, _CHUNK_PAIRS)):
                _require_ascending(last, [key for key, _ in chunk])
                last = chunk[-1][0]
                if writer is None:
                    writer = self._begin()
                writer.add([(key, SEQNO_MAX - NO_SEQNO, value) for key, value in chunk])
                if writer.size_bytes >= self._options.sstable_size_bytes:
                    done, writer = writer, None
                    self._end(done)
            if writer is not None:
                done, writer = writer, None
                self._end(done)
        finally:
            if writer is not None:
                writer.close()

    def drop(self) -> None:
        """Take away every file that was begun: they have not been installed."""
        remove_outputs(self._env.fs, self._directory, self._numbers)

    def give_up_numbers(self) -> None:
        for number in self._numbers:
            self._versions.give_up(number)

    def _begin(self) -> SstableWriter:
        number = self._versions.take_numbers()
        self._numbers.append(number)
        self._unique_id = new_unique_id(self._env)
        file = self._env.fs.create(join(self._directory, sstable_name(number)))
        return SstableWriter(file, SstableSettings.of(self._options), unique_id=self._unique_id)

    def _end(self, writer: SstableWriter) -> None:
        try:
            info = writer.finish(wall_ms=self._env.hlc.wall_ms())
        finally:
            writer.close()
        self.metas.append(file_meta(self._numbers[-1], self._unique_id, info))


def _require_ascending(last: bytes | None, keys: list[bytes]) -> None:
    if last is not None:
        keys = [last, *keys]
    for before, key in pairwise(keys):
        if key <= before:
            raise ValidationError(f"ingest needs ascending keys key={key!r} after={before!r}")


def placed(
    version: Version, running: Compaction | None, metas: Iterable[FileMeta], seqno: int
) -> tuple[tuple[int, FileMeta], ...]:
    """Each file with the seqno of its ingest, and its level: the deepest to which nothing overlaps it,
    neither a file nor what the running compaction may yet put there."""
    return tuple(
        (
            _level_of(version, running, meta),
            meta._replace(seqno_min=seqno, seqno_max=seqno, ingested_seqno=seqno),
        )
        for meta in metas
    )


def _level_of(version: Version, running: Compaction | None, meta: FileMeta) -> int:
    level = 0
    for deeper in range(LEVELS):
        if version.overlapping(deeper, meta.smallest, meta.limit):
            break
        level = deeper
    if running is not None:
        start, end = running.range
        if meta.overlaps(start, end):
            level = min(level, max(0, running.level - 1))
    return level
