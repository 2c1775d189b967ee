"""How far a backup or a restore has come, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from kvdb.backup import on_demand
from kvdb.backup.on_demand import OnProgress, Progress


@contextmanager
def progress_bar() -> Iterator[OnProgress]:
    """Bytes, rate and time left on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        yield on_demand.silent
        return
    with click.progressbar(length=1000, label="bytes", file=sys.stderr, show_pos=False) as bar:

        def advance(progress: Progress) -> None:
            bar.label = f"{progress.phase} {progress.bytes_done >> 20}/{progress.bytes_total >> 20} MiB"
            bar.update(progress.bytes_done * 1000 // max(1, progress.bytes_total) - bar.pos)

        yield advance
