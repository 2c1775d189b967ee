"""Requests and results about backups and what is restored from them.

A backup is named by its ARN or, at the native doors, by its id alone, which is what the ARN ends with. A
backup of a whole database, which the service does not know, has the ARN of the database in its own and
no source table.

Source: service model, CreateBackup, DescribeBackup, ListBackups, DeleteBackup.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from kvdb.api.tables import (
    BillingMode,
    IndexSpecification,
    KeySchemaElement,
    OnDemandThroughput,
    Projection,
    ProvisionedThroughput,
    StreamSpecification,
    TableDescription,
)

BackupStatus = Literal["CREATING", "AVAILABLE", "DELETED"]
BackupType = Literal["USER", "SYSTEM"]
BackupTypeFilter = Literal["USER", "SYSTEM", "AWS_BACKUP", "ALL"]


@dataclass(frozen=True, slots=True)
class BackupDetails:
    backup_arn: str
    backup_name: str
    backup_status: BackupStatus
    backup_type: BackupType
    """SYSTEM: a base of the continuous archive."""
    backup_creation_date_time_ms: int
    backup_size_bytes: int | None = None
    seqno: int | None = None
    """Native: the commit it is as of."""


@dataclass(frozen=True, slots=True)
class SourceTableDetails:
    """The table as it was."""

    table_name: str
    table_id: str
    table_arn: str
    table_creation_date_time_ms: int
    key_schema: tuple[KeySchemaElement, ...]
    provisioned_throughput: ProvisionedThroughput
    on_demand_throughput: OnDemandThroughput | None = None
    billing_mode: BillingMode | None = None
    table_size_bytes: int = 0
    item_count: int = 0
    """As the last census before the backup found."""


@dataclass(frozen=True, slots=True)
class IndexInfo:
    index_name: str
    key_schema: tuple[KeySchemaElement, ...]
    projection: Projection
    provisioned_throughput: ProvisionedThroughput | None = None
    """Of a global index, as the next."""
    on_demand_throughput: OnDemandThroughput | None = None


@dataclass(frozen=True, slots=True)
class SourceTableFeatureDetails:
    local_secondary_indexes: tuple[IndexInfo, ...] = ()
    global_secondary_indexes: tuple[IndexInfo, ...] = ()
    stream_description: StreamSpecification | None = None
    time_to_live_attribute: str | None = None
    """``None``: no items expired."""


@dataclass(frozen=True, slots=True)
class BackupDescription:
    backup_details: BackupDetails
    source_table_details: SourceTableDetails | None = None
    source_table_feature_details: SourceTableFeatureDetails | None = None
    table_names: tuple[str, ...] = ()
    """Native: every table in it."""


@dataclass(frozen=True, slots=True)
class BackupSummary:
    backup_arn: str
    backup_name: str
    backup_status: BackupStatus
    backup_type: BackupType
    backup_creation_date_time_ms: int
    backup_size_bytes: int | None = None
    table_name: str | None = None
    """``None``: a whole database."""
    table_id: str | None = None
    table_arn: str | None = None


@dataclass(frozen=True, slots=True)
class CreateBackup:
    """Begin a backup of a table, or (native) of the whole database. ``DescribeBackup`` tells of its end."""

    backup_name: str
    table_name: str | None = None


@dataclass(frozen=True, slots=True)
class CreateBackupResult:
    backup_details: BackupDetails


@dataclass(frozen=True, slots=True)
class DescribeBackup:
    backup_arn: str


@dataclass(frozen=True, slots=True)
class DescribeBackupResult:
    backup_description: BackupDescription


@dataclass(frozen=True, slots=True)
class ListBackups:
    """The backups in the store, oldest first."""

    table_name: str | None = None
    limit: int | None = None
    time_range_lower_bound_ms: int | None = None
    """Inclusive."""
    time_range_upper_bound_ms: int | None = None
    """Exclusive."""
    exclusive_start_backup_arn: str | None = None
    backup_type: BackupTypeFilter | None = None
    """``None``: USER."""


@dataclass(frozen=True, slots=True)
class ListBackupsResult:
    backup_summaries: list[BackupSummary]
    last_evaluated_backup_arn: str | None = None


@dataclass(frozen=True, slots=True)
class DeleteBackup:
    """The backup is gone at once; what only it had leaves the store in the background."""

    backup_arn: str


@dataclass(frozen=True, slots=True)
class DeleteBackupResult:
    backup_description: BackupDescription


@dataclass(frozen=True, slots=True)
class RestoreTableFromBackup:
    """Begin to make a table of a backup. It is CREATING until every row is there.

    Source: service model, RestoreTableFromBackup.
    """

    target_table_name: str
    backup_arn: str
    billing_mode_override: BillingMode | None = None
    global_secondary_index_override: list[IndexSpecification] | None = None
    """The indexes to keep, as they are in the backup; ``None``: all."""
    local_secondary_index_override: list[IndexSpecification] | None = None
    provisioned_throughput_override: ProvisionedThroughput | None = None
    on_demand_throughput_override: OnDemandThroughput | None = None
    source_table_name: str | None = None
    """Native: which table of a backup that has several."""
    in_place: bool = False
    """Native: the target is there; what it holds is kept aside until ``SettleRestore``."""


@dataclass(frozen=True, slots=True)
class RestoreTableFromBackupResult:
    table_description: TableDescription
    job_id: str = ""
    """Native."""


@dataclass(frozen=True, slots=True)
class SettleRestore:
    """Native: confirm a restore in place, which drops what was kept aside; or roll it back."""

    table_name: str
    roll_back: bool = False


@dataclass(frozen=True, slots=True)
class SettleRestoreResult:
    table_description: TableDescription


BackupRequest: TypeAlias = (
    CreateBackup | DescribeBackup | ListBackups | DeleteBackup | RestoreTableFromBackup | SettleRestore
)
BackupResult: TypeAlias = (
    CreateBackupResult
    | DescribeBackupResult
    | ListBackupsResult
    | DeleteBackupResult
    | RestoreTableFromBackupResult
    | SettleRestoreResult
)
