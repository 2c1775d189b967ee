from __future__ import annotations

import dataclasses

import pytest

from kvdb.errors import LimitExceeded
from kvdb.limits import AWS, OPEN
from kvdb.table import quotas
from kvdb.table.descriptor import Billing, IndexDescriptor, KeyAttribute, TableDescriptor, Throughput

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NOON_MS = 20_000 * DAY_MS + 12 * HOUR_MS


def table(read: int, write: int, name: str = "airports", index_read: int = 0) -> TableDescriptor:
    index = IndexDescriptor(1, "GLOBAL", "by-city", (), (), "ALL", throughput=Throughput(index_read, 1))
    return TableDescriptor(
        1, name, "uuid", 0, KeyAttribute("p", "S"), None, (index,), throughput=Throughput(read, write)
    )


def refusal(changed: TableDescriptor, *others: TableDescriptor) -> str:
    with pytest.raises(LimitExceeded) as refused:
        quotas.check_capacity(changed, others, profile=AWS, region_name="ddblocal")
    return str(refused.value)


REFER = "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."


def test_a_table_is_provisioned_with_40000_units_at_most():
    quotas.check_capacity(table(40_000, 40_000 - 1), (), profile=AWS, region_name="ddblocal")
    assert refusal(table(1, 40_001)) == (
        "The requested WriteCapacityUnits, 40001, is above the per table maximum for the account in "
        f"ddblocal. Per table maximum: 40000. {REFER}"
    )
    assert refusal(table(1, 1, index_read=40_001)) == (
        "The requested ReadCapacityUnits for index by-city, 40001, is above the per index maximum for the "
        f"account in ddblocal. Per index maximum: 40000. {REFER}"
    )


def test_all_tables_are_provisioned_with_80000_units_at_most():
    others = (table(40_000, 1, "one"), table(30_000, 1, "two"))
    quotas.check_capacity(table(10_000, 1), others, profile=AWS, region_name="ddblocal")
    assert refusal(table(9_999, 1, index_read=2), *others) == (
        "This request would have caused the ReadCapacityUnits limit to be exceeded for the account in "
        f"ddblocal. Current ReadCapacityUnits reserved by the account: 70000. Limit: 80000. "
        f"Requested: 10001. {REFER}"
    )


def test_open_limits_bound_no_throughput():
    quotas.check_capacity(table(10**9, 10**9), (table(10**9, 1),), profile=OPEN, region_name="ddblocal")


def test_four_decreases_a_day_are_free_and_then_one_an_hour():
    throughput = Throughput()
    for number in range(4):
        decreases = quotas.with_decrease(throughput, NOON_MS + number)
        throughput = dataclasses.replace(throughput, decreases_ms=decreases)
    with pytest.raises(LimitExceeded) as refused:
        quotas.with_decrease(throughput, NOON_MS + 3 + HOUR_MS - 1)
    assert str(refused.value) == (
        "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. "
        "After the first 4 decreases, each subsequent decrease in the same UTC day can be performed at most "
        "once every 3600 seconds. Number of decreases today: 4. Last decrease at Friday, October 4, 2024 "
        "at 12:00:00 PM Coordinated Universal Time. Next decrease can be made at Friday, October 4, 2024 "
        "at 1:00:00 PM Coordinated Universal Time"
    )
    assert len(quotas.with_decrease(throughput, NOON_MS + 3 + HOUR_MS)) == 5


def test_a_day_has_27_decreases_at_most():
    throughput, made = Throughput(), 0
    start_ms = 20_000 * DAY_MS
    for minute in range(24 * 60):
        try:
            decreases = quotas.with_decrease(throughput, start_ms + minute * 60_000)
        except LimitExceeded:
            continue
        throughput, made = dataclasses.replace(throughput, decreases_ms=decreases), made + 1
    assert made == 27
    assert quotas.decreases_today(throughput, start_ms + DAY_MS) == ()
    assert quotas.with_decrease(throughput, start_ms + DAY_MS) == (start_ms + DAY_MS,)


def test_a_table_is_switched_to_on_demand_four_times_in_24_hours():
    billing = Billing("PROVISIONED")
    for number in range(4):
        switches = quotas.with_switch(billing, NOON_MS + number * HOUR_MS)
        billing = Billing("PROVISIONED", None, switches)
    with pytest.raises(LimitExceeded, match=r"limited to 4 times in 1 day\(s\)"):
        quotas.with_switch(billing, NOON_MS + DAY_MS - 1)
    assert len(quotas.with_switch(billing, NOON_MS + DAY_MS)) == 4


@pytest.mark.parametrize(
    ("wall_ms", "text"),
    [
        (1_791_505_294_000, "Friday, October 9, 2026 at 12:21:34 AM Coordinated Universal Time"),
        (0, "Thursday, January 1, 1970 at 12:00:00 AM Coordinated Universal Time"),
        (13 * HOUR_MS, "Thursday, January 1, 1970 at 1:00:00 PM Coordinated Universal Time"),
    ],
)
def test_times_are_spelled_as_the_service_spells_them(wall_ms, text):
    assert quotas.spelled(wall_ms) == text
