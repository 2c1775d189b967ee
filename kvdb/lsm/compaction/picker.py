"""What to compact: a pure function of a version.

Level 0 scores by its number of files, since each costs every read a look; a deeper level by its
bytes against its target, which grows tenfold from level to level. The highest score of at least
1 is served. From level 0 all files go together, for they overlap; from a deeper level the file
that overlaps the fewest bytes below.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from kvdb.lsm.manifest import FileMeta
from kvdb.lsm.range_tombstone import RangeTombstones
from kvdb.lsm.version import LEVELS, Version, key_range
from kvdb.options import EngineOptions

LEVEL_FACTOR: Final = 10


class Compaction(NamedTuple):
    """Merge ``upper`` (on ``level``) and ``lower`` (on the next) into the next level."""

    level: int
    upper: tuple[FileMeta, ...]
    lower: tuple[FileMeta, ...]
    is_bottom: bool
    """No deeper level has a key of the range: a tombstone has nothing left to hide."""

    @property
    def output_level(self) -> int:
        return self.level + 1

    @property
    def is_move(self) -> bool:
        """One file with nothing below it: only the manifest has to change."""
        return len(self.upper) == 1 and not self.lower and self.level > 0

    @property
    def input_bytes(self) -> int:
        return sum(meta.size for meta in self.upper + self.lower)


def level_target_bytes(level: int, options: EngineOptions) -> int:
    """How much ``level`` (1 or deeper) may hold before it is compacted."""
    base = options.level0_tables_max * max(options.memtable_size_bytes, options.sstable_size_bytes)
    return int(base * LEVEL_FACTOR ** (level - 1))


def scores(version: Version, options: EngineOptions) -> list[float]:
    """Each level's need of compaction, but the last's, which has nowhere to go."""
    found = [len(version.levels[0]) / options.level0_tables_max]
    for level in range(1, LEVELS - 1):
        size = sum(meta.size for meta in version.levels[level])
        found.append(size / level_target_bytes(level, options))
    return found


def pick(version: Version, options: EngineOptions) -> Compaction | None:
    """The most urgent compaction, or ``None`` when no level needs one."""
    ranked = scores(version, options)
    level = max(range(len(ranked)), key=ranked.__getitem__)
    if ranked[level] < 1.0:
        return None
    if level == 0:
        return compaction_of(version, 0, version.levels[0])
    return min(
        (compaction_of(version, level, (meta,)) for meta in version.levels[level]),
        key=lambda compaction: (
            compaction.input_bytes - compaction.upper[0].size,
            compaction.upper[0].number,
        ),
    )


def pick_all(version: Version) -> Compaction | None:
    """For a compaction by hand: push the highest level down, until one sorted level is left."""
    filled = [level for level in range(LEVELS) if version.levels[level]]
    if not filled or (len(filled) == 1 and filled[0] > 0):
        return None
    return compaction_of(version, filled[0], version.levels[filled[0]])


def compaction_of(version: Version, level: int, upper: tuple[FileMeta, ...]) -> Compaction:
    """The compaction of ``upper`` with all that it overlaps on the next level."""
    lower = version.overlapping(level + 1, *key_range(upper))
    start, end = key_range(upper + lower)
    is_bottom = not any(version.overlapping(deeper, start, end) for deeper in range(level + 2, LEVELS))
    return Compaction(level, upper, lower, is_bottom)


def covered(version: Version, ranges: RangeTombstones, upto: int) -> list[tuple[int, FileMeta]]:
    """The files, with their levels, of which range deletes up to seqno ``upto`` leave nothing."""
    return [
        (level, meta)
        for level, files in enumerate(version.levels)
        for meta in files
        if ranges.covers(meta.smallest, meta.limit, above=meta.seqno_max, upto=upto)
    ]
