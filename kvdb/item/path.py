"""Document paths: where in an item a value stands, ``a.b[3].c`` as ``("a", "b", 3, "c")``."""

from __future__ import annotations

from enum import Enum
from typing import Final, TypeAlias

from kvdb.item.value import AttributeValue, Item

Path: TypeAlias = tuple[str | int, ...]
"""Attribute name first, then map names and list indices (from 0)."""


class Missing(Enum):
    """The class of ``MISSING``: no attribute value, so not even NULL."""

    MISSING = "MISSING"


MISSING: Final = Missing.MISSING


def get(item: Item, path: Path) -> AttributeValue | Missing:
    """The value at ``path``, or ``MISSING`` when any step of the way is not there."""
    value: object = item
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step, MISSING)
        elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
            value = value[step]
        else:
            return MISSING
    return value
