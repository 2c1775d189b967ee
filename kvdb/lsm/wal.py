"""One log file: the batches of one memtable, in commit order.

Format: records (see ``record``; little-endian), the first of kind OPEN, all others BATCH.

    kind  := 1 OPEN | 2 BATCH | 3 PAD
    OPEN  := u16:length msgpack filler            the record fills the first 512 bytes
             msgpack [format_version, database_id, log_number, sync_mode, base_seqno,
                      previous_number, previous_size, previous_seqno, previous_digest]
    BATCH := u64:seqno u64:wall_ms batch          seqno is that of the first operation
    PAD   := filler                               up to a sector's end, where ``log_pad_bytes`` asks for it

Invariant: the seqno of a batch is the one before it plus that batch's count of operations;
the first is ``base_seqno`` + 1.

A log is strict in the modes commit and group: a defect at its end that no torn write explains
is refused, since what stood there may have been acknowledged. In interval and none it is
dropped. A log that is not the newest was synced before the next one began: any defect there is
a CorruptionError, and so is a predecessor that is not what the next log says it was.

The OPEN record is durable before the first batch is written. So a newest log without one is the
remains of a crash while it was made only if it is no longer than that record; a longer one held
batches, and is a CorruptionError.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from kvdb.env.fs import File, FileSystem, join, read_all
from kvdb.errors import FormatTooNew, KvdbError
from kvdb.lsm.batch import INGEST_MARK, Operations, decode_operations, without_echoes
from kvdb.lsm.coding import pack, unpack
from kvdb.lsm.filenames import log_name
from kvdb.lsm.internal_key import SEQNO_MAX
from kvdb.lsm.record import FRAME_BYTES, Record, RecordReader, RecordWriter, file_salt
from kvdb.options import SYNC_MODES, SyncMode

FORMAT_VERSION: Final = 1
_OPEN: Final = 1
_BATCH: Final = 2
_PAD: Final = 3
_OPENING_BYTES: Final = 512
_OPENING_LENGTH = struct.Struct("<H")
_FILLER: Final = b"\xa5"
_BATCH_HEAD = struct.Struct("<QQ")
assert _BATCH_HEAD.size == 16
_pack_head: Final = _BATCH_HEAD.pack
_MARK: Final = pack(INGEST_MARK)
_MARK_BYTES: Final = _BATCH_HEAD.size + len(_MARK)


class Predecessor(NamedTuple):
    """What a log says of the log before it; all zero for the first after an open."""

    number: int = 0
    size: int = 0
    last_seqno: int = 0
    digest: int = 0


class Opening(NamedTuple):
    """What a log says when it begins."""

    sync_mode: SyncMode
    base_seqno: int
    """The last seqno before its own."""
    previous: Predecessor


class LogRecord(NamedTuple):
    """One batch as the log holds it, its echoes as what they stand for."""

    seqno: int
    """Of the first operation."""
    wall_ms: int
    operations: Operations
    offset: int = 0
    """Where the record begins in the file."""


class LogWriter:
    """Appends batches to one new log file. Not thread-safe: one commit leader at a time."""

    def __init__(
        self,
        file: File,
        *,
        database_id: bytes,
        number: int,
        sync_mode: SyncMode,
        base_seqno: int,
        previous: Predecessor,
        pad_bytes: int = 0,
    ) -> None:
        """Writes the OPEN record; ``sync_new`` and the directory's sync are the caller's.

        Raises:
            OSError: the file is worthless.
        """
        self.number = number
        self.last_seqno = base_seqno
        self._records = RecordWriter(file, salt=file_salt(database_id, "log", number))
        self._append_record = self._records.append_one
        opening = pack([FORMAT_VERSION, database_id, number, sync_mode, base_seqno, *previous])
        payload = (_OPENING_LENGTH.pack(len(opening)) + opening).ljust(_OPENING_BYTES - FRAME_BYTES, _FILLER)
        self._records.append(_OPEN, [payload])
        assert self._records.size == _OPENING_BYTES
        # After the opening, whose length tells a log that was never begun. It is synced by itself.
        self._records.pad_to(pad_bytes, _PAD)

    @property
    def size(self) -> int:
        """The end of what was appended."""
        return self._records.size

    @property
    def synced_to(self) -> int:
        """The end of what is known durable."""
        return self._records.synced_to

    def append_one(self, batch: bytes, count: int, wall_ms: int) -> None:
        """``append`` of a group of one.

        Raises:
            OSError: as ``append``.
        """
        self._append_record(_BATCH, _pack_head(self.last_seqno + 1, wall_ms) + batch)
        self.last_seqno += count

    def append(self, batches: Sequence[bytes], counts: Sequence[int], *, wall_ms: int) -> None:
        """Write a group of batches, given as byte form and count of operations, with one call.

        Raises:
            OSError: nothing of the group counts as written; ``drop_tail`` removes what may be there.
        """
        seqno = self.last_seqno + 1
        payloads = []
        for batch, count in zip(batches, counts, strict=True):
            payloads.append(_BATCH_HEAD.pack(seqno, wall_ms) + batch)
            seqno += count
        self._records.append(_BATCH, payloads)
        self.last_seqno = seqno - 1

    def drop_tail(self) -> None:
        """Cut off what a failed ``append`` may have left behind the last good record."""
        self._records.drop_tail()

    def sync(self) -> None:
        """Make all that was appended durable. After an ``OSError`` it must not be called again."""
        self._records.sync()

    def sync_new(self) -> None:
        """Make a log that was just opened durable; its name needs ``sync_dir``."""
        self._records.sync_new()

    def as_predecessor(self) -> Predecessor:
        """What the next log must say of this one; what the log is, up to its end."""
        return Predecessor(self.number, self.size, self.last_seqno, self._records.digest)

    def close(self) -> None:
        self._records.close()


class NoLog(LogWriter):
    """The log of a database that is open read-only: there is no file, and nothing is appended."""

    def __init__(self, last_seqno: int) -> None:
        self.number = 0
        self.last_seqno = last_seqno

    def close(self) -> None:
        """There is nothing to close."""


@dataclass(frozen=True, slots=True)
class LogContent:
    """A whole log file, read and judged."""

    number: int
    records: list[LogRecord]
    size: int
    """Bytes up to the end of the last good record."""
    torn_tail: bytes
    """What lay behind that end and was never durable; empty after a clean end."""
    last_seqno: int
    digest: int
    previous: Predecessor

    def as_predecessor(self) -> Predecessor:
        return Predecessor(self.number, self.size, self.last_seqno, self.digest)


def read_log(
    fs: FileSystem, directory: str, number: int, *, database_id: bytes, is_newest: bool
) -> LogContent | None:
    """Read log ``number``; ``None`` for a newest log that never got its OPEN record.

    Memory: the file (one memtable's worth and one batch at most) and its decoded records.

    Raises:
        CorruptionError: a defect that no crash explains; names file and offset.
        FormatTooNew: the log was written by a later kvdb.
    """
    scan = _Scan(fs, directory, number, database_id)
    if not scan.open():
        scan.reader.torn_tail(is_strict=True)
        if not is_newest or len(scan.data) > _OPENING_BYTES:
            raise scan.reader.corrupt("log has no opening record")
        return None
    scan.read()
    tail = scan.tail(is_newest=is_newest)
    return LogContent(
        number, scan.records, scan.reader.end, tail, scan.last_seqno, scan.reader.digest, scan.previous
    )


def read_piece(data: bytes, number: int, *, database_id: bytes) -> Iterator[LogRecord]:
    """The batches in a piece of log ``number`` that begins and ends between records.

    Raises:
        CorruptionError: it is damaged, or of another log or database.
        FormatTooNew: the log was written by a later kvdb.
    """
    reader = RecordReader(data, name=log_name(number), salt=file_salt(database_id, "log", number))
    for record in reader:
        if record.kind == _OPEN and not record.offset:
            _opening(record, reader, database_id, number)
        elif record.kind != _PAD:
            yield _batch(record, reader)
    if reader.end != len(data):
        raise reader.corrupt("piece of a log has no clean end")


class LogSpan(NamedTuple):
    """The whole records at the beginning of some bytes of a log."""

    size: int
    """Bytes of them."""
    last_seqno: int
    first_ms: int
    """The wall times of the first and the last batch; 0 when there is none."""
    last_ms: int
    digest: int
    """The log's, up to here."""
    ingests: tuple[int, ...]
    """Seqnos of marks of bulk ingests."""


def measure(
    data: bytes, number: int, *, database_id: bytes, last_seqno: int, digest: int, is_start: bool
) -> LogSpan:
    """What stands in ``data``, which begins between two records of log ``number``, behind ``last_seqno``,
    where the log's digest is ``digest``. Only the last batch is decoded.

    Raises:
        CorruptionError: a batch is out of order, or not a batch.
    """
    reader = RecordReader(data, name=log_name(number), salt=file_salt(database_id, "log", number))
    reader.digest = digest
    last: Record | None = None
    first_ms = last_ms = 0
    ingests: list[int] = []
    expected_min = last_seqno + 1
    for record in reader:
        _, kind, payload = record
        if kind == _BATCH:
            seqno, wall_ms = _BATCH_HEAD.unpack_from(payload)
            # What a batch before it holds is not counted: that it is at least one operation is.
            if seqno < expected_min or (last is None and seqno != expected_min):
                raise reader.corrupt(f"log record out of order seqno={seqno}", record.offset)
            expected_min = seqno + 1
            first_ms = first_ms or wall_ms
            last_ms = wall_ms
            last = record
            if len(payload) == _MARK_BYTES and payload[_BATCH_HEAD.size :] == _MARK:
                ingests.append(seqno)
        elif kind == _OPEN and is_start and not record.offset:
            _opening(record, reader, database_id, number)
        elif kind != _PAD:
            raise reader.corrupt(f"unknown record kind={kind}", record.offset)
    if last is not None:
        batch = _batch(last, reader)
        last_seqno = batch.seqno + (len(batch.operations) >> 1) - 1
    return LogSpan(reader.end, last_seqno, first_ms, last_ms, reader.digest, tuple(ingests))


class SalvagedLog(NamedTuple):
    """What is good in a log, from its beginning to the first defect."""

    records: list[LogRecord]
    size: int
    """Bytes up to there; what follows, up to ``file_size``, is torn or damaged."""
    file_size: int
    last_seqno: int
    previous: Predecessor
    as_predecessor: Predecessor
    """What the next log must say of this one, if nothing is missing here."""
    error: KvdbError | None
    """Why ``read_log`` would refuse the log as the newest; ``None``: it would not."""


def salvage_log(fs: FileSystem, directory: str, number: int, *, database_id: bytes) -> SalvagedLog:
    """As much of log ``number`` as is provably good, for inspection and repair; never a refusal."""
    scan = _Scan(fs, directory, number, database_id)
    error: KvdbError | None = None
    try:
        if scan.open():
            scan.read()
            scan.tail(is_newest=True)
        elif len(scan.data) > _OPENING_BYTES:
            error = scan.reader.corrupt("log has no opening record")
    except KvdbError as found:
        error = found
    seen = Predecessor(number, scan.good_to, scan.last_seqno, scan.reader.digest)
    return SalvagedLog(
        scan.records, scan.good_to, len(scan.data), scan.last_seqno, scan.previous, seen, error
    )


class _Scan:
    """One pass over a log file."""

    def __init__(self, fs: FileSystem, directory: str, number: int, database_id: bytes) -> None:
        self.data = read_all(fs, join(directory, log_name(number)))
        self.reader = RecordReader(
            self.data, name=log_name(number), salt=file_salt(database_id, "log", number)
        )
        self.records: list[LogRecord] = []
        self.last_seqno = 0
        self.previous = Predecessor()
        self.good_to = 0
        self._number = number
        self._database_id = database_id
        self._sync_mode: SyncMode = "commit"
        self._framed = iter(self.reader)

    def open(self) -> bool:
        """Read the OPEN record; False when it is not there."""
        opening = next(self._framed, None)
        if opening is None:
            return False
        fields = _opening(opening, self.reader, self._database_id, self._number)
        self._sync_mode, self.last_seqno, self.previous = fields
        self.good_to = self.reader.end
        return True

    def read(self) -> None:
        """Read the batches up to the first record that is not good."""
        for record in self._framed:
            if record.kind == _PAD:
                self.good_to = self.reader.end
                continue
            batch = _batch(record, self.reader)
            if batch.seqno != self.last_seqno + 1:
                raise self.reader.corrupt(
                    f"log record out of order seqno={batch.seqno} expected={self.last_seqno + 1}",
                    record.offset,
                )
            self.records.append(batch)
            self.last_seqno += len(batch.operations) >> 1
            self.good_to = self.reader.end

    def tail(self, *, is_newest: bool) -> bytes:
        tail = self.reader.torn_tail(is_strict=not is_newest or self._sync_mode in ("commit", "group"))
        if not is_newest and self.reader.end != len(self.data):
            raise self.reader.corrupt("a log that was synced has no clean end")
        return tail


def read_opening(fs: FileSystem, directory: str, number: int, *, database_id: bytes) -> Opening | None:
    """What log ``number`` says when it begins; ``None`` when its OPEN record is not there.

    Raises:
        CorruptionError, FormatTooNew: as ``read_log``.
    """
    file = fs.open_read(join(directory, log_name(number)))
    try:
        data = file.read_at(0, _OPENING_BYTES)
    finally:
        file.close()
    reader = RecordReader(data, name=log_name(number), salt=file_salt(database_id, "log", number))
    record = next(iter(reader), None)
    return None if record is None else _opening(record, reader, database_id, number)


def _opening(record: Record, reader: RecordReader, database_id: bytes, number: int) -> Opening:
    try:
        (length,) = _OPENING_LENGTH.unpack_from(record.payload)
        fields = unpack(record.payload[_OPENING_LENGTH.size : _OPENING_LENGTH.size + length])
    except (ValueError, struct.error) as error:
        raise reader.corrupt(f"malformed opening record: {error}", record.offset) from error
    if record.kind != _OPEN or not isinstance(fields, list) or not fields or not isinstance(fields[0], int):
        raise reader.corrupt("log does not begin with its opening record", record.offset)
    if fields[0] > FORMAT_VERSION:
        raise FormatTooNew(f"log format {fields[0]} is newer than {FORMAT_VERSION} file={log_name(number)}")
    if len(fields) != 9 or fields[1:3] != [database_id, number] or fields[3] not in SYNC_MODES:
        raise reader.corrupt("log belongs to another database or place", record.offset)
    return Opening(fields[3], fields[4], Predecessor(*fields[5:]))


def _batch(record: Record, reader: RecordReader) -> LogRecord:
    try:
        if record.kind != _BATCH or len(record.payload) < _BATCH_HEAD.size:
            raise ValueError(f"not a batch kind={record.kind}")
        seqno, wall_ms = _BATCH_HEAD.unpack_from(record.payload)
        if seqno > SEQNO_MAX:
            raise ValueError(f"a seqno that none can be seqno={seqno}")
        operations = without_echoes(decode_operations(record.payload[_BATCH_HEAD.size :]), seqno)
        return LogRecord(seqno, wall_ms, operations, record.offset)
    except ValueError as error:
        raise reader.corrupt(str(error), record.offset) from error


def create_log(
    fs: FileSystem,
    directory: str,
    number: int,
    *,
    database_id: bytes,
    sync_mode: SyncMode,
    base_seqno: int,
    previous: Predecessor,
    pad_bytes: int = 0,
) -> LogWriter:
    """A new log, durable with its name before anything is acknowledged through it.

    Raises:
        OSError: there may be a file by that name, without a use.
    """
    file = fs.create(join(directory, log_name(number)))
    try:
        log = LogWriter(
            file,
            database_id=database_id,
            number=number,
            sync_mode=sync_mode,
            base_seqno=base_seqno,
            previous=previous,
            pad_bytes=pad_bytes,
        )
        log.sync_new()
        fs.sync_dir(directory)
    except BaseException:
        file.close()
        raise
    return log
