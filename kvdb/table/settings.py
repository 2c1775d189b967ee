"""The settings that a table's regions have in common, and how two states of them become one. Pure.

A shared table keeps, beside what it is (``table/descriptor``), each common setting with the stamp of its last
change. Two states are joined setting by setting: the later change stands; of two with one stamp, which only
tables have that were shared before settings travelled, the one whose stored form is larger. So whoever has
met the same changes, in whatever order, has the same settings, and regions that change different things at
once keep both changes.

    name            value
    region:NAME     stamp of the change that added the region | 1, in earlier releases | nil
    conflicts       [resolver, [counter name ...], [set name ...], relays 0 | 1, name of function?]
                    the last with "callable" only
    override:NAME   [read, max-read, class] that only this region has, each | nil; or nil
    billing         mode
    read, write     provisioned units
    max-read, max-write, warm-read, warm-write      units | nil
    class           table class | nil
    ttl             attribute name | nil
    stream          [view type, retention_ms] | nil
    index:NAME      [[name, type] ...] partition, [[name, type] ...] sort, projection type, [name ...] | nil
    units:NAME      [read, write, max read | nil, max write | nil, warm read | nil, warm write | nil]

A value of nil is kept: it is what a setting came to, and later than what it was. What the settings come to
is a function of the joined state alone: on demand, nothing is provisioned; provisioned, nothing is bounded,
and an index without units of its own has the table's. Of indexes that cannot be together (one attribute with
two types, more than a table may have), and of regions beyond their number, which only changes made at once
in two regions can bring about, the later ones are left out.

A table remembers the stamp with which its region was added. When it hears of another, its region was taken
out and added again while it was away, and others may have forgotten meanwhile what they deleted: it must
begin anew, and until then gives nothing away and takes nothing in.

Tags, deletion protection and point-in-time recovery are each region's own, as at the service. Source:
developer guide, "Settings synchronization" of global tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, cast

import msgpack

from kvdb import limits
from kvdb.api.tables import (
    AttributeType,
    BillingMode,
    CreateReplica,
    ProjectionType,
    ResolverKind,
    StreamSpecification,
    StreamViewType,
    TableClass,
    UpdateReplica,
)
from kvdb.env.hlc import Stamp
from kvdb.errors import LimitExceeded
from kvdb.table import creation, quotas
from kvdb.table.descriptor import (
    Billing,
    IndexDescriptor,
    KeyAttribute,
    Plain,
    ReplicationSetting,
    SharedSetting,
    TableDescriptor,
    Throughput,
    TtlSetting,
)
from kvdb.table.keys import COUNTERS_NUMBER

_INDEX, _UNITS, _REGION, _OVERRIDE = NAMED = ("index:", "units:", "region:", "override:")
_OVERRIDDEN: Final = ("read", "max-read", "class")
_NEVER: Final = (0, 0, 0)
INDEX_NAMES_MAX: Final = 256
"""Of all indexes a shared table has, or has had since it was shared."""

Values = dict[str, Plain]
Names = tuple[str, ...]
Settings = tuple[SharedSetting, ...]


def settings_of(table: TableDescriptor) -> Settings:
    """The state of a shared table; of one shared before settings travelled, what it is."""
    setting = table.replication
    if table.settings or setting is None:
        return table.settings
    return tuple(
        SharedSetting(name, setting.changed if _is_of_sharing(name) else _NEVER, value)
        for name, value in sorted(values_of(table).items())
    )


def relayed_since(table: TableDescriptor) -> tuple[int, ...]:
    """The stamp of the change that made a table relay; none: it does not."""
    setting = table.replication
    if setting is None or not setting.relays:
        return ()
    return next(each.changed for each in settings_of(table) if each.name == "conflicts")


def region_changes(table: TableDescriptor) -> dict[str, tuple[tuple[int, int, int], bool]]:
    """When each region came to a shared table or was taken out of it, and whether it is in."""
    return {
        setting.name.removeprefix(_REGION): (setting.changed, setting.value is not None)
        for setting in settings_of(table)
        if setting.name.startswith(_REGION)
    }


def told_by(theirs: TableDescriptor, ours: TableDescriptor) -> Settings:
    """The state of another region's table. One of an earlier release names no regions that were taken out."""
    state, setting, present = settings_of(theirs), theirs.replication, ours.replication
    if theirs.settings or setting is None or present is None or setting.changed <= present.changed:
        return state
    gone = (name for name in present.regions if name not in setting.regions)
    return joined(state, tuple(SharedSetting(_REGION + name, setting.changed, None) for name in sorted(gone)))


