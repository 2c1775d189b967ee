from __future__ import annotations

from kvdb.api.tables import (
    CreateTable,
    DeleteIndex,
    IndexSpecification,
    KeySchemaElement,
    ListTables,
    Projection,
    UpdateTable,
)
from kvdb.errors import DiskFull, ReadOnlyDegraded
from kvdb.options import DatabaseOptions
from kvdb.table import keys
from kvdb.table.catalog import Catalog
from kvdb.table.lifecycle import Undertaker
from kvdb.testing.manual_clock import START_WALL_MS
from tests.support.builders import Floor, failing_floor, open_floor, table_request

DELAY_MS = 500
SETTLED_MS = START_WALL_MS + DELAY_MS


def slow(floor: Floor) -> Floor:
    options = DatabaseOptions(table_status_delay_ms=DELAY_MS)
    return floor._replace(catalog=Catalog(floor.engine, floor.env, options))


def indexed() -> CreateTable:
    request = table_request(sort=("icao", "S"))
    request.global_secondary_indexes = [
        IndexSpecification("by-icao", (KeySchemaElement("icao", "HASH"),), Projection("ALL"))
    ]
    return request


def undertaker(floor: Floor) -> tuple[Undertaker, list[int]]:
    wakes: list[int] = []
    return Undertaker(floor.catalog, on_dropped=lambda: wakes.append(1)), wakes


def test_a_deleting_table_goes_when_its_time_has_come():
    floor = open_floor()
    floor.create()
    floor = slow(floor)
    assert floor.catalog.drop("airports").table_status == "DELETING"
    job, wakes = undertaker(floor)
    assert job.step(START_WALL_MS) == DELAY_MS
    assert floor.catalog.described("airports").table_status == "DELETING"
    assert floor.catalog.first_dropped_prefix() is None
    assert job.step(SETTLED_MS) is None
    assert floor.catalog.listed(ListTables()).table_names == []
    assert floor.catalog.first_dropped_prefix() == keys.table_prefix(1)
    assert wakes


def test_what_is_deleting_outlives_a_restart():
    floor = open_floor()
    floor.create()
    slow(floor).catalog.drop("airports")
    floor = slow(floor)
    assert floor.catalog.has_deleting
    assert floor.catalog.described("airports").table_status == "DELETING"
    assert undertaker(floor)[0].step(SETTLED_MS) is None
    assert not slow(floor).catalog.has_deleting


def test_a_deleting_index_goes_when_its_time_has_come():
    floor = open_floor()
    floor.create(indexed())
    floor = slow(floor)
    table = floor.catalog.table("airports")
    updates = [DeleteIndex("by-icao")]
    description = floor.catalog.update(UpdateTable("airports", global_secondary_index_updates=updates))
    assert description.global_secondary_indexes[0].index_status == "DELETING"
    assert not table.indexes.maintained
    job, _ = undertaker(floor)
    assert job.step(START_WALL_MS) == DELAY_MS
    assert job.step(SETTLED_MS) is None
    assert floor.catalog.described("airports").global_secondary_indexes == ()
    assert floor.catalog.first_dropped_prefix() == keys.index_prefix(1, 1)


def test_the_undertaker_tries_again_after_a_full_disk_and_rests_when_writes_have_stopped():
    floor, engine = failing_floor()
    floor.create()
    floor = slow(floor)
    floor.catalog.drop("airports")
    job, _ = undertaker(floor)
    engine.failure = DiskFull("no room")
    assert job.step(SETTLED_MS) == 5_000
    engine.failure = ReadOnlyDegraded("a sync failed")
    assert job.step(SETTLED_MS) is None
    assert floor.catalog.described("airports").table_status == "DELETING"
    engine.failure = None
    assert job.step(SETTLED_MS) is None
    assert floor.catalog.listed(ListTables()).table_names == []
