"""Parameters of before 2014 beside expressions: what their parts may be, and what excludes what.

Two stages, as everywhere here: constraints of single fields, for the caller to collect with its
own (``*_faults``); then ``check_mixing``. What depends on values ``table/legacy`` checks.

Sources: dynalite, validations (enums, lists of names); ExtendDB, tests/test_conditional_operator.py
(orders, and the two rules of ConditionalOperator, run against the service in 2026); dynoxide,
CHANGELOG (BatchGetItem); enum of Action: dynoxide, update_item.rs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import TypeAlias

from kvdb import limits
from kvdb.api.items import (
    AttributeValueUpdate,
    BatchGetItem,
    DeleteItem,
    ExpectedAttributeValue,
    GetItem,
    KeysAndAttributes,
    LegacyCondition,
    PutItem,
    Query,
    Scan,
    UpdateItem,
)
from kvdb.api.validation.fields import (
    check_bool,
    check_item_name,
    check_list,
    check_mapping,
    constraint,
    enum_faults,
    invalid,
    wrong_type,
)
from kvdb.errors import ValidationError

_Request: TypeAlias = GetItem | PutItem | UpdateItem | DeleteItem | Query | Scan | KeysAndAttributes

# The order inside the brackets is the service's own.
_OPERATORS = ("OR", "AND")
_COMPARISONS = (
    *("IN", "NULL", "BETWEEN", "LT", "NOT_CONTAINS", "EQ", "GT"),
    *("NOT_NULL", "NE", "LE", "BEGINS_WITH", "GE", "CONTAINS"),
)
_ACTIONS = ("ADD", "PUT", "DELETE")

_EXPRESSIONS: Mapping[type, tuple[str, ...]] = {
    GetItem: ("projection_expression",),
    KeysAndAttributes: ("projection_expression",),
    PutItem: ("condition_expression",),
    UpdateItem: ("update_expression", "condition_expression"),
    DeleteItem: ("condition_expression",),
    Query: ("projection_expression", "filter_expression", "key_condition_expression"),
    Scan: ("projection_expression", "filter_expression"),
}
_LEGACY: Mapping[type, tuple[str, ...]] = {
    GetItem: ("attributes_to_get",),
    KeysAndAttributes: ("attributes_to_get",),
    PutItem: ("expected", "conditional_operator"),
    UpdateItem: ("attribute_updates", "expected", "conditional_operator"),
    DeleteItem: ("expected", "conditional_operator"),
    Query: ("attributes_to_get", "query_filter", "conditional_operator", "key_conditions"),
    Scan: ("attributes_to_get", "scan_filter", "conditional_operator"),
}
"""Both in the order in which the service names them."""


_fields_of = {kind: attrgetter(*fields) for kind, fields in _LEGACY.items()}
_NONE_OF = {kind: None if len(fields) == 1 else (None,) * len(fields) for kind, fields in _LEGACY.items()}


def uses_legacy(request: _Request) -> bool:
    """Whether any of these parameters is there. Asked of every item request, so it costs next to nothing."""
    kind = type(request)
    return bool(_fields_of[kind](request) != _NONE_OF[kind])


def legacy_faults(request: _Request, place: str = "") -> list[str]:
    """The constraints of single fields that do not hold. ``place``: where the request stands, if in another.

    Raises:
        ValidationError: a field is what no wire could carry.
    """
    faults: list[str] = []
    if not uses_legacy(request):
        return faults
    for field in _LEGACY[type(request)]:
        given = getattr(request, field)
        if given is not None:
            faults += _field_faults(field, given, f"{place}{_wire_name(field, upper=False)}")
    return faults


def check_mixing(request: _Request) -> None:
    """Return if the request uses expressions only or none, and no parameter that needs another.

    Raises:
        ValidationError: names what does not go together.
    """
    if not uses_legacy(request):
        return
    given = _given(request, _LEGACY)
    expressions = _given(request, _EXPRESSIONS)
    if expressions and "key_condition_expression" not in expressions:
        given = [field for field in given if field != "key_conditions"]
    _refuse_mixture(given, expressions)
    if isinstance(request, (PutItem, UpdateItem, DeleteItem)):
        _check_operator(request.conditional_operator, request.expected)
    elif isinstance(request, Query):
        _check_operator(request.conditional_operator, request.query_filter)
    elif isinstance(request, Scan):
        _check_operator(request.conditional_operator, request.scan_filter)


def check_batch_mixing(request: BatchGetItem) -> None:
    """As ``check_mixing``, and no table's block may use what another one's excludes."""
    wanteds = request.request_items.values()
    given = {field for wanted in wanteds for field in _given(wanted, _LEGACY)}
    expressions = {field for wanted in wanteds for field in _given(wanted, _EXPRESSIONS)}
    _refuse_mixture(list(given), list(expressions))


def check_names_differ(names: list[str] | None) -> None:
    """Each attribute to get is named once. Source: dynalite, validations/getItem.js."""
    if names is not None and len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise invalid(f"Duplicate value in attribute name: {twice}")


def _given(request: _Request, fields: Mapping[type, tuple[str, ...]]) -> list[str]:
    return [field for field in fields[type(request)] if getattr(request, field) is not None]


def _refuse_mixture(given: list[str], expressions: list[str]) -> None:
    if given and expressions:
        raise ValidationError(
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(map(_wire_name, given))}}} "
            f"Expression parameters: {{{', '.join(map(_wire_name, expressions))}}}"
        )


def _check_operator(operator: object, tests: Mapping[str, object] | None) -> None:
    if operator is None or (tests is not None and len(tests) > 1):
        return
    if tests:
        raise ValidationError(
            "ConditionalOperator can only be used when Filter or Expected has two or more elements"
        )
    raise ValidationError("ConditionalOperator cannot be used without Filter or Expected")


# Single fields.


def _field_faults(field: str, given: object, place: str) -> Iterator[str]:
    if field == "conditional_operator":
        yield from enum_faults(given, place, _OPERATORS)
    elif field == "attributes_to_get":
        yield from _names_faults(given, place)
    else:
        yield from _map_faults(field, given, place)


def _names_faults(names: object, place: str) -> Iterator[str]:
    check_list("attributes_to_get", names)
    assert isinstance(names, (list, tuple))
    for name in names:
        if not isinstance(name, str):
            raise wrong_type("attributes_to_get", name, "a list of str")
        check_item_name(name)
    shown = f"[{', '.join(names)}]"
    if not names:
        yield constraint(shown, place, "have length greater than or equal to 1")
    if len(names) > limits.ATTRIBUTES_TO_GET_MAX:
        rule = f"have length less than or equal to {limits.ATTRIBUTES_TO_GET_MAX}"
        yield constraint(shown, place, rule)


def _map_faults(field: str, tests: object, place: str) -> Iterator[str]:
    check_mapping(field, tests)
    assert isinstance(tests, Mapping)
    expected = _MEMBERS.get(field, LegacyCondition)
    for name, test in tests.items():
        if not isinstance(name, str):
            raise wrong_type(field, name, "a mapping of str")
        check_item_name(name)
        if not isinstance(test, expected):
            raise wrong_type(field, test, f"a mapping to {expected.__name__}")
        at = f"{place}.{name}.member"
        if isinstance(test, AttributeValueUpdate):
            yield from enum_faults(test.action, f"{at}.action", _ACTIONS)
            continue
        assert isinstance(test, (ExpectedAttributeValue, LegacyCondition))
        if test.attribute_value_list is not None:
            check_list("attribute_value_list", test.attribute_value_list)
        if isinstance(test, ExpectedAttributeValue):
            if test.exists is not None:
                check_bool("exists", test.exists)
            if test.comparison_operator is None:
                continue
        operator: object = test.comparison_operator
        if operator is None:
            yield constraint(None, f"{at}.comparisonOperator", "not be null")
        else:
            yield from enum_faults(operator, f"{at}.comparisonOperator", _COMPARISONS)


_MEMBERS: Mapping[str, type] = {
    "expected": ExpectedAttributeValue,
    "attribute_updates": AttributeValueUpdate,
}


def _wire_name(field: str, *, upper: bool = True) -> str:
    name = field.title().replace("_", "")
    return name if upper else name[0].lower() + name[1:]
