"""How built expressions are written: text with a placeholder for every name and value.

The text is one a caller could have written by hand; no other room knows the builders.
Placeholders are numbered as they come, so expressions of one shape render to one text and
share its compiled form. A prefix keeps the placeholders of one request's expressions apart.

A document path is text, ``"a.b[0].c"``, or, when a name holds a dot or bracket, the sequence
of its parts, ``("a.b", 0, "c")``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Literal, NamedTuple, TypeAlias

from kvdb.errors import ValidationError
from kvdb.item.path import Path
from kvdb.limits import EXPRESSION_DEPTH_MAX

PathLike: TypeAlias = str | Sequence[str | int]

_PATH = re.compile(r"[^.\[\]]+(\.[^.\[\]]+|\[[0-9]{1,10}\])*")
_STEP = re.compile(r"(?P<name>[^.\[\]]+)|\[(?P<index>[0-9]+)\]")
_PREFIX = re.compile(r"[A-Za-z0-9_]{0,32}")
_PATHS_MAX = 1024
"""Path texts whose parts are kept."""


class Rendered(NamedTuple):
    """An expression as a request carries it. ``names`` and ``values`` may be empty."""

    text: str
    names: dict[str, str]
    values: dict[str, object]


def render_projection(paths: Iterable[PathLike], prefix: str = "") -> Rendered:
    """A projection of these paths: ``render_projection(["a", "b.c[1]"])``.

    Raises:
        ValidationError: there is no path, one is not a path, or the prefix is not one.
    """
    if isinstance(paths, str):
        raise ValidationError("a projection takes a list of paths, not one string")
    rendering = Rendering(prefix)
    text = ", ".join(rendering.path(parse_path(path)) for path in paths)
    if not text:
        raise ValidationError("a projection needs at least one path")
    return Rendered(text, rendering.names, rendering.values)


def parse_path(path: PathLike) -> Path:
    """The parts of a document path given as text or as parts.

    Raises:
        ValidationError: neither ``name(.name|[index])*`` nor a name followed by names and indices.
    """
    return _parsed_path(path) if isinstance(path, str) else checked_path(path)


@lru_cache(maxsize=_PATHS_MAX)
def _parsed_path(text: str) -> Path:
    if not _PATH.fullmatch(text):
        raise ValidationError(f"not a document path: {text!r}")
    return tuple(step["name"] or int(step["index"]) for step in _STEP.finditer(text))


def checked_path(parts: Sequence[str | int]) -> Path:
    """A document path given as its parts. Raises: as ``parse_path``."""
    path = tuple(parts)
    names_ok = all(isinstance(part, str) and part for part in path if not isinstance(part, int))
    indices_ok = all(part >= 0 and type(part) is int for part in path if isinstance(part, int))
    if not path or not isinstance(path[0], str) or not names_ok or not indices_ok:
        raise ValidationError(f"not a document path: {parts!r}")
    return path


# What is built


class PathOperand(NamedTuple):
    path: Path


class ValueOperand(NamedTuple):
    value: object


class CallOperand(NamedTuple):
    """A function or operator: text with one ``{}`` for each operand."""

    pattern: str
    operands: tuple[Operand, ...]
    depth: int


Operand: TypeAlias = PathOperand | ValueOperand | CallOperand


class Test(NamedTuple):
    """One comparison or function that is true or false: text with one ``{}`` for each operand."""

    pattern: str
    operands: tuple[Operand, ...]


class Not(NamedTuple):
    negated: Node
    depth: int


class Joined(NamedTuple):
    """Two or more nodes, none of them joined by the same operator."""

    operator: Literal["AND", "OR"]
    nodes: tuple[Node, ...]
    depth: int


Node: TypeAlias = Test | Not | Joined


def called(pattern: str, *operands: Operand) -> CallOperand:
    depth = max([operand.depth for operand in operands if isinstance(operand, CallOperand)], default=0)
    return CallOperand(pattern, operands, 1 + depth)


def negated(node: Node) -> Node:
    return node.negated if isinstance(node, Not) else Not(node, 1 + _depth(node))


def joined(operator: Literal["AND", "OR"], left: Node, right: Node) -> Node:
    nodes = (*_nodes_under(operator, left), *_nodes_under(operator, right))
    return Joined(operator, nodes, 1 + max(map(_depth, nodes)))


def _depth(node: Node) -> int:
    return 0 if isinstance(node, Test) else node.depth


def _nodes_under(operator: str, node: Node) -> tuple[Node, ...]:
    return node.nodes if isinstance(node, Joined) and node.operator == operator else (node,)


# How it is written


def rendered(node: Node, prefix: str) -> Rendered:
    """A condition as text; ``prefix`` (letters, digits, ``_``) begins each placeholder.

    Raises:
        ValidationError: the prefix is not one, or the condition is nested too deeply.
    """
    if _depth(node) > EXPRESSION_DEPTH_MAX:
        raise ValidationError(f"a condition may be nested {EXPRESSION_DEPTH_MAX} deep, not {_depth(node)}")
    rendering = Rendering(prefix)
    return Rendered(rendering.node(node), rendering.names, rendering.values)


class Rendering:
    """Writes one expression and numbers its placeholders; a name keeps its number."""

    def __init__(self, prefix: str) -> None:
        if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
            raise ValidationError(f"a prefix is at most 32 letters, digits and underscores, not {prefix!r}")
        self.names: dict[str, str] = {}
        self.values: dict[str, object] = {}
        self._placeholders: dict[str, str] = {}
        self._prefix = prefix

    def node(self, node: Node, within: str = "") -> str:
        """One stack frame a level, so that the depth allowed fits any stack."""
        if isinstance(node, Test):
            return node.pattern.format(*map(self.operand, node.operands))
        if isinstance(node, Not):
            return f"NOT {self.node(node.negated, 'NOT')}"
        text = f" {node.operator} ".join(map(self.node, node.nodes, repeat(node.operator)))
        # AND binds closer than OR, and one parenthesis too many would be refused.
        return f"({text})" if within == "NOT" or (within, node.operator) == ("AND", "OR") else text

    def operand(self, operand: Operand) -> str:
        """One stack frame a call within a call; raises ``ValidationError`` where they are too many."""
        if isinstance(operand, ValueOperand):
            placeholder = f":{self._prefix}{len(self.values)}"
            self.values[placeholder] = operand.value
            return placeholder
        if isinstance(operand, PathOperand):
            return self.path(operand.path)
        if operand.depth > EXPRESSION_DEPTH_MAX:
            raise ValidationError(f"calls may be nested {EXPRESSION_DEPTH_MAX} deep, not {operand.depth}")
        return operand.pattern.format(*map(self.operand, operand.operands))

    def path(self, path: Path) -> str:
        steps = [f"[{part}]" if isinstance(part, int) else f".{self._name(part)}" for part in path]
        return "".join(steps)[1:]

    def _name(self, name: str) -> str:
        placeholder = self._placeholders.get(name)
        if placeholder is None:
            placeholder = f"#{self._prefix}{len(self.names)}"
            self._placeholders[name] = placeholder
            self.names[placeholder] = name
        return placeholder
