"""Kill -9 of a process that backs up or restores: old backups stay whole, no half one is taken for one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(("what", "step", "points_min"), [("backup", 4, 10), ("restore", 2, 10)])
def test_a_killed_process_leaves_nothing_half_and_the_next_try_succeeds(
    tmp_path: Path, what: str, step: int, points_min: int
) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.support.backup_kills", what),
            *("--directory", str(tmp_path), "--step", str(step)),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= points_min
