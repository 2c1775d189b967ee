"""A file system that fails where a test says: wraps any other, and keeps a log of its calls.

Operations are named as in the ``FileSystem`` and ``File`` protocols: ``create``, ``append``,
``sync_data``, ``rename`` ... A ``Fault`` picks calls by operation, path and count.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from kvdb.env.fs import File, FileSystem, Lock
from kvdb.env.memory_fs import error_at

FaultKind = Literal["error", "short_write", "drop_pages"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Which call fails, and how.

    error        nothing happens; ``OSError(error)``
    short_write  an append writes the first half of its data, then ``OSError(error)``
    drop_pages   a sync raises ``OSError(error)``, and what it should have made durable never
                 will be, though a second sync would succeed (the file must be ``MemFileSystem``'s)
    """

    operation: str = "*"
    """A glob over operation names: ``sync*`` is every kind of sync."""
    path: str = "*"
    """A glob over paths."""
    nth: int = 1
    """The first matching call that fails, counted from 1 when the fault is set."""
    error: int = errno.EIO
    kind: FaultKind = "error"
    for_ever: bool = False
    """Every later matching call fails as well."""


class Call(NamedTuple):
    """One call as it was logged. ``failed`` says that a fault was injected."""

    operation: str
    path: str
    failed: bool


@runtime_checkable
class _DropsPages(Protocol):
    def drop_pages(self) -> None: ...


class FaultyFileSystem:
    """Passes every call on, but those that a fault picks.

    ``calls`` is the log, ``open_files`` and ``held_locks`` what has not been closed and released.
    Closing and releasing are neither logged nor failed.
    """

    def __init__(self, fs: FileSystem) -> None:
        self._fs = fs
        self._faults: list[tuple[Fault, list[int]]] = []
        self.calls: list[Call] = []
        self.open_files = 0
        self.held_locks = 0

    def fail(self, fault: Fault) -> None:
        """Set a fault; several may be set."""
        self._faults.append((fault, [0]))

    def heal(self) -> None:
        """Forget all faults; the log stays."""
        self._faults.clear()

    def fault_at(self, operation: str, path: str) -> Fault | None:
        """Log a call, and say which fault it runs into."""
        found = None
        for fault, matches in self._faults:
            if fnmatchcase(operation, fault.operation) and fnmatchcase(path, fault.path):
                matches[0] += 1
                if matches[0] == fault.nth or (fault.for_ever and matches[0] > fault.nth):
                    found = found or fault
        self.calls.append(Call(operation, path, found is not None))
        return found

    def create(self, path: str) -> File:
        self._pass("create", path)
        return _FaultyFile(self, self._fs.create(path))

    def open_append(self, path: str) -> File:
        self._pass("open_append", path)
        return _FaultyFile(self, self._fs.open_append(path))

    def open_read(self, path: str) -> File:
        self._pass("open_read", path)
        return _FaultyFile(self, self._fs.open_read(path))

    def open_own(self, path: str) -> File:
        self._pass("open_own", path)
        return _FaultyFile(self, self._fs.open_own(path))

    def rename(self, source: str, target: str) -> None:
        self._pass("rename", target)
        self._fs.rename(source, target)

    def remove(self, path: str) -> None:
        self._pass("remove", path)
        self._fs.remove(path)

    def make_dir(self, path: str) -> None:
        self._pass("make_dir", path)
        self._fs.make_dir(path)

    def remove_dir(self, path: str) -> None:
        self._pass("remove_dir", path)
        self._fs.remove_dir(path)

    def sync_dir(self, path: str) -> None:
        self._pass("sync_dir", path)
        self._fs.sync_dir(path)

    def list_dir(self, path: str) -> list[str]:
        self._pass("list_dir", path)
        return self._fs.list_dir(path)

    def exists(self, path: str) -> bool:
        return self._fs.exists(path)

    def is_dir(self, path: str) -> bool:
        return self._fs.is_dir(path)

    def file_size(self, path: str) -> int:
        self._pass("file_size", path)
        return self._fs.file_size(path)

    def allocate(self, path: str, size: int) -> None:
        self._pass("allocate", path)
        self._fs.allocate(path, size)

    def free_bytes(self, path: str) -> int:
        self._pass("free_bytes", path)
        return self._fs.free_bytes(path)

    def network_kind(self, path: str) -> str:
        return self._fs.network_kind(path)

    def lock(self, path: str, note: str) -> Lock:
        self._pass("lock", path)
        return _CountedLock(self, self._fs.lock(path, note))

    def lock_shared(self, path: str) -> Lock:
        self._pass("lock_shared", path)
        return _CountedLock(self, self._fs.lock_shared(path))

    def _pass(self, operation: str, path: str) -> None:
        fault = self.fault_at(operation, path)
        if fault is not None:
            raise error_at(fault.error, path)


class _FaultyFile:
    def __init__(self, fs: FaultyFileSystem, file: File) -> None:
        self._fs = fs
        self._file = file
        self._is_open = True
        self.name = file.name
        fs.open_files += 1

    def append(self, data: bytes) -> None:
        fault = self._fs.fault_at("append", self.name)
        if fault is not None:
            if fault.kind == "short_write":
                self._file.append(data[: len(data) // 2])
            raise error_at(fault.error, self.name)
        self._file.append(data)

    def read_at(self, offset: int, count: int) -> bytes:
        self._pass("read_at")
        return self._file.read_at(offset, count)

    def size(self) -> int:
        self._pass("size")
        return self._file.size()

    def truncate(self, size: int) -> None:
        self._pass("truncate")
        self._file.truncate(size)

    def sync_data(self) -> None:
        self._pass("sync_data")
        self._file.sync_data()

    def sync(self) -> None:
        self._pass("sync")
        self._file.sync()

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._fs.open_files -= 1
        self._file.close()

    def _pass(self, operation: str) -> None:
        fault = self._fs.fault_at(operation, self.name)
        if fault is None:
            return
        if fault.kind == "drop_pages":
            assert isinstance(self._file, _DropsPages), "drop_pages needs a file of MemFileSystem"
            self._file.drop_pages()
        raise error_at(fault.error, self.name)


class _CountedLock:
    def __init__(self, fs: FaultyFileSystem, lock: Lock) -> None:
        self._fs = fs
        self._lock = lock
        self._is_held = True
        fs.held_locks += 1

    def release(self) -> None:
        if self._is_held:
            self._is_held = False
            self._fs.held_locks -= 1
        self._lock.release()
