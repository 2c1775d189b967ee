"""Read and write units: what an operation consumes of a table and of each of its indexes.

    read    1 unit for each 4 KB begun, strongly consistent; half of that eventually consistent
    write   1 unit for each 1 KB begun
    no item, or one of no bytes, costs as much as the smallest

    a write of the table     the larger of the item before and after
    of an index              nothing when its row stays the same; the larger of the row before and
                             after when it changes; what goes plus what comes when its key changes

Sources: developer guide, "Provisioned capacity mode", "Local secondary indexes" (fetches from the
table are rounded up one by one); index writes and their sizes: paritysuite/dynamodb-conformance
#149 and dynoxide #176, measured in eu-west-2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kvdb.api.items import Capacity, ConsumedCapacity, ReturnConsumedCapacity
from kvdb.table.descriptor import Axis
from kvdb.table.index import Index
from kvdb.table.keys import TABLE_NUMBER
from kvdb.table.mutation import Change
from kvdb.table.throughput import Meter

READ_UNIT_BYTES = 4096
WRITE_UNIT_BYTES = 1024
TRANSACTION_FACTOR = 2
"""What a transaction's units on the table count; those on its indexes count once."""


def read_units(size_bytes: int, *, is_consistent: bool) -> float:
    """Units for reading ``size_bytes`` at once."""
    units = max(1, -(-size_bytes // READ_UNIT_BYTES))
    return float(units) if is_consistent else units / 2


def write_units(size_bytes: int) -> int:
    """Units for writing ``size_bytes``."""
    return max(1, -(-size_bytes // WRITE_UNIT_BYTES))


def table_write_units(change: Change) -> int:
    return write_units(max(change.old_size, change.new_size))


def index_write_units(change: Change) -> Iterator[tuple[Index, int]]:
    """The indexes whose rows a change touches, and the units that takes of each."""
    old, new = change.old, change.new
    for index in change.indexes.maintained:
        old_key = None if old is None else index.keys.index_key(old)
        new_key = None if new is None else index.keys.index_key(new)
        goes = 0 if old is None or old_key is None else index.size_of(old, change.old_size)
        comes = 0 if new is None or new_key is None else index.size_of(new, change.new_size)
        if old_key != new_key:
            yield index, (write_units(goes) if goes else 0) + (write_units(comes) if comes else 0)
        elif old is not None and new is not None and new_key is not None and not index.keeps_same(old, new):
            yield index, write_units(max(goes, comes))


def admit_writes(changes: Sequence[Change], *, factor: int = 1) -> None:
    """Take what changes cost from the throughput of their tables, if all of these let them through.

    Under the latches of the items, after all other reasons to refuse them. ``factor`` as for a ``Tally``.

    Raises:
        ThroughputExceeded, Throttled: nothing was taken.
    """
    metered = [change for change in changes if change.table.meter is not None]
    if not metered:
        return
    taken: dict[Meter, dict[int, float]] = {}
    for change in metered:
        assert change.table.meter is not None
        units = taken.setdefault(change.table.meter, {})
        units[TABLE_NUMBER] = units.get(TABLE_NUMBER, 0.0) + table_write_units(change) * factor
        for index, spent in index_write_units(change):
            number = TABLE_NUMBER if index.is_local else index.descriptor.number
            units[number] = units.get(number, 0.0) + spent
    if len(taken) == 1:
        ((meter, units),) = taken.items()
        meter.admit("write", units)
        return
    for meter, units in taken.items():
        refusal = meter.refusal("write", units)
        if refusal is not None:
            raise refusal
    for meter, units in taken.items():
        meter.take("write", units)


class Tally:
    """The units one call consumes of one table, and of each of its indexes."""

    __slots__ = ("_global", "_local", "_table")

    def __init__(self) -> None:
        self._table = 0.0
        self._local: dict[str, float] = {}
        self._global: dict[str, float] = {}

    @property
    def table_units(self) -> float:
        return self._table

    @property
    def total(self) -> float:
        return self._table + sum(self._local.values()) + sum(self._global.values())

    def add_table(self, units: float) -> None:
        self._table += units

    def add_index(self, index: Index, units: float) -> None:
        arms = self._local if index.is_local else self._global
        arms[index.name] = arms.get(index.name, 0.0) + units

    def add_write(self, change: Change, *, factor: int = 1) -> None:
        """What a change costs; ``factor`` is ``TRANSACTION_FACTOR`` in a transaction."""
        self.add_table(table_write_units(change) * factor)
        for index, units in index_write_units(change):
            self.add_index(index, units)

    def consumed(
        self, table_name: str, mode: ReturnConsumedCapacity, *, axis: Axis | None = None
    ) -> ConsumedCapacity | None:
        """The answer to ``return_consumed_capacity``. ``axis`` is given by transactions, whose answers
        name the kind of the units too. An index that gave nothing is left out."""
        if mode == "NONE":
            return None
        total = self.total
        consumed = ConsumedCapacity(table_name, total, *_by_axis(total, axis))
        if mode == "INDEXES":
            consumed.table = _capacity(self._table, axis)
            consumed.local_secondary_indexes = _arms(self._local, axis)
            consumed.global_secondary_indexes = _arms(self._global, axis)
        return consumed


def all_consumed(
    tallies: Mapping[str, Tally], mode: ReturnConsumedCapacity, *, axis: Axis | None = None
) -> list[ConsumedCapacity] | None:
    """What a call consumed of each of its tables, by the names it has for them, as far as asked for."""
    found = [tally.consumed(name, mode, axis=axis) for name, tally in tallies.items()]
    return None if mode == "NONE" else [each for each in found if each is not None]


def _by_axis(units: float, axis: Axis | None) -> tuple[float | None, float | None]:
    return (units if axis == "read" else None, units if axis == "write" else None)


def _capacity(units: float, axis: Axis | None) -> Capacity:
    return Capacity(units, *_by_axis(units, axis))


def _arms(arms: dict[str, float], axis: Axis | None) -> dict[str, Capacity] | None:
    return {name: _capacity(units, axis) for name, units in arms.items()} or None
