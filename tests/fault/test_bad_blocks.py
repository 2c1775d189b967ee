"""A bad block fails the read that needs it, by file and offset; others go on, and operators are told."""

from __future__ import annotations

import logging

import pytest

from kvdb.env.fs import join
from kvdb.errors import CorruptionError
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.options import EngineOptions
from kvdb.testing import InlineJobs, MemFileSystem, sim_env
from tests.support.crash import DIRECTORY
from tests.support.damage import files_of

OPTIONS = EngineOptions(block_size_bytes=200, compression="none", block_cache_bytes=0)


def with_a_bad_first_block() -> tuple[MemFileSystem, str]:
    """One hundred keys in an sstable whose first block is damaged."""
    fs = MemFileSystem()
    engine = Engine.open(DIRECTORY, sim_env(fs), OPTIONS)
    for number in range(100):
        engine.write(WriteBatch().put(b"%03d" % number, b"v" * 30))
    engine.flush()
    engine.close()
    (name,) = [name for name in files_of(fs) if name.endswith(".sst")]
    data = bytearray(files_of(fs)[name])
    data[8] ^= 1
    fs.remove(join(DIRECTORY, name))
    fs.create(join(DIRECTORY, name)).append(bytes(data))
    return fs, name


def test_only_reads_of_the_bad_block_fail() -> None:
    fs, name = with_a_bad_first_block()
    engine = Engine.open(DIRECTORY, sim_env(fs, seed=2), OPTIONS)
    for read in (
        lambda: engine.get(b"000"),
        lambda: list(engine.scan(b"", b"")),
        lambda: list(engine.scan(b"", b"", reverse=True)),
        lambda: list(engine.versions(b"000")),
    ):
        with pytest.raises(CorruptionError) as refused:
            read()
        assert (refused.value.file, refused.value.offset) == (name, 0)
    assert engine.get(b"099") == b"v" * 30
    assert len(list(engine.scan(b"050", b""))) == 50
    engine.write(WriteBatch().put(b"new", b"1"))
    assert engine.get(b"new") == b"1"
    engine.close()


def test_a_read_before_the_bad_block_gives_what_it_had_and_then_fails() -> None:
    fs, _ = with_a_bad_first_block()
    engine = Engine.open(DIRECTORY, sim_env(fs, seed=2), OPTIONS)
    found = []
    with pytest.raises(CorruptionError):
        for key, _ in engine.scan(b"", b"", reverse=True):
            found.append(key)  # what came before the error counts
    assert found[0] == b"099"
    assert 80 < len(found) < 100


def test_the_damaged_file_is_marked_and_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    fs, name = with_a_bad_first_block()
    env = sim_env(fs, seed=2)
    engine = Engine.open(DIRECTORY, env, OPTIONS)
    assert engine.damaged_files == frozenset()
    logging.getLogger("kvdb").setLevel(logging.ERROR)
    for _ in range(3):
        with pytest.raises(CorruptionError):
            engine.get(b"000")
    assert engine.damaged_files == {name}
    assert env.metrics.read()["lsm_damaged_files"] == 1
    assert sum("damage met by a read" in record.message for record in caplog.records) == 1


def test_a_compaction_that_meets_it_keeps_its_inputs_and_tries_again_later() -> None:
    fs, name = with_a_bad_first_block()
    env = sim_env(fs, seed=2)
    engine = Engine.open(DIRECTORY, env, OPTIONS)
    for number in range(100):
        engine.write(WriteBatch().put(b"%03d" % number, b"w" * 30))
    engine.flush()
    with pytest.raises(CorruptionError) as refused:
        engine.compact()
    assert refused.value.file == name
    assert isinstance(env.jobs, InlineJobs)
    env.jobs.run_until_idle()
    assert env.jobs.errors == []
    assert engine.get(b"000") == b"w" * 30, "the newer file answers before the bad block is looked at"
    assert name in fs.list_dir(DIRECTORY)
