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
    RETURN_VALUES_UPDATED_OLD: _ClassVar[ReturnValues]
    RETURN_VALUES_ALL_NEW: _ClassVar[ReturnValues]
    RETURN_VALUES_UPDATED_NEW: _ClassVar[ReturnValues]

class ReturnConsumedCapacity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETURN_CONSUMED_CAPACITY_UNSPECIFIED: _ClassVar[ReturnConsumedCapacity]
    RETURN_CONSUMED_CAPACITY_NONE: _ClassVar[ReturnConsumedCapacity]
    RETURN_CONSUMED_CAPACITY_TOTAL: _ClassVar[ReturnConsumedCapacity]
    RETURN_CONSUMED_CAPACITY_INDEXES: _ClassVar[ReturnConsumedCapacity]

class ReturnItemCollectionMetrics(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETURN_ITEM_COLLECTION_METRICS_UNSPECIFIED: _ClassVar[ReturnItemCollectionMetrics]
    RETURN_ITEM_COLLECTION_METRICS_NONE: _ClassVar[ReturnItemCollectionMetrics]
    RETURN_ITEM_COLLECTION_METRICS_SIZE: _ClassVar[ReturnItemCollectionMetrics]

class Select(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SELECT_UNSPECIFIED: _ClassVar[Select]
    SELECT_ALL_ATTRIBUTES: _ClassVar[Select]
    SELECT_ALL_PROJECTED_ATTRIBUTES: _ClassVar[Select]
    SELECT_SPECIFIC_ATTRIBUTES: _ClassVar[Select]
    SELECT_COUNT: _ClassVar[Select]

class ComparisonOperator(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMPARISON_OPERATOR_UNSPECIFIED: _ClassVar[ComparisonOperator]
    COMPARISON_OPERATOR_EQ: _ClassVar[ComparisonOperator]
    COMPARISON_OPERATOR_NE: _ClassVar[ComparisonOperator]
    COMPARISON_OPERATOR_IN: _ClassVar[ComparisonOperator]
    COMPARISON_OPERATOR_LE: _ClassVar[ComparisonOperator]
    COMPARISON_OPERATOR_LT: _ClassVar[ComparisonOperator]
    COMPARISON_OPERATOR_GE: _ClassVar[ComparisonOperator]
    COMPARISON_OPERATOR_GT: _ClassVar[ComparisonOperator]
    COMPARISON_OPERATOR_BETWEEN: _ClassVar[ComparisonOperator]
    COMPARISON_OPERATOR_NOT_NULL: _ClassVar[ComparisonOperator]
    COMPARISON_OPERATOR_NULL: _ClassVar[ComparisonOperator]
    COMPARISON_OPERATOR_CONTAINS: _ClassVar[ComparisonOperator]
    COMPARISON_OPERATOR_NOT_CONTAINS: _ClassVar[ComparisonOperator]
    COMPARISON_OPERATOR_BEGINS_WITH: _ClassVar[ComparisonOperator]

class ConditionalOperator(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONDITIONAL_OPERATOR_UNSPECIFIED: _ClassVar[ConditionalOperator]
    CONDITIONAL_OPERATOR_AND: _ClassVar[ConditionalOperator]
    CONDITIONAL_OPERATOR_OR: _ClassVar[ConditionalOperator]

class AttributeAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTRIBUTE_ACTION_UNSPECIFIED: _ClassVar[AttributeAction]
    ATTRIBUTE_ACTION_PUT: _ClassVar[AttributeAction]
    ATTRIBUTE_ACTION_ADD: _ClassVar[AttributeAction]
    ATTRIBUTE_ACTION_DELETE: _ClassVar[AttributeAction]
RETURN_VALUES_UNSPECIFIED: ReturnValues
RETURN_VALUES_NONE: ReturnValues
RETURN_VALUES_ALL_OLD: ReturnValues
RETURN_VALUES_UPDATED_OLD: ReturnValues
RETURN_VALUES_ALL_NEW: ReturnValues
RETURN_VALUES_UPDATED_NEW: ReturnValues
RETURN_CONSUMED_CAPACITY_UNSPECIFIED: ReturnConsumedCapacity
RETURN_CONSUMED_CAPACITY_NONE: ReturnConsumedCapacity
RETURN_CONSUMED_CAPACITY_TOTAL: ReturnConsumedCapacity
RETURN_CONSUMED_CAPACITY_INDEXES: ReturnConsumedCapacity
RETURN_ITEM_COLLECTION_METRICS_UNSPECIFIED: ReturnItemCollectionMetrics
RETURN_ITEM_COLLECTION_METRICS_NONE: ReturnItemCollectionMetrics
RETURN_ITEM_COLLECTION_METRICS_SIZE: ReturnItemCollectionMetrics
SELECT_UNSPECIFIED: Select
SELECT_ALL_ATTRIBUTES: Select
SELECT_ALL_PROJECTED_ATTRIBUTES: Select
SELECT_SPECIFIC_ATTRIBUTES: Select
SELECT_COUNT: Select
COMPARISON_OPERATOR_UNSPECIFIED: ComparisonOperator
COMPARISON_OPERATOR_EQ: ComparisonOperator
COMPARISON_OPERATOR_NE: ComparisonOperator
COMPARISON_OPERATOR_IN: ComparisonOperator
COMPARISON_OPERATOR_LE: ComparisonOperator
COMPARISON_OPERATOR_LT: ComparisonOperator
COMPARISON_OPERATOR_GE: ComparisonOperator
COMPARISON_OPERATOR_GT: ComparisonOperator
COMPARISON_OPERATOR_BETWEEN: ComparisonOperator
COMPARISON_OPERATOR_NOT_NULL: ComparisonOperator
COMPARISON_OPERATOR_NULL: ComparisonOperator
COMPARISON_OPERATOR_CONTAINS: ComparisonOperator
COMPARISON_OPERATOR_NOT_CONTAINS: ComparisonOperator
COMPARISON_OPERATOR_BEGINS_WITH: ComparisonOperator
CONDITIONAL_OPERATOR_UNSPECIFIED: ConditionalOperator
CONDITIONAL_OPERATOR_AND: ConditionalOperator
CONDITIONAL_OPERATOR_OR: ConditionalOperator
ATTRIBUTE_ACTION_UNSPECIFIED: AttributeAction
ATTRIBUTE_ACTION_PUT: AttributeAction
ATTRIBUTE_ACTION_ADD: AttributeAction
ATTRIBUTE_ACTION_DELETE: AttributeAction

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

class TextList(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, values: _Optional[_Iterable[str]] = ...) -> None: ...

class Capacity(_message.Message):
    __slots__ = ("capacity_units", "read_capacity_units", "write_capacity_units")
    CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    READ_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    WRITE_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    capacity_units: float
    read_capacity_units: float
    write_capacity_units: float
    def __init__(self, capacity_units: _Optional[float] = ..., read_capacity_units: _Optional[float] = ..., write_capacity_units: _Optional[float] = ...) -> None: ...

class IndexCapacities(_message.Message):
    __slots__ = ("indexes",)
    class IndexesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Capacity
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Capacity, _Mapping]] = ...) -> None: ...
    INDEXES_FIELD_NUMBER: _ClassVar[int]
    indexes: _containers.MessageMap[str, Capacity]
    def __init__(self, indexes: _Optional[_Mapping[str, Capacity]] = ...) -> None: ...

class ConsumedCapacity(_message.Message):
    __slots__ = ("table_name", "capacity_units", "read_capacity_units", "write_capacity_units", "table", "local_secondary_indexes", "global_secondary_indexes")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    READ_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    WRITE_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    LOCAL_SECONDARY_INDEXES_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_SECONDARY_INDEXES_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    capacity_units: float
    read_capacity_units: float
    write_capacity_units: float
    table: Capacity
    local_secondary_indexes: IndexCapacities
    global_secondary_indexes: IndexCapacities
    def __init__(self, table_name: _Optional[str] = ..., capacity_units: _Optional[float] = ..., read_capacity_units: _Optional[float] = ..., write_capacity_units: _Optional[float] = ..., table: _Optional[_Union[Capacity, _Mapping]] = ..., local_secondary_indexes: _Optional[_Union[IndexCapacities, _Mapping]] = ..., global_secondary_indexes: _Optional[_Union[IndexCapacities, _Mapping]] = ...) -> None: ...

class ConsumedCapacityList(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[ConsumedCapacity]
    def __init__(self, values: _Optional[_Iterable[_Union[ConsumedCapacity, _Mapping]]] = ...) -> None: ...

class ItemCollectionMetrics(_message.Message):
    __slots__ = ("item_collection_key", "size_estimate_lower_gb", "size_estimate_upper_gb")
    ITEM_COLLECTION_KEY_FIELD_NUMBER: _ClassVar[int]
    SIZE_ESTIMATE_LOWER_GB_FIELD_NUMBER: _ClassVar[int]
    SIZE_ESTIMATE_UPPER_GB_FIELD_NUMBER: _ClassVar[int]
    item_collection_key: AttributeMap
    size_estimate_lower_gb: float
    size_estimate_upper_gb: float
    def __init__(self, item_collection_key: _Optional[_Union[AttributeMap, _Mapping]] = ..., size_estimate_lower_gb: _Optional[float] = ..., size_estimate_upper_gb: _Optional[float] = ...) -> None: ...

class TableItemCollectionMetrics(_message.Message):
    __slots__ = ("table_name", "metrics")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    metrics: _containers.RepeatedCompositeFieldContainer[ItemCollectionMetrics]
    def __init__(self, table_name: _Optional[str] = ..., metrics: _Optional[_Iterable[_Union[ItemCollectionMetrics, _Mapping]]] = ...) -> None: ...

class ItemCollectionMetricsByTable(_message.Message):
    __slots__ = ("tables",)
    TABLES_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedCompositeFieldContainer[TableItemCollectionMetrics]
    def __init__(self, tables: _Optional[_Iterable[_Union[TableItemCollectionMetrics, _Mapping]]] = ...) -> None: ...

class ExpectedAttributeValue(_message.Message):
    __slots__ = ("value", "exists", "comparison_operator", "attribute_value_list")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_OPERATOR_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_VALUE_LIST_FIELD_NUMBER: _ClassVar[int]
    value: AttributeValue
    exists: bool
    comparison_operator: ComparisonOperator
    attribute_value_list: AttributeList
    def __init__(self, value: _Optional[_Union[AttributeValue, _Mapping]] = ..., exists: _Optional[bool] = ..., comparison_operator: _Optional[_Union[ComparisonOperator, str]] = ..., attribute_value_list: _Optional[_Union[AttributeList, _Mapping]] = ...) -> None: ...

class ExpectedMap(_message.Message):
    __slots__ = ("attributes",)
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ExpectedAttributeValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ExpectedAttributeValue, _Mapping]] = ...) -> None: ...
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    attributes: _containers.MessageMap[str, ExpectedAttributeValue]
    def __init__(self, attributes: _Optional[_Mapping[str, ExpectedAttributeValue]] = ...) -> None: ...

