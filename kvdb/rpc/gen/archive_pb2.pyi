from kvdb.rpc.gen import tables_pb2 as _tables_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OnOff(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_OFF_UNSPECIFIED: _ClassVar[OnOff]
    ON_OFF_ENABLED: _ClassVar[OnOff]
    ON_OFF_DISABLED: _ClassVar[OnOff]

class ArchiveState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ARCHIVE_STATE_UNSPECIFIED: _ClassVar[ArchiveState]
    ARCHIVE_STATE_STARTING: _ClassVar[ArchiveState]
    ARCHIVE_STATE_OK: _ClassVar[ArchiveState]
    ARCHIVE_STATE_BEHIND: _ClassVar[ArchiveState]
    ARCHIVE_STATE_GAP: _ClassVar[ArchiveState]
    ARCHIVE_STATE_FENCED: _ClassVar[ArchiveState]
    ARCHIVE_STATE_STOPPED: _ClassVar[ArchiveState]
ON_OFF_UNSPECIFIED: OnOff
ON_OFF_ENABLED: OnOff
ON_OFF_DISABLED: OnOff
ARCHIVE_STATE_UNSPECIFIED: ArchiveState
ARCHIVE_STATE_STARTING: ArchiveState
ARCHIVE_STATE_OK: ArchiveState
ARCHIVE_STATE_BEHIND: ArchiveState
ARCHIVE_STATE_GAP: ArchiveState
ARCHIVE_STATE_FENCED: ArchiveState
ARCHIVE_STATE_STOPPED: ArchiveState

class ContinuousBackupsDescription(_message.Message):
    __slots__ = ("continuous_backups_status", "point_in_time_recovery_status", "recovery_period_days", "earliest_restorable_ms", "latest_restorable_ms")
    CONTINUOUS_BACKUPS_STATUS_FIELD_NUMBER: _ClassVar[int]
    POINT_IN_TIME_RECOVERY_STATUS_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_PERIOD_DAYS_FIELD_NUMBER: _ClassVar[int]
    EARLIEST_RESTORABLE_MS_FIELD_NUMBER: _ClassVar[int]
    LATEST_RESTORABLE_MS_FIELD_NUMBER: _ClassVar[int]
    continuous_backups_status: OnOff
    point_in_time_recovery_status: OnOff
    recovery_period_days: int
    earliest_restorable_ms: int
    latest_restorable_ms: int
    def __init__(self, continuous_backups_status: _Optional[_Union[OnOff, str]] = ..., point_in_time_recovery_status: _Optional[_Union[OnOff, str]] = ..., recovery_period_days: _Optional[int] = ..., earliest_restorable_ms: _Optional[int] = ..., latest_restorable_ms: _Optional[int] = ...) -> None: ...

class UpdateContinuousBackupsRequest(_message.Message):
    __slots__ = ("table_name", "enabled", "recovery_period_days")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_PERIOD_DAYS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    enabled: bool
    recovery_period_days: int
    def __init__(self, table_name: _Optional[str] = ..., enabled: _Optional[bool] = ..., recovery_period_days: _Optional[int] = ...) -> None: ...

class UpdateContinuousBackupsResponse(_message.Message):
    __slots__ = ("continuous_backups",)
    CONTINUOUS_BACKUPS_FIELD_NUMBER: _ClassVar[int]
    continuous_backups: ContinuousBackupsDescription
    def __init__(self, continuous_backups: _Optional[_Union[ContinuousBackupsDescription, _Mapping]] = ...) -> None: ...

class DescribeContinuousBackupsRequest(_message.Message):
    __slots__ = ("table_name",)
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    def __init__(self, table_name: _Optional[str] = ...) -> None: ...

class DescribeContinuousBackupsResponse(_message.Message):
    __slots__ = ("continuous_backups",)
    CONTINUOUS_BACKUPS_FIELD_NUMBER: _ClassVar[int]
    continuous_backups: ContinuousBackupsDescription
    def __init__(self, continuous_backups: _Optional[_Union[ContinuousBackupsDescription, _Mapping]] = ...) -> None: ...

class RestoreTableToPointInTimeRequest(_message.Message):
    __slots__ = ("target_table_name", "source_table_name", "use_latest_restorable_time", "restore_date_time_ms", "billing_mode_override", "global_secondary_index_override", "local_secondary_index_override", "provisioned_throughput_override", "on_demand_throughput_override", "seqno", "label", "in_place")
    TARGET_TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    USE_LATEST_RESTORABLE_TIME_FIELD_NUMBER: _ClassVar[int]
    RESTORE_DATE_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    BILLING_MODE_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_SECONDARY_INDEX_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    LOCAL_SECONDARY_INDEX_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    PROVISIONED_THROUGHPUT_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_THROUGHPUT_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    SEQNO_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    IN_PLACE_FIELD_NUMBER: _ClassVar[int]
    target_table_name: str
    source_table_name: str
    use_latest_restorable_time: bool
    restore_date_time_ms: int
    billing_mode_override: _tables_pb2.BillingMode
    global_secondary_index_override: _tables_pb2.IndexSpecificationList
    local_secondary_index_override: _tables_pb2.IndexSpecificationList
    provisioned_throughput_override: _tables_pb2.ProvisionedThroughput
    on_demand_throughput_override: _tables_pb2.OnDemandThroughput
    seqno: int
    label: str
    in_place: bool
    def __init__(self, target_table_name: _Optional[str] = ..., source_table_name: _Optional[str] = ..., use_latest_restorable_time: _Optional[bool] = ..., restore_date_time_ms: _Optional[int] = ..., billing_mode_override: _Optional[_Union[_tables_pb2.BillingMode, str]] = ..., global_secondary_index_override: _Optional[_Union[_tables_pb2.IndexSpecificationList, _Mapping]] = ..., local_secondary_index_override: _Optional[_Union[_tables_pb2.IndexSpecificationList, _Mapping]] = ..., provisioned_throughput_override: _Optional[_Union[_tables_pb2.ProvisionedThroughput, _Mapping]] = ..., on_demand_throughput_override: _Optional[_Union[_tables_pb2.OnDemandThroughput, _Mapping]] = ..., seqno: _Optional[int] = ..., label: _Optional[str] = ..., in_place: _Optional[bool] = ...) -> None: ...

class RestoreTableToPointInTimeResponse(_message.Message):
    __slots__ = ("table_description", "job_id")
    TABLE_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    table_description: _tables_pb2.TableDescription
    job_id: str
    def __init__(self, table_description: _Optional[_Union[_tables_pb2.TableDescription, _Mapping]] = ..., job_id: _Optional[str] = ...) -> None: ...

class ArchiveDescription(_message.Message):
    __slots__ = ("url", "database_id", "state", "reason", "seqno", "last_seqno", "complete_ms", "lag_ms", "held_bytes", "gaps", "window_days", "epoch", "earliest_ms", "base_seqno")
    URL_FIELD_NUMBER: _ClassVar[int]
    DATABASE_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SEQNO_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQNO_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_MS_FIELD_NUMBER: _ClassVar[int]
    LAG_MS_FIELD_NUMBER: _ClassVar[int]
    HELD_BYTES_FIELD_NUMBER: _ClassVar[int]
    GAPS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_DAYS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    EARLIEST_MS_FIELD_NUMBER: _ClassVar[int]
    BASE_SEQNO_FIELD_NUMBER: _ClassVar[int]
    url: str
    database_id: str
    state: ArchiveState
    reason: str
    seqno: int
    last_seqno: int
    complete_ms: int
    lag_ms: int
    held_bytes: int
    gaps: int
    window_days: int
    epoch: str
    earliest_ms: int
    base_seqno: int
    def __init__(self, url: _Optional[str] = ..., database_id: _Optional[str] = ..., state: _Optional[_Union[ArchiveState, str]] = ..., reason: _Optional[str] = ..., seqno: _Optional[int] = ..., last_seqno: _Optional[int] = ..., complete_ms: _Optional[int] = ..., lag_ms: _Optional[int] = ..., held_bytes: _Optional[int] = ..., gaps: _Optional[int] = ..., window_days: _Optional[int] = ..., epoch: _Optional[str] = ..., earliest_ms: _Optional[int] = ..., base_seqno: _Optional[int] = ...) -> None: ...

class DescribeArchiveRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DescribeArchiveResponse(_message.Message):
    __slots__ = ("archive",)
    ARCHIVE_FIELD_NUMBER: _ClassVar[int]
    archive: ArchiveDescription
    def __init__(self, archive: _Optional[_Union[ArchiveDescription, _Mapping]] = ...) -> None: ...

class LabelArchiveRequest(_message.Message):
    __slots__ = ("label",)
    LABEL_FIELD_NUMBER: _ClassVar[int]
    label: str
    def __init__(self, label: _Optional[str] = ...) -> None: ...

class LabelArchiveResponse(_message.Message):
    __slots__ = ("label", "seqno", "wall_ms")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    SEQNO_FIELD_NUMBER: _ClassVar[int]
    WALL_MS_FIELD_NUMBER: _ClassVar[int]
    label: str
    seqno: int
    wall_ms: int
    def __init__(self, label: _Optional[str] = ..., seqno: _Optional[int] = ..., wall_ms: _Optional[int] = ...) -> None: ...
