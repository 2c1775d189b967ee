"""Requests and results about peers: how far they are, conflicts, beginning anew. All of it is native.

Times are milliseconds since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from kvdb.item.value import Item

LinkStatus = Literal["CREATING", "ACTIVE", "NEEDS_RESEED", "LOST", "REFUSED"]
"""Taking in what was there; following; this region's table must begin anew; the peer's must; a page was
refused, and is asked for again."""
Outcome = Literal["STORED", "INCOMING", "MERGED"]
"""Which of two concurrent versions stands."""


@dataclass(frozen=True, slots=True)
class ReplicaLinkDescription:
    """One table and one peer."""

    table_name: str
    status: LinkStatus
    fault: str = ""
    """What is wrong; empty: nothing."""
    replication_latency_ms: int = 0
    """How old the peer's newest write was when it was taken in here."""
    pending_replication_count: int = 0
    """Items written here that the peer is not known to have, up to ten thousand."""
    conflicts: int = 0
    """Noted since the link was made."""


@dataclass(frozen=True, slots=True)
class PeerDescription:
    """One other region."""

    region_name: str
    is_connected: bool
    fault: str = ""
    links: tuple[ReplicaLinkDescription, ...] = ()


@dataclass(frozen=True, slots=True)
class DescribeReplicas:
    """This region, its peers, and how far each table is."""


@dataclass(frozen=True, slots=True)
class DescribeReplicasResult:
    region_name: str
    peers: tuple[PeerDescription, ...] = ()


@dataclass(frozen=True, slots=True)
class ReseedTable:
    """Throw away this region's copy of a shared table and take in that of its peers. What was written here
    and has not come to any peer is lost."""

    table_name: str


@dataclass(frozen=True, slots=True)
class ReseedTableResult:
    """The table is dropped; it comes again with the next greeting of a peer."""


@dataclass(frozen=True, slots=True)
class ConflictDescription:
    """Two versions of an item that were written without knowing of each other."""

    sequence_number: int
    region_name: str
    """Where the incoming version came from."""
    decided_ms: int
    outcome: Outcome
    key: Item
    stored_ms: int
    """When the version that was here was written."""
    incoming_ms: int
    stored_item: Item | None = None
    """``None``: it had been deleted."""
    incoming_item: Item | None = None


@dataclass(frozen=True, slots=True)
class ListConflicts:
    """The conflicts of a table that were decided here, oldest first. Ask again after the last to follow."""

    table_name: str
    after_sequence_number: int = 0
    limit: int | None = None
    """1 to 1,000; 100 unless given."""


@dataclass(frozen=True, slots=True)
class ListConflictsResult:
    conflicts: tuple[ConflictDescription, ...] = ()


ReplicaRequest: TypeAlias = DescribeReplicas | ReseedTable | ListConflicts
ReplicaResult: TypeAlias = DescribeReplicasResult | ReseedTableResult | ListConflictsResult
