"""Kill a real server while it backs up and restores: started again, it ends what it had begun."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

import kvdb
from kvdb import PutRequest
from tests.support.server_process import ServerProcess

ITEMS = 4_000
ROUNDS = 3


def filled(db: kvdb.Client) -> None:
    db.create_table("airports", key=("icao", "S"))
    for first in range(0, ITEMS, 200):
        numbers = range(first, first + 200)
        db.batch_write(
            {"airports": [PutRequest({"icao": f"{number:05}", "text": "x" * 200}) for number in numbers]}
        )


@pytest.mark.parametrize("in_place", [False, True])
def test_backups_and_restores_outlive_their_servers(in_place: bool, tmp_path: Path) -> None:
    chance = random.Random(7)
    data, arguments = tmp_path / "data", ("--backup-store", str(tmp_path / "store"))
    with ServerProcess(data, *arguments) as server, kvdb.connect(server.target) as db:
        filled(db)
        whole = db.create_backup("whole", "airports")
    for number in range(ROUNDS):
        target = "airports" if in_place else f"again-{number}"
        with ServerProcess(data, *arguments) as server, kvdb.connect(server.target) as db:
            db.table("airports").put({"icao": f"later-{number}"})
            backup = db.create_backup(f"round-{number}", "airports", wait=False)
            restore = db.begin_restore_table(whole, target, in_place=in_place)
            time.sleep(chance.random() * 0.25)
            server.kill()
        with ServerProcess(data, *arguments) as server, kvdb.connect(server.target) as db:
            assert db.wait_for_job(restore).status == "COMPLETED"
            assert db.wait_for_job(backup).status == "COMPLETED"
            found = sorted(item["icao"] for item in db.table(target).scan())
            assert found == [f"{each:05}" for each in range(ITEMS)]
            if in_place:
                db.roll_back_restore(target)
            assert sum(1 for _ in db.table("airports").scan()) == ITEMS + number + 1
            assert db.backup(backup).backup_details.backup_status == "AVAILABLE"
    made = [each.name for each in (tmp_path / "data").iterdir() if each.name.startswith("restoring-")]
    assert made == []
