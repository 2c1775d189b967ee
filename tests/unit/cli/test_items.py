from __future__ import annotations

import json
from pathlib import Path

import pytest

from kvdb.options import DatabaseOptions, EngineOptions
from tests.support.command_line import Directory, run
from tests.support.served import in_memory_options, served

KEFLAVIK: dict[str, object] = {"country": "IS", "icao": "BIKF", "elevation": 171}
KEY = '{"country": "IS", "icao": "BIKF"}'


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    return Directory(tmp_path / "data")


def test_put_is_silent_and_get_prints_the_item(directory: Directory) -> None:
    put = directory.run("put", "airports", json.dumps(KEFLAVIK))

    assert (put.exit_code, put.stdout, put.stderr) == (0, "", "")
    assert directory.run("get", "airports", KEY).stdout == "country    IS\nicao       BIKF\nelevation  171\n"


def test_numbers_bytes_and_sets_come_back_as_they_were_given(directory: Directory) -> None:
    item = (
        '{"b": {"$bytes": "AP8="}, "country": "IS", "icao": "BIKF", "m": {"$map": {"$set": ["x"]}}, '
        '"n": 12345678901234567890.0123456789, "s": {"$set": [1, 2.5]}}'
    )

    directory.run("put", "airports", item)

    assert directory.run("get", "airports", KEY, "--json").stdout == item + "\n"


def test_an_item_may_come_from_standard_input(directory: Directory) -> None:
    directory.run("put", "airports", "-", stdin='{"country": "IS", "icao": "Ö"}'.encode())

    assert directory.items() == [{"country": "IS", "icao": "Ö"}]


def test_get_of_nothing_exits_with_three(directory: Directory) -> None:
    result = directory.run("get", "airports", KEY)

    assert (result.exit_code, result.stdout, result.stderr) == (3, "", "no such item\n")


def test_get_prints_what_the_projection_names(directory: Directory) -> None:
    directory.put(KEFLAVIK)

    result = directory.run(
        "get", "airports", KEY, "--projection", "#e", "--names", '{"#e": "elevation"}', "--json"
    )

    assert result.stdout == '{"elevation": 171}\n'


def test_a_condition_that_does_not_hold_exits_with_four_and_writes_nothing(directory: Directory) -> None:
    directory.put(KEFLAVIK)

    result = directory.run("put", "airports", KEY, "--condition", "attribute_not_exists(icao)")

    assert result.exit_code == 4
    assert result.stderr == "kvdb: ConditionalCheckFailedException: The conditional request failed\n"
    assert directory.items() == [KEFLAVIK]


def test_put_prints_the_replaced_item_when_asked(directory: Directory) -> None:
    directory.put(KEFLAVIK)

    result = directory.run("put", "airports", KEY, "--return-old", "--json")

    assert json.loads(result.stdout) == KEFLAVIK


def test_delete_prints_the_deleted_item_when_asked(directory: Directory) -> None:
    directory.put(KEFLAVIK)

    result = directory.run("delete", "airports", KEY, "--return-old", "--json")

    assert json.loads(result.stdout) == KEFLAVIK
    assert directory.items() == []


def test_delete_takes_a_condition_with_values(directory: Directory) -> None:
    directory.put(KEFLAVIK)
    arguments = ("delete", "airports", KEY, "--condition", "elevation > :e", "--values")

    assert directory.run(*arguments, '{":e": 171}').exit_code == 4
    assert directory.run(*arguments, '{":e": 170.5}').exit_code == 0


def test_update_changes_attributes_and_prints_nothing(directory: Directory) -> None:
    directory.put(KEFLAVIK)

    result = directory.run(
        *("update", "airports", KEY, "SET elevation = elevation + :n REMOVE draft", "--values", '{":n": 0.5}')
    )

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert directory.items() == [{**KEFLAVIK, "elevation": "171.5"}]


@pytest.mark.parametrize(
    ("which", "shown"),
    [
        ("all_old", KEFLAVIK),
        ("ALL_NEW", {**KEFLAVIK, "elevation": 1}),
        ("UPDATED_OLD", {"elevation": 171}),
        ("UPDATED_NEW", {"elevation": 1}),
    ],
)
def test_update_prints_what_return_values_asks_for(
    directory: Directory, which: str, shown: dict[str, object]
) -> None:
    directory.put(KEFLAVIK)

    result = directory.run(
        *("update", "airports", KEY, "SET #e = :e", "--names", '{"#e": "elevation"}'),
        *("--values", '{":e": 1}', "--return-values", which, "--json"),
    )

    assert json.loads(result.stdout) == shown


