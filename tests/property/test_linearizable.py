"""Eight threads at once: what they are answered could have happened one by one, in real time's order."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

import kvdb
from kvdb import Attr, Key, Transaction, actions
from kvdb.api.items import UpdateItem
from kvdb.table.latches import Grant, Latches
from kvdb.table.read_set import ReadSet
from tests.conftest import client_of
from tests.support import histories
from tests.support.histories import Recorder, anomaly, first_unlinearizable

THREADS = 8
LISTS = ("x", "y", "z")


@pytest.fixture(params=["memory", "disk", "flushing", "grpc"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[kvdb.Client]:
    """On a disk the waits for it make calls overlap; in memory a short turn of each thread does.

    ``flushing``: what is read and checked is soon in sstables.
    """
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        if request.param == "grpc":
            with client_of("grpc") as client:
                yield client
        else:
            options = kvdb.DatabaseOptions(engine=kvdb.EngineOptions(sync="none", memtable_size_bytes=20_000))
            with kvdb.open(
                ":memory:" if request.param == "memory" else str(tmp_path / "data"),
                options=options if request.param == "flushing" else None,
            ) as client:
                yield client
    finally:
        sys.setswitchinterval(interval)


def at_once(work: Callable[[int, random.Random], None]) -> None:
    """Run ``work`` in every thread, with chance of its own."""
    errors: list[BaseException] = []
    gate = threading.Barrier(THREADS)

    def run(number: int) -> None:
        try:
            gate.wait()
            work(number, random.Random(number))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def value_of(item: object) -> object:
    return item["n"] if isinstance(item, dict) else None


def one_item(state: object, call: object) -> tuple[object, object]:
    """What an item's number becomes, and what is answered; ``None``: no item."""
    kind, *operands = call  # type: ignore[misc]
    match kind:
        case "get":
            return state, state
        case "put":
            return operands[0], state
        case "delete":
            return None, state
        case "make":
            return (operands[0], True) if state is None else (state, False)
        case "swap":
            return (operands[1], True) if state == operands[0] else (state, False)
        case _:
            after = (state or 0) + operands[0]
            return after, after


def done_on(table: kvdb.Table, key: str, call: tuple[object, ...]) -> object:
    kind, *operands = call
    try:
        match kind:
            case "get":
                return value_of(table.get({"id": key}))
            case "put":
                return value_of(table.put({"id": key, "n": operands[0]}, return_old=True))
            case "delete":
                return value_of(table.delete({"id": key}, return_old=True))
            case "make":
                table.put({"id": key, "n": operands[0]}, condition=Attr("id").not_exists())
            case "swap":
                values = {":a": operands[0], ":b": operands[1]}
                table.update({"id": key}, "SET n = :b", condition="n = :a", values=values)
            case _:
                update = {"update": "ADD n :n", "values": {":n": operands[0]}, "return_values": "ALL_NEW"}
                return value_of(table.update({"id": key}, **update))  # type: ignore[arg-type]
    except kvdb.ConditionalCheckFailed:
        return False
    return True


def unexplained_item(db: kvdb.Client, steps: int) -> object:
    """Have the threads read and write a few items; gives one whose answers no order explains."""
    table = db.create_table("numbers", key=("id", "S"))
    recorder = Recorder()

    def work(number: int, chance: random.Random) -> None:
        for step in range(steps):
            key, small = chance.choice("abcd"), chance.randrange(3)
            call = chance.choice(
                [
                    ("get",),
                    ("put", small),
                    ("make", small),
                    ("swap", small, chance.randrange(3)),
                    ("swap", small, 10 * number + step),
                    ("add", 1),
                    ("delete",),
                ]
            )
            recorder.observe(key, call, lambda key=key, call=call: done_on(table, key, call))

    at_once(work)
    assert sum(map(len, recorder.operations.values())) == steps * THREADS
    return first_unlinearizable(recorder.operations, one_item, None)


def test_single_writes_and_reads_are_linearizable(db):
    assert unexplained_item(db, steps=40) is None


class Lists:
    """Lists that threads append to and read, and the record of it."""

    def __init__(self, db: kvdb.Client) -> None:
        self.db = db
        self.recorder = Recorder()
        self._elements = iter(range(1, 1_000_000))

    def attempt(self, name: str, do: Callable[[histories.Transaction], None]) -> None:
        """Do it until it meets no conflict; what met one must have left nothing."""
        for number in range(500):
            now = self.recorder.now()
            transaction = histories.Transaction(f"{name}.{number}", now, now, is_committed=False)
            try:
                do(transaction)
                transaction.is_committed = True
            except (kvdb.TransactionConflict, kvdb.TransactionCanceled, kvdb.ConditionalCheckFailed):
                pass
            transaction.returned = self.recorder.now()
            self.recorder.note(transaction)
            if transaction.is_committed:
                return
            self.db._transport.pause(min(number, 20))
        raise AssertionError(f"{name} met 500 conflicts")

    def element(self) -> int:
        return next(self._elements)


