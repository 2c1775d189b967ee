"""Request and result of every stream call. Names and defaults are the service's, in snake case.

Beyond the service: a stream keeps its records for as long as its table says; shards split and
merge when asked to (``UpdateStream``); ``Subscribe`` pushes the records of one table, or of all,
in commit order; a record tells its table, its commit and the cursor to go on after it.

Sources: service model of DynamoDB Streams (botocore, ``service-2.json``), API Reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from kvdb.api.tables import KeySchemaElement, StreamViewType
from kvdb.item.value import Item

EventName = Literal["INSERT", "MODIFY", "REMOVE"]
ShardIteratorType = Literal[
    "TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "AT_TIMESTAMP"
]
StreamStatus = Literal["ENABLING", "ENABLED", "DISABLING", "DISABLED"]
SubscribeFrom = Literal["NOW", "START", "CURSOR", "TIMESTAMP"]

EVENT_VERSION = "1.1"
EVENT_SOURCE = "aws:dynamodb"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who made a change, when it was nobody's request."""

    principal_id: str
    type: str


TTL_IDENTITY = Identity("dynamodb.amazonaws.com", "Service")
"""Of the removal of an expired item. Source: developer guide, "Time to Live", streams."""


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """What became of one item."""

    keys: Item
    sequence_number: str
    """21 digits; its order is the order of commits over all tables."""
    stream_view_type: StreamViewType
    size_bytes: int
    """Published size of keys and images, in bytes."""
    approximate_creation_date_time_ms: int
    """When it was written, in milliseconds since 1970; doors round it to the second."""
    new_image: Item | None = None
    old_image: Item | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One change of one item, and where it came from."""

    event_id: str
    event_name: EventName
    aws_region: str
    dynamodb: StreamRecord
    user_identity: Identity | None = None
    table_name: str = ""
    event_source_arn: str = ""
    commit_number: int = 0
    """The same for all records that were committed together."""
    cursor: str = ""
    """Where to go on after this record; of a feed's records only."""


# Discovery.


@dataclass(frozen=True, slots=True)
class ListStreams:
    """Source: API Reference, ListStreams. Streams in the order of their ARNs."""

    table_name: str | None = None
    limit: int | None = None
    exclusive_start_stream_arn: str | None = None


@dataclass(frozen=True, slots=True)
class StreamSummary:
    stream_arn: str
    table_name: str
    stream_label: str


@dataclass(frozen=True, slots=True)
class ListStreamsResult:
    streams: Sequence[StreamSummary]
    last_evaluated_stream_arn: str | None = None


@dataclass(frozen=True, slots=True)
class ShardFilter:
    type: str
    """Only ``CHILD_SHARDS``."""
    shard_id: str


@dataclass(frozen=True, slots=True)
class DescribeStream:
    """Source: API Reference, DescribeStream. Up to 100 shards a page, parents before children."""

    stream_arn: str
    limit: int | None = None
    exclusive_start_shard_id: str | None = None
    shard_filter: ShardFilter | None = None


@dataclass(frozen=True, slots=True)
class Shard:
    """The changes of a range of partition hashes, from one commit to another."""

    shard_id: str
    starting_sequence_number: str
    ending_sequence_number: str | None = None
    """``None``: it is open."""
    parent_shard_id: str | None = None
    parent_shard_ids: Sequence[str] = ()
    """All of them: a shard that was merged has two or more."""
    hash_start: int = 0
    hash_end: int = 0
    """``hash_start <= hash < hash_end``, of 16 bits."""


@dataclass(frozen=True, slots=True)
class StreamDescription:
    stream_arn: str
    stream_label: str
    stream_status: StreamStatus
    stream_view_type: StreamViewType
    creation_request_date_time_ms: int
    table_name: str
    key_schema: Sequence[KeySchemaElement]
    shards: Sequence[Shard]
    last_evaluated_shard_id: str | None = None
    retention_ms: int = 0


@dataclass(frozen=True, slots=True)
class DescribeStreamResult:
    stream_description: StreamDescription


# Pulling.


@dataclass(frozen=True, slots=True)
class GetShardIterator:
    """Source: API Reference, GetShardIterator."""

    stream_arn: str
    shard_id: str
    shard_iterator_type: ShardIteratorType
    sequence_number: str | None = None
    timestamp_ms: int | None = None


@dataclass(frozen=True, slots=True)
class GetShardIteratorResult:
    shard_iterator: str


@dataclass(frozen=True, slots=True)
class GetRecords:
    """Source: API Reference, GetRecords. Up to 1,000 records, up to 1 MB."""

    shard_iterator: str
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class GetRecordsResult:
    records: Sequence[Record]
    next_shard_iterator: str | None = None
    """``None``: the shard has ended, and everything in it was read."""


# Changing.


@dataclass(frozen=True, slots=True)
class UpdateStream:
    """kvdb's own: change how long records are kept, or how the stream is divided. One at a time.

    ``retention_ms`` is 1 hour to 365 days. ``split_shard_id`` halves an open shard;
    ``merge_shard_ids`` makes two adjacent open shards one; ``rotate`` ends every open shard and
    begins its like.
    """

    stream_arn: str
    retention_ms: int | None = None
    split_shard_id: str | None = None
    merge_shard_ids: Sequence[str] | None = None
    rotate: bool = False


@dataclass(frozen=True, slots=True)
class UpdateStreamResult:
    stream_description: StreamDescription


# Pushing.


@dataclass(frozen=True, slots=True)
class Subscribe:
    """kvdb's own: every change from a point on, in commit order, as it happens.

    ``table_name`` ``None`` is all tables that have a stream, also those that get one later.
    ``view_type`` may leave out images, never add any. ``filter_expression`` is a condition on a
    document of ``eventName``, ``Keys``, ``NewImage``, ``OldImage``, ``userIdentity`` and
    ``tableName``; ``filter_patterns`` are Lambda's, as JSON texts, of which one must match. What
    does not match is skipped, and the cursor passes it.
    """

    table_name: str | None = None
    start: SubscribeFrom = "NOW"
    cursor: str | None = None
    timestamp_ms: int | None = None
    view_type: StreamViewType | None = None
    filter_expression: str | None = None
    expression_attribute_names: dict[str, str] | None = None
    expression_attribute_values: Item | None = None
    filter_patterns: Sequence[str] | None = None
    heartbeat_ms: int = 5_000
    """When nothing happens for this long, a page without records tells how far the feed has come."""


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Some records, or none: a heartbeat."""

    records: Sequence[Record]
    cursor: str
    """Where to go on after this page; good for as long as the records after it are kept."""

    @property
    def is_heartbeat(self) -> bool:
        return not self.records


StreamRequest: TypeAlias = ListStreams | DescribeStream | GetShardIterator | GetRecords | UpdateStream
StreamResult: TypeAlias = (
    ListStreamsResult | DescribeStreamResult | GetShardIteratorResult | GetRecordsResult | UpdateStreamResult
)
