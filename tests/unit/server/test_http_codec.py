"""The JSON door's tables agree with the service's model, and bodies are read in the service's order."""

from __future__ import annotations

import gzip
import json
from dataclasses import fields
from pathlib import Path

import botocore
import pytest

from kvdb.api import items, operations, tables
from kvdb.api.items import GetItem, Page, PutItem, Query, TransactGetItemsResult
from kvdb.errors import SerializationError, ValidationError
from kvdb.server.http_codec import BY_TARGET, ROUTES, STREAM_ROUTES, read_json, write_json

_MODEL = Path(botocore.__file__).parent / "data/dynamodb/2012-08-10/service-2.json.gz"
MODEL = json.loads(gzip.decompress(_MODEL.read_bytes()))
SHAPES = MODEL["shapes"]
NATIVE = {"OpenSnapshot", "ReleaseSnapshot", "ListItemVersions", "CommitTransaction"} | {
    "StartCheck",
    "DescribeCheck",
    "UpdateStream",
    "DescribeJob",
    "SettleRestore",
    "ListJobs",
    "CancelJob",
    "DescribeArchive",
    "LabelArchive",
    "DescribeReplicas",
    "ReseedTable",
    "ListConflicts",
}
NATIVE_FIELDS = {
    "seqno",
    "label",
    "source_table_name",
    "as_of_seqno",
    "as_of_ms",
    "snapshot_id",
    "conflict_resolution",
}
PREFIX = "One or more parameter values were invalid: "


def decode(operation, body):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return BY_TARGET[f"DynamoDB_20120810.{operation}".encode()].decode(text)


def sample(shape_name, depth=0):
    """A JSON value of a shape with every member there is, as deep as it goes."""
    shape = SHAPES[shape_name]
    if shape_name == "AttributeValue":
        return {"S": "a"}
    kind = shape["type"]
    if kind == "structure":
        members = shape["members"]
        if shape_name in (
            "WriteRequest",
            "TransactWriteItem",
            "GlobalSecondaryIndexUpdate",
            "ReplicationGroupUpdate",
        ):
            members = dict([next(iter(members.items()))])
        if shape_name == "CreateReplicationGroupMemberAction":
            # Settings of a replica's indexes are refused.
            members = {name: member for name, member in members.items() if name != "GlobalSecondaryIndexes"}
        return {
            name: sample(member["shape"], depth + 1)
            for name, member in members.items()
            if name != "Keys" or depth
        }
    if kind == "list":
        return [sample(shape["member"]["shape"], depth + 1)]
    if kind == "map":
        return {"aaa": sample(shape["value"]["shape"], depth + 1)}
    if "enum" in shape:
        return shape["enum"][0]
    return {"string": "aaa", "boolean": True, "integer": 1, "long": 1, "double": 1.0, "timestamp": 1.0}[kind]


def test_every_operation_of_the_contract_but_the_native_ones_has_a_route():
    routes = {route.name for route in (*ROUTES, *STREAM_ROUTES)}
    assert routes == {o.name for o in operations.OPERATIONS} - NATIVE


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_member_of_the_contract_is_read_from_a_request(route):
    body = sample(MODEL["operations"][route.name]["input"]["shape"])
    if "RequestItems" in body and route.name == "BatchGetItem":
        body["RequestItems"]["aaa"]["Keys"] = [{"aaa": {"S": "a"}}]
    request = decode(route.name, body)
    assert type(request).__name__ == route.name
    for field in fields(request):
        if (route.name, field.name) == ("ImportTable", "table_name"):
            continue
        if field.name not in NATIVE_FIELDS and field.name not in ("account_id",):
            assert getattr(request, field.name) is not None, field.name


NULL = "failed to satisfy constraint: Member must not be null"


@pytest.mark.parametrize(
    ("operation", "body", "message"),
    [
        (
            "GetItem",
            {},
            f"2 validation errors detected: Value null at 'tableName' {NULL}; Value null at 'key' {NULL}",
        ),
        (
            "DescribeTable",
            {"TableName": None},
            "The parameter 'TableName' is required but was not present in the request",
        ),
        (
            "BatchGetItem",
            {"RequestItems": {"movies": {}}},
            f"1 validation error detected: Value null at 'requestItems.movies.member.keys' {NULL}",
        ),
        (
            "CreateTable",
            {"TableName": "abc", "KeySchema": [{}], "AttributeDefinitions": []},
            f"2 validation errors detected: Value null at 'keySchema.1.member.attributeName' {NULL}; "
            f"Value null at 'keySchema.1.member.keyType' {NULL}",
        ),
        (
            "TransactWriteItems",
            {"TransactItems": [{"Put": {"TableName": "abc"}}]},
            f"1 validation error detected: Value null at 'transactItems.1.member.put.item' {NULL}",
        ),
        (
            "UpdateTimeToLive",
            {"TableName": "abc"},
            f"1 validation error detected: Value null at 'timeToLiveSpecification' {NULL}",
        ),
    ],
)
def test_required_members_that_are_absent_are_named_together(operation, body, message):
    with pytest.raises(ValidationError) as caught:
        decode(operation, body)
    assert caught.value.message == message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1,]",
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1,"a":2}',
        b'{"TableName":"abc","Key":{"a":{"S":"1"},"a":{"S":"2"}}}',
        b"\xff\xfe",
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' + b"[" * 100_000,
        b'{"a":' + b'{"b":' * 50_000 + b"1" + b"}" * 50_001,
        b'{"a":' + b"9" * 10_000 + b"}",
        b'{"a":"\\uZZZZ"}',
        b'{"a":"' + b"\\" * 99_999,
    ],
    ids=range(15),
)
def test_what_is_no_json_is_refused_without_a_message(body):
    with pytest.raises(SerializationError) as caught:
        decode("GetItem", body)
    assert caught.value.message == ""


