"""What a backup says of itself: which moment it is, which objects it consists of, and their digests.

Format: a JSON object on one line, then the sha256 of that line (without its newline) in hex:

    manifest := json "\\n" <64 hex digits> "\\n"
    json     := {"format_version": 2, "backup_id": text, "name": text, "kind": "user" | "base",
                 "database_id": hex, "created_ms": int, "is_whole": bool,
                 "tables": [{"name": text, "id": int, "uuid": text, "descriptor": base64,
                             "size": int, "items": int} ...],
                 "seqno": int, "previous": {"backup_id": text, "digest": hex} | null,
                 "stored_bytes": int, "parts": [{"file": text, "size": int, "sha256": hex} ...],
                 "image": base64 of the msgpack of ``lsm/image``}

``descriptor`` is the table's catalog entry, ``size`` and ``items`` are what its last census found. A
manifest of version 1 has none of the three, and no ``name``.

``parts`` are the files of the image, in its order: sstables, then logs. A part's object is named by
its sha256. File names are made from the image's numbers, and what a manifest calls them has to agree:
no text of a manifest ever becomes a path. ``previous`` chains backups of one database: with its digest
a backup that was taken away or put back shows. A manifest is foreign input and is believed in nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import msgpack

from kvdb.backup import names
from kvdb.backup.store import BackupStore, ObjectNotFound, read_small
from kvdb.errors import BackupNotFound, CorruptionError, FormatTooNew, KvdbError
from kvdb.limits import TABLE_NAME_CHARS_MAX
from kvdb.lsm.filenames import log_name, sstable_name
from kvdb.lsm.image import Image, from_plain
from kvdb.lsm.internal_key import SEQNO_MAX
from kvdb.table.descriptor import TableDescriptor, decode_descriptor

FORMAT_VERSION: Final = 2
MANIFEST_BYTES_MAX: Final = 64 * 1024 * 1024
_BYTES_PER_VALUE_MIN: Final = 12
"""Names, digests and sizes are longer. A line of nothing but empty lists would take forty times its size."""
_VALUES_FREE: Final = 200_000
_DIGEST_BYTES: Final = 32
_TABLES_MAX: Final = 100_000
_UUID_CHARS_MAX: Final = 64
_DESCRIPTOR_BYTES_MAX: Final = 1024 * 1024

BackupKind = Literal["user", "base"]
"""Asked for by somebody, or by the continuous archive as a base to replay from."""


class Part(NamedTuple):
    """One file of the image, and the content it must have."""

    file: str
    size: int
    sha256: bytes

    @property
    def object_name(self) -> str:
        return names.object_name(self.sha256, "sst" if self.file.endswith(".sst") else "log")


class BackedTable(NamedTuple):
    """A table that is in the backup."""

    name: str
    table_id: int
    uuid: str
    descriptor: bytes = b""
    """Its catalog entry (``table/descriptor``); empty in a manifest of version 1."""
    size_bytes: int = 0
    """What its last census found, as ``items``."""
    items: int = 0

    def described(self) -> TableDescriptor | None:
        """Raises ``CorruptionError``: the catalog entry is none, or another table's."""
        if not self.descriptor:
            return None
        descriptor = decode_descriptor(self.descriptor)
        if (descriptor.name, descriptor.table_id, descriptor.uuid) != (self.name, self.table_id, self.uuid):
            raise CorruptionError("a table and its descriptor are not of one table", file=self.name)
        return descriptor


