from __future__ import annotations

from pathlib import Path

import pytest

import kvdb
from tests.support.command_line import Directory, run


def test_a_command_without_a_database_says_how_to_name_one() -> None:
    result = run("table", "list")

    assert result.exit_code == 2
    assert "--endpoint grpc://HOST:PORT or --data-dir DIR, or set KVDB_ENDPOINT" in result.stderr


def test_two_databases_are_one_too_many(tmp_path: Path) -> None:
    result = run("table", "list", "--endpoint", "grpc://localhost:1", "--data-dir", str(tmp_path))

    assert result.exit_code == 2
    assert "not both" in result.stderr


def test_a_directory_given_by_hand_beats_the_environment(tmp_path: Path) -> None:
    Directory(tmp_path / "data")

    result = run(
        *("table", "list", "--data-dir", str(tmp_path / "data")),
        environment={"KVDB_ENDPOINT": "grpc://localhost:1"},
    )

    assert result.stdout == "airports\n"


@pytest.mark.parametrize(
    "endpoint", ["localhost:7400", "http://localhost:7400", "grpc://", "grpc://localhost", "x"]
)
def test_an_endpoint_of_another_form_is_refused(endpoint: str) -> None:
    result = run("table", "list", environment={"KVDB_ENDPOINT": endpoint})

    assert result.exit_code == 1
    assert "grpc://HOST:PORT" in result.stderr


def test_a_server_that_is_not_there_exits_with_five() -> None:
    result = run("table", "list", "--endpoint", "grpc://127.0.0.1:1")

    assert result.exit_code == 5
    assert result.stderr.startswith("kvdb: ServiceUnavailable: ")


def test_a_mistyped_directory_does_not_become_a_database(tmp_path: Path) -> None:
    for command in (("table", "list"), ("get", "t12", "{}"), ("scan", "t12")):
        result = run(*command, "--data-dir", str(tmp_path / "typo"))

        assert (result.exit_code, result.stderr) == (
            6,
            f"kvdb: NotADatabase: no such directory: {tmp_path}/typo\n",
        )
    assert list(tmp_path.iterdir()) == []


def test_an_empty_directory_is_left_empty(tmp_path: Path) -> None:
    assert run("table", "list", "--data-dir", str(tmp_path)).exit_code == 6
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    assert run("table", "list", "--data-dir", str(tmp_path / "file")).exit_code == 6
    assert run("table", "create", "t12", "--key", "a:S", "--data-dir", str(tmp_path / "file")).exit_code == 6


def test_a_directory_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_text("x")

    result = run("table", "create", "t12", "--key", "a:S", "--data-dir", str(tmp_path))

    assert result.exit_code == 6
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_directory_that_is_open_elsewhere_is_refused_by_name(tmp_path: Path) -> None:
    with kvdb.open(str(tmp_path / "data")):
        result = run("table", "list", "--data-dir", str(tmp_path / "data"))

    assert result.exit_code == 6
    assert result.stderr.startswith("kvdb: DatabaseLocked: ")
    assert str(tmp_path / "data") in result.stderr
