"""The stored bytes of items: layout, and every kind of damage."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path

import msgpack
import pytest

from kvdb.errors import CorruptionError
from kvdb.item.codec import decode_item, encode_item
from kvdb.item.dynamo_json import item_from_json
from kvdb.item.value import equals

GOLDEN = Path(__file__).parents[2] / "golden" / "item_format_1.json"


def ext(kind, payload):
    return b"\x01" + msgpack.packb({"a": msgpack.ExtType(kind, payload)})


def test_an_item_is_a_format_byte_and_a_msgpack_map():
    item = {"s": "é", "n": 7, "b": b"\x00", "t": True, "z": None, "m": {"x": []}, "l": [1, "a"]}
    encoded = encode_item(item)
    assert encoded[0] == 1
    assert msgpack.unpackb(encoded[1:]) == item


@pytest.mark.parametrize(
    ("value", "kind", "payload"),
    [
        (Decimal("19.99"), 1, b"19.99"),
        (Decimal("-1E-130"), 1, b"-1E-130"),
        (2**64, 2, b"\x01" + bytes(8)),
        (-(2**63) - 1, 2, b"\xff\x7f" + b"\xff" * 7),
        ({"b", "a"}, 3, b"\x92\xa1a\xa1b"),
        ({2, 1}, 4, b"\x92\x01\x02"),
        ({b"b"}, 5, b"\x91\xc4\x01b"),
    ],
)
def test_what_msgpack_lacks_is_an_extension(value, kind, payload):
    assert encode_item({"a": value}) == ext(kind, payload)
    assert equals(decode_item(ext(kind, payload)), {"a": value})


@pytest.mark.parametrize("edge", [2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**125, -(10**38 - 1) * 10**88])
def test_whole_numbers_survive_on_both_sides_of_64_bits(edge):
    assert equals(decode_item(encode_item({"a": edge, "s": {edge, 1}})), {"a": edge, "s": {edge, 1}})


def test_sets_are_stored_in_order_whatever_order_they_were_built_in():
    elements = [f"element-{i}" for i in range(100)]
    shuffled = random.Random(7).sample(elements, 100)
    assert encode_item({"s": set(elements)}) == encode_item({"s": set(shuffled)})


def test_names_keep_the_order_they_were_written_in():
    assert list(decode_item(encode_item({"b": 1, "a": 2}))) == ["b", "a"]


def test_a_decoded_item_is_the_readers_own():
    encoded = encode_item({"l": [1]})
    decode_item(encoded)["l"].append(2)
    assert decode_item(encoded) == {"l": [1]}


@pytest.mark.parametrize("value", [object(), 1j, set(), {True}, frozenset({1})])
def test_classes_without_a_stored_form_are_our_mistake(value):
    with pytest.raises((TypeError, KeyError)):
        encode_item({"a": value})


@pytest.mark.parametrize("data", [b"", b"\x00\x80", b"\x02\x80", b"\xff"])
def test_an_unknown_format_is_corrupt_and_named(data):
    with pytest.raises(CorruptionError, match="unknown item format format_version="):
        decode_item(data)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc0",  # not a map
        b"\x90",
        b"\x80\x80",  # two maps
        b"\x81\xa0\xc0",  # an empty name
        b"\x81\x01\xc0",  # a name that is a number
        b"\x81\xc4\x01a\xc0",  # a name of bytes
        b"\x81\x90\xc0",  # a name that is a list
        b"\x81\xa1\xff\xc0",  # a name that is not UTF-8
        b"\x81\xa1a\xa3\xed\xa0\x80",  # a lone surrogate
        b"\x81\xa1a\xca\x00\x00\x00\x00",  # a float
        b"\x81\xa1a\x91\xca\x00\x00\x00\x00",  # a float in a list
        b"\x81\xa1a\xd6\xff\x00\x00\x00\x00",  # a msgpack timestamp
        b"\x81\xa1a\xc1",  # never used by msgpack
        b"\xdf\xff\xff\xff\xff",  # more names than bytes
        b"\x81\xa1a\xdd\xff\xff\xff\xff",  # more elements than bytes
        b"\x81\xa1a\xc6\xff\xff\xff\xff",  # more bytes than bytes
        b"\x81\xa1a" + b"\x91" * 32 + b"\xc0",  # 32 levels
        b"\x81\xa1a" + b"\x81\xa1a" * 32 + b"\xc0",
        b"\x81\xa1a" + b"\x91" * 1500 + b"\xc0",  # past msgpack's own limit
        b"\x81\xa1a" + b"\x91" * 100_000 + b"\xc0",
    ],
)
def test_malformed_bodies_are_corrupt(body):
    with pytest.raises(CorruptionError):
        decode_item(b"\x01" + body)


def test_31_levels_are_read():
    assert decode_item(b"\x01\x81\xa1a" + b"\x91" * 31 + b"\xc0")


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (0, b""),
        (6, b""),
        (127, b"\x90"),
        (1, b""),
        (1, b"5"),
        (1, b"1.50"),
        (1, b"-0.0"),
        (1, b"NaN"),
        (1, b"sNaN"),
        (1, b"Infinity"),
        (1, b" 1.5"),
        (1, b"1_1.5"),
        (1, b"1.5E-200"),
        (1, b"1E+99999999"),
        (1, b"0." + b"1" * 39),
        (1, "٣.٣".encode()),
        (2, b""),
        (2, b"\x05"),
        (2, b"\x00" * 3 + b"\x01" + bytes(8)),
        (2, (10**38 + 1).to_bytes(20, "big")),
        (2, (10**126).to_bytes(53, "big")),
        (2, b"\x7f" * 100_000),
        (3, b"\x90"),
        (3, b"\xa1a"),
        (3, b"\x91\x01"),
        (3, b"\x92\xa1a\xa1a"),
        (3, b"\x91\xa1a\xc0"),
        (4, b"\x91\xa1a"),
        (4, b"\x91\xc3"),
        (4, b"\x92\x01\x01"),
        (4, b"\x91\xca\x00\x00\x00\x00"),
        (4, b"\x91\xd5\x04\x91\x01"),  # a set in a set
        (5, b"\x91\xa1a"),
        (5, b"\x91\x90"),
        (5, b"\x92\xc4\x01b"),
    ],
)
def test_malformed_extensions_are_corrupt(kind, payload):
    with pytest.raises(CorruptionError):
        decode_item(ext(kind, payload))


def test_sets_nested_without_end_are_corrupt():
    payload = b"\x91\x01"
    for _ in range(5_000):
        payload = b"\x91" + msgpack.packb(msgpack.ExtType(4, payload))
    with pytest.raises(CorruptionError):
        decode_item(ext(4, payload))


@pytest.mark.parametrize(
    "golden", json.loads(GOLDEN.read_text(encoding="utf-8"))["items"], ids=lambda golden: golden["what"]
)
def test_items_of_format_1_are_read_and_written_for_ever(golden):
    stored = bytes.fromhex(golden["bytes"])
    assert equals(decode_item(stored), item_from_json(golden["item"]))
    assert encode_item(decode_item(stored)) == stored


def test_a_good_item_decodes_after_a_bad_one():
    good = encode_item({"a": Decimal("1.5")})
    with pytest.raises(CorruptionError):
        decode_item(good[:-1])
    assert decode_item(good) == {"a": Decimal("1.5")}
