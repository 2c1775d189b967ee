"""Who this process is, and its sudden end."""

from __future__ import annotations

import os
import subprocess
import sys

from kvdb.env.process import EXIT_IO_ERROR, identity


def test_the_identity_names_the_process() -> None:
    assert identity().startswith(f"pid {os.getpid()}")


def test_the_identity_is_the_same_each_time_and_another_in_another_process() -> None:
    script = "from kvdb.env.process import identity; print(identity(), end='')"
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert identity() == identity() != other
    assert other.split()[2:] == identity().split()[2:], "two processes of one run of the machine"


def test_exiting_now_runs_nothing_on_the_way() -> None:
    script = (
        "import atexit; from kvdb.env.process import exit_now, EXIT_IO_ERROR\n"
        "atexit.register(print, 'farewell')\n"
        "try: exit_now(EXIT_IO_ERROR)\n"
        "finally: print('finally')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (EXIT_IO_ERROR, "")
