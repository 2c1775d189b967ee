"""Errors on the wire: class <-> gRPC status and ``ErrorDetail``. One table, read both ways.

The status groups errors for callers that know only gRPC; the detail in the trailing metadata
names the class, so a client of ours raises what the database raised. A call that failed without
a detail failed in gRPC itself (no connection, deadline, a message too large), and its status
says which class that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import grpc
from google.protobuf.message import DecodeError

from kvdb import errors
from kvdb.errors import (
    CancellationReason,
    ConditionalCheckFailed,
    CorruptionError,
    KvdbError,
    Throttled,
    ThrottlingReason,
    ThroughputExceeded,
    TransactionCanceled,
)
from kvdb.rpc.gen import errors_pb2
from kvdb.rpc.item_codec import read_item, write_item

Code = grpc.StatusCode

DETAIL_KEY = "kvdb-error-bin"
BYTES_MAX_KEY = "kvdb-error-bytes-max"
"""Metadata of a request whose sender takes larger details than gRPC's defaults allow."""
TERMS_PREFIX = "kvdb-"
"""Before the names of what ``api/terms`` sends beside a request and its answer."""
DETAIL_BYTES_DEFAULT = 6 * 1024
"""gRPC may refuse metadata over 8 KiB; the rest is room for the status and the message."""
DETAIL_BYTES_MAX = 4 * 1024 * 1024
"""What our client accepts: the message of a 400 KB item of the smallest values stays below."""
MESSAGE_BYTES_MAX = 2048
STATUS_BYTES_MAX = 512
"""The status repeats the message for those who read no detail; gRPC escapes it to three times this."""

STATUS: Mapping[type[KvdbError], grpc.StatusCode] = {
    errors.KvdbError: Code.UNKNOWN,
    errors.RequestError: Code.INVALID_ARGUMENT,
    errors.ValidationError: Code.INVALID_ARGUMENT,
    errors.SerializationError: Code.INVALID_ARGUMENT,
    errors.ConditionalCheckFailed: Code.FAILED_PRECONDITION,
    errors.ResourceNotFound: Code.NOT_FOUND,
    errors.ResourceInUse: Code.ALREADY_EXISTS,
    errors.LimitExceeded: Code.FAILED_PRECONDITION,
    errors.TransactionCanceled: Code.ABORTED,
    errors.IdempotentParameterMismatch: Code.INVALID_ARGUMENT,
    errors.ItemCollectionSizeLimitExceeded: Code.FAILED_PRECONDITION,
    errors.UniqueViolation: Code.ALREADY_EXISTS,
    errors.ReadPointExpired: Code.OUT_OF_RANGE,
    errors.ExpiredIterator: Code.OUT_OF_RANGE,
    errors.TrimmedDataAccess: Code.OUT_OF_RANGE,
    errors.BackupNotFound: Code.NOT_FOUND,
    errors.BackupInUse: Code.FAILED_PRECONDITION,
    errors.TableNotFound: Code.NOT_FOUND,
    errors.TableInUse: Code.FAILED_PRECONDITION,
    errors.TableAlreadyExists: Code.ALREADY_EXISTS,
    errors.JobNotFound: Code.NOT_FOUND,
    errors.ExportNotFound: Code.NOT_FOUND,
    errors.ImportNotFound: Code.NOT_FOUND,
    errors.ExportConflict: Code.ALREADY_EXISTS,
    errors.ImportConflict: Code.ALREADY_EXISTS,
    errors.InvalidExportTime: Code.OUT_OF_RANGE,
    errors.InvalidRestoreTime: Code.FAILED_PRECONDITION,
    errors.PointInTimeRecoveryUnavailable: Code.FAILED_PRECONDITION,
    errors.ContinuousBackupsUnavailable: Code.FAILED_PRECONDITION,
    errors.MessageTooLarge: Code.RESOURCE_EXHAUSTED,
    errors.UnknownOperation: Code.UNIMPLEMENTED,
    errors.MissingAuthenticationToken: Code.UNAUTHENTICATED,
    errors.IncompleteSignature: Code.UNAUTHENTICATED,
    errors.InvalidSignature: Code.UNAUTHENTICATED,
    errors.NotReplicated: Code.FAILED_PRECONDITION,
    errors.ReadOnlyDatabase: Code.FAILED_PRECONDITION,
    errors.ClosedError: Code.CANCELLED,
    errors.RetryableError: Code.UNAVAILABLE,
    errors.ServiceUnavailable: Code.UNAVAILABLE,
    errors.RequestLimitExceeded: Code.RESOURCE_EXHAUSTED,
    errors.ReplicaBehind: Code.UNAVAILABLE,
    errors.DiskFull: Code.RESOURCE_EXHAUSTED,
    errors.ThroughputExceeded: Code.RESOURCE_EXHAUSTED,
    errors.Throttled: Code.RESOURCE_EXHAUSTED,
    errors.TransactionConflict: Code.ABORTED,
    errors.TransactionInProgress: Code.ABORTED,
    errors.DeadlineExceeded: Code.DEADLINE_EXCEEDED,
    errors.StorageError: Code.INTERNAL,
    errors.CorruptionError: Code.DATA_LOSS,
    errors.NotADatabase: Code.FAILED_PRECONDITION,
    errors.FormatTooNew: Code.FAILED_PRECONDITION,
    errors.DatabaseLocked: Code.FAILED_PRECONDITION,
    errors.ReadOnlyDegraded: Code.UNAVAILABLE,
    errors.DiskError: Code.INTERNAL,
    errors.BackupStoreError: Code.FAILED_PRECONDITION,
    errors.InternalError: Code.INTERNAL,
}
"""Every class of ``errors``; a test holds it to that."""