def _sharing_changed(settings: Settings) -> tuple[int, int, int]:
    return max(setting.changed for setting in settings if _is_of_sharing(setting.name))


def regions_after(table: TableDescriptor, theirs: Settings) -> tuple[str, ...]:
    """Which regions share a table once it has met another region's state."""
    values = _effective(table, joined(settings_of(table), theirs))
    return tuple(name.removeprefix(_REGION) for name in sorted(values) if name.startswith(_REGION))


def _is_of_sharing(name: str) -> bool:
    return name == "conflicts" or name.startswith(_REGION)


def joined(one: Settings, other: Settings) -> Settings:
    """What two states come to: commutative, associative, idempotent."""
    both = {setting.name: setting for setting in one}
    for setting in other:
        present = both.get(setting.name)
        if present is None or _rank(setting) > _rank(present):
            both[setting.name] = setting
    return tuple(both[name] for name in sorted(both))


def _rank(setting: SharedSetting) -> tuple[tuple[int, int, int], bytes]:
    return setting.changed, msgpack.packb(setting.value)


def noted(before: TableDescriptor, after: TableDescriptor, stamp: Stamp) -> TableDescriptor:
    """``after``, which a request made of ``before``, with the changes it made stamped.

    Raises:
        LimitExceeded: the table has had too many indexes.
    """
    was_on, is_on = (each.replication is not None and each.replication.is_on for each in (before, after))
    if not was_on and not is_on:
        return after
    present = joined(settings_of(before), after.settings) if was_on else after.settings
    state = {each.name: each for each in present}
    was, now = values_of(before), values_of(after)
    own = _own_override(after, state) if was_on and was["billing"] == now["billing"] else None
    for name in sorted({*was, *now, *(() if was_on else state)}):
        value = now.get(name)
        if was_on and name in state and was.get(name) == value:
            continue
        if value is None and name not in now and not name.startswith((_INDEX, _REGION)):
            # Units: that the index is gone says it all. Others: only a later release knows them.
            continue
        if own is not None and name in _OVERRIDDEN and own[_OVERRIDDEN.index(name)] is not None:
            # Where a region has its own, it changes its own.
            own = tuple(value if each == name else kept for each, kept in zip(_OVERRIDDEN, own, strict=True))
            name, value = _own_name(after), own
        if name.startswith(_REGION) and value is not None:
            value = _addition(after, state.get(name), stamp, name)
        elif name.startswith(_REGION):
            gone = state.get(_OVERRIDE + name.removeprefix(_REGION))
            if gone is not None:
                state[gone.name] = SharedSetting(gone.name, _after(stamp, gone.changed), None)
        known = state.get(name)
        state[name] = SharedSetting(name, _after(stamp, _NEVER if known is None else known.changed), value)
    if sum(name.startswith(_INDEX) for name in state) > INDEX_NAMES_MAX:
        raise LimitExceeded(f"a shared table cannot have had more than {INDEX_NAMES_MAX} names of indexes")
    told = tuple(state[name] for name in sorted(state))
    assert after.replication is not None, "it is or was shared"
    sharing = replace(after.replication, changed=_sharing_changed(told))
    return adopted(replace(after, replication=sharing), told, now_ms=stamp.wall_ms)


def _addition(table: TableDescriptor, known: SharedSetting | None, stamp: Stamp, name: str) -> Plain:
    """The stamp of a region's addition; this one's own table stays what it was."""
    is_own = table.replication is not None and name == _REGION + table.replication.region
    if is_own and known is not None and known.value is not None:
        return known.value
    return (stamp.wall_ms, stamp.counter, stamp.region)


def rejoined(table: TableDescriptor, theirs: Settings, stamp: Stamp) -> Settings:
    """The state of a table that was alone, and hears that another had been added again: all others begin
    anew, for what was deleted here meanwhile has left no trace."""
    assert table.replication is not None, "it was shared"
    both = {each.name: each for each in joined(settings_of(table), theirs)}
    for name in regions_after(table, theirs):
        if name != table.replication.region:
            known = both[_REGION + name]
            changed = _after(stamp, known.changed)
            both[known.name] = SharedSetting(known.name, changed, changed)
    return tuple(both[name] for name in sorted(both))


def must_begin_anew(table: TableDescriptor) -> bool:
    """Whether this database's region was taken out and added again without its table."""
    return table.replication is not None and is_of_before(table, table.replication.region, table.joined)


