"""CreateTable, DescribeTable, ListTables, DeleteTable; boto3's waiters over them."""

from __future__ import annotations

import boto3
import pytest

from tests.dynamodb.conftest import ACCESS, NO_RETRIES
from tests.support.server_process import ServerProcess

KEY = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
}


def test_a_provisioned_table_is_described_as_it_was_asked_for(dynamodb):
    dynamodb.create_table(
        TableName="provisioned",
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 7},
        **KEY,
    )
    dynamodb.get_waiter("table_exists").wait(TableName="provisioned")
    table = dynamodb.describe_table(TableName="provisioned")["Table"]
    assert table["TableStatus"] == "ACTIVE"
    assert table["TableArn"].endswith(":table/provisioned")
    assert {name: table[name] for name in KEY} == KEY
    assert table["ProvisionedThroughput"]["WriteCapacityUnits"] == 7
    assert "LocalSecondaryIndexes" not in table
    assert dynamodb.describe_table(TableName=table["TableArn"])["Table"]["TableName"] == "provisioned"
    dynamodb.delete_table(TableName="provisioned")
    dynamodb.get_waiter("table_not_exists").wait(TableName="provisioned")


def test_tables_are_listed_in_order_a_page_at_a_time(dynamodb, make_table):
    made = {make_table() for _ in range(3)}
    pages = dynamodb.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 2})
    # Those of other tests are among them.
    names = [name for page in pages for name in page["TableNames"]]
    assert names == sorted(names) and made <= set(names)
    first = dynamodb.list_tables(ExclusiveStartTableName=names[0], Limit=1)
    assert first["TableNames"] == [names[1]]
    assert first["LastEvaluatedTableName"] == names[1]


def test_a_name_is_taken_until_it_is_free(dynamodb, refusal, table):
    code, message = refusal("CreateTable", TableName=table, BillingMode="PAY_PER_REQUEST", **KEY)
    assert (code, message) == ("ResourceInUseException", f"Table already exists: {table}")
    dynamodb.delete_table(TableName=table)
    assert refusal("DescribeTable", TableName=table) == (
        "ResourceNotFoundException",
        f"Requested resource not found: Table: {table} not found",
    )
    dynamodb.create_table(TableName=table, BillingMode="PAY_PER_REQUEST", **KEY)


@pytest.mark.parametrize(
    ("settings", "fragment"),
    [
        ({}, "must both be specified when BillingMode is PROVISIONED"),
        ({"BillingMode": "SOMETIMES"}, "Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]"),
        (
            {
                "BillingMode": "PAY_PER_REQUEST",
                "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
            },
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified "
            "when BillingMode is PAY_PER_REQUEST",
        ),
    ],
)
def test_a_billing_mode_must_fit_its_throughput(settings, fragment, refusal):
    code, message = refusal("CreateTable", TableName="refused", **KEY, **settings)
    assert code == "ValidationException"
    assert fragment in message


def test_a_table_may_take_its_time_as_it_does_at_the_service(tmp_path):
    arguments = ("--sync", "none", "--table-status-delay", "0.3")
    with ServerProcess(tmp_path / "data", *arguments, doors=("http",)) as server:
        url = f"http://{server.addresses['http']}"
        client = boto3.client("dynamodb", endpoint_url=url, config=NO_RETRIES, **ACCESS)
        made = client.create_table(TableName="slow", BillingMode="PAY_PER_REQUEST", **KEY)
        assert made["TableDescription"]["TableStatus"] == "CREATING"
        wait = {"Delay": 1, "MaxAttempts": 20}
        client.get_waiter("table_exists").wait(TableName="slow", WaiterConfig=wait)
        client.put_item(TableName="slow", Item={"id": {"S": "a"}})
        assert client.delete_table(TableName="slow")["TableDescription"]["TableStatus"] == "DELETING"
        client.get_waiter("table_not_exists").wait(TableName="slow", WaiterConfig=wait)
        client.close()


def test_a_deleted_table_is_described_without_what_it_was_made_of(dynamodb, table):
    described = dynamodb.delete_table(TableName=table)["TableDescription"]
    assert described["TableName"] == table
    assert described["TableStatus"] == "DELETING"
    assert {"TableId", "TableArn", "ItemCount", "TableSizeBytes"} <= described.keys()
    assert not described.keys() & {"KeySchema", "AttributeDefinitions", "CreationDateTime"}
