"""GetItem: key, row, projection.

A row past its time to live is served like any other until the sweeper has deleted it, as the
service does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kvdb.api.items import GetItem, GetItemResult
from kvdb.expr.compiler import Placeholders, Projection, compile_projection
from kvdb.lsm.engine import Engine, Snapshot
from kvdb.table import legacy, row
from kvdb.table.capacity import Tally, read_units
from kvdb.table.catalog import Catalog
from kvdb.table.keys import TABLE_NUMBER


def get_item(
    catalog: Catalog, engine: Engine, request: GetItem, *, at: Snapshot | None = None
) -> GetItemResult:
    """Source: API Reference, GetItem. Every read is strongly consistent.

    ``at``: what it sees; by default the present.

    Raises:
        ResourceNotFound: there is no such table.
        ValidationError: a malformed projection or key.
        ThroughputExceeded, Throttled: the table is asked for too much.
    """
    projection = projection_of(
        request.projection_expression, request.expression_attribute_names, request.attributes_to_get
    )
    table = catalog.table(request.table_name, at)
    key = table.keys.of_key(request.key)
    if projection is not None:
        table.refuse_inside(projection.nested_names)
    if (meter := table.meter) is not None:
        meter.check("read", TABLE_NUMBER)
    stored = engine.get(key, at)
    item = None
    if stored is not None:
        item = row.item_of(stored)
        if projection is not None:
            item = projection.applied_to(item)
    if request.return_consumed_capacity == "NONE" and meter is None:
        return GetItemResult(item)
    tally = Tally()
    size = 0 if stored is None else row.size_of(stored)
    tally.add_table(read_units(size, is_consistent=request.consistent_read))
    if meter is not None:
        meter.take("read", {TABLE_NUMBER: tally.total})
    return GetItemResult(item, tally.consumed(request.table_name, request.return_consumed_capacity))


def projection_of(
    text: str | None, names: Mapping[str, str] | None, attributes: Sequence[str] | None = None
) -> Projection | None:
    """The projection of a request that has no other expression; ``attributes``: its ``AttributesToGet``."""
    if text is None:
        return None if attributes is None else legacy.projection_of(attributes)
    placeholders = Placeholders(names, None)
    projection = compile_projection(text, placeholders)
    placeholders.check_all_used()
    return projection
