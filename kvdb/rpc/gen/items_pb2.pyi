from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReturnValues(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETURN_VALUES_UNSPECIFIED: _ClassVar[ReturnValues]
    RETURN_VALUES_NONE: _ClassVar[ReturnValues]
    RETURN_VALUES_ALL_OLD: _ClassVar[ReturnValues]

class Select(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SELECT_UNSPECIFIED: _ClassVar[Select]
    SELECT_ALL_ATTRIBUTES: _ClassVar[Select]
    SELECT_SPECIFIC_ATTRIBUTES: _ClassVar[Select]
    SELECT_COUNT: _ClassVar[Select]
RETURN_VALUES_UNSPECIFIED: ReturnValues
RETURN_VALUES_NONE: ReturnValues
RETURN_VALUES_ALL_OLD: ReturnValues
SELECT_UNSPECIFIED: Select
SELECT_ALL_ATTRIBUTES: Select
SELECT_SPECIFIC_ATTRIBUTES: Select
SELECT_COUNT: Select

class AttributeValue(_message.Message):
    __slots__ = ("s", "n", "b", "bool", "null", "l", "m", "ss", "ns", "bs")
    S_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    BOOL_FIELD_NUMBER: _ClassVar[int]
    NULL_FIELD_NUMBER: _ClassVar[int]
    L_FIELD_NUMBER: _ClassVar[int]
    M_FIELD_NUMBER: _ClassVar[int]
    SS_FIELD_NUMBER: _ClassVar[int]
    NS_FIELD_NUMBER: _ClassVar[int]
    BS_FIELD_NUMBER: _ClassVar[int]
    s: str
    n: str
    b: bytes
    bool: bool
    null: bool
    l: AttributeList
    m: AttributeMap
    ss: StringSet
    ns: StringSet
    bs: BytesSet
    def __init__(self, s: _Optional[str] = ..., n: _Optional[str] = ..., b: _Optional[bytes] = ..., bool: _Optional[bool] = ..., null: _Optional[bool] = ..., l: _Optional[_Union[AttributeList, _Mapping]] = ..., m: _Optional[_Union[AttributeMap, _Mapping]] = ..., ss: _Optional[_Union[StringSet, _Mapping]] = ..., ns: _Optional[_Union[StringSet, _Mapping]] = ..., bs: _Optional[_Union[BytesSet, _Mapping]] = ...) -> None: ...

class AttributeList(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[AttributeValue]
    def __init__(self, values: _Optional[_Iterable[_Union[AttributeValue, _Mapping]]] = ...) -> None: ...

class AttributeMap(_message.Message):
    __slots__ = ("attributes",)
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: AttributeValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[AttributeValue, _Mapping]] = ...) -> None: ...
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    attributes: _containers.MessageMap[str, AttributeValue]
    def __init__(self, attributes: _Optional[_Mapping[str, AttributeValue]] = ...) -> None: ...

class StringSet(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, values: _Optional[_Iterable[str]] = ...) -> None: ...

class BytesSet(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, values: _Optional[_Iterable[bytes]] = ...) -> None: ...

class NameMap(_message.Message):
    __slots__ = ("names",)
    class NamesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAMES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.ScalarMap[str, str]
    def __init__(self, names: _Optional[_Mapping[str, str]] = ...) -> None: ...

class GetItemRequest(_message.Message):
    __slots__ = ("table_name", "key", "consistent_read", "projection_expression", "expression_attribute_names")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    CONSISTENT_READ_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    key: AttributeMap
    consistent_read: bool
    projection_expression: str
    expression_attribute_names: NameMap
    def __init__(self, table_name: _Optional[str] = ..., key: _Optional[_Union[AttributeMap, _Mapping]] = ..., consistent_read: _Optional[bool] = ..., projection_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Union[NameMap, _Mapping]] = ...) -> None: ...

class GetItemResponse(_message.Message):
    __slots__ = ("item",)
    ITEM_FIELD_NUMBER: _ClassVar[int]
    item: AttributeMap
    def __init__(self, item: _Optional[_Union[AttributeMap, _Mapping]] = ...) -> None: ...

