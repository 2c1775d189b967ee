"""A file system in memory, for ``:memory:`` databases: quick, and gone with the process.

It keeps the protocol of ``fs`` with the errors a real disk raises, and no promise about power
loss: there is nothing to lose it to. Syncs do nothing. The crash model of the tests
(``testing.mem_fs``) is built on this one and adds what a disk would have kept.

Paths are split at ``/``; empty parts and ``.`` are skipped, so ``/db``, ``db/`` and ``./db``
are one directory. There is no ``..`` and there are no links.

Thread safety: every change is one dictionary or bytearray operation, atomic under the GIL; the
check before it is not, so two threads must not create the same name at once (kvdb never does).
"""

from __future__ import annotations

import errno
import os
import threading
from collections import Counter
from collections.abc import Iterable
from typing import Final, TypeAlias

from kvdb.env.fs import File, Lock

FREE_BYTES: Final = 1 << 62
"""What a file system in memory says it has left."""


class MemoryInode:
    """The bytes of one file; names come and go, open handles keep it."""

    __slots__ = ("content",)

    def __init__(self) -> None:
        self.content = bytearray()


class MemoryDirectory:
    """The names in one directory."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: dict[str, Node] = {}


Node: TypeAlias = MemoryInode | MemoryDirectory
Changes: TypeAlias = "dict[str, Node | None]"
"""What becomes of names in one directory: a node, or ``None`` for removed."""


def error_at(number: int, path: str) -> OSError:
    """The ``OSError`` subclass for ``number``, as the system raises it for ``path``."""
    return OSError(number, os.strerror(number), path)


class MemoryFile:
    """A handle on an inode."""

    __slots__ = ("_inode", "_is_closed", "_may_write", "name")

    def __init__(self, name: str, inode: MemoryInode, *, may_write: bool) -> None:
        self.name = name
        self._inode = inode
        self._may_write = may_write
        self._is_closed = False

    def append(self, data: bytes) -> None:
        self._require_open(to_write=True)
        self._inode.content += data

    def read_at(self, offset: int, count: int) -> bytes:
        self._require_open()
        # Two copies, no memoryview: while one exists, another thread's append would be refused.
        return bytes(self._inode.content[offset : offset + count])

    def size(self) -> int:
        self._require_open()
        return len(self._inode.content)

    def truncate(self, size: int) -> None:
        self._require_open(to_write=True)
        content = self._inode.content
        if size <= len(content):
            del content[size:]
        else:
            content += bytes(size - len(content))

    def sync_data(self) -> None:
        self._require_open()

    def sync(self) -> None:
        self._require_open()

    def close(self) -> None:
        self._is_closed = True

    def _require_open(self, *, to_write: bool = False) -> None:
        if self._is_closed or (to_write and not self._may_write):
            raise error_at(errno.EBADF, self.name)


class MemoryLock:
    """A held lock file; ``held`` counts the locks on it."""

    def __init__(self, held: Counter[MemoryInode], inode: MemoryInode) -> None:
        self._held = held
        self._inode: MemoryInode | None = inode

    def release(self) -> None:
        if self._inode is not None:
            self._held[self._inode] -= 1
            if self._held[self._inode] <= 0:
                del self._held[self._inode]
            self._inode = None


class MemoryFileSystem:
    """Files and directories in dictionaries. Each instance is a disk of its own."""

    def __init__(self) -> None:
        self._root = self._new_directory()
        self._held: Counter[MemoryInode] = Counter()
        self._held_shared: Counter[MemoryInode] = Counter()
        self._lock_guard = threading.Lock()

    def create(self, path: str) -> File:
        directory, name = self._place(path)
        if name in directory.entries:
            raise error_at(errno.EEXIST, path)
        inode = self._new_inode()
        self._change(directory, {name: inode})
        return self._handle(path, inode, may_write=True)

    def open_append(self, path: str) -> File:
        return self._handle(path, self._inode(path), may_write=True)

    def open_read(self, path: str) -> File:
        return self._handle(path, self._inode(path), may_write=False)

    def open_own(self, path: str) -> File:
        """There are no links here."""
        return self.open_read(path)

    def rename(self, source: str, target: str) -> None:
        """Within one directory, as kvdb does; from one into another is refused (EXDEV)."""
        directory, old_name = self._place(source)
        target_directory, new_name = self._place(target)
        if target_directory is not directory:
            raise error_at(errno.EXDEV, target)
        node = directory.entries.get(old_name)
        if node is None:
            raise error_at(errno.ENOENT, source)
        if isinstance(directory.entries.get(new_name), MemoryDirectory):
            raise error_at(errno.EISDIR, target)
        if old_name != new_name:
            self._change(directory, {old_name: None, new_name: node})

    def remove(self, path: str) -> None:
        directory, name = self._place(path)
        self._inode(path)
        self._change(directory, {name: None})

    def make_dir(self, path: str) -> None:
        directory, name = self._place(path)
        node = directory.entries.get(name)
        if isinstance(node, MemoryInode):
            raise error_at(errno.ENOTDIR, path)
        if node is None:
            self._change(directory, {name: self._new_directory()})

    def remove_dir(self, path: str) -> None:
        directory, name = self._place(path)
        if self._directory(path).entries:
            raise error_at(errno.ENOTEMPTY, path)
        self._change(directory, {name: None})

    def sync_dir(self, path: str) -> None:
        self._directory(path)

    def list_dir(self, path: str) -> list[str]:
        return sorted(self._directory(path).entries)

    def exists(self, path: str) -> bool:
        return self._find(path) is not None

    def is_dir(self, path: str) -> bool:
        return isinstance(self._find(path), MemoryDirectory)

    def file_size(self, path: str) -> int:
        return len(self._inode(path).content)

    def allocate(self, path: str, size: int) -> None:
        """Memory is not a disk that can be full before it is used: the file is empty."""
        self.create(path).close()

    def free_bytes(self, path: str) -> int:
        return FREE_BYTES

    def network_kind(self, path: str) -> str:
        return ""

    def lock(self, path: str, note: str) -> Lock:
        directory, name = self._place(path)
        with self._lock_guard:
            if name not in directory.entries:
                self._change(directory, {name: self._new_inode()})
            inode = self._inode(path)
            self._require_free(inode, path, (self._held, self._held_shared))
            self._held[inode] += 1
        inode.content[:] = note.encode()
        return MemoryLock(self._held, inode)

    def lock_shared(self, path: str) -> Lock:
        with self._lock_guard:
            inode = self._inode(path)
            self._require_free(inode, path, (self._held,))
            self._held_shared[inode] += 1
        return MemoryLock(self._held_shared, inode)

    def _require_free(self, inode: MemoryInode, path: str, locks: Iterable[Counter[MemoryInode]]) -> None:
        if any(held[inode] for held in locks):
            holder = bytes(inode.content).decode(errors="replace")
            raise BlockingIOError(errno.EWOULDBLOCK, "locked", path, None, holder)

    def _new_inode(self) -> MemoryInode:
        return MemoryInode()

    def _new_directory(self) -> MemoryDirectory:
        return MemoryDirectory()

    def _handle(self, path: str, inode: MemoryInode, *, may_write: bool) -> File:
        return MemoryFile(path, inode, may_write=may_write)

    def _change(self, directory: MemoryDirectory, changes: Changes) -> None:
        """Every change of a name goes through here."""
        apply_changes(directory.entries, changes)

    def _find(self, path: str) -> Node | None:
        node: Node = self._root
        for part in _parts(path):
            found = node.entries.get(part) if isinstance(node, MemoryDirectory) else None
            if found is None:
                return None
            node = found
        return node

    def _directory(self, path: str) -> MemoryDirectory:
        node = self._find(path)
        if isinstance(node, MemoryDirectory):
            return node
        raise error_at(errno.ENOENT if node is None else errno.ENOTDIR, path)

    def _inode(self, path: str) -> MemoryInode:
        node = self._find(path)
        if isinstance(node, MemoryInode):
            return node
        raise error_at(errno.ENOENT if node is None else errno.EISDIR, path)

    def _place(self, path: str) -> tuple[MemoryDirectory, str]:
        """The directory that holds, or would hold, the last name of ``path``."""
        parts = _parts(path)
        if not parts:
            raise error_at(errno.EEXIST, path)
        node = self._find("/".join(parts[:-1]))
        if isinstance(node, MemoryDirectory):
            return node, parts[-1]
        raise error_at(errno.ENOENT if node is None else errno.ENOTDIR, path)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def apply_changes(entries: dict[str, Node], changes: Changes) -> None:
    """Set or remove the names of ``changes``."""
    for name, node in changes.items():
        if node is None:
            entries.pop(name, None)
        else:
            entries[name] = node