class LegacyCondition(_message.Message):
    __slots__ = ("comparison_operator", "attribute_value_list")
    COMPARISON_OPERATOR_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_VALUE_LIST_FIELD_NUMBER: _ClassVar[int]
    comparison_operator: ComparisonOperator
    attribute_value_list: AttributeList
    def __init__(self, comparison_operator: _Optional[_Union[ComparisonOperator, str]] = ..., attribute_value_list: _Optional[_Union[AttributeList, _Mapping]] = ...) -> None: ...

class LegacyConditionMap(_message.Message):
    __slots__ = ("attributes",)
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: LegacyCondition
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[LegacyCondition, _Mapping]] = ...) -> None: ...
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    attributes: _containers.MessageMap[str, LegacyCondition]
    def __init__(self, attributes: _Optional[_Mapping[str, LegacyCondition]] = ...) -> None: ...

class AttributeValueUpdate(_message.Message):
    __slots__ = ("action", "value")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    action: AttributeAction
    value: AttributeValue
    def __init__(self, action: _Optional[_Union[AttributeAction, str]] = ..., value: _Optional[_Union[AttributeValue, _Mapping]] = ...) -> None: ...

class AttributeUpdateMap(_message.Message):
    __slots__ = ("attributes",)
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: AttributeValueUpdate
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[AttributeValueUpdate, _Mapping]] = ...) -> None: ...
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    attributes: _containers.MessageMap[str, AttributeValueUpdate]
    def __init__(self, attributes: _Optional[_Mapping[str, AttributeValueUpdate]] = ...) -> None: ...

