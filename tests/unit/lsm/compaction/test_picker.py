from __future__ import annotations

from kvdb.lsm.compaction.picker import LEVEL_FACTOR, level_target_bytes, pick, pick_all, scores
from kvdb.lsm.manifest import FileMeta, VersionEdit
from kvdb.lsm.version import Version
from kvdb.options import EngineOptions

OPTIONS = EngineOptions(
    memtable_size_bytes=100, sstable_size_bytes=100, level0_tables_max=2, level0_tables_stall=4
)


def meta(number: int, smallest: bytes, last: bytes, size: int = 100) -> FileMeta:
    return FileMeta(number, number, size, b"", smallest, last + b"\0", 1, 0, 0, number, number)


def version(*files: tuple[int, FileMeta]) -> Version:
    return Version().edited(VersionEdit(files))


def test_nothing_is_picked_while_no_level_is_full() -> None:
    assert pick(version(), OPTIONS) is None
    assert pick(version((0, meta(1, b"a", b"z")), (1, meta(2, b"a", b"z"))), OPTIONS) is None


def test_all_of_level_0_goes_with_what_it_overlaps() -> None:
    found = pick(
        version(
            (0, meta(1, b"a", b"c")), (0, meta(2, b"b", b"d")),
            (1, meta(3, b"a", b"b", 50)), (1, meta(4, b"d", b"e", 50)), (1, meta(5, b"f", b"g", 50)),
        ),
        OPTIONS,
    )  # fmt: skip
    assert found is not None
    assert ([file.number for file in found.upper], [file.number for file in found.lower]) == ([2, 1], [3, 4])
    assert (found.output_level, found.is_bottom, found.is_move) == (1, True, False)


def test_a_full_deeper_level_gives_the_file_with_the_least_below_it() -> None:
    found = pick(
        version(
            (1, meta(1, b"a", b"c", 150)), (1, meta(2, b"d", b"f", 150)),
            (2, meta(3, b"a", b"b", 90)), (2, meta(4, b"e", b"e", 10)), (3, meta(5, b"e", b"z", 10)),
        ),
        OPTIONS,
    )  # fmt: skip
    assert found is not None
    assert ([file.number for file in found.upper], [file.number for file in found.lower]) == ([2], [4])
    assert not found.is_bottom


def test_a_file_with_nothing_below_is_moved() -> None:
    found = pick(version((1, meta(1, b"a", b"c", 300))), OPTIONS)
    assert found is not None
    assert found.is_move


def test_targets_grow_tenfold_and_scores_are_against_them() -> None:
    assert level_target_bytes(2, OPTIONS) == LEVEL_FACTOR * level_target_bytes(1, OPTIONS)
    full = version((1, meta(1, b"a", b"b", level_target_bytes(1, OPTIONS))))
    assert scores(full, OPTIONS)[:3] == [0.0, 1.0, 0.0]


def test_compaction_by_hand_ends_with_one_sorted_level() -> None:
    assert pick_all(version()) is None
    assert pick_all(version((3, meta(1, b"a", b"b")), (3, meta(2, b"c", b"d")))) is None
    both = pick_all(version((1, meta(1, b"a", b"b")), (2, meta(2, b"c", b"d"))))
    assert both is not None
    assert (both.level, both.is_move) == (1, True)
    assert pick_all(version((0, meta(1, b"a", b"b")))) is not None
