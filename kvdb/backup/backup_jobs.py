"""The jobs of backups: making one, and the sweep after one was deleted (``jobs``)."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Final

from kvdb.backup import names, on_demand, shelf
from kvdb.backup.jobs import Advance, JobFailed, JobRecord, Steps
from kvdb.backup.manifest import read_manifest
from kvdb.backup.store import BackupStore
from kvdb.env.env import Env
from kvdb.env.worker import Plain
from kvdb.errors import BackupNotFound, CorruptionError, KvdbError
from kvdb.lsm.engine import Engine

BACKUP: Final = "backup"
SWEEP: Final = "sweep"


@dataclass(frozen=True, slots=True)
class BackupRequest:
    """What a backup job was asked for."""

    name: str
    table_name: str | None
    """``None``: the whole database."""
    descriptor: bytes
    """The table's, when it was asked for."""

    def to_plain(self) -> Plain:
        return {"name": self.name, "table": self.table_name, "descriptor": self.descriptor}

    @classmethod
    def of(cls, job: JobRecord) -> BackupRequest:
        """Raises ``CorruptionError``: the record of the job holds something else."""
        match job.request:
            case {"name": str(name), "table": str() | None as table, "descriptor": bytes(descriptor)}:
                return cls(name, table, descriptor)
        raise CorruptionError(f"request of a backup job is not readable job={job.job_id}")


class BackupRunner:
    """Kind "backup": one file a step. The job's id is the backup's. Begun again, it finds what it has
    stored already in the store."""

    unit = "bytes"

    def __init__(self, env: Env, engine: Engine, store: BackupStore | None) -> None:
        self._env = env
        self._engine = engine
        self._store = store

    def steps(self, job: JobRecord) -> Steps:
        store = require_store(self._store)
        request = BackupRequest.of(job)
        with contextlib.suppress(BackupNotFound):
            manifest, _ = read_manifest(store, job.job_id)
            return {"stored_bytes": manifest.stored_bytes}
        making = on_demand.steps(
            self._env,
            self._engine,
            store,
            tables=None if request.table_name is None else [request.table_name],
            name=request.name,
            backup_id=job.job_id,
        )
        try:
            while True:
                progress = next(making)
                yield Advance(progress.bytes_done, progress.bytes_total)
        except StopIteration as stop:
            return {"stored_bytes": stop.value.stored_bytes}
        finally:
            making.close()

    def undo(self, job: JobRecord) -> None:
        """What was stored goes with the next sweep. A store that refuses even this has no manifest of
        this backup either, or one that is whole."""
        if self._store is None:
            return
        for name in (names.manifest_name(job.job_id), names.pending_name(job.job_id)):
            with contextlib.suppress(KvdbError):
                self._store.delete(name)


class SweepRunner:
    """Kind "sweep": take away what no backup refers to."""

    unit = "objects"

    def __init__(self, env: Env, store: BackupStore | None) -> None:
        self._env = env
        self._store = store

    def steps(self, job: JobRecord) -> Steps:
        sweeping = shelf.sweep_steps(self._env, require_store(self._store))
        try:
            while True:
                yield Advance(next(sweeping), 0)
        except StopIteration as stop:
            return {"objects": stop.value.objects, "bytes": stop.value.size_bytes}
        finally:
            sweeping.close()

    def undo(self, job: JobRecord) -> None:
        """A sweep that ended half way leaves nothing half done."""


def require_store(store: BackupStore | None) -> BackupStore:
    """Raises ``JobFailed``: the database was opened again without one."""
    if store is None:
        raise JobFailed("BackupStoreError", "the database was opened without the backup store of this job")
    return store
