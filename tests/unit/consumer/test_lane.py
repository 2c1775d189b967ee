"""Batches: how they are made, what becomes of those that fail."""

from __future__ import annotations

import json

import pytest

from kvdb import Attr
from kvdb.api.items import TransactWriteItems, UpdateItem
from kvdb.api.operations import Request
from kvdb.consumer import Context
from kvdb.consumer.lane import Lane
from kvdb.consumer.lease import SHARD_END
from kvdb.env.fs import read_all
from kvdb.errors import (
    CancellationReason,
    InternalError,
    ServiceUnavailable,
    TransactionCanceled,
    ValidationError,
)
from kvdb.item.dynamo_json import JsonObject
from tests.support.workers import Recorder, Shop, jobs_of, numbers_of


def failing_on(*bad: int) -> Recorder:
    """A handler that cannot take some numbers."""

    def act(event: JsonObject, context: Context) -> None:
        if set(bad) & set(numbers_of(event)):
            raise ValueError("cannot be handled")

    return Recorder(act)


def test_records_come_in_order_in_batches_of_the_size_asked_for() -> None:
    shop, handler = Shop(), Recorder()
    shop.put(*range(25))
    shop.start(handler, batch_size=10)
    shop.turn()
    assert handler.batches == [list(range(10)), list(range(10, 20)), list(range(20, 25))]


def test_a_batch_may_be_larger_than_a_page_of_the_stream() -> None:
    shop, handler = Shop(), Recorder()
    shop.put(*range(1_500))
    shop.start(handler, batch_size=10_000)
    shop.turn()
    assert handler.batches == [list(range(1_500))]


def test_a_window_waits_for_more_until_it_is_over_or_the_batch_full() -> None:
    shop, handler = Shop(), Recorder()
    worker = shop.start(handler, batch_size=5, batching_window_s=10)
    shop.put(1, 2)
    shop.turn(ms=5_000)
    assert handler.batches == []
    shop.put(3)
    shop.turn(ms=6_000)
    assert handler.batches == [[1, 2, 3]]
    shop.put(4, 5, 6, 7, 8, 9)
    shop.turn(ms=1_000)
    assert handler.batches[1:] == [[4, 5, 6, 7, 8]]
    shop.split()
    shop.turn(worker, ms=1_000)
    assert handler.batches[2:] == [[9]]


def test_a_batch_holds_at_most_six_megabytes() -> None:
    shop, handler = Shop(), Recorder()
    shop.put(*range(16), filling="x" * 390_000)
    shop.start(handler, batch_size=10_000)
    shop.turn()
    assert handler.numbers == list(range(16))
    assert len(handler.events) > 1
    sizes = [len(json.dumps(event, separators=(",", ":"))) for event in handler.events]
    assert max(sizes) <= 6 * 1024 * 1024
    assert max(sizes) > 5 * 1024 * 1024


def test_a_failing_batch_is_tried_until_it_succeeds_and_nothing_passes_it() -> None:
    shop = Shop()
    handler = failing_on(2)
    shop.put(1, 2, 3)
    worker = shop.start(handler, batch_size=1)
    shop.turn(ms=30_000)
    assert handler.batches[:2] == [[1], [2]]
    assert set(map(tuple, handler.batches[1:])) == {(2,)}
    assert len(handler.batches) > 5
    assert worker.error is None
    handler.act = lambda event, context: None
    shop.turn(ms=12_000)
    assert handler.batches[-2:] == [[2], [3]]


def test_what_a_handler_changes_in_an_event_a_retry_does_not_see() -> None:
    shop = Shop()

    def act(event: JsonObject, context: Context) -> None:
        records = event["Records"]
        assert isinstance(records, list)
        records[0]["dynamodb"]["NewImage"]["n"] = {"N": "9"}
        if len(handler.events) < 3:
            raise ValueError

    handler = Recorder(act)
    shop.put(1)
    shop.start(handler)
    seen = []
    inner = handler.act
    handler.act = lambda event, context: (seen.append(numbers_of(event)), inner(event, context))[1]
    shop.turn()
    assert seen == [[1], [1], [1]]


