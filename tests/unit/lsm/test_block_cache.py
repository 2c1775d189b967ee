from __future__ import annotations

from dataclasses import dataclass

from kvdb.lsm.block_cache import BlockCache, Cacheable
from kvdb.metrics import Registry


@dataclass
class FakeBlock:
    charge_bytes: int
    was_read: bool = False


def test_it_never_holds_more_than_its_capacity() -> None:
    cache = BlockCache(100, Registry())
    slots: list[Cacheable | None] = [None] * 20
    for place in range(20):
        cache.admit(slots, place, FakeBlock(30))
        assert cache.used_bytes == sum(block.charge_bytes for block in slots if block) <= 100


def test_a_block_read_since_the_last_round_stays_and_an_unread_one_goes() -> None:
    cache = BlockCache(100, Registry())
    slots: list[Cacheable | None] = [None] * 3
    cache.admit(slots, 0, FakeBlock(50))
    cache.admit(slots, 1, FakeBlock(50))
    assert slots[0] is not None
    slots[0].was_read = True
    cache.admit(slots, 2, FakeBlock(50))
    assert [block is not None for block in slots] == [True, False, True]


def test_capacity_zero_and_oversized_blocks_are_not_kept() -> None:
    slots: list[Cacheable | None] = [None]
    BlockCache(0, Registry()).admit(slots, 0, FakeBlock(1))
    BlockCache(10, Registry()).admit(slots, 0, FakeBlock(11))
    assert slots == [None]


def test_a_block_that_two_threads_loaded_is_charged_once() -> None:
    cache = BlockCache(100, Registry())
    slots: list[Cacheable | None] = [None]
    cache.admit(slots, 0, FakeBlock(40))
    cache.admit(slots, 0, FakeBlock(40))
    assert cache.used_bytes == 40
