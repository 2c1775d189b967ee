"""Requests and results of the item operations: get, put, update, delete, query, scan, batches, transactions.

Items and keys are ``item.value.Item``: attribute name -> plain Python value. Names, defaults and
meanings are the service's (botocore, ``dynamodb/2012-08-10/service-2.json``); a field or class that
is ours alone says "Native".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from kvdb.item.value import Item

ReturnValues = Literal["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"]
"""``PutItem`` and ``DeleteItem`` take NONE and ALL_OLD only."""
ReturnValuesOnConditionCheckFailure = Literal["NONE", "ALL_OLD"]
ReturnConsumedCapacity = Literal["NONE", "TOTAL", "INDEXES"]
ReturnItemCollectionMetrics = Literal["NONE", "SIZE"]
Select = Literal["ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT"]
ConditionalOperator = Literal["AND", "OR"]
ComparisonOperator = Literal[
    "EQ",
    "NE",
    "IN",
    "LE",
    "LT",
    "GE",
    "GT",
    "BETWEEN",
    "NOT_NULL",
    "NULL",
    "CONTAINS",
    "NOT_CONTAINS",
    "BEGINS_WITH",
]
AttributeAction = Literal["PUT", "ADD", "DELETE"]


# Capacity.


@dataclass(slots=True)
class Capacity:
    """Units one table or index consumed; a part that does not apply is ``None``."""

    capacity_units: float
    read_capacity_units: float | None = None
    write_capacity_units: float | None = None


@dataclass(slots=True)
class ConsumedCapacity:
    """What an operation consumed of one table. Source: API Reference, ConsumedCapacity."""

    table_name: str
    capacity_units: float
    """The table and its indexes together."""
    read_capacity_units: float | None = None
    """Given by transactions only, as the service does."""
    write_capacity_units: float | None = None
    table: Capacity | None = None
    """With ``return_consumed_capacity="INDEXES"``, as the two maps below."""
    local_secondary_indexes: dict[str, Capacity] | None = None
    global_secondary_indexes: dict[str, Capacity] | None = None


@dataclass(slots=True)
class ItemCollectionMetrics:
    """The size of the item collection a write touched; tables with a local index only."""

    item_collection_key: Item
    size_estimate_range_gb: tuple[float, float]
    """Lower and upper bound, in GB."""


# Legacy parameters of before 2014. ``table/legacy`` translates them.


@dataclass(slots=True)
class ExpectedAttributeValue:
    """One attribute's test in a legacy ``expected``. Source: API Reference, ExpectedAttributeValue.

    ``value`` and ``exists`` are the oldest form, ``comparison_operator`` and
    ``attribute_value_list`` the later one; they exclude one another. ``has_value`` tells a value
    of null from none.
    """

    value: object = None
    has_value: bool = False
    exists: bool | None = None
    comparison_operator: ComparisonOperator | None = None
    attribute_value_list: list[object] | None = None


@dataclass(slots=True)
class LegacyCondition:
    """One attribute's test in ``key_conditions``, ``query_filter`` or ``scan_filter``."""

    comparison_operator: ComparisonOperator
    attribute_value_list: list[object] | None = None


@dataclass(slots=True)
class AttributeValueUpdate:
    """One attribute's change in ``attribute_updates``. ``has_value`` as in ``ExpectedAttributeValue``."""

    action: AttributeAction = "PUT"
    value: object = None
    has_value: bool = False


# Single items.


@dataclass(slots=True)
class GetItem:
    """Source: API Reference, GetItem."""

    table_name: str
    key: Mapping[str, object]
    consistent_read: bool = False
    projection_expression: str | None = None
    expression_attribute_names: Mapping[str, str] | None = None
    return_consumed_capacity: ReturnConsumedCapacity = "NONE"
    attributes_to_get: list[str] | None = None
    as_of_seqno: int | None = None
    """Native: read as of this commit. At most one of the three read points is given."""
    as_of_ms: int | None = None
    """Native: read as of this wall time, milliseconds since 1970."""
    snapshot_id: str | None = None
    """Native: read at a snapshot that ``OpenSnapshot`` gave."""


@dataclass(slots=True)
class GetItemResult:
    item: Item | None
    """``None`` when there is no such item."""
    consumed_capacity: ConsumedCapacity | None = None


@dataclass(slots=True)
class PutItem:
    """Source: API Reference, PutItem. Replaces the whole item."""

    table_name: str
    item: Mapping[str, object]
    condition_expression: str | None = None
    expression_attribute_names: Mapping[str, str] | None = None
    expression_attribute_values: Mapping[str, object] | None = None
    return_values: ReturnValues = "NONE"
    return_values_on_condition_check_failure: ReturnValuesOnConditionCheckFailure = "NONE"
    return_consumed_capacity: ReturnConsumedCapacity = "NONE"
    return_item_collection_metrics: ReturnItemCollectionMetrics = "NONE"
    expected: Mapping[str, ExpectedAttributeValue] | None = None
    conditional_operator: ConditionalOperator | None = None


