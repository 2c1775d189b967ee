"""The end of what is DELETING: with ``table_status_delay_ms``, tables and indexes go after a while.

CREATING and UPDATING end by themselves, for time alone decides what is shown (``table/descriptor``);
a table that is gone must be gone for good, so its end is an act, and outlives a restart: the time
of it is stored with the table.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from kvdb.errors import DiskError, DiskFull, ReadOnlyDegraded, ServiceUnavailable
from kvdb.table.catalog import Catalog

_log = logging.getLogger("kvdb.table")


class Undertaker:
    """Job: drop tables and indexes whose time has come."""

    name = "undertaker"

    _DISK_PAUSE_MS = 5_000

    def __init__(self, catalog: Catalog, on_dropped: Callable[[], None]) -> None:
        """``on_dropped``: wake whoever removes the rows of what was dropped."""
        self._catalog = catalog
        self._on_dropped = on_dropped

    def step(self, now_ms: int) -> int | None:
        """Drop what is due; sleeps until the next is, or until woken."""
        try:
            wait_ms = self._catalog.finish_deleting(now_ms)
        except (DiskError, DiskFull, ServiceUnavailable) as error:
            _log.warning("a table or index that is DELETING was not dropped yet reason=%s", error)
            return self._DISK_PAUSE_MS
        except ReadOnlyDegraded:
            # Nothing can be written before the database is opened again; recovery goes on then.
            return None
        self._on_dropped()
        return wait_ms
