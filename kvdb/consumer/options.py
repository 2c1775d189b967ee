"""The settings of a worker: those of Lambda's event source mappings, and of leases.

Names and bounds of the first group are Lambda's, in snake case. Source: Lambda API Reference,
CreateEventSourceMapping; developer guide, "Polling and batching streams".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from kvdb import limits
from kvdb.errors import ValidationError
from kvdb.stream.patterns import compile_patterns

StartingPosition = Literal["TRIM_HORIZON", "LATEST"]
OnTrimmed = Literal["fail", "skip"]

FOR_EVER = -1


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How one worker works. All workers of an application are given the same."""

    starting_position: StartingPosition = "TRIM_HORIZON"
    """Where an application begins that has no leases yet: the oldest record kept, or now."""
    batch_size: int = 100
    """Most records of one invocation; it holds at most 6 MB of events as well."""
    batching_window_s: float = 0
    """How long to wait for a batch to fill, at most 300 s."""
    maximum_retry_attempts: int = FOR_EVER
    """Retries of a failing batch before it is given up; -1: until it succeeds."""
    maximum_record_age_s: int = FOR_EVER
    """Records older than this are given up; -1: never, else 60 to 604,800."""
    bisect_batch_on_function_error: bool = False
    """Try the halves of a failing batch by themselves."""
    report_batch_item_failures: bool = False
    """The handler answers with ``{"batchItemFailures": [{"itemIdentifier": sequence number}]}``:
    what is before the first of them is done."""
    parallelization_factor: int = 1
    """Batches of one shard at work at once, up to 10; the changes of one item stay in order."""
    tumbling_window_s: int = 0
    """Length of a window whose batches pass a state on, up to 900 s; 0: none."""
    filter_patterns: tuple[str, ...] = ()
    """JSON texts of which a record has to match one (``stream/patterns``)."""
    on_failure: str | None = None
    """Where batches that are given up go: ``"table:NAME"`` or ``"file:PATH"``."""

    exactly_once: bool = False
    """The checkpoint and what the handler writes through ``context.transaction`` commit together."""
    handler_timeout_s: float | None = None
    """A handler that takes longer has failed. Its thread cannot be ended: what it still does, it does."""
    on_trimmed: OnTrimmed = "fail"
    """When records were trimmed before they were handled: end the worker, or go on with the oldest."""

    application: str = "worker"
    """Workers of one name share the work; another name is another reader of the whole stream."""
    lease_table: str | None = None
    """Where leases are kept; the default is ``<table>.<application>.leases``."""
    failover_ms: int = 10_000
    """A worker that has shown no sign of life for this long has lost its leases."""
    poll_ms: int = 250
    """How often a shard without new records is asked for some."""
    shard_sync_ms: int = 10_000
    """How often to look for new shards, besides when one has ended."""
    threads_max: int = 16
    """Handlers at work at once, over all shards."""

    def __post_init__(self) -> None:
        _in(self.starting_position, get_args(StartingPosition), "starting_position")
        _in(self.on_trimmed, get_args(OnTrimmed), "on_trimmed")
        _between(self.batch_size, 1, limits.EVENT_BATCH_RECORDS_MAX, "batch_size")
        _time(self.batching_window_s, limits.EVENT_WINDOW_S_MAX, "batching_window_s")
        _between(self.maximum_retry_attempts, FOR_EVER, limits.EVENT_RETRIES_MAX, "maximum_retry_attempts")
        if self.maximum_record_age_s != FOR_EVER:
            _between(
                self.maximum_record_age_s,
                limits.EVENT_AGE_S_MIN,
                limits.EVENT_AGE_S_MAX,
                "maximum_record_age_s",
            )
        _between(self.parallelization_factor, 1, limits.EVENT_LANES_MAX, "parallelization_factor")
        _between(self.tumbling_window_s, 0, limits.TUMBLING_WINDOW_S_MAX, "tumbling_window_s")
        if self.handler_timeout_s is not None:
            _time(self.handler_timeout_s, math.inf, "handler_timeout_s")
            _require(self.handler_timeout_s > 0, "handler_timeout_s must be positive")
        for name in ("failover_ms", "poll_ms", "shard_sync_ms", "threads_max"):
            _between(getattr(self, name), 1, limits.INTEGER_MAX, name)
        _require(
            self.tumbling_window_s == 0 or self.parallelization_factor == 1,
            "a tumbling window has one state a shard: parallelization_factor must be 1",
        )
        _require(
            not (self.exactly_once and self.report_batch_item_failures),
            "exactly_once commits a batch as a whole: report_batch_item_failures must be off",
        )
        kind, _, name = (self.on_failure or "").partition(":")
        _require(
            self.on_failure is None or (kind in ("table", "file") and bool(name)),
            f"on_failure must be table:NAME or file:PATH: {self.on_failure!r}",
        )
        _require(bool(self.application), "application must have a name")
        compile_patterns(self.filter_patterns)

    def lease_table_of(self, table: str) -> str:
        """The name of the table of leases, for workers of ``table``."""
        return self.lease_table or f"{table}.{self.application}.leases"

    @property
    def heartbeat_ms(self) -> int:
        """Three in the time after which a worker counts as dead."""
        return max(self.failover_ms // 3, 1)


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ValidationError(message)


def _in(value: str, choices: tuple[str, ...], name: str) -> None:
    _require(value in choices, f"{name} must be one of {', '.join(choices)}: {value!r}")


def _between(value: int, low: int, high: int, name: str) -> None:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    _require(is_whole and low <= value <= high, f"{name} must be {low} to {high}: {value!r}")


def _time(value: float, high: float, name: str) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    _require(is_number and 0 <= value <= high, f"{name} must be 0 to {high} seconds: {value!r}")
