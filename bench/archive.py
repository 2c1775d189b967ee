"""What a continuous archive costs, and how fast a point is restored.

    python -m bench.archive [--items 1000000] [--rounds 5] [--directory DIR]

Puts: rounds of puts of 200-byte items, one at a time, by one thread, in mode none (where archiving costs
most beside the put itself) and commit, with and without an archive in a directory on the same disk; the
rounds are interleaved, and the figures are medians, the last ones of the ratios. Restore: a database of
``--items`` items, half of them in the base and half in the log behind it, is restored to its newest point.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from kvdb.api.items import PutRequest
from kvdb.backup.archive_history import archived_databases, read_history
from kvdb.backup.places import open_store
from kvdb.backup.restore import restore
from kvdb.client import connect
from kvdb.client.sync import Client
from kvdb.env.env import Env
from kvdb.options import ArchiveOptions, DatabaseOptions, EngineOptions, SyncMode

_VALUE = "v" * 100
_BATCH = 25
_WAIT_S = 0.02


def opened(place: Path, sync: SyncMode, *, is_archived: bool) -> Client:
    """A database, with the archive beside it or without."""
    archive = ArchiveOptions(str(place / "store")) if is_archived else None
    options = DatabaseOptions(engine=EngineOptions(sync=sync), archive=archive)
    return connect.open(str(place / "db"), options=options)


class Timed(NamedTuple):
    """What a put takes, in microseconds: by the clock, and of all threads' processor time."""

    wall_us: float
    processor_us: float


def timed_puts(client: Client, count: int, start: int) -> Timed:
    """Puts of one item each, from one thread."""
    table = client.table("bench")
    began, spent = time.perf_counter(), time.process_time()
    for number in range(start, start + count):
        table.put({"id": number, "name": f"item {number}", "value": _VALUE})
    each_us = 1e6 / count
    return Timed((time.perf_counter() - began) * each_us, (time.process_time() - spent) * each_us)


def cost(directory: Path, sync: SyncMode, *, rounds: int, count: int) -> None:
    """Interleaved rounds with and without an archive."""
    with tempfile.TemporaryDirectory(dir=directory) as made:
        plain = opened(Path(made, "plain"), sync, is_archived=False)
        archived = opened(Path(made, "archived"), sync, is_archived=True)
        with plain, archived:
            for client in (plain, archived):
                client.create_table("bench", key=("id", "N"))
                timed_puts(client, count // 10, 0)
            wait_for_base(archived)
            pairs: list[tuple[Timed, Timed]] = []
            for turn in range(rounds):
                start = (turn + 1) * count
                order = (plain, archived) if turn % 2 else (archived, plain)
                found = {client: timed_puts(client, count, start) for client in order}
                pairs.append((found[plain], found[archived]))
    without, with_archive = (
        Timed(*map(statistics.median, zip(*each, strict=True))) for each in zip(*pairs, strict=True)
    )
    wall, processor = (
        statistics.median(after[field] / before[field] for before, after in pairs) - 1 for field in (0, 1)
    )
    print(
        f"put, sync {sync}: {without.wall_us:.1f} us without, {with_archive.wall_us:.1f} us with an archive:"
        f" {wall:+.1%} ({processor:+.1%} processor time)",
        flush=True,
    )


def wait_for_base(client: Client) -> None:
    """Until the archive has what it begins with."""
    while (found := client.archive()) is not None and found.base_seqno is None:
        time.sleep(_WAIT_S)


def restoring(directory: Path, items: int) -> None:
    """A restore to the newest point."""
    with tempfile.TemporaryDirectory(dir=directory) as made:
        place = Path(made)
        with opened(place, "none", is_archived=False) as client:
            client.create_table("bench", key=("id", "N"))
            fill(client, 0, items // 2)
        with opened(place, "none", is_archived=True) as client:
            wait_for_base(client)
            fill(client, items // 2, items)
        env = Env.system()
        store = open_store(str(place / "store"), env)
        history = read_history(store, archived_databases(store)[0])
        began = time.perf_counter()
        plan = history.plan(history.last_seqno)
        restore(env, plan, str(place / "restored"))
        spent = time.perf_counter() - began
        with connect.open(str(place / "restored")) as client:
            for number in (0, items // 2, items - 1):
                assert client.table("bench").get({"id": number}) is not None
            count = client.table("bench").count()
        assert count == items, count
        behind = plan.seqno - plan.manifest.seqno
        print(
            f"restore of {items:,} items, {behind:,} commits behind the base: {spent:.2f} s,"
            f" {items / spent:,.0f} items/s"
        )


def fill(client: Client, start: int, end: int) -> None:
    """Items by batches."""
    for first in range(start, end, _BATCH):
        numbers = range(first, min(first + _BATCH, end))
        items = [{"id": number, "name": f"item {number}", "value": _VALUE} for number in numbers]
        client.batch_write({"bench": [PutRequest(item) for item in items]})


def main() -> None:
    parser = argparse.ArgumentParser(description="What an archive costs, and how fast a point is restored.")
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--puts", type=int, default=40_000, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--directory", type=Path, default=None, help="where databases and stores are made")
    options = parser.parse_args()
    for sync in ("none", "commit"):
        cost(options.directory, sync, rounds=options.rounds, count=options.puts)
    restoring(options.directory, options.items)


if __name__ == "__main__":
    main()
