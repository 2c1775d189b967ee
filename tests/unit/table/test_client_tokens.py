from __future__ import annotations

from decimal import Decimal

import pytest

from kvdb import limits
from kvdb.api.items import ConditionCheck, DeleteItem, PutItem, TransactWriteItems, UpdateItem
from kvdb.database.database import Database
from kvdb.errors import CorruptionError, IdempotentParameterMismatch, RequestLimitExceeded
from kvdb.lsm.batch import WriteBatch
from kvdb.table import keys
from kvdb.table.client_tokens import TokenSweeper, digest_of
from kvdb.table.latches import Grant
from kvdb.testing.manual_clock import ManualClock
from tests.support.builders import open_database, run_jobs, table_request


@pytest.fixture
def db() -> Database:
    database = open_database()
    database.call(table_request("one", ("id", "S")))
    return database


def write(db: Database, key: str, token: str) -> None:
    db.call(TransactWriteItems([PutItem("one", {"id": key})], token))


def stored(db: Database) -> tuple[int, int]:
    """How many tokens there are, and how many times of tokens."""
    tokens = keys.prefix_range(keys.client_token_key(""))
    times = keys.client_token_times()
    return tuple(len(list(db._floor.engine.scan(*rows))) for rows in (tokens, times))  # type: ignore[return-value]


def advance(db: Database, ms: int) -> None:
    assert isinstance(db.env.clock, ManualClock)
    db.env.clock.advance_ms(ms)


def test_a_token_is_good_for_ten_minutes_and_then_stands_for_nothing(db):
    write(db, "a", "t")
    advance(db, limits.CLIENT_TOKEN_VALID_MS - 1)
    with pytest.raises(IdempotentParameterMismatch):
        write(db, "b", "t")
    advance(db, 1)
    write(db, "b", "t")
    with pytest.raises(IdempotentParameterMismatch):
        write(db, "a", "t")
    assert stored(db) == (1, 1)
    assert db._floor.tokens.count == 1


def test_the_sweeper_deletes_what_is_over_and_nothing_else(db):
    for number in range(TokenSweeper.TOKENS_PER_STEP + 10):
        write(db, "a", f"old{number}")
    advance(db, limits.CLIENT_TOKEN_VALID_MS // 2)
    write(db, "a", "new")
    advance(db, limits.CLIENT_TOKEN_VALID_MS // 2)
    run_jobs(db.env)
    assert stored(db) == (1, 1)
    assert db._floor.tokens.count == 1
    with pytest.raises(IdempotentParameterMismatch):
        write(db, "b", "new")


def test_the_sweeper_goes_on_after_a_restart(db):
    write(db, "a", "t")
    db.close()
    db = open_database(db.env)
    assert db._floor.tokens.count == 1
    advance(db, limits.CLIENT_TOKEN_VALID_MS)
    run_jobs(db.env)
    assert (stored(db), db._floor.tokens.count) == ((0, 0), 0)


def test_a_token_in_use_is_not_swept(db):
    write(db, "a", "t")
    advance(db, limits.CLIENT_TOKEN_VALID_MS)
    grant = db._floor.latches.request_transaction((keys.client_token_key("t"),))
    assert isinstance(grant, Grant)
    sweeper = TokenSweeper(db._floor.tokens, db._floor.engine, db._floor.latches, db.env)
    assert sweeper.step(0) == 100
    assert stored(db) == (1, 1)
    db._floor.latches.give_back(grant)
    assert sweeper.step(0) == 0
    assert sweeper.step(0) is None
    assert stored(db) == (0, 0)


def test_so_many_tokens_are_kept_and_no_more(db, monkeypatch):
    monkeypatch.setattr(limits, "CLIENT_TOKENS_MAX", 2)
    write(db, "a", "1")
    write(db, "a", "2")
    with pytest.raises(RequestLimitExceeded, match=r"^too many client tokens max=2$"):
        write(db, "b", "3")
    write(db, "a", "1")
    advance(db, limits.CLIENT_TOKEN_VALID_MS)
    run_jobs(db.env)
    write(db, "b", "3")


def test_a_token_of_an_unknown_format_is_damage(db):
    db._floor.engine.write(WriteBatch().put(keys.client_token_key("t"), b"\x02"))
    with pytest.raises(CorruptionError, match=r"^client token has an unknown format head=02 length=1$"):
        write(db, "a", "t")


PUT = PutItem("one", {"id": "a", "m": {"x": 1, "y": 2}, "s": {"b", "a"}})


def test_how_a_transaction_is_written_down_makes_no_difference():
    same = PutItem("one", {"s": {"a", "b"}, "m": {"y": Decimal("2.0"), "x": 1}, "id": "a"})
    assert digest_of([PUT]) == digest_of([same])
    placeholders = {"expression_attribute_values": {":a": 1, ":b": 2}}
    turned = {"expression_attribute_values": {":b": 2, ":a": 1}}
    assert digest_of([DeleteItem("one", {"id": "a"}, "n IN (:a, :b)", **placeholders)]) == digest_of(
        [DeleteItem("one", {"id": "a"}, "n IN (:a, :b)", **turned)]
    )


def test_whatever_a_transaction_says_makes_another_of_it():
    delete = DeleteItem("one", {"id": "a"}, "attribute_exists(n)")
    different = [
        [PUT],
        [PUT, PUT],
        [PutItem("two", PUT.item)],
        [PutItem("one", {**PUT.item, "n": 1})],
        [PutItem("one", PUT.item, "attribute_exists(n)")],
        [delete],
        [ConditionCheck("one", {"id": "a"}, "attribute_exists(n)")],
        [UpdateItem("one", {"id": "a"}, None, "attribute_exists(n)")],
        [UpdateItem("one", {"id": "a"}, "SET n = n", "attribute_exists(n)")],
        [DeleteItem("one", {"id": "a"}, "attribute_exists(n)", {"#n": "n"})],
        [DeleteItem("one", {"id": "a"}, "attribute_exists(n)", None, {":n": "n"})],
        [PUT, delete],
        [delete, PUT],
    ]
    assert len({digest_of(members) for members in different}) == len(different)
