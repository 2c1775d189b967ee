"""``kvdb serve``: a server in the foreground.

Standard output gets exactly one line, when the server takes calls, so that a program can wait
for it: ``kvdb ready grpc=HOST:PORT``. The log goes to standard error.
"""

from __future__ import annotations

import logging
import sys

import click

from kvdb.limits import PROFILES, LimitsName
from kvdb.options import SYNC_MODES, DatabaseOptions, EngineOptions, ServerOptions, SyncMode


@click.command()
@click.option("--data-dir", required=True, metavar="DIR", help="The database directory, made when absent.")
@click.option(
    "--grpc",
    "address",
    default="127.0.0.1:7400",
    show_default=True,
    metavar="HOST:PORT",
    help="Where to listen; port 0 picks a free one.",
)
@click.option(
    "--sync",
    type=click.Choice(SYNC_MODES),
    default="commit",
    show_default=True,
    help="When a write is acknowledged; see the README.",
)
@click.option(
    "--history-retention",
    type=click.FloatRange(min=0),
    default=0,
    show_default=True,
    metavar="SECONDS",
    help="How far reads of the past reach.",
)
@click.option(
    "--limits",
    type=click.Choice(list(PROFILES)),
    default="aws",
    show_default=True,
    help="The service's limits, or wider ones for items, batches and transactions; see the README.",
)
@click.option(
    "--insecure",
    is_flag=True,
    help="Listen beyond this machine, without authentication or encryption: whoever reaches it may do all.",
)
@click.option("--verbose", is_flag=True, help="Log more.")
def serve(
    data_dir: str,
    address: str,
    sync: SyncMode,
    history_retention: float,
    limits: LimitsName,
    insecure: bool,
    verbose: bool,
) -> None:
    """Serve a database directory until SIGTERM or Ctrl-C, then let running calls finish.

    Prints `kvdb ready grpc=HOST:PORT` when it takes calls. There is no authentication and no
    encryption yet, so only loopback addresses are served unless --insecure is given.
    """
    try:
        from kvdb.server.app import serve as serve_until_stopped
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error.name} is missing: pip install 'kvdb[server]'") from None
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    engine = EngineOptions(sync=sync, history_retention_ms=round(history_retention * 1000))
    database = DatabaseOptions(engine=engine, limits=limits)
    options = ServerOptions(data_dir=data_dir, grpc_address=address, database=database, is_insecure=insecure)
    click.get_current_context().exit(serve_until_stopped(options, _announce))


def _announce(address: str) -> None:
    click.echo(f"kvdb ready grpc={address}")
