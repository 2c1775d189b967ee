"""Every error kvdb raises: what it is called on the wire, and who has to act.

    KvdbError
    ├─ RequestError                       the caller must change the request
    │  ├─ ValidationError                 ValidationException
    │  ├─ SerializationError              SerializationException
    │  ├─ ConditionalCheckFailed          ConditionalCheckFailedException
    │  ├─ ResourceNotFound                ResourceNotFoundException
    │  ├─ ResourceInUse                   ResourceInUseException
    │  ├─ LimitExceeded                   LimitExceededException: the database holds as much as it may
    │  ├─ TransactionCanceled             TransactionCanceledException: carries a reason a member
    │  ├─ IdempotentParameterMismatch     IdempotentParameterMismatchException
    │  ├─ ItemCollectionSizeLimitExceeded ItemCollectionSizeLimitExceededException
    │  ├─ UniqueViolation                 UniqueViolation: a unique index has the key already
    │  ├─ ReadPointExpired                ReadPointExpired: the snapshot is gone, or the history not kept
    │  ├─ ExpiredIterator                 ExpiredIteratorException: a shard iterator is too old
    │  ├─ TrimmedDataAccess               TrimmedDataAccessException: the records are not kept any more
    │  ├─ BackupNotFound                  BackupNotFoundException
    │  ├─ BackupInUse                     BackupInUseException: a restore or another call is at it
    │  ├─ TableNotFound                   TableNotFoundException: as backup calls name what is not there
    │  ├─ TableInUse                      TableInUseException: the table is being made, changed or deleted
    │  ├─ TableAlreadyExists              TableAlreadyExistsException: a restore's target
    │  ├─ JobNotFound                     JobNotFound: no job has this id
    │  ├─ ExportNotFound                  ExportNotFoundException
    │  ├─ ImportNotFound                  ImportNotFoundException
    │  ├─ ExportConflict                  ExportConflictException: its client token stands for another
    │  ├─ ImportConflict                  ImportConflictException: likewise
    │  ├─ InvalidExportTime               InvalidExportTimeException: no moment that can be read
    │  ├─ InvalidRestoreTime              InvalidRestoreTimeException: no point the archive can restore
    │  ├─ PointInTimeRecoveryUnavailable  PointInTimeRecoveryUnavailableException: off for this table
    │  ├─ ContinuousBackupsUnavailable    ContinuousBackupsUnavailableException: there is no archive
    │  ├─ MessageTooLarge                 RequestEntityTooLarge
    │  ├─ UnknownOperation                UnknownOperationException
    │  ├─ NotReplicated                   NotReplicated: the write stands; too few regions have it in time
    │  ├─ MissingAuthenticationToken      MissingAuthenticationTokenException
    │  ├─ IncompleteSignature             IncompleteSignatureException
    │  ├─ InvalidSignature                InvalidSignatureException
    │  ├─ ReadOnlyDatabase                ReadOnlyDatabase: the database was opened read-only
    │  └─ ClosedError                     Closed: the handle was closed before the call
    ├─ RetryableError                     the caller may try the same request again
    │  ├─ ServiceUnavailable              ServiceUnavailable: busy, stopping, or unreachable
    │  ├─ RequestLimitExceeded            RequestLimitExceeded: too many calls at once
    │  ├─ ThroughputExceeded              ProvisionedThroughputExceededException: carries reasons
    │  ├─ Throttled                       ThrottlingException: carries reasons
    │  ├─ TransactionConflict             TransactionConflictException
    │  ├─ TransactionInProgress           TransactionInProgressException
    │  ├─ ReplicaBehind                   ReplicaBehind: the region has not taken in what the session has seen
    │  ├─ DiskFull                        DiskFull: no room for this write; deletes are still taken
    │  └─ DeadlineExceeded                DeadlineExceeded: the outcome is unknown
    ├─ StorageError                       the operator must act
    │  ├─ CorruptionError                 Corruption: names file and offset
    │  ├─ NotADatabase                    NotADatabase: the directory holds something else
    │  ├─ FormatTooNew                    FormatTooNew: written by a later kvdb
    │  ├─ DatabaseLocked                  DatabaseLocked: another process or handle has it open
    │  ├─ ReadOnlyDegraded                ReadOnlyDegraded: a sync failed; reopen to write again
    │  ├─ DiskError                       DiskError: the file system refused a call
    │  └─ BackupStoreError                BackupStoreError: a backup store refuses: credentials, permissions
    └─ InternalError                      InternalServerError: we are wrong

``code`` is the name that travels in gRPC status details and JSON bodies; where
the service has a name for the same fact, it is that name. ``retryable`` says
whether the same request may succeed later. Both are class attributes, so a
client rebuilds the class from ``code`` alone.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple


class KvdbError(Exception):
    """The root of the tree. ``str(error)`` is the message; ``code`` and ``retryable`` classify it."""

    code: ClassVar[str] = "KvdbError"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class RequestError(KvdbError):
    """The request can never succeed as it stands: the caller must change it."""

    code = "RequestError"


class ValidationError(RequestError):
    """A field is missing, malformed, out of range, or at odds with another."""

    code = "ValidationException"


class SerializationError(RequestError):
    """The bytes of a request are not a request: wrong JSON shape, wrong message type."""

    code = "SerializationException"


class ConditionalCheckFailed(RequestError):
    """The condition of a write did not hold; nothing was written.

    ``item`` is the stored item when the request asked for it
    (``return_values_on_condition_check_failure="ALL_OLD"``), else ``None``.
    """

    code = "ConditionalCheckFailedException"

    def __init__(
        self,
        message: str = "The conditional request failed",
        *,
        item: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.item = item


class ResourceNotFound(RequestError):
    """The named table does not exist."""

    code = "ResourceNotFoundException"


class ResourceInUse(RequestError):
    """The named table exists already, or is in a state that forbids the call."""

    code = "ResourceInUseException"


class LimitExceeded(RequestError):
    """There are as many tables as there may be."""

    code = "LimitExceededException"


class CancellationReason(NamedTuple):
    """Why one member of a cancelled transaction was refused. Source: API Reference, CancellationReason."""

    code: str = "None"
    """"None" for a member without a fault, else as "ConditionalCheckFailed" or "ValidationError"."""
    message: str | None = None
    item: Mapping[str, object] | None = None
    """The stored item, if the member asked for it."""


class TransactionCanceled(RequestError):
    """A transaction was refused as a whole; nothing was written. ``reasons`` are in request order."""

    code = "TransactionCanceledException"

    def __init__(self, reasons: Sequence[CancellationReason]) -> None:
        codes = ", ".join(reason.code for reason in reasons)
        super().__init__(
            f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
        )
        self.reasons = tuple(reasons)


class IdempotentParameterMismatch(RequestError):
    """A client token was used again for another transaction."""

    code = "IdempotentParameterMismatchException"


class ItemCollectionSizeLimitExceeded(RequestError):
    """The items of one partition, with those of local indexes, would pass 10 GB."""

    code = "ItemCollectionSizeLimitExceededException"


class UniqueViolation(RequestError):
    """Another item has this key in a unique index; nothing was written."""

    code = "UniqueViolation"


class ReadPointExpired(RequestError):
    """The snapshot was released or left unused, or the history asked for is not kept any more."""

    code = "ReadPointExpired"


class ExpiredIterator(RequestError):
    """A shard iterator was used more than 15 minutes after it was given."""

    code = "ExpiredIteratorException"


class TrimmedDataAccess(RequestError):
    """Changes that were asked for are older than their stream keeps."""

    code = "TrimmedDataAccessException"


class BackupNotFound(RequestError):
    """There is no backup with this id."""

    code = "BackupNotFoundException"


class BackupInUse(RequestError):
    """A backup is being made, restored or deleted."""

    code = "BackupInUseException"


class TableNotFound(RequestError):
    """The table of a backup call does not exist."""

    code = "TableNotFoundException"


class TableInUse(RequestError):
    """The table of a backup call is being made, changed, restored or deleted."""

    code = "TableInUseException"


class TableAlreadyExists(RequestError):
    """There is a table of the name that a restore is to make."""

    code = "TableAlreadyExistsException"


class JobNotFound(RequestError):
    """No job of this database has this id."""

    code = "JobNotFound"


class ExportNotFound(RequestError):
    """No export of this database has this ARN."""

    code = "ExportNotFoundException"


class ImportNotFound(RequestError):
    """No import of this database has this ARN."""

    code = "ImportNotFoundException"


class ExportConflict(RequestError):
    """The client token stands for another export."""

    code = "ExportConflictException"


class ImportConflict(RequestError):
    """The client token stands for another import."""

    code = "ImportConflictException"


class InvalidExportTime(RequestError):
    """A table cannot be exported as of then: in the future, or before the kept history."""

    code = "InvalidExportTimeException"


class InvalidRestoreTime(RequestError):
    """The archive cannot restore this point: before or after what it has, or inside a gap."""

    code = "InvalidRestoreTimeException"


class PointInTimeRecoveryUnavailable(RequestError):
    """Point-in-time recovery is not turned on for the table."""

    code = "PointInTimeRecoveryUnavailableException"


class ContinuousBackupsUnavailable(RequestError):
    """The database has no continuous archive."""

    code = "ContinuousBackupsUnavailableException"


class MessageTooLarge(RequestError):
    """The encoded request or answer is larger than the transport accepts."""

    code = "RequestEntityTooLarge"


class UnknownOperation(RequestError):
    """The server does not know this operation."""

    code = "UnknownOperationException"


class NotReplicated(RequestError):
    """A write was made here, and fewer other regions than asked for have it in time. It stands, and comes to
    them in time: to send it again would make it twice.

    Raised by the client, with what the write gave in ``attributes`` and the regions that have it.
    """

    code = "NotReplicated"

    def __init__(
        self,
        message: str,
        *,
        regions: Sequence[str] = (),
        attributes: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.regions = tuple(regions)
        self.attributes = attributes


class ReadOnlyDatabase(RequestError):
    """The database was opened with ``read_only``; whoever wants to write opens it without."""

    code = "ReadOnlyDatabase"


class MissingAuthenticationToken(RequestError):
    """The request does not say who sent it."""

    code = "MissingAuthenticationTokenException"


class IncompleteSignature(RequestError):
    """The request's signature lacks a part; the message names it."""

    code = "IncompleteSignatureException"


