"""PutItem, GetItem and DeleteItem: what they do, what they answer, in which words they refuse."""

from __future__ import annotations

import pytest

INVALID = "One or more parameter values were invalid: "
EVERY_TYPE = {
    "id": {"S": "every"},
    "S": {"S": "é\U0001f600"},
    "empty": {"S": ""},
    "N": {"N": "-12.5"},
    "B": {"B": b"\x00\xff"},
    "BOOL": {"BOOL": False},
    "NULL": {"NULL": True},
    "M": {"M": {"a": {"L": [{"N": "1"}, {"M": {}}]}}},
    "L": {"L": []},
    "SS": {"SS": ["a", "b"]},
    "NS": {"NS": ["1", "2"]},
    "BS": {"BS": [b"a", b"b"]},
}


def test_every_type_comes_back_as_it_went_in(dynamodb, table):
    assert "Attributes" not in dynamodb.put_item(TableName=table, Item=EVERY_TYPE)
    assert dynamodb.get_item(TableName=table, Key={"id": {"S": "every"}})["Item"] == EVERY_TYPE


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("1.50", "1.5"),
        ("-0", "0"),
        ("1e3", "1000"),
        ("0001", "1"),
        (".5", "0.5"),
        ("1E-130", "0." + "0" * 129 + "1"),
        ("9" * 38, "9" * 38),
        ("1" + "0" * 125, "1" + "0" * 125),
    ],
)
def test_numbers_come_back_in_plain_digits(sent, stored, dynamodb, table):
    dynamodb.put_item(TableName=table, Item={"id": {"S": "n"}, "n": {"N": sent}})
    assert dynamodb.get_item(TableName=table, Key={"id": {"S": "n"}})["Item"]["n"] == {"N": stored}


def test_an_item_that_is_not_there_has_no_member(dynamodb, table):
    assert "Item" not in dynamodb.get_item(TableName=table, Key={"id": {"S": "none"}})


def test_a_projection_that_matches_nothing_is_an_empty_item(dynamodb, table):
    dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}})
    answer = dynamodb.get_item(TableName=table, Key={"id": {"S": "a"}}, ProjectionExpression="elsewhere")
    assert answer["Item"] == {}


def test_old_values_are_returned_when_asked_for(dynamodb, table):
    first, second = {"id": {"S": "a"}, "v": {"N": "1"}}, {"id": {"S": "a"}, "v": {"N": "2"}}
    assert "Attributes" not in dynamodb.put_item(TableName=table, Item=first, ReturnValues="ALL_OLD")
    assert dynamodb.put_item(TableName=table, Item=second, ReturnValues="ALL_OLD")["Attributes"] == first
    key = {"id": {"S": "a"}}
    assert dynamodb.delete_item(TableName=table, Key=key, ReturnValues="ALL_OLD")["Attributes"] == second
    assert "Attributes" not in dynamodb.delete_item(TableName=table, Key=key, ReturnValues="ALL_OLD")


def test_a_condition_that_fails_shows_the_item_when_asked_for(dynamodb, table):
    item = {"id": {"S": "a"}, "v": {"N": "1"}}
    dynamodb.put_item(TableName=table, Item=item)
    request = {"TableName": table, "Item": item, "ConditionExpression": "attribute_not_exists(id)"}
    for extra, shown in (({}, None), ({"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}, item)):
        with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as caught:
            dynamodb.put_item(**request, **extra)
        assert caught.value.response.get("Item") == shown
        assert caught.value.response["Error"]["Message"] == "The conditional request failed"


def test_the_error_body_is_the_services(post, table):
    key = {"id": {"S": "none"}}
    request = {"TableName": table, "Key": key, "ConditionExpression": "attribute_exists(id)"}
    assert post("DeleteItem", request)[2] == {
        "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
        "message": "The conditional request failed",
    }
    assert post("GetItem", {"TableName": "nowhere", "Key": key})[2] == {
        "__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
        "message": "Requested resource not found",
    }
    assert post("GetItem", {"TableName": "a!", "Key": key})[2]["__type"] == (
        "com.amazon.coral.validate#ValidationException"
    )


def test_consumed_capacity_is_told_when_asked_for(dynamodb, table):
    answer = dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}}, ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"] == {"TableName": table, "CapacityUnits": 1.0}
    key = {"id": {"S": "a"}}
    answer = dynamodb.get_item(TableName=table, Key=key, ReturnConsumedCapacity="INDEXES")
    assert answer["ConsumedCapacity"] == {
        "TableName": table,
        "CapacityUnits": 0.5,
        "Table": {"CapacityUnits": 0.5},
    }


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({}, INVALID + "Missing the key id in the item"),
        ({"id": {"N": "1"}}, INVALID + "Type mismatch for key id expected: S actual: N"),
        ({"id": {"S": ""}}, None),
        ({"id": {"S": "a"}, "s": {"SS": []}}, INVALID + "An string set  may not be empty"),
        ({"id": {"S": "a"}, "s": {"NS": ["1", "1.0"]}}, "Input collection contains duplicates"),
        (
            {"id": {"S": "a"}, "n": {"N": "1" * 39}},
            "Attempting to store more than 38 significant digits in a Number",
        ),
        (
            {"id": {"S": "a"}, "n": {"N": "1E126"}},
            "Number overflow. Attempting to store a number with magnitude larger than supported range",
        ),
        ({"id": {"S": "a"}, "t": {"S": "x" * 409_600}}, "Item size has exceeded the maximum allowed size"),
    ],
    ids=range(8),
)
def test_an_item_that_cannot_be_is_refused(item, message, refusal, table):
    code, told = refusal("PutItem", TableName=table, Item=item)
    assert code == "ValidationException"
    if message is not None:
        assert told.removeprefix("1 validation error detected: ") == message
    else:
        assert "empty string value. Key: id" in told


def test_an_item_of_400_kib_is_stored(dynamodb, table):
    item = {"id": {"S": "a"}, "t": {"S": "x" * (409_600 - 4)}}
    dynamodb.put_item(TableName=table, Item=item)
    assert dynamodb.get_item(TableName=table, Key={"id": {"S": "a"}})["Item"] == item


def nested(levels):
    value = {"N": "1"}
    for _ in range(levels):
        value = {"L": [value]}
    return value


def test_values_are_nested_31_deep_and_no_deeper(dynamodb, refusal, table):
    dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}, "v": nested(31)})
    for levels in (32, 200):
        assert refusal("PutItem", TableName=table, Item={"id": {"S": "a"}, "v": nested(levels)}) == (
            "ValidationException",
            "Nesting Levels have exceeded supported limits: "
            "Attributes in the item have nested levels beyond supported limit",
        )


def test_a_wrong_value_is_told_before_a_table_that_is_not_there(refusal):
    key = {"id": {"S": "a"}}
    assert refusal("PutItem", TableName="nowhere", Item={"a": {"N": "x"}})[0] == "ValidationException"
    assert refusal("GetItem", TableName="nowhere", Key={"id": {}})[0] == "ValidationException"
    assert refusal("GetItem", TableName="nowhere", Key=key)[0] == "ResourceNotFoundException"


def test_single_constraints_are_counted_and_joined(refusal):
    code, message = refusal("PutItem", TableName="a;", Item={}, ReturnValues="SOME")
    assert code == "ValidationException"
    assert message.startswith("2 validation errors detected: ")
    assert message.count("failed to satisfy constraint") == 2
