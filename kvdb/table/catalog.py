"""The tables there are: create, describe, list, change, drop.

The catalog is rows of the engine's own keyspace (``table/keys``), loaded once at open into one
dict that readers look into without a lock. Changes are made under one lock, are durable before
they are visible, and replace the dict, or a table's descriptor, instead of changing it.

A table's ARN serves wherever its name does.

Dropping a table, in order:

1. one batch removes the descriptor and records the table as dropped;
2. the dict no longer has the name: it is free, and its next holder gets a new table id, whose
   rows lie elsewhere;
3. ``Table.is_dropped`` is set: a writer that resolved the table earlier is refused when it comes
   to hold its latch;
4. ``table/remover`` deletes the rows and the record in one batch, whatever their number: the rows
   by one range delete. A crash before that finds the record at the next open and goes on.

An index is dropped in the same way: its descriptor goes and a record comes in one batch, writers
that see ``Table.indexes`` no longer keep it, and the remover deletes what it held.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TypeAlias

from kvdb import limits
from kvdb.api import arn
from kvdb.api.tables import (
    CreateTable,
    DescribeTimeToLiveResult,
    ListTables,
    ListTablesResult,
    ListTagsOfResource,
    ListTagsOfResourceResult,
    TableDescription,
    TagResource,
    UntagResource,
    UpdateTable,
    UpdateTimeToLive,
    UpdateTimeToLiveResult,
)
from kvdb.env.env import Env
from kvdb.errors import (
    KvdbError,
    LimitExceeded,
    RequestLimitExceeded,
    ResourceInUse,
    ResourceNotFound,
    TableAlreadyExists,
    ValidationError,
)
from kvdb.limits import AWS, PROFILES, LimitsProfile
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine, Snapshot
from kvdb.options import DatabaseOptions
from kvdb.table import creation, description, keys, quotas, restoring, settings, tags, ttl
from kvdb.table.alteration import Moment, altered, in_use
from kvdb.table.descriptor import (
    IndexDescriptor,
    ReplicationSetting,
    RestoreSetting,
    TableDescriptor,
    decode_descriptor,
)
from kvdb.table.index import Indexes
from kvdb.table.keys import TableKeys
from kvdb.table.streams import Streams
from kvdb.table.throughput import Meter, meter_of
from kvdb.table.tombstones import Tombstones

MeterOf: TypeAlias = Callable[[TableDescriptor, Meter | None], Meter | None]


class Table:
    """One table in use. Its keys never change; its descriptor may be replaced by a later one."""

    __slots__ = (
        "_meter_of",
        "descriptor",
        "indexes",
        "is_dropped",
        "is_exchanged",
        "is_open",
        "keys",
        "meter",
        "since_seqno",
        "tombstones",
    )

    descriptor: TableDescriptor
    indexes: Indexes
    """Replaced as a whole. A writer reads it once, under the latch of its item."""
    is_open: bool
    """Whether items may be read and written; if not, time may have opened it since: ask the catalog."""

    meter: Meter | None
    """What holds it to its throughput; ``None``: nothing does."""

    since_seqno: int
    """A commit since which it is known to have been there, all the time."""

    def __init__(self, descriptor: TableDescriptor, meter_of: MeterOf, since_seqno: int) -> None:
        """``meter_of``: its meter, from its descriptor and the meter it had before."""
        self.since_seqno = since_seqno
        self._meter_of = meter_of
        self.meter = None
        self.keys = TableKeys(descriptor)
        self.tombstones = Tombstones(descriptor.table_id)
        self.is_dropped = False
        """Set once, for ever. A writer looks at it under the latch of the item it writes."""
        self.is_exchanged = False
        """Dropped in this sense only: its name stands for another table, so that a writer may try again."""
        self.adopt(descriptor)

    def refusal(self) -> KvdbError:
        """What a writer is told of a table that is dropped."""
        if self.is_exchanged:
            return RequestLimitExceeded("Table was exchanged in a restore meanwhile; nothing was written")
        return not_found()

    def refuse_inside(self, names: frozenset[str]) -> None:
        """Raise ``ValidationError`` if a document path goes into a key attribute.

        Source: dynalite, db/index.js validateKeyPaths; ScyllaDB test_gsi.py.
        """
        if not names:
            return
        for kind, keys_of in (
            ("Key", [self.keys.start_names]),
            ("IndexKey", [index.keys.start_names for index in self.indexes.by_name.values()]),
        ):
            for name in (name for each in keys_of for name in each):
                if name in names:
                    raise ValidationError(
                        "Key attributes must be scalars; list random access '[]' and map lookup '.' "
                        f"are not allowed: {kind}: {name}"
                    )

    def adopt(self, descriptor: TableDescriptor) -> None:
        """Become what ``descriptor`` says, from the next look on. Under the catalog's lock."""
        self.indexes = Indexes.of(descriptor, self.keys, self.tombstones)
        self.is_open = descriptor.status in ("ACTIVE", "UPDATING")
        self.meter = self._meter_of(descriptor, self.meter)
        self.descriptor = descriptor


