"""Engine keys: where rows and catalog entries lie in the one ordered keyspace.

Layout (big-endian, so that byte order is number order):

    row     := u32 table_id · u16 0 · u16 hash · partition key · sort key
    index   := u32 table_id · u16 index · u16 hash · partition part + · partition part * · table key
    counter := u32 table_id · u16 0xFFFF · u16 hash · partition key     of an item collection
    mark    := u32 table_id · u16 number · u64 second · the row's key from its hash on
    catalog := u32 0 · u8 1 · name in UTF-8                  a table's descriptor
             | u32 0 · u8 2                                  the next table id, u32
             | u32 0 · u8 3 · u32 table_id                   a dropped table whose rows are being removed
             | u32 0 · u8 3 · u32 table_id · u16 index       a dropped index, likewise
             | u32 0 · u8 4 · u32 table_id                   what the table's last census found
             | u32 0 · u8 5 · job id in ASCII                a job (``backup/jobs``)
             | u32 0 · u8 6 · u32 table_id                   its recovery setting (``backup/continuous``)
             | u32 0 · u8 16 · token in UTF-8                what a client's token stands for
             | u32 0 · u8 17 · u64 wall_ms · token in UTF-8  when the token's transaction completed

``index`` 0 is the table itself. ``hash`` is the crc32c of the encoded partition key, folded to
16 bits by exclusive or of its halves: it spreads partitions evenly, and a segment of a parallel
scan is a range of it. Partition and sort key are the encodings of ``item/order``: the first is
self-delimiting, the second needs no end because it is last. So one partition is one key range,
inside it rows stand in the order of their sort keys, and ``begins_with`` is a prefix.

A row of an index has a part for each HASH attribute, which together make its ``hash``, then one
for each RANGE attribute, all of them self-delimiting; then the partition and sort key of the
table's row, without that row's hash, which tell apart items with one index key.

A mark says that the row may expire when ``second`` (since 1970) is over; its ``number`` is given
out like those of indexes (``table/ttl``).

Table id 0 belongs to the catalog; tables count from 1.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Mapping
from decimal import Decimal
from typing import NamedTuple

import google_crc32c

from kvdb import limits
from kvdb.api.tables import AttributeType
from kvdb.errors import ValidationError
from kvdb.expr.compiler import KeyCondition
from kvdb.item import order, value
from kvdb.item.size import text_size, value_size
from kvdb.item.value import AttributeValue, Item
from kvdb.table.descriptor import IndexDescriptor, KeyAttribute, TableDescriptor

_TABLE = struct.Struct(">I")
_TABLE_AND_INDEX = struct.Struct(">IH")
_SECOND = struct.Struct(">Q")
assert _TABLE_AND_INDEX.size == 6

_HASHES = 1 << 16
_OWN_PART = _TABLE_AND_INDEX.size + 2
"""Where in a row's engine key its partition key begins."""

TABLE_NUMBER = 0
"""The table's own place among its indexes."""
COUNTERS_NUMBER = 0xFFFF
"""Where the counters of item collections stand among them; no index is ever given this number."""

CATALOG_ID = 0
FIRST_TABLE_ID = 1
NEXT_TABLE_ID_KEY = _TABLE.pack(CATALOG_ID) + b"\x02"
_DESCRIPTORS = _TABLE.pack(CATALOG_ID) + b"\x01"
_DROPPED = _TABLE.pack(CATALOG_ID) + b"\x03"
_CENSUSES = _TABLE.pack(CATALOG_ID) + b"\x04"
_JOBS = _TABLE.pack(CATALOG_ID) + b"\x05"
_RECOVERY = _TABLE.pack(CATALOG_ID) + b"\x06"
_TOKENS = _TABLE.pack(CATALOG_ID) + b"\x10"
_TOKEN_TIMES = _TABLE.pack(CATALOG_ID) + b"\x11"
_WALL_MS = struct.Struct(">Q")

