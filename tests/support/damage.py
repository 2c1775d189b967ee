"""A small database with one of every file, and disks on which one file is not what it was."""

from __future__ import annotations

import dataclasses
import random
from typing import NamedTuple

from kvdb.env.fs import join, read_all
from kvdb.errors import StorageError
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.lsm.sstable.reader import SstableReader, stated_by
from kvdb.options import EngineOptions, SyncMode
from kvdb.testing import InlineJobs, MemFileSystem, sim_env
from tests.support.crash import DIRECTORY, State

Files = dict[str, bytes]
"""Name in the database directory -> content."""


def options(sync: SyncMode = "commit") -> EngineOptions:
    """Blocks are stored plain, so that sstables of as many entries have one size."""
    return EngineOptions(
        sync=sync,
        memtable_size_bytes=3_500,
        block_size_bytes=300,
        frozen_memtables_max=4,
        compression="none",
    )


def disk_of(files: Files) -> MemFileSystem:
    """A disk with these files in the database directory."""
    fs = MemFileSystem()
    fs.make_dir("data")
    fs.make_dir(DIRECTORY)
    for name, content in files.items():
        fs.create(join(DIRECTORY, name)).append(content)
    return fs


def files_of(fs: MemFileSystem) -> Files:
    names = [name for name in fs.list_dir(DIRECTORY) if name != "quarantine"]
    return {name: read_all(fs, join(DIRECTORY, name)) for name in names}


class Sample(NamedTuple):
    """A database as it lies on disk."""

    files: Files
    state: State
    states: list[State]
    """The content after each write; the last is ``state``."""

    def name(self, ending: str) -> str:
        """The last file, in order of names, with this ending or beginning."""
        return [name for name in self.files if name.endswith(ending) or name.startswith(ending)][-1]


def sample(sync: SyncMode = "commit", seed: int = 5) -> Sample:
    """Four sstables, two logs (one memtable is frozen and not flushed), a manifest with edits; as
    a killed process leaves it. Another ``seed`` makes another database with the same writes."""
    fs = MemFileSystem()
    env = sim_env(fs, seed=seed)
    engine = Engine.open(DIRECTORY, env, options(sync))
    state: State = {}
    states: list[State] = [state]

    def put(number: int, size: int) -> None:
        key, value = b"key-%03d" % number, (b"%03d:" % number * size)[:size]
        engine.write(WriteBatch().put(key, value).delete(b"key-%03d" % (number - 7)))
        state = {**states[-1], key: value}
        state.pop(b"key-%03d" % (number - 7), None)
        states.append(state)

    for number in range(10):
        put(number, 30)
    engine.flush()
    for number in range(10, 20):
        put(number, 30)
    engine.flush()
    for number in range(20, 28):
        put(number, 500)
    files = files_of(fs)
    assert sum(name.endswith(".log") for name in files) == 2
    assert sum(name.endswith(".sst") for name in files) == 4
    return Sample(files, states[-1], states)


def outcome(files: Files, sync: SyncMode = "commit") -> State | StorageError:
    """What the engine says of these files: their content, or why it refuses them.

    Any other error, and any difference between reading all and reading each, is a failure.
    """
    try:
        engine = Engine.open(DIRECTORY, sim_env(disk_of(files), seed=6), options(sync))
        found = dict(engine.scan(b"", b""))
        assert dict(engine.scan(b"", b"", reverse=True)) == found
        assert all(engine.get(key) == value for key, value in found.items())
    except StorageError as error:
        return error
    return found


def rich_sample(seed: int) -> Sample:
    """A database of a seeded history: several levels, range deletes, frozen memtables, options by chance."""
    chance = random.Random(seed)
    fs = MemFileSystem()
    env = sim_env(fs, seed=seed)
    options = dataclasses.replace(
        options_by_chance(chance), memtable_size_bytes=chance.choice([1_500, 4_000])
    )
    engine = Engine.open(DIRECTORY, env, options)
    state: State = {}
    for number in range(110):
        key = b"key-%03d" % chance.randrange(80)
        kind = chance.random()
        if kind < 0.05:
            end = b"key-%03d" % (int(key[4:]) + chance.randrange(1, 20))
            engine.write(WriteBatch().delete_range(key, end))
            state = {each: value for each, value in state.items() if not key <= each < end}
        elif kind < 0.2:
            engine.write(WriteBatch().delete(key))
            state.pop(key, None)
        else:
            value = b"%d:" % number + chance.choice([b"\0", b"v", b"text "]) * chance.choice([0, 10, 60])
            engine.write(WriteBatch().put(key, value))
            state[key] = value
        assert isinstance(env.jobs, InlineJobs)
        if chance.random() < 0.1:
            env.jobs.run_until_idle()
    return Sample(files_of(fs), state, [])


def options_by_chance(chance: random.Random, sync: SyncMode = "commit") -> EngineOptions:
    """Small sizes and every switch that must not change an answer."""
    switches: dict[str, object] = {}
    names = {field.name for field in dataclasses.fields(EngineOptions)}
    if "compression" in names:
        switches["compression"] = chance.choice(["zstd", "none"])
    return EngineOptions(
        sync=sync,
        memtable_size_bytes=chance.choice([1_500, 6_000, 40_000]),
        frozen_memtables_max=chance.choice([1, 3]),
        block_size_bytes=chance.choice([60, 400, 4_096]),
        bloom_bits_per_key=chance.choice([0, 6, 12, 16]),
        level0_tables_max=chance.choice([2, 4]),
        level0_tables_stall=chance.choice([5, 12]),
        sstable_size_bytes=chance.choice([1_000, 5_000, 100_000]),
        block_cache_bytes=chance.choice([0, 2_000, 1_000_000]),
        open_sstables_max=chance.choice([1, 3, 500]),
        base_level_bytes=chance.choice([4_000, 20_000, None]),
        **switches,  # type: ignore[arg-type]  # by name
    )


def blocks_of(sample: Sample, name: str) -> list[tuple[int, int]]:
    """Where the data blocks of an sstable begin and end."""
    disk, number = disk_of(sample.files), int(name.split(".")[0])
    stated = stated_by(disk, DIRECTORY, number)
    reader = SstableReader(disk, DIRECTORY, number, unique_id=stated.unique_id, size=stated.size, cache=None)
    return [(handle.offset, handle.offset + handle.length) for handle, _ in reader.places]
