"""Worker processes that are killed, and what they have done, beside what was written.

    python -m tests.support.worker_ledger --changes 50000 [--kills 20] [--server-kills 3] [--seed 1]

A server, and workers in processes of their own. While changes of ``table`` are written over gRPC, in
batches whose acknowledged number is the ledger, workers are killed with SIGKILL and started again,
shards are split, and now and then the server is killed and started again.

The handler adds each change to the log of its item in ``effects``, with exactly_once; so in the end the
log of each item is its changes, each once, in order. It also leaves a mark of each call in ``calls``,
outside of the transaction: at least one a change.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import kvdb
from kvdb import PutRequest
from kvdb.api.streams import UpdateStream
from kvdb.api.tables import StreamSpecification, UpdateTable
from kvdb.consumer.options import WorkerOptions
from kvdb.consumer.shard_sync import shards_of, streams_of
from kvdb.consumer.status import lease_statuses
from kvdb.errors import RetryableError
from tests.support.server_process import ServerProcess

WORKERS = 3
CHANGES_PER_ITEM = 50
BATCH = 25
WAIT_S = 600

HANDLER = """
import collections
import os


def handler(event, context):
    logs = collections.defaultdict(list)
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        logs[image["id"]["S"]].append(int(image["n"]["N"]))
    context.client.table("calls").put({
        "id": context.aws_request_id,
        "worker": os.getpid(),
        "changes": sum(map(len, logs.values())),
    })
    for item, numbers in logs.items():
        context.transaction.update(
            "effects",
            {"id": item},
            "SET done = list_append(if_not_exists(done, :none), :numbers)",
            values={":none": [], ":numbers": numbers},
        )
