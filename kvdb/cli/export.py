"""``kvdb export``: a table at one moment into files, in the layout of the service's exports."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import click

from kvdb.api.tables import TableDescription
from kvdb.backup.names import new_id
from kvdb.backup.places import open_store
from kvdb.backup.transfer.export import Export, Sourced, discard
from kvdb.backup.transfer.layout import ExportFacts, is_object_name
from kvdb.backup.transfer.records import VIEW_TYPES
from kvdb.cli.json_options import as_of_option, expression_options, json_option, moment_of
from kvdb.cli.lines import TRANSFER_FORMATS
from kvdb.cli.output import iso_time, show_facts
from kvdb.cli.target import open_target, target_options
from kvdb.client.requests import AsOf
from kvdb.client.sync import Client
from kvdb.client.sync_table import Table
from kvdb.env.env import Env
from kvdb.errors import BackupStoreError
from kvdb.item.value import Item


def _time(context: click.Context, parameter: click.Parameter, text: str | None) -> datetime | None:
    moment = None if text is None else moment_of(text)
    if text is not None and moment is None:
        raise click.BadParameter("give a time with its zone: 2026-11-29T02:30:00Z")
    return moment


@click.command()
@click.argument("table")
@click.option("--to", "url", metavar="URL", help="A directory, or s3://BUCKET/PREFIX, gs://..., az://...")
@click.option("--bucket", metavar="NAME", help="Have the server write, to this folder of its --export-root.")
@click.option("--prefix", metavar="PREFIX", help="Folders within --bucket.")
@click.option("--since", callback=_time, metavar="TIME", help="With --bucket: only what changed since.")
@click.option("--until", callback=_time, metavar="TIME", help="With --since: before then.")
@click.option(
    "--view",
    type=click.Choice(VIEW_TYPES, case_sensitive=False),
    default="NEW_AND_OLD_IMAGES",
    help="With --since: the images of what changed; both unless given.",
)
@click.option(
    "--format",
    type=click.Choice(tuple(TRANSFER_FORMATS)),
    default="dynamodb-json",
    show_default=True,
    help="Of the data files.",
)
@click.option("--filter", metavar="TEXT", help="Only items for which this holds: 'elevation > :n'.")
@click.option("--projection", metavar="TEXT", help="Only these attributes: 'icao, #n, runways[0]'.")
@as_of_option
@click.option("--dry-run", is_flag=True, help="Only say what would be exported.")
@expression_options
@json_option
@target_options
def export(
    table: str,
    url: str | None,
    bucket: str | None,
    prefix: str | None,
    since: datetime | None,
    until: datetime | None,
    view: str,
    format: str,
    filter: str | None,
    projection: str | None,
    as_of: AsOf | None,
    dry_run: bool,
    names: dict[str, str] | None,
    values: Item | None,
    as_json: bool,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Write every item of a table, as of one moment, to files.

    \b
    URL/AWSDynamoDB/ID/data/*.json.gz          the items, some 16 MiB a file before compression
    URL/AWSDynamoDB/ID/manifest-files.json     the files, with their checksums
    URL/AWSDynamoDB/ID/manifest-summary.json   written last: without it there is no export

    `kvdb import URL --table T` reads it back, and so does what reads the service's exports. With --bucket
    the server does the work, goes on after a restart, and can tell what changed between two times of the
    history it keeps.
    """
    if (url is None) == (bucket is None):
        raise click.UsageError("give --to URL or --bucket NAME")
    if url is not None:
        for option, given in (("--prefix", prefix), ("--since", since), ("--until", until)):
            if given is not None:
                raise click.UsageError(f"{option} goes with --bucket")
        with open_target(endpoint, data_dir) as db, db.snapshot() as present:
            moment = present if as_of is None else as_of
            source = _ClientSource(db.table(table), filter, projection, names, values, moment)
            _export_here(source, url, format, as_of, dry_run=dry_run, as_json=as_json)
        return
    assert bucket is not None
    if dry_run or isinstance(as_of, int):
        raise click.UsageError("--dry-run, and --as-of with a seqno, go with --to")
    with open_target(endpoint, data_dir) as db:
        begun = db.export_table(
            *(table, bucket, prefix),
            format=TRANSFER_FORMATS[format],
            at=as_of if isinstance(as_of, datetime) else None,
            since=since,
            until=until,
            view=view,
            filter=filter,
            projection=projection,
            names=names,
            values=values,
        )
        _await_export(db, begun.export_arn, as_json=as_json)


