"""Feeds, on the world of ``test_service``: what is theirs alone, and is not shown through the doors."""

from __future__ import annotations

import random
import threading
from dataclasses import replace

import pytest

from kvdb import limits
from kvdb.api.items import DeleteItem, PutItem, TransactWriteItems
from kvdb.api.streams import FeedPage, ListStreams, Record, Subscribe, UpdateStream
from kvdb.api.tables import StreamSpecification, UpdateTable
from kvdb.database.database import Database
from kvdb.database.subscription import Subscription
from kvdb.errors import ClosedError, LimitExceeded, TrimmedDataAccess, ValidationError
from kvdb.options import DatabaseOptions, EngineOptions
from kvdb.testing.manual_clock import START_WALL_MS
from tests.support.builders import DIRECTORY, make_env, run_jobs
from tests.support.stream_reading import replayed
from tests.unit.stream.test_service import HOUR_MS, World, with_stream

START = Subscribe("ttt", "START")


@pytest.fixture
def world() -> World:
    return World()


def told(subscription: Subscription) -> list[Record]:
    """What a feed tells without waiting; its heartbeats left out."""
    records: list[Record] = []
    while (page := subscription._next()) is not None:
        records += page.records
    return records


def place_of(subscription: Subscription) -> str:
    """How far a feed has come."""
    return subscription._feed.heartbeat().cursor


def test_the_first_page_says_where_the_feed_begins(world: World) -> None:
    world.put("a")
    with world.db.subscribe(Subscribe("ttt")) as feed:
        first = next(feed.pages())
    assert first == FeedPage([], first.cursor)
    world.put("b")
    with world.db.subscribe(Subscribe("ttt", "CURSOR", first.cursor)) as again:
        assert [record.dynamodb.keys for record in told(again)] == [{"k": "b"}]


def test_a_feed_holds_its_order_over_several_streams_of_a_table(world: World) -> None:
    world.put("a")
    world.db.call(UpdateTable("ttt", stream_specification=StreamSpecification(False)))
    world.put("unseen")
    world.db.call(UpdateTable("ttt", stream_specification=StreamSpecification(True, "KEYS_ONLY")))
    world.put("b")
    with world.db.subscribe(START) as feed:
        records = told(feed)
    assert [(record.dynamodb.keys["k"], record.dynamodb.stream_view_type) for record in records] == [
        ("a", "NEW_AND_OLD_IMAGES"),
        ("b", "KEYS_ONLY"),
    ]
    with world.db.subscribe(Subscribe("ttt", "START", view_type="NEW_IMAGE")) as feed:
        assert [record.dynamodb.new_image for record in told(feed)] == [{"k": "a"}, None]


