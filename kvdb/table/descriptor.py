"""What a table is: its names, keys, indexes and settings; and the stored form of all that.

A descriptor is a value: whoever changes a table makes a new one (``table/alteration``) and has the
catalog store it. Nothing in here changes with the passing of time alone, but what is *shown* may:
a table or index whose ``settles_ms`` lies ahead is still being created, updated or deleted.

Stored form, the value of a catalog entry (see ``table/keys``), all of it msgpack arrays:

    descriptor := [1, table_id, name, uuid, created_ms, attribute, attribute | nil, [index ...],
                   next_index, billing, throughput, status, settles_ms, table_class | nil,
                   is_protected, stream | nil, [[tag key, tag value] ...], ttl | nil,
                   replication | nil, restore | nil, [setting ...], joined]
                                        the last four only where there is one
    joined     := [wall_ms, counter, region] | []
    attribute  := [name, "S" | "N" | "B"]                partition key, then sort key
    index      := [number, kind, name, [attribute ...], [attribute ...], projection type,
                   [name ...], is_unique, throughput, status, settles_ms, backfill | nil,
                   since_seqno]
    billing    := [mode, on_demand_since_ms | nil, [switched_ms ...]]
    throughput := [read units, write units, increased_ms | nil, decreased_ms | nil,
                   [decreased_ms ...], max read units | nil, max write units | nil,
                   warm read units | nil, warm write units | nil]
    backfill   := [cursor, rows]
    restore    := [backup ARN, source table ARN, restored_ms, is_in_progress, aside name]
    stream     := [is_enabled, view type | nil, label, number, retention_ms]
    ttl        := [attribute name, is_enabled, changed_ms, settles_ms, number, walk | nil]
    setting    := [name, [wall_ms, counter, region], value]     see ``table/settings``

``table_id`` is the number that engine keys start with, and an index's ``number`` follows it there:
neither is ever given twice, so a table or index made again under an old name cannot meet old rows.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields, replace
from typing import Literal, TypeAlias, Union, cast

import msgpack

from kvdb import limits
from kvdb.api.tables import (
    AttributeType,
    BillingMode,
    IndexKind,
    IndexStatus,
    ProjectionType,
    ResolverKind,
    StreamViewType,
    TableClass,
    TableStatus,
    Tag,
)
from kvdb.errors import CorruptionError

_FORMAT_VERSION = 1
_SETTINGS = 9
"""Fields after the next index number that every table has."""

Axis = Literal["read", "write"]
"""What a unit of throughput is spent on."""

Plain: TypeAlias = Union[str, int, "tuple[Plain, ...]", None]
"""What a common setting may come to."""

FIRST_INDEX_NUMBER = 1
"""Number 0 is the table itself."""


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """One key attribute and the only type its values may have."""

    name: str
    type: AttributeType


@dataclass(frozen=True, slots=True)
class Throughput:
    """What a table or index may be asked for, in units a second, and how that was changed."""

    read_units: int = 0
    """Provisioned; 0 when on demand."""
    write_units: int = 0
    increased_ms: int | None = None
    decreased_ms: int | None = None
    decreases_ms: tuple[int, ...] = ()
    """When it was decreased on the latest UTC day with a decrease."""
    max_read_units: int | None = None
    """Of an on-demand table or index; ``None``: no bound."""
    max_write_units: int | None = None
    warm_read_units: int | None = None
    """Stored and described only, as the next."""
    warm_write_units: int | None = None


@dataclass(frozen=True, slots=True)
class Billing:
    """How a table pays, which decides which bounds of a ``Throughput`` count."""

    mode: BillingMode = "PAY_PER_REQUEST"
    on_demand_since_ms: int | None = None
    """When it last came to be on demand."""
    switches_ms: tuple[int, ...] = ()
    """Switches to on demand in the 24 hours before the last of them."""


@dataclass(frozen=True, slots=True)
class Backfill:
    """How far the rows of before an index have come into it."""

    cursor: bytes = b""
    """Engine key of the last row looked at; empty: none yet."""
    rows: int = 0
    """Rows looked at."""


@dataclass(frozen=True, slots=True)
class IndexDescriptor:
    """One secondary index."""

    number: int
    """16 bits, from ``FIRST_INDEX_NUMBER``: its place in engine keys."""
    kind: IndexKind
    name: str
    partition: tuple[KeyAttribute, ...]
    """Local: the table's partition key. Global: 1 to 4 attributes."""
    sort: tuple[KeyAttribute, ...]
    """Local: one attribute. Global: up to 4."""
    projection_type: ProjectionType
    non_key_attributes: tuple[str, ...] = ()
    """With INCLUDE only."""
    is_unique: bool = False
    throughput: Throughput = Throughput()
    """Global indexes only."""
    status: IndexStatus = "ACTIVE"
    """CREATING: rows of before are still to be added. DELETING: not maintained any more. UPDATING
    lasts until ``settles_ms`` and is ACTIVE from then on."""
    settles_ms: int = 0
    """Wall time at which what the status says may begin (CREATING) or is over (all others)."""
    backfill: Backfill | None = None
    """While CREATING."""
    since_seqno: int = 0
    """The commit from which on it holds every item it should; 0: it was there from the table's first."""

    @property
    def key_names(self) -> tuple[str, ...]:
        return tuple(key.name for key in (*self.partition, *self.sort))

    @property
    def is_maintained(self) -> bool:
        """Whether writes have to keep it."""
        return self.status != "DELETING"

    @property
    def is_complete(self) -> bool:
        """Whether it holds every item it should: it may be read."""
        return self.status in ("ACTIVE", "UPDATING")


