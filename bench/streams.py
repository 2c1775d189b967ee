"""Change streams: what they cost a put, how fast they are read, and how soon a change arrives.

A put with a stream of both images stands beside the same put without one. Reading has no peer:
``GetRecords`` walks the shards of one stream, a feed follows it; both from the oldest record on,
in this process and over gRPC. The latency is from before ``put`` is called to when a follower of
the same server has the change in hand, the put's own acknowledgement included.
"""

from __future__ import annotations

import threading
import time
from contextlib import closing
from itertools import islice
from statistics import quantiles

import kvdb
from bench import sample_items
from bench.child import Figures
from bench.stopwatch import seconds, us_each
from kvdb.api.streams import GetRecords, GetRecordsResult, GetShardIterator, GetShardIteratorResult

_SCHEMA = {"key": ("customer", "S"), "sort": ("order", "S")}
_PACE_S = 0.004
"""Between two puts whose arrival is timed: they are to meet an idle server."""


def puts(directory: str, count: int, with_stream: bool) -> Figures:
    """New items, and the same ones changed."""
    view = "NEW_AND_OLD_IMAGES" if with_stream else None
    with kvdb.open(directory, sync="none") as db:
        table = db.create_table("orders", **_SCHEMA, stream=view)  # type: ignore[arg-type]
        changed = ({**item, "total": -1} for item in sample_items.items(count))
        return {
            "put": us_each(table.put, sample_items.items(count)),
            "put over": us_each(table.put, changed),
        }


def reads(directory: str, count: int) -> Figures:
    """Microseconds a record, of ``count`` new items, in the process that wrote them."""
    with kvdb.open(directory, sync="none") as db:
        table = db.create_table("orders", **_SCHEMA, stream="NEW_AND_OLD_IMAGES")  # type: ignore[arg-type]
        for item in sample_items.items(count):
            table.put(item)
        return {
            "GetRecords": seconds(lambda: _walk(db, count)) * 1e6 / count,
            "feed, one reader": seconds(lambda: _follow(table, count)) * 1e6 / count,
            "feed, each of ten readers": _of_ten(lambda: _follow(table, count // 5)) * 1e6 / (count // 5),
        }


def served_reads(address: str, count: int) -> Figures:
    """The same over gRPC, from a client that catches up from the oldest record on."""
    with kvdb.connect(f"grpc://{address}") as db:
        table = db.create_table("behind", **_SCHEMA, stream="NEW_IMAGE")  # type: ignore[arg-type]
        for start in range(0, count, 25):
            batch = [kvdb.PutRequest(sample_items.item(number, count)) for number in range(start, start + 25)]
            db.batch_write({"behind": batch})
        written = count // 25 * 25
        return {"feed, catching up": seconds(lambda: _follow(table, written)) * 1e6 / written}


def served_latency(address: str, changes: int) -> Figures:
    """Milliseconds from a put to its arrival: the median and the 99th percentile."""
    with kvdb.connect(f"grpc://{address}") as db:
        table = db.create_table("timed", **_SCHEMA, stream="NEW_IMAGE")  # type: ignore[arg-type]
        arrived: dict[object, float] = {}
        begun = threading.Event()

        def follow() -> None:
            with closing(table.changes(on_progress=lambda cursor: begun.set())) as feed:
                for change in islice(feed, changes):
                    arrived[change.keys["order"]] = time.perf_counter()

        reader = threading.Thread(target=follow)
        reader.start()
        begun.wait()
        sent: dict[object, float] = {}
        for number in range(changes):
            item = {"customer": "one", "order": f"{number:08d}"}
            sent[item["order"]] = time.perf_counter()
            table.put(item)
            time.sleep(_PACE_S)
        reader.join()
    taken = [(arrived[order] - sent[order]) * 1e3 for order in sent]
    cuts = quantiles(taken, n=100)
    return {"p50": cuts[49], "p99": cuts[98]}


def _walk(db: kvdb.Client, count: int) -> None:
    (summary,) = db.streams("orders")
    found = 0
    for shard in db.describe_stream(summary.stream_arn).shards:
        place = db._transport.send(GetShardIterator(summary.stream_arn, shard.shard_id, "TRIM_HORIZON"))
        assert isinstance(place, GetShardIteratorResult)
        iterator: str | None = place.shard_iterator
        while iterator is not None:
            page = db._transport.send(GetRecords(iterator))
            assert isinstance(page, GetRecordsResult)
            if not page.records:
                break
            found += len(page.records)
            iterator = page.next_shard_iterator
    assert found == count


def _follow(table: kvdb.Table, count: int) -> None:
    with closing(table.changes("start")) as feed:
        for _ in islice(feed, count):
            pass


def _of_ten(follow: object) -> float:
    readers = [threading.Thread(target=follow) for _ in range(10)]  # type: ignore[arg-type]

    def all_of_them() -> None:
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()

    return seconds(all_of_them) / 10
