"""Requests and results of the table operations: create, describe, list, delete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AttributeType = Literal["S", "N", "B"]
KeyType = Literal["HASH", "RANGE"]
TableStatus = Literal["CREATING", "ACTIVE", "DELETING"]


@dataclass(frozen=True, slots=True)
class AttributeDefinition:
    """The type of one key attribute."""

    attribute_name: str
    attribute_type: AttributeType


@dataclass(frozen=True, slots=True)
class KeySchemaElement:
    """One key attribute and its role: HASH is the partition key, RANGE the sort key."""

    attribute_name: str
    key_type: KeyType


@dataclass(frozen=True, slots=True)
class TableDescription:
    """What ``DescribeTable`` tells."""

    table_name: str
    table_status: TableStatus
    table_id: str
    """A UUID, new for each table, also when a name is used again."""
    creation_date_time_ms: int
    """Wall time of creation, milliseconds since 1970."""
    key_schema: tuple[KeySchemaElement, ...]
    attribute_definitions: tuple[AttributeDefinition, ...]


@dataclass(slots=True)
class CreateTable:
    """Source: API Reference, CreateTable."""

    table_name: str
    key_schema: list[KeySchemaElement]
    attribute_definitions: list[AttributeDefinition]


@dataclass(slots=True)
class CreateTableResult:
    table_description: TableDescription


@dataclass(slots=True)
class DescribeTable:
    """Source: API Reference, DescribeTable."""

    table_name: str


@dataclass(slots=True)
class DescribeTableResult:
    table: TableDescription


@dataclass(slots=True)
class ListTables:
    """Source: API Reference, ListTables. Names in byte order."""

    exclusive_start_table_name: str | None = None
    limit: int | None = None


@dataclass(slots=True)
class ListTablesResult:
    table_names: list[str]
    last_evaluated_table_name: str | None = None


@dataclass(slots=True)
class DeleteTable:
    """Source: API Reference, DeleteTable. The name is free at once; the rows go in the background."""

    table_name: str


@dataclass(slots=True)
class DeleteTableResult:
    table_description: TableDescription
