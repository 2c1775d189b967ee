"""What operations say they consumed, item collections, and tables held to what they ask for."""

from __future__ import annotations

from collections.abc import Callable

from kvdb.api.items import (
    BatchGetItem,
    BatchGetItemResult,
    BatchWriteItem,
    BatchWriteItemResult,
    ConsumedCapacity,
    DeleteItem,
    DeleteItemResult,
    DeleteRequest,
    GetItem,
    GetItemResult,
    KeysAndAttributes,
    Page,
    PutItem,
    PutItemResult,
    PutRequest,
    Query,
    Scan,
    TransactGetItems,
    TransactGetItemsResult,
    TransactWriteItems,
    TransactWriteItemsResult,
    UpdateItem,
    UpdateItemResult,
    WriteRequest,
)
from kvdb.api.operations import Request
from kvdb.client.sync import Client
from kvdb.client.table_requests import GlobalIndex, LocalIndex, OnDemand, Provisioned
from kvdb.errors import Throttled, ThroughputExceeded
from kvdb.testing.checks.airports import KEF, Check, airports, key_of, raised

_KEY = key_of(KEF)
_9KB = {**KEF, "filler": "x" * 9_000}


def _consumed(client: Client, request: Request) -> ConsumedCapacity:
    result = client.call(request)
    assert isinstance(result, (GetItemResult, PutItemResult, UpdateItemResult, DeleteItemResult, Page))
    assert result.consumed_capacity is not None
    return result.consumed_capacity


def _units(client: Client, request: Request) -> float:
    return _consumed(client, request).capacity_units


def nothing_is_said_of_capacity_unless_it_is_asked_for(client: Client) -> None:
    airports(client, KEF)
    result = client.call(GetItem("airports", _KEY))
    assert isinstance(result, GetItemResult)
    assert result.consumed_capacity is None


def reads_cost_a_unit_for_each_four_kilobytes_and_half_of_it_by_default(client: Client) -> None:
    airports(client, _9KB)
    assert _units(client, GetItem("airports", _KEY, return_consumed_capacity="TOTAL")) == 1.5
    strong = GetItem("airports", _KEY, True, return_consumed_capacity="TOTAL")
    assert _units(client, strong) == 3
    absent = GetItem("airports", {**_KEY, "icao": "X"}, True, return_consumed_capacity="TOTAL")
    assert _units(client, absent) == 1


def writes_cost_a_unit_for_each_kilobyte_of_the_larger_item(client: Client) -> None:
    airports(client)
    assert _units(client, PutItem("airports", _9KB, return_consumed_capacity="TOTAL")) == 9
    assert _units(client, PutItem("airports", KEF, return_consumed_capacity="TOTAL")) == 9
    assert _units(client, PutItem("airports", KEF, return_consumed_capacity="TOTAL")) == 1
    removed = UpdateItem("airports", _KEY, "REMOVE elevation", return_consumed_capacity="TOTAL")
    assert _units(client, removed) == 1
    assert _units(client, DeleteItem("airports", _KEY, return_consumed_capacity="TOTAL")) == 1
    assert _units(client, DeleteItem("airports", _KEY, return_consumed_capacity="TOTAL")) == 1


def batches_tell_what_they_consumed_of_each_table(client: Client) -> None:
    airports(client)
    client.create_table("log", key=("id", "N"))
    writes: dict[str, list[WriteRequest]] = {
        "airports": [PutRequest(_9KB)],
        "log": [PutRequest({"id": 1}), DeleteRequest({"id": 2})],
    }
    written = client.call(BatchWriteItem(writes, "TOTAL"))
    assert isinstance(written, BatchWriteItemResult)
    assert written.consumed_capacity == [ConsumedCapacity("airports", 9), ConsumedCapacity("log", 2)]
    keys = {"airports": KeysAndAttributes([_KEY]), "log": KeysAndAttributes([{"id": 1}, {"id": 2}])}
    read = client.call(BatchGetItem(keys, "TOTAL"))
    assert isinstance(read, BatchGetItemResult)
    assert read.consumed_capacity == [ConsumedCapacity("airports", 1.5), ConsumedCapacity("log", 1)]


def transactions_cost_twice(client: Client) -> None:
    airports(client)
    written = client.call(TransactWriteItems([PutItem("airports", _9KB)], return_consumed_capacity="TOTAL"))
    assert isinstance(written, TransactWriteItemsResult)
    assert written.consumed_capacity == [ConsumedCapacity("airports", 18, write_capacity_units=18)]
    read = client.call(TransactGetItems([GetItem("airports", _KEY)], "TOTAL"))
    assert isinstance(read, TransactGetItemsResult)
    assert read.consumed_capacity == [ConsumedCapacity("airports", 6, read_capacity_units=6)]


