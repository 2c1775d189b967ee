"""Engine keys of change streams. Like the catalog they stand under table id 0 (``table/keys``):
a stream outlives its table.

    change  := u32 0 · u8 32 · stream id · u64 seqno · u16 hash     a change record
    stream  := u32 0 · u8 33 · stream id                            a stream's descriptor
    lineage := u32 0 · u8 34 · stream id · u64 seqno                how it was divided from there on
    secret  := u32 0 · u8 35                                        what signs iterators and cursors
    removed := u32 0 · u8 36 · table name in UTF-8                  how far removed streams went

    stream id := u32 table_id · u16 number

``number`` is given out like those of indexes, so no stream ever meets another's records. ``seqno``
is filled in by commit, of a change record with its own, so one stream's records lie in the order
of their commits. ``hash`` is that of the item's partition (``table/keys``): a shard is a range of it.
"""

from __future__ import annotations

import struct

from kvdb.table.keys import CATALOG_ID, KeyRange, prefix_range, table_prefix

_ROOT = table_prefix(CATALOG_ID)
_CHANGES = _ROOT + b"\x20"
_STREAMS = _ROOT + b"\x21"
_LINEAGES = _ROOT + b"\x22"
STREAM_SECRET_KEY = _ROOT + b"\x23"
_REMOVED = _ROOT + b"\x24"

_ID = struct.Struct(">IH")
_SEQNO = struct.Struct(">Q")
_HASH = struct.Struct(">H")
_SEQNO_AT = len(_CHANGES) + _ID.size
_HASH_AT = _SEQNO_AT + _SEQNO.size

_ROW_HASH = slice(6, 8)
"""Of the partition, in the engine key of a row."""

HASHES = 1 << 16
SEQNO_MAX = (1 << 64) - 1


def prefixes_by_table() -> tuple[bytes, ...]:
    """What begins the entries that go on with a table id."""
    return (_CHANGES, _STREAMS, _LINEAGES)


def prefixes_of_database() -> tuple[bytes, ...]:
    """What begins the entries that belong to no table that is there."""
    return (_REMOVED,)


def stream_id(table_id: int, number: int) -> bytes:
    return _ID.pack(table_id, number)


def changes_prefix(of: bytes) -> bytes:
    """What the key of a change record of stream ``of`` has before its seqno."""
    return _CHANGES + of


def change_suffix(row_key: bytes) -> bytes:
    """What it has after its seqno."""
    return row_key[_ROW_HASH]


def changes_range(of: bytes, after: int, upto: int) -> KeyRange:
    """The change records with ``after < seqno <= upto``."""
    prefix = _CHANGES + of
    end = prefix_range(prefix).end if upto >= SEQNO_MAX else prefix + _SEQNO.pack(upto + 1)
    return KeyRange(prefix + _SEQNO.pack(after + 1), end)


def change_seqno(key: bytes) -> int:
    return int(_SEQNO.unpack_from(key, _SEQNO_AT)[0])


def change_hash(key: bytes) -> int:
    return int(_HASH.unpack_from(key, _HASH_AT)[0])


def stream_key(of: bytes) -> bytes:
    return _STREAMS + of


def stream_range() -> KeyRange:
    return prefix_range(_STREAMS)


def stream_id_of(key: bytes) -> bytes:
    """The stream id of a ``stream_key``."""
    return key[len(_STREAMS) :]


def removed_key(table_name: str) -> bytes:
    return _REMOVED + table_name.encode()


def removed_range() -> KeyRange:
    return prefix_range(_REMOVED)


def removed_table_name(key: bytes) -> str:
    """The table name of a ``removed_key``."""
    return key[len(_REMOVED) :].decode()


def seqno_value(seqno: int) -> bytes:
    return _SEQNO.pack(seqno)


def seqno_of_value(stored: bytes) -> int:
    return int(_SEQNO.unpack(stored)[0])


def lineage_prefix(of: bytes) -> bytes:
    """What the key of a lineage row has before its seqno; after it there is nothing."""
    return _LINEAGES + of


def lineage_range(of: bytes) -> KeyRange:
    return prefix_range(_LINEAGES + of)


def lineage_key(of: bytes, seqno: int) -> bytes:
    return _LINEAGES + of + _SEQNO.pack(seqno)


def lineage_seqno(key: bytes) -> int:
    return int(_SEQNO.unpack_from(key, _SEQNO_AT)[0])