def test_what_is_committed_together_comes_together(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kvdb.stream.feed.PAGE_COUNT", 10)
    for start in range(0, 60, 6):
        puts = [PutItem("ttt", {"k": f"k{number}"}) for number in range(start, start + 6)]
        world.db.call(TransactWriteItems(puts))
    with world.db.subscribe(START) as feed:
        pages = []
        while (page := feed._next()) is not None:
            pages.append([record.commit_number for record in page.records])
    assert [len(page) for page in pages if page] == [6] * 10


def test_a_feed_that_is_late_is_told(world: World) -> None:
    world.put("a")
    with world.db.subscribe(Subscribe("ttt")) as feed:
        place = next(feed.pages()).cursor
    world.put("b")
    with world.db.subscribe(Subscribe("ttt", "CURSOR", place)) as late:
        next(late.pages())
        world.clock.advance_ms(25 * HOUR_MS)
        run_jobs(world.env)
        with pytest.raises(TrimmedDataAccess):
            late._next()
    with pytest.raises(TrimmedDataAccess):
        world.db.subscribe(Subscribe("ttt", "CURSOR", place))
    with world.db.subscribe(START) as feed:
        assert told(feed) == []


@pytest.mark.parametrize("table_name", ["ttt", None])
def test_a_feed_is_told_of_changes_that_went_with_their_stream(world: World, table_name: str | None) -> None:
    with world.db.subscribe(Subscribe(table_name)) as feed:
        place = next(feed.pages()).cursor
    world.put("a")
    with world.db.subscribe(START) as feed:
        told(feed)
        behind = place_of(feed)
    world.db.call(UpdateTable("ttt", stream_specification=StreamSpecification(False)))
    world.clock.advance_ms(25 * HOUR_MS)
    run_jobs(world.env)
    assert world.db.call(ListStreams()).streams == []  # type: ignore[union-attr]
    world.db.call(UpdateTable("ttt", stream_specification=StreamSpecification(True, "NEW_IMAGE")))
    world.put("b")
    for _ in range(2):
        with pytest.raises(TrimmedDataAccess):
            world.db.subscribe(Subscribe(table_name, "CURSOR", place))
        with world.db.subscribe(Subscribe(table_name, "CURSOR", behind)) as feed:
            assert [record.dynamodb.keys for record in told(feed)] == [{"k": "b"}]
        world.reopen()


def test_what_went_with_the_stream_of_another_table_is_nothing_to_a_feed(world: World) -> None:
    world.db.call(replace(with_stream(retention_ms=48 * HOUR_MS), table_name="other"))
    with world.db.subscribe(Subscribe("other")) as feed:
        place = next(feed.pages()).cursor
    world.put("a")
    world.db.call(UpdateTable("ttt", stream_specification=StreamSpecification(False)))
    world.clock.advance_ms(25 * HOUR_MS)
    run_jobs(world.env)
    world.db.call(PutItem("other", {"k": "b"}))
    with world.db.subscribe(Subscribe("other", "CURSOR", place)) as feed:
        assert [record.dynamodb.keys for record in told(feed)] == [{"k": "b"}]


def test_a_cursor_of_a_quiet_table_outlives_the_retention(world: World) -> None:
    world.put("a")
    with world.db.subscribe(START) as feed:
        told(feed)
        place = place_of(feed)
    world.clock.advance_ms(30 * HOUR_MS)
    run_jobs(world.env)
    world.put("b")
    with world.db.subscribe(Subscribe("ttt", "CURSOR", place)) as feed:
        assert [record.dynamodb.keys for record in told(feed)] == [{"k": "b"}]


def test_a_cursor_outlives_restarts_and_power_losses(world: World) -> None:
    world.put("a")
    with world.db.subscribe(START) as feed:
        told(feed)
        place = place_of(feed)
    world.put("b")
    world.reopen()
    with world.db.subscribe(Subscribe("ttt", "CURSOR", place)) as feed:
        assert [record.dynamodb.keys for record in told(feed)] == [{"k": "b"}]


def test_heartbeats_come_when_nothing_passes(world: World) -> None:
    request = Subscribe(
        "ttt",
        filter_expression="eventName = :r",
        expression_attribute_values={":r": "REMOVE"},
        heartbeat_ms=1_000,
    )
    with world.db.subscribe(request) as feed:
        first = feed._next()
        assert first is not None
        world.put("a")
        assert feed._next() is None
        world.clock.advance_ms(1_000)
        beat = feed._next()
        assert beat is not None
        assert beat.records == []
        assert beat.cursor != first.cursor
        world.db.call(DeleteItem("ttt", {"k": "a"}))
        assert [record.event_name for record in told(feed)] == ["REMOVE"]


def test_a_feed_begins_at_a_time(world: World) -> None:
    for key in "abc":
        world.put(key)
        world.clock.advance_ms(10_000)
    with world.db.subscribe(Subscribe("ttt", "TIMESTAMP", timestamp_ms=START_WALL_MS + 10_000)) as feed:
        assert [record.dynamodb.keys["k"] for record in told(feed)] == ["b", "c"]


@pytest.mark.parametrize(
    "request_",
    [
        Subscribe("ttt", "CURSOR"),
        Subscribe("ttt", "NOW", "cursor"),
        Subscribe("ttt", "TIMESTAMP"),
        Subscribe("ttt", "LATER"),  # type: ignore[arg-type]
        Subscribe("ttt", heartbeat_ms=1),
        Subscribe("ttt", view_type="ALL"),  # type: ignore[arg-type]
        Subscribe("ttt", expression_attribute_values={":a": 1}),
        Subscribe("ttt", filter_expression="eventName = :a", expression_attribute_values={":a": 1, ":b": 1}),
        Subscribe("ttt", filter_patterns=["{}"] * 6),
    ],
)
def test_what_is_no_feed_is_refused(world: World, request_: Subscribe) -> None:
    with pytest.raises(ValidationError):
        world.db.subscribe(request_)
    assert world.db._subscriptions.count == 0


def test_the_number_of_feeds_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SUBSCRIPTIONS_MAX", 1)
    with world.db.subscribe(START) as feed:
        with pytest.raises(LimitExceeded):
            world.db.subscribe(START)
        feed.close()
        feed.close()
    world.db.subscribe(START).close()


def test_closing_the_database_ends_a_feed_that_waits() -> None:
    with Database.open(":memory:") as db:
        db.call(with_stream())
        feed = db.subscribe(START)
        ended: list[BaseException] = []

        def follow() -> None:
            try:
                for _ in feed.pages():
                    pass
            except ClosedError as closed:
                ended.append(closed)

        reader = threading.Thread(target=follow)
        reader.start()
    reader.join(30)
    assert len(ended) == 1


def test_a_database_that_is_open_read_only_has_feeds() -> None:
    world = World()
    world.put("a")
    world.db.close()
    options = DatabaseOptions(engine=EngineOptions(read_only=True))
    env = make_env(world.env.fs, world.clock)
    with Database.open(DIRECTORY, options, env) as db, db.subscribe(START) as feed:
        assert [record.dynamodb.keys for record in told(feed)] == [{"k": "a"}]


@pytest.mark.parametrize("seed", range(6))
def test_readers_beside_writers_and_divisions_get_everything_once(seed: int) -> None:
    """With threads: writers, one who divides, one reader by feed; the replay is the table."""
    with Database.open(":memory:") as db:
        described = db.call(with_stream())
        arn = described.table_description.latest_stream_arn  # type: ignore[union-attr]
        done = threading.Event()

        def write(number: int) -> None:
            chance = random.Random(1_000 * seed + number)
            for _ in range(60):
                db.call(PutItem("ttt", {"k": f"k{chance.randrange(9)}", "n": chance.randrange(10**9)}))

        def divide() -> None:
            while not done.is_set():
                db.call(UpdateStream(arn, rotate=True))
                done.wait(0.002)

        writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        divider = threading.Thread(target=divide)
        found: list[Record] = []
        with db.subscribe(START) as feed:
            pages = feed.pages()
            for thread in (*writers, divider):
                thread.start()
            while len(found) < 240:
                found += next(pages).records
        for thread in writers:
            thread.join()
        done.set()
        divider.join()
        numbers = [record.dynamodb.sequence_number for record in found]
        assert numbers == sorted(set(numbers))
        assert len(replayed(found, ["k"])) == 9
