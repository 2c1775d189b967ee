from __future__ import annotations

import dataclasses

from kvdb.api.tables import (
    AttributeDefinition,
    BillingModeSummary,
    IndexDescription,
    KeySchemaElement,
    OnDemandThroughput,
    Projection,
    ProvisionedThroughputDescription,
    StreamSpecification,
    TableDescription,
    WarmThroughput,
)
from kvdb.table.description import Size, described
from kvdb.table.descriptor import Billing, KeyAttribute, TableDescriptor, Throughput
from tests.unit.table.test_descriptor import FULL

PREFIX = "arn:aws:dynamodb:ddblocal:000000000000:table/"
DAY_MS = 86_400_000


def shown(descriptor: TableDescriptor, now_ms: int = 5_000) -> TableDescription:
    sizes = {0: Size(100, 2), 4: Size(50, 1)}
    return described(descriptor, arn_prefix=PREFIX, now_ms=now_ms, sizes=sizes)


def index_of(descriptor: TableDescriptor, now_ms: int = 5_000) -> IndexDescription:
    return shown(descriptor, now_ms).global_secondary_indexes[0]


def test_everything_stored_is_shown():
    description = shown(FULL)
    assert description.table_arn == f"{PREFIX}airports"
    assert description.key_schema == (KeySchemaElement("country", "HASH"), KeySchemaElement("n", "RANGE"))
    assert description.attribute_definitions == tuple(
        AttributeDefinition(*definition)
        for definition in (
            ("country", "S"),
            ("n", "N"),
            ("icao", "S"),
            ("city", "S"),
            ("zip", "B"),
            ("elevation", "N"),
        )
    )
    assert (description.table_size_bytes, description.item_count) == (100, 2)
    assert description.stream_specification == StreamSpecification(True, "NEW_IMAGE")
    assert description.latest_stream_label == "2023-11-14T22:13:20.000"
    assert description.latest_stream_arn == f"{PREFIX}airports/stream/2023-11-14T22:13:20.000"
    assert description.table_class == "STANDARD_INFREQUENT_ACCESS"
    assert description.deletion_protection_enabled


def test_a_local_index_has_no_status_and_no_throughput():
    (index,) = shown(FULL).local_secondary_indexes
    assert index == IndexDescription(
        "LOCAL",
        "by-icao",
        (KeySchemaElement("country", "HASH"), KeySchemaElement("icao", "RANGE")),
        Projection("KEYS_ONLY"),
        f"{PREFIX}airports/index/by-icao",
    )


def test_a_global_index_tells_of_its_backfill():
    index = index_of(FULL)
    assert index.key_schema == (
        KeySchemaElement("city", "HASH"),
        KeySchemaElement("zip", "HASH"),
        KeySchemaElement("elevation", "RANGE"),
    )
    assert index.projection == Projection("INCLUDE", ("name", "runways"))
    assert (index.index_size_bytes, index.item_count) == (50, 1)
    assert (index.index_status, index.is_backfilling, index.backfilled_count) == ("CREATING", True, 12)
    assert index.is_unique
    assert index.on_demand_throughput == OnDemandThroughput(7, 8)
    assert index.warm_throughput == WarmThroughput(9, 10)


def test_before_it_settles_a_new_index_is_not_backfilling_yet():
    assert index_of(FULL, 3_999).is_backfilling is False


def test_indexes_share_the_beginning_and_the_end_of_their_table():
    active = dataclasses.replace(FULL.indexes[1], status="ACTIVE", backfill=None)
    creating = dataclasses.replace(FULL.with_index(active), status="CREATING", settles_ms=6_000)
    assert index_of(creating).index_status == "CREATING"
    assert index_of(creating, 6_000).index_status == "ACTIVE"
    deleting = dataclasses.replace(creating, status="DELETING")
    assert index_of(deleting, 9_000).index_status == "DELETING"


def test_an_updated_index_becomes_active_with_time():
    updating = FULL.with_index(dataclasses.replace(FULL.indexes[1], status="UPDATING", backfill=None))
    assert index_of(updating, 3_999).index_status == "UPDATING"
    assert index_of(updating, 4_000).index_status == "ACTIVE"


def test_decreases_are_those_of_today():
    throughput = Throughput(1, 2, 7, 8, (DAY_MS - 1, DAY_MS, DAY_MS + 1))
    descriptor = TableDescriptor(1, "a", "u", 0, KeyAttribute("p", "S"), None, throughput=throughput)
    today = shown(descriptor, DAY_MS + 5).provisioned_throughput
    assert today == ProvisionedThroughputDescription(1, 2, 2, 7, 8)
    assert shown(descriptor, 2 * DAY_MS).provisioned_throughput.number_of_decreases_today == 0


def test_a_table_that_never_was_on_demand_has_no_billing_summary():
    plain = TableDescriptor(1, "a", "u", 0, KeyAttribute("p", "S"), None)
    provisioned = dataclasses.replace(plain, billing=Billing("PROVISIONED"))
    assert shown(provisioned).billing_mode_summary is None
    assert shown(FULL).billing_mode_summary == BillingModeSummary("PROVISIONED", 1_500)
    on_demand = dataclasses.replace(plain, billing=Billing("PAY_PER_REQUEST", 9))
    assert shown(on_demand).billing_mode_summary == BillingModeSummary("PAY_PER_REQUEST", 9)


def test_a_disabled_stream_keeps_its_label():
    assert FULL.stream is not None
    stopped = dataclasses.replace(FULL, stream=dataclasses.replace(FULL.stream, is_enabled=False))
    assert shown(stopped).stream_specification is None
    assert shown(stopped).latest_stream_label == "2023-11-14T22:13:20.000"
