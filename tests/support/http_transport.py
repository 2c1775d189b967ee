"""A client's transport over the HTTP door: the contract in DynamoDB's JSON, without the door's own tables.

Names follow from the contract's by one rule (``table_name`` -> ``TableName``), with the few exceptions
listed here, so the door's own tables of members are held to account. What only the native doors have
(snapshots, reads of the past, unique indexes) cannot be said and is refused.
"""

from __future__ import annotations

import dataclasses
import http.client
import json
import time
import types
import typing
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from kvdb.api import items, streams, tables
from kvdb.api.items import Page, Query, Scan
from kvdb.api.operations import BY_REQUEST, Request, Result
from kvdb.api.replicas import ConflictPage, FollowConflicts
from kvdb.api.streams import FeedPage, Subscribe
from kvdb.api.terms import Answer, Terms, outcome_of, texts_of
from kvdb.client import paginate
from kvdb.errors import (
    CancellationReason,
    ConditionalCheckFailed,
    KvdbError,
    Throttled,
    ThrottlingReason,
    ThroughputExceeded,
    TransactionCanceled,
    from_code,
)
from kvdb.item.dynamo_json import item_from_json, item_to_json, value_from_json, value_to_json
from kvdb.item.value import normalise_item, normalise_value
from kvdb.server.http_codec import STREAM_ROUTES

_AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=00"
)
_NATIVE_FIELDS = {"as_of_seqno", "as_of_ms", "snapshot_id", "is_unique", "retention_ms"}
_NAMES = {
    "is_backfilling": "Backfilling",
    "size_estimate_range_gb": "SizeEstimateRangeGB",
    "table_class": "TableClass",
    "event_id": "eventID",
    "event_name": "eventName",
    "aws_region": "awsRegion",
    "dynamodb": "dynamodb",
    "user_identity": "userIdentity",
}
_UNIONS: Mapping[type, str] = {
    items.PutRequest: "PutRequest",
    items.DeleteRequest: "DeleteRequest",
    tables.CreateIndex: "Create",
    tables.UpdateIndex: "Update",
    tables.DeleteIndex: "Delete",
}
_ACTIONS: Mapping[type, str] = {
    items.GetItem: "Get",
    items.PutItem: "Put",
    items.UpdateItem: "Update",
    items.DeleteItem: "Delete",
    items.ConditionCheck: "ConditionCheck",
}


