"""Reading an archive: which points it can restore, and the way from a base to one.

The line is what is read: the newest epoch (or a chosen one), its parent up to where it went on from there,
and so on to the first. What an epoch has behind the place where its child went on is of another history,
and never taken. A line consists of runs, between which there are gaps: the log is whole inside of a run only,
so that a point needs a base in its own run, and every chunk from there.

A point is the end of a commit. A seqno inside a batch, and a millisecond, mean the last commit that is
wholly at or before them. Later than the time up to which the archive is known to be complete, there is no
point in time yet; by seqno, everything that was shipped can be restored.
"""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from kvdb.backup import archive_objects as objects
from kvdb.backup import names
from kvdb.backup.archive_objects import Chunk, Epoch, Head, Label
from kvdb.backup.manifest import Manifest, read_manifest
from kvdb.backup.names import BaseName, ChunkName
from kvdb.backup.restore import Plan
from kvdb.backup.store import BackupStore
from kvdb.errors import BackupNotFound, CorruptionError, InvalidRestoreTime
from kvdb.lsm.wal import LogRecord, read_piece

_log = logging.getLogger("kvdb.backup.archive_history")

_EPOCHS_MAX: Final = 1_000_000
_NONE: Final = -1
"""No seqno: that of an empty database is 0."""


class Segment(NamedTuple):
    """What the line has of one epoch."""

    epoch: Epoch
    end_seqno: int | None
    """Where the next epoch goes on; ``None``: this is the newest."""
    chunks: list[ChunkName]
    """In order; of some that begin at the same seqno, the longest."""
    bases: list[BaseName]

    @property
    def last_seqno(self) -> int:
        """The newest seqno that the line has of it."""
        last = self.chunks[-1].last_seqno if self.chunks else self.epoch.place.seqno
        return last if self.end_seqno is None else min(last, self.end_seqno)


class Run(NamedTuple):
    """A part of the line in which the log is whole."""

    segments: list[Segment]

    @property
    def first_seqno(self) -> int:
        """The log is there from behind this seqno on."""
        return self.segments[0].epoch.place.seqno

    @property
    def last_seqno(self) -> int:
        return self.segments[-1].last_seqno

    @property
    def bases(self) -> list[BaseName]:
        return [base for segment in self.segments for base in segment.bases]

    @property
    def first_ms(self) -> int | None:
        """From here on every time can be restored; ``None``: there is no base yet."""
        bases = self.bases
        # Before its first epoch there was nobody to say that nothing else was written.
        return max(bases[0].wall_ms, self.segments[0].epoch.created_ms) if bases else None

    @property
    def chunks(self) -> list[ChunkName]:
        """What it has of chunks; their ends may be behind where the next one begins."""
        return [chunk for segment in self.segments for chunk in segment.chunks]


class Range(NamedTuple):
    """Points that can be restored: from the first base of a run to its end."""

    first_seqno: int
    first_ms: int
    last_seqno: int
    last_ms: int
    reason: str
    """Why the run began."""


