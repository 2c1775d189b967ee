"""Where backups lie: named immutable objects, in a directory or an object store.

A store promises: an object is there whole or not at all, it is durable once ``put`` has returned, and
``names`` has it from then on. It knows nothing of what it holds.

Errors are the same for every store:

    ServiceUnavailable   it cannot be reached, is busy or too slow: worth another try
    DiskFull             it has no room
    BackupStoreError     it refuses: credentials, permissions, read-only, no such bucket
    ObjectNotFound       there is no such object (internal to this room)
"""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Final, NamedTuple, Protocol, TypeAlias

from kvdb.backup import names
from kvdb.env.fs import FileSystem, join
from kvdb.errors import BackupStoreError, CorruptionError, DiskFull, ServiceUnavailable, is_no_room

CHUNK_BYTES: Final = 1024 * 1024
"""Content goes in and out in pieces of about this size."""
_FOLDERS_OPEN_MAX: Final = 16
"""Folders within folders that a listing goes down."""
IsName: TypeAlias = Callable[[str], bool]
"""Whether a store may be asked for an object of this name."""
SMALL_BYTES_MAX: Final = 64 * 1024 * 1024
"""What is read into memory whole may be this large."""


class ObjectNotFound(Exception):
    """There is no object of this name."""


class Stored(NamedTuple):
    """One object as a listing shows it."""

    name: str
    size: int
    modified_ms: int
    """When it was written, by the store's clock; 0: unknown."""


class BackupStore(Protocol):
    """One place for backups. From any thread."""

    url: str

    def put(self, name: str, chunks: Iterable[bytes], *, replace: bool = False) -> None:
        """Write an object whole, durably. ``replace``: one of that name may be there.

        Raises:
            FileExistsError: there is one, and ``replace`` was not given.
            ServiceUnavailable, DiskFull, BackupStoreError: nothing was written.
            Whatever ``chunks`` raises: nothing was written.
        """
        ...

    def get(self, name: str) -> Iterator[bytes]:
        """The content, in pieces.

        Raises:
            ObjectNotFound, ServiceUnavailable, BackupStoreError
        """
        ...

    def exists(self, name: str) -> bool: ...

    def listed(self, prefix: str) -> Iterator[Stored]:
        """Every object whose name begins with ``prefix``, which ends with a slash; in any order."""
        ...

    def delete(self, name: str) -> None:
        """Remove an object; no error when there is none."""
        ...

    def clean(self, prefixes: Iterable[str] = names.FOLDERS) -> None:
        """Take away what interrupted puts have left under ``prefixes``. Only while nobody puts there."""
        ...


def read_small(store: BackupStore, name: str, *, bytes_max: int = SMALL_BYTES_MAX) -> bytes:
    """A whole object into memory.

    Raises:
        CorruptionError: it is larger than anything we write.
        ObjectNotFound, ServiceUnavailable, BackupStoreError: as ``get``.
    """
    parts: list[bytes] = []
    size = 0
    for chunk in store.get(name):
        size += len(chunk)
        if size > bytes_max:
            raise CorruptionError(f"object is too large max={bytes_max}", file=name)
        parts.append(chunk)
    return b"".join(parts)


