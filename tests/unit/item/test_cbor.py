"""The CBOR form of items: the vectors of RFC 8949, round trips, and bytes that mean nothing."""

from __future__ import annotations

import contextlib
import random
from decimal import Decimal

import pytest
from hypothesis import given

from kvdb.item import cbor
from kvdb.item.value import equals
from tests.support.strategies import items

# Each value as the value of "a", from RFC 8949, appendix A.
VECTORS: list[tuple[str, object]] = [
    ("00", 0),
    ("17", 23),
    ("1818", 24),
    ("1903e8", 1000),
    ("1b000000e8d4a51000", 1_000_000_000_000),
    ("1bffffffffffffffff", 18_446_744_073_709_551_615),
    ("c249010000000000000000", 18_446_744_073_709_551_616),
    ("3bffffffffffffffff", -18_446_744_073_709_551_616),
    ("c349010000000000000000", -18_446_744_073_709_551_617),
    ("3903e7", -1000),
    ("f4", False),
    ("f5", True),
    ("f6", None),
    ("4401020304", b"\x01\x02\x03\x04"),
    ("60", ""),
    ("64f0908591", "\U00010151"),
    ("83010203", [1, 2, 3]),
    ("a26161016162820203", {"a": 1, "b": [2, 3]}),
    ("c48221196ab3", Decimal("273.15")),
]
READ_ONLY: list[tuple[str, object]] = [
    ("f93e00", Decimal("1.5")),
    ("fa47c35000", 100000),
    ("fbc010666666666666", Decimal("-4.1")),
    ("5f42010243030405ff", b"\x01\x02\x03\x04\x05"),
    ("7f657374726561646d696e67ff", "streaming"),
    ("9f018202039f0405ffff", [1, [2, 3], [4, 5]]),
    ("bf61610161629f0203ffff", {"a": 1, "b": [2, 3]}),
    ("d9010283010203", {1, 2, 3}),
]


@pytest.mark.parametrize(("text", "value"), VECTORS)
def test_values_are_written_as_the_standard_says(text: str, value: object) -> None:
    assert cbor.encode_item({"a": value}) == b"\xa1aa" + bytes.fromhex(text)


@pytest.mark.parametrize(("text", "value"), VECTORS + READ_ONLY)
def test_values_are_read_as_the_standard_says(text: str, value: object) -> None:
    data = b"\xa1aa" + bytes.fromhex(text)

    item, end = cbor.decode_item(data)

    assert equals(item["a"], value)
    assert end == cbor.end_of(data) == len(data)


@given(items())
def test_an_item_comes_back_as_it_was(item: dict[str, object]) -> None:
    data = cbor.encode_item(item)

    assert equals(cbor.decode_item(data)[0], item)
    assert cbor.decode_item(b"\x00" + data, 1)[1] == len(data) + 1 == cbor.end_of(data) + 1


@given(items())
def test_every_beginning_of_an_item_is_truncated(item: dict[str, object]) -> None:
    data = cbor.encode_item(item)
    for end in {0, 1, len(data) // 2, len(data) - 1}:
        if end < len(data):
            with pytest.raises(cbor.Truncated):
                cbor.decode_item(data[:end])
            with pytest.raises(cbor.Truncated):
                cbor.end_of(data[:end])


@pytest.mark.parametrize(
    "text",
    [
        "a2616101616102",  # a name twice
        "a10101",  # a name that is no text
        "a16161d90102820101",  # a set with a member twice
        "a16161d9010280",  # an empty set
        "a16161d90102818101",  # a set of a list
        "a16161f97e00",  # NaN
        "a16161f7",  # undefined
        "a16161d82a01",  # a tag that has no type
        "a16161c48201f5",  # a mantissa that is no integer
        "a16161c4821a7fffffff01",  # an exponent out of range
        "a1616161ff",  # no UTF-8
        "a16161" + "81" * 40 + "01",  # too deep
        "a16161c25841" + "ff" * 65,  # a number too large
        "01",  # no map
    ],
)
def test_what_is_no_item_is_refused_and_its_end_is_known(text: str) -> None:
    data = bytes.fromhex(text)

    with pytest.raises(ValueError) as raised:
        cbor.decode_item(data)

    assert not isinstance(raised.value, cbor.NotCbor)
    assert cbor.end_of(data) == len(data)


def test_random_bytes_are_refused_in_bounded_time_and_with_no_other_error() -> None:
    chance = random.Random(7)
    for _ in range(20_000):
        data = b"\xa1aa" + chance.randbytes(chance.randrange(1, 24))
        for read in (cbor.decode_item, cbor.end_of):
            with contextlib.suppress(ValueError, cbor.Truncated):
                read(data)


def test_what_is_nested_without_end_is_no_cbor() -> None:
    with pytest.raises(cbor.NotCbor):
        cbor.end_of(b"\x81" * 100_000)
