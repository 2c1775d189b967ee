"""Logs that are held stay on disk, through restarts too, until the bound."""

from __future__ import annotations

import dataclasses

from kvdb.lsm.engine import Engine
from kvdb.lsm.filenames import log_name
from kvdb.lsm.log_hold import LogHold
from kvdb.testing import MemFileSystem, sim_env
from tests.support.engines import content, names, open_engine, put, small_options

HELD = small_options(log_hold_bytes=1_000_000)


def rotate(engine: Engine, times: int = 3) -> None:
    for number in range(times):
        put(engine, b"key-%d" % number, bytes(300))
        engine.flush()


def hold_of(engine: Engine) -> LogHold:
    assert engine.log_hold is not None
    return engine.log_hold


def test_held_logs_stay_until_their_holder_has_read_them() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs, HELD)
    rotate(engine)
    logs = names(fs, ".log")
    assert len(logs) == 4
    hold_of(engine).advance(int(logs[2][:6]))
    assert names(fs, ".log") == logs[2:]
    hold_of(engine).advance(1)
    rotate(engine)
    assert names(fs, ".log")[:2] == logs[2:], "a hold never goes back"


def test_without_a_hold_flushed_logs_go() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs)
    rotate(engine)
    assert len(names(fs, ".log")) == 1


def test_logs_stay_over_restarts_and_crashes_for_a_holder_that_comes_back() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs, HELD)
    rotate(engine)
    put(engine, b"last", b"1")
    before = names(fs, ".log")
    expected = content(engine)
    crashed = fs.after_crash("strict")
    again = Engine.open("db", sim_env(crashed, seed=3), HELD)
    assert names(crashed, ".log")[: len(before)] == before
    assert content(again) == expected
    again.close()
    third = Engine.open("db", sim_env(crashed, seed=4), HELD)
    assert names(crashed, ".log")[: len(before)] == before
    assert content(third) == expected
    third.close()
    fourth = Engine.open("db", sim_env(crashed, seed=5), small_options())
    assert len(names(crashed, ".log")) == 1, "without the option nobody holds"
    assert content(fourth) == expected


def test_a_hold_beyond_its_bound_is_dropped_and_writes_go_on() -> None:
    fs = MemFileSystem()
    engine, env = open_engine(fs, dataclasses.replace(HELD, log_hold_bytes=3_000))
    hold = hold_of(engine)
    rotate(engine, 3)
    assert hold.why_dropped is None
    rotate(engine, 3)
    assert hold.why_dropped is not None
    assert "more than 3000" in hold.why_dropped
    assert len(names(fs, ".log")) == 1
    assert env.metrics.read()["lsm_log_holds_dropped_total"] == 1
    rotate(engine, 2)
    assert len(names(fs, ".log")) == 1


def test_a_nearly_full_disk_drops_what_is_held() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs, HELD)
    rotate(engine)
    engine._space.is_low = True
    engine._remove_obsolete()
    assert "disk" in (hold_of(engine).why_dropped or "")
    assert len(names(fs, ".log")) == 1


def test_a_holder_is_told_of_every_sealed_log_and_sees_how_much_is_held() -> None:
    fs = MemFileSystem()
    engine, env = open_engine(fs, HELD)
    told: list[int] = []
    hold_of(engine).on_sealed = lambda: told.append(1)
    rotate(engine, 3)
    assert len(told) == 3
    sealed = names(fs, ".log")[:3]
    assert hold_of(engine).held_bytes >= sum(fs.file_size(f"db/{name}") for name in sealed)
    assert env.metrics.read()["lsm_held_log_bytes"] == hold_of(engine).held_bytes


def test_a_released_hold_lets_everything_go() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs, HELD)
    rotate(engine)
    hold_of(engine).release()
    hold_of(engine).release()
    assert names(fs, ".log") == [log_name(engine._commit.log.number)]
