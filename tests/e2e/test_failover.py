"""Two real servers behind lines that break: calls move to the other and back, and no write is done twice."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import kvdb
from kvdb.client.failover import Switch
from tests.support.cutting_proxy import CuttingProxy
from tests.support.server_process import ServerProcess

QUICK = kvdb.FailoverOptions(
    check_interval_ms=50,
    check_timeout_ms=300,
    failures_to_leave=2,
    successes_to_return=2,
    hold_down_ms=200,
    try_ms=1_000,
)
CALLS = kvdb.ClientOptions(deadline_ms=10_000, backoff_ms_max=100)


class Regions:
    """Two databases that know nothing of each other, each with a table of counters, and a line to each."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._directory = directory
        self._stack = stack
        self.servers = [self._start(name) for name in ("a", "b")]
        self.lines = [stack.enter_context(CuttingProxy(server.address)) for server in self.servers]
        self.targets = [line.target for line in self.lines]
        self.switches: queue.Queue[Switch] = queue.Queue()
        for server in self.servers:
            with kvdb.connect(server.target) as db:
                table = db.create_table("counters", key=("id", "N"), stream="NEW_IMAGE")
                table.put({"id": -1, "region": server.target})

    def _start(self, name: str) -> ServerProcess:
        return self._stack.enter_context(ServerProcess(self._directory / name))

    def restart(self, index: int) -> None:
        self.servers[index] = self._start("ab"[index])
        self.lines[index].upstream = self.servers[index].address

    def client(self) -> kvdb.Client:
        return self._stack.enter_context(
            kvdb.connect(self.targets, options=CALLS, failover=QUICK, on_switch=self.switches.put)
        )

    def await_switch_to(self, index: int) -> Switch:
        while True:
            switch = self.switches.get(timeout=60)
            if switch.target == self.targets[index]:
                return switch

    def counts(self, index: int) -> dict[object, object]:
        with kvdb.connect(self.servers[index].target) as db:
            return {item["id"]: item["n"] for item in db.table("counters").scan() if item["id"] != -1}


@pytest.fixture
def regions(tmp_path: Path) -> Iterator[Regions]:
    with ExitStack() as stack:
        yield Regions(tmp_path, stack)


def add(table: kvdb.Table, number: int) -> None:
    table.update({"id": number}, kvdb.Add("n", 1))


class Writer:
    """Adds 1 to a counter of its own, again and again, each once; in a thread."""

    def __init__(self, table: kvdb.Table) -> None:
        self.acknowledged: set[int] = set()
        self.unknown: set[int] = set()
        self._table = table
        self._is_ended = threading.Event()
        self._progress = threading.Condition()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        number = 0
        while not self._is_ended.is_set():
            number += 1
            try:
                add(self._table, number)
                with self._progress:
                    self.acknowledged.add(number)
                    self._progress.notify_all()
            except (kvdb.ServiceUnavailable, kvdb.DeadlineExceeded) as error:
                assert "endpoint=grpc://" in str(error)
                self.unknown.add(number)
            self._is_ended.wait(0.002)

    def await_some(self) -> None:
        """Until a few more writes are acknowledged: the first may have begun before this call."""
        with self._progress:
            enough = len(self.acknowledged) + 3
            assert self._progress.wait_for(lambda: len(self.acknowledged) >= enough, 60)

    def end(self) -> None:
        self._is_ended.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "a write hangs"


def check_each_once(regions: Regions, writer: Writer) -> None:
    first, second = regions.counts(0), regions.counts(1)
    assert not set(first) & set(second), "a write was taken by both"
    assert set(first.values()) | set(second.values()) == {1}, "a write was done twice"
    done = set(first) | set(second)
    assert writer.acknowledged <= done <= writer.acknowledged | writer.unknown


def test_calls_move_when_the_line_is_cut_and_come_back_and_no_write_is_done_twice(regions: Regions) -> None:
    db = regions.client()
    table = db.table("counters")
    assert (db.endpoint, db.endpoint_switches) == (regions.targets[0], 0)
    writer = Writer(table)
    writer.await_some()
    for _ in range(2):
        regions.lines[0].cut()
        assert table.get({"id": -1}) == {"id": -1, "region": regions.servers[1].target}
        assert "UNAVAILABLE" in regions.await_switch_to(1).reason
        assert db.endpoint == regions.targets[1]
        writer.await_some()
        regions.lines[0].heal()
        assert "healthy again" in regions.await_switch_to(0).reason
        writer.await_some()
    writer.end()
    assert db.endpoint_switches >= 4
    check_each_once(regions, writer)
    assert regions.counts(0)
    assert regions.counts(1)


def test_a_server_that_is_killed_is_left_and_one_that_is_restarted_is_used_again(regions: Regions) -> None:
    db = regions.client()
    writer = Writer(db.table("counters"))
    writer.await_some()
    regions.servers[0].kill()
    regions.await_switch_to(1)
    writer.await_some()
    regions.restart(0)
    regions.await_switch_to(0)
    writer.await_some()
    writer.end()
    check_each_once(regions, writer)
    assert regions.counts(0)
    assert regions.counts(1)


def test_a_black_hole_ends_writes_with_an_unknown_outcome_and_reads_elsewhere(regions: Regions) -> None:
    db = regions.client()
    table = db.table("counters")
    add(table, 1)
    regions.lines[0].black_hole()
    with pytest.raises((kvdb.DeadlineExceeded, kvdb.ServiceUnavailable), match=regions.targets[0]):
        add(table, 2)
    assert table.get({"id": -1}) == {"id": -1, "region": regions.servers[1].target}
    regions.await_switch_to(1)
    add(table, 3)
    regions.lines[0].heal()
    regions.await_switch_to(0)
    add(table, 4)
    assert set(regions.counts(1)) == {3}
    assert {1, 4} <= set(regions.counts(0)) <= {1, 2, 4}


