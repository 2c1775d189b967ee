"""What a region answers to those who pull from it. Reads only, but for where it learns how far they are.

Who begins with a table is given its items and tombstones as they stood at one moment (``replica/holds``), and
from then on the writes. A page of writes has the items and tombstones as they stand when it is made, each
whole: it may say more than the notes it was made from (``table/shipping``), never less. So a page that is
lost, repeated or late does no harm, and an item that was written often between two pages travels once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import Final, Literal, TypeAlias

from kvdb import limits
from kvdb.env.env import Env
from kvdb.errors import ClosedError, CorruptionError
from kvdb.lsm.engine import Engine, Snapshot
from kvdb.replica.acks import Acks
from kvdb.replica.hearsay import Hearsay
from kvdb.replica.holds import Holds
from kvdb.replica.messages import (
    AHEAD,
    BEGIN,
    FEATURES,
    OK,
    OTHER_TABLE,
    SCAN,
    SCANNED,
    SEEDING,
    TRIMMED,
    UNKNOWN,
    UNSHARED,
    WAIT,
    WRITES,
    Greeting,
    Hello,
    Message,
    Pages,
    Part,
    Pull,
    Refusal,
    SharedTable,
    Want,
    decode,
    encode,
)
from kvdb.replica.positions import Positions
from kvdb.replica.progress import Ack
from kvdb.table import replica_keys
from kvdb.table.catalog import Catalog, Table
from kvdb.table.descriptor import TableDescriptor
from kvdb.table.keys import KeyRange, index_prefix, table_prefix
from kvdb.table.latches import Grant, Latches
from kvdb.table.settings import must_begin_anew

PAGE_BYTES: Final = 1024 * 1024
PAGE_ROWS: Final = 2_000
NOTES_PER_PAGE: Final = 4_000
_ROWS, _TOMBSTONES = b"r", b"t"

News: TypeAlias = Literal["any", "writes", "topology"]
"""What an answer may wait for: nothing, a write, or a change of what is shared."""


class Source:
    """For any number of peers and threads."""

    def __init__(
        self,
        catalog: Catalog,
        engine: Engine,
        latches: Latches,
        env: Env,
        acks: Acks,
        hearsay: Hearsay,
        positions: Positions,
        *,
        region: str,
        number: int,
        horizon_ms: int,
    ) -> None:
        self._catalog = catalog
        self._engine = engine
        self._latches = latches
        self._env = env
        self._acks = acks
        self._hearsay = hearsay
        self.refused: dict[str, dict[str, str]] = {}
        """Region -> tables that it will not share, and why, as it told last."""
        self._positions = positions
        self._region = region
        self._number = number
        self._guard = threading.Lock()
        self.page_rows = PAGE_ROWS
        self.on_heard: Callable[[str], None] = lambda region: None
        """Called for every question; must be quick, and raise nothing."""
        self.holds = Holds(engine, env, horizon_ms=horizon_ms)
        self._forms: dict[str, tuple[TableDescriptor, bytes]] = {}
        """By uuid of a table."""
        self._draining: dict[tuple[int, str], list[Grant]] = {}
        self._shipped = env.metrics.counter("replica_rows_shipped_total")

    def answer(self, frame: bytes, regions: Collection[str] | None = None) -> Message:
        """The answer to a frame; a frame that is none, or damaged, gets a refusal. ``regions``: the only
        ones that who asks may speak for."""
        return self.answer_and_news(frame, regions)[0]

    def answer_and_news(self, frame: bytes, regions: Collection[str] | None = None) -> tuple[Message, News]:
        """The answer, and of what it says that there is nothing new: then it may wait for that."""
        try:
            message = decode(frame)
        except CorruptionError as error:
            return Refusal(0, error.message), "any"
        if not isinstance(message, Hello | Pull):
            return Refusal(message.id, "not a question"), "any"
        if regions is not None and message.region not in regions:
            return Refusal(message.id, f"who asks has no certificate of region {message.region}"), "any"
        self.on_heard(message.region)
        if isinstance(message, Hello):
            answer = self._greeting(message)
            is_known = isinstance(answer, Greeting) and answer.topology == message.known
            return answer, "topology" if is_known else "any"
        if message.database_id != self._engine.database_id:
            return Refusal(message.id, "another database is expected here"), "any"
        if len(message.wants) > limits.REPLICATED_TABLES_MAX:
            return Refusal(message.id, f"too many tables at once: {len(message.wants)}"), "any"
        # Before the tables are read: a change that comes between is told the next time.
        topology = self._catalog.shared_seqno
        pages = Pages(message.id, self._region, self._engine.database_id, self._parts(message), topology)
        is_known = message.known in (0, topology)
        return pages, "writes" if pages.is_idle and is_known else "any"

    def encoded_answer(self, frame: bytes) -> bytes:
        return encode(self.answer(frame))

    def _greeting(self, hello: Hello) -> Message:
        if hello.region == self._region or hello.number == self._number:
            return Refusal(
                hello.id, f"this is region {self._region}, whose name or number the caller has, too"
            )
        # Before the tables are read: a change that comes between is told again.
        topology = self._catalog.shared_seqno
        now_ms = self._env.clock.monotonic_ns() // 1_000_000
        tables: list[SharedTable] = []
        is_member = False
        for descriptor in (table.descriptor for table in self._catalog.all_tables()):
            if (setting := descriptor.replication) is not None:
                reports = self._hearsay.reports(descriptor.name, setting.regions, now_ms=now_ms)
                tables.append(SharedTable(descriptor.name, descriptor.uuid, self._form(descriptor), reports))
                is_member = is_member or hello.region in setting.peers
        if is_member:
            self.refused[hello.region] = dict(hello.refused[: limits.REPLICATED_TABLES_MAX])
        wall_ms = self._env.clock.wall_ms()
        database_id = self._engine.database_id
        return Greeting(
            hello.id, self._region, self._number, database_id, wall_ms, tables, FEATURES, topology
        )

    def _form(self, descriptor: TableDescriptor) -> bytes:
        """As it is stored. Made anew only for a table that has changed: peers ask every few seconds."""
        known = self._forms.get(descriptor.uuid)
        if known is None or known[0] is not descriptor:
            if len(self._forms) >= limits.REPLICATED_TABLES_MAX:
                self._forms.clear()
            known = self._forms[descriptor.uuid] = descriptor, descriptor.encoded()
        return known[1]

    def _parts(self, pull: Pull) -> list[Part]:
        # Another table is first each time, so that a busy one does not keep the others from the page.
        turn = pull.id % max(1, len(pull.wants))
        room = PAGE_BYTES
        parts: list[Part] = []
        for want in [*pull.wants[turn:], *pull.wants[:turn]]:
            part = self._part(want, pull.region, max(room, 1))
            room -= sum(map(len, part.rows))
            parts.append(part)
            if room <= 0:
                break
        self._shipped.add(sum(len(part.rows) for part in parts))
        return parts

    def _part(self, want: Want, region: str, room: int) -> Part:
        table = self._shared(want.table, region)
        if table is None:
            return _without_rows(want, UNSHARED)
        if table.descriptor.uuid != want.uuid:
            return _without_rows(want, OTHER_TABLE)
        if must_begin_anew(table.descriptor):
            return _without_rows(want, WAIT)
        if want.mode == BEGIN:
            return self._begun(table, want, region)
        if want.mode == SCAN:
            return self._scanned(table, want, region, room)
        if want.mode == WRITES:
            return self._written(table, want, region, room)
        return _without_rows(want, UNKNOWN)

    def _shared(self, name: str, region: str) -> Table | None:
        table = self._catalog.find(name)
        setting = None if table is None else table.descriptor.replication
        if table is None or table.is_dropped or setting is None or region not in setting.peers:
            return None
        return table

    def _begun(self, table: Table, want: Want, region: str) -> Part:
        """A place from which on every write leaves a note: those under way when the table came to be
        replicated may not."""
        table_id = table.descriptor.table_id
        if self._acks.is_lost(table, region, want.own_uuid):
            return _without_rows(want, TRIMMED)
        setting = table.descriptor.replication
        if setting is not None and setting.is_seeding:
            return _without_rows(want, SEEDING)
        place = (table_id, region)
        with self._guard:
            earlier = self._draining.get(place)
            if earlier is None:
                earlier = self._draining[place] = self._latches.holders(table_prefix(table_id))
            if any(not grant.is_given_back for grant in earlier):
                return _without_rows(want, WAIT)
            del self._draining[place]
        position = self.holds.begin(table, region, want.own_uuid)
        self._acks.begin(table, region, want.own_uuid)
        return Part(
            want.table, want.uuid, OK, [], position, _ROWS, reaches=self._positions.reaches(table, {})
        )

    def _scanned(self, table: Table, want: Want, region: str, room: int) -> Part:
        snapshot = self.holds.at(table, region, want.position)
        try:
            return self._scanned_at(table, want, snapshot, room)
        except ClosedError:
            if snapshot is None or not snapshot.is_released:
                raise
            # Let go meanwhile.
            return self._scanned_at(table, want, None, room)

    def _scanned_at(self, table: Table, want: Want, at: Snapshot | None, room: int) -> Part:
        kind, part = want.cursor[:1] or _ROWS, want.cursor[1:]
        rows: list[bytes] = []
        if kind == _ROWS:
            prefix = index_prefix(table.descriptor.table_id, 0)
            last, room = self._take(table.keys.all_rows(), prefix, part, rows, at=at, room=room)
            if last is not None:
                reaches = self._positions.reaches(table, {})
                return Part(want.table, want.uuid, OK, rows, want.position, _ROWS + last, 1, reaches)
            part = b""
        prefix = replica_keys.tombstones_prefix(table.descriptor.table_id)
        tombstones = replica_keys.tombstones_range(table.descriptor.table_id)
        last, _ = self._take(tombstones, prefix, part, rows, at=at, room=room)
        reaches = self._positions.reaches(table, {})
        if last is not None:
            return Part(want.table, want.uuid, OK, rows, want.position, _TOMBSTONES + last, 1, reaches)
        return Part(want.table, want.uuid, SCANNED, rows, want.position, b"", reaches=reaches)

    def _take(
        self,
        rows: KeyRange,
        prefix: bytes,
        after: bytes,
        taken: list[bytes],
        *,
        at: Snapshot | None,
        room: int,
    ) -> tuple[bytes | None, int]:
        """Take rows into ``taken`` while there is room; the part of the last one if there was not."""
        if after:
            rows = rows.after(prefix + after)
        for key, value in self._engine.scan(*rows, at=at):
            taken.append(value)
            room -= len(value)
            if room <= 0 or len(taken) >= self.page_rows:
                return key[len(prefix) :], room
        return None, room

    def _written(self, table: Table, want: Want, region: str, room: int) -> Part:
        table_id = table.descriptor.table_id
        has = self._positions.has(table)
        head = self._engine.last_seqno
        if want.position > head or want.kept > want.position:
            return _without_rows(want, AHEAD)
        if want.kept < self._acks.trimmed(table) or self._acks.is_lost(table, region, want.own_uuid):
            return _without_rows(want, TRIMMED)
        self._acks.put(table, region, Ack(want.kept, want.own_uuid))
        self.holds.end(table, region)
        if want.applied:
            self._acks.note_applied(table, region, want.own_uuid, want.applied - 1)
        rows: list[bytes] = []
        seen: set[bytes] = set()
        last, reached, more = want.position, head, 0
        rows_prefix = index_prefix(table_id, 0)
        tombstones_prefix = replica_keys.tombstones_prefix(table_id)
        written = replica_keys.writes_range(table_id, want.position, head)
        for notes, (key, _) in enumerate(self._engine.scan(*written)):
            if room <= 0 or len(rows) >= self.page_rows or notes >= NOTES_PER_PAGE:
                reached, more = last, 1
                break
            last = replica_keys.seqno_of(key)
            part = replica_keys.part_of(key)
            if part not in seen:
                seen.add(part)
                # The row again: it may have come back, and the tombstone gone, in between.
                stored = (
                    self._engine.get(rows_prefix + part)
                    or self._engine.get(tombstones_prefix + part)
                    or self._engine.get(rows_prefix + part)
                )
                if stored is not None:
                    rows.append(stored)
                    room -= len(stored)
        if want.kept < self._acks.trimmed(table):
            # Notes may have gone while they were read.
            return _without_rows(want, TRIMMED)
        own_seqno = None if rows else want.position
        reaches = self._positions.reaches(table, has if reached == head else {}, own_seqno)
        return Part(want.table, want.uuid, OK, rows, reached, b"", more, reaches)


def _without_rows(want: Want, status: int) -> Part:
    return Part(want.table, want.uuid, status, [], want.position, b"")
