"""A lane: takes records of a shard in order, batch by batch, until each is handled or given up.

    next batch -> call the handler -> done:    checkpoint
                                   -> failed:  what is done of it, then the rest again,
                                               in halves if it may be bisected
                                   -> too often, or too old: destination, then checkpoint

Nothing passes a batch that fails: what comes after it waits. Retries wait 100 ms, 200 ms, ... 10 s.
Splitting a batch is no retry. A process that dies in a handler leaves the batch to whoever takes the
lease; from the second try on attempts are counted in the lease, so that records that kill are
retried, bisected and given up like those that raise.

With a tumbling window, a batch holds records of one window only: those created from its start to its
end, and any later one that claims to be older (clocks jump), so that windows never open again. The
last call of a window has no records.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice, takewhile

from kvdb.api.items import TransactWriteAction
from kvdb.consumer.batch_call import HUNG_MAX, Caller
from kvdb.consumer.invocation import Answer, Verdict, state_of, verdict
from kvdb.consumer.lease import Attempt, Window
from kvdb.consumer.options import FOR_EVER
from kvdb.consumer.shard_work import NS_PER_MS, Entry, ShardWork
from kvdb.errors import (
    ClosedError,
    DeadlineExceeded,
    InternalError,
    KvdbError,
    RetryableError,
    StorageError,
    TransactionCanceled,
)
from kvdb.item.dynamo_json import JsonObject
from kvdb.limits import EVENT_BATCH_BYTES_MAX, TUMBLING_STATE_BYTES_MAX
from kvdb.stream.event import event_of

_log = logging.getLogger("kvdb.consumer")

_BACKOFF_MS = 100
_BACKOFF_MS_MAX = 10_000
_SOON_MS = 5

_JSON_BYTES_A_BYTE_MAX = 16
"""No value takes more of JSON than this, for each byte it counts, and a record's other members."""
_JSON_BYTES_BESIDE = 2_048

RETRIES_EXHAUSTED = "RetryAttemptsExhausted"
AGE_EXCEEDED = "RecordAgeExceeded"

_TRANSIENT = ("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded")


@dataclass(slots=True)
class Batch:
    """Records to be handled together, and how often that has failed."""

    entries: Sequence[Entry]
    attempts: int = 0
    fault: str = ""
    is_final: bool = False
    """The last call of a window."""
    is_early: bool = False
    """Its window ended early: the state had grown too large."""
    carried: Sequence[TransactWriteAction] = ()
    """What the call before an early end wants written."""


@dataclass(slots=True)
class Handled:
    """Records that are dealt with, but not written down so yet."""

    entries: Sequence[Entry]
    window: Window | None
    writes: Sequence[TransactWriteAction] = ()
    batch: Batch | None = None
    """What they were, if it has to be tried again when ``writes`` are refused."""


