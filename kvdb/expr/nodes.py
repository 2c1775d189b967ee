"""What an expression says, once parsed: the nodes every kind of expression is made of.

    condition := Comparison | Between | In | Call | Not | And | Or
    operand   := Path | Value | Call
    action    := Set | Remove | Add | Delete

Names and values are still placeholders here: a tree depends on the expression's text
alone, so one tree serves every request that sends this text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Comparator: TypeAlias = Literal["=", "<>", "<", "<=", ">", ">="]
ArithmeticOperator: TypeAlias = Literal["+", "-"]


@dataclass(frozen=True, slots=True)
class Path:
    """``a.#b[3]`` as ``("a", "#b", 3)``. A bare name never begins with ``#``."""

    parts: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """A value placeholder, colon included."""

    placeholder: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function. ``size``, ``if_not_exists`` and ``list_append`` are operands, the others conditions."""

    function: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    comparator: Comparator
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Between:
    operand: Operand
    lower: Operand
    upper: Operand


@dataclass(frozen=True, slots=True)
class In:
    operand: Operand
    candidates: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Not:
    condition: Condition


@dataclass(frozen=True, slots=True)
class And:
    """Two or more conditions, in the order written."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Two or more conditions, in the order written."""

    conditions: tuple[Condition, ...]


Operand: TypeAlias = Path | Value | Call
Leaf: TypeAlias = Comparison | Between | In | Call
"""A condition that holds no other condition."""
Condition: TypeAlias = Leaf | Not | And | Or


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """What ``SET`` may compute of two numbers."""

    operator: ArithmeticOperator
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Set:
    path: Path
    value: Operand | Arithmetic


@dataclass(frozen=True, slots=True)
class Remove:
    path: Path


@dataclass(frozen=True, slots=True)
class Add:
    path: Path
    value: Value


@dataclass(frozen=True, slots=True)
class Delete:
    path: Path
    value: Value


Action: TypeAlias = Set | Remove | Add | Delete
"""One change an update makes to an item."""
