from __future__ import annotations

import errno
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

import kvdb
from kvdb.cli import table
from kvdb.cli.exits import Exit
from kvdb.cli.main import main
from tests.support.command_line import run

README = Path(__file__).resolve().parents[3] / "README.md"


def test_help_and_readme_explain_every_exit_code() -> None:
    codes = [str(int(code)) for code in Exit]

    assert re.findall(r"^ +(\d+) +\S", run("--help").stdout, re.MULTILINE) == codes
    assert re.findall(r"^\| (\d+) \|", README.read_text(encoding="utf-8"), re.MULTILINE) == codes


@pytest.mark.parametrize("command", main.list_commands(click.Context(main)))
def test_every_command_explains_itself(command: str) -> None:
    result = run(command, "--help")

    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: main {command}")


def test_an_unknown_command_is_a_usage_error() -> None:
    result = run("frobnicate")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "No such command 'frobnicate'" in result.stderr


def test_ctrl_c_exits_with_130_and_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(endpoint: str | None, data_dir: str | None) -> kvdb.Client:
        raise KeyboardInterrupt

    monkeypatch.setattr(table, "open_target", interrupted)

    result = run("table", "list")

    assert (result.exit_code, result.output) == (130, "")


def test_a_mistake_of_ours_is_told_from_one_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(endpoint: str | None, data_dir: str | None) -> kvdb.Client:
        raise kvdb.InternalError("request id 7")

    monkeypatch.setattr(table, "open_target", broken)

    result = run("table", "list")

    assert (result.exit_code, result.stderr) == (70, "kvdb: InternalServerError: request id 7\n")


def test_an_error_of_the_system_is_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(endpoint: str | None, data_dir: str | None) -> kvdb.Client:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(table, "open_target", full)

    result = run("table", "list")

    assert (result.exit_code, result.stderr) == (6, "kvdb: [Errno 28] No space left on device\n")


def test_a_command_loads_only_what_it_needs() -> None:
    program = (
        "import sys; from kvdb.cli.main import main; main(['serve', '--help'], standalone_mode=False); "
        "print(*sorted({'kvdb.client', 'kvdb.public', 'tabulate', 'grpc'} & sys.modules.keys()))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.endswith("\n\n"), done.stdout
