"""What a transaction has written and not committed yet, as its own reads see it. Pure.

A write is worked out where it is made: an update becomes the item it leaves, a condition is held
to the item there is. So what has been written to a table is a map, engine key -> item or none, and
the commit is a put or delete for each.

A query or scan is asked of the snapshot; over each page that comes back are laid the written items
of the same stretch. Both are in the order of their engine keys, which ``table/keys`` makes of the
table's description as the server does of its descriptor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from kvdb.api.items import DeleteItem, GetItem, Page, PutItem, Query, Scan, TransactWriteAction, UpdateItem
from kvdb.api.tables import IndexDescription, KeySchemaElement, TableDescription
from kvdb.errors import ValidationError
from kvdb.expr.compiler import (
    Condition,
    Placeholders,
    Projection,
    compile_condition,
    compile_key_condition,
    compile_projection,
)
from kvdb.item.value import Item, normalise_item
from kvdb.limits import OPEN
from kvdb.table.descriptor import IndexDescriptor, KeyAttribute, TableDescriptor
from kvdb.table.index import Index
from kvdb.table.keys import KeyRange, RowSpace, TableKeys
from kvdb.table.reader import projection_of
from kvdb.table.writes import DeleteWrite, PutWrite, UpdateWrite


class Written(NamedTuple):
    """What becomes of one item."""

    key: Item
    item: Item | None
    """``None``: it is deleted."""
    size_bytes: int


class TableWrites:
    """The writes of one transaction to one table."""

    def __init__(self, description: TableDescription, name: str) -> None:
        """``name``: what the transaction calls the table."""
        self._name = name
        descriptor = _descriptor_of(description)
        self.keys = TableKeys(descriptor)
        self._descriptor = descriptor
        self._written: dict[bytes, Written] = {}

    def __len__(self) -> int:
        return len(self._written)

    @property
    def size_bytes(self) -> int:
        """Of all that is written."""
        return sum(written.size_bytes for written in self._written.values())

    def of(self, key: Mapping[str, object]) -> Written | None:
        """What was written to the item with this key; ``None``: nothing.

        Raises:
            ValidationError: it is no key of the table's.
        """
        return self._written.get(self.keys.of_key(key))

    def key_of(self, item: Mapping[str, object]) -> Item:
        """The key of an item to be put. Raises ``ValidationError``: it has none."""
        normal, _ = normalise_item(item)
        self.keys.of_item(normal)
        return self.keys.start_key(normal)

    def put(self, request: PutItem, old: Item | None) -> None:
        """``old``: the item as it is now, if the request has a condition.

        Raises:
            ConditionalCheckFailed: the condition does not hold for it.
            ValidationError: the item is none of the table's, or the request is malformed.
        """
        write = PutWrite.of_request(request, OPEN)
        engine_key = self.keys.of_item(write.item)
        write.apply(old)
        self._written[engine_key] = Written(self.keys.start_key(write.item), write.item, write.size_bytes)

    def update(self, request: UpdateItem, old: Item | None) -> Item | None:
        """As ``put``; gives the item that it leaves."""
        write = UpdateWrite.of_request(request, OPEN)
        engine_key = self.keys.of_key(request.key)
        self.keys.refuse_change(write.touched_names)
        new = write.apply(old)
        if new is None:
            return None
        item, size_bytes = normalise_item(new)
        self._written[engine_key] = Written(self.keys.start_key(item), item, size_bytes)
        return normalise_item(item)[0]

    def delete(self, request: DeleteItem, old: Item | None) -> None:
        """As ``put``."""
        engine_key = self.keys.of_key(request.key)
        DeleteWrite.of_request(request).apply(old)
        key, size_bytes = normalise_item(request.key)
        self._written[engine_key] = Written(key, None, size_bytes)

    def actions(self) -> Iterable[TransactWriteAction]:
        """The members of the commit."""
        for written in self._written.values():
            if written.item is None:
                yield DeleteItem(self._name, written.key)
            else:
                yield PutItem(self._name, written.item)

    def over(self, request: Query | Scan) -> Merge:
        """The written items laid over the pages of a query or scan.

        Raises:
            ValidationError: the request is malformed, or of an index that is not there.
        """
        return Merge(request, self._source_of(request), self._written.values())

    def _source_of(self, request: Query | Scan) -> _Source:
        if request.index_name is None:
            return _Source(self.keys, self.keys, None)
        descriptor = self._descriptor.index(request.index_name)
        if descriptor is None:
            raise ValidationError(f"The table does not have the specified index: {request.index_name}")
        index = Index(descriptor, self._descriptor, self.keys)
        return _Source(self.keys, index.keys, index)


def identity_of(key: Mapping[str, object]) -> str:
    """The same text for keys that are the same, however they are written."""
    return repr(sorted(normalise_item(key)[0].items()))


def projected(item: Item | None, request: GetItem) -> Item | None:
    """What a get answers for a written item: a copy, or the projected part of one."""
    projection = projection_of(request.projection_expression, request.expression_attribute_names)
    if item is None:
        return None
    copy, _ = normalise_item(item)
    return copy if projection is None else projection.applied_to(copy)


@dataclass(frozen=True, slots=True)
class _Source:
    """Whose rows are read, and where an item stands among them."""

    table_keys: TableKeys
    keys: RowSpace
    index: Index | None

    def place_of(self, item: Item) -> bytes | None:
        """The engine key of the item's row; ``None``: it has none in the index."""
        table_key = self.table_keys.of_key({name: item[name] for name in self.table_keys.start_names})
        if self.index is None:
            return table_key
        index_key = self.index.keys.index_key(item)
        return None if index_key is None else index_key + self.table_keys.own_part(table_key)


