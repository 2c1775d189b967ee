"""Texts are compiled once; names and values belong to each request alone."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from kvdb.errors import ValidationError
from kvdb.expr import compiler, names
from kvdb.expr.compiler import Placeholders, compile_condition, compile_key_condition, compile_projection
from kvdb.limits import EXPRESSION_DEPTH_MAX

NOTHING = Placeholders(None, None)


def test_a_text_is_compiled_once_whatever_its_values() -> None:
    text = "elevation > :once AND #once = :two"
    before = compiler._condition_program.cache_info().misses
    answers = [
        compile_condition(text, Placeholders({"#once": name}, {":once": low, ":two": 2})).holds(
            {"elevation": 5, "a": 2, "b": 3}
        )
        for name, low in (("a", 4), ("b", 4), ("a", 6), ("a", 4))
    ]
    assert answers == [True, False, False, True]
    assert compiler._condition_program.cache_info().misses == before + 1


def test_conditions_of_two_requests_do_not_disturb_each_other() -> None:
    first = compile_condition("a = :v", Placeholders(None, {":v": 1}))
    second = compile_condition("a = :v", Placeholders(None, {":v": 2}))
    assert [first.holds({"a": 1}), second.holds({"a": 1})] == [True, False]


def test_a_kind_has_its_own_messages() -> None:
    for kind in ("ConditionExpression", "FilterExpression"):
        with pytest.raises(ValidationError) as caught:
            compile_condition("a = :v", NOTHING, kind)
        assert caught.value.message.startswith(f"Invalid {kind}: An expression attribute value")


def test_what_fits_one_request_is_asked_anew_of_other_names_classes_and_bounds() -> None:
    def holds(text: str, named: dict[str, str], values: dict[str, object]) -> bool:
        placeholders = Placeholders(named, values)
        condition = compile_condition(text, placeholders)
        placeholders.check_all_used()
        return condition.holds({"a": 5, "b": "text"})

    text = "#x BETWEEN :low AND :high OR attribute_type(#y, :type)"
    values = {":low": 1, ":high": 9, ":type": "N"}
    for _ in range(2):
        assert holds(text, {"#x": "a", "#y": "b"}, values)
        assert not holds(text, {"#x": "b", "#y": "b"}, values)
        assert holds(text, {"#x": "a", "#y": "b"}, {**values, ":low": 4.5})
        for wrong, part in (
            ({":low": 10}, "upper bound to be greater"),
            ({":low": "1"}, "same data type"),
            ({":low": True}, "operand type: BOOL"),
            ({":type": "NUMBER"}, "Invalid attribute type name"),
            ({":type": 1}, "operand type: N"),
            ({":more": 1}, "unused in expressions: keys: {:more}"),
        ):
            with pytest.raises(ValidationError, match=part):
                holds(text, {"#x": "a", "#y": "b"}, {**values, **wrong})
        with pytest.raises(ValidationError, match="attribute name: #y"):
            holds(text, {"#x": "a"}, values)


def test_shapes_are_bounded_in_number_and_in_size() -> None:
    program = compiler._condition_program("#x = :v", "ConditionExpression")
    for number in range(3 * names.SHAPES_MAX):
        compile_condition("#x = :v", Placeholders({"#x": f"a{number}"}, {":v": 1}))
        assert len(program._shapes) <= names.SHAPES_MAX
    assert Placeholders({"#x": "a"}, {":v": 1}).shape is not None
    assert Placeholders({"#x": "a" * 2000}, {":v": 1}).shape is None
    assert Placeholders.of_table({"#0": "a" * 2000, ":1": 1}).shape is None


def test_the_caches_are_bounded() -> None:
    for program in (
        compiler._condition_program,
        compiler._projection_program,
        compiler._key_condition_program,
    ):
        assert program.cache_info().maxsize == compiler.PROGRAMS_MAX
    for number in range(compiler.PROGRAMS_MAX + 10):
        compile_projection(f"a{number}", NOTHING)
    assert compiler._projection_program.cache_info().currsize == compiler.PROGRAMS_MAX


def test_a_refused_text_is_not_kept() -> None:
    before = compiler._condition_program.cache_info().currsize
    with pytest.raises(ValidationError):
        compile_condition("this is no condition", NOTHING)
    assert compiler._condition_program.cache_info().currsize == before


@pytest.mark.parametrize("text", [None, 1, b"a = :v", ["a"]])
def test_an_expression_is_a_string(text: object) -> None:
    kind = type(text).__name__
    for name, compile_text in (
        ("ConditionExpression", lambda: compile_condition(text, NOTHING)),
        ("ProjectionExpression", lambda: compile_projection(text, NOTHING)),
        ("KeyConditionExpression", lambda: compile_key_condition(text, NOTHING, ("p",), ())),
    ):
        with pytest.raises(ValidationError) as caught:
            compile_text()
        assert caught.value.message == f"{name} must be a string, not {kind}"


def at_stack_depth(depth: int, call: Callable[[], object]) -> object:
    return call() if depth == 0 else at_stack_depth(depth - 1, call)


def test_a_stack_that_is_nearly_full_refuses_deep_texts_by_name() -> None:
    depth = EXPRESSION_DEPTH_MAX - 1
    values = Placeholders(None, {":v": 1})
    text = "NOT (" * depth + "deep = :v" + ")" * depth
    for compile_text in (
        lambda: compile_condition(text, values),
        lambda: compile_key_condition(text, values, ("deep",), ()),
    ):
        with pytest.raises(ValidationError, match="The expression is nested too deeply"):
            at_stack_depth(sys.getrecursionlimit() - 400, compile_text)
    assert compile_condition(text, values).holds({"deep": 2})
