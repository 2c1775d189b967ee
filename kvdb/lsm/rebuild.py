"""Rebuild: a database directory from an image, its sstables, and the log from there to a point.

Steps, in a new directory that is nobody's yet:

    1. the caller has put the image's sstables there, under their own names
    2. the records of the image's logs, then of the log after it, become level-0 sstables
    3. a manifest of all of them, and CURRENT
    4. IDENTITY, last: without it the directory does not open

The result is a *new* database, with an id of its own: two that go on from one past must not be
taken for each other by whatever keeps their logs.
"""

from __future__ import annotations

from typing import Final

from kvdb.env.env import Env
from kvdb.errors import CorruptionError
from kvdb.lsm.batch import INGEST_MARK
from kvdb.lsm.flush import new_unique_id, sorted_entries, write_level0
from kvdb.lsm.identity import write_identity
from kvdb.lsm.image import Image
from kvdb.lsm.manifest import FileMeta, VersionEdit
from kvdb.lsm.sstable.writer import SstableSettings
from kvdb.lsm.timeline import Timeline
from kvdb.lsm.version import Version, start_manifest
from kvdb.lsm.wal import LogRecord
from kvdb.options import EngineOptions

_SSTABLE_BYTES: Final = 64 * 1024 * 1024
"""Of what is replayed so much is in memory, and goes to one level-0 sstable."""
_RECORD_OVERHEAD_BYTES: Final = 300
_OPERATION_OVERHEAD_BYTES: Final = 50


class Rebuild:
    """A directory in the making. Memory: what one sstable is made of."""

    def __init__(self, env: Env, directory: str, image: Image, options: EngineOptions | None = None) -> None:
        self.last_seqno = image.seqno
        """The newest seqno that the database will have."""
        self._env = env
        self._directory = directory
        self._image = image
        self._settings = SstableSettings.of(options or EngineOptions())
        self._number = image.position.next_number
        self._added: list[tuple[int, FileMeta]] = []
        self._timeline = Timeline(image.ticks)
        self._records: list[LogRecord] = []
        self._bytes = 0
        self._wall_ms = image.wall_ms
        self._expected: int | None = None
        """The seqno of the next record; ``None``: before the first of the image's logs."""

    def replay_image(self, record: LogRecord) -> None:
        """A record of the image's own logs, in order."""
        if self._expected is None:
            self._expected = record.seqno
        self._apply(record)

    def end_image(self) -> None:
        """The image's logs are over.

        Raises:
            CorruptionError: they do not end where the image does.
        """
        if self._expected is not None and self._expected != self._image.seqno + 1:
            raise CorruptionError(
                f"logs of the image end at seqno {self._expected - 1} expected={self._image.seqno}"
            )
        self._expected = self._image.seqno + 1

    def replay(self, record: LogRecord) -> None:
        """A record from behind the image, in order.

        Raises:
            CorruptionError: a record is missing before it; or it is the mark of a bulk ingest, whose
                content is not in the log.
        """
        assert self._expected is not None, "end_image comes first"
        if record.operations == INGEST_MARK:
            raise CorruptionError(f"a bulk load is not in the log seqno={record.seqno}")
        self._apply(record)
        self.last_seqno = self._expected - 1

    def finish(self) -> bytes:
        """Make the directory a database; returns its id.

        Raises:
            CorruptionError: the image's files do not fit together.
        """
        self._flush()
        fs, directory = self._env.fs, self._directory
        base = self._image
        version = Version().edited(VersionEdit(tuple((file.level, file.meta) for file in base.files)))
        version = version.edited(VersionEdit(tuple(self._added)))
        position = base.position._replace(
            log_number=self._number + 1,
            next_number=self._number + 1,
            last_seqno=self.last_seqno,
            wall_ms=self._wall_ms,
        )
        database_id = self._env.entropy.bytes(16)
        ticks = self._timeline.ticks(0, self.last_seqno)
        start_manifest(fs, directory, self._number, version, position, database_id, ticks).close()
        write_identity(fs, directory, database_id)
        return database_id

    def _apply(self, record: LogRecord) -> None:
        if record.seqno != self._expected:
            raise CorruptionError(f"log record is missing seqno={record.seqno} expected={self._expected}")
        self._records.append(record)
        self._timeline.note(record.seqno, record.wall_ms)
        self._wall_ms = max(self._wall_ms, record.wall_ms)
        self._expected = record.seqno + (len(record.operations) >> 1)
        self._bytes += _RECORD_OVERHEAD_BYTES + sum(
            _OPERATION_OVERHEAD_BYTES + len(part) for part in record.operations if part is not None
        )
        if self._bytes >= _SSTABLE_BYTES:
            self._flush()

    def _flush(self) -> None:
        entries, ranges = sorted_entries(self._records)
        if entries or ranges:
            meta = write_level0(
                self._env.fs,
                self._directory,
                entries,
                ranges,
                number=self._number,
                unique_id=new_unique_id(self._env),
                settings=self._settings,
                wall_ms=self._wall_ms,
            )
            self._added.append((0, meta))
            self._number += 1
        self._records.clear()
        self._bytes = 0