class HttpTransport:
    """One connection, for one thread."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address)

    def send(self, request: Request) -> Result:
        return self.send_under(request, Terms()).result

    def send_under(self, request: Request, terms: Terms) -> Answer:
        operation = BY_REQUEST[type(request)]
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"{_service_of(operation.name)}_20120810.{operation.name}",
            "X-Amz-Date": "20260101T000000Z",
            "Authorization": _AUTHORIZATION,
            **{f"x-kvdb-{name}": text for name, text in texts_of(terms).items()},
        }
        self._connection.request("POST", "/", json.dumps(_written_request(request)), headers)
        answer = self._connection.getresponse()
        body = json.loads(answer.read() or b"{}")
        if answer.status != 200:
            raise _error(body)
        told = {name.lower().removeprefix("x-kvdb-"): text for name, text in answer.getheaders()}
        return Answer(_read_result(operation.result, body), *outcome_of(told, terms))

    def stream(self, request: Query | Scan) -> Generator[Page, None, None]:
        return paginate.pages(self.send, request)

    def subscribe(self, request: Subscribe) -> Generator[FeedPage, None, None]:
        raise AssertionError("this transport has no feeds")

    def follow_conflicts(self, request: FollowConflicts) -> Generator[ConflictPage, None, None]:
        raise AssertionError("this transport has no feeds")

    def pause(self, ms: int) -> None:
        time.sleep(ms / 1000)

    def close(self) -> None:
        self._connection.close()


def _service_of(operation: str) -> str:
    return "DynamoDBStreams" if operation in {route.name for route in STREAM_ROUTES} else "DynamoDB"


def _wire(name: str) -> str:
    return _NAMES.get(name) or "".join(map(str.capitalize, name.removesuffix("_ms").split("_")))


# Requests.


def _written_request(request: Request) -> dict[str, Any]:
    match request:
        case tables.UpdateTimeToLive():
            specification = {"AttributeName": request.attribute_name, "Enabled": request.enabled}
            return {"TableName": request.table_name, "TimeToLiveSpecification": specification}
        case tables.CreateTable(billing_mode=None, provisioned_throughput=None):
            # The native doors' default.
            request = dataclasses.replace(request, billing_mode="PAY_PER_REQUEST")
        case items.TransactWriteItems() | items.TransactGetItems():
            members = [{_ACTIONS[type(member)]: _written(member)} for member in request.transact_items]
            return {**_written(dataclasses.replace(request, transact_items=[])), "TransactItems": members}
    return _written(request)


def _written(value: object) -> Any:
    """A dataclass of the contract, and what it holds."""
    if dataclasses.is_dataclass(value):
        if isinstance(value, tables.CreateIndex):
            return {"Create": _written(value.index)}
        written = _written_members(value)
        return {_UNIONS[type(value)]: written} if type(value) in _UNIONS else written
    if isinstance(value, Mapping):
        return {name: _written(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_written(member) for member in value]
    return value


def _written_members(value: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(type(value))
    written: dict[str, Any] = {}
    for member in dataclasses.fields(value):
        content = getattr(value, member.name)
        if member.name in _NATIVE_FIELDS:
            assert not content, f"the HTTP door has no {member.name}"
        elif member.name == "value" and hasattr(value, "has_value"):
            if value.has_value:
                written["Value"] = _written_value(content)
        elif content is not None and member.name != "has_value":
            written[_wire(member.name)] = _written_as(hints[member.name], content)
    return written


def _written_as(hint: Any, content: Any) -> Any:
    kind = _without_none(hint)
    if kind in (Mapping[str, object], dict[str, object]):
        return item_to_json(normalise_item(content)[0])
    if kind == list[object]:
        return [_written_value(value) for value in content]
    if kind == list[Mapping[str, object]]:
        return [item_to_json(normalise_item(item)[0]) for item in content]
    return _written(content)


def _written_value(value: object) -> Any:
    return value_to_json(normalise_value(value))


# Results.


def _read_result(result: type, body: dict[str, Any]) -> Any:
    if result is tables.UpdateTimeToLiveResult:
        body = body["TimeToLiveSpecification"]
    elif result is tables.DescribeTimeToLiveResult:
        body = body["TimeToLiveDescription"]
    elif result is items.TransactGetItemsResult:
        found = [item_from_json(slot["Item"]) if "Item" in slot else None for slot in body["Responses"]]
        return items.TransactGetItemsResult(
            found, _read(list[items.ConsumedCapacity], body.get("ConsumedCapacity"))
        )
    elif result is tables.DeleteTableResult:
        # The service tells of a deleted table no more than that it is one.
        unsaid = {"CreationDateTime": 0, "KeySchema": [], "AttributeDefinitions": []}
        body = {"TableDescription": {**unsaid, **body["TableDescription"]}}
    elif result is Page:
        body = {"Items": [], **body}
    elif result is items.GetItemResult:
        body = {"Item": None, **body}
    return _read(result, body)


def _read(hint: Any, content: Any) -> Any:
    """``content`` as a value of type ``hint``."""
    kind = _without_none(hint)
    if content is None:
        return None
    if kind == dict[str, object]:
        return item_from_json(content)
    if kind is object:
        return value_from_json(content)
    if kind == items.WriteRequest:
        ((name, written),) = content.items()
        return _read(items.PutRequest if name == "PutRequest" else items.DeleteRequest, written)
    if dataclasses.is_dataclass(kind):
        return _read_members(kind, content)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (list, tuple, Sequence):
        make = tuple if origin is tuple else list
        return make(_read(arguments[0], member) for member in content)
    if origin in (dict, Mapping):
        return {name: _read(arguments[1], member) for name, member in content.items()}
    return content


def _read_members(kind: Any, content: dict[str, Any]) -> Any:
    hints = typing.get_type_hints(kind)
    if kind is streams.Shard:
        content = {**content, **content["SequenceNumberRange"]}
    if kind is tables.TableDescription and "TableClassSummary" in content:
        content = {**content, **content["TableClassSummary"]}
    if kind is tables.TableDescription:
        for name, index_kind in (("Local", "LOCAL"), ("Global", "GLOBAL")):
            for index in content.get(f"{name}SecondaryIndexes", ()):
                index["Kind"] = index_kind
    members = {}
    for member in dataclasses.fields(kind):
        if (wire := _wire(member.name)) in content:
            found = _read(hints[member.name], content[wire])
            members[member.name] = round(found * 1000) if member.name.endswith("_ms") else found
    return kind(**members)


def _without_none(hint: Any) -> Any:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
        return kinds[0] if len(kinds) == 1 else hint
    return hint


# Errors.


def _error(body: dict[str, Any]) -> KvdbError:
    code = body["__type"].partition("#")[2]
    error = from_code(code, body.get("message") or body.get("Message") or "")
    if isinstance(error, ConditionalCheckFailed):
        error.item = _read(dict[str, object], body.get("Item"))
    elif isinstance(error, TransactionCanceled):
        error.reasons = tuple(
            CancellationReason(
                reason["Code"], reason.get("Message"), _read(dict[str, object], reason.get("Item"))
            )
            for reason in body["CancellationReasons"]
        )
    elif isinstance(error, (ThroughputExceeded, Throttled)):
        reasons = body.get("ThrottlingReasons") or body.get("throttlingReasons") or ()
        error.reasons = tuple(ThrottlingReason(**reason) for reason in reasons)
    return error
