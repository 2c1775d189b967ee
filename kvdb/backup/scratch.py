"""A scratch directory: where a backup is put to be looked at, and which is gone afterwards.

What a process leaves that was killed meanwhile is a directory ``kvdb-scratch-*``, which nobody opens
and anybody may remove.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

from kvdb.env.env import Env
from kvdb.env.fs import FileSystem, join
from kvdb.errors import disk_error


@contextmanager
def scratch_directory(env: Env, parent: str) -> Iterator[str]:
    """A new directory in ``parent``, which must exist; removed with all that is in it.

    Raises:
        DiskError, DiskFull: it cannot be made, or what is done in it meets an error of the disk.
    """
    fs = env.fs
    directory = join(parent, f"kvdb-scratch-{env.entropy.bytes(8).hex()}")
    try:
        fs.make_dir(directory)
        try:
            yield directory
        finally:
            with contextlib.suppress(OSError):
                _remove(fs, directory)
    except OSError as error:
        raise disk_error(error, parent) from error


def _remove(fs: FileSystem, directory: str) -> None:
    for name in fs.list_dir(directory):
        path = join(directory, name)
        if fs.is_dir(path):
            _remove(fs, path)
        else:
            fs.remove(path)
    fs.remove_dir(directory)
