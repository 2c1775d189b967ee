"""Pin: the files of one moment, held so that they can be copied while writes go on.

A pin has a version, whose sstables no sweep deletes while it is held, and the logs that hold what
is not in sstables yet, the newest of them up to where it ended at that moment. A log that grows
or is no longer needed by the engine stays on disk until the pin is released.

What the copy consists of:

    IDENTITY                     as it is: the copy is the same database
    nnnnnn.sst                   whole; checked against the manifest's digest on the way
    nnnnnn.log                   its first ``size`` bytes
    MANIFEST-n, CURRENT          made for the copy: one record of the version, and where its logs begin

The copy has CURRENT last, so one that was cut off never opens. A pin is of the process: after the
engine is closed, whoever opens the directory next may delete its files.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Final, NamedTuple

from kvdb.env.fs import FileSystem, join, read_all, write_atomic
from kvdb.env.memory_fs import MemoryFileSystem
from kvdb.errors import ClosedError, CorruptionError, NotADatabase
from kvdb.lsm.filenames import CURRENT, IDENTITY, log_name, manifest_name, parse, sstable_name
from kvdb.lsm.image import Image, ImageFile, ImageLog
from kvdb.lsm.manifest import FileMeta, Position
from kvdb.lsm.sstable.writer import file_digest
from kvdb.lsm.version import Version, VersionSet, start_manifest
from kvdb.lsm.wal import LogWriter

_CHUNK_BYTES: Final = 1024 * 1024


class PinnedFile(NamedTuple):
    """A file to copy: its first ``size`` bytes. ``digest`` is of all of them, empty for a log."""

    name: str
    size: int
    digest: bytes


class Pin:
    """Files of one moment. A context manager; ``release`` lets them go."""

    def __init__(
        self,
        owner: Pins,
        version: Version,
        logs: tuple[PinnedFile, ...],
        *,
        image: Image,
        made: dict[str, bytes],
    ) -> None:
        self.last_seqno = image.seqno
        """The newest seqno in the copy."""
        self.log_number = image.position.log_number
        self.image = image
        """What the copy consists of, as data."""
        self.made = made
        """Files that are made for the copy: name -> content. CURRENT must be copied last."""
        self._owner = owner
        # Holding the version is what keeps its sstables.
        self._version: Version | None = version
        self._logs = logs

    @property
    def files(self) -> list[PinnedFile]:
        """What to copy from the database directory, beside IDENTITY.

        Raises:
            ClosedError: the pin was released.
        """
        if self._version is None:
            raise ClosedError("the pin was released")
        sstables = [_pinned(meta) for meta in self._version.files()]
        return [*sstables, *self._logs]

    def chunks(self, file: PinnedFile) -> Iterator[bytes]:
        """The bytes of one of ``files``, a megabyte at a time.

        Raises:
            CorruptionError: at the end, when they are not what was written.
            OSError: the file cannot be read.
        """
        return self._owner.chunks(file)

    def copy_to(self, fs: FileSystem, directory: str) -> int:
        """Copy everything into ``directory``, made if absent, else empty. Returns the bytes copied.

        Everything is synced. Memory: one megabyte.

        Raises:
            NotADatabase: the directory holds something.
            CorruptionError: an sstable is not what the manifest says; the copy does not open.
            OSError: a file cannot be read or written; the copy does not open.
        """
        files = self.files
        fs.make_dir(directory)
        if found := fs.list_dir(directory):
            raise NotADatabase(f"copy target is not empty directory={directory} found={found[0]}")
        copied = sum(self._owner.copy(file, fs, directory) for file in files)
        identity = self._owner.read(IDENTITY)
        for name, content in (*self.made.items(), (IDENTITY, identity)):
            if name != CURRENT:
                _write(fs, join(directory, name), iter([content]))
        fs.sync_dir(directory)
        write_atomic(fs, directory, CURRENT, self.made[CURRENT])
        parent = directory.rstrip("/").rpartition("/")[0]
        fs.sync_dir(parent or ("/" if directory.startswith("/") else "."))
        return copied

    def release(self) -> None:
        """Let the files go. Idempotent."""
        if self._version is not None:
            self._version = None
            self._owner.forget(self)

    def __enter__(self) -> Pin:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Pins:
    """The live pins of an engine."""

    def __init__(
        self, fs: FileSystem, directory: str, database_id: bytes, *, on_released: Callable[[], None]
    ) -> None:
        self._fs = fs
        self._directory = directory
        self._database_id = database_id
        self._on_released = on_released
        self._live: set[Pin] = set()
        self._lock = threading.Lock()

    def take(self, versions: VersionSet, log: LogWriter, *, wall_ms: int) -> Pin:
        """Pin the present; between two commit groups, so that log and state agree. ``wall_ms`` is
        that of the newest group.

        Raises:
            OSError: the size of a sealed log cannot be read.
        """
        with self._lock:
            # A sweep asks for the lowest log under this lock: before, then it deletes none that
            # the state below needs; or after, then it is told of this pin.
            state, position = versions.settled()
            oldest = (*state.frozen[::-1], state.memtable)
            position = position._replace(log_number=oldest[0].log_number)
            sealed = [
                PinnedFile(name, self._fs.file_size(join(self._directory, name)), b"")
                for name in (log_name(memtable.log_number) for memtable in oldest[:-1])
            ]
            logs = (*sealed, PinnedFile(log_name(log.number), log.size, b""))
            image = Image(
                database_id=self._database_id,
                seqno=log.last_seqno,
                wall_ms=max(wall_ms, position.wall_ms),
                files=tuple(
                    ImageFile(level, meta)
                    for level, files in enumerate(state.version.levels)
                    for meta in files
                ),
                logs=tuple(map(_image_log, logs)),
                position=position,
                ticks=versions.timeline.ticks(0, log.last_seqno),
            )
            made = self._made(versions, state.version, position)
            pin = Pin(self, state.version, logs, image=image, made=made)
            self._live.add(pin)
        return pin

    def forget(self, pin: Pin) -> None:
        with self._lock:
            self._live.discard(pin)
        self._on_released()

    def lowest_log(self, needed: int) -> int:
        """The lowest log that is needed by a pin, or by the engine, whose own is ``needed``."""
        with self._lock:
            return min([needed, *(pin.log_number for pin in self._live)])

    def read(self, name: str) -> bytes:
        return read_all(self._fs, join(self._directory, name))

    def copy(self, file: PinnedFile, fs: FileSystem, directory: str) -> int:
        """Copy one file's pinned bytes; returns their number."""
        return _write(fs, join(directory, file.name), self.chunks(file))

    def chunks(self, file: PinnedFile) -> Iterator[bytes]:
        """One file's pinned bytes; raises ``CorruptionError`` at their end if they are others."""
        digest = file_digest()
        count = 0
        source = self._fs.open_read(join(self._directory, file.name))
        try:
            for offset in range(0, file.size, _CHUNK_BYTES):
                chunk = source.read_at(offset, min(_CHUNK_BYTES, file.size - offset))
                digest.update(chunk)
                count += len(chunk)
                yield chunk
        finally:
            source.close()
        if count != file.size or (file.digest and digest.digest() != file.digest):
            raise CorruptionError("file is not what was written", file=file.name)

    def _made(self, versions: VersionSet, version: Version, position: Position) -> dict[str, bytes]:
        """CURRENT and the manifest of the copy, by the writer of the real ones."""
        fs, place = MemoryFileSystem(), "copy"
        fs.make_dir(place)
        number = position.next_number
        position = position._replace(next_number=number + 1)
        ticks = versions.timeline.ticks(0, position.last_seqno)
        start_manifest(fs, place, number, version, position, self._database_id, ticks).close()
        return {name: read_all(fs, join(place, name)) for name in (manifest_name(number), CURRENT)}


def _pinned(meta: FileMeta) -> PinnedFile:
    return PinnedFile(sstable_name(meta.number), meta.size, meta.digest)


def _image_log(file: PinnedFile) -> ImageLog:
    parsed = parse(file.name)
    assert parsed is not None
    return ImageLog(parsed.number, file.size)


def _write(fs: FileSystem, path: str, chunks: Iterator[bytes]) -> int:
    """A new synced file; its name is the caller's to sync. Returns its size."""
    written = 0
    file = fs.create(path)
    try:
        for chunk in chunks:
            file.append(chunk)
            written += len(chunk)
        file.sync()
    finally:
        file.close()
    return written
