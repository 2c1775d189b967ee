from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from kvdb.api.items import (
    CommitTransaction,
    CommitTransactionResult,
    ConditionCheck,
    DeleteItem,
    GetItem,
    OpenSnapshot,
    OpenSnapshotResult,
    PutItem,
    Query,
    ReadKey,
    ReadRange,
    Scan,
    TransactWriteAction,
    UpdateItem,
)
from kvdb.api.tables import DeleteTable
from kvdb.database.database import Database
from kvdb.errors import (
    ReadPointExpired,
    ResourceNotFound,
    TransactionCanceled,
    TransactionConflict,
    ValidationError,
)
from kvdb.lsm.batch import WriteBatch
from tests.support.builders import open_database, table_request
from tests.support.indexes import index, indexed_table

OUT = PutItem("out", {"id": "written"})


@pytest.fixture
def db() -> Database:
    database = open_database()
    local = [index("by-l", "p", ranges=("l",), keeps="KEYS_ONLY")]
    across = [index("by-g", "g", keeps="KEYS_ONLY")]
    database.call(
        indexed_table("rows", ("p", "S"), ("s", "N"), ("l", "N"), ("g", "S"), local=local, across=across)
    )
    database.call(table_request("out", ("id", "S")))
    for s in range(5):
        database.call(PutItem("rows", row("a", s)))
    return database


def row(p: str, s: int, **more: object) -> dict[str, object]:
    return {"p": p, "s": s, "l": 10 - s, "g": f"g{s % 2}", **more}


def opened(db: Database) -> OpenSnapshotResult:
    result = db.call(OpenSnapshot())
    assert isinstance(result, OpenSnapshotResult)
    return result


def commit(
    db: Database, snapshot: OpenSnapshotResult, *reads: ReadKey | ReadRange, writes: list[TransactWriteAction]
) -> int:
    result = db.call(CommitTransaction(snapshot.snapshot_id, list(reads), writes))
    assert isinstance(result, CommitTransactionResult)
    return result.seqno


def is_written(db: Database) -> bool:
    return db.call(GetItem("out", {"id": "written"})).item is not None  # type: ignore[union-attr]


def query(condition: str = "p = :p", index: str | None = None, **more: object) -> Query:
    values = {":p": "a", ":s": 3, ":g": "g1"}
    used = {name: value for name, value in values.items() if name in condition}
    return Query("rows", condition, expression_attribute_values=used, index_name=index, **more)  # type: ignore[arg-type]


WHOLE = ReadRange(query())
UPTO_2 = ReadRange(query("p = :p AND s < :s"))
FIRST_PAGE = ReadRange(query(limit=2), {"p": "a", "s": 1})
LAST_PAGE = ReadRange(query(limit=2, scan_index_forward=False), {"p": "a", "s": 3})
NEXT_PAGE = ReadRange(query(limit=2, exclusive_start_key={"p": "a", "s": 1}), {"p": "a", "s": 3})
EVERYTHING = ReadRange(Scan("rows"))
OF_G1 = ReadRange(query("g = :g", "by-g"))
BY_L = ReadRange(query(index="by-l"))
BY_L_WHOLE = ReadRange(query(index="by-l", select="ALL_ATTRIBUTES"))


def put(p: str, s: int, **more: object) -> PutItem:
    return PutItem("rows", row(p, s, **more))


def key(p: str, s: int) -> dict[str, object]:
    return {"p": p, "s": s}


@pytest.mark.parametrize(
    "read, change, is_conflict",
    [
        (ReadKey("rows", key("a", 1)), put("a", 1, x=1), True),
        (ReadKey("rows", key("a", 1)), DeleteItem("rows", key("a", 1)), True),
        (ReadKey("rows", key("a", 1)), put("a", 2, x=1), False),
        (ReadKey("rows", key("a", 9)), put("a", 9), True),
        (ReadKey("rows", key("a", 9)), put("a", 90), False),
        # Phantoms: what comes into the range that was read, and what leaves it.
        (WHOLE, put("a", 9), True),
        (WHOLE, DeleteItem("rows", key("a", 0)), True),
        (WHOLE, put("b", 1), False),
        (UPTO_2, put("a", 2.5), True),
        (UPTO_2, put("a", 3, x=1), False),
        (ReadRange(query(filter_expression="attribute_exists(x)")), put("a", 9), True),
        (EVERYTHING, put("z", 1), True),
        # Of a walk that was left half-way only what it has seen.
        (FIRST_PAGE, put("a", 0.5), True),
        (FIRST_PAGE, put("a", 1, x=1), True),
        (FIRST_PAGE, put("a", 1.5), False),
        (LAST_PAGE, put("a", 3, x=1), True),
        (LAST_PAGE, put("a", 9), True),
        (LAST_PAGE, put("a", 2, x=1), False),
        (NEXT_PAGE, put("a", 1, x=1), False),
        (NEXT_PAGE, put("a", 2, x=1), True),
        (NEXT_PAGE, put("a", 4, x=1), False),
        # Indexes: what changes their rows.
        (OF_G1, put("a", 9), True),
        (OF_G1, put("a", 8), False),
        (OF_G1, put("a", 1, x=1), False),
        (OF_G1, DeleteItem("rows", key("a", 3)), True),
        (BY_L, put("a", 1, x=1), False),
        (BY_L, put("a", 1, l=5), True),
        (BY_L_WHOLE, put("a", 1, x=1), True),
        (BY_L_WHOLE, put("b", 1, x=1), False),
    ],
)
def test_what_was_read_may_not_have_changed(db, read, change, is_conflict):
    snapshot = opened(db)
    db.call(change)
    if is_conflict:
        with pytest.raises(
            TransactionConflict, match=r"^what the transaction has read was changed by another$"
        ):
            commit(db, snapshot, read, writes=[OUT])
    else:
        commit(db, snapshot, read, writes=[OUT])
    assert is_written(db) is not is_conflict


