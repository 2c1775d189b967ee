from kvdb.rpc.gen import items_pb2 as _items_pb2
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
    TABLE_STATUS_UPDATING: _ClassVar[TableStatus]
    TABLE_STATUS_ACTIVE: _ClassVar[TableStatus]
    TABLE_STATUS_DELETING: _ClassVar[TableStatus]

class IndexStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INDEX_STATUS_UNSPECIFIED: _ClassVar[IndexStatus]
    INDEX_STATUS_CREATING: _ClassVar[IndexStatus]
    INDEX_STATUS_UPDATING: _ClassVar[IndexStatus]
    INDEX_STATUS_ACTIVE: _ClassVar[IndexStatus]
    INDEX_STATUS_DELETING: _ClassVar[IndexStatus]

class IndexKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INDEX_KIND_UNSPECIFIED: _ClassVar[IndexKind]
    INDEX_KIND_LOCAL: _ClassVar[IndexKind]
    INDEX_KIND_GLOBAL: _ClassVar[IndexKind]

class ProjectionType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROJECTION_TYPE_UNSPECIFIED: _ClassVar[ProjectionType]
    PROJECTION_TYPE_ALL: _ClassVar[ProjectionType]
    PROJECTION_TYPE_KEYS_ONLY: _ClassVar[ProjectionType]
    PROJECTION_TYPE_INCLUDE: _ClassVar[ProjectionType]

class BillingMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BILLING_MODE_UNSPECIFIED: _ClassVar[BillingMode]
    BILLING_MODE_PROVISIONED: _ClassVar[BillingMode]
    BILLING_MODE_PAY_PER_REQUEST: _ClassVar[BillingMode]

class TableClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TABLE_CLASS_UNSPECIFIED: _ClassVar[TableClass]
    TABLE_CLASS_STANDARD: _ClassVar[TableClass]
    TABLE_CLASS_STANDARD_INFREQUENT_ACCESS: _ClassVar[TableClass]

class StreamViewType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STREAM_VIEW_TYPE_UNSPECIFIED: _ClassVar[StreamViewType]
    STREAM_VIEW_TYPE_NEW_IMAGE: _ClassVar[StreamViewType]
    STREAM_VIEW_TYPE_OLD_IMAGE: _ClassVar[StreamViewType]
    STREAM_VIEW_TYPE_NEW_AND_OLD_IMAGES: _ClassVar[StreamViewType]
    STREAM_VIEW_TYPE_KEYS_ONLY: _ClassVar[StreamViewType]

class TimeToLiveStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIME_TO_LIVE_STATUS_UNSPECIFIED: _ClassVar[TimeToLiveStatus]
    TIME_TO_LIVE_STATUS_ENABLING: _ClassVar[TimeToLiveStatus]
    TIME_TO_LIVE_STATUS_DISABLING: _ClassVar[TimeToLiveStatus]
    TIME_TO_LIVE_STATUS_ENABLED: _ClassVar[TimeToLiveStatus]
    TIME_TO_LIVE_STATUS_DISABLED: _ClassVar[TimeToLiveStatus]

class ReplicaStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REPLICA_STATUS_UNSPECIFIED: _ClassVar[ReplicaStatus]
    REPLICA_STATUS_CREATING: _ClassVar[ReplicaStatus]
    REPLICA_STATUS_ACTIVE: _ClassVar[ReplicaStatus]
    REPLICA_STATUS_CREATION_FAILED: _ClassVar[ReplicaStatus]
    REPLICA_STATUS_REGION_DISABLED: _ClassVar[ReplicaStatus]
    REPLICA_STATUS_REPLICATION_NOT_AUTHORIZED: _ClassVar[ReplicaStatus]

