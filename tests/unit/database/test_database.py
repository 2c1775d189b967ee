from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable

import pytest

from kvdb import limits
from kvdb.api.items import (
    BatchWriteItem,
    BatchWriteItemResult,
    DeleteItem,
    DeleteItemResult,
    GetItem,
    GetItemResult,
    PutItem,
    PutItemResult,
    PutRequest,
    Query,
    Scan,
)
from kvdb.api.tables import ListTables, ListTablesResult
from kvdb.database.database import Database
from kvdb.errors import (
    ClosedError,
    ConditionalCheckFailed,
    DatabaseLocked,
    DiskError,
    InternalError,
    KvdbError,
    NotADatabase,
    UnknownOperation,
    ValidationError,
)
from kvdb.options import DatabaseOptions
from kvdb.table import row
from kvdb.table.catalog import Catalog
from kvdb.testing.manual_clock import ManualClock
from kvdb.testing.mem_fs import MemFileSystem
from tests.support.builders import AIRPORTS, make_env, open_database

KEY = {"country": "IS", "icao": "BIKF"}
GET = GetItem("airports", KEY)
PUT = PutItem("airports", KEY)


def with_airports() -> Database:
    db = open_database()
    db.call(AIRPORTS)
    return db


class Loop:
    """An event loop for one submission after another."""

    def __init__(self) -> None:
        self._scheduled: list[Callable[[], None]] = []
        self._has_work = threading.Condition()
        self.answers: list[tuple[object, BaseException | None]] = []
        self.threads: set[int] = set()

    def defer(self, step: Callable[[], None]) -> None:
        with self._has_work:
            self._scheduled.append(step)
            self._has_work.notify_all()

    def done(self, result: object, error: BaseException | None) -> None:
        self.threads.add(threading.get_ident())
        self.answers.append((result, error))

    def run_until_answered(self, count: int) -> None:
        while len(self.answers) < count:
            with self._has_work:
                assert self._has_work.wait_for(lambda: self._scheduled, 30), "nothing was scheduled"
                steps, self._scheduled = self._scheduled, []
            for step in steps:
                step()


def test_what_was_put_is_there_after_opening_again():
    env = make_env()
    with open_database(env) as db:
        db.call(AIRPORTS)
        db.call(PUT)
    with open_database(make_env(env.fs)) as db:
        assert db.call(GET) == GetItemResult(KEY)


def test_what_was_acknowledged_is_there_after_a_power_loss():
    env = make_env()
    db = open_database(env)
    db.call(AIRPORTS)
    db.call(PUT)
    assert isinstance(env.fs, MemFileSystem)
    with open_database(make_env(env.fs.after_crash("strict"))) as db:
        assert db.call(GET) == GetItemResult(KEY)


def test_a_memory_database_needs_no_directory_and_ends_its_own_threads():
    before = set(threading.enumerate())
    with Database.open(":memory:") as db:
        db.call(AIRPORTS)
        db.call(PUT)
        assert db.call(GET) == GetItemResult(KEY)
    assert set(threading.enumerate()) <= before


def test_two_memory_databases_share_nothing():
    with Database.open(":memory:") as one, Database.open(":memory:") as other:
        one.call(AIRPORTS)
        assert other.call(ListTables()) == ListTablesResult([])


def test_a_directory_on_disk_keeps_a_database(tmp_path):
    path = str(tmp_path / "data")
    with Database.open(path) as db:
        db.call(AIRPORTS)
        db.call(PUT)
        with pytest.raises(DatabaseLocked):
            Database.open(path)
    with Database.open(path) as db:
        assert db.call(GET) == GetItemResult(KEY)


def test_a_refused_directory_leaves_no_thread_behind(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    before = set(threading.enumerate())
    with pytest.raises(NotADatabase):
        Database.open(str(tmp_path))
    assert set(threading.enumerate()) <= before
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]


