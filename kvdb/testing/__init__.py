"""The world as a test wants it: the doubles of ``kvdb.env``, and one ``Env`` made of them.

Reading order: ``manual_clock``, ``inline_jobs``, ``mem_fs`` (the crash model), ``faulty_fs``,
``work``.

Invariant: everything here is deterministic. The same calls and the same seed give the same
bytes, the same order of steps and the same crash images, on every machine.
"""

from __future__ import annotations

from typing import NoReturn

from kvdb.env.entropy import SystemEntropy
from kvdb.env.env import Env
from kvdb.env.fs import FileSystem
from kvdb.env.hlc import HybridClock
from kvdb.metrics import Registry
from kvdb.testing.faulty_fs import Fault, FaultyFileSystem
from kvdb.testing.inline_jobs import InlineJobs
from kvdb.testing.manual_clock import ManualClock
from kvdb.testing.mem_fs import MemFileSystem, PowerLoss
from kvdb.testing.work import checked_content

__all__ = [
    "Fault",
    "FaultyFileSystem",
    "InlineJobs",
    "ManualClock",
    "MemFileSystem",
    "PowerLoss",
    "ProcessExit",
    "checked_content",
    "sim_env",
]


def sim_env(fs: FileSystem | None = None, seed: int = 0, *, clock: ManualClock | None = None) -> Env:
    """An ``Env`` without a real clock, disk, thread or chance; ``fs`` defaults to a new ``MemFileSystem``.

    Two with one seed behave alike; give a reopened database another seed, as a real restart would.
    """
    clock = clock or ManualClock()
    return Env(
        clock=clock,
        hlc=HybridClock(clock, 0),
        fs=MemFileSystem() if fs is None else fs,
        entropy=SystemEntropy(seed),
        jobs=InlineJobs(clock),
        metrics=Registry(),
        exit_now=_exited,
    )


class ProcessExit(BaseException):
    """The process would have ended here, with ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exit code {code}")
        self.code = code


def _exited(code: int) -> NoReturn:
    raise ProcessExit(code)
