"""Query: one partition in sort-key order; and how a page ends, for Query and Scan alike.

A page reads rows until ``Limit`` of them have been *evaluated* or their sizes have reached 1 MiB,
the row that reached it included; the filter chooses from what was read, so a page may be empty
and yet not the last. ``LastEvaluatedKey`` is the key of the last row read, and is given whenever
one of the two bounds ended the page, even if no row follows: the service does not look ahead.
Sources: developer guide, "Working with queries"; dynalite, test/query.js ("just over limit") and
test/scan.js ("should not return LastEvaluatedKey if Limit is large"), recorded from the service.

What follows in the partition is read at one moment within a page; the next page is another moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kvdb import limits
from kvdb.api.items import Page, Query, Scan
from kvdb.errors import ValidationError
from kvdb.expr.compiler import (
    Condition,
    KeyCondition,
    Placeholders,
    Projection,
    compile_condition,
    compile_key_condition,
    compile_projection,
)
from kvdb.item.value import Item
from kvdb.lsm.engine import Engine
from kvdb.table import row
from kvdb.table.catalog import Catalog
from kvdb.table.keys import SCHEMA_MISMATCH, KeyRange, TableKeys

_BAD_START = "The provided starting key is invalid"


def run_query(catalog: Catalog, engine: Engine, request: Query) -> Page:
    """Source: API Reference, Query. Every read is strongly consistent.

    Raises:
        ResourceNotFound: there is no such table.
        ValidationError: a malformed expression or start key, or a filter that names a key attribute.
    """
    placeholders = Placeholders(request.expression_attribute_names, request.expression_attribute_values)
    selection = selection_of(request, placeholders)
    keys = catalog.table(request.table_name).keys
    condition = compile_key_condition(
        request.key_condition_expression or "",
        placeholders,
        keys.partition.name,
        None if keys.sort is None else keys.sort.name,
    )
    placeholders.check_all_used()
    _check_filter_names(selection.condition, keys)
    rows = _rows_of(request, condition, keys)
    return read_page(engine, rows, keys, selection, is_reverse=not request.scan_index_forward)


def _rows_of(request: Query, condition: KeyCondition, keys: TableKeys) -> KeyRange:
    partition = keys.partition_range(condition.partition_value)
    rows = partition
    if condition.sort is not None:
        rows = keys.sort_range(condition.partition_value, condition.sort)
    if request.exclusive_start_key is None:
        return rows
    start = start_key_of(request.exclusive_start_key, keys, count_fault=_BAD_START)
    # Sources: dynalite, actions/query.js; floci #3389 (captured from the service in 2026).
    if not partition.holds(start):
        raise ValidationError(
            "The provided starting key is outside query boundaries based on provided conditions"
        )
    if not rows.holds(start):
        raise ValidationError("The provided starting key does not match the range key predicate")
    return rows.after(start) if request.scan_index_forward else rows.before(start)


def _check_filter_names(condition: Condition | None, keys: TableKeys) -> None:
    """A key attribute belongs into the key condition. Source: dynalite, actions/query.js."""
    if condition is None:
        return
    for part in (keys.partition, keys.sort):
        if part is not None and part.name in condition.top_level_names:
            raise ValidationError(
                "Filter Expression can only contain non-primary key attributes: "
                f"Primary key attribute: {part.name}"
            )


# Shared with Scan.


def start_key_of(start: Mapping[str, object], keys: TableKeys, *, count_fault: str) -> bytes:
    """The engine key of an ``ExclusiveStartKey``; the row need not exist.

    ``count_fault`` is the message for a key of the wrong number of attributes, where Query and
    Scan differ. Source: dynalite, actions/query.js and actions/scan.js.
    """
    expected = 1 if keys.sort is None else 2
    if len(start) != expected:
        raise ValidationError(count_fault)
    try:
        return keys.of_key(start)
    except ValidationError as error:
        raise ValidationError(f"{_BAD_START}: {error}") from error


START_KEY_MISMATCH = f"{_BAD_START}: {SCHEMA_MISMATCH}"


class Selection(NamedTuple):
    """Which of the rows read become items of the page, and which part of them."""

    limit: int | None
    condition: Condition | None
    projection: Projection | None
    is_count: bool


def selection_of(request: Query | Scan, placeholders: Placeholders) -> Selection:
    """Compile filter and projection, in the service's order."""
    condition = projection = None
    if request.filter_expression is not None:
        condition = compile_condition(request.filter_expression, placeholders, kind="FilterExpression")
    if request.projection_expression is not None:
        projection = compile_projection(request.projection_expression, placeholders)
    return Selection(request.limit, condition, projection, request.select == "COUNT")


def read_page(
    engine: Engine, rows: KeyRange, keys: TableKeys, selection: Selection, *, is_reverse: bool = False
) -> Page:
    """One page of the rows in a key range. Memory: the page."""
    if rows.start >= rows.end:
        return Page([], 0, 0)
    return _page_of(engine.scan(rows.start, rows.end, reverse=is_reverse), keys, selection)


def _page_of(stored: Iterator[tuple[bytes, bytes]], keys: TableKeys, selection: Selection) -> Page:
    limit, condition, projection, is_count = selection
    items: list[Item] = []
    count = scanned = size_bytes = 0
    for _, value in stored:
        scanned += 1
        size_bytes += row.size_of(value)
        is_last = scanned == limit or size_bytes >= limits.PAGE_BYTES_MAX
        if condition is None and is_count and not is_last:
            # Counting alone needs no item: the head of the row has said enough.
            count += 1
            continue
        item = row.item_of(value)
        if condition is None or condition.holds(item):
            count += 1
            if not is_count:
                items.append(item if projection is None else projection.applied_to(item))
        if is_last:
            return Page(items, count, scanned, keys.item_key(item))
    return Page(items, count, scanned)
