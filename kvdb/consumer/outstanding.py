"""Which records of a shard were read and are not handled yet, and so how far everything is."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection


class Outstanding:
    """Sequence numbers in order. ``level``: everything up to it is handled."""

    def __init__(self, level: str) -> None:
        self.level = level
        self._waiting: deque[str] = deque()
        self._done: set[str] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, number: str) -> None:
        """A record that was read, after all those before it."""
        self._waiting.append(number)

    def level_after(self, numbers: Collection[str]) -> str:
        """What ``level`` would be if ``numbers`` were handled, too."""
        level = self.level
        for number in self._waiting:
            if number not in self._done and number not in numbers:
                break
            level = number
        return level

    def finish(self, numbers: Collection[str]) -> None:
        """``numbers`` are handled."""
        self._done.update(numbers)
        while self._waiting and self._waiting[0] in self._done:
            self.level = self._waiting.popleft()
            self._done.remove(self.level)
