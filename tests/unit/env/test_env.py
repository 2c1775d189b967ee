"""The system Env: real parts, and the options that reach them."""

from __future__ import annotations

from kvdb.env.env import Env
from kvdb.env.fs import OsFileSystem
from kvdb.env.memory_fs import MemoryFileSystem


def test_the_system_env_works_on_the_real_disk() -> None:
    assert isinstance(Env.system().fs, OsFileSystem)


def test_another_file_system_may_stand_in_for_the_disk() -> None:
    fs = MemoryFileSystem()
    assert Env.system(fs=fs).fs is fs


def test_stamps_carry_the_region() -> None:
    assert Env.system(region=12).hlc.tick().region == 12


def test_two_envs_share_no_metrics() -> None:
    first, second = Env.system(), Env.system()
    first.metrics.counter("writes_total").add()
    assert second.metrics.counter("writes_total").value == 0
