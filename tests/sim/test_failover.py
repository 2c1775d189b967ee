"""The fail-over client under servers that break in every way, from seeds; and bugs that have to be found."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import pytest

from kvdb.api.operations import Request
from kvdb.client import aio_failover, failover, sync_failover
from kvdb.client.failover import Choice, Origins, Route, Verdict
from kvdb.errors import KvdbError
from kvdb.options import FailoverOptions
from tests.support.failover_sim import Coverage, simulate

SEEDS = 200
Plant = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(autouse=True)
def unlogged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run makes dozens of switches, and each would be logged."""
    monkeypatch.setattr(logging.getLogger("kvdb.client"), "disabled", True)


def test_whatever_breaks_no_write_is_done_twice_and_calls_go_where_they_should() -> None:
    met = Coverage()
    for seed in range(SEEDS):
        run = simulate(seed)
        for name in ("rounds", "leaves", "returns", "calls", "unknown", "moved"):
            setattr(met, name, getattr(met, name) + getattr(run, name))
    assert min(met.leaves, met.returns, met.unknown, met.moved) >= SEEDS, met


def test_the_same_seed_is_the_same_run() -> None:
    assert simulate(7).trace == simulate(7).trace != simulate(8).trace


# Bugs, each planted by itself: a simulation that does not find them proves nothing.


def writes_of_unknown_outcome_move(patch: pytest.MonkeyPatch) -> None:
    """Every call is led as a read is, where it is not bound."""

    def as_read(request: Request, order: Sequence[int], origin: int | None) -> Route:
        return Route(order, is_read=True) if origin is None else failover.route_of(request, order, origin)

    patch.setattr(sync_failover, "route_of", as_read)


def a_token_is_taken_for_known_everywhere(patch: pytest.MonkeyPatch) -> None:
    """A transaction that may have arrived goes elsewhere after a pause."""
    patch.setattr(Origins, "note_sent", lambda self, request, error, index: None)
    moves_after = Route.moves_after

    def unbound(self: Route, error: KvdbError) -> bool:
        bound = self._is_bound
        moved = moves_after(self, error)
        self._is_bound = bound
        return moved

    patch.setattr(Route, "moves_after", unbound)


def tokens_of_earlier_calls_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Sent anew by the caller, a transaction goes to whatever is current."""
    patch.setattr(Origins, "note_sent", lambda self, request, error, index: None)


def snapshots_are_asked_of_anyone(patch: pytest.MonkeyPatch) -> None:
    """Where a token comes from is not kept."""
    patch.setattr(Origins, "note", lambda self, request, result, index: None)


def everything_was_never_sent(patch: pytest.MonkeyPatch) -> None:
    """A broken connection counts as one that was never made."""
    patch.setattr(failover, "was_never_sent", lambda error: True)


def reads_stay(patch: pytest.MonkeyPatch) -> None:
    """A read is as careful as a write."""
    patch.setattr(
        sync_failover,
        "route_of",
        lambda request, order, origin: Route(
            order if origin is None else [origin], is_read=False, is_bound=True
        ),
    )


def one_failure_is_enough(patch: pytest.MonkeyPatch) -> None:
    """No hysteresis on the way down."""
    note = Choice._note

    def hasty(self: Choice, index: int, verdict: Verdict, now_ms: int) -> None:
        note(self, index, verdict._replace(is_said=True), now_ms)

    patch.setattr(Choice, "_note", hasty)


def it_never_leaves(patch: pytest.MonkeyPatch) -> None:
    """The current endpoint stays, up or down."""
    patch.setattr(Choice, "_best", lambda self, now_ms: self.current)


def it_never_comes_back(patch: pytest.MonkeyPatch) -> None:
    """What has been down is never settled again."""
    patch.setattr(Choice, "_is_settled", lambda self, health, now_ms: health.up_since_ms is None)


def it_comes_back_at_once(patch: pytest.MonkeyPatch) -> None:
    """No hold-down time."""
    patch.setattr(Choice, "_is_settled", lambda self, health, now_ms: True)


def it_likes_the_last_best(patch: pytest.MonkeyPatch) -> None:
    """The order of the list is read from its end."""
    patch.setattr(failover, "min", max, raising=False)


def one_success_is_enough(patch: pytest.MonkeyPatch) -> None:
    """No hysteresis on the way up."""
    note = Choice._note

    def hasty(self: Choice, index: int, verdict: Verdict, now_ms: int) -> None:
        if verdict.is_healthy:
            self._healths[index].successes = 10
        note(self, index, verdict, now_ms)

    patch.setattr(Choice, "_note", hasty)


@pytest.mark.parametrize(
    "plant",
    [
        writes_of_unknown_outcome_move,
        a_token_is_taken_for_known_everywhere,
        tokens_of_earlier_calls_are_forgotten,
        snapshots_are_asked_of_anyone,
        everything_was_never_sent,
        reads_stay,
        one_failure_is_enough,
        it_never_leaves,
        it_never_comes_back,
        it_comes_back_at_once,
        it_likes_the_last_best,
        one_success_is_enough,
    ],
)
def test_a_planted_bug_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        for seed in range(SEEDS):
            simulate(seed)


def test_an_endpoint_that_comes_and_goes_costs_ever_fewer_switches() -> None:
    options = FailoverOptions()
    choice = Choice(["a", "b"], options)
    hour_s = 3_600
    switched_s: list[int] = []
    for second in range(10 * hour_s):
        # 20 seconds well, 5 not: with a hold-down time that did not grow, two switches every 25 seconds.
        verdicts = [Verdict(second % 25 < 20, "flaps"), Verdict(True)]
        if choice.observe(verdicts, second * 1000) is not None:
            switched_s.append(second)
    assert len(switched_s) == choice.switches
    assert choice.switches <= 6, switched_s
    # It is left alone from then on, and taken again once it stays.
    for second in range(10 * hour_s, 11 * hour_s):
        choice.observe([Verdict(True), Verdict(True)], second * 1000)
    assert choice.current == 0


def test_both_transports_are_led_by_the_same_rules() -> None:
    assert aio_failover.route_of is sync_failover.route_of
    assert aio_failover.Choice is sync_failover.Choice
