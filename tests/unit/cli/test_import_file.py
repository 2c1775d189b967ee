from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command_line import Directory


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    return Directory(tmp_path / "data")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def lines(count: int) -> str:
    return "".join(json.dumps({"country": "IS", "icao": f"A{n:03}"}) + "\n" for n in range(count))


def test_a_csv_file_is_imported_with_the_types_given(directory: Directory, folder: Path) -> None:
    file = write(folder / "a.csv", "country,icao,lat\nIS,BIKF,63.985\nIS,BIRK,\n")

    result = directory.run("import", file, "--table", "airports", "--types", "lat:N")

    assert result.exit_code == 0
    assert directory.items() == [
        {"country": "IS", "icao": "BIKF", "lat": "63.985"},
        {"country": "IS", "icao": "BIRK"},
    ]


def test_key_attributes_of_a_csv_file_have_the_types_of_the_table(directory: Directory, folder: Path) -> None:
    directory.run("table", "create", "readings", "--key", "sensor:S", "--sort", "at:N")
    file = write(folder / "a.csv", "sensor,at\nroof,12\n")

    assert directory.run("import", file, "--table", "readings").exit_code == 0
    assert directory.items("scan", "readings") == [{"sensor": "roof", "at": 12}]


def test_json_lines_are_imported_in_batches(directory: Directory, folder: Path) -> None:
    result = directory.run("import", write(folder / "a.jsonl", lines(60)), "--table", "airports")

    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr.startswith("imported 60 items in ")
    assert len(directory.items()) == 60


def test_standard_input_needs_a_format(directory: Directory) -> None:
    data = b'{"Item": {"country": {"S": "IS"}, "icao": {"S": "BIKF"}}}\n'

    assert directory.run("import", "-", "--table", "airports", stdin=data).exit_code == 2
    result = directory.run("import", "-", "--table", "airports", "--format", "dynamodb-json", stdin=data)

    assert result.exit_code == 0
    assert directory.items() == [{"country": "IS", "icao": "BIKF"}]


def test_an_item_that_is_there_is_replaced(directory: Directory, folder: Path) -> None:
    directory.put({"country": "IS", "icao": "A000", "old": True})

    directory.run("import", write(folder / "a.jsonl", lines(1)), "--table", "airports")

    assert directory.items() == [{"country": "IS", "icao": "A000"}]


def test_one_key_twice_in_a_batch_keeps_the_later_item(directory: Directory, folder: Path) -> None:
    twice = '{"country": "IS", "icao": "A", "n": 1}\n{"country": "IS", "icao": "A", "n": 2}\n'

    result = directory.run("import", write(folder / "a.jsonl", twice), "--table", "airports")

    assert result.exit_code == 0
    assert directory.items() == [{"country": "IS", "icao": "A", "n": 2}]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("nonsense", "line 31: not JSON: Expecting value at character 1"),
        (
            '{"country": "IS"}',
            "line 31: One or more parameter values were invalid: Missing the key icao in the item",
        ),
    ],
)
def test_a_bad_line_ends_the_import_by_its_number_after_what_stands_before_it(
    directory: Directory, folder: Path, line: str, fault: str
) -> None:
    text = lines(60).splitlines()
    file = write(folder / "a.jsonl", "\n".join([*text[:30], line, *text[30:]]))

    result = directory.run("import", file, "--table", "airports")

    assert result.exit_code == 2
    assert fault in result.stderr
    assert "imported 30 items" in result.stderr
    assert [item["icao"] for item in directory.items() if isinstance(item, dict)] == [
        f"A{n:03}" for n in range(30)
    ]


def test_bad_lines_are_counted_when_they_are_to_be_skipped(directory: Directory, folder: Path) -> None:
    file = write(folder / "a.jsonl", lines(3) + "nonsense\n" + '{"country": "IS"}\n' + lines(40))

    result = directory.run("import", file, "--table", "airports", "--skip-bad")

    assert result.exit_code == 0
    assert "line 4: not JSON" in result.stderr
    assert "line 5: One or more parameter values were invalid" in result.stderr
    assert "imported 43 items" in result.stderr
    assert "2 bad lines skipped" in result.stderr
    assert len(directory.items()) == 40


def test_only_so_many_bad_lines_are_named(directory: Directory, folder: Path) -> None:
    result = directory.run(
        "import", write(folder / "a.jsonl", "x\n" * 50), "--table", "airports", "--skip-bad"
    )

    assert result.stderr.count("not JSON") == 20
    assert "50 bad lines skipped" in result.stderr


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "line 1: the first line must name every column"),
        ("country,icao,country\n", "line 1: two columns"),
    ],
)
def test_a_csv_file_without_a_usable_header_is_refused(
    directory: Directory, folder: Path, text: str, fault: str
) -> None:
    result = directory.run("import", write(folder / "a.csv", text), "--table", "airports")

    assert result.exit_code == 2
    assert fault in result.stderr


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("nowhere.csv",), "No such file"),
        (("a.txt",), "cannot tell the format"),
        (("a.jsonl", "--types", "a:N"), "--types is for CSV only"),
        (("a.csv", "--types", "a"), "give NAME:TYPE"),
        (("a.csv", "--types", "a:SS"), "give NAME:TYPE"),
        (("a.csv", "--types", "a:N,a:S"), "each name once"),
        (("a.csv", "--types", "b:N"), "no such column: b"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused(
    directory: Directory,
    folder: Path,
    arguments: tuple[str, ...],
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    for name in ("a.txt", "a.jsonl"):
        write(folder / name, "")
    write(folder / "a.csv", "country,icao,a\n")

    result = directory.run("import", *arguments, "--table", "airports")

    assert result.exit_code == 2
    assert fault in result.stderr


def test_a_table_that_is_not_there_is_refused(directory: Directory, folder: Path) -> None:
    result = directory.run("import", write(folder / "a.jsonl", lines(1)), "--table", "nowhere")

    assert result.exit_code == 1
    assert "ResourceNotFoundException" in result.stderr
