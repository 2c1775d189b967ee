"""GetItem: key, row, projection.

A row past its time to live is served like any other until the sweeper has deleted it, as the
service does.
"""

from __future__ import annotations

from collections.abc import Mapping

from kvdb.api.items import GetItem, GetItemResult
from kvdb.expr.compiler import Placeholders, Projection, compile_projection
from kvdb.lsm.engine import Engine
from kvdb.table import row
from kvdb.table.catalog import Catalog


def get_item(catalog: Catalog, engine: Engine, request: GetItem) -> GetItemResult:
    """Source: API Reference, GetItem. Every read is strongly consistent.

    Raises:
        ResourceNotFound: there is no such table.
        ValidationError: a malformed projection or key.
    """
    projection = projection_of(request.projection_expression, request.expression_attribute_names)
    table = catalog.table(request.table_name)
    stored = engine.get(table.keys.of_key(request.key))
    if stored is None:
        return GetItemResult(None)
    item = row.item_of(stored)
    return GetItemResult(item if projection is None else projection.applied_to(item))


def projection_of(text: str | None, names: Mapping[str, str] | None) -> Projection | None:
    """The projection of a request that has no other expression."""
    if text is None:
        return None
    placeholders = Placeholders(names, None)
    projection = compile_projection(text, placeholders)
    placeholders.check_all_used()
    return projection
