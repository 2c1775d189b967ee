"""Opening a directory: whatever a crash left becomes a consistent engine, or a clear refusal.

Steps of ``recover``, each safe to repeat after a crash in it:

    1. look, without touching: is it ours, empty, or a stranger's? Newer than we are?
    2. take LOCK; make a new database if there is none (IDENTITY, manifest, CURRENT, in that order)
    3. CURRENT -> manifest -> version; every live sstable is opened: size, id, footer
    4. the chain of logs, from the newest back to the manifest's log number, each link checked
    5. replay them, oldest first, each into a level-0 sstable of its own, synced
    6. a new manifest that adds those and needs no log below a new number; CURRENT
    7. the new log
    8. delete what the new manifest does not need

Step 5 writes the log's content to a *new* file: after a failed sync the page cache may show
bytes that the disk lacks, so an old log is never relied on again. A torn tail is copied to
``quarantine/`` first. Nothing is deleted before what replaces it is durable.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass

from kvdb.env.env import Env
from kvdb.env.fs import FileSystem, Lock, join, write_atomic
from kvdb.errors import CorruptionError, NotADatabase
from kvdb.lsm.block_cache import BlockCache
from kvdb.lsm.filenames import (
    CURRENT,
    IDENTITY,
    QUARANTINE,
    RESTORING,
    FileName,
    log_name,
    parse,
)
from kvdb.lsm.flush import new_unique_id, sorted_entries, write_level0
from kvdb.lsm.identity import (
    kind_of,
    lock_for_reading,
    lock_for_writing,
    read_identity,
    require_local,
    require_ours,
    write_identity,
)
from kvdb.lsm.log_chain import LogChain
from kvdb.lsm.manifest import FileMeta, NoManifest, Position, VersionEdit, read_current, read_manifest
from kvdb.lsm.memtable import Memtable
from kvdb.lsm.obsolete import Needed, remove_obsolete
from kvdb.lsm.sstable.writer import SstableSettings
from kvdb.lsm.sstable_cache import SstableCache
from kvdb.lsm.timeline import Timeline
from kvdb.lsm.version import SstableReaders, Version, VersionSet, start_manifest
from kvdb.lsm.wal import LogContent, LogWriter, NoLog, Predecessor, create_log
from kvdb.options import EngineOptions

_log = logging.getLogger("kvdb.lsm.recovery")


@dataclass(slots=True)
class Recovered:
    """An engine's parts, ready to run."""

    lock: Lock
    database_id: bytes
    versions: VersionSet
    readers: SstableReaders
    tables: SstableCache
    log: LogWriter
    memtable: Memtable
    timeline: Timeline
    wall_ms: int
    """The highest wall time that anything durable carries."""


def recover(env: Env, directory: str, options: EngineOptions) -> Recovered:
    """Open or create the database in ``directory``.

    Raises:
        NotADatabase: the directory holds something else; it was not touched.
        FormatTooNew: it was written by a later kvdb; it was not touched.
        DatabaseLocked: it is open elsewhere.
        CorruptionError: a file is missing or damaged in a way that no crash explains.
        OSError: the file system refused a call.
    """
    if options.read_only:
        return _recover_read_only(env, directory, options)
    fs = env.fs
    require_ours(fs, directory)
    _make_dirs(fs, directory)
    require_local(fs, directory, options)
    lock = lock_for_writing(fs, directory, env.clock.wall_ms())
    try:
        # Another process may have made or changed the database before we had the lock.
        require_ours(fs, directory)
        if not fs.exists(join(directory, CURRENT)):
            _create(env, directory)
        return _Recovery(env, directory, options, lock).run()
    except BaseException:
        lock.release()
        raise


def _recover_read_only(env: Env, directory: str, options: EngineOptions) -> Recovered:
    """As ``recover``, of an existing database, without writing anything anywhere."""
    fs = env.fs
    require_ours(fs, directory)
    if not fs.exists(join(directory, IDENTITY)):
        raise NotADatabase(f"no database to open read-only directory={directory}")
    lock = lock_for_reading(fs, directory)
    try:
        if not fs.exists(join(directory, CURRENT)):
            raise CorruptionError("CURRENT is missing", file=CURRENT)
        return _ReadOnlyRecovery(env, directory, options, lock).run()
    except BaseException:
        lock.release()
        raise


