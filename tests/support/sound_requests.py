"""A request of every operation that ``api/validation`` lets pass, and ways to spoil one."""

from __future__ import annotations

import dataclasses

import pytest

from kvdb.api import validation
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
    ConditionCheck,
    DeleteItem,
    DeleteRequest,
    GetItem,
    KeysAndAttributes,
    ListItemVersions,
    OpenSnapshot,
    PutItem,
    PutRequest,
    Query,
    ReadKey,
    ReadRange,
    ReleaseSnapshot,
    Scan,
    TransactGetItems,
    TransactWriteItems,
    UpdateItem,
)
from kvdb.api.jobs import CancelJob, DescribeJob, ListJobs
from kvdb.api.operations import Request
from kvdb.api.replicas import DescribeReplicas, ListConflicts, ReseedTable
from kvdb.api.streams import DescribeStream, GetRecords, GetShardIterator, ListStreams, UpdateStream
from kvdb.api.tables import (
    AttributeDefinition,
    CreateTable,
    DeleteTable,
    DescribeLimits,
    DescribeTable,
    DescribeTimeToLive,
    KeySchemaElement,
    ListTables,
    ListTagsOfResource,
    Tag,
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
    S3BucketSource,
)
from kvdb.errors import ValidationError

HASH = KeySchemaElement("a", "HASH")
RANGE = KeySchemaElement("b", "RANGE")
A = AttributeDefinition("a", "S")
TABLE_ARN = "arn:aws:dynamodb:ddblocal:000000000000:table/table"
STREAM_ARN = f"{TABLE_ARN}/stream/2026-11-29T02:30:00.000"
JOB_ID = "01700000000000-0123abcd"
BACKUP_ARN = f"{TABLE_ARN}/backup/{JOB_ID}"
SHARD_ID = "shardId-00000000000000000001-0000ffff"
B = AttributeDefinition("b", "N")

SOUND: dict[type, Request] = {
    GetItem: GetItem("table", {"a": "1"}),
    PutItem: PutItem("table", {"a": "1"}),
    UpdateItem: UpdateItem("table", {"a": "1"}, "SET b = :b", expression_attribute_values={":b": 1}),
    DeleteItem: DeleteItem("table", {"a": "1"}),
    Query: Query("table", "a = :a", expression_attribute_values={":a": "1"}),
    Scan: Scan("table"),
    BatchGetItem: BatchGetItem({"table": KeysAndAttributes([{"a": "1"}])}),
    BatchWriteItem: BatchWriteItem({"table": [PutRequest({"a": "1"}), DeleteRequest({"a": "2"})]}),
    TransactGetItems: TransactGetItems([GetItem("table", {"a": "1"})]),
    TransactWriteItems: TransactWriteItems([PutItem("table", {"a": "1"})]),
    OpenSnapshot: OpenSnapshot(),
    ReleaseSnapshot: ReleaseSnapshot("snapshot"),
    ListItemVersions: ListItemVersions("table", {"a": "1"}),
    CommitTransaction: CommitTransaction(
        "snapshot",
        [ReadKey("table", {"a": "1"}), ReadRange(Scan("table"))],
        [PutItem("table", {"a": "1"}), ConditionCheck("table", {"a": "2"}, "attribute_exists(a)")],
    ),
    CreateTable: CreateTable("table", [HASH, RANGE], [A, B]),
    DescribeTable: DescribeTable("table"),
    ListTables: ListTables(),
    DeleteTable: DeleteTable("table"),
    UpdateTable: UpdateTable("table", deletion_protection_enabled=True),
    UpdateTimeToLive: UpdateTimeToLive("table", "expires", True),
    DescribeTimeToLive: DescribeTimeToLive("table"),
    TagResource: TagResource(TABLE_ARN, [Tag("owner", "ground")]),
    UntagResource: UntagResource(TABLE_ARN, ["owner"]),
    ListTagsOfResource: ListTagsOfResource(TABLE_ARN),
    DescribeLimits: DescribeLimits(),
    StartCheck: StartCheck(True),
    DescribeCheck: DescribeCheck(),
    UpdateContinuousBackups: UpdateContinuousBackups("movies", True, 35),
    DescribeContinuousBackups: DescribeContinuousBackups("movies"),
    RestoreTableToPointInTime: RestoreTableToPointInTime("copy", "movies", True),
    DescribeArchive: DescribeArchive(),
    LabelArchive: LabelArchive("before"),
    CreateBackup: CreateBackup("backup", "table"),
    DescribeBackup: DescribeBackup(BACKUP_ARN),
    ListBackups: ListBackups(),
    DeleteBackup: DeleteBackup(BACKUP_ARN),
    RestoreTableFromBackup: RestoreTableFromBackup("table", BACKUP_ARN),
    SettleRestore: SettleRestore("table", True),
    DescribeJob: DescribeJob(JOB_ID),
    ListJobs: ListJobs(),
    CancelJob: CancelJob(JOB_ID),
    ListStreams: ListStreams(),
    DescribeStream: DescribeStream(STREAM_ARN),
    GetShardIterator: GetShardIterator(STREAM_ARN, SHARD_ID, "LATEST"),
    GetRecords: GetRecords("iterator"),
    UpdateStream: UpdateStream(STREAM_ARN, rotate=True),
    ExportTableToPointInTime: ExportTableToPointInTime(TABLE_ARN, "bucket"),
    DescribeExport: DescribeExport(f"{TABLE_ARN}/export/{JOB_ID}"),
    ListExports: ListExports(),
    ImportTable: ImportTable(S3BucketSource("bucket"), "CSV", CreateTable("table", [HASH, RANGE], [A, B])),
    DescribeImport: DescribeImport(f"{TABLE_ARN}/import/{JOB_ID}"),
    ListImports: ListImports(),
    DescribeReplicas: DescribeReplicas(),
    ListConflicts: ListConflicts("table"),
    ReseedTable: ReseedTable("table"),
}


def message_of(request: Request) -> str:
    with pytest.raises(ValidationError) as refused:
        validation.check(request)
    return str(refused.value)


def changed(kind: type, **fields: object) -> Request:
    return dataclasses.replace(SOUND[kind], **fields)  # type: ignore[type-var, return-value]
