"""What an export reads of a table: its items at one moment, or what became of them between two.

Changes come from reading the table at both moments side by side, in the order of its keys: a row that is
the same row at both has not changed. That costs two scans whatever the changes, and is exact as far as
the kept history reaches. An item that came and went in between is no change, as at the service.

A filter chooses items; a change passes when its new or its old image does, so that items which stop
passing are seen. Keys are whole, and so are images unless a projection names what to keep.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kvdb.backup.transfer.export import Sourced
from kvdb.backup.transfer.records import ItemChange, ViewType
from kvdb.expr.compiler import (
    Condition,
    Placeholders,
    Projection,
    compile_condition,
    compile_key_condition,
    compile_projection,
)
from kvdb.item.value import Item
from kvdb.lsm.engine import Engine, Snapshot
from kvdb.table import row
from kvdb.table.catalog import Table
from kvdb.table.keys import KeyRange

_US_PER_MS = 1_000


@dataclass(frozen=True, slots=True)
class ExportFilter:
    """Which items, and what of them. Source: API Reference, FilterSpecification."""

    key_condition: str | None = None
    filter: str | None = None
    projection: str | None = None
    names: Mapping[str, str] | None = None
    values: Mapping[str, object] | None = None


def check_filter(table: Table, asked: ExportFilter) -> None:
    """Whether a filter is one for this table.

    Raises:
        ValidationError: an expression is malformed, or a placeholder is not used or not defined.
    """
    _Choice(table, asked)


class _Choice:
    """A filter compiled for a table."""

    def __init__(self, table: Table, asked: ExportFilter) -> None:
        """Raises: as ``check_filter``."""
        placeholders = Placeholders(asked.names, asked.values)
        keys = table.keys
        self.rows: KeyRange = keys.all_rows()
        self.condition: Condition | None = None
        self.projection: Projection | None = None
        if asked.key_condition is not None:
            condition = compile_key_condition(
                asked.key_condition, placeholders, keys.hash_names, keys.range_names
            )
            self.rows = keys.partition_rows(condition) if condition.sort is None else keys.rows(condition)
        if asked.filter is not None:
            self.condition = compile_condition(asked.filter, placeholders, kind="FilterExpression")
        if asked.projection is not None:
            self.projection = compile_projection(asked.projection, placeholders)
        placeholders.check_all_used()

    def takes(self, item: Item | None) -> bool:
        return item is not None and (self.condition is None or self.condition.holds(item))

    def kept(self, item: Item) -> Item:
        return item if self.projection is None else self.projection.applied_to(item)


class TableSource:
    """The items of a table at one moment."""

    def __init__(self, engine: Engine, table: Table, at: Snapshot, asked: ExportFilter) -> None:
        """Raises: as ``check_filter``."""
        self._engine = engine
        self._at = at
        self._choice = _Choice(table, asked)

    def records(self, after: bytes | None) -> Iterator[Sourced]:
        choice = self._choice
        rows = choice.rows if after is None else choice.rows.after(after)
        for key, stored in _rows(self._engine, rows, self._at):
            item = row.item_of(stored)
            if choice.takes(item):
                yield Sourced(key, choice.kept(item))


class ChangeSource:
    """What became of a table's items between two moments."""

    def __init__(
        self,
        engine: Engine,
        table: Table,
        before: Snapshot,
        at: Snapshot,
        view: ViewType,
        asked: ExportFilter,
    ) -> None:
        """Raises: as ``check_filter``."""
        self._engine = engine
        self._table = table
        self._before = before
        self._at = at
        self._keeps_old = view == "NEW_AND_OLD_IMAGES"
        self._choice = _Choice(table, asked)

    def records(self, after: bytes | None) -> Iterator[Sourced]:
        choice = self._choice
        rows = choice.rows if after is None else choice.rows.after(after)
        olds, news = _rows(self._engine, rows, self._before), _rows(self._engine, rows, self._at)
        old, new = next(olds, None), next(news, None)
        while old is not None or new is not None:
            if new is None or (old is not None and old[0] < new[0]):
                assert old is not None
                key, old_row, new_row = old[0], old[1], None
                old = next(olds, None)
            elif old is None or new[0] < old[0]:
                key, old_row, new_row = new[0], None, new[1]
                new = next(news, None)
            else:
                key, old_row, new_row = old[0], old[1], new[1]
                old, new = next(olds, None), next(news, None)
            if old_row != new_row and (change := self._change(key, old_row, new_row)) is not None:
                yield Sourced(key, change)

    def _change(self, key: bytes, old_row: bytes | None, new_row: bytes | None) -> ItemChange | None:
        choice = self._choice
        old = None if old_row is None else row.item_of(old_row)
        new = None if new_row is None else row.item_of(new_row)
        if not (choice.takes(new) or choice.takes(old)):
            return None
        known = new if new is not None else old
        assert known is not None
        return ItemChange(
            self._written_us(key, new_row),
            self._table.keys.start_key(known),
            None if new is None else choice.kept(new),
            None if old is None or not self._keeps_old else choice.kept(old),
        )

    def _written_us(self, key: bytes, new_row: bytes | None) -> int:
        if new_row is not None:
            stamp = row.stamp_of(new_row)
            return stamp.wall_ms * _US_PER_MS + min(stamp.counter, _US_PER_MS - 1)
        # A deletion leaves no row and so no stamp: the log knows its second.
        for seqno, _ in self._engine.versions(key, before_seqno=self._at.seqno + 1):
            return (self._engine.wall_ms_of(seqno) or 0) * _US_PER_MS
        return 0


def _rows(engine: Engine, rows: KeyRange, at: Snapshot) -> Iterator[tuple[bytes, bytes]]:
    return engine.scan(rows.start, rows.end, at=at) if rows.start < rows.end else iter(())
