from __future__ import annotations

import dataclasses

import pytest

from kvdb.api import validation
from kvdb.api.items import GetItem
from kvdb.api.tables import (
    AttributeDefinition,
    CreateIndex,
    CreateTable,
    DeleteIndex,
    DeleteTable,
    DescribeTable,
    IndexSpecification,
    KeySchemaElement,
    ListTables,
    OnDemandThroughput,
    Projection,
    ProvisionedThroughput,
    StreamSpecification,
    Tag,
    UpdateIndex,
    UpdateTable,
    WarmThroughput,
)
from tests.support.sound_requests import HASH, RANGE, TABLE_ARN, A, B, changed, message_of


@pytest.mark.parametrize("kind", [DescribeTable, DeleteTable])
@pytest.mark.parametrize("name", ["ab", "t" * 256])
def test_table_operations_say_how_long_a_name_is(kind, name):
    expected = "TableName must be at least 3 characters long and at most 255 characters long"
    assert message_of(changed(kind, table_name=name)) == expected


@pytest.mark.parametrize(
    ("schema", "definitions", "message"),
    [
        ([HASH, RANGE], [A], "Invalid KeySchema: Some index key attribute have no definition"),
        (
            [HASH],
            [B],
            "One or more parameter values were invalid: Some index key attributes are not defined in "
            "AttributeDefinitions. Keys: [a], AttributeDefinitions: [b]",
        ),
        (
            [HASH, KeySchemaElement("a", "RANGE")],
            [A, B],
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ),
        (
            [RANGE],
            [B],
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
        ),
        (
            [HASH, KeySchemaElement("b", "HASH")],
            [A, B],
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
        ),
        (
            [HASH],
            [A, B],
            "One or more parameter values were invalid: Number of attributes in KeySchema does not "
            "exactly match number of attributes defined in AttributeDefinitions",
        ),
        (
            [],
            [A],
            "1 validation error detected: Value '[]' at 'keySchema' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
        (
            [HASH, RANGE, RANGE],
            [A, B],
            "1 validation error detected: Value '[KeySchemaElement(attributeName=a, keyType=HASH), "
            "KeySchemaElement(attributeName=b, keyType=RANGE), "
            "KeySchemaElement(attributeName=b, keyType=RANGE)]' at 'keySchema' failed to satisfy constraint: "
            "Member must have length less than or equal to 2",
        ),
    ],
)
def test_key_schema_and_definitions_fit_together(schema, definitions, message):
    assert message_of(CreateTable("table", schema, definitions)) == message


def test_key_types_and_attribute_types_are_enums():
    request = CreateTable("table", [KeySchemaElement("a", "KEY")], [AttributeDefinition("a", "M")])
    assert message_of(request) == (
        "2 validation errors detected: "
        "Value 'M' at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: "
        "Member must satisfy enum value set: [B, N, S]; "
        "Value 'KEY' at 'keySchema.1.member.keyType' failed to satisfy constraint: "
        "Member must satisfy enum value set: [HASH, RANGE]"
    )


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "have length greater than or equal to 1"),
        ("k" * 256, "have length less than or equal to 255"),
        ("é" * 128, "have length less than or equal to 255"),
        ("\ud800", "be valid UTF-8"),
    ],
)
def test_key_attribute_names_have_1_to_255_bytes_of_text(name, rule):
    request = CreateTable("table", [KeySchemaElement(name, "HASH")], [AttributeDefinition(name, "S")])
    assert message_of(request).endswith(f"Member must {rule}")


def test_a_created_table_has_a_name_of_3_to_255_characters():
    assert message_of(changed(CreateTable, table_name="a b")) == (
        "1 validation error detected: Value 'a b' at 'tableName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
    )
    assert message_of(changed(CreateTable, table_name="a!")) == (
        "2 validation errors detected: Value 'a!' at 'tableName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; "
        "Value 'a!' at 'tableName' failed to satisfy constraint: "
        "Member must have length greater than or equal to 3"
    )
    assert message_of(changed(CreateTable, table_name="t" * 256)).endswith(
        "Member must have length less than or equal to 255"
    )


@pytest.mark.parametrize(
    ("limit", "rule"), [(0, "greater than or equal to 1"), (101, "less than or equal to 100")]
)
def test_a_page_of_tables_has_1_to_100_names(limit, rule):
    assert message_of(ListTables(limit=limit)) == (
        f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: "
        f"Member must have value {rule}"
    )


def test_a_start_table_name_is_a_table_name():
    assert "at 'exclusiveStartTableName'" in message_of(ListTables(exclusive_start_table_name="a b"))


