"""How far a region has come with what another one wrote to a table: one record a table and peer.

A link begins with nothing, gets a place in the peer's writes to go on from later (BEGIN), then every item
and tombstone that the peer had at that place (SCAN; ``replica/holds``), then the writes from that place on
(WRITES). Where the scan saw later items, as it may, they come twice, which does no harm: a version that is
included already is left alone. The record is stored in the batch of the last rows it speaks of, so what was
applied and how far it goes are one.

Form, msgpack:

    [1, peer's database id, uuid of the peer's table, mode, position, cursor, [region ...], relayed?, seen?,
     settles?]
    seen := [[region number, origin, seqno] ...]

A link begins again when another database, or another table of that name, answers under the peer's name; when
a region was taken out since: some of its last writes may have come to one of the others only, and will not
come from itself any more; and when the table has come to relay since: what the peer had taken in from others
before has left no note to be relayed. ``regions`` are those that shared the table when the link began.

``seen`` is what the rows that were taken in from the peer may show of every region's writes, at most
(``replica/positions``): it is stored no later than the rows are, and kept when the link begins again. A scan
of what others write meanwhile may miss an item that was deleted and written again: not before the position
has reached ``settles`` is all of the peer's here that was written up to it.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import msgpack

from kvdb.errors import CorruptionError
from kvdb.replica.messages import BEGIN, WRITES

_FORMAT_VERSION = 1


class Progress(NamedTuple):
    """Where a link is."""

    database_id: bytes
    uuid: str
    mode: int = BEGIN
    position: int = 0
    """A seqno of the peer's."""
    cursor: bytes = b""
    """How far its items have been scanned."""
    regions: tuple[str, ...] = ()
    """Those that shared the table when the link began, or since."""
    relayed: tuple[int, ...] = ()
    """The stamp of the change that had the table relay when the link began; none: it did not."""
    seen: tuple[tuple[int, bytes, int], ...] = ()
    """Empty: the peer has not told; it is of a release that does not, or what was stored is of one."""
    settles: int = 0
    """The seqno of the newest write of the peer's that its items may have shown when they were scanned."""

    def follows(self, regions: tuple[str, ...], relayed: tuple[int, ...]) -> bool:
        """Whether the link may go on where it is, with the table shared like this."""
        return set(self.regions) <= set(regions) and relayed in ((), self.relayed)

    @property
    def is_settled(self) -> bool:
        """Whether the link follows, and leaves nothing out that is before its position."""
        return self.mode == WRITES and bool(self.seen) and self.position >= self.settles

    def encoded(self) -> bytes:
        return cast(bytes, msgpack.packb([_FORMAT_VERSION, *self]))


def decode_progress(stored: bytes) -> Progress:
    """Raises: CorruptionError: it is none, or of a format this kvdb does not know."""
    try:
        version, *fields = msgpack.unpackb(stored)
        if version != _FORMAT_VERSION:
            raise ValueError(f"format {version}")
        database_id, uuid, mode, position, cursor, regions, *later = fields
        relayed, told, settles = (*later, *((), (), 0)[len(later) :])[:3]
        seen = tuple((int(number), bytes(origin), int(seqno)) for number, origin, seqno in told)
        return Progress(
            *(database_id, uuid, mode, position, cursor), tuple(regions), tuple(relayed), seen, int(settles)
        )
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise CorruptionError("a link's progress is not readable") from error


class Ack(NamedTuple):
    """How far a peer has come with our writes to a table, as far as it has told."""

    position: int
    uuid: str
    """Of the peer's table."""
    is_lost: bool = False
    """It was not heard of for so long that writes it does not have were removed: it must begin anew."""

    def encoded(self) -> bytes:
        return cast(bytes, msgpack.packb([_FORMAT_VERSION, *self]))


def decode_ack(stored: bytes) -> Ack:
    """Raises: CorruptionError: it is none, or of a format this kvdb does not know."""
    try:
        version, *fields = msgpack.unpackb(stored)
        if version != _FORMAT_VERSION:
            raise ValueError(f"format {version}")
        return Ack(*fields)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise CorruptionError("a peer's acknowledgement is not readable") from error