class Merge:
    """The written items of one query or scan, in its order, and what they take the place of."""

    def __init__(self, request: Query | Scan, source: _Source, written: Iterable[Written]) -> None:
        placeholders = Placeholders(request.expression_attribute_names, request.expression_attribute_values)
        rows = _rows_of(request, source.keys, placeholders)
        condition = None
        if request.filter_expression is not None:
            condition = compile_condition(request.filter_expression, placeholders, kind="FilterExpression")
        used = placeholders.used
        self._projection: Projection | None = None
        if request.projection_expression is not None:
            self._projection = compile_projection(request.projection_expression, placeholders)
        placeholders.check_all_used()
        is_whole = source.index is None or _fetches(source.index, self._projection)
        self.request = _unprojected(request, used, is_whole=is_whole and source.index is not None)
        """What to ask of the snapshot: whole items, so that they can be placed."""
        self._source = source
        self._is_reverse = isinstance(request, Query) and not request.scan_index_forward
        self._hidden = {source.table_keys.of_key(each.key) for each in written}
        self._rest = self._placed(written, rows, condition, is_whole=is_whole)

    def merged(self, page: Page) -> list[Item]:
        """The items of the next page, those that were written among them."""
        kept = [(place, item) for item in page.items if (place := self._visible_place(item)) is not None]
        upto, self._rest = self._split(page.last_evaluated_key)
        together = sorted([*kept, *upto], key=lambda placed: placed[0], reverse=self._is_reverse)
        items = [normalise_item(item)[0] for _, item in together]
        return items if self._projection is None else [self._projection.applied_to(item) for item in items]

    def _visible_place(self, item: Item) -> bytes | None:
        table_keys = self._source.table_keys
        table_key = table_keys.of_key({name: item[name] for name in table_keys.start_names})
        return None if table_key in self._hidden else self._source.place_of(item)

    def _split(
        self, last_key: Mapping[str, object] | None
    ) -> tuple[list[tuple[bytes, Item]], list[tuple[bytes, Item]]]:
        """What is left of the written items: up to the last key of a page, and after it."""
        if last_key is None:
            return self._rest, []
        last = self._source.keys.of_start(last_key)
        upto: list[tuple[bytes, Item]] = []
        after: list[tuple[bytes, Item]] = []
        for place, item in self._rest:
            is_upto = place >= last if self._is_reverse else place <= last
            (upto if is_upto else after).append((place, item))
        return upto, after

    def _placed(
        self, written: Iterable[Written], rows: KeyRange, condition: Condition | None, *, is_whole: bool
    ) -> list[tuple[bytes, Item]]:
        found: list[tuple[bytes, Item]] = []
        for each in written:
            place = None if each.item is None else self._source.place_of(each.item)
            if each.item is None or place is None or not rows.holds(place):
                continue
            index = self._source.index
            item = each.item if is_whole or index is None else index.part_of(each.item)
            if condition is None or condition.holds(item):
                found.append((place, item))
        return found


def _rows_of(request: Query | Scan, keys: RowSpace, placeholders: Placeholders) -> KeyRange:
    if isinstance(request, Query):
        text = request.key_condition_expression or ""
        return keys.rows(compile_key_condition(text, placeholders, keys.hash_names, keys.range_names))
    return keys.all_rows()


def _fetches(index: Index, projection: Projection | None) -> bool:
    """Whether a local index is asked for what it does not keep."""
    names = () if projection is None else {str(path[0]) for path in projection.paths}
    return index.is_local and bool(index.unprojected(names))


def _unprojected(request: Query | Scan, used: frozenset[str], *, is_whole: bool) -> Query | Scan:
    names, values = request.expression_attribute_names, request.expression_attribute_values
    return replace(
        request,
        projection_expression=None,
        expression_attribute_names={k: v for k, v in (names or {}).items() if k in used} or None,
        expression_attribute_values={k: v for k, v in (values or {}).items() if k in used} or None,
        select="ALL_ATTRIBUTES" if is_whole else None,
    )


def _descriptor_of(description: TableDescription) -> TableDescriptor:
    """What the keys of a table's rows are made from, out of its description."""
    types = {each.attribute_name: each.attribute_type for each in description.attribute_definitions}

    def attributes(schema: Iterable[KeySchemaElement], role: str) -> tuple[KeyAttribute, ...]:
        return tuple(
            KeyAttribute(each.attribute_name, types[each.attribute_name])
            for each in schema
            if each.key_type == role
        )

    def index(number: int, described: IndexDescription) -> IndexDescriptor:
        return IndexDescriptor(
            number,
            described.kind,
            described.index_name,
            attributes(described.key_schema, "HASH"),
            attributes(described.key_schema, "RANGE"),
            described.projection.projection_type or "ALL",
            described.projection.non_key_attributes or (),
        )

    indexes = (*description.local_secondary_indexes, *description.global_secondary_indexes)
    (partition,) = attributes(description.key_schema, "HASH")
    sort = attributes(description.key_schema, "RANGE")
    return TableDescriptor(
        1,
        description.table_name,
        "",
        0,
        partition,
        sort[0] if sort else None,
        tuple(index(number, each) for number, each in enumerate(indexes, start=1)),
    )
