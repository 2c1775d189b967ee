"""A pin holds the files of one moment; its copy is a database with that moment's content."""

from __future__ import annotations

import contextlib
import random

import pytest

from kvdb.env.fs import join, read_all
from kvdb.errors import ClosedError, CorruptionError, NotADatabase, ReadOnlyDegraded
from kvdb.lsm.engine import Engine, WriteBatch
from kvdb.testing import Fault, FaultyFileSystem, MemFileSystem, PowerLoss, sim_env
from tests.support.engines import content, names, open_engine, put, small_options


def copied(fs: MemFileSystem) -> dict[bytes, bytes]:
    engine = Engine.open("copy", sim_env(fs, seed=77), small_options())
    found = content(engine)
    engine.close()
    return found


def write_some(engine: Engine, chance: random.Random, count: int) -> None:
    for _ in range(count):
        key = b"key-%02d" % chance.randrange(40)
        if chance.random() < 0.2:
            engine.write(WriteBatch().delete(key))
        else:
            put(engine, key, chance.randbytes(chance.choice([5, 50, 400])))


@pytest.mark.parametrize("seed", range(12))
def test_the_copy_has_the_pinned_content_whatever_is_written_and_compacted_meanwhile(seed: int) -> None:
    chance = random.Random(seed)
    fs = MemFileSystem()
    engine, env = open_engine(fs, small_options(frozen_memtables_max=3))
    write_some(engine, chance, chance.choice([0, 3, 30, 120]))
    if chance.random() < 0.5:
        env.jobs.run_until_idle()
    expected = content(engine)
    with engine.pin() as pin:
        write_some(engine, chance, 100)
        env.jobs.run_until_idle()
        engine.compact()
        size = pin.copy_to(fs, "copy")
        assert size == sum(file.size for file in pin.files)
    assert copied(fs) == expected
    assert copied(fs) == expected, "and again, after that open and close"


def test_the_seqnos_of_a_copy_go_on_from_the_pin() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs)
    for number in range(5):
        put(engine, b"k%d" % number, b"v")
    with engine.pin() as pin:
        put(engine, b"later", b"v")
        pin.copy_to(fs, "copy")
        assert pin.last_seqno == 5
    copy = Engine.open("copy", sim_env(fs, seed=5), small_options())
    assert copy.write(WriteBatch().put(b"x", b"y")) == 6


def test_pinned_files_stay_until_the_release_and_then_go() -> None:
    fs = MemFileSystem()
    engine, env = open_engine(fs)
    for number in range(30):
        put(engine, b"key-%02d" % number, bytes(100))
    env.jobs.run_until_idle()
    pin = engine.pin()
    pinned = {file.name for file in pin.files}
    for number in range(60):
        put(engine, b"key-%02d" % number, bytes(150))
        env.jobs.run_until_idle()
    engine.compact()
    present = set(fs.list_dir("db"))
    assert pinned <= present
    pin.release()
    pin.release()
    assert not {name for name in pinned if name.endswith(".log")} & set(fs.list_dir("db"))
    engine.compact()
    put(engine, b"more", b"x")
    engine.flush()
    assert not pinned & set(fs.list_dir("db"))
    assert len(names(fs, ".log")) == 1


def test_two_pins_hold_each_their_own() -> None:
    fs = MemFileSystem()
    engine, env = open_engine(fs)
    put(engine, b"a", b"1")
    first = engine.pin()
    put(engine, b"b", b"2")
    engine.flush()
    second = engine.pin()
    put(engine, b"c", b"3")
    engine.flush()
    engine.compact()
    env.jobs.run_until_idle()
    second.copy_to(fs, "copy")
    assert copied(fs) == {b"a": b"1", b"b": b"2"}
    second.release()
    first.copy_to(fs, "other")
    other = Engine.open("other", sim_env(fs, seed=3), small_options())
    assert content(other) == {b"a": b"1"}


def test_a_released_pin_gives_no_files() -> None:
    engine, _ = open_engine(MemFileSystem())
    with engine.pin() as pin:
        pass
    with pytest.raises(ClosedError, match="released"):
        _ = pin.files


def test_a_copy_target_that_holds_something_is_refused() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs)
    fs.make_dir("copy")
    fs.create("copy/notes.txt").close()
    with engine.pin() as pin, pytest.raises(NotADatabase, match=r"not empty .*found=notes\.txt"):
        pin.copy_to(fs, "copy")


def test_a_damaged_sstable_is_not_copied_as_if_it_were_good() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs)
    put(engine, b"a", bytes(300))
    engine.flush()
    (name,) = names(fs, ".sst")
    damaged = bytearray(read_all(fs, join("db", name)))
    damaged[10] ^= 1
    fs.remove(join("db", name))
    fs.create(join("db", name)).append(bytes(damaged))
    with engine.pin() as pin, pytest.raises(CorruptionError) as refused:
        pin.copy_to(fs, "copy")
    assert refused.value.file == name
    with pytest.raises(CorruptionError):
        Engine.open("copy", sim_env(fs), small_options())


def test_a_degraded_engine_has_no_end_to_pin() -> None:
    fs = FaultyFileSystem(MemFileSystem())
    engine, _ = open_engine(fs)
    put(engine, b"a", b"1")
    fs.fail(Fault("sync_data", "*.log"))
    with pytest.raises(ReadOnlyDegraded):
        put(engine, b"b", b"2")
    with pytest.raises(ReadOnlyDegraded):
        engine.pin()


def test_a_copy_that_was_cut_off_by_a_power_loss_opens_whole_or_not_at_all() -> None:
    def prepared() -> tuple[Engine, MemFileSystem]:
        fs = MemFileSystem()
        engine, _ = open_engine(fs)
        for number in range(30):
            put(engine, b"key-%02d" % number, bytes(150))
        return engine, fs

    engine, fs = prepared()
    expected, before = content(engine), fs.calls
    engine.pin().copy_to(fs, "copy")
    calls = fs.calls - before
    whole = 0
    for call in range(1, calls + 2):
        engine, fs = prepared()
        fs.power_off_before(before + call)
        with contextlib.suppress(PowerLoss):
            engine.pin().copy_to(fs, "copy")
        fs.kill_processes()
        for mode in ("strict", "all", "random"):
            image = fs.after_crash(mode, call)  # type: ignore[arg-type]
            try:
                copy = Engine.open("copy", sim_env(image, seed=9), small_options(read_only=True))
            except (CorruptionError, NotADatabase):
                continue
            assert content(copy) == expected
            whole += 1
    assert whole >= 3
