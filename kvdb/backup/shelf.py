"""The backups of a store: list, find, delete, prune; and the sweep of objects nobody refers to.

Deleting a backup deletes its manifest. Its objects go with a sweep, if no other manifest has them.

A sweep must not take an object that a backup under way has found there and will refer to. Both say
what they are about to do before they look whether the other is at it:

    backup: put pending/x; wait until there is no sweep; look at objects; ...; manifest; delete pending/x
    sweep:  put sweeps/y; leave if there is a pending; delete what no manifest has; delete sweeps/y

Of two at the same time at least one sees the other. Claims are renewed while their work goes on, so
that one not renewed for ``STALE_MS`` is of a process that died. The times are those of the makers'
clocks: machines that share a store must agree on the time to some minutes. If they do not, a backup
finds its claim gone, or the sweep after its manifest, and fails rather than refer to what was taken.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Iterator
from typing import Final, NamedTuple, cast

from kvdb.backup import names
from kvdb.backup.manifest import Manifest, opened, read_manifest, sealed
from kvdb.backup.retention import Retention, kept
from kvdb.backup.store import BackupStore, ObjectNotFound, read_small
from kvdb.env.env import Env
from kvdb.errors import BackupNotFound, CorruptionError, KvdbError, ServiceUnavailable

STALE_MS: Final = 15 * 60 * 1000
_RENEW_MS: Final = 60 * 1000
_WAIT_MS_MAX: Final = 5 * 60 * 1000
_WAIT_STEP_MS: Final = 200
_CLAIM_BYTES_MAX: Final = 4096


class Claim:
    """An object that says that something is under way; a context manager."""

    def __init__(self, env: Env, store: BackupStore, name: str) -> None:
        self._env = env
        self._store = store
        self._name = name
        self._renewed_ms = 0
        self.was_lost = False
        """Somebody took it for stale: their clock is another."""

    def __enter__(self) -> Claim:
        self.refresh()
        return self

    def __exit__(self, *exc_info: object) -> None:
        # Left behind, it is stale in a while; what it stood for is over in any case.
        with contextlib.suppress(KvdbError):
            self._store.delete(self._name)

    def refresh(self) -> None:
        """Say it again."""
        if self._renewed_ms and not self._store.exists(self._name):
            self.was_lost = True
        self._renewed_ms = self._env.clock.wall_ms()
        line = json.dumps({"at_ms": self._renewed_ms}).encode()
        self._store.put(self._name, [sealed(line)], replace=True)

    def keep(self) -> None:
        """Say it again if it is time."""
        if self._env.clock.wall_ms() - self._renewed_ms >= _RENEW_MS:
            self.refresh()


def sweeps_under_way(env: Env, store: BackupStore) -> Iterator[None]:
    """Waits a little at a time until no sweep is under way.

    Raises:
        ServiceUnavailable: one goes on for minutes.
    """
    waited_ms = 0
    while _live_claims(env, store, names.SWEEPS):
        if waited_ms >= _WAIT_MS_MAX:
            raise ServiceUnavailable(f"backup store is being swept store={store.url}")
        env.clock.sleep_ms(_WAIT_STEP_MS)
        waited_ms += _WAIT_STEP_MS
        yield


def backup_ids(store: BackupStore) -> list[str]:
    """Every backup, oldest first."""
    found = (stored.name for stored in store.listed(names.BACKUPS))
    return sorted(names.id_in(name) for name in found if names.is_ours(name))


def backups(store: BackupStore) -> Iterator[Manifest]:
    """Every backup's manifest, oldest first. Raises as ``read_manifest``."""
    for backup_id in backup_ids(store):
        # Deleted by somebody else since it was listed.
        with contextlib.suppress(BackupNotFound):
            yield read_manifest(store, backup_id)[0]


def newest(store: BackupStore, database_id: bytes) -> tuple[Manifest, bytes] | None:
    """The newest backup of a database, and its manifest's digest. A damaged manifest is passed over."""
    for backup_id in reversed(backup_ids(store)):
        with contextlib.suppress(BackupNotFound, CorruptionError):
            manifest, digest = read_manifest(store, backup_id)
            if manifest.image.database_id == database_id:
                return manifest, digest
    return None


