from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from kvdb.api.items import DeleteItem, PutItem, PutItemResult, UpdateItem, UpdateItemResult
from kvdb.env.hlc import Stamp
from kvdb.errors import (
    ClosedError,
    ConditionalCheckFailed,
    DiskError,
    ResourceNotFound,
    ServiceUnavailable,
    ValidationError,
)
from kvdb.lsm.batch import WriteBatch
from kvdb.table import row, writer
from kvdb.table.latches import Grant
from kvdb.table.writer import Steps
from kvdb.table.writes import PutWrite
from tests.support.builders import Floor, open_floor
from tests.support.indexes import index, index_rows, indexed_table

KEY = {"country": "IS", "icao": "BIKF"}
ITEM = {**KEY, "elevation": 171}


def opened() -> Floor:
    floor = open_floor()
    floor.create()
    return floor


def run(floor: Floor, steps: Steps[object]) -> object:
    return writer.run(steps, floor.engine, floor.latches)


def stored(floor: Floor, key: dict[str, object] = KEY) -> bytes | None:
    return floor.engine.get(floor.catalog.table("airports").keys.of_key(key))


class EngineDouble:
    """Commits when the test says so; gives nothing when read."""

    def __init__(self) -> None:
        self.reads = 0
        self.pending: list[Callable[[int, BaseException | None], None]] = []
        self.refusal: Exception | None = None

    def get(self, key: bytes) -> bytes | None:
        self.reads += 1
        return None

    def write(self, batch: WriteBatch) -> int:
        raise self.refusal or AssertionError("nothing to refuse with")

    def submit(self, batch: WriteBatch, done: Callable[[int, BaseException | None], None]) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.pending.append(done)


class Loop:
    """An event loop that runs when told to."""

    def __init__(self) -> None:
        self.scheduled: list[Callable[[], None]] = []
        self.answers: list[tuple[object, BaseException | None]] = []
        self.is_closed = False

    def defer(self, step: Callable[[], None]) -> None:
        if self.is_closed:
            raise RuntimeError("Event loop is closed")
        self.scheduled.append(step)

    def done(self, result: object, error: BaseException | None) -> None:
        self.answers.append((result, error))

    def turn(self) -> None:
        steps, self.scheduled = self.scheduled, []
        for step in steps:
            step()


def in_another_thread(call: Callable[[], None]) -> None:
    thread = threading.Thread(target=call)
    thread.start()
    thread.join(10)


def with_engine(floor: Floor, engine: EngineDouble) -> writer.Writer:
    return writer.Writer(floor.catalog, engine, floor.latches, floor.env.hlc)  # type: ignore[arg-type]


# The blocking driver.


def test_a_put_stores_a_row_with_size_and_stamp():
    floor = opened()
    assert run(floor, floor.writer.put_item(PutItem("airports", ITEM))) == PutItemResult()
    data = stored(floor)
    assert data is not None
    assert row.item_of(data) == ITEM
    assert row.size_of(data) == PutWrite.of_request(PutItem("airports", ITEM)).size_bytes
    assert row.stamp_of(data) == Stamp(floor.env.clock.wall_ms(), 0, 0)


def test_stamps_of_later_writes_are_later():
    floor = opened()
    stamps = []
    for _ in range(3):
        run(floor, floor.writer.put_item(PutItem("airports", ITEM)))
        stamps.append(row.stamp_of(stored(floor) or b""))
    assert stamps == sorted(set(stamps))


@pytest.mark.parametrize("returns", ["NONE", "ALL_OLD"])
def test_the_old_item_is_answered_only_when_asked_for(returns):
    floor = opened()
    run(floor, floor.writer.put_item(PutItem("airports", ITEM)))
    # The condition makes the writer read the old item in any case.
    exists = {"condition_expression": "attribute_exists(icao)", "return_values": returns}
    expected = ITEM if returns == "ALL_OLD" else None
    assert run(floor, floor.writer.put_item(PutItem("airports", ITEM, **exists))).attributes == expected
    assert run(floor, floor.writer.delete_item(DeleteItem("airports", KEY, **exists))).attributes == expected
    assert stored(floor) is None


def test_a_refused_condition_writes_nothing():
    floor = opened()
    run(floor, floor.writer.put_item(PutItem("airports", ITEM)))
    absent = {"condition_expression": "attribute_not_exists(icao)"}
    for steps in (
        floor.writer.put_item(PutItem("airports", KEY, **absent)),
        floor.writer.delete_item(DeleteItem("airports", KEY, **absent)),
    ):
        with pytest.raises(ConditionalCheckFailed, match=r"^The conditional request failed$"):
            run(floor, steps)
    assert row.item_of(stored(floor) or b"") == ITEM
    assert not floor.latches.any_held(b"")


