from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvdb.errors import ValidationError
from kvdb.expr.compiler import KeyCondition, SortBound
from kvdb.table import keys
from kvdb.table.descriptor import IndexDescriptor, KeyAttribute, TableDescriptor
from kvdb.table.keys import IndexKeys, KeyRange, TableKeys, prefix_range
from tests.support.strategies import key_values

INVALID = "One or more parameter values were invalid: "


def table_keys(partition: str = "S", sort: str | None = "S", table_id: int = 7) -> TableKeys:
    second = None if sort is None else KeyAttribute("s", sort)  # type: ignore[arg-type]
    first = KeyAttribute("p", partition)  # type: ignore[arg-type]
    return TableKeys(TableDescriptor(table_id, "table", "uuid", 0, first, second))


def condition(partition: object, bound: SortBound | None = None) -> KeyCondition:
    return KeyCondition((partition,), (), bound)


def refusal_of(call, *arguments) -> str:
    with pytest.raises(ValidationError) as refused:
        call(*arguments)
    return str(refused.value)


def test_a_row_key_is_table_index_hash_partition_sort():
    key = table_keys().of_item({"p": "ab", "s": "cd"})
    assert key[:6].hex() == "000000070000"
    assert key[8:] == b"ab\x00\x01" + b"cd"
    assert int.from_bytes(key[6:8], "big") == hash_of("ab")


def hash_of(partition: str) -> int:
    """crc32c, bit by bit, folded: written apart from the library the product uses."""
    crc = 0xFFFFFFFF
    for byte in partition.encode() + b"\x00\x01":
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return (crc >> 16) ^ (crc & 0xFFFF)


def test_a_key_gives_the_same_engine_key_as_its_item():
    composite = table_keys("S", "N")
    item = {"p": "a", "s": 1, "more": "x"}
    assert composite.of_key({"p": "a", "s": Decimal("1.0")}) == composite.of_item(item)
    assert composite.start_key(item) == {"p": "a", "s": 1}
    simple = table_keys("B", None)
    assert simple.of_key({"p": bytearray(b"x")}) == simple.of_item({"p": b"x", "more": 1})
    assert simple.start_key({"p": b"x", "more": 1}) == {"p": b"x"}


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"s": "x"}, INVALID + "Missing the key p in the item"),
        ({"p": "x"}, INVALID + "Missing the key s in the item"),
        ({"p": 5, "s": "x"}, INVALID + "Type mismatch for key p expected: S actual: N"),
        ({"p": "x", "s": None}, INVALID + "Type mismatch for key s expected: S actual: NULL"),
        ({"p": "x", "s": True}, INVALID + "Type mismatch for key s expected: S actual: BOOL"),
        ({"p": "x", "s": {"y"}}, INVALID + "Type mismatch for key s expected: S actual: SS"),
        ({"p": "x", "s": b"y"}, INVALID + "Type mismatch for key s expected: S actual: B"),
    ],
)
def test_a_put_says_which_key_attribute_is_wrong(item, message):
    assert refusal_of(table_keys().of_item, item) == message


@pytest.mark.parametrize("item", [{"s": "x"}, {"p": 5, "s": "x"}, {"p": "x", "s": []}])
def test_a_put_in_a_batch_says_only_that_the_key_is_wrong(item):
    assert refusal_of(table_keys().of_batch_item, item) == keys.SCHEMA_MISMATCH


@pytest.mark.parametrize(
    "key", [{}, {"p": "x"}, {"p": "x", "s": "y", "more": 1}, {"p": "x", "q": "y"}, {"p": "x", "s": 1}]
)
def test_a_key_is_exactly_the_key_attributes(key):
    assert refusal_of(table_keys().of_key, key) == keys.SCHEMA_MISMATCH


@pytest.mark.parametrize(("kind", "empty", "word"), [("S", "", "string"), ("B", b"", "binary")])
def test_empty_key_values_are_refused(kind, empty, word):
    message = (
        "One or more parameter values are not valid. The AttributeValue for a key attribute "
        f"cannot contain an empty {word} value. Key: "
    )
    key = {"p": empty, "s": "x"}
    assert refusal_of(table_keys(kind).of_item, key) == message + "p"
    assert refusal_of(table_keys(kind).of_key, key) == message + "p"
    assert refusal_of(table_keys("S", kind).of_key, {"p": "x", "s": empty}) == message + "s"


