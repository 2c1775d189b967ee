from __future__ import annotations

import dataclasses
import errno
import threading

import pytest

from kvdb.api.items import PutItem
from kvdb.errors import DiskError, ReadOnlyDegraded, ResourceNotFound, ServiceUnavailable
from kvdb.lsm.batch import WriteBatch
from kvdb.table import keys
from kvdb.table.descriptor import IndexDescriptor
from kvdb.table.remover import RowRemover
from tests.support.builders import (
    Floor,
    failing_floor,
    open_floor,
    put_airport,
    reloaded,
    row_count,
    table_request,
)


def remover(floor: Floor) -> RowRemover:
    return RowRemover(floor.catalog, floor.engine, floor.latches)


def test_the_remover_deletes_all_rows_and_the_record_at_once_whatever_their_number():
    floor = open_floor()
    floor.create()
    floor.create(table_request("others", sort=("icao", "S")))
    for number in range(250):
        put_airport(floor, str(number))
    put_airport(floor, "BIKF", "others")
    floor.catalog.drop("airports")
    before = floor.engine.last_seqno
    job = remover(floor)
    assert job.step(0) == 0
    assert floor.engine.last_seqno == before + 2
    assert job.step(0) is None
    assert row_count(floor, 1) == 0
    assert list(floor.engine.scan(*keys.dropped_range())) == []
    assert row_count(floor, 2) == 1
    assert floor.catalog.first_dropped_prefix() is None


def test_rows_that_a_restart_finds_half_dropped_are_removed_then():
    floor = open_floor()
    floor.create()
    put_airport(floor, "BIKF")
    floor.catalog.drop("airports")
    floor = reloaded(floor)
    assert floor.catalog.first_dropped_prefix() == keys.table_prefix(1)
    remover(floor).step(0)
    assert row_count(floor, 1) == 0


def test_writers_that_come_after_the_drop_do_not_hold_up_the_remover():
    floor = open_floor()
    table = floor.create()
    before, after = (table.keys.of_key({"country": "IS", "icao": icao}) for icao in ("BIKF", "BIRK"))
    earlier = floor.latches.request((before,))
    floor.catalog.drop("airports")
    job = remover(floor)
    assert job.step(0) == 5
    floor.latches.request((after,))
    floor.latches.give_back(earlier)
    assert job.step(0) == 0


def test_the_rows_of_a_dropped_index_go_and_no_others():
    floor = open_floor()
    table = floor.create()
    for number in (0, 1, 2):
        floor.engine.write(WriteBatch().put(keys.index_prefix(1, number) + b"key", b""))
    two = [IndexDescriptor(number, "GLOBAL", f"index-{number}", (), (), "ALL") for number in (1, 2)]
    floor.catalog.change(table, lambda each: dataclasses.replace(each, indexes=tuple(two)))
    floor.catalog.change(table, lambda each: each.without_index(1))
    job = remover(floor)
    assert (job.step(0), job.step(0)) == (0, None)
    left = [key for key, _ in floor.engine.scan(*keys.prefix_range(keys.table_prefix(1)))]
    assert left == [keys.index_prefix(1, number) + b"key" for number in (0, 2)]


def test_the_remover_waits_while_a_latch_of_the_table_is_held():
    floor = open_floor()
    table = floor.create()
    put_airport(floor, "BIKF")
    grant = floor.latches.request((table.keys.of_key({"country": "IS", "icao": "BIRK"}),))
    floor.catalog.drop("airports")
    job = remover(floor)
    assert job.step(0) == 5
    assert row_count(floor, 1) == 1
    floor.latches.give_back(grant)
    assert job.step(0) == 0
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
                put_airport(floor, f"{worker}-{number % 50}")
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
    assert floor.catalog.first_dropped_prefix() is None
