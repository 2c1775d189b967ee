"""What ``api/validation`` refuses, in the service's words and order."""

from __future__ import annotations

import dataclasses

import pytest

from kvdb.api import validation
from kvdb.api.items import (
    BatchGetItem,
    BatchWriteItem,
    DeleteItem,
    DeleteRequest,
    GetItem,
    KeysAndAttributes,
    PutItem,
    PutRequest,
    Query,
    Scan,
)
from kvdb.api.operations import OPERATIONS, Request
from kvdb.api.tables import (
    AttributeDefinition,
    CreateTable,
    DeleteTable,
    DescribeTable,
    KeySchemaElement,
    ListTables,
)
from kvdb.errors import ValidationError

HASH = KeySchemaElement("a", "HASH")
RANGE = KeySchemaElement("b", "RANGE")
A = AttributeDefinition("a", "S")
B = AttributeDefinition("b", "N")

SOUND: dict[type, Request] = {
    GetItem: GetItem("table", {"a": "1"}),
    PutItem: PutItem("table", {"a": "1"}),
    DeleteItem: DeleteItem("table", {"a": "1"}),
    Query: Query("table", "a = :a", expression_attribute_values={":a": "1"}),
    Scan: Scan("table"),
    BatchGetItem: BatchGetItem({"table": KeysAndAttributes([{"a": "1"}])}),
    BatchWriteItem: BatchWriteItem({"table": [PutRequest({"a": "1"}), DeleteRequest({"a": "2"})]}),
    CreateTable: CreateTable("table", [HASH, RANGE], [A, B]),
    DescribeTable: DescribeTable("table"),
    ListTables: ListTables(),
    DeleteTable: DeleteTable("table"),
}


def message_of(request: Request) -> str:
    with pytest.raises(ValidationError) as refused:
        validation.check(request)
    return str(refused.value)


def changed(kind: type, **fields: object) -> Request:
    return dataclasses.replace(SOUND[kind], **fields)  # type: ignore[type-var, return-value]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_sound_request_of_every_operation_passes(operation):
    validation.check(SOUND[operation.request])


@pytest.mark.parametrize("kind", [GetItem, PutItem, DeleteItem, Query, Scan])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "",
            "1 validation error detected: Value '' at 'tableName' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
        (
            "a b",
            "1 validation error detected: Value 'a b' at 'tableName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
        ),
        (
            "t" * 256,
            f"1 validation error detected: Value '{'t' * 256}' at 'tableName' failed to satisfy constraint: "
            "Member must have length less than or equal to 255",
        ),
    ],
)
def test_item_operations_refuse_a_bad_table_name(kind, name, message):
    assert message_of(changed(kind, table_name=name)) == message


@pytest.mark.parametrize("kind", [GetItem, PutItem, DeleteItem, Query, Scan, CreateTable, DescribeTable])
def test_a_table_name_that_is_no_text_is_refused_by_field(kind):
    assert message_of(changed(kind, table_name=5)) == "table_name must be str, not int"


@pytest.mark.parametrize("kind", [DescribeTable, DeleteTable])
@pytest.mark.parametrize("name", ["ab", "t" * 256])
def test_table_operations_say_how_long_a_name_is(kind, name):
    expected = "TableName must be at least 3 characters long and at most 255 characters long"
    assert message_of(changed(kind, table_name=name)) == expected


def test_faults_of_single_fields_are_counted_and_joined():
    request = changed(PutItem, table_name="a b", return_values="SOME")
    assert message_of(request) == (
        "2 validation errors detected: "
        "Value 'a b' at 'tableName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; "
        "Value 'SOME' at 'returnValues' failed to satisfy constraint: "
        "Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]"
    )


@pytest.mark.parametrize("kind", [PutItem, DeleteItem])
def test_put_and_delete_return_nothing_but_the_old_item(kind):
    request = changed(kind, return_values="ALL_NEW")
    assert message_of(request) == "ReturnValues can only be ALL_OLD or NONE"


@pytest.mark.parametrize("kind", [PutItem, DeleteItem])
def test_return_values_on_failure_is_an_enum(kind):
    request = changed(kind, return_values_on_condition_check_failure="ALL_NEW")
    assert message_of(request).endswith("Member must satisfy enum value set: [ALL_OLD, NONE]")


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (GetItem, "key"),
        (PutItem, "item"),
        (DeleteItem, "key"),
        (Query, "exclusive_start_key"),
        (Scan, "exclusive_start_key"),
    ],
)
def test_items_and_keys_are_mappings(kind, field):
    assert message_of(changed(kind, **{field: ["a"]})) == f"{field} must be a mapping, not list"


@pytest.mark.parametrize("kind", [GetItem, PutItem, DeleteItem, Scan])
def test_names_need_an_expression(kind):
    request = changed(kind, expression_attribute_names={"#a": "a"})
    assert message_of(request) == "ExpressionAttributeNames can only be specified when using expressions"


