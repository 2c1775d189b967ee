"""Regions as server processes, with ways between them that can be cut; load on all of them at once."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
import threading
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

import kvdb
from kvdb.api.tables import ReplicaDescription
from kvdb.client.sync import Client
from kvdb.errors import KvdbError
from tests.support.cutting_proxy import CuttingProxy
from tests.support.server_process import ServerProcess

TABLE = "orders"


class Regions:
    """Clients of some regions, and what they say of the table that is shared."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self.clients: dict[str, Client] = {}

    def client(self, name: str) -> Client:
        return self.clients[name]

    def replicas(self, name: str) -> dict[str, ReplicaDescription]:
        described = self.client(name).table(TABLE).describe()
        return {replica.region_name: replica for replica in described.replicas}

    def statuses(self, name: str) -> dict[str, str]:
        return {region: replica.replica_status for region, replica in self.replicas(name).items()}

    def are_active(self, *names: str) -> bool:
        """Whether these regions share the table, and each says so of all."""
        return all(self.statuses(name) == dict.fromkeys(sorted(names), "ACTIVE") for name in names)

    def digest(self, name: str) -> str:
        """Of all items of the table in a region."""
        items = sorted(json.dumps(item, sort_keys=True) for item in self.client(name).table(TABLE).scan())
        return hashlib.sha256("\n".join(items).encode()).hexdigest()

    def are_same(self, *names: str) -> bool:
        return len({self.digest(name) for name in names or self.names}) == 1


class ServedRegions(Regions):
    """Which of them are peers: all of all, unless ``edges`` says otherwise."""

    def __init__(
        self,
        root: Path,
        stack: ExitStack,
        names: Iterable[str],
        *,
        edges: Iterable[tuple[str, str]] | None = None,
        doors: tuple[str, ...] = ("grpc",),
    ) -> None:
        super().__init__(names)
        self._root = root
        self._stack = stack
        self._doors = doors
        pairs = list(itertools.combinations(self.names, 2)) if edges is None else list(edges)
        both = [*pairs, *((other, one) for one, other in pairs)]
        self.ways: Mapping[tuple[str, str], CuttingProxy] = {
            pair: stack.enter_context(CuttingProxy()) for pair in both
        }
        self.servers: dict[str, ServerProcess] = {}
        for name in self.names:
            self.start(name)

    def start(self, name: str) -> None:
        """Start a region's server, again if it ran before."""
        peers = [f"--peer={peer}={way.target}" for (one, peer), way in self.ways.items() if one == name]
        server = ServerProcess(self._root / name, "--region", name, *peers, doors=self._doors)
        self._stack.callback(server.kill)
        self.servers[name] = server
        for (_, peer), way in self.ways.items():
            if peer == name:
                way.upstream = server.address
        self.clients[name] = self._stack.enter_context(kvdb.connect(server.target))

    def lose_disk(self, name: str) -> None:
        """Kill a region's server and take its files away."""
        self.servers[name].kill()
        shutil.rmtree(self._root / name)

    def cut_off(self, name: str) -> None:
        for pair, way in self.ways.items():
            if name in pair:
                way.cut()

    def heal(self) -> None:
        for way in self.ways.values():
            way.heal()


class Writers:
    """One writer a region, until the end of the block. What was acknowledged is in ``written``."""

    def __init__(self, regions: Regions, *names: str) -> None:
        self._regions = regions
        self._names = names or regions.names
        self._over = threading.Event()
        self.written: dict[str, list[str]] = {name: [] for name in self._names}
        self._threads = [threading.Thread(target=self._write, args=(name,)) for name in self._names]

    def _write(self, name: str) -> None:
        for number in itertools.count():
            if self._over.wait(0.005):
                return
            identity = f"{name}-{number}"
            item = {"id": identity, "n": number}
            try:
                table = self._regions.client(name).table(TABLE)
                table.put(item)
                # Everybody's, and so full of conflicts.
                table.put({"id": f"shared-{number % 20}", "by": identity})
                if number % 10 == 9:
                    # No more is said of it from here on: it may be deleted though the call fails. Nor was
                    # it, if it was not acknowledged.
                    gone = f"{name}-{number - 5}"
                    if gone in self.written[name]:
                        self.written[name].remove(gone)
                    table.delete({"id": gone})
            except KvdbError:
                # Killed, or without the table, or without room just now.
                continue
            self.written[name].append(identity)

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
