"""Making a backup of a database in use.

Steps:

    1. say so in the store (``pending/``): from here on no sweep takes what the backup will refer to
    2. wait for a sweep that began before
    3. flush, and pin the moment: that is the backup's seqno; writes go on
    4. every file of the pin that the store does not have yet becomes an object named by its sha256
    5. the manifest: with it the backup exists
    6. take back what step 1 said; if a sweep has not believed it, see whether everything is there

A backup that was cut off has no manifest, and its objects go with a later sweep. An sstable that the
backup before had is known by its unique id, size and the engine's digest, and is not even read again.

Chosen tables take the sstables that hold any of their keys, and the log since the flush: there are
keys of other tables in them, too, which a restore leaves out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple, TypeAlias, cast

from kvdb.backup import names, shelf
from kvdb.backup.manifest import BackedTable, BackupKind, Manifest, Part, Previous, files_of
from kvdb.backup.store import BackupStore
from kvdb.env.env import Env
from kvdb.errors import (
    CorruptionError,
    KvdbError,
    ResourceNotFound,
    ServiceUnavailable,
    disk_error,
)
from kvdb.lsm.engine import Engine
from kvdb.lsm.image import Image, KeySpan
from kvdb.lsm.pin import Pin, PinnedFile
from kvdb.table import keys
from kvdb.table.description import Size, decode_sizes
from kvdb.table.descriptor import decode_descriptor

_PIN_TRIES_MAX: Final = 10


class Progress(NamedTuple):
    """How far a backup or a restore has come."""

    phase: str
    bytes_done: int
    bytes_total: int


OnProgress: TypeAlias = Callable[[Progress], None]
"""Called now and then. What it raises ends the work: nothing half done counts as whole."""


def silent(progress: Progress) -> None:
    """Nobody wants to know."""


def create(
    env: Env,
    engine: Engine,
    store: BackupStore,
    *,
    tables: Sequence[str] | None = None,
    kind: BackupKind = "user",
    name: str = "",
    backup_id: str | None = None,
    on_progress: OnProgress = silent,
) -> Manifest:
    """Back up the whole database, or ``tables``, as of one moment in this call."""
    making = steps(env, engine, store, tables=tables, kind=kind, name=name, backup_id=backup_id)
    while True:
        try:
            on_progress(next(making))
        except StopIteration as stop:
            return cast(Manifest, stop.value)
        except BaseException:
            making.close()
            raise


def steps(
    env: Env,
    engine: Engine,
    store: BackupStore,
    *,
    tables: Sequence[str] | None = None,
    kind: BackupKind = "user",
    name: str = "",
    backup_id: str | None = None,
) -> Generator[Progress, None, Manifest]:
    """``create``, a file at a time. Close it to give up: there is no backup then.

    Memory: a megabyte, and the manifests of this backup and the one before.

    Raises:
        ResourceNotFound: there is no such table.
        ServiceUnavailable, DiskFull, BackupStoreError: the store fails; there is no backup.
        CorruptionError: a file of the database is damaged; there is no backup.
        KvdbError: as ``Engine.flush`` and ``Engine.pin``.
    """
    return _Making(env, engine, store, tables, kind, name, backup_id).run()


class _Making:
    """One backup under way."""

    def __init__(
        self,
        env: Env,
        engine: Engine,
        store: BackupStore,
        tables: Sequence[str] | None,
        kind: BackupKind,
        name: str,
        backup_id: str | None,
    ) -> None:
        self._env = env
        self._engine = engine
        self._store = store
        self._wanted = tables
        self._kind = kind
        self._name = name
        self._id = backup_id or names.new_id(env.clock.wall_ms(), env.entropy.bytes(4))
        self._claim = shelf.Claim(env, store, names.pending_name(self._id))
        self._damaged: set[str] = set()
        """Objects in the store that a verification has found damaged."""
        self._stored_bytes = 0
        self._done_bytes = 0
        self._total_bytes = 0

    def run(self) -> Generator[Progress, None, Manifest]:
        created_ms = self._env.clock.wall_ms()
        with self._claim:
            for _ in shelf.sweeps_under_way(self._env, self._store):
                yield Progress("wait", 0, 0)
            self._engine.flush()
            with _pinned(self._engine, self._wanted) as (pin, tables):
                image = pin.image if self._wanted is None else pin.image.only(spans_of(tables))
                previous = shelf.newest(self._store, image.database_id)
                self._total_bytes = sum(size for _, size in files_of(image))
                parts: list[Part] = []
                for part in self._stored(pin, image, None if previous is None else previous[0]):
                    parts.append(part)
                    yield Progress("store", self._done_bytes, self._total_bytes)
                manifest = Manifest(
                    backup_id=self._id,
                    kind=self._kind,
                    created_ms=created_ms,
                    is_whole=self._wanted is None,
                    tables=tables,
                    previous=None if previous is None else Previous(previous[0].backup_id, previous[1]),
                    stored_bytes=self._stored_bytes,
                    parts=tuple(parts),
                    image=image,
                    name=self._name,
                )
            self._claim.refresh()
            if self._claim.was_lost:
                self._require_all(manifest)
            name = names.manifest_name(self._id)
            self._store.put(name, [manifest.encoded()])
            is_swept = False
            try:
                for _ in shelf.sweeps_under_way(self._env, self._store):
                    is_swept = True
                    yield Progress("wait", self._done_bytes, self._total_bytes)
                if is_swept:
                    # It may have looked at the manifests before this one was there.
                    self._require_all(manifest)
            except KvdbError:
                # A store that cannot be asked any more has the backup, whole as far as anybody knows.
                if is_swept:
                    self._store.delete(name)
                    raise
        return manifest

    def _require_all(self, manifest: Manifest) -> None:
        """A sweep whose clock differs much from ours takes our claim for stale, and what we found there."""
        present = {stored.name for stored in self._store.listed(names.OBJECTS)}
        for part in manifest.parts:
            if part.object_name not in present:
                raise ServiceUnavailable(
                    "a sweep has taken what a backup under way refers to; do the clocks agree?"
                    f" object={part.object_name} store={self._store.url}"
                )

    def _stored(self, pin: Pin, image: Image, previous: Manifest | None) -> Iterator[Part]:
        known = _known_parts(previous)
        present = {stored.name: stored.size for stored in self._store.listed(names.OBJECTS)}
        self._damaged = shelf.damaged_objects(self._store)
        files = {file.name: file for file in pin.files}
        metas = {name: file.meta for (name, _), file in zip(files_of(image), image.files, strict=False)}
        for name, _ in files_of(image):
            file = files[name]
            meta = metas.get(name)
            sha256 = None if meta is None else known.get((meta.unique_id, meta.size, meta.digest))
            if sha256 is None:
                sha256 = self._digest(pin, file)
            part = Part(file.name, file.size, sha256)
            if present.get(part.object_name) != part.size or part.object_name in self._damaged:
                self._put(pin, file, part)
                present[part.object_name] = part.size
            self._done_bytes += file.size
            self._claim.keep()
            yield part

    def _digest(self, pin: Pin, file: PinnedFile) -> bytes:
        digest = hashlib.sha256()
        for chunk in _local(pin.chunks(file)):
            digest.update(chunk)
        return digest.digest()

    def _put(self, pin: Pin, file: PinnedFile, part: Part) -> None:
        # What stands there with another size, or was found damaged, is not what its name says: write
        # over it.
        self._store.put(part.object_name, _FileChunks(pin, file, part.sha256), replace=True)
        self._stored_bytes += file.size
        if part.object_name in self._damaged:
            self._damaged.discard(part.object_name)
            self._store.delete(names.damage_mark(part.object_name))


class _FileChunks:
    """A pinned file's content, as often as it is asked for; each time checked against its digest."""

    def __init__(self, pin: Pin, file: PinnedFile, sha256: bytes) -> None:
        self._pin = pin
        self._file = file
        self._sha256 = sha256

    def __iter__(self) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for chunk in _local(self._pin.chunks(self._file)):
            digest.update(chunk)
            yield chunk
        if digest.digest() != self._sha256:
            raise CorruptionError("file has changed while it was backed up", file=self._file.name)


