"""Every Python block of the README runs, and every ``kvdb`` command line in it does what it says."""

from __future__ import annotations

import re
import select
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
KVDB = [sys.executable, "-m", "kvdb"]
ADDRESS = "localhost:7400"
HTTP_ADDRESS = "localhost:8000"
WAIT_SECONDS = 60


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def _whole(block: str) -> list[str]:
    """Its lines, with those that go on in the next one put together."""
    return block.replace("\\\n", " ").splitlines()


@pytest.fixture
def addresses(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Where the doors of a fresh server listen."""
    command = [*KVDB, "serve", "--data-dir", str(tmp_path / "served")]
    command += ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            readable, _, _ = select.select([server.stdout], [], [], WAIT_SECONDS)
            assert readable
            line = server.stdout.readline().removeprefix("kvdb ready ")
            yield dict(part.split("=") for part in line.split())
        finally:
            server.kill()


def run(command: list[str], directory: Path) -> None:
    done = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, timeout=WAIT_SECONDS, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def test_the_readme_has_examples() -> None:
    assert len(blocks("python")) >= 4
    assert len(blocks("sh")) >= 4


def test_every_python_block_runs(addresses: dict[str, str], tmp_path: Path) -> None:
    # In order and in one directory, as a reader would try them.
    for block in blocks("python"):
        block = block.replace(ADDRESS, addresses["grpc"]).replace(HTTP_ADDRESS, addresses["http"])
        run([sys.executable, "-c", block], tmp_path)


def test_every_kvdb_command_line_runs(addresses: dict[str, str], tmp_path: Path) -> None:
    lines = [line for block in blocks("sh") for line in _whole(block) if line.startswith("kvdb ")]
    commands = [shlex.split(line, comments=True)[1:] for line in lines if not line.startswith("kvdb serve")]

    assert {command[0] for command in commands} >= {"table", "put", "get", "query", "scan", "delete"}
    for command in commands:
        run([*KVDB, *command, "--endpoint", f"grpc://{addresses['grpc']}"], tmp_path)


def test_every_make_target_in_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    for target in re.findall(r"^make ([a-z-]+)", "\n".join(blocks("sh")), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_path_in_the_readme_exists() -> None:
    linked = re.findall(r"\]\(([^)#:]+)\)", README)
    modules = re.findall(r"^\| [^|]+ \| `([a-z_]+/[a-z_/]+)` \|$", README, re.MULTILINE)

    assert linked
    assert modules
    assert [path for path in linked if not (ROOT / path).exists()] == []
    assert [path for path in modules if not (ROOT / "kvdb" / f"{path}.py").exists()] == []
