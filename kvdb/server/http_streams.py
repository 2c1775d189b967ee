"""The stream operations in JSON: their requests and results as tables of fields.

What the contract keeps flat (``SequenceNumberRange``) is laid out here, and what it knows beyond the
service (``parent_shard_ids``, ``commit_number``, ``cursor``) is left out.
"""

from __future__ import annotations

from kvdb.api import streams as api
from kvdb.item.dynamo_json import JsonObject
from kvdb.server.http_shapes import (
    INTEGER,
    ITEM,
    LONG,
    SECONDS,
    STRING,
    Field,
    Kind,
    list_of,
    struct,
    wrapped,
)
from kvdb.server.http_tables import KEY_SCHEMA

_MS_PER_SECOND = 1000

_STREAM_ARN = Field("StreamArn", "stream_arn", STRING, is_required=True)
_LIMIT = Field("Limit", "limit", INTEGER)

LIST_STREAMS = struct(
    "ListStreamsInput",
    api.ListStreams,
    Field("TableName", "table_name", STRING),
    _LIMIT,
    Field("ExclusiveStartStreamArn", "exclusive_start_stream_arn", STRING),
)
DESCRIBE_STREAM = struct(
    "DescribeStreamInput",
    api.DescribeStream,
    _STREAM_ARN,
    _LIMIT,
    Field("ExclusiveStartShardId", "exclusive_start_shard_id", STRING),
    Field(
        "ShardFilter",
        "shard_filter",
        struct(
            "ShardFilter",
            api.ShardFilter,
            Field("Type", "type", STRING, is_required=True),
            Field("ShardId", "shard_id", STRING, is_required=True),
        ),
    ),
)
GET_SHARD_ITERATOR = struct(
    "GetShardIteratorInput",
    api.GetShardIterator,
    _STREAM_ARN,
    Field("ShardId", "shard_id", STRING, is_required=True),
    Field("ShardIteratorType", "shard_iterator_type", STRING, is_required=True),
    Field("SequenceNumber", "sequence_number", STRING),
    Field("Timestamp", "timestamp_ms", SECONDS),
)
GET_RECORDS = struct(
    "GetRecordsInput",
    api.GetRecords,
    Field("ShardIterator", "shard_iterator", STRING, is_required=True),
    _LIMIT,
)


def _write_whole_seconds(milliseconds: int) -> int:
    return milliseconds // _MS_PER_SECOND


_WHOLE_SECONDS = Kind(SECONDS.java, SECONDS.read, _write_whole_seconds)
"""What the service writes of the time of a change."""


def _written(write: object) -> Kind:
    """A structure that only results carry."""
    return Kind("", STRING.read, write)  # type: ignore[arg-type]


_STREAM_RECORD = wrapped(
    Field("ApproximateCreationDateTime", "approximate_creation_date_time_ms", _WHOLE_SECONDS),
    Field("Keys", "keys", ITEM),
    Field("NewImage", "new_image", ITEM),
    Field("OldImage", "old_image", ITEM),
    Field("SequenceNumber", "sequence_number", STRING),
    Field("SizeBytes", "size_bytes", LONG),
    Field("StreamViewType", "stream_view_type", STRING),
)


def write_record(record: api.Record) -> JsonObject:
    """One record as the service writes it."""
    written: JsonObject = {
        "eventID": record.event_id,
        "eventName": record.event_name,
        "eventVersion": api.EVENT_VERSION,
        "eventSource": api.EVENT_SOURCE,
        "awsRegion": record.aws_region,
        "dynamodb": _STREAM_RECORD(record.dynamodb),
    }
    if record.user_identity is not None:
        identity = record.user_identity
        written["userIdentity"] = {"PrincipalId": identity.principal_id, "Type": identity.type}
    return written


def _write_shard(shard: api.Shard) -> JsonObject:
    interval: JsonObject = {"StartingSequenceNumber": shard.starting_sequence_number}
    if shard.ending_sequence_number is not None:
        interval["EndingSequenceNumber"] = shard.ending_sequence_number
    written: JsonObject = {"ShardId": shard.shard_id, "SequenceNumberRange": interval}
    if shard.parent_shard_id is not None:
        written["ParentShardId"] = shard.parent_shard_id
    return written


WRITE_LIST_STREAMS = wrapped(
    Field(
        "Streams",
        "streams",
        list_of(
            _written(
                wrapped(
                    _STREAM_ARN,
                    Field("TableName", "table_name", STRING),
                    Field("StreamLabel", "stream_label", STRING),
                )
            )
        ),
    ),
    Field("LastEvaluatedStreamArn", "last_evaluated_stream_arn", STRING),
)
WRITE_DESCRIBE_STREAM = wrapped(
    Field(
        "StreamDescription",
        "stream_description",
        _written(
            wrapped(
                _STREAM_ARN,
                Field("StreamLabel", "stream_label", STRING),
                Field("StreamStatus", "stream_status", STRING),
                Field("StreamViewType", "stream_view_type", STRING),
                Field("CreationRequestDateTime", "creation_request_date_time_ms", SECONDS),
                Field("TableName", "table_name", STRING),
                KEY_SCHEMA,
                Field("Shards", "shards", list_of(_written(_write_shard))),
                Field("LastEvaluatedShardId", "last_evaluated_shard_id", STRING),
            )
        ),
    )
)
WRITE_SHARD_ITERATOR = wrapped(Field("ShardIterator", "shard_iterator", STRING))
WRITE_RECORDS = wrapped(
    Field("Records", "records", list_of(_written(write_record))),
    Field("NextShardIterator", "next_shard_iterator", STRING),
)
