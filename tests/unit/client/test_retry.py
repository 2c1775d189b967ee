"""Reads are repeated after what may pass, writes only after what says nothing was applied."""

from __future__ import annotations

import pytest

from kvdb.api.items import CommitTransaction, GetItem, PutItem, Scan, TransactWriteItems
from kvdb.api.tables import CreateTable
from kvdb.client.retry import Attempts, Repeats, RetryPolicy, may_repeat, repeats_of
from kvdb.errors import (
    BY_CODE,
    CancellationReason,
    DeadlineExceeded,
    KvdbError,
    ReplicaBehind,
    RequestLimitExceeded,
    ServiceUnavailable,
    Throttled,
    ThroughputExceeded,
    TransactionCanceled,
    TransactionConflict,
    TransactionInProgress,
    ValidationError,
)
from kvdb.options import ClientOptions
from kvdb.testing import ManualClock


class Fraction:
    """Chance that always says the same."""

    def __init__(self, fraction: float) -> None:
        self._fraction = fraction

    def fraction(self) -> float:
        return self._fraction


BUSY = ServiceUnavailable("busy")


def attempts(
    repeats: Repeats = Repeats.HARMLESS, *, fraction: float = 0.5, **options: int
) -> tuple[Attempts, ManualClock]:
    clock = ManualClock()
    return RetryPolicy(ClientOptions(**options), clock, Fraction(fraction)).begin(repeats), clock


def repeated(repeats: Repeats) -> set[type[KvdbError]]:
    examples = [
        cls([CancellationReason()]) if cls is TransactionCanceled else cls("x") for cls in BY_CODE.values()
    ]
    return {type(error) for error in examples if may_repeat(error, repeats)}


def test_what_does_no_harm_twice_is_repeated_after_every_retryable_error() -> None:
    found = repeated(Repeats.HARMLESS)
    # A region that is behind had the time that the session gave it.
    assert found == {cls for cls in BY_CODE.values() if cls.retryable} - {ReplicaBehind}
    assert {ServiceUnavailable, DeadlineExceeded, RequestLimitExceeded} <= found


def test_a_write_is_repeated_only_when_nothing_was_applied() -> None:
    nothing_applied = {RequestLimitExceeded, Throttled, ThroughputExceeded, TransactionInProgress}
    assert repeated(Repeats.UNSAFE) == nothing_applied | {TransactionConflict}
    assert repeated(Repeats.RUN_ANEW) == nothing_applied


@pytest.mark.parametrize(
    ("request_", "repeats"),
    [
        (GetItem("t", {}), Repeats.HARMLESS),
        (Scan("t"), Repeats.HARMLESS),
        (PutItem("t", {}), Repeats.UNSAFE),
        (CreateTable("t", [], []), Repeats.UNSAFE),
        (TransactWriteItems([]), Repeats.UNSAFE),
        (TransactWriteItems([], "token"), Repeats.HARMLESS),
        (CommitTransaction("s", [], []), Repeats.RUN_ANEW),
    ],
)
def test_each_kind_of_request_says_what_doing_it_twice_means(request_: object, repeats: Repeats) -> None:
    assert repeats_of(request_) is repeats


def test_pauses_double_up_to_a_bound() -> None:
    tries, _ = attempts(fraction=1.0, attempts_max=7, backoff_ms=10, backoff_ms_max=100)
    assert [tries.pause_ms(BUSY) for _ in range(6)] == [10, 20, 40, 80, 100, 100]


def test_pauses_are_drawn_from_nothing_to_the_whole() -> None:
    assert attempts(fraction=0.0)[0].pause_ms(BUSY) == 0
    assert attempts(fraction=0.25, backoff_ms=100)[0].pause_ms(BUSY) == 25


def test_the_last_attempt_raises_its_error() -> None:
    tries, _ = attempts(attempts_max=3)
    tries.pause_ms(BUSY)
    tries.pause_ms(BUSY)
    with pytest.raises(ServiceUnavailable, match="busy"):
        tries.pause_ms(BUSY)


def test_one_attempt_means_no_retries() -> None:
    with pytest.raises(ServiceUnavailable):
        attempts(attempts_max=1)[0].pause_ms(BUSY)


def test_what_is_not_repeated_is_raised_at_once() -> None:
    with pytest.raises(ValidationError):
        attempts()[0].pause_ms(ValidationError("no"))
    with pytest.raises(ServiceUnavailable):
        attempts(Repeats.UNSAFE)[0].pause_ms(BUSY)


def test_a_pause_past_the_deadline_is_not_begun() -> None:
    tries, clock = attempts(fraction=1.0, deadline_ms=1000, backoff_ms=50)
    clock.advance_ms(960)
    with pytest.raises(ServiceUnavailable):
        tries.pause_ms(BUSY)


def test_time_runs_down_and_never_below_nothing() -> None:
    tries, clock = attempts(deadline_ms=1000)
    assert tries.remaining_s() == 1.0
    clock.advance_ms(400)
    assert tries.remaining_s() == pytest.approx(0.6)
    clock.advance_ms(4000)
    assert tries.remaining_s() == 0.0


def test_renewed_attempts_start_over() -> None:
    tries, clock = attempts(attempts_max=2, deadline_ms=1000)
    tries.pause_ms(BUSY)
    clock.advance_ms(5000)
    tries.renew()
    assert tries.remaining_s() == 1.0
    tries.pause_ms(BUSY)