@pytest.mark.parametrize(
    ("request_", "absent"),
    [
        (changed(PutItem, expression_attribute_values={":a": 1}), "ConditionExpression is null"),
        (changed(DeleteItem, expression_attribute_values={":a": 1}), "ConditionExpression is null"),
        (changed(Scan, expression_attribute_values={":a": 1}), "FilterExpression is null"),
        (
            changed(Query, key_condition_expression=None),
            "FilterExpression and KeyConditionExpression are null",
        ),
    ],
)
def test_values_need_an_expression_that_takes_values(request_, absent):
    expected = f"ExpressionAttributeValues can only be specified when using expressions: {absent}"
    assert message_of(request_) == expected


def test_a_projection_takes_names_but_no_values():
    request = changed(
        Scan,
        projection_expression="#a",
        expression_attribute_names={"#a": "a"},
        expression_attribute_values={":a": 1},
    )
    assert message_of(request).endswith("FilterExpression is null")


def test_an_expression_that_is_no_text_is_refused_by_field():
    assert message_of(changed(PutItem, condition_expression=5)) == "ConditionExpression must be str, not int"


def test_a_query_needs_a_key_condition():
    request = changed(Query, key_condition_expression=None, expression_attribute_values=None)
    assert message_of(request) == (
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
    )


def test_query_and_scan_word_a_bad_limit_differently():
    assert message_of(changed(Query, limit=0)) == (
        "1 validation error detected: Value at 'Limit' failed to satisfy constraint: "
        "Member must have value greater than or equal to 1"
    )
    assert message_of(changed(Scan, limit=0)) == (
        "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: "
        "Member must have value greater than or equal to 1"
    )


@pytest.mark.parametrize("limit", [True, "5", 1.0])
def test_a_limit_is_a_whole_number(limit):
    assert message_of(changed(Scan, limit=limit)) == f"limit must be int, not {type(limit).__name__}"


def test_select_is_an_enum():
    assert message_of(changed(Query, select="ALL")).endswith(
        "Value 'ALL' at 'select' failed to satisfy constraint: Member must satisfy enum value set: "
        "[SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]"
    )


def test_specific_attributes_need_a_projection():
    needs = (
        "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
    )
    assert message_of(changed(Scan, select="SPECIFIC_ATTRIBUTES")) == needs
    wrapped = f"1 validation error detected: {needs}"
    assert message_of(changed(Query, select="SPECIFIC_ATTRIBUTES")) == wrapped


@pytest.mark.parametrize(
    ("select", "target"), [("COUNT", "only the Count"), ("ALL_ATTRIBUTES", "ALL_ATTRIBUTES")]
)
def test_a_projection_excludes_other_selects(select, target):
    request = changed(Scan, select=select, projection_expression="a")
    assert message_of(request) == f"Cannot specify the ProjectionExpression when choosing to get {target}"


def test_projected_attributes_belong_to_indexes():
    expected = "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"
    assert message_of(changed(Scan, select="ALL_PROJECTED_ATTRIBUTES")) == expected


@pytest.mark.parametrize(
    ("segment", "total", "message"),
    [
        (
            0,
            None,
            "The TotalSegments parameter is required but was not present in the request "
            "when Segment parameter is present",
        ),
        (
            None,
            2,
            "The Segment parameter is required but was not present in the request "
            "when parameter TotalSegments is present",
        ),
        (
            2,
            2,
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            "Segment: 2 is not less than TotalSegments: 2",
        ),
        (
            -1,
            2,
            "1 validation error detected: Value '-1' at 'segment' failed to satisfy constraint: "
            "Member must have value greater than or equal to 0",
        ),
        (
            0,
            1_000_001,
            "1 validation error detected: Value '1000001' at 'totalSegments' failed to satisfy constraint: "
            "Member must have value less than or equal to 1000000",
        ),
    ],
)
def test_segment_and_total_segments_go_together(segment, total, message):
    assert message_of(changed(Scan, segment=segment, total_segments=total)) == message


def test_the_largest_number_of_segments_passes():
    validation.check(changed(Scan, segment=999_999, total_segments=1_000_000))


@pytest.mark.parametrize("kind", [BatchGetItem, BatchWriteItem])
def test_a_batch_is_not_empty(kind):
    expected = f"The requestItems parameter is required for {kind.__name__}"
    assert message_of(changed(kind, request_items={})) == expected


def test_a_table_of_a_batch_is_not_empty():
    assert message_of(BatchGetItem({"table": KeysAndAttributes([])})) == (
        "1 validation error detected: "
        "Value at 'requestItems.table.member.keys' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1"
    )
    assert message_of(BatchWriteItem({"table": []})) == (
        "1 validation error detected: Value at 'requestItems.table.member' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1"
    )


