"""What two regions say to each other: four messages, each one frame.

    frame    := u8 format · u8 kind · u32 crc32c(kind · body) · body        format 1, big-endian
    body     := msgpack
    1 hello    [id, region, number, features?, known?, [[table, reason] ...]?]
    2 greeting [id, region, number, database id, wall_ms, [[table, uuid, descriptor, reports?] ...],
                features?, topology?]
    3 pull     [id, region, database id, [want ...], known?]
    4 pages    [id, region, database id, [part ...], topology?]
    5 refusal  [id, reason]
    features := [name ...]
    want     := [table, uuid, own uuid, mode, position, kept, cursor, applied?]
    part     := [table, uuid, status, [row ...], position, cursor, more?, reaches?]
    reaches  := [[region number, origin, seen, has] ...]

Who pulls says hello and gets a greeting: who answers, and which tables are shared. Then it pulls, for each
table from where it is (``replica/progress``), and gets pages: whole rows and tombstones (``table/row``), as
they stand. ``cursor`` is how far a scan is: ``r``, among the items, or ``t``, among the tombstones, and the
key of the last one, without what differs between regions. ``id`` ties an answer to its question: an answer
to another question, late or twice, is thrown away. ``database id`` in a pull is the one that is expected to
answer. ``topology`` is a number that is larger one after each change of what is shared (0: not told); who
asks says which one he has, so that an answer that would be held back until there is news is not, when that
is the news. ``more``, 1 or 0: the page is full.

Regions are of one release or of two that follow each other. So fields are only ever added, at the end, each
with a default: a field that is not there has its default, and fields at the end that say no more than
that are not sent; fields that are not known are not looked at. This goes for messages and for what
their lists hold. A mode or a status may only be sent to who knows it: who says hello or greets tells by
``features`` what it knows beyond release 1. A frame of another format is refused by its number.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple, TypeAlias, cast

import google_crc32c
import msgpack

from kvdb.errors import CorruptionError

FORMAT_VERSION: Final = 1
FRAME_BYTES_MAX: Final = 8 * 1024 * 1024
_HEAD = struct.Struct(">BBI")
assert _HEAD.size == 6

FEATURES: Final[tuple[str, ...]] = ()
"""What this kvdb knows that release 1 did not."""

BEGIN, SCAN, WRITES = 1, 2, 3
"""What is wanted of a table: a place to begin at; its items; the writes after a position."""
OK, WAIT, SCANNED, UNSHARED, OTHER_TABLE, TRIMMED, AHEAD, SEEDING, UNKNOWN = 0, 1, 2, 3, 4, 5, 6, 7, 8
"""How a want was answered: as wanted; ask again soon; as wanted, and that was the last of it; the table is
not shared with who asks; it is another one by now; the writes after the position are not kept any more; the
position lies in the future; the table is still taking in what others have, and cannot be begun with; what is
wanted is not known to who was asked."""


class Refused(NamedTuple):
    table: str
    reason: str


class Hello(NamedTuple):
    id: int
    region: str
    number: int
    features: tuple[str, ...] = ()
    known: int = 0
    """The topology that whoever asks has, if there is nothing else that he could ask for meanwhile."""
    refused: tuple[Refused, ...] = ()
    """Tables of who is asked that cannot be shared by who asks."""


class Report(NamedTuple):
    region: str
    age_ms: int
    """How long ago it was heard of."""
    is_ready: int
    """1: it has taken in what it shall have."""


class SharedTable(NamedTuple):
    name: str
    uuid: str
    descriptor: bytes
    reports: tuple[Report, ...] = ()
    """Of other regions that share the table (``replica/hearsay``)."""


class Greeting(NamedTuple):
    id: int
    region: str
    number: int
    database_id: bytes
    wall_ms: int
    tables: list[SharedTable]
    features: tuple[str, ...] = ()
    topology: int = 0


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
    applied: int = 0
    """One more than up to where all writes are in the table of who asks, durably; 0: that is not said."""


class Pull(NamedTuple):
    id: int
    region: str
    database_id: bytes
    wants: list[Want]
    known: int = 0


class Reach(NamedTuple):
    """What of one region's writes a page may show, and what it leaves nothing out of; see ``positions``."""

    region: int
    origin: bytes
    seen: int
    has: int
    """One more than up to where nothing is left out; 0: that is not said."""


class Part(NamedTuple):
    table: str
    uuid: str
    status: int
    rows: list[bytes]
    position: int
    cursor: bytes
    more: int = 0
    """1: it ends where it does because it is full."""
    reaches: tuple[Reach, ...] = ()