class History:
    """The line of one archive, as its listing shows it."""

    def __init__(self, store: BackupStore, database_id: bytes, head: Head | None, runs: list[Run]) -> None:
        self.store = store
        self.database_id = database_id
        self.head = head
        self.runs = runs
        """Oldest first."""
        self._complete_ms: int | None = None

    @property
    def newest(self) -> Segment:
        return self.runs[-1].segments[-1]

    @property
    def last_seqno(self) -> int:
        return self.runs[-1].last_seqno

    @property
    def complete_ms(self) -> int:
        """Up to this millisecond every write is in the archive."""
        if self._complete_ms is None:
            segment = self.newest
            of_head = self.head.complete_ms if self._is_head_mine() and self.head is not None else 0
            chunks = segment.chunks
            of_log = self.chunk(chunks[-1]).complete_ms if chunks else 0
            bases = [base.wall_ms - 1 for base in segment.bases]
            self._complete_ms = max([of_head, of_log, *bases, 0])
        return self._complete_ms

    def ranges(self) -> list[Range]:
        """What can be restored, oldest first; between two ranges there is a gap."""
        found: list[Range] = []
        for run in self.runs:
            first_ms = run.first_ms
            if first_ms is None:
                continue
            base, chunks = run.bases[0], run.chunks
            last_ms = max([first_ms, *(chunk.last_ms for chunk in chunks[-1:])])
            is_newest = run is self.runs[-1]
            found.append(
                Range(
                    base.seqno,
                    first_ms,
                    max(run.last_seqno, base.seqno),
                    max(self.complete_ms, first_ms) if is_newest else last_ms,
                    run.segments[0].epoch.reason,
                )
            )
        return found

    def point_of_label(self, label: str) -> int:
        """Raises ``InvalidRestoreTime``: there is no such label."""
        labels = [found for found in read_labels(self.store, self.database_id) if found.label == label]
        if not labels:
            raise InvalidRestoreTime(f"no such label in the archive label={label!r}")
        newest = max(labels, key=lambda found: (found.wall_ms, found.seqno))
        for run in self.runs:
            for segment in run.segments:
                if segment.epoch.epoch == newest.epoch and newest.seqno <= segment.last_seqno:
                    return newest.seqno
        raise InvalidRestoreTime(
            f"the label is of a part of the history that this archive does not have label={label!r}"
            f" seqno={newest.seqno} epoch={newest.epoch}"
        )

    def point_at(self, wall_ms: int) -> int:
        """The seqno of the last commit at or before ``wall_ms``.

        Raises:
            InvalidRestoreTime: it is later than the archive is complete, in a gap, or before all it has.
            CorruptionError: the chunk that would tell is damaged.
        """
        if wall_ms > self.complete_ms:
            raise InvalidRestoreTime(
                f"the archive is complete up to {self.complete_ms} ms, not yet to wall_ms={wall_ms}"
            )
        for run in reversed(self.runs):
            found = max(self._last_in(segment, wall_ms) for segment in run.segments)
            if found == _NONE:
                continue
            if run is not self.runs[-1] and found >= run.last_seqno:
                self._require_before_gap(run, wall_ms)
            return found
        first = min((base.wall_ms for run in self.runs for base in run.bases), default=None)
        raise InvalidRestoreTime(f"the archive begins later wall_ms={wall_ms} first={first}")

    def plan(self, seqno: int) -> Plan:
        """How to restore the last commit at or before ``seqno``. Reads the manifest and one chunk.

        Raises:
            InvalidRestoreTime: there is no base for it, a gap before it, or it was never shipped.
            CorruptionError: a chunk or a manifest on the way is missing or damaged; names it.
        """
        run = self._run_of(seqno)
        bases = [base for base in run.bases if base.seqno <= seqno]
        if not bases:
            first = min((base.seqno for base in run.bases), default=None)
            raise InvalidRestoreTime(
                f"the archive has no base at or before seqno {seqno}: it can restore from {first} on"
                f" reason={run.segments[0].epoch.reason}"
            )
        failure: CorruptionError | None = None
        for named in reversed(bases):
            try:
                manifest = self._manifest(named)
            except CorruptionError as error:
                _log.error("a base cannot be used, an older one is tried error=%s", error)
                failure = failure or error
                continue
            replay = Replay(self, run, base_seqno=manifest.seqno, seqno=seqno)
            return Plan(
                self.store, manifest, replay.seqno, manifest.size_bytes + replay.size_bytes, replay=replay
            )
        assert failure is not None
        raise failure

    def _manifest(self, named: BaseName) -> Manifest:
        base = objects.read_base(self.store, named)
        try:
            manifest, digest = read_manifest(self.store, base.backup_id)
        except BackupNotFound as error:
            name = names.manifest_name(base.backup_id)
            raise CorruptionError("manifest of the archive's base is missing", file=name) from error
        if digest != base.digest or manifest.image.database_id != self.database_id:
            name = names.manifest_name(base.backup_id)
            raise CorruptionError("manifest of the archive's base is another one", file=name)
        return manifest

    def _run_of(self, seqno: int) -> Run:
        for run in reversed(self.runs):
            if seqno < run.first_seqno:
                continue
            last = max([run.last_seqno, *(base.seqno for base in run.bases)])
            if seqno <= last:
                return run
            if run is self.runs[-1]:
                raise InvalidRestoreTime(f"seqno {seqno} is not in the archive yet: it has {last}")
            after = self.runs[self.runs.index(run) + 1]
            raise InvalidRestoreTime(
                f"seqno {seqno} is in a gap of the archive, from {last} to {after.first_seqno}"
                f" reason={after.segments[0].epoch.reason}"
            )
        raise InvalidRestoreTime(f"seqno {seqno} is before what the archive has: {self.runs[0].first_seqno}")

    def _last_in(self, segment: Segment, wall_ms: int) -> int:
        """The last commit of a segment at or before ``wall_ms``, or ``_NONE``."""
        end = segment.end_seqno
        found = max((base.seqno for base in segment.bases if base.wall_ms <= wall_ms), default=_NONE)
        place = bisect_right(segment.chunks, wall_ms, key=lambda chunk: chunk.first_ms) - 1
        if place < 0:
            return found
        named = segment.chunks[place]
        if named.last_ms <= wall_ms and (end is None or named.last_seqno <= end):
            return max(found, named.last_seqno)
        for record in records_of(self.chunk(named)):
            last = record.seqno + (len(record.operations) >> 1) - 1
            if record.wall_ms > wall_ms or (end is not None and last > end):
                break
            found = max(found, last)
        return found

    def _require_before_gap(self, run: Run, wall_ms: int) -> None:
        """Behind its last commit a run knows for a moment only that there was no other."""
        segment = run.segments[-1]
        known = [base.wall_ms - 1 for base in run.bases]
        if segment.chunks and segment.chunks[-1].last_seqno <= segment.last_seqno:
            known.append(self.chunk(segment.chunks[-1]).complete_ms)
        if wall_ms > max(known, default=0):
            after = self.runs[self.runs.index(run) + 1].segments[0].epoch
            raise InvalidRestoreTime(
                f"the archive has a gap there, up to {after.created_ms} ms wall_ms={wall_ms}"
                f" reason={after.reason}"
            )

    def chunk(self, named: ChunkName) -> Chunk:
        """A chunk, or the longer one that has taken its place since it was listed.

        Raises:
            CorruptionError: as ``read_chunk``.
        """
        try:
            return objects.read_chunk(self.store, named, self.database_id)
        except CorruptionError:
            if self.store.exists(named.name):
                raise
            for other in list_chunks(self.store, self.database_id, named.epoch):
                if other.first_seqno == named.first_seqno and other.last_seqno > named.last_seqno:
                    return objects.read_chunk(self.store, other, self.database_id)
            raise

    def _is_head_mine(self) -> bool:
        return self.head is not None and self.head.epoch == self.newest.epoch.epoch