class InvalidSignature(RequestError):
    """The request is signed in two ways at once."""

    code = "InvalidSignatureException"


class ClosedError(RequestError):
    """The database, client or iterator was closed before this call."""

    code = "Closed"


class RetryableError(KvdbError):
    """The same request may succeed if it is sent again."""

    code = "RetryableError"
    retryable = True


class ServiceUnavailable(RetryableError):
    """The server is unreachable, stopping, or cannot take writes for the moment.

    A write that ended so may or may not have been applied, once, never partly; except that nothing was
    when ``never_sent`` is true: no connection could be made, and the request did not leave the client.
    """

    code = "ServiceUnavailable"
    never_sent = False


class RequestLimitExceeded(RetryableError):
    """More calls are in flight than the server accepts; nothing was done."""

    code = "RequestLimitExceeded"


class ThrottlingReason(NamedTuple):
    """Why a call was throttled. Source: API Reference, ThrottlingReason."""

    reason: str
    """As "TableWriteProvisionedThroughputExceeded" or "IndexReadMaxOnDemandThroughputExceeded"."""
    resource: str
    """The ARN of the table or index."""


class ThroughputExceeded(RetryableError):
    """A table or index is asked for more than it is provisioned for; nothing was done."""

    code = "ProvisionedThroughputExceededException"

    def __init__(self, message: str, *, reasons: Sequence[ThrottlingReason] = ()) -> None:
        super().__init__(message)
        self.reasons = tuple(reasons)


