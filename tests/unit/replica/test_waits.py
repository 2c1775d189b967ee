"""Waits: called once, when it holds or when the time is over."""

from __future__ import annotations

from typing import cast

import pytest

from kvdb.errors import RequestLimitExceeded
from kvdb.replica import waits
from kvdb.replica.waits import Waits
from kvdb.table.catalog import Table
from kvdb.testing.inline_jobs import InlineJobs
from kvdb.testing.manual_clock import ManualClock
from tests.support.builders import make_env
from tests.support.regions import TABLE, World


@pytest.fixture
def table() -> Table:
    world = World("amsterdam", "berlin")
    world.share()
    return world["amsterdam"]._floor.catalog.table(TABLE)


class Fixture:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.env = make_env(clock=self.clock)
        self.waits = Waits(self.env)
        self.holds = False
        self.told: list[bool] = []

    def begin(self, table: Table, wait_ms: int = 100) -> waits.Wait | None:
        by_ms = self.waits.now_ms() + wait_ms
        return self.waits.begin([table.descriptor.table_id], lambda: self.holds, by_ms, self.told.append)

    def pass_ms(self, duration_ms: int) -> None:
        self.clock.advance_ms(duration_ms)
        cast(InlineJobs, self.env.jobs).run_until_idle()


def test_what_holds_already_is_told_at_once(table: Table) -> None:
    fixture = Fixture()
    fixture.holds = True
    assert fixture.begin(table) is None
    assert fixture.told == [True]


def test_what_comes_to_hold_is_told_once(table: Table) -> None:
    fixture = Fixture()
    fixture.begin(table)
    fixture.waits.changed(table)
    assert fixture.told == []
    fixture.holds = True
    fixture.waits.changed(table)
    fixture.waits.changed(table)
    fixture.pass_ms(1_000)
    assert fixture.told == [True]


def test_what_never_holds_is_told_when_the_time_is_over(table: Table) -> None:
    fixture = Fixture()
    fixture.begin(table, 5_000)
    fixture.begin(table, 100)
    fixture.pass_ms(99)
    assert fixture.told == []
    fixture.pass_ms(1)
    assert fixture.told == [False]
    fixture.pass_ms(4_900)
    assert fixture.told == [False, False]


def test_who_waits_after_somebody_who_did_not_have_to_is_told_when_his_time_is_over(table: Table) -> None:
    fixture = Fixture()
    fixture.holds = True
    fixture.begin(table, 50)
    fixture.holds = False
    fixture.begin(table, 100)
    fixture.pass_ms(100)
    assert fixture.told == [True, False]


def test_a_time_that_is_over_is_no_time_to_wait(table: Table) -> None:
    fixture = Fixture()
    assert fixture.begin(table, 0) is None
    assert fixture.told == [False]


def test_who_has_gone_is_not_called(table: Table) -> None:
    fixture = Fixture()
    wait = fixture.begin(table)
    assert wait is not None
    fixture.waits.forget(wait)
    fixture.waits.forget(wait)
    fixture.holds = True
    fixture.waits.changed(table)
    fixture.pass_ms(1_000)
    assert fixture.told == []


def test_all_are_called_when_the_database_closes_and_nobody_waits_after(table: Table) -> None:
    fixture = Fixture()
    fixture.begin(table)
    fixture.waits.stop()
    fixture.begin(table)
    assert fixture.told == [False, False]


def test_there_is_a_bound(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "PROMISES_MAX", 2)
    fixture = Fixture()
    fixture.waits.enter()
    fixture.waits.enter()
    with pytest.raises(RequestLimitExceeded, match="max=2"):
        fixture.waits.enter()
    fixture.waits.leave()
    fixture.waits.enter()