class GetItemRequest(_message.Message):
    __slots__ = ("table_name", "key", "consistent_read", "projection_expression", "expression_attribute_names", "return_consumed_capacity", "attributes_to_get", "as_of_seqno", "as_of_ms", "snapshot_id")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    CONSISTENT_READ_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_TO_GET_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQNO_FIELD_NUMBER: _ClassVar[int]
    AS_OF_MS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    key: AttributeMap
    consistent_read: bool
    projection_expression: str
    expression_attribute_names: NameMap
    return_consumed_capacity: ReturnConsumedCapacity
    attributes_to_get: TextList
    as_of_seqno: int
    as_of_ms: int
    snapshot_id: str
    def __init__(self, table_name: _Optional[str] = ..., key: _Optional[_Union[AttributeMap, _Mapping]] = ..., consistent_read: _Optional[bool] = ..., projection_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Union[NameMap, _Mapping]] = ..., return_consumed_capacity: _Optional[_Union[ReturnConsumedCapacity, str]] = ..., attributes_to_get: _Optional[_Union[TextList, _Mapping]] = ..., as_of_seqno: _Optional[int] = ..., as_of_ms: _Optional[int] = ..., snapshot_id: _Optional[str] = ...) -> None: ...

class GetItemResponse(_message.Message):
    __slots__ = ("item", "consumed_capacity")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    item: AttributeMap
    consumed_capacity: ConsumedCapacity
    def __init__(self, item: _Optional[_Union[AttributeMap, _Mapping]] = ..., consumed_capacity: _Optional[_Union[ConsumedCapacity, _Mapping]] = ...) -> None: ...