class Throttled(RetryableError):
    """An on-demand table or index is asked for more than its maximum; nothing was done."""

    code = "ThrottlingException"

    def __init__(self, message: str, *, reasons: Sequence[ThrottlingReason] = ()) -> None:
        super().__init__(message)
        self.reasons = tuple(reasons)


class TransactionConflict(RetryableError):
    """A transaction is at work on the item, or a native one has read what has changed since."""

    code = "TransactionConflictException"

    def __init__(self, message: str = "Transaction is ongoing for the item") -> None:
        super().__init__(message)


class TransactionInProgress(RetryableError):
    """A transaction with this client token is under way."""

    code = "TransactionInProgressException"


class ReplicaBehind(RetryableError):
    """This region has not taken in, in time, what the session has seen elsewhere; nothing was done.

    It may have later, and another region may have it now.
    """

    code = "ReplicaBehind"


class DiskFull(RetryableError):
    """The disk has too little room left for this write; nothing was written.

    ``retryable`` is true: writes are taken again, without a restart, as soon as there is room.
    Deletes are taken all the while.
    """

    code = "DiskFull"


class DeadlineExceeded(RetryableError):
    """The deadline passed; a write may or may not have been applied, once, never partly."""

    code = "DeadlineExceeded"


class StorageError(KvdbError):
    """The files or the disk need an operator."""

    code = "StorageError"


