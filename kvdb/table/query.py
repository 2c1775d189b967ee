"""Query: one partition of a table or index in sort-key order.

What a page is, and how it ends, ``table/page`` says; Scan shares that. What is asked of an index is
answered from its own rows. Attributes that a local index does not keep are fetched from the table,
row by row, at a cost; a global index gives what it keeps and no more.

Sources: API Reference, Query; developer guide, "Local secondary indexes"; the words: dynalite,
actions/query.js, dynoxide, partiql/executor.rs.
"""

from __future__ import annotations

from kvdb.api.items import Page, Query
from kvdb.errors import ValidationError
from kvdb.expr.compiler import Condition, KeyCondition, Placeholders, compile_key_condition
from kvdb.limits import AWS, LimitsProfile
from kvdb.lsm.engine import Engine, Snapshot
from kvdb.table import legacy
from kvdb.table.catalog import Catalog
from kvdb.table.keys import BAD_START, KeyRange, RowSpace
from kvdb.table.page import (
    Asked,
    Source,
    brief_page_of,
    check_selection,
    page_of,
    selection_of,
    source_of,
    start_key_of,
)


def run_query(
    catalog: Catalog,
    engine: Engine,
    request: Query,
    *,
    at: Snapshot | None = None,
    profile: LimitsProfile = AWS,
) -> Page:
    """Source: API Reference, Query. Every read is strongly consistent, of an index too.

    ``at``: what the page sees; by default the present.

    Raises:
        ResourceNotFound: there is no such table.
        ValidationError: a malformed expression or start key, a filter that names a key attribute, or
            something an index does not give.
    """
    asked = ask_query(catalog, request, at=at, profile=profile)
    source, selection, rows = asked.source, asked.selection, asked.rows
    return page_of(engine, rows, source, selection, request, at=at, is_reverse=not request.scan_index_forward)


def run_brief_query(
    catalog: Catalog, engine: Engine, request: Query, *, profile: LimitsProfile
) -> Page | None:
    """As ``run_query``, of the present, if it is brief (``page.brief_page_of``); else ``None``."""
    asked = ask_query(catalog, request, at=None, profile=profile)
    return brief_page_of(engine, asked, request, is_reverse=not request.scan_index_forward)


def ask_query(catalog: Catalog, request: Query, *, at: Snapshot | None, profile: LimitsProfile) -> Asked:
    """What a query reads, and what of it is answered. Raises as ``run_query``."""
    placeholders = Placeholders(request.expression_attribute_names, request.expression_attribute_values)
    selection = selection_of(request, placeholders)
    source = source_of(catalog.table(request.table_name, at), request, profile=profile, at=at)
    keys = source.keys
    if request.key_conditions is not None:
        condition = legacy.key_condition_of(request.key_conditions, keys.hash_names, keys.range_names)
    else:
        condition = compile_key_condition(
            request.key_condition_expression or "", placeholders, keys.hash_names, keys.range_names
        )
    placeholders.check_all_used()
    rows = _rows_of(request, condition, keys)
    _check_filter_names(selection.condition, source, is_legacy=request.query_filter is not None)
    check_selection(source, selection)
    fetched = source.table.keys.partition_rows(condition) if source.fetches(selection) else None
    return Asked(source, selection, rows, fetched)


def _rows_of(request: Query, condition: KeyCondition, keys: RowSpace) -> KeyRange:
    partition = keys.partition_rows(condition)
    rows = partition if condition.sort is None else keys.rows(condition)
    if request.exclusive_start_key is None:
        return rows
    start = start_key_of(request.exclusive_start_key, keys, count_fault=BAD_START)
    # Sources: dynalite, actions/query.js; floci #3389 (captured from the service in 2026).
    if not partition.holds(start):
        raise ValidationError(
            "The provided starting key is outside query boundaries based on provided conditions"
        )
    if not rows.holds(start):
        raise ValidationError("The provided starting key does not match the range key predicate")
    return rows.after(start) if request.scan_index_forward else rows.before(start)


def _check_filter_names(condition: Condition | None, source: Source, *, is_legacy: bool) -> None:
    """A key attribute belongs into the key condition, and an index filters by what it keeps."""
    if condition is None:
        return
    names = condition.top_level_names
    for name in (*source.keys.hash_names, *source.keys.range_names):
        if name in names:
            parameter = "QueryFilter" if is_legacy else "Filter Expression"
            raise ValidationError(
                f"{parameter} can only contain non-primary key attributes: Primary key attribute: {name}"
            )
    if source.index is not None and (wanting := source.index.unprojected(sorted(names))):
        raise ValidationError(
            f"One or more parameter values were invalid: Secondary index {source.index.name} "
            f"does not project one or more filter attributes: [{', '.join(wanting)}]"
        )