@pytest.mark.parametrize(("whole", "over"), [("x" * 2048, "x" * 2049), ("é" * 1024, "é" * 1025)])
def test_a_partition_key_has_up_to_2048_bytes(whole, over):
    table_keys(sort=None).of_item({"p": whole})
    expected = INVALID + "Size of hashkey has exceeded the maximum size limit of2048 bytes"
    assert refusal_of(table_keys(sort=None).of_item, {"p": over}) == expected


def test_a_sort_key_has_up_to_1024_bytes():
    table_keys("S", "B").of_key({"p": "x", "s": b"\x00" * 1024})
    expected = INVALID + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
    assert refusal_of(table_keys("S", "B").of_key, {"p": "x", "s": b"x" * 1025}) == expected


def test_a_condition_value_has_the_type_of_its_attribute():
    message = INVALID + "Condition parameter type does not match schema type"
    assert refusal_of(table_keys().partition_rows, condition(5)) == message
    assert refusal_of(table_keys().rows, condition("x", SortBound("=", (5,)))) == message


def test_tables_and_the_catalog_lie_apart():
    ranges = sorted(
        [
            keys.descriptor_range(),
            keys.dropped_range(),
            table_keys(table_id=1).all_rows(),
            table_keys(table_id=2).all_rows(),
            table_keys(table_id=0xFFFF).all_rows(),
        ]
    )
    assert all(one.end <= other.start for one, other in itertools.pairwise(ranges))
    assert not any(each.holds(keys.NEXT_TABLE_ID_KEY) for each in ranges)
    assert keys.dropped_prefix(keys.dropped_key(keys.table_prefix(77))) == keys.table_prefix(77)
    assert keys.next_table_id_of(keys.next_table_id_value(77)) == 77
    assert prefix_range(keys.table_prefix(2)).holds(table_keys(table_id=2).of_key({"p": "a", "s": "b"}))


@pytest.mark.parametrize(
    ("prefix", "end"), [(b"a", b"b"), (b"a\xff", b"b"), (b"a\xfe\xff\xff", b"a\xff"), (b"\x00", b"\x01")]
)
def test_a_prefix_range_ends_at_the_next_prefix(prefix, end):
    assert prefix_range(prefix) == KeyRange(prefix, end)