class Lane:
    """A ``Task`` of the pool."""

    def __init__(
        self, shard: ShardWork, number: int, caller: Caller, fail: Callable[[KvdbError], None]
    ) -> None:
        self._shard = shard
        self._number = number
        self._caller = caller
        self._options = caller.options
        self._fail = fail
        self._batches: deque[Batch] = deque()
        self._handled: Handled | None = None
        self._window = caller.leases.window_of(shard.held.lease) if self._options.tumbling_window_s else None
        self._errors = 0
        lease = shard.held.lease
        self._is_wary = (lease.switches > 0 and lease.token > 1) or number in lease.attempts
        """Whoever held the lease before may have died of the batch that is next."""

    def step(self) -> int | None:
        try:
            pause_ms = self._step()
        except RetryableError as error:
            self._errors += 1
            _log.warning("shard waits shard=%s error=%s", self._shard.held.lease.shard_id, error)
            pause_ms = _backoff_ms(self._errors)
            if not self._shard.may_begin and self._errors > 1:
                pause_ms = None
        except KvdbError as error:
            self._fail(error)
            pause_ms = None
        except Exception as error:  # a mistake of ours: the worker must not go on as if nothing was
            _log.exception("lane ended shard=%s", self._shard.held.lease.shard_id)
            self._fail(InternalError(f"a lane ended: {type(error).__name__}: {error}"))
            pause_ms = None
        else:
            self._errors = 0
        if pause_ms is None:
            self._shard.lane_ended()
        return pause_ms

    def _step(self) -> int | None:
        shard = self._shard
        if not shard.held.is_mine:
            return None
        if self._handled is not None:
            return self._write_down()
        if not shard.may_begin:
            return None
        if not self._batches:
            batch = self._next_batch()
            if batch is None:
                return self._idle()
            self._batches.append(batch)
        return self._attempt(self._batches[0])

    def _idle(self) -> int | None:
        shard = self._shard
        if self._window is None and not shard.queue_of(self._number) and shard.finish():
            return None
        shard.pass_filtered(self._window)
        if shard.queue_of(self._number):
            return self._ms_to_window_end()
        if shard.is_read_to_end:
            # Other lanes are not through yet.
            return self._options.poll_ms
        return shard.ms_to_next_read()

    # Batches.

    def _next_batch(self) -> Batch | None:
        queue = self._shard.queue_of(self._number)
        while len(queue) < self._options.batch_size and self._shard.fill():
            pass
        if self._options.tumbling_window_s:
            if self._window is not None and self._window_is_over(queue):
                return Batch((), is_final=True)
            if queue and self._window is None:
                self._window = Window(self._window_start(queue[0]))
        if not queue or not self._is_time(queue):
            return None
        entries = self._first_entries(queue)
        del queue[: len(entries)]
        return self._with_attempts(Batch(entries))

    def _is_time(self, queue: list[Entry]) -> bool:
        return (
            self._options.batching_window_s == 0
            or len(queue) >= self._options.batch_size
            or self._shard.is_read_to_end
            or self._ms_to_window_end() <= 0
            or sum(entry.record.dynamodb.size_bytes for entry in queue) >= EVENT_BATCH_BYTES_MAX
        )

    def _ms_to_window_end(self) -> int:
        """How long the first record of the queue still may wait for others."""
        first = self._shard.queue_of(self._number)[0]
        waited_ns = self._caller.clock.monotonic_ns() - first.read_ns
        left_ms = self._options.batching_window_s * 1000 - waited_ns / NS_PER_MS
        return min(max(int(left_ms), 0), self._options.poll_ms)

    def _first_entries(self, queue: list[Entry]) -> list[Entry]:
        """As many as one call may have, of one window."""
        entries: list[Entry] = []
        size = 0
        for entry in islice(queue, self._options.batch_size):
            size += _json_bytes_max(entry)
            if entries and not self._is_in_window(entry):
                break
            entries.append(entry)
        if size <= EVENT_BATCH_BYTES_MAX:
            return entries
        fitting, size = 0, 0
        for entry in entries:
            size += len(json.dumps(event_of(entry.record), separators=(",", ":"))) + 1
            # One record always goes, however large: two images of 400 KB fit.
            if fitting and size > EVENT_BATCH_BYTES_MAX:
                break
            fitting += 1
        return entries[:fitting]

    def _with_attempts(self, batch: Batch) -> Batch:
        """Count what earlier holders of the lease have tried, and died of."""
        attempt = self._shard.held.lease.attempts.get(self._number)
        if attempt is None or attempt.at != batch.entries[0].number:
            return batch
        batch.attempts = attempt.count
        batch.fault = "the process ended in the handler"
        if self._options.bisect_batch_on_function_error:
            entries = batch.entries
            kept = max(len(entries) >> min(attempt.count, len(entries).bit_length()), 1)
            self._shard.queue_of(self._number)[:0] = entries[kept:]
            batch.entries = entries[:kept]
        return batch

    # Windows.

    def _window_start(self, entry: Entry) -> int:
        length_ms = self._options.tumbling_window_s * 1000
        return entry.created_ms - entry.created_ms % length_ms

    def _window_end(self, window: Window) -> int:
        return window.start_ms + self._options.tumbling_window_s * 1000

    def _is_in_window(self, entry: Entry) -> bool:
        return self._window is None or entry.created_ms < self._window_end(self._window)

    def _window_is_over(self, queue: list[Entry]) -> bool:
        window = self._window
        assert window is not None
        if queue:
            return not self._is_in_window(queue[0])
        if self._shard.is_read_to_end:
            return True
        return self._shard.is_caught_up and self._caller.clock.wall_ms() >= self._window_end(window)

    # Calls.

    def _attempt(self, batch: Batch) -> int | None:
        if given_up := self._to_give_up(batch):
            entries, condition = given_up
            return self._give_up(batch, entries, condition)
        if not self._note_attempt(batch):
            return None
        caller = self._caller
        answer = caller.call(
            self._shard.held.lease,
            () if batch.is_final else batch.entries,
            self._members(batch),
            writes_taken=len(batch.carried),
        )
        self._batches.popleft()
        if answer.is_hung and caller.hung >= HUNG_MAX:
            self._fail(
                DeadlineExceeded(f"handlers do not return, start the worker anew handlers={caller.hung}")
            )
            return None
        if batch.is_final:
            judged = Verdict(0, answer.fault)
        else:
            numbers = [entry.number for entry in batch.entries]
            judged = verdict(answer, numbers, reports_failures=self._options.report_batch_item_failures)
        if judged.fault is None:
            return self._succeeded(batch, answer)
        return self._failed(batch, judged, answer)

    def _note_attempt(self, batch: Batch) -> bool:
        """After the lease has changed hands, put down what is begun, in case it ends this process."""
        if not batch.entries or not self._is_wary:
            return True
        attempt = Attempt(batch.entries[0].number, batch.attempts + 1)
        return self._shard.held.begin_attempt(self._number, attempt)

    def _members(self, batch: Batch) -> JsonObject | None:
        """What the event has beside its records."""
        window = self._window
        if window is None:
            return None
        return {
            "window": {
                "start": _second_text(window.start_ms),
                "end": _second_text(self._window_end(window)),
            },
            "state": json.loads(window.state),
            "shardId": self._shard.held.lease.shard_id,
            "eventSourceARN": self._shard.held.lease.stream_arn,
            "isFinalInvokeForWindow": batch.is_final,
            "isWindowTerminatedEarly": batch.is_early,
        }

    def _succeeded(self, batch: Batch, answer: Answer) -> int | None:
        window = self._window
        if batch.is_final:
            window = None
        elif window is not None:
            state = state_of(answer.response)
            if state is None:
                return self._failed(
                    batch, Verdict(0, "the answer has no state, which a tumbling window needs")
                )
            window = Window(window.start_ms, state)
            if len(state) > TUMBLING_STATE_BYTES_MAX:
                return self._end_early(batch, window, answer)
        self._handled = Handled(batch.entries, window, [*batch.carried, *answer.writes], batch)
        return self._write_down()

    def _end_early(self, batch: Batch, window: Window, answer: Answer) -> int:
        """The state has grown too large to be kept: the last call of the window gets it, at once.

        Nothing is written down before that call is done, so a crash in between loses nothing.
        """
        self._window = window
        self._batches.appendleft(Batch(batch.entries, is_final=True, is_early=True, carried=answer.writes))
        return 0

    def _failed(self, batch: Batch, judged: Verdict, answer: Answer | None = None) -> int | None:
        """Write down what is done of a batch, and have the rest tried again."""
        assert judged.fault is not None
        self._caller.failed(self._shard.held.lease.shard_id, batch.entries, judged.fault)
        done, rest = batch.entries[: judged.handled], batch.entries[judged.handled :]
        if done:
            self._batches.appendleft(Batch(rest, 1, judged.fault))
            self._handled = Handled(done, self._window_after(answer))
            return self._write_down()
        batch.fault = judged.fault
        if self._options.bisect_batch_on_function_error and len(rest) > 1 and not batch.is_final:
            middle = len(rest) // 2
            for half in (rest[middle:], rest[:middle]):
                self._batches.appendleft(Batch(half, batch.attempts, judged.fault))
        else:
            batch.attempts += 1
            self._batches.appendleft(batch)
        return _backoff_ms(max(batch.attempts, 1))

    def _window_after(self, answer: Answer | None) -> Window | None:
        """The window after a batch of which a part is done: with the state of the answer, if it has one."""
        window = self._window
        state = None if answer is None else state_of(answer.response)
        if window is None or state is None or len(state) > TUMBLING_STATE_BYTES_MAX:
            return window
        return Window(window.start_ms, state)

    # The ends of a batch.

    def _to_give_up(self, batch: Batch) -> tuple[Sequence[Entry], str] | None:
        """What of a batch is not to be tried (again), and why."""
        options = self._options
        may_split = options.bisect_batch_on_function_error and len(batch.entries) > 1 and not batch.is_final
        tries_max = options.maximum_retry_attempts
        if tries_max != FOR_EVER and batch.attempts > tries_max and not may_split:
            return batch.entries, RETRIES_EXHAUSTED
        if options.maximum_record_age_s != FOR_EVER and not batch.is_final:
            oldest_ms = self._caller.clock.wall_ms() - options.maximum_record_age_s * 1000
            too_old = list(takewhile(lambda entry: entry.created_ms < oldest_ms, batch.entries))
            if too_old:
                return too_old, AGE_EXCEEDED
        return None

    def _give_up(self, batch: Batch, entries: Sequence[Entry], condition: str) -> int | None:
        self._caller.give_up(self._shard.held.lease, entries, self._members(batch), condition, batch)
        self._batches.popleft()
        if len(entries) < len(batch.entries):
            self._batches.appendleft(Batch(batch.entries[len(entries) :], batch.attempts, batch.fault))
        self._handled = Handled(entries, None if batch.is_final else self._window)
        return self._write_down()

    def _write_down(self) -> int | None:
        """The checkpoint of what is handled."""
        handled = self._handled
        assert handled is not None
        try:
            is_written = self._shard.checkpoint(self._number, handled.entries, handled.window, handled.writes)
        except (RetryableError, StorageError, ClosedError):
            raise
        except KvdbError as error:
            self._shard.forget_try(self._number)
            if not handled.writes or handled.batch is None:
                raise
            self._handled = None
            return self._refused(handled.batch, error)
        if is_written is None:
            return _SOON_MS
        if not is_written:
            return None
        self._window = handled.window
        self._handled = None
        self._is_wary = False
        self._caller.handled(handled.entries)
        return 0

    def _refused(self, batch: Batch, error: KvdbError) -> int | None:
        """The handler's writes were refused: the batch has failed, or has to be tried again at once."""
        codes = {reason.code for reason in error.reasons} if isinstance(error, TransactionCanceled) else set()
        if codes and codes <= {"None", *_TRANSIENT}:
            self._batches.appendleft(batch)
            return _BACKOFF_MS
        return self._failed(batch, Verdict(0, f"{type(error).__name__}: {error}"))


def _backoff_ms(failures: int) -> int:
    return min(_BACKOFF_MS << min(failures - 1, 10), _BACKOFF_MS_MAX)


def _json_bytes_max(entry: Entry) -> int:
    """What the event of a record can take at most, without making it."""
    return _JSON_BYTES_BESIDE + _JSON_BYTES_A_BYTE_MAX * entry.record.dynamodb.size_bytes


def _second_text(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
