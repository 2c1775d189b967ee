"""The one command: ``python -m bench.run [--quick] [--json FILE] [--only PART]``.

Measures kvdb beside a peer that does the same work in the same run, kvdb and peer in turn, each
measurement in a process of its own; prints a table of medians, ratios first, and writes JSON.
Takes under ten minutes on two cores, ``--quick`` under one. What is compared with what stands in
``embedded``, ``items``, ``served``, ``streams`` and ``workers``; the engine's part, which has several
peers, in ``engine``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench import engine as engine_bench
from bench import served
from bench.child import run, start, wait
from bench.report import Report
from bench.stopwatch import us_each
from kvdb.env.fs import OsFileSystem, join

OUT = Path("bench/out")
ROCKSDB = "RocksDB, msgpack"
SQLITE = "SQLite, JSON column"
ECHO = "bare gRPC echo"
BARE_LOOP = "GetRecords and events alone"
NO_STREAM = "without a stream"


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    rounds: int
    items: int
    reads: int
    queries: int
    calls_alone: int
    calls_together: int
    reopen_items: int
    stream_items: int
    engine_items: list[int]
    """Sizes of the engine's own part."""


FULL = Scale(3, 100_000, 50_000, 1_000, 2_000, 8_000, 1_000_000, 100_000, [100_000])
QUICK = Scale(1, 5_000, 5_000, 100, 300, 1_500, 20_000, 5_000, [5_000])


class Bench:
    """The parts of the benchmark; each adds its figures to the report."""

    def __init__(self, scale: Scale, place: Path, report: Report) -> None:
        self._scale = scale
        self._place = place
        self._report = report
        self._directories = 0

    def disk(self) -> None:
        """What a promise costs on this disk before any database is involved."""
        fs = OsFileSystem()
        file = fs.create(join(self._fresh(), "file"))

        def append_and_sync(data: bytes) -> None:
            file.append(data)
            file.sync_data()

        figure = self._report.figure("disk: append 200 bytes and fdatasync", "us", "")
        figure.kvdb.append(us_each(append_and_sync, [bytes(200)] * 1000))
        file.close()

    def embedded(self) -> None:
        for sync in ("none", "commit"):
            for _ in range(self._scale.rounds):
                for engine in ("kvdb", "rocksdb"):
                    self._embedded_round(engine, sync)

    def _embedded_round(self, engine: str, sync: str) -> None:
        scale = self._scale
        directory = self._fresh()
        outcome = run(
            f"embedded.{engine}_operations",
            directory=directory,
            sync=sync,
            count=scale.items,
            reads=scale.reads,
            queries=scale.queries,
        )
        shutil.rmtree(directory)
        for name, value in outcome.figures.items():
            self._add(engine, f"embedded, sync {sync}: {name}", "us", ROCKSDB, value)
        self._add(engine, f"embedded, sync {sync}: peak memory", "MiB", ROCKSDB, outcome.peak_mib)
        progress(f"embedded {sync} {engine}: {outcome.figures}")

    def items(self) -> None:
        for _ in range(self._scale.rounds):
            for engine in ("kvdb", "sqlite"):
                directory = self._fresh()
                outcome = run(
                    f"items.{engine}_operations",
                    directory=directory,
                    count=self._scale.items // 5,
                    updates=self._scale.reads // 5,
                    queries=self._scale.queries // 5,
                )
                shutil.rmtree(directory)
                for name, value in outcome.figures.items():
                    self._add(engine, f"items, sync none: {name}", "us", SQLITE, value)
                progress(f"items {engine}: {outcome.figures}")

    def served(self) -> None:
        for _ in range(self._scale.rounds):
            for in_flight in (1, 32):
                calls = self._scale.calls_alone if in_flight == 1 else self._scale.calls_together
                with self._kvdb_server() as address:
                    ours = run("served.kvdb_calls", address=address, in_flight=in_flight, calls=calls)
                with _echo_servers() as (put, get):
                    theirs = run(
                        "served.echo_calls",
                        put_address=put,
                        get_address=get,
                        in_flight=in_flight,
                        calls=calls,
                    )
                for engine, outcome in (("kvdb", ours), ("echo", theirs)):
                    for name, value in outcome.figures.items():
                        what = f"gRPC, {in_flight} in flight: {name}"
                        self._add(engine, what, "us", ECHO, value)
                progress(f"served {in_flight} in flight: kvdb {ours.figures} echo {theirs.figures}")

    @contextmanager
    def _kvdb_server(self) -> Iterator[str]:
        directory = self._fresh()
        server = start("kvdb", "serve", "--data-dir", directory, "--grpc", "127.0.0.1:0")
        try:
            assert server.stdout is not None
            ready = server.stdout.readline()
            assert ready, "the server did not start"
            yield ready.strip().removeprefix("kvdb ready grpc=")
        finally:
            server.terminate()
            peak_mib = wait(server)
        shutil.rmtree(directory)
        self._add("kvdb", "gRPC: peak memory of the server", "MiB", ECHO, peak_mib)

    def engine(self) -> None:
        self._report.engine = engine_bench.measured(
            Path(self._fresh()), self._scale.engine_items, list(engine_bench.STORES)
        )

    def streams(self) -> None:
        count = self._scale.stream_items
        for _ in range(self._scale.rounds):
            for engine, with_stream in (("kvdb", True), ("without", False)):
                directory = self._fresh()
                outcome = run("streams.puts", directory=directory, count=count, with_stream=with_stream)
                shutil.rmtree(directory)
                for name, value in outcome.figures.items():
                    self._add(engine, f"streams, sync none: {name}", "us", NO_STREAM, value)
            outcome = run("streams.reads", directory=self._fresh(), count=count)
            for name, value in outcome.figures.items():
                self._add("kvdb", f"streams: {name}, a record", "us", "", value)
            with self._kvdb_server() as address:
                caught_up = run("streams.served_reads", address=address, count=count)
                latency = run("streams.served_latency", address=address, changes=min(1_000, count))
            for name, value in caught_up.figures.items():
                self._add("kvdb", f"streams, gRPC: {name}, a record", "us", "", value)
            for name, value in latency.figures.items():
                self._add("kvdb", f"streams, gRPC: put to delivery, {name}", "ms", "", value)
            progress(f"streams: {outcome.figures} {caught_up.figures} {latency.figures}")

    def workers(self) -> None:
        count = self._scale.stream_items // 2
        for _ in range(self._scale.rounds):
            for engine, function in (("kvdb", "embedded"), ("bare", "bare")):
                outcome = run(f"workers.{function}", directory=self._fresh(), count=count)
                for name, value in outcome.figures.items():
                    self._add(engine, f"worker: {name}, a record", "us", BARE_LOOP, value)
                progress(f"workers {function}: {outcome.figures}")
            with self._kvdb_server() as address:
                outcome = run("workers.served", address=address, count=count)
            for name, value in outcome.figures.items():
                self._add("kvdb", f"worker, gRPC: {name}, a record", "us", "", value)
            progress(f"workers, gRPC: {outcome.figures}")

    def reopen(self) -> None:
        count = self._scale.reopen_items
        directories = {"kvdb": self._fresh(), "rocksdb": self._fresh()}
        for engine, directory in directories.items():
            outcome = run(f"embedded.{engine}_load", directory=directory, count=count)
            prefix = f"{count:,} items"
            self._add(engine, f"{prefix}: load", "s", ROCKSDB, outcome.figures["load"])
            self._add(engine, f"{prefix}: peak memory of the load", "MiB", ROCKSDB, outcome.peak_mib)
            progress(f"load {engine}: {outcome}")
        for _ in range(self._scale.rounds):
            for engine, directory in directories.items():
                # The first open replays the log and writes what it held to a table: on a copy,
                # so that every round has it to do.
                copy = str(shutil.copytree(directory, f"{directory}-copy"))
                outcome = run(f"embedded.{engine}_reopen", directory=copy, count=count)
                shutil.rmtree(copy)
                for name, value in outcome.figures.items():
                    self._add(engine, f"{prefix}: open, read one, close, {name}", "ms", ROCKSDB, value * 1000)
                self._add(engine, f"{prefix}: peak memory of that", "MiB", ROCKSDB, outcome.peak_mib)

    def _add(self, engine: str, name: str, unit: str, peer_name: str, value: float) -> None:
        figure = self._report.figure(name, unit, peer_name)
        (figure.kvdb if engine == "kvdb" else figure.peer).append(value)

    def _fresh(self) -> str:
        self._directories += 1
        directory = self._place / str(self._directories)
        directory.mkdir()
        return str(directory)