@dataclass(slots=True)
class PutItemResult:
    attributes: Item | None = None
    """The replaced item with ``return_values="ALL_OLD"``, if there was one."""
    consumed_capacity: ConsumedCapacity | None = None
    item_collection_metrics: ItemCollectionMetrics | None = None


@dataclass(slots=True)
class UpdateItem:
    """Source: API Reference, UpdateItem. Changes some attributes; makes the item when there is none."""

    table_name: str
    key: Mapping[str, object]
    update_expression: str | None = None
    condition_expression: str | None = None
    expression_attribute_names: Mapping[str, str] | None = None
    expression_attribute_values: Mapping[str, object] | None = None
    return_values: ReturnValues = "NONE"
    return_values_on_condition_check_failure: ReturnValuesOnConditionCheckFailure = "NONE"
    return_consumed_capacity: ReturnConsumedCapacity = "NONE"
    return_item_collection_metrics: ReturnItemCollectionMetrics = "NONE"
    attribute_updates: Mapping[str, AttributeValueUpdate] | None = None
    expected: Mapping[str, ExpectedAttributeValue] | None = None
    conditional_operator: ConditionalOperator | None = None


@dataclass(slots=True)
class UpdateItemResult:
    attributes: Item | None = None
    """What ``return_values`` asked for; ``None`` when that is nothing."""
    consumed_capacity: ConsumedCapacity | None = None
    item_collection_metrics: ItemCollectionMetrics | None = None


@dataclass(slots=True)
class DeleteItem:
    """Source: API Reference, DeleteItem. Idempotent unless conditioned."""

    table_name: str
    key: Mapping[str, object]
    condition_expression: str | None = None
    expression_attribute_names: Mapping[str, str] | None = None
    expression_attribute_values: Mapping[str, object] | None = None
    return_values: ReturnValues = "NONE"
    return_values_on_condition_check_failure: ReturnValuesOnConditionCheckFailure = "NONE"
    return_consumed_capacity: ReturnConsumedCapacity = "NONE"
    return_item_collection_metrics: ReturnItemCollectionMetrics = "NONE"
    expected: Mapping[str, ExpectedAttributeValue] | None = None
    conditional_operator: ConditionalOperator | None = None


@dataclass(slots=True)
class DeleteItemResult:
    attributes: Item | None = None
    """The deleted item with ``return_values="ALL_OLD"``, if there was one."""
    consumed_capacity: ConsumedCapacity | None = None
    item_collection_metrics: ItemCollectionMetrics | None = None


# Query and Scan.


@dataclass(slots=True)
class Query:
    """Source: API Reference, Query. One partition of a table or index, in sort-key order."""

    table_name: str
    key_condition_expression: str | None = None
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
    index_name: str | None = None
    return_consumed_capacity: ReturnConsumedCapacity = "NONE"
    key_conditions: Mapping[str, LegacyCondition] | None = None
    query_filter: Mapping[str, LegacyCondition] | None = None
    conditional_operator: ConditionalOperator | None = None
    attributes_to_get: list[str] | None = None
    as_of_seqno: int | None = None
    """Native: read as of this commit. At most one of the three read points is given."""
    as_of_ms: int | None = None
    """Native: read as of this wall time, milliseconds since 1970."""
    snapshot_id: str | None = None
    """Native: read at a snapshot that ``OpenSnapshot`` gave; all pages then see one moment."""


@dataclass(slots=True)
class Scan:
    """Source: API Reference, Scan. A whole table or index, or one of ``total_segments`` slices."""

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
    index_name: str | None = None
    return_consumed_capacity: ReturnConsumedCapacity = "NONE"
    scan_filter: Mapping[str, LegacyCondition] | None = None
    conditional_operator: ConditionalOperator | None = None
    attributes_to_get: list[str] | None = None
    as_of_seqno: int | None = None
    """Native: read as of this commit. At most one of the three read points is given."""
    as_of_ms: int | None = None
    """Native: read as of this wall time, milliseconds since 1970."""
    snapshot_id: str | None = None
    """Native: read at a snapshot that ``OpenSnapshot`` gave; all pages then see one moment."""


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
    consumed_capacity: ConsumedCapacity | None = None


# Batches.


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
    return_consumed_capacity: ReturnConsumedCapacity = "NONE"
    return_item_collection_metrics: ReturnItemCollectionMetrics = "NONE"


@dataclass(slots=True)
class BatchWriteItemResult:
    unprocessed_items: dict[str, list[WriteRequest]] = field(default_factory=dict)
    """What the caller should send again; empty when all was written."""
    consumed_capacity: list[ConsumedCapacity] | None = None
    item_collection_metrics: dict[str, list[ItemCollectionMetrics]] | None = None


