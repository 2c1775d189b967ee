"""The calls of this room: from a request of ``api`` to what serves it.

A store may be shared by several databases: its backups are listed, described and restored by each.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Final

from kvdb.api import arn
from kvdb.api.archive import RestoreTableToPointInTime
from kvdb.api.backups import (
    BackupSummary,
    CreateBackup,
    CreateBackupResult,
    DeleteBackup,
    DeleteBackupResult,
    DescribeBackup,
    DescribeBackupResult,
    ListBackups,
    ListBackupsResult,
    RestoreTableFromBackup,
    RestoreTableFromBackupResult,
    SettleRestore,
    SettleRestoreResult,
)
from kvdb.api.jobs import (
    CancelJob,
    CancelJobResult,
    DescribeJob,
    DescribeJobResult,
    JobDescription,
    ListJobs,
    ListJobsResult,
)
from kvdb.backup import names, shelf
from kvdb.backup.backup_jobs import BACKUP, SWEEP, BackupRequest
from kvdb.backup.described import Describing
from kvdb.backup.jobs import JobRecord, Jobs
from kvdb.backup.manifest import BackedTable, Manifest, read_manifest
from kvdb.backup.restore_jobs import RESTORE, RestoreRequest
from kvdb.backup.store import BackupStore
from kvdb.env.env import Env
from kvdb.env.worker import Plain
from kvdb.errors import (
    BackupInUse,
    BackupNotFound,
    CorruptionError,
    LimitExceeded,
    ResourceNotFound,
    TableAlreadyExists,
    TableInUse,
    TableNotFound,
    ValidationError,
)
from kvdb.limits import LIST_BACKUPS_PAGE_MAX, LIST_JOBS_PAGE_MAX
from kvdb.table import restoring
from kvdb.table.catalog import Catalog
from kvdb.table.creation import new_throughput
from kvdb.table.descriptor import Billing, RestoreSetting, TableDescriptor, Throughput

NO_STORE: Final = "this database was opened without a backup store (backup_store, or serve --backup-store)"
_SUMMARIES_MAX: Final = 10_000


class BackupService:
    """Backups, restores and jobs of one database, as calls."""

    def __init__(
        self,
        env: Env,
        jobs: Jobs,
        catalog: Catalog,
        store: BackupStore | None,
        *,
        on_restored: Callable[[], None],
        on_dropped: Callable[[], None],
    ) -> None:
        """``on_restored``: there is a table to look after; ``on_dropped``: there are rows to remove."""
        self.jobs = jobs
        self._env = env
        self._on_restored = on_restored
        self._on_dropped = on_dropped
        self._catalog = catalog
        self._store = store
        self._describing = Describing(catalog.arn_prefix)
        self._summaries: OrderedDict[str, BackupSummary] = OrderedDict()
        """What was read of manifests, which never change: by backup id."""

    @property
    def store(self) -> BackupStore:
        """Raises ``ValidationError``: there is none."""
        if self._store is None:
            raise ValidationError(NO_STORE)
        return self._store

    # Backups.

    def create_backup(self, request: CreateBackup) -> CreateBackupResult:
        """Source: API Reference, CreateBackup.

        Raises:
            TableNotFound, TableInUse: it is not there, or not ready.
            BackupInUse: a backup of it is being made.
            LimitExceeded: too many jobs are under way.
        """
        self.store  # noqa: B018  raises if there is none
        name, descriptor = None, b""
        if request.table_name is not None:
            try:
                table = self._catalog.named(request.table_name).descriptor
            except ResourceNotFound:
                raise TableNotFound(f"Table not found: {request.table_name}") from None
            if self._catalog.described(table.name).table_status in ("CREATING", "DELETING"):
                raise TableInUse(f"Table is being created or deleted: {table.name}")
            name, descriptor = table.name, table.encoded()
        resource = self._describing.resource(name)
        if self._under_way(resource):
            raise BackupInUse(f"A backup of this table is being made: {name or 'the whole database'}")
        asked = BackupRequest(request.backup_name, name, descriptor)
        job = self.jobs.submit(BACKUP, asked.to_plain(), resource=resource)
        return CreateBackupResult(self._describing.details_of_job(job))

    def describe_backup(self, request: DescribeBackup) -> DescribeBackupResult:
        """Source: API Reference, DescribeBackup."""
        backup_id = _id_of(request.backup_arn)
        try:
            return DescribeBackupResult(self._describing.description(self._read(backup_id)))
        except BackupNotFound:
            job = self._job(backup_id)
            if job is None:
                raise _not_found(request.backup_arn) from None
            return DescribeBackupResult(self._describing.description_of_job(job))

    def list_backups(self, request: ListBackups) -> ListBackupsResult:
        """Source: API Reference, ListBackups. What is damaged is left out: ``verify`` names it."""
        start = request.exclusive_start_backup_arn
        after = "" if start is None else _id_of(start)
        limit = request.limit or LIST_BACKUPS_PAGE_MAX
        page: list[BackupSummary] = []
        for summary in self._summaries_after(after):
            if not _is_asked_for(summary, request):
                continue
            if len(page) == limit:
                return ListBackupsResult(page, page[-1].backup_arn)
            page.append(summary)
        return ListBackupsResult(page)

    def delete_backup(self, request: DeleteBackup) -> DeleteBackupResult:
        """Source: API Reference, DeleteBackup. What only it had goes by a job of its own.

        Raises:
            BackupNotFound: there is no such backup.
            BackupInUse: it is being made, or restored from.
        """
        store = self.store
        backup_id = _id_of(request.backup_arn)
        if self._job(backup_id) is not None:
            raise BackupInUse(f"Backup is being created: {request.backup_arn}")
        if self._is_restored_from(backup_id):
            raise BackupInUse(f"Backup is being restored: {request.backup_arn}")
        try:
            gone = self._describing.description(self._read(backup_id), "DELETED")
        except BackupNotFound:
            raise _not_found(request.backup_arn) from None
        store.delete(names.manifest_name(backup_id))
        self._summaries.pop(backup_id, None)
        if not any(not job.is_over for job in self.jobs.listed(SWEEP)):
            self.jobs.submit(SWEEP, None, resource=self._describing.resource(None))
        return DeleteBackupResult(gone)

    # Restores.

    def restore_table_from_backup(self, request: RestoreTableFromBackup) -> RestoreTableFromBackupResult:
        """Source: API Reference, RestoreTableFromBackup.

        Raises:
            BackupNotFound: there is no such backup, or no such table in it.
            BackupInUse: it is being made.
            TableAlreadyExists, TableInUse: the target is there, or is being made, changed or deleted.
            LimitExceeded: too many jobs are under way.
            CorruptionError: its manifest is damaged.
        """
        backup_id = _id_of(request.backup_arn)
        if self._job(backup_id) is not None:
            raise BackupInUse(f"Backup is being created: {request.backup_arn}")
        try:
            manifest = self._read(backup_id)
        except BackupNotFound:
            raise _not_found(request.backup_arn) from None
        source = _source_of(manifest, request.source_table_name)
        descriptor = source.described()
        if descriptor is None:
            raise ValidationError("a backup of this age is restored into a directory only: kvdb restore --to")
        if descriptor.restore is not None and descriptor.restore.is_in_progress:
            raise ValidationError(f"the table was itself being restored when it was backed up: {source.name}")
        indexes = kept_indexes(request, descriptor)
        setting = RestoreSetting(
            self._describing.arn(manifest), self._describing.resource(source.name), 0, is_in_progress=True
        )
        return self.begin_restore(
            {"backup": backup_id},
            descriptor,
            setting,
            request.target_table_name,
            in_place=request.in_place,
            index_names=indexes,
            billing=None if request.billing_mode_override is None else Billing(request.billing_mode_override),
            throughput=throughput_of(request),
        )

    def begin_restore(
        self,
        source: Plain,
        descriptor: TableDescriptor,
        setting: RestoreSetting,
        target: str,
        *,
        in_place: bool = False,
        index_names: Collection[str] | None = None,
        billing: Billing | None = None,
        throughput: Throughput | None = None,
    ) -> RestoreTableFromBackupResult:
        """Submit a restore of the table ``descriptor`` as ``target``, from whatever ``source`` says."""
        uuid = self._env.entropy.uuid()
        now_ms = self._env.clock.wall_ms()
        self._require_free(target, descriptor, in_place=in_place)
        table = restoring.begun(
            descriptor,
            replace(setting, restored_ms=now_ms, is_in_progress=True),
            name=restoring.hidden_name(target, uuid) if in_place else target,
            uuid=uuid,
            now_ms=now_ms,
            index_names=index_names,
            billing=billing,
            throughput=throughput,
        )
        numbers = {index.number for index in table.indexes}
        incomplete = tuple(
            index.number
            for index in descriptor.indexes
            if index.status == "CREATING" and index.number in numbers
        )
        asked = RestoreRequest(
            *(source, descriptor.table_id, descriptor.name, table, incomplete), target if in_place else ""
        )
        job = self.jobs.submit(RESTORE, asked.to_plain(), resource=self._describing.resource(target))
        # The job would make it, too; here the answer can say so, or why it cannot be.
        try:
            made = self._catalog.begin_restore(table)
        except (TableAlreadyExists, LimitExceeded):
            with contextlib.suppress(ValidationError):
                self.jobs.cancel(job.job_id)
            raise
        return RestoreTableFromBackupResult(self._catalog.as_described(made), job_id=job.job_id)

    def settle_restore(self, request: SettleRestore) -> SettleRestoreResult:
        """Confirm a restore in place, or roll it back.

        Raises:
            ResourceNotFound: there is no such table, or what was kept aside was dropped.
            ValidationError: it was not restored in place, or that is settled.
        """
        name = self._catalog.named(request.table_name).descriptor.name
        if not request.roll_back:
            described = self._catalog.settle_restore(name)
            self._on_dropped()
            return SettleRestoreResult(described)
        descriptor = self._catalog.named(name).descriptor
        setting = descriptor.restore
        if setting is None or not setting.aside:
            raise ValidationError(f"table was not restored in place, or that is settled: {name}")
        before = self._catalog.named(setting.aside).descriptor
        hidden = restoring.hidden_name(name, descriptor.uuid)
        described = self._catalog.exchange(name, before.uuid, aside=hidden, setting=None)
        self._catalog.abandon_restore(descriptor.uuid, hidden)
        self._on_dropped()
        self._on_restored()
        return SettleRestoreResult(described)

    def _require_free(self, target: str, source: TableDescriptor, *, in_place: bool) -> None:
        resource = self._describing.resource(target)
        if any(not job.is_over for job in self.jobs.listed(RESTORE, resource)):
            raise TableInUse(f"Table is being restored: {target}")
        if not in_place:
            if self._catalog.has(target):
                status = self._catalog.described(target).table_status
                if status in ("CREATING", "DELETING"):
                    raise TableInUse(f"Table is being created or deleted: {target}")
                raise TableAlreadyExists(f"Table already exists: {target}")
            return
        if not self._catalog.has(target):
            raise TableNotFound(f"Table not found: {target}")
        present = self._catalog.named(target).descriptor
        if present.status_at(self._env.clock.wall_ms()) != "ACTIVE":
            raise TableInUse(f"Table is being created, updated or deleted: {target}")
        if present.replication is not None and present.replication.is_on:
            raise ValidationError(
                f"a table that is shared with other regions is not restored in place: {target}"
            )
        if present.restore is not None and present.restore.aside:
            raise TableInUse(f"the last restore in place is not confirmed or rolled back: {target}")
        if present.keys != source.keys:
            raise ValidationError(f"the table has other key attributes than its backup: {target}")

    def _read(self, backup_id: str) -> Manifest:
        return read_manifest(self.store, backup_id)[0]

    def _job(self, backup_id: str) -> JobRecord | None:
        """The job that makes a backup."""
        for job in self.jobs.listed(BACKUP):
            if job.job_id == backup_id and not job.is_over:
                return job
        return None

    def _is_restored_from(self, backup_id: str) -> bool:
        return any(
            not job.is_over and RestoreRequest.of(job).source == {"backup": backup_id}
            for job in self.jobs.listed(RESTORE)
        )

    def _under_way(self, resource: str) -> bool:
        return any(not job.is_over for job in self.jobs.listed(BACKUP, resource))

    def _summaries_after(self, backup_id: str) -> Iterator[BackupSummary]:
        """Of the backups with higher ids, oldest first; those that are being made, too."""
        making = {job.job_id: job for job in self.jobs.listed(BACKUP) if not job.is_over}
        stored = shelf.backup_ids(self.store)
        for found in sorted({*stored, *making}):
            if found <= backup_id:
                continue
            job = making.get(found)
            if job is not None:
                yield self._describing.summary_of_job(job)
                continue
            # Deleted since it was listed, or damaged.
            with contextlib.suppress(BackupNotFound, CorruptionError):
                yield self._summary(found)

    def _summary(self, backup_id: str) -> BackupSummary:
        known = self._summaries.get(backup_id)
        if known is None:
            known = self._summaries[backup_id] = self._describing.summary(self._read(backup_id))
            if len(self._summaries) > _SUMMARIES_MAX:
                with contextlib.suppress(KeyError):
                    self._summaries.popitem(last=False)
        return known

    # Jobs.

    def describe_job(self, request: DescribeJob) -> DescribeJobResult:
        return DescribeJobResult(described_job(self.jobs.get(request.job_id)))

    def list_jobs(self, request: ListJobs) -> ListJobsResult:
        start = request.exclusive_start_job_id
        found = self.jobs.listed(request.kind, request.resource_arn)[::-1]
        if start is not None:
            found = [record for record in found if record.job_id < start]
        limit = request.limit or LIST_JOBS_PAGE_MAX
        page = found[:limit]
        return ListJobsResult(
            [described_job(record) for record in page], page[-1].job_id if limit < len(found) else None
        )

    def cancel_job(self, request: CancelJob) -> CancelJobResult:
        return CancelJobResult(described_job(self.jobs.cancel(request.job_id)))


def described_job(record: JobRecord) -> JobDescription:
    """What the job calls tell of a job."""
    return JobDescription(
        job_id=record.job_id,
        job_arn=record.arn,
        kind=record.kind,
        resource_arn=record.resource,
        status=record.status,
        is_cancelling=not record.is_over and record.ending == "CANCELLED",
        done=record.done,
        total=record.total,
        unit=record.unit,
        started_ms=record.started_ms,
        ended_ms=record.ended_ms,
        failure_code=record.failure_code or None,
        failure_message=record.failure_message or None,
    )


def _source_of(manifest: Manifest, name: str | None) -> BackedTable:
    if name is not None:
        return manifest.table(name)
    if len(manifest.tables) != 1:
        raise ValidationError("the backup has several tables: source_table_name must say which")
    return manifest.tables[0]


def kept_indexes(
    request: RestoreTableFromBackup | RestoreTableToPointInTime, source: TableDescriptor
) -> set[str] | None:
    """The names of the indexes to keep; ``None``: all."""
    if request.global_secondary_index_override is None and request.local_secondary_index_override is None:
        return None
    names_of = {
        kind: {index.name for index in source.indexes if index.kind == kind and index.status != "DELETING"}
        for kind in ("GLOBAL", "LOCAL")
    }
    kept: set[str] = set()
    for kind, given in (
        ("GLOBAL", request.global_secondary_index_override),
        ("LOCAL", request.local_secondary_index_override),
    ):
        asked = names_of[kind] if given is None else {index.index_name for index in given}
        if missing := asked - names_of[kind]:
            raise ValidationError(
                "One or more parameter values were invalid: "
                f"the backup has no {kind.lower()} index of this name: {min(missing)}"
            )
        kept |= asked
    return kept


def throughput_of(request: RestoreTableFromBackup | RestoreTableToPointInTime) -> Throughput | None:
    provisioned, on_demand = request.provisioned_throughput_override, request.on_demand_throughput_override
    if request.billing_mode_override is None and provisioned is None and on_demand is None:
        return None
    return new_throughput(provisioned, on_demand, None)


def _id_of(backup_arn: str) -> str:
    backup_id = arn.backup_id_of(backup_arn)
    if backup_id is None:
        raise _not_found(backup_arn)
    return backup_id


def _not_found(backup_arn: str) -> BackupNotFound:
    return BackupNotFound(f"Backup not found: {backup_arn}")


def _is_asked_for(summary: BackupSummary, request: ListBackups) -> bool:
    wanted = request.backup_type or "USER"
    created_ms = summary.backup_creation_date_time_ms
    lower_ms, upper_ms = request.time_range_lower_bound_ms, request.time_range_upper_bound_ms
    return (
        (wanted == "ALL" or summary.backup_type == wanted)
        and (request.table_name is None or request.table_name in (summary.table_name, summary.table_arn))
        and (lower_ms is None or created_ms >= lower_ms)
        and (upper_ms is None or created_ms < upper_ms)
    )
