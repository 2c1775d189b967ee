from __future__ import annotations

import errno
import threading

import pytest

from kvdb import limits
from kvdb.api.items import PutItem
from kvdb.api.tables import ListTables
from kvdb.env.env import Env
from kvdb.errors import (
    DiskError,
    LimitExceeded,
    ReadOnlyDegraded,
    ResourceInUse,
    ResourceNotFound,
    ServiceUnavailable,
)
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.table import keys
from kvdb.table.catalog import Catalog, RowRemover
from kvdb.table.writer import run
from tests.support.builders import AIRPORTS, Floor, open_floor, table_request


def put(floor: Floor, icao: str, table: str = "airports") -> None:
    request = PutItem(table, {"country": "IS", "icao": icao})
    run(floor.writer.put_item(request), floor.engine, floor.latches)


def row_count(floor: Floor, table_id: int) -> int:
    return len(list(floor.engine.scan(*keys.prefix_range(keys.table_prefix(table_id)))))


def remover(floor: Floor) -> RowRemover:
    return RowRemover(floor.catalog, floor.engine, floor.latches)


def reloaded(floor: Floor) -> Floor:
    catalog = Catalog(floor.engine, floor.env)
    return floor._replace(catalog=catalog)


def test_a_created_table_is_there_and_active():
    floor = open_floor()
    created = floor.catalog.create(AIRPORTS)
    assert created.table_status == "ACTIVE"
    assert floor.catalog.described("airports") == created
    assert floor.catalog.table("airports").descriptor.table_id == keys.FIRST_TABLE_ID


def test_a_table_outlives_its_catalog():
    floor = open_floor()
    created = floor.catalog.create(AIRPORTS)
    assert reloaded(floor).catalog.described("airports") == created


def test_a_taken_name_is_refused():
    floor = open_floor()
    floor.catalog.create(AIRPORTS)
    with pytest.raises(ResourceInUse, match=r"^Table already exists: airports$"):
        floor.catalog.create(table_request("airports"))


def test_of_several_creators_of_one_name_exactly_one_wins():
    floor = open_floor()
    outcomes: list[str] = []

    def create() -> None:
        try:
            floor.catalog.create(AIRPORTS)
            outcomes.append("made")
        except ResourceInUse:
            outcomes.append("refused")

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["made"] + ["refused"] * 7


def test_unknown_tables_have_two_messages():
    catalog = open_floor().catalog
    with pytest.raises(ResourceNotFound, match=r"^Requested resource not found$"):
        catalog.table("airports")
    for call in (catalog.described, catalog.drop):
        with pytest.raises(
            ResourceNotFound, match=r"^Requested resource not found: Table: airports not found$"
        ):
            call("airports")


def test_there_are_at_most_2500_tables(monkeypatch):
    monkeypatch.setattr(limits, "TABLES_MAX", 2)
    catalog = open_floor().catalog
    catalog.create(table_request("one"))
    catalog.create(table_request("two"))
    with pytest.raises(LimitExceeded, match="limit of 2 tables"):
        catalog.create(table_request("three"))


def test_tables_are_listed_by_name_in_pages():
    catalog = open_floor().catalog
    for name in ("bbb", "B.b", "aaa", "b-b", "b_b"):
        catalog.create(table_request(name))
    listed = catalog.listed(ListTables(limit=2))
    assert (listed.table_names, listed.last_evaluated_table_name) == (["B.b", "aaa"], "aaa")
    listed = catalog.listed(ListTables("aaa", 2))
    assert (listed.table_names, listed.last_evaluated_table_name) == (["b-b", "b_b"], "b_b")
    listed = catalog.listed(ListTables("b_b", 2))
    assert (listed.table_names, listed.last_evaluated_table_name) == (["bbb"], None)
    assert catalog.listed(ListTables("az")).table_names == ["b-b", "b_b", "bbb"]


def test_a_page_of_tables_has_a_hundred_names():
    catalog = open_floor().catalog
    for number in range(101):
        catalog.create(table_request(f"table-{number:03}"))
    listed = catalog.listed(ListTables())
    assert len(listed.table_names) == 100
    assert listed.last_evaluated_table_name == "table-099"


def test_a_dropped_table_frees_its_name_at_once():
    floor = open_floor()
    floor.create()
    put(floor, "BIKF")
    assert floor.catalog.drop("airports").table_status == "DELETING"
    again = floor.create()
    assert again.descriptor.table_id == 2
    assert list(floor.engine.scan(*again.keys.all_rows())) == []


def test_a_table_id_is_never_given_twice():
    floor = open_floor()
    floor.create()
    floor.catalog.drop("airports")
    assert reloaded(floor).create().descriptor.table_id == 2


def test_the_remover_deletes_all_rows_and_the_record_at_once_whatever_their_number():
    floor = open_floor()
    floor.create()
    floor.create(table_request("others", sort=("icao", "S")))
    for number in range(250):
        put(floor, str(number))
    put(floor, "BIKF", "others")
    floor.catalog.drop("airports")
    before = floor.engine.last_seqno
    job = remover(floor)
    assert job.step(0) == 0
    assert floor.engine.last_seqno == before + 2
    assert job.step(0) is None
    assert row_count(floor, 1) == 0
    assert list(floor.engine.scan(*keys.dropped_range())) == []
    assert row_count(floor, 2) == 1
    assert floor.catalog.first_dropped_id() is None


