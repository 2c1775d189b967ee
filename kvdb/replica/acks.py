"""How far each peer has come with what was written here, and what that allows to forget.

Notes of writes (``table/shipping``) are removed when every peer of the table has them durably, or when they
are older than the horizon. A peer that does not have what was removed for its age is *lost*: it gets no
more, and nothing is taken from it, until its table has begun anew; else what was deleted meanwhile could
come back through it. Tombstones are removed when they have been here for twice the horizon, whenever they
were made: by then no peer that is not lost has an older version of the item.

What a peer has told is kept in memory and stored now and then, for it only holds back what is removed;
that a peer is lost is stored in the batch of the removal.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final

from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.replica.conflict_log import ConflictTrimmer
from kvdb.replica.progress import Ack, decode_ack
from kvdb.table import replica_keys, row
from kvdb.table.catalog import Table

_TRIMMED = ""
"""Under this name stands, for each table, how far its notes were removed."""
TOMBSTONES_PER_STEP: Final = 1_000


class Acks:
    """Of all tables of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._guard = threading.Lock()
        self._loaded: dict[int, dict[str, Ack]] = {}
        self._unsaved: set[tuple[int, str]] = set()
        self._applied: dict[tuple[int, str], tuple[str, int]] = {}
        self.on_applied: Callable[[Table], None] = lambda table: None
        """Called when a peer has told that it has more of a table than was known."""

    def note_applied(self, table: Table, region: str, uuid: str, position: int) -> None:
        """A peer that follows has all writes up to ``position`` in its table, durably.

        That may be more than it wants to be remembered for (``put``): after a crash it asks again from
        there, and has its rows all the same.
        """
        place = (table.descriptor.table_id, region)
        known = self._applied.get(place)
        if known is None or known[0] != uuid or known[1] < position:
            self._applied[place] = (uuid, position)
            self.on_applied(table)

    def has_applied(self, table: Table, region: str, position: int) -> bool:
        """Whether a peer has told, since the database was opened, that it has all writes up to there."""
        uuid, applied = self._applied.get((table.descriptor.table_id, region), ("", -1))
        return applied >= position and not self.is_lost(table, region, uuid)

    def get(self, table: Table, region: str) -> Ack | None:
        with self._guard:
            return self._of(table.descriptor.table_id).get(region)

    def begin(self, table: Table, region: str, uuid: str) -> None:
        """A peer was given a place to begin at. It counts as having nothing until it tells of more: an
        answer may be lost, and the place it goes on from may be that of another answer."""
        with self._guard:
            known = self._of(table.descriptor.table_id).get(region)
        if known is None or known.uuid != uuid:
            self.put(table, region, Ack(0, uuid))

    def put(self, table: Table, region: str, ack: Ack) -> None:
        """What a peer has told. It never takes back what it told of the same table."""
        table_id = table.descriptor.table_id
        with self._guard:
            acks = self._of(table_id)
            before = acks.get(region)
            if before is None or before.uuid != ack.uuid or before.position < ack.position:
                acks[region] = ack
                self._unsaved.add((table_id, region))

    def go_apart(self, table: Table) -> None:
        """A table is about to be shared again that was not for a while: what was written meanwhile left no
        notes, so whoever did not begin since must begin anew. Durable when it returns."""
        table_id = table.descriptor.table_id
        with self._guard:
            acks = self._of(table_id)
            acks[_TRIMMED] = Ack(self._engine.last_seqno, "")
            self._engine.write(
                WriteBatch().put(replica_keys.ack_key(table_id, _TRIMMED), acks[_TRIMMED].encoded())
            )

    def keep_only(self, tables: Iterable[Table]) -> None:
        """Forget what is in memory of any others: they were dropped. Of one that was made meanwhile its peers
        tell again."""
        table_ids = {table.descriptor.table_id for table in tables}
        with self._guard:
            for table_id in self._loaded.keys() - table_ids:
                del self._loaded[table_id]
            self._unsaved = {place for place in self._unsaved if place[0] in table_ids}
            for place in list(self._applied):
                if place[0] not in table_ids:
                    self._applied.pop(place, None)

    def trimmed(self, table: Table) -> int:
        """Up to where notes of writes were removed."""
        with self._guard:
            ack = self._of(table.descriptor.table_id).get(_TRIMMED)
        return 0 if ack is None else ack.position

    def is_lost(self, table: Table, region: str, uuid: str) -> bool:
        """Whether the peer's table with this ``uuid`` must begin anew."""
        ack = self.get(table, region)
        return ack is not None and ack.is_lost and ack.uuid == uuid

    def pending(self, table: Table, region: str, *, count_max: int = 10_000) -> int:
        """Notes of writes that a peer is not known to have, as far as ``count_max``."""
        ack = self.get(table, region)
        notes = replica_keys.writes_range(
            table.descriptor.table_id, 0 if ack is None else ack.position, replica_keys.SEQNO_MAX
        )
        return sum(1 for _ in islice(self._engine.scan(*notes), count_max))

    def _of(self, table_id: int) -> dict[str, Ack]:
        acks = self._loaded.get(table_id)
        if acks is None:
            acks = self._loaded[table_id] = {
                replica_keys.region_of(key): decode_ack(value)
                for key, value in self._engine.scan(*replica_keys.acks_range(table_id))
            }
        return acks

    def trim(self, table: Table, *, aged_seqno: int) -> int:
        """Remove the notes that nobody needs, or that are old: those up to ``aged_seqno``. Stores what
        peers have told. Gives the number of peers that this made lost."""
        descriptor = table.descriptor
        assert descriptor.replication is not None, "only tables with peers are looked after"
        table_id = descriptor.table_id
        batch = WriteBatch()
        lost = 0
        with self._guard:
            acks = self._of(table_id)
            peers = descriptor.replication.peers
            known = [acks[peer].position for peer in peers if peer in acks and not acks[peer].is_lost]
            everybody = min(known, default=0) if len(known) == len(peers) else 0
            upto = max(everybody, min(aged_seqno, self._engine.last_seqno))
            notes = replica_keys.writes_range(table_id, 0, upto)
            last = next(iter(self._engine.scan(*notes, reverse=True)), None)
            if last is not None:
                upto = replica_keys.seqno_of(last[0])
                batch.delete_range(*notes)
                acks[_TRIMMED] = Ack(upto, "")
                self._unsaved.add((table_id, _TRIMMED))
                for peer in peers:
                    if (ack := acks.get(peer)) is not None and not ack.is_lost and ack.position < upto:
                        acks[peer] = ack._replace(is_lost=True)
                        self._unsaved.add((table_id, peer))
                        lost += 1
            for place in [place for place in self._unsaved if place[0] == table_id]:
                batch.put(replica_keys.ack_key(*place), acks[place[1]].encoded())
                self._unsaved.discard(place)
        if len(batch):
            self._engine.write(batch)
        return lost


