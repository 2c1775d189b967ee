"""Which names and values a condition accepts, and in which words it refuses others."""

from __future__ import annotations

import pytest

from kvdb.errors import ValidationError
from kvdb.expr.checks import Needs, leaves, paths_of
from kvdb.expr.names import Placeholders
from kvdb.expr.nodes import Call, Comparison, Path, Value
from kvdb.expr.parser import parse_condition

EVERY_TYPE = {
    "S": "S",
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


def check(text: str, names: dict[str, str] | None = None, **values: object) -> None:
    placeholders = Placeholders(names, {f":{name}": value for name, value in values.items()} or None)
    Needs(parse_condition(text, "FilterExpression"), "FilterExpression").check(placeholders.table)


def refusal(text: str, names: dict[str, str] | None = None, **values: object) -> str:
    with pytest.raises(ValidationError) as caught:
        check(text, names, **values)
    prefix = "Invalid FilterExpression: "
    assert caught.value.message.startswith(prefix)
    return caught.value.message.removeprefix(prefix)


def types_refused(text: str, operator: str) -> set[str]:
    """The types that ``:v`` may not have in ``text``."""
    refused = set()
    for name, value in EVERY_TYPE.items():
        try:
            check(text, v=value)
        except ValidationError as error:
            fault = f"operator or function: {operator}, operand type: {name}"
            expected = f"Incorrect operand type for operator or function; {fault}"
            assert error.message == f"Invalid FilterExpression: {expected}"
            refused.add(name)
    return refused


# Defined and used


def test_an_undefined_name_is_refused() -> None:
    message = "An expression attribute name used in the document path is not defined; attribute name: #b"
    assert refusal("a.#b = :v", v=1) == message
    assert refusal("a.#b = :v", {"#a": "a"}, v=1) == message


def test_an_undefined_value_is_refused() -> None:
    message = "An expression attribute value used in expression is not defined; attribute value: :w"
    assert refusal("a = :w", v=1) == message
    assert refusal("size(:w) > :v", v=1) == message


def test_the_leftmost_undefined_placeholder_is_reported() -> None:
    assert refusal("contains(#a, :v) OR #b = :w").endswith("attribute name: #a")
    assert refusal(":v = #a").endswith("attribute value: :v")


@pytest.mark.parametrize("text", ["size(#a) BETWEEN :v AND :w", "#a = :v OR b = :w"])
def test_what_is_inside_a_call_or_may_never_be_asked_counts_as_used(text: str) -> None:
    needs = Needs(parse_condition(text, "FilterExpression"), "FilterExpression")
    assert needs.placeholders == {"#a", ":v", ":w"}


# Operand counts and paths


@pytest.mark.parametrize(
    ("text", "function", "count"),
    [
        ("attribute_exists(a, b)", "attribute_exists", 2),
        ("attribute_not_exists(a, b)", "attribute_not_exists", 2),
        ("attribute_type(a)", "attribute_type", 1),
        ("begins_with(a)", "begins_with", 1),
        ("begins_with(a, size(b), c)", "begins_with", 3),
        ("contains(a)", "contains", 1),
        ("size(a, b) > c", "size", 2),
    ],
)
def test_a_function_takes_so_many_operands(text: str, function: str, count: int) -> None:
    assert refusal(text) == (
        "Incorrect number of operands for operator or function; "
        f"operator or function: {function}, number of operands: {count}"
    )


@pytest.mark.parametrize("function", ["attribute_exists", "attribute_not_exists"])
def test_whether_it_exists_is_asked_of_paths_only(function: str) -> None:
    message = f"Operator or function requires a document path; operator or function: {function}"
    assert refusal(f"{function}(:v)", v="x") == message
    assert refusal(f"{function}(size(:v))", v="x") == message


def test_the_type_of_a_value_may_be_asked_though_it_is_known() -> None:
    check("attribute_type(:v, :t)", v=1, t="N")
    assert refusal("attribute_type(size(a), :t)", t="N").startswith(
        "Operator or function requires a document"
    )


@pytest.mark.parametrize(
    ("text", "operator", "first"),
    [
        ("a = a", "=", "[a]"),
        ("#a <> a", "<>", "[a]"),
        ("a.b[0].#a > #a.b[0].a", ">", "[a, b, [0], a]"),
        ("contains(a, #a)", "contains", "[a]"),
        ("begins_with(a, a)", "begins_with", "[a]"),
        ("attribute_type(a, a)", "attribute_type", "[a]"),
        ("a BETWEEN b AND a", "BETWEEN", "[a]"),
        ("a IN (b, c, a)", "IN", "[a]"),
    ],
)
def test_the_first_operand_is_no_other_operand(text: str, operator: str, first: str) -> None:
    assert refusal(text, {"#a": "a"}) == (
        "The first operand must be distinct from the remaining operands for this operator or function; "
        f"operator: {operator}, first operand: {first}"
    )


def test_a_value_may_be_compared_with_itself() -> None:
    check(":v = :v", v=1)


def test_operands_that_differ_by_name_only_in_this_request_are_distinct() -> None:
    check("contains(a, #a)", {"#a": "b"})


# Operand types


@pytest.mark.parametrize("comparator", ["<", "<=", ">", ">="])
def test_only_strings_numbers_and_binaries_have_an_order(comparator: str) -> None:
    unordered = EVERY_TYPE.keys() - {"S", "N", "B"}
    assert types_refused(f"a {comparator} :v", comparator) == unordered
    assert types_refused(f":v {comparator} a", comparator) == unordered


def test_a_range_has_an_order_too() -> None:
    unordered = EVERY_TYPE.keys() - {"S", "N", "B"}
    assert types_refused("a BETWEEN b AND :v", "BETWEEN") == unordered
    assert types_refused(":v BETWEEN a AND b", "BETWEEN") == unordered


@pytest.mark.parametrize("text", ["a = :v", ":v <> a", "a IN (:v)", "contains(a, :v)", "contains(:v, a)"])
def test_equality_is_asked_of_any_type(text: str) -> None:
    assert types_refused(text, "") == set()


def test_only_strings_and_binaries_begin_with_something() -> None:
    others = EVERY_TYPE.keys() - {"S", "B"}
    assert types_refused("begins_with(a, :v)", "begins_with") == others
    assert types_refused("begins_with(:v, a)", "begins_with") == others


def test_numbers_booleans_and_nulls_have_no_size() -> None:
    assert types_refused("size(:v) = a", "size") == {"N", "BOOL", "NULL"}


def test_a_size_is_a_number() -> None:
    prefix = "Incorrect operand type for operator or function; operator or function: "
    assert refusal("size(size(a)) > b") == prefix + "size, operand type: N"
    assert refusal("begins_with(a, size(b))") == prefix + "begins_with, operand type: N"
    assert refusal("attribute_type(a, size(b))") == prefix + "attribute_type, operand type: N"
    check("size(a) > :v", v=1)


def test_the_name_of_a_type_is_a_string_value() -> None:
    assert types_refused("attribute_type(a, :v)", "attribute_type") == EVERY_TYPE.keys() - {"S"}
    assert refusal("attribute_type(a, b)") == (
        "Incorrect operand type for operator or function; operator or function: attribute_type, "
        "operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}"
    )


@pytest.mark.parametrize("name", ["s", "STRING", "", "1"])
def test_the_name_of_a_type_is_one_of_ten(name: str) -> None:
    assert refusal("attribute_type(a, :v)", v=name) == (
        f"Invalid attribute type name found; type: {name}, valid types: {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}"
    )


@pytest.mark.parametrize("name", list(EVERY_TYPE))
def test_each_type_has_a_name(name: str) -> None:
    check("attribute_type(a, :v)", v=name)


# Ranges and lists


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (2, 1, ("N:2", "N:1")),
        ("b", "a", ("S:b", "S:a")),
        (b"b", b"a", ("B:Yg==", "B:YQ==")),
        ("\U00010000", "\uffff", ("S:\U00010000", "S:\uffff")),
    ],
)
def test_the_bounds_of_a_range_are_in_order(low: object, high: object, shown: tuple[str, str]) -> None:
    assert refusal("a BETWEEN :low AND :high", low=low, high=high) == (
        "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
        f"lower bound operand: AttributeValue: {{{shown[0]}}}, "
        f"upper bound operand: AttributeValue: {{{shown[1]}}}"
    )


