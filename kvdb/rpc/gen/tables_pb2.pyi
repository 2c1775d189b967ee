from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AttributeType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTRIBUTE_TYPE_UNSPECIFIED: _ClassVar[AttributeType]
    ATTRIBUTE_TYPE_S: _ClassVar[AttributeType]
    ATTRIBUTE_TYPE_N: _ClassVar[AttributeType]
    ATTRIBUTE_TYPE_B: _ClassVar[AttributeType]

class KeyType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KEY_TYPE_UNSPECIFIED: _ClassVar[KeyType]
    KEY_TYPE_HASH: _ClassVar[KeyType]
    KEY_TYPE_RANGE: _ClassVar[KeyType]

class TableStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TABLE_STATUS_UNSPECIFIED: _ClassVar[TableStatus]
    TABLE_STATUS_CREATING: _ClassVar[TableStatus]
    TABLE_STATUS_ACTIVE: _ClassVar[TableStatus]
    TABLE_STATUS_DELETING: _ClassVar[TableStatus]
ATTRIBUTE_TYPE_UNSPECIFIED: AttributeType
ATTRIBUTE_TYPE_S: AttributeType
ATTRIBUTE_TYPE_N: AttributeType
ATTRIBUTE_TYPE_B: AttributeType
KEY_TYPE_UNSPECIFIED: KeyType
KEY_TYPE_HASH: KeyType
KEY_TYPE_RANGE: KeyType
TABLE_STATUS_UNSPECIFIED: TableStatus
TABLE_STATUS_CREATING: TableStatus
TABLE_STATUS_ACTIVE: TableStatus
TABLE_STATUS_DELETING: TableStatus

class AttributeDefinition(_message.Message):
    __slots__ = ("attribute_name", "attribute_type")
    ATTRIBUTE_NAME_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_TYPE_FIELD_NUMBER: _ClassVar[int]
    attribute_name: str
    attribute_type: AttributeType
    def __init__(self, attribute_name: _Optional[str] = ..., attribute_type: _Optional[_Union[AttributeType, str]] = ...) -> None: ...

class KeySchemaElement(_message.Message):
    __slots__ = ("attribute_name", "key_type")
    ATTRIBUTE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_TYPE_FIELD_NUMBER: _ClassVar[int]
    attribute_name: str
    key_type: KeyType
    def __init__(self, attribute_name: _Optional[str] = ..., key_type: _Optional[_Union[KeyType, str]] = ...) -> None: ...

class TableDescription(_message.Message):
    __slots__ = ("table_name", "table_status", "table_id", "creation_date_time_ms", "key_schema", "attribute_definitions")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    TABLE_STATUS_FIELD_NUMBER: _ClassVar[int]
    TABLE_ID_FIELD_NUMBER: _ClassVar[int]
    CREATION_DATE_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    KEY_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    table_status: TableStatus
    table_id: str
    creation_date_time_ms: int
    key_schema: _containers.RepeatedCompositeFieldContainer[KeySchemaElement]
    attribute_definitions: _containers.RepeatedCompositeFieldContainer[AttributeDefinition]
    def __init__(self, table_name: _Optional[str] = ..., table_status: _Optional[_Union[TableStatus, str]] = ..., table_id: _Optional[str] = ..., creation_date_time_ms: _Optional[int] = ..., key_schema: _Optional[_Iterable[_Union[KeySchemaElement, _Mapping]]] = ..., attribute_definitions: _Optional[_Iterable[_Union[AttributeDefinition, _Mapping]]] = ...) -> None: ...

class CreateTableRequest(_message.Message):
    __slots__ = ("table_name", "key_schema", "attribute_definitions")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    key_schema: _containers.RepeatedCompositeFieldContainer[KeySchemaElement]
    attribute_definitions: _containers.RepeatedCompositeFieldContainer[AttributeDefinition]
    def __init__(self, table_name: _Optional[str] = ..., key_schema: _Optional[_Iterable[_Union[KeySchemaElement, _Mapping]]] = ..., attribute_definitions: _Optional[_Iterable[_Union[AttributeDefinition, _Mapping]]] = ...) -> None: ...

class CreateTableResponse(_message.Message):
    __slots__ = ("table_description",)
    TABLE_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    table_description: TableDescription
    def __init__(self, table_description: _Optional[_Union[TableDescription, _Mapping]] = ...) -> None: ...

class DescribeTableRequest(_message.Message):
    __slots__ = ("table_name",)
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    def __init__(self, table_name: _Optional[str] = ...) -> None: ...

class DescribeTableResponse(_message.Message):
    __slots__ = ("table",)
    TABLE_FIELD_NUMBER: _ClassVar[int]
    table: TableDescription
    def __init__(self, table: _Optional[_Union[TableDescription, _Mapping]] = ...) -> None: ...

class ListTablesRequest(_message.Message):
    __slots__ = ("exclusive_start_table_name", "limit")
    EXCLUSIVE_START_TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    exclusive_start_table_name: str
    limit: int
    def __init__(self, exclusive_start_table_name: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ListTablesResponse(_message.Message):
    __slots__ = ("table_names", "last_evaluated_table_name")
    TABLE_NAMES_FIELD_NUMBER: _ClassVar[int]
    LAST_EVALUATED_TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    table_names: _containers.RepeatedScalarFieldContainer[str]
    last_evaluated_table_name: str
    def __init__(self, table_names: _Optional[_Iterable[str]] = ..., last_evaluated_table_name: _Optional[str] = ...) -> None: ...

class DeleteTableRequest(_message.Message):
    __slots__ = ("table_name",)
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    def __init__(self, table_name: _Optional[str] = ...) -> None: ...

class DeleteTableResponse(_message.Message):
    __slots__ = ("table_description",)
    TABLE_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    table_description: TableDescription
    def __init__(self, table_description: _Optional[_Union[TableDescription, _Mapping]] = ...) -> None: ...
