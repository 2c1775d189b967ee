"""A work function for tests of ``env.jobs.offload``: it can succeed, fail in three ways, and block."""

from __future__ import annotations

from typing import cast

from kvdb.env.fs import FileSystem, read_all
from kvdb.env.worker import Plain, Task
from kvdb.errors import CorruptionError


def checked_content(fs: FileSystem, task: Task) -> Plain:
    """The content of ``task["path"]``, which must be ``task["size"]`` bytes long.

    On a pipe that nobody has opened for writing it blocks, as work on a dead disk would.

    Raises:
        CorruptionError: the size differs; the offset is the size found.
        OSError: the file cannot be read.
        KeyError: the task lacks a field, as a mistake of ours would.
    """
    path = cast(str, task["path"])
    content = read_all(fs, path)
    if len(content) != task["size"]:
        raise CorruptionError("unexpected size", file=path, offset=len(content))
    return content
