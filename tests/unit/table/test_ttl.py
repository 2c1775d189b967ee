from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from kvdb.api.tables import DescribeTimeToLiveResult, UpdateTimeToLive
from kvdb.errors import LimitExceeded, ResourceNotFound, ValidationError
from kvdb.lsm.batch import WriteBatch
from kvdb.options import DatabaseOptions
from kvdb.table import keys, ttl
from kvdb.table.catalog import Catalog
from kvdb.table.descriptor import KeyAttribute, TableDescriptor, TtlSetting
from kvdb.table.ttl import Marks
from kvdb.testing.manual_clock import ManualClock
from tests.support.builders import AIRPORTS, make_env, open_floor

HOUR_MS = 3_600_000
NOW_MS = 1_700_000_000_000
PLAIN = TableDescriptor(7, "airports", "uuid", 0, KeyAttribute("p", "S"), None, next_index_number=3)
PREFIX = keys.index_prefix(7, 3)
MARKS = Marks("gone_at", PREFIX)
ROW = keys.index_prefix(7, 0) + b"hashkey"


def asked(
    table: TableDescriptor, attribute: str, *, on: bool, now_ms: int = NOW_MS, delay_ms: int = 0
) -> TableDescriptor:
    request = UpdateTimeToLive("airports", attribute, on)
    return ttl.with_time_to_live(table, request, now_ms=now_ms, delay_ms=delay_ms)


def refusal(table: TableDescriptor, attribute: str, *, on: bool, now_ms: int = NOW_MS) -> str:
    with pytest.raises(ValidationError) as refused:
        asked(table, attribute, on=on, now_ms=now_ms)
    return str(refused.value)


ON = asked(PLAIN, "gone_at", on=True)
OFF = asked(ON, "gone_at", on=False, now_ms=NOW_MS + HOUR_MS)


def test_enabling_takes_a_number_for_its_marks_and_has_all_rows_to_walk():
    assert ON.ttl == TtlSetting("gone_at", True, NOW_MS, 0, 3, b"")
    assert ON.next_index_number == 4
    again = asked(OFF, "other", on=True, now_ms=NOW_MS + 2 * HOUR_MS)
    assert again.ttl == TtlSetting("other", True, NOW_MS + 2 * HOUR_MS, 0, 4, b"")


def test_disabling_gives_the_marks_up():
    assert OFF.ttl == TtlSetting("gone_at", False, NOW_MS + HOUR_MS)
    assert ON.numbers - OFF.numbers == {3}


@pytest.mark.parametrize("now_ms", [NOW_MS + 1, NOW_MS + 2 * HOUR_MS])
def test_what_changes_nothing_is_refused_first(now_ms):
    different = "TimeToLive is active on a different AttributeName: current AttributeName is gone_at"
    assert refusal(ON, "gone_at", on=True, now_ms=now_ms) == "TimeToLive is already enabled"
    assert refusal(ON, "other", on=True, now_ms=now_ms) == different
    assert refusal(ON, "other", on=False, now_ms=now_ms) == different
    assert refusal(PLAIN, "gone_at", on=False, now_ms=now_ms) == "TimeToLive is already disabled"
    assert refusal(OFF, "other", on=False, now_ms=now_ms) == "TimeToLive is already disabled"


def test_a_second_change_within_the_hour_is_refused():
    soon = "Time to live has been modified multiple times within a fixed interval"
    assert refusal(ON, "gone_at", on=False, now_ms=NOW_MS + HOUR_MS - 1) == soon
    assert refusal(OFF, "gone_at", on=True, now_ms=NOW_MS + 2 * HOUR_MS - 1) == soon
    assert asked(OFF, "gone_at", on=True, now_ms=NOW_MS + 2 * HOUR_MS).ttl is not None


def test_numbers_for_marks_come_to_an_end():
    with pytest.raises(LimitExceeded, match="as many indexes as it ever can"):
        asked(dataclasses.replace(PLAIN, next_index_number=0xFFFF), "gone_at", on=True)


def test_the_description_forgets_the_attribute_of_a_disabled_one():
    assert ttl.described(PLAIN, now_ms=NOW_MS) == DescribeTimeToLiveResult("DISABLED")
    assert ttl.described(ON, now_ms=NOW_MS) == DescribeTimeToLiveResult("ENABLED", "gone_at")
    assert ttl.described(OFF, now_ms=NOW_MS) == DescribeTimeToLiveResult("DISABLED")


