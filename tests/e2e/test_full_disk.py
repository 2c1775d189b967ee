"""A real file system of a few megabytes fills up: refusals, deletes, and writing again, unaided."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, sys
import kvdb
place, reserve = sys.argv[1], int(sys.argv[2])
filler = os.path.join(place, "filler")
with open(filler, "wb") as file:
    file.write(bytes(2 << 20))
options = kvdb.DatabaseOptions(
    engine=kvdb.EngineOptions(
        min_free_bytes=reserve, ballast_bytes=256 << 10, memtable_size_bytes=512 << 10, compression="none"
    )
)
with kvdb.open(os.path.join(place, "db"), options=options) as db:
    table = db.create_table("things", key=("id", "S"))
    refused = None
    for written in range(10_000):
        try:
            table.put({"id": f"{written:05d}", "text": f"{written:05d}" * 200})
        except kvdb.DiskFull as error:
            refused = error
            break
    assert refused is not None and refused.retryable
    assert written > 500
    assert table.get({"id": "00000"}) is not None
    table.delete({"id": "00001"})
    os.unlink(filler)
    table.put({"id": "again", "text": "there is room"})
    assert table.get({"id": "again"}) is not None
with kvdb.open(os.path.join(place, "db"), options=options) as db:
    ids = {item["id"] for item in db.table("things").scan()}
    assert ids == {f"{number:05d}" for number in range(written)} - {"00001"} | {"again"}
print("kept", written)
"""


@pytest.mark.parametrize("reserve", [1 << 20, 0])
def test_a_database_on_a_full_disk_refuses_and_goes_on_when_there_is_room(
    tmp_path: Path, reserve: int
) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("this system has no mount namespaces")
    # In a mount namespace of its own: the small disk goes with the process, however that ends.
    place = shlex.quote(str(tmp_path))
    mount = f"mount -t tmpfs -o size=6m tmpfs {place} || exit 99"
    work = shlex.join([sys.executable, "-c", SCRIPT, str(tmp_path), str(reserve)])
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f"{mount}; {work}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode == 99 or "unshare failed" in done.stderr:
        pytest.skip("a small disk may not be mounted here")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("kept ")