def test_a_batch_get_takes_a_hundred_keys_over_all_tables():
    keys = [{"a": str(number)} for number in range(50)]
    hundred = {"one": KeysAndAttributes(keys), "two": KeysAndAttributes(keys)}
    validation.check(BatchGetItem(hundred))
    more = {"one": KeysAndAttributes(keys), "two": KeysAndAttributes([*keys, {"a": "x"}])}
    assert message_of(BatchGetItem(more)) == (
        "1 validation error detected: Value at 'RequestItems.two.member.Keys' failed to satisfy constraint: "
        "Member must have length less than or equal to 100"
    )


def test_a_batch_write_takes_twenty_five_writes_over_all_tables():
    writes = [PutRequest({"a": str(number)}) for number in range(13)]
    validation.check(BatchWriteItem({"one": writes, "two": writes[:12]}))
    assert "Member must have length less than or equal to 25" in message_of(
        BatchWriteItem({"one": writes, "two": writes})
    )


def test_a_batch_holds_only_puts_and_deletes():
    expected = "request_items must be lists of PutRequest and DeleteRequest, not dict"
    assert message_of(BatchWriteItem({"table": [{"a": "1"}]})) == expected


@pytest.mark.parametrize(
    ("schema", "definitions", "message"),
    [
        ([HASH, RANGE], [A], "Invalid KeySchema: Some index key attribute have no definition"),
        (
            [HASH],
            [B],
            "One or more parameter values were invalid: Some index key attributes are not defined in "
            "AttributeDefinitions. Keys: [a], AttributeDefinitions: [b]",
        ),
        (
            [HASH, KeySchemaElement("a", "RANGE")],
            [A, B],
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ),
        (
            [RANGE],
            [B],
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
        ),
        (
            [HASH, KeySchemaElement("b", "HASH")],
            [A, B],
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
        ),
        (
            [HASH],
            [A, B],
            "One or more parameter values were invalid: Number of attributes in KeySchema does not "
            "exactly match number of attributes defined in AttributeDefinitions",
        ),
        (
            [],
            [A],
            "1 validation error detected: Value '[]' at 'keySchema' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
        (
            [HASH, RANGE, RANGE],
            [A, B],
            "1 validation error detected: Value '[KeySchemaElement(attributeName=a, keyType=HASH), "
            "KeySchemaElement(attributeName=b, keyType=RANGE), "
            "KeySchemaElement(attributeName=b, keyType=RANGE)]' at 'keySchema' failed to satisfy constraint: "
            "Member must have length less than or equal to 2",
        ),
    ],
)
def test_key_schema_and_definitions_fit_together(schema, definitions, message):
    assert message_of(CreateTable("table", schema, definitions)) == message


def test_key_types_and_attribute_types_are_enums():
    request = CreateTable("table", [KeySchemaElement("a", "KEY")], [AttributeDefinition("a", "M")])
    assert message_of(request) == (
        "2 validation errors detected: "
        "Value 'M' at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: "
        "Member must satisfy enum value set: [B, N, S]; "
        "Value 'KEY' at 'keySchema.1.member.keyType' failed to satisfy constraint: "
        "Member must satisfy enum value set: [HASH, RANGE]"
    )


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "have length greater than or equal to 1"),
        ("k" * 256, "have length less than or equal to 255"),
        ("é" * 128, "have length less than or equal to 255"),
        ("\ud800", "be valid UTF-8"),
    ],
)
def test_key_attribute_names_have_1_to_255_bytes_of_text(name, rule):
    request = CreateTable("table", [KeySchemaElement(name, "HASH")], [AttributeDefinition(name, "S")])
    assert message_of(request).endswith(f"Member must {rule}")


def test_a_created_table_has_a_name_of_3_to_255_characters():
    assert message_of(changed(CreateTable, table_name="a b")) == (
        "1 validation error detected: Value 'a b' at 'tableName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
    )
    assert message_of(changed(CreateTable, table_name="a!")) == (
        "2 validation errors detected: Value 'a!' at 'tableName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; "
        "Value 'a!' at 'tableName' failed to satisfy constraint: "
        "Member must have length greater than or equal to 3"
    )
    assert message_of(changed(CreateTable, table_name="t" * 256)).endswith(
        "Member must have length less than or equal to 255"
    )


@pytest.mark.parametrize(
    ("limit", "rule"), [(0, "greater than or equal to 1"), (101, "less than or equal to 100")]
)
def test_a_page_of_tables_has_1_to_100_names(limit, rule):
    assert message_of(ListTables(limit=limit)) == (
        f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: "
        f"Member must have value {rule}"
    )


def test_a_start_table_name_is_a_table_name():
    assert "at 'exclusiveStartTableName'" in message_of(ListTables(exclusive_start_table_name="a b"))
