"""The messages of ``items.proto`` and ``transactions.proto``, a pair each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from google.protobuf.message import Message

from kvdb.api import items
from kvdb.errors import ValidationError
from kvdb.rpc import fields
from kvdb.rpc.fields import Choice, Field, OptionalItem, Pair
from kvdb.rpc.gen import items_pb2, transactions_pb2
from kvdb.rpc.item_codec import read_item, read_value, write_item, write_value

# Rows that several messages share.
TABLE_NAME = fields.scalar("table_name")
LIMIT = fields.optional("limit")
_KEY = fields.item("key")
_CONSISTENT_READ = fields.flag("consistent_read")
_PROJECTION = fields.optional("projection_expression")
_CONDITION = fields.optional("condition_expression")
_FILTER = fields.optional("filter_expression")
_NAMES = fields.optional_names("expression_attribute_names")
_VALUES = fields.optional_placeholder_values("expression_attribute_values")
_START_KEY = fields.optional_item("exclusive_start_key")
_INDEX_NAME = fields.optional("index_name")
_ATTRIBUTES = fields.optional_item("attributes")
_ATTRIBUTES_TO_GET = fields.wrapped("attributes_to_get", fields.texts("values"))
_READ_POINT = (fields.optional("as_of_seqno"), fields.optional("as_of_ms"), fields.optional("snapshot_id"))
_SELECT = fields.enum(
    "select",
    "SELECT_",
    *("ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT"),
)
_RETURN_VALUES = fields.enum(
    "return_values",
    "RETURN_VALUES_",
    *("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"),
    absent="NONE",
)
_RETURN_ON_FAILURE = fields.enum(
    "return_values_on_condition_check_failure", "RETURN_VALUES_", "NONE", "ALL_OLD", absent="NONE"
)
_RETURN_CAPACITY = fields.enum(
    "return_consumed_capacity",
    "RETURN_CONSUMED_CAPACITY_",
    *("NONE", "TOTAL", "INDEXES"),
    absent="NONE",
)
_RETURN_METRICS = fields.enum(
    "return_item_collection_metrics", "RETURN_ITEM_COLLECTION_METRICS_", "NONE", "SIZE", absent="NONE"
)
_CONDITIONAL_OPERATOR = fields.enum("conditional_operator", "CONDITIONAL_OPERATOR_", "AND", "OR")


# Capacity.

_CAPACITY_UNITS = (
    fields.scalar("capacity_units"),
    fields.optional("read_capacity_units"),
    fields.optional("write_capacity_units"),
)
_CAPACITY = Pair(items.Capacity, items_pb2.Capacity, *_CAPACITY_UNITS)
_CONSUMED_CAPACITY = Pair(
    items.ConsumedCapacity,
    items_pb2.ConsumedCapacity,
    TABLE_NAME,
    *_CAPACITY_UNITS,
    fields.optional_message("table", _CAPACITY),
    fields.wrapped("local_secondary_indexes", fields.mapping("indexes", _CAPACITY)),
    fields.wrapped("global_secondary_indexes", fields.mapping("indexes", _CAPACITY)),
)
_CONSUMED = fields.optional_message("consumed_capacity", _CONSUMED_CAPACITY)
_CONSUMED_OF_TABLES = fields.wrapped("consumed_capacity", fields.messages("values", _CONSUMED_CAPACITY))


def _size_range(name: str) -> Field:
    def write(message: items_pb2.ItemCollectionMetrics, bounds: tuple[float, float]) -> None:
        message.size_estimate_lower_gb, message.size_estimate_upper_gb = bounds

    def read(message: items_pb2.ItemCollectionMetrics) -> object:
        return (message.size_estimate_lower_gb, message.size_estimate_upper_gb)

    return Field(name, write, read)


_METRICS = Pair(
    items.ItemCollectionMetrics,
    items_pb2.ItemCollectionMetrics,
    fields.item("item_collection_key"),
    _size_range("size_estimate_range_gb"),
)
_METRICS_OF_ITEM = fields.optional_message("item_collection_metrics", _METRICS)
_METRICS_OF_TABLES = fields.wrapped(
    "item_collection_metrics", fields.by_table("tables", fields.messages("metrics", _METRICS))
)


# Parameters of before 2014.


def _comparison_operator(absent: str | None) -> Field:
    return fields.enum(
        "comparison_operator",
        "COMPARISON_OPERATOR_",
        *("EQ", "NE", "IN", "LE", "LT", "GE", "GT", "BETWEEN"),
        *("NOT_NULL", "NULL", "CONTAINS", "NOT_CONTAINS", "BEGINS_WITH"),
        absent=absent,
    )


_WithValue = items.ExpectedAttributeValue | items.AttributeValueUpdate
_WithValueMessage = items_pb2.ExpectedAttributeValue | items_pb2.AttributeValueUpdate
_Valued = TypeVar("_Valued", bound=_WithValue, covariant=True)


def _write_nothing(message: _WithValueMessage, value: object) -> None:
    """``_PairWithValue`` writes the two rows of a value together."""


def _read_present_value(message: _WithValueMessage) -> object:
    return read_value(message.value) if message.HasField("value") else None


_VALUE = (
    Field("value", _write_nothing, _read_present_value),
    Field("has_value", _write_nothing, lambda message: message.HasField("value")),
)


class _PairWithValue(Pair[_Valued]):
    """Of a class whose value may be absent, with ``has_value`` to tell a value of null from none."""

    def write(self, message: Message, source: object) -> None:
        super().write(message, source)
        assert isinstance(source, _WithValue)
        assert isinstance(message, _WithValueMessage)
        if source.has_value:
            write_value(source.value, message.value)


_VALUE_LIST = fields.wrapped("attribute_value_list", fields.values("values"))
_EXPECTED_VALUE = _PairWithValue(
    items.ExpectedAttributeValue,
    items_pb2.ExpectedAttributeValue,
    *_VALUE,
    fields.optional_flag("exists"),
    _comparison_operator(None),
    _VALUE_LIST,
)
_LEGACY_CONDITION = Pair(
    items.LegacyCondition, items_pb2.LegacyCondition, _comparison_operator(""), _VALUE_LIST
)
_VALUE_UPDATE = _PairWithValue(
    items.AttributeValueUpdate,
    items_pb2.AttributeValueUpdate,
    fields.enum("action", "ATTRIBUTE_ACTION_", "PUT", "ADD", "DELETE", absent="PUT"),
    *_VALUE,
)
_EXPECTED = fields.wrapped("expected", fields.mapping("attributes", _EXPECTED_VALUE))


def _legacy_conditions(name: str) -> Field:
    return fields.wrapped(name, fields.mapping("attributes", _LEGACY_CONDITION))


# Single items.

_WRITE_RETURNS = (_RETURN_VALUES, _RETURN_ON_FAILURE, _RETURN_CAPACITY, _RETURN_METRICS)
_WRITE_OPTIONS = (_CONDITION, _NAMES, _VALUES, *_WRITE_RETURNS, _EXPECTED, _CONDITIONAL_OPERATOR)
_WRITE_RESULTS = (_ATTRIBUTES, _CONSUMED, _METRICS_OF_ITEM)

GET_ITEM = Pair(
    items.GetItem,
    items_pb2.GetItemRequest,
    TABLE_NAME,
    _KEY,
    _CONSISTENT_READ,
    _PROJECTION,
    _NAMES,
    _RETURN_CAPACITY,
    _ATTRIBUTES_TO_GET,
    *_READ_POINT,
)
GET_ITEM_RESULT = Pair(
    items.GetItemResult, items_pb2.GetItemResponse, fields.optional_item("item"), _CONSUMED
)
PUT_ITEM = Pair(items.PutItem, items_pb2.PutItemRequest, TABLE_NAME, fields.item("item"), *_WRITE_OPTIONS)
PUT_ITEM_RESULT = Pair(items.PutItemResult, items_pb2.PutItemResponse, *_WRITE_RESULTS)
UPDATE_ITEM = Pair(
    items.UpdateItem,
    items_pb2.UpdateItemRequest,
    TABLE_NAME,
    _KEY,
    fields.optional("update_expression"),
    _CONDITION,
    _NAMES,
    _VALUES,
    *_WRITE_RETURNS,
    fields.wrapped("attribute_updates", fields.mapping("attributes", _VALUE_UPDATE)),
    _EXPECTED,
    _CONDITIONAL_OPERATOR,
)
UPDATE_ITEM_RESULT = Pair(items.UpdateItemResult, items_pb2.UpdateItemResponse, *_WRITE_RESULTS)
DELETE_ITEM = Pair(items.DeleteItem, items_pb2.DeleteItemRequest, TABLE_NAME, _KEY, *_WRITE_OPTIONS)
DELETE_ITEM_RESULT = Pair(items.DeleteItemResult, items_pb2.DeleteItemResponse, *_WRITE_RESULTS)


# Query and Scan.

QUERY = Pair(
    items.Query,
    items_pb2.QueryRequest,
    TABLE_NAME,
    fields.optional("key_condition_expression"),
    _FILTER,
    _PROJECTION,
    _NAMES,
    _VALUES,
    fields.direction("scan_index_forward"),
    LIMIT,
    _START_KEY,
    _CONSISTENT_READ,
    _SELECT,
    _INDEX_NAME,
    _RETURN_CAPACITY,
    _legacy_conditions("key_conditions"),
    _legacy_conditions("query_filter"),
    _CONDITIONAL_OPERATOR,
    _ATTRIBUTES_TO_GET,
    *_READ_POINT,
)
SCAN = Pair(
    items.Scan,
    items_pb2.ScanRequest,
    TABLE_NAME,
    _FILTER,
    _PROJECTION,
    _NAMES,
    _VALUES,
    LIMIT,
    _START_KEY,
    _CONSISTENT_READ,
    _SELECT,
    fields.optional("segment"),
    fields.optional("total_segments"),
    _INDEX_NAME,
    _RETURN_CAPACITY,
    _legacy_conditions("scan_filter"),
    _CONDITIONAL_OPERATOR,
    _ATTRIBUTES_TO_GET,
    *_READ_POINT,
)
PAGE = Pair(
    items.Page,
    items_pb2.Page,
    fields.items("items"),
    fields.scalar("count"),
    fields.scalar("scanned_count"),
    fields.optional_item("last_evaluated_key"),
    _CONSUMED,
)


# Batches.


def _write_requests(name: str) -> Field:
    """Not a ``Choice``: the members are items, without a message of their own around them."""

    def write(message: Message, requests: Sequence[items.WriteRequest]) -> None:
        target = getattr(message, name)
        for request in requests:
            if isinstance(request, items.PutRequest):
                write_item(request.item, target.add().put_item)
            else:
                write_item(request.key, target.add().delete_key)

    def read(message: Message) -> object:
        return [_read_write_request(request) for request in getattr(message, name)]

    return Field(name, write, read)


def _read_write_request(message: items_pb2.WriteRequest) -> items.WriteRequest:
    kind = message.WhichOneof("request")
    if kind is None:
        raise ValidationError("a write request must hold put_item or delete_key")
    if kind == "put_item":
        return items.PutRequest(read_item(message.put_item))
    return items.DeleteRequest(read_item(message.delete_key))


_KEYS_OF_TABLE = Pair(
    items.KeysAndAttributes,
    items_pb2.KeysAndAttributes,
    fields.items("keys"),
    _PROJECTION,
    _NAMES,
    _CONSISTENT_READ,
    _ATTRIBUTES_TO_GET,
)
BATCH_GET_ITEM = Pair(
    items.BatchGetItem,
    items_pb2.BatchGetItemRequest,
    fields.by_table("request_items", _KEYS_OF_TABLE),
    _RETURN_CAPACITY,
)
BATCH_GET_ITEM_RESULT = Pair(
    items.BatchGetItemResult,
    items_pb2.BatchGetItemResponse,
    fields.by_table("responses", fields.items("items")),
    fields.by_table("unprocessed_keys", _KEYS_OF_TABLE),
    _CONSUMED_OF_TABLES,
)
BATCH_WRITE_ITEM = Pair(
    items.BatchWriteItem,
    items_pb2.BatchWriteItemRequest,
    fields.by_table("request_items", _write_requests("requests")),
    _RETURN_CAPACITY,
    _RETURN_METRICS,
)
BATCH_WRITE_ITEM_RESULT = Pair(
    items.BatchWriteItemResult,
    items_pb2.BatchWriteItemResponse,
    fields.by_table("unprocessed_items", _write_requests("requests")),
    _CONSUMED_OF_TABLES,
    _METRICS_OF_TABLES,
)


# Transactions.

_CONDITION_CHECK = Pair(
    items.ConditionCheck,
    transactions_pb2.ConditionCheck,
    TABLE_NAME,
    _KEY,
    fields.scalar("condition_expression"),
    _NAMES,
    _VALUES,
    _RETURN_ON_FAILURE,
)
_TRANSACT_WRITE = Choice[object](
    "action",
    put_item=PUT_ITEM,
    update_item=UPDATE_ITEM,
    delete_item=DELETE_ITEM,
    condition_check=_CONDITION_CHECK,
)
TRANSACT_GET_ITEMS = Pair(
    items.TransactGetItems,
    transactions_pb2.TransactGetItemsRequest,
    fields.messages("transact_items", GET_ITEM),
    _RETURN_CAPACITY,
)


TRANSACT_GET_ITEMS_RESULT = Pair(
    items.TransactGetItemsResult,
    transactions_pb2.TransactGetItemsResponse,
    fields.messages("responses", OptionalItem("item")),
    _CONSUMED_OF_TABLES,
)
TRANSACT_WRITE_ITEMS = Pair(
    items.TransactWriteItems,
    transactions_pb2.TransactWriteItemsRequest,
    fields.messages("transact_items", _TRANSACT_WRITE),
    fields.optional("client_request_token"),
    _RETURN_CAPACITY,
    _RETURN_METRICS,
)
TRANSACT_WRITE_ITEMS_RESULT = Pair(
    items.TransactWriteItemsResult,
    transactions_pb2.TransactWriteItemsResponse,
    _CONSUMED_OF_TABLES,
    _METRICS_OF_TABLES,
)


# Native: snapshots, history, transactions built step by step.

_SNAPSHOT_ID = fields.scalar("snapshot_id")
_SEQNO = fields.scalar("seqno")
OPEN_SNAPSHOT = Pair(items.OpenSnapshot, transactions_pb2.OpenSnapshotRequest)
OPEN_SNAPSHOT_RESULT = Pair(
    items.OpenSnapshotResult, transactions_pb2.OpenSnapshotResponse, _SNAPSHOT_ID, _SEQNO
)
RELEASE_SNAPSHOT = Pair(items.ReleaseSnapshot, transactions_pb2.ReleaseSnapshotRequest, _SNAPSHOT_ID)
RELEASE_SNAPSHOT_RESULT = Pair(items.ReleaseSnapshotResult, transactions_pb2.ReleaseSnapshotResponse)
LIST_ITEM_VERSIONS = Pair(
    items.ListItemVersions,
    items_pb2.ListItemVersionsRequest,
    TABLE_NAME,
    _KEY,
    LIMIT,
    fields.optional("before_seqno"),
)
_ITEM_VERSION = Pair(
    items.ItemVersion,
    items_pb2.ItemVersion,
    _SEQNO,
    fields.scalar("wall_ms"),
    fields.optional_item("item"),
)
LIST_ITEM_VERSIONS_RESULT = Pair(
    items.ListItemVersionsResult,
    items_pb2.ListItemVersionsResponse,
    fields.messages("versions", _ITEM_VERSION),
)
_READ = Choice[object](
    "read",
    key=Pair(items.ReadKey, transactions_pb2.ReadKey, TABLE_NAME, _KEY),
    range=Pair(
        items.ReadRange,
        transactions_pb2.ReadRange,
        fields.choice("request", Choice("request", query=QUERY, scan=SCAN)),
        fields.optional_item("last_key"),
    ),
)
COMMIT_TRANSACTION = Pair(
    items.CommitTransaction,
    transactions_pb2.CommitTransactionRequest,
    _SNAPSHOT_ID,
    fields.messages("reads", _READ),
    fields.messages("writes", _TRANSACT_WRITE),
)
COMMIT_TRANSACTION_RESULT = Pair(
    items.CommitTransactionResult, transactions_pb2.CommitTransactionResponse, _SEQNO
)