class ListItems(Lists):
    """A list is an attribute of an item."""

    def __init__(self, db: kvdb.Client) -> None:
        super().__init__(db)
        self.table = db.create_table("lists", key=("id", "S"))
        for key in LISTS:
            self.table.put({"id": key, "l": []})

    def _update(self, key: str, value: int) -> UpdateItem:
        return actions.update("lists", {"id": key}, "SET l = list_append(l, :v)", values={":v": [value]})

    def append_to_some(self, of: histories.Transaction, keys: list[str]) -> None:
        of.appends = {key: (self.element(),) for key in keys}
        self.db.transact_write([self._update(key, values[0]) for key, values in of.appends.items()])

    def read_all(self, of: histories.Transaction) -> None:
        found = self.db.transact_get([actions.get("lists", {"id": key}) for key in LISTS])
        of.reads = {key: tuple(item["l"]) for key, item in zip(LISTS, found, strict=True)}  # type: ignore[arg-type, index]

    def append_to_one(self, of: histories.Transaction, key: str) -> None:
        of.appends = {key: (self.element(),)}
        old = self.table.update(
            {"id": key},
            "SET l = list_append(l, :v)",
            values={":v": list(of.appends[key])},
            return_values="ALL_OLD",
        )
        assert old is not None
        of.reads = {key: tuple(old["l"])}  # type: ignore[arg-type]

    def read_and_append(self, of: histories.Transaction, read: list[str], keys: list[str]) -> None:
        with self.db.transaction() as tx:
            of.reads = {key: tuple(tx.get("lists", {"id": key})["l"]) for key in read}  # type: ignore[arg-type, index]
            of.appends = {key: (self.element(), self.element()) for key in keys}
            for key, values in of.appends.items():
                for value in values:
                    tx.update("lists", {"id": key}, "SET l = list_append(l, :v)", values={":v": [value]})

    def read_at_a_snapshot(self, of: histories.Transaction) -> None:
        of.reads = {str(item["id"]): tuple(item["l"]) for item in self.table.scan(snapshot=True, page_size=1)}  # type: ignore[arg-type]


def anomaly_of_lists(db: kvdb.Client, steps: int) -> str | None:
    """Have the threads append to lists and read them, in every way there is."""
    lists = ListItems(db)

    def work(number: int, chance: random.Random) -> None:
        for step in range(steps):
            some = chance.sample(LISTS, chance.randint(1, 3))
            others = chance.sample(LISTS, chance.randint(1, 2))
            do = chance.choice(
                [
                    partial(lists.append_to_some, keys=some),
                    lists.read_all,
                    partial(lists.append_to_one, key=some[0]),
                    partial(lists.read_and_append, read=others, keys=some),
                    partial(lists.read_and_append, read=others, keys=[]),
                    lists.read_at_a_snapshot,
                ]
            )
            lists.attempt(f"{number}.{step}", do)

    at_once(work)
    lists.attempt("final", lists.read_all)
    return anomaly(lists.recorder.transactions)


def test_transactions_single_writes_and_native_ones_are_strictly_serializable_together(db):
    assert anomaly_of_lists(db, steps=25) is None


class ListRows(Lists):
    """A list is the items of a partition, in the order of their sort keys: to append is to insert."""

    def __init__(self, db: kvdb.Client) -> None:
        super().__init__(db)
        index = kvdb.GlobalIndex("by-list", ("l", "S"), ("s", "N"))
        self.table = db.create_table("rows", key=("p", "S"), sort=("s", "N"), indexes=[index])

    def read(self, tx: Transaction, key: str, index: str | None) -> tuple[int, ...]:
        condition = Key("p").eq(key) if index is None else Key("l").eq(key)
        return tuple(item["v"] for item in tx.query("rows", condition, index=index, page_size=3))  # type: ignore[misc]

    def read_and_append(
        self, of: histories.Transaction, read: list[str], key: str, index: str | None
    ) -> None:
        with self.db.transaction() as tx:
            of.reads = {each: self.read(tx, each, index) for each in {*read, key}}
            of.appends = {key: (self.element(),)}
            row = {"p": key, "l": key, "s": len(of.reads[key]), "v": of.appends[key][0]}
            tx.put("rows", row)

    def read_all(self, of: histories.Transaction, index: str | None = None) -> None:
        with self.db.transaction() as tx:
            of.reads = {key: self.read(tx, key, index) for key in LISTS}

    def append_if_absent(self, of: histories.Transaction, key: str) -> None:
        """Not knowing what is there but how much."""
        place = self.table.count(Key("p").eq(key))
        of.appends = {key: (self.element(),)}
        row = {"p": key, "l": key, "s": place, "v": of.appends[key][0]}
        self.db.transact_write([actions.put("rows", row, condition=Attr("p").not_exists())])