def test_what_was_not_read_may_change(db):
    snapshot = opened(db)
    db.call(put("a", 1, x=1))
    seqno = commit(db, snapshot, writes=[OUT, DeleteItem("rows", key("a", 1))])
    assert seqno == db._floor.engine.last_seqno
    assert is_written(db)


def meanwhile(db: Database, do: Callable[[], object]) -> None:
    """Have ``do`` happen when a commit has checked what it has read, but is not yet in the log."""
    engine = db._floor.engine
    write = engine.write

    def intercepted(batch: WriteBatch) -> int:
        engine.write = write  # type: ignore[method-assign]
        do()
        return write(batch)

    engine.write = intercepted  # type: ignore[method-assign]


@pytest.mark.parametrize("change, is_conflict", [(put("a", 9), True), (put("b", 9), False)])
def test_the_guard_sees_what_comes_between_the_check_and_the_commit(db, change, is_conflict):
    snapshot = opened(db)
    meanwhile(db, lambda: db.call(change))
    if is_conflict:
        with pytest.raises(TransactionConflict):
            commit(db, snapshot, WHOLE, writes=[OUT])
    else:
        commit(db, snapshot, WHOLE, writes=[OUT])
    assert is_written(db) is not is_conflict


def test_conditions_are_held_to_the_present(db):
    check = ConditionCheck("rows", key("a", 1), "attribute_not_exists(x)")
    snapshot = opened(db)
    db.call(put("a", 1, x=1))
    with pytest.raises(TransactionCanceled) as caught:
        commit(db, snapshot, writes=[OUT, check])
    assert [reason.code for reason in caught.value.reasons] == ["None", "ConditionalCheckFailed"]
    # A conflict is told first: what was read is not what the condition was made for.
    snapshot = opened(db)
    db.call(put("a", 1, x=2))
    with pytest.raises(TransactionConflict):
        commit(db, snapshot, ReadKey("rows", key("a", 1)), writes=[OUT, check])


def test_only_checks_are_guarded_too(db):
    snapshot = opened(db)
    check = ConditionCheck("rows", key("a", 1), "attribute_exists(l)")
    assert commit(db, snapshot, WHOLE, writes=[check]) == db._floor.engine.last_seqno
    snapshot = opened(db)
    meanwhile(db, lambda: db.call(put("a", 9)))
    with pytest.raises(TransactionConflict):
        commit(db, snapshot, WHOLE, writes=[check])


def test_without_writes_it_happened_at_its_snapshot(db):
    snapshot = opened(db)
    db.call(put("a", 1, x=1))
    assert commit(db, snapshot, WHOLE, writes=[]) == snapshot.seqno


@pytest.mark.parametrize("writes", [[OUT], [], [UpdateItem("out", {"id": 1}, "SET n = n")]])
def test_the_snapshot_is_released_however_it_ends(db, writes):
    snapshot = opened(db)
    with suppress(TransactionCanceled):
        commit(db, snapshot, writes=writes)
    assert db._floor.engine._snapshots.seqnos() == []
    with pytest.raises(ReadPointExpired):
        commit(db, snapshot, writes=[OUT])


def test_a_table_that_was_made_again_is_not_the_one_that_was_read(db):
    snapshot = opened(db)
    db.call(DeleteTable("rows"))
    db.call(table_request("rows", ("p", "S"), ("s", "N")))
    with pytest.raises(ResourceNotFound):
        commit(db, snapshot, ReadKey("rows", key("a", 1)), writes=[OUT])


def test_a_read_that_could_not_have_been_is_refused(db):
    snapshot = opened(db)
    with pytest.raises(ValidationError, match="does not have the specified index"):
        commit(db, snapshot, ReadRange(query(index="absent")), writes=[OUT])


def test_it_waits_for_writers_and_refuses_none(db):
    latches = db._floor.latches
    snapshot = opened(db)
    held = latches.request((db._floor.catalog.table("out").keys.of_key({"id": "written"}),))
    steps = db._floor.transactions.commit_native(CommitTransaction(snapshot.snapshot_id, [], [OUT]))
    grant = next(steps)
    assert not grant.is_complete  # type: ignore[union-attr]
    latches.give_back(held)
    assert grant.is_complete  # type: ignore[union-attr]
    steps.close()
    assert not latches._holders
