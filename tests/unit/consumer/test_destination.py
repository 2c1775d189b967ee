"""What is given up is kept, whole and durable."""

from __future__ import annotations

import errno
import json

import pytest

import kvdb
from kvdb.api.streams import Record, StreamRecord
from kvdb.consumer.destination import Failure, FileDestination, TableDestination
from kvdb.env.fs import read_all
from kvdb.errors import DiskFull
from kvdb.testing.faulty_fs import Fault, FaultyFileSystem
from kvdb.testing.mem_fs import MemFileSystem


def failure(*fillings: str) -> Failure:
    records = [
        Record(
            f"{n}",
            "INSERT",
            "us-east-1",
            StreamRecord(
                {"id": n}, f"1{n:020d}", "NEW_IMAGE", 1, 1_700_000_000_000 + n, {"id": n, "f": filling}
            ),
        )
        for n, filling in enumerate(fillings)
    ]
    return Failure(
        records,
        {"Records": []},
        "RetryAttemptsExhausted",
        "why",
        3,
        "request",
        "arn",
        "shard",
        "stream",
        1_700_000_000_500,
    )


def test_a_line_is_lambdas_record_of_a_failed_invocation() -> None:
    fs = MemFileSystem()
    FileDestination(fs, "/failed").put(failure("a", "b"))
    assert json.loads(read_all(fs, "/failed")) == {
        "requestContext": {
            "requestId": "request",
            "functionArn": "arn",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 3,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2023-11-14T22:13:20.500Z",
        "error": "why",
        "DDBStreamBatchInfo": {
            "shardId": "shard",
            "startSequenceNumber": "100000000000000000000",
            "endSequenceNumber": "100000000000000000001",
            "approximateArrivalOfFirstRecord": "2023-11-14T22:13:20.000Z",
            "approximateArrivalOfLastRecord": "2023-11-14T22:13:20.001Z",
            "batchSize": 2,
            "streamArn": "stream",
        },
        "payload": {"Records": []},
    }


def test_lines_are_synced_and_a_torn_one_spoils_no_other() -> None:
    fs = MemFileSystem()
    destination = FileDestination(fs, "/failed")
    destination.put(failure("a"))
    after = fs.after_crash("strict")
    assert read_all(after, "/failed").count(b"\n") == 1
    torn = after.open_append("/failed")
    torn.append(b'{"half": ')
    torn.close()
    FileDestination(after, "/failed").put(failure("b"))
    lines = read_all(after, "/failed").splitlines()
    assert [line[:9] for line in lines] == [b'{"request', b'{"half": ', b'{"request']


def test_a_full_disk_is_told() -> None:
    fs = FaultyFileSystem(MemFileSystem())
    destination = FileDestination(fs, "/failed")
    fs.fail(Fault("append", error=errno.ENOSPC))
    with pytest.raises(DiskFull):
        destination.put(failure("a"))


def test_records_too_large_for_an_item_are_named_without_their_event() -> None:
    with kvdb.open(":memory:") as db:
        TableDestination(db, "failed").put(failure("small", "x" * 399_000))
        small, large = db.table("failed").query("shardId = :s", values={":s": "shard"})
    assert json.loads(str(small["record"]))["eventID"] == "0"
    assert "isRecordOmitted" not in small
    assert large["isRecordOmitted"] is True
    assert "record" not in large
    assert large["failure"]["requestContext"]["condition"] == "RetryAttemptsExhausted"  # type: ignore[index]
