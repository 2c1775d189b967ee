"""On-demand backups through every door: made, described, listed, deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import kvdb
from kvdb.api.backups import CreateBackup, DescribeBackup, ListBackups, ListBackupsResult
from kvdb.client.table_requests import GlobalIndex, LocalIndex
from kvdb.errors import BackupNotFound, TableNotFound, ValidationError
from kvdb.options import DatabaseOptions
from tests.conftest import DOORS, client_of

NATIVE = [door for door in DOORS if door != "http"]


@contextmanager
def client_with_store(door: str, store: Path) -> Iterator[kvdb.Client]:
    with client_of(door, DatabaseOptions(backup_store=str(store))) as client:
        yield client


def filled(client: kvdb.Client, name: str = "airports", items: int = 3) -> kvdb.Table:
    indexes = [GlobalIndex("by_size", ("size", "N")), LocalIndex("by_name", ("name", "S"))]
    table = client.create_table(name, key=("country", "S"), sort=("icao", "S"), indexes=indexes)
    for number in range(items):
        table.put({"country": "IS", "icao": f"BI{number:02}", "size": number, "name": f"n{number}"})
    return table


@pytest.mark.parametrize("door", NATIVE)
def test_a_table_is_backed_up(door: str, tmp_path: Path) -> None:
    with client_with_store(door, tmp_path / "store") as client:
        filled(client)
        backup_arn = client.create_backup("nightly", "airports")
        assert backup_arn.startswith("arn:aws:dynamodb:ddblocal:000000000000:table/airports/backup/")
        found = client.backup(backup_arn)
        details, table = found.backup_details, found.source_table_details
        assert (details.backup_arn, details.backup_name) == (backup_arn, "nightly")
        assert (details.backup_status, details.backup_type) == ("AVAILABLE", "USER")
        assert table is not None and table.table_name == "airports"
        assert [key.attribute_name for key in table.key_schema] == ["country", "icao"]
        features = found.source_table_feature_details
        assert features is not None
        assert [index.index_name for index in features.global_secondary_indexes] == ["by_size"]
        assert [index.index_name for index in features.local_secondary_indexes] == ["by_name"]
        assert found.table_names == ("airports",)
        assert client.backup(backup_arn.rpartition("/")[2]) == found
        job = client.job(backup_arn)
        assert (job.kind, job.status, job.done) == ("backup", "COMPLETED", job.total)


@pytest.mark.parametrize("door", NATIVE)
def test_a_whole_database_is_backed_up(door: str, tmp_path: Path) -> None:
    with client_with_store(door, tmp_path / "store") as client:
        filled(client, "one")
        filled(client, "other")
        backup_arn = client.create_backup("all")
        assert backup_arn.startswith("arn:aws:dynamodb:ddblocal:000000000000:database/backup/")
        found = client.backup(backup_arn)
        assert found.table_names == ("one", "other")
        assert found.source_table_details is None
        assert [each.table_name for each in client.backups()] == [None]


@pytest.mark.parametrize("door", NATIVE)
def test_backups_are_listed_by_table_and_in_pages(door: str, tmp_path: Path) -> None:
    with client_with_store(door, tmp_path / "store") as client:
        filled(client, "one")
        filled(client, "other")
        made = [client.create_backup(f"of_{name}", name) for name in ("one", "other", "one")]
        assert [each.backup_arn for each in client.backups()] == made
        assert [each.backup_arn for each in client.backups("one")] == [made[0], made[2]]
        first = client.call(ListBackups(limit=2))
        assert isinstance(first, ListBackupsResult)
        assert first.last_evaluated_backup_arn == made[1]
        rest = client.call(ListBackups(exclusive_start_backup_arn=made[1]))
        assert isinstance(rest, ListBackupsResult)
        assert [each.backup_arn for each in rest.backup_summaries] == made[2:]
        between = ListBackups(
            time_range_lower_bound_ms=client.backup(made[1]).backup_details.backup_creation_date_time_ms,
            time_range_upper_bound_ms=client.backup(made[2]).backup_details.backup_creation_date_time_ms,
        )
        result = client.call(between)
        assert isinstance(result, ListBackupsResult)
        assert [each.backup_arn for each in result.backup_summaries] == made[1:2]


@pytest.mark.parametrize("door", NATIVE)
def test_a_deleted_backup_is_gone_with_what_only_it_had(door: str, tmp_path: Path) -> None:
    store = tmp_path / "store"
    with client_with_store(door, store) as client:
        table = filled(client)
        first = client.create_backup("first", "airports")
        table.put({"country": "FR", "icao": "LFPG"})
        second = client.create_backup("second", "airports")
        before = len(list((store / "objects").iterdir()))
        assert client.delete_backup(first).backup_details.backup_status == "DELETED"
        with pytest.raises(BackupNotFound, match=f"Backup not found: {first}"):
            client.backup(first)
        with pytest.raises(BackupNotFound):
            client.delete_backup(first)
        assert [each.backup_arn for each in client.backups()] == [second]
        (sweep,) = client.jobs("sweep")
        assert client.wait_for_job(sweep.job_id).status == "COMPLETED"
        assert len(list((store / "objects").iterdir())) < before


@pytest.mark.parametrize("door", NATIVE)
def test_what_cannot_be_backed_up_is_named(door: str, tmp_path: Path) -> None:
    with client_with_store(door, tmp_path / "store") as client:
        with pytest.raises(TableNotFound, match="Table not found: airports"):
            client.create_backup("nightly", "airports")
        with pytest.raises(ValidationError, match="'backupName' failed to satisfy constraint"):
            client.call(CreateBackup("no", "airports"))
        with pytest.raises(ValidationError, match="'backupArn' failed to satisfy constraint"):
            client.call(DescribeBackup("short"))
        with pytest.raises(BackupNotFound):
            client.backup("arn:aws:dynamodb:ddblocal:000000000000:table/t/../x/backup/")
        assert client.jobs() == []


@pytest.mark.parametrize("door", NATIVE)
def test_without_a_store_the_calls_say_so(door: str) -> None:
    with client_of(door) as client:
        client.create_table("airports", key=("icao", "S"))
        for call in (
            lambda: client.create_backup("nightly", "airports"),
            client.backups,
            lambda: client.backup("01700000000000-0123abcd"),
            lambda: client.delete_backup("01700000000000-0123abcd"),
        ):
            with pytest.raises(ValidationError, match="without a backup store"):
                call()


def test_a_store_that_refuses_fails_the_job_by_name(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file is in the way")
    with client_with_store("embedded", tmp_path / "store") as client:
        filled(client)
        with pytest.raises(kvdb.errors.BackupStoreError, match="backup store refuses"):
            client.create_backup("nightly", "airports")
        assert client.jobs()[0].failure_code == "BackupStoreError"


def rows(client: kvdb.Client, name: str = "airports") -> list[object]:
    return sorted((item["icao"], item["size"]) for item in client.table(name).scan())


@pytest.mark.parametrize("door", NATIVE)
def test_a_table_is_restored_as_another(door: str, tmp_path: Path) -> None:
    with client_with_store(door, tmp_path / "store") as client:
        table = filled(client)
        before = rows(client)
        backup_arn = client.create_backup("nightly", "airports")
        table.put({"country": "IS", "icao": "BI99", "size": 99})
        restored = client.restore_table(backup_arn, "again")
        assert rows(client, "again") == before
        assert [item["icao"] for item in restored.query(kvdb.Key("size").eq(1), index="by_size")] == ["BI01"]
        query = kvdb.Key("country").eq("IS") & kvdb.Key("name").eq("n2")
        assert [item["icao"] for item in restored.query(query, index="by_name")] == ["BI02"]
        restored.put({"country": "FR", "icao": "LFPG", "size": 7})
        assert [item["icao"] for item in restored.query(kvdb.Key("size").eq(7), index="by_size")] == ["LFPG"]
        summary = restored.describe().restore_summary
        assert summary is not None and not summary.restore_in_progress
        assert summary.source_backup_arn == backup_arn
        assert rows(client) == [*before, ("BI99", 99)]
        with pytest.raises(kvdb.errors.TableAlreadyExists, match="Table already exists: again"):
            client.restore_table(backup_arn, "again")


@pytest.mark.parametrize("door", NATIVE)
def test_a_table_of_a_whole_backup_is_restored_by_name(door: str, tmp_path: Path) -> None:
    with client_with_store(door, tmp_path / "store") as client:
        filled(client, "one", 2)
        filled(client, "other", 5)
        backup_arn = client.create_backup("all")
        with pytest.raises(ValidationError, match="source_table_name must say which"):
            client.restore_table(backup_arn, "again")
        with pytest.raises(BackupNotFound, match="table is not in the backup"):
            client.restore_table(backup_arn, "again", source="third")
        client.restore_table(backup_arn, "again", source="other")
        assert rows(client, "again") == rows(client, "other")
        assert sorted(client.tables()) == ["again", "one", "other"]


@pytest.mark.parametrize("door", NATIVE)
def test_a_restore_in_place_keeps_what_was_there_until_it_is_confirmed(door: str, tmp_path: Path) -> None:
    with client_with_store(door, tmp_path / "store") as client:
        table = filled(client)
        before = rows(client)
        backup_arn = client.create_backup("nightly", "airports")
        table.put({"country": "IS", "icao": "BI99", "size": 99})
        client.restore_table(backup_arn, "airports", in_place=True)
        assert rows(client) == before
        summary = table.describe().restore_summary
        assert summary is not None and summary.aside_table_name is not None
        assert rows(client, summary.aside_table_name) == [*before, ("BI99", 99)]
        with pytest.raises(kvdb.errors.TableInUse, match="not confirmed or rolled back"):
            client.restore_table(backup_arn, "airports", in_place=True)
        client.confirm_restore("airports")
        assert client.tables() == ["airports"]
        assert rows(client) == before
        with pytest.raises(ValidationError, match="not restored in place, or that is settled"):
            client.roll_back_restore("airports")


@pytest.mark.parametrize("door", NATIVE)
def test_a_restore_in_place_is_rolled_back(door: str, tmp_path: Path) -> None:
    with client_with_store(door, tmp_path / "store") as client:
        table = filled(client)
        backup_arn = client.create_backup("nightly", "airports")
        table.put({"country": "IS", "icao": "BI99", "size": 99})
        after = rows(client)
        client.restore_table(backup_arn, "airports", in_place=True)
        table.put({"country": "IS", "icao": "BI50", "size": 50})
        client.roll_back_restore("airports")
        assert rows(client) == after
        assert client.tables() == ["airports"]
        assert table.describe().restore_summary is None
        table.put({"country": "IS", "icao": "BI98", "size": 98})
        assert [item["icao"] for item in table.query(kvdb.Key("size").eq(98), index="by_size")] == ["BI98"]


def test_a_damaged_backup_makes_no_table(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with client_with_store("embedded", store) as client:
        filled(client)
        backup_arn = client.create_backup("nightly", "airports")
        for path in (store / "objects").iterdir():
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.write_bytes(content)
        with pytest.raises(kvdb.errors.CorruptionError, match="object is not what was stored"):
            client.restore_table(backup_arn, "again")
        assert client.tables() == ["airports"]
