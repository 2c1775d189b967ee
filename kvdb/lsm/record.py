"""Records: the framing of append-only files (the log and the manifest), and its torn-tail rule.

Format (little-endian):

    record := u32:salt u32:header_crc u32:payload_crc u32:length u64:synced_to u8:kind u8:mask
              payload u8:0xA5

``salt`` is made from database id, file kind and file number, so bytes of another file, or of an
earlier life of the disk, never parse. ``header_crc`` covers the header behind itself, seeded
with the salt. ``synced_to`` is the offset up to which the file was durable when the record was
written. ``digest`` (not stored here) is the CRC chain of all headers, which hold the payloads' CRCs.

Torn writes. A power loss leaves whole 512-byte sectors unwritten, which then read as zeros
(etcd's isTornEntry). For that to be evidence, no sector's part of a good record may be zero, nor
one flipped bit away from it: each byte of the salt and the end mark have two bits or more, and a
payload with a run of 16 zeros is stored XORed with a ``mask`` byte of which it has no such run.

Where reading stops (RELIABILITY 3.3, rule C), at a defect at offset x:

    only zeros from x on, or end of file                clean end
    a later record has ``synced_to`` > x                CorruptionError: it was durable once
    the file is shorter than the record's header says   torn: the tail is dropped
    a sector's part of the record is all zero           torn
    otherwise                                           CorruptionError where the file is strict, else torn
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from kvdb.env.fs import File
from kvdb.errors import CorruptionError
from kvdb.lsm.coding import crc32c, crc32c_extend

SECTOR_BYTES: Final = 512

_HEADER = struct.Struct("<IIIIQBB")
assert _HEADER.size == 26
_REST = struct.Struct("<IIQBB")
_CRC = struct.Struct("<I")
_pack_rest: Final = _REST.pack
_pack_crc: Final = _CRC.pack
_REST_AT: Final = 8
_END_MARK: Final = b"\xa5"
FRAME_BYTES: Final = _HEADER.size + len(_END_MARK)
"""What a record adds to its payload."""
_ZERO_RUN: Final = 16
_ZEROS: Final = bytes(_ZERO_RUN)
_SALT_BITS: Final = 0x81818181


class Record(NamedTuple):
    """One good record, as read."""

    offset: int
    kind: int
    payload: bytes


class _Header(NamedTuple):
    salt: int
    header_crc: int
    payload_crc: int
    length: int
    synced_to: int
    kind: int
    mask: int


def file_salt(database_id: bytes, kind: Literal["log", "manifest"], number: int) -> int:
    """The salt of every record in one file."""
    return crc32c(database_id + kind.encode() + struct.pack("<Q", number)) | _SALT_BITS


def _masked(payload: bytes, mask: int) -> bytes:
    return payload.translate(bytes(value ^ mask for value in range(256))) if mask else payload


def _mask_for(payload: bytes) -> int:
    # Only a payload made to have long runs of all 255 bytes gets none: it then merely loses
    # the benefit of the doubt after a power loss.
    return next((mask for mask in range(1, 256) if bytes([mask]) * _ZERO_RUN not in payload), 0)


class RecordWriter:
    """Appends records to a new file. Not thread-safe.

    ``size`` is the end of what was appended, ``synced_to`` of what is known durable.
    """

    def __init__(self, file: File, *, salt: int) -> None:
        self.size = 0
        self.synced_to = 0
        self.digest = 0
        self._pad_bytes = 0
        self._pad_kind = 0
        self._file = file
        self._append = file.append
        self._salt_bytes = struct.pack("<I", salt)
        self._salt = salt

    def pad_to(self, pad_bytes: int, kind: int) -> None:
        """Fill every append from here on up to a multiple of ``pad_bytes``, with a record of ``kind``: then
        no later one writes to a sector that holds a part of it."""
        self._pad_bytes, self._pad_kind = pad_bytes, kind

    def append(self, kind: int, payloads: Sequence[bytes]) -> None:
        """One record a payload, all with a single write.

        Raises:
            OSError: nothing counts as written; ``size`` has not moved, but the file may hold
                a part, which ``drop_tail`` removes.
        """
        digest = self.digest
        data = b"".join([self._framed(kind, payload) for payload in payloads])
        if self._pad_bytes:
            data += self._filler(self.size + len(data))
        try:
            self._file.append(data)
        except OSError:
            self.digest = digest
            raise
        self.size += len(data)

    def append_one(self, kind: int, payload: bytes) -> None:
        """``append`` of one record.

        Raises:
            OSError: as ``append``.
        """
        digest = self.digest
        data = self._framed(kind, payload)
        if self._pad_bytes:
            data += self._filler(self.size + len(data))
        try:
            self._append(data)
        except OSError:
            self.digest = digest
            raise
        self.size += len(data)

    def drop_tail(self) -> None:
        """Cut off what a failed ``append`` may have left behind the last good record."""
        self._file.truncate(self.size)

    def sync(self) -> None:
        """Make all that was appended durable. After an ``OSError`` it must not be called again."""
        size = self.size
        self._file.sync_data()
        self.synced_to = max(self.synced_to, size)

    def sync_new(self) -> None:
        """Make a new file durable, metadata too; its name needs ``sync_dir``."""
        self._file.sync()
        self.synced_to = self.size

    def close(self) -> None:
        self._file.close()

    def _filler(self, end: int) -> bytes:
        """What brings a file that ends there to a multiple of the padding."""
        gap = -end % self._pad_bytes
        if 0 < gap < FRAME_BYTES:
            gap += self._pad_bytes
        return self._framed(self._pad_kind, _END_MARK * (gap - FRAME_BYTES)) if gap else b""

    def _framed(self, kind: int, payload: bytes) -> bytes:
        mask = 0
        # ``find`` takes half the time that ``in`` does.
        if payload.find(_ZEROS) >= 0:
            mask = _mask_for(payload)
            payload = _masked(payload, mask)
        rest = _pack_rest(crc32c_extend(0, payload), len(payload), self.synced_to, kind, mask)
        self.digest = crc32c_extend(self.digest, rest)
        header_crc = _pack_crc(crc32c_extend(self._salt, rest))
        return b"".join((self._salt_bytes, header_crc, rest, payload, _END_MARK))


class RecordReader:
    """The good records of one file's bytes, and a judgement of what follows them."""

    def __init__(self, data: bytes, *, name: str, salt: int) -> None:
        self.end = 0
        """The offset behind the last record that was given out."""
        self.digest = 0
        self._data = data
        self._name = name
        self._salt = salt

    def __iter__(self) -> Iterator[Record]:
        """Records in order, up to the first that is not good."""
        # As ``_header_at`` and ``_is_whole`` say, spelled out: a log has a record for every batch.
        data, salt, unpack, extend = self._data, self._salt, _HEADER.unpack_from, crc32c_extend
        # Half the price of calling the class.
        new = tuple.__new__
        last_start = len(data) - _HEADER.size
        while (offset := self.end) <= last_start:
            found_salt, header_crc, payload_crc, length, _, kind, mask = unpack(data, offset)
            start = offset + _HEADER.size
            rest = data[offset + _REST_AT : start]
            if found_salt != salt or header_crc != extend(salt, rest):
                return
            end = start + length
            payload = data[start:end]
            if data[end : end + 1] != _END_MARK or extend(0, payload) != payload_crc:
                return
            self.digest = extend(self.digest, rest)
            self.end = end + 1
            yield new(Record, (offset, kind, _masked(payload, mask) if mask else payload))

    def torn_tail(self, *, is_strict: bool) -> bytes:
        """What stands behind ``end`` and was never durable; empty after a clean end.

        Raises:
            CorruptionError: it may have been durable; names file and offset.
        """
        tail = self._data[self.end :]
        if not tail.strip(b"\0"):
            return b""
        later = self._latest_synced_to()
        if later > self.end:
            raise self.corrupt(f"bad record in the middle synced_to={later}")
        if is_strict and not self._is_torn():
            raise self.corrupt("bad record at the end, not a torn write")
        return tail

    def corrupt(self, message: str, offset: int | None = None) -> CorruptionError:
        """An error that names this file, and the end of the good records unless told otherwise."""
        return CorruptionError(message, file=self._name, offset=self.end if offset is None else offset)

    def _header_at(self, offset: int) -> _Header | None:
        data = self._data
        if offset + _HEADER.size > len(data):
            return None
        header = _Header(*_HEADER.unpack_from(data, offset))
        rest = data[offset + _REST_AT : offset + _HEADER.size]
        if header.salt != self._salt or header.header_crc != crc32c(rest, self._salt):
            return None
        return header

    def _is_whole(self, offset: int, header: _Header) -> bool:
        start = offset + _HEADER.size
        end = start + header.length
        payload = self._data[start:end]
        return self._data[end : end + 1] == _END_MARK and crc32c(payload) == header.payload_crc

    def _is_torn(self) -> bool:
        header = self._header_at(self.end)
        place = self.end
        end = place + (_HEADER.size if header is None else FRAME_BYTES + header.length)
        if end > len(self._data):
            return True
        if header is None:
            # How far the record goes is not known, and a header's last bytes may be zero by
            # nature: look at the whole of the sector that they stand in.
            end = min(len(self._data), -(-end // SECTOR_BYTES) * SECTOR_BYTES)
        while place < end:
            sector_end = min(end, (place // SECTOR_BYTES + 1) * SECTOR_BYTES)
            if not self._data[place:sector_end].strip(b"\0"):
                return True
            place = sector_end
        return False

    def _latest_synced_to(self) -> int:
        """The highest ``synced_to`` of any good record behind the bad one."""
        salt = struct.pack("<I", self._salt)
        latest = 0
        place = self._data.find(salt, self.end + 1)
        while place != -1:
            header = self._header_at(place)
            if header is not None and self._is_whole(place, header):
                latest = max(latest, header.synced_to)
                place += FRAME_BYTES + header.length - 1
            place = self._data.find(salt, place + 1)
        return latest
