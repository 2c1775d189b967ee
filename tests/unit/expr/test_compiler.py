"""Texts are compiled once; names and values belong to each request alone."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from kvdb.errors import ValidationError
from kvdb.expr import compiler
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
