"""A database in this process: point operations on the event loop, the rest off it, one answer each."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

import kvdb
from kvdb.api.items import GetItem, GetItemResult, Page, PutItem, PutItemResult, Scan
from kvdb.api.operations import Request
from kvdb.api.session_token import decoded
from kvdb.client.embedded_transport import AsyncEmbeddedTransport, EmbeddedTransport
from kvdb.database.database import Database
from kvdb.errors import ClosedError, ResourceNotFound
from tests.support.scripted_database import ScriptedDatabase

GET = GetItem("t", {"id": 1})
PUT = PutItem("t", {"id": 1})


def on_a_loop(database: ScriptedDatabase, use: Callable[[AsyncEmbeddedTransport], object]) -> object:
    async def run() -> object:
        return await use(AsyncEmbeddedTransport(database))

    return asyncio.run(run())


def test_a_call_is_the_databases_own() -> None:
    with Database.open(":memory:") as database:
        assert EmbeddedTransport(database).send == database.call


def test_pages_are_walked() -> None:
    answers = iter([Page([], 0, 1, {"id": 1}), Page([{"id": 2}], 1, 1)])
    database = ScriptedDatabase(lambda request: next(answers))
    assert [page.items for page in EmbeddedTransport(database).stream(Scan("t"))] == [[], [{"id": 2}]]


def test_closing_closes_the_database() -> None:
    database = Database.open(":memory:")
    EmbeddedTransport(database).close()
    with pytest.raises(ClosedError):
        database.call(GET)


def test_point_operations_stay_on_the_loops_thread() -> None:
    threads: list[int] = []

    def serve(request: Request) -> GetItemResult:
        threads.append(threading.get_ident())
        return GetItemResult({"id": 1})

    database = ScriptedDatabase(serve)
    assert on_a_loop(database, lambda transport: transport.send(GET)) == GetItemResult({"id": 1})
    assert threads == [threading.get_ident()]


def test_long_operations_leave_the_loop_free() -> None:
    threads: list[int] = []

    def serve(request: Request) -> Page:
        threads.append(threading.get_ident())
        return Page([], 0, 0)

    on_a_loop(ScriptedDatabase(serve), lambda transport: transport.send(Scan("t")))
    assert threads != [threading.get_ident()]


def test_an_error_is_raised_where_the_call_is_awaited() -> None:
    def serve(request: Request) -> GetItemResult:
        raise ResourceNotFound("no")

    with pytest.raises(ResourceNotFound):
        on_a_loop(ScriptedDatabase(serve), lambda transport: transport.send(GET))


def test_a_write_is_awaited_until_it_is_acknowledged() -> None:
    database = ScriptedDatabase(lambda request: PutItemResult(), holds=True)

    async def use(transport: AsyncEmbeddedTransport) -> None:
        call = asyncio.create_task(transport.send(PUT))
        await database.held(1)
        assert not call.done()
        database.finish_all()
        assert await call == PutItemResult()

    on_a_loop(database, use)


def test_an_acknowledgement_after_a_cancellation_does_no_harm() -> None:
    database = ScriptedDatabase(lambda request: PutItemResult(), holds=True)

    async def use(transport: AsyncEmbeddedTransport) -> None:
        call = asyncio.create_task(transport.send(PUT))
        await database.held(1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        database.finish_all()
        await asyncio.sleep(0)

    on_a_loop(database, use)


def test_sessions_of_a_database_of_this_process_cost_nothing_and_work_alike() -> None:
    with kvdb.open(":memory:") as db:
        db.create_table("people", key=("id", "S"))
        with db.session() as session:
            session.table("people").put({"id": "a"})
            assert session.table("people").get({"id": "a"}) == {"id": "a"}
            assert list(session.table("people").scan()) == [{"id": "a"}]
            token = session.token
        assert token is not None
        assert decoded(token) == {}
        # Leaving a session closes nothing, and another goes on with it.
        assert db.session(token, timeout=0).table("people").count() == 1
        with pytest.raises(kvdb.ValidationError, match="people is not"):
            db.table("people").put({"id": "b"}, replicate_to=1)

    async def use() -> None:
        async with await kvdb.open_async(":memory:") as db:
            await db.create_table("people", key=("id", "S"))
            async with db.session() as session:
                await session.table("people").put({"id": "a"})
                await session.batch_write({"people": [kvdb.PutRequest({"id": "b"})]})
                assert [item["id"] async for item in session.table("people").scan()] in (
                    ["a", "b"],
                    ["b", "a"],
                )
                async with session.transaction() as transaction:
                    assert await transaction.get("people", {"id": "a"}) == {"id": "a"}
                assert decoded(session.token or "") == {}
            with pytest.raises(kvdb.ValidationError, match="people is not"):
                await db.table("people").put({"id": "b"}, replicate_to=1)

    asyncio.run(use())
