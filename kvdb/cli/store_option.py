"""``--store``: where backups lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., None])


def store_option(command: Command) -> Command:
    """Add ``--store``, which every command on backups needs."""
    return click.option(
        "--store",
        "url",
        required=True,
        envvar="KVDB_BACKUP_STORE",
        show_envvar=True,
        metavar="URL",
        help="Where backups lie: a directory, or s3://BUCKET/PREFIX, gs://..., az://...",
    )(command)
