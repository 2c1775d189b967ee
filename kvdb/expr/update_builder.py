"""Updates written in Python instead of text.

    Set("visits", Attr("visits").if_not_exists(0) + 1) & Remove("draft", "notes[0]")
    Add("likes", 1) & Delete("tags", {"old"})
    Set("log", Attr("log").append(["seen"])) & Set("seen.by", "me")

Paths are document paths, as ``Attr`` takes them. Changes of one kind become one clause, in
the order they were combined.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from kvdb.errors import ValidationError
from kvdb.expr.builder import Computed, stored_operand
from kvdb.expr.rendering import Operand, PathLike, Rendered, Rendering, ValueOperand, parse_path
from kvdb.item.path import Path

_Clause: TypeAlias = Literal["SET", "REMOVE", "ADD", "DELETE"]


class _Change(NamedTuple):
    clause: _Clause
    path: Path
    operand: Operand | None


class BuiltUpdate:
    """What ``Set``, ``Remove``, ``Add`` and ``Delete`` make: combine with ``&``. Immutable."""

    __slots__ = ("_changes",)

    def __init__(self, *changes: _Change) -> None:
        self._changes = changes

    def __and__(self, other: BuiltUpdate) -> BuiltUpdate:
        if not isinstance(other, BuiltUpdate):
            return NotImplemented
        return BuiltUpdate(*self._changes, *other._changes)

    def __bool__(self) -> bool:
        # ``a and b`` would silently drop one of the two changes.
        raise TypeError("combine updates with &, not with and")

    def render(self, prefix: str = "") -> Rendered:
        """The update as text; ``prefix`` (letters, digits, ``_``) begins each placeholder.

        Raises:
            ValidationError: the prefix is not one, or calls are nested too deeply.
        """
        rendering = Rendering(prefix)
        clauses: dict[_Clause, list[str]] = {}
        for change in self._changes:
            text = rendering.path(change.path)
            if change.operand is not None:
                equals = " =" if change.clause == "SET" else ""
                text = f"{text}{equals} {rendering.operand(change.operand)}"
            clauses.setdefault(change.clause, []).append(text)
        text = " ".join(f"{clause} {', '.join(texts)}" for clause, texts in clauses.items())
        return Rendered(text, rendering.names, rendering.values)


class Set(BuiltUpdate):
    """Write a value: any attribute value, or what an ``Attr`` says: itself, ``Attr("n") + 1``,
    ``Attr("n").if_not_exists(0)``, ``Attr("l").append([...])``."""

    __slots__ = ()

    def __init__(self, path: PathLike, value: object) -> None:
        """Say what becomes what.

        Raises:
            ValidationError: not a document path, or a value that cannot be stored.
        """
        operand = value._operand if isinstance(value, Computed) else stored_operand(value)
        super().__init__(_Change("SET", parse_path(path), operand))


class Remove(BuiltUpdate):
    """Take attributes, map entries or list elements away; what is not there is no fault."""

    __slots__ = ()

    def __init__(self, *paths: PathLike) -> None:
        """Say what goes.

        Raises:
            ValidationError: there is no path, or one is not a document path.
        """
        if not paths:
            raise ValidationError("Remove needs at least one path")
        super().__init__(*[_Change("REMOVE", parse_path(path), None) for path in paths])


class Add(BuiltUpdate):
    """Add a number to a number, or elements to a set; a missing one is made."""

    __slots__ = ()

    def __init__(self, path: PathLike, value: object) -> None:
        """``value``: a number or a set. Raises: ValidationError: not a document path."""
        super().__init__(_Change("ADD", parse_path(path), ValueOperand(value)))


class Delete(BuiltUpdate):
    """Take elements from a set; with the last one the attribute goes."""

    __slots__ = ()

    def __init__(self, path: PathLike, elements: object) -> None:
        """``elements``: a set. Raises: ValidationError: not a document path."""
        super().__init__(_Change("DELETE", parse_path(path), ValueOperand(elements)))