class DirectoryStore:
    """A directory on a file system, through the ``FileSystem`` seam.

    An object is written under a temporary name, synced, renamed, and its directory synced. Nothing in
    here follows a symbolic link at an object's name.
    """

    def __init__(self, fs: FileSystem, directory: str, token: bytes, is_name: IsName = names.is_ours) -> None:
        """Makes nothing: the first ``put`` does. ``token``: random, tells this one's temporary files
        from those of others."""
        self.url = directory
        self._is_name = is_name
        self._token = token.hex()
        self._puts = count()
        self._fs = fs
        self._root = directory.rstrip("/") or "/"
        self._made: set[str] = set()

    def put(self, name: str, chunks: Iterable[bytes], *, replace: bool = False) -> None:
        folder, last = self._place(name)
        path = join(folder, last)
        try:
            self._make(folder)
            if not replace and self._fs.exists(path):
                raise FileExistsError(errno.EEXIST, "object is there already", name)
            temporary = f"{path}.{self._token}-{next(self._puts)}.tmp"
            self._write(temporary, chunks)
            self._fs.rename(temporary, path)
            self._fs.sync_dir(folder)
        except FileExistsError:
            raise
        except OSError as error:
            raise store_error(error, self.url) from error

    def get(self, name: str) -> Iterator[bytes]:
        folder, last = self._place(name)
        try:
            file = self._fs.open_own(join(folder, last))
        except FileNotFoundError as error:
            raise ObjectNotFound(name) from error
        except OSError as error:
            raise store_error(error, self.url) from error
        try:
            offset = 0
            while chunk := file.read_at(offset, CHUNK_BYTES):
                offset += len(chunk)
                yield chunk
        except OSError as error:
            raise store_error(error, self.url) from error
        finally:
            file.close()

    def exists(self, name: str) -> bool:
        folder, last = self._place(name)
        return self._fs.exists(join(folder, last))

    def listed(self, prefix: str) -> Iterator[Stored]:
        return self._listed(prefix, _FOLDERS_OPEN_MAX)

    def _listed(self, prefix: str, levels: int) -> Iterator[Stored]:
        folder = join(self._root, prefix.rstrip("/"))
        try:
            found = self._fs.list_dir(folder)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise store_error(error, self.url) from error
        for last in found:
            if last.endswith(".tmp"):
                continue
            path = join(folder, last)
            try:
                if levels and self._fs.is_dir(path):
                    yield from self._listed(f"{prefix}{last}/", levels - 1)
                else:
                    yield Stored(prefix + last, self._fs.file_size(path), 0)
            except (FileNotFoundError, IsADirectoryError):
                # Deleted since.
                continue
            except OSError as error:
                raise store_error(error, self.url) from error

    def delete(self, name: str) -> None:
        folder, last = self._place(name)
        try:
            self._fs.remove(join(folder, last))
            self._fs.sync_dir(folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise store_error(error, self.url) from error

    def clean(self, prefixes: Iterable[str] = names.FOLDERS) -> None:
        for prefix in prefixes:
            folder = join(self._root, prefix.rstrip("/"))
            try:
                for last in self._fs.list_dir(folder):
                    if last.endswith(".tmp"):
                        self._fs.remove(join(folder, last))
            except FileNotFoundError:
                continue
            except OSError as error:
                raise store_error(error, self.url) from error

    def _place(self, name: str) -> tuple[str, str]:
        if not self._is_name(name):
            raise CorruptionError("not the name of an object in a backup store", file=name)
        folder, _, last = name.rpartition("/")
        return join(self._root, folder), last

    def _make(self, folder: str) -> None:
        if folder in self._made:
            return
        missing = []
        path = folder
        while path and not self._fs.exists(path):
            missing.append(path)
            path = path.rpartition("/")[0]
        for path in reversed(missing):
            self._fs.make_dir(path)
            parent = path.rpartition("/")[0]
            self._fs.sync_dir(parent or ("/" if path.startswith("/") else "."))
        self._made.add(folder)

    def _write(self, path: str, chunks: Iterable[bytes]) -> None:
        file = self._fs.create(path)
        try:
            try:
                for chunk in chunks:
                    file.append(chunk)
                file.sync()
            finally:
                file.close()
        except Exception:
            with contextlib.suppress(OSError):
                self._fs.remove(path)
            raise


def store_error(error: OSError, url: str) -> DiskFull | ServiceUnavailable | BackupStoreError:
    """What a file system's refusal means for a store in a directory."""
    if is_no_room(error):
        return DiskFull(f"backup store is full store={url}")
    reason = error.strerror or str(error)
    if error.errno in (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EINTR):
        return ServiceUnavailable(f"backup store does not answer reason={reason} store={url}")
    return BackupStoreError(f"backup store refuses reason={reason} store={url}")


_SCHEME: Final = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://")


def scheme_of(url: str) -> str:
    """``s3`` of ``s3://bucket/prefix``; ``""`` for a plain path."""
    match = _SCHEME.match(url)
    return match["scheme"] if match is not None else ""
