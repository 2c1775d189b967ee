"""The parameters of before 2014 under boto3."""

from __future__ import annotations

import pytest

KEY = {"id": {"S": "a"}}


def equals(kind: str, value: str) -> dict[str, object]:
    return {"ComparisonOperator": "EQ", "AttributeValueList": [{kind: value}]}


@pytest.fixture
def range_table(dynamodb, make_table):
    """Five rows of one partition, ``n`` from 0 to 4."""
    name = make_table(("n", "N"))
    for number in range(5):
        colour = {"S": "even" if number % 2 == 0 else "odd"}
        dynamodb.put_item(TableName=name, Item={**KEY, "n": {"N": str(number)}, "colour": colour})
    return name


def test_attribute_updates_make_an_item_and_change_it(dynamodb, table):
    request = {"TableName": table, "Key": KEY, "ReturnValues": "ALL_NEW"}
    made = dynamodb.update_item(**request, AttributeUpdates={"v": {"Value": {"N": "3"}}})
    assert made["Attributes"] == {**KEY, "v": {"N": "3"}}
    changed = dynamodb.update_item(
        **request,
        AttributeUpdates={
            "v": {"Action": "ADD", "Value": {"N": "4"}},
            "l": {"Action": "ADD", "Value": {"L": [{"S": "x"}]}},
            "none": {"Action": "DELETE"},
        },
    )
    assert changed["Attributes"] == {**KEY, "v": {"N": "7"}, "l": {"L": [{"S": "x"}]}}
    updated = dynamodb.update_item(
        **{**request, "ReturnValues": "UPDATED_OLD"}, AttributeUpdates={"l": {"Action": "DELETE"}}
    )
    assert updated["Attributes"] == {"l": {"L": [{"S": "x"}]}}


def test_an_update_without_any_change_makes_the_item(dynamodb, table):
    dynamodb.update_item(TableName=table, Key=KEY, AttributeUpdates={})
    assert dynamodb.get_item(TableName=table, Key=KEY)["Item"] == KEY


def test_an_update_that_only_takes_away_makes_none(dynamodb, table):
    dynamodb.update_item(TableName=table, Key=KEY, AttributeUpdates={"v": {"Action": "DELETE"}})
    assert "Item" not in dynamodb.get_item(TableName=table, Key=KEY)


def test_a_key_attribute_is_not_updated(refusal, table):
    assert refusal(
        "UpdateItem", TableName=table, Key=KEY, AttributeUpdates={"id": {"Value": {"S": "b"}}}
    ) == (
        "ValidationException",
        "One or more parameter values were invalid: Cannot update attribute id. "
        "This attribute is part of the key",
    )


def test_expected_is_a_condition_of_every_write(dynamodb, refusal, table):
    absent = {"id": {"Exists": False}}
    dynamodb.put_item(TableName=table, Item={**KEY, "v": {"N": "1"}}, Expected=absent)
    failed = ("ConditionalCheckFailedException", "The conditional request failed")
    assert refusal("PutItem", TableName=table, Item=KEY, Expected=absent) == failed
    other = {"v": {"Value": {"N": "2"}}}
    assert refusal("DeleteItem", TableName=table, Key=KEY, Expected=other) == failed
    updates = {"v": {"Value": {"N": "9"}}}
    assert refusal("UpdateItem", TableName=table, Key=KEY, AttributeUpdates=updates, Expected=other) == failed
    either = {**other, "id": equals("S", "a")}
    dynamodb.update_item(
        TableName=table, Key=KEY, AttributeUpdates=updates, Expected=either, ConditionalOperator="OR"
    )
    dynamodb.delete_item(TableName=table, Key=KEY, Expected={"v": {"Value": {"N": "9"}}})
    assert "Item" not in dynamodb.get_item(TableName=table, Key=KEY)


def test_key_conditions_and_a_query_filter_choose_rows(dynamodb, range_table):
    key = {"id": equals("S", "a")}
    bounds = {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "1"}, {"N": "3"}]}
    page = dynamodb.query(TableName=range_table, KeyConditions={**key, "n": bounds}, AttributesToGet=["n"])
    assert page["Items"] == [{"n": {"N": str(number)}} for number in (1, 2, 3)]
    page = dynamodb.query(
        TableName=range_table,
        KeyConditions=key,
        QueryFilter={"colour": equals("S", "odd"), "none": {"ComparisonOperator": "NOT_NULL"}},
        ConditionalOperator="OR",
    )
    assert (page["Count"], page["ScannedCount"]) == (2, 5)


def test_old_key_conditions_go_with_a_new_filter(dynamodb, range_table):
    page = dynamodb.query(
        TableName=range_table,
        KeyConditions={"id": equals("S", "a")},
        FilterExpression="colour = :c",
        ExpressionAttributeValues={":c": {"S": "even"}},
        ProjectionExpression="n",
    )
    assert [item["n"]["N"] for item in page["Items"]] == ["0", "2", "4"]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"KeyConditions": {"id": equals("S", "a")}, "QueryFilter": {"n": equals("N", "1")}},
            "QueryFilter can only contain non-primary key attributes: Primary key attribute: n",
        ),
        ({"KeyConditions": {"n": equals("N", "1")}}, "Query condition missed key schema element: id"),
        (
            {"KeyConditions": {"id": equals("N", "1")}},
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (
            {"KeyConditions": {"id": {"ComparisonOperator": "GT", "AttributeValueList": [{"S": "a"}]}}},
            "Query key condition not supported",
        ),
        ({"KeyConditions": {}}, "Conditions can be of length 1 or 2 only"),
        (
            {"QueryFilter": {"colour": equals("S", "a")}},
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
        ),
    ],
)
def test_a_query_is_refused_in_the_words_of_its_parameters(members, message, refusal, range_table):
    assert refusal("Query", TableName=range_table, **members) == ("ValidationException", message)


def test_a_scan_filter_and_attributes_to_get_choose_rows(dynamodb, range_table):
    page = dynamodb.scan(
        TableName=range_table, ScanFilter={"colour": equals("S", "odd")}, AttributesToGet=["n"]
    )
    assert [item["n"]["N"] for item in page["Items"]] == ["1", "3"]
    page = dynamodb.scan(TableName=range_table, ScanFilter={})
    assert page["Count"] == 5


def test_attributes_to_get_are_what_is_got(dynamodb, table):
    dynamodb.put_item(TableName=table, Item={**KEY, "a.b": {"S": "x"}, "c": {"N": "1"}})
    names = ["a.b", "none"]
    assert dynamodb.get_item(TableName=table, Key=KEY, AttributesToGet=names)["Item"] == {"a.b": {"S": "x"}}
    wanted = {table: {"Keys": [KEY], "AttributesToGet": names}}
    assert dynamodb.batch_get_item(RequestItems=wanted)["Responses"][table] == [{"a.b": {"S": "x"}}]


def test_old_and_new_do_not_go_together(dynamodb, refusal, table):
    assert refusal(
        "PutItem",
        TableName=table,
        Item=KEY,
        Expected={"id": {"Exists": False}},
        ConditionExpression="attribute_exists(id)",
    ) == (
        "ValidationException",
        "Can not use both expression and non-expression parameters in the same request: "
        "Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}",
    )
    assert "Item" not in dynamodb.get_item(TableName=table, Key=KEY)
