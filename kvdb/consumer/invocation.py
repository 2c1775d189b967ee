"""One call of a handler: the event and the context it gets, and what its answer means.

    def handler(event, context):
        for record in event["Records"]:
            ...

as at Lambda, so a handler moves there and back unchanged. ``event`` is made anew for each call: what
a handler changes in it, a retry does not see. With a tumbling window, ``event`` also has ``window``,
``state``, ``shardId``, ``eventSourceARN``, ``isFinalInvokeForWindow``, ``isWindowTerminatedEarly``.

Answers: whatever JSON can say is taken. With ``report_batch_item_failures`` an answer of nothing, or
without failures, is success; one of another form fails the whole batch. With a tumbling window the
answer has the ``state`` that the next batch gets.

Source: Lambda developer guide, "Reporting batch item failures", "Tumbling windows", "Context object".
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kvdb.api.items import TransactWriteAction
from kvdb.client import actions
from kvdb.client.requests import Condition, Names, Update, Values
from kvdb.client.sync import Client
from kvdb.env.clock import Clock
from kvdb.env.jobs import JobRunner
from kvdb.errors import ClosedError, ValidationError
from kvdb.item.dynamo_json import JsonObject

_log = logging.getLogger("kvdb.consumer")

_NS_PER_MS = 1_000_000
_SHOWN_CHARS_MAX = 300
_NO_TIMEOUT_MS = 900_000
"""What a handler without a timeout is told it has left: Lambda's longest."""


class BatchTransaction:
    """What a handler writes exactly once: collected, and committed with the checkpoint of its batch.

    The methods are those of ``kvdb.actions``. Nothing is written before the handler has returned;
    when it raises, or a condition does not hold, nothing is written at all and the batch has failed.
    """

    __slots__ = ("_is_closed", "_writes", "_writes_max")

    def __init__(self, writes_max: int) -> None:
        self._writes: list[TransactWriteAction] = []
        self._writes_max = writes_max
        self._is_closed = False

    def put(
        self,
        table: str,
        item: Mapping[str, object],
        *,
        condition: Condition | None = None,
        names: Names | None = None,
        values: Values | None = None,
    ) -> None:
        """Write a whole item."""
        self._add(actions.put(table, item, condition=condition, names=names, values=values))

    def update(
        self,
        table: str,
        key: Mapping[str, object],
        update: Update,
        *,
        condition: Condition | None = None,
        names: Names | None = None,
        values: Values | None = None,
    ) -> None:
        """Change some attributes of an item, which is made when there is none."""
        self._add(actions.update(table, key, update, condition=condition, names=names, values=values))

    def delete(
        self,
        table: str,
        key: Mapping[str, object],
        *,
        condition: Condition | None = None,
        names: Names | None = None,
        values: Values | None = None,
    ) -> None:
        """Delete an item, if there is one."""
        self._add(actions.delete(table, key, condition=condition, names=names, values=values))

    def check(
        self,
        table: str,
        key: Mapping[str, object],
        condition: Condition,
        *,
        names: Names | None = None,
        values: Values | None = None,
    ) -> None:
        """Write nothing, but let the batch fail if the condition does not hold."""
        self._add(actions.check(table, key, condition, names=names, values=values))

    @property
    def writes(self) -> Sequence[TransactWriteAction]:
        return self._writes

    def close(self) -> None:
        """Take no more: the handler was given up."""
        self._is_closed = True

    def _add(self, write: TransactWriteAction) -> None:
        if self._is_closed:
            raise ClosedError("this batch is over: its handler took too long")
        if len(self._writes) >= self._writes_max:
            raise ValidationError(
                f"a batch may write {self._writes_max} items beside its checkpoint: use a smaller batch_size"
            )
        self._writes.append(write)