@dataclass(frozen=True, slots=True)
class StreamSetting:
    """Whether changes are recorded, with which images, and since when."""

    is_enabled: bool
    view_type: StreamViewType | None
    label: str
    """Of the latest stream; it stays when the stream is disabled."""
    number: int
    """Given out like those of indexes; its records stand elsewhere (``table/stream_keys``)."""
    retention_ms: int = limits.STREAM_RETENTION_MS
    """For how long records are kept, as asked for when it was enabled; the stream knows better."""


@dataclass(frozen=True, slots=True)
class TtlSetting:
    """Which attribute says when an item expires; after a disabling, which one did."""

    attribute: str
    is_enabled: bool
    changed_ms: int
    settles_ms: int = 0
    """Until when it is ENABLING or DISABLING."""
    number: int = 0
    """Where among the table's indexes its marks stand (``table/ttl``); 0: it has none."""
    walk: bytes | None = None
    """How far the rows of before it was enabled have been marked, as an engine key; empty: not begun;
    ``None``: all of them."""


@dataclass(frozen=True, slots=True)
class ReplicationSetting:
    """With which regions a table is shared, and how conflicts are resolved.

    The same in all of them in time: of two settings the one with the later ``changed`` stands.
    """

    regions: tuple[str, ...]
    """Names, in order; the one of this database among them, unless it was taken out."""
    changed: tuple[int, int, int]
    """The stamp of the change."""
    region: str
    """The name of this database's own."""
    resolver: ResolverKind = "last_writer"
    counters: tuple[str, ...] = ()
    """Attributes that are counters, with resolver "attributes"."""
    sets: tuple[str, ...] = ()
    relays: bool = False
    """Whether versions that came from one peer travel on to the others."""
    is_seeding: bool = False
    """This database's own, as ``region``: the table was made because a peer shares it, and has not met every
    peer's items yet."""
    function: str = ""
    """With resolver "callable": which function, by the name that regions were given it under. The last, and
    stored only where there is one: a release before does not know it."""

    @property
    def is_on(self) -> bool:
        """Whether this database's table takes part, and not alone."""
        return self.region in self.regions and len(self.regions) > 1

    @property
    def peers(self) -> tuple[str, ...]:
        """The other regions; none when this one was taken out."""
        return tuple(name for name in self.regions if name != self.region) if self.is_on else ()


@dataclass(frozen=True, slots=True)
class SharedSetting:
    """One setting that the regions of a table have in common; see ``table/settings``."""

    name: str
    changed: tuple[int, int, int]
    """The stamp of its last change."""
    value: Plain


@dataclass(frozen=True, slots=True)
class RestoreSetting:
    """That a table was restored, and from what."""

    backup: str
    """The ARN of a backup; ``""``: from the archive."""
    source: str
    """The ARN of the table that was backed up."""
    restored_ms: int
    is_in_progress: bool
    aside: str = ""
    """The name of the table that holds what was here before, until somebody confirms or rolls back."""


