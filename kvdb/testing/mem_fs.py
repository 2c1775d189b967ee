"""A file system in memory that knows what a power loss would leave: the crash model.

Every file has its content as programs see it, the bytes that are durable, and between the two
the pending appends and truncates; every directory the same for its names. A sync makes pending
durable. ``after_crash`` chooses among the pending ones and gives one legal disk:

    strict   nothing that was not synced
    all      everything, as if the machine had only stopped
    prefix   the pending operations up to some moment, in the order they were made
    random   each directory any of its pending operations (one needs those before it on the same
             names); each file its synced bytes, then each 512-byte sector new, old or zero, and
             any size between the old and the new

What was synced is never damaged: the bytes of a sector that were durable stay when others in
it are written (*powersafe overwrite*, RELIABILITY 3.3). A file's content and its name are
made durable apart: a synced file may vanish with its name, and a durable name may stand over an
empty file. A rename is atomic. Locks are gone after a crash.

Sources: RELIABILITY 2.1; Pillai et al., "All File Systems Are Not Created Equal" (ALICE, 2014),
for which operations real file systems reorder.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, Protocol, TypeAlias

from kvdb.env.entropy import Entropy, SystemEntropy
from kvdb.env.fs import File, Lock
from kvdb.env.memory_fs import (
    Changes,
    MemoryDirectory,
    MemoryFile,
    MemoryFileSystem,
    MemoryInode,
    Node,
    apply_changes,
    error_at,
)

SECTOR_BYTES = 512
"""What a disk writes as a whole."""

CrashMode = Literal["strict", "all", "prefix", "random"]
Observer: TypeAlias = Callable[[str, str], None]
"""Called with operation and path before every mutating call."""


class PowerLoss(BaseException):
    """The machine stopped before this call. Not an ``Exception``: no handler may survive it."""


class _FileOp(NamedTuple):
    """A pending append (``data``) or truncate (``data`` is ``None``, to ``size``)."""

    sequence: int
    data: bytes | None
    size: int = 0

    def applied_to(self, content: bytearray) -> None:
        if self.data is not None:
            content += self.data
        elif self.size <= len(content):
            del content[self.size :]
        else:
            content += bytes(self.size - len(content))


class _DirectoryOp(NamedTuple):
    """A pending create, remove or rename: what becomes of one or two names."""

    sequence: int
    changes: Changes


class _Inode(MemoryInode):
    __slots__ = ("durable", "pending")

    def __init__(self) -> None:
        super().__init__()
        self.durable = bytearray()
        self.pending: list[_FileOp] = []

    def sync(self) -> None:
        for operation in self.pending:
            operation.applied_to(self.durable)
        self.pending.clear()

    def drop_pages(self) -> None:
        """What Linux does after a failed write-back: the pages count as clean and are not on disk."""
        self.pending = [
            op if op.data is None else op._replace(data=bytes(len(op.data))) for op in self.pending
        ]


class _Directory(MemoryDirectory):
    __slots__ = ("durable", "pending")

    def __init__(self) -> None:
        super().__init__()
        self.durable: dict[str, Node] = {}
        self.pending: list[_DirectoryOp] = []

    def sync(self) -> None:
        self.durable = dict(self.entries)
        self.pending.clear()


class _File(MemoryFile):
    """A handle that records what is pending."""

    __slots__ = ("_disk", "_fs")

    def __init__(self, fs: MemFileSystem, name: str, inode: _Inode, *, may_write: bool) -> None:
        super().__init__(name, inode, may_write=may_write)
        self._fs = fs
        self._disk = inode
        fs.open_files += 1

    def append(self, data: bytes) -> None:
        sequence = self._fs.begin("append", self.name)
        room = self._fs.free_bytes(self.name)
        fitting = bytes(data[:room])
        super().append(fitting)
        self._disk.pending.append(_FileOp(sequence, fitting))
        if room < len(data):
            raise error_at(errno.ENOSPC, self.name)

    def truncate(self, size: int) -> None:
        sequence = self._fs.begin("truncate", self.name)
        super().truncate(size)
        self._disk.pending.append(_FileOp(sequence, None, size))

    def read_at(self, offset: int, count: int) -> bytes:
        self._fs.require_power()
        return super().read_at(offset, count)

    def sync_data(self) -> None:
        self._fs.begin("sync_data", self.name)
        super().sync_data()
        self._disk.sync()

    def sync(self) -> None:
        self._fs.begin("sync", self.name)
        super().sync()
        self._disk.sync()

    def close(self) -> None:
        if not self._is_closed:
            self._fs.open_files -= 1
        super().close()

    def drop_pages(self) -> None:
        """As after a failed sync: later syncs succeed, and the pages are zero on disk."""
        self._disk.drop_pages()


class MemFileSystem(MemoryFileSystem):
    """The crash model. For one thread, or for several that do not share a file.

    ``calls`` counts the mutating calls (create, append, truncate, sync, sync_data, rename, remove,
    make_dir, remove_dir, sync_dir, lock; allocate counts as its parts); ``observer`` sees each before
    it happens, so that one run can take images at every call; ``power_off_before`` stops the
    machine at one of them.
    """

    def __init__(self, *, observer: Observer | None = None) -> None:
        super().__init__()
        self.calls = 0
        self.open_files = 0
        self.observer = observer
        self.capacity_bytes: int | None = None
        """The size of the disk: an append past it writes what fits and raises ENOSPC."""
        self._power_off_call: int | None = None
        self._is_off = False

    @property
    def held_locks(self) -> int:
        return self._held.total() + self._held_shared.total()

    @property
    def used_bytes(self) -> int:
        """What the files that have a name hold."""
        return sum(len(inode.content) for inode in _inodes(self._root))

    def power_off_before(self, call: int) -> None:
        """Raise ``PowerLoss`` instead of doing mutating call ``call`` (the first is 1), and ever after."""
        self._power_off_call = call

    def kill_processes(self) -> None:
        """Every process ends and the machine runs on: locks are free, files stay as they are, the
        pending ones pending. Ends a power loss too, as if it had been only that."""
        self._held.clear()
        self._held_shared.clear()
        if self._is_off:
            self._is_off = False
            self._power_off_call = None
        self.open_files = 0

    def after_crash(self, mode: CrashMode, seed: int = 0) -> MemFileSystem:
        """One disk that a power loss at this moment could leave; this one stays as it is.

        The same state, mode and seed give the same disk.
        """
        fate: _Fate
        if mode == "random":
            fate = _RandomFate(SystemEntropy(seed))
        elif mode == "prefix":
            sequences = sorted(_pending_sequences(self._root, set()))
            moments = [0, *(sequence + 1 for sequence in sequences)]
            fate = _PrefixFate(moments[_below(SystemEntropy(seed), len(moments))])
        else:
            fate = _PrefixFate(0 if mode == "strict" else self.calls + 1)
        image = MemFileSystem()
        assert isinstance(self._root, _Directory)
        image._root = _directory_after(self._root, fate, {})
        return image

    def begin(self, operation: str, path: str) -> int:
        """Count a mutating call that is about to happen, and give its number."""
        self.require_power()
        if self.calls + 1 == self._power_off_call:
            self._is_off = True
            raise PowerLoss(f"power loss before call {self.calls + 1} {operation} {path}")
        if self.observer is not None:
            self.observer(operation, path)
        self.calls += 1
        return self.calls

    def require_power(self) -> None:
        if self._is_off:
            raise PowerLoss("the power is off")

    def create(self, path: str) -> File:
        self.begin("create", path)
        return super().create(path)

    def open_append(self, path: str) -> File:
        self.require_power()
        return super().open_append(path)

    def open_read(self, path: str) -> File:
        self.require_power()
        return super().open_read(path)

    def rename(self, source: str, target: str) -> None:
        self.begin("rename", target)
        super().rename(source, target)

    def remove(self, path: str) -> None:
        self.begin("remove", path)
        super().remove(path)

    def make_dir(self, path: str) -> None:
        self.begin("make_dir", path)
        super().make_dir(path)

    def remove_dir(self, path: str) -> None:
        self.begin("remove_dir", path)
        super().remove_dir(path)

    def sync_dir(self, path: str) -> None:
        self.begin("sync_dir", path)
        directory = self._directory(path)
        assert isinstance(directory, _Directory)
        directory.sync()

    def list_dir(self, path: str) -> list[str]:
        self.require_power()
        return super().list_dir(path)

    def exists(self, path: str) -> bool:
        self.require_power()
        return super().exists(path)

    def is_dir(self, path: str) -> bool:
        self.require_power()
        return super().is_dir(path)

    def file_size(self, path: str) -> int:
        self.require_power()
        return super().file_size(path)

    def allocate(self, path: str, size: int) -> None:
        file = self.create(path)
        try:
            file.append(bytes(size))
            file.sync()
        finally:
            file.close()

    def free_bytes(self, path: str) -> int:
        self.require_power()
        if self.capacity_bytes is None:
            return super().free_bytes(path)
        return max(0, self.capacity_bytes - self.used_bytes)

    def lock(self, path: str, note: str) -> Lock:
        self.begin("lock", path)
        return super().lock(path, note)

    def lock_shared(self, path: str) -> Lock:
        self.require_power()
        return super().lock_shared(path)

    def _new_inode(self) -> MemoryInode:
        return _Inode()

    def _new_directory(self) -> MemoryDirectory:
        return _Directory()

    def _handle(self, path: str, inode: MemoryInode, *, may_write: bool) -> File:
        assert isinstance(inode, _Inode)
        return _File(self, path, inode, may_write=may_write)

    def _change(self, directory: MemoryDirectory, changes: Changes) -> None:
        super()._change(directory, changes)
        assert isinstance(directory, _Directory)
        directory.pending.append(_DirectoryOp(self.calls, changes))


def _inodes(node: Node) -> Iterator[MemoryInode]:
    if isinstance(node, MemoryDirectory):
        for child in node.entries.values():
            yield from _inodes(child)
    else:
        yield node


class _Fate(Protocol):
    """What a crash keeps."""

    def names(self, directory: _Directory) -> dict[str, Node]: ...

    def content(self, inode: _Inode) -> bytearray: ...


class _PrefixFate:
    """Everything pending that was done before call number ``moment`` survives, and nothing after."""

    def __init__(self, moment: int) -> None:
        self._moment = moment

    def names(self, directory: _Directory) -> dict[str, Node]:
        names = dict(directory.durable)
        for operation in directory.pending:
            if operation.sequence < self._moment:
                apply_changes(names, operation.changes)
        return names

    def content(self, inode: _Inode) -> bytearray:
        content = bytearray(inode.durable)
        for operation in inode.pending:
            if operation.sequence < self._moment:
                operation.applied_to(content)
        return content


class _RandomFate:
    """Each pending operation survives, or half survives, by chance.

    One share for the whole image makes some images nearly complete and others nearly strict;
    independent coins would make almost every image look alike.
    """

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._share = entropy.fraction()

    def names(self, directory: _Directory) -> dict[str, Node]:
        names = dict(directory.durable)
        lost: set[str] = set()
        for operation in directory.pending:
            # What builds on a lost change is lost too: no file is renamed before it was created.
            if lost.isdisjoint(operation.changes) and self._entropy.fraction() < self._share:
                apply_changes(names, operation.changes)
            else:
                lost.update(operation.changes)
        return names

    def content(self, inode: _Inode) -> bytearray:
        old = inode.durable
        if not inode.pending or self._entropy.fraction() < 0.2:
            return bytearray(old)
        new, kept = self._some_truncates(inode)
        # The sizes: none of the growth, all of it, up to a sector, or anything between.
        low, high = min(kept, len(new)), len(new)
        choice = _below(self._entropy, 4)
        size = high if choice < 2 else low + _below(self._entropy, high - low + 1)
        if choice == 2:
            size = max(low, size - size % SECTOR_BYTES)
        if self._entropy.fraction() < 0.5:
            return new[:size]
        return self._torn(old, new[:size], kept)

    def _some_truncates(self, inode: _Inode) -> tuple[bytearray, int]:
        """The content when the pending operations from some truncate on have not happened.

        With it, up to where it is durable: no truncate that did happen reaches below.
        """
        truncates = [index for index, op in enumerate(inode.pending) if op.data is None]
        ends = [*truncates, len(inode.pending)]
        content = bytearray(inode.durable)
        kept = len(content)
        for operation in inode.pending[: ends[_below(self._entropy, len(ends))]]:
            operation.applied_to(content)
            kept = min(kept, len(content))
        return content, kept

    def _torn(self, old: bytearray, new: bytearray, kept: int) -> bytearray:
        for start in range(kept - kept % SECTOR_BYTES, len(new), SECTOR_BYTES):
            if self._entropy.fraction() < self._share:
                continue
            first, end = max(start, kept), min(start + SECTOR_BYTES, len(new))
            left = old[first:end] if self._entropy.fraction() < 0.5 else b""
            new[first:end] = left + bytes(end - first - len(left))
        return new


def _below(entropy: Entropy, count: int) -> int:
    """A whole number in [0, count)."""
    return int(entropy.fraction() * count)


def _directory_after(source: _Directory, fate: _Fate, made: dict[int, _Inode]) -> _Directory:
    """The directory as the crash leaves it, all of it durable."""
    directory = _Directory()
    for name, node in fate.names(source).items():
        if isinstance(node, _Directory):
            directory.entries[name] = _directory_after(node, fate, made)
        elif isinstance(node, _Inode):
            inode = made.get(id(node))
            if inode is None:
                inode = made[id(node)] = _Inode()
                inode.durable = fate.content(node)
                inode.content = bytearray(inode.durable)
            directory.entries[name] = inode
    directory.sync()
    return directory


def _pending_sequences(node: Node, seen: set[int]) -> Iterator[int]:
    """The call numbers of everything pending, in files that have or may get back a name too."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, _Inode):
        yield from (operation.sequence for operation in node.pending)
    elif isinstance(node, _Directory):
        yield from (operation.sequence for operation in node.pending)
        for child in {**node.durable, **node.entries}.values():
            yield from _pending_sequences(child, seen)
