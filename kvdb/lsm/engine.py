"""Engine: an ordered, durable, versioned map of bytes. The door of this package.

Threads: any number may call anything at once. Reads take no lock: they take one ``ReadState``
and the visible seqno that goes with it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from kvdb.env.env import Env
from kvdb.env.fork import FORKED, on_fork
from kvdb.env.fs import join
from kvdb.env.jobs import JobHandle
from kvdb.errors import (
    ClosedError,
    CorruptionError,
    DiskFull,
    ReadOnlyDatabase,
    ReadOnlyDegraded,
    ServiceUnavailable,
    ValidationError,
    disk_error,
    is_no_room,
)
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.commit import Commit, Done
from kvdb.lsm.compaction.job import CompactionJob
from kvdb.lsm.compaction.picker import debt_bytes
from kvdb.lsm.filenames import log_name
from kvdb.lsm.flush import Flush
from kvdb.lsm.history import changed_since, newest_seqno, versions_of
from kvdb.lsm.ingest import Ingest, logged_batches, placed
from kvdb.lsm.internal_key import MISSING, KeyVersion
from kvdb.lsm.iterator import Pair, Source, live
from kvdb.lsm.log_feed import LogFeed
from kvdb.lsm.log_hold import LogHold, LogHolds
from kvdb.lsm.manifest import VersionEdit
from kvdb.lsm.memtable import RANGES_MAX, Memtable
from kvdb.lsm.obsolete import Needed, remove_obsolete
from kvdb.lsm.pace import PAUSE_MS, severity, step_bytes
from kvdb.lsm.pin import Pin, Pins
from kvdb.lsm.range_tombstone import united
from kvdb.lsm.recovery import recover
from kvdb.lsm.scrub import PassStatus, Scrub
from kvdb.lsm.snapshot import Snapshot, SnapshotList
from kvdb.lsm.space import Space
from kvdb.lsm.sync_job import SyncJob
from kvdb.lsm.verify import Verification, verify_in_turn, verify_version
from kvdb.lsm.version import ReadState
from kvdb.lsm.wal import LogWriter, create_log
from kvdb.options import EngineOptions, SyncMode

__all__ = ["Engine", "Snapshot", "WriteBatch"]

_log = logging.getLogger("kvdb.lsm.engine")

STALL_MS_MAX: Final = 30_000
"""A write that finds no room for this long is refused."""
_STALL_STEP_MS: Final = 100


class Engine:
    """One open database directory. Make it with ``open``; ``close`` it, or lose only what the
    sync mode allows."""

    def __init__(self, env: Env, directory: str, options: EngineOptions) -> None:
        """Open the engine; see ``open``."""
        parts = recover(env, directory, options)
        self.recovered_wall_ms = parts.wall_ms
        """The highest wall time found in log and sstables: clocks must not go behind it."""
        self._env = env
        self._directory = directory
        self._options = options
        self._memtable_bytes_max = options.memtable_size_bytes
        self._batch_bytes_max = options.batch_bytes_max
        self._is_read_only = options.read_only
        self._database_id = parts.database_id
        self._lock = parts.lock
        self._readers = parts.readers
        self._tables = parts.tables
        self._versions = parts.versions
        self._snapshots = SnapshotList(parts.versions.position.history_from)
        self._timeline = parts.timeline
        self._is_closed = False
        self._closed_reason = "the database is closed"
        self.damaged_files: frozenset[str] = frozenset()
        """The files in which a read or a check has met damage since the database was opened."""
        self._space = Space(env, directory, options)
        self._holds = LogHolds(env.fs, directory, env.metrics, on_released=self._remove_obsolete)
        self.log_hold = self._holds.take_at_open(options.log_hold_bytes)
        self._pins = Pins(env.fs, directory, parts.database_id, on_released=self._remove_obsolete)
        self._must_rotate = False
        self._hardship = 0.0
        self._pace_lock = threading.Lock()
        self._paced_bytes = 0
        """The memtable's bytes at the last pause of a writer; below 0 when that was in one before."""
        self._admitted_bytes = 0
        """The memtable's bytes when the disk was last asked after."""
        self._hand = threading.Lock()
        self._sweep_lock = threading.Lock()
        self._commit = Commit(
            env, options, self, parts.log, parts.memtable, parts.timeline, wall_ms=parts.wall_ms
        )
        self._flush = Flush(
            env,
            directory,
            options,
            self._versions,
            lambda: self._snapshots.read_points(self._history_from),
            database_id=parts.database_id,
            on_flushed=self._on_flushed,
            on_manifest_lost=self._commit.degrade,
            on_no_room=self._space.give_up_ballast,
        )
        self._compaction = CompactionJob(
            env,
            directory,
            options,
            self._versions,
            self._readers,
            lambda: self._snapshots.read_points(self._history_from),
            on_compacted=self._on_compacted,
            on_manifest_lost=self._commit.degrade,
        )
        self.log_feed = LogFeed(env, directory, parts.database_id, self._commit)
        self._scrub = self._made_scrub()
        self._start_jobs()
        self._declare_instruments()
        if options.read_only:
            self._commit.refuse(ReadOnlyDatabase(f"the database is open read-only directory={directory}"))
        else:
            self._keep_ballast()
        on_fork(self)

    @classmethod
    def open(cls, path: str, env: Env, options: EngineOptions | None = None) -> Engine:
        """Open the database directory ``path``, or make one.

        Raises:
            NotADatabase, FormatTooNew: it is not ours to open; it was not touched.
            DatabaseLocked: it is open elsewhere.
            CorruptionError: files are damaged or missing; names file and offset.
            DiskError: the file system refused a call.
        """
        try:
            return cls(env, path, options or EngineOptions())
        except OSError as error:
            raise disk_error(error, path) from error

    def get(self, key: bytes, at: Snapshot | None = None) -> bytes | None:
        """The value of ``key`` as of ``at`` (default: now), or ``None``.

        Cost: memory, or one block for each level whose bloom filter says perhaps.

        Raises:
            CorruptionError: a block failed its checksum; names file and offset.
            ClosedError: the engine or the snapshot is closed.
        """
        if at is None:
            if self._is_closed:
                raise ClosedError(self._closed_reason)
            # As ``_read_point``, spelled out: this is the shortest path there is.
            state, seqno = self._versions.state, self._commit.visible_seqno
            while state is not self._versions.state:
                state, seqno = self._versions.state, self._commit.visible_seqno
        else:
            state, seqno = self._read_point(at)
        found: object = state.memtable.get(key, seqno)
        if found is MISSING:
            for memtable in state.frozen:
                found = memtable.get(key, seqno)
                if found is not MISSING:
                    break
            else:
                try:
                    found = state.version.get(key, seqno, self._readers)
                except CorruptionError as error:
                    self._mark(error)
                    raise
                except OSError as error:
                    raise disk_error(error, self._directory) from error
        return found if isinstance(found, bytes) else None

    def scan(
        self, start: bytes, end: bytes, *, at: Snapshot | None = None, reverse: bool = False
    ) -> Iterator[Pair]:
        """Yield live ``(key, value)`` pairs with ``start <= key < end``, in byte order.

        Sees exactly what was committed at ``at`` (default: when the first pair is asked for).
        ``end=b""`` means no upper bound. ``reverse`` gives the same pairs from the other end.

        Raises:
            CorruptionError: a block failed its checksum; names file and offset.
            ClosedError: the engine or the snapshot is closed; of what one block holds, the rest
                may come before that.
        """
        return chain.from_iterable(self._pages(start, end, at, reverse))

    def _pages(self, start: bytes, end: bytes, at: Snapshot | None, reverse: bool) -> Iterator[list[Pair]]:
        state, seqno = self._read_point(at)
        memtables = (state.memtable, *state.frozen)
        sources: list[Source] = []
        for memtable in memtables:
            sources += memtable.sources(start, end, seqno, reverse=reverse)
        try:
            sources += state.version.sources(start, end, self._readers, reverse=reverse)
            deletes = [memtable.ranges for memtable in memtables]
            deletes += state.version.ranges_in(start, end, self._readers)
            for page in live(sources, united(deletes), seqno, reverse=reverse):
                if self._is_closed:
                    raise ClosedError(self._closed_reason)
                yield page
        except CorruptionError as error:
            self._mark(error)
            raise
        except OSError as error:
            raise disk_error(error, self._directory) from error

    def write(self, batch: WriteBatch) -> int:
        """Commit ``batch`` all or nothing; returns its last seqno once the sync mode's promise holds.

        Raises:
            ValidationError: the batch is larger than ``batch_bytes_max``, or asks for a weaker
                promise than the database's reads rely on.
            DiskFull: there is too little room on the disk; nothing was written.
            DiskError: an I/O error; nothing was written.
            ServiceUnavailable: background work cannot keep up; nothing was written.
            ReadOnlyDegraded: a sync failed; the outcome is unknown if it failed just now.
            ReadOnlyDatabase: it was opened with ``read_only``.
            ClosedError: the engine is closed.
            Whatever the batch's guard raised; nothing was written.
        """
        if batch.size_bytes > self._batch_bytes_max:
            raise self._too_large(batch)
        return self._commit.write(batch)

    def submit(self, batch: WriteBatch, done: Done) -> None:
        """``write`` without waiting for the disk: ``done(last_seqno, error)`` is called exactly
        once, on this thread or another, with an error of the kinds that ``write`` raises.

        Raises:
            ValidationError, DiskFull, ClosedError: as ``write``; ``done`` is not called.
        """
        if batch.size_bytes > self._batch_bytes_max:
            raise self._too_large(batch)
        if not self._is_read_only:
            self.admit(batch)
        self._commit.submit(batch, done)

    def ingest(self, pairs: Iterable[Pair]) -> int:
        """Put all ``pairs``, which ascend by key, at once and without the log: for loading in bulk.

        Writes go on meanwhile; reads see all of them or none. They are durable when this returns,
        in every sync mode, and so is all that was written before. Returns their common seqno.
        Memory: one block and 40 bytes a key of one sstable. Cost: each pair is written once.
        Where the log is held for an archive they go through it, so that the archive has them: in batches
        of ``BATCH_BYTES``, each there at once; memory: all of them; returned is the last seqno.

        Raises:
            ValidationError: a key is not above the one before it; nothing was changed.
            KvdbError: as ``write``; nothing was changed unless a sync failed.
        """
        self._require_open()
        if self._commit.failure is not None:
            raise self._commit.failure
        if self._options.log_hold_bytes:
            return max([self.last_seqno, *map(self.write, logged_batches(pairs))])
        ingest = Ingest(self._env, self._directory, self._options, self._versions)
        try:
            with self._named_errors():
                ingest.write(pairs)
                if not ingest.metas:
                    return self.last_seqno
                if self._memtables_overlap(*ingest.range):
                    self.flush()
                return self._commit.ingest(
                    lambda: self._make_way(*ingest.range), lambda seqno: self._install(ingest, seqno)
                )
        except BaseException:
            # A lost edit may be on disk after all: then the files are live.
            if not self._versions.is_lost:
                ingest.drop()
            raise
        finally:
            ingest.give_up_numbers()
            self._compaction_handle.wake()

    def snapshot(self) -> Snapshot:
        """A read point at the present; release it, for it keeps old versions on disk."""
        self._require_open()
        return self._snapshots.take(lambda: self._commit.visible_seqno)

    def snapshot_at(self, *, seqno: int | None = None, wall_ms: int | None = None) -> Snapshot:
        """A read point in the past: after ``seqno``, or after the last write of the second of
        ``wall_ms`` (see ``seqno_at``). One of the two is given. Release it.

        Raises:
            ReadPointExpired: that was before ``history_retention_ms`` ago, or before history that
                was dropped while less was kept. Where a live snapshot is, another may be taken.
            ValidationError: it lies in the future.
        """
        self._require_open()
        if (seqno is None) == (wall_ms is None):
            raise ValidationError("snapshot_at takes one of seqno and wall_ms")
        if seqno is None:
            assert wall_ms is not None
            now_ms = self._env.hlc.wall_ms()
            if wall_ms > now_ms:
                raise ValidationError(f"the read point is in the future wall_ms={wall_ms} now={now_ms}")
            seqno = self.seqno_at(wall_ms)
        elif seqno > self.last_seqno:
            raise ValidationError(f"the read point is in the future seqno={seqno} last={self.last_seqno}")
        return self._snapshots.take_at(seqno, self._history_from)

    @property
    def directory(self) -> str:
        """Where its files lie."""
        return self._directory

    @property
    def sync_mode(self) -> SyncMode:
        """When its writes are acknowledged."""
        return self._options.sync

    @property
    def database_id(self) -> bytes:
        """Of this directory alone: a restored copy has another."""
        return self._database_id

    @property
    def last_seqno(self) -> int:
        """The seqno of the newest write that reads see."""
        return self._commit.visible_seqno

    def newest_seqno(self, key: bytes) -> int | None:
        """The seqno of the newest put or delete of ``key``, by itself or in a range; ``None`` when
        none is known: it was never written, or its delete has been compacted away.

        Cost: as ``get``. Raises as ``get``.
        """
        state, _ = self._read_point(None)
        with self._named_errors():
            return newest_seqno(state, self._readers, key)

    def changed_since(self, start: bytes, end: bytes, seqno: int) -> bool:
        """Whether any key of ``[start, end)`` was put or deleted after ``seqno``.

        Exact while a snapshot at ``seqno`` or before is held, or history goes back that far; True
        otherwise, for a delete since then may have been compacted away. ``end=b""``: no bound.
        Raises as ``get``.
        """
        return self.any_changed_since(((start, end),), seqno)

    def any_changed_since(self, ranges: Iterable[tuple[bytes, bytes]], seqno: int) -> bool:
        """``changed_since`` of several ranges, looked at in the same moment."""
        state, visible = self._read_point(None)
        if seqno >= visible:
            return False
        if not self._snapshots.is_kept(seqno, self._history_from()):
            return True
        with self._named_errors():
            return changed_since(state, self._readers, ranges, seqno)

    def versions(self, key: bytes, *, before_seqno: int | None = None) -> Iterator[KeyVersion]:
        """``(seqno, value)`` of the kept versions of ``key``, newest first; ``None`` deletes.

        From the newest, or the newest older than ``before_seqno``, down to the one that was in
        force when the kept history begins. Raises as ``get``.
        """
        state, visible = self._read_point(None)
        history_from = max(self._history_from(), self._snapshots.dropped_before)
        before = visible + 1 if before_seqno is None else min(before_seqno, visible + 1)
        with self._named_errors():
            found = versions_of(state, self._readers, key, before_seqno=before, history_from=history_from)
        return iter(found)

    def wall_ms_of(self, seqno: int) -> int | None:
        """When ``seqno`` was written, to the second: the beginning of that second, or of an earlier
        one that is near (see ``timeline``). ``None`` before everything that is known."""
        return self._timeline.wall_ms_of(seqno)

    def seqno_at(self, wall_ms: int) -> int:
        """The last seqno written by the end of the second of ``wall_ms``, of those visible now."""
        seqno = self._timeline.seqno_at(wall_ms)
        visible = self.last_seqno
        return visible if seqno is None else min(seqno, visible)

    @property
    def is_read_only(self) -> bool:
        """Whether it was opened with ``read_only``; background work above the engine need not start."""
        return self._options.read_only

    @property
    def why_degraded(self) -> str | None:
        """Why writes are refused until the database is opened again; ``None``: they are not.

        A database that was opened with ``read_only`` is as it should be.
        """
        failure = self._commit.failure
        if isinstance(failure, ReadOnlyDegraded):
            return failure.message
        for name, handle in (("flush", self._flush_handle), ("compaction", self._compaction_handle)):
            if handle.error is not None:
                return f"the {name} job died: {type(handle.error).__name__}: {handle.error}"
        return None

    def pin(self) -> Pin:
        """Hold the files of this moment, so that they can be copied while writes go on. Release it.

        The copy opens as a database with exactly what is visible now.

        Raises:
            ReadOnlyDegraded, ReadOnlyDatabase: the log has no end that could be copied.
            DiskError, ClosedError
        """
        self._require_open()
        try:
            with self._commit.between_groups():
                if self._commit.failure is not None:
                    raise self._commit.failure
                return self._pins.take(self._versions, self._commit.log, wall_ms=self._commit.wall_ms)
        except OSError as error:
            raise disk_error(error, self._directory) from error

    def hold_logs(self, name: str, *, bytes_max: int) -> LogHold:
        """Keep every log from now on until its holder lets go of it, or of ``bytes_max`` of them."""
        self._require_open()
        return self._holds.take(name, bytes_max=bytes_max)

    def verify(self, *, deep: bool = False, pause_ms: int = 0) -> Verification:
        """A check of every sstable of this moment, to be stepped or run beside the database in use.

        The check holds its files until it is done or let go of. Its steps raise nothing: what is
        wrong stands in its report.
        """
        self._require_open()
        version = self._versions.state.version
        return verify_version(self._env.fs, self._directory, version, deep=deep, pause_ms=pause_ms)

    def start_check(self, *, deep: bool = False) -> PassStatus:
        """Have a job check every sstable of this moment, at full speed, beside the database in use; or
        join the check that is under way, if it is as deep."""
        self._require_open()
        status = self._scrub.start_check(deep=deep)
        self._scrub_handle.wake()
        return status

    @property
    def last_check(self) -> PassStatus | None:
        """The last check that ``start_check`` began since the database was opened."""
        return self._scrub.check

    @property
    def last_scrub(self) -> PassStatus | None:
        """The last scrub (see ``scrub``) since the database was opened."""
        return self._scrub.scrub

    def flush(self) -> None:
        """Write everything in memory to sstables. For tests, tools and before copying files.

        Raises:
            KvdbError: as ``write``.
        """
        self._require_open()
        with self._hand:
            self._must_rotate = len(self._commit.memtable) > 0
            self._set_pace()
            self._commit.write(WriteBatch())
            waited_ms = 0
            while self._versions.state.frozen:
                waited_ms = self._wait_for(self._flush_handle, waited_ms)

    def compact(self) -> None:
        """Flush, then merge everything into one sorted level. For tools and tests.

        Raises:
            KvdbError: as ``write``, or a file could not be read or written.
        """
        self.flush()
        try:
            self._compaction.compact_all()
        except OSError as error:
            raise disk_error(error, self._directory) from error

    def close(self) -> None:
        """Finish writes under way, sync the log, stop background work, let go of the lock. Idempotent.

        Raises:
            ReadOnlyDegraded: the last sync failed; everything is closed all the same.
        """
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self._commit.close()
        finally:
            # What flush and compaction have not finished is safe in the logs and the old files:
            # a close does not wait for minutes of merging, it has the worker drop it.
            self._flush.is_closing = self._compaction.is_closing = True
            handles = (self._sync_handle, self._flush_handle, self._compaction_handle, self._scrub_handle)
            for handle in handles:
                handle.begin_stop()
            self._env.jobs.interrupt()
            for handle in handles:
                handle.stop()
            self._versions.close()
            self._tables.clear()
            self._lock.release()

    def admit(self, batch: WriteBatch) -> None:
        """Before a batch joins the commit queue: is there room for it on the disk?"""
        self._space.admit(batch, batch.size_bytes)

    def make_room(self, commit: Commit, alone: WriteBatch | None) -> None:
        """By the commit leader: ask after the disk, slow down while compaction is behind, and freeze a
        full memtable once there is a place for it."""
        memtable = commit.memtable
        if alone is not None and alone.operations:
            self._space.admit(alone, max(0, memtable.size_bytes - self._admitted_bytes))
            self._admitted_bytes = memtable.size_bytes
        if self._hardship:
            self._slow_down(memtable)
        if memtable.size_bytes >= self._memtable_bytes_max or memtable.range_count >= RANGES_MAX:
            self._must_rotate = True
        if self._must_rotate:
            self._freeze(commit)
        with self._pace_lock:
            self._set_free_bytes()

    def _freeze(self, commit: Commit) -> None:
        """Go on in a new memtable and log, once there is a place for the old memtable."""
        memtable = commit.memtable
        waited_ms = 0
        while (handle := self._what_is_behind()) is not None:
            waited_ms = self._wait_for(handle, waited_ms)
        # Until a rotation has succeeded nothing more may go to the sealed log, for a successor
        # may be on disk already that says where it ends.
        self._rotate(commit)
        self._must_rotate = False
        self._admitted_bytes = 0
        self._paced_bytes -= memtable.size_bytes
        self._set_pace()
        self._flush_handle.wake()

    def _set_pace(self) -> None:
        """After every change of memtables or files: how fast writers may go from here."""
        # One at a time: else a late answer of one thread could hide what another has asked for.
        with self._pace_lock:
            self._hardship = severity(self._versions.state.version, self._options)
            self._set_free_bytes()

    def _set_free_bytes(self) -> None:
        """Up to where the commit leader need not ask: the memtable is full there, or the disk due."""
        memtable = self._commit.memtable
        is_free = not (
            self._hardship or self._must_rotate or self._space.is_low or memtable.range_count >= RANGES_MAX
        )
        self._commit.free_bytes = (
            min(self._memtable_bytes_max, memtable.size_bytes + self._space.due_in_bytes) if is_free else 0
        )

    def _slow_down(self, memtable: Memtable) -> None:
        if memtable.size_bytes - self._paced_bytes >= step_bytes(self._hardship):
            self._paced_bytes = memtable.size_bytes
            self._slowdowns.add()
            self._env.clock.sleep_ms(PAUSE_MS)

    def free_space(self) -> bool:
        """An append found no room: give up the ballast. Called by the commit leader."""
        return self._space.give_up_ballast()

    def forked(self) -> None:
        self._is_closed = True
        self._closed_reason = FORKED

    def _memtables_overlap(self, start: bytes, end: bytes) -> bool:
        state = self._versions.state
        return any(memtable.overlaps(start, end) for memtable in (state.memtable, *state.frozen))

    def _make_way(self, start: bytes, end: bytes) -> None:
        """Between two groups: no memtable may hide what is ingested."""
        if self._commit.memtable.overlaps(start, end):
            self._must_rotate = True
            self._set_pace()
            self.make_room(self._commit, None)
        waited_ms = 0
        while self._memtables_overlap(start, end):
            waited_ms = self._wait_for(self._flush_handle, waited_ms)

    def _install(self, ingest: Ingest, seqno: int) -> None:
        with self._compaction.choosing:
            added = placed(self._versions.state.version, self._compaction.running, ingest.metas, seqno)
            try:
                self._versions.apply(
                    VersionEdit(added), last_seqno=seqno, wall_ms=self._timeline.wall_ms_of(seqno) or 0
                )
            except OSError as error:
                if not self._versions.is_lost:
                    raise
                self._commit.degrade(f"manifest write failed: {error}")
                assert self._commit.failure is not None
                raise self._commit.failure from error
        self._set_pace()

    def _rotate(self, commit: Commit) -> None:
        commit.seal()
        try:
            log = self._next_log(commit)
        except OSError as error:
            if not is_no_room(error) or not self._space.give_up_ballast():
                raise disk_error(error, self._directory) from error
            try:
                log = self._next_log(commit)
            except OSError as second:
                raise disk_error(second, self._directory) from second
        memtable = Memtable(log.number)
        self._holds.sealed(commit.log.number, commit.log.size)
        commit.rotate(log, memtable)
        self._versions.freeze(memtable)

    def _next_log(self, commit: Commit) -> LogWriter:
        number = self._versions.take_numbers()
        try:
            return create_log(
                self._env.fs,
                self._directory,
                number,
                database_id=self._database_id,
                sync_mode=self._options.sync,
                base_seqno=commit.log.last_seqno,
                previous=commit.log.as_predecessor(),
                pad_bytes=self._options.log_pad_bytes,
            )
        except OSError:
            with contextlib.suppress(OSError):
                self._env.fs.remove(join(self._directory, log_name(number)))
            raise
        finally:
            self._versions.give_up(number)

    def _what_is_behind(self) -> JobHandle | None:
        """The job that must catch up before another memtable may be frozen."""
        state = self._versions.state
        if len(state.frozen) >= self._options.frozen_memtables_max:
            return self._flush_handle
        if severity(state.version, self._options) >= 1.0:
            return self._compaction_handle
        return None

    def _wait_for(self, handle: JobHandle, waited_ms: int) -> int:
        """Let ``handle`` do a step; returns how long this caller has waited by then.

        Raises:
            ReadOnlyDegraded: the engine has stopped writing.
            DiskFull: there is no room for what waits to be flushed; the flush is tried again in a while.
            ServiceUnavailable: the job is dead, or has not caught up in ``STALL_MS_MAX``.
        """
        if self._commit.failure is not None:
            raise self._commit.failure
        if self._space.is_low and self._flush.is_out_of_room:
            raise DiskFull(f"no room on the disk to flush to: {self._flush.last_error}")
        reason = handle.error or self._flush.last_error or self._compaction.last_error
        if handle.error is not None or waited_ms >= STALL_MS_MAX:
            raise ServiceUnavailable(f"writes stall, background work is behind: {reason or 'too much to do'}")
        self._stalls.add()
        before = self._env.clock.monotonic_ns()
        handle.help(_STALL_STEP_MS)
        spent_ms = (self._env.clock.monotonic_ns() - before) // 1_000_000
        # A job that fails at once and asks for a pause must not be hurried, nor waited for forever.
        if reason is not None and spent_ms < _STALL_STEP_MS:
            self._env.clock.sleep_ms(_STALL_STEP_MS - spent_ms)
        return waited_ms + max(spent_ms, 1 if reason is None else _STALL_STEP_MS)

    def _read_point(self, at: Snapshot | None) -> tuple[ReadState, int]:
        self._require_open()
        versions = self._versions
        if at is not None:
            if at.is_released:
                raise ClosedError("the snapshot was released")
            return versions.state, at.seqno
        # State and seqno must belong together. A newer state may have dropped what an older
        # seqno needs, an older state lacks what a newer seqno promises; so read again until
        # the state did not change while the seqno was read.
        while True:
            state = versions.state
            seqno = self._commit.visible_seqno
            if state is versions.state:
                return state, seqno

    def _history_from(self) -> int:
        """The oldest seqno at which history is kept for reads, snapshots apart."""
        retention_ms = self._options.history_retention_ms
        if not retention_ms:
            return self.last_seqno
        return self.seqno_at(self._env.hlc.wall_ms() - retention_ms)

    @contextlib.contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except CorruptionError as error:
            self._mark(error)
            raise
        except OSError as error:
            raise disk_error(error, self._directory) from error

    def _mark(self, error: CorruptionError) -> None:
        """A read met damage: that read fails, others go on, and operators are told once a file."""
        if error.file not in self.damaged_files:
            self._mark_file(error.file)
            _log.error("damage met by a read, other files go on error=%s", error)

    def _start_jobs(self) -> None:
        jobs, options = self._env.jobs, self._options
        self._flush_handle = jobs.add(self._flush)
        self._compaction_handle = jobs.add(self._compaction)
        self._sync_handle = jobs.add(SyncJob(self._commit, options.sync_interval_ms))
        self._scrub_handle = jobs.add(self._scrub)
        if options.sync == "interval":
            self._sync_handle.wake()
        self._compaction_handle.wake()
        if options.scrub_period_ms:
            self._scrub_handle.wake()

    def _made_scrub(self) -> Scrub:
        env, options = self._env, self._options
        return Scrub(
            env,
            period_ms=options.scrub_period_ms,
            check=lambda deep: self.verify(deep=deep),
            in_turn=lambda: verify_in_turn(env.fs, self._directory, lambda: self._versions.state.version),
            bytes_total=self._sstable_bytes,
            on_damage=lambda finding: self._mark_file(finding.file),
            on_end=(lambda: None) if options.read_only else self._remove_obsolete,
        )

    def _mark_file(self, name: str) -> None:
        self.damaged_files |= {name}

    def _sstable_bytes(self) -> int:
        return sum(meta.size for meta in self._versions.state.version.files())

    def _keep_ballast(self) -> None:
        self._space.keep_ballast(self._sstable_bytes())

    def _on_compacted(self) -> None:
        self._set_pace()
        self._remove_obsolete()

    def _on_flushed(self) -> None:
        self._set_pace()
        self._remove_obsolete()
        self._keep_ballast()
        self._compaction_handle.wake()

    def _remove_obsolete(self) -> None:
        # Flush and compaction both come here, each from its own thread.
        with self._sweep_lock:
            try:
                for number in remove_obsolete(self._env.fs, self._directory, self._needed):
                    self._tables.drop(number)
            except OSError as error:
                _log.warning("cannot look for obsolete files error=%s", error)

    def _needed(self) -> Needed:
        versions = self._versions
        needed = versions.position.log_number
        held = self._holds.lowest_log(needed, is_room_low=self._space.is_low)
        log_number = self._pins.lowest_log(min(needed, held))
        return Needed(versions.numbers_in_use(), log_number, versions.manifest_number)

    def _require_open(self) -> None:
        if self._is_closed:
            raise ClosedError(self._closed_reason)

    def _too_large(self, batch: WriteBatch) -> ValidationError:
        return ValidationError(
            f"write batch is too large bytes={batch.size_bytes} max={self._batch_bytes_max}"
        )

    def _declare_instruments(self) -> None:
        self._slowdowns = self._env.metrics.counter("lsm_write_slowdowns_total")
        self._stalls = self._env.metrics.counter("lsm_write_stalls_total")
        gauge = self._env.metrics.gauge
        gauge("lsm_damaged_files").read_by(lambda: len(self.damaged_files))
        gauge("lsm_memtable_bytes").read_by(lambda: self._commit.memtable.size_bytes)
        gauge("lsm_frozen_memtables").read_by(lambda: len(self._versions.state.frozen))
        gauge("lsm_level0_sstables").read_by(lambda: len(self._versions.state.version.levels[0]))
        gauge("lsm_compaction_debt_bytes").read_by(
            lambda: debt_bytes(self._versions.state.version, self._options)
        )
        gauge("lsm_sstable_bytes").read_by(self._sstable_bytes)
