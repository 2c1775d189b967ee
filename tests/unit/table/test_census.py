from __future__ import annotations

import pytest

from kvdb.api.items import DeleteItem, PutItem
from kvdb.api.tables import (
    AttributeDefinition,
    DescribeTable,
    IndexSpecification,
    KeySchemaElement,
    Projection,
)
from kvdb.errors import CorruptionError, DiskError, DiskFull, ReadOnlyDegraded
from kvdb.lsm.batch import WriteBatch
from kvdb.table import keys
from kvdb.table.census import Census
from kvdb.table.description import Size
from kvdb.table.writer import Writer, run
from kvdb.testing.manual_clock import START_WALL_MS, ManualClock
from tests.support.builders import (
    Floor,
    failing_floor,
    make_env,
    open_database,
    open_floor,
    put_airport,
    reloaded,
    run_jobs,
    table_request,
)

ITEM_BYTES = len("country") + 2 + len("icao") + 4


def census(floor: Floor) -> Census:
    return Census(floor.catalog, floor.engine, floor.env.clock)


def count(job: Census, now_ms: int = START_WALL_MS) -> int | None:
    """Step until no table is due; gives how long the job wants to wait then."""
    for _ in range(10_000):
        wait_ms = job.step(now_ms)
        if wait_ms is None or wait_ms > 1:
            return wait_ms
    raise AssertionError("the census does not come to rest")


def counted(floor: Floor, name: str = "airports") -> tuple[int, int]:
    description = floor.catalog.described(name)
    return description.item_count, description.table_size_bytes


def test_a_table_and_its_indexes_are_counted():
    floor = open_floor()
    request = table_request(sort=("icao", "S"))
    request.attribute_definitions.append(AttributeDefinition("city", "S"))
    keys_only = IndexSpecification("by-city", (KeySchemaElement("city", "HASH"),), Projection("KEYS_ONLY"))
    request.global_secondary_indexes = [keys_only]
    floor.create(request)
    for number in range(3):
        put_airport(floor, f"{number:04}")
    item = {"country": "IS", "icao": "BIKF", "city": "Keflavik", "rest": "x" * 1000}
    run(floor.writer.put_item(PutItem("airports", item)), floor.engine, floor.latches)
    assert counted(floor) == (0, 0)
    count(census(floor))
    assert counted(floor) == (4, 4 * ITEM_BYTES + len("city") + 8 + len("rest") + 1000)
    (index,) = floor.catalog.described("airports").global_secondary_indexes
    assert (index.item_count, index.index_size_bytes) == (1, ITEM_BYTES + len("city") + 8)


def test_a_large_table_is_counted_in_chunks():
    floor = open_floor()
    floor.create()
    for number in range(4_500):
        put_airport(floor, f"{number:04}")
    job = census(floor)
    assert [job.step(START_WALL_MS) for _ in range(2)] == [1, 1]
    assert counted(floor) == (0, 0)
    assert job.step(START_WALL_MS) == 1
    assert counted(floor) == (4_500, 4_500 * ITEM_BYTES)


def test_it_counts_again_only_after_writes_and_not_too_soon():
    floor = open_floor()
    floor.create()
    put_airport(floor, "BIKF")
    job = census(floor)
    assert count(job) == Census.PAUSE_MS_MIN
    put_airport(floor, "BIRK")
    assert job.step(START_WALL_MS + Census.PAUSE_MS_MIN - 1) == 1
    assert counted(floor)[0] == 1
    count(job, START_WALL_MS + Census.PAUSE_MS_MIN)
    assert counted(floor)[0] == 2
    seqno = floor.engine.last_seqno
    for round_ in range(2, 5):
        count(job, START_WALL_MS + round_ * Census.PAUSE_MS_MIN)
    assert floor.engine.last_seqno == seqno


def test_the_longer_it_takes_the_rarer_it_is():
    clock = ManualClock()
    floor = open_floor(make_env(clock=clock))
    floor.create()

    class Slow(Census):
        def _count_rows(self, space):
            clock.advance_ms(500)
            return (yield from super()._count_rows(space))

    job = Slow(floor.catalog, floor.engine, clock)
    assert job.step(START_WALL_MS) == 1
    put_airport(floor, "BIKF")
    job.step(START_WALL_MS + 49_999)
    assert counted(floor) == (0, 0)
    job.step(START_WALL_MS + 50_000)
    assert counted(floor) == (1, ITEM_BYTES)


def test_what_was_counted_outlives_a_restart_and_not_the_table():
    floor = open_floor()
    floor.create()
    put_airport(floor, "BIKF")
    count(census(floor))
    assert counted(reloaded(floor)) == (1, ITEM_BYTES)
    floor.catalog.drop("airports")
    assert list(floor.engine.scan(*keys.census_range())) == []
    floor.create()
    assert counted(floor) == (0, 0)


def test_a_table_dropped_while_it_is_counted_leaves_nothing():
    floor = open_floor()
    table = floor.create()
    floor.catalog.drop("airports")
    floor.catalog.record_census(table, {0: Size(1, 1)})
    assert list(floor.engine.scan(*keys.census_range())) == []
    assert census(floor).step(START_WALL_MS) is None


def test_deleted_items_are_counted_no_more():
    floor = open_floor()
    floor.create()
    put_airport(floor, "BIKF")
    job = census(floor)
    count(job)
    request = DeleteItem("airports", {"country": "IS", "icao": "BIKF"})
    run(floor.writer.delete_item(request), floor.engine, floor.latches)
    count(job, START_WALL_MS + Census.PAUSE_MS_MIN)
    assert counted(floor) == (0, 0)


@pytest.mark.parametrize(
    ("failure", "wait_ms"),
    [(DiskError("no space"), 1), (DiskFull("no room"), 1), (ReadOnlyDegraded("a sync failed"), None)],
)
def test_a_count_that_cannot_be_stored_is_tried_again_later_if_ever(failure, wait_ms):
    floor, engine = failing_floor()
    floor.create()
    floor = floor._replace(writer=Writer(floor.catalog, engine, floor.latches, floor.env.hlc))
    put_airport(floor, "BIKF")
    job = census(floor)
    engine.failure = failure
    assert job.step(START_WALL_MS) == wait_ms
    engine.failure = None
    put_airport(floor, "BIRK")
    count(job, START_WALL_MS + Census.PAUSE_MS_MIN)
    assert counted(floor)[0] == 2


def test_a_damaged_census_is_corruption():
    floor = open_floor()
    floor.create()
    floor.catalog.record_census(floor.catalog.table("airports"), {0: Size(5, 6)})
    ((key, value),) = floor.engine.scan(*keys.census_range())
    for damaged in (value[:-1], b"\x92\x02\x90", b"\x01"):
        floor.engine.write(WriteBatch().put(key, damaged))
        with pytest.raises(CorruptionError):
            reloaded(floor)


def test_an_open_database_counts_its_tables():
    clock = ManualClock()
    env = make_env(clock=clock)
    with open_database(env) as db:
        db.call(table_request(sort=("icao", "S")))
        db.call(PutItem("airports", {"country": "IS", "icao": "BIKF"}))
        for _ in range(3):
            run_jobs(env)
            clock.advance_ms(1)
        assert db.call(DescribeTable("airports")).table.item_count == 1
