"""Sessions, and writes with ``replicate_to``, in the simulation of regions (``replica_sim``).

    python -m tests.support.session_sim --seeds 500 [--first 1]

Some users go from region to region, each with the token of his session, while the network and the regions do
their worst. What must hold, whenever a region serves a call of a session:

- *read your writes, monotonic reads*: no item is older there than the user has seen it, anywhere;
- *who has it*: a region that a write is said to have come to has it, and keeps it through crashes;
- *liveness*: once the network has healed, every region serves every session.

A region may refuse a session as long as it is behind; how often one was served, and how often it had been
behind before, is counted: a run that served nobody has shown nothing.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace

from kvdb.api.items import DeleteItem, GetItem, PutItem, Scan
from kvdb.api.operations import Request
from kvdb.api.tables import ResolverKind
from kvdb.api.terms import NEW_SESSION, Terms
from kvdb.database.promise import Promise
from kvdb.env.hlc import Stamp
from kvdb.errors import ReplicaBehind, ValidationError
from kvdb.table import row
from tests.support.replica_sim import ITEM_NAMES, TABLE, Node, World
from tests.support.seeds import runs_of
from tests.support.topology_sim import TopologyWorld

USERS = 2
_NEVER = Stamp(0, 0, 0)


@dataclass
class User:
    """One session."""

    token: str = NEW_SESSION
    seen: dict[str, Stamp] = field(default_factory=dict)
    """Item -> the latest stamp that the user has seen of it."""
    region: str = ""
    """Where the last call was served."""


@dataclass
class Served:
    """What a run has met."""

    calls: int = 0
    behind: int = 0
    elsewhere: int = 0
    """Served in another region than the call before."""
    replicated: int = 0
    begun_anew: int = 0


class SessionWorld(World):
    """One run."""

    has_followers = False

    def __post_init__(self) -> None:
        self.served = Served()
        self._users = [User() for _ in range(USERS)]
        super().__post_init__()

    def _act(self) -> None:
        node = self.chance.choice(list(self.nodes.values()))
        if self.chance.random() < 0.6 or self._is_stalled(node) or not self._is_member(node):
            super()._act()
        else:
            self._call(self.chance.choice(self._users), node)

    def _call(self, user: User, node: Node) -> None:
        """A call of a session, if the region can serve it now."""
        name = f"item-{self.chance.randrange(len(ITEM_NAMES))}"
        request = self._request(name)
        wanted = 1 if isinstance(request, PutItem) and self.chance.random() < 0.5 else None
        terms = Terms(user.token, session_timeout_ms=0, replicate_to=wanted)
        promise = node.database.promise(request, terms)
        if not self._is_ready(promise, user):
            self.served.behind += 1
            promise.close()
            self._wait_for(node)
            node = self.nodes[node.name]
            if not self._is_member(node):
                return
            promise = node.database.promise(request, replace(terms, session=user.token))
            if not self._is_ready(promise, user):
                promise.close()
                return
        self._check_session(node, user)
        before = self._stored(node, name)
        node.database.call(request)
        stored = self._stored(node, name)
        if stored is not None and stored != before:
            self._record(name, stored)
        stamp = _NEVER if stored is None else row.stamp_of(stored)
        promise.when_replicated(lambda: wanted and self._check_replicated(promise, name, stamp))
        user.token = promise.outcome().session or ""
        self._note("session", node.name, name, user.token)
        for each in [f"item-{at}" for at in range(len(ITEM_NAMES))] if isinstance(request, Scan) else [name]:
            if (shown := self._stored(node, each)) is not None:
                user.seen[each] = row.stamp_of(shown)
        self.served.calls += 1
        self.served.elsewhere += user.region not in ("", node.name)
        user.region = node.name

    def _wait_for(self, node: Node) -> None:
        """As a session does: for a while, in which everybody goes on."""
        for _ in range(8):
            self._step(node)
            self._step(self.chance.choice(list(self.nodes.values())))
            self._pass(self.chance.choice([2, 5, 30, 200]))

    def _is_ready(self, promise: Promise, user: User) -> bool:
        try:
            promise.when_ready(lambda: None)
            promise.require_ready()
        except ReplicaBehind:
            return False
        except ValidationError:
            # What a region that was taken out had sent to nobody is gone.
            assert self.covered.removed, f"a session is refused for good seed={self.seed}"
            self.served.begun_anew += 1
            user.token, user.seen = NEW_SESSION, {}
            return False
        return True

    def _request(self, name: str) -> Request:
        kind = self.chance.random()
        if kind < 0.4:
            return GetItem(TABLE, {"id": name})
        if kind < 0.55:
            return Scan(TABLE)
        if self.resolver == "attributes":
            # The counters of ``World`` are not for others to write.
            return GetItem(TABLE, {"id": name})
        if kind < 0.65:
            return DeleteItem(TABLE, {"id": name}, return_values="ALL_OLD")
        self.covered.writes += 1
        return PutItem(TABLE, {"id": name, "v": self.covered.writes})

    def _check_session(self, node: Node, user: User) -> None:
        for name, stamp in user.seen.items():
            stored = self._stored(node, name)
            has = _NEVER if stored is None else row.stamp_of(stored)
            assert has >= stamp, (
                f"a session reads what is older than what it has seen seed={self.seed} "
                f"region={node.name} item={name} seen={stamp} has={has}"
            )

    def _check_replicated(self, promise: Promise, name: str, stamp: Stamp) -> None:
        """Called where the write is told that regions have it."""
        replication = promise.outcome().replication
        assert replication is not None
        promise.close()
        if not replication.is_reached:
            return
        self.served.replicated += 1
        for region in replication.regions:
            node = self.nodes[region]
            stored = self._stored(node, name)
            has = _NEVER if stored is None else row.stamp_of(stored)
            assert has >= stamp, f"a region has not what it is said to have seed={self.seed} region={region}"
            # From now on no crash may take it away: see ``_look``.
            node.seen[name] = max(has, node.seen.get(name, _NEVER))

    def _crash(self, node: Node, mode_seed: int | None = None) -> None:
        super()._crash(node, mode_seed)
        self._look(self.nodes[node.name])

    def _check(self) -> None:
        super()._check()
        for user in self._users:
            for node in self.nodes.values():
                if self._is_member(node):
                    promise = node.database.promise(Scan(TABLE), Terms(user.token, session_timeout_ms=0))
                    is_ready = self._is_ready(promise, user)
                    assert is_ready or self.covered.removed, f"a session is not served seed={self.seed}"
                    self._check_session(node, user)
                    promise.close()


class RelayedSessionWorld(SessionWorld, TopologyWorld):
    """One run of regions that are not all linked with all."""


def run_seed(seed: int, acts: int = 140) -> SessionWorld:
    """One run; every third seed with merged attributes, every fourth with regions that relay."""
    resolver: ResolverKind = "last_writer" if seed % 3 else "attributes"
    kind = RelayedSessionWorld if seed % 4 == 3 else SessionWorld
    world = kind(seed, resolver, trouble=(1.0, 0.2, 0.05, 0.1)[seed % 4])
    world.hash = world.run(acts)
    return world


def main(arguments: list[str]) -> int:
    runs = runs_of(arguments, __doc__, seeds=500)
    total = Served()
    for seed in runs.seeds:
        served = run_seed(seed, runs.acts).served
        for name in vars(total):
            setattr(total, name, getattr(total, name) + getattr(served, name))
    sys.stdout.write(f"{runs}: {total}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
