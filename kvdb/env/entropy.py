"""Chance: identifiers and jitter. Seeded in tests, the system's own in production."""

from __future__ import annotations

import random
import uuid
from typing import Protocol


class Entropy(Protocol):
    """Where randomness comes from."""

    def bytes(self, count: int) -> bytes:
        """``count`` random bytes."""
        ...

    def fraction(self) -> float:
        """A number in [0, 1)."""
        ...

    def uuid(self) -> str:
        """A version 4 UUID in its 36-character form."""
        ...


class SystemEntropy:
    """The operating system's generator; with a ``seed``, a reproducible one for tests."""

    def __init__(self, seed: int | None = None) -> None:
        self._random: random.Random = random.SystemRandom() if seed is None else random.Random(seed)

    def bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def fraction(self) -> float:
        return self._random.random()

    def uuid(self) -> str:
        return str(uuid.UUID(bytes=self._random.randbytes(16), version=4))
