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
    via: str = ""
    """The peer by way of which it was last heard of, for a region that is none itself. What it lacks of the
    writes made here is not known then, nor how late they come."""


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
class WriteStamp:
    """When and where a version was written. Of two, the later one is the larger, as
    ``(wall_ms, counter, region_number)``."""

    wall_ms: int
    counter: int
    region_number: int
    region_name: str = ""
    """Empty: no region of this number is known here any more."""


@dataclass(frozen=True, slots=True)
class ConflictDescription:
    """Two versions of an item that were written without knowing of each other, and which of them stands."""

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
    stored_stamp: WriteStamp | None = None
    incoming_stamp: WriteStamp | None = None
    """Of both versions, always there in an answer."""
    merged_item: Item | None = None
    """What was made of both, with outcome "MERGED"; ``None`` with it: the item is deleted, or the conflict
    was noted before outcomes were kept."""

    @property
    def winner(self) -> WriteStamp | None:
        """The stamp of what stands: of the version that won, or the later one of two that were merged."""
        if self.outcome == "STORED":
            return self.stored_stamp
        if self.outcome == "INCOMING" or self.stored_stamp is None or self.incoming_stamp is None:
            return self.incoming_stamp
        return max(self.stored_stamp, self.incoming_stamp, key=_place)

    @property
    def winner_item(self) -> Item | None:
        """The item that stands since; ``None``: it is deleted."""
        items = {"STORED": self.stored_item, "INCOMING": self.incoming_item, "MERGED": self.merged_item}
        return items[self.outcome]


def _place(stamp: WriteStamp) -> tuple[int, int, int]:
    return stamp.wall_ms, stamp.counter, stamp.region_number


@dataclass(frozen=True, slots=True)
class ListConflicts:
    """The conflicts of a table that were decided here, as far as they are kept: the newest ten thousand."""

    table_name: str
    after_sequence_number: int = 0
    """Only later ones; 0: from the oldest that is kept."""
    limit: int | None = None
    """1 to 1,000; 100 unless given."""
    before_sequence_number: int | None = None
    """Only earlier ones."""
    newest_first: bool = False
    key: Item | None = None
    """Only those of this item."""
    outcome: Outcome | None = None
    region_name: str | None = None
    """Only those whose incoming version came from this region."""
    since_ms: int | None = None
    """Only those decided then or later."""


@dataclass(frozen=True, slots=True)
class ListConflictsResult:
    conflicts: tuple[ConflictDescription, ...] = ()
    last_evaluated_sequence_number: int | None = None
    """Where to go on: after it or, newest first, before it. ``None``: there are no more. A page has at most
    a megabyte of versions, and may be empty where there are filters."""


@dataclass(frozen=True, slots=True)
class FollowConflicts:
    """The conflicts of a table from a place on, and then each as it is decided: pages, for ever."""

    table_name: str
    after_sequence_number: int = 0
    """Where to begin: after this one; 0: with the oldest that is kept."""
    key: Item | None = None
    outcome: Outcome | None = None
    region_name: str | None = None
    since_ms: int | None = None
    heartbeat_ms: int = 5_000
    """When nothing happens for this long, a page without conflicts tells how far the feed has come."""


@dataclass(frozen=True, slots=True)
class ConflictPage:
    """Some conflicts, or none: a heartbeat."""

    conflicts: tuple[ConflictDescription, ...]
    sequence_number: int
    """Where to go on after this page."""

    @property
    def is_heartbeat(self) -> bool:
        return not self.conflicts


ReplicaRequest: TypeAlias = DescribeReplicas | ReseedTable | ListConflicts
ReplicaResult: TypeAlias = DescribeReplicasResult | ReseedTableResult | ListConflictsResult
