from __future__ import annotations

import random

import pytest

from kvdb.errors import LimitExceeded, ResourceNotFound, ValidationError
from kvdb.stream import shards
from kvdb.table.stream_keys import HASHES
from kvdb.table.streams import Division

HALF = HASHES // 2
WHOLE = (Division(10, ((0, HASHES),)),)


def test_an_id_says_where_a_shard_is() -> None:
    (shard,) = shards.shards_of(WHOLE)
    assert shard == ("shardId-00000000000000000010-0000ffff", 10, None, 0, HASHES, ())
    assert 28 <= len(shard.shard_id) <= 65


def test_a_split_ends_the_parent_where_its_children_begin() -> None:
    (parent,) = shards.shards_of(WHOLE)
    divided = (*WHOLE, Division(20, shards.split(WHOLE, parent.shard_id)))
    ended, left, right = shards.shards_of(divided)
    assert ended == parent._replace(upto=20)
    assert (left.start, left.end, right.start, right.end) == (0, HALF, HALF, HASHES)
    assert left.parents == right.parents == (parent.shard_id,)
    assert left.after == right.after == 20
    assert shards.open_shards(divided) == (left, right)


def test_a_merged_shard_has_both_parents() -> None:
    divided = (Division(10, ((0, HALF), (HALF, HASHES))),)
    left, right = shards.shards_of(divided)
    merged = (*divided, Division(20, shards.merge(divided, right.shard_id, left.shard_id)))
    (only,) = shards.open_shards(merged)
    assert (only.start, only.end, only.parents) == (0, HASHES, (left.shard_id, right.shard_id))


def test_only_neighbours_merge() -> None:
    thirds = (Division(10, ((0, 100), (100, 200), (200, HASHES))),)
    first, _, last = shards.shards_of(thirds)
    with pytest.raises(ValidationError, match="only adjacent shards"):
        shards.merge(thirds, first.shard_id, last.shard_id)


def test_a_rotation_begins_every_open_shard_anew() -> None:
    divided = (Division(10, ((0, HALF), (HALF, HASHES))),)
    rotated = (*divided, Division(20, shards.rotation(divided)))
    old, new = shards.shards_of(rotated)[:2], shards.shards_of(rotated)[2:]
    assert all(shard.upto == 20 for shard in old)
    assert [shard.parents for shard in new] == [(shard.shard_id,) for shard in old]


def test_an_empty_division_ends_the_stream() -> None:
    ended = (*WHOLE, Division(20, ()))
    assert shards.open_shards(ended) == ()
    assert shards.shards_of(ended)[0].upto == 20
    with pytest.raises(ValidationError, match="no open shard"):
        shards.rotation(ended)


def test_what_is_not_open_is_not_divided() -> None:
    (parent,) = shards.shards_of(WHOLE)
    divided = (*WHOLE, Division(20, shards.split(WHOLE, parent.shard_id)))
    with pytest.raises(ValidationError, match="has ended"):
        shards.split(divided, parent.shard_id)
    with pytest.raises(ResourceNotFound, match="shardId-none not found"):
        shards.split(divided, "shardId-none")


def test_a_shard_of_one_hash_is_not_split() -> None:
    narrow = (Division(10, ((0, 1), (1, HASHES))),)
    with pytest.raises(ValidationError, match="one hash"):
        shards.split(narrow, shards.shards_of(narrow)[0].shard_id)


def test_open_shards_are_bounded() -> None:
    many = (Division(10, tuple((part * 1024, (part + 1) * 1024) for part in range(64))),)
    with pytest.raises(LimitExceeded, match="64 open shards"):
        shards.split(many, shards.shards_of(many)[0].shard_id)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_divided_the_open_shards_tile_all_hashes_and_parents_come_first(seed: int) -> None:
    chance = random.Random(seed)
    divisions: tuple[Division, ...] = WHOLE
    trimmed = 0
    for seqno in range(20, 20 + 30 * 10, 10):
        opened = shards.open_shards(divisions)
        what = chance.randrange(3)
        if what == 0:
            ranges = shards.split(divisions, chance.choice(opened).shard_id)
        elif what == 1 and len(opened) > 1:
            place = chance.randrange(len(opened) - 1)
            ranges = shards.merge(divisions, opened[place].shard_id, opened[place + 1].shard_id)
        else:
            ranges = shards.rotation(divisions)
        divisions = (*divisions, Division(seqno, ranges))
        if chance.random() < 0.2:
            trimmed = chance.randrange(trimmed, seqno)
            kept = {shard.shard_id for shard in shards.kept_shards(divisions, trimmed)}
            gone = shards.unneeded_divisions(divisions, trimmed)
            divisions = tuple(division for division in divisions if division not in gone)
            assert kept == {shard.shard_id for shard in shards.kept_shards(divisions, trimmed)}
        opened = shards.open_shards(divisions)
        assert [shard.start for shard in opened] == [0, *(shard.end for shard in opened[:-1])]
        assert opened[-1].end == HASHES
        everything = {shard.shard_id: shard for shard in shards.shards_of(divisions)}
        for shard in everything.values():
            for parent in shard.parents:
                assert everything[parent].upto == shard.after
            if not trimmed and shard.parents:
                covered = sum(
                    min(shard.end, everything[parent].end) - max(shard.start, everything[parent].start)
                    for parent in shard.parents
                )
                assert covered == shard.end - shard.start