SCHEMA_MISMATCH = "The provided key element does not match the schema"
"""A key with a missing, extra or wrongly typed attribute. Source: dynalite, db/index.js validateKey."""


OPERAND_MISMATCH = (
    "One or more parameter values were invalid: Condition parameter type does not match schema type"
)
"""Source: dynalite, actions/query.js."""
BAD_START = "The provided starting key is invalid"
# The missing blank is the service's. Source: dynalite, db/index.js checkKeySize.
HASH_TOO_LONG = (
    f"Size of hashkey has exceeded the maximum size limit of{limits.PARTITION_KEY_BYTES_MAX} bytes"
)
RANGE_TOO_LONG = (
    f"Aggregated size of all range keys has exceeded the size limit of {limits.SORT_KEY_BYTES_MAX} bytes"
)

_CLASSES: Mapping[AttributeType, frozenset[type]] = {
    "S": frozenset((str,)),
    "N": frozenset((int, Decimal)),
    "B": frozenset((bytes,)),
}


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


def item_range(key: bytes) -> KeyRange:
    """One engine key and no other."""
    return KeyRange(key, key + b"\x00")


# Catalog entries.


def prefixes_by_table() -> tuple[bytes, ...]:
    """What begins the entries that go on with a table id."""
    return (_DROPPED, _CENSUSES, _RECOVERY)


def prefixes_of_database() -> tuple[bytes, ...]:
    """What begins the entries that belong to no table."""
    return (_JOBS, _TOKENS, _TOKEN_TIMES)


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


def recovery_key(table_id: int) -> bytes:
    """Where a table's point-in-time recovery is, when it is turned on."""
    return _RECOVERY + _TABLE.pack(table_id)


def recovery_range() -> KeyRange:
    return prefix_range(_RECOVERY)


def recovery_table_id(key: bytes) -> int:
    """The table of a ``recovery_key``."""
    (table_id,) = _TABLE.unpack(key[len(_RECOVERY) :])
    return int(table_id)


def job_key(job_id: str) -> bytes:
    return _JOBS + job_id.encode()


def job_range() -> KeyRange:
    return prefix_range(_JOBS)


def job_id_of(key: bytes) -> str:
    """The id in a ``job_key``."""
    return key[len(_JOBS) :].decode()


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


def table_id_of(prefix: bytes) -> int:
    """The table of a ``table_prefix``."""
    return int(_TABLE.unpack(prefix)[0])


def index_prefix(table_id: int, number: int) -> bytes:
    """What every row of an index starts with; index 0 is the table itself."""
    return _TABLE_AND_INDEX.pack(table_id, number)


# Marks of expiry.


def mark_key(prefix: bytes, second: int, row_key: bytes) -> bytes:
    """``prefix``: the ``index_prefix`` of the marks."""
    return prefix + _SECOND.pack(second) + row_key[_TABLE_AND_INDEX.size :]


def marks_between(prefix: bytes, start: int, end: int) -> KeyRange:
    """The marks of the seconds ``start <= second < end``."""
    return KeyRange(prefix + _SECOND.pack(start), prefix + _SECOND.pack(end))


def marked_second(mark: bytes) -> int:
    return int(_SECOND.unpack_from(mark, _TABLE_AND_INDEX.size)[0])


def marked_row_key(mark: bytes) -> bytes:
    """The engine key of the row a mark is for."""
    table = mark[: _TABLE.size]
    return table + TABLE_NUMBER.to_bytes(2) + mark[_TABLE_AND_INDEX.size + _SECOND.size :]


# Rows.


class KeyPart:
    """One key attribute: checks its values and gives their bytes."""

    __slots__ = ("_encode", "_too_long", "bytes_max", "name", "type")

    def __init__(self, attribute: KeyAttribute, *, is_partition: bool) -> None:
        self.name = attribute.name
        self.type = attribute.type
        self._encode = order.encode_partition if is_partition else order.encode_sort
        self.bytes_max = limits.PARTITION_KEY_BYTES_MAX if is_partition else limits.SORT_KEY_BYTES_MAX
        self._too_long = HASH_TOO_LONG if is_partition else RANGE_TOO_LONG

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