class Pages(NamedTuple):
    id: int
    region: str
    database_id: bytes
    parts: list[Part]
    topology: int = 0

    @property
    def is_idle(self) -> bool:
        """Whether there was nothing to send."""
        return not any(
            part.rows or part.cursor or part.status not in (OK, WAIT, SEEDING) for part in self.parts
        )


class Refusal(NamedTuple):
    id: int
    reason: str


Message: TypeAlias = Hello | Greeting | Pull | Pages | Refusal


class _Each(NamedTuple):
    """The shape of a list, each element of which is of one kind: a plain type, or a tuple of fields."""

    kind: type
    held_in: type = list


_SHAPES: Final[dict[type, tuple[type | _Each, ...]]] = {
    Refused: (str, str),
    Hello: (int, str, int, _Each(str, tuple), int, _Each(Refused, tuple)),
    Report: (str, int, int),
    SharedTable: (str, str, bytes, _Each(Report, tuple)),
    Greeting: (int, str, int, bytes, int, _Each(SharedTable), _Each(str, tuple), int),
    Want: (str, str, str, int, int, int, bytes, int),
    Pull: (int, str, bytes, _Each(Want), int),
    Reach: (int, bytes, int, int),
    Part: (str, str, int, _Each(bytes), int, bytes, int, _Each(Reach, tuple)),
    Pages: (int, str, bytes, _Each(Part), int),
    Refusal: (int, str),
}
_KINDS: Final[dict[int, type]] = {1: Hello, 2: Greeting, 3: Pull, 4: Pages, 5: Refusal}
_NUMBERS: Final = {kind: number for number, kind in _KINDS.items()}


def encode(message: Message) -> bytes:
    """The frame of a message."""
    kind = bytes((_NUMBERS[type(message)],))
    body: bytes = msgpack.packb(_said(message))
    return _HEAD.pack(FORMAT_VERSION, kind[0], google_crc32c.value(kind + body)) + body


def decode(frame: bytes) -> Message:
    """The message of a frame.

    Raises:
        CorruptionError: it is none, or damaged, or of a format or kind this kvdb does not know.
    """
    if len(frame) < _HEAD.size or len(frame) > FRAME_BYTES_MAX:
        raise CorruptionError(
            f"a peer's frame has a bad length length={len(frame)} length_max={FRAME_BYTES_MAX}"
        )
    version, number, checksum = _HEAD.unpack_from(frame)
    if version != FORMAT_VERSION:
        raise CorruptionError(
            f"a peer's frame is of a format that is not known here version={version} known={FORMAT_VERSION}: "
            "the two regions are of releases too far apart"
        )
    body = frame[_HEAD.size :]
    if google_crc32c.value(bytes((number,)) + body) != checksum:
        raise CorruptionError(f"a peer's frame has a bad checksum kind={number} length={len(frame)}")
    kind = _KINDS.get(number)
    if kind is None:
        raise CorruptionError(f"a peer's frame is of a kind that is not known here kind={number}")
    try:
        return cast(Message, _heard(kind, msgpack.unpackb(body, use_list=True)))
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise CorruptionError(f"a peer's frame is malformed kind={number}") from error


def _said(message: tuple[object, ...]) -> list[object]:
    """The fields as they are sent: without those at the end that only have their defaults."""
    kind = type(message)
    defaults: dict[str, object] = kind._field_defaults  # type: ignore[attr-defined]
    names: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]
    count = len(message)
    while names[count - 1] in defaults and message[count - 1] == defaults[names[count - 1]]:
        count -= 1
    shape = _SHAPES[kind][:count]
    return [
        [_said(each) for each in cast("list[tuple[object, ...]]", value)]
        if isinstance(of, _Each) and of.kind in _SHAPES
        else value
        for value, of in zip(message, shape, strict=False)
    ]


def _heard(kind: type, fields: object) -> tuple[object, ...]:
    """The fields of one message or part, each of which must be of its kind; numbers are not negative."""
    if not isinstance(fields, list):
        raise TypeError("not a list")
    values = [_value(of, value) for of, value in zip(_SHAPES[kind], fields, strict=False)]
    return cast("tuple[object, ...]", kind(*values))


def _value(of: type | _Each, value: object) -> object:
    if not isinstance(of, _Each):
        if type(value) is not of:
            raise TypeError("a field is of another type")
        if isinstance(value, int) and value < 0:
            raise ValueError("a number is negative")
        return value
    if not isinstance(value, list):
        raise TypeError("not a list")
    if of.kind in _SHAPES:
        return of.held_in([_heard(of.kind, each) for each in value])
    if not all(type(each) is of.kind for each in value):
        raise TypeError("an element is of another type")
    return of.held_in(value)
