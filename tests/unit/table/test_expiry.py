"""The sweeper, on a table of airports whose items go at second ``gone_at``."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest

from kvdb.api.items import DeleteItem, GetItem, PutItem, Query
from kvdb.api.tables import (
    IndexSpecification,
    KeySchemaElement,
    Projection,
    UpdateTimeToLive,
)
from kvdb.errors import DiskFull, ReadOnlyDegraded, ResourceNotFound
from kvdb.table import keys, mutation
from kvdb.table.catalog import Catalog
from kvdb.table.expiry import Sweeper
from kvdb.table.mutation import Change
from kvdb.table.reader import get_item
from kvdb.table.writer import Writer, run
from kvdb.testing.inline_jobs import InlineJobs
from kvdb.testing.manual_clock import START_WALL_MS, ManualClock
from tests.support.builders import (
    Floor,
    failing_floor,
    make_env,
    open_database,
    open_floor,
    row_count,
    run_jobs,
    table_request,
)

NOW_S = START_WALL_MS // 1000
YEAR_S = 365 * 24 * 60 * 60


def put(floor: Floor, icao: str, gone_at: object = None, **more: object) -> None:
    item = {"country": "IS", "icao": icao, **more}
    if gone_at is not None:
        item["gone_at"] = gone_at
    run(floor.writer.put_item(PutItem("airports", item)), floor.engine, floor.latches)


def enable(floor: Floor, attribute: str = "gone_at", *, on: bool = True) -> None:
    floor.catalog.update_time_to_live(UpdateTimeToLive("airports", attribute, on))


def expiring_floor() -> Floor:
    floor = open_floor()
    floor.create()
    enable(floor)
    return floor


def sweeper(floor: Floor) -> Sweeper:
    return Sweeper(floor.catalog, floor.engine, floor.latches, floor.writer, floor.env)


def settle(job: Sweeper, now_s: float = NOW_S + 1) -> int | None:
    """Step until there is nothing to do at once; gives how long it wants to wait then."""
    for _ in range(10_000):
        wait_ms = job.step(int(now_s * 1000))
        if wait_ms is None or wait_ms > 2:
            return wait_ms
    raise AssertionError("the sweeper does not come to rest")


def left(floor: Floor) -> list[str]:
    table = floor.catalog.table("airports")
    return [key[-4:].decode() for key, _ in floor.engine.scan(*table.keys.all_rows())]


def marks(floor: Floor) -> list[int]:
    found = floor.catalog.table("airports").indexes.marks
    assert found is not None
    return [keys.marked_second(mark) for mark, _ in floor.engine.scan(*keys.prefix_range(found.prefix))]


def test_what_has_expired_goes_and_nothing_else():
    floor = expiring_floor()
    for icao, gone_at in (
        ("PAST", NOW_S - 5),
        ("LAST", NOW_S),
        ("NEXT", NOW_S + 1),
        ("FRAC", Decimal(NOW_S) + Decimal("0.5")),
        ("TEXT", str(NOW_S)),
        ("NEGA", -5),
        ("HUGE", Decimal("1E+100")),
        ("NONE", None),
    ):
        put(floor, icao, gone_at)
    settle(sweeper(floor))
    assert left(floor) == ["HUGE", "NEGA", "NEXT", "NONE", "TEXT"]
    assert marks(floor) == [NOW_S + 1]
    assert floor.env.metrics.counter("table_ttl_deleted_items_total").value == 3


def test_what_expired_more_than_five_years_ago_stays():
    floor = expiring_floor()
    put(floor, "OLDE", NOW_S - 5 * YEAR_S - 10)
    put(floor, "ELSE", NOW_S - 5 * YEAR_S + 10)
    settle(sweeper(floor))
    assert left(floor) == ["OLDE"]


def test_it_sleeps_until_the_next_item_expires_or_looks_again():
    floor = expiring_floor()
    job = sweeper(floor)
    assert settle(job, NOW_S) == Sweeper.POLL_MS
    put(floor, "SOON", NOW_S + 3)
    assert settle(job, NOW_S) == 4_000
    put(floor, "LATE", NOW_S + 3_000)
    assert settle(job, NOW_S + 4) == Sweeper.POLL_MS
    assert left(floor) == ["LATE"]


def test_an_item_that_was_put_when_its_second_was_over_is_found_by_a_look_from_the_oldest_on():
    floor = expiring_floor()
    job = sweeper(floor)
    put(floor, "PAST", NOW_S - 1)
    settle(job, NOW_S + 1)
    assert left(floor) == []
    put(floor, "OVER", NOW_S - 100)
    settle(job, NOW_S + 5)
    assert left(floor) == ["OVER"]
    settle(job, NOW_S + 1 + Sweeper.POLL_MS / 1000)
    assert left(floor) == []


def test_the_longer_such_a_look_takes_the_rarer_it_is():
    clock = ManualClock()
    floor = open_floor(make_env(clock=clock))
    floor.create()
    enable(floor)
    job = sweeper(floor)
    settle(job, NOW_S + 1)
    scan = floor.engine.scan

    def slow(start: bytes, end: bytes, **options: object):
        clock.advance_ms(300)
        return scan(start, end, **options)

    floor.engine.scan = slow  # type: ignore[method-assign]
    settle(job, NOW_S + 11)
    floor.engine.scan = scan  # type: ignore[method-assign]
    put(floor, "OVER", 5 + NOW_S - 5 * YEAR_S + 100)
    settle(job, NOW_S + 40)
    assert left(floor) == ["OVER"]
    settle(job, NOW_S + 41)
    assert left(floor) == []


def test_it_rests_while_no_table_has_a_time_to_live():
    floor = open_floor()
    floor.create()
    job = sweeper(floor)
    assert job.step(START_WALL_MS) is None
    enable(floor)
    assert job.step(START_WALL_MS) is not None


def test_rows_of_before_are_walked_once_in_chunks():
    floor = open_floor()
    floor.create()
    for number in range(1100):
        put(floor, f"{number:04}", NOW_S - 1 if number % 2 else NOW_S + 1_000)
    enable(floor)
    settle(sweeper(floor))
    assert len(left(floor)) == 550
    assert len(marks(floor)) == 550
    ttl = floor.catalog.table("airports").descriptor.ttl
    assert ttl is not None
    assert ttl.walk is None


def test_a_walk_that_was_interrupted_goes_on_where_it_was():
    floor = open_floor()
    floor.create()
    for number in range(1100):
        put(floor, f"{number:04}", NOW_S - 1)
    enable(floor)
    job = sweeper(floor)
    job.step(START_WALL_MS + 1000)
    half = len(marks(floor))
    assert half == Sweeper.ROWS_PER_STEP
    catalog = Catalog(floor.engine, floor.env)
    writer = Writer(catalog, floor.engine, floor.latches, floor.env.hlc)
    floor = floor._replace(catalog=catalog, writer=writer)
    job = sweeper(floor)
    job.step(START_WALL_MS + 1000)
    assert len(marks(floor)) == 2 * half
    settle(job)
    assert left(floor) == []


def test_the_walk_waits_for_writers_that_saw_no_time_to_live():
    floor = open_floor()
    table = floor.create()
    steps = floor.writer.put_item(
        PutItem("airports", {"country": "IS", "icao": "BIKF", "gone_at": NOW_S - 1})
    )
    batch = next(steps)
    enable(floor)
    job = sweeper(floor)
    assert [job.step(START_WALL_MS + 1000) for _ in range(3)] == [2, 2, 2]
    floor.engine.write(batch)  # type: ignore[arg-type]
    with pytest.raises(StopIteration):
        steps.send(1)
    settle(job)
    assert list(floor.engine.scan(*table.keys.all_rows())) == []


# Whoever changes an item before its time has come saves it.


def test_an_item_that_was_changed_meanwhile_stays():
    floor = expiring_floor()
    for icao in ("LATR", "NONE", "TEXT", "GONE"):
        put(floor, icao, NOW_S - 1)
    put(floor, "LATR", NOW_S + 50)
    put(floor, "NONE")
    put(floor, "TEXT", "later")
    key = {"country": "IS", "icao": "GONE"}
    run(floor.writer.delete_item(DeleteItem("airports", key)), floor.engine, floor.latches)
    assert marks(floor) == [NOW_S - 1] * 4 + [NOW_S + 50]
    settle(sweeper(floor))
    assert left(floor) == ["LATR", "NONE", "TEXT"]
    assert marks(floor) == [NOW_S + 50]


def test_an_update_under_way_wins_over_the_sweeper():
    floor = expiring_floor()
    put(floor, "BIKF", NOW_S - 1)
    steps = floor.writer.put_item(
        PutItem("airports", {"country": "IS", "icao": "BIKF", "gone_at": NOW_S + 50})
    )
    batch = next(steps)
    job = sweeper(floor)
    assert [job.step(START_WALL_MS + 1000) for _ in range(6)][-3:] == [2, 2, 2]
    floor.engine.write(batch)  # type: ignore[arg-type]
    with pytest.raises(StopIteration):
        steps.send(1)
    settle(job)
    assert left(floor) == ["BIKF"]


def test_an_item_put_while_the_sweeper_deletes_is_there_afterwards():
    floor = expiring_floor()
    put(floor, "BIKF", NOW_S - 1)
    table = floor.catalog.table("airports")
    found = table.indexes.marks
    assert found is not None
    (mark,) = [mark for mark, _ in floor.engine.scan(*keys.prefix_range(found.prefix))]
    expire = sweeper(floor)._expire(table, found, [mark], NOW_S + 1)
    batch = next(expire)
    item = {"country": "IS", "icao": "BIKF", "gone_at": NOW_S - 1, "again": True}
    later = floor.writer.put_item(PutItem("airports", item))
    waiting = next(later)
    assert not waiting.is_complete  # type: ignore[union-attr]
    floor.engine.write(batch)  # type: ignore[arg-type]
    with pytest.raises(StopIteration):
        expire.send(1)
    floor.engine.write(later.send(0))  # type: ignore[arg-type]
    assert left(floor) == ["BIKF"]
    assert marks(floor) == [NOW_S - 1]


def test_writers_that_race_with_the_sweeper_lose_nothing():
    """Each item is put expired and then saved; whatever the order, what was saved last is there."""
    floor = expiring_floor()
    failures: list[BaseException] = []
    is_over = threading.Event()

    def write(worker: int) -> None:
        try:
            for round_ in range(60):
                for number in range(5):
                    put(floor, f"{worker}-{number}", NOW_S - 1 - round_)
                    put(floor, f"{worker}-{number}", NOW_S + 10_000)
        except BaseException as error:
            failures.append(error)

    def sweep() -> None:
        job = sweeper(floor)
        while not is_over.is_set():
            job.step(START_WALL_MS + 1000)

    writers = [threading.Thread(target=write, args=(worker,)) for worker in range(3)]
    sweeping = threading.Thread(target=sweep)
    for thread in (*writers, sweeping):
        thread.start()
    for thread in writers:
        thread.join(60)
    is_over.set()
    sweeping.join(60)
    settle(sweeper(floor))
    assert failures == []
    assert len(left(floor)) == 15
    assert marks(floor) == [NOW_S + 10_000] * 15


# What goes with an item.


def test_an_expired_item_leaves_its_indexes(monkeypatch):
    floor = open_floor()
    request = table_request(sort=("icao", "S"))
    request.attribute_definitions.append(request.attribute_definitions[0].__class__("city", "S"))
    request.global_secondary_indexes = [
        IndexSpecification("by-city", (KeySchemaElement("city", "HASH"),), Projection("ALL"), is_unique=True)
    ]
    floor.create(request)
    enable(floor)
    changes: list[Change] = []
    add = mutation.add

    def spy(batch, change, stamp):
        changes.append(change)
        add(batch, change, stamp)

    put(floor, "BIKF", NOW_S - 1, city="Keflavik")
    monkeypatch.setattr(mutation, "add", spy)
    settle(sweeper(floor))
    assert row_count(floor, 1) == 0
    (change,) = changes
    assert change.by_service
    assert change.old is not None
    assert change.new is None
    monkeypatch.undo()
    put(floor, "BIRK", None, city="Keflavik")


def test_a_disabled_time_to_live_deletes_nothing_and_leaves_its_marks_to_the_remover():
    clock = ManualClock()
    floor = open_floor(make_env(clock=clock))
    floor.create()
    enable(floor)
    put(floor, "BIKF", NOW_S - 1)
    clock.advance_ms(3_600_000)
    enable(floor, on=False)
    assert sweeper(floor).step(clock.wall_ms()) is None
    assert left(floor) == ["BIKF"]
    assert floor.catalog.first_dropped_prefix() == keys.index_prefix(1, 1)


def test_a_time_to_live_that_is_disabled_in_the_middle_ends_the_work():
    clock = ManualClock()
    floor = open_floor(make_env(clock=clock))
    floor.create()
    for number in range(250):
        put(floor, f"{number:04}", NOW_S - 1)
    enable(floor)
    job = sweeper(floor)
    for _ in range(4):
        job.step(START_WALL_MS + 1000)
    clock.advance_ms(3_600_000)
    enable(floor, on=False)
    assert settle(job) is None
    assert 0 < len(left(floor)) < 250


def test_a_table_dropped_in_the_middle_ends_the_work():
    floor = expiring_floor()
    for number in range(250):
        put(floor, f"{number:04}", NOW_S - 1)
    job = sweeper(floor)
    for _ in range(5):
        job.step(START_WALL_MS + 1000)
    floor.catalog.drop("airports")
    assert settle(job) is None
    assert not floor.latches.any_held(b"")


def test_busy_tables_take_turns():
    floor = expiring_floor()
    floor.create(table_request("others", sort=("icao", "S")))
    floor.catalog.update_time_to_live(UpdateTimeToLive("others", "gone_at", True))
    put(floor, "BIKF", NOW_S - 1)
    request = PutItem("others", {"country": "IS", "icao": "BIRK", "gone_at": NOW_S - 1})
    run(floor.writer.put_item(request), floor.engine, floor.latches)
    settle(sweeper(floor))
    assert row_count(floor, 1) == row_count(floor, 2) == 0


def test_it_tries_again_after_a_full_disk_and_rests_when_writes_have_stopped():
    floor, engine = failing_floor()
    floor.create()
    enable(floor)
    writer = Writer(floor.catalog, engine, floor.latches, floor.env.hlc)
    floor = floor._replace(writer=writer)
    put(floor, "BIKF", NOW_S - 1)
    job = sweeper(floor)
    job.step(START_WALL_MS + 1000)
    engine.failure = DiskFull("no room")
    assert settle(job) == 5_000
    engine.failure = ReadOnlyDegraded("a sync failed")
    assert settle(job) is None
    engine.failure = None
    settle(job)
    assert left(floor) == []


# In a database.


def test_items_expire_in_an_open_database_and_after_a_restart():
    clock = ManualClock()
    env = make_env(clock=clock)
    db = open_database(env)
    db.call(table_request(sort=("icao", "S")))
    db.call(UpdateTimeToLive("airports", "gone_at", True))
    for number, icao in enumerate(("ONE", "TWO")):
        gone_at = NOW_S + number * 100
        db.call(PutItem("airports", {"country": "IS", "icao": icao, "gone_at": gone_at}))
    assert get(db, "ONE") is not None
    assert isinstance(env.jobs, InlineJobs)
    for _ in range(3):
        run_jobs(env)
        clock.advance_ms(10_000)
    run_jobs(env)
    assert get(db, "ONE") is None
    assert get(db, "TWO") is not None
    db.close()
    clock.advance_ms(200_000)
    env = make_env(fs=env.fs, clock=clock)
    db = open_database(env)
    for _ in range(3):
        run_jobs(env)
        clock.advance_ms(10)
    assert get(db, "TWO") is None
    with pytest.raises(ResourceNotFound):
        db.call(Query("absent", "a = :a", expression_attribute_values={":a": 1}))


def get(db, icao: str):
    return db.call(GetItem("airports", {"country": "IS", "icao": icao})).item


def test_an_expired_item_is_served_until_it_is_swept():
    floor = expiring_floor()
    put(floor, "BIKF", NOW_S - 1_000)
    request = GetItem("airports", {"country": "IS", "icao": "BIKF"})
    assert get_item(floor.catalog, floor.engine, request).item is not None
