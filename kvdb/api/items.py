"""Requests and results of the item operations: get, put, delete, query, scan, batches.

Items and keys are ``item.value.Item``: attribute name -> plain Python value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from kvdb.item.value import Item

ReturnValues = Literal["NONE", "ALL_OLD"]
Select = Literal["ALL_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT"]


@dataclass(slots=True)
class GetItem:
    """Source: API Reference, GetItem."""

    table_name: str
    key: Mapping[str, object]
    consistent_read: bool = False
    projection_expression: str | None = None
    expression_attribute_names: Mapping[str, str] | None = None


@dataclass(slots=True)
class GetItemResult:
    item: Item | None
    """``None`` when there is no such item."""


@dataclass(slots=True)
class PutItem:
    """Source: API Reference, PutItem. Replaces the whole item."""

    table_name: str
    item: Mapping[str, object]
    condition_expression: str | None = None
    expression_attribute_names: Mapping[str, str] | None = None
    expression_attribute_values: Mapping[str, object] | None = None
    return_values: ReturnValues = "NONE"
    return_values_on_condition_check_failure: ReturnValues = "NONE"


@dataclass(slots=True)
class PutItemResult:
    attributes: Item | None = None
    """The replaced item with ``return_values="ALL_OLD"``, if there was one."""


@dataclass(slots=True)
class DeleteItem:
    """Source: API Reference, DeleteItem. Idempotent unless conditioned."""

    table_name: str
    key: Mapping[str, object]
    condition_expression: str | None = None
    expression_attribute_names: Mapping[str, str] | None = None
    expression_attribute_values: Mapping[str, object] | None = None
    return_values: ReturnValues = "NONE"
    return_values_on_condition_check_failure: ReturnValues = "NONE"


@dataclass(slots=True)
class DeleteItemResult:
    attributes: Item | None = None
    """The deleted item with ``return_values="ALL_OLD"``, if there was one."""


@dataclass(slots=True)
class Query:
    """Source: API Reference, Query. One partition, in sort-key order."""

    table_name: str
    key_condition_expression: str
    filter_expression: str | None = None
    projection_expression: str | None = None
    expression_attribute_names: Mapping[str, str] | None = None
    expression_attribute_values: Mapping[str, object] | None = None
    scan_index_forward: bool = True
    limit: int | None = None
    """Items *evaluated* by one page, before the filter."""
    exclusive_start_key: Mapping[str, object] | None = None
    consistent_read: bool = False
    select: Select | None = None


@dataclass(slots=True)
class Scan:
    """Source: API Reference, Scan. The whole table, or one of ``total_segments`` slices."""

    table_name: str
    filter_expression: str | None = None
    projection_expression: str | None = None
    expression_attribute_names: Mapping[str, str] | None = None
    expression_attribute_values: Mapping[str, object] | None = None
    limit: int | None = None
    """Items *evaluated* by one page, before the filter."""
    exclusive_start_key: Mapping[str, object] | None = None
    consistent_read: bool = False
    select: Select | None = None
    segment: int | None = None
    total_segments: int | None = None


@dataclass(slots=True)
class Page:
    """One page of a query or scan: the result of ``Query`` and of ``Scan``."""

    items: list[Item]
    """Empty with ``select="COUNT"``."""
    count: int
    """Items that passed the filter."""
    scanned_count: int
    """Items evaluated."""
    last_evaluated_key: Item | None = None
    """Where the next page starts after; ``None`` on the last page."""


@dataclass(slots=True)
class PutRequest:
    """One put of a ``BatchWriteItem``."""

    item: Mapping[str, object]


@dataclass(slots=True)
class DeleteRequest:
    """One delete of a ``BatchWriteItem``."""

    key: Mapping[str, object]


WriteRequest: TypeAlias = PutRequest | DeleteRequest


@dataclass(slots=True)
class BatchWriteItem:
    """Source: API Reference, BatchWriteItem. Each write is atomic; the batch is not."""

    request_items: Mapping[str, list[WriteRequest]]


@dataclass(slots=True)
class BatchWriteItemResult:
    unprocessed_items: dict[str, list[WriteRequest]] = field(default_factory=dict)
    """What the caller should send again; empty when all was written."""


@dataclass(slots=True)
class KeysAndAttributes:
    """The keys to read from one table in a ``BatchGetItem``."""

    keys: list[Mapping[str, object]]
    projection_expression: str | None = None
    expression_attribute_names: Mapping[str, str] | None = None
    consistent_read: bool = False


@dataclass(slots=True)
class BatchGetItem:
    """Source: API Reference, BatchGetItem. Unordered; absent items are left out."""

    request_items: Mapping[str, KeysAndAttributes]


@dataclass(slots=True)
class BatchGetItemResult:
    responses: dict[str, list[Item]]
    unprocessed_keys: dict[str, KeysAndAttributes] = field(default_factory=dict)
    """Keys left over when the answer reached its size bound; send them again."""
