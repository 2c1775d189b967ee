"""Change streams and feeds. The stream operations are the service's; feeds are native."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice

from kvdb.api.streams import (
    GetRecords,
    GetRecordsResult,
    GetShardIterator,
    GetShardIteratorResult,
    Record,
)
from kvdb.client.changes import Change
from kvdb.client.sync import Client
from kvdb.client.sync_table import Table
from kvdb.errors import ResourceNotFound, ValidationError
from kvdb.expr.builder import Attr
from kvdb.testing.checks.airports import AEY, CPH, KEF, RKV, Check, key_of, raised


def _streaming(client: Client, *items: Mapping[str, object]) -> Table:
    """The table of airports, with a stream that has seen all of it."""
    table = client.create_table(
        "airports", key=("country", "S"), sort=("icao", "S"), stream="NEW_AND_OLD_IMAGES"
    )
    for item in items:
        table.put(item)
    return table


def _first(table: Table | Client, count: int, from_: str = "start", **more: object) -> list[Change]:
    with closing(table.changes(from_, **more)) as feed:  # type: ignore[arg-type]
        return list(islice(feed, count))


def a_stream_is_read_shard_by_shard(client: Client) -> None:
    table = _streaming(client, KEF)
    table.put({**KEF, "elevation": 0})
    table.put({**KEF, "elevation": 0})
    table.delete(key_of(KEF))
    (summary,) = client.streams("airports")
    found: list[Record] = []
    for shard in client.describe_stream(summary.stream_arn).shards:
        send = client._transport.send
        place = send(GetShardIterator(summary.stream_arn, shard.shard_id, "TRIM_HORIZON"))
        assert isinstance(place, GetShardIteratorResult)
        page = send(GetRecords(place.shard_iterator))
        assert isinstance(page, GetRecordsResult)
        found += page.records
    assert [(record.event_name, record.dynamodb.new_image) for record in found] == [
        ("INSERT", KEF),
        ("MODIFY", {**KEF, "elevation": 0}),
        ("REMOVE", None),
    ]
    assert all(record.dynamodb.keys == key_of(KEF) for record in found)


def what_is_no_stream_is_refused(client: Client) -> None:
    table = client.create_table("airports", key=("country", "S"))
    assert client.streams() == []
    assert table.describe().latest_stream_arn is None
    arn = table.enable_stream("KEYS_ONLY")
    raised(ValidationError, table.enable_stream)
    raised(ResourceNotFound, lambda: client.describe_stream(arn[:-1] + "x"))
    raised(ValidationError, lambda: client._transport.send(GetRecords("x" * 30)))
    table.disable_stream()
    raised(ValidationError, table.disable_stream)
    assert client.describe_stream(arn).stream_status == "DISABLED"


def a_feed_gives_every_change_in_commit_order(client: Client) -> None:
    table = _streaming(client, KEF, RKV, AEY, CPH)
    table.delete(key_of(RKV))
    changes = _first(table, 5)
    assert [(change.kind, change.keys["icao"]) for change in changes] == [
        ("INSERT", "BIKF"),
        ("INSERT", "BIRK"),
        ("INSERT", "BIAR"),
        ("INSERT", "EKCH"),
        ("REMOVE", "BIRK"),
    ]
    assert (changes[0].new, changes[0].old, changes[4].new, changes[4].old) == (KEF, None, None, RKV)
    assert [change.sequence_number for change in changes] == sorted(
        change.sequence_number for change in changes
    )


def a_cursor_is_a_place_for_good(client: Client) -> None:
    table = _streaming(client, KEF, RKV, AEY)
    first, second, third = _first(table, 3)
    (shard, *_) = client.describe_stream(client.streams()[0].stream_arn).shards
    client.update_stream(client.streams()[0].stream_arn, split=shard.shard_id)
    client.update_stream(client.streams()[0].stream_arn, rotate=True)
    assert _first(table, 2, first.cursor) == [second, third]
    table.put(CPH)
    assert [change.new for change in _first(table, 2, second.cursor)] == [AEY, CPH]
    raised(ValidationError, lambda: _first(table, 1, "no cursor"))


def a_feed_can_follow_all_tables(client: Client) -> None:
    table = _streaming(client)
    place = client.cursor()
    table.put(KEF)
    other = client.create_table("other", key=("k", "S"), stream="NEW_IMAGE")
    other.put({"k": "a"})
    table.put(RKV)
    changes = _first(client, 3, place)
    assert [change.table for change in changes] == ["airports", "other", "airports"]


def a_feed_filters_by_expression_and_by_pattern(client: Client) -> None:
    table = _streaming(client, KEF, RKV, AEY, CPH)
    table.delete(key_of(KEF))
    high = _first(table, 2, filter=Attr("NewImage.elevation").gt(40))
    assert [change.new for change in high] == [KEF, RKV]
    removed = _first(table, 1, filter="eventName = :r", values={":r": "REMOVE"})
    assert [change.old for change in removed] == [KEF]
    danish = _first(table, 1, patterns=[{"dynamodb": {"Keys": {"country": {"S": ["DK"]}}}}])
    assert [change.new for change in danish] == [CPH]
    raised(ValidationError, lambda: _first(table, 1, filter="eventName ="))
    raised(ValidationError, lambda: _first(table, 1, patterns=["{"]))


def a_view_of_a_feed_leaves_out_images(client: Client) -> None:
    table = _streaming(client, KEF)
    table.put({**KEF, "elevation": 0})
    for view, has_new, has_old in (
        ("KEYS_ONLY", False, False),
        ("NEW_IMAGE", True, False),
        ("OLD_IMAGE", False, True),
    ):
        change = _first(table, 2, view=view)[1]
        assert change.keys == key_of(KEF)
        assert (change.new is not None, change.old is not None) == (has_new, has_old), view


def a_feed_begins_at_a_time(client: Client) -> None:
    table = _streaming(client, KEF)
    now = datetime.fromtimestamp(_first(table, 1)[0].created_ms / 1000, UTC)
    assert _first(table, 1, now - timedelta(hours=1))[0].new == KEF  # type: ignore[arg-type]
    raised(ValidationError, lambda: _first(table, 1, now + timedelta(hours=1)))  # type: ignore[arg-type]


def a_feed_of_a_table_without_a_stream_is_refused(client: Client) -> None:
    table = client.create_table("plain", key=("k", "S"))
    raised(ValidationError, lambda: _first(table, 1))
    raised(ResourceNotFound, lambda: _first(client.table("absent"), 1))


def a_feed_of_a_dropped_table_ends(client: Client) -> None:
    table = _streaming(client)
    place = client.cursor()
    table.put(KEF)
    client.delete_table("airports")
    with closing(client.changes(place)) as everything:
        assert next(everything).new == KEF
    raised(ResourceNotFound, lambda: _first(table, 1, place))


NATIVE: frozenset[Check] = frozenset(
    (
        a_feed_gives_every_change_in_commit_order,
        a_cursor_is_a_place_for_good,
        a_feed_can_follow_all_tables,
        a_feed_filters_by_expression_and_by_pattern,
        a_view_of_a_feed_leaves_out_images,
        a_feed_begins_at_a_time,
        a_feed_of_a_table_without_a_stream_is_refused,
        a_feed_of_a_dropped_table_ends,
    )
)
CHECKS: tuple[Check, ...] = (
    a_stream_is_read_shard_by_shard,
    what_is_no_stream_is_refused,
    a_feed_gives_every_change_in_commit_order,
    a_cursor_is_a_place_for_good,
    a_feed_can_follow_all_tables,
    a_feed_filters_by_expression_and_by_pattern,
    a_view_of_a_feed_leaves_out_images,
    a_feed_begins_at_a_time,
    a_feed_of_a_table_without_a_stream_is_refused,
    a_feed_of_a_dropped_table_ends,
)
