"""``kvdb worker`` and ``kvdb worker status`` on a database directory."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import kvdb
from kvdb.api.tables import StreamSpecification, UpdateTable
from kvdb.consumer import Context
from kvdb.item.dynamo_json import JsonObject
from tests.support.command_line import run

handled: list[int] = []


def stopping_handler(event: JsonObject, context: Context) -> None:
    """Ends the worker as an operator would, once it has seen everything."""
    records = event["Records"]
    assert isinstance(records, list)
    handled.extend(int(record["dynamodb"]["NewImage"]["n"]["N"]) for record in records)
    if len(handled) == 10:
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[str]:
    """A database with ten changes in a stream of table ``orders``."""
    path = str(tmp_path / "data")
    with kvdb.open(path) as db:
        orders = db.create_table("orders", key=("id", "S"))
        db.call(UpdateTable("orders", stream_specification=StreamSpecification(True, "NEW_IMAGE")))
        for n in range(10):
            orders.put({"id": f"{n}", "n": n})
    handled.clear()
    yield path


def test_a_worker_hands_the_changes_to_the_function_and_ends_at_a_signal(
    directory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "handlers", sys.modules[__name__])
    before = signal.getsignal(signal.SIGTERM)
    result = run(
        *("worker", "--table", "orders", "--handler", "handlers:stopping_handler", "--data-dir", directory),
        *("--batch-size", "3", "--poll-ms", "10", "--filter-pattern", '{"eventName": ["INSERT"]}'),
    )
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("kvdb worker ready worker=")
    assert result.stdout.rstrip().endswith("table=orders")
    assert sorted(handled) == list(range(10))
    assert signal.getsignal(signal.SIGTERM) is before

    told = run("worker", "status", "--table", "orders", "--data-dir", directory, "--json")
    assert told.exit_code == 0, told.output
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    assert {(row["state"], row["behind_records"], row["behind_seconds"]) for row in rows} == {("free", 0, 0)}
    shown = run("worker", "status", "--table", "orders", "--data-dir", directory)
    assert "behind_records" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "fault"),
    [
        (("worker",), 2, "give --table and --handler"),
        (("worker", "--table", "orders"), 2, "give --table and --handler"),
        (("worker", "--table", "orders", "--handler", "no_colon"), 2, "must be MODULE:FUNCTION"),
        (("worker", "--table", "orders", "--handler", "no_such_module:f"), 1, "no module 'no_such_module'"),
        (("worker", "--table", "orders", "--handler", "json:no_such"), 1, "has no function 'no_such'"),
        (
            ("worker", "--table", "orders", "--handler", "json:dumps", "--batch-size", "0"),
            1,
            "batch_size must be",
        ),
        (("worker", "--table", "none", "--handler", "json:dumps"), 1, "has no stream"),
        (
            ("worker", "--table", "orders", "--handler", "json:dumps", "--filter-pattern", "{"),
            1,
            "filter pattern 1",
        ),
        (("worker", "status", "--table", "orders"), 1, "there are no leases of table 'orders'"),
    ],
)
def test_what_cannot_be_is_refused(directory: str, arguments: tuple[str, ...], code: int, fault: str) -> None:
    has_target = [] if arguments == ("worker",) else ["--data-dir", directory]
    result = run(*arguments, *has_target)
    assert result.exit_code == code, result.output
    assert fault in result.stderr
