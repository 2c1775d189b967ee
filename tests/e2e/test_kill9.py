"""Kill a real server with clients at work, start it again: what it acknowledged is there.

The truth is kept by the clients: each knows what was acknowledged to it, and which of its
requests got no answer, so may have been applied or not, but never in part.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import kvdb
from kvdb import AsyncTable, ClientOptions, DeleteRequest, PutRequest
from kvdb.errors import DeadlineExceeded, ServiceUnavailable
from tests.support.server_process import ServerProcess

CYCLES = 5
CLIENTS = 8
KEYS_PER_CLIENT = 40
# A retry would hide what the killed server did; a hung call must not hang the test.
OPTIONS = ClientOptions(attempts_max=1, deadline_ms=20_000)

Key = str
Version = int | None
"""What a write leaves at a key: the number it wrote, or nothing."""


@dataclass
class Ledger:
    """What the clients know."""

    acknowledged: dict[Key, Version] = field(default_factory=dict)
    unknown: dict[Key, list[Version]] = field(default_factory=dict)
    answers: int = 0
    unanswered: int = 0
    goal: int = 0
    at_goal: asyncio.Event = field(default_factory=asyncio.Event)

    def answered(self, writes: Mapping[Key, Version]) -> None:
        self.acknowledged.update(writes)
        self.answers += 1
        if self.answers == self.goal:
            self.at_goal.set()

    def unanswered_for(self, writes: Mapping[Key, Version]) -> None:
        for key, version in writes.items():
            self.unknown.setdefault(key, []).append(version)
        self.unanswered += 1

    def settle(self, found: Mapping[Key, Version]) -> None:
        """Compare with what a restarted server has, which from now on is the truth."""
        lost = {
            key: (found.get(key), version)
            for key, version in self.acknowledged.items()
            if found.get(key) not in [version, *self.unknown.get(key, [])]
        }
        assert lost == {}, "key: (found, acknowledged)"
        strangers = {key for key in found if key not in self.acknowledged and key not in self.unknown}
        assert strangers == set()
        self.acknowledged = dict(found)
        self.unknown = {}


class Writer:
    """One client with keys of its own, writing one request after another until the server is gone."""

    def __init__(self, name: str, ledger: Ledger, chance: random.Random) -> None:
        self._name = name
        self._ledger = ledger
        self._chance = chance
        self._version = 0

    async def run(self, table: AsyncTable, db: kvdb.AsyncClient) -> None:
        while True:
            count = self._chance.choice([1, 1, 1, 4])
            keys = [f"{self._name}-{number}" for number in self._chance.sample(range(KEYS_PER_CLIENT), count)]
            writes = {key: self._new_version() for key in keys}
            try:
                await self._write(table, db, writes)
            except (ServiceUnavailable, DeadlineExceeded):
                self._ledger.unanswered_for(writes)
                return
            self._ledger.answered(writes)

    async def _write(self, table: AsyncTable, db: kvdb.AsyncClient, writes: dict[Key, Version]) -> None:
        if len(writes) > 1:
            requests = [
                DeleteRequest({"id": key}) if version is None else PutRequest(item_of(key, version))
                for key, version in writes.items()
            ]
            await db.batch_write({table.name: requests})
            return
        ((key, version),) = writes.items()
        if version is None:
            await table.delete({"id": key})
        else:
            await table.put(item_of(key, version))

    def _new_version(self) -> Version:
        self._version += 1
        return None if self._chance.random() < 0.2 else self._version


def item_of(key: Key, version: int) -> dict[str, object]:
    return {"id": key, "version": version, "filling": f"{version}," * 60}


def read_back(item: Mapping[str, object]) -> tuple[Key, int]:
    """Key and version of a whole item; a mixture of two writes fails here."""
    key, version = item["id"], item["version"]
    assert isinstance(key, str)
    assert isinstance(version, int)
    assert item == item_of(key, version)
    return key, version


async def write_until_killed(server: ServerProcess, ledger: Ledger, seed: int, answers: int) -> None:
    """Kill the server when it has given ``answers`` answers, with all clients in the middle of a call."""
    async with await kvdb.connect_async(server.target, options=OPTIONS) as db:
        table = db.table("ledger")
        found = dict([read_back(item) async for item in table.scan()])
        ledger.settle(found)
        ledger.goal, ledger.at_goal = ledger.answers + answers, asyncio.Event()
        writers = [Writer(f"c{n}", ledger, random.Random(seed * 100 + n)) for n in range(CLIENTS)]
        tasks = [asyncio.create_task(writer.run(table, db)) for writer in writers]
        await asyncio.wait_for(ledger.at_goal.wait(), timeout=60)
        server.kill()
        await asyncio.gather(*tasks)


@pytest.mark.parametrize("sync", ["commit", "none"])
def test_a_killed_server_has_kept_every_write_it_acknowledged(tmp_path: Path, sync: str) -> None:
    seed = 7
    chance = random.Random(seed)
    ledger = Ledger()
    data_dir = tmp_path / "data"
    with ServerProcess(data_dir, "--sync", sync) as server, kvdb.connect(server.target) as db:
        db.create_table("ledger", key=("id", "S"))
    for cycle in range(CYCLES):
        with ServerProcess(data_dir, "--sync", sync) as server:
            asyncio.run(write_until_killed(server, ledger, seed + cycle, chance.randint(30, 600)))
    with ServerProcess(data_dir) as server, kvdb.connect(server.target) as db:
        ledger.settle(dict(read_back(item) for item in db.table("ledger").scan()))
        assert server.stop() == 0
    assert ledger.answers >= CYCLES * 30
    assert ledger.unanswered == CYCLES * CLIENTS


def test_the_ledger_sees_a_lost_write() -> None:
    ledger = Ledger()
    ledger.answered({"a": 1})
    with pytest.raises(AssertionError, match=r"'a': \(None, 1\)"):
        ledger.settle({})


def test_the_ledger_lets_an_unanswered_write_be_there_or_not() -> None:
    for found in ({"a": 1}, {"a": 2}, {}):
        ledger = Ledger()
        ledger.answered({"a": 1})
        ledger.unanswered_for({"a": 2})
        ledger.unanswered_for({"a": None})
        ledger.settle(found)
