"""Verify: whether every byte of a database is what was written, and fits together.

Of each sstable of a version:

    its size, id, footer, index, properties, and the whole-file digest that the manifest keeps
    every block's checksum; keys in order, inside the file's range, below the block's separator
    every seqno inside the file's bounds; entries and tombstones as counted by its properties

Of a closed directory, besides: IDENTITY, CURRENT, every record of the manifest, no overlap within a
level, the chain of logs and every record in them. ``deep`` adds what needs to look at keys one by
one: the filter knows every key, and of two versions of a key the newer stands on the higher level.

It is a job: a step looks at one block, or one megabyte, or some thousand keys, so that a check can
run beside a database that is in use. Nothing is written and nothing repaired. What is not damage but
worth knowing (a torn tail that the next open puts aside, a file nobody refers to) is a note.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeAlias

from kvdb.env.fs import FileSystem, join
from kvdb.errors import CorruptionError, KvdbError, NotADatabase
from kvdb.lsm.filenames import IDENTITY, FileName, log_name, parse, sstable_name
from kvdb.lsm.identity import lock_for_reading, read_identity
from kvdb.lsm.internal_key import SEQNO_MAX, Entry
from kvdb.lsm.log_chain import LogChain
from kvdb.lsm.manifest import FileMeta, ManifestContent, read_current, read_manifest
from kvdb.lsm.sstable.bloom import key_hash
from kvdb.lsm.sstable.reader import SstableReader
from kvdb.lsm.sstable.writer import file_digest
from kvdb.lsm.version import Version

FINDINGS_MAX: Final = 1000
"""So many findings are kept; more are only counted."""
_CHUNK_BYTES: Final = 1024 * 1024
_KEYS_PER_STEP: Final = 4096

Severity: TypeAlias = Literal["damage", "note"]
Steps: TypeAlias = Iterator[None]


class Finding(NamedTuple):
    """One thing found. ``offset`` is -1 where it is about the whole file."""

    severity: Severity
    file: str
    offset: int
    message: str

    def __str__(self) -> str:
        place = f" offset={self.offset}" if self.offset >= 0 else ""
        return f"{self.severity}: {self.message} file={self.file}{place}"


@dataclass(slots=True)
class Report:
    """What was looked at and what was found."""

    sstables: int = 0
    logs: int = 0
    blocks: int = 0
    entries: int = 0
    bytes_read: int = 0
    damaged: int = 0
    """How many findings are damage, those past ``FINDINGS_MAX`` too."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not self.damaged

    def add(self, severity: Severity, file: str, offset: int, message: str) -> None:
        self.damaged += severity == "damage"
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(severity, file, offset, message))

    def add_error(self, error: KvdbError | OSError, file: str) -> None:
        if isinstance(error, CorruptionError):
            # The message repeats the place, which a finding has fields for.
            message = str(error).split(" file=", 1)[0]
            self.add("damage", error.file or file, error.offset, message)
        else:
            self.add("damage", file, -1, str(error))


class Verification:
    """A check under way. ``step`` until it gives ``None``, or ``run``; then look at ``report``."""

    name = "verify"

    def __init__(self, steps: Iterator[None], report: Report, *, pause_ms: int = 0) -> None:
        self.report = report
        self._steps = steps
        self._pause_ms = pause_ms

    def step(self, now_ms: int = 0) -> int | None:
        """Look at a little more. ``None``: there is no more."""
        try:
            next(self._steps)
        except StopIteration:
            return None
        return self._pause_ms

    def run(self) -> Report:
        for _ in self._steps:
            pass
        return self.report


def verify_version(
    fs: FileSystem, directory: str, version: Version, *, deep: bool, pause_ms: int = 0
) -> Verification:
    """Check the sstables of a version, which the check holds in use until it is done."""
    report = Report()
    return Verification(_version(fs, directory, version, report, deep), report, pause_ms=pause_ms)


def verify_in_turn(fs: FileSystem, directory: str, current: Callable[[], Version]) -> Verification:
    """Check the sstables that there are now, one after the other, holding in use none but the one that
    is read: what compaction takes away meanwhile is passed over, for it has read it."""
    report = Report()
    return Verification(_in_turn(fs, directory, current, report), report)


def verify_directory(fs: FileSystem, directory: str, *, deep: bool) -> Verification:
    """Check a closed database, which must not be opened for writing meanwhile.

    Raises, from its first step:
        NotADatabase: the directory holds something else, or nothing.
        DatabaseLocked: it is open for writing: check it through that handle.
    """
    report = Report()
    return Verification(_directory(fs, directory, report, deep), report)


