"""Regions: what sharing a table costs a put, how soon and how fast writes come to the other region.

    python -m bench.replica [--count 20000] [--cut-seconds 60]

First what ``bench.put_cost`` prints. Then two servers in processes of their own on the loopback interface,
each with a database directory, each behind a proxy through which the other one pulls. Writers and followers
are processes of their own, too. The lag is from before ``put`` is called in one region to when a follower of
the table's stream in the other has the change. ``--cut-seconds`` cuts the regions off from each other for so
long, while both are written to, and heals.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, aclosing
from pathlib import Path
from statistics import quantiles
from typing import cast

import kvdb
from bench import child, put_cost, sample_items
from bench.child import Figures
from kvdb.api.replicas import DescribeReplicas, DescribeReplicasResult
from kvdb.api.tables import CreateReplica, UpdateTable
from kvdb.client.sync import Client
from kvdb.errors import KvdbError
from tests.support.cutting_proxy import CuttingProxy

_SCHEMA = {"key": ("customer", "S"), "sort": ("order", "S")}
_PORTS = {"amsterdam": 17401, "berlin": 17402}
_TABLE = "orders"
_BATCH = 25
_LAG_S = 10
"""How long the lag is looked at, at 1,000 puts a second."""
_START_S = 2.0
"""Long enough for a follower to be there."""
_SILENCE_S = 10.0
_ASKED_EVERY_S = 0.2
_BEHIND, _APART = 1 << 26, 1 << 27
"""Where the numbers of later items begin."""


class Region:
    """One server, and the proxy through which its peer reaches it."""

    def __init__(self, root: Path, name: str, proxies: Mapping[str, CuttingProxy]) -> None:
        (peer,) = set(_PORTS) - {name}
        address = f"127.0.0.1:{_PORTS[name]}"
        command = [
            *(sys.executable, "-m", "kvdb", "serve", "--data-dir", str(root / name), "--region", name),
            *("--grpc", address, "--peer", f"{peer}={proxies[peer].target}"),
        ]
        self.proxy = proxies[name]
        self.url = f"grpc://{address}"
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()
        self.client: Client = kvdb.connect(self.url)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def fill(db: Client, table: str, start: int, count: int) -> float:
    """Seconds to write ``count`` items in batches."""
    begun = time.perf_counter()
    for at in range(start, start + count, _BATCH):
        _write_batch(db, table, at)
    return time.perf_counter() - begun


def _write_batch(db: Client, table: str, at: int) -> None:
    items = (sample_items.item(number, 1 << 30) for number in range(at, at + _BATCH))
    db.batch_write({table: [kvdb.PutRequest(item) for item in items]})


def batches(address: str, table: str, start: int, seconds: float, rate: int) -> Figures:
    """Write ``rate`` new items a second, in batches, for a while."""
    with kvdb.connect(address) as db:
        begun, at = time.perf_counter(), start
        while (spent := time.perf_counter() - begun) < seconds:
            early_s = (at - start) / rate - spent
            if early_s > 0:
                time.sleep(early_s)
            _write_batch(db, table, at)
            at += _BATCH
        return {"count": at - start, "rate": (at - start) / (time.perf_counter() - begun)}


def puts(address: str, table: str, count: int, rate: int, in_flight: int) -> Figures:
    """Put ``count`` items, each with the time of its put: ``rate`` a second; 0: as fast as they go."""
    return asyncio.run(_puts(address, table, count, rate, in_flight))


async def _puts(address: str, table: str, count: int, rate: int, in_flight: int) -> Figures:
    numbers = iter(range(count))
    took: list[float] = []
    async with await kvdb.connect_async(address) as db:
        begun = time.perf_counter()

        async def work() -> None:
            for number in numbers:
                if rate and (early_s := begun + number / rate - time.perf_counter()) > 0:
                    await asyncio.sleep(early_s)
                at = str(time.time())
                await db.table(table).put({**sample_items.item(number, count), "at": at})
                took.append((time.time() - float(at)) * 1000)

        await asyncio.gather(*(work() for _ in range(in_flight)))
        cuts = quantiles(took, n=100)
        return {"rate": count / (time.perf_counter() - begun), "p50": cuts[49], "p99": cuts[98]}


def lags(address: str, table: str, count: int) -> Figures:
    """Milliseconds from put to arrival of the next ``count`` changes, or of those that come in one go."""
    return asyncio.run(_lags(address, table, count))


async def _lags(address: str, table: str, count: int) -> Figures:
    arrived: list[float] = []
    async with await kvdb.connect_async(address) as db, aclosing(db.table(table).changes("now")) as changes:
        try:
            while len(arrived) < count:
                async with asyncio.timeout(_SILENCE_S):
                    change = await anext(changes)
                assert change.new is not None
                arrived.append((time.time() - float(str(change.new["at"]))) * 1000)
        except TimeoutError:
            pass
    if len(arrived) < count // 2:
        raise SystemExit(f"only {len(arrived)} of {count} changes came")
    cuts = quantiles(arrived, n=100)
    return {"count": len(arrived), "p50": cuts[49], "p99": cuts[98]}


def lag(source: Region, target: Region, rate: int, in_flight: int) -> str:
    """What the lag was, and how many puts a second were made."""
    count = _LAG_S * 1_000
    follower = child.begin("replica.lags", address=target.url, table=_TABLE, count=count)
    time.sleep(_START_S)
    asked = {"address": source.url, "table": _TABLE, "count": count, "rate": rate, "in_flight": in_flight}
    made = child.run("replica.puts", **asked).figures
    seen = child.end(follower).figures
    return (
        f"{made['rate']:,.0f}/s made: p50 {seen['p50']:.1f} ms, p99 {seen['p99']:.1f} ms; "
        f"of it the put: p50 {made['p50']:.1f} ms, p99 {made['p99']:.1f} ms"
    )


def until_followed(one: Client, other: Client, table: str) -> float:
    """Seconds until each has all that was written to the other."""
    begun = time.perf_counter()
    while not (_has_followed(one, table) and _has_followed(other, table)):
        # What is behind is counted for the answer: to ask more often would be part of the figure.
        time.sleep(_ASKED_EVERY_S)
    return time.perf_counter() - begun


def _has_followed(db: Client, table: str) -> bool:
    """Whether this region follows its peer, and knows that the peer has everything."""
    try:
        described = cast(DescribeReplicasResult, db.call(DescribeReplicas()))
    except KvdbError:
        return False
    return all(
        peer.is_connected
        and any(
            link.table_name == table and link.status == "ACTIVE" and not link.pending_replication_count
            for link in peer.links
        )
        for peer in described.peers
    )


def until_there(db: Client, table: str, number: int) -> float:
    """Seconds until an item is there."""
    begun = time.perf_counter()
    while db.table(table).get(sample_items.key(number, 1 << 30)) is None:
        time.sleep(0.005)
    return time.perf_counter() - begun


def digest(address: str, table: str) -> Figures:
    """How many items there are, and a number that is another one for other items."""
    count, hashed = 0, hashlib.sha256()
    with kvdb.connect(address) as db:
        for item in db.table(table).scan():
            count += 1
            hashed.update(json.dumps(item, sort_keys=True, default=str).encode())
    return {"count": count, "digest": float(int.from_bytes(hashed.digest()[:6]))}


def caught_up(one: Region, other: Region, count: int) -> str:
    """One region is cut off, and written to in batches; then it heals."""
    for region in (one, other):
        region.proxy.cut()
    took_s = fill(one.client, _TABLE, _BEHIND, count)
    for region in (one, other):
        region.proxy.heal()
    waited_s = until_there(other.client, _TABLE, _BEHIND)
    caught_s = until_there(other.client, _TABLE, _BEHIND + count - 1)
    rate = count / max(caught_s, 1e-3)
    return (
        f"{count / took_s:,.0f} items/s written; {rate:,.0f} items/s caught up with, once begun, "
        f"{waited_s:.1f} s after the heal"
    )


def converge(one: Region, other: Region, seconds: float, rate: int) -> None:
    """Both are written to while they are cut off from each other; how long they take to be the same."""
    regions = (one, other)
    for region in regions:
        region.proxy.cut()
    writers = [
        child.begin(
            "replica.batches",
            address=region.url,
            table=_TABLE,
            start=_APART * (at + 1),
            seconds=seconds,
            rate=rate,
        )
        for at, region in enumerate(regions)
    ]
    made = [child.end(writer).figures for writer in writers]
    for region in regions:
        region.proxy.heal()
    took_s = until_followed(one.client, other.client, _TABLE)
    written = " and ".join(f"{each['rate']:,.0f}" for each in made)
    behind = sum(each["count"] for each in made)
    say(
        f"cut: {written} items/s written apart for {seconds:.0f} s: all exchanged after {took_s:.1f} s, "
        f"{behind / took_s:,.0f} items/s"
    )
    digests = [child.run("replica.digest", address=region.url, table=_TABLE).figures for region in regions]
    if digests[0] != digests[1]:
        raise SystemExit(f"the regions differ: {digests}")
    say(f"cut: {digests[0]['count']:,.0f} items, the same in both")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--cut-seconds", type=int, default=0, help="0: no cut")
    parser.add_argument("--cut-rate", type=int, default=1_000, help="items a second and side")
    options = parser.parse_args(arguments)
    count = options.count
    put_cost.report(min(count, 6_000), say)
    with tempfile.TemporaryDirectory() as root, ExitStack() as stack:
        proxies = {name: stack.enter_context(CuttingProxy(f"127.0.0.1:{_PORTS[name]}")) for name in _PORTS}
        one, other = (Region(Path(root), name, proxies) for name in _PORTS)
        stack.callback(one.stop)
        stack.callback(other.stop)
        one.client.create_table(_TABLE, **_SCHEMA, stream="NEW_IMAGE")  # type: ignore[arg-type]
        took = fill(one.client, _TABLE, 0, count)
        say(f"source, BatchWriteItem from one client: {count / took:,.0f} items/s")
        while True:
            try:
                one.client.call(UpdateTable(_TABLE, replica_updates=[CreateReplica("berlin")]))
                break
            except KvdbError:
                time.sleep(0.1)
        took = until_followed(one.client, other.client, _TABLE)
        say(f"backfill: {count / took:,.0f} items/s, {count} items")
        say(f"lag, 1,000 puts/s asked for: {lag(one, other, 1_000, 64)}")
        say(f"lag, as fast as 16 puts at once go: {lag(one, other, 0, 16)}")
        say(f"behind by {count}: {caught_up(one, other, count)}")
        until_followed(one.client, other.client, _TABLE)
        if options.cut_seconds:
            converge(one, other, options.cut_seconds, options.cut_rate)
    return 0


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
