"""Pages of Query and Scan: what is read, what of it is answered, and how a page ends.

A page reads rows until ``Limit`` of them have been *evaluated* or their sizes have reached 1 MiB,
the row that reached it included; the filter chooses from what was read, so a page may be empty
and yet not the last. ``LastEvaluatedKey`` is the key of the last row read, and is given whenever
one of the two bounds ended the page, even if no row follows: the service does not look ahead.
Sources: developer guide, "Working with queries"; dynalite, test/query.js ("just over limit") and
test/scan.js ("should not return LastEvaluatedKey if Limit is large"), recorded from the service.

What a page reads it reads at one moment; the next page is another moment, unless a snapshot is
given. What is fetched from the table for a row of a local index counts towards the 1 MiB as well:
so a page is never more in memory than that and one item.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from kvdb import limits
from kvdb.api.items import Page, Query, Scan
from kvdb.errors import CorruptionError, ValidationError
from kvdb.expr.compiler import (
    Condition,
    Placeholders,
    Projection,
    compile_condition,
    compile_projection,
)
from kvdb.item.value import Item
from kvdb.limits import LimitsProfile
from kvdb.lsm.engine import Engine, Snapshot
from kvdb.table import legacy, row
from kvdb.table.capacity import Tally, read_units
from kvdb.table.catalog import Table
from kvdb.table.index import Index
from kvdb.table.keys import BAD_START, SCHEMA_MISMATCH, TABLE_NUMBER, KeyRange, RowSpace

BRIEF_ROWS_MAX = 100
BRIEF_BYTES_MAX = 32 * 1024


class _Bounds(NamedTuple):
    """Where a page ends at the latest."""

    rows_max: int
    bytes_max: int


_WHOLE = _Bounds(sys.maxsize, limits.PAGE_BYTES_MAX)
_BRIEF = _Bounds(BRIEF_ROWS_MAX, BRIEF_BYTES_MAX)

START_KEY_MISMATCH = f"{BAD_START}: {SCHEMA_MISMATCH}"


@dataclass(frozen=True, slots=True)
class Source:
    """Whose rows are read."""

    table: Table
    keys: RowSpace
    index: Index | None
    """``None``: the table itself."""

    def fetches(self, selection: Selection) -> bool:
        """Whether a local index is asked for what it does not keep, and the table's rows are read too."""
        index = self.index
        return (
            index is not None
            and index.is_local
            and not index.keeps_all
            and (selection.wants_all or bool(index.unprojected(selection.projected_names)))
        )


def source_of(table: Table, request: Query | Scan, *, profile: LimitsProfile, at: Snapshot | None) -> Source:
    """What a request reads.

    Raises:
        ValidationError: there is no such index, it is not filled yet, or was not yet at the read
            point; or it is global and the read should be consistent, which the service's limits exclude.
    """
    name = request.index_name
    if name is None:
        return Source(table, table.keys, None)
    index = table.indexes.by_name.get(name)
    if index is None or not index.descriptor.is_maintained:
        # Source: dynalite, actions/query.js.
        raise ValidationError(f"The table does not have the specified index: {name}")
    if request.consistent_read and not index.is_local and not profile.allows_consistent_index_reads:
        raise ValidationError("Consistent reads are not supported on global secondary indexes")
    if not index.descriptor.is_complete:
        raise ValidationError(f"Cannot read from backfilling global secondary index: {name}")
    if at is not None and at.seqno < index.descriptor.since_seqno:
        since = index.descriptor.since_seqno
        raise ValidationError(
            f"the index is younger than the read point index={name} since={since} at={at.seqno}"
        )
    return Source(table, index.keys, index)


def start_key_of(start: Mapping[str, object], keys: RowSpace, *, count_fault: str) -> bytes:
    """The engine key of an ``ExclusiveStartKey``; the row need not exist.

    ``count_fault`` is the message for a key of the wrong number of attributes, where Query and
    Scan differ. Source: dynalite, actions/query.js and actions/scan.js.
    """
    if len(start) != len(keys.start_names):
        raise ValidationError(count_fault)
    return keys.of_start(start)