def _directory(fs: FileSystem, directory: str, report: Report, deep: bool) -> Steps:
    if not fs.exists(join(directory, IDENTITY)):
        raise NotADatabase(f"no database directory={directory}")
    lock = lock_for_reading(fs, directory)
    try:
        content = _manifest(fs, directory, report)
        yield
        if content is None:
            return
        database_id, manifest = content
        version = Version()
        try:
            for edit in manifest.edits:
                version = version.edited(edit)
        except CorruptionError as error:
            report.add_error(error, f"MANIFEST-{manifest.number:06d}")
            return
        yield from _version(fs, directory, version, report, deep)
        names = fs.list_dir(directory)
        yield from _logs(fs, directory, names, report, database_id, manifest.position.log_number)
        _strays(names, version, manifest, report)
    finally:
        lock.release()


def _manifest(fs: FileSystem, directory: str, report: Report) -> tuple[bytes, ManifestContent] | None:
    file = IDENTITY
    try:
        database_id = read_identity(fs, directory)
        file = "CURRENT"
        number, durable_size = read_current(fs, directory, database_id)
        file = f"MANIFEST-{number:06d}"
        content = read_manifest(fs, directory, number, durable_size=durable_size, database_id=database_id)
    except (KvdbError, OSError) as error:
        report.add_error(error, file)
        return None
    return database_id, content


def _version(fs: FileSystem, directory: str, version: Version, report: Report, deep: bool) -> Steps:
    bad: set[int] = set()
    for meta in version.files():
        damaged = report.damaged
        yield from _sstable(fs, directory, meta, report, deep)
        if report.damaged > damaged:
            bad.add(meta.number)
    if deep:
        yield from _levels(fs, directory, version, report, bad)


def _in_turn(fs: FileSystem, directory: str, current: Callable[[], Version], report: Report) -> Steps:
    last = max((meta.number for meta in current().files()), default=0)
    done = 0
    while done < last:
        # Held by this frame, and so on disk, until its file has been read.
        version = current()
        left = (meta for meta in version.files() if done < meta.number <= last)
        meta = min(left, key=lambda each: each.number, default=None)
        if meta is None:
            return
        yield from _sstable(fs, directory, meta, report, deep=False)
        done = meta.number


def _sstable(fs: FileSystem, directory: str, meta: FileMeta, report: Report, deep: bool) -> Steps:
    """One file, whole. What is wrong with one part does not hide what is wrong with others."""
    name = sstable_name(meta.number)
    report.sstables += 1
    try:
        yield from _digest(fs, directory, meta, report)
        reader = SstableReader(
            fs,
            directory,
            meta.number,
            unique_id=meta.unique_id,
            size=meta.size,
            cache=None,
            ingested_seqno=meta.ingested_seqno,
        )
    except (KvdbError, OSError) as error:
        report.add_error(error, name)
        return
    check = _SstableCheck(reader, meta, report, deep)
    for place in range(len(reader.places)):
        try:
            check.block(place)
        except (KvdbError, OSError) as error:
            check.is_whole = False
            report.add_error(error, name)
        yield
    check.end()


def _digest(fs: FileSystem, directory: str, meta: FileMeta, report: Report) -> Steps:
    name = sstable_name(meta.number)
    digest = file_digest()
    try:
        file = fs.open_read(join(directory, name))
    except FileNotFoundError as error:
        raise CorruptionError("sstable is missing", file=name) from error
    try:
        size = file.size()
        for offset in range(0, size, _CHUNK_BYTES):
            chunk = file.read_at(offset, _CHUNK_BYTES)
            digest.update(chunk)
            report.bytes_read += len(chunk)
            yield
    finally:
        file.close()
    if size == meta.size and digest.digest() != meta.digest:
        report.add("damage", name, -1, "whole-file digest is not the manifest's")


