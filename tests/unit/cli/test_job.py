from __future__ import annotations

import json
from pathlib import Path

import pytest

from kvdb.options import DatabaseOptions
from tests.support.command_line import run
from tests.support.served import in_memory_options, served


def test_jobs_are_listed_and_described(tmp_path: Path) -> None:
    options = in_memory_options(database=DatabaseOptions(backup_store=str(tmp_path / "store")))
    with served(options) as address:
        endpoint = ("--endpoint", f"grpc://{address}")
        run("table", "create", "airports", "--key", "icao:S", *endpoint)
        made = run("backup", "create", "--table", "airports", *endpoint, "--json")
        backup_id = json.loads(made.stdout)["backup"]
        (line,) = run("job", "list", *endpoint, "--json").stdout.splitlines()
        facts = json.loads(line)
        assert (facts["job"], facts["kind"], facts["status"]) == (backup_id, "backup", "COMPLETED")
        assert facts["resource"] == "table/airports"
        assert run("job", "list", "--kind", "restore", *endpoint, "--json").stdout == ""
        described = json.loads(run("job", "describe", backup_id, *endpoint, "--json").stdout)
        assert described["ended"] >= described["started"]
        over = run("job", "cancel", backup_id, *endpoint)
        assert over.exit_code == 1 and "job is over already" in over.stderr


def test_why_a_job_failed_is_shown(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("in the way")
    options = in_memory_options(database=DatabaseOptions(backup_store=str(tmp_path / "store")))
    with served(options) as address:
        endpoint = ("--endpoint", f"grpc://{address}")
        refused = run("backup", "create", *endpoint)
        assert refused.exit_code == 6 and "backup store refuses" in refused.stderr
        (line,) = run("job", "list", *endpoint, "--json").stdout.splitlines()
        job_id = json.loads(line)["job"]
        shown = run("job", "describe", job_id, *endpoint).stdout
        assert "FAILED" in shown and "BackupStoreError: backup store refuses" in shown


@pytest.mark.parametrize("command", ["describe", "cancel"])
def test_a_job_that_is_not_there_is_named(command: str) -> None:
    with served() as address:
        result = run("job", command, "01700000000000-0123abcd", "--endpoint", f"grpc://{address}")
    assert result.exit_code == 1
    assert "Job not found: 01700000000000-0123abcd" in result.stderr
