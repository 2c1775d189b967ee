from __future__ import annotations

from kvdb.api.tables import (
    AttributeDefinition,
    CreateTable,
    IndexSpecification,
    KeySchemaElement,
    OnDemandThroughput,
    Projection,
    ProvisionedThroughput,
    StreamSpecification,
    Tag,
    WarmThroughput,
)
from kvdb.table.creation import created
from kvdb.table.descriptor import (
    Billing,
    IndexDescriptor,
    KeyAttribute,
    StreamSetting,
    TableDescriptor,
    Throughput,
)
from tests.support.builders import table_request

NOW_MS = 1_700_000_000_000


def made(request: CreateTable, delay_ms: int = 0) -> TableDescriptor:
    return created(
        request, name=request.table_name, table_id=7, uuid="uuid", now_ms=NOW_MS, delay_ms=delay_ms
    )


def test_a_plain_table_is_on_demand_and_active():
    assert made(table_request("airports", ("country", "S"), ("n", "N"))) == TableDescriptor(
        7,
        "airports",
        "uuid",
        NOW_MS,
        KeyAttribute("country", "S"),
        KeyAttribute("n", "N"),
        billing=Billing("PAY_PER_REQUEST", NOW_MS),
    )


def test_a_throughput_makes_it_provisioned():
    request = table_request()
    request.provisioned_throughput = ProvisionedThroughput(5, 6)
    descriptor = made(request)
    assert descriptor.billing == Billing("PROVISIONED")
    assert descriptor.throughput == Throughput(5, 6)


def test_a_delay_keeps_it_creating():
    descriptor = made(table_request(), delay_ms=500)
    assert (descriptor.status, descriptor.settles_ms) == ("CREATING", NOW_MS + 500)


def test_indexes_are_numbered_local_ones_first():
    request = table_request(sort=("icao", "S"))
    request.attribute_definitions += [AttributeDefinition("city", "S"), AttributeDefinition("n", "N")]
    request.local_secondary_indexes = [
        IndexSpecification(
            "by-n",
            (KeySchemaElement("country", "HASH"), KeySchemaElement("n", "RANGE")),
            Projection("KEYS_ONLY"),
        )
    ]
    request.global_secondary_indexes = [
        IndexSpecification(
            "by-city",
            (
                KeySchemaElement("city", "HASH"),
                KeySchemaElement("country", "HASH"),
                KeySchemaElement("n", "RANGE"),
                KeySchemaElement("icao", "RANGE"),
            ),
            Projection("INCLUDE", ("name",)),
            on_demand_throughput=OnDemandThroughput(3, -1),
            is_unique=True,
        )
    ]
    descriptor = made(request)
    country, icao, city, n = (
        KeyAttribute("country", "S"),
        KeyAttribute("icao", "S"),
        KeyAttribute("city", "S"),
        KeyAttribute("n", "N"),
    )
    assert descriptor.indexes == (
        IndexDescriptor(1, "LOCAL", "by-n", (country,), (n,), "KEYS_ONLY"),
        IndexDescriptor(
            2,
            "GLOBAL",
            "by-city",
            (city, country),
            (n, icao),
            "INCLUDE",
            ("name",),
            True,
            Throughput(max_read_units=3),
        ),
    )
    assert descriptor.next_index_number == 3
    assert all(index.is_complete for index in descriptor.indexes)


def test_settings_are_kept():
    request = table_request()
    request.tags = [Tag("owner", "ground")]
    request.table_class = "STANDARD"
    request.deletion_protection_enabled = True
    request.warm_throughput = WarmThroughput(10, 20)
    request.stream_specification = StreamSpecification(True, "KEYS_ONLY")
    descriptor = made(request)
    assert descriptor.tags == (Tag("owner", "ground"),)
    assert descriptor.table_class == "STANDARD"
    assert descriptor.is_protected
    assert (descriptor.throughput.warm_read_units, descriptor.throughput.warm_write_units) == (10, 20)
    assert descriptor.stream == StreamSetting(
        True, "KEYS_ONLY", "2023-11-14T22:13:20.000", descriptor.next_index_number - 1
    )


def test_a_disabled_stream_is_none():
    request = table_request()
    request.stream_specification = StreamSpecification(False)
    assert made(request).stream is None
