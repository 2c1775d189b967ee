"""What can be said of a request without looking at a table, in the service's order and words.

Three stages, as the service runs them:

1. constraints of single fields (patterns, lengths, enums, bounds), all of them collected into
   one message, ``N validation errors detected: ...; ...``;
2. fields that need or exclude one another, the first fault only;
3. then the expressions and the item itself, which ``expr`` and ``item`` check for the table room.

Python callers can also pass what no wire could carry (a number for a table name): that is
refused with the name of the field, before stage 1.

Sources: the service model (botocore, ``service-2.json``) for patterns and bounds; the messages
as recorded from the service by dynalite (``validations/*.js`` and their tests) and by dynoxide
(``src/validation.rs``, captures of 2025 and 2026), which agree unless a comment says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from kvdb import limits
from kvdb.api.items import (
    BatchGetItem,
    BatchWriteItem,
    DeleteItem,
    DeleteRequest,
    GetItem,
    KeysAndAttributes,
    PutItem,
    PutRequest,
    Query,
    Scan,
    UpdateItem,
    WriteRequest,
)
from kvdb.api.operations import Request
from kvdb.api.tables import (
    AttributeDefinition,
    CreateTable,
    DeleteTable,
    DescribeTable,
    KeySchemaElement,
    ListTables,
)
from kvdb.errors import ValidationError
from kvdb.item.size import text_size
from kvdb.limits import AWS, LimitsProfile

_NAME_PATTERN = "[a-zA-Z0-9_.-]+"
_is_name = re.compile(_NAME_PATTERN).fullmatch

# The order inside the brackets is the service's own.
_RETURN_VALUES = ("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")
_ALL_OLD_OR_NONE = ("ALL_OLD", "NONE")
_SELECTS = ("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES")
_ATTRIBUTE_TYPES = ("B", "N", "S")
_KEY_TYPES = ("HASH", "RANGE")


def check(request: Request, profile: LimitsProfile = AWS) -> None:
    """Return if ``request`` is sound as far as can be said without its table.

    Raises:
        ValidationError: with the service's message for the first stage that finds a fault.
    """
    kind = type(request)
    if kind in _PROFILED_CHECKS:
        _PROFILED_CHECKS[kind](request, profile)
    else:
        _CHECKS[kind](request)


# Single fields: each function returns the constraints that do not hold, in the service's words.


def _constraint(value: object, place: str, rule: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{place}' failed to satisfy constraint: Member must {rule}"


def _refuse_if(faults: Sequence[str]) -> None:
    if faults:
        plural = "s" if len(faults) > 1 else ""
        raise ValidationError(f"{len(faults)} validation error{plural} detected: {'; '.join(faults)}")


def _table_name_faults(name: object) -> Sequence[str]:
    """The rule of the item operations, where the service also takes an ARN: at least one character."""
    if not isinstance(name, str):
        raise _wrong_type("table_name", name, "str")
    if _is_name(name) and len(name) <= limits.TABLE_NAME_CHARS_MAX:
        return ()
    if not name:
        return [_constraint(name, "tableName", "have length greater than or equal to 1")]
    return _name_faults(name, "tableName", chars_min=1)


def _name_faults(name: str, place: str, *, chars_min: int) -> Sequence[str]:
    faults = []
    if not _is_name(name):
        faults.append(_constraint(name, place, f"satisfy regular expression pattern: {_NAME_PATTERN}"))
    if len(name) < chars_min:
        faults.append(_constraint(name, place, f"have length greater than or equal to {chars_min}"))
    if len(name) > limits.TABLE_NAME_CHARS_MAX:
        rule = f"have length less than or equal to {limits.TABLE_NAME_CHARS_MAX}"
        faults.append(_constraint(name, place, rule))
    return faults


def _enum_faults(value: object, place: str, allowed: tuple[str, ...]) -> Sequence[str]:
    if value in allowed:
        return ()
    return [_constraint(value, place, f"satisfy enum value set: [{', '.join(allowed)}]")]


def _wrong_type(field: str, value: object, expected: str) -> ValidationError:
    return ValidationError(f"{field} must be {expected}, not {type(value).__name__}")


def _check_mapping(field: str, value: object) -> None:
    if type(value) is not dict and not isinstance(value, Mapping):
        raise _wrong_type(field, value, "a mapping")


def _check_int(field: str, value: object) -> None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise _wrong_type(field, value, "int")
    if value is not None and not -limits.INTEGER_MAX <= value <= limits.INTEGER_MAX:
        raise ValidationError(f"{field} must fit into 32 bits: {str(value)[:40]}")


def _check_list(field: str, value: object) -> None:
    if not isinstance(value, (list, tuple)):
        raise _wrong_type(field, value, "a list")


# Expressions: the fields around them; their texts belong to ``expr``.


def _check_expressions(
    names: object, values: object, projection: str | None = None, **takes_values: str | None
) -> None:
    """``takes_values``: the expressions that may use ``:values``, by the service's field name."""
    texts = {"ProjectionExpression": projection, **takes_values}
    for field, text in texts.items():
        if text is not None and not isinstance(text, str):
            raise _wrong_type(field, text, "str")
        if text is not None and not text.isascii():
            text_size(text)  # refuses what no message can carry
    if names is not None:
        _check_mapping("expression_attribute_names", names)
        if all(text is None for text in texts.values()):
            raise ValidationError("ExpressionAttributeNames can only be specified when using expressions")
    if values is not None:
        _check_mapping("expression_attribute_values", values)
        if all(text is None for text in takes_values.values()):
            absent = " and ".join(takes_values) + (" are null" if len(takes_values) > 1 else " is null")
            raise ValidationError(
                f"ExpressionAttributeValues can only be specified when using expressions: {absent}"
            )


