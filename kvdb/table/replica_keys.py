"""Engine keys of what a table that is replicated keeps beside its rows, under table id 0 (``table/keys``).

    write     := u32 0 · u8 48 · u32 table_id · u64 seqno · row part   a write made here, to be shipped
    tombstone := u32 0 · u8 49 · u32 table_id · row part               a deleted item
    link      := u32 0 · u8 50 · u32 table_id · region name in UTF-8   how far a peer's writes have come here
    ack       := u32 0 · u8 51 · u32 table_id · region name in UTF-8   how far a peer has come with ours
    conflict  := u32 0 · u8 52 · u32 table_id · u64 seqno · row part   two concurrent writes
    home      := u32 0 · u8 53                                         id of the database that has peers
                 u32 0 · u8 52 · u32 table_id · u64 0                  up to where conflicts were removed

    row part  := the row's engine key from its hash on: the same in every region

``seqno`` is filled in by commit, so the writes of a table lie in the order of their commits.
"""

from __future__ import annotations

import struct

from kvdb.table.keys import CATALOG_ID, KeyRange, prefix_range, table_prefix

_ROOT = table_prefix(CATALOG_ID)
_WRITES = _ROOT + b"\x30"
_TOMBSTONES = _ROOT + b"\x31"
_LINKS = _ROOT + b"\x32"
_ACKS = _ROOT + b"\x33"
_CONFLICTS = _ROOT + b"\x34"
HOME_KEY = _ROOT + b"\x35"
_KINDS = (_WRITES, _TOMBSTONES, _LINKS, _ACKS, _CONFLICTS)

_ID = struct.Struct(">I")
_SEQNO = struct.Struct(">Q")
_SEQNO_AT = len(_WRITES) + _ID.size
_PART_AT = _SEQNO_AT + _SEQNO.size
ROW_PART_AT = 6
SEQNO_MAX = (1 << 64) - 1


def prefixes_by_table() -> tuple[bytes, ...]:
    """What begins the entries that go on with a table id."""
    return _KINDS


def row_part(row_key: bytes) -> bytes:
    """What the engine keys of one item have in common in all regions."""
    return row_key[ROW_PART_AT:]


def all_of(table_id: int) -> list[KeyRange]:
    """Everything kept for one table."""
    return [prefix_range(kind + _ID.pack(table_id)) for kind in _KINDS]


def writes_prefix(table_id: int) -> bytes:
    """What the key of a write has before its seqno."""
    return _WRITES + _ID.pack(table_id)


def writes_range(table_id: int, after: int, upto: int) -> KeyRange:
    """The writes with ``after < seqno <= upto``."""
    return _between(_WRITES, table_id, after, upto)


def conflicts_prefix(table_id: int) -> bytes:
    return _CONFLICTS + _ID.pack(table_id)


def conflicts_range(table_id: int, after: int, upto: int) -> KeyRange:
    return _between(_CONFLICTS, table_id, after, upto)


def conflict_mark_key(table_id: int) -> bytes:
    """Where it stands up to where conflicts were removed: before all conflicts, in none of their ranges."""
    return _CONFLICTS + _ID.pack(table_id) + _SEQNO.pack(0)


def _between(kind: bytes, table_id: int, after: int, upto: int) -> KeyRange:
    prefix = kind + _ID.pack(table_id)
    end = prefix_range(prefix).end if upto >= SEQNO_MAX else prefix + _SEQNO.pack(upto + 1)
    return KeyRange(prefix + _SEQNO.pack(after + 1), end)


def seqno_of(key: bytes) -> int:
    """Of a write or a conflict."""
    return int(_SEQNO.unpack_from(key, _SEQNO_AT)[0])


def part_of(key: bytes) -> bytes:
    """The row part of a write or a conflict."""
    return key[_PART_AT:]


def tombstones_prefix(table_id: int) -> bytes:
    return _TOMBSTONES + _ID.pack(table_id)


def tombstones_range(table_id: int) -> KeyRange:
    return prefix_range(tombstones_prefix(table_id))


def tombstone_part(key: bytes) -> bytes:
    """The row part of a tombstone's key."""
    return key[_SEQNO_AT:]


def link_key(table_id: int, region: str) -> bytes:
    return _LINKS + _ID.pack(table_id) + region.encode()


def links_range(table_id: int) -> KeyRange:
    return prefix_range(_LINKS + _ID.pack(table_id))


def ack_key(table_id: int, region: str) -> bytes:
    return _ACKS + _ID.pack(table_id) + region.encode()


def acks_range(table_id: int) -> KeyRange:
    return prefix_range(_ACKS + _ID.pack(table_id))


def region_of(key: bytes) -> str:
    """The region in the key of a link or an ack."""
    return key[_SEQNO_AT:].decode()