def damaged_objects(store: BackupStore) -> set[str]:
    """The names of the objects that were found damaged, and were not stored again since."""
    return {
        names.marked_object(mark.name) for mark in store.listed(names.DAMAGED) if names.is_ours(mark.name)
    }


class Swept(NamedTuple):
    """What a sweep did."""

    objects: int
    size_bytes: int
    is_deferred: bool
    """A backup was under way: nothing was deleted, a later sweep will."""


def delete(env: Env, store: BackupStore, backup_id: str) -> Swept:
    """Delete one backup, and what only it had.

    Raises:
        BackupNotFound: there is no such backup.
        CorruptionError: another backup's manifest is damaged, so nobody knows what it refers to: this
            backup is deleted, its objects stay.
    """
    name = names.manifest_name(backup_id)
    if not store.exists(name):
        raise BackupNotFound(f"Backup not found: {backup_id}")
    store.delete(name)
    return sweep(env, store)


def prune(
    env: Env,
    store: BackupStore,
    policy: Retention,
    *,
    database_id: bytes | None = None,
    dry_run: bool = False,
) -> tuple[list[str], Swept]:
    """Delete the backups that ``policy`` does not keep, each database's for itself; then sweep.

    Bases of the archive are the archive's to delete. Returns the ids of those deleted.
    """
    of_database: dict[bytes, list[Manifest]] = {}
    for manifest in backups(store):
        if manifest.kind == "user" and database_id in (None, manifest.image.database_id):
            of_database.setdefault(manifest.image.database_id, []).append(manifest)
    leaving: list[str] = []
    for found in of_database.values():
        staying = kept((manifest.created_ms for manifest in found), policy)
        leaving += [manifest.backup_id for manifest in found if manifest.created_ms not in staying]
    if dry_run or not leaving:
        return leaving, Swept(0, 0, False)
    for backup_id in leaving:
        store.delete(names.manifest_name(backup_id))
    return leaving, sweep(env, store)


def sweep(env: Env, store: BackupStore) -> Swept:
    """``sweep_steps``, to its end."""
    steps = sweep_steps(env, store)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return cast(Swept, stop.value)


def sweep_steps(env: Env, store: BackupStore) -> Generator[int, None, Swept]:
    """Delete every object that no backup refers to, unless a backup is under way. Yields how many were
    looked at.

    Memory: a digest an object.

    Raises:
        CorruptionError: a manifest is damaged: what it refers to cannot be known, nothing is deleted.
    """
    sweep_id = names.new_id(env.clock.wall_ms(), env.entropy.bytes(4))
    with Claim(env, store, names.sweep_name(sweep_id)) as claim:
        if _live_claims(env, store, names.PENDING):
            return Swept(0, 0, True)
        _drop_stale(env, store)
        referred: set[str] = set()
        for manifest in backups(store):
            referred.update(part.object_name for part in manifest.parts)
            claim.keep()
            yield 0
        objects = size = 0
        for number, stored in enumerate(list(store.listed(names.OBJECTS)), 1):
            yield number
            if stored.name in referred or not names.is_ours(stored.name):
                continue
            claim.keep()
            store.delete(stored.name)
            objects += 1
            size += stored.size
        for name in damaged_objects(store) - referred:
            store.delete(names.damage_mark(name))
        store.clean()
    return Swept(objects, size, False)


def _live_claims(env: Env, store: BackupStore, prefix: str) -> list[str]:
    return [
        stored.name
        for stored in store.listed(prefix)
        if names.is_ours(stored.name) and not _is_stale(env, store, stored.name)
    ]


def _is_stale(env: Env, store: BackupStore, name: str) -> bool:
    try:
        at_ms = opened(read_small(store, name, bytes_max=_CLAIM_BYTES_MAX), name).get("at_ms")
    except ObjectNotFound:
        return True
    except CorruptionError:
        at_ms = None
    if not isinstance(at_ms, int):
        # A damaged claim still says that there was one, and its name when that began.
        at_ms = names.time_of(names.id_in(name))
    return env.clock.wall_ms() - at_ms > STALE_MS


def _drop_stale(env: Env, store: BackupStore) -> None:
    for prefix in (names.PENDING, names.SWEEPS):
        for stored in list(store.listed(prefix)):
            if names.is_ours(stored.name) and _is_stale(env, store, stored.name):
                store.delete(stored.name)
