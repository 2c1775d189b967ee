"""The conflicts of a table, as the region that decided them noted them, newest ten thousand at most.

Form of a noted conflict, under its key (``table/replica_keys``), msgpack:

    [1, region it came from, decided_ms, outcome, stored version, incoming version]
    [2, region it came from, decided_ms, outcome, stored version, incoming version, merged version | nil]

Versions are rows or tombstones (``table/row``); what was made of the two is kept where it is neither. Up to
where conflicts were removed for their number stands under seqno 0, which is that of none:

    [1, seqno]

A ``ConflictFeed`` is a place (the seqno of a conflict) and what is wanted from there. As ``stream/feed`` it
holds no queue: each page is read when the reader has room for it. Who comes back to a place whose followers
were removed meanwhile is told so, and never goes on as if there had been none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, cast

import msgpack

from kvdb import limits
from kvdb.api.replicas import (
    ConflictDescription,
    ConflictPage,
    FollowConflicts,
    ListConflicts,
    ListConflictsResult,
    Outcome,
    WriteStamp,
)
from kvdb.env.hlc import region_number
from kvdb.errors import CorruptionError, ResourceNotFound, TrimmedDataAccess, ValidationError
from kvdb.item.value import Item
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.table import replica_keys, row
from kvdb.table.catalog import Catalog, Table
from kvdb.table.change import Arrivals

CONFLICTS_MAX: Final = 10_000
"""Kept for each table; the oldest go."""
PAGE_COUNT: Final = 100
PAGE_BYTES: Final = 1024 * 1024
LOOKED_AT_MAX: Final = 2_000
LOOKED_AT_BYTES_MAX: Final = 16 * 1024 * 1024
"""How much a page passes over when filters let nothing through."""
_FORMAT_VERSION: Final = 2
_MARK_VERSION: Final = 1


class Conflict(NamedTuple):
    """A conflict as it is kept."""

    region: str
    decided_ms: int
    outcome: Outcome
    stored: bytes
    incoming: bytes
    merged: bytes | None = None

    def encoded(self) -> bytes:
        return cast(bytes, msgpack.packb([_FORMAT_VERSION, *self]))


class _Wanted(NamedTuple):
    """Which conflicts, compiled."""

    part: bytes | None
    """Row part of the item's key."""
    outcome: Outcome | None
    region: str | None
    since_ms: int | None

    @classmethod
    def of(cls, table: Table, request: ListConflicts | FollowConflicts) -> _Wanted:
        """Raises: ValidationError: the key is none of the table's."""
        part = None if request.key is None else replica_keys.row_part(table.keys.of_key(request.key))
        return cls(part, request.outcome, request.region_name, request.since_ms)

    def lets_through(self, conflict: Conflict) -> bool:
        return (
            (self.outcome is None or conflict.outcome == self.outcome)
            and (self.region is None or conflict.region == self.region)
            and (self.since_ms is None or conflict.decided_ms >= self.since_ms)
        )


class _Read(NamedTuple):
    conflicts: tuple[ConflictDescription, ...]
    reached: int
    """The last conflict that was looked at; 0: there was none."""
    is_end: bool


class ConflictLog:
    """Of all tables of one database."""

    def __init__(self, catalog: Catalog, engine: Engine, region_names: Callable[[], Iterable[str]]) -> None:
        """``region_names`` gives those that are known here, for the numbers in stamps."""
        self._catalog = catalog
        self._engine = engine
        self._region_names = region_names
        self.arrivals = Arrivals()
        """Tells followers of conflicts that were noted."""

    def listed(self, request: ListConflicts) -> ListConflictsResult:
        """Some conflicts of a table.

        Raises:
            ResourceNotFound: there is no such table.
            TrimmedDataAccess: some after the place that was given were removed for their number.
            ValidationError: the place is of another database; the key is none of the table's.
        """
        table = self._catalog.table(request.table_name)
        after, before = request.after_sequence_number, request.before_sequence_number
        self.check_place(table, after)
        page = self.read(
            table,
            _Wanted.of(table, request),
            after=after,
            upto=replica_keys.SEQNO_MAX if before is None else before - 1,
            count_max=request.limit or PAGE_COUNT,
            newest_first=request.newest_first,
        )
        if after:
            self.check_kept(table, after)
        return ListConflictsResult(page.conflicts, None if page.is_end else page.reached)

    def feed(self, request: FollowConflicts) -> ConflictFeed:
        """Raises: as ``listed``."""
        table = self._catalog.table(request.table_name)
        after = request.after_sequence_number
        self.check_place(table, after)
        return ConflictFeed(self, table, _Wanted.of(table, request), after or self.removed_upto(table))

    def check_place(self, table: Table, after: int) -> None:
        last = self._engine.last_seqno
        if after > last:
            raise ValidationError(f"a sequence number of another database: {after} is after the last, {last}")
        if after:
            self.check_kept(table, after)

    def check_kept(self, table: Table, after: int) -> None:
        """Raises: TrimmedDataAccess: conflicts after this one were removed for their number."""
        if after < (removed := self.removed_upto(table)):
            raise TrimmedDataAccess(
                f"conflicts after sequence number {after} are not kept any more, up to {removed}: "
                "the newest 10,000 of a table are"
            )

    def removed_upto(self, table: Table) -> int:
        stored = self._engine.get(replica_keys.conflict_mark_key(table.descriptor.table_id))
        return 0 if stored is None else _decoded_mark(stored)

    def read(
        self,
        table: Table,
        wanted: _Wanted,
        *,
        after: int,
        upto: int,
        count_max: int,
        newest_first: bool = False,
    ) -> _Read:
        """The next conflicts with ``after < seqno <= upto`` that are wanted, as many as fit a page."""
        names = self._names(table)
        found: list[ConflictDescription] = []
        reached = taken_bytes = looked_at_bytes = 0
        rows = replica_keys.conflicts_range(table.descriptor.table_id, after, upto)
        for looked_at, (key, value) in enumerate(self._engine.scan(*rows, reverse=newest_first), 1):
            reached = replica_keys.seqno_of(key)
            looked_at_bytes += len(value)
            if wanted.part is None or wanted.part == replica_keys.part_of(key):
                conflict = _decoded(value)
                if wanted.lets_through(conflict):
                    found.append(_described(table, names, reached, conflict))
                    taken_bytes += len(value)
            if (
                len(found) >= count_max
                or taken_bytes >= PAGE_BYTES
                or looked_at >= LOOKED_AT_MAX
                or looked_at_bytes >= LOOKED_AT_BYTES_MAX
            ):
                return _Read(tuple(found), reached, is_end=False)
        return _Read(tuple(found), reached, is_end=True)

    def _names(self, table: Table) -> dict[int, str]:
        setting = table.descriptor.replication
        shared = () if setting is None else setting.regions
        return {region_number(name): name for name in (*shared, *self._region_names())}


