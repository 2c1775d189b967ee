"""Workers together: where they begin, how they share, what stops them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

import kvdb
from kvdb.api.streams import UpdateStream
from kvdb.api.tables import StreamSpecification, UpdateTable
from kvdb.consumer import Context, Worker, WorkerOptions
from kvdb.consumer.lease import LeaseTable
from kvdb.consumer.shard_sync import shards_of
from kvdb.errors import (
    ClosedError,
    DeadlineExceeded,
    ResourceNotFound,
    ServiceUnavailable,
    TrimmedDataAccess,
    ValidationError,
)
from kvdb.item.dynamo_json import JsonObject
from tests.support.builders import make_env, run_jobs
from tests.support.workers import TABLE, Recorder, Shop, numbers_of

HOUR_MS = 3_600_000


def test_latest_is_the_moment_the_first_worker_began_even_if_it_dies_at_once() -> None:
    shop, first, second = Shop(), Recorder(), Recorder()
    shop.put(1, 2)
    shop.start(first, starting_position="LATEST")
    shop.put(3)
    shop.start(second, starting_position="LATEST")
    shop.turn(shop.workers[1], ms=20_000)
    assert (first.numbers, second.numbers) == ([], [3])


def test_latest_leaves_out_shards_that_ended_before() -> None:
    shop, handler = Shop(), Recorder()
    shop.put(1)
    shop.split()
    shop.put(2)
    shop.start(handler, starting_position="LATEST")
    shop.put(3)
    shop.turn()
    assert handler.numbers == [3]
    assert {lease.shard_id for lease in shop.leases()} == set(shop.open_shards())


def test_applications_read_the_stream_each_for_itself() -> None:
    shop, one, other = Shop(), Recorder(), Recorder()
    shop.put(1)
    shop.start(one, application="one")
    shop.start(other, application="other")
    shop.turn()
    assert one.numbers == other.numbers == [1]


def test_workers_share_the_shards_and_a_newcomer_gets_its_part_without_repeats() -> None:
    shop, handler = Shop(), Recorder()
    shop.split()
    shop.split()
    shop.split()
    for n in range(40):
        shop.put(n, id=f"item-{n}")
    first = shop.start(handler)
    shop.turn()
    assert len(first.held) == 4
    second = shop.start(handler)
    shop.turn(ms=30_000)
    assert (len(first.held), len(second.held)) == (2, 2)
    for n in range(40, 80):
        shop.put(n, id=f"item-{n - 40}")
    shop.turn()
    assert sorted(handler.numbers) == list(range(80))


def test_the_leases_of_a_dead_worker_are_taken_after_the_failover_time() -> None:
    shop, handler = Shop(), Recorder()
    first = shop.start(Recorder())
    shop.turn()
    shop.workers.remove(first)
    second = shop.start(handler)
    shop.put(1)
    shop.turn(ms=8_000)
    assert handler.numbers == []
    shop.turn(ms=8_000)
    assert handler.numbers == [1]
    assert second.held == [shop.lease().key]


def test_jumps_of_the_wall_clock_take_no_lease_from_anyone() -> None:
    shop, handler = Shop(), Recorder()
    first, second = shop.start(handler), shop.start(handler)
    shop.turn()
    owner = shop.lease().owner
    for jump in (HOUR_MS, -2 * HOUR_MS, 30 * HOUR_MS):
        shop.clock.set_wall_ms(shop.clock.wall_ms() + jump)
        shop.put(jump)
        shop.turn()
    assert shop.lease().owner == owner
    assert handler.numbers == [HOUR_MS, -2 * HOUR_MS, 30 * HOUR_MS]
    assert (first.error, second.error) == (None, None)


def test_a_worker_that_was_thought_dead_moves_no_checkpoint() -> None:
    shop, second = Shop(), Recorder()
    shop.put(1)

    def sleep_too_long(event: JsonObject, context: Context) -> None:
        if len(shop.workers) == 1:
            shop.start(second)
            shop.turn(shop.workers[1], ms=30_000)

    first = shop.start(Recorder(sleep_too_long))
    shop.turn(first)
    assert second.numbers == [1]
    assert shop.lease().owner == shop.workers[1].worker_id
    assert first.held == []
    assert first.env.metrics.read()["worker_leases_lost_total"] >= 1


def test_stopping_finishes_the_batch_and_gives_the_leases_back() -> None:
    shop, handler = Shop(), Recorder()
    shop.put(1)
    worker = shop.start(handler)
    shop.turn()
    worker.stop()
    worker.stop()
    lease = shop.lease()
    assert lease.owner is None
    assert lease.progress.checkpoint == handler.events[-1]["Records"][-1]["dynamodb"]["SequenceNumber"]  # type: ignore[index]
    other = shop.start(handler)
    shop.put(2)
    shop.turn(other, ms=1_000)
    assert handler.numbers == [1, 2]


def test_children_begin_when_their_parents_are_done() -> None:
    shop, handler = Shop(), Recorder()
    shop.put(1, 2)
    shop.split()
    shop.put(3)
    shards = shop.open_shards()
    shop.client.call(UpdateStream(shop.stream_arn, merge_shard_ids=shards))
    shop.put(4)
    shop.start(handler, batch_size=1)
    shop.turn(ms=10_000)
    assert handler.numbers == [1, 2, 3, 4]


def test_a_table_whose_stream_is_enabled_again_is_followed_in_order() -> None:
    shop, handler = Shop(), Recorder()
    shop.put(1)
    shop.start(handler)
    shop.turn()
    shop.put(2)
    shop.enable_stream(is_enabled=False)
    shop.put(3)
    shop.clock.advance_ms(1_000)
    shop.enable_stream()
    shop.put(4)
    shop.turn(ms=30_000)
    assert handler.numbers == [1, 2, 4]


def test_leases_of_shards_that_are_gone_are_forgotten() -> None:
    shop, handler = Shop(), Recorder()
    shop.put(1)
    worker = shop.start(handler, on_trimmed="skip")
    shop.turn()
    old = shop.lease().key
    shop.split()
    shop.turn()
    assert old in [lease.key for lease in shop.leases()]
    for n in (2, 3):
        shop.put(n)
        shop.clock.advance_ms(30 * HOUR_MS)
        for _ in range(3):
            run_jobs(shop.database.env)
            shop.turn(worker, ms=20_000)
    assert old not in [lease.key for lease in shop.leases()]


def trimmed(shop: Shop, start: Callable[[], Worker]) -> Worker:
    """A worker that stood still for longer than the stream keeps its records."""
    shop.put(1)
    worker = start()
    shop.turn()
    worker.stop()
    shop.workers.clear()
    shop.put(2)
    shop.clock.advance_ms(30 * HOUR_MS)
    shop.put(3)
    for _ in range(3):
        run_jobs(shop.database.env)
        shop.clock.advance_ms(20_000)
    return start()


def test_records_trimmed_unread_end_the_worker_and_are_named() -> None:
    shop, handler = Shop(), Recorder()
    worker = trimmed(shop, lambda: shop.start(handler))
    shop.turn(worker)
    assert isinstance(worker.error, TrimmedDataAccess)
    assert shop.lease().shard_id in worker.error.message or shop.leases()[0].shard_id in worker.error.message
    assert handler.numbers == [1]
    with pytest.raises(TrimmedDataAccess):
        worker.wait()
    with pytest.raises(ValidationError, match="starts once"):
        worker.start()
    assert all(lease.owner is None or lease.progress.is_finished for lease in shop.leases())


def test_records_trimmed_unread_are_skipped_when_that_is_wanted_and_counted() -> None:
    shop, handler = Shop(), Recorder()
    worker = trimmed(shop, lambda: shop.start(handler, on_trimmed="skip"))
    shop.turn(worker, ms=20_000)
    assert worker.error is None
    assert handler.numbers == [1, 3]
    assert worker.env.metrics.read()["worker_gaps_total"] >= 1


def test_an_iterator_that_expires_is_replaced() -> None:
    shop, handler = Shop(), Recorder()
    worker = shop.start(handler)
    shop.put(1)
    shop.turn()
    shop.clock.set_wall_ms(shop.clock.wall_ms() + HOUR_MS)
    shop.put(2)
    shop.turn()
    assert handler.numbers == [1, 2]
    assert worker.error is None


def test_errors_that_may_pass_are_waited_out() -> None:
    shop, handler = Shop(), Recorder()
    worker = shop.start(handler)
    shop.turn()

    def refuse(request: object) -> None:
        raise ServiceUnavailable("not now")

    shop.transport.before = refuse
    shop.turn(ms=5_000)
    assert worker.error is None
    shop.transport.before = lambda request: None
    shop.put(1)
    shop.turn(ms=20_000)
    assert handler.numbers == [1]


def test_errors_that_cannot_pass_end_the_worker() -> None:
    shop = Shop()
    worker = shop.start(Recorder())
    shop.turn()
    shop.client.delete_table(f"{TABLE}.worker.leases")
    shop.turn(ms=5_000)
    assert isinstance(worker.error, ResourceNotFound)


def test_a_database_that_is_closed_ends_the_worker() -> None:
    shop = Shop()
    worker = shop.start(Recorder())
    shop.turn()
    shop.client.close()
    shop.turn(ms=5_000)
    assert isinstance(worker.error, ClosedError)


def test_a_table_without_a_stream_is_refused() -> None:
    with kvdb.open(":memory:") as db:
        db.create_table("plain", key=("id", "S"))
        worker = Worker(db, table="plain", handler=Recorder())
        with pytest.raises(ValidationError, match="has no stream"):
            worker.start()


def test_leases_of_another_table_are_refused() -> None:
    shop = Shop()
    shop.start(Recorder())
    worker = Worker(
        shop.client,
        table="effects",
        handler=Recorder(),
        options=WorkerOptions(lease_table=f"{TABLE}.worker.leases"),
        env=make_env(clock=shop.clock),
    )
    with pytest.raises(ValidationError, match="are of table 'changes', not of 'effects'"):
        worker.start()


def test_a_table_with_another_key_is_no_table_of_leases() -> None:
    shop = Shop()
    with pytest.raises(ValidationError, match="is no table of leases"):
        shop.start(Recorder(), lease_table="effects")
    with pytest.raises(ValidationError, match="is no destination"):
        shop.start(Recorder(), on_failure="table:effects")


def test_a_handler_is_a_function() -> None:
    shop = Shop()
    with pytest.raises(ValidationError, match="must be a function"):
        Worker(shop.client, table=TABLE, handler="module:function")  # type: ignore[arg-type]


def test_a_worker_runs_in_threads_until_it_is_asked_to_stop() -> None:
    with kvdb.open(":memory:") as db:
        shop_table = db.create_table(TABLE, key=("id", "S"))
        db.call(UpdateTable(TABLE, stream_specification=StreamSpecification(True, "NEW_IMAGE")))
        worker: Worker

        def act(event: JsonObject, context: Context) -> None:
            assert context.get_remaining_time_in_millis() > 0
            if len(handler.numbers) == 20:
                worker.ask_to_stop()

        handler = Recorder(act)
        worker = Worker(db, table=TABLE, handler=handler, options=WorkerOptions(poll_ms=10))
        for n in range(20):
            shop_table.put({"id": f"item-{n}", "n": n})
        worker.run()
        assert sorted(handler.numbers) == list(range(20))


def test_finished_leases_of_a_long_history_are_forgotten_and_nothing_is_handled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kvdb.consumer.shard_sync.FINISHED_KEPT_MAX", 5)
    shop, handler = Shop(), Recorder()
    first, second = shop.start(handler), shop.start(handler)
    for n in range(12):
        shop.put(n)
        shop.client.call(UpdateStream(shop.stream_arn, rotate=True))
        shop.turn(ms=12_000)
    assert handler.numbers == list(range(12))
    assert len(list(shards_of(shop.client, shop.stream_arn))) > 12, "the stream still lists them"
    assert len(shop.leases()) <= 8
    origin = LeaseTable(shop.client, f"{TABLE}.worker.leases").origin()
    assert origin is not None
    assert origin.done_up_to > origin.sequence_number
    for worker in (first, second):
        worker.stop()
    shop.workers.clear()
    shop.start(handler)
    shop.put(12)
    shop.turn(ms=20_000)
    assert handler.numbers == list(range(13))


def test_an_unfinished_shard_holds_back_what_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kvdb.consumer.shard_sync.FINISHED_KEPT_MAX", 2)
    shop = Shop()

    def fail_on_first(event: JsonObject, context: Context) -> None:
        if numbers_of(event) == [1]:
            raise ValueError

    handler = Recorder(fail_on_first)
    shop.split()
    shop.put(1, id="a")
    shop.start(handler, batch_size=1)
    for n in range(2, 8):
        shop.put(n, id="c")
        shop.client.call(UpdateStream(shop.stream_arn, rotate=True))
        shop.turn(ms=12_000)
    states = {lease.shard_id: lease.progress.is_finished for lease in shop.leases()}
    (stuck,) = [
        shard.shard_id
        for shard in shards_of(shop.client, shop.stream_arn)
        if shard.ending_sequence_number is not None
        and states.get(shard.shard_id) is False
        and all(states.get(parent, True) for parent in shard.parent_shard_ids)
    ]
    handler.act = lambda event, context: None
    shop.turn(ms=60_000)
    assert {1, 2, 3, 4, 5, 6, 7} <= set(handler.numbers)
    assert stuck not in {lease.shard_id for lease in shop.leases() if not lease.progress.is_finished}


def test_a_worker_whose_handlers_hang_gives_its_process_up() -> None:
    may_end = threading.Event()
    with kvdb.open(":memory:") as db:
        changes = db.create_table(TABLE, key=("id", "S"), stream="NEW_IMAGE")
        for n in range(60):
            changes.put({"id": f"item-{n}"})
        options = WorkerOptions(handler_timeout_s=0.01, poll_ms=10, parallelization_factor=10)
        worker = Worker(db, table=TABLE, handler=lambda event, context: may_end.wait(), options=options)
        with pytest.raises(
            DeadlineExceeded, match="handlers do not return, start the worker anew handlers=8"
        ):
            worker.run()
        may_end.set()
        leases = LeaseTable(db, f"{TABLE}.worker.leases").all()
        assert {(lease.owner, lease.progress.checkpoint) for lease in leases} == {(None, "TRIM_HORIZON")}


def test_a_deleted_origin_ends_the_worker() -> None:
    shop = Shop()
    worker = shop.start(Recorder())
    shop.turn()
    shop.client.table(f"{TABLE}.worker.leases").delete({"leaseKey": "#origin"})
    shop.turn(ms=20_000)
    assert isinstance(worker.error, ValidationError)
    assert "was deleted" in worker.error.message
