"""Workers: what it costs to hand a change to a handler that does nothing.

Beside it stands the bare loop: the same records read with ``GetRecords`` and rendered as events, with
nobody to hand them to and nothing written down. What a worker costs beyond it is its leases, its
batches and a checkpoint each; with exactly_once, a transaction of the checkpoint and one write a batch.
A backlog is worked off from the oldest record on; starting and stopping are part of it.
"""

from __future__ import annotations

import kvdb
from bench import sample_items
from bench.child import Figures
from bench.stopwatch import seconds
from kvdb.api.streams import GetRecords, GetRecordsResult, GetShardIterator, GetShardIteratorResult
from kvdb.consumer import Context, Worker, WorkerOptions
from kvdb.item.dynamo_json import JsonObject
from kvdb.stream.event import event_of

_CASES = (
    ("batches of 100", WorkerOptions(application="a")),
    ("batches of 1,000", WorkerOptions(application="b", batch_size=1_000)),
    ("4 lanes a shard", WorkerOptions(application="c", parallelization_factor=4)),
    (
        "a filter that takes one in ten",
        WorkerOptions(
            application="d", filter_patterns=('{"dynamodb":{"Keys":{"order":{"S":[{"suffix":"7"}]}}}}',)
        ),
    ),
    ("exactly once", WorkerOptions(application="e", exactly_once=True)),
)


def embedded(directory: str, count: int) -> Figures:
    """Microseconds a record, in the process that has the database; sync mode commit."""
    with kvdb.open(directory, sync="none") as db:
        _fill(db, count)
    with kvdb.open(directory) as db:
        return {name: _work_off(db, count, options) for name, options in _CASES}


def served(address: str, count: int) -> Figures:
    """The same over gRPC, from a process of the worker's own."""
    with kvdb.connect(f"grpc://{address}") as db:
        _fill(db, count)
        return {name: _work_off(db, count, options) for name, options in _CASES}


def bare(directory: str, count: int) -> Figures:
    """The peer of ``embedded``."""
    with kvdb.open(directory, sync="none") as db:
        _fill(db, count)
    with kvdb.open(directory) as db:
        figure = seconds(lambda: _walk(db, count)) * 1e6 / count
        return {name: figure for name, _ in _CASES}


def _fill(db: kvdb.Client, count: int) -> None:
    db.create_table("orders", key=("customer", "S"), sort=("order", "S"), stream="NEW_IMAGE")
    db.create_table("effects", key=("id", "S"))
    for start in range(0, count, 25):
        numbers = range(start, min(start + 25, count))
        db.batch_write({"orders": [kvdb.PutRequest(sample_items.item(n, count)) for n in numbers]})


def _work_off(db: kvdb.Client, count: int, options: WorkerOptions) -> float:
    expected = sum(_passes(number, count, options) for number in range(count))
    done = 0

    def handler(event: JsonObject, context: Context) -> None:
        nonlocal done
        records = event["Records"]
        assert isinstance(records, list)
        if options.exactly_once:
            context.transaction.put("effects", {"id": context.log_stream_name, "records": len(records)})
        done += len(records)
        if done >= expected:
            worker.ask_to_stop()

    worker = Worker(db, table="orders", handler=handler, options=options)
    elapsed = seconds(worker.run)
    assert done == expected
    return elapsed * 1e6 / count


def _passes(number: int, count: int, options: WorkerOptions) -> bool:
    return not options.filter_patterns or str(sample_items.key(number, count)["order"]).endswith("7")


def _walk(db: kvdb.Client, count: int) -> None:
    (summary,) = db.streams("orders")
    found = 0
    for shard in db.describe_stream(summary.stream_arn).shards:
        place = db.call(GetShardIterator(summary.stream_arn, shard.shard_id, "TRIM_HORIZON"))
        assert isinstance(place, GetShardIteratorResult)
        iterator: str | None = place.shard_iterator
        while iterator is not None:
            page = db.call(GetRecords(iterator, 100))
            assert isinstance(page, GetRecordsResult)
            if not page.records:
                break
            found += len([event_of(record) for record in page.records])
            iterator = page.next_shard_iterator
    assert found == count