class Selection(NamedTuple):
    """Which of the rows read become items of the page, and which part of them."""

    limit: int | None
    condition: Condition | None
    projection: Projection | None
    is_count: bool
    wants_all: bool
    """Whole items, also from an index that has not all of them."""

    @property
    def nested_names(self) -> frozenset[str]:
        """The attributes that filter and projection look into."""
        nested = frozenset() if self.projection is None else self.projection.nested_names
        return nested if self.condition is None else nested | self.condition.nested_names

    @property
    def projected_names(self) -> list[str]:
        """The attributes the projection names, in the order written."""
        paths = () if self.projection is None else self.projection.paths
        return list(dict.fromkeys(str(path[0]) for path in paths))


class Asked(NamedTuple):
    """A query or scan that is sound: what it reads, and what of it is answered."""

    source: Source
    selection: Selection
    rows: KeyRange
    """From its start key on."""
    fetched: KeyRange | None
    """Where the rows lie that are read besides, of the table; ``None``: none are."""


def selection_of(request: Query | Scan, placeholders: Placeholders) -> Selection:
    """Compile filter and projection, in the service's order."""
    condition = projection = None
    if request.filter_expression is not None:
        condition = compile_condition(request.filter_expression, placeholders, kind="FilterExpression")
    elif conditions := request.query_filter if isinstance(request, Query) else request.scan_filter:
        condition = legacy.filter_of(conditions, request.conditional_operator)
    if request.projection_expression is not None:
        projection = compile_projection(request.projection_expression, placeholders)
    elif request.attributes_to_get is not None:
        projection = legacy.projection_of(request.attributes_to_get)
    is_count, wants_all = request.select == "COUNT", request.select == "ALL_ATTRIBUTES"
    return Selection(request.limit, condition, projection, is_count, wants_all)


def check_selection(source: Source, selection: Selection) -> None:
    """Refuse what no key attribute has, an inside, and what a global index cannot give."""
    source.table.refuse_inside(selection.nested_names)
    index = source.index
    if index is None or index.is_local or index.keeps_all:
        return
    if selection.wants_all:
        raise ValidationError(
            "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for "
            f"global secondary index {index.name} because its projection type is not ALL"
        )
    if wanting := index.unprojected(selection.projected_names):
        raise ValidationError(
            f"One or more parameter values were invalid: Global secondary index {index.name} "
            f"does not project [{', '.join(wanting)}]"
        )


def page_of(
    engine: Engine,
    rows: KeyRange,
    source: Source,
    selection: Selection,
    request: Query | Scan,
    *,
    at: Snapshot | None,
    is_reverse: bool = False,
) -> Page:
    """One page of the rows in a key range, and what it cost."""
    _admit(source)
    fetches = source.fetches(selection)
    if fetches and at is None:
        # Index row and table row must be of one moment, or the item may have gone in between.
        with engine.snapshot() as present:
            reading = _Reading(engine, source, selection, present, fetches=True)
            page = reading.page(rows, is_reverse=is_reverse)
    else:
        reading = _Reading(engine, source, selection, at, fetches=fetches)
        page = reading.page(rows, is_reverse=is_reverse)
    return _charged(page, reading, request)


def brief_page_of(
    engine: Engine, asked: Asked, request: Query | Scan, *, is_reverse: bool = False
) -> Page | None:
    """As ``page_of``, of the present, if that is read in next to no time.

    ``None``: more than ``BRIEF_ROWS_MAX`` rows or ``BRIEF_BYTES_MAX`` bytes would have to be read.
    So much was read then, and the table was charged nothing.
    """
    if asked.fetched is not None:
        return None
    _admit(asked.source)
    reading = _Reading(engine, asked.source, asked.selection, None, fetches=False, bounds=_BRIEF)
    page = reading.page(asked.rows, is_reverse=is_reverse)
    return None if reading.is_cut else _charged(page, reading, request)


