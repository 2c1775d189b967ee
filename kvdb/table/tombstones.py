"""Whether a replicated table has any tombstones: without one, a new item needs no look for its own.

Most tables have none, and a look costs a point read for every item that is new. That there is one is said
before it is written, under the latch of its item; so who has that latch later, and reads that there is none,
knows that his item has none. What was there when the table was opened is found out at the first question.
"""

from __future__ import annotations

import threading

from kvdb.lsm.engine import Engine
from kvdb.table import replica_keys


class Tombstones:
    """Those of one table, for as long as it is in use."""

    __slots__ = ("_guard", "_has_any", "_prefix", "_table_id")

    def __init__(self, table_id: int) -> None:
        self._table_id = table_id
        self._prefix = replica_keys.tombstones_prefix(table_id)
        self._guard = threading.Lock()
        self._has_any: bool | None = None
        """``None``: nobody has asked yet. Never false again once it was true."""

    def key_of(self, row_key: bytes) -> bytes:
        """Where the tombstone of an item stands, if there is one."""
        return self._prefix + replica_keys.row_part(row_key)

    def of(self, engine: Engine, row_key: bytes) -> bytes | None:
        """The tombstone of an item, under its latch. Cost: a point read, or nothing."""
        if self._has_any is False or not self._look(engine):
            return None
        return engine.get(self.key_of(row_key))

    def announce(self) -> None:
        """One is about to be written. Under the latch of its item."""
        if not self._has_any:
            with self._guard:
                self._has_any = True

    def _look(self, engine: Engine) -> bool:
        if self._has_any is None:
            with self._guard:
                # Who was quicker may have seen, or announced, one.
                if self._has_any is None:
                    stored = engine.scan(*replica_keys.tombstones_range(self._table_id))
                    self._has_any = next(iter(stored), None) is not None
        return bool(self._has_any)
