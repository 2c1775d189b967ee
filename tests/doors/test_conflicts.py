"""The conflicts of a table, listed and followed through every door that has them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice

import pytest

import kvdb
from kvdb.api.replicas import ConflictDescription
from kvdb.errors import LimitExceeded, RequestLimitExceeded, ResourceNotFound, TrimmedDataAccess
from kvdb.replica import conflict_log
from kvdb.replica.conflict_log import ConflictTrimmer
from kvdb.replica.topology import named
from tests.conftest import DOORS, client_of
from tests.support.conflicting import OPTIONS, TABLE, Peer, opened_databases

NATIVE_DOORS = [door for door in DOORS if door != "http"]
native = pytest.mark.parametrize("door", NATIVE_DOORS)


class Shop:
    """A shared table with a peer that one conflicts with."""

    def __init__(self, client: kvdb.Client, peer: Peer) -> None:
        self.client, self.peer = client, peer
        self.table = client.table(TABLE)

    def conflict(self, identity: str, n: int = 0) -> None:
        """The peer's version is the later one."""
        self.table.put({"id": identity, "n": n})
        self.peer.write({"id": identity, "n": -1 - n})

    def trim(self, kept: int) -> None:
        floor = self.peer._database._floor
        table = named(floor.catalog, TABLE)
        assert table is not None
        ConflictTrimmer(floor.engine).step(table.descriptor.table_id, kept)


@contextmanager
def shop_at(door: str) -> Iterator[Shop]:
    with opened_databases() as databases, client_of(door, OPTIONS) as client:
        client.create_table(TABLE, key=("id", "S"))
        yield Shop(client, Peer(databases[0]))


def keys(found: list[ConflictDescription]) -> list[object]:
    return [each.key["id"] for each in found]


@native
def test_conflicts_are_followed_as_they_are_decided(door: str) -> None:
    with shop_at(door) as shop:
        shop.conflict("a", 1)
        later = threading.Timer(0.05, lambda: shop.conflict("b", 2))
        later.start()
        with closing(shop.table.conflicts(follow=True)) as feed:
            first, second = islice(feed, 2)
        later.join()
        assert (first.key, second.key) == ({"id": "a"}, {"id": "b"})
        assert (first.stored_item, first.incoming_item) == ({"id": "a", "n": 1}, {"id": "a", "n": -2})
        # Resumed behind the first.
        with closing(shop.table.conflicts(follow=True, after=first.sequence_number)) as feed:
            assert list(islice(feed, 1)) == [second]


@native
def test_both_stamps_and_who_won_are_told_in_full(door: str) -> None:
    with shop_at(door) as shop:
        shop.conflict("a", 1)
        shop.table.put({"id": "b", "n": 1})
        shop.peer.write({"id": "b"}, 1_000, deletes=True)
        theirs, ours = shop.table.conflicts()
        assert theirs.stored_stamp is not None
        assert theirs.incoming_stamp is not None
        assert (theirs.outcome, theirs.winner, theirs.winner_item) == (
            *("INCOMING", theirs.incoming_stamp),
            theirs.incoming_item,
        )
        assert (theirs.stored_stamp.region_name, theirs.incoming_stamp.region_name) == ("amsterdam", "berlin")
        assert theirs.incoming_stamp.counter == 1
        assert theirs.stored_stamp.wall_ms == theirs.stored_ms
        assert (ours.outcome, ours.winner, ours.winner_item) == (
            *("STORED", ours.stored_stamp),
            {"id": "b", "n": 1},
        )
        assert ours.incoming_item is None
        assert ours.incoming_stamp is not None
        assert (ours.incoming_stamp.wall_ms, ours.incoming_stamp.counter) == (1_000, 2)


@native
def test_conflicts_are_asked_for_by_key_outcome_region_time_and_place(door: str) -> None:
    with shop_at(door) as shop:
        for n, identity in enumerate("abcab"):
            shop.conflict(identity, n)
        shop.table.put({"id": "d"})
        shop.peer.write({"id": "d"}, 1_000)
        every = list(shop.table.conflicts())
        table = shop.table
        assert keys(every) == list("abcab")  # the same item from both sides is none
        shop.peer.write({"id": "d", "n": 1}, 1_001)
        (kept,) = table.conflicts(outcome="STORED")
        assert kept.key == {"id": "d"}
        assert keys(list(table.conflicts(key={"id": "a"}))) == ["a", "a"]
        assert keys(list(table.conflicts(newest_first=True, outcome="INCOMING"))) == list("bacba")
        assert keys(list(table.conflicts(after=every[1].sequence_number, region="berlin"))) == list("cabd")
        assert keys(list(table.conflicts(before=every[2].sequence_number))) == list("ab")
        assert not list(table.conflicts(region="cairo"))
        assert not list(table.conflicts(since=kept.decided_ms + 3_600_000))
        assert keys(list(table.conflicts(since=every[0].decided_ms))) == list("abcabd")
        with closing(table.conflicts(follow=True, key={"id": "b"})) as feed:
            assert keys(list(islice(feed, 2))) == ["b", "b"]


