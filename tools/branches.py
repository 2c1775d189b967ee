"""``make coverage``: every branch of the rooms that read and write the engine's files is taken by a test.

Runs the tests that are about those rooms, in one process, and fails when a line or a branch of
``ROOMS`` is left. The bar is SQLite's: what decides whether data survives has no untried branch
(RELIABILITY 2.2, 21). A branch that cannot be taken is marked where it stands, with the reason.
"""

from __future__ import annotations

import sys
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = (
    "kvdb/lsm/record.py",
    "kvdb/lsm/wal.py",
    "kvdb/lsm/log_chain.py",
    "kvdb/lsm/manifest.py",
    "kvdb/lsm/identity.py",
    "kvdb/lsm/recovery.py",
    "kvdb/lsm/sstable/*.py",
)
TESTS = (
    "tests/unit/lsm",
    "tests/fault/test_recovery_rules.py",
    "tests/fault/test_sealed_nonsense.py",
    "tests/fault/test_damage.py",
    "tests/fault/test_read_only.py",
    "tests/fault/test_disk_full.py",
    "tests/fault/test_planted_bugs.py",
)
BAR = 100.0


def main() -> int:
    """0 when the tests pass and nothing is left; else 1, with what is."""
    measure = coverage.Coverage(branch=True, include=[str(ROOT / room) for room in ROOMS], data_file=None)
    measure.start()
    failed = pytest.main(["-q", "-p", "no:xdist", *(str(ROOT / test) for test in TESTS)])
    measure.stop()
    reached = measure.report(show_missing=True, skip_covered=True)
    if failed or reached < BAR:
        print(f"coverage: {reached:.2f} % of {BAR:.0f} %", file=sys.stderr)
        return 1
    print("coverage: every branch is taken")
    return 0


if __name__ == "__main__":
    sys.exit(main())
