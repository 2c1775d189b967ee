"""Workers on one database in one thread, from one seed: kills, pauses past lease expiry, splits.

    python -m tests.support.worker_sim --seeds 1000 [--first 1] [--exactly-once]

A run writes changes while workers come and go, then lets what is left catch up, and compares with the
stream itself. Calls of workers fail now and then, before they are made or after, so that their outcome
is unknown. A worker that is *killed* is never stepped again; one that is *paused* is not stepped
until its leases have expired, and goes on as if nothing had been; both also happen in the middle of a
handler. What must hold:

- every change was handled, and never one of an item before an earlier one of it had been;
- with exactly_once: the effects of each item are its changes, each once, in order.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from unittest.mock import patch

from kvdb.api.operations import Request
from kvdb.api.streams import UpdateStream
from kvdb.api.tables import StreamSpecification, UpdateTable
from kvdb.client.embedded_transport import EmbeddedTransport
from kvdb.client.sync import Client
from kvdb.consumer import Context, Worker, WorkerOptions, shard_sync
from kvdb.consumer.lease import TRIM_HORIZON, Lease, Progress
from kvdb.consumer.shard_sync import shards_of, streams_of
from kvdb.consumer.source import ShardReader
from kvdb.env.env import Env
from kvdb.errors import ServiceUnavailable
from kvdb.item.dynamo_json import JsonObject
from kvdb.testing.inline_jobs import InlineJobs
from kvdb.testing.manual_clock import ManualClock
from tests.support.builders import make_env, open_database
from tests.support.workers import FaultyTransport

TABLE = "changes"
EFFECTS = "effects"
FAILOVER_MS = 10_000
WORKERS = 8


class Killed(BaseException):
    """The process ended here."""


@dataclass
class Simulated:
    """A worker and its world."""

    worker: Worker
    env: Env
    is_alive: bool = True
    paused_until_ns: int = 0

    @property
    def jobs(self) -> InlineJobs:
        assert isinstance(self.env.jobs, InlineJobs)
        return self.env.jobs


@dataclass
class Coverage:
    """What a run has met: one that met little has shown little."""

    changes: int = 0
    kills: int = 0
    kills_in_handler: int = 0
    pauses: int = 0
    pauses_in_handler: int = 0
    divisions: int = 0
    leases_lost: int = 0
    repeats: int = 0
    calls_failed: int = 0
    answers_lost: int = 0


@dataclass
class World:
    """One run."""

    seed: int
    options: WorkerOptions
    workers_max: int = WORKERS
    chance: random.Random = field(init=False)
    covered: Coverage = field(default_factory=Coverage)
    handled: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Item -> the sequence numbers that handlers were given, in the order of the calls."""

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.clock = ManualClock()
        self.env = make_env(clock=self.clock)
        self.database = open_database(self.env)
        self.client = Client(EmbeddedTransport(self.database))
        transport = FaultyTransport(self.database)
        transport.before, transport.after = self._before_call, self._after_call
        self._worker_client = Client(transport)
        self.table = self.client.create_table(TABLE, key=("id", "S"))
        specification = StreamSpecification(True, "NEW_AND_OLD_IMAGES")
        self.client.call(UpdateTable(TABLE, stream_specification=specification))
        self.client.create_table(EFFECTS, key=("id", "S"))
        self.workers: list[Simulated] = []
        self._started = 0
        self._depth = 0
        self._written = 0
        self._may_disturb = True

    # What happens.

    def run(self, changes: int) -> None:
        """Write ``changes`` changes with everything going on, then let the workers catch up."""
        while self._written < changes:
            self._act()
        self._may_disturb = False
        self._catch_up()

    def _act(self) -> None:
        action = self.chance.random()
        if action < 0.05:
            self._write()
        elif action < 0.80:
            self._step_one()
        elif action < 0.96:
            self.clock.advance_ms(self.chance.choice([1, 50, 300, 2_000]))
        elif action < 0.965:
            self._divide()
        elif action < 0.97:
            self._kill()
        elif action < 0.978:
            self._pause()
        elif action < 0.98:
            self.clock.set_wall_ms(self.clock.wall_ms() + self.chance.choice([-3_600_000, 1_200_000]))
        elif len(self._alive()) < self.workers_max:
            self._start()

    def _write(self) -> None:
        for _ in range(self.chance.choice([1, 1, 5])):
            self._written += 1
            key = {"id": f"item-{self.chance.randrange(12)}"}
            if self.chance.random() < 0.1:
                self.table.delete(key)
            else:
                self.table.put({**key, "n": self._written})

    def _divide(self) -> None:
        stream = streams_of(self.client, TABLE)[0].stream_arn
        open_shards = [
            shard for shard in shards_of(self.client, stream) if shard.ending_sequence_number is None
        ]
        shard = self.chance.choice(open_shards)
        neighbours = [other for other in open_shards if other.hash_start == shard.hash_end]
        if len(open_shards) > 6 and neighbours:
            request = UpdateStream(stream, merge_shard_ids=[shard.shard_id, neighbours[0].shard_id])
        elif self.chance.random() < 0.2:
            request = UpdateStream(stream, rotate=True)
        else:
            request = UpdateStream(stream, split_shard_id=shard.shard_id)
        self.client.call(request)
        self.covered.divisions += 1

    def _start(self) -> None:
        self._started += 1
        env = make_env(clock=self.clock)
        # A seed of its own: workers of one chance would all do the same.
        env = Env(
            self.clock,
            env.hlc,
            env.fs,
            type(env.entropy)(self.seed * 1000 + self._started),
            env.jobs,
            env.metrics,
        )
        worker = Worker(
            self._worker_client,
            table=TABLE,
            handler=self._handler,
            options=self.options,
            worker_id=f"worker-{self._started}",
            env=env,
        )
        try:
            worker.start()
        except ServiceUnavailable:
            return
        self.workers.append(Simulated(worker, env))

    def _before_call(self, request: Request) -> None:
        if self._may_disturb and self.chance.random() < 0.01:
            self.covered.calls_failed += 1
            raise ServiceUnavailable("not made")

    def _after_call(self, request: Request) -> None:
        if self._may_disturb and self.chance.random() < 0.01:
            self.covered.answers_lost += 1
            raise ServiceUnavailable("made, but the answer is lost")

    def _alive(self) -> list[Simulated]:
        now_ns = self.clock.monotonic_ns()
        return [each for each in self.workers if each.is_alive and each.paused_until_ns <= now_ns]

    def _kill(self) -> None:
        if alive := self._alive():
            self.chance.choice(alive).is_alive = False
            self.covered.kills += 1

    def _pause(self) -> None:
        if alive := self._alive():
            paused = self.chance.choice(alive)
            paused.paused_until_ns = self.clock.monotonic_ns() + 3 * FAILOVER_MS * 1_000_000
            self.covered.pauses += 1

    def _step_one(self) -> None:
        due = [(simulated, job) for simulated in self._alive() for job in simulated.jobs._jobs if job.is_due]
        if due:
            simulated, job = self.chance.choice(due)
            try:
                job.step()
            except Killed:
                simulated.is_alive = False
                self.covered.kills_in_handler += 1
            self._check_alive(simulated)

    def _check_alive(self, simulated: Simulated) -> None:
        if simulated.worker.error is not None:
            raise AssertionError(f"seed {self.seed}: a worker failed") from simulated.worker.error
        assert simulated.jobs.errors == [] or not simulated.is_alive, simulated.jobs.errors

    def _catch_up(self) -> None:
        for simulated in self.workers:
            simulated.paused_until_ns = 0
        while len(self._alive()) < 2:
            self._start()
        total = len(self.truth())
        for _ in range(400):
            for _ in range(100):
                self._step_one()
            self.clock.advance_ms(500)
            if self._count_handled() == total and self._is_written_down():
                return
        raise AssertionError(f"seed {self.seed}: {self._count_handled()} of {total} changes were handled")

    def _count_handled(self) -> int:
        return sum(len(set(numbers)) for numbers in self.handled.values())

    def _is_written_down(self) -> bool:
        if not self.options.exactly_once:
            return True
        effects = self.effects()
        return sum(map(len, effects.values())) >= len(self.truth())

    # What handlers do.

    def _handler(self, event: JsonObject, context: Context) -> object:
        records = event["Records"]
        assert isinstance(records, list)
        middle = self.chance.randrange(len(records) + 1)
        effects: dict[str, list[str]] = defaultdict(list)
        for place, record in enumerate(records):
            if place == middle:
                self._disturb()
            item = record["dynamodb"]["Keys"]["id"]["S"]
            number = record["dynamodb"]["SequenceNumber"]
            self.covered.repeats += number in self.handled[item]
            self.handled[item].append(number)
            effects[item].append(number)
        if self.options.exactly_once:
            for item, numbers in effects.items():
                context.transaction.update(
                    EFFECTS,
                    {"id": item},
                    "SET done = list_append(if_not_exists(done, :none), :numbers)",
                    values={":none": [], ":numbers": numbers},
                )
        return None

    def _disturb(self) -> None:
        """In the middle of a handler: die, or stand still while the others go on."""
        if not self._may_disturb or self._depth:
            return
        what = self.chance.random()
        if what < 0.05:
            raise Killed
        if what < 0.10:
            raise ValueError("the handler fails")
        if what < 0.20:
            self.covered.pauses_in_handler += 1
            self._depth += 1
            try:
                for _ in range(30):
                    self.clock.advance_ms(1_000)
                    for _ in range(20):
                        self._step_another()
            finally:
                self._depth -= 1

    def _step_another(self) -> None:
        # The one in whose handler this happens has a job that is running, so all of it stands still.
        others = [each for each in self._alive() if not any(job._is_running for job in each.jobs._jobs)]
        due = [job for each in others for job in each.jobs._jobs if job.is_due]
        if due:
            self.chance.choice(due).step()

    # What must hold.

    def truth(self) -> dict[str, str]:
        """Every change of the stream: sequence number -> item."""
        found: dict[str, str] = {}
        stream = streams_of(self.client, TABLE)[0]
        for shard in shards_of(self.client, stream.stream_arn):
            lease = Lease("", stream.stream_arn, shard.shard_id, (), Progress(TRIM_HORIZON))
            reader = ShardReader(self.client, lease, "fail")
            while records := reader.read(1_000):
                found.update(
                    (each.dynamodb.sequence_number, str(each.dynamodb.keys["id"])) for each in records
                )
                if reader.is_ended:
                    break
        return found

    def effects(self) -> dict[str, list[str]]:
        return {str(row["id"]): list(row["done"]) for row in self.client.table(EFFECTS).scan()}  # type: ignore[call-overload]

    def check(self) -> None:
        """Compare what was handled with the stream."""
        expected: dict[str, list[str]] = defaultdict(list)
        for number, item in sorted(self.truth().items()):
            expected[item].append(number)
        for item, numbers in expected.items():
            first_times = list(dict.fromkeys(self.handled[item]))
            assert first_times == numbers, f"seed {self.seed}: {item} was handled as {first_times}"
        if self.options.exactly_once:
            effects = self.effects()
            assert effects == dict(expected), f"seed {self.seed}: effects differ from the changes"
        self.covered.changes += sum(map(len, expected.values()))
        self.covered.leases_lost += sum(
            int(each.env.metrics.read()["worker_leases_lost_total"]) for each in self.workers
        )


def options_of(seed: int, *, exactly_once: bool) -> WorkerOptions:
    """Settings that vary with the seed."""
    chance = random.Random(seed)
    return WorkerOptions(
        batch_size=chance.choice([1, 3, 20]),
        parallelization_factor=chance.choice([1, 1, 3]),
        bisect_batch_on_function_error=chance.random() < 0.3,
        exactly_once=exactly_once,
        failover_ms=FAILOVER_MS,
        threads_max=4,
    )


def simulate(seed: int, *, exactly_once: bool, changes: int = 150) -> Coverage:
    """One run; raises ``AssertionError`` if something did not hold."""
    world = World(seed, options_of(seed, exactly_once=exactly_once))
    try:
        with patch.object(shard_sync, "FINISHED_KEPT_MAX", random.Random(seed).choice([100, 3])):
            world.run(changes)
            world.check()
    finally:
        world.database.close()
    return world.covered


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, default=100)
    arguments.add_argument("--first", type=int, default=1)
    arguments.add_argument("--exactly-once", action="store_true")
    given = arguments.parse_args()
    logging.disable()
    for seed in range(given.first, given.first + given.seeds):
        print(seed, simulate(seed, exactly_once=given.exactly_once), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
