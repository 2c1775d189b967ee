"""Scan: every row of a table, or of one segment of it, in engine-key order.

That order is the order of the partition keys' hashes, so a scan spreads over partitions; within a
partition it is the order of the sort keys. A segment is a range of hashes (``table/keys``): each
row is in exactly one, whatever is written meanwhile, and a ``LastEvaluatedKey`` is good in the
segment it came from only.
"""

from __future__ import annotations

from kvdb.api.items import Page, Scan
from kvdb.errors import ValidationError
from kvdb.expr.compiler import Placeholders
from kvdb.lsm.engine import Engine
from kvdb.table.catalog import Catalog
from kvdb.table.keys import KeyRange, TableKeys
from kvdb.table.query import START_KEY_MISMATCH, read_page, selection_of, start_key_of


def run_scan(catalog: Catalog, engine: Engine, request: Scan) -> Page:
    """Source: API Reference, Scan. Pages end as ``table/query`` says.

    Raises:
        ResourceNotFound: there is no such table.
        ValidationError: a malformed expression or start key, or a start key of another segment.
    """
    placeholders = Placeholders(request.expression_attribute_names, request.expression_attribute_values)
    selection = selection_of(request, placeholders)
    placeholders.check_all_used()
    keys = catalog.table(request.table_name).keys
    return read_page(engine, _rows_of(request, keys), keys, selection)


def _rows_of(request: Scan, keys: TableKeys) -> KeyRange:
    if request.segment is None or request.total_segments is None:
        rows = keys.all_rows()
    else:
        rows = keys.segment_range(request.segment, request.total_segments)
    if request.exclusive_start_key is None:
        return rows
    start = start_key_of(request.exclusive_start_key, keys, count_fault=START_KEY_MISMATCH)
    if not rows.holds(start):
        # Source: dynalite, actions/scan.js; scylladb #9270 (captured by a reviewer).
        raise ValidationError(
            "The provided starting key is invalid: Invalid ExclusiveStartKey. "
            "Please use ExclusiveStartKey with correct Segment. "
            f"TotalSegments: {request.total_segments} Segment: {request.segment}"
        )
    return rows.after(start)
