from __future__ import annotations

import pytest

from kvdb.api.items import (
    DeleteItem,
    ItemVersion,
    ListItemVersions,
    ListItemVersionsResult,
    PutItem,
    UpdateItem,
)
from kvdb.database.database import Database
from kvdb.errors import ResourceNotFound, ValidationError
from kvdb.testing.manual_clock import ManualClock
from tests.support.builders import open_database, table_request

HOUR_MS = 3_600_000
KEY = {"id": "a"}


@pytest.fixture
def db() -> Database:
    database = open_database(history_retention_ms=HOUR_MS)
    database.call(table_request("one", ("id", "S")))
    return database


def versions(db: Database, **more: object) -> list[ItemVersion]:
    result = db.call(ListItemVersions("one", KEY, **more))  # type: ignore[arg-type]
    assert isinstance(result, ListItemVersionsResult)
    return result.versions


def clock_of(db: Database) -> ManualClock:
    assert isinstance(db.env.clock, ManualClock)
    return db.env.clock


def test_an_item_is_listed_as_every_write_left_it_newest_first(db):
    clock = clock_of(db)
    times = []
    for request in (
        PutItem("one", {**KEY, "n": 1}),
        UpdateItem("one", KEY, "SET n = :n", expression_attribute_values={":n": 2}),
        DeleteItem("one", KEY),
        PutItem("one", {**KEY, "n": 3}),
    ):
        clock.advance_ms(5_000)
        db.call(request)
        times.append(clock.wall_ms())
    db.call(PutItem("one", {"id": "another"}))
    db._floor.engine.flush()
    found = versions(db)
    assert [version.item and version.item["n"] for version in found] == [3, None, 2, 1]
    assert [abs(version.wall_ms - ms) < 1_000 for version, ms in zip(found, times[::-1], strict=True)]
    assert [version.wall_ms for version in found if version.item] == [times[3], times[1], times[0]]
    assert sorted((version.seqno for version in found), reverse=True) == [each.seqno for each in found]


def test_pages_go_on_where_the_last_one_ended(db):
    for n in range(7):
        db.call(PutItem("one", {**KEY, "n": n}))
    whole = versions(db)
    paged, before = [], None
    while page := versions(db, limit=3, before_seqno=before):
        assert len(page) <= 3
        paged += page
        before = page[-1].seqno
    assert paged == whole
    assert len(whole) == 7


def test_an_answer_ends_before_a_megabyte_but_has_one_version(db):
    for _ in range(6):
        db.call(PutItem("one", {**KEY, "x": "x" * 300_000}))
    page = versions(db)
    assert len(page) == 3
    assert len(versions(db, before_seqno=page[-1].seqno)) == 3


def test_how_far_back_they_go_is_how_long_history_is_kept(db):
    for n in range(3):
        db.call(PutItem("one", {**KEY, "n": n}))
        clock_of(db).advance_ms(HOUR_MS * 2 // 3)
    db.call(PutItem("one", {"id": "another"}))
    assert [version.item["n"] for version in versions(db) if version.item] == [2, 1]


def test_an_item_that_never_was_has_no_versions(db):
    assert versions(db) == []


def test_table_and_key_must_be_right(db):
    with pytest.raises(ResourceNotFound):
        db.call(ListItemVersions("absent", KEY))
    with pytest.raises(ValidationError, match="does not match the schema"):
        db.call(ListItemVersions("one", {"id": 1}))
