"""One held lease at work: what was read of its shard, and how far its lanes have come.

    reader -> filter -> queue of a lane -> batch -> handler -> checkpoint

There is one lane, or ``parallelization_factor`` of them; the changes of one item all go through one,
in order. The checkpoint is where *all* is handled; where lanes are ahead of it stands beside it, so
that whoever takes over hands out nothing twice that was done. A lease left with lanes ahead keeps
their number until it changes hands with its lanes level.

Bounds: a shard holds at most one batch of records, and with parallel lanes 10,000 (so that a lane
which cannot go on does not stop the others at once); in bytes, 6 MB a lane and one page more.
"""

from __future__ import annotations

import json
import logging
import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kvdb.api.items import TransactWriteAction
from kvdb.api.streams import Record
from kvdb.client.sync import Client
from kvdb.consumer.held import HeldLease
from kvdb.consumer.lease import SHARD_END, TRIM_HORIZON, Progress, Window
from kvdb.consumer.options import WorkerOptions
from kvdb.consumer.outstanding import Outstanding
from kvdb.consumer.source import ShardReader
from kvdb.env.clock import Clock
from kvdb.item.dynamo_json import item_to_json
from kvdb.limits import EVENT_BATCH_BYTES_MAX, EVENT_BATCH_RECORDS_MAX
from kvdb.metrics import Counter
from kvdb.stream.event import event_of
from kvdb.stream.patterns import Matches

_log = logging.getLogger("kvdb.consumer")

NS_PER_MS = 1_000_000
_PASSING_CHECKPOINT_NS = 1_000 * NS_PER_MS
"""How often a checkpoint may be moved past records that were only filtered out."""


class Entry(NamedTuple):
    """A record in a lane."""

    record: Record
    read_ns: int

    @property
    def number(self) -> str:
        return self.record.dynamodb.sequence_number

    @property
    def created_ms(self) -> int:
        return self.record.dynamodb.approximate_creation_date_time_ms


@dataclass(frozen=True, slots=True)
class Wiring:
    """What all shards of a worker share."""

    client: Client
    clock: Clock
    options: WorkerOptions
    matches: Matches | None
    """``None``: every record is wanted, and no event is made to find that out."""
    records_read: Counter
    records_filtered: Counter
    gaps: Counter


