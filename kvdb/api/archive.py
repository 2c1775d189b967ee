"""Requests and results of the continuous archive: settings of tables, labels, how it is doing.

Times are milliseconds since 1970; the service's calls have seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from kvdb.api.tables import (
    BillingMode,
    IndexSpecification,
    OnDemandThroughput,
    ProvisionedThroughput,
    TableDescription,
)

OnOff = Literal["ENABLED", "DISABLED"]
ArchiveState = Literal["starting", "ok", "behind", "gap", "fenced", "stopped"]
"""starting: there is no base yet. behind: the store fails, the log waits. gap: a part of the log is lost to
the archive, and there is no base behind it yet. fenced: another writer has taken over."""


@dataclass(frozen=True, slots=True)
class ContinuousBackupsDescription:
    """What can be restored of one table."""

    continuous_backups_status: OnOff
    """Whether the database has an archive."""
    point_in_time_recovery_status: OnOff = "DISABLED"
    recovery_period_days: int | None = None
    earliest_restorable_ms: int | None = None
    """From here on every millisecond, up to the latest; ``None``: none yet, or it is disabled."""
    latest_restorable_ms: int | None = None


@dataclass(frozen=True, slots=True)
class UpdateContinuousBackups:
    """Turn point-in-time recovery of a table on or off. Source: API Reference."""

    table_name: str
    enabled: bool
    recovery_period_days: int | None = None
    """1 to 35; ``None``: as long as the archive keeps."""


@dataclass(frozen=True, slots=True)
class UpdateContinuousBackupsResult:
    continuous_backups: ContinuousBackupsDescription


@dataclass(frozen=True, slots=True)
class DescribeContinuousBackups:
    """Source: API Reference, DescribeContinuousBackups."""

    table_name: str


@dataclass(frozen=True, slots=True)
class DescribeContinuousBackupsResult:
    continuous_backups: ContinuousBackupsDescription


@dataclass(frozen=True, slots=True)
class RestoreTableToPointInTime:
    """Begin to make a table of what another one was at a point. It is CREATING until every row is there.

    One of the four points is given. Source: service model, RestoreTableToPointInTime.
    """

    target_table_name: str
    source_table_name: str | None = None
    """Or its ARN."""
    use_latest_restorable_time: bool | None = None
    restore_date_time_ms: int | None = None
    """The last commit at or before it."""
    billing_mode_override: BillingMode | None = None
    global_secondary_index_override: list[IndexSpecification] | None = None
    """The indexes to keep; ``None``: all."""
    local_secondary_index_override: list[IndexSpecification] | None = None
    provisioned_throughput_override: ProvisionedThroughput | None = None
    on_demand_throughput_override: OnDemandThroughput | None = None
    seqno: int | None = None
    """Native: a commit."""
    label: str | None = None
    """Native: a point that was given a name."""
    in_place: bool = False
    """Native: the target is the source; what it holds is kept aside until ``SettleRestore``."""


@dataclass(frozen=True, slots=True)
class RestoreTableToPointInTimeResult:
    table_description: TableDescription
    job_id: str = ""
    """Native."""


@dataclass(frozen=True, slots=True)
class ArchiveDescription:
    """How the archive of a database is doing."""

    url: str
    database_id: str
    state: ArchiveState
    reason: str
    """Why it is not ok; empty: nothing to tell."""
    seqno: int
    """The newest commit in the archive."""
    last_seqno: int
    """The newest commit of the database."""
    complete_ms: int
    """Up to this time every write is in the archive."""
    lag_ms: int
    held_bytes: int
    """Of the log, on disk for the archive's sake."""
    gaps: int
    """Since the database was opened."""
    window_days: int
    epoch: str | None = None
    earliest_ms: int | None = None
    """From here on every point can be restored."""
    base_seqno: int | None = None


@dataclass(frozen=True, slots=True)
class DescribeArchive:
    """Native."""


@dataclass(frozen=True, slots=True)
class DescribeArchiveResult:
    archive: ArchiveDescription | None = None
    """``None``: the database has none."""


@dataclass(frozen=True, slots=True)
class LabelArchive:
    """Give the present a name in the archive. Native."""

    label: str


@dataclass(frozen=True, slots=True)
class LabelArchiveResult:
    label: str
    seqno: int
    wall_ms: int


ArchiveRequest: TypeAlias = (
    UpdateContinuousBackups
    | DescribeContinuousBackups
    | RestoreTableToPointInTime
    | DescribeArchive
    | LabelArchive
)
ArchiveResult: TypeAlias = (
    UpdateContinuousBackupsResult
    | DescribeContinuousBackupsResult
    | RestoreTableToPointInTimeResult
    | DescribeArchiveResult
    | LabelArchiveResult
)
