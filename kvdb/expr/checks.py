"""What a request's names and values must be for a condition to make sense.

The tree of a condition is the same for every request; whether ``begins_with(a, :v)``
may be asked depends on ``:v``. So each leaf of the tree gives the placeholders it
needs and the checks on them, to be run once a request, never per item.

Several faults: the first leaf that has one decides, and within it undefined
placeholders come first, then operand counts, operands that must differ, operand types.
Source: dynalite ``db/conditionParser.pegjs``; orderings and IN: field reports.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple, NoReturn, TypeAlias

from kvdb.expr import messages
from kvdb.expr.messages import ExpressionKind
from kvdb.expr.names import Table, is_placeholder, resolved
from kvdb.expr.nodes import And, Between, Call, Comparison, Condition, In, Leaf, Not, Operand, Or, Path, Value
from kvdb.item import number
from kvdb.item.path import Path as ItemPath
from kvdb.item.value import AttributeValue, type_name
from kvdb.limits import IN_OPERANDS_MAX

Check: TypeAlias = Callable[[Table], None]
"""Raises ValidationError when the request's names and values do not fit."""

ORDERED = frozenset({str, int, Decimal, bytes})
"""Python classes of the types that have an order: S, N and B."""
_WITH_PREFIX = frozenset({str, bytes})
_WITH_SIZE = frozenset({str, bytes, set, list, dict})

OPERAND_COUNTS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
}
_ON_A_PATH: Mapping[str, tuple[type, ...]] = {
    "attribute_exists": (Path,),
    "attribute_not_exists": (Path,),
    # Source: ScyllaDB, test_condition_expression.py, run against the service.
    "attribute_type": (Path, Value),
}
_TYPE_NAMES = frozenset({"B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M"})
_ANY_TYPE = "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"


class _LeafNeeds(NamedTuple):
    """What one leaf asks of a request."""

    placeholders: tuple[str, ...]
    """In the order written."""
    checks: tuple[Check, ...]
    """To be run in this order, once the placeholders are known to be defined."""
    value_checks: tuple[Check, ...]
    """Those of them that look at more of a value than its class."""


class Needs:
    """What one condition asks of every request that sends it. Immutable, so shared."""

    __slots__ = ("_checks", "_kind", "_leaves", "placeholders", "value_checks")

    def __init__(self, condition: Condition, kind: ExpressionKind) -> None:
        self._kind = kind
        self._leaves = tuple(_needs_of(leaf, kind) for leaf in leaves(condition))
        self._checks = tuple(check for needs in self._leaves for check in needs.checks)
        self.value_checks = tuple(check for needs in self._leaves for check in needs.value_checks)
        """What is left to ask of a request of a shape that ``check`` has passed."""
        self.placeholders = frozenset(name for needs in self._leaves for name in needs.placeholders)

    def check(self, table: Table) -> None:
        """Cost: one look-up a placeholder, one small call a check.

        Raises:
            ValidationError: a placeholder is not defined, or a check found a fault.
        """
        if not self.placeholders <= table.keys():
            self._refuse_first_fault(table)
        for check in self._checks:
            check(table)

    def _refuse_first_fault(self, table: Table) -> None:
        """Something is undefined; but a leaf further left may have another fault."""
        for needs in self._leaves:
            for placeholder in needs.placeholders:
                check_defined(placeholder, table, self._kind)
            for check in needs.checks:
                check(table)


def check_defined(placeholder: str, table: Table, kind: ExpressionKind) -> None:
    """Refuse an expression that uses a placeholder its request does not define.

    Raises:
        ValidationError: names the placeholder.
    """
    if placeholder not in table:
        undefined = messages.undefined_name if is_placeholder(placeholder) else messages.undefined_value
        messages.invalid(kind, undefined(placeholder))


def check_apart(paths: tuple[ItemPath, ...], kind: ExpressionKind) -> None:
    """Refuse paths of which one is the start of another, else paths that disagree on a place.

    ``paths`` have their placeholders resolved. Cost: one look-up for each step of each path.

    Raises:
        ValidationError: names the two paths.
    """
    whole: set[ItemPath] = set()
    kinds: dict[ItemPath, type] = {}
    conflict = ""
    for at, path in enumerate(paths):
        starts = [path[:length] for length in range(1, len(path))]
        if path in whole or path in kinds or not whole.isdisjoint(starts):
            other = next(one for one in paths[:at] if all(a == b for a, b in zip(one, path, strict=False)))
            messages.invalid(kind, messages.paths_overlap(other, path))
        whole.add(path)
        for start in starts:
            step = type(path[len(start)])
            if kinds.setdefault(start, step) is not step and not conflict:
                other = next(one for one in paths[:at] if one[: len(start)] == start)
                conflict = messages.paths_conflict(other, path)
    if conflict:
        messages.invalid(kind, conflict)


