"""The keeper of streams: removes what is older than a stream's retention, and divides shards.

For each stream, now and then:

- *trim*: remove by range the records that are older than its retention, and forget the shards that
  only those had;
- *remove* a stream that has ended, with all that is left of it, when its retention has passed since;
- *rotate*: after four hours every open shard that has got changes is succeeded by its like;
- *split* a shard that gets more changes, or bytes of them, than a shard should, judged by the newest
  changes, where their hashes have their median; *merge* two neighbours that were split and get
  next to nothing for an hour.

Nothing is asked of writers for that: shards are a way of looking at the changes (``table/streams``).
"""

from __future__ import annotations

import logging
from itertools import islice, pairwise
from statistics import median_high
from typing import Final, NamedTuple

from kvdb import limits
from kvdb.env.env import Env
from kvdb.errors import DiskError, DiskFull, LimitExceeded, ServiceUnavailable, StorageError
from kvdb.lsm.engine import Engine
from kvdb.stream import shards
from kvdb.stream.reader import DISORDER_MS, last_seqno_upto, position_before
from kvdb.stream.shards import ShardSpan
from kvdb.table import stream_keys
from kvdb.table.change import record_wall_ms
from kvdb.table.streams import HashRange, Stream, Streams

_log = logging.getLogger("kvdb.stream")

SAMPLE: Final = 1_000
"""The newest changes that a stream's rate is judged by."""
MERGE_AFTER_MS: Final = 60 * 60 * 1000


class _Rates(NamedTuple):
    """What the newest changes tell."""

    hashes: list[int]
    records_per_s: float
    bytes_per_s: float


class StreamKeeper:
    """Job: one stream a step. Asleep while there is no stream."""

    name = "stream keeper"

    PAUSE_MS: Final = 10_000
    """Between two looks at all streams."""
    _DISK_PAUSE_MS: Final = 5_000

    def __init__(self, streams: Streams, engine: Engine, env: Env) -> None:
        self._streams = streams
        self._engine = engine
        self._env = env
        self._queue: list[bytes] = []
        self._trimmed = env.metrics.counter("stream_trims_total")
        self._divided = env.metrics.counter("stream_divisions_total")

    def step(self, now_ms: int) -> int | None:
        """Look after the next stream. Sleeps between two rounds, for good when there is no stream."""
        if not self._queue:
            self._queue = [stream.id for stream in self._streams.all()]
            if not self._queue:
                return None
        stream = self._streams.get(self._queue.pop())
        try:
            if stream is not None:
                self.look_after(stream, self._env.hlc.wall_ms())
        except (DiskError, DiskFull, ServiceUnavailable) as error:
            _log.warning("a stream was not looked after reason=%s", error)
            return self._DISK_PAUSE_MS
        except LimitExceeded as error:
            _log.warning("a stream was not divided reason=%s", error)
        except StorageError as error:
            _log.error("streams are looked after no more reason=%s", error)
            return None
        return 0 if self._queue else self.PAUSE_MS

    def look_after(self, stream: Stream, now_ms: int) -> None:
        """Whatever is due for one stream at ``now_ms``."""
        descriptor = stream.descriptor
        if descriptor.disabled_ms is not None and now_ms - descriptor.disabled_ms > descriptor.retention_ms:
            self._streams.remove(stream.id)
            return
        self._trim(stream, now_ms)
        if stream.is_enabled:
            self._divide(stream, now_ms)

    def _trim(self, stream: Stream, now_ms: int) -> None:
        old_ms = now_ms - stream.descriptor.retention_ms - DISORDER_MS
        if old_ms < stream.descriptor.enabled_ms:
            return
        position = position_before(self._engine, stream, old_ms)
        seqno = last_seqno_upto(self._engine, stream, position)
        if seqno is not None:
            self._streams.trim(stream.id, seqno, shards.unneeded_divisions(stream.divisions, seqno))
            self._trimmed.add()

    def _divide(self, stream: Stream, now_ms: int) -> None:
        ranges = self._due_division(stream, now_ms)
        if ranges is None:
            return

        def unless_divided(present: Stream) -> tuple[HashRange, ...]:
            if present.divisions != stream.divisions or not present.is_enabled:
                raise LimitExceeded("somebody else divided the stream meanwhile")
            return ranges

        self._streams.divide(stream.id, unless_divided)
        self._divided.add()

    def _due_division(self, stream: Stream, now_ms: int) -> tuple[HashRange, ...] | None:
        rates = self._rates(stream, now_ms)
        open_shards = shards.open_shards(stream.divisions)
        if len(open_shards) < limits.SHARDS_OPEN_MAX:
            for shard in open_shards:
                at = _split_at(shard, rates)
                if at is not None:
                    return shards.split(stream.divisions, shard.shard_id, at)
        since_ms = now_ms - self._divided_ms(stream)
        if since_ms >= MERGE_AFTER_MS and len(open_shards) > limits.SHARDS_AT_FIRST:
            for one, other in pairwise(open_shards):
                if _load(one, rates) + _load(other, rates) < 0.25:
                    return shards.merge(stream.divisions, one.shard_id, other.shard_id)
        newest = last_seqno_upto(self._engine, stream, self._engine.last_seqno)
        if since_ms >= limits.SHARD_ROTATION_MS and (newest or 0) > stream.divisions[-1].seqno:
            return shards.rotation(stream.divisions)
        return None

    def _divided_ms(self, stream: Stream) -> int:
        """When the shards changed last, to the second."""
        return self._engine.wall_ms_of(stream.divisions[-1].seqno) or stream.descriptor.enabled_ms

    def _rates(self, stream: Stream, now_ms: int) -> _Rates:
        rows = stream_keys.changes_range(
            stream.id,
            max(stream.descriptor.trimmed_seqno, stream.divisions[-1].seqno),
            self._engine.last_seqno,
        )
        if rows.start >= rows.end:
            return _Rates([], 0, 0)
        newest = list(islice(self._engine.scan(*rows, reverse=True), SAMPLE))
        if len(newest) < SAMPLE:
            # Few since the last division: nothing can be said of their rate yet.
            return _Rates([], 0, 0)
        span_s = max(0.001, (now_ms - record_wall_ms(newest[-1][1])) / 1000)
        size = sum(len(value) for _, value in newest)
        hashes = [stream_keys.change_hash(key) for key, _ in newest]
        return _Rates(hashes, len(newest) / span_s, size / span_s)


def _load(shard: ShardSpan, rates: _Rates) -> float:
    """What a shard gets, as a share of what a shard should get at most."""
    if not rates.hashes:
        return 0.0
    share = sum(shard.start <= each < shard.end for each in rates.hashes) / len(rates.hashes)
    return share * max(
        rates.records_per_s / limits.SHARD_RECORDS_PER_S_MAX, rates.bytes_per_s / limits.SHARD_BYTES_PER_S_MAX
    )


def _split_at(shard: ShardSpan, rates: _Rates) -> int | None:
    """Where to divide a shard that gets too much; ``None``: it does not, or one hash has it all."""
    if _load(shard, rates) <= 1.0:
        return None
    own = [each for each in rates.hashes if shard.start <= each < shard.end]
    at = median_high(own)
    if at == shard.start:
        at = min((each for each in own if each > at), default=shard.start)
    return at if shard.start < at < shard.end else None
