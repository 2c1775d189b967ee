"""Files and directories: the protocols every room uses, and their form on a real disk.

Rules the callers rely on (RELIABILITY 3.4), and which the doubles in ``testing`` model:

- ``append`` has reached the operating system when it returns (survives a killed process),
  and the disk only after ``sync_data`` or ``sync`` (survives a power loss).
- A file's *name* survives a power loss only after ``sync_dir`` of its directory.
- ``rename`` within one directory is atomic; it replaces its target.
- A failed sync is never retried on the same file: what it covered has an unknown fate.

Errors are ``OSError`` here; the rooms above turn them into ``DiskError`` with the file's name.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
from typing import Protocol


class File(Protocol):
    """One open file. Appending and positioned reading only: kvdb never overwrites in place."""

    name: str

    def append(self, data: bytes) -> None:
        """Write all of ``data`` at the end, or raise ``OSError``; a short write is continued."""
        ...

    def read_at(self, offset: int, count: int) -> bytes:
        """Up to ``count`` bytes from ``offset``; fewer only at the end of the file."""
        ...

    def size(self) -> int: ...

    def truncate(self, size: int) -> None: ...

    def sync_data(self) -> None:
        """Make the content and size durable (``fdatasync``)."""
        ...

    def sync(self) -> None:
        """Make content and metadata durable (``fsync``, ``F_FULLFSYNC`` where it exists)."""
        ...

    def close(self) -> None: ...


class Lock(Protocol):
    """A held directory lock."""

    def release(self) -> None: ...


class FileSystem(Protocol):
    """What kvdb asks of a file system. Paths are plain strings joined with ``/``."""

    def create(self, path: str) -> File:
        """A new empty file; ``FileExistsError`` when the name is taken. Mode 0600."""
        ...

    def open_append(self, path: str) -> File:
        """An existing file, for reading and appending."""
        ...

    def open_read(self, path: str) -> File:
        """An existing file, for reading only."""
        ...

    def rename(self, source: str, target: str) -> None: ...

    def remove(self, path: str) -> None: ...

    def make_dir(self, path: str) -> None:
        """One directory, mode 0700; no error when it is there already."""
        ...

    def remove_dir(self, path: str) -> None:
        """One empty directory."""
        ...

    def sync_dir(self, path: str) -> None:
        """Make the names in a directory durable."""
        ...

    def list_dir(self, path: str) -> list[str]:
        """The names in a directory, sorted; ``FileNotFoundError`` when there is none."""
        ...

    def exists(self, path: str) -> bool: ...

    def file_size(self, path: str) -> int: ...

    def lock(self, path: str, note: str) -> Lock:
        """Take the exclusive lock file at ``path``, writing ``note`` (who holds it) into it.

        ``BlockingIOError`` (its ``filename2`` is the holder's note) when another process or
        another handle in this process holds it. The file is never removed.
        """
        ...


def join(directory: str, name: str) -> str:
    """``directory/name``."""
    return f"{directory.rstrip('/')}/{name}"


def read_all(fs: FileSystem, path: str) -> bytes:
    """A whole file that fits in memory."""
    file = fs.open_read(path)
    try:
        return file.read_at(0, file.size())
    finally:
        file.close()


def write_atomic(fs: FileSystem, directory: str, name: str, data: bytes) -> None:
    """Replace ``directory/name`` so that a crash leaves the old content or the new, never a mixture.

    Steps: 1. write a temporary name; 2. sync it; 3. rename; 4. sync the directory, without
    which the rename itself could be lost after the caller has relied on it.
    """
    temporary = join(directory, name + ".tmp")
    if fs.exists(temporary):
        fs.remove(temporary)
    file = fs.create(temporary)
    try:
        file.append(data)
        file.sync()
    finally:
        file.close()
    fs.rename(temporary, join(directory, name))
    fs.sync_dir(directory)


class OsFile:
    """A file of the operating system."""

    __slots__ = ("_descriptor", "name")

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = name
        self._descriptor = descriptor

    def append(self, data: bytes) -> None:
        written = os.write(self._descriptor, data)
        if written != len(data):
            rest = memoryview(data)[written:]
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]

    def read_at(self, offset: int, count: int) -> bytes:
        data = os.pread(self._descriptor, count, offset)
        if len(data) == count or not data:
            return data
        parts = [data]
        got = len(data)
        while got < count:
            part = os.pread(self._descriptor, count - got, offset + got)
            if not part:
                break
            parts.append(part)
            got += len(part)
        return b"".join(parts)

    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def truncate(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)

    def sync_data(self) -> None:
        if hasattr(fcntl, "F_FULLFSYNC"):
            self.sync()
        else:
            self._require_open()
            os.fdatasync(self._descriptor)

    def sync(self) -> None:
        self._require_open()
        # macOS: fsync leaves the data in the drive's cache, F_FULLFSYNC does not.
        full_sync = getattr(fcntl, "F_FULLFSYNC", None)
        if full_sync is not None:
            fcntl.fcntl(self._descriptor, full_sync)
        else:
            os.fsync(self._descriptor)

    def close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)

    def _require_open(self) -> None:
        # The sync calls of ``os`` raise ValueError on -1, where the rest raise OSError.
        if self._descriptor < 0:
            raise OSError(errno.EBADF, "Bad file descriptor", self.name)


class OsLock:
    """An ``flock`` held on an open descriptor, and the registry entry that keeps it ours."""

    def __init__(self, descriptor: int, identity: tuple[int, int]) -> None:
        self._descriptor = descriptor
        self._identity = identity

    def release(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            with _held_guard:
                _held.discard(self._identity)
            os.close(descriptor)


# flock is per open file description, so a second handle in this process would be refused
# too; the registry gives that case its own answer and holds where flock is emulated.
_held: set[tuple[int, int]] = set()
_held_guard = threading.Lock()


class OsFileSystem:
    """The operating system's files. Files are made 0600 and directories 0700."""

    def create(self, path: str) -> File:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        return OsFile(path, os.open(path, flags, 0o600))

    def open_append(self, path: str) -> File:
        return OsFile(path, os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC))

    def open_read(self, path: str) -> File:
        return OsFile(path, os.open(path, os.O_RDONLY | os.O_CLOEXEC))

    def rename(self, source: str, target: str) -> None:
        os.rename(source, target)

    def remove(self, path: str) -> None:
        os.unlink(path)

    def make_dir(self, path: str) -> None:
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            if not os.path.isdir(path):
                raise NotADirectoryError(errno.ENOTDIR, "not a directory", path) from None

    def remove_dir(self, path: str) -> None:
        os.rmdir(path)

    def sync_dir(self, path: str) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def list_dir(self, path: str) -> list[str]:
        return sorted(os.listdir(path))

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def file_size(self, path: str) -> int:
        return os.stat(path).st_size

    def lock(self, path: str, note: str) -> Lock:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            status = os.fstat(descriptor)
            identity = (status.st_dev, status.st_ino)
            with _held_guard:
                if identity in _held:
                    raise _locked(path, descriptor)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise _locked(path, descriptor) from None
                _held.add(identity)
        except BaseException:
            os.close(descriptor)
            raise
        with contextlib.suppress(OSError):
            # The note is for people; a full disk must not keep the database shut.
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, note.encode(), 0)
        return OsLock(descriptor, identity)


def _locked(path: str, descriptor: int) -> BlockingIOError:
    note = os.pread(descriptor, 200, 0).decode(errors="replace")
    return BlockingIOError(errno.EWOULDBLOCK, "locked", path, None, note)
