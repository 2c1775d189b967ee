"""Error -> HTTP status and JSON body: one table.

    body := {"__type": namespace "#" code, "message" | "Message": text, details}

The namespace and the spelling of ``message`` are the service's own for each code (botocore's model
has "Message" for three of them; "SerializationException": dynalite ``validations/index.js``). An
error the service has no name for travels under the code whose handling is the right one: what may
be tried again as an error of the server, anything else as a refused request.

``TransactionCanceled`` carries its reasons, ``ConditionalCheckFailed`` the stored item if it was
asked for, the two throttling errors why and what.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kvdb import errors
from kvdb.errors import KvdbError
from kvdb.item.dynamo_json import JsonObject, item_to_json
from kvdb.server.http_codec import write_json

_DYNAMODB = "com.amazonaws.dynamodb.v20120810#"
_CORAL = "com.amazon.coral.service#"
_VALIDATE = "com.amazon.coral.validate#"
_BAD_REQUEST, _TOO_LARGE, _INTERNAL, _UNAVAILABLE = 400, 413, 500, 503


class _Form(NamedTuple):
    status: int
    type: str
    message: str = "message"


_INTERNAL_ERROR = _Form(_INTERNAL, f"{_DYNAMODB}InternalServerError")
# SDKs try again on 503 whatever its code; the service sends this one with it.
_SERVICE_UNAVAILABLE = _Form(_UNAVAILABLE, f"{_CORAL}ServiceUnavailableException", "Message")


def _modelled(error: type[KvdbError], message: str = "message") -> _Form:
    return _Form(_BAD_REQUEST, _DYNAMODB + error.code, message)


FORMS: Mapping[type[KvdbError], _Form] = {
    errors.ValidationError: _Form(_BAD_REQUEST, f"{_VALIDATE}ValidationException"),
    errors.SerializationError: _Form(_BAD_REQUEST, f"{_CORAL}SerializationException", "Message"),
    errors.UnknownOperation: _Form(_BAD_REQUEST, f"{_CORAL}UnknownOperationException"),
    errors.MissingAuthenticationToken: _Form(
        _BAD_REQUEST, f"{_CORAL}{errors.MissingAuthenticationToken.code}"
    ),
    errors.IncompleteSignature: _Form(_BAD_REQUEST, f"{_CORAL}{errors.IncompleteSignature.code}"),
    errors.InvalidSignature: _Form(_BAD_REQUEST, f"{_CORAL}{errors.InvalidSignature.code}"),
    errors.ConditionalCheckFailed: _modelled(errors.ConditionalCheckFailed),
    errors.ResourceNotFound: _modelled(errors.ResourceNotFound),
    errors.ResourceInUse: _modelled(errors.ResourceInUse),
    errors.LimitExceeded: _modelled(errors.LimitExceeded),
    errors.TransactionCanceled: _modelled(errors.TransactionCanceled, "Message"),
    errors.IdempotentParameterMismatch: _modelled(errors.IdempotentParameterMismatch, "Message"),
    errors.ItemCollectionSizeLimitExceeded: _modelled(errors.ItemCollectionSizeLimitExceeded),
    errors.TransactionConflict: _modelled(errors.TransactionConflict),
    errors.TransactionInProgress: _modelled(errors.TransactionInProgress, "Message"),
    errors.ThroughputExceeded: _modelled(errors.ThroughputExceeded),
    errors.Throttled: _modelled(errors.Throttled),
    errors.RequestLimitExceeded: _modelled(errors.RequestLimitExceeded),
    errors.ExpiredIterator: _modelled(errors.ExpiredIterator),
    errors.TrimmedDataAccess: _modelled(errors.TrimmedDataAccess),
    errors.BackupNotFound: _modelled(errors.BackupNotFound),
    errors.BackupInUse: _modelled(errors.BackupInUse),
    errors.TableNotFound: _modelled(errors.TableNotFound),
    errors.TableInUse: _modelled(errors.TableInUse),
    errors.TableAlreadyExists: _modelled(errors.TableAlreadyExists),
    errors.InvalidRestoreTime: _modelled(errors.InvalidRestoreTime),
    errors.PointInTimeRecoveryUnavailable: _modelled(errors.PointInTimeRecoveryUnavailable),
    errors.ContinuousBackupsUnavailable: _modelled(errors.ContinuousBackupsUnavailable),
    errors.ExportNotFound: _modelled(errors.ExportNotFound),
    errors.ImportNotFound: _modelled(errors.ImportNotFound),
    errors.ExportConflict: _modelled(errors.ExportConflict),
    errors.ImportConflict: _modelled(errors.ImportConflict),
    errors.InvalidExportTime: _modelled(errors.InvalidExportTime),
    # What the service has no name for.
    errors.UniqueViolation: _modelled(errors.ConditionalCheckFailed),
    errors.ReadPointExpired: _Form(_BAD_REQUEST, f"{_VALIDATE}ValidationException"),
    errors.MessageTooLarge: _Form(_TOO_LARGE, f"{_VALIDATE}ValidationException"),
    errors.RequestError: _Form(_BAD_REQUEST, f"{_VALIDATE}ValidationException"),
    errors.ServiceUnavailable: _SERVICE_UNAVAILABLE,
    errors.RetryableError: _SERVICE_UNAVAILABLE,
    errors.ReadOnlyDegraded: _SERVICE_UNAVAILABLE,
    errors.StorageError: _INTERNAL_ERROR,
    errors.KvdbError: _INTERNAL_ERROR,
}


def status_and_body(error: KvdbError) -> tuple[int, bytes]:
    """What is answered instead of a result."""
    form = _form_of(type(error))
    body: JsonObject = {"__type": form.type}
    if error.message:
        body[form.message] = error.message
    if isinstance(error, errors.ConditionalCheckFailed) and error.item is not None:
        body["Item"] = item_to_json(error.item)
    elif isinstance(error, errors.TransactionCanceled):
        body["CancellationReasons"] = [_reason(reason) for reason in error.reasons]
    elif isinstance(error, errors.ThroughputExceeded) and error.reasons:
        body["ThrottlingReasons"] = _throttling(error.reasons)
    elif isinstance(error, errors.Throttled) and error.reasons:
        body["throttlingReasons"] = _throttling(error.reasons)
    return form.status, write_json(body)


def _form_of(error: type[KvdbError]) -> _Form:
    for cls in error.__mro__:
        if cls in FORMS:
            return FORMS[cls]
    return _INTERNAL_ERROR


def _reason(reason: errors.CancellationReason) -> JsonObject:
    written: JsonObject = {"Code": reason.code}
    if reason.message is not None:
        written["Message"] = reason.message
    if reason.item is not None:
        written["Item"] = item_to_json(reason.item)
    return written


def _throttling(reasons: tuple[errors.ThrottlingReason, ...]) -> list[JsonObject]:
    return [{"reason": reason.reason, "resource": reason.resource} for reason in reasons]
