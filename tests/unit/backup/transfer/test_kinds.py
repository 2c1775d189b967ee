"""Exports and imports as jobs of a database: whole, over restarts, cancelled, failed."""

from __future__ import annotations

import contextlib
import errno
import gzip
import json

import pytest

from kvdb.api.items import DeleteItem, PutItem, Scan
from kvdb.api.jobs import CancelJob
from kvdb.api.transfers import (
    CsvOptions,
    DescribeExport,
    DescribeImport,
    ExportDescription,
    ExportTableToPointInTime,
    FilterSpecification,
    ImportTable,
    ImportTableDescription,
    IncrementalExportSpecification,
    InputFormatOptions,
    ListExports,
    ListImports,
    S3BucketSource,
)
from kvdb.backup.transfer import kinds, layout, load
from kvdb.backup.transfer.export import Export
from kvdb.database.database import Database
from kvdb.env.env import Env
from kvdb.errors import (
    ExportConflict,
    ExportNotFound,
    ImportConflict,
    ImportNotFound,
    InvalidExportTime,
    ResourceInUse,
    ResourceNotFound,
    TableNotFound,
    ValidationError,
)
from kvdb.item.value import Item
from kvdb.options import DatabaseOptions, EngineOptions
from kvdb.testing import Fault, FaultyFileSystem
from kvdb.testing.inline_jobs import InlineJobs
from kvdb.testing.manual_clock import ManualClock
from kvdb.testing.mem_fs import MemFileSystem
from tests.support.builders import AIRPORTS, DIRECTORY, make_env, run_jobs, table_request
from tests.support.transfers import transfer_store

ROOT = "/exports"


def opened(env: Env, *, history_ms: int = 0, limits: str = "open", root: str | None = ROOT) -> Database:
    options = DatabaseOptions(
        engine=EngineOptions(history_retention_ms=history_ms),
        limits=limits,  # type: ignore[arg-type]
        export_root=root,
    )
    return Database.open(DIRECTORY, options, env)


def again(env: Env, db: Database) -> tuple[Env, Database]:
    """The same directory in another process."""
    db.close()
    assert isinstance(env.clock, ManualClock)
    env = make_env(env.fs, env.clock)
    return env, opened(env)


def put(db: Database, *items: Item, table: str = "airports") -> None:
    for item in items:
        db.call(PutItem(table, item))


def airports(count: int) -> list[Item]:
    return [{"country": f"C{n % 7}", "icao": f"A{n:04}", "n": n, "text": "x" * 50} for n in range(count)]


def items_of(db: Database, table: str) -> list[Item]:
    found = db.call(Scan(table)).items  # type: ignore[union-attr]
    return sorted(found, key=lambda item: str(item["icao"]))


def start_export(db: Database, **fields: object) -> ExportDescription:
    result = db.call(ExportTableToPointInTime(**{"table_arn": "airports", "s3_bucket": "bucket", **fields}))  # type: ignore[arg-type]
    return result.export_description  # type: ignore[union-attr]


def export_of(db: Database, arn: str) -> ExportDescription:
    return db.call(DescribeExport(arn)).export_description  # type: ignore[union-attr]


def start_import(db: Database, table: str, prefix: str = "", **fields: object) -> ImportTableDescription:
    asked = {
        "s3_bucket_source": S3BucketSource("bucket", s3_key_prefix=prefix),
        "input_format": "DYNAMODB_JSON",
        "table_creation_parameters": table_request(table, sort=("icao", "S")),
        **fields,
    }
    return db.call(ImportTable(**asked)).import_table_description  # type: ignore[arg-type, union-attr]


def import_of(db: Database, arn: str) -> ImportTableDescription:
    return db.call(DescribeImport(arn)).import_table_description  # type: ignore[union-attr]


