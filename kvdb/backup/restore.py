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

import contextlib
import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Protocol, cast

from kvdb.backup import names
from kvdb.backup.manifest import Manifest, Part, files_of, read_manifest
from kvdb.backup.on_demand import OnProgress, Progress, silent, spans_of
from kvdb.backup.store import BackupStore, ObjectNotFound
from kvdb.env.env import Env
from kvdb.env.fs import FileSystem, join, read_all
from kvdb.errors import BackupNotFound, CorruptionError, NotADatabase
from kvdb.lsm.engine import Engine, WriteBatch
from kvdb.lsm.filenames import RESTORING, parse
from kvdb.lsm.image import ImageLog, KeySpan
from kvdb.lsm.rebuild import Rebuild
from kvdb.lsm.wal import LogRecord, read_piece
from kvdb.options import EngineOptions
from kvdb.table import chosen, keys
from kvdb.table.descriptor import decode_descriptor

MARKER: Final = RESTORING
_MARKER_TEXT: Final = b"A restore is under way, or was cut off: this is no database.\n"
_STAGE: Final = ".restoring"
_RECORDS_A_STEP: Final = 1000
LOG_BYTES_MAX: Final = 1 << 30
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
    chosen: tuple[str, ...] | None = None
    """The tables to restore; ``None``: all there are."""

    @property
    def tables(self) -> list[str]:
        """The tables of the backup, or those that were chosen of it."""
        return [table.name for table in self.manifest.tables] if self.chosen is None else list(self.chosen)


class Restored(NamedTuple):
    """What was restored."""

    directory: str
    database_id: bytes
    seqno: int
    size_bytes: int


def plan_backup(store: BackupStore, backup_id: str, *, tables: Sequence[str] | None = None) -> Plan:
    """A restore of one backup, as it is, or of some of its tables.

    Raises:
        BackupNotFound: there is no such backup, or no such table in it.
        CorruptionError, FormatTooNew: it is not usable.
    """
    manifest, _ = read_manifest(store, backup_id)
    plan = Plan(store, manifest, manifest.seqno, manifest.size_bytes)
    if tables is None and not manifest.is_whole:
        tables = [table.name for table in manifest.tables]
    return plan if tables is None else choose(plan, tables)


def choose(plan: Plan, tables: Sequence[str]) -> Plan:
    """The plan for these tables alone; of a backup, what only others have is not even read.

    Raises:
        BackupNotFound: there is no such table in the backup.
    """
    plan = replace(plan, chosen=tuple(dict.fromkeys(tables)))
    if plan.replay is not None:
        return plan
    return narrowed(plan, spans_of(plan.manifest.table(name) for name in tables))


def restore(
    env: Env,
    plan: Plan,
    target: str,
    *,
    tables: Sequence[str] | None = None,
    on_progress: OnProgress = silent,
) -> Restored:
    """Make ``target``, which must not exist, the database that ``plan`` says; with ``tables`` alone, if
    these are given.

    Memory: one log of the database, and one memtable.

    Raises:
        NotADatabase: there is something at ``target``.
        BackupNotFound: a table is not in the backup. There is no target.
        CorruptionError: an object is missing or is not what was stored; names it. There is no target.
        ServiceUnavailable, BackupStoreError, OSError: there is no target.
    """
    fs = env.fs
    target = target.rstrip("/")
    if fs.exists(target):
        raise NotADatabase(f"restore target is there already directory={target}")
    stage = target + _STAGE
    if tables is not None:
        plan = choose(plan, tables)
    clear_stage(fs, stage)
    begin_stage(fs, stage)
    database_id = stage_into(env, plan, stage, on_progress=on_progress)
    if plan.chosen is not None:
        keep_only(env, stage, plan.chosen)
    parent = target.rpartition("/")[0]
    fs.rename(stage, target)
    fs.sync_dir(parent or ("/" if target.startswith("/") else "."))
    fs.remove(join(target, MARKER))
    return Restored(target, database_id, plan.seqno, plan.size_bytes)


def keep_only(env: Env, directory: str, tables: Sequence[str]) -> None:
    """Leave in a database that nobody has open these tables alone, and nothing of any other.

    Raises:
        BackupNotFound: there is no such table in it.
    """
    engine = Engine.open(directory, env, EngineOptions(scrub_period_ms=0))
    try:
        stored = [decode_descriptor(value) for _, value in engine.scan(*keys.descriptor_range())]
        missing = set(tables) - {each.name for each in stored}
        if missing:
            raise BackupNotFound(f"table is not in the backup table={min(missing)}")
        batch = WriteBatch()
        for start, end in chosen.others([each for each in stored if each.name in tables]):
            batch.delete_range(start, end)
        engine.write(batch)
        # Deleted rows of other tables do not stay in the files either.
        engine.compact()
    finally:
        engine.close()


