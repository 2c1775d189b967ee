from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CheckStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHECK_STATUS_UNSPECIFIED: _ClassVar[CheckStatus]
    CHECK_STATUS_RUNNING: _ClassVar[CheckStatus]
    CHECK_STATUS_CLEAN: _ClassVar[CheckStatus]
    CHECK_STATUS_DAMAGED: _ClassVar[CheckStatus]
    CHECK_STATUS_FAILED: _ClassVar[CheckStatus]

class FindingSeverity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINDING_SEVERITY_UNSPECIFIED: _ClassVar[FindingSeverity]
    FINDING_SEVERITY_DAMAGE: _ClassVar[FindingSeverity]
    FINDING_SEVERITY_NOTE: _ClassVar[FindingSeverity]
CHECK_STATUS_UNSPECIFIED: CheckStatus
CHECK_STATUS_RUNNING: CheckStatus
CHECK_STATUS_CLEAN: CheckStatus
CHECK_STATUS_DAMAGED: CheckStatus
CHECK_STATUS_FAILED: CheckStatus
FINDING_SEVERITY_UNSPECIFIED: FindingSeverity
FINDING_SEVERITY_DAMAGE: FindingSeverity
FINDING_SEVERITY_NOTE: FindingSeverity

class CheckFinding(_message.Message):
    __slots__ = ("severity", "file", "offset", "message")
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    severity: FindingSeverity
    file: str
    offset: int
    message: str
    def __init__(self, severity: _Optional[_Union[FindingSeverity, str]] = ..., file: _Optional[str] = ..., offset: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class CheckDescription(_message.Message):
    __slots__ = ("check_id", "status", "is_deep", "started_ms", "ended_ms", "bytes_total", "bytes_read", "sstables", "blocks", "entries", "damaged", "findings", "error")
    CHECK_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    IS_DEEP_FIELD_NUMBER: _ClassVar[int]
    STARTED_MS_FIELD_NUMBER: _ClassVar[int]
    ENDED_MS_FIELD_NUMBER: _ClassVar[int]
    BYTES_TOTAL_FIELD_NUMBER: _ClassVar[int]
    BYTES_READ_FIELD_NUMBER: _ClassVar[int]
    SSTABLES_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    DAMAGED_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    check_id: int
    status: CheckStatus
    is_deep: bool
    started_ms: int
    ended_ms: int
    bytes_total: int
    bytes_read: int
    sstables: int
    blocks: int
    entries: int
    damaged: int
    findings: _containers.RepeatedCompositeFieldContainer[CheckFinding]
    error: str
    def __init__(self, check_id: _Optional[int] = ..., status: _Optional[_Union[CheckStatus, str]] = ..., is_deep: _Optional[bool] = ..., started_ms: _Optional[int] = ..., ended_ms: _Optional[int] = ..., bytes_total: _Optional[int] = ..., bytes_read: _Optional[int] = ..., sstables: _Optional[int] = ..., blocks: _Optional[int] = ..., entries: _Optional[int] = ..., damaged: _Optional[int] = ..., findings: _Optional[_Iterable[_Union[CheckFinding, _Mapping]]] = ..., error: _Optional[str] = ...) -> None: ...

class StartCheckRequest(_message.Message):
    __slots__ = ("deep",)
    DEEP_FIELD_NUMBER: _ClassVar[int]
    deep: bool
    def __init__(self, deep: _Optional[bool] = ...) -> None: ...

class StartCheckResponse(_message.Message):
    __slots__ = ("check",)
    CHECK_FIELD_NUMBER: _ClassVar[int]
    check: CheckDescription
    def __init__(self, check: _Optional[_Union[CheckDescription, _Mapping]] = ...) -> None: ...

class DescribeCheckRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DescribeCheckResponse(_message.Message):
    __slots__ = ("check", "scrub")
    CHECK_FIELD_NUMBER: _ClassVar[int]
    SCRUB_FIELD_NUMBER: _ClassVar[int]
    check: CheckDescription
    scrub: CheckDescription
    def __init__(self, check: _Optional[_Union[CheckDescription, _Mapping]] = ..., scrub: _Optional[_Union[CheckDescription, _Mapping]] = ...) -> None: ...
