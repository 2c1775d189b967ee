"""This process: who it is, for the note in a lock file, and its end without a farewell."""

from __future__ import annotations

import os
from typing import Final, NoReturn

EXIT_IO_ERROR: Final = 74
"""Exit code after a failed sync with ``on_fsync_error="exit"``. Source: sysexits.h, EX_IOERR."""

_BOOT_ID = "/proc/sys/kernel/random/boot_id"


def identity() -> str:
    """``"pid 123 boot 4e0f…"``: which process of which run of the machine (where that has an id)."""
    try:
        with open(_BOOT_ID, encoding="ascii") as file:
            boot = f" boot {file.read().strip()}"
    except OSError:
        boot = ""
    return f"pid {os.getpid()}{boot}"


def exit_now(code: int) -> NoReturn:
    """End the process at once: nothing is flushed, closed or waited for."""
    os._exit(code)
