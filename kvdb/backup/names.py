"""The names of the objects in a backup store. A name that fits no pattern is a stranger's.

    objects/<sha256 of the content>.sst | .log         what backups refer to: sstables, pieces of logs
    backups/<backup id>.json                           a backup's manifest: with it the backup exists
    pending/<backup id>.json                           a backup being made: its objects are not swept
    sweeps/<sweep id>.json                             a sweep under way

    backup id := 14 digits of milliseconds since 1970 "-" 8 hex digits       as the service's

Ids sort by time. No name holds anything a user chose.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from kvdb.errors import ValidationError

ObjectKind = Literal["sst", "log"]

OBJECTS: Final = "objects/"
BACKUPS: Final = "backups/"
PENDING: Final = "pending/"
SWEEPS: Final = "sweeps/"
FOLDERS: Final = (OBJECTS, BACKUPS, PENDING, SWEEPS)

_ID: Final = "[0-9]{14}-[0-9a-f]{8}"
_BACKUP_ID: Final = re.compile(_ID)
_NAME: Final = re.compile(rf"objects/[0-9a-f]{{64}}\.(?:sst|log)|(?:backups|pending|sweeps)/{_ID}\.json")


def object_name(digest: bytes, kind: ObjectKind) -> str:
    """The place of content with this sha256."""
    return f"{OBJECTS}{digest.hex()}.{kind}"


def new_id(now_ms: int, chance: bytes) -> str:
    """A backup or sweep id; ``chance`` is four random bytes."""
    return f"{now_ms:014d}-{chance.hex()}"


def time_of(backup_id: str) -> int:
    """When it was made, in milliseconds since 1970."""
    return int(backup_id[:14])


def is_id(text: str) -> bool:
    return _BACKUP_ID.fullmatch(text) is not None


def require_id(backup_id: str) -> str:
    """``backup_id`` itself; raises ``ValidationError`` when it is none."""
    if not is_id(backup_id):
        raise ValidationError(f"not a backup id: {backup_id!r}")
    return backup_id


def manifest_name(backup_id: str) -> str:
    return f"{BACKUPS}{require_id(backup_id)}.json"


def pending_name(backup_id: str) -> str:
    return f"{PENDING}{require_id(backup_id)}.json"


def sweep_name(sweep_id: str) -> str:
    return f"{SWEEPS}{require_id(sweep_id)}.json"


def id_in(name: str) -> str:
    """The id in the name of a manifest, a pending backup or a sweep."""
    return name.rpartition("/")[2].removesuffix(".json")


def is_ours(name: str) -> bool:
    """Whether a store may be asked for it."""
    return _NAME.fullmatch(name) is not None