def test_retries_run_out_and_the_batch_goes_to_the_file() -> None:
    shop, handler = Shop(), failing_on(2)
    shop.put(1, 2, 3)
    worker = shop.start(handler, batch_size=1, maximum_retry_attempts=2, on_failure="file:/failed.jsonl")
    shop.turn()
    assert handler.batches == [[1], [2], [2], [2], [3]]
    (line,) = read_all(worker.env.fs, "/failed.jsonl").decode().splitlines()
    failure = json.loads(line)
    assert failure["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert failure["requestContext"]["approximateInvokeCount"] == 3
    assert failure["error"] == "ValueError: cannot be handled"
    assert failure["payload"] == handler.events[1]
    info = failure["DDBStreamBatchInfo"]
    assert info["batchSize"] == 1
    assert info["startSequenceNumber"] == info["endSequenceNumber"]
    assert info["streamArn"] == shop.stream_arn
    metrics = worker.env.metrics.read()
    assert metrics["worker_records_given_up_total"] == 1
    assert metrics["worker_batches_failed_total"] == 3


def test_what_is_given_up_goes_to_a_table_item_by_item() -> None:
    shop, handler = Shop(), failing_on(2)
    shop.put(1, 2, 3)
    shop.start(handler, maximum_retry_attempts=0, on_failure="table:failed")
    shop.turn()
    rows = list(shop.client.table("failed").scan())
    assert len(rows) == 3
    assert [json.loads(str(row["record"]))["dynamodb"]["NewImage"]["n"]["N"] for row in rows] == [
        "1",
        "2",
        "3",
    ]
    assert {row["shardId"] for row in rows} == set(shop.open_shards())


def test_a_destination_that_does_not_take_a_batch_keeps_it_from_being_given_up() -> None:
    shop, handler = Shop(), failing_on(1)
    shop.put(1, 2)
    worker = shop.start(handler, batch_size=1, maximum_retry_attempts=0, on_failure="table:failed")

    def refuse(request: Request) -> None:
        if getattr(request, "table_name", None) == "failed":
            raise ServiceUnavailable("not now")

    shop.transport.before = refuse
    shop.turn()
    assert handler.batches == [[1]]
    shop.transport.before = lambda request: None
    shop.turn(worker, ms=10_000)
    assert handler.batches == [[1], [2]]
    assert shop.client.table("failed").count() == 1


def test_bisecting_finds_the_record_that_fails() -> None:
    shop, handler = Shop(), failing_on(5)
    shop.put(*range(8))
    shop.start(
        handler,
        maximum_retry_attempts=1,
        bisect_batch_on_function_error=True,
        on_failure="table:failed",
    )
    shop.turn(ms=5_000)
    assert handler.batches == [
        *([0, 1, 2, 3, 4, 5, 6, 7], [0, 1, 2, 3]),
        *([4, 5, 6, 7], [4, 5], [4], [5], [5], [6, 7]),
    ]
    assert shop.client.table("failed").count() == 1


def test_reported_failures_keep_what_came_before_them() -> None:
    shop = Shop()

    def act(event: JsonObject, context: Context) -> object:
        records = event["Records"]
        assert isinstance(records, list)
        bad = [
            r["dynamodb"]["SequenceNumber"]
            for r, n in zip(records, numbers_of(event), strict=True)
            if n in (3, 5)
        ]
        return {"batchItemFailures": [{"itemIdentifier": number} for number in reversed(bad)]}

    handler = Recorder(act)
    shop.put(*range(7))
    shop.start(handler, report_batch_item_failures=True, maximum_retry_attempts=1, batch_size=100)
    shop.turn(ms=5_000)
    assert handler.batches == [[0, 1, 2, 3, 4, 5, 6], [3, 4, 5, 6]]

    shop, handler = Shop(), Recorder(act)
    shop.put(*range(7))
    shop.start(handler, report_batch_item_failures=True, maximum_retry_attempts=1, batch_size=2)
    shop.turn(ms=5_000)
    assert handler.batches == [[0, 1], [2, 3], [3], [4, 5], [5], [6]]


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}])
def test_an_answer_without_failures_is_success(answer: object) -> None:
    shop, handler = Shop(), Recorder(lambda event, context: answer)
    shop.put(1, 2)
    shop.start(handler, report_batch_item_failures=True)
    shop.turn()
    assert handler.batches == [[1, 2]]


