"""Backups: how fast they are made and restored, and what one costs after a hundredth has changed.

    python -m bench.backup [--items N] [--rounds N] [--json FILE]

Items of about 200 bytes in one table, in a directory on disk; the store is another one. Each step in a
process of its own. "Bytes" are those of the backup's files, which are compressed. After the first
backup every item of one customer in a hundred is put again and backed up, ``rounds`` times, each time
those of others.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

from tabulate import tabulate

import kvdb
from bench import child, sample_items
from bench.child import Figures
from bench.stopwatch import seconds
from kvdb.backup import on_demand, restore, shelf
from kvdb.backup.drill import drill as drilled
from kvdb.backup.manifest import Manifest
from kvdb.backup.places import open_store
from kvdb.backup.verify import verify as verified
from kvdb.env.env import Env
from kvdb.lsm.engine import Engine

OUT = Path("bench/out")
_MB = 1e6


def load(directory: str, count: int) -> Figures:
    """The database to back up, settled."""
    with kvdb.open(directory, sync="none") as db:
        table = db.create_table("orders", key=("customer", "S"), sort=("order", "S"))
        for item in sample_items.items(count):
            table.put(item)
    return {}


def change(directory: str, count: int, which: int) -> Figures:
    """Put a hundredth again: all items of one customer in a hundred."""
    with kvdb.open(directory, sync="none") as db:
        table = db.table("orders")
        for number in range(which, count, 100):
            table.put({**sample_items.item(number, count), "total": -which})
    return {}


def create(directory: str, store: str) -> Figures:
    env = Env.system()
    engine = Engine.open(directory, env)
    made: list[Manifest] = []
    took = seconds(lambda: made.append(on_demand.create(env, engine, open_store(store, env))))
    engine.close()
    env.jobs.close()
    return {"s": took, "bytes": made[0].size_bytes, "stored": made[0].stored_bytes}


def restored(store: str, target: str) -> Figures:
    env = Env.system()
    place = open_store(store, env)
    newest = shelf.backup_ids(place)[-1]
    took = seconds(lambda: restore.restore(env, restore.plan_backup(place, newest), target))
    return {"s": took}


def looked_at(store: str, scratch: str, level: str) -> Figures:
    env = Env.system()
    place = open_store(store, env)
    newest = shelf.backup_ids(place)[-1]

    def look() -> None:
        if level == "drill":
            outcome = drilled(env, place, newest, scratch_parent=scratch)
        else:
            outcome = verified(env, place, newest, level, scratch_parent=scratch)  # type: ignore[arg-type]
        assert outcome.is_clean, outcome.findings

    took = seconds(look)
    env.jobs.close()
    return {"s": took}


def measured(place: Path, count: int, rounds: int) -> dict[str, dict[str, float]]:
    """Every step; its seconds, and its peak memory."""
    data, store = str(place / "data"), str(place / "store")
    child.run("backup.load", directory=data, count=count)
    full = child.run("backup.create", directory=data, store=store)
    size = full.figures["bytes"]
    rows: dict[str, dict[str, float]] = {}

    def add(name: str, took: float, bytes_: float, peak_mib: float) -> None:
        rows[name] = {
            "s": took,
            "MB": bytes_ / _MB,
            "MB/s": bytes_ / _MB / took,
            "items/s": count / took,
            "peak MiB": peak_mib,
        }

    add("backup, full", full.figures["s"], size, full.peak_mib)
    outcome = child.run("backup.restored", store=store, target=str(place / "target"))
    add("restore", outcome.figures["s"], size, outcome.peak_mib)
    shutil.rmtree(place / "target")
    for level in ("files", "structure", "data", "drill"):
        outcome = child.run("backup.looked_at", store=store, scratch=str(place), level=level)
        add(level if level == "drill" else f"verify, {level}", outcome.figures["s"], size, outcome.peak_mib)
    shares: list[tuple[float, float]] = []
    for which in range(1, rounds + 1):
        child.run("backup.change", directory=data, count=count, which=which)
        outcome = child.run("backup.create", directory=data, store=store)
        stored, took = outcome.figures["stored"], outcome.figures["s"]
        shares.append((stored / size, took / full.figures["s"]))
        rows[f"backup after 1 %, round {which}"] = {
            "s": took,
            "MB": stored / _MB,
            "share of the bytes": stored / size,
            "share of the time": shares[-1][1],
            "peak MiB": outcome.peak_mib,
        }
    rows["backup after 1 %, median"] = {
        "share of the bytes": median(share for share, _ in shares),
        "share of the time": median(share for _, share in shares),
    }
    return rows


def as_table(rows: dict[str, dict[str, float]], count: int) -> str:
    columns = ["s", "MB", "MB/s", "items/s", "peak MiB", "share of the bytes", "share of the time"]

    def text(row: dict[str, float], column: str) -> str:
        if column not in row:
            return ""
        return f"{row[column]:.1%}" if column.startswith("share") else f"{row[column]:,.2f}"

    lines = [[name, *(text(row, column) for column in columns)] for name, row in rows.items()]
    return tabulate(lines, [f"{count:,} items", *columns], disable_numparse=True)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.backup", description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--json", type=Path, default=OUT / "backup.json", metavar="FILE")
    chosen = parser.parse_args(arguments)
    OUT.mkdir(exist_ok=True)
    # On the disk that the project is on: the system's temporary directory may be in memory.
    with tempfile.TemporaryDirectory(dir=OUT, prefix="work-") as place:
        rows = measured(Path(place), chosen.items, chosen.rounds)
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(as_table(rows, chosen.items))


if __name__ == "__main__":
    main(sys.argv[1:])
