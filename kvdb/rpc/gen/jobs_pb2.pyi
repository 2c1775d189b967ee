from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JobStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_STATUS_UNSPECIFIED: _ClassVar[JobStatus]
    JOB_STATUS_IN_PROGRESS: _ClassVar[JobStatus]
    JOB_STATUS_COMPLETED: _ClassVar[JobStatus]
    JOB_STATUS_FAILED: _ClassVar[JobStatus]
    JOB_STATUS_CANCELLED: _ClassVar[JobStatus]
JOB_STATUS_UNSPECIFIED: JobStatus
JOB_STATUS_IN_PROGRESS: JobStatus
JOB_STATUS_COMPLETED: JobStatus
JOB_STATUS_FAILED: JobStatus
JOB_STATUS_CANCELLED: JobStatus

class JobDescription(_message.Message):
    __slots__ = ("job_id", "job_arn", "kind", "resource_arn", "status", "is_cancelling", "done", "total", "unit", "started_ms", "ended_ms", "failure_code", "failure_message")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    JOB_ARN_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_ARN_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    IS_CANCELLING_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    STARTED_MS_FIELD_NUMBER: _ClassVar[int]
    ENDED_MS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_CODE_FIELD_NUMBER: _ClassVar[int]
    FAILURE_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    job_arn: str
    kind: str
    resource_arn: str
    status: JobStatus
    is_cancelling: bool
    done: int
    total: int
    unit: str
    started_ms: int
    ended_ms: int
    failure_code: str
    failure_message: str
    def __init__(self, job_id: _Optional[str] = ..., job_arn: _Optional[str] = ..., kind: _Optional[str] = ..., resource_arn: _Optional[str] = ..., status: _Optional[_Union[JobStatus, str]] = ..., is_cancelling: _Optional[bool] = ..., done: _Optional[int] = ..., total: _Optional[int] = ..., unit: _Optional[str] = ..., started_ms: _Optional[int] = ..., ended_ms: _Optional[int] = ..., failure_code: _Optional[str] = ..., failure_message: _Optional[str] = ...) -> None: ...

class DescribeJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class DescribeJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: JobDescription
    def __init__(self, job: _Optional[_Union[JobDescription, _Mapping]] = ...) -> None: ...

class ListJobsRequest(_message.Message):
    __slots__ = ("kind", "resource_arn", "limit", "exclusive_start_job_id")
    KIND_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_ARN_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_START_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    kind: str
    resource_arn: str
    limit: int
    exclusive_start_job_id: str
    def __init__(self, kind: _Optional[str] = ..., resource_arn: _Optional[str] = ..., limit: _Optional[int] = ..., exclusive_start_job_id: _Optional[str] = ...) -> None: ...

class ListJobsResponse(_message.Message):
    __slots__ = ("jobs", "last_evaluated_job_id")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    LAST_EVALUATED_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[JobDescription]
    last_evaluated_job_id: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[JobDescription, _Mapping]]] = ..., last_evaluated_job_id: _Optional[str] = ...) -> None: ...

class CancelJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class CancelJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: JobDescription
    def __init__(self, job: _Optional[_Union[JobDescription, _Mapping]] = ...) -> None: ...