@pytest.mark.parametrize(
    "answer",
    [
        "rubbish",
        [],
        {"batchItemFailures": "x"},
        {"batchItemFailures": [{}]},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"itemIdentifier": "100000000000000000999"}]},
        {"batchItemFailures": ["100000000000000000001"]},
    ],
)
def test_an_answer_of_another_form_fails_the_whole_batch(answer: object) -> None:
    shop, handler = Shop(), Recorder(lambda event, context: answer)
    shop.put(1, 2)
    shop.start(handler, report_batch_item_failures=True, maximum_retry_attempts=1)
    shop.turn()
    assert handler.batches == [[1, 2], [1, 2]]


@pytest.mark.parametrize("answer", [object(), {1, 2}, b"bytes"])
def test_an_answer_that_is_no_json_is_a_failure(answer: object) -> None:
    shop, handler = Shop(), Recorder(lambda event, context: answer)
    shop.put(1)
    shop.start(handler, maximum_retry_attempts=1)
    shop.turn()
    assert handler.batches == [[1], [1]]


def test_any_other_answer_is_ignored_unless_failures_are_reported() -> None:
    shop, handler = Shop(), Recorder(lambda event, context: {"batchItemFailures": "rubbish"})
    shop.put(1)
    shop.start(handler)
    shop.turn()
    assert handler.batches == [[1]]


def test_a_handler_that_ends_its_process_the_polite_way_has_failed() -> None:
    def act(event: JsonObject, context: Context) -> None:
        raise SystemExit(1)

    shop, handler = Shop(), Recorder(act)
    shop.put(1)
    worker = shop.start(handler, maximum_retry_attempts=1)
    shop.turn()
    assert handler.batches == [[1], [1]]
    assert worker.error is None


def test_records_that_are_too_old_are_given_up_untried() -> None:
    shop, handler = Shop(), Recorder()
    shop.put(1, 2)
    shop.clock.advance_ms(61_000)
    shop.put(3)
    worker = shop.start(handler, maximum_record_age_s=60, on_failure="file:/failed")
    shop.turn()
    assert handler.batches == [[3]]
    failure = json.loads(read_all(worker.env.fs, "/failed"))
    assert failure["requestContext"]["condition"] == "RecordAgeExceeded"
    assert failure["DDBStreamBatchInfo"]["batchSize"] == 2


def test_a_failing_batch_grows_too_old() -> None:
    shop, handler = Shop(), failing_on(1)
    shop.put(1)
    shop.start(handler, maximum_record_age_s=60, on_failure="table:failed")
    shop.turn(ms=90_000)
    assert shop.client.table("failed").count() == 1
    tries = len(handler.batches)
    shop.put(2)
    shop.turn()
    assert handler.batches[tries:] == [[2]]


def test_what_does_not_match_is_skipped_and_the_checkpoint_passes_it() -> None:
    shop, handler = Shop(), Recorder()
    shop.put(*range(10))
    pattern = '{"dynamodb": {"NewImage": {"n": {"N": ["3", "7"]}}}}'
    worker = shop.start(handler, filter_patterns=(pattern,))
    shop.turn(ms=5_000)
    assert handler.numbers == [3, 7]
    lease = shop.lease()
    assert lease.progress.checkpoint > str(handler.events[-1]["Records"][-1]["dynamodb"]["SequenceNumber"])  # type: ignore[index]
    assert worker.env.metrics.read()["worker_records_filtered_total"] == 8


# Exactly once.


def counting(event: JsonObject, context: Context) -> None:
    for number in numbers_of(event):
        context.transaction.update("effects", {"id": f"{number}"}, "ADD times :one", values={":one": 1})


def test_the_checkpoint_and_the_writes_are_one_commit() -> None:
    shop, handler = Shop(), Recorder(counting)
    shop.put(*range(30))
    seen: list[int] = []
    shop.transport.before = lambda request: (
        seen.append(len(request.transact_items)) if isinstance(request, TransactWriteItems) else None
    )
    shop.start(handler, exactly_once=True, batch_size=10)
    shop.turn()
    assert {item["times"] for item in shop.effects().values()} == {1}
    assert len(shop.effects()) == 30
    assert seen == [11, 11, 11]


def test_a_commit_whose_answer_was_lost_is_not_made_twice() -> None:
    shop, handler = Shop(), Recorder(counting)
    shop.put(*range(5))
    lost: list[Request] = []

    def lose(request: Request) -> None:
        if isinstance(request, TransactWriteItems) and not lost:
            lost.append(request)
            raise ServiceUnavailable("the answer is lost")

    shop.transport.after = lose
    shop.start(handler, exactly_once=True)
    shop.turn()
    assert lost
    assert handler.batches == [[0, 1, 2, 3, 4]]
    assert {item["times"] for item in shop.effects().values()} == {1}


