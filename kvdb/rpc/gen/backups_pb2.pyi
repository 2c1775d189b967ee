from kvdb.rpc.gen import tables_pb2 as _tables_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BackupStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BACKUP_STATUS_UNSPECIFIED: _ClassVar[BackupStatus]
    BACKUP_STATUS_CREATING: _ClassVar[BackupStatus]
    BACKUP_STATUS_AVAILABLE: _ClassVar[BackupStatus]
    BACKUP_STATUS_DELETED: _ClassVar[BackupStatus]

class BackupType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BACKUP_TYPE_UNSPECIFIED: _ClassVar[BackupType]
    BACKUP_TYPE_USER: _ClassVar[BackupType]
    BACKUP_TYPE_SYSTEM: _ClassVar[BackupType]
    BACKUP_TYPE_AWS_BACKUP: _ClassVar[BackupType]
    BACKUP_TYPE_ALL: _ClassVar[BackupType]
BACKUP_STATUS_UNSPECIFIED: BackupStatus
BACKUP_STATUS_CREATING: BackupStatus
BACKUP_STATUS_AVAILABLE: BackupStatus
BACKUP_STATUS_DELETED: BackupStatus
BACKUP_TYPE_UNSPECIFIED: BackupType
BACKUP_TYPE_USER: BackupType
BACKUP_TYPE_SYSTEM: BackupType
BACKUP_TYPE_AWS_BACKUP: BackupType
BACKUP_TYPE_ALL: BackupType

class BackupDetails(_message.Message):
    __slots__ = ("backup_arn", "backup_name", "backup_status", "backup_type", "backup_creation_date_time_ms", "backup_size_bytes", "seqno")
    BACKUP_ARN_FIELD_NUMBER: _ClassVar[int]
    BACKUP_NAME_FIELD_NUMBER: _ClassVar[int]
    BACKUP_STATUS_FIELD_NUMBER: _ClassVar[int]
    BACKUP_TYPE_FIELD_NUMBER: _ClassVar[int]
    BACKUP_CREATION_DATE_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    BACKUP_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SEQNO_FIELD_NUMBER: _ClassVar[int]
    backup_arn: str
    backup_name: str
    backup_status: BackupStatus
    backup_type: BackupType
    backup_creation_date_time_ms: int
    backup_size_bytes: int
    seqno: int
    def __init__(self, backup_arn: _Optional[str] = ..., backup_name: _Optional[str] = ..., backup_status: _Optional[_Union[BackupStatus, str]] = ..., backup_type: _Optional[_Union[BackupType, str]] = ..., backup_creation_date_time_ms: _Optional[int] = ..., backup_size_bytes: _Optional[int] = ..., seqno: _Optional[int] = ...) -> None: ...

class SourceTableDetails(_message.Message):
    __slots__ = ("table_name", "table_id", "table_arn", "table_creation_date_time_ms", "key_schema", "provisioned_throughput", "on_demand_throughput", "billing_mode", "table_size_bytes", "item_count")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    TABLE_ID_FIELD_NUMBER: _ClassVar[int]
    TABLE_ARN_FIELD_NUMBER: _ClassVar[int]
    TABLE_CREATION_DATE_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    KEY_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    PROVISIONED_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    BILLING_MODE_FIELD_NUMBER: _ClassVar[int]
    TABLE_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    table_id: str
    table_arn: str
    table_creation_date_time_ms: int
    key_schema: _containers.RepeatedCompositeFieldContainer[_tables_pb2.KeySchemaElement]
    provisioned_throughput: _tables_pb2.ProvisionedThroughput
    on_demand_throughput: _tables_pb2.OnDemandThroughput
    billing_mode: _tables_pb2.BillingMode
    table_size_bytes: int
    item_count: int
    def __init__(self, table_name: _Optional[str] = ..., table_id: _Optional[str] = ..., table_arn: _Optional[str] = ..., table_creation_date_time_ms: _Optional[int] = ..., key_schema: _Optional[_Iterable[_Union[_tables_pb2.KeySchemaElement, _Mapping]]] = ..., provisioned_throughput: _Optional[_Union[_tables_pb2.ProvisionedThroughput, _Mapping]] = ..., on_demand_throughput: _Optional[_Union[_tables_pb2.OnDemandThroughput, _Mapping]] = ..., billing_mode: _Optional[_Union[_tables_pb2.BillingMode, str]] = ..., table_size_bytes: _Optional[int] = ..., item_count: _Optional[int] = ...) -> None: ...

class BackupIndexInfo(_message.Message):
    __slots__ = ("index_name", "key_schema", "projection", "provisioned_throughput", "on_demand_throughput")
    INDEX_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_FIELD_NUMBER: _ClassVar[int]
    PROVISIONED_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    index_name: str
    key_schema: _containers.RepeatedCompositeFieldContainer[_tables_pb2.KeySchemaElement]
    projection: _tables_pb2.Projection
    provisioned_throughput: _tables_pb2.ProvisionedThroughput
    on_demand_throughput: _tables_pb2.OnDemandThroughput
    def __init__(self, index_name: _Optional[str] = ..., key_schema: _Optional[_Iterable[_Union[_tables_pb2.KeySchemaElement, _Mapping]]] = ..., projection: _Optional[_Union[_tables_pb2.Projection, _Mapping]] = ..., provisioned_throughput: _Optional[_Union[_tables_pb2.ProvisionedThroughput, _Mapping]] = ..., on_demand_throughput: _Optional[_Union[_tables_pb2.OnDemandThroughput, _Mapping]] = ...) -> None: ...

