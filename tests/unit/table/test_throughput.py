"""Throttling, on a clock that stands still until a test moves it."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvdb.api.items import (
    BatchGetItem,
    BatchWriteItem,
    GetItem,
    KeysAndAttributes,
    PutItem,
    PutRequest,
    Query,
    Scan,
)
from kvdb.api.tables import (
    AttributeDefinition,
    CreateTable,
    IndexSpecification,
    KeySchemaElement,
    OnDemandThroughput,
    Projection,
    ProvisionedThroughput,
    UpdateIndex,
    UpdateTable,
)
from kvdb.database.database import Database
from kvdb.errors import Throttled, ThrottlingReason, ThroughputExceeded
from kvdb.options import DatabaseOptions
from kvdb.table.descriptor import Billing, IndexDescriptor, KeyAttribute, TableDescriptor, Throughput
from kvdb.table.throughput import Bucket, Meter, meter_of
from kvdb.testing.manual_clock import ManualClock
from tests.support.builders import DIRECTORY, make_env

ARN = "arn:aws:dynamodb:ddblocal:000000000000:table/airports"
PREFIX = ARN.removesuffix("airports")
SECOND_NS = 1_000_000_000

BY_CITY = IndexDescriptor(1, "GLOBAL", "by-city", (), (), "ALL", throughput=Throughput(3, 4))
LOCAL = IndexDescriptor(2, "LOCAL", "local", (), (), "ALL")
PROVISIONED = TableDescriptor(
    1,
    "airports",
    "uuid",
    0,
    KeyAttribute("p", "S"),
    None,
    (BY_CITY, LOCAL),
    billing=Billing("PROVISIONED"),
    throughput=Throughput(1, 2),
)


def metered(table: TableDescriptor = PROVISIONED) -> tuple[Meter, ManualClock]:
    clock = ManualClock()
    meter = meter_of(table, None, clock, PREFIX)
    assert meter is not None
    return meter, clock


# Buckets.


def test_a_bucket_begins_full_and_keeps_what_is_not_used_up_to_its_burst():
    bucket = Bucket(2, 10, 0)
    assert bucket.fill(0) == 10
    bucket.take(8)
    assert bucket.fill(SECOND_NS) == 4
    assert bucket.fill(100 * SECOND_NS) == 10


def test_a_debt_is_paid_back_with_time():
    bucket = Bucket(2, 10, 0)
    bucket.take(16)
    assert bucket.fill(0) == -6
    assert bucket.fill(3 * SECOND_NS) == 0
    assert bucket.fill(4 * SECOND_NS) == 2


def test_a_bucket_that_changes_its_size_keeps_what_it_holds():
    bucket = Bucket(2, 10, 0)
    bucket.take(4)
    assert bucket.resized(5, 100, 0).fill(0) == 6
    assert bucket.resized(1, 3, 0).fill(0) == 3
    bucket.take(20)
    assert bucket.resized(5, 100, 0).fill(0) == -14


@given(
    rate=st.integers(1, 1_000),
    calls=st.lists(st.tuples(st.integers(0, 5_000), st.floats(0.5, 50)), max_size=60),
)
def test_over_time_nobody_takes_more_than_burst_and_rate_and_one_call(rate, calls):
    bucket, now_ns, taken, largest = Bucket(rate, rate * 300, 0), 0, 0.0, 0.0
    for pause_ms, units in calls:
        now_ns += pause_ms * 1_000_000
        if bucket.fill(now_ns) > 0:
            bucket.take(units)
            taken, largest = taken + units, max(largest, units)
    assert taken <= rate * 300 + rate * now_ns / SECOND_NS + largest + 1e-3


# Meters.


def test_a_table_without_bounds_has_no_meter():
    on_demand = dataclasses.replace(PROVISIONED, billing=Billing(), indexes=(), throughput=Throughput())
    assert meter_of(on_demand, None, ManualClock(), PREFIX) is None


def test_table_and_indexes_have_buckets_of_their_own():
    meter, _ = metered()
    meter.take("read", {0: 300})
    with pytest.raises(ThroughputExceeded) as refused:
        meter.check("read", 0)
    assert str(refused.value) == (
        "The level of configured provisioned throughput for the table was exceeded. "
        "Consider increasing your provisioning level with the UpdateTable API."
    )
    assert refused.value.reasons == (ThrottlingReason("TableReadProvisionedThroughputExceeded", ARN),)
    meter.check("write", 0)
    meter.check("read", 1)
    meter.take("write", {1: 1_200})
    refusal = meter.refusal("write")
    assert isinstance(refusal, ThroughputExceeded)
    assert str(refusal) == (
        "The level of configured provisioned throughput for one or more global secondary indexes of the "
        "table was exceeded. Consider increasing your provisioning level for the under-provisioned global "
        "secondary indexes with the UpdateTable API"
    )
    assert refusal.reasons == (
        ThrottlingReason("IndexWriteProvisionedThroughputExceeded", f"{ARN}/index/by-city"),
    )
    assert meter.refusal("write", (0,)) is None


def test_time_lets_calls_through_again():
    meter, clock = metered()
    meter.take("write", {0: 600})
    assert meter.refusal("write", (0,)) is not None
    clock.advance_ms(1)
    assert meter.refusal("write", (0,)) is None


def test_maxima_of_on_demand_tables_are_held_to_the_second():
    table = dataclasses.replace(
        PROVISIONED, billing=Billing(), indexes=(), throughput=Throughput(max_write_units=5)
    )
    meter, clock = metered(table)
    meter.check("read", 0)
    meter.take("write", {0: 6})
    with pytest.raises(Throttled) as refused:
        meter.check("write", 0)
    assert str(refused.value) == (
        "Throughput exceeds the maximum OnDemandThroughput configured on table or index"
    )
    assert refused.value.reasons == (ThrottlingReason("TableWriteMaxOnDemandThroughputExceeded", ARN),)
    clock.advance_ms(201)
    meter.check("write", 0)


def test_another_throughput_holds_from_then_on():
    meter, _ = metered()
    meter.take("read", {0: 300})
    raised = dataclasses.replace(PROVISIONED, throughput=Throughput(100, 2))
    assert meter_of(raised, meter, ManualClock(), PREFIX) is meter
    assert meter.refusal("read", (0,)) is not None
    assert meter_of(dataclasses.replace(PROVISIONED, billing=Billing()), meter, ManualClock(), PREFIX) is None


def test_the_bounds_do_not_grow_with_use():
    meter, _ = metered()
    for number in range(1_000):
        meter.take("read", {number: 1.0})
    assert sum(len(buckets) for buckets in meter._buckets.values()) == 4


def test_what_is_not_let_through_takes_nothing_from_any_bucket():
    meter, _ = metered()
    meter.take("write", {1: 1_200})
    with pytest.raises(ThroughputExceeded):
        meter.admit("write", {0: 599, 1: 1})
    meter.admit("write", {0: 599})
    meter.admit("write", {0: 599})
    with pytest.raises(ThroughputExceeded):
        meter.admit("write", {0: 1})


# In a database.

INDEX = IndexSpecification(
    "by-city",
    (KeySchemaElement("city", "HASH"),),
    Projection("ALL"),
    provisioned_throughput=ProvisionedThroughput(1, 1),
)


def create(name: str = "airports", *, indexed: bool = False, **fields: object) -> CreateTable:
    definitions = [AttributeDefinition("icao", "S")]
    if indexed:
        definitions.append(AttributeDefinition("city", "S"))
        fields["global_secondary_indexes"] = [INDEX]
    return CreateTable(name, [KeySchemaElement("icao", "HASH")], definitions, **fields)  # type: ignore[arg-type]


def opened(*tables: CreateTable, throttling: bool = True) -> tuple[Database, ManualClock]:
    clock = ManualClock()
    db = Database.open(DIRECTORY, DatabaseOptions(throttling=throttling), make_env(clock=clock))
    for table in tables:
        db.call(table)
    return db, clock


ONE = ProvisionedThroughput(1, 1)
ROW = {"icao": "BIKF", "blob": b"x" * 1_000}


def drain(db: Database, name: str = "airports", **more: object) -> int:
    """Write until the table lets nothing through."""
    for count in range(1_000):
        try:
            db.call(PutItem(name, {**ROW, **more}))
        except ThroughputExceeded:
            return count
    raise AssertionError("nothing holds the table")


def test_writes_are_throttled_and_have_then_done_nothing():
    db, clock = opened(create(provisioned_throughput=ONE))
    assert drain(db) == 300
    refused = PutItem("airports", {"icao": "NEW"})
    with pytest.raises(ThroughputExceeded) as throttled:
        db.call(refused)
    assert throttled.value.reasons == (ThrottlingReason("TableWriteProvisionedThroughputExceeded", ARN),)
    assert db.call(GetItem("airports", {"icao": "NEW"})).item is None
    clock.advance_ms(1_000)
    db.call(refused)


def test_an_index_that_cannot_keep_up_throttles_its_table():
    db, _ = opened(create(indexed=True, provisioned_throughput=ProvisionedThroughput(5, 5)))
    count = 0
    with pytest.raises(ThroughputExceeded) as throttled:
        for count in range(1_000):
            db.call(PutItem("airports", {"icao": str(count), "city": "Keflavik"}))
    assert count == 300
    assert throttled.value.reasons == (
        ThrottlingReason("IndexWriteProvisionedThroughputExceeded", f"{ARN}/index/by-city"),
    )
    db.call(PutItem("airports", {"icao": "no city"}))


@pytest.mark.parametrize(
    "read",
    [
        GetItem("airports", {"icao": "BIKF"}),
        Scan("airports"),
        Query("airports", "icao = :i", expression_attribute_values={":i": "BIKF"}),
        BatchGetItem({"airports": KeysAndAttributes([{"icao": "BIKF"}])}),
    ],
    ids=lambda read: type(read).__name__,
)
def test_reads_are_throttled(read):
    db, clock = opened(create(provisioned_throughput=ONE))
    db.call(PutItem("airports", ROW))
    for _ in range(600):
        db.call(read)
    with pytest.raises(ThroughputExceeded) as throttled:
        db.call(read)
    assert throttled.value.reasons[0].reason == "TableReadProvisionedThroughputExceeded"
    clock.advance_ms(1_000)
    db.call(read)


def test_a_read_of_an_index_takes_from_the_index_alone():
    db, _ = opened(create(indexed=True, provisioned_throughput=ONE))
    read = Scan("airports", index_name="by-city")
    with pytest.raises(ThroughputExceeded) as throttled:
        for _ in range(1_000):
            db.call(read)
    assert throttled.value.reasons[0].reason == "IndexReadProvisionedThroughputExceeded"
    db.call(Scan("airports"))


def test_a_page_of_any_size_is_let_through_and_paid_back_later():
    db, clock = opened(create(provisioned_throughput=ProvisionedThroughput(1, 500)))
    for number in range(10):
        db.call(PutItem("airports", {"icao": str(number), "blob": bytes(300_000)}))
    scan = Scan("airports", consistent_read=True)
    for _ in range(2):
        page = db.call(scan)
        assert page.count == 4  # type: ignore[union-attr]
    with pytest.raises(ThroughputExceeded):
        db.call(scan)
    clock.advance_ms((2 * 293 - 300) * 1_000 + 5_000)
    db.call(scan)


def test_a_batch_gives_back_what_is_throttled():
    db, _ = opened(create(provisioned_throughput=ONE), create("free"))
    drain(db)
    writes = [PutRequest({"icao": "NEW"})]
    written = db.call(BatchWriteItem({"airports": writes, "free": writes}))
    assert written.unprocessed_items == {"airports": writes}  # type: ignore[union-attr]
    assert db.call(GetItem("free", {"icao": "NEW"})).item is not None  # type: ignore[union-attr]
    with pytest.raises(ThroughputExceeded):
        db.call(BatchWriteItem({"airports": writes}))
    wanted = KeysAndAttributes([{"icao": "BIKF"}])
    with pytest.raises(ThroughputExceeded):
        for _ in range(1_000):
            db.call(BatchGetItem({"airports": wanted}))
    got = db.call(BatchGetItem({"airports": wanted, "free": wanted}))
    assert got.unprocessed_keys == {"airports": wanted}  # type: ignore[union-attr]


def test_more_throughput_helps_when_it_is_given():
    db, clock = opened(create(indexed=True, provisioned_throughput=ProvisionedThroughput(5, 5)))
    with pytest.raises(ThroughputExceeded):
        for number in range(1_000):
            db.call(PutItem("airports", {"icao": str(number), "city": "Keflavik"}))
    updates = [UpdateIndex("by-city", ProvisionedThroughput(1, 100))]
    db.call(UpdateTable("airports", global_secondary_index_updates=updates))
    clock.advance_ms(1_000)
    for number in range(90):
        db.call(PutItem("airports", {"icao": f"new {number}", "city": "Keflavik"}))


def test_an_on_demand_table_has_the_maxima_it_asked_for():
    db, _ = opened(create(on_demand_throughput=OnDemandThroughput(None, 5)))
    with pytest.raises(Throttled):
        for _ in range(100):
            db.call(PutItem("airports", ROW))
    db.call(UpdateTable("airports", on_demand_throughput=OnDemandThroughput(None, -1)))
    for _ in range(100):
        db.call(PutItem("airports", ROW))


def test_throttling_can_be_turned_off():
    db, _ = opened(create(provisioned_throughput=ONE), throttling=False)
    for _ in range(1_000):
        db.call(PutItem("airports", ROW))
