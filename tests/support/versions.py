"""Versions of one item as regions make and exchange them, without a database."""

from __future__ import annotations

from dataclasses import dataclass, field

from kvdb.env.hlc import Stamp
from kvdb.item.size import item_size
from kvdb.item.value import Item
from kvdb.lsm.batch import WriteBatch
from kvdb.replica.conflict import Resolver, Verdict, decide
from kvdb.replica.functions import MergeFunction
from kvdb.table import row
from kvdb.table.descriptor import KeyAttribute, ReplicationSetting, ResolverKind, TableDescriptor
from kvdb.table.shipping import Shipper, rules_of
from kvdb.table.tombstones import Tombstones

KEY: Item = {"id": "a"}
ROW_KEY = b"\0\0\0\1" + b"\0\0" + b"hh" + b"a"


@dataclass
class Change:
    """What ``Shipper`` needs of one."""

    old: Item | None
    new: Item | None
    old_row: bytes | None
    tombstone: bytes | None
    key: bytes = ROW_KEY
    new_size: int = 0
    given: bytes | None = None
    by_service: bool = False


@dataclass
class Copy:
    """The item in one region."""

    region: int
    resolver_kind: ResolverKind = "last_writer"
    function: MergeFunction | None = None
    version: bytes | None = None
    clock_ms: int = 1
    conflicts: int = 0
    made: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        setting = ReplicationSetting(
            ("r1", "r2", "r3"), (1, 0, 1), "r1", self.resolver_kind, counters=("n",), sets=("s",)
        )
        key = KeyAttribute("id", "S")
        table = TableDescriptor(1, "t", "u", 0, key, None, replication=setting)
        self._shipper = Shipper(table, setting, Tombstones(table.table_id))
        self.resolver = Resolver(("id",), rules_of(setting), self.function)

    @property
    def item(self) -> Item | None:
        if self.version is None or row.is_tombstone(self.version):
            return None
        return row.item_of(self.version)

    def write(self, new: Item | None, *, later_ms: int = 1) -> None:
        """A local write of the item: what it becomes, or a delete."""
        self.clock_ms += later_ms
        item = self.item
        is_there = item is not None
        change = Change(
            item,
            None if new is None else {**KEY, **new},
            old_row=self.version if is_there else None,
            tombstone=None if is_there else self.version,
        )
        change.new_size = 0 if change.new is None else item_size(change.new)
        batch = WriteBatch()
        self._shipper.add(batch, change, Stamp(self.clock_ms, 0, self.region))
        values = [value for value in batch.operations[1::2] if isinstance(value, bytes) and value]
        if values:
            (self.version,) = values
            self.made.append(self.version)

    def take(self, incoming: bytes) -> Verdict:
        verdict = decide(self.version, incoming, self.resolver)
        self.version = verdict.version
        self.conflicts += verdict.is_conflict
        self.clock_ms = max(self.clock_ms, row.stamp_of(incoming).wall_ms)
        return verdict
