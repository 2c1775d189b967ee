"""The options of ``kvdb serve`` about regions: its own name, its peers, and how they know each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce, wraps
from typing import Final, NamedTuple

import click

from kvdb.env.hlc import region_number
from kvdb.options import ServerOptions


class Peering(NamedTuple):
    """What was asked for; the fields have the names of the options."""

    region: str | None
    peer: tuple[str, ...]
    replication: str | None
    peer_cert: str | None
    peer_key: str | None
    peer_ca: str | None
    peer_token_file: str | None
    resolver: tuple[str, ...]
    peer_bandwidth: int | None
    replica_horizon: float

    def added_to(self, options: ServerOptions) -> ServerOptions:
        """Raises: ValidationError: they do not fit together."""
        database = replace(options.database, replica_horizon_ms=round(self.replica_horizon * 1000))
        if self.region is not None:
            database = replace(database, region_name=self.region, region=region_number(self.region))
        return replace(
            options,
            database=database,
            peers=tuple(_peer(text) for text in self.peer),
            replication_address=self.replication,
            peer_cert=self.peer_cert,
            peer_key=self.peer_key,
            peer_ca=self.peer_ca,
            peer_token_file=self.peer_token_file,
            resolvers=self.resolver,
            peer_bytes_per_s_max=self.peer_bandwidth,
        )


_OPTIONS: Final = (
    click.option(
        "--region",
        metavar="NAME",
        help="The name of this region, of a-z, 0-9 and '-'; with peers it must not change.  "
        "[default: ddblocal]",
    ),
    click.option(
        "--peer",
        multiple=True,
        metavar="NAME=grpc[s]://HOST:PORT",
        help="Another region, which tables may be shared with; several times for several.",
    ),
    click.option(
        "--replication",
        metavar="HOST:PORT",
        help="Where peers are answered, and nowhere else then.  [default: by the gRPC door]",
    ),
    click.option(
        "--peer-cert",
        metavar="FILE",
        help="Certificate chain shown to peers, PEM; its DNS name is the name of the region.",
    ),
    click.option("--peer-key", metavar="FILE", help="Its private key, PEM."),
    click.option("--peer-ca", metavar="FILE", help="The authority whose certificates peers must show, PEM."),
    click.option(
        "--peer-token-file",
        metavar="FILE",
        help="Secrets that peers must show, one a line; the first is sent.",
    ),
    click.option(
        "--resolver",
        multiple=True,
        metavar="TABLE=MODULE:FUNCTION[@NAME]",
        help="A function that may resolve conflicts of a table: the same, by one name, in every region.",
    ),
    click.option(
        "--peer-bandwidth",
        type=click.IntRange(min=1),
        metavar="BYTES",
        help="How much a second is pulled from each peer at most.",
    ),
    click.option(
        "--replica-horizon",
        type=click.FloatRange(min=1, max=31_536_000),
        default=86_400,
        show_default=True,
        metavar="SECONDS",
        help="How long writes are kept for a peer that does not fetch them; later its tables begin anew.",
    ),
)


def peer_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add them all; the command gets them as ``peering``."""

    @wraps(command)
    def gathered(**given: object) -> None:
        values = [given.pop(name) for name in Peering._fields]
        command(peering=Peering._make(values), **given)

    return reduce(lambda wrapped, option: option(wrapped), reversed(_OPTIONS), gathered)


def _peer(text: str) -> tuple[str, str]:
    name, equals, url = text.partition("=")
    if not name or not equals or not url:
        raise click.BadParameter(f"give NAME=grpc://HOST:PORT, or grpcs://: {text}", param_hint="--peer")
    return name, url
