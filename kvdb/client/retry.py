"""When a failed call is sent again, and after what pause.

What does no harm when it is done twice may be sent again after any retryable error: reads, and
transactions with a client token, which the database applies once however often they come. Any
other write only after an error that says nothing was applied, or when no connection could be made to
send it by: when the connection broke or the deadline passed, it may have happened, and only the
caller knows whether doing it twice is sound.
A native transaction that met a conflict has to be run anew, reads and all: sending its end again
cannot help.

The pause doubles from ``backoff_ms`` to ``backoff_ms_max``, and each is drawn evenly between
nothing and that ("full jitter"), so that clients refused together do not come back together.
Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (2015).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from kvdb.api.items import CommitTransaction, TransactWriteItems
from kvdb.api.operations import BY_REQUEST, Request
from kvdb.env.clock import Clock
from kvdb.env.entropy import Entropy
from kvdb.errors import (
    KvdbError,
    ReplicaBehind,
    RequestLimitExceeded,
    ServiceUnavailable,
    Throttled,
    ThroughputExceeded,
    TransactionConflict,
    TransactionInProgress,
)
from kvdb.options import ClientOptions

NOTHING_APPLIED: tuple[type[KvdbError], ...] = (
    RequestLimitExceeded,
    ThroughputExceeded,
    Throttled,
    TransactionConflict,
    TransactionInProgress,
)
"""Raised only when nothing of a call was done."""

_NS_PER_MS = 1_000_000


class Repeats(Enum):
    """What doing a request twice means."""

    HARMLESS = auto()
    """A read, or a write that the database recognises."""
    UNSAFE = auto()
    """A write: done twice, it may undo what others did in between."""
    RUN_ANEW = auto()
    """The end of a native transaction: as ``UNSAFE``, and a conflict is final."""


def repeats_of(request: Request) -> Repeats:
    """What doing ``request`` twice means."""
    if isinstance(request, TransactWriteItems) and request.client_request_token is not None:
        return Repeats.HARMLESS
    if isinstance(request, CommitTransaction):
        return Repeats.RUN_ANEW
    return Repeats.HARMLESS if BY_REQUEST[type(request)].is_read else Repeats.UNSAFE


def may_repeat(error: KvdbError, repeats: Repeats) -> bool:
    """Whether sending the same request again is safe and may help."""
    if isinstance(error, ReplicaBehind):
        # The region was given the time that the session has; another one may be further.
        return False
    if repeats is Repeats.HARMLESS:
        return error.retryable
    if repeats is Repeats.RUN_ANEW and isinstance(error, TransactionConflict):
        return False
    return isinstance(error, NOTHING_APPLIED) or was_never_sent(error)


def was_never_sent(error: KvdbError) -> bool:
    """Whether the request cannot have reached a server."""
    return isinstance(error, ServiceUnavailable) and error.never_sent


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The settings, and the clock and chance they work with."""

    options: ClientOptions
    clock: Clock
    entropy: Entropy

    def begin(self, repeats: Repeats) -> Attempts:
        return Attempts(self, repeats)


class Attempts:
    """The tries of one call: how many are left, and how much time."""

    __slots__ = ("_attempt", "_deadline_ns", "_policy", "_repeats")

    def __init__(self, policy: RetryPolicy, repeats: Repeats) -> None:
        self._policy = policy
        self._repeats = repeats
        self.renew()

    def renew(self) -> None:
        """Start over: a stream does so whenever it has got further."""
        self._attempt = 1
        self._deadline_ns = self._policy.clock.monotonic_ns() + self._policy.options.deadline_ms * _NS_PER_MS

    def remaining_s(self) -> float:
        """What is left of the call's time, in seconds; never negative."""
        left_ns = self._deadline_ns - self._policy.clock.monotonic_ns()
        return max(left_ns, 0) / 1e9

    def pause_ms(self, error: KvdbError) -> float:
        """How long to wait before the next try; raises ``error`` when there is to be none."""
        options = self._policy.options
        if self._attempt >= options.attempts_max or not may_repeat(error, self._repeats):
            raise error
        ceiling_ms = min(options.backoff_ms << (self._attempt - 1), options.backoff_ms_max)
        pause_ms = ceiling_ms * self._policy.entropy.fraction()
        if pause_ms >= self.remaining_s() * 1000:
            raise error
        self._attempt += 1
        return pause_ms


def recognisable(request: Request, policy: RetryPolicy) -> Request:
    """A transaction gets a token if it has none, so that it can be sent again whatever happened.

    Source: the service model marks ClientRequestToken as an idempotency token, which its clients fill in.
    """
    if (
        isinstance(request, TransactWriteItems)
        and request.client_request_token is None
        and policy.options.attempts_max > 1
    ):
        return replace(request, client_request_token=policy.entropy.uuid())
    return request
