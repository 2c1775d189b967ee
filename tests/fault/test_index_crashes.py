"""Power loss before every file call of a workload of indexed writes: table and indexes agree.

Before each mutating file call, disks that a power loss there could leave are opened as databases.
On each: the table is what the acknowledged writes made it, or what those and the one under way make
it; and every index holds what that table says, also an index that was being built, once it is done.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from kvdb.api.items import BatchWriteItem, DeleteItem, DeleteRequest, PutItem, PutRequest
from kvdb.api.operations import Request
from kvdb.api.tables import AttributeDefinition, CreateIndex, DeleteIndex, UpdateTable
from kvdb.database.database import Database
from kvdb.options import SyncMode
from kvdb.table import row
from kvdb.testing import MemFileSystem
from kvdb.testing.mem_fs import CrashMode
from tests.support.builders import make_env, open_database, run_jobs
from tests.support.index_oracle import Item, OracleIndex
from tests.support.indexes import index, index_rows, indexed_table

TABLE = "full"
FIXED = (
    OracleIndex("by-l", {"p": "S"}, {"l": "S"}, "KEYS_ONLY", is_local=True),
    OracleIndex("by-g", {"g": "S"}, {"v": "N"}),
    OracleIndex("unique", {"e": "S"}, keeps=("v",), is_unique=True),
)
LATE = OracleIndex("late", {"x": "S"}, {"g": "S"}, ("v",))
MODES: tuple[tuple[CrashMode, int], ...] = (("strict", 0), ("all", 0), ("prefix", 1), ("random", 1))
Rows = dict[tuple[object, object], Item]


def item(chance: random.Random, number: int) -> Item:
    made: Item = {"p": "pq"[number % 2], "s": number % 7, "v": chance.randrange(9), "note": "n" * 40}
    for name, pool in (("l", "abc"), ("g", "gh"), ("x", "xyz")):
        if chance.random() < 0.8:
            made[name] = chance.choice(pool)
    if chance.random() < 0.5:
        made["e"] = f"e{number}"
    return made


def workload(chance: random.Random, steps: int) -> Iterator[Request]:
    """Puts, deletes and batches; in between an index is made, built while writes go on, and dropped."""
    types = [AttributeDefinition("x", "S"), AttributeDefinition("g", "S")]
    create = CreateIndex(index("late", "x", ranges=("g",), keeps=("v",)))
    for number in range(steps):
        if number == steps // 4:
            yield UpdateTable(TABLE, types, global_secondary_index_updates=[create])
        if number == 3 * steps // 4:
            yield UpdateTable(TABLE, global_secondary_index_updates=[DeleteIndex("late")])
        made = item(chance, number)
        key = {"p": made["p"], "s": made["s"]}
        if number % 5 == 4:
            yield DeleteItem(TABLE, key)
        elif number % 5 == 3:
            other = item(chance, number + 1)
            yield BatchWriteItem({TABLE: [DeleteRequest(key), PutRequest(other)]})
        else:
            yield PutItem(TABLE, made)


def applied(rows: Rows, request: Request) -> Rows:
    after = dict(rows)
    if isinstance(request, PutItem):
        after[place(dict(request.item))] = dict(request.item)
    elif isinstance(request, DeleteItem):
        after.pop(place(dict(request.key)), None)
    elif isinstance(request, BatchWriteItem):
        for write in request.request_items[TABLE]:
            if isinstance(write, PutRequest):
                after[place(dict(write.item))] = dict(write.item)
            else:
                after.pop(place(dict(write.key)), None)
    return after


def place(of: Item) -> tuple[object, object]:
    return of["p"], of["s"]


class Sweep:
    """One workload, and a look at every disk it could have left."""

    def __init__(self, sync: SyncMode, seed: int, steps: int) -> None:
        self.sync: SyncMode = sync
        self.chance = random.Random(seed)
        self.steps = steps
        self.images = 0
        self.faults: list[AssertionError] = []
        self.acknowledged: list[Rows] = [{}]
        """The table after each write so far; the last may be under way."""

    def run(self) -> None:
        fs = MemFileSystem()
        env = make_env(fs)
        db = self.opened(env)
        db.call(
            indexed_table(
                TABLE,
                ("p", "S"),
                ("s", "N"),
                ("l", "S"),
                ("g", "S"),
                ("v", "N"),
                ("e", "S"),
                local=[index("by-l", "p", ranges=("l",), keeps="KEYS_ONLY")],
                across=[index("by-g", "g", ranges=("v",)), index("unique", "e", keeps=("v",), unique=True)],
            )
        )
        db._floor.engine.flush()
        fs.observer = lambda operation, path: self.look(fs, f"{operation} {path}")
        for number, request in enumerate(workload(self.chance, self.steps)):
            self.acknowledged.append(applied(self.acknowledged[-1], request))
            db.call(request)
            if number % 4 == 3:
                run_jobs(env)
        db.close()
        if self.faults:
            raise self.faults[0]

    def opened(self, env) -> Database:
        return open_database(env, sync=self.sync, memtable_size_bytes=6_000)

    def look(self, fs: MemFileSystem, what: str) -> None:
        if self.faults:
            return
        for mode, seed in MODES:
            self.images += 1
            try:
                self.check(fs.after_crash(mode, seed + fs.calls * 10))
            except AssertionError as fault:
                # Raised here it would be an error of the workload's own file call.
                fault.add_note(f"power loss before call {fs.calls + 1}: {what} image {mode}:{seed}")
                self.faults.append(fault)

    def check(self, image: MemFileSystem) -> None:
        env = make_env(image)
        db = self.opened(env)
        table = db._floor.catalog.table(TABLE)
        engine = db._floor.engine
        found = {
            place(kept): kept
            for kept in (row.item_of(value) for _, value in engine.scan(*table.keys.all_rows()))
        }
        # In the modes that sync first, all but the write under way was acknowledged.
        candidates = self.acknowledged[-2:] if self.sync == "commit" else self.acknowledged
        assert found in candidates
        self.compare(db, found, FIXED)
        run_jobs(env)
        known = [index for index in (*FIXED, LATE) if index.name in table.indexes.by_name]
        assert all(table.indexes.by_name[each.name].descriptor.is_complete for each in known)
        self.compare(db, found, known)
        db.close()

    @staticmethod
    def compare(db: Database, found: Rows, known) -> None:
        for each in known:
            kept = list(index_rows(db._floor.engine, db._floor.catalog.table(TABLE), each.name).values())
            expected = each.content(found.values())
            assert sorted(kept, key=repr_of) == sorted(expected, key=repr_of), each.name


def repr_of(of: Item) -> str:
    return repr(sorted(of.items()))


@pytest.mark.parametrize(("sync", "seed"), [("commit", 1), ("commit", 2), ("none", 3)])
def test_indexes_agree_with_their_table_whatever_a_crash_leaves(sync: SyncMode, seed: int) -> None:
    sweep = Sweep(sync, seed, steps=48)
    sweep.run()
    assert sweep.images >= 200
