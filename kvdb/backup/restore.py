"""Restoring into a new directory, from the store alone.

Steps:

    1. a plan: which manifest, which objects, how many bytes; nothing is written (``--dry-run`` ends here)
    2. ``TARGET.restoring`` with the file RESTORING in it, which no database opens past
    3. every object is fetched, and compared with its digest and size on the way
    4. the image and the log up to the point become a database (``lsm/rebuild``), IDENTITY last
    5. the directory gets its name: only now there is a TARGET; and RESTORING goes, which a database
       with its IDENTITY does not mind

So damage is found before the target exists, and whatever is cut off leaves only ``TARGET.restoring``,
which the next try clears away. A restored database has an id of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from kvdb.backup.manifest import Manifest, Part, read_manifest
from kvdb.backup.on_demand import OnProgress, Progress, silent
from kvdb.backup.store import BackupStore, ObjectNotFound
from kvdb.env.env import Env
from kvdb.env.fs import FileSystem, join, read_all
from kvdb.errors import CorruptionError, NotADatabase
from kvdb.lsm.filenames import parse
from kvdb.lsm.image import ImageLog
from kvdb.lsm.rebuild import Rebuild
from kvdb.lsm.wal import LogRecord, read_piece

MARKER: Final = "RESTORING"
_MARKER_TEXT: Final = b"A restore is under way, or was cut off: this is no database.\n"
_STAGE: Final = ".restoring"
_LOG_BYTES_MAX: Final = 1 << 30
"""A log is one memtable's writes; this is far above the largest there can be."""


class Replay(Protocol):
    """Commits from behind a backup, up to a point."""

    def records(self, on_read: Callable[[int], None]) -> Iterator[LogRecord]:
        """In order; ``on_read`` is told how many bytes were read for them.

        Raises:
            CorruptionError: something is missing or damaged; names it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What a restore will do."""

    store: BackupStore
    manifest: Manifest
    seqno: int
    """The newest seqno in the restored database."""
    size_bytes: int
    """What will be read from the store."""
    replay: Replay | None = None
    """The log behind the manifest's moment, up to ``seqno``."""


class Restored(NamedTuple):
    """What was restored."""

    directory: str
    database_id: bytes
    seqno: int
    size_bytes: int


def plan_backup(store: BackupStore, backup_id: str) -> Plan:
    """A restore of one backup, as it is.

    Raises:
        BackupNotFound, CorruptionError, FormatTooNew: there is no such backup, or it is not usable.
    """
    manifest, _ = read_manifest(store, backup_id)
    return Plan(store, manifest, manifest.seqno, manifest.size_bytes)


def restore(env: Env, plan: Plan, target: str, *, on_progress: OnProgress = silent) -> Restored:
    """Make ``target``, which must not exist, the database that ``plan`` says.

    Memory: one log of the database, and one memtable.

    Raises:
        NotADatabase: there is something at ``target``.
        CorruptionError: an object is missing or is not what was stored; names it. There is no target.
        ServiceUnavailable, BackupStoreError, OSError: there is no target.
    """
    fs = env.fs
    target = target.rstrip("/")
    if fs.exists(target):
        raise NotADatabase(f"restore target is there already directory={target}")
    stage = target + _STAGE
    _clear(fs, stage)
    _begin(fs, stage)
    database_id = stage_into(env, plan, stage, on_progress=on_progress)
    parent = target.rpartition("/")[0]
    fs.rename(stage, target)
    fs.sync_dir(parent or ("/" if target.startswith("/") else "."))
    fs.remove(join(target, MARKER))
    return Restored(target, database_id, plan.seqno, plan.size_bytes)