def is_of_before(table: TableDescriptor, region: str, joined: tuple[int, ...]) -> bool:
    """Whether a region's table, by the stamp it joined with, is one of before it was added as it is."""
    return bool(joined) and _addition_of(table, region) not in (None, 1, joined)


def _addition_of(table: TableDescriptor, region: str) -> Plain:
    return next((each.value for each in table.settings if each.name == _REGION + region), None)


def with_override(
    table: TableDescriptor, asked: CreateReplica | UpdateReplica, stamp: Stamp
) -> TableDescriptor:
    """The table with what a region shall have of its own."""
    provisioned, on_demand = asked.provisioned_throughput_override, asked.on_demand_throughput_override
    if (provisioned, on_demand, asked.table_class_override) == (None, None, None):
        return table
    name = _OVERRIDE + asked.region_name
    state = {each.name: each for each in settings_of(table)}
    known = state.get(name)
    read, max_read, table_class = cast("tuple[Plain, ...]", (known and known.value) or (None, None, None))
    if provisioned is not None:
        read = provisioned.read_capacity_units
    if on_demand is not None:
        max_read = creation.bound(on_demand.max_read_request_units)
    value = (read, max_read, asked.table_class_override or table_class)
    state[name] = SharedSetting(name, _after(stamp, _NEVER if known is None else known.changed), value)
    return replace(table, settings=tuple(state[each] for each in sorted(state)))


def override_of(table: TableDescriptor, region: str) -> tuple[Plain, ...]:
    """What a region has of its own: read units, most read units on demand, table class; each may be nil."""
    found = next((each.value for each in table.settings if each.name == _OVERRIDE + region), None)
    return cast("tuple[Plain, ...]", found or (None, None, None))


def _own_name(table: TableDescriptor) -> str:
    assert table.replication is not None, "the table is shared"
    return _OVERRIDE + table.replication.region


def _own_override(table: TableDescriptor, state: dict[str, SharedSetting]) -> tuple[Plain, ...] | None:
    found = state.get(_own_name(table))
    return None if found is None else cast("tuple[Plain, ...] | None", found.value)


def _after(stamp: Stamp, known: tuple[int, int, int]) -> tuple[int, int, int]:
    """This stamp, or one past ``known``, if the clock is behind that."""
    return max((stamp.wall_ms, stamp.counter, stamp.region), (known[0], known[1] + 1, stamp.region))


def adopted(table: TableDescriptor, settings: Settings, *, now_ms: int) -> TableDescriptor:
    """The table with these settings; indexes that come are to be filled.

    Raises:
        LimitExceeded: the table has had as many indexes and streams as it ever can.
    """
    wanted, present = _effective(table, settings), values_of(table)
    table = _shared(replace(table, settings=settings), wanted)
    assert table.replication is not None, "it is shared"
    if not table.joined and isinstance(addition := _addition_of(table, table.replication.region), tuple):
        table = replace(table, joined=cast("tuple[int, ...]", addition))
    if wanted == present:
        return table
    table = _billed(table, wanted, now_ms)
    table = replace(table, table_class=cast("TableClass | None", wanted["class"]))
    if wanted["ttl"] != present["ttl"]:
        table = _expiring(table, cast("str | None", wanted["ttl"]), now_ms)
    if wanted["stream"] != present["stream"]:
        table = _streaming(table, wanted["stream"], now_ms)
    return _indexed(table, wanted, now_ms)


# From a table to its settings.


def values_of(table: TableDescriptor) -> Values:
    """What a table's common settings are."""
    units = table.throughput
    ttl, stream = table.ttl, table.stream
    values: Values = {
        "billing": table.billing.mode,
        "read": units.read_units,
        "write": units.write_units,
        "max-read": units.max_read_units,
        "max-write": units.max_write_units,
        "warm-read": units.warm_read_units,
        "warm-write": units.warm_write_units,
        "class": table.table_class,
        "ttl": ttl.attribute if ttl is not None and ttl.is_enabled else None,
        "stream": (
            (stream.view_type, stream.retention_ms) if stream is not None and stream.is_enabled else None
        ),
    }
    if (setting := table.replication) is not None:
        values |= {_REGION + name: 1 for name in setting.regions}
        function = (setting.function,) if setting.function else ()
        values["conflicts"] = (
            *(setting.resolver, setting.counters, setting.sets, int(setting.relays)),
            *function,
        )
    for index in _global_indexes(table):
        values[_INDEX + index.name] = _definition(index)
        values[_UNITS + index.name] = _units(index.throughput)
    return values


