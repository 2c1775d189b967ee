from kvdb.rpc.gen import items_pb2 as _items_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ErrorDetail(_message.Message):
    __slots__ = ("code", "message", "retryable", "item", "file", "offset", "cancellation_reasons", "throttling_reasons")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    CANCELLATION_REASONS_FIELD_NUMBER: _ClassVar[int]
    THROTTLING_REASONS_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    retryable: bool
    item: _items_pb2.AttributeMap
    file: str
    offset: int
    cancellation_reasons: _containers.RepeatedCompositeFieldContainer[CancellationReason]
    throttling_reasons: _containers.RepeatedCompositeFieldContainer[ThrottlingReason]
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., retryable: _Optional[bool] = ..., item: _Optional[_Union[_items_pb2.AttributeMap, _Mapping]] = ..., file: _Optional[str] = ..., offset: _Optional[int] = ..., cancellation_reasons: _Optional[_Iterable[_Union[CancellationReason, _Mapping]]] = ..., throttling_reasons: _Optional[_Iterable[_Union[ThrottlingReason, _Mapping]]] = ...) -> None: ...

class CancellationReason(_message.Message):
    __slots__ = ("code", "message", "item")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    item: _items_pb2.AttributeMap
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., item: _Optional[_Union[_items_pb2.AttributeMap, _Mapping]] = ...) -> None: ...

class ThrottlingReason(_message.Message):
    __slots__ = ("reason", "resource")
    REASON_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    reason: str
    resource: str
    def __init__(self, reason: _Optional[str] = ..., resource: _Optional[str] = ...) -> None: ...