"""


@dataclass
class Outcome:
    """What a run has met."""

    changes: int
    kills: int = 0
    server_kills: int = 0
    splits: int = 0
    calls: int = 0
    handled: int = 0
    """Changes handed to handlers, repeats included."""
    seconds: float = 0.0


class WorkerProcess:
    """``kvdb worker`` in a process of its own."""

    def __init__(self, directory: Path, target: str) -> None:
        self._log = (directory / "workers.log").open("ab")
        command = [
            sys.executable,
            "-m",
            "kvdb",
            "worker",
            "--table",
            "changes",
            "--handler",
            "ledger_handler:handler",
        ]
        settings = [
            "--exactly-once",
            "--batch-size",
            "90",
            "--failover-ms",
            "1500",
            "--shard-sync-ms",
            "1000",
        ]
        self.process = subprocess.Popen(
            [*command, "--endpoint", target, *settings],
            cwd=directory,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("kvdb worker ready worker="), f"the worker did not begin: {line!r}"

    def kill(self) -> None:
        self.process.kill()
        self._end()

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.terminate()
        self._end()
        return self.process.returncode

    def _end(self) -> None:
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()


class Run:
    """One run."""

    def __init__(self, directory: Path, changes: int, kills: int, server_kills: int, seed: int) -> None:
        self._directory = directory
        self._items = max(changes // CHANGES_PER_ITEM, 1)
        self._chance = random.Random(seed)
        batches = range(1, changes // BATCH)
        self._kill_at = set(self._chance.sample(batches, kills))
        self._kill_server_at = set(self._chance.sample(batches, server_kills))
        self._written: Counter[int] = Counter()
        # A port that was free a moment ago: the server has to come back where its clients know it.
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = probe.getsockname()[1]
        self._target = f"grpc://127.0.0.1:{self._port}"
        self.outcome = Outcome(changes)

    def go(self) -> Outcome:
        (self._directory / "ledger_handler.py").write_text(HANDLER, encoding="utf-8")
        started = time.monotonic()
        self._server = self._new_server()
        workers: list[WorkerProcess] = []
        try:
            with kvdb.connect(self._target) as db:
                self._prepare(db)
                workers += (WorkerProcess(self._directory, self._target) for _ in range(WORKERS))
                asyncio.run(self._write_and_kill(db, workers))
                self._await_end(db)
                codes = [worker.stop() for worker in workers]
                assert codes == [0] * WORKERS, f"exit codes of workers: {codes}"
                workers.clear()
                self._compare(db)
        finally:
            for worker in workers:
                worker.kill()
            self._server.kill()
        self.outcome.seconds = time.monotonic() - started
        return self.outcome

    def _new_server(self) -> ServerProcess:
        return ServerProcess(self._directory / "data", "--grpc", f"127.0.0.1:{self._port}", doors=())

    def _prepare(self, db: kvdb.Client) -> None:
        for name in ("changes", "effects", "calls"):
            db.create_table(name, key=("id", "S"))
        db.call(UpdateTable("changes", stream_specification=StreamSpecification(True, "NEW_IMAGE")))

    async def _write_and_kill(self, db: kvdb.Client, workers: list[WorkerProcess]) -> None:
        changes = self.outcome.changes
        async with await kvdb.connect_async(self._target) as writer:
            for number in range(-(-changes // BATCH)):
                first = number * BATCH
                places = [place % self._items for place in range(first, min(first + BATCH, changes))]
                await self._write(writer, [self._change(place) for place in dict.fromkeys(places)])
                if number in self._kill_server_at:
                    self._server.kill()
                    self._server = await asyncio.to_thread(self._new_server)
                    self.outcome.server_kills += 1
                if number in self._kill_at:
                    victim = self._chance.randrange(WORKERS)
                    workers[victim].kill()
                    workers[victim] = await asyncio.to_thread(WorkerProcess, self._directory, self._target)
                    self.outcome.kills += 1
                    if self._chance.random() < 0.4:
                        self._split(db)

    async def _write(self, writer: kvdb.AsyncClient, puts: list[PutRequest]) -> None:
        """Until it is acknowledged. Putting what is there already changes nothing, and leaves no record."""
        while True:
            try:
                return await writer.batch_write({"changes": puts})
            except RetryableError:
                await asyncio.sleep(0.1)

    def _change(self, place: int) -> PutRequest:
        self._written[place] += 1
        return PutRequest({"id": f"item-{place}", "n": self._written[place]})

    def _split(self, db: kvdb.Client) -> None:
        try:
            self._split_one(db)
        except RetryableError:
            return
        self.outcome.splits += 1

    def _split_one(self, db: kvdb.Client) -> None:
        stream = streams_of(db, "changes")[-1].stream_arn
        shards = [shard for shard in shards_of(db, stream) if shard.ending_sequence_number is None]
        db.call(UpdateStream(stream, split_shard_id=self._chance.choice(shards).shard_id))

    def _await_end(self, db: kvdb.Client) -> None:
        deadline = time.monotonic() + WAIT_S
        while True:
            statuses = lease_statuses(db, "changes", WorkerOptions(), count_max=1_000, now_ms=0)
            if all(status.lag_records == 0 for status in statuses):
                return
            assert time.monotonic() < deadline, f"the workers did not catch up: {statuses}"
            time.sleep(0.2)

    def _compare(self, db: kvdb.Client) -> None:
        """The ledger beside the effects."""
        effects = {str(item["id"]): item["done"] for item in db.table("effects").scan()}
        expected = {f"item-{place}": list(range(1, count + 1)) for place, count in self._written.items()}
        wrong = {
            key: (effects.get(key), numbers)
            for key, numbers in expected.items()
            if effects.get(key) != numbers
        }
        assert not wrong, f"item: (effects, changes): {dict(list(wrong.items())[:3])}"
        assert effects.keys() == expected.keys()
        calls = list(db.table("calls").scan())
        self.outcome.calls = len(calls)
        self.outcome.handled = sum(int(str(call["changes"])) for call in calls)
        assert self.outcome.handled >= sum(self._written.values())
        assert len({call["worker"] for call in calls}) > 1, "one process did all the work"


def run(directory: Path, *, changes: int, kills: int, server_kills: int, seed: int) -> Outcome:
    """One run in ``directory``; raises ``AssertionError`` if the ledger and the effects differ."""
    return Run(directory, changes, kills, server_kills, seed).go()


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--changes", type=int, default=50_000)
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--server-kills", type=int, default=3)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        outcome = run(
            Path(directory),
            changes=given.changes,
            kills=given.kills,
            server_kills=given.server_kills,
            seed=given.seed,
        )
        print(outcome)
    return 0


if __name__ == "__main__":
    sys.exit(main())
