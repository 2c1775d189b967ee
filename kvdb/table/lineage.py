"""Which writes a version of an item includes: what tells a later version from a concurrent one.

A version *includes* a write if it was made by one who had seen that write, and the two versions of
one item are *concurrent* when neither includes the other: then there is a conflict. Per region it is
enough to know the newest write included, for a region's writes of one item follow each other.

Form, msgpack, in a row (``table/row``):

    lineage := [[region, wall_ms, counter] ..., merge | nil]
    merge   := ``table/merging``, for a table whose versions are merged

The first list has other regions than the row's own stamp, in order. A row whose every write was made
in one region, of a table whose versions are not merged, has no lineage at all.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias, cast

import msgpack

from kvdb.env.hlc import Stamp
from kvdb.errors import CorruptionError
from kvdb.table import merging, row
from kvdb.table.merging import MergeRules, MergeState, decode_state, encode_state

Seen: TypeAlias = dict[int, tuple[int, int]]
"""Region -> wall time and counter of its newest write that is included."""


class Lineage(NamedTuple):
    """What a version includes, and, where versions are merged, from what it was made."""

    seen: Seen
    merge: MergeState | None = None

    def encoded(self, stamp: Stamp) -> bytes:
        """For the row of a version with this stamp; empty when the stamp says it all."""
        others = [[region, *at] for region, at in sorted(self.seen.items()) if region != stamp.region]
        if not others and self.merge is None:
            return b""
        merge = None if self.merge is None else encode_state(self.merge)
        return cast(bytes, msgpack.packb([others, merge]))


def lineage_of(stored: bytes) -> Lineage:
    """The lineage of a row or tombstone.

    Raises:
        CorruptionError: it is none that this kvdb knows.
    """
    stamp = row.stamp_of(stored)
    seen: Seen = {stamp.region: (stamp.wall_ms, stamp.counter)}
    data = row.lineage_of(stored)
    if not data:
        return Lineage(seen)
    try:
        others, merge = msgpack.unpackb(data, strict_map_key=False)
        for region, wall_ms, counter in others:
            seen[int(region)] = (int(wall_ms), int(counter))
        return Lineage(seen, None if merge is None else decode_state(merge))
    except (ValueError, TypeError, ArithmeticError, msgpack.UnpackException) as error:
        raise CorruptionError("lineage of a row is not readable") from error


def includes(one: Seen, other: Seen) -> bool:
    """Whether ``one`` has all that ``other`` has."""
    return all(one.get(region, (-1, -1)) >= at for region, at in other.items())


def joined(one: Seen, other: Seen) -> Seen:
    """What either has."""
    both = dict(one)
    for region, at in other.items():
        if at > both.get(region, (-1, -1)):
            both[region] = at
    return both


def newest_stamp(stored: bytes) -> Stamp:
    """The latest stamp that a row from elsewhere speaks of, in its head or in its lineage."""
    seen = lineage_of(stored).seen
    return max(Stamp(wall_ms, counter, region) for region, (wall_ms, counter) in seen.items())


def plain_state(stored: bytes, key_names: tuple[str, ...], rules: MergeRules) -> MergeState:
    """Of a version that was written before versions of its table were merged."""
    stamp = row.stamp_of(stored)
    if row.is_tombstone(stored):
        return merging.state_of_none(stamp)
    return merging.state_of_plain(row.item_of(stored), key_names, stamp, rules)
