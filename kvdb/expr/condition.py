"""Conditions and filters: is this true of that item?

A tree is compiled once into Python closures ``(bound, item) -> bool``. ``bound`` holds
what a request's placeholders stand for, so the closures serve every request with the
same text, and evaluating an item walks no tree and looks nothing up but attributes.

Rules, for what an item may hold (source: ScyllaDB ``test_condition_expression.py``,
which passes against the service; dynalite; dynoxide #8, #103, #111):

- values of different types are never equal; documents and sets compare by value;
- an operand that is missing makes ``<>`` true and any other test false, even between
  two missing ones;
- only S, N and B have an order, each within itself; other types compare as false;
- ``contains``: a part of a string or binary, an element of a set or list;
- ``size``: characters of a string (UTF-16 units), bytes, elements; none of N, BOOL, NULL.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import TypeAlias, cast

from kvdb.expr.checks import OPERAND_COUNTS, ORDERED, Needs, at_most, leaves, paths_of
from kvdb.expr.messages import ExpressionKind
from kvdb.expr.names import Placeholders, Table, is_placeholder, resolved
from kvdb.expr.nodes import And, Between, Call, Comparison, In, Leaf, Not, Operand, Or, Path, Value
from kvdb.expr.nodes import Condition as Tree
from kvdb.item import path
from kvdb.item.path import MISSING
from kvdb.item.value import AttributeValue, Item, equals, type_name

_Bound: TypeAlias = tuple[object, ...]
_Test: TypeAlias = Callable[[_Bound, Item], bool]
_Fetch: TypeAlias = Callable[[_Bound, Item], object]
"""What an operand is for this item; ``MISSING`` when it has no value."""

_NUMBERS = frozenset({int, Decimal})
_SCALARS = frozenset({str, int, Decimal, bytes, bool, type(None)})
_ORDERINGS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class Condition:
    """One condition or filter of one request, ready to be asked of any number of items."""

    __slots__ = ("_heads", "_table", "holds")

    holds: Callable[[Item], bool]
    """Whether it is true of an item. An item that does not exist is ``{}``."""

    def __init__(self, holds: Callable[[Item], bool], heads: frozenset[str], table: Table) -> None:
        self.holds = holds
        self._heads = heads
        self._table = table

    @property
    def top_level_names(self) -> frozenset[str]:
        """The attributes it looks at, placeholders resolved: ``a`` for ``#a.b[1]``."""
        return frozenset(str(resolved((head,), self._table)[0]) for head in self._heads)


class ConditionProgram:
    """A compiled tree, the same for every request with this text. Immutable, so shared."""

    __slots__ = ("_heads", "_needs", "_slots", "_test")

    def __init__(self, tree: Tree, kind: ExpressionKind) -> None:
        compilation = _Compilation()
        self._test = compilation.test(tree)
        self._slots = tuple(compilation.slots)
        self._needs = Needs(tree, kind)
        self._heads = frozenset(str(found.parts[0]) for leaf in leaves(tree) for found in paths_of(leaf))

    def bound_to(self, placeholders: Placeholders) -> Condition:
        """The condition of one request. Cost: a few look-ups a placeholder.

        Raises:
            ValidationError: a placeholder is not defined, or a value's type does not fit.
        """
        table = self._needs.table_of(placeholders)
        bound = tuple(
            [table[slot] if isinstance(slot, str) else resolved(slot, table) for slot in self._slots]
        )
        return Condition(partial(self._test, bound), self._heads, table)


class _Compilation:
    """Turns one tree into closures, and gathers what they expect in ``bound``."""

    def __init__(self) -> None:
        self.slots: dict[str | path.Path, int] = {}
        """What the places of ``bound`` are made from, a placeholder or a path to resolve, in order."""

    def test(self, tree: Tree) -> _Test:
        if isinstance(tree, And):
            return _all(tuple(map(self.test, tree.conditions)))
        if isinstance(tree, Or):
            return _any(tuple(map(self.test, tree.conditions)))
        if isinstance(tree, Not):
            return _negated(self.test(tree.condition))
        return self._leaf(tree)

    def _leaf(self, leaf: Leaf) -> _Test:
        if isinstance(leaf, Comparison):
            left, right = self._fetch(leaf.left), self._fetch(leaf.right)
            if leaf.comparator == "=":
                return _equal(left, right)
            if leaf.comparator == "<>":
                return _negated(_equal(left, right))
            return _ordered(_ORDERINGS[leaf.comparator], left, right)
        if isinstance(leaf, Between):
            return _between(*map(self._fetch, (leaf.operand, leaf.lower, leaf.upper)))
        if isinstance(leaf, In):
            return _in(self._fetch(leaf.operand), tuple(map(self._fetch, leaf.candidates)))
        if len(leaf.operands) != OPERAND_COUNTS[leaf.function]:
            return _never  # ``Needs`` refuses every request that sends this.
        return _FUNCTIONS[leaf.function](*map(self._fetch, leaf.operands))

    def _fetch(self, operand: Operand) -> _Fetch:
        if isinstance(operand, Value):
            return _fetch_bound(self._slot(operand.placeholder))
        if isinstance(operand, Call):
            return _fetch_size(self._fetch(operand.operands[0]))
        return self._fetch_path(operand)

    def _fetch_path(self, operand: Path) -> _Fetch:
        parts = operand.parts
        head = str(parts[0])
        if not any(map(is_placeholder, parts)):
            return _fetch_attribute(head) if len(parts) == 1 else _fetch_nested(parts)
        if len(parts) == 1:
            return _fetch_bound_attribute(self._slot(head))
        return _fetch_bound_nested(self._slot(parts))

    def _slot(self, content: str | path.Path) -> int:
        return self.slots.setdefault(content, len(self.slots))


