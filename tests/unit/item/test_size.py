"""The published rule, with the figures captured from the service."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kvdb.errors import ValidationError
from kvdb.item import number
from kvdb.item.size import item_size, value_size


# Source: dynoxide, test_size_number_matches_dynamodb, measured at the 400 KB limit.
@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 2),
        ("12", 2),
        ("123", 3),
        ("12345", 4),
        ("1234567890123456789", 11),
        ("12345678901234567890123456789012345678", 20),
        ("0042", 2),
        ("100", 2),
        ("1010", 3),
        ("0.0000001", 2),
        ("0", 1),
        ("1E125", 2),
        ("1E-100", 2),
        ("1.5", 3),
        ("1.200", 3),
        ("1.234", 4),
        ("3.14159", 5),
        ("100.5", 4),
        ("0.15", 2),
        ("-42", 3),
        ("-12345", 5),
        ("-1E125", 3),
        ("-0.15", 3),
        ("-0", 1),
    ],
)
def test_numbers_cost_half_a_byte_a_digit_on_either_side_of_the_point(text, size):
    assert value_size(number.parse(text)) == size


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("", 0),
        ("abc", 3),
        ("é€😀", 9),
        (b"", 0),
        (b"\x00\xff", 2),
        (True, 1),
        (False, 1),
        (None, 1),
        ([], 3),
        ([1, "a"], 3 + 1 + 2 + 1 + 1),
        ({}, 3),
        ({"key": "v"}, 3 + 1 + 3 + 1),
        ([[]], 3 + 1 + 3),
        ({"a", "bcd"}, 4),
        ({1, Decimal("-2.5")}, 2 + 4),
        ({b"ab"}, 2),
    ],
)
def test_values_cost_their_contents_and_containers_a_little_more(value, size):
    assert value_size(value) == size


def test_names_count_and_the_item_itself_does_not():
    assert item_size({}) == 0
    assert item_size({"größe": None, "a": [1]}) == 7 + 1 + 1 + 6


def test_text_without_a_utf8_form_has_no_size():
    with pytest.raises(ValidationError, match="lone surrogate at index 1"):
        value_size("a\ud800")


def test_what_is_no_attribute_value_has_no_size():
    with pytest.raises(TypeError, match="not a normalised attribute value: float"):
        value_size(1.5)
