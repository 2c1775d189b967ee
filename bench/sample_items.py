"""The items of every measurement: about 200 bytes each, a hundred to a partition."""

from __future__ import annotations

import random
from collections.abc import Iterator

PARTITION_ITEMS = 100
"""What a query of one partition gives."""

Item = dict[str, object]


def key(number: int, count: int) -> dict[str, object]:
    """The key of item ``number`` of ``count``. Neighbours in time are in different partitions."""
    partitions = max(1, count // PARTITION_ITEMS)
    return {
        "customer": f"customer-{number % partitions:07d}",
        "order": f"2024-05-{number // partitions % 28 + 1:02d}T{number:010d}",
    }


def item(number: int, count: int) -> Item:
    """A small order, in the types that people store most."""
    return {
        **key(number, count),
        "total": number * 7 % 100_000,
        "currency": "EUR",
        "is_paid": number % 3 == 0,
        "tags": ["express", "gift"],
        "address": {"street": f"Main Street {number % 900}", "city": "Reykjavik", "zip": "101"},
        "note": "leave at the door, ring twice, beware of the cat",
    }


def items(count: int) -> Iterator[Item]:
    return (item(number, count) for number in range(count))


def random_numbers(count: int, how_many: int, seed: int = 1) -> list[int]:
    """Which items to read."""
    chance = random.Random(seed)
    return [chance.randrange(count) for _ in range(how_many)]


def partition(number: int) -> str:
    return f"customer-{number:07d}"