class PutItemRequest(_message.Message):
    __slots__ = ("table_name", "item", "condition_expression", "expression_attribute_names", "expression_attribute_values", "return_values", "return_values_on_condition_check_failure", "return_consumed_capacity", "return_item_collection_metrics", "expected", "conditional_operator")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CONDITION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_VALUES_FIELD_NUMBER: _ClassVar[int]
    RETURN_VALUES_FIELD_NUMBER: _ClassVar[int]
    RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    RETURN_ITEM_COLLECTION_METRICS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    CONDITIONAL_OPERATOR_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    item: AttributeMap
    condition_expression: str
    expression_attribute_names: NameMap
    expression_attribute_values: AttributeMap
    return_values: ReturnValues
    return_values_on_condition_check_failure: ReturnValues
    return_consumed_capacity: ReturnConsumedCapacity
    return_item_collection_metrics: ReturnItemCollectionMetrics
    expected: ExpectedMap
    conditional_operator: ConditionalOperator
    def __init__(self, table_name: _Optional[str] = ..., item: _Optional[_Union[AttributeMap, _Mapping]] = ..., condition_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Union[NameMap, _Mapping]] = ..., expression_attribute_values: _Optional[_Union[AttributeMap, _Mapping]] = ..., return_values: _Optional[_Union[ReturnValues, str]] = ..., return_values_on_condition_check_failure: _Optional[_Union[ReturnValues, str]] = ..., return_consumed_capacity: _Optional[_Union[ReturnConsumedCapacity, str]] = ..., return_item_collection_metrics: _Optional[_Union[ReturnItemCollectionMetrics, str]] = ..., expected: _Optional[_Union[ExpectedMap, _Mapping]] = ..., conditional_operator: _Optional[_Union[ConditionalOperator, str]] = ...) -> None: ...