def anomaly_of_rows(db: kvdb.Client, steps: int) -> str | None:
    """Have the threads insert into ranges that others read."""
    lists = ListRows(db)

    def work(number: int, chance: random.Random) -> None:
        for step in range(steps):
            index = chance.choice([None, "by-list"])
            read, key = chance.sample(LISTS, chance.randint(0, 2)), chance.choice(LISTS)
            do = chance.choice(
                [
                    partial(lists.read_and_append, read=read, key=key, index=index),
                    partial(lists.read_and_append, read=[], key=key, index=index),
                    partial(lists.append_if_absent, key=key),
                    partial(lists.read_all, index=index),
                ]
            )
            lists.attempt(f"{number}.{step}", do)

    at_once(work)
    lists.attempt("final", lists.read_all)
    return anomaly(lists.recorder.transactions)


def test_what_comes_into_a_range_that_was_read_is_a_conflict(db):
    assert anomaly_of_rows(db, steps=12) is None


def unlatched(latches: Latches, keys: object) -> Grant:
    return Grant(())


def seen_by_nobody(read_set: ReadSet) -> None:
    """Nothing has ever changed."""


BUGS: dict[str, tuple[Callable[[kvdb.Client, int], object], type, str, object]] = {
    "writers of one item do not wait": (unexplained_item, Latches, "request_single", unlatched),
    "members are not latched": (anomaly_of_lists, Latches, "request_transaction", unlatched),
    "what was read may have changed": (anomaly_of_lists, ReadSet, "check", seen_by_nobody),
    "phantoms are not seen": (anomaly_of_rows, ReadSet, "check", seen_by_nobody),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_caught(bug, tmp_path, monkeypatch):
    look, place, name, planted = BUGS[bug]
    monkeypatch.setattr(place, name, planted)
    for attempt in range(50):
        with kvdb.open(str(tmp_path / str(attempt))) as db:
            if look(db, 20) is not None:
                return
    pytest.fail("nobody noticed")


ACCOUNTS = [f"account-{number}" for number in range(6)]
TOTAL = 100 * len(ACCOUNTS)


def test_money_is_moved_and_neither_made_nor_lost(db):
    table = db.create_table("bank", key=("id", "S"))
    for account in ACCOUNTS:
        table.put({"id": account, "n": 100})

    def moved(tx: Transaction, source: str, target: str, amount: int) -> None:
        have = value_of(tx.get("bank", {"id": source}))
        assert isinstance(have, int)
        if have >= amount:
            tx.update("bank", {"id": source}, "ADD n :n", values={":n": -amount})
            tx.update("bank", {"id": target}, "ADD n :n", values={":n": amount})

    def sent(source: str, target: str, amount: int) -> None:
        enough = {"condition": Attr("n").gte(amount)}
        try:
            db.transact_write(
                [
                    actions.update("bank", {"id": source}, "ADD n :n", values={":n": -amount}, **enough),  # type: ignore[arg-type]
                    actions.update("bank", {"id": target}, "ADD n :n", values={":n": amount}),
                ]
            )
        except kvdb.TransactionCanceled as cancelled:
            codes = {reason.code for reason in cancelled.reasons}
            assert codes <= {"None", "ConditionalCheckFailed", "TransactionConflict"}

    def counted() -> None:
        try:
            found = db.transact_get([actions.get("bank", {"id": account}) for account in ACCOUNTS])
        except kvdb.TransactionCanceled:
            found = list(table.scan(snapshot=True, page_size=2))
        balances = [value_of(item) for item in found]
        assert sum(balances) == TOTAL  # type: ignore[arg-type]
        assert min(balances) >= 0  # type: ignore[type-var]

    def work(number: int, chance: random.Random) -> None:
        for _ in range(25):
            source, target = chance.sample(ACCOUNTS, 2)
            amount = chance.randrange(1, 60)
            kind = chance.randrange(3)
            if kind == 0:
                db.transact(lambda tx, s=source, t=target, a=amount: moved(tx, s, t, a), attempts_max=500)
            elif kind == 1:
                sent(source, target, amount)
            else:
                counted()

    at_once(work)
    counted()
