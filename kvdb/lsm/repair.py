"""Repair: copies what is provably good of a damaged database into a new one, never in place.

``examine`` reads and says what would be lost; ``copy_to`` makes the new database. In between a
person decides: the end of a log may have been acknowledged, and losing it has to be accepted.

What is taken:

    manifest   its records up to the first defect; with a defect, the sstables that are in the directory
    sstable    whole if its digest is right, else the blocks whose checksums are, as a new file
    logs       the chain from the oldest, up to the first defect; what follows it has lost its place

A block that is lost may have held newer versions of keys that older blocks hold too: these show
again. So every loss is reported with its range of keys. After a defect in the manifest that goes
for every key, and for what was deleted: which files are live is then inferred, and all of them
are merged into one. The copy is a database of its own, with an id of its own.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple

from kvdb.env.env import Env
from kvdb.env.fs import FileSystem, join, read_all
from kvdb.errors import CorruptionError, KvdbError, NotADatabase
from kvdb.lsm.filenames import (
    CURRENT,
    IDENTITY,
    log_name,
    manifest_name,
    parse,
    sstable_name,
)
from kvdb.lsm.flush import file_meta, new_unique_id, sorted_entries, write_level0
from kvdb.lsm.identity import lock_for_reading, read_identity, write_identity
from kvdb.lsm.internal_key import Entry
from kvdb.lsm.manifest import FileMeta, Position, VersionEdit, read_current, salvage_manifest
from kvdb.lsm.range_tombstone import RangeTombstone
from kvdb.lsm.sstable.reader import SstableReader, stated_by
from kvdb.lsm.sstable.writer import SstableSettings, file_digest, write_sstable
from kvdb.lsm.timeline import Tick
from kvdb.lsm.version import Version, start_manifest
from kvdb.lsm.wal import LogRecord, SalvagedLog, salvage_log
from kvdb.options import EngineOptions

_CHUNK_BYTES = 1024 * 1024


class Loss(NamedTuple):
    """Something that is not in the copy."""

    file: str
    offset: int
    """-1: all of the file."""
    reason: str
    start: bytes | None = None
    """The keys it may have held are in ``[start, end]``; ``None`` where nobody can tell."""
    end: bytes | None = None
    is_log: bool = False
    """It may have been acknowledged last, and has to be accepted."""


@dataclass(slots=True)
class _Table:
    """One sstable that goes into the copy, and which of its blocks."""

    level: int
    meta: FileMeta
    is_whole: bool
    good_places: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Repaired:
    """What was copied."""

    sstables: int = 0
    rewritten: int = 0
    log_records: int = 0
    bytes_copied: int = 0


class Repair:
    """A damaged database under repair: a context manager that keeps writers out of it."""

    def __init__(self, env: Env, source: str) -> None:
        """Read everything.

        Raises:
            NotADatabase: there is none.
            DatabaseLocked: it is open for writing.
            CorruptionError: neither IDENTITY nor CURRENT says whose files these are.
            OSError: the directory cannot be read.
        """
        self.losses: list[Loss] = []
        self._env = env
        self._fs = env.fs
        self._source = source
        if not self._fs.exists(source):
            raise NotADatabase(f"no such directory: {source}")
        self._names = self._fs.list_dir(source)
        if not any(parse(name) for name in self._names):
            raise NotADatabase(f"no database directory={source}")
        self._lock = lock_for_reading(self._fs, source)
        try:
            self._examine()
        except BaseException:
            self._lock.release()
            raise

    @property
    def loses_acknowledged(self) -> bool:
        """The end of the logs is damaged: what stood there may have been acknowledged."""
        return any(loss.is_log for loss in self.losses)

    def copy_to(self, target: str) -> Repaired:
        """Make the new database in ``target``, which is absent or empty.

        Raises:
            NotADatabase: ``target`` holds something.
            OSError: it cannot be written; what is there does not open.
        """
        fs = self._fs
        fs.make_dir(target)
        if found := fs.list_dir(target):
            raise NotADatabase(f"repair target is not empty directory={target} found={found[0]}")
        done = Repaired()
        if self._is_inferred:
            added = self._inferred(target, done)
        else:
            added = self._copied(target, done)
            added += self._from_logs(target, done, 1 + max((meta.number for _, meta in added), default=0))
        self._finish(target, added)
        return done

    def close(self) -> None:
        self._lock.release()

    def __enter__(self) -> Repair:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _examine(self) -> None:
        self._id = self._identity()
        self._position = Position()
        self._ticks: list[Tick] = []
        self._is_inferred = False
        version = self._version()
        metas = [(level, meta) for level, files in enumerate(version.levels) for meta in files]
        if self._is_inferred:
            metas = [(0, meta) for meta in self._present()]
        examined = [self._table(level, meta) for level, meta in metas]
        self._tables = [table for table in examined if table is not None]
        self._logs = self._good_logs()

    def _identity(self) -> bytes:
        try:
            return read_identity(self._fs, self._source)
        except (KvdbError, OSError) as error:
            self._lose(IDENTITY, error)
        # CURRENT says it too, under a checksum of its own.
        fields = self._read(CURRENT).decode("latin-1").split(" ")
        try:
            database_id = bytes.fromhex(fields[2]) if len(fields) == 4 else b""
        except ValueError:
            database_id = b""
        if len(database_id) != 16:
            raise CorruptionError("neither IDENTITY nor CURRENT says whose files these are", file=IDENTITY)
        read_current(self._fs, self._source, database_id)
        return database_id

    def _read(self, name: str) -> bytes:
        return read_all(self._fs, join(self._source, name)) if name in self._names else b""

    def _version(self) -> Version:
        """The sstables that are live, as far as the manifest can tell."""
        durable_size = 0
        try:
            number, durable_size = read_current(self._fs, self._source, self._id)
        except (KvdbError, OSError) as error:
            self._lose(CURRENT, error)
            parsed = [found for found in map(parse, self._names) if found is not None]
            number = max((found.number for found in parsed if found.kind == "manifest"), default=0)
            # A manifest is complete before CURRENT names it; one that is not is found to be so below.
        records, fault = salvage_manifest(
            self._fs, self._source, number, database_id=self._id, durable_size=durable_size
        )
        version = Version()
        try:
            for record in records:
                version = version.edited(record.edit)
                self._position = record.position
                self._ticks += record.edit.ticks
        except CorruptionError as error:
            fault = error
        if fault is not None:
            self._is_inferred = True
            self._lose(manifest_name(number), fault)
        return version

    def _present(self) -> Iterator[FileMeta]:
        """Every sstable in the directory, by what it says of itself."""
        for parsed in filter(None, map(parse, self._names)):
            if parsed.kind != "sstable":
                continue
            try:
                unique_id, size = stated_by(self._fs, self._source, parsed.number)
            except (KvdbError, OSError) as error:
                self._lose(sstable_name(parsed.number), error)
                continue
            yield FileMeta(parsed.number, unique_id, size, b"", b"", b"", 0, 0, 0, 0, 0)

    def _table(self, level: int, meta: FileMeta) -> _Table | None:
        name = sstable_name(meta.number)
        table = _Table(level, meta, is_whole=False)
        try:
            if meta.digest and self._digest(name) == meta.digest:
                table.is_whole = True
                return table
            reader = self._reader(table)
        except (KvdbError, OSError) as error:
            known = bool(meta.digest)
            self._lose(name, error, meta.smallest if known else None, meta.limit if known else None)
            return None
        start = meta.smallest
        for place, (_, separator) in enumerate(reader.places):
            try:
                reader.block_at(place)
                table.good_places.append(place)
            except (KvdbError, OSError) as error:
                self._lose(name, error, start, separator)
            start = separator
        return table if table.good_places or reader.ranges else None

    def _digest(self, name: str) -> bytes:
        digest = file_digest()
        for chunk in _chunks(self._fs, join(self._source, name)):
            digest.update(chunk)
        return digest.digest()

    def _reader(self, table: _Table) -> SstableReader:
        return SstableReader(
            self._fs,
            self._source,
            table.meta.number,
            unique_id=table.meta.unique_id,
            size=table.meta.size,
            cache=None,
            only_data=True,
            ingested_seqno=table.meta.ingested_seqno,
        )

    def _good_logs(self) -> list[list[LogRecord]]:
        """The records of each log, oldest first, up to the first defect."""
        parsed = [found for found in map(parse, self._names) if found is not None and found.kind == "log"]
        numbers = sorted(
            found.number for found in parsed if found.number >= self._position.log_number or self._is_inferred
        )
        logs: list[list[LogRecord]] = []
        before: SalvagedLog | None = None
        for place, number in enumerate(numbers):
            log = salvage_log(self._fs, self._source, number, database_id=self._id)
            if not log.size and log.error is None:
                continue
            if fault := self._fault_before(log, before):
                self._lose_logs(numbers[place:], fault)
                break
            logs.append(log.records)
            before = log
            is_last = place == len(numbers) - 1
            if log.error is not None or (not is_last and log.size != log.file_size):
                reason = log.error or "a log that was synced has no clean end"
                self.losses.append(Loss(log_name(number), log.size, _reason(reason), is_log=True))
                self._lose_logs(numbers[place + 1 :], "the log before it is damaged")
                break
        return logs

    def _fault_before(self, log: SalvagedLog, before: SalvagedLog | None) -> str:
        """Why ``log`` does not follow the logs taken so far; empty if it does."""
        if before is not None:
            return "" if log.previous == before.as_predecessor else "the log before it is not as it was"
        if not self._is_inferred and log.previous.number >= self._position.log_number:
            return f"the log before it is missing: {log_name(log.previous.number)}"
        return ""

    def _lose_logs(self, numbers: Iterable[int], reason: str) -> None:
        for number in numbers:
            log = salvage_log(self._fs, self._source, number, database_id=self._id)
            keys = [key for record in log.records for key in _keys(record)]
            if log.file_size:
                self.losses.append(
                    Loss(
                        log_name(number),
                        0,
                        reason,
                        min(keys, default=None),
                        max(keys, default=None),
                        is_log=True,
                    )
                )

    def _lose(
        self, file: str, error: BaseException, start: bytes | None = None, end: bytes | None = None
    ) -> None:
        offset = error.offset if isinstance(error, CorruptionError) else -1
        self.losses.append(Loss(file, offset, _reason(error), start, end))

    def _copied(self, target: str, done: Repaired) -> list[tuple[int, FileMeta]]:
        """Each sstable on its level: copied, or rewritten from its good blocks."""
        added: list[tuple[int, FileMeta]] = []
        for table in self._tables:
            done.sstables += 1
            if table.is_whole:
                name = sstable_name(table.meta.number)
                _write(self._fs, join(target, name), _chunks(self._fs, join(self._source, name)))
                added.append((table.level, table.meta))
                done.bytes_copied += table.meta.size
            else:
                done.rewritten += 1
                ranges = self._reader(table).ranges
                meta = self._written(target, table.meta.number, self._entries(table), ranges)
                added.append((table.level, meta))
                done.bytes_copied += meta.size
        return added

    def _inferred(self, target: str, done: Repaired) -> list[tuple[int, FileMeta]]:
        """All sstables and logs merged into one: nobody can tell which level they were on, nor
        whether what a log holds is in an sstable already."""
        logs = [sorted_entries(records) for records in self._logs]
        ranges = [tombstone for table in self._tables for tombstone in self._reader(table).ranges]
        ranges += [tombstone for _, of_log in logs for tombstone in of_log]
        sources = [*map(self._entries, self._tables), *(iter(entries) for entries, _ in logs)]
        if not self._tables and not any(self._logs):
            return []
        merged = _once(heapq.merge(*sources, key=lambda entry: entry[:2]))
        meta = self._written(target, 1, merged, ranges)
        done.sstables = done.rewritten = len(self._tables)
        done.log_records = sum(map(len, self._logs))
        done.bytes_copied = meta.size
        return [(0, meta)]

    def _entries(self, table: _Table) -> Iterator[Entry]:
        reader = self._reader(table)
        places = range(len(reader.places)) if table.is_whole else table.good_places
        for place in places:
            yield from reader.block_at(place).entries()

    def _written(
        self, target: str, number: int, entries: Iterable[Entry], ranges: Iterable[RangeTombstone]
    ) -> FileMeta:
        unique_id = new_unique_id(self._env)
        info = write_sstable(
            lambda: self._fs.create(join(target, sstable_name(number))),
            entries,
            ranges,
            SstableSettings.of(EngineOptions()),
            unique_id=unique_id,
            wall_ms=self._position.wall_ms,
        )
        return file_meta(number, unique_id, info)

    def _from_logs(self, target: str, done: Repaired, number: int) -> list[tuple[int, FileMeta]]:
        """Each log as a level-0 sstable, as recovery would make it."""
        added: list[tuple[int, FileMeta]] = []
        for records in self._logs:
            entries, ranges = sorted_entries(records)
            if not entries and not ranges:
                continue
            meta = write_level0(
                self._fs,
                target,
                entries,
                ranges,
                number=number,
                unique_id=new_unique_id(self._env),
                settings=SstableSettings.of(EngineOptions()),
                wall_ms=max(record.wall_ms for record in records),
            )
            added.append((0, meta))
            done.log_records += len(records)
            done.bytes_copied += meta.size
            number += 1
        return added

    def _finish(self, target: str, added: list[tuple[int, FileMeta]]) -> None:
        version = Version().edited(VersionEdit(tuple(added)))
        last_seqno = max([self._position.last_seqno, *(meta.seqno_max for _, meta in added)])
        wall_ms = max([self._position.wall_ms, *(r.wall_ms for records in self._logs for r in records)])
        number = 1 + max((meta.number for _, meta in added), default=0)
        position = self._position._replace(
            log_number=number + 1,
            next_number=number + 1,
            last_seqno=last_seqno,
            wall_ms=wall_ms,
            # Reads of the past would show it with holes.
            history_from=last_seqno if self.losses else self._position.history_from,
        )
        database_id = self._env.entropy.bytes(16)
        self._fs.sync_dir(target)
        write_identity(self._fs, target, database_id)
        start_manifest(self._fs, target, number, version, position, database_id, tuple(self._ticks)).close()


def _reason(error: object) -> str:
    return str(error).split(" file=", 1)[0]


def _keys(record: LogRecord) -> Iterator[bytes]:
    for key in record.operations[0::2]:
        assert isinstance(key, bytes)
        yield key


def _once(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Sorted entries, each internal key once: an input of a compaction may be there with its output."""
    last: tuple[bytes, int] | None = None
    for entry in entries:
        if entry[:2] != last:
            last = entry[:2]
            yield entry


def _chunks(fs: FileSystem, path: str) -> Iterator[bytes]:
    try:
        file = fs.open_read(path)
    except FileNotFoundError as error:
        raise CorruptionError("file is missing", file=path.rpartition("/")[2]) from error
    try:
        for offset in range(0, file.size(), _CHUNK_BYTES):
            yield file.read_at(offset, _CHUNK_BYTES)
    finally:
        file.close()


def _write(fs: FileSystem, path: str, chunks: Iterable[bytes]) -> None:
    file = fs.create(path)
    try:
        for chunk in chunks:
            file.append(chunk)
        file.sync()
    finally:
        file.close()
