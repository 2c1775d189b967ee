"""What CreateTable refuses of indexes, to the letter."""

from __future__ import annotations

import dataclasses

import pytest

from kvdb.api import validation
from kvdb.api.tables import (
    AttributeDefinition,
    CreateTable,
    IndexSpecification,
    KeySchemaElement,
    Projection,
)
from tests.support.sound_requests import HASH, RANGE, A, B, message_of

INVALID = "One or more parameter values were invalid: "
C = AttributeDefinition("c", "S")
ALL = Projection("ALL")


def hashes(*names: str) -> tuple[KeySchemaElement, ...]:
    return tuple(KeySchemaElement(name, "HASH") for name in names)


def ranges(*names: str) -> tuple[KeySchemaElement, ...]:
    return tuple(KeySchemaElement(name, "RANGE") for name in names)


LOCAL = IndexSpecification("local", (*hashes("a"), *ranges("c")), ALL)
GLOBAL = IndexSpecification("global", hashes("c"), ALL)


def request(
    *,
    local: list[IndexSpecification] | None = None,
    global_: list[IndexSpecification] | None = None,
    schema: list[KeySchemaElement] | None = None,
    defined: list[AttributeDefinition] | None = None,
) -> CreateTable:
    return CreateTable(
        "table",
        [HASH, RANGE] if schema is None else schema,
        [A, B, C] if defined is None else defined,
        local_secondary_indexes=local,
        global_secondary_indexes=global_,
    )


def named(index: IndexSpecification, **fields: object) -> IndexSpecification:
    return dataclasses.replace(index, **fields)  # type: ignore[arg-type]


def test_sound_indexes_pass():
    wide = IndexSpecification("wide", (*hashes("a", "b"), *ranges("c")), Projection("INCLUDE", ("x",)))
    validation.check(request(local=[LOCAL], global_=[GLOBAL, wide]))


def test_a_global_index_may_have_four_keys_of_each_kind():
    names = "defghijk"
    defined = [A, B, *(AttributeDefinition(name, "S") for name in names)]
    widest = IndexSpecification("wide", (*hashes(*names[:4]), *ranges(*names[4:])), ALL)
    validation.check(request(global_=[widest], defined=defined))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"local": []}, INVALID + "List of LocalSecondaryIndexes is empty"),
        ({"global_": []}, INVALID + "List of GlobalSecondaryIndexes is empty"),
        (
            {"local": [LOCAL], "schema": [HASH], "defined": [A, C]},
            INVALID + "Table KeySchema does not have a range key, which is required when specifying a "
            "LocalSecondaryIndex",
        ),
        (
            {"local": [named(LOCAL, key_schema=hashes("a"))]},
            INVALID + "Index KeySchema does not have a range key for index: local",
        ),
        (
            {"local": [named(LOCAL, key_schema=(*hashes("c"), *ranges("b")))]},
            INVALID + "Index KeySchema does not have the same leading hash key as table KeySchema for "
            "index: local. index hash key: c, table hash key: a",
        ),
        (
            {"local": [named(LOCAL, key_schema=(*hashes("a"), *ranges("z")))]},
            INVALID + "Some index key attributes are not defined in AttributeDefinitions. "
            "Keys: [a, z], AttributeDefinitions: [a, b, c]",
        ),
        (
            {"local": [named(LOCAL, index_name=f"local-{number}") for number in range(6)]},
            INVALID + "Number of LocalSecondaryIndexes exceeds per-table limit of 5",
        ),
        (
            {"global_": [named(GLOBAL, index_name=f"global-{number}") for number in range(21)]},
            INVALID + "GlobalSecondaryIndex count exceeds the per-table limit of 20",
        ),
        (
            {"local": [LOCAL], "global_": [named(GLOBAL, index_name="local")]},
            INVALID + "Duplicate index name: local",
        ),
        (
            {"global_": [named(GLOBAL, key_schema=ranges("c"))]},
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
        ),
        (
            {"local": [named(LOCAL, key_schema=hashes("a", "c"))]},
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
        ),
        (
            {"global_": [named(GLOBAL, key_schema=(*hashes("c"), *ranges("c")))]},
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ),
        (
            {"global_": [named(GLOBAL, key_schema=(*hashes("c", "a"), *ranges("c")))]},
            "The KeySchema contains multiple key attributes with the same name",
        ),
        (
            {"global_": [named(GLOBAL, key_schema=(*hashes("a"), *ranges("b"), *hashes("c")))]},
            INVALID + "All HASH key attributes must precede RANGE key attributes in the KeySchema",
        ),
        (
            {"global_": [GLOBAL], "defined": [A, B, C, AttributeDefinition("d", "S")]},
            INVALID + "Some AttributeDefinitions are not used. AttributeDefinitions: [a, b, c, d], "
            "keys used: [a, b, c]",
        ),
        ({"global_": [GLOBAL], "defined": [A, B, C, C]}, "Attribute Name is duplicated: c"),
        ({"local": [named(LOCAL, is_unique=True)]}, "a local index cannot be unique: local"),
    ],
)
def test_keys_and_counts(changed, message):
    assert message_of(request(**changed)) == message


