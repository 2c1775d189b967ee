"""When a condition holds for an item."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kvdb.expr.compiler import Condition, Placeholders, compile_condition
from kvdb.limits import EXPRESSION_OPERATORS_MAX

EVERY_TYPE = {
    "S": "x",
    "N": 1,
    "B": b"x",
    "BOOL": True,
    "NULL": None,
    "M": {"x": 1},
    "L": [1],
    "SS": {"x"},
    "NS": {1},
    "BS": {b"x"},
}


def condition(text: str, names: dict[str, str] | None = None, **values: object) -> Condition:
    placeholders = Placeholders(names, {f":{name}": value for name, value in values.items()} or None)
    return compile_condition(text, placeholders)


def holds(text: str, item: dict[str, object], **values: object) -> bool:
    return condition(text, **values).holds(item)


# Equality


@pytest.mark.parametrize("left", EVERY_TYPE)
@pytest.mark.parametrize("right", EVERY_TYPE)
def test_values_of_different_types_are_never_equal(left: str, right: str) -> None:
    item = {"a": EVERY_TYPE[left]}
    assert holds("a = :v", item, v=EVERY_TYPE[right]) is (left == right)
    assert holds("a <> :v", item, v=EVERY_TYPE[right]) is (left != right)


@pytest.mark.parametrize(
    ("one", "other"),
    [(True, 1), (False, 0), ([True], [1]), ({"x": 1}, {"x": True}), ("1", 1), ("x", b"x"), ([1, 2], [2, 1])],
)
def test_what_python_may_take_for_equal_is_not(one: object, other: object) -> None:
    assert not holds("a = :v", {"a": one}, v=other)


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        (1, Decimal("1.0")),
        (Decimal("0.1"), 0.1),
        ({"x": [1, {"y": {b"z"}}]}, {"x": (1, {"y": frozenset({b"z"})})}),
        ({1, 2}, {2, Decimal("1.00")}),
        ({"x": 1, "y": 2}, {"y": 2, "x": 1}),
    ],
)
def test_equal_values_are_equal_however_they_were_given(stored: object, asked: object) -> None:
    assert holds("a = :v", {"a": stored}, v=asked)


def test_numbers_are_equal_at_all_38_digits() -> None:
    digits = "1.2345678901234567890123456789012345678"
    assert holds("a = :v", {"a": Decimal(digits)}, v=Decimal(digits))
    assert not holds("a = :v", {"a": Decimal(digits)}, v=Decimal(digits[:-1] + "9"))


# Missing operands


def test_a_missing_attribute_differs_from_everything() -> None:
    assert holds("a <> :v", {}, v=1)
    assert holds("a <> b", {})


@pytest.mark.parametrize(
    "test", ["a = {}", "a < {}", "a <= {}", "a > {}", "a >= {}", "a BETWEEN {} AND :v", "a IN ({})"]
)
@pytest.mark.parametrize("other", [":v", "b"])
def test_every_other_test_of_a_missing_attribute_is_false(test: str, other: str) -> None:
    text = f"{test.format(other)} OR gone = :v"
    assert not holds(text, {}, v=1)


def test_a_value_is_compared_with_a_missing_attribute_alike() -> None:
    assert not holds(":v > a", {}, v=1)
    assert not holds(":v BETWEEN a AND b", {"a": 0}, v=1)
    assert not holds(":v IN (a, b)", {"b": 2}, v=1)


def test_not_of_a_test_on_a_missing_attribute_is_true() -> None:
    assert holds("NOT a = :v", {}, v=1)


# Order


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (1, 2),
        (-1, Decimal("-0.5")),
        (Decimal("1.5"), 2),
        (9, 10),
        (10**37, 10**37 + 1),
        ("a", "b"),
        ("a", "aa"),
        ("Z", "a"),
        ("\uffff", "\U00010000"),
        (b"\x7f", b"\x80"),
        (b"", b"\x00"),
    ],
)
def test_values_of_one_type_are_in_order(low: object, high: object) -> None:
    item = {"low": low, "high": high}
    assert holds("low < high AND low <= high AND high > low AND high >= low", item)
    assert not holds("high < low OR high <= low OR low > high OR low >= high", item)


@pytest.mark.parametrize("value", [1, Decimal("1.5"), "a", b"a"])
def test_a_value_is_neither_less_nor_greater_than_its_equal(value: object) -> None:
    item = {"a": value, "b": value}
    assert holds("a <= b AND a >= b", item)
    assert not holds("a < b OR a > b", item)


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, "2"), ("1", b"2"), (0, True), (0, False), (False, True), (None, 1), ([1], [2]), ({1}, {2})],
)
def test_values_without_a_common_order_compare_as_false(one: object, other: object) -> None:
    item = {"a": one, "b": other}
    assert not holds("a < b OR a <= b OR a > b OR a >= b", item)
    assert not holds("a BETWEEN b AND c", {**item, "c": other})


def test_a_range_includes_its_bounds() -> None:
    answers = [holds("a BETWEEN :l AND :h", {"a": value}, l=2, h=4) for value in (1, 2, 3, 4, 5)]
    assert answers == [False, True, True, True, False]


def test_a_range_from_the_item_may_be_empty() -> None:
    assert not holds("a BETWEEN b AND c", {"a": 2, "b": 3, "c": 1})


# In


def test_in_finds_an_equal_operand() -> None:
    assert holds("a IN (:x, b)", {"a": "two", "b": "two"}, x="one")
    assert not holds("a IN (:x, b)", {"a": "three", "b": "two"}, x="one")


def test_in_compares_types_too() -> None:
    assert not holds("a IN (:x, :y)", {"a": True}, x=1, y="true")


# Functions


@pytest.mark.parametrize("value", EVERY_TYPE.values())
def test_an_attribute_of_any_type_exists(value: object) -> None:
    assert holds("attribute_exists(a)", {"a": value})
    assert not holds("attribute_not_exists(a)", {"a": value})


def test_an_attribute_that_is_not_there_does_not_exist() -> None:
    assert not holds("attribute_exists(a)", {"b": 1})
    assert holds("attribute_not_exists(a)", {"b": 1})


@pytest.mark.parametrize("stored", EVERY_TYPE)
@pytest.mark.parametrize("asked", EVERY_TYPE)
def test_a_type_is_known_by_its_name(stored: str, asked: str) -> None:
    assert holds("attribute_type(a, :t)", {"a": EVERY_TYPE[stored]}, t=asked) is (stored == asked)


def test_a_missing_attribute_has_no_type() -> None:
    assert not holds("attribute_type(a, :t)", {}, t="NULL")


@pytest.mark.parametrize(
    ("whole", "prefix", "answer"),
    [
        ("abc", "ab", True),
        ("abc", "", True),
        ("abc", "b", False),
        (b"abc", b"ab", True),
        ("abc", b"ab", False),
    ],
)
def test_strings_and_binaries_begin_with_their_prefixes(whole: object, prefix: object, answer: bool) -> None:
    assert holds("begins_with(a, :p)", {"a": whole}, p=prefix) is answer
    assert holds("begins_with(a, p)", {"a": whole, "p": prefix}) is answer


@pytest.mark.parametrize("value", [1, None, ["a"], {"a"}, {"a": 1}])
def test_other_types_begin_with_nothing(value: object) -> None:
    assert not holds("begins_with(a, b)", {"a": value, "b": "a"})
    assert not holds("begins_with(b, a)", {"a": value, "b": "a"})


@pytest.mark.parametrize(
    ("whole", "part", "answer"),
    [
        ("hello", "ell", True),
        ("hello", "", True),
        ("hello", b"ell", False),
        ("12", 1, False),
        (b"hello", b"ell", True),
        (b"\x01", 1, False),
        ({"a", "b"}, "a", True),
        ({"ab"}, "a", False),
        ({1, Decimal("2.5")}, Decimal("2.50"), True),
        ({1}, True, False),
        ({1}, "1", False),
        ({b"a"}, b"a", True),
        ({1, 2}, {1}, False),
        (["a", 1], 1, True),
        ([True], 1, False),
        ([[3, 4], {1, 2}], [3, 4], True),
        ([[3, 4], {1, 2}], {2, 1}, True),
        ([None], None, True),
        ({"a": 1}, "a", False),
        (123, 2, False),
    ],
)
def test_contains_looks_for_a_part_or_an_element(whole: object, part: object, answer: bool) -> None:
    assert holds("contains(a, :p)", {"a": whole}, p=part) is answer


def test_nothing_contains_what_is_missing() -> None:
    assert not holds("contains(a, b)", {"a": ["x"]})
    assert not holds("contains(b, a)", {"a": "x"})


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("", 0),
        ("abc", 3),
        ("größe", 5),
        ("a\U0001f600", 3),
        (b"abc", 3),
        ([1, [2]], 2),
        ({"a": {"b": 1}}, 1),
        ({1, 2, 3}, 3),
    ],
)
def test_a_size_counts_characters_bytes_or_elements(value: object, size: int) -> None:
    assert holds("size(a) = :n", {"a": value}, n=size)


@pytest.mark.parametrize("item", [{"a": 5}, {"a": True}, {"a": None}, {}])
def test_what_has_no_size_counts_as_missing(item: dict[str, object]) -> None:
    assert not holds("size(a) >= :n", item, n=0)
    assert holds("size(a) <> :n", item, n=0)


def test_a_size_may_be_taken_of_a_value_and_compared_with_one() -> None:
    assert holds("size(a) = size(:v)", {"a": [1, 2]}, v="xy")
    assert holds("n BETWEEN size(a) AND size(b)", {"n": 2, "a": "x", "b": "xyz"})


# Paths


NESTED: dict[str, object] = {"a": {"b": [10, {"c": "x"}]}, "a.b": "dotted"}


@pytest.mark.parametrize(
    ("path", "value"), [("a.b[0]", 10), ("a.b[1].c", "x"), ("#a.#b[1].#c", "x"), ("#dot", "dotted")]
)
def test_a_path_leads_into_maps_and_lists(path: str, value: object) -> None:
    names = {"#a": "a", "#b": "b", "#c": "c", "#dot": "a.b"}
    assert condition(f"{path} = :v", names, v=value).holds(NESTED)


@pytest.mark.parametrize("path", ["a.x", "a.b[2]", "a.b.c", "a[0]", "a.b[0].c", "x.y", "a.b[1].c[0]"])
def test_a_path_that_leads_nowhere_is_missing(path: str) -> None:
    assert holds(f"attribute_not_exists({path})", NESTED)


def test_a_placeholder_is_one_part_whatever_it_holds() -> None:
    assert not condition("attribute_exists(#p)", {"#p": "a.b[0]"}).holds(NESTED)


# Logic


@pytest.mark.parametrize("a", [0, 1])
@pytest.mark.parametrize("b", [0, 1])
@pytest.mark.parametrize("c", [0, 1])
def test_logic_follows_precedence(a: int, b: int, c: int) -> None:
    item: dict[str, object] = {"a": a, "b": b, "c": c}
    assert holds("NOT a = :v OR b = :v AND c = :v", item, v=1) is bool(not a or (b and c))
    assert holds("(a = :v OR b = :v) AND NOT c = :v", item, v=1) is bool((a or b) and not c)
    assert holds("NOT (a = :v AND b = :v AND c = :v)", item, v=1) is not (a and b and c)


def test_299_nested_nots_evaluate() -> None:
    depth = EXPRESSION_OPERATORS_MAX - 1
    text = "NOT(" * depth + "a = :v" + ")" * depth
    assert holds(text, {"a": 2}, v=1) is (depth % 2 == 1)


def test_an_item_that_does_not_exist_is_empty() -> None:
    assert holds("attribute_not_exists(icao)", {})


# What a request can ask of it


def test_one_condition_serves_many_items() -> None:
    above = condition("elevation > :e", e=100)
    assert [above.holds({"elevation": e}) for e in (50, 100, 150)] == [False, False, True]


def test_the_attributes_it_looks_at_are_known() -> None:
    found = condition("#a.b[0] > :v AND (size(c) = d OR contains(#e, :v))", {"#a": "x.y", "#e": "e"}, v="x")
    assert found.top_level_names == {"x.y", "c", "d", "e"}
