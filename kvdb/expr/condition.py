"""Conditions and filters: is this true of that item?

A tree is compiled once into makers, ``(table) -> test``, which serve every request with
the same text: given a request's names and values they give its tests, ``(item) -> bool``.
Each test is chosen for what it is asked of, so that evaluating an item walks no tree,
looks nothing up but attributes and decides nothing that the request has decided.

Rules, for what an item may hold (source: ScyllaDB ``test_condition_expression.py``,
which passes against the service; dynalite; dynoxide #8, #103, #111):

- values of different types are never equal; documents and sets compare by value;
- an operand that is missing makes ``<>`` true and any other test false, even between
  two missing ones;
- only S, N and B have an order, each within itself; other types compare as false;
- ``contains``: a part of a string or binary, an element of a set or list.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias

from kvdb.expr.checks import OPERAND_COUNTS, ORDERED, Needs, at_most, leaves, paths_of
from kvdb.expr.messages import ExpressionKind
from kvdb.expr.names import Placeholders, Table, resolved
from kvdb.expr.nodes import (
    And,
    Between,
    Call,
    Comparator,
    Comparison,
    In,
    Leaf,
    Not,
    Operand,
    Or,
    Path,
    Value,
)
from kvdb.expr.nodes import Condition as Tree
from kvdb.expr.operands import Fetch, fetch_of
from kvdb.item.path import MISSING
from kvdb.item.value import AttributeValue, Item, equals, type_name

_Test: TypeAlias = Callable[[Item], bool]
_Maker: TypeAlias = Callable[[Table], _Test]

_NUMBERS = frozenset({int, Decimal})
_ORDERINGS: dict[str, Callable[..., bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MIRRORED: dict[Comparator, Comparator] = {
    "=": "=",
    "<>": "<>",
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
}
"""A comparison seen from its right-hand side."""


_NO_NAMES: frozenset[str] = frozenset()


class Condition:
    """One condition or filter of one request, ready to be asked of any number of items."""

    __slots__ = ("_nested", "_paths", "_table", "holds")

    holds: Callable[[Item], bool]
    """Whether it is true of an item. An item that does not exist is ``{}``."""

    def __init__(
        self, holds: Callable[[Item], bool], paths: tuple[Path, ...], nested: tuple[Path, ...], table: Table
    ) -> None:
        self.holds = holds
        self._paths = paths
        self._nested = nested
        self._table = table

    @property
    def top_level_names(self) -> frozenset[str]:
        """The attributes it looks at, placeholders resolved: ``a`` for ``#a.b[1]``."""
        return frozenset(str(resolved(path.parts[:1], self._table)[0]) for path in self._paths)

    @property
    def nested_names(self) -> frozenset[str]:
        """Those of them it looks into: no key attribute has an inside."""
        if not self._nested:
            return _NO_NAMES
        return frozenset(str(resolved(path.parts[:1], self._table)[0]) for path in self._nested)


class ConditionProgram:
    """A compiled tree, the same for every request with this text. Immutable, so shared."""

    __slots__ = ("_make", "_needs", "_nested", "_paths")

    def __init__(self, tree: Tree, kind: ExpressionKind) -> None:
        self._make = _maker(tree)
        self._needs = Needs(tree, kind)
        self._paths = tuple({found: None for leaf in leaves(tree) for found in paths_of(leaf)})
        self._nested = tuple(path for path in self._paths if len(path.parts) > 1)

    def bound_to(self, placeholders: Placeholders) -> Condition:
        """The condition of one request. Cost: a few look-ups a placeholder, a closure a test.

        Raises:
            ValidationError: a placeholder is not defined, or a value's type does not fit.
        """
        table = self._needs.table_of(placeholders)
        return Condition(self._make(table), self._paths, self._nested, table)


def _maker(tree: Tree) -> _Maker:
    if isinstance(tree, (And, Or)):
        join = _all if isinstance(tree, And) else _any
        return _joined(join, tuple(map(_maker, tree.conditions)))
    if isinstance(tree, Not):
        return _not(_maker(tree.condition))
    return _leaf_maker(tree)


def _joined(join: Callable[[list[_Test]], _Test], makers: tuple[_Maker, ...]) -> _Maker:
    return lambda table: join([make(table) for make in makers])


def _not(make: _Maker) -> _Maker:
    return lambda table: _negated(make(table))


