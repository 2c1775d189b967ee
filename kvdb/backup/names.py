"""The names of the objects in a backup store. A name that fits no pattern is a stranger's.

    objects/<sha256 of the content>.sst | .log         what backups refer to: sstables, pieces of logs
    backups/<backup id>.json                           a backup's manifest: with it the backup exists
    pending/<backup id>.json                           a backup being made: its objects are not swept
    sweeps/<sweep id>.json                             a sweep under way
    damaged/<sha256 of the content>.sst | .log         of an object that was found damaged: stored again
                                                       by the next backup that has its content
    verifications/<id>-<backup id>-<check>-<result>.json         what a verification or a drill found
                check: files, structure, data, drill; result: clean, damaged

    archives/<database>.json                           an archive's head: how far it has come
    epochs/<database>/<epoch>.json                     an epoch of it, from where on
    log/<database>/<epoch>/<chunk>.chunk               its log, in chunks
    bases/<database>/<epoch>/<base>.json               the backups it can be replayed on
    labels/<database>/<backup id>.json                 names that users gave to points

    database := 32 hex digits
    epoch    := 8 digits "-" 8 hex digits              sorts by age
    chunk    := first seqno "-" last seqno "-" first ms "-" last ms "-" l|i "-" sha256 of the object
                20, 20, 14, 14, 1, 64 digits; i: a bulk ingest is in it
    base     := seqno "-" ms "-" backup id             20 and 14 digits

    backup id := 14 digits of milliseconds since 1970 "-" 8 hex digits       as the service's

Ids sort by time. No name holds anything a user chose.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple, cast

from kvdb.errors import ValidationError

ObjectKind = Literal["sst", "log"]

OBJECTS: Final = "objects/"
BACKUPS: Final = "backups/"
PENDING: Final = "pending/"
SWEEPS: Final = "sweeps/"
DAMAGED: Final = "damaged/"
VERIFICATIONS: Final = "verifications/"
ARCHIVES: Final = "archives/"
FOLDERS: Final = (OBJECTS, BACKUPS, PENDING, SWEEPS, DAMAGED)
"""What a sweep cleans. The archive's folders are its writer's."""

Check = Literal["files", "structure", "data", "drill"]
"""How a backup was looked at: a level of a verification, or a drill."""

_DATABASE: Final = "[0-9a-f]{32}"
_EPOCH: Final = "[0-9]{8}-[0-9a-f]{8}"
_ID: Final = "[0-9]{14}-[0-9a-f]{8}"
_BACKUP_ID: Final = re.compile(_ID)
_CHUNK: Final = re.compile(
    rf"log/{_DATABASE}/(?P<epoch>{_EPOCH})/(?P<first>[0-9]{{20}})-(?P<last>[0-9]{{20}})"
    r"-(?P<first_ms>[0-9]{14})-(?P<last_ms>[0-9]{14})-(?P<kind>[li])-(?P<sha256>[0-9a-f]{64})\.chunk"
)
_BASE: Final = re.compile(
    rf"bases/{_DATABASE}/(?P<epoch>{_EPOCH})/(?P<seqno>[0-9]{{20}})-(?P<ms>[0-9]{{14}})-(?P<id>{_ID})\.json"
)
_VERIFICATION: Final = re.compile(
    rf"verifications/(?P<id>{_ID})-(?P<backup>{_ID})-(?P<check>files|structure|data|drill)"
    r"-(?P<result>clean|damaged)\.json"
)
_NAMES: Final = (
    re.compile(rf"(?:objects|damaged)/[0-9a-f]{{64}}\.(?:sst|log)|(?:backups|pending|sweeps)/{_ID}\.json"),
    _VERIFICATION,
    _CHUNK,
    _BASE,
    re.compile(
        rf"archives/{_DATABASE}\.json|epochs/{_DATABASE}/{_EPOCH}\.json|labels/{_DATABASE}/{_ID}\.json"
    ),
)


class ChunkName(NamedTuple):
    """What the name of a chunk says of it."""

    name: str
    epoch: str
    first_seqno: int
    last_seqno: int
    first_ms: int
    last_ms: int
    has_ingest: bool
    sha256: str


class VerificationName(NamedTuple):
    """What the name of a verification says of it."""

    name: str
    verification_id: str
    backup_id: str
    check: Check
    is_clean: bool


class BaseName(NamedTuple):
    """What the name of a base says of it."""

    name: str
    epoch: str
    seqno: int
    wall_ms: int
    """The newest wall time in it."""
    backup_id: str


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


def damage_mark(object_name: str) -> str:
    """Where it stands that an object is damaged."""
    return DAMAGED + object_name.removeprefix(OBJECTS)


def marked_object(mark: str) -> str:
    """The object that a ``damage_mark`` is about."""
    return OBJECTS + mark.removeprefix(DAMAGED)


def verification_name(verification_id: str, backup_id: str, check: Check, *, is_clean: bool) -> str:
    result = "clean" if is_clean else "damaged"
    return f"{VERIFICATIONS}{require_id(verification_id)}-{require_id(backup_id)}-{check}-{result}.json"


def parse_verification(name: str) -> VerificationName | None:
    """``None`` for a stranger."""
    match = _VERIFICATION.fullmatch(name)
    if match is None:
        return None
    verification_id, backup_id, check, result = match.groups()
    return VerificationName(name, verification_id, backup_id, cast(Check, check), result == "clean")


def id_in(name: str) -> str:
    """The id in the name of a manifest, a pending backup or a sweep."""
    return name.rpartition("/")[2].removesuffix(".json")


def is_ours(name: str) -> bool:
    """Whether a store may be asked for it."""
    return any(pattern.fullmatch(name) is not None for pattern in _NAMES)


def head_name(database_id: bytes) -> str:
    """How far the archive of a database has come."""
    return f"{ARCHIVES}{database_id.hex()}.json"


def database_in(name: str) -> bytes:
    """Whose archive a head is of."""
    return bytes.fromhex(id_in(name))


def epochs_of(database_id: bytes) -> str:
    return f"epochs/{database_id.hex()}/"


def labels_of(database_id: bytes) -> str:
    return f"labels/{database_id.hex()}/"


def log_of(database_id: bytes, epoch: str) -> str:
    return f"log/{database_id.hex()}/{epoch}/"


def bases_of(database_id: bytes, epoch: str) -> str:
    return f"bases/{database_id.hex()}/{epoch}/"


def new_epoch(newest: str | None, chance: bytes) -> str:
    """The epoch after ``newest``; ``chance`` is four random bytes."""
    return f"{int(newest[:8]) + 1 if newest else 1:08d}-{chance.hex()}"


def is_epoch(text: str) -> bool:
    return re.fullmatch(_EPOCH, text) is not None


def chunk_name(
    database_id: bytes,
    epoch: str,
    *,
    seqnos: tuple[int, int],
    wall_ms: tuple[int, int],
    has_ingest: bool,
    sha256: bytes,
) -> str:
    """``seqnos`` and ``wall_ms``: the first and the last."""
    kind = "i" if has_ingest else "l"
    return (
        f"{log_of(database_id, epoch)}{seqnos[0]:020d}-{seqnos[1]:020d}"
        f"-{wall_ms[0]:014d}-{wall_ms[1]:014d}-{kind}-{sha256.hex()}.chunk"
    )


def parse_chunk(name: str) -> ChunkName | None:
    """``None`` for a stranger."""
    match = _CHUNK.fullmatch(name)
    if match is None:
        return None
    epoch, first, last, first_ms, last_ms, kind, sha256 = match.groups()
    return ChunkName(name, epoch, int(first), int(last), int(first_ms), int(last_ms), kind == "i", sha256)


def base_name(database_id: bytes, epoch: str, *, seqno: int, wall_ms: int, backup_id: str) -> str:
    return f"{bases_of(database_id, epoch)}{seqno:020d}-{wall_ms:014d}-{require_id(backup_id)}.json"


def parse_base(name: str) -> BaseName | None:
    """``None`` for a stranger."""
    match = _BASE.fullmatch(name)
    if match is None:
        return None
    epoch, seqno, wall_ms, backup_id = match.groups()
    return BaseName(name, epoch, int(seqno), int(wall_ms), backup_id)
