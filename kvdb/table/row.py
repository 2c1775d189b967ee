"""The stored row: a fixed head around the bytes of an item.

Format (big-endian):

    row  := u8 format · u8 flags · u64 wall_ms · u16 counter · u16 region · u32 size
            · (u32 length · lineage)? · item
    format   1
    flags    1 LINEAGE: there is one. 2 TOMBSTONE: the item was deleted, and ``item`` is its key; such
             a row stands where tombstones stand (``table/replica_keys``), never among rows. A kvdb
             that does not know a flag refuses the row
    wall_ms, counter, region    the ``Stamp`` of the write
    size     the item's size by the published rule, so that a page can be measured and counted
             without decoding what it skips
    lineage  ``table/lineage``: which writes of other regions this version includes
    item     ``item/codec``
"""

from __future__ import annotations

import struct

from kvdb.env.hlc import Stamp
from kvdb.errors import CorruptionError
from kvdb.item import codec
from kvdb.item.value import Item

FORMAT_VERSION = 1
_LINEAGE, _TOMBSTONE = 1, 2
_FLAGS = _LINEAGE | _TOMBSTONE

_HEAD = struct.Struct(">BBQHHI")
_SIZE = struct.Struct(">I")
_SIZE_OFFSET = 14
_REGION = struct.Struct(">H")
_REGION_OFFSET = 12
assert _HEAD.size == _SIZE_OFFSET + _SIZE.size == _REGION_OFFSET + _REGION.size + _SIZE.size == 18
_LINEAGE_AT = _HEAD.size + _SIZE.size


def encode(
    item: Item, size_bytes: int, stamp: Stamp, lineage: bytes = b"", *, is_tombstone: bool = False
) -> bytes:
    """The row of a normalised item; ``size_bytes`` is its published size."""
    flags = _TOMBSTONE if is_tombstone else 0
    if lineage:
        head = _HEAD.pack(FORMAT_VERSION, flags | _LINEAGE, *stamp, size_bytes)
        return head + _SIZE.pack(len(lineage)) + lineage + codec.encode_item(item)
    return _HEAD.pack(FORMAT_VERSION, flags, *stamp, size_bytes) + codec.encode_item(item)


def item_of(row: bytes) -> Item:
    """The item of a row, a fresh one each time; of a tombstone, its key.

    Raises:
        CorruptionError: ``row`` is not a row of a format this kvdb knows.
    """
    if len(row) < _HEAD.size or row[0] != FORMAT_VERSION:
        raise _unknown(row)
    return codec.decode_item(row, _item_at(row) if row[1] else _HEAD.size)


def opened(row: bytes) -> tuple[Item, int]:
    """``item_of`` and ``size_of`` in one."""
    return item_of(row), _SIZE.unpack_from(row, _SIZE_OFFSET)[0]


def item_bytes(row: bytes) -> bytes:
    """The bytes of the row's item, in the form of ``item/codec``."""
    return row[_item_at(row) :]


def lineage_of(row: bytes) -> bytes:
    """Its lineage, empty if it has none."""
    _check(row)
    return row[_LINEAGE_AT : _item_at(row)] if row[1] & _LINEAGE else b""


def is_plain(row: bytes, region: int) -> bool:
    """Whether it was written in this region, and has no lineage. Cheap."""
    if len(row) < _HEAD.size or row[0] != FORMAT_VERSION:
        raise _unknown(row)
    return not row[1] & _LINEAGE and _REGION.unpack_from(row, _REGION_OFFSET)[0] == region


def with_lineage(row: bytes, lineage: bytes) -> bytes:
    """The same version with another lineage."""
    _check(row)
    item_at = _item_at(row)
    flags = row[1] | _LINEAGE if lineage else row[1] & ~_LINEAGE
    length = _SIZE.pack(len(lineage)) if lineage else b""
    return row[:1] + bytes((flags,)) + row[2 : _HEAD.size] + length + lineage + row[item_at:]


def head_of(row: bytes) -> tuple[Stamp, int, bool, bool]:
    """``stamp_of``, ``size_of`` and ``is_tombstone`` in one, and whether it has a lineage."""
    _check(row)
    _, flags, wall_ms, counter, region, size = _HEAD.unpack_from(row)
    return Stamp(wall_ms, counter, region), size, bool(flags & _TOMBSTONE), bool(flags & _LINEAGE)


def is_tombstone(row: bytes) -> bool:
    """Whether it says that the item was deleted."""
    _check(row)
    return bool(row[1] & _TOMBSTONE)


def size_of(row: bytes) -> int:
    """The published size of the row's item, in bytes."""
    _check(row)
    return int(_SIZE.unpack_from(row, _SIZE_OFFSET)[0])


def stamp_of(row: bytes) -> Stamp:
    """When and where the row was written."""
    _check(row)
    _, _, wall_ms, counter, region, _ = _HEAD.unpack_from(row)
    return Stamp(wall_ms, counter, region)


def _item_at(row: bytes) -> int:
    flags = row[1]
    if flags & ~_FLAGS:
        raise _unknown(row)
    if not flags & _LINEAGE:
        return _HEAD.size
    if len(row) < _LINEAGE_AT:
        raise _unknown(row)
    at = _LINEAGE_AT + int(_SIZE.unpack_from(row, _HEAD.size)[0])
    if at > len(row):
        raise _unknown(row)
    return at


def _check(row: bytes) -> None:
    if len(row) < _HEAD.size or row[0] != FORMAT_VERSION:
        raise _unknown(row)


def _unknown(row: bytes) -> CorruptionError:
    return CorruptionError(f"row has an unknown format head={row[:2].hex()} length={len(row)}")
