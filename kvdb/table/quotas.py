"""How much throughput tables may be given, and how often it may be changed.

Every rule here is the service's, with its message as ack-api-quirks recorded it in October 2026
unless a comment says otherwise. All raise ``LimitExceeded``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from kvdb import limits
from kvdb.errors import LimitExceeded
from kvdb.limits import LimitsProfile
from kvdb.table.descriptor import Axis, Billing, TableDescriptor, Throughput

_DAY_MS = 24 * 60 * 60 * 1000
_REFER = "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
# Not strftime: its names follow the locale of the host program.
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

_MEMBERS: tuple[tuple[Axis, str], ...] = (("read", "ReadCapacityUnits"), ("write", "WriteCapacityUnits"))


def check_capacity(
    changed: TableDescriptor, others: Iterable[TableDescriptor], *, profile: LimitsProfile, region_name: str
) -> None:
    """A table as it shall become, beside all other tables."""
    _check_table(changed, profile.table_capacity_units_max, region_name)
    _check_account(changed, list(others), profile.account_capacity_units_max, region_name)


def _check_table(table: TableDescriptor, units_max: int, region_name: str) -> None:
    owners = [("", "table", table.throughput)]
    owners += [(f" for index {index.name}", "index", index.throughput) for index in table.indexes]
    for owner, kind, throughput in owners:
        for axis, member in _MEMBERS:
            units = _units(throughput, axis)
            if units > units_max:
                raise LimitExceeded(
                    f"The requested {member}{owner}, {units}, is above the per {kind} maximum for the "
                    f"account in {region_name}. Per {kind} maximum: {units_max}. {_REFER}"
                )


def _check_account(
    changed: TableDescriptor, others: list[TableDescriptor], units_max: int, region_name: str
) -> None:
    for axis, member in _MEMBERS:
        reserved = sum(_provisioned(table, axis) for table in others)
        requested = _provisioned(changed, axis)
        if requested and reserved + requested > units_max:
            raise LimitExceeded(
                f"This request would have caused the {member} limit to be exceeded for the account in "
                f"{region_name}. Current {member} reserved by the account: {reserved}. "
                f"Limit: {units_max}. Requested: {requested}. {_REFER}"
            )


def _provisioned(table: TableDescriptor, axis: Axis) -> int:
    """Of a table and its indexes; 0 on demand."""
    throughputs = (table.throughput, *(index.throughput for index in table.indexes))
    return sum(_units(throughput, axis) for throughput in throughputs)


def _units(throughput: Throughput, axis: Axis) -> int:
    return throughput.read_units if axis == "read" else throughput.write_units


def decreases_today(throughput: Throughput, now_ms: int) -> tuple[int, ...]:
    """When it was decreased since the last midnight, UTC."""
    today = now_ms // _DAY_MS
    return tuple(at_ms for at_ms in throughput.decreases_ms if at_ms // _DAY_MS == today)


def with_decrease(throughput: Throughput, now_ms: int) -> tuple[int, ...]:
    """``decreases_today`` and one more, now: 4 a UTC day, and then one an hour, which makes 27."""
    today = decreases_today(throughput, now_ms)
    if len(today) >= limits.DECREASES_FREE:
        next_ms = today[-1] + limits.DECREASE_PAUSE_MS
        if now_ms < next_ms:
            raise LimitExceeded(
                "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given "
                f"UTC day. After the first {limits.DECREASES_FREE} decreases, each subsequent decrease in "
                "the same UTC day can be performed at most once every "
                f"{limits.DECREASE_PAUSE_MS // 1000} seconds. Number of decreases today: {len(today)}. "
                f"Last decrease at {spelled(today[-1])}. Next decrease can be made at {spelled(next_ms)}"
            )
    return (*today, now_ms)


def with_switch(billing: Billing, now_ms: int) -> tuple[int, ...]:
    """The switches to on demand of the last 24 hours, and one more, now.

    The message is of 2019, when one switch a day was allowed; the number is today's.
    """
    recent = tuple(at_ms for at_ms in billing.switches_ms if at_ms > now_ms - _DAY_MS)
    if len(recent) >= limits.ON_DEMAND_SWITCHES_MAX:
        raise LimitExceeded(
            "Subscriber limit exceeded: Update to PayPerRequest mode are limited to "
            f"{limits.ON_DEMAND_SWITCHES_MAX} times in 1 day(s). Last update at {spelled(recent[-1])}. "
            f"Next update can be made at {spelled(recent[0] + _DAY_MS)}"
        )
    return (*recent, now_ms)


def spelled(wall_ms: int) -> str:
    """A time as the service writes it into these messages."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=wall_ms)
    hour = at.hour % 12 or 12
    half = "AM" if at.hour < 12 else "PM"
    return (
        f"{_DAYS[at.weekday()]}, {_MONTHS[at.month - 1]} {at.day}, {at.year} at "
        f"{hour}:{at.minute:02}:{at.second:02} {half} Coordinated Universal Time"
    )
