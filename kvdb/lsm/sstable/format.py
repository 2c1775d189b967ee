"""The layout of an sstable file.

Format (little-endian):

    file       := data_block* ranges_block? filter_block? index_block properties_block footer
    block      := body u8:compression u32:crc
    crc        := CRC32C of body and compression byte, seeded with (unique id, offset),
                  so a block moved to another place or file does not verify
    body       := bytes                               compression 0 none
                | u32:raw_length zstd_frame           compression 1 zstd
    index      := msgpack [[separator, ...], [offset, ...], [length, ...]]
    ranges     := range deletes                       see ``range_tombstone``
    properties := msgpack {name: value}               see ``Properties``
    footer     := u64:unique_id u64,u32:ranges u64,u32:filter u64,u32:index u64,u32:properties
                  u8:format_version u32:crc(footer so far) 8s:magic

A block is compressed when that makes it smaller by an eighth or more, and only up to
``RAW_BYTES_MAX`` (1 MiB): reading never makes more of a block than its declared length, which stands
under the checksum, must be the one that the frame declares, and is bounded. The filter is not.

A handle is offset and length (body and trailer). ``separator[i]`` is at least the last key
of data block i and below the first key of the next block with another key. The whole-file
digest stands in the manifest, outside the file.
"""

from __future__ import annotations

import struct
import threading
from dataclasses import dataclass
from typing import Final, NamedTuple

import zstandard

from kvdb.errors import CorruptionError, FormatTooNew
from kvdb.lsm.coding import crc32c, crc32c_extend, pack, unpack
from kvdb.options import Compression

FORMAT_VERSION: Final = 1
MAGIC: Final = b"kvdb.sst"

_TRAILER = struct.Struct("<BI")
assert _TRAILER.size == 5
TRAILER_BYTES: Final = _TRAILER.size
_pack_place: Final = struct.Struct("<QQB").pack
_FOOTER = struct.Struct("<QQIQIQIQIB")
_FOOTER_END = struct.Struct("<I8s")
FOOTER_BYTES: Final = _FOOTER.size + _FOOTER_END.size
assert FOOTER_BYTES == 69
_COMPRESSION_NONE: Final = 0
_COMPRESSION_ZSTD: Final = 1
_ZSTD_LEVEL: Final = -1
_RAW_LENGTH = struct.Struct("<I")
_frame_content_size: Final = zstandard.frame_content_size
RAW_BYTES_MAX: Final = 1024 * 1024
"""A larger body is stored as it is."""


class BlockHandle(NamedTuple):
    """Where a block lies. Length 0: there is no such block."""

    offset: int
    length: int


class Footer(NamedTuple):
    unique_id: int
    ranges: BlockHandle
    filter: BlockHandle
    block_index: BlockHandle
    properties: BlockHandle


@dataclass(frozen=True, slots=True)
class Properties:
    """What a file says of itself."""

    entries: int
    tombstones: int
    range_tombstones: int
    smallest: bytes
    """No key of the file, nor of its range deletes, is below this one."""
    limit: bytes
    """Every key of the file, and of its range deletes, is below this one."""
    seqno_min: int
    seqno_max: int
    wall_ms: int
    """The newest wall time of the logs it was made from."""

    def encoded(self) -> bytes:
        return pack({name: getattr(self, name) for name in self.__slots__})

    @classmethod
    def decoded(cls, body: bytes) -> Properties:
        """Raises ``ValueError`` when ``body`` is not a property block."""
        fields = unpack(body)
        if not isinstance(fields, dict) or fields.keys() != set(cls.__slots__):
            raise ValueError("not a property block")
        return cls(**fields)


class _Codecs(threading.local):
    """A thread's own zstd contexts: making one costs more than using it, sharing one is not safe."""

    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress
        self.decompress = zstandard.ZstdDecompressor(max_window_size=RAW_BYTES_MAX).decompress


_codecs: Final = _Codecs()


