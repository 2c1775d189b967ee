"""Regions that share a table, in one thread, from one seed, over a network that does its worst.

    python -m tests.support.replica_sim --seeds 2000 [--first 1]

Each region is a whole database on a disk of its own (``testing/mem_fs``), with a clock of its own, which is
off by up to half a second and jumps now and then. What regions say to each other is lost, comes twice, late,
out of order or damaged; the way from one to another is cut while the way back is not. A region crashes
between two calls of its disk, in the middle of a write or of taking a page in, and comes back with what a
power loss would leave; or it stands still for a while, or cannot take a page in, or its disk takes long to
sync. A region is taken out, or added, on the way. Items expire in each region by its own clock.

Then the network heals, and what must hold is:

- *convergence*: within ``HEAL_MS`` all regions have the same items, byte for byte, with the same stamps;
- *the winner* of each item is the write with the latest stamp of all that were acknowledged, or may have
  been made when a region crashed (resolver "attributes": no acknowledged addition to a counter is lost;
  "callable": it is one of those that were written);
- *expiry*: an item is gone when its latest write says so, and only then;
- *followers*: in each region the indexes are what they would be if they were made of the items now, and the
  records of the stream lead from nothing to the items, without a gap and none for a version that lost;
- *no resurrection*: when tombstones have been removed, nothing that was sent before brings an item back;
- *sessions*: who writes in a region reads his write there, and the stamp of an item never goes back in a
  region, crashes included;
- *determinism*: the same seed gives the same hash of all that happened.
"""

from __future__ import annotations

import contextlib
import hashlib
import heapq
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from kvdb.api.items import DeleteItem, GetItem, PutItem, UpdateItem
from kvdb.api.tables import (
    AttributeDefinition,
    ConflictResolution,
    CreateReplica,
    CreateTable,
    DeleteReplica,
    IndexSpecification,
    KeySchemaElement,
    Projection,
    ResolverKind,
    StreamSpecification,
    UpdateTable,
    UpdateTimeToLive,
)
from kvdb.database.database import Database
from kvdb.env.entropy import SystemEntropy
from kvdb.env.env import Env
from kvdb.env.hlc import HybridClock, Stamp, region_number
from kvdb.errors import CorruptionError, DiskFull, KvdbError
from kvdb.item.value import Item
from kvdb.metrics import Registry
from kvdb.options import DatabaseOptions, EngineOptions
from kvdb.replica.applier import Applier, PeerFault, Taken
from kvdb.replica.holds import AGE_MS_MAX as HOLD_MS_MAX
from kvdb.replica.holds import IDLE_MS_MAX
from kvdb.replica.messages import SCAN, Pull, decode
from kvdb.replica.progress import Progress
from kvdb.replica.puller import ANSWER_MS_MAX, Puller
from kvdb.replica.regions import Regions
from kvdb.replica.topology import named
from kvdb.table import replica_keys, row
from kvdb.table.catalog import Table
from kvdb.testing.inline_jobs import InlineJob, InlineJobs
from kvdb.testing.manual_clock import ManualClock
from kvdb.testing.mem_fs import MemFileSystem, PowerLoss
from tests.support.replica_afterlife import LATE_MAX, outlive_tombstones
from tests.support.replica_checks import check_followers
from tests.support.seeds import runs_of

TABLE = "table"
ITEM_NAMES = tuple(f"item-{at}" for at in range(5))
FAR_S = 1_000_000
"""For an item that does not expire before the end."""
SWEEP_STEPS = 6
HEAL_MS = 60_000
NAMES = ("amsterdam", "berlin", "cairo")


@dataclass
class Coverage:
    """What a run has met: runs that met little have shown little."""

    writes: int = 0
    lost: int = 0
    doubled: int = 0
    damaged: int = 0
    cuts: int = 0
    crashes: int = 0
    crashes_in_step: int = 0
    crashes_in_write: int = 0
    jumps: int = 0
    stalls: int = 0
    conflicts: int = 0
    added: int = 0
    removed: int = 0
    refused: int = 0
    anew: int = 0
    held: int = 0
    live: int = 0
    slow_syncs: int = 0
    expired: int = 0
    records: int = 0
    forgotten: int = 0


