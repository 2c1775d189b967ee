"""The async face, where it differs from the one generated from it: it awaits, and iterates with it."""

from __future__ import annotations

import asyncio

import pytest

import kvdb
from kvdb.api.items import BatchWriteItemResult, GetItemResult, Page, PutItem, PutItemResult
from kvdb.client.aio import AsyncClient
from kvdb.client.aio_table import AsyncTable
from tests.support.scripted_transport import AsyncScriptedTransport


def test_calls_are_awaited() -> None:
    transport = AsyncScriptedTransport(lambda request: PutItemResult({"id": 1, "old": True}))

    async def use() -> object:
        async with AsyncClient(transport) as client:
            return await client.table("log").put({"id": 1}, return_old=True)

    assert asyncio.run(use()) == {"id": 1, "old": True}
    assert transport.sent == [PutItem("log", {"id": 1}, return_values="ALL_OLD")]


def test_items_are_iterated_over_all_pages() -> None:
    answers = iter([Page([{"id": 1}, {"id": 2}], 2, 2, {"id": 2}), Page([{"id": 3}], 1, 1)])
    table = AsyncTable(AsyncScriptedTransport(lambda request: next(answers)), "log")

    async def use() -> list[object]:
        return [item async for item in table.scan()]

    assert asyncio.run(use()) == [{"id": 1}, {"id": 2}, {"id": 3}]


def test_a_walk_left_half_way_reads_no_further() -> None:
    transport = AsyncScriptedTransport(lambda request: Page([{"id": 1}], 1, 1, {"id": 1}))

    async def use() -> None:
        async for _ in AsyncTable(transport, "log").query("id = :i", values={":i": 1}):
            break

    asyncio.run(use())
    assert len(transport.sent) == 1


def test_counts_are_summed() -> None:
    answers = iter([Page([], 2, 5, {"id": 2}), Page([], 3, 3)])
    table = AsyncTable(AsyncScriptedTransport(lambda request: next(answers)), "log")
    assert asyncio.run(table.count()) == 5


def test_a_batch_that_makes_no_progress_ends() -> None:
    transport = AsyncScriptedTransport(lambda request: BatchWriteItemResult(dict(request.request_items)))
    with pytest.raises(kvdb.ServiceUnavailable, match="no progress"):
        asyncio.run(AsyncClient(transport).batch_write({"log": [kvdb.PutRequest({"id": 1})]}))


def test_a_table_shows_its_name() -> None:
    transport = AsyncScriptedTransport(lambda request: GetItemResult(None))
    assert repr(AsyncClient(transport).table("log")) == "AsyncTable('log')"
