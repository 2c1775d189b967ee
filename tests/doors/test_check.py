"""A check of the whole database, asked for through every door."""

from __future__ import annotations

from pathlib import Path

import pytest

import kvdb
from kvdb.api.admin import CheckDescription
from tests.conftest import DOORS, client_of
from tests.support.served import in_memory_options, served


@pytest.mark.parametrize("door", [door for door in DOORS if door != "http"])
def test_a_sound_database_is_clean(door: str) -> None:
    with client_of(door) as client:
        client.create_table("log", key=("id", "N")).put({"id": 1})
        told: list[CheckDescription] = []
        found = client.check(deep=True, on_progress=told.append)
        assert (found.status, found.is_deep, found.damaged, found.findings) == ("CLEAN", True, 0, ())
        assert all(each.check_id == found.check_id for each in told)
        again = client.check()
        assert (again.status, again.check_id) == ("CLEAN", found.check_id + 1)


def test_a_server_tells_which_file_is_damaged_and_goes_on(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with kvdb.open(str(data)) as db:
        db.create_table("log", key=("id", "N")).put({"id": 1, "text": "x" * 5_000})
    # Opening it again brings what the log held into an sstable.
    with served(in_memory_options(data_dir=str(data))) as address, kvdb.connect(f"grpc://{address}") as db:
        path = next(data.glob("*.sst"))
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        found = db.check()
        assert found.status == "DAMAGED"
        assert {finding.file for finding in found.findings} == {path.name}
        assert found.damaged == len(found.findings) > 0
        db.table("log").put({"id": 2})
        assert db.table("log").get({"id": 2}) == {"id": 2}
