"""The methods of the services: which path serves which request, in which messages.

``METHODS`` is the door's table. The pairs of its rows stand in ``item_pairs``, ``table_pairs``,
``stream_pairs``, ``job_pairs``, ``backup_pairs``, ``transfer_pairs`` and ``admin_pairs``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kvdb.api import items as api_items
from kvdb.api import validation
from kvdb.api.operations import OPERATIONS, Request, Result
from kvdb.errors import KvdbError, SerializationError, UnknownOperation
from kvdb.rpc import admin_pairs as admin
from kvdb.rpc import archive_pairs as archive
from kvdb.rpc import backup_pairs as backups
from kvdb.rpc import item_pairs as items
from kvdb.rpc import job_pairs as jobs
from kvdb.rpc import replica_pairs as replicas
from kvdb.rpc import stream_pairs as streams
from kvdb.rpc import table_pairs as tables
from kvdb.rpc import transfer_pairs as transfers
from kvdb.rpc.fields import Pair
from kvdb.rpc.gen import (
    admin_pb2,
    archive_pb2,
    backups_pb2,
    items_pb2,
    jobs_pb2,
    replicas_pb2,
    streams_pb2,
    tables_pb2,
    transactions_pb2,
    transfers_pb2,
)


class Method(NamedTuple):
    """One call of a service."""

    name: str
    service: str
    request: Pair[Request]
    result: Pair[Result]
    is_stream: bool = False
    """The answer is every page, a message each."""

    @property
    def path(self) -> str:
        return f"/{self.service}/{self.name}"

    def encode_request(self, request: Request) -> bytes:
        """The request as bytes.

        Raises:
            ValidationError: what the database would say of a request that no message can hold.
            SerializationError: there is no such rule, but no such message either.
        """
        try:
            return self.request.encode(request)
        except (KvdbError, TypeError, ValueError, KeyError, AttributeError) as exc:
            # The database checks the request as a whole before its items: so does this door.
            validation.check(request)
            if isinstance(exc, KvdbError):
                raise
            raise SerializationError(f"cannot encode {type(request).__name__}: {exc}") from exc


_ITEMS = items_pb2.DESCRIPTOR.services_by_name["Items"].full_name
_TRANSACTIONS = transactions_pb2.DESCRIPTOR.services_by_name["Transactions"].full_name
_TABLES = tables_pb2.DESCRIPTOR.services_by_name["Tables"].full_name
_ADMIN = admin_pb2.DESCRIPTOR.services_by_name["Admin"].full_name
_STREAMS = streams_pb2.DESCRIPTOR.services_by_name["Streams"].full_name
_JOBS = jobs_pb2.DESCRIPTOR.services_by_name["Jobs"].full_name
_REPLICAS = replicas_pb2.DESCRIPTOR.services_by_name["Replicas"].full_name
REPLICATION: str = replicas_pb2.DESCRIPTOR.services_by_name["Replication"].full_name
"""What regions say to each other: not served by requests."""
_ARCHIVE = archive_pb2.DESCRIPTOR.services_by_name["Archive"].full_name
_BACKUPS = backups_pb2.DESCRIPTOR.services_by_name["Backups"].full_name
_TRANSFERS = transfers_pb2.DESCRIPTOR.services_by_name["Transfers"].full_name
SERVICES: tuple[str, ...] = (
    _ITEMS,
    _TRANSACTIONS,
    _TABLES,
    _STREAMS,
    _ADMIN,
    _JOBS,
    _ARCHIVE,
    _BACKUPS,
    _TRANSFERS,
    _REPLICAS,
)

METHODS: tuple[Method, ...] = (
    Method("GetItem", _ITEMS, items.GET_ITEM, items.GET_ITEM_RESULT),
    Method("PutItem", _ITEMS, items.PUT_ITEM, items.PUT_ITEM_RESULT),
    Method("UpdateItem", _ITEMS, items.UPDATE_ITEM, items.UPDATE_ITEM_RESULT),
    Method("DeleteItem", _ITEMS, items.DELETE_ITEM, items.DELETE_ITEM_RESULT),
    Method("Query", _ITEMS, items.QUERY, items.PAGE),
    Method("Scan", _ITEMS, items.SCAN, items.PAGE),
    Method("QueryStream", _ITEMS, items.QUERY, items.PAGE, is_stream=True),
    Method("ScanStream", _ITEMS, items.SCAN, items.PAGE, is_stream=True),
    Method("BatchGetItem", _ITEMS, items.BATCH_GET_ITEM, items.BATCH_GET_ITEM_RESULT),
    Method("BatchWriteItem", _ITEMS, items.BATCH_WRITE_ITEM, items.BATCH_WRITE_ITEM_RESULT),
    Method("ListItemVersions", _ITEMS, items.LIST_ITEM_VERSIONS, items.LIST_ITEM_VERSIONS_RESULT),
    Method("TransactGetItems", _TRANSACTIONS, items.TRANSACT_GET_ITEMS, items.TRANSACT_GET_ITEMS_RESULT),
    Method(
        "TransactWriteItems", _TRANSACTIONS, items.TRANSACT_WRITE_ITEMS, items.TRANSACT_WRITE_ITEMS_RESULT
    ),
    Method("OpenSnapshot", _TRANSACTIONS, items.OPEN_SNAPSHOT, items.OPEN_SNAPSHOT_RESULT),
    Method("ReleaseSnapshot", _TRANSACTIONS, items.RELEASE_SNAPSHOT, items.RELEASE_SNAPSHOT_RESULT),
    Method("CommitTransaction", _TRANSACTIONS, items.COMMIT_TRANSACTION, items.COMMIT_TRANSACTION_RESULT),
    Method("CreateTable", _TABLES, tables.CREATE_TABLE, tables.CREATE_TABLE_RESULT),
    Method("DescribeTable", _TABLES, tables.DESCRIBE_TABLE, tables.DESCRIBE_TABLE_RESULT),
    Method("UpdateTable", _TABLES, tables.UPDATE_TABLE, tables.UPDATE_TABLE_RESULT),
    Method("ListTables", _TABLES, tables.LIST_TABLES, tables.LIST_TABLES_RESULT),
    Method("DeleteTable", _TABLES, tables.DELETE_TABLE, tables.DELETE_TABLE_RESULT),
    Method("UpdateTimeToLive", _TABLES, tables.UPDATE_TIME_TO_LIVE, tables.UPDATE_TIME_TO_LIVE_RESULT),
    Method("DescribeTimeToLive", _TABLES, tables.DESCRIBE_TIME_TO_LIVE, tables.DESCRIBE_TIME_TO_LIVE_RESULT),
    Method("TagResource", _TABLES, tables.TAG_RESOURCE, tables.TAG_RESOURCE_RESULT),
    Method("UntagResource", _TABLES, tables.UNTAG_RESOURCE, tables.UNTAG_RESOURCE_RESULT),
    Method("ListTagsOfResource", _TABLES, tables.LIST_TAGS, tables.LIST_TAGS_RESULT),
    Method("DescribeLimits", _TABLES, tables.DESCRIBE_LIMITS, tables.DESCRIBE_LIMITS_RESULT),
    Method("StartCheck", _ADMIN, admin.START_CHECK, admin.START_CHECK_RESULT),
    Method("DescribeCheck", _ADMIN, admin.DESCRIBE_CHECK, admin.DESCRIBE_CHECK_RESULT),
    Method("CreateBackup", _BACKUPS, backups.CREATE_BACKUP, backups.CREATE_BACKUP_RESULT),
    Method("DescribeBackup", _BACKUPS, backups.DESCRIBE_BACKUP, backups.DESCRIBE_BACKUP_RESULT),
    Method("ListBackups", _BACKUPS, backups.LIST_BACKUPS, backups.LIST_BACKUPS_RESULT),
    Method(
        "RestoreTableFromBackup",
        _BACKUPS,
        backups.RESTORE_TABLE_FROM_BACKUP,
        backups.RESTORE_TABLE_FROM_BACKUP_RESULT,
    ),
    Method("SettleRestore", _BACKUPS, backups.SETTLE_RESTORE, backups.SETTLE_RESTORE_RESULT),
    Method("DeleteBackup", _BACKUPS, backups.DELETE_BACKUP, backups.DELETE_BACKUP_RESULT),
    Method("DescribeJob", _JOBS, jobs.DESCRIBE_JOB, jobs.DESCRIBE_JOB_RESULT),
    Method("ListJobs", _JOBS, jobs.LIST_JOBS, jobs.LIST_JOBS_RESULT),
    Method("CancelJob", _JOBS, jobs.CANCEL_JOB, jobs.CANCEL_JOB_RESULT),
    Method(
        "UpdateContinuousBackups",
        _ARCHIVE,
        archive.UPDATE_CONTINUOUS_BACKUPS,
        archive.UPDATE_CONTINUOUS_BACKUPS_RESULT,
    ),
    Method(
        "DescribeContinuousBackups",
        _ARCHIVE,
        archive.DESCRIBE_CONTINUOUS_BACKUPS,
        archive.DESCRIBE_CONTINUOUS_BACKUPS_RESULT,
    ),
    Method(
        "RestoreTableToPointInTime",
        _ARCHIVE,
        archive.RESTORE_TABLE_TO_POINT_IN_TIME,
        archive.RESTORE_TABLE_TO_POINT_IN_TIME_RESULT,
    ),
    Method("DescribeArchive", _ARCHIVE, archive.DESCRIBE_ARCHIVE, archive.DESCRIBE_ARCHIVE_RESULT),
    Method("LabelArchive", _ARCHIVE, archive.LABEL_ARCHIVE, archive.LABEL_ARCHIVE_RESULT),
    Method("DescribeReplicas", _REPLICAS, replicas.DESCRIBE_REPLICAS, replicas.DESCRIBE_REPLICAS_RESULT),
    Method("ReseedTable", _REPLICAS, replicas.RESEED_TABLE, replicas.RESEED_TABLE_RESULT),
    Method("ListConflicts", _REPLICAS, replicas.LIST_CONFLICTS, replicas.LIST_CONFLICTS_RESULT),
    Method("ListStreams", _STREAMS, streams.LIST_STREAMS, streams.LIST_STREAMS_RESULT),
    Method("DescribeStream", _STREAMS, streams.DESCRIBE_STREAM, streams.DESCRIBE_STREAM_RESULT),
    Method("GetShardIterator", _STREAMS, streams.GET_SHARD_ITERATOR, streams.GET_SHARD_ITERATOR_RESULT),
    Method("GetRecords", _STREAMS, streams.GET_RECORDS, streams.GET_RECORDS_RESULT),
    Method("UpdateStream", _STREAMS, streams.UPDATE_STREAM, streams.UPDATE_STREAM_RESULT),
    Method("ExportTableToPointInTime", _TRANSFERS, transfers.EXPORT_TABLE, transfers.EXPORT_TABLE_RESULT),
    Method("DescribeExport", _TRANSFERS, transfers.DESCRIBE_EXPORT, transfers.DESCRIBE_EXPORT_RESULT),
    Method("ListExports", _TRANSFERS, transfers.LIST_EXPORTS, transfers.LIST_EXPORTS_RESULT),
    Method("ImportTable", _TRANSFERS, transfers.IMPORT_TABLE, transfers.IMPORT_TABLE_RESULT),
    Method("DescribeImport", _TRANSFERS, transfers.DESCRIBE_IMPORT, transfers.DESCRIBE_IMPORT_RESULT),
    Method("ListImports", _TRANSFERS, transfers.LIST_IMPORTS, transfers.LIST_IMPORTS_RESULT),
)

SUBSCRIBE: Method = Method("Subscribe", _STREAMS, streams.SUBSCRIBE, streams.FEED_PAGE, is_stream=True)  # type: ignore[arg-type]
"""A feed: neither its request nor its pages are of an operation that is answered once. So the next."""
FOLLOW_CONFLICTS: Method = Method(
    "FollowConflicts",
    _REPLICAS,
    replicas.FOLLOW_CONFLICTS,  # type: ignore[arg-type]
    replicas.CONFLICT_PAGE,  # type: ignore[arg-type]
    is_stream=True,
)
FEEDS = (SUBSCRIBE, FOLLOW_CONFLICTS)
METHODS = (*METHODS, *FEEDS)

UNARY_BY_REQUEST: Mapping[type, Method] = {
    operation.request: method
    for operation in OPERATIONS
    for method in METHODS
    if method.name == operation.name
}
STREAM_BY_REQUEST: Mapping[type, Method] = {
    api_items.Query: next(method for method in METHODS if method.name == "QueryStream"),
    api_items.Scan: next(method for method in METHODS if method.name == "ScanStream"),
}


def method_of(request: Request, methods: Mapping[type, Method]) -> Method:
    """Raises: UnknownOperation: ``request`` is none that a server knows."""
    method = methods.get(type(request))
    if method is None:
        raise UnknownOperation(f"not a request: {type(request).__name__}")
    return method