# Operands


def _fetch_bound(slot: int) -> _Fetch:
    return lambda bound, item: bound[slot]


def _fetch_attribute(name: str) -> _Fetch:
    return lambda bound, item: item.get(name, MISSING)


def _fetch_bound_attribute(slot: int) -> _Fetch:
    return lambda bound, item: item.get(cast(str, bound[slot]), MISSING)


def _fetch_nested(parts: path.Path) -> _Fetch:
    return lambda bound, item: path.get(item, parts)


def _fetch_bound_nested(slot: int) -> _Fetch:
    return lambda bound, item: path.get(item, cast(path.Path, bound[slot]))


def _fetch_size(fetch: _Fetch) -> _Fetch:
    return lambda bound, item: _size(fetch(bound, item))


def _size(value: object) -> object:
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-16-le")) // 2
    if isinstance(value, (bytes, set, list, dict)):
        return len(value)
    return MISSING


# Tests


def _never(bound: _Bound, item: Item) -> bool:
    return False


def _all(tests: tuple[_Test, ...]) -> _Test:
    def test(bound: _Bound, item: Item) -> bool:
        for each in tests:  # noqa: SIM110 - all() over a generator costs twice as much
            if not each(bound, item):
                return False
        return True

    return test


def _any(tests: tuple[_Test, ...]) -> _Test:
    def test(bound: _Bound, item: Item) -> bool:
        for each in tests:  # noqa: SIM110 - any() over a generator costs twice as much
            if each(bound, item):
                return True
        return False

    return test


def _negated(negated: _Test) -> _Test:
    return lambda bound, item: not negated(bound, item)


def _equal(left: _Fetch, right: _Fetch) -> _Test:
    def test(bound: _Bound, item: Item) -> bool:
        one, other = left(bound, item), right(bound, item)
        kind = type(one)
        if kind is not type(other):
            return False
        return one == other if kind in _SCALARS else one is not MISSING and equals(one, other)

    return test


def _ordered(compare: Callable[..., object], left: _Fetch, right: _Fetch) -> _Test:
    def test(bound: _Bound, item: Item) -> bool:
        one, other = left(bound, item), right(bound, item)
        kind = type(one)
        if kind is type(other):
            return kind in ORDERED and bool(compare(one, other))
        return kind in _NUMBERS and type(other) in _NUMBERS and bool(compare(one, other))

    return test


def _between(operand: _Fetch, lower: _Fetch, upper: _Fetch) -> _Test:
    def test(bound: _Bound, item: Item) -> bool:
        value = operand(bound, item)
        return at_most(lower(bound, item), value) and at_most(value, upper(bound, item))

    return test


def _in(operand: _Fetch, candidates: tuple[_Fetch, ...]) -> _Test:
    def test(bound: _Bound, item: Item) -> bool:
        value = operand(bound, item)
        return value is not MISSING and any(equals(value, each(bound, item)) for each in candidates)

    return test


def _attribute_exists(operand: _Fetch) -> _Test:
    return lambda bound, item: operand(bound, item) is not MISSING


def _attribute_not_exists(operand: _Fetch) -> _Test:
    return lambda bound, item: operand(bound, item) is MISSING


def _attribute_type(operand: _Fetch, name: _Fetch) -> _Test:
    def test(bound: _Bound, item: Item) -> bool:
        value = operand(bound, item)
        return value is not MISSING and type_name(value) == name(bound, item)

    return test


def _begins_with(operand: _Fetch, prefix: _Fetch) -> _Test:
    def test(bound: _Bound, item: Item) -> bool:
        whole, start = operand(bound, item), prefix(bound, item)
        if isinstance(whole, str):
            return isinstance(start, str) and whole.startswith(start)
        return isinstance(whole, bytes) and isinstance(start, bytes) and whole.startswith(start)

    return test


def _contains(operand: _Fetch, part: _Fetch) -> _Test:
    return lambda bound, item: _has(operand(bound, item), part(bound, item))


def _has(whole: object, part: AttributeValue) -> bool:
    if isinstance(whole, str):
        return isinstance(part, str) and part in whole
    if isinstance(whole, bytes):
        return isinstance(part, bytes) and part in whole
    if isinstance(whole, set):
        # True is not the number 1, though Python says they are equal.
        return type(part) in ORDERED and part in whole
    return isinstance(whole, list) and any(equals(element, part) for element in whole)


_FUNCTIONS: dict[str, Callable[..., _Test]] = {
    "attribute_exists": _attribute_exists,
    "attribute_not_exists": _attribute_not_exists,
    "attribute_type": _attribute_type,
    "begins_with": _begins_with,
    "contains": _contains,
}