class PutItemRequest(_message.Message):
    __slots__ = ("table_name", "item", "condition_expression", "expression_attribute_names", "expression_attribute_values", "return_values", "return_values_on_condition_check_failure")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CONDITION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_VALUES_FIELD_NUMBER: _ClassVar[int]
    RETURN_VALUES_FIELD_NUMBER: _ClassVar[int]
    RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    item: AttributeMap
    condition_expression: str
    expression_attribute_names: NameMap
    expression_attribute_values: AttributeMap
    return_values: ReturnValues
    return_values_on_condition_check_failure: ReturnValues
    def __init__(self, table_name: _Optional[str] = ..., item: _Optional[_Union[AttributeMap, _Mapping]] = ..., condition_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Union[NameMap, _Mapping]] = ..., expression_attribute_values: _Optional[_Union[AttributeMap, _Mapping]] = ..., return_values: _Optional[_Union[ReturnValues, str]] = ..., return_values_on_condition_check_failure: _Optional[_Union[ReturnValues, str]] = ...) -> None: ...

class PutItemResponse(_message.Message):
    __slots__ = ("attributes",)
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    attributes: AttributeMap
    def __init__(self, attributes: _Optional[_Union[AttributeMap, _Mapping]] = ...) -> None: ...

class DeleteItemRequest(_message.Message):
    __slots__ = ("table_name", "key", "condition_expression", "expression_attribute_names", "expression_attribute_values", "return_values", "return_values_on_condition_check_failure")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    CONDITION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_VALUES_FIELD_NUMBER: _ClassVar[int]
    RETURN_VALUES_FIELD_NUMBER: _ClassVar[int]
    RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    key: AttributeMap
    condition_expression: str
    expression_attribute_names: NameMap
    expression_attribute_values: AttributeMap
    return_values: ReturnValues
    return_values_on_condition_check_failure: ReturnValues
    def __init__(self, table_name: _Optional[str] = ..., key: _Optional[_Union[AttributeMap, _Mapping]] = ..., condition_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Union[NameMap, _Mapping]] = ..., expression_attribute_values: _Optional[_Union[AttributeMap, _Mapping]] = ..., return_values: _Optional[_Union[ReturnValues, str]] = ..., return_values_on_condition_check_failure: _Optional[_Union[ReturnValues, str]] = ...) -> None: ...

class DeleteItemResponse(_message.Message):
    __slots__ = ("attributes",)
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    attributes: AttributeMap
    def __init__(self, attributes: _Optional[_Union[AttributeMap, _Mapping]] = ...) -> None: ...

class QueryRequest(_message.Message):
    __slots__ = ("table_name", "key_condition_expression", "filter_expression", "projection_expression", "expression_attribute_names", "expression_attribute_values", "scan_index_forward", "limit", "exclusive_start_key", "consistent_read", "select")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_CONDITION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    FILTER_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_VALUES_FIELD_NUMBER: _ClassVar[int]
    SCAN_INDEX_FORWARD_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_START_KEY_FIELD_NUMBER: _ClassVar[int]
    CONSISTENT_READ_FIELD_NUMBER: _ClassVar[int]
    SELECT_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    key_condition_expression: str
    filter_expression: str
    projection_expression: str
    expression_attribute_names: NameMap
    expression_attribute_values: AttributeMap
    scan_index_forward: bool
    limit: int
    exclusive_start_key: AttributeMap
    consistent_read: bool
    select: Select
    def __init__(self, table_name: _Optional[str] = ..., key_condition_expression: _Optional[str] = ..., filter_expression: _Optional[str] = ..., projection_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Union[NameMap, _Mapping]] = ..., expression_attribute_values: _Optional[_Union[AttributeMap, _Mapping]] = ..., scan_index_forward: _Optional[bool] = ..., limit: _Optional[int] = ..., exclusive_start_key: _Optional[_Union[AttributeMap, _Mapping]] = ..., consistent_read: _Optional[bool] = ..., select: _Optional[_Union[Select, str]] = ...) -> None: ...

class ScanRequest(_message.Message):
    __slots__ = ("table_name", "filter_expression", "projection_expression", "expression_attribute_names", "expression_attribute_values", "limit", "exclusive_start_key", "consistent_read", "select", "segment", "total_segments")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    FILTER_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_VALUES_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_START_KEY_FIELD_NUMBER: _ClassVar[int]
    CONSISTENT_READ_FIELD_NUMBER: _ClassVar[int]
    SELECT_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    filter_expression: str
    projection_expression: str
    expression_attribute_names: NameMap
    expression_attribute_values: AttributeMap
    limit: int
    exclusive_start_key: AttributeMap
    consistent_read: bool
    select: Select
    segment: int
    total_segments: int
    def __init__(self, table_name: _Optional[str] = ..., filter_expression: _Optional[str] = ..., projection_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Union[NameMap, _Mapping]] = ..., expression_attribute_values: _Optional[_Union[AttributeMap, _Mapping]] = ..., limit: _Optional[int] = ..., exclusive_start_key: _Optional[_Union[AttributeMap, _Mapping]] = ..., consistent_read: _Optional[bool] = ..., select: _Optional[_Union[Select, str]] = ..., segment: _Optional[int] = ..., total_segments: _Optional[int] = ...) -> None: ...