class Resolver(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESOLVER_UNSPECIFIED: _ClassVar[Resolver]
    RESOLVER_LAST_WRITER: _ClassVar[Resolver]
    RESOLVER_ATTRIBUTES: _ClassVar[Resolver]
    RESOLVER_CALLABLE: _ClassVar[Resolver]
ATTRIBUTE_TYPE_UNSPECIFIED: AttributeType
ATTRIBUTE_TYPE_S: AttributeType
ATTRIBUTE_TYPE_N: AttributeType
ATTRIBUTE_TYPE_B: AttributeType
KEY_TYPE_UNSPECIFIED: KeyType
KEY_TYPE_HASH: KeyType
KEY_TYPE_RANGE: KeyType
TABLE_STATUS_UNSPECIFIED: TableStatus
TABLE_STATUS_CREATING: TableStatus
TABLE_STATUS_UPDATING: TableStatus
TABLE_STATUS_ACTIVE: TableStatus
TABLE_STATUS_DELETING: TableStatus
INDEX_STATUS_UNSPECIFIED: IndexStatus
INDEX_STATUS_CREATING: IndexStatus
INDEX_STATUS_UPDATING: IndexStatus
INDEX_STATUS_ACTIVE: IndexStatus
INDEX_STATUS_DELETING: IndexStatus
INDEX_KIND_UNSPECIFIED: IndexKind
INDEX_KIND_LOCAL: IndexKind
INDEX_KIND_GLOBAL: IndexKind
PROJECTION_TYPE_UNSPECIFIED: ProjectionType
PROJECTION_TYPE_ALL: ProjectionType
PROJECTION_TYPE_KEYS_ONLY: ProjectionType
PROJECTION_TYPE_INCLUDE: ProjectionType
BILLING_MODE_UNSPECIFIED: BillingMode
BILLING_MODE_PROVISIONED: BillingMode
BILLING_MODE_PAY_PER_REQUEST: BillingMode
TABLE_CLASS_UNSPECIFIED: TableClass
TABLE_CLASS_STANDARD: TableClass
TABLE_CLASS_STANDARD_INFREQUENT_ACCESS: TableClass
STREAM_VIEW_TYPE_UNSPECIFIED: StreamViewType
STREAM_VIEW_TYPE_NEW_IMAGE: StreamViewType
STREAM_VIEW_TYPE_OLD_IMAGE: StreamViewType
STREAM_VIEW_TYPE_NEW_AND_OLD_IMAGES: StreamViewType
STREAM_VIEW_TYPE_KEYS_ONLY: StreamViewType
TIME_TO_LIVE_STATUS_UNSPECIFIED: TimeToLiveStatus
TIME_TO_LIVE_STATUS_ENABLING: TimeToLiveStatus
TIME_TO_LIVE_STATUS_DISABLING: TimeToLiveStatus
TIME_TO_LIVE_STATUS_ENABLED: TimeToLiveStatus
TIME_TO_LIVE_STATUS_DISABLED: TimeToLiveStatus
REPLICA_STATUS_UNSPECIFIED: ReplicaStatus
REPLICA_STATUS_CREATING: ReplicaStatus
REPLICA_STATUS_ACTIVE: ReplicaStatus
REPLICA_STATUS_CREATION_FAILED: ReplicaStatus
REPLICA_STATUS_REGION_DISABLED: ReplicaStatus
REPLICA_STATUS_REPLICATION_NOT_AUTHORIZED: ReplicaStatus
RESOLVER_UNSPECIFIED: Resolver
RESOLVER_LAST_WRITER: Resolver
RESOLVER_ATTRIBUTES: Resolver
RESOLVER_CALLABLE: Resolver

class AttributeDefinition(_message.Message):
    __slots__ = ("attribute_name", "attribute_type")
    ATTRIBUTE_NAME_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_TYPE_FIELD_NUMBER: _ClassVar[int]
    attribute_name: str
    attribute_type: AttributeType
    def __init__(self, attribute_name: _Optional[str] = ..., attribute_type: _Optional[_Union[AttributeType, str]] = ...) -> None: ...

class AttributeDefinitionList(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[AttributeDefinition]
    def __init__(self, values: _Optional[_Iterable[_Union[AttributeDefinition, _Mapping]]] = ...) -> None: ...

class KeySchemaElement(_message.Message):
    __slots__ = ("attribute_name", "key_type")
    ATTRIBUTE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_TYPE_FIELD_NUMBER: _ClassVar[int]
    attribute_name: str
    key_type: KeyType
    def __init__(self, attribute_name: _Optional[str] = ..., key_type: _Optional[_Union[KeyType, str]] = ...) -> None: ...

class Projection(_message.Message):
    __slots__ = ("projection_type", "non_key_attributes")
    PROJECTION_TYPE_FIELD_NUMBER: _ClassVar[int]
    NON_KEY_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    projection_type: ProjectionType
    non_key_attributes: _items_pb2.TextList
    def __init__(self, projection_type: _Optional[_Union[ProjectionType, str]] = ..., non_key_attributes: _Optional[_Union[_items_pb2.TextList, _Mapping]] = ...) -> None: ...

class ProvisionedThroughput(_message.Message):
    __slots__ = ("read_capacity_units", "write_capacity_units")
    READ_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    WRITE_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    read_capacity_units: int
    write_capacity_units: int
    def __init__(self, read_capacity_units: _Optional[int] = ..., write_capacity_units: _Optional[int] = ...) -> None: ...

class OnDemandThroughput(_message.Message):
    __slots__ = ("max_read_request_units", "max_write_request_units")
    MAX_READ_REQUEST_UNITS_FIELD_NUMBER: _ClassVar[int]
    MAX_WRITE_REQUEST_UNITS_FIELD_NUMBER: _ClassVar[int]
    max_read_request_units: int
    max_write_request_units: int
    def __init__(self, max_read_request_units: _Optional[int] = ..., max_write_request_units: _Optional[int] = ...) -> None: ...

class WarmThroughput(_message.Message):
    __slots__ = ("read_units_per_second", "write_units_per_second")
    READ_UNITS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    WRITE_UNITS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    read_units_per_second: int
    write_units_per_second: int
    def __init__(self, read_units_per_second: _Optional[int] = ..., write_units_per_second: _Optional[int] = ...) -> None: ...

class StreamSpecification(_message.Message):
    __slots__ = ("stream_enabled", "stream_view_type", "retention_ms")
    STREAM_ENABLED_FIELD_NUMBER: _ClassVar[int]
    STREAM_VIEW_TYPE_FIELD_NUMBER: _ClassVar[int]
    RETENTION_MS_FIELD_NUMBER: _ClassVar[int]
    stream_enabled: bool
    stream_view_type: StreamViewType
    retention_ms: int
    def __init__(self, stream_enabled: _Optional[bool] = ..., stream_view_type: _Optional[_Union[StreamViewType, str]] = ..., retention_ms: _Optional[int] = ...) -> None: ...

class Tag(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class TagList(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[Tag]
    def __init__(self, values: _Optional[_Iterable[_Union[Tag, _Mapping]]] = ...) -> None: ...

class IndexSpecification(_message.Message):
    __slots__ = ("index_name", "key_schema", "projection", "provisioned_throughput", "on_demand_throughput", "warm_throughput", "is_unique")
    INDEX_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_FIELD_NUMBER: _ClassVar[int]
    PROVISIONED_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    WARM_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    IS_UNIQUE_FIELD_NUMBER: _ClassVar[int]
    index_name: str
    key_schema: _containers.RepeatedCompositeFieldContainer[KeySchemaElement]
    projection: Projection
    provisioned_throughput: ProvisionedThroughput
    on_demand_throughput: OnDemandThroughput
    warm_throughput: WarmThroughput
    is_unique: bool
    def __init__(self, index_name: _Optional[str] = ..., key_schema: _Optional[_Iterable[_Union[KeySchemaElement, _Mapping]]] = ..., projection: _Optional[_Union[Projection, _Mapping]] = ..., provisioned_throughput: _Optional[_Union[ProvisionedThroughput, _Mapping]] = ..., on_demand_throughput: _Optional[_Union[OnDemandThroughput, _Mapping]] = ..., warm_throughput: _Optional[_Union[WarmThroughput, _Mapping]] = ..., is_unique: _Optional[bool] = ...) -> None: ...

class IndexSpecificationList(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[IndexSpecification]
    def __init__(self, values: _Optional[_Iterable[_Union[IndexSpecification, _Mapping]]] = ...) -> None: ...

class ProvisionedThroughputDescription(_message.Message):
    __slots__ = ("read_capacity_units", "write_capacity_units", "number_of_decreases_today", "last_increase_date_time_ms", "last_decrease_date_time_ms")
    READ_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    WRITE_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    NUMBER_OF_DECREASES_TODAY_FIELD_NUMBER: _ClassVar[int]
    LAST_INCREASE_DATE_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_DECREASE_DATE_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    read_capacity_units: int
    write_capacity_units: int
    number_of_decreases_today: int
    last_increase_date_time_ms: int
    last_decrease_date_time_ms: int
    def __init__(self, read_capacity_units: _Optional[int] = ..., write_capacity_units: _Optional[int] = ..., number_of_decreases_today: _Optional[int] = ..., last_increase_date_time_ms: _Optional[int] = ..., last_decrease_date_time_ms: _Optional[int] = ...) -> None: ...

class IndexDescription(_message.Message):
    __slots__ = ("kind", "index_name", "key_schema", "projection", "index_arn", "index_size_bytes", "item_count", "index_status", "is_backfilling", "provisioned_throughput", "on_demand_throughput", "warm_throughput", "is_unique", "backfilled_count")
    KIND_FIELD_NUMBER: _ClassVar[int]
    INDEX_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_FIELD_NUMBER: _ClassVar[int]
    INDEX_ARN_FIELD_NUMBER: _ClassVar[int]
    INDEX_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    INDEX_STATUS_FIELD_NUMBER: _ClassVar[int]
    IS_BACKFILLING_FIELD_NUMBER: _ClassVar[int]
    PROVISIONED_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    WARM_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    IS_UNIQUE_FIELD_NUMBER: _ClassVar[int]
    BACKFILLED_COUNT_FIELD_NUMBER: _ClassVar[int]
    kind: IndexKind
    index_name: str
    key_schema: _containers.RepeatedCompositeFieldContainer[KeySchemaElement]
    projection: Projection
    index_arn: str
    index_size_bytes: int
    item_count: int
    index_status: IndexStatus
    is_backfilling: bool
    provisioned_throughput: ProvisionedThroughputDescription
    on_demand_throughput: OnDemandThroughput
    warm_throughput: WarmThroughput
    is_unique: bool
    backfilled_count: int
    def __init__(self, kind: _Optional[_Union[IndexKind, str]] = ..., index_name: _Optional[str] = ..., key_schema: _Optional[_Iterable[_Union[KeySchemaElement, _Mapping]]] = ..., projection: _Optional[_Union[Projection, _Mapping]] = ..., index_arn: _Optional[str] = ..., index_size_bytes: _Optional[int] = ..., item_count: _Optional[int] = ..., index_status: _Optional[_Union[IndexStatus, str]] = ..., is_backfilling: _Optional[bool] = ..., provisioned_throughput: _Optional[_Union[ProvisionedThroughputDescription, _Mapping]] = ..., on_demand_throughput: _Optional[_Union[OnDemandThroughput, _Mapping]] = ..., warm_throughput: _Optional[_Union[WarmThroughput, _Mapping]] = ..., is_unique: _Optional[bool] = ..., backfilled_count: _Optional[int] = ...) -> None: ...

class BillingModeSummary(_message.Message):
    __slots__ = ("billing_mode", "last_update_to_pay_per_request_date_time_ms")
    BILLING_MODE_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATE_TO_PAY_PER_REQUEST_DATE_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    billing_mode: BillingMode
    last_update_to_pay_per_request_date_time_ms: int
    def __init__(self, billing_mode: _Optional[_Union[BillingMode, str]] = ..., last_update_to_pay_per_request_date_time_ms: _Optional[int] = ...) -> None: ...

class TableDescription(_message.Message):
    __slots__ = ("table_name", "table_status", "table_id", "creation_date_time_ms", "key_schema", "attribute_definitions", "table_arn", "table_size_bytes", "item_count", "local_secondary_indexes", "global_secondary_indexes", "billing_mode_summary", "provisioned_throughput", "on_demand_throughput", "warm_throughput", "stream_specification", "latest_stream_label", "latest_stream_arn", "table_class", "deletion_protection_enabled", "replicas", "conflict_resolution", "restore_summary")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    TABLE_STATUS_FIELD_NUMBER: _ClassVar[int]
    TABLE_ID_FIELD_NUMBER: _ClassVar[int]
    CREATION_DATE_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    KEY_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    TABLE_ARN_FIELD_NUMBER: _ClassVar[int]
    TABLE_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    LOCAL_SECONDARY_INDEXES_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_SECONDARY_INDEXES_FIELD_NUMBER: _ClassVar[int]
    BILLING_MODE_SUMMARY_FIELD_NUMBER: _ClassVar[int]
    PROVISIONED_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    WARM_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    STREAM_SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    LATEST_STREAM_LABEL_FIELD_NUMBER: _ClassVar[int]
    LATEST_STREAM_ARN_FIELD_NUMBER: _ClassVar[int]
    TABLE_CLASS_FIELD_NUMBER: _ClassVar[int]
    DELETION_PROTECTION_ENABLED_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    CONFLICT_RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    RESTORE_SUMMARY_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    table_status: TableStatus
    table_id: str
    creation_date_time_ms: int
    key_schema: _containers.RepeatedCompositeFieldContainer[KeySchemaElement]
    attribute_definitions: _containers.RepeatedCompositeFieldContainer[AttributeDefinition]
    table_arn: str
    table_size_bytes: int
    item_count: int
    local_secondary_indexes: _containers.RepeatedCompositeFieldContainer[IndexDescription]
    global_secondary_indexes: _containers.RepeatedCompositeFieldContainer[IndexDescription]
    billing_mode_summary: BillingModeSummary
    provisioned_throughput: ProvisionedThroughputDescription
    on_demand_throughput: OnDemandThroughput
    warm_throughput: WarmThroughput
    stream_specification: StreamSpecification
    latest_stream_label: str
    latest_stream_arn: str
    table_class: TableClass
    deletion_protection_enabled: bool
    replicas: _containers.RepeatedCompositeFieldContainer[ReplicaDescription]
    conflict_resolution: ConflictResolution
    restore_summary: RestoreSummary
    def __init__(self, table_name: _Optional[str] = ..., table_status: _Optional[_Union[TableStatus, str]] = ..., table_id: _Optional[str] = ..., creation_date_time_ms: _Optional[int] = ..., key_schema: _Optional[_Iterable[_Union[KeySchemaElement, _Mapping]]] = ..., attribute_definitions: _Optional[_Iterable[_Union[AttributeDefinition, _Mapping]]] = ..., table_arn: _Optional[str] = ..., table_size_bytes: _Optional[int] = ..., item_count: _Optional[int] = ..., local_secondary_indexes: _Optional[_Iterable[_Union[IndexDescription, _Mapping]]] = ..., global_secondary_indexes: _Optional[_Iterable[_Union[IndexDescription, _Mapping]]] = ..., billing_mode_summary: _Optional[_Union[BillingModeSummary, _Mapping]] = ..., provisioned_throughput: _Optional[_Union[ProvisionedThroughputDescription, _Mapping]] = ..., on_demand_throughput: _Optional[_Union[OnDemandThroughput, _Mapping]] = ..., warm_throughput: _Optional[_Union[WarmThroughput, _Mapping]] = ..., stream_specification: _Optional[_Union[StreamSpecification, _Mapping]] = ..., latest_stream_label: _Optional[str] = ..., latest_stream_arn: _Optional[str] = ..., table_class: _Optional[_Union[TableClass, str]] = ..., deletion_protection_enabled: _Optional[bool] = ..., replicas: _Optional[_Iterable[_Union[ReplicaDescription, _Mapping]]] = ..., conflict_resolution: _Optional[_Union[ConflictResolution, _Mapping]] = ..., restore_summary: _Optional[_Union[RestoreSummary, _Mapping]] = ...) -> None: ...

class RestoreSummary(_message.Message):
    __slots__ = ("restore_date_time_ms", "restore_in_progress", "source_backup_arn", "source_table_arn", "aside_table_name")
    RESTORE_DATE_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    RESTORE_IN_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_BACKUP_ARN_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TABLE_ARN_FIELD_NUMBER: _ClassVar[int]
    ASIDE_TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    restore_date_time_ms: int
    restore_in_progress: bool
    source_backup_arn: str
    source_table_arn: str
    aside_table_name: str
    def __init__(self, restore_date_time_ms: _Optional[int] = ..., restore_in_progress: _Optional[bool] = ..., source_backup_arn: _Optional[str] = ..., source_table_arn: _Optional[str] = ..., aside_table_name: _Optional[str] = ...) -> None: ...

class ProvisionedThroughputOverride(_message.Message):
    __slots__ = ("read_capacity_units",)
    READ_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    read_capacity_units: int
    def __init__(self, read_capacity_units: _Optional[int] = ...) -> None: ...

class OnDemandThroughputOverride(_message.Message):
    __slots__ = ("max_read_request_units",)
    MAX_READ_REQUEST_UNITS_FIELD_NUMBER: _ClassVar[int]
    max_read_request_units: int
    def __init__(self, max_read_request_units: _Optional[int] = ...) -> None: ...

class ReplicaDescription(_message.Message):
    __slots__ = ("region_name", "replica_status", "replica_status_description", "replica_inaccessible_date_time_ms", "provisioned_throughput_override", "on_demand_throughput_override", "table_class_override")
    REGION_NAME_FIELD_NUMBER: _ClassVar[int]
    REPLICA_STATUS_FIELD_NUMBER: _ClassVar[int]
    REPLICA_STATUS_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    REPLICA_INACCESSIBLE_DATE_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    PROVISIONED_THROUGHPUT_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_THROUGHPUT_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    TABLE_CLASS_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    region_name: str
    replica_status: ReplicaStatus
    replica_status_description: str
    replica_inaccessible_date_time_ms: int
    provisioned_throughput_override: ProvisionedThroughputOverride
    on_demand_throughput_override: OnDemandThroughputOverride
    table_class_override: TableClass
    def __init__(self, region_name: _Optional[str] = ..., replica_status: _Optional[_Union[ReplicaStatus, str]] = ..., replica_status_description: _Optional[str] = ..., replica_inaccessible_date_time_ms: _Optional[int] = ..., provisioned_throughput_override: _Optional[_Union[ProvisionedThroughputOverride, _Mapping]] = ..., on_demand_throughput_override: _Optional[_Union[OnDemandThroughputOverride, _Mapping]] = ..., table_class_override: _Optional[_Union[TableClass, str]] = ...) -> None: ...

class ConflictResolution(_message.Message):
    __slots__ = ("resolver", "counters", "sets", "relays", "function")
    RESOLVER_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    SETS_FIELD_NUMBER: _ClassVar[int]
    RELAYS_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    resolver: Resolver
    counters: _containers.RepeatedScalarFieldContainer[str]
    sets: _containers.RepeatedScalarFieldContainer[str]
    relays: bool
    function: str
    def __init__(self, resolver: _Optional[_Union[Resolver, str]] = ..., counters: _Optional[_Iterable[str]] = ..., sets: _Optional[_Iterable[str]] = ..., relays: _Optional[bool] = ..., function: _Optional[str] = ...) -> None: ...

class CreateReplica(_message.Message):
    __slots__ = ("region_name", "provisioned_throughput_override", "on_demand_throughput_override", "table_class_override")
    REGION_NAME_FIELD_NUMBER: _ClassVar[int]
    PROVISIONED_THROUGHPUT_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_THROUGHPUT_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    TABLE_CLASS_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    region_name: str
    provisioned_throughput_override: ProvisionedThroughputOverride
    on_demand_throughput_override: OnDemandThroughputOverride
    table_class_override: TableClass
    def __init__(self, region_name: _Optional[str] = ..., provisioned_throughput_override: _Optional[_Union[ProvisionedThroughputOverride, _Mapping]] = ..., on_demand_throughput_override: _Optional[_Union[OnDemandThroughputOverride, _Mapping]] = ..., table_class_override: _Optional[_Union[TableClass, str]] = ...) -> None: ...

class UpdateReplica(_message.Message):
    __slots__ = ("region_name", "provisioned_throughput_override", "on_demand_throughput_override", "table_class_override")
    REGION_NAME_FIELD_NUMBER: _ClassVar[int]
    PROVISIONED_THROUGHPUT_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_THROUGHPUT_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    TABLE_CLASS_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    region_name: str
    provisioned_throughput_override: ProvisionedThroughputOverride
    on_demand_throughput_override: OnDemandThroughputOverride
    table_class_override: TableClass
    def __init__(self, region_name: _Optional[str] = ..., provisioned_throughput_override: _Optional[_Union[ProvisionedThroughputOverride, _Mapping]] = ..., on_demand_throughput_override: _Optional[_Union[OnDemandThroughputOverride, _Mapping]] = ..., table_class_override: _Optional[_Union[TableClass, str]] = ...) -> None: ...

class DeleteReplica(_message.Message):
    __slots__ = ("region_name",)
    REGION_NAME_FIELD_NUMBER: _ClassVar[int]
    region_name: str
    def __init__(self, region_name: _Optional[str] = ...) -> None: ...

class ReplicaUpdate(_message.Message):
    __slots__ = ("create_replica", "delete_replica", "update_replica")
    CREATE_REPLICA_FIELD_NUMBER: _ClassVar[int]
    DELETE_REPLICA_FIELD_NUMBER: _ClassVar[int]
    UPDATE_REPLICA_FIELD_NUMBER: _ClassVar[int]
    create_replica: CreateReplica
    delete_replica: DeleteReplica
    update_replica: UpdateReplica
    def __init__(self, create_replica: _Optional[_Union[CreateReplica, _Mapping]] = ..., delete_replica: _Optional[_Union[DeleteReplica, _Mapping]] = ..., update_replica: _Optional[_Union[UpdateReplica, _Mapping]] = ...) -> None: ...

class ReplicaUpdateList(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[ReplicaUpdate]
    def __init__(self, values: _Optional[_Iterable[_Union[ReplicaUpdate, _Mapping]]] = ...) -> None: ...

class CreateTableRequest(_message.Message):
    __slots__ = ("table_name", "key_schema", "attribute_definitions", "local_secondary_indexes", "global_secondary_indexes", "billing_mode", "provisioned_throughput", "on_demand_throughput", "warm_throughput", "stream_specification", "tags", "table_class", "deletion_protection_enabled")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    LOCAL_SECONDARY_INDEXES_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_SECONDARY_INDEXES_FIELD_NUMBER: _ClassVar[int]
    BILLING_MODE_FIELD_NUMBER: _ClassVar[int]
    PROVISIONED_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    WARM_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    STREAM_SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    TABLE_CLASS_FIELD_NUMBER: _ClassVar[int]
    DELETION_PROTECTION_ENABLED_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    key_schema: _containers.RepeatedCompositeFieldContainer[KeySchemaElement]
    attribute_definitions: _containers.RepeatedCompositeFieldContainer[AttributeDefinition]
    local_secondary_indexes: IndexSpecificationList
    global_secondary_indexes: IndexSpecificationList
    billing_mode: BillingMode
    provisioned_throughput: ProvisionedThroughput
    on_demand_throughput: OnDemandThroughput
    warm_throughput: WarmThroughput
    stream_specification: StreamSpecification
    tags: TagList
    table_class: TableClass
    deletion_protection_enabled: bool
    def __init__(self, table_name: _Optional[str] = ..., key_schema: _Optional[_Iterable[_Union[KeySchemaElement, _Mapping]]] = ..., attribute_definitions: _Optional[_Iterable[_Union[AttributeDefinition, _Mapping]]] = ..., local_secondary_indexes: _Optional[_Union[IndexSpecificationList, _Mapping]] = ..., global_secondary_indexes: _Optional[_Union[IndexSpecificationList, _Mapping]] = ..., billing_mode: _Optional[_Union[BillingMode, str]] = ..., provisioned_throughput: _Optional[_Union[ProvisionedThroughput, _Mapping]] = ..., on_demand_throughput: _Optional[_Union[OnDemandThroughput, _Mapping]] = ..., warm_throughput: _Optional[_Union[WarmThroughput, _Mapping]] = ..., stream_specification: _Optional[_Union[StreamSpecification, _Mapping]] = ..., tags: _Optional[_Union[TagList, _Mapping]] = ..., table_class: _Optional[_Union[TableClass, str]] = ..., deletion_protection_enabled: _Optional[bool] = ...) -> None: ...

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

class CreateIndex(_message.Message):
    __slots__ = ("index",)
    INDEX_FIELD_NUMBER: _ClassVar[int]
    index: IndexSpecification
    def __init__(self, index: _Optional[_Union[IndexSpecification, _Mapping]] = ...) -> None: ...

class UpdateIndex(_message.Message):
    __slots__ = ("index_name", "provisioned_throughput", "on_demand_throughput", "warm_throughput")
    INDEX_NAME_FIELD_NUMBER: _ClassVar[int]
    PROVISIONED_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    WARM_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    index_name: str
    provisioned_throughput: ProvisionedThroughput
    on_demand_throughput: OnDemandThroughput
    warm_throughput: WarmThroughput
    def __init__(self, index_name: _Optional[str] = ..., provisioned_throughput: _Optional[_Union[ProvisionedThroughput, _Mapping]] = ..., on_demand_throughput: _Optional[_Union[OnDemandThroughput, _Mapping]] = ..., warm_throughput: _Optional[_Union[WarmThroughput, _Mapping]] = ...) -> None: ...

class DeleteIndex(_message.Message):
    __slots__ = ("index_name",)
    INDEX_NAME_FIELD_NUMBER: _ClassVar[int]
    index_name: str
    def __init__(self, index_name: _Optional[str] = ...) -> None: ...

class IndexUpdate(_message.Message):
    __slots__ = ("create_index", "update_index", "delete_index")
    CREATE_INDEX_FIELD_NUMBER: _ClassVar[int]
    UPDATE_INDEX_FIELD_NUMBER: _ClassVar[int]
    DELETE_INDEX_FIELD_NUMBER: _ClassVar[int]
    create_index: CreateIndex
    update_index: UpdateIndex
    delete_index: DeleteIndex
    def __init__(self, create_index: _Optional[_Union[CreateIndex, _Mapping]] = ..., update_index: _Optional[_Union[UpdateIndex, _Mapping]] = ..., delete_index: _Optional[_Union[DeleteIndex, _Mapping]] = ...) -> None: ...

class IndexUpdateList(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[IndexUpdate]
    def __init__(self, values: _Optional[_Iterable[_Union[IndexUpdate, _Mapping]]] = ...) -> None: ...

class UpdateTableRequest(_message.Message):
    __slots__ = ("table_name", "attribute_definitions", "billing_mode", "provisioned_throughput", "on_demand_throughput", "warm_throughput", "global_secondary_index_updates", "stream_specification", "table_class", "deletion_protection_enabled", "replica_updates", "conflict_resolution")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    BILLING_MODE_FIELD_NUMBER: _ClassVar[int]
    PROVISIONED_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    WARM_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_SECONDARY_INDEX_UPDATES_FIELD_NUMBER: _ClassVar[int]
    STREAM_SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    TABLE_CLASS_FIELD_NUMBER: _ClassVar[int]
    DELETION_PROTECTION_ENABLED_FIELD_NUMBER: _ClassVar[int]
    REPLICA_UPDATES_FIELD_NUMBER: _ClassVar[int]
    CONFLICT_RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    attribute_definitions: AttributeDefinitionList
    billing_mode: BillingMode
    provisioned_throughput: ProvisionedThroughput
    on_demand_throughput: OnDemandThroughput
    warm_throughput: WarmThroughput
    global_secondary_index_updates: IndexUpdateList
    stream_specification: StreamSpecification
    table_class: TableClass
    deletion_protection_enabled: bool
    replica_updates: ReplicaUpdateList
    conflict_resolution: ConflictResolution
    def __init__(self, table_name: _Optional[str] = ..., attribute_definitions: _Optional[_Union[AttributeDefinitionList, _Mapping]] = ..., billing_mode: _Optional[_Union[BillingMode, str]] = ..., provisioned_throughput: _Optional[_Union[ProvisionedThroughput, _Mapping]] = ..., on_demand_throughput: _Optional[_Union[OnDemandThroughput, _Mapping]] = ..., warm_throughput: _Optional[_Union[WarmThroughput, _Mapping]] = ..., global_secondary_index_updates: _Optional[_Union[IndexUpdateList, _Mapping]] = ..., stream_specification: _Optional[_Union[StreamSpecification, _Mapping]] = ..., table_class: _Optional[_Union[TableClass, str]] = ..., deletion_protection_enabled: _Optional[bool] = ..., replica_updates: _Optional[_Union[ReplicaUpdateList, _Mapping]] = ..., conflict_resolution: _Optional[_Union[ConflictResolution, _Mapping]] = ...) -> None: ...

class UpdateTableResponse(_message.Message):
    __slots__ = ("table_description",)
    TABLE_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    table_description: TableDescription
    def __init__(self, table_description: _Optional[_Union[TableDescription, _Mapping]] = ...) -> None: ...

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

class UpdateTimeToLiveRequest(_message.Message):
    __slots__ = ("table_name", "attribute_name", "enabled")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_NAME_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    attribute_name: str
    enabled: bool
    def __init__(self, table_name: _Optional[str] = ..., attribute_name: _Optional[str] = ..., enabled: _Optional[bool] = ...) -> None: ...

class UpdateTimeToLiveResponse(_message.Message):
    __slots__ = ("attribute_name", "enabled")
    ATTRIBUTE_NAME_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    attribute_name: str
    enabled: bool
    def __init__(self, attribute_name: _Optional[str] = ..., enabled: _Optional[bool] = ...) -> None: ...

class DescribeTimeToLiveRequest(_message.Message):
    __slots__ = ("table_name",)
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    def __init__(self, table_name: _Optional[str] = ...) -> None: ...

class DescribeTimeToLiveResponse(_message.Message):
    __slots__ = ("time_to_live_status", "attribute_name")
    TIME_TO_LIVE_STATUS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_NAME_FIELD_NUMBER: _ClassVar[int]
    time_to_live_status: TimeToLiveStatus
    attribute_name: str
    def __init__(self, time_to_live_status: _Optional[_Union[TimeToLiveStatus, str]] = ..., attribute_name: _Optional[str] = ...) -> None: ...

class TagResourceRequest(_message.Message):
    __slots__ = ("resource_arn", "tags")
    RESOURCE_ARN_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    resource_arn: str
    tags: _containers.RepeatedCompositeFieldContainer[Tag]
    def __init__(self, resource_arn: _Optional[str] = ..., tags: _Optional[_Iterable[_Union[Tag, _Mapping]]] = ...) -> None: ...

class TagResourceResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UntagResourceRequest(_message.Message):
    __slots__ = ("resource_arn", "tag_keys")
    RESOURCE_ARN_FIELD_NUMBER: _ClassVar[int]
    TAG_KEYS_FIELD_NUMBER: _ClassVar[int]
    resource_arn: str
    tag_keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, resource_arn: _Optional[str] = ..., tag_keys: _Optional[_Iterable[str]] = ...) -> None: ...

class UntagResourceResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTagsOfResourceRequest(_message.Message):
    __slots__ = ("resource_arn", "next_token")
    RESOURCE_ARN_FIELD_NUMBER: _ClassVar[int]
    NEXT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    resource_arn: str
    next_token: str
    def __init__(self, resource_arn: _Optional[str] = ..., next_token: _Optional[str] = ...) -> None: ...

class ListTagsOfResourceResponse(_message.Message):
    __slots__ = ("tags", "next_token")
    TAGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    tags: _containers.RepeatedCompositeFieldContainer[Tag]
    next_token: str
    def __init__(self, tags: _Optional[_Iterable[_Union[Tag, _Mapping]]] = ..., next_token: _Optional[str] = ...) -> None: ...

class DescribeLimitsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DescribeLimitsResponse(_message.Message):
    __slots__ = ("account_max_read_capacity_units", "account_max_write_capacity_units", "table_max_read_capacity_units", "table_max_write_capacity_units")
    ACCOUNT_MAX_READ_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_MAX_WRITE_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    TABLE_MAX_READ_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    TABLE_MAX_WRITE_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    account_max_read_capacity_units: int
    account_max_write_capacity_units: int
    table_max_read_capacity_units: int
    table_max_write_capacity_units: int
    def __init__(self, account_max_read_capacity_units: _Optional[int] = ..., account_max_write_capacity_units: _Optional[int] = ..., table_max_read_capacity_units: _Optional[int] = ..., table_max_write_capacity_units: _Optional[int] = ...) -> None: ...
