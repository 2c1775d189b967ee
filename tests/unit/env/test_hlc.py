"""The hybrid clock: stamps follow the wall, never repeat, never go back."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kvdb.env.hlc import COUNTER_MAX, HybridClock, Stamp
from kvdb.testing import ManualClock

JUMPS = st.lists(st.integers(-5_000, 5_000), max_size=40)


def test_a_stamp_carries_wall_time_and_region() -> None:
    clock = ManualClock(wall_ms=5_000)
    assert HybridClock(clock, 3).tick() == Stamp(5_000, 0, 3)


@given(JUMPS)
def test_stamps_only_grow_however_the_wall_clock_jumps(jumps: list[int]) -> None:
    clock = ManualClock()
    hlc = HybridClock(clock, 0)
    stamps = [hlc.tick()]
    for jump in jumps:
        clock.set_wall_ms(clock.wall_ms() + jump)
        stamps.append(hlc.tick())
    assert all(earlier < later for earlier, later in pairwise(stamps))


def test_a_full_counter_borrows_the_next_millisecond() -> None:
    clock = ManualClock(wall_ms=1_000)
    hlc = HybridClock(clock, 0)
    hlc.merge(Stamp(1_000, COUNTER_MAX, 9))
    assert hlc.tick() == Stamp(1_001, 0, 0)


def test_a_tick_exceeds_a_merged_stamp_from_the_future() -> None:
    hlc = HybridClock(ManualClock(wall_ms=1_000), 0)
    seen = Stamp(9_000, 4, 7)
    hlc.merge(seen)
    assert hlc.tick() == Stamp(9_000, 5, 0)


def test_merging_an_older_stamp_changes_nothing() -> None:
    hlc = HybridClock(ManualClock(wall_ms=1_000), 0)
    hlc.merge(Stamp(500, 8, 0))
    assert hlc.tick() == Stamp(1_000, 0, 0)


def test_wall_time_is_never_behind_a_stamp() -> None:
    clock = ManualClock(wall_ms=1_000)
    hlc = HybridClock(clock, 0)
    hlc.merge(Stamp(9_000, 0, 0))
    assert hlc.wall_ms() == 9_000
    clock.set_wall_ms(10_000)
    assert hlc.wall_ms() == 10_000