@pytest.mark.parametrize(("kind", "make"), [("HASH", hashes), ("RANGE", ranges)])
def test_a_global_index_has_at_most_four_keys_of_each_kind(kind, make):
    names = "defgh"
    schema = make(*names) if kind == "HASH" else (*hashes("c"), *make(*names))
    defined = [A, B, C, *(AttributeDefinition(name, "S") for name in names)]
    assert message_of(request(global_=[named(GLOBAL, key_schema=schema)], defined=defined)) == (
        f"{INVALID}The KeySchema exceeds the maximum allowed number of {kind} key attributes"
    )


@pytest.mark.parametrize(
    ("projection", "message"),
    [
        (Projection(), INVALID + "Unknown ProjectionType: null"),
        (
            Projection("INCLUDE"),
            INVALID + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
        ),
        (
            Projection("KEYS_ONLY", ("x",)),
            INVALID + "ProjectionType is KEYS_ONLY, but NonKeyAttributes is specified",
        ),
        (Projection("ALL", ("x",)), INVALID + "ProjectionType is ALL, but NonKeyAttributes is specified"),
        (
            Projection("INCLUDE", ("x", "y", "x")),
            INVALID + "Duplicate element in NonKeyAttributes: x",
        ),
        (
            Projection("SOME", ()),  # type: ignore[arg-type]
            "2 validation errors detected: Value 'SOME' at "
            "'globalSecondaryIndexes.1.member.projection.projectionType' failed to satisfy constraint: "
            "Member must satisfy enum value set: [ALL, INCLUDE, KEYS_ONLY]; Value '[]' at "
            "'globalSecondaryIndexes.1.member.projection.nonKeyAttributes' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
    ],
)
def test_projections(projection, message):
    assert message_of(request(global_=[named(GLOBAL, projection=projection)])) == message


def test_an_index_includes_at_most_twenty_names_and_all_together_a_hundred():
    def including(number: int, count: int) -> IndexSpecification:
        names = tuple(f"{number}-{name}" for name in range(count))
        return named(GLOBAL, index_name=f"global-{number}", projection=Projection("INCLUDE", names))

    validation.check(request(global_=[including(number, 20) for number in range(5)]))
    assert message_of(request(global_=[including(0, 21)])).endswith(
        "Member must have length less than or equal to 20"
    )
    assert message_of(
        request(global_=[including(number, 20) for number in range(5)] + [including(5, 1)])
    ) == (INVALID + "Number of NonKeyAttributes of all indexes exceeds the per-table limit of 100")


def test_single_fields_of_indexes_are_joined_in_their_order():
    bad_local = IndexSpecification("lo", (), ALL)
    bad_global = IndexSpecification("g!", (KeySchemaElement("c", "KEY"),), ALL)  # type: ignore[arg-type]
    assert message_of(request(local=[bad_local], global_=[bad_global])) == (
        "5 validation errors detected: "
        "Value 'lo' at 'localSecondaryIndexes.1.member.indexName' failed to satisfy constraint: "
        "Member must have length greater than or equal to 3; "
        "Value '[]' at 'localSecondaryIndexes.1.member.keySchema' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1; "
        "Value 'KEY' at 'globalSecondaryIndexes.1.member.keySchema.1.member.keyType' failed to satisfy "
        "constraint: Member must satisfy enum value set: [HASH, RANGE]; "
        "Value 'g!' at 'globalSecondaryIndexes.1.member.indexName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; "
        "Value 'g!' at 'globalSecondaryIndexes.1.member.indexName' failed to satisfy constraint: "
        "Member must have length greater than or equal to 3"
    )


def test_ten_faults_are_named_at_most():
    bad = [named(GLOBAL, index_name="!") for _ in range(20)]
    message = message_of(request(global_=bad))
    assert message.startswith("10 validation errors detected: ")
    assert message.count("; ") == 9


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"global_": ["global"]}, "global_secondary_indexes must be a list of IndexSpecification, not str"),
        ({"global_": [named(GLOBAL, index_name=5)]}, "index_name must be str, not int"),
        ({"global_": [named(GLOBAL, projection="ALL")]}, "projection must be a Projection, not str"),
        ({"local": "local"}, "local_secondary_indexes must be a list, not str"),
        ({"defined": [("a", "S")]}, "attribute_definitions must be a list of AttributeDefinition, not tuple"),
    ],
)
def test_what_no_wire_could_carry_is_refused_by_field(changed, message):
    assert message_of(request(**changed)) == message
