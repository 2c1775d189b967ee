from kvdb.rpc.gen import items_pb2 as _items_pb2
from kvdb.rpc.gen import tables_pb2 as _tables_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventName(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_NAME_UNSPECIFIED: _ClassVar[EventName]
    EVENT_NAME_INSERT: _ClassVar[EventName]
    EVENT_NAME_MODIFY: _ClassVar[EventName]
    EVENT_NAME_REMOVE: _ClassVar[EventName]

class ShardIteratorType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHARD_ITERATOR_TYPE_UNSPECIFIED: _ClassVar[ShardIteratorType]
    SHARD_ITERATOR_TYPE_TRIM_HORIZON: _ClassVar[ShardIteratorType]
    SHARD_ITERATOR_TYPE_LATEST: _ClassVar[ShardIteratorType]
    SHARD_ITERATOR_TYPE_AT_SEQUENCE_NUMBER: _ClassVar[ShardIteratorType]
    SHARD_ITERATOR_TYPE_AFTER_SEQUENCE_NUMBER: _ClassVar[ShardIteratorType]
    SHARD_ITERATOR_TYPE_AT_TIMESTAMP: _ClassVar[ShardIteratorType]

class StreamStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STREAM_STATUS_UNSPECIFIED: _ClassVar[StreamStatus]
    STREAM_STATUS_ENABLING: _ClassVar[StreamStatus]
    STREAM_STATUS_ENABLED: _ClassVar[StreamStatus]
    STREAM_STATUS_DISABLING: _ClassVar[StreamStatus]
    STREAM_STATUS_DISABLED: _ClassVar[StreamStatus]

class SubscribeFrom(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUBSCRIBE_FROM_UNSPECIFIED: _ClassVar[SubscribeFrom]
    SUBSCRIBE_FROM_NOW: _ClassVar[SubscribeFrom]
    SUBSCRIBE_FROM_START: _ClassVar[SubscribeFrom]
    SUBSCRIBE_FROM_CURSOR: _ClassVar[SubscribeFrom]
    SUBSCRIBE_FROM_TIMESTAMP: _ClassVar[SubscribeFrom]
EVENT_NAME_UNSPECIFIED: EventName
EVENT_NAME_INSERT: EventName
EVENT_NAME_MODIFY: EventName
EVENT_NAME_REMOVE: EventName
SHARD_ITERATOR_TYPE_UNSPECIFIED: ShardIteratorType
SHARD_ITERATOR_TYPE_TRIM_HORIZON: ShardIteratorType
SHARD_ITERATOR_TYPE_LATEST: ShardIteratorType
SHARD_ITERATOR_TYPE_AT_SEQUENCE_NUMBER: ShardIteratorType
SHARD_ITERATOR_TYPE_AFTER_SEQUENCE_NUMBER: ShardIteratorType
SHARD_ITERATOR_TYPE_AT_TIMESTAMP: ShardIteratorType
STREAM_STATUS_UNSPECIFIED: StreamStatus
STREAM_STATUS_ENABLING: StreamStatus
STREAM_STATUS_ENABLED: StreamStatus
STREAM_STATUS_DISABLING: StreamStatus
STREAM_STATUS_DISABLED: StreamStatus
SUBSCRIBE_FROM_UNSPECIFIED: SubscribeFrom
SUBSCRIBE_FROM_NOW: SubscribeFrom
SUBSCRIBE_FROM_START: SubscribeFrom
SUBSCRIBE_FROM_CURSOR: SubscribeFrom
SUBSCRIBE_FROM_TIMESTAMP: SubscribeFrom

class Identity(_message.Message):
    __slots__ = ("principal_id", "type")
    PRINCIPAL_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    principal_id: str
    type: str
    def __init__(self, principal_id: _Optional[str] = ..., type: _Optional[str] = ...) -> None: ...

class StreamRecord(_message.Message):
    __slots__ = ("keys", "sequence_number", "stream_view_type", "size_bytes", "approximate_creation_date_time_ms", "new_image", "old_image")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    STREAM_VIEW_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    APPROXIMATE_CREATION_DATE_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    NEW_IMAGE_FIELD_NUMBER: _ClassVar[int]
    OLD_IMAGE_FIELD_NUMBER: _ClassVar[int]
    keys: _items_pb2.AttributeMap
    sequence_number: str
    stream_view_type: _tables_pb2.StreamViewType
    size_bytes: int
    approximate_creation_date_time_ms: int
    new_image: _items_pb2.AttributeMap
    old_image: _items_pb2.AttributeMap
    def __init__(self, keys: _Optional[_Union[_items_pb2.AttributeMap, _Mapping]] = ..., sequence_number: _Optional[str] = ..., stream_view_type: _Optional[_Union[_tables_pb2.StreamViewType, str]] = ..., size_bytes: _Optional[int] = ..., approximate_creation_date_time_ms: _Optional[int] = ..., new_image: _Optional[_Union[_items_pb2.AttributeMap, _Mapping]] = ..., old_image: _Optional[_Union[_items_pb2.AttributeMap, _Mapping]] = ...) -> None: ...

class Record(_message.Message):
    __slots__ = ("event_id", "event_name", "aws_region", "dynamodb", "user_identity", "table_name", "event_source_arn", "commit_number", "cursor")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    AWS_REGION_FIELD_NUMBER: _ClassVar[int]
    DYNAMODB_FIELD_NUMBER: _ClassVar[int]
    USER_IDENTITY_FIELD_NUMBER: _ClassVar[int]
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    EVENT_SOURCE_ARN_FIELD_NUMBER: _ClassVar[int]
    COMMIT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    event_name: EventName
    aws_region: str
    dynamodb: StreamRecord
    user_identity: Identity
    table_name: str
    event_source_arn: str
    commit_number: int
    cursor: str
    def __init__(self, event_id: _Optional[str] = ..., event_name: _Optional[_Union[EventName, str]] = ..., aws_region: _Optional[str] = ..., dynamodb: _Optional[_Union[StreamRecord, _Mapping]] = ..., user_identity: _Optional[_Union[Identity, _Mapping]] = ..., table_name: _Optional[str] = ..., event_source_arn: _Optional[str] = ..., commit_number: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class StreamSummary(_message.Message):
    __slots__ = ("stream_arn", "table_name", "stream_label")
    STREAM_ARN_FIELD_NUMBER: _ClassVar[int]
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    STREAM_LABEL_FIELD_NUMBER: _ClassVar[int]
    stream_arn: str
    table_name: str
    stream_label: str
    def __init__(self, stream_arn: _Optional[str] = ..., table_name: _Optional[str] = ..., stream_label: _Optional[str] = ...) -> None: ...

class Shard(_message.Message):
    __slots__ = ("shard_id", "starting_sequence_number", "ending_sequence_number", "parent_shard_id", "parent_shard_ids", "hash_start", "hash_end")
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    STARTING_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ENDING_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    PARENT_SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_SHARD_IDS_FIELD_NUMBER: _ClassVar[int]
    HASH_START_FIELD_NUMBER: _ClassVar[int]
    HASH_END_FIELD_NUMBER: _ClassVar[int]
    shard_id: str
    starting_sequence_number: str
    ending_sequence_number: str
    parent_shard_id: str
    parent_shard_ids: _containers.RepeatedScalarFieldContainer[str]
    hash_start: int
    hash_end: int
    def __init__(self, shard_id: _Optional[str] = ..., starting_sequence_number: _Optional[str] = ..., ending_sequence_number: _Optional[str] = ..., parent_shard_id: _Optional[str] = ..., parent_shard_ids: _Optional[_Iterable[str]] = ..., hash_start: _Optional[int] = ..., hash_end: _Optional[int] = ...) -> None: ...

class ShardFilter(_message.Message):
    __slots__ = ("type", "shard_id")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    type: str
    shard_id: str
    def __init__(self, type: _Optional[str] = ..., shard_id: _Optional[str] = ...) -> None: ...

class StreamDescription(_message.Message):
    __slots__ = ("stream_arn", "stream_label", "stream_status", "stream_view_type", "creation_request_date_time_ms", "table_name", "key_schema", "shards", "last_evaluated_shard_id", "retention_ms")
    STREAM_ARN_FIELD_NUMBER: _ClassVar[int]
    STREAM_LABEL_FIELD_NUMBER: _ClassVar[int]
    STREAM_STATUS_FIELD_NUMBER: _ClassVar[int]
    STREAM_VIEW_TYPE_FIELD_NUMBER: _ClassVar[int]
    CREATION_REQUEST_DATE_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    SHARDS_FIELD_NUMBER: _ClassVar[int]
    LAST_EVALUATED_SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    RETENTION_MS_FIELD_NUMBER: _ClassVar[int]
    stream_arn: str
    stream_label: str
    stream_status: StreamStatus
    stream_view_type: _tables_pb2.StreamViewType
    creation_request_date_time_ms: int
    table_name: str
    key_schema: _containers.RepeatedCompositeFieldContainer[_tables_pb2.KeySchemaElement]
    shards: _containers.RepeatedCompositeFieldContainer[Shard]
    last_evaluated_shard_id: str
    retention_ms: int
    def __init__(self, stream_arn: _Optional[str] = ..., stream_label: _Optional[str] = ..., stream_status: _Optional[_Union[StreamStatus, str]] = ..., stream_view_type: _Optional[_Union[_tables_pb2.StreamViewType, str]] = ..., creation_request_date_time_ms: _Optional[int] = ..., table_name: _Optional[str] = ..., key_schema: _Optional[_Iterable[_Union[_tables_pb2.KeySchemaElement, _Mapping]]] = ..., shards: _Optional[_Iterable[_Union[Shard, _Mapping]]] = ..., last_evaluated_shard_id: _Optional[str] = ..., retention_ms: _Optional[int] = ...) -> None: ...

class ListStreamsRequest(_message.Message):
    __slots__ = ("table_name", "limit", "exclusive_start_stream_arn")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_START_STREAM_ARN_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    limit: int
    exclusive_start_stream_arn: str
    def __init__(self, table_name: _Optional[str] = ..., limit: _Optional[int] = ..., exclusive_start_stream_arn: _Optional[str] = ...) -> None: ...

class ListStreamsResponse(_message.Message):
    __slots__ = ("streams", "last_evaluated_stream_arn")
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    LAST_EVALUATED_STREAM_ARN_FIELD_NUMBER: _ClassVar[int]
    streams: _containers.RepeatedCompositeFieldContainer[StreamSummary]
    last_evaluated_stream_arn: str
    def __init__(self, streams: _Optional[_Iterable[_Union[StreamSummary, _Mapping]]] = ..., last_evaluated_stream_arn: _Optional[str] = ...) -> None: ...

class DescribeStreamRequest(_message.Message):
    __slots__ = ("stream_arn", "limit", "exclusive_start_shard_id", "shard_filter")
    STREAM_ARN_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_START_SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    SHARD_FILTER_FIELD_NUMBER: _ClassVar[int]
    stream_arn: str
    limit: int
    exclusive_start_shard_id: str
    shard_filter: ShardFilter
    def __init__(self, stream_arn: _Optional[str] = ..., limit: _Optional[int] = ..., exclusive_start_shard_id: _Optional[str] = ..., shard_filter: _Optional[_Union[ShardFilter, _Mapping]] = ...) -> None: ...

class DescribeStreamResponse(_message.Message):
    __slots__ = ("stream_description",)
    STREAM_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    stream_description: StreamDescription
    def __init__(self, stream_description: _Optional[_Union[StreamDescription, _Mapping]] = ...) -> None: ...

class GetShardIteratorRequest(_message.Message):
    __slots__ = ("stream_arn", "shard_id", "shard_iterator_type", "sequence_number", "timestamp_ms")
    STREAM_ARN_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    SHARD_ITERATOR_TYPE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_MS_FIELD_NUMBER: _ClassVar[int]
    stream_arn: str
    shard_id: str
    shard_iterator_type: ShardIteratorType
    sequence_number: str
    timestamp_ms: int
    def __init__(self, stream_arn: _Optional[str] = ..., shard_id: _Optional[str] = ..., shard_iterator_type: _Optional[_Union[ShardIteratorType, str]] = ..., sequence_number: _Optional[str] = ..., timestamp_ms: _Optional[int] = ...) -> None: ...

class GetShardIteratorResponse(_message.Message):
    __slots__ = ("shard_iterator",)
    SHARD_ITERATOR_FIELD_NUMBER: _ClassVar[int]
    shard_iterator: str
    def __init__(self, shard_iterator: _Optional[str] = ...) -> None: ...

class GetRecordsRequest(_message.Message):
    __slots__ = ("shard_iterator", "limit")
    SHARD_ITERATOR_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    shard_iterator: str
    limit: int
    def __init__(self, shard_iterator: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class GetRecordsResponse(_message.Message):
    __slots__ = ("records", "next_shard_iterator")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_SHARD_ITERATOR_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[Record]
    next_shard_iterator: str
    def __init__(self, records: _Optional[_Iterable[_Union[Record, _Mapping]]] = ..., next_shard_iterator: _Optional[str] = ...) -> None: ...

class UpdateStreamRequest(_message.Message):
    __slots__ = ("stream_arn", "retention_ms", "split_shard_id", "merge_shard_ids", "rotate")
    STREAM_ARN_FIELD_NUMBER: _ClassVar[int]
    RETENTION_MS_FIELD_NUMBER: _ClassVar[int]
    SPLIT_SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    MERGE_SHARD_IDS_FIELD_NUMBER: _ClassVar[int]
    ROTATE_FIELD_NUMBER: _ClassVar[int]
    stream_arn: str
    retention_ms: int
    split_shard_id: str
    merge_shard_ids: _items_pb2.TextList
    rotate: bool
    def __init__(self, stream_arn: _Optional[str] = ..., retention_ms: _Optional[int] = ..., split_shard_id: _Optional[str] = ..., merge_shard_ids: _Optional[_Union[_items_pb2.TextList, _Mapping]] = ..., rotate: _Optional[bool] = ...) -> None: ...

class UpdateStreamResponse(_message.Message):
    __slots__ = ("stream_description",)
    STREAM_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    stream_description: StreamDescription
    def __init__(self, stream_description: _Optional[_Union[StreamDescription, _Mapping]] = ...) -> None: ...

class SubscribeRequest(_message.Message):
    __slots__ = ("table_name", "start", "cursor", "timestamp_ms", "view_type", "filter_expression", "expression_attribute_names", "expression_attribute_values", "filter_patterns", "heartbeat_ms")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_MS_FIELD_NUMBER: _ClassVar[int]
    VIEW_TYPE_FIELD_NUMBER: _ClassVar[int]
    FILTER_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_VALUES_FIELD_NUMBER: _ClassVar[int]
    FILTER_PATTERNS_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_MS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    start: SubscribeFrom
    cursor: str
    timestamp_ms: int
    view_type: _tables_pb2.StreamViewType
    filter_expression: str
    expression_attribute_names: _items_pb2.NameMap
    expression_attribute_values: _items_pb2.AttributeMap
    filter_patterns: _items_pb2.TextList
    heartbeat_ms: int
    def __init__(self, table_name: _Optional[str] = ..., start: _Optional[_Union[SubscribeFrom, str]] = ..., cursor: _Optional[str] = ..., timestamp_ms: _Optional[int] = ..., view_type: _Optional[_Union[_tables_pb2.StreamViewType, str]] = ..., filter_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Union[_items_pb2.NameMap, _Mapping]] = ..., expression_attribute_values: _Optional[_Union[_items_pb2.AttributeMap, _Mapping]] = ..., filter_patterns: _Optional[_Union[_items_pb2.TextList, _Mapping]] = ..., heartbeat_ms: _Optional[int] = ...) -> None: ...

class FeedPage(_message.Message):
    __slots__ = ("records", "cursor")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[Record]
    cursor: str
    def __init__(self, records: _Optional[_Iterable[_Union[Record, _Mapping]]] = ..., cursor: _Optional[str] = ...) -> None: ...
