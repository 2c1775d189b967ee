"""Regions in network namespaces: cuts in which packets vanish, in both directions and in one."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CUT_S = float(os.environ.get("KVDB_CUT_SECONDS", "0.7"))
"""`make cuts` has longer ones."""


def test_regions_are_the_same_again_after_packets_vanished(tmp_path: Path) -> None:
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("this system has no network namespaces, or no ip to make them with")
    work = shlex.join([sys.executable, "-m", "tests.support.network_namespaces", str(tmp_path), str(CUT_S)])
    # Named namespaces are mounts, too: all of it goes with the processes, however they end.
    done = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", f"mount -t tmpfs tmpfs /run || exit 99; {work}"],
        capture_output=True,
        text=True,
        timeout=120 + 10 * CUT_S,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    if done.returncode == 99 or "unshare failed" in done.stderr:
        pytest.skip("network namespaces may not be made here")
    if "Operation not permitted" in done.stderr or "not supported" in done.stderr:
        pytest.skip("this system's namespaces cannot be joined or cut")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("after it healed") == 3
