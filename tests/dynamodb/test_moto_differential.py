"""Random calls answered by kvdb and by moto: where they differ, one of them is wrong.

moto is no authority, but it was written from the service's answers by other people. Each difference
that was found was held against what is known of the service. The calls are in the dialect that moto
reads, and not made or not compared where it is known to be wrong (5.2; the service's way in brackets):

- parentheses around an operand, functions in functions, NOT NOT, comparisons of two types: it fails
  on them (they are well formed; values of two types compare as false);
- ``size`` of a number: it refuses the call (the test is false);
- ``list_append`` to what is not there: it fails (refused, the attribute does not exist);
- an update that only takes away, of an item that is not there: it makes the item, or refuses a path
  into it (nothing happens; ScyllaDB test_update_expression.py, test_item.py);
- a refused update of an item that is not there: it makes the item all the same (there is none);
- UPDATED_OLD and UPDATED_NEW: it gives the key with a new item, whole lists, and nothing for what an
  update left as it was (the paths of the update, and no more; ScyllaDB test_returnvalues.py);
- several indices of one list in a projection: it gives the last (all of them);
- an update that no item could take, under a condition that does not hold: it tells of the condition
  (of the update, before any item is looked at);
- a page that ends by its limit with the last row: it gives no LastEvaluatedKey (it is given);
- ConsumedCapacity and ItemCollectionMetrics: it gives them unasked (they are not).
"""

from __future__ import annotations

import random

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.dynamodb.conftest import ACCESS, NO_RETRIES

CALLS = 400
TABLE = "differential"


def number(value):
    return {"N": str(value)}


CONDITIONS = (
    "attribute_exists(v)",
    "attribute_not_exists(t)",
    "attribute_exists(d.x) OR attribute_exists(d.l[1])",
    "v = :n",
    "NOT v = :n",
    "v <> :n",
    "attribute_exists(v) AND v < :n",
    "attribute_exists(v) AND v >= :n",
    "attribute_exists(v) AND v BETWEEN :n AND :m",
    "v IN (:n, :m)",
    "attribute_exists(t) AND begins_with(t, :t)",
    "contains(t, :t)",
    "contains(tags, :t)",
    "contains(l, :n)",
    "attribute_exists(t) AND size(t) > :n",
    "attribute_exists(tags) AND size(tags) = :n",
    "attribute_type(d, :type)",
    "d.x = :n",
    "d = :d",
    "(v = :n OR t = :t) AND attribute_exists(d)",
    "NOT (v = :n AND t = :t)",
)
UPDATES = (
    "SET v = :n",
    "SET v = v + :n",
    "SET v = :n - v",
    "SET v = if_not_exists(v, :n)",
    "SET v = v + :n, t = :t",
    "SET d = :d",
    "SET d.x = :n",
    "SET d.l[0] = :n",
    "SET d.l[9] = :t",
    "SET l = list_append(l, :l)",
    "SET l = list_append(:l, l)",
    "SET t = :t, l[1] = :n",
    "REMOVE t",
    "REMOVE d.x, v",
    "REMOVE d.l[0]",
    "REMOVE l[0], l[2]",
    "ADD v :n",
    "ADD tags :s",
    "DELETE tags :s",
    "SET t = :t REMOVE v",
    "SET t = :t ADD v :n DELETE tags :s",
    "ADD t :n",
)
MALFORMED = ("SET v = :n, v = :m", "SET d = :d REMOVE d.x", "SET id = :t", "SET v = :missing", "ADD v :t")
RETURNED = ("NONE", "ALL_OLD", "ALL_NEW")
SORTS = ("n = :low", "n < :low", "n <= :low", "n > :low", "n >= :low", "n BETWEEN :low AND :high")


