"""The table of operations: name -> request type, result type, action name for policies.

Doors, dispatch and clients walk this table, so an operation that is missing somewhere is
found by a test and not by a user.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from kvdb.api.items import (
    BatchGetItem,
    BatchGetItemResult,
    BatchWriteItem,
    BatchWriteItemResult,
    DeleteItem,
    DeleteItemResult,
    GetItem,
    GetItemResult,
    Page,
    PutItem,
    PutItemResult,
    Query,
    Scan,
)
from kvdb.api.tables import (
    CreateTable,
    CreateTableResult,
    DeleteTable,
    DeleteTableResult,
    DescribeTable,
    DescribeTableResult,
    ListTables,
    ListTablesResult,
)

Request: TypeAlias = (
    GetItem
    | PutItem
    | DeleteItem
    | Query
    | Scan
    | BatchGetItem
    | BatchWriteItem
    | CreateTable
    | DescribeTable
    | ListTables
    | DeleteTable
)
Result: TypeAlias = (
    GetItemResult
    | PutItemResult
    | DeleteItemResult
    | Page
    | BatchGetItemResult
    | BatchWriteItemResult
    | CreateTableResult
    | DescribeTableResult
    | ListTablesResult
    | DeleteTableResult
)


class Operation(NamedTuple):
    """One row of the table."""

    name: str
    request: type[Request]
    result: type[Result]
    is_read: bool
    """Changes nothing, so a client may send it again after any failure."""

    @property
    def action(self) -> str:
        """The name policies use."""
        return f"dynamodb:{self.name}"


OPERATIONS: tuple[Operation, ...] = (
    Operation("GetItem", GetItem, GetItemResult, True),
    Operation("PutItem", PutItem, PutItemResult, False),
    Operation("DeleteItem", DeleteItem, DeleteItemResult, False),
    Operation("Query", Query, Page, True),
    Operation("Scan", Scan, Page, True),
    Operation("BatchGetItem", BatchGetItem, BatchGetItemResult, True),
    Operation("BatchWriteItem", BatchWriteItem, BatchWriteItemResult, False),
    Operation("CreateTable", CreateTable, CreateTableResult, False),
    Operation("DescribeTable", DescribeTable, DescribeTableResult, True),
    Operation("ListTables", ListTables, ListTablesResult, True),
    Operation("DeleteTable", DeleteTable, DeleteTableResult, False),
)

BY_NAME: Mapping[str, Operation] = {operation.name: operation for operation in OPERATIONS}
BY_REQUEST: Mapping[type, Operation] = {operation.request: operation for operation in OPERATIONS}