class Context:
    """What Lambda tells a handler about its call; beyond it ``client`` and ``transaction``."""

    function_version = "$LATEST"
    memory_limit_in_mb = "0"
    """There is no such limit."""
    identity = None
    client_context = None

    def __init__(
        self,
        *,
        function_name: str,
        request_id: str,
        log_stream_name: str,
        client: Client,
        clock: Clock,
        timeout_ms: float | None,
        transaction: BatchTransaction | None,
    ) -> None:
        self.function_name = function_name
        self.invoked_function_arn = f"arn:kvdb:worker:::function:{function_name}"
        self.aws_request_id = request_id
        self.log_group_name = f"kvdb/worker/{function_name}"
        self.log_stream_name = log_stream_name
        self.client = client
        """The worker's own client, for reads (and for writes that may be made twice)."""
        self._clock = clock
        self._end_ns = clock.monotonic_ns() + (timeout_ms or _NO_TIMEOUT_MS) * _NS_PER_MS
        self._transaction = transaction

    def get_remaining_time_in_millis(self) -> int:
        return max(int((self._end_ns - self._clock.monotonic_ns()) // _NS_PER_MS), 0)

    @property
    def transaction(self) -> BatchTransaction:
        """Collects what is to be written exactly once.

        Raises:
            ValidationError: the worker does not work with ``exactly_once``.
        """
        if self._transaction is None:
            raise ValidationError("there is no transaction: the worker was not given exactly_once")
        return self._transaction


Handler = Callable[[JsonObject, Context], object]


@dataclass(slots=True)
class Answer:
    """What came of one call."""

    response: object = None
    fault: str | None = None
    """Why it failed."""
    error_type: str | None = None
    is_hung: bool = False
    """It did not return in time, and may still be at work."""
    writes: Sequence[TransactWriteAction] = ()
    """What it wants written with its checkpoint."""


def call(
    handler: Handler,
    event: JsonObject,
    context: Context,
    *,
    timeout_ms: float | None,
    jobs: JobRunner,
) -> Answer:
    """Call a handler; what it raises becomes a fault. ``timeout_ms`` needs a runner with threads."""
    answer = Answer()
    if timeout_ms is None:
        _run(handler, event, context, answer)
        return answer
    is_over = threading.Event()

    def run() -> None:
        _run(handler, event, context, answer)
        is_over.set()

    if jobs.spawn("handler", run) is None:
        run()
    if not is_over.wait(timeout_ms / 1000):
        return Answer(
            fault=f"the handler took longer than {timeout_ms:g} ms", error_type="Timeout", is_hung=True
        )
    return answer


def _run(handler: Handler, event: JsonObject, context: Context, answer: Answer) -> None:
    try:
        response = handler(event, context)
        # Lambda sends answers as JSON; one that cannot be is an error there, so it is one here.
        json.dumps(response)
        answer.response = response
    # A handler that ends its process at Lambda has failed, not stopped the service.
    except (Exception, SystemExit) as error:
        _log.warning("handler raised function=%s", context.function_name, exc_info=error)
        answer.error_type = type(error).__name__
        answer.fault = f"{answer.error_type}: {error}"[:_SHOWN_CHARS_MAX]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means for a batch: so many of its first records are done, the rest failed."""

    handled: int
    fault: str | None = None


def verdict(answer: Answer, numbers: Sequence[str], *, reports_failures: bool) -> Verdict:
    """Judge an answer to the batch of records with these sequence numbers."""
    if answer.fault is not None:
        return Verdict(0, answer.fault)
    if not reports_failures or answer.response is None:
        return Verdict(len(numbers))
    response = answer.response
    if not isinstance(response, dict):
        return Verdict(0, f"the answer is no object: {type(response).__name__}")
    failures = response.get("batchItemFailures")
    if failures is None:
        return Verdict(len(numbers))
    if not isinstance(failures, list):
        return Verdict(0, "batchItemFailures is no list")
    places = [_place_of(failure, numbers) for failure in failures]
    known = [place for place in places if place is not None]
    if len(known) < len(places):
        return Verdict(0, "batchItemFailures names what is not in the batch")
    if not known:
        return Verdict(len(numbers))
    return Verdict(min(known), "the handler reported failures")


def _place_of(failure: object, numbers: Sequence[str]) -> int | None:
    number = failure.get("itemIdentifier") if isinstance(failure, dict) else None
    return numbers.index(number) if isinstance(number, str) and number in numbers else None


def state_of(response: object) -> str | None:
    """The state that a batch of a tumbling window passes on, as JSON; ``None``: it gives none."""
    state = response.get("state") if isinstance(response, dict) else None
    # ASCII: a character is a byte.
    return json.dumps(state, separators=(",", ":")) if isinstance(state, dict) else None
