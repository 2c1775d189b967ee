from __future__ import annotations

import pytest

from kvdb import limits
from kvdb.api.items import (
    GetItem,
    OpenSnapshot,
    OpenSnapshotResult,
    Page,
    PutItem,
    Query,
    ReleaseSnapshot,
    Scan,
)
from kvdb.api.tables import DeleteTable
from kvdb.database.database import Database
from kvdb.errors import ReadPointExpired, RequestLimitExceeded, ResourceNotFound, ValidationError
from kvdb.testing.manual_clock import ManualClock
from tests.support.builders import open_database, run_jobs, table_request

HOUR_MS = 3_600_000


@pytest.fixture
def db() -> Database:
    return made()


def made(**engine_options: object) -> Database:
    database = open_database(**engine_options)
    database.call(table_request("one", ("id", "S")))
    return database


def put(db: Database, key: str, n: int) -> int:
    db.call(PutItem("one", {"id": key, "n": n}))
    return db._floor.engine.last_seqno


def opened(db: Database) -> OpenSnapshotResult:
    result = db.call(OpenSnapshot())
    assert isinstance(result, OpenSnapshotResult)
    return result


def n_of(db: Database, **read_point: object) -> object:
    item = db.call(GetItem("one", {"id": "a"}, **read_point)).item  # type: ignore[union-attr, arg-type]
    return None if item is None else item["n"]


def clock_of(db: Database) -> ManualClock:
    assert isinstance(db.env.clock, ManualClock)
    return db.env.clock


def test_every_read_at_a_snapshot_sees_its_moment(db):
    put(db, "a", 1)
    snapshot = opened(db)
    put(db, "a", 2)
    put(db, "b", 2)
    db._floor.engine.compact()
    assert n_of(db) == 2
    assert n_of(db, snapshot_id=snapshot.snapshot_id) == 1
    assert n_of(db, as_of_seqno=snapshot.seqno) == 1
    for request in (
        Scan("one", snapshot_id=snapshot.snapshot_id),
        Query("one", "id = :a", expression_attribute_values={":a": "a"}, snapshot_id=snapshot.snapshot_id),
    ):
        page = db.call(request)
        assert isinstance(page, Page)
        assert page.items == [{"id": "a", "n": 1}]


def test_a_released_snapshot_is_gone_and_may_be_released_again(db):
    snapshot = opened(db)
    for _ in range(2):
        db.call(ReleaseSnapshot(snapshot.snapshot_id))
    with pytest.raises(ReadPointExpired, match="no such snapshot"):
        n_of(db, snapshot_id=snapshot.snapshot_id)
    assert db._floor.engine._snapshots.seqnos() == []


def test_a_snapshot_that_is_left_unused_for_a_minute_is_released(db):
    used, unused = opened(db), opened(db)
    for _ in range(4):
        clock_of(db).advance_ms(limits.SNAPSHOT_IDLE_MS // 3)
        run_jobs(db.env)
        n_of(db, snapshot_id=used.snapshot_id)
    with pytest.raises(ReadPointExpired, match="left unused for 60 seconds"):
        n_of(db, snapshot_id=unused.snapshot_id)
    clock_of(db).advance_ms(limits.SNAPSHOT_IDLE_MS)
    run_jobs(db.env)
    assert db._floor.engine._snapshots.seqnos() == []


def test_a_snapshot_is_not_held_for_ever_however_often_it_is_used(db):
    snapshot = opened(db)
    used_ms = 0
    while used_ms < limits.SNAPSHOT_LIFE_MS_MAX:
        n_of(db, snapshot_id=snapshot.snapshot_id)
        clock_of(db).advance_ms(limits.SNAPSHOT_IDLE_MS - 1)
        used_ms += limits.SNAPSHOT_IDLE_MS - 1
        run_jobs(db.env)
    with pytest.raises(ReadPointExpired, match="open for a day"):
        n_of(db, snapshot_id=snapshot.snapshot_id)


def test_a_read_under_way_holds_its_snapshot(db):
    put(db, "a", 1)
    snapshot = opened(db)
    snapshots = db._floor.snapshots
    with snapshots.held(snapshot.snapshot_id) as held:
        clock_of(db).advance_ms(2 * limits.SNAPSHOT_IDLE_MS)
        run_jobs(db.env)
        snapshots.release(snapshot.snapshot_id)
        assert not held.is_released
    assert held.is_released


def test_so_many_snapshots_may_be_open_and_no_more(db, monkeypatch):
    monkeypatch.setattr(limits, "SNAPSHOTS_MAX", 2)
    first = opened(db)
    opened(db)
    with pytest.raises(RequestLimitExceeded, match=r"^too many open snapshots max=2$"):
        opened(db)
    db.call(ReleaseSnapshot(first.snapshot_id))
    opened(db)


def test_the_past_can_be_read_as_far_back_as_history_is_kept():
    db = made(history_retention_ms=HOUR_MS)
    first = put(db, "a", 1)
    first_ms = clock_of(db).wall_ms()
    clock_of(db).advance_ms(HOUR_MS // 2)
    put(db, "a", 2)
    assert (n_of(db), n_of(db, as_of_seqno=first), n_of(db, as_of_ms=first_ms)) == (2, 1, 1)
    clock_of(db).advance_ms(HOUR_MS)
    put(db, "a", 3)
    for read_point in ({"as_of_seqno": first}, {"as_of_ms": first_ms}):
        with pytest.raises(ReadPointExpired, match="history is not kept that far back"):
            n_of(db, **read_point)


def test_without_history_only_the_present_can_be_read(db):
    first = put(db, "a", 1)
    put(db, "a", 2)
    with pytest.raises(ReadPointExpired):
        n_of(db, as_of_seqno=first)


@pytest.mark.parametrize(
    "read_point, message",
    [
        ({"as_of_seqno": 1_000}, "the read point is in the future"),
        ({"as_of_ms": 2**60}, "the read point is in the future"),
        ({"as_of_seqno": -1}, "as_of_seqno must not be negative: -1"),
        ({"as_of_seqno": "1"}, "as_of_seqno must be int, not str"),
        ({"snapshot_id": 1}, "snapshot_id must be str, not int"),
        ({"as_of_seqno": 1, "as_of_ms": 1}, "give one of as_of_seqno, as_of_ms and snapshot_id, not several"),
    ],
)
@pytest.mark.parametrize("kind", [GetItem, Query, Scan])
def test_a_read_point_that_is_none_is_refused(db, kind, read_point, message):
    request = {
        GetItem: lambda: GetItem("one", {"id": "a"}, **read_point),
        Query: lambda: Query("one", "id = :a", expression_attribute_values={":a": "a"}, **read_point),
        Scan: lambda: Scan("one", **read_point),
    }[kind]()
    with pytest.raises(ValidationError, match=message):
        db.call(request)


def test_a_table_that_was_not_there_yet_is_not_found():
    db = made(history_retention_ms=HOUR_MS)
    put(db, "a", 1)
    before = opened(db)
    db.call(DeleteTable("one"))
    db.call(table_request("one", ("id", "S")))
    put(db, "a", 2)
    for read_point in ({"snapshot_id": before.snapshot_id}, {"as_of_seqno": before.seqno}):
        with pytest.raises(ResourceNotFound):
            n_of(db, **read_point)
    assert n_of(db) == 2


def test_a_table_of_before_a_restart_can_be_read_in_the_past():
    db = made(history_retention_ms=HOUR_MS)
    first = put(db, "a", 1)
    put(db, "a", 2)
    db.close()
    db = open_database(db.env, history_retention_ms=HOUR_MS)
    assert n_of(db, as_of_seqno=first) == 1
