"""What can be said of a request without looking at a table, in the service's order and words.

Three stages, as the service runs them:

1. constraints of single fields (patterns, lengths, enums, bounds), all of them collected into
   one message, ``N validation errors detected: ...; ...``;
2. fields that need or exclude one another, the first fault only;
3. then the expressions and the item itself, which ``expr`` and ``item`` check for the table room.

Python callers can also pass what no wire could carry (a number for a table name): that is
refused with the name of the field, before stage 1.

Sources: the service model (botocore, ``service-2.json``) for patterns and bounds; the messages
as recorded from the service by dynalite (``validations/*.js`` and their tests) and by dynoxide
(``src/validation.rs``, captures of 2025 and 2026), which agree unless a comment says otherwise.

Reading order: ``fields`` (single fields), then one module a kind of operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kvdb.api.admin import DescribeCheck, StartCheck
from kvdb.api.archive import (
    DescribeArchive,
    DescribeContinuousBackups,
    LabelArchive,
    RestoreTableToPointInTime,
    UpdateContinuousBackups,
)
from kvdb.api.backups import (
    CreateBackup,
    DeleteBackup,
    DescribeBackup,
    ListBackups,
    RestoreTableFromBackup,
    SettleRestore,
)
from kvdb.api.items import (
    BatchGetItem,
    BatchWriteItem,
    CommitTransaction,
    DeleteItem,
    GetItem,
    ListItemVersions,
    OpenSnapshot,
    PutItem,
    Query,
    ReleaseSnapshot,
    Scan,
    TransactGetItems,
    TransactWriteItems,
    UpdateItem,
)
from kvdb.api.jobs import CancelJob, DescribeJob, ListJobs
from kvdb.api.operations import Request
from kvdb.api.replicas import DescribeReplicas, FollowConflicts, ListConflicts, ReseedTable
from kvdb.api.streams import (
    DescribeStream,
    GetRecords,
    GetShardIterator,
    ListStreams,
    Subscribe,
    UpdateStream,
)
from kvdb.api.tables import (
    CreateTable,
    DeleteTable,
    DescribeLimits,
    DescribeTable,
    DescribeTimeToLive,
    ListTables,
    ListTagsOfResource,
    TagResource,
    UntagResource,
    UpdateTable,
    UpdateTimeToLive,
)
from kvdb.api.transfers import (
    DescribeExport,
    DescribeImport,
    ExportTableToPointInTime,
    ImportTable,
    ListExports,
    ListImports,
)
from kvdb.api.validation import (
    admin,
    archive,
    backups,
    items,
    jobs,
    replicas,
    settings,
    streams,
    tables,
    transactions,
    transfers,
)
from kvdb.limits import AWS, LimitsProfile


def check(request: Request, profile: LimitsProfile = AWS) -> None:
    """Return if ``request`` is sound as far as can be said without its table.

    Raises:
        ValidationError: with the service's message for the first stage that finds a fault.
    """
    check_it = _CHECKS.get(type(request))
    if check_it is not None:
        check_it(request)
    else:
        _PROFILED_CHECKS[type(request)](request, profile)


def check_subscribe(request: Subscribe) -> None:
    """``check`` for a feed, which is not answered once and so is no operation.

    Raises:
        ValidationError
    """
    streams.check_subscribe(request)


def check_follow_conflicts(request: FollowConflicts) -> None:
    """As ``check_subscribe``."""
    replicas.check_follow_conflicts(request)


_CHECKS: Mapping[type, Callable[..., None]] = {
    GetItem: items.check_get_item,
    PutItem: items.check_put_item,
    UpdateItem: items.check_update_item,
    DeleteItem: items.check_delete_item,
    Query: items.check_query,
    Scan: items.check_scan,
    CreateTable: tables.check_create_table,
    DescribeTable: tables.check_named_table,
    UpdateTable: tables.check_update_table,
    DeleteTable: tables.check_named_table,
    ListTables: tables.check_list_tables,
    OpenSnapshot: transactions.check_open_snapshot,
    ReleaseSnapshot: transactions.check_release_snapshot,
    ListItemVersions: transactions.check_list_item_versions,
    UpdateTimeToLive: settings.check_update_time_to_live,
    DescribeTimeToLive: tables.check_named_table,
    TagResource: settings.check_tag_resource,
    UntagResource: settings.check_untag_resource,
    ListTagsOfResource: settings.check_list_tags_of_resource,
    DescribeLimits: settings.check_describe_limits,
    StartCheck: admin.check_start_check,
    DescribeCheck: admin.check_describe_check,
    CreateBackup: backups.check_create_backup,
    DescribeBackup: backups.check_named_backup,
    ListBackups: backups.check_list_backups,
    DeleteBackup: backups.check_named_backup,
    RestoreTableFromBackup: backups.check_restore_table_from_backup,
    SettleRestore: backups.check_settle_restore,
    DescribeJob: jobs.check_named_job,
    ListJobs: jobs.check_list_jobs,
    CancelJob: jobs.check_named_job,
    UpdateContinuousBackups: archive.check_update_continuous_backups,
    DescribeContinuousBackups: archive.check_describe_continuous_backups,
    DescribeReplicas: replicas.check_describe_replicas,
    ReseedTable: replicas.check_reseed_table,
    ListConflicts: replicas.check_list_conflicts,
    RestoreTableToPointInTime: archive.check_restore_table_to_point_in_time,
    DescribeArchive: archive.check_describe_archive,
    LabelArchive: archive.check_label_archive,
    ListStreams: streams.check_list_streams,
    DescribeStream: streams.check_describe_stream,
    GetShardIterator: streams.check_get_shard_iterator,
    GetRecords: streams.check_get_records,
    UpdateStream: streams.check_update_stream,
    ExportTableToPointInTime: transfers.check_export,
    DescribeExport: transfers.check_described_export,
    ListExports: transfers.check_list_exports,
    ImportTable: transfers.check_import,
    DescribeImport: transfers.check_described_import,
    ListImports: transfers.check_list_imports,
}
_PROFILED_CHECKS: Mapping[type, Callable[..., None]] = {
    BatchGetItem: items.check_batch_get_item,
    BatchWriteItem: items.check_batch_write_item,
    TransactGetItems: transactions.check_transact_get_items,
    TransactWriteItems: transactions.check_transact_write_items,
    CommitTransaction: transactions.check_commit_transaction,
}
"""Those that depend on the limits in force."""
