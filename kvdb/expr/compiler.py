"""Text and placeholders -> compiled expression: the door of this room.

A text is parsed and compiled once and kept, the least recently used forgotten first.
What is kept depends on the text and kind alone; names and values are bound to it for
each request. So the caches hold no user values, and a text that another request sends
with other names or values is still a hit. Safe to call from any thread.
"""

from __future__ import annotations

from functools import lru_cache

from kvdb.errors import ValidationError
from kvdb.expr import messages
from kvdb.expr.condition import Condition, ConditionProgram
from kvdb.expr.key_condition import KeyCondition, KeyConditionProgram, SortBound
from kvdb.expr.messages import ExpressionKind
from kvdb.expr.names import Placeholders
from kvdb.expr.parser import parse_condition, parse_projection, parse_update
from kvdb.expr.projection import Projection, ProjectionProgram
from kvdb.expr.update import Update, UpdateProgram

__all__ = [
    "Condition",
    "KeyCondition",
    "Placeholders",
    "Projection",
    "SortBound",
    "Update",
    "compile_condition",
    "compile_key_condition",
    "compile_projection",
    "compile_update",
]

PROGRAMS_MAX = 512
"""Compiled texts kept, of each of the four kinds. A text has at most 4 KiB."""


def compile_condition(
    text: str, placeholders: Placeholders, kind: ExpressionKind = "ConditionExpression"
) -> Condition:
    """The condition or filter ``text`` of one request.

    Raises:
        ValidationError: in the service's words, behind ``Invalid <kind>: ``.
    """
    _check_is_text(text, kind)
    return _condition_program(text, kind).bound_to(placeholders)


def compile_projection(text: str, placeholders: Placeholders) -> Projection:
    """The projection ``text`` of one request.

    Raises:
        ValidationError: as ``compile_condition``.
    """
    _check_is_text(text, "ProjectionExpression")
    return _projection_program(text).bound_to(placeholders)


def compile_update(text: str, placeholders: Placeholders) -> Update:
    """The update ``text`` of one request.

    Raises:
        ValidationError: as ``compile_condition``.
    """
    _check_is_text(text, "UpdateExpression")
    return _update_program(text).bound_to(placeholders)


def compile_key_condition(
    text: str, placeholders: Placeholders, hash_names: tuple[str, ...], range_names: tuple[str, ...]
) -> KeyCondition:
    """The key condition ``text`` of one query on a table or index with these key attributes.

    Whether its values have the type of the key attributes is the caller's to check.

    Raises:
        ValidationError: as ``compile_condition``, or it is no condition on this key.
    """
    _check_is_text(text, "KeyConditionExpression")
    return _key_condition_program(text).bound_to(placeholders, hash_names, range_names)


@lru_cache(maxsize=PROGRAMS_MAX)
def _condition_program(text: str, kind: ExpressionKind) -> ConditionProgram:
    try:
        return ConditionProgram(parse_condition(text, kind), kind)
    except RecursionError:
        # The depth cap fits any stack that is not mostly used up already; this one was.
        messages.invalid(kind, messages.TOO_DEEP)


@lru_cache(maxsize=PROGRAMS_MAX)
def _projection_program(text: str) -> ProjectionProgram:
    return ProjectionProgram(parse_projection(text))


@lru_cache(maxsize=PROGRAMS_MAX)
def _update_program(text: str) -> UpdateProgram:
    try:
        return UpdateProgram(parse_update(text))
    except RecursionError:
        messages.invalid("UpdateExpression", messages.TOO_DEEP)


@lru_cache(maxsize=PROGRAMS_MAX)
def _key_condition_program(text: str) -> KeyConditionProgram:
    try:
        return KeyConditionProgram(parse_condition(text, "KeyConditionExpression"))
    except RecursionError:
        messages.invalid("KeyConditionExpression", messages.TOO_DEEP)


def _check_is_text(text: str, kind: ExpressionKind) -> None:
    if not isinstance(text, str):
        raise ValidationError(f"{kind} must be a string, not {type(text).__name__}")
