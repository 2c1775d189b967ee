"""What may stand beside what, of the parameters of before 2014."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kvdb.api import validation
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
from kvdb.api.operations import Request
from kvdb.errors import ValidationError

Make = Callable[..., Request]

KEY = {"p": "x"}
EQ = LegacyCondition("EQ", ["x"])
IS = ExpectedAttributeValue("x", True)
PUT = AttributeValueUpdate("PUT", "x", True)


def put(**members: object) -> Request:
    return PutItem("table", KEY, **members)  # type: ignore[arg-type]


def update(**members: object) -> Request:
    return UpdateItem("table", KEY, **members)  # type: ignore[arg-type]


def delete(**members: object) -> Request:
    return DeleteItem("table", KEY, **members)  # type: ignore[arg-type]


def query(**members: object) -> Request:
    return Query("table", **members)  # type: ignore[arg-type]


def scan(**members: object) -> Request:
    return Scan("table", **members)  # type: ignore[arg-type]


def get(**members: object) -> Request:
    return GetItem("table", KEY, **members)  # type: ignore[arg-type]


def batch(**members: object) -> Request:
    return BatchGetItem({"table": KeysAndAttributes([KEY], **members)})  # type: ignore[arg-type]


def refusal(request: Request) -> str:
    with pytest.raises(ValidationError) as caught:
        validation.check(request)
    return caught.value.message


@pytest.mark.parametrize(
    "request_",
    [
        put(expected={"a": IS}),
        put(expected={}),
        put(expected={"a": IS, "b": IS}, conditional_operator="OR"),
        update(attribute_updates={"a": PUT}, expected={"a": IS}),
        update(attribute_updates={}),
        delete(expected={"a": IS, "b": IS}, conditional_operator="AND"),
        query(key_conditions={"p": EQ}),
        query(key_conditions={"p": EQ}, query_filter={"a": EQ, "b": EQ}, conditional_operator="OR"),
        query(key_conditions={"p": EQ}, attributes_to_get=["a"], select="SPECIFIC_ATTRIBUTES"),
        # These two alone may stand beside the old key conditions.
        query(key_conditions={"p": EQ}, filter_expression="attribute_exists(a)"),
        query(key_conditions={"p": EQ}, projection_expression="a"),
        scan(scan_filter={"a": EQ}),
        scan(attributes_to_get=["a"], scan_filter={}),
        get(attributes_to_get=["a", "b"]),
        batch(attributes_to_get=["a", "b"]),
    ],
)
def test_sound_requests_pass(request_: Request) -> None:
    validation.check(request_)


@pytest.mark.parametrize(
    ("request_", "old", "new"),
    [
        (put(expected={}, condition_expression="a = b"), "Expected", "ConditionExpression"),
        (
            put(expected={"a": IS}, conditional_operator="AND", condition_expression="a = b"),
            "Expected, ConditionalOperator",
            "ConditionExpression",
        ),
        (
            update(
                attribute_updates={"a": PUT},
                expected={"a": IS},
                conditional_operator="AND",
                update_expression="SET a = b",
                condition_expression="a = b",
            ),
            "AttributeUpdates, Expected, ConditionalOperator",
            "UpdateExpression, ConditionExpression",
        ),
        (update(expected={}, update_expression="SET a = b"), "Expected", "UpdateExpression"),
        (
            update(attribute_updates={}, condition_expression="a = b"),
            "AttributeUpdates",
            "ConditionExpression",
        ),
        (delete(conditional_operator="OR", condition_expression="a = b"), "ConditionalOperator", "Condition"),
        (
            query(
                key_conditions={"p": EQ},
                query_filter={"a": EQ},
                conditional_operator="AND",
                key_condition_expression="p = :p",
                filter_expression="a = :p",
                projection_expression="b",
            ),
            "QueryFilter, ConditionalOperator, KeyConditions",
            "ProjectionExpression, FilterExpression, KeyConditionExpression",
        ),
        (
            query(key_conditions={"p": EQ}, query_filter={"a": EQ}, projection_expression="a"),
            "QueryFilter",
            "ProjectionExpression",
        ),
        (
            query(attributes_to_get=["a"], key_condition_expression="p = :p"),
            "AttributesToGet",
            "KeyConditionExpression",
        ),
        (
            scan(
                attributes_to_get=["a"],
                scan_filter={"a": EQ},
                conditional_operator="AND",
                filter_expression="a = b",
                projection_expression="b",
            ),
            "AttributesToGet, ScanFilter, ConditionalOperator",
            "ProjectionExpression, FilterExpression",
        ),
        (get(attributes_to_get=["a"], projection_expression="a"), "AttributesToGet", "ProjectionExpression"),
        (
            BatchGetItem(
                {
                    "one": KeysAndAttributes([KEY], attributes_to_get=["a"]),
                    "two": KeysAndAttributes([KEY], projection_expression="a"),
                }
            ),
            "AttributesToGet",
            "ProjectionExpression",
        ),
    ],
)
def test_old_and_new_do_not_go_together(request_: Request, old: str, new: str) -> None:
    assert refusal(request_).startswith(
        "Can not use both expression and non-expression parameters in the same request: "
        f"Non-expression parameters: {{{old}}} Expression parameters: {{{new}"
    )


@pytest.mark.parametrize("make", [put, update, delete, query, scan])
def test_a_conditional_operator_joins_two_tests_or_more(make: Make) -> None:
    alone = "ConditionalOperator cannot be used without Filter or Expected"
    few = "ConditionalOperator can only be used when Filter or Expected has two or more elements"
    field, test = ("expected", IS)
    if make in (query, scan):
        field, test = f"{make.__name__}_filter", EQ  # type: ignore[assignment]
    assert refusal(make(conditional_operator="AND")) == alone
    assert refusal(make(conditional_operator="OR", **{field: {}})) == alone
    assert refusal(make(conditional_operator="AND", **{field: {"a": test}})) == few


COMPARISONS = "[IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]"


@pytest.mark.parametrize(
    ("request_", "fault"),
    [
        (
            scan(conditional_operator="and"),
            "Value 'and' at 'conditionalOperator' failed to satisfy constraint: "
            "Member must satisfy enum value set: [OR, AND]",
        ),
        (
            scan(scan_filter={"a": LegacyCondition("eq", [])}),  # type: ignore[arg-type]
            "Value 'eq' at 'scanFilter.a.member.comparisonOperator' failed to satisfy constraint: "
            f"Member must satisfy enum value set: {COMPARISONS}",
        ),
        (
            query(key_conditions={"p": LegacyCondition(None)}),  # type: ignore[arg-type]
            "Value null at 'keyConditions.p.member.comparisonOperator' failed to satisfy constraint: "
            "Member must not be null",
        ),
        (
            put(expected={"a": ExpectedAttributeValue(comparison_operator="x")}),  # type: ignore[arg-type]
            "Value 'x' at 'expected.a.member.comparisonOperator' failed to satisfy constraint: "
            f"Member must satisfy enum value set: {COMPARISONS}",
        ),
        (
            update(attribute_updates={"a": AttributeValueUpdate("SET")}),  # type: ignore[arg-type]
            "Value 'SET' at 'attributeUpdates.a.member.action' failed to satisfy constraint: "
            "Member must satisfy enum value set: [ADD, PUT, DELETE]",
        ),
        (
            get(attributes_to_get=[]),
            "Value '[]' at 'attributesToGet' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
        (
            batch(attributes_to_get=[]),
            "Value '[]' at 'requestItems.table.member.attributesToGet' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
        (
            scan(attributes_to_get=["a"] * 256),
            f"Value '[{', '.join(['a'] * 256)}]' at 'attributesToGet' failed to satisfy constraint: "
            "Member must have length less than or equal to 255",
        ),
    ],
)
def test_single_fields_have_constraints(request_: Request, fault: str) -> None:
    assert refusal(request_) == f"1 validation error detected: {fault}"


@pytest.mark.parametrize("make", [get, batch, scan, lambda **m: query(key_conditions={"p": EQ}, **m)])
def test_an_attribute_to_get_is_named_once(make: Make) -> None:
    assert refusal(make(attributes_to_get=["b", "a", "b", "a"])) == (
        "One or more parameter values were invalid: Duplicate value in attribute name: b"
    )


@pytest.mark.parametrize(
    ("select", "target"),
    [
        ("ALL_ATTRIBUTES", "ALL_ATTRIBUTES"),
        ("ALL_PROJECTED_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"),
        ("COUNT", "only the Count"),
    ],
)
def test_attributes_to_get_are_a_selection_of_their_own(select: str, target: str) -> None:
    asked = {"attributes_to_get": ["a"], "index_name": "index", "select": select}
    message = f"Cannot specify the AttributesToGet when choosing to get {target}"
    assert refusal(scan(**asked)) == message
    assert refusal(query(key_conditions={"p": EQ}, **asked)) == f"1 validation error detected: {message}"


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (put(expected=[]), "expected must be a mapping, not list"),
        (put(expected={"a": EQ}), "expected must be a mapping to ExpectedAttributeValue"),
        (put(expected={1: IS}), "expected must be a mapping of str"),
        (put(expected={"a": ExpectedAttributeValue(exists="no")}), "exists must be bool"),  # type: ignore[arg-type]
        (scan(scan_filter={"a": IS}), "scan_filter must be a mapping to LegacyCondition"),
        (
            scan(scan_filter={"a": LegacyCondition("EQ", "x")}),  # type: ignore[arg-type]
            "attribute_value_list must be a list, not str",
        ),
        (update(attribute_updates={"a": 1}), "attribute_updates must be a mapping to AttributeValueUpdate"),
        (get(attributes_to_get="a"), "attributes_to_get must be a list, not str"),
        (get(attributes_to_get=[1]), "attributes_to_get must be a list of str, not int"),
    ],
)
def test_what_no_wire_could_carry_is_refused_by_name(request_: Request, says: str) -> None:
    assert refusal(request_).startswith(says)


@pytest.mark.parametrize(
    "request_",
    [
        update(attribute_updates={"": PUT}),
        put(expected={"": IS}),
        scan(scan_filter={"": EQ}),
        query(key_conditions={"p": EQ}, query_filter={"": EQ}),
        get(attributes_to_get=[""]),
        batch(attributes_to_get=["a", ""]),
    ],
)
def test_a_name_that_no_item_can_hold_is_refused(request_: Request) -> None:
    # Taken, an item with an attribute without a name could never be read again.
    with pytest.raises(ValidationError, match="Empty attribute name"):
        validation.check(request_)


def test_a_name_has_at_most_65535_bytes() -> None:
    validation.check(update(attribute_updates={"n" * 65_535: PUT}))
    for name in ("n" * 65_536, "é" * 32_768):
        with pytest.raises(ValidationError, match="Attribute name is too large"):
            validation.check(update(attribute_updates={name: PUT}))
    with pytest.raises(ValidationError, match="lone surrogate"):
        validation.check(update(attribute_updates={"\ud800": PUT}))
