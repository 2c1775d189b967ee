"""The stored row: a fixed head around the bytes of an item.

Format (big-endian):

    row  := u8 format · u8 flags · u64 wall_ms · u16 counter · u16 region · u32 size · item
    format   1
    flags    0; no flag is given out in format 1
    wall_ms, counter, region    the ``Stamp`` of the write
    size     the item's size by the published rule, so that a page can be measured and counted
             without decoding what it skips
    item     ``item/codec``
"""

from __future__ import annotations

import struct

from kvdb.env.hlc import Stamp
from kvdb.errors import CorruptionError
from kvdb.item import codec
from kvdb.item.value import Item

FORMAT_VERSION = 1

_HEAD = struct.Struct(">BBQHHI")
_SIZE = struct.Struct(">I")
_SIZE_OFFSET = 14
assert _HEAD.size == _SIZE_OFFSET + _SIZE.size == 18


def encode(item: Item, size_bytes: int, stamp: Stamp) -> bytes:
    """The row of a normalised item; ``size_bytes`` is its published size."""
    return _HEAD.pack(FORMAT_VERSION, 0, *stamp, size_bytes) + codec.encode_item(item)


def item_of(row: bytes) -> Item:
    """The item of a row, a fresh one each time.

    Raises:
        CorruptionError: ``row`` is not a row of a format this kvdb knows.
    """
    if len(row) < _HEAD.size or row[0] != FORMAT_VERSION or row[1]:
        raise CorruptionError(f"row has an unknown format head={row[:2].hex()} length={len(row)}")
    return codec.decode_item(row, _HEAD.size)


def opened(row: bytes) -> tuple[Item, int]:
    """``item_of`` and ``size_of`` in one."""
    return item_of(row), _SIZE.unpack_from(row, _SIZE_OFFSET)[0]


def item_bytes(row: bytes) -> bytes:
    """The bytes of the row's item, in the form of ``item/codec``."""
    return row[_HEAD.size :]


def size_of(row: bytes) -> int:
    """The published size of the row's item, in bytes."""
    if len(row) < _HEAD.size or row[0] != FORMAT_VERSION:
        raise CorruptionError(f"row has an unknown format head={row[:2].hex()} length={len(row)}")
    return int(_SIZE.unpack_from(row, _SIZE_OFFSET)[0])


def stamp_of(row: bytes) -> Stamp:
    """When and where the row was written."""
    if len(row) < _HEAD.size or row[0] != FORMAT_VERSION:
        raise CorruptionError(f"row has an unknown format head={row[:2].hex()} length={len(row)}")
    _, _, wall_ms, counter, region, _ = _HEAD.unpack_from(row)
    return Stamp(wall_ms, counter, region)