def _make_dirs(fs: FileSystem, directory: str) -> None:
    missing = []
    path = directory.rstrip("/")
    while path and not fs.exists(path):
        missing.append(path)
        path = path.rpartition("/")[0]
    for path in reversed(missing):
        fs.make_dir(path)


def _sync_ancestors(fs: FileSystem, directory: str) -> None:
    """Make the directory's own name durable, and those above it.

    Not only the names made by this open: an earlier one may have been cut off between
    making a directory and syncing its parent.
    """
    path = directory.rstrip("/")
    while path:
        parent = path.rpartition("/")[0]
        # What may not be read was not made by us.
        with contextlib.suppress(PermissionError):
            fs.sync_dir(parent or ("/" if path.startswith("/") else "."))
        path = parent


def _create(env: Env, directory: str) -> None:
    fs = env.fs
    _sync_ancestors(fs, directory)
    names = [FileName(*parsed) for parsed in map(parse, fs.list_dir(directory)) if parsed is not None]
    if any(name.kind in ("sstable", "log") for name in names):
        # These are made after CURRENT: this was a database once.
        raise CorruptionError("CURRENT is missing", file=CURRENT)
    for name in fs.list_dir(directory):
        if kind_of(name) in ("temporary", "manifest"):
            fs.remove(join(directory, name))
    if not fs.exists(join(directory, IDENTITY)):
        write_identity(fs, directory, env.entropy.bytes(16))
    # One log below 2 exists in no database: the first manifest asks for logs from 2 on.
    start_manifest(
        fs, directory, 1, Version(), Position(log_number=2, next_number=2), read_identity(fs, directory)
    ).close()


