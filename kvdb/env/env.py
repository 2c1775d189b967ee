"""``Env``: the world as every component is given it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from kvdb.env.clock import Clock, SystemClock
from kvdb.env.entropy import Entropy, SystemEntropy
from kvdb.env.fs import FileSystem, OsFileSystem
from kvdb.env.hlc import HybridClock
from kvdb.env.jobs import JobRunner, ThreadJobRunner
from kvdb.env.process import exit_now
from kvdb.metrics import Registry


@dataclass(frozen=True, slots=True)
class Env:
    """Clock, stamps, files, chance, jobs and metrics of one database."""

    clock: Clock
    hlc: HybridClock
    fs: FileSystem
    entropy: Entropy
    jobs: JobRunner
    metrics: Registry
    exit_now: Callable[[int], NoReturn] = exit_now
    """Ends the process with an exit code, at once."""

    @classmethod
    def system(
        cls, *, region: int = 0, offload_bytes_min: int = 8 * 1024 * 1024, fs: FileSystem | None = None
    ) -> Env:
        """The real world; ``fs`` may replace the disk (an in-memory database does)."""
        clock = SystemClock()
        return cls(
            clock=clock,
            hlc=HybridClock(clock, region),
            fs=fs or OsFileSystem(),
            entropy=SystemEntropy(),
            jobs=ThreadJobRunner(clock, offload_bytes_min=offload_bytes_min),
            metrics=Registry(),
        )
