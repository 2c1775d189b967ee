"""One call of a handler: what it is told, and what happens when it does not come back."""

from __future__ import annotations

import threading

import pytest

import kvdb
from kvdb import actions
from kvdb.consumer.invocation import Answer, BatchTransaction, Context, call, verdict
from kvdb.env.env import Env
from kvdb.errors import ClosedError, ValidationError
from kvdb.item.dynamo_json import JsonObject
from kvdb.testing.manual_clock import ManualClock
from tests.support.builders import make_env


def context(clock: ManualClock, timeout_ms: float | None = None) -> Context:
    return Context(
        function_name="handler",
        request_id="id",
        log_stream_name="w/s",
        client=kvdb.open(":memory:"),
        clock=clock,
        timeout_ms=timeout_ms,
        transaction=None,
    )


def test_the_context_is_lambdas() -> None:
    clock = ManualClock()
    given = context(clock, 3_000)
    assert given.get_remaining_time_in_millis() == 3_000
    clock.advance_ms(1_000)
    assert given.get_remaining_time_in_millis() == 2_000
    clock.advance_ms(5_000)
    assert given.get_remaining_time_in_millis() == 0
    names = (
        *("function_name", "function_version", "invoked_function_arn", "memory_limit_in_mb"),
        *("aws_request_id", "log_group_name", "log_stream_name", "identity", "client_context"),
    )
    assert all(hasattr(given, name) for name in names)
    given.client.close()


def test_a_handler_that_hangs_is_given_up_and_its_late_answer_means_nothing() -> None:
    env = Env.system()
    may_end, has_ended = threading.Event(), threading.Event()

    def hang(event: JsonObject, context: Context) -> str:
        may_end.wait()
        has_ended.set()
        return "late"

    given = context(ManualClock(), 20)
    answer = call(hang, {}, given, timeout_ms=20, jobs=env.jobs)
    assert answer.is_hung
    assert answer.fault == "the handler took longer than 20 ms"
    may_end.set()
    assert has_ended.wait(10)
    assert answer.response is None
    given.client.close()
    env.jobs.close()


def test_a_handler_that_comes_back_in_time_is_heard() -> None:
    env = Env.system()
    given = context(ManualClock(), 60_000)
    answer = call(lambda event, context: event["n"], {"n": 1}, given, timeout_ms=60_000, jobs=env.jobs)
    assert answer == Answer(1)
    given.client.close()
    env.jobs.close()


def test_without_threads_there_is_no_timeout() -> None:
    clock = ManualClock()
    given = context(clock)

    def take_long(event: JsonObject, context: Context) -> None:
        clock.advance_ms(60_000)

    assert call(take_long, {}, given, timeout_ms=1, jobs=make_env(clock=clock).jobs) == Answer()
    given.client.close()


def test_a_transaction_collects_what_actions_make() -> None:
    transaction = BatchTransaction(4)
    transaction.put("t", {"id": 1}, condition="attribute_exists(id)")
    transaction.update("t", {"id": 2}, "REMOVE a")
    transaction.delete("t", {"id": 3})
    transaction.check("t", {"id": 4}, "attribute_exists(a)")
    assert list(transaction.writes) == [
        actions.put("t", {"id": 1}, condition="attribute_exists(id)"),
        actions.update("t", {"id": 2}, "REMOVE a"),
        actions.delete("t", {"id": 3}),
        actions.check("t", {"id": 4}, "attribute_exists(a)"),
    ]
    with pytest.raises(ValidationError, match="a batch may write 4 items beside its checkpoint"):
        transaction.delete("t", {"id": 5})
    transaction.close()
    with pytest.raises(ClosedError, match="this batch is over"):
        transaction.delete("t", {"id": 5})


def test_the_lowest_reported_failure_counts() -> None:
    answer = Answer({"batchItemFailures": [{"itemIdentifier": "3"}, {"itemIdentifier": "2"}]})
    judged = verdict(answer, ["1", "2", "3"], reports_failures=True)
    assert (judged.handled, judged.fault) == (1, "the handler reported failures")