class SourceTableFeatureDetails(_message.Message):
    __slots__ = ("local_secondary_indexes", "global_secondary_indexes", "stream_description", "time_to_live_attribute")
    LOCAL_SECONDARY_INDEXES_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_SECONDARY_INDEXES_FIELD_NUMBER: _ClassVar[int]
    STREAM_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_LIVE_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    local_secondary_indexes: _containers.RepeatedCompositeFieldContainer[BackupIndexInfo]
    global_secondary_indexes: _containers.RepeatedCompositeFieldContainer[BackupIndexInfo]
    stream_description: _tables_pb2.StreamSpecification
    time_to_live_attribute: str
    def __init__(self, local_secondary_indexes: _Optional[_Iterable[_Union[BackupIndexInfo, _Mapping]]] = ..., global_secondary_indexes: _Optional[_Iterable[_Union[BackupIndexInfo, _Mapping]]] = ..., stream_description: _Optional[_Union[_tables_pb2.StreamSpecification, _Mapping]] = ..., time_to_live_attribute: _Optional[str] = ...) -> None: ...

class BackupDescription(_message.Message):
    __slots__ = ("backup_details", "source_table_details", "source_table_feature_details", "table_names")
    BACKUP_DETAILS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TABLE_DETAILS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TABLE_FEATURE_DETAILS_FIELD_NUMBER: _ClassVar[int]
    TABLE_NAMES_FIELD_NUMBER: _ClassVar[int]
    backup_details: BackupDetails
    source_table_details: SourceTableDetails
    source_table_feature_details: SourceTableFeatureDetails
    table_names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, backup_details: _Optional[_Union[BackupDetails, _Mapping]] = ..., source_table_details: _Optional[_Union[SourceTableDetails, _Mapping]] = ..., source_table_feature_details: _Optional[_Union[SourceTableFeatureDetails, _Mapping]] = ..., table_names: _Optional[_Iterable[str]] = ...) -> None: ...

class BackupSummary(_message.Message):
    __slots__ = ("backup_arn", "backup_name", "backup_status", "backup_type", "backup_creation_date_time_ms", "backup_size_bytes", "table_name", "table_id", "table_arn")
    BACKUP_ARN_FIELD_NUMBER: _ClassVar[int]
    BACKUP_NAME_FIELD_NUMBER: _ClassVar[int]
    BACKUP_STATUS_FIELD_NUMBER: _ClassVar[int]
    BACKUP_TYPE_FIELD_NUMBER: _ClassVar[int]
    BACKUP_CREATION_DATE_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    BACKUP_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    TABLE_ID_FIELD_NUMBER: _ClassVar[int]
    TABLE_ARN_FIELD_NUMBER: _ClassVar[int]
    backup_arn: str
    backup_name: str
    backup_status: BackupStatus
    backup_type: BackupType
    backup_creation_date_time_ms: int
    backup_size_bytes: int
    table_name: str
    table_id: str
    table_arn: str
    def __init__(self, backup_arn: _Optional[str] = ..., backup_name: _Optional[str] = ..., backup_status: _Optional[_Union[BackupStatus, str]] = ..., backup_type: _Optional[_Union[BackupType, str]] = ..., backup_creation_date_time_ms: _Optional[int] = ..., backup_size_bytes: _Optional[int] = ..., table_name: _Optional[str] = ..., table_id: _Optional[str] = ..., table_arn: _Optional[str] = ...) -> None: ...

class CreateBackupRequest(_message.Message):
    __slots__ = ("backup_name", "table_name")
    BACKUP_NAME_FIELD_NUMBER: _ClassVar[int]
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    backup_name: str
    table_name: str
    def __init__(self, backup_name: _Optional[str] = ..., table_name: _Optional[str] = ...) -> None: ...

class CreateBackupResponse(_message.Message):
    __slots__ = ("backup_details",)
    BACKUP_DETAILS_FIELD_NUMBER: _ClassVar[int]
    backup_details: BackupDetails
    def __init__(self, backup_details: _Optional[_Union[BackupDetails, _Mapping]] = ...) -> None: ...

class DescribeBackupRequest(_message.Message):
    __slots__ = ("backup_arn",)
    BACKUP_ARN_FIELD_NUMBER: _ClassVar[int]
    backup_arn: str
    def __init__(self, backup_arn: _Optional[str] = ...) -> None: ...

class DescribeBackupResponse(_message.Message):
    __slots__ = ("backup_description",)
    BACKUP_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    backup_description: BackupDescription
    def __init__(self, backup_description: _Optional[_Union[BackupDescription, _Mapping]] = ...) -> None: ...

