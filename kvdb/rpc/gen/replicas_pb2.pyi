from kvdb.rpc.gen import items_pb2 as _items_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LinkStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LINK_STATUS_UNSPECIFIED: _ClassVar[LinkStatus]
    LINK_STATUS_CREATING: _ClassVar[LinkStatus]
    LINK_STATUS_ACTIVE: _ClassVar[LinkStatus]
    LINK_STATUS_NEEDS_RESEED: _ClassVar[LinkStatus]
    LINK_STATUS_LOST: _ClassVar[LinkStatus]
    LINK_STATUS_REFUSED: _ClassVar[LinkStatus]

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_STORED: _ClassVar[Outcome]
    OUTCOME_INCOMING: _ClassVar[Outcome]
    OUTCOME_MERGED: _ClassVar[Outcome]
LINK_STATUS_UNSPECIFIED: LinkStatus
LINK_STATUS_CREATING: LinkStatus
LINK_STATUS_ACTIVE: LinkStatus
LINK_STATUS_NEEDS_RESEED: LinkStatus
LINK_STATUS_LOST: LinkStatus
LINK_STATUS_REFUSED: LinkStatus
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_STORED: Outcome
OUTCOME_INCOMING: Outcome
OUTCOME_MERGED: Outcome

class ReplicaFrame(_message.Message):
    __slots__ = ("payload",)
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    payload: bytes
    def __init__(self, payload: _Optional[bytes] = ...) -> None: ...

class ReplicaLinkDescription(_message.Message):
    __slots__ = ("table_name", "status", "fault", "replication_latency_ms", "pending_replication_count", "conflicts")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    REPLICATION_LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    PENDING_REPLICATION_COUNT_FIELD_NUMBER: _ClassVar[int]
    CONFLICTS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    status: LinkStatus
    fault: str
    replication_latency_ms: int
    pending_replication_count: int
    conflicts: int
    def __init__(self, table_name: _Optional[str] = ..., status: _Optional[_Union[LinkStatus, str]] = ..., fault: _Optional[str] = ..., replication_latency_ms: _Optional[int] = ..., pending_replication_count: _Optional[int] = ..., conflicts: _Optional[int] = ...) -> None: ...

class PeerDescription(_message.Message):
    __slots__ = ("region_name", "is_connected", "fault", "links", "via")
    REGION_NAME_FIELD_NUMBER: _ClassVar[int]
    IS_CONNECTED_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    VIA_FIELD_NUMBER: _ClassVar[int]
    region_name: str
    is_connected: bool
    fault: str
    links: _containers.RepeatedCompositeFieldContainer[ReplicaLinkDescription]
    via: str
    def __init__(self, region_name: _Optional[str] = ..., is_connected: _Optional[bool] = ..., fault: _Optional[str] = ..., links: _Optional[_Iterable[_Union[ReplicaLinkDescription, _Mapping]]] = ..., via: _Optional[str] = ...) -> None: ...

class DescribeReplicasRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DescribeReplicasResponse(_message.Message):
    __slots__ = ("region_name", "peers")
    REGION_NAME_FIELD_NUMBER: _ClassVar[int]
    PEERS_FIELD_NUMBER: _ClassVar[int]
    region_name: str
    peers: _containers.RepeatedCompositeFieldContainer[PeerDescription]
    def __init__(self, region_name: _Optional[str] = ..., peers: _Optional[_Iterable[_Union[PeerDescription, _Mapping]]] = ...) -> None: ...

class ReseedTableRequest(_message.Message):
    __slots__ = ("table_name",)
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    def __init__(self, table_name: _Optional[str] = ...) -> None: ...

class ReseedTableResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ConflictDescription(_message.Message):
    __slots__ = ("sequence_number", "region_name", "decided_ms", "outcome", "key", "stored_ms", "incoming_ms", "stored_item", "incoming_item", "stored_stamp", "incoming_stamp", "merged_item")
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    REGION_NAME_FIELD_NUMBER: _ClassVar[int]
    DECIDED_MS_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    STORED_MS_FIELD_NUMBER: _ClassVar[int]
    INCOMING_MS_FIELD_NUMBER: _ClassVar[int]
    STORED_ITEM_FIELD_NUMBER: _ClassVar[int]
    INCOMING_ITEM_FIELD_NUMBER: _ClassVar[int]
    STORED_STAMP_FIELD_NUMBER: _ClassVar[int]
    INCOMING_STAMP_FIELD_NUMBER: _ClassVar[int]
    MERGED_ITEM_FIELD_NUMBER: _ClassVar[int]
    sequence_number: int
    region_name: str
    decided_ms: int
    outcome: Outcome
    key: _items_pb2.AttributeMap
    stored_ms: int
    incoming_ms: int
    stored_item: _items_pb2.AttributeMap
    incoming_item: _items_pb2.AttributeMap
    stored_stamp: WriteStamp
    incoming_stamp: WriteStamp
    merged_item: _items_pb2.AttributeMap
    def __init__(self, sequence_number: _Optional[int] = ..., region_name: _Optional[str] = ..., decided_ms: _Optional[int] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., key: _Optional[_Union[_items_pb2.AttributeMap, _Mapping]] = ..., stored_ms: _Optional[int] = ..., incoming_ms: _Optional[int] = ..., stored_item: _Optional[_Union[_items_pb2.AttributeMap, _Mapping]] = ..., incoming_item: _Optional[_Union[_items_pb2.AttributeMap, _Mapping]] = ..., stored_stamp: _Optional[_Union[WriteStamp, _Mapping]] = ..., incoming_stamp: _Optional[_Union[WriteStamp, _Mapping]] = ..., merged_item: _Optional[_Union[_items_pb2.AttributeMap, _Mapping]] = ...) -> None: ...

class WriteStamp(_message.Message):
    __slots__ = ("wall_ms", "counter", "region_number", "region_name")
    WALL_MS_FIELD_NUMBER: _ClassVar[int]
    COUNTER_FIELD_NUMBER: _ClassVar[int]
    REGION_NUMBER_FIELD_NUMBER: _ClassVar[int]
    REGION_NAME_FIELD_NUMBER: _ClassVar[int]
    wall_ms: int
    counter: int
    region_number: int
    region_name: str
    def __init__(self, wall_ms: _Optional[int] = ..., counter: _Optional[int] = ..., region_number: _Optional[int] = ..., region_name: _Optional[str] = ...) -> None: ...

class ListConflictsRequest(_message.Message):
    __slots__ = ("table_name", "after_sequence_number", "limit", "before_sequence_number", "newest_first", "key", "outcome", "region_name", "since_ms")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    BEFORE_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    NEWEST_FIRST_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REGION_NAME_FIELD_NUMBER: _ClassVar[int]
    SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    after_sequence_number: int
    limit: int
    before_sequence_number: int
    newest_first: bool
    key: _items_pb2.AttributeMap
    outcome: Outcome
    region_name: str
    since_ms: int
    def __init__(self, table_name: _Optional[str] = ..., after_sequence_number: _Optional[int] = ..., limit: _Optional[int] = ..., before_sequence_number: _Optional[int] = ..., newest_first: _Optional[bool] = ..., key: _Optional[_Union[_items_pb2.AttributeMap, _Mapping]] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., region_name: _Optional[str] = ..., since_ms: _Optional[int] = ...) -> None: ...

class ListConflictsResponse(_message.Message):
    __slots__ = ("conflicts", "last_evaluated_sequence_number")
    CONFLICTS_FIELD_NUMBER: _ClassVar[int]
    LAST_EVALUATED_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    conflicts: _containers.RepeatedCompositeFieldContainer[ConflictDescription]
    last_evaluated_sequence_number: int
    def __init__(self, conflicts: _Optional[_Iterable[_Union[ConflictDescription, _Mapping]]] = ..., last_evaluated_sequence_number: _Optional[int] = ...) -> None: ...

class FollowConflictsRequest(_message.Message):
    __slots__ = ("table_name", "after_sequence_number", "key", "outcome", "region_name", "since_ms", "heartbeat_ms")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REGION_NAME_FIELD_NUMBER: _ClassVar[int]
    SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_MS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    after_sequence_number: int
    key: _items_pb2.AttributeMap
    outcome: Outcome
    region_name: str
    since_ms: int
    heartbeat_ms: int
    def __init__(self, table_name: _Optional[str] = ..., after_sequence_number: _Optional[int] = ..., key: _Optional[_Union[_items_pb2.AttributeMap, _Mapping]] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., region_name: _Optional[str] = ..., since_ms: _Optional[int] = ..., heartbeat_ms: _Optional[int] = ...) -> None: ...

class ConflictPage(_message.Message):
    __slots__ = ("conflicts", "sequence_number")
    CONFLICTS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    conflicts: _containers.RepeatedCompositeFieldContainer[ConflictDescription]
    sequence_number: int
    def __init__(self, conflicts: _Optional[_Iterable[_Union[ConflictDescription, _Mapping]]] = ..., sequence_number: _Optional[int] = ...) -> None: ...
