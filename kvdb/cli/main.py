"""The ``kvdb`` command: its parts, and what its exit code means."""

from __future__ import annotations

import errno
import importlib
from collections.abc import Mapping

import click

from kvdb.cli.exits import Exit, report
from kvdb.errors import KvdbError

_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "kvdb.cli.serve": ("serve",),
    "kvdb.cli.table": ("table",),
    "kvdb.cli.tags": ("tag", "untag", "tags"),
    "kvdb.cli.items": ("put", "update", "delete", "get", "versions"),
    "kvdb.cli.query": ("query", "scan"),
    "kvdb.cli.transact": ("transact",),
    "kvdb.cli.stream": ("stream",),
    "kvdb.cli.import_file": ("import",),
    "kvdb.cli.replica": ("replica",),
    "kvdb.cli.export": ("export",),
    "kvdb.cli.check": ("check", "scrub"),
    "kvdb.cli.inspect": ("inspect",),
    "kvdb.cli.repair": ("repair",),
    "kvdb.cli.backup": ("backup",),
    "kvdb.cli.restore": ("restore",),
    "kvdb.cli.archive": ("archive",),
    "kvdb.cli.job": ("job",),
    "kvdb.cli.worker": ("worker",),
}
"""Which module has which commands. One is loaded when it is used, so that no command waits for the
packages of the others."""


class KvdbGroup(click.Group):
    """A group whose commands may raise ``KvdbError``: no error of a user's shows a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(name for names in _COMMANDS.values() for name in names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for module_name, names in _COMMANDS.items():
            if cmd_name in names:
                module = importlib.import_module(module_name)
                # A keyword of Python has an underscore behind it there.
                command = vars(module).get(cmd_name) or vars(module)[f"{cmd_name}_"]
                assert isinstance(command, click.Command), cmd_name
                return command
        return None

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KvdbError as error:
            ctx.exit(report(error))
        except KeyboardInterrupt:
            ctx.exit(Exit.INTERRUPTED)
        except OSError as error:
            # A file that cannot be read to its end, or standard output on a full disk. A reader
            # of standard output that went away is click's to end quietly.
            if error.errno == errno.EPIPE:
                raise
            click.echo(f"kvdb: {error}", err=True)
            ctx.exit(Exit.STORAGE)


@click.group(
    cls=KvdbGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Data goes to standard output, everything else to standard error. Exit codes:
  0    done
  1    the request was refused: it has to be changed
  2    the command line, its JSON or the imported file was not understood
  3    get, versions: there is no such item
  4    the condition of a write did not hold; nothing was written
  5    the server cannot be reached, is busy or was too slow: try again
  6    the files need an operator: not a database, locked, damaged, disk full
  7    check, scrub, inspect, backup verify or drill: something is damaged; repair: the copy lacks something
  70   a mistake of kvdb's own
  130  interrupted with Ctrl-C""",
)
@click.version_option(package_name="kvdb", prog_name="kvdb")
def main() -> None:
    """A DynamoDB-like key-value and document database.

    \b
    kvdb serve --data-dir data &
    export KVDB_ENDPOINT=grpc://127.0.0.1:7400
    kvdb table create airports --key country:S --sort icao:S
    kvdb put airports '{"country": "IS", "icao": "BIKF", "elevation": 171}'
    kvdb query airports --key-condition 'country = :c' --values '{":c": "IS"}'

    Every command takes --endpoint for a server or --data-dir for a directory of its own.
    """
