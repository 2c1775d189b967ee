"""Key conditions: which part of a table or index a query reads.

    key condition := partition "=" value ["AND" sort-test]
                   | (hash "=" value)+ (range "=" value)* [sort-test]        joined by AND
    sort-test     := sort ("=" | "<" | "<=" | ">" | ">=") value
                   | sort "BETWEEN" value "AND" value
                   | "begins_with" "(" sort "," value ")"

in any order, parentheses allowed, and a comparison may have its value on the left.
The grammar and its checks are those of any condition; the rules here come after them.

The second form is for an index with several HASH or several RANGE attributes: every HASH attribute is
tested for equality; the RANGE attributes from the first on, without a gap, and all but the last
one tested for equality.

Sources: dynalite ``validations/index.js`` (convertKeyCondition), ``actions/query.js``; developer
guide, "Multi-attribute keys pattern".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, cast

from kvdb.errors import ValidationError
from kvdb.expr import messages
from kvdb.expr.checks import Needs, operands_of
from kvdb.expr.names import Placeholders, Shape, Table, remember, resolved
from kvdb.expr.nodes import And, Between, Call, Comparison, Condition, In, Leaf, Not, Or, Path, Value
from kvdb.item.value import AttributeValue

SortOperator: TypeAlias = Literal["=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"]

_KIND: messages.ExpressionKind = "KeyConditionExpression"
_MIRRORED: Mapping[str, SortOperator] = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""A comparison seen from its right-hand side."""
_TESTS_MAX = 2


@dataclass(frozen=True, slots=True)
class SortBound:
    """A test on the sort key: two operands, lower then upper, with ``BETWEEN``, else one."""

    op: SortOperator
    operands: tuple[AttributeValue, ...]


@dataclass(frozen=True, slots=True)
class KeyCondition:
    """What a query reads: one partition, and of it what the sort key's tests let through, or all."""

    partition_values: tuple[AttributeValue, ...]
    """One for each HASH attribute."""
    sort_values: tuple[AttributeValue, ...]
    """What the first RANGE attributes must equal; those before the one that ``sort`` tests."""
    sort: SortBound | None
    """The test of the last RANGE attribute that is tested at all."""


class _KeyTest(NamedTuple):
    """One test of a key condition, placeholders not yet resolved."""

    name: str
    operator: SortOperator
    values: tuple[str, ...]


class _Shaped(NamedTuple):
    """A key condition that fits a key: which values it takes for what."""

    partition: tuple[str, ...]
    sort: tuple[str, ...]
    last: _KeyTest | None


class KeyConditionProgram:
    """A parsed key condition, for every request with this text. Immutable but for the shapes it has
    seen, so shared."""

    __slots__ = ("_fault", "_needs", "_shapes", "_tests")

    def __init__(self, tree: Condition) -> None:
        self._needs = Needs(tree, _KIND)
        self._shapes: dict[Shape, _Shaped] = {}
        self._tests: tuple[_KeyTest, ...] = ()
        self._fault = ""
        try:
            self._tests = tuple(map(_key_test, _conjuncts(tree)))
        except ValidationError as exc:
            # Kept until a request comes: what its placeholders lack is reported first.
            self._fault = exc.message

    def bound_to(
        self, placeholders: Placeholders, hash_names: tuple[str, ...], range_names: tuple[str, ...]
    ) -> KeyCondition:
        """The key condition of one query on this key.

        Raises:
            ValidationError: a placeholder is not defined, an operand does not fit, or it
                is no condition on this key.
        """
        table = placeholders.table
        shape = None if placeholders.shape is None else (placeholders.shape, hash_names, range_names)
        shaped = None if shape is None else self._shapes.get(shape)
        if shaped is None:
            self._needs.check(table)
            shaped = self._shaped(table, hash_names, range_names)
            remember(self._shapes, shape, shaped)
        else:
            for check in self._needs.value_checks:
                check(table)
        placeholders.mark_used(self._needs.placeholders)
        last = shaped.last
        return KeyCondition(
            tuple([table[value] for value in shaped.partition]),
            tuple([table[value] for value in shaped.sort]),
            None
            if last is None
            else SortBound(last.operator, tuple([table[value] for value in last.values])),
        )

    def _shaped(self, table: Table, hash_names: tuple[str, ...], range_names: tuple[str, ...]) -> _Shaped:
        if self._fault:
            raise ValidationError(self._fault)
        tests = _tests_by_name(self._tests, table)
        if len(hash_names) == 1 and len(range_names) <= 1:
            if len(tests) > _TESTS_MAX:
                raise ValidationError(messages.KEY_TOO_MANY)
            _check_simple(tests, hash_names[0], range_names[0] if range_names else None)
        else:
            _check_composite(tests, hash_names, range_names)
        ranges = [tests[name] for name in range_names if name in tests]
        last = ranges.pop() if ranges else None
        partition = tuple(tests[name].values[0] for name in hash_names)
        return _Shaped(partition, tuple(test.values[0] for test in ranges), last)


