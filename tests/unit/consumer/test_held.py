"""A held lease is held until its time is over or a write is refused, and not a moment longer."""

from __future__ import annotations

import pytest

from kvdb.api.operations import Request
from kvdb.consumer.held import HeldLease
from kvdb.consumer.lease import Attempt, Lease, LeaseTable, Progress, Window
from kvdb.errors import ServiceUnavailable, ValidationError
from tests.support.workers import Shop

FAILOVER_MS = 10_000


class Desk:
    """A table of leases with one lease, held by ``me``."""

    def __init__(self) -> None:
        self.shop = Shop()
        self.table = LeaseTable(self.shop.client, "leases")
        self.table.ensure()
        self.table.ensure()
        self.table.create(Lease("k", "arn", "shard", ("p",), Progress("1")))
        (fresh,) = self.table.all()
        taken = self.table.take(fresh, "me")
        assert taken is not None
        self.held = HeldLease(self.table, taken, self.shop.clock, FAILOVER_MS)

    def stored(self) -> Lease:
        (lease,) = self.table.all()
        return lease

    def steal(self) -> None:
        assert self.table.take(self.stored(), "thief") is not None


def test_a_lease_is_a_row_and_comes_back_as_it_was() -> None:
    desk = Desk()
    assert desk.stored() == Lease("k", "arn", "shard", ("p",), Progress("1"), "me", 1, 1, 1)
    desk.table.create(Lease("k", "other", "other", (), Progress("9")))
    assert desk.stored().stream_arn == "arn"


def test_heartbeats_keep_it_and_without_them_it_is_gone() -> None:
    desk = Desk()
    desk.shop.clock.advance_ms(FAILOVER_MS - 1)
    assert desk.held.is_mine
    desk.held.renew()
    desk.shop.clock.advance_ms(FAILOVER_MS - 1)
    assert desk.held.is_mine
    desk.shop.clock.advance_ms(1)
    assert not desk.held.is_mine
    assert not desk.held.is_lost
    desk.held.renew()
    assert desk.held.is_mine


def test_a_heartbeat_without_an_answer_counts_for_nothing() -> None:
    desk = Desk()

    def refuse(request: Request) -> None:
        raise ServiceUnavailable("no answer")

    desk.shop.transport.after = refuse
    desk.shop.clock.advance_ms(FAILOVER_MS - 1)
    desk.held.renew()
    desk.shop.clock.advance_ms(1)
    assert not desk.held.is_mine


def test_whoever_took_it_fences_the_one_who_had_it() -> None:
    desk = Desk()
    desk.steal()
    before = desk.stored()
    assert desk.held.is_mine, "it cannot know yet"
    assert not desk.held.checkpoint(Progress("2"), None)
    assert desk.held.is_lost
    assert not desk.held.is_mine
    assert not desk.held.checkpoint(Progress("3"), None)
    assert not desk.held.begin_attempt(0, Attempt("3", 1))
    desk.held.release()
    assert desk.stored() == before


@pytest.mark.parametrize("act", ["renew", "attempt", "release"])
def test_every_write_of_a_fenced_holder_is_refused(act: str) -> None:
    desk = Desk()
    desk.steal()
    before = desk.stored()
    if act == "renew":
        desk.held.renew()
    elif act == "attempt":
        assert not desk.held.begin_attempt(0, Attempt("2", 1))
    else:
        desk.held.release()
    assert desk.stored() == before
    assert desk.held.is_lost


def test_a_checkpoint_settles_what_was_noted() -> None:
    desk = Desk()
    assert desk.held.begin_attempt(1, Attempt("7", 2))
    assert desk.held.begin_attempt(0, Attempt("2", 3))
    assert desk.stored().attempts == {0: Attempt("2", 3), 1: Attempt("7", 2)}
    assert desk.held.checkpoint(Progress("2", ("", "5"), 77), None)
    assert (desk.stored().attempts, desk.stored().switches) == ({1: Attempt("7", 2)}, 0)
    assert desk.stored().progress == Progress("2", ("", "5"), 77)


def test_the_state_of_a_window_is_kept_whole_and_goes_with_it() -> None:
    desk = Desk()
    for text in ("{}", "x" * 1_000_000, "y" * 400_000):
        assert desk.held.checkpoint(Progress("2"), Window(60_000, text))
        assert desk.table.window_of(desk.stored()) == Window(60_000, text)
        assert desk.stored() == desk.held.lease
    assert desk.held.checkpoint(Progress("3"), None)
    assert desk.table.window_of(desk.stored()) is None
    assert desk.shop.client.table("leases").count() == 1


def test_a_lost_answer_is_found_out_before_the_next_checkpoint() -> None:
    desk = Desk()

    def lose(request: Request) -> None:
        raise ServiceUnavailable("the answer is lost")

    desk.shop.transport.after = lose
    with pytest.raises(ServiceUnavailable):
        desk.held.checkpoint(Progress("2"), None)
    desk.shop.transport.after = lambda request: None
    assert desk.held.checkpoint(Progress("2"), None)
    assert desk.held.checkpoint(Progress("3"), None)
    assert desk.stored().progress == Progress("3")


def test_a_released_lease_goes_to_who_asked_for_it() -> None:
    desk = Desk()
    assert desk.table.ask_for(desk.stored(), "other")
    assert not desk.table.ask_for(desk.stored(), "third")
    desk.held.renew()
    assert desk.held.lease.handover_to == "other"
    desk.held.release()
    assert (desk.stored().owner, desk.stored().handover_to) == ("other", None)
    assert desk.stored().token > 1


def test_a_lease_that_has_moved_is_not_taken() -> None:
    desk = Desk()
    seen = desk.stored()
    desk.held.renew()
    assert desk.table.take(seen, "thief") is None
    assert desk.stored().owner == "me"


def test_only_finished_leases_are_forgotten() -> None:
    desk = Desk()
    desk.table.forget(desk.stored())
    assert desk.stored().key == "k"
    assert desk.held.checkpoint(Progress("SHARD_END"), None)
    desk.table.forget(desk.stored())
    assert desk.table.all() == []


def test_a_row_that_is_no_lease_is_named() -> None:
    desk = Desk()
    desk.shop.client.table("leases").put({"leaseKey": "odd", "checkpoint": 5})
    with pytest.raises(ValidationError, match="a lease has no streamArn: 'odd'"):
        desk.table.all()
