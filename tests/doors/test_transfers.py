"""Exports and imports through every native door; HTTP has its own in ``tests/dynamodb``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

import kvdb
from kvdb import Attr, Key
from kvdb.errors import ExportNotFound, ImportNotFound, TableNotFound, ValidationError
from kvdb.options import DatabaseOptions
from tests.conftest import DOORS, client_of
from tests.support.awaited_transport import AwaitedTransport
from tests.support.served import event_loop_thread, in_memory_options, served

NATIVE_DOORS = [door for door in DOORS if door != "http"]


@contextmanager
def client_with_buckets(door: str, root: Path) -> Iterator[kvdb.Client]:
    options = DatabaseOptions(export_root=str(root))
    if door == "embedded":
        with kvdb.open(":memory:", export_root=str(root)) as client:
            yield client
    elif door == "grpc":
        with served(in_memory_options(database=options)) as address, kvdb.connect(f"grpc://{address}") as db:
            yield db
    elif door == "embedded-async":
        with event_loop_thread() as run:
            opened = run(lambda: kvdb.open_async(":memory:", export_root=str(root)))
            with kvdb.Client(AwaitedTransport(opened._transport, run)) as client:  # type: ignore[attr-defined]
                yield client
    else:
        with served(in_memory_options(database=options)) as address, event_loop_thread() as run:
            opened = run(lambda: kvdb.connect_async(f"grpc://{address}"))
            with kvdb.Client(AwaitedTransport(opened._transport, run)) as client:  # type: ignore[attr-defined]
                yield client


@pytest.mark.parametrize("door", NATIVE_DOORS)
def test_a_table_goes_out_and_comes_back(door: str, tmp_path: Path) -> None:
    with client_with_buckets(door, tmp_path) as db:
        table = db.create_table("airports", key=("country", "S"), sort=("icao", "S"))
        for n in range(60):
            table.put({"country": "IS", "icao": f"A{n:02}", "n": n, "tags": {"a", "b"}})
        asked = {"filter": Attr("n").gte(10), "key_condition": Key("country").eq("IS")}

        begun = db.export_table("airports", "bucket", "out", format="CBOR", token="once", **asked)
        assert db.wait_for_job(begun.export_arn).status == "COMPLETED"
        done = db.describe_export(begun.export_arn)
        imported = db.import_table(
            "again", "bucket", "out/", key=("country", "S"), sort=("icao", "S"), token="once"
        )
        job = db.wait_for_job(imported.import_arn)

        assert job.status == "COMPLETED", job.failure_message
        assert done.item_count == 50
        assert done.filter_specification is not None
        assert done.filter_specification.key_condition_expression is not None
        assert list(db.table("again").scan()) == list(table.scan(filter="n >= :n", values={":n": 10}))
        assert [each.export_arn for each in db.exports(done.table_arn)] == [done.export_arn]
        assert [each.import_arn for each in db.imports()] == [imported.import_arn]
        assert db.describe_import(imported.import_arn).imported_item_count == 50
        assert db.export_table("airports", "bucket", "out", format="CBOR", token="once", **asked) == done


@pytest.mark.parametrize("door", NATIVE_DOORS)
def test_what_goes_wrong_is_the_same_error_everywhere(door: str, tmp_path: Path) -> None:
    with client_with_buckets(door, tmp_path) as db:
        with pytest.raises(TableNotFound):
            db.export_table("nothing", "bucket")
        with pytest.raises(ExportNotFound):
            db.describe_export("nothing")
        with pytest.raises(ImportNotFound):
            db.describe_import("nothing")
        with pytest.raises(ValidationError, match="Ion is not supported"):
            db.export_table("nothing", "bucket", format="ION")
        with pytest.raises(ValidationError, match="must be a datetime with a time zone"):
            db.export_table("nothing", "bucket", at=datetime(2026, 11, 29))
        with pytest.raises(ValidationError, match="until goes with since"):
            db.export_table("nothing", "bucket", until=datetime(2026, 11, 29, tzinfo=UTC))


@pytest.mark.parametrize("door", ["embedded", "grpc"])
def test_a_database_without_an_export_root_says_so(door: str) -> None:
    with client_of(door) as db:
        db.create_table("airports", key=("country", "S"))
        with pytest.raises(ValidationError, match="without an export root"):
            db.export_table("airports", "bucket")