def test_a_checkpoint_whose_answer_was_lost_is_found_out() -> None:
    shop, handler = Shop(), Recorder()
    shop.put(*range(5))
    lost: list[Request] = []

    def lose(request: Request) -> None:
        expression = request.update_expression if isinstance(request, UpdateItem) else None
        if "laneCheckpoints" in (expression or "") and len(lost) < 6:
            lost.append(request)
            raise ServiceUnavailable("the answer is lost")

    shop.transport.after = lose
    worker = shop.start(handler, batch_size=2)
    shop.turn()
    assert handler.batches == [[0, 1], [2, 3], [4]]
    assert worker.held == [shop.lease().key]


def test_a_condition_of_the_handler_that_does_not_hold_fails_the_batch() -> None:
    def act(event: JsonObject, context: Context) -> None:
        context.transaction.put("effects", {"id": "once"}, condition=Attr("id").not_exists())
        counting(event, context)

    shop, handler = Shop(), Recorder(act)
    shop.client.table("effects").put({"id": "once"})
    shop.put(1)
    shop.start(handler, exactly_once=True, maximum_retry_attempts=2)
    shop.turn()
    assert handler.batches == [[1], [1], [1]]
    assert list(shop.effects()) == ["once"]


def test_more_writes_than_a_transaction_takes_are_refused_to_the_handler() -> None:
    refused: list[str] = []

    def act(event: JsonObject, context: Context) -> None:
        try:
            counting(event, context)
        except ValidationError as error:
            refused.append(error.message)
            raise

    shop, handler = Shop(), Recorder(act)
    shop.put(*range(150))
    shop.start(handler, exactly_once=True, batch_size=150, bisect_batch_on_function_error=True)
    shop.turn(ms=5_000)
    assert refused == ["a batch may write 99 items beside its checkpoint: use a smaller batch_size"]
    assert len(shop.effects()) == 150


def test_writes_that_are_no_writes_fail_the_batch() -> None:
    def act(event: JsonObject, context: Context) -> None:
        context.transaction.put("effects", {"no": "key"})

    shop, handler = Shop(), Recorder(act)
    shop.put(1)
    worker = shop.start(handler, exactly_once=True, maximum_retry_attempts=1)
    shop.turn()
    assert handler.batches == [[1], [1]]
    assert worker.error is None


def test_without_exactly_once_there_is_no_transaction() -> None:
    shop, handler = Shop(), Recorder(counting)
    shop.put(1)
    shop.start(handler, maximum_retry_attempts=0, on_failure="table:failed")
    shop.turn()
    (row,) = shop.client.table("failed").scan()
    assert "was not given exactly_once" in row["failure"]["error"]  # type: ignore[index,operator]


# Parallel lanes.


def test_lanes_work_apart_and_the_changes_of_an_item_stay_together() -> None:
    shop, handler = Shop(), failing_on(0)
    items = [f"item-{number}" for number in range(20)]
    for n in range(60):
        shop.put(n, id=items[n % 20])
    worker = shop.start(handler, parallelization_factor=5, batch_size=4)
    shop.turn()
    done = [n for batch in handler.batches if 0 not in batch for n in batch]
    assert 20 < len(done) < 60, "one lane stands still, the others do not"
    lease = shop.lease()
    assert lease.progress.checkpoint == "TRIM_HORIZON"
    assert len(lease.progress.lanes) == 5
    for item in range(20):
        mine = [n for n in done if n % 20 == item]
        assert mine == sorted(mine)

    # Whoever takes over hands out nothing twice that was done, whatever the number of lanes asked for.
    worker.stop()
    after = Recorder()
    shop.workers.clear()
    shop.start(after, parallelization_factor=2, batch_size=4)
    shop.turn()
    assert sorted(done + after.numbers) == list(range(60))
    assert shop.lease().progress.lanes == ()


# Windows.


def summing(event: JsonObject, context: Context) -> object:
    state = event["state"]
    assert isinstance(state, dict)
    return {"state": {"sum": state.get("sum", 0) + sum(numbers_of(event))}}


