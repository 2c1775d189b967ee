"""A table's handle: what it sends, and how it walks pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import kvdb
from kvdb.api.items import (
    GetItemResult,
    ItemVersion,
    ListItemVersions,
    ListItemVersionsResult,
    OpenSnapshot,
    OpenSnapshotResult,
    Page,
    Query,
    ReleaseSnapshot,
    ReleaseSnapshotResult,
    Scan,
    UpdateItem,
    UpdateItemResult,
)
from kvdb.api.operations import Request, Result
from kvdb.api.tables import (
    AttributeDefinition,
    CreateIndex,
    DeleteIndex,
    DescribeTable,
    DescribeTableResult,
    DescribeTimeToLive,
    DescribeTimeToLiveResult,
    IndexDescription,
    IndexSpecification,
    KeySchemaElement,
    ListTagsOfResource,
    ListTagsOfResourceResult,
    Projection,
    TableDescription,
    Tag,
    TagResource,
    TagResourceResult,
    UntagResource,
    UntagResourceResult,
    UpdateTable,
    UpdateTableResult,
    UpdateTimeToLive,
    UpdateTimeToLiveResult,
)
from kvdb.client.sync_table import Table
from tests.support.scripted_transport import ScriptedTransport


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


def test_an_update_gives_what_it_was_asked_for() -> None:
    transport = ScriptedTransport(lambda request: UpdateItemResult({"n": 2}))
    changed = Table(transport, "log").update(
        {"id": 1}, "SET n = n + :one", values={":one": 1}, return_values="UPDATED_NEW"
    )
    assert changed == {"n": 2}
    assert transport.sent == [
        UpdateItem(
            "log",
            {"id": 1},
            "SET n = n + :one",
            expression_attribute_values={":one": 1},
            return_values="UPDATED_NEW",
        )
    ]


def test_options_of_a_walk_are_in_its_request() -> None:
    transport = ScriptedTransport(lambda request: Page([], 0, 0))
    table = Table(transport, "log")
    list(table.query("a = :a", values={":a": 1}, index="by-a", select="ALL_ATTRIBUTES", as_of=5))
    table.scan_page(index="by-a", capacity="INDEXES")
    table.count(index="by-a", consistent=True)
    assert transport.sent == [
        Query(
            "log",
            "a = :a",
            expression_attribute_values={":a": 1},
            index_name="by-a",
            select="ALL_ATTRIBUTES",
            as_of_seqno=5,
        ),
        Scan("log", index_name="by-a", return_consumed_capacity="INDEXES"),
        Scan("log", index_name="by-a", consistent_read=True, select="COUNT"),
    ]


def snapshots(page: Callable[[Scan], Page]) -> ScriptedTransport:
    def serve(request: Request) -> Result:
        if isinstance(request, Scan):
            return page(request)
        return OpenSnapshotResult("s1", 7) if isinstance(request, OpenSnapshot) else ReleaseSnapshotResult()

    return ScriptedTransport(serve)


@pytest.mark.parametrize("limit", [None, 3])
def test_all_pages_of_a_snapshot_walk_see_one_moment_which_is_released(limit: int | None) -> None:
    transport = snapshots(
        lambda request: Page([{"id": 1}], 1, 1, {"id": 1} if request.exclusive_start_key is None else None)
    )
    assert list(Table(transport, "log").scan(snapshot=True, limit=limit)) == [{"id": 1}] * 2
    assert transport.sent == [
        OpenSnapshot(),
        Scan("log", snapshot_id="s1", limit=limit),
        Scan("log", snapshot_id="s1", limit=limit, exclusive_start_key={"id": 1}),
        ReleaseSnapshot("s1"),
    ]


def test_a_snapshot_walk_left_half_way_releases_its_snapshot() -> None:
    transport = snapshots(lambda request: Page([{"id": 1}], 1, 1, {"id": 1}))
    walk = Table(transport, "log").scan(snapshot=True)
    next(walk)
    walk.close()
    assert transport.sent[-1] == ReleaseSnapshot("s1")


def test_a_walk_that_fails_says_why_though_its_snapshot_cannot_be_released() -> None:
    def serve(request: Request) -> Result:
        if isinstance(request, OpenSnapshot):
            return OpenSnapshotResult("s1", 7)
        raise kvdb.ServiceUnavailable("release" if isinstance(request, ReleaseSnapshot) else "read")

    with pytest.raises(kvdb.ServiceUnavailable, match="read"):
        list(Table(ScriptedTransport(serve), "log").scan(snapshot=True))


def test_a_walk_has_one_moment_at_most() -> None:
    table = Table(snapshots(lambda request: Page([], 0, 0)), "log")
    with pytest.raises(kvdb.ValidationError, match="as_of or snapshot, not both"):
        list(table.scan(snapshot=True, as_of=5))


def history(*seqnos: int, page_max: int = 1000) -> ScriptedTransport:
    def serve(request: Request) -> Result:
        assert isinstance(request, ListItemVersions)
        older = [n for n in seqnos if request.before_seqno is None or n < request.before_seqno]
        return ListItemVersionsResult(
            [ItemVersion(n, n * 10, {"n": n}) for n in older[: min(request.limit, page_max)]]
        )

    return ScriptedTransport(serve)


def test_versions_are_walked_page_by_page() -> None:
    transport = history(9, 7, 4, page_max=2)
    assert [version.seqno for version in Table(transport, "log").versions({"id": 1})] == [9, 7, 4]
    assert [(request.limit, request.before_seqno) for request in transport.sent] == [
        (100, None),
        (100, 7),
        (100, 4),
    ]


def test_a_limit_ends_a_walk_of_versions() -> None:
    transport = history(*range(300, 0, -1))
    assert len(list(Table(transport, "log").versions({"id": 1}, limit=150))) == 150
    assert [request.limit for request in transport.sent] == [100, 50]


def description(*index_statuses: str, status: str = "ACTIVE") -> TableDescription:
    indexes = tuple(
        IndexDescription("GLOBAL", f"i{n}", (), Projection("ALL"), "", index_status=index_status)
        for n, index_status in enumerate(index_statuses)
    )
    return TableDescription("log", status, "id", 0, (), (), "arn:log", global_secondary_indexes=indexes)


def test_adding_an_index_waits_until_it_is_built() -> None:
    descriptions = [
        description("CREATING", status="UPDATING"),
        description("CREATING"),
        description("ACTIVE"),
    ]

    def serve(request: Request) -> Result:
        return (UpdateTableResult if isinstance(request, UpdateTable) else DescribeTableResult)(
            descriptions.pop(0)
        )

    transport = ScriptedTransport(serve)
    found = Table(transport, "log").add_index(kvdb.GlobalIndex("by-a", ("a", "N")))
    assert found == description("ACTIVE")
    index = IndexSpecification("by-a", (KeySchemaElement("a", "HASH"),), Projection("ALL"))
    assert transport.sent == [
        UpdateTable(
            "log",
            attribute_definitions=[AttributeDefinition("a", "N")],
            global_secondary_index_updates=[CreateIndex(index)],
        ),
        DescribeTable("log"),
        DescribeTable("log"),
    ]


def test_dropping_an_index_need_not_wait() -> None:
    transport = ScriptedTransport(lambda request: UpdateTableResult(description("DELETING")))
    assert Table(transport, "log").drop_index("i0", wait_ms_max=0) == description("DELETING")
    assert transport.sent == [UpdateTable("log", global_secondary_index_updates=[DeleteIndex("i0")])]


def test_time_to_live_is_switched_by_its_attribute() -> None:
    state: dict[str, str | None] = {"attribute": None}

    def serve(request: Request) -> Result:
        if isinstance(request, UpdateTimeToLive):
            state["attribute"] = request.attribute_name if request.enabled else None
            return UpdateTimeToLiveResult(request.attribute_name, request.enabled)
        assert isinstance(request, DescribeTimeToLive)
        attribute = state["attribute"]
        return DescribeTimeToLiveResult("ENABLED" if attribute else "DISABLED", attribute)

    transport = ScriptedTransport(serve)
    table = Table(transport, "log")
    assert table.ttl() is None
    table.enable_ttl("expires")
    assert table.ttl() == "expires"
    table.disable_ttl()
    assert table.ttl() is None
    assert UpdateTimeToLive("log", "expires", False) in transport.sent
    with pytest.raises(kvdb.ValidationError, match="TimeToLive is already disabled"):
        table.disable_ttl()


def test_tags_go_by_the_arn_of_the_table() -> None:
    pages = {None: ListTagsOfResourceResult([Tag("a", "1")], "more"), "more": ListTagsOfResourceResult([])}

    def serve(request: Request) -> Result:
        match request:
            case DescribeTable():
                return DescribeTableResult(description())
            case ListTagsOfResource():
                return pages[request.next_token]
            case TagResource():
                return TagResourceResult()
        return UntagResourceResult()

    transport = ScriptedTransport(serve)
    table = Table(transport, "log")
    assert table.tags() == {"a": "1"}
    table.tag({"b": "2"})
    table.untag("a", "b")
    assert [request for request in transport.sent if not isinstance(request, DescribeTable)] == [
        ListTagsOfResource("arn:log"),
        ListTagsOfResource("arn:log", "more"),
        TagResource("arn:log", [Tag("b", "2")]),
        UntagResource("arn:log", ["a", "b"]),
    ]


def test_a_table_shows_its_name() -> None:
    assert repr(Table(ScriptedTransport(lambda request: GetItemResult(None)), "log")) == "Table('log')"
