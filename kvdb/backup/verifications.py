"""What verifications and drills have found, kept beside the backups.

Format of a kept result: as a manifest's, a sealed line (``manifest``) of a JSON object:

    {"format_version": 1, "verification_id": text, "backup_id": text, "check": text, "is_clean": bool,
     "started_ms": int, "ended_ms": int, "objects": int, "bytes": int, "entries": int, "damaged": int,
     "findings": [[severity, object, message] ...], "tables": [[name, items, digest] ...]}

The name of a result says what a listing shows, so that one listing tells when each backup was last
looked at. Of all results in a store the newest ``KEPT_MAX`` are kept.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeVar, cast

from kvdb.backup import names
from kvdb.backup.contents import TableContents
from kvdb.backup.manifest import opened, sealed
from kvdb.backup.names import Check, VerificationName
from kvdb.backup.store import BackupStore, ObjectNotFound, read_small
from kvdb.errors import CorruptionError, FormatTooNew, KvdbError

KEPT_MAX: Final = 500
FINDINGS_MAX: Final = 1000
"""So many findings are kept; more are only counted."""
_FORMAT_VERSION: Final = 1
_MESSAGE_CHARS_MAX: Final = 500

Severity = Literal["damage", "note"]
_Kind = TypeVar("_Kind")


class Finding(NamedTuple):
    """One thing found, and the object of the store that it is about."""

    severity: Severity
    object_name: str
    message: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.message} object={self.object_name}"


@dataclass(slots=True)
class Outcome:
    """What one verification or drill has found."""

    verification_id: str
    backup_id: str
    check: Check
    started_ms: int
    ended_ms: int = 0
    objects: int = 0
    """Looked at, the manifest among them."""
    size_bytes: int = 0
    """Read."""
    entries: int = 0
    """Keys in sstables and logs, of every version."""
    damaged: int = 0
    """How many findings are damage, those past ``FINDINGS_MAX`` too."""
    findings: list[Finding] = field(default_factory=list)
    tables: list[TableContents] = field(default_factory=list)
    """At level data, and of a drill."""

    @property
    def is_clean(self) -> bool:
        return not self.damaged

    @property
    def items(self) -> int:
        return sum(table.items for table in self.tables)

    def add(self, severity: Severity, object_name: str, message: str) -> None:
        self.damaged += severity == "damage"
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(severity, object_name, message[:_MESSAGE_CHARS_MAX]))


def keep(store: BackupStore, outcome: Outcome) -> None:
    """Write a result into the store; the oldest ones beyond ``KEPT_MAX`` go. Where nothing may be
    written, the result says so itself."""
    name = names.verification_name(
        outcome.verification_id, outcome.backup_id, outcome.check, is_clean=outcome.is_clean
    )
    try:
        store.put(name, [_encoded(outcome)])
        for old in history(store)[:-KEPT_MAX]:
            store.delete(old.name)
    except KvdbError as error:
        outcome.add("note", name, f"the result could not be kept: {error}")


def history(store: BackupStore) -> list[VerificationName]:
    """Every kept result, oldest first."""
    found = (names.parse_verification(stored.name) for stored in store.listed(names.VERIFICATIONS))
    return sorted((each for each in found if each is not None), key=lambda each: each.verification_id)


class LastLooks(NamedTuple):
    """When a backup was last verified, at any level, and drilled; ``None``: never that is known."""

    verified: VerificationName | None
    drilled: VerificationName | None


def last_looks(results: Iterable[VerificationName]) -> dict[str, LastLooks]:
    """By backup id; ``results`` come oldest first."""
    looks: dict[str, LastLooks] = {}
    for each in results:
        last = looks.get(each.backup_id, LastLooks(None, None))
        changed = {"drilled": each} if each.check == "drill" else {"verified": each}
        looks[each.backup_id] = last._replace(**changed)
    return looks


def last_contents(store: BackupStore, backup_id: str) -> list[TableContents] | None:
    """What the tables of a backup hold by its last clean verification at level data."""
    for each in reversed(history(store)):
        if each.backup_id == backup_id and each.check == "data" and each.is_clean:
            # One that cannot be read is none.
            with contextlib.suppress(CorruptionError, FormatTooNew, ObjectNotFound):
                return read(store, each).tables
    return None


def read(store: BackupStore, name: VerificationName) -> Outcome:
    """A kept result.

    Raises:
        ObjectNotFound: it is not there any more.
        CorruptionError, FormatTooNew: it is not readable.
    """
    fields = opened(read_small(store, name.name), name.name)
    try:
        version = fields["format_version"]
        if type(version) is int and version > _FORMAT_VERSION:
            raise FormatTooNew(f"result format {version} is newer than {_FORMAT_VERSION} file={name.name}")
        outcome = _decoded(fields)
    except (KeyError, ValueError, TypeError) as error:
        raise CorruptionError(f"malformed result: {error}", file=name.name) from error
    stated = (outcome.verification_id, outcome.backup_id, outcome.check, outcome.is_clean)
    if stated != tuple(name)[1:]:
        raise CorruptionError("result stands under another name", file=name.name)
    return outcome


def _encoded(outcome: Outcome) -> bytes:
    fields = {
        "format_version": _FORMAT_VERSION,
        "verification_id": outcome.verification_id,
        "backup_id": outcome.backup_id,
        "check": outcome.check,
        "is_clean": outcome.is_clean,
        "started_ms": outcome.started_ms,
        "ended_ms": outcome.ended_ms,
        "objects": outcome.objects,
        "bytes": outcome.size_bytes,
        "entries": outcome.entries,
        "damaged": outcome.damaged,
        "findings": [list(finding) for finding in outcome.findings],
        "tables": [list(table) for table in outcome.tables],
    }
    return sealed(json.dumps(fields, separators=(",", ":")).encode())


def _decoded(fields: dict[str, object]) -> Outcome:
    return Outcome(
        verification_id=_typed(fields["verification_id"], str),
        backup_id=_typed(fields["backup_id"], str),
        check=cast(Check, _typed(fields["check"], str)),
        started_ms=_typed(fields["started_ms"], int),
        ended_ms=_typed(fields["ended_ms"], int),
        objects=_typed(fields["objects"], int),
        size_bytes=_typed(fields["bytes"], int),
        entries=_typed(fields["entries"], int),
        damaged=_typed(fields["damaged"], int),
        findings=[
            Finding(cast(Severity, _typed(severity, str)), _typed(object_name, str), _typed(message, str))
            for severity, object_name, message in _typed(fields["findings"], list)
        ],
        tables=[
            TableContents(_typed(name, str), _typed(items, int), _typed(digest, str))
            for name, items, digest in _typed(fields["tables"], list)
        ],
    )


def _typed(given: object, kind: type[_Kind]) -> _Kind:
    if type(given) is not kind:
        raise TypeError(f"not {kind.__name__}")
    return given
