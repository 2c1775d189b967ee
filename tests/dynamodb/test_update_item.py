"""UpdateItem: what it changes, what it returns, in which words it refuses."""

from __future__ import annotations

import pytest

from kvdb.api.items import UpdateItem
from kvdb.database.dispatch import SERVED

pytestmark = pytest.mark.skipif(UpdateItem not in SERVED, reason="no room serves UpdateItem")

KEY = {"id": {"S": "a"}}


def test_an_update_makes_the_item_and_changes_it(dynamodb, table):
    request = {
        "TableName": table,
        "Key": KEY,
        "UpdateExpression": "SET #c = if_not_exists(#c, :zero) + :one",
        "ExpressionAttributeNames": {"#c": "count"},
        "ExpressionAttributeValues": {":zero": {"N": "0"}, ":one": {"N": "1"}},
        "ReturnValues": "UPDATED_NEW",
    }
    assert dynamodb.update_item(**request)["Attributes"] == {"count": {"N": "1"}}
    assert dynamodb.update_item(**request)["Attributes"] == {"count": {"N": "2"}}
    assert dynamodb.get_item(TableName=table, Key=KEY)["Item"] == {**KEY, "count": {"N": "2"}}


@pytest.mark.parametrize(
    ("returned", "attributes"),
    [
        ("NONE", None),
        ("ALL_OLD", {**KEY, "v": {"N": "1"}, "w": {"N": "1"}}),
        ("ALL_NEW", {**KEY, "v": {"N": "2"}, "w": {"N": "1"}}),
        ("UPDATED_OLD", {"v": {"N": "1"}}),
        ("UPDATED_NEW", {"v": {"N": "2"}}),
    ],
)
def test_what_is_returned_is_what_was_asked_for(returned, attributes, dynamodb, table):
    dynamodb.put_item(TableName=table, Item={**KEY, "v": {"N": "1"}, "w": {"N": "1"}})
    answer = dynamodb.update_item(
        TableName=table,
        Key=KEY,
        UpdateExpression="SET v = :v",
        ExpressionAttributeValues={":v": {"N": "2"}},
        ReturnValues=returned,
    )
    assert answer.get("Attributes") == attributes


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"UpdateExpression": ""}, "Invalid UpdateExpression: The expression can not be empty;"),
        (
            {"UpdateExpression": "SET v = :v"},
            "Invalid UpdateExpression: An expression attribute value used in expression is not defined; "
            "attribute value: :v",
        ),
        (
            {"UpdateExpression": "REMOVE id"},
            "One or more parameter values were invalid: Cannot update attribute id. "
            "This attribute is part of the key",
        ),
    ],
)
def test_an_update_that_cannot_be_is_refused(members, message, refusal, table):
    code, told = refusal("UpdateItem", TableName=table, Key=KEY, **members)
    assert code == "ValidationException"
    assert told.removeprefix("1 validation error detected: ") == message