class PutItemResponse(_message.Message):
    __slots__ = ("attributes", "consumed_capacity", "item_collection_metrics")
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    ITEM_COLLECTION_METRICS_FIELD_NUMBER: _ClassVar[int]
    attributes: AttributeMap
    consumed_capacity: ConsumedCapacity
    item_collection_metrics: ItemCollectionMetrics
    def __init__(self, attributes: _Optional[_Union[AttributeMap, _Mapping]] = ..., consumed_capacity: _Optional[_Union[ConsumedCapacity, _Mapping]] = ..., item_collection_metrics: _Optional[_Union[ItemCollectionMetrics, _Mapping]] = ...) -> None: ...

class UpdateItemRequest(_message.Message):
    __slots__ = ("table_name", "key", "update_expression", "condition_expression", "expression_attribute_names", "expression_attribute_values", "return_values", "return_values_on_condition_check_failure", "return_consumed_capacity", "return_item_collection_metrics", "attribute_updates", "expected", "conditional_operator")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    UPDATE_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    CONDITION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_VALUES_FIELD_NUMBER: _ClassVar[int]
    RETURN_VALUES_FIELD_NUMBER: _ClassVar[int]
    RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    RETURN_ITEM_COLLECTION_METRICS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_UPDATES_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    CONDITIONAL_OPERATOR_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    key: AttributeMap
    update_expression: str
    condition_expression: str
    expression_attribute_names: NameMap
    expression_attribute_values: AttributeMap
    return_values: ReturnValues
    return_values_on_condition_check_failure: ReturnValues
    return_consumed_capacity: ReturnConsumedCapacity
    return_item_collection_metrics: ReturnItemCollectionMetrics
    attribute_updates: AttributeUpdateMap
    expected: ExpectedMap
    conditional_operator: ConditionalOperator
    def __init__(self, table_name: _Optional[str] = ..., key: _Optional[_Union[AttributeMap, _Mapping]] = ..., update_expression: _Optional[str] = ..., condition_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Union[NameMap, _Mapping]] = ..., expression_attribute_values: _Optional[_Union[AttributeMap, _Mapping]] = ..., return_values: _Optional[_Union[ReturnValues, str]] = ..., return_values_on_condition_check_failure: _Optional[_Union[ReturnValues, str]] = ..., return_consumed_capacity: _Optional[_Union[ReturnConsumedCapacity, str]] = ..., return_item_collection_metrics: _Optional[_Union[ReturnItemCollectionMetrics, str]] = ..., attribute_updates: _Optional[_Union[AttributeUpdateMap, _Mapping]] = ..., expected: _Optional[_Union[ExpectedMap, _Mapping]] = ..., conditional_operator: _Optional[_Union[ConditionalOperator, str]] = ...) -> None: ...

class UpdateItemResponse(_message.Message):
    __slots__ = ("attributes", "consumed_capacity", "item_collection_metrics")
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    ITEM_COLLECTION_METRICS_FIELD_NUMBER: _ClassVar[int]
    attributes: AttributeMap
    consumed_capacity: ConsumedCapacity
    item_collection_metrics: ItemCollectionMetrics
    def __init__(self, attributes: _Optional[_Union[AttributeMap, _Mapping]] = ..., consumed_capacity: _Optional[_Union[ConsumedCapacity, _Mapping]] = ..., item_collection_metrics: _Optional[_Union[ItemCollectionMetrics, _Mapping]] = ...) -> None: ...

