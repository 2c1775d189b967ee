"""Regions in one process, whose frames arrive at once; a liar may stand in for any of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kvdb.api.items import DeleteItem, GetItem, GetItemResult, PutItem
from kvdb.api.tables import (
    AttributeDefinition,
    ConflictResolution,
    CreateReplica,
    CreateTable,
    DescribeTable,
    DescribeTableResult,
    KeySchemaElement,
    UpdateTable,
)
from kvdb.database.database import Database
from kvdb.env.entropy import SystemEntropy
from kvdb.env.fs import FileSystem
from kvdb.env.hlc import region_number
from kvdb.item.value import Item
from kvdb.options import DatabaseOptions
from kvdb.replica.messages import Message, decode, encode
from kvdb.replica.puller import Puller
from kvdb.testing.manual_clock import ManualClock
from tests.support.builders import DIRECTORY, make_env

TABLE = "orders"
HORIZON_MS = 60_000

Lie = Callable[[Message], Message | bytes]


class DirectLink:
    """Answers at once, unless it is cut."""

    def __init__(self, target: Callable[[], Database]) -> None:
        self._target = target
        self._answers: list[bytes] = []
        self.is_cut = False
        self.lie: Lie | None = None
        self.dress: Callable[[bytes], bytes] = lambda frame: frame
        """How a question looks when it arrives."""

    def send(self, frame: bytes) -> None:
        if self.is_cut:
            return
        answer = self._target().regions.source.encoded_answer(self.dress(frame))
        if self.lie is not None:
            told = self.lie(decode(answer))
            answer = told if isinstance(told, bytes) else encode(told)
        self._answers.append(answer)

    def receive(self) -> bytes | None:
        return self._answers.pop(0) if self._answers else None

    def close(self) -> None:
        self._answers.clear()


class World:
    """Some regions with one clock, all peers of all, or each of the next alone."""

    def __init__(self, *names: str, is_chain: bool = False) -> None:
        self._is_chain = is_chain
        self.clock = ManualClock()
        self.names = names
        self.databases: dict[str, Database] = {}
        self.links: dict[tuple[str, str], DirectLink] = {}
        for name in names:
            self.start(name)

    def start(self, name: str, seed: int = 0, fs: FileSystem | None = None) -> None:
        """Open a region with an empty disk, or with this one; ``seed`` makes it another database than the
        last."""
        number = region_number(name)
        options = DatabaseOptions(region=number, region_name=name, replica_horizon_ms=HORIZON_MS)
        env = make_env(fs, clock=self.clock, region=number)
        env = replace(env, entropy=SystemEntropy(seed=number + seed))
        self.databases[name] = Database.open(DIRECTORY, options, env)
        for peer in self.names:
            distance = abs(self.names.index(peer) - self.names.index(name))
            if distance == 1 or (distance and not self._is_chain):
                link = self.links[name, peer] = DirectLink(lambda peer=peer: self.databases[peer])  # type: ignore[misc]
                self.databases[name].regions.connect(peer, lambda wake, link=link: link)  # type: ignore[misc]

    def __getitem__(self, name: str) -> Database:
        return self.databases[name]

    def puller(self, name: str, peer: str) -> Puller:
        return self[name].regions.pullers[peer]

    def share(self, *, table: str = TABLE) -> None:
        first = self[self.names[0]]
        schema = [KeySchemaElement("id", "HASH")]
        first.call(CreateTable(table, schema, [AttributeDefinition("id", "S")]))
        if self._is_chain:
            first.call(UpdateTable(table, conflict_resolution=ConflictResolution(relays=True)))
        creations = [CreateReplica(name) for name in self.names[1:]]
        first.call(UpdateTable(table, replica_updates=creations))
        self.run()

    def run(self, duration_ms: int = 15_000) -> None:
        """Let everybody pull for a while."""
        for _ in range(0, duration_ms, 500):
            for _ in range(4):
                for name in self.names:
                    for puller in self[name].regions.pullers.values():
                        puller.step(0)
            self.clock.advance_ms(500)

    def keep(self) -> None:
        """Let everybody remove what is needed no more."""
        for name in self.names:
            self[name].regions.keeper.step(0)

    def put(self, name: str, item: Item, table: str = TABLE) -> None:
        self[name].call(PutItem(table, item))

    def delete(self, name: str, identity: str) -> None:
        self[name].call(DeleteItem(TABLE, {"id": identity}))

    def get(self, name: str, identity: str, table: str = TABLE) -> Item | None:
        found = self[name].call(GetItem(table, {"id": identity}))
        assert isinstance(found, GetItemResult)
        return found.item

    def statuses(self, name: str) -> dict[str, str]:
        described = self[name].call(DescribeTable(TABLE))
        assert isinstance(described, DescribeTableResult)
        return {each.region_name: each.replica_status for each in described.table.replicas}
