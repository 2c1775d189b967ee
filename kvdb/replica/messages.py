"""What two regions say to each other: four messages, each one frame.

    frame    := u8 format · u8 kind · u32 crc32c(kind · body) · body        format 1, big-endian
    body     := msgpack
    1 hello    [id, region, number]
    2 greeting [id, region, number, database id, wall_ms, [[table, uuid, descriptor] ...]]
    3 pull     [id, region, database id, [[table, uuid, own uuid, mode, position, kept, cursor] ...]]
    4 pages    [id, region, database id, [[table, uuid, status, [row ...], position, cursor] ...]]
    5 refusal  [id, reason]

Who pulls says hello and gets a greeting: who answers, and which tables are shared. Then it pulls, for each
table from where it is (``replica/progress``), and gets pages: whole rows and tombstones (``table/row``), as
they stand. ``id`` ties an answer to its question: an answer to another question, late or twice, is thrown
away. ``database id`` in a pull is the one that is expected to answer.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple, TypeAlias

import google_crc32c
import msgpack

from kvdb.errors import CorruptionError

FORMAT_VERSION: Final = 1
FRAME_BYTES_MAX: Final = 8 * 1024 * 1024
_HEAD = struct.Struct(">BBI")

BEGIN, SCAN, WRITES = 1, 2, 3
"""What is wanted of a table: a place to begin at; its items; the writes after a position."""
OK, WAIT, SCANNED, UNSHARED, OTHER_TABLE, TRIMMED, AHEAD, SEEDING = 0, 1, 2, 3, 4, 5, 6, 7
"""How a want was answered: as wanted; ask again soon; as wanted, and that was the last of it; the table is
not shared with who asks; it is another one by now; the writes after the position are not kept any more; the
position lies in the future; the table is still taking in what others have, and cannot be begun with."""


class Hello(NamedTuple):
    id: int
    region: str
    number: int


class SharedTable(NamedTuple):
    name: str
    uuid: str
    descriptor: bytes


class Greeting(NamedTuple):
    id: int
    region: str
    number: int
    database_id: bytes
    wall_ms: int
    tables: list[SharedTable]


class Want(NamedTuple):
    table: str
    uuid: str
    """Of the table of who is asked."""
    own_uuid: str
    """Of the table of who asks."""
    mode: int
    position: int
    kept: int
    """What is durable of the position."""
    cursor: bytes


class Pull(NamedTuple):
    id: int
    region: str
    database_id: bytes
    wants: list[Want]


class Part(NamedTuple):
    table: str
    uuid: str
    status: int
    rows: list[bytes]
    position: int
    cursor: bytes


class Pages(NamedTuple):
    id: int
    region: str
    database_id: bytes
    parts: list[Part]

    @property
    def is_idle(self) -> bool:
        """Whether there was nothing to send."""
        return not any(part.rows or part.status not in (OK, WAIT, SEEDING) for part in self.parts)


class Refusal(NamedTuple):
    id: int
    reason: str


Message: TypeAlias = Hello | Greeting | Pull | Pages | Refusal
_KINDS: Final[dict[type[Message], int]] = {Hello: 1, Greeting: 2, Pull: 3, Pages: 4, Refusal: 5}


def encode(message: Message) -> bytes:
    """The frame of a message."""
    kind = bytes((_KINDS[type(message)],))
    body: bytes = msgpack.packb(message)
    return _HEAD.pack(FORMAT_VERSION, kind[0], google_crc32c.value(kind + body)) + body


def decode(frame: bytes) -> Message:
    """The message of a frame.

    Raises:
        CorruptionError: it is none, or damaged, or of a format this kvdb does not know.
    """
    if len(frame) < _HEAD.size or len(frame) > FRAME_BYTES_MAX:
        raise CorruptionError(f"a peer's frame has a bad length length={len(frame)}")
    version, kind, checksum = _HEAD.unpack_from(frame)
    if version != FORMAT_VERSION:
        raise CorruptionError(f"a peer's frame has an unknown format version={version}")
    body = frame[_HEAD.size :]
    if google_crc32c.value(bytes((kind,)) + body) != checksum:
        raise CorruptionError(f"a peer's frame has a bad checksum kind={kind} length={len(frame)}")
    try:
        return _decoded(kind, msgpack.unpackb(body, use_list=True))
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise CorruptionError(f"a peer's frame is malformed kind={kind}") from error


def _decoded(kind: int, fields: list[object]) -> Message:
    match kind:
        case 1:
            return Hello(*_typed(fields, int, str, int))
        case 2:
            *head, tables = fields
            shared = [SharedTable(*_typed(each, str, str, bytes)) for each in _list(tables)]
            return Greeting._make([*_typed(head, int, str, int, bytes, int), shared])
        case 3:
            *head, wants = fields
            return Pull._make([*_typed(head, int, str, bytes), [_want(each) for each in _list(wants)]])
        case 4:
            *head, parts = fields
            return Pages._make([*_typed(head, int, str, bytes), [_part(each) for each in _list(parts)]])
        case 5:
            return Refusal(*_typed(fields, int, str))
    raise ValueError(f"no such kind: {kind}")


def _want(fields: object) -> Want:
    return Want(*_typed(fields, str, str, str, int, int, int, bytes))


def _part(fields: object) -> Part:
    part = Part(*_typed(fields, str, str, int, list, int, bytes))
    if not all(type(each) is bytes for each in part.rows):
        raise TypeError("a row is not bytes")
    return part


def _list(value: object) -> list:  # type: ignore[type-arg]
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value


def _typed(fields: object, *kinds: type) -> list:  # type: ignore[type-arg]
    """The fields, each of which must be of its kind; numbers are not negative."""
    values = _list(fields)
    if [type(each) for each in values] != list(kinds):
        raise TypeError("a field is of another type")
    if any(type(each) is int and each < 0 for each in values):
        raise ValueError("a number is negative")
    return values
