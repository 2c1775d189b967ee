"""The limits profile ``open``: wider through the native doors, the service's through HTTP all the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import kvdb
from kvdb import GlobalIndex, Key, PutRequest
from kvdb.api.items import BatchWriteItem
from kvdb.options import DatabaseOptions
from kvdb.testing.checks.airports import KEF, airports, key_of
from tests.support.http_transport import HttpTransport
from tests.support.served import in_memory_options, served_doors

OPEN = DatabaseOptions(limits="open")


@contextmanager
def opened(door: str) -> Iterator[kvdb.Client]:
    if door == "embedded":
        with kvdb.open(":memory:", options=OPEN) as client:
            yield client
        return
    options = in_memory_options(database=OPEN, http_address="127.0.0.1:0")
    with served_doors(options) as addresses:
        if door == "http":
            assert addresses.http is not None
            client = kvdb.Client(HttpTransport(addresses.http))
        else:
            client = kvdb.connect(f"grpc://{addresses.grpc}", options=kvdb.ClientOptions(attempts_max=1))
        with client:
            yield client


@pytest.fixture(params=("embedded", "grpc"))
def native(request: pytest.FixtureRequest) -> Iterator[kvdb.Client]:
    with opened(request.param) as client:
        yield client


def batch(count: int) -> BatchWriteItem:
    return BatchWriteItem({"airports": [PutRequest({**key_of(KEF), "icao": str(n)}) for n in range(count)]})


def test_items_may_be_of_sixteen_megabytes(native: kvdb.Client) -> None:
    large = {**key_of(KEF), "filler": "x" * 15_000_000}
    table = airports(native, large)
    assert table.get(key_of(KEF)) == large
    with pytest.raises(kvdb.ValidationError, match="Item size has exceeded the maximum allowed size"):
        table.put({**key_of(KEF), "filler": "x" * (16 << 20)})


def test_batches_may_be_of_a_thousand_writes(native: kvdb.Client) -> None:
    airports(native)
    native.call(batch(1000))
    assert native.table("airports").count() == 1000
    with pytest.raises(kvdb.ValidationError, match="1000"):
        native.call(batch(1001))


def test_several_indexes_change_in_one_call(native: kvdb.Client) -> None:
    table = airports(native, KEF)
    table.update_table(
        add_indexes=[GlobalIndex("one", ("name", "S")), GlobalIndex("two", ("elevation", "N"))]
    )
    table.update_table(add_indexes=[GlobalIndex("three", ("icao", "S"))], drop_indexes=["one"])
    names = {index.index_name for index in table.describe().global_secondary_indexes}
    assert names == {"two", "three"}
    assert list(table.query(Key("elevation").eq(171), index="two")) == [KEF]


def test_a_global_index_is_read_consistently(native: kvdb.Client) -> None:
    table = airports(native, KEF)
    table.add_index(GlobalIndex("by-name", ("name", "S")))
    assert list(table.query(Key("name").eq("Keflavik"), index="by-name", consistent=True)) == [KEF]


def test_the_http_door_keeps_to_the_services_limits() -> None:
    with opened("http") as client:
        table = airports(client)
        with pytest.raises(kvdb.ValidationError, match="Item size has exceeded the maximum allowed size"):
            table.put({**key_of(KEF), "filler": "x" * 409_600})
        with pytest.raises(kvdb.ValidationError, match="less than or equal to 25"):
            client.call(batch(26))
        two = [GlobalIndex("one", ("a", "S")), GlobalIndex("two", ("b", "S"))]
        with pytest.raises(kvdb.LimitExceeded):
            table.update_table(add_indexes=two)


def test_a_batch_that_fits_its_bounds_but_no_message_is_answered_in_parts() -> None:
    # 30 KB by the published sizes, twice that in a message.
    wanted = [{"id": n, "flags": [True] * 15_000} for n in range(40)]
    options = in_memory_options(message_bytes_max=1_000_000)
    with served_doors(options) as addresses, kvdb.connect(f"grpc://{addresses.grpc}") as client:
        table = client.create_table("flags", key=("id", "N"))
        for item in wanted:
            table.put(item)
        found = client.batch_get({"flags": [{"id": item["id"]} for item in wanted]})["flags"]
        assert sorted(found, key=lambda item: item["id"]) == wanted  # type: ignore[arg-type, return-value]
