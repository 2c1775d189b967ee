"""From a URL to a store.

/path/to/directory, file:///path        a directory
s3://bucket/prefix, gs://…, az://…      an object store, with the extra ``kvdb[backup]``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kvdb.backup import names
from kvdb.backup.retry import RetryingStore
from kvdb.backup.store import BackupStore, DirectoryStore, IsName, scheme_of
from kvdb.env.env import Env
from kvdb.errors import BackupStoreError

_OBJECT_SCHEMES: Final = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss")


def open_store(
    url: str, env: Env, settings: Mapping[str, str] | None = None, *, is_name: IsName = names.is_ours
) -> BackupStore:
    """The store that ``url`` names. Nothing is made or asked for yet. ``is_name``: what it may hold.

    Raises:
        BackupStoreError: the URL is not understood, or the extra is not installed.
    """
    scheme = scheme_of(url)
    if scheme in ("", "file"):
        path = url.removeprefix("file://")
        if not path:
            raise BackupStoreError(f"backup store has no path store={url!r}")
        return RetryingStore(DirectoryStore(env.fs, path, env.entropy.bytes(8), is_name), env)
    if scheme not in _OBJECT_SCHEMES:
        raise BackupStoreError(f"unknown kind of backup store scheme={scheme} store={url}")
    try:
        from kvdb.backup.object_store import ObjectStore
    except ModuleNotFoundError as error:
        raise BackupStoreError(f"{error.name} is missing: pip install 'kvdb[backup]'") from None
    return RetryingStore(ObjectStore(url, settings, is_name=is_name), env)
