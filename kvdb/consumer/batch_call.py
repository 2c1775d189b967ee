"""What all lanes of a worker call handlers with: event, context, timeout, destination, metrics."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final, Protocol

from kvdb.client.sync import Client
from kvdb.consumer.destination import Destination, Failure
from kvdb.consumer.invocation import Answer, BatchTransaction, Context, Handler, call
from kvdb.consumer.lease import STATE_PARTS_MAX, Lease, LeaseTable
from kvdb.consumer.options import WorkerOptions
from kvdb.consumer.shard_work import NS_PER_MS, Entry
from kvdb.env.clock import Clock
from kvdb.env.env import Env
from kvdb.item.dynamo_json import JsonObject
from kvdb.limits import TRANSACTION_ACTIONS_MAX
from kvdb.stream.event import event_of

_log = logging.getLogger("kvdb.consumer")

HUNG_MAX: Final = 8
"""Handlers that may hang before the worker gives its process up: their threads cannot be ended."""


class Tries(Protocol):
    """What is told of a batch that is given up."""

    attempts: int
    fault: str


class Caller:
    """Calls one handler for all shards of a worker. Thread-safe."""

    def __init__(
        self,
        handler: Handler,
        options: WorkerOptions,
        client: Client,
        leases: LeaseTable,
        env: Env,
        *,
        worker_id: str,
        destination: Destination | None,
    ) -> None:
        self.options = options
        self.leases = leases
        self.clock: Clock = env.clock
        self.hung = 0
        self._handler = handler
        self._client = client
        self._env = env
        self._worker_id = worker_id
        self._destination = destination
        self._function_name = getattr(handler, "__name__", type(handler).__name__)
        metrics = env.metrics
        self._calls = metrics.histogram("worker_handler_ms")
        self._handled = metrics.counter("worker_records_handled_total")
        self._failures = metrics.counter("worker_batches_failed_total")
        self._given_up = metrics.counter("worker_records_given_up_total")
        self._timeouts = metrics.counter("worker_handlers_hung_total")

    def call(
        self, lease: Lease, entries: Sequence[Entry], members: JsonObject | None, *, writes_taken: int
    ) -> Answer:
        """One call with the records of ``entries``; ``members`` are the event's others."""
        options = self.options
        timeout_ms = None if options.handler_timeout_s is None else options.handler_timeout_s * 1000
        transaction = BatchTransaction(self._writes_max() - writes_taken) if options.exactly_once else None
        context = Context(
            function_name=self._function_name,
            request_id=self._env.entropy.uuid(),
            log_stream_name=f"{self._worker_id}/{lease.shard_id}",
            client=self._client,
            clock=self.clock,
            timeout_ms=timeout_ms,
            transaction=transaction,
        )
        started_ns = self.clock.monotonic_ns()
        answer = call(
            self._handler, _event(entries, members), context, timeout_ms=timeout_ms, jobs=self._env.jobs
        )
        self._calls.observe((self.clock.monotonic_ns() - started_ns) / NS_PER_MS)
        if transaction is not None:
            transaction.close()
            answer.writes = transaction.writes
        if answer.is_hung:
            self.hung += 1
            self._timeouts.add()
        return answer

    def handled(self, entries: Sequence[Entry]) -> None:
        """These are written down as dealt with."""
        self._handled.add(len(entries))

    def failed(self, shard_id: str, entries: Sequence[Entry], fault: str) -> None:
        """A batch failed; it will be tried again, or given up."""
        self._failures.add()
        first = entries[0].number if entries else "none"
        _log.warning(
            "batch failed shard=%s first=%s records=%d fault=%s", shard_id, first, len(entries), fault
        )

    def give_up(
        self, lease: Lease, entries: Sequence[Entry], members: JsonObject | None, condition: str, tries: Tries
    ) -> None:
        """Hand a batch to the destination, if there is one.

        Raises:
            KvdbError: it did not take it, so it is not given up.
        """
        if self._destination is not None:
            self._destination.put(
                Failure(
                    records=[entry.record for entry in entries],
                    event=_event(entries, members),
                    condition=condition,
                    error=tries.fault,
                    invocations=tries.attempts,
                    request_id=self._env.entropy.uuid(),
                    function_arn=f"arn:kvdb:worker:::function:{self._function_name}",
                    shard_id=lease.shard_id,
                    stream_arn=lease.stream_arn,
                    at_ms=self.clock.wall_ms(),
                )
            )
        self._given_up.add(len(entries))
        _log.error(
            "batch given up shard=%s records=%d condition=%s fault=%s",
            lease.shard_id,
            len(entries),
            condition,
            tries.fault,
        )

    def _writes_max(self) -> int:
        """What a transaction holds beside the checkpoint, and the state of a window if there are any."""
        parts = STATE_PARTS_MAX if self.options.tumbling_window_s else 0
        return TRANSACTION_ACTIONS_MAX - 1 - parts


def _event(entries: Sequence[Entry], members: JsonObject | None) -> JsonObject:
    event: JsonObject = {"Records": [event_of(entry.record) for entry in entries]}
    event.update(members or {})
    return event
