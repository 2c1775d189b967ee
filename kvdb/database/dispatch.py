"""Which function serves which request: one table for answers, one for writes of items.

A write of items is a generator of effects (``table/writer``), because it is driven in two ways;
everything else is a plain function that answers. Each gets the ``TableFloor`` and the request,
which ``api/validation`` has passed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from kvdb import limits
from kvdb.api import validation
from kvdb.api.admin import DescribeCheck, DescribeCheckResult, StartCheck, StartCheckResult
from kvdb.api.archive import (
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
    ListJobs,
    ListJobsResult,
)
from kvdb.api.operations import Request, Result
from kvdb.api.replicas import (
    DescribeReplicas,
    DescribeReplicasResult,
    ListConflicts,
    ListConflictsResult,
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
    TableDescription,
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
)
from kvdb.backup.continuous import ContinuousBackups
from kvdb.backup.service import BackupService
from kvdb.backup.transfer.calls import TransferService
from kvdb.database import check
from kvdb.database.background import Background
from kvdb.errors import UnknownOperation
from kvdb.limits import LimitsProfile
from kvdb.lsm.engine import Engine
from kvdb.replica.regions import Regions
from kvdb.stream.service import StreamService
from kvdb.table import batch, history, query, reader, scan, writer
from kvdb.table.catalog import Catalog
from kvdb.table.change import Arrivals
from kvdb.table.client_tokens import ClientTokens
from kvdb.table.latches import Latches
from kvdb.table.snapshots import Snapshots
from kvdb.table.transaction import Transactions
from kvdb.table.writer import Defer, Done, Steps, Writer

_PRESENT = (None, None, None)


@dataclass(frozen=True, slots=True)
class TableFloor:
    """What serving a request takes."""

    engine: Engine
    catalog: Catalog
    latches: Latches
    writer: Writer
    tokens: ClientTokens
    snapshots: Snapshots
    streams: StreamService
    backups: BackupService
    transfers: TransferService
    arrivals: Arrivals
    background: Background
    continuous: ContinuousBackups
    regions: Regions

    @property
    def profile(self) -> LimitsProfile:
        """The limits in force."""
        return self.writer.profile

    def under(self, profile: LimitsProfile) -> TableFloor:
        """The same floor, held to other limits."""
        return self if profile is self.profile else replace(self, writer=self.writer.under(profile))

    @property
    def transactions(self) -> Transactions:
        """Under the limits in force."""
        return Transactions(self.catalog, self.engine, self.latches, self.writer, self.tokens, self.snapshots)


def serve(floor: TableFloor, request: Request) -> Result:
    """Check and answer a request on the caller's thread.

    Raises:
        KvdbError: what the request deserves.
    """
    steps_of = _WRITES.get(type(request))
    if steps_of is not None:
        validation.check(request, floor.profile)
        return writer.run(steps_of(floor, request), floor.engine, floor.latches)
    answer = _ANSWERS.get(type(request))
    if answer is None:
        raise UnknownOperation(f"not a request: {type(request).__name__}")
    validation.check(request, floor.profile)
    return answer(floor, request)


def serve_briefly(floor: TableFloor, request: Query) -> Page | None:
    """As ``serve``, if that takes next to no time; ``None``, and nothing done, if it does not."""
    validation.check(request, floor.profile)
    if (request.snapshot_id, request.as_of_seqno, request.as_of_ms) != _PRESENT:
        return None
    return query.run_brief_query(floor.catalog, floor.engine, request, profile=floor.profile)


def submit(floor: TableFloor, request: Request, done: Done[Result], defer: Defer) -> None:
    """As ``serve``, for point operations on an event loop; see ``table/writer.submit``.

    Raises:
        KvdbError: found wrong before anything was begun; ``done`` is then not called.
    """
    if not isinstance(request, (GetItem, PutItem, UpdateItem, DeleteItem)):
        raise UnknownOperation(f"not a point operation: {type(request).__name__}")
    validation.check(request, floor.profile)
    if isinstance(request, GetItem):
        result = _get_item(floor, request)
        done(result, None)
        return
    writer.submit(_WRITES[type(request)](floor, request), floor.engine, floor.latches, done, defer)


# Writes of items.


def _put_item(floor: TableFloor, request: PutItem) -> Steps[PutItemResult]:
    return floor.writer.put_item(request)


def _update_item(floor: TableFloor, request: UpdateItem) -> Steps[UpdateItemResult]:
    return floor.writer.update_item(request)


def _delete_item(floor: TableFloor, request: DeleteItem) -> Steps[DeleteItemResult]:
    return floor.writer.delete_item(request)


def _batch_write_item(floor: TableFloor, request: BatchWriteItem) -> Steps[BatchWriteItemResult]:
    return batch.write_items(floor.catalog, floor.writer, request)


def _transact_write_items(floor: TableFloor, request: TransactWriteItems) -> Steps[TransactWriteItemsResult]:
    return floor.transactions.write_items(request)


def _commit_transaction(floor: TableFloor, request: CommitTransaction) -> Steps[CommitTransactionResult]:
    return floor.transactions.commit_native(request)


# Answers.


def _get_item(floor: TableFloor, request: GetItem) -> GetItemResult:
    if (request.snapshot_id, request.as_of_seqno, request.as_of_ms) == _PRESENT:
        return reader.get_item(floor.catalog, floor.engine, request)
    with floor.snapshots.at(request) as at:
        return reader.get_item(floor.catalog, floor.engine, request, at=at)


def _query(floor: TableFloor, request: Query) -> Page:
    with floor.snapshots.at(request) as at:
        return query.run_query(floor.catalog, floor.engine, request, at=at, profile=floor.profile)


def _scan(floor: TableFloor, request: Scan) -> Page:
    with floor.snapshots.at(request) as at:
        return scan.run_scan(floor.catalog, floor.engine, request, at=at, profile=floor.profile)


def _transact_get_items(floor: TableFloor, request: TransactGetItems) -> TransactGetItemsResult:
    return floor.transactions.get_items(request)


def _open_snapshot(floor: TableFloor, request: OpenSnapshot) -> OpenSnapshotResult:
    return floor.snapshots.open()


def _release_snapshot(floor: TableFloor, request: ReleaseSnapshot) -> ReleaseSnapshotResult:
    floor.snapshots.release(request.snapshot_id)
    return ReleaseSnapshotResult()


def _list_item_versions(floor: TableFloor, request: ListItemVersions) -> ListItemVersionsResult:
    return history.list_versions(floor.catalog, floor.engine, request)


def _batch_get_item(floor: TableFloor, request: BatchGetItem) -> BatchGetItemResult:
    return batch.get_items(floor.catalog, floor.engine, request, profile=floor.profile)


def _create_table(floor: TableFloor, request: CreateTable) -> CreateTableResult:
    return CreateTableResult(_created(floor, request))


def _created(floor: TableFloor, request: CreateTable) -> TableDescription:
    description = floor.catalog.create(request, floor.profile)
    floor.background.count()
    if description.latest_stream_arn is not None:
        floor.background.keep_streams()
    return description


def _describe_table(floor: TableFloor, request: DescribeTable) -> DescribeTableResult:
    description = floor.catalog.described(request.table_name)
    return DescribeTableResult(floor.regions.with_replicas(description))


def _list_tables(floor: TableFloor, request: ListTables) -> ListTablesResult:
    return floor.catalog.listed(request)


def _delete_table(floor: TableFloor, request: DeleteTable) -> DeleteTableResult:
    description = floor.catalog.drop(request.table_name)
    _wake_after_change(floor)
    return DeleteTableResult(description)


def _wake_after_change(floor: TableFloor) -> None:
    """A table or index was dropped, or will be."""
    if floor.catalog.has_deleting:
        floor.background.bury()
    if floor.catalog.first_dropped_prefix() is not None:
        floor.background.remove_dropped_rows()


def _update_table(floor: TableFloor, request: UpdateTable) -> UpdateTableResult:
    floor.regions.before_update(request)
    resolution = request.conflict_resolution
    if resolution is not None and resolution.resolver == "callable":
        name = floor.catalog.named(request.table_name).descriptor.name
        function = floor.regions.functions.named(name, resolution.function)
        request = replace(request, conflict_resolution=replace(resolution, function=function))
    description = floor.regions.with_replicas(floor.catalog.update(request, floor.profile))
    if request.global_secondary_index_updates is not None:
        _wake_after_change(floor)
        floor.background.build_indexes()
    if request.stream_specification is not None:
        floor.background.keep_streams()
    return UpdateTableResult(description)


def _describe_replicas(floor: TableFloor, request: DescribeReplicas) -> DescribeReplicasResult:
    return floor.regions.described()


def _reseed_table(floor: TableFloor, request: ReseedTable) -> ReseedTableResult:
    floor.regions.reseed(request.table_name)
    _wake_after_change(floor)
    return ReseedTableResult()


def _list_conflicts(floor: TableFloor, request: ListConflicts) -> ListConflictsResult:
    return floor.regions.conflicts.listed(request)


def _update_time_to_live(floor: TableFloor, request: UpdateTimeToLive) -> UpdateTimeToLiveResult:
    result = floor.catalog.update_time_to_live(request)
    if request.enabled:
        floor.background.sweep()
    else:
        floor.background.remove_dropped_rows()
    return result


def _describe_time_to_live(floor: TableFloor, request: DescribeTimeToLive) -> DescribeTimeToLiveResult:
    return floor.catalog.described_time_to_live(request.table_name)


def _tag_resource(floor: TableFloor, request: TagResource) -> TagResourceResult:
    floor.catalog.tag(request)
    return TagResourceResult()


def _untag_resource(floor: TableFloor, request: UntagResource) -> UntagResourceResult:
    floor.catalog.untag(request)
    return UntagResourceResult()


def _list_tags_of_resource(floor: TableFloor, request: ListTagsOfResource) -> ListTagsOfResourceResult:
    return floor.catalog.tags(request)


def _describe_limits(floor: TableFloor, request: DescribeLimits) -> DescribeLimitsResult:
    account, table = limits.ACCOUNT_CAPACITY_UNITS_MAX, limits.TABLE_CAPACITY_UNITS_MAX
    return DescribeLimitsResult(account, account, table, table)


def _start_check(floor: TableFloor, request: StartCheck) -> StartCheckResult:
    return check.start_check(floor.engine, request)


def _describe_check(floor: TableFloor, request: DescribeCheck) -> DescribeCheckResult:
    return check.describe_check(floor.engine)


def _create_backup(floor: TableFloor, request: CreateBackup) -> CreateBackupResult:
    return floor.backups.create_backup(request)


def _describe_backup(floor: TableFloor, request: DescribeBackup) -> DescribeBackupResult:
    return floor.backups.describe_backup(request)


def _list_backups(floor: TableFloor, request: ListBackups) -> ListBackupsResult:
    return floor.backups.list_backups(request)


def _delete_backup(floor: TableFloor, request: DeleteBackup) -> DeleteBackupResult:
    return floor.backups.delete_backup(request)


def _restore_table_from_backup(
    floor: TableFloor, request: RestoreTableFromBackup
) -> RestoreTableFromBackupResult:
    return floor.backups.restore_table_from_backup(request)


def _settle_restore(floor: TableFloor, request: SettleRestore) -> SettleRestoreResult:
    return floor.backups.settle_restore(request)


def _describe_job(floor: TableFloor, request: DescribeJob) -> DescribeJobResult:
    return floor.backups.describe_job(request)


def _list_jobs(floor: TableFloor, request: ListJobs) -> ListJobsResult:
    return floor.backups.list_jobs(request)


def _cancel_job(floor: TableFloor, request: CancelJob) -> CancelJobResult:
    return floor.backups.cancel_job(request)


def _update_continuous_backups(
    floor: TableFloor, request: UpdateContinuousBackups
) -> UpdateContinuousBackupsResult:
    return floor.continuous.update(request)


def _describe_continuous_backups(
    floor: TableFloor, request: DescribeContinuousBackups
) -> DescribeContinuousBackupsResult:
    return floor.continuous.describe(request)


def _restore_table_to_point_in_time(
    floor: TableFloor, request: RestoreTableToPointInTime
) -> RestoreTableToPointInTimeResult:
    return floor.continuous.restore_table(request)


def _describe_archive(floor: TableFloor, request: DescribeArchive) -> DescribeArchiveResult:
    return floor.continuous.describe_archive()


def _label_archive(floor: TableFloor, request: LabelArchive) -> LabelArchiveResult:
    return floor.continuous.label(request)


def _list_streams(floor: TableFloor, request: ListStreams) -> ListStreamsResult:
    return floor.streams.list_streams(request)


def _describe_stream(floor: TableFloor, request: DescribeStream) -> DescribeStreamResult:
    return floor.streams.describe_stream(request)


def _get_shard_iterator(floor: TableFloor, request: GetShardIterator) -> GetShardIteratorResult:
    return floor.streams.get_shard_iterator(request)


def _get_records(floor: TableFloor, request: GetRecords) -> GetRecordsResult:
    return floor.streams.get_records(request)


def _update_stream(floor: TableFloor, request: UpdateStream) -> UpdateStreamResult:
    return floor.streams.update_stream(request)


def _export_table(floor: TableFloor, request: ExportTableToPointInTime) -> ExportTableToPointInTimeResult:
    return floor.transfers.export(request, floor.profile)


def _describe_export(floor: TableFloor, request: DescribeExport) -> DescribeExportResult:
    return floor.transfers.describe_export(request)


def _list_exports(floor: TableFloor, request: ListExports) -> ListExportsResult:
    return floor.transfers.list_exports(request)


def _import_table(floor: TableFloor, request: ImportTable) -> ImportTableResult:
    return floor.transfers.import_table(request, lambda created: _created(floor, created))


def _describe_import(floor: TableFloor, request: DescribeImport) -> DescribeImportResult:
    return floor.transfers.describe_import(request)


def _list_imports(floor: TableFloor, request: ListImports) -> ListImportsResult:
    return floor.transfers.list_imports(request)


_WRITES: Mapping[type, Callable[..., Steps[Result]]] = {
    PutItem: _put_item,
    UpdateItem: _update_item,
    DeleteItem: _delete_item,
    BatchWriteItem: _batch_write_item,
    TransactWriteItems: _transact_write_items,
    CommitTransaction: _commit_transaction,
}
_ANSWERS: Mapping[type, Callable[..., Result]] = {
    GetItem: _get_item,
    Query: _query,
    Scan: _scan,
    BatchGetItem: _batch_get_item,
    TransactGetItems: _transact_get_items,
    OpenSnapshot: _open_snapshot,
    ReleaseSnapshot: _release_snapshot,
    ListItemVersions: _list_item_versions,
    CreateTable: _create_table,
    DescribeTable: _describe_table,
    UpdateTable: _update_table,
    ListTables: _list_tables,
    DeleteTable: _delete_table,
    UpdateTimeToLive: _update_time_to_live,
    DescribeTimeToLive: _describe_time_to_live,
    TagResource: _tag_resource,
    UntagResource: _untag_resource,
    ListTagsOfResource: _list_tags_of_resource,
    DescribeLimits: _describe_limits,
    DescribeReplicas: _describe_replicas,
    ReseedTable: _reseed_table,
    ListConflicts: _list_conflicts,
    StartCheck: _start_check,
    DescribeCheck: _describe_check,
    CreateBackup: _create_backup,
    DescribeBackup: _describe_backup,
    ListBackups: _list_backups,
    DeleteBackup: _delete_backup,
    RestoreTableFromBackup: _restore_table_from_backup,
    SettleRestore: _settle_restore,
    DescribeJob: _describe_job,
    ListJobs: _list_jobs,
    CancelJob: _cancel_job,
    UpdateContinuousBackups: _update_continuous_backups,
    DescribeContinuousBackups: _describe_continuous_backups,
    RestoreTableToPointInTime: _restore_table_to_point_in_time,
    DescribeArchive: _describe_archive,
    LabelArchive: _label_archive,
    ListStreams: _list_streams,
    DescribeStream: _describe_stream,
    GetShardIterator: _get_shard_iterator,
    GetRecords: _get_records,
    UpdateStream: _update_stream,
    ExportTableToPointInTime: _export_table,
    DescribeExport: _describe_export,
    ListExports: _list_exports,
    ImportTable: _import_table,
    DescribeImport: _describe_import,
    ListImports: _list_imports,
}
SERVED: frozenset[type] = frozenset((*_WRITES, *_ANSWERS))
"""Every request type with a function; a test holds it against ``api/operations``."""