def test_the_bounds_of_a_range_have_one_type() -> None:
    assert refusal("a BETWEEN :low AND :high", low=1, high="a") == (
        "The BETWEEN operator requires same data type for lower and upper bounds; "
        "lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:a}"
    )


def test_equal_bounds_and_bounds_from_the_item_are_accepted() -> None:
    check("a BETWEEN :low AND :high", low=1, high=1)
    check("a BETWEEN b AND :high", high=1)


def test_in_takes_at_most_100_operands() -> None:
    check(f"a IN ({','.join(['b'] * 100)})")
    message = "The IN operator is provided with too many operands; number of operands: 101"
    assert refusal(f"a IN ({','.join(['b'] * 101)})") == message


# Several faults


def test_the_first_leaf_with_a_fault_decides() -> None:
    assert refusal("a = a AND b = :v").startswith("The first operand must be distinct")
    assert refusal("a = :v AND b = b").startswith("An expression attribute value")


def test_within_a_leaf_the_service_has_an_order() -> None:
    assert refusal("attribute_exists(#a, :v)").endswith("attribute name: #a")
    assert refusal("attribute_type(a, a, :v)", v=1).startswith("Incorrect number of operands")
    assert refusal("attribute_type(a, a)").startswith("The first operand must be distinct")
    assert refusal("attribute_not_exists(size(:v))", v=1).endswith("function: size, operand type: N")


def test_leaves_come_in_the_order_written() -> None:
    tree = parse_condition("NOT (a = :v OR contains(b, :v)) AND c = :v", "FilterExpression")
    assert list(leaves(tree)) == [
        Comparison("=", Path(("a",)), Value(":v")),
        Call("contains", (Path(("b",)), Value(":v"))),
        Comparison("=", Path(("c",)), Value(":v")),
    ]


def test_paths_inside_calls_are_found() -> None:
    (leaf,) = leaves(parse_condition("size(a.b) BETWEEN c AND size(d)", "FilterExpression"))
    assert paths_of(leaf) == [Path(("a", "b")), Path(("c",)), Path(("d",))]