def test_rows_that_a_restart_finds_half_dropped_are_removed_then():
    floor = open_floor()
    floor.create()
    put(floor, "BIKF")
    floor.catalog.drop("airports")
    floor = reloaded(floor)
    assert floor.catalog.first_dropped_id() == 1
    remover(floor).step(0)
    assert row_count(floor, 1) == 0


def test_the_remover_waits_while_a_latch_of_the_table_is_held():
    floor = open_floor()
    table = floor.create()
    put(floor, "BIKF")
    grant = floor.latches.request((table.keys.of_key({"country": "IS", "icao": "BIRK"}),))
    floor.catalog.drop("airports")
    job = remover(floor)
    assert job.step(0) == 5
    assert row_count(floor, 1) == 1
    floor.latches.give_back(grant)
    assert job.step(0) == 0
    assert row_count(floor, 1) == 0


def test_a_writer_that_comes_to_its_latch_after_the_drop_is_refused():
    floor = open_floor()
    table = floor.create()
    key = {"country": "IS", "icao": "BIKF"}
    holder = floor.latches.request((table.keys.of_key(key),))
    steps = floor.writer.put_item(PutItem("airports", key))
    next(steps)
    floor.catalog.drop("airports")
    floor.latches.give_back(holder)
    with pytest.raises(ResourceNotFound, match=r"^Requested resource not found$"):
        next(steps)
    assert row_count(floor, 1) == 0


def test_a_write_under_way_while_the_table_is_dropped_leaves_no_row():
    floor = open_floor()
    floor.create()
    steps = floor.writer.put_item(PutItem("airports", {"country": "IS", "icao": "BIKF"}))
    batch = next(steps)
    floor.catalog.drop("airports")
    job = remover(floor)
    assert job.step(0) == 5
    assert isinstance(batch, WriteBatch)
    floor.engine.write(batch)
    with pytest.raises(StopIteration):
        next(steps)
    while job.step(0) is not None:
        pass
    assert row_count(floor, 1) == 0


def test_writers_that_race_with_drops_leave_no_row_of_a_dropped_table():
    floor = open_floor()
    floor.create()
    is_over = threading.Event()
    written = threading.Semaphore(0)
    failures: list[BaseException] = []

    def put_on(worker: int) -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            try:
                put(floor, f"{worker}-{number % 50}")
                written.release()
            except ResourceNotFound:
                continue
            except BaseException as error:
                failures.append(error)
                return

    def remove_on() -> None:
        job = remover(floor)
        while not is_over.is_set():
            job.step(0)

    threads = [threading.Thread(target=put_on, args=(worker,)) for worker in range(3)]
    threads.append(threading.Thread(target=remove_on))
    for thread in threads:
        thread.start()
    for _ in range(30):
        assert all(written.acquire(timeout=30) for _ in range(20))
        floor.catalog.drop("airports")
        floor.create()
    is_over.set()
    for thread in threads:
        thread.join(30)
    job = remover(floor)
    while job.step(0) is not None:
        pass
    assert failures == []
    assert [row_count(floor, table_id) for table_id in range(1, 31)] == [0] * 30


class FailingEngine(Engine):
    """An engine whose writes fail with what ``failure`` holds."""

    failure: Exception | None = None

    def write(self, batch: WriteBatch) -> int:
        if self.failure is not None:
            raise self.failure
        return super().write(batch)


def failing_floor() -> tuple[Floor, FailingEngine]:
    floor = open_floor()
    floor.engine.close()
    env: Env = floor.env
    engine = FailingEngine.open("/db", env)
    assert isinstance(engine, FailingEngine)
    return floor._replace(engine=engine, catalog=Catalog(engine, env)), engine


def test_a_failed_create_or_drop_changes_nothing_in_memory():
    floor, engine = failing_floor()
    floor.create()
    engine.failure = DiskError("no space")
    with pytest.raises(DiskError):
        floor.create(table_request("others"))
    with pytest.raises(DiskError):
        floor.catalog.drop("airports")
    assert floor.catalog.listed(ListTables()).table_names == ["airports"]
    assert not floor.catalog.table("airports").is_dropped


def test_the_remover_tries_again_after_a_full_disk_and_rests_when_writes_have_stopped():
    floor, engine = failing_floor()
    floor.create()
    floor.catalog.drop("airports")
    job = remover(floor)
    engine.failure = DiskError(f"no space errno={errno.ENOSPC}")
    assert job.step(0) == 5_000
    engine.failure = ServiceUnavailable("background work is behind")
    assert job.step(0) == 5_000
    engine.failure = ReadOnlyDegraded("a sync failed")
    assert job.step(0) is None
    engine.failure = None
    assert job.step(0) == 0
    assert floor.catalog.first_dropped_id() is None