class Replay:
    """The log from a base to a point, chunk by chunk, each proven before a record of it is handed out."""

    def __init__(self, history: History, run: Run, *, base_seqno: int, seqno: int) -> None:
        """Finds the chunks, and reads the last one.

        Raises:
            CorruptionError: one is missing or damaged; names it, or the seqnos that are missing.
            InvalidRestoreTime: a bulk load stands in between, whose content is not in the log.
        """
        self._history = history
        self._base_seqno = base_seqno
        self._chunks = _on_the_way(run, base_seqno, seqno)
        self.size_bytes = 0
        """Of the chunks; nobody has asked the store for their sizes."""
        self.seqno = base_seqno
        """Where it ends: the last commit at or before what was asked for."""
        for named, _ in self._chunks:
            if named.has_ingest:
                self._require_no_ingest(named, seqno)
        if self._chunks:
            named, end = self._chunks[-1]
            self.seqno = max(base_seqno, named.first_seqno - 1)
            for record in records_of(history.chunk(named)):
                last = record.seqno + (len(record.operations) >> 1) - 1
                if last > end:
                    break
                self.seqno = max(self.seqno, last)

    @property
    def chunk_count(self) -> int:
        return len(self._chunks)

    def records(self, on_read: Callable[[int], None]) -> Iterator[LogRecord]:
        """The commits behind the base, up to the point. ``on_read`` is told of each chunk's bytes.

        Raises:
            CorruptionError: a chunk is missing, damaged, another one, or does not fit; names it.
        """
        done = self._base_seqno
        before: Chunk | None = None
        for named, end in self._chunks:
            chunk = self._history.chunk(named)
            self._require_follows(before, chunk, named)
            on_read(len(chunk.data))
            for record in records_of(chunk):
                last = record.seqno + (len(record.operations) >> 1) - 1
                if last <= done:
                    continue
                if last > end:
                    break
                if record.seqno != done + 1:
                    raise CorruptionError(
                        f"a commit is missing in the archive's log seqno={done + 1} found={record.seqno}",
                        file=named.name,
                    )
                done = last
                yield record
            before = chunk
        if done != self.seqno:
            raise CorruptionError(f"the archive's log ends at seqno {done}, not {self.seqno}")

    def _require_follows(self, before: Chunk | None, chunk: Chunk, named: ChunkName) -> None:
        if before is not None and before.last_seqno + 1 == chunk.first_seqno and before.chain != chunk.before:
            raise CorruptionError("chunk of the archive does not follow the one before it", file=named.name)

    def _require_no_ingest(self, named: ChunkName, seqno: int) -> None:
        for ingest in self._history.chunk(named).ingests:
            if self._base_seqno < ingest <= seqno:
                raise InvalidRestoreTime(
                    f"a bulk load at seqno {ingest} is not in the log: the next base after it, and what"
                    f" follows that, can be restored; so can what is before the load seqno={seqno}"
                )


def records_of(chunk: Chunk) -> Iterator[LogRecord]:
    """The commits of a chunk, in order. Raises ``CorruptionError`` as ``lsm/wal``."""
    for number, data in chunk.split():
        yield from read_piece(data, number, database_id=chunk.database_id)