@pytest.mark.parametrize("total", [1, 2, 3, 7, 1000, 65_535, 65_536, 65_537, 1_000_000])
def test_segments_cover_all_rows_without_overlap(total):
    whole = table_keys().all_rows()
    sample = range(total) if total <= 1000 else [0, 1, total // 2, total - 2, total - 1]
    for segment in sample:
        rows = table_keys().segment_range(segment, total)
        assert rows.start <= rows.end
        following = table_keys().segment_range(segment + 1, total).start if segment + 1 < total else whole.end
        assert rows.end == following
    assert table_keys().segment_range(0, total).start[:6] == whole.start
    assert table_keys().segment_range(total - 1, total).end == whole.end


@given(st.text(min_size=1, max_size=4), st.integers(1, 1_000_000))
def test_every_row_is_in_exactly_one_segment(partition, total):
    key = table_keys().of_item({"p": partition, "s": "x"})
    home = int.from_bytes(key[6:8], "big") * total // 65_536
    assert table_keys().segment_range(home, total).holds(key)
    for neighbour in (home - 1, home + 1):
        if 0 <= neighbour < total:
            assert not table_keys().segment_range(neighbour, total).holds(key)


OPERATORS = {
    "=": lambda value, low, high: value == low,
    "<": lambda value, low, high: value < low,
    "<=": lambda value, low, high: value <= low,
    ">": lambda value, low, high: value > low,
    ">=": lambda value, low, high: value >= low,
    "BETWEEN": lambda value, low, high: low <= value <= high,
    "begins_with": lambda value, low, high: value.startswith(low),
}


@given(st.data(), st.sampled_from(["S", "N", "B"]), st.sampled_from(sorted(OPERATORS)))
def test_a_sort_range_holds_what_the_comparison_says(data, kind, operator):
    if operator == "begins_with" and kind == "N":
        operator = "="
    value, low, high = (data.draw(key_values(kind)) for _ in range(3))
    composite = table_keys("S", kind)
    operands = (low, high) if operator == "BETWEEN" else (low,)
    rows = composite.rows(condition("part", SortBound(operator, operands)))
    key = composite.of_item({"p": "part", "s": value})
    ordered = [each.encode() if isinstance(each, str) else each for each in (value, low, high)]
    assert rows.holds(key) == OPERATORS[operator](*ordered)


@given(key_values("S"), key_values("S"), key_values("S"))
def test_a_partition_range_holds_its_partition_only(partition, other, sort):
    rows = table_keys().partition_rows(condition(partition))
    assert rows.holds(table_keys().of_item({"p": partition, "s": sort}))
    assert rows.holds(table_keys().of_item({"p": other, "s": sort})) == (partition == other)


def test_the_rest_of_a_range_leaves_out_where_it_stopped():
    rows = KeyRange(b"b", b"f")
    assert rows.after(b"c") == KeyRange(b"c\x00", b"f")
    assert rows.before(b"c") == KeyRange(b"b", b"c")
    assert rows.after(b"a") == rows
    assert rows.before(b"z") == rows


# Index keys.


def index_keys(hashes: str, ranges: str, table: str = "S") -> IndexKeys:
    """An index with HASH attributes h0, h1, ... and RANGE attributes r0, r1, ... of these types."""
    descriptor = IndexDescriptor(
        9,
        "GLOBAL",
        "idx",
        tuple(KeyAttribute(f"h{n}", kind) for n, kind in enumerate(hashes)),  # type: ignore[arg-type]
        tuple(KeyAttribute(f"r{n}", kind) for n, kind in enumerate(ranges)),  # type: ignore[arg-type]
        "ALL",
    )
    return IndexKeys(descriptor, table_keys(table), 7)


def values(name: str, *given: object) -> dict[str, object]:
    return {f"{name}{n}": value for n, value in enumerate(given)}


def test_an_index_key_is_table_index_hash_and_one_part_an_attribute():
    key = index_keys("S", "SB").index_key(values("h", "ab") | values("r", "c", b"d"))
    assert key is not None
    assert key[:6].hex() == "000000070009"
    assert int.from_bytes(key[6:8], "big") == hash_of("ab")
    assert key[8:] == b"ab\x00\x01" + b"c\x00\x01" + b"d\x00\x01"


def test_the_end_of_an_index_row_is_the_tables_own_key():
    table = table_keys()
    assert table.own_part(table.of_item({"p": "ab", "s": "cd"})) == b"ab\x00\x01cd"


def test_an_item_without_its_whole_index_key_is_left_out():
    whole = values("h", "a", 1) | values("r", b"x")
    keys_of = index_keys("SN", "B")
    assert keys_of.index_key(whole) is not None
    for name in whole:
        assert keys_of.index_key({other: value for other, value in whole.items() if other != name}) is None
        assert keys_of.index_key({**whole, name: True}) is None
    assert keys_of.index_key({**whole, "h0": ""}) is None
    assert keys_of.index_key({**whole, "r0": b""}) is None


def test_an_index_key_has_2048_bytes_of_hash_and_1024_of_range():
    keys_of = index_keys("SS", "SS")
    fits = values("h", "x" * 2000, "x" * 48) | values("r", "y" * 1000, "y" * 24)
    assert keys_of.index_key(fits) is not None
    assert keys_of.index_key({**fits, "h1": "x" * 49}) is None
    assert keys_of.index_key({**fits, "r1": "é" * 13}) is None
    assert refusal_of(keys_of.check, {**fits, "h1": "x" * 49}) == INVALID + keys.HASH_TOO_LONG
    assert refusal_of(keys_of.check, {**fits, "r1": "é" * 13}) == INVALID + keys.RANGE_TOO_LONG


def test_a_write_is_refused_for_a_key_value_the_index_may_not_have():
    keys_of = index_keys("S", "B")
    keys_of.check({})
    keys_of.check({"h0": "a", "r0": b"x"})
    assert refusal_of(keys_of.check, {"h0": 5}) == (
        INVALID + "Type mismatch for Index Key h0 Expected: S Actual: N IndexName: idx"
    )
    empty = (
        "One or more parameter values are not valid. A value specified for a secondary index key is not "
        "supported. The AttributeValue for a key attribute cannot contain an empty %s value. "
        "IndexName: idx, IndexKey: %s"
    )
    assert refusal_of(keys_of.check, {"h0": ""}) == empty % ("string", "h0")
    assert refusal_of(keys_of.check, {"h0": "a", "r0": b""}) == empty % ("binary", "r0")


def test_a_write_is_not_refused_for_what_it_does_not_touch():
    keys_of = index_keys("S", "B")
    keys_of.check({"h0": 5, "r0": b"x"}, frozenset(("r0",)))
    assert "Index Key h0" in refusal_of(keys_of.check, {"h0": 5, "r0": b"x"}, frozenset(("h0",)))


@given(st.data(), st.sampled_from(["S", "N", "B"]), st.sampled_from(sorted(OPERATORS)))
def test_the_rows_of_an_index_are_what_the_comparison_says(data, kind, operator):
    if operator == "begins_with" and kind == "N":
        operator = "="
    first, value, low, high, after = (data.draw(key_values(each)) for each in ("N", kind, kind, kind, "S"))
    operands = (low, high) if operator == "BETWEEN" else (low,)
    keys_of = index_keys("SB", f"N{kind}S")
    tested = KeyCondition(("p", b"q"), (first,), SortBound(operator, operands))
    key = keys_of.index_key(values("h", "p", b"q") | values("r", first, value, after))
    assert key is not None
    ordered = [each.encode() if isinstance(each, str) else each for each in (value, low, high)]
    assert keys_of.rows(tested).holds(key + b"table key") == OPERATORS[operator](*ordered)
    assert keys_of.partition_rows(tested).holds(key)


@given(st.lists(st.tuples(key_values("S"), key_values("N"), key_values("B")), min_size=2, max_size=2))
def test_index_rows_stand_in_the_order_of_their_range_attributes(pair):
    keys_of = index_keys("S", "SNB")
    one, other = (keys_of.index_key({"h0": "h"} | values("r", *each)) for each in pair)
    assert one is not None
    assert other is not None
    ordered = [(text.encode(), number, data) for text, number, data in pair]
    assert (one < other) == (ordered[0] < ordered[1])
    assert (one == other) == (ordered[0] == ordered[1])


def test_a_start_key_has_index_and_table_keys():
    keys_of = index_keys("S", "N")
    assert keys_of.start_names == ("h0", "r0", "p", "s")
    start = {"h0": "a", "r0": 1, "p": "x", "s": "y"}
    index_key = keys_of.index_key(start)
    assert index_key is not None
    assert keys_of.of_start(start) == index_key + b"x\x00\x01y"
    assert keys_of.start_key({**start, "more": 1}) == start


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"h0": 5}, keys.SCHEMA_MISMATCH),
        ({"p": 5}, f"{keys.BAD_START}: {keys.SCHEMA_MISMATCH}"),
        ({"h0": ""}, keys.BAD_START),
    ],
)
def test_a_start_key_of_another_schema_is_refused(change, message):
    start = {"h0": "a", "r0": 1, "p": "x", "s": "y", **change}
    assert refusal_of(index_keys("S", "N").of_start, start) == message


def test_a_start_key_with_another_attribute_is_refused():
    assert (
        refusal_of(index_keys("S", "N").of_start, {"h0": "a", "q": 1, "p": "x", "s": "y"}) == keys.BAD_START
    )


def test_counters_lie_beside_the_rows_of_their_table():
    table = table_keys()
    counter = table.counter_key({"p": "ab", "s": "cd"})
    assert counter == table.counter_key({"p": "ab", "s": "other"})
    assert counter[:6].hex() == "00000007ffff"
    assert counter[6:] == table.of_item({"p": "ab", "s": "x"})[6:-1]