class DeleteItemRequest(_message.Message):
    __slots__ = ("table_name", "key", "condition_expression", "expression_attribute_names", "expression_attribute_values", "return_values", "return_values_on_condition_check_failure", "return_consumed_capacity", "return_item_collection_metrics", "expected", "conditional_operator")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    CONDITION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_VALUES_FIELD_NUMBER: _ClassVar[int]
    RETURN_VALUES_FIELD_NUMBER: _ClassVar[int]
    RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    RETURN_ITEM_COLLECTION_METRICS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    CONDITIONAL_OPERATOR_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    key: AttributeMap
    condition_expression: str
    expression_attribute_names: NameMap
    expression_attribute_values: AttributeMap
    return_values: ReturnValues
    return_values_on_condition_check_failure: ReturnValues
    return_consumed_capacity: ReturnConsumedCapacity
    return_item_collection_metrics: ReturnItemCollectionMetrics
    expected: ExpectedMap
    conditional_operator: ConditionalOperator
    def __init__(self, table_name: _Optional[str] = ..., key: _Optional[_Union[AttributeMap, _Mapping]] = ..., condition_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Union[NameMap, _Mapping]] = ..., expression_attribute_values: _Optional[_Union[AttributeMap, _Mapping]] = ..., return_values: _Optional[_Union[ReturnValues, str]] = ..., return_values_on_condition_check_failure: _Optional[_Union[ReturnValues, str]] = ..., return_consumed_capacity: _Optional[_Union[ReturnConsumedCapacity, str]] = ..., return_item_collection_metrics: _Optional[_Union[ReturnItemCollectionMetrics, str]] = ..., expected: _Optional[_Union[ExpectedMap, _Mapping]] = ..., conditional_operator: _Optional[_Union[ConditionalOperator, str]] = ...) -> None: ...

class DeleteItemResponse(_message.Message):
    __slots__ = ("attributes", "consumed_capacity", "item_collection_metrics")
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    ITEM_COLLECTION_METRICS_FIELD_NUMBER: _ClassVar[int]
    attributes: AttributeMap
    consumed_capacity: ConsumedCapacity
    item_collection_metrics: ItemCollectionMetrics
    def __init__(self, attributes: _Optional[_Union[AttributeMap, _Mapping]] = ..., consumed_capacity: _Optional[_Union[ConsumedCapacity, _Mapping]] = ..., item_collection_metrics: _Optional[_Union[ItemCollectionMetrics, _Mapping]] = ...) -> None: ...

class QueryRequest(_message.Message):
    __slots__ = ("table_name", "key_condition_expression", "filter_expression", "projection_expression", "expression_attribute_names", "expression_attribute_values", "scan_index_forward", "limit", "exclusive_start_key", "consistent_read", "select", "index_name", "return_consumed_capacity", "key_conditions", "query_filter", "conditional_operator", "attributes_to_get", "as_of_seqno", "as_of_ms", "snapshot_id")
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
    INDEX_NAME_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    KEY_CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    QUERY_FILTER_FIELD_NUMBER: _ClassVar[int]
    CONDITIONAL_OPERATOR_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_TO_GET_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQNO_FIELD_NUMBER: _ClassVar[int]
    AS_OF_MS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
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
    index_name: str
    return_consumed_capacity: ReturnConsumedCapacity
    key_conditions: LegacyConditionMap
    query_filter: LegacyConditionMap
    conditional_operator: ConditionalOperator
    attributes_to_get: TextList
    as_of_seqno: int
    as_of_ms: int
    snapshot_id: str
    def __init__(self, table_name: _Optional[str] = ..., key_condition_expression: _Optional[str] = ..., filter_expression: _Optional[str] = ..., projection_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Union[NameMap, _Mapping]] = ..., expression_attribute_values: _Optional[_Union[AttributeMap, _Mapping]] = ..., scan_index_forward: _Optional[bool] = ..., limit: _Optional[int] = ..., exclusive_start_key: _Optional[_Union[AttributeMap, _Mapping]] = ..., consistent_read: _Optional[bool] = ..., select: _Optional[_Union[Select, str]] = ..., index_name: _Optional[str] = ..., return_consumed_capacity: _Optional[_Union[ReturnConsumedCapacity, str]] = ..., key_conditions: _Optional[_Union[LegacyConditionMap, _Mapping]] = ..., query_filter: _Optional[_Union[LegacyConditionMap, _Mapping]] = ..., conditional_operator: _Optional[_Union[ConditionalOperator, str]] = ..., attributes_to_get: _Optional[_Union[TextList, _Mapping]] = ..., as_of_seqno: _Optional[int] = ..., as_of_ms: _Optional[int] = ..., snapshot_id: _Optional[str] = ...) -> None: ...

