"""The layout of an sstable file.

Format (little-endian):

    file       := data_block* ranges_block? filter_block? index_block properties_block footer
    block      := body u8:compression u32:crc
    crc        := CRC32C of body and compression byte, seeded with (unique id, offset),
                  so a block moved to another place or file does not verify
    compression:= 0 none
    index      := msgpack [[separator, ...], [offset, ...], [length, ...]]
    ranges     := range deletes                       see ``range_tombstone``
    properties := msgpack {name: value}               see ``Properties``
    footer     := u64:unique_id u64,u32:ranges u64,u32:filter u64,u32:index u64,u32:properties
                  u8:format_version u32:crc(footer so far) 8s:magic

A handle is offset and length (body and trailer). ``separator[i]`` is at least the last key
of data block i and below the first key of the next block with another key. The whole-file
digest stands in the manifest, outside the file.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

from kvdb.errors import CorruptionError, FormatTooNew
from kvdb.lsm.coding import crc32c, pack, unpack

FORMAT_VERSION: Final = 1
MAGIC: Final = b"kvdb.sst"

_TRAILER = struct.Struct("<BI")
assert _TRAILER.size == 5
TRAILER_BYTES: Final = _TRAILER.size
_FOOTER = struct.Struct("<QQIQIQIQIB")
_FOOTER_END = struct.Struct("<I8s")
FOOTER_BYTES: Final = _FOOTER.size + _FOOTER_END.size
assert FOOTER_BYTES == 69
_COMPRESSION_NONE: Final = 0


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


def sealed_block(body: bytes, *, unique_id: int, offset: int) -> bytes:
    """``body`` with its trailer, as it goes to ``offset`` of file ``unique_id``."""
    crc = _block_crc(body, _COMPRESSION_NONE, unique_id, offset)
    return body + _TRAILER.pack(_COMPRESSION_NONE, crc)


def opened_block(data: bytes, *, unique_id: int, offset: int, file: str) -> bytes:
    """The body of a sealed block.

    Raises:
        CorruptionError: the block is damaged, or belongs elsewhere.
        FormatTooNew: it is compressed in a way this kvdb does not know.
    """
    if len(data) < TRAILER_BYTES:
        raise CorruptionError("block is cut short", file=file, offset=offset)
    body = data[:-TRAILER_BYTES]
    compression, crc = _TRAILER.unpack_from(data, len(body))
    if crc != _block_crc(body, compression, unique_id, offset):
        raise CorruptionError("block checksum mismatch", file=file, offset=offset)
    if compression != _COMPRESSION_NONE:
        raise FormatTooNew(f"unknown block compression {compression} file={file} offset={offset}")
    return body


def _block_crc(body: bytes, compression: int, unique_id: int, offset: int) -> int:
    seed = crc32c(struct.pack("<QQB", unique_id, offset, compression))
    return crc32c(body, seed)


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
