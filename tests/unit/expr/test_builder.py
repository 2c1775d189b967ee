"""Conditions built in Python render to the texts a person would write."""

from __future__ import annotations

import operator

import pytest

from kvdb.errors import ValidationError
from kvdb.expr.builder import Attr, BuiltCondition, Key
from kvdb.expr.compiler import Placeholders, compile_condition
from kvdb.expr.update_builder import Set
from kvdb.limits import EXPRESSION_DEPTH_MAX

A, B, C = (Attr(name).eq(number) for number, name in enumerate("abc"))


def text(condition: BuiltCondition) -> str:
    return condition.render().text


# Tests


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Attr("a").eq(1), "#0 = :0"),
        (Attr("a").ne(1), "#0 <> :0"),
        (Attr("a").lt(1), "#0 < :0"),
        (Attr("a").lte(1), "#0 <= :0"),
        (Attr("a").gt(1), "#0 > :0"),
        (Attr("a").gte(1), "#0 >= :0"),
        (Attr("a").between(1, 2), "#0 BETWEEN :0 AND :1"),
        (Attr("a").is_in([1, 2, 3]), "#0 IN (:0, :1, :2)"),
        (Attr("a").exists(), "attribute_exists(#0)"),
        (Attr("a").not_exists(), "attribute_not_exists(#0)"),
        (Attr("a").begins_with("x"), "begins_with(#0, :0)"),
        (Attr("a").contains("x"), "contains(#0, :0)"),
        (Attr("a").attribute_type("S"), "attribute_type(#0, :0)"),
        (Attr("a").size().gt(3), "size(#0) > :0"),
        (Attr("a").size().between(1, 3), "size(#0) BETWEEN :0 AND :1"),
        (Attr("a").eq(Attr("b")), "#0 = #1"),
        (Attr("a").lt(Attr("b").size()), "#0 < size(#1)"),
    ],
)
def test_each_test_has_its_text(condition: BuiltCondition, expected: str) -> None:
    assert text(condition) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Key("p").eq(1), "#0 = :0"),
        (Key("p").lt(1), "#0 < :0"),
        (Key("p").lte(1), "#0 <= :0"),
        (Key("p").gt(1), "#0 > :0"),
        (Key("p").gte(1), "#0 >= :0"),
        (Key("p").between(1, 2), "#0 BETWEEN :0 AND :1"),
        (Key("p").begins_with("x"), "begins_with(#0, :0)"),
        (Key("p").eq(1) & Key("s").begins_with("x"), "#0 = :0 AND begins_with(#1, :1)"),
    ],
)
def test_each_key_test_has_its_text(condition: BuiltCondition, expected: str) -> None:
    assert text(condition) == expected


def test_names_and_values_come_with_the_text() -> None:
    rendered = (Attr("a.b[2]").gt(5) & Attr("c").is_in(["x", None])).render()
    assert rendered.text == "#0.#1[2] > :0 AND #2 IN (:1, :2)"
    assert rendered.names == {"#0": "a", "#1": "b", "#2": "c"}
    assert rendered.values == {":0": 5, ":1": "x", ":2": None}


def test_a_prefix_keeps_placeholders_apart() -> None:
    rendered = (Attr("a").eq(1) & Attr("b").eq(2)).render("f")
    assert rendered.text == "#f0 = :f0 AND #f1 = :f1"
    assert rendered.names == {"#f0": "a", "#f1": "b"}
    assert rendered.values == {":f0": 1, ":f1": 2}


def test_a_name_keeps_its_placeholder() -> None:
    rendered = (Attr("a").gt(1) & Attr("a.a").lt(2)).render()
    assert rendered.text == "#0 > :0 AND #0.#0 < :1"
    assert rendered.names == {"#0": "a"}


def test_one_shape_has_one_text() -> None:
    assert text(Attr("a").eq(1) | Attr("b").gt("x")) == text(Attr("c.d").eq(2) | Attr("e").gt(3)).replace(
        "#0.#1", "#0"
    ).replace("#2", "#1")
    assert text(Attr("a").eq(1) & Attr("b").gt(2)) == text(Attr("x").eq("y") & Attr("z").gt(None))


def test_rendering_twice_gives_the_same() -> None:
    condition = A & (B | ~C)
    assert condition.render() == condition.render()


@pytest.mark.parametrize("prefix", ["a b", "#", "a" * 33, "é", "a-b", "a\n", 1])
def test_a_prefix_is_letters_digits_and_underscores(prefix: str) -> None:
    with pytest.raises(ValidationError, match="a prefix is at most 32 letters"):
        A.render(prefix)


# Combinations: parentheses exactly where they are needed


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (A & B & C, "#0 = :0 AND #1 = :1 AND #2 = :2"),
        (A & (B & C), "#0 = :0 AND #1 = :1 AND #2 = :2"),
        (A | B | C, "#0 = :0 OR #1 = :1 OR #2 = :2"),
        (A | B & C, "#0 = :0 OR #1 = :1 AND #2 = :2"),
        (A & B | C, "#0 = :0 AND #1 = :1 OR #2 = :2"),
        ((A | B) & C, "(#0 = :0 OR #1 = :1) AND #2 = :2"),
        (A & (B | C), "#0 = :0 AND (#1 = :1 OR #2 = :2)"),
        (~A, "NOT #0 = :0"),
        (~~A, "#0 = :0"),
        (~A & B, "NOT #0 = :0 AND #1 = :1"),
        (~(A & B), "NOT (#0 = :0 AND #1 = :1)"),
        (~(A | B) & C, "NOT (#0 = :0 OR #1 = :1) AND #2 = :2"),
        (~(~A & B), "NOT (NOT #0 = :0 AND #1 = :1)"),
        (~Attr("a").exists(), "NOT attribute_exists(#0)"),
    ],
)
def test_combinations_have_no_parenthesis_too_many(condition: BuiltCondition, expected: str) -> None:
    assert text(condition) == expected


