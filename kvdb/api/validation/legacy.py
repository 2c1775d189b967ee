"""Parameters of before 2014: refused by name, since ignoring a condition would lose data."""

from __future__ import annotations

from collections.abc import Mapping

from kvdb.api.items import BatchGetItem, DeleteItem, GetItem, PutItem, Query, Scan, UpdateItem
from kvdb.api.operations import Request
from kvdb.errors import ValidationError

_FIELDS: Mapping[type, tuple[str, ...]] = {
    GetItem: ("attributes_to_get",),
    PutItem: ("expected", "conditional_operator"),
    UpdateItem: ("attribute_updates", "expected", "conditional_operator"),
    DeleteItem: ("expected", "conditional_operator"),
    Query: ("key_conditions", "query_filter", "conditional_operator", "attributes_to_get"),
    Scan: ("scan_filter", "conditional_operator", "attributes_to_get"),
}


def check_no_legacy(request: Request) -> None:
    """Return if ``request`` uses expressions only.

    Raises:
        ValidationError: names the parameter that is not served.
    """
    for field in _FIELDS.get(type(request), ()):
        if getattr(request, field) is not None:
            raise _not_served(field)
    if isinstance(request, BatchGetItem):
        for wanted in request.request_items.values():
            if wanted.attributes_to_get is not None:
                raise _not_served("attributes_to_get")


def _not_served(field: str) -> ValidationError:
    name = field.title().replace("_", "")
    return ValidationError(f"legacy parameter is not served, use expressions: {name}")
