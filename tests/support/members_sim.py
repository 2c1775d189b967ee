"""Regions that are taken out of a table, go on alone, are deleted there and added again, over and over.

    python -m tests.support.members_sim --seeds 1000 [--first 1]

``topology_sim`` with three or four regions, all peers of all. Any member takes out or adds any region but the
first, which is never taken out, but may be left alone. Who was taken out writes on by itself. In the end an
operator does what the runbook says: deletes tables that went on alone, has regions begin anew that say they
must, and adds all that are missing. Then, beside what ``topology_sim`` checks,

- nothing that the first region acknowledged is lost, and no version older than it comes back;
- nothing that was written by a region that was out comes to any other.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from kvdb.api.items import DeleteItem, PutItem
from kvdb.api.replicas import ReseedTable
from kvdb.api.tables import ConflictResolution, CreateReplica, DeleteReplica, DeleteTable, UpdateTable
from kvdb.database.database import Database
from kvdb.errors import ResourceNotFound, ValidationError
from kvdb.replica.topology import named
from kvdb.table import row
from kvdb.table.descriptor import ReplicationSetting
from tests.support.replica_sim import ITEM_NAMES, TABLE, Node, Write
from tests.support.seeds import runs_of
from tests.support.topology_sim import NAMES, TopologyWorld


@dataclass
class MembersWorld(TopologyWorld):
    """One run."""

    taken_out: int = 0
    added: int = 0
    alone: int = 0
    """Writes of regions that shared the table with nobody."""
    repairs: dict[str, int] = field(default_factory=dict)

    def _names(self) -> tuple[str, ...]:
        return NAMES[: self.chance.choice([2, 3, 4])]

    def neighbours(self, name: str) -> list[str]:
        return [peer for peer in self.names if peer != name]

    def _share(self, first: Database) -> None:
        first.call(UpdateTable(TABLE, replica_updates=[CreateReplica(name) for name in self.names[1:]]))
        first.call(
            UpdateTable(TABLE, conflict_resolution=ConflictResolution(relays=self.chance.random() < 0.5))
        )

    def _setting(self, node: Node) -> ReplicationSetting | None:
        table = named(node.database._floor.catalog, TABLE)
        return None if table is None else table.descriptor.replication

    def _disturb(self, node: Node) -> None:
        if self.chance.random() < 0.35:
            self._change_members(node)
        else:
            super()._disturb(node)

    def _rewire(self) -> None:
        """Not here: all are peers of all."""

    def _change_settings(self, node: Node) -> None:
        setting = self._setting(node)
        if setting is None or not setting.is_on:
            return
        known = {name: list(changes) for name, changes in self.changes.items()}
        super()._change_settings(node)
        if node.name != self.names[0]:
            # It may be lost with the table.
            self.changes = known

    def _change_members(self, node: Node) -> None:
        setting = self._setting(node)
        if setting is None or self._is_stalled(node):
            return
        name = self.chance.choice(self.names[1:])
        if node.name not in setting.regions:
            self._delete(node)
            return
        is_member = name in setting.regions
        update = DeleteReplica(name) if is_member else CreateReplica(name)
        node.database.call(UpdateTable(TABLE, replica_updates=[update]))
        self.taken_out += is_member
        self.added += not is_member
        self._note("members", node.name, name, is_member)

    def _delete(self, node: Node) -> None:
        """What the runbook asks for before a region is added again."""
        self._build(node)
        node.database.call(DeleteTable(TABLE))
        node.seen.clear()
        self.repairs["deleted"] = self.repairs.get("deleted", 0) + 1

    def _write(self, node: Node) -> None:
        setting = self._setting(node)
        if setting is not None and setting.is_on:
            super()._write(node)
        elif setting is not None and not self._is_stalled(node):
            self._write_alone(node)

    def _write_alone(self, node: Node) -> None:
        self.alone += 1
        name = self.chance.choice(ITEM_NAMES)
        is_first = node.name == self.names[0]
        item = {"id": name, "v": self.alone if is_first else -self.alone}
        is_delete = self.chance.random() < 0.3
        node.database.call(DeleteItem(TABLE, {"id": name}) if is_delete else PutItem(TABLE, item))
        # A delete leaves no tombstone.
        node.seen.pop(name, None)
        if is_first:
            stored = self._stored(node, name)
            stamp = node.database._floor.engine._env.hlc.tick()
            if not is_delete:
                assert stored is not None
                stamp = row.stamp_of(stored)
            self.writes.setdefault(name, []).append(Write(stamp, None if is_delete else item))

    def _write_once(self, node: Node) -> None:
        setting = self._setting(node)
        if setting is not None and setting.is_on:
            super()._write_once(node)

    # The end.

    def _is_settled(self) -> bool:
        """Once nothing is left to be repaired, as an operator would."""
        return not self._repair() and super()._is_settled() and self._are_all_members()

    def _are_all_members(self) -> bool:
        settings = [self._setting(node) for node in self.nodes.values()]
        return all(each is not None and each.regions == tuple(sorted(self.names)) for each in settings)

    def _repair(self) -> bool:
        first = self.nodes[self.names[0]]
        for node in self.nodes.values():
            setting = self._setting(node)
            if setting is not None and node.name not in setting.regions:
                self._delete(node)
                return True
            links = [link for puller in node.pullers for link in puller.links.values()]
            if node is not first and any(link.status == "NEEDS_RESEED" for link in links):
                try:
                    node.database.call(ReseedTable(TABLE))
                except (ResourceNotFound, ValidationError):
                    continue
                node.seen.clear()
                self.repairs["reseeded"] = self.repairs.get("reseeded", 0) + 1
                return True
        setting = self._setting(first)
        assert setting is not None, "the first region is never taken out"
        missing = [name for name in self.names if name not in setting.regions]
        if missing and not any(self._setting(self.nodes[name]) for name in missing):
            first.database.call(UpdateTable(TABLE, replica_updates=[CreateReplica(name) for name in missing]))
            return True
        return False

    def _check_winner(self, node: Node, name: str, writes: list[Write]) -> None:
        """What others wrote may be lost with their tables; what the first wrote may not."""
        stored = self._stored(node, name)
        first = self.nodes[self.names[0]].database._floor.writer._hlc._region
        own = [write for write in writes if write.stamp.region == first]
        latest = max(own, key=lambda write: write.stamp, default=None)
        if stored is None or row.is_tombstone(stored):
            # One of before the first was alone may be left.
            is_deleted = latest is None or latest.item is None
            is_deleted = is_deleted or (stored is not None and row.stamp_of(stored) > latest.stamp)
            assert is_deleted, f"a write is lost seed={self.seed} item={name}"
            return
        stamp = row.stamp_of(stored)
        item = row.item_of(stored)
        assert latest is None or stamp >= latest.stamp, f"an older version is back seed={self.seed} {name}"
        known = [write.item for write in writes if write.stamp == stamp]
        assert item in known or name in self.uncertain, f"a write that nobody made seed={self.seed} {name}"
        assert int(item["v"]) >= 0, f"a write of one who was out seed={self.seed} {name}"


def run_seed(seed: int, acts: int = 100) -> MembersWorld:
    """One run."""
    world = MembersWorld(seed)
    world.hash = world.run(acts)
    return world


def main(arguments: list[str]) -> int:
    runs = runs_of(arguments, __doc__, seeds=1_000, acts=100)
    totals = {"taken out": 0, "added": 0, "alone": 0, "deleted": 0, "reseeded": 0}
    for seed in runs.seeds:
        world = run_seed(seed, runs.acts)
        totals["taken out"] += world.taken_out
        totals["added"] += world.added
        totals["alone"] += world.alone
        for repair, count in world.repairs.items():
            totals[repair] += count
    sys.stdout.write(f"{runs}: {totals}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
