from __future__ import annotations

import json
from pathlib import Path

import pytest

from kvdb.cli.exits import Exit
from tests.support.command_line import Directory, run


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    made = Directory(tmp_path / "data")
    result = made.run("table", "update", "airports", "--stream", "NEW_AND_OLD_IMAGES", "--json")
    assert json.loads(result.stdout)["stream"] == "NEW_AND_OLD_IMAGES"
    made.put({"country": "IS", "icao": "BIKF", "elevation": 171}, {"country": "DK", "icao": "EKCH"})
    assert made.run("delete", "airports", '{"country": "IS", "icao": "BIKF"}').exit_code == 0
    return made


def lines(directory: Directory, *arguments: str) -> list[dict[str, object]]:
    result = directory.run("stream", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_streams_are_listed_and_described(directory: Directory) -> None:
    (listed,) = lines(directory, "list")
    assert listed["table"] == "airports"
    assert lines(directory, "list", "--table", "other") == []
    (described,) = lines(directory, "describe", "airports")
    assert described["arn"] == listed["arn"]
    assert described["retention_hours"] == 24
    assert len(described["shards"]) == 4  # type: ignore[arg-type]
    text = directory.run("stream", "describe", str(listed["arn"])).stdout
    assert "OPEN" in text
    assert "shardId-" in text


def test_changes_are_printed_one_a_line(directory: Directory) -> None:
    changes = lines(directory, "tail", "--from", "start", "--count", "3")
    assert [change["kind"] for change in changes] == ["INSERT", "INSERT", "REMOVE"]
    assert changes[2]["old"] == {"country": "IS", "icao": "BIKF", "elevation": 171}
    later = lines(directory, "tail", "--from", str(changes[1]["cursor"]), "--count", "1")
    assert later == changes[2:]
    text = directory.run("stream", "tail", "--table", "airports", "--from", "start", "--count", "1").stdout
    assert text.count("\n") == 1
    assert "INSERT  airports" in text
    assert '"icao": "BIKF"' in text


def test_changes_are_filtered(directory: Directory) -> None:
    filtered = ("tail", "--from", "start", "--count", "1")
    (removed,) = lines(directory, *filtered, "--filter", "eventName = :r", "--values", '{":r": "REMOVE"}')
    assert removed["kind"] == "REMOVE"
    pattern = '{"dynamodb": {"Keys": {"country": {"S": ["DK"]}}}}'
    (danish,) = lines(directory, *filtered, "--pattern", pattern, "--view", "KEYS_ONLY")
    assert (danish["keys"], danish["new"]) == ({"country": "DK", "icao": "EKCH"}, None)


def test_a_stream_is_changed(directory: Directory) -> None:
    (changed,) = lines(directory, "update", "airports", "--retention-hours", "48")
    assert changed["retention_hours"] == 48
    first, second = (shard["shard"] for shard in changed["shards"][:2])  # type: ignore[index, union-attr]
    (merged,) = lines(directory, "update", "airports", "--merge", first, second)
    assert any(shard["parents"] == [first, second] for shard in merged["shards"])  # type: ignore[union-attr]
    third = changed["shards"][2]["shard"]  # type: ignore[index]
    lines(directory, "update", "airports", "--split", third)
    (rotated,) = lines(directory, "update", "airports", "--rotate")
    assert sum(shard["status"] == "OPEN" for shard in rotated["shards"]) == 4  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("arguments", "code", "fault"),
    [
        (("describe", "absent"), Exit.REFUSED, "ResourceNotFound"),
        (("update", "airports"), Exit.USAGE, "give one of"),
        (("update", "airports", "--rotate", "--retention-hours", "5"), Exit.USAGE, "give one of"),
        (("tail", "--from", "2026-11-29T02:30:00"), Exit.USAGE, "needs its zone"),
        (("tail", "--from", "nonsense"), Exit.REFUSED, "Invalid cursor"),
        (("tail", "--filter", "a ="), Exit.REFUSED, "Invalid FilterExpression"),
    ],
)
def test_what_is_wrong_is_said(
    directory: Directory, arguments: tuple[str, ...], code: Exit, fault: str
) -> None:
    result = directory.run("stream", *arguments)
    assert result.exit_code == code
    assert fault in result.stderr


def test_a_table_without_a_stream_has_none(tmp_path: Path) -> None:
    directory = Directory(tmp_path / "data")
    assert "has never had a stream" in directory.run("stream", "describe", "airports").stderr
    made = run(
        *("table", "create", "log", "--key", "k:S", "--stream", "KEYS_ONLY", "--stream-hours", "2", "--json"),
        *("--data-dir", directory.path),
    )
    assert json.loads(made.stdout)["stream"] == "KEYS_ONLY"
    assert lines(directory, "describe", "log")[0]["retention_hours"] == 2
    assert directory.run("table", "update", "log", "--no-stream").exit_code == 0
    assert lines(directory, "describe", "log")[0]["status"] == "DISABLED"