@contextmanager
def _echo_servers() -> Iterator[tuple[str, str]]:
    """One that answers as a put does, and one as a get does."""
    servers = [start("bench.served", str(answer)) for _, answer in served.message_sizes()]
    try:
        put, get = [server.stdout.readline().strip() for server in servers if server.stdout is not None]
        yield put, get
    finally:
        for server in servers:
            server.terminate()
            wait(server)


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the work, once: a smoke test")
    parser.add_argument("--json", type=Path, default=OUT / "bench.json", metavar="FILE")
    parser.add_argument(
        "--only",
        choices=["embedded", "items", "served", "streams", "workers", "reopen", "engine"],
        help="one part",
    )
    parser.add_argument("--stream-items", type=int, metavar="N", help="changes that streams are read of")
    parser.add_argument(
        "--engine-items",
        type=int,
        nargs="+",
        metavar="N",
        help="sizes of the engine's part, say 100000 1000000 5000000, which takes an hour",
    )
    chosen = parser.parse_args(arguments)
    scale = QUICK if chosen.quick else FULL
    if chosen.engine_items:
        scale = replace(scale, engine_items=chosen.engine_items)
    if chosen.stream_items:
        scale = replace(scale, stream_items=chosen.stream_items)
    report = Report(asdict(scale))
    OUT.mkdir(exist_ok=True)
    # On the disk that the project is on: the system's temporary directory may be in memory.
    with tempfile.TemporaryDirectory(dir=OUT, prefix="work-") as place:
        bench = Bench(scale, Path(place), report)
        parts: dict[str, Callable[[], None]] = {
            "embedded": bench.embedded,
            "items": bench.items,
            "served": bench.served,
            "streams": bench.streams,
            "workers": bench.workers,
            "reopen": bench.reopen,
            "engine": bench.engine,
        }
        bench.disk()
        for name, part in parts.items():
            if chosen.only in (None, name):
                part()
    print(report.as_table())
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
    progress(f"written {chosen.json}")


if __name__ == "__main__":
    main(sys.argv[1:])