class SimLink:
    """What a region has of a peer: the network."""

    def __init__(self, world: World, source: str, target: str) -> None:
        self._world, self._source, self._target = world, source, target
        self.inbox: list[bytes] = []

    def send(self, frame: bytes) -> None:
        self._world.send(self._source, self._target, frame)

    def receive(self) -> bytes | None:
        return self.inbox.pop(0) if self.inbox else None

    def close(self) -> None:
        self.inbox.clear()


@dataclass
class Node:
    """One region."""

    name: str
    clock: ManualClock
    fs: MemFileSystem
    database: Database
    links: dict[str, SimLink]
    stalled_until_ms: int = 0
    seen: dict[str, Stamp] = field(default_factory=dict)
    """Item -> the latest stamp that was seen of it here."""

    @property
    def regions(self) -> Regions:
        return self.database.regions

    @property
    def pullers(self) -> list[Puller]:
        return list(self.regions.pullers.values())


@dataclass
class Write:
    """One write that was acknowledged, or whose region crashed meanwhile."""

    stamp: Stamp
    item: Item | None
    is_expiry: bool = False


def largest(key: Item, earlier: Item | None, later: Item | None) -> Item | None:
    """What "callable" resolves by. Not the same for three versions in whatever order, when one of them came
    after another."""
    present = [item for item in (earlier, later) if item is not None]
    return max(present, key=lambda item: item["v"])  # type: ignore[arg-type, return-value]


