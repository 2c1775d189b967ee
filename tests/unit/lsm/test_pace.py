from __future__ import annotations

import dataclasses

from kvdb.lsm.manifest import FileMeta, VersionEdit
from kvdb.lsm.pace import STEP_BYTES_MAX, STEP_BYTES_MIN, severity, step_bytes
from kvdb.lsm.version import LEVELS, Version
from kvdb.options import EngineOptions
from kvdb.testing import MemFileSystem
from tests.support.engines import open_engine, put, small_options

OPTIONS = EngineOptions(memtable_size_bytes=1_000, level0_tables_max=4, level0_tables_stall=12)


def version(level0: int, *, size: int = 10, deeper: tuple[int, int] = (0, 0)) -> Version:
    files = [(0, FileMeta(n, n, size, b"", b"a", b"b", 1, 0, 0, n, n)) for n in range(100, 100 + level0)]
    files += [
        (level, FileMeta(n, n, held, b"", b"a", b"b", 1, 0, 0, n, n))
        for n, (level, held) in enumerate(zip((LEVELS - 2, LEVELS - 1), deeper, strict=True))
        if held
    ]
    return Version().edited(VersionEdit(tuple(files)))


def test_severity_grows_from_the_slow_down_to_the_stall() -> None:
    found = [severity(version(count), OPTIONS) for count in range(14)]
    assert OPTIONS.level0_slowdown == 8
    assert found[:8] == [0.0] * 8
    assert found[8:] == sorted(found[8:])
    assert 0 < found[8] < found[11] < found[12] == found[13] == 1.0


def test_debt_slows_down_and_stalls_as_well() -> None:
    options = dataclasses.replace(OPTIONS, debt_slowdown_bytes=1_000, debt_stall_bytes=9_000)
    behind = [severity(version(0, deeper=(held, 50_000)), options) for held in (5_500, 10_000, 14_000)]
    assert behind[0] == 0.0
    assert 0 < behind[1] < behind[2] == 1.0


def test_writers_pause_more_often_the_worse_it_is() -> None:
    assert step_bytes(0.01) > 0.95 * STEP_BYTES_MAX
    assert step_bytes(1.0) == STEP_BYTES_MIN


def test_writers_are_slowed_down_before_they_stall_and_go_free_when_compaction_has_caught_up() -> None:
    options = small_options(
        level0_tables_max=2, level0_tables_slowdown=3, level0_tables_stall=200, memtable_size_bytes=2_000
    )
    engine, env = open_engine(MemFileSystem(), options)
    engine._compaction_handle.stop()
    for i in range(600):
        put(engine, b"%04d" % i, bytes(20))
    figures = env.metrics.read()
    assert figures["lsm_level0_sstables"] >= 3
    assert figures["lsm_write_slowdowns_total"] > 10
    while engine._compaction.step(0) == 0:
        pass
    for i in range(600):
        put(engine, b"%04d" % i, bytes(20))
        while engine._compaction.step(0) == 0:
            pass
    assert env.metrics.read()["lsm_write_slowdowns_total"] == figures["lsm_write_slowdowns_total"]
