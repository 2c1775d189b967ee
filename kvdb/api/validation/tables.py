"""Table operations: create, describe, list, drop."""

from __future__ import annotations

from collections.abc import Sequence

from kvdb import limits
from kvdb.api.tables import (
    AttributeDefinition,
    CreateTable,
    DeleteTable,
    DescribeTable,
    KeySchemaElement,
    ListTables,
)
from kvdb.api.validation.fields import (
    attribute_name_faults,
    check_int,
    check_list,
    constraint,
    enum_faults,
    name_faults,
    refuse_if,
    table_name_faults,
    wrong_type,
)
from kvdb.errors import ValidationError

_ATTRIBUTE_TYPES = ("B", "N", "S")
_KEY_TYPES = ("HASH", "RANGE")


def check_create_table(request: CreateTable) -> None:
    definitions, schema = request.attribute_definitions, request.key_schema
    check_list("attribute_definitions", definitions)
    check_list("key_schema", schema)
    if not isinstance(request.table_name, str):
        raise wrong_type("table_name", request.table_name, "str")
    faults = list(name_faults(request.table_name, "tableName", chars_min=limits.TABLE_NAME_CHARS_MIN))
    # A bad name is reported alone. Source: dynoxide, create_table.rs, validate_raw_and_build.
    refuse_if(faults)
    refuse_if([*_definition_faults(definitions), *_schema_faults(schema)])
    _check_key_schema([definition.attribute_name for definition in definitions], schema)


def _definition_faults(definitions: Sequence[AttributeDefinition]) -> list[str]:
    faults: list[str] = []
    for place, definition in enumerate(definitions, 1):
        if not isinstance(definition, AttributeDefinition):
            raise wrong_type("attribute_definitions", definition, "a list of AttributeDefinition")
        at = f"attributeDefinitions.{place}.member"
        faults += attribute_name_faults(definition.attribute_name, f"{at}.attributeName")
        faults += enum_faults(definition.attribute_type, f"{at}.attributeType", _ATTRIBUTE_TYPES)
    return faults


def _schema_faults(schema: Sequence[KeySchemaElement]) -> list[str]:
    faults: list[str] = []
    for element in schema:
        if not isinstance(element, KeySchemaElement):
            raise wrong_type("key_schema", element, "a list of KeySchemaElement")
    if not schema:
        faults.append(constraint("[]", "keySchema", "have length greater than or equal to 1"))
    if len(schema) > 2:
        shown = ", ".join(
            f"KeySchemaElement(attributeName={element.attribute_name}, keyType={element.key_type})"
            for element in schema
        )
        faults.append(constraint(f"[{shown}]", "keySchema", "have length less than or equal to 2"))
    for place, element in enumerate(schema, 1):
        at = f"keySchema.{place}.member"
        faults += attribute_name_faults(element.attribute_name, f"{at}.attributeName")
        faults += enum_faults(element.key_type, f"{at}.keyType", _KEY_TYPES)
    return faults


def _check_key_schema(defined: list[str], schema: Sequence[KeySchemaElement]) -> None:
    """How schema and definitions fit together. Source: dynalite, validations/createTable.js."""
    keys = [element.attribute_name for element in schema]
    if len(keys) > len(defined):
        raise ValidationError("Invalid KeySchema: Some index key attribute have no definition")
    if any(key not in defined for key in keys):
        raise ValidationError(
            "One or more parameter values were invalid: Some index key attributes are not defined in "
            f"AttributeDefinitions. Keys: [{', '.join(keys)}], AttributeDefinitions: [{', '.join(defined)}]"
        )
    if len(keys) == 2 and keys[0] == keys[1]:
        raise ValidationError(
            "Both the Hash Key and the Range Key element in the KeySchema have the same name"
        )
    if schema[0].key_type != "HASH":
        raise ValidationError("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(schema) == 2 and schema[1].key_type != "RANGE":
        raise ValidationError("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
    if len(keys) != len(defined):
        raise ValidationError(
            "One or more parameter values were invalid: Number of attributes in KeySchema does not "
            "exactly match number of attributes defined in AttributeDefinitions"
        )


def check_named_table(request: DescribeTable | DeleteTable) -> None:
    name = request.table_name
    if not isinstance(name, str):
        raise wrong_type("table_name", name, "str")
    if not limits.TABLE_NAME_CHARS_MIN <= len(name) <= limits.TABLE_NAME_CHARS_MAX:
        raise ValidationError(
            f"TableName must be at least {limits.TABLE_NAME_CHARS_MIN} characters long "
            f"and at most {limits.TABLE_NAME_CHARS_MAX} characters long"
        )
    refuse_if(table_name_faults(name))


def check_list_tables(request: ListTables) -> None:
    start, limit = request.exclusive_start_table_name, request.limit
    check_int("limit", limit)
    faults: list[str] = []
    if start is not None:
        if not isinstance(start, str):
            raise wrong_type("exclusive_start_table_name", start, "str")
        faults += name_faults(start, "exclusiveStartTableName", chars_min=limits.TABLE_NAME_CHARS_MIN)
    if limit is not None and limit < 1:
        faults.append(constraint(limit, "limit", "have value greater than or equal to 1"))
    if limit is not None and limit > limits.LIST_TABLES_PAGE_MAX:
        rule = f"have value less than or equal to {limits.LIST_TABLES_PAGE_MAX}"
        faults.append(constraint(limit, "limit", rule))
    refuse_if(faults)
