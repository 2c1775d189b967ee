"""Conditions, key conditions and values to store, written in Python instead of text.

    Key("country").eq("IS") & Key("icao").begins_with("BI")
    Attr("size.runways[0]").gt(2000) | ~Attr("closed").exists()
    Attr("visits").if_not_exists(0) + 1        (a value for ``Set``, see ``update_builder``)

What is built is rendered to a text with placeholders (``rendering``). The path of an
``Attr`` is a document path; a ``Key`` is always one name, taken as it is. Where a test takes
a value it also takes another ``Attr`` or its ``size()``.
"""

from __future__ import annotations

from collections.abc import Iterable

from kvdb.errors import ValidationError
from kvdb.expr.rendering import (
    Node,
    Operand,
    PathLike,
    PathOperand,
    Rendered,
    Test,
    ValueOperand,
    called,
    checked_path,
    joined,
    negated,
    parse_path,
    rendered,
)


class BuiltCondition:
    """What the tests of ``Attr`` make: combine with ``&``, ``|`` and ``~``. Immutable."""

    __slots__ = ("_node",)

    def __init__(self, node: Node) -> None:
        self._node = node

    def __and__(self, other: BuiltCondition) -> BuiltCondition:
        if not isinstance(other, BuiltCondition):
            return NotImplemented
        return BuiltCondition(joined("AND", self._node, other._node))

    def __or__(self, other: BuiltCondition) -> BuiltCondition:
        if not isinstance(other, BuiltCondition):
            return NotImplemented
        return BuiltCondition(joined("OR", self._node, other._node))

    def __invert__(self) -> BuiltCondition:
        return BuiltCondition(negated(self._node))

    def __bool__(self) -> bool:
        # ``a and b`` would silently drop one of the two conditions.
        raise TypeError("combine conditions with & | ~, not with and, or, not")

    def render(self, prefix: str = "") -> Rendered:
        """The condition as text; ``prefix`` (letters, digits, ``_``) begins each placeholder.

        Raises:
            ValidationError: the prefix is not one, or the condition is nested too deeply.
        """
        return rendered(self._node, prefix)


class BuiltKeyCondition:
    """What the tests of ``Key`` make: combine with ``&``. Immutable."""

    __slots__ = ("_node",)

    def __init__(self, node: Node) -> None:
        self._node = node

    def __and__(self, other: BuiltKeyCondition) -> BuiltKeyCondition:
        if not isinstance(other, BuiltKeyCondition):
            return NotImplemented
        return BuiltKeyCondition(joined("AND", self._node, other._node))

    def __bool__(self) -> bool:
        # ``a and b`` would silently drop one of the two conditions.
        raise TypeError("combine key conditions with &, not with and")

    def render(self, prefix: str = "") -> Rendered:
        """As ``BuiltCondition.render``."""
        return rendered(self._node, prefix)


class Key:
    """A key attribute, to say what a query reads."""

    __slots__ = ("_operand",)

    def __init__(self, name: str) -> None:
        """Name the key attribute.

        Raises:
            ValidationError: the name is empty or not a string.
        """
        self._operand = PathOperand(checked_path((name,)))

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
        return BuiltKeyCondition(Test(pattern, (self._operand, *map(_operand, values))))


class Comparable:
    """What has a value to compare: an attribute, or its size."""

    __slots__ = ("_operand",)

    _operand: Operand

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
        return BuiltCondition(Test(pattern, (self._operand, *map(_operand, values))))


class Storable:
    """What may be stored by ``Set``, and be part of what is: an attribute, or it with a default."""

    __slots__ = ()

    _operand: Operand

    def __add__(self, other: object) -> Computed:
        return Computed("{} + {}", self, other)

    def __radd__(self, other: object) -> Computed:
        return Computed("{} + {}", other, self)

    def __sub__(self, other: object) -> Computed:
        return Computed("{} - {}", self, other)

    def __rsub__(self, other: object) -> Computed:
        return Computed("{} - {}", other, self)

    def append(self, elements: object) -> Computed:
        """This list with ``elements``, a list or where one stands, behind it."""
        return Computed("list_append({}, {})", self, elements)

    def prepend(self, elements: object) -> Computed:
        """This list with ``elements``, a list or where one stands, before it."""
        return Computed("list_append({}, {})", elements, self)


class Computed:
    """A sum, a difference or a joined list: stored by ``Set`` as it is, and part of nothing else."""

    __slots__ = ("_operand",)

    def __init__(self, pattern: str, *parts: object) -> None:
        self._operand = called(pattern, *map(stored_operand, parts))


class Attr(Comparable, Storable):
    """An attribute, or what stands at a document path inside one."""

    __slots__ = ()

    def __init__(self, path: PathLike) -> None:
        """Say where the value stands.

        Raises:
            ValidationError: not a document path.
        """
        self._operand = PathOperand(parse_path(path))

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

    def if_not_exists(self, otherwise: object) -> Otherwise:
        """To store: the attribute, or, where there is none, ``otherwise``."""
        return Otherwise(self, otherwise)

    def size(self) -> Size:
        """Its length, to be compared with a number."""
        return Size(self)


class Otherwise(Storable):
    """An attribute, or another value where it does not exist."""

    __slots__ = ("_operand",)

    def __init__(self, attr: Attr, otherwise: object) -> None:
        self._operand = called("if_not_exists({}, {})", attr._operand, stored_operand(otherwise))


class Size(Comparable):
    """The size of an attribute: characters, bytes or elements."""

    __slots__ = ()

    def __init__(self, attr: Attr) -> None:
        self._operand = called("size({})", attr._operand)


def stored_operand(value: object) -> Operand:
    """An operand of what ``Set`` stores.

    Raises:
        ValidationError: it may not be part of that.
    """
    if isinstance(value, Storable):
        return value._operand
    if isinstance(value, (Size, Computed)):
        kind = "a size" if isinstance(value, Size) else "a sum, difference or joined list"
        raise ValidationError(f"{kind} cannot be part of a value to store")
    return ValueOperand(value)


def _operand(value: object) -> Operand:
    return value._operand if isinstance(value, Comparable) else ValueOperand(value)
