from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command_line import Directory


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    return Directory(tmp_path / "data")


def test_tags_are_set_listed_and_taken_off(directory: Directory) -> None:
    assert directory.run("tag", "airports", "team=maps", "stage=").exit_code == 0
    assert directory.run("tag", "airports", "stage=a=b").exit_code == 0

    assert json.loads(directory.run("tags", "airports", "--json").stdout) == {"team": "maps", "stage": "a=b"}
    assert directory.run("tags", "airports").stdout.splitlines()[2:] == ["stage  a=b", "team   maps"]

    assert directory.run("untag", "airports", "team", "nothing").exit_code == 0
    assert json.loads(directory.run("tags", "airports", "--json").stdout) == {"stage": "a=b"}


def test_a_table_without_tags_prints_nothing_for_people(directory: Directory) -> None:
    assert directory.run("tags", "airports").stdout == ""
    assert directory.run("tags", "airports", "--json").stdout == "{}\n"


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("tag", "airports"), "Missing argument 'KEY=VALUE...'"),
        (("tag", "airports", "team"), "give NAME=..., not 'team'"),
        (("tag", "airports", "a=1", "a=2"), "given twice: a"),
        (("untag", "airports"), "Missing argument 'KEY...'"),
    ],
)
def test_a_command_line_that_cannot_be_read_exits_with_two(
    directory: Directory, arguments: tuple[str, ...], fault: str
) -> None:
    result = directory.run(*arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert fault in result.stderr


@pytest.mark.parametrize(
    "arguments", [("tag", "nowhere", "a=b"), ("tags", "nowhere"), ("tag", "airports", f"{'k' * 129}=v")]
)
def test_what_the_database_refuses_exits_with_one(directory: Directory, arguments: tuple[str, ...]) -> None:
    result = directory.run(*arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("kvdb: ")
