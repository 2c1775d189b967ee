"""Takes versions from elsewhere into a table, through the same way as every write: ``table/mutation``.

All of a page is looked at before any of it is stored: what no honest peer sends makes the page refused,
whole. What is taken is stored in batches, indexes and change records with it, and with the last batch the
link's progress; so after a crash a link goes on from where its data is.

A stamp from the future is refused, too, beyond ``skew_ms_max``: taken in, it would win over every later
write, and drag all clocks behind it. A peer whose clock is a little ahead is waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from kvdb import limits
from kvdb.env.env import Env
from kvdb.env.hlc import Stamp
from kvdb.errors import CorruptionError, ItemCollectionSizeLimitExceeded, ValidationError
from kvdb.item.size import item_size
from kvdb.item.value import Item
from kvdb.limits import AWS, LimitsProfile
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.replica.conflict import Resolver, Verdict, decide
from kvdb.replica.conflict_log import Conflict
from kvdb.replica.functions import FunctionFault, Functions
from kvdb.replica.progress import Progress
from kvdb.table import replica_keys, row
from kvdb.table.catalog import Table
from kvdb.table.latches import Latches
from kvdb.table.lineage import includes, lineage_of, newest_stamp
from kvdb.table.mutation import Change
from kvdb.table.shipping import rules_of
from kvdb.table.writer import Steps, Writer, run

ROWS_PER_BATCH: Final = 1_000
BYTES_PER_BATCH: Final = 256 * 1024
"""Of versions; what indexes and change records make of them comes on top."""
SKEW_MS_MAX: Final = 60_000


class PeerFault(Exception):
    """A page that was not taken: what is wrong with it."""


class Taken(NamedTuple):
    """What came of a page."""

    rows: int
    changed: int
    conflicts: int
    newest_ms: int
    """The latest stamp in it; 0: it was empty."""


@dataclass(slots=True)
class _Incoming:
    key: bytes
    version: bytes
    item: Item
    stamp: Stamp


class Applier:
    """For all links of one database."""

    def __init__(
        self,
        engine: Engine,
        latches: Latches,
        writer: Writer,
        env: Env,
        functions: Functions,
        *,
        profile: LimitsProfile = AWS,
        skew_ms_max: int = SKEW_MS_MAX,
        on_conflicts: Callable[[], None] = lambda: None,
    ) -> None:
        """``on_conflicts``: called when some were noted."""
        self._engine = engine
        self._latches = latches
        self._writer = writer
        self._env = env
        self._functions = functions
        self._profile = profile
        self._skew_ms_max = skew_ms_max
        self._on_conflicts = on_conflicts
        self._applied = env.metrics.counter("replica_rows_applied_total")
        self._conflicts = env.metrics.counter("replica_conflicts_total")

    def take(
        self,
        table: Table,
        region: str,
        versions: Sequence[bytes],
        progress: Progress,
        begun: Progress | None = None,
    ) -> Taken:
        """Take a page in; when this returns it is durable, and so is ``progress``. ``begun`` is where the
        link was before, with what will have been seen: of a page of several batches stored with the first.

        Raises:
            PeerFault: nothing of it was taken.
            KvdbError: it may have been taken in part; the progress was not stored.
        """
        incoming, is_in_order = self._checked(table, versions)
        newest = max((each.stamp for each in incoming), default=None)
        if newest is not None:
            self._env.hlc.merge(newest)
        changed = conflicts = 0
        chunks = _chunks(incoming)
        for chunk in chunks:
            batch = WriteBatch()
            key = replica_keys.link_key(table.descriptor.table_id, region)
            if chunk is chunks[-1]:
                batch.put(key, progress.encoded())
            elif chunk is chunks[0] and begun is not None:
                batch.put(key, begun.encoded())
            steps = self._take_chunk(table, region, chunk, batch, is_in_order=is_in_order)
            try:
                of_chunk = run(steps, self._engine, self._latches)
            except ItemCollectionSizeLimitExceeded as error:
                raise PeerFault(error.message) from error
            changed += of_chunk[0]
            conflicts += of_chunk[1]
            if of_chunk[1]:
                self._on_conflicts()
        self._applied.add(changed)
        self._conflicts.add(conflicts)
        return Taken(len(incoming), changed, conflicts, 0 if newest is None else newest.wall_ms)

    def resolver(self, table: Table) -> Resolver:
        """How conflicts in a table are resolved.

        Raises:
            PeerFault: by a function that this database was not given.
        """
        setting = table.descriptor.replication
        assert setting is not None, "the table is shared"
        function = None
        if setting.resolver == "callable":
            function = self._functions.get(table.descriptor.name, setting.function)
            if function is None:
                raise PeerFault(
                    f"the table resolves conflicts by a function that was not given here: {setting.function}"
                )
        names = tuple(key.name for key in table.descriptor.keys)
        return Resolver(names, rules_of(setting), function, self._profile)

    def _checked(self, table: Table, versions: Sequence[bytes]) -> tuple[list[_Incoming], bool]:
        """The versions by their keys, and whether that is how they came."""
        latest_ms = self._env.clock.wall_ms() + self._skew_ms_max
        names = {key.name for key in table.descriptor.keys}
        found: dict[bytes, _Incoming] = {}
        for version in versions:
            try:
                stamp, size, is_tombstone, has_lineage = row.head_of(version)
                item = row.item_of(version)
                if has_lineage:
                    stamp = newest_stamp(version)
                key = table.keys.of_item(item)
            except (CorruptionError, ValidationError) as error:
                raise PeerFault(f"a version that is none: {error.message}") from error
            if stamp.wall_ms > latest_ms:
                ahead_ms = stamp.wall_ms - (latest_ms - self._skew_ms_max)
                raise PeerFault(f"a stamp from the future: {ahead_ms} ms ahead of the clock here")
            if is_tombstone:
                is_sound = size == 0 and item.keys() == names
            else:
                is_sound = item_size(item) == size <= limits.REQUEST_BYTES_MAX
            if not is_sound:
                raise PeerFault("a version whose size or key is not what it says")
            if key in found and includes(lineage_of(found[key].version).seen, lineage_of(version).seen):
                # A scan met the item and, when it had been deleted meanwhile, its tombstone.
                continue
            found[key] = _Incoming(key, version, item, stamp)
        keys = sorted(found)
        return [found[key] for key in keys], keys == list(found)

    def _take_chunk(
        self,
        table: Table,
        region: str,
        chunk: Sequence[_Incoming],
        batch: WriteBatch,
        *,
        is_in_order: bool,
    ) -> Steps[tuple[int, int]]:
        grant = self._latches.request(tuple(each.key for each in chunk))
        try:
            if not grant.is_complete:
                yield grant
            setting = table.descriptor.replication
            if table.is_dropped or setting is None or region not in setting.peers:
                raise PeerFault("the table is not shared with the region any more")
            resolver = self.resolver(table)
            present = self._rows_among(chunk) if is_in_order else None
            changes: list[Change] = []
            conflicts = 0
            for each in chunk:
                old_row = self._engine.get(each.key) if present is None else present.get(each.key)
                change, verdict, stored = self._decided(table, each, old_row, resolver)
                if change is not None:
                    changes.append(change)
                if verdict.travels:
                    batch.put_stamped(
                        replica_keys.writes_prefix(table.descriptor.table_id),
                        replica_keys.row_part(each.key),
                        b"",
                    )
                if verdict.is_conflict and stored is not None:
                    conflicts += 1
                    self._note_conflict(batch, table, region, each, stored, verdict)
            yield from self._writer.commit(changes, batch)
            return len(changes), conflicts
        finally:
            self._latches.give_back(grant)

    def _rows_among(self, chunk: Sequence[_Incoming]) -> dict[bytes, bytes] | None:
        """The rows between the first of these keys and the last, in one read; ``None``: there are so many
        that it is better to ask for each. A scan comes in order, and mostly to where nothing is."""
        if not chunk:
            return {}
        most = 2 * len(chunk)
        rows = dict(islice(self._engine.scan(chunk[0].key, chunk[-1].key + b"\0"), most + 1))
        return rows if len(rows) <= most else None

    def _decided(
        self, table: Table, incoming: _Incoming, old_row: bytes | None, resolver: Resolver
    ) -> tuple[Change | None, Verdict, bytes | None]:
        """Under the latch of the item."""
        indexes = table.indexes
        assert indexes.shipper is not None, "the table is shared"
        tombstone = None
        if old_row is None:
            tombstone = indexes.shipper.tombstones.of(self._engine, incoming.key)
        stored = tombstone if old_row is None else old_row
        verdict = self._verdict(table, stored, incoming.version, resolver)
        if verdict.version == stored:
            return None, verdict, stored
        if verdict.version is incoming.version:
            new: Item | None = incoming.item
        else:
            new = row.item_of(verdict.version)
        if row.is_tombstone(verdict.version):
            new = None
        old, old_size = (None, 0) if old_row is None else row.opened(old_row)
        change = Change(
            table,
            indexes,
            incoming.key,
            old,
            new,
            old_size=old_size,
            new_size=row.size_of(verdict.version),
            old_row=old_row,
            tombstone=tombstone,
            given=verdict.version,
        )
        return change, verdict, stored

    def _verdict(self, table: Table, stored: bytes | None, incoming: bytes, resolver: Resolver) -> Verdict:
        if resolver.function is None:
            return decide(stored, incoming, resolver)
        try:
            with self._functions.running(table.descriptor.name):
                return decide(stored, incoming, resolver)
        except FunctionFault as fault:
            setting = table.descriptor.replication
            assert setting is not None, "the table is shared"
            raise PeerFault(f"the resolver {setting.function} failed: {fault}") from fault

    def _note_conflict(
        self,
        batch: WriteBatch,
        table: Table,
        region: str,
        incoming: _Incoming,
        stored: bytes,
        verdict: Verdict,
    ) -> None:
        merged = verdict.version if verdict.outcome == "MERGED" else None
        noted = Conflict(region, self._env.clock.wall_ms(), verdict.outcome, stored, incoming.version, merged)
        prefix = replica_keys.conflicts_prefix(table.descriptor.table_id)
        batch.put_stamped(prefix, replica_keys.row_part(incoming.key), noted.encoded())


def _chunks(incoming: Sequence[_Incoming]) -> list[list[_Incoming]]:
    """What goes into one batch each; at least one, for the progress."""
    chunks: list[list[_Incoming]] = [[]]
    size = 0
    for each in incoming:
        if len(chunks[-1]) >= ROWS_PER_BATCH or size >= BYTES_PER_BATCH:
            chunks.append([])
            size = 0
        chunks[-1].append(each)
        size += len(each.version)
    return chunks
