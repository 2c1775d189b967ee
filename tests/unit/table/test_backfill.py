from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from kvdb.api.items import DeleteItem, PutItem, Query
from kvdb.api.tables import DescribeTable, IndexDescription, IndexSpecification
from kvdb.database.database import Database
from kvdb.errors import ResourceInUse, UniqueViolation, ValidationError
from kvdb.lsm.batch import WriteBatch
from kvdb.table.backfill import IndexBuilder
from kvdb.table.catalog import Table
from kvdb.table.creation import new_index
from kvdb.table.descriptor import TableDescriptor
from kvdb.table.query import run_query
from kvdb.table.writer import run
from kvdb.testing.mem_fs import MemFileSystem
from tests.support.builders import Floor, make_env, open_database, open_floor, run_jobs, table_request
from tests.support.indexes import index, index_rows

BY_CITY = index("by-city", "city")
TYPES = {"city": "S", "id": "N"}


def with_new(descriptor: TableDescriptor, *asked: IndexSpecification) -> TableDescriptor:
    """The table with these indexes to be built, as ``UpdateTable`` would leave it."""
    for each in asked:
        number = descriptor.next_index_number
        new = replace(new_index(each, TYPES, number=number, kind="GLOBAL"), status="CREATING")  # type: ignore[arg-type]
        descriptor = replace(descriptor, indexes=(*descriptor.indexes, new), next_index_number=number + 1)
    return descriptor


class Site:
    """A table without indexes, a builder, and what they have come to."""

    def __init__(self, rows: int = 0) -> None:
        self.floor: Floor = open_floor()
        self.table: Table = self.floor.create(table_request("t", ("id", "N")))
        for number in range(rows):
            self.put(number, city=f"city {number % 3}")
        self.dropped = 0
        self.builder = IndexBuilder(
            self.floor.catalog, self.floor.engine, self.floor.latches, on_dropped=self._count_dropped
        )

    def _count_dropped(self) -> None:
        self.dropped += 1

    def put(self, number: int, **attributes: object) -> None:
        self.run(PutItem("t", {"id": number, **attributes}))

    def run(self, request: PutItem | DeleteItem) -> None:
        writer = self.floor.writer
        steps = writer.put_item(request) if isinstance(request, PutItem) else writer.delete_item(request)
        run(steps, self.floor.engine, self.floor.latches)

    def create(self, *asked: IndexSpecification) -> None:
        self.floor.catalog.change(self.table, lambda descriptor: with_new(descriptor, *asked))

    def build(self) -> int:
        """Steps until the builder sleeps; gives how many."""
        for count in range(1000):
            if self.builder.step(self.floor.env.clock.wall_ms()) is None:
                return count
        raise AssertionError("the builder does not come to an end")

    def kept(self, name: str = "by-city") -> set[object]:
        return {item["id"] for item in index_rows(self.floor.engine, self.table, name).values()}

    def status(self, name: str = "by-city") -> str:
        found = self.table.descriptor.index(name)
        return "gone" if found is None else found.status


def test_a_new_index_gets_the_rows_that_were_there_before():
    site = Site(rows=300)
    site.create(BY_CITY)
    assert site.status() == "CREATING"
    steps = site.build()
    assert site.status() == "ACTIVE"
    assert site.kept() == set(range(300))
    assert steps >= 300 // IndexBuilder.ROWS_PER_STEP
    assert site.build() == 0


def test_an_index_that_is_built_may_not_be_read():
    site = Site(rows=3)
    site.create(BY_CITY)
    request = Query("t", "city = :c", index_name="by-city", expression_attribute_values={":c": "city 1"})
    with pytest.raises(
        ValidationError, match=r"^Cannot read from backfilling global secondary index: by-city$"
    ):
        run_query(site.floor.catalog, site.floor.engine, request)
    site.build()
    assert run_query(site.floor.catalog, site.floor.engine, request).count == 1


