"""What may be stored, what is refused, and in which words."""

from __future__ import annotations

from collections import OrderedDict
from decimal import Decimal
from enum import IntEnum
from types import MappingProxyType

import pytest

from kvdb.errors import ValidationError
from kvdb.item import value
from kvdb.item.value import equals, fits_at, normalise_item, normalise_value, type_name
from kvdb.limits import NESTING_LEVELS_MAX


def wrapped(leaf, levels, wrap):
    for _ in range(levels):
        leaf = wrap(leaf)
    return leaf


def refusal(raw):
    with pytest.raises(ValidationError) as caught:
        normalise_value(raw)
    return caught.value.message


class Shouting(str):
    """As a mixed-in Enum does, prints as something other than what it holds."""

    __slots__ = ()

    def __str__(self) -> str:
        return self.upper()


class Size(IntEnum):
    LARGE = 3


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        (1.5, Decimal("1.5")),
        (0.1, Decimal("0.1")),
        (2.0, 2),
        (-0.0, 0),
        (Decimal("1.0"), 1),
        (Decimal("-0"), 0),
        (Decimal("1E+125"), 10**125),
        ((1, "a"), [1, "a"]),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"ab"), b"ab"),
        (frozenset({1, 2}), {1, 2}),
        ({b"a", memoryview(b"b")}, {b"a", b"b"}),
        (OrderedDict(a=1), {"a": 1}),
        (MappingProxyType({"a": {}}), {"a": {}}),
        ({"a": 1}.keys(), {"a"}),
        (Shouting("red"), "red"),
        ({Shouting("red"): 1}, {"red": 1}),
        ({Shouting("red")}, {"red"}),
        (Size.LARGE, 3),
        ("", ""),
        (b"", b""),
        ([], []),
        ({}, {}),
    ],
)
def test_accepted_classes_become_the_plain_one(raw, normal):
    normalised = normalise_value(raw)
    assert equals(normalised, normal)


def test_subclasses_of_strings_do_not_survive_in_a_set_or_as_a_name():
    normal, _ = normalise_item({Shouting("red"): {Shouting("red")}})
    assert {type(name) for name in normal} == {type(element) for element in normal["red"]} == {str}


def test_a_normalised_item_shares_nothing_mutable_with_the_original():
    raw = {"list": [[1]], "map": {"inner": {"a": 1}}, "set": {1}}
    normal, _ = normalise_item(raw)
    raw["list"][0].append(2)
    raw["map"]["inner"]["b"] = 2
    raw["set"].add(2)
    assert normal == {"list": [[1]], "map": {"inner": {"a": 1}}, "set": {1}}


def test_normalise_item_returns_the_size_with_the_copy():
    assert normalise_item({"id": "größe", "n": Decimal("1.50")}) == ({"id": "größe", "n": Decimal("1.5")}, 13)


@pytest.mark.parametrize("raw", [object(), 1j, range(3), {"a": object()}, [object()], str])
def test_other_classes_are_refused_by_name(raw):
    assert refusal(raw).startswith("unsupported type ")


@pytest.mark.parametrize("raw", [set(), frozenset(), {"a": [set()]}])
def test_empty_sets_are_refused(raw):
    assert refusal(raw) == "One or more parameter values were invalid: An string set  may not be empty"


@pytest.mark.parametrize(
    "raw", [{"a", 1}, {"a", b"a"}, {b"a", 1}, {True}, {None}, {"a", None}, {(1, 2)}, {frozenset({1})}]
)
def test_sets_hold_one_scalar_type_and_no_booleans(raw):
    assert refusal(raw) == "a set may hold only strings, only numbers or only bytes"


def test_numbers_of_several_classes_may_share_a_set():
    assert normalise_value({1, 2.5, Decimal("3.50")}) == {1, Decimal("2.5"), Decimal("3.5")}


def test_numbers_that_differ_only_in_python_are_duplicates():
    assert refusal({0.1, Decimal("0.1")}) == "Input collection contains duplicates"