def test_a_write_whose_answer_was_lost_is_not_sent_to_the_other(regions: Regions) -> None:
    table = regions.client().table("counters")
    add(table, 1)
    regions.lines[0].black_hole(to_server=False)
    with pytest.raises((kvdb.DeadlineExceeded, kvdb.ServiceUnavailable)):
        add(table, 2)
    regions.await_switch_to(1)
    add(table, 3)
    assert regions.counts(0) == {1: 1, 2: 1}
    assert regions.counts(1) == {3: 1}


def test_a_transaction_with_a_token_is_sent_again_only_where_it_may_have_arrived(regions: Regions) -> None:
    db = regions.client()
    writes = [kvdb.actions.update("counters", {"id": 1}, kvdb.Add("n", 1))]
    add(db.table("counters"), 0)
    regions.lines[0].black_hole(to_server=False)
    with pytest.raises((kvdb.DeadlineExceeded, kvdb.ServiceUnavailable)):
        db.transact_write(writes, token="once")
    regions.await_switch_to(1)
    with pytest.raises((kvdb.DeadlineExceeded, kvdb.ServiceUnavailable), match="which alone has"):
        db.transact_write(writes, token="once")
    regions.lines[0].heal()
    regions.await_switch_to(0)
    db.transact_write(writes, token="once")
    assert regions.counts(0) == {0: 1, 1: 1}
    assert regions.counts(1) == {}


def test_what_belongs_to_one_server_ends_with_an_error_that_names_it(regions: Regions) -> None:
    db = regions.client()
    table = db.table("counters")
    add(table, 1)
    snapshot = db.snapshot()
    assert table.get({"id": 1}, as_of=snapshot) == {"id": 1, "n": 1}
    feed = table.changes(from_="start")
    assert next(feed).keys == {"id": -1}
    assert next(feed).keys == {"id": 1}
    regions.lines[0].black_hole()
    with pytest.raises(kvdb.ServiceUnavailable, match=f"{regions.targets[0]}, which alone has"):
        next(feed)
    regions.await_switch_to(1)
    with pytest.raises(kvdb.RetryableError, match=f"{regions.targets[0]}, which alone has"):
        table.get({"id": 1}, as_of=snapshot)
    with pytest.raises(kvdb.ValidationError, match="a commit number is of one database"):
        table.get({"id": 1}, as_of=5)
    assert next(table.changes(from_="start")).new == {"id": -1, "region": regions.servers[1].target}
    regions.lines[0].heal()
    regions.await_switch_to(0)
    assert table.get({"id": 1}, as_of=snapshot) == {"id": 1, "n": 1}


def test_a_walk_goes_on_behind_its_last_key_in_the_other_region(regions: Regions) -> None:
    for server in regions.servers:
        with kvdb.connect(server.target) as db:
            db.batch_write({"counters": [kvdb.PutRequest({"id": n, "n": 1}) for n in range(200)]})
    walk = regions.client().table("counters").scan(page_size=10)
    seen = [next(walk)["id"] for _ in range(25)]
    regions.lines[0].cut()
    seen += [item["id"] for item in walk]
    assert sorted(seen) == list(range(-1, 200))


def test_the_async_client_moves_and_comes_back_too(regions: Regions) -> None:
    async def use() -> None:
        switches: asyncio.Queue[Switch] = asyncio.Queue()
        client = await kvdb.connect_async(
            regions.targets, options=CALLS, failover=QUICK, on_switch=switches.put_nowait
        )
        async with client as db:
            table = db.table("counters")
            await table.update({"id": 1}, kvdb.Add("n", 1))
            feed = table.changes(from_="start")
            assert (await anext(feed)).keys == {"id": -1}
            assert (await anext(feed)).keys == {"id": 1}
            regions.lines[0].black_hole()
            with pytest.raises(kvdb.ServiceUnavailable, match="which alone has"):
                await anext(feed)
            switch = await asyncio.wait_for(switches.get(), 60)
            assert (switch.source, switch.target) == tuple(regions.targets)
            await table.update({"id": 2}, kvdb.Add("n", 1))
            regions.lines[0].heal()
            assert (await asyncio.wait_for(switches.get(), 60)).target == db.endpoint == regions.targets[0]
            await table.update({"id": 3}, kvdb.Add("n", 1))

    asyncio.run(use())
    assert regions.counts(0) == {1: 1, 3: 1}
    assert regions.counts(1) == {2: 1}


def test_without_any_server_the_error_names_one_and_nothing_hangs(regions: Regions) -> None:
    db = regions.client()
    for line in regions.lines:
        line.cut()
    for call in (lambda: db.table("counters").get({"id": 1}), lambda: add(db.table("counters"), 1)):
        with pytest.raises(kvdb.ServiceUnavailable, match="endpoint=grpc://"):
            call()
    for line in regions.lines:
        line.heal()
    for _ in range(100):
        try:
            add(db.table("counters"), 2)
            break
        except kvdb.ServiceUnavailable as error:
            # gRPC has not dialled again yet; what was not sent may be sent again.
            assert error.never_sent
    assert {**regions.counts(0), **regions.counts(1)} == {2: 1}
