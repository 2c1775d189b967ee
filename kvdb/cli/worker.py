"""``kvdb worker``: run a worker in the foreground; ``kvdb worker status``: what the workers are doing.

Standard output gets exactly one line, when the worker begins: ``kvdb worker ready worker=ID
table=TABLE admin=HOST:PORT``, the last with ``--admin`` only. What the handler prints goes there, too;
the log goes to standard error.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar, cast

import click

from kvdb.cli.json_options import json_option
from kvdb.cli.output import show_items
from kvdb.cli.target import open_target, target_options
from kvdb.consumer.invocation import Handler
from kvdb.consumer.options import WorkerOptions
from kvdb.consumer.status import LeaseStatus, lease_statuses
from kvdb.consumer.worker import Worker
from kvdb.env.env import Env
from kvdb.env.modules import function_named
from kvdb.item.value import Item
from kvdb.options import ServerOptions

_Command = TypeVar("_Command", bound=Callable[..., None])
_DEFAULTS = WorkerOptions()


def _number(flag: str, text: str, kind: type[int] | type[float] = int) -> Callable[[_Command], _Command]:
    default = getattr(_DEFAULTS, flag.removeprefix("--").replace("-", "_"))
    return click.option(flag, type=kind, default=default, show_default=default is not None, help=text)


def _flag(flag: str, text: str) -> Callable[[_Command], _Command]:
    return click.option(flag, is_flag=True, help=text)


_SETTINGS = (
    click.option(
        "--starting-position",
        type=click.Choice(["TRIM_HORIZON", "LATEST"]),
        default="TRIM_HORIZON",
        show_default=True,
        help="Where an application begins that has no leases yet.",
    ),
    _number("--batch-size", "Most records of one call, up to 10,000."),
    _number("--batching-window-s", "Seconds to wait for a batch to fill, up to 300.", float),
    _number("--maximum-retry-attempts", "Retries before a batch is given up; -1: until it succeeds."),
    _number("--maximum-record-age-s", "Age in seconds at which records are given up; -1: never."),
    _flag("--bisect-batch-on-function-error", "Try the halves of a failing batch by themselves."),
    _flag("--report-batch-item-failures", "The handler answers with batchItemFailures."),
    _number("--parallelization-factor", "Batches of one shard at work at once, up to 10."),
    _number("--tumbling-window-s", "Length of windows that pass a state on, up to 900 s."),
    click.option(
        "--filter-pattern",
        "filter_patterns",
        multiple=True,
        metavar="JSON",
        help="A Lambda filter pattern; up to five, of which a record has to match one.",
    ),
    click.option("--on-failure", metavar="table:NAME|file:PATH", help="Where batches go that are given up."),
    _flag("--exactly-once", "The checkpoint and context.transaction commit together."),
    click.option(
        "--handler-timeout-s", type=float, metavar="SECONDS", help="A handler that takes longer has failed."
    ),
    click.option(
        "--on-trimmed",
        type=click.Choice(["fail", "skip"]),
        default="fail",
        show_default=True,
        help="What to do when records were trimmed before they were handled.",
    ),
    _number("--failover-ms", "A worker silent for this long has lost its leases."),
    _number("--poll-ms", "How often a shard without new records is asked for some."),
    _number("--shard-sync-ms", "How often to look for new shards."),
    _number("--threads-max", "Handlers at work at once."),
)


def _settings(command: _Command) -> _Command:
    for option in reversed(_SETTINGS):
        command = option(command)
    return command


def _application(command: _Command) -> _Command:
    add_name = click.option(
        "--application", default="worker", show_default=True, help="Whose workers: they share the work."
    )
    add_table = click.option(
        "--lease-table", metavar="NAME", help="Where leases are.  [default: TABLE.APPLICATION.leases]"
    )
    return add_name(add_table(command))


@click.group(invoke_without_command=True)
@click.option("--table", metavar="TABLE", help="The table whose changes are handled; it has a stream.")
@click.option(
    "--handler", metavar="MODULE:FUNCTION", help="What handles them: a function of event and context."
)
@_settings
@_application
@click.option("--admin", "admin_address", metavar="HOST:PORT", help="Where health and metrics are served.")
@click.option("--verbose", is_flag=True, help="Log more.")
@target_options
def worker(
    table: str | None,
    handler: str | None,
    admin_address: str | None,
    verbose: bool,
    endpoint: str | None,
    data_dir: str | None,
    **settings: object,
) -> None:
    """Hand the changes of a table to a function, as Lambda does, until SIGTERM or Ctrl-C.

    Any number of workers of one --application share the shards of the stream. A second signal ends
    the worker without waiting for its handlers.
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    if table is None or handler is None:
        raise click.UsageError("give --table and --handler")
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    options = WorkerOptions(**settings)  # type: ignore[arg-type]
    function = _loaded(handler)
    env = Env.system()
    with open_target(endpoint, data_dir) as db:
        running = Worker(db, table=table, handler=function, options=options, env=env)
        try:
            with _stopping_at_signals(running):
                _run(running, table, admin_address, env)
        finally:
            env.jobs.close()