def test_an_unreadable_catalog_closes_the_engine_again(monkeypatch):
    env = make_env()

    def broken(self: object, engine: object, env: object, options: object) -> None:
        raise OSError(errno.EIO, "Input/output error", "000001.sst")

    with monkeypatch.context() as patched:
        patched.setattr(Catalog, "__init__", broken)
        with pytest.raises(DiskError, match=r"^file system refused a call .*file=000001\.sst$"):
            open_database(env)
    open_database(make_env(env.fs)).close()


def test_stamps_do_not_go_back_over_a_restart_with_a_slow_clock():
    clock = ManualClock()
    env = make_env(clock=clock)
    stamps = []
    with open_database(env) as db:
        db.call(AIRPORTS)
        for _ in range(3):
            db.call(PUT)
        stamps.append(stored_stamp(db))
    slow = ManualClock(clock.wall_ms() - 60_000)
    with open_database(make_env(env.fs, slow)) as db:
        db.call(PUT)
        stamps.append(stored_stamp(db))
    assert stamps[1] > stamps[0]


def stored_stamp(db: Database) -> row.Stamp:
    floor = db._floor
    stored = floor.engine.get(floor.catalog.table("airports").keys.of_key(KEY))
    assert stored is not None
    return row.stamp_of(stored)


def test_rows_carry_the_region_of_their_database():
    with open_database(region=7) as db:
        db.call(AIRPORTS)
        db.call(PUT)
        assert stored_stamp(db).region == 7


def test_calls_after_close_are_refused():
    db = with_airports()
    db.close()
    db.close()
    with pytest.raises(ClosedError, match=r"^the database is closed$"):
        db.call(GET)
    loop = Loop()
    db.submit(GET, loop.done, loop.defer)
    ((_, error),) = loop.answers
    assert isinstance(error, ClosedError)


def test_close_waits_for_running_calls(monkeypatch):
    db = with_airports()
    entered, leave = threading.Event(), threading.Event()
    read = db._floor.engine.get

    def slow_get(key: bytes, at: object = None) -> bytes | None:
        entered.set()
        assert leave.wait(30)
        return read(key)

    monkeypatch.setattr(db._floor.engine, "get", slow_get)
    results: list[object] = []
    caller = threading.Thread(target=lambda: results.append(db.call(GET)))
    caller.start()
    assert entered.wait(30)
    closer = threading.Thread(target=db.close)
    closer.start()
    closer.join(0.05)
    assert closer.is_alive()
    leave.set()
    for thread in (caller, closer):
        thread.join(30)
    assert results == [GetItemResult(None)]
    assert not closer.is_alive()


def test_an_unexpected_exception_is_logged_and_not_told(monkeypatch, caplog):
    db = with_airports()

    def broken(key: bytes, at: object = None) -> bytes | None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(db._floor.engine, "get", broken)
    with caplog.at_level(logging.ERROR, "kvdb.database"), pytest.raises(InternalError) as failed:
        db.call(GET)
    assert "secret" not in str(failed.value)
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
    assert "secret detail" in caplog.text
    loop = Loop()
    db.submit(GET, loop.done, loop.defer)
    ((_, error),) = loop.answers
    assert isinstance(error, InternalError)


def test_a_refused_file_call_is_a_disk_error(monkeypatch):
    db = with_airports()

    def broken(key: bytes, at: object = None) -> bytes | None:
        raise OSError(errno.EIO, "Input/output error", "000001.sst")

    monkeypatch.setattr(db._floor.engine, "get", broken)
    with pytest.raises(DiskError, match=r"reason=Input/output error file=000001\.sst"):
        db.call(GET)


def test_what_is_no_request_is_an_unknown_operation():
    db = with_airports()
    with pytest.raises(UnknownOperation, match="not a request: str"):
        db.call("GetItem")  # type: ignore[arg-type]


# From an event loop.


def test_point_operations_are_answered_on_the_submitting_thread():
    with with_airports() as db:
        loop = Loop()
        for place, request in enumerate(
            (PUT, GET, DeleteItem("airports", KEY, return_values="ALL_OLD"), GET), 1
        ):
            db.submit(request, loop.done, loop.defer)
            loop.run_until_answered(place)
    assert loop.answers == [
        (PutItemResult(), None),
        (GetItemResult(KEY), None),
        (DeleteItemResult(KEY), None),
        (GetItemResult(None), None),
    ]
    assert loop.threads == {threading.get_ident()}