_BARE: Mapping[grpc.StatusCode, type[KvdbError]] = {
    Code.UNAVAILABLE: errors.ServiceUnavailable,
    Code.DEADLINE_EXCEEDED: errors.DeadlineExceeded,
    Code.UNIMPLEMENTED: errors.UnknownOperation,
    Code.RESOURCE_EXHAUSTED: errors.RequestLimitExceeded,
    Code.CANCELLED: errors.ClosedError,
}
"""A status that comes without a detail; any other is an ``InternalError``."""
_TOO_LARGE = "larger than max"
"""In gRPC's message when RESOURCE_EXHAUSTED means a message and not a call too many."""


def status_of(error: KvdbError) -> grpc.StatusCode:
    """The status of an error's class, or of the class in the tree it derives from."""
    return next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)


def encode_detail(error: KvdbError, *, bytes_max: int = DETAIL_BYTES_DEFAULT) -> bytes:
    """An ``ErrorDetail`` of at most ``bytes_max`` bytes: what does not fit is left out, old items first."""
    detail = errors_pb2.ErrorDetail(
        code=error.code, message=clipped(error.message, MESSAGE_BYTES_MAX), retryable=error.retryable
    )
    if isinstance(error, CorruptionError):
        detail.file = error.file
        detail.offset = error.offset
    if isinstance(error, (ThroughputExceeded, Throttled)):
        for reason, resource in error.reasons:
            detail.throttling_reasons.add(reason=reason, resource=resource)
    if isinstance(error, TransactionCanceled):
        _write_reasons(error.reasons, detail, bytes_max)
    if isinstance(error, ConditionalCheckFailed) and error.item is not None:
        write_item(error.item, detail.item)
        if detail.ByteSize() > bytes_max:
            detail.ClearField("item")
    return detail.SerializeToString()


def carries_items(error: KvdbError) -> bool:
    """Whether the detail may outgrow what gRPC allows by itself, so that the caller's bound matters."""
    if isinstance(error, ConditionalCheckFailed):
        return error.item is not None
    return isinstance(error, TransactionCanceled)


def _write_reasons(
    reasons: Iterable[CancellationReason], detail: errors_pb2.ErrorDetail, bytes_max: int
) -> None:
    with_items = []
    for code, message, item in reasons:
        written = detail.cancellation_reasons.add(code=code)
        if message is not None:
            written.message = clipped(message, MESSAGE_BYTES_MAX)
        if item is not None:
            with_items.append((written, item))
    if detail.ByteSize() > bytes_max:
        for written in detail.cancellation_reasons:
            written.ClearField("message")
        if detail.ByteSize() > bytes_max:
            # Codes without their places would name the wrong members.
            detail.ClearField("cancellation_reasons")
        return
    left_bytes = bytes_max - detail.ByteSize()
    for written, item in with_items:
        before_bytes = written.ByteSize()
        write_item(item, written.item)
        # The lengths in front of the reason and the item take up to five bytes each.
        left_bytes -= written.ByteSize() - before_bytes + 10
        if left_bytes < 0:
            written.ClearField("item")
            return


def clipped(message: str, bytes_max: int = STATUS_BYTES_MAX) -> str:
    """A message that fits into metadata: an error may quote what the caller sent."""
    encoded = message.encode(errors="replace")
    if len(encoded) <= bytes_max:
        return encoded.decode()
    return encoded[: bytes_max - 3].decode(errors="ignore") + "..."


def error_from(
    code: grpc.StatusCode, message: str | None, metadata: Iterable[tuple[str, str | bytes]] | None
) -> KvdbError:
    """The error a failed call stands for."""
    for key, value in metadata or ():
        if key == DETAIL_KEY and isinstance(value, bytes):
            return _from_detail(value)
    if code is Code.RESOURCE_EXHAUSTED and _TOO_LARGE in (message or ""):
        return errors.MessageTooLarge(message or "")
    if code in _BARE:
        return _BARE[code](message or code.name)
    return errors.InternalError(f"call failed status={code.name}: {message}")


def _from_detail(data: bytes) -> KvdbError:
    try:
        detail = errors_pb2.ErrorDetail.FromString(data)
    except DecodeError:
        return errors.InternalError("the server sent an error detail that cannot be read")
    error = errors.from_code(detail.code, detail.message)
    if isinstance(error, ConditionalCheckFailed) and detail.HasField("item"):
        error.item = read_item(detail.item)
    if isinstance(error, TransactionCanceled) and detail.cancellation_reasons:
        # Made anew, because its message names every code, and the one sent may be clipped.
        error = TransactionCanceled([_read_reason(reason) for reason in detail.cancellation_reasons])
    if isinstance(error, (ThroughputExceeded, Throttled)):
        error.reasons = tuple(ThrottlingReason(r.reason, r.resource) for r in detail.throttling_reasons)
    if isinstance(error, CorruptionError):
        error.file = detail.file
        error.offset = detail.offset if detail.HasField("offset") else -1
    return error


def _read_reason(reason: errors_pb2.CancellationReason) -> CancellationReason:
    return CancellationReason(
        reason.code,
        reason.message if reason.HasField("message") else None,
        read_item(reason.item) if reason.HasField("item") else None,
    )
