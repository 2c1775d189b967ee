"""Secondary indexes for tests: requests for them, and what the engine holds of them."""

from __future__ import annotations

from kvdb.api.tables import (
    AttributeDefinition,
    CreateTable,
    IndexSpecification,
    KeySchemaElement,
    Projection,
)
from kvdb.lsm.engine import Engine
from kvdb.table import row
from kvdb.table.catalog import Table
from tests.support.builders import table_request

Attribute = tuple[str, str]
"""Name and type, as ``("icao", "S")``."""


def index(
    name: str,
    *hashes: str,
    ranges: tuple[str, ...] = (),
    keeps: tuple[str, ...] | str = "ALL",
    unique: bool = False,
) -> IndexSpecification:
    """``keeps``: a projection type, or the attributes of an INCLUDE."""
    return IndexSpecification(
        name,
        (
            *(KeySchemaElement(each, "HASH") for each in hashes),
            *(KeySchemaElement(each, "RANGE") for each in ranges),
        ),
        Projection(keeps) if isinstance(keeps, str) else Projection("INCLUDE", keeps),  # type: ignore[arg-type]
        is_unique=unique,
    )


def indexed_table(
    name: str,
    key: Attribute,
    sort: Attribute | None,
    *attributes: Attribute,
    local: list[IndexSpecification] | None = None,
    across: list[IndexSpecification] | None = None,
) -> CreateTable:
    """``CreateTable`` with local and global indexes on ``attributes``."""
    request = table_request(name, key, sort)
    request.attribute_definitions += [AttributeDefinition(*each) for each in attributes]  # type: ignore[arg-type]
    request.local_secondary_indexes = local
    request.global_secondary_indexes = across
    return request


def index_rows(engine: Engine, table: Table, name: str) -> dict[bytes, dict[str, object]]:
    """The raw rows of an index: engine key -> what it keeps."""
    rows = table.indexes.by_name[name].keys.all_rows()
    return {key: row.item_of(value) for key, value in engine.scan(*rows)}
