"""How far a backup, a restore or a job has come, on standard error: bytes, rate and time left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import click

from kvdb.api.jobs import JobDescription
from kvdb.backup import on_demand
from kvdb.backup.on_demand import OnProgress, Progress
from kvdb.env.clock import Clock, SystemClock

OnJob: TypeAlias = Callable[[JobDescription], None]


@contextmanager
def progress_bar() -> Iterator[OnProgress]:
    """A bar, if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield on_demand.silent
        return
    with click.progressbar(length=1000, label="bytes", file=sys.stderr, show_pos=False) as bar:
        rate = Rate(SystemClock())

        def advance(progress: Progress) -> None:
            bar.label = label_of(progress, rate)
            bar.update(progress.bytes_done * 1000 // max(1, progress.bytes_total) - bar.pos)

        yield advance


@contextmanager
def job_bar() -> Iterator[OnJob]:
    """The same, of a job of a server."""
    with progress_bar() as on_progress:

        def advance(job: JobDescription) -> None:
            on_progress(Progress(job.kind, job.done, job.total))

        yield advance


class Rate:
    """Bytes a second, since the first that was told of."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begun: tuple[int, int] | None = None

    def after(self, done: int) -> float:
        now_ns = self._clock.monotonic_ns()
        if self._begun is None or done < self._begun[1]:
            self._begun = (now_ns, done)
        begun_ns, begun = self._begun
        return (done - begun) * 1e9 / max(1, now_ns - begun_ns)


def label_of(progress: Progress, rate: Rate) -> str:
    """As ``fetch 12/40 MiB 31.5 MB/s``."""
    done, total = progress.bytes_done >> 20, progress.bytes_total >> 20
    return f"{progress.phase} {done}/{total} MiB {rate.after(progress.bytes_done) / 1e6:.1f} MB/s"
