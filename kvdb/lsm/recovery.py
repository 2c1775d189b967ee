"""Opening a directory: whatever a crash left becomes a consistent engine, or a clear refusal.

    IDENTITY := "kvdb database\\nformat_version 1\\nid <32 hex digits>\\ncrc <crc32c of the rest, hex>\\n"
    LOCK     := flock'ed for as long as the database is open; its text (who holds it) is for people

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
from typing import Final

from kvdb.env.env import Env
from kvdb.env.fs import FileSystem, Lock, join, read_all, write_atomic
from kvdb.env.process import identity
from kvdb.errors import CorruptionError, DatabaseLocked, FormatTooNew, NotADatabase, ValidationError
from kvdb.lsm.block_cache import BlockCache
from kvdb.lsm.coding import crc32c
from kvdb.lsm.filenames import (
    CURRENT,
    IDENTITY,
    LOCK,
    QUARANTINE,
    FileName,
    log_name,
    parse,
)
from kvdb.lsm.flush import new_unique_id, write_level0
from kvdb.lsm.manifest import FileMeta, NoManifest, Position, VersionEdit, read_current, read_manifest
from kvdb.lsm.memtable import Memtable
from kvdb.lsm.obsolete import Needed, remove_obsolete
from kvdb.lsm.sstable_cache import SstableCache
from kvdb.lsm.timeline import Timeline
from kvdb.lsm.version import SstableReaders, Version, VersionSet, start_manifest
from kvdb.lsm.wal import LogContent, LogWriter, NoLog, Predecessor, create_log, read_log, read_opening
from kvdb.options import EngineOptions

_log = logging.getLogger("kvdb.lsm.recovery")

FORMAT_VERSION: Final = 1
_IDENTITY_HEAD: Final = "kvdb database"


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
    _require_ours(fs, directory)
    _make_dirs(fs, directory)
    _require_local(fs, directory, options)
    lock = _lock(fs, directory, env.clock.wall_ms())
    try:
        # Another process may have made or changed the database before we had the lock.
        _require_ours(fs, directory)
        if not fs.exists(join(directory, CURRENT)):
            _create(env, directory)
        return _Recovery(env, directory, options, lock).run()
    except BaseException:
        lock.release()
        raise


def _recover_read_only(env: Env, directory: str, options: EngineOptions) -> Recovered:
    """As ``recover``, of an existing database, without writing anything anywhere."""
    fs = env.fs
    _require_ours(fs, directory)
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


def lock_for_reading(fs: FileSystem, directory: str) -> Lock:
    """Keep writers out, together with other readers. A copy may have no lock file: nobody writes to that.

    Raises:
        DatabaseLocked: it is open for writing.
    """
    try:
        return fs.lock_shared(join(directory, LOCK))
    except FileNotFoundError:
        return _NoLock()
    except BlockingIOError as error:
        raise _is_locked(error, directory) from error


class _NoLock:
    def release(self) -> None:
        """There is nothing to release."""


def read_identity(fs: FileSystem, directory: str) -> bytes:
    """The database's 16-byte id.

    Raises:
        NotADatabase, FormatTooNew, CorruptionError: as ``recover``.
    """
    lines = read_all(fs, join(directory, IDENTITY)).decode("latin-1").split("\n")
    if lines[0] != _IDENTITY_HEAD or len(lines) < 2:
        raise NotADatabase(f"not a kvdb database: {IDENTITY} is something else directory={directory}")
    version = lines[1].removeprefix("format_version ")
    if version.isdigit() and int(version) > FORMAT_VERSION:
        raise FormatTooNew(f"database format {version} is newer than {FORMAT_VERSION} directory={directory}")
    text = "\n".join(lines[:3])
    if len(lines) != 5 or lines[3] != f"crc {crc32c(text.encode('latin-1')):08x}":
        raise CorruptionError("checksum mismatch", file=IDENTITY, offset=0)
    return bytes.fromhex(lines[2].removeprefix("id "))


def _require_ours(fs: FileSystem, directory: str) -> None:
    """Raise unless ``directory`` is absent, empty, ours, or ours half-made. Touches nothing."""
    if not fs.exists(directory):
        return
    try:
        names = fs.list_dir(directory)
    except NotADirectoryError as error:
        raise NotADatabase(f"not a directory: {directory}") from error
    if IDENTITY in names:
        read_identity(fs, directory)
        return
    strangers = [name for name in names if parse(name) is None]
    if strangers:
        raise NotADatabase(
            f"directory is not empty and not a kvdb database directory={directory} found={strangers[0]}"
        )
    ours = [name for name in names if _kind(name) not in ("lock", "temporary")]
    if ours:
        raise CorruptionError(f"database files without their identity found={ours[0]}", file=IDENTITY)


def _kind(name: str) -> str:
    parsed = parse(name)
    return parsed.kind if parsed is not None else ""


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


def _require_local(fs: FileSystem, directory: str, options: EngineOptions) -> None:
    kind = "" if options.allow_network_dir else fs.network_kind(directory)
    if kind:
        raise ValidationError(
            f"directory is on a network file system, where locks and syncs may promise less: set"
            f" allow_network_dir to open it all the same kind={kind} directory={directory}"
        )


def _lock(fs: FileSystem, directory: str, now_ms: int) -> Lock:
    try:
        return fs.lock(join(directory, LOCK), f"{identity()} opened at {now_ms} ms")
    except BlockingIOError as error:
        raise _is_locked(error, directory) from error


def _is_locked(error: BlockingIOError, directory: str) -> DatabaseLocked:
    return DatabaseLocked(
        f"database is open elsewhere directory={directory} holder={error.filename2 or 'unknown'!s}"
    )


def _create(env: Env, directory: str) -> None:
    fs = env.fs
    _sync_ancestors(fs, directory)
    names = [FileName(*parsed) for parsed in map(parse, fs.list_dir(directory)) if parsed is not None]
    if any(name.kind in ("sstable", "log") for name in names):
        # These are made after CURRENT: this was a database once.
        raise CorruptionError("CURRENT is missing", file=CURRENT)
    for name in fs.list_dir(directory):
        if _kind(name) in ("temporary", "manifest"):
            fs.remove(join(directory, name))
    if not fs.exists(join(directory, IDENTITY)):
        text = f"{_IDENTITY_HEAD}\nformat_version {FORMAT_VERSION}\nid {env.entropy.bytes(16).hex()}"
        write_atomic(fs, directory, IDENTITY, f"{text}\ncrc {crc32c(text.encode()):08x}\n".encode())
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
        self._tables = SstableCache(options.open_sstables_max, env.metrics)
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
        names = [parsed for parsed in map(parse, self._fs.list_dir(self._directory)) if parsed is not None]
        logs = sorted(
            name.number for name in names if name.kind == "log" and name.number >= position.log_number
        )
        next_number = max([position.next_number, *(name.number + 1 for name in names)])
        position = position._replace(next_number=next_number)
        version, position = self._replay(self._chain(logs, position.log_number), version, position)
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

    def _chain(self, logs: list[int], log_number: int) -> list[int]:
        """The logs to replay, oldest first: the newest that was opened, and its predecessors.

        A log that is not on the chain is the remains of a rotation that failed; it holds no batch.
        """
        chain: list[int] = []
        expected = 0
        waiting = list(logs)
        while waiting:
            number = waiting.pop()
            previous = read_opening(self._fs, self._directory, number, database_id=self._id)
            if previous is None or (chain and number != expected):
                self._require_unused(number, expected)
                continue
            chain.append(number)
            expected = previous.number
        if chain and expected >= log_number:
            raise CorruptionError(f"log is missing, named by {log_name(chain[-1])}", file=log_name(expected))
        return chain[::-1]

    def _require_unused(self, number: int, expected: int) -> None:
        """Raise unless log ``number`` was cut off while it was made: no batch is in it."""
        content = read_log(self._fs, self._directory, number, database_id=self._id, is_newest=True)
        if number == expected or (content is not None and content.records):
            raise CorruptionError(
                "log is not where its successors say it is", file=log_name(number), offset=0
            )

    def _replay(self, chain: list[int], version: Version, position: Position) -> tuple[Version, Position]:
        earlier: LogContent | None = None
        for number in chain:
            content = read_log(
                self._fs, self._directory, number, database_id=self._id, is_newest=number == chain[-1]
            )
            assert content is not None, "the chain holds logs that were opened"
            if earlier is not None and content.previous != earlier.as_predecessor():
                raise CorruptionError(
                    f"log is not as its successor {log_name(number)} found it"
                    f" size={earlier.size} expected={content.previous.size}",
                    file=log_name(earlier.number),
                    offset=earlier.size,
                )
            self._quarantine(content)
            version, position = self._flush(content, version, position)
            earlier = content
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
        if not content.records:
            return version, position._replace(last_seqno=max(position.last_seqno, content.last_seqno))
        memtable, wall_ms = self._memtable_of(content)
        number = position.next_number
        meta: FileMeta = write_level0(
            self._fs,
            self._directory,
            memtable,
            number=number,
            unique_id=new_unique_id(self._env),
            options=self._options,
            wall_ms=wall_ms,
        )
        return version.edited(VersionEdit(added=((0, meta),))), position._replace(
            next_number=number + 1,
            last_seqno=max(position.last_seqno, content.last_seqno),
            wall_ms=max(position.wall_ms, wall_ms),
        )

    def _memtable_of(self, content: LogContent) -> tuple[Memtable, int]:
        """A log's batches, and the newest wall time among them."""
        memtable = Memtable(content.number)
        wall_ms = 0
        for record in content.records:
            memtable.apply(record.operations, record.seqno)
            self._timeline.note(record.seqno, record.wall_ms)
            wall_ms = max(wall_ms, record.wall_ms)
        return memtable, wall_ms

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
        remove_obsolete(self._fs, self._directory, lambda: Needed(live, position.log_number, manifest_number))
        for name in self._fs.list_dir(self._directory):
            if _kind(name) == "temporary":
                self._fs.remove(join(self._directory, name))
            elif not _kind(name):
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
        memtable, wall_ms = self._memtable_of(content)
        self._memtables.append(memtable)
        return version, position._replace(
            last_seqno=max(position.last_seqno, content.last_seqno), wall_ms=max(position.wall_ms, wall_ms)
        )

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
