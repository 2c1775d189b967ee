"""Which backups a policy keeps: a pure function of their times."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from kvdb.errors import ValidationError

_COUNT_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Retention:
    """How many to keep: the last ones, and the newest of each of the last days, ISO weeks and months
    (UTC) that have any. A backup stays if any of these keeps it."""

    last: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0

    def __post_init__(self) -> None:
        counts = (self.last, self.daily, self.weekly, self.monthly)
        if not all(0 <= count <= _COUNT_MAX for count in counts):
            raise ValidationError(f"a retention keeps 0 to {_COUNT_MAX} backups of a kind")
        if not any(counts):
            raise ValidationError("a retention that keeps nothing would delete every backup")


def kept(times_ms: Iterable[int], policy: Retention) -> set[int]:
    """The times of those that stay. The newest always does."""
    newest_first = sorted(set(times_ms), reverse=True)
    staying = set(newest_first[: max(1, policy.last)])
    for count, period_of in ((policy.daily, _day), (policy.weekly, _week), (policy.monthly, _month)):
        staying |= _newest_of_each(newest_first, count, period_of)
    return staying


def _newest_of_each(newest_first: list[int], count: int, period_of: Callable[[datetime], object]) -> set[int]:
    newest: dict[object, int] = {}
    for time_ms in newest_first:
        newest.setdefault(period_of(datetime.fromtimestamp(time_ms / 1000, UTC)), time_ms)
    return set(list(newest.values())[:count])


def _day(moment: datetime) -> object:
    return moment.date()


def _week(moment: datetime) -> object:
    return moment.isocalendar()[:2]


def _month(moment: datetime) -> object:
    return (moment.year, moment.month)
