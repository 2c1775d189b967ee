"""Parameters of before 2014, translated to what the expressions compile to.

    Expected, ConditionalOperator         -> a condition        condition_of
    QueryFilter, ScanFilter               -> a filter           filter_of
    KeyConditions                         -> a key condition    key_condition_of
    AttributeUpdates                      -> an update          update_of
    AttributesToGet                       -> a projection       projection_of

They know top-level attributes only, and a name is taken as it is, dots included. What they
mean is said with the nodes of ``expr``, names and values as its placeholders; so requests of
one shape share one compiled tree, and nothing is evaluated here. Which parameters go together
``api/validation/legacy`` says; what depends on values is checked here, in the service's words.

Sources: dynalite ``validations/index.js``, ``validations/updateItem.js``, ``actions/query.js`` and
their tests; for EQ and NE of any type, IN and NOT_CONTAINS: ScyllaDB ``test_query_filter.py``,
``test_expected.py``, which pass against the service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from kvdb.api.items import (
    AttributeValueUpdate,
    ComparisonOperator,
    ConditionalOperator,
    ExpectedAttributeValue,
    LegacyCondition,
)
from kvdb.errors import ValidationError
from kvdb.expr.compiler import (
    Condition,
    KeyCondition,
    Placeholders,
    Projection,
    Update,
    bind_condition,
    bind_key_condition,
    bind_update,
)
from kvdb.expr.messages import KEY_TOO_MANY, ExpressionKind, key_missing
from kvdb.expr.nodes import (
    Action,
    Add,
    And,
    Between,
    Call,
    Comparator,
    Comparison,
    Delete,
    In,
    Not,
    Or,
    Path,
    Remove,
    Set,
    Value,
)
from kvdb.expr.nodes import Condition as Tree
from kvdb.item.value import AttributeValue, normalise_value, type_name

_INVALID = "One or more parameter values were invalid:"
_NOT_INDEXABLE = "Attempted conditional constraint is not an indexable operation"
_BETWEEN_ORDER = (
    "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
)
_TYPE_MISMATCH = "Type mismatch for attribute to update"

_ARGUMENTS: Mapping[ComparisonOperator, int] = {
    **dict.fromkeys(("EQ", "NE", "LE", "LT", "GE", "GT", "CONTAINS", "NOT_CONTAINS", "BEGINS_WITH"), 1),
    "NULL": 0,
    "NOT_NULL": 0,
    "BETWEEN": 2,
}
"""How many values an operator takes; IN, which is not here, one or more."""
_ORDERED = frozenset({"S", "N", "B"})
_TYPES: Mapping[ComparisonOperator, frozenset[str]] = {
    **dict.fromkeys(("LE", "LT", "GE", "GT", "CONTAINS", "NOT_CONTAINS", "IN", "BETWEEN"), _ORDERED),
    "BEGINS_WITH": frozenset({"S", "B"}),
}
"""Which types of values an operator takes; EQ and NE, which are not here, any."""
_COMPARATORS: Mapping[ComparisonOperator, Comparator] = {
    "EQ": "=",
    "NE": "<>",
    "LE": "<=",
    "LT": "<",
    "GE": ">=",
    "GT": ">",
}
_NOT_IN_KEYS = frozenset({"NULL", "NOT_NULL", "NE", "CONTAINS", "NOT_CONTAINS", "IN"})
_SETS = frozenset({"SS", "NS", "BS"})
_ADDED = _SETS | {"N", "L"}


def condition_of(
    expected: Mapping[str, ExpectedAttributeValue], operator: ConditionalOperator | None
) -> Condition | None:
    """What ``Expected`` asks of the item; ``None`` when that is nothing.

    Raises:
        ValidationError: parts of a test that exclude one another, or values its operator does not take.
    """
    lowering = _Lowering()
    tests = [_expected_test(lowering, name, test) for name, test in expected.items()]
    return lowering.condition(tests, operator, "ConditionExpression")


def filter_of(
    conditions: Mapping[str, LegacyCondition], operator: ConditionalOperator | None
) -> Condition | None:
    """What ``QueryFilter`` or ``ScanFilter`` lets through; ``None`` when that is everything.

    Raises:
        ValidationError: values its operator does not take.
    """
    lowering = _Lowering()
    tests = [_condition_test(lowering, name, test) for name, test in conditions.items()]
    return lowering.condition(tests, operator, "FilterExpression")


def key_condition_of(
    conditions: Mapping[str, LegacyCondition], hash_names: tuple[str, ...], range_names: tuple[str, ...]
) -> KeyCondition:
    """What ``KeyConditions`` reads of a table or index with these keys.

    Raises:
        ValidationError: values its operator does not take, or it is no condition on this key.
    """
    lowering = _Lowering()
    tests = [_condition_test(lowering, name, test) for name, test in conditions.items()]
    if not tests:
        raise ValidationError(KEY_TOO_MANY)
    for name in hash_names:
        if name not in conditions:
            raise ValidationError(key_missing(name))
    for name in (*hash_names, *range_names):
        if name in conditions and conditions[name].comparison_operator in _NOT_IN_KEYS:
            raise ValidationError(_NOT_INDEXABLE)
    tree = And(tuple(tests)) if len(tests) > 1 else tests[0]
    return bind_key_condition(tree, lowering.placeholders, hash_names, range_names)


def update_of(updates: Mapping[str, AttributeValueUpdate]) -> Update:
    """What ``AttributeUpdates`` makes of the item; without any it still makes one where there is none.

    Raises:
        ValidationError: a value where there may be none, none where there must be one, or of a type
            the action does not take.
    """
    lowering = _Lowering()
    actions = tuple([_action(lowering, name, update) for name, update in updates.items()])
    return bind_update(actions, lowering.placeholders, type_fault=_TYPE_MISMATCH)


def projection_of(names: Sequence[str]) -> Projection:
    """What ``AttributesToGet`` keeps: these attributes, whole."""
    return Projection(tuple([(name,) for name in names]))


class _Lowering:
    """Names and values of one parameter as the placeholders of ``expr``, numbered as they come."""

    def __init__(self) -> None:
        self._table: dict[str, object] = {}

    @property
    def placeholders(self) -> Placeholders:
        return Placeholders.of_table(self._table)

    def path(self, name: str) -> Path:
        placeholder = f"#{len(self._table)}"
        self._table[placeholder] = name
        return Path((placeholder,))

    def value(self, value: AttributeValue) -> Value:
        """``value`` is normalised."""
        placeholder = f":{len(self._table)}"
        self._table[placeholder] = value
        return Value(placeholder)

    def condition(
        self, tests: Sequence[Tree], operator: ConditionalOperator | None, kind: ExpressionKind
    ) -> Condition | None:
        if not tests:
            return None
        join = Or if operator == "OR" else And
        tree = join(tuple(tests)) if len(tests) > 1 else tests[0]
        return bind_condition(tree, self.placeholders, kind)


# Tests


def _expected_test(lowering: _Lowering, name: str, test: ExpectedAttributeValue) -> Tree:
    operator, given = test.comparison_operator, test.attribute_value_list
    if given is not None and test.has_value:
        raise ValidationError(
            f"{_INVALID} Value and AttributeValueList cannot be used together for Attribute: {name}"
        )
    if operator is None:
        if given is not None:
            raise ValidationError(
                f"{_INVALID} AttributeValueList can only be used with a ComparisonOperator "
                f"for Attribute: {name}"
            )
        return _existence_test(lowering, name, test)
    if test.exists is not None:
        raise ValidationError(
            f"{_INVALID} Exists and ComparisonOperator cannot be used together for Attribute: {name}"
        )
    if given is None and not test.has_value and operator not in ("NULL", "NOT_NULL"):
        raise ValidationError(
            f"{_INVALID} Value or AttributeValueList must be used with ComparisonOperator: {operator} "
            f"for Attribute: {name}"
        )
    values = [test.value] if test.has_value else given or []
    return _test(lowering, name, operator, _checked_values(operator, values))


def _existence_test(lowering: _Lowering, name: str, test: ExpectedAttributeValue) -> Tree:
    if test.exists is False:
        if test.has_value:
            raise ValidationError(
                f"{_INVALID} Value cannot be used when Exists is false for Attribute: {name}"
            )
        return _test(lowering, name, "NULL", [])
    if not test.has_value:
        exists = "null" if test.exists is None else "true"
        raise ValidationError(
            f"{_INVALID} Value must be provided when Exists is {exists} for Attribute: {name}"
        )
    return _test(lowering, name, "EQ", [normalise_value(test.value)])


def _condition_test(lowering: _Lowering, name: str, test: LegacyCondition) -> Tree:
    values = _checked_values(test.comparison_operator, test.attribute_value_list or [])
    return _test(lowering, name, test.comparison_operator, values)


def _checked_values(operator: ComparisonOperator, given: Sequence[object]) -> list[AttributeValue]:
    """The values, normalised: as many and of such types as the operator takes."""
    values = [normalise_value(value) for value in given]
    if len(values) != _ARGUMENTS.get(operator, len(values) or 1):
        raise ValidationError(
            f"{_INVALID} Invalid number of argument(s) for the {operator} ComparisonOperator"
        )
    types = [type_name(value) for value in values]
    if len(set(types)) > 1:
        raise ValidationError(f"{_INVALID} AttributeValues inside AttributeValueList must be of same type")
    allowed = _TYPES.get(operator)
    if values and allowed is not None and types[0] not in allowed:
        raise ValidationError(
            f"{_INVALID} ComparisonOperator {operator} is not valid for {types[0]} AttributeValue type"
        )
    if operator == "BETWEEN" and _is_less(values[1], values[0]):
        raise ValidationError(_BETWEEN_ORDER)
    return values


def _is_less(one: AttributeValue, other: AttributeValue) -> bool:
    """``one < other``, of two values of one ordered type."""
    if isinstance(one, (int, Decimal)) and isinstance(other, (int, Decimal)):
        return one < other
    if isinstance(one, str) and isinstance(other, str):
        return one < other
    return isinstance(one, bytes) and isinstance(other, bytes) and one < other


def _test(
    lowering: _Lowering, name: str, operator: ComparisonOperator, values: Sequence[AttributeValue]
) -> Tree:
    path = lowering.path(name)
    operands = [lowering.value(value) for value in values]
    if operator in _COMPARATORS:
        return Comparison(_COMPARATORS[operator], path, operands[0])
    if operator == "BETWEEN":
        return Between(path, *operands)
    if operator == "IN":
        return In(path, tuple(operands))
    if operator == "NOT_CONTAINS":
        # Unlike NE, it is false where there is no attribute.
        exists = Call("attribute_exists", (path,))
        return And((exists, Not(Call("contains", (path, operands[0])))))
    functions = {"NULL": "attribute_not_exists", "NOT_NULL": "attribute_exists"}
    functions |= {"CONTAINS": "contains", "BEGINS_WITH": "begins_with"}
    return Call(functions[operator], (path, *operands))


# Updates


def _action(lowering: _Lowering, name: str, update: AttributeValueUpdate) -> Action:
    action = update.action
    if not update.has_value:
        if action != "DELETE":
            raise ValidationError(
                f"{_INVALID} Only DELETE action is allowed when no attribute value is specified"
            )
        return Remove(lowering.path(name))
    value = normalise_value(update.value)
    kind = type_name(value)
    if action == "DELETE" and kind not in _SETS:
        raise ValidationError(f"{_INVALID} DELETE action with value is not supported for the type {kind}")
    if action == "ADD" and kind not in _ADDED:
        raise ValidationError(f"{_INVALID} ADD action is not supported for the type {kind}")
    path, operand = lowering.path(name), lowering.value(value)
    if action == "DELETE":
        return Delete(path, operand)
    if action == "PUT":
        return Set(path, operand)
    if kind != "L":
        return Add(path, operand)
    # A list is added to a list, which no expression's ADD does.
    present = Call("if_not_exists", (path, lowering.value([])))
    return Set(path, Call("list_append", (present, operand)))
