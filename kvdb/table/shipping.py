"""What a write of a replicated table leaves beside its row: a tombstone, its lineage, a note for peers.

Every row of such a table carries its lineage (``table/lineage``), a deleted item leaves a tombstone, and
each write made here leaves a note under ``table/replica_keys`` that says which item was written: an echo of
the row's key (``lsm/echo``), which costs the write next to nothing. The note has no copy of the item:
whoever ships it (``replica/source``) ships the item as it is by then, which includes that write. A version
that comes from elsewhere is stored as it came, and leaves a note only where the topology relays.

The tombstone of an item that expired has the next stamp after the row's, not that of the moment: it speaks of
that version only. So of a write elsewhere that the region had not heard of when it deleted the item, whose
clock may be behind, too, nothing is lost.
"""

from __future__ import annotations

from typing import Protocol

from kvdb.env.hlc import Stamp
from kvdb.item.value import Item
from kvdb.lsm.batch import WriteBatch
from kvdb.table import merging, replica_keys, row
from kvdb.table.descriptor import ReplicationSetting, TableDescriptor
from kvdb.table.lineage import Lineage, Seen, lineage_of, plain_state
from kvdb.table.merging import MergeRules, MergeState
from kvdb.table.tombstones import Tombstones


class ShippedChange(Protocol):
    """What of a ``mutation.Change`` is needed here."""

    key: bytes
    old: Item | None
    new: Item | None
    old_row: bytes | None
    new_size: int
    tombstone: bytes | None
    given: bytes | None
    by_service: bool


class Shipper:
    """For one table; immutable, part of ``index.Indexes``."""

    __slots__ = ("_key_names", "_relays", "_writes", "rules", "tombstones")

    def __init__(self, table: TableDescriptor, setting: ReplicationSetting, tombstones: Tombstones) -> None:
        self._writes = replica_keys.writes_prefix(table.table_id)
        self.tombstones = tombstones
        """The table's."""
        self._key_names = tuple(key.name for key in table.keys)
        self._relays = setting.relays
        self.rules = rules_of(setting)

    @classmethod
    def of(cls, table: TableDescriptor, tombstones: Tombstones) -> Shipper | None:
        setting = table.replication
        return None if setting is None or not setting.is_on else cls(table, setting, tombstones)

    def add(self, batch: WriteBatch, change: ShippedChange, stamp: Stamp) -> bytes:
        """Put the row or the tombstone, and the note; gives the row, empty when there is none.

        A delete of what is not there is no write.
        """
        given, key, new = change.given, change.key, change.new
        if given is not None:
            stored = given
        elif (
            new is not None
            and self.rules is None
            and change.tombstone is None
            and ((old_row := change.old_row) is None or row.is_plain(old_row, stamp.region))
        ):
            # As below, spelled out for what most writes are: there is no lineage, and no tombstone.
            stored = row.encode(new, change.new_size, stamp)
            batch.put_echoed(key, stored, self._writes, replica_keys.ROW_PART_AT)
            return stored
        elif new is None and change.old_row is None:
            return b""
        else:
            stored = self._version_of(change, stamp)
        is_noted = given is None or self._relays
        if new is not None:
            batch.put(key, stored)
        elif change.old_row is not None:
            batch.delete(key)
        elif is_noted:
            batch.put_stamped(self._writes, replica_keys.row_part(key), b"")
            is_noted = False
        if is_noted:
            batch.echo(self._writes, replica_keys.ROW_PART_AT)
        if new is None:
            self.tombstones.announce()
            batch.put(self.tombstones.key_of(key), stored)
            batch.traces += 1
        elif change.tombstone is not None:
            batch.delete(self.tombstones.key_of(key))
        return stored if new is not None else b""

    def _version_of(self, change: ShippedChange, stamp: Stamp) -> bytes:
        """The row or tombstone of a write made here."""
        before = change.tombstone if change.old_row is None else change.old_row
        if change.by_service and before is not None:
            stamp = row.stamp_of(before).next_in(stamp.region)
        seen: Seen = {}
        merge: MergeState | None = None
        if before is not None:
            lineage = lineage_of(before)
            seen, merge = lineage.seen, lineage.merge
        if self.rules is not None:
            merge = self._merge_after(before, merge, change, stamp, self.rules)
        data = Lineage(seen, merge).encoded(stamp)
        if change.new is not None:
            return row.encode(change.new, change.new_size, stamp, data)
        assert change.old_row is not None, "there was an item to delete"
        old = row.item_of(change.old_row) if change.old is None else change.old
        return row.encode(self.key_of(old), 0, stamp, data, is_tombstone=True)

    def _merge_after(
        self,
        before: bytes | None,
        merge: MergeState | None,
        change: ShippedChange,
        stamp: Stamp,
        rules: MergeRules,
    ) -> MergeState:
        if before is None:
            assert change.new is not None, "there is an item, or was one"
            return merging.state_of_plain(change.new, self._key_names, stamp, rules)
        if merge is None:
            merge = plain_state(before, self._key_names, rules)
        return merging.written(merge, change.old, change.new, self._key_names, stamp, rules)

    def key_of(self, item: Item) -> Item:
        return {name: item[name] for name in self._key_names}


def rules_of(setting: ReplicationSetting) -> MergeRules | None:
    """``None``: versions are not merged."""
    if setting.resolver != "attributes":
        return None
    return MergeRules(frozenset(setting.counters), frozenset(setting.sets))
