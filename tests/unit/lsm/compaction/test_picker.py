from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from kvdb.lsm.compaction.picker import (
    LAST,
    LEVEL_FACTOR,
    base_level,
    compaction_of,
    covered,
    debt_bytes,
    level0_due,
    level_targets,
    pick,
    pick_all,
    scores,
)
from kvdb.lsm.manifest import FileMeta, VersionEdit
from kvdb.lsm.range_tombstone import RangeTombstone, RangeTombstones
from kvdb.lsm.version import LEVELS, Version
from kvdb.options import EngineOptions

OPTIONS = EngineOptions(
    memtable_size_bytes=100,
    sstable_size_bytes=100,
    level0_tables_max=2,
    level0_tables_stall=4,
    base_level_bytes=200,
)
BASE = 200
OLDEST = 1_000


def meta(number: int, smallest: bytes, last: bytes, size: int = 100, **more: int) -> FileMeta:
    found = FileMeta(number, number, size, b"", smallest, last + b"\0", 10, 0, 0, number, number)
    return found._replace(**more)


def version(*files: tuple[int, FileMeta]) -> Version:
    return Version().edited(VersionEdit(files))


def numbers(files: tuple[FileMeta, ...]) -> list[int]:
    return [file.number for file in files]


def test_nothing_is_picked_while_no_level_is_full() -> None:
    assert pick(version(), OPTIONS, OLDEST) is None
    few = version((0, meta(2, b"a", b"z")), (LAST, meta(1, b"a", b"z", 5_000)))
    assert pick(few, OPTIONS, OLDEST) is None


def test_level_0_goes_straight_to_the_last_level_while_the_database_is_small() -> None:
    found = pick(
        version(
            (0, meta(11, b"a", b"c")), (0, meta(12, b"b", b"d")),
            (LAST, meta(3, b"a", b"b", 50)), (LAST, meta(4, b"d", b"e", 50)), (LAST, meta(5, b"f", b"g", 50)),
        ),
        OPTIONS,
        OLDEST,
    )  # fmt: skip
    assert found is not None
    assert (numbers(found.upper), numbers(found.lower)) == ([12, 11], [3, 4])
    assert (found.level, found.output_level, found.is_bottom, found.is_move) == (0, LAST, True, False)


def test_level_0_waits_for_more_files_while_it_is_little_beside_what_they_go_to() -> None:
    options = dataclasses.replace(OPTIONS, level0_tables_stall=12, base_level_bytes=100_000)
    level0 = [(0, meta(10 + n, b"a", b"c")) for n in range(4)]
    assert level0_due(version(*level0[:2]), options) == 2
    assert level0_due(version(*level0[:2], (LAST, meta(1, b"a", b"b", 2_000))), options) == 2
    large = (LAST, meta(1, b"a", b"b", 20_000))
    assert [pick(version(*level0[:count], large), options, OLDEST) is None for count in (2, 3, 4)] == [
        *(True, True, False)
    ]
    # Never longer than until writers are slowed down.
    hurried = dataclasses.replace(options, level0_tables_slowdown=3)
    assert level0_due(version(*level0[:2], large), hurried) == 3


def test_the_same_few_items_written_over_are_merged_from_two_files_on() -> None:
    options = dataclasses.replace(
        OPTIONS,
        memtable_size_bytes=1_000,
        level0_tables_max=4,
        level0_tables_stall=12,
        base_level_bytes=100_000,
    )
    level0 = [(0, meta(10 + n, b"a", b"c")) for n in range(3)]
    small, large = ((LAST, meta(1, b"a", b"b", size)) for size in (300, 301))
    assert level0_due(version(*level0[:2], small), options) == 2
    assert level0_due(version(*level0[:2], large), options) == 4
    assert pick(version(*level0[:1]), options, OLDEST) is None
    # However few files an option allows, that is the bound.
    assert level0_due(version(*level0), dataclasses.replace(options, level0_tables_max=1)) == 1


def test_the_base_target_is_forty_memtables_unless_said_otherwise() -> None:
    assert EngineOptions().base_bytes == 640 * 1024 * 1024
    options = dataclasses.replace(OPTIONS, base_level_bytes=None)
    assert level_targets(version((LAST, meta(1, b"a", b"b", 2_000))), options)[LAST - 1] == 0
    assert level_targets(version((LAST, meta(1, b"a", b"b", 2_001))), options)[LAST - 1] == 200


def test_targets_hang_from_the_last_level_and_end_at_the_base_level() -> None:
    small = version((LAST, meta(1, b"a", b"b", BASE)))
    assert level_targets(small, OPTIONS) == [0, 0, 0, 0, 0, 0, BASE]
    large = version((LAST, meta(1, b"a", b"b", 50_000)))
    assert level_targets(large, OPTIONS) == [0, 0, 0, 50, 500, 5_000, 50_000]
    assert base_level(large, OPTIONS) == 3
    huge = version((LAST, meta(1, b"a", b"b", 10**12)))
    assert level_targets(huge, OPTIONS)[1] == 10**12 // LEVEL_FACTOR ** (LAST - 1)


@given(st.lists(st.integers(0, 10**9), min_size=LAST, max_size=LAST))
def test_nine_tenths_lie_on_the_last_level_when_none_is_above_its_target(sizes: list[int]) -> None:
    files = [(level, meta(level, b"a", b"b", size)) for level, size in enumerate(sizes, 1) if size]
    targets = level_targets(version(*files), OPTIONS)
    assert targets[LAST] == max([BASE, *sizes])
    assert sum(targets[1:LAST]) <= targets[LAST] / (LEVEL_FACTOR - 1)
    used = [target for target in targets if target]
    assert targets[LEVELS - len(used) :] == used
    assert len(used) == LAST or used[0] <= BASE


