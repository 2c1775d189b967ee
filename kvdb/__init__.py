"""kvdb: a DynamoDB-like database, embedded or served.

    import kvdb
    from kvdb import Attr, Key

    with kvdb.open("data") as db:                  # or kvdb.connect("grpc://localhost:7400")
        airports = db.create_table("airports", key=("country", "S"), sort=("icao", "S"))
        airports.put({"country": "IS", "icao": "BIKF"}, condition=Attr("icao").not_exists())
        for airport in airports.query(Key("country").eq("IS")):
            print(airport)

What stands in ``__all__`` is public; the requests and results of ``kvdb.api`` are too. The rooms
behind them are drawn in the README.
"""

from kvdb.api.items import DeleteRequest, PutRequest
from kvdb.client import actions
from kvdb.client.aio import AsyncClient, AsyncSnapshot
from kvdb.client.aio_table import AsyncTable
from kvdb.client.aio_transaction import AsyncTransaction
from kvdb.client.changes import Change
from kvdb.client.connect import connect, connect_async, open, open_async
from kvdb.client.sync import Client, Snapshot
from kvdb.client.sync_table import Table
from kvdb.client.sync_transaction import Transaction
from kvdb.client.table_requests import GlobalIndex, LocalIndex, OnDemand, Provisioned
from kvdb.database.database import Database
from kvdb.errors import (
    ClosedError,
    ConditionalCheckFailed,
    CorruptionError,
    DatabaseLocked,
    DeadlineExceeded,
    DiskError,
    DiskFull,
    ExpiredIterator,
    FormatTooNew,
    IdempotentParameterMismatch,
    InternalError,
    ItemCollectionSizeLimitExceeded,
    KvdbError,
    LimitExceeded,
    MessageTooLarge,
    NotADatabase,
    ReadOnlyDatabase,
    ReadOnlyDegraded,
    ReadPointExpired,
    RequestError,
    RequestLimitExceeded,
    ResourceInUse,
    ResourceNotFound,
    RetryableError,
    ServiceUnavailable,
    StorageError,
    Throttled,
    ThroughputExceeded,
    TransactionCanceled,
    TransactionConflict,
    TransactionInProgress,
    TrimmedDataAccess,
    UniqueViolation,
    ValidationError,
)
from kvdb.expr.builder import Attr, Key
from kvdb.expr.update_builder import Add, Delete, Remove, Set
from kvdb.options import ClientOptions, DatabaseOptions, EngineOptions

__all__ = [
    "Add",
    "AsyncClient",
    "AsyncSnapshot",
    "AsyncTable",
    "AsyncTransaction",
    "Attr",
    "Change",
    "Client",
    "ClientOptions",
    "ClosedError",
    "ConditionalCheckFailed",
    "CorruptionError",
    "Database",
    "DatabaseLocked",
    "DatabaseOptions",
    "DeadlineExceeded",
    "Delete",
    "DeleteRequest",
    "DiskError",
    "DiskFull",
    "EngineOptions",
    "ExpiredIterator",
    "FormatTooNew",
    "GlobalIndex",
    "IdempotentParameterMismatch",
    "InternalError",
    "ItemCollectionSizeLimitExceeded",
    "Key",
    "KvdbError",
    "LimitExceeded",
    "LocalIndex",
    "MessageTooLarge",
    "NotADatabase",
    "OnDemand",
    "Provisioned",
    "PutRequest",
    "ReadOnlyDatabase",
    "ReadOnlyDegraded",
    "ReadPointExpired",
    "Remove",
    "RequestError",
    "RequestLimitExceeded",
    "ResourceInUse",
    "ResourceNotFound",
    "RetryableError",
    "ServiceUnavailable",
    "Set",
    "Snapshot",
    "StorageError",
    "Table",
    "Throttled",
    "ThroughputExceeded",
    "Transaction",
    "TransactionCanceled",
    "TransactionConflict",
    "TransactionInProgress",
    "TrimmedDataAccess",
    "UniqueViolation",
    "ValidationError",
    "actions",
    "connect",
    "connect_async",
    "open",
    "open_async",
]
