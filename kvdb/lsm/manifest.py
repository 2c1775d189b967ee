"""The manifest: which sstables are live, on which level, and where the log begins.

Format of ``MANIFEST-n``: records (see ``record``) of kind EDIT, each synced before the next.

    EDIT := msgpack [format_version, index of the record, log_number, next_number, last_seqno,
                     wall_ms, history_from, [[level, *FileMeta], ...] added,
                     [[level, number], ...] removed, [[seqno, wall_s], ...] ticks]

The first record adds everything there is. ``CURRENT`` names the manifest in force and how
much of it was durable when it was named:

    CURRENT := "MANIFEST-000007 <size> <database id, hex> <crc32c of the rest, hex>\\n"

A torn record behind that size is dropped; any other defect is a CorruptionError.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from kvdb.env.fs import FileSystem, join, read_all, write_atomic
from kvdb.errors import CorruptionError, FormatTooNew, KvdbError
from kvdb.lsm.coding import crc32c, pack, unpack
from kvdb.lsm.filenames import CURRENT, manifest_name, parse
from kvdb.lsm.record import Record, RecordReader, RecordWriter, file_salt
from kvdb.lsm.timeline import Tick

FORMAT_VERSION: Final = 1
MANIFEST_BYTES_MAX: Final = 1024 * 1024
"""A manifest larger than this, and than twice the record it began with, is rolled: a new one begins
with one record of everything."""

_EDIT: Final = 1


class FileMeta(NamedTuple):
    """What the manifest knows of one sstable."""

    number: int
    unique_id: int
    size: int
    digest: bytes
    smallest: bytes
    """The file's keys, and those of its range deletes, are in ``[smallest, limit)``."""
    limit: bytes
    entries: int
    tombstones: int
    range_tombstones: int
    seqno_min: int
    seqno_max: int
    ingested_seqno: int = 0
    """The seqno of every entry, when the file was ingested and does not know it; else 0."""

    def overlaps(self, start: bytes, end: bytes) -> bool:
        """Whether a key of ``[start, end)`` may be in this file; ``end=b""`` means no upper bound."""
        return start < self.limit and (not end or self.smallest < end)


class VersionEdit(NamedTuple):
    """One change of the set of files: which came and went on which level."""

    added: tuple[tuple[int, FileMeta], ...] = ()
    removed: tuple[tuple[int, int], ...] = ()
    """(level, file number)"""
    ticks: tuple[Tick, ...] = ()
    """What the log's clock learned from the log that the edit makes needless."""


class Position(NamedTuple):
    """Where the engine stands, as of a manifest record."""

    log_number: int = 0
    """Logs below this number are not needed."""
    next_number: int = 1
    """The next file number to give out."""
    last_seqno: int = 0
    """At least the newest seqno in any sstable."""
    wall_ms: int = 0
    """At least the newest wall time in any sstable."""
    history_from: int = 0
    """Reads at a seqno below this one may miss what compaction has dropped."""


@dataclass(slots=True)
class ManifestContent:
    """A manifest, read: its edits in order, and the last position."""

    number: int
    edits: list[VersionEdit] = field(default_factory=list)
    position: Position = field(default_factory=Position)


class ManifestWriter:
    """Appends edits to a new manifest. Not thread-safe: the VersionSet's lock guards it."""

    def __init__(self, fs: FileSystem, directory: str, number: int, *, database_id: bytes) -> None:
        self.number = number
        self.is_lost = False
        """A sync failed: what the file holds from there on is unknown, and it is not written again."""
        self._count = 0
        self._first_bytes = 0
        file = fs.create(join(directory, manifest_name(number)))
        self._records = RecordWriter(file, salt=file_salt(database_id, "manifest", number))

    @property
    def size(self) -> int:
        return self._records.size

    @property
    def is_full(self) -> bool:
        """It is time to go on in a new one."""
        return self.size > max(MANIFEST_BYTES_MAX, 2 * self._first_bytes)

    def append(self, edit: VersionEdit, position: Position) -> None:
        """Write one record and make it durable.

        Raises:
            OSError: the record is not there; with ``is_lost`` set, nobody knows whether it is.
        """
        assert not self.is_lost, "a manifest of unknown content is not written again"
        added = [[level, *meta] for level, meta in edit.added]
        payload = pack([FORMAT_VERSION, self._count, *position, added, list(edit.removed), list(edit.ticks)])
        try:
            self._records.append(_EDIT, [payload])
        except OSError:
            # If cutting off fails as well, the error of that is what the caller gets.
            self.is_lost = True
            self._records.drop_tail()
            self.is_lost = False
            raise
        self.is_lost = True
        self._records.sync_new()
        self.is_lost = False
        self._count += 1
        if self._count == 1:
            self._first_bytes = self._records.size

    def close(self) -> None:
        self._records.close()


