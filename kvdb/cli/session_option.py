"""``--session FILE`` of commands that read and write items, and ``--replicate-to`` of those that write.

The file holds the token of a session (``api/session_token``), a line of text: a command goes on with it, and
leaves what it has seen there for the next one, which may ask another region. The file is replaced as a whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import click

from kvdb.cli.target import open_target
from kvdb.client.sync import Client
from kvdb.env.fs import OsFileSystem, read_all, write_atomic
from kvdb.errors import disk_error

Command = TypeVar("Command", bound=Callable[..., None])

_KEPT: Final = "kvdb"


def session_option(command: Command) -> Command:
    """Add ``--session`` and ``--session-timeout``; ``open_in_session`` looks for them."""

    def keep(context: click.Context, parameter: click.Parameter, value: str | float | None) -> None:
        context.meta[f"{_KEPT}.{parameter.name}"] = value

    for add in (
        click.option(
            "--session-timeout",
            type=float,
            metavar="SECONDS",
            expose_value=False,
            callback=keep,
            help="How long a region may take to get what the session has seen; 5 seconds.",
        ),
        click.option(
            "--session",
            metavar="FILE",
            type=click.Path(dir_okay=False),
            expose_value=False,
            callback=keep,
            help="See, in every region, what commands with this file have seen in any; made if need be.",
        ),
    ):
        command = add(command)
    return command


def replicate_options(command: Command) -> Command:
    """Add ``--replicate-to`` and ``--replicate-timeout``."""
    for add in (
        click.option(
            "--replicate-timeout", type=float, metavar="SECONDS", help="How long to wait for them; 5 seconds."
        ),
        click.option(
            "--replicate-to", type=int, metavar="K", help="Wait until so many other regions have the write."
        ),
    ):
        command = add(command)
    return command


@contextmanager
def open_in_session(endpoint: str | None, data_dir: str | None) -> Iterator[Client]:
    """As ``open_target``: in the session whose file the command was given, if it was."""
    kept = click.get_current_context().meta
    path, timeout = kept[f"{_KEPT}.session"], kept[f"{_KEPT}.session_timeout"]
    if path is None and timeout is not None:
        raise click.UsageError("--session-timeout goes with --session")
    with open_target(endpoint, data_dir) as client:
        if path is None:
            yield client
            return
        session = client.session(_read(path), timeout=timeout)
        try:
            yield session
        finally:
            if session.token is not None:
                _write(path, session.token)


def _read(path: str) -> str | None:
    fs = OsFileSystem()
    if not fs.exists(path):
        return None
    try:
        return read_all(fs, path).decode("utf-8", "replace").strip()
    except OSError as error:
        raise disk_error(error, path) from error


def _write(path: str, token: str) -> None:
    whole = os.path.abspath(path)
    try:
        write_atomic(OsFileSystem(), os.path.dirname(whole), os.path.basename(whole), f"{token}\n".encode())
    except OSError as error:
        raise disk_error(error, path) from error