def _leaf_maker(leaf: Leaf) -> _Maker:
    if isinstance(leaf, Comparison):
        return _comparison_maker(leaf)
    if isinstance(leaf, Between):
        return _between_maker(leaf)
    if isinstance(leaf, In):
        operand, candidates = leaf.operand, leaf.candidates
        return lambda table: _in(
            fetch_of(operand, table), tuple([fetch_of(each, table) for each in candidates])
        )
    if len(leaf.operands) != OPERAND_COUNTS[leaf.function]:
        return lambda table: _never  # ``Needs`` refuses every request that sends this.
    return _call_maker(leaf)


def _comparison_maker(leaf: Comparison) -> _Maker:
    left, right, comparator = leaf.left, leaf.right, leaf.comparator
    if isinstance(left, Value):
        left, right, comparator = right, left, _MIRRORED[comparator]
    make = (
        _with_value(comparator, left, right) if isinstance(right, Value) else _of_two(comparator, left, right)
    )
    return _not(make) if comparator == "<>" else make


def _with_value(comparator: Comparator, operand: Operand, value: Value) -> _Maker:
    """The right-hand side is known before the item is."""
    compare = _ORDERINGS.get(comparator)
    placeholder = value.placeholder
    if compare is None:
        if isinstance(operand, Path) and len(operand.parts) == 1:
            head = operand.parts
            return lambda table: _attribute_equals(str(resolved(head, table)[0]), table[placeholder])
        return lambda table: _equals_value(fetch_of(operand, table), table[placeholder])
    if isinstance(operand, Path) and len(operand.parts) == 1:
        head = operand.parts
        return lambda table: _attribute_ordered(compare, str(resolved(head, table)[0]), table[placeholder])
    return lambda table: _ordered_with_value(compare, fetch_of(operand, table), table[placeholder])


def _of_two(comparator: Comparator, left: Operand, right: Operand) -> _Maker:
    compare = _ORDERINGS.get(comparator)
    if compare is None:
        return lambda table: _equal(fetch_of(left, table), fetch_of(right, table))
    return lambda table: _ordered(compare, fetch_of(left, table), fetch_of(right, table))


def _between_maker(leaf: Between) -> _Maker:
    operand, lower, upper = leaf.operand, leaf.lower, leaf.upper
    if isinstance(lower, Value) and isinstance(upper, Value):
        low, high = lower.placeholder, upper.placeholder
        return lambda table: _between_values(fetch_of(operand, table), table[low], table[high])
    return lambda table: _between(*[fetch_of(each, table) for each in (operand, lower, upper)])


def _call_maker(call: Call) -> _Maker:
    first, *others = call.operands
    if call.function == "begins_with" and isinstance(others[0], Value):
        placeholder = others[0].placeholder
        return lambda table: _begins_with_value(fetch_of(first, table), table[placeholder])
    if call.function == "contains" and isinstance(others[0], Value):
        placeholder = others[0].placeholder
        return lambda table: _contains_value(fetch_of(first, table), table[placeholder])
    function, operands = _FUNCTIONS[call.function], call.operands
    return lambda table: function(*[fetch_of(each, table) for each in operands])


# Joins


def _never(item: Item) -> bool:
    return False


def _all(tests: list[_Test]) -> _Test:
    if len(tests) == 2:
        first, second = tests
        return lambda item: first(item) and second(item)
    if len(tests) == 3:
        first, second, third = tests
        return lambda item: first(item) and second(item) and third(item)

    def test(item: Item) -> bool:
        for each in tests:  # noqa: SIM110 - all() over a generator costs twice as much
            if not each(item):
                return False
        return True

    return test


def _any(tests: list[_Test]) -> _Test:
    if len(tests) == 2:
        first, second = tests
        return lambda item: first(item) or second(item)

    def test(item: Item) -> bool:
        for each in tests:  # noqa: SIM110 - any() over a generator costs twice as much
            if each(item):
                return True
        return False

    return test


def _negated(negated: _Test) -> _Test:
    return lambda item: not negated(item)


# Tests against a value of the request


def _attribute_equals(name: str, other: AttributeValue) -> _Test:
    kind = type(other)
    if kind is dict or kind is list:
        return lambda item: equals(item.get(name, MISSING), other)

    def test(item: Item) -> bool:
        value = item.get(name, MISSING)
        return type(value) is kind and value == other

    return test


