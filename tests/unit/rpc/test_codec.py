"""Every request and result crosses the wire unchanged, and the generated classes are fresh."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from kvdb.api import admin, archive, backups, items, jobs, replicas, streams, tables, transfers, validation
from kvdb.api.operations import OPERATIONS
from kvdb.errors import SerializationError, UnknownOperation, ValidationError
from kvdb.rpc.codec import (
    FOLLOW_CONFLICTS,
    METHODS,
    STREAM_BY_REQUEST,
    SUBSCRIBE,
    UNARY_BY_REQUEST,
    Method,
    method_of,
)
from kvdb.rpc.gen import items_pb2, transactions_pb2
from tools import gen_proto

ITEM = {"id": 1, "name": "x"}
NAMES = {"#n": "name"}
GET_OF_A_NUMBER = items.GetItem(5, {})
VALUES = {":v": {"a": [None]}}
KEYS = items.KeysAndAttributes([ITEM, {}], "#n", NAMES, True, ["a"])
LEGACY = {"a": items.LegacyCondition("BETWEEN", [1, "x"]), "b": items.LegacyCondition("NULL")}
EXPECTED = {
    "a": items.ExpectedAttributeValue(),
    "b": items.ExpectedAttributeValue(value=None, has_value=True, exists=True),
    "c": items.ExpectedAttributeValue(value={1, 2}, has_value=True),
    "d": items.ExpectedAttributeValue(exists=False),
    "e": items.ExpectedAttributeValue(comparison_operator="IN", attribute_value_list=[]),
}
UPDATES = {
    "a": items.AttributeValueUpdate("DELETE"),
    "b": items.AttributeValueUpdate("PUT", None, True),
    "c": items.AttributeValueUpdate("ADD", 5, True),
}
CAPACITY = items.ConsumedCapacity(
    "t",
    2.5,
    0.5,
    2.0,
    items.Capacity(1.0, None, 1.0),
    {},
    {"by-name": items.Capacity(0.5, 0.5)},
)
METRICS = items.ItemCollectionMetrics({"id": 1}, (0.0, 1.0))
CHECK = items.ConditionCheck("t", ITEM, "a = :v", NAMES, VALUES, "ALL_OLD")
WRITES = [
    items.PutItem("t", ITEM),
    items.UpdateItem("t", ITEM, "SET a = :v", None, NAMES, VALUES),
    items.DeleteItem("t", ITEM),
    CHECK,
]
QUERY = items.Query(
    *("t", "k = :v", "f", "p", NAMES, VALUES, False, 7, ITEM, True, "COUNT", "by-name", "INDEXES"),
    *(LEGACY, {}, "OR", [], 5, 6, "s1"),
)
SCAN = items.Scan(
    *("t", "f", "p", NAMES, VALUES, 7, {}, True, "SPECIFIC_ATTRIBUTES", 0, 3, "by-name", "TOTAL"),
    *(LEGACY, "AND", ["a"], 7, 1_700_000_000_000, ""),
)

PROVISIONED = tables.ProvisionedThroughput(5, 6)
THROUGHPUT = (PROVISIONED, tables.OnDemandThroughput(100, -1), tables.WarmThroughput(12_000, 4_000))
STREAM = tables.StreamSpecification(True, "NEW_AND_OLD_IMAGES", 3_600_000)
SCHEMA = (tables.KeySchemaElement("a", "HASH"), tables.KeySchemaElement("b", "RANGE"))
DEFINITIONS = (tables.AttributeDefinition("a", "S"), tables.AttributeDefinition("b", "B"))
INCLUDE = tables.Projection("INCLUDE", ("x", "y"))
INDEX = tables.IndexSpecification("by-name", SCHEMA, INCLUDE, *THROUGHPUT, is_unique=True)
PLAIN_INDEX = tables.IndexSpecification("by-b", SCHEMA[:1], tables.Projection())
TAGS = [tables.Tag("owner", "me"), tables.Tag("empty", "")]
PROVISIONED_DESCRIPTION = tables.ProvisionedThroughputDescription(5, 6, 1, 10, 11)
DESCRIPTION = tables.TableDescription(
    "airports", "ACTIVE", "0b5c", 1_700_000_000_123, SCHEMA, DEFINITIONS, "arn:aws:dynamodb:x"
)
FULL_DESCRIPTION = dataclasses.replace(
    DESCRIPTION,
    table_status="UPDATING",
    table_size_bytes=1 << 40,
    item_count=7,
    local_secondary_indexes=(
        tables.IndexDescription("LOCAL", "by-b", SCHEMA, tables.Projection("ALL"), "arn:b", 5, 2),
    ),
    global_secondary_indexes=(
        tables.IndexDescription(
            *("GLOBAL", "by-name", SCHEMA, INCLUDE, "arn:n", 5, 2, "CREATING", False),
            *(PROVISIONED_DESCRIPTION, *THROUGHPUT[1:], True, 0),
        ),
    ),
    billing_mode_summary=tables.BillingModeSummary("PAY_PER_REQUEST", 99),
    provisioned_throughput=PROVISIONED_DESCRIPTION,
    on_demand_throughput=THROUGHPUT[1],
    warm_throughput=THROUGHPUT[2],
    stream_specification=STREAM,
    latest_stream_label="2026",
    latest_stream_arn="arn:stream",
    table_class="STANDARD_INFREQUENT_ACCESS",
    deletion_protection_enabled=True,
    replicas=(
        tables.ReplicaDescription("berlin", "ACTIVE"),
        tables.ReplicaDescription(
            "cairo",
            "REGION_DISABLED",
            "no answer",
            1_700_000_000_000,
            tables.ProvisionedThroughputOverride(7),
            tables.OnDemandThroughputOverride(8),
            "STANDARD",
        ),
    ),
    conflict_resolution=tables.ConflictResolution("attributes", ("views",), ("tags",), True),
)

STREAM_DESCRIPTION = streams.StreamDescription(
    *("arn", "label", "ENABLED", "KEYS_ONLY", 1_700_000_000_000, "t", SCHEMA),
    [
        streams.Shard("shard", "1" * 21, "2" * 21, "one", ("one", "other"), 1, 65_536),
        streams.Shard("other", "1" * 21),
    ],
    "other",
    3_600_000,
)
RECORD = streams.Record(
    "id",
    "MODIFY",
    "region",
    streams.StreamRecord(ITEM, "1" * 21, "NEW_AND_OLD_IMAGES", 7, 1_700_000_000_000, ITEM, {}),
    streams.TTL_IDENTITY,
    "t",
    "arn",
    12,
    "cursor",
)
REQUESTS = [
    items.GetItem("t", ITEM),
    items.GetItem("t", ITEM, True, "", NAMES, "TOTAL", ["a", "b"], 0, -1, ""),
    items.PutItem("t", ITEM),
    items.PutItem(
        *("t", ITEM, "a = :v", NAMES, VALUES, "ALL_OLD", "ALL_OLD", "INDEXES", "SIZE", EXPECTED, "OR")
    ),
    items.PutItem("t", ITEM, expected={}),
    items.UpdateItem("t", ITEM),
    items.UpdateItem(
        *("t", ITEM, "SET a = :v", "b = :v", NAMES, VALUES, "UPDATED_NEW", "ALL_OLD", "TOTAL", "SIZE"),
        *(UPDATES, EXPECTED, "AND"),
    ),
    items.DeleteItem("t", {}),
    items.DeleteItem("t", ITEM, "a = :v", {}, {}, "ALL_OLD", "ALL_OLD", "TOTAL", "SIZE", EXPECTED, "AND"),
    items.Query("t"),
    items.Query("t", "k = :v"),
    QUERY,
    items.Scan("t"),
    SCAN,
    items.BatchGetItem({"t": KEYS, "u": items.KeysAndAttributes([])}, "INDEXES"),
    items.BatchWriteItem({"t": [items.PutRequest(ITEM), items.DeleteRequest({})], "u": []}, "TOTAL", "SIZE"),
    items.TransactGetItems(
        [items.GetItem("t", ITEM, projection_expression="a"), items.GetItem("u", {})], "TOTAL"
    ),
    items.TransactWriteItems([]),
    items.TransactWriteItems(WRITES, "token", "TOTAL", "SIZE"),
    items.OpenSnapshot(),
    items.ReleaseSnapshot("s1"),
    items.ListItemVersions("t", ITEM),
    items.ListItemVersions("t", ITEM, 10, 1 << 40),
    items.CommitTransaction("s1", [], []),
    items.CommitTransaction(
        "s1",
        [
            items.ReadKey("t", ITEM),
            items.ReadRange(QUERY),
            items.ReadRange(SCAN, ITEM),
            items.ReadRange(items.Query("")),
        ],
        WRITES,
    ),
    tables.CreateTable("t", list(SCHEMA), list(DEFINITIONS)),
    tables.CreateTable(
        *("t", list(SCHEMA), list(DEFINITIONS), [PLAIN_INDEX], [INDEX, PLAIN_INDEX], "PROVISIONED"),
        *(*THROUGHPUT, STREAM, TAGS, "STANDARD", True),
    ),
    tables.CreateTable("t", [], [], [], [], tags=[]),
    tables.DescribeTable("t"),
    tables.UpdateTable("t"),
    tables.UpdateTable(
        *("t", list(DEFINITIONS), "PAY_PER_REQUEST", *THROUGHPUT),
        [
            tables.CreateIndex(INDEX),
            tables.UpdateIndex("by-name", *THROUGHPUT),
            tables.UpdateIndex(""),
            tables.DeleteIndex("by-b"),
        ],
        *(tables.StreamSpecification(False), "STANDARD", False),
        [
            tables.CreateReplica("berlin", tables.ProvisionedThroughputOverride(7)),
            tables.CreateReplica("delhi", None, tables.OnDemandThroughputOverride(8), "STANDARD"),
            tables.UpdateReplica("essen", tables.ProvisionedThroughputOverride(7)),
            tables.UpdateReplica("fes", None, tables.OnDemandThroughputOverride(-1), "STANDARD"),
            tables.DeleteReplica("cairo"),
        ],
        tables.ConflictResolution("callable", function="module:function"),
    ),
    tables.UpdateTable("t", [], global_secondary_index_updates=[], deletion_protection_enabled=True),
    tables.ListTables(),
    tables.ListTables("", 5),
    tables.DeleteTable("t"),
    tables.UpdateTimeToLive("t", "expires", True),
    tables.UpdateTimeToLive("t", "expires", False),
    tables.DescribeTimeToLive("t"),
    tables.TagResource("arn", TAGS),
    tables.UntagResource("arn", ["owner", ""]),
    tables.ListTagsOfResource("arn"),
    tables.ListTagsOfResource("arn", ""),
    tables.DescribeLimits(),
    streams.ListStreams(),
    streams.ListStreams("t", 5, "arn"),
    streams.DescribeStream("arn"),
    streams.DescribeStream("arn", 5, "shard", streams.ShardFilter("CHILD_SHARDS", "shard")),
    streams.GetShardIterator("arn", "shard", "LATEST"),
    streams.GetShardIterator("arn", "shard", "AT_TIMESTAMP", "1" * 21, 1_700_000_000_000),
    streams.GetRecords("iterator"),
    streams.GetRecords("iterator", 5),
    streams.UpdateStream("arn", 3_600_000, "shard", ["one", "other"], True),
    admin.StartCheck(),
    admin.StartCheck(True),
    admin.DescribeCheck(),
    backups.CreateBackup("name"),
    backups.CreateBackup("name", "t"),
    backups.DescribeBackup("arn"),
    backups.ListBackups(),
    backups.ListBackups("t", 5, 1_700_000_000_000, 1_700_000_000_001, "arn", "ALL"),
    backups.DeleteBackup("arn"),
    backups.RestoreTableFromBackup("t", "arn"),
    backups.RestoreTableFromBackup(
        *("t", "arn", "PROVISIONED", [], []),
        tables.ProvisionedThroughput(1, 2),
        tables.OnDemandThroughput(3, 4),
        "u",
        True,
    ),
    backups.SettleRestore("t"),
    backups.SettleRestore("t", True),
    jobs.DescribeJob("01700000000000-0123abcd"),
    jobs.ListJobs(),
    jobs.ListJobs("backup", "arn", 7, "01700000000000-0123abcd"),
    jobs.CancelJob("arn"),
    archive.UpdateContinuousBackups("ttt", True),
    archive.UpdateContinuousBackups("ttt", False, 7),
    archive.DescribeContinuousBackups("ttt"),
    archive.RestoreTableToPointInTime("copy", "movies", True),
    archive.RestoreTableToPointInTime("copy", "movies", restore_date_time_ms=1_700_000_000_000),
    archive.RestoreTableToPointInTime("copy", "movies", seqno=1 << 40, in_place=True),
    archive.RestoreTableToPointInTime("copy", "movies", label="before", billing_mode_override="PROVISIONED"),
    archive.DescribeArchive(),
    archive.LabelArchive("before the migration"),
    transfers.ExportTableToPointInTime("t", "bucket"),
    transfers.ExportTableToPointInTime(
        *("t", "bucket", 0, "token", "123456789012", "prefix", "AES256", None, "CBOR", "INCREMENTAL_EXPORT"),
        transfers.IncrementalExportSpecification(1, 2, "NEW_IMAGE"),
        transfers.FilterSpecification("a = :a", "a, b", "c = :c", {"#a": "a"}, {":a": 1, ":c": b""}),
    ),
    transfers.DescribeExport("arn"),
    transfers.ListExports(),
    transfers.ListExports("arn", 3, "token"),
    transfers.ImportTable(transfers.S3BucketSource("bucket"), "CSV", table_name="t"),
    transfers.ImportTable(
        transfers.S3BucketSource("bucket", "123456789012", ""),
        "CSV",
        tables.CreateTable("t", [], []),
        "token",
        transfers.InputFormatOptions(transfers.CsvOptions(";", ["a", ""])),
        "ZSTD",
    ),
    transfers.DescribeImport("arn"),
    transfers.ListImports("arn", 3, "token"),
    replicas.DescribeReplicas(),
    replicas.ReseedTable("ttt"),
    replicas.ListConflicts("ttt"),
    replicas.ListConflicts("ttt", 1 << 40, 7),
    replicas.ListConflicts("ttt", 1, None, 1 << 40, True, ITEM, "MERGED", "berlin", 5),
]
CONFLICT = replicas.ConflictDescription(
    *(1 << 40, "berlin", 1, "MERGED", ITEM, 2, 3, ITEM, ITEM),
    *(replicas.WriteStamp(2, 5, 7, "berlin"), replicas.WriteStamp(3, 0, 8), ITEM),
)
CONTINUOUS = archive.ContinuousBackupsDescription("ENABLED", "ENABLED", 35, 1_700_000_000_000, 1 << 41)
ARCHIVE = archive.ArchiveDescription("store", "00ff", "behind", "no answer", 5, 1 << 40, 1, 2, 3, 0, 35)
EXPORT = transfers.ExportDescription("arn", "IN_PROGRESS", 5, "table", "id", "bucket", "AES256", "CSV")
IMPORT = transfers.ImportTableDescription(
    *("arn", "FAILED", "table", "id", transfers.S3BucketSource("bucket"), 2, "CSV", "NONE", 5, 1 << 40, 3, 1),
    errors=(transfers.BadRecord("name", 7, "why"),),
)
JOB = jobs.JobDescription("id", "arn", "backup", "table", "IN_PROGRESS", False, 1 << 40, 0, "bytes", 5)
FAILED_JOB = dataclasses.replace(
    JOB, status="FAILED", ended_ms=6, failure_code="DiskFull", failure_message=""
)
DETAILS = backups.BackupDetails("arn", "name", "AVAILABLE", "USER", 1_700_000_000_000, 1 << 40, 1 << 41)
BACKED_INDEX = backups.IndexInfo(
    "by_icao",
    (tables.KeySchemaElement("icao", "HASH"),),
    tables.Projection("INCLUDE", ("name",)),
    tables.ProvisionedThroughput(1, 2),
    tables.OnDemandThroughput(3, 4),
)
BACKUP_DESCRIPTION = backups.BackupDescription(
    dataclasses.replace(DETAILS, backup_status="DELETED"),
    backups.SourceTableDetails(
        *("t", "uuid", "table arn", 5, (tables.KeySchemaElement("icao", "HASH"),)),
        *(tables.ProvisionedThroughput(0, 0), None, "PAY_PER_REQUEST", 1 << 40, 7),
    ),
    backups.SourceTableFeatureDetails(
        (dataclasses.replace(BACKED_INDEX, provisioned_throughput=None, on_demand_throughput=None),),
        (BACKED_INDEX,),
        tables.StreamSpecification(True, "KEYS_ONLY"),
        "expires",
    ),
    ("t", "u"),
)
RESULTS = [
    ("GetItem", items.GetItemResult(None)),
    ("GetItem", items.GetItemResult({}, CAPACITY)),
    ("PutItem", items.PutItemResult(ITEM, CAPACITY, METRICS)),
    ("UpdateItem", items.UpdateItemResult()),
    ("UpdateItem", items.UpdateItemResult({}, items.ConsumedCapacity("t", 0.0), METRICS)),
    ("DeleteItem", items.DeleteItemResult(ITEM, CAPACITY, METRICS)),
    ("Query", items.Page([ITEM, {}], 2, 3, ITEM, CAPACITY)),
    ("ScanStream", items.Page([], 0, 0)),
    ("BatchGetItem", items.BatchGetItemResult({"t": [ITEM], "u": []}, {"t": KEYS}, [CAPACITY, CAPACITY])),
    (
        "BatchWriteItem",
        items.BatchWriteItemResult(
            {"t": [items.DeleteRequest(ITEM)]}, [], {"t": [METRICS, METRICS], "u": []}
        ),
    ),
    ("TransactGetItems", items.TransactGetItemsResult([None, {}, ITEM], [CAPACITY])),
    ("TransactWriteItems", items.TransactWriteItemsResult()),
    ("TransactWriteItems", items.TransactWriteItemsResult([CAPACITY], {})),
    ("OpenSnapshot", items.OpenSnapshotResult("s1", 1 << 40)),
    ("ReleaseSnapshot", items.ReleaseSnapshotResult()),
    (
        "ListItemVersions",
        items.ListItemVersionsResult(
            [items.ItemVersion(9, 1_700_000_000_000, None), items.ItemVersion(7, 5, ITEM)]
        ),
    ),
    ("CommitTransaction", items.CommitTransactionResult(12)),
    ("CreateTable", tables.CreateTableResult(DESCRIPTION)),
    ("DescribeTable", tables.DescribeTableResult(FULL_DESCRIPTION)),
    ("UpdateTable", tables.UpdateTableResult(FULL_DESCRIPTION)),
    ("ListTables", tables.ListTablesResult(["a", "b"], "b")),
    ("DeleteTable", tables.DeleteTableResult(dataclasses.replace(DESCRIPTION, table_status="DELETING"))),
    ("UpdateTimeToLive", tables.UpdateTimeToLiveResult("expires", True)),
    ("DescribeTimeToLive", tables.DescribeTimeToLiveResult("ENABLED", "expires")),
    ("DescribeTimeToLive", tables.DescribeTimeToLiveResult("DISABLED")),
    ("TagResource", tables.TagResourceResult()),
    ("UntagResource", tables.UntagResourceResult()),
    ("ListTagsOfResource", tables.ListTagsOfResourceResult(TAGS, "more")),
    ("DescribeLimits", tables.DescribeLimitsResult(1, 2, 3, 4)),
    (
        "ListStreams",
        streams.ListStreamsResult([streams.StreamSummary("arn", "t", "label")], "arn"),
    ),
    ("DescribeStream", streams.DescribeStreamResult(STREAM_DESCRIPTION)),
    ("UpdateStream", streams.UpdateStreamResult(STREAM_DESCRIPTION)),
    ("GetShardIterator", streams.GetShardIteratorResult("iterator")),
    ("GetRecords", streams.GetRecordsResult([], None)),
    ("GetRecords", streams.GetRecordsResult([RECORD], "iterator")),
    ("Subscribe", streams.FeedPage([RECORD], "cursor")),
    ("FollowConflicts", replicas.ConflictPage((CONFLICT,), 1 << 40)),
    ("FollowConflicts", replicas.ConflictPage((), 0)),
    ("CreateBackup", backups.CreateBackupResult(DETAILS)),
    ("DescribeBackup", backups.DescribeBackupResult(backups.BackupDescription(DETAILS))),
    ("DeleteBackup", backups.DeleteBackupResult(BACKUP_DESCRIPTION)),
    ("RestoreTableFromBackup", backups.RestoreTableFromBackupResult(FULL_DESCRIPTION, "id")),
    (
        "SettleRestore",
        backups.SettleRestoreResult(
            dataclasses.replace(
                DESCRIPTION, restore_summary=tables.RestoreSummary(5, True, "arn", "table arn", "aside")
            )
        ),
    ),
    ("ListBackups", backups.ListBackupsResult([])),
    (
        "ListBackups",
        backups.ListBackupsResult(
            [
                backups.BackupSummary("arn", "name", "CREATING", "SYSTEM", 5),
                backups.BackupSummary("arn", "name", "AVAILABLE", "USER", 5, 7, "t", "uuid", "table arn"),
            ],
            "arn",
        ),
    ),
    ("DescribeJob", jobs.DescribeJobResult(JOB)),
    ("ListJobs", jobs.ListJobsResult([])),
    ("ListJobs", jobs.ListJobsResult([JOB, FAILED_JOB], "01700000000000-0123abcd")),
    ("CancelJob", jobs.CancelJobResult(dataclasses.replace(JOB, is_cancelling=True))),
    ("UpdateContinuousBackups", archive.UpdateContinuousBackupsResult(CONTINUOUS)),
    (
        "DescribeContinuousBackups",
        archive.DescribeContinuousBackupsResult(archive.ContinuousBackupsDescription("DISABLED")),
    ),
    ("RestoreTableToPointInTime", archive.RestoreTableToPointInTimeResult(DESCRIPTION, "job")),
    ("DescribeArchive", archive.DescribeArchiveResult()),
    ("DescribeArchive", archive.DescribeArchiveResult(ARCHIVE)),
    (
        "DescribeArchive",
        archive.DescribeArchiveResult(
            dataclasses.replace(ARCHIVE, epoch="00000001-00000000", earliest_ms=4, base_seqno=0)
        ),
    ),
    ("LabelArchive", archive.LabelArchiveResult("label", 1 << 40, 7)),
    ("ExportTableToPointInTime", transfers.ExportTableToPointInTimeResult(EXPORT)),
    (
        "DescribeExport",
        transfers.DescribeExportResult(
            dataclasses.replace(
                EXPORT,
                end_time_ms=6,
                item_count=0,
                filter_specification=transfers.FilterSpecification("a = :a", None, None, None, {":a": {1}}),
                incremental_export_specification=transfers.IncrementalExportSpecification(0, None, None),
            )
        ),
    ),
    ("ListExports", transfers.ListExportsResult([])),
    (
        "ListExports",
        transfers.ListExportsResult([transfers.ExportSummary("arn", "FAILED", "FULL_EXPORT")], "token"),
    ),
    ("ImportTable", transfers.ImportTableResult(IMPORT)),
    (
        "DescribeImport",
        transfers.DescribeImportResult(
            dataclasses.replace(IMPORT, table_creation_parameters=tables.CreateTable("t", [], []))
        ),
    ),
    (
        "ListImports",
        transfers.ListImportsResult(
            [transfers.ImportSummary("arn", "CANCELLED", "t", transfers.S3BucketSource("b"), "CSV", 5, 6)],
            "token",
        ),
    ),
    (
        "DescribeReplicas",
        replicas.DescribeReplicasResult(
            "amsterdam",
            (
                replicas.PeerDescription(
                    *("berlin", True, "slow"),
                    (replicas.ReplicaLinkDescription("ttt", "REFUSED", "why", 5, 1 << 40, 3),),
                ),
                replicas.PeerDescription("cairo", False),
            ),
        ),
    ),
    ("ReseedTable", replicas.ReseedTableResult()),
    (
        "ListConflicts",
        replicas.ListConflictsResult(
            (
                CONFLICT,
                replicas.ConflictDescription(7, "berlin", 1, "STORED", ITEM, 2, 3),
            ),
            1 << 40,
        ),
    ),
    ("StartCheck", admin.StartCheckResult(admin.CheckDescription(1, "RUNNING"))),
    ("DescribeCheck", admin.DescribeCheckResult()),
    (
        "DescribeCheck",
        admin.DescribeCheckResult(
            admin.CheckDescription(
                *(1, "DAMAGED", True, 1_700_000_000_000, 1_700_000_000_001, 1 << 40, 1, 2, 3, 4, 5),
                (
                    admin.CheckFinding("damage", "000001.sst", 4096, "block checksum mismatch"),
                    admin.CheckFinding("note", "000002.log", -1, ""),
                ),
            ),
            admin.CheckDescription(2, "FAILED", error="MemoryError: "),
        ),
    ),
]


def method_named(name: str) -> Method:
    return next(method for method in METHODS if method.name == name)


FEEDS = [
    streams.Subscribe(),
    streams.Subscribe("t", "CURSOR", "cursor", 5, "KEYS_ONLY", "#n = :v", NAMES, VALUES, ["{}", ""], 7),
    streams.Subscribe(filter_patterns=[]),
]


CONFLICT_FEEDS = [
    replicas.FollowConflicts("ttt"),
    replicas.FollowConflicts("ttt", 1 << 40, ITEM, "STORED", "berlin", 5, 7),
]


@pytest.mark.parametrize("feed", CONFLICT_FEEDS)
def test_a_feed_of_conflicts_is_asked_for_as_it_was(feed: replicas.FollowConflicts) -> None:
    assert FOLLOW_CONFLICTS.request.decode(FOLLOW_CONFLICTS.encode_request(feed)) == feed  # type: ignore[arg-type]


@pytest.mark.parametrize("feed", FEEDS)
def test_a_feed_is_asked_for_as_it_was(feed: streams.Subscribe) -> None:
    assert SUBSCRIBE.request.decode(SUBSCRIBE.encode_request(feed)) == feed  # type: ignore[arg-type]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: type(request).__name__)
def test_a_request_comes_back_as_it_was(request_: object) -> None:
    method = method_of(request_, UNARY_BY_REQUEST)
    assert method.request.decode(method.encode_request(request_)) == request_


@pytest.mark.parametrize(("name", "result"), RESULTS, ids=lambda given: str(given)[:20])
def test_a_result_comes_back_as_it_was(name: str, result: object) -> None:
    pair = method_named(name).result
    assert pair.decode(pair.encode(result)) == result


def test_every_operation_has_a_method_and_every_method_an_example() -> None:
    assert set(UNARY_BY_REQUEST) == {operation.request for operation in OPERATIONS}
    assert {type(request) for request in REQUESTS} == set(UNARY_BY_REQUEST)
    assert {method_named(name).result for name, _ in RESULTS} == {method.result for method in METHODS}


def is_api_class(value: object) -> bool:
    return isinstance(value, type) and dataclasses.is_dataclass(value)


def test_every_field_of_every_class_is_in_some_example() -> None:
    """Which is what makes the round trips above a proof."""
    seen: dict[type, set[str]] = {}
    left: list[object] = [*REQUESTS, *FEEDS, *(result for _, result in RESULTS)]
    while left:
        value = left.pop()
        if isinstance(value, (list, tuple)):
            left += value
        elif isinstance(value, dict):
            left += value.values()
        elif dataclasses.is_dataclass(value):
            kept = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
            plain = {f.name: f.default for f in dataclasses.fields(value)}
            seen.setdefault(type(value), set()).update(n for n, v in kept.items() if v != plain[n])
            left += kept.values()
    classes = [
        c for module in (admin, items, streams, tables) for c in vars(module).values() if is_api_class(c)
    ]
    wanted = {cls: {field.name for field in dataclasses.fields(cls)} for cls in classes}
    assert {cls: names - seen.get(cls, set()) for cls, names in wanted.items() if names - seen[cls]} == {}


def test_a_value_of_an_old_parameter_counts_only_if_it_is_said_to_be_there() -> None:
    method = method_named("PutItem")
    request = items.PutItem("t", ITEM, expected={"a": items.ExpectedAttributeValue(value=5)})
    read = method.request.decode(method.encode_request(request))
    assert read.expected == {"a": items.ExpectedAttributeValue()}


def test_paths_name_service_and_method() -> None:
    assert method_of(items.GetItem("t", {}), UNARY_BY_REQUEST).path == "/kvdb.v1.Items/GetItem"
    assert method_of(items.Scan("t"), STREAM_BY_REQUEST).path == "/kvdb.v1.Items/ScanStream"
    assert method_of(tables.ListTables(), UNARY_BY_REQUEST).path == "/kvdb.v1.Tables/ListTables"
    assert method_of(items.OpenSnapshot(), UNARY_BY_REQUEST).path == "/kvdb.v1.Transactions/OpenSnapshot"


def test_what_is_no_request_is_an_unknown_operation() -> None:
    with pytest.raises(UnknownOperation, match="not a request: dict"):
        method_of({}, UNARY_BY_REQUEST)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_bytes_that_are_no_message_are_a_serialization_error(method: Method) -> None:
    with pytest.raises(SerializationError, match="malformed"):
        method.request.decode(b"\xff\xff\xff")


def test_a_truncated_request_is_refused_or_read_but_never_fails_otherwise() -> None:
    method = method_named("PutItem")
    whole = method.encode_request(items.PutItem("t", ITEM, "a = :v", NAMES, VALUES))
    refused = 0
    for length in range(len(whole)):
        try:
            method.request.decode(whole[:length])
        except (SerializationError, ValidationError):
            refused += 1
    assert refused > len(whole) // 2


def test_an_unset_enum_means_the_default() -> None:
    request = method_named("PutItem").request.decode(
        items_pb2.PutItemRequest(table_name="t").SerializeToString()
    )
    assert request == items.PutItem("t", {})


@pytest.mark.parametrize(
    ("name", "message", "says"),
    [
        ("PutItem", items_pb2.PutItemRequest(return_values=9), "return_values has no value 9"),
        ("Scan", items_pb2.ScanRequest(select=9), "SELECT_COUNT"),
        ("BatchGetItem", items_pb2.BatchGetItemRequest(request_items=[{"table_name": "t"}] * 2), "twice: t"),
        (
            "BatchWriteItem",
            items_pb2.BatchWriteItemRequest(request_items=[{"table_name": "t", "requests": [{}]}]),
            "must hold put_item or delete_key",
        ),
        (
            "TransactWriteItems",
            transactions_pb2.TransactWriteItemsRequest(transact_items=[{}]),
            "action must be one of put_item, update_item, delete_item and condition_check",
        ),
        (
            "CommitTransaction",
            transactions_pb2.CommitTransactionRequest(reads=[{"range": {}}]),
            "request must be one of query and scan",
        ),
        (
            "PutItem",
            items_pb2.PutItemRequest(return_values_on_condition_check_failure=4),
            "return_values_on_condition_check_failure has no value 4",
        ),
        (
            "PutItem",
            items_pb2.PutItemRequest(expected={"attributes": {"a": {"value": {}}}}),
            "must contain exactly one of the supported datatypes",
        ),
    ],
    ids=[
        "enum",
        "select",
        "table twice",
        "empty write",
        "empty member",
        "empty range",
        "enum",
        "empty value",
    ],
)
def test_a_foreign_message_without_meaning_is_refused(name: str, message: object, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        method_named(name).request.decode(message.SerializeToString())


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (items.GetItem(5, {}), "table_name must be str"),
        (items.GetItem("t", [1]), "key must be a mapping"),
        (items.PutItem("t", {}, return_values="SOME"), "enum value set"),
        (items.Scan("t", limit="5"), "limit must be int"),
        (items.Scan("t", limit=True), "limit must be int"),
        (items.PutItem("t", {}, "a", {"#n": 5}), "must map #n to a string"),
        (items.PutItem("t", {}, "a", None, {":v": 1j}), "unsupported type complex"),
        (items.BatchWriteItem({"t": ["put"]}), "PutRequest and DeleteRequest"),
    ],
    ids=lambda given: str(given)[:40],
)
def test_a_request_no_message_can_hold_is_refused_in_the_databases_words(request_: object, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        method_of(request_, UNARY_BY_REQUEST).encode_request(request_)


def test_what_breaks_no_rule_and_has_no_form_is_a_serialization_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(validation, "check", lambda request: None)
    with pytest.raises(SerializationError, match="cannot encode GetItem"):
        method_of(GET_OF_A_NUMBER, UNARY_BY_REQUEST).encode_request(GET_OF_A_NUMBER)


@pytest.mark.parametrize(("given", "means"), [("yes", True), (0, False), (None, False)])
def test_a_direction_is_taken_by_its_truth(given: object, means: bool) -> None:
    method = UNARY_BY_REQUEST[items.Query]
    read = method.request.decode(method.encode_request(items.Query("t", "k", scan_index_forward=given)))
    assert read == items.Query("t", "k", scan_index_forward=means)


def test_the_committed_classes_are_what_the_proto_files_make() -> None:
    gen = Path(gen_proto.TARGET)
    committed = {path.name: path.read_text() for path in gen.iterdir() if path.is_file()}
    assert committed == gen_proto.generate(), "run: python -m tools.gen_proto"
