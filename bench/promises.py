"""Regions: what a session, and waiting for the other region, adds to a put and to a read.

    python -m bench.promises [--count 300]

Two servers as in ``bench.replica``, and one client of both. The kinds of calls take turns, so that whatever
else the machine does meets all of them alike. Times are of the caller, in milliseconds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

from bench.replica import _PORTS, _SCHEMA, _TABLE, Region, say, until_followed
from bench.sample_items import item
from kvdb.api.tables import CreateReplica, UpdateTable
from kvdb.errors import KvdbError
from tests.support.cutting_proxy import CuttingProxy


def timed(calls: dict[str, Callable[[int], object]], count: int) -> dict[str, list[float]]:
    """Milliseconds of each call, by its name."""
    took: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(count):
        for name, call in calls.items():
            begun = time.perf_counter()
            call(number)
            took[name].append((time.perf_counter() - begun) * 1000)
    return took


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=300)
    count = parser.parse_args(arguments).count
    with tempfile.TemporaryDirectory() as root, ExitStack() as stack:
        proxies = {name: stack.enter_context(CuttingProxy(f"127.0.0.1:{_PORTS[name]}")) for name in _PORTS}
        one, other = (Region(Path(root), name, proxies) for name in _PORTS)
        stack.callback(one.stop)
        stack.callback(other.stop)
        one.client.create_table(_TABLE, **_SCHEMA)  # type: ignore[arg-type]
        while True:
            try:
                one.client.call(UpdateTable(_TABLE, replica_updates=[CreateReplica("berlin")]))
                break
            except KvdbError:
                time.sleep(0.1)
        until_followed(one.client, other.client, _TABLE)
        here, there = one.client.table(_TABLE), other.client.table(_TABLE)
        session = one.client.session()
        key = {name: item(0, count)[name] for name in ("customer", "order")}

        def read_there(number: int) -> None:
            session.table(_TABLE).put(item(number, count))
            other.client.session(session.token).table(_TABLE).get(key)

        calls: dict[str, Callable[[int], object]] = {
            "put": lambda number: here.put(item(number, count)),
            "put, replicate_to=1": lambda number: here.put(item(number, count), replicate_to=1),
            "put in a session": lambda number: session.table(_TABLE).put(item(number, count)),
            "put, and get of its session in the other region": read_there,
            "get": lambda number: there.get(key),
            "get in a session that waits for nothing": lambda number: session.table(_TABLE).get(key),
        }
        timed(calls, 20)
        for name, took in timed(calls, count).items():
            say(f"{name}: median {median(took):.2f} ms, p99 {quantiles(took, n=100)[98]:.2f} ms")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
