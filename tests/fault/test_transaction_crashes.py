"""Power loss before every file call of a workload of transactions: all of each or nothing, and its token.

Every transaction adds to counters in two tables and puts a row that names it, so what is there tells
which transactions were made, and a half of one tells on itself. On each disk that a power loss
could leave: the tables are what the acknowledged transactions made them, or those and the one under
way; a token is there if and only if its transaction is; and sending the last transaction again with its
token makes it exactly once.
"""

from __future__ import annotations

import random
from collections import Counter
from functools import cache

import pytest

from kvdb import limits
from kvdb.api.items import (
    CommitTransaction,
    ConditionCheck,
    DeleteItem,
    OpenSnapshot,
    PutItem,
    ReadRange,
    Scan,
    TransactWriteAction,
    TransactWriteItems,
    UpdateItem,
)
from kvdb.database.database import Database
from kvdb.errors import IdempotentParameterMismatch
from kvdb.options import SyncMode
from kvdb.table import keys, row
from kvdb.testing import ManualClock, MemFileSystem
from kvdb.testing.mem_fs import CrashMode
from tests.support.builders import make_env, open_database, run_jobs, table_request

MODES: tuple[tuple[CrashMode, int], ...] = (("strict", 0), ("all", 0), ("prefix", 1), ("random", 1))
ONE, TWO, DONE = "counters-one", "counters-two", "done"
State = tuple[tuple[str, str, int], ...]


def token_of(number: int) -> str:
    return f"token-{number:03}"


def members_of(number: int) -> list[TransactWriteAction]:
    """Adds to two counters of each table, notes itself, and takes the note of an earlier one away."""
    chance = random.Random(number)
    members: list[TransactWriteAction] = [
        UpdateItem(table, {"id": key}, "ADD n :n", expression_attribute_values={":n": 1})
        for table in (ONE, TWO)
        for key in chance.sample("abcde", 2)
    ]
    members.append(PutItem(DONE, {"id": token_of(number), "pad": "x" * chance.randrange(600)}))
    members.append(ConditionCheck(DONE, {"id": "never"}, "attribute_not_exists(id)"))
    if number >= 5 and number % 3 == 0:
        members.append(DeleteItem(DONE, {"id": token_of(number - 5)}))
    return members


@cache
def expected(count: int) -> State:
    """The tables after so many transactions."""
    found: Counter[tuple[str, str]] = Counter()
    for member in (member for number in range(count) for member in members_of(number)):
        if isinstance(member, UpdateItem):
            found[member.table_name, str(member.key["id"])] += 1
        elif isinstance(member, PutItem):
            found[member.table_name, str(member.item["id"])] = 1
        elif isinstance(member, DeleteItem):
            del found[member.table_name, str(member.key["id"])]
    return tuple(sorted((*place, n) for place, n in found.items()))


class Sweep:
    """One workload, and a look at every disk it could have left."""

    def __init__(self, sync: SyncMode, steps: int) -> None:
        self.sync: SyncMode = sync
        self.steps = steps
        self.begun = 0
        """Transactions so far; the last may be under way."""
        self.images = 0
        self.faults: list[AssertionError] = []

    def run(self) -> None:
        fs = MemFileSystem()
        env = make_env(fs)
        db = self.opened(env)
        for name in (ONE, TWO, DONE):
            db.call(table_request(name, ("id", "S")))
        db._floor.engine.flush()
        fs.observer = lambda operation, path: self.look(fs, f"{operation} {path}")
        for number in range(self.steps):
            self.begun += 1
            self.make(db, number)
            if number % 4 == 3:
                run_jobs(env)
        db.close()
        if self.faults:
            raise self.faults[0]

    def opened(self, env) -> Database:
        return open_database(env, sync=self.sync, memtable_size_bytes=6_000)

    def make(self, db: Database, number: int) -> None:
        """Every fourth is a native transaction, which has no token."""
        if number % 4 == 2:
            snapshot_id = db.call(OpenSnapshot()).snapshot_id  # type: ignore[union-attr]
            db.call(CommitTransaction(snapshot_id, [ReadRange(Scan(ONE))], members_of(number)))
        else:
            db.call(TransactWriteItems(members_of(number), token_of(number)))

    def look(self, fs: MemFileSystem, what: str) -> None:
        if self.faults:
            return
        for mode, seed in MODES:
            self.images += 1
            try:
                self.check(fs.after_crash(mode, seed + fs.calls * 10))
            except AssertionError as fault:
                fault.add_note(f"power loss before call {fs.calls + 1}: {what} image {mode}:{seed}")
                self.faults.append(fault)

    def check(self, image: MemFileSystem) -> None:
        env = make_env(image)
        db = self.opened(env)
        found = state_of(db)
        # In the modes that sync first, all but the one under way was acknowledged.
        candidates = range(self.begun - 1, self.begun + 1) if self.sync == "commit" else range(self.begun + 1)
        made = next((count for count in candidates if expected(count) == found), None)
        assert made is not None, f"half of a transaction, or one too few or too many: {found}"
        assert tokens_of(db) == {token_of(number) for number in range(made) if number % 4 != 2}
        assert db._floor.tokens.count == len(tokens_of(db))
        last = self.begun - 1
        if self.sync == "commit" and last % 4 != 2:
            for _ in range(2):
                self.make(db, last)
            assert state_of(db) == expected(self.begun)
            with pytest.raises(IdempotentParameterMismatch):
                db.call(TransactWriteItems(members_of(last + 1), token_of(last)))
        assert isinstance(env.clock, ManualClock)
        env.clock.advance_ms(limits.CLIENT_TOKEN_VALID_MS + 1_000)
        run_jobs(env)
        assert tokens_of(db) == set()
        assert list(db._floor.engine.scan(*keys.client_token_times())) == []
        db.close()


def state_of(db: Database) -> State:
    found: list[tuple[str, str, int]] = []
    for name in (ONE, TWO, DONE):
        table = db._floor.catalog.table(name)
        items = [row.item_of(value) for _, value in db._floor.engine.scan(*table.keys.all_rows())]
        found += [(name, str(item["id"]), int(str(item.get("n", 1)))) for item in items]
    return tuple(sorted(found))


def tokens_of(db: Database) -> set[str]:
    stem = keys.client_token_key("")
    return {key[len(stem) :].decode() for key, _ in db._floor.engine.scan(*keys.prefix_range(stem))}


@pytest.mark.parametrize(("sync", "steps"), [("commit", 24), ("none", 20)])
def test_a_crash_leaves_all_of_a_transaction_and_its_token_or_nothing(sync: SyncMode, steps: int) -> None:
    sweep = Sweep(sync, steps)
    sweep.run()
    assert sweep.images >= 200