class ScanRequest(_message.Message):
    __slots__ = ("table_name", "filter_expression", "projection_expression", "expression_attribute_names", "expression_attribute_values", "limit", "exclusive_start_key", "consistent_read", "select", "segment", "total_segments", "index_name", "return_consumed_capacity", "scan_filter", "conditional_operator", "attributes_to_get", "as_of_seqno", "as_of_ms", "snapshot_id")
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
    INDEX_NAME_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    SCAN_FILTER_FIELD_NUMBER: _ClassVar[int]
    CONDITIONAL_OPERATOR_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_TO_GET_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQNO_FIELD_NUMBER: _ClassVar[int]
    AS_OF_MS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
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
    index_name: str
    return_consumed_capacity: ReturnConsumedCapacity
    scan_filter: LegacyConditionMap
    conditional_operator: ConditionalOperator
    attributes_to_get: TextList
    as_of_seqno: int
    as_of_ms: int
    snapshot_id: str
    def __init__(self, table_name: _Optional[str] = ..., filter_expression: _Optional[str] = ..., projection_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Union[NameMap, _Mapping]] = ..., expression_attribute_values: _Optional[_Union[AttributeMap, _Mapping]] = ..., limit: _Optional[int] = ..., exclusive_start_key: _Optional[_Union[AttributeMap, _Mapping]] = ..., consistent_read: _Optional[bool] = ..., select: _Optional[_Union[Select, str]] = ..., segment: _Optional[int] = ..., total_segments: _Optional[int] = ..., index_name: _Optional[str] = ..., return_consumed_capacity: _Optional[_Union[ReturnConsumedCapacity, str]] = ..., scan_filter: _Optional[_Union[LegacyConditionMap, _Mapping]] = ..., conditional_operator: _Optional[_Union[ConditionalOperator, str]] = ..., attributes_to_get: _Optional[_Union[TextList, _Mapping]] = ..., as_of_seqno: _Optional[int] = ..., as_of_ms: _Optional[int] = ..., snapshot_id: _Optional[str] = ...) -> None: ...

class Page(_message.Message):
    __slots__ = ("items", "count", "scanned_count", "last_evaluated_key", "consumed_capacity")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SCANNED_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_EVALUATED_KEY_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[AttributeMap]
    count: int
    scanned_count: int
    last_evaluated_key: AttributeMap
    consumed_capacity: ConsumedCapacity
    def __init__(self, items: _Optional[_Iterable[_Union[AttributeMap, _Mapping]]] = ..., count: _Optional[int] = ..., scanned_count: _Optional[int] = ..., last_evaluated_key: _Optional[_Union[AttributeMap, _Mapping]] = ..., consumed_capacity: _Optional[_Union[ConsumedCapacity, _Mapping]] = ...) -> None: ...

class KeysAndAttributes(_message.Message):
    __slots__ = ("table_name", "keys", "projection_expression", "expression_attribute_names", "consistent_read", "attributes_to_get")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    CONSISTENT_READ_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_TO_GET_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    keys: _containers.RepeatedCompositeFieldContainer[AttributeMap]
    projection_expression: str
    expression_attribute_names: NameMap
    consistent_read: bool
    attributes_to_get: TextList
    def __init__(self, table_name: _Optional[str] = ..., keys: _Optional[_Iterable[_Union[AttributeMap, _Mapping]]] = ..., projection_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Union[NameMap, _Mapping]] = ..., consistent_read: _Optional[bool] = ..., attributes_to_get: _Optional[_Union[TextList, _Mapping]] = ...) -> None: ...

class BatchGetItemRequest(_message.Message):
    __slots__ = ("request_items", "return_consumed_capacity")
    REQUEST_ITEMS_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    request_items: _containers.RepeatedCompositeFieldContainer[KeysAndAttributes]
    return_consumed_capacity: ReturnConsumedCapacity
    def __init__(self, request_items: _Optional[_Iterable[_Union[KeysAndAttributes, _Mapping]]] = ..., return_consumed_capacity: _Optional[_Union[ReturnConsumedCapacity, str]] = ...) -> None: ...

