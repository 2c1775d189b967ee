"""The ``#name`` and ``:value`` placeholders of one request.

Every expression of a request takes from the same two maps. Each placeholder must be
defined where it is used and used somewhere; values are normalised here, once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NoReturn, TypeAlias

from kvdb.errors import ValidationError
from kvdb.expr import messages
from kvdb.expr.messages import NAMES, VALUES
from kvdb.item.path import Path
from kvdb.item.size import text_size, value_size
from kvdb.item.value import AttributeValue, normalise_value
from kvdb.limits import (
    ATTRIBUTE_NAME_BYTES_MAX,
    EXPRESSION_PLACEHOLDER_BYTES_MAX,
    EXPRESSION_VARIABLES_BYTES_MAX,
)

_NAME_PLACEHOLDER = re.compile(r"#[0-9a-zA-Z_]+")
_VALUE_PLACEHOLDER = re.compile(r":[0-9a-zA-Z_]+")

Table: TypeAlias = Mapping[str, object]
"""Placeholder, hash or colon included -> attribute name or normalised value."""


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


class Placeholders:
    """The names and values one request defines, and which of them its expressions used.

    One per request; not for sharing between threads.
    """

    __slots__ = ("_names", "_used", "_values", "table")

    table: Table

    def __init__(self, names: Mapping[str, str] | None, values: Mapping[str, object] | None) -> None:
        """Check both maps and normalise the values.

        Raises:
            ValidationError: a map is empty, a placeholder malformed or longer than 255
                bytes, a value not an attribute value, or all of it larger than 2 MB.
        """
        self._names = _checked_names(names) if names is not None else {}
        self._values = _checked_values(values) if values is not None else {}
        self.table = {**self._names, **self._values}
        self._used: set[str] = set()
        if self.table:
            size = sum(map(len, self.table)) + sum(map(value_size, self.table.values()))
            if size > EXPRESSION_VARIABLES_BYTES_MAX:
                raise ValidationError(messages.placeholders_too_large(size))

    @classmethod
    def of_table(cls, table: Table) -> Placeholders:
        """Placeholders that no caller wrote: names and normalised values, all of them used."""
        placeholders = cls(None, None)
        placeholders.table = table
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
        for parameter, defined in ((NAMES, self._names), (VALUES, self._values)):
            unused = defined.keys() - self._used
            if unused:
                raise ValidationError(messages.placeholders_unused(parameter, unused))


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
    return {placeholder: str(name) for placeholder, name in names.items()}


def _checked_values(values: Mapping[str, object]) -> dict[str, AttributeValue]:
    _check_placeholders(VALUES, values, _VALUE_PLACEHOLDER)
    return {placeholder: _normalised(placeholder, value) for placeholder, value in values.items()}


def _normalised(placeholder: str, value: object) -> AttributeValue:
    try:
        return normalise_value(value)
    except ValidationError as exc:
        message = messages.placeholder_value_invalid(VALUES, exc.message, placeholder)
        raise ValidationError(message) from exc


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