@pytest.mark.parametrize(
    "raw", [float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity"), Decimal("sNaN")]
)
def test_what_is_no_number_is_refused(raw):
    assert refusal([raw]).startswith("The parameter cannot be converted to a numeric value: ")


@pytest.mark.parametrize("raw", ["\ud800", "a\udfff", {"\ud800"}, {"k": "\ud800"}, {"\ud800": 1}])
def test_lone_surrogates_are_refused(raw):
    assert "lone surrogate at index" in refusal(raw)


def test_empty_names_are_refused_at_any_depth():
    told = "One or more parameter values were invalid: Empty attribute name"
    assert refusal({"": 1}) == refusal([{"a": {"": 1}}]) == told


def test_names_must_be_strings():
    assert refusal({1: 1}) == "an attribute name must be a string, not int"


def test_a_name_of_65535_bytes_is_the_longest():
    assert normalise_value({"é" * 32767 + "a": 1})
    assert refusal({"é" * 32768: 1}) == (
        "1 validation error detected: Attribute name is too large, must be less than 65536 bytes"
    )


def test_an_item_must_be_a_mapping():
    with pytest.raises(
        ValidationError, match="an item must be a mapping of attribute names to values, not list"
    ):
        normalise_item([("a", 1)])


WRAPS = [lambda v: {"n": v}, lambda v: [v]]


@pytest.mark.parametrize("wrap", WRAPS)
def test_31_levels_around_a_value_are_legal_and_32_are_not(wrap):
    assert normalise_item({"a": wrapped("leaf", 31, wrap)})
    with pytest.raises(ValidationError) as caught:
        normalise_item({"a": wrapped("leaf", 32, wrap)})
    assert caught.value.message == value.NESTED_TOO_DEEP


@pytest.mark.parametrize("wrap", [*WRAPS, lambda v: (v,)])
def test_a_hundred_thousand_levels_are_refused_like_32(wrap):
    assert refusal(wrapped("leaf", 100_000, wrap)) == value.NESTED_TOO_DEEP


def test_sets_within_sets_are_refused_before_they_are_followed():
    assert refusal(wrapped(frozenset({1}), 10_000, lambda v: frozenset((v,)))) == value.MIXED_SET


def test_a_list_that_contains_itself_is_refused():
    endless: list[object] = [1]
    endless += [endless, endless]
    assert refusal(endless) == value.NESTED_TOO_DEEP


@pytest.mark.parametrize("repeat", [lambda v: [v] * 100, lambda v: {str(i): v for i in range(100)}])
def test_one_list_repeated_without_end_is_cut_off(repeat):
    assert refusal(wrapped("leaf", 30, repeat)) == "Item size has exceeded the maximum allowed size"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (True, 1),
        (False, 0),
        ([True], [1]),
        ({"a": [0]}, {"a": [False]}),
        ("a", b"a"),
        ({"a"}, {b"a"}),
        ([], {}),
    ],
)
def test_values_of_different_types_are_never_equal(left, right):
    assert not equals(left, right)


@pytest.mark.parametrize(
    ("left", "right"), [([1], [1, 2]), ({"a": 1}, {"b": 1}), ({"a": 1}, {"a": 2}), ({1}, {1, 2}), (1, 2)]
)
def test_different_values_of_one_type_are_not_equal(left, right):
    assert not equals(left, right)


def test_equality_ignores_the_order_of_names_and_not_of_lists():
    assert equals({"a": [1, {"x": None}], "b": {1, 2}}, {"b": {2, 1}, "a": [1, {"x": None}]})
    assert not equals([1, 2], [2, 1])


@pytest.mark.parametrize(
    ("example", "name"),
    [
        ("", "S"),
        (1, "N"),
        (Decimal("1.5"), "N"),
        (b"", "B"),
        (True, "BOOL"),
        (None, "NULL"),
        ({}, "M"),
        ([], "L"),
        ({"a"}, "SS"),
        ({1, Decimal("1.5")}, "NS"),
        ({b"a"}, "BS"),
    ],
)
def test_each_type_has_the_name_the_service_gives_it(example, name):
    assert type_name(example) == name


@pytest.mark.parametrize("make", [lambda inner: {"a": inner}, lambda inner: [inner]])
def test_a_value_fits_where_the_item_around_it_would_be_taken(make):
    for levels in (0, 1, 20, NESTING_LEVELS_MAX - 1):
        value: object = 1
        for _ in range(levels):
            value = make(value)
        for depth in range(NESTING_LEVELS_MAX + 1):
            item: object = value
            for _ in range(depth):
                item = make(item)
            try:
                normalise_item({"a": item})
            except ValidationError:
                assert not fits_at(value, depth)
            else:
                assert fits_at(value, depth)


def test_what_is_empty_fits_one_level_deeper():
    assert fits_at({}, NESTING_LEVELS_MAX - 1)
    assert not fits_at({"a": 1}, NESTING_LEVELS_MAX - 1)