def leaves(condition: Condition) -> Iterator[Leaf]:
    """The comparisons, ranges, memberships and calls of a condition, in the order written."""
    pending = [condition]
    while pending:
        node = pending.pop()
        if isinstance(node, (And, Or)):
            pending.extend(reversed(node.conditions))
        elif isinstance(node, Not):
            pending.append(node.condition)
        else:
            yield node


def operands_of(leaf: Leaf) -> tuple[Operand, ...]:
    """The operands of a leaf, in the order written."""
    if isinstance(leaf, Comparison):
        return leaf.left, leaf.right
    if isinstance(leaf, Between):
        return leaf.operand, leaf.lower, leaf.upper
    if isinstance(leaf, In):
        return leaf.operand, *leaf.candidates
    return leaf.operands


def paths_of(leaf: Leaf) -> list[Path]:
    """Every document path in a leaf, inside calls too."""
    return [operand for operand in _flattened(operands_of(leaf)) if isinstance(operand, Path)]


def _needs_of(leaf: Leaf, kind: ExpressionKind) -> _LeafNeeds:
    operands = _flattened(operands_of(leaf))
    placeholders = tuple(name for operand in operands for name in placeholders_of(operand))
    checks = _Checks(kind)
    every = tuple(checks.of_leaf(leaf))
    return _LeafNeeds(placeholders, every, tuple(checks.of_values))


def placeholders_of(operand: Path | Value) -> list[str]:
    """The placeholders in an operand that is no call, in the order written."""
    if isinstance(operand, Value):
        return [operand.placeholder]
    return [part for part in operand.parts if isinstance(part, str) and is_placeholder(part)]


def _flattened(operands: tuple[Operand, ...]) -> list[Path | Value]:
    """Operands and, in place of each call, the call's operands."""
    flat: list[Path | Value] = []
    pending = list(reversed(operands))
    while pending:
        operand = pending.pop()
        if isinstance(operand, Call):
            pending.extend(reversed(operand.operands))
        else:
            flat.append(operand)
    return flat


