"""The ``kvdb`` command as people run it: real processes, over gRPC and on a directory."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

KVDB = [sys.executable, "-m", "kvdb"]
WAIT_SECONDS = 60


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("KVDB_ENDPOINT", "COLUMNS")}
    return {**kept, **more}


class Server:
    """``kvdb serve`` on a directory and a port of its own choice."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.process = subprocess.Popen(
            [*KVDB, "serve", "--data-dir", str(directory), "--grpc", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], WAIT_SECONDS)
        assert readable, "no ready line"
        self.ready_line = self.process.stdout.readline()
        self.endpoint = "grpc://" + self.ready_line.strip().partition("grpc=")[2]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Exit code, what else came on standard output, and standard error."""
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=WAIT_SECONDS)
        return self.process.returncode, output, errors

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "served")
    yield running
    running.close()


def kvdb(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*KVDB, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        env=environment(),
        check=False,
    )


def test_serve_says_one_line_when_it_is_ready_and_exits_with_zero_when_asked(server: Server) -> None:
    assert server.ready_line.startswith("kvdb ready grpc=127.0.0.1:")
    assert int(server.ready_line.rpartition(":")[2]) > 0

    code, output, errors = server.stop()

    assert (code, output) == (0, "")
    assert "Traceback" not in errors


def test_serve_ends_on_ctrl_c_too(server: Server) -> None:
    assert server.stop(signal.SIGINT)[:2] == (0, "")


def test_a_second_server_on_the_directory_is_refused_by_name_and_the_first_goes_on(server: Server) -> None:
    second = kvdb("serve", "--data-dir", str(server.directory), "--grpc", "127.0.0.1:0")

    assert (second.returncode, second.stdout) == (6, "")
    assert second.stderr.startswith("kvdb: DatabaseLocked: ")
    assert str(server.directory) in second.stderr
    assert kvdb("table", "list", "--endpoint", server.endpoint).returncode == 0


def test_a_command_on_the_directory_of_a_server_is_refused_too(server: Server) -> None:
    assert kvdb("table", "list", "--data-dir", str(server.directory)).returncode == 6


def test_an_address_that_is_taken_is_refused_by_name(server: Server, tmp_path: Path) -> None:
    address = server.endpoint.removeprefix("grpc://")

    second = kvdb("serve", "--data-dir", str(tmp_path / "other"), "--grpc", address)

    assert (second.returncode, second.stdout) == (1, "")
    assert address in second.stderr
    assert "Traceback" not in second.stderr


def test_what_is_written_through_one_server_is_read_through_the_next(tmp_path: Path) -> None:
    first = Server(tmp_path / "data")
    try:
        kvdb("table", "create", "people", "--key", "name:S", "--endpoint", first.endpoint)
        kvdb("put", "people", '{"name": "Ada"}', "--endpoint", first.endpoint)
    finally:
        first.stop()

    result = kvdb("scan", "people", "--json", "--data-dir", str(tmp_path / "data"))

    assert result.stdout == '{"name": "Ada"}\n'


STORY: list[tuple[list[str], str]] = [
    (["table", "create", "airports", "--key", "country:S", "--sort", "icao:S"], ""),
    (
        ["import", "-", "--format", "csv", "--table", "airports", "--types", "m:N"],
        "country,icao,m\nIS,B,9\nIS,A,1.5\n",
    ),
    (
        ["put", "airports", '{"country": "IS", "icao": "C", "b": {"$bytes": "AA=="}, "s": {"$set": [2, 1]}}'],
        "",
    ),
    (["put", "airports", '{"country": "IS", "icao": "C"}', "--condition", "attribute_not_exists(icao)"], ""),
    (["get", "airports", '{"country": "IS", "icao": "C"}', "--json"], ""),
    (["get", "airports", '{"country": "IS", "icao": "Z"}'], ""),
    (["query", "airports", "--key-condition", "country = :c", "--values", '{":c": "IS"}'], ""),
    (["query", "airports", "--key-condition", "country = :c", "--values", '{":c": 1}'], ""),
    (["scan", "airports", "--json", "--filter", "m > :m", "--values", '{":m": 1}'], ""),
    (["delete", "airports", '{"country": "IS", "icao": "A"}', "--return-old"], ""),
    (["put", "airports", '{"country": "IS", "icao": "big", "x": "' + "x" * 100_000 + '"}'], ""),
    (["scan", "airports"], ""),
    (["scan", "nowhere"], ""),
    (["table", "list"], ""),
    (["table", "delete", "airports"], ""),
    (["table", "list", "--json"], ""),
]


def test_every_command_does_the_same_on_a_directory_and_over_grpc(server: Server, tmp_path: Path) -> None:
    def told(*target: str) -> list[tuple[int, str, str]]:
        results = [kvdb(*arguments, *target, stdin=stdin) for arguments, stdin in STORY]
        # Times and ids differ from run to run.
        return [
            (
                result.returncode,
                "" if "create" in arguments else result.stdout,
                result.stderr.partition(" in ")[0],
            )
            for result, (arguments, _) in zip(results, STORY, strict=True)
        ]

    on_directory = told("--data-dir", str(tmp_path / "own"))

    assert told("--endpoint", server.endpoint) == on_directory
    assert [code for code, _, _ in on_directory] == [0, 0, 0, 4, 0, 3, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0]


def test_a_reader_that_goes_away_ends_the_output_quietly(tmp_path: Path) -> None:
    target = ("--data-dir", str(tmp_path / "data"))
    kvdb("table", "create", "numbers", "--key", "n:N", *target)
    rows = "".join(json.dumps({"n": n, "text": "x" * 200}) + "\n" for n in range(2000))
    kvdb("import", "-", "--format", "jsonl", "--table", "numbers", *target, stdin=rows)

    scan = subprocess.Popen(
        [*KVDB, "scan", "numbers", "--json", *target],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert scan.stdout is not None
    assert scan.stderr is not None
    with scan.stdout, scan.stderr:
        scan.stdout.readline()
        scan.stdout.close()
        assert scan.stderr.read() == b""
    scan.wait(timeout=WAIT_SECONDS)


HEEDING = (
    *(sys.executable, "-c"),
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
    "os.execv(sys.argv[1], sys.argv[1:])",
)
"""Runs what follows so that it heeds SIGINT: a shell has what it runs in the background ignore it. Not by a
function between fork and exec: there gRPC, where this process has used it, may write to standard error."""


def test_ctrl_c_ends_an_import_with_130_and_says_how_far_it_got(tmp_path: Path) -> None:
    target = ("--data-dir", str(tmp_path / "data"))
    kvdb("table", "create", "numbers", "--key", "n:N", *target)
    importing = subprocess.Popen(
        [*HEEDING, *KVDB, "import", "-", "--format", "jsonl", "--table", "numbers", *target, "--skip-bad"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert importing.stdin is not None
    assert importing.stderr is not None
    importing.stdin.write("".join(f'{{"n": {n}}}\n' for n in range(25)) + "nonsense\n")
    importing.stdin.flush()
    # The complaint about the bad line says that the batch before it is done.
    assert importing.stderr.readline().startswith("<stdin>: line 26: ")

    importing.send_signal(signal.SIGINT)
    _, errors = importing.communicate(timeout=WAIT_SECONDS)

    assert importing.returncode == 130
    assert errors.startswith("imported 25 items in ")
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    "arguments", [["serve", "--data-dir", "unused"], ["table", "list", "--endpoint", "grpc://localhost:1"]]
)
def test_without_grpc_the_command_says_what_to_install(arguments: list[str], tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['grpc'] = None; from kvdb.cli.main import main; "
        f"main({arguments!r}, prog_name='kvdb')"
    )

    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        env=environment(PYTHONPATH=os.pathsep.join(path for path in sys.path if path)),
        cwd=tmp_path,
        check=False,
    )

    assert result.returncode == 2
    assert "pip install 'kvdb[" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_version_is_that_of_the_package() -> None:
    assert kvdb("--version").stdout == "kvdb, version 0.1.0\n"
