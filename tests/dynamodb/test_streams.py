"""DynamoDB Streams through boto3."""

from __future__ import annotations

import datetime
import re

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.dynamodb.conftest import ACCESS, NO_RETRIES

VIEW = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


@pytest.fixture(scope="session")
def streams(endpoint):
    client = boto3.client("dynamodbstreams", endpoint_url=endpoint, config=NO_RETRIES, **ACCESS)
    yield client
    client.close()


@pytest.fixture
def table(dynamodb, make_table):
    """A table with a stream: its name and the stream's ARN."""
    name = make_table(StreamSpecification=VIEW)
    description = dynamodb.describe_table(TableName=name)["Table"]
    assert description["StreamSpecification"] == VIEW
    return name, description["LatestStreamArn"]


def records_of(streams, arn):
    found = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        place = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found += streams.get_records(ShardIterator=place)["Records"]
    return sorted(found, key=lambda record: record["dynamodb"]["SequenceNumber"])


def test_records_have_the_services_form(dynamodb, streams, table):
    name, arn = table
    dynamodb.put_item(TableName=name, Item={"id": {"S": "a"}, "n": {"N": "1"}})
    dynamodb.update_item(
        TableName=name,
        Key={"id": {"S": "a"}},
        UpdateExpression="SET n = n + :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    dynamodb.delete_item(TableName=name, Key={"id": {"S": "a"}})
    insert, modify, remove = records_of(streams, arn)
    change = insert["dynamodb"]
    assert re.fullmatch(r"[0-9]{21,40}", change["SequenceNumber"])
    when = change["ApproximateCreationDateTime"]
    assert isinstance(when, datetime.datetime)
    assert when.microsecond == 0
    assert insert == {
        "eventID": insert["eventID"],
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": insert["awsRegion"],
        "dynamodb": {
            "ApproximateCreationDateTime": when,
            "Keys": {"id": {"S": "a"}},
            "NewImage": {"id": {"S": "a"}, "n": {"N": "1"}},
            "SequenceNumber": change["SequenceNumber"],
            "SizeBytes": 9,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }
    assert (
        modify["eventName"],
        modify["dynamodb"]["OldImage"]["n"],
        modify["dynamodb"]["NewImage"]["n"],
    ) == (
        "MODIFY",
        {"N": "1"},
        {"N": "2"},
    )
    assert (remove["eventName"], "NewImage" in remove["dynamodb"]) == ("REMOVE", False)


def test_streams_are_found_and_described(streams, table):
    name, arn = table
    (found,) = streams.list_streams(TableName=name)["Streams"]
    assert found == {"StreamArn": arn, "TableName": name, "StreamLabel": arn.rsplit("/", 1)[1]}
    description = streams.describe_stream(StreamArn=arn, Limit=1)["StreamDescription"]
    assert description["StreamStatus"] == "ENABLED"
    assert description["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert isinstance(description["CreationRequestDateTime"], datetime.datetime)
    (shard,) = description["Shards"]
    assert description["LastEvaluatedShardId"] == shard["ShardId"]
    assert 28 <= len(shard["ShardId"]) <= 65
    assert set(shard["SequenceNumberRange"]) == {"StartingSequenceNumber"}
    rest = streams.describe_stream(StreamArn=arn, ExclusiveStartShardId=shard["ShardId"])
    assert shard["ShardId"] not in {each["ShardId"] for each in rest["StreamDescription"]["Shards"]}


def test_a_time_is_a_place(dynamodb, streams, table):
    name, arn = table
    before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)
    dynamodb.put_item(TableName=name, Item={"id": {"S": "a"}})
    found = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        place = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="AT_TIMESTAMP", Timestamp=before
        )["ShardIterator"]
        found += streams.get_records(ShardIterator=place)["Records"]
    assert [record["dynamodb"]["Keys"] for record in found] == [{"id": {"S": "a"}}]


def test_a_disabled_stream_ends_its_shards(dynamodb, streams, table):
    name, arn = table
    dynamodb.update_table(TableName=name, StreamSpecification={"StreamEnabled": False})
    description = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert description["StreamStatus"] == "DISABLED"
    for shard in description["Shards"]:
        assert "EndingSequenceNumber" in shard["SequenceNumberRange"]
        place = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        assert "NextShardIterator" not in streams.get_records(ShardIterator=place)


@pytest.mark.parametrize(
    ("call", "parameters", "code", "message"),
    [
        ("get_records", {"ShardIterator": "x" * 40}, "ValidationException", "Invalid ShardIterator"),
        (
            "get_records",
            {"ShardIterator": "x", "Limit": 1_001},
            "ValidationException",
            "1 validation error detected: Value '1001' at 'limit' failed to satisfy constraint: "
            "Member must have value less than or equal to 1000",
        ),
        (
            "describe_stream",
            {"StreamArn": "arn:aws:dynamodb:us-east-1:000000000000:table/none/stream/2026"},
            "ResourceNotFoundException",
            "Requested resource not found: Stream: arn:aws:dynamodb:us-east-1:000000000000:table/none/stream/"
            "2026 not found",
        ),
        (
            "describe_stream",
            {"StreamArn": "short"},
            "ValidationException",
            "1 validation error detected: Value 'short' at 'streamArn' failed to satisfy constraint: "
            "Member must have length greater than or equal to 37",
        ),
        ("list_streams", {"Limit": 0}, "ValidationException", None),
    ],
)
def test_what_is_wrong_is_said(streams, table, call, parameters, code, message):
    with pytest.raises(ClientError) as refused:
        getattr(streams, call)(**parameters)
    error = refused.value.response["Error"]
    assert error["Code"] == code
    if message is not None:
        assert error["Message"] == message