class Differential:
    """The same calls of two services; what they answer must be the same."""

    def __init__(self, kvdb, seed):
        self.chance = random.Random(seed)
        self.pick = self.chance.choice
        self.kvdb = kvdb
        self.moto = boto3.client("dynamodb", config=NO_RETRIES, **ACCESS)
        self.compared = 0

    def call(self, operation, **request):
        ours, theirs = [answer(client, operation, request) for client in (self.kvdb, self.moto)]
        assert ours == theirs, (operation, request, ours, theirs)
        self.compared += 1
        return ours

    # What is sent

    def key(self):
        return {"id": {"S": self.pick("pq")}, "n": number(self.chance.randrange(6))}

    def item(self):
        values = self.values()
        content = {
            "v": values[":n"],
            "t": values[":t"],
            "tags": values[":s"],
            "d": values[":d"],
            "l": values[":l"],
            "g": {"S": self.pick("xy")},
            "yes": {"BOOL": self.chance.random() < 0.5},
            "none": {"NULL": True},
            "raw": {"B": self.chance.randbytes(3)},
        }
        return {**{name: part for name, part in content.items() if self.chance.random() < 0.6}, **self.key()}

    def values(self):
        few = self.chance.randrange(-3, 5)
        return {
            ":n": number(few),
            ":m": number(few + self.chance.randrange(4)),
            ":t": {"S": self.pick(("a", "ab", "b", "abc", "c"))},
            ":s": {"SS": self.chance.sample(["a", "ab", "b", "c"], self.pick((1, 2)))},
            ":d": {"M": {"x": number(few), "l": {"L": [number(1), {"S": "a"}][: self.pick((0, 1, 2))]}}},
            ":l": {"L": [number(few), {"S": "a"}][: self.pick((1, 2))]},
            ":type": {"S": self.pick(("M", "L", "N"))},
        }

    def expressed(self, **texts):
        """Expressions and the values that their texts stand on."""
        joined = " ".join(texts.values()).replace(",", " ").replace(")", " ").replace("(", " ").split()
        values = {name: value for name, value in self.values().items() if name in joined}
        return {**texts, **({"ExpressionAttributeValues": values} if values else {})}

    # Calls

    def put(self):
        self.call("put_item", TableName=TABLE, Item=self.item(), ReturnValues=self.pick(("NONE", "ALL_OLD")))

    def put_if(self):
        asked = self.expressed(ConditionExpression=self.pick(CONDITIONS))
        self.call("put_item", TableName=TABLE, Item=self.item(), **asked)

    def delete_if(self):
        asked = self.expressed(ConditionExpression=self.pick(CONDITIONS))
        self.call("delete_item", TableName=TABLE, Key=self.key(), ReturnValues="ALL_OLD", **asked)

    def update(self):
        key = self.key()
        asked = self.expressed(UpdateExpression=self.update_for(key))
        self.call("update_item", TableName=TABLE, Key=key, ReturnValues=self.pick(RETURNED), **asked)
        self.call("get_item", TableName=TABLE, Key=key)

    def update_if(self):
        key = self.key()
        asked = self.expressed(
            UpdateExpression=self.update_for(key), ConditionExpression=self.pick(CONDITIONS)
        )
        self.call("update_item", TableName=TABLE, Key=key, **asked)

    def update_malformed(self):
        asked = self.expressed(UpdateExpression=self.pick(MALFORMED))
        key = self.key()
        if "Item" in self.kvdb.get_item(TableName=TABLE, Key=key):
            self.call("update_item", TableName=TABLE, Key=key, **asked)

    def update_for(self, key):
        """An update of which moto is not known to make something else of the stored item."""
        stored = self.kvdb.get_item(TableName=TABLE, Key=key).get("Item", {})
        while True:
            text = self.pick(UPDATES)
            takes_away = text.startswith(("REMOVE", "DELETE")) and not stored
            needs = {"list_append": "l", "ADD t": "t"}
            if not takes_away and all(name in stored for part, name in needs.items() if part in text):
                return text

    def get(self):
        projection = self.pick(("v", "d.x, t", "l[1]", "d.l[0]", "missing"))
        self.call("get_item", TableName=TABLE, Key=self.key(), ProjectionExpression=projection)

    def query(self):
        text, low = self.pick(SORTS), self.chance.randrange(6)
        values = {":id": {"S": self.pick("pq")}, ":low": number(low)}
        if ":high" in text:
            values[":high"] = number(low + 2)
        self.pages(
            "query",
            TableName=TABLE,
            KeyConditionExpression=f"id = :id AND {text}",
            ExpressionAttributeValues=values,
            ScanIndexForward=self.chance.random() < 0.5,
            **self.pick(({}, {"Limit": 2}, {"Select": "COUNT"})),
        )

    def query_index(self):
        self.call(
            "query",
            TableName=TABLE,
            IndexName="by-g",
            KeyConditionExpression="g = :g AND n > :low",
            ExpressionAttributeValues={":g": {"S": self.pick("xy")}, ":low": number(1)},
        )

    def query_filtered(self):
        asked = self.expressed(FilterExpression=self.pick(CONDITIONS))
        values = {":id": {"S": self.pick("pq")}, **asked.pop("ExpressionAttributeValues", {})}
        self.call(
            "query",
            TableName=TABLE,
            KeyConditionExpression="id = :id",
            ExpressionAttributeValues=values,
            **asked,
        )

    def scan(self):
        found = self.call("scan", TableName=TABLE, **self.expressed(FilterExpression=self.pick(CONDITIONS)))
        assert isinstance(found, str) or found["Count"] == len(found["Items"])

    def batch(self):
        keys = {(key["id"]["S"], key["n"]["N"]): key for key in (self.key() for _ in range(3))}
        writes = [
            {"PutRequest": {"Item": {**self.item(), **key}}}
            if self.chance.random() < 0.7
            else {"DeleteRequest": {"Key": key}}
            for key in keys.values()
        ]
        self.call("batch_write_item", RequestItems={TABLE: writes})
        self.call("batch_get_item", RequestItems={TABLE: {"Keys": list(keys.values())}})

    def transact(self):
        keys = {(key["id"]["S"], key["n"]["N"]): key for key in (self.key() for _ in range(3))}
        members = []
        for key in keys.values():
            must_be = self.pick(("attribute_exists(id)", "attribute_not_exists(id)"))
            put = {"TableName": TABLE, "Item": {**self.item(), **key}}
            members.append(
                self.pick(
                    (
                        {"Put": put},
                        {"Put": {**put, "ConditionExpression": must_be}},
                        {"Delete": {"TableName": TABLE, "Key": key, "ConditionExpression": must_be}},
                        {"ConditionCheck": {"TableName": TABLE, "Key": key, "ConditionExpression": must_be}},
                    )
                )
            )
        self.call("transact_write_items", TransactItems=members)
        self.call(
            "transact_get_items",
            TransactItems=[{"Get": {"TableName": TABLE, "Key": key}} for key in keys.values()],
        )

    def pages(self, operation, **request):
        """The next page starts behind the last item, whatever is said of whether there is one."""
        for _ in range(20):
            found = self.call(operation, **request)
            if not found.get("Items"):
                return
            request["ExclusiveStartKey"] = {name: found["Items"][-1][name] for name in ("id", "n")}
        raise AssertionError("the pages do not end")


