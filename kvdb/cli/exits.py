"""Exit codes, and how an error becomes one line on standard error.

0    done
1    the request was refused: it has to be changed (unknown table, bad expression, wrong type …)
2    the command line was not understood: options, JSON, an import file's lines
3    get: there is no such item
4    the condition of a put or delete did not hold; nothing was written
5    the server cannot be reached, is busy or was too slow: try again (a write may have happened)
6    the files need an operator: not a database, locked, damaged, disk full
7    check, inspect: something is damaged; repair: the copy was made, but not of everything
70   a mistake of kvdb's own
130  interrupted with Ctrl-C
"""

from __future__ import annotations

from enum import IntEnum

import click

from kvdb.errors import (
    ConditionalCheckFailed,
    DiskFull,
    KvdbError,
    RequestError,
    RetryableError,
    StorageError,
)


class Exit(IntEnum):
    """What a program reads."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    NO_ITEM = 3
    CONDITION_FAILED = 4
    UNAVAILABLE = 5
    STORAGE = 6
    DAMAGED = 7
    INTERNAL = 70
    INTERRUPTED = 130


# The first class that fits decides.
_EXIT_OF: tuple[tuple[type[KvdbError], Exit], ...] = (
    (ConditionalCheckFailed, Exit.CONDITION_FAILED),
    (RequestError, Exit.REFUSED),
    (DiskFull, Exit.STORAGE),
    (RetryableError, Exit.UNAVAILABLE),
    (StorageError, Exit.STORAGE),
    (KvdbError, Exit.INTERNAL),
)


def exit_of(error: KvdbError) -> Exit:
    """The exit code of an error."""
    return next(code for cls, code in _EXIT_OF if isinstance(error, cls))


def report(error: KvdbError) -> Exit:
    """Print ``kvdb: <code>: <message>`` on standard error."""
    click.echo(f"kvdb: {error.code}: {error.message}", err=True)
    return exit_of(error)
