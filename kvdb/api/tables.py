"""Requests and results of the table operations: tables, indexes, time to live, tags, limits.

Names, defaults and meanings are the service's; what is ours alone says "Native".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

AttributeType = Literal["S", "N", "B"]
KeyType = Literal["HASH", "RANGE"]
TableStatus = Literal["CREATING", "UPDATING", "ACTIVE", "DELETING"]
IndexStatus = Literal["CREATING", "UPDATING", "ACTIVE", "DELETING"]
ProjectionType = Literal["ALL", "KEYS_ONLY", "INCLUDE"]
BillingMode = Literal["PROVISIONED", "PAY_PER_REQUEST"]
TableClass = Literal["STANDARD", "STANDARD_INFREQUENT_ACCESS"]
StreamViewType = Literal["NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"]
TimeToLiveStatus = Literal["ENABLING", "DISABLING", "ENABLED", "DISABLED"]
IndexKind = Literal["LOCAL", "GLOBAL"]
ResolverKind = Literal["last_writer", "attributes", "callable"]
ReplicaStatus = Literal[
    "CREATING", "ACTIVE", "CREATION_FAILED", "REGION_DISABLED", "REPLICATION_NOT_AUTHORIZED"
]
"""Failed: the region has a table that cannot be shared; disabled: it is not heard of; not authorized: its
table must begin anew, or a page was refused. The description says more."""


@dataclass(frozen=True, slots=True)
class AttributeDefinition:
    """The type of one key attribute."""

    attribute_name: str
    attribute_type: AttributeType


@dataclass(frozen=True, slots=True)
class KeySchemaElement:
    """One key attribute and its role: HASH is the partition key, RANGE the sort key."""

    attribute_name: str
    key_type: KeyType


@dataclass(frozen=True, slots=True)
class Projection:
    """Which attributes an index holds besides its keys and the table's."""

    projection_type: ProjectionType | None = None
    non_key_attributes: tuple[str, ...] | None = None
    """With INCLUDE only."""


@dataclass(frozen=True, slots=True)
class ProvisionedThroughput:
    read_capacity_units: int
    write_capacity_units: int


@dataclass(frozen=True, slots=True)
class OnDemandThroughput:
    """Upper bounds of an on-demand table or index; -1 is none."""

    max_read_request_units: int | None = None
    max_write_request_units: int | None = None


@dataclass(frozen=True, slots=True)
class WarmThroughput:
    """Stored and described; kvdb has nothing to warm."""

    read_units_per_second: int | None = None
    write_units_per_second: int | None = None


@dataclass(frozen=True, slots=True)
class StreamSpecification:
    """Whether changes are recorded, and with which images."""

    stream_enabled: bool
    stream_view_type: StreamViewType | None = None
    retention_ms: int | None = None
    """kvdb's own: for how long records are kept, 1 hour to 365 days; 24 hours unless given."""


@dataclass(frozen=True, slots=True)
class Tag:
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class IndexSpecification:
    """A secondary index, as a request asks for it."""

    index_name: str
    key_schema: tuple[KeySchemaElement, ...]
    """Local: HASH and RANGE. Global: 1 to 4 HASH elements, then up to 4 RANGE elements."""
    projection: Projection
    provisioned_throughput: ProvisionedThroughput | None = None
    """Global indexes only, as the two below."""
    on_demand_throughput: OnDemandThroughput | None = None
    warm_throughput: WarmThroughput | None = None
    is_unique: bool = False
    """Native, global indexes only: two items with one index key are refused."""


# Descriptions.


@dataclass(frozen=True, slots=True)
class ProvisionedThroughputDescription:
    read_capacity_units: int = 0
    write_capacity_units: int = 0
    number_of_decreases_today: int = 0
    last_increase_date_time_ms: int | None = None
    last_decrease_date_time_ms: int | None = None


@dataclass(frozen=True, slots=True)
class IndexDescription:
    """A secondary index, as ``DescribeTable`` tells of it."""

    kind: IndexKind
    index_name: str
    key_schema: tuple[KeySchemaElement, ...]
    projection: Projection
    index_arn: str
    index_size_bytes: int = 0
    item_count: int = 0
    index_status: IndexStatus | None = None
    """Global indexes only, as all below."""
    is_backfilling: bool | None = None
    """While it is created: whether existing rows are being added. Absent otherwise."""
    provisioned_throughput: ProvisionedThroughputDescription | None = None
    on_demand_throughput: OnDemandThroughput | None = None
    warm_throughput: WarmThroughput | None = None
    is_unique: bool = False
    """Native."""
    backfilled_count: int | None = None
    """Native: rows of the table looked at so far, while it is created."""


@dataclass(frozen=True, slots=True)
class BillingModeSummary:
    billing_mode: BillingMode
    last_update_to_pay_per_request_date_time_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ProvisionedThroughputOverride:
    """One region's own bound of reads; writes come to all."""

    read_capacity_units: int | None = None


