"""Whose directory it is: the IDENTITY file, and the locks on LOCK.

IDENTITY := "kvdb database\\nformat_version 1\\nid <32 hex digits>\\ncrc <crc32c of the rest, hex>\\n"
LOCK     := flock'ed for as long as the database is open; its text (who holds it) is for people
"""

from __future__ import annotations

from typing import Final

from kvdb.env.fs import FileSystem, Lock, join, read_all, write_atomic
from kvdb.env.process import identity
from kvdb.errors import CorruptionError, DatabaseLocked, FormatTooNew, NotADatabase, ValidationError
from kvdb.lsm.coding import crc32c
from kvdb.lsm.filenames import IDENTITY, LOCK, parse
from kvdb.options import EngineOptions

FORMAT_VERSION: Final = 1
_IDENTITY_HEAD: Final = "kvdb database"


def write_identity(fs: FileSystem, directory: str, database_id: bytes) -> None:
    """Make the directory ours."""
    text = f"{_IDENTITY_HEAD}\nformat_version {FORMAT_VERSION}\nid {database_id.hex()}"
    write_atomic(fs, directory, IDENTITY, f"{text}\ncrc {crc32c(text.encode()):08x}\n".encode())


def read_identity(fs: FileSystem, directory: str) -> bytes:
    """The database's 16-byte id.

    Raises:
        NotADatabase: it is not ours.
        FormatTooNew: it was written by a later kvdb.
        CorruptionError: it is damaged.
    """
    lines = read_all(fs, join(directory, IDENTITY)).decode("latin-1").split("\n")
    if lines[0] != _IDENTITY_HEAD or len(lines) < 2:
        raise NotADatabase(f"not a kvdb database: {IDENTITY} is something else directory={directory}")
    version = lines[1].removeprefix("format_version ")
    if version.isdigit() and int(version) > FORMAT_VERSION:
        raise FormatTooNew(f"database format {version} is newer than {FORMAT_VERSION} directory={directory}")
    text = "\n".join(lines[:3])
    if len(lines) != 5 or lines[3] != f"crc {crc32c(text.encode('latin-1')):08x}":
        raise CorruptionError("checksum mismatch", file=IDENTITY, offset=0)
    return bytes.fromhex(lines[2].removeprefix("id "))


def require_ours(fs: FileSystem, directory: str) -> None:
    """Raise unless ``directory`` is absent, empty, ours, or ours half-made. Touches nothing.

    Raises:
        NotADatabase, FormatTooNew, CorruptionError: as ``read_identity``.
    """
    if not fs.exists(directory):
        return
    try:
        names = fs.list_dir(directory)
    except NotADirectoryError as error:
        raise NotADatabase(f"not a directory: {directory}") from error
    if IDENTITY in names:
        read_identity(fs, directory)
        return
    strangers = [name for name in names if parse(name) is None]
    if strangers:
        raise NotADatabase(
            f"directory is not empty and not a kvdb database directory={directory} found={strangers[0]}"
        )
    ours = [name for name in names if kind_of(name) not in ("lock", "temporary")]
    if ours:
        raise CorruptionError(f"database files without their identity found={ours[0]}", file=IDENTITY)


def kind_of(name: str) -> str:
    """The kind of a file by its name; "" for a stranger."""
    parsed = parse(name)
    return parsed.kind if parsed is not None else ""


def require_local(fs: FileSystem, directory: str, options: EngineOptions) -> None:
    """Raise ``ValidationError`` when the directory is on a network and the options do not allow that."""
    kind = "" if options.allow_network_dir else fs.network_kind(directory)
    if kind:
        raise ValidationError(
            f"directory is on a network file system, where locks and syncs may promise less: set"
            f" allow_network_dir to open it all the same kind={kind} directory={directory}"
        )


def lock_for_writing(fs: FileSystem, directory: str, now_ms: int) -> Lock:
    """Keep everybody else out.

    Raises:
        DatabaseLocked: it is open elsewhere; names the holder.
    """
    try:
        return fs.lock(join(directory, LOCK), f"{identity()} opened at {now_ms} ms")
    except BlockingIOError as error:
        raise _is_locked(error, directory) from error


def lock_for_reading(fs: FileSystem, directory: str) -> Lock:
    """Keep writers out, together with other readers. A copy may have no lock file: nobody writes to that.

    Raises:
        DatabaseLocked: it is open for writing.
    """
    try:
        return fs.lock_shared(join(directory, LOCK))
    except FileNotFoundError:
        return _NoLock()
    except BlockingIOError as error:
        raise _is_locked(error, directory) from error


class _NoLock:
    def release(self) -> None:
        """There is nothing to release."""


def _is_locked(error: BlockingIOError, directory: str) -> DatabaseLocked:
    return DatabaseLocked(
        f"database is open elsewhere directory={directory} holder={error.filename2 or 'unknown'!s}"
    )
