"""Where an export's objects lie, and what its manifests say: the service's layout.

    PREFIX/AWSDynamoDB/EXPORT_ID/_started                 empty: the export has begun
    PREFIX/AWSDynamoDB/EXPORT_ID/data/NAME.json.gz        a full export's data
    PREFIX/AWSDynamoDB/data/NAME.json.gz                  an incremental export's data
    PREFIX/AWSDynamoDB/EXPORT_ID/manifest-files.json      a line of JSON for each data file
    PREFIX/AWSDynamoDB/EXPORT_ID/manifest-summary.json    one object: written last, so that an export
                                                          which was cut off has none
    .../manifest-files.md5, .../manifest-summary.md5      base64 of their MD5

    export id := 14 digits of milliseconds since 1970 "-" 8 hex digits

Formats that the service does not have are ``.cbor.gz`` and ``.csv.gz``, and called so in ``outputFormat``.
Reading takes ``.checksum`` for ``.md5``, as the developer guide writes it, and finds the data beside the
manifest whatever the bucket was called when it was written. What a manifest names is foreign input.

Source: developer guide, "DynamoDB table export output format"; the names that real exports have.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from kvdb.backup.store import BackupStore, ObjectNotFound, read_small
from kvdb.backup.transfer.records import EXPORT_FORMATS, ExportFormat, ViewType
from kvdb.errors import CorruptionError, ValidationError
from kvdb.item.strict_json import strict_json

ROOT: Final = "AWSDynamoDB"
STARTED: Final = "_started"
SUMMARY: Final = "manifest-summary.json"
FILES: Final = "manifest-files.json"
ERRORS_FOLDER: Final = "kvdb-import-errors/"
"""At the top of a bucket: the bad records of imports from it, which are none of its items."""
_CHECKSUMS: Final = (".md5", ".checksum")
_CHECKSUM_BYTES_MAX: Final = 64

DATA_FILES_MAX: Final = 50_000
"""Of one export or import. Source: developer guide, "Import quotas"."""
_NAME_CHARS_MAX: Final = 1_024
_SUFFIXES: Mapping[ExportFormat, str] = {
    "DYNAMODB_JSON": ".json.gz",
    "CBOR": ".cbor.gz",
    "CSV": ".csv.gz",
}
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f\\]+")


def is_object_name(name: str) -> bool:
    """Whether a store may be asked for it: a relative path that leaves no folder."""
    if not 0 < len(name) <= _NAME_CHARS_MAX or _NAME.fullmatch(name) is None:
        return False
    return all(part not in ("", ".", "..") for part in name.split("/"))


def is_manifest_part(name: str) -> bool:
    """Whether an object of an export, or beside it, holds no items."""
    if name.startswith(ERRORS_FOLDER):
        return True
    last = name.rpartition("/")[2]
    return last == STARTED or any(
        last in (manifest, *_checksum_names(manifest)) for manifest in (SUMMARY, FILES)
    )


class DataFile(NamedTuple):
    """One data file, as the files manifest has it."""

    item_count: int
    md5: bytes
    name: str
    """In the store; in the manifest its key in the bucket."""


@dataclass(frozen=True, slots=True)
class ExportFacts:
    """What an export is, before it has begun."""

    export_id: str
    export_arn: str
    table_arn: str
    table_id: str
    bucket: str
    prefix: str
    """Without slashes at its ends; may be empty."""
    format: ExportFormat
    start_ms: int
    export_ms: int = 0
    """The moment of a full export."""
    from_ms: int | None = None
    """The first moment of an incremental export; ``None``: it is a full one."""
    to_ms: int = 0
    """The moment before which an incremental export ends."""
    view: ViewType = "NEW_AND_OLD_IMAGES"

    @property
    def folder(self) -> str:
        """Where its manifests lie, ending in a slash."""
        return f"{self._root}{self.export_id}/"

    @property
    def summary_name(self) -> str:
        """The object that makes it exist."""
        return self.folder + SUMMARY

    def data_name(self, number: int) -> str:
        """The name of data file ``number``: the same at each try, so that a file is written over and
        none is left behind."""
        token = hashlib.sha256(f"{self.export_id}/{number}".encode()).digest()[:16]
        last = base64.b32encode(token).decode("ascii").rstrip("=").lower()
        folder = f"{self.folder}data/" if self.from_ms is None else f"{self._root}data/"
        return f"{folder}{last}{_SUFFIXES[self.format]}"

    @property
    def _root(self) -> str:
        return f"{self.prefix}/{ROOT}/" if self.prefix else f"{ROOT}/"


def put_started(store: BackupStore, facts: ExportFacts) -> None:
    """Say that an export has begun, and find out that the store can be written to."""
    store.put(facts.folder + STARTED, [b""], replace=True)


def put_manifests(
    store: BackupStore, facts: ExportFacts, files: Sequence[DataFile], *, billed_bytes: int, end_ms: int
) -> None:
    """Seal an export. Its summary, without which it is none, comes last."""
    lines = "".join(f"{json.dumps(_file_entry(file))}\n" for file in files).encode()
    _put_checked(store, facts.folder + FILES, lines)
    summary = json.dumps(_summary(facts, files, billed_bytes, end_ms)).encode()
    _put_checked(store, facts.summary_name, summary)


def _put_checked(store: BackupStore, name: str, content: bytes) -> None:
    store.put(_checksum_names(name)[0], [base64.b64encode(_md5(content))], replace=True)
    store.put(name, [content], replace=True)


def _file_entry(file: DataFile) -> dict[str, object]:
    return {
        "itemCount": file.item_count,
        "md5Checksum": base64.b64encode(file.md5).decode("ascii"),
        # What S3 calls an object that came in one part.
        "etag": f"{_md5(file.md5).hex()}-1",
        "dataFileS3Key": file.name,
    }


def _summary(
    facts: ExportFacts, files: Sequence[DataFile], billed_bytes: int, end_ms: int
) -> dict[str, object]:
    is_full = facts.from_ms is None
    moments = (
        {"exportTime": iso_time(facts.export_ms)}
        if facts.from_ms is None
        else {"exportFromTime": iso_time(facts.from_ms), "exportToTime": iso_time(facts.to_ms)}
    )
    return {
        "version": "2020-06-30" if is_full else "2023-08-01",
        "exportArn": facts.export_arn,
        "startTime": iso_time(facts.start_ms),
        "endTime": iso_time(end_ms),
        "tableArn": facts.table_arn,
        "tableId": facts.table_id,
        **moments,
        "s3Bucket": facts.bucket,
        "s3Prefix": facts.prefix or None,
        "s3SseAlgorithm": "AES256",
        "s3SseKmsKeyId": None,
        "manifestFilesS3Key": facts.folder + FILES,
        "billedSizeBytes": billed_bytes,
        "itemCount": sum(file.item_count for file in files),
        "outputFormat": facts.format,
        **({} if is_full else {"outputView": facts.view, "exportType": "INCREMENTAL_EXPORT"}),
    }


class ExportManifest(NamedTuple):
    """An export that is whole, as it was read from a store."""

    format: ExportFormat
    is_incremental: bool
    item_count: int
    files: tuple[DataFile, ...]


def read_export(store: BackupStore, summary_name: str) -> ExportManifest:
    """What the export with this summary consists of. Its data files are not looked at.

    Raises:
        CorruptionError: a manifest is missing, damaged, or at odds with the other.
        ValidationError: it is in a format that kvdb does not read.
        ServiceUnavailable, BackupStoreError: as the store.
    """
    folder = summary_name.removesuffix(SUMMARY)
    summary = _object(_read_checked(store, summary_name), summary_name)
    files_name = folder + FILES
    output_format = summary.get("outputFormat", "DYNAMODB_JSON")
    known = next((known for known in EXPORT_FORMATS if known == output_format), None)
    if known is None:
        raise ValidationError(f"an export in this format cannot be read format={output_format!r:.40}")
    key_folder = _text(summary, "manifestFilesS3Key", summary_name).rpartition("/")[0] + "/"
    files = tuple(
        _read_entry(line, files_name, key_folder, folder)
        for line in _read_checked(store, files_name).splitlines()
        if line.strip()
    )
    if len(files) > DATA_FILES_MAX:
        raise CorruptionError(f"export has too many files max={DATA_FILES_MAX}", file=files_name)
    item_count = _count(summary, "itemCount", summary_name)
    if sum(file.item_count for file in files) != item_count:
        raise CorruptionError("export's manifests disagree on the number of items", file=files_name)
    is_incremental = summary.get("exportType") == "INCREMENTAL_EXPORT"
    return ExportManifest(known, is_incremental, item_count, files)


def _read_entry(line: bytes, files_name: str, key_folder: str, folder: str) -> DataFile:
    entry = _object(line, files_name)
    try:
        md5 = base64.b64decode(_text(entry, "md5Checksum", files_name), validate=True)
    except (binascii.Error, ValueError):
        md5 = b""
    if len(md5) != hashlib.md5(usedforsecurity=False).digest_size:
        raise CorruptionError("manifest has an entry without a checksum", file=files_name)
    name = _beside(_text(entry, "dataFileS3Key", files_name), key_folder, folder)
    if name is None:
        raise CorruptionError("manifest names a file outside of its export", file=files_name)
    return DataFile(_count(entry, "itemCount", files_name), md5, name)


def _beside(key: str, key_folder: str, folder: str) -> str | None:
    """Where the object with ``key`` lies when ``key_folder`` lies in ``folder``: in it, or one up."""
    for _ in range(2):
        if key.startswith(key_folder):
            name = folder + key.removeprefix(key_folder)
            return name if is_object_name(name) else None
        key_folder, folder = _parent(key_folder), _parent(folder)
    return None


def _parent(folder: str) -> str:
    parent = folder.rstrip("/").rpartition("/")[0]
    return f"{parent}/" if parent else ""


def _read_checked(store: BackupStore, name: str) -> bytes:
    try:
        content = read_small(store, name)
    except ObjectNotFound:
        raise CorruptionError("export lacks a manifest", file=name) from None
    for checksum_name in _checksum_names(name):
        try:
            stated = read_small(store, checksum_name, bytes_max=_CHECKSUM_BYTES_MAX)
        except ObjectNotFound:
            continue
        if stated.strip() != base64.b64encode(_md5(content)):
            raise CorruptionError("manifest does not have its checksum", file=name)
        break
    return content


def _checksum_names(name: str) -> tuple[str, ...]:
    return tuple(name.removesuffix(".json") + suffix for suffix in _CHECKSUMS)


def _object(content: bytes, name: str) -> Mapping[str, object]:
    try:
        value = strict_json(content.decode("utf-8"))
    except ValueError as error:
        raise CorruptionError(f"manifest is not JSON reason={error}", file=name) from None
    if not isinstance(value, dict):
        raise CorruptionError("manifest is not an object", file=name)
    return value


def _text(entry: Mapping[str, object], member: str, name: str) -> str:
    value = entry.get(member)
    if not isinstance(value, str):
        raise CorruptionError(f"manifest lacks {member}", file=name)
    return value


def _count(entry: Mapping[str, object], member: str, name: str) -> int:
    value = entry.get(member)
    if type(value) is not int or value < 0:
        raise CorruptionError(f"manifest lacks {member}", file=name)
    return value


def _md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).digest()


def iso_time(wall_ms: int) -> str:
    """Milliseconds since 1970 as ``2020-11-04T07:28:34.028Z``."""
    text = datetime.fromtimestamp(wall_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
