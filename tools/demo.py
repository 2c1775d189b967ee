"""The main job on real input: ``make demo``.

Starts a server on a fresh directory, loads every airport of the ``airportsdata`` package over
gRPC, asks what a person would ask, kills the server with -9 in the middle of writing, starts it
again, and shows that nothing acknowledged was lost. Every answer is compared with the same
question put to the data in memory; the first that differs ends the demo with exit code 1.
"""

from __future__ import annotations

import hashlib
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path

import airportsdata

import kvdb
from kvdb import Attr, Key, PutRequest
from kvdb.client.sync import Client
from kvdb.client.sync_table import Table

LOADERS = 4
WRITERS = 4
CHUNK_ITEMS = 250
ACKNOWLEDGED_BEFORE_KILL = 500
START_SECONDS_MAX = 30.0
HIGH_METRES = 2000

Item = dict[str, object]


class CheckFailed(Exception):
    """An answer is not what the data says."""


def check(holds: bool, claim: str) -> None:
    if not holds:
        raise CheckFailed(claim)


class Server:
    """``kvdb serve`` as a process of its own."""

    def __init__(self, directory: Path) -> None:
        self._data = directory / "data"
        self.log = directory / "server.log"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Start it, and give its endpoint when it says that it is ready."""
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "kvdb",
                    "serve",
                    "--data-dir",
                    str(self._data),
                    "--grpc",
                    "127.0.0.1:0",
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], START_SECONDS_MAX)
        line = self._process.stdout.readline() if readable else ""
        check(line.startswith("kvdb ready grpc="), f"the server did not start: {line!r}")
        return "grpc://" + line.strip().removeprefix("kvdb ready grpc=")

    def kill(self) -> None:
        """What a power cut or the kernel's memory killer would do to the process."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """Ask politely; the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=30)

    def close(self) -> None:
        """Whatever happened: no process is left behind."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()


class Story:
    """What the reader sees: one line a step, with its time."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._steps = 0

    @contextmanager
    def step(self, title: str) -> Iterator[list[str]]:
        """Time a step; what is appended to the list is printed beside and below its title."""
        self._steps += 1
        print(f"{self._steps:>2}  {title:<52}", end="", flush=True)
        notes: list[str] = []
        started = time.perf_counter()
        try:
            yield notes
        except BaseException:
            print()
            raise
        seconds = time.perf_counter() - started
        print(f"{seconds:7.2f} s   {notes[0] if notes else ''}")
        for note in notes[1:]:
            print(f"      {note}")

    def total_seconds(self) -> float:
        return time.perf_counter() - self._started


def real_airports() -> list[Item]:
    """Every airport as an item; heights and places as exact decimals, empty fields left out."""
    airports = airportsdata.load().values()
    return [
        {
            name: Decimal(repr(value)) if isinstance(value, float) else value
            for name, value in airport.items()
            if value != ""
        }
        for airport in airports
    ]


def checksum(items: Iterable[Item]) -> str:
    """One number for a set of items, whatever their order and the form of their numbers."""

    def plain(value: object) -> str:
        is_number = isinstance(value, int | Decimal)
        return f"{Decimal(value).normalize():f}" if is_number else f"'{value}'"

    lines = sorted(repr(sorted((name, plain(value)) for name, value in item.items())) for item in items)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def load(db: Client, airports: list[Item]) -> None:
    """Put all of them, from several threads."""
    chunks = [airports[at : at + CHUNK_ITEMS] for at in range(0, len(airports), CHUNK_ITEMS)]
    with ThreadPoolExecutor(LOADERS) as pool:
        # The list makes an error of any thread come out here.
        list(pool.map(lambda chunk: db.batch_write({"airports": map(PutRequest, chunk)}), chunks))


