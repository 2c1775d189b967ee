"""A client of several servers, from a seed: servers that refuse, hang, lose answers and come back.

What runs is the transport of production with its checker, over servers that are objects and a clock
that is moved by hand; its rounds of checks are given by the simulation, between calls. After every
round and call the truth is compared: what each server has applied, and what the checks have said.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from kvdb.api.items import (
    GetItem,
    GetItemResult,
    OpenSnapshot,
    OpenSnapshotResult,
    PutItem,
    PutItemResult,
    TransactWriteItems,
    TransactWriteItemsResult,
)
from kvdb.api.operations import Request, Result
from kvdb.api.replicas import ConflictPage, FollowConflicts
from kvdb.api.streams import FeedPage, Subscribe
from kvdb.client.failover import Switch, Verdict
from kvdb.client.retry import RetryPolicy
from kvdb.client.sync_failover import FailoverTransport
from kvdb.env.entropy import SystemEntropy
from kvdb.errors import DeadlineExceeded, KvdbError, RequestLimitExceeded, ServiceUnavailable
from kvdb.options import ClientOptions, FailoverOptions
from kvdb.testing import ManualClock

OPTIONS = FailoverOptions(hold_down_ms=5_000, hold_down_ms_max=60_000)
STATES = ("ok", "ok", "refusing", "silent", "deaf", "resetting", "busy", "not serving")
UP = frozenset({"ok", "busy"})
"""States in which health checks are good."""


class Server:
    """One database and the line to it. A client's endpoint."""

    endpoint: None = None
    endpoint_switches = 0

    def __init__(self, name: str, clock: ManualClock, chance: random.Random) -> None:
        self.target = name
        self.state = "ok"
        self.applied: Counter[object] = Counter()
        """What it has done, by the id of the write."""
        self._clock = clock
        self._chance = chance
        self._tokens: set[str] = set()
        self._snapshots = 0

    def try_send(self, request: Request, timeout_s: float) -> Result:
        self._clock.advance_ms(1)
        if self.state == "refusing":
            error = ServiceUnavailable("failed to connect")
            error.never_sent = True
            raise error
        if self.state == "busy" and self._chance.random() < 0.5:
            raise RequestLimitExceeded("too many")
        if self.state in ("silent", "deaf", "resetting"):
            if self.state != "deaf" and self._chance.random() < 0.7:
                self._serve(request)
            if self.state == "resetting":
                raise ServiceUnavailable("reset")
            self._clock.advance_ms(timeout_s * 1000)
            raise DeadlineExceeded("no answer")
        return self._serve(request)

    def _serve(self, request: Request) -> Result:
        if isinstance(request, PutItem):
            self.applied[request.item["id"]] += 1
            return PutItemResult()
        if isinstance(request, TransactWriteItems):
            token = request.client_request_token
            assert token is not None
            if token not in self._tokens:
                self._tokens.add(token)
                self.applied[request.transact_items[0].item["id"]] += 1
            return TransactWriteItemsResult()
        if isinstance(request, OpenSnapshot):
            self._snapshots += 1
            return OpenSnapshotResult(f"{self.target} {self._snapshots}", 1)
        assert isinstance(request, GetItem)
        if request.snapshot_id is not None:
            assert request.snapshot_id.startswith(self.target), "asked for another server's snapshot"
        return GetItemResult(None)

    def begin_check(self, timeout_s: float) -> Callable[[], Verdict]:
        if self.state in UP:
            return lambda: Verdict(True)
        return lambda: Verdict(False, self.state, is_said=self.state == "not serving")

    def send(self, request: Request) -> Result:
        raise AssertionError("a transport over several servers makes single tries")

    def stream(self, request: object) -> Generator[object, None, None]:
        raise AssertionError("a walk is made of single calls")

    def subscribe(self, request: Subscribe) -> Generator[FeedPage, None, None]:
        raise AssertionError("there are no feeds here")

    def follow_conflicts(self, request: FollowConflicts) -> Generator[ConflictPage, None, None]:
        raise AssertionError("there are no feeds here")

    def break_feeds(self) -> None:
        pass

    def pause(self, ms: int) -> None:
        self._clock.sleep_ms(ms)

    def close(self) -> None:
        pass


@dataclass
class Seen:
    """What the checks of one server have said, as a model that is no part of the client keeps it."""

    failures: int = 0
    successes: int = 0
    is_up: bool = True
    up_since_ms: int | None = None
    returned_ms: int | None = None


@dataclass
class Coverage:
    """What a run met."""

    rounds: int = 0
    leaves: int = 0
    returns: int = 0
    calls: int = 0
    unknown: int = 0
    moved: int = 0
    trace: list[object] = field(default_factory=list)
    """Of everything that happened: equal for equal seeds."""


