"""Transactions: those of the service, and native ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kvdb.api.items import ReleaseSnapshot
from kvdb.client import actions
from kvdb.client.sync import Client
from kvdb.client.sync_transaction import Transaction
from kvdb.client.table_requests import GlobalIndex, LocalIndex
from kvdb.errors import (
    CancellationReason,
    ClosedError,
    ConditionalCheckFailed,
    IdempotentParameterMismatch,
    ReadPointExpired,
    TransactionCanceled,
    TransactionConflict,
    ValidationError,
)
from kvdb.expr.builder import Attr, Key
from kvdb.item.value import Item
from kvdb.testing.checks.airports import AEY, CPH, KEF, RKV, Check, airports, key_of, raised


def a_transaction_writes_all_or_nothing(client: Client) -> None:
    table = airports(client, KEF, RKV)
    log = client.create_table("log", key=("id", "N"))
    client.transact_write(
        [
            actions.put("log", {"id": 1}),
            actions.update("airports", key_of(KEF), "SET elevation = :e", values={":e": 172}),
            actions.delete("airports", key_of(RKV)),
            actions.check("airports", key_of(AEY), Attr("icao").not_exists()),
        ]
    )
    assert list(table.scan()) == [{**KEF, "elevation": 172}]
    error = raised(
        TransactionCanceled,
        lambda: client.transact_write(
            [
                actions.put("log", {"id": 2}),
                actions.put("airports", KEF, condition=Attr("elevation").eq(171), return_old_on_failure=True),
                actions.check("log", {"id": 1}, Attr("id").not_exists()),
            ]
        ),
    )
    failed = CancellationReason("ConditionalCheckFailed", "The conditional request failed")
    assert error.reasons == (
        CancellationReason(),
        failed._replace(item={**KEF, "elevation": 172}),
        failed,
    )
    assert "[None, ConditionalCheckFailed, ConditionalCheckFailed]" in error.message
    assert log.get({"id": 2}) is None


def a_transaction_reads_one_moment(client: Client) -> None:
    airports(client, KEF, CPH)
    found = client.transact_get(
        [
            actions.get("airports", key_of(CPH), projection="icao"),
            actions.get("airports", key_of(RKV)),
            actions.get("airports", key_of(KEF)),
        ]
    )
    assert found == [{"icao": "EKCH"}, None, KEF]


def a_token_makes_sending_again_harmless(client: Client) -> None:
    table = airports(client, KEF)
    climb = [actions.update("airports", key_of(KEF), "ADD elevation :e", values={":e": 1})]
    token = f"{KEF['icao']}-1"
    client.transact_write(climb, token=token)
    client.transact_write(climb, token=token)
    raised(
        IdempotentParameterMismatch,
        lambda: client.transact_write([actions.delete("airports", key_of(KEF))], token=token),
    )
    assert table.get(key_of(KEF)) == {**KEF, "elevation": 172}


def a_member_is_written_once(client: Client) -> None:
    airports(client)
    error = raised(
        ValidationError,
        lambda: client.transact_write(
            [actions.put("airports", KEF), actions.delete("airports", key_of(KEF))]
        ),
    )
    assert error.message == "Transaction request cannot include multiple operations on one item"


# Native.


def a_native_transaction_sees_its_moment_and_its_own_writes(client: Client) -> None:
    table = airports(client, KEF, RKV)
    with client.transaction() as tx:
        table.put(CPH)
        assert tx.get("airports", key_of(CPH)) is None
        assert list(tx.query("airports", Key("country").eq("DK"))) == []
    assert tx.seqno is None
    with client.transaction() as tx:
        tx.put("airports", {**KEF, "country": "XX"})
        tx.delete("airports", key_of(RKV))
        assert tx.update("airports", key_of(KEF), "SET elevation = elevation + :e", values={":e": 9}) == {
            **KEF,
            "elevation": 180,
        }
        assert tx.get("airports", key_of(KEF), projection="elevation") == {"elevation": 180}
        assert tx.get("airports", key_of(RKV)) is None
        # Nobody else sees them.
        assert table.get(key_of(KEF)) == KEF
        assert tx.seqno is None
    assert tx.seqno is not None
    assert table.get(key_of(RKV)) is None
    assert sorted(str(item["country"]) for item in table.scan()) == ["DK", "IS", "XX"]


def an_error_undoes_a_native_transaction(client: Client) -> None:
    table = airports(client, KEF)

    def failing() -> None:
        with client.transaction() as tx:
            tx.delete("airports", key_of(KEF))
            tx.put("airports", RKV, condition=Attr("icao").exists())

    raised(ConditionalCheckFailed, failing)
    assert list(table.scan()) == [KEF]


def what_a_native_transaction_has_read_may_not_change(client: Client) -> None:
    table = airports(client, KEF, RKV)
    log = client.create_table("log", key=("id", "S"))
    iceland = Key("country").eq("IS")

    def conflicts(read: Callable[[Transaction], object], change: Callable[[], object]) -> bool:
        log.delete({"id": "x"})
        try:
            with client.transaction() as tx:
                read(tx)
                change()
                tx.put("log", {"id": "x"})
        except TransactionConflict:
            assert log.get({"id": "x"}) is None
            return True
        assert log.get({"id": "x"}) == {"id": "x"}
        return False

    assert conflicts(lambda tx: tx.get("airports", key_of(KEF)), lambda: table.put({**KEF, "name": "K"}))
    assert conflicts(lambda tx: tx.get("airports", key_of(AEY)), lambda: table.put(AEY))
    assert not conflicts(lambda tx: tx.get("airports", key_of(KEF)), lambda: table.put({**RKV, "name": "R"}))
    assert conflicts(
        lambda tx: list(tx.query("airports", iceland)), lambda: table.put({**KEF, "icao": "BIXX"})
    )
    assert not conflicts(lambda tx: list(tx.query("airports", iceland)), lambda: table.put(CPH))
    assert conflicts(lambda tx: list(tx.scan("airports")), lambda: table.delete(key_of(CPH)))
    assert not conflicts(
        lambda tx: next(iter(tx.query("airports", iceland, limit=1))), lambda: table.put(RKV)
    )


def own_writes_are_among_what_is_queried(client: Client) -> None:
    table = client.create_table(
        "flights",
        key=("day", "S"),
        sort=("number", "N"),
        indexes=[
            LocalIndex("by-gate", ("gate", "S"), projection=["to"]),
            GlobalIndex("by-to", ("to", "S"), projection="KEYS_ONLY"),
        ],
    )

    def flight(number: int, gate: str, to: str, **more: object) -> dict[str, object]:
        return {"day": "mon", "number": number, "gate": gate, "to": to, **more}

    for number in range(6):
        table.put(flight(number, f"g{number}", "KEF", seats=number))
    monday = Key("day").eq("mon")
    with client.transaction() as tx:
        tx.put("flights", flight(-1, "g9", "CPH", seats=50))
        tx.put("flights", flight(7, "g1", "KEF", seats=60))
        tx.delete("flights", {"day": "mon", "number": 0})
        tx.update("flights", {"day": "mon", "number": 3}, "SET seats = :s", values={":s": 70})
        tx.put("flights", {**flight(1, "g1", "KEF"), "day": "tue"})

        nth, whole = Key("number"), [-1, 1, 2, 3, 4, 5, 7]
        for size in (None, 1, 2, 3):
            assert numbers(tx.query("flights", monday, page_size=size)) == whole
            assert numbers(tx.query("flights", monday, page_size=size, reverse=True)) == whole[::-1]
            early = tx.query("flights", monday & nth.between(0, 3), page_size=size)
            assert numbers(early) == [1, 2, 3]
            large = tx.query("flights", monday, filter=Attr("seats").gte(5), page_size=size)
            assert numbers(large) == [-1, 3, 5, 7]
            by_gate = tx.query("flights", monday, index="by-gate", page_size=size)
            assert numbers(by_gate) == [1, 7, 2, 3, 4, 5, -1]
            assert len(list(tx.scan("flights", page_size=size))) == 8
        assert numbers(tx.query("flights", monday, limit=3)) == [-1, 1, 2]
        last = monday & Key("number").gte(5)
        assert list(tx.query("flights", last, projection="#s", names={"#s": "seats"})) == [
            {"seats": 5},
            {"seats": 60},
        ]
        to = Key("to").eq("CPH")
        assert list(tx.query("flights", to, index="by-to")) == [{"to": "CPH", "day": "mon", "number": -1}]
        by_gate = tx.query(
            "flights", monday & Key("gate").eq("g1"), index="by-gate", projection=["seats", "to"]
        )
        assert list(by_gate) == [{"seats": 1, "to": "KEF"}, {"seats": 60, "to": "KEF"}]
    assert numbers(table.query(monday)) == whole


def numbers(flights: Iterable[Item]) -> list[object]:
    return [flight["number"] for flight in flights]


def a_transaction_is_run_again_after_a_conflict(client: Client) -> None:
    table = airports(client, KEF)
    tries: list[object] = []

    def climb(tx: Transaction) -> object:
        item = tx.get("airports", key_of(KEF))
        assert item is not None
        tries.append(item["elevation"])
        if len(tries) < 3:
            table.update(key_of(KEF), "ADD elevation :e", values={":e": 10})
        tx.put("airports", {**item, "elevation": item["elevation"] + 1})  # type: ignore[operator]
        return item["elevation"]

    assert client.transact(climb) == 191
    assert tries == [171, 181, 191]
    assert table.get(key_of(KEF)) == {**KEF, "elevation": 192}
    tries.clear()
    raised(TransactionConflict, lambda: client.transact(climb, attempts_max=2))


def a_native_transaction_has_an_end(client: Client) -> None:
    airports(client, KEF)
    with client.transaction() as tx:
        tx.get("airports", key_of(KEF))
    raised(ClosedError, lambda: tx.get("airports", key_of(KEF)))
    raised(ClosedError, lambda: tx.put("airports", KEF))
    raised(ClosedError, lambda: list(tx.scan("airports")))
    raised(ClosedError, tx.__enter__)

    def outlived() -> None:
        with client.transaction() as tx:
            client.call(ReleaseSnapshot(tx.snapshot_id))
            tx.put("airports", RKV)

    raised(ReadPointExpired, outlived)


CHECKS: tuple[Check, ...] = (
    a_transaction_writes_all_or_nothing,
    a_transaction_reads_one_moment,
    a_token_makes_sending_again_harmless,
    a_member_is_written_once,
    a_native_transaction_sees_its_moment_and_its_own_writes,
    an_error_undoes_a_native_transaction,
    what_a_native_transaction_has_read_may_not_change,
    own_writes_are_among_what_is_queried,
    a_transaction_is_run_again_after_a_conflict,
    a_native_transaction_has_an_end,
)
NATIVE: tuple[Check, ...] = CHECKS[4:]
"""The HTTP door has no snapshots, and no end of native transactions."""
