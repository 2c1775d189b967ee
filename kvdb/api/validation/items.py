"""Item operations: get, put, update, delete, query, scan, batches."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

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
from kvdb.api.validation.fields import (
    ALL_OLD_OR_NONE,
    CAPACITIES,
    METRICS,
    check_expressions,
    check_int,
    check_list,
    check_long,
    check_mapping,
    constraint,
    enum_faults,
    name_faults,
    refuse_if,
    table_name_faults,
    wrong_type,
)
from kvdb.api.validation.legacy import (
    check_batch_mixing,
    check_mixing,
    check_names_differ,
    legacy_faults,
)
from kvdb.errors import ValidationError
from kvdb.limits import LimitsProfile

# The order inside the brackets is the service's own.
_RETURN_VALUES = ("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")
_SELECTS = ("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES")


def check_get_item(request: GetItem) -> None:
    table_faults, capacity = table_name_faults(request.table_name), request.return_consumed_capacity
    if table_faults or capacity not in CAPACITIES:
        refuse_if([*enum_faults(capacity, "returnConsumedCapacity", CAPACITIES), *table_faults])
    check_mapping("key", request.key)
    if request.attributes_to_get is not None:
        refuse_if(legacy_faults(request))
        check_mixing(request)
        check_names_differ(request.attributes_to_get)
    if request.projection_expression is not None or request.expression_attribute_names is not None:
        check_expressions(request.expression_attribute_names, None, request.projection_expression)
    check_read_point(request)


# Most requests use few of their fields: what is left at its default is not looked at one by one.
_OPTIONS_OF_PUT = (
    "return_values",
    "return_values_on_condition_check_failure",
    "return_consumed_capacity",
    "return_item_collection_metrics",
    "expected",
    "conditional_operator",
)
_put_options = attrgetter(*_OPTIONS_OF_PUT)
_update_options = attrgetter(*_OPTIONS_OF_PUT, "attribute_updates")
_NO_PUT_OPTIONS = ("NONE", "NONE", "NONE", "NONE", None, None)
_NO_UPDATE_OPTIONS = (*_NO_PUT_OPTIONS, None)


def _is_plain(request: PutItem | UpdateItem, update: str | None) -> bool:
    """Whether table name and expressions, the options apart, are sound at first sight."""
    condition = request.condition_expression
    names, values = request.expression_attribute_names, request.expression_attribute_values
    if condition is None and update is None:
        return names is None and values is None and not table_name_faults(request.table_name)
    return (
        (condition is None or (type(condition) is str and condition.isascii()))
        and (update is None or (type(update) is str and update.isascii()))
        and (names is None or type(names) is dict)
        and (values is None or type(values) is dict)
        and not table_name_faults(request.table_name)
    )


def check_put_item(request: PutItem) -> None:
    if _put_options(request) == _NO_PUT_OPTIONS and _is_plain(request, None):
        check_mapping("item", request.item)
        return
    _check_write(request, ConditionExpression=request.condition_expression)
    _check_returns_old_only(request)
    check_mapping("item", request.item)


def check_update_item(request: UpdateItem) -> None:
    if _update_options(request) == _NO_UPDATE_OPTIONS and _is_plain(request, request.update_expression):
        check_mapping("key", request.key)
        return
    _check_write(
        request,
        UpdateExpression=request.update_expression,
        ConditionExpression=request.condition_expression,
    )
    check_mapping("key", request.key)


def check_delete_item(request: DeleteItem) -> None:
    _check_write(request, ConditionExpression=request.condition_expression)
    _check_returns_old_only(request)
    check_mapping("key", request.key)


def _check_write(request: PutItem | UpdateItem | DeleteItem, **expressions: str | None) -> None:
    returns, on_failure = request.return_values, request.return_values_on_condition_check_failure
    capacity, metrics = request.return_consumed_capacity, request.return_item_collection_metrics
    table_faults = table_name_faults(request.table_name)
    old_faults = legacy_faults(request)
    if (
        table_faults
        or old_faults
        or returns not in _RETURN_VALUES
        or on_failure not in ALL_OLD_OR_NONE
        or capacity not in CAPACITIES
        or metrics not in METRICS
    ):
        refuse_if(
            [
                *enum_faults(capacity, "returnConsumedCapacity", CAPACITIES),
                *table_faults,
                *enum_faults(returns, "returnValues", _RETURN_VALUES),
                *enum_faults(metrics, "returnItemCollectionMetrics", METRICS),
                *enum_faults(on_failure, "returnValuesOnConditionCheckFailure", ALL_OLD_OR_NONE),
                *old_faults,
            ]
        )
    check_mixing(request)
    names, values = request.expression_attribute_names, request.expression_attribute_values
    if names is not None or values is not None or any(text is not None for text in expressions.values()):
        check_expressions(names, values, **expressions)


def _check_returns_old_only(request: PutItem | DeleteItem) -> None:
    # UpdateItem knows the other three; here they pass the enum and fail this rule.
    if request.return_values not in ALL_OLD_OR_NONE:
        raise ValidationError("ReturnValues can only be ALL_OLD or NONE")


def check_query(request: Query) -> None:
    faults = _read_faults(request)
    check_int("limit", request.limit)
    if request.limit is not None and request.limit < 1:
        # Query leaves the value out and writes 'Limit'; Scan does neither. Source: dynoxide, query.rs.
        faults.append(
            "Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1"
        )
    refuse_if(faults)
    check_mixing(request)
    check_expressions(
        request.expression_attribute_names,
        request.expression_attribute_values,
        request.projection_expression,
        FilterExpression=request.filter_expression,
        KeyConditionExpression=request.key_condition_expression,
    )
    check_names_differ(request.attributes_to_get)
    check_read_point(request)
    _check_start_key(request)
    if request.key_condition_expression is None and request.key_conditions is None:
        raise ValidationError(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        )
    # Query wraps these messages, Scan gives them bare. Source: moto, its tests verified against the
    # service (test_dynamodb_select.py).
    _check_select(request, prefix="1 validation error detected: ")


def check_scan(request: Scan) -> None:
    faults = _read_faults(request)
    for field, value, least in (
        ("limit", request.limit, 1),
        ("segment", request.segment, 0),
        ("total_segments", request.total_segments, 1),
    ):
        check_int(field, value)
        if value is not None and value < least:
            place = "totalSegments" if field == "total_segments" else field
            faults.append(constraint(value, place, f"have value greater than or equal to {least}"))
    if request.total_segments is not None and request.total_segments > limits.TOTAL_SEGMENTS_MAX:
        rule = f"have value less than or equal to {limits.TOTAL_SEGMENTS_MAX}"
        faults.append(constraint(request.total_segments, "totalSegments", rule))
    refuse_if(faults)
    check_mixing(request)
    check_expressions(
        request.expression_attribute_names,
        request.expression_attribute_values,
        request.projection_expression,
        FilterExpression=request.filter_expression,
    )
    check_names_differ(request.attributes_to_get)
    check_read_point(request)
    _check_start_key(request)
    _check_segments(request.segment, request.total_segments)
    _check_select(request)


def _read_faults(request: Query | Scan) -> list[str]:
    select, name = request.select, request.index_name
    faults = [] if select is None else [*enum_faults(select, "select", _SELECTS)]
    if name is not None:
        if not isinstance(name, str):
            raise wrong_type("index_name", name, "str")
        faults += name_faults(name, "indexName", chars_min=limits.TABLE_NAME_CHARS_MIN)
    faults += enum_faults(request.return_consumed_capacity, "returnConsumedCapacity", CAPACITIES)
    return [*faults, *table_name_faults(request.table_name), *legacy_faults(request)]


def check_read_point(request: GetItem | Query | Scan) -> None:
    """Native, with faults of our own words."""
    seqno, wall_ms, snapshot_id = request.as_of_seqno, request.as_of_ms, request.snapshot_id
    if seqno is None and wall_ms is None and snapshot_id is None:
        return
    if (seqno is not None) + (wall_ms is not None) + (snapshot_id is not None) > 1:
        raise ValidationError("give one of as_of_seqno, as_of_ms and snapshot_id, not several")
    if snapshot_id is not None and not isinstance(snapshot_id, str):
        raise wrong_type("snapshot_id", snapshot_id, "str")
    for field, value in (("as_of_seqno", seqno), ("as_of_ms", wall_ms)):
        check_long(field, value)
        if value is not None and value < 0:
            raise ValidationError(f"{field} must not be negative: {value}")


def _check_start_key(request: Query | Scan) -> None:
    if request.exclusive_start_key is not None:
        check_mapping("exclusive_start_key", request.exclusive_start_key)


def _check_select(request: Query | Scan, prefix: str = "") -> None:
    select: str | None = request.select
    asked = "ProjectionExpression" if request.projection_expression is not None else None
    if request.attributes_to_get is not None:
        asked = "AttributesToGet"
    if select == "SPECIFIC_ATTRIBUTES" and asked is None:
        raise ValidationError(
            f"{prefix}Must specify the AttributesToGet or ProjectionExpression "
            "when choosing to get SPECIFIC_ATTRIBUTES"
        )
    if select == "ALL_PROJECTED_ATTRIBUTES" and request.index_name is None:
        raise ValidationError(
            f"{prefix}ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"
        )
    if asked is not None and select not in (None, "SPECIFIC_ATTRIBUTES"):
        target = "only the Count" if select == "COUNT" else select
        raise ValidationError(f"{prefix}Cannot specify the {asked} when choosing to get {target}")


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


def check_batch_get_item(request: BatchGetItem, profile: LimitsProfile) -> None:
    check_mapping("request_items", request.request_items)
    refuse_if(enum_faults(request.return_consumed_capacity, "returnConsumedCapacity", CAPACITIES))
    if not request.request_items:
        raise ValidationError("The requestItems parameter is required for BatchGetItem")
    for name, wanted in request.request_items.items():
        if not isinstance(wanted, KeysAndAttributes):
            raise wrong_type("request_items", wanted, "a mapping to KeysAndAttributes")
        check_list("keys", wanted.keys)
        _check_at_least_one(wanted.keys, f"requestItems.{name}.member.keys")
        refuse_if([*table_name_faults(name), *legacy_faults(wanted, f"requestItems.{name}.member.")])
    largest = max(request.request_items, key=lambda name: len(request.request_items[name].keys))
    count = sum(len(wanted.keys) for wanted in request.request_items.values())
    if count > profile.batch_get_keys_max:
        raise ValidationError(
            f"1 validation error detected: Value at 'RequestItems.{largest}.member.Keys' failed to satisfy "
            f"constraint: Member must have length less than or equal to {profile.batch_get_keys_max}"
        )
    check_batch_mixing(request)
    for wanted in request.request_items.values():
        check_expressions(wanted.expression_attribute_names, None, wanted.projection_expression)
        check_names_differ(wanted.attributes_to_get)
        for key in wanted.keys:
            check_mapping("keys", key)


def check_batch_write_item(request: BatchWriteItem, profile: LimitsProfile) -> None:
    check_mapping("request_items", request.request_items)
    refuse_if(
        [
            *enum_faults(request.return_consumed_capacity, "returnConsumedCapacity", CAPACITIES),
            *enum_faults(request.return_item_collection_metrics, "returnItemCollectionMetrics", METRICS),
        ]
    )
    if not request.request_items:
        raise ValidationError("The requestItems parameter is required for BatchWriteItem")
    for name, writes in request.request_items.items():
        check_list("request_items", writes)
        _check_at_least_one(writes, f"requestItems.{name}.member")
        refuse_if(table_name_faults(name))
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
        check_mapping("item", write.item)
    elif isinstance(write, DeleteRequest):
        check_mapping("key", write.key)
    else:
        raise wrong_type("request_items", write, "lists of PutRequest and DeleteRequest")
