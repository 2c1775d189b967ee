"""``python -m kvdb`` is the ``kvdb`` command."""

from kvdb.cli.main import main

main(prog_name="kvdb")
