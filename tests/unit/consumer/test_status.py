"""What the workers of an application are doing, and how far they are behind."""

from __future__ import annotations

import pytest

from kvdb.consumer import Context
from kvdb.consumer.options import WorkerOptions
from kvdb.consumer.status import LeaseStatus, lease_statuses
from kvdb.errors import ValidationError
from kvdb.item.dynamo_json import JsonObject
from tests.support.workers import TABLE, Recorder, Shop


def statuses(shop: Shop, count_max: int = 10_000) -> list[LeaseStatus]:
    now_ms = shop.clock.wall_ms()
    found = lease_statuses(shop.client, TABLE, WorkerOptions(), count_max=count_max, now_ms=now_ms)
    return [each for each in found if each.state != "finished" or each.lease.parents]


def test_lag_is_counted_in_records_and_time() -> None:
    shop = Shop()
    worker = shop.start(Recorder())
    shop.put(1, 2)
    shop.turn()
    assert [(s.state, s.lag_records, s.lag_ms) for s in statuses(shop)][-1] == ("held", 0, 0)
    worker.stop()
    shop.put(*range(5))
    shop.clock.advance_ms(7_000)
    (status,) = [each for each in statuses(shop) if each.state == "free"]
    assert (status.lag_records, status.is_more, status.lag_ms) == (5, False, 7_000)
    (status,) = [each for each in statuses(shop, 3) if each.state == "free"]
    assert (status.lag_records, status.is_more) == (3, True)


def test_shards_that_wait_for_their_parents_say_so() -> None:
    shop = Shop()

    def fail(event: JsonObject, context: Context) -> None:
        raise ValueError

    handler = Recorder(fail)
    shop.start(handler, shard_sync_ms=100)
    shop.put(1)
    shop.split()
    shop.put(2)
    shop.turn(ms=5_000)
    parent, *children = statuses(shop)[-3:]
    assert (parent.state, parent.lag_records) == ("held", 1)
    assert [child.state for child in children] == ["waits for parents"] * 2
    assert sum(child.lag_records for child in children) == 1
    handler.act = lambda event, context: None
    shop.turn(ms=20_000)
    assert [each.state for each in statuses(shop)[-3:]] == ["finished", "held", "held"]


def test_without_workers_there_is_nothing_to_tell() -> None:
    shop = Shop()
    with pytest.raises(ValidationError, match="there are no leases of table 'changes'"):
        statuses(shop)
