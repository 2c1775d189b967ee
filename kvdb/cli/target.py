"""Which database a command works on: ``--endpoint`` for a server, ``--data-dir`` for a directory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click
from click.core import ParameterSource

from kvdb.client import connect
from kvdb.client.sync import Client
from kvdb.env.fs import OsFileSystem
from kvdb.errors import NotADatabase

ENDPOINT_VARIABLE = "KVDB_ENDPOINT"

Command = TypeVar("Command", bound=Callable[..., None])


def target_options(command: Command) -> Command:
    """Add ``--endpoint`` and ``--data-dir``; the command hands both to ``open_target``."""
    add_endpoint = click.option(
        "--endpoint",
        metavar="grpc://HOST:PORT",
        envvar=ENDPOINT_VARIABLE,
        show_envvar=True,
        help="A running server.",
    )
    add_data_dir = click.option(
        "--data-dir", metavar="DIR", help="A database directory, opened in this process."
    )
    return add_endpoint(add_data_dir(command))


def open_target(endpoint: str | None, data_dir: str | None, *, may_create: bool = False) -> Client:
    """The client that the options name. An option given by hand beats the environment.

    ``may_create``: the command makes the directory when there is none; the others refuse, so
    that a mistyped path does not become an empty database.
    """
    source = click.get_current_context().get_parameter_source("endpoint")
    if data_dir is not None and endpoint is not None and source is ParameterSource.COMMANDLINE:
        raise click.UsageError("give --endpoint or --data-dir, not both")
    if data_dir is not None:
        if not may_create:
            _require_database(data_dir)
        return connect.open(data_dir)
    if endpoint is None:
        raise click.UsageError(
            f"which database? give --endpoint grpc://HOST:PORT or --data-dir DIR, or set {ENDPOINT_VARIABLE}"
        )
    try:
        return connect.connect(endpoint)
    except ModuleNotFoundError as error:
        raise click.UsageError(str(error)) from None


def _require_database(data_dir: str) -> None:
    fs = OsFileSystem()
    if not fs.exists(data_dir):
        raise NotADatabase(f"no such directory: {data_dir}")
    try:
        is_empty = not fs.list_dir(data_dir)
    except OSError as error:
        raise NotADatabase(f"cannot read directory: {data_dir}: {error.strerror}") from None
    if is_empty:
        raise NotADatabase(f"empty directory, not a database: {data_dir}")
