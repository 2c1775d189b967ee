"""A disk without room: a clear refusal, reads and deletes go on, and so do writes when room comes back."""

from __future__ import annotations

import random

import pytest

from kvdb.env.env import Env
from kvdb.errors import DiskFull, KvdbError
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.options import EngineOptions
from kvdb.testing import InlineJobs, ManualClock, MemFileSystem, sim_env
from tests.support.crash import DIRECTORY, State

OPTIONS = EngineOptions(
    memtable_size_bytes=4_000,
    block_size_bytes=512,
    sstable_size_bytes=8_000,
    level0_tables_max=2,
    level0_tables_stall=6,
    base_level_bytes=8_000,
    min_free_bytes=20_000,
    compression="none",
    ballast_bytes=6_000,
)


def opened(fs: MemFileSystem, options: EngineOptions = OPTIONS, seed: int = 0) -> tuple[Engine, Env]:
    env = sim_env(fs, seed=seed)
    return Engine.open(DIRECTORY, env, options), env


def rest(env: Env, pause_ms: int = 10_000) -> None:
    """Let the background work, after a pause that ends its waiting."""
    assert isinstance(env.jobs, InlineJobs)
    assert isinstance(env.clock, ManualClock)
    env.clock.advance_ms(pause_ms)
    env.jobs.run_until_idle()
    assert env.jobs.errors == []


def content(engine: Engine) -> State:
    return dict(engine.scan(b"", b""))


def filled(capacity: int) -> tuple[Engine, Env, MemFileSystem, State]:
    """Written to until the disk has no room for puts."""
    fs = MemFileSystem()
    fs.capacity_bytes = capacity
    engine, env = opened(fs)
    state: State = {}
    chance = random.Random(capacity)
    for number in range(10_000):
        key, value = b"key-%05d" % number, chance.randbytes(200)
        try:
            engine.write(WriteBatch().put(key, value))
        except DiskFull as refused:
            assert refused.retryable
            return engine, env, fs, state
        state[key] = value
        rest(env)
    raise AssertionError("the disk did not fill up")


@pytest.fixture(autouse=True)
def ask_before_every_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kvdb.lsm.space.CHECK_BYTES", 1)


def test_puts_stop_before_the_last_room_is_gone_and_reads_go_on() -> None:
    engine, _, fs, state = filled(100_000)
    assert fs.free_bytes(DIRECTORY) > 0
    assert content(engine) == state
    with pytest.raises(DiskFull):
        engine.write(WriteBatch().put(b"another", b"x"))
    assert engine.get(b"another") is None


def test_deletes_go_on_until_all_is_deleted_and_then_puts_do() -> None:
    engine, env, _, state = filled(100_000)
    for key in state:
        engine.write(WriteBatch().delete(key))
        rest(env)
    assert content(engine) == {}
    engine.compact()
    rest(env)
    engine.write(WriteBatch().put(b"again", b"x"))
    assert content(engine) == {b"again": b"x"}


def test_on_a_disk_that_others_filled_the_ballast_lets_deletes_through() -> None:
    engine, env, fs, state = filled(100_000)
    assert fs.exists(f"{DIRECTORY}/BALLAST")
    fs.capacity_bytes = fs.used_bytes
    deleted = 0
    for key in state:
        engine.write(WriteBatch().delete(key))
        deleted += 1
        if not fs.exists(f"{DIRECTORY}/BALLAST"):
            break
    assert 0 < deleted < len(state)
    left = dict(list(state.items())[deleted:])
    assert content(engine) == left
    with pytest.raises(DiskFull):
        engine.write(WriteBatch().put(b"x", b"x"))
    fs.capacity_bytes = 200_000
    rest(env)
    engine.write(WriteBatch().put(b"x", b"x"))
    engine.flush()
    rest(env)
    assert fs.exists(f"{DIRECTORY}/BALLAST"), "made again when there is room"
    assert content(engine) == {**left, b"x": b"x"}


def test_writes_go_on_by_themselves_when_room_comes_back() -> None:
    engine, env, fs, state = filled(100_000)
    fs.capacity_bytes = 300_000
    for number in range(200):
        key = b"more-%04d" % number
        engine.write(WriteBatch().put(key, key * 10))
        state[key] = key * 10
        rest(env)
    assert content(engine) == state


@pytest.mark.parametrize("spare", [0, 100, 1_000, 3_000])
def test_a_full_disk_under_flush_and_compaction_keeps_everything(spare: int) -> None:
    # Without a reserve and a ballast the engine runs into the end of the disk itself.
    options = EngineOptions(
        memtable_size_bytes=4_000,
        block_size_bytes=512,
        sstable_size_bytes=8_000,
        level0_tables_max=2,
        level0_tables_stall=6,
        min_free_bytes=0,
        compression="none",
        ballast_bytes=0,
    )
    fs = MemFileSystem()
    engine, env = opened(fs, options)
    state: State = {}
    for number in range(60):
        key = b"key-%03d" % (number % 40)
        engine.write(WriteBatch().put(key, b"%d;" % number * 40))
        state[key] = b"%d;" % number * 40
        if number % 9 == 0:
            rest(env)
    fs.capacity_bytes = fs.used_bytes + spare
    refused = 0
    for number in range(120):
        key = b"key-%03d" % (number % 50)
        try:
            engine.write(WriteBatch().put(key, b"%d!" % number * 40))
        except KvdbError as error:
            assert isinstance(error, DiskFull), error
            refused += 1
        else:
            state[key] = b"%d!" % number * 40
        rest(env)
        assert content(engine) == state
    assert refused > 50
    fs.capacity_bytes = None
    rest(env)
    engine.write(WriteBatch().put(b"after", b"x"))
    engine.flush()
    engine.compact()
    state[b"after"] = b"x"
    assert content(engine) == state
    engine.close()
    again, _ = opened(fs, options, seed=9)
    assert content(again) == state
    assert fs.used_bytes < 60_000, "outputs that were given up are gone"


def test_a_database_on_a_full_disk_can_be_read_after_it_was_killed() -> None:
    engine, _, fs, state = filled(100_000)
    assert content(engine) == state
    fs.capacity_bytes = fs.used_bytes
    fs.kill_processes()
    try:
        again, _ = opened(fs, seed=3)
    except DiskFull:
        # Recovery writes a new log and manifest: with no room at all it says so, and changes nothing.
        fs.capacity_bytes += 30_000
        again, _ = opened(fs, seed=4)
    assert content(again) == state
