"""The item operations in JSON: their requests and results as tables of fields.

Source: the service model (botocore, ``dynamodb/2012-08-10/service-2.json``); a test holds these
tables against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kvdb.api import items as api
from kvdb.api.items import Page, Query, Scan
from kvdb.item.dynamo_json import JsonObject, item_to_text
from kvdb.server.http_shapes import (
    BOOLEAN,
    DOUBLE,
    EXPRESSION_VALUES,
    INTEGER,
    ITEM,
    STRING,
    VALUE,
    Field,
    Kind,
    list_of,
    map_of,
    one_of,
    struct,
    wrapped,
)

_STRINGS = list_of(STRING)
_NAMES = map_of(STRING)

# Members that several operations share.

_TABLE = Field("TableName", "table_name", STRING, is_required=True)
_KEY = Field("Key", "key", ITEM, is_required=True)
_ITEM = Field("Item", "item", ITEM, is_required=True)
_CONDITION = Field("ConditionExpression", "condition_expression", STRING)
_PROJECTION = Field("ProjectionExpression", "projection_expression", STRING)
_EXPRESSION_NAMES = Field("ExpressionAttributeNames", "expression_attribute_names", _NAMES)
_EXPRESSION_VALUES = Field("ExpressionAttributeValues", "expression_attribute_values", EXPRESSION_VALUES)
_CONSISTENT_READ = Field("ConsistentRead", "consistent_read", BOOLEAN)
_ATTRIBUTES_TO_GET = Field("AttributesToGet", "attributes_to_get", _STRINGS)
_RETURN_VALUES = Field("ReturnValues", "return_values", STRING)
_RETURN_CAPACITY = Field("ReturnConsumedCapacity", "return_consumed_capacity", STRING)
_RETURN_METRICS = Field("ReturnItemCollectionMetrics", "return_item_collection_metrics", STRING)
_RETURN_ON_FAILURE = Field(
    "ReturnValuesOnConditionCheckFailure", "return_values_on_condition_check_failure", STRING
)
_CONDITIONAL_OPERATOR = Field("ConditionalOperator", "conditional_operator", STRING)

# Legacy members.


def _expected(**members: object) -> api.ExpectedAttributeValue:
    return api.ExpectedAttributeValue(has_value="value" in members, **members)  # type: ignore[arg-type]


def _value_update(**members: object) -> api.AttributeValueUpdate:
    return api.AttributeValueUpdate(has_value="value" in members, **members)  # type: ignore[arg-type]


_COMPARISON = Field("ComparisonOperator", "comparison_operator", STRING)
_VALUE_LIST = Field("AttributeValueList", "attribute_value_list", list_of(VALUE))
_CONDITIONS = map_of(
    struct("Condition", api.LegacyCondition, _COMPARISON._replace(is_required=True), _VALUE_LIST)
)
_EXPECTED = Field(
    "Expected",
    "expected",
    map_of(
        struct(
            "ExpectedAttributeValue",
            _expected,
            Field("Value", "value", VALUE),
            Field("Exists", "exists", BOOLEAN),
            _COMPARISON,
            _VALUE_LIST,
        )
    ),
)
_ATTRIBUTE_UPDATES = Field(
    "AttributeUpdates",
    "attribute_updates",
    map_of(
        struct(
            "AttributeValueUpdate",
            _value_update,
            Field("Value", "value", VALUE),
            Field("Action", "action", STRING),
        )
    ),
)

# Requests.

GET_ITEM = struct(
    "GetItemInput",
    api.GetItem,
    _TABLE,
    _KEY,
    _ATTRIBUTES_TO_GET,
    _CONSISTENT_READ,
    _RETURN_CAPACITY,
    _PROJECTION,
    _EXPRESSION_NAMES,
)
PUT_ITEM = struct(
    "PutItemInput",
    api.PutItem,
    _TABLE,
    _ITEM,
    _EXPECTED,
    _RETURN_VALUES,
    _RETURN_CAPACITY,
    _RETURN_METRICS,
    _CONDITIONAL_OPERATOR,
    _CONDITION,
    _EXPRESSION_NAMES,
    _EXPRESSION_VALUES,
    _RETURN_ON_FAILURE,
)
UPDATE_ITEM = struct(
    "UpdateItemInput",
    api.UpdateItem,
    _TABLE,
    _KEY,
    _ATTRIBUTE_UPDATES,
    _EXPECTED,
    _CONDITIONAL_OPERATOR,
    _RETURN_VALUES,
    _RETURN_CAPACITY,
    _RETURN_METRICS,
    Field("UpdateExpression", "update_expression", STRING),
    _CONDITION,
    _EXPRESSION_NAMES,
    _EXPRESSION_VALUES,
    _RETURN_ON_FAILURE,
)
DELETE_ITEM = struct(
    "DeleteItemInput",
    api.DeleteItem,
    _TABLE,
    _KEY,
    _EXPECTED,
    _CONDITIONAL_OPERATOR,
    _RETURN_VALUES,
    _RETURN_CAPACITY,
    _RETURN_METRICS,
    _CONDITION,
    _EXPRESSION_NAMES,
    _EXPRESSION_VALUES,
    _RETURN_ON_FAILURE,
)
_PAGED = (
    _TABLE,
    Field("IndexName", "index_name", STRING),
    Field("Select", "select", STRING),
    _ATTRIBUTES_TO_GET,
    Field("Limit", "limit", INTEGER),
    _CONSISTENT_READ,
    _CONDITIONAL_OPERATOR,
    Field("ExclusiveStartKey", "exclusive_start_key", ITEM),
    _RETURN_CAPACITY,
    _PROJECTION,
    Field("FilterExpression", "filter_expression", STRING),
    _EXPRESSION_NAMES,
    _EXPRESSION_VALUES,
)
QUERY = struct(
    "QueryInput",
    api.Query,
    *_PAGED,
    Field("KeyConditions", "key_conditions", _CONDITIONS),
    Field("QueryFilter", "query_filter", _CONDITIONS),
    Field("ScanIndexForward", "scan_index_forward", BOOLEAN),
    Field("KeyConditionExpression", "key_condition_expression", STRING),
)
SCAN = struct(
    "ScanInput",
    api.Scan,
    *_PAGED,
    Field("ScanFilter", "scan_filter", _CONDITIONS),
    Field("TotalSegments", "total_segments", INTEGER),
    Field("Segment", "segment", INTEGER),
)
_KEYS_AND_ATTRIBUTES = struct(
    "KeysAndAttributes",
    api.KeysAndAttributes,
    Field("Keys", "keys", list_of(ITEM), is_required=True),
    _ATTRIBUTES_TO_GET,
    _CONSISTENT_READ,
    _PROJECTION,
    _EXPRESSION_NAMES,
)
BATCH_GET_ITEM = struct(
    "BatchGetItemInput",
    api.BatchGetItem,
    Field("RequestItems", "request_items", map_of(_KEYS_AND_ATTRIBUTES), is_required=True),
    _RETURN_CAPACITY,
)
_NO_WRITE_REQUEST = (
    # Both ways the service says the same. Source: dynalite, validations/batchWriteItem.js;
    # dynoxide, batch_write_item.rs.
    "Supplied AttributeValue has more than one datatypes set, "
    "must contain exactly one of the supported datatypes"
)
_WRITE_REQUEST = one_of(
    "WriteRequest",
    (
        ("PutRequest", api.PutRequest, struct("PutRequest", api.PutRequest, _ITEM)),
        ("DeleteRequest", api.DeleteRequest, struct("DeleteRequest", api.DeleteRequest, _KEY)),
    ),
    many=_NO_WRITE_REQUEST,
    none=_NO_WRITE_REQUEST,
)
_WRITE_REQUESTS = map_of(list_of(_WRITE_REQUEST))
BATCH_WRITE_ITEM = struct(
    "BatchWriteItemInput",
    api.BatchWriteItem,
    Field("RequestItems", "request_items", _WRITE_REQUESTS, is_required=True),
    _RETURN_CAPACITY,
    _RETURN_METRICS,
)

# Source: ScyllaDB issue and forum reports of the service's answer to a member with none or several.
_ONE_ACTION = "TransactItems can only contain one of Check, Put, Update or Delete"
_ONE_GET = "TransactItems can only contain Get"
_EXPRESSIONS = (_CONDITION, _EXPRESSION_NAMES, _EXPRESSION_VALUES, _RETURN_ON_FAILURE)
_TRANSACT_WRITE_ITEM = one_of(
    "TransactWriteItem",
    (
        (
            "ConditionCheck",
            api.ConditionCheck,
            struct(
                "ConditionCheck",
                api.ConditionCheck,
                _TABLE,
                _KEY,
                _CONDITION._replace(is_required=True),
                *_EXPRESSIONS[1:],
            ),
        ),
        ("Put", api.PutItem, struct("Put", api.PutItem, _TABLE, _ITEM, *_EXPRESSIONS)),
        ("Delete", api.DeleteItem, struct("Delete", api.DeleteItem, _TABLE, _KEY, *_EXPRESSIONS)),
        (
            "Update",
            api.UpdateItem,
            struct(
                "Update",
                api.UpdateItem,
                _TABLE,
                _KEY,
                Field("UpdateExpression", "update_expression", STRING, is_required=True),
                *_EXPRESSIONS,
            ),
        ),
    ),
    many=_ONE_ACTION,
    none=_ONE_ACTION,
)
_TRANSACT_ITEMS = Field("TransactItems", "transact_items", list_of(_TRANSACT_WRITE_ITEM), is_required=True)
TRANSACT_WRITE_ITEMS = struct(
    "TransactWriteItemsInput",
    api.TransactWriteItems,
    _TRANSACT_ITEMS,
    _RETURN_CAPACITY,
    _RETURN_METRICS,
    Field("ClientRequestToken", "client_request_token", STRING),
)
_TRANSACT_GET_ITEM = one_of(
    "TransactGetItem",
    (("Get", api.GetItem, struct("Get", api.GetItem, _TABLE, _KEY, _PROJECTION, _EXPRESSION_NAMES)),),
    many=_ONE_GET,
    none=_ONE_GET,
)
TRANSACT_GET_ITEMS = struct(
    "TransactGetItemsInput",
    api.TransactGetItems,
    _TRANSACT_ITEMS._replace(kind=list_of(_TRANSACT_GET_ITEM)),
    _RETURN_CAPACITY,
)

# Results.

_CAPACITY = struct(
    "Capacity",
    api.Capacity,
    Field("ReadCapacityUnits", "read_capacity_units", DOUBLE),
    Field("WriteCapacityUnits", "write_capacity_units", DOUBLE),
    Field("CapacityUnits", "capacity_units", DOUBLE),
)
_CONSUMED_CAPACITY = struct(
    "ConsumedCapacity",
    api.ConsumedCapacity,
    Field("TableName", "table_name", STRING),
    Field("CapacityUnits", "capacity_units", DOUBLE),
    Field("ReadCapacityUnits", "read_capacity_units", DOUBLE),
    Field("WriteCapacityUnits", "write_capacity_units", DOUBLE),
    Field("Table", "table", _CAPACITY),
    Field("LocalSecondaryIndexes", "local_secondary_indexes", map_of(_CAPACITY), is_left_out_empty=True),
    Field("GlobalSecondaryIndexes", "global_secondary_indexes", map_of(_CAPACITY), is_left_out_empty=True),
)


def _write_metrics(metrics: api.ItemCollectionMetrics) -> JsonObject:
    return {
        "ItemCollectionKey": ITEM.write(metrics.item_collection_key),
        "SizeEstimateRangeGB": list(metrics.size_estimate_range_gb),
    }


_METRICS = Kind("", VALUE.read, _write_metrics)
_CONSUMED = Field("ConsumedCapacity", "consumed_capacity", _CONSUMED_CAPACITY)
_CONSUMED_BY_TABLE = Field("ConsumedCapacity", "consumed_capacity", list_of(_CONSUMED_CAPACITY))
_METRICS_BY_TABLE = Field("ItemCollectionMetrics", "item_collection_metrics", map_of(list_of(_METRICS)))

WRITE_GET_ITEM = wrapped(_CONSUMED)
"""The result of GetItem, but for the item; ``write_got`` has both."""
WRITE_WRITTEN = wrapped(
    Field("Attributes", "attributes", ITEM),
    _CONSUMED,
    Field("ItemCollectionMetrics", "item_collection_metrics", _METRICS),
)
"""The result of PutItem, UpdateItem and DeleteItem."""
WRITE_COUNTED = wrapped(
    Field("Count", "count", INTEGER),
    Field("ScannedCount", "scanned_count", INTEGER),
    Field("LastEvaluatedKey", "last_evaluated_key", ITEM),
    _CONSUMED,
)
"""A page, but for its items; ``write_page`` has both."""
WRITE_BATCH_GET = wrapped(
    Field("Responses", "responses", map_of(list_of(ITEM))),
    Field("UnprocessedKeys", "unprocessed_keys", map_of(_KEYS_AND_ATTRIBUTES)),
    _CONSUMED_BY_TABLE,
)
WRITE_BATCH_WRITE = wrapped(
    Field("UnprocessedItems", "unprocessed_items", _WRITE_REQUESTS),
    _METRICS_BY_TABLE,
    _CONSUMED_BY_TABLE,
)
WRITE_TRANSACT_WRITE = wrapped(_CONSUMED_BY_TABLE, _METRICS_BY_TABLE)


def _write_response(item: Mapping[str, object] | None) -> JsonObject:
    return {} if item is None else {"Item": ITEM.write(item)}


WRITE_TRANSACT_GET = wrapped(
    Field("Responses", "responses", list_of(Kind("", VALUE.read, _write_response))), _CONSUMED_BY_TABLE
)


class WithItems(NamedTuple):
    """An answer whose items are written already, as text: most of what there is to write."""

    rest: JsonObject
    member: str
    """What the items are called; empty when there are none to tell of."""
    text: str = ""


def write_page(page: Page, request: Query | Scan) -> WithItems:
    """A page; with ``Select`` COUNT the service leaves the items out altogether."""
    rest = WRITE_COUNTED(page)
    if request.select == "COUNT":
        return WithItems(rest, "")
    return WithItems(rest, "Items", f"[{','.join(map(item_to_text, page.items))}]")


def write_got(result: api.GetItemResult) -> WithItems:
    rest = {} if result.consumed_capacity is None else WRITE_GET_ITEM(result)
    return WithItems(rest, "") if result.item is None else WithItems(rest, "Item", item_to_text(result.item))