def test_update_makes_the_item_that_is_not_there(directory: Directory) -> None:
    directory.run("update", "airports", KEY, "SET elevation = :e", "--values", '{":e": 171}')

    assert directory.items() == [KEFLAVIK]


@pytest.mark.parametrize(
    "command",
    [("put", "airports", KEY), ("delete", "airports", KEY), ("update", "airports", KEY, "REMOVE a")],
)
def test_the_stored_item_is_shown_when_a_condition_fails_and_it_was_asked_for(
    directory: Directory, command: tuple[str, ...]
) -> None:
    directory.put(KEFLAVIK)

    result = directory.run(
        *command, "--condition", "attribute_not_exists(icao)", "--return-old-on-failure", "--json"
    )

    assert result.exit_code == 4
    assert json.loads(result.stdout) == KEFLAVIK
    assert directory.items() == [KEFLAVIK]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("put", "airports", "{"), "not JSON: "),
        (("put", "airports", "[1]"), "not a JSON object: '[1]'"),
        (("put", "airports", '{"a": NaN}'), "not a number: NaN"),
        (("put", "airports", '{"a": 1, "a": 2}'), "name given twice: 'a'"),
        (("get", "airports", KEY, "--names", '{"#a": 1}'), "every name must stand for a string"),
        (("update", "airports", KEY), "Missing argument 'UPDATE'"),
        (("update", "airports", KEY, "REMOVE a", "--return-values", "SOME"), "'SOME' is not one of"),
        (("get", "airports", KEY, "--as-of", "yesterday"), "give a seqno, or a time with its zone"),
        (("get", "airports", KEY, "--as-of", "2026-11-29T02:30:00"), "give a seqno, or a time with its zone"),
        (("versions", "airports", KEY, "--limit", "0"), "0 is not in the range"),
    ],
)
def test_a_command_line_that_cannot_be_read_exits_with_two(
    directory: Directory, arguments: tuple[str, ...], fault: str
) -> None:
    result = directory.run(*arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert fault in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("put", "airports", '{"country": "IS"}'),
        ("put", "airports", '{"country": "IS", "icao": 5}'),
        ("get", "airports", '{"country": "IS"}'),
        ("get", "nowhere", KEY),
        ("update", "airports", KEY, "SET"),
        ("update", "airports", KEY, "SET icao = :i", "--values", '{":i": "X"}'),
    ],
)
def test_a_request_that_the_database_refuses_exits_with_one(
    directory: Directory, arguments: tuple[str, ...]
) -> None:
    result = directory.run(*arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("kvdb: ")
    assert result.stderr.count("\n") == 1


def test_the_past_is_listed_and_read(tmp_path: Path) -> None:
    # A directory opened by the command line itself keeps no history; a server may.
    database = DatabaseOptions(engine=EngineOptions(history_retention_ms=3_600_000))
    with served(in_memory_options(database=database)) as address:
        target = ("--endpoint", f"grpc://{address}")
        run("table", "create", "airports", "--key", "country:S", "--sort", "icao:S", *target)
        run("put", "airports", json.dumps(KEFLAVIK), *target)
        run("put", "airports", json.dumps({**KEFLAVIK, "elevation": 172}), *target)
        run("delete", "airports", KEY, *target)

        listed = run("versions", "airports", KEY, "--json", *target)
        versions = [json.loads(line) for line in listed.stdout.splitlines()]
        first = str(versions[-1]["seqno"])

        assert [version["item"] for version in versions] == [None, {**KEFLAVIK, "elevation": 172}, KEFLAVIK]
        assert (
            len(run("versions", "airports", KEY, "--limit", "1", "--json", *target).stdout.splitlines()) == 1
        )
        people = run("versions", "airports", KEY, *target).stdout.splitlines()
        assert people[0].split() == ["(seqno)", "(written)", "(deleted)", "country", "icao", "elevation"]
        assert run("get", "airports", KEY, *target).exit_code == 3
        past = run("get", "airports", KEY, "--as-of", first, "--json", *target)
        assert json.loads(past.stdout) == KEFLAVIK
        scanned = run("scan", "airports", "--as-of", first, "--json", *target)
        assert json.loads(scanned.stdout) == KEFLAVIK
        assert run("scan", "airports", "--snapshot", "--count", *target).stdout == "0\n"
        both = run("scan", "airports", "--snapshot", "--as-of", first, *target)
        assert (both.exit_code, "give as_of or snapshot, not both" in both.stderr) == (1, True)


def test_an_item_that_never_was_has_no_versions(directory: Directory) -> None:
    assert directory.run("versions", "airports", KEY).exit_code == 3
