"""Conditions and filters: is this true of that item?

A tree is compiled into makers, ``(values) -> test``, once for each shape of request
(``names``): given a request's values they give its test, ``(item) -> bool``. Each test is
chosen for what it is asked of, so that evaluating an item walks no tree, looks nothing up
but attributes and decides nothing that the request has decided.

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

from kvdb.expr.checks import ORDERED, Needs, at_most, leaves, paths_of
from kvdb.expr.messages import ExpressionKind
from kvdb.expr.names import Placeholders, Shape, Table, is_placeholder, remember, resolved
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
from kvdb.expr.operands import Fetch, fetcher_of
from kvdb.item.path import MISSING
from kvdb.item.value import AttributeValue, Item, equals, type_name

_Test: TypeAlias = Callable[[Item], bool]
_Maker: TypeAlias = Callable[[Table], _Test]

_Compare: TypeAlias = Callable[..., bool]

_NUMBERS = frozenset({int, Decimal})
_ORDERINGS: dict[str, _Compare] = {
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


class Condition:
    """One condition or filter of one request, ready to be asked of any number of items."""

    __slots__ = ("holds", "nested_names", "top_level_names")

    holds: Callable[[Item], bool]
    """Whether it is true of an item. An item that does not exist is ``{}``."""
    top_level_names: frozenset[str]
    """The attributes it looks at, placeholders resolved: ``a`` for ``#a.b[1]``."""
    nested_names: frozenset[str]
    """Those of them it looks into: no key attribute has an inside."""

    def __init__(self, holds: Callable[[Item], bool], shaped: _Shaped) -> None:
        self.holds = holds
        self.top_level_names = shaped.top_level_names
        self.nested_names = shaped.nested_names


class _Shaped:
    """A condition whose names are known and whose values fit, whatever they are."""

    __slots__ = ("make", "nested_names", "top_level_names")

    def __init__(self, tree: Tree, table: Table) -> None:
        self.make = _maker(tree, {name: table[name] for name in table if is_placeholder(name)})
        paths = [resolved(path.parts, table) for leaf in leaves(tree) for path in paths_of(leaf)]
        self.top_level_names = frozenset(str(path[0]) for path in paths)
        self.nested_names = frozenset(str(path[0]) for path in paths if len(path) > 1)


class ConditionProgram:
    """A parsed condition, for every request with this text. Immutable but for the shapes it has
    seen, so shared."""

    __slots__ = ("_needs", "_shapes", "_tree")

    def __init__(self, tree: Tree, kind: ExpressionKind) -> None:
        self._tree = tree
        self._needs = Needs(tree, kind)
        self._shapes: dict[Shape, _Shaped] = {}

    def bound_to(self, placeholders: Placeholders) -> Condition:
        """The condition of one request. Cost: a look-up a placeholder, a closure a test; for a
        shape not seen before, that of compiling it.

        Raises:
            ValidationError: a placeholder is not defined, or a value's type does not fit.
        """
        table, shape = placeholders.table, placeholders.shape
        shaped = None if shape is None else self._shapes.get(shape)
        if shaped is None:
            self._needs.check(table)
            shaped = _Shaped(self._tree, table)
            remember(self._shapes, shape, shaped)
        else:
            for check in self._needs.value_checks:
                check(table)
        placeholders.mark_used(self._needs.placeholders)
        return Condition(shaped.make(table), shaped)


def _maker(tree: Tree, names: Table) -> _Maker:
    if isinstance(tree, (And, Or)):
        join = _all if isinstance(tree, And) else _any
        return _joined(join, tuple([_maker(each, names) for each in tree.conditions]))
    if isinstance(tree, Not):
        return _not(_maker(tree.condition, names))
    return _leaf_maker(tree, names)


def _joined(join: Callable[[list[_Test]], _Test], makers: tuple[_Maker, ...]) -> _Maker:
    return lambda values: join([make(values) for make in makers])


