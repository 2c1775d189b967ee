"""Parameters of before 2014 mean what the expressions mean, and are refused in their own words."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import pytest

from kvdb.api.items import AttributeValueUpdate, ExpectedAttributeValue, LegacyCondition
from kvdb.errors import ValidationError
from kvdb.expr import compiler
from kvdb.table import legacy

Item = dict[str, object]
INVALID = "One or more parameter values were invalid: "
ITEM: Item = {
    "n": 2,
    "s": "hello",
    "b": b"hi there",
    "ns": {2, 4, 7},
    "ss": {"dog", "cat"},
    "l": [2, "x", [1]],
    "m": {"a": 1},
    "nil": None,
    "yes": True,
    "a.b": "dotted",
    "#x": "hash",
}


def passes(name: str, operator: str, *values: object) -> bool:
    condition = legacy.filter_of({name: LegacyCondition(operator, list(values))}, None)  # type: ignore[arg-type]
    assert condition is not None
    return condition.holds(ITEM)


def refusal(operator: str, *values: object) -> str:
    with pytest.raises(ValidationError) as caught:
        passes("n", operator, *values)
    return caught.value.message


# Filters


@pytest.mark.parametrize(
    ("name", "operator", "values", "holds"),
    [
        ("n", "EQ", [2], True),
        ("n", "EQ", ["2"], False),
        ("n", "EQ", [True], False),
        ("ss", "EQ", [{"cat", "dog"}], True),
        ("l", "EQ", [[2, "x", [1]]], True),
        ("m", "EQ", [{"a": 1}], True),
        ("nil", "EQ", [None], True),
        ("yes", "NE", [True], False),
        ("n", "NE", ["2"], True),
        ("gone", "NE", [2], True),
        ("n", "LE", [2], True),
        ("n", "LT", [2], False),
        ("n", "GE", [Decimal("1.5")], True),
        ("s", "GT", ["hell"], True),
        ("b", "LT", [b"hj"], True),
        ("n", "GT", ["0"], False),
        ("gone", "LE", [2], False),
        ("nil", "NOT_NULL", [], True),
        ("gone", "NOT_NULL", [], False),
        ("gone", "NULL", [], True),
        ("nil", "NULL", [], False),
        ("s", "CONTAINS", ["ell"], True),
        ("b", "CONTAINS", [b"here"], True),
        ("ns", "CONTAINS", [4], True),
        ("l", "CONTAINS", ["x"], True),
        ("s", "CONTAINS", [1], False),
        ("gone", "CONTAINS", [1], False),
        ("s", "NOT_CONTAINS", ["dog"], True),
        ("s", "NOT_CONTAINS", [1], True),
        ("ns", "NOT_CONTAINS", [4], False),
        ("gone", "NOT_CONTAINS", [1], False),
        ("s", "BEGINS_WITH", ["hel"], True),
        ("b", "BEGINS_WITH", [b"hi"], True),
        ("n", "BEGINS_WITH", ["2"], False),
        ("n", "IN", [1, 2, 3], True),
        ("n", "IN", ["2"], False),
        ("ns", "IN", [2, 4, 7], False),
        ("gone", "IN", [2], False),
        ("n", "BETWEEN", [2, 3], True),
        ("n", "BETWEEN", [0, 1], False),
        ("s", "BETWEEN", ["a", "z"], True),
        ("n", "BETWEEN", ["a", "z"], False),
        ("gone", "BETWEEN", [0, 9], False),
        ("a.b", "EQ", ["dotted"], True),
        ("#x", "EQ", ["hash"], True),
    ],
)
def test_each_operator_means_what_the_service_says(
    name: str, operator: str, values: list[object], holds: bool
) -> None:
    assert passes(name, operator, *values) is holds


ONE = ("EQ", "NE", "LE", "LT", "GE", "GT", "CONTAINS", "NOT_CONTAINS", "BEGINS_WITH")


@pytest.mark.parametrize(
    ("operator", "values"),
    [
        *((operator, values) for operator in ONE for values in ([], ["a", "b"])),
        *((operator, ["a"]) for operator in ("NULL", "NOT_NULL", "BETWEEN")),
        ("BETWEEN", ["a", "b", "c"]),
        ("IN", []),
    ],
)
def test_each_operator_takes_so_many_values(operator: str, values: list[object]) -> None:
    assert refusal(operator, *values) == (
        f"{INVALID}Invalid number of argument(s) for the {operator} ComparisonOperator"
    )


ORDERED = ("LE", "LT", "GE", "GT", "CONTAINS", "NOT_CONTAINS", "IN")


@pytest.mark.parametrize(
    ("operator", "value", "kind"),
    [
        *(
            (operator, value, kind)
            for operator in (*ORDERED, "BEGINS_WITH")
            for value, kind in (({1}, "NS"), ([1], "L"), ({"a": 1}, "M"), (True, "BOOL"), (None, "NULL"))
        ),
        ("BEGINS_WITH", 1, "N"),
    ],
)
def test_each_operator_takes_such_types(operator: str, value: object, kind: str) -> None:
    assert refusal(operator, value) == (
        f"{INVALID}ComparisonOperator {operator} is not valid for {kind} AttributeValue type"
    )


def test_values_of_one_test_are_of_one_type_and_bounds_in_order() -> None:
    mixed = f"{INVALID}AttributeValues inside AttributeValueList must be of same type"
    assert refusal("IN", 1, "a") == mixed
    assert refusal("BETWEEN", 1, "a") == mixed
    order = "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
    assert refusal("BETWEEN", 2, 1) == order
    assert refusal("BETWEEN", "b", "a") == order
    assert refusal("BETWEEN", b"b", b"a") == order
    assert refusal("BETWEEN", {1}, {2}).endswith("is not valid for NS AttributeValue type")


def test_a_value_is_refused_in_the_words_of_values() -> None:
    assert refusal("EQ", set()) == f"{INVALID}An string set  may not be empty"


@pytest.mark.parametrize(("operator", "holds"), [(None, False), ("AND", False), ("OR", True)])
def test_tests_are_joined_by_and_unless_asked_for_or(
    operator: Literal["AND", "OR"] | None, holds: bool
) -> None:
    tests = {"n": LegacyCondition("EQ", [2]), "s": LegacyCondition("EQ", ["other"])}
    condition = legacy.filter_of(tests, operator)
    assert condition is not None
    assert condition.holds(ITEM) is holds
    assert condition.top_level_names == {"n", "s"}
    assert condition.nested_names == frozenset()


def test_without_tests_there_is_no_condition() -> None:
    assert legacy.filter_of({}, None) is None
    assert legacy.condition_of({}, None) is None


def test_requests_of_one_shape_share_what_is_compiled() -> None:
    before = compiler._tree_program.cache_info().misses
    for value in range(5):
        legacy.filter_of({f"shared{value}": LegacyCondition("BETWEEN", [value, value])}, None)
    assert compiler._tree_program.cache_info().misses <= before + 1


def test_what_no_text_bounds_is_not_kept() -> None:
    before = compiler._tree_program.cache_info().currsize
    many = {f"a{number}": LegacyCondition("NULL") for number in range(compiler.TREE_PLACEHOLDERS_MAX + 1)}
    condition = legacy.filter_of(many, None)
    assert condition is not None
    assert condition.holds({})
    assert compiler._tree_program.cache_info().currsize == before


# Expected


def expects(**test: object) -> bool:
    condition = legacy.condition_of({"n": ExpectedAttributeValue(**test)}, None)  # type: ignore[arg-type]
    assert condition is not None
    return condition.holds(ITEM)


def test_a_value_is_expected_to_be_there() -> None:
    assert expects(value=2, has_value=True)
    assert expects(value=2, has_value=True, exists=True)
    assert not expects(value=3, has_value=True)
    assert not expects(value=None, has_value=True)
    assert not expects(exists=False)
    gone = legacy.condition_of({"gone": ExpectedAttributeValue(exists=False)}, None)
    assert gone is not None
    assert gone.holds(ITEM)


def test_an_operator_takes_a_value_or_a_list() -> None:
    assert expects(comparison_operator="GE", value=2, has_value=True)
    assert expects(comparison_operator="GE", attribute_value_list=[2])
    assert expects(comparison_operator="NOT_NULL")
    assert not expects(comparison_operator="NULL", attribute_value_list=[])


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ({}, "Value must be provided when Exists is null for Attribute: n"),
        ({"exists": True}, "Value must be provided when Exists is true for Attribute: n"),
        (
            {"exists": False, "value": 1, "has_value": True},
            "Value cannot be used when Exists is false for Attribute: n",
        ),
        (
            {"value": 1, "has_value": True, "attribute_value_list": [1]},
            "Value and AttributeValueList cannot be used together for Attribute: n",
        ),
        (
            {"attribute_value_list": [1]},
            "AttributeValueList can only be used with a ComparisonOperator for Attribute: n",
        ),
        (
            {"exists": False, "comparison_operator": "EQ", "attribute_value_list": [1]},
            "Exists and ComparisonOperator cannot be used together for Attribute: n",
        ),
        (
            {"comparison_operator": "EQ"},
            "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: n",
        ),
        (
            {"comparison_operator": "EQ", "attribute_value_list": [1, 2]},
            "Invalid number of argument(s) for the EQ ComparisonOperator",
        ),
        (
            {"comparison_operator": "CONTAINS", "attribute_value_list": [[1]]},
            "ComparisonOperator CONTAINS is not valid for L AttributeValue type",
        ),
    ],
)
def test_what_excludes_what_in_a_test(test: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        expects(**test)
    assert caught.value.message == f"{INVALID}{message}"


# KeyConditions


def key_refusal(conditions: dict[str, LegacyCondition], *range_names: str) -> str:
    with pytest.raises(ValidationError) as caught:
        legacy.key_condition_of(conditions, ("p",), range_names)
    return caught.value.message


def test_key_conditions_read_a_part_of_a_partition() -> None:
    partition = {"p": LegacyCondition("EQ", ["x"])}
    whole = legacy.key_condition_of(partition, ("p",), ("s",))
    assert (whole.partition_values, whole.sort) == (("x",), None)
    for operator, op in (("LT", "<"), ("LE", "<="), ("GT", ">"), ("GE", ">="), ("EQ", "=")):
        found = legacy.key_condition_of(
            {"s": LegacyCondition(operator, [1]), **partition},  # type: ignore[arg-type]
            ("p",),
            ("s",),
        )
        assert found.sort is not None
        assert (found.sort.op, found.sort.operands) == (op, (1,))
    between = legacy.key_condition_of(
        {**partition, "s": LegacyCondition("BETWEEN", [1, 2])}, ("p",), ("s",)
    ).sort
    assert between is not None
    assert (between.op, between.operands) == ("BETWEEN", (1, 2))
    prefix = legacy.key_condition_of(
        {**partition, "s": LegacyCondition("BEGINS_WITH", ["a"])}, ("p",), ("s",)
    ).sort
    assert prefix is not None
    assert (prefix.op, prefix.operands) == ("begins_with", ("a",))


def test_key_conditions_know_several_key_attributes() -> None:
    equal = LegacyCondition("EQ", [1])
    conditions = {"r1": equal, "h2": equal, "h1": equal, "r2": LegacyCondition("GT", [5])}
    found = legacy.key_condition_of(conditions, ("h1", "h2"), ("r1", "r2", "r3"))
    assert found.partition_values == (1, 1)
    assert found.sort_values == (1,)
    assert found.sort is not None
    assert (found.sort.op, found.sort.operands) == (">", (5,))


def test_what_is_no_key_condition_is_refused() -> None:
    equal = LegacyCondition("EQ", [1])
    assert key_refusal({}) == "Conditions can be of length 1 or 2 only"
    assert key_refusal({"p": equal, "s": equal, "t": equal}, "s") == "Conditions can be of length 1 or 2 only"
    assert key_refusal({"s": equal}, "s") == "Query condition missed key schema element: p"
    assert key_refusal({"p": equal, "t": equal}, "s") == "Query condition missed key schema element: s"
    assert key_refusal({"p": equal, "t": equal}) == "Query key condition not supported"
    for operator in ("LE", "LT", "GE", "GT"):
        test = LegacyCondition(operator, [1])  # type: ignore[arg-type]
        assert key_refusal({"p": test}) == "Query key condition not supported"
    for operator, values in (("NE", [1]), ("IN", [1]), ("CONTAINS", [1]), ("NULL", []), ("NOT_NULL", [])):
        test = LegacyCondition(operator, values)  # type: ignore[arg-type]
        message = "Attempted conditional constraint is not an indexable operation"
        assert key_refusal({"p": test}) == message
        assert key_refusal({"p": equal, "s": test}, "s") == message
    assert key_refusal({"p": LegacyCondition("EQ", [])}).startswith(f"{INVALID}Invalid number of argument(s)")


# AttributeUpdates


def change(action: str, *value: object) -> AttributeValueUpdate:
    return AttributeValueUpdate(action, *value, has_value=bool(value))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        (change("PUT", 1), {}, {"a": 1}),
        (change("PUT", None), {"a": 1}, {"a": None}),
        (change("ADD", 3), {}, {"a": 3}),
        (change("ADD", -3), {"a": 1}, {"a": -2}),
        (change("ADD", {"x"}), {}, {"a": {"x"}}),
        (change("ADD", {"x", "y"}), {"a": {"y", "z"}}, {"a": {"x", "y", "z"}}),
        (change("ADD", [1]), {}, {"a": [1]}),
        (change("ADD", [1]), {"a": [1]}, {"a": [1, 1]}),
        (change("DELETE"), {"a": 1}, {}),
        (change("DELETE"), {}, {}),
        (change("DELETE", {"x"}), {"a": {"x", "y"}}, {"a": {"y"}}),
        (change("DELETE", {"x"}), {"a": {"x"}}, {}),
        (change("DELETE", {"x"}), {}, {}),
    ],
)
def test_each_action_does_what_it_says(action: AttributeValueUpdate, before: Item, after: Item) -> None:
    update = legacy.update_of({"a": action})
    item = {"p": 1, **before}
    assert update.applied_to(item) == {"p": 1, **after}
    assert item == {"p": 1, **before}
    assert update.top_level_names == {"a"}


@pytest.mark.parametrize(
    ("action", "present"),
    [
        (change("ADD", 1), "x"),
        (change("ADD", 1), {1}),
        (change("ADD", {1}), {"x"}),
        (change("ADD", {1}), 1),
        (change("ADD", [1]), {1}),
        (change("DELETE", {1}), {"x"}),
        (change("DELETE", {1}), [1]),
    ],
)
def test_an_action_meets_a_value_of_its_own_type(action: AttributeValueUpdate, present: object) -> None:
    with pytest.raises(ValidationError) as caught:
        legacy.update_of({"a": action}).applied_to({"a": present})
    assert caught.value.message == "Type mismatch for attribute to update"


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (change("PUT"), "Only DELETE action is allowed when no attribute value is specified"),
        (change("ADD"), "Only DELETE action is allowed when no attribute value is specified"),
        *(
            (change("DELETE", value), f"DELETE action with value is not supported for the type {kind}")
            for value, kind in (("x", "S"), (1, "N"), (b"x", "B"), (None, "NULL"), (True, "BOOL"))
        ),
        (change("DELETE", {"a": 1}), "DELETE action with value is not supported for the type M"),
        (change("DELETE", [1]), "DELETE action with value is not supported for the type L"),
        *(
            (change("ADD", value), f"ADD action is not supported for the type {kind}")
            for value, kind in (("x", "S"), (b"x", "B"), (None, "NULL"), (True, "BOOL"), ({"a": 1}, "M"))
        ),
    ],
)
def test_what_an_action_does_not_take(action: AttributeValueUpdate, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        legacy.update_of({"a": action})
    assert caught.value.message == f"{INVALID}{message}"


def test_what_an_update_tells_of_itself() -> None:
    update = legacy.update_of({"a.b": change("PUT", 1), "c": change("ADD", [1]), "d": change("DELETE")})
    assert update.paths == (("a.b",), ("c",), ("d",))
    assert (update.set_count, update.remove_count, update.creates) == (2, 1, True)
    assert not legacy.update_of({"d": change("DELETE")}).creates
    nothing = legacy.update_of({})
    assert nothing.creates
    assert nothing.applied_to({"p": 1}) == {"p": 1}
    assert nothing.touched_in({"p": 1}) == {}


# AttributesToGet


def test_attributes_are_kept_whole_and_names_taken_as_they_are() -> None:
    projection = legacy.projection_of(["a.b", "n", "gone"])
    assert projection.applied_to(ITEM) == {"a.b": "dotted", "n": 2}
    assert projection.paths == (("a.b",), ("n",), ("gone",))