def sealed_block(body: bytes, *, unique_id: int, offset: int, compression: Compression = "none") -> bytes:
    """``body`` as it goes to ``offset`` of file ``unique_id``, compressed and with its trailer.

    With ``opened_block`` this is all that stands between blocks and files.
    """
    kind = _COMPRESSION_NONE
    if compression == "zstd" and len(body) <= RAW_BYTES_MAX:
        packed = _codecs.compress(body)
        if len(packed) + _RAW_LENGTH.size <= len(body) - (len(body) >> 3):
            kind, body = _COMPRESSION_ZSTD, _RAW_LENGTH.pack(len(body)) + packed
    return body + _TRAILER.pack(kind, _block_crc(body, kind, unique_id, offset))


def opened_block(data: bytes, *, unique_id: int, offset: int, file: str) -> bytes:
    """The body that was sealed. Memory: at most ``RAW_BYTES_MAX`` beside ``data``.

    Raises:
        CorruptionError: the block is damaged, or belongs elsewhere, or lies about its size.
        FormatTooNew: it is compressed in a way this kvdb does not know.
    """
    if len(data) < TRAILER_BYTES:
        raise CorruptionError("block is cut short", file=file, offset=offset)
    body = data[:-TRAILER_BYTES]
    compression, crc = _TRAILER.unpack_from(data, len(body))
    if crc != _block_crc(body, compression, unique_id, offset):
        raise CorruptionError("block checksum mismatch", file=file, offset=offset)
    if compression == _COMPRESSION_NONE:
        return body
    if compression != _COMPRESSION_ZSTD:
        raise FormatTooNew(f"unknown block compression {compression} file={file} offset={offset}")
    try:
        return _decompressed(body)
    except ValueError as error:
        raise CorruptionError(str(error), file=file, offset=offset) from error


def _decompressed(body: bytes) -> bytes:
    if len(body) < _RAW_LENGTH.size:
        raise ValueError("compressed block is cut short")
    (declared,) = _RAW_LENGTH.unpack_from(body)
    frame = body[_RAW_LENGTH.size :]
    try:
        # The frame's own size decides how much the library allocates, whatever it is told.
        found = _frame_content_size(frame)
        if found != declared or declared > RAW_BYTES_MAX:
            raise ValueError(f"compressed block lies about its size declared={declared} frame={found}")
        raw = _codecs.decompress(frame, declared)
    except zstandard.ZstdError as error:
        raise ValueError(f"malformed zstd frame: {error}") from error
    if len(raw) != declared:
        raise ValueError(f"compressed block has the wrong size declared={declared} found={len(raw)}")
    return raw


def _block_crc(body: bytes, compression: int, unique_id: int, offset: int) -> int:
    return crc32c_extend(crc32c_extend(0, _pack_place(unique_id, offset, compression)), body)


def encoded_footer(footer: Footer) -> bytes:
    fixed = _FOOTER.pack(
        footer.unique_id,
        *footer.ranges,
        *footer.filter,
        *footer.block_index,
        *footer.properties,
        FORMAT_VERSION,
    )
    return fixed + _FOOTER_END.pack(crc32c(fixed), MAGIC)


def decoded_footer(data: bytes, *, file: str, offset: int) -> Footer:
    """Raises CorruptionError for damage, FormatTooNew for a later version."""
    if len(data) != FOOTER_BYTES or not data.endswith(MAGIC):
        raise CorruptionError("not an sstable footer", file=file, offset=offset)
    fixed = data[: _FOOTER.size]
    crc, _ = _FOOTER_END.unpack_from(data, _FOOTER.size)
    if crc != crc32c(fixed):
        raise CorruptionError("footer checksum mismatch", file=file, offset=offset)
    unique_id, *handles, version = _FOOTER.unpack(fixed)
    if version > FORMAT_VERSION:
        raise FormatTooNew(f"sstable format {version} is newer than {FORMAT_VERSION} file={file}")
    return Footer(unique_id, *(BlockHandle(*handles[place : place + 2]) for place in range(0, 8, 2)))
