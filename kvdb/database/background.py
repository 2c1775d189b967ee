"""Which background jobs a database runs beside the engine's own, and their end.

- the remover of the rows of dropped tables and indexes;
- the builder of indexes on tables that have rows already;
- the undertaker of tables and indexes that are DELETING for a while first;
- the sweeper of items whose time to live is over;
- the census of tables;
- the sweeper of client tokens that are over;
- the keeper of open snapshots, which releases those left unused;
- the keeper of change streams.

Each sleeps until it is told of work, by a request or by ``recovery``, which finds it half done.
"""

from __future__ import annotations

from kvdb.env.env import Env
from kvdb.lsm.engine import Engine
from kvdb.stream.keeper import StreamKeeper
from kvdb.table.backfill import IndexBuilder
from kvdb.table.catalog import Catalog
from kvdb.table.census import Census
from kvdb.table.client_tokens import ClientTokens, TokenSweeper
from kvdb.table.expiry import Sweeper
from kvdb.table.latches import Latches
from kvdb.table.lifecycle import Undertaker
from kvdb.table.remover import RowRemover
from kvdb.table.snapshots import SnapshotKeeper, Snapshots
from kvdb.table.writer import Writer


class Background:
    """The jobs of one open database. They are asleep until woken."""

    def __init__(
        self,
        env: Env,
        engine: Engine,
        catalog: Catalog,
        latches: Latches,
        writer: Writer,
        tokens: ClientTokens,
        snapshots: Snapshots,
    ) -> None:
        self._row_remover = env.jobs.add(RowRemover(catalog, engine, latches))
        self._index_builder = env.jobs.add(
            IndexBuilder(catalog, engine, latches, on_dropped=self._row_remover.wake)
        )
        self._undertaker = env.jobs.add(Undertaker(catalog, on_dropped=self._row_remover.wake))
        self._sweeper = env.jobs.add(Sweeper(catalog, engine, latches, writer, env))
        self._census = env.jobs.add(Census(catalog, engine, env.clock))
        self._token_sweeper = env.jobs.add(TokenSweeper(tokens, engine, latches, env))
        self._snapshot_keeper = env.jobs.add(SnapshotKeeper(snapshots))
        tokens.on_first = self._token_sweeper.wake
        snapshots.on_first = self._snapshot_keeper.wake
        self._stream_keeper = env.jobs.add(StreamKeeper(catalog.streams, engine, env))

    def count(self) -> None:
        """There is a table: count it now and then from now on."""
        self._census.wake()

    def sweep_tokens(self) -> None:
        """There are client tokens: delete those that are over from now on."""
        self._token_sweeper.wake()

    def keep_streams(self) -> None:
        """There is a stream: trim and divide it now and then from now on."""
        self._stream_keeper.wake()

    def sweep(self) -> None:
        """A table has got a time to live: look for expired items from now on."""
        self._sweeper.wake()

    def bury(self) -> None:
        """A table or index is DELETING: drop it when its time has come."""
        self._undertaker.wake()

    def remove_dropped_rows(self) -> None:
        """A table or index was dropped: begin to delete its rows."""
        self._row_remover.wake()

    def build_indexes(self) -> None:
        """There is an index that is CREATING: begin to fill it."""
        self._index_builder.wake()

    def look_after_restored(self) -> None:
        """There is a table that was restored: build what indexes it lacks, count it, sweep it."""
        self.build_indexes()
        self.look_after_all()

    def look_after_shared(self) -> None:
        """A table was made, or its settings changed, as another region says."""
        self.remove_dropped_rows()
        self.look_after_restored()

    def look_after_all(self) -> None:
        """There is a table that came with all its settings."""
        self.count()
        self.keep_streams()
        self.sweep()

    def stop(self) -> None:
        """No more steps; returns when a running one has ended."""
        self._snapshot_keeper.stop()
        self._token_sweeper.stop()
        self._stream_keeper.stop()
        self._census.stop()
        self._sweeper.stop()
        self._undertaker.stop()
        self._index_builder.stop()
        self._row_remover.stop()
