"""TransactWriteItems and TransactGetItems, with the reasons of what was cancelled."""

from __future__ import annotations

import pytest


def put(table, key, **members):
    return {"Put": {"TableName": table, "Item": {"id": {"S": key}}, **members}}


def get(table, key):
    return {"Get": {"TableName": table, "Key": {"id": {"S": key}}}}


def test_all_of_it_is_written_and_read(dynamodb, make_table):
    one, two = make_table(), make_table()
    dynamodb.transact_write_items(TransactItems=[put(one, "a"), put(two, "b")])
    answer = dynamodb.transact_get_items(TransactItems=[get(one, "a"), get(one, "none"), get(two, "b")])
    assert answer["Responses"] == [{"Item": {"id": {"S": "a"}}}, {}, {"Item": {"id": {"S": "b"}}}]


def test_what_is_cancelled_tells_each_members_reason(dynamodb, post, table):
    dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}})
    refused = put(
        table,
        "a",
        ConditionExpression="attribute_not_exists(id)",
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )
    status, _, body = post("TransactWriteItems", {"TransactItems": [put(table, "b"), refused]})
    assert status == 400
    assert body == {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, ConditionalCheckFailed]",
        "CancellationReasons": [
            {"Code": "None"},
            {
                "Code": "ConditionalCheckFailed",
                "Message": "The conditional request failed",
                "Item": {"id": {"S": "a"}},
            },
        ],
    }
    assert "Item" not in dynamodb.get_item(TableName=table, Key={"id": {"S": "b"}})


def test_a_token_is_good_for_one_transaction(dynamodb, table):
    request = {"TransactItems": [put(table, "a")], "ClientRequestToken": f"token-{table}"}
    dynamodb.transact_write_items(**request)
    dynamodb.transact_write_items(**request)
    with pytest.raises(dynamodb.exceptions.IdempotentParameterMismatchException):
        dynamodb.transact_write_items(**{**request, "TransactItems": [put(table, "b")]})


def test_one_item_is_written_once(refusal, table):
    assert refusal("TransactWriteItems", TransactItems=[put(table, "a"), put(table, "a")]) == (
        "ValidationException",
        "Transaction request cannot include multiple operations on one item",
    )


def test_an_update_says_what_it_changes(refusal, table):
    update = {"Update": {"TableName": table, "Key": {"id": {"S": "a"}}}}
    assert refusal("TransactWriteItems", TransactItems=[put(table, "b"), update]) == (
        "ValidationException",
        "1 validation error detected: Value null at 'transactItems.2.member.update.updateExpression' failed "
        "to satisfy constraint: Member must not be null",
    )


def test_what_was_consumed_counts_twice_and_a_replay_reads(dynamodb, table):
    request = {
        "TransactItems": [put(table, "a")],
        "ClientRequestToken": f"token-{table}",
        "ReturnConsumedCapacity": "TOTAL",
        "ReturnItemCollectionMetrics": "SIZE",
    }
    first, again = (dynamodb.transact_write_items(**request) for _ in range(2))
    assert first["ConsumedCapacity"] == [
        {"TableName": table, "CapacityUnits": 2.0, "WriteCapacityUnits": 2.0}
    ]
    assert again["ConsumedCapacity"] == [{"TableName": table, "CapacityUnits": 2.0, "ReadCapacityUnits": 2.0}]
    assert "ItemCollectionMetrics" not in first
