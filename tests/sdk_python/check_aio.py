"""What people do with aioboto3, against the endpoint in ENDPOINT. Runs in an environment of its own."""

from __future__ import annotations

import asyncio
import os
from decimal import Decimal

import aioboto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

ACCESS = {
    "endpoint_url": os.environ["ENDPOINT"],
    "region_name": "us-east-1",
    "aws_access_key_id": "key",
    "aws_secret_access_key": "secret",
}
KEYS = [("id", "S", "HASH"), ("n", "N", "RANGE")]


async def main() -> None:
    session = aioboto3.Session()
    async with (
        session.resource("dynamodb", **ACCESS) as dynamodb,
        session.client("dynamodb", **ACCESS) as client,
    ):
        table = await dynamodb.create_table(
            TableName="aioboto3",
            KeySchema=[{"AttributeName": name, "KeyType": role} for name, _, role in KEYS],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind, _ in KEYS],
            BillingMode="PAY_PER_REQUEST",
        )
        await table.wait_until_exists()
        await items(table)
        await pages(client)
        await refusals(client)
        await many_at_once(table)
        await table.delete()
        await table.wait_until_not_exists()
    print("aioboto3: all well")


async def items(table) -> None:
    item = {"id": "a", "n": 1, "half": Decimal("0.5"), "tags": {"x", "y"}, "deep": [{"m": None}, b"\x00"]}
    await table.put_item(Item=item)
    got = (await table.get_item(Key={"id": "a", "n": 1}))["Item"]
    assert {**got, "deep": None} == {**item, "deep": None}
    assert (got["deep"][0], got["deep"][1].value) == ({"m": None}, b"\x00")
    changed = await table.update_item(
        Key={"id": "a", "n": 1},
        UpdateExpression="ADD visits :one",
        ConditionExpression=Attr("half").eq(Decimal("0.5")),
        ExpressionAttributeValues={":one": 1},
        ReturnValues="UPDATED_NEW",
    )
    assert changed["Attributes"] == {"visits": 1}
    async with table.batch_writer() as batch:
        for n in range(60):
            await batch.put_item(Item={"id": "b", "n": n})
        await batch.delete_item(Key={"id": "b", "n": 0})
    found = await table.query(KeyConditionExpression=Key("id").eq("b") & Key("n").gte(50))
    assert [found_item["n"] for found_item in found["Items"]] == list(range(50, 60))


async def pages(client) -> None:
    paginator = client.get_paginator("scan")
    counts = [
        page["Count"]
        async for page in paginator.paginate(TableName="aioboto3", PaginationConfig={"PageSize": 7})
    ]
    assert sum(counts) == 60, counts
    assert len(counts) >= 8


async def refusals(client) -> None:
    taken = {"id": {"S": "a"}, "n": {"N": "1"}}
    try:
        await client.put_item(
            TableName="aioboto3", Item=taken, ConditionExpression="attribute_not_exists(id)"
        )
    except client.exceptions.ConditionalCheckFailedException as error:
        assert error.response["Error"]["Message"] == "The conditional request failed"
    else:
        raise AssertionError("a condition that does not hold was let through")
    try:
        await client.get_item(TableName="aioboto3", Key={"id": {"S": "a"}})
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ValidationException"
    else:
        raise AssertionError("half a key was taken")


async def many_at_once(table) -> None:
    await asyncio.gather(*(table.put_item(Item={"id": "c", "n": n, "v": n}) for n in range(100)))
    answers = await asyncio.gather(*(table.get_item(Key={"id": "c", "n": n}) for n in range(100)))
    assert [answer["Item"]["v"] for answer in answers] == list(range(100))


asyncio.run(main())