def test_python_logic_is_refused() -> None:
    with pytest.raises(TypeError, match=r"combine conditions with & \| ~"):
        bool(A and B)
    with pytest.raises(TypeError, match="combine key conditions with &"):
        bool(Key("p").eq(1))


@pytest.mark.parametrize("other", [True, "a = b", None, Key("p").eq(1)])
def test_only_conditions_combine(other: object) -> None:
    for combine in (operator.and_, operator.or_):
        with pytest.raises(TypeError):
            combine(A, other)


def test_key_conditions_combine_with_and_alone() -> None:
    key = Key("p").eq(1)
    with pytest.raises(TypeError):
        operator.or_(key, key)
    with pytest.raises(TypeError):
        operator.invert(key)
    with pytest.raises(TypeError):
        operator.and_(key, A)


def test_a_chain_of_any_length_is_not_deep() -> None:
    condition = A
    for _ in range(1000):
        condition = condition & B
    assert text(condition).count(" AND ") == 1000


def alternating(depth: int) -> BuiltCondition:
    condition = A
    for level in range(depth):
        condition = condition & B if level % 2 else condition | B
    return condition


def test_a_condition_that_is_nested_too_deeply_is_refused() -> None:
    assert text(alternating(EXPRESSION_DEPTH_MAX)).count("(") == EXPRESSION_DEPTH_MAX // 2
    with pytest.raises(ValidationError) as caught:
        alternating(EXPRESSION_DEPTH_MAX + 1).render()
    assert caught.value.message == "a condition may be nested 300 deep, not 301"


# Paths


def test_a_key_is_one_name_taken_as_it_is() -> None:
    rendered = Key("a.b[0]").eq(1).render()
    assert (rendered.text, rendered.names) == ("#0 = :0", {"#0": "a.b[0]"})
    with pytest.raises(ValidationError):
        Key("")


def test_is_in_needs_a_value() -> None:
    with pytest.raises(ValidationError, match="is_in needs at least one value"):
        Attr("a").is_in([])


# Meaning


def test_a_built_condition_means_what_it_says() -> None:
    rendered = ((Attr("a.b[0]").gt(3) | ~Attr("c").exists()) & Attr("name").size().gt(1)).render("c")
    condition = compile_condition(rendered.text, Placeholders(rendered.names, rendered.values))
    assert condition.holds({"a": {"b": [4]}, "c": 1, "name": "xy"})
    assert condition.holds({"name": "xy"})
    assert not condition.holds({"a": {"b": [3]}, "c": 1, "name": "xy"})
    assert not condition.holds({"name": "x"})


# Values to store


def stored(value: object) -> str:
    return Set("x", value).render().text.removeprefix("SET #0 = ")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, ":0"),
        (Attr("a.b[0]"), "#1.#2[0]"),
        (Attr("x") + 1, "#0 + :0"),
        (1 + Attr("x"), ":0 + #0"),
        (Attr("x") - Attr("a"), "#0 - #1"),
        (1 - Attr("x"), ":0 - #0"),
        (Attr("x").if_not_exists(0), "if_not_exists(#0, :0)"),
        (Attr("x").if_not_exists(Attr("a")), "if_not_exists(#0, #1)"),
        (Attr("x").if_not_exists(Attr("a").if_not_exists(0)), "if_not_exists(#0, if_not_exists(#1, :0))"),
        (Attr("x").if_not_exists(0) + 1, "if_not_exists(#0, :0) + :1"),
        (1 - Attr("x").if_not_exists(0), ":0 - if_not_exists(#0, :1)"),
        (Attr("x").append([1]), "list_append(#0, :0)"),
        (Attr("x").prepend([1]), "list_append(:0, #0)"),
        (Attr("x").if_not_exists([]).append([1]), "list_append(if_not_exists(#0, :0), :1)"),
    ],
)
def test_each_value_to_store_has_its_text(value: object, expected: str) -> None:
    assert stored(value) == expected


def test_what_the_service_does_not_compute_cannot_be_built() -> None:
    for wrong in (lambda: Attr("a") + 1 + 1, lambda: Attr("a").append([1]) + 1):
        with pytest.raises(TypeError):
            wrong()
    for part in (Attr("a") + 1, Attr("a").append([1])):
        with pytest.raises(ValidationError, match="cannot be part of a value to store"):
            Attr("b").if_not_exists(part)
    with pytest.raises(ValidationError, match="a size cannot be part of a value to store"):
        Set("x", Attr("a").size())
    with pytest.raises(ValidationError, match="a size cannot be part of a value to store"):
        Attr("x") + Attr("a").size()


def test_calls_that_are_nested_too_deeply_are_refused() -> None:
    def nested(depth: int) -> object:
        value: object = 1
        for _ in range(depth):
            value = Attr("a").if_not_exists(value)
        return value

    assert stored(nested(EXPRESSION_DEPTH_MAX)).count("(") == EXPRESSION_DEPTH_MAX
    with pytest.raises(ValidationError, match="calls may be nested 300 deep, not 5000"):
        stored(nested(5000))
