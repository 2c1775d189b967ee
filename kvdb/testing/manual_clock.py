"""A clock that stands still until a test moves it."""

from __future__ import annotations

START_WALL_MS = 1_700_000_000_000
"""2023-11-14T22:13:20Z, so that times in tests look like times."""


class ManualClock:
    """``advance_ms`` moves both clocks, ``set_wall_ms`` makes the wall clock jump, either way.

    ``sleep_ms`` does not block: it moves the clocks and returns.
    """

    def __init__(self, wall_ms: int = START_WALL_MS) -> None:
        self._wall_ns = wall_ms * 1_000_000
        self._monotonic_ns = 0

    def wall_ms(self) -> int:
        return self._wall_ns // 1_000_000

    def monotonic_ns(self) -> int:
        return self._monotonic_ns

    def sleep_ms(self, duration_ms: float) -> None:
        self.advance_ms(duration_ms)

    def advance_ms(self, duration_ms: float) -> None:
        elapsed_ns = int(duration_ms * 1_000_000)
        assert elapsed_ns >= 0, "time does not go back; set_wall_ms may"
        self._wall_ns += elapsed_ns
        self._monotonic_ns += elapsed_ns

    def set_wall_ms(self, wall_ms: int) -> None:
        self._wall_ns = wall_ms * 1_000_000