def answer(client, operation, request):
    try:
        found = getattr(client, operation)(**request)
    except ClientError as error:
        reasons = [reason["Code"] for reason in error.response.get("CancellationReasons", ())]
        return " ".join([error.response["Error"]["Code"], *reasons])
    # moto gives the last two unasked.
    for unasked in ("ResponseMetadata", "ConsumedCapacity", "ItemCollectionMetrics"):
        found.pop(unasked, None)
    if operation == "query" and found["ScannedCount"] == request.get("Limit"):
        found.pop("LastEvaluatedKey", None)
    if operation == "scan":
        found["Items"].sort(key=lambda item: (item["id"]["S"], item["n"]["N"]))
    if operation == "batch_get_item":
        found["Responses"][TABLE].sort(key=lambda item: (item["id"]["S"], item["n"]["N"]))
    return in_one_order(found)


def in_one_order(found):
    """Sets have none."""
    if isinstance(found, dict):
        return {
            name: sorted(part)
            if name in ("SS", "NS", "BS") and isinstance(part, list)
            else in_one_order(part)
            for name, part in found.items()
        }
    return [in_one_order(part) for part in found] if isinstance(found, list) else found


def create(client):
    types = {"id": "S", "n": "N", "g": "S"}
    client.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-g",
                "KeySchema": [
                    {"AttributeName": "g", "KeyType": "HASH"},
                    {"AttributeName": "n", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )


KINDS = ("put", "put_if", "delete_if", "update", "update", "update_if", "update_malformed", "get", "query")
KINDS += ("query_index", "query_filtered", "query_filtered", "scan", "scan", "batch", "transact")


@pytest.mark.parametrize("seed", [1, 2])
def test_random_calls_are_answered_as_moto_answers_them(dynamodb, seed):
    with mock_aws():
        differential = Differential(dynamodb, seed)
        for client in (differential.kvdb, differential.moto):
            create(client)
        for _ in range(CALLS):
            getattr(differential, differential.pick(KINDS))()
        dynamodb.delete_table(TableName=TABLE)
    assert differential.compared > CALLS
