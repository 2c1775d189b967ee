"""The table of operations: name -> request type, result type, action name for policies.

Doors, dispatch and clients walk this table, so an operation that is missing somewhere is
found by a test and not by a user.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from kvdb.api.admin import DescribeCheck, DescribeCheckResult, StartCheck, StartCheckResult
from kvdb.api.archive import (
    ArchiveRequest,
    ArchiveResult,
    DescribeArchive,
    DescribeArchiveResult,
    DescribeContinuousBackups,
    DescribeContinuousBackupsResult,
    LabelArchive,
    LabelArchiveResult,
    RestoreTableToPointInTime,
    RestoreTableToPointInTimeResult,
    UpdateContinuousBackups,
    UpdateContinuousBackupsResult,
)
from kvdb.api.backups import (
    BackupRequest,
    BackupResult,
    CreateBackup,
    CreateBackupResult,
    DeleteBackup,
    DeleteBackupResult,
    DescribeBackup,
    DescribeBackupResult,
    ListBackups,
    ListBackupsResult,
    RestoreTableFromBackup,
    RestoreTableFromBackupResult,
    SettleRestore,
    SettleRestoreResult,
)
from kvdb.api.items import (
    BatchGetItem,
    BatchGetItemResult,
    BatchWriteItem,
    BatchWriteItemResult,
    CommitTransaction,
    CommitTransactionResult,
    DeleteItem,
    DeleteItemResult,
    GetItem,
    GetItemResult,
    ListItemVersions,
    ListItemVersionsResult,
    OpenSnapshot,
    OpenSnapshotResult,
    Page,
    PutItem,
    PutItemResult,
    Query,
    ReleaseSnapshot,
    ReleaseSnapshotResult,
    Scan,
    TransactGetItems,
    TransactGetItemsResult,
    TransactWriteItems,
    TransactWriteItemsResult,
    UpdateItem,
    UpdateItemResult,
)
from kvdb.api.jobs import (
    CancelJob,
    CancelJobResult,
    DescribeJob,
    DescribeJobResult,
    JobRequest,
    JobResult,
    ListJobs,
    ListJobsResult,
)
from kvdb.api.replicas import (
    DescribeReplicas,
    DescribeReplicasResult,
    ListConflicts,
    ListConflictsResult,
    ReplicaRequest,
    ReplicaResult,
    ReseedTable,
    ReseedTableResult,
)
from kvdb.api.streams import (
    DescribeStream,
    DescribeStreamResult,
    GetRecords,
    GetRecordsResult,
    GetShardIterator,
    GetShardIteratorResult,
    ListStreams,
    ListStreamsResult,
    StreamRequest,
    StreamResult,
    UpdateStream,
    UpdateStreamResult,
)
from kvdb.api.tables import (
    CreateTable,
    CreateTableResult,
    DeleteTable,
    DeleteTableResult,
    DescribeLimits,
    DescribeLimitsResult,
    DescribeTable,
    DescribeTableResult,
    DescribeTimeToLive,
    DescribeTimeToLiveResult,
    ListTables,
    ListTablesResult,
    ListTagsOfResource,
    ListTagsOfResourceResult,
    TagResource,
    TagResourceResult,
    UntagResource,
    UntagResourceResult,
    UpdateTable,
    UpdateTableResult,
    UpdateTimeToLive,
    UpdateTimeToLiveResult,
)
from kvdb.api.transfers import (
    DescribeExport,
    DescribeExportResult,
    DescribeImport,
    DescribeImportResult,
    ExportTableToPointInTime,
    ExportTableToPointInTimeResult,
    ImportTable,
    ImportTableResult,
    ListExports,
    ListExportsResult,
    ListImports,
    ListImportsResult,
    TransferRequest,
    TransferResult,
)

Request: TypeAlias = (
    GetItem
    | PutItem
    | UpdateItem
    | DeleteItem
    | Query
    | Scan
    | BatchGetItem
    | BatchWriteItem
    | TransactGetItems
    | TransactWriteItems
    | OpenSnapshot
    | ReleaseSnapshot
    | ListItemVersions
    | CommitTransaction
    | CreateTable
    | DescribeTable
    | UpdateTable
    | ListTables
    | DeleteTable
    | UpdateTimeToLive
    | DescribeTimeToLive
    | TagResource
    | UntagResource
    | ListTagsOfResource
    | DescribeLimits
    | StartCheck
    | DescribeCheck
    | ArchiveRequest
    | ReplicaRequest
    | StreamRequest
    | JobRequest
    | BackupRequest
    | TransferRequest
)
Result: TypeAlias = (
    GetItemResult
    | PutItemResult
    | UpdateItemResult
    | DeleteItemResult
    | Page
    | BatchGetItemResult
    | BatchWriteItemResult
    | TransactGetItemsResult
    | TransactWriteItemsResult
    | OpenSnapshotResult
    | ReleaseSnapshotResult
    | ListItemVersionsResult
    | CommitTransactionResult
    | CreateTableResult
    | DescribeTableResult
    | UpdateTableResult
    | ListTablesResult
    | DeleteTableResult
    | UpdateTimeToLiveResult
    | DescribeTimeToLiveResult
    | TagResourceResult
    | UntagResourceResult
    | ListTagsOfResourceResult
    | DescribeLimitsResult
    | StartCheckResult
    | DescribeCheckResult
    | ArchiveResult
    | ReplicaResult
    | StreamResult
    | JobResult
    | BackupResult
    | TransferResult
)


class Operation(NamedTuple):
    """One row of the table."""

    name: str
    request: type[Request]
    result: type[Result]
    is_read: bool
    """Changes nothing, so a client may send it again after any failure."""

    @property
    def action(self) -> str:
        """The name policies use."""
        return f"dynamodb:{self.name}"


OPERATIONS: tuple[Operation, ...] = (
    Operation("GetItem", GetItem, GetItemResult, True),
    Operation("PutItem", PutItem, PutItemResult, False),
    Operation("UpdateItem", UpdateItem, UpdateItemResult, False),
    Operation("DeleteItem", DeleteItem, DeleteItemResult, False),
    Operation("Query", Query, Page, True),
    Operation("Scan", Scan, Page, True),
    Operation("BatchGetItem", BatchGetItem, BatchGetItemResult, True),
    Operation("BatchWriteItem", BatchWriteItem, BatchWriteItemResult, False),
    Operation("TransactGetItems", TransactGetItems, TransactGetItemsResult, True),
    Operation("TransactWriteItems", TransactWriteItems, TransactWriteItemsResult, False),
    Operation("OpenSnapshot", OpenSnapshot, OpenSnapshotResult, True),
    Operation("ReleaseSnapshot", ReleaseSnapshot, ReleaseSnapshotResult, True),
    Operation("ListItemVersions", ListItemVersions, ListItemVersionsResult, True),
    Operation("CommitTransaction", CommitTransaction, CommitTransactionResult, False),
    Operation("CreateTable", CreateTable, CreateTableResult, False),
    Operation("DescribeTable", DescribeTable, DescribeTableResult, True),
    Operation("UpdateTable", UpdateTable, UpdateTableResult, False),
    Operation("ListTables", ListTables, ListTablesResult, True),
    Operation("DeleteTable", DeleteTable, DeleteTableResult, False),
    Operation("UpdateTimeToLive", UpdateTimeToLive, UpdateTimeToLiveResult, False),
    Operation("DescribeTimeToLive", DescribeTimeToLive, DescribeTimeToLiveResult, True),
    Operation("TagResource", TagResource, TagResourceResult, False),
    Operation("UntagResource", UntagResource, UntagResourceResult, False),
    Operation("ListTagsOfResource", ListTagsOfResource, ListTagsOfResourceResult, True),
    Operation("DescribeLimits", DescribeLimits, DescribeLimitsResult, True),
    Operation("StartCheck", StartCheck, StartCheckResult, True),
    Operation("DescribeCheck", DescribeCheck, DescribeCheckResult, True),
    Operation("CreateBackup", CreateBackup, CreateBackupResult, False),
    Operation("DescribeBackup", DescribeBackup, DescribeBackupResult, True),
    Operation("ListBackups", ListBackups, ListBackupsResult, True),
    Operation("DeleteBackup", DeleteBackup, DeleteBackupResult, False),
    Operation("RestoreTableFromBackup", RestoreTableFromBackup, RestoreTableFromBackupResult, False),
    Operation("SettleRestore", SettleRestore, SettleRestoreResult, False),
    Operation("DescribeJob", DescribeJob, DescribeJobResult, True),
    Operation("ListJobs", ListJobs, ListJobsResult, True),
    Operation("CancelJob", CancelJob, CancelJobResult, False),
    Operation("UpdateContinuousBackups", UpdateContinuousBackups, UpdateContinuousBackupsResult, False),
    Operation("DescribeContinuousBackups", DescribeContinuousBackups, DescribeContinuousBackupsResult, True),
    Operation("RestoreTableToPointInTime", RestoreTableToPointInTime, RestoreTableToPointInTimeResult, False),
    Operation("DescribeArchive", DescribeArchive, DescribeArchiveResult, True),
    Operation("LabelArchive", LabelArchive, LabelArchiveResult, False),
    Operation("DescribeReplicas", DescribeReplicas, DescribeReplicasResult, True),
    Operation("ReseedTable", ReseedTable, ReseedTableResult, False),
    Operation("ListConflicts", ListConflicts, ListConflictsResult, True),
    Operation("ListStreams", ListStreams, ListStreamsResult, True),
    Operation("DescribeStream", DescribeStream, DescribeStreamResult, True),
    Operation("GetShardIterator", GetShardIterator, GetShardIteratorResult, True),
    Operation("GetRecords", GetRecords, GetRecordsResult, True),
    Operation("UpdateStream", UpdateStream, UpdateStreamResult, False),
    Operation("ExportTableToPointInTime", ExportTableToPointInTime, ExportTableToPointInTimeResult, False),
    Operation("DescribeExport", DescribeExport, DescribeExportResult, True),
    Operation("ListExports", ListExports, ListExportsResult, True),
    Operation("ImportTable", ImportTable, ImportTableResult, False),
    Operation("DescribeImport", DescribeImport, DescribeImportResult, True),
    Operation("ListImports", ListImports, ListImportsResult, True),
)

BY_NAME: Mapping[str, Operation] = {operation.name: operation for operation in OPERATIONS}
BY_REQUEST: Mapping[type, Operation] = {operation.request: operation for operation in OPERATIONS}
