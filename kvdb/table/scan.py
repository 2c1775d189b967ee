"""Scan: every row of a table or index, or of one segment of it, in engine-key order.

That order is the order of the partition keys' hashes, so a scan spreads over partitions; within a
partition it is the order of the sort keys. A segment is a range of hashes (``table/keys``): each
row is in exactly one, whatever is written meanwhile, and a ``LastEvaluatedKey`` is good in the
segment it came from only.

Pages are those of ``table/page``. A filter may name what an index does not keep: such an attribute
is not there, and that is no fault. Source: dynoxide, partiql/executor.rs (captured in eu-west-2).
"""

from __future__ import annotations

from kvdb.api.items import Page, Scan
from kvdb.errors import ValidationError
from kvdb.expr.compiler import Placeholders
from kvdb.limits import AWS, LimitsProfile
from kvdb.lsm.engine import Engine, Snapshot
from kvdb.table.catalog import Catalog
from kvdb.table.keys import BAD_START, KeyRange, RowSpace
from kvdb.table.page import (
    START_KEY_MISMATCH,
    Asked,
    check_selection,
    page_of,
    selection_of,
    source_of,
    start_key_of,
)


def run_scan(
    catalog: Catalog,
    engine: Engine,
    request: Scan,
    *,
    at: Snapshot | None = None,
    profile: LimitsProfile = AWS,
) -> Page:
    """Source: API Reference, Scan. ``at``: what the page sees; by default the present.

    Raises:
        ResourceNotFound: there is no such table.
        ValidationError: a malformed expression or start key, a start key of another segment, or
            something an index does not give.
    """
    asked = ask_scan(catalog, request, at=at, profile=profile)
    return page_of(engine, asked.rows, asked.source, asked.selection, request, at=at)


def ask_scan(catalog: Catalog, request: Scan, *, at: Snapshot | None, profile: LimitsProfile) -> Asked:
    """What a scan reads, and what of it is answered. Raises as ``run_scan``."""
    placeholders = Placeholders(request.expression_attribute_names, request.expression_attribute_values)
    selection = selection_of(request, placeholders)
    placeholders.check_all_used()
    source = source_of(catalog.table(request.table_name, at), request, profile=profile, at=at)
    rows = _rows_of(request, source.keys)
    check_selection(source, selection)
    fetched = source.table.keys.all_rows() if source.fetches(selection) else None
    return Asked(source, selection, rows, fetched)


def _rows_of(request: Scan, keys: RowSpace) -> KeyRange:
    if request.segment is None or request.total_segments is None:
        rows = keys.all_rows()
    else:
        rows = keys.segment_range(request.segment, request.total_segments)
    if request.exclusive_start_key is None:
        return rows
    count_fault = START_KEY_MISMATCH if request.index_name is None else BAD_START
    start = start_key_of(request.exclusive_start_key, keys, count_fault=count_fault)
    if not rows.holds(start):
        # Source: dynalite, actions/scan.js; scylladb #9270 (captured by a reviewer).
        raise ValidationError(
            "The provided starting key is invalid: Invalid ExclusiveStartKey. "
            "Please use ExclusiveStartKey with correct Segment. "
            f"TotalSegments: {request.total_segments} Segment: {request.segment}"
        )
    return rows.after(start)
