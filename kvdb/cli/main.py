"""The ``kvdb`` command: its parts, and what its exit code means."""

from __future__ import annotations

import errno

import click

from kvdb.cli import (
    backup,
    check,
    import_file,
    inspect,
    items,
    query,
    repair,
    serve,
    stream,
    table,
    tags,
    transact,
    worker,
)
from kvdb.cli.exits import Exit, report
from kvdb.errors import KvdbError


class KvdbGroup(click.Group):
    """A group whose commands may raise ``KvdbError``: no error of a user's shows a traceback."""

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
  7    check, scrub, inspect: something is damaged; repair: the copy lacks something
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


for command in (
    serve.serve,
    table.table,
    *tags.COMMANDS,
    *items.COMMANDS,
    *query.COMMANDS,
    transact.transact,
    stream.stream,
    import_file.import_,
    check.check,
    check.scrub,
    inspect.inspect,
    repair.repair,
    backup.backup,
    backup.restore,
    worker.worker,
):
    main.add_command(command)
