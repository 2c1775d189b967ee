"""Text and placeholders -> compiled expression: the door of this room.

A text is parsed once and kept, the least recently used forgotten first, and compiled once
for each shape it comes in (``names``): its names, and the classes of its values. What is kept
depends on that alone; values are bound to it for each request. So the caches hold no user values.
What comes as a tree, from elsewhere than a text, is kept by its tree in the same way. Safe to call
from any thread.
"""

from __future__ import annotations

from functools import lru_cache

from kvdb.errors import ValidationError
from kvdb.expr import messages
from kvdb.expr.condition import Condition, ConditionProgram
from kvdb.expr.key_condition import KeyCondition, KeyConditionProgram, SortBound
from kvdb.expr.messages import ExpressionKind
from kvdb.expr.names import Placeholders
from kvdb.expr.nodes import Action
from kvdb.expr.nodes import Condition as Tree
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
    "bind_condition",
    "bind_key_condition",
    "bind_update",
    "compile_condition",
    "compile_key_condition",
    "compile_projection",
    "compile_update",
]

PROGRAMS_MAX = 512
"""Compiled texts kept, of each of the four kinds, and as many trees. A text has at most 4 KiB."""
TREE_PLACEHOLDERS_MAX = 256
"""A tree with more placeholders is compiled but not kept: no text bounds what it has."""


def compile_condition(
    text: str, placeholders: Placeholders, kind: ExpressionKind = "ConditionExpression"
) -> Condition:
    """The condition or filter ``text`` of one request.

    Raises:
        ValidationError: in the service's words, behind ``Invalid <kind>: ``.
    """
    _check_is_text(text, kind)
    try:
        return _condition_program(text, kind).bound_to(placeholders)
    except RecursionError:
        # The depth cap fits any stack that is not mostly used up already; this one was.
        messages.invalid(kind, messages.TOO_DEEP)


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
    try:
        return _update_program(text).bound_to(placeholders)
    except RecursionError:
        messages.invalid("UpdateExpression", messages.TOO_DEEP)


def bind_condition(tree: Tree, placeholders: Placeholders, kind: ExpressionKind) -> Condition:
    """The condition or filter that ``tree`` says, for one request.

    Raises:
        ValidationError: as ``compile_condition``, of placeholders and operands.
    """
    program = _tree_program if _is_small(placeholders) else _tree_program.__wrapped__
    return program(tree, kind).bound_to(placeholders)


def bind_update(actions: tuple[Action, ...], placeholders: Placeholders, *, type_fault: str) -> Update:
    """The update that ``actions`` say, for one request.

    ``type_fault`` is the message when what it finds in an item has the wrong type.

    Raises:
        ValidationError: as ``compile_update``, of placeholders and operands.
    """
    program = _actions_program if _is_small(placeholders) else _actions_program.__wrapped__
    return program(actions, type_fault).bound_to(placeholders)


def bind_key_condition(
    tree: Tree, placeholders: Placeholders, hash_names: tuple[str, ...], range_names: tuple[str, ...]
) -> KeyCondition:
    """The key condition that ``tree`` says, for one query.

    Raises:
        ValidationError: as ``compile_key_condition``, of placeholders, operands and keys.
    """
    program = _key_tree_program if _is_small(placeholders) else _key_tree_program.__wrapped__
    return program(tree).bound_to(placeholders, hash_names, range_names)


def compile_key_condition(
    text: str, placeholders: Placeholders, hash_names: tuple[str, ...], range_names: tuple[str, ...]
) -> KeyCondition:
    """The key condition ``text`` of one query on a table or index with these key attributes.

    Whether its values have the type of the key attributes is the caller's to check.

    Raises:
        ValidationError: as ``compile_condition``, or it is no condition on this key.
    """
    _check_is_text(text, "KeyConditionExpression")
    try:
        return _key_condition_program(text).bound_to(placeholders, hash_names, range_names)
    except RecursionError:
        messages.invalid("KeyConditionExpression", messages.TOO_DEEP)


@lru_cache(maxsize=PROGRAMS_MAX)
def _condition_program(text: str, kind: ExpressionKind) -> ConditionProgram:
    return ConditionProgram(parse_condition(text, kind), kind)


@lru_cache(maxsize=PROGRAMS_MAX)
def _tree_program(tree: Tree, kind: ExpressionKind) -> ConditionProgram:
    return ConditionProgram(tree, kind)


@lru_cache(maxsize=PROGRAMS_MAX)
def _actions_program(actions: tuple[Action, ...], type_fault: str) -> UpdateProgram:
    return UpdateProgram(actions, type_fault=type_fault)


@lru_cache(maxsize=PROGRAMS_MAX)
def _key_tree_program(tree: Tree) -> KeyConditionProgram:
    return KeyConditionProgram(tree)


@lru_cache(maxsize=PROGRAMS_MAX)
def _projection_program(text: str) -> ProjectionProgram:
    return ProjectionProgram(parse_projection(text))


@lru_cache(maxsize=PROGRAMS_MAX)
def _update_program(text: str) -> UpdateProgram:
    return UpdateProgram(parse_update(text))


@lru_cache(maxsize=PROGRAMS_MAX)
def _key_condition_program(text: str) -> KeyConditionProgram:
    return KeyConditionProgram(parse_condition(text, "KeyConditionExpression"))


def _is_small(placeholders: Placeholders) -> bool:
    return len(placeholders.table) <= TREE_PLACEHOLDERS_MAX


def _check_is_text(text: str, kind: ExpressionKind) -> None:
    if not isinstance(text, str):
        raise ValidationError(f"{kind} must be a string, not {type(text).__name__}")
