"""What a forked child must not do with its parent's handles.

A child has a copy of every object and shares every open file with its parent: two processes
would append to one log, each sure to be the only one (SQLite, "How To Corrupt", 2.6). So
whoever holds files, locks or a worker process says so with ``on_fork``, and is told in the
child, before ``os.fork`` returns there: from then on it refuses every call and touches nothing.

The thread that forked is the only one in the child. Locks that other threads held at that
moment stay locked there for ever, so ``forked`` takes none, and replaces those that later calls take.
Starting another program (``subprocess``) is no fork in this sense.
"""

from __future__ import annotations

import os
import weakref
from typing import Final, Protocol

FORKED: Final = "the database was opened before this process was forked: open it again in the child"


class Forkable(Protocol):
    """A holder of what must not be shared."""

    def forked(self) -> None:
        """Called in the child. Must not raise, wait, or touch a file."""
        ...


_holders: weakref.WeakSet[Forkable] = weakref.WeakSet()


def on_fork(holder: Forkable) -> None:
    """Tell ``holder`` in every child forked from now on; it is not kept alive for that."""
    _holders.add(holder)


def _tell_holders() -> None:
    for holder in list(_holders):
        holder.forked()


os.register_at_fork(after_in_child=_tell_holders)