class ListBackupsRequest(_message.Message):
    __slots__ = ("table_name", "limit", "time_range_lower_bound_ms", "time_range_upper_bound_ms", "exclusive_start_backup_arn", "backup_type")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    TIME_RANGE_LOWER_BOUND_MS_FIELD_NUMBER: _ClassVar[int]
    TIME_RANGE_UPPER_BOUND_MS_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_START_BACKUP_ARN_FIELD_NUMBER: _ClassVar[int]
    BACKUP_TYPE_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    limit: int
    time_range_lower_bound_ms: int
    time_range_upper_bound_ms: int
    exclusive_start_backup_arn: str
    backup_type: BackupType
    def __init__(self, table_name: _Optional[str] = ..., limit: _Optional[int] = ..., time_range_lower_bound_ms: _Optional[int] = ..., time_range_upper_bound_ms: _Optional[int] = ..., exclusive_start_backup_arn: _Optional[str] = ..., backup_type: _Optional[_Union[BackupType, str]] = ...) -> None: ...

class ListBackupsResponse(_message.Message):
    __slots__ = ("backup_summaries", "last_evaluated_backup_arn")
    BACKUP_SUMMARIES_FIELD_NUMBER: _ClassVar[int]
    LAST_EVALUATED_BACKUP_ARN_FIELD_NUMBER: _ClassVar[int]
    backup_summaries: _containers.RepeatedCompositeFieldContainer[BackupSummary]
    last_evaluated_backup_arn: str
    def __init__(self, backup_summaries: _Optional[_Iterable[_Union[BackupSummary, _Mapping]]] = ..., last_evaluated_backup_arn: _Optional[str] = ...) -> None: ...

class DeleteBackupRequest(_message.Message):
    __slots__ = ("backup_arn",)
    BACKUP_ARN_FIELD_NUMBER: _ClassVar[int]
    backup_arn: str
    def __init__(self, backup_arn: _Optional[str] = ...) -> None: ...

class DeleteBackupResponse(_message.Message):
    __slots__ = ("backup_description",)
    BACKUP_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    backup_description: BackupDescription
    def __init__(self, backup_description: _Optional[_Union[BackupDescription, _Mapping]] = ...) -> None: ...

class RestoreTableFromBackupRequest(_message.Message):
    __slots__ = ("target_table_name", "backup_arn", "billing_mode_override", "global_secondary_index_override", "local_secondary_index_override", "provisioned_throughput_override", "on_demand_throughput_override", "source_table_name", "in_place")
    TARGET_TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    BACKUP_ARN_FIELD_NUMBER: _ClassVar[int]
    BILLING_MODE_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_SECONDARY_INDEX_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    LOCAL_SECONDARY_INDEX_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    PROVISIONED_THROUGHPUT_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_THROUGHPUT_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    IN_PLACE_FIELD_NUMBER: _ClassVar[int]
    target_table_name: str
    backup_arn: str
    billing_mode_override: _tables_pb2.BillingMode
    global_secondary_index_override: _tables_pb2.IndexSpecificationList
    local_secondary_index_override: _tables_pb2.IndexSpecificationList
    provisioned_throughput_override: _tables_pb2.ProvisionedThroughput
    on_demand_throughput_override: _tables_pb2.OnDemandThroughput
    source_table_name: str
    in_place: bool
    def __init__(self, target_table_name: _Optional[str] = ..., backup_arn: _Optional[str] = ..., billing_mode_override: _Optional[_Union[_tables_pb2.BillingMode, str]] = ..., global_secondary_index_override: _Optional[_Union[_tables_pb2.IndexSpecificationList, _Mapping]] = ..., local_secondary_index_override: _Optional[_Union[_tables_pb2.IndexSpecificationList, _Mapping]] = ..., provisioned_throughput_override: _Optional[_Union[_tables_pb2.ProvisionedThroughput, _Mapping]] = ..., on_demand_throughput_override: _Optional[_Union[_tables_pb2.OnDemandThroughput, _Mapping]] = ..., source_table_name: _Optional[str] = ..., in_place: _Optional[bool] = ...) -> None: ...

class RestoreTableFromBackupResponse(_message.Message):
    __slots__ = ("table_description", "job_id")
    TABLE_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    table_description: _tables_pb2.TableDescription
    job_id: str
    def __init__(self, table_description: _Optional[_Union[_tables_pb2.TableDescription, _Mapping]] = ..., job_id: _Optional[str] = ...) -> None: ...

class SettleRestoreRequest(_message.Message):
    __slots__ = ("table_name", "roll_back")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ROLL_BACK_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    roll_back: bool
    def __init__(self, table_name: _Optional[str] = ..., roll_back: _Optional[bool] = ...) -> None: ...

class SettleRestoreResponse(_message.Message):
    __slots__ = ("table_description",)
    TABLE_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    table_description: _tables_pb2.TableDescription
    def __init__(self, table_description: _Optional[_Union[_tables_pb2.TableDescription, _Mapping]] = ...) -> None: ...
