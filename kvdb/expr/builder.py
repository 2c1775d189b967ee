"""Conditions and key conditions written in Python instead of text.

    Key("country").eq("IS") & Key("icao").begins_with("BI")
    Attr("size.runways[0]").gt(2000) | ~Attr("closed").exists()

A built condition is rendered to a text with a placeholder for every name and value: the
text a caller could have written by hand; no other room knows the builders. Placeholders
are numbered as they come, so conditions of one shape render to one text and share its
compiled form. A prefix keeps the placeholders of one request's expressions apart.

The path of an ``Attr`` is text, ``"a.b[0].c"``, or, when a name holds a dot or bracket,
the sequence of its parts, ``("a.b", 0, "c")``. A ``Key`` is always one name, taken as it
is. Where a test takes a value it also takes another ``Attr`` or its ``size()``.
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


class BuiltCondition:
    """What the tests of ``Attr`` make: combine with ``&``, ``|`` and ``~``. Immutable."""

    __slots__ = ("_node",)

    def __init__(self, node: _Node) -> None:
        self._node = node

    def __and__(self, other: BuiltCondition) -> BuiltCondition:
        if not isinstance(other, BuiltCondition):
            return NotImplemented
        return BuiltCondition(_joined("AND", self._node, other._node))

    def __or__(self, other: BuiltCondition) -> BuiltCondition:
        if not isinstance(other, BuiltCondition):
            return NotImplemented
        return BuiltCondition(_joined("OR", self._node, other._node))

    def __invert__(self) -> BuiltCondition:
        return BuiltCondition(_negated(self._node))

    def __bool__(self) -> bool:
        # ``a and b`` would silently drop one of the two conditions.
        raise TypeError("combine conditions with & | ~, not with and, or, not")

    def render(self, prefix: str = "") -> Rendered:
        """The condition as text; ``prefix`` (letters, digits, ``_``) begins each placeholder.

        Raises:
            ValidationError: the prefix is not one, or the condition is nested too deeply.
        """
        return _rendered(self._node, prefix)


class BuiltKeyCondition:
    """What the tests of ``Key`` make: combine with ``&``. Immutable."""

    __slots__ = ("_node",)

    def __init__(self, node: _Node) -> None:
        self._node = node

    def __and__(self, other: BuiltKeyCondition) -> BuiltKeyCondition:
        if not isinstance(other, BuiltKeyCondition):
            return NotImplemented
        return BuiltKeyCondition(_joined("AND", self._node, other._node))

    def __bool__(self) -> bool:
        # ``a and b`` would silently drop one of the two conditions.
        raise TypeError("combine key conditions with &, not with and")

    def render(self, prefix: str = "") -> Rendered:
        """As ``BuiltCondition.render``."""
        return _rendered(self._node, prefix)


class Key:
    """A key attribute, to say what a query reads."""

    __slots__ = ("_operand",)

    def __init__(self, name: str) -> None:
        """Name the key attribute.

        Raises:
            ValidationError: the name is empty or not a string.
        """
        self._operand = _PathOperand(_checked_path((name,)))

    def eq(self, value: object) -> BuiltKeyCondition:
        return self._test("{} = {}", value)

    def lt(self, value: object) -> BuiltKeyCondition:
        return self._test("{} < {}", value)

    def lte(self, value: object) -> BuiltKeyCondition:
        return self._test("{} <= {}", value)

    def gt(self, value: object) -> BuiltKeyCondition:
        return self._test("{} > {}", value)

    def gte(self, value: object) -> BuiltKeyCondition:
        return self._test("{} >= {}", value)

    def between(self, low: object, high: object) -> BuiltKeyCondition:
        """Both bounds included."""
        return self._test("{} BETWEEN {} AND {}", low, high)

    def begins_with(self, prefix: str | bytes) -> BuiltKeyCondition:
        return self._test("begins_with({}, {})", prefix)

    def _test(self, pattern: str, *values: object) -> BuiltKeyCondition:
        return BuiltKeyCondition(_Test(pattern, (self._operand, *map(_operand, values))))


class Comparable:
    """What has a value to compare: an attribute, or its size."""

    __slots__ = ("_operand",)

    _operand: _Operand

    def eq(self, value: object) -> BuiltCondition:
        return self._test("{} = {}", value)

    def ne(self, value: object) -> BuiltCondition:
        """True also when the attribute does not exist."""
        return self._test("{} <> {}", value)

    def lt(self, value: object) -> BuiltCondition:
        return self._test("{} < {}", value)

    def lte(self, value: object) -> BuiltCondition:
        return self._test("{} <= {}", value)

    def gt(self, value: object) -> BuiltCondition:
        return self._test("{} > {}", value)

    def gte(self, value: object) -> BuiltCondition:
        return self._test("{} >= {}", value)

    def between(self, low: object, high: object) -> BuiltCondition:
        """Both bounds included."""
        return self._test("{} BETWEEN {} AND {}", low, high)

    def is_in(self, values: Iterable[object]) -> BuiltCondition:
        """Equal to one of at most 100 values."""
        candidates = tuple(values)
        if not candidates:
            raise ValidationError("is_in needs at least one value")
        return self._test(f"{{}} IN ({', '.join(['{}'] * len(candidates))})", *candidates)

    def _test(self, pattern: str, *values: object) -> BuiltCondition:
        return BuiltCondition(_Test(pattern, (self._operand, *map(_operand, values))))


class Attr(Comparable):
    """An attribute, or what stands at a document path inside one."""

    __slots__ = ()

    def __init__(self, path: PathLike) -> None:
        """Say where the value stands.

        Raises:
            ValidationError: not a document path.
        """
        self._operand = _PathOperand(parse_path(path))

    def exists(self) -> BuiltCondition:
        return self._test("attribute_exists({})")

    def not_exists(self) -> BuiltCondition:
        return self._test("attribute_not_exists({})")

    def attribute_type(self, type_name: str) -> BuiltCondition:
        """``type_name`` is one of S N B BOOL NULL M L SS NS BS."""
        return self._test("attribute_type({}, {})", type_name)

    def begins_with(self, prefix: object) -> BuiltCondition:
        return self._test("begins_with({}, {})", prefix)

    def contains(self, part: object) -> BuiltCondition:
        """A part of a string or binary, or an element of a set or list."""
        return self._test("contains({}, {})", part)

    def size(self) -> Size:
        """Its length, to be compared with a number."""
        return Size(self)


class Size(Comparable):
    """The size of an attribute: characters, bytes or elements."""

    __slots__ = ()

    def __init__(self, attr: Attr) -> None:
        assert isinstance(attr._operand, _PathOperand)
        self._operand = _SizeOperand(attr._operand.path)


def render_projection(paths: Iterable[PathLike], prefix: str = "") -> Rendered:
    """A projection of these paths: ``render_projection(["a", "b.c[1]"])``.

    Raises:
        ValidationError: there is no path, one is not a path, or the prefix is not one.
    """
    if isinstance(paths, str):
        raise ValidationError("a projection takes a list of paths, not one string")
    rendering = _Rendering(prefix)
    text = ", ".join(rendering.path(parse_path(path)) for path in paths)
    if not text:
        raise ValidationError("a projection needs at least one path")
    return Rendered(text, rendering.names, rendering.values)


def parse_path(path: PathLike) -> Path:
    """The parts of a document path given as text or as parts.

    Raises:
        ValidationError: neither ``name(.name|[index])*`` nor a name followed by names and indices.
    """
    return _parsed_path(path) if isinstance(path, str) else _checked_path(path)


@lru_cache(maxsize=_PATHS_MAX)
def _parsed_path(text: str) -> Path:
    if not _PATH.fullmatch(text):
        raise ValidationError(f"not a document path: {text!r}")
    return tuple(step["name"] or int(step["index"]) for step in _STEP.finditer(text))


def _checked_path(parts: Sequence[str | int]) -> Path:
    path = tuple(parts)
    names_ok = all(isinstance(part, str) and part for part in path if not isinstance(part, int))
    indices_ok = all(part >= 0 and type(part) is int for part in path if isinstance(part, int))
    if not path or not isinstance(path[0], str) or not names_ok or not indices_ok:
        raise ValidationError(f"not a document path: {parts!r}")
    return path


# What is built


class _PathOperand(NamedTuple):
    path: Path


class _SizeOperand(NamedTuple):
    path: Path


class _ValueOperand(NamedTuple):
    value: object


_Operand: TypeAlias = _PathOperand | _SizeOperand | _ValueOperand


class _Test(NamedTuple):
    """One comparison or function: text with one ``{}`` for each operand."""

    pattern: str
    operands: tuple[_Operand, ...]


class _Not(NamedTuple):
    negated: _Node
    depth: int


class _Joined(NamedTuple):
    """Two or more nodes, none of them joined by the same operator."""

    operator: Literal["AND", "OR"]
    nodes: tuple[_Node, ...]
    depth: int


_Node: TypeAlias = _Test | _Not | _Joined


def _operand(value: object) -> _Operand:
    return value._operand if isinstance(value, Comparable) else _ValueOperand(value)


def _depth(node: _Node) -> int:
    return 0 if isinstance(node, _Test) else node.depth


def _negated(node: _Node) -> _Node:
    return node.negated if isinstance(node, _Not) else _Not(node, 1 + _depth(node))


def _joined(operator: Literal["AND", "OR"], left: _Node, right: _Node) -> _Node:
    nodes = (*_nodes_under(operator, left), *_nodes_under(operator, right))
    return _Joined(operator, nodes, 1 + max(map(_depth, nodes)))


def _nodes_under(operator: str, node: _Node) -> tuple[_Node, ...]:
    return node.nodes if isinstance(node, _Joined) and node.operator == operator else (node,)


# How it is written


def _rendered(node: _Node, prefix: str) -> Rendered:
    if _depth(node) > EXPRESSION_DEPTH_MAX:
        raise ValidationError(f"a condition may be nested {EXPRESSION_DEPTH_MAX} deep, not {_depth(node)}")
    rendering = _Rendering(prefix)
    return Rendered(rendering.node(node), rendering.names, rendering.values)


class _Rendering:
    """Writes one expression and numbers its placeholders; a name keeps its number."""

    def __init__(self, prefix: str) -> None:
        if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
            raise ValidationError(f"a prefix is at most 32 letters, digits and underscores, not {prefix!r}")
        self.names: dict[str, str] = {}
        self.values: dict[str, object] = {}
        self._placeholders: dict[str, str] = {}
        self._prefix = prefix

    def node(self, node: _Node, within: str = "") -> str:
        """One stack frame a level, so that the depth allowed fits any stack."""
        if isinstance(node, _Test):
            return node.pattern.format(*map(self._operand, node.operands))
        if isinstance(node, _Not):
            return f"NOT {self.node(node.negated, 'NOT')}"
        text = f" {node.operator} ".join(map(self.node, node.nodes, repeat(node.operator)))
        # AND binds closer than OR, and one parenthesis too many would be refused.
        return f"({text})" if within == "NOT" or (within, node.operator) == ("AND", "OR") else text

    def _operand(self, operand: _Operand) -> str:
        if isinstance(operand, _ValueOperand):
            placeholder = f":{self._prefix}{len(self.values)}"
            self.values[placeholder] = operand.value
            return placeholder
        path = self.path(operand.path)
        return f"size({path})" if isinstance(operand, _SizeOperand) else path

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