NOTHING = (
    "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
    "GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, "
    "ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, "
    "WarmThroughput or TableClass is required"
)
INVALID = "One or more parameter values were invalid: "
ONE_READ = OnDemandThroughput(1)
NEW = IndexSpecification("index", (HASH,), Projection("ALL"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, NOTHING),
        ({"attribute_definitions": [A]}, NOTHING),
        ({"global_secondary_index_updates": []}, INVALID + "List of GlobalSecondaryIndexUpdates is empty"),
        (
            {"table_class": "STANDARD", "deletion_protection_enabled": True},
            INVALID + "TableClass modification must be the only operation in the request",
        ),
        (
            {"deletion_protection_enabled": True, "billing_mode": "PAY_PER_REQUEST"},
            INVALID + "DeletionProtection modification must be the only operation in the request",
        ),
        (
            {"warm_throughput": WarmThroughput(1, 1), "billing_mode": "PAY_PER_REQUEST"},
            INVALID + "WarmThroughput must be the only operation in the request",
        ),
        (
            {
                "on_demand_throughput": OnDemandThroughput(1),
                "stream_specification": StreamSpecification(False),
            },
            INVALID + "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request",
        ),
        (
            {
                "stream_specification": StreamSpecification(False),
                "provisioned_throughput": ProvisionedThroughput(1, 1),
            },
            INVALID + "You cannot modify stream status while updating table IOPS",
        ),
        (
            {
                "global_secondary_index_updates": [DeleteIndex("index")],
                "provisioned_throughput": ProvisionedThroughput(1, 1),
            },
            INVALID + "You cannot create or delete index while updating table IOPS",
        ),
        (
            {
                "global_secondary_index_updates": [DeleteIndex("index")],
                "stream_specification": StreamSpecification(False),
            },
            INVALID + "You cannot create or delete index while changing stream status",
        ),
        (
            {"table_class": "CHEAP"},
            "Invalid table-class parameter provided. Please try again with a valid table-class value: "
            "[STANDARD, STANDARD_INFREQUENT_ACCESS].",
        ),
        (
            {"stream_specification": StreamSpecification(True)},
            INVALID + "If stream is being enabled then UpdateViewType is required",
        ),
        (
            {"stream_specification": StreamSpecification(False, "KEYS_ONLY")},
            INVALID + "If stream is being disabled, then UpdateViewType must not be specified",
        ),
        (
            {"billing_mode": "PROVISIONED"},
            INVALID + "ProvisionedThroughput must be specified when BillingMode is PROVISIONED",
        ),
        (
            {"billing_mode": "PAY_PER_REQUEST", "provisioned_throughput": ProvisionedThroughput(1, 1)},
            INVALID + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode "
            "is PAY_PER_REQUEST",
        ),
        (
            {"provisioned_throughput": ProvisionedThroughput(0, 0)},
            "2 validation errors detected: Value '0' at 'provisionedThroughput.writeCapacityUnits' failed "
            "to satisfy constraint: Member must have value greater than or equal to 1; "
            "Value '0' at 'provisionedThroughput.readCapacityUnits' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1",
        ),
        (
            {"provisioned_throughput": ProvisionedThroughput(10**12 + 1, 1)},
            "Given value 1000000000001 for ReadCapacityUnits is out of bounds",
        ),
        (
            {"on_demand_throughput": OnDemandThroughput(-2)},
            INVALID + "Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of valid "
            "range",
        ),
        (
            {"global_secondary_index_updates": [DeleteIndex("index"), DeleteIndex("index")]},
            INVALID + "Only one global secondary index update per index is allowed simultaneously. "
            "Index: index",
        ),
        (
            {"global_secondary_index_updates": [CreateIndex(NEW)]},
            INVALID + "AttributeDefinitions is not specified for index: index",
        ),
        (
            {"global_secondary_index_updates": [CreateIndex(NEW)], "attribute_definitions": [B]},
            INVALID + "Some index key attributes are not defined in AttributeDefinitions. Keys: [a], "
            "AttributeDefinitions: [b]",
        ),
        (
            {"global_secondary_index_updates": [UpdateIndex("i")]},
            "1 validation error detected: Value 'i' at "
            "'globalSecondaryIndexUpdates.1.member.update.indexName' failed to satisfy constraint: "
            "Member must have length greater than or equal to 3",
        ),
        (
            {
                "global_secondary_index_updates": [
                    UpdateIndex("index", on_demand_throughput=OnDemandThroughput(0))
                ]
            },
            INVALID + "Requested MaxReadRequestUnits for OnDemandThroughput for index : index is outside of "
            "valid range",
        ),
        (
            {"global_secondary_index_updates": [5]},
            "global_secondary_index_updates must be a list of CreateIndex, UpdateIndex and DeleteIndex, "
            "not int",
        ),
        ({"deletion_protection_enabled": 1}, "deletion_protection_enabled must be bool, not int"),
    ],
)
def test_an_update_of_a_table_is_one_change_of_sound_fields(fields, message):
    assert message_of(UpdateTable("table", **fields)) == message


