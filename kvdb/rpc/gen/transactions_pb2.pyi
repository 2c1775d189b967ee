from kvdb.rpc.gen import items_pb2 as _items_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TransactGetItemsRequest(_message.Message):
    __slots__ = ("transact_items", "return_consumed_capacity")
    TRANSACT_ITEMS_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    transact_items: _containers.RepeatedCompositeFieldContainer[_items_pb2.GetItemRequest]
    return_consumed_capacity: _items_pb2.ReturnConsumedCapacity
    def __init__(self, transact_items: _Optional[_Iterable[_Union[_items_pb2.GetItemRequest, _Mapping]]] = ..., return_consumed_capacity: _Optional[_Union[_items_pb2.ReturnConsumedCapacity, str]] = ...) -> None: ...

class ItemResponse(_message.Message):
    __slots__ = ("item",)
    ITEM_FIELD_NUMBER: _ClassVar[int]
    item: _items_pb2.AttributeMap
    def __init__(self, item: _Optional[_Union[_items_pb2.AttributeMap, _Mapping]] = ...) -> None: ...

class TransactGetItemsResponse(_message.Message):
    __slots__ = ("responses", "consumed_capacity")
    RESPONSES_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    responses: _containers.RepeatedCompositeFieldContainer[ItemResponse]
    consumed_capacity: _items_pb2.ConsumedCapacityList
    def __init__(self, responses: _Optional[_Iterable[_Union[ItemResponse, _Mapping]]] = ..., consumed_capacity: _Optional[_Union[_items_pb2.ConsumedCapacityList, _Mapping]] = ...) -> None: ...

class ConditionCheck(_message.Message):
    __slots__ = ("table_name", "key", "condition_expression", "expression_attribute_names", "expression_attribute_values", "return_values_on_condition_check_failure")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    CONDITION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_VALUES_FIELD_NUMBER: _ClassVar[int]
    RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    key: _items_pb2.AttributeMap
    condition_expression: str
    expression_attribute_names: _items_pb2.NameMap
    expression_attribute_values: _items_pb2.AttributeMap
    return_values_on_condition_check_failure: _items_pb2.ReturnValues
    def __init__(self, table_name: _Optional[str] = ..., key: _Optional[_Union[_items_pb2.AttributeMap, _Mapping]] = ..., condition_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Union[_items_pb2.NameMap, _Mapping]] = ..., expression_attribute_values: _Optional[_Union[_items_pb2.AttributeMap, _Mapping]] = ..., return_values_on_condition_check_failure: _Optional[_Union[_items_pb2.ReturnValues, str]] = ...) -> None: ...

class TransactWriteItem(_message.Message):
    __slots__ = ("put_item", "update_item", "delete_item", "condition_check")
    PUT_ITEM_FIELD_NUMBER: _ClassVar[int]
    UPDATE_ITEM_FIELD_NUMBER: _ClassVar[int]
    DELETE_ITEM_FIELD_NUMBER: _ClassVar[int]
    CONDITION_CHECK_FIELD_NUMBER: _ClassVar[int]
    put_item: _items_pb2.PutItemRequest
    update_item: _items_pb2.UpdateItemRequest
    delete_item: _items_pb2.DeleteItemRequest
    condition_check: ConditionCheck
    def __init__(self, put_item: _Optional[_Union[_items_pb2.PutItemRequest, _Mapping]] = ..., update_item: _Optional[_Union[_items_pb2.UpdateItemRequest, _Mapping]] = ..., delete_item: _Optional[_Union[_items_pb2.DeleteItemRequest, _Mapping]] = ..., condition_check: _Optional[_Union[ConditionCheck, _Mapping]] = ...) -> None: ...

