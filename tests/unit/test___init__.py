"""The public names, and nothing else."""

from __future__ import annotations

import subprocess
import sys

import kvdb
from kvdb import errors


def test_the_public_names_are_these() -> None:
    ways_in = {"open", "connect", "open_async", "connect_async"}
    faces = {"Client", "AsyncClient", "Table", "AsyncTable", "Snapshot", "AsyncSnapshot", "Database"}
    faces |= {"Transaction", "AsyncTransaction", "Change", "Session", "AsyncSession"}
    faces |= {"Terms", "Answer", "Replication"}
    builders = {"Key", "Attr", "Set", "Remove", "Add", "Delete", "PutRequest", "DeleteRequest"}
    builders |= {"actions", "LocalIndex", "GlobalIndex", "Provisioned", "OnDemand"}
    options = {"ArchiveOptions", "ClientOptions", "DatabaseOptions", "EngineOptions", "FailoverOptions"}
    caught = {name for name in kvdb.__all__ if isinstance(getattr(errors, name, None), type)}
    assert set(kvdb.__all__) == ways_in | faces | builders | options | caught
    assert caught == {
        "KvdbError",
        *("RequestError", "ValidationError", "ConditionalCheckFailed", "ResourceNotFound"),
        *("ResourceInUse", "MessageTooLarge", "ClosedError", "LimitExceeded"),
        *("TransactionCanceled", "IdempotentParameterMismatch", "ItemCollectionSizeLimitExceeded"),
        *("UniqueViolation", "ReadPointExpired", "ExpiredIterator", "TrimmedDataAccess"),
        *("RetryableError", "ServiceUnavailable", "RequestLimitExceeded", "DeadlineExceeded", "DiskFull"),
        *("Throttled", "ThroughputExceeded", "TransactionConflict", "TransactionInProgress"),
        *("ReplicaBehind", "NotReplicated"),
        *("StorageError", "CorruptionError", "NotADatabase", "FormatTooNew", "DatabaseLocked"),
        *("ReadOnlyDatabase", "ReadOnlyDegraded", "DiskError", "InternalError"),
    }


def test_every_public_name_is_there_once() -> None:
    assert sorted(set(kvdb.__all__)) == sorted(kvdb.__all__)
    assert all(hasattr(kvdb, name) for name in kvdb.__all__)


def test_a_room_is_loaded_without_the_rest() -> None:
    """What a room asks this package for may be what waits for that room."""
    ask = "import sys, kvdb.table.lineage; print('kvdb.public' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert loaded.stdout == "False\n"