def _equals_value(fetch: Fetch, other: AttributeValue) -> _Test:
    kind = type(other)
    if kind is dict or kind is list:
        return lambda item: equals(fetch(item), other)

    def test(item: Item) -> bool:
        value = fetch(item)
        return type(value) is kind and value == other

    return test


def _attribute_ordered(compare: Callable[..., bool], name: str, other: AttributeValue) -> _Test:
    kinds = _comparable_with(other)

    def test(item: Item) -> bool:
        value = item.get(name, MISSING)
        return type(value) in kinds and compare(value, other)

    return test


def _ordered_with_value(compare: Callable[..., bool], fetch: Fetch, other: AttributeValue) -> _Test:
    kinds = _comparable_with(other)

    def test(item: Item) -> bool:
        value = fetch(item)
        return type(value) in kinds and compare(value, other)

    return test


def _between_values(fetch: Fetch, low: AttributeValue, high: AttributeValue) -> _Test:
    kinds = _comparable_with(low)  # ``Needs`` has seen to it that both bounds are of one type.

    def test(item: Item) -> bool:
        value = fetch(item)
        return type(value) in kinds and low <= value <= high  # type: ignore[operator]

    return test


def _comparable_with(value: AttributeValue) -> frozenset[type]:
    """The Python classes of the values that ``value``, of an ordered type, can be compared with."""
    kind = type(value)
    return _NUMBERS if kind in _NUMBERS else frozenset({kind})


def _begins_with_value(fetch: Fetch, prefix: AttributeValue) -> _Test:
    kind = type(prefix)

    def test(item: Item) -> bool:
        value = fetch(item)
        return type(value) is kind and value.startswith(prefix)  # type: ignore[attr-defined]

    return test


def _contains_value(fetch: Fetch, part: AttributeValue) -> _Test:
    kind = type(part)
    has_order = kind in ORDERED
    is_document = kind is dict or kind is list

    def test(item: Item) -> bool:
        whole = fetch(item)
        if type(whole) is list:
            if is_document:
                return any(equals(element, part) for element in whole)
            # ``in`` alone would take True for the number 1.
            return part in whole and any(type(each) is kind and each == part for each in whole)
        if type(whole) is set:
            return has_order and part in whole
        return type(whole) is kind and (kind is str or kind is bytes) and part in whole  # type: ignore[operator]

    return test


# Tests of any operands


def _equal(left: Fetch, right: Fetch) -> _Test:
    def test(item: Item) -> bool:
        one = left(item)
        return one is not MISSING and equals(one, right(item))

    return test


def _ordered(compare: Callable[..., bool], left: Fetch, right: Fetch) -> _Test:
    def test(item: Item) -> bool:
        one, other = left(item), right(item)
        kind = type(one)
        if kind is type(other):
            return kind in ORDERED and compare(one, other)
        return kind in _NUMBERS and type(other) in _NUMBERS and compare(one, other)

    return test


def _between(operand: Fetch, lower: Fetch, upper: Fetch) -> _Test:
    def test(item: Item) -> bool:
        value = operand(item)
        return at_most(lower(item), value) and at_most(value, upper(item))

    return test


def _in(operand: Fetch, candidates: tuple[Fetch, ...]) -> _Test:
    def test(item: Item) -> bool:
        value = operand(item)
        return value is not MISSING and any(equals(value, each(item)) for each in candidates)

    return test


def _attribute_exists(operand: Fetch) -> _Test:
    return lambda item: operand(item) is not MISSING


def _attribute_not_exists(operand: Fetch) -> _Test:
    return lambda item: operand(item) is MISSING


def _attribute_type(operand: Fetch, name: Fetch) -> _Test:
    def test(item: Item) -> bool:
        value = operand(item)
        return value is not MISSING and type_name(value) == name(item)

    return test


def _begins_with(operand: Fetch, prefix: Fetch) -> _Test:
    def test(item: Item) -> bool:
        whole, start = operand(item), prefix(item)
        if isinstance(whole, str):
            return isinstance(start, str) and whole.startswith(start)
        return isinstance(whole, bytes) and isinstance(start, bytes) and whole.startswith(start)

    return test


def _contains(operand: Fetch, part: Fetch) -> _Test:
    return lambda item: _has(operand(item), part(item))


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