def test_brackets_inside_strings_are_not_counted_as_depth():
    assert read_json(json.dumps({"a": "[{" * 10_000}).encode()) == {"a": "[{" * 10_000}
    assert read_json(json.dumps({"a": '"[{\\"' * 10_000}).encode()) == {"a": '"[{\\"' * 10_000}


@pytest.mark.parametrize("text", ["plain", 'with a \\" in it'])
def test_depth_is_counted_beside_strings(text):
    deep = b'{"a":' * 513 + json.dumps(text).encode() + b"}" * 513
    with pytest.raises(SerializationError):
        read_json(deep)
    assert read_json(deep[5:-1])


def test_many_brackets_side_by_side_are_no_depth():
    assert read_json(json.dumps({"a": [{}] * 10_000}).encode()) == {"a": [{}] * 10_000}


@pytest.mark.parametrize(
    ("operation", "body", "message"),
    [
        ("GetItem", [], "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.GetItemInput"),
        ("GetItem", {"TableName": 1}, "NUMBER_VALUE cannot be converted to String"),
        ("GetItem", {"TableName": 1.5}, "DECIMAL_VALUE cannot be converted to String"),
        ("GetItem", {"TableName": {}}, "Start of structure or map found where not expected"),
        ("GetItem", {"TableName": []}, "Unrecognized collection type class java.lang.String"),
        ("GetItem", {"Key": "a"}, "Unexpected field type"),
        (
            "GetItem",
            {"Key": []},
            "Unrecognized collection type java.util.Map<java.lang.String, "
            "com.amazonaws.dynamodb.v20120810.AttributeValue>",
        ),
        ("GetItem", {"Key": {"a": "b"}}, "Unexpected value type in payload"),
        ("GetItem", {"Key": {"a": {"S": 1}}}, "NUMBER_VALUE cannot be converted to String"),
        ("GetItem", {"ConsistentRead": 1}, "NUMBER_VALUE cannot be converted to Boolean"),
        ("GetItem", {"ConsistentRead": "hi"}, "Unexpected token received from parser"),
        ("Query", {"Limit": "1"}, "STRING_VALUE cannot be converted to Integer"),
        ("Query", {"Limit": True}, "TRUE_VALUE cannot be converted to Integer"),
        ("Query", {"KeyConditions": {"a": 1}}, "Unexpected value type in payload"),
        (
            "Query",
            {"KeyConditions": []},
            "Unrecognized collection type java.util.Map<java.lang.String, "
            "com.amazonaws.dynamodb.v20120810.Condition>",
        ),
        ("CreateTable", {"KeySchema": {}}, "Start of structure or map found where not expected"),
        ("CreateTable", {"KeySchema": "a"}, "Unexpected field type"),
        ("CreateTable", {"KeySchema": ["a"]}, "Unexpected value type in payload"),
        (
            "CreateTable",
            {"KeySchema": [[]]},
            "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.KeySchemaElement",
        ),
        (
            "CreateTable",
            {"ProvisionedThroughput": {"ReadCapacityUnits": "1"}},
            "STRING_VALUE cannot be converted to Long",
        ),
        ("CreateTable", {"ProvisionedThroughput": 1}, "Unexpected field type"),
        ("BatchWriteItem", {"RequestItems": {"a": [{"PutRequest": 1}]}}, "Unexpected field type"),
        ("BatchWriteItem", {"RequestItems": {"a": [1]}}, "Unexpected value type in payload"),
        # The type of a later part comes before the value of an earlier one.
        (
            "PutItem",
            {"Item": {"a": {"N": "x"}}, "TableName": 1},
            "NUMBER_VALUE cannot be converted to String",
        ),
        ("PutItem", {"Item": {"a": {"N": "x"}, "b": 1}}, "Unexpected value type in payload"),
    ],
)
def test_a_wrong_json_type_is_refused_in_the_services_words(operation, body, message):
    with pytest.raises(SerializationError) as caught:
        decode(operation, body)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("operation", "body", "message"),
    [
        (
            "PutItem",
            {"TableName": "abc", "Item": {"a": {}}},
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        ),
        (
            "PutItem",
            {"TableName": "abc", "Item": {"a": {"S": "a", "N": "1"}}},
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes",
        ),
        (
            "PutItem",
            {
                "TableName": "abc",
                "Item": {},
                "ConditionExpression": "a = :a",
                "ExpressionAttributeValues": {":a": {"N": "x"}},
            },
            "ExpressionAttributeValues contains invalid value: "
            "The parameter cannot be converted to a numeric value: x for key :a",
        ),
        (
            "PutItem",
            {
                "TableName": "abc",
                "Item": {},
                "ConditionExpression": "a = :a",
                "ExpressionAttributeValues": {":a": {"NULL": False}},
            },
            PREFIX + "Null attribute value types must have the value of true",
        ),
        (
            "PutItem",
            {"TableName": "abc", "Item": {"a": {}}, "ReturnValues": "X"},
            "1 validation error detected: Value 'X' at 'returnValues' failed to satisfy constraint: "
            "Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]",
        ),
        (
            "BatchWriteItem",
            {"RequestItems": {"abc": [{}]}},
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes",
        ),
        (
            "TransactWriteItems",
            {"TransactItems": [{}]},
            "TransactItems can only contain one of Check, Put, Update or Delete",
        ),
    ],
)
def test_a_value_that_is_none_is_refused_behind_the_request_itself(operation, body, message):
    with pytest.raises(ValidationError) as caught:
        decode(operation, body)
    assert caught.value.message == message


