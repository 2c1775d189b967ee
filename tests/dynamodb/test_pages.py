"""Query and Scan: order, pages, filters, counts; batches; and boto3's paginators over them."""

from __future__ import annotations

import pytest


@pytest.fixture
def songs(make_table, dynamodb):
    name = make_table(sort=("n", "N"))
    for start in range(0, 50, 25):
        dynamodb.batch_write_item(
            RequestItems={
                name: [
                    {"PutRequest": {"Item": {"id": {"S": f"artist{n % 2}"}, "n": {"N": str(n)}}}}
                    for n in range(start, start + 25)
                ]
            }
        )
    return name


QUERY = {
    "KeyConditionExpression": "id = :id",
    "ExpressionAttributeValues": {":id": {"S": "artist0"}},
}


def numbers(items):
    return [int(item["n"]["N"]) for item in items]


def test_a_query_is_in_the_order_of_the_sort_key(dynamodb, songs):
    answer = dynamodb.query(TableName=songs, **QUERY)
    assert numbers(answer["Items"]) == list(range(0, 50, 2))
    assert (answer["Count"], answer["ScannedCount"]) == (25, 25)
    assert "LastEvaluatedKey" not in answer
    assert numbers(dynamodb.query(TableName=songs, ScanIndexForward=False, **QUERY)["Items"])[0] == 48


def test_pages_follow_one_another(dynamodb, songs):
    pages = list(dynamodb.get_paginator("query").paginate(TableName=songs, Limit=10, **QUERY))
    assert [page["Count"] for page in pages] == [10, 10, 5]
    assert [n for page in pages for n in numbers(page["Items"])] == list(range(0, 50, 2))
    scanned = dynamodb.get_paginator("scan").paginate(TableName=songs, PaginationConfig={"PageSize": 7})
    assert sorted(n for page in scanned for n in numbers(page["Items"])) == list(range(50))


def test_segments_share_a_scan_out(dynamodb, songs):
    found = []
    for segment in range(4):
        page = dynamodb.scan(TableName=songs, Segment=segment, TotalSegments=4)
        found += numbers(page["Items"])
    assert sorted(found) == list(range(50))


def test_a_filter_counts_what_it_looked_at(dynamodb, songs):
    answer = dynamodb.scan(
        TableName=songs, FilterExpression="n < :n", ExpressionAttributeValues={":n": {"N": "5"}}
    )
    assert (answer["Count"], answer["ScannedCount"]) == (5, 50)
    assert "Items" not in dynamodb.scan(TableName=songs, Select="COUNT")


def test_a_page_ends_at_1_mib(dynamodb, make_table):
    name = make_table(sort=("n", "N"))
    for n in range(5):
        dynamodb.put_item(
            TableName=name, Item={"id": {"S": "a"}, "n": {"N": str(n)}, "t": {"S": "x" * 300_000}}
        )
    values = {":id": {"S": "a"}}
    request = {"KeyConditionExpression": "id = :id", "ExpressionAttributeValues": values}
    first = dynamodb.query(TableName=name, **request)
    assert first["Count"] == 4
    assert first["LastEvaluatedKey"] == {"id": {"S": "a"}, "n": {"N": "3"}}
    rest = dynamodb.query(TableName=name, ExclusiveStartKey=first["LastEvaluatedKey"], **request)
    assert numbers(rest["Items"]) == [4]


def test_batches_read_and_write_several_tables(dynamodb, make_table):
    one, two = make_table(), make_table()
    put = {"PutRequest": {"Item": {"id": {"S": "a"}}}}
    assert dynamodb.batch_write_item(RequestItems={one: [put], two: [put]})["UnprocessedItems"] == {}
    wanted = {"Keys": [{"id": {"S": "a"}}, {"id": {"S": "none"}}]}
    answer = dynamodb.batch_get_item(RequestItems={one: wanted, two: wanted})
    assert answer["Responses"] == {one: [{"id": {"S": "a"}}], two: [{"id": {"S": "a"}}]}
    assert answer["UnprocessedKeys"] == {}
    gone = {"DeleteRequest": {"Key": {"id": {"S": "a"}}}}
    dynamodb.batch_write_item(RequestItems={one: [gone]})
    assert dynamodb.scan(TableName=one)["Count"] == 0


@pytest.mark.parametrize(
    ("operation", "request_members", "message"),
    [
        (
            "Query",
            {},
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
        ),
        (
            "Scan",
            {"Segment": 1},
            "The TotalSegments parameter is required but was not present in the request "
            "when Segment parameter is present",
        ),
        (
            "Scan",
            {"Select": "NICE"},
            "1 validation error detected: Value 'NICE' at 'select' failed to satisfy constraint: Member must "
            "satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]",
        ),
        (
            "Scan",
            {"Limit": 0},
            "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1",
        ),
        (
            "Scan",
            {"FilterExpression": "a = :missing"},
            "Invalid FilterExpression: An expression attribute value used in expression is not defined; "
            "attribute value: :missing",
        ),
        (
            "Scan",
            {"FilterExpression": ""},
            "Invalid FilterExpression: The expression can not be empty;",
        ),
    ],
)
def test_a_page_that_cannot_be_is_refused(operation, request_members, message, refusal, table):
    assert refusal(operation, TableName=table, **request_members) == ("ValidationException", message)


def test_batches_have_bounds(refusal, table):
    put = {"PutRequest": {"Item": {"id": {"S": "a"}}}}
    code, message = refusal("BatchWriteItem", RequestItems={table: [put] * 26})
    assert code == "ValidationException"
    assert "Member must have length less than or equal to 25" in message
    assert refusal("BatchWriteItem", RequestItems={table: [put] * 2}) == (
        "ValidationException",
        "Provided list of item keys contains duplicates",
    )
    keys = [{"id": {"S": str(n)}} for n in range(101)]
    code, message = refusal("BatchGetItem", RequestItems={table: {"Keys": keys}})
    assert code == "ValidationException"
    assert "Member must have length less than or equal to 100" in message


def test_a_query_is_the_same_whether_it_is_short_or_long(dynamodb, make_table):
    table = make_table(sort=("n", "N"))
    for first in range(0, 250, 25):
        puts = [
            {"PutRequest": {"Item": {"id": {"S": "a"}, "n": {"N": str(n)}, "v": {"S": "x" * 100}}}}
            for n in range(first, first + 25)
        ]
        dynamodb.batch_write_item(RequestItems={table: puts})
    for limit in (1, 99, 100, 101, 250, 1000):
        page = dynamodb.query(
            TableName=table,
            KeyConditionExpression="id = :id",
            ExpressionAttributeValues={":id": {"S": "a"}},
            Limit=limit,
        )
        assert [int(item["n"]["N"]) for item in page["Items"]] == list(range(min(limit, 250)))
        assert ("LastEvaluatedKey" in page) == (limit <= 250)
