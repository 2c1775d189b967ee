"""Which regions share which tables, and how a region learns of it.

The settings of a table (``table/settings``), which regions share it among them, travel with the greeting of
every region that has it, and are joined: of each the latest change stands everywhere. A region that is named
in them and has no such table makes one like the peer's, empty, and then takes in what is there. One that was
taken out keeps its table, which goes on alone, and is not taken back with what it became. A table that exists
already, and was not shared, is taken only while it is empty: its items have no place among the versions of
the others.

A table that was made so is *seeding* until it has met the items of every peer that is not seeding itself;
until then nobody else begins with it. Else a write that only one peer has, of a region that lost its disk,
could come to the new table after another peer has scanned that, and so never to the other peer.

A database that was restored from a backup, a copy with an id of its own, is none of the regions: it may have
items that were deleted so long ago that their tombstones are gone. Its tables go on alone.

Names of regions are also numbers, which stand in stamps: two regions with one number cannot be peers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from kvdb.errors import CorruptionError, KvdbError
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.replica.messages import SharedTable
from kvdb.table import replica_keys
from kvdb.table.catalog import Catalog, Table
from kvdb.table.described import table_described
from kvdb.table.descriptor import TableDescriptor
from kvdb.table.settings import is_of_before, regions_after, told_by
from kvdb.table.settings_check import check_settings

_log = logging.getLogger("kvdb.replica")


class Unshareable(Exception):
    """Why a table cannot be shared as a peer would have it."""


def named(catalog: Catalog, name: str) -> Table | None:
    """The table of this name, ready or not."""
    return catalog.find(name)


def adopt(
    catalog: Catalog,
    engine: Engine,
    shared: SharedTable,
    *,
    peer: str,
    region: str,
    latest_ms: int,
    on_rejoined: Callable[[Table], None] = lambda table: None,
) -> Table | None:
    """Take over what a peer says of a table; gives our table if both say that they share it.

    ``latest_ms``: no setting can have been changed after it. ``on_rejoined``: called before a table that
    was alone for a while is shared again.

    Raises:
        Unshareable: it cannot be.
    """
    try:
        theirs = table_described(shared.descriptor)
        check_settings(theirs, latest_ms=latest_ms)
    except CorruptionError as error:
        raise Unshareable(error.message) from error
    offered = theirs.replication
    if offered is None or theirs.name != shared.name:
        raise Unshareable("the peer's description of the table is not one of a shared table")
    setting = replace(offered, region=region, is_seeding=True)
    table = named(catalog, shared.name)
    if table is None:
        if not setting.is_on:
            return None
        try:
            return catalog.create_replica(theirs, setting)
        except KvdbError as error:
            raise Unshareable(f"the table could not be made: {error.message}") from error
    _check_same_keys(table.descriptor, theirs)
    present = table.descriptor.replication
    if present is None and setting.is_on:
        if next(engine.scan(*table.keys.all_rows()), None) is not None:
            raise Unshareable(
                "the table is not empty here, and was not shared: delete it, or its items, first"
            )
        catalog.change(table, lambda ours: ours if ours.replication else replace(ours, replication=setting))
    elif present is not None and not present.is_on:
        regions = regions_after(table.descriptor, told_by(theirs, table.descriptor))
        if region not in regions or len(regions) == 1:
            return None
        if region not in present.regions:
            raise Unshareable("the table has gone on alone here since it was taken out: delete it here first")
        # All others were taken out here, one of which had been added again elsewhere meanwhile.
        on_rejoined(table)
    if table.descriptor.replication is not None:
        try:
            catalog.adopt_settings(table, told_by(theirs, table.descriptor))
        except KvdbError as error:
            raise Unshareable(f"the peer's settings could not be taken: {error.message}") from error
    after = table.descriptor.replication
    if after is not None and peer in after.peers and peer not in offered.regions:
        raise Unshareable("the table has gone on alone there since it was taken out: delete it there first")
    if after is not None and peer in after.peers and is_of_before(table.descriptor, peer, theirs.joined):
        raise Unshareable("the region was taken out and added again: its table must begin anew there")
    return table if after is not None and peer in after.peers and region in offered.regions else None


def knows(shared: SharedTable, table: Table) -> bool:
    """Whether the peer has the same regions and resolution of the table as this database."""
    theirs, ours = table_described(shared.descriptor).replication, table.descriptor.replication
    return (
        theirs is not None
        and ours is not None
        and replace(theirs, region=ours.region, is_seeding=ours.is_seeding) == ours
    )


def is_seeding(shared: SharedTable) -> bool:
    """Whether the peer still takes in what others have of the table."""
    theirs = table_described(shared.descriptor).replication
    return theirs is not None and theirs.is_seeding


def _check_same_keys(ours: TableDescriptor, theirs: TableDescriptor) -> None:
    if ours.keys != theirs.keys:
        raise Unshareable("the table has other keys here")
    if _local_indexes(ours) != _local_indexes(theirs):
        raise Unshareable("the table has other local secondary indexes here")
    if any(index.is_unique for index in ours.indexes):
        raise Unshareable("the table has a unique index here, which no region can keep alone")


def _local_indexes(table: TableDescriptor) -> list[tuple[object, ...]]:
    """They come with a table and stay."""
    return sorted(
        (index.name, index.sort, index.projection_type, index.non_key_attributes)
        for index in table.indexes
        if index.kind == "LOCAL"
    )


def settled(catalog: Catalog, table: Table) -> None:
    """The table has met every peer's items: it may be begun with."""

    def changed(descriptor: TableDescriptor) -> TableDescriptor:
        setting = descriptor.replication
        if setting is None or not setting.is_seeding:
            return descriptor
        return replace(descriptor, replication=replace(setting, is_seeding=False))

    catalog.change(table, changed)


def settle_in(engine: Engine) -> None:
    """Note that this database is the one that has peers: a copy of it is not."""
    if not engine.is_read_only and engine.get(replica_keys.HOME_KEY) != engine.database_id:
        engine.write(WriteBatch().put(replica_keys.HOME_KEY, engine.database_id))


def part_if_copied(catalog: Catalog, engine: Engine) -> None:
    """Let the shared tables of a database go on alone if it is a copy of the one that has peers."""
    home = engine.get(replica_keys.HOME_KEY)
    if home is None or home == engine.database_id or engine.is_read_only:
        return
    for table in catalog.all_tables():
        descriptor = table.descriptor
        if descriptor.replication is not None:
            kept = WriteBatch()
            for keys in replica_keys.all_of(descriptor.table_id):
                kept.delete_range(*keys)
            catalog.change(table, lambda ours: replace(ours, replication=None, settings=()), kept)
            _log.warning("a table is not shared in a copy of its database table=%s", descriptor.name)
    settle_in(engine)
