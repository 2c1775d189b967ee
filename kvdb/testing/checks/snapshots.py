"""Snapshots, reads of the past, item versions. All of it native."""

from __future__ import annotations

from datetime import UTC, datetime

from kvdb.client.sync import Client
from kvdb.errors import ReadPointExpired, ValidationError
from kvdb.expr.builder import Key
from kvdb.testing.checks.airports import AEY, CPH, KEF, RKV, Check, airports, key_of, raised


def a_snapshot_holds_its_moment(client: Client) -> None:
    table = airports(client, KEF, RKV)
    iceland = Key("country").eq("IS")
    with client.snapshot() as moment:
        table.delete(key_of(RKV))
        table.put(AEY)
        assert table.get(key_of(RKV)) is None
        assert table.get(key_of(RKV), as_of=moment) == RKV
        assert list(table.query(iceland, as_of=moment)) == [KEF, RKV]
        assert table.count(as_of=moment) == 2
        assert table.scan_page(as_of=moment).count == 2
        # A seqno that a snapshot holds can be named as well.
        assert table.get(key_of(RKV), as_of=moment.seqno) == RKV
    raised(ReadPointExpired, lambda: table.get(key_of(RKV), as_of=moment))
    moment.release()


def all_pages_of_a_walk_can_be_of_one_moment(client: Client) -> None:
    table = airports(client, AEY, KEF, RKV)
    iceland = Key("country").eq("IS")
    for walk in (
        table.query(iceland, snapshot=True, page_size=1),
        table.scan(snapshot=True, page_size=1),
        table.query(iceland, snapshot=True, limit=3, page_size=1),
    ):
        items = iter(walk)
        found = [next(items)]
        table.delete(key_of(RKV))
        table.put({**KEF, "icao": "BIZZ"})
        found += list(items)
        assert found == [AEY, KEF, RKV]
        table.put(RKV)
        table.delete({"country": "IS", "icao": "BIZZ"})
    assert table.count(iceland, snapshot=True) == 3


def the_past_ends_where_history_does(client: Client) -> None:
    table = airports(client, KEF)
    with client.snapshot() as moment:
        seqno = moment.seqno
    table.put({**KEF, "elevation": 0})
    raised(ReadPointExpired, lambda: table.get(key_of(KEF), as_of=seqno))
    long_ago, not_yet = datetime(2020, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
    raised(ReadPointExpired, lambda: table.get(key_of(KEF), as_of=long_ago))
    raised(ValidationError, lambda: table.get(key_of(KEF), as_of=seqno + 1_000_000))
    raised(ValidationError, lambda: table.get(key_of(KEF), as_of=not_yet))
    raised(ValidationError, lambda: list(table.scan(as_of=seqno, snapshot=True)))


def the_versions_of_an_item_are_listed(client: Client) -> None:
    table = airports(client, CPH)
    with client.snapshot() as moment:
        (version,) = table.versions(key_of(CPH))
        assert version.item == CPH
        assert version.seqno <= moment.seqno
    assert list(table.versions(key_of(KEF))) == []
    table.delete(key_of(CPH))
    assert next(iter(table.versions(key_of(CPH)))).item is None


CHECKS: tuple[Check, ...] = (
    a_snapshot_holds_its_moment,
    all_pages_of_a_walk_can_be_of_one_moment,
    the_past_ends_where_history_does,
    the_versions_of_an_item_are_listed,
)