@native
def test_pages_of_conflicts_join_without_gaps(door: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conflict_log, "LOOKED_AT_MAX", 2)
    with shop_at(door) as shop:
        for n in range(7):
            shop.conflict(f"{n}", n)
        assert keys(list(shop.table.conflicts())) == list("0123456")
        assert keys(list(shop.table.conflicts(newest_first=True))) == list("6543210")
        assert keys(list(shop.table.conflicts(key={"id": "5"}))) == ["5"]
        with closing(shop.table.conflicts(follow=True, key={"id": "6"})) as feed:
            assert keys(list(islice(feed, 1))) == ["6"]


@native
def test_a_place_whose_followers_were_removed_is_told(door: str) -> None:
    with shop_at(door) as shop:
        for n in range(5):
            shop.conflict(f"{n}", n)
        every = list(shop.table.conflicts())
        shop.trim(2)
        assert keys(list(shop.table.conflicts())) == ["3", "4"]
        for call in (
            lambda: list(shop.table.conflicts(after=every[1].sequence_number)),
            lambda: next(shop.table.conflicts(follow=True, after=every[1].sequence_number)),
        ):
            with pytest.raises(TrimmedDataAccess, match="are not kept any more"):
                call()
        # Nothing is missing behind the last that was removed, nor from the beginning.
        assert keys(list(shop.table.conflicts(after=every[2].sequence_number))) == ["3", "4"]
        with closing(shop.table.conflicts(follow=True)) as feed:
            assert keys(list(islice(feed, 2))) == ["3", "4"]


# What a server has sent ahead lies in buffers of the connection, beyond any test's reach.
@pytest.mark.parametrize("door", ["embedded", "embedded-async"])
def test_a_follower_that_is_too_slow_is_told(door: str) -> None:
    with shop_at(door) as shop:
        shop.conflict("a")
        with closing(shop.table.conflicts(follow=True)) as feed:
            assert next(feed).key == {"id": "a"}
            for identity in "bcd":
                shop.conflict(identity)
            shop.trim(1)
            with pytest.raises(TrimmedDataAccess):
                next(feed)


@native
def test_a_follower_ends_with_its_table(door: str) -> None:
    with shop_at(door) as shop:
        shop.conflict("a")
        with closing(shop.table.conflicts(follow=True, heartbeat_ms=100)) as feed:
            next(feed)
            database = shop.peer._database
            table = named(database._floor.catalog, TABLE)
            assert table is not None
            database._floor.catalog.drop_replica(table)
            with pytest.raises(ResourceNotFound):
                next(feed)


@native
@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"after": -1}, "after_sequence_number is negative"),
        ({"after": 1 << 40}, "a sequence number of another database"),
        ({"after": "x"}, "after_sequence_number"),
        ({"key": {"other": 1}}, "schema"),
        ({"outcome": "LOST"}, "outcome"),
        ({"region": 7}, "region_name"),
        ({"since": -5}, "since_ms is negative"),
    ],
)
@pytest.mark.parametrize("follow", [False, True])
def test_what_cannot_be_asked_for_is_named(
    door: str, given: dict[str, object], fault: str, follow: bool
) -> None:
    with shop_at(door) as shop, pytest.raises(kvdb.ValidationError, match=fault):
        next(shop.table.conflicts(follow=follow, **given))  # type: ignore[arg-type]


@native
def test_a_followed_past_has_no_end_and_one_direction(door: str) -> None:
    with shop_at(door) as shop:
        for given in ({"newest_first": True}, {"before": 5}):
            with pytest.raises(kvdb.ValidationError, match="oldest first"):
                next(shop.table.conflicts(follow=True, **given))  # type: ignore[arg-type]
        with pytest.raises(kvdb.ValidationError, match="heartbeat_ms"):
            next(shop.table.conflicts(follow=True, heartbeat_ms=1))
        with pytest.raises(kvdb.ValidationError, match="before_sequence_number"):
            next(shop.table.conflicts(before=0))
        with pytest.raises(ResourceNotFound):
            next(shop.client.table("nothing").conflicts(follow=True))


@native
def test_followers_are_bounded_and_let_go(door: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kvdb.limits.SUBSCRIPTIONS_MAX", 2)
    with shop_at(door) as shop:
        shop.conflict("a")
        feeds = [shop.table.conflicts(follow=True) for _ in range(2)]
        for feed in feeds:
            next(feed)
        with pytest.raises((LimitExceeded, RequestLimitExceeded)):
            next(shop.table.conflicts(follow=True))
        for feed in feeds:
            feed.close()
        subscriptions = shop.peer._database._subscriptions
        never = threading.Event()
        while subscriptions.count:
            never.wait(0.01)
        with closing(shop.table.conflicts(follow=True)) as feed:
            next(feed)
