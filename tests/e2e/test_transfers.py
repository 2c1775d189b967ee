"""Kill a real server while it exports and imports, start it again: it goes on, and nothing is missing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import kvdb
from kvdb import PutRequest
from kvdb.api.jobs import JobDescription
from tests.support.server_process import ServerProcess

ITEMS = 30_000
TEXT = "".join(f"{n:x}" for n in range(300))


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


def served(data_dir: Path) -> ServerProcess:
    root = data_dir.parent / "buckets"
    return ServerProcess(data_dir, "--sync", "interval", "--export-root", str(root))


def fill(db: kvdb.Client) -> None:
    db.create_table("events", key=("day", "S"), sort=("at", "N"))
    for start in range(0, ITEMS, 25):
        batch = [PutRequest({"day": f"d{n % 40}", "at": n, "text": TEXT}) for n in range(start, start + 25)]
        db.batch_write({"events": batch})


def begun(db: kvdb.Client, arn: str) -> JobDescription:
    """The job once it has a checkpoint, and is not over."""
    for _ in range(6_000):
        job = db.job(arn)
        if job.done or job.status != "IN_PROGRESS":
            return job
        time.sleep(0.005)
    raise AssertionError(job)


def content(db: kvdb.Client, table: str) -> tuple[int, int]:
    items = list(db.table(table).scan())
    assert all(item["text"] == TEXT for item in items)
    return len(items), sum(int(str(item["at"])) for item in items)


def test_an_export_and_an_import_go_on_after_kill_9(data_dir: Path) -> None:
    buckets = data_dir.parent / "buckets"
    with served(data_dir) as server, kvdb.connect(server.target) as db:
        fill(db)
        export_arn = db.export_table("events", "bucket", "out").export_arn
        job = begun(db, export_arn)
        server.kill()
    assert job.status == "IN_PROGRESS"
    assert not list(buckets.rglob("manifest-summary.json"))
    assert len(list(buckets.rglob("*.json.gz"))) >= 1

    with served(data_dir) as server, kvdb.connect(server.target) as db:
        job = db.wait_for_job(export_arn)
        assert (job.status, job.failure_message) == ("COMPLETED", None)
        assert db.describe_export(export_arn).item_count == ITEMS
        import_arn = db.import_table("again", "bucket", "out/", key=("day", "S"), sort=("at", "N")).import_arn
        job = begun(db, import_arn)
        server.kill()
    assert job.status == "IN_PROGRESS"

    with served(data_dir) as server, kvdb.connect(server.target) as db:
        assert db.wait_for_job(import_arn).status == "COMPLETED"
        done = db.describe_import(import_arn)
        assert (done.processed_item_count, done.imported_item_count, done.error_count) == (ITEMS, ITEMS, 0)
        assert content(db, "again") == content(db, "events") == (ITEMS, ITEMS * (ITEMS - 1) // 2)