@dataclass(slots=True)
class KeysAndAttributes:
    """The keys to read from one table in a ``BatchGetItem``."""

    keys: list[Mapping[str, object]]
    projection_expression: str | None = None
    expression_attribute_names: Mapping[str, str] | None = None
    consistent_read: bool = False
    attributes_to_get: list[str] | None = None


@dataclass(slots=True)
class BatchGetItem:
    """Source: API Reference, BatchGetItem. Unordered; absent items are left out."""

    request_items: Mapping[str, KeysAndAttributes]
    return_consumed_capacity: ReturnConsumedCapacity = "NONE"


@dataclass(slots=True)
class BatchGetItemResult:
    responses: dict[str, list[Item]]
    unprocessed_keys: dict[str, KeysAndAttributes] = field(default_factory=dict)
    """Keys left over when the answer reached its size bound; send them again."""
    consumed_capacity: list[ConsumedCapacity] | None = None


# Transactions.


@dataclass(slots=True)
class ConditionCheck:
    """A member of ``TransactWriteItems`` that writes nothing. Source: API Reference, ConditionCheck."""

    table_name: str
    key: Mapping[str, object]
    condition_expression: str
    expression_attribute_names: Mapping[str, str] | None = None
    expression_attribute_values: Mapping[str, object] | None = None
    return_values_on_condition_check_failure: ReturnValuesOnConditionCheckFailure = "NONE"


TransactWriteAction: TypeAlias = PutItem | UpdateItem | DeleteItem | ConditionCheck
"""A member of ``TransactWriteItems``. Of the three item requests only table, key or item,
expressions, placeholders and ``return_values_on_condition_check_failure`` count there."""


@dataclass(slots=True)
class TransactWriteItems:
    """Source: API Reference, TransactWriteItems. All of it or none; no two members on one item."""

    transact_items: list[TransactWriteAction]
    client_request_token: str | None = None
    return_consumed_capacity: ReturnConsumedCapacity = "NONE"
    return_item_collection_metrics: ReturnItemCollectionMetrics = "NONE"


@dataclass(slots=True)
class TransactWriteItemsResult:
    consumed_capacity: list[ConsumedCapacity] | None = None
    item_collection_metrics: dict[str, list[ItemCollectionMetrics]] | None = None


@dataclass(slots=True)
class TransactGetItems:
    """Source: API Reference, TransactGetItems. All items as of one moment.

    Of each ``GetItem`` only table, key, projection and names count.
    """

    transact_items: list[GetItem]
    return_consumed_capacity: ReturnConsumedCapacity = "NONE"


@dataclass(slots=True)
class TransactGetItemsResult:
    responses: list[Item | None]
    """In request order; ``None`` where there is no item."""
    consumed_capacity: list[ConsumedCapacity] | None = None


# Native: snapshots, history, interactive transactions.


@dataclass(slots=True)
class OpenSnapshot:
    """Native: hold the present moment for reads, until released or left unused for a minute."""


@dataclass(slots=True)
class OpenSnapshotResult:
    snapshot_id: str
    seqno: int
    """The commit the snapshot stands at."""


@dataclass(slots=True)
class ReleaseSnapshot:
    """Native: let go of a snapshot; one that is gone already is no error."""

    snapshot_id: str


@dataclass(slots=True)
class ReleaseSnapshotResult:
    pass


@dataclass(slots=True)
class ListItemVersions:
    """Native: what an item was, newest first, as far back as ``history_retention`` reaches."""

    table_name: str
    key: Mapping[str, object]
    limit: int | None = None
    """Versions in one answer, at most 1,000."""
    before_seqno: int | None = None
    """Versions older than this commit only: the last one's ``seqno`` gives the next page."""


@dataclass(slots=True)
class ItemVersion:
    """An item from one write of it to the next."""

    seqno: int
    """The commit that made it."""
    wall_ms: int
    """When: the write's stamp, milliseconds since 1970."""
    item: Item | None
    """``None``: it was deleted."""


@dataclass(slots=True)
class ListItemVersionsResult:
    versions: list[ItemVersion]


@dataclass(slots=True)
class ReadKey:
    """An item that a native transaction has read."""

    table_name: str
    key: Mapping[str, object]


@dataclass(slots=True)
class ReadRange:
    """What a native transaction has read by query or scan: the request, to its last page or item."""

    request: Query | Scan
    last_key: Item | None = None
    """The last key evaluated; ``None``: read to the end."""


@dataclass(slots=True)
class CommitTransaction:
    """Native: make the writes if nothing in ``reads`` has changed since the snapshot, else refuse.

    Raises ``TransactionConflict`` when it has; then nothing was written. Releases the snapshot.
    """

    snapshot_id: str
    reads: list[ReadKey | ReadRange]
    writes: list[TransactWriteAction]


@dataclass(slots=True)
class CommitTransactionResult:
    seqno: int
    """The commit; the snapshot's own when there was nothing to write."""