def test_what_stands_above_the_base_level_goes_down() -> None:
    shrunk = version((2, meta(1, b"a", b"b", 1)), (LAST, meta(2, b"c", b"d", BASE)))
    assert base_level(shrunk, OPTIONS) == 2
    found = pick(shrunk, OPTIONS, OLDEST)
    assert found is not None
    assert (found.level, found.output_level, found.is_move) == (2, 3, True)


def test_a_full_deeper_level_gives_the_file_with_the_least_below_it_for_its_size() -> None:
    found = pick(
        version(
            (LAST - 1, meta(11, b"a", b"c", 1_000)), (LAST - 1, meta(12, b"d", b"f", 200)),
            (LAST, meta(3, b"a", b"b", 900)), (LAST, meta(4, b"e", b"e", 10)),
            (LAST, meta(5, b"x", b"z", 8_000)),
        ),
        OPTIONS,
        OLDEST,
    )  # fmt: skip
    assert found is not None
    assert (numbers(found.upper), numbers(found.lower)) == ([12], [4])
    assert found.is_bottom


def test_a_file_with_nothing_below_is_moved_unless_it_overlaps_too_much_further_down() -> None:
    above = (LAST - 2, meta(100, b"a", b"c", 100_000))
    below = [(LAST, meta(n, b"b%03d" % n, b"b%03d" % n, 300)) for n in range(4)]
    found = compaction_of(version(above, *below[:2]), OPTIONS, LAST - 2, (above[1],))
    assert (found.is_move, numbers(found.below), found.is_bottom) == (True, [0, 1], False)
    assert not compaction_of(version(above, *below), OPTIONS, LAST - 2, (above[1],)).is_move


def test_tombstones_go_down_and_on_the_last_level_away_once_nobody_reads_before_them() -> None:
    full = meta(7, b"a", b"c", tombstones=3)
    few = meta(8, b"d", b"e", tombstones=2)
    older = (LAST, meta(1, b"b", b"b", 5_000))
    down = pick(version((LAST - 1, full), (LAST - 1, few), older), OPTIONS, OLDEST)
    assert down is not None
    assert (numbers(down.upper), down.output_level) == ([7], LAST)
    anew = pick(version((LAST, full), (LAST, few)), OPTIONS, OLDEST)
    assert anew is not None
    assert (numbers(anew.upper), anew.level, anew.output_level, anew.is_bottom) == ([7], LAST, LAST, True)
    assert pick(version((LAST, full)), OPTIONS, 6) is None


def test_a_range_delete_on_level_0_does_not_wait_for_company() -> None:
    assert pick(version((0, meta(7, b"a", b"c", tombstones=9))), OPTIONS, OLDEST) is None
    found = pick(version((0, meta(7, b"a", b"c", range_tombstones=1))), OPTIONS, OLDEST)
    assert found is not None
    assert found.level == 0


def test_debt_is_what_lies_above_the_targets() -> None:
    assert debt_bytes(version((0, meta(1, b"a", b"b"))), OPTIONS) == 0
    behind = version(
        (0, meta(7, b"a", b"b")), (0, meta(8, b"a", b"b")),
        (LAST - 1, meta(3, b"a", b"b", 700)), (LAST, meta(2, b"a", b"b", 5_000)),
    )  # fmt: skip
    assert debt_bytes(behind, OPTIONS) == 200 + (700 - 500)


def test_scores_are_files_on_level_0_and_bytes_against_targets_elsewhere() -> None:
    full = version(
        (0, meta(9, b"a", b"b")), (LAST - 1, meta(1, b"a", b"b", 1_000)), (LAST, meta(2, b"a", b"b", 5_000))
    )
    assert scores(full, OPTIONS) == [0.5, 0, 0, 0, 0, 2.0]


def test_compaction_by_hand_ends_with_one_sorted_level_without_needless_tombstones() -> None:
    assert pick_all(version(), OPTIONS, OLDEST) is None
    assert pick_all(version((3, meta(1, b"a", b"b")), (3, meta(2, b"c", b"d"))), OPTIONS, OLDEST) is None
    both = pick_all(version((1, meta(1, b"a", b"b")), (4, meta(2, b"c", b"d"))), OPTIONS, OLDEST)
    assert both is not None
    assert (both.level, both.output_level, both.is_move) == (1, 4, True)
    assert pick_all(version((0, meta(1, b"a", b"b"))), OPTIONS, OLDEST) is not None
    dead = version((LAST, meta(1, b"a", b"b", tombstones=1)))
    anew = pick_all(dead, OPTIONS, OLDEST)
    assert anew is not None
    assert anew.output_level == LAST
    assert pick_all(dead, OPTIONS, 0) is None


def test_a_file_is_covered_only_by_what_is_newer_than_all_of_it_and_old_enough() -> None:
    files = version((LAST, meta(5, b"b", b"c")), (LAST, meta(6, b"d", b"f")))
    ranges = RangeTombstones([RangeTombstone(b"a", b"e", 9)])
    assert covered(files, ranges, 9) == [(LAST, files.levels[LAST][0])]
    assert covered(files, ranges, 8) == []
    assert covered(files, RangeTombstones([RangeTombstone(b"a", b"e", 5)]), 9) == []
