"""One measurement in a process of its own, so that its memory is its own.

    python -m bench.child MODULE FUNCTION ARGUMENTS_AS_JSON

prints the dict that the function returns as one line of JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from typing import NamedTuple

Figures = dict[str, float]


class Outcome(NamedTuple):
    """What a child measured, and the most memory it had."""

    figures: Figures
    peak_mib: float


class Begun(NamedTuple):
    """A measurement under way."""

    call: str
    process: subprocess.Popen[str]


def run(function: str, **arguments: object) -> Outcome:
    """``bench.MODULE.FUNCTION(**arguments)`` in a new process; ``function`` is "MODULE.FUNCTION"."""
    return end(begin(function, **arguments))


def begin(function: str, **arguments: object) -> Begun:
    """As ``run``, without waiting for the end."""
    module, _, name = function.rpartition(".")
    process = start("bench.child", f"bench.{module}", name, json.dumps(arguments))
    return Begun(f"{function}({arguments})", process)


def end(begun: Begun) -> Outcome:
    """Wait for what it measured."""
    process = begun.process
    assert process.stdout is not None
    answer = process.stdout.read()
    peak_mib = wait(process)
    if process.returncode:
        raise SystemExit(f"{begun.call} failed with status {process.returncode}")
    return Outcome(json.loads(answer), peak_mib)


def start(module: str, *arguments: str) -> subprocess.Popen[str]:
    """``python -m module arguments``, with its output in a pipe. What a server logs is dropped."""
    command = [sys.executable, "-m", module, *arguments]
    log = None if module == "bench.child" else subprocess.DEVNULL
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)


def wait(process: subprocess.Popen[str]) -> float:
    """Wait for the end of ``process``; returns its peak memory in MiB."""
    assert process.stdout is not None
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    # Linux counts in KiB, macOS in bytes.
    return usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def main() -> None:
    module, name, arguments = sys.argv[1:]
    figures = getattr(importlib.import_module(module), name)(**json.loads(arguments))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