def test_an_unconditioned_write_reads_nothing():
    floor, engine = opened(), EngineDouble()
    steps = with_engine(floor, engine).put_item(PutItem("airports", ITEM))
    assert isinstance(next(steps), WriteBatch)
    assert engine.reads == 0


def test_deleting_what_is_known_to_be_absent_commits_nothing():
    floor = opened()
    steps = floor.writer.delete_item(DeleteItem("airports", KEY, return_values="ALL_OLD"))
    with pytest.raises(StopIteration) as stop:
        next(steps)
    assert stop.value.value.attributes is None


def test_the_item_is_checked_before_the_table_and_the_table_before_the_key():
    floor = opened()
    with pytest.raises(ValidationError, match="unsupported type"):
        run(floor, floor.writer.put_item(PutItem("absent", {"country": object()})))
    with pytest.raises(ResourceNotFound):
        run(floor, floor.writer.put_item(PutItem("absent", {"country": "IS"})))
    with pytest.raises(ValidationError, match="Missing the key icao"):
        run(floor, floor.writer.put_item(PutItem("airports", {"country": "IS"})))


def test_a_failed_commit_frees_the_latch_and_reaches_the_caller():
    floor, engine = opened(), EngineDouble()
    engine.refusal = DiskError("no space")
    steps = with_engine(floor, engine).put_item(PutItem("airports", ITEM))
    with pytest.raises(DiskError):
        writer.run(steps, engine, floor.latches)  # type: ignore[arg-type]
    assert not floor.latches.any_held(b"")


def test_a_write_that_is_closed_half_way_frees_its_latch_or_its_place_in_the_line():
    floor = opened()
    first = floor.writer.put_item(PutItem("airports", ITEM))
    assert isinstance(next(first), WriteBatch)
    second = floor.writer.put_item(PutItem("airports", ITEM))
    assert isinstance(next(second), Grant)
    second.close()
    first.close()
    assert not floor.latches.any_held(b"")


