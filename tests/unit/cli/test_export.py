from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kvdb.options import DatabaseOptions, EngineOptions
from tests.support.command_line import Directory, run
from tests.support.served import in_memory_options
from tests.support.served import served as served_in_thread


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    directory = Directory(tmp_path / "data")
    directory.put(
        {"country": "IS", "icao": "BIKF", "elevation": 171, "tags": {"$set": ["a", "b"]}},
        {"country": "IS", "icao": "BIRK", "note": ""},
        {"country": "NO", "icao": "ENGM", "blob": {"$bytes": "AP8="}},
    )
    return directory


def exported(directory: Directory, *arguments: str) -> dict[str, object]:
    result = directory.run("export", "airports", *arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize("format", ["dynamodb-json", "cbor", "csv"])
def test_a_table_is_exported_and_imported_into_another(
    directory: Directory, tmp_path: Path, format: str
) -> None:
    place = str(tmp_path / "out")
    facts = exported(directory, "--to", place, "--format", format)
    directory.run("table", "create", "again", "--key", "country:S", "--sort", "icao:S")

    for source in (place, str(facts["manifest"])):
        result = directory.run("import", source, "--table", "again")

        assert result.exit_code == 0, result.output
        assert "imported 3 items" in result.stderr
        assert directory.items("scan", "again") == directory.items()
    assert facts["items"] == 3


def test_an_export_may_be_filtered_and_of_the_past(directory: Directory, tmp_path: Path) -> None:
    names_values = ("--values", '{":c": "IS"}', "--filter", "country = :c", "--projection", "icao")
    facts = exported(directory, "--to", str(tmp_path / "out"), *names_values)

    (data,) = (tmp_path / "out").glob("AWSDynamoDB/*/data/*.json.gz")
    lines = gzip.decompress(data.read_bytes()).splitlines()
    assert sorted(lines) == [b'{"Item":{"icao":{"S":"BIKF"}}}', b'{"Item":{"icao":{"S":"BIRK"}}}']
    assert facts["items"] == 2


def test_a_dry_run_writes_nothing(directory: Directory, tmp_path: Path) -> None:
    facts = exported(directory, "--to", str(tmp_path / "out"), "--dry-run")

    assert facts["items"] == 3
    assert not (tmp_path / "out").exists()


def test_a_dry_run_of_an_import_checks_and_writes_nothing(directory: Directory, tmp_path: Path) -> None:
    exported(directory, "--to", str(tmp_path / "out"))
    directory.run("table", "create", "again", "--key", "country:S", "--sort", "icao:S")

    result = directory.run("import", str(tmp_path / "out"), "--table", "again", "--dry-run")

    assert result.exit_code == 0
    assert "checked 3 items" in result.stderr
    assert directory.items("scan", "again") == []


def test_an_export_of_a_table_that_is_not_there_is_refused(directory: Directory, tmp_path: Path) -> None:
    result = directory.run("export", "nothing", "--to", str(tmp_path / "out"))

    assert result.exit_code == 1
    assert not (tmp_path / "out").exists()


def test_a_damaged_export_is_not_imported(directory: Directory, tmp_path: Path) -> None:
    exported(directory, "--to", str(tmp_path / "out"))
    (data,) = (tmp_path / "out").glob("AWSDynamoDB/*/data/*.json.gz")
    data.write_bytes(gzip.compress(b'{"Item":{"country":{"S":"XX"},"icao":{"S":"XXXX"}}}\n'))
    before = directory.items()

    result = directory.run("import", str(tmp_path / "out"), "--table", "airports")

    assert result.exit_code == 6
    assert "checksum" in result.stderr
    assert directory.items() == before


def test_bad_lines_go_to_a_file_when_asked_for(directory: Directory, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"country": "IS", "icao": "A"}\nnonsense\n{"country": "IS"}\n')
    errors = tmp_path / "errors.jsonl"

    result = directory.run(
        *("import", str(file), "--table", "airports", "--skip-bad", "--errors", str(errors))
    )

    assert result.exit_code == 0
    found = [json.loads(line) for line in errors.read_text().splitlines()]
    assert [(entry["source"], entry["line"]) for entry in found] == [("a.jsonl", 2), ("a.jsonl", 3)]
    assert found[0]["reason"].startswith("not JSON")


def test_an_import_that_was_cut_off_goes_on_from_its_checkpoint(
    directory: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kvdb.backup.transfer.load.STEP_RECORDS", 10)
    file = tmp_path / "a.jsonl"
    lines = [json.dumps({"country": "IS", "icao": f"A{n:03}"}) for n in range(60)]
    file.write_text("\n".join([*lines[:45], "nonsense", *lines[45:]]))
    checkpoint = tmp_path / "checkpoint.json"
    arguments = ("import", str(file), "--table", "airports", "--checkpoint", str(checkpoint))

    assert directory.run(*arguments).exit_code == 2
    kept = json.loads(checkpoint.read_text())
    assert (kept["imported"], kept["records_done"]) == (40, 40)
    file.write_text("\n".join(["skipped"] * 40 + lines[40:]))
    result = directory.run(*arguments)

    assert result.exit_code == 0, result.output
    assert "imported 60 items" in result.stderr
    assert "40 of them before" in result.stderr
    assert not checkpoint.exists()


@pytest.mark.parametrize("content", ["", "{}", '{"source": "x", "imported": -1}', '{"source": "other"}'])
def test_a_checkpoint_of_something_else_is_refused(
    directory: Directory, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("")
    checkpoint = tmp_path / "checkpoint.json"
    checkpoint.write_text(content)

    result = directory.run("import", str(file), "--table", "airports", "--checkpoint", str(checkpoint))

    assert result.exit_code == 2
    assert "checkpoint" in result.stderr


def test_compressed_files_of_a_folder_are_imported_together(directory: Directory, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for n in range(3):
        line = json.dumps({"Item": {"country": {"S": "XX"}, "icao": {"S": f"X{n}"}}})
        (folder / f"{n}.json.gz").write_bytes(gzip.compress(line.encode()))

    result = directory.run("import", str(folder), "--table", "airports", "--compression", "gzip")

    assert result.exit_code == 0, result.output
    assert "imported 3 items" in result.stderr


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address of a server with buckets, that keeps an hour of history."""
    options = DatabaseOptions(
        engine=EngineOptions(history_retention_ms=3_600_000),
        export_root=str(tmp_path / "buckets"),
        limits="open",
    )
    with served_in_thread(in_memory_options(database=options)) as address:
        yield f"grpc://{address}"


def test_a_server_exports_to_a_bucket_and_what_changed_since(served: str, tmp_path: Path) -> None:
    server = ("--endpoint", served)
    run("table", "create", "airports", "--key", "country:S", "--sort", "icao:S", *server)
    run("put", "airports", '{"country": "IS", "icao": "BIKF"}', *server)

    result = run("export", "airports", "--bucket", "my-bucket", "--prefix", "a", "--json", *server)

    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert facts["items"] == 1
    assert (tmp_path / "buckets" / facts["manifest"]).exists()
    result = run(
        *("export", "airports", "--bucket", "my-bucket", "--since", "2001-01-01T00:00:00Z", "--json"), *server
    )
    assert result.exit_code == 1
    assert "table creation time" in result.stderr
    result = run("export", "airports", "--bucket", "my-bucket", "--filter", "nonsense", *server)
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ((), "give --to URL or --bucket NAME"),
        (("--to", "x", "--bucket", "bucket"), "give --to URL or --bucket NAME"),
        (("--to", "x", "--prefix", "y"), "--prefix goes with --bucket"),
        (("--bucket", "bucket", "--dry-run"), "go with --to"),
        (("--bucket", "bucket", "--since", "yesterday"), "give a time with its zone"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused(
    directory: Directory, arguments: tuple[str, ...], fault: str
) -> None:
    result = directory.run("export", "airports", *arguments)

    assert result.exit_code == 2
    assert fault in result.stderr


def test_an_import_makes_the_table_when_asked_to(directory: Directory, tmp_path: Path) -> None:
    exported(directory, "--to", str(tmp_path / "out"))

    assert directory.run("import", str(tmp_path / "out"), "--table", "again").exit_code == 1
    for _ in range(2):
        result = directory.run(
            *("import", str(tmp_path / "out"), "--table", "again", "--key", "country:S", "--sort", "icao:S")
        )
        assert result.exit_code == 0, result.output
    assert directory.items("scan", "again") == directory.items()
