"""The manual clock moves when told to, and not otherwise."""

from __future__ import annotations

import pytest

from kvdb.testing import ManualClock


def test_time_stands_still() -> None:
    clock = ManualClock(wall_ms=1_000)
    assert [clock.wall_ms(), clock.wall_ms(), clock.monotonic_ns()] == [1_000, 1_000, 0]


def test_advancing_moves_both_clocks() -> None:
    clock = ManualClock(wall_ms=1_000)
    clock.advance_ms(2.5)
    assert (clock.wall_ms(), clock.monotonic_ns()) == (1_002, 2_500_000)


def test_sleeping_moves_the_clocks_and_returns() -> None:
    clock = ManualClock(wall_ms=0)
    clock.sleep_ms(3_600_000)
    assert (clock.wall_ms(), clock.monotonic_ns()) == (3_600_000, 3_600_000 * 1_000_000)


def test_the_wall_clock_may_jump_back_and_the_other_does_not_notice() -> None:
    clock = ManualClock(wall_ms=1_000)
    clock.set_wall_ms(10)
    assert (clock.wall_ms(), clock.monotonic_ns()) == (10, 0)


def test_time_does_not_advance_backwards() -> None:
    with pytest.raises(AssertionError):
        ManualClock().advance_ms(-1)