class Page(_message.Message):
    __slots__ = ("items", "count", "scanned_count", "last_evaluated_key")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SCANNED_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_EVALUATED_KEY_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[AttributeMap]
    count: int
    scanned_count: int
    last_evaluated_key: AttributeMap
    def __init__(self, items: _Optional[_Iterable[_Union[AttributeMap, _Mapping]]] = ..., count: _Optional[int] = ..., scanned_count: _Optional[int] = ..., last_evaluated_key: _Optional[_Union[AttributeMap, _Mapping]] = ...) -> None: ...

class KeysAndAttributes(_message.Message):
    __slots__ = ("table_name", "keys", "projection_expression", "expression_attribute_names", "consistent_read")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    CONSISTENT_READ_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    keys: _containers.RepeatedCompositeFieldContainer[AttributeMap]
    projection_expression: str
    expression_attribute_names: NameMap
    consistent_read: bool
    def __init__(self, table_name: _Optional[str] = ..., keys: _Optional[_Iterable[_Union[AttributeMap, _Mapping]]] = ..., projection_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Union[NameMap, _Mapping]] = ..., consistent_read: _Optional[bool] = ...) -> None: ...

class BatchGetItemRequest(_message.Message):
    __slots__ = ("request_items",)
    REQUEST_ITEMS_FIELD_NUMBER: _ClassVar[int]
    request_items: _containers.RepeatedCompositeFieldContainer[KeysAndAttributes]
    def __init__(self, request_items: _Optional[_Iterable[_Union[KeysAndAttributes, _Mapping]]] = ...) -> None: ...

class TableItems(_message.Message):
    __slots__ = ("table_name", "items")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    items: _containers.RepeatedCompositeFieldContainer[AttributeMap]
    def __init__(self, table_name: _Optional[str] = ..., items: _Optional[_Iterable[_Union[AttributeMap, _Mapping]]] = ...) -> None: ...

class BatchGetItemResponse(_message.Message):
    __slots__ = ("responses", "unprocessed_keys")
    RESPONSES_FIELD_NUMBER: _ClassVar[int]
    UNPROCESSED_KEYS_FIELD_NUMBER: _ClassVar[int]
    responses: _containers.RepeatedCompositeFieldContainer[TableItems]
    unprocessed_keys: _containers.RepeatedCompositeFieldContainer[KeysAndAttributes]
    def __init__(self, responses: _Optional[_Iterable[_Union[TableItems, _Mapping]]] = ..., unprocessed_keys: _Optional[_Iterable[_Union[KeysAndAttributes, _Mapping]]] = ...) -> None: ...

class WriteRequest(_message.Message):
    __slots__ = ("put_item", "delete_key")
    PUT_ITEM_FIELD_NUMBER: _ClassVar[int]
    DELETE_KEY_FIELD_NUMBER: _ClassVar[int]
    put_item: AttributeMap
    delete_key: AttributeMap
    def __init__(self, put_item: _Optional[_Union[AttributeMap, _Mapping]] = ..., delete_key: _Optional[_Union[AttributeMap, _Mapping]] = ...) -> None: ...

class TableWrites(_message.Message):
    __slots__ = ("table_name", "requests")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    requests: _containers.RepeatedCompositeFieldContainer[WriteRequest]
    def __init__(self, table_name: _Optional[str] = ..., requests: _Optional[_Iterable[_Union[WriteRequest, _Mapping]]] = ...) -> None: ...

class BatchWriteItemRequest(_message.Message):
    __slots__ = ("request_items",)
    REQUEST_ITEMS_FIELD_NUMBER: _ClassVar[int]
    request_items: _containers.RepeatedCompositeFieldContainer[TableWrites]
    def __init__(self, request_items: _Optional[_Iterable[_Union[TableWrites, _Mapping]]] = ...) -> None: ...

class BatchWriteItemResponse(_message.Message):
    __slots__ = ("unprocessed_items",)
    UNPROCESSED_ITEMS_FIELD_NUMBER: _ClassVar[int]
    unprocessed_items: _containers.RepeatedCompositeFieldContainer[TableWrites]
    def __init__(self, unprocessed_items: _Optional[_Iterable[_Union[TableWrites, _Mapping]]] = ...) -> None: ...
