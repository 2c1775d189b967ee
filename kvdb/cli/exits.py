"""Exit codes, and how an error becomes one line on standard error.

0    done
1    the request was refused: it has to be changed (unknown table, bad expression, wrong type …)
2    the command line was not understood: options, JSON, an import file's lines
3    get, versions: there is no such item
4    the condition of a write did not hold, and nothing else was wrong; nothing was written
5    the server cannot be reached, is busy or was too slow: try again (a write may have happened); a region is
     behind of the session; a write was made, and too few other regions have it in time
6    the files need an operator: not a database, locked, damaged, disk full
7    check, scrub, inspect, backup verify, drill or list: something is damaged; repair: the copy was made,
     but not of everything
70   a mistake of kvdb's own
130  interrupted with Ctrl-C
"""

from __future__ import annotations

from enum import IntEnum

import click

from kvdb.cli.value_text import text_of
from kvdb.errors import (
    ConditionalCheckFailed,
    DiskFull,
    KvdbError,
    NotReplicated,
    RequestError,
    RetryableError,
    StorageError,
    TransactionCanceled,
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
    (NotReplicated, Exit.UNAVAILABLE),
    (RequestError, Exit.REFUSED),
    (DiskFull, Exit.STORAGE),
    (RetryableError, Exit.UNAVAILABLE),
    (StorageError, Exit.STORAGE),
    (KvdbError, Exit.INTERNAL),
)


# Reasons of a cancelled transaction that time takes away.
_PASSING = {"TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"}


def exit_of(error: KvdbError) -> Exit:
    """The exit code of an error."""
    if isinstance(error, TransactionCanceled):
        codes = {reason.code for reason in error.reasons} - {"None"}
        if codes == {"ConditionalCheckFailed"}:
            return Exit.CONDITION_FAILED
        return Exit.UNAVAILABLE if codes and codes <= _PASSING else Exit.REFUSED
    return next(code for cls, code in _EXIT_OF if isinstance(error, cls))


def report(error: KvdbError) -> Exit:
    """Print ``kvdb: <code>: <message>`` on standard error, and a line for each refused member."""
    click.echo(f"kvdb: {error.code}: {error.message}", err=True)
    if isinstance(error, TransactionCanceled):
        for place, reason in enumerate(error.reasons, start=1):
            if reason.code != "None":
                stored = "" if reason.item is None else f" {text_of(dict(reason.item))}"
                click.echo(f"kvdb: member {place}: {reason.code}: {reason.message}{stored}", err=True)
    return exit_of(error)