# Item operations.


def _check_get_item(request: GetItem) -> None:
    _refuse_if(_table_name_faults(request.table_name))
    _check_mapping("key", request.key)
    if request.projection_expression is not None or request.expression_attribute_names is not None:
        _check_expressions(request.expression_attribute_names, None, request.projection_expression)


def _check_put_item(request: PutItem) -> None:
    _check_write(request, ConditionExpression=request.condition_expression)
    _check_returns_old_only(request)
    _check_mapping("item", request.item)


def _check_update_item(request: UpdateItem) -> None:
    _check_write(
        request,
        UpdateExpression=request.update_expression,
        ConditionExpression=request.condition_expression,
    )
    _check_mapping("key", request.key)


def _check_delete_item(request: DeleteItem) -> None:
    _check_write(request, ConditionExpression=request.condition_expression)
    _check_returns_old_only(request)
    _check_mapping("key", request.key)


def _check_write(request: PutItem | UpdateItem | DeleteItem, **expressions: str | None) -> None:
    faults = _table_name_faults(request.table_name)
    returns, on_failure = request.return_values, request.return_values_on_condition_check_failure
    if faults or returns not in _RETURN_VALUES or on_failure not in _ALL_OLD_OR_NONE:
        _refuse_if(
            [
                *faults,
                *_enum_faults(returns, "returnValues", _RETURN_VALUES),
                *_enum_faults(on_failure, "returnValuesOnConditionCheckFailure", _ALL_OLD_OR_NONE),
            ]
        )
    names, values = request.expression_attribute_names, request.expression_attribute_values
    if names is not None or values is not None or any(text is not None for text in expressions.values()):
        _check_expressions(names, values, **expressions)


def _check_returns_old_only(request: PutItem | DeleteItem) -> None:
    # UpdateItem knows the other three; here they pass the enum and fail this rule.
    if request.return_values not in _ALL_OLD_OR_NONE:
        raise ValidationError("ReturnValues can only be ALL_OLD or NONE")


def _check_query(request: Query) -> None:
    faults = [*_table_name_faults(request.table_name), *_select_faults(request)]
    _check_int("limit", request.limit)
    if request.limit is not None and request.limit < 1:
        # Query leaves the value out and writes 'Limit'; Scan does neither. Source: dynoxide, query.rs.
        faults.append(
            "Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1"
        )
    _refuse_if(faults)
    _check_expressions(
        request.expression_attribute_names,
        request.expression_attribute_values,
        request.projection_expression,
        FilterExpression=request.filter_expression,
        KeyConditionExpression=request.key_condition_expression,
    )
    _check_start_key(request)
    if request.key_condition_expression is None:
        raise ValidationError(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        )
    if request.select == "SPECIFIC_ATTRIBUTES" and request.projection_expression is None:
        # Query wraps this message, Scan gives it bare. Source: dynoxide, query.rs and scan.rs.
        raise ValidationError(f"1 validation error detected: {_SPECIFIC_NEEDS_PROJECTION}")
    _check_select(request)


def _check_scan(request: Scan) -> None:
    faults = [*_table_name_faults(request.table_name), *_select_faults(request)]
    for field, value, least in (
        ("limit", request.limit, 1),
        ("segment", request.segment, 0),
        ("total_segments", request.total_segments, 1),
    ):
        _check_int(field, value)
        if value is not None and value < least:
            place = "totalSegments" if field == "total_segments" else field
            faults.append(_constraint(value, place, f"have value greater than or equal to {least}"))
    if request.total_segments is not None and request.total_segments > limits.TOTAL_SEGMENTS_MAX:
        rule = f"have value less than or equal to {limits.TOTAL_SEGMENTS_MAX}"
        faults.append(_constraint(request.total_segments, "totalSegments", rule))
    _refuse_if(faults)
    _check_expressions(
        request.expression_attribute_names,
        request.expression_attribute_values,
        request.projection_expression,
        FilterExpression=request.filter_expression,
    )
    _check_start_key(request)
    _check_segments(request.segment, request.total_segments)
    if request.select == "SPECIFIC_ATTRIBUTES" and request.projection_expression is None:
        raise ValidationError(_SPECIFIC_NEEDS_PROJECTION)
    _check_select(request)