class _SstableCheck:
    """What the blocks of one file must keep, from first to last."""

    def __init__(self, reader: SstableReader, meta: FileMeta, report: Report, deep: bool) -> None:
        self.is_whole = True
        """Every block so far could be read: the sums can be held against the properties."""
        self._reader = reader
        self._places = reader.places
        """Made anew each time it is asked for, and as long as the file has blocks."""
        self._meta = meta
        self._report = report
        self._deep = deep and reader.has_filter
        self._last: tuple[bytes, int] | None = None
        self._entries = 0
        self._tombstones = 0

    def block(self, place: int) -> None:
        handle, separator = self._places[place]
        block = self._reader.block_at(place)
        self._report.blocks += 1
        for key, rank, value in block.entries():
            self._entry(handle.offset, key, rank, value)
        if block.keys[-1] > separator:
            self._damage(handle.offset, "a key is above its block's separator")
        if place and block.keys[0] < self._places[place - 1][1]:
            self._damage(handle.offset, "a key is below the separator of the block before")

    def end(self) -> None:
        properties, meta = self._reader.properties, self._meta
        stated = (properties.entries, properties.tombstones, properties.smallest, properties.limit)
        if stated != (meta.entries, meta.tombstones, meta.smallest, meta.limit):
            self._damage(-1, "properties are not those that the manifest has")
        if self.is_whole and (self._entries, self._tombstones) != stated[:2]:
            self._damage(
                -1,
                f"properties count other entries found={self._entries},{self._tombstones}"
                f" stated={properties.entries},{properties.tombstones}",
            )
        for tombstone in self._reader.ranges:
            if not meta.smallest <= tombstone.start < tombstone.end <= meta.limit:
                self._damage(-1, "a range delete reaches out of the file's range")
            if not meta.seqno_min <= tombstone.seqno <= meta.seqno_max:
                self._damage(-1, f"a range delete has a seqno out of bounds seqno={tombstone.seqno}")

    def _entry(self, offset: int, key: bytes, rank: int, value: bytes | None) -> None:
        meta = self._meta
        self._entries += 1
        self._tombstones += value is None
        self._report.entries += 1
        if self._last is not None and (key, rank) <= self._last:
            self._damage(offset, "keys are out of order")
        if not meta.smallest <= key < meta.limit:
            self._damage(offset, "a key is outside the file's range")
        if not meta.seqno_min <= SEQNO_MAX - rank <= meta.seqno_max:
            self._damage(offset, f"a seqno is out of bounds seqno={SEQNO_MAX - rank}")
        is_new = self._last is None or key != self._last[0]
        if self._deep and is_new and not self._reader.may_contain(key_hash(key)):
            self._damage(offset, "the filter does not know a key")
        self._last = (key, rank)

    def _damage(self, offset: int, message: str) -> None:
        self._report.add("damage", self._reader.name, offset, message)


def _levels(fs: FileSystem, directory: str, version: Version, report: Report, bad: set[int]) -> Steps:
    """Of one key, what a higher level holds is newer; checked over the files that are whole."""
    files: list[tuple[FileMeta, ...]] = [(meta,) for meta in version.levels[0]]
    files += [level for level in version.levels[1:] if level]
    sources = [
        _placed(fs, directory, [meta for meta in group if meta.number not in bad], place)
        for place, group in enumerate(files)
    ]
    last, last_place = b"", 0
    try:
        for count, (key, rank, place, name) in enumerate(heapq.merge(*sources)):
            if key == last and place < last_place:
                report.add(
                    "damage", name, -1, f"an older version stands above a newer one seqno={SEQNO_MAX - rank}"
                )
            last, last_place = key, place
            if count % _KEYS_PER_STEP == 0:
                yield
    except (KvdbError, OSError) as error:
        report.add_error(error, "unknown")


def _placed(
    fs: FileSystem, directory: str, metas: Iterable[FileMeta], place: int
) -> Iterator[tuple[bytes, int, int, str]]:
    for meta in metas:
        entries: Iterable[Entry] = SstableReader(
            fs,
            directory,
            meta.number,
            unique_id=meta.unique_id,
            size=meta.size,
            cache=None,
            ingested_seqno=meta.ingested_seqno,
        ).entries()
        for key, rank, _ in entries:
            yield key, rank, place, sstable_name(meta.number)


def _logs(
    fs: FileSystem, directory: str, names: Iterable[str], report: Report, database_id: bytes, log_number: int
) -> Steps:
    file = log_name(log_number)
    try:
        chain = LogChain(fs, directory, names, database_id=database_id, log_number=log_number)
        for content in chain.read():
            file = log_name(content.number)
            report.logs += 1
            report.bytes_read += content.size + len(content.torn_tail)
            report.entries += sum(len(record.operations) >> 1 for record in content.records)
            if content.torn_tail:
                message = f"torn tail, the next open puts it aside bytes={len(content.torn_tail)}"
                report.add("note", file, content.size, message)
            yield
    except (KvdbError, OSError) as error:
        report.add_error(error, file)


def _strays(names: Iterable[str], version: Version, manifest: ManifestContent, report: Report) -> None:
    """Files that nothing refers to: what a crash left is removed by the next open, strangers stay."""
    live = {meta.number for meta in version.files()}
    for name in names:
        parsed = parse(name)
        if parsed is None:
            report.add("note", name, -1, "not a file of the database")
        elif _is_left_over(parsed, live, manifest):
            report.add("note", name, -1, "left over or kept for an archive, the next open may remove it")


def _is_left_over(name: FileName, live: set[int], manifest: ManifestContent) -> bool:
    match name.kind:
        case "sstable":
            return name.number not in live
        case "log":
            return name.number < manifest.position.log_number
        case "manifest":
            return name.number != manifest.number
    return name.kind == "temporary"