class Gone:
    """Removes tombstones that are old enough, and conflicts that are too many, of one table, bit by bit."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._cursors: dict[int, bytes] = {}
        self._conflicts = ConflictTrimmer(engine)

    def step(self, table: Table, *, before_ms: int) -> int:
        """Look at the next tombstones; gives the number removed, of those that were here before then."""
        table_id = table.descriptor.table_id
        rows = replica_keys.tombstones_range(table_id)
        cursor = self._cursors.get(table_id)
        if cursor is not None:
            rows = rows.after(cursor)
        looked_at = list(islice(self._engine.scan(*rows), TOMBSTONES_PER_STEP))
        if len(looked_at) == TOMBSTONES_PER_STEP:
            self._cursors[table_id] = looked_at[-1][0]
        else:
            self._cursors.pop(table_id, None)
        upto = self._engine.seqno_at(max(0, before_ms))
        old = [key for key, value in looked_at if row.stamp_of(value).wall_ms < before_ms]
        removed = sum(self._remove(key, upto) for key in old)
        self._conflicts.step(table_id)
        return removed

    def _remove(self, key: bytes, upto: int) -> int:
        written = self._engine.newest_seqno(key)
        if written is None or written > upto:
            return 0
        batch = WriteBatch().delete(key)

        def unchanged() -> None:
            if self._engine.newest_seqno(key) != written:
                raise _Changed

        batch.guard = unchanged
        try:
            self._engine.write(batch)
        except _Changed:
            return 0
        return 1


class _Changed(Exception):
    """The tombstone is another one by now."""