def test_an_index_may_not_be_read_as_of_before_it_was_complete():
    site = Site(rows=3)
    request = Query("t", "city = :c", index_name="by-city", expression_attribute_values={":c": "city 1"})
    with site.floor.engine.snapshot() as before:
        site.create(BY_CITY)
        site.build()
        with pytest.raises(ValidationError, match="the index is younger than the read point index=by-city"):
            run_query(site.floor.catalog, site.floor.engine, request, at=before)
    with site.floor.engine.snapshot() as after:
        assert run_query(site.floor.catalog, site.floor.engine, request, at=after).count == 1


def test_writes_go_on_while_it_is_built():
    site = Site(rows=400)
    site.create(BY_CITY)
    now_ms = site.floor.env.clock.wall_ms()
    cities = {number: f"city {number % 3}" for number in range(400)}
    number = 0
    while site.builder.step(now_ms) is not None:
        site.put(number, city="moved")
        site.put(1000 + number, city="new")
        site.run(DeleteItem("t", {"id": 399 - number}))
        cities |= {number: "moved", 1000 + number: "new"}
        cities.pop(399 - number, None)
        number += 1
    rows = index_rows(site.floor.engine, site.table, "by-city").values()
    assert {item["id"]: item["city"] for item in rows} == cities


def test_an_unprojected_change_of_a_row_not_reached_yet_loses_nothing():
    site = Site(rows=3)
    site.create(index("by-city", "city", keeps="KEYS_ONLY"))
    site.put(1, city="city 1", note="changed before the builder came by")
    site.build()
    assert site.kept() == {0, 1, 2}


def test_items_that_may_not_stand_in_the_index_are_left_out_silently():
    site = Site()
    for number, city in enumerate(["fine", 5, "", "x" * 2049, None, ["list"]]):
        site.put(number, city=city)
    site.put(99)
    site.create(BY_CITY)
    site.build()
    assert site.status() == "ACTIVE"
    assert site.kept() == {0}


def test_later_writes_that_may_not_stand_in_it_are_refused():
    site = Site()
    site.put(1, city=5)
    site.create(BY_CITY)
    with pytest.raises(ValidationError, match="Type mismatch for Index Key city"):
        site.put(1, city=6)
    site.build()
    with pytest.raises(ValidationError, match="Type mismatch for Index Key city"):
        site.put(1, city=6)


def test_several_indexes_are_built_one_after_the_other():
    site = Site(rows=10)
    site.create(BY_CITY, index("by-id", "id", keeps="KEYS_ONLY"))
    site.build()
    assert (site.status("by-city"), site.status("by-id")) == ("ACTIVE", "ACTIVE")
    assert site.kept("by-city") == site.kept("by-id") == set(range(10))


def test_the_builder_waits_for_writes_that_began_before_the_index():
    site = Site(rows=3)
    early = site.floor.writer.put_item(PutItem("t", {"id": 7, "city": "early"}))
    batch = next(early)
    assert isinstance(batch, WriteBatch)
    site.create(BY_CITY)
    for _ in range(3):
        assert site.builder.step(0) == IndexBuilder._LATCH_PAUSE_MS
    assert site.kept() == set()
    with pytest.raises(StopIteration):
        early.send(site.floor.engine.write(batch))
    site.build()
    assert site.kept() == {0, 1, 2, 7}


def test_the_builder_waits_for_an_item_that_is_being_written():
    site = Site(rows=200)
    site.create(BY_CITY)
    site.builder.step(0)
    ahead = min(number for number in range(200) if number not in site.kept())
    late = site.floor.writer.put_item(PutItem("t", {"id": ahead, "city": "late"}))
    batch = next(late)
    assert isinstance(batch, WriteBatch)
    for _ in range(3):
        assert site.builder.step(0) == IndexBuilder._LATCH_PAUSE_MS
    with pytest.raises(StopIteration):
        late.send(site.floor.engine.write(batch))
    site.build()
    rows = index_rows(site.floor.engine, site.table, "by-city").values()
    expected = {number: f"city {number % 3}" for number in range(200)} | {ahead: "late"}
    assert {item["id"]: item["city"] for item in rows} == expected


