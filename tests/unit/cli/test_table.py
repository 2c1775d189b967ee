from __future__ import annotations

import json
from pathlib import Path

import pytest

import kvdb
from kvdb.api.tables import AttributeDefinition, KeySchemaElement, TableDescription
from kvdb.cli.table import facts_of
from kvdb.options import ArchiveOptions, DatabaseOptions
from tests.support.command_line import Directory, run
from tests.support.served import in_memory_options, served


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
        table_arn="an arn",
        item_count=3,
        table_size_bytes=99,
    )

    assert facts_of(description) == {
        "name": "t",
        "status": "ACTIVE",
        "partition_key": "id:N",
        "items": 3,
        "bytes": 99,
        "billing": "provisioned:0/0",
        "created": "2023-11-14T22:13:20.123+00:00",
        "id": "an id",
        "arn": "an arn",
    }


def test_create_takes_everything_a_table_can_have(directory: Directory) -> None:
    result = directory.run(
        *("table", "create", "all", "--key", "country:S", "--sort", "icao:S"),
        *("--local-index", "by-height=elevation:N", "--global-index", "by-city=city:S,state:S/name:S"),
        *("--unique-index", "by-code=iata:S", "--project", "by-city=KEYS_ONLY", "--project", "by-height=a,b"),
        *("--billing", "provisioned:100/50", "--index-billing", "by-city=provisioned:5/6"),
        *("--index-billing", "by-code=provisioned:7/8"),
        *("--ttl", "gone_at", "--tag", "team=maps", "--tag", "a=", "--deletion-protection", "--json"),
    )

    made = json.loads(result.stdout)
    assert (made["billing"], made["ttl"], made["deletion_protection"]) == (
        "provisioned:100/50",
        "gone_at",
        True,
    )
    described = {index["index"]: index for index in made["indexes"]}
    assert {name: index["kind"] for name, index in described.items()} == {
        "by-height": "local",
        "by-city": "global",
        "by-code": "unique",
    }
    assert described["by-height"]["projection"] == "a, b"
    assert described["by-city"]["projection"] == "KEYS_ONLY"
    assert (described["by-city"]["partition_key"], described["by-city"]["sort_key"]) == (
        "city:S, state:S",
        "name:S",
    )
    assert "sort_key" not in described["by-code"]
    tags = directory.run("tags", "all", "--json")
    assert json.loads(tags.stdout) == {"team": "maps", "a": ""}


def test_people_read_the_indexes_as_a_table_of_their_own(directory: Directory) -> None:
    directory.run("table", "update", "airports", "--global-index", "by-city=city:S/name:S")

    lines = directory.run("table", "describe", "airports").stdout.splitlines()

    assert lines[-4:] == [
        "",
        "index    kind    status    partition_key    sort_key    projection      items    bytes",
        "-------  ------  --------  ---------------  ----------  ------------  -------  -------",
        "by-city  global  ACTIVE    city:S           name:S      ALL                 0        0",
    ]


def described(directory: Directory) -> dict[str, object]:
    facts: dict[str, object] = json.loads(directory.run("table", "describe", "airports", "--json").stdout)
    return facts


def test_update_changes_what_is_named_and_nothing_else(directory: Directory) -> None:
    before = described(directory)

    assert directory.run("table", "update", "airports", "--billing", "on-demand:/50").exit_code == 0
    assert described(directory) == {**before, "billing": "on-demand:/50"}
    assert directory.run("table", "update", "airports", "--ttl", "gone_at").exit_code == 0
    assert described(directory) == {**before, "billing": "on-demand:/50", "ttl": "gone_at"}


def test_update_drops_an_index(directory: Directory) -> None:
    directory.run("table", "update", "airports", "--global-index", "by-city=city:S")

    assert directory.run("table", "update", "airports", "--drop-index", "by-city").exit_code == 0
    assert "indexes" not in described(directory)


def test_deletion_protection_is_switched_on_and_off(directory: Directory) -> None:
    directory.run("table", "update", "airports", "--deletion-protection")
    assert directory.run("table", "delete", "airports").exit_code == 1

    directory.run("table", "update", "airports", "--no-deletion-protection")
    assert directory.run("table", "delete", "airports").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ((), "what should change?"),
        (("--ttl", "a", "--no-ttl"), "give --ttl or --no-ttl, not both"),
        (("--project", "by-city=KEYS_ONLY"), "--project names an index that is not made here: by-city"),
        (("--billing", "cheap"), "give on-demand, on-demand:READS/WRITES or provisioned:READS/WRITES"),
    ],
)
def test_an_update_that_cannot_be_read_is_a_usage_error(
    directory: Directory, arguments: tuple[str, ...], fault: str
) -> None:
    result = directory.run("table", "update", "airports", *arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert fault in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--drop-index", "nothing"),
        ("--no-ttl",),
        ("--index-billing", "nothing=provisioned:1/1"),
        ("--global-index", "a=b:S", "--global-index", "c=d:S"),
    ],
)
def test_an_update_that_the_database_refuses_exits_with_one(
    directory: Directory, arguments: tuple[str, ...]
) -> None:
    result = directory.run("table", "update", "airports", *arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("kvdb: ")
    assert result.stderr.count("\n") == 1


def test_recovery_to_a_point_is_switched_on_and_off(tmp_path: Path) -> None:
    archive = ArchiveOptions(str(tmp_path / "archive"))
    options = in_memory_options(data_dir=str(tmp_path / "data"), database=DatabaseOptions(archive=archive))
    with served(options) as address, kvdb.connect(f"grpc://{address}") as db:
        where = ("--endpoint", f"grpc://{address}")

        def status() -> str:
            return db.table("log").continuous_backups().point_in_time_recovery_status

        made = run("table", "create", "log", "--key", "id:N", "--point-in-time-recovery", "on", *where)
        assert (made.exit_code, status()) == (0, "ENABLED")
        for wanted, expected in (("off", "DISABLED"), ("on", "ENABLED")):
            changed = run("table", "update", "log", "--point-in-time-recovery", wanted, *where)
            assert (changed.exit_code, status()) == (0, expected)


def test_recovery_to_a_point_needs_an_archive(directory: Directory) -> None:
    result = directory.run("table", "update", "airports", "--point-in-time-recovery", "on")
    assert result.exit_code == 1
    assert "archive" in result.stderr