def _tests_by_name(tests: tuple[_KeyTest, ...], table: Table) -> dict[str, _KeyTest]:
    by_name = {str(resolved((test.name,), table)[0]): test for test in tests}
    if len(by_name) < len(tests):
        raise ValidationError(messages.KEY_TWICE)
    return by_name


def _check_simple(tests: Mapping[str, _KeyTest], hash_name: str, range_name: str | None) -> None:
    if range_name is None and len(tests) > 1:
        raise ValidationError(messages.KEY_NOT_SUPPORTED)
    if hash_name not in tests:
        raise ValidationError(messages.key_missing(hash_name))
    if tests[hash_name].operator != "=":
        raise ValidationError(messages.KEY_NOT_SUPPORTED)
    if len(tests) > 1 and range_name not in tests:
        raise ValidationError(messages.key_missing(str(range_name)))


def _check_composite(
    tests: Mapping[str, _KeyTest], hash_names: tuple[str, ...], range_names: tuple[str, ...]
) -> None:
    """The rules for a key of several HASH or several RANGE attributes."""
    wanting = [name for name in hash_names if name not in tests or tests[name].operator != "="]
    if wanting:
        raise ValidationError(messages.hash_needs_equality(wanting))
    if not tests.keys() <= {*hash_names, *range_names}:
        raise ValidationError(messages.KEY_NOT_SUPPORTED)
    tested = [place for place, name in enumerate(range_names) if name in tests]
    for earlier in range_names[: tested[-1]] if tested else ():
        if earlier not in tests or tests[earlier].operator != "=":
            later = range_names[next(place for place in tested if place > range_names.index(earlier))]
            raise ValidationError(messages.range_needs_equality(earlier, later))


def _conjuncts(tree: Condition) -> list[Leaf]:
    """The tests joined by AND; any other way to join them is refused."""
    found: list[Leaf] = []
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, And):
            pending.extend(reversed(node.conditions))
        elif isinstance(node, (Or, Not)):
            raise ValidationError(messages.key_operator("OR" if isinstance(node, Or) else "NOT"))
        else:
            _check_operator(node)
            found.append(node)
    return found


def _check_operator(leaf: Leaf) -> None:
    if isinstance(leaf, In):
        raise ValidationError(messages.key_operator("IN"))
    if isinstance(leaf, Comparison) and leaf.comparator == "<>":
        raise ValidationError(messages.key_operator("<>"))
    if isinstance(leaf, Call) and leaf.function != "begins_with":
        raise ValidationError(messages.key_operator(leaf.function))


def _key_test(leaf: Leaf) -> _KeyTest:
    operands = operands_of(leaf)
    if not isinstance(leaf, Comparison) and not isinstance(operands[0], Path):
        operator = "BETWEEN" if isinstance(leaf, Between) else "begins_with"
        raise ValidationError(messages.key_not_first(operator))
    name: str | None = None
    values: list[str] = []
    for operand in operands:
        if isinstance(operand, Value):
            values.append(operand.placeholder)
        elif isinstance(operand, Call):
            raise ValidationError(messages.KEY_NESTED_OPERATION)
        elif name is not None:
            raise ValidationError(messages.KEY_TWO_PATHS)
        elif len(operand.parts) > 1:
            messages.invalid(_KIND, messages.KEY_NESTED_PATH)
        else:
            name = str(operand.parts[0])
    if name is None:
        raise ValidationError(messages.KEY_NO_PATH)
    return _KeyTest(name, _key_operator(leaf), tuple(values))


def _key_operator(leaf: Leaf) -> SortOperator:
    if isinstance(leaf, Comparison):
        # ``_check_operator`` has let no "<>" through.
        comparator = cast(SortOperator, leaf.comparator)
        return comparator if isinstance(leaf.left, Path) else _MIRRORED[comparator]
    return "BETWEEN" if isinstance(leaf, Between) else "begins_with"