def test_a_tumbling_window_passes_its_state_on_and_ends() -> None:
    shop, handler = Shop(), Recorder(summing)
    start = shop.clock.wall_ms()
    assert start % 60_000 == 20_000
    shop.put(1, 2, 3)
    worker = shop.start(handler, tumbling_window_s=60, batch_size=2)
    shop.turn(ms=10_000)
    assert [event["state"] for event in handler.events] == [{}, {"sum": 3}]
    assert handler.events[0]["window"] == {"start": "2023-11-14T22:13:00Z", "end": "2023-11-14T22:14:00Z"}
    shop.clock.advance_ms(60_000)
    shop.put(10)
    shop.turn(worker)
    final, following = handler.events[2:]
    assert final["Records"] == []
    assert (final["isFinalInvokeForWindow"], final["isWindowTerminatedEarly"]) == (True, False)
    assert final["state"] == {"sum": 6}
    assert (following["state"], following["isFinalInvokeForWindow"]) == ({}, False)
    assert following["window"] == {"start": "2023-11-14T22:14:00Z", "end": "2023-11-14T22:15:00Z"}
    assert following["eventSourceARN"] == shop.stream_arn
    shop.clock.advance_ms(60_000)
    shop.turn(worker)
    assert handler.events[4]["isFinalInvokeForWindow"]
    assert handler.events[4]["state"] == {"sum": 10}


def test_another_worker_goes_on_with_the_state_of_a_window() -> None:
    shop, first, second = Shop(), Recorder(summing), Recorder(summing)
    shop.put(1, 2)
    shop.start(first, tumbling_window_s=900)
    shop.turn(ms=1_000)
    shop.workers.pop().stop()
    shop.put(3)
    shop.start(second, tumbling_window_s=900)
    shop.turn(ms=1_000)
    assert second.events[0]["state"] == {"sum": 3}


def test_a_shard_that_ends_ends_its_window() -> None:
    shop, handler = Shop(), Recorder(summing)
    shop.put(1)
    shop.start(handler, tumbling_window_s=900)
    shop.turn(ms=1_000)
    key = shop.lease().key
    shop.split()
    shop.turn(ms=5_000)
    assert [event["isFinalInvokeForWindow"] for event in handler.events] == [False, True]
    (ended,) = [lease for lease in shop.leases() if lease.key == key]
    assert ended.progress.checkpoint == SHARD_END
    assert ended.window_start_ms is None


def test_a_state_that_grows_too_large_ends_the_window_early() -> None:
    def act(event: JsonObject, context: Context) -> object:
        context.transaction.put("effects", {"id": str(len(handler.events))})
        return {"state": {"filling": "x" * (1_100_000 if numbers_of(event) == [2] else 500_000)}}

    shop, handler = Shop(), Recorder(act)
    shop.put(1, 2, 3)
    shop.start(handler, tumbling_window_s=900, batch_size=1, exactly_once=True)
    shop.turn(ms=3_000)
    finals = [(event["isFinalInvokeForWindow"], event["isWindowTerminatedEarly"]) for event in handler.events]
    assert handler.batches == [[1], [2], [], [3]]
    assert finals == [(False, False), (False, False), (True, True), (False, False)]
    assert len(json.dumps(handler.events[2]["state"])) > 1_100_000
    assert handler.events[3]["state"] == {}
    assert set(shop.effects()) == {"1", "2", "3", "4"}


def test_an_answer_without_a_state_fails_in_a_tumbling_window() -> None:
    shop, handler = Shop(), Recorder(lambda event, context: {"state": "text"})
    shop.put(1)
    shop.start(handler, tumbling_window_s=60, maximum_retry_attempts=1)
    shop.turn()
    assert handler.batches[:2] == [[1], [1]]


def test_a_final_call_that_fails_is_tried_again() -> None:
    def act(event: JsonObject, context: Context) -> object:
        if event["isFinalInvokeForWindow"] and len(handler.events) < 4:
            raise ValueError
        return summing(event, context)

    shop, handler = Shop(), Recorder(act)
    shop.put(1)
    shop.start(handler, tumbling_window_s=60, bisect_batch_on_function_error=True)
    shop.turn()
    shop.clock.advance_ms(60_000)
    shop.turn()
    assert [event["isFinalInvokeForWindow"] for event in handler.events] == [False, True, True, True]
    assert handler.events[-1]["state"] == {"sum": 1}