def _number_of(source: Source) -> int:
    """Whose throughput a read takes."""
    index = source.index
    return TABLE_NUMBER if index is None or index.is_local else index.descriptor.number


def _admit(source: Source) -> None:
    if source.table.meter is not None:
        source.table.meter.check("read", _number_of(source))


def _charged(page: Page, reading: _Reading, request: Query | Scan) -> Page:
    source = reading.source
    meter = source.table.meter
    if request.return_consumed_capacity != "NONE" or meter is not None:
        tally = reading.tally(is_consistent=request.consistent_read)
        page.consumed_capacity = tally.consumed(request.table_name, request.return_consumed_capacity)
        if meter is not None:
            meter.take("read", {_number_of(source): tally.total})
    return page


class _Reading:
    """One page being read."""

    __slots__ = (
        "_at",
        "_bounds",
        "_engine",
        "_fetched_sizes",
        "_fetches",
        "_selection",
        "_size",
        "is_cut",
        "source",
    )

    def __init__(
        self,
        engine: Engine,
        source: Source,
        selection: Selection,
        at: Snapshot | None,
        *,
        fetches: bool,
        bounds: _Bounds = _WHOLE,
    ) -> None:
        self._engine = engine
        self.source = source
        self._bounds = bounds
        self.is_cut = False
        """Whether a bound ended the page that is not the service's."""
        self._selection = selection
        self._at = at
        self._fetches = fetches
        self._size = 0
        self._fetched_sizes: list[int] = []

    def page(self, rows: KeyRange, *, is_reverse: bool) -> Page:
        if rows.start >= rows.end:
            return Page([], 0, 0)
        return self._page(self._engine.scan(rows.start, rows.end, at=self._at, reverse=is_reverse))

    def tally(self, *, is_consistent: bool) -> Tally:
        """What reading it consumed."""
        tally = Tally()
        units = read_units(self._size, is_consistent=is_consistent)
        if self.source.index is None:
            tally.add_table(units)
        else:
            tally.add_index(self.source.index, units)
            tally.add_table(
                sum(read_units(size, is_consistent=is_consistent) for size in self._fetched_sizes)
            )
        return tally

    def _page(self, stored: Iterator[tuple[bytes, bytes]]) -> Page:
        limit, condition, projection, is_count, _ = self._selection
        rows_max, bytes_max = self._bounds
        if limit is None or limit > rows_max:
            limit = rows_max
        items: list[Item] = []
        count = scanned = size = fetched = 0
        for _, value in stored:
            scanned += 1
            size += row.size_of(value)
            is_last = scanned == limit or size + fetched >= bytes_max
            if condition is None and is_count and not is_last:
                # Counting alone needs no item: the head of the row has said enough.
                count += 1
                continue
            kept = item = row.item_of(value)
            if self._fetches:
                item = self._fetch(kept)
                fetched += self._fetched_sizes[-1]
                is_last = is_last or size + fetched >= bytes_max
            if condition is None or condition.holds(item):
                count += 1
                if not is_count:
                    items.append(item if projection is None else projection.applied_to(item))
            if is_last:
                self._size = size
                self.is_cut = self._bounds is _BRIEF and scanned != self._selection.limit
                return Page(items, count, scanned, self.source.keys.start_key(kept))
        self._size = size
        return Page(items, count, scanned)

    def _fetch(self, kept: Item) -> Item:
        """The whole item of which a local index keeps a part."""
        stored = self._engine.get(self.source.table.keys.of_item(kept), self._at)
        if stored is None:
            index = self.source.index
            raise CorruptionError(f"an index row has no item index={index.name if index else ''}")
        self._fetched_sizes.append(row.size_of(stored))
        return row.item_of(stored)