class TransactWriteItemsRequest(_message.Message):
    __slots__ = ("transact_items", "client_request_token", "return_consumed_capacity", "return_item_collection_metrics")
    TRANSACT_ITEMS_FIELD_NUMBER: _ClassVar[int]
    CLIENT_REQUEST_TOKEN_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    RETURN_ITEM_COLLECTION_METRICS_FIELD_NUMBER: _ClassVar[int]
    transact_items: _containers.RepeatedCompositeFieldContainer[TransactWriteItem]
    client_request_token: str
    return_consumed_capacity: _items_pb2.ReturnConsumedCapacity
    return_item_collection_metrics: _items_pb2.ReturnItemCollectionMetrics
    def __init__(self, transact_items: _Optional[_Iterable[_Union[TransactWriteItem, _Mapping]]] = ..., client_request_token: _Optional[str] = ..., return_consumed_capacity: _Optional[_Union[_items_pb2.ReturnConsumedCapacity, str]] = ..., return_item_collection_metrics: _Optional[_Union[_items_pb2.ReturnItemCollectionMetrics, str]] = ...) -> None: ...

class TransactWriteItemsResponse(_message.Message):
    __slots__ = ("consumed_capacity", "item_collection_metrics")
    CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    ITEM_COLLECTION_METRICS_FIELD_NUMBER: _ClassVar[int]
    consumed_capacity: _items_pb2.ConsumedCapacityList
    item_collection_metrics: _items_pb2.ItemCollectionMetricsByTable
    def __init__(self, consumed_capacity: _Optional[_Union[_items_pb2.ConsumedCapacityList, _Mapping]] = ..., item_collection_metrics: _Optional[_Union[_items_pb2.ItemCollectionMetricsByTable, _Mapping]] = ...) -> None: ...

class OpenSnapshotRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class OpenSnapshotResponse(_message.Message):
    __slots__ = ("snapshot_id", "seqno")
    SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
    SEQNO_FIELD_NUMBER: _ClassVar[int]
    snapshot_id: str
    seqno: int
    def __init__(self, snapshot_id: _Optional[str] = ..., seqno: _Optional[int] = ...) -> None: ...

class ReleaseSnapshotRequest(_message.Message):
    __slots__ = ("snapshot_id",)
    SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
    snapshot_id: str
    def __init__(self, snapshot_id: _Optional[str] = ...) -> None: ...

class ReleaseSnapshotResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReadKey(_message.Message):
    __slots__ = ("table_name", "key")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    key: _items_pb2.AttributeMap
    def __init__(self, table_name: _Optional[str] = ..., key: _Optional[_Union[_items_pb2.AttributeMap, _Mapping]] = ...) -> None: ...

class ReadRange(_message.Message):
    __slots__ = ("query", "scan", "last_key")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    SCAN_FIELD_NUMBER: _ClassVar[int]
    LAST_KEY_FIELD_NUMBER: _ClassVar[int]
    query: _items_pb2.QueryRequest
    scan: _items_pb2.ScanRequest
    last_key: _items_pb2.AttributeMap
    def __init__(self, query: _Optional[_Union[_items_pb2.QueryRequest, _Mapping]] = ..., scan: _Optional[_Union[_items_pb2.ScanRequest, _Mapping]] = ..., last_key: _Optional[_Union[_items_pb2.AttributeMap, _Mapping]] = ...) -> None: ...

class TransactionRead(_message.Message):
    __slots__ = ("key", "range")
    KEY_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    key: ReadKey
    range: ReadRange
    def __init__(self, key: _Optional[_Union[ReadKey, _Mapping]] = ..., range: _Optional[_Union[ReadRange, _Mapping]] = ...) -> None: ...

class CommitTransactionRequest(_message.Message):
    __slots__ = ("snapshot_id", "reads", "writes")
    SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
    READS_FIELD_NUMBER: _ClassVar[int]
    WRITES_FIELD_NUMBER: _ClassVar[int]
    snapshot_id: str
    reads: _containers.RepeatedCompositeFieldContainer[TransactionRead]
    writes: _containers.RepeatedCompositeFieldContainer[TransactWriteItem]
    def __init__(self, snapshot_id: _Optional[str] = ..., reads: _Optional[_Iterable[_Union[TransactionRead, _Mapping]]] = ..., writes: _Optional[_Iterable[_Union[TransactWriteItem, _Mapping]]] = ...) -> None: ...

class CommitTransactionResponse(_message.Message):
    __slots__ = ("seqno",)
    SEQNO_FIELD_NUMBER: _ClassVar[int]
    seqno: int
    def __init__(self, seqno: _Optional[int] = ...) -> None: ...