class RowSpace:
    """The rows of one table or index: what Query and Scan need to know of their keys."""

    __slots__ = ("_prefix", "hash_names", "range_names", "start_names")

    def __init__(self, table_id: int, number: int) -> None:
        self._prefix = _TABLE_AND_INDEX.pack(table_id, number)
        self.hash_names: tuple[str, ...] = ()
        self.range_names: tuple[str, ...] = ()
        self.start_names: tuple[str, ...] = ()
        """The attributes of a ``LastEvaluatedKey``."""

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

    def start_key(self, item: Item) -> Item:
        """The ``LastEvaluatedKey`` that stands for a row with this item."""
        return {name: item[name] for name in self.start_names}

    def partition_rows(self, condition: KeyCondition) -> KeyRange:
        """The rows of one partition.

        Raises:
            ValidationError: a value of the condition is of another type, empty or too long.
        """
        raise NotImplementedError

    def rows(self, condition: KeyCondition) -> KeyRange:
        """The rows that satisfy a key condition; may be empty (start >= end). Raises as above."""
        raise NotImplementedError

    def of_start(self, start: Mapping[str, object]) -> bytes:
        """The engine key of an ``ExclusiveStartKey`` that has as many attributes as it should.

        Raises:
            ValidationError: an attribute is missing, of the wrong type, empty or too long.
        """
        raise NotImplementedError

    def _hashed(self, partition: bytes) -> bytes:
        checksum: int = google_crc32c.value(partition)
        return self._prefix + ((checksum >> 16) ^ (checksum & 0xFFFF)).to_bytes(2) + partition


class TableKeys(RowSpace):
    """The engine keys of one table's rows."""

    __slots__ = ("_counters", "_size", "partition", "sort")

    def __init__(self, descriptor: TableDescriptor) -> None:
        super().__init__(descriptor.table_id, TABLE_NUMBER)
        self._counters = _TABLE_AND_INDEX.pack(descriptor.table_id, COUNTERS_NUMBER)
        self.partition = KeyPart(descriptor.partition, is_partition=True)
        self.sort = None if descriptor.sort is None else KeyPart(descriptor.sort, is_partition=False)
        self.hash_names = (self.partition.name,)
        self.range_names = () if self.sort is None else (self.sort.name,)
        self.start_names = self.hash_names + self.range_names
        self._size = len(self.start_names)

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

    def counter_key(self, item: Item) -> bytes:
        """Where the size of the item's collection is counted (``table/claims``)."""
        partition = self.partition.encoded(item[self.partition.name])
        assert partition is not None, "a stored item has its key"
        return self._counters + self._hashed(partition)[len(self._prefix) :]

    def own_part(self, engine_key: bytes) -> bytes:
        """The part of a row's engine key that an index row ends with: partition and sort key."""
        return engine_key[_OWN_PART:]

    def _engine_key(self, item: Mapping[str, object]) -> bytes | None:
        """``None`` when a key attribute is missing or of another type."""
        partition = self.partition.encoded(item.get(self.partition.name))
        if partition is None:
            return None
        if self.sort is None:
            return self._hashed(partition)
        sort = self.sort.encoded(item.get(self.sort.name))
        return None if sort is None else self._hashed(partition) + sort

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

    def partition_rows(self, condition: KeyCondition) -> KeyRange:
        (value,) = condition.partition_values
        return prefix_range(self._hashed(_operand(self.partition, value)))

    def rows(self, condition: KeyCondition) -> KeyRange:
        whole = self.partition_rows(condition)
        bound = condition.sort
        if bound is None:
            return whole
        assert self.sort is not None, "a key condition names a sort key only if there is one"
        first, *rest = (whole.start + _operand(self.sort, operand) for operand in bound.operands)
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

    def of_start(self, start: Mapping[str, object]) -> bytes:
        try:
            return self.of_key(start)
        except ValidationError as error:
            raise ValidationError(f"{BAD_START}: {error}") from error


