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

from kvdb.env.fork import on_fork


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

    def open_own(self, path: str) -> File:
        """As ``open_read``, but never through a symbolic link at ``path``: that is an ``OSError`` (ELOOP)."""
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

    def is_dir(self, path: str) -> bool:
        """Whether ``path`` is a directory itself, and no link to one."""
        ...

    def file_size(self, path: str) -> int: ...

    def allocate(self, path: str, size: int) -> None:
        """A new file of ``size`` bytes that has its room on the disk; synced. ``OSError`` without room."""
        ...

    def free_bytes(self, path: str) -> int:
        """How much more this user may write to the file system of ``path``."""
        ...

    def network_kind(self, path: str) -> str:
        """The kind of network file system that ``path`` is on (``"nfs4"``); ``""`` when it is on none,
        or when that cannot be told."""
        ...

    def lock(self, path: str, note: str) -> Lock:
        """Take the exclusive lock file at ``path``, writing ``note`` (who holds it) into it.

        ``BlockingIOError`` (its ``filename2`` is the holder's note) when another process or
        another handle in this process holds it. The file is never removed. ``OSError`` (EMLINK)
        when it has a second name: two directories would share one lock.
        """
        ...

    def lock_shared(self, path: str) -> Lock:
        """Keep ``lock`` away from an existing lock file, together with others who do; writes nothing.

        ``BlockingIOError`` as ``lock``; ``FileNotFoundError`` when there is no such file.
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
        on_fork(self)

    def release(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            with _held_guard:
                _forget(self._identity)
            os.close(descriptor)

    def forked(self) -> None:
        # The child shares the lock with its parent for as long as it has the descriptor: without
        # this the directory stayed locked after the parent has closed it. Closing releases
        # nothing of the parent's.
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)


# flock is per open file description, so a second handle in this process would be refused
# too; the registry gives that case its own answer and holds where flock is emulated.
# (device, inode) -> how many hold it shared, or _EXCLUSIVE.
_held: dict[tuple[int, int], int] = {}
_held_guard = threading.Lock()
_EXCLUSIVE = -1


def _forget(identity: tuple[int, int]) -> None:
    if _held[identity] > 1:
        _held[identity] -= 1
    else:
        del _held[identity]


def _forget_all_in_child() -> None:
    global _held_guard
    _held.clear()
    # Another thread of the parent may have held it at the fork; nobody would let go of it here.
    _held_guard = threading.Lock()


os.register_at_fork(after_in_child=_forget_all_in_child)

_NETWORK_KINDS = frozenset(
    (
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afs",
        "ceph",
        "glusterfs",
        "fuse.glusterfs",
        "fuse.sshfs",
        "lustre",
    )
)
_MOUNTS = "/proc/self/mountinfo"


class OsFileSystem:
    """The operating system's files. Files are made 0600 and directories 0700."""

    def create(self, path: str) -> File:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        return OsFile(path, os.open(path, flags, 0o600))

    def open_append(self, path: str) -> File:
        return OsFile(path, os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC))

    def open_read(self, path: str) -> File:
        return OsFile(path, os.open(path, os.O_RDONLY | os.O_CLOEXEC))

    def open_own(self, path: str) -> File:
        return OsFile(path, os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW))

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

    def is_dir(self, path: str) -> bool:
        return os.path.isdir(path) and not os.path.islink(path)

    def file_size(self, path: str) -> int:
        return os.stat(path).st_size

    def allocate(self, path: str, size: int) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(descriptor, 0, size)
            else:
                OsFile(path, descriptor).append(bytes(size))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def free_bytes(self, path: str) -> int:
        found = os.statvfs(path)
        return found.f_bavail * found.f_frsize

    def network_kind(self, path: str) -> str:
        device = os.stat(path).st_dev
        wanted = f"{os.major(device)}:{os.minor(device)}"
        try:
            with open(_MOUNTS, encoding="utf-8", errors="replace") as mounts:
                # "36 35 98:0 /root /mount options - type source options", see proc(5)
                lines = [line.partition(" - ") for line in mounts if line.split(" ", 3)[2] == wanted]
        except OSError:
            return ""
        kind = lines[-1][2].split(" ", 1)[0] if lines else ""
        return kind if kind in _NETWORK_KINDS else ""

    def lock(self, path: str, note: str) -> Lock:
        lock, descriptor = _flocked(path, os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX)
        with contextlib.suppress(OSError):
            # The note is for people; a full disk must not keep the database shut.
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, note.encode(), 0)
        return lock

    def lock_shared(self, path: str) -> Lock:
        return _flocked(path, os.O_RDONLY, fcntl.LOCK_SH)[0]


def _flocked(path: str, flags: int, kind: int) -> tuple[OsLock, int]:
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        status = os.fstat(descriptor)
        if status.st_nlink > 1:
            raise OSError(errno.EMLINK, "lock file has a second name (a hard link)", path)
        identity = (status.st_dev, status.st_ino)
        with _held_guard:
            holders = _held.get(identity, 0)
            if holders and (kind == fcntl.LOCK_EX or holders == _EXCLUSIVE):
                raise _locked(path, descriptor)
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _locked(path, descriptor) from None
            _held[identity] = _EXCLUSIVE if kind == fcntl.LOCK_EX else holders + 1
    except BaseException:
        os.close(descriptor)
        raise
    return OsLock(descriptor, identity), descriptor


def _locked(path: str, descriptor: int) -> BlockingIOError:
    note = os.pread(descriptor, 200, 0).decode(errors="replace")
    return BlockingIOError(errno.EWOULDBLOCK, "locked", path, None, note)