def _not(make: _Maker) -> _Maker:
    return lambda values: _negated(make(values))


def _leaf_maker(leaf: Leaf, names: Table) -> _Maker:
    if isinstance(leaf, Comparison):
        return _comparison_maker(leaf, names)
    if isinstance(leaf, Between):
        return _between_maker(leaf, names)
    if isinstance(leaf, In):
        operand, *candidates = [fetcher_of(each, names) for each in (leaf.operand, *leaf.candidates)]
        return lambda values: _in(operand(values), tuple([each(values) for each in candidates]))
    return _call_maker(leaf, names)


def _comparison_maker(leaf: Comparison, names: Table) -> _Maker:
    left, right, comparator = leaf.left, leaf.right, leaf.comparator
    if isinstance(left, Value):
        left, right, comparator = right, left, _MIRRORED[comparator]
    compare = _ORDERINGS.get(comparator)
    make = (
        _with_value(compare, left, right, names)
        if isinstance(right, Value)
        else _of_two(compare, left, right, names)
    )
    return _not(make) if comparator == "<>" else make


def _with_value(compare: _Compare | None, operand: Operand, value: Value, names: Table) -> _Maker:
    """The right-hand side is known before the item is. Without ``compare`` it is a test for equality."""
    placeholder = value.placeholder
    if isinstance(operand, Path) and len(operand.parts) == 1:
        name = str(resolved(operand.parts, names)[0])
        if compare is None:
            return lambda values: _attribute_equals(name, values[placeholder])
        return lambda values: _attribute_ordered(compare, name, values[placeholder])
    fetcher = fetcher_of(operand, names)
    if compare is None:
        return lambda values: _equals_value(fetcher(values), values[placeholder])
    return lambda values: _ordered_with_value(compare, fetcher(values), values[placeholder])


def _of_two(compare: _Compare | None, left: Operand, right: Operand, names: Table) -> _Maker:
    one, other = fetcher_of(left, names), fetcher_of(right, names)
    if compare is None:
        return lambda values: _equal(one(values), other(values))
    return lambda values: _ordered(compare, one(values), other(values))


def _between_maker(leaf: Between, names: Table) -> _Maker:
    operand, lower, upper = [fetcher_of(each, names) for each in (leaf.operand, leaf.lower, leaf.upper)]
    if isinstance(leaf.lower, Value) and isinstance(leaf.upper, Value):
        low, high = leaf.lower.placeholder, leaf.upper.placeholder
        return lambda values: _between_values(operand(values), values[low], values[high])
    return lambda values: _between(operand(values), lower(values), upper(values))


def _call_maker(call: Call, names: Table) -> _Maker:
    fetchers = [fetcher_of(each, names) for each in call.operands]
    known = _FUNCTIONS_OF_VALUES.get(call.function)
    if known is not None and isinstance(call.operands[1], Value):
        placeholder, fetcher = call.operands[1].placeholder, fetchers[0]
        return lambda values: known(fetcher(values), values[placeholder])
    function = _FUNCTIONS[call.function]
    if all(isinstance(operand, Path) for operand in call.operands):
        test = function(*[fetcher({}) for fetcher in fetchers])
        return lambda values: test
    return lambda values: function(*[fetcher(values) for fetcher in fetchers])


# Joins


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


def _attribute_ordered(compare: _Compare, name: str, other: AttributeValue) -> _Test:
    kinds = _comparable_with(other)

    def test(item: Item) -> bool:
        value = item.get(name, MISSING)
        return type(value) in kinds and compare(value, other)

    return test


def _ordered_with_value(compare: _Compare, fetch: Fetch, other: AttributeValue) -> _Test:
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


def _ordered(compare: _Compare, left: Fetch, right: Fetch) -> _Test:
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
_FUNCTIONS_OF_VALUES: dict[str, Callable[..., _Test]] = {
    "begins_with": _begins_with_value,
    "contains": _contains_value,
}
"""Where the second operand is known before the item is."""
