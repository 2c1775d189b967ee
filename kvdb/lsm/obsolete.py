"""Deleting files that no version, log position or manifest refers to.

Only names that parse as ours are ever deleted, and only when the durable manifest proves them
unreferenced; strangers are left alone. A file whose deletion fails is tried again next time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

from kvdb.env.fs import FileSystem, join
from kvdb.lsm.filenames import FileName, parse

_log = logging.getLogger("kvdb.lsm.obsolete")


class Needed(NamedTuple):
    """What must stay."""

    sstables: set[int]
    """Numbers that a version in use refers to, or that are being written."""
    log_number: int
    """The lowest log that is needed."""
    manifest_number: int


def remove_obsolete(fs: FileSystem, directory: str, needed: Callable[[], Needed]) -> list[int]:
    """Delete every obsolete sstable, log and manifest; returns the numbers of the sstables deleted.

    ``needed`` is asked after the directory was listed: a file that is made meanwhile is not on
    the list, and one that is on the list had its number taken before.
    """
    names = fs.list_dir(directory)
    answer = needed()
    removed: list[int] = []
    for name in names:
        parsed = parse(name)
        if parsed is None or not _is_obsolete(parsed, answer):
            continue
        try:
            fs.remove(join(directory, name))
        except OSError as error:
            _log.warning("cannot remove obsolete file name=%s error=%s", name, error)
            continue
        if parsed.kind == "sstable":
            removed.append(parsed.number)
    return removed


def _is_obsolete(name: FileName, needed: Needed) -> bool:
    if name.kind == "log":
        return name.number < needed.log_number
    if name.kind == "manifest":
        return name.number < needed.manifest_number
    return name.kind == "sstable" and name.number not in needed.sstables
