"""Which part of a table a key condition reads."""

from __future__ import annotations

import pytest

from kvdb.errors import ValidationError
from kvdb.expr.compiler import KeyCondition, Placeholders, SortBound, compile_key_condition

VALUES: dict[str, object] = {":p": "IS", ":s": "BI", ":t": "CI", ":n": 1}


def compiled(text: str, sort_name: str | None = "s", names: dict[str, str] | None = None) -> KeyCondition:
    sort_names = () if sort_name is None else (sort_name,)
    return compile_key_condition(text, Placeholders(names, VALUES), ("p",), sort_names)


def one(value: object, sort: SortBound | None) -> KeyCondition:
    """On a key of one HASH and at most one RANGE attribute."""
    return KeyCondition((value,), (), sort)


def refusal(text: str, sort_name: str | None = "s", names: dict[str, str] | None = None) -> str:
    with pytest.raises(ValidationError) as caught:
        compiled(text, sort_name, names)
    return caught.value.message


def test_the_partition_alone_reads_all_of_it() -> None:
    assert compiled("p = :p") == one("IS", None)
    assert compiled("p = :p", sort_name=None) == one("IS", None)


@pytest.mark.parametrize("op", ["=", "<", "<=", ">", ">="])
def test_the_sort_key_takes_each_comparison(op: str) -> None:
    assert compiled(f"p = :p AND s {op} :s") == one("IS", SortBound(op, ("BI",)))


def test_the_sort_key_takes_a_range() -> None:
    assert compiled("p = :p AND s BETWEEN :s AND :t").sort == SortBound("BETWEEN", ("BI", "CI"))


def test_the_sort_key_takes_a_prefix() -> None:
    assert compiled("p = :p AND begins_with(s, :s)").sort == SortBound("begins_with", ("BI",))


@pytest.mark.parametrize(
    ("written", "meant"), [("=", "="), ("<", ">"), ("<=", ">="), (">", "<"), (">=", "<=")]
)
def test_a_value_on_the_left_turns_the_comparison_round(written: str, meant: str) -> None:
    assert compiled(f":p = p AND :s {written} s") == one("IS", SortBound(meant, ("BI",)))


@pytest.mark.parametrize(
    "text", ["s < :s AND p = :p", "(p = :p AND s < :s)", "(p = :p) AND (s < :s)", "p = (:p) and (s) < :s"]
)
def test_order_and_parentheses_do_not_matter(text: str) -> None:
    assert compiled(text) == one("IS", SortBound("<", ("BI",)))


def test_key_attributes_may_have_placeholders() -> None:
    names = {"#p": "p", "#s": "s"}
    assert compiled("#p = :p AND #s < :s", names=names) == one("IS", SortBound("<", ("BI",)))


def test_values_are_normalised_and_of_whatever_type() -> None:
    assert compiled("p = :n").partition_values == (1,)


def test_placeholders_count_as_used() -> None:
    placeholders = Placeholders({"#p": "p"}, {":p": 1, ":s": 2})
    compile_key_condition("#p = :p AND s > :s", placeholders, ("p",), ("s",))
    placeholders.check_all_used()


# Not a condition on this key


@pytest.mark.parametrize(
    ("text", "missing"),
    [("s = :s", "p"), ("x = :s", "p"), ("x = :p AND s = :s", "p"), ("p = :p AND x = :s", "s")],
)
def test_the_key_attributes_must_be_named(text: str, missing: str) -> None:
    assert refusal(text) == f"Query condition missed key schema element: {missing}"


@pytest.mark.parametrize("text", ["p > :p", "p BETWEEN :s AND :t", "begins_with(p, :p)", "p < :p AND s = :s"])
def test_the_partition_is_named_by_equality(text: str) -> None:
    assert refusal(text) == "Query key condition not supported"


def test_a_key_without_sort_attribute_takes_one_test() -> None:
    assert refusal("p = :p AND s = :s", sort_name=None) == "Query key condition not supported"


def test_two_tests_are_the_most() -> None:
    assert refusal("p = :p AND s = :s AND x = :t") == "Conditions can be of length 1 or 2 only"


@pytest.mark.parametrize("text", ["p = :p AND p = :s", "p = :p AND s > :s AND s < :t", "p = :p AND #p = :p"])
def test_an_attribute_is_tested_once(text: str) -> None:
    names = {"#p": "p"} if "#p" in text else None
    message = "KeyConditionExpressions must only contain one condition per key"
    assert refusal(text, names=names) == message


@pytest.mark.parametrize(
    ("text", "operator"),
    [
        ("p = :p OR s = :s", "OR"),
        ("NOT p = :p", "NOT"),
        ("p = :p AND NOT s = :s", "NOT"),
        ("p IN (:p)", "IN"),
        ("p <> :p", "<>"),
        ("attribute_exists(p)", "attribute_exists"),
        ("p = :p AND contains(s, :s)", "contains"),
        ("p = :p AND attribute_not_exists(s)", "attribute_not_exists"),
    ],
)
def test_other_operators_are_refused(text: str, operator: str) -> None:
    assert refusal(text) == f"Invalid operator used in KeyConditionExpression: {operator}"


