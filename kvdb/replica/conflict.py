"""Which version of an item stands when one arrives from another region. Pure and total.

A version that includes the other one (``table/lineage``) replaces it. Two that are concurrent are
resolved as the table's resolver says, and the outcome includes both, so that whoever has both versions
has the same one, in whatever order they came:

- *last writer*: the version with the later stamp: by time, then counter, then region.
- *attributes*: attribute by attribute (``table/merging``).
- *callable*: what a function of the two items makes of them, called with the earlier written one first.
  It must be pure, and give the same for three versions in whatever order they are paired; what raises,
  or gives no item that can be stored, is resolved as by the last writer.

The stamp of the outcome is the later one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from kvdb.api.replicas import Outcome
from kvdb.env.hlc import Stamp
from kvdb.item.size import item_size
from kvdb.item.value import Item, equals
from kvdb.table import merging, row
from kvdb.table.lineage import Lineage, includes, joined, lineage_of, plain_state
from kvdb.table.merging import MergeRules
from kvdb.table.writes import sized_item

_log = logging.getLogger("kvdb.replica")

MergeFunction: TypeAlias = Callable[[Item, "Item | None", "Item | None"], "Item | None"]
"""``(key, earlier, later) -> item``; ``None`` stands for a deleted item."""


@dataclass(frozen=True, slots=True)
class Resolver:
    """How the concurrent versions of one table are resolved."""

    key_names: tuple[str, ...]
    rules: MergeRules | None = None
    function: MergeFunction | None = field(default=None, compare=False)


class Verdict(NamedTuple):
    """What becomes of a stored version."""

    outcome: Outcome
    version: bytes
    """The row or tombstone that stands from now on."""
    is_conflict: bool = False
    """The two were concurrent and are not the same."""


def decide(stored: bytes | None, incoming: bytes, resolver: Resolver) -> Verdict:
    """The version that stands when ``incoming`` meets ``stored``."""
    if stored is None or stored == incoming:
        return Verdict("INCOMING" if stored is None else "STORED", incoming)
    mine, theirs = lineage_of(stored), lineage_of(incoming)
    if includes(mine.seen, theirs.seen):
        return Verdict("STORED", stored)
    if includes(theirs.seen, mine.seen):
        return Verdict("INCOMING", incoming)
    is_conflict = not _is_same_item(stored, incoming)
    resolved = None
    if resolver.rules is not None:
        resolved = _merged(stored, mine, incoming, theirs, resolver)
    elif resolver.function is not None and is_conflict:
        resolved = _called(stored, mine, incoming, theirs, resolver)
    if resolved is not None:
        return Verdict("MERGED", resolved, is_conflict)
    return _last_writer(stored, mine, incoming, theirs, is_conflict=is_conflict)


def _last_writer(
    stored: bytes, mine: Lineage, incoming: bytes, theirs: Lineage, *, is_conflict: bool
) -> Verdict:
    stored_stamp, incoming_stamp = row.stamp_of(stored), row.stamp_of(incoming)
    both = Lineage(joined(mine.seen, theirs.seen))
    if stored_stamp > incoming_stamp:
        return Verdict("STORED", row.with_lineage(stored, both.encoded(stored_stamp)), is_conflict)
    return Verdict("INCOMING", row.with_lineage(incoming, both.encoded(incoming_stamp)), is_conflict)


def _merged(stored: bytes, mine: Lineage, incoming: bytes, theirs: Lineage, resolver: Resolver) -> bytes:
    assert resolver.rules is not None, "versions are merged"
    my_item, their_item = row.item_of(stored), row.item_of(incoming)
    state, item = merging.merged(
        mine.merge or plain_state(stored, resolver.key_names, resolver.rules),
        my_item,
        theirs.merge or plain_state(incoming, resolver.key_names, resolver.rules),
        their_item,
        _key_of(my_item, resolver),
    )
    stamp = max(row.stamp_of(stored), row.stamp_of(incoming))
    lineage = Lineage(joined(mine.seen, theirs.seen), state)
    return _version(item, _key_of(my_item, resolver), stamp, lineage)


def _called(
    stored: bytes, mine: Lineage, incoming: bytes, theirs: Lineage, resolver: Resolver
) -> bytes | None:
    """``None``: the function could not do it."""
    assert resolver.function is not None, "there is a function"
    earlier, later = sorted((stored, incoming), key=row.stamp_of)
    key = _key_of(row.item_of(stored), resolver)
    try:
        item = resolver.function(dict(key), _item_of(earlier), _item_of(later))
        if item is not None:
            item, _ = sized_item({**item, **key})
    except Exception as error:
        _log.warning("a resolver failed, the last writer stands reason=%s", error)
        return None
    return _version(item, key, row.stamp_of(later), Lineage(joined(mine.seen, theirs.seen)))


def _version(item: Item | None, key: Item, stamp: Stamp, lineage: Lineage) -> bytes:
    data = lineage.encoded(stamp)
    if item is None:
        return row.encode(key, 0, stamp, data, is_tombstone=True)
    return row.encode(item, item_size(item), stamp, data)


def _is_same_item(one: bytes, other: bytes) -> bool:
    if row.is_tombstone(one) or row.is_tombstone(other):
        return row.is_tombstone(one) and row.is_tombstone(other)
    return row.item_bytes(one) == row.item_bytes(other) or equals(row.item_of(one), row.item_of(other))


def _item_of(version: bytes) -> Item | None:
    return None if row.is_tombstone(version) else row.item_of(version)


def _key_of(item: Item, resolver: Resolver) -> Item:
    return {name: item[name] for name in resolver.key_names}
