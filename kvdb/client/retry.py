"""When a failed call is sent again, and after what pause.

A read may be sent again after any retryable error. A write only after one that says nothing was
applied: when the connection broke or the deadline passed, the write may have happened, and only
the caller knows whether doing it twice is sound.

The pause doubles from ``backoff_ms`` to ``backoff_ms_max``, and each is drawn evenly between
nothing and that ("full jitter"), so that clients refused together do not come back together.
Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (2015).
"""

from __future__ import annotations

from dataclasses import dataclass

from kvdb.env.clock import Clock
from kvdb.env.entropy import Entropy
from kvdb.errors import KvdbError, RequestLimitExceeded
from kvdb.options import ClientOptions

NOTHING_APPLIED: tuple[type[KvdbError], ...] = (RequestLimitExceeded,)
"""Raised only before a server has begun with a call."""

_NS_PER_MS = 1_000_000


def may_repeat(error: KvdbError, *, is_read: bool) -> bool:
    """Whether sending the same request again is safe and may help."""
    return error.retryable if is_read else isinstance(error, NOTHING_APPLIED)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The settings, and the clock and chance they work with."""

    options: ClientOptions
    clock: Clock
    entropy: Entropy

    def begin(self, *, is_read: bool) -> Attempts:
        return Attempts(self, is_read)


class Attempts:
    """The tries of one call: how many are left, and how much time."""

    __slots__ = ("_attempt", "_deadline_ns", "_is_read", "_policy")

    def __init__(self, policy: RetryPolicy, is_read: bool) -> None:
        self._policy = policy
        self._is_read = is_read
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
        if self._attempt >= options.attempts_max or not may_repeat(error, is_read=self._is_read):
            raise error
        ceiling_ms = min(options.backoff_ms << (self._attempt - 1), options.backoff_ms_max)
        pause_ms = ceiling_ms * self._policy.entropy.fraction()
        if pause_ms >= self.remaining_s() * 1000:
            raise error
        self._attempt += 1
        return pause_ms