class CorruptionError(StorageError):
    """Bytes on disk are not what was written. ``file`` and ``offset`` say where."""

    code = "Corruption"

    def __init__(self, message: str, *, file: str = "", offset: int = -1) -> None:
        facts = (f" file={file}" if file else "") + (f" offset={offset}" if offset >= 0 else "")
        super().__init__(message + facts)
        self.file = file
        self.offset = offset


class NotADatabase(StorageError):
    """The directory exists, is not empty, and is not a kvdb database. It was left untouched."""

    code = "NotADatabase"


class FormatTooNew(StorageError):
    """The files were written by a later kvdb. They were left untouched."""

    code = "FormatTooNew"


class DatabaseLocked(StorageError):
    """Another process, or another handle in this one, has the database open."""

    code = "DatabaseLocked"


class ReadOnlyDegraded(StorageError):
    """A sync or a log append failed, so the end of the log is unknown: reads go on, writes stop.

    Leave this state by closing and opening the database again.
    """

    code = "ReadOnlyDegraded"


class DiskError(StorageError):
    """The file system refused a call (no space, I/O error, permission); names file and reason."""

    code = "DiskError"


class BackupStoreError(StorageError):
    """A backup store refuses (credentials, permissions, no such bucket); names store and reason."""

    code = "BackupStoreError"


class InternalError(KvdbError):
    """A mistake of ours; the log has the details under the request id."""

    code = "InternalServerError"


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def is_no_room(error: BaseException) -> bool:
    """Whether a file system refused a call because the disk, or the user's share of it, is full."""
    return isinstance(error, OSError) and error.errno in _NO_ROOM


def disk_error(error: OSError, place: str) -> DiskError | DiskFull:
    """What a refused file system call is to callers; ``place`` is named if ``error`` names no file."""
    message = f"file system refused a call reason={error.strerror or error} file={error.filename or place}"
    return DiskFull(message) if is_no_room(error) else DiskError(message)


def _tree(root: type[KvdbError]) -> list[type[KvdbError]]:
    return [root, *(cls for child in root.__subclasses__() for cls in _tree(child))]


BY_CODE: Mapping[str, type[KvdbError]] = {cls.code: cls for cls in _tree(KvdbError)}
"""Wire code -> class, for the whole tree."""


def from_code(code: str, message: str) -> KvdbError:
    """Rebuild the error a peer reported; an unknown code becomes ``InternalError``.

    The detail fields of a class (``item``, ``reasons``, ``file``, ``offset``) are the transport's to fill.
    """
    cls = BY_CODE.get(code, InternalError)
    error = cls.__new__(cls)
    KvdbError.__init__(error, message)
    if isinstance(error, ConditionalCheckFailed):
        error.item = None
    if isinstance(error, (TransactionCanceled, ThroughputExceeded, Throttled)):
        error.reasons = ()
    if isinstance(error, CorruptionError):
        error.file, error.offset = "", -1
    if isinstance(error, NotReplicated):
        error.regions, error.attributes = (), None
    return error