class IndexKeys(RowSpace):
    """The engine keys of one secondary index's rows."""

    __slots__ = ("_hashes", "_ranges", "_table_keys", "name")

    def __init__(self, descriptor: IndexDescriptor, table_keys: TableKeys, table_id: int) -> None:
        super().__init__(table_id, descriptor.number)
        self.name = descriptor.name
        self._hashes = tuple(_IndexPart(attribute) for attribute in descriptor.partition)
        self._ranges = tuple(_IndexPart(attribute) for attribute in descriptor.sort)
        self._table_keys = table_keys
        self.hash_names = tuple(part.name for part in self._hashes)
        self.range_names = tuple(part.name for part in self._ranges)
        own_names = self.hash_names + self.range_names
        self.start_names = own_names + tuple(n for n in table_keys.start_names if n not in own_names)

    def index_key(self, item: Item) -> bytes | None:
        """The key under which an item stands in the index, shared by all items with the same values.

        ``None``: a key attribute is missing, of another type, empty or too long, so the item does
        not stand in the index.
        """
        hashed = self._encoded(self._hashes, item, limits.PARTITION_KEY_BYTES_MAX)
        if hashed is None:
            return None
        if not self._ranges:
            return self._hashed(hashed)
        ranged = self._encoded(self._ranges, item, limits.SORT_KEY_BYTES_MAX)
        return None if ranged is None else self._hashed(hashed) + ranged

    def check(self, item: Item, names: Container[str] | None = None) -> None:
        """Refuse an item whose key attributes are there, but may not stand in the index.

        ``names``: only these attributes are new; what the others are was nobody's fault just now.

        Raises:
            ValidationError: a key attribute is of another type, empty or too long.
        """
        for parts, too_long in ((self._hashes, _HASH_TOO_LONG), (self._ranges, _RANGE_TOO_LONG)):
            size = 0
            for part in parts:
                if part.name in item and (names is None or part.name in names):
                    size += part.checked_size(item[part.name], self.name)
            if size > too_long.bytes_max:
                raise ValidationError(f"One or more parameter values were invalid: {too_long.message}")

    @staticmethod
    def _encoded(parts: tuple[_IndexPart, ...], item: Item, bytes_max: int) -> bytes | None:
        encoded = b""
        room = bytes_max
        for part in parts:
            key_value = item.get(part.name)
            if type(key_value) not in part.classes:
                return None
            if isinstance(key_value, str | bytes):
                size = len(key_value) if isinstance(key_value, bytes) else text_size(key_value)
                room -= size
                if not size or room < 0:
                    return None
            encoded += order.encode_partition(key_value)
        return encoded

    # Ranges.

    def partition_rows(self, condition: KeyCondition) -> KeyRange:
        return prefix_range(self._partition(condition))

    def rows(self, condition: KeyCondition) -> KeyRange:
        start = self._partition(condition)
        for part, operand in zip(self._ranges, condition.sort_values, strict=False):
            start += part.operand(operand, self.name)
        whole = prefix_range(start)
        bound = condition.sort
        if bound is None:
            return whole
        part = self._ranges[len(condition.sort_values)]
        if bound.op == "begins_with":
            return prefix_range(start + part.operand_prefix(bound.operands[0], self.name))
        # A part is never the start of another one, so the rows with one value are a prefix.
        first, *rest = (prefix_range(start + part.operand(each, self.name)) for each in bound.operands)
        match bound.op:
            case "=":
                return first
            case "<":
                return KeyRange(whole.start, first.start)
            case "<=":
                return KeyRange(whole.start, first.end)
            case ">":
                return KeyRange(first.end, whole.end)
            case ">=":
                return KeyRange(first.start, whole.end)
            case _:
                return KeyRange(first.start, rest[0].end)

    def of_start(self, start: Mapping[str, object]) -> bytes:
        item = {name: _normal(given) for name, given in start.items()}
        if item.keys() != set(self.start_names):
            raise ValidationError(BAD_START)
        for part in (*self._hashes, *self._ranges):
            if type(item[part.name]) not in part.classes:
                raise ValidationError(SCHEMA_MISMATCH)
        try:
            table_key = self._table_keys.of_key({name: item[name] for name in self._table_keys.start_names})
        except ValidationError as error:
            raise ValidationError(f"{BAD_START}: {error}") from error
        index_key = self.index_key(item)
        if index_key is None:
            raise ValidationError(BAD_START)
        return index_key + self._table_keys.own_part(table_key)

    def _partition(self, condition: KeyCondition) -> bytes:
        return self._hashed(
            b"".join(
                part.operand(operand, self.name)
                for part, operand in zip(self._hashes, condition.partition_values, strict=True)
            )
        )