def test_an_index_dropped_while_it_is_built_is_built_no_further():
    site = Site(rows=400)
    site.create(BY_CITY)
    for _ in range(3):
        site.builder.step(0)
    number = site.table.descriptor.indexes[0].number
    site.floor.catalog.change(site.table, lambda descriptor: descriptor.without_index(number))
    site.build()
    assert site.status() == "gone"
    assert not site.floor.latches.any_held(b"")


def test_a_table_is_dropped_when_its_index_is_built():
    site = Site(rows=400)
    site.create(BY_CITY)
    for _ in range(3):
        site.builder.step(0)
    with pytest.raises(ResourceInUse, match="Cannot delete table while indexes are being created"):
        site.floor.catalog.drop("t")
    site.build()
    site.floor.catalog.drop("t")
    assert not site.floor.latches.any_held(b"")


def test_the_builder_begins_when_the_index_has_been_allotted():
    site = Site(rows=1)
    settles_ms = site.floor.env.clock.wall_ms() + 500
    site.floor.catalog.change(
        site.table,
        lambda descriptor: (made := with_new(descriptor, BY_CITY)).with_index(
            replace(made.indexes[0], settles_ms=settles_ms)
        ),
    )
    assert site.builder.step(settles_ms - 200) == 200
    assert site.status() == "CREATING"
    assert site.builder.step(settles_ms) == 0


# Unique.


def test_an_index_that_cannot_be_unique_is_dropped_with_a_reason_in_the_log(caplog):
    site = Site(rows=6)
    site.create(index("by-city", "city", unique=True))
    with caplog.at_level(logging.ERROR):
        site.build()
    assert site.status() == "gone"
    assert site.dropped == 1
    assert "could not be made unique and was dropped table=t index=by-city" in caplog.text
    site.put(7, city="city 1")


def test_an_index_of_distinct_keys_is_made_unique():
    site = Site(rows=3)
    site.create(index("by-city", "city", unique=True))
    site.build()
    assert (site.status(), site.kept()) == ("ACTIVE", {0, 1, 2})
    with pytest.raises(UniqueViolation):
        site.put(7, city="city 1")


def test_writes_and_builder_find_out_about_one_another():
    site = Site(rows=3)
    site.create(index("by-city", "city", unique=True))
    # The old row is not in the index yet, so the write may pass; then the builder meets both.
    site.put(7, city="city 1")
    site.build()
    assert site.status() == "gone"


# Crash and restart.


def described(db: Database) -> IndexDescription:
    (found,) = db.call(DescribeTable("cities")).table.global_secondary_indexes  # type: ignore[union-attr]
    return found


def test_a_backfill_goes_on_after_a_crash_where_it_was():
    env = make_env()
    db = open_database(env)
    db.call(table_request("cities", ("id", "N")))
    for number in range(300):
        db.call(PutItem("cities", {"id": number, "city": f"city {number % 3}"}))
    catalog = db._floor.catalog
    catalog.change(catalog.table("cities"), lambda descriptor: with_new(descriptor, BY_CITY))
    builder = IndexBuilder(catalog, db._floor.engine, db._floor.latches, on_dropped=lambda: None)
    for _ in range(2):
        builder.step(env.clock.wall_ms())
    assert isinstance(env.fs, MemFileSystem)
    env = make_env(env.fs.after_crash("strict"))
    db = open_database(env)
    assert described(db).backfilled_count == 2 * IndexBuilder.ROWS_PER_STEP
    assert described(db).index_status == "CREATING"
    run_jobs(env)
    assert described(db).index_status == "ACTIVE"
    floor = db._floor
    kept = index_rows(floor.engine, floor.catalog.table("cities"), "by-city").values()
    assert {item["id"] for item in kept} == set(range(300))
