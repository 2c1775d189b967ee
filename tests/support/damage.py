"""A small database with one of every file, and disks on which one file is not what it was."""

from __future__ import annotations

from typing import NamedTuple

from kvdb.env.fs import join, read_all
from kvdb.errors import StorageError
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.options import EngineOptions, SyncMode
from kvdb.testing import MemFileSystem, sim_env
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