class TableItems(_message.Message):
    __slots__ = ("table_name", "items")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    items: _containers.RepeatedCompositeFieldContainer[AttributeMap]
    def __init__(self, table_name: _Optional[str] = ..., items: _Optional[_Iterable[_Union[AttributeMap, _Mapping]]] = ...) -> None: ...

class BatchGetItemResponse(_message.Message):
    __slots__ = ("responses", "unprocessed_keys", "consumed_capacity")
    RESPONSES_FIELD_NUMBER: _ClassVar[int]
    UNPROCESSED_KEYS_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    responses: _containers.RepeatedCompositeFieldContainer[TableItems]
    unprocessed_keys: _containers.RepeatedCompositeFieldContainer[KeysAndAttributes]
    consumed_capacity: ConsumedCapacityList
    def __init__(self, responses: _Optional[_Iterable[_Union[TableItems, _Mapping]]] = ..., unprocessed_keys: _Optional[_Iterable[_Union[KeysAndAttributes, _Mapping]]] = ..., consumed_capacity: _Optional[_Union[ConsumedCapacityList, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("request_items", "return_consumed_capacity", "return_item_collection_metrics")
    REQUEST_ITEMS_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    RETURN_ITEM_COLLECTION_METRICS_FIELD_NUMBER: _ClassVar[int]
    request_items: _containers.RepeatedCompositeFieldContainer[TableWrites]
    return_consumed_capacity: ReturnConsumedCapacity
    return_item_collection_metrics: ReturnItemCollectionMetrics
    def __init__(self, request_items: _Optional[_Iterable[_Union[TableWrites, _Mapping]]] = ..., return_consumed_capacity: _Optional[_Union[ReturnConsumedCapacity, str]] = ..., return_item_collection_metrics: _Optional[_Union[ReturnItemCollectionMetrics, str]] = ...) -> None: ...

class BatchWriteItemResponse(_message.Message):
    __slots__ = ("unprocessed_items", "consumed_capacity", "item_collection_metrics")
    UNPROCESSED_ITEMS_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    ITEM_COLLECTION_METRICS_FIELD_NUMBER: _ClassVar[int]
    unprocessed_items: _containers.RepeatedCompositeFieldContainer[TableWrites]
    consumed_capacity: ConsumedCapacityList
    item_collection_metrics: ItemCollectionMetricsByTable
    def __init__(self, unprocessed_items: _Optional[_Iterable[_Union[TableWrites, _Mapping]]] = ..., consumed_capacity: _Optional[_Union[ConsumedCapacityList, _Mapping]] = ..., item_collection_metrics: _Optional[_Union[ItemCollectionMetricsByTable, _Mapping]] = ...) -> None: ...

class ListItemVersionsRequest(_message.Message):
    __slots__ = ("table_name", "key", "limit", "before_seqno")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    BEFORE_SEQNO_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    key: AttributeMap
    limit: int
    before_seqno: int
    def __init__(self, table_name: _Optional[str] = ..., key: _Optional[_Union[AttributeMap, _Mapping]] = ..., limit: _Optional[int] = ..., before_seqno: _Optional[int] = ...) -> None: ...

class ItemVersion(_message.Message):
    __slots__ = ("seqno", "wall_ms", "item")
    SEQNO_FIELD_NUMBER: _ClassVar[int]
    WALL_MS_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    seqno: int
    wall_ms: int
    item: AttributeMap
    def __init__(self, seqno: _Optional[int] = ..., wall_ms: _Optional[int] = ..., item: _Optional[_Union[AttributeMap, _Mapping]] = ...) -> None: ...

class ListItemVersionsResponse(_message.Message):
    __slots__ = ("versions",)
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.RepeatedCompositeFieldContainer[ItemVersion]
    def __init__(self, versions: _Optional[_Iterable[_Union[ItemVersion, _Mapping]]] = ...) -> None: ...
