"""boto3 against two regions: ReplicaUpdates, what DescribeTable tells, and the service's refusals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.dynamodb.conftest import ACCESS, NO_RETRIES
from tests.support.served_regions import ServedRegions
from tests.support.waiting import eventually

ID = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    with ExitStack() as stack:
        root = tmp_path_factory.mktemp("regions")
        regions = ServedRegions(root, stack, ("amsterdam", "berlin"), doors=("grpc", "http"))
        made = [
            boto3.client(
                "dynamodb", endpoint_url=f"http://{server.addresses['http']}", config=NO_RETRIES, **ACCESS
            )
            for server in regions.servers.values()
        ]
        yield made[0], made[1]
        for client in made:
            client.close()


def replicas(client: Any, table: str) -> dict[str, dict[str, Any]]:
    found = client.describe_table(TableName=table)["Table"]
    return {each["RegionName"]: each for each in found.get("Replicas", [])}


def update(client: Any, table: str, *updates: dict[str, Any]) -> Any:
    return client.update_table(TableName=table, ReplicaUpdates=list(updates))


def create(client: Any, table: str) -> None:
    def created() -> bool:
        try:
            update(client, table, {"Create": {"RegionName": "berlin"}})
        except ClientError as error:
            # Until the peer has answered for the first time.
            return "already existed" in str(error)
        return True

    eventually(created)


def test_a_replica_is_added_follows_and_is_taken_out(clients: tuple[Any, Any]) -> None:
    amsterdam, berlin = clients
    amsterdam.create_table(TableName="shared", **ID)
    assert "GlobalTableVersion" not in amsterdam.describe_table(TableName="shared")["Table"]
    amsterdam.put_item(TableName="shared", Item={"id": {"S": "a"}})
    create(amsterdam, "shared")
    eventually(lambda: replicas(amsterdam, "shared").get("berlin", {}).get("ReplicaStatus") == "ACTIVE")
    # As at the service, which does not count the region that is asked among its replicas.
    assert set(replicas(amsterdam, "shared")) == {"berlin"}
    described = amsterdam.describe_table(TableName="shared")["Table"]
    assert (described["GlobalTableVersion"], described["MultiRegionConsistency"]) == (
        "2019.11.21",
        "EVENTUAL",
    )
    eventually(lambda: "shared" in berlin.list_tables()["TableNames"])
    assert set(replicas(berlin, "shared")) == {"amsterdam"}
    eventually(lambda: "Item" in berlin.get_item(TableName="shared", Key={"id": {"S": "a"}}))

    with pytest.raises(ClientError, match="shared with other regions"):
        berlin.delete_table(TableName="shared")
    berlin.update_time_to_live(
        TableName="shared", TimeToLiveSpecification={"AttributeName": "gone_at", "Enabled": True}
    )

    def ttl() -> Any:
        return amsterdam.describe_time_to_live(TableName="shared")["TimeToLiveDescription"]

    eventually(lambda: ttl() == {"TimeToLiveStatus": "ENABLED", "AttributeName": "gone_at"})
    override = {"OnDemandThroughputOverride": {"MaxReadRequestUnits": 9}, "TableClassOverride": "STANDARD"}
    update(berlin, "shared", {"Update": {"RegionName": "berlin", **override}})
    eventually(lambda: "OnDemandThroughputOverride" in replicas(amsterdam, "shared")["berlin"])
    seen = replicas(amsterdam, "shared")["berlin"]
    assert seen["OnDemandThroughputOverride"] == {"MaxReadRequestUnits": 9}
    assert seen["ReplicaTableClassSummary"] == {"TableClass": "STANDARD"}
    bound = berlin.describe_table(TableName="shared")["Table"]["OnDemandThroughput"]
    assert bound["MaxReadRequestUnits"] == 9
    assert "OnDemandThroughput" not in amsterdam.describe_table(TableName="shared")["Table"]
    update(amsterdam, "shared", {"Delete": {"RegionName": "berlin"}})
    assert replicas(amsterdam, "shared") == {}
    eventually(lambda: replicas(berlin, "shared") == {})
    berlin.delete_table(TableName="shared")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            [{"Create": {"RegionName": "berlin"}}],
            "Failed to create a the new replica of table with name: 'refusals' because one or more replicas "
            "already existed as tables.",
        ),
        (
            [{"Create": {"RegionName": "amsterdam"}}],
            "Cannot add or delete the local region through ReplicaUpdates. Use CreateTable, DeleteTable, or "
            "UpdateTable as required.",
        ),
        (
            [{"Delete": {"RegionName": "essen"}}],
            "Update global table operation failed because one or more replicas were not part of the global "
            "table. Please retry the request without these replicas: [essen].",
        ),
        (
            [{"Create": {"RegionName": "essen"}, "Delete": {"RegionName": "berlin"}}],
            "Update table operation with more than one type of replica actions not allowed.",
        ),
        (
            [{"Update": {"RegionName": "berlin"}}],
            "There are no actions specified in the Replica Update Action",
        ),
        ([{}], "There are no actions specified in the Replica Update Action of the request."),
        (
            [{"Update": {"RegionName": "berlin", "GlobalSecondaryIndexes": [{"IndexName": "by-n"}]}}],
            "kvdb keeps no settings of a replica's GlobalSecondaryIndexes",
        ),
        ([{"Create": {"RegionName": "essen"}}], "no peer is connected for region essen"),
        ([], "List of ReplicaUpdates is empty"),
    ],
)
def test_what_cannot_be_done_is_refused_in_the_services_words(
    clients: tuple[Any, Any], asked: list[dict[str, Any]], message: str
) -> None:
    amsterdam, _ = clients
    if "refusals" not in amsterdam.list_tables()["TableNames"]:
        amsterdam.create_table(TableName="refusals", **ID)
        create(amsterdam, "refusals")
    with pytest.raises(ClientError) as refused:
        update(amsterdam, "refusals", *asked)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert message in refused.value.response["Error"]["Message"]


def test_the_calls_of_the_global_tables_of_before_2019_are_not_known(clients: tuple[Any, Any]) -> None:
    with pytest.raises(ClientError, match="UnknownOperationException"):
        clients[0].create_global_table(GlobalTableName="old", ReplicationGroup=[{"RegionName": "berlin"}])
