"""Engine keys: where rows and catalog entries lie in the one ordered keyspace.

Layout (big-endian, so that byte order is number order):

    row     := u32 table_id · u16 index · u16 hash · partition key · sort key
    catalog := u32 0 · u8 1 · name in UTF-8                  a table's descriptor
             | u32 0 · u8 2                                  the next table id, u32
             | u32 0 · u8 3 · u32 table_id                   a dropped table whose rows are being removed
             | u32 0 · u8 3 · u32 table_id · u16 index       a dropped index, likewise
             | u32 0 · u8 4 · u32 table_id                   what the table's last census found
             | u32 0 · u8 16 · token in UTF-8                what a client's token stands for
             | u32 0 · u8 17 · u64 wall_ms · token in UTF-8  when the token's transaction completed

``index`` 0 is the table itself. ``hash`` is the crc32c of the encoded partition key, folded to
16 bits by exclusive or of its halves: it spreads partitions evenly, and a segment of a parallel
scan is a range of it. Partition and sort key are the encodings of ``item/order``: the first is
self-delimiting, the second needs no end because it is last. So one partition is one key range,
inside it rows stand in the order of their sort keys, and ``begins_with`` is a prefix.

Table id 0 belongs to the catalog; tables count from 1.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

import google_crc32c

from kvdb import limits
from kvdb.errors import ValidationError
from kvdb.expr.compiler import SortBound
from kvdb.item import order, value
from kvdb.item.value import AttributeValue, Item
from kvdb.table.descriptor import KeyAttribute, TableDescriptor

_TABLE = struct.Struct(">I")
_TABLE_AND_INDEX = struct.Struct(">IH")
assert _TABLE_AND_INDEX.size == 6

_HASHES = 1 << 16

CATALOG_ID = 0
FIRST_TABLE_ID = 1
NEXT_TABLE_ID_KEY = _TABLE.pack(CATALOG_ID) + b"\x02"
_DESCRIPTORS = _TABLE.pack(CATALOG_ID) + b"\x01"
_DROPPED = _TABLE.pack(CATALOG_ID) + b"\x03"
_CENSUSES = _TABLE.pack(CATALOG_ID) + b"\x04"
_TOKENS = _TABLE.pack(CATALOG_ID) + b"\x10"
_TOKEN_TIMES = _TABLE.pack(CATALOG_ID) + b"\x11"
_WALL_MS = struct.Struct(">Q")

SCHEMA_MISMATCH = "The provided key element does not match the schema"
"""A key with a missing, extra or wrongly typed attribute. Source: dynalite, db/index.js validateKey."""


class KeyRange(NamedTuple):
    """``start <= engine key < end``."""

    start: bytes
    end: bytes

    def after(self, key: bytes) -> KeyRange:
        """What is left when everything up to ``key`` has been read in forward order."""
        return KeyRange(max(self.start, key + b"\x00"), self.end)

    def before(self, key: bytes) -> KeyRange:
        """What is left when everything down to ``key`` has been read in reverse order."""
        return KeyRange(self.start, min(self.end, key))

    def holds(self, key: bytes) -> bool:
        return self.start <= key < self.end


def prefix_range(prefix: bytes) -> KeyRange:
    """All keys that start with ``prefix``, which must have a byte below 0xFF."""
    stem = prefix.rstrip(b"\xff")
    assert stem, "a prefix of nothing but 0xFF has no end"
    return KeyRange(prefix, stem[:-1] + bytes((stem[-1] + 1,)))


# Catalog entries.


def descriptor_key(table_name: str) -> bytes:
    return _DESCRIPTORS + table_name.encode()


def descriptor_range() -> KeyRange:
    return prefix_range(_DESCRIPTORS)


def dropped_key(prefix: bytes) -> bytes:
    """The record of a dropped table (its ``table_prefix``) or index (its ``index_prefix``)."""
    return _DROPPED + prefix


def dropped_range() -> KeyRange:
    return prefix_range(_DROPPED)


def dropped_prefix(key: bytes) -> bytes:
    """What a ``dropped_key`` was made of."""
    return key[len(_DROPPED) :]


def census_key(table_id: int) -> bytes:
    return _CENSUSES + _TABLE.pack(table_id)


def census_range() -> KeyRange:
    return prefix_range(_CENSUSES)


def census_table_id(key: bytes) -> int:
    """The table id of a ``census_key``."""
    return int(_TABLE.unpack(key[len(_CENSUSES) :])[0])


def client_token_key(token: str) -> bytes:
    return _TOKENS + token.encode()


def client_token_time_key(wall_ms: int, token_key: bytes) -> bytes:
    """Orders tokens by the time their transactions completed."""
    return _TOKEN_TIMES + _WALL_MS.pack(wall_ms) + token_key[len(_TOKENS) :]


def client_token_times() -> KeyRange:
    """The time keys of all tokens."""
    return prefix_range(_TOKEN_TIMES)


def client_token_time_of(time_key: bytes) -> int:
    """The wall time of a time key, in milliseconds."""
    return int(_WALL_MS.unpack_from(time_key, len(_TOKEN_TIMES))[0])


def client_token_key_of_time(time_key: bytes) -> bytes:
    """The token key that a time key belongs to."""
    return _TOKENS + time_key[len(_TOKEN_TIMES) + _WALL_MS.size :]


def next_table_id_value(table_id: int) -> bytes:
    return _TABLE.pack(table_id)


def next_table_id_of(stored: bytes) -> int:
    return int(_TABLE.unpack(stored)[0])


def table_prefix(table_id: int) -> bytes:
    """What every key of a table starts with: its rows and whatever else carries its id."""
    return _TABLE.pack(table_id)


def table_prefix_of(key: bytes) -> bytes:
    """The ``table_prefix`` that a key, or the prefix of an index, starts with."""
    return key[: _TABLE.size]


def index_prefix(table_id: int, number: int) -> bytes:
    """What every row of an index starts with; index 0 is the table itself."""
    return _TABLE_AND_INDEX.pack(table_id, number)


# Rows.


class KeyPart:
    """One key attribute: checks its values and gives their bytes."""

    __slots__ = ("_encode", "_too_long", "bytes_max", "name", "type")

    def __init__(self, attribute: KeyAttribute, *, is_partition: bool) -> None:
        self.name = attribute.name
        self.type = attribute.type
        self._encode = order.encode_partition if is_partition else order.encode_sort
        self.bytes_max = limits.PARTITION_KEY_BYTES_MAX if is_partition else limits.SORT_KEY_BYTES_MAX
        # The missing blank is the service's. Source: dynalite, db/index.js checkKeySize.
        self._too_long = (
            f"Size of hashkey has exceeded the maximum size limit of{self.bytes_max} bytes"
            if is_partition
            else f"Aggregated size of all range keys has exceeded the size limit of {self.bytes_max} bytes"
        )

    def encoded(self, key_value: AttributeValue) -> bytes | None:
        """The bytes of a normalised value, or ``None`` when it has another type.

        Raises:
            ValidationError: the value is empty or too long.
        """
        kind = type(key_value)
        if kind is str:
            assert isinstance(key_value, str)
            if self.type != "S":
                return None
            if not key_value:
                raise self._empty("string")
            size = len(key_value) if key_value.isascii() else len(key_value.encode())
        elif kind is int or kind is Decimal:
            # A number has at most 38 digits, so it is never too long.
            return self._encode(key_value) if self.type == "N" else None
        elif kind is bytes:
            assert isinstance(key_value, bytes)
            if self.type != "B":
                return None
            if not key_value:
                raise self._empty("binary")
            size = len(key_value)
        else:
            return None
        if size > self.bytes_max:
            raise ValidationError(f"One or more parameter values were invalid: {self._too_long}")
        return self._encode(key_value)

    def _empty(self, kind: str) -> ValidationError:
        # Source: dynalite, db/index.js validateItem; dynoxide, helpers.rs validate_key_type.
        return ValidationError(
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            f"cannot contain an empty {kind} value. Key: {self.name}"
        )


class TableKeys:
    """The engine keys of one table's rows."""

    __slots__ = ("_prefix", "_size", "partition", "sort")

    def __init__(self, descriptor: TableDescriptor) -> None:
        self._prefix = _TABLE_AND_INDEX.pack(descriptor.table_id, 0)
        self.partition = KeyPart(descriptor.partition, is_partition=True)
        self.sort = None if descriptor.sort is None else KeyPart(descriptor.sort, is_partition=False)
        self._size = 1 if self.sort is None else 2

    # From items and keys.

    def of_item(self, item: Item) -> bytes:
        """The engine key of a normalised item, for a put.

        Raises:
            ValidationError: a key attribute is missing, of the wrong type, empty or too long.
        """
        key = self._engine_key(item)
        if key is None:
            raise self._put_fault(item)
        return key

    def of_batch_item(self, item: Item) -> bytes:
        """As ``of_item``; in a batch the service says less about a missing or mistyped attribute.

        Source: dynalite, actions/batchWriteItem.js; dynoxide, helpers.rs validate_item_keys_for_batch.
        """
        key = self._engine_key(item)
        if key is None:
            raise ValidationError(SCHEMA_MISMATCH)
        return key

    def of_key(self, key: Mapping[str, object]) -> bytes:
        """The engine key of a request's ``Key``: exactly the key attributes, not yet normalised.

        Raises:
            ValidationError: an attribute is missing, extra, of the wrong type, empty or too long.
        """
        engine_key = None
        if len(key) == self._size:
            engine_key = self._engine_key({name: _normal(given) for name, given in key.items()})
        if engine_key is None:
            # What is no item at all is refused as such first: a door that decodes bytes cannot do otherwise.
            value.normalise_item(key)
            raise ValidationError(SCHEMA_MISMATCH)
        return engine_key

    def mismatches(self, given: Mapping[str, object], *, is_key: bool) -> bool:
        """Why a key or item was refused: True when an attribute is missing, extra or of the wrong
        type, False when all are as the schema has them, but a value may be no key."""
        if is_key and len(given) != self._size:
            return True
        try:
            return self._engine_key({name: _normal(part) for name, part in given.items()}) is None
        except ValidationError:
            return False

    def refuse_change(self, names: frozenset[str]) -> None:
        """Raise ``ValidationError`` if an update touches a key attribute. Source: dynalite, db/index.js."""
        for part in (self.partition, self.sort):
            if part is not None and part.name in names:
                raise ValidationError(
                    "One or more parameter values were invalid: "
                    f"Cannot update attribute {part.name}. This attribute is part of the key"
                )

    def item_key(self, item: Item) -> Item:
        """The key attributes of a stored item, as ``LastEvaluatedKey`` gives them."""
        name = self.partition.name
        if self.sort is None:
            return {name: item[name]}
        return {name: item[name], self.sort.name: item[self.sort.name]}

    def _engine_key(self, item: Mapping[str, object]) -> bytes | None:
        """``None`` when a key attribute is missing or of another type."""
        partition = self.partition.encoded(item.get(self.partition.name))
        if partition is None:
            return None
        if self.sort is None:
            return self._partition_prefix(partition)
        sort = self.sort.encoded(item.get(self.sort.name))
        return None if sort is None else self._partition_prefix(partition) + sort

    def _partition_prefix(self, partition: bytes) -> bytes:
        checksum: int = google_crc32c.value(partition)
        return self._prefix + ((checksum >> 16) ^ (checksum & 0xFFFF)).to_bytes(2) + partition

    def _put_fault(self, item: Item) -> ValidationError:
        for part in (self.partition, self.sort):
            if part is None:
                continue
            if part.name not in item:
                fact = f"Missing the key {part.name} in the item"
                return ValidationError(f"One or more parameter values were invalid: {fact}")
            if part.encoded(item[part.name]) is None:
                fact = (
                    f"Type mismatch for key {part.name} expected: {part.type} "
                    f"actual: {value.type_name(item[part.name])}"
                )
                return ValidationError(f"One or more parameter values were invalid: {fact}")
        raise AssertionError("the key had no fault")

    # Ranges.

    def all_rows(self) -> KeyRange:
        return prefix_range(self._prefix)

    def segment_range(self, segment: int, total: int) -> KeyRange:
        """The rows of one segment of a parallel scan.

        Segment ``s`` of ``n`` has the hashes ``h`` with ``s <= h * n / 65536 < s + 1``: every hash
        is in exactly one segment. With more segments than hashes some have none.
        """
        first = -(-_HASHES * segment // total)
        end = -(-_HASHES * (segment + 1) // total)
        start_key = self._prefix + first.to_bytes(2) if first < _HASHES else self.all_rows().end
        end_key = self._prefix + end.to_bytes(2) if end < _HASHES else self.all_rows().end
        return KeyRange(start_key, end_key)

    def partition_range(self, partition_value: AttributeValue) -> KeyRange:
        """The rows of one partition, for a key condition on its value."""
        return prefix_range(self._partition_prefix(self._bound(self.partition, partition_value)))

    def sort_range(self, partition_value: AttributeValue, bound: SortBound) -> KeyRange:
        """The rows of one partition whose sort keys satisfy ``bound``; may be empty (start >= end)."""
        assert self.sort is not None, "a key condition names a sort key only if there is one"
        whole = self.partition_range(partition_value)
        first, *rest = (whole.start + self._bound(self.sort, operand) for operand in bound.operands)
        match bound.op:
            case "=":
                return KeyRange(first, _next_key(first))
            case "<":
                return KeyRange(whole.start, first)
            case "<=":
                return KeyRange(whole.start, _next_key(first))
            case ">":
                return KeyRange(_next_key(first), whole.end)
            case ">=":
                return KeyRange(first, whole.end)
            case "BETWEEN":
                return KeyRange(first, _next_key(rest[0]))
            case _:
                assert bound.op == "begins_with"
                return prefix_range(first)

    def _bound(self, part: KeyPart, operand: AttributeValue) -> bytes:
        encoded = part.encoded(operand)
        if encoded is None:
            # Source: dynalite, actions/query.js.
            raise ValidationError(
                "One or more parameter values were invalid: "
                "Condition parameter type does not match schema type"
            )
        return encoded


def _normal(given: object) -> AttributeValue:
    # Most keys are plain text, which is normal as it stands; every read pays for this.
    return given if type(given) is str and given.isascii() else value.normalise_value(given)


def _next_key(key: bytes) -> bytes:
    """The smallest key above ``key``."""
    return key + b"\x00"
