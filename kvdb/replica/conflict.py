"""Which version of an item stands when one arrives from another region. Pure and total.

A version that includes the other one (``table/lineage``) replaces it. Two that are concurrent are
resolved as the table's resolver says, and the outcome includes both, so that whoever has both versions
has the same one, in whatever order they came:

- *last writer*: the version with the later stamp: by time, then counter, then region.
- *attributes*: attribute by attribute (``table/merging``).
- *callable*: what a function of the two items makes of them (``functions``), called with the earlier
  written one first.

The stamp of the outcome is the later one.

The first two give one outcome for any number of versions, in whatever order they are paired, so what was
resolved need not travel: whoever has all versions has it. A function may not, and sees nothing of which
version followed which: what it decided in one region may be another thing than in the next, where a later
version of the one came before the other. So what it decides travels on, and of two versions that include
the same writes and are not the same, the larger one stands, as bytes. Each step makes the version that a
region has include more, or larger, so regions come to the same one whatever functions do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from kvdb.api.replicas import Outcome
from kvdb.env.hlc import Stamp
from kvdb.item.size import item_size
from kvdb.item.value import Item, equals
from kvdb.limits import AWS, LimitsProfile
from kvdb.replica.functions import MergeFunction, outcome_of
from kvdb.table import merging, row
from kvdb.table.lineage import Lineage, includes, joined, lineage_of, plain_state
from kvdb.table.merging import MergeRules


@dataclass(frozen=True, slots=True)
class Resolver:
    """How the concurrent versions of one table are resolved."""

    key_names: tuple[str, ...]
    rules: MergeRules | None = None
    function: MergeFunction | None = field(default=None, compare=False)
    profile: LimitsProfile = AWS
    """What the items that a function makes are held to."""


class Verdict(NamedTuple):
    """What becomes of a stored version."""

    outcome: Outcome
    version: bytes
    """The row or tombstone that stands from now on."""
    is_conflict: bool = False
    """The two were concurrent and are not the same."""
    travels: bool = False
    """Other regions may have decided otherwise: they must hear of it."""


def decide(stored: bytes | None, incoming: bytes, resolver: Resolver) -> Verdict:
    """The version that stands when ``incoming`` meets ``stored``.

    Raises:
        FunctionFault: the table's function does not do what it must.
    """
    if stored is None or stored == incoming:
        return Verdict("INCOMING" if stored is None else "STORED", incoming)
    mine, theirs = lineage_of(stored), lineage_of(incoming)
    if mine.seen == theirs.seen:
        if stored > incoming:
            return Verdict("STORED", stored, travels=True)
        return Verdict("INCOMING", incoming)
    if includes(mine.seen, theirs.seen):
        return Verdict("STORED", stored)
    if includes(theirs.seen, mine.seen):
        return Verdict("INCOMING", incoming)
    is_conflict = not _is_same_item(stored, incoming)
    if resolver.rules is not None:
        return Verdict("MERGED", _merged(stored, mine, incoming, theirs, resolver), is_conflict)
    if resolver.function is None:
        return _last_writer(stored, mine, incoming, theirs, is_conflict=is_conflict)
    if is_conflict:
        return Verdict("MERGED", _called(stored, mine, incoming, theirs, resolver), True, travels=True)
    return _last_writer(stored, mine, incoming, theirs, is_conflict=False)._replace(travels=True)


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


def _called(stored: bytes, mine: Lineage, incoming: bytes, theirs: Lineage, resolver: Resolver) -> bytes:
    assert resolver.function is not None, "there is a function"
    # Versions may have one stamp: outcomes of the same later version and different earlier ones.
    (earlier, _), (later, _) = sorted(
        ((stored, mine), (incoming, theirs)),
        key=lambda each: (row.stamp_of(each[0]), sorted(each[1].seen.items())),
    )
    key = _key_of(row.item_of(stored), resolver)
    item = outcome_of(
        resolver.function,
        key,
        lambda: _item_of(earlier),
        lambda: _item_of(later),
        is_tie=row.stamp_of(earlier) == row.stamp_of(later),
        profile=resolver.profile,
    )
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
