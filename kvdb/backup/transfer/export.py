"""Exporting: records from a source into the data files of one export, step by step.

A step writes one data file, of about 16 MiB before compression, which is in memory meanwhile; or, for
CSV, looks at so many items to learn the columns first. What a step has done is in ``ExportState``, so
that an export goes on from there when its source can still show the moment it began with; else it begins
anew, and writes over what there is. It is an export only once its summary is there (``layout``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from kvdb.backup.store import BackupStore
from kvdb.backup.transfer import cbor_records, json_records, layout
from kvdb.backup.transfer.compression import GzipWriter
from kvdb.backup.transfer.csv_records import CellType, Columns, CsvWriter
from kvdb.backup.transfer.layout import DataFile, ExportFacts
from kvdb.backup.transfer.records import ExportFormat, ItemChange
from kvdb.env.clock import Clock
from kvdb.errors import LimitExceeded, ValidationError
from kvdb.item.value import Item

FILE_BYTES: Final = 16 * 1024 * 1024
"""Of a data file before it is compressed."""
FILES_MAX: Final = 40_000
"""Of one export: 640 GB. What a job's record has room for."""
SURVEY_ITEMS: Final = 20_000
"""Looked at in one step."""


class Sourced(NamedTuple):
    """One record, and where its source can go on behind it."""

    place: bytes
    content: Item | ItemChange


class ExportSource(Protocol):
    """What is exported: the same records in the same order each time."""

    def records(self, after: bytes | None) -> Iterator[Sourced]:
        """From behind a place, or from the beginning."""
        ...


@dataclass(slots=True)
class ExportState:
    """How far an export has come."""

    after: bytes | None = None
    """The place of the last record that is in a file, or was surveyed."""
    is_surveyed: bool = False
    columns: dict[str, CellType] = field(default_factory=dict)
    files: list[DataFile] = field(default_factory=list)
    item_count: int = 0
    """Of the records in files."""
    raw_bytes: int = 0
    """Of the files before compression."""


class Export:
    """One export under way. ``step`` until it says that it is done."""

    def __init__(
        self,
        store: BackupStore,
        clock: Clock,
        facts: ExportFacts,
        source: ExportSource,
        state: ExportState | None = None,
        *,
        file_bytes: int = FILE_BYTES,
    ) -> None:
        self._store = store
        self._clock = clock
        self._facts = facts
        self._source = source
        self._file_bytes = file_bytes
        self._records: Iterator[Sourced] | None = None
        self.state = state or ExportState(is_surveyed=facts.format != "CSV")

    def step(self) -> bool:
        """Do one bounded piece of work; whether that was the last.

        Raises:
            LimitExceeded: the items do not fit into the format, or into so many files.
            ServiceUnavailable, DiskFull, BackupStoreError: as the store; the step may be tried again.
            KvdbError: as the source.
        """
        state = self.state
        if self._records is None:
            if state.after is None:
                layout.put_started(self._store, self._facts)
            self._records = self._source.records(state.after)
        try:
            if not state.is_surveyed:
                self._survey(self._records)
                return False
            is_last = self._write_file(self._records)
        except BaseException:
            # What was taken from the source is lost with the file: begin again behind the last one.
            self._records = None
            raise
        if is_last:
            self._seal()
        return is_last

    def _survey(self, records: Iterator[Sourced]) -> None:
        columns = Columns(self.state.columns)
        sourced = None
        for _, sourced in zip(range(SURVEY_ITEMS), records, strict=False):
            columns.add(_item(sourced))
        self.state.columns = columns.types
        if sourced is None:
            self.state.after, self.state.is_surveyed, self._records = None, True, None
        else:
            self.state.after = sourced.place

    def _write_file(self, records: Iterator[Sourced]) -> bool:
        state = self.state
        if len(state.files) >= FILES_MAX:
            raise LimitExceeded(f"the export has too many files max={FILES_MAX}")
        file, writer = GzipWriter(), _writer(self._facts.format, state.columns)
        file.add(writer.header())
        count, place = 0, state.after
        is_last = True
        for sourced in records:
            file.add(writer.record(sourced))
            count += 1
            place = sourced.place
            if file.raw_bytes >= self._file_bytes:
                is_last = False
                break
        # A table without items has one file all the same, as at the service.
        if count or not state.files:
            parts = file.finish()
            digest = hashlib.md5(usedforsecurity=False)
            for part in parts:
                digest.update(part)
            name = self._facts.data_name(len(state.files))
            self._store.put(name, parts, replace=True)
            state.files.append(DataFile(count, digest.digest(), name))
            state.item_count += count
            state.raw_bytes += file.raw_bytes
            state.after = place
        return is_last

    def _seal(self) -> None:
        # Of an earlier try that came further.
        self._store.delete(self._facts.data_name(len(self.state.files)))
        layout.put_manifests(
            self._store,
            self._facts,
            self.state.files,
            billed_bytes=self.state.raw_bytes,
            end_ms=self._clock.wall_ms(),
        )


def discard(store: BackupStore, facts: ExportFacts, file_count: int) -> None:
    """Take away an export that will not be finished: it may have one file more than is known."""
    store.delete(facts.summary_name)
    for number in range(file_count + 1):
        store.delete(facts.data_name(number))
    store.delete(facts.folder + layout.STARTED)


class _RecordWriter(Protocol):
    def header(self) -> bytes: ...

    def record(self, sourced: Sourced) -> bytes: ...


class _JsonWriter:
    def header(self) -> bytes:
        return b""

    def record(self, sourced: Sourced) -> bytes:
        content = sourced.content
        if isinstance(content, ItemChange):
            return json_records.change_line(content)
        return json_records.item_line(content)


class _CborWriter:
    def header(self) -> bytes:
        return b""

    def record(self, sourced: Sourced) -> bytes:
        content = sourced.content
        if isinstance(content, ItemChange):
            return cbor_records.change_bytes(content)
        return cbor_records.item_bytes(content)


class _CsvItems:
    def __init__(self, columns: dict[str, CellType]) -> None:
        self._writer = CsvWriter(columns)

    def header(self) -> bytes:
        return self._writer.header()

    def record(self, sourced: Sourced) -> bytes:
        return self._writer.record(_item(sourced))


def _writer(format: ExportFormat, columns: dict[str, CellType]) -> _RecordWriter:
    match format:
        case "DYNAMODB_JSON":
            return _JsonWriter()
        case "CBOR":
            return _CborWriter()
        case "CSV":
            return _CsvItems(columns)


def _item(sourced: Sourced) -> Item:
    if isinstance(sourced.content, ItemChange):
        raise ValidationError("an incremental export cannot be CSV: choose DYNAMODB_JSON or CBOR")
    return sourced.content
