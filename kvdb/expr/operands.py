"""Operands of one request: a place in an item, or a value it sends -> ``(item) -> value``.

Names are resolved once a shape, values bound once a request, and items looked at once each: what
can be decided before the item is known is decided before. A top-level attribute is a dict look-up
and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from kvdb.expr.names import Table, resolved
from kvdb.expr.nodes import Call, Operand, Value
from kvdb.item.path import MISSING, Path
from kvdb.item.value import AttributeValue, Item

Fetch: TypeAlias = Callable[[Item], object]
"""What an operand is for this item; ``MISSING`` when it has no value."""
Fetcher: TypeAlias = Callable[[Table], Fetch]
"""What an operand is once the request's values are known."""


def fetcher_of(operand: Operand, names: Table) -> Fetcher:
    """How to look up a path, a value or the ``size`` of either, once the values are known.

    Every name placeholder of the operand is in ``names``.
    """
    if isinstance(operand, Value):
        placeholder = operand.placeholder
        return lambda values: _constant(values[placeholder])
    if isinstance(operand, Call):
        fetcher = fetcher_of(operand.operands[0], names)
        return lambda values: _fetch_size(fetcher(values))
    fetch = fetch_path(resolved(operand.parts, names))
    return lambda values: fetch


def fetch_path(parts: Path) -> Fetch:
    """How to look up a path whose names are the item's own."""
    fetch = _fetch_attribute(str(parts[0]))
    for step in parts[1:]:
        fetch = _fetch_element(fetch, step) if isinstance(step, int) else _fetch_member(fetch, step)
    return fetch


def _constant(value: AttributeValue) -> Fetch:
    return lambda item: value


def _fetch_attribute(name: str) -> Fetch:
    return lambda item: item.get(name, MISSING)


def _fetch_member(fetch: Fetch, name: str) -> Fetch:
    def fetch_member(item: Item) -> object:
        container = fetch(item)
        return container.get(name, MISSING) if isinstance(container, dict) else MISSING

    return fetch_member


def _fetch_element(fetch: Fetch, index: int) -> Fetch:
    def fetch_element(item: Item) -> object:
        container = fetch(item)
        return container[index] if isinstance(container, list) and index < len(container) else MISSING

    return fetch_element


def _fetch_size(fetch: Fetch) -> Fetch:
    return lambda item: _size(fetch(item))


def _size(value: object) -> object:
    """Characters of a string (UTF-16 units), bytes of a binary, elements; none of N, BOOL, NULL."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-16-le")) // 2
    if isinstance(value, (bytes, set, list, dict)):
        return len(value)
    return MISSING
