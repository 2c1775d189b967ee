"""The messages of ``streams.proto``, a pair each."""

from __future__ import annotations

from kvdb.api import streams
from kvdb.rpc import fields
from kvdb.rpc.fields import Pair
from kvdb.rpc.gen import streams_pb2
from kvdb.rpc.item_pairs import LIMIT, TABLE_NAME
from kvdb.rpc.table_pairs import KEY_SCHEMA, VIEW_TYPES

_STREAM_ARN = fields.scalar("stream_arn")
_STREAM_LABEL = fields.scalar("stream_label")
_SHARD_ID = fields.scalar("shard_id")
_SEQUENCE_NUMBER = fields.scalar("sequence_number")
_TIMESTAMP = fields.optional("timestamp_ms")

_IDENTITY = Pair(streams.Identity, streams_pb2.Identity, fields.scalar("principal_id"), fields.scalar("type"))
_STREAM_RECORD = Pair(
    streams.StreamRecord,
    streams_pb2.StreamRecord,
    fields.item("keys"),
    _SEQUENCE_NUMBER,
    fields.enum("stream_view_type", *VIEW_TYPES, absent=""),
    fields.scalar("size_bytes"),
    fields.scalar("approximate_creation_date_time_ms"),
    fields.optional_item("new_image"),
    fields.optional_item("old_image"),
)
_RECORD = Pair(
    streams.Record,
    streams_pb2.Record,
    fields.scalar("event_id"),
    fields.enum("event_name", "EVENT_NAME_", "INSERT", "MODIFY", "REMOVE", absent=""),
    fields.scalar("aws_region"),
    fields.message("dynamodb", _STREAM_RECORD),
    fields.optional_message("user_identity", _IDENTITY),
    TABLE_NAME,
    fields.scalar("event_source_arn"),
    fields.scalar("commit_number"),
    fields.scalar("cursor"),
)
_SHARD = Pair(
    streams.Shard,
    streams_pb2.Shard,
    _SHARD_ID,
    fields.scalar("starting_sequence_number"),
    fields.optional("ending_sequence_number"),
    fields.optional("parent_shard_id"),
    fields.texts("parent_shard_ids", tuple),
    fields.scalar("hash_start"),
    fields.scalar("hash_end"),
)
_STREAM_DESCRIPTION = Pair(
    streams.StreamDescription,
    streams_pb2.StreamDescription,
    _STREAM_ARN,
    _STREAM_LABEL,
    fields.enum("stream_status", "STREAM_STATUS_", "ENABLING", "ENABLED", "DISABLING", "DISABLED", absent=""),
    fields.enum("stream_view_type", *VIEW_TYPES, absent=""),
    fields.scalar("creation_request_date_time_ms"),
    TABLE_NAME,
    KEY_SCHEMA,
    fields.messages("shards", _SHARD),
    fields.optional("last_evaluated_shard_id"),
    fields.scalar("retention_ms"),
)
_DESCRIBED = fields.message("stream_description", _STREAM_DESCRIPTION)

LIST_STREAMS = Pair(
    streams.ListStreams,
    streams_pb2.ListStreamsRequest,
    fields.optional("table_name"),
    LIMIT,
    fields.optional("exclusive_start_stream_arn"),
)
LIST_STREAMS_RESULT = Pair(
    streams.ListStreamsResult,
    streams_pb2.ListStreamsResponse,
    fields.messages(
        "streams",
        Pair(streams.StreamSummary, streams_pb2.StreamSummary, _STREAM_ARN, TABLE_NAME, _STREAM_LABEL),
    ),
    fields.optional("last_evaluated_stream_arn"),
)
DESCRIBE_STREAM = Pair(
    streams.DescribeStream,
    streams_pb2.DescribeStreamRequest,
    _STREAM_ARN,
    LIMIT,
    fields.optional("exclusive_start_shard_id"),
    fields.optional_message(
        "shard_filter",
        Pair(streams.ShardFilter, streams_pb2.ShardFilter, fields.scalar("type"), _SHARD_ID),
    ),
)
DESCRIBE_STREAM_RESULT = Pair(streams.DescribeStreamResult, streams_pb2.DescribeStreamResponse, _DESCRIBED)
GET_SHARD_ITERATOR = Pair(
    streams.GetShardIterator,
    streams_pb2.GetShardIteratorRequest,
    _STREAM_ARN,
    _SHARD_ID,
    fields.enum(
        "shard_iterator_type",
        "SHARD_ITERATOR_TYPE_",
        *("TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "AT_TIMESTAMP"),
        absent="",
    ),
    fields.optional("sequence_number"),
    _TIMESTAMP,
)
GET_SHARD_ITERATOR_RESULT = Pair(
    streams.GetShardIteratorResult, streams_pb2.GetShardIteratorResponse, fields.scalar("shard_iterator")
)
GET_RECORDS = Pair(streams.GetRecords, streams_pb2.GetRecordsRequest, fields.scalar("shard_iterator"), LIMIT)
GET_RECORDS_RESULT = Pair(
    streams.GetRecordsResult,
    streams_pb2.GetRecordsResponse,
    fields.messages("records", _RECORD),
    fields.optional("next_shard_iterator"),
)
UPDATE_STREAM = Pair(
    streams.UpdateStream,
    streams_pb2.UpdateStreamRequest,
    _STREAM_ARN,
    fields.optional("retention_ms"),
    fields.optional("split_shard_id"),
    fields.wrapped("merge_shard_ids", fields.texts("values")),
    fields.flag("rotate"),
)
UPDATE_STREAM_RESULT = Pair(streams.UpdateStreamResult, streams_pb2.UpdateStreamResponse, _DESCRIBED)
SUBSCRIBE = Pair(
    streams.Subscribe,
    streams_pb2.SubscribeRequest,
    fields.optional("table_name"),
    fields.enum("start", "SUBSCRIBE_FROM_", "NOW", "START", "CURSOR", "TIMESTAMP", absent="NOW"),
    fields.optional("cursor"),
    _TIMESTAMP,
    fields.enum("view_type", *VIEW_TYPES),
    fields.optional("filter_expression"),
    fields.optional_names("expression_attribute_names"),
    fields.optional_placeholder_values("expression_attribute_values"),
    fields.wrapped("filter_patterns", fields.texts("values")),
    fields.scalar("heartbeat_ms"),
)
FEED_PAGE = Pair(
    streams.FeedPage,
    streams_pb2.FeedPage,
    fields.messages("records", _RECORD),
    fields.scalar("cursor"),
)
