"""The system clock: units, and that the monotonic one does not go back."""

from __future__ import annotations

from kvdb.env.clock import SystemClock


def test_wall_time_is_in_milliseconds_since_1970() -> None:
    year_2020, year_2100 = 1_577_836_800_000, 4_102_444_800_000
    assert year_2020 < SystemClock().wall_ms() < year_2100


def test_monotonic_time_never_goes_back() -> None:
    clock = SystemClock()
    readings = [clock.monotonic_ns() for _ in range(1000)]
    assert readings == sorted(readings)


def test_sleeping_takes_at_least_its_duration_in_milliseconds() -> None:
    clock = SystemClock()
    before = clock.monotonic_ns()
    clock.sleep_ms(2)
    assert clock.monotonic_ns() - before >= 2_000_000
