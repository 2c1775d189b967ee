"""Throttling: token buckets that hold a table and its global indexes to their throughput.

A table has a ``Meter`` if it asked for a bound: it is provisioned, or it is on demand and has maxima,
or a global index of it has. Each bound is a bucket of units, one for reads and one for writes:

    provisioned     filled with the units a second, up to 300 seconds' worth: what was not used is
                    kept as a burst. Full when the table is made or the database is opened
    on demand       filled with the maximum, up to one second's worth

A call is let through while every bucket it takes from has something left, whatever it turns out to
take; it may leave a debt, which is paid back before the next call. So an item of 400 KB can be
written at 1 unit a second, and a reader need not know beforehand what a page will cost. The debt of
one bucket is bounded by what the calls in flight take.

Local indexes take from their table. What is refused has taken nothing. Reasons name the table or
index whose bucket was empty. Sources: developer guide, "Provisioned capacity mode" (burst),
"Throttling diagnostics"; API Reference, ThrottlingReason; the messages are those of
TransactWriteItems' documentation (service model) and of the service's on-demand exceptions.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from kvdb import limits
from kvdb.api import arn
from kvdb.env.clock import Clock
from kvdb.errors import Throttled, ThrottlingReason, ThroughputExceeded
from kvdb.table.descriptor import Axis, TableDescriptor, Throughput

_AXES: tuple[Axis, ...] = ("read", "write")

_TABLE_EXCEEDED = (
    "The level of configured provisioned throughput for the table was exceeded. "
    "Consider increasing your provisioning level with the UpdateTable API."
)
_INDEX_EXCEEDED = (
    "The level of configured provisioned throughput for one or more global secondary indexes of the "
    "table was exceeded. Consider increasing your provisioning level for the under-provisioned global "
    "secondary indexes with the UpdateTable API"
)
_MAXIMUM_EXCEEDED = "Throughput exceeds the maximum OnDemandThroughput configured on table or index"

_TABLE_NUMBER = 0


class Bucket:
    """Units that may be taken, filled as time goes by. Not thread-safe: its meter is."""

    __slots__ = ("_filled_ns", "_units", "burst", "rate")

    def __init__(self, rate: int, burst: int, now_ns: int) -> None:
        self.rate = rate
        """Units a second."""
        self.burst = burst
        """What it holds when full."""
        self._units = float(burst)
        self._filled_ns = now_ns

    def fill(self, now_ns: int) -> float:
        """What is left at ``now_ns``; below zero: a debt."""
        elapsed_ns = now_ns - self._filled_ns
        self._units = min(float(self.burst), self._units + self.rate * elapsed_ns / 1e9)
        self._filled_ns = now_ns
        return self._units

    def take(self, units: float) -> None:
        self._units -= units

    def resized(self, rate: int, burst: int, now_ns: int) -> Bucket:
        """The bucket of a changed bound, with what this one has left, as far as it holds that."""
        left = self.fill(now_ns)
        bucket = Bucket(rate, burst, now_ns)
        bucket._units = min(left, float(burst))
        return bucket


class Meter:
    """The buckets of one table and its global indexes. Thread-safe."""

    def __init__(self, clock: Clock, table_arn: str) -> None:
        """Without bounds; ``adopt`` gives it those of a table."""
        self._clock = clock
        self._table_arn = table_arn
        self._guard = threading.Lock()
        self._buckets: dict[Axis, dict[int, Bucket]] = {"read": {}, "write": {}}
        self._names: dict[int, str] = {}
        self._is_provisioned = False

    def adopt(self, table: TableDescriptor) -> None:
        """Hold the table to what its descriptor says, from the next call on."""
        is_provisioned = table.billing.mode == "PROVISIONED"
        owners = {_TABLE_NUMBER: table.throughput}
        owners.update((index.number, index.throughput) for index in table.indexes if index.kind == "GLOBAL")
        with self._guard:
            # Another mode is another kind of bucket: nothing of the old one counts in it.
            before = self._buckets if is_provisioned == self._is_provisioned else {"read": {}, "write": {}}
            now_ns = self._clock.monotonic_ns()
            buckets: dict[Axis, dict[int, Bucket]] = {"read": {}, "write": {}}
            for number, throughput in owners.items():
                for axis in _AXES:
                    rate = _rate(throughput, axis, is_provisioned=is_provisioned)
                    if rate is None:
                        continue
                    burst = rate * limits.BURST_SECONDS if is_provisioned else rate
                    old = before[axis].get(number)
                    buckets[axis][number] = (
                        Bucket(rate, burst, now_ns) if old is None else old.resized(rate, burst, now_ns)
                    )
            self._buckets = buckets
            self._names = {index.number: index.name for index in table.indexes}
            self._is_provisioned = is_provisioned

    @property
    def is_idle(self) -> bool:
        """Whether nothing is bounded."""
        return not any(self._buckets.values())

    def refusal(
        self, axis: Axis, numbers: Iterable[int] | None = None
    ) -> ThroughputExceeded | Throttled | None:
        """Why a call that takes from the table (0) or indexes of these numbers is not let through now.

        Without numbers: from any of them. ``None``: it is let through.
        """
        with self._guard:
            empty = self._empty(axis, self._buckets[axis] if numbers is None else numbers)
        return self._error(axis, empty) if empty else None

    def check(self, axis: Axis, number: int) -> None:
        """Raise the ``refusal`` of a call that takes from one bucket, if there is one.

        Raises:
            ThroughputExceeded, Throttled: with reasons.
        """
        refusal = self.refusal(axis, (number,))
        if refusal is not None:
            raise refusal

    def take(self, axis: Axis, units: Mapping[int, float]) -> None:
        """What a call that was let through took, by the number of the table (0) or index."""
        with self._guard:
            self._take(axis, units)

    def admit(self, axis: Axis, units: Mapping[int, float]) -> None:
        """``refusal`` and ``take`` in one, for a call that knows beforehand what it will take.

        Raises:
            ThroughputExceeded, Throttled: with reasons; nothing was taken.
        """
        with self._guard:
            empty = self._empty(axis, units)
            if not empty:
                self._take(axis, units)
        if empty:
            raise self._error(axis, empty)

    def _empty(self, axis: Axis, numbers: Iterable[int]) -> list[int]:
        buckets, now_ns = self._buckets[axis], self._clock.monotonic_ns()
        return [number for number in numbers if number in buckets and buckets[number].fill(now_ns) <= 0]

    def _take(self, axis: Axis, units: Mapping[int, float]) -> None:
        buckets = self._buckets[axis]
        for number, taken in units.items():
            if number in buckets:
                buckets[number].take(taken)

    def _error(self, axis: Axis, empty: list[int]) -> ThroughputExceeded | Throttled:
        limit = "ProvisionedThroughputExceeded" if self._is_provisioned else "MaxOnDemandThroughputExceeded"
        reasons = [
            ThrottlingReason(
                f"{'Index' if number else 'Table'}{axis.capitalize()}{limit}",
                arn.index_arn(self._table_arn, self._names[number]) if number else self._table_arn,
            )
            for number in sorted(empty)
        ]
        if not self._is_provisioned:
            return Throttled(_MAXIMUM_EXCEEDED, reasons=reasons)
        message = _TABLE_EXCEEDED if _TABLE_NUMBER in empty else _INDEX_EXCEEDED
        return ThroughputExceeded(message, reasons=reasons)


def _rate(throughput: Throughput, axis: Axis, *, is_provisioned: bool) -> int | None:
    """The units a second something is held to; ``None``: it is not held."""
    if is_provisioned:
        return (throughput.read_units if axis == "read" else throughput.write_units) or None
    return throughput.max_read_units if axis == "read" else throughput.max_write_units


def meter_of(table: TableDescriptor, present: Meter | None, clock: Clock, arn_prefix: str) -> Meter | None:
    """The meter of a table that has become ``table``; ``None`` when it asks for no bound."""
    meter = present or Meter(clock, arn_prefix + table.name)
    meter.adopt(table)
    return None if meter.is_idle else meter
