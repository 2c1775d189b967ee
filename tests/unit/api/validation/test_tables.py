from __future__ import annotations

import pytest

from kvdb.api.tables import (
    AttributeDefinition,
    CreateTable,
    DeleteTable,
    DescribeTable,
    KeySchemaElement,
    ListTables,
)
from tests.support.sound_requests import HASH, RANGE, A, B, changed, message_of


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
