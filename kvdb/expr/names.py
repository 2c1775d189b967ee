"""The ``#name`` and ``:value`` placeholders of one request.

Every expression of a request takes from the same two maps. Each placeholder must be
defined where it is used and used somewhere; values are normalised here, once.

What a program sends again and again differs in its values alone: names and what they stand
for, value placeholders and the classes of their values are its *shape*. What has been found
right of a shape is right of every request that has it, so it is remembered: here that the
placeholders are well formed, in each compiled expression that they fit it. Memory is bounded:
a shape has ``_SHAPE_CHARS_MAX`` characters at most, or it is ``None`` and nothing is remembered.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from typing import NoReturn, TypeAlias, TypeVar

from kvdb.errors import ValidationError
from kvdb.expr import messages
from kvdb.expr.messages import NAMES, VALUES
from kvdb.item.path import Path
from kvdb.item.size import text_size, value_size
from kvdb.item.value import sized_value
from kvdb.limits import (
    ATTRIBUTE_NAME_BYTES_MAX,
    EXPRESSION_PLACEHOLDER_BYTES_MAX,
    EXPRESSION_VARIABLES_BYTES_MAX,
)

_NAME_PLACEHOLDER = re.compile(r"#[0-9a-zA-Z_]+")
_VALUE_PLACEHOLDER = re.compile(r":[0-9a-zA-Z_]+")

Table: TypeAlias = Mapping[str, object]
"""Placeholder, hash or colon included -> attribute name or normalised value."""
Shape: TypeAlias = Hashable
"""Stands for the names, the value placeholders and the classes of the values."""

SHAPES_MAX = 32
"""Shapes remembered by one expression. Mostly it comes with the same names and classes every time."""
_SOUND_SHAPES_MAX = 1024
_SHAPE_CHARS_MAX = 1024
_Known = TypeVar("_Known")


class _SoundShape:
    """A shape whose placeholders and names are well formed. Each expression of a request looks for it
    in a dict of its own: as itself, so that what it consists of is hashed once a request."""

    __slots__ = ("size",)

    def __init__(self, size: int) -> None:
        self.size = size
        """Of placeholders and names, in bytes."""


_sound_shapes: dict[tuple[object, ...], _SoundShape] = {}


def is_placeholder(part: str | int) -> bool:
    """Whether a part of a document path stands for a name that the request defines."""
    return isinstance(part, str) and part.startswith("#")


def resolved(parts: Path, table: Table) -> Path:
    """A document path with its ``#name`` parts replaced.

    Raises:
        KeyError: a placeholder is not defined.
    """
    return tuple([_name(part, table) if is_placeholder(part) else part for part in parts])


def _name(placeholder: str | int, table: Table) -> str:
    assert isinstance(placeholder, str)
    name = table[placeholder]
    assert isinstance(name, str)
    return name


def remember(shapes: dict[Shape, _Known], shape: Shape | None, known: _Known) -> None:
    """Keep what was found out of a shape. When there are too many, all are forgotten."""
    if shape is not None:
        if len(shapes) >= SHAPES_MAX:
            shapes.clear()
        shapes[shape] = known


class Placeholders:
    """The names and values one request defines, and which of them its expressions used.

    One per request; not for sharing between threads.
    """

    __slots__ = ("_used", "shape", "table")

    table: Table
    shape: Shape | None

    def __init__(self, names: Mapping[str, str] | None, values: Mapping[str, object] | None) -> None:
        """Check both maps and normalise the values.

        Raises:
            ValidationError: a map is empty, a placeholder malformed or longer than 255
                bytes, a value not an attribute value, or all of it larger than 2 MB.
        """
        self._used: set[str] = set()
        key, shape = _known_shape(names, values)
        table: dict[str, object]
        if shape is not None:
            size = shape.size
            table = {**names} if names is not None else {}
        else:
            table = {} if names is None else _checked_names(names)
            if values is not None:
                _check_placeholders(VALUES, values, _VALUE_PLACEHOLDER)
            size = sum(map(len, table)) + sum(map(len, values or ())) + sum(map(value_size, table.values()))
            shape = _remembered(key, size)
        if values is not None:
            size += _add_values(table, values)
        if size > EXPRESSION_VARIABLES_BYTES_MAX:
            raise ValidationError(messages.placeholders_too_large(size))
        self.table = table
        self.shape = shape

    @classmethod
    def of_table(cls, table: Table) -> Placeholders:
        """Placeholders that no caller wrote: names and normalised values, all of them used."""
        placeholders = cls(None, None)
        placeholders.table = table
        placeholders.shape = _shape_of_table(table)
        placeholders._used.update(table)
        return placeholders

    def mark_used(self, placeholders: Iterable[str]) -> None:
        """Note that an expression of this request uses these."""
        self._used.update(placeholders)

    @property
    def used(self) -> frozenset[str]:
        """Those that the expressions compiled so far use."""
        return frozenset(self._used)

    def check_all_used(self) -> None:
        """Call once, when every expression of the request is compiled.

        Raises:
            ValidationError: names the placeholders no expression used.
        """
        if len(self._used) == len(self.table):
            return
        for parameter, is_of in ((NAMES, is_placeholder), (VALUES, _is_value)):
            unused = [name for name in self.table.keys() - self._used if is_of(name)]
            if unused:
                raise ValidationError(messages.placeholders_unused(parameter, unused))


def _is_value(placeholder: str) -> bool:
    return placeholder.startswith(":")


def _known_shape(
    names: Mapping[str, str] | None, values: Mapping[str, object] | None
) -> tuple[tuple[object, ...] | None, _SoundShape | None]:
    """What the shape of two maps of the plainest kind consists of, and the shape if it is known."""
    if names is None:
        named: tuple[object, ...] = ()
    elif type(names) is dict and names:
        named = tuple(names.items())
    else:
        return None, None
    if values is None:
        key: tuple[object, ...] = (named,)
    elif type(values) is dict and values:
        key = (named, *values, *map(type, values.values()))
    else:
        return None, None
    try:
        return key, _sound_shapes.get(key)
    except TypeError:  # something in it is not hashable: no name at least
        return None, None


def _remembered(key: tuple[object, ...] | None, size: int) -> _SoundShape | None:
    """The shape, if it is small, as sound from now on."""
    if key is None or size > _SHAPE_CHARS_MAX:
        return None
    if len(_sound_shapes) >= _SOUND_SHAPES_MAX:
        _sound_shapes.clear()
    _sound_shapes[key] = shape = _SoundShape(size)
    return shape


def _shape_of_table(table: Table) -> Shape | None:
    names = [name for name in table.values() if isinstance(name, str)]
    if sum(map(len, table)) + sum(map(len, names)) > _SHAPE_CHARS_MAX:
        return None
    return tuple([(name, given if is_placeholder(name) else type(given)) for name, given in table.items()])


def _add_values(table: dict[str, object], values: Mapping[str, object]) -> int:
    """Normalise the values into ``table``; their size in bytes."""
    total = 0
    for placeholder, value in values.items():
        try:
            table[placeholder], size = sized_value(value)
        except ValidationError as exc:
            message = messages.placeholder_value_invalid(VALUES, exc.message, placeholder)
            raise ValidationError(message) from exc
        total += size
    return total


def _checked_names(names: Mapping[str, str]) -> dict[str, object]:
    _check_placeholders(NAMES, names, _NAME_PLACEHOLDER)
    for placeholder, name in names.items():
        if not isinstance(name, str):
            raise ValidationError(f"{NAMES} must map {placeholder} to a string, not {type(name).__name__}")
        if not name:
            reason = "Empty attribute name"
            raise ValidationError(messages.placeholder_value_invalid(NAMES, reason, placeholder))
        if text_size(name) > ATTRIBUTE_NAME_BYTES_MAX:
            reason = f"Attribute name is longer than {ATTRIBUTE_NAME_BYTES_MAX} bytes"
            raise ValidationError(messages.placeholder_value_invalid(NAMES, reason, placeholder))
    return {placeholder: str.__str__(name) for placeholder, name in names.items()}


def _check_placeholders(parameter: str, defined: Mapping[str, object], form: re.Pattern[str]) -> None:
    if not isinstance(defined, Mapping):
        raise ValidationError(f"{parameter} must be a mapping, not {type(defined).__name__}")
    if not defined:
        raise ValidationError(messages.placeholders_empty(parameter))
    for placeholder in defined:
        if not isinstance(placeholder, str):
            kind = type(placeholder).__name__
            raise ValidationError(f"{parameter} must have strings for keys, not {kind}")
        if not form.fullmatch(placeholder) or len(placeholder) > EXPRESSION_PLACEHOLDER_BYTES_MAX:
            _refuse_placeholder(parameter, placeholder)


def _refuse_placeholder(parameter: str, placeholder: str) -> NoReturn:
    size = text_size(placeholder)
    if size > EXPRESSION_PLACEHOLDER_BYTES_MAX:
        raise ValidationError(messages.placeholder_too_long(parameter, size))
    raise ValidationError(messages.placeholder_invalid(parameter, placeholder))