class Simulation:
    """``run`` raises ``AssertionError`` when the client does what it must not."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._clock = ManualClock()
        self._servers = [
            Server(name, self._clock, self._chance) for name in "abc"[: self._chance.choice((2, 3))]
        ]
        policy = RetryPolicy(ClientOptions(), self._clock, SystemEntropy(seed))
        self._told: list[Switch] = []
        self._client = FailoverTransport(self._servers, policy, OPTIONS, self._told.append)
        self._client._checker.begin = lambda: None  # type: ignore[method-assign]
        self._seen = [Seen() for _ in self._servers]
        self._ids = 0
        self._acknowledged: set[int] = set()
        self._refused: set[int] = set()
        self._resend: list[TransactWriteItems] = []
        self._snapshot_ids: list[str] = []
        self.coverage = Coverage()

    def run(self, steps: int) -> Coverage:
        for _ in range(steps):
            for server in self._servers:
                if self._chance.random() < 0.12:
                    server.state = self._chance.choice(STATES)
            if self._chance.random() < 0.7:
                self._round()
            else:
                self._call()
        self._heal()
        self._settle()
        return self.coverage

    def _heal(self) -> None:
        """Whatever happened: once all is well, calls come back to the first, in bounded time."""
        for server in self._servers:
            server.state = "ok"
        rounds = OPTIONS.hold_down_ms_max // OPTIONS.check_interval_ms + OPTIONS.successes_to_return + 1
        for _ in range(rounds):
            self._round()
        assert self._client.endpoint == "a", "the client does not come back"

    def _round(self) -> None:
        before, switches = self._client.endpoint, len(self._told)
        self._clock.advance_ms(OPTIONS.check_interval_ms)
        now_ms = self._clock.monotonic_ns() // 1_000_000
        for seen, server in zip(self._seen, self._servers, strict=True):
            self._model(seen, server, now_ms)
        self._client._checker.step(0)
        after = self._client.endpoint
        self.coverage.rounds += 1
        self.coverage.trace.append((now_ms, after, [server.state for server in self._servers]))
        assert len(self._told) - switches == (after != before), "a switch that was not told, or none that was"
        self._check_choice("abc".index(str(before)), "abc".index(str(after)), now_ms)

    def _model(self, seen: Seen, server: Server, now_ms: int) -> None:
        if server.state in UP:
            seen.failures, seen.successes = 0, seen.successes + 1
            if not seen.is_up and seen.successes == OPTIONS.successes_to_return:
                seen.is_up, seen.up_since_ms = True, now_ms
        else:
            seen.failures, seen.successes = seen.failures + 1, 0
            if server.state == "not serving" or seen.failures >= OPTIONS.failures_to_leave:
                seen.is_up = False

    def _check_choice(self, before: int, after: int, now_ms: int) -> None:
        was, new = self._seen[before], self._seen[after]
        if not new.is_up:
            assert not any(seen.is_up for seen in self._seen), "calls go to what is down, and another is up"
            assert before == after, "one that is down was left for another that is"
        if before == after:
            return
        if not was.is_up:
            self.coverage.leaves += 1
        else:
            self.coverage.returns += 1
            assert after < before, "a healthy endpoint was left for one that is liked less"
            up_since_ms = new.up_since_ms
            is_held = up_since_ms is not None and now_ms - up_since_ms < OPTIONS.hold_down_ms
            assert not is_held, "calls came back within the hold-down time"
        new.returned_ms = now_ms

    def _call(self) -> None:
        self.coverage.calls += 1
        kind = self._chance.choice(("get", "put", "transaction", "resend", "snapshot", "get at snapshot"))
        self.coverage.trace.append(kind)
        if kind == "get":
            self._read(GetItem("t", {"id": 0}))
        elif kind == "put":
            self._write(PutItem("t", {"id": self._next_id()}))
        elif kind == "transaction":
            number = self._next_id()
            self._write(TransactWriteItems([PutItem("t", {"id": number})], f"token {number}"))
        elif kind == "resend" and self._resend:
            self._write(self._chance.choice(self._resend))
        elif kind == "snapshot":
            self._open_snapshot()
        elif kind == "get at snapshot" and self._snapshot_ids:
            request = GetItem("t", {"id": 0}, snapshot_id=self._chance.choice(self._snapshot_ids))
            try:
                self._client.send(request)
            except (ServiceUnavailable, DeadlineExceeded) as error:
                assert "which alone has" in error.message
            except RequestLimitExceeded:
                pass

    def _next_id(self) -> int:
        self._ids += 1
        return self._ids

    def _read(self, request: GetItem) -> None:
        can_serve = any(server.state in ("ok", "not serving") for server in self._servers)
        current = self._client.endpoint
        try:
            self._client.send(request)
        except RequestLimitExceeded:
            return
        except (ServiceUnavailable, DeadlineExceeded):
            assert not can_serve, "a read failed, and a server would have served it"
            return
        state = next(server.state for server in self._servers if server.target == current)
        self.coverage.moved += state not in ("ok", "busy", "not serving")

    def _write(self, request: PutItem | TransactWriteItems) -> None:
        put = request if isinstance(request, PutItem) else request.transact_items[0]
        number = put.item["id"]
        try:
            self._client.send(request)
        except KvdbError as error:
            if getattr(error, "never_sent", False) or isinstance(error, RequestLimitExceeded):
                self._refused.add(number)
            else:
                self.coverage.unknown += 1
            if isinstance(request, TransactWriteItems):
                self._resend.append(request)
            return
        self._acknowledged.add(number)

    def _open_snapshot(self) -> None:
        try:
            opened = self._client.send(OpenSnapshot())
        except KvdbError:
            return
        assert isinstance(opened, OpenSnapshotResult)
        self._snapshot_ids.append(opened.snapshot_id)

    def _settle(self) -> None:
        together: Counter[object] = sum((server.applied for server in self._servers), Counter())
        twice = {number for number, times in together.items() if times > 1}
        assert not twice, f"writes were done twice: {twice}"
        assert self._acknowledged <= set(together), "a write was acknowledged and not done"
        resent = {request.transact_items[0].item["id"] for request in self._resend}
        assert not (self._refused - resent) & set(together), "a write that was told as not sent was done"


def simulate(seed: int, steps: int = 400) -> Coverage:
    """One run; the same seed gives the same run."""
    return Simulation(seed).run(steps)
