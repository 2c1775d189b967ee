"""A table is restored to a point of the archive, into the running database, through every door."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

import kvdb
from kvdb.errors import (
    InvalidRestoreTime,
    PointInTimeRecoveryUnavailable,
    TableAlreadyExists,
    TableNotFound,
)
from kvdb.options import ArchiveOptions, DatabaseOptions
from tests.support.archived_doors import archived_boto3
from tests.support.served import in_memory_options, served

NATIVE_DOORS = ("embedded", "grpc")


@contextmanager
def archived_client(door: str, place: Path) -> Iterator[kvdb.Client]:
    options = DatabaseOptions(archive=ArchiveOptions(str(place / "store"), ship_interval_ms=20))
    if door == "embedded":
        with kvdb.open(str(place / "db"), options=options) as client:
            until_ok(client)
            yield client
        return
    with (
        served(in_memory_options(data_dir=str(place / "db"), database=options)) as address,
        kvdb.connect(f"grpc://{address}") as client,
    ):
        until_ok(client)
        yield client


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def until_ok(client: kvdb.Client) -> None:
    def is_ok() -> bool:
        found = client.archive()
        return found is not None and found.state == "ok"

    until(is_ok)


def ids(client: kvdb.Client, table: str) -> set[object]:
    return {item["id"] for item in client.table(table).scan()}


def until_complete(client: kvdb.Client, wall_ms: int) -> None:
    def is_complete() -> bool:
        found = client.archive()
        return found is not None and found.complete_ms >= wall_ms

    until(is_complete)


@pytest.mark.parametrize("door", NATIVE_DOORS)
def test_a_table_is_restored_to_a_time_a_label_and_the_newest_point(door: str, tmp_path: Path) -> None:
    with archived_client(door, tmp_path) as client:
        table = client.create_table("log", key=("id", "N"))
        table.enable_point_in_time_recovery()
        other = client.create_table("other", key=("id", "N"))
        table.put({"id": 1})
        other.put({"id": 9})
        client.label_archive("one")
        table.put({"id": 2})
        at_ms = time.time_ns() // 1_000_000 + 1
        until(lambda: time.time_ns() // 1_000_000 > at_ms)
        table.put({"id": 3})
        table.delete({"id": 1})
        until_complete(client, time.time_ns() // 1_000_000)
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
        client.restore_table_to_point("log", "at-time", at=at)
        assert ids(client, "at-time") == {1, 2}
        client.restore_table_to_point("log", "at-label", label="one")
        assert ids(client, "at-label") == {1}
        client.restore_table_to_point("log", "at-end")
        assert ids(client, "at-end") == {2, 3}
        assert ids(client, "log") == {2, 3}
        description = client.table("at-end").describe()
        assert description.table_status == "ACTIVE"
        client.table("at-end").put({"id": 4})
        assert ids(client, "at-end") == {2, 3, 4}
        assert sorted(client.tables()) == ["at-end", "at-label", "at-time", "log", "other"]


@pytest.mark.parametrize("door", NATIVE_DOORS)
def test_an_index_that_is_younger_than_the_point_is_built(door: str, tmp_path: Path) -> None:
    with archived_client(door, tmp_path) as client:
        table = client.create_table("log", key=("id", "N"))
        table.enable_point_in_time_recovery()
        for number in range(20):
            table.put({"id": number, "kind": f"k{number % 3}"})
        client.label_archive("before")
        table.add_index(kvdb.GlobalIndex("by-kind", key=("kind", "S")))
        table.put({"id": 99, "kind": "k0"})
        client.restore_table_to_point("log", "copy", label="before")
        copy = client.table("copy")
        copy.wait_until_active()
        until(lambda: copy.describe().global_secondary_indexes[0].index_status == "ACTIVE")  # type: ignore[index]
        found = {item["id"] for item in copy.query(kvdb.Key("kind").eq("k0"), index="by-kind")}
        assert found == set(range(0, 20, 3))


@pytest.mark.parametrize("door", NATIVE_DOORS)
def test_a_table_goes_back_in_place_and_forth_again(door: str, tmp_path: Path) -> None:
    with archived_client(door, tmp_path) as client:
        table = client.create_table("log", key=("id", "N"))
        table.enable_point_in_time_recovery()
        table.put({"id": 1})
        client.label_archive("good")
        table.delete({"id": 1})
        client.restore_table_to_point("log", "log", label="good", in_place=True)
        assert ids(client, "log") == {1}
        client.roll_back_restore("log")
        assert ids(client, "log") == set()


@pytest.mark.parametrize("door", NATIVE_DOORS)
def test_what_cannot_be_restored_is_refused(door: str, tmp_path: Path) -> None:
    with archived_client(door, tmp_path) as client:
        table = client.create_table("log", key=("id", "N"))
        table.put({"id": 1})
        made = client.label_archive("too early")
        table.put({"id": 2})
        with pytest.raises(PointInTimeRecoveryUnavailable, match="not enabled for table 'log'"):
            client.restore_table_to_point("log", "copy")
        table.enable_point_in_time_recovery()
        with pytest.raises(InvalidRestoreTime, match="before point in time recovery was enabled"):
            client.restore_table_to_point("log", "copy", label="too early")
        with pytest.raises(InvalidRestoreTime, match="before point in time recovery was enabled"):
            client.restore_table_to_point("log", "copy", seqno=made.seqno)
        with pytest.raises(InvalidRestoreTime, match="not between"):
            client.restore_table_to_point("log", "copy", at=datetime(2020, 1, 1, tzinfo=UTC))
        with pytest.raises(InvalidRestoreTime, match="no such label"):
            client.restore_table_to_point("log", "copy", label="none")
        with pytest.raises(InvalidRestoreTime, match="not in the archive yet"):
            client.restore_table_to_point("log", "copy", seqno=1 << 40)
        with pytest.raises(TableNotFound):
            client.restore_table_to_point("none", "copy")
        client.label_archive("now")
        with pytest.raises(TableAlreadyExists):
            client.restore_table_to_point("log", "log", label="now")
        with pytest.raises(kvdb.ValidationError, match="must be given"):
            client.restore_table_to_point("log", "copy", label="now", seqno=4)
        assert client.tables() == ["log"]


def test_boto3_restores_a_table_to_a_time_and_to_the_newest_point(tmp_path: Path) -> None:
    with archived_boto3(tmp_path, "log") as client:
        with pytest.raises(ClientError) as caught:
            client.restore_table_to_point_in_time(
                SourceTableName="log", TargetTableName="copy", UseLatestRestorableTime=True
            )
        assert caught.value.response["Error"]["Code"] == "PointInTimeRecoveryUnavailableException"
        client.update_continuous_backups(
            TableName="log", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        client.put_item(TableName="log", Item={"id": {"S": "a"}})

        def latest() -> datetime | None:
            answer = client.describe_continuous_backups(TableName="log")["ContinuousBackupsDescription"]
            found = answer["PointInTimeRecoveryDescription"].get("LatestRestorableDateTime")
            return found if found is None else found.astimezone(UTC)

        written = datetime.now(UTC)
        until(lambda: (latest() or datetime.min.replace(tzinfo=UTC)) > written)
        for target, point in (
            ("newest", {"UseLatestRestorableTime": True}),
            ("at-time", {"RestoreDateTime": latest()}),
        ):
            answer = client.restore_table_to_point_in_time(
                SourceTableName="log", TargetTableName=target, **point
            )
            assert answer["TableDescription"]["TableName"] == target
            client.get_waiter("table_exists").wait(
                TableName=target, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
            )
            assert client.scan(TableName=target)["Items"] == [{"id": {"S": "a"}}]
        with pytest.raises(ClientError) as caught:
            client.restore_table_to_point_in_time(
                SourceTableName="log",
                TargetTableName="never",
                RestoreDateTime=datetime(2020, 1, 1, tzinfo=UTC),
            )
        assert caught.value.response["Error"]["Code"] == "InvalidRestoreTimeException"
        client.close()
