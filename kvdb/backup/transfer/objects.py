"""What an import reads: the objects of an export, checked, or files of items as they are.

With a manifest each data file is read twice: once for its MD5, so that nothing of a damaged file is
imported, and once for its items, whose number must be the manifest's. A folder in which an export has
begun and has no summary yet is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple, Protocol

from kvdb.backup.store import BackupStore, ObjectNotFound
from kvdb.backup.transfer import cbor_records, json_records, layout
from kvdb.backup.transfer.compression import Compression, stream_of, unpacked
from kvdb.backup.transfer.csv_records import CsvOptions, read_csv
from kvdb.backup.transfer.layout import DATA_FILES_MAX
from kvdb.backup.transfer.records import ExportFormat, Record, RecordReader
from kvdb.errors import CorruptionError, ValidationError


@dataclass(frozen=True, slots=True)
class InputFormat:
    """What the files hold, where no manifest says so."""

    format: ExportFormat = "DYNAMODB_JSON"
    compression: Compression = "NONE"
    csv: CsvOptions = field(default_factory=CsvOptions)


class ObjectSource(Protocol):
    """Where objects are read from; a ``BackupStore`` is one."""

    def get(self, name: str) -> Iterator[bytes]: ...


class InputObject(NamedTuple):
    """One file to import."""

    name: str
    size: int
    """In bytes, packed; 0: unknown."""
    md5: bytes | None = None
    item_count: int | None = None


class ImportInput(NamedTuple):
    """All files of an import, and how to read them."""

    objects: tuple[InputObject, ...]
    compression: Compression
    read: RecordReader

    @property
    def size_bytes(self) -> int:
        return sum(each.size for each in self.objects)

    def digest(self) -> bytes:
        """Of the names: an import that goes on by their numbers must find the same ones."""
        return hashlib.sha256("\n".join(each.name for each in self.objects).encode()).digest()


def find_input(store: BackupStore, prefix: str, asked: InputFormat) -> ImportInput:
    """The files whose names begin with ``prefix``: those of the one export among them, or all.

    Raises:
        ValidationError: there are none, several exports, or too many files.
        CorruptionError: the export is not whole, or its manifests are damaged.
        ServiceUnavailable, BackupStoreError: as the store.
    """
    folder = prefix.rpartition("/")[0]
    listed = store.listed(f"{folder}/" if folder else "")
    found = sorted(
        islice((stored for stored in listed if stored.name.startswith(prefix)), 2 * DATA_FILES_MAX)
    )
    summaries = [stored.name for stored in found if stored.name.rpartition("/")[2] == layout.SUMMARY]
    if len(summaries) > 1:
        raise ValidationError(f"there are several exports here, name one: {', '.join(summaries[:5])}")
    if summaries:
        return export_input(store, summaries[0])
    if any(stored.name.rpartition("/")[2] == layout.STARTED for stored in found):
        raise CorruptionError("the export is not complete: it has no summary", file=prefix)
    objects = [
        InputObject(stored.name, stored.size) for stored in found if not layout.is_manifest_part(stored.name)
    ]
    if not objects:
        raise ValidationError(f"there is nothing to import under this prefix: {prefix!r}")
    if len(objects) > DATA_FILES_MAX:
        raise ValidationError(f"there are too many files to import max={DATA_FILES_MAX}")
    return ImportInput(tuple(objects), asked.compression, reader_of(asked.format, asked.csv))


def export_input(store: BackupStore, summary_name: str) -> ImportInput:
    """The files of the export with this summary. Raises: as ``layout.read_export``."""
    manifest = layout.read_export(store, summary_name)
    typed = CsvOptions(is_typed=True)
    reader = reader_of(manifest.format, typed, has_changes=manifest.is_incremental)
    objects = tuple(InputObject(file.name, 0, file.md5, file.item_count) for file in manifest.files)
    return ImportInput(objects, "GZIP", reader)


def reader_of(format: ExportFormat, csv: CsvOptions, *, has_changes: bool = False) -> RecordReader:
    """What reads files of a format."""
    match format:
        case "DYNAMODB_JSON":
            return json_records.read_dynamo_json
        case "CBOR":
            return cbor_records.read_changes if has_changes else cbor_records.read_items
        case "CSV":
            return lambda stream: read_csv(stream, csv)


class ObjectRecords:
    """The records of one object, read forwards; how many packed bytes that took so far."""

    def __init__(self, store: ObjectSource, source: ImportInput, number: int) -> None:
        self._store = store
        self._source = source
        self._object = source.objects[number]
        self.read_bytes = 0

    def records(self) -> Iterator[Record]:
        """
        Raises:
            CorruptionError: the object is missing, damaged, or not what its manifest says.
            BadHeader: as ``csv_records``.
            ServiceUnavailable, BackupStoreError: as the store.
        """
        name, _, md5, item_count = self._object
        if md5 is not None:
            self._require_digest(md5)
        count = 0
        pieces = unpacked(self._chunks(), self._source.compression, name)
        for record in self._source.read(stream_of(pieces)):
            yield record
            count += 1
        # The reader may have stopped before the end: of a damaged file, the rest is damaged, too.
        for _ in pieces:
            continue
        if item_count is not None and count != item_count:
            raise CorruptionError(f"object has {count} items where its manifest says {item_count}", file=name)

    def _require_digest(self, md5: bytes) -> None:
        digest = hashlib.md5(usedforsecurity=False)
        for chunk in self._chunks():
            digest.update(chunk)
        if digest.digest() != md5:
            raise CorruptionError("object does not have the checksum of its manifest", file=self._object.name)
        self.read_bytes = 0

    def _chunks(self) -> Iterator[bytes]:
        try:
            for chunk in self._store.get(self._object.name):
                self.read_bytes += len(chunk)
                yield chunk
        except ObjectNotFound:
            raise CorruptionError("object of an import is missing", file=self._object.name) from None
