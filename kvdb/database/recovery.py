"""What opening a database finishes after the engine has read its files.

The engine has replayed its log by then; what is left are the promises of the rooms above it:

- stamps never go back: the hybrid clock learns the latest wall time in the log, with the counter
  full, so that the next stamp is later than any that could have been written in that millisecond;
- a table or index that was dropped, but whose rows were not all removed, goes on being removed;
- an index that was being built goes on from where it was;
- a table or index that was DELETING is dropped when its time has come;
- items of tables with a time to live go on expiring, tables being counted, and streams trimmed;
- client tokens go on being swept.
"""

from __future__ import annotations

import logging

from kvdb.database.background import Background
from kvdb.env.env import Env
from kvdb.env.hlc import COUNTER_MAX, Stamp
from kvdb.lsm.engine import Engine
from kvdb.table.catalog import Catalog
from kvdb.table.client_tokens import ClientTokens

_log = logging.getLogger("kvdb.database")


def restore_clock(env: Env, engine: Engine, region: int) -> None:
    """Before the first write: put the clock past every stamp of the last run."""
    env.hlc.merge(Stamp(engine.recovered_wall_ms, COUNTER_MAX, region))


def finish_dropped_tables(engine: Engine, catalog: Catalog, background: Background) -> None:
    """Go on with what a crash or a close interrupted."""
    prefix = catalog.first_dropped_prefix()
    if prefix is not None and not engine.is_read_only:
        _log.info("removing the rows of a table or index dropped earlier prefix=%s", prefix.hex())
        background.remove_dropped_rows()


def finish_creating_indexes(engine: Engine, catalog: Catalog, background: Background) -> None:
    """Go on with what a crash or a close interrupted."""
    found = catalog.first_creating()
    if found is not None and not engine.is_read_only:
        table, index = found
        _log.info("building an index further table=%s index=%s", table.descriptor.name, index.name)
        background.build_indexes()


def finish_deleting_tables(engine: Engine, catalog: Catalog, background: Background) -> None:
    """Go on waiting for the time of each."""
    if catalog.has_deleting and not engine.is_read_only:
        background.bury()


def go_on_sweeping(engine: Engine, catalog: Catalog, background: Background) -> None:
    """Look for items that have expired."""
    if catalog.expiring_tables() and not engine.is_read_only:
        background.sweep()


def go_on_counting(engine: Engine, catalog: Catalog, background: Background) -> None:
    """Count the tables there are now and then."""
    if catalog.all_tables() and not engine.is_read_only:
        background.count()


def go_on_sweeping_tokens(engine: Engine, tokens: ClientTokens, background: Background) -> None:
    """Delete what is over."""
    if tokens.count and not engine.is_read_only:
        background.sweep_tokens()


def go_on_keeping_streams(engine: Engine, catalog: Catalog, background: Background) -> None:
    """Trim and divide the streams there are now and then."""
    if catalog.streams.all() and not engine.is_read_only:
        background.keep_streams()