def _await_export(db: Client, export_arn: str, *, as_json: bool) -> None:
    """Wait for the server's export to end, and tell how it did."""
    item_count = db.job(export_arn).total
    with _progress(item_count) as advance:
        db.wait_for_job(export_arn, on_progress=lambda job: advance(job.done))
    done = db.describe_export(export_arn)
    if done.export_status != "COMPLETED":
        raise BackupStoreError(f"the export failed code={done.failure_code}: {done.failure_message}")
    facts: dict[str, object] = {
        "export": export_arn,
        "manifest": f"{done.s3_bucket}/{done.export_manifest}",
        "format": done.export_format,
        "items": done.item_count,
        "bytes": done.billed_size_bytes,
    }
    show_facts(facts, as_json=as_json)


def _export_here(
    source: _ClientSource, url: str, format: str, as_of: AsOf | None, *, dry_run: bool, as_json: bool
) -> None:
    """Read through the client, and write the files from here."""
    env = Env.system()
    described = source.table.describe()
    facts = _facts(env, described, url, format, as_of)
    shown: dict[str, object] = {
        "table": described.table_name,
        "export": facts.export_id,
        "manifest": f"{url.rstrip('/')}/{facts.summary_name}",
        "format": facts.format,
    }
    if dry_run:
        show_facts({**shown, "items": source.count()}, as_json=as_json)
        return
    store = open_store(url, env, is_name=is_object_name)
    run = Export(store, env.clock, facts, source)
    try:
        with _progress(described.item_count) as advance:
            while not run.step():
                advance(run.state.item_count)
    except BaseException:
        discard(store, facts, len(run.state.files))
        raise
    state = run.state
    shown.update(items=state.item_count, files=len(state.files), bytes=state.raw_bytes)
    show_facts({**shown, "time": iso_time(facts.export_ms)}, as_json=as_json)


class _ClientSource:
    """The items of a table through a client, all of one moment."""

    def __init__(
        self,
        table: Table,
        filter: str | None,
        projection: str | None,
        names: dict[str, str] | None,
        values: Item | None,
        as_of: AsOf,
    ) -> None:
        self.table = table
        self._filter = filter
        self._projection = projection
        self._names = names
        self._values = values
        self._as_of = as_of

    def records(self, after: bytes | None) -> Iterator[Sourced]:
        """From the beginning: a client knows no places to go on from."""
        found = self.table.scan(
            filter=self._filter,
            projection=self._projection,
            names=self._names,
            values=self._values,
            as_of=self._as_of,
        )
        return (Sourced(b"", item) for item in found)

    def count(self) -> int:
        return sum(1 for _ in self.records(None))


def _facts(env: Env, described: TableDescription, url: str, format: str, as_of: AsOf | None) -> ExportFacts:
    now_ms = env.clock.wall_ms()
    export_id = new_id(now_ms, env.entropy.bytes(4))
    return ExportFacts(
        export_id=export_id,
        export_arn=f"{described.table_arn}/export/{export_id}",
        table_arn=described.table_arn,
        table_id=described.table_id,
        bucket=url.rstrip("/").rpartition("/")[2],
        prefix="",
        format=TRANSFER_FORMATS[format],
        start_ms=now_ms,
        export_ms=round(as_of.timestamp() * 1000) if isinstance(as_of, datetime) else now_ms,
    )


@contextmanager
def _progress(item_count: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, if that is a terminal and the size of the table is known about."""
    if not (sys.stderr.isatty() and item_count):
        yield lambda done: None
        return
    with click.progressbar(length=item_count, label="items", file=sys.stderr, show_pos=True) as bar:
        yield lambda done: bar.update(done - bar.pos)
