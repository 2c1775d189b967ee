"""What a native transaction has read, as ranges of engine keys: has any of it changed since?

An item is the range of its one key, whether it was there or not. A query or scan is all that it
ran over, in the table or in an index, to its end or to the last key it evaluated: what comes into
that range, leaves it or changes in it is a change, also what the filter left out. So phantoms are
seen, and the check is at most too strict.

What a local index fetched from the table is not in the index's range: then the table's rows of the
whole partition count as read.

The ranges are checked twice: before the commit, while others go on writing, and again by the
commit's guard, which looks only at what was written since; mostly that is nothing.

Bounds: 10,000 items and ranges (``limits.TRANSACTION_READS_MAX``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kvdb.api.items import Query, ReadKey, ReadRange
from kvdb.errors import TransactionConflict
from kvdb.limits import LimitsProfile
from kvdb.lsm.engine import Engine, Snapshot
from kvdb.table.catalog import Catalog
from kvdb.table.keys import KeyRange, item_range
from kvdb.table.query import ask_query
from kvdb.table.scan import ask_scan


class ReadSet:
    """The ranges that were read at one snapshot, which is held while this is used."""

    def __init__(self, engine: Engine, ranges: Iterable[KeyRange], at: Snapshot) -> None:
        self._engine = engine
        self._ranges = tuple(set(ranges))
        self._unchanged_at = at.seqno

    @classmethod
    def of(
        cls,
        catalog: Catalog,
        engine: Engine,
        reads: Sequence[ReadKey | ReadRange],
        *,
        at: Snapshot,
        profile: LimitsProfile,
    ) -> ReadSet:
        """Raises what the reads themselves would raise."""
        return cls(engine, (rows for read in reads for rows in _ranges_of(catalog, read, at, profile)), at)

    def check(self) -> None:
        """Raise ``TransactionConflict`` if something has changed since the snapshot, or the last check."""
        seqno = self._engine.last_seqno
        if seqno == self._unchanged_at:
            return
        if self._engine.any_changed_since(self._ranges, self._unchanged_at):
            raise TransactionConflict("what the transaction has read was changed by another")
        self._unchanged_at = seqno


def _ranges_of(
    catalog: Catalog, read: ReadKey | ReadRange, at: Snapshot, profile: LimitsProfile
) -> list[KeyRange]:
    if isinstance(read, ReadKey):
        return [item_range(catalog.table(read.table_name, at).keys.of_key(read.key))]
    request = read.request
    if isinstance(request, Query):
        asked = ask_query(catalog, request, at=at, profile=profile)
        is_reverse = not request.scan_index_forward
    else:
        asked = ask_scan(catalog, request, at=at, profile=profile)
        is_reverse = False
    rows = asked.rows
    if read.last_key is not None:
        last = asked.source.keys.of_start(read.last_key)
        rows = KeyRange(last, rows.end) if is_reverse else KeyRange(rows.start, item_range(last).end)
    return [found for found in (rows, asked.fetched) if found is not None and found.start < found.end]
