"""Where batches go that are given up: a file of JSON lines, or a table.

One line, or what the items of one batch have in common, is Lambda's record of a failed invocation:

    {"requestContext": {"requestId", "functionArn", "condition", "approximateInvokeCount"},
     "responseContext": {"statusCode", "executedVersion", "functionError"}, "version": "1.0",
     "timestamp": ..., "DDBStreamBatchInfo": {"shardId", "startSequenceNumber", "endSequenceNumber",
     "approximateArrivalOfFirstRecord", "approximateArrivalOfLastRecord", "batchSize", "streamArn"},
     "payload": the event, "error": what the last attempt said}

``condition`` is ``RetryAttemptsExhausted`` or ``RecordAgeExceeded``. The file is synced before the
batch counts as dealt with.

The table has the key ``shardId`` (S), ``sequenceNumber`` (S), and an item a record: ``failure`` is the
line above without its payload, ``record`` the event of the record as JSON text. Events too large for
an item are left out, and ``isRecordOmitted`` says so; the stream still has them.

Source: Lambda developer guide, "Retaining records of failed invocations".
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from kvdb.api.streams import Record
from kvdb.client.sync import Client
from kvdb.consumer.options import WorkerOptions
from kvdb.env.env import Env
from kvdb.env.fs import FileSystem
from kvdb.errors import ResourceInUse, ValidationError, disk_error
from kvdb.item.dynamo_json import JsonObject
from kvdb.limits import ITEM_BYTES_MAX
from kvdb.stream.event import event_of

_KEY = ("shardId", "sequenceNumber")
_FACTS_BYTES_MAX = 16 * 1024
"""Room for all but the record in an item."""
_RECORD_BYTES_MAX = ITEM_BYTES_MAX - _FACTS_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Failure:
    """A batch that is given up."""

    records: Sequence[Record]
    event: JsonObject
    """What the handler was last given."""
    condition: str
    error: str
    invocations: int
    request_id: str
    function_arn: str
    shard_id: str
    stream_arn: str
    at_ms: int


class Destination(Protocol):
    """Takes what is given up."""

    def put(self, failure: Failure) -> None:
        """Keep it, durably. Raises ``KvdbError`` if that cannot be done; then it is not given up."""
        ...


def open_destination(options: WorkerOptions, client: Client, env: Env) -> Destination | None:
    """The destination that the options name.

    Raises:
        ValidationError: there is a table of that name with another key.
        StorageError: the file cannot be written.
    """
    kind, _, name = (options.on_failure or "").partition(":")
    if kind == "file":
        return FileDestination(env.fs, name)
    return TableDestination(client, name) if kind == "table" else None


class FileDestination:
    """A line a batch."""

    def __init__(self, fs: FileSystem, path: str) -> None:
        self._fs = fs
        self._path = path
        self._lock = threading.Lock()
        self._write(b"")

    def put(self, failure: Failure) -> None:
        line = json.dumps({**_facts(failure), "payload": failure.event}, separators=(",", ":"))
        self._write(line.encode() + b"\n")

    def _write(self, line: bytes) -> None:
        try:
            with self._lock:
                self._append(line)
        except OSError as error:
            raise disk_error(error, self._path) from error

    def _append(self, line: bytes) -> None:
        # Opened each time: this is rare, and the file may be moved away at any time.
        is_old = self._fs.exists(self._path)
        file = self._fs.open_append(self._path) if is_old else self._fs.create(self._path)
        try:
            size = file.size()
            if size and line and file.read_at(size - 1, 1) != b"\n":
                # A crash tore the last line; this one must not become a part of it.
                line = b"\n" + line
            file.append(line)
            file.sync()
        finally:
            file.close()
        if not is_old:
            # Without it a crash can lose the name of the file, and so all that is in it.
            self._fs.sync_dir(os.path.dirname(self._path) or ".")


class TableDestination:
    """An item a record."""

    def __init__(self, client: Client, name: str) -> None:
        try:
            self._table = client.create_table(name, key=(_KEY[0], "S"), sort=(_KEY[1], "S"))
        except ResourceInUse:
            self._table = client.table(name)
            self._table.wait_until_active()
            schema = self._table.describe().key_schema
            if tuple(element.attribute_name for element in schema) != _KEY:
                raise ValidationError(
                    f"table {name!r} is no destination: its key is not {', '.join(_KEY)}"
                ) from None

    def put(self, failure: Failure) -> None:
        facts = _facts(failure)
        for record in failure.records:
            text = json.dumps(event_of(record), separators=(",", ":"))
            number = record.dynamodb.sequence_number
            item: JsonObject = {"shardId": failure.shard_id, "sequenceNumber": number, "failure": facts}
            if len(text) <= _RECORD_BYTES_MAX:
                item["record"] = text
            else:
                item["isRecordOmitted"] = True
            self._table.put(item)


def _facts(failure: Failure) -> JsonObject:
    facts: JsonObject = {
        "requestContext": {
            "requestId": failure.request_id,
            "functionArn": failure.function_arn,
            "condition": failure.condition,
            "approximateInvokeCount": failure.invocations,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": _time_text(failure.at_ms),
        "error": failure.error,
    }
    if failure.records:
        first, last = failure.records[0].dynamodb, failure.records[-1].dynamodb
        facts["DDBStreamBatchInfo"] = {
            "shardId": failure.shard_id,
            "startSequenceNumber": first.sequence_number,
            "endSequenceNumber": last.sequence_number,
            "approximateArrivalOfFirstRecord": _time_text(first.approximate_creation_date_time_ms),
            "approximateArrivalOfLastRecord": _time_text(last.approximate_creation_date_time_ms),
            "batchSize": len(failure.records),
            "streamArn": failure.stream_arn,
        }
    return facts


def _time_text(ms: int) -> str:
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
