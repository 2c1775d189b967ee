"""The ``kvdb`` command in this process, on a database directory."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from kvdb.cli.main import main


def run(
    *arguments: str, stdin: bytes | None = None, environment: dict[str, str | None] | None = None
) -> Result:
    """One command, with nothing from the caller's environment that it reads."""
    quiet: dict[str, str | None] = {"KVDB_ENDPOINT": None, "COLUMNS": None}
    return CliRunner(env={**quiet, **(environment or {})}).invoke(main, arguments, input=stdin)


class Directory:
    """Commands that all have the same ``--data-dir``, with table ``airports`` made."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.run("table", "create", "airports", "--key", "country:S", "--sort", "icao:S")

    def run(self, *arguments: str, stdin: bytes | None = None) -> Result:
        return run(*arguments, "--data-dir", self.path, stdin=stdin)

    def put(self, *items: dict[str, object]) -> None:
        for item in items:
            assert self.run("put", "airports", json.dumps(item)).exit_code == 0

    def items(self, *arguments: str) -> list[object]:
        """What a scan or query prints as JSON; numbers as texts, so that none is rounded."""
        result = self.run(*(arguments or ("scan", "airports")), "--json")
        assert result.exit_code == 0, result.output
        return [json.loads(line, parse_float=str) for line in result.stdout.splitlines()]
