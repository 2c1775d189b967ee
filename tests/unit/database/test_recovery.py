from __future__ import annotations

from typing import cast

from kvdb.api.items import BatchWriteItem, PutItem, PutRequest, Scan
from kvdb.api.tables import DeleteTable, ListTables, ListTablesResult
from kvdb.database import recovery
from kvdb.env.hlc import Stamp
from kvdb.lsm.engine import Engine
from kvdb.table import keys
from kvdb.testing.manual_clock import ManualClock
from kvdb.testing.mem_fs import MemFileSystem
from tests.support.builders import AIRPORTS, make_env, open_database, run_jobs


class RecoveredEngine:
    recovered_wall_ms = 2_000_000_000_000


def test_the_next_stamp_is_past_every_stamp_of_the_recovered_millisecond():
    env = make_env(clock=ManualClock(1_000))
    recovery.restore_clock(env, cast(Engine, RecoveredEngine()), region=3)
    assert env.hlc.tick() == Stamp(2_000_000_000_001, 0, 0)


def test_a_drop_that_a_crash_interrupted_goes_on_at_the_next_open():
    env = make_env()
    db = open_database(env)
    db.call(AIRPORTS)
    for first in range(0, 1500, 25):
        puts = [PutRequest({"country": "IS", "icao": str(n)}) for n in range(first, first + 25)]
        db.call(BatchWriteItem({"airports": puts}))
    db.call(DeleteTable("airports"))
    assert isinstance(env.fs, MemFileSystem)

    env = make_env(env.fs.after_crash("strict"))
    db = open_database(env)
    assert db.call(ListTables()) == ListTablesResult([])
    db.call(AIRPORTS)
    db.call(PutItem("airports", {"country": "IS", "icao": "BIKF"}))
    assert db.call(Scan("airports")).count == 1
    run_jobs(env)
    assert list(db._floor.engine.scan(*keys.prefix_range(keys.table_prefix(1)))) == []
    assert list(db._floor.engine.scan(*keys.dropped_range())) == []
    assert db.call(Scan("airports")).count == 1