@pytest.fixture
def env() -> Env:
    return make_env()


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many files and many steps of little content."""
    make = Export.__init__
    monkeypatch.setattr(Export, "__init__", lambda self, *given: make(self, *given, file_bytes=2_000))
    monkeypatch.setattr(load, "STEP_RECORDS", 20)


@pytest.mark.parametrize("format", ["DYNAMODB_JSON", "CBOR", "CSV"])
@pytest.mark.usefixtures("small_steps")
def test_a_table_is_exported_and_imported_into_a_new_one(env: Env, format: str) -> None:
    db = opened(env)
    db.call(AIRPORTS)
    put(db, *airports(150))
    begun = start_export(db, export_format=format, s3_prefix="some/where/")
    assert begun.export_status == "IN_PROGRESS"
    run_jobs(env)
    done = export_of(db, begun.export_arn)

    assert (done.export_status, done.item_count, done.failure_message) == ("COMPLETED", 150, None)
    assert done.s3_prefix == "some/where"
    export_id = done.export_arn.rpartition("/")[2]
    assert done.export_manifest == f"some/where/AWSDynamoDB/{export_id}/manifest-summary.json"
    imported = start_import(db, "again", "some/", input_format=format)
    run_jobs(env)
    found = import_of(db, imported.import_arn)

    assert (found.import_status, found.imported_item_count, found.error_count) == ("COMPLETED", 150, 0)
    assert items_of(db, "again") == items_of(db, "airports")
    assert db.call(ListExports()).export_summaries[0].export_arn == done.export_arn  # type: ignore[union-attr]
    assert db.call(ListImports()).import_summary_list[0].import_arn == found.import_arn  # type: ignore[union-attr]
    db.close()


def test_an_export_is_as_of_one_moment(env: Env) -> None:
    db = opened(env)
    db.call(AIRPORTS)
    put(db, *airports(10))
    assert isinstance(env.jobs, InlineJobs)
    begun = start_export(db)
    run_jobs(env)
    put(db, *airports(20))

    start_import(db, "again")
    run_jobs(env)

    assert items_of(db, "again") == airports(10)
    assert export_of(db, begun.export_arn).item_count == 10
    db.close()


def test_an_export_of_the_past_reads_the_kept_history(env: Env) -> None:
    db = opened(env, history_ms=3_600_000)
    assert isinstance(env.clock, ManualClock)
    db.call(AIRPORTS)
    put(db, *airports(5))
    env.clock.advance_ms(10_000)
    then_ms = env.clock.wall_ms()
    env.clock.advance_ms(10_000)
    put(db, *airports(9))

    begun = start_export(db, export_time_ms=then_ms)
    run_jobs(env)

    assert export_of(db, begun.export_arn).item_count == 5
    for wrong_ms in (then_ms + 3_600_000, 0):
        with pytest.raises(InvalidExportTime):
            start_export(db, export_time_ms=wrong_ms)
    db.close()


def changed_database(env: Env) -> tuple[Database, int, int]:
    """A moment, then an item changed, one deleted, one new, one that came and went; another moment."""
    db = opened(env, history_ms=3_600_000)
    assert isinstance(env.clock, ManualClock)
    db.call(AIRPORTS)
    put(db, *airports(5))
    env.clock.advance_ms(60_000)
    from_ms = env.clock.wall_ms() // 1000 * 1000
    env.clock.advance_ms(5_000)
    put(db, {"country": "C0", "icao": "A0000", "n": "changed"}, {"country": "XX", "icao": "NEW"})
    put(db, {"country": "XX", "icao": "GONE"})
    db.call(DeleteItem("airports", {"country": "XX", "icao": "GONE"}))
    db.call(DeleteItem("airports", {"country": "C1", "icao": "A0001"}))
    env.clock.advance_ms(60_000)
    to_ms = env.clock.wall_ms() // 1000 * 1000
    put(db, {"country": "C0", "icao": "A0000", "n": "later"})
    return db, from_ms, to_ms


def increments(
    db: Database, env: Env, from_ms: int, to_ms: int | None, **fields: object
) -> list[dict[str, object]]:
    view = fields.pop("view", None)
    begun = start_export(
        db,
        export_type="INCREMENTAL_EXPORT",
        incremental_export_specification=IncrementalExportSpecification(from_ms, to_ms, view),  # type: ignore[arg-type]
        **fields,
    )
    run_jobs(env)
    done = export_of(db, begun.export_arn)
    assert done.export_status == "COMPLETED", done.failure_message
    store = transfer_store(env, f"{ROOT}/bucket")
    lines: list[dict[str, object]] = []
    for stored in list(store.listed("AWSDynamoDB/data/")):
        lines += map(json.loads, gzip.decompress(b"".join(store.get(stored.name))).splitlines())
        store.delete(stored.name)
    return sorted(lines, key=lambda line: json.dumps(line["Keys"]))


def test_an_incremental_export_has_what_changed_between_two_moments(env: Env) -> None:
    db, from_ms, to_ms = changed_database(env)

    changed, deleted, new = increments(db, env, from_ms, to_ms)

    assert changed["NewImage"] == {"country": {"S": "C0"}, "icao": {"S": "A0000"}, "n": {"S": "changed"}}
    assert changed["OldImage"]["n"] == {"N": "0"}  # type: ignore[index]
    assert deleted["Keys"] == {"country": {"S": "C1"}, "icao": {"S": "A0001"}}
    assert "NewImage" not in deleted
    assert deleted["OldImage"]["n"] == {"N": "1"}  # type: ignore[index]
    assert new["Keys"] == {"country": {"S": "XX"}, "icao": {"S": "NEW"}}
    assert "OldImage" not in new
    for line in (changed, deleted, new):
        written_us = int(line["Metadata"]["WriteTimestampMicros"]["N"])  # type: ignore[index]
        assert from_ms * 1000 <= written_us < to_ms * 1000
    db.close()


def test_an_incremental_export_of_new_images_has_no_old_ones(env: Env) -> None:
    db, from_ms, to_ms = changed_database(env)

    lines = increments(db, env, from_ms, to_ms, view="NEW_IMAGE")

    assert [sorted(line) for line in lines] == [
        ["Keys", "Metadata", "NewImage"],
        ["Keys", "Metadata"],
        ["Keys", "Metadata", "NewImage"],
    ]
    db.close()


def test_an_incremental_export_brings_a_copy_up_to_date(env: Env) -> None:
    db, from_ms, _ = changed_database(env)
    assert isinstance(env.clock, ManualClock)
    begun = start_export(db, export_time_ms=from_ms - 1000, s3_prefix="full")
    run_jobs(env)
    assert export_of(db, begun.export_arn).export_status == "COMPLETED"
    start_import(db, "again", "full/")
    run_jobs(env)
    env.clock.advance_ms(5_000)
    start_export(
        db,
        s3_prefix="changes",
        export_format="CBOR",
        export_type="INCREMENTAL_EXPORT",
        incremental_export_specification=IncrementalExportSpecification(from_ms),
    )
    run_jobs(env)

    begun_import = start_import(db, "", "changes/", table_creation_parameters=None, table_name="again")
    run_jobs(env)

    assert import_of(db, begun_import.import_arn).import_status == "COMPLETED"
    assert items_of(db, "again") == items_of(db, "airports")
    db.close()


def test_history_that_does_not_reach_is_said_so(env: Env) -> None:
    db = opened(env)
    assert isinstance(env.clock, ManualClock)
    db.call(AIRPORTS)
    env.clock.advance_ms(10_000)
    from_ms = env.clock.wall_ms()
    put(db, *airports(3))
    env.clock.advance_ms(10_000)
    put(db, *airports(3))

    with pytest.raises(InvalidExportTime, match="kept history does not reach"):
        increments(db, env, from_ms, None)
    with pytest.raises(InvalidExportTime, match="table creation time"):
        increments(db, env, 5_000, None)
    db.close()


def test_the_services_window_holds_under_its_limits(env: Env) -> None:
    db = opened(env, limits="aws", history_ms=3_600_000_000)
    assert isinstance(env.clock, ManualClock)
    db.call(AIRPORTS)
    env.clock.advance_ms(48 * 3_600_000)
    now_ms = env.clock.wall_ms()

    for length_ms, fault in ((600_000, "less than 15 minutes"), (25 * 3_600_000, "greater than 24 hours")):
        with pytest.raises(InvalidExportTime, match=fault):
            increments(db, env, now_ms - length_ms, now_ms)
    assert increments(db, env, now_ms - 3_600_000, now_ms) == []
    db.close()


def test_an_export_may_be_filtered(env: Env) -> None:
    db = opened(env)
    db.call(AIRPORTS)
    put(db, *airports(50))
    asked = FilterSpecification("#n > :n", "icao, #n", "country = :c", {"#n": "n"}, {":n": 20, ":c": "C3"})

    begun = start_export(db, filter_specification=asked)
    run_jobs(env)

    found = export_of(db, begun.export_arn)
    assert found.filter_specification == asked
    store = transfer_store(env, f"{ROOT}/bucket")
    (name,) = (stored.name for stored in store.listed("AWSDynamoDB/") if "/data/" in stored.name)
    lines = gzip.decompress(b"".join(store.get(name))).splitlines()
    expected = [item for item in airports(50) if item["country"] == "C3" and int(str(item["n"])) > 20]
    assert [json.loads(line)["Item"]["icao"]["S"] for line in lines] == [item["icao"] for item in expected]
    assert sorted(json.loads(lines[0])["Item"]) == ["icao", "n"]
    with pytest.raises(ValidationError):
        start_export(db, filter_specification=FilterSpecification("#x > :n", None, None, None, {":n": 1}))
    db.close()


@pytest.mark.usefixtures("small_steps")
def test_an_export_goes_on_after_a_restart_at_its_moment(env: Env) -> None:
    db = opened(env)
    db.call(AIRPORTS)
    put(db, *airports(100))
    begun = start_export(db)
    steps(env, 8)
    assert export_of(db, begun.export_arn).export_status == "IN_PROGRESS"

    env, db = again(env, db)
    run_jobs(env)

    assert export_of(db, begun.export_arn).item_count == 100
    start_import(db, "again")
    run_jobs(env)
    assert items_of(db, "again") == airports(100)
    db.close()


@pytest.mark.usefixtures("small_steps")
def test_an_export_whose_moment_is_lost_begins_anew(env: Env) -> None:
    db = opened(env)
    db.call(AIRPORTS)
    put(db, *airports(100))
    begun = start_export(db)
    steps(env, 8)
    assert export_of(db, begun.export_arn).export_status == "IN_PROGRESS"
    put(db, *[{**item, "n": -1} for item in airports(100)[:60]])
    assert isinstance(env.clock, ManualClock)
    env, db = again(env, db)
    put(db, *[{**item, "n": -2} for item in airports(100)[:30]])
    expected = items_of(db, "airports")

    run_jobs(env)

    assert export_of(db, begun.export_arn).item_count == 100
    start_import(db, "again")
    run_jobs(env)
    assert items_of(db, "again") == expected
    db.close()


@pytest.mark.usefixtures("small_steps")
def test_an_export_that_begins_anew_with_less_leaves_nothing_of_before(env: Env) -> None:
    db = opened(env)
    db.call(AIRPORTS)
    put(db, *airports(100))
    begun = start_export(db)
    steps(env, 9)
    assert len(list(transfer_store(env, f"{ROOT}/bucket").listed("AWSDynamoDB/"))) > 3
    for item in airports(100):
        db.call(DeleteItem("airports", {"country": item["country"], "icao": item["icao"]}))
    env, db = again(env, db)
    put(db, *airports(1))

    run_jobs(env)

    assert export_of(db, begun.export_arn).item_count == 1
    folder = f"AWSDynamoDB/{begun.export_arn.rpartition('/')[2]}/data/"
    assert len(list(transfer_store(env, f"{ROOT}/bucket").listed(folder))) == 1
    db.close()


@pytest.mark.usefixtures("small_steps")
def test_an_import_whose_files_become_others_does_not_go_on(env: Env) -> None:
    db = opened(env)
    store = transfer_store(env, f"{ROOT}/bucket")
    lines = [b'{"country":{"S":"IS"},"icao":{"S":"A%d"}}' % n for n in range(100)]
    store.put("in/b.json", [b"\n".join(lines)])
    begun = start_import(db, "airports", "in/")
    steps(env, 7)
    assert import_of(db, begun.import_arn).import_status == "IN_PROGRESS"
    assert import_of(db, begun.import_arn).processed_item_count > 0
    store.put("in/a.json", [b"{}"])

    env, db = again(env, db)
    run_jobs(env)

    assert import_of(db, begun.import_arn).failure_code == "S3ObjectsChanged"
    db.close()


def test_the_bad_records_of_an_import_are_not_imported_by_the_next(env: Env) -> None:
    db = opened(env)
    transfer_store(env, f"{ROOT}/bucket").put("a.json", [b"nonsense"])
    for name in ("first", "second"):
        begun = start_import(db, name)
        run_jobs(env)
        assert import_of(db, begun.import_arn).processed_item_count == 1
    db.close()


@pytest.mark.usefixtures("small_steps")
def test_a_cancelled_export_leaves_nothing(env: Env) -> None:
    db = opened(env)
    db.call(AIRPORTS)
    put(db, *airports(100))
    begun = start_export(db)
    steps(env, 8)
    assert len(list(transfer_store(env, f"{ROOT}/bucket").listed("AWSDynamoDB/"))) > 2

    db.call(CancelJob(begun.export_arn))
    run_jobs(env)

    found = export_of(db, begun.export_arn)
    assert (found.export_status, found.failure_code) == ("FAILED", "Cancelled")
    assert not list(transfer_store(env, f"{ROOT}/bucket").listed("AWSDynamoDB/"))
    db.close()


@pytest.mark.usefixtures("small_steps")
def test_an_import_goes_on_after_any_number_of_restarts_and_counts_once(env: Env) -> None:
    db = opened(env)
    db.call(AIRPORTS)
    put(db, *airports(150))
    start_export(db)
    run_jobs(env)
    begun = start_import(db, "again")
    for _ in range(4):
        steps(env, 7)
        env, db = again(env, db)
    run_jobs(env)

    found = import_of(db, begun.import_arn)
    assert (found.import_status, found.processed_item_count, found.imported_item_count) == (
        "COMPLETED",
        150,
        150,
    )
    assert items_of(db, "again") == airports(150)
    db.close()


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("count", range(5, 30, 3))
def test_a_power_loss_at_any_step_loses_nothing_of_an_export_or_an_import(count: int) -> None:
    fs = MemFileSystem()
    env = make_env(fs)
    db = opened(env)
    db.call(AIRPORTS)
    put(db, *airports(60))
    exported = start_export(db)
    steps(env, count)
    fs = fs.after_crash("strict")
    env = make_env(fs, env.clock)  # type: ignore[arg-type]
    db = opened(env)
    run_jobs(env)
    assert export_of(db, exported.export_arn).item_count == 60
    imported = start_import(db, "again")
    steps(env, count)
    fs = fs.after_crash("random", count)
    env = make_env(fs, env.clock)  # type: ignore[arg-type]
    db = opened(env)

    run_jobs(env)

    found = import_of(db, imported.import_arn)
    assert (found.import_status, found.imported_item_count) == ("COMPLETED", 60)
    assert items_of(db, "again") == airports(60)
    db.close()


@pytest.mark.usefixtures("small_steps")
def test_a_cancelled_import_keeps_what_it_has_put(env: Env) -> None:
    db = opened(env)
    lines = [b'{"country":{"S":"IS"},"icao":{"S":"A%d"}}' % n for n in range(200)]
    transfer_store(env, f"{ROOT}/bucket").put("in/a.json", [b"\n".join(lines)])
    begun = start_import(db, "airports", "in/")
    steps(env, 7)

    db.call(CancelJob(begun.import_arn))
    assert import_of(db, begun.import_arn).import_status == "CANCELLING"
    run_jobs(env)

    found = import_of(db, begun.import_arn)
    assert found.import_status == "CANCELLED"
    assert 0 < found.imported_item_count < 200
    assert len(items_of(db, "airports")) == found.imported_item_count
    db.close()


@pytest.mark.usefixtures("small_steps")
def test_an_export_waits_for_a_store_that_is_full_and_fails_with_one_that_refuses() -> None:
    fs = FaultyFileSystem(MemFileSystem())
    env = make_env(fs)
    assert isinstance(env.clock, ManualClock)
    db = opened(env)
    db.call(AIRPORTS)
    put(db, *airports(60))
    fs.fail(Fault(operation="append", path=f"{ROOT}/*", nth=3, error=errno.ENOSPC, for_ever=True))
    begun = start_export(db)
    run_jobs(env)
    assert export_of(db, begun.export_arn).export_status == "IN_PROGRESS"

    fs.heal()
    env.clock.advance_ms(60_000)
    run_jobs(env)
    assert export_of(db, begun.export_arn).item_count == 60
    fs.fail(Fault(operation="create", path=f"{ROOT}/*", error=errno.EROFS, for_ever=True))
    begun = start_export(db)
    run_jobs(env)

    found = export_of(db, begun.export_arn)
    assert (found.export_status, found.failure_code) == ("FAILED", "BackupStoreError")
    assert "Read-only" in str(found.failure_message)
    db.close()


def test_bad_records_make_an_import_fail_with_everything_else_imported(env: Env) -> None:
    db = opened(env)
    store = transfer_store(env, f"{ROOT}/bucket")
    lines = [b'{"Item":{"country":{"S":"IS"},"icao":{"S":"A%d"}}}' % n for n in range(600)]
    lines[5] = b"nonsense"
    lines[7] = b'{"Item":{"country":{"S":"IS"}}}'
    store.put("in/b.json", [b"\n".join(lines)])
    store.put("in/c.json", [b"x\n" * 700])

    begun = start_import(db, "airports", "in/")
    run_jobs(env)

    found = import_of(db, begun.import_arn)
    assert (found.import_status, found.failure_code) == ("FAILED", "ItemValidationError")
    assert (found.processed_item_count, found.imported_item_count, found.error_count) == (1300, 598, 702)
    assert [(error.object_name, error.line) for error in found.errors[:3]] == [
        ("in/b.json", 6),
        ("in/b.json", 8),
        ("in/c.json", 1),
    ]
    assert "Missing the key icao" in found.errors[1].reason
    (name,) = (stored.name for stored in store.listed(f"{layout.ERRORS_FOLDER}"))
    assert name in str(found.failure_message)
    told = b"".join(store.get(name)).splitlines()
    assert len(told) == kinds.ERRORS_MAX
    assert json.loads(told[0]) == {
        "object": "in/b.json",
        "line": 6,
        "reason": "not JSON: Expecting value at character 1",
    }
    assert len(items_of(db, "airports")) == 598
    db.close()


def test_a_unique_key_refuses_one_record_and_not_its_batch(env: Env) -> None:
    from kvdb.api.tables import AttributeDefinition, IndexSpecification, KeySchemaElement, Projection

    db = opened(env)
    request = table_request("airports", sort=("icao", "S"))
    request.attribute_definitions.append(AttributeDefinition("code", "S"))
    request.global_secondary_indexes = [
        IndexSpecification("codes", (KeySchemaElement("code", "HASH"),), Projection("ALL"), is_unique=True)
    ]
    store = transfer_store(env, f"{ROOT}/bucket")
    codes = ["a", "b", "a", "c"]
    lines = [
        json.dumps({"country": {"S": "X"}, "icao": {"S": str(n)}, "code": {"S": code}})
        for n, code in enumerate(codes)
    ]
    store.put("in/a.json", ["\n".join(lines).encode()])

    begun = start_import(db, "", "in/", table_creation_parameters=request)
    run_jobs(env)

    found = import_of(db, begun.import_arn)
    assert (found.imported_item_count, found.error_count) == (3, 1)
    assert found.errors[0].line == 3
    assert found.table_creation_parameters == request
    db.close()


def test_csv_options_of_the_service_are_taken(env: Env) -> None:
    db = opened(env)
    store = transfer_store(env, f"{ROOT}/bucket")
    store.put("in/a.csv", [b"IS;1;x\n"])
    created = table_request("readings", key=("place", "S"), sort=("at", "N"))
    options = InputFormatOptions(CsvOptions(";", ["place", "at", "note"]))

    begun = start_import(
        db, "", "in/", table_creation_parameters=created, input_format="CSV", input_format_options=options
    )
    run_jobs(env)

    assert import_of(db, begun.import_arn).input_format_options == options
    assert db.call(Scan("readings")).items == [{"place": "IS", "at": 1, "note": "x"}]  # type: ignore[union-attr]
    db.close()


@pytest.mark.parametrize(
    ("name", "content", "fields", "code"),
    [
        ("other/a.json", b"", {}, "S3NoSuchKey"),
        ("in/a.json.gz", b"not gzip", {"input_compression_type": "GZIP"}, "S3ObjectDamaged"),
        ("in/a.csv", b"a,a\n", {"input_format": "CSV"}, "InvalidCsvHeader"),
    ],
)
def test_input_that_cannot_be_read_makes_an_import_fail(
    env: Env, name: str, content: bytes, fields: dict[str, object], code: str
) -> None:
    db = opened(env)
    transfer_store(env, f"{ROOT}/bucket").put(name, [content])

    begun = start_import(db, "airports", "in/", **fields)
    run_jobs(env)

    found = import_of(db, begun.import_arn)
    assert (found.import_status, found.failure_code) == ("FAILED", code)
    db.close()


def test_a_table_that_is_dropped_ends_its_jobs(env: Env) -> None:
    from kvdb.api.tables import DeleteTable

    db = opened(env)
    db.call(AIRPORTS)
    export = start_export(db)
    transfer_store(env, f"{ROOT}/bucket").put("in/a.json", [b'{"country":{"S":"a"},"icao":{"S":"b"}}'])
    imported = start_import(db, "again", "in/")
    db.call(DeleteTable("airports"))
    db.call(DeleteTable("again"))
    db.call(AIRPORTS)

    run_jobs(env)

    assert export_of(db, export.export_arn).failure_code == "TableNotFound"
    assert import_of(db, imported.import_arn).failure_code == "TableNotFound"
    db.close()


def test_a_client_token_stands_for_one_export_and_one_import(env: Env) -> None:
    db = opened(env)
    db.call(AIRPORTS)
    first = start_export(db, client_token="token")
    run_jobs(env)
    assert start_export(db, client_token="token").export_arn == first.export_arn
    with pytest.raises(ExportConflict, match="Duplicate request detected"):
        start_export(db, client_token="token", export_format="CBOR")

    begun = start_import(db, "again", client_token="token")
    assert start_import(db, "again", client_token="token").import_arn == begun.import_arn
    with pytest.raises(ImportConflict, match="Duplicate request detected"):
        start_import(db, "third", client_token="token")
    db.close()


def test_what_is_not_there_is_named_in_the_services_way(env: Env) -> None:
    db = opened(env)
    db.call(AIRPORTS)
    arn = "arn:aws:dynamodb:ddblocal:000000000000:table/airports/export/01700000000000-0123abcd"
    with pytest.raises(TableNotFound, match="Table not found: nothing"):
        start_export(db, table_arn="nothing")
    with pytest.raises(ExportNotFound):
        export_of(db, arn)
    with pytest.raises(ImportNotFound):
        import_of(db, arn)
    with pytest.raises(ResourceInUse):
        start_import(db, "airports")
    with pytest.raises(ResourceNotFound):
        start_import(db, "", table_creation_parameters=None, table_name="nothing")
    export = start_export(db)
    with pytest.raises(ImportNotFound):
        import_of(db, export.export_arn)
    db.close()


def test_without_an_export_root_the_calls_are_refused(env: Env) -> None:
    db = opened(env, root=None)
    db.call(AIRPORTS)
    with pytest.raises(ValidationError, match="without an export root"):
        start_export(db)
    with pytest.raises(ValidationError, match="without an export root"):
        start_import(db, "again")
    assert db.call(ListExports()).export_summaries == []  # type: ignore[union-attr]
    db.close()


@pytest.mark.parametrize("bucket", ["", "a", "..", "a/b", "../up", "-a", "a-"])
def test_a_bucket_that_is_none_is_refused(env: Env, bucket: str) -> None:
    db = opened(env)
    db.call(AIRPORTS)
    with pytest.raises(ValidationError):
        start_export(db, s3_bucket=bucket)
    db.close()


@pytest.mark.parametrize(
    "fields",
    [
        {"export_format": "ION"},
        {"export_format": "XML"},
        {"s3_prefix": "a/../../b"},
        {"export_type": "INCREMENTAL_EXPORT"},
        {"incremental_export_specification": IncrementalExportSpecification(1)},
        {"s3_sse_algorithm": "KMS"},
        {
            "export_type": "INCREMENTAL_EXPORT",
            "export_format": "CSV",
            "incremental_export_specification": IncrementalExportSpecification(1),
        },
    ],
)
def test_an_export_that_makes_no_sense_is_refused(env: Env, fields: dict[str, object]) -> None:
    db = opened(env)
    db.call(AIRPORTS)
    with pytest.raises(ValidationError):
        start_export(db, **fields)
    db.close()


def test_pages_of_exports_follow_one_another(env: Env) -> None:
    db = opened(env)
    db.call(AIRPORTS)
    arns = [start_export(db).export_arn for _ in range(7)]
    found: list[str] = []
    token: str | None = None
    while True:
        result = db.call(ListExports(max_results=3, next_token=token))
        found += [summary.export_arn for summary in result.export_summaries]  # type: ignore[union-attr]
        token = result.next_token  # type: ignore[union-attr]
        if token is None:
            break
        assert len(token) >= 112
    assert found == arns[::-1]
    with pytest.raises(ValidationError, match="no page has this token"):
        db.call(ListExports(next_token="nonsense"))
    db.close()


def steps(env: Env, count: int) -> None:
    """So many steps of all background work together."""
    assert isinstance(env.jobs, InlineJobs)
    with contextlib.suppress(AssertionError):
        env.jobs.run_until_idle(count)