class _TooLong(NamedTuple):
    bytes_max: int
    message: str


_HASH_TOO_LONG = _TooLong(limits.PARTITION_KEY_BYTES_MAX, HASH_TOO_LONG)
_RANGE_TOO_LONG = _TooLong(limits.SORT_KEY_BYTES_MAX, RANGE_TOO_LONG)


class _IndexPart:
    """One key attribute of an index."""

    __slots__ = ("classes", "name", "type")

    def __init__(self, attribute: KeyAttribute) -> None:
        self.name = attribute.name
        self.type = attribute.type
        self.classes = _CLASSES[attribute.type]
        """The Python classes of its normalised values."""

    def checked_size(self, key_value: AttributeValue, index_name: str) -> int:
        """The bytes of a value that counts towards the key's limit; numbers are never too long.

        Raises:
            ValidationError: the value is of another type, or empty.
        """
        if type(key_value) not in self.classes:
            # Source: dynalite, db/index.js validateItem; ScyllaDB test_gsi.py, for updates too.
            raise ValidationError(
                f"One or more parameter values were invalid: Type mismatch for Index Key {self.name} "
                f"Expected: {self.type} Actual: {value.type_name(key_value)} IndexName: {index_name}"
            )
        size = 0 if self.type == "N" else value_size(key_value)
        if not size and self.type != "N":
            # Source: dynoxide, helpers.rs IndexKeyViolation.
            raise ValidationError(
                "One or more parameter values are not valid. A value specified for a secondary index key is "
                "not supported. The AttributeValue for a key attribute cannot contain an empty "
                f"{'string' if self.type == 'S' else 'binary'} value. "
                f"IndexName: {index_name}, IndexKey: {self.name}"
            )
        return size

    def operand(self, key_value: AttributeValue, index_name: str) -> bytes:
        """The bytes of a value in a key condition.

        Raises:
            ValidationError: it is of another type, or empty.
        """
        if type(key_value) not in self.classes:
            raise ValidationError(OPERAND_MISMATCH)
        self.checked_size(key_value, index_name)
        return order.encode_partition(key_value)

    def operand_prefix(self, key_value: AttributeValue, index_name: str) -> bytes:
        """The bytes that all values start with that start with this one."""
        return self.operand(key_value, index_name)[: -order.PARTITION_END_BYTES]


def _operand(part: KeyPart, operand: AttributeValue) -> bytes:
    encoded = part.encoded(operand)
    if encoded is None:
        raise ValidationError(OPERAND_MISMATCH)
    return encoded


def _normal(given: object) -> AttributeValue:
    # Most keys are plain text, which is normal as it stands; every read pays for this.
    return given if type(given) is str and given.isascii() else value.normalise_value(given)


def _next_key(key: bytes) -> bytes:
    """The smallest key above ``key``."""
    return key + b"\x00"