class ShardWork:
    """The reader's side, and the books. Thread-safe: lanes step in threads of their own."""

    def __init__(
        self,
        held: HeldLease,
        wiring: Wiring,
        is_stopping: Callable[[], bool],
        has_come_to_rest: Callable[[], None],
    ) -> None:
        lease = held.lease
        self.held = held
        self.lane_count = len(lease.progress.lanes) or wiring.options.parallelization_factor
        self._wiring = wiring
        self._is_stopping = is_stopping
        self._has_come_to_rest = has_come_to_rest
        self._reader = ShardReader(wiring.client, lease, wiring.options.on_trimmed)
        batch_size = wiring.options.batch_size
        self._records_max = batch_size if self.lane_count == 1 else max(batch_size, EVENT_BATCH_RECORDS_MAX)
        self._lane_levels = list(lease.progress.lanes) or [""] * self.lane_count
        self._outstanding = Outstanding(lease.progress.checkpoint)
        self._outstanding_bytes = 0
        self._handled_ms = lease.progress.handled_ms
        self._queues: list[list[Entry]] = [[] for _ in range(self.lane_count)]
        self._books = threading.Lock()
        self._reading = threading.Lock()
        self._next_read_ns = 0
        self._passed_ns = wiring.clock.monotonic_ns() - _PASSING_CHECKPOINT_NS
        self._unsure_lane: int | None = None
        self.lanes_at_work = self.lane_count

    @property
    def may_begin(self) -> bool:
        """Whether another batch may be begun."""
        # Once a lane has ended, so do the others: the lease is worked on as a whole or given back.
        is_whole = self.lanes_at_work == self.lane_count
        held = self.held
        return is_whole and held.is_mine and held.lease.handover_to is None and not self._is_stopping()

    @property
    def is_read_to_end(self) -> bool:
        return self._reader.is_ended

    @property
    def is_caught_up(self) -> bool:
        """Whether the last page had nothing."""
        return self._next_read_ns > 0

    def queue_of(self, lane: int) -> list[Entry]:
        return self._queues[lane]

    def ms_to_next_read(self) -> int:
        left_ns = self._next_read_ns - self._wiring.clock.monotonic_ns()
        return max(-(-left_ns // NS_PER_MS), 1)

    def fill(self) -> bool:
        """Read a page, if there is room and the time has come; whether it brought anything.

        Raises:
            KvdbError: as ``ShardReader.read``.
        """
        if not self._reading.acquire(blocking=False):
            return False
        try:
            return self._fill()
        finally:
            self._reading.release()

    def _fill(self) -> bool:
        wiring = self._wiring
        now_ns = wiring.clock.monotonic_ns()
        room = self._records_max - len(self._outstanding)
        is_full = room <= 0 or self._outstanding_bytes >= EVENT_BATCH_BYTES_MAX * self.lane_count
        if is_full or self._reader.is_ended or now_ns < self._next_read_ns:
            return False
        gaps = self._reader.gaps
        records = self._reader.read(room)
        wiring.gaps.add(self._reader.gaps - gaps)
        wiring.records_read.add(len(records))
        self._next_read_ns = 0 if records else now_ns + wiring.options.poll_ms * NS_PER_MS
        with self._books:
            for record in records:
                self._admit(Entry(record, now_ns))
        return bool(records)

    def _admit(self, entry: Entry) -> None:
        """Into the queue of its lane, or past it: it is not wanted, or was handled before."""
        lane = self._lane_of(entry.record)
        self._outstanding.add(entry.number)
        if entry.number <= self._lane_levels[lane]:
            self._outstanding.finish((entry.number,))
        elif not self._is_wanted(entry.record):
            self._wiring.records_filtered.add()
            self._outstanding.finish((entry.number,))
        else:
            self._outstanding_bytes += entry.record.dynamodb.size_bytes
            self._queues[lane].append(entry)

    def _is_wanted(self, record: Record) -> bool:
        matches = self._wiring.matches
        return matches is None or matches(event_of(record))

    def _lane_of(self, record: Record) -> int:
        if self.lane_count == 1:
            return 0
        key = json.dumps(item_to_json(record.dynamodb.keys), sort_keys=True)
        return zlib.crc32(key.encode()) % self.lane_count

    def checkpoint(
        self,
        lane: int,
        entries: Sequence[Entry],
        window: Window | None,
        writes: Sequence[TransactWriteAction] = (),
    ) -> bool | None:
        """``entries`` of a lane are handled: write so, together with ``writes``.

        ``False``: the lease is lost. ``None``: another lane has to find out first what came of
        its checkpoint; try again soon.

        Raises:
            RetryableError: the outcome is unknown; this lane has to try again.
            TransactionCanceled: a member of ``writes`` was refused; nothing was written.
        """
        with self._books:
            if self._unsure_lane not in (None, lane):
                return None
            self._unsure_lane = lane
            numbers = {entry.number for entry in entries}
            handled_ms = entries[-1].created_ms if entries else self._handled_ms
            progress = self._progress_after(lane, entries, numbers, handled_ms)
            is_written = self.held.checkpoint(progress, window, writes, lane=lane)
            self._unsure_lane = None
            if is_written:
                self._outstanding.finish(numbers)
                self._outstanding_bytes -= sum(entry.record.dynamodb.size_bytes for entry in entries)
                self._handled_ms = handled_ms
                if entries:
                    self._lane_levels[lane] = entries[-1].number
            return is_written

    def forget_try(self, lane: int) -> None:
        """The checkpoint that ``lane`` tried was refused: nothing is unknown about it."""
        with self._books:
            if self._unsure_lane == lane:
                self._unsure_lane = None

    def _progress_after(
        self, lane: int, entries: Sequence[Entry], numbers: set[str], handled_ms: int
    ) -> Progress:
        level = self._outstanding.level_after(numbers)
        if self.lane_count == 1:
            return Progress(level, (), handled_ms)
        levels = list(self._lane_levels)
        if entries:
            levels[lane] = entries[-1].number
        floor = "" if level == TRIM_HORIZON else level
        ahead = tuple(each if each > floor else "" for each in levels)
        return Progress(level, ahead if any(ahead) else (), handled_ms)

    def pass_filtered(self, window: Window | None) -> None:
        """Move the checkpoint past records that were filtered out, if nothing else will do so soon."""
        now_ns = self._wiring.clock.monotonic_ns()
        with self._books:
            level = self._outstanding.level
            is_due = now_ns - self._passed_ns >= _PASSING_CHECKPOINT_NS and self._unsure_lane is None
        if is_due and level != self.held.lease.progress.checkpoint:
            self._passed_ns = now_ns
            try:
                self.checkpoint(0, (), window)
            finally:
                # Nothing hangs on it: whichever checkpoint is next finds out what came of this one.
                self.forget_try(0)

    def finish(self) -> bool:
        """If the shard has ended and all of it is handled, say so; whether that is so.

        The lanes must not hold anything themselves.
        """
        with self._books:
            is_over = self._reader.is_ended and not self._outstanding and self._unsure_lane is None
            if is_over and not self.held.lease.progress.is_finished:
                self.held.checkpoint(Progress(SHARD_END, (), self._handled_ms), None)
            return is_over

    def lane_ended(self) -> None:
        """One lane less at work."""
        with self._books:
            self.lanes_at_work -= 1
            is_at_rest = self.lanes_at_work == 0
        if is_at_rest:
            self._has_come_to_rest()

    @property
    def waiting(self) -> int:
        """Records read and not handled."""
        return len(self._outstanding)
