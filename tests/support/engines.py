"""Engines for tests: small enough that a few writes reach every level."""

from __future__ import annotations

from kvdb.env.env import Env
from kvdb.env.fs import FileSystem
from kvdb.lsm.engine import Engine, WriteBatch
from kvdb.options import EngineOptions, SyncMode
from kvdb.testing import sim_env


def small_options(sync: SyncMode = "commit", **changes: int | bool) -> EngineOptions:
    """Memtables of a dozen entries, blocks and sstables of a handful."""
    settings = {
        "memtable_size_bytes": 4_000,
        "block_size_bytes": 128,
        "sstable_size_bytes": 1_000,
        "level0_tables_max": 2,
        "level0_tables_stall": 4,
        "base_level_bytes": 8_000,
        "frozen_memtables_max": 1,
    }
    return EngineOptions(sync=sync, **{**settings, **changes})


def open_engine(fs: FileSystem, options: EngineOptions | None = None, *, seed: int = 0) -> tuple[Engine, Env]:
    env = sim_env(fs, seed=seed)
    return Engine.open("db", env, options or small_options()), env


def put(engine: Engine, key: bytes, value: bytes) -> None:
    engine.write(WriteBatch().put(key, value))


def content(engine: Engine) -> dict[bytes, bytes]:
    return dict(engine.scan(b"", b""))


def names(fs: FileSystem, kind: str) -> list[str]:
    """The files of the database whose names end (sstable, log) or begin (manifest) with ``kind``."""
    return [name for name in fs.list_dir("db") if name.endswith(kind) or name.startswith(kind)]
