"""Databases to back up, stores to put them in, and what a restored directory holds."""

from __future__ import annotations

import random
from collections.abc import Iterable

from kvdb.backup import on_demand
from kvdb.backup.manifest import Manifest
from kvdb.backup.places import open_store
from kvdb.backup.store import BackupStore
from kvdb.client.embedded_transport import EmbeddedTransport
from kvdb.client.sync import Client
from kvdb.client.table_requests import GlobalIndex, LocalIndex
from kvdb.database.database import Database
from kvdb.env.env import Env
from kvdb.env.fs import FileSystem
from kvdb.lsm.engine import Engine, WriteBatch
from kvdb.options import DatabaseOptions, EngineOptions
from kvdb.table import keys
from kvdb.table.descriptor import KeyAttribute, TableDescriptor
from kvdb.testing import InlineJobs, ManualClock, MemFileSystem, sim_env
from tests.support.engines import content, put, small_options

Content = dict[bytes, bytes]


def make_table(engine: Engine, name: str, table_id: int) -> None:
    """A table as the catalog keeps it, without one."""
    descriptor = TableDescriptor(table_id, name, f"uuid-{name}", 0, KeyAttribute("k", "S"), None)
    batch = WriteBatch().put(keys.descriptor_key(name), descriptor.encoded())
    engine.write(batch.put(keys.NEXT_TABLE_ID_KEY, keys.next_table_id_value(table_id + 1)))


def fill(engine: Engine, chance: random.Random, count: int, table_ids: Iterable[int] = (1,)) -> None:
    """Puts, deletes and range deletes, in batches of one or more."""
    ids = list(table_ids)
    for _ in range(count):
        batch = WriteBatch()
        for _ in range(chance.choice([1, 1, 1, 3])):
            prefix = keys.table_prefix(chance.choice(ids))
            key = prefix + b"%03d" % chance.randrange(200)
            if chance.random() < 0.15:
                batch.delete(key)
            elif chance.random() < 0.02:
                batch.delete_range(key, prefix + b"%03d" % 999)
            else:
                batch.put(key, chance.randbytes(chance.choice([4, 30, 200])))
        engine.write(batch)


def store_of(env: Env, url: str = "store") -> BackupStore:
    return open_store(url, env)


def created_while_written(env: Env, engine: Engine, store: BackupStore, *, key: bytes) -> Manifest:
    """A backup, with a write that is in the log alone: it comes between the flush and the copying."""
    flush = engine.flush

    def flush_and_write() -> None:
        flush()
        put(engine, key, b"in the log alone")

    engine.flush = flush_and_write  # type: ignore[method-assign]
    try:
        return on_demand.create(env, engine, store)
    finally:
        engine.flush = flush  # type: ignore[method-assign]


def restored_content(fs: FileSystem, directory: str, options: EngineOptions | None = None) -> Content:
    """Everything in a restored database; and that it opens a second time."""
    engine = Engine.open(directory, sim_env(fs, seed=91), options or small_options())
    found = content(engine)
    engine.close()
    again = Engine.open(directory, sim_env(fs, seed=92), options or small_options())
    assert content(again) == found
    again.close()
    return found


def rows_of(found: Content, table_id: int) -> Content:
    prefix = keys.table_prefix(table_id)
    return {key: value for key, value in found.items() if key.startswith(prefix)}


def flip(fs: MemFileSystem, path: str, place: int, bit: int = 0) -> None:
    """Rot: one bit of a file changes."""
    fs._inode(path).content[place] ^= 1 << bit


def rich_database(fs: FileSystem, *, seed: int = 0, items: int = 120) -> tuple[Client, Engine, Env]:
    """A database with all that a table can have beside its rows: indexes, marks of expiry, changes."""
    env = sim_env(fs, seed=seed)
    options = DatabaseOptions(engine=small_options())
    database = Database.open("db", options, env)
    client = Client(EmbeddedTransport(database))
    orders = client.create_table(
        "orders",
        ("customer", "S"),
        ("order", "S"),
        indexes=[
            LocalIndex("by_total", ("total", "N"), "KEYS_ONLY"),
            GlobalIndex("by_city", ("city", "S"), ("order", "S"), ["tags"]),
            GlobalIndex("by_state", ("state", "S")),
        ],
        ttl="expires",
        stream="NEW_AND_OLD_IMAGES",
    )
    client.create_table("plain", ("k", "N"))
    chance = random.Random(seed)
    for number in range(items):
        item: dict[str, object] = {
            "customer": f"c{chance.randrange(8)}",
            "order": f"{chance.randrange(60):04d}",
            "total": chance.randrange(1000),
            "tags": {"a", f"t{number % 5}"},
        }
        if chance.random() < 0.7:
            item |= {"city": chance.choice(["Vik", "Hella"]), "state": chance.choice("xyz")}
        if chance.random() < 0.3:
            item["expires"] = 4_000_000_000 + number
        orders.put(item)
        client.table("plain").put({"k": number % 37, "v": number})
    assert isinstance(env.jobs, InlineJobs)
    assert isinstance(env.clock, ManualClock)
    env.jobs.run_until_idle()
    env.clock.advance_ms(100_000)
    env.jobs.run_until_idle()
    orders.update({"customer": "c1", "order": "0000"}, "SET #t = :n", names={"#t": "total"}, values={":n": 5})
    return client, database._floor.engine, env