class _Checks:
    """Makes the checks of one leaf; ``kind`` goes into their messages."""

    def __init__(self, kind: ExpressionKind) -> None:
        self._kind = kind
        self.of_values: list[Check] = []

    def of_leaf(self, leaf: Leaf) -> Iterator[Check]:
        calls = _calls_inside_out(leaf)
        for call in calls:
            yield from self._operand_count(call)
        yield from self._distinct(leaf)
        for call in calls:
            if len(call.operands) == OPERAND_COUNTS[call.function]:
                yield from self._of_call(call)
        if isinstance(leaf, Comparison) and leaf.comparator not in ("=", "<>"):
            yield from self._operand_types(leaf.comparator, operands_of(leaf), ORDERED)
        elif isinstance(leaf, Between):
            yield from self._operand_types("BETWEEN", operands_of(leaf), ORDERED)
            yield from self._bounds(leaf.lower, leaf.upper)
        elif isinstance(leaf, In) and len(leaf.candidates) > IN_OPERANDS_MAX:
            yield self._always(messages.too_many_candidates(len(leaf.candidates)))

    def _of_call(self, call: Call) -> Iterator[Check]:
        if not isinstance(call.operands[0], _ON_A_PATH.get(call.function, object)):
            yield self._always(messages.needs_path(call.function))
        if call.function == "begins_with":
            yield from self._operand_types(call.function, call.operands, _WITH_PREFIX)
        elif call.function == "size":
            yield from self._operand_types(call.function, call.operands, _WITH_SIZE)
        elif call.function == "attribute_type":
            yield self._type_name(call.operands[1])

    def _operand_count(self, call: Call) -> Iterator[Check]:
        if len(call.operands) != OPERAND_COUNTS[call.function]:
            yield self._always(messages.operand_count(call.function, len(call.operands)))

    def _distinct(self, leaf: Leaf) -> Iterator[Check]:
        """The first operand may not be the same document path as another one."""
        first, *others = operands_of(leaf)
        if not isinstance(first, Path):
            return
        operator, parts = _operator(leaf), first.parts
        for other in others:
            if isinstance(other, Path) and len(other.parts) == len(parts):
                yield self._differ(operator, parts, other.parts)

    def _differ(self, operator: str, first: tuple[str | int, ...], other: tuple[str | int, ...]) -> Check:
        def check(table: Table) -> None:
            path = resolved(first, table)
            if path == resolved(other, table):
                self._refuse(messages.not_distinct(operator, path))

        return check

    def _operand_types(
        self, operator: str, operands: tuple[Operand, ...], allowed: frozenset[type]
    ) -> Iterator[Check]:
        """The type of a path is the item's affair; that of a value and of ``size()`` is known."""
        for operand in operands:
            if isinstance(operand, Value):
                yield self._type_in(operator, operand.placeholder, allowed)
            elif isinstance(operand, Call) and int not in allowed:
                yield self._always(messages.operand_type(operator, "N"))

    def _type_in(self, operator: str, placeholder: str, allowed: frozenset[type]) -> Check:
        def check(table: Table) -> None:
            if type(table[placeholder]) not in allowed:
                self._refuse(messages.operand_type(operator, type_name(table[placeholder])))

        return check

    def _bounds(self, lower: Operand, upper: Operand) -> Iterator[Check]:
        if isinstance(lower, Value) and isinstance(upper, Value):
            yield self._bounds_in_order(lower.placeholder, upper.placeholder)

    def _bounds_in_order(self, lower: str, upper: str) -> Check:
        def check(table: Table) -> None:
            low, high = table[lower], table[upper]
            if type_name(low) != type_name(high):
                self._refuse(messages.bounds_of_two_types(_bound_text(low), _bound_text(high)))
            if not at_most(low, high):
                self._refuse(messages.bounds_out_of_order(_bound_text(low), _bound_text(high)))

        self.of_values.append(check)
        return check

    def _type_name(self, operand: Operand) -> Check:
        if not isinstance(operand, Value):
            found = _ANY_TYPE if isinstance(operand, Path) else "N"
            return self._always(messages.operand_type("attribute_type", found))

        def check(table: Table) -> None:
            name = table[operand.placeholder]
            if not isinstance(name, str):
                self._refuse(messages.operand_type("attribute_type", type_name(name)))
            if name not in _TYPE_NAMES:
                self._refuse(messages.invalid_type_name(name))

        self.of_values.append(check)
        return check

    def _always(self, message: str) -> Check:
        """The leaf itself is at fault; only its undefined placeholders come before that."""

        def check(table: Table) -> None:
            self._refuse(message)

        return check

    def _refuse(self, message: str) -> NoReturn:
        messages.invalid(self._kind, message)


def at_most(left: AttributeValue, right: AttributeValue) -> bool:
    """``left <= right`` for two values of one ordered type; false for any others."""
    if isinstance(left, str) and isinstance(right, str):
        return left <= right
    if isinstance(left, bytes) and isinstance(right, bytes):
        return left <= right
    if isinstance(left, (int, Decimal)) and isinstance(right, (int, Decimal)):
        return type(left) is not bool and type(right) is not bool and left <= right
    return False


def _calls_inside_out(leaf: Leaf) -> list[Call]:
    """The calls of a leaf, a call's operands before the call itself."""
    calls: list[Call] = []
    pending: list[Leaf | Operand] = [leaf]
    while pending:
        node = pending.pop()
        if isinstance(node, (Path, Value)):
            continue
        if isinstance(node, Call):
            calls.append(node)
        pending.extend(operands_of(node))
    return calls[::-1]


def _operator(leaf: Leaf) -> str:
    if isinstance(leaf, Comparison):
        return leaf.comparator
    if isinstance(leaf, Call):
        return leaf.function
    return "BETWEEN" if isinstance(leaf, Between) else "IN"


def _bound_text(value: AttributeValue) -> str:
    """``N:1``, ``S:a``: a bound as the service shows it, binary in base64."""
    if isinstance(value, bytes):
        text = b64encode(value).decode()
    elif isinstance(value, (int, Decimal)):
        text = number.to_text(value)
    else:
        text = str(value)
    return f"{type_name(value)}:{text}"