@dataclass(frozen=True, slots=True)
class TableDescriptor:
    """One table, as the catalog keeps it."""

    table_id: int
    name: str
    uuid: str
    created_ms: int
    partition: KeyAttribute
    sort: KeyAttribute | None
    indexes: tuple[IndexDescriptor, ...] = ()
    """In the order of their numbers, local ones first."""
    next_index_number: int = FIRST_INDEX_NUMBER
    billing: Billing = Billing()
    throughput: Throughput = Throughput()
    status: TableStatus = "ACTIVE"
    """What it was last set to: over, and ACTIVE again (or gone, if DELETING), at ``settles_ms``."""
    settles_ms: int = 0
    table_class: TableClass | None = None
    is_protected: bool = False
    """Against ``DeleteTable``."""
    stream: StreamSetting | None = None
    tags: tuple[Tag, ...] = ()
    ttl: TtlSetting | None = None
    replication: ReplicationSetting | None = None
    restore: RestoreSetting | None = None
    settings: tuple[SharedSetting, ...] = ()
    """Of a table that is or was shared: those that all its regions have in common, by name."""
    joined: tuple[int, ...] = ()
    """The stamp of the change by which this database's region came to share the table as it is here."""

    @property
    def keys(self) -> tuple[KeyAttribute, ...]:
        return (self.partition,) if self.sort is None else (self.partition, self.sort)

    def status_at(self, now_ms: int) -> TableStatus:
        """Stored status and time together: what the table is at ``now_ms``."""
        if self.status == "DELETING" or now_ms < self.settles_ms:
            return self.status
        return "ACTIVE"

    @property
    def numbers(self) -> frozenset[int]:
        """Under which its rows lie beside its own: indexes, and marks of expiry."""
        marks = () if self.ttl is None or not self.ttl.number else (self.ttl.number,)
        return frozenset((*(index.number for index in self.indexes), *marks))

    def index(self, name: str) -> IndexDescriptor | None:
        return next((index for index in self.indexes if index.name == name), None)

    def with_index(self, changed: IndexDescriptor) -> TableDescriptor:
        """This table with ``changed`` in place of its index of the same number."""
        indexes = tuple(changed if index.number == changed.number else index for index in self.indexes)
        return replace(self, indexes=indexes)

    def without_index(self, number: int) -> TableDescriptor:
        return replace(self, indexes=tuple(index for index in self.indexes if index.number != number))

    def encoded(self) -> bytes:
        """The stored form: the fields in their order, and so the fields of every part; the last four only
        where they say something."""
        values = list(astuple(self))
        if self.replication is not None and not self.replication.function:
            values[_REPLICATION_AT] = values[_REPLICATION_AT][:-1]
        for _ in range(4):
            if values[-1] in (None, ()):
                values.pop()
            else:
                break
        return cast(bytes, msgpack.packb([_FORMAT_VERSION, *values]))


_FIELDS = len(fields(TableDescriptor))
_REPLICATION_AT = [field.name for field in fields(TableDescriptor)].index("replication")


def decode_descriptor(data: bytes) -> TableDescriptor:
    """The descriptor of a stored form.

    Raises:
        CorruptionError: ``data`` is not one, or of a format this kvdb does not know.
    """
    try:
        return _descriptor(_values(data))
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise CorruptionError("table descriptor is not readable") from error


def decode_described(data: bytes) -> TableDescriptor:
    """What another database says of its table, which may be of a later release. Settings at the end that
    are not known here are left out: every database has what it knows of. Known ones that have become
    different are refused: a database must not guess at what they mean.

    Raises:
        CorruptionError: ``data`` is not one, or not one that this kvdb can go by.
    """
    try:
        return _descriptor(_values(data)[:_FIELDS])
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise CorruptionError(
            "the table has settings that are not known here: the peer is of a later release"
        ) from error


def _values(data: bytes) -> list:  # type: ignore[type-arg]
    format_version, *values = msgpack.unpackb(data, use_list=False)
    if format_version != _FORMAT_VERSION:
        raise CorruptionError(f"table descriptor has an unknown format version={format_version!s:.40}")
    return list(values)


def _descriptor(values: list) -> TableDescriptor:  # type: ignore[type-arg]
    table_id, name, uuid, created_ms, partition, sort, indexes, next_index, *settings = values
    # Only of a table that is or was replicated, or restored, there is more.
    told = len(settings) - _SETTINGS
    replication, restore, shared, joined = [*settings[_SETTINGS:], *(None, None, (), ())[told:]][:4]
    del settings[_SETTINGS : _SETTINGS + 4]
    billing, throughput, status, settles_ms, table_class, is_protected, stream, tags, ttl = settings
    return TableDescriptor(
        table_id,
        name,
        uuid,
        created_ms,
        KeyAttribute(*partition),
        None if sort is None else KeyAttribute(*sort),
        tuple(_unpacked_index(*index) for index in indexes),
        next_index,
        Billing(*billing),
        Throughput(*throughput),
        status,
        settles_ms,
        table_class,
        is_protected,
        None if stream is None else StreamSetting(*stream),
        tuple(Tag(*tag) for tag in tags),
        None if ttl is None else TtlSetting(*ttl),
        None if replication is None else ReplicationSetting(*replication),
        None if restore is None else RestoreSetting(*restore),
        tuple(SharedSetting(*setting) for setting in shared),
        tuple(joined),
    )


def _unpacked_index(
    number: int,
    kind: IndexKind,
    name: str,
    partition: tuple[tuple[str, AttributeType], ...],
    sort: tuple[tuple[str, AttributeType], ...],
    projection_type: ProjectionType,
    non_key_attributes: tuple[str, ...],
    is_unique: bool,
    throughput: tuple[object, ...],
    status: IndexStatus,
    settles_ms: int,
    backfill: tuple[bytes, int] | None,
    since_seqno: int,
) -> IndexDescriptor:
    return IndexDescriptor(
        number,
        kind,
        name,
        tuple(KeyAttribute(*key) for key in partition),
        tuple(KeyAttribute(*key) for key in sort),
        projection_type,
        non_key_attributes,
        is_unique,
        Throughput(*throughput),  # type: ignore[arg-type]
        status,
        settles_ms,
        None if backfill is None else Backfill(*backfill),
        since_seqno,
    )
