"""The service's JSON: what it reads as, and the words for what it is not."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given

from kvdb.errors import SerializationError, ValidationError
from kvdb.item.dynamo_json import (
    check_item_types,
    check_value_types,
    item_from_json,
    item_to_json,
    item_to_text,
    value_from_json,
    value_to_json,
)
from kvdb.item.value import NESTED_TOO_DEEP, equals
from tests.support.strategies import items

INVALID = "One or more parameter values were invalid: "


def wrapped(leaf, levels, wrap):
    for _ in range(levels):
        leaf = wrap(leaf)
    return leaf


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ({"S": ""}, ""),
        ({"N": "-0.5"}, Decimal("-0.5")),
        ({"N": "100000000000000000000"}, 10**20),
        ({"B": "AP8="}, b"\x00\xff"),
        ({"B": ""}, b""),
        ({"BOOL": False}, False),
        ({"NULL": True}, None),
        ({"M": {"a": {"L": []}}}, {"a": []}),
        ({"L": [{"M": {}}, {"N": "1"}]}, [{}, 1]),
        ({"SS": ["a", "b"]}, {"a", "b"}),
        ({"NS": ["-1", "0.5", "10"]}, {10, Decimal("0.5"), -1}),
        ({"BS": ["YQ==", "Yg=="]}, {b"a", b"b"}),
    ],
)
def test_each_type_is_read_and_written(written, value):
    assert equals(value_from_json(written), value)
    assert value_to_json(value) == written


def test_numbers_are_read_to_the_normal_form():
    assert equals(value_from_json({"NS": ["1E2", "0.50"]}), {100, Decimal("0.5")})


def test_items_are_maps_of_values():
    written = {"id": {"S": "x"}, "n": {"N": "1"}}
    assert item_from_json(written) == {"id": "x", "n": 1}
    assert item_to_json({"id": "x", "n": 1}) == written


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        (
            {"S": None},
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        ),
        ({"X": "a"}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        (
            {"S": "a", "N": "1"},
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes",
        ),
        ({"NULL": False}, INVALID + "Null attribute value types must have the value of true"),
        ({"NULL": "no"}, INVALID + "Null attribute value types must have the value of true"),
        ({"N": "abc"}, "The parameter cannot be converted to a numeric value: abc"),
        ({"NS": ["1", ""]}, "The parameter cannot be converted to a numeric value"),
        ({"SS": []}, INVALID + "An string set  may not be empty"),
        ({"NS": []}, INVALID + "An number set  may not be empty"),
        ({"BS": []}, INVALID + "Binary sets should not be empty"),
        ({"SS": ["a", "a"]}, INVALID + "Input collection [a, a] contains duplicates."),
        ({"NS": ["1", "1.0"]}, "Input collection contains duplicates"),
        ({"BS": ["Yg==", "Yg=="]}, INVALID + "Input collection [Yg==, Yg==]of type BS contains duplicates."),
        ({"SS": ["a"] * 99}, INVALID + f"Input collection [{'a, ' * 20}...] contains duplicates."),
    ],
)
def test_well_formed_json_that_is_no_value_is_a_validation_error(obj, message):
    with pytest.raises(ValidationError) as caught:
        value_from_json({"L": [obj]})
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        ("a", "Unexpected value type in payload"),
        ([], "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue"),
        (None, "Unexpected value type in payload"),
        ({"S": 23}, "NUMBER_VALUE cannot be converted to String"),
        ({"S": 1.5}, "DECIMAL_VALUE cannot be converted to String"),
        ({"S": True}, "TRUE_VALUE cannot be converted to String"),
        ({"N": False}, "FALSE_VALUE cannot be converted to String"),
        ({"N": 1}, "NUMBER_VALUE cannot be converted to String"),
        ({"S": []}, "Unrecognized collection type class java.lang.String"),
        ({"S": {}}, "Start of structure or map found where not expected"),
        ({"BOOL": "maybe"}, "Unexpected token received from parser"),
        ({"NULL": 1}, "NUMBER_VALUE cannot be converted to Boolean"),
        ({"BOOL": 1}, "NUMBER_VALUE cannot be converted to Boolean"),
        ({"B": 23}, "only base-64-encoded strings are convertible to bytes"),
        ({"B": []}, "Unrecognized collection type class java.nio.ByteBuffer"),
        ({"B": {}}, "Start of structure or map found where not expected"),
        ({"B": "23456"}, "Base64 encoded length is expected a multiple of 4 bytes but found: 5"),
        ({"B": "=+/="}, "Invalid last non-pad Base64 character dectected"),
        ({"B": "+/+="}, "Invalid last non-pad Base64 character dectected"),
        ({"B": "a b="}, "Invalid last non-pad Base64 character dectected"),
        ({"B": "YQ==YQ=="}, "Invalid last non-pad Base64 character dectected"),
        ({"B": "é==="}, "Invalid last non-pad Base64 character dectected"),
        ({"BS": ["YR=="]}, "Invalid last non-pad Base64 character dectected"),
        ({"L": "a"}, "Unexpected field type"),
        ({"SS": {}}, "Start of structure or map found where not expected"),
        ({"SS": [1]}, "NUMBER_VALUE cannot be converted to String"),
        ({"M": "a"}, "Unexpected field type"),
        (
            {"M": []},
            "Unrecognized collection type java.util.Map<java.lang.String, "
            "com.amazonaws.dynamodb.v20120810.AttributeValue>",
        ),
    ],
)
def test_the_wrong_json_type_is_a_serialization_error(obj, message):
    with pytest.raises(SerializationError) as caught:
        value_from_json({"L": [obj]})
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ({"S": "a", "N": None, "Unknown": {}}, "a"),
        ({"BOOL": "Yes"}, True),
        ({"BOOL": "0"}, False),
        ({"NULL": "true"}, None),
    ],
)
def test_what_the_service_reads_besides(written, value):
    assert equals(value_from_json(written), value)


@pytest.mark.parametrize(
    "obj",
    [
        {"N": "abc", "S": 1},
        {"L": [{"N": "abc"}, {"S": []}]},
        {"M": {"a": {"NS": []}, "b": "text"}},
        {"SS": [], "BS": ["?"]},
        {"BOOL": 7, "S": "a"},
    ],
)
def test_wrong_types_are_found_behind_values_that_are_none(obj):
    with pytest.raises(SerializationError):
        check_value_types(obj)
    with pytest.raises(SerializationError):
        check_item_types({"first": {"N": "abc"}, "second": obj})


@pytest.mark.parametrize("wrap", [lambda v: {"M": {"n": v}}, lambda v: {"L": [v]}])
def test_types_are_looked_at_as_deep_as_values_may_be(wrap):
    check_value_types(wrapped({"S": 1}, 100_000, wrap))
    with pytest.raises(SerializationError):
        check_value_types(wrapped({"S": 1}, 31, wrap))


def test_an_item_must_be_a_json_object():
    with pytest.raises(SerializationError):
        item_from_json([])


WRAPS = [lambda v: {"M": {"n": v}}, lambda v: {"L": [v]}]


@pytest.mark.parametrize("wrap", WRAPS)
def test_nesting_is_held_to_31_levels_around_a_value(wrap):
    assert value_from_json(wrapped({"S": "leaf"}, 31, wrap))
    for levels in (32, 100_000):
        with pytest.raises(ValidationError) as caught:
            value_from_json(wrapped({"S": "leaf"}, levels, wrap))
        assert caught.value.message == NESTED_TOO_DEEP


@given(items())
def test_the_text_of_an_item_is_the_compact_json_of_its_objects(item: dict[str, object]) -> None:
    assert item_to_text(item) == json.dumps(item_to_json(item), ensure_ascii=False, separators=(",", ":"))