class Writers:
    """Threads that put one visit after the other until the server is gone; they remember each answer."""

    def __init__(self, visits: Table) -> None:
        self._visits = visits
        self._ledgers: list[list[int]] = [[] for _ in range(WRITERS)]
        self._threads = [threading.Thread(target=self._write, args=(n,)) for n in range(WRITERS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()
        deadline = time.monotonic() + START_SECONDS_MAX
        while sum(map(len, self._ledgers)) < ACKNOWLEDGED_BEFORE_KILL:
            check(time.monotonic() < deadline, "the writers make no progress")
            time.sleep(0.005)

    def join(self) -> list[list[int]]:
        """Which visits were acknowledged, writer by writer."""
        for thread in self._threads:
            thread.join()
        return self._ledgers

    def _write(self, writer: int) -> None:
        ledger = self._ledgers[writer]
        while True:
            number = len(ledger)
            try:
                self._visits.put({"writer": writer, "number": number, "note": "x" * 100})
            except kvdb.KvdbError:
                return
            ledger.append(number)


def ask(story: Story, table: Table, airports: list[Item]) -> None:
    """The questions of a person, each checked against the data in memory."""
    with story.step("a country's airports: Iceland") as notes:
        found = list(table.query(Key("country").eq("IS")))
        check(found == sorted(found, key=lambda a: str(a["icao"])), "a query answers in sort-key order")
        check(checksum(found) == checksum(a for a in airports if a["country"] == "IS"), "Iceland is complete")
        notes.append(f"{len(found)} airports")

    with story.step(f"those above {HIGH_METRES} m in Peru, highest first") as notes:
        metres = Decimal(HIGH_METRES) / Decimal("0.3048")
        high = list(table.query(Key("country").eq("PE"), filter=Attr("elevation").gt(metres)))
        wanted = [a for a in airports if a["country"] == "PE" and number(a, "elevation") > metres]
        check(checksum(high) == checksum(wanted), "the high airports of Peru are complete")
        high.sort(key=lambda a: number(a, "elevation"), reverse=True)
        notes.append(f"{len(high)} airports")
        notes += [
            f"{a['icao']}  {number(a, 'elevation') * Decimal('0.3048'):6.0f} m  {a['name']}" for a in high[:3]
        ]

    with story.step("one airport by its key: BIKF") as notes:
        keflavik = table.get({"country": "IS", "icao": "BIKF"})
        check(keflavik is not None, "BIKF is there")
        notes.append(str((keflavik or {})["name"]))

    with story.step("a second BIKF, if there is none yet") as notes:
        try:
            table.put({"country": "IS", "icao": "BIKF"}, condition=Attr("icao").not_exists())
            raise CheckFailed("a condition that does not hold refuses the put")
        except kvdb.ConditionalCheckFailed as error:
            notes.append(f"refused: {error.code}")
        check(table.get({"country": "IS", "icao": "BIKF"}) == keflavik, "a refused put changes nothing")

    with story.step("the United States, page by page to the end") as notes:
        pages, count, start = 0, 0, None
        while pages == 0 or start is not None:
            page = table.query_page("country = :c", values={":c": "US"}, limit=1000, start_key=start)
            pages, count, start = pages + 1, count + page.count, page.last_evaluated_key
        check(count == sum(a["country"] == "US" for a in airports), "the pages hold every airport once")
        notes.append(f"{count:,} airports on {pages} pages")


def number(item: Item, name: str) -> Decimal:
    value = item[name]
    assert isinstance(value, int | Decimal)
    return Decimal(value)


def recover(story: Story, server: Server, endpoint: str, airports: list[Item]) -> None:
    """Kill the server while it is written to, and look for everything it said was safe."""
    with kvdb.connect(endpoint) as db:
        writers = Writers(db.create_table("visits", key=("writer", "N"), sort=("number", "N")))
        with story.step(f"{WRITERS} writers; kill -9 while they write") as notes:
            writers.start()
            server.kill()
            ledgers = writers.join()
            acknowledged = sum(map(len, ledgers))
            notes.append(f"{acknowledged:,} writes acknowledged")

    with story.step("start the server again on the same directory") as notes:
        endpoint = server.start()
        notes.append("recovered")

    with kvdb.connect(endpoint) as db:
        with story.step("is every acknowledged write there?") as notes:
            kept = 0
            for writer, ledger in enumerate(ledgers):
                numbers = [visit["number"] for visit in db.table("visits").query(Key("writer").eq(writer))]
                check(numbers[: len(ledger)] == ledger, f"all acknowledged visits of writer {writer} survive")
                # The one under way when the server died may be there or not.
                check(len(numbers) <= len(ledger) + 1, "nothing is there that nobody wrote")
                kept += len(ledger)
            notes.append(f"{kept:,} of {acknowledged:,}, 0 lost")

        with story.step("read every airport back: count and checksum") as notes:
            survivors = list(db.table("airports").scan())
            check(len(survivors) == len(airports), f"{len(survivors)} airports of {len(airports)} are there")
            before, after = checksum(airports), checksum(survivors)
            check(before == after, f"the checksum is the same: {before} before, {after} after")
            notes.append(f"{len(survivors):,} airports, {after} = {before}")


def tell(story: Story, server: Server) -> None:
    with story.step("read the airports from the package") as notes:
        airports = real_airports()
        notes.append(f"{len(airports):,} airports")

    with story.step("start a server on a fresh directory") as notes:
        endpoint = server.start()
        notes.append(endpoint)

    with kvdb.connect(endpoint) as db:
        table = db.create_table("airports", key=("country", "S"), sort=("icao", "S"))
        with story.step("load all of them over gRPC") as notes:
            started = time.perf_counter()
            load(db, airports)
            notes.append(
                f"{len(airports) / (time.perf_counter() - started):,.0f} items/s, every write synced"
            )
        ask(story, table, airports)

    recover(story, server, endpoint, airports)

    with story.step("stop the server with SIGTERM") as notes:
        code = server.stop()
        check(code == 0, f"a stopped server exits 0, not {code}")
        notes.append("exit code 0")


def main() -> int:
    story = Story()
    with tempfile.TemporaryDirectory(prefix="kvdb-demo-") as directory, ExitStack() as stack:
        server = Server(Path(directory))
        stack.callback(server.close)
        print(f"kvdb {version('kvdb')} on Python {sys.version.split()[0]}\n")
        try:
            tell(story, server)
        except (CheckFailed, kvdb.KvdbError) as error:
            print(f"\nFAILED: {error}", file=sys.stderr)
            log = server.log.read_text() if server.log.exists() else ""
            print("the end of the server's log:\n" + "\n".join(log.splitlines()[-20:]), file=sys.stderr)
            return 1
        print(f"\nAll as it should be, in {story.total_seconds():.1f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
