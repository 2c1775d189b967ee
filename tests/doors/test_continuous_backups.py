"""Continuous backups of a table, and the archive behind them, through every door."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

import kvdb
from kvdb.errors import ContinuousBackupsUnavailable, TableNotFound
from kvdb.options import ArchiveOptions, DatabaseOptions
from tests.conftest import client_of
from tests.support.archived_doors import archived_boto3
from tests.support.command_line import run
from tests.support.served import in_memory_options, served

NATIVE_DOORS = ("embedded", "grpc")


@contextmanager
def archived_client(door: str, place: Path) -> Iterator[kvdb.Client]:
    options = DatabaseOptions(
        archive=ArchiveOptions(str(place / "store"), window_days=20, ship_interval_ms=20)
    )
    if door == "embedded":
        with kvdb.open(str(place / "db"), options=options) as client:
            yield client
        return
    with (
        served(in_memory_options(data_dir=str(place / "db"), database=options)) as address,
        kvdb.connect(f"grpc://{address}") as client,
    ):
        yield client


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def state_of(client: kvdb.Client) -> str:
    found = client.archive()
    assert found is not None
    return found.state


@pytest.mark.parametrize("door", NATIVE_DOORS)
def test_a_table_is_turned_on_described_and_turned_off(door: str, tmp_path: Path) -> None:
    with archived_client(door, tmp_path) as client:
        table = client.create_table("log", key=("id", "N"))
        off = table.continuous_backups()
        assert (off.continuous_backups_status, off.point_in_time_recovery_status) == ("ENABLED", "DISABLED")
        assert off.earliest_restorable_ms is None
        until(lambda: state_of(client) == "ok")
        before_ms = time.time_ns() // 1_000_000
        on = table.enable_point_in_time_recovery()
        assert (on.point_in_time_recovery_status, on.recovery_period_days) == ("ENABLED", 20)
        until(lambda: table.continuous_backups().latest_restorable_ms is not None)
        found = table.continuous_backups()
        assert found.earliest_restorable_ms is not None
        assert found.latest_restorable_ms is not None
        assert before_ms <= found.earliest_restorable_ms <= found.latest_restorable_ms
        again = table.enable_point_in_time_recovery(7)
        assert (again.recovery_period_days, again.earliest_restorable_ms) == (7, found.earliest_restorable_ms)
        with pytest.raises(kvdb.ValidationError, match="the archive keeps 20 days"):
            table.enable_point_in_time_recovery(21)
        with pytest.raises(kvdb.ValidationError, match="less than or equal to 35"):
            table.enable_point_in_time_recovery(36)
        assert table.disable_point_in_time_recovery().point_in_time_recovery_status == "DISABLED"
        assert table.continuous_backups().earliest_restorable_ms is None
        with pytest.raises(TableNotFound, match="Table not found: other"):
            client.table("other").continuous_backups()


@pytest.mark.parametrize("door", NATIVE_DOORS)
def test_a_table_made_again_under_the_name_is_not_turned_on(door: str, tmp_path: Path) -> None:
    with archived_client(door, tmp_path) as client:
        client.create_table("log", key=("id", "N")).enable_point_in_time_recovery()
        client.delete_table("log")
        made = client.create_table("log", key=("id", "N"))
        assert made.continuous_backups().point_in_time_recovery_status == "DISABLED"


@pytest.mark.parametrize("door", NATIVE_DOORS)
def test_the_archive_is_described_and_labelled(door: str, tmp_path: Path) -> None:
    with archived_client(door, tmp_path) as client:
        client.create_table("log", key=("id", "N")).put({"id": 1})
        until(lambda: state_of(client) == "ok")
        made = client.label_archive("first")
        found = client.archive()
        assert found is not None
        assert found.seqno >= made.seqno
        assert found.earliest_ms is not None
        with pytest.raises(kvdb.ValidationError, match="taken"):
            client.label_archive("first")
    result = run(
        "restore", "--archive", str(tmp_path / "store"), "--label", "first", "--to", str(tmp_path / "r")
    )
    assert result.exit_code == 0, result.output
    with kvdb.open(str(tmp_path / "r")) as restored:
        assert restored.table("log").get({"id": 1}) == {"id": 1}


@pytest.mark.parametrize("door", NATIVE_DOORS)
def test_without_an_archive_nothing_is_turned_on(door: str) -> None:
    with client_of(door) as client:
        table = client.create_table("log", key=("id", "N"))
        assert table.continuous_backups().continuous_backups_status == "DISABLED"
        assert client.archive() is None
        with pytest.raises(ContinuousBackupsUnavailable):
            table.enable_point_in_time_recovery()
        with pytest.raises(ContinuousBackupsUnavailable):
            client.label_archive("a")
        assert table.disable_point_in_time_recovery().point_in_time_recovery_status == "DISABLED"


def test_the_command_line_describes_and_labels_through_a_server(tmp_path: Path) -> None:
    options = DatabaseOptions(archive=ArchiveOptions(str(tmp_path / "store"), ship_interval_ms=20))
    with served(in_memory_options(data_dir=str(tmp_path / "db"), database=options)) as address:
        endpoint = ("--endpoint", f"grpc://{address}", "--json")
        until(lambda: json.loads(run("archive", "describe", *endpoint).stdout)["state"] == "ok")
        with kvdb.connect(f"grpc://{address}") as db:
            table = db.create_table("log", key=("id", "N"))
            table.enable_point_in_time_recovery()
            table.put({"id": 1})
        made = json.loads(run("archive", "label", "now", *endpoint).stdout)
        assert made["label"] == "now"
        point = ("restore", "--table", "log", "--as", "copy", "--label", "now", *endpoint)
        assert run(*point, "--dry-run").exit_code == 0
        assert json.loads(run("table", "list", *endpoint).stdout) == {"name": "log"}
        done = run(*point)
        assert done.exit_code == 0, done.output
        assert json.loads(run("get", "copy", '{"id": 1}', *endpoint).stdout) == {"id": 1}
        assert run("restore", "--label", "now", *endpoint).exit_code == 2
    with served() as address:
        result = run("archive", "describe", "--endpoint", f"grpc://{address}")
        assert result.exit_code == 1
        assert "without an archive" in result.stderr


def test_boto3_turns_a_table_on_and_sees_what_can_be_restored(tmp_path: Path) -> None:
    with archived_boto3(tmp_path, "log") as client:

        def described() -> dict[str, object]:
            answer = client.describe_continuous_backups(TableName="log")["ContinuousBackupsDescription"]
            assert answer["ContinuousBackupsStatus"] == "ENABLED"
            return dict(answer["PointInTimeRecoveryDescription"])

        assert described() == {"PointInTimeRecoveryStatus": "DISABLED"}
        client.update_continuous_backups(
            TableName="log",
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7},
        )
        until(lambda: "LatestRestorableDateTime" in described())
        found = described()
        assert (found["PointInTimeRecoveryStatus"], found["RecoveryPeriodInDays"]) == ("ENABLED", 7)
        assert found["EarliestRestorableDateTime"] <= found["LatestRestorableDateTime"]  # type: ignore[operator]
        with pytest.raises(ClientError) as caught:
            client.describe_continuous_backups(TableName="other")
        assert caught.value.response["Error"]["Code"] == "TableNotFoundException"
        client.close()
