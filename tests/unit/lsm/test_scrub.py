"""Damage at rest is found by a pass in the background; a check that is asked for goes first."""

from __future__ import annotations

import logging

import pytest

from kvdb.env.env import Env
from kvdb.lsm.engine import Engine
from kvdb.lsm.scrub import FIRST_MS
from kvdb.lsm.verify import Verification
from kvdb.options import EngineOptions
from kvdb.testing import MemFileSystem
from tests.support.engines import names, open_engine, put, small_options

PERIOD_MS = 3 * FIRST_MS


def filled(period_ms: int = PERIOD_MS, **changes: int) -> tuple[Engine, Env, MemFileSystem]:
    """An engine with files on several levels, whose jobs are idle."""
    fs = MemFileSystem()
    engine, env = open_engine(fs, small_options(scrub_period_ms=period_ms, **changes))
    for number in range(200):
        put(engine, b"key-%03d" % number, bytes(100))
    engine.flush()
    env.jobs.run_until_idle()  # type: ignore[attr-defined]
    assert len(files_of(engine)) >= 3
    return engine, env, fs


def files_of(engine: Engine) -> list[str]:
    return [f"{meta.number:06d}.sst" for meta in engine._versions.state.version.files()]


def rot(fs: MemFileSystem, name: str) -> None:
    """Flip a bit of the first block."""
    path = f"db/{name}"
    data = bytearray(fs.open_read(path).read_at(0, 1 << 20))
    data[5] ^= 1
    fs.remove(path)
    fs.create(path).append(bytes(data))


def later(env: Env, ms: int, *, steps: int = 5_000) -> None:
    """Let time pass in little pieces, as a slow pass wants it."""
    env.clock.advance_ms(ms)  # type: ignore[attr-defined]
    for _ in range(steps):
        if not env.jobs.run_until_idle():  # type: ignore[attr-defined]
            break
        env.clock.advance_ms(100)  # type: ignore[attr-defined]


def test_a_scrub_reads_every_file_and_comes_back_after_its_period() -> None:
    engine, env, _ = filled()
    assert engine.last_scrub is None
    later(env, FIRST_MS)
    first = engine.last_scrub
    assert first is not None
    assert not first.is_running
    assert (first.number, first.error, first.report.is_clean) == (1, None, True)
    assert first.report.sstables == len(files_of(engine))
    assert first.report.bytes_read == first.bytes_total
    later(env, PERIOD_MS)
    second = engine.last_scrub
    assert second is not None
    assert second.number == 2
    assert env.metrics.read()["lsm_scrub_passes_total"] == 2


def test_damage_at_rest_is_logged_marked_and_told(caplog: pytest.LogCaptureFixture) -> None:
    engine, env, fs = filled(open_sstables_max=1)
    name = files_of(engine)[0]
    rot(fs, name)
    with caplog.at_level(logging.ERROR, logger="kvdb.lsm.scrub"):
        later(env, FIRST_MS)
    status = engine.last_scrub
    assert status is not None
    assert status.report.sstables == len(files_of(engine))
    assert {found.file for found in status.report.findings} == {name} == engine.damaged_files
    assert f"damage: block checksum mismatch file={name} offset=0" in caplog.text
    assert env.metrics.read()["lsm_scrub_damage_total"] == len(status.report.findings)


def test_no_period_means_no_scrub() -> None:
    engine, env, _ = filled(period_ms=0)
    later(env, 10 * PERIOD_MS)
    assert engine.last_scrub is None


def test_a_scrub_holds_no_file_but_the_one_it_reads() -> None:
    engine, env, fs = filled()
    env.clock.advance_ms(FIRST_MS)  # type: ignore[attr-defined]
    assert engine._scrub.step(env.clock.wall_ms()) is not None
    status = engine.last_scrub
    assert status is not None
    assert status.is_running
    engine.compact()
    later(env, 0)
    # What it read when they went away has gone with its end, the others before.
    assert set(names(fs, ".sst")) == set(files_of(engine))
    assert engine.last_scrub is not None
    assert engine.last_scrub.report.is_clean


@pytest.mark.parametrize("deep", [False, True])
def test_a_check_begins_at_once_whatever_the_time_and_is_joined(deep: bool) -> None:
    engine, env, _ = filled(period_ms=0)
    assert engine.last_check is None
    begun = engine.start_check(deep=deep)
    assert (begun.number, begun.is_running, begun.is_deep) == (1, True, deep)
    assert engine.start_check(deep=False).number == 1
    assert engine.start_check(deep=True).number == (1 if deep else 2)
    env.jobs.run_until_idle()  # type: ignore[attr-defined]
    ended = engine.last_check
    assert ended is not None
    assert not ended.is_running
    assert ended.is_deep
    assert ended.report.is_clean
    assert ended.report.sstables == len(files_of(engine))
    assert engine.start_check().number == ended.number + 1


def test_a_check_goes_before_a_scrub_that_is_under_way() -> None:
    engine, env, _ = filled()
    env.clock.advance_ms(FIRST_MS)  # type: ignore[attr-defined]
    engine._scrub._next_pass(env.clock.wall_ms())
    engine.start_check()
    while engine.last_check is not None and engine.last_check.is_running:
        assert engine._scrub.step(env.clock.wall_ms()) == 0
    assert engine.last_scrub is not None
    assert engine.last_scrub.report.bytes_read == 0
    later(env, 0)
    assert not engine.last_scrub.is_running


def test_a_pass_that_cannot_go_on_says_so_and_the_next_one_may(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, env, _ = filled()

    def broken(self: Verification, now_ms: int = 0) -> int | None:
        raise MemoryError("no memory")

    with monkeypatch.context() as patched:
        patched.setattr(Verification, "step", broken)
        engine.start_check()
        env.jobs.run_until_idle()  # type: ignore[attr-defined]
    failed = engine.last_check
    assert failed is not None
    assert (failed.is_running, failed.error) == (False, "MemoryError: no memory")
    engine.start_check()
    env.jobs.run_until_idle()  # type: ignore[attr-defined]
    assert engine.last_check is not None
    assert engine.last_check.error is None
    assert engine.last_check.report.is_clean


def test_a_read_only_database_is_checked_too() -> None:
    engine, _, fs = filled()
    engine.close()
    again, env = open_engine(fs, EngineOptions(read_only=True))
    calls = fs.calls
    again.start_check(deep=True)
    env.jobs.run_until_idle()  # type: ignore[attr-defined]
    assert again.last_check is not None
    assert again.last_check.report.is_clean
    assert fs.calls == calls
