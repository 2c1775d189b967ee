"""The engine beside RocksDB, LevelDB and LMDB: ``python -m bench.engine [--items N ...] [--json FILE]``.

Items of about 200 bytes under keys whose order is not the order of writing, each store and each
step in a process of its own, one store after the other in the same run:

    put        load all items, nothing synced            get      hit, miss, and hit with an empty cache
    commit     durable puts, by 1 and by 16 threads      scan     of 100, all, of 100 backwards
    mixed      half puts, half gets, on the full store, enough of them that it compacts meanwhile
    reopen     after a close, and after a kill

Write amplification is what the processes of a store have written (Linux: /proc/PID/io, log and
worker process included) by the bytes of keys and values; space is what the directory holds. LMDB
writes through a map, of which that counts nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import msgpack
from tabulate import tabulate

from bench import child, sample_items
from bench.child import Figures
from bench.stopwatch import seconds, us_each
from bench.stores import STORES, Store

OUT = Path("bench/out")
READS = 20_000
SCANS = 300
COMMITS = 2_000
MIXED = 500_000
"""Operations; the puts among them are some 60 MB, several memtables of every store."""
THREADS = 16


def key_of(number: int) -> bytes:
    """A key whose place has nothing to do with ``number``: rows of a table are spread by a hash."""
    spread = number * 0x9E3779B97F4A7C15 & 0xFFFFFFFF
    return b"%08x/customer-%07d/order-%010d" % (spread, number % 10_007, number)


def miss_of(number: int) -> bytes:
    return key_of(number) + b"?"


def load(store: str, directory: str, count: int) -> Figures:
    """Put everything; the amplifications."""
    db = STORES[store](directory, "none")
    user_bytes = 0

    def put_all() -> None:
        nonlocal user_bytes
        for number in range(count):
            key, item = key_of(number), sample_items.item(number, count)
            db.put(key, item)
            user_bytes += len(key)

    put_s = seconds(put_all)
    sampled = range(0, count, 97)
    user_bytes += sum(len(msgpack.packb(sample_items.item(number, count))) for number in sampled) * 97
    # Background work goes on after the last put, and counts.
    written = _settled_bytes_written()
    db.close()
    return {
        "put, sync none (us)": (put_s - _making_s(count)) * 1e6 / count,
        "write amplification": written / user_bytes,
        "space amplification": _directory_bytes(directory) / user_bytes,
    }


def _making_s(count: int) -> float:
    """What making keys and items takes, which is no part of a put."""
    some = range(0, count, max(1, count // 20_000))
    return us_each(lambda number: (key_of(number), sample_items.item(number, count)), some) * count / 1e6


def commits(store: str, directory: str) -> Figures:
    """Durable puts by one thread and by many."""
    db = STORES[store](directory, "commit")
    items = [(key_of(number), sample_items.item(number, COMMITS)) for number in range(COMMITS)]
    alone = us_each(lambda pair: db.put(*pair), items)

    def write(part: Iterable[tuple[bytes, sample_items.Item]]) -> None:
        for pair in part:
            db.put(*pair)

    threads = [threading.Thread(target=write, args=(items[place::THREADS],)) for place in range(THREADS)]

    def together() -> None:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    together_us = seconds(together) * 1e6 / COMMITS
    db.close()
    return {
        "put, sync commit, 1 thread (us)": alone,
        f"put, sync commit, {THREADS} threads (us)": together_us,
        f"commits of {THREADS} threads by those of 1": alone / together_us,
    }


def reads(store: str, directory: str, count: int) -> Figures:
    db = STORES[store](directory, "none")
    numbers = sample_items.random_numbers(count, READS)
    cold = us_each(db.get, [key_of(number) for number in numbers[: READS // 10]])
    keys = [key_of(number) for number in numbers]
    us_each(db.get, keys)
    starts = [key_of(number) for number in sample_items.random_numbers(count, SCANS, seed=2)]
    figures = {
        "get, hit (us)": us_each(db.get, keys),
        "get, miss (us)": us_each(db.get, [miss_of(number) for number in numbers]),
        "get, cold cache (us)": cold,
        "scan of 100 (us)": us_each(lambda start: db.scan(start, 100), starts),
        "scan of 100 backwards (us)": us_each(lambda start: db.scan(start, 100, reverse=True), starts),
    }
    found: list[int] = []
    figures["scan all, an item (us)"] = seconds(lambda: found.append(db.scan_all())) * 1e6 / count
    assert found == [count], f"{store} holds {found} of {count}"
    db.close()
    return figures


def mixed(store: str, directory: str, count: int) -> Figures:
    """Half puts of known keys, half gets, on the full store: each put feeds compaction."""
    db: Store = STORES[store](directory, "none")
    chance = random.Random(5)
    value = sample_items.item(1, count)
    puts: list[float] = []
    gets: list[float] = []
    clock = time.perf_counter
    written = sum(map(_bytes_written, _processes()))
    for _ in range(MIXED // 2):
        key = key_of(chance.randrange(count))
        start = clock()
        db.put(key, value)
        middle = clock()
        db.get(key_of(chance.randrange(count)))
        gets.append(clock() - middle)
        puts.append(middle - start)
    figures = {}
    for name, times in (("put", puts), ("get", gets)):
        times.sort()
        for share in (50, 99, 99.9):
            place = min(len(times) - 1, int(len(times) * share / 100))
            figures[f"mixed: {name} p{share:g} (us)"] = times[place] * 1e6
    # Above 1 by as much as was flushed and compacted meanwhile.
    written = sum(map(_bytes_written, _processes())) - written
    user_bytes = len(puts) * (len(key) + len(msgpack.packb(value)))
    figures["mixed: bytes written by bytes put"] = written / user_bytes
    db.close()
    return figures


def reopen(store: str, directory: str, count: int, what: str) -> Figures:
    """From nothing to the first item."""
    found: list[object] = []

    def open_and_get() -> None:
        db = STORES[store](directory, "none")
        found.append(db.get(key_of(count // 2)))
        found.append(db)

    took = seconds(open_and_get)
    assert found[0] is not None
    found[1].close()  # type: ignore[attr-defined]
    return {f"reopen after {what} (ms)": took * 1000}


def write_and_die(store: str, directory: str, count: int) -> Figures:
    """Put a twentieth again, and end as a killed process does."""
    db = STORES[store](directory, "none")
    for number in range(0, count, 20):
        db.put(key_of(number), sample_items.item(number, count))
    print(json.dumps({}), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("not reached")


def _settled_bytes_written() -> float:
    """What this process and its children have written, once that stands still."""
    before, quiet = -1, 0
    while quiet < 4:
        time.sleep(0.25)
        written = sum(map(_bytes_written, _processes()))
        quiet = quiet + 1 if written == before else 0
        before = written
    return before


def _processes() -> list[int]:
    found = [os.getpid()]
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            found += map(int, (task / "children").read_text(encoding="ascii").split())
    return found


def _bytes_written(process: int) -> int:
    try:
        text = Path(f"/proc/{process}/io").read_text(encoding="ascii")
    except OSError:
        return 0
    return int(dict(line.split(": ") for line in text.splitlines())["wchar"])


def _directory_bytes(directory: str) -> int:
    # Blocks, not lengths: LMDB's file is sparse.
    return sum(path.stat().st_blocks * 512 for path in Path(directory).rglob("*") if path.is_file())


class Run:
    """All steps for all stores at one size."""

    def __init__(self, place: Path, count: int, stores: list[str]) -> None:
        self.count = count
        self.figures: dict[str, dict[str, float]] = {}
        self._place = place
        self._stores = stores

    def run(self) -> None:
        for store in self._stores:
            directory = self._place / f"{store}-{self.count}"
            directory.mkdir()
            self._step("load", store, directory)
            self._step("reopen", store, directory, what="a close")
            self._step("reads", store, directory)
            self._step("mixed", store, directory)
            with contextlib.suppress(SystemExit):
                child.run("engine.write_and_die", store=store, directory=str(directory), count=self.count)
            self._step("reopen", store, directory, what="a kill")
            shutil.rmtree(directory)
            directory.mkdir()
            self._add(store, child.run("engine.commits", store=store, directory=str(directory)))
            shutil.rmtree(directory)

    def _step(self, name: str, store: str, directory: Path, **settings: str) -> None:
        outcome = child.run(
            f"engine.{name}", store=store, directory=str(directory), count=self.count, **settings
        )
        self._add(store, outcome)
        if name in ("load", "reads"):
            self._put(store, f"peak memory of {name} (MiB)", outcome.peak_mib)
        print(f"{store} {self.count:,} {name}: {outcome}", file=sys.stderr, flush=True)

    def _add(self, store: str, outcome: child.Outcome) -> None:
        for name, value in outcome.figures.items():
            self._put(store, name, value)

    def _put(self, store: str, name: str, value: float) -> None:
        self.figures.setdefault(name, {})[store] = value

    def as_table(self) -> str:
        rows = [
            [name, *(f"{by[store]:,.2f}" if store in by else "-" for store in self._stores), _ratio(by)]
            for name, by in self.figures.items()
        ]
        title = f"{self.count:,} items"
        return tabulate(rows, [title, *self._stores, "rocksdict / kvdb"], disable_numparse=True)


def _ratio(by: dict[str, float]) -> str:
    """Above 1: kvdb is better, where less is better."""
    return f"{by['rocksdict'] / by['kvdb']:.2f}" if by.get("kvdb") and "rocksdict" in by else "-"


def measured(place: Path, counts: list[int], stores: list[str]) -> dict[str, dict[str, dict[str, float]]]:
    """Every step at every size; prints a table a size. By size and figure and store."""
    results = {}
    for count in counts:
        run = Run(place, count, stores)
        run.run()
        print(run.as_table(), end="\n\n", flush=True)
        results[str(count)] = run.figures
    return results


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.engine", description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, nargs="+", default=[100_000, 1_000_000], metavar="N")
    parser.add_argument("--stores", nargs="+", choices=list(STORES), default=list(STORES))
    parser.add_argument("--json", type=Path, default=OUT / "engine.json", metavar="FILE")
    chosen = parser.parse_args(arguments)
    OUT.mkdir(exist_ok=True)
    # On the disk that the project is on: the system's temporary directory may be in memory.
    with tempfile.TemporaryDirectory(dir=OUT, prefix="work-") as place:
        results = measured(Path(place), chosen.items, chosen.stores)
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
