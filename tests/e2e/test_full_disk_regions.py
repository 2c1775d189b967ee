"""One of two regions is on a disk that fills up: it refuses, waits and follows again; the other goes on."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, sys
from contextlib import ExitStack
from pathlib import Path
import kvdb
from kvdb.api.replicas import DescribeReplicas
from kvdb.api.tables import CreateReplica, UpdateTable
from tests.support.served_regions import TABLE, ServedRegions
from tests.support.waiting import eventually

root = Path(sys.argv[1])
filler = root / "berlin" / "filler"

def fill():
    free = os.statvfs(root / "berlin")
    with filler.open("wb") as file:
        for _ in range(free.f_bavail * free.f_frsize >> 16):
            file.write(bytes(1 << 16))

def faults(regions):
    (peer,) = regions.client("berlin").call(DescribeReplicas()).peers
    return [link.fault for link in peer.links]

with ExitStack() as stack:
    regions = ServedRegions(root, stack, ("amsterdam", "berlin"))
    amsterdam, berlin = (regions.client(name) for name in regions.names)
    amsterdam.create_table(TABLE, key=("id", "S"))
    added = UpdateTable(TABLE, replica_updates=[CreateReplica("berlin")])
    eventually(lambda: amsterdam.call(added) is not None)
    eventually(lambda: regions.are_active("amsterdam", "berlin"))
    for at in range(20):
        berlin.table(TABLE).put({"id": f"before-{at}", "text": "x" * 1000})
    eventually(regions.are_same)
    fill()
    for at in range(3_000):
        try:
            berlin.table(TABLE).put({"id": "one too many", "text": "y" * 1000})
        except kvdb.DiskFull as error:
            assert error.retryable
            break
    else:
        raise AssertionError("the disk was never full")
    # Deletes are taken all the while, and travel; so does what the other region writes to itself.
    berlin.table(TABLE).delete({"id": "before-0"})
    for at in range(300):
        amsterdam.table(TABLE).put({"id": f"meanwhile-{at}", "text": "z" * 1000})
    eventually(lambda: amsterdam.table(TABLE).get({"id": "before-0"}) is None)
    eventually(lambda: any("nothing can be taken in here" in fault for fault in faults(regions)))
    assert berlin.table(TABLE).get({"id": "meanwhile-299"}) is None
    assert berlin.table(TABLE).get({"id": "before-1"}) is not None
    filler.unlink()
    eventually(regions.are_same)
    assert faults(regions) == [""]
    assert berlin.table(TABLE).get({"id": "meanwhile-299"}) is not None
    berlin.table(TABLE).put({"id": "again"})
    eventually(regions.are_same)
    # And what was acknowledged is there after a kill.
    regions.servers["berlin"].kill()
    regions.start("berlin")
    eventually(regions.are_same)
    assert regions.client("berlin").table(TABLE).get({"id": "again"}) is not None
print("followed")
"""


def test_a_region_on_a_full_disk_refuses_and_follows_again_when_there_is_room(tmp_path: Path) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("this system has no mount namespaces")
    small = tmp_path / "berlin"
    small.mkdir()
    # In a mount namespace of its own: the small disk goes with the processes, however they end.
    mount = f"mount -t tmpfs -o size=120m tmpfs {shlex.quote(str(small))} || exit 99"
    work = shlex.join([sys.executable, "-c", SCRIPT, str(tmp_path)])
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f"{mount}; {work}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    if done.returncode == 99 or "unshare failed" in done.stderr:
        pytest.skip("a small disk may not be mounted here")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("followed")