@dataclass(frozen=True, slots=True)
class OnDemandThroughputOverride:
    """As ``OnDemandThroughput``, of one region's reads."""

    max_read_request_units: int | None = None


@dataclass(frozen=True, slots=True)
class ReplicaDescription:
    """One region of a shared table, as the region that is asked knows it."""

    region_name: str
    replica_status: ReplicaStatus
    replica_status_description: str | None = None
    replica_inaccessible_date_time_ms: int | None = None
    """With REGION_DISABLED: since when it has not been heard of."""
    provisioned_throughput_override: ProvisionedThroughputOverride | None = None
    """What only this region has, as the two below."""
    on_demand_throughput_override: OnDemandThroughputOverride | None = None
    table_class_override: TableClass | None = None


@dataclass(frozen=True, slots=True)
class ConflictResolution:
    """kvdb's own: what becomes of versions of one item that regions wrote without knowing of each other."""

    resolver: ResolverKind = "last_writer"
    counters: tuple[str, ...] = ()
    """Attributes that are counters, with "attributes"."""
    sets: tuple[str, ...] = ()
    """Attributes that are sets merged by element, with "attributes"."""
    relays: bool = False
    """Whether what came from one peer travels on to the others, where not all are peers of all."""
    function: str = ""
    """Which of the functions that regions were given resolves conflicts, with "callable"; empty in a request:
    the only one that was given to the region that is asked."""


@dataclass(frozen=True, slots=True)
class RestoreSummary:
    """Source: API Reference, RestoreSummary."""

    restore_date_time_ms: int
    restore_in_progress: bool
    source_backup_arn: str | None = None
    source_table_arn: str | None = None
    aside_table_name: str | None = None
    """Native: the table that holds what was here before a restore in place, until it is settled."""


@dataclass(frozen=True, slots=True)
class TableDescription:
    """What ``DescribeTable`` tells."""

    table_name: str
    table_status: TableStatus
    table_id: str
    """A UUID, new for each table, also when a name is used again."""
    creation_date_time_ms: int
    """Wall time of creation, milliseconds since 1970."""
    key_schema: tuple[KeySchemaElement, ...]
    attribute_definitions: tuple[AttributeDefinition, ...]
    table_arn: str = ""
    table_size_bytes: int = 0
    item_count: int = 0
    local_secondary_indexes: tuple[IndexDescription, ...] = ()
    global_secondary_indexes: tuple[IndexDescription, ...] = ()
    billing_mode_summary: BillingModeSummary | None = None
    provisioned_throughput: ProvisionedThroughputDescription = ProvisionedThroughputDescription()
    on_demand_throughput: OnDemandThroughput | None = None
    warm_throughput: WarmThroughput | None = None
    stream_specification: StreamSpecification | None = None
    latest_stream_label: str | None = None
    latest_stream_arn: str | None = None
    table_class: TableClass | None = None
    deletion_protection_enabled: bool = False
    replicas: tuple[ReplicaDescription, ...] = ()
    conflict_resolution: ConflictResolution | None = None
    """kvdb's own."""
    restore_summary: RestoreSummary | None = None

    @property
    def global_table_version(self) -> str | None:
        """Of the service's two ways to share a table, the one that this is like."""
        return "2019.11.21" if self.replicas else None

    @property
    def multi_region_consistency(self) -> str | None:
        return "EVENTUAL" if self.replicas else None


# Tables.


@dataclass(slots=True)
class CreateTable:
    """Source: API Reference, CreateTable."""

    table_name: str
    key_schema: list[KeySchemaElement]
    attribute_definitions: list[AttributeDefinition]
    local_secondary_indexes: list[IndexSpecification] | None = None
    global_secondary_indexes: list[IndexSpecification] | None = None
    billing_mode: BillingMode | None = None
    """``None`` through the native doors is PAY_PER_REQUEST; the HTTP door holds it to the service's
    rule (PROVISIONED, which needs a throughput)."""
    provisioned_throughput: ProvisionedThroughput | None = None
    on_demand_throughput: OnDemandThroughput | None = None
    warm_throughput: WarmThroughput | None = None
    stream_specification: StreamSpecification | None = None
    tags: list[Tag] | None = None
    table_class: TableClass | None = None
    deletion_protection_enabled: bool = False


@dataclass(slots=True)
class CreateTableResult:
    table_description: TableDescription


@dataclass(slots=True)
class DescribeTable:
    """Source: API Reference, DescribeTable. A table's ARN serves as its name, here and everywhere."""

    table_name: str


@dataclass(slots=True)
class DescribeTableResult:
    table: TableDescription


@dataclass(slots=True)
class CreateIndex:
    """A new global index in an ``UpdateTable``."""

    index: IndexSpecification