def _global_indexes(table: TableDescriptor) -> Iterator[IndexDescriptor]:
    return (index for index in table.indexes if index.kind == "GLOBAL" and index.status != "DELETING")


def _definition(index: IndexDescriptor) -> Plain:
    return (
        tuple((key.name, key.type) for key in index.partition),
        tuple((key.name, key.type) for key in index.sort),
        index.projection_type,
        index.non_key_attributes,
    )


def _units(units: Throughput) -> Plain:
    return (
        units.read_units,
        units.write_units,
        units.max_read_units,
        units.max_write_units,
        units.warm_read_units,
        units.warm_write_units,
    )


# What the settings come to.


def _effective(table: TableDescriptor, settings: Settings) -> Values:
    """The values that ``values_of`` shall give."""
    state = {setting.name: setting for setting in settings}
    values = {name: state[name].value if name in state else own for name, own in values_of(table).items()}
    values = {name: value for name, value in values.items() if not name.startswith(NAMED)}
    regions = [setting for setting in settings if setting.name.startswith(_REGION) and setting.value]
    for setting in sorted(regions, key=_age)[: limits.REGIONS_MAX]:
        values[setting.name] = 1
    is_provisioned = values["billing"] == "PROVISIONED"
    for name in ("read", "write"):
        values[name] = max(1, cast(int, values[name])) if is_provisioned else 0
    for name in ("max-read", "max-write") if is_provisioned else ():
        values[name] = None
    for name, definition in _together(table, settings):
        values[_INDEX + name] = definition
        own = state.get(_UNITS + name)
        values[_UNITS + name] = _index_units(None if own is None else own.value, values)
    override = _own_override(table, state)
    for name, value in zip(_OVERRIDDEN, override or (), strict=override is not None):
        counts = name == "class" or (name == "read") == is_provisioned
        if value is not None and counts:
            values[name] = value
    return values


def _index_units(own: Plain, values: Values) -> Plain:
    read, write, *others = cast("tuple[int, ...]", own or (0, 0, None, None, None, None))
    if values["billing"] == "PROVISIONED":
        return (read or values["read"], write or values["write"], None, None, *others[2:])
    return (0, 0, *others)


def _together(table: TableDescriptor, settings: Settings) -> Iterator[tuple[str, Plain]]:
    """The names and definitions of the indexes that can be together, by the order of their changes."""
    local = [index for index in table.indexes if index.kind == "LOCAL"]
    names = {index.name for index in local}
    types = {key.name: key.type for key in table.keys}
    types |= {key.name: key.type for index in local for key in index.sort}
    included = sum(len(index.non_key_attributes) for index in local)
    count = 0
    for setting in sorted(settings, key=_age):
        if not setting.name.startswith(_INDEX) or setting.value is None:
            continue
        name = setting.name.removeprefix(_INDEX)
        partition, sort, _, others = cast("tuple[tuple[tuple[str, AttributeType], ...], ...]", setting.value)
        keys = dict((*partition, *sort))
        if (
            name in names
            or count >= limits.GLOBAL_INDEXES_MAX
            or included + len(others) > limits.INDEXES_INCLUDED_NAMES_MAX
            or any(types.get(key, kind) != kind for key, kind in keys.items())
        ):
            continue
        types |= keys
        included += len(others)
        count += 1
        yield name, setting.value


def _age(setting: SharedSetting) -> tuple[tuple[int, int, int], str]:
    return setting.changed, setting.name


# From settings to a table.


def _shared(table: TableDescriptor, wanted: Values) -> TableDescriptor:
    present = table.replication
    assert present is not None, "the table is shared"
    regions = (name.removeprefix(_REGION) for name in wanted if name.startswith(_REGION))
    resolution = cast("tuple[Plain, ...]", wanted["conflicts"])
    resolver, counters, sets, relays = cast("tuple[ResolverKind, Names, Names, int]", resolution[:4])
    function = cast("tuple[str, ...]", resolution[4:])
    changed = _sharing_changed(table.settings)
    setting = ReplicationSetting(
        tuple(sorted(regions)),
        changed,
        present.region,
        resolver,
        counters,
        sets,
        bool(relays),
        present.is_seeding,
        *function,
    )
    return replace(table, replication=setting)