class Previous(NamedTuple):
    """The backup of the same database before this one."""

    backup_id: str
    digest: bytes
    """Of its manifest."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A backup, whole."""

    backup_id: str
    kind: BackupKind
    created_ms: int
    is_whole: bool
    """The whole database, and not chosen tables."""
    tables: tuple[BackedTable, ...]
    previous: Previous | None
    stored_bytes: int
    """What was new to the store."""
    parts: tuple[Part, ...]
    image: Image
    name: str = ""
    """What the user calls it."""

    @property
    def seqno(self) -> int:
        return self.image.seqno

    @property
    def size_bytes(self) -> int:
        return sum(part.size for part in self.parts)

    def table(self, name: str) -> BackedTable:
        """Raises ``BackupNotFound`` when it is not in this backup."""
        for table in self.tables:
            if table.name == name:
                return table
        raise BackupNotFound(f"table is not in the backup table={name} backup={self.backup_id}")

    def encoded(self) -> bytes:
        """The stored form."""
        previous = self.previous
        fields = {
            "format_version": FORMAT_VERSION,
            "backup_id": self.backup_id,
            "name": self.name,
            "kind": self.kind,
            "database_id": self.image.database_id.hex(),
            "created_ms": self.created_ms,
            "is_whole": self.is_whole,
            "tables": [
                {
                    "name": table.name,
                    "id": table.table_id,
                    "uuid": table.uuid,
                    "descriptor": base64.b64encode(table.descriptor).decode(),
                    "size": table.size_bytes,
                    "items": table.items,
                }
                for table in self.tables
            ],
            "seqno": self.seqno,
            "previous": None
            if previous is None
            else {"backup_id": previous.backup_id, "digest": previous.digest.hex()},
            "stored_bytes": self.stored_bytes,
            "parts": [
                {"file": part.file, "size": part.size, "sha256": part.sha256.hex()} for part in self.parts
            ],
            "image": base64.b64encode(msgpack.packb(self.image.to_plain())).decode(),
        }
        return sealed(json.dumps(fields, separators=(",", ":")).encode())


def sealed(line: bytes) -> bytes:
    """``line`` with its digest behind it."""
    return b"%s\n%s\n" % (line, hashlib.sha256(line).hexdigest().encode())


def opened(data: bytes, name: str) -> dict[str, object]:
    """The JSON object of a sealed line.

    Raises:
        CorruptionError: it is not what was written.
    """
    line, _, digest = data.removesuffix(b"\n").rpartition(b"\n")
    if not data.endswith(b"\n") or not hmac.compare_digest(hashlib.sha256(line).hexdigest().encode(), digest):
        raise CorruptionError("digest mismatch", file=name)
    values = sum(map(line.count, (b",", b"[", b"{")))
    if values > _VALUES_FREE + len(line) // _BYTES_PER_VALUE_MIN:
        raise CorruptionError(f"too many values for its size values={values}", file=name)
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CorruptionError(f"not readable: {type(error).__name__}", file=name) from error
    if not isinstance(fields, dict):
        raise CorruptionError("not an object", file=name)
    return fields


def read_manifest(store: BackupStore, backup_id: str) -> tuple[Manifest, bytes]:
    """The manifest of a backup, and its digest.

    Raises:
        BackupNotFound: there is no such backup.
        CorruptionError: its manifest is damaged, or says what cannot be.
        FormatTooNew: it was written by a later kvdb.
        ServiceUnavailable, BackupStoreError: as the store.
    """
    name = names.manifest_name(backup_id)
    try:
        data = read_small(store, name, bytes_max=MANIFEST_BYTES_MAX)
    except ObjectNotFound as error:
        raise BackupNotFound(f"Backup not found: {backup_id}") from error
    return decoded(data, name), hashlib.sha256(data).digest()


def decoded(data: bytes, name: str) -> Manifest:
    """The manifest in ``data``; raises ``CorruptionError`` or ``FormatTooNew``."""
    fields = opened(data, name)
    try:
        version = _whole(fields["format_version"])
        if version > FORMAT_VERSION:
            raise FormatTooNew(f"backup format {version} is newer than {FORMAT_VERSION} file={name}")
        manifest = _decoded(fields)
        _check(manifest, fields, name)
    except KvdbError:
        raise
    except (KeyError, ValueError, TypeError, msgpack.UnpackException, RecursionError) as error:
        raise CorruptionError(f"malformed backup manifest: {error}", file=name) from error
    return manifest


