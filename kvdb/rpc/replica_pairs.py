"""The messages of ``replicas.proto``, a pair each."""

from __future__ import annotations

from typing import get_args

from kvdb.api import replicas
from kvdb.rpc import fields
from kvdb.rpc.fields import Pair
from kvdb.rpc.gen import replicas_pb2
from kvdb.rpc.item_pairs import LIMIT, TABLE_NAME

_REGION_NAME = fields.scalar("region_name")
_LINK = Pair(
    replicas.ReplicaLinkDescription,
    replicas_pb2.ReplicaLinkDescription,
    TABLE_NAME,
    fields.enum("status", "LINK_STATUS_", *get_args(replicas.LinkStatus), absent=""),
    *map(fields.scalar, ("fault", "replication_latency_ms", "pending_replication_count", "conflicts")),
)
_PEER = Pair(
    replicas.PeerDescription,
    replicas_pb2.PeerDescription,
    _REGION_NAME,
    fields.flag("is_connected"),
    fields.scalar("fault"),
    fields.messages("links", _LINK, tuple),
    fields.scalar("via"),
)
_STAMP = Pair(
    replicas.WriteStamp,
    replicas_pb2.WriteStamp,
    *map(fields.scalar, ("wall_ms", "counter", "region_number", "region_name")),
)
_OUTCOMES = get_args(replicas.Outcome)
_WANTED = (
    fields.optional_item("key"),
    fields.enum("outcome", "OUTCOME_", *_OUTCOMES),
    fields.optional("region_name"),
    fields.optional("since_ms"),
)
_CONFLICT = Pair(
    replicas.ConflictDescription,
    replicas_pb2.ConflictDescription,
    fields.scalar("sequence_number"),
    _REGION_NAME,
    fields.scalar("decided_ms"),
    fields.enum("outcome", "OUTCOME_", *_OUTCOMES, absent=""),
    fields.item("key"),
    fields.scalar("stored_ms"),
    fields.scalar("incoming_ms"),
    fields.optional_item("stored_item"),
    fields.optional_item("incoming_item"),
    fields.optional_message("stored_stamp", _STAMP),
    fields.optional_message("incoming_stamp", _STAMP),
    fields.optional_item("merged_item"),
)

DESCRIBE_REPLICAS = Pair(replicas.DescribeReplicas, replicas_pb2.DescribeReplicasRequest)
DESCRIBE_REPLICAS_RESULT = Pair(
    replicas.DescribeReplicasResult,
    replicas_pb2.DescribeReplicasResponse,
    _REGION_NAME,
    fields.messages("peers", _PEER, tuple),
)
RESEED_TABLE = Pair(replicas.ReseedTable, replicas_pb2.ReseedTableRequest, TABLE_NAME)
RESEED_TABLE_RESULT = Pair(replicas.ReseedTableResult, replicas_pb2.ReseedTableResponse)
LIST_CONFLICTS = Pair(
    replicas.ListConflicts,
    replicas_pb2.ListConflictsRequest,
    TABLE_NAME,
    fields.scalar("after_sequence_number"),
    LIMIT,
    fields.optional("before_sequence_number"),
    fields.flag("newest_first"),
    *_WANTED,
)
LIST_CONFLICTS_RESULT = Pair(
    replicas.ListConflictsResult,
    replicas_pb2.ListConflictsResponse,
    fields.messages("conflicts", _CONFLICT, tuple),
    fields.optional("last_evaluated_sequence_number"),
)
FOLLOW_CONFLICTS = Pair(
    replicas.FollowConflicts,
    replicas_pb2.FollowConflictsRequest,
    TABLE_NAME,
    fields.scalar("after_sequence_number"),
    *_WANTED,
    fields.scalar("heartbeat_ms"),
)
CONFLICT_PAGE = Pair(
    replicas.ConflictPage,
    replicas_pb2.ConflictPage,
    fields.messages("conflicts", _CONFLICT, tuple),
    fields.scalar("sequence_number"),
)
