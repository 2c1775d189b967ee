"""Every form of an item: what is written is read back, order is kept, damage is named."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kvdb.errors import CorruptionError, ValidationError
from kvdb.item import codec, dynamo_json, number, order, size, value
from tests.support import strategies as kv


def is_normal(item: dict[str, object]) -> bool:
    """Whether normalising changes nothing, not even a class."""
    return value.equals(value.normalise_item(item)[0], item)


def naive_number_size(n: int | Decimal) -> int:
    whole, _, fraction = format(Decimal(n).copy_abs(), "f").partition(".")
    whole, fraction = whole.lstrip("0"), fraction.rstrip("0")
    if not fraction:
        whole = whole.rstrip("0")
    if not whole:
        fraction = fraction.lstrip("0")
    return 1 + -(-len(whole) // 2) + -(-len(fraction) // 2) + (n < 0)


def naive_size(v: object) -> int:
    match value.type_name(v):
        case "S":
            return len(str(v).encode("utf-8"))
        case "N":
            return naive_number_size(v)
        case "B":
            return len(v)
        case "BOOL" | "NULL":
            return 1
        case "M":
            return 3 + sum(1 + naive_size(name) + naive_size(inner) for name, inner in v.items())
        case "L":
            return 3 + sum(1 + naive_size(inner) for inner in v)
        case _:
            return sum(naive_size(inner) for inner in v)


@given(kv.items())
def test_normalised_items_stay_as_they_are(item):
    assert is_normal(item)


@given(kv.raw_items())
@example({"a": frozenset({0.1, Decimal("0.1")})})
def test_normalising_twice_is_normalising_once(raw):
    try:
        item, item_size = value.normalise_item(raw)
    except ValidationError as refused:
        assert refused.message == value.DUPLICATE_NUMBERS
        return
    again, again_size = value.normalise_item(item)
    assert value.equals(item, again)
    assert item_size == again_size


@given(kv.items())
def test_size_agrees_with_the_rule_written_naively(item):
    naive = sum(naive_size(name) + naive_size(v) for name, v in item.items())
    assert size.item_size(item) == naive
    assert value.normalise_item(item)[1] == naive


@given(kv.items())
def test_stored_items_read_back_equal(item):
    decoded = codec.decode_item(codec.encode_item(item))
    assert value.equals(decoded, item)
    assert list(decoded) == list(item)


@given(kv.items())
def test_equal_items_are_stored_as_equal_bytes(item):
    assert codec.encode_item(codec.decode_item(codec.encode_item(item))) == codec.encode_item(item)


@given(kv.items())
def test_items_cut_short_or_continued_are_corrupt(item):
    encoded = codec.encode_item(item)
    for length in range(len(encoded)):
        with pytest.raises(CorruptionError):
            codec.decode_item(encoded[:length])
    with pytest.raises(CorruptionError):
        codec.decode_item(encoded + b"\xc0")


@given(kv.items(max_size=3))
def test_a_flipped_bit_makes_a_corrupt_or_another_normalised_item(item):
    encoded = codec.encode_item(item)
    for bit in range(len(encoded) * 8):
        damaged = bytearray(encoded)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            decoded = codec.decode_item(bytes(damaged))
        except CorruptionError:
            continue
        assert is_normal(decoded)


@given(st.binary(max_size=64))
def test_arbitrary_bytes_are_corrupt_or_a_normalised_item(tail):
    try:
        decoded = codec.decode_item(b"\x01" + tail)
    except CorruptionError:
        return
    assert is_normal(decoded)


_foreign = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=2) | st.binary(max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    st.dictionaries(st.text(max_size=3) | st.binary(max_size=3), _foreign, max_size=4),
    st.integers(0, 40),
    st.sampled_from(["", "", "d9", "da00", "db000000"]),
)
@example({"a": 0, "": 1}, 0, "")
@example({"a": 1, "": 1}, 0, "d9")
@example({"ab": {"": 1, "a": 2}}, 0, "da00")
@example({"ab": {"": 1, "a": 2}}, 0, "db000000")
@example({"a": {"b": {}}}, 29, "")
@example({"a": {"b": {}}}, 30, "")
@example({"a": msgpack.Timestamp(1, 0)}, 0, "")
@example({"a": "x" * 40}, 0, "d9")
def test_bytes_that_look_plain_are_an_item(content, levels, text_header):
    """Whatever a stranger packed: it is refused exactly when a walk over it would refuse it."""
    for level in range(levels):
        content = {"n": content} if level % 2 else {"l": [content]}
    body = _packed(content, bytes.fromhex(text_header)) if text_header else msgpack.packb(content)
    decoded = msgpack.unpackb(body, strict_map_key=False)
    try:
        assert all(isinstance(name, str) for name in _names_in(decoded))
        is_item = value.normalise_item(decoded)[0] == decoded and not _has_foreign(decoded)
    except (AssertionError, ValidationError, TypeError):
        is_item = False
    try:
        assert codec.decode_item(b"\x01" + body) == decoded
    except CorruptionError:
        assert not is_item
    else:
        assert is_item


def _packed(found, text_header):
    """With this header, all but its last byte, for every text."""
    if isinstance(found, dict):
        flat = [part for pair in found.items() for part in pair]
        return bytes((0x80 + len(found),)) + b"".join([_packed(part, text_header) for part in flat])
    if isinstance(found, list):
        return bytes((0x90 + len(found),)) + b"".join([_packed(part, text_header) for part in found])
    if isinstance(found, str):
        return text_header + bytes((len(found.encode()),)) + found.encode()
    return msgpack.packb(found)


def _names_in(found):
    if isinstance(found, dict):
        for name, inner in found.items():
            yield name
            yield from _names_in(inner)
    for inner in found if isinstance(found, list) else ():
        yield from _names_in(inner)


def _has_foreign(found):
    if isinstance(found, (dict, list)):
        return any(map(_has_foreign, found.values() if isinstance(found, dict) else found))
    return isinstance(found, float)


@given(kv.items())
def test_json_items_read_back_equal_through_text(item):
    text = json.dumps(dynamo_json.item_to_json(item))
    assert value.equals(dynamo_json.item_from_json(json.loads(text)), item)


@given(kv.items())
def test_equal_items_are_written_as_equal_json(item):
    written = dynamo_json.item_to_json(item)
    assert dynamo_json.item_to_json(dynamo_json.item_from_json(written)) == written


@given(kv.numbers())
def test_number_text_reads_back_and_has_no_exponent(n):
    text = number.to_text(n)
    assert set(text) <= set("-.0123456789")
    assert Fraction(text) == Fraction(n)
    assert value.equals(number.parse(text), n)


@given(st.from_regex(r"[+-]?([0-9]{1,20}\.?[0-9]{0,20}|\.[0-9]{1,20})([eE][+-]?[0-9]{1,3})?", fullmatch=True))
def test_parsed_numbers_are_what_the_text_says_or_refused(text):
    if len(text.partition("e")[0].partition("E")[0].strip("+-.").replace(".", "")) > 38:
        return
    exact = Fraction(text)
    try:
        parsed = number.parse(text)
    except ValidationError:
        assert exact != 0
        assert not Fraction(10) ** -130 <= abs(exact) < Fraction(10) ** 126
        return
    assert Fraction(parsed) == exact
    assert type(parsed) is (int if exact.denominator == 1 else Decimal)


@given(st.text(max_size=20))
def test_arbitrary_text_is_a_number_or_refused(text):
    try:
        parsed = number.parse(text)
    except ValidationError:
        return
    assert value.equals(number.normalise(parsed), parsed)


@given(
    st.sampled_from("SNB").flatmap(
        lambda kind: st.tuples(st.just(kind), kv.key_values(kind), kv.key_values(kind))
    )
)
def test_key_bytes_sort_as_key_values(case):
    _, left, right = case
    for encode in (order.encode_partition, order.encode_sort):
        assert (encode(left) < encode(right)) == (left < right)
        assert (encode(left) == encode(right)) == (left == right)


@given(st.lists(st.integers(0, 10**38 - 1), min_size=2, max_size=2), st.integers(-130, 125), st.booleans())
def test_numbers_of_one_magnitude_sort_to_the_last_digit(coefficients, exponent, negative):
    left, right = (kv.normal_number(negative, f"{n:038d}".lstrip("0"), exponent) for n in coefficients)
    assert (order.encode_sort(left) < order.encode_sort(right)) == (left < right)


@given(st.sampled_from("SNB").flatmap(lambda kind: st.tuples(kv.key_values(kind), kv.key_values(kind))))
def test_no_partition_part_starts_another(case):
    left, right = case
    if left != right:
        assert not order.encode_partition(left).startswith(order.encode_partition(right))


@given(
    st.tuples(st.sampled_from("SNB"), st.sampled_from("SNB")).flatmap(
        lambda kinds: st.lists(st.tuples(*map(kv.key_values, kinds)), max_size=8)
    )
)
def test_keys_of_two_partitions_never_interleave(pairs):
    def key(pair):
        return order.encode_partition(pair[0]) + order.encode_sort(pair[1])

    assert sorted(pairs, key=key) == sorted(pairs)


@given(
    st.sampled_from("SNB").flatmap(lambda kind: st.tuples(st.just(kind), kv.key_values(kind))),
    st.binary(max_size=8),
    st.binary(max_size=8),
)
def test_keys_are_taken_apart_as_they_were_put_together(case, before, after):
    kind, key_value = case
    part = order.encode_partition(key_value)
    decoded, end = order.decode_partition(kind, before + part + after, len(before))
    assert value.equals(decoded, key_value)
    assert end == len(before) + len(part)
    assert value.equals(order.decode_sort(kind, order.encode_sort(key_value)), key_value)


@given(st.sampled_from("SNB"), kv.binaries(max_size=24) | st.binary(max_size=30))
def test_arbitrary_key_bytes_are_corrupt_or_the_encoding_of_what_they_read_as(kind, data):
    try:
        decoded, end = order.decode_partition(kind, data)
    except CorruptionError:
        pass
    else:
        assert order.encode_partition(decoded) == data[:end]
    try:
        decoded = order.decode_sort(kind, data)
    except CorruptionError:
        return
    assert order.encode_sort(decoded) == data


@given(kv.numbers(), st.data())
def test_a_flipped_bit_in_a_number_key_is_corrupt_or_another_number(n, data):
    encoded = bytearray(order.encode_sort(n))
    bit = data.draw(st.integers(0, len(encoded) * 8 - 1))
    encoded[bit // 8] ^= 1 << bit % 8
    try:
        decoded = order.decode_sort("N", bytes(encoded))
    except CorruptionError:
        return
    assert decoded != n
    assert value.equals(number.normalise(decoded), decoded)
    assert order.encode_sort(decoded) == encoded


@given(kv.texts(), kv.texts())
def test_begins_with_is_a_prefix_of_the_sort_part(text, prefix):
    assert order.encode_sort(text).startswith(order.encode_sort(prefix)) == text.startswith(prefix)


@given(kv.numbers())
def test_a_fraction_is_stored_as_a_text_with_one_reading(n):
    if isinstance(n, Decimal):
        assert number.fraction_from_text(str(n)) == n
    else:
        with pytest.raises(ValueError):
            number.fraction_from_text(str(n))
