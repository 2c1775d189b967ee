"""Regions that are not all peers of all, and whose tables' settings are changed everywhere.

``replica_sim`` with three to five regions in a chain, a star, a ring or a tree, whose tables relay. Ways
between regions come and go meanwhile, as when servers are started again with other peers; the graph stays
connected.

    python -m tests.support.topology_sim --seeds 1000 [--first 1]

Beside what ``replica_sim`` checks of items, at the end of a run

- all regions have the *same settings*, and each is the latest change of all that were acknowledged;
- every index *has what the rows make of it*, in every region.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from kvdb.api.tables import (
    AttributeDefinition,
    ConflictResolution,
    CreateIndex,
    CreateReplica,
    DeleteIndex,
    IndexSpecification,
    KeySchemaElement,
    OnDemandThroughput,
    OnDemandThroughputOverride,
    Projection,
    StreamSpecification,
    UpdateReplica,
    UpdateTable,
    UpdateTimeToLive,
)
from kvdb.database.database import Database
from kvdb.errors import LimitExceeded, ResourceNotFound, ValidationError
from kvdb.replica.topology import named
from kvdb.table import row
from kvdb.table.descriptor import Plain
from kvdb.table.settings import adopted, values_of
from tests.support.replica_sim import TABLE, Node, World
from tests.support.seeds import runs_of

NAMES = ("amsterdam", "berlin", "cairo", "delhi", "essen")
INDEXES = (("by-v", "v", "N"), ("by-v", "n", "N"), ("by-w", "w", "S"), ("by-x", "w", "N"))
Stamped = tuple[tuple[int, int, int], Plain]


@dataclass
class TopologyWorld(World):
    """One run."""

    has_followers = False

    edges: set[tuple[str, str]] = field(default_factory=set)
    changes: dict[str, list[Stamped]] = field(default_factory=dict)
    """Setting -> what it was changed to."""
    rewired: int = 0

    def _names(self) -> tuple[str, ...]:
        names = NAMES[: self.chance.choice([3, 4, 5])]
        shape = self.chance.choice(["chain", "star", "ring", "tree"])
        for at in range(1, len(names)):
            before = {"star": 0, "tree": self.chance.randrange(at)}.get(shape, at - 1)
            self._join(names[before], names[at])
        if shape == "ring":
            self._join(names[0], names[-1])
        return names

    def _join(self, one: str, other: str) -> None:
        self.edges |= {(one, other), (other, one)}

    def neighbours(self, name: str) -> list[str]:
        return [peer for peer in self.names if (name, peer) in self.edges]

    def _share(self, first: Database) -> None:
        resolution = ConflictResolution(self.resolver, relays=True)
        if self.resolver == "attributes":
            resolution = ConflictResolution("attributes", counters=("n",), relays=True)
        first.call(UpdateTable(TABLE, conflict_resolution=resolution))
        first.call(UpdateTable(TABLE, replica_updates=[CreateReplica(name) for name in self.names[1:]]))

    def _disturb(self, node: Node) -> None:
        kind = self.chance.random()
        if kind < 0.5:
            self._change_settings(node)
        elif kind < 0.6:
            self._rewire()
        else:
            super()._disturb(node)

    def _change_regions(self) -> None:
        """Not here: who is taken out relays no more."""

    def _rewire(self) -> None:
        """A way more, or one less that is not needed."""
        one, other = self.chance.sample(list(self.names), 2)
        edges = set(self.edges)
        if (one, other) in self.edges:
            self.edges -= {(one, other), (other, one)}
            if not self._is_connected():
                self.edges = edges
                return
        else:
            self._join(one, other)
        self.rewired += 1
        for name in (one, other):
            self._crash(self.nodes[name])

    def _is_connected(self) -> bool:
        reached, fresh = {self.names[0]}, [self.names[0]]
        while fresh:
            more = [name for name in self.neighbours(fresh.pop()) if name not in reached]
            reached.update(more)
            fresh += more
        return len(reached) == len(self.names)

    # Settings.

    def _change_settings(self, node: Node) -> None:
        table = named(node.database._floor.catalog, TABLE)
        if table is None or self._is_stalled(node):
            return
        before = {each.name: each for each in table.descriptor.settings}
        was = {index.name for index in table.descriptor.indexes}
        request = self._settings_request({index.name for index in table.descriptor.indexes})
        try:
            node.database.call(request)
        except (ValidationError, LimitExceeded, ResourceNotFound):
            return
        now = {each.name: each for each in table.descriptor.settings}
        for name in was - {index.name for index in table.descriptor.indexes}:
            told = now.get(f"index:{name}")
            assert told is not None, f"that an index went is told to nobody seed={self.seed}"
            assert told.value is None
        for each in table.descriptor.settings:
            if before.get(each.name) != each:
                self.changes.setdefault(each.name, []).append((each.changed, each.value))
                self._note("setting", each.name, each.changed, each.value)

    def _settings_request(self, indexes: set[str]) -> UpdateTable | UpdateTimeToLive:
        kind = self.chance.randrange(5)
        if kind == 4:
            own = OnDemandThroughputOverride(self.chance.choice([-1, 7_000, 8_000]))
            name = self.chance.choice(self.names)
            return UpdateTable(
                TABLE, replica_updates=[UpdateReplica(name, on_demand_throughput_override=own)]
            )
        if kind == 0:
            return UpdateTimeToLive(TABLE, self.chance.choice(["a", "b"]), self.chance.random() < 0.6)
        if kind == 1:
            units = self.chance.randrange(5_000, 6_000)
            return UpdateTable(TABLE, on_demand_throughput=OnDemandThroughput(units, units + 1))
        if kind == 2:
            is_on = self.chance.random() < 0.6
            view = self.chance.choice(["NEW_IMAGE", "KEYS_ONLY"]) if is_on else None
            return UpdateTable(TABLE, stream_specification=StreamSpecification(is_on, view))  # type: ignore[arg-type]
        # Two definitions of one name, and two types of one attribute, may come to be at once.
        name, attribute, kind_of = self.chance.choice(INDEXES)
        if name in indexes:
            return UpdateTable(TABLE, global_secondary_index_updates=[DeleteIndex(name)])
        index = IndexSpecification(name, (KeySchemaElement(attribute, "HASH"),), Projection("ALL"))
        definitions = [AttributeDefinition(attribute, kind_of)]  # type: ignore[arg-type]
        return UpdateTable(
            TABLE, attribute_definitions=definitions, global_secondary_index_updates=[CreateIndex(index)]
        )

    def _step(self, node: Node) -> None:
        super()._step(node)
        if not self._is_stalled(node) and self.chance.random() < 0.2:
            self._build(node)

    def _build(self, node: Node) -> None:
        builder = node.database._floor.background._index_builder
        builder.wake()
        while builder.is_due:  # type: ignore[attr-defined]
            builder.step()  # type: ignore[attr-defined]

    # The end.

    def _check(self) -> None:
        super()._check()
        values = []
        for node in self.nodes.values():
            self._build(node)
            table = named(node.database._floor.catalog, TABLE)
            assert table is not None, "every region has the table"
            values.append(values_of(table.descriptor))
            self._check_indexes(node)
        for each in values:
            # It may be a region's own.
            del each["max-read"]
        assert all(each == values[0] for each in values), f"settings differ seed={self.seed} {values}"
        tables = [named(node.database._floor.catalog, TABLE) for node in self.nodes.values()]
        states = [each.descriptor.settings for each in tables if each is not None]
        assert all(each == states[0] for each in states), f"settings differ seed={self.seed}"
        for each_table in tables:
            assert each_table is not None
            descriptor = each_table.descriptor
            assert adopted(descriptor, descriptor.settings, now_ms=self.now_ms) == descriptor
        state = {each.name: (each.changed, each.value) for each in table.descriptor.settings}
        for name, changes in self.changes.items():
            assert state[name] >= max(changes), f"the latest change does not stand seed={self.seed} {name}"

    def _check_indexes(self, node: Node) -> None:
        floor = node.database._floor
        table = named(floor.catalog, TABLE)
        assert table is not None
        for index in table.indexes.maintained:
            assert index.descriptor.status == "ACTIVE", f"an index is not built seed={self.seed}"
            expected = set()
            for key, value in floor.engine.scan(*table.keys.all_rows()):
                index_key = index.keys.index_key(row.item_of(value))
                if index_key is not None:
                    expected.add(index_key + table.keys.own_part(key))
            found = {key for key, _ in floor.engine.scan(*index.keys.all_rows())}
            assert found == expected, f"an index differs from the rows seed={self.seed} {node.name}"


def run_seed(seed: int, acts: int = 60) -> TopologyWorld:
    """One run."""
    world = TopologyWorld(seed, "last_writer" if seed % 3 else "attributes")
    world.hash = world.run(acts)
    return world


def main(arguments: list[str]) -> int:
    runs = runs_of(arguments, __doc__, seeds=1_000)
    changes = rewired = 0
    for seed in runs.seeds:
        world = run_seed(seed, runs.acts)
        changes += sum(map(len, world.changes.values()))
        rewired += world.rewired
    sys.stdout.write(f"{runs}: {changes} changes of settings, {rewired} of ways\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
