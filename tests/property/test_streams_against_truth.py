"""Streams against what was written, whatever is written, divided, trimmed, closed and lost.

A seed makes a run: writes of every kind on a table with indexes and a time to live, divisions of the
stream, restarts, power losses, reading in between with small pages. Held against each other:

- the records, read shard by shard and parents first, replay to the table: no gap, no duplicate, the
  order of each item, the right old and new images;
- after a power loss the same holds of what is left, so no row without its record and no record without
  its row;
- what was committed together has one commit number, and nothing else has it;
- reading on from any record by its sequence number gives what came after it in its shard.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from kvdb.api.items import (
    BatchWriteItem,
    DeleteItem,
    DeleteRequest,
    PutItem,
    PutRequest,
    Scan,
    TransactWriteItems,
    UpdateItem,
)
from kvdb.api.streams import UpdateStream
from kvdb.api.tables import (
    AttributeDefinition,
    DescribeTable,
    IndexSpecification,
    KeySchemaElement,
    Projection,
    StreamSpecification,
    UpdateTimeToLive,
)
from kvdb.errors import KvdbError
from kvdb.testing.manual_clock import START_WALL_MS, ManualClock
from kvdb.testing.mem_fs import MemFileSystem
from tests.support.builders import make_env, open_database, run_jobs, table_request
from tests.support.stream_reading import Consumer, iterator, read, replayed, shards_of

KEYS = [f"k{number}" for number in range(12)]


class Run:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.clock = ManualClock()
        self.env = make_env(MemFileSystem(), self.clock)
        self.db = open_database(self.env, memtable_size_bytes=32 * 1024)
        self.db.call(
            replace(
                table_request("ttt", ("k", "S")),
                attribute_definitions=[AttributeDefinition("k", "S"), AttributeDefinition("g", "N")],
                global_secondary_indexes=[
                    IndexSpecification("by-g", (KeySchemaElement("g", "HASH"),), Projection("ALL"))
                ],
                stream_specification=StreamSpecification(True, "NEW_AND_OLD_IMAGES"),
            )
        )
        self.db.call(UpdateTimeToLive("ttt", "gone", True))
        self.arn = self.db.call(DescribeTable("ttt")).table.latest_stream_arn  # type: ignore[union-attr]
        assert self.arn is not None
        self.consumer = Consumer(self.db.call, self.arn)
        self.together: list[set[object]] = []

    def key(self) -> str:
        return self.chance.choice(KEYS)

    def item(self, key: str) -> dict[str, object]:
        item: dict[str, object] = {"k": key, "v": self.chance.randrange(3)}
        if self.chance.random() < 0.3:
            item["g"] = self.chance.randrange(3)
        if self.chance.random() < 0.1:
            item["gone"] = START_WALL_MS // 1000 + self.chance.randrange(60)
        if self.chance.random() < 0.1:
            item["blob"] = self.chance.randbytes(2_000)
        return item

    def step(self) -> None:
        what = self.chance.choices(
            [
                *(self.put, self.update, self.delete, self.batch, self.transact, self.divide),
                *(self.read, self.pass_time, self.flush, self.reopen, self.crash),
            ],
            [8, 6, 3, 2, 3, 1, 2, 1, 0.5, 0.3, 0.3],
        )[0]
        what()

    def put(self) -> None:
        self.db.call(PutItem("ttt", self.item(self.key())))  # type: ignore[arg-type]

    def update(self) -> None:
        text = self.chance.choice(["SET v = :v", "REMOVE g", "SET g = :v", "ADD n :v"])
        values = None if text == "REMOVE g" else {":v": self.chance.randrange(3)}
        request = UpdateItem("ttt", {"k": self.key()}, text, expression_attribute_values=values)  # type: ignore[arg-type]
        self.db.call(request)

    def delete(self) -> None:
        self.db.call(DeleteItem("ttt", {"k": self.key()}))

    def batch(self) -> None:
        writes = [
            PutRequest(self.item(key)) if self.chance.random() < 0.7 else DeleteRequest({"k": key})  # type: ignore[arg-type]
            for key in self.chance.sample(KEYS, 4)
        ]
        self.db.call(BatchWriteItem({"ttt": writes}))

    def transact(self) -> None:
        keys = self.chance.sample(KEYS, self.chance.randrange(1, 6))
        puts = [PutItem("ttt", {"k": key, "t": self.chance.randrange(10**9)}) for key in keys]
        self.db.call(TransactWriteItems(puts))
        self.together.append(set(keys))

    def divide(self) -> None:
        opened = [s.shard_id for s in shards_of(self.db.call, self.arn) if s.ending_sequence_number is None]
        place = self.chance.randrange(len(opened))
        kind = self.chance.randrange(3)
        try:
            if kind == 0:
                self.db.call(UpdateStream(self.arn, split_shard_id=opened[place]))
            elif kind == 1:
                self.db.call(UpdateStream(self.arn, merge_shard_ids=opened[place : place + 2]))
            else:
                self.db.call(UpdateStream(self.arn, rotate=True))
        except KvdbError as error:
            assert kind != 2, error

    def read(self) -> None:
        self.consumer.catch_up(limit=self.chance.choice([1, 3, 1000]))

    def pass_time(self) -> None:
        for _ in range(3):
            self.clock.advance_ms(self.chance.randrange(15_000))
            run_jobs(self.env)

    def flush(self) -> None:
        self.db._floor.engine.flush()
        run_jobs(self.env)

    def reopen(self) -> None:
        self.db.close()
        self._open(self.env.fs)  # type: ignore[arg-type]

    def crash(self) -> None:
        """Only what was synced is left: all that was acknowledged, for the mode is commit."""
        fs = self.env.fs
        assert isinstance(fs, MemFileSystem)
        self._open(fs.after_crash("strict"))

    def _open(self, fs: MemFileSystem) -> None:
        self.env = make_env(fs, self.clock)
        self.db = open_database(self.env, memtable_size_bytes=32 * 1024)
        self.consumer.call = self.db.call

    def check(self) -> None:
        self.consumer.catch_up()
        rows = self.db.call(Scan("ttt")).items  # type: ignore[union-attr]
        assert replayed(self.consumer.records, ["k"]) == {(row["k"],): row for row in rows}
        again = Consumer(self.db.call, self.arn)
        again.catch_up(limit=7)
        assert Counter(map(repr, again.records)) == Counter(map(repr, self.consumer.records))
        self._check_commits()
        self._check_places(again)

    def _check_commits(self) -> None:
        commits: dict[int, set[object]] = {}
        for record in self.consumer.records:
            commits.setdefault(record.commit_number, set()).add(record.dynamodb.keys["k"])
        for keys in self.together:
            assert any(keys == found for found in commits.values()), keys
        assert len({record.dynamodb.sequence_number for record in self.consumer.records}) == len(
            self.consumer.records
        )

    def _check_places(self, walked: Consumer) -> None:
        for shard_id, records in walked.by_shard.items():
            if not records:
                continue
            numbers = [record.dynamodb.sequence_number for record in records]
            assert numbers == sorted(numbers)
            place = self.chance.randrange(len(numbers))
            for kind, first in (("AT_SEQUENCE_NUMBER", place), ("AFTER_SEQUENCE_NUMBER", place + 1)):
                token = iterator(self.db.call, self.arn, shard_id, kind, sequence_number=numbers[place])
                page = read(self.db.call, token).records
                assert [record.dynamodb.sequence_number for record in page] == numbers[first:]


@pytest.mark.parametrize("seed", range(12))
def test_a_stream_is_what_was_written(seed: int) -> None:
    run = Run(seed)
    for _ in range(220):
        run.step()
    run.check()