@dataclass
class World:
    """One run."""

    items: ClassVar[tuple[str, ...]] = ITEM_NAMES
    has_followers: ClassVar[bool] = True
    """Whether the table has an index, a stream and a time to live."""

    seed: int
    resolver: ResolverKind = "last_writer"
    trouble: float = 1.0
    chance: random.Random = field(init=False)
    covered: Coverage = field(default_factory=Coverage)
    nodes: dict[str, Node] = field(default_factory=dict)
    hash: str = ""

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.events = hashlib.sha256()
        self.now_ms = 1_700_000_000_000
        self._flying: list[tuple[int, int, Callable[[], None]]] = []
        self._sent = 0
        self.late: list[tuple[str, str, bytes]] = []
        """Answers that come once more when everything they speak of is long past."""
        self._cut: set[tuple[str, str]] = set()
        self.writes: dict[str, list[Write]] = {}
        self.counted: dict[str, int] = {}
        self.uncertain: dict[str, int] = {}
        self.is_disturbed = True
        self.page_rows = self.chance.choice([1, 2, 1_000])
        self.hold_ms_max = self.chance.choice([50, 500, HOLD_MS_MAX])
        self.names = self._names()
        for name in self.names:
            # Often the same: then stamps of two regions differ in nothing else.
            skew_ms = self.chance.choice([0, 0, self.chance.randrange(-500, 501)])
            clock = ManualClock(wall_ms=self.now_ms + skew_ms)
            self.nodes[name] = self._opened(name, clock, MemFileSystem())
        first = self.nodes[self.names[0]].database
        self._make_table(first)
        self._share(first)

    def _make_table(self, first: Database) -> None:
        schema = [KeySchemaElement("id", "HASH")]
        if not self.has_followers:
            first.call(CreateTable(TABLE, schema, [AttributeDefinition("id", "S")]))
            return
        index = IndexSpecification("by-group", (KeySchemaElement("g", "HASH"),), Projection("ALL"))
        first.call(
            CreateTable(
                TABLE,
                schema,
                [AttributeDefinition("id", "S"), AttributeDefinition("g", "S")],
                global_secondary_indexes=[index],
                stream_specification=StreamSpecification(True, "NEW_AND_OLD_IMAGES"),
            )
        )
        if self.resolver != "attributes":
            # What expires takes its additions with it: that is no loss, and would hide one.
            first.call(UpdateTimeToLive(TABLE, "e", True))

    def _names(self) -> tuple[str, ...]:
        return NAMES[: self.chance.choice([2, 3, 3])]

    def neighbours(self, name: str) -> list[str]:
        """The peers of a region: here, all others."""
        return [peer for peer in self.names if peer != name]

    def _share(self, first: Database) -> None:
        joining = self.names[1:] if self.chance.random() < 0.7 else self.names[1:2]
        resolution = ConflictResolution(self.resolver)
        if self.resolver == "attributes":
            resolution = ConflictResolution("attributes", counters=("n",))
        if self.resolver == "callable":
            resolution = ConflictResolution("callable", function="largest")
        creations = [CreateReplica(name) for name in joining]
        first.call(UpdateTable(TABLE, replica_updates=creations))
        first.call(UpdateTable(TABLE, conflict_resolution=resolution))

    def _opened(self, name: str, clock: ManualClock, fs: MemFileSystem) -> Node:
        number = region_number(name)
        env = Env(
            clock=clock,
            hlc=HybridClock(clock, number),
            fs=fs,
            entropy=SystemEntropy(seed=self.chance.randrange(1 << 30)),
            jobs=InlineJobs(clock),
            metrics=Registry(),
        )
        options = DatabaseOptions(engine=EngineOptions(), region=number, region_name=name)
        database = Database.open("/db", options, env)
        fs.observer = lambda operation, path: self._look_at_disk(operation)
        database.regions.resolve_with(TABLE, largest, "largest")
        database.regions.source.page_rows = self.page_rows
        database.regions.source.holds.age_ms_max = self.hold_ms_max
        self._let_fail(database.regions._applier)
        links = {peer: SimLink(self, name, peer) for peer in self.neighbours(name)}
        for peer, link in links.items():
            database.regions.connect(peer, lambda wake, link=link: link)  # type: ignore[misc]
        return Node(name, clock, fs, database, links)

    def _let_fail(self, applier: Applier) -> None:
        """Now and then a page is not taken in: there is no room, or something is wrong with it."""
        take = applier.take

        def taking(
            table: Table,
            region: str,
            versions: list[bytes],
            progress: Progress,
            begun: Progress | None = None,
        ) -> Taken:
            if self.is_disturbed and self._happens(0.2):
                self.covered.refused += 1
                raise self.chance.choice([DiskFull("no room"), PeerFault("not this one")])
            return take(table, region, versions, progress, begun)

        applier.take = taking  # type: ignore[assignment, method-assign]

    def _look_at_disk(self, operation: str) -> None:
        if operation.startswith("sync") and self.is_disturbed and self._happens(0.01):
            self.covered.slow_syncs += 1
            self._advance(self.chance.choice([50, 700, ANSWER_MS_MAX]))

    # The network.

    def send(self, source: str, target: str, frame: bytes) -> None:
        """A question."""
        self._fly(source, target, frame, lambda frame: self._ask(source, target, frame))

    def _ask(self, source: str, target: str, frame: bytes) -> None:
        node = self.nodes.get(target)
        if node is None or self._is_stalled(node):
            return
        self._count_scans(node, frame)
        answer = node.regions.source.encoded_answer(frame)
        self._fly(target, source, answer, lambda frame: self._answer(source, target, frame))

    def _count_scans(self, node: Node, frame: bytes) -> None:
        """How many pages of whole tables are read at a snapshot, and how many after it was let go."""
        with contextlib.suppress(CorruptionError):
            question = decode(frame)
            table = named(node.database._floor.catalog, TABLE)
            for want in question.wants if isinstance(question, Pull) and table is not None else ():
                if want.mode == SCAN:
                    held = node.regions.source.holds.at(table, question.region, want.position)
                    self.covered.held += held is not None
                    self.covered.live += held is None

    def _answer(self, source: str, target: str, frame: bytes) -> None:
        link = self.nodes[source].links.get(target)
        if link is not None:
            link.inbox.append(frame)
            if len(self.late) < LATE_MAX:
                self.late.append((source, target, frame))

    def _fly(self, source: str, target: str, frame: bytes, arrive: Callable[[bytes], None]) -> None:
        if (source, target) in self._cut:
            return
        copies = 1
        if self.is_disturbed:
            if self._happens(0.06):
                self.covered.lost += 1
                return
            if self._happens(0.05):
                self.covered.doubled += 1
                copies = 2
            if self._happens(0.05):
                self.covered.damaged += 1
                at = self.chance.randrange(len(frame))
                frame = frame[:at] + bytes((frame[at] ^ (1 << self.chance.randrange(8)),)) + frame[at + 1 :]
        for _ in range(copies):
            delay_ms = self.chance.choice([1, 1, 5, 40, 300]) if self.is_disturbed else 1
            if self.is_disturbed and self._happens(0.02):
                delay_ms = 12_000
            self._sent += 1
            event = (self.now_ms + delay_ms, self._sent, lambda frame=frame: arrive(frame))
            heapq.heappush(self._flying, event)  # type: ignore[misc]

    def _happens(self, likelihood: float) -> bool:
        return self.chance.random() < likelihood * self.trouble

    def _is_stalled(self, node: Node) -> bool:
        return node.stalled_until_ms > self.now_ms

    # What happens.

    def run(self, acts: int, *, ends_anew: bool = False) -> str:
        """Give the hash of everything that happened. ``ends_anew``: in the end regions begin anew, too."""
        for _ in range(acts):
            self._act()
        self._heal()
        self._check()
        if ends_anew:
            self._begin_anew()
            self._heal()
            self._check()
        self._check_holds()
        if self.has_followers and self.seed % 8 == 4:
            self.covered.forgotten += outlive_tombstones(self)
        return self.events.hexdigest()

    def _begin_anew(self) -> None:
        """Regions drop what they have, and take it in again from who has it: tables go while others scan
        them, and while snapshots are held for them."""
        members = [node for node in self.nodes.values() if self._is_member(node)]
        for node in [*members[:-1], members[0]]:
            # Refused while the last one has not begun: then nobody would have the table.
            with contextlib.suppress(KvdbError):
                node.regions.reseed(TABLE)
                node.seen.clear()
                self.covered.anew += 1
            for _ in range(self.chance.randrange(12)):
                self._step(self.chance.choice(members))
                self._pass(self.chance.choice([1, 5]))

    def _act(self) -> None:
        action = self.chance.random()
        node = self.chance.choice(list(self.nodes.values()))
        if action < 0.25:
            self._write(node)
        elif action < 0.75:
            self._step(node)
            self._pass(self.chance.choice([1, 1, 10, 30]))
        elif action < 0.90:
            self._pass(self.chance.choice([1, 30, 300]))
        elif self.chance.random() < self.trouble:
            self._disturb(node)

    def _disturb(self, node: Node) -> None:
        kind = self.chance.randrange(10)
        self._note("disturb", kind, node.name)
        if kind < 2:
            self._cut_or_heal()
        elif kind == 2:
            self._crash(node)
        elif kind == 3:
            self.covered.jumps += 1
            node.clock.set_wall_ms(node.clock.wall_ms() + self.chance.randrange(-800, 801))
        elif kind == 4:
            self.covered.stalls += 1
            node.stalled_until_ms = self.now_ms + self.chance.choice([200, 2_000])
        elif kind == 5:
            self._power_off_in(node, lambda: self._write_once(node))
        elif kind < 9:
            self._power_off_in(node, lambda: self._follow(node))
        else:
            self._change_regions()

    def _cut_or_heal(self) -> None:
        if self._cut and self.chance.random() < 0.5:
            self._cut.discard(self.chance.choice(sorted(self._cut)))
            return
        source, target = self.chance.sample(list(self.names), 2)
        self._cut.add((source, target))
        self.covered.cuts += 1

    def _change_regions(self) -> None:
        if len(self.names) < 3:
            return
        first, last = self.nodes[self.names[0]], self.names[-1]
        table = named(first.database._floor.catalog, TABLE)
        setting = None if table is None else table.descriptor.replication
        assert setting is not None
        if last not in setting.regions and not self.covered.removed:
            self.covered.added += 1
            first.database.call(UpdateTable(TABLE, replica_updates=[CreateReplica(last)]))
        elif last in setting.regions and not self.covered.removed and self.chance.random() < 0.3:
            self.covered.removed += 1
            first.database.call(UpdateTable(TABLE, replica_updates=[DeleteReplica(last)]))

    def _crash(self, node: Node, mode_seed: int | None = None) -> None:
        self.covered.crashes += 1
        seed = self.chance.randrange(1 << 30) if mode_seed is None else mode_seed
        modes = ("strict", "all", "prefix", "random")
        disk = node.fs.after_crash(self.chance.choice(modes), seed)  # type: ignore[arg-type]
        seen = node.seen
        again = self._opened(node.name, node.clock, disk)
        again.seen = seen
        self.nodes[node.name] = again

    def _power_off_in(self, node: Node, work: Callable[[], None]) -> None:
        """Crash before one of the calls of the disk that ``work`` makes, if it makes so many."""
        if self._is_stalled(node) or self._table(node) is None:
            return
        node.fs.power_off_before(node.fs.calls + self.chance.randrange(1, 4))
        before = self.covered.writes
        try:
            work()
        except PowerLoss:
            if self.covered.writes > before:
                self.covered.crashes_in_write += 1
            else:
                self.covered.crashes_in_step += 1
            self._crash(node)
        else:
            node.fs.power_off_before(0)

    def _pass(self, duration_ms: int) -> None:
        end_ms = self.now_ms + duration_ms
        while self._flying and self._flying[0][0] <= end_ms:
            at_ms, number, arrive = heapq.heappop(self._flying)
            self._advance(max(0, at_ms - self.now_ms))
            self._note("arrive", number)
            arrive()
        self._advance(end_ms - self.now_ms)

    def _advance(self, duration_ms: int) -> None:
        self.now_ms += duration_ms
        for node in self.nodes.values():
            node.clock.advance_ms(duration_ms)

    def _step(self, node: Node) -> None:
        if self._is_stalled(node):
            return
        for puller in node.pullers:
            puller.step(0)
        if self.chance.random() < 0.05:
            node.regions.keeper.step(0)
        if self.chance.random() < 0.1:
            self._sweep(node)
        self._look(node)

    def _sweep(self, node: Node) -> None:
        """Delete what has expired by the region's own clock."""
        if not self.has_followers or not self._is_member(node):
            return
        before = {name: self._stored(node, name) for name in ITEM_NAMES}
        sweeper = node.database._floor.background._sweeper
        assert isinstance(sweeper, InlineJob)
        try:
            for _ in range(SWEEP_STEPS):
                sweeper.step()
        except PowerLoss:
            self.uncertain |= {name: self.uncertain.get(name, 0) for name in ITEM_NAMES}
            raise
        for name, stored in before.items():
            after = self._stored(node, name)
            if after != stored:
                assert after is not None, "an expired item is gone without a tombstone"
                self.covered.expired += 1
                self._record(name, after, is_expiry=True)

    def _follow(self, node: Node) -> None:
        for _ in range(6):
            self._step(node)
            self._pass(5)

    # Writing and looking.

    def _table(self, node: Node) -> object:
        return named(node.database._floor.catalog, TABLE)

    def _is_member(self, node: Node) -> bool:
        table = named(node.database._floor.catalog, TABLE)
        setting = None if table is None else table.descriptor.replication
        return setting is not None and node.name in setting.regions

    def _write(self, node: Node) -> None:
        if not self._is_stalled(node) and self._is_member(node):
            self._write_once(node)

    def _write_once(self, node: Node) -> None:
        if not self._is_member(node):
            return
        # What functions decide differs after three writes of one item that cross.
        name = self.chance.choice(ITEM_NAMES[: 1 if self.resolver == "callable" else None])
        kind = self.chance.random()
        self.covered.writes += 1
        before = self._stored(node, name)
        key = {"id": name}
        amount = self.chance.randrange(1, 100)
        request: PutItem | DeleteItem | UpdateItem
        if self.resolver == "attributes":
            request = UpdateItem(
                TABLE,
                key,
                update_expression="ADD n :n SET v = :v, g = :g",
                expression_attribute_values={
                    ":n": amount,
                    ":v": self.covered.writes,
                    ":g": self.chance.choice("xy"),
                },
            )
        elif kind < 0.25:
            request = DeleteItem(TABLE, key)
        else:
            value = self.covered.writes
            if self.resolver == "callable":
                # Each another one, and a later one often the smaller.
                value += 1_000 * self.chance.randrange(1_000)
            request = PutItem(TABLE, self._made({**key, "v": value}, node))
        try:
            node.database.call(request)
        except PowerLoss:
            self.uncertain[name] = self.uncertain.get(name, 0) + amount
            raise
        after = self._stored(node, name)
        if after == before:
            assert isinstance(request, DeleteItem), "a write that was acknowledged is not there"
            return
        assert after is not None
        self.counted[name] = self.counted.get(name, 0) + amount
        assert before is None or row.stamp_of(after) > row.stamp_of(before), "a write in the past"
        self._record(name, after)
        shown = node.database.call(GetItem(TABLE, key)).item  # type: ignore[union-attr]
        expected = None if row.is_tombstone(after) else row.item_of(after)
        assert shown == expected, "a writer does not read what he wrote"
        self._look(node)

    def _made(self, item: Item, node: Node) -> Item:
        """With what indexes and expiry go by, or without."""
        if self.chance.random() < 0.7:
            item["g"] = self.chance.choice("xy")
        if self.has_followers and self.chance.random() < 0.4:
            item["e"] = node.clock.wall_ms() // 1000 + self.chance.choice([-2, 0, 1, FAR_S, FAR_S])
        return item

    def _record(self, name: str, stored: bytes, *, is_expiry: bool = False) -> None:
        item = None if row.is_tombstone(stored) else row.item_of(stored)
        self.writes.setdefault(name, []).append(Write(row.stamp_of(stored), item, is_expiry))
        self._note("write", name, row.stamp_of(stored))

    def _stored(self, node: Node, name: str) -> bytes | None:
        """Row or tombstone of an item in a region."""
        floor = node.database._floor
        table = named(floor.catalog, TABLE)
        if table is None:
            return None
        key = table.keys.of_key({"id": name})
        found = floor.engine.get(key)
        if found is None:
            prefix = replica_keys.tombstones_prefix(table.descriptor.table_id)
            found = floor.engine.get(prefix + replica_keys.row_part(key))
        return found

    def _look(self, node: Node) -> None:
        if not self._is_member(node):
            return
        for name in ITEM_NAMES:
            stored = self._stored(node, name)
            stamp = Stamp(0, 0, 0) if stored is None else row.stamp_of(stored)
            assert stamp >= node.seen.get(name, Stamp(0, 0, 0)), (
                f"a stamp went back seed={self.seed} region={node.name} item={name}"
            )
            node.seen[name] = stamp

    def _note(self, *facts: object) -> None:
        self.events.update(repr((self.now_ms, *facts)).encode())

    # The end.

    def _heal(self) -> None:
        self.is_disturbed = False
        self._cut.clear()
        self._flying.clear()
        for node in self.nodes.values():
            node.stalled_until_ms = 0
            for link in node.links.values():
                link.inbox.clear()
        # Questions whose answers were lost are given up.
        self._advance(ANSWER_MS_MAX + 1)
        end_ms = self.now_ms + HEAL_MS
        quiet = 0
        while self.now_ms < end_ms and quiet < 6:
            before = self._positions()
            for node in self.nodes.values() if quiet == 0 else ():
                self._sweep(node)
            for _ in range(8):
                for node in list(self.nodes.values()):
                    for puller in node.pullers:
                        puller.step(0)
                self._pass(2)
            self._pass(500)
            quiet = quiet + 1 if before == self._positions() and self._is_settled() else 0
        assert quiet, f"no end of it seed={self.seed} {self._states()}"

    def _positions(self) -> list[object]:
        return [
            (node.name, name, link.kept, link.status)
            for node in self.nodes.values()
            for puller in node.pullers
            for name, link in puller.links.items()
        ]

    def _is_settled(self) -> bool:
        return all(
            puller.is_connected
            and all(link.status == "ACTIVE" and not link.fault for link in puller.links.values())
            for node in self.nodes.values()
            for puller in node.pullers
        )

    def _states(self) -> list[object]:
        return [
            (
                node.name,
                puller.peer,
                puller.fault,
                [(link.status, link.fault) for link in puller.links.values()],
            )
            for node in self.nodes.values()
            for puller in node.pullers
        ]

    def digest(self, node: Node) -> str:
        """Of all items and tombstones, with their stamps."""
        hashed = hashlib.sha256()
        for name in ITEM_NAMES:
            stored = self._stored(node, name)
            if stored is not None:
                facts = (row.stamp_of(stored), row.is_tombstone(stored), row.item_bytes(stored))
                hashed.update(repr(facts).encode())
        return hashed.hexdigest()

    def _check(self) -> None:
        members = [node for node in self.nodes.values() if self._is_member(node)]
        digests = {node.name: self.digest(node) for node in members}
        self._note("digests", sorted(digests.items()))
        assert len(set(digests.values())) == 1, f"regions differ seed={self.seed} {digests}"
        for node in members:
            floor = node.database._floor
            table = named(floor.catalog, TABLE)
            assert table is not None
            noted = floor.engine.scan(
                *replica_keys.conflicts_range(table.descriptor.table_id, 0, replica_keys.SEQNO_MAX)
            )
            self.covered.conflicts += sum(1 for _ in noted)
        for name, writes in self.writes.items():
            self._check_winner(members[0], name, writes)
        if self.has_followers:
            for node in members:
                self.covered.records += check_followers(node.database, TABLE)

    def _check_holds(self) -> None:
        self._advance(IDLE_MS_MAX + 1)
        for node in self.nodes.values():
            node.regions.keeper.step(0)
            held = node.database._floor.engine._snapshots.seqnos()
            assert not held, f"a snapshot is held for nobody seed={self.seed} region={node.name}"

    def _check_winner(self, node: Node, name: str, writes: list[Write]) -> None:
        stored = self._stored(node, name)
        if self.covered.removed:
            # What the region that was taken out had not sent is not here, or only in part.
            gone = region_number(self.names[-1])
            sent = [write.stamp for write in writes if write.stamp.region != gone]
            assert not sent or (stored is not None and row.stamp_of(stored) >= max(sent)), (
                f"the latest write does not stand seed={self.seed} item={name}"
            )
            return
        assert stored is not None, f"an item is gone with its tombstone seed={self.seed} item={name}"
        stamp = row.stamp_of(stored)
        item = None if row.is_tombstone(stored) else row.item_of(stored)
        latest = max(writes, key=lambda write: write.stamp)
        uncertain = name in self.uncertain
        if self.resolver == "attributes":
            total = 0 if item is None else item["n"]
            assert isinstance(total, int)
            lowest = self.counted[name]
            assert lowest <= total <= lowest + self.uncertain.get(name, 0), (
                f"additions were lost seed={self.seed} item={name} has={total} wanted={lowest}"
            )
            return
        assert stamp >= latest.stamp, f"the latest write does not stand seed={self.seed} item={name}"
        if self.resolver == "callable":
            made = [write.item for write in writes]
            assert uncertain or item in made, f"an item that nobody wrote seed={self.seed} item={name}"
            return
        if not uncertain:
            self._check_expiry(name, item, [write for write in writes if not write.is_expiry])
        if stamp == latest.stamp:
            assert item == latest.item, f"the winner is another item seed={self.seed} item={name}"
        else:
            assert uncertain, f"a write that nobody made stands seed={self.seed} item={name}"

    def _check_expiry(self, name: str, item: Item | None, writes: list[Write]) -> None:
        """The latest write of a user decides alone."""
        latest = max(writes, key=lambda write: write.stamp)
        if any(write.stamp.wall_ms == latest.stamp.wall_ms for write in writes if write is not latest):
            # One that was made in the same millisecond elsewhere, and expired, may take it along.
            return
        wanted = latest.item
        if wanted is not None and "e" in wanted:
            second = wanted["e"]
            assert isinstance(second, int)
            if second < self.now_ms // 1000 + FAR_S // 2:
                wanted = None
        assert item == wanted, f"it did not expire as its latest write says seed={self.seed} item={name}"


def run_seed(seed: int, acts: int = 60) -> World:
    """One run: with merged attributes, with a function, or, mostly, with the last writer."""
    world = World(seed, "attributes" if seed % 3 == 0 else "callable" if seed % 4 == 1 else "last_writer")
    world.hash = world.run(acts, ends_anew=seed % 8 == 0)
    return world


def main(arguments: list[str]) -> int:
    runs = runs_of(arguments, __doc__, seeds=2_000)
    total = Coverage()
    for seed in runs.seeds:
        world = run_seed(seed, runs.acts)
        for name in vars(total):
            setattr(total, name, getattr(total, name) + getattr(world.covered, name))
    sys.stdout.write(f"{runs}: {total}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
