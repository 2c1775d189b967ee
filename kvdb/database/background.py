"""Which background jobs a database runs beside the engine's own, and their end.

One so far: the remover of dropped tables' rows. It sleeps until a table is dropped or until
``recovery`` finds one half removed.
"""

from __future__ import annotations

from kvdb.env.env import Env
from kvdb.lsm.engine import Engine
from kvdb.table.catalog import Catalog
from kvdb.table.latches import Latches
from kvdb.table.remover import RowRemover


class Background:
    """The jobs of one open database. They are asleep until woken."""

    def __init__(self, env: Env, engine: Engine, catalog: Catalog, latches: Latches) -> None:
        self._row_remover = env.jobs.add(RowRemover(catalog, engine, latches))

    def remove_dropped_rows(self) -> None:
        """There is a dropped table: begin to delete its rows."""
        self._row_remover.wake()

    def stop(self) -> None:
        """No more steps; returns when a running one has ended."""
        self._row_remover.stop()
