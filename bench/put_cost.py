"""What sharing a table with other regions costs a put: the same puts to a table that is not, block by block.

    python -m bench.put_cost [--count 6000]

Both tables are embedded, each in a database of its own in this process. They take turns by blocks of puts, so
that whatever else the machine does falls on both; a run's figure is its median block, and what is printed is
the median of the runs: microseconds by the clock, and of the processor. The cost is the median of each run's
own ratio. The peer of the shared table does not answer: what sharing leaves with a write, it leaves all the
same. Half of each run puts new items, half changes them. "On disk": the items changed were flushed first, and
there is a tombstone, so that nothing can be told without looking.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from statistics import median
from typing import NamedTuple

from bench import sample_items
from kvdb.client.embedded_transport import EmbeddedTransport
from kvdb.client.sync import Client
from kvdb.client.sync_table import Table
from kvdb.database.database import Database
from kvdb.options import DatabaseOptions, EngineOptions, SyncMode
from kvdb.table.descriptor import ReplicationSetting

_SCHEMA = {"key": ("customer", "S"), "sort": ("order", "S")}
_SETTING = ReplicationSetting(("ddblocal", "elsewhere"), (1, 0, 1), "ddblocal")
_BLOCK = 200
_THREADS = 16


class Took(NamedTuple):
    """Microseconds a put, of one block or of many."""

    wall: float
    processor: float


class Cost(NamedTuple):
    """Of one kind of put."""

    alone: Took
    shared: Took
    ratio: Took
    """Shared to alone."""

    def __str__(self) -> str:
        alone, shared, ratio = self
        by_clock = f"{alone.wall:.1f} us alone, {shared.wall:.1f} us shared: {ratio.wall - 1:+.1%}"
        by_processor = f"{alone.processor:.1f}, {shared.processor:.1f}: {ratio.processor - 1:+.1%}"
        return f"{by_clock} (processor {by_processor})"


def put_costs(
    count: int, sync: SyncMode, *, threads: int = 1, is_on_disk: bool = False, runs: int = 5
) -> list[Cost]:
    """Of new items, and of changed ones."""
    found = [_run(count, sync, threads=threads, is_on_disk=is_on_disk) for _ in range(runs)]
    return [_cost([of_run[kind] for of_run in found]) for kind in range(2)]


def _cost(runs: Sequence[tuple[Took, Took]]) -> Cost:
    ratios = [Took(shared.wall / alone.wall, shared.processor / alone.processor) for alone, shared in runs]
    return Cost(_middle([run[0] for run in runs]), _middle([run[1] for run in runs]), _middle(ratios))


def _middle(found: Sequence[Took]) -> Took:
    return Took(median(each.wall for each in found), median(each.processor for each in found))


def _run(count: int, sync: SyncMode, *, threads: int, is_on_disk: bool) -> list[tuple[Took, Took]]:
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(threads)) if threads > 1 else None
        databases = [_opened(stack, sync, is_shared=is_shared) for is_shared in (False, True)]
        tables = [Client(EmbeddedTransport(database)).table("orders") for database in databases]
        if is_on_disk:
            for table in tables:
                table.put({**sample_items.item(count, count), "order": "gone"})
                table.delete({"customer": sample_items.item(count, count)["customer"], "order": "gone"})
        new = list(sample_items.items(count))
        found = [_turns(tables, new, pool)]
        if is_on_disk:
            for database in databases:
                database._floor.engine.compact()
        found.append(_turns(tables, [{**item, "total": -1} for item in new], pool))
        return found


def _opened(stack: ExitStack, sync: SyncMode, *, is_shared: bool) -> Database:
    directory = stack.enter_context(tempfile.TemporaryDirectory())
    options = DatabaseOptions(engine=EngineOptions(sync=sync))
    database = stack.enter_context(Database.open(directory, options))
    Client(EmbeddedTransport(database)).create_table("orders", **_SCHEMA)  # type: ignore[arg-type]
    if is_shared:
        catalog = database._floor.catalog
        catalog.change(catalog.table("orders"), lambda each: replace(each, replication=_SETTING))
    return database


def _turns(
    tables: Sequence[Table], items: list[sample_items.Item], pool: ThreadPoolExecutor | None
) -> tuple[Took, Took]:
    took: list[list[Took]] = [[], []]
    gc.collect()
    for at in range(0, len(items), _BLOCK):
        block = items[at : at + _BLOCK]
        for which in (0, 1) if at // _BLOCK % 2 else (1, 0):
            took[which].append(_block(tables[which].put, block, pool))
    return _middle(took[0]), _middle(took[1])


def _block(
    put: Callable[[sample_items.Item], object],
    block: list[sample_items.Item],
    pool: ThreadPoolExecutor | None,
) -> Took:
    wall, processor = time.perf_counter(), time.process_time()
    if pool is None:
        for item in block:
            put(item)
    else:
        list(pool.map(lambda first: [put(item) for item in block[first::_THREADS]], range(_THREADS)))
    scale = 1e6 / len(block)
    return Took((time.perf_counter() - wall) * scale, (time.process_time() - processor) * scale)


def report(count: int, say: Callable[[str], object]) -> None:
    """Print the cost of all kinds of puts."""
    for name, costs in (
        ("sync none", put_costs(count, "none")),
        ("sync none, on disk", put_costs(count, "none", is_on_disk=True)),
        ("sync commit", put_costs(count // 3, "commit")),
        (f"sync commit, {_THREADS} threads", put_costs(count, "commit", threads=_THREADS)),
        (
            f"sync commit, {_THREADS} threads, on disk",
            put_costs(count, "commit", threads=_THREADS, is_on_disk=True),
        ),
    ):
        for kind, cost in zip(("new", "changed"), costs, strict=True):
            say(f"put, embedded, {name}, {kind}: {cost}")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=6_000)
    report(parser.parse_args(arguments).count, lambda text: print(text, flush=True))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