def _run(running: Worker, table: str, admin_address: str | None, env: Env) -> None:
    if admin_address is not None:
        asyncio.run(_run_with_admin(running, table, admin_address, env))
        return
    running.start()
    _announce(running, table)
    running.wait()


def _announce(running: Worker, table: str, more: str = "") -> None:
    click.echo(f"kvdb worker ready worker={running.worker_id} table={table}{more}")


async def _run_with_admin(running: Worker, table: str, address: str, env: Env) -> None:
    """The worker in threads, and the admin port on this one."""
    try:
        from kvdb.server.admin_http import AdminDoor
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error.name} is missing: pip install 'kvdb[server]'") from None
    options = ServerOptions(data_dir="", admin_address=address)
    door = AdminDoor(options, env, lambda: "stopping" if running.is_stopping else None)
    bound = await door.start()
    try:
        await asyncio.to_thread(running.start)
        _announce(running, table, f" admin={bound}")
        await asyncio.to_thread(running.wait)
    finally:
        await door.stop(0)


@worker.command()
@click.option("--table", required=True, metavar="TABLE", help="The table whose changes are handled.")
@_application
@click.option(
    "--count-max",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Most records counted as behind, a shard.",
)
@json_option
@target_options
def status(
    table: str,
    application: str,
    lease_table: str | None,
    count_max: int,
    as_json: bool,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Print the leases: who holds them, and how far they are behind in records and seconds."""
    options = WorkerOptions(application=application, lease_table=lease_table)
    with open_target(endpoint, data_dir) as db:
        now_ms = Env.system().clock.wall_ms()
        statuses = lease_statuses(db, table, options, count_max=count_max, now_ms=now_ms)
        show_items(map(_facts, statuses), ["lease"], as_json=as_json)


def _facts(status: LeaseStatus) -> Item:
    lease = status.lease
    count = f"{status.lag_records}+" if status.is_more else status.lag_records
    return {
        "lease": lease.key,
        "state": status.state,
        "owner": lease.owner or "",
        "checkpoint": lease.progress.checkpoint,
        "behind_records": count,
        "behind_seconds": status.lag_ms // 1000,
        "switches": lease.switches,
    }


def _loaded(name: str) -> Handler:
    """The function that MODULE:FUNCTION names."""
    module_name, _, function_name = name.partition(":")
    if not module_name or not function_name:
        raise click.UsageError(f"--handler must be MODULE:FUNCTION: {name}")
    return cast(Handler, function_named(name))


@contextmanager
def _stopping_at_signals(running: Worker) -> Iterator[None]:
    """The first signal asks the worker to stop; a second one ends the process where it stands."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in numbers}

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_DFL)
        running.ask_to_stop()

    for number in numbers:
        signal.signal(number, ask_to_stop)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, before[number])
