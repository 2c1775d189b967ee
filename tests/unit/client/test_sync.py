"""The sync face: fresh from its source, and what it sends."""

from __future__ import annotations

import inspect

import pytest

import kvdb
from kvdb import actions
from kvdb.api.admin import (
    CheckDescription,
    DescribeCheck,
    DescribeCheckResult,
    StartCheck,
    StartCheckResult,
)
from kvdb.api.items import (
    BatchGetItem,
    BatchGetItemResult,
    BatchWriteItem,
    BatchWriteItemResult,
    DeleteItem,
    GetItem,
    GetItemResult,
    KeysAndAttributes,
    OpenSnapshot,
    OpenSnapshotResult,
    ReleaseSnapshot,
    ReleaseSnapshotResult,
    TransactGetItems,
    TransactGetItemsResult,
    TransactWriteItems,
    TransactWriteItemsResult,
)
from kvdb.api.tables import (
    CreateTable,
    CreateTableResult,
    DescribeTable,
    DescribeTableResult,
    ListTables,
    ListTablesResult,
    TableDescription,
    UpdateTimeToLive,
    UpdateTimeToLiveResult,
)
from kvdb.client.aio import AsyncClient, AsyncSnapshot
from kvdb.client.aio_table import AsyncTable
from kvdb.client.sync import Client, Snapshot
from kvdb.client.sync_table import Table
from tests.support.scripted_transport import ScriptedTransport
from tools import gen_sync


def test_the_committed_modules_are_what_their_sources_make() -> None:
    for path, text in gen_sync.files().items():
        assert path.read_text() == text, "run: python -m tools.gen_sync"


@pytest.mark.parametrize(
    ("sync", "twin"), [(Client, AsyncClient), (Table, AsyncTable), (Snapshot, AsyncSnapshot)]
)
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


def test_leaving_the_client_closes_its_transport() -> None:
    transport = ScriptedTransport(lambda request: GetItemResult(None))
    with Client(transport) as client:
        assert client.table("log").get({"id": 1}) is None
    assert transport.is_closed
    assert transport.sent == [GetItem("log", {"id": 1})]


def creating(*statuses: str) -> ScriptedTransport:
    """A transport whose table has these statuses, one a call, and the last for good."""
    left = list(statuses)

    def serve(request: object) -> object:
        status = left.pop(0) if len(left) > 1 else left[0]
        description = TableDescription("log", status, "id", 0, (), (), "arn:log")
        answers = {
            CreateTable: CreateTableResult(description),
            DescribeTable: DescribeTableResult(description),
            UpdateTimeToLive: UpdateTimeToLiveResult("expires", True),
        }
        return answers[type(request)]

    return ScriptedTransport(serve)


def test_a_table_is_given_when_it_is_ready() -> None:
    transport = creating("CREATING", "CREATING", "CREATING", "ACTIVE")
    assert Client(transport).create_table("log", ("id", "S"), ttl="expires").name == "log"
    assert [type(request) for request in transport.sent] == [
        CreateTable,
        *[DescribeTable] * 3,
        UpdateTimeToLive,
    ]
    assert transport.paused_ms == [10, 20]


def test_a_table_that_is_ready_at_once_is_not_asked_after() -> None:
    transport = creating("ACTIVE")
    Client(transport).create_table("log", ("id", "S"))
    assert len(transport.sent) == 1


def test_waiting_for_a_table_has_a_bound() -> None:
    transport = creating("CREATING")
    with pytest.raises(kvdb.DeadlineExceeded, match="not ready after 630 ms: log"):
        Client(transport).create_table("log", ("id", "S"), wait_ms_max=500)
    assert transport.paused_ms == [10, 20, 40, 80, 160, 320]


def test_pauses_grow_to_a_second() -> None:
    transport = creating("CREATING")
    with pytest.raises(kvdb.DeadlineExceeded):
        Client(transport).create_table("log", ("id", "S"), wait_ms_max=5_000)
    assert transport.paused_ms[-2:] == [1_000, 1_000]


def test_a_transaction_is_a_list_of_members() -> None:
    transport = ScriptedTransport(lambda request: TransactWriteItemsResult())
    Client(transport).transact_write((actions.delete("log", {"id": n}) for n in range(2)), token="mine")
    assert transport.sent == [
        TransactWriteItems([DeleteItem("log", {"id": 0}), DeleteItem("log", {"id": 1})], "mine")
    ]
    for wrong in ("log", {"log": []}, 5, None):
        with pytest.raises(kvdb.ValidationError, match="a transaction must be a list"):
            Client(transport).transact_write(wrong)


def test_items_of_a_transaction_come_in_order() -> None:
    transport = ScriptedTransport(lambda request: TransactGetItemsResult([{"id": 1}, None]))
    gets = [actions.get("log", {"id": n}) for n in (1, 2)]
    assert Client(transport).transact_get(gets) == [{"id": 1}, None]
    assert transport.sent == [TransactGetItems([GetItem("log", {"id": 1}), GetItem("log", {"id": 2})])]


def test_a_snapshot_is_released_when_it_is_left() -> None:
    transport = ScriptedTransport(
        lambda request: {
            OpenSnapshot: OpenSnapshotResult("s1", 7),
            GetItem: GetItemResult(None),
            ReleaseSnapshot: ReleaseSnapshotResult(),
        }[type(request)]
    )
    client = Client(transport)
    with client.snapshot() as moment:
        assert moment.seqno == 7
        client.table("log").get({"id": 1}, as_of=moment)
    assert transport.sent == [
        OpenSnapshot(),
        GetItem("log", {"id": 1}, snapshot_id="s1"),
        ReleaseSnapshot("s1"),
    ]


def test_a_check_is_asked_after_until_it_has_ended() -> None:
    running, ended = (CheckDescription(3, status) for status in ("RUNNING", "DAMAGED"))
    answers = [StartCheckResult(running), DescribeCheckResult(running), DescribeCheckResult(ended)]
    transport = ScriptedTransport(lambda request: answers.pop(0))
    told: list[CheckDescription] = []
    assert Client(transport).check(deep=True, on_progress=told.append) == ended
    assert told == [running, ended]
    assert transport.sent == [StartCheck(True), DescribeCheck(), DescribeCheck()]
    assert len(transport.paused_ms) == 2


@pytest.mark.parametrize("found", [None, CheckDescription(1, "CLEAN")])
def test_a_check_that_was_cut_off_by_a_restart_is_no_clean_one(found: CheckDescription | None) -> None:
    answers = [StartCheckResult(CheckDescription(2, "RUNNING")), DescribeCheckResult(found)]
    with pytest.raises(kvdb.ServiceUnavailable, match="opened anew"):
        Client(ScriptedTransport(lambda request: answers.pop(0))).check()