@pytest.mark.parametrize(
    ("text", "operator"), [(":s BETWEEN s AND p", "BETWEEN"), ("begins_with(:s, s)", "begins_with")]
)
def test_ranges_and_prefixes_name_the_key_first(text: str, operator: str) -> None:
    assert refusal(text) == (
        f"Invalid condition in KeyConditionExpression: {operator} operator "
        "must have the key attribute as its first operand"
    )


@pytest.mark.parametrize("text", ["size(p) = :n", "p = size(s)", "p BETWEEN size(s) AND size(x)"])
def test_sizes_are_refused(text: str) -> None:
    assert refusal(text) == "KeyConditionExpressions cannot contain nested operations"


@pytest.mark.parametrize("text", ["p = s", "p BETWEEN s AND :s", "begins_with(p, s)", "p > s.x"])
def test_a_test_names_one_attribute(text: str) -> None:
    assert refusal(text) == (
        "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"
    )


@pytest.mark.parametrize("text", ["p.x = :p", "p[0] = :p", ":p = p.x"])
def test_a_key_attribute_is_not_looked_into(text: str) -> None:
    assert refusal(text) == (
        "Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes"
    )


def test_a_test_names_an_attribute() -> None:
    message = "Invalid condition in KeyConditionExpression: No key attribute specified"
    assert refusal(":p = :s") == message


# Faults of any condition


def test_the_grammar_is_that_of_any_condition() -> None:
    assert refusal("p ==") == 'Invalid KeyConditionExpression: Syntax error; token: "=", near: "=="'
    assert refusal("") == "Invalid KeyConditionExpression: The expression can not be empty;"
    assert refusal("((p = :p))") == (
        "Invalid KeyConditionExpression: The expression has redundant parentheses;"
    )


def test_undefined_placeholders_come_before_the_rules_on_keys() -> None:
    assert refusal("p = :x OR s = :s") == (
        "Invalid KeyConditionExpression: An expression attribute value used in expression is not defined; "
        "attribute value: :x"
    )


def test_operands_are_checked_as_in_any_condition() -> None:
    assert refusal("p = :p AND s BETWEEN :t AND :s").startswith(
        "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater"
    )
    assert refusal("p = :p AND begins_with(s, :n)") == (
        "Invalid KeyConditionExpression: Incorrect operand type for operator or function; "
        "operator or function: begins_with, operand type: N"
    )


# Keys of more than two attributes.

MANY: dict[str, object] = {f":{letter}": letter for letter in "abcdxyz"}


def composite(text: str) -> KeyCondition:
    return compile_key_condition(text, Placeholders(None, MANY), ("h", "i"), ("r", "s", "t"))


def composite_refusal(text: str) -> str:
    with pytest.raises(ValidationError) as caught:
        composite(text)
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("h = :a AND i = :b", KeyCondition(("a", "b"), (), None)),
        ("i = :b AND h = :a", KeyCondition(("a", "b"), (), None)),
        ("h = :a AND i = :b AND r = :x", KeyCondition(("a", "b"), (), SortBound("=", ("x",)))),
        ("r > :x AND h = :a AND i = :b", KeyCondition(("a", "b"), (), SortBound(">", ("x",)))),
        (
            "h = :a AND i = :b AND s < :y AND r = :x",
            KeyCondition(("a", "b"), ("x",), SortBound("<", ("y",))),
        ),
        (
            "h = :a AND i = :b AND r = :x AND s = :y AND t BETWEEN :c AND :d",
            KeyCondition(("a", "b"), ("x", "y"), SortBound("BETWEEN", ("c", "d"))),
        ),
    ],
)
def test_a_key_of_many_attributes_is_tested_from_the_left(text: str, expected: KeyCondition) -> None:
    assert composite(text) == expected


@pytest.mark.parametrize(
    ("text", "wanting"),
    [
        ("h = :a", "i"),
        ("r = :x", "h, i"),
        ("h = :a AND i > :b", "i"),
        ("h BETWEEN :a AND :b AND i = :b", "h"),
    ],
)
def test_every_hash_attribute_needs_equality(text: str, wanting: str) -> None:
    assert composite_refusal(text) == (
        f"HASH key attributes {wanting} must have equality conditions specified in the query"
    )


@pytest.mark.parametrize(
    ("test", "earlier", "later"),
    [
        ("s = :y", "r", "s"),
        ("r = :x AND t = :z", "s", "t"),
        ("r > :x AND s = :y", "r", "s"),
        ("r < :x AND s > :y", "r", "s"),
        ("begins_with(r, :x) AND s = :y", "r", "s"),
        ("t = :z", "r", "t"),
    ],
)
def test_range_attributes_leave_no_gap_and_only_the_last_may_be_unequal(
    test: str, earlier: str, later: str
) -> None:
    assert composite_refusal(f"h = :a AND i = :b AND {test}") == (
        f"RANGE key attributes {earlier} must have equality conditions specified in the query "
        f"because a condition is present on key attribute {later}"
    )


def test_two_hash_attributes_alone_are_a_key_of_many() -> None:
    values = Placeholders(None, {":a": "a", ":b": "b"})
    condition = compile_key_condition("h = :a AND i = :b", values, ("h", "i"), ())
    assert condition == KeyCondition(("a", "b"), (), None)


def test_other_attributes_do_not_belong_into_a_key_condition() -> None:
    assert composite_refusal("h = :a AND i = :b AND v = :x") == "Query key condition not supported"