class ConflictFeed:
    """One reader's place. Not for several threads at once."""

    def __init__(self, log: ConflictLog, table: Table, wanted: _Wanted, after: int) -> None:
        self._log = log
        self._table = table
        self._wanted = wanted
        self._position = after

    def read(self) -> ConflictPage | None:
        """The next page, without waiting; ``None``: nothing was noted since the last.

        Raises:
            TrimmedDataAccess: this reader has come too late for some conflicts.
            ResourceNotFound: the table was dropped, and its conflicts with it.
        """
        page = self._log.read(
            self._table,
            self._wanted,
            after=self._position,
            upto=replica_keys.SEQNO_MAX,
            count_max=limits.CONFLICTS_PAGE_MAX,
        )
        if self._table.is_dropped:
            raise ResourceNotFound(
                f"Requested resource not found: Table: {self._table.descriptor.name} not found"
            )
        self._log.check_kept(self._table, self._position)
        if not page.reached:
            return None
        self._position = page.reached
        return ConflictPage(page.conflicts, self._position)

    def heartbeat(self) -> ConflictPage:
        """How far the feed has come."""
        return ConflictPage((), self._position)


class ConflictTrimmer:
    """Removes the oldest conflicts of tables that have too many."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._newest: dict[int, bytes] = {}
        """Table -> its newest conflict when they were counted last."""

    def step(self, table_id: int, conflicts_max: int = CONFLICTS_MAX) -> None:
        rows = replica_keys.conflicts_range(table_id, 0, replica_keys.SEQNO_MAX)
        newest = next(iter(self._engine.scan(*rows, reverse=True)), None)
        if newest is None or self._newest.get(table_id) == newest[0]:
            return
        for count, (key, _) in enumerate(self._engine.scan(*rows, reverse=True), 1):
            if count > conflicts_max:
                upto = replica_keys.seqno_of(key)
                batch = WriteBatch().delete_range(*replica_keys.conflicts_range(table_id, 0, upto))
                mark = cast(bytes, msgpack.packb([_MARK_VERSION, upto]))
                self._engine.write(batch.put(replica_keys.conflict_mark_key(table_id), mark))
                break
        self._newest[table_id] = newest[0]


def _described(
    table: Table, names: dict[int, str], sequence_number: int, conflict: Conflict
) -> ConflictDescription:
    item = row.item_of(conflict.stored)
    stored, incoming = row.stamp_of(conflict.stored), row.stamp_of(conflict.incoming)
    return ConflictDescription(
        sequence_number,
        conflict.region,
        conflict.decided_ms,
        conflict.outcome,
        {name.name: item[name.name] for name in table.descriptor.keys},
        stored.wall_ms,
        incoming.wall_ms,
        _item_of(conflict.stored),
        _item_of(conflict.incoming),
        WriteStamp(*stored, names.get(stored.region, "")),
        WriteStamp(*incoming, names.get(incoming.region, "")),
        None if conflict.merged is None else _item_of(conflict.merged),
    )


def _item_of(version: bytes) -> Item | None:
    return None if row.is_tombstone(version) else row.item_of(version)


def _decoded(value: bytes) -> Conflict:
    try:
        version, *fields = msgpack.unpackb(value)
        if version not in (1, _FORMAT_VERSION):
            raise ValueError(f"format {version}")
        return Conflict(*fields)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise CorruptionError("a noted conflict is not readable") from error


def _decoded_mark(value: bytes) -> int:
    try:
        version, upto = msgpack.unpackb(value)
        if version != _MARK_VERSION or type(upto) is not int:
            raise ValueError(f"format {version}")
        return upto
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise CorruptionError("the mark of removed conflicts is not readable") from error