def _local(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The database's own disk failing is not the store failing."""
    try:
        yield from chunks
    except OSError as error:
        raise disk_error(error, "the database directory") from error


@contextmanager
def _pinned(engine: Engine, wanted: Sequence[str] | None) -> Iterator[tuple[Pin, tuple[BackedTable, ...]]]:
    """A pin, and the tables that were there at its moment."""
    for _ in range(_PIN_TRIES_MAX):
        before = _tables(engine)
        with engine.pin() as pin:
            # The same before and after is the same at the moment between.
            if _same(_tables(engine), before):
                yield pin, _chosen(before, wanted)
                return
    raise ServiceUnavailable("tables are being made and dropped too quickly to back them up")


def _tables(engine: Engine) -> tuple[BackedTable, ...]:
    return tuple(_backed(engine, value) for _, value in engine.scan(*keys.descriptor_range()))


def _backed(engine: Engine, stored: bytes) -> BackedTable:
    found = decode_descriptor(stored)
    census = engine.get(keys.census_key(found.table_id))
    size = Size() if census is None else decode_sizes(census).get(keys.TABLE_NUMBER, Size())
    return BackedTable(found.name, found.table_id, found.uuid, stored, size.size_bytes, size.items)


def _same(tables: tuple[BackedTable, ...], others: tuple[BackedTable, ...]) -> bool:
    """Whatever the census counts meanwhile."""
    return [table[:4] for table in tables] == [table[:4] for table in others]


def _chosen(tables: tuple[BackedTable, ...], wanted: Sequence[str] | None) -> tuple[BackedTable, ...]:
    if wanted is None:
        return tables
    missing = set(wanted) - {table.name for table in tables}
    if missing:
        raise ResourceNotFound(f"Requested resource not found: Table: {min(missing)} not found")
    return tuple(table for table in tables if table.name in wanted)


def spans_of(tables: Iterable[BackedTable]) -> list[KeySpan]:
    """Where the keys of ``tables`` lie, and those of the catalog."""
    return spans_of_id(*(table.table_id for table in tables))


def spans_of_id(*table_ids: int) -> list[KeySpan]:
    """The same, by the ids of tables."""
    ids = [keys.CATALOG_ID, *table_ids]
    ranges = [keys.prefix_range(keys.table_prefix(table_id)) for table_id in ids]
    return [(found.start, found.end) for found in ranges]


def _known_parts(previous: Manifest | None) -> dict[tuple[int, int, bytes], bytes]:
    if previous is None:
        return {}
    return {
        (file.meta.unique_id, file.meta.size, file.meta.digest): part.sha256
        for file, part in zip(previous.image.files, previous.parts, strict=False)
    }
