"""Conflicts in one database, without a second one: versions as a peer would have made them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from kvdb.api.tables import ConflictResolution, CreateReplica, UpdateTable
from kvdb.database.database import Database
from kvdb.env.hlc import Stamp, region_number
from kvdb.item.size import item_size
from kvdb.item.value import Item
from kvdb.options import DatabaseOptions
from kvdb.replica.progress import Progress
from kvdb.replica.topology import named
from kvdb.table import row

TABLE = "orders"
REGION, PEER = "amsterdam", "berlin"
OPTIONS = DatabaseOptions(region=region_number(REGION), region_name=REGION)


class SilentLink:
    """To a peer that never answers."""

    def send(self, frame: bytes) -> None:
        pass

    def receive(self) -> bytes | None:
        return None

    def close(self) -> None:
        pass


@contextmanager
def opened_databases() -> Iterator[list[Database]]:
    """Every database that is opened meanwhile, behind whatever door."""
    opened: list[Database] = []
    original = Database.open

    def opening(*arguments: object) -> Database:
        database = original(*arguments)  # type: ignore[arg-type]
        opened.append(database)
        return database

    with patch.object(Database, "open", opening):
        yield opened


class Peer:
    """What is written elsewhere to the table, which is made and shared."""

    def __init__(self, database: Database, resolution: ConflictResolution | None = None) -> None:
        self._database = database
        self._written = 0
        database.regions.connect(PEER, lambda wake: SilentLink())
        database.call(
            UpdateTable(
                TABLE,
                replica_updates=[CreateReplica(PEER)],
                conflict_resolution=resolution or ConflictResolution(),
            )
        )

    def write(self, item: Item, wall_ms: int | None = None, *, deletes: bool = False) -> None:
        """One that knows of none here; the latest of all unless its time is given."""
        table = named(self._database._floor.catalog, TABLE)
        assert table is not None
        self._written += 1
        if wall_ms is None:
            wall_ms = self._database.env.hlc.wall_ms() + 1
        stamp = Stamp(wall_ms, self._written, region_number(PEER))
        size = 0 if deletes else item_size(item)
        version = row.encode(item, size, stamp, is_tombstone=deletes)
        applier = self._database.regions._applier
        applier.take(table, PEER, [version], Progress(b"x" * 16, "uuid", regions=(REGION, PEER)))
