"""The async face through every door: the same behaviour, awaited. A sample; the rest is generated code."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

import kvdb
from kvdb import Attr, DeleteRequest, Key, PutRequest
from kvdb.testing.checks.airports import AEY, CPH, EVERY_TYPE, KEF, RKV, key_of
from tests.support.served import served

Use = Callable[[kvdb.AsyncClient], Awaitable[None]]


@pytest.fixture(params=("embedded", "grpc"))
def run(request: pytest.FixtureRequest) -> Callable[[Use], None]:
    """Runs an async function with a client of an empty database, on an event loop of its own."""

    async def embedded(use: Use) -> None:
        async with await kvdb.open_async(":memory:") as client:
            await use(client)

    async def over_grpc(use: Use, address: str) -> None:
        options = kvdb.ClientOptions(attempts_max=1)
        async with await kvdb.connect_async(f"grpc://{address}", options=options) as client:
            await use(client)

    def run_grpc(use: Use) -> None:
        with served() as address:
            asyncio.run(over_grpc(use, address))

    return run_grpc if request.param == "grpc" else lambda use: asyncio.run(embedded(use))


async def airports(client: kvdb.AsyncClient, *items: dict[str, object]) -> kvdb.AsyncTable:
    table = await client.create_table("airports", key=("country", "S"), sort=("icao", "S"))
    await client.batch_write({"airports": [PutRequest(item) for item in items]})
    return table


def test_items_are_put_read_and_deleted(run: Callable[[Use], None]) -> None:
    async def use(client: kvdb.AsyncClient) -> None:
        table = await airports(client)
        for item in (KEF, dict(EVERY_TYPE)):
            assert await table.put(item, return_old=True) is None
            assert await table.get(key_of(item)) == item
            assert await table.delete(key_of(item), return_old=True) == item
            assert await table.get(key_of(item)) is None

    run(use)


def test_a_failed_condition_is_raised(run: Callable[[Use], None]) -> None:
    async def use(client: kvdb.AsyncClient) -> None:
        table = await airports(client, KEF)
        with pytest.raises(kvdb.ConditionalCheckFailed) as raised:
            await table.put(KEF, condition=Attr("icao").not_exists(), return_old_on_failure=True)
        assert raised.value.item == KEF

    run(use)


def test_queries_and_scans_are_iterated(run: Callable[[Use], None]) -> None:
    async def use(client: kvdb.AsyncClient) -> None:
        table = await airports(client, KEF, RKV, AEY, CPH)
        iceland = Key("country").eq("IS")
        assert [item async for item in table.query(iceland, page_size=1)] == [AEY, KEF, RKV]
        assert [item async for item in table.query(iceland, reverse=True, limit=2)] == [RKV, KEF]
        assert len([item async for item in table.scan()]) == 4
        assert await table.count(iceland) == 3
        page = await table.query_page(iceland, limit=1)
        assert (page.items, page.last_evaluated_key) == ([AEY], key_of(AEY))
        assert (await table.scan_page()).count == 4
        async for _ in table.scan(page_size=1):
            break

    run(use)


def test_tables_and_batches(run: Callable[[Use], None]) -> None:
    async def use(client: kvdb.AsyncClient) -> None:
        table = await airports(client, KEF, RKV)
        await client.batch_write({"airports": [DeleteRequest(key_of(KEF)), PutRequest(AEY)]})
        found = await client.batch_get({"airports": [key_of(item) for item in (KEF, RKV, AEY)]})
        assert sorted(str(item["icao"]) for item in found["airports"]) == ["BIAR", "BIRK"]
        assert await client.tables() == ["airports"]
        assert (await table.describe()).table_name == "airports"
        await client.delete_table("airports")
        with pytest.raises(kvdb.ResourceNotFound):
            await table.get(key_of(KEF))

    run(use)


def test_many_calls_at_once_are_all_answered(run: Callable[[Use], None]) -> None:
    async def use(client: kvdb.AsyncClient) -> None:
        table = await airports(client)
        wanted = [{"country": "ZZ", "icao": f"{number:03}"} for number in range(200)]
        await asyncio.gather(*(table.put(item) for item in wanted))
        assert await asyncio.gather(*(table.get(item) for item in wanted)) == wanted

    run(use)


def test_one_of_many_conditional_writers_wins(run: Callable[[Use], None]) -> None:
    async def use(client: kvdb.AsyncClient) -> None:
        table = await airports(client)
        puts = [table.put({**KEF, "by": number}, condition=Attr("icao").not_exists()) for number in range(20)]
        outcomes = await asyncio.gather(*puts, return_exceptions=True)
        assert sum(outcome is None for outcome in outcomes) == 1
        assert sum(isinstance(outcome, kvdb.ConditionalCheckFailed) for outcome in outcomes) == 19

    run(use)