def files_of(image: Image) -> list[tuple[str, int]]:
    """The names and sizes that the parts of an image have, in order."""
    sstables = [(sstable_name(file.meta.number), file.meta.size) for file in image.files]
    return [*sstables, *((log_name(log.number), log.size) for log in image.logs)]


def _decoded(fields: dict[str, object]) -> Manifest:
    packed = base64.b64decode(_text(fields["image"], MANIFEST_BYTES_MAX), validate=True)
    previous = fields["previous"]
    kind = fields["kind"]
    if kind not in ("user", "base"):
        raise ValueError("unknown kind")
    return Manifest(
        backup_id=_id(fields["backup_id"]),
        kind=kind,
        created_ms=_whole(fields["created_ms"]),
        is_whole=_bool(fields["is_whole"]),
        tables=tuple(map(_table, _objects(fields["tables"], _TABLES_MAX))),
        previous=None if previous is None else _previous(previous),
        stored_bytes=_whole(fields["stored_bytes"]),
        parts=tuple(map(_part, _objects(fields["parts"], 10_000_000))),
        image=from_plain(msgpack.unpackb(packed)),
        name=_name(fields.get("name", "")),
    )


def _check(manifest: Manifest, fields: dict[str, object], name: str) -> None:
    """What the parts of a manifest say of one another."""
    if name != names.manifest_name(manifest.backup_id):
        raise ValueError("manifest stands under another name")
    if _whole(fields["seqno"]) != manifest.seqno:
        raise ValueError("seqno is not the image's")
    if fields["database_id"] != manifest.image.database_id.hex():
        raise ValueError("database_id is not the image's")
    if [(part.file, part.size) for part in manifest.parts] != files_of(manifest.image):
        raise ValueError("parts are not the files of the image")
    if manifest.previous is not None and manifest.previous.backup_id == manifest.backup_id:
        raise ValueError("a backup comes before itself")
    table_names = [table.name for table in manifest.tables]
    if len(set(table_names)) != len(table_names):
        raise ValueError("a table comes twice")


def _table(fields: dict[str, object]) -> BackedTable:
    table_id = _whole(fields["id"])
    if not 0 < table_id < 1 << 32:
        raise ValueError("bad table id")
    packed = fields.get("descriptor", "")
    table = BackedTable(
        _text(fields["name"], TABLE_NAME_CHARS_MAX),
        table_id,
        _text(fields["uuid"], _UUID_CHARS_MAX),
        base64.b64decode(_text(packed, 2 * _DESCRIPTOR_BYTES_MAX), validate=True) if packed else b"",
        _whole(fields.get("size", 0)),
        _whole(fields.get("items", 0)),
    )
    table.described()
    return table


def _name(value: object) -> str:
    return "" if value == "" else _text(value, TABLE_NAME_CHARS_MAX)


def _part(fields: dict[str, object]) -> Part:
    return Part(_text(fields["file"], 32), _whole(fields["size"]), _digest(fields["sha256"]))


def _previous(value: object) -> Previous:
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return Previous(_id(value["backup_id"]), _digest(value["digest"]))


def _objects(value: object, count_max: int) -> list[dict[str, object]]:
    if not isinstance(value, list) or len(value) > count_max:
        raise ValueError("not a list, or too long")
    if not all(isinstance(entry, dict) for entry in value):
        raise ValueError("not a list of objects")
    return value


def _text(value: object, chars_max: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= chars_max:
        raise ValueError("not a text of the right length")
    return value


def _id(value: object) -> str:
    text = _text(value, 64)
    if not names.is_id(text):
        raise ValueError("not a backup id")
    return text


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value <= max(SEQNO_MAX, 1 << 62):
        raise ValueError("not a whole number in range")
    return value


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("not true or false")
    return value


def _digest(value: object) -> bytes:
    try:
        digest = binascii.unhexlify(_text(value, 2 * _DIGEST_BYTES))
    except binascii.Error as error:
        raise ValueError("not a digest") from error
    if len(digest) != _DIGEST_BYTES:
        raise ValueError("not a digest of 32 bytes")
    return digest
