"""What a table and its indexes are made of becomes the requests the service's users know."""

from __future__ import annotations

import pytest

from kvdb import GlobalIndex, LocalIndex, OnDemand, Provisioned
from kvdb.api.tables import (
    AttributeDefinition,
    CreateIndex,
    CreateTable,
    DeleteIndex,
    IndexSpecification,
    KeySchemaElement,
    OnDemandThroughput,
    Projection,
    ProvisionedThroughput,
    Tag,
    UpdateIndex,
    UpdateTable,
)
from kvdb.client import table_requests
from kvdb.errors import ValidationError

HASH_A, RANGE_B = KeySchemaElement("a", "HASH"), KeySchemaElement("b", "RANGE")
A, B = AttributeDefinition("a", "S"), AttributeDefinition("b", "N")


def test_a_table_is_made_of_its_key_attributes() -> None:
    assert table_requests.create_table("t", ("a", "S"), ("b", "N")) == CreateTable(
        "t", [HASH_A, RANGE_B], [A, B]
    )
    assert len(table_requests.create_table("t", ("a", "S"), None).key_schema) == 1


def test_indexes_bring_their_keys_and_each_is_defined_once() -> None:
    request = table_requests.create_table(
        "t",
        ("a", "S"),
        ("b", "N"),
        [
            LocalIndex("by-c", sort=("c", "B")),
            GlobalIndex("by-b", key=("b", "N"), sort=("c", "B"), projection=["x", "y"], unique=True),
            GlobalIndex("wide", key=[("a", "S"), ("d", "S")], sort=[("b", "N"), ("e", "N")]),
        ],
    )
    assert request.attribute_definitions == [
        A,
        B,
        AttributeDefinition("c", "B"),
        AttributeDefinition("d", "S"),
        AttributeDefinition("e", "N"),
    ]
    assert request.local_secondary_indexes == [
        IndexSpecification("by-c", (HASH_A, KeySchemaElement("c", "RANGE")), Projection("ALL"))
    ]
    assert request.global_secondary_indexes == [
        IndexSpecification(
            "by-b",
            (KeySchemaElement("b", "HASH"), KeySchemaElement("c", "RANGE")),
            Projection("INCLUDE", ("x", "y")),
            is_unique=True,
        ),
        IndexSpecification(
            "wide",
            (HASH_A, KeySchemaElement("d", "HASH"), RANGE_B, KeySchemaElement("e", "RANGE")),
            Projection("ALL"),
        ),
    ]


def test_an_attribute_of_two_types_is_left_for_the_database_to_refuse() -> None:
    request = table_requests.create_table("t", ("a", "S"), None, [GlobalIndex("i", key=("a", "N"))])
    assert request.attribute_definitions == [A, AttributeDefinition("a", "N")]


@pytest.mark.parametrize(
    ("billing", "mode", "provisioned", "on_demand"),
    [
        (None, None, None, None),
        (Provisioned(5, 6), "PROVISIONED", ProvisionedThroughput(5, 6), None),
        (OnDemand(), "PAY_PER_REQUEST", None, None),
        (OnDemand(writes_max=-1), "PAY_PER_REQUEST", None, OnDemandThroughput(None, -1)),
    ],
)
def test_billing_is_a_mode_and_its_throughput(
    billing: object, mode: object, provisioned: object, on_demand: object
) -> None:
    made = table_requests.create_table("t", ("a", "S"), None, billing=billing)
    changed = table_requests.update_table("t", billing=billing, index_billing={"i": billing})
    for request in (made, changed):
        assert request.billing_mode == mode
        assert (request.provisioned_throughput, request.on_demand_throughput) == (provisioned, on_demand)
    assert changed.global_secondary_index_updates == [UpdateIndex("i", provisioned, on_demand)]


def test_tags_and_protection_are_asked_for() -> None:
    request = table_requests.create_table(
        "t", ("a", "S"), None, tags={"owner": "me"}, deletion_protection=True
    )
    assert (request.tags, request.deletion_protection_enabled) == ([Tag("owner", "me")], True)


def test_a_change_says_only_what_changes() -> None:
    assert table_requests.update_table("t") == UpdateTable("t")
    assert table_requests.update_table("t", deletion_protection=False) == UpdateTable(
        "t", deletion_protection_enabled=False
    )
    request = table_requests.update_table(
        "t", add_indexes=[GlobalIndex("i", key=("b", "N"), projection="KEYS_ONLY")], drop_indexes=["j"]
    )
    assert request == UpdateTable(
        "t",
        attribute_definitions=[B],
        global_secondary_index_updates=[
            DeleteIndex("j"),
            CreateIndex(IndexSpecification("i", (KeySchemaElement("b", "HASH"),), Projection("KEYS_ONLY"))),
        ],
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"key": "id"}, "key must be a name and a type"),
        ({"sort": "b"}, "sort must be a name and a type"),
        ({"sort": ("b", "S", "x")}, "sort must be a name and a type"),
        ({"indexes": GlobalIndex("i", key=("a", "S"))}, "indexes must be a list, not GlobalIndex"),
        ({"indexes": ["by-a"]}, "LocalIndex or a GlobalIndex, not str"),
        ({"indexes": [GlobalIndex("i", key="a")]}, "key must be a name and a type"),
        ({"indexes": [GlobalIndex("i", key=[("a", "S"), "b"])]}, "key must be a name and a type"),
        ({"indexes": [LocalIndex("i", sort="a")]}, "sort must be a name and a type"),
        ({"indexes": [GlobalIndex("i", key=("a", "S"), projection=5)]}, "projection must be a list, not int"),
        ({"billing": "PROVISIONED"}, "billing must be Provisioned or OnDemand, not str"),
        ({"tags": ["owner"]}, "tags must be a mapping"),
    ],
    ids=lambda given: str(given)[:40],
)
def test_what_no_table_is_made_of_is_refused(given: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        table_requests.create_table(**{"name": "t", "key": ("a", "S"), "sort": None, **given})


@pytest.mark.parametrize("drop", ["by-a", {"by-a": 1}, 5])
def test_indexes_to_drop_are_a_list(drop: object) -> None:
    with pytest.raises(ValidationError, match="drop_indexes must be a list"):
        table_requests.update_table("t", drop_indexes=drop)