def test_submitted_errors_are_answered_and_not_raised():
    requests = [
        GetItem("", KEY),
        GetItem("airports", {}),
        PutItem("airports", KEY, condition_expression="attribute_exists(icao)"),
        Query("airports", "country = :c"),
        Scan("airports"),
    ]
    with with_airports() as db:
        loop = Loop()
        for request in requests:
            db.submit(request, loop.done, loop.defer)
        loop.run_until_answered(len(requests))
    kinds = [type(error) for _, error in loop.answers]
    assert kinds == [
        ValidationError,
        ValidationError,
        ConditionalCheckFailed,
        UnknownOperation,
        UnknownOperation,
    ]
    assert all(isinstance(error, KvdbError) for _, error in loop.answers)


def test_an_answer_that_raises_is_not_given_twice():
    db = with_airports()
    calls = []

    def done(result: object, error: BaseException | None) -> None:
        calls.append(result)
        raise ValueError("the caller's own mistake")

    with pytest.raises(ValueError, match="own mistake"):
        db.submit(GET, done, Loop().defer)
    assert calls == [GetItemResult(None)]
    db.close()


def test_submitted_and_called_writes_of_one_item_lose_nothing(tmp_path):
    with Database.open(str(tmp_path / "data"), DatabaseOptions()) as db:
        db.call(AIRPORTS)
        db.call(PutItem("airports", {**KEY, "n": 0}))
        stop = threading.Thread(target=lambda: [count_up(db) for _ in range(50)])
        stop.start()
        loop, successes = Loop(), 0
        while successes < 50:
            answered = len(loop.answers)
            db.submit(increment(db), loop.done, loop.defer)  # may be answered at once
            loop.run_until_answered(answered + 1)
            successes += loop.answers[-1][1] is None
        stop.join(60)
        assert db.call(GET).item["n"] == 100


def increment(db: Database) -> PutItem:
    seen = db.call(GET).item["n"]
    return PutItem(
        "airports",
        {**KEY, "n": seen + 1},
        condition_expression="n = :seen",
        expression_attribute_values={":seen": seen},
    )


def count_up(db: Database) -> None:
    while True:
        try:
            db.call(increment(db))
            return
        except ConditionalCheckFailed:
            continue


LARGE = {**KEY, "runways": "x" * 500_000}
TOO_LARGE = "^Item size has exceeded the maximum allowed size$"


def test_the_limits_of_an_item_are_those_the_database_was_opened_with():
    with Database.open("/db", DatabaseOptions(limits="open"), make_env()) as database:
        database.call(AIRPORTS)
        database.call(PutItem("airports", LARGE))
        assert database.call(GetItem("airports", KEY)) == GetItemResult(LARGE)
    with open_database() as database:
        database.call(AIRPORTS)
        with pytest.raises(ValidationError, match=TOO_LARGE):
            database.call(PutItem("airports", LARGE))


def test_a_call_may_be_held_to_other_limits():
    with Database.open("/db", DatabaseOptions(limits="open"), make_env()) as database:
        database.call(AIRPORTS)
        with pytest.raises(ValidationError, match=TOO_LARGE):
            database.call(PutItem("airports", LARGE), profile=limits.AWS)
        writes = [PutRequest({"country": "IS", "icao": str(n)}) for n in range(26)]
        with pytest.raises(ValidationError, match="length less than or equal to 25"):
            database.call(BatchWriteItem({"airports": writes}), profile=limits.AWS)
        assert database.call(BatchWriteItem({"airports": writes})) == BatchWriteItemResult()
        answers: list[object] = []
        database.submit(
            PutItem("airports", LARGE),
            lambda result, error: answers.append(error),
            lambda step: step(),
            profile=limits.AWS,
        )
        assert isinstance(answers[0], ValidationError)