_SPECIFIC_NEEDS_PROJECTION = (
    "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
)


def _select_faults(request: Query | Scan) -> Sequence[str]:
    return () if request.select is None else _enum_faults(request.select, "select", _SELECTS)


def _check_start_key(request: Query | Scan) -> None:
    if request.exclusive_start_key is not None:
        _check_mapping("exclusive_start_key", request.exclusive_start_key)


def _check_select(request: Query | Scan) -> None:
    select: str | None = request.select
    if select == "ALL_PROJECTED_ATTRIBUTES":
        raise ValidationError("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    if request.projection_expression is not None and select not in (None, "SPECIFIC_ATTRIBUTES"):
        target = "only the Count" if select == "COUNT" else select
        raise ValidationError(f"Cannot specify the ProjectionExpression when choosing to get {target}")


def _check_segments(segment: int | None, total: int | None) -> None:
    if segment is None and total is None:
        return
    if total is None:
        raise ValidationError(
            "The TotalSegments parameter is required but was not present in the request "
            "when Segment parameter is present"
        )
    if segment is None:
        raise ValidationError(
            "The Segment parameter is required but was not present in the request "
            "when parameter TotalSegments is present"
        )
    if segment >= total:
        raise ValidationError(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {total}"
        )


# Batches.


def _check_batch_get_item(request: BatchGetItem, profile: LimitsProfile) -> None:
    _check_mapping("request_items", request.request_items)
    if not request.request_items:
        raise ValidationError("The requestItems parameter is required for BatchGetItem")
    for name, wanted in request.request_items.items():
        if not isinstance(wanted, KeysAndAttributes):
            raise _wrong_type("request_items", wanted, "a mapping to KeysAndAttributes")
        _check_list("keys", wanted.keys)
        _check_at_least_one(wanted.keys, f"requestItems.{name}.member.keys")
        _refuse_if(_table_name_faults(name))
    largest = max(request.request_items, key=lambda name: len(request.request_items[name].keys))
    count = sum(len(wanted.keys) for wanted in request.request_items.values())
    if count > profile.batch_get_keys_max:
        raise ValidationError(
            f"1 validation error detected: Value at 'RequestItems.{largest}.member.Keys' failed to satisfy "
            f"constraint: Member must have length less than or equal to {profile.batch_get_keys_max}"
        )
    for wanted in request.request_items.values():
        _check_expressions(wanted.expression_attribute_names, None, wanted.projection_expression)
        for key in wanted.keys:
            _check_mapping("keys", key)


def _check_batch_write_item(request: BatchWriteItem, profile: LimitsProfile) -> None:
    _check_mapping("request_items", request.request_items)
    if not request.request_items:
        raise ValidationError("The requestItems parameter is required for BatchWriteItem")
    for name, writes in request.request_items.items():
        _check_list("request_items", writes)
        _check_at_least_one(writes, f"requestItems.{name}.member")
        _refuse_if(_table_name_faults(name))
    count = sum(len(writes) for writes in request.request_items.values())
    if count > profile.batch_write_requests_max:
        # The service echoes the whole list of writes here; what is too long to take is too long to repeat.
        raise ValidationError(
            "1 validation error detected: Value at 'requestItems' failed to satisfy constraint: "
            "Map value must satisfy constraint: "
            f"[Member must have length less than or equal to {profile.batch_write_requests_max}, "
            "Member must have length greater than or equal to 1]"
        )
    for writes in request.request_items.values():
        for write in writes:
            _check_write_request(write)


def _check_at_least_one(members: Sequence[object], place: str) -> None:
    if not members:
        raise ValidationError(
            f"1 validation error detected: Value at '{place}' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1"
        )


def _check_write_request(write: WriteRequest) -> None:
    if isinstance(write, PutRequest):
        _check_mapping("item", write.item)
    elif isinstance(write, DeleteRequest):
        _check_mapping("key", write.key)
    else:
        raise _wrong_type("request_items", write, "lists of PutRequest and DeleteRequest")


# Tables.


def _check_create_table(request: CreateTable) -> None:
    definitions, schema = request.attribute_definitions, request.key_schema
    _check_list("attribute_definitions", definitions)
    _check_list("key_schema", schema)
    if not isinstance(request.table_name, str):
        raise _wrong_type("table_name", request.table_name, "str")
    faults = list(_name_faults(request.table_name, "tableName", chars_min=limits.TABLE_NAME_CHARS_MIN))
    # A bad name is reported alone. Source: dynoxide, create_table.rs, validate_raw_and_build.
    _refuse_if(faults)
    _refuse_if([*_definition_faults(definitions), *_schema_faults(schema)])
    _check_key_schema([definition.attribute_name for definition in definitions], schema)


def _definition_faults(definitions: Sequence[AttributeDefinition]) -> list[str]:
    faults: list[str] = []
    for place, definition in enumerate(definitions, 1):
        if not isinstance(definition, AttributeDefinition):
            raise _wrong_type("attribute_definitions", definition, "a list of AttributeDefinition")
        at = f"attributeDefinitions.{place}.member"
        faults += _attribute_name_faults(definition.attribute_name, f"{at}.attributeName")
        faults += _enum_faults(definition.attribute_type, f"{at}.attributeType", _ATTRIBUTE_TYPES)
    return faults


def _schema_faults(schema: Sequence[KeySchemaElement]) -> list[str]:
    faults: list[str] = []
    for element in schema:
        if not isinstance(element, KeySchemaElement):
            raise _wrong_type("key_schema", element, "a list of KeySchemaElement")
    if not schema:
        faults.append(_constraint("[]", "keySchema", "have length greater than or equal to 1"))
    if len(schema) > 2:
        shown = ", ".join(
            f"KeySchemaElement(attributeName={element.attribute_name}, keyType={element.key_type})"
            for element in schema
        )
        faults.append(_constraint(f"[{shown}]", "keySchema", "have length less than or equal to 2"))
    for place, element in enumerate(schema, 1):
        at = f"keySchema.{place}.member"
        faults += _attribute_name_faults(element.attribute_name, f"{at}.attributeName")
        faults += _enum_faults(element.key_type, f"{at}.keyType", _KEY_TYPES)
    return faults


def _attribute_name_faults(name: object, place: str) -> Sequence[str]:
    """Key attribute names have 1 to 255 bytes. Source: service model, KeySchemaAttributeName."""
    if not isinstance(name, str):
        raise _wrong_type(place, name, "str")
    if not name:
        return [_constraint(name, place, "have length greater than or equal to 1")]
    if len(name.encode(errors="replace")) > limits.KEY_ATTRIBUTE_NAME_BYTES_MAX:
        rule = f"have length less than or equal to {limits.KEY_ATTRIBUTE_NAME_BYTES_MAX}"
        return [_constraint(name, place, rule)]
    if not name.isascii() and not _is_unicode(name):
        return [_constraint(ascii(name), place, "be valid UTF-8")]
    return ()


def _is_unicode(text: str) -> bool:
    """Whether ``text`` has no lone surrogate, which no wire could carry."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


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


def _check_named_table(request: DescribeTable | DeleteTable) -> None:
    name = request.table_name
    if not isinstance(name, str):
        raise _wrong_type("table_name", name, "str")
    if not limits.TABLE_NAME_CHARS_MIN <= len(name) <= limits.TABLE_NAME_CHARS_MAX:
        raise ValidationError(
            f"TableName must be at least {limits.TABLE_NAME_CHARS_MIN} characters long "
            f"and at most {limits.TABLE_NAME_CHARS_MAX} characters long"
        )
    _refuse_if(_table_name_faults(name))


def _check_list_tables(request: ListTables) -> None:
    start, limit = request.exclusive_start_table_name, request.limit
    _check_int("limit", limit)
    faults: list[str] = []
    if start is not None:
        if not isinstance(start, str):
            raise _wrong_type("exclusive_start_table_name", start, "str")
        faults += _name_faults(start, "exclusiveStartTableName", chars_min=limits.TABLE_NAME_CHARS_MIN)
    if limit is not None and limit < 1:
        faults.append(_constraint(limit, "limit", "have value greater than or equal to 1"))
    if limit is not None and limit > limits.LIST_TABLES_PAGE_MAX:
        rule = f"have value less than or equal to {limits.LIST_TABLES_PAGE_MAX}"
        faults.append(_constraint(limit, "limit", rule))
    _refuse_if(faults)


_CHECKS: Mapping[type, Callable[..., None]] = {
    GetItem: _check_get_item,
    PutItem: _check_put_item,
    UpdateItem: _check_update_item,
    DeleteItem: _check_delete_item,
    Query: _check_query,
    Scan: _check_scan,
    CreateTable: _check_create_table,
    DescribeTable: _check_named_table,
    DeleteTable: _check_named_table,
    ListTables: _check_list_tables,
}
_PROFILED_CHECKS: Mapping[type, Callable[..., None]] = {
    BatchGetItem: _check_batch_get_item,
    BatchWriteItem: _check_batch_write_item,
}
"""Those that depend on the limits in force."""
