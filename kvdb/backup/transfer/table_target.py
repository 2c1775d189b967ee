"""The table of this database that an import puts its items into.

Items go the way of every write, so that indexes, streams and unique keys hold, in one commit a batch; but
they take none of the table's throughput, as at the service. Of one key twice in a batch the later counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kvdb.backup.transfer.load import Entry
from kvdb.errors import RequestError, ResourceNotFound
from kvdb.lsm.engine import Engine
from kvdb.table import writer as writing
from kvdb.table.catalog import Table, not_found
from kvdb.table.latches import Latches
from kvdb.table.writer import Target, Writer
from kvdb.table.writes import DeleteWrite, PutWrite


class TableTarget:
    """One table, and what writes to it."""

    batch_max: Final = 200

    def __init__(self, table: Table, writer: Writer, engine: Engine, latches: Latches) -> None:
        self._table = table
        self._writer = writer
        self._engine = engine
        self._latches = latches

    def put(self, entries: Sequence[Entry]) -> list[str | None]:
        """See ``load.ImportTarget``.

        Raises:
            ResourceNotFound: the table was dropped.
        """
        if self._table.is_dropped:
            raise not_found()
        faults: list[str | None] = []
        targets: dict[bytes, Target] = {}
        places: dict[bytes, int] = {}
        for place, entry in enumerate(entries):
            try:
                target = self._target(entry)
            except RequestError as error:
                faults.append(error.message)
                continue
            faults.append(None)
            # In the order of the latest of each key.
            targets.pop(target.key, None)
            targets[target.key] = target
            places[target.key] = place
        try:
            self._write(list(targets.values()))
        except ResourceNotFound:
            raise
        except RequestError:
            # One item spoils the batch, by a unique key or its collection: each for itself, then.
            for key, target in targets.items():
                faults[places[key]] = self._refusal(target)
        return faults

    def _target(self, entry: Entry) -> Target:
        table = self._table
        if entry.is_delete:
            return Target(table, table.keys.of_key(entry.item), DeleteWrite(needs_old=False))
        return writing.put_target(table, PutWrite(entry.item, entry.size_bytes))

    def _refusal(self, target: Target) -> str | None:
        try:
            self._write([target])
        except ResourceNotFound:
            raise
        except RequestError as error:
            return error.message
        return None

    def _write(self, targets: Sequence[Target]) -> None:
        if targets:
            writing.run(self._writer.load(targets), self._engine, self._latches)
