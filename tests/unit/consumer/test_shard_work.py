"""The books of a shard at work."""

from __future__ import annotations

from kvdb.consumer.held import HeldLease
from kvdb.consumer.lease import TRIM_HORIZON, Lease, LeaseTable, Progress
from kvdb.consumer.options import WorkerOptions
from kvdb.consumer.shard_work import ShardWork, Wiring
from kvdb.metrics import Registry
from kvdb.stream.patterns import compile_patterns
from tests.support.workers import Shop


class Desk:
    """The work on the one shard of a shop, with lanes that are driven by hand."""

    def __init__(self, **options: object) -> None:
        self.shop = shop = Shop()
        self.table = LeaseTable(shop.client, "leases")
        self.table.ensure()
        self.table.create(Lease("k", shop.stream_arn, shop.open_shards()[0], (), Progress(TRIM_HORIZON)))
        self.rests = 0
        self.is_stopping = False
        self.options = WorkerOptions(**options)  # type: ignore[arg-type]
        self.metrics = Registry()
        self.work = self.taken_by("me")

    def taken_by(self, owner: str) -> ShardWork:
        (lease,) = self.table.all()
        taken = self.table.take(lease, owner)
        assert taken is not None
        wiring = Wiring(
            client=self.shop.client,
            clock=self.shop.clock,
            options=self.options,
            matches=compile_patterns(self.options.filter_patterns),
            records_read=self.metrics.counter("read"),
            records_filtered=self.metrics.counter("filtered"),
            gaps=self.metrics.counter("gaps"),
        )
        held = HeldLease(self.table, taken, self.shop.clock, 10_000)
        return ShardWork(held, wiring, lambda: self.is_stopping, self.rest)

    def rest(self) -> None:
        self.rests += 1

    def stored(self) -> Progress:
        (lease,) = self.table.all()
        return lease.progress


def test_a_shard_is_worked_on_by_all_of_its_lanes_or_by_none() -> None:
    desk = Desk(parallelization_factor=3)
    assert desk.work.may_begin
    desk.work.lane_ended()
    assert not desk.work.may_begin
    assert desk.rests == 0
    desk.work.lane_ended()
    desk.work.lane_ended()
    assert desk.rests == 1


def test_nothing_is_begun_when_stopping_lost_or_asked_for() -> None:
    desk = Desk()
    desk.is_stopping = True
    assert not desk.work.may_begin
    desk.is_stopping = False
    (lease,) = desk.table.all()
    assert desk.table.ask_for(lease, "other")
    assert desk.work.may_begin
    desk.work.held.renew()
    assert not desk.work.may_begin


def test_reading_stops_at_one_batch_and_pauses_when_there_is_nothing() -> None:
    desk = Desk(batch_size=3, poll_ms=500)
    desk.shop.put(1, 2, 3, 4)
    assert desk.work.fill()
    assert len(desk.work.queue_of(0)) == desk.work.waiting == 3
    assert not desk.work.fill()
    entries = [desk.work.queue_of(0).pop(0) for _ in range(3)]
    assert desk.work.checkpoint(0, entries, None)
    assert desk.work.fill()
    assert not desk.work.fill()
    assert desk.work.is_caught_up
    assert desk.work.ms_to_next_read() == 500


def test_the_checkpoint_waits_for_the_slowest_lane_and_tells_who_is_ahead() -> None:
    desk = Desk(parallelization_factor=2)
    work = desk.work
    for n in range(20):
        desk.shop.put(n, id=f"item-{n}")
    while work.fill():
        pass
    lanes = [list(work.queue_of(0)), list(work.queue_of(1))]
    first = 0 if lanes[0][0].number < lanes[1][0].number else 1
    second = 1 - first
    assert work.checkpoint(second, lanes[second], None)
    ahead = ["", ""]
    ahead[second] = lanes[second][-1].number
    assert (desk.stored().checkpoint, desk.stored().lanes) == (TRIM_HORIZON, tuple(ahead))

    # Whoever goes on from there is given only what is not done.
    desk.options = WorkerOptions(parallelization_factor=7)
    following = desk.taken_by("other")
    assert following.lane_count == 2
    while following.fill():
        pass
    assert following.queue_of(second) == []
    assert [entry.number for entry in following.queue_of(first)] == [entry.number for entry in lanes[first]]
    assert following.checkpoint(first, following.queue_of(first), None)
    assert desk.stored().lanes == ()
    assert desk.stored().checkpoint == max(lanes[0][-1].number, lanes[1][-1].number)
    assert not work.checkpoint(first, lanes[first], None), "it was fenced"


def test_a_filter_is_passed_now_and_then_without_a_batch() -> None:
    desk = Desk(filter_patterns=('{"eventName": ["REMOVE"]}',))
    desk.shop.put(1, 2)
    desk.work.fill()
    assert (desk.work.queue_of(0), desk.metrics.read()["filtered"]) == ([], 2)
    desk.work.pass_filtered(None)
    first = desk.stored().checkpoint
    assert first != TRIM_HORIZON
    desk.shop.put(3)
    desk.shop.clock.advance_ms(300)
    desk.work.fill()
    desk.work.pass_filtered(None)
    assert desk.stored().checkpoint == first, "not again within a second"
    desk.shop.clock.advance_ms(1_000)
    desk.work.pass_filtered(None)
    assert desk.stored().checkpoint > first


def test_a_shard_is_finished_when_it_has_ended_and_all_of_it_is_handled() -> None:
    desk = Desk()
    desk.shop.put(1)
    desk.shop.split()
    while desk.work.fill():
        pass
    assert not desk.work.finish()
    desk.work.fill()
    assert desk.work.is_read_to_end
    assert not desk.work.finish()
    assert desk.work.checkpoint(0, desk.work.queue_of(0), None)
    assert desk.work.finish()
    assert desk.stored().is_finished
