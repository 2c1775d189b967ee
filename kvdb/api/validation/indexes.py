"""Key schemas and secondary indexes, as CreateTable and UpdateTable ask for them.

Sources: dynalite, validations/createTable.js and its tests; dynoxide, create_table.rs; the
catalogue of messages that ack-api-quirks recorded from the service in October 2026 (for keys of
several attributes, projections and names); service model, KeySchema, Projection.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kvdb import limits
from kvdb.api.tables import AttributeDefinition, IndexSpecification, KeySchemaElement, Projection
from kvdb.api.validation import settings
from kvdb.api.validation.fields import (
    attribute_name_faults,
    check_list,
    constraint,
    enum_faults,
    invalid,
    name_faults,
    wrong_type,
)
from kvdb.errors import ValidationError

# The order inside the brackets is the service's own.
_ATTRIBUTE_TYPES = ("B", "N", "S")
_KEY_TYPES = ("HASH", "RANGE")
_PROJECTION_TYPES = ("ALL", "INCLUDE", "KEYS_ONLY")


# Single fields.


def definition_faults(definitions: Sequence[AttributeDefinition]) -> list[str]:
    faults: list[str] = []
    for place, definition in enumerate(definitions, 1):
        if not isinstance(definition, AttributeDefinition):
            raise wrong_type("attribute_definitions", definition, "a list of AttributeDefinition")
        at = f"attributeDefinitions.{place}.member"
        faults += attribute_name_faults(definition.attribute_name, f"{at}.attributeName")
        faults += enum_faults(definition.attribute_type, f"{at}.attributeType", _ATTRIBUTE_TYPES)
    return faults


def schema_faults(schema: Sequence[KeySchemaElement], at: str, *, elements_max: int | None) -> list[str]:
    """``elements_max``: where the service bounds the list itself; global indexes have finer rules."""
    check_list(at, schema)
    faults: list[str] = []
    for element in schema:
        if not isinstance(element, KeySchemaElement):
            raise wrong_type("key_schema", element, "a list of KeySchemaElement")
    if not schema:
        faults.append(constraint("[]", at, "have length greater than or equal to 1"))
    if elements_max is not None and len(schema) > elements_max:
        shown = ", ".join(
            f"KeySchemaElement(attributeName={element.attribute_name}, keyType={element.key_type})"
            for element in schema
        )
        faults.append(constraint(f"[{shown}]", at, f"have length less than or equal to {elements_max}"))
    for place, element in enumerate(schema, 1):
        faults += attribute_name_faults(element.attribute_name, f"{at}.{place}.member.attributeName")
        faults += enum_faults(element.key_type, f"{at}.{place}.member.keyType", _KEY_TYPES)
    return faults


def local_index_faults(indexes: Sequence[IndexSpecification]) -> list[str]:
    faults: list[str] = []
    for place, index in enumerate(_specifications("local_secondary_indexes", indexes), 1):
        at = f"localSecondaryIndexes.{place}.member"
        faults += index_name_faults(index.index_name, f"{at}.indexName")
        faults += schema_faults(index.key_schema, f"{at}.keySchema", elements_max=2)
        faults += _projection_faults(index.projection, f"{at}.projection")
    return faults


def global_index_faults(indexes: Sequence[IndexSpecification]) -> list[str]:
    """Keys and projection come before the name here. Source: dynoxide, create_table.rs."""
    faults: list[str] = []
    for place, index in enumerate(_specifications("global_secondary_indexes", indexes), 1):
        faults += new_index_faults(index, f"globalSecondaryIndexes.{place}.member")
    return faults


def new_index_faults(index: IndexSpecification, at: str) -> list[str]:
    return [
        *schema_faults(index.key_schema, f"{at}.keySchema", elements_max=None),
        *_projection_faults(index.projection, f"{at}.projection"),
        *index_name_faults(index.index_name, f"{at}.indexName"),
        *settings.provisioned_faults(index.provisioned_throughput, f"{at}.provisionedThroughput"),
    ]


def index_name_faults(name: object, at: str) -> Sequence[str]:
    if not isinstance(name, str):
        raise wrong_type("index_name", name, "str")
    return name_faults(name, at, chars_min=limits.TABLE_NAME_CHARS_MIN)


def _specifications(field: str, indexes: Sequence[IndexSpecification]) -> Iterator[IndexSpecification]:
    check_list(field, indexes)
    for index in indexes:
        if not isinstance(index, IndexSpecification):
            raise wrong_type(field, index, "a list of IndexSpecification")
        yield index


def _projection_faults(projection: Projection, at: str) -> list[str]:
    if not isinstance(projection, Projection):
        raise wrong_type("projection", projection, "a Projection")
    faults: list[str] = []
    if projection.projection_type is not None:
        faults += enum_faults(projection.projection_type, f"{at}.projectionType", _PROJECTION_TYPES)
    names = projection.non_key_attributes
    if names is None:
        return faults
    check_list("non_key_attributes", names)
    at = f"{at}.nonKeyAttributes"
    if not names:
        faults.append(constraint("[]", at, "have length greater than or equal to 1"))
    if len(names) > limits.INDEX_INCLUDED_NAMES_MAX:
        rule = f"have length less than or equal to {limits.INDEX_INCLUDED_NAMES_MAX}"
        faults.append(constraint(f"[{', '.join(map(str, names))}]", at, rule))
    for place, name in enumerate(names, 1):
        faults += attribute_name_faults(name, f"{at}.{place}.member")
    return faults


# How fields fit together.


def check_table_keys(defined: Sequence[str], schema: Sequence[KeySchemaElement]) -> None:
    keys = [element.attribute_name for element in schema]
    if len(keys) > len(defined):
        raise ValidationError("Invalid KeySchema: Some index key attribute have no definition")
    check_defined(keys, defined)
    _check_two_keys(schema)


def check_defined(keys: Sequence[str], defined: Sequence[str]) -> None:
    if any(key not in defined for key in keys):
        raise invalid(
            "Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(keys)}], AttributeDefinitions: [{', '.join(defined)}]"
        )


def _check_two_keys(schema: Sequence[KeySchemaElement]) -> None:
    """The keys of a table or local index: one HASH, then at most one RANGE."""
    if len(schema) == 2 and schema[0].attribute_name == schema[1].attribute_name:
        raise ValidationError(
            "Both the Hash Key and the Range Key element in the KeySchema have the same name"
        )
    if schema[0].key_type != "HASH":
        raise ValidationError("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(schema) == 2 and schema[1].key_type != "RANGE":
        raise ValidationError("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")


def _check_many_keys(schema: Sequence[KeySchemaElement]) -> None:
    """The keys of a global index: 1 to 4 HASH, then up to 4 RANGE."""
    types: list[str] = [element.key_type for element in schema]
    if types == ["HASH", "RANGE"]:
        _check_two_keys(schema)
        return
    if len({element.attribute_name for element in schema}) < len(schema):
        raise ValidationError("The KeySchema contains multiple key attributes with the same name")
    if types[0] != "HASH":
        raise ValidationError("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if types != sorted(types):
        raise invalid("All HASH key attributes must precede RANGE key attributes in the KeySchema")
    for kind in _KEY_TYPES:
        if types.count(kind) > limits.INDEX_KEY_ATTRIBUTES_MAX:
            raise invalid(f"The KeySchema exceeds the maximum allowed number of {kind} key attributes")


def check_local_indexes(
    indexes: Sequence[IndexSpecification] | None,
    table_schema: Sequence[KeySchemaElement],
    defined: Sequence[str],
) -> None:
    if indexes is None:
        return
    if not indexes:
        raise invalid("List of LocalSecondaryIndexes is empty")
    if len(table_schema) != 2:
        raise invalid(
            "Table KeySchema does not have a range key, which is required when specifying a "
            "LocalSecondaryIndex"
        )
    for index in indexes:
        _check_local_index(index, table_schema[0].attribute_name, defined)
    if len(indexes) > limits.LOCAL_INDEXES_MAX:
        raise invalid(
            f"Number of LocalSecondaryIndexes exceeds per-table limit of {limits.LOCAL_INDEXES_MAX}"
        )


def _check_local_index(index: IndexSpecification, table_hash: str, defined: Sequence[str]) -> None:
    check_defined([element.attribute_name for element in index.key_schema], defined)
    _check_two_keys(index.key_schema)
    if len(index.key_schema) != 2:
        raise invalid(f"Index KeySchema does not have a range key for index: {index.index_name}")
    index_hash = index.key_schema[0].attribute_name
    if index_hash != table_hash:
        raise invalid(
            "Index KeySchema does not have the same leading hash key as table KeySchema for index: "
            f"{index.index_name}. index hash key: {index_hash}, table hash key: {table_hash}"
        )
    _check_projection(index.projection)
    if index.is_unique:
        raise ValidationError(f"a local index cannot be unique: {index.index_name}")
    if index.provisioned_throughput or index.on_demand_throughput or index.warm_throughput:
        raise ValidationError(f"a local index has no throughput of its own: {index.index_name}")


def check_global_indexes(indexes: Sequence[IndexSpecification] | None, defined: Sequence[str]) -> None:
    if indexes is None:
        return
    if not indexes:
        raise invalid("List of GlobalSecondaryIndexes is empty")
    for index in indexes:
        check_global_index(index, defined)
    if len(indexes) > limits.GLOBAL_INDEXES_MAX:
        raise invalid(
            f"GlobalSecondaryIndex count exceeds the per-table limit of {limits.GLOBAL_INDEXES_MAX}"
        )


def check_global_index(index: IndexSpecification, defined: Sequence[str]) -> None:
    check_defined([element.attribute_name for element in index.key_schema], defined)
    _check_many_keys(index.key_schema)
    _check_projection(index.projection)


def _check_projection(projection: Projection) -> None:
    kind, names = projection.projection_type, projection.non_key_attributes
    if kind is None:
        raise invalid("Unknown ProjectionType: null")
    if kind == "INCLUDE" and names is None:
        raise invalid("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
    if kind != "INCLUDE" and names is not None:
        raise invalid(f"ProjectionType is {kind}, but NonKeyAttributes is specified")
    for place, name in enumerate(names or ()):
        if names is not None and name in names[:place]:
            raise invalid(f"Duplicate element in NonKeyAttributes: {name}")


def check_names_differ(indexes: Sequence[IndexSpecification]) -> None:
    seen: set[str] = set()
    for index in indexes:
        if index.index_name in seen:
            raise invalid(f"Duplicate index name: {index.index_name}")
        seen.add(index.index_name)


def check_included_sum(names: int) -> None:
    """``names``: included by all indexes of a table together."""
    if names > limits.INDEXES_INCLUDED_NAMES_MAX:
        # The service's own words are not recorded anywhere.
        raise invalid(
            "Number of NonKeyAttributes of all indexes exceeds the per-table limit of "
            f"{limits.INDEXES_INCLUDED_NAMES_MAX}"
        )


def check_all_used(
    defined: Sequence[str],
    table_schema: Sequence[KeySchemaElement],
    indexes: Sequence[IndexSpecification],
) -> None:
    """Every defined attribute is a key of something, and none is defined twice."""
    for place, name in enumerate(defined):
        if name in defined[:place]:
            raise ValidationError(f"Attribute Name is duplicated: {name}")
    used: dict[str, None] = {}
    for schema in (table_schema, *(index.key_schema for index in indexes)):
        used.update((element.attribute_name, None) for element in schema)
    if len(used) == len(defined):
        return
    if not indexes:
        raise invalid(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in "
            "AttributeDefinitions"
        )
    raise invalid(
        f"Some AttributeDefinitions are not used. AttributeDefinitions: [{', '.join(defined)}], "
        f"keys used: [{', '.join(used)}]"
    )
