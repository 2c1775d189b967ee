"""How fast writers may go while compaction is behind: slower and slower, then not at all.

    severity 0        as fast as they can
    0 < severity < 1  one pause of ``PAUSE_MS`` for each step of bytes, which shrinks from 16 KiB to
                      1 KiB: from some 16 MB a second down to 1 MB
    severity 1        a full memtable waits for compaction

Severity is how far the number of files on level 0, or the compaction debt, has gone from where
the slow-down begins to where the stall does; the worse of the two. Slowing down early spreads
one long wait over many writes.
"""

from __future__ import annotations

from typing import Final

from kvdb.lsm.compaction.picker import debt_bytes
from kvdb.lsm.version import Version
from kvdb.options import EngineOptions

PAUSE_MS: Final = 1
STEP_BYTES_MAX: Final = 16 * 1024
STEP_BYTES_MIN: Final = 1024


def severity(version: Version, options: EngineOptions) -> float:
    """From 0 to 1; see above."""
    files = _share(len(version.levels[0]), options.level0_slowdown, options.level0_tables_stall)
    debt = debt_bytes(version, options)
    debts = _share(debt, options.debt_slowdown_bytes, options.debt_stall_bytes)
    return max(files, debts)


def step_bytes(hardship: float) -> int:
    """After so many bytes a writer pauses, at a severity between 0 and 1."""
    return int(STEP_BYTES_MAX - (STEP_BYTES_MAX - STEP_BYTES_MIN) * hardship)


def _share(found: int, begin: int, end: int) -> float:
    """0 below ``begin``, 1 from ``end`` on; at ``begin`` it is above 0 already."""
    if found < begin:
        return 0.0
    return min(1.0, (found - begin + 1) / (end - begin + 1))