@dataclass(slots=True)
class UpdateIndex:
    """New throughput of a global index in an ``UpdateTable``."""

    index_name: str
    provisioned_throughput: ProvisionedThroughput | None = None
    on_demand_throughput: OnDemandThroughput | None = None
    warm_throughput: WarmThroughput | None = None


@dataclass(slots=True)
class DeleteIndex:
    """The end of a global index in an ``UpdateTable``."""

    index_name: str


IndexUpdate: TypeAlias = CreateIndex | UpdateIndex | DeleteIndex


@dataclass(slots=True)
class CreateReplica:
    """Another region that shares the table, in an ``UpdateTable``: a peer, or one that peers relay to."""

    region_name: str
    provisioned_throughput_override: ProvisionedThroughputOverride | None = None
    """What only this region has, as the two below."""
    on_demand_throughput_override: OnDemandThroughputOverride | None = None
    table_class_override: TableClass | None = None


@dataclass(slots=True)
class UpdateReplica:
    """What only one region of a table shall have, in an ``UpdateTable``. What is ``None`` stays as it is."""

    region_name: str
    provisioned_throughput_override: ProvisionedThroughputOverride | None = None
    on_demand_throughput_override: OnDemandThroughputOverride | None = None
    table_class_override: TableClass | None = None


@dataclass(slots=True)
class DeleteReplica:
    """The end of a region's part in a table, in an ``UpdateTable``. There the table goes on alone."""

    region_name: str


ReplicaUpdate: TypeAlias = CreateReplica | UpdateReplica | DeleteReplica


@dataclass(slots=True)
class UpdateTable:
    """Source: API Reference, UpdateTable. What is ``None`` stays as it is."""

    table_name: str
    attribute_definitions: list[AttributeDefinition] | None = None
    billing_mode: BillingMode | None = None
    provisioned_throughput: ProvisionedThroughput | None = None
    on_demand_throughput: OnDemandThroughput | None = None
    warm_throughput: WarmThroughput | None = None
    global_secondary_index_updates: list[IndexUpdate] | None = None
    """The service takes one creation or deletion a call (profile ``aws``); the native doors take several."""
    stream_specification: StreamSpecification | None = None
    table_class: TableClass | None = None
    deletion_protection_enabled: bool | None = None
    replica_updates: list[ReplicaUpdate] | None = None
    conflict_resolution: ConflictResolution | None = None
    """kvdb's own."""


@dataclass(slots=True)
class UpdateTableResult:
    table_description: TableDescription


@dataclass(slots=True)
class ListTables:
    """Source: API Reference, ListTables. Names in byte order."""

    exclusive_start_table_name: str | None = None
    limit: int | None = None


@dataclass(slots=True)
class ListTablesResult:
    table_names: list[str]
    last_evaluated_table_name: str | None = None


@dataclass(slots=True)
class DeleteTable:
    """Source: API Reference, DeleteTable. The name is free at once; the rows go in the background."""

    table_name: str


@dataclass(slots=True)
class DeleteTableResult:
    table_description: TableDescription


# Time to live.


@dataclass(slots=True)
class UpdateTimeToLive:
    """Source: API Reference, UpdateTimeToLive."""

    table_name: str
    attribute_name: str
    enabled: bool


@dataclass(slots=True)
class UpdateTimeToLiveResult:
    attribute_name: str
    enabled: bool


@dataclass(slots=True)
class DescribeTimeToLive:
    """Source: API Reference, DescribeTimeToLive."""

    table_name: str


@dataclass(slots=True)
class DescribeTimeToLiveResult:
    time_to_live_status: TimeToLiveStatus
    attribute_name: str | None = None


# Tags.


@dataclass(slots=True)
class TagResource:
    """Source: API Reference, TagResource. Only tables have tags."""

    resource_arn: str
    tags: list[Tag]


@dataclass(slots=True)
class TagResourceResult:
    pass


@dataclass(slots=True)
class UntagResource:
    """Source: API Reference, UntagResource."""

    resource_arn: str
    tag_keys: list[str]


@dataclass(slots=True)
class UntagResourceResult:
    pass


@dataclass(slots=True)
class ListTagsOfResource:
    """Source: API Reference, ListTagsOfResource."""

    resource_arn: str
    next_token: str | None = None


@dataclass(slots=True)
class ListTagsOfResourceResult:
    tags: list[Tag] = field(default_factory=list)
    next_token: str | None = None


# Limits.


@dataclass(slots=True)
class DescribeLimits:
    """Source: API Reference, DescribeLimits."""


@dataclass(slots=True)
class DescribeLimitsResult:
    account_max_read_capacity_units: int
    account_max_write_capacity_units: int
    table_max_read_capacity_units: int
    table_max_write_capacity_units: int
