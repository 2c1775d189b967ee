"""What stands on boto3: its resource layer, PynamoDB; and moto's answers beside kvdb's."""

from __future__ import annotations

from decimal import Decimal

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError
from moto import mock_aws
from pynamodb.attributes import ListAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.exceptions import DoesNotExist, PutError
from pynamodb.models import Model

from kvdb.api.items import UpdateItem
from kvdb.database.dispatch import SERVED
from tests.dynamodb.conftest import ACCESS, NO_RETRIES


def test_the_resource_layer_writes_batches_and_follows_pages(resource):
    table = resource.create_table(
        TableName="resource",
        KeySchema=[
            {"AttributeName": "artist", "KeyType": "HASH"},
            {"AttributeName": "n", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "artist", "AttributeType": "S"},
            {"AttributeName": "n", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    table.wait_until_exists()
    with table.batch_writer() as batch:
        for n in range(60):
            batch.put_item(Item={"artist": "a", "n": n, "half": Decimal(n) / 2, "tags": {"x", "y"}})
    found = table.query(KeyConditionExpression=Key("artist").eq("a") & Key("n").between(10, 12))["Items"]
    assert found[0] == {"artist": "a", "n": Decimal(10), "half": Decimal(5), "tags": {"x", "y"}}
    assert [item["n"] for item in found] == [10, 11, 12]
    assert table.scan(FilterExpression=Attr("half").gte(29))["Count"] == 2
    table.delete()
    table.wait_until_not_exists()


def test_a_pynamodb_model_lives_here(endpoint):
    class Movie(Model):
        class Meta:
            table_name = "movies-pynamo"
            host = endpoint
            region = "us-east-1"
            aws_access_key_id = "key"
            aws_secret_access_key = "secret"
            billing_mode = "PAY_PER_REQUEST"
            max_retry_attempts = 0

        title = UnicodeAttribute(hash_key=True)
        year = NumberAttribute(range_key=True)
        cast = UnicodeSetAttribute(null=True)
        scores = ListAttribute(of=NumberAttribute, default=list)

    Movie.create_table(wait=True)
    assert Movie.exists()
    Movie("Alien", 1979, cast={"Weaver"}, scores=[8, 9]).save()
    Movie("Alien", 1986).save()
    with Movie.batch_write() as batch:
        for year in range(2000, 2030):
            batch.save(Movie("Serial", year))
    alien = Movie.get("Alien", 1979)
    assert (alien.cast, list(alien.scores)) == ({"Weaver"}, [8, 9])
    assert [movie.year for movie in Movie.query("Serial", Movie.year < 2003, limit=2)] == [2000, 2001]
    assert Movie.count("Serial") == 30
    assert sum(1 for _ in Movie.scan(page_size=7)) == 32
    with pytest.raises(PutError):
        alien.save(Movie.title.does_not_exist())
    if UpdateItem in SERVED:
        alien.update(actions=[Movie.cast.add({"Holm"}), Movie.scores.set(Movie.scores.append([10]))])
        assert Movie.get("Alien", 1979).cast == {"Weaver", "Holm"}
    alien.delete()
    with pytest.raises(DoesNotExist):
        Movie.get("Alien", 1979)
    Movie.delete_table()


# moto is no authority, but where it and kvdb differ one of them is wrong; what is listed here is
# what it gets right.


def script(client):
    """Calls and their answers, in a form that can be compared."""
    told = []

    def call(operation, **request):
        try:
            answer = getattr(client, operation)(**request)
            answer.pop("ResponseMetadata")
        except ClientError as error:
            answer = error.response["Error"]["Code"]
        told.append((operation, answer))

    table = {"TableName": "same"}
    client.create_table(
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "n", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
        **table,
    )
    for n in range(12):
        item = {"id": {"S": f"p{n % 2}"}, "n": {"N": str(n)}, "v": {"L": [{"N": str(n * n)}, {"S": "x" * n}]}}
        call("put_item", Item=item, ReturnValues="ALL_OLD", **table)
        call("put_item", Item=item, ReturnValues="ALL_OLD", **table)
    key = {"id": {"S": "p0"}, "n": {"N": "4"}}
    call("get_item", Key=key, **table)
    call("get_item", Key=key, ProjectionExpression="v[0]", **table)
    call("get_item", Key={"id": {"S": "p0"}}, **table)
    call("get_item", Key={"id": {"S": "p0"}, "n": {"N": "99"}}, **table)
    for sort, values in (
        ("n > :a", {":a": {"N": "5"}}),
        ("n BETWEEN :a AND :b", {":a": {"N": "2"}, ":b": {"N": "8"}}),
        ("n = :a", {":a": {"N": "1"}}),
    ):
        for forward in (True, False):
            call(
                "query",
                KeyConditionExpression=f"id = :id AND {sort}",
                ExpressionAttributeValues={":id": {"S": "p0"}, **values},
                ScanIndexForward=forward,
                **table,
            )
    values = {":id": {"S": "p1"}}
    call("query", KeyConditionExpression="id = :id", ExpressionAttributeValues=values, Limit=2, **table)
    for condition, extra in (
        ("attribute_exists(id)", {}),
        ("attribute_not_exists(id)", {}),
        ("v[0] = :v", {"ExpressionAttributeValues": {":v": {"N": "16"}}}),
        ("size(v) > :v", {"ExpressionAttributeValues": {":v": {"N": "2"}}}),
        ("contains(v, :v)", {"ExpressionAttributeValues": {":v": {"S": "xxxx"}}}),
    ):
        call("put_item", Item={**key, "v": {"L": []}}, ConditionExpression=condition, **extra, **table)
    call("delete_item", Key=key, ReturnValues="ALL_OLD", **table)
    call("delete_item", Key=key, ReturnValues="ALL_OLD", **table)
    call("get_item", Key=key, TableName="nowhere")
    client.delete_table(**table)
    return told


def test_moto_answers_the_same(dynamodb):
    with mock_aws():
        theirs = script(boto3.client("dynamodb", config=NO_RETRIES, **ACCESS))
    assert script(dynamodb) == theirs
