"""``kvdb serve``: a server in the foreground.

Standard output gets exactly one line, when the server takes calls, so that a program can wait
for it: ``kvdb ready grpc=HOST:PORT replication=HOST:PORT http=HOST:PORT admin=HOST:PORT``, with the doors
asked for. The log goes to standard error.
"""

from __future__ import annotations

import logging
import sys

import click

from kvdb.cli.peer_options import Peering, peer_options
from kvdb.limits import PROFILES, LimitsName
from kvdb.options import SYNC_MODES, ArchiveOptions, DatabaseOptions, EngineOptions, ServerOptions, SyncMode

_GRPC_ADDRESS = "127.0.0.1:7400"


@click.command()
@click.option("--data-dir", required=True, metavar="DIR", help="The database directory, made when absent.")
@click.option(
    "--grpc",
    "grpc_address",
    metavar="HOST:PORT",
    help="Where the gRPC door listens; port 0 picks a free one.  [default: 127.0.0.1:7400 without --http]",
)
@click.option(
    "--http", "http_address", metavar="HOST:PORT", help="Where the HTTP door for DynamoDB's SDKs listens."
)
@click.option("--admin", "admin_address", metavar="HOST:PORT", help="Where health and metrics are served.")
@click.option("--tls-cert", metavar="FILE", help="Certificate chain of the HTTP door, PEM.")
@click.option("--tls-key", metavar="FILE", help="Its private key, PEM.")
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
    "--archive",
    metavar="URL",
    envvar="KVDB_ARCHIVE",
    show_envvar=True,
    help="Ship the log to a directory, or s3://BUCKET/PREFIX, ..., to restore any point from.",
)
@click.option(
    "--archive-days",
    type=click.IntRange(1, 35),
    default=35,
    show_default=True,
    metavar="N",
    help="How far back the archive keeps every point.",
)
@click.option(
    "--limits",
    type=click.Choice(list(PROFILES)),
    default="aws",
    show_default=True,
    help="The service's limits, or wider ones for items, batches and transactions; see the README.",
)
@click.option(
    "--table-status-delay",
    type=click.FloatRange(min=0),
    default=0,
    show_default=True,
    metavar="SECONDS",
    help="How long tables stay CREATING and DELETING, as they do at the service.",
)
@click.option(
    "--backup-store",
    metavar="URL",
    envvar="KVDB_BACKUP_STORE",
    show_envvar=True,
    help="Where the backups that calls ask for lie: a directory, or s3://BUCKET/PREFIX, gs://..., az://...",
)
@click.option(
    "--export-root",
    metavar="URL",
    help="Where exports go and imports come from: its folders are buckets. A directory, or s3://..., gs://...",
)
@peer_options
@click.option(
    "--accept-packed", is_flag=True, help="Take HTTP request bodies in gzip or deflate; no SDK sends them."
)
@click.option(
    "--insecure",
    is_flag=True,
    help="Listen beyond this machine, without authentication or encryption: whoever reaches it may do all.",
)
@click.option("--verbose", is_flag=True, help="Log more.")
def serve(
    data_dir: str,
    grpc_address: str | None,
    http_address: str | None,
    admin_address: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    sync: SyncMode,
    history_retention: float,
    archive: str | None,
    archive_days: int,
    limits: LimitsName,
    table_status_delay: float,
    backup_store: str | None,
    export_root: str | None,
    accept_packed: bool,
    insecure: bool,
    verbose: bool,
    peering: Peering,
) -> None:
    """Serve a database directory until SIGTERM or Ctrl-C, then let running calls finish.

    Prints `kvdb ready grpc=HOST:PORT http=HOST:PORT` when it takes calls, with the doors that were
    asked for. Clients are not authenticated yet, so only loopback addresses are served unless --insecure
    is given.
    """
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    database = DatabaseOptions(
        engine=EngineOptions(sync=sync, history_retention_ms=round(history_retention * 1000)),
        archive=None if archive is None else ArchiveOptions(archive, window_days=archive_days),
        limits=limits,
        table_status_delay_ms=round(table_status_delay * 1000),
        backup_store=backup_store,
        export_root=export_root,
    )
    if grpc_address is None and http_address is None:
        grpc_address = _GRPC_ADDRESS
    options = ServerOptions(
        data_dir=data_dir,
        grpc_address=grpc_address,
        http_address=http_address,
        admin_address=admin_address,
        tls_cert=tls_cert,
        tls_key=tls_key,
        http_packed_requests=accept_packed,
        database=database,
        is_insecure=insecure,
    )
    options = peering.added_to(options)
    try:
        from kvdb.server.app import load_doors
        from kvdb.server.app import serve as serve_until_stopped

        load_doors(options)
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error.name} is missing: pip install 'kvdb[server]'") from None
    click.get_current_context().exit(serve_until_stopped(options, _announce))


def _announce(addresses: object) -> None:
    click.echo(f"kvdb ready {addresses}")
