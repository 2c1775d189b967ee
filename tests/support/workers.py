"""A worker at work on a table with a stream, in one thread, by a clock moved by hand."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from kvdb.api.items import Page, Query, Scan
from kvdb.api.operations import Request, Result
from kvdb.api.streams import UpdateStream
from kvdb.api.tables import StreamSpecification, UpdateTable
from kvdb.client import paginate
from kvdb.client.sync import Client
from kvdb.consumer import Context, Handler, Worker, WorkerOptions
from kvdb.consumer.lease import Lease, LeaseTable
from kvdb.consumer.shard_sync import shards_of, streams_of
from kvdb.database.database import Database
from kvdb.env.entropy import SystemEntropy
from kvdb.env.env import Env
from kvdb.item.dynamo_json import JsonObject
from kvdb.testing.inline_jobs import InlineJobs
from kvdb.testing.manual_clock import ManualClock
from tests.support.builders import make_env, open_database

TABLE = "changes"


class FaultyTransport:
    """The embedded transport, with ``before`` and ``after`` every call; what they raise, it raises."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.before: Callable[[Request], None] = lambda request: None
        self.after: Callable[[Request], None] = lambda request: None

    def send(self, request: Request) -> Result:
        self.before(request)
        result = self._database.call(request)
        self.after(request)
        return result

    def stream(self, request: Query | Scan) -> Generator[Page, None, None]:
        return paginate.pages(self.send, request)

    def pause(self, ms: int) -> None:
        self._database.env.clock.sleep_ms(ms)

    def close(self) -> None:
        self._database.close()


@dataclass
class Recorder:
    """A handler that keeps what it was given. ``act`` may answer, raise, or use the context."""

    act: Callable[[JsonObject, Context], object] = lambda event, context: None
    events: list[JsonObject] = field(default_factory=list)

    def __call__(self, event: JsonObject, context: Context) -> object:
        self.events.append(event)
        return self.act(event, context)

    @property
    def batches(self) -> list[list[int]]:
        """``n`` of the items in each call's records."""
        return [numbers_of(event) for event in self.events]

    @property
    def numbers(self) -> list[int]:
        return [number for batch in self.batches for number in batch]


def numbers_of(event: JsonObject) -> list[int]:
    records = event["Records"]
    assert isinstance(records, list)
    return [int(record["dynamodb"]["NewImage"]["n"]["N"]) for record in records]


class Shop:
    """A database with the table ``changes``, whose stream has one shard, and workers on it."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.database = open_database(make_env(clock=self.clock))
        self.transport = FaultyTransport(self.database)
        self.client = Client(self.transport)
        self.table = self.client.create_table(TABLE, key=("id", "S"))
        self.client.create_table("effects", key=("id", "S"))
        self.enable_stream()
        while len(self.open_shards()) > 1:
            first, second, *_ = self.open_shards()
            self.client.call(UpdateStream(self.stream_arn, merge_shard_ids=[first, second]))
        self.workers: list[Worker] = []
        self._names = count()

    def enable_stream(self, *, is_enabled: bool = True) -> None:
        view = "NEW_AND_OLD_IMAGES" if is_enabled else None
        specification = StreamSpecification(is_enabled, view)
        self.client.call(UpdateTable(TABLE, stream_specification=specification))

    @property
    def stream_arn(self) -> str:
        return streams_of(self.client, TABLE)[-1].stream_arn

    def open_shards(self) -> list[str]:
        shards = sorted(shards_of(self.client, self.stream_arn), key=lambda shard: shard.hash_start)
        return [shard.shard_id for shard in shards if shard.ending_sequence_number is None]

    def split(self) -> None:
        self.client.call(UpdateStream(self.stream_arn, split_shard_id=self.open_shards()[0]))

    def put(self, *numbers: int, id: str = "a", filling: str = "") -> None:
        for number in numbers:
            self.table.put({"id": id, "n": number, "filling": filling})

    def start(self, handler: Handler, *, env: Env | None = None, **options: object) -> Worker:
        """A worker of these options, begun and not stepped yet."""
        number = next(self._names)
        env = env or replace(make_env(clock=self.clock), entropy=SystemEntropy(number))
        worker = Worker(
            self.client,
            table=TABLE,
            handler=handler,
            options=WorkerOptions(**options),  # type: ignore[arg-type]
            worker_id=f"worker-{number}",
            env=env,
        )
        worker.start()
        self.workers.append(worker)
        return worker

    def turn(self, *workers: Worker, ms: int = 2_000) -> None:
        """Let some time pass, with these workers (or all) at work."""
        for _ in range(ms // 100):
            for worker in workers or self.workers:
                jobs_of(worker).run_until_idle()
            self.clock.advance_ms(100)

    def leases(self, application: str = "worker") -> list[Lease]:
        return LeaseTable(self.client, f"{TABLE}.{application}.leases").all()

    def lease(self) -> Lease:
        """Of the first open shard."""
        shard_id = self.open_shards()[0]
        return next(lease for lease in self.leases() if lease.shard_id == shard_id)

    def effects(self) -> dict[str, Mapping[str, object]]:
        return {str(item["id"]): item for item in self.client.table("effects").scan()}


def jobs_of(worker: Worker) -> InlineJobs:
    assert isinstance(worker.env.jobs, InlineJobs)
    return worker.env.jobs