def _on_the_way(run: Run, base_seqno: int, seqno: int) -> list[tuple[ChunkName, int]]:
    """The chunks from a base to a point, and up to where each is taken.

    Raises:
        CorruptionError: one is missing.
    """
    found: list[tuple[ChunkName, int]] = []
    done = base_seqno
    for segment in run.segments:
        bound = seqno if segment.end_seqno is None else min(seqno, segment.end_seqno)
        for named in segment.chunks:
            if named.last_seqno > done and done < bound and named.first_seqno <= done + 1:
                found.append((named, bound))
                done = min(named.last_seqno, bound)
        if done < bound and (segment is run.segments[-1] or segment.end_seqno == bound or bound == seqno):
            folder = names.log_of(segment.epoch.database_id, segment.epoch.epoch)
            raise CorruptionError(f"chunk of the archive is missing seqno={done + 1}", file=folder)
    return found


def read_history(store: BackupStore, database_id: bytes, *, epoch: str | None = None) -> History:
    """The line that ends with ``epoch``, or with the newest one.

    Cost: the listings of its epochs; memory: some 400 bytes a chunk.

    Raises:
        BackupNotFound: there is no such archive, or no such epoch in it.
        CorruptionError: an epoch is damaged or missing.
    """
    epochs = epoch_ids(store, database_id)
    if not epochs or (epoch is not None and epoch not in epochs):
        raise BackupNotFound(
            f"no archive of this database database={database_id.hex()} epoch={epoch} store={store.url}"
        )
    segments: list[Segment] = []
    wanted: str | None = epoch or epochs[-1]
    end_seqno: int | None = None
    while wanted is not None and wanted in epochs:
        found = objects.read_epoch(store, database_id, wanted)
        segments.append(_segment(store, found, end_seqno))
        end_seqno = found.place.seqno if end_seqno is None else min(end_seqno, found.place.seqno)
        wanted = found.parent
    segments.reverse()
    runs: list[Run] = []
    for segment in segments:
        if segment.epoch.is_gap or not runs:
            runs.append(Run([]))
        runs[-1].segments.append(segment)
    head = objects.read_head(store, database_id)
    return History(store, database_id, head, runs)


def epoch_ids(store: BackupStore, database_id: bytes) -> list[str]:
    """Every epoch of an archive, oldest first."""
    listed = store.listed(names.epochs_of(database_id))
    found = sorted(names.id_in(stored.name) for stored in listed if names.is_ours(stored.name))
    if len(found) > _EPOCHS_MAX:
        raise CorruptionError(f"too many epochs max={_EPOCHS_MAX}", file=names.epochs_of(database_id))
    return found


def archived_databases(store: BackupStore) -> list[bytes]:
    """The databases that have an archive in a store."""
    listed = store.listed(names.ARCHIVES)
    return sorted(names.database_in(stored.name) for stored in listed if names.is_ours(stored.name))


def read_labels(store: BackupStore, database_id: bytes) -> list[Label]:
    """Every label, oldest first. A damaged one raises ``CorruptionError``."""
    listed = store.listed(names.labels_of(database_id))
    found = sorted(stored.name for stored in listed if names.is_ours(stored.name))
    return [objects.read_label(store, name) for name in found]


def _segment(store: BackupStore, epoch: Epoch, end_seqno: int | None) -> Segment:
    chunks = list_chunks(store, epoch.database_id, epoch.epoch)
    bases = list_bases(store, epoch.database_id, epoch.epoch)
    if end_seqno is not None:
        chunks = [chunk for chunk in chunks if chunk.first_seqno <= end_seqno]
        bases = [base for base in bases if base.seqno <= end_seqno]
    return Segment(epoch, end_seqno, chunks, bases)


def list_chunks(store: BackupStore, database_id: bytes, epoch: str) -> list[ChunkName]:
    """The chunks of an epoch, in order, without those that a longer one has made needless."""
    listed = store.listed(names.log_of(database_id, epoch))
    parsed = (names.parse_chunk(stored.name) for stored in listed)
    chunks = sorted(
        (chunk for chunk in parsed if chunk is not None),
        key=lambda chunk: (chunk.first_seqno, -chunk.last_seqno),
    )
    kept: list[ChunkName] = []
    for chunk in chunks:
        if not kept or chunk.last_seqno > kept[-1].last_seqno:
            kept.append(chunk)
    return kept


def list_bases(store: BackupStore, database_id: bytes, epoch: str) -> list[BaseName]:
    """The bases of an epoch, oldest first."""
    listed = store.listed(names.bases_of(database_id, epoch))
    parsed = (names.parse_base(stored.name) for stored in listed)
    return sorted((base for base in parsed if base is not None), key=lambda base: base.seqno)
