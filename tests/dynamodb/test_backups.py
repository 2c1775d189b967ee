"""Backups through boto3."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError


def wait_until_available(dynamodb, arn: str) -> dict:
    for _ in range(600):
        described = dynamodb.describe_backup(BackupArn=arn)["BackupDescription"]
        if described["BackupDetails"]["BackupStatus"] == "AVAILABLE":
            return described
        time.sleep(0.05)
    raise AssertionError("the backup is not made")


def test_a_backup_from_its_making_to_its_end(dynamodb, make_table):
    name = make_table(("size", "N"))
    dynamodb.put_item(TableName=name, Item={"id": {"S": "1"}, "size": {"N": "1"}})
    before = datetime.now(UTC) - timedelta(minutes=1)
    made = dynamodb.create_backup(TableName=name, BackupName="nightly")["BackupDetails"]
    assert (made["BackupName"], made["BackupType"]) == ("nightly", "USER")
    arn = made["BackupArn"]
    described = wait_until_available(dynamodb, arn)
    assert described["BackupDetails"]["BackupSizeBytes"] > 0
    assert described["BackupDetails"]["BackupCreationDateTime"] > before
    source = described["SourceTableDetails"]
    table = dynamodb.describe_table(TableName=name)["Table"]
    assert (source["TableName"], source["TableId"], source["TableArn"]) == (
        name,
        table["TableId"],
        table["TableArn"],
    )
    assert source["KeySchema"] == table["KeySchema"]
    listed = dynamodb.list_backups(TableName=name)["BackupSummaries"]
    assert [each["BackupArn"] for each in listed] == [arn]
    assert listed[0]["BackupStatus"] == "AVAILABLE"
    assert dynamodb.list_backups(TableName=name, BackupType="SYSTEM")["BackupSummaries"] == []
    assert dynamodb.list_backups(TableName=name, TimeRangeUpperBound=before)["BackupSummaries"] == []
    gone = dynamodb.delete_backup(BackupArn=arn)["BackupDescription"]
    assert gone["BackupDetails"]["BackupStatus"] == "DELETED"
    assert dynamodb.list_backups(TableName=name)["BackupSummaries"] == []


@pytest.mark.parametrize(
    ("call", "arguments", "code"),
    [
        ("create_backup", {"TableName": "absent", "BackupName": "nightly"}, "TableNotFoundException"),
        (
            "describe_backup",
            {"BackupArn": "arn:aws:dynamodb:ddblocal:000000000000:table/t/backup/x"},
            "BackupNotFoundException",
        ),
        (
            "delete_backup",
            {"BackupArn": "arn:aws:dynamodb:ddblocal:000000000000:table/t/backup/x"},
            "BackupNotFoundException",
        ),
        ("describe_backup", {"BackupArn": "short"}, "ValidationException"),
        ("create_backup", {"TableName": "absent"}, "ValidationException"),
        ("create_backup", {"TableName": "absent", "BackupName": "x y"}, "ValidationException"),
        ("list_backups", {"Limit": 0}, "ValidationException"),
        ("list_backups", {"Limit": 101}, "ValidationException"),
        ("list_backups", {"BackupType": "NONE"}, "ValidationException"),
    ],
)
def test_what_is_refused(dynamodb, call, arguments, code):
    with pytest.raises(ClientError) as refused:
        getattr(dynamodb, call)(**arguments)
    assert refused.value.response["Error"]["Code"] == code


def test_a_table_is_restored_without_one_of_its_indexes(dynamodb, make_table):
    index = {
        "IndexName": "by_size",
        "KeySchema": [{"AttributeName": "size", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    name = make_table(("size", "N"), GlobalSecondaryIndexes=[index, {**index, "IndexName": "other"}])
    dynamodb.put_item(TableName=name, Item={"id": {"S": "1"}, "size": {"N": "1"}})
    arn = dynamodb.create_backup(TableName=name, BackupName="nightly")["BackupDetails"]["BackupArn"]
    wait_until_available(dynamodb, arn)
    target = f"{name}-again"
    made = dynamodb.restore_table_from_backup(
        TargetTableName=target,
        BackupArn=arn,
        GlobalSecondaryIndexOverride=[index],
        BillingModeOverride="PROVISIONED",
        ProvisionedThroughputOverride={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
    )["TableDescription"]
    assert made["RestoreSummary"]["SourceBackupArn"] == arn
    dynamodb.get_waiter("table_exists").wait(TableName=target, WaiterConfig={"Delay": 0.05})
    table = dynamodb.describe_table(TableName=target)["Table"]
    assert table["RestoreSummary"]["RestoreInProgress"] is False
    assert table["RestoreSummary"]["SourceTableArn"].endswith(f"table/{name}")
    assert [each["IndexName"] for each in table["GlobalSecondaryIndexes"]] == ["by_size"]
    assert table["ProvisionedThroughput"]["WriteCapacityUnits"] == 6
    assert dynamodb.scan(TableName=target)["Count"] == 1
    assert dynamodb.scan(TableName=target, IndexName="by_size")["Count"] == 1
    with pytest.raises(dynamodb.exceptions.TableAlreadyExistsException):
        dynamodb.restore_table_from_backup(TargetTableName=target, BackupArn=arn)
    with pytest.raises(dynamodb.exceptions.BackupNotFoundException):
        dynamodb.restore_table_from_backup(TargetTableName="absent", BackupArn=arn[:-1] + "x")