def test_members_that_are_null_or_unknown_count_for_nothing():
    body = {"TableName": "abc", "Key": {"a": {"S": "x"}}, "ConsistentRead": None, "Color": [{}]}
    assert decode("GetItem", body) == GetItem("abc", {"a": "x"})


def test_a_table_is_provisioned_unless_it_says_otherwise():
    body = {"TableName": "abc", "KeySchema": [], "AttributeDefinitions": []}
    assert decode("CreateTable", body).billing_mode == "PROVISIONED"


def test_legacy_members_tell_null_from_absent():
    body = {
        "TableName": "abc",
        "Item": {},
        "Expected": {"a": {"Value": {"NULL": True}}, "b": {"Exists": False}},
    }
    assert decode("PutItem", body) == PutItem(
        "abc",
        {},
        expected={
            "a": items.ExpectedAttributeValue(value=None, has_value=True),
            "b": items.ExpectedAttributeValue(exists=False),
        },
    )


def answer(operation, request, result):
    return json.loads(BY_TARGET[f"DynamoDB_20120810.{operation}".encode()].encode(request, result))


def test_an_item_that_is_not_there_is_left_out_and_an_empty_one_is_not():
    request = GetItem("abc", {})
    assert answer("GetItem", request, items.GetItemResult(None)) == {}
    assert answer("GetItem", request, items.GetItemResult({})) == {"Item": {}}


def test_a_count_comes_without_items():
    page = Page([], 2, 3, {"id": 1})
    assert answer("Query", Query("abc", select="COUNT"), page) == {
        "Count": 2,
        "ScannedCount": 3,
        "LastEvaluatedKey": {"id": {"N": "1"}},
    }
    assert answer("Query", Query("abc"), Page([], 0, 0)) == {"Items": [], "Count": 0, "ScannedCount": 0}


def test_a_transactions_missing_item_is_an_empty_response():
    request = items.TransactGetItems([])
    assert answer("TransactGetItems", request, TransactGetItemsResult([{"a": 1}, None])) == {
        "Responses": [{"Item": {"a": {"N": "1"}}}, {}]
    }


def test_unprocessed_parts_come_back_as_they_can_be_sent_again():
    unprocessed = {"abc": [items.PutRequest({"a": 1}), items.DeleteRequest({"a": 2})]}
    written = answer("BatchWriteItem", None, items.BatchWriteItemResult(unprocessed))
    assert (
        decode("BatchWriteItem", {"RequestItems": written["UnprocessedItems"]}).request_items == unprocessed
    )
    keys = {"abc": items.KeysAndAttributes([{"a": 1}], consistent_read=True)}
    written = answer("BatchGetItem", None, items.BatchGetItemResult({}, keys))
    assert decode("BatchGetItem", {"RequestItems": written["UnprocessedKeys"]}).request_items == keys


def test_a_description_leaves_out_what_there_is_not_and_writes_times_in_seconds():
    description = tables.TableDescription(
        "abc",
        "ACTIVE",
        "id",
        1_500,
        (tables.KeySchemaElement("a", "HASH"),),
        (tables.AttributeDefinition("a", "S"),),
    )
    assert answer("DescribeTable", None, tables.DescribeTableResult(description)) == {
        "Table": {
            "TableName": "abc",
            "TableStatus": "ACTIVE",
            "TableId": "id",
            "CreationDateTime": 1.5,
            "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}],
            "TableSizeBytes": 0,
            "ItemCount": 0,
            "ProvisionedThroughput": {
                "NumberOfDecreasesToday": 0,
                "ReadCapacityUnits": 0,
                "WriteCapacityUnits": 0,
            },
            "DeletionProtectionEnabled": False,
        }
    }


def test_a_message_that_quotes_half_a_character_is_still_a_body():
    assert write_json({"message": "\ud800"}) == b'{"message":"?"}'
