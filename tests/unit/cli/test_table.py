from __future__ import annotations

import json
from pathlib import Path

import pytest

from kvdb.api.tables import AttributeDefinition, KeySchemaElement, TableDescription
from kvdb.cli.table import facts_of
from tests.support.command_line import Directory, run


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    return Directory(tmp_path / "data")


def test_create_prints_what_it_made(directory: Directory) -> None:
    result = directory.run("table", "create", "readings", "--key", "sensor:B", "--sort", "at:N", "--json")

    made = json.loads(result.stdout)
    assert (made["name"], made["status"]) == ("readings", "ACTIVE")
    assert (made["partition_key"], made["sort_key"]) == ("sensor:B", "at:N")


def test_describe_prints_a_line_a_fact(directory: Directory) -> None:
    lines = directory.run("table", "describe", "airports").stdout.splitlines()

    assert lines[:4] == [
        "name           airports",
        "status         ACTIVE",
        "partition_key  country:S",
        "sort_key       icao:S",
    ]


def test_list_prints_a_name_a_line(directory: Directory) -> None:
    directory.run("table", "create", "zebras", "--key", "id:S")

    assert directory.run("table", "list").stdout == "airports\nzebras\n"
    assert directory.run("table", "list", "--json").stdout == '{"name": "airports"}\n{"name": "zebras"}\n'


def test_delete_says_so_on_standard_error(directory: Directory) -> None:
    result = directory.run("table", "delete", "airports")

    assert (result.stdout, result.stderr) == ("", "deleted table airports\n")
    assert directory.run("table", "list").stdout == ""


@pytest.mark.parametrize("key", ["country", ":S", "country:", "country:X", "country:s"])
def test_a_key_without_name_and_type_is_a_usage_error(key: str, tmp_path: Path) -> None:
    result = run("table", "create", "t12", "--key", key, "--data-dir", str(tmp_path / "data"))

    assert result.exit_code == 2
    assert "NAME:S, NAME:N or NAME:B" in result.stderr


def test_a_colon_may_stand_in_the_name_of_a_key(directory: Directory) -> None:
    result = directory.run("table", "create", "colons", "--key", "a:b:S", "--json")

    assert json.loads(result.stdout)["partition_key"] == "a:b:S"


@pytest.mark.parametrize("command", ["describe", "delete"])
def test_a_table_that_is_not_there_is_refused(directory: Directory, command: str) -> None:
    result = directory.run("table", command, "nowhere")

    assert result.exit_code == 1
    assert result.stderr.startswith("kvdb: ResourceNotFoundException: ")


def test_a_table_that_is_there_already_is_refused(directory: Directory) -> None:
    result = directory.run("table", "create", "airports", "--key", "id:S")

    assert result.exit_code == 1
    assert result.stderr.startswith("kvdb: ResourceInUseException: ")


def test_facts_leave_out_a_sort_key_that_is_not_there() -> None:
    description = TableDescription(
        table_name="t",
        table_status="ACTIVE",
        table_id="an id",
        creation_date_time_ms=1_700_000_000_123,
        key_schema=(KeySchemaElement("id", "HASH"),),
        attribute_definitions=(AttributeDefinition("id", "N"),),
    )

    assert facts_of(description) == {
        "name": "t",
        "status": "ACTIVE",
        "partition_key": "id:N",
        "created": "2023-11-14T22:13:20.123+00:00",
        "id": "an id",
    }
