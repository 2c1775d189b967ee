"""The bytes of keys: layout, order at the seams, and damage."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from kvdb.errors import CorruptionError, ValidationError
from kvdb.item import number
from kvdb.item.dynamo_json import value_from_json
from kvdb.item.order import decode_partition, decode_sort, encode_partition, encode_sort
from kvdb.item.value import equals

GOLDEN = Path(__file__).parents[2] / "golden" / "item_keys_1.json"


@pytest.mark.parametrize(
    ("value", "partition", "sort"),
    [
        ("ab", "61620001", "6162"),
        ("a\x00b", "6100ff620001", "610062"),
        ("é", "c3a90001", "c3a9"),
        (b"\x00", "00ff0001", "00"),
        (b"", "0001", ""),
        (0, "02", "02"),
        (1, "038220", "038220"),
        (10, "038320", "038320"),
        (12, "03832300", "03832300"),
        (Decimal("0.1"), "038120", "038120"),
        (-1, "017ddf", "017ddf"),
        (Decimal("-1.2"), "017ddcff", "017ddcff"),
        (Decimal("1E-130"), "030020", "030020"),
        (10**125, "03ff20", "03ff20"),
    ],
)
def test_each_type_has_the_layout_the_module_states(value, partition, sort):
    assert encode_partition(value).hex() == partition
    assert encode_sort(value).hex() == sort


def test_numbers_sort_across_signs_exponents_and_digits():
    texts = [
        *("-9.9E125", "-1E125", "-100.01", "-100", "-99.9", "-2", "-1.10", "-1.1E-5", "-1E-130"),
        "0",
        *(
            "1E-130",
            "1.1E-5",
            "0.9",
            "1",
            "1.09",
            "1.1",
            "1.10000001",
            "1.9",
            "2",
            "9",
            "10",
            "11",
            "99.9",
            "100",
        ),
        *(
            "12345678901234567890123456789012345677",
            "12345678901234567890123456789012345678",
            "1E125",
            "9.9E125",
        ),
    ]
    encoded = [encode_sort(number.parse(text)) for text in texts]
    assert encoded == sorted(encoded)
    assert len({number.parse(text) for text in texts}) == len(set(encoded))


def test_a_38_digit_number_takes_22_bytes():
    assert len(encode_sort(10**38 - 1)) == 22


@pytest.mark.parametrize("value", [True, None, [], {"a"}, {}, 1.5])
@pytest.mark.parametrize("encode", [encode_partition, encode_sort])
def test_only_strings_numbers_and_bytes_make_a_key(encode, value):
    with pytest.raises(ValidationError, match="a key must be a string, a number or bytes, not "):
        encode(value)


def test_a_partition_part_is_read_from_the_middle_of_a_key():
    key = b"head" + encode_partition("a\x00b") + encode_sort(7)
    value, end = decode_partition("S", key, 4)
    assert (value, decode_sort("N", key[end:])) == ("a\x00b", 7)


@pytest.mark.parametrize("data", ["", "61", "6100", "610002", "6100ff", "6100ff00", "ff0001"])
def test_damaged_strings_in_keys_are_corrupt(data):
    with pytest.raises(CorruptionError):
        decode_partition("S", bytes.fromhex(data))


@pytest.mark.parametrize(
    "data",
    [
        "",
        "00",
        "04",
        "0202",  # more than one number
        "03",
        "0382",
        "0382 00",  # no digits
        "0382 10",  # a leading zero
        "0382 2100",  # a trailing zero
        "0382 22",  # no end
        "0382 2000",  # two ends
        "0382 2b00",  # a digit past 9
        "0382 0230",  # a hole
        "017d 20",  # a positive number's end in a negative one
        "0382" + "22" * 20 + "00",  # 40 digits
    ],
)
def test_damaged_numbers_in_keys_are_corrupt(data):
    with pytest.raises(CorruptionError):
        decode_sort("N", bytes.fromhex(data))


def test_a_damaged_sort_string_is_corrupt_and_damaged_bytes_are_bytes():
    with pytest.raises(CorruptionError):
        decode_sort("S", b"\xff")
    assert decode_sort("B", b"\xff") == b"\xff"


@pytest.mark.parametrize(
    "golden", json.loads(GOLDEN.read_text(encoding="utf-8"))["keys"], ids=lambda golden: str(golden["value"])
)
def test_keys_of_format_1_are_read_and_written_for_ever(golden):
    [kind] = golden["value"]
    value = value_from_json(golden["value"])
    partition, sort = bytes.fromhex(golden["partition"]), bytes.fromhex(golden["sort"])
    assert equals(decode_partition(kind, partition)[0], value)
    assert equals(decode_sort(kind, sort), value)
    assert (encode_partition(value), encode_sort(value)) == (partition, sort)