def a_page_costs_what_it_read_not_what_it_gives(client: Client) -> None:
    table = airports(client)
    for n in range(4):
        table.put({**_9KB, "icao": str(n)})
    of_iceland = {":c": "IS"}
    everything = Query(
        "airports",
        "country = :c",
        expression_attribute_values=of_iceland,
        consistent_read=True,
        return_consumed_capacity="TOTAL",
    )
    nothing = Query(
        "airports",
        "country = :c",
        filter_expression="attribute_not_exists(filler)",
        expression_attribute_values=of_iceland,
        select="COUNT",
        return_consumed_capacity="TOTAL",
    )
    assert _units(client, everything) == 9
    assert _units(client, nothing) == 4.5
    assert _units(client, Scan("airports", limit=1, return_consumed_capacity="TOTAL")) == 1.5


def capacity_is_told_by_table_and_index(client: Client) -> None:
    client.create_table(
        "airports",
        key=("country", "S"),
        sort=("icao", "S"),
        indexes=[
            LocalIndex("by-height", ("elevation", "N")),
            GlobalIndex("by-name", ("name", "S"), projection="KEYS_ONLY"),
        ],
    )
    consumed = _consumed(client, PutItem("airports", KEF, return_consumed_capacity="INDEXES"))
    assert consumed.table_name == "airports"
    assert consumed.capacity_units == 3
    assert consumed.table is not None
    assert consumed.table.capacity_units == 1
    assert {name: c.capacity_units for name, c in (consumed.local_secondary_indexes or {}).items()} == {
        "by-height": 1
    }
    assert {name: c.capacity_units for name, c in (consumed.global_secondary_indexes or {}).items()} == {
        "by-name": 1
    }
    unchanged = UpdateItem("airports", _KEY, "SET x = country", return_consumed_capacity="INDEXES")
    assert _consumed(client, unchanged).global_secondary_indexes is None
    moved = UpdateItem(
        "airports",
        _KEY,
        "SET #n = :n",
        expression_attribute_names={"#n": "name"},
        expression_attribute_values={":n": "K"},
        return_consumed_capacity="INDEXES",
    )
    assert (_consumed(client, moved).global_secondary_indexes or {})["by-name"].capacity_units == 2
    read = Scan("airports", index_name="by-name", return_consumed_capacity="INDEXES")
    of_index = _consumed(client, read)
    assert (of_index.global_secondary_indexes or {})["by-name"].capacity_units == 0.5
    assert of_index.table is not None
    assert of_index.table.capacity_units == 0


def a_table_with_a_local_index_tells_of_its_item_collections(client: Client) -> None:
    client.create_table(
        "airports", ("country", "S"), ("icao", "S"), indexes=[LocalIndex("by-height", ("elevation", "N"))]
    )
    client.create_table("plain", ("id", "S"))
    result = client.call(PutItem("airports", KEF, return_item_collection_metrics="SIZE"))
    assert isinstance(result, PutItemResult)
    assert result.item_collection_metrics is not None
    assert result.item_collection_metrics.item_collection_key == {"country": "IS"}
    low, high = result.item_collection_metrics.size_estimate_range_gb
    assert 0 <= low <= high
    plain = client.call(PutItem("plain", {"id": "a"}, return_item_collection_metrics="SIZE"))
    assert isinstance(plain, PutItemResult)
    assert plain.item_collection_metrics is None


def a_provisioned_table_is_held_to_its_units(client: Client) -> None:
    table = client.create_table("small", key=("id", "S"), billing=Provisioned(1, 1))
    # Five minutes of unused units may be taken at once, the next write has to wait.
    full = {"id": "a", "filler": "x" * 299_000}
    table.put(full)
    table.put({"id": "b", "filler": "x" * 20_000})
    error = raised(ThroughputExceeded, lambda: table.put({"id": "c"}))
    assert (error.code, error.retryable) == ("ProvisionedThroughputExceededException", True)
    (reason,) = error.reasons
    assert reason.reason == "TableWriteProvisionedThroughputExceeded"
    assert reason.resource == table.describe().table_arn
    assert table.get({"id": "c"}) is None


def an_on_demand_maximum_holds_too(client: Client) -> None:
    table = client.create_table("small", key=("id", "S"), billing=OnDemand(writes_max=1))
    raised(Throttled, _repeated(lambda: table.put({"id": "a", "filler": "x" * 5_000}), 20))
    assert table.count() == 1


def _repeated(call: Callable[[], object], times: int) -> Callable[[], object]:
    def calls() -> None:
        for _ in range(times):
            call()

    return calls


CHECKS: tuple[Check, ...] = (
    nothing_is_said_of_capacity_unless_it_is_asked_for,
    reads_cost_a_unit_for_each_four_kilobytes_and_half_of_it_by_default,
    writes_cost_a_unit_for_each_kilobyte_of_the_larger_item,
    batches_tell_what_they_consumed_of_each_table,
    transactions_cost_twice,
    a_page_costs_what_it_read_not_what_it_gives,
    capacity_is_told_by_table_and_index,
    a_table_with_a_local_index_tells_of_its_item_collections,
    a_provisioned_table_is_held_to_its_units,
    an_on_demand_maximum_holds_too,
)
