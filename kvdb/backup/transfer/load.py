"""Importing: the records of all objects into one table, step by step.

A step takes a bounded number of records, in batches; what it has done is in ``LoadState``, from which an
import goes on after a restart: in the middle of an object it reads past what was done, for a compressed
file has no other way in. The records after the last kept state are put a second time, which changes
nothing: an item that comes twice is replaced by the later one, in the order of the objects' names.

A record that is no item, or that the table refuses, is told to ``on_bad`` with its object, line and
reason, counted and passed over; every record before it has been put by then. Nothing else is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, TypeAlias

from kvdb.backup.transfer.objects import ImportInput, ObjectRecords, ObjectSource
from kvdb.backup.transfer.records import BadHeader, Record
from kvdb.errors import RequestError
from kvdb.item.value import Item
from kvdb.limits import AWS, LimitsProfile
from kvdb.table.writes import sized_item

STEP_RECORDS: Final = 2_000
BATCH_BYTES: Final = 2 * 1024 * 1024
"""A batch with more than this is put before it is full."""
REASON_CHARS_MAX: Final = 300


class Entry(NamedTuple):
    """One record on its way into the table."""

    line: int
    item: Item
    """Normalised; of a deletion, the key."""
    size_bytes: int
    is_delete: bool


class ImportTarget(Protocol):
    """The table that is imported into."""

    @property
    def batch_max(self) -> int:
        """Entries of one ``put`` at the most."""
        ...

    def put(self, entries: Sequence[Entry]) -> list[str | None]:
        """Put or delete entries, which are durable when it returns; gives for each why the table
        refuses it, or ``None``. It may end after one that is refused: the others are not touched then.

        Raises:
            KvdbError: nothing more can be put at all; some may have been.
        """
        ...


OnBad: TypeAlias = Callable[[str, int, str], None]
"""Told the object, line and reason of a record that is left out. What it raises ends the import."""


@dataclass(slots=True)
class LoadState:
    """How far an import has come."""

    object_number: int = 0
    records_done: int = 0
    """Of that object."""
    processed: int = 0
    imported: int = 0
    errors: int = 0
    bytes_done: int = 0
    """Packed, of the objects before."""


class Load:
    """One import under way. ``step`` until it says that it is done."""

    def __init__(
        self,
        store: ObjectSource,
        source: ImportInput,
        target: ImportTarget,
        on_bad: OnBad,
        state: LoadState | None = None,
        *,
        profile: LimitsProfile = AWS,
    ) -> None:
        self._store = store
        self._source = source
        self._target = target
        self._on_bad = on_bad
        self._profile = profile
        self.state = state or LoadState()
        self._object: ObjectRecords | None = None
        self._records: Iterator[Record] = iter(())
        self._batch: list[Entry] = []
        self._batch_bytes = 0

    @property
    def bytes_done(self) -> int:
        """Packed bytes that were read."""
        return self.state.bytes_done + (0 if self._object is None else self._object.read_bytes)

    def step(self) -> bool:
        """Do one bounded piece of work; whether that was the last.

        Raises:
            CorruptionError: an object is damaged or missing.
            BadHeader: a CSV file has no usable first line.
            KvdbError: as the store and the target. ``state`` is that of the last step.
            Whatever ``on_bad`` raises: what was put before is counted.
        """
        state = self.state
        if state.object_number >= len(self._source.objects):
            return True
        try:
            if self._object is None:
                self._begin()
            self._take()
        except BaseException as error:
            # What was read but not put is read again.
            self._object, self._batch, self._batch_bytes = None, [], 0
            if isinstance(error, BadHeader):
                raise BadHeader(f"{self._name}: line 1: {error}") from None
            raise
        return state.object_number >= len(self._source.objects)

    @property
    def _name(self) -> str:
        return self._source.objects[self.state.object_number].name

    def _begin(self) -> None:
        self._object = ObjectRecords(self._store, self._source, self.state.object_number)
        self._records = self._object.records()
        for _ in range(self.state.records_done):
            next(self._records, None)

    def _take(self) -> None:
        for _ in range(STEP_RECORDS):
            record = next(self._records, None)
            if record is None:
                self._put()
                self._end_object()
                return
            fault = record.fault
            if fault is None:
                try:
                    item, size = sized_item(record.item, self._profile)
                except RequestError as error:
                    fault = error.message
                else:
                    self._batch.append(Entry(record.line, item, size, record.is_delete))
                    self._batch_bytes += size
            if fault is not None:
                self._put()
                self._done(1)
                self._refuse(record.line, fault)
            elif len(self._batch) >= self._target.batch_max or self._batch_bytes >= BATCH_BYTES:
                self._put()
        self._put()

    def _put(self) -> None:
        while batch := self._batch:
            faults = self._target.put(batch)
            self._batch = batch[len(faults) :]
            self._done(len(faults))
            self.state.imported += faults.count(None)
            for entry, fault in zip(batch, faults, strict=False):
                if fault is not None:
                    self._refuse(entry.line, fault)
        self._batch_bytes = 0

    def _done(self, count: int) -> None:
        self.state.records_done += count
        self.state.processed += count

    def _refuse(self, line: int, fault: str) -> None:
        self.state.errors += 1
        self._on_bad(self._name, line, fault[:REASON_CHARS_MAX])

    def _end_object(self) -> None:
        assert self._object is not None
        self.state.bytes_done += self._object.read_bytes
        self.state.object_number += 1
        self.state.records_done = 0
        self._object = None