def test_an_update_takes_a_bound_away_with_minus_one():
    validation.check(UpdateTable("table", on_demand_throughput=OnDemandThroughput(-1, 5)))


def test_billing_goes_with_throughputs():
    updates = [UpdateIndex("index", ProvisionedThroughput(1, 1))]
    validation.check(
        UpdateTable(
            "table",
            billing_mode="PROVISIONED",
            provisioned_throughput=ProvisionedThroughput(1, 1),
            global_secondary_index_updates=updates,
        )
    )
    on_demand = OnDemandThroughput(1)
    validation.check(UpdateTable("table", billing_mode="PAY_PER_REQUEST", on_demand_throughput=on_demand))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"billing_mode": "PAY_PER_REQUEST", "provisioned_throughput": ProvisionedThroughput(1, 1)},
            INVALID + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
            "PAY_PER_REQUEST",
        ),
        (
            {"billing_mode": "PROVISIONED"},
            INVALID + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is "
            "PROVISIONED",
        ),
        (
            {"provisioned_throughput": ProvisionedThroughput(1, 10**12 + 1)},
            "Given value 1000000000001 for WriteCapacityUnits is out of bounds",
        ),
        (
            {
                "provisioned_throughput": ProvisionedThroughput(1, 1),
                "on_demand_throughput": OnDemandThroughput(1),
            },
            INVALID + "MaxReadRequestUnits for OnDemandThroughput cannot be specified when table BillingMode "
            "is PROVISIONED.",
        ),
        (
            {"on_demand_throughput": OnDemandThroughput(None, -1)},
            INVALID + "Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of valid "
            "range",
        ),
        (
            {"stream_specification": StreamSpecification(True)},
            INVALID + "Table is being created with a stream enabled, UpdateViewType is required",
        ),
        (
            {"stream_specification": StreamSpecification(False, "NEW_IMAGE")},
            INVALID + "Table is being created with a stream disabled, UpdateViewType should not be specified",
        ),
        (
            {"stream_specification": StreamSpecification(True, "ALL")},
            "1 validation error detected: Value 'ALL' at 'streamSpecification.streamViewType' failed to "
            "satisfy constraint: Member must satisfy enum value set: "
            "[NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES, KEYS_ONLY]",
        ),
        (
            {"billing_mode": "FREE"},
            "1 validation error detected: Value 'FREE' at 'billingMode' failed to satisfy constraint: "
            "Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]",
        ),
        (
            {"tags": [Tag(f"key-{number}", "") for number in range(51)]},
            "Number of Tags exceed the current limit for the provided ResourceArn",
        ),
        ({"tags": [Tag("aws:key", "")]}, "Tag Key cannot be prefixed with aws:, Key: aws:key"),
        (
            {"global_secondary_indexes": [NEW], "provisioned_throughput": ProvisionedThroughput(1, 1)},
            INVALID + "ProvisionedThroughput is not specified for index: index",
        ),
        (
            {
                "global_secondary_indexes": [
                    dataclasses.replace(NEW, provisioned_throughput=ProvisionedThroughput(1, 1))
                ]
            },
            INVALID + "ProvisionedThroughput should not be specified for index: index when BillingMode is "
            "PAY_PER_REQUEST",
        ),
    ],
)
def test_the_settings_of_a_new_table_fit_together(fields, message):
    assert message_of(changed(CreateTable, **fields)) == message


@pytest.mark.parametrize("kind", [DescribeTable, DeleteTable, UpdateTable, GetItem, CreateTable])
def test_an_arn_serves_as_a_table_name(kind):
    validation.check(changed(kind, table_name=TABLE_ARN))


@pytest.mark.parametrize("name", ["arn:aws:s3:::table", TABLE_ARN + "/index/a"])
def test_an_arn_of_something_else_does_not(name):
    assert "Member must satisfy regular expression pattern" in message_of(
        changed(DescribeTable, table_name=name)
    )
