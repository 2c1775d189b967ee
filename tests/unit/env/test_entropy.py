"""Entropy: reproducible with a seed, not without."""

from __future__ import annotations

import uuid

from kvdb.env.entropy import SystemEntropy


def test_one_seed_gives_one_sequence() -> None:
    first, second = SystemEntropy(7), SystemEntropy(7)
    assert [first.uuid(), first.bytes(9), first.fraction()] == [
        second.uuid(),
        second.bytes(9),
        second.fraction(),
    ]


def test_two_seeds_give_two_sequences() -> None:
    assert SystemEntropy(1).bytes(16) != SystemEntropy(2).bytes(16)


def test_without_a_seed_nothing_repeats() -> None:
    assert len({SystemEntropy().uuid() for _ in range(100)}) == 100


def test_a_uuid_is_of_version_4() -> None:
    text = SystemEntropy(3).uuid()
    assert uuid.UUID(text).version == 4
    assert len(text) == 36


def test_fractions_lie_between_zero_and_one() -> None:
    entropy = SystemEntropy(5)
    assert all(0.0 <= entropy.fraction() < 1.0 for _ in range(1000))