def test_with_a_delay_it_is_enabling_and_disabling_first():
    on = asked(PLAIN, "gone_at", on=True, delay_ms=500)
    assert ttl.described(on, now_ms=NOW_MS + 499) == DescribeTimeToLiveResult("ENABLING", "gone_at")
    assert ttl.described(on, now_ms=NOW_MS + 500) == DescribeTimeToLiveResult("ENABLED", "gone_at")
    off_ms = NOW_MS + HOUR_MS
    off = asked(on, "gone_at", on=False, now_ms=off_ms, delay_ms=500)
    assert ttl.described(off, now_ms=off_ms + 499) == DescribeTimeToLiveResult("DISABLING", "gone_at")
    assert ttl.described(off, now_ms=off_ms + 500) == DescribeTimeToLiveResult("DISABLED")


def test_a_table_that_is_not_ready_has_none():
    clock = ManualClock()
    floor = open_floor(make_env(clock=clock))
    catalog = Catalog(floor.engine, floor.env, DatabaseOptions(table_status_delay_ms=500))
    catalog.create(AIRPORTS)
    with pytest.raises(ResourceNotFound, match=r"^Requested resource not found: Table: airports not found$"):
        catalog.update_time_to_live(UpdateTimeToLive("airports", "gone_at", True))
    with pytest.raises(ValidationError) as refused:
        catalog.described_time_to_live("airports")
    assert str(refused.value) == (
        "Cannot describe time to live while table is in CREATING state: Current table state is CREATING"
    )
    clock.advance_ms(500)
    catalog.update_time_to_live(UpdateTimeToLive("airports", "gone_at", True))
    assert catalog.described_time_to_live("airports").time_to_live_status == "ENABLING"


# Marks.


@pytest.mark.parametrize(
    ("value", "second"),
    [
        (0, 0),
        (1_700_000_000, 1_700_000_000),
        (Decimal("1700000000.9"), 1_700_000_000),
        (2**63 - 1, 2**63 - 1),
        (2**63, None),
        (-1, None),
        (Decimal("1E+125"), None),
        (Decimal("-0.5"), None),
        ("1700000000", None),
        (True, None),
        (None, None),
        ({1_700_000_000}, None),
    ],
)
def test_a_number_of_seconds_expires_and_nothing_else(value, second):
    assert MARKS.second_of({"gone_at": value}) == second


def test_an_item_without_the_attribute_never_expires():
    assert MARKS.second_of({"other": 5}) is None


def marks_after(*writes: tuple[dict[str, object] | None, dict[str, object] | None]) -> list[int]:
    floor = open_floor()
    for old, new in writes:
        batch = WriteBatch()
        MARKS.add(batch, ROW, old, new)
        if len(batch):
            floor.engine.write(batch)
    return [keys.marked_second(mark) for mark, _ in floor.engine.scan(*keys.prefix_range(PREFIX))]


def test_a_mark_follows_its_item_when_the_old_one_is_known():
    assert marks_after((None, {"gone_at": 5})) == [5]
    assert marks_after((None, {"gone_at": 5}), ({"gone_at": 5}, {"gone_at": 9})) == [9]
    assert marks_after((None, {"gone_at": 5}), ({"gone_at": 5}, {"gone_at": 5, "more": 1})) == [5]
    assert marks_after((None, {"gone_at": 5}), ({"gone_at": 5}, {})) == []
    assert marks_after((None, {"gone_at": 5}), ({"gone_at": 5}, None)) == []


def test_and_stays_behind_when_nobody_looked():
    assert marks_after((None, {"gone_at": 5}), (None, {"gone_at": 9})) == [5, 9]


def test_a_mark_leads_to_its_row():
    mark = keys.mark_key(PREFIX, 5, ROW)
    assert (keys.marked_second(mark), keys.marked_row_key(mark)) == (5, ROW)
    assert keys.marks_between(PREFIX, 5, 6).holds(mark)
    assert not keys.marks_between(PREFIX, 0, 5).holds(mark)


def test_a_table_has_marks_while_it_is_enabled():
    assert Marks.of(PLAIN) is None
    assert Marks.of(OFF) is None
    marks = Marks.of(ON)
    assert marks is not None
    assert (marks.attribute, marks.prefix) == ("gone_at", PREFIX)