class Catalog:
    """All tables of one database."""

    def __init__(self, engine: Engine, env: Env, options: DatabaseOptions | None = None) -> None:
        """Load what the engine holds."""
        options = options or DatabaseOptions()
        self._engine = engine
        self._env = env
        self._region_name = options.region_name
        self._delay_ms = options.table_status_delay_ms
        self._profile = PROFILES[options.limits]
        self._arn_prefix = arn.table_arn_prefix(options.region_name, options.account_id)
        self._is_throttling = options.throttling
        self._guard = threading.Lock()
        self.streams = Streams(engine, env.entropy, self._arn_prefix)
        tables = [
            Table(decode_descriptor(value), self._meter_of, engine.last_seqno)
            for _, value in engine.scan(*keys.descriptor_range())
        ]
        self._tables: Mapping[str, Table] = {table.descriptor.name: table for table in tables}
        self._sizes: dict[int, description.Sizes] = {
            keys.census_table_id(key): description.decode_sizes(value)
            for key, value in engine.scan(*keys.census_range())
        }
        stored = engine.get(keys.NEXT_TABLE_ID_KEY)
        self._next_table_id = keys.FIRST_TABLE_ID if stored is None else keys.next_table_id_of(stored)
        self._dropped = [keys.dropped_prefix(key) for key, _ in engine.scan(*keys.dropped_range())]
        self.shared_seqno = max(1, engine.last_seqno)
        """A larger one after each change of a table that is, or was, shared with other regions."""
        self.on_shared: Callable[[], None] = lambda: None
        """Called when it is; must be quick, and raise nothing."""

    def table(self, name: str, at: Snapshot | None = None) -> Table:
        """The table an item operation names, ``at`` a moment of the past if one is given.

        Raises:
            ResourceNotFound: there is none, or not yet, or it was not there at that moment; in the
                words of the item operations.
        """
        table = self._tables.get(name) or self._tables.get(self._name_of(name))
        if table is None or not (table.is_open or self._opens(table)):
            raise not_found()
        if at is not None and at.seqno < table.since_seqno:
            self._require_at(table, at)
        return table

    def _require_at(self, table: Table, at: Snapshot) -> None:
        """Another table of the name may have been there then; its rows are not this one's."""
        stored = self._engine.get(keys.descriptor_key(table.descriptor.name), at)
        if stored is None:
            raise not_found()
        then = decode_descriptor(stored)
        is_filling = then.restore is not None and then.restore.is_in_progress
        if then.table_id != table.descriptor.table_id or is_filling:
            raise not_found()
        table.since_seqno = min(table.since_seqno, at.seqno)

    def has(self, name: str) -> bool:
        """Whether there is a table of this name, ready or not."""
        return name in self._tables

    def find(self, name: str) -> Table | None:
        """The table of this name, ready or not, if there is one."""
        return self._tables.get(name)

    @property
    def arn_prefix(self) -> str:
        """What the ARNs of all its tables begin with."""
        return self._arn_prefix

    def named(self, name: str) -> Table:
        """The table a table operation names, ready or not.

        Raises:
            ResourceNotFound: there is none.
        """
        return self._named(name)

    def described(self, name: str) -> TableDescription:
        """Source: API Reference, DescribeTable."""
        return self._described(self._named(name).descriptor)

    def as_described(self, table: Table) -> TableDescription:
        """``described``, of a table in hand."""
        return self._described(table.descriptor)

    def listed(self, request: ListTables) -> ListTablesResult:
        """Source: API Reference, ListTables: names in byte order, up to 100 a page."""
        names = sorted(self._tables)
        start = bisect_right(names, request.exclusive_start_table_name or "")
        limit = request.limit or limits.LIST_TABLES_PAGE_MAX
        page = names[start : start + limit]
        return ListTablesResult(page, page[-1] if start + limit < len(names) else None)

    def create(self, request: CreateTable, profile: LimitsProfile = AWS) -> TableDescription:
        """Make a table; unless ``table_status_delay_ms`` says otherwise, it is ready when this returns.

        Raises:
            ResourceInUse: the name is taken. Of several creators of one name exactly one wins.
            LimitExceeded: there are 2,500 tables, or it asks for more throughput than it may have.
        """
        name = self._name_of(request.table_name)
        with self._guard:
            if name in self._tables:
                if self._tables[name].descriptor.status_at(self._now_ms()) == "CREATING":
                    raise in_use(f"Table is being created: {name}")
                raise ResourceInUse(f"Table already exists: {name}")
            if len(self._tables) >= limits.TABLES_MAX:
                raise LimitExceeded(
                    "Subscriber limit exceeded: "
                    f"There is a limit of {limits.TABLES_MAX} tables per subscriber"
                )
            descriptor = creation.created(
                request,
                name=name,
                table_id=self._next_table_id,
                uuid=self._env.entropy.uuid(),
                now_ms=self._now_ms(),
                delay_ms=self._delay_ms,
            )
            self._check_capacity(descriptor, profile)
            self._make(descriptor)
        return self._described(descriptor)

    def create_replica(self, like: TableDescriptor, setting: ReplicationSetting) -> Table:
        """Make a table as another region has it, under an id of this database's own.

        Raises: as ``create``.
        """
        with self._guard:
            if like.name in self._tables:
                raise ResourceInUse(f"Table already exists: {like.name}")
            if len(self._tables) >= limits.TABLES_MAX:
                raise LimitExceeded(f"There is a limit of {limits.TABLES_MAX} tables per subscriber")
            now_ms = self._now_ms()
            descriptor = creation.replica_of(
                like, setting, table_id=self._next_table_id, uuid=self._env.entropy.uuid(), now_ms=now_ms
            )
            self._make(settings.adopted(descriptor, settings.settings_of(descriptor), now_ms=now_ms))
        return self._tables[like.name]

    # Restores.

    def begin_restore(self, like: TableDescriptor) -> Table:
        """Make a table that is to be filled (``table/restoring``); the one of this uuid, if there is one.

        Raises:
            TableAlreadyExists: another table has the name.
            LimitExceeded: as ``create``.
        """
        with self._guard:
            if (table := self._of_uuid(like.uuid)) is not None:
                return table
            if like.name in self._tables:
                raise TableAlreadyExists(f"Table already exists: {like.name}")
            if len(self._tables) >= limits.TABLES_MAX:
                raise LimitExceeded(f"There is a limit of {limits.TABLES_MAX} tables per subscriber")
            descriptor = replace(like, table_id=self._next_table_id)
            self._check_capacity(descriptor, self._profile)
            self._make(descriptor)
            return self._tables[like.name]

    def finish_restore(self, uuid: str, incomplete: Collection[int]) -> None:
        """All rows of a table are there: it may be read and written.

        Raises:
            ResourceNotFound: it was dropped.
        """
        with self._guard:
            table = self._of_uuid(uuid)
            if table is None:
                raise not_found()
            setting = table.descriptor.restore
            if setting is not None and setting.is_in_progress:
                seqno = self._engine.last_seqno
                self._change(table, restoring.finished(table.descriptor, incomplete, seqno))
                table.since_seqno = self._engine.last_seqno

    def abandon_restore(self, uuid: str, hidden: str = "") -> None:
        """Drop a table whose restore has not come to its end; whoever calls this wakes the remover.

        ``hidden``: the name it has until it takes that of another.
        """
        with self._guard:
            table = self._of_uuid(uuid)
            if table is None:
                return
            setting = table.descriptor.restore
            if (setting is not None and setting.is_in_progress) or table.descriptor.name == hidden:
                self._drop(table)

    def exchange(
        self, name: str, coming_uuid: str, *, aside: str, setting: RestoreSetting | None
    ) -> TableDescription:
        """Put the table ``coming_uuid`` under ``name``, and what is there under ``aside``, at once.

        Writers that looked the table up before and have not begun are told to try again.

        Raises:
            ResourceNotFound: one of the two is not there.
            ResourceInUse: it is being changed or deleted, or there is a table called ``aside``.
        """
        with self._guard:
            present, coming = self._named(name), self._of_uuid(coming_uuid)
            if coming is None:
                raise not_found()
            if coming is present:
                return self._described(present.descriptor)
            before, other = present.descriptor, coming.descriptor
            if before.status_at(self._now_ms()) in ("CREATING", "DELETING"):
                raise in_use(f"Table is being created or deleted: {name}")
            if aside in self._tables and self._tables[aside] is not coming:
                raise ResourceInUse(f"Table already exists: {aside}")
            front, back = restoring.exchanged(
                before, other, aside=aside, now_ms=self._now_ms(), setting=setting
            )
            batch = WriteBatch().delete(keys.descriptor_key(other.name))
            batch.put(keys.descriptor_key(front.name), front.encoded())
            batch.put(keys.descriptor_key(back.name), back.encoded())
            recovery = self._engine.get(keys.recovery_key(before.table_id))
            if recovery is not None:
                batch.put(keys.recovery_key(front.table_id), recovery)
                batch.delete(keys.recovery_key(before.table_id))
            gone = [
                keys.index_prefix(was.table_id, number)
                for was, now in ((before, back), (other, front))
                for number in sorted(was.numbers - now.numbers)
            ]
            for prefix in gone:
                batch.put(keys.dropped_key(prefix), name.encode())
            seqno = self._write(batch, before, back)
            tables = {key: kept for key, kept in self._tables.items() if kept not in (present, coming)}
            for descriptor in (front, back):
                tables[descriptor.name] = Table(descriptor, self._meter_of, seqno)
            self._tables = tables
            for gone_table in (present, coming):
                gone_table.is_exchanged = gone_table.is_dropped = True
            self._dropped += gone
        return self._described(front)

    def settle_restore(self, name: str) -> TableDescription:
        """Forget what was kept aside: drop it. Whoever calls this wakes the remover.

        Raises:
            ResourceNotFound: there is no such table.
            ValidationError: nothing is kept aside for it.
        """
        with self._guard:
            table = self._named(name)
            setting = table.descriptor.restore
            if setting is None or not setting.aside:
                raise ValidationError(f"table was not restored in place, or that is settled: {name}")
            self._change(table, replace(table.descriptor, restore=replace(setting, aside="")))
            if (aside := self._tables.get(setting.aside)) is not None:
                self._drop(aside)
            return self._described(table.descriptor)

    def _of_uuid(self, uuid: str) -> Table | None:
        return next((table for table in self._tables.values() if table.descriptor.uuid == uuid), None)

    def _make(self, descriptor: TableDescriptor) -> None:
        """Under the lock."""
        batch = WriteBatch()
        batch.put(keys.descriptor_key(descriptor.name), descriptor.encoded())
        batch.put(keys.NEXT_TABLE_ID_KEY, keys.next_table_id_value(descriptor.table_id + 1))
        seqno = self._write(batch, None, descriptor)
        self._next_table_id += 1
        self._tables = {**self._tables, descriptor.name: Table(descriptor, self._meter_of, seqno)}
        self._note_shared(descriptor)

    def _note_shared(self, *descriptors: TableDescriptor) -> None:
        """Under the lock, when what they became is there to be seen."""
        if any(each.replication is not None for each in descriptors):
            self.shared_seqno = max(self.shared_seqno + 1, self._engine.last_seqno)
            self.on_shared()

    def change(
        self,
        table: Table,
        changed: Callable[[TableDescriptor], TableDescriptor],
        batch: WriteBatch | None = None,
    ) -> TableDescriptor:
        """Replace a table's descriptor by what ``changed`` makes of it, durably.

        ``batch`` is written with it: whatever must be true together. ``changed`` is pure and may
        raise to refuse; then nothing has happened. Indexes that are no longer there are dropped.

        Raises:
            ResourceNotFound: the table was dropped.
        """
        with self._guard:
            if table.is_dropped:
                raise not_found()
            return self._change(table, changed(table.descriptor), batch)

    def update(self, request: UpdateTable, profile: LimitsProfile = AWS) -> TableDescription:
        """Source: API Reference, UpdateTable. Whoever calls this wakes the jobs that have work now.

        Raises: as ``table/alteration``; ``ResourceNotFound`` if there is no such table.
        """
        with self._guard:
            table = self._named(request.table_name)
            stamp = self._env.hlc.tick()
            moment = Moment(self._now_ms(), self._delay_ms, profile, self._region_name, stamp)
            descriptor = settings.noted(table.descriptor, altered(table.descriptor, request, moment), stamp)
            if request.provisioned_throughput is not None or request.global_secondary_index_updates:
                self._check_capacity(descriptor, profile)
            return self._described(self._change(table, descriptor))

    def update_time_to_live(self, request: UpdateTimeToLive) -> UpdateTimeToLiveResult:
        """Source: API Reference, UpdateTimeToLive. Whoever calls this wakes the sweeper.

        Raises:
            ResourceNotFound: there is no such table, or not yet, or not any more.
            ValidationError: as ``table/ttl``.
        """
        with self._guard:
            table = self._named(request.table_name)
            now_ms = self._now_ms()
            if table.descriptor.status_at(now_ms) in ("CREATING", "DELETING"):
                raise _no_table(request.table_name)
            changed = ttl.with_time_to_live(table.descriptor, request, now_ms=now_ms, delay_ms=self._delay_ms)
            self._change(table, settings.noted(table.descriptor, changed, self._env.hlc.tick()))
        return UpdateTimeToLiveResult(request.attribute_name, request.enabled)

    def described_time_to_live(self, name: str) -> DescribeTimeToLiveResult:
        """Source: API Reference, DescribeTimeToLive."""
        return ttl.described(self._named(name).descriptor, now_ms=self._now_ms())

    def tag(self, request: TagResource) -> None:
        """Source: API Reference, TagResource."""
        self._retag(request.resource_arn, lambda table: tags.with_tags(table, request.tags))

    def untag(self, request: UntagResource) -> None:
        """Source: API Reference, UntagResource."""
        self._retag(request.resource_arn, lambda table: tags.without_tags(table, request.tag_keys))

    def tags(self, request: ListTagsOfResource) -> ListTagsOfResourceResult:
        """Source: API Reference, ListTagsOfResource. All in one page: there are 50 at most."""
        if request.next_token is not None:
            raise ValidationError(f"no page of tags has this token: {request.next_token[:40]}")
        return ListTagsOfResourceResult(list(self._resource(request.resource_arn).descriptor.tags))

    def _retag(self, resource: str, changed: Callable[[TableDescriptor], TableDescriptor]) -> None:
        with self._guard:
            table = self._resource(resource)
            descriptor = table.descriptor
            status = descriptor.status_at(self._now_ms())
            if status in ("CREATING", "DELETING"):
                verb = "created" if status == "CREATING" else "deleted"
                raise in_use(f"Table is being {verb}: {descriptor.name}")
            self._change(table, changed(descriptor))

    def _resource(self, resource: str) -> Table:
        table = self._tables.get(self._name_of(resource))
        if table is None:
            # The missing letter is the service's. Source: dynalite, actions/tagResource.js.
            raise ResourceNotFound(f"Requested resource not found: ResourcArn: {resource} not found")
        return table

    def all_tables(self) -> list[Table]:
        return list(self._tables.values())

    def record_census(self, table: Table, sizes: description.Sizes) -> None:
        """What a table and its indexes hold; stored, unless it is what was stored last."""
        table_id = table.descriptor.table_id
        with self._guard:
            if table.is_dropped or self._sizes.get(table_id) == sizes:
                return
            self._engine.write(WriteBatch().put(keys.census_key(table_id), description.encode_sizes(sizes)))
            self._sizes[table_id] = sizes

    def expiring_tables(self) -> list[Table]:
        """The tables whose items may expire."""
        return [table for table in self._tables.values() if table.indexes.marks is not None]

    def drop(self, name: str) -> TableDescription:
        """Steps 1 to 3 of dropping a table; the rows go when the remover is woken.

        With ``table_status_delay_ms`` the table is DELETING first, and ``finish_deleting`` drops it.

        Raises:
            ResourceNotFound: there is no such table.
            ResourceInUse: it, or an index of it, is being created, updated or deleted.
            ValidationError: it is protected.
        """
        with self._guard:
            table = self._named(name)
            descriptor = table.descriptor
            self._check_deletable(descriptor)
            deleting = replace(descriptor, status="DELETING", settles_ms=self._now_ms() + self._delay_ms)
            if self._delay_ms:
                self._change(table, deleting)
            else:
                self._drop(table)
        return self._described(deleting)

    def adopt_settings(self, table: Table, theirs: settings.Settings) -> bool:
        """Join what another region says of a shared table's settings; whether that changed any.

        Raises:
            ResourceNotFound: the table was dropped.
            LimitExceeded: the table has had as many indexes as it ever can.
        """
        with self._guard:
            if table.is_dropped:
                raise not_found()
            descriptor = table.descriptor
            sharing = descriptor.replication
            if sharing is not None and not sharing.is_on:
                both = settings.rejoined(descriptor, theirs, self._env.hlc.tick())
            else:
                both = settings.joined(settings.settings_of(descriptor), theirs)
            if both == descriptor.settings:
                return False
            self._change(table, settings.adopted(descriptor, both, now_ms=self._now_ms()))
            return True

    def drop_replica(self, table: Table) -> None:
        """Drop a shared table, whose peers have it: it is made again when one of them says so."""
        with self._guard:
            if table.is_dropped:
                raise not_found()
            self._drop(table)

    @property
    def has_deleting(self) -> bool:
        """Whether there is work for ``finish_deleting``, now or later."""
        return any(
            status == "DELETING"
            for table in self._tables.values()
            for status in (table.descriptor.status, *(index.status for index in table.descriptor.indexes))
        )

    def finish_deleting(self, now_ms: int) -> int | None:
        """Drop the tables and indexes that have been DELETING for long enough.

        Gives how many milliseconds the next has to wait; ``None``: there are no more.
        """
        waits: list[int] = []
        with self._guard:
            for table in list(self._tables.values()):
                descriptor = table.descriptor
                if descriptor.status == "DELETING" and descriptor.settles_ms <= now_ms:
                    self._drop(table)
                    continue
                gone = [index.number for index in descriptor.indexes if _is_over(index, now_ms)]
                for number in gone:
                    descriptor = descriptor.without_index(number)
                if gone:
                    self._change(table, descriptor)
                if descriptor.status == "DELETING":
                    waits.append(descriptor.settles_ms - now_ms)
                waits += [
                    index.settles_ms - now_ms for index in descriptor.indexes if index.status == "DELETING"
                ]
        return min(waits, default=None)

    def first_creating(self) -> tuple[Table, IndexDescriptor] | None:
        """A table's index that holds not all it should yet, and is to be built (``table/backfill``)."""
        for table in self._tables.values():
            for index in table.descriptor.indexes:
                if index.status == "CREATING":
                    return table, index
        return None

    def first_dropped_prefix(self) -> bytes | None:
        """What begins the engine keys of a dropped table or index whose rows are still to be removed."""
        with self._guard:
            return self._dropped[0] if self._dropped else None

    def forget_dropped(self, prefix: bytes) -> None:
        """The rows of a dropped table or index are gone, and so is the record that said they were to go."""
        with self._guard:
            self._dropped.remove(prefix)

    def _drop(self, table: Table) -> None:
        """Under the lock."""
        descriptor = table.descriptor
        prefix = keys.table_prefix(descriptor.table_id)
        batch = WriteBatch()
        batch.delete(keys.descriptor_key(descriptor.name))
        batch.delete(keys.census_key(descriptor.table_id))
        batch.put(keys.dropped_key(prefix), descriptor.name.encode())
        self._write(batch, descriptor, None)
        self._tables = {name: kept for name, kept in self._tables.items() if kept is not table}
        self._sizes.pop(descriptor.table_id, None)
        table.is_dropped = True
        self._dropped.append(prefix)
        self._note_shared(descriptor)

    def _check_deletable(self, descriptor: TableDescriptor) -> None:
        """Source: the messages that ack-api-quirks recorded from DeleteTable in October 2026."""
        now_ms = self._now_ms()
        status = descriptor.status_at(now_ms)
        if status == "UPDATING":
            raise in_use(f"Table: {descriptor.name} is in the process of being updated.")
        if status != "ACTIVE":
            verb = "created" if status == "CREATING" else "deleted"
            raise in_use(f"Table is being {verb}: {descriptor.name}")
        if any(
            index.status in ("CREATING", "DELETING") or now_ms < index.settles_ms
            for index in descriptor.indexes
        ):
            raise in_use("Cannot delete table while indexes are being created, updated, or deleted.")
        if descriptor.replication is not None and descriptor.replication.is_on:
            others = ", ".join(descriptor.replication.peers)
            raise ValidationError(
                f"Resource cannot be deleted while it is shared with other regions: {others}. "
                "Take this region, or all others, out with ReplicaUpdates first."
            )
        if descriptor.is_protected:
            raise ValidationError(
                "Resource cannot be deleted as it is currently protected against deletion. "
                "Disable deletion protection first."
            )

    def _check_capacity(self, descriptor: TableDescriptor, profile: LimitsProfile) -> None:
        others = (table.descriptor for name, table in self._tables.items() if name != descriptor.name)
        quotas.check_capacity(descriptor, others, profile=profile, region_name=self._region_name)

    def _change(
        self, table: Table, descriptor: TableDescriptor, batch: WriteBatch | None = None
    ) -> TableDescriptor:
        """Under the lock."""
        before = table.descriptor
        gone = sorted(before.numbers - descriptor.numbers)
        dropped = [keys.index_prefix(before.table_id, number) for number in gone]
        batch = WriteBatch() if batch is None else batch
        batch.put(keys.descriptor_key(before.name), descriptor.encoded())
        for prefix in dropped:
            batch.put(keys.dropped_key(prefix), before.name.encode())
        self._write(batch, before, descriptor)
        table.adopt(descriptor)
        self._dropped += dropped
        self._note_shared(before, descriptor)
        return descriptor

    def _write(self, batch: WriteBatch, before: TableDescriptor | None, after: TableDescriptor | None) -> int:
        """What a table becomes, together with what becomes of its streams; gives the last seqno."""
        with self.streams.following(before, after, batch, self._now_ms()) as adopt:
            seqno = self._engine.write(batch)
            adopt(seqno)
        return seqno

    def _named(self, name: str) -> Table:
        table = self._tables.get(self._name_of(name))
        if table is None:
            raise _no_table(name)
        return table

    def _name_of(self, text: str) -> str:
        """The name in one of our ARNs; any other text as it is, and no table is called so."""
        if not arn.is_arn(text):
            return text
        parts = arn.table_arn_parts(text)
        return parts[1] if parts is not None and parts[0] == self._arn_prefix else text

    def _opens(self, table: Table) -> bool:
        """Whether time has made a table ready since it was created."""
        if table.descriptor.status_at(self._now_ms()) != "ACTIVE":
            return False
        table.is_open = True
        return True

    def _meter_of(self, descriptor: TableDescriptor, present: Meter | None) -> Meter | None:
        if not self._is_throttling:
            return None
        return meter_of(descriptor, present, self._env.clock, self._arn_prefix)

    def _now_ms(self) -> int:
        # Not the bare clock: what was over once must not begin again when the wall clock is put back.
        return self._env.hlc.wall_ms()

    def _described(self, descriptor: TableDescriptor) -> TableDescription:
        return description.described(
            descriptor,
            arn_prefix=self._arn_prefix,
            now_ms=self._now_ms(),
            sizes=self._sizes.get(descriptor.table_id, {}),
        )


def _is_over(index: IndexDescriptor, now_ms: int) -> bool:
    return index.status == "DELETING" and index.settles_ms <= now_ms


def _no_table(name: str) -> ResourceNotFound:
    """What a table operation answers. Source: dynalite, test/describeTable.js."""
    return ResourceNotFound(f"Requested resource not found: Table: {name} not found")


def not_found() -> ResourceNotFound:
    """What an item operation answers for a table that is not there. Source: dynoxide, helpers.rs."""
    return ResourceNotFound("Requested resource not found")
