"""Continuous backups of tables, as calls: which tables may be restored to a point, and from when on.

The archive is of the one log, and so of every table. The setting of a table decides whether its points may
be asked for. It begins a window of its own when it is turned on, as the service's does: what the archive has
from before is not the table's to restore. Stored form, a catalog entry of its own (``table/keys``), msgpack:

    setting := [1, recovery_period_days | nil, enabled_ms, enabled_seqno]

A table that is dropped leaves its setting behind, until another table's is changed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

import msgpack

from kvdb.api.archive import (
    ArchiveDescription,
    ContinuousBackupsDescription,
    DescribeArchiveResult,
    DescribeContinuousBackups,
    DescribeContinuousBackupsResult,
    LabelArchive,
    LabelArchiveResult,
    RestoreTableToPointInTime,
    RestoreTableToPointInTimeResult,
    UpdateContinuousBackups,
    UpdateContinuousBackupsResult,
)
from kvdb.backup.archive import Archive
from kvdb.backup.archive_history import History, read_history
from kvdb.backup.jobs import JobFailed
from kvdb.backup.restore import Plan
from kvdb.backup.service import BackupService, kept_indexes, throughput_of
from kvdb.env.env import Env
from kvdb.env.worker import Plain
from kvdb.errors import (
    ContinuousBackupsUnavailable,
    CorruptionError,
    InvalidRestoreTime,
    PointInTimeRecoveryUnavailable,
    ResourceNotFound,
    TableNotFound,
    ValidationError,
)
from kvdb.lsm.engine import Engine, WriteBatch
from kvdb.table import keys
from kvdb.table.catalog import Catalog, Table
from kvdb.table.descriptor import Billing, RestoreSetting

_FORMAT_VERSION: Final = 1
_DAY_MS: Final = 24 * 3_600_000
POINT: Final = "point"
"""The source of a restore from the archive: ``{POINT: seqno}`` (``restore_jobs``)."""
NO_ARCHIVE: Final = "the database was opened without an archive (archive=URL, or serve --archive URL)"


class Setting(NamedTuple):
    """Point-in-time recovery of a table, turned on."""

    recovery_period_days: int | None
    enabled_ms: int
    enabled_seqno: int


class ContinuousBackups:
    """The calls about the archive of one database."""

    def __init__(
        self, engine: Engine, catalog: Catalog, env: Env, archive: Archive | None, backups: BackupService
    ) -> None:
        self._engine = engine
        self._catalog = catalog
        self._env = env
        self._archive = archive
        self._backups = backups

    @property
    def archive(self) -> Archive | None:
        return self._archive

    def update(self, request: UpdateContinuousBackups) -> UpdateContinuousBackupsResult:
        """Source: API Reference, UpdateContinuousBackups.

        Raises:
            TableNotFound: there is no such table.
            ContinuousBackupsUnavailable: there is no archive to turn on.
            ValidationError: the archive does not keep that long.
        """
        table = self._table(request.table_name)
        key = keys.recovery_key(table.descriptor.table_id)
        batch = self._without_dropped(WriteBatch())
        if not request.enabled:
            if request.recovery_period_days is not None:
                raise ValidationError(
                    "One or more parameter values were invalid: RecoveryPeriodInDays is for point in time"
                    " recovery that is enabled"
                )
            self._engine.write(batch.delete(key))
            return UpdateContinuousBackupsResult(self._described(table))
        if self._archive is None:
            raise ContinuousBackupsUnavailable(NO_ARCHIVE)
        kept_days = self._archive.options.window_days
        days = request.recovery_period_days
        if days is not None and days > kept_days:
            raise ValidationError(f"the archive keeps {kept_days} days: RecoveryPeriodInDays is {days}")
        setting = self._setting(table)
        # Turned on again it goes on; only turning it off ends its window.
        if setting is None:
            setting = Setting(days, self._env.hlc.wall_ms(), self._engine.last_seqno)
        changed = [_FORMAT_VERSION, days, setting.enabled_ms, setting.enabled_seqno]
        self._engine.write(batch.put(key, msgpack.packb(changed)))
        return UpdateContinuousBackupsResult(self._described(table))

    def describe(self, request: DescribeContinuousBackups) -> DescribeContinuousBackupsResult:
        """Source: API Reference, DescribeContinuousBackups.

        Raises:
            TableNotFound: there is no such table.
        """
        return DescribeContinuousBackupsResult(self._described(self._table(request.table_name)))

    def restore_table(self, request: RestoreTableToPointInTime) -> RestoreTableToPointInTimeResult:
        """Source: API Reference, RestoreTableToPointInTime. The restored table has the settings that its
        source has now. An index that is younger than the point is built when the rows are there.

        Raises:
            TableNotFound: there is no such table to restore from.
            PointInTimeRecoveryUnavailable: it is not turned on for it.
            InvalidRestoreTime: the point cannot be restored, or is before it was turned on.
            TableAlreadyExists, TableInUse, LimitExceeded: as ``RestoreTableFromBackup``.
            CorruptionError: what the point needs of the archive is damaged.
        """
        table = self._table(request.source_table_name or "")
        descriptor = table.descriptor
        setting = self._setting(table)
        archive = self._archive
        if setting is None or archive is None:
            raise PointInTimeRecoveryUnavailable(
                f"Point in time recovery is not enabled for table '{descriptor.name}'"
            )
        history = read_history(archive.store, archive.database_id)
        seqno = history.plan(self._point(request, table, history, archive)).seqno
        if seqno < setting.enabled_seqno:
            raise InvalidRestoreTime(
                f"the point is before point in time recovery was enabled seqno={seqno}"
                f" enabled={setting.enabled_seqno}"
            )
        young = tuple(
            replace(index, status="CREATING") if index.since_seqno > seqno else index
            for index in descriptor.indexes
        )
        mode = request.billing_mode_override
        made = self._backups.begin_restore(
            {POINT: seqno},
            replace(descriptor, indexes=young),
            RestoreSetting("", self._catalog.arn_prefix + descriptor.name, 0, is_in_progress=True),
            request.target_table_name,
            in_place=request.in_place,
            index_names=kept_indexes(request, descriptor),
            billing=None if mode is None else Billing(mode),
            throughput=throughput_of(request),
        )
        return RestoreTableToPointInTimeResult(made.table_description, made.job_id)

    def _point(
        self, request: RestoreTableToPointInTime, table: Table, history: History, archive: Archive
    ) -> int:
        """The seqno that is meant."""
        if request.label is not None:
            return history.point_of_label(request.label)
        if request.seqno is not None:
            return request.seqno
        if request.restore_date_time_ms is None:
            return history.last_seqno
        described = self._described(table)
        earliest_ms, latest_ms = described.earliest_restorable_ms, described.latest_restorable_ms
        if (
            earliest_ms is None
            or latest_ms is None
            or not (earliest_ms <= request.restore_date_time_ms <= latest_ms)
        ):
            raise InvalidRestoreTime(
                f"the point is not between the earliest and the latest restorable time: {earliest_ms} and"
                f" {latest_ms} ms restore_ms={request.restore_date_time_ms}"
            )
        return history.point_at(request.restore_date_time_ms)

    def describe_archive(self) -> DescribeArchiveResult:
        """How the archive is doing."""
        if self._archive is None:
            return DescribeArchiveResult()
        status = self._archive.status()
        return DescribeArchiveResult(
            ArchiveDescription(
                url=status.url,
                database_id=status.database_id.hex(),
                state=status.state,
                reason=status.reason,
                seqno=status.seqno,
                last_seqno=status.last_seqno,
                complete_ms=status.complete_ms,
                lag_ms=status.lag_ms,
                held_bytes=status.held_bytes,
                gaps=status.gaps,
                window_days=status.window_days,
                epoch=status.epoch,
                earliest_ms=status.earliest_ms,
                base_seqno=status.base_seqno,
            )
        )

    def label(self, request: LabelArchive) -> LabelArchiveResult:
        """Raises as ``Archive.label``, and ``ContinuousBackupsUnavailable`` when there is none."""
        if self._archive is None:
            raise ContinuousBackupsUnavailable(NO_ARCHIVE)
        made = self._archive.label(request.label)
        return LabelArchiveResult(made.label, made.seqno, made.wall_ms)

    def _described(self, table: Table) -> ContinuousBackupsDescription:
        setting = self._setting(table)
        status = None if self._archive is None else self._archive.status()
        if setting is None or status is None:
            return ContinuousBackupsDescription("DISABLED" if status is None else "ENABLED")
        days = setting.recovery_period_days or status.window_days
        earliest_ms, latest_ms = None, None
        if status.earliest_ms is not None and status.complete_ms >= setting.enabled_ms:
            window_ms = self._env.hlc.wall_ms() - days * _DAY_MS
            earliest_ms = max(status.earliest_ms, setting.enabled_ms, window_ms)
            latest_ms = max(status.complete_ms, earliest_ms)
        return ContinuousBackupsDescription("ENABLED", "ENABLED", days, earliest_ms, latest_ms)

    def _setting(self, table: Table) -> Setting | None:
        stored = self._engine.get(keys.recovery_key(table.descriptor.table_id))
        if stored is None:
            return None
        try:
            version, days, enabled_ms, enabled_seqno = msgpack.unpackb(stored)
        except (ValueError, TypeError) as error:
            raise CorruptionError(f"malformed setting of continuous backups: {error}") from error
        if version != _FORMAT_VERSION:
            raise CorruptionError(f"setting of continuous backups has format {version}")
        return Setting(days, enabled_ms, enabled_seqno)

    def _table(self, name: str) -> Table:
        try:
            return self._catalog.table(name)
        except ResourceNotFound as error:
            raise TableNotFound(f"Table not found: {name}") from error

    def _without_dropped(self, batch: WriteBatch) -> WriteBatch:
        """What tables have left that are not there any more."""
        live = {table.descriptor.table_id for table in self._catalog.all_tables()}
        span = keys.recovery_range()
        for key, _ in self._engine.scan(span.start, span.end):
            if keys.recovery_table_id(key) not in live:
                batch.delete(key)
        return batch


def plan_of_point(archive: Archive | None, seqno: Plain) -> Plan:
    """What a restore to a point does, when its job begins.

    Raises:
        JobFailed: the database was opened again without its archive.
        InvalidRestoreTime, CorruptionError: the point cannot be restored any more.
    """
    if archive is None:
        raise JobFailed("ContinuousBackupsUnavailableException", NO_ARCHIVE)
    if not isinstance(seqno, int):
        raise CorruptionError("source of a restore is not readable")
    return read_history(archive.store, archive.database_id).plan(seqno)