def _billed(table: TableDescriptor, wanted: Values, now_ms: int) -> TableDescriptor:
    mode = cast("BillingMode", wanted["billing"])
    billing = table.billing
    if mode != billing.mode:
        billing = replace(billing, mode=mode)
        if mode == "PAY_PER_REQUEST":
            billing = Billing(mode, now_ms, quotas.with_switch(table.billing, now_ms))
    asked = tuple(
        wanted[name] for name in ("read", "write", "max-read", "max-write", "warm-read", "warm-write")
    )
    return replace(table, billing=billing, throughput=_throughput(table.throughput, asked, now_ms))


def _throughput(present: Throughput, asked: Plain, now_ms: int) -> Throughput:
    """The dates of a change are this region's own; as its quotas are not those of who asked."""
    read, write, max_read, max_write, warm_read, warm_write = cast("tuple[int, ...]", asked)
    changed = replace(
        present,
        read_units=read,
        write_units=write,
        max_read_units=max_read,
        max_write_units=max_write,
        warm_read_units=warm_read,
        warm_write_units=warm_write,
    )
    if read and write and (read > present.read_units or write > present.write_units):
        changed = replace(changed, increased_ms=now_ms)
    if read and write and (read < present.read_units or write < present.write_units):
        changed = replace(changed, decreased_ms=now_ms)
    return changed


def _expiring(table: TableDescriptor, attribute: str | None, now_ms: int) -> TableDescriptor:
    if attribute is None:
        assert table.ttl is not None, "it is enabled"
        off = TtlSetting(table.ttl.attribute, is_enabled=False, changed_ms=now_ms)
        return replace(table, ttl=off)
    table, number = _numbered(table)
    return replace(table, ttl=TtlSetting(attribute, True, now_ms, number=number, walk=b""))


def _streaming(table: TableDescriptor, wanted: Plain, now_ms: int) -> TableDescriptor:
    if wanted is None:
        assert table.stream is not None, "it is enabled"
        return replace(table, stream=replace(table.stream, is_enabled=False))
    view_type, retention_ms = cast("tuple[StreamViewType, int]", wanted)
    label = None if table.stream is None else table.stream.label
    table, number = _numbered(table)
    asked = StreamSpecification(True, view_type, retention_ms)
    return replace(table, stream=creation.new_stream(asked, now_ms, number, label))


def _numbered(table: TableDescriptor) -> tuple[TableDescriptor, int]:
    number = table.next_index_number
    if number >= COUNTERS_NUMBER:
        raise LimitExceeded(f"the table has had as many indexes and streams as it ever can: {number - 1}")
    return replace(table, next_index_number=number + 1), number


def _indexed(table: TableDescriptor, wanted: Values, now_ms: int) -> TableDescriptor:
    present = {index.name: index for index in _global_indexes(table)}
    names = [name.removeprefix(_INDEX) for name in wanted if name.startswith(_INDEX)]
    kept: list[IndexDescriptor] = []
    for index in table.indexes:
        is_wanted = wanted.get(_INDEX + index.name) == _definition(index)
        # One that is being deleted is left to whoever does that, unless its name is wanted again.
        if (
            index.kind == "LOCAL"
            or (index.status == "DELETING" and index.name not in names)
            or (index.status != "DELETING" and is_wanted)
        ):
            kept.append(index)
        else:
            present.pop(index.name, None)
    for name in names:
        if name not in present:
            table, number = _numbered(table)
            kept.append(_new_index(name, number, wanted[_INDEX + name]))
    indexes = tuple(_with_units(index, wanted, now_ms) for index in kept)
    return replace(table, indexes=indexes)


def _new_index(name: str, number: int, definition: Plain) -> IndexDescriptor:
    partition, sort, projection_type, others = cast(
        "tuple[tuple[tuple[str, AttributeType], ...], ...]", definition
    )
    return IndexDescriptor(
        number,
        "GLOBAL",
        name,
        tuple(KeyAttribute(*key) for key in partition),
        tuple(KeyAttribute(*key) for key in sort),
        cast("ProjectionType", projection_type),
        cast("tuple[str, ...]", others),
        status="CREATING",
    )


def _with_units(index: IndexDescriptor, wanted: Values, now_ms: int) -> IndexDescriptor:
    asked = wanted.get(_UNITS + index.name)
    if asked is None or index.status == "DELETING" or _units(index.throughput) == asked:
        return index
    return replace(index, throughput=_throughput(index.throughput, asked, now_ms))