def stage_into(env: Env, plan: Plan, stage: str, *, on_progress: OnProgress = silent) -> bytes:
    """Steps 3 and 4, in a directory that is there; returns the id of the new database."""
    fetching = _Fetching(env.fs, plan, on_progress)
    image = plan.manifest.image
    rebuild = Rebuild(env, stage, image)
    parts = {part.file: part for part in plan.manifest.parts}
    for part in plan.manifest.parts[: len(image.files)]:
        fetching.fetch(part, stage)
    for log, part in zip(image.logs, plan.manifest.parts[len(image.files) :], strict=True):
        for record in _records(fetching.read(parts[part.file]), log, image.database_id):
            rebuild.replay_image(record)
    rebuild.end_image()
    if plan.replay is not None:
        for record in plan.replay.records(fetching.advance):
            rebuild.replay(record)
    if rebuild.last_seqno != plan.seqno:
        raise CorruptionError(f"restore ends at seqno {rebuild.last_seqno}, not {plan.seqno}")
    env.fs.sync_dir(stage)
    return rebuild.finish()


class _Fetching:
    """Objects on their way in, each compared with what it must be."""

    def __init__(self, fs: FileSystem, plan: Plan, on_progress: OnProgress) -> None:
        self._fs = fs
        self._store = plan.store
        self._total = plan.size_bytes
        self._done = 0
        self._on_progress = on_progress

    def fetch(self, part: Part, directory: str) -> None:
        """Into a synced file of its name."""
        file = self._fs.create(join(directory, part.file))
        try:
            for chunk in self._checked(part):
                file.append(chunk)
            file.sync()
        finally:
            file.close()

    def read(self, part: Part) -> bytes:
        """Into memory."""
        if part.size > _LOG_BYTES_MAX:
            raise CorruptionError(f"log is too large size={part.size}", file=part.object_name)
        return b"".join(self._checked(part))

    def _checked(self, part: Part) -> Iterator[bytes]:
        for chunk in checked(self._store, part):
            self.advance(len(chunk))
            yield chunk

    def advance(self, count: int) -> None:
        """So many more bytes are here."""
        self._done += count
        self._on_progress(Progress("fetch", self._done, self._total))


def checked(store: BackupStore, part: Part) -> Iterator[bytes]:
    """The content of a part; what is too much or not the content is never handed out to its end.

    Raises:
        CorruptionError: the object is missing, too short, too long, or has another digest.
    """
    digest = hashlib.sha256()
    size = 0
    try:
        for chunk in store.get(part.object_name):
            size += len(chunk)
            if size > part.size:
                raise CorruptionError(f"object is longer than {part.size}", file=part.object_name)
            digest.update(chunk)
            yield chunk
    except ObjectNotFound as error:
        raise CorruptionError("object is missing", file=part.object_name) from error
    if size != part.size or digest.digest() != part.sha256:
        raise CorruptionError(f"object is not what was stored size={size}", file=part.object_name)


def _records(data: bytes, log: ImageLog, database_id: bytes) -> Iterator[LogRecord]:
    return read_piece(data, log.number, database_id=database_id)


def _begin(fs: FileSystem, stage: str) -> None:
    missing = []
    path = stage
    while path and not fs.exists(path):
        missing.append(path)
        path = path.rpartition("/")[0]
    for path in reversed(missing):
        fs.make_dir(path)
        parent = path.rpartition("/")[0]
        fs.sync_dir(parent or ("/" if path.startswith("/") else "."))
    file = fs.create(join(stage, MARKER))
    try:
        file.append(_MARKER_TEXT)
        file.sync()
    finally:
        file.close()
    fs.sync_dir(stage)


def _clear(fs: FileSystem, stage: str) -> None:
    """Take away what an earlier restore left half done, and nothing else.

    Raises:
        NotADatabase: there is something that no restore made.
    """
    if not fs.exists(stage):
        return
    names = fs.list_dir(stage)
    if names and (MARKER not in names or not _MARKER_TEXT.startswith(read_all(fs, join(stage, MARKER)))):
        raise NotADatabase(f"directory is in the way of a restore directory={stage} found={names[0]}")
    strangers = [name for name in names if name != MARKER and parse(name) is None]
    if strangers:
        raise NotADatabase(f"directory is in the way of a restore directory={stage} found={strangers[0]}")
    # The marker goes last: cut off here, the rest is still known for what it is.
    for name in sorted(names, key=lambda name: name == MARKER):
        fs.remove(join(stage, name))
    fs.remove_dir(stage)
