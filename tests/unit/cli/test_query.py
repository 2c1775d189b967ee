from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command_line import Directory

KEFLAVIK: dict[str, object] = {"country": "IS", "icao": "BIKF", "elevation": 171}
REYKJAVIK: dict[str, object] = {"country": "IS", "icao": "BIRK", "elevation": 48}


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    return Directory(tmp_path / "data")


def test_query_prints_one_partition_in_order(directory: Directory) -> None:
    directory.put(REYKJAVIK, KEFLAVIK, {"country": "PE", "icao": "SPJC"})

    arguments = ("query", "airports", "--key-condition", "country = :c", "--values", '{":c": "IS"}')

    assert directory.items(*arguments) == [KEFLAVIK, REYKJAVIK]
    assert directory.items(*arguments, "--reverse") == [REYKJAVIK, KEFLAVIK]
    assert directory.items(*arguments, "--limit", "1") == [KEFLAVIK]
    assert directory.items(*arguments, "--page-size", "1", "--consistent") == [KEFLAVIK, REYKJAVIK]


def test_query_takes_filter_and_projection(directory: Directory) -> None:
    directory.put(REYKJAVIK, KEFLAVIK)

    found = directory.items(
        *("query", "airports", "--key-condition", "country = :c", "--filter", "elevation > :e"),
        *("--projection", "icao", "--values", '{":c": "IS", ":e": 100}'),
    )

    assert found == [{"icao": "BIKF"}]


def test_scan_prints_a_table_and_counts_on_standard_error(directory: Directory) -> None:
    directory.put(KEFLAVIK)

    result = directory.run("scan", "airports")

    assert result.stdout.splitlines() == [
        "country    icao      elevation",
        "---------  ------  -----------",
        "IS         BIKF            171",
    ]
    assert result.stderr == "1 item\n"


def test_scan_takes_filter_and_limit(directory: Directory) -> None:
    directory.put(KEFLAVIK, REYKJAVIK)

    assert directory.items("scan", "airports", "--filter", "elevation < :e", "--values", '{":e": 100}') == [
        REYKJAVIK
    ]
    assert len(directory.items("scan", "airports", "--limit", "1")) == 1


def test_nothing_found_prints_nothing(directory: Directory) -> None:
    result = directory.run("scan", "airports")

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "0 items\n")


def test_both_read_an_index(directory: Directory) -> None:
    directory.put(KEFLAVIK, REYKJAVIK)
    directory.run("table", "update", "airports", "--global-index", "by-height=elevation:N/icao:S")
    of_height = ("--index", "by-height", "--key-condition", "elevation = :e", "--values", '{":e": 48}')

    assert directory.items("query", "airports", *of_height) == [REYKJAVIK]
    assert len(directory.items("scan", "airports", "--index", "by-height")) == 2


def test_count_prints_how_many_there_are(directory: Directory) -> None:
    directory.put(KEFLAVIK, REYKJAVIK)
    iceland = ("query", "airports", "--key-condition", "country = :c", "--values", '{":c": "IS"}', "--count")

    assert directory.run(*iceland).stdout == "2\n"
    assert directory.run("scan", "airports", "--count", "--json").stdout == '{"count": 2}\n'


def test_segments_are_slices_of_the_whole(directory: Directory) -> None:
    directory.put(*({"country": f"C{n}", "icao": "X"} for n in range(9)))

    slices = [
        directory.items("scan", "airports", "--segment", str(n), "--total-segments", "3") for n in range(3)
    ]

    assert sum(map(len, slices)) == 9
    assert max(map(len, slices)) < 9


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("scan", "airports", "--limit", "0"), "0 is not in the range"),
        (("query", "airports"), "Missing option '--key-condition'"),
        (("scan", "airports", "--as-of", "soon"), "give a seqno, or a time with its zone"),
        (("scan", "airports", "--count", "--limit", "1"), "--count takes no"),
        (("scan", "airports", "--count", "--segment", "0", "--total-segments", "2"), "not a slice of it"),
        (("query", "airports", "--key-condition", "a", "--count", "--projection", "a"), "--count takes no"),
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
        ("query", "airports", "--key-condition", "country ="),
        ("query", "airports", "--key-condition", "country = :c", "--values", '{":c": "IS", ":d": 1}'),
        ("scan", "airports", "--filter", "elevation > :missing"),
        ("scan", "airports", "--index", "nothing"),
        ("scan", "airports", "--segment", "1"),
    ],
)
def test_a_request_that_the_database_refuses_exits_with_one(
    directory: Directory, arguments: tuple[str, ...]
) -> None:
    result = directory.run(*arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("kvdb: ")
    assert result.stderr.count("\n") == 1
