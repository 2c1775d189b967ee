"""Short ways to the things tests begin with: an environment, a database, a table, a table floor."""

from __future__ import annotations

from typing import NamedTuple

from kvdb.api.items import PutItem
from kvdb.api.tables import AttributeDefinition, CreateTable, KeySchemaElement
from kvdb.database.database import Database
from kvdb.env.entropy import SystemEntropy
from kvdb.env.env import Env
from kvdb.env.fs import FileSystem
from kvdb.env.hlc import HybridClock
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.metrics import Registry
from kvdb.options import DatabaseOptions, EngineOptions
from kvdb.table import keys
from kvdb.table.catalog import Catalog, Table
from kvdb.table.latches import Latches
from kvdb.table.writer import Writer, run
from kvdb.testing.inline_jobs import InlineJobs
from kvdb.testing.manual_clock import ManualClock
from kvdb.testing.mem_fs import MemFileSystem

DIRECTORY = "/db"


def make_env(fs: FileSystem | None = None, clock: ManualClock | None = None, region: int = 0) -> Env:
    """A world without threads, disk, chance or passing time."""
    clock = clock or ManualClock()
    return Env(
        clock=clock,
        hlc=HybridClock(clock, region),
        fs=fs or MemFileSystem(),
        entropy=SystemEntropy(seed=1),
        jobs=InlineJobs(clock),
        metrics=Registry(),
    )


def run_jobs(env: Env) -> None:
    """Let background work finish."""
    assert isinstance(env.jobs, InlineJobs)
    env.jobs.run_until_idle()


def open_database(env: Env | None = None, *, region: int = 0, **engine_options: object) -> Database:
    """A database on ``env``'s disk, by default a fresh one in memory."""
    options = DatabaseOptions(engine=EngineOptions(**engine_options), region=region)  # type: ignore[arg-type]
    return Database.open(DIRECTORY, options, env or make_env(region=region))


def table_request(
    name: str = "airports", key: tuple[str, str] = ("country", "S"), sort: tuple[str, str] | None = None
) -> CreateTable:
    """``CreateTable`` from ``(attribute name, type)`` pairs."""
    schema = [KeySchemaElement(key[0], "HASH")]
    definitions = [AttributeDefinition(*key)]  # type: ignore[arg-type]
    if sort is not None:
        schema.append(KeySchemaElement(sort[0], "RANGE"))
        definitions.append(AttributeDefinition(*sort))  # type: ignore[arg-type]
    return CreateTable(name, schema, definitions)


AIRPORTS = table_request(sort=("icao", "S"))
"""A table of airports: partition key ``country``, sort key ``icao``."""


class Floor(NamedTuple):
    """The table room on an engine of its own."""

    env: Env
    engine: Engine
    catalog: Catalog
    latches: Latches
    writer: Writer

    def create(self, request: CreateTable = AIRPORTS) -> Table:
        self.catalog.create(request)
        return self.catalog.table(request.table_name)


def open_floor(env: Env | None = None) -> Floor:
    env = env or make_env()
    engine = Engine.open(DIRECTORY, env, EngineOptions())
    catalog = Catalog(engine, env)
    latches = Latches()
    return Floor(env, engine, catalog, latches, Writer(catalog, engine, latches, env.hlc))


def reloaded(floor: Floor) -> Floor:
    """The same engine under a catalog that has to load what it knows."""
    return floor._replace(catalog=Catalog(floor.engine, floor.env))


def put_airport(floor: Floor, icao: str, table: str = "airports") -> None:
    request = PutItem(table, {"country": "IS", "icao": icao})
    run(floor.writer.put_item(request), floor.engine, floor.latches)


def row_count(floor: Floor, table_id: int) -> int:
    """Everything that lies under a table's id: rows, and rows of indexes."""
    return len(list(floor.engine.scan(*keys.prefix_range(keys.table_prefix(table_id)))))


class FailingEngine(Engine):
    """An engine whose writes fail with what ``failure`` holds."""

    failure: Exception | None = None

    def write(self, batch: WriteBatch) -> int:
        if self.failure is not None:
            raise self.failure
        return super().write(batch)


def failing_floor() -> tuple[Floor, FailingEngine]:
    floor = open_floor()
    floor.engine.close()
    engine = FailingEngine.open(DIRECTORY, floor.env)
    assert isinstance(engine, FailingEngine)
    return floor._replace(engine=engine, catalog=Catalog(engine, floor.env)), engine
