"""The sync face: fresh from its source, and what it sends."""

from __future__ import annotations

import inspect

import pytest

import kvdb
from kvdb.api.items import (
    BatchGetItem,
    BatchGetItemResult,
    BatchWriteItem,
    BatchWriteItemResult,
    GetItem,
    GetItemResult,
    KeysAndAttributes,
    Page,
    Scan,
)
from kvdb.api.tables import ListTables, ListTablesResult
from kvdb.client.aio import AsyncClient, AsyncTable
from kvdb.client.sync import Client, Table
from tests.support.scripted_transport import ScriptedTransport
from tools import gen_sync


def test_the_committed_module_is_what_its_source_makes() -> None:
    assert gen_sync.TARGET.read_text() == gen_sync.generate(gen_sync.SOURCE.read_text()), (
        "run: python -m tools.gen_sync"
    )


@pytest.mark.parametrize(("sync", "twin"), [(Client, AsyncClient), (Table, AsyncTable)])
def test_both_faces_have_the_same_methods_and_parameters(sync: type, twin: type) -> None:
    def face(cls: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(cls, inspect.isfunction)
            if not name.startswith("_")
        }

    assert face(sync) == face(twin)


def test_writes_go_in_requests_of_25_and_the_rest_again() -> None:
    refused: list[int] = [3]

    def serve(request: object) -> BatchWriteItemResult:
        assert isinstance(request, BatchWriteItem)
        (writes,) = request.request_items.values()
        left = writes[: refused.pop()] if refused else []
        return BatchWriteItemResult({"airports": left} if left else {})

    transport = ScriptedTransport(serve)
    Client(transport).batch_write({"airports": [kvdb.PutRequest({"id": n}) for n in range(30)]})
    sizes = [len(request.request_items["airports"]) for request in transport.sent]
    assert sizes == [25, 3, 5]


def test_keys_go_in_requests_of_100_and_the_rest_again() -> None:
    def serve(request: object) -> BatchGetItemResult:
        assert isinstance(request, BatchGetItem)
        keys = request.request_items["log"].keys
        served, left = keys[:60], keys[60:]
        return BatchGetItemResult({"log": list(served)}, {"log": KeysAndAttributes(left)} if left else {})

    transport = ScriptedTransport(serve)
    keys = [{"id": n} for n in range(130)]
    assert Client(transport).batch_get({"log": keys}) == {"log": keys}
    assert [len(request.request_items["log"].keys) for request in transport.sent] == [100, 40, 30]


def test_a_batch_that_makes_no_progress_ends() -> None:
    transport = ScriptedTransport(lambda request: BatchWriteItemResult(dict(request.request_items)))
    with pytest.raises(kvdb.ServiceUnavailable, match="unprocessed=2"):
        Client(transport).batch_write({"log": [kvdb.PutRequest({"id": 1}), kvdb.PutRequest({"id": 2})]})


def test_a_batch_of_nothing_sends_nothing() -> None:
    transport = ScriptedTransport(lambda request: BatchWriteItemResult())
    Client(transport).batch_write({})
    Client(transport).batch_write({"log": []})
    assert Client(transport).batch_get({"log": []}) == {"log": []}
    assert transport.sent == []


def test_table_names_are_asked_for_page_by_page() -> None:
    answers = {None: ListTablesResult(["a", "b"], "b"), "b": ListTablesResult(["c"])}
    transport = ScriptedTransport(lambda request: answers[request.exclusive_start_table_name])
    assert Client(transport).tables() == ["a", "b", "c"]
    assert transport.sent == [ListTables(), ListTables("b")]


def test_a_walk_reads_no_page_before_it_is_needed() -> None:
    pages = [Page([{"id": n}], 1, 1, {"id": n}) for n in range(3)]
    transport = ScriptedTransport(lambda request: pages[len(transport.sent) - 1])
    walk = Table(transport, "log").scan()
    assert transport.sent == []
    assert [next(walk), next(walk)] == [{"id": 0}, {"id": 1}]
    assert transport.sent == [Scan("log"), Scan("log", exclusive_start_key={"id": 0})]


def test_a_limit_reached_in_a_page_ends_the_walk() -> None:
    transport = ScriptedTransport(lambda request: Page([{"id": 1}, {"id": 2}], 2, 2, {"id": 2}))
    assert list(Table(transport, "log").scan(limit=3, page_size=2)) == [{"id": 1}, {"id": 2}, {"id": 1}]
    assert len(transport.sent) == 2


def test_pages_without_items_do_not_end_a_walk() -> None:
    answers = iter([Page([], 0, 5, {"id": 5}), Page([], 0, 5, {"id": 9}), Page([{"id": 12}], 1, 3)])
    table = Table(ScriptedTransport(lambda request: next(answers)), "log")
    assert list(table.scan(filter="x = :x", values={":x": 1}, limit=2)) == [{"id": 12}]


def test_leaving_the_client_closes_its_transport() -> None:
    transport = ScriptedTransport(lambda request: GetItemResult(None))
    with Client(transport) as client:
        assert client.table("log").get({"id": 1}) is None
    assert transport.is_closed
    assert transport.sent == [GetItem("log", {"id": 1})]


def test_a_table_shows_its_name() -> None:
    assert repr(Table(ScriptedTransport(lambda request: GetItemResult(None)), "log")) == "Table('log')"
