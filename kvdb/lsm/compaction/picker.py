"""What to compact: pure functions of a version.

Level targets hang from below: the last level that is used holds what it holds, each one above it
a tenth of the one below, until that is less than the base target. So some nine tenths of all bytes
lie on the last level, whatever the size, and hidden versions take a ninth more space at most. The
level where that ends is the base level; level 0 goes straight to it, past the empty ones between.

The base target is large, and level 0 waits for more files while it is little beside the base level:
what a compaction costs here is the entries it passes through Python, and merging many files of
level 0 into one large level at once passes each entry fewer times than two small steps do.

And it waits for two files only while all of both is less than half a memtable, as where the same few
items are written over and over: that is soon done, and spares each query a look into every file.

Scores, of which the highest that is at least 1 is served:

    level 0           files / ``level0_due``: each costs every read a look
    base and deeper   bytes / target
    above the base    any byte there, after the database has shrunk, is a level too many

From level 0 all files go together, for they overlap; from a deeper level the file that overlaps
the fewest bytes below, for the bytes it brings down. A file without anything below is moved,
unless it overlaps too much one level further, where its next compaction would be a long one.

When no level is too full: a file of which tombstones are a quarter or more, and that nobody reads
the past of, goes down a level; on the last one it is written anew. So what is deleted frees its
space, and scans need not step over it for ever, though nothing more is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from kvdb.lsm.manifest import FileMeta
from kvdb.lsm.memtable import ENTRY_OVERHEAD_BYTES
from kvdb.lsm.range_tombstone import RangeTombstones
from kvdb.lsm.version import LEVELS, Version, key_range
from kvdb.options import EngineOptions

LEVEL_FACTOR: Final = 10
LAST: Final = LEVELS - 1
TOMBSTONE_SHARE: Final = 0.25
OVERLAP_FILES_MAX: Final = 10
"""An output ends where it would overlap more than so many full files of the level below it."""


class Compaction(NamedTuple):
    """Merge ``upper`` (on ``level``) and ``lower`` (on ``output_level``) into ``output_level``."""

    level: int
    output_level: int
    upper: tuple[FileMeta, ...]
    lower: tuple[FileMeta, ...]
    below: tuple[FileMeta, ...]
    """What the outputs will overlap one level further down."""
    is_bottom: bool
    """No deeper level has a key of the range: a tombstone has nothing left to hide."""
    is_move: bool = False
    """One file with nothing to merge with: only the manifest has to change."""

    @property
    def input_bytes(self) -> int:
        return _size(self.upper + self.lower)

    @property
    def decoded_bytes(self) -> int:
        """What the inputs take in memory, by about the measure of a memtable: how much work it is."""
        return self.input_bytes + sum(ENTRY_OVERHEAD_BYTES * meta.entries for meta in self.upper + self.lower)

    @property
    def range(self) -> tuple[bytes, bytes]:
        """Inputs and outputs lie in ``[start, end)``."""
        return key_range(self.upper + self.lower)


def pick(version: Version, options: EngineOptions, oldest: int) -> Compaction | None:
    """The most urgent compaction, or ``None``. ``oldest`` is the oldest seqno that anybody reads at."""
    ranked = scores(version, options)
    level = max(range(len(ranked)), key=ranked.__getitem__)
    if ranked[level] < 1.0:
        return _pick_tombstones(version, options, oldest)
    if level == 0:
        return compaction_of(version, options, 0, version.levels[0])
    return min(
        (compaction_of(version, options, level, (meta,)) for meta in version.levels[level]),
        key=lambda compaction: (
            _size(compaction.lower) / compaction.upper[0].size,
            compaction.upper[0].number,
        ),
    )


def pick_all(version: Version, options: EngineOptions, oldest: int) -> Compaction | None:
    """For a compaction by hand: push the highest level down, a file at a time, until one sorted level
    is left, of which no tombstone is needless."""
    filled = [level for level in range(LEVELS) if version.levels[level]]
    if not filled:
        return None
    level = filled[0]
    if level == 0:
        return compaction_of(version, options, 0, version.levels[0])
    if len(filled) > 1:
        return compaction_of(version, options, level, version.levels[level][:1], filled[1])
    needless = (meta for meta in version.levels[level] if _tombstones(meta) and meta.seqno_max <= oldest)
    meta = next(needless, None)
    return None if meta is None else _written_anew(level, meta)


def scores(version: Version, options: EngineOptions) -> list[float]:
    """Each level's need of compaction, but the last's, which has nowhere to go."""
    targets = level_targets(version, options)
    found = [len(version.levels[0]) / level0_due(version, options)]
    for level in range(1, LAST):
        size = _size(version.levels[level])
        found.append(size / targets[level] if targets[level] else 2.0 * (size > 0))
    return found


def level0_due(version: Version, options: EngineOptions) -> int:
    """At how many files level 0 is compacted."""
    below = _size(version.levels[base_level(version, options)])
    above = _size(version.levels[0])
    if above + below <= options.memtable_size_bytes // 2:
        return min(2, options.level0_tables_max)
    if above * LEVEL_FACTOR >= below:
        return options.level0_tables_max
    # Before writers are slowed down, and so long before they wait for it.
    return min(2 * options.level0_tables_max, options.level0_slowdown)


def level_targets(version: Version, options: EngineOptions) -> list[int]:
    """How many bytes each level may hold before it is compacted: 0 for level 0 and those above the
    base level; the last level's is what it holds, or the base target."""
    base_bytes = options.base_bytes
    deepest = max((_size(files) for files in version.levels[1:]), default=0)
    targets = [0] * LEVELS
    target, level = max(deepest, base_bytes), LAST
    while True:
        targets[level] = target
        if target <= base_bytes or level == 1:
            return targets
        target, level = max(target // LEVEL_FACTOR, 1), level - 1


def base_level(version: Version, options: EngineOptions) -> int:
    """Where level 0 goes: the base level, or the first one above it that is not empty yet."""
    targets = level_targets(version, options)
    return next(level for level in range(1, LEVELS) if targets[level] or version.levels[level])


def debt_bytes(version: Version, options: EngineOptions) -> int:
    """How far compaction is behind: bytes on level 0 once it is due, and above the targets elsewhere."""
    level0 = version.levels[0]
    debt = _size(level0) if len(level0) >= level0_due(version, options) else 0
    targets = level_targets(version, options)
    return debt + sum(max(0, _size(version.levels[level]) - targets[level]) for level in range(1, LAST))


def compaction_of(
    version: Version,
    options: EngineOptions,
    level: int,
    upper: tuple[FileMeta, ...],
    output_level: int | None = None,
) -> Compaction:
    """The compaction of ``upper`` with all that it overlaps on the level it goes to."""
    if output_level is None:
        output_level = level + 1 if level else base_level(version, options)
    lower = version.overlapping(output_level, *key_range(upper))
    start, end = key_range(upper + lower)
    below = version.overlapping(output_level + 1, start, end) if output_level < LAST else ()
    deeper = range(output_level + 1, LEVELS)
    is_bottom = not any(version.overlapping(each, start, end) for each in deeper)
    # A file of level 0 may hold what newer versions in it have replaced: it is not just moved.
    is_alone = level > 0 and len(upper) == 1 and not lower
    is_move = is_alone and _size(below) <= OVERLAP_FILES_MAX * options.sstable_size_bytes
    return Compaction(level, output_level, upper, lower, below, is_bottom, is_move)


def covered(version: Version, ranges: RangeTombstones, upto: int) -> list[tuple[int, FileMeta]]:
    """The files, with their levels, of which range deletes up to seqno ``upto`` leave nothing."""
    return [
        (level, meta)
        for level, files in enumerate(version.levels)
        for meta in files
        if ranges.covers(meta.smallest, meta.limit, above=meta.seqno_max, upto=upto)
    ]


def _pick_tombstones(version: Version, options: EngineOptions, oldest: int) -> Compaction | None:
    for level, meta in _full_of_tombstones(version, oldest):
        if level == 0:
            return compaction_of(version, options, 0, version.levels[0])
        deeper = range(level + 1, LEVELS)
        if any(version.overlapping(each, meta.smallest, meta.limit) for each in deeper):
            return compaction_of(version, options, level, (meta,))
        return _written_anew(level, meta)
    return None


def _full_of_tombstones(version: Version, oldest: int) -> Iterator[tuple[int, FileMeta]]:
    for level, files in enumerate(version.levels):
        for meta in files:
            # Plain deletes on level 0 go down with its next compaction, which is near.
            count = _tombstones(meta) if level or meta.range_tombstones else 0
            if meta.seqno_max <= oldest and count >= max(1, TOMBSTONE_SHARE * meta.entries):
                yield level, meta


def _written_anew(level: int, meta: FileMeta) -> Compaction:
    """On its own level, with nothing below it: what nobody reads is left out."""
    return Compaction(level, level, (meta,), (), (), is_bottom=True)


def _tombstones(meta: FileMeta) -> int:
    """A range delete may hide any number of entries: it counts as if they were all of the file."""
    return meta.entries + 1 if meta.range_tombstones else meta.tombstones


def _size(files: tuple[FileMeta, ...]) -> int:
    return sum(meta.size for meta in files)