class _Recovery:
    """Steps 3 to 8, on a directory that is locked and has a CURRENT."""

    def __init__(self, env: Env, directory: str, options: EngineOptions, lock: Lock) -> None:
        self._env = env
        self._fs = env.fs
        self._directory = directory
        self._options = options
        self._lock = lock
        self._id = read_identity(self._fs, directory)
        self._tables = SstableCache(options.open_sstables_max, options.open_sstables_bytes, env.metrics)
        blocks = BlockCache(options.block_cache_bytes, env.metrics)
        self._readers = SstableReaders(self._fs, directory, self._tables, blocks)
        self._timeline = Timeline()

    def run(self) -> Recovered:
        try:
            return self._recovered()
        except BaseException:
            self._tables.clear()
            raise

    def _recovered(self) -> Recovered:
        version, position = self._read_manifest()
        for meta in version.files():
            self._readers.open(meta)
        names = self._fs.list_dir(self._directory)
        chain = LogChain(
            self._fs, self._directory, names, database_id=self._id, log_number=position.log_number
        )
        taken = [parsed.number for parsed in map(parse, names) if parsed is not None]
        next_number = max([position.next_number, *(number + 1 for number in taken)])
        position = position._replace(next_number=next_number)
        version, position = self._replay(chain, version, position)
        return self._start(version, position)

    def _read_manifest(self) -> tuple[Version, Position]:
        number, durable_size = read_current(self._fs, self._directory, self._id)
        content = read_manifest(
            self._fs, self._directory, number, durable_size=durable_size, database_id=self._id
        )
        version = Version()
        for edit in content.edits:
            version = version.edited(edit)
        self._timeline = Timeline(tick for edit in content.edits for tick in edit.ticks)
        return version, content.position

    def _replay(self, chain: LogChain, version: Version, position: Position) -> tuple[Version, Position]:
        for content in chain.read():
            self._quarantine(content)
            version, position = self._flush(content, version, position)
        return version, position

    def _quarantine(self, content: LogContent) -> None:
        if not content.torn_tail:
            return
        name = f"{log_name(content.number)}.{content.size}.tail"
        _log.warning(
            "torn log tail put aside file=%s offset=%d bytes=%d kept=%s/%s",
            log_name(content.number),
            content.size,
            len(content.torn_tail),
            QUARANTINE,
            name,
        )
        place = join(self._directory, QUARANTINE)
        self._fs.make_dir(place)
        self._fs.sync_dir(self._directory)
        write_atomic(self._fs, place, name, content.torn_tail)

    def _flush(self, content: LogContent, version: Version, position: Position) -> tuple[Version, Position]:
        position = self._after(content, position)
        entries, ranges = sorted_entries(content.records)
        if not entries and not ranges:
            return version, position
        number = position.next_number
        meta: FileMeta = write_level0(
            self._fs,
            self._directory,
            entries,
            ranges,
            number=number,
            unique_id=new_unique_id(self._env),
            settings=SstableSettings.of(self._options),
            wall_ms=max(record.wall_ms for record in content.records),
        )
        return version.edited(VersionEdit(added=((0, meta),))), position._replace(next_number=number + 1)

    def _after(self, content: LogContent, position: Position) -> Position:
        """The position once the log's batches are there; their seconds are in the timeline."""
        wall_ms = position.wall_ms
        for record in content.records:
            self._timeline.note(record.seqno, record.wall_ms)
            wall_ms = max(wall_ms, record.wall_ms)
        return position._replace(last_seqno=max(position.last_seqno, content.last_seqno), wall_ms=wall_ms)

    def _start(self, version: Version, position: Position) -> Recovered:
        manifest_number, log_number = position.next_number, position.next_number + 1
        position = position._replace(log_number=log_number, next_number=log_number + 1)
        manifest = start_manifest(
            self._fs,
            self._directory,
            manifest_number,
            version,
            position,
            self._id,
            self._timeline.ticks(0, position.last_seqno),
        )
        try:
            log = create_log(
                self._fs,
                self._directory,
                log_number,
                database_id=self._id,
                sync_mode=self._options.sync,
                base_seqno=position.last_seqno,
                previous=Predecessor(),
                pad_bytes=self._options.log_pad_bytes,
            )
        except BaseException:
            manifest.close()
            raise
        memtable = Memtable(log_number)
        versions = VersionSet(
            self._fs,
            self._directory,
            database_id=self._id,
            version=version,
            manifest=manifest,
            position=position,
            memtable=memtable,
            timeline=self._timeline,
        )
        try:
            self._sweep(version, position, manifest_number)
        except OSError as error:
            # What is left over takes room and does no harm; the next sweep may succeed.
            _log.warning("cannot clean up after recovery error=%s", error)
        return Recovered(
            lock=self._lock,
            database_id=self._id,
            versions=versions,
            readers=self._readers,
            tables=self._tables,
            log=log,
            memtable=memtable,
            timeline=self._timeline,
            wall_ms=position.wall_ms,
        )

    def _sweep(self, version: Version, position: Position, manifest_number: int) -> None:
        live = {meta.number for meta in version.files()}
        # Whoever holds logs has not had a chance to say which.
        log_number = 0 if self._options.log_hold_bytes else position.log_number
        remove_obsolete(self._fs, self._directory, lambda: Needed(live, log_number, manifest_number))
        for name in self._fs.list_dir(self._directory):
            if kind_of(name) == "temporary":
                self._fs.remove(join(self._directory, name))
            elif not kind_of(name) and name != RESTORING:
                _log.warning("unknown file in the database directory, left alone name=%s", name)


class _ReadOnlyRecovery(_Recovery):
    """Logs become frozen memtables that are never flushed, and what was torn is left where it is."""

    def __init__(self, env: Env, directory: str, options: EngineOptions, lock: Lock) -> None:
        super().__init__(env, directory, options, lock)
        self._memtables: list[Memtable] = []

    def _quarantine(self, content: LogContent) -> None:
        if content.torn_tail:
            _log.warning(
                "torn log tail passed over file=%s offset=%d bytes=%d",
                log_name(content.number),
                content.size,
                len(content.torn_tail),
            )

    def _flush(self, content: LogContent, version: Version, position: Position) -> tuple[Version, Position]:
        memtable = Memtable(content.number)
        for record in content.records:
            memtable.apply(record.operations, record.seqno)
        self._memtables.append(memtable)
        return version, self._after(content, position)

    def _start(self, version: Version, position: Position) -> Recovered:
        first, *others = [*self._memtables, Memtable(0)]
        versions = VersionSet(
            self._fs,
            self._directory,
            database_id=self._id,
            version=version,
            manifest=NoManifest(),
            position=position,
            memtable=first,
            timeline=self._timeline,
        )
        for memtable in others:
            versions.freeze(memtable)
        return Recovered(
            lock=self._lock,
            database_id=self._id,
            versions=versions,
            readers=self._readers,
            tables=self._tables,
            log=NoLog(position.last_seqno),
            memtable=versions.state.memtable,
            timeline=self._timeline,
            wall_ms=position.wall_ms,
        )
