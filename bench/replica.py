"""Regions: what sharing a table costs a put, how soon and how fast writes come to the other region.

    python -m bench.replica [--count 20000]

First what ``bench.put_cost`` prints. Then two servers in processes of their own on the loopback interface,
each with a database directory. The lag is from before
``put`` is called in one region to when a follower of the table's stream in the other has the change.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from statistics import quantiles
from typing import cast

import kvdb
from bench import put_cost, sample_items
from kvdb.api.replicas import DescribeReplicas, DescribeReplicasResult
from kvdb.api.tables import CreateReplica, UpdateTable
from kvdb.client.sync import Client
from kvdb.errors import KvdbError

_SCHEMA = {"key": ("customer", "S"), "sort": ("order", "S")}
_PORTS = {"amsterdam": 17401, "berlin": 17402}


class Region:
    """One server."""

    def __init__(self, root: Path, name: str) -> None:
        (peer,) = set(_PORTS) - {name}
        self._command = [
            *(sys.executable, "-m", "kvdb", "serve", "--data-dir", str(root / name), "--region", name),
            *("--grpc", f"127.0.0.1:{_PORTS[name]}", "--peer", f"{peer}=grpc://127.0.0.1:{_PORTS[peer]}"),
        ]
        self.start()
        self.client: Client = kvdb.connect(f"grpc://127.0.0.1:{_PORTS[name]}")

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def fill(db: Client, table: str, start: int, count: int) -> float:
    """Seconds to write ``count`` items in batches."""
    begun = time.perf_counter()
    for at in range(start, start + count, 25):
        db.batch_write({table: [kvdb.PutRequest(sample_items.item(n, 1 << 30)) for n in range(at, at + 25)]})
    return time.perf_counter() - begun


def until_followed(source: Client, target: Client, table: str) -> float:
    """Seconds until the target has all that was written to the source."""
    begun = time.perf_counter()
    while True:
        try:
            links = {
                link.table_name: link
                for of in (source, target)
                for peer in cast(DescribeReplicasResult, of.call(DescribeReplicas())).peers
                for link in peer.links
                if peer.is_connected and (of is source or link.status != "ACTIVE")
            }
            if (
                table in links
                and links[table].status == "ACTIVE"
                and not links[table].pending_replication_count
            ):
                return time.perf_counter() - begun
        except KvdbError:
            pass
        time.sleep(0.05)


def lag(source: Client, target: Client, table: str, count: int, pace_s: float) -> tuple[float, float, float]:
    """Milliseconds, median and 99th percentile, and the puts a second that were made."""
    arrived: list[float] = []
    ready = threading.Event()

    def follow() -> None:
        with closing(target.table(table).changes("now")) as changes:
            ready.set()
            for change in islice(changes, count):
                assert change.new is not None
                arrived.append((time.time() - float(str(change.new["at"]))) * 1000)

    follower = threading.Thread(target=follow)
    follower.start()
    ready.wait()
    time.sleep(1)
    begun = time.perf_counter()
    for number in range(count):
        due = begun + number * pace_s
        while (early := due - time.perf_counter()) > 0:
            time.sleep(early)
        source.table(table).put({**sample_items.item(number, count), "at": str(time.time())})
    rate = count / (time.perf_counter() - begun)
    follower.join(timeout=60)
    cuts = quantiles(arrived, n=100)
    return cuts[49], cuts[98], rate


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    count = parser.parse_args(arguments).count
    put_cost.report(min(count, 6_000), say)
    with tempfile.TemporaryDirectory() as root, ExitStack() as stack:
        one, other = (Region(Path(root), name) for name in _PORTS)
        stack.callback(one.stop)
        stack.callback(other.stop)
        one.client.create_table("orders", **_SCHEMA, stream="NEW_IMAGE")  # type: ignore[arg-type]
        took = fill(one.client, "orders", 0, count)
        say(f"source, BatchWriteItem from one client: {count / took:,.0f} items/s")
        while True:
            try:
                one.client.call(UpdateTable("orders", replica_updates=[CreateReplica("berlin")]))
                break
            except KvdbError:
                time.sleep(0.1)
        took = until_followed(one.client, other.client, "orders")
        say(f"backfill: {count / took:,.0f} items/s, {count} items")
        for pace_s, name in ((0.001, "1,000 puts/s asked for"), (0, "as fast as one client puts")):
            middle, late, rate = lag(one.client, other.client, "orders", min(count, 5_000), pace_s)
            say(f"lag, {name} ({rate:,.0f}/s made): p50 {middle:.1f} ms, p99 {late:.1f} ms")
        other.stop()
        fill(one.client, "orders", count, count)
        other.start()
        took = until_followed(one.client, other.client, "orders")
        say(f"convergence, {count} writes behind: {took:.1f} s, {count / took:,.0f} items/s")
    return 0


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
