"""Every request and result crosses the wire unchanged, and the generated classes are fresh."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from kvdb.api import items, tables, validation
from kvdb.api.operations import OPERATIONS
from kvdb.errors import SerializationError, UnknownOperation, ValidationError
from kvdb.rpc.codec import METHODS, STREAM_BY_REQUEST, UNARY_BY_REQUEST, Method, method_of
from kvdb.rpc.gen import items_pb2
from tools import gen_proto

ITEM = {"id": 1, "name": "x"}
NAMES = {"#n": "name"}
GET_OF_A_NUMBER = items.GetItem(5, {})
VALUES = {":v": {"a": [None]}}
KEYS = items.KeysAndAttributes([ITEM, {}], "#n", NAMES, True)
DESCRIPTION = tables.TableDescription(
    "airports",
    "ACTIVE",
    "0b5c",
    1_700_000_000_123,
    (tables.KeySchemaElement("a", "HASH"), tables.KeySchemaElement("b", "RANGE")),
    (tables.AttributeDefinition("a", "S"), tables.AttributeDefinition("b", "B")),
)

REQUESTS = [
    items.GetItem("t", ITEM),
    items.GetItem("t", ITEM, True, "", NAMES),
    items.PutItem("t", ITEM),
    items.PutItem("t", ITEM, "a = :v", NAMES, VALUES, "ALL_OLD", "ALL_OLD"),
    items.DeleteItem("t", {}),
    items.DeleteItem("t", ITEM, "a = :v", {}, {}, "ALL_OLD", "NONE"),
    items.Query("t", "k = :v"),
    items.Query("t", "k = :v", "f", "p", NAMES, VALUES, False, 7, ITEM, True, "COUNT"),
    items.Scan("t"),
    items.Scan("t", "f", "p", NAMES, VALUES, 7, {}, True, "SPECIFIC_ATTRIBUTES", 0, 3),
    items.BatchGetItem({"t": KEYS, "u": items.KeysAndAttributes([])}),
    items.BatchWriteItem({"t": [items.PutRequest(ITEM), items.DeleteRequest({})], "u": []}),
    tables.CreateTable("t", list(DESCRIPTION.key_schema), list(DESCRIPTION.attribute_definitions)),
    tables.DescribeTable("t"),
    tables.ListTables(),
    tables.ListTables("", 5),
    tables.DeleteTable("t"),
]
RESULTS = [
    ("GetItem", items.GetItemResult(None)),
    ("GetItem", items.GetItemResult({})),
    ("PutItem", items.PutItemResult(ITEM)),
    ("DeleteItem", items.DeleteItemResult(None)),
    ("Query", items.Page([ITEM, {}], 2, 3, ITEM)),
    ("ScanStream", items.Page([], 0, 0)),
    ("BatchGetItem", items.BatchGetItemResult({"t": [ITEM], "u": []}, {"t": KEYS})),
    ("BatchWriteItem", items.BatchWriteItemResult({"t": [items.DeleteRequest(ITEM)]})),
    ("CreateTable", tables.CreateTableResult(DESCRIPTION)),
    ("DescribeTable", tables.DescribeTableResult(dataclasses.replace(DESCRIPTION, table_status="DELETING"))),
    ("ListTables", tables.ListTablesResult(["a", "b"], "b")),
    ("DeleteTable", tables.DeleteTableResult(DESCRIPTION)),
]


def method_named(name: str) -> Method:
    return next(method for method in METHODS if method.name == name)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: type(request).__name__)
def test_a_request_comes_back_as_it_was(request_: object) -> None:
    method = method_of(request_, UNARY_BY_REQUEST)
    assert method.request.decode(method.encode_request(request_)) == request_


@pytest.mark.parametrize(("name", "result"), RESULTS, ids=lambda given: str(given)[:20])
def test_a_result_comes_back_as_it_was(name: str, result: object) -> None:
    pair = method_named(name).result
    assert pair.decode(pair.encode(result)) == result


def test_every_operation_has_a_method_and_every_method_an_example() -> None:
    assert set(UNARY_BY_REQUEST) == {operation.request for operation in OPERATIONS}
    assert {type(request) for request in REQUESTS} == set(UNARY_BY_REQUEST)
    assert {method_named(name).result for name, _ in RESULTS} == {method.result for method in METHODS}


def test_paths_name_service_and_method() -> None:
    assert method_of(items.GetItem("t", {}), UNARY_BY_REQUEST).path == "/kvdb.v1.Items/GetItem"
    assert method_of(items.Scan("t"), STREAM_BY_REQUEST).path == "/kvdb.v1.Items/ScanStream"
    assert method_of(tables.ListTables(), UNARY_BY_REQUEST).path == "/kvdb.v1.Tables/ListTables"


def test_what_is_no_request_is_an_unknown_operation() -> None:
    with pytest.raises(UnknownOperation, match="not a request: dict"):
        method_of({}, UNARY_BY_REQUEST)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_bytes_that_are_no_message_are_a_serialization_error(method: Method) -> None:
    with pytest.raises(SerializationError, match="malformed"):
        method.request.decode(b"\xff\xff\xff")


def test_a_truncated_request_is_refused_or_read_but_never_fails_otherwise() -> None:
    method = method_named("PutItem")
    whole = method.encode_request(items.PutItem("t", ITEM, "a = :v", NAMES, VALUES))
    refused = 0
    for length in range(len(whole)):
        try:
            method.request.decode(whole[:length])
        except (SerializationError, ValidationError):
            refused += 1
    assert refused > len(whole) // 2


def test_an_unset_enum_means_the_default() -> None:
    request = method_named("PutItem").request.decode(
        items_pb2.PutItemRequest(table_name="t").SerializeToString()
    )
    assert request == items.PutItem("t", {})


@pytest.mark.parametrize(
    ("name", "message", "says"),
    [
        ("PutItem", items_pb2.PutItemRequest(return_values=9), "return_values has no value 9"),
        ("Scan", items_pb2.ScanRequest(select=9), "SELECT_COUNT"),
        ("BatchGetItem", items_pb2.BatchGetItemRequest(request_items=[{"table_name": "t"}] * 2), "twice: t"),
        (
            "BatchWriteItem",
            items_pb2.BatchWriteItemRequest(request_items=[{"table_name": "t", "requests": [{}]}]),
            "must hold put_item or delete_key",
        ),
    ],
    ids=["enum", "select", "table twice", "empty write"],
)
def test_a_foreign_message_without_meaning_is_refused(name: str, message: object, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        method_named(name).request.decode(message.SerializeToString())


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (items.GetItem(5, {}), "table_name must be str"),
        (items.GetItem("t", [1]), "key must be a mapping"),
        (items.PutItem("t", {}, return_values="SOME"), "enum value set"),
        (items.Scan("t", limit="5"), "limit must be int"),
        (items.Scan("t", limit=True), "limit must be int"),
        (items.PutItem("t", {}, "a", {"#n": 5}), "must map #n to a string"),
        (items.PutItem("t", {}, "a", None, {":v": 1j}), "unsupported type complex"),
        (items.BatchWriteItem({"t": ["put"]}), "PutRequest and DeleteRequest"),
    ],
    ids=lambda given: str(given)[:40],
)
def test_a_request_no_message_can_hold_is_refused_in_the_databases_words(request_: object, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        method_of(request_, UNARY_BY_REQUEST).encode_request(request_)


def test_what_breaks_no_rule_and_has_no_form_is_a_serialization_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(validation, "check", lambda request: None)
    with pytest.raises(SerializationError, match="cannot encode GetItem"):
        method_of(GET_OF_A_NUMBER, UNARY_BY_REQUEST).encode_request(GET_OF_A_NUMBER)


@pytest.mark.parametrize(("given", "means"), [("yes", True), (0, False), (None, False)])
def test_a_direction_is_taken_by_its_truth(given: object, means: bool) -> None:
    method = UNARY_BY_REQUEST[items.Query]
    read = method.request.decode(method.encode_request(items.Query("t", "k", scan_index_forward=given)))
    assert read == items.Query("t", "k", scan_index_forward=means)


def test_the_committed_classes_are_what_the_proto_files_make() -> None:
    gen = Path(gen_proto.TARGET)
    committed = {path.name: path.read_text() for path in gen.iterdir() if path.is_file()}
    assert committed == gen_proto.generate(), "run: python -m tools.gen_proto"
