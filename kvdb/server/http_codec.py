"""DynamoDB's JSON 1.0 bodies <-> the contract: which target serves what, and how a body is read.

    body := one JSON object, UTF-8; at most 512 brackets deep, no member twice, no NaN or Infinity

A body is read in the service's order: is it JSON; has every part the right JSON type
(``SerializationException``); is the request sound (``api/validation``); are its attribute values.
What is no JSON at all is refused without a message, as the service does.

The tables of members stand in ``http_items``, ``http_tables``, ``http_backups`` and ``http_streams``,
errors in ``http_errors``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import NamedTuple, NoReturn

from kvdb.api import validation
from kvdb.api.items import Page
from kvdb.api.operations import Request, Result
from kvdb.errors import SerializationError, ValidationError
from kvdb.item.dynamo_json import JsonObject
from kvdb.server import http_archive as archive
from kvdb.server import http_backups as backups
from kvdb.server import http_items as items
from kvdb.server import http_streams as streams
from kvdb.server import http_tables as tables
from kvdb.server import http_transfers as transfers
from kvdb.server.http_items import WithItems
from kvdb.server.http_shapes import Faults, Kind

_PREFIX = "DynamoDB_20120810."
_STREAMS_PREFIX = "DynamoDBStreams_20120810."
_DEPTH_MAX = 512
_MISSING_SHOWN_MAX = 10
_NAMES_ITS_TABLE = frozenset(
    {"CreateTable", "DeleteTable", "DescribeTable", "UpdateTable", "DescribeTimeToLive", "UpdateTimeToLive"}
)
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_OTHER_BYTES = bytes(set(range(256)) - set(b"{[}]"))
_STEPS: Mapping[int, int] = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}


class Route(NamedTuple):
    """One operation of the service."""

    name: str
    request: Kind
    write: Callable[..., JsonObject | WithItems] | None
    """``None``: the service answers without a body, not even an empty object."""

    def decode(self, body: bytes) -> Request:
        """The request in a body.

        Raises:
            SerializationError: no JSON (then without a message), or a part has the wrong type.
            ValidationError: its types are right, and it is no request.
        """
        faults = Faults()
        request = self.request.read(read_json(body), faults)
        if faults.missing:
            raise _missing(self.name, faults.missing)
        if faults.of_shape:
            raise faults.of_shape[0]
        if faults.of_values:
            validation.check(request)  # type: ignore[arg-type]
            raise faults.of_values[0]
        return request  # type: ignore[return-value]

    def encode(self, request: Request, result: Result) -> bytes:
        """The body that answers ``request``."""
        if self.write is None:
            return b""
        if isinstance(result, Page):
            return write_json(self.write(result, request))
        return write_json(self.write(result))


def _missing(operation: str, places: list[str]) -> ValidationError:
    """Source: dynalite, validations/*.js (notNull, required); dynoxide, create_table.rs."""
    if "tableName" in places and operation in _NAMES_ITS_TABLE:
        return ValidationError("The parameter 'TableName' is required but was not present in the request")
    faults = [
        f"Value null at '{place}' failed to satisfy constraint: Member must not be null" for place in places
    ]
    plural = "s" if len(faults) > 1 else ""
    return ValidationError(
        f"{len(faults)} validation error{plural} detected: {'; '.join(faults[:_MISSING_SHOWN_MAX])}"
    )


def read_json(body: bytes) -> object:
    """What a body holds.

    Raises:
        SerializationError: without a message, whatever is wrong.
    """
    try:
        if body.count(b"{") + body.count(b"[") > _DEPTH_MAX and _depth(body) > _DEPTH_MAX:
            raise ValueError("too deep")
        return _DECODER.decode(body.decode("utf-8"))
    except (ValueError, RecursionError):
        # ValueError covers JSONDecodeError, UnicodeDecodeError and integers of too many digits.
        raise SerializationError("") from None


def write_json(value: JsonObject | WithItems) -> bytes:
    """A body. Text that UTF-8 cannot hold, which only messages can quote, is written as ``?``."""
    text = _spliced(value) if isinstance(value, WithItems) else _encode(value)
    return text.encode("utf-8", "replace")


def _spliced(answer: WithItems) -> str:
    if not answer.member:
        return _encode(answer.rest)
    head = f'{{"{answer.member}":{answer.text}'
    return f"{head},{_encode(answer.rest)[1:]}" if answer.rest else head + "}"


def _depth(body: bytes) -> int:
    """How many brackets are open at once at most. Linear, and in C but for one step a bracket."""
    # Without escapes every second piece between quotes is a string.
    bare = _STRINGS.sub(b"", body) if b"\\" in body else b"".join(body.split(b'"')[::2])
    brackets = bare.translate(None, _OTHER_BYTES)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def _without_duplicates(members: list[tuple[str, object]]) -> JsonObject:
    made = dict(members)
    if len(made) != len(members):
        raise ValueError("a member stands twice")
    return made


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"not JSON: {text}")


_DECODER = json.JSONDecoder(object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"))


def _encoder() -> Callable[[JsonObject], str]:
    """What ``_ENCODER.encode`` does; that makes its C part anew for each call, this keeps it."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # another Python
        return _ENCODER.encode
    encode = make(
        None,
        _ENCODER.default,
        json.encoder.encode_basestring,
        None,
        _ENCODER.key_separator,
        _ENCODER.item_separator,
        False,
        False,
        False,
    )
    return lambda value: "".join(encode(value, 0))


_encode = _encoder()

ROUTES: tuple[Route, ...] = (
    Route("GetItem", items.GET_ITEM, items.write_got),
    Route("PutItem", items.PUT_ITEM, items.WRITE_WRITTEN),
    Route("UpdateItem", items.UPDATE_ITEM, items.WRITE_WRITTEN),
    Route("DeleteItem", items.DELETE_ITEM, items.WRITE_WRITTEN),
    Route("Query", items.QUERY, items.write_page),
    Route("Scan", items.SCAN, items.write_page),
    Route("BatchGetItem", items.BATCH_GET_ITEM, items.WRITE_BATCH_GET),
    Route("BatchWriteItem", items.BATCH_WRITE_ITEM, items.WRITE_BATCH_WRITE),
    Route("TransactGetItems", items.TRANSACT_GET_ITEMS, items.WRITE_TRANSACT_GET),
    Route("TransactWriteItems", items.TRANSACT_WRITE_ITEMS, items.WRITE_TRANSACT_WRITE),
    Route("CreateTable", tables.CREATE_TABLE, tables.WRITE_TABLE_DESCRIPTION),
    Route("DescribeTable", tables.DESCRIBE_TABLE, tables.WRITE_DESCRIBE_TABLE),
    Route("UpdateTable", tables.UPDATE_TABLE, tables.WRITE_TABLE_DESCRIPTION),
    Route("ListTables", tables.LIST_TABLES, tables.WRITE_LIST_TABLES),
    Route("DeleteTable", tables.DELETE_TABLE, tables.write_deleted),
    Route("UpdateTimeToLive", tables.UPDATE_TIME_TO_LIVE, tables.WRITE_UPDATE_TIME_TO_LIVE),
    Route("DescribeTimeToLive", tables.DESCRIBE_TIME_TO_LIVE, tables.WRITE_DESCRIBE_TIME_TO_LIVE),
    Route("TagResource", tables.TAG_RESOURCE, None),
    Route("UntagResource", tables.UNTAG_RESOURCE, None),
    Route("ListTagsOfResource", tables.LIST_TAGS, tables.WRITE_TAGS),
    Route("DescribeLimits", tables.DESCRIBE_LIMITS, tables.WRITE_LIMITS),
    Route("UpdateContinuousBackups", archive.UPDATE_CONTINUOUS_BACKUPS, archive.write_continuous_backups),
    Route("RestoreTableToPointInTime", archive.RESTORE_TABLE_TO_POINT_IN_TIME, archive.WRITE_RESTORED),
    Route("DescribeContinuousBackups", archive.DESCRIBE_CONTINUOUS_BACKUPS, archive.write_continuous_backups),
    Route("CreateBackup", backups.CREATE_BACKUP, backups.WRITE_CREATE_BACKUP),
    Route("DescribeBackup", backups.DESCRIBE_BACKUP, backups.WRITE_BACKUP_DESCRIPTION),
    Route("ListBackups", backups.LIST_BACKUPS, backups.WRITE_LIST_BACKUPS),
    Route("RestoreTableFromBackup", backups.RESTORE_TABLE_FROM_BACKUP, backups.WRITE_RESTORED),
    Route("DeleteBackup", backups.DELETE_BACKUP, backups.WRITE_BACKUP_DESCRIPTION),
    Route("ExportTableToPointInTime", transfers.EXPORT_TABLE, transfers.WRITE_EXPORT),
    Route("DescribeExport", transfers.DESCRIBE_EXPORT, transfers.WRITE_EXPORT),
    Route("ListExports", transfers.LIST_EXPORTS, transfers.WRITE_LIST_EXPORTS),
    Route("ImportTable", transfers.IMPORT_TABLE, transfers.WRITE_IMPORT),
    Route("DescribeImport", transfers.DESCRIBE_IMPORT, transfers.WRITE_IMPORT),
    Route("ListImports", transfers.LIST_IMPORTS, transfers.WRITE_LIST_IMPORTS),
)
STREAM_ROUTES: tuple[Route, ...] = (
    Route("ListStreams", streams.LIST_STREAMS, streams.WRITE_LIST_STREAMS),
    Route("DescribeStream", streams.DESCRIBE_STREAM, streams.WRITE_DESCRIBE_STREAM),
    Route("GetShardIterator", streams.GET_SHARD_ITERATOR, streams.WRITE_SHARD_ITERATOR),
    Route("GetRecords", streams.GET_RECORDS, streams.WRITE_RECORDS),
)
"""Of DynamoDB Streams, which is a service of its own behind the same address."""
BY_TARGET: Mapping[bytes, Route] = {
    (prefix + route.name).encode(): route
    for prefix, routes in ((_PREFIX, ROUTES), (_STREAMS_PREFIX, STREAM_ROUTES))
    for route in routes
}
"""By the value of ``X-Amz-Target``. What is not here is an unknown operation."""
