"""Which regions share which tables, and how a region learns of it.

The setting of a table (``descriptor.ReplicationSetting``) travels with the greeting of every region that
has it; of two settings the later one stands everywhere. A region that is named in a setting and has no such
table makes one like the peer's, empty, and then takes in what is there. One that was taken out keeps its
table, which goes on alone. A table that exists already, and was not shared, is taken only while it is
empty: its items have no place among the versions of the others.

A table that was made so is *seeding* until it has met the items of every peer that is not seeding itself;
until then nobody else begins with it. Else a write that only one peer has, of a region that lost its disk,
could come to the new table after another peer has scanned that, and so never to the other peer.

Names of regions are also numbers, which stand in stamps: two regions with one number cannot be peers.
"""

from __future__ import annotations

from dataclasses import replace

from kvdb.errors import CorruptionError, KvdbError
from kvdb.lsm.engine import Engine
from kvdb.replica.messages import SharedTable
from kvdb.table.catalog import Catalog, Table
from kvdb.table.descriptor import ReplicationSetting, TableDescriptor, decode_described


class Unshareable(Exception):
    """Why a table cannot be shared as a peer would have it."""


def named(catalog: Catalog, name: str) -> Table | None:
    """The table of this name, ready or not."""
    return next((table for table in catalog.all_tables() if table.descriptor.name == name), None)


def adopt(catalog: Catalog, engine: Engine, shared: SharedTable, *, peer: str, region: str) -> Table | None:
    """Take over what a peer says of a table; gives our table if both say that they share it.

    Raises:
        Unshareable: it cannot be.
    """
    try:
        theirs = decode_described(shared.descriptor)
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
        _adopt_setting(catalog, table, setting)
    elif present is not None and setting.changed > present.changed:
        _adopt_setting(catalog, table, setting)
    after = table.descriptor.replication
    return table if after is not None and peer in after.peers and region in offered.regions else None


def knows(shared: SharedTable, table: Table) -> bool:
    """Whether the peer has the same setting of the table as this database."""
    theirs, ours = decode_described(shared.descriptor).replication, table.descriptor.replication
    return theirs is not None and ours is not None and theirs.changed == ours.changed


def _check_same_keys(ours: TableDescriptor, theirs: TableDescriptor) -> None:
    if ours.keys != theirs.keys:
        raise Unshareable("the table has other keys here")
    if any(index.is_unique for index in ours.indexes):
        raise Unshareable("the table has a unique index here, which no region can keep alone")


def _adopt_setting(catalog: Catalog, table: Table, setting: ReplicationSetting) -> None:
    def changed(descriptor: TableDescriptor) -> TableDescriptor:
        present = descriptor.replication
        if present is None:
            return replace(descriptor, replication=setting)
        if present.changed >= setting.changed:
            return descriptor
        return replace(descriptor, replication=replace(setting, is_seeding=present.is_seeding))

    catalog.change(table, changed)


def settled(catalog: Catalog, table: Table) -> None:
    """The table has met every peer's items: it may be begun with."""

    def changed(descriptor: TableDescriptor) -> TableDescriptor:
        setting = descriptor.replication
        if setting is None or not setting.is_seeding:
            return descriptor
        return replace(descriptor, replication=replace(setting, is_seeding=False))

    catalog.change(table, changed)