# Records that kill.


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("lanes", [1, 3])
def test_a_record_that_kills_its_worker_is_counted_bisected_and_given_up(lanes: int) -> None:
    shop = Shop()
    for n in range(24):
        shop.put(n, id=f"item-{n % 8}")
    handled: set[int] = set()

    def act(event: JsonObject, context: Context) -> None:
        if 5 in numbers_of(event):
            raise Killed
        handled.update(numbers_of(event))

    for _ in range(25):
        worker = shop.start(
            act,  # type: ignore[arg-type]
            maximum_retry_attempts=3,
            bisect_batch_on_function_error=True,
            on_failure="table:failed",
            failover_ms=1_000,
            parallelization_factor=lanes,
        )
        try:
            shop.turn(worker, ms=4_000)
        except Killed:
            continue
        break
    else:
        pytest.fail("the workers went on dying")
    assert handled == set(range(24)) - {5}
    (failed,) = shop.client.table("failed").scan()
    assert json.loads(str(failed["record"]))["dynamodb"]["NewImage"]["n"] == {"N": "5"}
    assert failed["failure"]["error"] == "the process ended in the handler"  # type: ignore[index]
    assert jobs_of(worker).errors == []


def test_a_record_that_claims_to_be_older_stays_in_the_window_that_is_open() -> None:
    shop, handler = Shop(), Recorder(summing)
    shop.put(1)
    shop.start(handler, tumbling_window_s=60)
    shop.turn(ms=1_000)
    shop.clock.set_wall_ms(shop.clock.wall_ms() - 3_600_000)
    shop.put(2)
    shop.turn(ms=1_000)
    assert [event["window"] for event in handler.events] == [handler.events[0]["window"]] * 2
    assert handler.events[1]["state"] == {"sum": 1}


# What goes wrong around a handler.


def test_a_conflict_is_no_failure_of_the_handler() -> None:
    shop, handler = Shop(), Recorder(counting)
    shop.put(1)
    conflicts: list[Request] = []

    def conflict(request: Request) -> None:
        if isinstance(request, TransactWriteItems) and len(conflicts) < 3:
            conflicts.append(request)
            raise TransactionCanceled([CancellationReason(), CancellationReason("TransactionConflict")])

    shop.transport.before = conflict
    shop.start(handler, exactly_once=True, maximum_retry_attempts=0, on_failure="table:failed")
    shop.turn()
    assert handler.batches == [[1]] * 4
    assert shop.effects()["1"]["times"] == 1
    assert shop.client.table("failed").count() == 0


def test_lanes_wait_while_one_of_them_does_not_know_what_came_of_its_commit() -> None:
    shop, handler = Shop(), Recorder(counting)
    for n in range(60):
        shop.put(n, id=f"item-{n % 12}")
    lost: list[Request] = []

    def lose(request: Request) -> None:
        if isinstance(request, TransactWriteItems) and len(lost) % 3 == 0:
            lost.append(request)
            raise ServiceUnavailable("the answer is lost")
        if isinstance(request, TransactWriteItems):
            lost.append(request)

    shop.transport.after = lose
    worker = shop.start(handler, exactly_once=True, parallelization_factor=4, batch_size=3)
    shop.turn(ms=60_000)
    assert len(lost) >= 20
    assert worker.env.metrics.read()["worker_leases_lost_total"] == 0
    assert {item["times"] for item in shop.effects().values()} == {1}
    assert len(shop.effects()) == 60


def test_stopping_does_not_wait_for_a_database_that_does_not_answer() -> None:
    shop, handler = Shop(), Recorder(counting)
    shop.put(1)

    def refuse(request: Request) -> None:
        if isinstance(request, TransactWriteItems):
            raise ServiceUnavailable("not now")

    shop.transport.before = refuse
    worker = shop.start(handler, exactly_once=True)
    shop.turn()
    worker.stop()
    assert worker.error is None
    shop.transport.before = lambda request: None
    after = Recorder(counting)
    shop.workers.clear()
    shop.start(after, exactly_once=True)
    shop.turn()
    assert (handler.batches, after.batches) == ([[1]], [[1]])
    assert shop.effects()["1"]["times"] == 1


def test_a_mistake_of_ours_ends_the_worker_and_not_only_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(self: Lane) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(Lane, "_next_batch", mistaken)
    shop = Shop()
    worker = shop.start(Recorder())
    shop.turn()
    assert isinstance(worker.error, InternalError)
    assert worker.error.message == "a lane ended: RuntimeError: a mistake"
    assert worker.is_stopping