class NoManifest(ManifestWriter):
    """The manifest of a database that is open read-only. It is lost from the start, so that
    nobody asks it to take an edit."""

    def __init__(self) -> None:
        self.number = 0
        self.is_lost = True

    def close(self) -> None:
        """There is nothing to close."""


def make_current(fs: FileSystem, directory: str, writer: ManifestWriter, database_id: bytes) -> None:
    """Point ``CURRENT`` at a manifest that is durable up to its present size.

    The manifest's own name is made durable first: else a crash could keep the new CURRENT
    and lose the file it names.
    """
    fs.sync_dir(directory)
    text = f"{manifest_name(writer.number)} {writer.size} {database_id.hex()}"
    write_atomic(fs, directory, CURRENT, f"{text} {crc32c(text.encode()):08x}\n".encode())


def read_current(fs: FileSystem, directory: str, database_id: bytes) -> tuple[int, int]:
    """The number of the manifest in force and the size that was durable.

    Raises:
        CorruptionError: CURRENT is damaged or belongs to another database.
    """
    text, _, crc = read_all(fs, join(directory, CURRENT)).decode("latin-1").rstrip("\n").rpartition(" ")
    fields = text.split(" ")
    name = parse(fields[0])
    if f"{crc32c(text.encode('latin-1')):08x}" != crc or len(fields) != 3:
        raise CorruptionError("checksum mismatch", file=CURRENT, offset=0)
    if fields[2] != database_id.hex() or name is None or name.kind != "manifest":
        raise CorruptionError("CURRENT belongs to another database", file=CURRENT, offset=0)
    return name.number, int(fields[1])


def read_manifest(
    fs: FileSystem, directory: str, number: int, *, durable_size: int, database_id: bytes
) -> ManifestContent:
    """Every edit of manifest ``number``.

    Raises:
        CorruptionError: it is missing, or damaged in a way that no crash explains.
        FormatTooNew: it was written by a later kvdb.
    """
    reader = _reader(fs, directory, number, database_id)
    content = ManifestContent(number)
    for record in reader:
        edit, content.position = _decoded(record, reader, len(content.edits))
        content.edits.append(edit)
    if reader.end < durable_size or not content.edits:
        raise reader.corrupt("manifest is shorter than it was, or damaged")
    reader.torn_tail(is_strict=True)
    return content


class ManifestRecord(NamedTuple):
    """One record, as inspection and repair see it."""

    offset: int
    edit: VersionEdit
    position: Position


def salvage_manifest(
    fs: FileSystem, directory: str, number: int, *, database_id: bytes, durable_size: int = 0
) -> tuple[list[ManifestRecord], KvdbError | None]:
    """The good records from the beginning, and why ``read_manifest`` would refuse the rest, if it would."""
    records: list[ManifestRecord] = []
    try:
        reader = _reader(fs, directory, number, database_id)
        for record in reader:
            records.append(ManifestRecord(record.offset, *_decoded(record, reader, len(records))))
        if reader.end < durable_size or not records:
            raise reader.corrupt("manifest is shorter than it was, or damaged")
        reader.torn_tail(is_strict=True)
    except KvdbError as error:
        return records, error
    return records, None


def _reader(fs: FileSystem, directory: str, number: int, database_id: bytes) -> RecordReader:
    name = manifest_name(number)
    try:
        data = read_all(fs, join(directory, name))
    except FileNotFoundError as error:
        raise CorruptionError("manifest is missing", file=name) from error
    return RecordReader(data, name=name, salt=file_salt(database_id, "manifest", number))


def _decoded(record: Record, reader: RecordReader, count: int) -> tuple[VersionEdit, Position]:
    try:
        fields = unpack(record.payload)
        if record.kind != _EDIT or not isinstance(fields, list) or not isinstance(fields[0], int):
            raise ValueError("not a manifest record")
        if fields[0] > FORMAT_VERSION:
            raise FormatTooNew(f"manifest format {fields[0]} is newer than {FORMAT_VERSION}")
        _, index, *position, added, removed, ticks = fields
        if index != count:
            raise ValueError(f"manifest record out of order index={index} expected={count}")
        edit = VersionEdit(
            tuple((level, FileMeta(*meta)) for level, *meta in added),
            tuple((level, file_number) for level, file_number in removed),
            tuple(Tick(*tick) for tick in ticks),
        )
        return edit, Position(*position)
    except (ValueError, TypeError, IndexError) as error:
        raise reader.corrupt(f"malformed manifest record: {error}", record.offset) from error
