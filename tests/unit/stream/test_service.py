"""The stream operations, on a table ``t`` of a database without threads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kvdb import limits
from kvdb.api.items import ConditionCheck, DeleteItem, PutItem, TransactWriteItems, UpdateItem
from kvdb.api.streams import (
    TTL_IDENTITY,
    DescribeStream,
    GetRecords,
    ListStreams,
    ShardFilter,
    UpdateStream,
)
from kvdb.api.tables import (
    CreateTable,
    DeleteTable,
    DescribeTable,
    StreamSpecification,
    UpdateTable,
    UpdateTimeToLive,
)
from kvdb.database.database import Database
from kvdb.errors import (
    ExpiredIterator,
    LimitExceeded,
    ResourceNotFound,
    TrimmedDataAccess,
    ValidationError,
)
from kvdb.testing.manual_clock import START_WALL_MS, ManualClock
from tests.support.builders import make_env, open_database, run_jobs, table_request
from tests.support.stream_reading import Consumer, iterator, read, replayed, shards_of

HOUR_MS = 60 * 60 * 1000
ON = StreamSpecification(True, "NEW_AND_OLD_IMAGES")


def with_stream(view: str = "NEW_AND_OLD_IMAGES", **more: object) -> CreateTable:
    stream = StreamSpecification(True, view, **more)  # type: ignore[arg-type]
    return replace(table_request("ttt", ("k", "S")), stream_specification=stream)


class World:
    """A database, its clock, and the stream of its table."""

    def __init__(self, request: CreateTable | None = None) -> None:
        self.clock = ManualClock()
        self.env = make_env(clock=self.clock)
        self.db: Database = open_database(self.env)
        self.db.call(request or with_stream())
        arn = self.db.call(DescribeTable("ttt")).table.latest_stream_arn  # type: ignore[union-attr]
        assert arn is not None
        self.arn = arn

    def put(self, *keys: str, **attributes: object) -> None:
        for key in keys:
            self.db.call(PutItem("ttt", {"k": key, **attributes}))  # type: ignore[dict-item]

    def consumer(self) -> Consumer:
        return Consumer(self.db.call, self.arn)

    def reopen(self) -> None:
        self.db.close()
        self.env = make_env(self.env.fs, self.clock)
        self.db = open_database(self.env)

    def open_shard_ids(self) -> list[str]:
        shards = shards_of(self.db.call, self.arn)
        return [shard.shard_id for shard in shards if shard.ending_sequence_number is None]


@pytest.fixture
def world() -> World:
    return World()


def test_every_change_is_a_record_and_no_change_is_none(world: World) -> None:
    world.put("a", n=1)
    world.put("a", n=1)
    world.put("a", n=2)
    world.db.call(UpdateItem("ttt", {"k": "a"}, "SET n = :two", expression_attribute_values={":two": 2}))
    world.db.call(DeleteItem("ttt", {"k": "a"}))
    world.db.call(DeleteItem("ttt", {"k": "a"}))
    records = world.consumer().catch_up()
    assert [
        (record.event_name, record.dynamodb.old_image, record.dynamodb.new_image) for record in records
    ] == [
        ("INSERT", None, {"k": "a", "n": 1}),
        ("MODIFY", {"k": "a", "n": 1}, {"k": "a", "n": 2}),
        ("REMOVE", {"k": "a", "n": 2}, None),
    ]
    assert len({record.event_id for record in records}) == 3
    numbers = [record.dynamodb.sequence_number for record in records]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    ("view", "old", "new"),
    [
        ("KEYS_ONLY", None, None),
        ("NEW_IMAGE", None, {"k": "a", "n": 2}),
        ("OLD_IMAGE", {"k": "a", "n": 1}, None),
        ("NEW_AND_OLD_IMAGES", {"k": "a", "n": 1}, {"k": "a", "n": 2}),
    ],
)
def test_a_view_shows_what_it_is_called_after(view: str, old: object, new: object) -> None:
    world = World(with_stream(view))
    world.put("a", n=1)
    world.put("a", n=2)
    record = world.consumer().catch_up()[1].dynamodb
    assert (record.keys, record.old_image, record.new_image) == ({"k": "a"}, old, new)
    assert record.stream_view_type == view
    assert record.size_bytes == 2 + 4 * sum(image is not None for image in (old, new)) + (
        sum(image is not None for image in (old, new))
    )


def test_what_is_committed_together_has_one_commit_number(world: World) -> None:
    world.put("x")
    world.db.call(
        TransactWriteItems(
            [
                PutItem("ttt", {"k": "a"}),
                PutItem("ttt", {"k": "b"}),
                ConditionCheck("ttt", {"k": "x"}, "attribute_exists(k)"),
                DeleteItem("ttt", {"k": "x"}),
            ][:3]
        )
    )
    world.put("c")
    commits = {str(record.dynamodb.keys["k"]): record.commit_number for record in world.consumer().catch_up()}
    assert commits["a"] == commits["b"]
    assert len(set(commits.values())) == 3


def test_expired_items_are_the_services_deletes(world: World) -> None:
    world.db.call(UpdateTimeToLive("ttt", "gone", True))
    world.put("a", gone=START_WALL_MS // 1000 + 5)
    for _ in range(30):
        world.clock.advance_ms(2_000)
        run_jobs(world.env)
    records = world.consumer().catch_up()
    assert [record.event_name for record in records] == ["INSERT", "REMOVE"]
    assert [record.user_identity for record in records] == [None, TTL_IDENTITY]


# Discovery.


def test_streams_are_listed_by_table_and_page(world: World) -> None:
    world.db.call(replace(table_request("uuu", ("k", "S")), stream_specification=ON))
    everything = world.db.call(ListStreams())
    assert [summary.table_name for summary in everything.streams] == ["ttt", "uuu"]  # type: ignore[union-attr]
    first = world.db.call(ListStreams(limit=1))
    assert first.last_evaluated_stream_arn == world.arn  # type: ignore[union-attr]
    rest = world.db.call(ListStreams(exclusive_start_stream_arn=world.arn))
    assert [summary.table_name for summary in rest.streams] == ["uuu"]  # type: ignore[union-attr]
    assert rest.last_evaluated_stream_arn is None  # type: ignore[union-attr]
    only = world.db.call(ListStreams("uuu"))
    assert [summary.stream_arn for summary in only.streams] == [rest.streams[0].stream_arn]  # type: ignore[union-attr]


def test_a_description_pages_through_the_shards(world: World) -> None:
    assert len(shards_of(world.db.call, world.arn)) == limits.SHARDS_AT_FIRST
    assert shards_of(world.db.call, world.arn, page=1) == shards_of(world.db.call, world.arn)
    described = world.db.call(DescribeStream(world.arn)).stream_description  # type: ignore[union-attr]
    assert (described.stream_status, described.table_name) == ("ENABLED", "ttt")
    assert described.retention_ms == 24 * HOUR_MS
    assert described.creation_request_date_time_ms == START_WALL_MS


def test_children_can_be_asked_for(world: World) -> None:
    parent = world.open_shard_ids()[0]
    world.db.call(UpdateStream(world.arn, split_shard_id=parent))
    request = DescribeStream(world.arn, shard_filter=ShardFilter("CHILD_SHARDS", parent))
    children = world.db.call(request).stream_description.shards  # type: ignore[union-attr]
    assert [child.parent_shard_id for child in children] == [parent, parent]


def test_what_is_not_there_is_not_found(world: World) -> None:
    with pytest.raises(ResourceNotFound, match=r"Stream: .* not found"):
        world.db.call(DescribeStream(world.arn + "x"))
    with pytest.raises(ResourceNotFound, match=r"Shard: .* not found"):
        iterator(world.db.call, world.arn, "shardId-" + "0" * 29)


# Where to begin.


def test_iterators_begin_where_their_type_says(world: World) -> None:
    world.put(*"abc")
    shard = world.open_shard_ids()
    everything = world.consumer().catch_up()
    middle = everything[1].dynamodb.sequence_number

    def keys_from(kind: str, **more: object) -> set[str]:
        found = set()
        for shard_id in shard:
            try:
                place = iterator(world.db.call, world.arn, shard_id, kind, **more)
            except ValidationError:
                continue
            found |= {str(each.dynamodb.keys["k"]) for each in read(world.db.call, place).records}
        return found

    ordered = sorted(everything, key=lambda each: each.dynamodb.sequence_number)
    middle = ordered[1].dynamodb.sequence_number
    assert keys_from("TRIM_HORIZON") == {"a", "b", "c"}
    assert keys_from("AT_SEQUENCE_NUMBER", sequence_number=middle) == {"b", "c"}
    assert keys_from("AFTER_SEQUENCE_NUMBER", sequence_number=middle) == {"c"}
    assert keys_from("LATEST") == set()


def test_latest_gives_what_comes_afterwards(world: World) -> None:
    world.put("a")
    places = [iterator(world.db.call, world.arn, each, "LATEST") for each in world.open_shard_ids()]
    world.put("b")
    found = [record for place in places for record in read(world.db.call, place).records]
    assert [record.dynamodb.keys for record in found] == [{"k": "b"}]


def test_a_timestamp_gives_everything_since(world: World) -> None:
    for key in "abcdefgh":
        world.put(key)
        world.clock.advance_ms(40_000)
    for number, key in enumerate("abcdefgh"):
        at = START_WALL_MS + number * 40_000
        found = set()
        for shard_id in world.open_shard_ids():
            place = iterator(world.db.call, world.arn, shard_id, "AT_TIMESTAMP", timestamp_ms=at)
            found |= {str(each.dynamodb.keys["k"]) for each in read(world.db.call, place).records}
        assert found == set("abcdefgh"["abcdefgh".index(key) :])
    with pytest.raises(ValidationError, match="must not be in the future"):
        iterator(
            world.db.call,
            world.arn,
            world.open_shard_ids()[0],
            "AT_TIMESTAMP",
            timestamp_ms=START_WALL_MS + HOUR_MS,
        )


def test_a_sequence_number_of_another_shard_is_refused(world: World) -> None:
    world.put("a")
    parent = world.open_shard_ids()[0]
    world.db.call(UpdateStream(world.arn, split_shard_id=parent))
    child = next(each for each in shards_of(world.db.call, world.arn) if each.parent_shard_id == parent)
    with pytest.raises(ValidationError, match="Invalid SequenceNumber"):
        iterator(
            world.db.call,
            world.arn,
            parent,
            "AFTER_SEQUENCE_NUMBER",
            sequence_number=str(int(child.starting_sequence_number) + 1),
        )


# Pages.


def test_pages_have_as_many_records_as_asked_for_and_end_between_commits(world: World) -> None:
    world = World(replace(with_stream(), table_name="ttt"))
    keys = [f"key-{number}" for number in range(40)]
    for start in range(0, 40, 4):
        puts = [PutItem("ttt", {"k": key}) for key in keys[start : start + 4]]
        world.db.call(TransactWriteItems(puts))
    seen = []
    for shard_id in world.open_shard_ids():
        place: str | None = iterator(world.db.call, world.arn, shard_id)
        while True:
            page = read(world.db.call, place, 5)
            assert len(page.records) <= 5
            if not page.records:
                break
            following = read(world.db.call, page.next_shard_iterator, 1).records
            if following and len({record.commit_number for record in page.records}) > 1:
                assert following[0].commit_number != page.records[-1].commit_number
            seen += page.records
            place = page.next_shard_iterator
    assert sorted(str(record.dynamodb.keys["k"]) for record in seen) == sorted(keys)


def test_a_page_has_at_most_a_megabyte_and_at_least_one_record(world: World) -> None:
    world.put("a", blob=b"x" * 300_000)
    for number in range(8):
        world.put("a", blob=bytes([number]) * 300_000)
    consumer = world.consumer()
    place: str | None = next(
        iterator(world.db.call, world.arn, each)
        for each in world.open_shard_ids()
        if read(world.db.call, iterator(world.db.call, world.arn, each)).records
    )
    counts = []
    while (page := read(world.db.call, place)).records:
        counts.append(len(page.records))
        place = page.next_shard_iterator
    assert set(counts[1:-1]) == {1}
    assert sum(counts) == 9 == len(consumer.catch_up())


def test_forged_and_old_iterators_are_refused(world: World) -> None:
    place = iterator(world.db.call, world.arn, world.open_shard_ids()[0])
    with pytest.raises(ValidationError, match="Invalid ShardIterator"):
        world.db.call(GetRecords(place[:-2] + "AA"))
    world.clock.advance_ms(15 * 60_000 + 1)
    with pytest.raises(ExpiredIterator):
        world.db.call(GetRecords(place))


def test_an_iterator_survives_a_restart(world: World) -> None:
    world.put(*"abc")
    places = [iterator(world.db.call, world.arn, each) for each in world.open_shard_ids()]
    world.reopen()
    found = {str(each.dynamodb.keys["k"]) for place in places for each in read(world.db.call, place).records}
    assert found == {"a", "b", "c"}


# Shards.


def test_a_divided_stream_loses_and_repeats_nothing(world: World) -> None:
    consumer = world.consumer()
    for number in range(200):
        world.put(f"k{number % 23}", n=number)
        if number % 11 == 0:
            opened = world.open_shard_ids()
            if number % 22 == 0:
                world.db.call(UpdateStream(world.arn, split_shard_id=opened[number % len(opened)]))
            else:
                world.db.call(UpdateStream(world.arn, rotate=True))
        if number % 17 == 0:
            consumer.catch_up(limit=3)
        if number % 50 == 49:
            world.reopen()
            consumer.call = world.db.call
    consumer.catch_up()
    assert len(consumer.records) == 200
    table = replayed(consumer.records, ["k"])
    assert {key: item["n"] for (key,), item in table.items()} == {
        f"k{number % 23}": number for number in range(177, 200)
    }


def test_a_merged_shard_begins_when_both_parents_have_ended(world: World) -> None:
    world.put(*"abcdefgh", n=1)
    first, second = world.open_shard_ids()[:2]
    world.db.call(UpdateStream(world.arn, merge_shard_ids=[first, second]))
    world.put(*"abcdefgh", n=2)
    assert len(world.open_shard_ids()) == limits.SHARDS_AT_FIRST - 1
    replayed(world.consumer().catch_up(), ["k"])


def test_how_often_a_stream_is_divided_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STREAM_DIVISIONS_MAX", 2)
    world.db.call(UpdateStream(world.arn, rotate=True))
    with pytest.raises(LimitExceeded, match="divided as often"):
        world.db.call(UpdateStream(world.arn, rotate=True))


# The life of a stream.


def test_a_disabled_stream_ends_and_stays_readable(world: World) -> None:
    world.put("a")
    world.db.call(UpdateTable("ttt", stream_specification=StreamSpecification(False)))
    world.put("b")
    consumer = world.consumer()
    assert [record.dynamodb.keys for record in consumer.catch_up()] == [{"k": "a"}]
    assert set(consumer.places.values()) == {None}
    described = world.db.call(DescribeStream(world.arn)).stream_description  # type: ignore[union-attr]
    assert described.stream_status == "DISABLED"
    with pytest.raises(ValidationError, match="has ended"):
        world.db.call(UpdateStream(world.arn, rotate=True))


def test_a_stream_enabled_again_is_another(world: World) -> None:
    world.put("a")
    world.db.call(UpdateTable("ttt", stream_specification=StreamSpecification(False)))
    world.db.call(UpdateTable("ttt", stream_specification=ON))
    world.put("b")
    again = world.db.call(DescribeTable("ttt")).table.latest_stream_arn  # type: ignore[union-attr]
    assert again is not None
    assert again != world.arn
    assert [record.dynamodb.keys for record in world.consumer().catch_up()] == [{"k": "a"}]
    assert [record.dynamodb.keys for record in Consumer(world.db.call, again).catch_up()] == [{"k": "b"}]


def test_the_stream_of_a_dropped_table_stays_for_a_day(world: World) -> None:
    world.put("a")
    world.db.call(DeleteTable("ttt"))
    world.reopen()
    run_jobs(world.env)
    assert len(world.consumer().catch_up()) == 1
    world.clock.advance_ms(24 * HOUR_MS + 20_000)
    run_jobs(world.env)
    with pytest.raises(ResourceNotFound):
        world.db.call(DescribeStream(world.arn))
    world.reopen()
    assert world.db.call(ListStreams()).streams == []  # type: ignore[union-attr]


# Retention.


def test_records_older_than_the_retention_are_trimmed_and_said_to_be(world: World) -> None:
    world.put("a")
    consumer = world.consumer()
    old = consumer.catch_up()[0]
    at_old = next(shard_id for shard_id, records in consumer.by_shard.items() if records)
    world.clock.advance_ms(20 * HOUR_MS)
    world.put("b")
    world.clock.advance_ms(4 * HOUR_MS + 120_000)
    run_jobs(world.env)
    fresh = [record.dynamodb.keys for record in world.consumer().catch_up()]
    assert fresh == [{"k": "b"}]
    with pytest.raises((TrimmedDataAccess, ResourceNotFound)):
        iterator(
            world.db.call,
            world.arn,
            at_old,
            "AT_SEQUENCE_NUMBER",
            sequence_number=old.dynamodb.sequence_number,
        )
    world.reopen()
    assert [record.dynamodb.keys for record in world.consumer().catch_up()] == [{"k": "b"}]


def test_an_iterator_whose_records_go_is_told(world: World) -> None:
    world.put("a")
    world.clock.advance_ms(24 * HOUR_MS + 70_000)
    seen = world.consumer()
    seen.catch_up()
    shard_id, records = next((each, found) for each, found in seen.by_shard.items() if found)
    place = iterator(
        world.db.call,
        world.arn,
        shard_id,
        "AT_SEQUENCE_NUMBER",
        sequence_number=records[0].dynamodb.sequence_number,
    )
    run_jobs(world.env)
    with pytest.raises(TrimmedDataAccess):
        read(world.db.call, place)


def test_retention_is_by_stream_and_can_change() -> None:
    world = World(with_stream(retention_ms=HOUR_MS))
    world.put("a")
    world.clock.advance_ms(2 * HOUR_MS)
    run_jobs(world.env)
    assert world.consumer().catch_up() == []
    world.db.call(UpdateStream(world.arn, retention_ms=365 * 24 * HOUR_MS))
    world.put("b")
    world.clock.advance_ms(300 * 24 * HOUR_MS)
    world.reopen()
    run_jobs(world.env)
    assert [record.dynamodb.keys for record in world.consumer().catch_up()] == [{"k": "b"}]


@pytest.mark.parametrize("retention_ms", [HOUR_MS - 1, 366 * 24 * HOUR_MS])
def test_a_retention_has_bounds(world: World, retention_ms: int) -> None:
    with pytest.raises(ValidationError, match="between 3600000"):
        world.db.call(UpdateStream(world.arn, retention_ms=retention_ms))


# The keeper's divisions.


def test_shards_that_have_got_changes_are_rotated_after_four_hours(world: World) -> None:
    world.put("a")
    world.clock.advance_ms(4 * HOUR_MS + 11_000)
    run_jobs(world.env)
    assert len(shards_of(world.db.call, world.arn)) == 2 * limits.SHARDS_AT_FIRST
    world.clock.advance_ms(8 * HOUR_MS)
    run_jobs(world.env)
    assert len(shards_of(world.db.call, world.arn)) == 2 * limits.SHARDS_AT_FIRST


def test_a_busy_shard_is_split_and_quiet_ones_merge(world: World) -> None:
    for number in range(2_500):
        world.put(f"k{number}")
    world.clock.advance_ms(11_000)
    run_jobs(world.env)
    assert len(world.open_shard_ids()) == limits.SHARDS_AT_FIRST
    for number in range(2_500):
        world.put(f"k{number}", n=1)
    # The clock stands still meanwhile: more than any rate.
    run_jobs(world.env)
    world.reopen()
    run_jobs(world.env)
    busy = len(world.open_shard_ids())
    assert busy > limits.SHARDS_AT_FIRST
    world.clock.advance_ms(2 * HOUR_MS)
    run_jobs(world.env)
    assert len(world.open_shard_ids()) < busy
    replayed(world.consumer().catch_up(), ["k"])