def narrowed(plan: Plan, spans: Iterable[KeySpan]) -> Plan:
    """Without the sstables that hold no key of ``spans``; what is left holds other keys, too.

    A plan with a replay stays as it is.
    """
    if plan.replay is not None:
        return plan
    image = plan.manifest.image.only(spans)
    wanted = {name for name, _ in files_of(image)}
    parts = tuple(part for part in plan.manifest.parts if part.file in wanted)
    manifest = replace(plan.manifest, image=image, parts=parts)
    return replace(plan, manifest=manifest, size_bytes=manifest.size_bytes)


def stage_into(env: Env, plan: Plan, stage: str, *, on_progress: OnProgress = silent) -> bytes:
    """``staging``, to its end; returns the id of the new database."""
    steps = staging(env, plan, stage)
    while True:
        try:
            on_progress(next(steps))
        except StopIteration as stop:
            return cast(bytes, stop.value)


def staging(env: Env, plan: Plan, stage: str) -> Generator[Progress, None, bytes]:
    """Steps 3 and 4, a megabyte or a thousand commits at a time, in a directory that is there."""
    fetching = _Fetching(env.fs, plan)
    image = plan.manifest.image
    rebuild = Rebuild(env, stage, image)
    parts = {part.file: part for part in plan.manifest.parts}
    for part in plan.manifest.parts[: len(image.files)]:
        yield from fetching.fetch(part, stage)
    manifest_name = names.manifest_name(plan.manifest.backup_id)
    for log, part in zip(image.logs, plan.manifest.parts[len(image.files) :], strict=True):
        data = fetching.read(parts[part.file])
        with _blamed_on(part.object_name):
            for record in _records(data, log, image.database_id):
                rebuild.replay_image(record)
        yield fetching.progress
    with _blamed_on(manifest_name):
        rebuild.end_image()
    if plan.replay is not None:
        for number, record in enumerate(plan.replay.records(fetching.advance), 1):
            rebuild.replay(record)
            if number % _RECORDS_A_STEP == 0:
                yield fetching.progress
    if rebuild.last_seqno != plan.seqno:
        raise CorruptionError(f"restore ends at seqno {rebuild.last_seqno}, not {plan.seqno}")
    env.fs.sync_dir(stage)
    with _blamed_on(manifest_name):
        return rebuild.finish()


@contextlib.contextmanager
def _blamed_on(object_name: str) -> Iterator[None]:
    """Damage that the engine finds is named by what it stands in in the store."""
    try:
        yield
    except CorruptionError as error:
        raise CorruptionError(str(error).split(" file=", 1)[0], file=object_name) from error


class _Fetching:
    """Objects on their way in, each compared with what it must be."""

    def __init__(self, fs: FileSystem, plan: Plan) -> None:
        self._fs = fs
        self._store = plan.store
        self._total = plan.size_bytes
        self._done = 0

    @property
    def progress(self) -> Progress:
        return Progress("fetch", self._done, self._total)

    def fetch(self, part: Part, directory: str) -> Iterator[Progress]:
        """Into a synced file of its name."""
        file = self._fs.create(join(directory, part.file))
        try:
            for chunk in self._checked(part):
                file.append(chunk)
                yield self.progress
            file.sync()
        finally:
            file.close()

    def read(self, part: Part) -> bytes:
        """Into memory."""
        if part.size > LOG_BYTES_MAX:
            raise CorruptionError(f"log is too large size={part.size}", file=part.object_name)
        return b"".join(self._checked(part))

    def _checked(self, part: Part) -> Iterator[bytes]:
        for chunk in checked(self._store, part):
            self.advance(len(chunk))
            yield chunk

    def advance(self, count: int) -> None:
        """So many more bytes are here."""
        self._done += count


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


def begin_stage(fs: FileSystem, stage: str) -> None:
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


def clear_stage(fs: FileSystem, stage: str) -> None:
    """Take away what an earlier restore left half done, and nothing else.

    Raises:
        NotADatabase: there is something that no restore made.
    """
    if not fs.exists(stage):
        return
    found = fs.list_dir(stage)
    if found and (MARKER not in found or not _MARKER_TEXT.startswith(read_all(fs, join(stage, MARKER)))):
        raise NotADatabase(f"directory is in the way of a restore directory={stage} found={found[0]}")
    strangers = [name for name in found if name != MARKER and parse(name) is None]
    if strangers:
        raise NotADatabase(f"directory is in the way of a restore directory={stage} found={strangers[0]}")
    # The marker goes last, and not before it is sure that the rest is gone: cut off here, that is still
    # known for what it is.
    for name in found:
        if name != MARKER:
            fs.remove(join(stage, name))
    fs.sync_dir(stage)
    if MARKER in found:
        fs.remove(join(stage, MARKER))
    fs.remove_dir(stage)