def test_eight_threads_of_conditional_counters_lose_nothing():
    floor = opened()
    run(floor, floor.writer.put_item(PutItem("airports", {**KEY, "n": 0})))
    table = floor.catalog.table("airports")
    failures: list[BaseException] = []

    def count_up(times: int) -> None:
        done = 0
        while done < times:
            seen = row.item_of(floor.engine.get(table.keys.of_key(KEY)) or b"")["n"]
            request = PutItem(
                "airports",
                {**KEY, "n": seen + 1},
                condition_expression="n = :seen",
                expression_attribute_values={":seen": seen},
            )
            try:
                run(floor, floor.writer.put_item(request))
                done += 1
            except ConditionalCheckFailed:
                continue
            except BaseException as error:
                failures.append(error)
                return

    threads = [threading.Thread(target=count_up, args=(40,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert row.item_of(stored(floor) or b"")["n"] == 8 * 40


def test_writers_of_overlapping_batches_do_not_deadlock():
    floor = opened()
    table = floor.catalog.table("airports")
    items = [{"country": "IS", "icao": str(number)} for number in range(6)]

    def write_all(order: list[dict[str, object]]) -> None:
        for _ in range(30):
            targets = [writer.Target(table, table.keys.of_key(item), PutWrite(item, 10)) for item in order]
            run(floor, floor.writer.write(targets))

    threads = [threading.Thread(target=write_all, args=(items[n:] + items[:n],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert not floor.latches.any_held(b"")


# The driver for event loops.


def submitted(floor: Floor, engine: EngineDouble, loop: Loop, **fields: object) -> None:
    steps = with_engine(floor, engine).put_item(PutItem("airports", ITEM, **fields))  # type: ignore[arg-type]
    writer.submit(steps, engine, floor.latches, loop.done, loop.defer)  # type: ignore[arg-type]


def test_a_commit_that_ends_on_another_thread_is_answered_on_the_loop():
    floor, engine, loop = opened(), EngineDouble(), Loop()
    submitted(floor, engine, loop)
    assert loop.answers == []
    in_another_thread(lambda: engine.pending.pop()(7, None))
    assert loop.answers == []
    loop.turn()
    assert loop.answers == [(PutItemResult(), None)]
    assert not floor.latches.any_held(b"")


def test_a_commit_that_fails_later_is_answered_with_its_error():
    floor, engine, loop = opened(), EngineDouble(), Loop()
    submitted(floor, engine, loop)
    failure = DiskError("no space")
    in_another_thread(lambda: engine.pending.pop()(0, failure))
    loop.turn()
    assert loop.answers == [(None, failure)]
    assert not floor.latches.any_held(b"")


def test_a_commit_that_ends_at_once_needs_no_turn_of_the_loop():
    floor, loop = opened(), Loop()

    class AtOnce(EngineDouble):
        def submit(self, batch: WriteBatch, done: Callable[[int, BaseException | None], None]) -> None:
            done(7, None)

    submitted(floor, AtOnce(), loop)
    assert loop.answers == [(PutItemResult(), None)]
    assert loop.scheduled == []


def test_a_commit_that_a_later_submit_of_the_same_loop_ends_is_answered_too():
    floor, loop = opened(), Loop()

    class Leading(EngineDouble):
        """The second submit leads the commit of both, as the engine does in mode none."""

        def submit(self, batch: WriteBatch, done: Callable[[int, BaseException | None], None]) -> None:
            self.pending.append(done)
            if len(self.pending) == 2:
                for each in self.pending:
                    each(7, None)

    engine = Leading()
    for icao in ("BIKF", "BIRK"):
        request = PutItem("airports", {"country": "IS", "icao": icao})
        steps = with_engine(floor, engine).put_item(request)
        writer.submit(steps, engine, floor.latches, loop.done, loop.defer)  # type: ignore[arg-type]
    loop.turn()
    assert loop.answers == [(PutItemResult(), None)] * 2
    assert not floor.latches.any_held(b"")


def test_a_refused_submit_is_answered_with_its_error():
    floor, engine, loop = opened(), EngineDouble(), Loop()
    engine.refusal = ClosedError("closed")
    submitted(floor, engine, loop)
    assert loop.answers == [(None, engine.refusal)]
    assert not floor.latches.any_held(b"")


def test_a_taken_latch_is_waited_for_without_blocking():
    floor, engine, loop = opened(), EngineDouble(), Loop()
    submitted(floor, engine, loop)
    submitted(floor, engine, loop)
    assert len(engine.pending) == 1
    in_another_thread(lambda: engine.pending.pop()(7, None))
    loop.turn()
    assert len(loop.answers) == 1
    # The first has freed the latch; the second goes on in a turn of its own.
    loop.turn()
    assert len(engine.pending) == 1
    in_another_thread(lambda: engine.pending.pop()(8, None))
    loop.turn()
    assert [error for _, error in loop.answers] == [None, None]
    assert not floor.latches.any_held(b"")


def test_a_refused_condition_is_answered_at_once():
    floor, engine, loop = opened(), EngineDouble(), Loop()
    submitted(floor, engine, loop, condition_expression="attribute_exists(icao)")
    ((result, error),) = loop.answers
    assert result is None
    assert isinstance(error, ConditionalCheckFailed)
    assert not floor.latches.any_held(b"")


def test_a_loop_that_closes_meanwhile_leaves_no_latch_behind():
    floor, engine, loop = opened(), EngineDouble(), Loop()
    submitted(floor, engine, loop)
    loop.is_closed = True
    in_another_thread(lambda: engine.pending.pop()(7, None))
    ((_, error),) = loop.answers
    assert isinstance(error, ServiceUnavailable)
    assert not floor.latches.any_held(b"")


# Updates.


def update(floor: Floor, text: str | None, key: dict[str, object] = KEY, **fields: object) -> object:
    request = UpdateItem("airports", key, text, **fields)  # type: ignore[arg-type]
    answer = run(floor, floor.writer.update_item(request))
    assert isinstance(answer, UpdateItemResult)
    return answer.attributes


VALUE = {"expression_attribute_values": {":v": 200}}


@pytest.mark.parametrize(
    ("returns", "attributes"),
    [
        ("NONE", None),
        ("ALL_OLD", ITEM),
        ("ALL_NEW", {**ITEM, "elevation": 200}),
        ("UPDATED_OLD", {"elevation": 171}),
        ("UPDATED_NEW", {"elevation": 200}),
    ],
)
def test_an_update_answers_with_what_was_asked_for(returns, attributes):
    floor = opened()
    run(floor, floor.writer.put_item(PutItem("airports", ITEM)))
    assert update(floor, "SET elevation = :v", return_values=returns, **VALUE) == attributes
    assert row.item_of(stored(floor) or b"")["elevation"] == 200


@pytest.mark.parametrize(
    ("returns", "attributes"),
    [
        ("ALL_OLD", None),
        ("ALL_NEW", {**KEY, "elevation": 200}),
        ("UPDATED_OLD", None),
        ("UPDATED_NEW", {"elevation": 200}),
    ],
)
def test_an_update_that_makes_its_item_has_no_old_one_to_show(returns, attributes):
    floor = opened()
    assert update(floor, "SET elevation = :v", return_values=returns, **VALUE) == attributes


def test_an_update_that_finds_nothing_to_take_away_writes_nothing():
    floor = opened()
    assert update(floor, "REMOVE elevation", return_values="ALL_NEW") is None
    assert stored(floor) is None


def test_an_update_stores_its_size():
    floor = opened()
    run(floor, floor.writer.put_item(PutItem("airports", ITEM)))
    update(floor, "SET elevation = :v, city = :c", expression_attribute_values={":v": 7, ":c": "Keflavik"})
    expected = PutWrite.of_request(PutItem("airports", {**ITEM, "elevation": 7, "city": "Keflavik"}))
    assert row.size_of(stored(floor) or b"") == expected.size_bytes


@pytest.mark.parametrize("name", ["country", "icao"])
@pytest.mark.parametrize("text", ["SET {} = :v", "REMOVE {}", "ADD {} :v", "SET {}.inside = :v"])
def test_an_update_may_not_touch_a_key_attribute(name, text):
    floor = opened()
    fields = VALUE if ":v" in text else {}
    with pytest.raises(ValidationError) as refused:
        update(floor, text.format(name), **fields)
    assert refused.value.message == (
        f"One or more parameter values were invalid: Cannot update attribute {name}. "
        "This attribute is part of the key"
    )


def test_an_update_may_not_look_into_a_key_attribute():
    floor = opened()
    with pytest.raises(ValidationError, match=r"^Key attributes must be scalars; .*: Key: icao$"):
        update(floor, "SET elevation = icao.inside")


def test_no_condition_of_a_write_may_look_into_a_key_attribute():
    floor = opened()
    for request in (
        PutItem("airports", ITEM, "attribute_exists(icao.inside)"),
        UpdateItem("airports", KEY, None, "NOT icao[0] = size(elevation)"),
        DeleteItem("airports", KEY, "size(#k.inside) > size(elevation)", {"#k": "icao"}),
    ):
        with pytest.raises(ValidationError, match=r"^Key attributes must be scalars; .*: Key: icao$"):
            asked = {PutItem: "put_item", UpdateItem: "update_item", DeleteItem: "delete_item"}[type(request)]
            run(floor, getattr(floor.writer, asked)(request))


def test_an_update_may_not_give_an_index_key_another_type():
    floor = open_floor()
    floor.create(
        indexed_table(
            "airports", ("country", "S"), ("icao", "S"), ("city", "S"), across=[index("by-city", "city")]
        )
    )
    run(floor, floor.writer.put_item(PutItem("airports", {**ITEM, "city": "Keflavik"})))
    mismatch = "Type mismatch for Index Key city Expected: S Actual: N IndexName: by-city"
    with pytest.raises(ValidationError, match=mismatch):
        update(floor, "SET city = :v", **VALUE)
    with pytest.raises(ValidationError, match=r"empty string value\. IndexName: by-city, IndexKey: city"):
        update(floor, "SET city = :v", expression_attribute_values={":v": ""})
    with pytest.raises(ValidationError, match=r"^Key attributes must be scalars; .*: IndexKey: city$"):
        update(floor, "SET city.inside = :v", **VALUE)
    kept = index_rows(floor.engine, floor.catalog.table("airports"), "by-city")
    assert [item["city"] for item in kept.values()] == ["Keflavik"]
    update(floor, "SET city = :v REMOVE elevation", expression_attribute_values={":v": "Reykjavik"})
    kept = index_rows(floor.engine, floor.catalog.table("airports"), "by-city")
    assert list(kept.values()) == [{**KEY, "city": "Reykjavik"}]


def test_two_updates_of_one_item_both_count():
    floor = opened()
    add = UpdateItem("airports", KEY, "ADD elevation :v", expression_attribute_values={":v": 1})
    threads = [
        threading.Thread(target=lambda: [run(floor, floor.writer.update_item(add)) for _ in range(50)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert row.item_of(stored(floor) or b"")["elevation"] == 200


def test_an_update_runs_on_an_event_loop():
    floor = opened()
    loop = Loop()
    request = UpdateItem("airports", KEY, "SET elevation = :v", return_values="UPDATED_NEW", **VALUE)  # type: ignore[arg-type]
    writer.submit(floor.writer.update_item(request), floor.engine, floor.latches, loop.done, loop.defer)
    for _ in range(100):
        if loop.answers:
            break
        loop.turn()
    assert loop.answers == [(UpdateItemResult({"elevation": 200}), None)]
